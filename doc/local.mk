# manual pages and documents
dist_man_MANS = %reldir%/man/relaisd.8

EXTRA_DIST += \
	%reldir%/ARCHITECTURE \
	%reldir%/CHANGES \
	%reldir%/HACKING \
	%reldir%/ROADMAP \
	%reldir%/SECURITY
