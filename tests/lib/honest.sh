# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# honest.sh - what an honest user notices while others do what they like.  Sourced
# after sandbox.sh; the daemon is "home", and $MOST_MS is what mail may wait.

# py USER VERB...: tests/fault/neighbour.py
py() { python3 "$srcdir/tests/fault/neighbour.py" "$@"; }
cpu_ms() { # of relaisd so far
	awk -v hz="$(getconf CLK_TCK)" '{ printf "%d", ($14 + $15) * 1000 / hz }' \
	    "/proc/$(worker home)/stat"
}
log_size() { stat -c %s "$T/home.log"; }
# against WHAT SECONDS COMMAND...: honest mail of bob while COMMAND runs, and for
# SECONDS behind it; what COMMAND says is in $T/attack.
against() {
	local what=$1 seconds=$2 cpu log honest longest n bad
	shift 2
	rm -f "$T/over"
	cpu=$(cpu_ms) log=$(log_size)
	py bob honest 100 "$T/over" >"$T/honest" &
	honest=$!
	sleep 0.3
	"$@" >"$T/attack" 2>&1
	sleep "$seconds"
	touch "$T/over"
	wait $honest
	read -r longest n bad <"$T/honest"
	note "$what: $(tail -n 3 "$T/attack" | tr '\n' ' ')"
	note "  honest mail: $n, longest ${longest} ms;" \
	    "CPU $(($(cpu_ms) - cpu)) ms, log $((($(log_size) - log) / 1024)) KiB"
	check "$what: honest mail waits ${longest} ms at most" \
	    [ "${longest:-99999}" -lt "$MOST_MS" ]
	check "  and all of it is taken" [ "${bad:-1}" = 0 ]
}
