# Parts of programs: compiled with the test, since no library holds them.
unit_tests += \
	%reldir%/test_sendmail_args \
	%reldir%/test_sendmail_caller \
	%reldir%/test_sendmail_input \
	%reldir%/test_sendmail_message
%canon_reldir%_test_sendmail_args_SOURCES = \
	%reldir%/test_sendmail_args.c src/sendmail/sendmail_args.c
%canon_reldir%_test_sendmail_caller_SOURCES = \
	%reldir%/test_sendmail_caller.c src/sendmail/sendmail_caller.c
%canon_reldir%_test_sendmail_input_SOURCES = \
	%reldir%/test_sendmail_input.c src/sendmail/sendmail_input.c
%canon_reldir%_test_sendmail_message_SOURCES = \
	%reldir%/test_sendmail_message.c src/sendmail/sendmail_message.c

# The control protocol.
unit_tests += \
	%reldir%/test_ctl_json \
	%reldir%/test_ctl_line \
	%reldir%/test_ctl_server

# What the daemon does beside moving mail.
unit_tests += %reldir%/test_admission
%canon_reldir%_test_admission_SOURCES = \
	%reldir%/test_admission.c src/relaisd/admission.c
unit_tests += %reldir%/test_alert
%canon_reldir%_test_alert_SOURCES = %reldir%/test_alert.c \
	src/relaisd/alert_command.c src/relaisd/alert_queue.c \
	src/relaisd/errand.c src/relaisd/line.c src/relaisd/link.c
unit_tests += %reldir%/test_sandbox
%canon_reldir%_test_sandbox_LDADD = $(RELAIS_LIBS) $(SECCOMP_LIBS) $(CMOCKA_LIBS)
EXTRA_DIST += %reldir%/seccomp/x86_64 %reldir%/seccomp/x86 \
	%reldir%/seccomp/aarch64 %reldir%/seccomp/arm %reldir%/seccomp/riscv64
unit_tests += %reldir%/test_line
%canon_reldir%_test_line_SOURCES = %reldir%/test_line.c \
	src/relaisd/alert_command.c src/relaisd/errand.c src/relaisd/line.c
unit_tests += %reldir%/test_notice_cap
unit_tests += %reldir%/test_html
%canon_reldir%_test_html_SOURCES = %reldir%/test_html.c src/relais-web/html.c
unit_tests += %reldir%/test_accept
%canon_reldir%_test_accept_SOURCES = %reldir%/test_accept.c \
	src/relais-web/accept.c
unit_tests += %reldir%/test_places
%canon_reldir%_test_places_SOURCES = %reldir%/test_places.c \
	src/relais-web/places.c
unit_tests += %reldir%/test_watch
%canon_reldir%_test_watch_SOURCES = %reldir%/test_watch.c \
	src/relais-notify/watch.c
