#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Thousands of messages from 8 clients while relaisd is killed with SIGKILL at
# random moments: whatever heard 250 is at the provider in the end, whole;
# nothing that was logged as sent goes out again; what is there twice was under
# way at one of the kills, as the journals show.  Then the same on a disk that
# takes 100 ms to remove a file, where what was sent long ago still has one.
#	SEED=N KILLS=100 MESSAGES=2000 tests/fault/kill.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
: "${KILLS:=100}" "${MESSAGES:=2000}" "${SECONDS_MAX:=200}" "${SEED:=$RANDOM}"
RANDOM=$SEED
note "seed $SEED"
diskfault=$top_builddir/tests/lib/diskfault.so
# So many finished messages may have a file (QUEUE_REMOVALS_MAX), and what is
# under way.
backlog_max=2100

conf() {
	echo 'verdict_timeout = 3s'
	account mail mail.example.test 587 starttls
	cat <<-EOC
	[listen bulk]
	address = 127.0.0.1:2526
	mode = safe
	EOC
}
# In place of sandbox.sh's: with the disk as $T/diskfault has it.
run_relaisd() {
	[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
	[ -f "$diskfault" ] || skip_all "diskfault.so is not built"
	start "$1" env "LD_PRELOAD=$diskfault" "DISKFAULT=$T/diskfault" \
	    ASAN_OPTIONS=verify_asan_link_order=0 \
	    "$top_builddir/relaisd" -f -c "$T/$1/relais.conf"
}
# Deliveries whose last byte may have gone, and whose answer nobody has heard:
# the journal ends in the note of that.  Each is noted once, however many kills
# it takes until that message is tried again.
note_in_flight() {
	find "$T/home/spool/queue" -type f -exec tail -vn 1 {} + 2>/dev/null |
	    awk '/^==> / { f = $2; files++ }
		/ offer [0-9]+ .* [0-9]+$/ { print f, $0 >>ENVIRON["IN_FLIGHT"] }
		/ done [0-9]+$/ { done++ }
		END { print done + 0, files + 0 >>ENVIRON["FILES"] }'
}
export IN_FLIGHT FILES
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
# Messages that the log speaks of as sent, and then says anything of again.
sent_again() {
	awk '{ id = ""; for (i = 1; i <= NF; i++) if ($i ~ /^id=/) id = $i }
	    id == "" { next }
	    $2 ~ /^(sent|deferred|uncertain|failed)$/ && (id in sent) { n++ }
	    $2 == "sent" { sent[id] = 1 }
	    END { print n + 0 }' "$T/home.log"
}

# attack WHAT DISK: everything once, on such a disk.
attack() {
	local what=$1
	IN_FLIGHT=$T/in-flight FILES=$T/files
	rm -rf "$T/home/spool" "$T/acked" "$T"/provider/*.eml
	: >"$IN_FLIGHT"; : >"$FILES"; : >"$T/home.log"
	disk_fault "$2"
	start_relaisd home < <(conf)
	load --ports 2525,2526 --clients 8 --seconds 600
	kill_again_and_again
	kill "$load_pid"
	wait "$load_pid"
	disk_fault -1
	wait_port home 127.0.0.1 2525
	relais flush >/dev/null 2>&1
	until_true 60 drained || {
		fail "$what: the queue is not empty a minute after the last kill"
		show_log home
	}
	until_true 10 eval '[ "$(spool_files queue)" = 0 ]'
	no_crash home
	tally provider
	# A slow machine does not come so far, but what it does must tell something.
	if [ "$heard" -lt $((MESSAGES / 10)) ] || [ "$kills" -lt $((KILLS / 5)) ]
	then
		fail "$what: only $heard messages and $kills kills in" \
		    "$SECONDS_MAX s"
	elif [ "$lost" = 0 ] && [ "$torn" = 0 ]; then
		pass "$what: $kills kills, $heard messages heard 250, lost 0," \
		    "torn 0"
	else
		fail "$what: $kills kills, $heard heard 250, lost $lost," \
		    "torn $torn"
		sed 's/^/     | /' "$T/tally.log"
	fi
	again=$(sent_again)
	logged=$(awk '$2 == "sent"' "$T/home.log" | wc -l)
	if [ "$again" = 0 ] && [ "$logged" -gt 0 ]; then
		pass "$what: of $logged messages logged as sent none was sent again"
	else
		fail "$what: of $logged messages logged as sent $again were" \
		    "sent again"
	fi
	doubts=$(sort -u "$IN_FLIGHT" | wc -l)
	if [ "$twice" -le "$doubts" ]; then
		pass "$what: duplicates $twice of $stored messages, deliveries" \
		    "in flight at the kills $doubts; at most $most of one message"
	else
		fail "$what: duplicates $twice, deliveries in flight at the" \
		    "kills $doubts"
	fi
	backlog=$(sort -n "$FILES" | tail -n 1 | cut -d ' ' -f 1)
	if [ "$backlog" -le $backlog_max ]; then
		pass "$what: at most $backlog finished messages still had a file"
	else
		fail "$what: $backlog finished messages still had a file"
	fi
	if [ "$(spool_files queue)" = 0 ] && [ "$(spool_files corrupt)" = 0 ]; then
		pass "$what: nothing is left in the spool, nothing is called corrupt"
	else
		fail "$what: $(spool_files queue) files are left in queue/," \
		    "$(spool_files corrupt) in corrupt/"
	fi
	stop home
}

start_provider provider --delay-ms 2
attack "kill -9" -1
# So many wait to be removed that they would be thousands without a bound.
KILLS=$((KILLS / 4)) attack "kill -9 beside a slow disk" u1
if [ "$backlog" -gt 0 ]; then
	pass "the slow disk has kept files of finished messages"
else
	fail "the slow disk has kept no file of a finished message: proves nothing"
fi
sandbox_done
