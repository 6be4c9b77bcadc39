#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk that is full, in bytes or in files, and calls that fail: 452 and never
# a false 250, nothing left behind, deliveries go on, and it recovers by itself
# (R44, R45).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/bed.sh"
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
bed_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
bed_secrets

conf() {
	account mail mail.example.test "${ACCOUNT_PORT:-587}" starttls
	cat <<-EOC
	[listen bulk]
	address = 127.0.0.1:2526
	mode = safe
	[listen queue]
	address = 127.0.0.1:2527
	mode = queue
	EOC
}
clean() {
	stop home
	stop provider
	umount "$T/home/spool" 2>/dev/null
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider" "$T/acked" "$T/refused"
	: >"$T/acked"
	: >"$T/refused"
}
# A spool of its own with so much room.
small_disk() { # MOUNT-OPTION
	mkdir -p "$T/home/spool"
	mount -t tmpfs -o "$1,mode=711" tmpfs "$T/home/spool"
	chown relais:relais "$T/home/spool"
}
replies() {
	cut -d' ' -f2 "$T/refused" | sort | uniq -c |
	    awk '{ printf "%s%d x %s", s, $1, $2; s = ", " }'
}
only_452() { ! cut -d' ' -f2 "$T/refused" | grep -qvE '^(451|452)$'; }
nothing_else() { # files are those of messages that wait
	[ "$(spool_files queue)" = "$(relais --json queue | jq length)" ]
}
all_arrived() { # WHAT
	relais flush >/dev/null
	until_true 40 drained
	tally provider
	if [ "$lost" = 0 ] && [ "$torn" = 0 ] && [ "$(spool_files queue)" = 0 ] &&
	    drained; then
		pass "$1: $heard heard 250, lost 0, $twice twice; refused:" \
		    "$(replies); files left 0"
	else
		fail "$1: $heard heard 250, lost $lost, torn $torn," \
		    "$(spool_files queue) files left"
		show_log home
	fi
	no_crash home
}

# --- no room ------------------------------------------------------------------

# While the provider is away the disk fills; then all of it leaves, and new
# mail is taken again without a hand.
fills_up() { # WHAT MOUNT-OPTION
	clean
	small_disk "$2"
	start_relaisd home < <(conf)
	load --ports 2526 --clients 4 --seconds 600 --refused "$T/refused"
	until_true 30 eval '[ "$(wc -l <"$T/refused")" -gt 20 ]'
	local full
	full=$(heard)
	if [ "$full" -gt 10 ] && [ -s "$T/refused" ] && only_452; then
		pass "$1: refused with $(replies) after $full messages"
	else
		fail "$1: $full accepted, refused: $(replies)"
	fi
	check "$1: no file of a refused message is left" \
	    until_true 5 nothing_else
	# Deliveries make room, under the same load.
	start_provider provider
	relais flush >/dev/null
	check "$1: deliveries go on and mail is taken again by itself" \
	    until_true 30 eval '[ "$(heard)" -gt $((full + 200)) ]'
	kill "$load_pid"
	wait "$load_pid"
	all_arrived "$1"
}
fills_up "disk full" size=8m
fills_up "no files left" size=64m,nr_inodes=150

# Filled by somebody else to the last byte, with messages waiting: their state
# cannot be written, and they leave all the same.
clean
small_disk size=8m
start_relaisd home < <(conf)
load --ports 2527 --clients 2 --count 40 --seconds 20
wait "$load_pid"
cat /dev/zero >"$T/home/spool/hog" 2>/dev/null
load --ports 2526,2525 --clients 2 --seconds 2 --refused "$T/refused"
wait "$load_pid"
check "filled to the last byte: nothing is accepted, $(replies)" \
    eval 'only_452 && [ -s "$T/refused" ]'
start_provider provider --fail 'mail:451:4.3.0:not now:30'
relais flush >/dev/null
until_true 60 drained
tally provider
check "filled to the last byte: all $heard that waited leave, lost $lost" \
    eval '[ "$lost" = 0 ] && drained && [ "$heard" -ge 40 ]'
rm "$T/home/spool/hog"
check "and with room again mail is taken" until_true 20 submit "room again"
all_arrived "filled to the last byte"

# --- failing calls ------------------------------------------------------------

strace -f -qq -o /dev/null -e trace=fsync true 2>/dev/null || {
	skip "failing calls: strace may not trace here"
	bed_done
}
# The provider is away, so that only the disk can promise; every so many calls
# of a kind fail.
failing() { # CALLS ERROR WHEN
	local what="$1 fails with $2 at $3"
	clean
	relaisd_conf home < <(ACCOUNT_PORT=1 conf)
	start home strace -f -qq -o /dev/null --seccomp-bpf -e "trace=$1" \
	    -e "inject=$1:error=$2:when=$3" \
	    "$top_builddir/relaisd" -f -c "$T/home/relais.conf"
	wait_port home 127.0.0.1 2525
	load --ports 2526,2527 --clients 4 --seconds 3 --refused "$T/refused"
	wait "$load_pid"
	if [ -s "$T/refused" ] && only_452; then
		pass "$what: refused with $(replies), $(heard) accepted"
	else
		fail "$what: refused with $(replies), $(heard) accepted"
	fi
	kill -KILL "$(pgrep -P "$(cat "$T/home.pid")" -x relaisd)"
	stop home 2>/dev/null
	# What a relaisd finds on a disk that works again.
	start_provider provider
	relaisd_conf home < <(conf)
	run_relaisd home
	wait_port home 127.0.0.1 2525
	all_arrived "$what"
	tally provider
	# Nobody who was refused may find it delivered, but for the few whose
	# file could not be removed either.
	python3 - "$T" <<-'EOF' || fail "$what: refused messages are delivered"
	import glob, re, sys
	T = sys.argv[1]
	refused = {l.split()[0] for l in open(T + "/refused")}
	there = {re.search(r"Subject: load (\d+)", open(p).read()).group(1)
	         for p in glob.glob(T + "/provider/*.eml")}
	sys.exit(len(refused & there) > 0)
	EOF
}
failing fsync EIO 7+5
failing pwrite64 ENOSPC 7+5
failing pwrite64 EDQUOT 3+2
failing fsync EIO 4+1
check "a disk that fails again and again is told of" \
    grep -q 'failed .* times in a row' "$T/home.log"
bed_done
