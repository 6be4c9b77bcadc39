#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Relays that share a queue share the state of their accounts: a provider sees
# limits, connections and logins as those of one.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool jq setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter

# more: further lines for the account.
more=""
conf() {
	pg_conf
	echo "verdict_timeout = 0"
	echo "alert_command = $T/alert"
	account mail mail.example.test 587 starttls
	[ -z "$more" ] || printf '%s\n' "$more"
}
relay() { PORT=$((2525 + $1)) RETRY_AFTER=1s start_relaisd "relay$1" < <(conf); }
relays() { for i in 0 1 2; do relay $i; done; }
stop_relays() { for i in 0 1 2; do stop "relay$i" "$@"; done; }
# send COUNT: over all three, from twelve clients; ends when all are accepted.
send() {
	rm -f "$T/acked"
	python3 "$srcdir/tests/lib/load.py" send --ports 2525,2526,2527 \
	    --clients 12 --count "$1" --seconds 60 --acked "$T/acked" \
	    --refused "$T/refused" >"$T/load.log" 2>&1
}
arrived() { find "$T/provider" -name '*.eml' | wc -l; }
all_arrived() { [ "$(arrived)" = "$(wc -l <"$T/acked")" ]; }
arrived_at_least() { [ "$(arrived)" -ge "$1" ]; }
waiting() { sql "SELECT count(*) FROM relais_message"; }
is_empty() { [ "$(waiting)" = 0 ]; }
fresh_provider() {
	stop provider
	rm -rf "$T/provider"
	start_provider provider "$@"
}
# Nothing of an earlier part is left: queue, limits, connections.
fresh() {
	stop_relays
	sql "TRUNCATE relais_message, relais_body, relais_shared"
	fresh_provider "$@"
	rm -f "$T/alerts/told" "$T"/relay?/spool/state/*
}
sandbox_alerts
relaisd_conf relay0 < <(conf)
"$top_builddir/relais" -c "$T/relay0/relais.conf" store init >/dev/null ||
    fail "relais store init"
start_provider provider

# --- a refused login ------------------------------------------------------------

logins() { grep -c '"event":"login"' "$T/provider.log"; }
held_on() { # RELAY
	[ "$(RELAIS=relay$1 relais --json status |
	    jq -r '.accounts[0].state')" = held ]
}
all_held() { held_on 0 && held_on 1 && held_on 2; }
none_held() { ! held_on 0 && ! held_on 1 && ! held_on 2; }
password() { install -o relais -m 600 "$T/secret/$1" "$T/secret/account"; }
alerts() { grep -c "^$1|" "$T/alerts/told"; }
secret_conf() {
	pg_conf
	echo "verdict_timeout = 0"
	echo "alert_command = $T/alert"
	account mail mail.example.test 587 starttls |
	    sed "s|^password_file.*|password_file = $T/secret/account|"
}
cp "$T/secret/mail" "$T/secret/right"
password wrong
for i in 0 1 2; do
	PORT=$((2525 + i)) RETRY_AFTER=1s start_relaisd "relay$i" < <(secret_conf)
done
send 30
check "a refused login holds the account on all relays" until_true 4 all_held
sleep 3
check "after one login, or two" [ "$(logins)" -le 2 ]
note "$(logins) logins"
stop relay2
PORT=2527 RETRY_AFTER=1s start_relaisd relay2 < <(secret_conf)
check "a relay that starts then knows it" until_true 4 held_on 2
sleep 2
check "without another login" [ "$(logins)" -le 2 ]
# What was told late is told by now, and a second time would be soon.
is_told_once() { [ "$(alerts "$1")" = 1 ]; }
told_once() { until_true 5 is_told_once "$1" && sleep 1 && is_told_once "$1"; }
check "the administrator is told once" told_once account-held
before=$(logins)
RELAIS=relay1 relais flush >/dev/null
tried() { [ "$(logins)" -gt "$before" ]; }
check "relais flush on one of them tries it" until_true 5 tried
check "and it is held again on all" until_true 4 all_held
sleep 3
check "after one login more, or two" [ "$(logins)" -le $((before + 2)) ]
password right
RELAIS=relay0 relais flush >/dev/null
check "a corrected password frees it on all relays" until_true 10 none_held
check "and all mail of all relays arrives" until_true 30 all_arrived

# --- a quota ----------------------------------------------------------------------

quota_on() {
	RELAIS=relay$1 relais --json status | jq -e '.accounts[0] |
	    .state == "paused" and (.reason | test("quota|limit"))' >/dev/null
}
all_quota() { quota_on 0 && quota_on 1 && quota_on 2; }
fresh --fail "end:550:5.4.5:Daily user sending quota exceeded:1"
relays
send 30
check "a quota that is used up pauses the account on all relays" \
    until_true 4 all_quota
n=$(arrived)
sleep 3
check "the administrator is told once" told_once quota
check "and nothing is tried meanwhile" [ "$(arrived)" = "$n" ]
RELAIS=relay2 relais flush >/dev/null
check "relais flush on one of them ends it on all" until_true 30 all_arrived

# --- what is learnt -----------------------------------------------------------------

fresh --per-connection 7
relays
PORT=2525
for i in {1..20}; do submit "l$i"; done
check "what one relay learns of a provider" until_true 20 grep -q \
    "accepts 7 messages over one" "$T/relay0.log"
knows() { sql "SELECT encode(content, 'escape') FROM relais_shared" |
    grep -q "learnt .*per_connection 7"; }
check "the others know" until_true 5 knows
sleep 2
PORT=2526
for i in {1..16}; do submit "m$i"; done
until_true 20 has_mail provider m16
check "and do not find out themselves" \
    sh -c "! grep -q 'accepts 7 messages over one' '$T/relay1.log'"

# --- limits ---------------------------------------------------------------------

more="max_per_hour = 100"
fresh
relays
send 200
check "200 mails are accepted by three relays" \
    [ "$(wc -l <"$T/acked")" -ge 200 ]
check "of which the provider gets 100" until_true 30 arrived_at_least 100
sleep 5
check "and not one more" [ "$(arrived)" = 100 ]
check "the administrator is told once" told_once quota
says relay0 "max_per_hour = 100.*used up" "a relay says why"
stop relay0 KILL
relay 0
sleep 3
check "nor after a relay has died and come back" [ "$(arrived)" = 100 ]
check "what is left waits" [ "$(waiting)" -ge 100 ]

# What a relay had reserved when it died counts as sent, and no more.
fresh
relays
send 40
stop relay1 KILL
stop relay2 KILL
sleep 12
relay 1
relay 2
send 150
check "relays that die cost a block each" until_true 60 arrived_at_least 85
sleep 12
check "and the limit holds all the same" [ "$(arrived)" -le 100 ]
note "$(arrived) of 100"

# --- connections -----------------------------------------------------------------

more="max_connections = 3"
fresh --delay-ms 5
for i in 0 1 2; do : >"$T/relay$i.log"; done
relays
send 600
check "all mail arrives over three connections" until_true 60 is_empty
check "every mail once" all_arrived
most=$(most_logged_in provider)
check "no more than that are there at once" [ "$most" -le 3 ]
note "$most at once"
for i in 0 1 2; do
	check "and relay $i had one" grep -q " sent " "$T/relay$i.log"
done

more="max_connections = 1"
fresh --delay-ms 50
relays
send 100
waits() {
	for i in 0 1 2; do RELAIS=relay$i relais status; done |
	    grep -q "other relays have all connections"
}
check "who has none says so" until_true 10 waits
check "with a single connection all mail of all three arrives" \
    until_true 90 is_empty
check "and there is never a second one" [ "$(most_logged_in provider)" = 1 ]
check "every mail once" all_arrived
stop relay0 KILL
stop relay1 KILL
send_one() { PORT=2527 submit "after"; }
check "when two relays have died" send_one
check "the connection is the third one's" until_true 20 has_mail provider after
pg_kill
send_one_more() { PORT=2527 submit "alone"; }
check "without the database the provider's answer counts" send_one_more
check "over the connection that the relay has" has_mail provider alone
pg_start
sandbox_done
