lint_tests = \
	%reldir%/layers \
	%reldir%/pure \
	%reldir%/banned \
	%reldir%/format \
	%reldir%/shell \
	%reldir%/man \
	%reldir%/sendmail
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests) %reldir%/pure.allow .clang-format
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; top_builddir='$(top_builddir)'; \
	export srcdir top_builddir;
