#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check.sh - relais check in worlds that are broken in one place: it names that
# stage and no other, by the daemon, with its user and its secrets; reload, stop.
# Programs for eval, and functions that check calls by name.
# shellcheck disable=SC2016,SC2034,SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool nft jq python3
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
nft add table inet wall 2>/dev/null || skip_all "this kernel has no nftables"
filter() { # RULE...: of nft, for packets to a port
	nft flush table inet wall
	nft add chain inet wall in '{ type filter hook input priority 0; }'
	local rule
	for rule; do
		# Words of nft.
		# shellcheck disable=SC2086
		nft add rule inet wall in $rule
	done
}
# Addresses that are not this machine's own, as far as relais can see.
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.2/32 dev lo
ip -6 addr add fd00::25/128 dev lo nodad
names() { # LINE...: of /etc/hosts, beside localhost
	{
		printf '127.0.0.1 localhost client.example.test\n'
		printf '%s\n' "$@"
	} >/etc/hosts
}
own='192.0.2.1 mail.example.test'
other='192.0.2.2 smtp.gmail.com'
names "$own" "$other"

PORT=2526
export PORT
daemon() { # SED-EXPRESSION: with the account changed by it
	stop home
	rm -rf "${T:?}/home"
	start_relaisd home < <(account mail mail.example.test "587 465" auto |
	    sed "$1")
}
listen_at() { echo --host "${1:-192.0.2.1}"; }
provider() { # NAME OPTION...
	local name=$1
	shift
	start_provider "$name" --host 192.0.2.1 "$@"
}

# broken WORLD STAGE STATUS WORDS [ARGUMENT...]: what the check says of it.
broken() {
	local world=$1 stage=$2 status=$3 words=$4 got
	shift 4
	relais --json check "$@" >"$T/check.json" 2>"$T/check.err"
	got=$?
	# The worst verdict, and in which stage; one at most may be so bad.
	local bad
	bad=$(jq -r '[.[] | select(.verdict == "person" or
	    .verdict == "later") | .stage] | unique | join(" ")' \
	    "$T/check.json")
	if [ $got = "$status" ] && [ "$bad" = "$stage" ] &&
	    jq -r '.[] | .seen, .advice' "$T/check.json" | grep -q -- "$words"
	then
		pass "$world: ${stage:-nothing} is broken, status $status"
	else
		fail "$world: status $got, broken: \"$bad\", no \"$words\""
		jq -c . "$T/check.json" | sed 's/^/     | /'
		cat "$T/check.err"
	fi
	note "$(jq -r 'map(select(.verdict == "person" or .verdict == "later"))
	    | last | "\(.stage): \(.seen); \(.advice)"' "$T/check.json")"
}

# --- all is well --------------------------------------------------------------

provider mail --size 5000000
daemon ''
broken "a good account" "" 0 'SCRAM-SHA-256-PLUS as relay'
check "nothing was sent" eval '! ls "$T"/mail/*.eml 2>/dev/null'
check "one line a stage" eval 'relais check mail >"$T/out" &&
    [ "$(grep -c "  ok  " "$T/out")" -ge 7 ]'
sed 's/^/     | /' "$T/out"
check "at a terminal each stage begins with its milliseconds" eval \
    'COLUMNS=80 relais check mail | grep -v "^ " >"$T/out.80" &&
    [ "$(grep -cE "^.{38}  [^ ]" "$T/out.80")" = "$(wc -l <"$T/out.80")" ]'
check "  and ends at its edge" eval 'COLUMNS=80 relais check mail >"$T/out.80" &&
    ! grep -E ".{81}" "$T/out.80"'
check "it names address, certificate and what is offered" eval \
    'grep -q "192.0.2.1" "$T/out" && grep -q "good until .* days\{0,1\})" "$T/out" &&
    grep -q "AUTH PLAIN.*SIZE 5000000.*SMTPUTF8" "$T/out"'
check "neither does it know the password" \
    eval '! grep -qF "$PASSWORD" "$T/out" "$T/home.log"'
check "test sends one to admin" eval 'relais test >"$T/out" &&
    grep -q "^send .*admin@example.test: 250" "$T/out"'
check "which arrives" eval 'grep -q "^To: <admin@example.test>" "$T"/mail/*.eml'
check "--send sends to somebody else" eval \
    'relais check mail --send to@example.org >"$T/out" &&
    grep -q "^send .*to@example.org: 250" "$T/out"'
check "an unknown account is said" eval \
    '! relais check nobody 2>"$T/out" && grep -q "unknown account" "$T/out"'
check "others may not" eval \
    '! setpriv --reuid nobody --clear-groups "$top_builddir/relais" -c "$T/home/relais.conf" check 2>"$T/out" &&
    grep -q "only root" "$T/out"'

# --- names and ports ----------------------------------------------------------

names "$other"
broken "no such name" dns 2 'no such name'
names "$own" "$other"
filter 'ip daddr 192.0.2.1 tcp dport 465 drop'
broken "465 is filtered, 587 is not" "" 0 'no answer'
check "which is a note" eval 'jq -e "any(.[]; .port == 465 and
    .verdict == \"note\")" "$T/check.json" >/dev/null'
filter
daemon 's/^port = .*/port = 25/'
filter 'tcp dport 25 drop'
broken "25 is filtered" tcp 2 'port 25 is filtered here'
daemon ''
filter 'ip daddr 192.0.2.1 tcp dport { 25, 465, 587, 2525 } drop'
start_provider gmail --host 192.0.2.2
broken "the provider is down" tcp 1 'the provider is down'
filter 'tcp dport { 25, 465, 587, 2525 } drop'
start web "$top_builddir/tests/lib/provider" --port 443 --host 192.0.2.2 \
    --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" --lifetime 3600
until_true 10 port_open 192.0.2.2 443
broken "SMTP is blocked" tcp 2 'SMTP is blocked here, whatever the port'
filter 'tcp dport { 25, 443, 465, 587, 2525 } drop'
broken "everything is blocked" tcp 1 'nothing outside this machine answers'
filter
stop web
stop gmail
names 'fd00::25 mail.example.test' "$own" "$other"
broken "IPv6 does not work, IPv4 does" "" 0 'SCRAM-SHA-256-PLUS as relay'
names "$own" "$other"
stop mail
broken "nobody listens" tcp 1 'is up and does not take mail'

# --- interceptions ------------------------------------------------------------

make_cert portal portal.example.test
provider mail --cert "$T/pki/portal.pem" --key "$T/pki/portal.key"
broken "somebody else's certificate" tls 2 'intercepted'
stop mail
make_cert old mail.example.test expired
provider mail --cert "$T/pki/old.pem" --key "$T/pki/old.key"
broken "an expired certificate" tls 2 'expired on'
stop mail
provider mail --port 465 --implicit-port 587
daemon 's/^port = .*/port = 465/'
broken "clear text on 465" tls 2 'speaks clear text first'
daemon 's/^port = .*/port = 587/'
broken "TLS at once on 587" tls 2 'set tls = implicit'
daemon ''
stop mail
provider mail --implicit-port 2465 --hide starttls
daemon 's/^port = .*/port = 587/'
broken "STARTTLS taken away" tls 2 'takes STARTTLS away'
stop mail
provider mail --hang greeting
broken "no greeting" ehlo 1 'nothing greets there'
stop mail
provider mail --delay-ms 1500
broken "a slow provider" "" 0 'undone'
check "is seen in the milliseconds" eval 'jq -e "any(.[]; .stage == \"mail\" and
    .ms >= 3000)" "$T/check.json" >/dev/null'
stop mail

# --- the login ----------------------------------------------------------------

provider mail --no-auth
broken "no AUTH" auth 2 'takes no login'
stop mail
provider mail --fail 'mail:550:5.7.60:sender not allowed'
broken "the sender is refused" mail 2 'sender not allowed'
stop mail
provider mail --fail 'rcpt:451:4.3.0:come back later'
broken "put off" mail 1 'come back later'
stop mail
provider mail
daemon "s,^password_file = .*,password_file = $T/secret/wrong,"
broken "a wrong password" auth 2 535

# --- the secret, and a held account -------------------------------------------

install -o relais -m 600 "$T/secret/mail" "$T/secret/moved"
daemon "s,^password_file = .*,password_file = $T/secret/moved,"
chown root "$T/secret/moved"
broken "a secret that the daemon cannot read" secret 2 'ermission denied'
stop mail
broken "the same, and nobody listens" 'secret tcp' 2 'is up and does not'
provider mail
install -o relais -m 600 "$T/secret/wrong" "$T/secret/moved"
daemon "s,^password_file = .*,password_file = $T/secret/moved,"
submit waits
state() { relais --json status | jq -r '.accounts[0].state'; }
until_true 10 eval '[ "$(state)" = held ]' || fail "the account is not held"
broken "a held account" auth 2 535
install -o relais -m 600 "$T/secret/mail" "$T/secret/moved"
broken "with the right password" "" 0 'SCRAM-SHA-256-PLUS as relay'
check "it is tried again at once" until_true 10 has_mail mail waits

# --- a dozen other worlds -----------------------------------------------------

daemon ''
world() { # WORLD STAGE STATUS WORDS OPTION...: with a provider like that
	local name=$1 stage=$2 status=$3 words=$4
	shift 4
	stop mail
	provider mail "$@"
	broken "$name" "$stage" "$status" "$words"
}
world "an address that is listed" ehlo 1 'is listed' \
    --fail 'greeting:554:5.7.1:your address is listed'
world "too many connections" ehlo 1 'too many' \
    --fail 'greeting:421:4.7.0:too many connections'
world "EHLO is refused" ehlo 1 'go away' --fail 'ehlo:550:5.7.1:go away'
world "AUTH hangs" auth 1 'try again later' --hang auth
world "AUTH is cut off" auth 1 'try again later' --drop auth
world "AUTH is put off" auth 1 'Temporary' \
    --fail 'auth:454:4.7.0:Temporary authentication failure'
world "an app password is wanted" auth 2 'app password' \
    --fail 'auth:534:5.7.9:Application-specific password required'
world "MAIL is cut off" mail 1 'try again later' --drop mail
world "the mailbox does not exist" mail 2 'no such user' \
    --fail 'rcpt:550:5.1.1:no such user'
world "nothing newer than TLS 1.1" tls 2 'TLS' \
    --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT'
certtool --generate-self-signed --load-privkey "$T/pki/mail.key" \
    --template <(printf '%s\n' 'cn = mail.example.test' \
    'dns_name = mail.example.test' 'expiration_days = 30') \
    --outfile "$T/pki/self.pem" 2>/dev/null
world "a certificate that signs itself" tls 2 'certificate' --cert "$T/pki/self.pem"
stop mail
provider mail --fail 'end:554:5.7.1:this is spam'
broken "the message is refused" send 2 'this is spam' mail --send to@example.org
stop mail
provider mail
daemon "s,^password_file = .*,password_file = $T/secret/moved,"
: >"$T/secret/moved"
broken "an empty file" secret 2 'is empty'
export RELAIS_CRED_HELPER=$top_builddir/relais-cred
daemon 's,^password_file = .*,password_command = /bin/false,'
broken "a command that fails" secret 2 'exit status 1'
mkdir -p /etc/relais
cat >/etc/relais/oauth2 <<-END
	away token=https://mail.example.test:9443/token scope=smtp
	    scope_unattended=smtp
END
chmod 644 /etc/relais/oauth2
install -o relais -m 600 "$T/secret/mail" "$T/secret/moved"
daemon "s,^password_file = .*,oauth = away\nclient_id = x\noauth_flow = client\nclient_secret_file = $T/secret/moved,"
if ldd "$top_builddir/relais-cred" | grep -q libcurl; then
	stop mail
	provider mail --mechanisms XOAUTH2 --token-file "$T/secret/mail"
	broken "a token server that is away" secret 1 'cannot be asked'
	stop mail
	provider mail
fi

# --- passwd -------------------------------------------------------------------

install -o relais -m 600 "$T/secret/wrong" "$T/secret/moved"
daemon "s,^password_file = .*,password_file = $T/secret/moved,"
submit again
until_true 10 eval '[ "$(state)" = held ]' || fail "the account is not held"
relais passwd mail --password-file - <"$T/secret/wrong" >"$T/out" 2>&1
check "passwd does not store a wrong password" \
    [ $? = 2 -a "$(cat "$T/secret/moved")" = "not the password" ]
check "but says what the provider says" grep -q '535' "$T/out"
relais passwd mail --password-file "$T/secret/mail" >"$T/out" 2>&1
check "a file that root cannot trust is refused" [ $? = 1 ]
relais passwd mail --password-file - <"$T/secret/mail" >"$T/out" 2>&1
check "passwd takes the right one" [ $? = 0 ]
check "and stores it" cmp -s "$T/secret/mail" "$T/secret/moved"
check "for the daemon's user alone" \
    [ "$(stat -c '%U %a' "$T/secret/moved")" = "relais 600" ]
check "the account is in use again" until_true 10 has_mail mail again
check "no secret is shown" eval '! grep -qF "$PASSWORD" "$T/out" "$T/home.log"'
install -o relais -m 600 "$T/secret/wrong" "$T/secret/moved"
cat >"$T/type.py" <<-'END'
	import os, pty, sys, time
	secret = open(sys.argv[1], "rb").readline()
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[2], sys.argv[2:])
	seen = b""
	while b"Password" not in seen:
	    seen += os.read(fd, 1000)
	time.sleep(0.2)
	os.write(fd, secret)
	try:
	    while True:
	        more = os.read(fd, 1000)
	        if not more:
	            break
	        seen += more
	except OSError:
	    pass
	sys.stdout.buffer.write(seen)
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
python3 "$T/type.py" "$T/secret/mail" "$top_builddir/relais" \
    -c "$T/home/relais.conf" passwd mail >"$T/out" 2>&1
check "it is typed at a terminal" [ $? = 0 ]
check "and is what was typed" cmp -s "$T/secret/mail" "$T/secret/moved"
check "which does not show it" eval '! grep -qF "$PASSWORD" "$T/out"'
cat >"$T/give_up.py" <<-'END'
	import fcntl, os, pty, sys, termios
	fd, tty = pty.openpty()
	pid = os.fork()
	if pid == 0:
	    os.setsid()
	    fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
	    os.execv(sys.argv[1], sys.argv[1:])
	seen = b""
	while b"Password" not in seen:
	    seen += os.read(fd, 1000)
	os.write(fd, b"half of it\x03")
	os.waitpid(pid, 0)
	sys.exit(termios.tcgetattr(tty)[3] & termios.ECHO == 0)
END
timeout 60 python3 "$T/give_up.py" "$top_builddir/relais" \
    -c "$T/home/relais.conf" passwd mail >"$T/out" 2>&1
check "Ctrl-C leaves the terminal as it was" [ $? = 0 ]
check "and nothing is stored" cmp -s "$T/secret/mail" "$T/secret/moved"

# What the daemon says about itself moves no file of root's: the file that -c
# names has another path and another user.
mkdir "$T/named" "$T/open"
chmod 755 "$T/named"
chmod 777 "$T/open"
for file in "$T/named/word" "$T/open/word"; do
	install -m 600 "$T/secret/wrong" "$file"
done
install -o relais -m 600 "$T/secret/wrong" "$T/secret/moved"
passwd_at() { # FOLDER
	sed "s,^password_file = .*,password_file = $1/word,
	    s/^\[relais\]/&\nuser = nobody/" "$T/home/relais.conf" \
	    >"$T/named.conf"
	"$top_builddir/relais" -c "$T/named.conf" passwd mail \
	    --password-file - <"$T/secret/mail" >"$T/out" 2>&1
}
passwd_at "$T/named"
check "the path is that of the configuration, not what the daemon says" eval \
    'cmp -s "$T/secret/mail" "$T/named/word" &&
    cmp -s "$T/secret/wrong" "$T/secret/moved"'
check "and the owner is its user" [ "$(stat -c %U "$T/named/word")" = nobody ]
check "nothing is stored where anybody may put another file" \
    eval '! passwd_at "$T/open" && cmp -s "$T/secret/wrong" "$T/open/word"'
daemon 's,^password_file = .*,password_command = cat /nowhere,'
check "where it is no file, it says where the secret is" eval \
    '! relais passwd mail 2>"$T/out" && grep -q password_command "$T/out"'
daemon ''

# --- reload, stop -------------------------------------------------------------

check "reload says that it worked" eval \
    '[ "$(relais reload)" = "reloaded, 1 account" ]'
echo 'prot = 1' >>"$T/home/relais.conf"
check "or what is wrong" eval '! RELAIS_CONTROL=$T/home/control.sock \
    "$top_builddir/relais" reload 2>"$T/out" && grep -q "did you mean" "$T/out"'
sed -i '$d' "$T/home/relais.conf"
check "others may not stop it" eval \
    '! setpriv --reuid nobody --clear-groups "$top_builddir/relais" -c "$T/home/relais.conf" stop 2>"$T/out" &&
    grep -q "only root" "$T/out" && is_up home'
pid=$(cat "$T/home.pid")
# The shell has not waited for it yet, so it stays as a zombie.
wait_for_it() { wait "$pid"; }
relais stop >"$T/out" 2>&1 &
asked=$!
wait_for_it
check "stop ends it" eval 'wait $asked && grep -q "^stopped" "$T/out"'
check "without it, check says so and how to start it" eval \
    'relais check 2>"$T/out"; [ $? = 2 ] &&
    grep -q "systemctl start relais" "$T/out" && grep -q "no errors" "$T/out"'
sandbox_done
