# manual pages and documents
dist_man_MANS = \
	%reldir%/man/relais.1 \
	%reldir%/man/relais.conf.5 \
	%reldir%/man/relais-spool.5 \
	%reldir%/man/relaisd.8 \
	%reldir%/man/sendmail.8

EXTRA_DIST += \
	%reldir%/ARCHITECTURE \
	%reldir%/CHANGES \
	%reldir%/CONTAINERS \
	%reldir%/GUIDE \
	%reldir%/HACKING \
	%reldir%/PERFORMANCE \
	%reldir%/RELEASE \
	%reldir%/RELIABILITY \
	%reldir%/ROADMAP \
	%reldir%/SECURITY \
	%reldir%/formats/control \
	%reldir%/formats/spool \
	%reldir%/formats/store-postgres
