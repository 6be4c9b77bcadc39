#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A relay that dies, or is cut off from the database: the others have its mail
# soon, and it offers none of that any more.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need nft jq
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit

# Relay 0 has an address of the database for itself.
relay() { # NUMBER
	local PG_URL=$PG_URL
	[ "$1" != 0 ] || PG_URL=${PG_URL/127.0.0.1/127.0.0.2}
	start_relay "$1"
}
cut() { # VERDICT
	nft -f - <<-END
	table inet cut {
		chain out {
			type filter hook output priority 0;
			ip daddr 127.0.0.2 tcp dport 5432 $1
			ip saddr 127.0.0.2 tcp sport 5432 $1
		}
	}
	END
}
heal() { nft delete table inet cut; }
now_ms() { date +%s%3N; }
node_0() {
	sql "SELECT max(id) FROM relais_node WHERE name = 'relay0'"
}
has_none() { [ "$(sql "SELECT count(*) FROM relais_message WHERE owner = $node")" = 0 ]; }
# Some mail that waits, and relay 0 has a part of it.
some_waits() {
	load
	sleep 2
	load_ends
	node=$(node_0)
	[ -n "$node" ] || { fail "relay 0 is not among the nodes"; exit 1; }
	note "relay 0 has $(sql "SELECT count(*) FROM relais_message
	    WHERE owner = $node") of $(sql "SELECT count(*) FROM relais_message")"
	! has_none || fail "relay 0 has no mail"
}
taken_over() { # WHAT
	local begin
	begin=$(now_ms)
	check "$1: the others take its mail over" until_true 30 has_none
	note "after $(($(now_ms) - begin)) ms"
}
# Buried because it has no session any more; without that it would have to be
# silent for ten seconds.
was_buried_early() {
	[ "$(sql "SELECT now() - seen < interval '9 s' FROM relais_node
	    WHERE id = $node AND is_dead")" = t ]
}
anew() { [ "$(node_0)" -gt "$node" ]; }

relays
# A busy machine may be late; one time of three is enough, for without looking at
# sessions it is never that early.
is_early=no
for i in 1 2 3; do
	sleep 11 # those who declare one dead have been heard for ten seconds
	some_waits
	stop relay0 KILL
	! until_true 1 was_buried_early || is_early=yes
	taken_over "kill -9"
	relay 0
	[ $is_early = no ] || break
done
check "kill -9: it is known to be dead within seconds" [ $is_early = yes ]

for how in "reject with tcp reset" drop; do
	some_waits
	cut "$how"
	taken_over "$how"
	heal
	check "$how: it comes back as a new one" until_true 30 anew
	PORT=2525
	check "$how: and accepts mail" until_true 30 submit back
done

# In the middle of deliveries.  What was in the provider's hands then, it may
# answer later, but not ten seconds.
start_provider provider --delay-ms 20
load
sleep 4
load_ends
cut drop
cut_ms=$(now_ms)
sleep 16
sent() { # AFTER MILLISECONDS
	jq "select(.event == \"message\" and .helo == \"relay0.example.test\"
	    and .at_us > $1 * 1000) | .number" "$T/provider.log" | wc -l
}
check "in the middle of deliveries: it sends nothing of them ten seconds later" \
    [ "$(sent $((cut_ms + 10000)))" = 0 ]
note "it sent $(sent $((cut_ms - 100000))), after the cut $(sent "$cut_ms")"
heal
all_arrive "in the middle of deliveries"
sandbox_done
