# translations: one file LANGUAGE.po, one paragraph of this file each
EXTRA_DIST += %reldir%/fr.po
if HAVE_CATALOGUES
frmodir = $(localedir)/fr/LC_MESSAGES
dist_frmo_DATA = %reldir%/fr/LC_MESSAGES/relais.mo
endif

%reldir%/fr/LC_MESSAGES/relais.mo: %reldir%/fr.po
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(MSGFMT) -c -o $@.new $(srcdir)/%reldir%/fr.po && mv $@.new $@
MAINTAINERCLEANFILES = %reldir%/fr/LC_MESSAGES/relais.mo

# Brings the translations up to date with the programs; needs gettext.  What
# relais_complain() is given is translated there.
update-po:
	cd $(srcdir) && xgettext --from-code=UTF-8 -L C -k -k_ -kN_ \
	    -krelais_complain:3 --no-location --package-name=relais -o - \
	    src/relais/*.c | msgmerge -q -U --backup=none --no-fuzzy-matching \
	    %reldir%/fr.po -
.PHONY: update-po
