# Fuzz targets; tests/fuzz/README says how to run them.  A new target is one
# line in the list and one _LDADD line; its source is the file of that name.
fuzz_targets = \
	%reldir%/fuzz_ctl_line \
	%reldir%/fuzz_sendmail \
	%reldir%/fuzz_base64 \
	%reldir%/fuzz_conf \
	%reldir%/fuzz_smtp_client \
	%reldir%/fuzz_addr \
	%reldir%/fuzz_alias \
	%reldir%/fuzz_providers \
	%reldir%/fuzz_replies \
	%reldir%/fuzz_header \
	%reldir%/fuzz_history \
	%reldir%/fuzz_import_dma \
	%reldir%/fuzz_import_exim \
	%reldir%/fuzz_import_msmtp \
	%reldir%/fuzz_import_nullmailer \
	%reldir%/fuzz_import_postfix \
	%reldir%/fuzz_import_ssmtp \
	%reldir%/fuzz_intake \
	%reldir%/fuzz_smtp_dot \
	%reldir%/fuzz_smtp_reply \
	%reldir%/fuzz_smtp_server \
	%reldir%/fuzz_spool_parse
%canon_reldir%_fuzz_sendmail_SOURCES = %reldir%/fuzz_sendmail.c \
	src/sendmail/sendmail_args.c \
	src/sendmail/sendmail_input.c \
	src/sendmail/sendmail_message.c

if HAVE_OAUTH
fuzz_targets += %reldir%/fuzz_oauth_answer
endif
%canon_reldir%_fuzz_oauth_answer_LDADD = src/relais-cred/liboauth.a \
	$(FUZZ_LIBS) $(OAUTH_LIBS)

# With --enable-fuzzing the fuzzer's main, else one that replays files.
if !FUZZING
REPLAY = %reldir%/libreplay.a
check_LIBRARIES = %reldir%/libreplay.a
%canon_reldir%_libreplay_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libreplay_a_SOURCES = %reldir%/replay.c
endif
FUZZ_LIBS = $(FUZZ_MAIN) $(REPLAY) $(RELAIS_LIBS)

%canon_reldir%_fuzz_addr_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_alias_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_base64_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_providers_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_replies_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_conf_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_ctl_line_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_header_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_history_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_import_dma_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_import_exim_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_import_msmtp_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_import_nullmailer_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_import_postfix_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_import_ssmtp_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_intake_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_sendmail_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_smtp_client_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_smtp_dot_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_smtp_reply_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_smtp_server_LDADD = $(FUZZ_LIBS)
%canon_reldir%_fuzz_spool_parse_LDADD = $(FUZZ_LIBS)

if HAVE_SETUP
fuzz_targets += %reldir%/fuzz_autoconfig
%canon_reldir%_fuzz_autoconfig_LDADD = $(FUZZ_MAIN) $(REPLAY) $(SETUP_ALL)
endif

check_PROGRAMS += $(fuzz_targets)
TESTS += %reldir%/run
EXTRA_DIST += %reldir%/README %reldir%/hunt %reldir%/run %reldir%/fuzz.h %reldir%/fuzz_import.h \
	%reldir%/fuzz_conf.dict %reldir%/header.dict %reldir%/smtp.dict \
	%reldir%/spool.dict \
	tests/corpus
