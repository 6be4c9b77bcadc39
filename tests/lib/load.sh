# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# load.sh - sandbox.sh for the tests of the promise: a load of numbered messages
# (tests/lib/load.py), and the account of them.  Sourced after sandbox.sh.

# load OPTION...: in the background, its pid in $load_pid.
load() {
	python3 "$srcdir/tests/lib/load.py" send --acked "$T/acked" "$@" \
	    >>"$T/load.log" 2>&1 </dev/null &
	load_pid=$!
}
heard() { wc -l <"$T/acked" 2>/dev/null || echo 0; }
# Sets heard, lost, stored, twice, most, torn from what the providers NAME...
# have.
tally() {
	local names=() name
	for name; do names+=("$T/$name"); done
	eval "$(python3 "$srcdir/tests/lib/load.py" tally "$T/acked" \
	    "${names[@]}" 2>"$T/tally.log")"
}
# Nothing waits any more, and nothing is under way.
drained() { [ "$(relais --json queue 2>/dev/null | jq length)" = 0 ]; }
# disk_fault KIND: what goes wrong on the disk from now on (tests/lib/diskfault.c).
# Written in place: relaisd has the file mapped, and one that were empty for a
# moment would kill it.
disk_fault() { printf %s "$1" 1<>"$T/diskfault"; }
# Files below a folder of the spool.
spool_files() { find "$T/${RELAIS:-home}/spool/$1" -type f 2>/dev/null | wc -l; }
# Did sanitizers or an assertion say something in the log?
has_crashed() {
	grep -qE 'Sanitizer|runtime error|Assertion|stack smashing' "$T/$1.log"
}
no_crash() {
	if has_crashed "$1"; then
		fail "$1 crashed"
		grep -E -A 30 'Sanitizer|runtime error|Assertion' "$T/$1.log" |
		    head -60 | sed 's/^/     | /'
	fi
}
# Milliseconds of a clock that only goes on.
now_ms() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }
