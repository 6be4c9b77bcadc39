#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What apt brings along with relais, and the packages beside it, each alone:
# installed, upgraded and purged while relais stays.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_boot
installed() {
	inside "dpkg-query -W -f '\${Package} \${db:Status-Status}\n'" |
	    sed -n 's/ installed$//p' | sort
}
before=$(installed)
check "apt installs relais, with what it recommends" apt \
    "-o APT::Install-Recommends=1 install /debs/relais_*_*.deb"
check "  and nothing else comes along" [ \
    "$(comm -13 <(echo "$before") <(installed))" = relais ]
start_provider provider
configure
check "  it runs" inside "systemctl start relais.socket relais.service"

# Files of the package that are programs, and have no page.
without_page() { # PACKAGE
	inside "dpkg-query -L $1" | grep -E '^/usr/(s?bin|libexec/relais)/[^/]+$' |
	    while read -r f; do
		# What relais alone starts is described where it is used.
		case $f in */libexec/*) continue ;; esac
		inside "dpkg-query -L $1" |
		    grep -q "^/usr/share/man/man[0-9]/${f##*/}\.[0-9]" || echo "$f"
	    done
}
# Of what the package has put there, all that is left but folders.
left_of() { # LIST
	while read -r f; do
		[ -d "$root$f" ] || [ ! -e "$root$f" ] || echo "$f"
	done <"$1"
}
check "each program of relais has a manual page" [ -z "$(without_page relais)" ]

for part in relais-keyring relais-notify relais-postgres relais-web; do
	deb="/debs/${part}_*_*.deb"
	before=$(installed)
	check "$part installs" apt "install $deb"
	check "  no mail server comes along" eval '! comm -13 <(echo "$before") <(installed) |
	    grep -E "^(exim|postfix|sendmail|nullmailer|msmtp|dma|ssmtp|opensmtpd)"'
	inside "dpkg-query -L $part" >"$T/$part.files"
	case $part in
	relais-keyring) has=/usr/libexec/relais/relais-keyring ;;
	relais-notify) has=/usr/bin/relais-notify ;;
	relais-postgres) has=/relais-postgres.so ;;
	relais-web) has=/usr/sbin/relais-web ;;
	esac
	check "  it has its program" eval 'grep -q "$has\$" "$T/$part.files"'
	check "  each program has a manual page" [ -z "$(without_page "$part")" ]
	check "  relais has none of its files" eval \
	    '! inside "dpkg-query -L relais" | grep -e "$part" -e "$has\$"'
	if [ $part = relais-web ]; then
		check "  its socket waits" inside \
		    "systemctl is-active --quiet relais-web.socket"
		check "  and answers" eval 'until_true 10 eval "curl -sf \
		    http://localhost:8587/ >\"\$T/page\"" && grep -qi relais "$T/page"'
	fi
	check "  an upgrade goes through" apt "--reinstall install $deb"
	[ $part != relais-web ] || check "  its socket still waits" inside \
	    "systemctl is-active --quiet relais-web.socket"
	check "  purged, nothing of it is left" eval \
	    'inside "dpkg --purge $part" >"$T/purge.log" 2>&1 &&
	    [ -z "$(left_of "$T/$part.files")" ] && [ -z "$(inside \
		"systemctl list-unit-files --plain --no-legend $part.*")" ]'
	check "  no unit has failed" eval '[ -z "$(inside \
	    "systemctl list-units --failed --plain --no-legend relais*")" ]'
	check "  and mail still flows" eval \
	    'send "after-$part" && until_true 30 arrived "after-$part"'
done
sandbox_done
