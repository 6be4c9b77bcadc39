noinst_LIBRARIES += %reldir%/libconf.a
%canon_reldir%_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/src
%canon_reldir%_libconf_a_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libconf_a_SOURCES = \
	%reldir%/alias.c \
	%reldir%/alias.h \
	%reldir%/conf.c \
	%reldir%/conf.h \
	%reldir%/conf_account.c \
	%reldir%/conf_build.h \
	%reldir%/conf_edit.c \
	%reldir%/conf_edit.h \
	%reldir%/conf_listen.c \
	%reldir%/conf_paths.c \
	%reldir%/conf_read.c \
	%reldir%/conf_read.h \
	%reldir%/conf_vars.c \
	%reldir%/conf_vars.h \
	%reldir%/config_json.c \
	%reldir%/config_json.h \
	%reldir%/oauth_rows.c \
	%reldir%/oauth_rows.h \
	%reldir%/provider.c \
	%reldir%/provider.h \
	%reldir%/replies.c \
	%reldir%/replies.h \
	%reldir%/route.c \
	%reldir%/route.h \
	%reldir%/setting.c \
	%reldir%/setting.h
dist_pkgdata_DATA += %reldir%/providers %reldir%/oauth2

# Both once more, as strings in the program.
BUILT_SOURCES += %reldir%/providers.inc %reldir%/oauth2.inc
CLEANFILES += %reldir%/providers.inc %reldir%/oauth2.inc
%reldir%/providers.inc: %reldir%/providers
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	    sed -e '/^#/d' -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' \
		'$(srcdir)/%reldir%/providers' >$@.tmp && mv $@.tmp $@
%reldir%/libconf_a-provider.$(OBJEXT): %reldir%/providers.inc
%reldir%/oauth2.inc: %reldir%/oauth2
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	    sed -e '/^#/d' -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' \
		'$(srcdir)/%reldir%/oauth2' >$@.tmp && mv $@.tmp $@
%reldir%/libconf_a-oauth.$(OBJEXT): %reldir%/oauth2.inc
