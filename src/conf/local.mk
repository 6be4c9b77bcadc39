noinst_LIBRARIES += %reldir%/libconf.a
%canon_reldir%_libconf_a_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)
%canon_reldir%_libconf_a_SOURCES = \
	%reldir%/account.c \
	%reldir%/account.h \
	%reldir%/conf.c \
	%reldir%/conf.h \
	%reldir%/conf_account.c \
	%reldir%/conf_build.h \
	%reldir%/conf_listen.c \
	%reldir%/conf_read.c \
	%reldir%/conf_read.h \
	%reldir%/provider.c \
	%reldir%/provider.h \
	%reldir%/setting.c \
	%reldir%/setting.h
dist_pkgdata_DATA = %reldir%/providers
