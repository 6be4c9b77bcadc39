# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# bench.sh - what the measurements share; sourced after bed.sh.
#
# Spools lie on the machine's disk, because a sync of a tmpfs costs nothing:
# in BENCH_DISK, /var/tmp if unset.  Nothing is measured alone: what is to be
# compared runs in turns, ROUNDS times, and the tables show the median and,
# where it is said, the smallest and the largest value.

: "${ROUNDS:=3}"
BIN=$top_builddir/tests/bench
D=	# on the disk

bench_enter() {
	bed_enter "$@"
	D=$(mktemp -d "${BENCH_DISK:-/var/tmp}/relais-bench.XXXXXX")
	chmod 711 "$D"
	trap bench_leave EXIT
	ulimit -n "$(ulimit -Hn)"
	: >"$T/values"
}
bench_leave() {
	local name
	for name in "$T"/*.pid; do
		[ ! -f "$name" ] || kill -KILL "$(cat "$name")" 2>/dev/null
	done
	umount "$T"/*/spool 2>/dev/null
	rm -rf "$D"
	bed_leave
}

# --- values -------------------------------------------------------------------

# record NAME NUMBER, and what became of all with that name.
record() { printf '%s %s\n' "$1" "$2" >>"$T/values"; }
value_at() {
	awk -v n="$1" '$1 == n && $2 != "" { print $2 }' "$T/values" | sort -g |
	    awk -v how="$2" '{ v[NR] = $1 } END {
		if (NR == 0) { print "nan"; exit }
		i = how == "min" ? 1 : how == "max" ? NR : int((NR + 1) / 2)
		print v[i] }'
}
median() { value_at "$1" median; }
# ratio NAME NAME2 [DIGITS]
ratio() {
	awk -v a="$(median "$1")" -v b="$(median "$2")" -v d="${3:-2}" \
	    'BEGIN { if (b + 0 == 0) print "-"; else printf "%.*f\n", d, a / b }'
}
# spread NAME: "median (min-max)"
spread() {
	printf '%.*f (%.*f-%.*f)' "${2:-0}" "$(median "$1")" \
	    "${2:-0}" "$(value_at "$1" min)" "${2:-0}" "$(value_at "$1" max)"
}
heading() { printf '\n%s\n' "$*"; }
row() { printf '  %-46s %22s  %s\n' "$@"; }

# field KEY: of the line that load printed last.
field() { sed -n "s/.*\\b$1=\\([0-9.]*\\).*/\\1/p" "$T/load.out" | tail -n 1; }
# run_load OPTION...
run_load() {
	timeout 180 "$BIN/load" "$@" >"$T/load.out" 2>>"$T/load.err" ||
	    note "load $*: $(tail -n 1 "$T/load.err")"
}

# --- processes ----------------------------------------------------------------

# All processes below PID, itself included.
tree_of() {
	local pid
	echo "$1"
	for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		tree_of "$pid"
	done
}
# Milliseconds of processor that NAME and its children have used so far, those
# that have ended included.
cpu_ms() {
	local pid
	for pid in $(tree_of "$(cat "$T/$1.pid")"); do
		sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null
	done | awk -v hz="$(getconf CLK_TCK)" \
	    '{ t += $12 + $13 + $14 + $15 } END { printf "%d\n", t * 1000 / hz }'
}
pss_kb() {
	local pid
	for pid in $(tree_of "$(cat "$T/$1.pid")"); do
		grep '^Pss:' "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '{ t += $2 } END { print t }'
}
peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$(cat "$T/$1.pid")/status"; }

# --- the provider -------------------------------------------------------------

# bench_provider NAME OPTION...: keeps nothing but a line per mail.
bench_provider() {
	local name=$1
	shift
	bed_secrets
	: >"$T/$name.log"
	start "$name" "$top_builddir/tests/lib/provider" --size 100000000 \
	    --lifetime 1800 "$@"
	until_true 10 grep -q ready "$T/$name.log" || {
		fail "the provider does not start"
		show_log "$name"
		exit 1
	}
}
# "mail" as providers are, on 587 and 465; "clear" without TLS and login.
bench_providers() {
	bed_secrets
	bench_provider mail --port 587 --implicit-port 465 \
	    --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" \
	    --user "$USER_NAME" --password-file "$T/secret/mail"
	bench_provider clear --port 2500 --no-tls --no-auth
}
login=()	# for load, straight to the provider "mail"
bench_login() {
	login=(--port 587 --tls --ca "$T/pki/ca.pem" --name mail.example.test
	    --user "$USER_NAME" --password-file "$T/secret/mail")
}

# --- relais -------------------------------------------------------------------

# bench_relaisd NAME < <(settings and accounts): its spool is on the disk.
bench_spool() {
	mkdir -p "$T/$1/spool" "$D/$1"
	mountpoint -q "$T/$1/spool" || mount --bind "$D/$1" "$T/$1/spool"
}
bench_relaisd() {
	bench_spool "$1"
	relaisd_conf "$1"
	run_relaisd "$1"
	wait_port "$1" 127.0.0.1 "${PORT:-2525}"
}
