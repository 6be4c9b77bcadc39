#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Programs that send mail, installed after relais: they bring no mail server
# along, and their mail arrives.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_enter
# They ask for the whole name.
echo "127.0.1.1 $(hostname)" >>"$root/etc/hosts"
start_provider provider
install_relais || fail "relais is installed"
configure
run_daemon

servers="exim4|postfix|sendmail|nullmailer|msmtp-mta|dma|ssmtp|opensmtpd|citadel|courier-mta|masqmail|esmtp-run"
mail_servers() {
	inside "dpkg-query -W -f '\${Package} \${db:Status-Status}\n'" |
	    sed -n 's/ installed$//p' | grep -E "^($servers)" | tr '\n' ' '
}

# two versions of a package that a system may upgrade by itself.
make_upgrade() {
	local version d=$T/news
	mkdir -p "$root/news"
	for version in 1 2; do
		mkdir -p "$d/$version/DEBIAN"
		printf '%s\n' "Package: news" "Version: $version" \
		    "Architecture: all" "Maintainer: nobody <nobody@localhost>" \
		    "Description: has news" >"$d/$version/DEBIAN/control"
		dpkg-deb --root-owner-group -b "$d/$version" \
		    "$root/news/news_$version.deb" || return 1
	done
	inside "dpkg --install /news/news_1.deb" || return 1
	{
		cat "$d/2/DEBIAN/control"
		echo "Filename: ./news_2.deb"
		echo "Size: $(stat -c %s "$root/news/news_2.deb")"
		echo "SHA256: $(sha256sum "$root/news/news_2.deb" | cut -d' ' -f1)"
	} >"$root/news/Packages"
	echo "deb [trusted=yes] file:/news ./" >"$root/etc/apt/sources.list"
	rm -f "$root"/etc/apt/sources.list.d/*
	apt update
}

check "mailutils, logwatch, mdadm, unattended-upgrades and apticron install" \
    apt install mailutils logwatch mdadm unattended-upgrades apticron
servers_found=$(mail_servers)
check "  no other mail server comes along" eval \
    '[ -z "$servers_found" ] || ! note "installed: $servers_found"'
check "  sendmail is ours, by both of its paths" sendmail_is_ours

# arrives NAME SUBJECT COMMAND: what the command sends to root.
arrives() {
	inside "$3" >"$T/$1.out" 2>&1
	if until_true 20 arrived "$2"; then
		pass "mail of $1 arrives"
	else
		fail "mail of $1 arrives"
		tail -n 5 "$T/$1.out" | sed 's/^/     | /'
	fi
}
arrives mail "by mail" "echo text | mail -s 'by mail' root"
arrives mdadm "TestMessage event on /dev/md99" \
    "mdadm --monitor --test --oneshot --mail=root /dev/md99"
arrives logwatch "Logwatch for" \
    "logwatch --output mail --mailto root --range today --service dpkg"
make_upgrade >"$T/news.log" 2>&1 || show_log news
arrives apticron ".* Debian package update" "apticron"
cat >"$root/etc/apt/apt.conf.d/99test" <<'END'
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern { "origin=*"; };
Unattended-Upgrade::Mail "root";
Unattended-Upgrade::MailReport "always";
END
arrives unattended-upgrades ".*unattended-upgrades result" "unattended-upgrade -v"
sandbox_done
