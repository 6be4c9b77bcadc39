# Properties: random input through the real modules, compared with a second
# description of what may happen to it.
property_tests = %reldir%/test_roundtrip %reldir%/test_bytes

%canon_reldir%_test_roundtrip_SOURCES = %reldir%/test_roundtrip.c \
	%reldir%/mails.c %reldir%/mails.h %reldir%/model.c %reldir%/model.h \
	%reldir%/strict.c %reldir%/strict.h $(QUEUE_FIXTURE) \
	src/sendmail/sendmail_input.c src/sendmail/sendmail_message.c

%canon_reldir%_test_bytes_SOURCES = %reldir%/test_bytes.c \
	%reldir%/strict.c %reldir%/strict.h

if HAVE_CMOCKA
check_PROGRAMS += $(property_tests)
TESTS += $(property_tests)
endif

# A million; as many processes as there are processors, each with its share.
check-property: tests/property/test_roundtrip
	$(SHELL) $(srcdir)/tests/property/run
.PHONY: check-property
EXTRA_DIST += %reldir%/run
