# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# bench.sh - what the measurements share; sourced after sandbox.sh.
#
# Spools lie on the machine's disk, because a sync of a tmpfs costs nothing:
# in BENCH_DISK, /var/tmp if unset.  Nothing is measured alone: what is to be
# compared runs in turns, ROUNDS times, so that what else the machine does
# falls on all alike; tables show the median of the rounds with the smallest
# and the largest value, and a ratio is the median of the ratios of each round.
#
# A measurement that fails says why in its table and in later rounds is left
# out; the rest goes on.

: "${ROUNDS:=3}"
: "${BENCH_PATIENCE:=60}"	# seconds for one measurement
BIN=$top_builddir/tests/bench
D=	# on the disk

bench_enter() {
	sandbox_enter "$@"
	D=$(mktemp -d "${BENCH_DISK:-/var/tmp}/relais-bench.XXXXXX")
	chmod 711 "$D"
	trap bench_leave EXIT
	ulimit -n "$(ulimit -Hn)"
	: >"$T/values"
}
bench_leave() {
	local name
	exec 2>/dev/null # bash tells of everyone who is killed
	for name in "$T"/*.pid; do
		[ ! -f "$name" ] || kill -KILL "$(cat "$name")"
	done
	umount "$T"/*/spool /var/spool/* 2>/dev/null
	rm -rf "$D"
	sandbox_leave
}

# --- values -------------------------------------------------------------------

# record NAME PEER ROUND NUMBER; a number that is not there is not recorded.
record() {
	[ -z "$4" ] || printf '%s %s %s %s\n' "$1" "$2" "$3" "$4" >>"$T/values"
}
declare -A why=() down=()	# [NAME PEER]: why there is no value
# lost NAME PEER REASON
lost() { why[$1 $2]=$3; }
is_lost() { [ -n "${why[$1 $2]:-}" ]; }

# of NAME PEER [FACTOR]: "median min max" of the rounds, or nothing.
of() {
	awk -v n="$1" -v p="$2" -v f="${3:-1}" \
	    '$1 == n && $2 == p { print $4 * f }' "$T/values" | sort -g |
	    awk '{ v[NR] = $1 } END { if (NR > 0)
		print v[int((NR + 1) / 2)], v[1], v[NR] }'
}
# ratio NAME PEER PEER2 [NAME2]: the same of PEER / PEER2 in each round.
ratio() {
	awk -v n="$1" -v a="$2" -v b="$3" -v m="${4:-$1}" '
		$1 == n && $2 == a { x[$3] = $4 }
		$1 == m && $2 == b { y[$3] = $4 }
		END { for (r in x) if (y[r] + 0 > 0) print x[r] / y[r] }' \
	    "$T/values" | sort -g |
	    awk '{ v[NR] = $1 } END { if (NR > 0)
		print v[int((NR + 1) / 2)], v[1], v[NR] }'
}
median() { of "$@" | cut -d' ' -f1; }

# --- tables -------------------------------------------------------------------

declare -A title=()	# [PEER]: as tables call it
declare -A label=([postfix]=Postfix)	# [PEER]: and heads of columns, if not so
heading() { printf '\n%s\n\n' "$*"; }
say_row() { printf '  %-28s %s\n' "$@"; }

# short NUMBER: with three significant digits.
short() {
	awk -v x="$1" 'BEGIN {
		if (x == "") { print "-"; exit }
		d = x >= 100 ? 0 : x >= 10 ? 1 : x >= 1 ? 2 : 3
		printf "%.*f\n", d, x }'
}
# columns WORD...: the head of a table whose values are the words' medians.
columns() {
	local c
	printf '  %-28s' ''
	for c; do printf ' %8s' "$c"; done
	echo
}
# A peer that nobody asked for.
is_absent() {
	[ -n "${speed[$1]:-}" ] && [[ " ${peers[*]} " != *" $1 "* ]]
}
# table NAME REFERENCE...: everyone who has or lost a value of NAME, in order
# of the titles, beside each reference.
table() {
	local name=$1 p r v lo hi refs=() heads=()
	shift
	for r; do
		is_absent "$r" && continue
		refs+=("$r")
		heads+=("x${label[$r]:- $r}")
	done
	columns median min max "${heads[@]}"
	for p in "${order[@]}"; do
		if is_lost "$name" "$p"; then
			printf '  %-28s %8s  %s\n' "${title[$p]}" - \
			    "${why[$name $p]}"
			continue
		fi
		read -r v lo hi < <(of "$name" "$p") || continue
		printf '  %-28s %8s %8s %8s' "${title[$p]}" "$(short "$v")" \
		    "$(short "$lo")" "$(short "$hi")"
		for r in "${refs[@]}"; do
			v=$(ratio "$name" "$p" "$r")
			printf ' %8s' "$(short "${v%% *}")"
		done
		echo
	done
}
# goal NAME PEER least|most FACTOR REFERENCE: whether the ratio is there.
goal() {
	local v
	is_absent "$5" && return
	v=$(ratio "$1" "$2" "$5")
	say_goal "${title[$2]}: at $3 $4 x ${title[$5]}" "$3" "$4" "${v%% *}"
}
# limit NAME PEER least|most NUMBER UNIT
limit() { say_goal "${title[$2]}: at $3 $4 $5" "$3" "$4" "$(median "$1" "$2")"; }
say_goal() { # TEXT least|most WANTED VALUE
	awk -v text="$1" -v how="$2" -v want="$3" -v is="$4" \
	    -v shown="$(short "$4")" 'BEGIN {
		if (is == "") said = "not measured"
		else if (how == "least" ? is >= want : is <= want)
			said = shown ", reached"
		else said = shown ", not reached"
		printf "  goal: %s: %s\n", text, said }'
}

# --- processes ----------------------------------------------------------------

# settle NAME COMMAND...: starts it, and keeps all that comes of it together.
settle() {
	local name=$1
	shift
	start "$name" "$BIN/reaper" "$@"
}
# All processes below PID.
below() {
	local pid
	for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$pid"
		below "$pid"
	done
}
members() { below "$(cat "$T/$1.pid")"; }

# Milliseconds of processor that NAME and its children have used so far, those
# that have ended included.
cpu_ms() {
	local pid
	for pid in "$(cat "$T/$1.pid")" $(members "$1"); do
		sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null
	done | awk -v hz="$(getconf CLK_TCK)" \
	    '{ t += $12 + $13 + $14 + $15 } END { printf "%d\n", t * 1000 / hz }'
}
# MB that the processes of NAME hold: what is private in full, and of each
# mapped file (libraries, the program) what one of them has mapped most, once.
# That is their PSS if nobody else on the machine used the same libraries;
# plain PSS would make relais small because the provider beside it is linked
# with the same ones.
memory_mb() {
	local pid
	for pid in $(members "$1"); do
		cat "/proc/$pid/smaps" 2>/dev/null
	done | awk '
		/^[0-9a-f]+-[0-9a-f]+ / {
			file = $5 != 0 ? $4 " " $5 " " $3 : ""; next }
		/^Rss:/ { rss = $2 }
		/^Pss:/ { pss = $2 }
		/^Anonymous:/ { anon = $2
			# Pages of a file that were written to are private.
			if (file == "") own += pss
			else {
				own += anon
				if (rss - anon > most[file])
					most[file] = rss - anon
			} }
		END { for (f in most) own += most[f]
			printf "%.2f\n", own / 1024 }'
}
pss_mb() {
	local pid
	for pid in $(members "$1"); do
		grep '^Pss:' "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '{ t += $2 } END { printf "%.2f\n", t / 1024 }'
}
# watch_memory NAME: until the file $T/peak is gone, the most is in $T/peak.mb.
watch_memory() {
	local mb most=0
	: >"$T/peak"
	while [ -e "$T/peak" ]; do
		mb=$(memory_mb "$1")
		most=$(awk -v a="$mb" -v b="$most" \
		    'BEGIN { print (a + 0 > b + 0 ? a : b) }')
		echo "$most" >"$T/peak.mb"
		sleep 0.02
	done
}

# --- the load -----------------------------------------------------------------

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
# A recipient of its own for each measurement, so that what a peer delivers
# late is never counted for another; in $to.
next_to() {
	serial=$((${serial:-0} + 1))
	to=to-$serial-x@example.org
}
# field KEY: of the line that load printed last.
field() { sed -n "s/.*\\b$1=\\([0-9.]*\\).*/\\1/p" "$T/load.out" | tail -n 1; }
# run_load OPTION...: false when something failed or took too long, and then
# $reason says what.
run_load() {
	: >"$T/load.out"
	timeout $((BENCH_PATIENCE + 30)) "$BIN/load" \
	    --give-up-s "$BENCH_PATIENCE" "$@" >"$T/load.out" \
	    2>"$T/load.err" && return
	reason=$(sed -n 's/^load: //p' "$T/load.err" | tail -n 1)
	: "${reason:=load ended with status $?}"
	return 1
}

# --- the provider -------------------------------------------------------------

# bench_provider NAME OPTION...: keeps nothing but a line per mail.
bench_provider() {
	local name=$1
	shift
	sandbox_secrets
	: >"$T/$name.log"
	start "$name" "$top_builddir/tests/lib/provider" --size 100000000 \
	    --lifetime 3600 "$@"
	until_true 10 grep -q ready "$T/$name.log" || {
		fail "the provider does not start"
		show_log "$name"
		exit 1
	}
}
# "mail" as providers are, on 587 and 465; "clear" without TLS and login; and
# on 1587 the first one far away.
bench_providers() {
	sandbox_secrets
	bench_provider mail --port 587 --implicit-port 465 \
	    --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" \
	    --user "$USER_NAME" --password-file "$T/secret/mail"
	bench_provider clear --port 2500 --no-tls --no-auth
	start delay "$BIN/delay" 1587 587 50
	until_true 5 port_open 127.0.0.1 1587
	# For load, straight to the provider "mail".
	login=(--port 587 --tls --ca "$T/pki/ca.pem" --name mail.example.test
	    --user "$USER_NAME" --password-file "$T/secret/mail"
	    --arrivals "$T/mail.log")
}
# smtp-sink of Postfix behind stunnel: TLS on 466, no login.
bench_sink() {
	install -o nobody /dev/null "$T/tmp/sink.log"
	start sink.server smtp-sink -u nobody -D "$T/tmp/sink.log" \
	    127.0.0.1:2599 1000
	cat >"$T/stunnel.conf" <<-EOF
	foreground = yes
	pid =
	debug = warning
	[sink]
	accept = 127.0.0.1:466
	connect = 127.0.0.1:2599
	cert = $T/pki/mail.pem
	key = $T/pki/mail.key
	EOF
	start stunnel stunnel4 "$T/stunnel.conf"
	until_true 5 port_open 127.0.0.1 466
}
