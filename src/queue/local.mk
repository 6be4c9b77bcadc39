noinst_LIBRARIES += %reldir%/libqueue.a
%canon_reldir%_libqueue_a_CFLAGS = $(AM_CFLAGS) -pthread
%canon_reldir%_libqueue_a_SOURCES = \
	%reldir%/bounce.c \
	%reldir%/bounce.h \
	%reldir%/budget.c \
	%reldir%/budget.h \
	%reldir%/delivery.c \
	%reldir%/disk.c \
	%reldir%/disk.h \
	%reldir%/draft.c \
	%reldir%/drop.c \
	%reldir%/drop.h \
	%reldir%/due.c \
	%reldir%/due.h \
	%reldir%/qid.c \
	%reldir%/qid.h \
	%reldir%/queue.c \
	%reldir%/queue.h \
	%reldir%/queue_control.c \
	%reldir%/queue_core.h \
	%reldir%/queue_count.c \
	%reldir%/queue_drop.c \
	%reldir%/queue_entry.c \
	%reldir%/queue_flight.c \
	%reldir%/queue_fold.c \
	%reldir%/queue_job.c \
	%reldir%/queue_notice.c \
	%reldir%/queue_pace.c \
	%reldir%/queue_remove.c \
	%reldir%/queue_scan.c \
	%reldir%/queue_user.c \
	%reldir%/retry.c \
	%reldir%/retry.h \
	%reldir%/spool.c \
	%reldir%/spool.h \
	%reldir%/spool_core.h \
	%reldir%/spool_folder.c \
	%reldir%/spool_history.c \
	%reldir%/spool_history.h \
	%reldir%/spool_journal.c \
	%reldir%/spool_journal.h \
	%reldir%/spool_read.c \
	%reldir%/spool_text.c \
	%reldir%/spool_text.h \
	%reldir%/spool_word.c \
	%reldir%/spool_word.h \
	%reldir%/spool_write.c
