# The two programs that fetch a secret for the daemon; each an answer of its own
# behind one main().
relais_cred_ldadd = src/cred/libcred.a src/sys/libsys.a src/base/libbase.a
relais_cred_sources = %reldir%/helper.c %reldir%/answer.h

pkglibexec_PROGRAMS += relais-cred
relais_cred_SOURCES = $(relais_cred_sources) %reldir%/command.c
relais_cred_LDADD = $(relais_cred_ldadd)

# The only program that links GLib and D-Bus.
if LIBSECRET
pkglibexec_PROGRAMS += relais-keyring
endif
relais_keyring_CFLAGS = $(AM_CFLAGS) $(LIBSECRET_CFLAGS)
relais_keyring_SOURCES = $(relais_cred_sources) %reldir%/keyring.c
relais_keyring_LDADD = $(relais_cred_ldadd) $(LIBSECRET_LIBS)
