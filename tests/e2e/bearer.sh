#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Servers that really check a token: Dovecot's submission service and Postfix
# with Dovecot's SASL, which ask the token server about each.  By both mechanisms,
# with a short token and one of 6,000 bytes.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool curl jq
sandbox_enter postfix dovecot
ldd "$top_builddir/relais-cred" | grep -q libcurl ||
    skip_all "built without OAuth2"
export RELAIS_CRED_HELPER=$top_builddir/relais-cred
RETRY_AFTER=1s
sandbox_secrets
mkdir -p "$T/token" /etc/relais
cat "$T/pki/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
echo "good-token-$(head -c 24 /dev/urandom | base64 | tr -dc a-zA-Z0-9)" \
    >"$T/token/good"
cat >/etc/relais/oauth2 <<EOF
test
    issuer=https://mail.example.test:9443
    device=https://mail.example.test:9443/device
    token=https://mail.example.test:9443/token
    scope=smtp.send
    scope=offline_access
EOF
chmod 644 /etc/relais/oauth2
start token python3 "$srcdir/tests/lib/token_server.py" "$T/token" 9443 \
    "$T/pki/mail.pem" "$T/pki/mail.key"
until_true 10 grep -qs ready "$T/token.log" || {
	show_log token
	exit 1
}
dovecot_tokens=https://mail.example.test:9443
start_dovecot_submission
start_postfix

mode() { echo "$*" >"$T/token/mode"; }
verdict() { echo "$*" >"$T/token/verdict"; }
grants() { grep -c "^$1" "$T/token/log"; }
state() { relais --json status | jq -r '.accounts[0].state'; }
state_is() { [ "$(state)" = "$1" ]; }
reason() { relais --json status | jq -r '.accounts[0].reason'; }
answers() { relais queue >/dev/null 2>&1; }
# A new daemon that has no connection yet, signed in with a token of that kind.
begin() { # PORT MECHANISM [MODE]
	[ ! -f "$T/home.pid" ] || stop home
	rm -rf "${T:?}/home" "$T/home.log"
	: >"$T/token/log"
	mode "${3:-good}"
	verdict active
	start_relaisd home < <(
		echo "verdict_timeout = 1s"
		account work mail.example.test "$1" starttls |
		    grep -v ^password_file
		printf '%s\n' "oauth = test" "client_id = relais-test" \
		    "auth = $2"
	)
	until_true 20 answers
	relais login work >"$T/login.out" 2>&1 </dev/null ||
	    fail "not signed in: $(tail -n 1 "$T/login.out")"
}
has_arrived() { arrived "^Subject: $1" >/dev/null; }
delivered() { # SUBJECT
	submit "$1"
	until_true 20 has_arrived "$1"
}

for server in "Dovecot 1587" "Postfix 587"; do
	name=${server% *} port=${server#* }
	for mechanism in xoauth2 oauthbearer; do
		begin "$port" $mechanism
		check "$name, $mechanism: delivered" \
		    delivered "$name $mechanism"
		begin "$port" $mechanism long
		check "$name, $mechanism: with a token of 6,000 bytes" \
		    delivered "$name long $mechanism"
		[ "$(state)" = ready ] || note "$(reason)"
	done
	begin "$port" xoauth2
	verdict inactive
	submit "$name refused"
	check "$name, refused: held" until_true 20 state_is held
	note "$(reason)"
	check "$name, refused: with what to type" \
	    eval 'reason | grep -q "Run: relais login work"'
	check "$name, refused: the reason is for people" \
	    eval 'reason | grep -qE "invalid_token|401" && ! reason | grep -q "[{}]"'
	check "$name, refused: after one other token" \
	    [ "$(grants refresh_token)" = 1 ]
	verdict active
	relais login work >"$T/login.out" 2>&1 </dev/null
	check "$name, refused: delivered after a sign-in" \
	    until_true 20 has_arrived "$name refused"
	for how in stranger scope; do
		begin "$port" oauthbearer
		verdict $how
		submit "$name $how"
		check "$name, $how: held" until_true 20 state_is held
		check "$name, $how: because the token is refused" \
		    eval 'reason | grep -q "refuses the OAuth2 token"'
		note "$(reason)"
	done
	begin "$port" oauthbearer
	verdict down
	submit "$name down"
	# Postfix 3.7 says no more than that the login failed.
	case $name in
	Dovecot) waits=paused asks=0 ;;
	Postfix) waits=held asks=1 ;;
	esac
	check "$name cannot ask about the token: the account is $waits" \
	    until_true 30 state_is "$waits"
	note "$(reason)"
	check "$name cannot ask about the token: $asks other tokens" \
	    [ "$(grants refresh_token)" = "$asks" ]
	verdict active
	relais flush >/dev/null
	check "$name: delivered when it can" \
	    until_true 30 has_arrived "$name down"
done
sandbox_done
