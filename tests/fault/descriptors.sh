#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# More clients than descriptors: accepting pauses without spinning, deliveries,
# the disk and relais go on with what is kept for them, and whoever waited is
# served when others leave (R52).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq prlimit
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${DESCRIPTORS:=64}"

conf() {
	echo 'max_sessions = 1000'
	account mail mail.example.test 587 starttls
	printf '[listen bulk]\naddress = 127.0.0.1:2526\nmode = safe\n'
}
run_relaisd() {
	start "$1" prlimit "--nofile=$DESCRIPTORS:$DESCRIPTORS" \
	    "$top_builddir/relaisd" -f -c "$T/$1/relais.conf"
}
pid() { worker home; }
fds() { find "/proc/$(pid)/fd" -type l | wc -l; }
ticks() { awk '{ print $14 + $15 }' "/proc/$(pid)/stat"; }

sandbox_secrets
start_relaisd home < <(conf)
# Waits for the provider: some of it large, so that its file has to be opened.
load --ports 2526 --count 60
wait "$load_pid"

# Connects so many, says nothing, and tells how many are greeted: now, and after
# those who were have left.
cat >"$T/crowd.py" <<'EOF'
import select, socket, sys, time
socks = []
for _ in range(300):
    s = socket.create_connection(("127.0.0.1", 2525))
    socks.append(s)
def greeted(socks, seconds):
    end, got = time.monotonic() + seconds, set()
    while time.monotonic() < end and len(got) < len(socks):
        for s in select.select([s for s in socks if s not in got], [], [], 0.2)[0]:
            if s.recv(4096).startswith(b"220"):
                got.add(s)
    return got
first = greeted(socks, 3)
print("greeted", len(first), flush=True)
sys.stdin.readline()
waiting = [s for s in socks if s not in first]
left = first
served = 0
end = time.monotonic() + 300
while waiting and time.monotonic() < end:
    for s in left:
        s.close()
    left = greeted(waiting, 1)
    served += len(left)
    waiting = [s for s in waiting if s not in left]
print("served", served, "of", 300 - len(first), flush=True)
EOF
mkfifo "$T/go"
python3 "$T/crowd.py" <"$T/go" >"$T/crowd" 2>&1 &
crowd=$!
exec 8>"$T/go"
until_true 20 grep -qs greeted "$T/crowd"
note "of 300 connections $(cat "$T/crowd"), $(fds) of $DESCRIPTORS descriptors used"
before=$(ticks)
sleep 2
spent=$(($(ticks) - before))
check "more clients than descriptors: $spent clock ticks are spent in two seconds" \
    [ $spent -le 20 ]
start_provider provider
check "relais gets through" relais flush
check "deliveries go on" until_true 30 drained
tally provider
check "all $heard messages that waited arrive: lost $lost, twice $twice, torn $torn" \
    [ "$lost:$twice:$torn" = 0:0:0 ]
check "no file could not be opened" \
    eval '! grep -q "Too many open files" "$T/home.log"'
echo >&8
exec 8>&-
wait $crowd
check "who waited is greeted when others leave: $(tail -n 1 "$T/crowd")" \
    eval 'set -- $(tail -n 1 "$T/crowd"); [ "$1:$2" = "served:$4" ]'
submit "after the crowd"
check "mail goes through as before" until_true 10 has_mail provider "after the crowd"
[ "$sandbox_bad" = 0 ] || show_log home
no_crash home
sandbox_done
