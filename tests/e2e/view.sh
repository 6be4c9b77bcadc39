#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Relays that share a queue are looked at and changed as one, on any of them.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool curl jq setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter

at() { RELAIS=$1 relais "${@:2}"; }
quietly() { "$@" >"$T/out" 2>&1; }
to() { # PORT SUBJECT [SIZE]
	PORT=$1 submit "${@:2}"
}

NODE=a
relaisd_conf a < <(conf)
relais_store() { "$top_builddir/relais" -c "$T/a/relais.conf" store "$@"; }
check "the tables are made" relais_store init
explain_on() { # from now on: how the server runs what it is asked
	PG_DB=postgres sql "ALTER SYSTEM SET auto_explain.log_analyze = on"
	PG_DB=postgres sql "ALTER SYSTEM SET auto_explain.log_min_duration = 0"
	PG_DB=postgres sql "SELECT pg_reload_conf()" >/dev/null
}
PG_DB=postgres sql "ALTER SYSTEM SET session_preload_libraries = 'auto_explain'"
PG_DB=postgres sql "SELECT pg_reload_conf()" >/dev/null

# --- what waits -------------------------------------------------------------------

pg_relay a 2525
pg_relay b 2526
as_user() { setpriv --reuid 65533 --regid 65533 --clear-groups "$@"; }
chmod 755 "$T" "$T/a" "$T/b"
to 2525 ours
to 2526 theirs 400000
listed() { # RELAY JQ-CONDITION
	at "$1" --json queue 2>"$T/err" | jq -e "$2" >/dev/null
}
lists() { until_true 15 listed "$@"; }
check "relais queue lists what all relays have" lists a 'length == 2'
check "the oldest first, with the names of the relays" \
    lists a 'map(.node) == ["a", "b"]'
check "on the other one as well" lists b 'map(.node) == ["a", "b"]'
at a queue >"$T/out"
check "in text there is a column for that" grep -q 'RELAY$' "$T/out"
check "  with the name" grep -q ' b$' "$T/out"
mine=$(at a --json queue | jq -r '.[] | select(.node == "a").id')
theirs=$(at a --json queue | jq -r '.[] | select(.node == "b").id')
at a show "$theirs" >"$T/out"
check "relais show on one relay shows a message of the other" \
    grep -q '^Subject: theirs' "$T/out"
check "  and who has it" grep -q '^Relay: *b$' "$T/out"
check "  by the end of its id, too" \
    quietly at a show "${theirs: -6}"
at b show "$mine" >"$T/out"
check "and back" grep -q '^Subject: ours' "$T/out"
totals() { # JQ-CONDITION
	at a --json status | jq -e ".shared | $1" >/dev/null
}
check "relais status counts what all have" until_true 15 totals \
    '.relays == 2 and .due + .active == 2'
check "in words" sh -c "'$top_builddir/relais' -c '$T/a/relais.conf' status |
    grep -q '^all 2 relays: '"

is_at() { # RELAY ID STATE
	listed "$1" ".[] | select(.id == \"$2\") | .state == \"$3\""
}
check "a message of another relay is held" \
    quietly at a hold "$theirs"
check "  as its relay knows at once" is_at b "$theirs" held
check "  and as it is written down" until_true 10 is_at a "$theirs" held
check "to hold it again changes nothing" \
    quietly at a hold "$theirs"
check "and released" \
    quietly at a release "$theirs"
check "  which its relay knows" is_at b "$theirs" due
released=$(at a release "$theirs" 2>&1)
check "what is not held cannot be: its relay says why" \
    grep -q "is not held" <<<"$released"
check "  with status 1" sh -c "! '$top_builddir/relais' \
    -c '$T/a/relais.conf' release $theirs 2>/dev/null"
none=$(at a hold 0123456789abcdef 2>&1)
check "what nobody has is told" grep -q "no such message" <<<"$none"
done_is() { # N VERB...
	[ "$(at a --json "${@:2}" | jq .done)" = "$1" ]
}
check "--all means those of all relays" done_is 2 hold --all
check "  which each relay knows" is_at b "$theirs" held
check "  and that can be undone on the other one" \
    [ "$(at b --json release --all | jq .done)" = 2 ]

as_user curl -sS --mail-from "$USER_NAME" --mail-rcpt to@example.org \
    --upload-file "$T/submit.mail" smtp://127.0.0.1:2526 2>"$T/err"
by_user() { # RELAY VERB...
	as_user env RELAIS_CONTROL="$T/$1/control.sock" \
	    "$top_builddir/relais" --json "${@:2}" 2>"$T/user.err"
}
check "a user's mail waits" lists b 'length == 3'
users=$(by_user b queue | jq -r '.[].id')
check "its user sees it, and nothing else, where it was sent" \
    [ "$(wc -w <<<"$users")" = 1 ]
check "on another machine the uid is another's: nothing is seen" \
    [ "$(by_user a queue)" = "[]" ]
by_user a show "$users" >"$T/out"
check "  nor shown" grep -q "no message" "$T/user.err"
check "  nor changed" [ "$(by_user a hold "$users" | jq .done)" = 0 ]
check "  nor with --all" [ "$(by_user a hold --all | jq .done)" = 0 ]
check "a message of root's is not there for a user" \
    [ "$(by_user b hold "$theirs" | jq .done)" = 0 ]

# Taken over, it is still that user's, where it was sent.
stop b KILL
check "what a dead relay had is another's soon" \
    lists a 'length == 3 and all(.node == "a")'
check "its uid means nothing there" [ "$(by_user a queue)" = "[]" ]
pg_relay b 2526
check "its user sees it where it was sent" until_true 10 sh -c "
    [ \"\$(setpriv --reuid 65533 --regid 65533 --clear-groups \
	env RELAIS_CONTROL='$T/b/control.sock' '$top_builddir/relais' \
	--json queue | jq -r '.[].node')\" = a ]"
check "and may hold it there" [ "$(by_user b hold "$users" | jq .done)" = 1 ]
check "  which the relay that has it knows" is_at a "$users" held
own_totals() { by_user b status | jq -e ".shared | $1" >/dev/null; }
check "relais status counts for a user what that user sees" until_true 10 \
    own_totals '.relays == 2 and .held == 1 and .due + .active == 0'
check "  and on another machine nothing" sh -c "setpriv --reuid 65533 \
    --regid 65533 --clear-groups env RELAIS_CONTROL='$T/a/control.sock' \
    '$top_builddir/relais' --json status |
    jq -e '.shared | .due + .active + .held + .failed == 0' >/dev/null"
by_user b release "$users" >"$T/out"
check "a user's flush is about that user's mail at all relays" \
    [ "$(by_user b flush | jq .done)" = 1 ]

deleted() { [ "$(at a --json delete "$1" | jq .done)" = 1 ]; }
# Its messages are another's soon, and so is what is asked about them.
kill -STOP "$(cat "$T/a.pid")" "$(worker a)"
check "what is asked of a relay that stands still does who takes it over" \
    quietly at b hold "$mine"
check "  and has it" is_at b "$mine" held
kill -CONT "$(cat "$T/a.pid")" "$(worker a)"
check "when it goes on nothing is there twice" lists b 'length == 3'
check "and is deleted where it is not" until_true 15 deleted "$mine"
check "  and gone" lists b 'length == 2'

# --- many that are others' ----------------------------------------------------------

sql "INSERT INTO relais_message (id, owner, place, header, ending, journal,
	origin, uid) SELECT '0' || lpad(i::text, 15, '0'), -1, 0, header, ending,
	journal, origin, 0 FROM relais_message,
	generate_series(1, 100000) i WHERE id = '$theirs'"
sql "ANALYZE relais_message"
explain_on
plan() { # TEXT...: of the statement that was run last with that text
	awk -v has="$1" '
	    /plan:$/ { text = "" }
	    /^\t/ { text = text $0 "\n"; if (index(text, has)) last = text }
	    END { printf "%s", last }' "$T/postgres.log" >"$T/plan"
	[ -s "$T/plan" ]
}
listing="SELECT l.id, l.place"
plan_has() { # TEXT WORD...
	plan "$1" && grep -q -- "${@:2}" "$T/plan"
}
check "beside 100,000 of others, a user sees what is that user's" \
    [ "$(by_user b queue | jq -r '.[].id')" = "$users" ]
check "  found by an index" until_true 5 plan_has "$listing" \
    "relais_message_user"
check "  and nothing was read in vain" \
    sh -c "! grep -qE 'Rows Removed by Filter: [0-9]{3}' '$T/plan'"
at a status >"$T/out"
counting="FROM relais_node WHERE id <>"
check "what nobody has is counted" until_true 5 plan_has "$counting" Aggregate
check "  in one pass" [ "$(grep -c "on relais_message" "$T/plan")" = 1 ]
sql "DELETE FROM relais_message WHERE owner = -1"

# --- flush ------------------------------------------------------------------------------

start_provider provider --fail 'rcpt/to@*:450:4.2.1:Try again later'
at b flush >"$T/out"
check "after an answer mail has to wait" lists b \
    'length == 2 and all(.reason | test("Try again later"))'
stop provider
start_provider provider
at a flush >"$T/out"
check "relais flush on one relay has the others try their mail, too" \
    lists b 'length == 0'

# --- what a reply to the message of another says ------------------------------------------

stop provider
start_provider provider \
    --fail 'rcpt/limit*:452:4.7.1:sending limit exceeded, last by a-secret'
curl -sS --mail-from "$USER_NAME" --mail-rcpt limit@example.org \
    --upload-file "$T/submit.mail" smtp://127.0.0.1:2525 2>"$T/err"
at a flush >"$T/out"
root_reads() { # RELAY JQ-CONDITION: of the account
	at "$1" --json status | jq -e ".accounts[0] | $2" >/dev/null
}
user_reads() {
	by_user "$1" status | jq -e ".accounts[0] | $2" >/dev/null
}
check "a limit that one relay heard of stops the other" until_true 15 \
    root_reads b '.state == "paused" and (.reason | test("a-secret"))'
check "  whose users read of it" user_reads b \
    '.state == "paused" and (.reason | test("said by .* to RCPT"))'
for relay in a b; do
	check "  and not the reply to somebody's message ($relay)" \
	    user_reads $relay '.reason | test("a-secret") | not'
done

pg_kill
at b queue >"$T/out" 2>&1
check "while the database is away one's own are listed, and that is told" \
    grep -q "what the other relays have is not shown" "$T/out"
sandbox_done
