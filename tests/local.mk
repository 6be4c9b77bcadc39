# Unit tests: tests/unit/test_STEM.c for src/*/STEM.c, each a program.
# Its libraries, and what is linked with any of them, are in $(LDADD).
LDADD = $(RELAIS_LIBS) $(CMOCKA_LIBS)
include %reldir%/lib/local.mk
include %reldir%/unit/local.mk
include %reldir%/unit/prog.mk
include %reldir%/fault/local.mk
include %reldir%/property/local.mk
include %reldir%/script/local.mk
include %reldir%/fuzz/local.mk
include %reldir%/lint/local.mk
include %reldir%/mutants/local.mk
include %reldir%/e2e/local.mk
include %reldir%/bench/local.mk

# Other machines, and the packages; both need root.
EXTRA_DIST += %reldir%/README %reldir%/machines/run \
	%reldir%/package/run %reldir%/package/system.sh \
	%reldir%/package/answers.sh %reldir%/package/apparmor.py \
	%reldir%/package/apparmor.sh %reldir%/package/autopkgtest.sh \
	%reldir%/package/credential.sh %reldir%/package/engine.sh \
	%reldir%/package/image.sh %reldir%/package/install.sh \
	%reldir%/package/manifests.sh %reldir%/package/parts.sh \
	%reldir%/package/programs.sh \
	%reldir%/package/source.sh %reldir%/package/upgrade.sh \
	%reldir%/package/watch.sh
check-machines:
	@srcdir='$(abs_srcdir)' top_builddir='$(abs_builddir)' \
	    MACHINES='$(MACHINES)' $(srcdir)/tests/machines/run
.PHONY: check-machines
check-package:
	@srcdir='$(abs_srcdir)' top_builddir='$(abs_builddir)' \
	    PACKAGE='$(PACKAGE)' RELEASE='$(RELEASE)' FROM='$(FROM)' \
	    $(srcdir)/tests/package/run
.PHONY: check-package

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
