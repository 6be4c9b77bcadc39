# The two programs that fetch a secret for the daemon; each an answer of its own
# behind one main().
relais_cred_ldadd = src/cred/libcred.a src/sys/libsys.a src/base/libbase.a
relais_cred_sources = %reldir%/helper.c %reldir%/answer.h

# The only program that links HTTP.
pkglibexec_PROGRAMS += relais-cred
relais_cred_SOURCES = $(relais_cred_sources) %reldir%/tokens.c \
	%reldir%/oauth.h %reldir%/oauth_login.h
if HAVE_OAUTH
# A library, so that tests can look at the parts.
noinst_LIBRARIES += %reldir%/liboauth.a
%canon_reldir%_liboauth_a_CFLAGS = $(AM_CFLAGS) $(OAUTH_CFLAGS)
%canon_reldir%_liboauth_a_SOURCES = \
	%reldir%/oauth.c \
	%reldir%/oauth_answer.c \
	%reldir%/oauth_answer.h \
	%reldir%/oauth_browser.c \
	%reldir%/oauth_browser.h \
	%reldir%/oauth_client.c \
	%reldir%/oauth_client.h \
	%reldir%/oauth_http.c \
	%reldir%/oauth_http.h \
	%reldir%/oauth_jwt.c \
	%reldir%/oauth_jwt.h \
	%reldir%/oauth_login.c \
	%reldir%/oauth_store.c \
	%reldir%/oauth_store.h
relais_cred_LDADD = %reldir%/liboauth.a $(relais_cred_ldadd) $(OAUTH_LIBS)
else
relais_cred_SOURCES += %reldir%/oauth_none.c
relais_cred_LDADD = $(relais_cred_ldadd)
endif

# The only program that links GLib and D-Bus.
if LIBSECRET
pkglibexec_PROGRAMS += relais-keyring
endif
relais_keyring_CFLAGS = $(AM_CFLAGS) $(LIBSECRET_CFLAGS)
relais_keyring_SOURCES = $(relais_cred_sources) %reldir%/keyring.c
relais_keyring_LDADD = $(relais_cred_ldadd) $(LIBSECRET_LIBS)
