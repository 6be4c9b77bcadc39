unit_tests = \
	%reldir%/test_base64 \
	%reldir%/test_str

%canon_reldir%_test_base64_SOURCES = %reldir%/test_base64.c
%canon_reldir%_test_base64_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
%canon_reldir%_test_str_SOURCES = %reldir%/test_str.c
%canon_reldir%_test_str_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
