noinst_LIBRARIES += %reldir%/libfixup.a
%canon_reldir%_libfixup_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libfixup_a_SOURCES = \
	%reldir%/bcc.c \
	%reldir%/bcc.h \
	%reldir%/eightbit.c \
	%reldir%/eightbit.h \
	%reldir%/equals.c \
	%reldir%/equals.h \
	%reldir%/fields.c \
	%reldir%/fields.h \
	%reldir%/fill.c \
	%reldir%/fill.h \
	%reldir%/identity.c \
	%reldir%/identity.h \
	%reldir%/intake.c \
	%reldir%/intake.h \
	%reldir%/lines.c \
	%reldir%/lines.h \
	%reldir%/locals.c \
	%reldir%/locals.h \
	%reldir%/notes.c \
	%reldir%/notes.h \
	%reldir%/once.c \
	%reldir%/once.h \
	%reldir%/outgoing.c \
	%reldir%/outgoing.h \
	%reldir%/recode.c \
	%reldir%/recode.h \
	%reldir%/repair.c \
	%reldir%/repair.h \
	%reldir%/signature.c \
	%reldir%/signature.h \
	%reldir%/trace.c \
	%reldir%/trace.h
