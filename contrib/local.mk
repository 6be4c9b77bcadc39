# units, completion, examples
EXTRA_DIST += \
	%reldir%/systemd/relais.service \
	%reldir%/systemd/relais.socket \
	%reldir%/systemd/user/relais.service \
	%reldir%/systemd/user/relais.socket \
	%reldir%/systemd/sysusers.conf \
	%reldir%/systemd/tmpfiles.conf

EXTRA_DIST += %reldir%/setup.sh %reldir%/test %reldir%/try

bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
fishcompdir = $(datadir)/fish/vendor_completions.d
dist_bashcomp_DATA = %reldir%/completion/relais.bash
dist_zshcomp_DATA = %reldir%/completion/_relais
dist_fishcomp_DATA = %reldir%/completion/relais.fish
