# The only program that links GLib and D-Bus.
pkglibexec_PROGRAMS += relais-cred
relais_cred_CFLAGS = $(AM_CFLAGS) $(LIBSECRET_CFLAGS)
relais_cred_SOURCES = \
	%reldir%/relais-cred.c \
	%reldir%/keyring.c \
	%reldir%/keyring.h
relais_cred_LDADD = src/cred/libcred.a src/sys/libsys.a src/base/libbase.a $(LIBSECRET_LIBS)
