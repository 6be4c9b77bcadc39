#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Providers that say nothing any more, at every step: each is left when its
# deadline has passed, the message stays, and the next try gets through (R48,
# R49).  The hour that takes is over in seconds (tests/lib/timeshift.c).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/timeshift.sh"
need python3 certtool jq
sandbox_enter
export RETRY_AFTER=60s
stages=(greeting ehlo starttls auth mail rcpt data body end)
sandbox_secrets

conf() {
	local i
	for i in "${!stages[@]}"; do
		account "${stages[i]}" mail.example.test $((3000 + 2 * i)) starttls
		echo "senders = ${stages[i]}@example.test"
		echo "max_connections = 1"
	done
	printf '[listen queue]\naddress = 127.0.0.1:2526\nmode = queue\n'
}
# Hangs once at each stage.  Only a server without CHUNKING has a DATA.
for i in "${!stages[@]}"; do
	hide=()
	[ "${stages[i]}" != data ] || hide=(--hide chunking)
	start_provider "${stages[i]}" --port $((3000 + 2 * i)) \
	    --implicit-port $((3001 + 2 * i)) --hang "${stages[i]}:1" "${hide[@]}"
done
start_relaisd home < <(conf)
for s in "${stages[@]}"; do
	printf 'Subject: to %s\r\n\r\ntext\r\n' "$s" |
	    curl -s --mail-from "$s@example.test" --mail-rcpt to@example.org \
		--upload-file - smtp://127.0.0.1:2526
done
check "${#stages[@]} messages are queued" [ "$(queue_len)" = ${#stages[@]} ]
relais flush >/dev/null
connected() {
	relais --json status | jq "[.accounts[] | select(.connections > 0)] | length"
}
until_true 10 eval '[ "$(connected)" = ${#stages[@]} ]'
sleep 1
check "all $(connected) connections hang, none is given up yet" \
    [ "$(connected):$(grep -c ' sent ' "$T/home.log")" = ${#stages[@]}:0 ]
# The longest deadline is that for the answer to the end, ten minutes; the way
# there is crossed quickly, for no real time may be mistaken for silence.
shift_time set talking_ms=500 idle_ms=5000
until_true 60 drained
shift_time set talking_ms=0 idle_ms=0
passed_min=$(($(shift_time get skipped_ms) / 60000))
all=0
for s in "${stages[@]}"; do
	# Up to the login 30 s are enough when mail waits; at the end nobody
	# knows what has become of the message.
	why=$(grep -m 1 -oE " ((paused|deferred|uncertain) .*account=$s |account $s: ).*" \
	    "$T/home.log" |
	    grep -oE "(did not|sent no|no answer|answer to it|not known|been silent)[^\";]*" |
	    head -n 1)
	n=$(find "$T/$s" -name '*.eml' | wc -l)
	# After the last byte nobody knows: once more is right there.
	if has_mail "$s" "to $s" && [ -n "$why" ] &&
	    { [ "$n" = 1 ] || [ "$s:$n" = end:2 ]; }; then
		all=$((all + 1))
		note "$s: $why"
	else
		fail "hung at $s: $n arrived; $why"
		grep "account=$s " "$T/home.log" | head -n 4 | sed 's/^/     | /'
	fi
done
failed=$(grep -c ' failed ' "$T/home.log")
check "a provider that hangs is left at its deadline at $all of ${#stages[@]} steps, and all is sent within $passed_min minutes; failed $failed" \
    [ "$all:$failed" = "${#stages[@]}:0" ]
no_crash home
sandbox_done
