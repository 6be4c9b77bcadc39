noinst_LIBRARIES += %reldir%/libqueue.a
%canon_reldir%_libqueue_a_CFLAGS = $(AM_CFLAGS) -pthread
%canon_reldir%_libqueue_a_SOURCES = \
	%reldir%/bounce.c \
	%reldir%/bounce.h \
	%reldir%/claim.c \
	%reldir%/draft.c \
	%reldir%/due.c \
	%reldir%/due.h \
	%reldir%/queue.c \
	%reldir%/queue.h \
	%reldir%/queue_control.c \
	%reldir%/queue_core.h \
	%reldir%/queue_count.c \
	%reldir%/queue_drop.c \
	%reldir%/queue_entry.c \
	%reldir%/queue_gate.c \
	%reldir%/queue_job.c \
	%reldir%/queue_message.c \
	%reldir%/queue_notice.c \
	%reldir%/queue_pace.c \
	%reldir%/queue_remove.c \
	%reldir%/queue_scan.c \
	%reldir%/retry.c \
	%reldir%/retry.h
