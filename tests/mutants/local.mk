# Is every lock needed?  Not part of "make check": it builds hundreds of times.
mutant_tables = \
	%reldir%/account.txt \
	%reldir%/base.txt \
	%reldir%/check.txt \
	%reldir%/conf.txt \
	%reldir%/cred.txt \
	%reldir%/ctl.txt \
	%reldir%/inbound.txt \
	%reldir%/mail.txt \
	%reldir%/mime.txt \
	%reldir%/net.txt \
	%reldir%/notice.txt \
	%reldir%/outbound.txt \
	%reldir%/policy.txt \
	%reldir%/postgres.txt \
	%reldir%/queue.txt \
	%reldir%/relais-cred.txt %reldir%/relais-notify.txt %reldir%/relais-setup.txt \
	%reldir%/relais-web.txt %reldir%/relaisd.txt \
	%reldir%/rewrite.txt \
	%reldir%/sasl.txt \
	%reldir%/sendmail.txt \
	%reldir%/smtp.txt \
	%reldir%/store.txt \
	%reldir%/sys.txt \
	%reldir%/tls.txt

EXTRA_DIST += %reldir%/README %reldir%/run $(mutant_tables)

check-mutants: all $(check_PROGRAMS)
	top_builddir='$(abs_builddir)' $(srcdir)/tests/mutants/run $(MUTANTS)
.PHONY: check-mutants
