# Parts of programs: compiled with the test, since no library holds them.
unit_tests += \
	%reldir%/test_sendmail_args \
	%reldir%/test_sendmail_caller \
	%reldir%/test_sendmail_input \
	%reldir%/test_sendmail_message
%canon_reldir%_test_sendmail_args_SOURCES = \
	%reldir%/test_sendmail_args.c src/sendmail/sendmail_args.c
%canon_reldir%_test_sendmail_args_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_sendmail_caller_SOURCES = \
	%reldir%/test_sendmail_caller.c src/sendmail/sendmail_caller.c
%canon_reldir%_test_sendmail_caller_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_sendmail_input_SOURCES = \
	%reldir%/test_sendmail_input.c src/sendmail/sendmail_input.c
%canon_reldir%_test_sendmail_input_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_sendmail_message_SOURCES = \
	%reldir%/test_sendmail_message.c src/sendmail/sendmail_message.c
%canon_reldir%_test_sendmail_message_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)

# The control protocol.
CTL_LIBS = src/ctl/libctl.a src/net/libnet.a src/tls/libtls.a src/sys/libsys.a \
	src/mail/libmail.a src/mime/libmime.a \
	src/base/libbase.a $(UV_LIBS) $(GNUTLS_LIBS) $(JANSSON_LIBS)
unit_tests += \
	%reldir%/test_ctl_json \
	%reldir%/test_ctl_line \
	%reldir%/test_ctl_row \
	%reldir%/test_ctl_server
%canon_reldir%_test_ctl_json_SOURCES = %reldir%/test_ctl_json.c
%canon_reldir%_test_ctl_json_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_ctl_line_SOURCES = %reldir%/test_ctl_line.c
%canon_reldir%_test_ctl_line_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_ctl_row_SOURCES = %reldir%/test_ctl_row.c
%canon_reldir%_test_ctl_row_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_ctl_server_SOURCES = %reldir%/test_ctl_server.c
%canon_reldir%_test_ctl_server_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

# What the daemon does beside moving mail.
unit_tests += %reldir%/test_admission
%canon_reldir%_test_admission_SOURCES = \
	%reldir%/test_admission.c src/relaisd/admission.c
%canon_reldir%_test_admission_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_alert
%canon_reldir%_test_alert_SOURCES = %reldir%/test_alert.c src/relaisd/alert.c
%canon_reldir%_test_alert_LDADD = src/cred/libcred.a $(CTL_LIBS) $(CMOCKA_LIBS)
unit_tests += %reldir%/test_notice_cap
%canon_reldir%_test_notice_cap_SOURCES = %reldir%/test_notice_cap.c \
	src/relaisd/notice_cap.c
%canon_reldir%_test_notice_cap_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
