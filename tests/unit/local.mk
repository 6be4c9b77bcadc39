EXTRA_DIST += tests/unit/replies.tsv
unit_tests = \
	%reldir%/test_base64 \
	%reldir%/test_num \
	%reldir%/test_buf \
	%reldir%/test_diagnosis \
	%reldir%/test_reply_table \
	%reldir%/test_sasl_login \
	%reldir%/test_sasl_status \
	%reldir%/test_learnt \
	%reldir%/test_standing \
	%reldir%/test_null_sender \
	%reldir%/test_reuse \
	%reldir%/test_port_memory \
	%reldir%/test_fs_sys \
	%reldir%/test_log_format %reldir%/test_log_limit \
	%reldir%/test_privilege \
	%reldir%/test_str \
	%reldir%/test_str_set \
	%reldir%/test_trust \
	%reldir%/test_wipe \
	%reldir%/test_words \
	%reldir%/test_xalloc \
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
	%reldir%/test_field_name \
	%reldir%/test_header \
	%reldir%/test_idna \
	%reldir%/test_identity \
	%reldir%/test_fold_hash \
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
	%reldir%/test_page \
	%reldir%/test_xtext

include %reldir%/net.mk
include %reldir%/queue.mk
include %reldir%/conf.mk

# Functions of the C library, and of others, that a test has of its own.
WRAP_PRIVILEGE = -Wl,--wrap=geteuid,--wrap=initgroups,--wrap=setresgid \
	-Wl,--wrap=setresuid,--wrap=getresuid,--wrap=setuid,--wrap=seteuid \
	-Wl,--wrap=prctl
%canon_reldir%_test_fs_sys_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync
%canon_reldir%_test_privilege_LDFLAGS = $(AM_LDFLAGS) $(WRAP_PRIVILEGE)
%canon_reldir%_test_wipe_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free

SASL_SERVER = tests/lib/sasl_server.c tests/lib/sasl_server.h
%canon_reldir%_test_sasl_SOURCES = %reldir%/test_sasl.c $(SASL_SERVER)
%canon_reldir%_test_smtp_pair_SOURCES = %reldir%/test_smtp_pair.c $(SASL_SERVER)
%canon_reldir%_test_sasl_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=gnutls_pbkdf2
