noinst_LIBRARIES += %reldir%/libqueue.a
%canon_reldir%_libqueue_a_CFLAGS = $(AM_CFLAGS) -pthread
%canon_reldir%_libqueue_a_SOURCES = \
	%reldir%/remote_requests.c \
	%reldir%/remote_requests.h \
	%reldir%/remote_store.c \
	%reldir%/remote_store.h \
	%reldir%/body.c \
	%reldir%/body.h \
	%reldir%/claim.c \
	%reldir%/claim.h \
	%reldir%/manage.c \
	%reldir%/count.c \
	%reldir%/count.h \
	%reldir%/draft.c \
	%reldir%/drops.c \
	%reldir%/drops.h \
	%reldir%/entry.c \
	%reldir%/entry.h \
	%reldir%/failed.c \
	%reldir%/failed.h \
	%reldir%/gate.c \
	%reldir%/gate.h \
	%reldir%/inside.h \
	%reldir%/job.c \
	%reldir%/job.h \
	%reldir%/message.c \
	%reldir%/message.h \
	%reldir%/message_client.c \
	%reldir%/message_client.h \
	%reldir%/message_disk.c \
	%reldir%/message_disk.h \
	%reldir%/news.c \
	%reldir%/news.h \
	%reldir%/head_start.c \
	%reldir%/head_start.h \
	%reldir%/original.c \
	%reldir%/original.h \
	%reldir%/queue.c \
	%reldir%/queue.h \
	%reldir%/removal.c \
	%reldir%/removal.h \
	%reldir%/retry.c \
	%reldir%/retry.h \
	%reldir%/scan.c \
	%reldir%/scan.h \
	%reldir%/schedule.c \
	%reldir%/schedule.h
