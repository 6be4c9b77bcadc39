# Properties: random input through the real modules, compared with a second
# description of what may happen to it.
PROPERTY_LIBS = src/inbound/libinbound.a src/outbound/liboutbound.a \
	src/smtp/libsmtp.a src/rewrite/librewrite.a src/queue/libqueue.a src/store/libstore.a \
	src/net/libnet.a src/tls/libtls.a src/sys/libsys.a src/mail/libmail.a src/mime/libmime.a \
	src/base/libbase.a $(UV_LIBS) $(GNUTLS_LIBS) $(GSASL_LIBS) \
	$(IDN2_LIBS) -lpthread
property_tests = %reldir%/test_roundtrip %reldir%/test_bytes

%canon_reldir%_test_roundtrip_SOURCES = %reldir%/test_roundtrip.c \
	%reldir%/mails.c %reldir%/mails.h %reldir%/model.c %reldir%/model.h \
	%reldir%/strict.c %reldir%/strict.h $(QUEUE_LAB) \
	src/sendmail/sendmail_input.c src/sendmail/sendmail_message.c
%canon_reldir%_test_roundtrip_LDADD = $(PROPERTY_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_test_bytes_SOURCES = %reldir%/test_bytes.c \
	%reldir%/strict.c %reldir%/strict.h
%canon_reldir%_test_bytes_LDADD = src/smtp/libsmtp.a $(QUEUE_LIBS) \
	$(GSASL_LIBS) $(GNUTLS_LIBS) $(CMOCKA_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += $(property_tests)
TESTS += $(property_tests)
endif

# A million; as many processes as there are processors, each with its share.
check-property: tests/property/test_roundtrip
	$(SHELL) $(srcdir)/tests/property/run
.PHONY: check-property
EXTRA_DIST += %reldir%/run
