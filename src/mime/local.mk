noinst_LIBRARIES += %reldir%/libmime.a
%canon_reldir%_libmime_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libmime_a_SOURCES = \
	%reldir%/content_type.c \
	%reldir%/content_type.h \
	%reldir%/rfc2047.c \
	%reldir%/rfc2047.h \
	%reldir%/words.c \
	%reldir%/words.h
