#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Providers that refuse, drop, hang, stop in the middle of a reply or talk
# nonsense, at every stage; see hostile.py.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
ulimit -n 8192
sandbox_secrets
relaisd_conf hostile </dev/null
cp "$T/hostile/relais.conf" "$T/hostile/head.conf"
export T
python3 "$srcdir/tests/fault/hostile.py" "$T/hostile" "$top_builddir" \
    "$T/hostile/head.conf" --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" \
    --user "$USER_NAME" --password-file "$T/secret/mail" --lifetime 3600 \
    2>&1 | tee "$T/hostile.out"
grep -q '^PASS' "$T/hostile.out" && ! grep -qE '^FAIL|^Traceback' \
    "$T/hostile.out" || sandbox_bad=1
sandbox_done
