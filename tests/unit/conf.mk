# Tests of src/cred and src/conf.

unit_tests += \
	%reldir%/test_argv \
	%reldir%/test_file_replace \
	%reldir%/test_files \
	%reldir%/test_cred \
	%reldir%/test_setting \
	%reldir%/test_provider \
	%reldir%/test_oauth_rows \
	%reldir%/test_replies \
	%reldir%/test_conf_read \
	%reldir%/test_conf_vars \
	%reldir%/test_conf \
	%reldir%/test_conf_edit \
	%reldir%/test_route \
	%reldir%/test_alias

if HAVE_OAUTH
unit_tests += \
	%reldir%/test_oauth_answer \
	%reldir%/test_oauth_store
endif
OAUTH_LDADD = src/relais-cred/liboauth.a $(LDADD) $(OAUTH_LIBS)
%canon_reldir%_test_oauth_answer_LDADD = $(OAUTH_LDADD)
%canon_reldir%_test_oauth_store_LDADD = $(OAUTH_LDADD)

unit_tests += %reldir%/test_growth

# What other programs' configurations become.
unit_tests += %reldir%/test_import

if HAVE_SETUP
unit_tests += %reldir%/test_autoconfig
%canon_reldir%_test_autoconfig_LDADD = $(SETUP_ALL) $(CMOCKA_LIBS)
endif
