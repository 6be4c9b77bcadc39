unit_tests = \
	%reldir%/test_base64 \
	%reldir%/test_diagnosis \
	%reldir%/test_reach \
	%reldir%/test_str \
	%reldir%/test_envelope \
	%reldir%/test_verdict \
	%reldir%/test_smtp_dot

%canon_reldir%_test_base64_SOURCES = %reldir%/test_base64.c
%canon_reldir%_test_base64_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_str_SOURCES = %reldir%/test_str.c
%canon_reldir%_test_str_LDADD = src/base/libbase.a $(CMOCKA_LIBS)

MAIL_LIBS = src/mail/libmail.a src/base/libbase.a $(IDN2_LIBS)
%canon_reldir%_test_envelope_SOURCES = %reldir%/test_envelope.c
%canon_reldir%_test_envelope_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_verdict_SOURCES = %reldir%/test_verdict.c
%canon_reldir%_test_verdict_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)

SMTP_LIBS = src/smtp/libsmtp.a src/base/libbase.a
%canon_reldir%_test_smtp_dot_SOURCES = %reldir%/test_smtp_dot.c
%canon_reldir%_test_smtp_dot_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_test_reach_SOURCES = %reldir%/test_reach.c
%canon_reldir%_test_reach_LDADD = src/outbound/liboutbound.a \
	src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_diagnosis_SOURCES = %reldir%/test_diagnosis.c
%canon_reldir%_test_diagnosis_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
