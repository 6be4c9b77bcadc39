# End-to-end tests: real programs in, real providers out; see tests/lib/sandbox.sh.
# Not part of "make check", because they need root and Debian's packages.
e2e_tests = \
	%reldir%/addresses.sh \
	%reldir%/answers.sh \
	%reldir%/bad.sh \
	%reldir%/bearer.sh \
	%reldir%/bytes.sh \
	%reldir%/check.sh \
	%reldir%/clients.sh \
	%reldir%/drop.sh \
	%reldir%/exim.sh \
	%reldir%/export.sh \
	%reldir%/french.sh \
	%reldir%/crash.sh \
	%reldir%/denied.sh \
	%reldir%/dialogues.sh \
	%reldir%/direct.sh \
	%reldir%/doors.sh \
	%reldir%/history.sh \
	%reldir%/idle.sh \
	%reldir%/import.sh \
	%reldir%/keyring.sh \
	%reldir%/limits.sh \
	%reldir%/logs.sh \
	%reldir%/manners.sh \
	%reldir%/metrics.sh \
	%reldir%/names.sh \
	%reldir%/network.sh \
	%reldir%/notices.sh \
	%reldir%/nss.sh \
	%reldir%/notify.sh \
	%reldir%/oauth.sh \
	%reldir%/oidc.sh \
	%reldir%/owner.sh \
	%reldir%/portfilter.sh \
	%reldir%/pooler.sh \
	%reldir%/postgres.sh \
	%reldir%/postfix_agrees.sh \
	%reldir%/provider.sh \
	%reldir%/sighup.sh \
	%reldir%/providers.sh \
	%reldir%/relais.sh \
	%reldir%/repair.sh \
	%reldir%/replies.sh \
	%reldir%/samples.sh \
	%reldir%/sendmail.sh \
	%reldir%/service.sh \
	%reldir%/setup.sh \
	%reldir%/sessions.sh \
	%reldir%/shared_history.sh \
	%reldir%/shared_notices.sh \
	%reldir%/spare.sh \
	%reldir%/stores.sh \
	%reldir%/trust.sh \
	%reldir%/variants.sh \
	%reldir%/view.sh \
	%reldir%/volume.sh \
	%reldir%/web.sh \
	%reldir%/who.sh

EXTRA_DIST += %reldir%/run %reldir%/metrics_rules.yml %reldir%/postfix_agrees.py \
	%reldir%/variants.py $(e2e_tests)

# fill: 20,000 messages for web.sh.
check-e2e: all $(check_PROGRAMS) tests/bench/fill
	srcdir='$(abs_srcdir)' top_builddir='$(abs_builddir)' \
	    $(srcdir)/tests/e2e/run $(E2E)
.PHONY: check-e2e
