# relais-postgres.so: all that it needs is in it, but for libpq and libc, so the
# programs export nothing.
if HAVE_POSTGRES
moduledir = $(pkglibdir)
module_PROGRAMS = relais-postgres.so
relais_postgres_so_CFLAGS = $(AM_CFLAGS) $(POSTGRES_CFLAGS) -fPIC -fvisibility=hidden
relais_postgres_so_LDFLAGS = -shared $(MODULE_LDFLAGS)
relais_postgres_so_LDADD = $(POSTGRES_LIBS) $(IDN2_LIBS) -lpthread
relais_postgres_so_SOURCES = \
	%reldir%/pg_core.h \
	%reldir%/pg_history.c \
	%reldir%/pg_list.c \
	%reldir%/pg_module.c \
	%reldir%/pg_move.c \
	%reldir%/pg_node.c \
	%reldir%/pg_pool.c \
	%reldir%/pg_pool.h \
	%reldir%/pg_read.c \
	%reldir%/pg_schema.c \
	%reldir%/pg_schema.h \
	%reldir%/pg_shared.c \
	%reldir%/pg_store.c \
	%reldir%/pg_store.h \
	%reldir%/pg_task.c \
	%reldir%/pg_write.c \
	src/base/buf.c \
	src/base/crc32.c \
	src/base/err.c \
	src/base/num.c \
	src/base/str.c \
	src/base/xalloc.c \
	src/mail/envelope.c \
	src/mail/verdict.c \
	src/store/journal.c \
	src/store/qid.c \
	src/store/spool_word.c \
	src/store/store_text.c
endif
