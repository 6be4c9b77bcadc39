# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A PostgreSQL server of the test's own, inside the sandbox (sandbox.sh), on
# 127.0.0.1:5432, as the user postgres of this namespace.
# shellcheck disable=SC2154 # sandbox.sh has set top_builddir

PG_URL="postgres://relais@127.0.0.1:5432/relais?passfile=$T/pgpass"

pg_find() { # where it is
	local dir
	for dir in /usr/lib/postgresql/*/bin; do PG_BIN=$dir; done
	[ -x "$PG_BIN/initdb" ]
}
pg_need() {
	pg_find || skip_all "PostgreSQL is not installed"
	[ -e "$top_builddir/relais-postgres.so" ] ||
	    skip_all "relais-postgres.so is not built"
}
# pg_enter PEER...: the sandbox, with a server and what relays need; sourced before.
pg_enter() {
	[ -d /usr/lib/postgresql ] || set -- "?postgresql" "$@"
	sandbox_enter "$@"
	[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
	pg_need
	pg_init
	sandbox_secrets
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
	printf '%s\n' "local all,replication all trust" \
	    "host all all 127.0.0.0/8 scram-sha-256" >"$T/pg/pg_hba.conf"
	cat >>"$T/pg/postgresql.conf" <<-END
	listen_addresses = '127.0.0.1, 127.0.0.2'
	unix_socket_directories = '$T/pgsocket'
	logging_collector = off
	END
	pg_start
	PG_DB=postgres sql "CREATE ROLE relais LOGIN PASSWORD 'elephant'"
	PG_DB=postgres sql "CREATE DATABASE relais OWNER relais"
	echo '*:*:relais:relais:elephant' >"$T/pgpass"
	chown relais "$T/pgpass"
	chmod 600 "$T/pgpass"
}
# A server is "postgres", in $T/pg on 5432, unless another is named: "standby", in
# $T/standby on 5433.
pg_port() { [ "${1:-postgres}" = postgres ] && echo 5432 || echo 5433; }
pg_is_up() { PGPORT=$(pg_port "$@") PG_DB=postgres sql "SELECT 1" >/dev/null 2>&1; }
pg_start() { # [NAME]
	local name=${1:-postgres} dir=$T/pg
	[ "$name" = postgres ] || dir=$T/$name
	start "$name" setpriv --reuid 61099 --regid 61099 --clear-groups \
	    "$PG_BIN/postgres" -D "$dir" -p "$(pg_port "$name")"
	until_true 10 pg_is_up "$name" || {
		fail "PostgreSQL does not start"
		show_log "$name"
		exit 1
	}
}
# All of its processes at once, as a power cut has it.
pg_kill() { stop "${1:-postgres}" KILL; }
pg_stop() { stop "${1:-postgres}" INT; }

# pg_standby: a synchronous one of "postgres", running.
pg_standby() {
	install -d -m 700 -o 61099 -g 61099 "$T/standby"
	as_postgres "$PG_BIN/pg_basebackup" -h "$T/pgsocket" -U postgres \
	    -D "$T/standby" -R -c fast >"$T/basebackup.log" 2>&1 || {
		fail "pg_basebackup"
		cat "$T/basebackup.log"
		exit 1
	}
	pg_start standby
	PG_DB=postgres sql "ALTER SYSTEM SET synchronous_standby_names = '*'"
	PG_DB=postgres sql "SELECT pg_reload_conf()" >/dev/null
	until_true 10 pg_is_synchronous ||
	    fail "the standby does not become a synchronous one"
}
pg_is_synchronous() {
	[ "$(sql "SELECT sync_state FROM pg_stat_replication")" = sync ]
}
pg_promote() { PGPORT=5433 PG_DB=postgres sql "SELECT pg_promote()" >/dev/null; }
# All processes of a server.
pg_signal() { # SIGNAL NAME
	local pid
	pid=$(cat "$T/$2.pid")
	# One word each.
	# shellcheck disable=SC2046
	kill -"$1" "$pid" $(pgrep -P "$pid")
}

# The settings of a relay that shares the queue; NODE is its name.
pg_conf() {
	printf '%s\n' "store = postgres" "store_url = $PG_URL" \
	    ${NODE:+"store_node = $NODE"}
}
# conf [LINE...]: those, further lines of [relais], and an account.
conf() {
	pg_conf
	printf '%s\n' "verdict_timeout = 0" "$@"
	account mail mail.example.test 587 starttls
}
# pg_relay NAME PORT [LINE...]
pg_relay() {
	NODE=$1
	PORT=$2 RETRY_AFTER=1h start_relaisd "$1" < <(conf "${@:3}")
}
