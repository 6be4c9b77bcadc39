# What other mail programs' configurations say.
noinst_LIBRARIES += %reldir%/libimport.a
%canon_reldir%_libimport_a_CFLAGS = $(AM_CFLAGS)
%canon_reldir%_libimport_a_SOURCES = \
	%reldir%/import.c \
	%reldir%/import.h \
	%reldir%/import_conf.c \
	%reldir%/import_dma.c \
	%reldir%/import_exim.c \
	%reldir%/import_msmtp.c \
	%reldir%/import_nullmailer.c \
	%reldir%/import_postfix.c \
	%reldir%/import_ssmtp.c

if HAVE_SETUP
# What relais(1) starts for setup; the only program that links HTTP, DNS and XML
# libraries, besides libcurl in relais-cred.
noinst_LIBRARIES += %reldir%/libsetup.a
%canon_reldir%_libsetup_a_CFLAGS = $(AM_CFLAGS) $(SETUP_CFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libsetup_a_SOURCES = \
	%reldir%/autoconfig.c \
	%reldir%/autoconfig.h \
	%reldir%/dialogue.c \
	%reldir%/dialogue.h \
	%reldir%/discover.c \
	%reldir%/discover.h

pkglibexec_PROGRAMS += relais-setup
relais_setup_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
relais_setup_SOURCES = \
	%reldir%/find_server.c \
	%reldir%/import_disk.c \
	%reldir%/import_disk.h \
	%reldir%/import_run.c \
	%reldir%/keep.c \
	%reldir%/log_in.c \
	%reldir%/relais-setup.c \
	%reldir%/run.c \
	%reldir%/setup.c \
	%reldir%/setup.h \
	%reldir%/sign_in.c \
	%reldir%/start.c \
	%reldir%/try.c \
	%reldir%/verbs.h \
	%reldir%/write.c
relais_setup_LDADD = $(SETUP_ALL)
SETUP_ALL = %reldir%/libsetup.a src/check/libcheck.a $(RELAIS_LIBS) \
	$(SETUP_LIBS)

# "make ispdb ISPDB=DIR" converts Thunderbird's database of providers, the folder
# ispdb of a copy of github.com/thunderbird/autoconfig, to the file ispdb.  Beside
# the presets (pkgdatadir) relais-setup reads it.  The data has a licence of its
# own, MPL-2.0, and is not part of relais.
check_PROGRAMS += ispdb-convert
ispdb_convert_SOURCES = %reldir%/ispdb_convert.c
ispdb_convert_LDADD = $(SETUP_ALL)
ispdb: ispdb-convert
	@test -n '$(ISPDB)' || { echo 'type: make ispdb ISPDB=DIR' >&2; false; }
	./ispdb-convert '$(ISPDB)'/* >$@.tmp && mv $@.tmp $@
CLEANFILES += ispdb
endif
