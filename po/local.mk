# translations: one file LANGUAGE.po, one paragraph of this file each
EXTRA_DIST += %reldir%/collect %reldir%/assembled %reldir%/relais.pot %reldir%/fr.po
if HAVE_CATALOGUES
frmodir = $(localedir)/fr/LC_MESSAGES
dist_frmo_DATA = %reldir%/fr/LC_MESSAGES/relais.mo
endif

%reldir%/fr/LC_MESSAGES/relais.mo: %reldir%/fr.po
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(MSGFMT) -c -o $@.new $(srcdir)/%reldir%/fr.po && mv $@.new $@
MAINTAINERCLEANFILES = %reldir%/fr/LC_MESSAGES/relais.mo

# The formats among the texts, as one string of C in the programs: by them
# said() recognises a sentence that was made in English (src/sys/said.h).
BUILT_SOURCES += src/sys/formats.inc
CLEANFILES += src/sys/formats.inc
src/sys/formats.inc: %reldir%/relais.pot %reldir%/formats.awk
	$(AM_V_GEN)$(MKDIR_P) src/sys && \
	    $(AWK) -f '$(srcdir)/%reldir%/formats.awk' \
		'$(srcdir)/%reldir%/relais.pot' >$@.tmp && mv $@.tmp $@
src/sys/libsys_a-said.$(OBJEXT): src/sys/formats.inc
EXTRA_DIST += %reldir%/formats.awk

# Brings template and translations up to date with the programs; needs gettext.
update-po:
	$(srcdir)/%reldir%/collect $(srcdir) >$(srcdir)/%reldir%/relais.pot
	cd $(srcdir)/%reldir% && msgmerge -q -U --backup=none \
	    --no-fuzzy-matching fr.po relais.pot
.PHONY: update-po
