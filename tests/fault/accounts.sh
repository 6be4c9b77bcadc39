#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Relays that share a queue share the state of their accounts: a provider sees
# limits, connections and logins as those of one.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh"
need python3 certtool jq setpriv
if [ -d /usr/lib/postgresql ]; then sandbox_enter; else
	sandbox_enter "?postgresql"
fi
. "$srcdir/tests/lib/postgres.sh"
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
pg_need
pg_init
sandbox_secrets

# more: further lines for the account.
more=""
conf() {
	pg_conf
	echo "verdict_timeout = 0"
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
}
relaisd_conf relay0 < <(conf)
"$top_builddir/relais" -c "$T/relay0/relais.conf" store init >/dev/null ||
    fail "relais store init"
start_provider provider

# --- limits ---------------------------------------------------------------------

more="max_per_hour = 100"
relays
send 200
check "200 mails are accepted by three relays" \
    [ "$(wc -l <"$T/acked")" -ge 200 ]
check "of which the provider gets 100" until_true 30 arrived_at_least 100
sleep 5
check "and not one more" [ "$(arrived)" = 100 ]
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

# Connections to port 587 of this namespace, as the provider has them.
connections() {
	awk '$2 ~ /:024B$/ && $4 == "01"' /proc/net/tcp | wc -l
}
watch_connections() {
	: >"$T/connections"
	while :; do
		connections
		sleep 0.02
	done >>"$T/connections" &
	watcher=$!
}
most_connections() {
	kill "$watcher"
	wait "$watcher" 2>/dev/null
	sort -n "$T/connections" | tail -n 1
}
more="max_connections = 3"
fresh --delay-ms 5
for i in 0 1 2; do : >"$T/relay$i.log"; done
relays
watch_connections
send 600
check "all mail arrives over three connections" until_true 60 is_empty
check "every mail once" all_arrived
most=$(most_connections)
check "no more than that are seen at once" [ "$most" -le 3 ]
note "$most at once"
for i in 0 1 2; do
	check "and relay $i had one" grep -q " sent " "$T/relay$i.log"
done

more="max_connections = 1"
fresh --delay-ms 5
relays
watch_connections
send 100
check "with a single connection all mail of all three arrives" \
    until_true 90 is_empty
most=$(most_connections)
check "and there is never a second one" [ "$most" -le 1 ]
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
