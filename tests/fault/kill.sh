#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# At least 2,000 messages from 8 clients while relaisd is killed with SIGKILL at
# 100 random moments: whatever heard 250 is at the provider in the end, whole;
# what is there twice was under way at one of the kills, as the journals show.
#	SEED=N KILLS=100 MESSAGES=2000 tests/fault/kill.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/bed.sh"
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
bed_enter
: "${KILLS:=100}" "${MESSAGES:=2000}" "${SECONDS_MAX:=150}" "${SEED:=$RANDOM}"
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
# Deliveries whose last byte may have gone, and whose answer nobody has heard:
# the journal ends in the note of that.  Each is noted once, however many kills
# it takes until that message is tried again.
note_in_flight() {
	find "$T/home/spool/queue" -type f -exec tail -vn 1 {} + 2>/dev/null |
	    awk '/^==> / { f = $2 } / offer [0-9]+ .* [0-9]+$/ { print f, $0 }' \
		>>"$T/in-flight"
}
# At random moments between the first sign of life and half a second later.
kill_again_and_again() {
	local until=$(($(now_ms) + SECONDS_MAX * 1000))
	kills=0
	while [ "$(now_ms)" -lt $until ] &&
	    { [ $kills -lt "$KILLS" ] || [ "$(heard)" -lt "$MESSAGES" ]; }; do
		sleep "0.$(printf '%03d' $((RANDOM % 600)))"
		stop home KILL
		kills=$((kills + 1))
		note_in_flight
		run_relaisd home
	done
}

start_provider provider --delay-ms 2
start_relaisd home < <(conf)
load --ports 2525,2526 --clients 8 --seconds 600
kill_again_and_again
kill "$load_pid"
wait "$load_pid"
wait_port home 127.0.0.1 2525
relais flush >/dev/null 2>&1
until_true 60 drained || {
	fail "the queue is not empty a minute after the last kill"
	show_log home
}
no_crash home
tally provider
if [ "$heard" -lt "$MESSAGES" ] || [ "$kills" -lt "$KILLS" ]; then
	fail "only $heard messages and $kills kills in $SECONDS_MAX s"
elif [ "$lost" = 0 ] && [ "$torn" = 0 ]; then
	pass "kill -9: $kills kills, $heard messages heard 250, lost 0, torn 0"
else
	fail "kill -9: $kills kills, $heard heard 250, lost $lost, torn $torn"
	sed 's/^/     | /' "$T/tally.log"
fi
doubts=$(sort -u "$T/in-flight" | wc -l)
if [ "$twice" -le "$doubts" ]; then
	pass "kill -9: duplicates $twice of $stored messages, deliveries in flight" \
	    "at the kills $doubts; at most $most of one message"
else
	fail "kill -9: duplicates $twice, deliveries in flight at the kills $doubts"
fi
if [ "$(spool_files queue)" = 0 ] && [ "$(spool_files corrupt)" = 0 ]; then
	pass "kill -9: nothing is left in the spool, nothing is called corrupt"
else
	fail "kill -9: $(spool_files queue) files are left in queue/," \
	    "$(spool_files corrupt) in corrupt/"
fi
bed_done
