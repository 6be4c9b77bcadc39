# manual pages and documents
dist_man_MANS = \
	%reldir%/man/relais.1 \
	%reldir%/man/relais.conf.5 \
	%reldir%/man/relais-spool.5 \
	%reldir%/man/relaisd.8 \
	%reldir%/man/sendmail.8
if HAVE_NOTIFY
dist_man_MANS += %reldir%/man/relais-notify.1
endif
if HAVE_WEB
dist_man_MANS += %reldir%/man/relais-web.8
endif

frman1dir = $(mandir)/fr/man1
dist_frman1_DATA = %reldir%/man/fr/relais.1
frman5dir = $(mandir)/fr/man5
dist_frman5_DATA = %reldir%/man/fr/relais.conf.5

EXTRA_DIST += \
	%reldir%/man/relais-notify.1 \
	%reldir%/man/relais-web.8 \
	%reldir%/ARCHITECTURE \
	%reldir%/CHANGES \
	%reldir%/CONTAINERS \
	%reldir%/DECISIONS \
	%reldir%/GUIDE \
	%reldir%/HACKING \
	%reldir%/PERFORMANCE \
	%reldir%/RELEASE \
	%reldir%/RELIABILITY \
	%reldir%/ROADMAP \
	%reldir%/SECURITY \
	%reldir%/formats/control \
	%reldir%/formats/history \
	%reldir%/formats/spool \
	%reldir%/formats/store-postgres
