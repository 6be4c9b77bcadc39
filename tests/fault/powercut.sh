#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A power cut right after the last promise: the backing file of a loop mount,
# copied at that moment, holds exactly what had reached the disk.  Then the
# same without syncs, which has to lose something: the test can fail.  (That
# the folder is synced cannot be seen here, because ext4 makes the name of a new
# file durable together with it; test_fault_queue sees it.)
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need mkfs.ext4 losetup
sandbox_enter
powercut=$top_builddir/tests/fault/powercut
[ -x "$powercut" ] || skip_all "powercut is not built: make check-e2e does it"
N=50

mount_image() {	# IMAGE DIR
	mkdir -p "$2" && mount -o loop "$1" "$2" 2>"$T/mount.err"
}

# Prints how many of N promised messages are there after the cut.
cut_power() {	# how
	local found
	rm -f "$T/disk" "$T/after" "$T/said"
	truncate -s 64M "$T/disk"
	mkfs.ext4 -q "$T/disk" >&2 || return
	mount_image "$T/disk" "$T/live" || return
	exec 7> >("$powercut" "$T/live/spool" "$1" $N >"$T/said")
	until_true 60 grep -q safe "$T/said" >&2
	cp "$T/disk" "$T/after"
	exec 7>&-
	until_true 10 umount "$T/live" 2>/dev/null
	mount_image "$T/after" "$T/dead" || return
	found=$("$powercut" "$T/dead/spool" count $N)
	ls "$T/dead/spool/corrupt" >"$T/corrupt" 2>/dev/null
	umount "$T/dead"
	echo "$found"
}

found=$(cut_power accept)
[ -n "$found" ] || skip_all "no loop mounts here: $(cat "$T/mount.err")"
check "all $N promised messages survive a power cut" test "$found" -eq $N
check "none of them is damaged" test ! -s "$T/corrupt"
found=$(cut_power accept-nosync)
check "without syncs, some are lost ($found are left)" test "$found" -lt $N
sandbox_done
