noinst_LIBRARIES += %reldir%/libstore.a
%canon_reldir%_libstore_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libstore_a_SOURCES = \
	%reldir%/disk.c \
	%reldir%/disk.h \
	%reldir%/drop.c \
	%reldir%/drop.h \
	%reldir%/drop_folder.c \
	%reldir%/drop_folder.h \
	%reldir%/qid.c \
	%reldir%/qid.h \
	%reldir%/spool.c \
	%reldir%/spool.h \
	%reldir%/spool_core.h \
	%reldir%/spool_folder.c \
	%reldir%/history.c \
	%reldir%/history.h \
	%reldir%/spool_history.c \
	%reldir%/journal_text.c \
	%reldir%/journal_text.h \
	%reldir%/journal.c \
	%reldir%/journal.h \
	%reldir%/spool_path.c \
	%reldir%/spool_read.c \
	%reldir%/spool_scan.c \
	%reldir%/store.h \
	%reldir%/store_module.c \
	%reldir%/store_module.h \
	%reldir%/store_move.c \
	%reldir%/store_move.h \
	%reldir%/store_text.c \
	%reldir%/store_view.c \
	%reldir%/store_view.h \
	%reldir%/store_text.h \
	%reldir%/spool_word.c \
	%reldir%/spool_word.h \
	%reldir%/spool_write.c
