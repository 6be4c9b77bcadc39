# Tests of src/cred and src/conf.
CRED_LIBS = src/cred/libcred.a src/sys/libsys.a src/base/libbase.a
CONF_LIBS = src/conf/libconf.a src/cred/libcred.a src/sys/libsys.a $(MAIL_LIBS) $(INIH_LIBS)

unit_tests += \
	%reldir%/test_argv \
	%reldir%/test_cred \
	%reldir%/test_setting \
	%reldir%/test_provider \
	%reldir%/test_replies \
	%reldir%/test_conf_read \
	%reldir%/test_conf \
	%reldir%/test_account \
	%reldir%/test_alias

%canon_reldir%_test_argv_SOURCES = %reldir%/test_argv.c
%canon_reldir%_test_argv_LDADD = $(CRED_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_cred_SOURCES = %reldir%/test_cred.c
%canon_reldir%_test_cred_LDADD = $(CRED_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_setting_SOURCES = %reldir%/test_setting.c
%canon_reldir%_test_setting_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_provider_SOURCES = %reldir%/test_provider.c
%canon_reldir%_test_provider_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_replies_SOURCES = %reldir%/test_replies.c
%canon_reldir%_test_replies_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_conf_read_SOURCES = %reldir%/test_conf_read.c
%canon_reldir%_test_conf_read_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_conf_SOURCES = %reldir%/test_conf.c
%canon_reldir%_test_conf_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_account_SOURCES = %reldir%/test_account.c
%canon_reldir%_test_account_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_test_alias_SOURCES = %reldir%/test_alias.c
%canon_reldir%_test_alias_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

unit_tests += %reldir%/test_growth
%canon_reldir%_test_growth_SOURCES = %reldir%/test_growth.c
%canon_reldir%_test_growth_LDADD = src/conf/libconf.a src/cred/libcred.a src/sys/libsys.a \
	src/rewrite/librewrite.a src/smtp/libsmtp.a $(QUEUE_LIBS) $(INIH_LIBS) \
	$(CMOCKA_LIBS)
