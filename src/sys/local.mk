noinst_LIBRARIES += %reldir%/libsys.a
%canon_reldir%_libsys_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/src
%canon_reldir%_libsys_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libsys_a_SOURCES = \
	%reldir%/clock_sys.c \
	%reldir%/clock_sys.h \
	%reldir%/file_replace.c \
	%reldir%/file_replace.h \
	%reldir%/files.c \
	%reldir%/files.h \
	%reldir%/fs_sys.c \
	%reldir%/fs_sys.h \
	%reldir%/language.c \
	%reldir%/language.h \
	%reldir%/log_format.c \
	%reldir%/log_format.h \
	%reldir%/log_limit.c \
	%reldir%/log_limit.h \
	%reldir%/log_sys.c \
	%reldir%/log_sys.h \
	%reldir%/own_daemon.c \
	%reldir%/own_daemon.h \
	%reldir%/privilege.c \
	%reldir%/privilege.h \
	%reldir%/terminal.c \
	%reldir%/terminal.h \
	%reldir%/trust.c \
	%reldir%/trust.h \
	%reldir%/said.c \
	%reldir%/said.h \
	%reldir%/sandbox.h \
	%reldir%/sandbox_landlock.c \
	%reldir%/sandbox_seccomp.c \
	%reldir%/userns.c \
	%reldir%/userns.h
