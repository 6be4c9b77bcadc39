# systemd: sockets, units, user and folders.  Below the prefix, where systemd
# finds them also if that is /usr/local.
unitdir = @systemdunitdir@
userunitdir = $(prefix)/lib/systemd/user
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

units_in = \
	%reldir%/systemd/relais.service.in \
	%reldir%/systemd/relais.socket.in \
	%reldir%/systemd/user/relais.service.in \
	%reldir%/systemd/user/relais-notify.service.in
EXTRA_DIST += $(units_in) \
	%reldir%/systemd/relais-web.service.in \
	%reldir%/systemd/relais-web.socket \
	%reldir%/systemd/user/relais-web.service.in \
	%reldir%/systemd/user/relais-web.socket \
	%reldir%/systemd/sysusers.conf \
	%reldir%/systemd/sysusers-web.conf \
	%reldir%/systemd/tmpfiles.conf \
	%reldir%/apparmor/relaisd
nodist_unit_DATA = %reldir%/systemd/relais.service \
	%reldir%/systemd/relais.socket
if HAVE_WEB
nodist_unit_DATA += %reldir%/systemd/relais-web.service
dist_unit_DATA = %reldir%/systemd/relais-web.socket
endif
dist_userunit_DATA = %reldir%/systemd/user/relais.socket
nodist_userunit_DATA = %reldir%/systemd/user/relais.service
if HAVE_WEB
dist_userunit_DATA += %reldir%/systemd/user/relais-web.socket
nodist_userunit_DATA += %reldir%/systemd/user/relais-web.service
endif
if HAVE_NOTIFY
nodist_userunit_DATA += %reldir%/systemd/user/relais-notify.service
endif
CLEANFILES += $(nodist_unit_DATA) $(nodist_userunit_DATA)

%reldir%/systemd/relais.service: %reldir%/systemd/relais.service.in Makefile
%reldir%/systemd/relais.socket: %reldir%/systemd/relais.socket.in Makefile
%reldir%/systemd/relais-web.service: %reldir%/systemd/relais-web.service.in Makefile
%reldir%/systemd/user/relais-notify.service: \
    %reldir%/systemd/user/relais-notify.service.in Makefile
%reldir%/systemd/user/relais-web.service: \
    %reldir%/systemd/user/relais-web.service.in Makefile
%reldir%/systemd/user/relais.service: \
    %reldir%/systemd/user/relais.service.in Makefile
$(nodist_unit_DATA) $(nodist_userunit_DATA):
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	    sed -e 's,@sbindir[@],$(sbindir),g' \
		-e 's,@bindir[@],$(bindir),g' \
		-e 's,@confdir[@],$(confdir),g' $(srcdir)/$@.in >$@.new && \
	    mv $@.new $@

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/%reldir%/systemd/sysusers.conf \
	    '$(DESTDIR)$(sysusersdir)/relais.conf'
if HAVE_WEB
	$(INSTALL_DATA) $(srcdir)/%reldir%/systemd/sysusers-web.conf \
	    '$(DESTDIR)$(sysusersdir)/relais-web.conf'
endif
	$(INSTALL_DATA) $(srcdir)/%reldir%/systemd/tmpfiles.conf \
	    '$(DESTDIR)$(tmpfilesdir)/relais.conf'
	$(MKDIR_P) '$(DESTDIR)$(confdir)'
	$(INSTALL_DATA) $(srcdir)/%reldir%/relais.conf.example \
	    '$(DESTDIR)$(confdir)/relais.conf.example'

# What a person types next; a package has its own way.
install-data-hook:
	@if test -z '$(DESTDIR)'; then \
	    echo; echo 'relais is installed.  As root, type next:'; echo; \
	    if test -d /run/systemd/system; then \
		echo '    systemd-sysusers && systemd-tmpfiles --create &&' \
		    'systemctl daemon-reload'; \
	    else \
		echo '    useradd --system --home-dir /nonexistent' \
		    '--shell /usr/sbin/nologin relais'; \
	    fi; \
	    echo '    $(bindir)/relais setup YOUR-ADDRESS'; echo; \
	    echo 'or, where another mail program is configured:'; echo; \
	    echo '    $(bindir)/relais import'; echo; \
	fi

# The links that README describes go with the program they lead to, and what
# they stood in front of comes back.
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/relais.conf' \
	    '$(DESTDIR)$(sysusersdir)/relais-web.conf' \
	    '$(DESTDIR)$(tmpfilesdir)/relais.conf' \
	    '$(DESTDIR)$(confdir)/relais.conf.example'
	@for file in /usr/sbin/sendmail /usr/lib/sendmail /usr/bin/mailq \
	    /usr/bin/newaliases; do \
		test -z '$(DESTDIR)' || continue; \
		test "`readlink $$file`" = '$(sbindir)/sendmail' || continue; \
		rm -f $$file; \
		dpkg-divert --rename --remove $$file; \
	done

EXTRA_DIST += %reldir%/relais.conf.example %reldir%/grafana/relais.json \
	%reldir%/prometheus/relais.rules.yml %reldir%/package %reldir%/setup.sh %reldir%/test %reldir%/try \
	%reldir%/compose/compose.yaml %reldir%/compose/shared.conf %reldir%/compose/shared.yaml \
	%reldir%/image/build %reldir%/image/image.json %reldir%/image/relais.conf \
	%reldir%/kubernetes/relay.yaml %reldir%/kubernetes/shared.yaml \
	%reldir%/kubernetes/sidecar.yaml \
	%reldir%/debian/changelog \
	%reldir%/debian/control \
	%reldir%/debian/copyright \
	%reldir%/debian/po/POTFILES.in \
	%reldir%/debian/po/fr.po \
	%reldir%/debian/po/templates.pot \
	%reldir%/debian/relais-keyring.install \
	%reldir%/debian/relais-postgres.install \
	%reldir%/debian/relais.config \
	%reldir%/debian/relais-notify.install \
	%reldir%/debian/relais-web.install \
	%reldir%/debian/relais.docs \
	%reldir%/debian/relais.install \
	%reldir%/debian/relais.links \
	%reldir%/debian/relais.logcheck.ignore.server \
	%reldir%/debian/relais.postinst \
	%reldir%/debian/relais.postrm \
	%reldir%/debian/relais.templates \
	%reldir%/debian/rules \
	%reldir%/debian/source/format \
	%reldir%/debian/tests/control \
	%reldir%/debian/tests/mail \
	%reldir%/debian/tests/provider.py

bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
fishcompdir = $(datadir)/fish/vendor_completions.d
dist_bashcomp_DATA = %reldir%/completion/relais.bash
dist_zshcomp_DATA = %reldir%/completion/_relais
dist_fishcomp_DATA = %reldir%/completion/relais.fish
