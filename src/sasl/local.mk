# Logging in, as machines that know no SMTP.
noinst_LIBRARIES += %reldir%/libsasl.a
%canon_reldir%_libsasl_a_CFLAGS = $(AM_CFLAGS) $(GSASL_CFLAGS) $(GNUTLS_CFLAGS)
%canon_reldir%_libsasl_a_SOURCES = \
	%reldir%/sasl.c \
	%reldir%/sasl.h \
	%reldir%/sasl_login.c \
	%reldir%/sasl_login.h \
	%reldir%/sasl_status.c \
	%reldir%/sasl_status.h
