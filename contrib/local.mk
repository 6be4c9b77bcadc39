# units, completion, examples
EXTRA_DIST += \
	%reldir%/systemd/relais.service \
	%reldir%/systemd/relais.socket \
	%reldir%/systemd/user/relais.service \
	%reldir%/systemd/user/relais.socket \
	%reldir%/systemd/sysusers.conf \
	%reldir%/systemd/tmpfiles.conf

EXTRA_DIST += %reldir%/setup.sh %reldir%/test %reldir%/try
