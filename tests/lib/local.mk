# Helpers: over cmocka for the unit tests, the sandbox for the end-to-end tests,
# and the throw-away provider.
EXTRA_DIST += \
	%reldir%/sandbox.sh \
	%reldir%/debian.sh \
	%reldir%/typed.sh \
	%reldir%/worlds.sh \
	%reldir%/container %reldir%/manifest \
	%reldir%/diskfault.c \
	%reldir%/check.h %reldir%/decode.h %reldir%/import_case.h %reldir%/random_source.h %reldir%/files.h \
	%reldir%/userns.h \
	%reldir%/loop_fixture.h \
	%reldir%/honest.sh \
	%reldir%/load.py %reldir%/load.sh \
	%reldir%/naive.py \
	%reldir%/peers %reldir%/postgres.sh %reldir%/shared.sh \
	%reldir%/rulebook \
	%reldir%/sink.py \
	%reldir%/peek.py %reldir%/dialogue.py %reldir%/dnsd.py %reldir%/httpsd.py %reldir%/pseudo.py \
	%reldir%/nss.py \
	%reldir%/ss_driver.h %reldir%/ss_login.h \
	%reldir%/quiet.h \
	%reldir%/temp.h \
	%reldir%/slowusers.c \
	%reldir%/token_server.py %reldir%/oidc.mjs %reldir%/browser.mjs %reldir%/web.mjs %reldir%/form_browser.py \
	%reldir%/timeshift.c %reldir%/timeshift.py %reldir%/timeshift.sh

noinst_PROGRAMS += %reldir%/provider
%canon_reldir%_provider_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS)
%canon_reldir%_provider_SOURCES = \
	%reldir%/fault.c \
	%reldir%/fault.h \
	%reldir%/provider.c \
	%reldir%/provider.h \
	%reldir%/provider_session.c \
	%reldir%/rules.c \
	%reldir%/rules.h \
	%reldir%/sasl_server.c \
	%reldir%/sasl_server.h
%canon_reldir%_provider_LDADD = $(RELAIS_LIBS)

# Preloaded into relaisd by tests of time and of the disk.
noinst_DATA = %reldir%/timeshift.so %reldir%/diskfault.so \
	%reldir%/slowusers.so
CLEANFILES += $(noinst_DATA)
PRELOAD = $(MKDIR_P) %reldir% && $(CC) -D_GNU_SOURCE -O1 -Wall -shared -fPIC
%reldir%/timeshift.so: $(srcdir)/%reldir%/timeshift.c
	$(AM_V_CCLD)$(PRELOAD) -o $@ $(srcdir)/%reldir%/timeshift.c
%reldir%/slowusers.so: $(srcdir)/%reldir%/slowusers.c
	$(AM_V_CCLD)$(PRELOAD) -o $@ $(srcdir)/%reldir%/slowusers.c
%reldir%/diskfault.so: $(srcdir)/%reldir%/diskfault.c
	$(AM_V_CCLD)$(PRELOAD) -o $@ $(srcdir)/%reldir%/diskfault.c

if HAVE_NOTIFY
check_PROGRAMS += %reldir%/notifyd
%canon_reldir%_notifyd_CFLAGS = $(AM_CFLAGS) $(NOTIFY_CFLAGS)
%canon_reldir%_notifyd_SOURCES = %reldir%/notifyd.c
%canon_reldir%_notifyd_LDADD = $(NOTIFY_LIBS)
endif
