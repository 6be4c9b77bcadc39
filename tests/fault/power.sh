#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A power cut at a random moment under load: the backing file of a loop mount
# with the spool is copied, and a fresh relaisd finds in the copy, or the
# provider has, every message that had heard 250 before.  The same without
# syncs has to lose some: the test can fail.
#	CUTS=6 tests/fault/power.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need mkfs.ext4 e2fsck losetup python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${CUTS:=6}"
sandbox_secrets

conf() {
	account mail mail.example.test 587 starttls
	printf '[listen bulk]\naddress = 127.0.0.1:2526\nmode = safe\n'
}
# Commits of ext4 itself are put off, so that only our syncs count.
mount_spool() { # IMAGE
	mkdir -p "$T/home/spool"
	mount -o loop,commit=300 "$1" "$T/home/spool" 2>"$T/mount.err"
}
unmount_spool() { until_true 10 umount "$T/home/spool" 2>/dev/null; }
# The processes of relaisd: the keeper, perhaps below strace, and the worker.
daemon() {
	local pid
	pid=$(cat "$T/home.pid")
	[ $is_traced = 0 ] || pid=$(pgrep -P "$pid" -x relaisd)
	pgrep -P "$pid" -x relaisd
	echo "$pid"
}
signal_all() { # SIGNAL
	local pids
	mapfile -t pids < <(daemon)
	kill -"$1" "${pids[@]}"
}

# Copies of the disk, of what heard 250 before, and of what the provider has.
# Nothing is written meanwhile; but what strace runs cannot be stopped.
cut_power() { # NUMBER
	cp "$T/acked" "$T/acked.$1"
	[ $is_traced = 1 ] || signal_all STOP
	sleep 0.02
	cp --sparse=always "$T/disk" "$T/disk.$1"
	cp -al "$T/provider" "$T/provider.$1"
	[ $is_traced = 1 ] || signal_all CONT
}
# What a relaisd finds after the cut; sets heard, lost, torn as tally does, and
# waiting, the files that were in the queue.
recover() { # NUMBER
	local status
	e2fsck -p "$T/disk.$1" >"$T/fsck.log" 2>&1
	status=$?
	[ $status -le 1 ] || fail "cut $1: fsck says $(tail -n 1 "$T/fsck.log")"
	mount_spool "$T/disk.$1"
	waiting=$(spool_files queue)
	run_relaisd home
	wait_port home 127.0.0.1 2525
	relais flush >/dev/null 2>&1
	until_true 30 drained || fail "cut $1: the queue does not empty"
	eval "$(python3 "$srcdir/tests/lib/load.py" tally "$T/acked.$1" \
	    "$T/provider.$1" "$T/provider" 2>"$T/tally.log")"
	stop home
	no_crash home
	[ "$(spool_files corrupt)" = 0 ] || fail "cut $1: some is called corrupt"
	unmount_spool
	rm -f "$T/disk.$1"
}

# Sets cut (copies made), total, all_lost, all_torn, in_queue.
run() { # COMMAND...: what relaisd is run by
	local i
	rm -rf "${T:?}/home" "$T"/provider* "$T"/acked* "$T"/disk*
	: >"$T/acked"
	truncate -s 96M "$T/disk"
	mkfs.ext4 -q "$T/disk"
	relaisd_conf home < <(conf)
	mount_spool "$T/disk" ||
	    skip_all "no loop mounts here: $(cat "$T/mount.err")"
	chown relais:relais "$T/home/spool"
	chmod 711 "$T/home/spool"
	rmdir "$T/home/spool/lost+found"
	sync -f "$T/home/spool"
	start_provider provider --delay-ms 40
	start home "$@" "$top_builddir/relaisd" -f -c "$T/home/relais.conf"
	wait_port home 127.0.0.1 2525
	load --ports 2526 --clients 8 --seconds 600
	until_true 20 eval '[ "$(heard)" -gt 50 ]'
	for ((i = 1; i <= CUTS; i++)); do
		sleep "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
		cut_power $i
	done
	kill "$load_pid"
	wait "$load_pid"
	signal_all STOP # so that the keeper starts no other
	signal_all KILL
	stop home 2>/dev/null
	stop provider
	unmount_spool
	total=0 all_lost=0 all_torn=0 in_queue=0
	for ((i = 1; i <= CUTS; i++)); do
		rm -rf "$T/provider"
		start_provider provider
		recover $i
		stop provider
		total=$((total + heard)) all_lost=$((all_lost + lost))
		all_torn=$((all_torn + torn)) in_queue=$((in_queue + waiting))
	done
}

is_traced=0
run env
if [ $all_lost = 0 ] && [ $all_torn = 0 ] && [ $in_queue -ge "$CUTS" ]; then
	pass "power cut: $CUTS cuts, $total messages had heard 250 before them," \
	    "$in_queue files were in the queue: lost 0, torn 0"
else
	fail "power cut: $CUTS cuts, $total had heard 250, $in_queue files in" \
	    "the queue: lost $all_lost, torn $all_torn"
fi
CUTS=2 is_traced=1
calls=fsync,fdatasync,syncfs
if command -v strace >/dev/null &&
    strace -f -qq -o /dev/null -e trace=fsync true 2>/dev/null; then
	run strace -f -qq -o /dev/null --seccomp-bpf \
	    -e trace=$calls -e inject=$calls:retval=0
	if [ $all_lost -gt 0 ]; then
		pass "power cut: without syncs $all_lost of $total are lost, so" \
		    "the test can fail"
	else
		fail "power cut: without syncs nothing is lost of $total"
	fi
else
	skip "power cut without syncs: strace may not trace here"
fi
sandbox_done
