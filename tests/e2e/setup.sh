#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# From an address to the first message: relais setup against stand-ins of the
# providers, the name server and the web server, on a terminal and without one.
# Programs for eval, and functions that check calls by name.
# shellcheck disable=SC2016,SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/typed.sh"
need jq python3 certtool nft
sandbox_enter
[ -x "$top_builddir/relais-setup" ] || skip_all "relais-setup is not built"
LIB=$srcdir/tests/lib

# --- the world ----------------------------------------------------------------

cat "$T/pki/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
mount -t tmpfs -o mode=755 tmpfs /var/spool
rm -rf "$CONF"
sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
: >"$T/zone"
start dns python3 "$LIB/dnsd.py" "$T/zone"
until_true 10 grep -qs ready "$T/dns.log" || skip_all "no DNS server"
zone() { printf '%s\n' "$@" >>"$T/zone"; }

# No part of an alphabet, which is in many programs.
PASSWORD=qzxvkwjyhfgmrtpb
printf '%s\n' "$PASSWORD" >"$T/password"
printf 'qzxv kwjy hfgm rtpb\n' >"$T/grouped"
printf 'not the password\n' >"$T/bad"
chmod 600 "$T/password" "$T/grouped" "$T/bad"

# Not on loopback: a server there is one of this machine, which is another
# trouble than a filter.
number=10
stand_in() { # NAME HOST LOGIN [OPTION...]: a provider, and its name in DNS
	local name=$1 host=$2 login=$3
	shift 3
	number=$((number + 1))
	ip addr add "10.9.0.$number/32" dev lo
	zone "$host A 10.9.0.$number"
	make_cert "$name" "$host"
	start_provider "$name" --host "10.9.0.$number" \
	    --cert "$T/pki/$name.pem" --key "$T/pki/$name.key" \
	    --user "$login" --password-file "$T/password" "$@"
}
logins() { grep -c '"login"\|"mechanism"' "$T/$1.log"; }

# systemd's part: what is enabled runs, with the credentials of its drop-ins.
: >"$T/tmp/daemon.log"
chmod 666 "$T/tmp/daemon.log"
mkdir -p /run/systemd/system
cat >"$T/systemctl" <<-END
	#!/bin/sh
	echo "\$*" >>$T/tmp/systemctl.log
	[ "\$1" = --user ] || user=-f
	case \$* in
	daemon-reload) exit 0 ;;
	enable*) [ ! -d /etc/systemd/system/relais.service.d ] || exit 0 ;;
	restart*)
		[ ! -f $T/tmp/daemon.pid ] || kill \$(cat $T/tmp/daemon.pid)
		while [ -e /run/relais/control.sock ] &&
		    $RELAIS status >/dev/null 2>&1; do sleep 0.1; done
		export CREDENTIALS_DIRECTORY=$T/credentials
		mkdir -p $T/credentials
		sed -n 's/^LoadCredentialEncrypted=\(.*\):\(.*\)/\1 \2/p' \
		    /etc/systemd/system/relais.service.d/*.conf |
		    while read -r name file; do
			systemd-creds decrypt --name=\$name \$file \
			    $T/credentials/\$name || exit 1
			chmod 400 $T/credentials/\$name
		done
		chown -R relais $T/credentials ;;
	esac
	$top_builddir/relaisd -f \${user:---user} >>$T/tmp/daemon.log 2>&1 </dev/null &
	echo \$! >$T/tmp/daemon.pid
END
chmod 755 "$T/systemctl"
mount --bind "$T/systemctl" /usr/bin/systemctl

# --- running it ---------------------------------------------------------------

# run STATUS ARGUMENT...: relais setup.
run() {
	local want=$1
	shift
	typed "$want" ${RELAIS_AS:+"$RELAIS_AS"} timeout 120 "$RELAIS" setup "$@"
}
# talk STATUS [-e PROMPT ANSWER]... -- ARGUMENT...: on a terminal.
talk() {
	local want=$1 status
	shift
	steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	local began=${EPOCHREALTIME/./}
	typed "$want" ${RELAIS_AS:+"$RELAIS_AS"} timeout 300 python3 "$LIB/dialogue.py" \
	    "${steps[@]}" "$RELAIS" setup "$@"
	status=$?
	took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
	return "$status"
}
# A person's own time is not in it, as the answers are typed at once.
under_a_minute() {
	note "$((${#steps[@]} / 3)) questions, $took_ms ms"
	[ "$took_ms" -lt 60000 ]
}
end_daemon() {
	[ ! -f "$T/tmp/daemon.pid" ] || kill "$(cat "$T/tmp/daemon.pid")" 2>/dev/null
	until_true 10 daemon_is_gone
}
daemon_is_gone() { [ ! -f "$T/tmp/daemon.pid" ] || ! kill -0 "$(cat "$T/tmp/daemon.pid")" 2>/dev/null; }
nothing() { # as if nothing had been installed
	end_daemon
	rm -f "$T/tmp/daemon.pid" "$T/tmp/systemctl.log"
	rm -rf "$CONF" /var/spool/relais /run/relais
}

# --- from nothing -------------------------------------------------------------

stand_in gmail smtp.gmail.com jane@gmail.com
stand_in orange smtp.orange.fr jean@orange.fr
stand_in ionos smtp.1und1.de me@my-shop.example
zone 'my-shop.example MX 10 mx00.ionos.de' 'my-shop.example A 127.0.0.9'

check "a preset, by options" run 0 jane@gmail.com \
    --password-file "$T/grouped" --yes
check "  says whose it is" said 'gmail.com: Gmail (preset gmail)'
check "  ends with the reply" said 'Test message to jane@gmail.com: sent, "250'
check "  writes the configuration" has_line "$CONF/relais.conf" 'provider = gmail'
check "  with the admin" has_line "$CONF/relais.conf" 'admin = jane@gmail.com'
check "  the secret is the daemon's alone" \
    test "$(stat -c '%U %a' "$CONF/secrets/gmail")" = 'relais 600'
check "  without the blanks that do not belong to it" \
    cmp "$T/password" "$CONF/secrets/gmail"
check "  the message is at the provider" \
    until_true 10 grep -q '"message"' "$T/gmail.log"
check "  systemd was told" grep -q 'enable --now relais.socket relais.service' \
    "$T/tmp/systemctl.log"
cp "$CONF/relais.conf" "$T/before"
check "again: nothing changes" run 0 jane@gmail.com \
    --password-file "$T/grouped" --yes
check "  not a byte" cmp "$T/before" "$CONF/relais.conf"
check "  the daemon was asked to read it again" said 'reloaded its configuration'
sed -i '1i# mine' "$CONF/relais.conf"
check "a second mailbox" run 0 jean@orange.fr --password-file "$T/password" --yes
check "  leaves what was there" has_line "$CONF/relais.conf" 'provider = gmail'
check "  and the comment" has_line "$CONF/relais.conf" '# mine'
check "  serves its own address" has_line "$CONF/relais.conf" \
    'senders = jean@orange.fr'
nothing

check "Gmail on a terminal, a wrong password first" talk 0 \
    -e 'not shown' wrong -e 'Again' "@$T/grouped" \
    -e 'Mail for root and cron goes to [jane@gmail.com]' '' -- jane@gmail.com
check "  says where the secret is made" \
    said 'https://myaccount.google.com/apppasswords'
check "  and that the password is not it" said '535'
check "  never shows it" eval '! grep -q "qzxv\|wrong" "$T/out"'
check "  sends" said 'sent, "250'
check "  in less than a minute of machine time" under_a_minute
check "  in lines of 80 columns" eval '! tr -d "\r" <"$T/out" | grep -E ".{81}"'
nothing
check "Orange on a terminal, the address asked" talk 0 \
    -e 'Email address' jean@orange.fr -e 'not shown' "@$T/password" \
    -e 'goes to' admin@example.org --
check "  sends to the admin" said 'Test message to admin@example.org: sent, "250'
check "  in less than a minute of machine time" under_a_minute
nothing
check "an own domain at IONOS asks about the server" talk 0 \
    -e 'smtp.1und1.de is not of my-shop.example. Use it? [Y/n]' '' \
    -e 'not shown' "@$T/password" -e 'goes to' '' -- me@my-shop.example
check "  says how it knows" said 'its MX is mx00.ionos.de'
check "  sends" said 'sent, "250'
check "  in less than a minute of machine time" under_a_minute
nothing
check "the same by options" run 0 me@my-shop.example \
    --password-file "$T/password" --yes
check "  sends" said 'sent, "250'
nothing
check "never more than three questions" talk 0 \
    -e 'Email address' me@my-shop.example -e 'Use it?' '' \
    -e 'not shown' "@$T/password" --
check "  the admin is the address itself then" has_line "$CONF/relais.conf" \
    'admin = me@my-shop.example'
nothing
check "a no ends it" talk 2 \
    -e 'Use it? [Y/n]' n -- me@my-shop.example
check "  nothing is written" nothing_written
check "without a terminal it has to be agreed to" run 2 me@my-shop.example \
    --password-file "$T/password"
check "  by --yes" said 'add --yes'
check "  nothing is written" nothing_written

# Microsoft 365 behind an own domain: a sign-in, which is the daemon's.
stand_in office smtp.office365.com x --no-auth
zone 'corp.example MX 0 corp-example.mail.protection.outlook.com'
check "Microsoft 365 wants a client" run 2 printer@corp.example --yes
check "  says whose it is" said 'corp.example: Microsoft 365 (its MX is corp-'
check "  and what to add" said 'add --client-id'
check "  nothing is written" nothing_written
check "  no question about a host that gets no secret" run 2 printer@corp.example
check "  only about the client" said 'add --client-id'
check "a password for it is agreed to first" run 2 printer@corp.example \
    --password-file "$T/password"
check "  by --yes" said 'smtp.office365.com is not of corp.example'
check "with a client it ends before the sign-in" run 2 printer@corp.example \
    --yes --client-id 11111111-2222-3333-4444-555555555555
check "  with the command to type" said 'sign in with: relais login office365'
check "  the configuration has it" has_line "$CONF/relais.conf" \
    'oauth = microsoft'
check "  and no password" eval '! grep -q password "$CONF/relais.conf"'
nothing

# The organisation forbids codes on another device, so the browser's way is next:
# a person signs in and pastes the address at which the browser ends.
export RELAIS_CRED_HELPER=$top_builddir/relais-cred
make_cert token mail.example.test
mkdir -p "$T/token"
echo good-token-of-printer >"$T/token/good"
echo printer@corp.example >"$T/token/who"
start token python3 "$LIB/token_server.py" "$T/token" 9443 "$T/pki/token.pem" \
    "$T/pki/token.key"
until_true 10 grep -qs ready "$T/token.log" || fail "no token server"
stop office
start_provider office --host "10.9.0.$number" --cert "$T/pki/office.pem" \
    --key "$T/pki/office.key" --user printer@corp.example \
    --mechanisms XOAUTH2 --token-file "$T/token/good"
microsoft() {
	mkdir -p "$CONF"
	printf '%s\n' microsoft "    issuer=https://mail.example.test:9443" \
	    "    device=https://mail.example.test:9443/device" \
	    "    authorize=https://mail.example.test:9443/authorize" \
	    "    token=https://mail.example.test:9443/token" \
	    "    scope=smtp.send" "    scope=offline_access" \
	    "    scope_unattended=smtp.app" \
	    "    redirect=http://localhost" "    tenant=common" >"$CONF/oauth2"
}
browser="grep -o 'https://[^ ]*/authorize?[^[:space:]]*' | xargs curl -sS \
    --cacert $T/pki/ca.pem -o /dev/null -w '%{redirect_url}'"
microsoft
echo good >"$T/token/mode"
check "Microsoft 365 on a terminal: a code on another device" talk 0 \
    -e 'Client ID' relais-test -e 'goes to' '' -- printer@corp.example
check "  which is shown" said KXR4-TP7N
check "  and who has signed in" said 'signed in as printer@corp.example'
check "  sends" said 'sent, "250'
nothing
microsoft
echo policy good >"$T/token/mode"
check "Microsoft 365 on a terminal, where codes are forbidden" talk 0 \
    -e 'Client ID' relais-test -e 'goes to' '' -e 'Address: ' "!$browser" -- \
    printer@corp.example
check "  says so" said 53003
check "  and who has signed in" said 'signed in as printer@corp.example'
check "  logs in with the token" said 'XOAUTH2 as printer@corp.example'
check "  never shows it" eval '! grep -q good-token "$T/out"'
check "  sends" said 'sent, "250'
check "  in less than a minute of machine time" under_a_minute
nothing

# No person: the client's own secret, and at Google a key.
echo good >"$T/token/mode"
printf 'cs\n' >"$T/client"
printf 'another\n' >"$T/client.bad"
certtool --generate-privkey --key-type rsa --bits 2048 --no-text \
    --outfile "$T/key" 2>/dev/null
chmod 600 "$T/client" "$T/client.bad" "$T/key"
unattended() { # STATUS SECRET [OPTION...]
	local want=$1 file=$2
	shift 2
	run "$want" printer@corp.example --yes --tenant corp.example \
	    --client-id relais-test --client-secret-file "$file" "$@"
}
microsoft
check "Microsoft 365 without a person" unattended 0 "$T/client"
check "  sends" said 'sent, "250'
check "  as the directory's client" has_line "$CONF/relais.conf" \
    'oauth = microsoft:corp.example'
check "  the secret is the daemon's alone" test \
    "$(stat -c '%U %a' "$CONF/secrets/office365")" = 'relais 600'
check "  and is what was given" cmp "$T/client" "$CONF/secrets/office365"
check "  nobody was asked to sign in" eval '! grep -q "relais login" "$T/out"'
cp "$CONF/relais.conf" "$T/before"
check "again: nothing changes" unattended 0 "$T/client"
check "  not a byte" cmp "$T/before" "$CONF/relais.conf"
check "with another secret it does not log in" unattended 2 "$T/client.bad"
check "  which is said" said 'AADSTS7000215'
check "  with the command to type" said 'relais check office365'
check "the right one puts that right" unattended 0 "$T/client" --json
check "  as JSON alone says" test "$(jq -r .result "$T/out")" = "done"
check "a person signs in instead" talk 0 -- printer@corp.example \
    --client-id relais-test
check "  and is the only one who does" eval \
    '! grep -q "client_secret_file\|oauth_flow" "$CONF/relais.conf"'
nothing
microsoft
check "a key instead of a secret" run 0 printer@corp.example --yes \
    --client-id relais-test --jwt-key-file "$T/key"
check "  all of it is kept" cmp "$T/key" "$CONF/secrets/office365"
check "  sends" said 'sent, "250'
nothing
microsoft
jq -n --rawfile key "$T/key" '{type: "service_account",
    client_email: "relais@p.iam.gserviceaccount.com", private_key: $key}' \
    >"$T/account.json"
chmod 600 "$T/account.json"
check "the JSON of a service account, which says who it is" run 0 \
    printer@corp.example --yes --jwt-key-file "$T/account.json"
check "  sends" said 'sent, "250'
check "  nothing else is named" eval '! grep -q client_id "$CONF/relais.conf"'
nothing
microsoft
check "a client's secret belongs to a client" run 2 printer@corp.example --yes \
    --client-secret-file "$T/client"
check "  which is said" said 'add --client-id'
check "a provider without such a way" run 2 jean@orange.fr --yes \
    --client-id relais-test --client-secret-file "$T/client"
check "  is named" said 'Orange has no sign-in by OAuth2'
check "  nothing is written" nothing_written
nothing
stop token

# --- other ways ---------------------------------------------------------------

# A terminal's own lines end at 4,096 bytes.
head -c 6000 /dev/zero | tr '\0' k >"$T/secret.long"
chmod 600 "$T/secret.long"
stand_in long smtp.long.example info@long.example --password-file "$T/secret.long"
check "a secret of 6,000 bytes can be pasted" talk 0 -e 'not shown' "@$T/secret.long" \
    -e 'goes to' '' -- info@long.example
check "  to its last byte" \
    test "$(wc -c <"$CONF/secrets/long")" = 6001
nothing

mkdir -p "$CONF"
cat >"$CONF/relais.conf" <<-END
	# Ours.
	[relais]
	admin = root@example.org   # the boss

	[account work]
	; found by hand
	host = smtp.gmail.com
	port = 587	# slow
	user = jane@gmail.com
	password = old secret
	full_name = Jane # really
END
chown root:relais "$CONF/relais.conf"
chmod 640 "$CONF/relais.conf"
check "a configuration made by hand is edited" run 0 jane@gmail.com \
    --password-file "$T/password" --yes --no-send
check "  only where it has to be" diff - "$CONF/relais.conf" <<-END
	# Ours.
	[relais]
	admin = root@example.org   # the boss

	[account work]
	; found by hand
	user = jane@gmail.com
	full_name = Jane # really
	provider = gmail
	password_file = $CONF/secrets/work
END
check "  mode and owner stay" \
    test "$(stat -c '%U:%G %a' "$CONF/relais.conf")" = 'root:relais 640'
nothing
mkdir -p "$CONF"
printf '[relais]\nhostname = relay.example.org\n' >"$CONF/relais.conf"
check "one that has no account yet gets its first" run 0 jane@gmail.com \
    --password-file "$T/password" --yes --no-send
check "  which is for every sender" eval \
    'has_line "$CONF/relais.conf" "user = jane@gmail.com" &&
    ! grep -q "^senders" "$CONF/relais.conf"'
check "  what was in it stays" has_line "$CONF/relais.conf" \
    'hostname = relay.example.org'
nothing
mkdir -p "$CONF"
printf '[relais]\nadmin = x\n' >"$CONF/relais.conf"
check "one with errors is not touched" run 2 jane@gmail.com \
    --password-file "$T/password" --yes
check "  but named" said "line 2 of $CONF/relais.conf"
nothing

for word in 'Jane <jane@GMAIL.com>,' ' jane@gmail.com. ' "'jane@gmail.com';" \
    'mailto:jane@gmail.com?subject=x'; do
	check "an address as it is pasted: $word" run 0 "$word" \
	    --password-file "$T/password" --yes --no-send
	check "  is understood" has_line "$CONF/relais.conf" 'user = jane@gmail.com'
	nothing
done
check "mistakes in typing end nothing" talk 0 -e 'Email address' 'jane(at)gmail.com' \
    -e 'Email address' jane@gmail.com -e 'not shown' '' -e 'not shown' "@$T/password" \
    -e 'goes to' root -e 'goes to' '' -- --no-send
check "  each is told" said '"root" is no email address'
nothing
check "but three of them do" talk 2 -e 'Email address' jane -e 'Email address' '' \
    -e 'Email address' jane@ --
check "  and nothing is written" nothing_written
check "so do three wrong passwords" talk 2 -e 'not shown' a -e Again b -e Again c -- \
    jane@gmail.com
check "  with what to do" said 'With the right password, type the same again'
check "  and nothing is written" nothing_written
check "a domain with a slip in it" run 2 jane@gmial.com --yes
check "  is recognised" said 'did you mean gmail.com?'
mkdir -p "$CONF"
mount -t tmpfs -o ro tmpfs "$CONF"
before=$(logins gmail)
check "a folder that nobody can write in" run 2 jane@gmail.com --yes \
    --password-file "$T/password"
check "  is named with the reason" said "cannot write in $CONF: Read-only file system"
check "  before a login" test "$(logins gmail)" = "$before"
umount "$CONF"
mount -t tmpfs -o size=8k tmpfs "$CONF"
head -c 4096 /dev/zero >"$CONF/filler"
check "a disk that is full" run 2 jane@gmail.com --yes \
    --password-file "$T/password"
check "  is said" said "No space left on device; nothing was configured"
check "  and nothing is written" nothing_written
umount "$CONF"
mkdir -p "$CONF"
printf '[account gmail]\nprovider = gmail\nuser = jane@gmail.com\npassword_file = %s\n' \
    "$CONF/secrets/gmail" >"$CONF/relais.conf"
check "a configuration whose secret is missing" run 0 jane@gmail.com --yes \
    --password-file "$T/password" --no-send
check "  gets it" cmp "$T/password" "$CONF/secrets/gmail"
nothing
check "a key that is no character in a password" talk 0 \
    -e 'not shown' $'\e[D'"$PASSWORD" -e Again "@$T/password" -e 'goes to' '' -- \
    jane@gmail.com
check "  is said, and the password not sent" said 'so it was not sent'
nothing
printf ' %s \n' "$PASSWORD" >"$T/blanks"
chmod 600 "$T/blanks"
check "a password with blanks around it" run 2 jean@orange.fr \
    --password-file "$T/blanks" --yes
check "  fails, and they are named" said 'begins or ends with a blank'
eof=$'\004'
check "an end instead of the address" talk 2 -e 'Email address' "$eof" --
check "  writes nothing" said 'Nothing was written.'
check "an end instead of the password" talk 2 -e 'not shown' "$eof" -- \
    jane@gmail.com
check "  writes nothing" nothing_written
check "an end instead of the admin" talk 2 -e 'not shown' "@$T/password" \
    -e 'goes to' "$eof" -- jane@gmail.com
check "  writes nothing" nothing_written
stand_in quoted smtp.quoted.example '"jane doe"@quoted.example'
check "a login that relais.conf cannot have" run 2 '"jane doe"@quoted.example' \
    --host smtp.quoted.example --admin jane@gmail.com \
    --password-file "$T/password" --yes
check "  leaves no secret behind" test ! -e "$CONF/secrets/quoted"
nothing
for host in smtp.gmail.com:465 smtps://smtp.gmail.com; do
	check "a server as $host" run 2 jane@gmail.com --host "$host" \
	    --password-file "$T/password" --yes
	check "  is told how to be written" said 'the port goes to --port'
done
stand_in buecher smtp.xn--bcher-kva.example me@xn--bcher-kva.example
check "a server and an address beyond ASCII" run 0 me@BÜCHER.example --yes \
    --host smtp.bücher.example --password-file "$T/password" --no-send \
    --admin 'Me <me@bücher.example>'
check "  are written as DNS has them" has_line "$CONF/relais.conf" \
    'host = smtp.xn--bcher-kva.example'
check "  the admin, too" has_line "$CONF/relais.conf" \
    'admin = me@xn--bcher-kva.example'
nothing
ip addr add fd00::5/128 dev lo
zone 'smtp.six.example AAAA fd00::5'
make_cert six smtp.six.example
start_provider six --host fd00::5 --cert "$T/pki/six.pem" \
    --key "$T/pki/six.key" --user me@six.example --password-file "$T/password"
check "a server that has IPv6 alone" run 0 me@six.example --yes \
    --host smtp.six.example --password-file "$T/password"
check "  sends" said 'sent, "250'
nothing
check "a server that nobody knows, by options" run 0 jane@private.example \
    --host smtp.gmail.com --port 587 --tls starttls \
    --tls-ca-file "$T/pki/ca.pem" --user jane@gmail.com \
    --password-file "$T/password" --account own --yes --no-send
check "  as it was said" diff - <(sed -n '/^\[account/,$p' "$CONF/relais.conf") \
    <<-END
	[account own]
	host = smtp.gmail.com
	port = 587
	tls_ca_file = $T/pki/ca.pem
	user = jane@gmail.com
	address = jane@private.example
	password_file = $CONF/secrets/own
END
nothing
check "a file elsewhere" run 0 -c "$T/own/relais.conf" jane@gmail.com \
    --password-file "$T/password" --yes --no-send
check "  has its secret beside it" test -f "$T/own/secrets/gmail"
check "  says how to start the daemon" said "relaisd -c $T/own/relais.conf"
nothing
mv /run/systemd /run/nothing
check "without systemd" run 2 jane@gmail.com --password-file "$T/password" --yes
check "  the line to type is shown" said '/sbin/relaisd'
check "  all else is done" test -f "$CONF/secrets/gmail"
nothing
mv /run/nothing /run/systemd
check "by force with a wrong password" run 0 jane@gmail.com \
    --password-file "$T/bad" --yes --force --no-send
check "  it is written" test -f "$CONF/secrets/gmail"
nothing
check "  and a message that has to wait is not called sent" run 1 jane@gmail.com \
    --password-file "$T/bad" --yes --force
check "  but that it waits" said 'The message to jane@gmail.com waits: 250'
nothing
mkdir -p "$T/run/alice"
chown alice "$T/run/alice" "$T/password"
as_alice() {
	setpriv --reuid alice --regid alice --clear-groups env \
	    HOME="$T/users/alice" XDG_RUNTIME_DIR="$T/run/alice" "$@"
}
chmod 755 "$T" "$T/run" "$T/users"
RELAIS_AS=as_alice
check "an ordinary user configures a daemon of one's own" run 0 jane@gmail.com \
    --password-file "$T/password" --yes
check "  which sends" said 'sent, "250'
check "  in the user's folders" test "$(stat -c '%U %a' \
    "$T/users/alice/.config/relais/secrets/gmail")" = 'alice 600'
check "  through the user's systemd" grep -q -- '--user enable --now' \
    "$T/tmp/systemctl.log"
nothing

# While it asks, and once it knows: nothing may dump it, and nobody of the same user
# look into it.
ulimit -c unlimited 2>/dev/null
# look PROGRAM: by alice and by root, into $T/seen.
look() {
	local pid
	{
		pid=$(pgrep -n -u alice -x "$1") &&
		    grep '^Max core file' "/proc/$pid/limits" &&
		    as_alice /usr/bin/python3 "$LIB/peek.py" "$pid" && echo closed
		echo "copies: $(python3 "$LIB/peek.py" "$pid" "$T/password")"
	} >"$T/seen" 2>&1
}
is_closed() { # COPIES
	grep -q '^Max core file size *0 *0' "$T/seen" &&
	    grep -qx closed "$T/seen" && grep -qx "copies: $1" "$T/seen" && return
	sed 's/^/     | /' "$T/seen"
	return 1
}
# on_terminal MARK [-e PROMPT ANSWER]... -- ARGUMENT...: relais in the background;
# goes on when it is there and has said MARK.
on_terminal() {
	local mark=$1
	shift
	steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	: >"$T/out"
	as_alice timeout 300 /usr/bin/python3 "$LIB/dialogue.py" "${steps[@]}" \
	    "$RELAIS" "$@" >"$T/out" 2>"$T/err" </dev/null &
	person=$!
	until_true 20 pgrep -u alice -x 'relais(-setup)?' >/dev/null
	[ -z "$mark" ] || until_true 20 grep -qF -- "$mark" "$T/out"
}
rm -f "$T/tmp/go"
later="!until [ -e $T/tmp/go ]; do sleep 0.1; done"
as_alice sleep 30 &
person=$!
until_true 10 pgrep -u alice -x sleep >/dev/null
look sleep
check "a process that hides nothing can be looked into" \
    [ "$(grep -c ^by "$T/seen")" = 5 ]
kill $person
rm -rf "$T/users/alice/.config"
on_terminal 'not shown' -e 'not shown' "$later; cat $T/password" -- \
    setup jane@gmail.com --admin jane@gmail.com
look relais-setup
check "relais setup asks for a password: nobody can dump or read it" is_closed 0
touch "$T/tmp/go"
wait $person
nothing
rm -rf "$T/users/alice/.config"
rm -f "$T/tmp/go"
on_terminal 'goes to' -e 'not shown' "@$T/password" -e 'goes to' "$later" -- \
    setup jane@gmail.com
look relais-setup
check "  nor when it is there, which is once" is_closed 1
touch "$T/tmp/go"
check "  and it sends" wait $person
# The provider, and then the daemon, keeps it waiting.
kill -STOP "$(cat "$T/gmail.pid")"
on_terminal 'tcp' -e 'Password of account' "@$T/password" -- passwd gmail
look relais
check "relais passwd shows the password to nobody, and has it once" is_closed 1
kill -CONT "$(cat "$T/gmail.pid")"
check "  and stores it" wait $person
worker=$(pgrep -P "$(cat "$T/tmp/daemon.pid")" -o)
kill -STOP "$worker"
on_terminal '' -- login gmail
# It closes itself first of all.
login_is_closed() {
	look relais
	is_closed 0 >"$T/out.closed"
}
check "nor can anybody look into relais login" until_true 5 login_is_closed
kill -CONT "$worker"
wait $person

# At its end a program waits for room in a full pipe; it has no copy by then.
mkfifo -m 666 "$T/full"
exec 9<>"$T/full"
fill() {
	/usr/bin/python3 - <<-'PY'
		import os
		os.set_blocking(9, False)
		for size in 65536, 1:
		    try:
		        while True:
		            os.write(9, b"x" * size)
		    except BlockingIOError:
		        pass
		os.set_blocking(9, True)
	PY
}
is_at_its_end() { # PROGRAM
	pid=$(pgrep -n -u alice -x "$1") && grep -qs pipe "/proc/$pid/wchan"
}
# at_its_end PROGRAM ARGUMENT...: relais; what it has then, into $T/seen.
at_its_end() {
	local name=$1
	shift
	fill
	as_alice timeout 120 "$RELAIS" --json "$@" >"$T/full" 2>"$T/err" </dev/null &
	person=$!
	until_true 60 is_at_its_end "$name"
	is_at_its_end "$name" && look "$name"
	timeout 1 cat <&9 >/dev/null
	wait $person || sed 's/^/     | /' "$T/err"
}
if [ "$(cat "/proc/$$/wchan")" != 0 ]; then
	at_its_end relais passwd gmail --password-file "$T/password"
	check "at its end relais passwd has no copy" is_closed 0
	at_its_end relais-setup setup jane@gmail.com --yes \
	    --password-file "$T/password"
	check "  nor has relais setup" is_closed 0
	printf '%s\n' 'account gmail' 'host smtp.gmail.com' 'port 587' 'auth on' \
	    'tls on' 'user jane@gmail.com' "password $PASSWORD" \
	    >"$T/users/alice/.msmtprc"
	chown alice "$T/users/alice/.msmtprc"
	chmod 600 "$T/users/alice/.msmtprc"
	at_its_end relais-setup import msmtp --yes
	check "  nor has relais import" is_closed 0
	rm "$T/users/alice/.msmtprc"
else
	skip "this kernel does not say what a process waits for"
fi
exec 9>&-
nothing

# The same on a desktop: a session bus, and a keyring that is unlocked.
if command -v dbus-daemon gnome-keyring-daemon secret-tool >"$T/tools" &&
    [ "$(wc -l <"$T/tools")" = 3 ] && [ -x "$top_builddir/relais-keyring" ]; then
	rm -rf "$T/users/alice/.config"
	bus=$(as_alice dbus-daemon --session --fork --print-address 2>/dev/null)
	on_desktop() {
		as_alice env DBUS_SESSION_BUS_ADDRESS="$bus" \
		    XDG_DATA_HOME="$T/users/alice/data" "$@"
	}
	printf 'unlock me' | on_desktop gnome-keyring-daemon --unlock \
	    --components=secrets >/dev/null 2>&1
	has_keyring() {
		printf probe | on_desktop timeout 10 secret-tool store \
		    --label=probe probe yes 2>/dev/null
	}
	until_true 20 has_keyring
	RELAIS_AS=on_desktop
	file=$T/users/alice/.config/relais/relais.conf
	check "on a desktop the keyring keeps the secret" run 0 jane@gmail.com \
	    --password-file "$T/password" --yes
	check "  which is said" said 'lines), the keyring'
	check "  relaisd finds it there and sends" said 'sent, "250'
	check "  no file has it" eval '! grep -rqF "$PASSWORD" \
	    "$T/users/alice/.config" "$T/run/alice"'
	check "  in the words of relais.conf" has_line "$file" \
	    'password_keyring = yes'
	check "  under the name of the account" test \
	    "$(on_desktop secret-tool lookup service relais account gmail)" = \
	    "$PASSWORD"
	check "again, into a file" run 0 jane@gmail.com --secret file \
	    --password-file "$T/password" --yes
	check "  which the configuration names" eval \
	    'grep -q "^password_file" "$file" && ! grep -q keyring "$file"'
	check "  and into the keyring" run 0 jane@gmail.com --secret keyring \
	    --password-file "$T/password" --yes
	check "  the file is removed" test ! -e \
	    "$T/users/alice/.config/relais/secrets/gmail"
	rm -rf "$T/users/alice/.config"
	bus=unix:path=$T/run/alice/nobody
	check "a keyring that does not answer" run 0 jane@gmail.com \
	    --password-file "$T/password" --yes
	check "  leaves it to a file" said 'The keyring took nothing'
	check "  of the user's own" test "$(stat -c '%U %a' \
	    "$T/users/alice/.config/relais/secrets/gmail")" = 'alice 600'
	nothing
else
	skip "the keyring: a program of it is missing"
fi
RELAIS_AS=
chown root "$T/password"
nothing

# systemd keeps it, encrypted for this machine.
if command -v systemd-creds >/dev/null; then
	mkdir -p /etc/systemd/system /var/lib/systemd
	# A key of its own, on a disk: systemd refuses one that the next boot
	# has lost.
	machine_key=$(mktemp -d -p "$top_builddir")
	mount --bind "$machine_key" /var/lib/systemd
	mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
	check "a secret first in a file" run 0 jane@gmail.com \
	    --password-file "$T/password" --yes
	check "  then as a credential of systemd" run 0 jane@gmail.com \
	    --secret credential --password-file "$T/password" --yes
	check "  which relaisd gets from systemd, and sends" said 'sent, "250'
	check "  in the words of relais.conf" has_line "$CONF/relais.conf" \
	    'password_credential = gmail'
	check "  the file is removed" eval '! grep -rqF "$PASSWORD" /etc/relais \
	    /etc/systemd'
	check "  the drop-in names it" has_line \
	    /etc/systemd/system/relais.service.d/secret-gmail.conf \
	    "LoadCredentialEncrypted=gmail:$CONF/secrets/gmail.cred"
	check "again: it stays where it is" run 0 jane@gmail.com \
	    --password-file "$T/password" --yes --json
	check "  as JSON says" test "$(jq -r .secret_in "$T/out")" = credential
	nothing
	rm -rf /etc/systemd/system/relais.service.d
	microsoft
	start token python3 "$LIB/token_server.py" "$T/token" 9443 \
	    "$T/pki/token.pem" "$T/pki/token.key"
	until_true 10 port_open 127.0.0.1 9443 || fail "no token server"
	check "a client's secret first in a file" unattended 0 "$T/client"
	check "  then as a credential" unattended 0 "$T/client" --secret credential
	check "  which sends" said 'sent, "250'
	check "  in the words of relais.conf" has_line "$CONF/relais.conf" \
	    'client_secret_credential = office365'
	check "  the file is removed" test ! -e "$CONF/secrets/office365"
	check "again: it stays where it is" unattended 0 "$T/client" --json
	check "  as JSON says" test "$(jq -r .secret_in "$T/out")" = credential
	nothing
	microsoft
	check "a key as a credential" run 0 printer@corp.example --yes \
	    --client-id relais-test --jwt-key-file "$T/key" --secret credential
	check "  which sends" said 'sent, "250'
	check "  in the words of relais.conf" has_line "$CONF/relais.conf" \
	    'jwt_key_credential = office365'
	nothing
	stop token
	check "an account whose name is none of a unit" run 2 jane@gmail.com \
	    --secret credential --account 'a%n' --password-file "$T/password" --yes
	check "  is told so before a login" said 'choose letters and digits'
	nothing
	umount /etc/systemd/system /var/lib/systemd
	rm -rf "$machine_key"
else
	skip "systemd's credentials: systemd-creds is missing"
fi
check "a keyring for a daemon of the machine" run 2 jane@gmail.com \
    --secret keyring --password-file "$T/password" --yes
check "  is not possible, and that is said" said 'this needs a daemon of one'
check "  nothing is written" nothing_written
check_elsewhere() { "$RELAIS" check "$@" >"$T/out" 2>&1 </dev/null; }
check "a server that is not configured can be checked" \
    check_elsewhere --host smtp.gmail.com
check "  up to what it offers" said 'AUTH PLAIN'
check "  with a login too" check_elsewhere --provider gmail jane@gmail.com \
    --password-file "$T/password"
check "  and as JSON" test "$("$RELAIS" --json check --provider gmail \
    jane@gmail.com --password-file "$T/password" </dev/null |
    jq -r '.[] | select(.stage == "auth") | .verdict')" = ok
check "  which fails like any" eval '! check_elsewhere --provider gmail \
    jane@gmail.com --password-file "$T/bad"'

# What reads HTTP, DNS and XML is in no other program.
for program in relaisd relais sendmail; do
	check "$program links none of setup's libraries" eval \
	    '! ldd "$top_builddir/$program" | grep -E "curl|cares|expat"'
done

# --- what is known ------------------------------------------------------------

for word in hotmail live msn ionos bbox laposte free sfr orange wanadoo \
    aliceadsl aol yahoo gmail; do
	"$RELAIS" providers $word >"$T/out" 2>&1 ||
	    fail "relais providers does not know $word"
done
check "the providers as JSON" test "$("$RELAIS" --json providers me@live.fr |
    jq -r '.[0].key + " " + .[0].secret')" = 'outlook oauth:microsoft'
mkdir -p "$CONF"
printf 'mine smtp.gmail.com 465 I addr password force\n  domains=mine.example\n' \
    >"$CONF/providers"
check "own rows count" run 0 jane@mine.example --user jane@gmail.com \
    --password-file "$T/password" --yes --no-send
check "  by their domain" has_line "$CONF/relais.conf" 'provider = mine'
nothing

# Thunderbird's database, converted.
mkdir -p "$T/tb"
{ echo '<clientConfig version="1.1"><emailProvider id="x">'
  echo '<domain>tb.example</domain><domain>tb.test</domain>'
  echo '<displayName>T &amp; B</displayName>'
  echo '<outgoingServer type="smtp"><hostname>smtp.gmail.com</hostname>'
  echo '<port>587</port><socketType>STARTTLS</socketType>'
  echo '<username>%EMAILADDRESS%</username>'
  echo '<authentication>password-cleartext</authentication>'
  echo '</outgoingServer></emailProvider></clientConfig>'; } >"$T/tb/tb.xml"
echo '<html/>' >"$T/tb/other.xml"
if [ -x "$top_builddir/ispdb-convert" ] && mount -t tmpfs tmpfs /usr/local/share
then
	mkdir -p /usr/local/share/relais
	"$top_builddir/ispdb-convert" "$T/tb"/* >/usr/local/share/relais/ispdb \
	    2>"$T/err"
	check "what is of no use there is named" grep -q 'other.xml: left out' "$T/err"
	check "a domain of the database" run 0 jane@tb.example --json --yes \
	    --user jane@gmail.com --password-file "$T/password" --no-send
	check "  as JSON says" test "$(jq -r .source "$T/out")" = mozilla
	check "  what it says is written" has_line "$CONF/relais.conf" 'port = 587'
	umount /usr/local/share
	nothing
else
	skip "ispdb-convert is not built"
fi

# --- finding it ---------------------------------------------------------------

make_cert web "autoconfig.firm.example well.example"
mkdir -p "$T/web/autoconfig.firm.example/mail" \
    "$T/web/well.example/.well-known/autoconfig/mail"
autoconfig() { # HOST [PORT TYPE]
	cat <<-END
	<?xml version="1.0"?>
	<clientConfig version="1.1"><emailProvider id="x">
	<domain>firm.example</domain><displayName>The Firm</displayName>
	<outgoingServer type="smtp"><hostname>$1</hostname>
	<port>${2:-465}</port><socketType>${3:-SSL}</socketType>
	<username>%EMAILADDRESS%</username>
	<authentication>password-cleartext</authentication>
	</outgoingServer></emailProvider></clientConfig>
	END
}
autoconfig smtp.firm.example >"$T/web/autoconfig.firm.example/mail/config-v1.1.xml"
autoconfig smtp.well.example \
    >"$T/web/well.example/.well-known/autoconfig/mail/config-v1.1.xml"
start web python3 "$LIB/httpsd.py" 127.0.0.9 443 "$T/web" "$T/pki/web.pem" \
    "$T/pki/web.key"
start http python3 "$LIB/httpsd.py" 127.0.0.9 80 "$T/web"
until_true 10 grep -qs ready "$T/web.log" || fail "no web server"
zone 'autoconfig.firm.example A 127.0.0.9' 'firm.example A 127.0.0.9' \
    'well.example A 127.0.0.9' 'autoconfig.plain.example A 127.0.0.9'
stand_in firm smtp.firm.example info@firm.example
stand_in well smtp.well.example info@well.example
stand_in srv relay.srv.example info@srv.example
zone '_submissions._tcp.srv.example SRV 0 1 465 relay.srv.example' \
    '_submission._tcp.srv.example SRV 0 1 587 relay.srv.example' \
    '_submissions._tcp.none.example SRV 0 0 0 .'
stand_in guess smtp.guess.example info@guess.example
# It looks for so long and no longer (DISCOVER_MS), which may be too short once on a
# busy machine.
finds() { # SOURCE NAME
	nothing
	run 0 "info@$2.example" --password-file "$T/password" --json --no-send &&
	    [ "$(jq -r '.source + " " + .result' "$T/out")" = "$1 done" ]
}
for found in 'firm autoconfig' 'well autoconfig' 'srv srv' 'guess guess'; do
	read -r name source <<<"$found"
	check "$name.example is found by $source, as JSON says" \
	    until_true 1 finds "$source" "$name"
	check "  the host is written" grep -q "^host = .*\.$name.example$" \
	    "$CONF/relais.conf"
	nothing
done

# --- against it ---------------------------------------------------------------

refused() { # NAME SENTENCE STATUS ARGUMENT...
	local name=$1 sentence=$2
	shift 2
	check "$name" run "$@"
	check "  says so" said "$sentence"
	check "  nothing is written" nothing_written
}
refused "a wrong password" 535 2 jane@gmail.com --password-file "$T/bad" --yes
before=$(logins orange)
make_cert liar other.example.test
stop orange
start_provider orange --host 10.9.0.12 --cert "$T/pki/liar.pem" \
    --key "$T/pki/liar.key" --user jean@orange.fr --password-file "$T/password"
refused "a certificate of another name" certificate 2 jean@orange.fr \
    --password-file "$T/password" --yes
check "  no secret was sent" test "$(logins orange)" = 0
nft add table inet wall
nft add chain inet wall in '{ type filter hook input priority 0; }'
nft add rule inet wall in ip daddr 10.9.0.11 tcp dport '{ 465, 587, 2525 }' drop
refused "all ports filtered" 'smtp.gmail.com' 1 jane@gmail.com \
    --password-file "$T/password" --yes
nft flush chain inet wall in

file=$T/web/autoconfig.firm.example/mail/config-v1.1.xml
{ echo '<!DOCTYPE clientConfig [<!ENTITY h "smtp.evil.example">]>'
  autoconfig '&h;' | sed 1d; } >"$file"
zone 'smtp.evil.example A 10.9.0.14'
check "an autoconfig file with a DOCTYPE is not read" run 0 info@firm.example \
    --password-file "$T/password" --json --no-send
check "  the guess is better" test "$(jq -r .source "$T/out")" = guess
nothing
autoconfig smtp.evil.example >"$file"
refuses_the_host() {
	nothing
	: >"$T/firm.log"
	run 2 info@firm.example --password-file "$T/password" &&
	    said 'smtp.evil.example is not of firm.example'
}
check "a host of another domain is refused" until_true 1 refuses_the_host
check "  nothing is written" nothing_written
check "  no secret was sent" eval '! grep -q "\"mechanism\"" "$T/firm.log"'
autoconfig smtp.firm.example 25 plain >"$file"
check "a server in clear text does not count" run 0 info@firm.example \
    --password-file "$T/password" --json --no-send
check "  the guess is better" test "$(jq -r .source "$T/out")" = guess
nothing
rm "$file"
echo 'http://autoconfig.firm.example/mail/x.xml' >"$file.redirect"
autoconfig smtp.firm.example >"${file%/*}/x.xml"
check "a redirection to http is not followed" run 0 info@firm.example \
    --password-file "$T/password" --json --no-send
check "  the guess is better" test "$(jq -r .source "$T/out")" = guess
nothing
echo 'https://autoconfig.firm.example/mail/x.xml' >"$file.redirect"
check "one to https is, and its file read" until_true 1 finds autoconfig firm
nothing
mkdir -p "$T/web/autoconfig.plain.example/mail"
autoconfig smtp.plain.example \
    >"$T/web/autoconfig.plain.example/mail/config-v1.1.xml"
refused "autoconfig by http only" 'no submission server was found' 2 \
    info@plain.example --password-file "$T/password" --yes
for n in 1 2 3 4; do
	echo "https://autoconfig.firm.example/mail/hop$((n + 1)).xml" \
	    >"${file%/*}/hop$n.xml.redirect"
done
autoconfig smtp.firm.example >"${file%/*}/hop5.xml"
echo 'https://autoconfig.firm.example/mail/hop1.xml' >"$file.redirect"
check "a fifth redirection is not followed" run 0 info@firm.example \
    --password-file "$T/password" --json --no-send
check "  the guess is better" test "$(jq -r .source "$T/out")" = guess
nothing
rm "$file.redirect"
{ autoconfig smtp.firm.example; head -c 70000 /dev/zero | tr '\0' ' '; } >"$file"
check "a file of 70,000 bytes is not read" run 0 info@firm.example \
    --password-file "$T/password" --json --no-send
check "  the guess is better" test "$(jq -r .source "$T/out")" = guess
nothing
mkdir -p "$T/web/autoconfig.hosted.example/mail"
autoconfig smtp.firm.example \
    >"$T/web/autoconfig.hosted.example/mail/config-v1.1.xml"
zone 'autoconfig.hosted.example A 127.0.0.9'
refused "a web server with the certificate of another" \
    'no submission server was found' 2 info@hosted.example \
    --password-file "$T/password" --yes
check "nobody ever asked by http" eval '! grep -q GET "$T/http.log"'
zone 'unknown.example MX 10 mx.hoster.example'
refused "an MX that nobody knows" 'no submission server was found' 2 \
    info@unknown.example --password-file "$T/password" --yes
refused "a provider that lets nobody in" 'Tuta lets no other mail program' 2 \
    me@tuta.com --password-file "$T/password" --yes
sed '/^relais:/d' /etc/passwd >"$T/nobody"
mount --bind "$T/nobody" /etc/passwd
refused "no user for the daemon" 'user relais does not exist' 2 jane@gmail.com \
    --password-file "$T/password" --yes
umount /etc/passwd
refused "no terminal and no password" 'add --password-file' 2 jane@gmail.com
refused "no address" 'no address is given' 2
refused "not an address" 'is no email address' 2 jane
refused "a domain beyond ASCII" 'xn--bcher-kva.example' 2 jane@bücher.example \
    --password-file "$T/password" --yes
# A name server that is there and says nothing: the resolver of the system, which
# libcurl asks, gives these three up after thirty seconds.
printf 'nameserver 127.0.0.%d\n' 1 2 3 >/etc/resolv.conf
nft add rule inet wall in udp dport 53 drop
began=$SECONDS
refused "name servers that are silent" 'is this machine online?' 1 \
    info@nowhere.example --password-file "$T/password" --yes
check "  are waited for five seconds in all" [ $((SECONDS - began)) -lt 20 ]
note "$((SECONDS - began)) s"
nft flush chain inet wall in
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
stop dns
refused "no network" 'is this machine online?' 1 info@nowhere.example \
    --password-file "$T/password" --yes
check "no secret was written to the log" \
    eval '! grep -rq "$PASSWORD" "$T/out" "$T/err" "$T/tmp/daemon.log"'
end_daemon
sandbox_done
