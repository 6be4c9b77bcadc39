EXTRA_DIST += tests/unit/replies.tsv
unit_tests = \
	%reldir%/test_base64 \
	%reldir%/test_num \
	%reldir%/test_buf \
	%reldir%/test_diagnosis \
	%reldir%/test_reply_table \
	%reldir%/test_sasl_status \
	%reldir%/test_learnt \
	%reldir%/test_reach \
	%reldir%/test_fs_sys \
	%reldir%/test_log_limit \
	%reldir%/test_privilege \
	%reldir%/test_str \
	%reldir%/test_str_set \
	%reldir%/test_trust \
	%reldir%/test_wipe \
	%reldir%/test_words \
	%reldir%/test_envelope \
	%reldir%/test_verdict \
	%reldir%/test_sasl \
	%reldir%/test_smtp_caps \
	%reldir%/test_smtp_client \
	%reldir%/test_smtp_pair \
	%reldir%/test_smtp_reply \
	%reldir%/test_smtp_dot \
	%reldir%/test_smtp_out \
	%reldir%/test_addr \
	%reldir%/test_addr_list \
	%reldir%/test_content_type \
	%reldir%/test_date \
	%reldir%/test_date_parse \
	%reldir%/test_header \
	%reldir%/test_idna \
	%reldir%/test_identity \
	%reldir%/test_duplicate_key \
	%reldir%/test_outgoing \
	%reldir%/test_intake \
	%reldir%/test_locals \
	%reldir%/test_single_fields \
	%reldir%/test_signature \
	%reldir%/test_eightbit \
	%reldir%/test_lines \
	%reldir%/test_recode \
	%reldir%/test_repair \
	%reldir%/test_mailbox \
	%reldir%/test_rfc2047 \
	%reldir%/test_msgid \
	%reldir%/test_mime_stream \
	%reldir%/test_received \
	%reldir%/test_cmd \
	%reldir%/test_smtp_params \
	%reldir%/test_smtp_say \
	%reldir%/test_smtp_server \
	%reldir%/test_syntax \
	%reldir%/test_dsn \
	%reldir%/test_xtext

include %reldir%/net.mk
include %reldir%/queue.mk
include %reldir%/conf.mk

%canon_reldir%_test_buf_SOURCES = %reldir%/test_buf.c
%canon_reldir%_test_buf_LDADD = src/base/libbase.a $(CMOCKA_LIBS)

%canon_reldir%_test_base64_SOURCES = %reldir%/test_base64.c
%canon_reldir%_test_base64_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_str_set_SOURCES = %reldir%/test_str_set.c
%canon_reldir%_test_str_set_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_str_SOURCES = %reldir%/test_str.c
%canon_reldir%_test_str_LDADD = src/base/libbase.a $(CMOCKA_LIBS)

# Functions of the C library, and of others, that a test has of its own.
WRAP_PRIVILEGE = -Wl,--wrap=geteuid,--wrap=initgroups,--wrap=setresgid \
	-Wl,--wrap=setresuid,--wrap=getresuid,--wrap=setuid,--wrap=seteuid \
	-Wl,--wrap=prctl
%canon_reldir%_test_fs_sys_SOURCES = %reldir%/test_fs_sys.c
%canon_reldir%_test_fs_sys_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync
%canon_reldir%_test_fs_sys_LDADD = $(UNIT_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_privilege_SOURCES = %reldir%/test_privilege.c
%canon_reldir%_test_privilege_LDFLAGS = $(AM_LDFLAGS) $(WRAP_PRIVILEGE)
%canon_reldir%_test_privilege_LDADD = $(UNIT_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_log_limit_SOURCES = %reldir%/test_log_limit.c
%canon_reldir%_test_log_limit_LDADD = $(UNIT_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_trust_SOURCES = %reldir%/test_trust.c
%canon_reldir%_test_trust_LDADD = $(UNIT_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_wipe_SOURCES = %reldir%/test_wipe.c
%canon_reldir%_test_wipe_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free
%canon_reldir%_test_wipe_LDADD = src/base/libbase.a $(CMOCKA_LIBS)

MAIL_LIBS = src/mail/libmail.a src/mime/libmime.a src/base/libbase.a $(IDN2_LIBS)
%canon_reldir%_test_date_parse_SOURCES = %reldir%/test_date_parse.c
%canon_reldir%_test_date_parse_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_envelope_SOURCES = %reldir%/test_envelope.c
%canon_reldir%_test_envelope_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_addr_SOURCES = %reldir%/test_addr.c
%canon_reldir%_test_addr_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_addr_list_SOURCES = %reldir%/test_addr_list.c
%canon_reldir%_test_addr_list_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_content_type_SOURCES = %reldir%/test_content_type.c
%canon_reldir%_test_content_type_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_mime_stream_SOURCES = %reldir%/test_mime_stream.c
%canon_reldir%_test_mime_stream_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_date_SOURCES = %reldir%/test_date.c
%canon_reldir%_test_date_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_header_SOURCES = %reldir%/test_header.c
%canon_reldir%_test_header_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_idna_SOURCES = %reldir%/test_idna.c
%canon_reldir%_test_idna_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_words_SOURCES = %reldir%/test_words.c
%canon_reldir%_test_words_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_mailbox_SOURCES = %reldir%/test_mailbox.c
%canon_reldir%_test_mailbox_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_rfc2047_SOURCES = %reldir%/test_rfc2047.c
%canon_reldir%_test_rfc2047_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_msgid_SOURCES = %reldir%/test_msgid.c
%canon_reldir%_test_msgid_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_received_SOURCES = %reldir%/test_received.c
%canon_reldir%_test_received_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_dsn_SOURCES = %reldir%/test_dsn.c
%canon_reldir%_test_dsn_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_xtext_SOURCES = %reldir%/test_xtext.c
%canon_reldir%_test_xtext_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_verdict_SOURCES = %reldir%/test_verdict.c
%canon_reldir%_test_verdict_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)

SMTP_LIBS = src/smtp/libsmtp.a src/base/libbase.a
%canon_reldir%_test_smtp_dot_SOURCES = %reldir%/test_smtp_dot.c
%canon_reldir%_test_smtp_dot_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_smtp_out_SOURCES = %reldir%/test_smtp_out.c
%canon_reldir%_test_smtp_out_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_cmd_SOURCES = %reldir%/test_cmd.c
%canon_reldir%_test_cmd_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_smtp_params_SOURCES = %reldir%/test_smtp_params.c
%canon_reldir%_test_smtp_params_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_smtp_say_SOURCES = %reldir%/test_smtp_say.c
%canon_reldir%_test_smtp_say_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_smtp_server_SOURCES = %reldir%/test_smtp_server.c
%canon_reldir%_test_smtp_server_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_sasl_status_SOURCES = %reldir%/test_sasl_status.c
%canon_reldir%_test_sasl_status_LDADD = src/smtp/libsmtp.a src/base/libbase.a \
	$(CMOCKA_LIBS)
%canon_reldir%_test_syntax_SOURCES = %reldir%/test_syntax.c
%canon_reldir%_test_syntax_LDADD = $(SMTP_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_test_learnt_SOURCES = %reldir%/test_learnt.c
%canon_reldir%_test_learnt_LDADD = src/outbound/liboutbound.a \
	src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_reach_SOURCES = %reldir%/test_reach.c
%canon_reldir%_test_reach_LDADD = src/outbound/liboutbound.a \
	src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_diagnosis_SOURCES = %reldir%/test_diagnosis.c
%canon_reldir%_test_diagnosis_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_reply_table_SOURCES = %reldir%/test_reply_table.c
%canon_reldir%_test_reply_table_LDADD = $(MAIL_LIBS) $(CMOCKA_LIBS)

REWRITE_LIBS = src/rewrite/librewrite.a $(MAIL_LIBS)
%canon_reldir%_test_identity_SOURCES = %reldir%/test_identity.c
%canon_reldir%_test_identity_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_duplicate_key_SOURCES = %reldir%/test_duplicate_key.c
%canon_reldir%_test_duplicate_key_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_outgoing_SOURCES = %reldir%/test_outgoing.c
%canon_reldir%_test_outgoing_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_intake_SOURCES = %reldir%/test_intake.c
%canon_reldir%_test_intake_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_single_fields_SOURCES = %reldir%/test_single_fields.c
%canon_reldir%_test_single_fields_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_signature_SOURCES = %reldir%/test_signature.c
%canon_reldir%_test_signature_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_locals_SOURCES = %reldir%/test_locals.c
%canon_reldir%_test_locals_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_eightbit_SOURCES = %reldir%/test_eightbit.c
%canon_reldir%_test_eightbit_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_lines_SOURCES = %reldir%/test_lines.c
%canon_reldir%_test_lines_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_recode_SOURCES = %reldir%/test_recode.c
%canon_reldir%_test_recode_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_repair_SOURCES = %reldir%/test_repair.c
%canon_reldir%_test_repair_LDADD = $(REWRITE_LIBS) $(CMOCKA_LIBS)

SASL_LIBS = src/smtp/libsmtp.a src/mail/libmail.a src/mime/libmime.a src/base/libbase.a \
	$(GSASL_LIBS) $(GNUTLS_LIBS) $(IDN2_LIBS)
%canon_reldir%_test_smtp_client_SOURCES = %reldir%/test_smtp_client.c
%canon_reldir%_test_smtp_client_LDADD = $(SASL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_smtp_reply_SOURCES = %reldir%/test_smtp_reply.c
%canon_reldir%_test_smtp_reply_LDADD = $(SASL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_smtp_caps_SOURCES = %reldir%/test_smtp_caps.c
%canon_reldir%_test_smtp_caps_LDADD = $(SASL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_sasl_SOURCES = %reldir%/test_sasl.c
%canon_reldir%_test_sasl_LDADD = $(SASL_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_sasl_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=gnutls_pbkdf2
%canon_reldir%_test_smtp_pair_SOURCES = %reldir%/test_smtp_pair.c
%canon_reldir%_test_smtp_pair_LDADD = $(SASL_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_test_num_SOURCES = %reldir%/test_num.c
%canon_reldir%_test_num_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
