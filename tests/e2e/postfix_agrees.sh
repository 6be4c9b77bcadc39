#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# postfix_agrees.sh - the test provider, which is made from our own engine,
# answers as a real Postfix does (postfix_agrees.py).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool python3
sandbox_enter postfix dovecot
provider=$top_builddir/tests/lib/provider
[ -x "$provider" ] || skip_all "tests/lib/provider is not built"

# Without the patience that Postfix has with those who do not read.
start_postfix 'smtpd_error_sleep_time = 0' 'smtpd_soft_error_limit = 100' \
    'smtpd_hard_error_limit = 50'
start clear "$provider" --port 2600 --no-auth --no-tls
start tls "$provider" --port 2601 --cert "$T/pki/mail.pem" \
    --key "$T/pki/mail.key" --user "$USER_NAME" \
    --password-file "$T/secret/mail" --mechanisms 'SCRAM-SHA-256 PLAIN LOGIN'
wait_port clear 127.0.0.1 2600
wait_port tls 127.0.0.1 2601
wait_port postfix 127.0.0.1 25

agree() {
	local line
	while read -r line; do
		case $line in
		PASS*) echo "$line" ;;
		*) fail "${line#FAIL }" ;;
		esac
	done < <(python3 "$srcdir/tests/e2e/postfix_agrees.py" "$@" 2>&1)
}

# With options of the engine, or addresses that its driver refuses: not these.
files=
for f in "$srcdir"/tests/script/*.smtp; do
	grep -q '^O:' "$f" || files="$files $f"
done
# shellcheck disable=SC2086	# a word for each file
agree scripts 127.0.0.1:2600 127.0.0.1:25 $files
agree login 127.0.0.1:2601 127.0.0.1:587 "$USER_NAME" "$T/secret/mail" \
    "$T/pki/ca.pem"
sandbox_done
