lint_tests = \
	%reldir%/architecture \
	%reldir%/layers \
	%reldir%/pure \
	%reldir%/banned \
	%reldir%/format \
	%reldir%/french \
	%reldir%/options \
	%reldir%/shell \
	%reldir%/man \
	%reldir%/mutants \
	%reldir%/rules \
	%reldir%/sendmail \
	%reldir%/units \
	%reldir%/verbs \
	%reldir%/wording
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests) %reldir%/pure.allow .clang-format
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; top_builddir='$(top_builddir)'; \
	export srcdir top_builddir;

# Every script through shellcheck, which takes as long as half of make check.
check-shell:
	@srcdir='$(srcdir)' $(srcdir)/tests/lint/shell --all
.PHONY: check-shell

check_PROGRAMS += %reldir%/settings
%canon_reldir%_settings_SOURCES = %reldir%/settings.c
%canon_reldir%_settings_LDADD = $(RELAIS_LIBS)
