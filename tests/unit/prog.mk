# Parts of programs: compiled with the test, since no library holds them.
unit_tests += \
	%reldir%/test_sendmail_args \
	%reldir%/test_sendmail_input \
	%reldir%/test_sendmail_message
%canon_reldir%_test_sendmail_args_SOURCES = \
	%reldir%/test_sendmail_args.c src/prog/sendmail_args.c
%canon_reldir%_test_sendmail_args_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_sendmail_input_SOURCES = \
	%reldir%/test_sendmail_input.c src/prog/sendmail_input.c
%canon_reldir%_test_sendmail_input_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_sendmail_message_SOURCES = \
	%reldir%/test_sendmail_message.c src/prog/sendmail_message.c
%canon_reldir%_test_sendmail_message_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
