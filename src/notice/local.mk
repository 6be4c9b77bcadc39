noinst_LIBRARIES += %reldir%/libnotice.a
%canon_reldir%_libnotice_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libnotice_a_SOURCES = \
	%reldir%/alert.c \
	%reldir%/alert.h \
	%reldir%/bounce.c \
	%reldir%/bounce.h \
	%reldir%/digest.c \
	%reldir%/digest.h \
	%reldir%/dsn.c \
	%reldir%/dsn.h \
	%reldir%/notice_cap.c \
	%reldir%/notice_cap.h \
	%reldir%/notices.c \
	%reldir%/notices.h \
	%reldir%/page.c \
	%reldir%/page.h
