#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# memory.sh - what relaisd costs in memory, in the states that matter.
#
# PSS of the daemon: idle with one account, after 50 mails (couriers alive,
# then gone), with 200 and 1,000 idle clients.  Prints a table; never a pass or
# a fail.
. "${srcdir:-.}/tests/lib/bed.sh"
bed_enter

pss_kb() {
	awk '/^Pss:/ { print $2 }' "/proc/$(cat "$T/home.pid")/smaps_rollup"
}
row() { printf '%-44s %8s KiB\n' "$1" "$(pss_kb)"; }

# clients N: connects N times, reads each greeting, and waits.
clients() {
	python3 - "$1" <<-'EOF' &
	import socket, sys, time
	held = []
	for _ in range(int(sys.argv[1])):
	    s = socket.create_connection(("127.0.0.1", 2525))
	    s.recv(512)
	    held.append(s)
	print("held", flush=True)
	time.sleep(4)
	EOF
	held=$!
	sleep 3
}

start_provider mail
start_relaisd home < <(
	echo "max_sessions = 2000"
	account mail mail.example.test 587 starttls
)
ulimit -n 8192
sleep 1
row "idle, one account"
for i in $(seq 50); do
	printf 'Subject: %s\n\nhello\n' "$i" |
	    curl -s --url smtp://127.0.0.1:2525 --mail-from a@example.test \
	    --mail-rcpt b@example.test -T - || fail "mail $i"
done
row "after 50 mails, courier alive"
sleep 25
row "after 50 mails, courier gone"
clients 200
row "200 idle clients"
wait "$held"
clients 1000
row "1,000 idle clients"
wait "$held"
sleep 1
row "clients gone"
bed_done
