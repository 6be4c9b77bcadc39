# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A PostgreSQL server of the test's own, inside the sandbox (sandbox.sh), on
# 127.0.0.1:5432, as the user postgres of this namespace.

PG_URL="postgres://relais@127.0.0.1:5432/relais?passfile=$T/pgpass"

pg_need() {
	local dir
	for dir in /usr/lib/postgresql/*/bin; do PG_BIN=$dir; done
	[ -x "$PG_BIN/initdb" ] || skip_all "PostgreSQL is not installed"
	[ -e "$top_builddir/relais-postgres.so" ] ||
	    skip_all "relais-postgres.so is not built"
}
as_postgres() { setpriv --reuid 61099 --regid 61099 --clear-groups "$@"; }
psql_as() { # USER SQL
	as_postgres psql -h "$T/pgsocket" -U "$1" -d "${PG_DB:-relais}" -Atqc "$2"
}
sql() { psql_as postgres "$1"; }

# pg_init: a cluster with the user and the database "relais", not started.
pg_init() {
	sed -i /^postgres:/d /etc/passwd /etc/group
	echo "postgres:x:61099:61099::$T/pg:/bin/sh" >>/etc/passwd
	echo "postgres:x:61099:" >>/etc/group
	install -d -m 700 -o 61099 -g 61099 "$T/pg"
	chmod 711 "$T"
	mkdir -p "$T/pgsocket"
	chown 61099 "$T/pgsocket"
	as_postgres "$PG_BIN/initdb" -D "$T/pg" -U postgres --no-locale -E UTF8 \
	    -A trust >"$T/initdb.log" 2>&1 || {
		fail "initdb"
		cat "$T/initdb.log"
		exit 1
	}
	printf '%s\n' "local all all trust" \
	    "host all all 127.0.0.1/32 scram-sha-256" >"$T/pg/pg_hba.conf"
	cat >>"$T/pg/postgresql.conf" <<-END
	listen_addresses = '127.0.0.1'
	unix_socket_directories = '$T/pgsocket'
	max_connections = 60
	logging_collector = off
	END
	pg_start
	PG_DB=postgres sql "CREATE ROLE relais LOGIN PASSWORD 'elephant'"
	PG_DB=postgres sql "CREATE DATABASE relais OWNER relais"
	echo '127.0.0.1:5432:relais:relais:elephant' >"$T/pgpass"
	chown relais "$T/pgpass"
	chmod 600 "$T/pgpass"
}
pg_is_up() { PG_DB=postgres sql "SELECT 1" >/dev/null 2>&1; }
pg_start() {
	start postgres setpriv --reuid 61099 --regid 61099 --clear-groups \
	    "$PG_BIN/postgres" -D "$T/pg"
	until_true 10 pg_is_up || {
		fail "PostgreSQL does not start"
		show_log postgres
		exit 1
	}
}
# All of its processes at once, as a power cut has it.
pg_kill() { stop postgres KILL; }
pg_stop() { stop postgres INT; }

# The settings of a relay that shares the queue.
pg_conf() { printf '%s\n' "store = postgres" "store_url = $PG_URL"; }
