noinst_LIBRARIES += %reldir%/libmail.a
%canon_reldir%_libmail_a_CFLAGS = $(AM_CFLAGS) $(IDN2_CFLAGS)
%canon_reldir%_libmail_a_SOURCES = \
	%reldir%/envelope.c \
	%reldir%/envelope.h \
	%reldir%/verdict.c \
	%reldir%/verdict.h
