#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A sign-in by OAuth2: the ways in, what a token server may do to us, what a
# refused token leads to, and that nobody but relais-cred and relaisd has it.
# Programs for eval, and functions that check calls by name.
# shellcheck disable=SC2016,SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool curl jq
sandbox_enter
ldd "$top_builddir/relais-cred" | grep -q libcurl ||
    skip_all "built without OAuth2"
export RELAIS_CRED_HELPER=$top_builddir/relais-cred

sandbox_secrets
mkdir -p "$T/token" /etc/relais
cat "$T/pki/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
GOOD=good-token-$(head -c 24 /dev/urandom | base64 | tr -dc a-zA-Z0-9)
echo "$GOOD" >"$T/token/good"
install -m 600 "$T/token/good" "$T/secret/token"
make_cert other other.example.test
cat >/etc/relais/oauth2 <<EOF
test
    issuer=https://mail.example.test:9443
    device=https://mail.example.test:9443/device
    authorize=https://mail.example.test:9443/authorize
    token=https://mail.example.test:9443/token
    scope=smtp.send
    scope=offline_access
    scope_unattended=smtp.app
    redirect=http://127.0.0.1
    unused_days=90
misnamed token=https://mail.example.test:9444/token
    device=https://mail.example.test:9444/device scope=smtp.send
EOF
chmod 644 /etc/relais/oauth2
start token python3 "$srcdir/tests/lib/token_server.py" "$T/token" 9443 \
    "$T/pki/mail.pem" "$T/pki/mail.key" 9444 "$T/pki/other.pem" \
    "$T/pki/other.key"
until_true 10 grep -q ready "$T/token.log" || {
	show_log token
	exit 1
}

mode() { echo "$*" >"$T/token/mode"; }
grants() { grep -c "^$1" "$T/token/log"; }
work() { # MORE...: an account of that name
	echo "verdict_timeout = 1s"
	account work mail.example.test 587 starttls | grep -v ^password_file
	printf '%s\n' "oauth = test" "client_id = relais-test" "$@"
}
state() { relais --json status | jq -r '.accounts[0].state'; }
state_is() { [ "$(state)" = "$1" ]; }
reason() { relais --json status | jq -r '.accounts[0].reason'; }
reason_has() { reason | grep -q -- "$1"; }
file() { echo "$T/home/spool/oauth/work.json"; }
# The token on the disk has ended.
end_token() {
	flock "$T/home/spool/oauth/.work.lock" \
	    sed -i 's/"expires_s": [0-9]*/"expires_s": 0/' "$(file)"
}
# A provider without connections that are logged in already.
fresh_provider() {
	stop mail
	start_provider mail --mechanisms "XOAUTH2 OAUTHBEARER" \
	    --token-file "$T/secret/token" "$@"
}
up() { until_true 15 port_open 127.0.0.1 "${PORT:-2525}"; }
begin() { # NAME MORE...: a daemon with that account, and a clean sheet
	shift
	[ ! -f "$T/home.pid" ] || stop home
	rm -rf "${T:?}/home" "$T/home.log"
	: >"$T/token/log"
	fresh_provider
	mode good
	start_relaisd home < <(work "$@")
}
# login [OPTION]...: with what is said in $T/login.out
login() { relais login "$@" work >"$T/login.out" 2>&1 </dev/null; }
delivered() { # SUBJECT
	submit "$1"
	until_true 20 has_mail mail "$1"
}

fresh_provider

# --- the way by a code --------------------------------------------------------

begin device
until_true 10 state_is held
check "device: without a sign-in the account says what to type" \
    reason_has 'Run: relais login work'
submit early
mode pending slow pending good
if login; then pass "device: signed in"
else fail "device: $(cat "$T/login.out")"; fi
check "device: address and code are shown" \
    [ "$(grep -cE '^https://mail.example.test:9443/enter$|KXR4-TP7N' "$T/login.out")" = 2 ]
check "device: what waited leaves at once" until_true 10 has_mail mail early
check "device: a mail is delivered with the token" delivered first
check "device: the file is the daemon's alone" \
    [ "$(stat -c '%a %U' "$(file)")$(stat -c ' %a' "$(dirname "$(file)")")" = "600 relais 700" ]
check "device: status says who signed in" \
    [ "$(relais --json status | jq -r '.accounts[0].sign_in.user')" = "$USER_NAME" ]
relais status | grep -q 'signed in as' || fail "device: status for people"
check "device: no refresh while the token lives" [ "$(grants refresh)" = 0 ]
stop home
run_relaisd home
up
check "device: a restart needs no token server" delivered again
check "device: and asked it nothing" [ "$(grants refresh)" = 0 ]

# --- what a token server may do -----------------------------------------------

n=0
for how in html 429 server drip huge moved array deep page utf16 moved308; do
	mode $how
	fresh_provider
	end_token
	n=$((n + 1))
	submit "rude $n"
	if until_true 25 state_is paused; then
		pass "rude, $how: the account waits, nothing fails"
		note "$(reason)"
	else
		fail "rude, $how: $(state), $(reason)"
	fi
	mode good
	[ $how != 429 ] || sleep 4
	relais flush >/dev/null
	check "rude, $how: delivered afterwards" \
	    until_true 20 has_mail mail "rude $n"
done
check "rude: a redirect is not followed" [ "$(grep -c ELSEWHERE "$T/token/log")" = 0 ]
for how in text same bom gzip crlf zero minus e30 spaced; do
	mode $how
	fresh_provider
	end_token
	check "rude, $how: delivered" delivered "$how"
done
mode useless good
fresh_provider
end_token
submit useless
relais flush >/dev/null
until_true 20 state_is paused
relais flush >/dev/null
check "rude, useless: delivered afterwards" until_true 20 has_mail mail useless
mode good
check "rude: no refresh token was used twice" [ "$(grep -c REUSE "$T/token/log")" = 0 ]
mode server
fresh_provider
sed -i 's/"expires_s": [0-9]*/"expires_s": 200/' "$(file)"
sed -i "s/\"obtained_boot_ms\": [0-9]*/\"obtained_boot_ms\": $(($(awk '{print int($1)}' /proc/uptime) * 1000 - 150000))/" "$(file)"
check "the old token serves while it lives" delivered "while it lives"
check "and its successor was asked for" [ "$(grants 'refresh_token server')" -ge 2 ]

# --- refusals -----------------------------------------------------------------

mode bad good
fresh_provider
end_token
before=$(grants refresh)
check "refused: one other token is fetched, and works" delivered second
check "refused: and only one" [ $(($(grants refresh) - before)) = 2 ]
mode bad
stop home
fresh_provider
end_token
run_relaisd home
up
before=$(grants refresh)
submit third
until_true 15 state_is held
check "refused again: held with what to type" \
    reason_has 'Run: relais login work'
note "$(reason)"
check "refused again: one refresh and one forced one" \
    [ $(($(grants refresh) - before)) = 2 ]
mode good
check "refused again: after a sign-in it works" login
check "refused again: delivered" until_true 20 has_mail mail third

mode revoked
fresh_provider
end_token
submit fourth
until_true 15 state_is held
check "revoked: held with what to type" reason_has 'Run: relais login work'
note "$(reason)"
check "revoked: the server is not asked again in vain" \
    [ "$(grants 'refresh_token revoked')" = 1 ]
relais flush >/dev/null
sleep 1
until_true 10 state_is held
check "revoked: not even by a flush" [ "$(grants 'refresh_token revoked')" = 1 ]
mode good
login
check "revoked: delivered after a sign-in" until_true 20 has_mail mail fourth

mode words
fresh_provider
end_token
submit words
until_true 15 state_is held
check "60,000 bytes of description: held with what to type" \
    reason_has 'Run: relais login work'
mode good
login
check "  delivered after a sign-in" until_true 20 has_mail mail words

# No room for the next refresh token: the server is not asked, so that none is
# used up.
mkdir "$T/disk"
mount -t tmpfs -o "size=256k,mode=700,uid=$(id -u relais)" tmpfs "$T/disk"
cp -a "$T/home/spool/oauth/." "$T/disk/"
mount --bind "$T/disk" "$T/home/spool/oauth"
fresh_provider
end_token
head -c 200000 /dev/zero >"$T/disk/filler"
before=$(grants refresh)
submit full
until_true 20 state_is paused
check "a full disk: the account waits" reason_has 'No space left'
note "$(reason)"
check "  and no token was used up" [ "$(grants refresh)" = "$before" ]
rm "$T/disk/filler"
relais flush >/dev/null
check "  delivered when there is room" until_true 20 has_mail mail full
umount "$T/home/spool/oauth"
cp -a "$T/disk/work.json" "$T/home/spool/oauth/"

# Killed at any moment, it leaves a whole file and no lock.  What the server said
# to one that is killed nobody has heard, so this server lets the old one live.
mode same
fresh_provider
for i in 1 2 3 4 5 6 7 8; do
	end_token
	submit "killed $i" &
	child=$!
	until_true 5 eval 'helper=$(pgrep -n -x relais-cred)'
	sleep "0.0$((i * 7 % 10))"
	[ -z "$helper" ] || kill -9 "$helper" 2>/dev/null
	wait $child
	jq -e .refresh "$(file)" >/dev/null || fail "killed: the file is torn"
	relais flush >/dev/null
done
relais flush >/dev/null
for i in 1 2 3 4 5 6 7 8; do
	until_true 20 has_mail mail "killed $i" || fail "killed $i is not delivered"
done
check "killed eight times, it leaves a whole file and no lock" \
    jq -e .access "$(file)" >/dev/null
mode client
fresh_provider
end_token
submit fifth
until_true 15 state_is held
check "client: the reason names the setting" reason_has client_id
note "$(reason)"
mode good
relais flush >/dev/null
check "client: delivered when it is right" until_true 20 has_mail mail fifth

fresh_provider --fail \
    'auth:535:5.7.139:Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox'
before=$(grants refresh)
end_token
submit sixth
until_true 15 state_is held
check "5.7.139: held without another refresh" \
    [ $(($(grants refresh) - before)) = 1 ]
reason_has 'relais login' && fail "5.7.139: no sign-in would help"

# --- the way through a browser ------------------------------------------------

# What a browser would do with the address that is shown.
browse() {
	until_true 10 grep -q '/authorize?' "$T/login.out" || return 1
	curl -sS --cacert "$T/pki/ca.pem" -o /dev/null -w '%{redirect_url}' \
	    "$(grep '/authorize?' "$T/login.out")"
}
begin browser "oauth_flow = browser"
: >"$T/login.out"
login --browser &
person=$!
curl -sS "$(browse)" >"$T/page"
if wait $person; then pass "browser: the listener takes the answer"
else fail "browser: $(cat "$T/login.out")"; fi
grep -q 'close this page' "$T/page" || fail "browser: the page"
check "browser: delivered" delivered browser

mkfifo "$T/keys"
: >"$T/login.out"
relais login work <"$T/keys" >"$T/login.out" 2>&1 &
person=$!
exec 7>"$T/keys"
address=$(browse)
check "paste: the address is longer than a terminal's line" \
    [ ${#address} -gt 4096 ]
echo "http://127.0.0.1:1/?code=x&state=wrong" >&7
until_true 10 grep -q 'not the address' "$T/login.out" ||
    fail "paste: a wrong one is not told"
echo "$address" >&7
exec 7>&-
if wait $person; then pass "paste: signed in"
else fail "paste: $(tail -n 3 "$T/login.out")"; fi

# On a real terminal, by keys.
cat >"$T/type.py" <<-'PY'
	import os, pty, re, select, subprocess, sys, time
	pid, fd = pty.fork()
	if pid == 0:
	    os.execl(sys.argv[1], "relais", "-c", sys.argv[2], "login", "work")
	out = b""
	def until(pattern):
	    global out
	    end = time.monotonic() + 60
	    while time.monotonic() < end:
	        m = re.search(pattern, out)
	        if m:
	            return m
	        if select.select([fd], [], [], 1)[0]:
	            try:
	                out += os.read(fd, 65536)
	            except OSError:
	                return re.search(pattern, out)
	m = until(rb"(https://\S+/authorize\?\S+)\r\n")
	address = subprocess.run(["curl", "-sS", "--cacert", sys.argv[3], "-o",
	    "/dev/null", "-w", "%{redirect_url}", m.group(1).decode()],
	    capture_output=True).stdout
	until(rb"Address: ")
	rest = address + b"\n"
	while rest:
	    rest = rest[os.write(fd, rest[:500]):]
	    while select.select([fd], [], [], 0.01)[0]:
	        out += os.read(fd, 65536)
	ok = until(rb"signed in as")
	sys.exit(0 if ok and len(address) > 4096 else print(out[-500:]) or 1)
PY
check "paste: more than 4,096 bytes on a terminal" python3 "$T/type.py" \
    "$top_builddir/relais" "$T/home/relais.conf" "$T/pki/ca.pem"

begin switch
mode policy good
: >"$T/login.out"
login &
person=$!
curl -sS "$(browse)" >/dev/null
if wait $person; then pass "53003: the browser's way is offered by itself"
else fail "53003: $(cat "$T/login.out")"; fi
mode denied
login --device && fail "denied: taken for a sign-in"
check "denied: told" grep -q refused "$T/login.out"
mode good
check "denied: the old sign-in still works" delivered denied
for how in none scope; do
	mode $how
	login && fail "$how: taken for a sign-in"
	note "$(tail -n 1 "$T/login.out")"
done
mode wrong
login
check "wrong user: said at once" grep -q 'signed in as mallory' "$T/login.out"

# --- more people than there is room for -------------------------------------------

mode pending
crowd=
for i in 1 2 3 4 5 6; do
	relais login --device work >"$T/login.$i" 2>&1 </dev/null &
	crowd="$crowd $!"
done
check "of six sign-ins at once some are put off" until_true 20 eval \
    'grep -qs "too many requests are under way" "$T"/login.[1-9]'
check "  and four are not" until_true 20 eval \
    '[ "$(grep -l "enter this code" "$T"/login.[1-9] | wc -l)" = 4 ]'
# shellcheck disable=SC2086
kill $crowd
# shellcheck disable=SC2086
wait $crowd 2>/dev/null
mode good
check "  until some have gone" until_true 20 login --device

# --- a stop while a token is fetched ------------------------------------------------

until_true 20 eval '! pgrep relais-cred >/dev/null'
delivered "before the stop"
end_token
fresh_provider
mode drip
before=$(grants refresh)
submit "stopped" &
until_true 20 eval '[ "$(grants refresh)" -gt $before ]'
pid=$(cat "$T/home.pid")
kill "$pid"
wait "$pid"
check "a stop waits for a token that may have been replaced" eval \
    '! pgrep relais-cred >/dev/null'
mode good
begin misnamed
sed -i 's/^oauth = .*/oauth = misnamed/' "$T/home/relais.conf"
kill -HUP "$(cat "$T/home.pid")"
is_misnamed() { relais --json config | grep -q misnamed; }
until_true 10 is_misnamed
login && fail "a certificate of another name is believed"
check "wrong name: the token server's certificate is looked at" \
    grep -qi certificate "$T/login.out"
note "$(tail -n 1 "$T/login.out")"

# --- several at once ----------------------------------------------------------

# Each message needs a login of its own.
begin crowd "max_per_connection = 1"
login
# A second daemon at the same file, as with two containers and one volume.
PORT=2526 relaisd_conf twin < <(work "max_per_connection = 1")
mkdir -p "$T/twin/spool/oauth"
chown -R relais:relais "$T/twin/spool"
mount --bind "$T/home/spool/oauth" "$T/twin/spool/oauth"
run_relaisd twin
PORT=2526 up
hand_in() { # PORT SUBJECT
	printf 'From: <%s>\r\nSubject: %s\r\n\r\nx\r\n' "$USER_NAME" "$2" |
	    curl -sS --max-time 60 --mail-from "$USER_NAME" \
		--mail-rcpt to@example.org --upload-file - \
		"smtp://127.0.0.1:$1" >/dev/null
}
for i in 1 2 3 4 5; do
	end_token
	hand_in 2525 "crowd $i" &
	one=$!
	hand_in 2526 "crowd too $i" &
	two=$!
	RELAIS=twin relais flush >/dev/null &
	three=$!
	login &
	wait $one $two $three $!
done
relais flush >/dev/null
RELAIS=twin relais flush >/dev/null
for i in 1 2 3 4 5; do
	until_true 20 has_mail mail "crowd too $i" || fail "crowd too $i"
	until_true 20 has_mail mail "crowd $i" || fail "crowd $i"
done
check "two daemons and a login: no refresh token was used twice" \
    [ "$(grep -c REUSE "$T/token/log")" = 0 ]
note "$(grants refresh) refreshes, $(grants device_code) sign-ins"
stop twin

# --- without a person ---------------------------------------------------------

printf 'cs\n' >"$T/secret/client"
chmod 600 "$T/secret/client"
chown relais "$T/secret/client"
begin unattended "oauth_flow = client" "client_secret_file = $T/secret/client"
check "client credentials: delivered" delivered unattended
login && fail "client credentials: a person signs in"
certtool --generate-privkey --key-type rsa --bits 2048 --no-text \
    --outfile "$T/secret/jwt" 2>/dev/null
chmod 600 "$T/secret/jwt"
chown relais "$T/secret/jwt"
begin jwt "oauth_flow = jwt" "jwt_key_file = $T/secret/jwt"
check "jwt bearer: delivered" delivered jwt
claims=$(cut -d. -f2 "$T/token/assertion" | tr _- /+ |
    awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d)
check "jwt bearer: the claims" \
    [ "$(echo "$claims" | jq -r '[.iss, .sub, .scope, .aud] | join(" ")')" = \
    "relais-test $USER_NAME smtp.app https://mail.example.test:9443/token" ]
cut -d. -f1,2 "$T/token/assertion" | tr -d '\n' >"$T/signed"
cut -d. -f3 "$T/token/assertion" | tr _- /+ |
    awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d >"$T/signature"
if command -v openssl >/dev/null; then
	openssl rsa -in "$T/secret/jwt" -pubout -out "$T/public" 2>/dev/null
	check "jwt bearer: the signature" openssl dgst -sha256 -verify \
	    "$T/public" -signature "$T/signature" "$T/signed"
fi

# The same handed over by the service manager.
mkdir -p "$T/credentials"
cp "$T/secret/client" "$T/credentials/graph"
cp "$T/secret/jwt" "$T/credentials/workspace"
chmod 400 "$T/credentials"/*
chown -R relais "$T/credentials"
export CREDENTIALS_DIRECTORY=$T/credentials
begin unattended "oauth_flow = client" "client_secret_credential = graph"
check "client credentials from a credential: delivered" delivered handed
begin jwt "oauth_flow = jwt" "jwt_key_credential = workspace"
check "jwt bearer from a credential: delivered" delivered over
begin jwt "oauth_flow = jwt" "jwt_key_credential = other"
submit none
until_true 15 state_is held
check "a credential that is not there: held" reason_has "$T/credentials/other"
unset CREDENTIALS_DIRECTORY
begin unattended "oauth_flow = client" "client_secret_credential = graph"
submit none
until_true 15 state_is held
check "  or nobody hands one over" reason_has 'LoadCredential='

# --- sealed -------------------------------------------------------------------

head -c 32 /dev/urandom >"$T/credentials/relais-oauth-key"
chown -R relais "$T/credentials"
export CREDENTIALS_DIRECTORY=$T/credentials
begin sealed
login
check "sealed: delivered" delivered sealed
check "sealed: the file shows nothing" [ "$(grep -cE 'token|rt-' "$(file)")" = 0 ]
unset CREDENTIALS_DIRECTORY

# --- who has it ---------------------------------------------------------------

begin secrets
login
delivered secrets
check "relaisd links no HTTP" \
    [ "$(ldd "$top_builddir/relaisd" | grep -cE 'curl|expat|cares')" = 0 ]
token="$GOOD|rt-[0-9]+-rrr"
leaks() { # FILE...: those that hold one
	grep -rlaE "$token" "$@" 2>/dev/null
}
leak=$(leaks "$T"/*.log "$T/login.out" "$T/home" | grep -v '/oauth/work.json$')
check "no log, output or message has a token" [ -z "$leak" ]
[ -z "$leak" ] || note "$leak"
relais --json status >"$T/said"
relais --json config >>"$T/said"
check "nor do status and config" [ -z "$(leaks "$T/said")" ]
: >"$T/login.out"
mkfifo "$T/wait"
"$top_builddir/relais" -c "$T/home/relais.conf" login --browser work \
    <"$T/wait" >"$T/login.out" 2>&1 &
echo $! >"$T/person.pid"
exec 8>"$T/wait"
until_true 10 grep -q Address "$T/login.out"
cat "/proc/$(cat "$T/person.pid")/environ" "/proc/$(cat "$T/person.pid")/cmdline" >"$T/given"
check "nor environment and arguments" [ -z "$(leaks "$T/given")" ]
python3 - "$(cat "$T/person.pid")" >"$T/person.core" <<-'PY'
	import re, sys
	with open("/proc/%s/maps" % sys.argv[1]) as maps, \
	    open("/proc/%s/mem" % sys.argv[1], "rb", 0) as mem:
	    for line in maps:
	        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
	        if not m or "[v" in line:
	            continue
	        start, end = (int(x, 16) for x in m.groups())
	        mem.seek(start)
	        sys.stdout.buffer.write(mem.read(end - start))
PY
grep -qa code_challenge "$T/person.core" || fail "the dump of relais is empty"
check "nor the memory of relais" [ -z "$(leaks "$T/person.core")" ]
exec 8>&-
kill "$(cat "$T/person.pid")"
sandbox_done
