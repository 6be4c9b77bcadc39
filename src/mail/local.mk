noinst_LIBRARIES += %reldir%/libmail.a
%canon_reldir%_libmail_a_CFLAGS = $(AM_CFLAGS) $(IDN2_CFLAGS)
%canon_reldir%_libmail_a_SOURCES = \
	%reldir%/addr.c \
	%reldir%/addr.h \
	%reldir%/addr_list.c \
	%reldir%/addr_list.h \
	%reldir%/content_type.c \
	%reldir%/content_type.h \
	%reldir%/date.c \
	%reldir%/date.h \
	%reldir%/diagnosis.c \
	%reldir%/diagnosis.h \
	%reldir%/dsn.c \
	%reldir%/dsn.h \
	%reldir%/envelope.c \
	%reldir%/envelope.h \
	%reldir%/header.c \
	%reldir%/header.h \
	%reldir%/idna.c \
	%reldir%/idna.h \
	%reldir%/mailbox.c \
	%reldir%/mailbox.h \
	%reldir%/mime.c \
	%reldir%/mime.h \
	%reldir%/msgid.c \
	%reldir%/msgid.h \
	%reldir%/parts.c \
	%reldir%/parts.h \
	%reldir%/received.c \
	%reldir%/received.h \
	%reldir%/verdict.c \
	%reldir%/verdict.h \
	%reldir%/xtext.c \
	%reldir%/xtext.h
