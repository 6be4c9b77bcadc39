# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2153
# system.sh - a Debian of its own for one test; sourced first, after it the
# functions of tests/lib/sandbox.sh are there as well.  Started by
# tests/package/run: ROOT is the system, which stays as it is, DEBS the folder
# of the packages.
#
#	. tests/package/system.sh
#	system_enter			nothing runs there, as in a chroot
#	system_boot			or: systemd does
#	inside "COMMAND"		by the shell there
#
# Its network is that of the sandbox: a loopback with the provider.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
# By debconf go neither blanks at its ends nor letters of another encoding.
PASSWORD='p;a"s #s=word'

root=$T/root

system_enter() {
	sandbox_enter
	mkdir -p "$root" "$T/upper" "$T/root-work"
	mount -t overlay overlay -o \
	    "lowerdir=$ROOT,upperdir=$T/upper,workdir=$T/root-work" "$root" ||
	    skip_all "no overlay file system"
	mkdir -p "$root/debs" "$root/pki"
	mount --bind "$DEBS" "$root/debs"
	mount --bind "$T/pki" "$root/pki"
	cp /etc/hosts "$root/etc/hosts"
	# The provider's authority is one that this system trusts.
	mkdir -p "$root/usr/local/share/ca-certificates"
	cp "$T/pki/ca.pem" "$root/usr/local/share/ca-certificates/test.crt"
	[ -z "${1:-}" ] || return 0
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	# No init runs here, so no package may start anything.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	inside update-ca-certificates >/dev/null 2>&1
}

# systemd as process 1 of namespaces of its own, but for the network.  Its mounts
# are shared, as those of a machine are: so it hands credentials to services.
system_boot() {
	system_enter boot
	rm -f "$root/usr/sbin/policy-rc.d"
	# Without a terminal.
	ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
	start boot unshare --mount --pid --ipc --uts --cgroup --fork \
	    --kill-child bash -ec '
		cd "$1"
		mount -t proc proc proc
		mount -t sysfs -o ro sysfs sys
		mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
		mount -t cgroup2 cgroup2 sys/fs/cgroup
		mount -t tmpfs -o mode=755 tmpfs run
		mount -t tmpfs tmpfs tmp
		mount -t tmpfs -o mode=755 tmpfs dev
		for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
			mknod -m 666 dev/${node% *} c 1 ${node#* }
		done
		mknod -m 666 dev/tty c 5 0
		: >dev/console
		mkdir dev/shm dev/pts
		mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
		ln -s pts/ptmx dev/ptmx
		mkdir -p .outside
		pivot_root . .outside
		exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		    chroot . sh -c "umount -l /.outside; mount --make-rshared /
			exec /lib/systemd/systemd"
	' bash "$root"
	until_true 30 find_init || skip_all "systemd does not start here"
	until_true 30 inside "systemctl is-system-running 2>/dev/null |
	    grep -qxE 'running|degraded'" ||
	    skip_all "systemd comes to no end of its start here"
	inside update-ca-certificates >/dev/null 2>&1
}
find_init() {
	init=$(pgrep -xP "$(cat "$T/boot.pid")" systemd)
}

inside() {
	set -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	    TERM=dumb DEBIAN_FRONTEND=noninteractive sh -c "$1"
	if [ -n "${init:-}" ]; then
		nsenter -t "$init" -m -p -i -u -C -r -w -- "$@"
	else
		chroot "$root" "$@"
	fi
}
apt() {
	inside "apt-get -o APT::Sandbox::User=root -qy $*" >"$T/apt.log" 2>&1 && return
	tail -n 20 "$T/apt.log"
	return 1
}
install_relais() { apt "--reinstall install /debs/relais_*_*.deb"; }
package_of() { inside "dpkg-query -S '$1'" | cut -d: -f1; }
sendmail_is_ours() {
	[ "$(package_of /usr/sbin/sendmail) $(package_of /usr/lib/sendmail)" = \
	    "relais relais" ]
}

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

# The configuration that a person would have written.
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
