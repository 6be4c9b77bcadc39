#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Much mail that waits in a shared queue, and an hour of attempts: the tables do not
# grow without end, and what relays ask each second stays quick.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh"
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh"
[ -x "$PG_BIN/pgbench" ] || skip_all "pgbench is not installed"
[ -f "$top_builddir/tests/lib/timeshift.so" ] || skip_all "timeshift.so is not built"
# Messages; changes: each is tried four times in an hour.
: "${WAITING:=10000}" "${CHANGES:=$((WAITING * 4))}"

# An hour in a minute: so the server looks sixty times as often.  Its log has how
# long each statement took.
cat >>"$T/pg/postgresql.conf" <<END
autovacuum_naptime = 1s
log_min_duration_statement = 0
END
pg_stop
pg_start
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
as_postgres "$PG_BIN/pgbench" -h "$T/pgsocket" -U postgres -n -M prepared -c 4 \
    -t $((CHANGES / 4)) -f "$T/churn.sql" relais >"$T/pgbench.log" 2>&1 ||
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
p95() { # PATTERN: of the milliseconds in the log
	grep -A 1 "duration: .*$1" "$T/postgres.log" |
	    sed -n 's/.*duration: \([0-9.]*\) ms .*/\1/p' | sort -g |
	    awk '{ v[NR] = $1 } END { print NR, v[int(NR * 0.95 + 0.5)] + 0 }'
}
read -r n ms <<<"$(p95 "WITH RECURSIVE o")"
note "asked $n times whether something is left: p95 $ms ms"
check "to ask whether something is left needs no walk through the table" \
    [ "$n" -gt 10 -a "${ms%.*}" -lt 100 ]
read -r n ms <<<"$(p95 "UPDATE relais_message m SET owner")"
note "took over $n times: p95 $ms ms"
check "and to take over neither" [ "$n" -ge $((WAITING / 2 / 1000)) -a "${ms%.*}" -lt 500 ]

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
