noinst_LIBRARIES += %reldir%/libtls.a
%canon_reldir%_libtls_a_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
%canon_reldir%_libtls_a_SOURCES = \
	%reldir%/tls_ctx.c \
	%reldir%/tls_ctx.h \
	%reldir%/tls_inside.h \
	%reldir%/tls_pipe.c \
	%reldir%/tls_pipe.h \
	%reldir%/tls_trust.c \
	%reldir%/tls_trust.h \
	%reldir%/tls_verify.c \
	%reldir%/tls_verify.h
