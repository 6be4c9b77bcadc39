#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What goes wrong for everybody once: each trouble gets one clear sentence that
# names the fix, an accepted mail is kept, and after the fix it is delivered.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

make_cert expired mail.example.test expired
make_cert foreign other.example.test
make_cert self mail.example.test self

# home NAME: one relaisd with one account, mail.example.test:587; settings of
# the account that differ come on stdin, as "key = value".
home() {
	local over
	over=$(cat)
	start_relaisd home < <(
		account mail mail.example.test 587 starttls |
		    grep -vE "^($(printf '%s\n' "$over" |
			sed -n 's/ *=.*//p' | paste -sd '|' | grep . ||
			echo '-'))( |=)"
		printf '%s\n' "$over"
	)
}
# A mail is accepted, the log says PATTERN, the mail is in the queue.
kept() { # CASE PATTERN
	if submit "$1"; then pass "$1: the mail is accepted"
	else fail "$1: the mail is refused: $(grep '^< ' "$T/submit.err" | tail -n 1)"; fi
	says home "$2" "$1: the log says what is wrong"
	if queue_is 1; then pass "$1: the mail is in the queue"
	else fail "$1: the queue has $(queue_len) messages, not 1"; fi
}
# After the fix it leaves by itself or when asked to.
leaves() { # CASE
	relais flush >/dev/null 2>&1
	if until_true 20 has_mail provider "$1"; then
		pass "$1: delivered after the fix"
	else
		fail "$1: not delivered after the fix"
		show_log home 8
	fi
	stop home
	stop provider
	check "$1: no secret in the log" \
	    eval '! grep -qF -e "$PASSWORD" -e "not the password" "$T/home.log"'
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
}

# --- the account --------------------------------------------------------------

start_provider provider
install -o relais -m 600 "$T/secret/wrong" "$T/secret/account"
home <<-EOF
password_file = $T/secret/account
EOF
kept "wrong password" 'account[= ]mail.*(password|credentials|login|535)'
install -o relais -m 600 "$T/secret/mail" "$T/secret/account"
kill -HUP "$(cat "$T/home.pid")"
leaves "wrong password"

start_provider provider
home <<-EOF
host = nowhere.example.test
EOF
kept "unknown host" 'nowhere\.example\.test'
echo '127.0.0.1 nowhere.example.test' >>/etc/hosts
make_cert mail nowhere.example.test
stop provider
start_provider provider
leaves "unknown host"
make_cert mail mail.example.test

# --- certificates -------------------------------------------------------------

certificate() { # CASE FILE PATTERN
	start_provider provider --cert "$T/pki/$2.pem" --key "$T/pki/$2.key"
	home </dev/null
	kept "$1" "$3"
	stop provider
	start_provider provider
	leaves "$1"
}
certificate "expired certificate" expired 'expired'
certificate "wrong-name certificate" foreign \
    'certificate.*(other|mail)\.example\.test|name'
certificate "self-signed certificate" self 'self-signed|tls_ca_file|issuer|trusted'

# --- what the provider lacks --------------------------------------------------

start_provider provider --hide starttls
home </dev/null
kept "STARTTLS missing" 'STARTTLS'
check "STARTTLS missing: no login and no mail went in clear" \
    eval '! grep -q message "$T/provider.log"'
stop provider
start_provider provider
leaves "STARTTLS missing"

start_provider provider --hide auth
home </dev/null
kept "AUTH missing" 'AUTH|log in|login'
stop provider
start_provider provider
leaves "AUTH missing"

start_provider provider --mechanisms CRAM-MD5
home </dev/null
kept "no common mechanism" 'CRAM-MD5'
stop provider
start_provider provider
leaves "no common mechanism"

# --- the disk -----------------------------------------------------------------

mkdir -p "$T/home/spool"
mount -t tmpfs -o size=6m,mode=700 tmpfs "$T/home/spool"
chown relais:relais "$T/home/spool"
start_provider provider --hang greeting
PORT=2525 home </dev/null
submit "small one" || fail "disk: a small mail fits"
accepted=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	submit "disk $i" 1000000 || break
	accepted=$((accepted + 1))
done
if [ $accepted -lt 10 ] && grep -q '^< 4[0-9][0-9]' "$T/submit.err"; then
	pass "disk full: refused with 4xx after $accepted mails"
else
	fail "disk full: $accepted of 10 accepted, $(grep '^< ' "$T/submit.err" |
	    tail -n 1)"
fi
says home 'space|disk|full' "disk full: the log says so"
printf 'Subject: by command\n\n%02000000d\n' 0 | fold -w 76 >"$T/big"
RELAIS_SOCKET=$T/home/smtp.sock "$top_builddir/sendmail" to@example.org \
    <"$T/big" 2>"$T/sendmail.err"
status=$?
if [ $status = 75 ] && [ "$(wc -l <"$T/sendmail.err")" = 1 ]; then
	pass "disk full: sendmail says so and exits with EX_TEMPFAIL"
	note "$(cat "$T/sendmail.err")"
else
	fail "disk full: sendmail exits with $status: $(head -c 300 "$T/sendmail.err")"
fi
stop provider
start_provider provider
relais flush >/dev/null
all_there() {
	local i
	has_mail provider "small one" || return 1
	for ((i = 1; i <= accepted; i++)); do
		has_mail provider "disk $i" || return 1
	done
}
if until_true 30 all_there; then pass "disk full: what was accepted arrives"
else fail "disk full: an accepted mail is lost"; show_log home; fi
stop home
stop provider
umount "$T/home/spool"
rm -rf "${T:?}/home" "$T/home.log"

# --- the machine --------------------------------------------------------------

# relaisd ends by itself, with one sentence.
refuses() { # CASE PATTERN COMMAND...
	local name=$1 pattern=$2 status
	shift 2
	timeout 100 "$@" >"$T/refuses.log" 2>&1 </dev/null
	status=$?
	if [ $status = 0 ] || [ $status = 124 ]; then
		fail "$name: relaisd starts all the same (status $status)"
	elif ! grep -qiE -- "$pattern" "$T/refuses.log"; then
		fail "$name: no sentence like /$pattern/"
		show_log refuses
	else
		pass "$name: refused with status $status"
		note "$(grep -iE -m 1 -- "$pattern" "$T/refuses.log")"
	fi
}
relaisd() { "$top_builddir/relaisd" "$@"; }
export top_builddir
relaisd_conf home < <(account mail mail.example.test 587 starttls)
conf=$T/home/relais.conf
D=$top_builddir/relaisd

chown root:root "$T/home/spool"
chmod 700 "$T/home/spool"
refuses "unreadable spool" "$T/home/spool.*(permission|chown|owner|write)" \
    "$D" -f -c "$conf"
chown relais:relais "$T/home/spool"

start holder socat TCP-LISTEN:2525,bind=127.0.0.1,fork /dev/null
command -v socat >/dev/null || start holder python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 2525)); time.sleep(60)'
until_true 5 port_open 127.0.0.1 2525
refuses "port in use" '2525.*(in use|holds|listen)' "$D" -f -c "$conf"
stop holder

run_relaisd home
wait_port home 127.0.0.1 2525
sed 's/:2525/:2626/; s/smtp.sock/b.sock/; s/control.sock/c.sock/' "$conf" \
    >"$T/home/second.conf"
refuses "second relaisd on one spool" 'spool.*(another|already|use|lock)|relaisd' \
    "$D" -f -c "$T/home/second.conf"
check "the first is not disturbed" port_open 127.0.0.1 2525
stop home

# --- the configuration --------------------------------------------------------

wrong() { # CASE PATTERN: the line to add comes on stdin
	{ cat "$conf"; cat; } >"$T/home/wrong.conf"
	refuses "$1" "$2" "$D" --check -c "$T/home/wrong.conf"
	[ "$(tail -n 1 "$T/refuses.log" | wc -c)" -gt 1 ] ||
	    fail "$1: says nothing"
}
check "a good configuration passes --check" "$D" --check -c "$conf"
wrong "unknown key" 'did you mean.*port' <<<'prot = 465'
wrong "unknown section" 'acount|section' <<<'[acount x]'
wrong "no number" 'port.*many' <<-EOF
[account two]
host = mail.example.test
port = many
EOF
wrong "a listener beyond loopback" 'allow_from' <<-EOF
[listen lan]
address = 0.0.0.0:2626
EOF

# What is around the file: each with its line, and what to do.
with() { # CASE PATTERN SETTING...: in [relais], behind its first line
	local case=$1 pattern=$2
	shift 2
	{ sed -n 1p "$conf"; printf '%s\n' "$@"; sed 1d "$conf"; } \
	    >"$T/home/wrong.conf"
	refuses "$case" "$pattern" "$D" --check -c "$T/home/wrong.conf"
}
# instead CASE PATTERN SETTING LINE: LINE where SETTING was
instead() {
	sed "s,^$3 = .*,$4," "$conf" >"$T/home/wrong.conf"
	refuses "$1" "$2" "$D" --check -c "$T/home/wrong.conf"
}
with "a relative alert_command" \
    'alert_command in .relais., line 2 of .*not an absolute path' \
    'alert_command = alert %e'
with "an alert_command that is not there" \
    'line 2 of .*relais cannot run /nonexistent/a.*install' \
    'alert_command = /nonexistent/a'
with "an unknown user" \
    'allow_users in .relais., line 2 of .*user nemo does not exist' \
    'allow_users = 0 bob nemo'
with "an unknown group" 'line 2 of .*group nemo does not exist' \
    'allow_groups = nemo'
instead "a spool that cannot be made" \
    'spool in .relais., line [0-9]* of .*install -d' \
    spool "spool = $T/none/deep/spool"
mkdir -m 700 "$T/rootspool"
instead "a spool of root's" 'user relais cannot use .*chown -R relais' \
    spool "spool = $T/rootspool"
: >"$T/secret/empty"
chmod 600 "$T/secret/empty"
chown relais "$T/secret/empty"
instead "an empty secret" 'account mail., line [0-9]* of .*is empty' \
    password_file "password_file = $T/secret/empty"
instead "a password_command that is not there" \
    'line [0-9]* of .*relais cannot run nonesuch' \
    password_file 'password_command = nonesuch --show mail'
echo '[account two]
host = mail.example.test
identity = keep
users = nemo' >"$T/home/more"
wrong "an unknown user of an account" \
    'users: user nemo does not exist' <"$T/home/more"
echo '[account ms]
provider = outlook
user = me@outlook.com
password = geheim
senders = me@outlook.com' >"$T/home/more"
chmod 600 "$T/home/wrong.conf"
wrong "a password where a sign-in is wanted" \
    'takes no password, it wants a sign-in.*relais login ms' <"$T/home/more"
echo '[account two]
host = mail.example.test:465' >"$T/home/more"
wrong "host with a port" 'host = mail.example.test, port = 465' \
    <"$T/home/more"
cp "$T/secret/mail" "$T/roots"
chmod 600 "$T/roots"
sed "s,^password_file = .*,password_file = $T/roots," "$conf" \
    >"$T/home/roots.conf"
passes_but() { # PATTERN
	"$D" --check -c "$T/home/roots.conf" >"$T/roots.log" 2>&1 &&
	    grep -q "$1" "$T/roots.log" && return
	show_log roots
	return 1
}
check "a secret that only root can read passes with a warning" \
    passes_but 'only root can read.*chown relais'
sed '/^admin = /d' "$conf" >"$T/home/roots.conf"
check "so does no admin" passes_but 'admin in .relais.: not set'

chmod 644 "$T/secret/mail"
refuses "a secret that others may read" 'chmod' "$D" --check -c "$conf"
chmod 600 "$T/secret/mail"
chown nobody "$T/secret/mail"
refuses "a secret of somebody else" 'belongs to nobody.*chown' \
    "$D" --check -c "$conf"
chown relais "$T/secret/mail"
chmod 777 "$T/secret"
refuses "a secret in a folder that others can write to" \
    'can write to the folder.*chmod go-w' "$D" --check -c "$conf"
chmod 711 "$T/secret"
chown nobody "$T/pki/ca.pem"
refuses "a certificate of somebody else" 'tls_ca_file.*belongs to nobody' \
    "$D" --check -c "$conf"
chown root "$T/pki/ca.pem"
chown nobody "$conf"
refuses "a configuration of somebody else" 'belongs to nobody' \
    "$D" --check -c "$conf"
chown root "$conf"
mkdir -p /etc/relais
for own in providers replies; do
	touch /etc/relais/$own
	chown nobody /etc/relais/$own
	refuses "$own of somebody else" "relais/$own belongs to nobody" \
	    "$D" --check -c <(cat "$conf"; printf '[account p]\nprovider = fastmail\nuser = a@b.example\npassword = x\ndefault = yes\n')
	rm /etc/relais/$own
done
ln -s "$conf" "$T/link.conf"
check "a link of root's is fine" "$D" --check -c "$T/link.conf"
chown -h nobody "$T/link.conf"
refuses "a link of somebody else's is not" 'the link .* belongs to nobody' \
    "$D" --check -c "$T/link.conf"
sandbox_done
