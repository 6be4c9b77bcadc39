#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Several relays share their queue in PostgreSQL (store = postgres).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool curl jq setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter

# A short first wait, so that takeover and not the schedule takes the time.
conf() {
	pg_conf
	echo "verdict_timeout = ${VERDICT:-0}"
	account mail mail.example.test "${TO:-587}" starttls
}
# relay NAME PORT
relay() {
	NODE=$1
	PORT=$2 RETRY_AFTER=1s start_relaisd "$1" < <(conf)
}
waiting() { [ "$(sql "SELECT count(*) FROM relais_message")" = "$1" ]; }
copies() { # of a subject, at the provider
	cat "$T"/provider/*.eml 2>/dev/null | grep -c "^Subject: $1.\$"
}
copies_are() { [ "$(copies "$1")" = "$2" ]; }
ends_with() { # STATUS PATTERN COMMAND...
	local status=$1 pattern=$2
	shift 2
	timeout 60 "$@" >"$T/ends.log" 2>&1
	[ $? = "$status" ] && grep -q -- "$pattern" "$T/ends.log" && return
	sed 's/^/     | /' "$T/ends.log"
	return 1
}

relais_ends() { # STATUS PATTERN WORD...
	local status=$1 pattern=$2
	shift 2
	ends_with "$status" "$pattern" \
	    "$top_builddir/relais" -c "$T/home/relais.conf" "$@"
}

# --- what is missing is told --------------------------------------------------

relaisd_conf home < <(PG_URL="${PG_URL%%\?*}?nonsense=1" conf)
check "a URL that libpq does not know is an error of the configuration" \
    ends_with 78 "store_url" "$top_builddir/relaisd" --check -c "$T/home/relais.conf"
relaisd_conf home < <(PG_URL=postgres://relais:elephant@127.0.0.1/relais conf)
check "a password in the URL is refused" \
    ends_with 78 "passfile" "$top_builddir/relaisd" --check -c "$T/home/relais.conf"
check "and not shown" \
    sh -c "! grep -q elephant '$T/ends.log'"
relaisd_conf home < <(pg_conf | head -n 1; account mail mail.example.test 587 starttls)
check "store = postgres needs a database" \
    ends_with 78 "store_url" "$top_builddir/relaisd" --check -c "$T/home/relais.conf"

relaisd_conf home < <(conf)
check "a right configuration passes the check" \
    ends_with 0 "" "$top_builddir/relaisd" --check -c "$T/home/relais.conf"
check "a database without tables is told, with the command that helps" \
    relais_ends 1 "relais store init" store check
check "and relaisd does not start with it" \
    ends_with 78 "relais store init" "$top_builddir/relaisd" -f -c "$T/home/relais.conf"
check "relais store init makes the tables" relais_ends 0 "made" store init
check "but once" relais_ends 1 "nothing was changed" store init
check "relais store upgrade has nothing to do" \
    relais_ends 0 "nothing to do" store upgrade
# The tables as version 1 had them, which no change of the program changes.
sql "DROP OWNED BY relais"
sql "GRANT ALL ON SCHEMA public TO relais; GRANT ALL ON DATABASE relais TO relais"
psql_as relais "
    CREATE TABLE relais_schema (version integer NOT NULL);
    CREATE TABLE relais_node (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
	pid integer NOT NULL, started timestamptz NOT NULL DEFAULT now(),
	seen timestamptz NOT NULL DEFAULT now(),
	is_dead boolean NOT NULL DEFAULT false);
    CREATE TABLE relais_message (id text COLLATE \"C\" PRIMARY KEY,
	owner bigint NOT NULL, place smallint NOT NULL DEFAULT 0,
	header bytea NOT NULL, ending text NOT NULL, journal bytea NOT NULL);
    CREATE INDEX relais_message_owner ON relais_message (owner, id);
    CREATE TABLE relais_body (id text COLLATE \"C\", n integer,
	part bytea NOT NULL, PRIMARY KEY (id, n));
    INSERT INTO relais_schema VALUES (1)"
check "tables of an older version are told" \
    relais_ends 1 "relais store upgrade" store check
check "relais store upgrade brings them up to date" \
    relais_ends 0 "were of version 1" store upgrade
PG_DB=postgres sql "CREATE DATABASE other OWNER relais"
relaisd_conf home < <(PG_URL=${PG_URL/\/relais\?/\/other?} conf)
sed -i 's/:relais:relais:/:*:relais:/' "$T/pgpass"
check "relais store upgrade makes them where there are none" \
    relais_ends 0 "made" store upgrade
check "and then has nothing to do, as a container wants it" \
    relais_ends 0 "nothing to do" store upgrade
relaisd_conf home < <(conf)
check "relais store check says what is promised" \
    relais_ends 0 "one server" store check

setting() { # NAME VALUE: in force when the next connection is made
	PG_DB=postgres sql "ALTER SYSTEM SET $1 = $2"
	PG_DB=postgres sql "SELECT pg_reload_conf()" >/dev/null
	until_true 5 setting_is "$1" "$2"
}
setting_is() { [ "$(sql "SHOW $1")" = "$2" ]; }
for bad in fsync full_page_writes synchronous_commit; do
	setting $bad off
	check "$bad = off is refused" relais_ends 1 "$bad = o" store check
	check "by relaisd, too" ends_with 78 "$bad = o" \
	    "$top_builddir/relaisd" -f -c "$T/home/relais.conf"
	setting $bad on
done

# --- one relay, and the next one ----------------------------------------------

relay home 2525
check "a small mail is accepted" submit small
check "and a large one" submit large 3000000
check "both are in the database" until_true 10 waiting 2
check "the large one in rows of 256 KiB" [ "$(sql \
    "SELECT count(*) > 10 AND max(length(part)) = 262144 FROM relais_body")" = t ]
check "with the very bytes of a file of the spool" [ "$(sql \
    "SELECT encode(substring(header from 1 for 15), 'escape') LIKE
     'relais-spool 1%' AND ending LIKE 'end %' FROM relais_message LIMIT 1")" = t ]
no_files() { [ -z "$(find "$T/home/spool/queue" -type f)" ]; }
check "nothing of them stays in the spool" until_true 30 no_files
check "relais queue shows both" [ "$(queue_len)" = 2 ]
id=$(relais --json queue | jq -r '.[0].id')
check "relais show reads from the database" \
    relais_ends 0 "^Subject: small" show "$id"
check "the worker is in its sandbox all the same" \
    [ "$(sed -n 's/^Seccomp:\t//p' "/proc/$(worker home)/status")" = 2 ]
check "relaisd itself links no libpq" \
    sh -c "! ldd '$top_builddir/relaisd' | grep -q libpq"

check "relais nodes shows who has them" [ "$("$top_builddir/relais" --json \
    -c "$T/home/relais.conf" nodes | jq -r '.[] | .name, .state, .messages' |
    tr '\n' ' ')" = "home running 2 " ]

stop home
start_provider provider
relay second 2526
check "another relay has what the first one left" \
    until_true 10 copies_are small 1
check "large mail as well" until_true 10 copies_are large 1
check "byte by byte" grep -qx "end.\?" "$T"/provider/*.eml
check "and the database is empty then" until_true 10 waiting 0
sum() { sql "SELECT count(*) FROM relais_body"; }
check "of bodies, too" [ "$(sum)" = 0 ]

# --- a relay dies ---------------------------------------------------------------

stop provider
relay home 2525
for i in 1 2 3 4 5; do submit "dead$i"; done
check "five mails wait" until_true 10 waiting 5
begin=$(date +%s)
stop home KILL
start_provider provider
all_five() { for i in 1 2 3 4 5; do copies_are "dead$i" 1 || return 1; done; }
check "after kill -9 of their relay another one sends them" \
    until_true 15 all_five
note "after $(($(date +%s) - begin)) s"
check "and each one once" all_five
check "nothing is left" until_true 10 waiting 0

# --- the database goes away -------------------------------------------------------

relay home 2525
pg_kill
check "without the database, the provider's own answer counts" \
    submit direct
check "and it is there" until_true 10 copies_are direct 1
stop provider
submit refused
check "without both a mail is refused for now" \
    grep -q "^< 4[0-9][0-9] " "$T/submit.err"
pg_start
accepts() { submit back; }
check "when it is back mail is accepted again" until_true 15 accepts
start_provider provider
check "and delivered" until_true 15 copies_are back 1
check "what was refused is not sent" copies_are refused 0
check "nothing is left of that" until_true 30 waiting 0

# --- one that was away comes back ---------------------------------------------------

stop second
stop provider
# The answer to the end of the message does not come: it is under way when its
# relay stands still.
start_provider provider --hang end:1
submit frozen
marked() {
	[ "$(sql "SELECT position('offer ' in encode(journal, 'escape')) > 0
	    FROM relais_message")" = t ]
}
check "a mail is under way" until_true 10 marked
pid=$(worker home)
keeper=$(cat "$T/home.pid")
kill -STOP "$keeper" "$pid"
relay second 2526
taken() { grep -q "frozen" "$T/provider.log" && waiting 0; }
check "its relay stands still, and another one takes it over" \
    until_true 30 waiting 0
check "which sends it a second time, as its answer is not known" \
    until_true 30 copies_are frozen 2
kill -CONT "$keeper" "$pid"
says home "taken? .*over|starts again" "the first one learns that it has lost it"
check "and begins anew" until_true 15 grep -q "shared.*" "$T/home.log"
sleep 3
check "there is no further copy" [ "$(copies frozen)" -le 2 ]
check "and it takes mail again" until_true 15 submit again
check "which arrives" until_true 30 copies_are again 1

check "relais log tells what this relay has sent" \
    relais_ends 0 "again\|sent\|delivered" log
# --- one that was away for long -----------------------------------------------------

# An hour later even its row is gone.
sql "DELETE FROM relais_node WHERE NOT is_dead"
submit forgotten
all_have_owners() {
	[ "$(sql "SELECT count(*) FROM relais_message WHERE owner NOT IN
	    (SELECT id FROM relais_node)")" = 0 ]
}
check "a relay that nobody knows any more makes no message that nobody has" \
    until_true 10 all_have_owners
check "it enters again, and takes mail" until_true 15 submit remembered
check "which arrives" until_true 30 copies_are remembered 1

# --- over TLS, with a name ----------------------------------------------------------

stop home
stop second
pg_stop
make_cert mail mail.example.test
cp "$T/pki/mail.pem" "$T/pki/mail.key" "$T/pg/"
chown 61099 "$T/pg/mail.pem" "$T/pg/mail.key"
chmod 600 "$T/pg/mail.key"
printf '%s\n' "ssl = on" "ssl_cert_file = 'mail.pem'" \
    "ssl_key_file = 'mail.key'" >>"$T/pg/postgresql.conf"
printf '%s\n' "local all all trust" \
    "hostssl all all 127.0.0.1/32 scram-sha-256" >"$T/pg/pg_hba.conf"
pg_start
echo 'mail.example.test:5432:relais:relais:elephant' >"$T/pgpass"
PG_URL="postgres://relais@mail.example.test/relais?passfile=$T/pgpass"
PG_URL="$PG_URL&sslmode=verify-full&sslrootcert=$T/pki/ca.pem"
relay home 2525
check "over TLS, with the name verified, mail is accepted" submit tls
check "and sent" until_true 15 copies_are tls 1
pg_stop
pg_start
accepts_tls() { submit later; }
check "a new connection is made within the sandbox" until_true 15 accepts_tls
is_encrypted() { [ "$(sql "SELECT count(*) FROM pg_stat_ssl WHERE ssl")" != 0 ]; }
check "which is encrypted" until_true 15 is_encrypted
sandbox_done
