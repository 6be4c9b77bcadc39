#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# keeper.sh - relaisd's two processes: the worker is killed again and again under
# load, then the keeper; nothing is lost, and while there is a keeper nobody is
# refused.  A keeper that dies takes along a worker that has only begun, and one
# that waits for its answer.  No secret stays in the memory of either.
#	SEED=N KILLS=40 KEEPER_KILLS=10 tests/fault/keeper.sh
# shellcheck disable=SC2016,SC2034,SC2154,SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
: "${KILLS:=40}" "${KEEPER_KILLS:=$((KILLS / 4))}" "${SEED:=$RANDOM}"
RANDOM=$SEED
note "seed $SEED"

conf() {
	echo 'verdict_timeout = 3s'
	account mail mail.example.test 587 starttls
	cat <<-EOC
	[listen bulk]
	address = 127.0.0.1:2526
	mode = safe
	EOC
}
start_provider provider --delay-ms 2
start_relaisd home < <(conf)
keeper=$(cat "$T/home.pid")

# --- two processes --------------------------------------------------------------

check "status names the keeper" test "$(relais --json status | jq .pid)" = "$keeper"
check "the worker is another process" test "$(worker home)" != "$keeper"
check "one mail goes out" submit first
until_true 10 has_mail provider first

# --- secrets ---------------------------------------------------------------------

# Whole memory of a process; root may read it although it is not dumpable.
memory_has() { # PID TEXT
	python3 - "$1" "$2" <<-'EOP'
	import re, sys
	want = sys.argv[2].encode()
	found = False
	with open("/proc/%s/maps" % sys.argv[1]) as maps:
	    areas = [re.match(r"(\w+)-(\w+) (r)", l) for l in maps]
	with open("/proc/%s/mem" % sys.argv[1], "rb", 0) as mem:
	    for a in filter(None, areas):
	        try:
	            mem.seek(int(a[1], 16))
	            found = found or want in mem.read(int(a[2], 16) - int(a[1], 16))
	        except (OSError, OverflowError, ValueError):
	            pass
	sys.exit(0 if found else 1)
	EOP
}
check "the memory can be searched" memory_has "$(worker home)" "$USER_NAME"
check "after a login the worker's memory has no password" eval \
    '! memory_has "$(worker home)" "$PASSWORD"'
check "nor has the keeper's" eval '! memory_has "$keeper" "$PASSWORD"'

# --- the worker dies -------------------------------------------------------------

load --ports 2525,2526 --clients 8 --seconds 600
python3 - >"$T/refused" <<'EOP' &
import socket, time
refused = n = worst = 0
while True:
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", 2525), 20) as s:
            s.settimeout(60)
            # A worker that is killed takes along whom it has greeted, or not yet.
            s.recv(100)
        n += 1
    except ConnectionResetError:
        n += 1
    except OSError:
        refused += 1
    worst = max(worst, time.monotonic() - began)
    print(n, refused, int(1000 * worst), flush=True)
    time.sleep(0.05)
EOP
knock=$!
is_new() { [ "$(worker home)" != "$was" ] && relais status >/dev/null 2>&1; }
for ((i = 1; i <= KILLS; i++)); do
	sleep "0.$(printf '%03d' $((RANDOM % 400)))"
	was=$(worker home)
	kill -KILL "$was"
	until_true 5 is_new || {
		fail "kill $i: no new worker"
		break
	}
done
check "the keeper outlives $KILLS workers" is_up home
kill "$knock"
wait "$knock" 2>/dev/null
read -r knocks refusals worst < <(tail -n 1 "$T/refused")
check "of $knocks that knocked nobody was refused" test "$refusals" = 0
check "  or waited for a greeting longer than $worst ms" \
    test "$worst" -lt $((1000 * SANDBOX_PATIENCE))
n=$(heard)
check "the last worker works" until_true 10 eval '[ "$(heard)" -gt $((n + 20)) ]'
kill "$load_pid"
wait "$load_pid"
relais flush >/dev/null 2>&1
check "everything goes out" until_true 60 drained
tally provider
check "of $heard messages that heard 250 none is lost or torn" \
    test "$heard" -gt 100 -a "$lost$torn" = 00

# --- the keeper dies --------------------------------------------------------------

rm -f "$T"/provider/*.eml
: >"$T/acked"
load --ports 2525,2526 --clients 8 --seconds 600
for ((i = 1; i <= KEEPER_KILLS; i++)); do
	until_true 10 eval '[ "$(heard)" -gt $((i * 20)) ]'
	was=$(worker home)
	pid=$(cat "$T/home.pid")
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	run_relaisd home
	until_true 40 eval '! kill -0 $was 2>/dev/null' ||
		fail "kill $i: the worker outlives its keeper"
	wait_port home 127.0.0.1 2525
done
kill "$load_pid"
wait "$load_pid"
check "a worker says so and finishes" grep -q "the keeper, .* is gone" "$T/home.log"
relais flush >/dev/null 2>&1
check "everything goes out again" until_true 60 drained
tally provider
check "of $heard messages that heard 250 none is lost or torn" \
    test "$heard" -gt 100 -a "$lost$torn" = 00
no_crash home

# --- the keeper dies while its worker starts ---------------------------------------

# It has all sockets then, and has not said anything yet.
stop home
diskfault=$top_builddir/tests/lib/diskfault.so
if [ -f "$diskfault" ]; then
	disk_fault l2
	start home env "LD_PRELOAD=$diskfault" "DISKFAULT=$T/diskfault" \
	    ASAN_OPTIONS=verify_asan_link_order=0 \
	    "$top_builddir/relaisd" -f -c "$T/home/relais.conf"
	pid=$(cat "$T/home.pid")
	until_true 10 pgrep -P "$pid" >"$T/begun"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	run_relaisd home
	check "who starts relaisd again then finds nothing taken" eval \
	    'until_true 10 relais status >/dev/null 2>&1'
	check "  and nobody who waits for the disk" eval \
	    '! kill -0 "$(cat "$T/begun")" 2>/dev/null'
	stop home
else
	skip "diskfault.so is not built"
fi

# --- the keeper dies while its worker waits for it ----------------------------------

# An errand that takes long has the keeper's end of their line, too.
export RELAIS_CRED_HELPER=$top_builddir/relais-cred
start_relaisd home < <(
	echo "aliases = $T/aliases"
	account mail mail.example.test 587 starttls | sed '1a default = yes'
	account slow mail.example.test 465 implicit |
	    sed -e 's/^password_file.*/password_command = sleep 30/' \
		-e '$a senders = slow@example.test'
)
was=$(worker home)
pid=$(cat "$T/home.pid")
submit first
USER_NAME=slow@example.test submit slow &
clients=$!
check "an errand takes long" until_true 10 eval '[ "$(pgrep -cP "$pid")" = 2 ]'
kill -STOP "$pid"
echo "alice: to@example.org" >"$T/aliases"
USER_NAME=relay@example.test submit second &
clients="$clients $!"
sleep 1
check "the worker waits for the keeper" eval '! timeout 1 "$top_builddir/relais" \
    -c "$T/home/relais.conf" status >/dev/null 2>&1'
kill -KILL "$pid"
wait "$pid" 2>/dev/null
# Half a second, and on a busy machine less than the errand.
check "the keeper's end is its own" until_true 3 eval '! kill -0 "$was" 2>/dev/null'
# shellcheck disable=SC2086
wait $clients
relaisd_conf home < <(conf)

# --- one process ------------------------------------------------------------------

start home "$top_builddir/relaisd" --one-process -f -c "$T/home/relais.conf"
wait_port home 127.0.0.1 2525
check "with --one-process there is no worker" test "$(worker home)" = \
    "$(cat "$T/home.pid")"
check "and mail goes out" submit alone
check "  and arrives" until_true 10 has_mail provider alone
kill -HUP "$(cat "$T/home.pid")"
check "and it reloads" until_true 10 grep -q "configuration reloaded" "$T/home.log"
stop home
sandbox_done
