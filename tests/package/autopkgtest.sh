#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What autopkgtest would run, in a system that has what the test depends on.
. "${srcdir:-$(dirname "$0")/../..}/tests/package/system.sh"
system_boot
check "it installs" install_relais
cp -r "$srcdir/contrib/debian/tests" "$root/root/tests"
runs() {
	inside "mkdir /root/tmp && AUTOPKGTEST_TMP=/root/tmp sh /root/tests/mail" \
	    >"$T/mail.log" 2>&1 && return
	show_log mail
	return 1
}
check "the test of debian/tests passes" runs
sandbox_done
