# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# timeshift.sh - sandbox.sh for the tests of time: relaisd is run with a library
# that lets its clocks jump and its days pass (tests/lib/timeshift.c).  Sourced
# after sandbox.sh and load.sh.

TIMESHIFT_LIB=$top_builddir/tests/lib/timeshift.so

# shift_time new | get NAME | set NAME=VALUE... | pass SECONDS LIMIT
shift_time() { python3 "$srcdir/tests/lib/timeshift.py" "$T/timeshift" "$@"; }
# Takes the place of sandbox.sh's.  LD_PRELOAD_MORE names one more library.  The check of the sanitizers for being loaded
# first would refuse any preloaded library.
run_relaisd() {
	[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
	[ -f "$TIMESHIFT_LIB" ] || skip_all "timeshift.so is not built"
	[ -f "$T/timeshift" ] || shift_time new
	start "$1" env "LD_PRELOAD=$TIMESHIFT_LIB ${LD_PRELOAD_MORE:-}" \
	    "TIMESHIFT=$T/timeshift" "DISKFAULT=$T/diskfault" \
	    "ASAN_OPTIONS=verify_asan_link_order=0" \
	    "$top_builddir/relaisd" -f -c "$T/$1/relais.conf"
}
