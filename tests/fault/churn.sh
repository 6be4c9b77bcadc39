#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Much mail that waits in a shared queue, and an hour of attempts: the tables do not
# grow without end, and what relays ask each second stays quick.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit
[ -x "$PG_BIN/pgbench" ] || skip_all "pgbench is not installed"
[ -f "$top_builddir/tests/lib/timeshift.so" ] || skip_all "timeshift.so is not built"
# Messages; changes: each is tried four times in an hour.
: "${WAITING:=10000}" "${CHANGES:=$((WAITING * 4))}"

# An hour in a minute: so the server looks sixty times as often.  Its log has how
# it ran each statement of a relay.
cat >>"$T/pg/postgresql.conf" <<END
autovacuum_naptime = 1s
END
pg_stop
pg_start
for setting in "session_preload_libraries = 'auto_explain'" \
    auto_explain.log_min_duration=0 auto_explain.log_analyze=on \
    auto_explain.log_timing=off; do
	sql "ALTER ROLE relais SET $setting"
done
relays

# Of a relay that nobody takes for dead.
sql "INSERT INTO relais_node (id, name, pid, seen) OVERRIDING SYSTEM VALUE
    VALUES (1000000, 'busy', 0, now() + interval '1 day'),
	(1000001, 'dead', 0, now())"
sql "INSERT INTO relais_message (id, owner, header, ending, journal)
    SELECT 'waits' || i, 1000000, repeat('h', 600)::bytea, 'end', 'x'::bytea
    FROM generate_series(1, $WAITING) i"
sql "INSERT INTO relais_body SELECT 'waits' || i, 0, repeat('b', 2048)::bytea
    FROM generate_series(1, $WAITING) i"
sql "VACUUM ANALYZE relais_message, relais_body"
size() { # TABLE
	sql "SELECT pg_total_relation_size('$1')"
}
message=$(size relais_message) body=$(size relais_body)

cat >"$T/churn.sql" <<END
\\set i random(1, $WAITING)
\\set j random(1, 10)
UPDATE relais_message SET journal = CASE WHEN length(journal) > 400 THEN 'x'
    ELSE journal || repeat('j', 90)::bytea END WHERE id = 'waits' || :i;
\\if :j = 1
BEGIN;
DELETE FROM relais_message WHERE id = 'waits' || :i;
DELETE FROM relais_body WHERE id = 'waits' || :i;
INSERT INTO relais_message (id, owner, header, ending, journal) VALUES
    ('waits' || :i, 1000000, repeat('h', 600)::bytea, 'end', 'x') ON CONFLICT DO NOTHING;
INSERT INTO relais_body VALUES ('waits' || :i, 0, repeat('b', 2048)::bytea)
    ON CONFLICT DO NOTHING;
COMMIT;
\\endif
END
# In half a minute, or what a slow machine needs.
as_postgres "$PG_BIN/pgbench" -h "$T/pgsocket" -U postgres -n -M prepared -c 4 \
    -R $((CHANGES / 30)) -t $((CHANGES / 4)) -f "$T/churn.sql" relais >"$T/pgbench.log" 2>&1 ||
    fail "pgbench: $(tail -n 1 "$T/pgbench.log")"
note "$(grep ^tps "$T/pgbench.log")"
for t in message body; do
	after=$(size relais_$t)
	note "relais_$t: ${!t} bytes before, $after after"
	check "relais_$t stays below twice its size" [ "$after" -lt $((${!t} * 2)) ]
done

# What died is taken over, some at a time.
sql "UPDATE relais_message SET owner = 1000001
    WHERE id IN (SELECT id FROM relais_message LIMIT $((WAITING / 2)))"
sql "UPDATE relais_node SET is_dead = true WHERE id = 1000001"
taken() { [ "$(sql "SELECT count(*) FROM relais_message WHERE owner = 1000001")" = 0 ]; }
check "the relays take over what one had that is dead" until_true 30 taken
# most_rows TEXT: of the statements that begin so, how many there are, and the most
# rows of messages that one of them had to look at.
most_rows() {
	awk -v begin="Query Text: $1" '
	    function over() { if (rows > most) most = rows; rows = 0 }
	    /^\tQuery Text: / { over(); is_it = index($0, begin); n += is_it > 0 }
	    !is_it { next }
	    / on relais_message.*actual rows=/ {
		match($0, /actual rows=[0-9]+ loops=[0-9]+/)
		split(substr($0, RSTART, RLENGTH), part, /[= ]/)
		rows += part[3] * (loops = part[5])
	    }
	    /Rows Removed by/ { rows += $NF * loops }
	    END { over(); print n + 0, most + 0 }' "$T/postgres.log"
}
read -r n rows <<<"$(most_rows "WITH RECURSIVE o")"
note "asked $n times whether something is left: $rows rows at most"
check "to ask whether something is left needs no walk through the table" \
    [ "$n" -gt 10 -a "$rows" -lt $((WAITING / 10)) ]
read -r n rows <<<"$(most_rows "UPDATE relais_message m SET owner")"
note "took over $n times: $rows rows at most"
check "and to take over neither" \
    [ "$n" -ge $((WAITING / 2 / 1000)) -a "$rows" -lt $((WAITING / 2)) ]

# --- a transaction that nobody ends ---------------------------------------------------

python3 "$srcdir/tests/lib/timeshift.py" "$T/timeshift" new
chmod 666 "$T/timeshift"
pg_stop
export LD_PRELOAD=$top_builddir/tests/lib/timeshift.so TIMESHIFT=$T/timeshift
pg_start
unset LD_PRELOAD
psql_as relais "BEGIN; SELECT 1; SELECT pg_sleep(60)" >/dev/null 2>&1 &
is_open() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity
	    WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")" = 1 ]
}
check "a transaction is open" until_true 10 is_open
store_check >"$T/check.log" 2>&1
check "relais store check says nothing of it at first" \
    sh -c "! grep -q 'transaction' '$T/check.log'"
python3 "$srcdir/tests/lib/timeshift.py" "$T/timeshift" set wall_ms=$((7200 * 1000))
store_check >"$T/check.log" 2>&1
check "after an hour it does" grep -q "transaction.* 2 hours\|transaction.*120 min" \
    "$T/check.log"
grep transaction "$T/check.log" | sed 's/^/     /'
sandbox_done
