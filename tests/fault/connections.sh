#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# 100,000 connections opened and dropped at random bytes: no descriptor, memory
# or process stays behind, and no processor time is spent on them afterwards
# (R50, R51).
#	SEED=N CONNECTIONS=20000 tests/fault/connections.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq curl
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${CONNECTIONS:=100000}"

pid() { worker home; }
fds() { find "/proc/$(pid)/fd" -mindepth 1 | wc -l; }
# Its own memory.  Pages of libraries are shared, and who else has them mapped
# is the machine's business.
own() { awk '/^Anonymous:/ { print $2 }' "/proc/$(pid)/smaps_rollup"; }
children() { pgrep -c -P "$(cat "$T/home.pid")"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$(pid)/stat"; }
connections() {
	python3 "$srcdir/tests/fault/connections.py" "$1" 40 \
	    "$T/home/smtp.sock" 2525
}
sessions() { relais --json status | jq .sessions; }
# The spool keeps two of its folders open, and those change with the time.
spare=2
quiet() { [ "$(sessions)" = 0 ] && [ "$(fds)" -le "$1" ]; }

start_provider provider
start_relaisd home < <(account mail mail.example.test 587 starttls)
submit before
until_true 10 has_mail provider before || fail "a mail before"
until_true 40 eval '[ "$(relais --json status |
    jq ".accounts[0].connections")" = 0 ]'
fds_before=$(fds)
# What it needs once for all: buffers, and the heap as it settles.
connections $((CONNECTIONS / 5)) >/dev/null 2>&1
until_true 20 quiet $((fds_before + spare))
own_before=$(own)
began=$(now_ms)
made=$(connections "$CONNECTIONS" 2>"$T/seed")
note "$(cat "$T/seed")"
took=$(($(now_ms) - began))
until_true 20 quiet $((fds_before + spare))
fds_after=$(fds) own_after=$(own)
if [ "$made" -lt $((CONNECTIONS / 2)) ]; then
	fail "only $made of $CONNECTIONS connections were made"
elif [ "$fds_after" -le $((fds_before + spare)) ] &&
    [ $((own_after - own_before)) -lt 400 ] && [ "$(children)" = 1 ]; then
	pass "$made connections dropped at random in $((took / 1000)) s:" \
	    "descriptors $fds_before, then $fds_after; memory $own_before KiB," \
	    "then $own_after KiB; child processes 0"
else
	fail "after $made connections: descriptors $fds_before, then" \
	    "$fds_after; memory $own_before KiB, then $own_after KiB;" \
	    "$(children) processes, $(sessions) sessions"
fi
before=$(ticks)
sleep 2
spent=$(($(ticks) - before))
check "and $spent clock ticks are spent in the two seconds afterwards" \
    [ $spent -le 10 ]
check "no message came of them, no file is left" \
    [ "$(spool_files queue):$(find "$T/provider" -name '*.eml' | wc -l)" = 0:1 ]
submit after
check "mail goes through as before" until_true 10 has_mail provider after
no_crash home
sandbox_done
