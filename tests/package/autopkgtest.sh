#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The test of debian/tests: by autopkgtest(1) where nothing runs, and where
# systemd does.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
if [ "${BOOTED:-}" != yes ]; then
	system_enter
	mkdir -p "$T/source"
	cp -r "$srcdir/contrib/debian" "$T/source/debian"
	if command -v autopkgtest >/dev/null; then
		check "autopkgtest passes" eval 'TMPDIR=/tmp autopkgtest -B \
		    "$DEBS"/relais_*_*.deb "$T/source" -- chroot "$root" \
		    >"$T/autopkgtest.log" 2>&1'
		[ "$sandbox_bad" = 0 ] || show_log autopkgtest 40
	else
		skip "autopkgtest is not installed"
	fi
	sandbox_done
fi
system_boot
check "it installs" install_relais
cp -r "$srcdir/contrib/debian/tests" "$root/root/tests"
runs() {
	inside "mkdir /root/tmp && AUTOPKGTEST_TMP=/root/tmp sh /root/tests/mail" \
	    >"$T/mail.log" 2>&1 && return
	show_log mail
	return 1
}
check "the test passes where systemd runs" runs
sandbox_done
