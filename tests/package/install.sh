#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck disable=SC2153
# The package in a Debian of its own: ROOT, with the mail system OTHER or none;
# the packages are in DEBS.  Started by tests/package/run.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh"
sandbox_enter

root=$T/root
mkdir -p "$root" "$T/upper" "$T/root-work"
mount -t overlay overlay \
    -o "lowerdir=$ROOT,upperdir=$T/upper,workdir=$T/root-work" "$root" ||
    skip_all "no overlay file system"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/debs" "$root/pki"
mount --bind "$DEBS" "$root/debs"
mount --bind "$T/pki" "$root/pki"
cp /etc/hosts "$root/etc/hosts"
# No init runs here, so no package may start anything.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

# inside COMMAND: by the shell there.
inside() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	    DEBIAN_FRONTEND=noninteractive sh -c "$1"
}
apt() {
	inside "apt-get -o APT::Sandbox::User=root -qy $*" >"$T/apt.log" 2>&1 && return
	tail -n 20 "$T/apt.log"
	return 1
}
install_relais() { apt "--reinstall install /debs/relais_*_*.deb"; }
package_of() { inside "dpkg-query -S '$1'" | cut -d: -f1; }
# Links below /usr and /etc that lead nowhere, and are about mail; those that
# enable a unit stay until a purge, as with every package.
dangling() {
	find "$root/usr" "$root/etc" -xtype l -printf '/%P\n' 2>/dev/null |
	    grep -E 'sendmail|mailq|newaliases|relais|mta' |
	    grep -v ^/systemd/ | while read -r l; do
		inside "test -e '/usr$l' -o -e '/etc$l'" || echo "$l"
	done
}
none_dangling() {
	local found
	found=$(dangling)
	[ -z "$found" ] || note "leads nowhere: $found"
	[ -z "$found" ]
}
waiting() { find "$root/var/spool/relais" -type f -path '*/drop/*' | wc -l; }

configure() {
	mkdir -p "$root/etc/relais"
	cat >"$root/etc/relais/relais.conf" <<-END
		[relais]
		admin = admin@example.test
		hostname = client.example.test
		listen = 127.0.0.1:2525

		[account mail]
		host = mail.example.test
		port = 587
		tls = starttls
		tls_ca_file = /pki/ca.pem
		user = $USER_NAME
		password_file = /etc/relais/mail.secret
	END
	printf '%s\n' "$PASSWORD" >"$root/etc/relais/mail.secret"
	inside "chown relais:relais /etc/relais/mail.secret
	    chmod 600 /etc/relais/mail.secret"
}
run_daemon() {
	inside "mkdir -p /run/relais && chown relais:relais /run/relais"
	start daemon chroot "$root" /usr/sbin/relaisd -f
	wait_port daemon 127.0.0.1 2525
}
send() { inside "printf 'Subject: $1\n\ntext\n' | sendmail someone@example.org"; }
arrived() { grep -qs "^Subject: $1" "$T"/provider/*.eml; }

start_provider provider

if [ -n "$OTHER" ]; then
	check "sendmail is of $OTHER first" \
	    eval '[ "$(package_of "$(inside "readlink -f /usr/sbin/sendmail")")" != relais ]'
fi
check "it installs" install_relais
[ -z "$OTHER" ] || check "$OTHER goes" \
    eval '! inside "dpkg-query -W -f \${db:Status-Status} $OTHER" 2>/dev/null | grep -qx installed'
check "sendmail is ours, by both of its paths" \
    eval '[ "$(package_of /usr/sbin/sendmail) $(package_of /usr/lib/sendmail)" = "relais relais" ]'
check "no link leads nowhere" none_dangling
check "a mail before there is a configuration waits" \
    eval 'send first && [ "$(waiting)" = 1 ]'

configure
check "relaisd takes the configuration" inside "relaisd --check"
run_daemon
check "the mail that waited arrives" until_true 30 arrived first
check "mailq and newaliases are ours" \
    eval 'inside "mailq && newaliases"'
check "so does the next" eval 'send second && until_true 30 arrived second'
check "an upgrade leaves the configuration and the daemon alone" \
    eval 'install_relais && send third && until_true 30 arrived third'

stop daemon
send fourth
check "removed, it leaves mail and configuration" eval 'apt remove relais &&
    [ "$(waiting)" = 1 ] && [ -e "$root/etc/relais/mail.secret" ]'
check "  and no link that leads nowhere" none_dangling
check "purged, it says where mail still waits" \
    eval 'inside "dpkg --purge relais" >"$T/purge" 2>&1 &&
    grep -q "1 message waits in /var/spool/relais" "$T/purge"'
check "  and takes the secret along" eval '[ ! -e "$root/etc/relais" ]'
check "installed again, it delivers that mail" eval 'install_relais && configure &&
    { run_daemon; until_true 30 arrived fourth; }'
stop daemon
check "purged with nothing waiting, nothing of it is left" \
    eval 'inside "dpkg --purge relais" >/dev/null 2>&1 &&
    [ ! -e "$root/var/spool/relais" ] && [ ! -e "$root/etc/relais" ]'
sandbox_done
