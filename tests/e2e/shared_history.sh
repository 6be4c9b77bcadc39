#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Relays that share a queue share their history: relais log and relais show.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool curl jq setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter

at() { RELAIS=$1 relais "${@:2}"; }
to() { # PORT SUBJECT [SIZE]
	PORT=$1 submit "${@:2}"
}
logged() { # RELAY JQ-CONDITION [ARGUMENT...]
	at "$1" --json log "${@:3}" 2>"$T/err" | jq -e "$2" >/dev/null
}
log_has() { until_true 10 logged "$@"; }
rows() { sql "SELECT count(*) FROM relais_history"; }

NODE=a
relaisd_conf a < <(conf)
relais_store() { "$top_builddir/relais" -c "$T/a/relais.conf" store "$@"; }
check "the tables are made" relais_store init

# --- the history ----------------------------------------------------------------

start_provider provider
pg_relay a 2525
pg_relay b 2526
to 2525 one
to 2526 two
check "relais log on one relay has what both have delivered" \
    log_has a 'map(.state) == ["delivered", "delivered"]'
check "with the names of the relays" \
    log_has b 'map(.node) | sort == ["a", "b"]'
at a log >"$T/out"
check "in text as well" grep -q "to@example.org  (b)\$" "$T/out"
id=$(at a --json log | jq -r '.[] | select(.node == "b").id')
at a show "$id" >"$T/out"
check "relais show on one finds what the other has delivered" \
    grep -q '^Relay: *b' "$T/out"
check "the newest alone can be asked for" \
    logged a 'length == 1 and .[0].node == "b"' --last 1
check "an id as well" logged a 'length == 1' "$id"

as_user() { setpriv --reuid 65533 --regid 65533 --clear-groups "$@"; }
chmod 755 "$T" "$T/a" "$T/b"
seen_by_user() { # RELAY
	as_user env RELAIS_CONTROL="$T/$1/control.sock" \
	    "$top_builddir/relais" --json log | jq length
}
# A uid says who somebody is on one machine.
PORT=2526 as_user curl -sS --mail-from "$USER_NAME" --mail-rcpt to@example.org \
    --upload-file "$T/submit.mail" smtp://127.0.0.1:2526 2>"$T/err"
check "a user's mail is delivered" log_has b 'length == 3'
check "its user sees it where it was sent" [ "$(seen_by_user b)" = 1 ]
check "and not on another machine, where the uid is another's" \
    [ "$(seen_by_user a)" = 0 ]

at a log --follow --since 1h >"$T/followed" 2>&1 &
follower=$!
check "--follow begins with what is there" \
    until_true 10 sh -c "[ \$(grep -c delivered '$T/followed') = 3 ]"
to 2526 later
check "and goes on with what another relay delivers" \
    until_true 10 sh -c "[ \$(grep -c '(b)' '$T/followed') = 3 ]"
kill "$follower"
wait "$follower" 2>/dev/null

# What is there need not be read for that.
PG_DB=postgres sql "ALTER ROLE relais SET log_min_duration_statement = 0"
stop a
pg_relay a 2525
at a log --follow >"$T/news" 2>&1 &
follower=$!
follows() { # FROM: a statement that reads the history behind that row
	grep -A 1 "relais_history WHERE seq > " "$T/postgres.log" |
	    grep -q "parameters: \$1 = '$1'"
}
check "--follow alone begins with the newest" until_true 10 \
    follows "$(sql "SELECT max(seq) FROM relais_history")"
check "  and reads nothing older" sh -c "! grep -A 1 'history WHERE seq > ' \
    '$T/postgres.log' | grep -q \"parameters: .1 = '0'\""
to 2526 newest
check "  and shows what comes" until_true 10 grep -q '(b)' "$T/news"
check "  only that" [ "$(grep -c delivered "$T/news")" = 1 ]
kill "$follower"
wait "$follower" 2>/dev/null
PG_DB=postgres sql "ALTER ROLE relais RESET log_min_duration_statement"

stop a KILL
pg_relay a 2525
check "a crash takes nothing of it" log_has a 'length == 5'
check "no row is there twice" [ "$(sql \
    "SELECT sum(n) FROM relais_history")" = 5 ]
stop a
pg_relay a 2525 "history = 2"
to 2525 five
to 2525 six
two_are_left() { at a --json log | jq -e 'length == 2' >/dev/null; }
check "no more is kept than history = says" until_true 10 two_are_left
pg_kill
at a log >"$T/out" 2>&1
check "while the database is away, relais log says so" \
    grep -q "postgres 127.0.0.1" "$T/out"
check "and mail is delivered" to 2525 away
away=$(sed -n 's/^< 250 2.0.0 \([0-9a-v]*\) .*/\1/p' "$T/submit.err")
pg_start
check "and when it is back the history has that, once" log_has a \
    'map(select(.node == "a")) | length == 1' "$away"
stop a
pg_relay a 2525 "history = 0"
none_of_a() {
	[ "$(sql "SELECT count(*) FROM relais_history WHERE name = 'a'")" = 0 ]
}
check "with history = 0 a relay keeps none, and removes its own" \
    until_true 10 none_of_a
sandbox_done
