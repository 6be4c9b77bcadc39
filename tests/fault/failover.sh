#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Whatever happens to the database, and to its standby, no mail is answered with
# 250 that is not in it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need nft
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit
: "${PG_KILLS:=4}" # of the database

PG_URL="postgres://relais@127.0.0.1:5432,127.0.0.1:5433/relais?passfile=$T/pgpass"
PG_URL="$PG_URL&target_session_attrs=read-write"

says_promise() { # WORDS
	store_check >"$T/check.log" 2>&1 && grep -q "$1" "$T/check.log" &&
	    return
	sed 's/^/     | /' "$T/check.log"
	return 1
}
every_row_is_there() { # WHAT
	check "$1: no 250 without its row" [ "$(without_row)" = 0 ]
	note "$(wc -l <"$T/accepted") accepted, $(wc -l <"$T/rows") in the database"
	check "$1: mail was accepted" has_accepted
}

# --- the server dies, and no provider takes mail --------------------------------

relays
check "relais store check says that there is one server" says_promise "one server"
load
for ((i = 0; i < PG_KILLS; i++)); do
	sleep "0.$((RANDOM % 9 + 1))"
	sleep 0.7
	pg_kill
	sleep "0.$((RANDOM % 9 + 1))"
	pg_start
done
sleep 2
load_ends
every_row_is_there "kill -9 of PostgreSQL"
start_provider provider
all_arrive "kill -9 of PostgreSQL"
stop provider

# --- its standby does not answer ----------------------------------------------------

pg_standby
check "relais store check says that there is a standby" \
    until_true 10 says_promise "synchronous standby"
is_waiting() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity
	    WHERE wait_event = 'SyncRep' AND usename = 'relais'
	    AND query LIKE '%relais_body%'")" = 1 ]
}
accepted() { grep -q "^< 250 .*queued\|^< 250 2.0.0" "$T/submit.err"; }
refused() { grep -q "^< 4[0-9][0-9] " "$T/submit.err"; }

pg_signal STOP standby
submit cancelled &
client=$!
check "a commit waits for the standby" until_true 10 is_waiting
sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE wait_event = 'SyncRep' AND usename = 'relais'
    AND query LIKE '%relais_body%'" >/dev/null
wait $client
check "when somebody cancels that, the mail is refused for now" refused

submit crashed &
client=$!
check "a commit waits for the standby" until_true 10 is_waiting
pg_kill
pg_start
wait $client
check "when the server crashes and has it, and the standby has not, so it is" \
    refused
pg_signal CONT standby
check "with the standby, mail is accepted" until_true 30 submit again

# --- failover -------------------------------------------------------------------------

start_provider provider
check "that one arrives" until_true 30 has_mail provider again
check "and nothing is left" until_true 60 is_empty
check "none that was refused arrives" \
    sh -c "! grep -qE '^Subject: (cancelled|crashed)' $T/provider/*.eml"
stop provider

# The machine of the first server is switched off: it does not even refuse.
load
sleep 3
nft -f - <<'END'
table inet cut {
	chain out {
		type filter hook output priority 0;
		tcp dport 5432 drop
		tcp sport 5432 drop
	}
}
END
pg_kill
sleep 1
before=$(wc -l <"$T/accepted")
pg_promote
more() { [ "$(wc -l <"$T/accepted")" -gt $((before + 100)) ]; }
check "failover: the relays find the standby" until_true 20 more
export PGPORT=5433
sleep 2
load_ends
every_row_is_there "failover"
start_provider provider
all_arrive "failover"
sandbox_done
