#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk that is full, in bytes or in files, and calls that fail: 452 and never
# a false 250, nothing left behind, deliveries go on, and it recovers by itself
# (R44, R45).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/timeshift.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
sandbox_secrets

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
# Of lines "NUMBER CODE STAGE TEXT".
replies() {
	cut -d' ' -f2,3 "$T/refused" | sort | uniq -c |
	    awk '{ printf "%s%d x %s at %s", s, $1, $2, $3; s = ", " }'
}
only_452() { ! cut -d' ' -f2 "$T/refused" | grep -qvE '^(451|452)$'; }
refused_at() { grep -c "^[0-9]* [0-9]* $1 " "$T/refused"; }
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
	# Before it is too late: what was begun while there was room may still
	# meet the end of it.
	if [ "$full" -gt 10 ] && only_452 &&
	    [ "$(refused_at MAIL)" -gt $(($(refused_at DATA) * 4)) ]; then
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
load --ports 2527 --clients 2 --count 40
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

# What relaisd keeps, and nothing of what it refused; its log is told once.
fds() { find "/proc/$(worker home)/fd" -type l | wc -l; }
alerts() { grep -c ' alert event=disk' "$T/home.log"; }

refused_enough() { # EVERY
	[ -s "$T/refused" ] && { [ "$1" != 1 ] || [ "$(refused_at MAIL)" -gt 10 ]; }
}

# The provider is away, so that only the disk can promise.  KIND as in
# tests/lib/diskfault.c; then the disk works again, and so does relaisd, without
# a hand and without a restart.
failing() { # WHAT KIND EVERY
	local what="EIO from $1" before
	[ "$3" = 1 ] || what="$what, one in $3"
	clean
	disk_fault -1
	shift_time new
	relaisd_conf home < <(conf)
	LD_PRELOAD_MORE=$top_builddir/tests/lib/diskfault.so run_relaisd home
	wait_port home 127.0.0.1 2525
	load --ports 2526,2527 --clients 4 --count 20
	wait "$load_pid"
	before=$(fds)
	disk_fault "$2$3"
	# A message whose file is lost has ten seconds to reach the provider.
	shift_time set idle_ms=10
	load --ports 2526,2527 --clients 4 --first 1001 --seconds 600 \
	    --refused "$T/refused"
	sleep 2
	until_true 10 refused_enough "$3"
	kill "$load_pid"
	wait "$load_pid"
	shift_time set idle_ms=0
	if [ -s "$T/refused" ] && only_452 &&
	    { [ "$3" != 1 ] || [ "$(heard)" -lt 30 ]; }; then
		pass "$what: refused $(replies), $(heard) accepted"
	else
		fail "$what: refused $(replies), $(heard) accepted"
	fi
	check "$what: files left of what was refused 0" until_true 5 nothing_else
	[ "$3" != 1 ] || check "$what: no mail is taken after three in a row; alerts $(alerts)" \
	    eval 'grep -q "has failed [0-9]* times in a row" "$T/home.log" &&
		[ "$(alerts)" = 1 ] && [ "$(refused_at MAIL)" -gt 10 ]'
	disk_fault -1
	# The minute in which nothing is accepted.
	shift_time pass 61 300
	load --ports 2526,2527 --clients 4 --first 2001 --count 20
	wait "$load_pid"
	check "$what: it recovers by itself" \
	    [ "$(grep -c '^2...' "$T/acked")" -ge 20 ]
	# Two of the spool's folders come and go.
	check "$what: $before descriptors before, $(fds) after" \
	    [ "$(fds)" -le $((before + 3)) ]
	start_provider provider
	all_arrive_after "$what"
}
all_arrive_after() {
	all_arrived "$1"
	# Nobody who was refused finds it delivered.
	python3 - "$T" <<-'EOF' || fail "$1: refused messages are delivered"
	import glob, re, sys
	T = sys.argv[1]
	refused = {l.split()[0] for l in open(T + "/refused")}
	heads = (open(p, "rb").read().split(b"\r\n\r\n")[0].decode()
	         for p in glob.glob(T + "/provider/*.eml"))
	there = {m.group(1) for m in (re.search(r"Subject: load (\d+)", h)
	         for h in heads) if m}
	sys.exit(len(refused & there) > 0)
	EOF
}
failing "write" w 1
failing "write" w 7
failing "the sync of a file" s 1
failing "the sync of a file" s 3
failing "close" c 1
failing "close" c 3
failing "the sync of a folder" d 1
failing "the sync of a folder" d 3
sandbox_done
