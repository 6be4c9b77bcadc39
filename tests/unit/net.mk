# Tests of src/tls and src/net.

unit_tests += %reldir%/test_tls_pipe
%canon_reldir%_test_tls_pipe_SOURCES = %reldir%/test_tls_pipe.c \
	tests/lib/certs.c tests/lib/certs.h
%canon_reldir%_test_tls_pipe_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=gnutls_certificate_verify_peers
unit_tests += %reldir%/test_stream
%canon_reldir%_test_stream_SOURCES = %reldir%/test_stream.c \
	tests/lib/certs.c tests/lib/certs.h tests/lib/sockets.h
unit_tests += %reldir%/test_loop
%canon_reldir%_test_loop_SOURCES = %reldir%/test_loop.c tests/lib/sockets.h
unit_tests += %reldir%/test_listen
%canon_reldir%_test_listen_SOURCES = %reldir%/test_listen.c tests/lib/sockets.h
unit_tests += %reldir%/test_race
%canon_reldir%_test_race_SOURCES = %reldir%/test_race.c tests/lib/sockets.h
unit_tests += %reldir%/test_dial
%canon_reldir%_test_dial_SOURCES = %reldir%/test_dial.c tests/lib/sockets.h
unit_tests += %reldir%/test_peer
%canon_reldir%_test_peer_SOURCES = %reldir%/test_peer.c tests/lib/sockets.h
unit_tests += %reldir%/test_pace
unit_tests += %reldir%/test_people
unit_tests += %reldir%/test_netwatch
%canon_reldir%_test_netwatch_SOURCES = %reldir%/test_netwatch.c tests/lib/sockets.h
unit_tests += %reldir%/test_tls_verify

# An account at work, against the throw-away provider in the same process.
unit_tests += %reldir%/test_outbound
%canon_reldir%_test_outbound_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS)
%canon_reldir%_test_outbound_SOURCES = %reldir%/test_outbound.c \
	tests/lib/certs.c tests/lib/certs.h \
	tests/lib/fault.c tests/lib/fault.h \
	tests/lib/provider.h tests/lib/provider_session.c \
	tests/lib/rules.c tests/lib/rules.h $(SASL_SERVER)
%canon_reldir%_test_outbound_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=gnutls_pbkdf2
unit_tests += %reldir%/test_dirwatch
unit_tests += %reldir%/test_guard
unit_tests += %reldir%/test_session
%canon_reldir%_test_session_SOURCES = %reldir%/test_session.c tests/lib/sockets.h
%canon_reldir%_test_session_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=peer_uid
unit_tests += %reldir%/test_check_result
%canon_reldir%_test_check_result_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

# A check, against the throw-away provider in the same process.
unit_tests += %reldir%/test_check
%canon_reldir%_test_check_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS)
%canon_reldir%_test_check_SOURCES = %reldir%/test_check.c \
	tests/lib/certs.c tests/lib/certs.h \
	tests/lib/fault.c tests/lib/fault.h tests/lib/sockets.h \
	tests/lib/provider.h tests/lib/provider_session.c \
	tests/lib/rules.c tests/lib/rules.h $(SASL_SERVER)
