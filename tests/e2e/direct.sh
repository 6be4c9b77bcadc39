#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The sandbox itself: the real providers start, take a mail over verified TLS with
# a login, and keep it byte by byte.  When this fails, so does everything else.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl certtool
sandbox_enter postfix dovecot
start_dovecot_submission
start_postfix

# Dots, a From line, 8-bit, blanks at line ends, empty lines at the end.
{
	printf 'From: <%s>\r\nTo: <to@example.org>\r\n' "$USER_NAME"
	printf 'Subject: direct PORT\r\n\r\n'
	printf '.\r\n..\r\nFrom here\r\nna\xc3\xafve \r\n\t\r\n\r\n'
} >"$T/mail"

direct() {
	local port=$1 url=$2 f
	sed "s/PORT/$port/" "$T/mail" >"$T/mail.$port"
	curl -sS --ssl-reqd --cacert "$T/pki/ca.pem" --user \
	    "$USER_NAME:$PASSWORD" --mail-from "$USER_NAME" \
	    --mail-rcpt to@example.org --upload-file "$T/mail.$port" \
	    --connect-to "::127.0.0.1:" "$url" 2>"$T/curl.err" ||
	    { fail "login on $port: $(cat "$T/curl.err")"
	      show_log postfix; show_log dovecot; return; }
	until_true 10 arrived "direct $port" >/dev/null ||
	    { fail "mail by $port is not in the maildir"; show_log postfix
	      return; }
	f=$(arrived "direct $port")
	if cmp -s <(body_of "$T/mail.$port") <(body_of "$f")
	then pass "a mail by $port arrives byte by byte"
	else fail "the body by $port has changed"; fi
	grep -q '^Delivered-To: to@example.org' "$f" ||
	    fail "the envelope by $port has changed"
}
direct 587 smtp://mail.example.test:587
direct 465 smtps://mail.example.test:465
direct 1587 smtp://mail.example.test:1587
f=$(arrived 'direct 587')
check "Postfix says who logged in and how it was encrypted" \
    grep -q 'using TLSv1.3' "$f"
check "and names the login" grep -q "Authenticated sender: $USER_NAME" "$f"
sandbox_done
