#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# repair.sh - what a provider would refuse for its form arrives all the same,
# and decodes to what was sent; what cannot be repaired is refused at entry.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl jq python3
sandbox_enter
start_provider full
start_provider plain --port 588 --implicit-port 466 --hide 8bitmime,smtputf8
conf() {
	account full mail.example.test 587 starttls
	echo 'default = yes'
	account plain mail.example.test 588 starttls
}
start_relaisd home < <(conf)
export RELAIS_SOCKET=$T/home/smtp.sock
S=$top_builddir/sendmail
count() { grep -c '"event":"message"' "$T/$1.log"; }
more_than() { [ "$(count "$1")" -gt "$2" ]; }
# hand_over PROVIDER FILE [ARGUMENT...]
hand_over() {
	local to=$1 file=$2 n
	shift 2
	n=$(count "$to")
	"$S" -a "$to" "$@" to@example.net <"$file" 2>"$T/sendmail.err" || {
		cat "$T/sendmail.err"
		return 1
	}
	until_true 10 more_than "$to" "$n"
}
newest() { find "$T/$1" -name '*.eml' | sort | tail -n 1; }
longest() { awk '{ sub(/\r$/, ""); if (length > n) n = length }
    END { print n }' "$1"; }
is_ascii() { ! LC_ALL=C grep -q '[^ -~	]' < <(tr -d '\r' <"$1"); }
# The leaves of a message, decoded, by somebody else's parser.
leaves() {
	python3 -c '
import email, sys
from email import policy
m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=policy.SMTP)
for p in m.walk():
    if not p.is_multipart():
        b = p.get_payload(decode=True)
        sys.stdout.buffer.write(b.replace(b"\r\n", b"\n").rstrip(b"\n"))
        sys.stdout.buffer.write(b"\n--\n")
' "$1"
}
same_leaves() { cmp -s <(leaves "$1") <(leaves "$2"); }

long=$(printf 'word%.0s' $(seq 1 600))
printf 'From: x\nSubject: long\n\nbefore\n%s\nafter=20\n' "$long" >"$T/long"
{
	printf 'From: x\nSubject: Caf\303\251 au lait\nMIME-Version: 1.0\n'
	printf 'Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n'
	printf 'Content-Type: text/plain; charset=utf-8\n'
	printf 'Content-Transfer-Encoding: 8bit\n\nna\303\257ve text\n \n'
	printf -- '--b\nContent-Type: application/octet-stream\n'
	printf 'Content-Disposition: attachment; filename="\303\234.bin"\n\n'
	head -c 20000 /dev/urandom | tr -d '\000\r\n'
	printf '\n--b\nContent-Transfer-Encoding: base64\n\n'
	head -c 3000 /dev/urandom | base64 -w 0
	printf '\n--b--\n'
} >"$T/parts"
{
	printf 'From: x\nMIME-Version: 1.0\nContent-Type: multipart/signed; '
	printf 'boundary=s\n\n--s\n\n%s\n--s\n\nsig\n--s--\n' "$long"
} >"$T/signed"

check "a line of 2400 octets is taken" hand_over full "$T/long"
f=$(newest full)
check "no line that arrives is longer than 998" test "$(longest "$f")" -le 998
check "it decodes to what was sent" same_leaves "$T/long" "$f"
check "the log says so" grep -q 'body=re-encoded' "$T/home.log"

check "parts in 8 bits, to a server with 8BITMIME" hand_over full "$T/parts"
f=$(newest full)
check "no line is longer than 998" test "$(longest "$f")" -le 998
check "the parts are what they were" same_leaves "$T/parts" "$f"
check "the subject is in ASCII, for nobody asked for SMTPUTF8" grep -q \
    '^Subject: =?utf-8?q?Caf=C3=A9?= au lait' "$f"

check "the same to a server without 8BITMIME" hand_over plain "$T/parts"
f=$(newest plain)
check "every byte is ASCII" is_ascii "$f"
check "no line is longer than 998" test "$(longest "$f")" -le 998
check "the parts are what they were" same_leaves "$T/parts" "$f"

! "$S" to@example.net <"$T/signed" 2>"$T/err"
check "a long line in a signed part is refused at entry, and why" grep -q \
    '554 5.6.0 a signed or encrypted part .*998 octets' "$T/err"

# Addresses outside ASCII.
printf 'From: x\nSubject: s\n\nx\n' >"$T/mail.small"
last_rcpts() { grep '"event":"message"' "$T/$1.log" | tail -n 1 |
    jq -r '.recipients | join(" ")'; }
check "a domain outside ASCII" hand_over plain "$T/mail.small" 'x@bücher.example'
check "is sent as A-labels" test "$(last_rcpts plain)" = \
    "x@xn--bcher-kva.example to@example.net"
check "a local part outside ASCII, with SMTPUTF8" hand_over full "$T/mail.small" \
    'jörg@example.net'
n=$(count plain)
"$S" -odi -a plain 'jörg@example.net' to@example.net <"$T/mail.small" \
    2>"$T/err"
check "without it the others get the mail" until_true 10 more_than plain "$n"
check "and the log names the reason" until_true 5 grep -q \
    'failed .*to=<jörg@example.net>' "$T/home.log"
stop home

# What the provider said of sizes is what clients are told.
start_provider small --port 589 --implicit-port 467 --size 200000
conf_small() {
	echo 'received_hide = yes'
	account small mail.example.test 589 starttls
}
start_relaisd tight < <(conf_small)
RELAIS_SOCKET=$T/tight/smtp.sock
size_offered() {
	exec 9<>/dev/tcp/127.0.0.1/2525
	printf 'EHLO x\r\nQUIT\r\n' >&9
	timeout 60 sed -n 's/^250[- ]SIZE \([0-9]*\).*/\1/p' <&9
	exec 9<&-
}
check "at first the limit is our own" test "$(size_offered)" = 52428800
check "a mail goes" hand_over small "$T/mail.small"
check "then it is the provider's" test "$(size_offered)" = 200000
stop tight
run_relaisd tight
wait_port tight 127.0.0.1 2525
check "and still is after a restart" test "$(size_offered)" = 200000
check "Received names nobody" eval \
    '! header_of "$(newest small)" | grep -A2 ^Received | grep -qE "root|userid"'
submit big 300000
check "a client that says its size hears 552 at MAIL" grep -q \
    '^< 552 5.3.4' "$T/submit.err"
check "before it sends anything" eval '! grep -q "^> DATA" "$T/submit.err"'
[ "$sandbox_bad" = 0 ] || { show_log home; show_log tight; }
sandbox_done
