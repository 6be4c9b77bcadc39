noinst_LIBRARIES += %reldir%/libbase.a
%canon_reldir%_libbase_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libbase_a_SOURCES = \
	%reldir%/ascii.h \
	%reldir%/base64.c \
	%reldir%/base64.h \
	%reldir%/budget.c \
	%reldir%/budget.h \
	%reldir%/buf.c \
	%reldir%/buf.h \
	%reldir%/clock.h \
	%reldir%/crc32.c \
	%reldir%/crc32.h \
	%reldir%/due.c \
	%reldir%/due.h \
	%reldir%/err.c \
	%reldir%/err.h \
	%reldir%/fs.h \
	%reldir%/intl.h \
	%reldir%/list.h \
	%reldir%/log.c \
	%reldir%/log.h \
	%reldir%/must.h \
	%reldir%/num.c \
	%reldir%/num.h \
	%reldir%/rng.h \
	%reldir%/secret.c \
	%reldir%/secret.h \
	%reldir%/share_turn.h \
	%reldir%/siphash.c \
	%reldir%/siphash.h \
	%reldir%/slab.c \
	%reldir%/slab.h \
	%reldir%/str.c \
	%reldir%/str.h \
	%reldir%/str_set.c \
	%reldir%/str_set.h \
	%reldir%/uid.h \
	%reldir%/work.h \
	%reldir%/xalloc.c \
	%reldir%/xalloc.h
