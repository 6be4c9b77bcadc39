# manual pages and documents
dist_man_MANS = %reldir%/man/relaisd.8 %reldir%/man/relais.conf.5

EXTRA_DIST += \
	%reldir%/ARCHITECTURE \
	%reldir%/CHANGES \
	%reldir%/HACKING \
	%reldir%/ROADMAP \
	%reldir%/SECURITY
