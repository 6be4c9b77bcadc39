# Tests of src/tls and src/net.
TLS_LIBS = src/tls/libtls.a src/mail/libmail.a src/mime/libmime.a src/base/libbase.a $(GNUTLS_LIBS)
NET_LIBS = src/net/libnet.a src/tls/libtls.a src/sys/libsys.a src/mail/libmail.a src/mime/libmime.a \
	src/base/libbase.a $(UV_LIBS) $(GNUTLS_LIBS)

unit_tests += %reldir%/test_tls_pipe
%canon_reldir%_test_tls_pipe_SOURCES = %reldir%/test_tls_pipe.c \
	tests/lib/certs.c tests/lib/certs.h
%canon_reldir%_test_tls_pipe_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=gnutls_certificate_verify_peers
%canon_reldir%_test_tls_pipe_LDADD = $(TLS_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_stream
%canon_reldir%_test_stream_SOURCES = %reldir%/test_stream.c \
	tests/lib/certs.c tests/lib/certs.h tests/lib/sockets.h
%canon_reldir%_test_stream_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_loop
%canon_reldir%_test_loop_SOURCES = %reldir%/test_loop.c tests/lib/sockets.h
%canon_reldir%_test_loop_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_listen
%canon_reldir%_test_listen_SOURCES = %reldir%/test_listen.c tests/lib/sockets.h
%canon_reldir%_test_listen_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_race
%canon_reldir%_test_race_SOURCES = %reldir%/test_race.c tests/lib/sockets.h
%canon_reldir%_test_race_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_dial
%canon_reldir%_test_dial_SOURCES = %reldir%/test_dial.c tests/lib/sockets.h
%canon_reldir%_test_dial_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_peer
%canon_reldir%_test_peer_SOURCES = %reldir%/test_peer.c tests/lib/sockets.h
%canon_reldir%_test_peer_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_pace
%canon_reldir%_test_pace_SOURCES = %reldir%/test_pace.c
%canon_reldir%_test_pace_LDADD = src/inbound/libinbound.a $(CMOCKA_LIBS)
unit_tests += %reldir%/test_people
%canon_reldir%_test_people_SOURCES = %reldir%/test_people.c
%canon_reldir%_test_people_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_netwatch
%canon_reldir%_test_netwatch_SOURCES = %reldir%/test_netwatch.c tests/lib/sockets.h
%canon_reldir%_test_netwatch_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_tls_verify
%canon_reldir%_test_tls_verify_SOURCES = %reldir%/test_tls_verify.c
%canon_reldir%_test_tls_verify_LDADD = $(TLS_LIBS) $(CMOCKA_LIBS)

# An account at work, against the throw-away provider in the same process.
unit_tests += %reldir%/test_outbound
%canon_reldir%_test_outbound_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_test_outbound_SOURCES = %reldir%/test_outbound.c \
	tests/lib/certs.c tests/lib/certs.h \
	tests/lib/fault.c tests/lib/fault.h \
	tests/lib/provider.h tests/lib/provider_session.c \
	tests/lib/rules.c tests/lib/rules.h
%canon_reldir%_test_outbound_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=gnutls_pbkdf2
%canon_reldir%_test_outbound_LDADD = src/outbound/liboutbound.a \
	src/queue/libqueue.a src/store/libstore.a src/cred/libcred.a \
	src/rewrite/librewrite.a src/net/libnet.a \
	src/tls/libtls.a src/sys/libsys.a src/smtp/libsmtp.a \
	src/mail/libmail.a src/mime/libmime.a src/base/libbase.a $(UV_LIBS) $(GNUTLS_LIBS) \
	$(GSASL_LIBS) $(IDN2_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_dirwatch
%canon_reldir%_test_dirwatch_SOURCES = %reldir%/test_dirwatch.c
%canon_reldir%_test_dirwatch_LDADD = $(NET_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_guard
%canon_reldir%_test_guard_SOURCES = %reldir%/test_guard.c
%canon_reldir%_test_guard_LDADD = src/inbound/libinbound.a \
	src/smtp/libsmtp.a src/mail/libmail.a src/mime/libmime.a src/base/libbase.a \
	$(IDN2_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_session
%canon_reldir%_test_session_SOURCES = %reldir%/test_session.c tests/lib/sockets.h
%canon_reldir%_test_session_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=peer_uid
%canon_reldir%_test_session_LDADD = src/inbound/libinbound.a \
	src/queue/libqueue.a src/store/libstore.a src/rewrite/librewrite.a \
	src/net/libnet.a src/tls/libtls.a src/sys/libsys.a src/smtp/libsmtp.a \
	src/mail/libmail.a src/mime/libmime.a src/base/libbase.a $(UV_LIBS) $(GNUTLS_LIBS) $(GSASL_LIBS) $(IDN2_LIBS) \
	$(CMOCKA_LIBS)
