#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# PostgreSQL as a store, and the tests of the queue once more with it; these run on
# the disk and in memory as unit tests.  test_fault_queue and test_crash_queue count
# calls of the disk, of which there are none here: failover.sh and shared.sh have
# the same promise.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool psql setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter
relaisd_conf home < <(conf)
"$top_builddir/relais" -c "$T/home/relais.conf" store init >/dev/null || {
	fail "relais store init"
	exit 1
}
# The superuser, who may change settings.
export TEST_STORE="postgres://postgres@/relais?host=$T/pgsocket"

count() { # WORD
	awk -v w="$1" '$2 == w && $4 ~ /^[0-9]+$/ { n += $4 } END { print n + 0 }' \
	    "$T/test.log"
}
for name in unit/test_queue unit/test_queue_fold unit/test_queue_history \
    unit/test_queue_remove unit/test_queue_user unit/test_delivery \
    fault/test_threads_queue fault/test_shared_store; do
	program=$top_builddir/tests/$name
	[ -x "$program" ] || {
		skip "$name: it is not built (cmocka)"
		continue
	}
	timeout 300 "$program" >"$T/test.log" 2>&1
	status=$?
	check "$name: $(count PASSED) tests, $(count SKIPPED) about the disk" \
	    [ $status = 0 ]
	[ $status = 0 ] || grep -E '^\[  (FAILED|ERROR| LINE)|^failed' "$T/test.log" |
	    head -n 40 | sed 's/^/     | /'
done
sandbox_done
