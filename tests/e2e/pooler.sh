#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The shared queue through PgBouncer, in either of its modes.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
[ -x /usr/sbin/pgbouncer ] || set -- "?pgbouncer"
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit
[ -x /usr/sbin/pgbouncer ] || skip_all "PgBouncer is not installed"

pooler() { # MODE
	mkdir -p "$T/pooler"
	chown 61099 "$T/pooler"
	echo '"relais" "elephant"' >"$T/pooler/users"
	cat >"$T/pooler/ini" <<-END
	[databases]
	relais = host=127.0.0.1 port=5432
	[pgbouncer]
	listen_addr = 127.0.0.1
	listen_port = 6432
	unix_socket_dir =
	auth_type = scram-sha-256
	auth_file = $T/pooler/users
	pool_mode = $1
	default_pool_size = 30
	END
	start pooler setpriv --reuid 61099 --regid 61099 --clear-groups \
	    /usr/sbin/pgbouncer "$T/pooler/ini"
	wait_port pooler 127.0.0.1 6432
}
PG_URL=${PG_URL/5432/6432}
alive() {
	[ "$(sql "SELECT count(*) FROM relais_node WHERE NOT is_dead
	    AND seen > now() - interval '3 s' AND pid = 0")" = 3 ]
}

# The pooler makes its connections one after the other; a relay that gets none in
# time ends, and is started again as a service manager does it.
is_back() {
	is_up relay0 || run_relaisd relay0
	[ "$(sql "SELECT count(*) > 0 FROM relais_node
	    WHERE id > $nodes AND name = 'relay0' AND NOT is_dead")" = t ]
}
start_provider provider
for mode in session transaction; do
	pooler $mode
	if [ $mode = session ]; then relays; else for i in 0 1 2; do relay $i; done; fi
	check "$mode: the relays know that they speak to a pooler" until_true 10 alive
	sleep 12 # from now on they may declare each other dead
	nodes=$(sql "SELECT max(id) FROM relais_node")
	load
	sleep 4
	stop relay0 KILL
	sleep 1
	stop pooler KILL
	pooler $mode
	sleep 4
	check "$mode: the one that died comes back" until_true 10 is_back
	over "$mode"
	check "$mode: no other relay was taken for dead" [ "$(sql "SELECT count(*)
	    FROM relais_node WHERE id > $nodes AND name <> 'relay0'")" = 0 ]
	for i in 0 1 2; do stop relay$i; done
	stop pooler
done
sandbox_done
