noinst_LIBRARIES += %reldir%/librewrite.a
%canon_reldir%_librewrite_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_librewrite_a_SOURCES = \
	%reldir%/bcc.c \
	%reldir%/bcc.h \
	%reldir%/content.c \
	%reldir%/content.h \
	%reldir%/fold_hash.c \
	%reldir%/fold_hash.h \
	%reldir%/eightbit.c \
	%reldir%/eightbit.h \
	%reldir%/fields.c \
	%reldir%/fields.h \
	%reldir%/identity.c \
	%reldir%/identity.h \
	%reldir%/intake.c \
	%reldir%/intake.h \
	%reldir%/lines.c \
	%reldir%/lines.h \
	%reldir%/locals.c \
	%reldir%/locals.h \
	%reldir%/mime_stream.c \
	%reldir%/mime_stream.h \
	%reldir%/missing_fields.c \
	%reldir%/missing_fields.h \
	%reldir%/notes.c \
	%reldir%/notes.h \
	%reldir%/outgoing.c \
	%reldir%/outgoing.h \
	%reldir%/recode.c \
	%reldir%/recode.h \
	%reldir%/repair.c \
	%reldir%/repair.h \
	%reldir%/signature.c \
	%reldir%/signature.h \
	%reldir%/single_fields.c \
	%reldir%/single_fields.h \
	%reldir%/trace.c \
	%reldir%/trace.h
