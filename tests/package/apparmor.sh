#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The AppArmor profile allows what relaisd's processes do, as strace(1) sees them
# from start to stop: mail by each way in, a command for a secret, a reload.
# Whether a kernel agrees is not tried here.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
need strace apparmor_parser python3
system_enter
profile=$srcdir/contrib/apparmor/relaisd
check "apparmor_parser takes the profile" eval \
    'apparmor_parser -Q -K "$profile" >"$T/parser.log" 2>&1'
start_provider provider --fail "rcpt/nobody@*:550:5.1.1:no such user"
install_relais || fail "relais is installed"
send dropped
configure
sed -i 's/^password_file/default = yes\n&/' "$root/etc/relais/relais.conf"
cat >>"$root/etc/relais/relais.conf" <<-END

	[account other]
	host = mail.example.test
	port = 587
	tls = starttls
	tls_ca_file = /pki/ca.pem
	user = $USER_NAME
	address = other@example.test
	password_command = cat /etc/relais/mail.secret
END
# What the administrator has to allow for this configuration.
{
	sed '/^}/d' "$profile"
	printf '\t/usr/bin/cat rix,\n\t/pki/* r,\n}\n'
} >"$T/profile"

inside "mkdir -p /run/relais && chown relais:relais /run/relais"
mkdir "$T/trace" "$T/calls"
start daemon strace -ff -y -s 500 -o "$T/trace/of" -e trace=file,connect \
    chroot "$root" /usr/sbin/relaisd -f
wait_port daemon 127.0.0.1 2525
relaisd=$(pgrep -f -P "$(cat "$T/daemon.pid")" "^/usr/sbin/relaisd")
check "mail from the drop folder arrives" until_true 30 arrived dropped
check "mail by sendmail" eval 'send by-command && until_true 30 arrived by-command'
check "mail that another account sends" eval 'inside "printf \
    \"From: other@example.test\nSubject: other\n\n\" |
    sendmail -f other@example.test a@example.org" && until_true 30 arrived other'
inside "echo x | sendmail nobody@example.org" 2>/dev/null
inside "relais status; relais log; relais check" >"$T/tools.log" 2>&1
kill -HUP "$relaisd"
send after-reload
until_true 30 arrived after-reload
kill "$relaisd"
wait "$(cat "$T/daemon.pid")"

# What came after its start, one file for each thread, with the paths of that
# system.
for f in "$T"/trace/of.*; do
	if grep -q 'execve("/usr/sbin/relaisd"' "$f"; then
		sed '1,/execve("\/usr\/sbin\/relaisd"/d' "$f"
	else
		cat "$f"
	fi | sed "s,$root/*,/,g" >"$T/calls/${f##*.}"
done
allows() {
	python3 "$srcdir/tests/package/apparmor.py" "$1" "$T"/calls/* \
	    >"$T/denied" 2>&1
}
check "the profile allows every file that they opened" allows "$T/profile"
tail -n 20 "$T/denied" | sed 's/^/     | /'
grep -v '/var/spool/relais' "$T/profile" >"$T/less"
check "  and without its rule for the spool it does not" eval '! allows "$T/less"'
sandbox_done
