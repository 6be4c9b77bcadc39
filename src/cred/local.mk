noinst_LIBRARIES += %reldir%/libcred.a
%canon_reldir%_libcred_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libcred_a_SOURCES = \
	%reldir%/argv.c \
	%reldir%/argv.h \
	%reldir%/cred.c \
	%reldir%/cred.h \
	%reldir%/cred_command.c \
	%reldir%/cred_command.h \
	%reldir%/cred_file.c \
	%reldir%/cred_file.h \
	%reldir%/cred_helper.c \
	%reldir%/cred_helper.h \
	%reldir%/cred_oauth.c \
	%reldir%/cred_oauth.h \
	%reldir%/cred_run.c \
	%reldir%/cred_run.h \
	%reldir%/cred_wire.c \
	%reldir%/cred_wire.h
