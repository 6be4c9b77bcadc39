#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sudden death of the real relaisd at every disk call of accepting, trying
# again, delivering, giving up and telling the sender; see points.py.
#	ONLY=accept,fail POINTS_MAX=3 tests/fault/points.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool strace
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
strace -f -qq -o /dev/null -e trace=fsync true 2>/dev/null ||
    skip_all "strace may not trace here"

d=$T/points
conf() { # NAME PORT
	PORT=2525 relaisd_conf points < <(
		account mail mail.example.test "$2" starttls
		cat <<-EOC
		[listen queue]
		address = 127.0.0.1:2526
		mode = queue
		[listen safe]
		address = 127.0.0.1:2527
		mode = safe
		EOC
	)
	mv "$d/relais.conf" "$d/$1.conf"
}
mkdir -p "$d/first" "$d/second"
conf first 1587
conf second 587
start_provider second
start_provider first --port 1587 --implicit-port 1465 \
    --fail 'rcpt/later*:451:4.3.0:later' --fail 'rcpt/never*:550:5.1.1:never' \
    --store "$d/first"
rm -rf "$d/second" && ln -s "$T/second" "$d/second"
python3 "$srcdir/tests/fault/points.py" "$d" "$top_builddir/relaisd" \
    "$top_builddir/relais" 2>&1 | tee "$T/points.out"
grep -q '^PASS' "$T/points.out" && ! grep -q '^FAIL' "$T/points.out" ||
    sandbox_bad=1
sandbox_done
