#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Providers that do not do what they say: names that they refuse in EHLO, login
# methods and extensions that they offer and do not know, sessions that forget the
# login, limits that cannot be meant, the null sender.  No message is lost, sent
# twice or failed because of it, and what was found out is remembered over a
# restart.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need certtool jq
sandbox_enter
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
sandbox_alerts

# The provider alone, with other options; its log begins anew.
provider() { # OPTION...
	[ ! -f "$T/provider.pid" ] || stop provider
	rm -rf "${T:?}/provider"
	start_provider provider "$@"
}
begin() { # PROVIDER-OPTION...; ACCOUNT has settings of the account
	rm -rf "${T:?}/home" "$T/home.log" "$T/alerts/told"
	provider "$@"
	start_relaisd home < <(
		echo "alert_command = $T/alert"
		account mail mail.example.test 587 starttls
		printf '%s\n' "${ACCOUNT:-}"
	)
}
finish() {
	no_crash home
	stop home
	stop provider
}
again() { # PROVIDER-OPTION...: after a restart of both
	stop home
	provider "$@"
	run_relaisd home
	until_true 10 test -S "$RELAIS_SOCKET"
}
send() { # SUBJECT RECIPIENT...
	local subject=$1
	shift
	printf 'Subject: %s\n\nDATA\nRSET\nbody of %s\n.dot\n' "$subject" "$subject" |
	    "$top_builddir/sendmail" -i -odb -f "$USER_NAME" "$@"
}
messages() { grep -c '"event":"message"' "$T/provider.log"; }
waiting() { relais --json queue | jq '[.[] | select(.state != "failed")] | length'; }
messages_are() { [ "$(messages)" = "$1" ] && [ "$(waiting)" = 0 ]; }
logins() { grep -c '"event":"login"' "$T/provider.log"; }
alerts() { grep -c "^$1|" "$T/alerts/told" 2>/dev/null; }
state() { relais --json status | jq -r '.accounts[0].state'; }
state_is() { [ "$(state)" = "$1" ]; }
# delivered NAME COUNT [LOGINS]: so many messages, once each, nothing told to
# anybody, over so many logins.
delivered() {
	local name=$1 n=0
	if until_true 20 messages_are "$2"; then
		n=$(logins)
		if [ "$n" -gt "${3:-$n}" ]; then
			fail "$name: $n logins, not ${3:-$n}"
		elif [ -e "$T/alerts/told" ] && [ "${QUIET:-yes}" = yes ]; then
			fail "$name: $(cat "$T/alerts/told")"
		else
			pass "$name: delivered over $n logins"
		fi
	else
		fail "$name: $(messages) of $2 delivered, $(queue_len) wait"
		show_log home
	fi
}

# --- EHLO ---------------------------------------------------------------------

begin
send first to@example.org
delivered "a provider without vices" 1 1
name=$(jq -r 'select(.event == "message").helo' "$T/provider.log" | head -n 1)
finish
for code in 501:5.5.4 504:5.5.2 550:5.7.1; do
	begin --fail "ehlo/$name:$code:EHLO name rejected"
	send ehlo to@example.org
	delivered "$code to EHLO $name" 1 1
	again --drop "ehlo/$name"
	send ehlo2 to@example.org
	delivered "$code to EHLO $name: not said again after a restart" 1 1
	finish
done
begin --cut "ehlo/$name:501 Syntactically invalid EHLO argument\r\n"
send cut to@example.org
delivered "501 to EHLO and the connection closed" 1 2
finish
begin --fail 'ehlo:504:5.5.2:need fully-qualified hostname'
send none to@example.org
check "no name is taken: the account is held" until_true 10 state_is held
says home 'held .*set hostname in' "no name is taken: the advice"
check "no name is taken: the mail waits" queue_is 1
provider
relais flush >/dev/null
QUIET=no delivered "and leaves when one is taken" 1
finish

# --- AUTH ---------------------------------------------------------------------

for reply in '553:5.3.0:Auth failure' '500:5.5.2:what' '502:5.5.1:no' \
    '503:5.5.1:not now' '504:5.5.4:no such thing' '554:5.7.0:no'; do
	begin --mechanisms 'PLAIN LOGIN' --fail "auth/PLAIN*:$reply"
	send auth to@example.org
	delivered "${reply%%:*} to AUTH PLAIN: LOGIN" 1
	check "${reply%%:*} to AUTH PLAIN: by LOGIN indeed" \
	    grep -q '"mechanism":"LOGIN"' "$T/provider.log"
	finish
done
begin --mechanisms 'PLAIN LOGIN' --fail 'auth:535:5.7.8:wrong'
send auth to@example.org
check "535: held" until_true 10 state_is held
check "535: tried once" test "$(logins)" = 1
finish
begin --mechanisms PLAIN --fail 'auth/* +:501:5.5.4:Cannot decode response'
send bare to@example.org
delivered "501 to an initial response: once more without" 1 2
again --mechanisms PLAIN --fail 'auth/* +:535:5.7.8:sent again'
send bare2 to@example.org
delivered "501 to an initial response: none after a restart" 1 1
finish

# --- sessions -----------------------------------------------------------------

for at in mail rcpt data; do
	begin --hide chunking --fail "$at:503:5.5.1:need EHLO and AUTH first !:1"
	send lost to@example.org
	delivered "503 to $at: a new connection and login" 1 2
	finish
done
begin --fail 'mail:503:5.5.1:need EHLO and AUTH first !'
send lost to@example.org
check "503 to every MAIL: the account is held" until_true 10 state_is held
check "503 to every MAIL: after three sessions ($(logins))" test "$(logins)" = 3
check "503 to every MAIL: with the reason" eval \
    'relais status | tr -s " \n" " " | grep -q "need EHLO and AUTH first"'
check "503 to every MAIL: one alert" test "$(alerts account-held)" = 1
check "503 to every MAIL: nothing is charged" \
    test "$(relais --json queue | jq '.[0].attempts')" = 0
provider
relais flush >/dev/null
QUIET=no delivered "and the mail leaves when that is over" 1
finish

# --- extensions ---------------------------------------------------------------

box=(--hide chunking --limits $'RCPTMAX=100\nCHUNKING')
ACCOUNT='max_connections = 1' begin "${box[@]}"
for i in 1 2 3 4 5 6 7 8; do send "box $i" "to$i@example.org"; done
delivered "CHUNKING listed and not known: DATA" 8 2
check "CHUNKING listed and not known: whole" \
    test "$(grep -l '^body of box' "$T"/provider/*.eml | wc -l)" = 8
again "${box[@]}"
send "box 9" to@example.org
delivered "CHUNKING listed and not known: remembered" 1 1
finish
begin --hide size,dsn --limits $'RCPTMAX=100\nSIZE\nDSN'
send params -N failure -V id1 to@example.org
delivered "parameters offered and not known: left out" 1 2
finish

# --- limits -------------------------------------------------------------------

begin --hide size --limits $'RCPTMAX=0 MAILMAX=0\nSIZE 1\nX'
send limits to@example.org other@example.org
delivered "SIZE 1, RCPTMAX=0, MAILMAX=0" 1
check "SIZE 1: said once" \
    test "$(grep -c 'implausible and ignored' "$T/home.log")" = 1
finish
for reply in 550:5.5.3 452:4.5.3 552:5.5.3; do
	begin --fail "rcpt{6}:$reply:Too many recipients"
	# shellcheck disable=SC2046
	send many $(seq -f 'r%g@example.org' 100)
	delivered "$reply at the sixth recipient: a message to 100" 20 1
	got=$(jq -r 'select(.event == "message").recipients[]' \
	    "$T/provider.log" | sort -u | wc -l)
	check "$reply at the sixth recipient: $got have it" test "$got" = 100
	again --fail 'rcpt{6}:550:5.1.1:asked again'
	# shellcheck disable=SC2046
	send many $(seq -f 'r%g@example.org' 10)
	delivered "$reply at the sixth recipient: five at once from then on" 2 1
	finish
done

# --- the null sender ----------------------------------------------------------

ACCOUNT='null_sender = yes' begin --hide dsn \
    --fail 'rcpt/bad*:550:5.1.1:no such user' \
    --fail 'mail/<>:553:5.7.1:no mail from nobody here'
# Nobody waits for the answer, so a notice is due.
fails() { # SUBJECT RECIPIENT
	printf 'Subject: %s\n\nx\n' "$1" | "$top_builddir/sendmail" -odq \
	    -f someone@example.org "$2"
	"$top_builddir/sendmail" -q
}
fails one bad1@example.org
fails two bad2@example.org
QUIET=no delivered "a provider that refuses <>: both notices go out" 2
check "a provider that refuses <>: with the account's address" \
    test "$(grep -c "\"sender\":\"$USER_NAME\"" "$T/provider.log")" = 2
check "a provider that refuses <>: one alert" \
    test "$(alerts null-sender)" = 1
again --hide dsn --fail 'rcpt/bad*:550:5.1.1:no such user' --drop 'mail/<>'
fails three bad3@example.org
QUIET=no delivered "a provider that refuses <>: remembered" 1
check "a provider that refuses <>: no other alert" \
    test "$(alerts null-sender)" = 1
finish
IDENTITY=keep begin --hide dsn --fail 'rcpt/bad*:550:5.1.1:no such user' \
    --fail 'mail/<>:553:5.7.1:no mail from nobody here'
fails keep bad1@example.org
QUIET=no delivered "identity = keep, null_sender = no: the notice goes out" 1
finish
sandbox_done
