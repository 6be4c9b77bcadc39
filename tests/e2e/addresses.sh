#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# addresses.sh - fields of addresses as other programs read them: one author
# under identity = force, names with a comma, undisclosed recipients, hidden
# copies, local names.  The readers are Python's and Perl's.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl jq python3 perl
sandbox_enter
start_provider mail
printf 'ops: ops@example.org\n' >"$T/aliases"
chmod 644 "$T/aliases"
IDENTITY=force
start_relaisd home < <(
	echo "aliases = $T/aliases"
	account mail mail.example.test 587 starttls
)
export RELAIS_SOCKET=$T/home/smtp.sock
S=$top_builddir/sendmail
count() { find "$T/mail" -name '*.eml' | wc -l; }
newest() { find "$T/mail" -name '*.eml' | sort | tail -n 1; }
more_than() { [ "$(count)" -gt "$1" ]; }
# hand_over TEXT ARGUMENT...: printf's escapes; waits for the provider.
hand_over() {
	local n text=$1
	n=$(count)
	shift
	# shellcheck disable=SC2059	# escapes are wanted
	printf "$text" | "$S" -i "$@" 2>"$T/err" || { cat "$T/err"; return 1; }
	until_true 10 more_than "$n"
}
has() { header_of "$(newest)" | grep -qi -- "$1"; }
has_not() { ! grep -qi -- "$1" "$(newest)"; }

# --- one author ----------------------------------------------------------------

# Prints each address that a reader finds in From.
cat >"$T/readers.py" <<'EOP'
import email, email.policy, email.utils, email.header, re, sys
raw = open(sys.argv[1], "rb").read()
found = set()
old = email.message_from_bytes(raw)
values = [str(v) for v in old.get_all("From", [])]
if len(values) != 1:
    found.add("%d fields" % len(values))
for v in values:
    found |= {"legacy " + a for n, a in email.utils.getaddresses([v])}
    found.add("parseaddr " + email.utils.parseaddr(v)[1])
    shown = str(email.header.make_header(email.header.decode_header(v)))
    found.add("decoded " + email.utils.parseaddr(shown)[1])
    found |= {"scan " + a for a in re.findall(r"[\w.+-]+@[\w.-]+", shown)}
    found |= {"angle " + a for a in re.findall(r"<([^<>]*)>", shown)}
new = email.message_from_bytes(raw, policy=email.policy.default)
for a in new["From"].addresses:
    found.add("modern " + a.addr_spec)
if new["From"].groups and any(g.display_name for g in new["From"].groups):
    found.add("a group")
for f in sorted(found):
    print(f)
EOP
cat >"$T/readers.pl" <<'EOP'
use strict;
my ($class, $file) = @ARGV;
open my $f, '<', $file or die;
local $/; my ($head) = split /\r?\n\r?\n/, <$f>, 2;
$head =~ s/\r?\n[ \t]+/ /g;
my ($from) = $head =~ /^From: (.*?)\r?$/m;
eval "require $class" or exit 3;
print "$class ", $_->address, "\n" for $class->parse($from);
EOP
readers() {
	python3 "$T/readers.py" "$1"
	for class in Email::Address::XS Mail::Address; do
		perl "$T/readers.pl" "$class" "$1" || true
	done
}
# Every reader finds the account and nobody else.
one_author() {
	local all
	all=$(readers "$(newest)")
	grep -q "^modern $USER_NAME\$" <<<"$all" &&
	    ! grep -v " $USER_NAME\$" <<<"$all"
}
n=0
while IFS= read -r from; do
	n=$((n + 1))
	hand_over "From: ${from//%/%%}\nSubject: author $n\n\nx\n" \
	    -f "$USER_NAME" x@example.net || fail "$from: not sent"
	check "one author: $from" one_author
done <<-EOF2
	boss@corp.com:;, $USER_NAME
	boss@corp.com <$USER_NAME>
	"boss@corp.com" <$USER_NAME>
	"boss@corp.com": a, b;
	"boss@corp.com": $USER_NAME;
	boss@corp.com, $USER_NAME
	$USER_NAME, boss@corp.com
	$USER_NAME (boss@corp.com)
	(boss@corp.com) $USER_NAME (x)
	<@boss.corp.com,@boss@corp.com:$USER_NAME>
	<boss@corp.com> <$USER_NAME>
	"<boss@corp.com>" <$USER_NAME>
	=?utf-8?q?boss=40corp=2Ecom?= <$USER_NAME>
	=?utf-8?b?PGJvc3NAY29ycC5jb20+?= <$USER_NAME>
	"=?utf-8?q?boss=40corp.com?=" <$USER_NAME>
	=?utf-8?q?boss=40corp.com=20=3C?= =?utf-8?q?x=40y.z=3E?= <$USER_NAME>
	=?utf-8?q?=22boss=40corp.com=22_=3Cx=40y.z=3E?= <$USER_NAME>
	"boss@corp.com <$USER_NAME>
	boss@corp.com; $USER_NAME
	boss@corp.com $USER_NAME
	Boss, The Big <$USER_NAME>
	"x\\" <boss@corp.com>, \\"" <$USER_NAME>
	$USER_NAME <boss@corp.com>
	"$USER_NAME" <boss@corp.com>
	"a@b"@corp.com
	root
EOF2

# --- names, and nobody -----------------------------------------------------------

hand_over 'From: x\nTo: Smith, John <john@example.net>\nSubject: s\n\nx\n' -t
check "a comma in a name is a part of it" \
    has '^To: "Smith, John" <john@example.net>'
check "  and no recipient" test "$(grep '"event":"message"' "$T/mail.log" |
    tail -n 1 | jq -r '.recipients | join(" ")')" = john@example.net
check "  the guess is logged" grep -q 'repaired .*comma' "$T/home.log"
check "  and shown by relais rewrite" eval "printf \
    'From: x\nTo: Dr. Smith, John <j@example.net>\n\nx\n' |
    relais rewrite | grep -q 'comma in an address field'"
hand_over 'From: x\nTo: ops, Smith, John <j@example.net>\nCc: root\n\nx\n' -t
check "an alias beside it stays what it is" \
    has '^To: ops@example.org, "Smith, John" <j@example.net>'
check "and so does a user" has '^Cc: admin@example.test'
hand_over 'From: x\nTo: Smith, j@example.net\n\nx\n' j@example.net
check "a word that is nobody's name does not show the admin" has_not admin@
for to in Undisclosed-Recipients 'undisclosed-recipients;;' \
    'undisclosed recipients:' '<Undisclosed-Recipient:;>' \
    'Recipient list not shown:' '"Undisclosed recipients" <>'; do
	hand_over "From: x\nTo: $to\nBcc: joe@example.net\n\nx\n" -t
	check "To: $to" has '^To: undisclosed-recipients:;'
	check "  is nobody" test "$(grep '"event":"message"' "$T/mail.log" |
	    tail -n 1 | jq -r '.recipients | join(" ")')" = joe@example.net
done

# --- hidden copies ---------------------------------------------------------------

for name in Bcc BCC 'Bcc ' 'Bcc\t' ' Bcc' '\302\240Bcc' 'Bcc\302\240' \
    'Bcc\302\240 ' 'B\342\200\213cc' 'Bcc\342\200\213' '\357\273\277Bcc' \
    'bcc\240' Resent-Bcc 'Resent-Bcc\302\240' 'resent-BCC\t'; do
	for before in '' 'no colon here\n'; do
		hand_over "From: x\nTo: a@example.net\n$before$name: secret@example.org,\n secret2@example.org\nSubject: x\n\nx\n" \
		    a@example.net
		check "no address of '$name' after '$before' leaves" \
		    has_not secret2*@example.org
	done
done

# --- local names elsewhere -------------------------------------------------------

hand_over 'From: x\nTo: a@example.net\nErrors-To: ops\nReturn-Receipt-To: root\nDisposition-Notification-To: <root@localhost>\nMail-Followup-To: a@example.net, root\nDelivered-To: root\nX-Original-To: root@localhost\n\nx\n' \
    a@example.net
check "Errors-To" has '^Errors-To: ops@example.org'
check "Return-Receipt-To" has '^Return-Receipt-To: admin@example.test'
check "Disposition-Notification-To" \
    has '^Disposition-Notification-To: admin@example.test'
check "Mail-Followup-To" \
    has '^Mail-Followup-To: a@example.net, admin@example.test'
check "Delivered-To and X-Original-To go" has_not '-To: root'
hand_over 'From: x\nTo: a."b".c@d.example.net, <@r.x:j @ d . example.net.>\n\nx\n' \
    -t
check "obsolete forms are written as the envelope has them" \
    has '^To: a.b.c@d.example.net, j@d.example.net'
check "  which has them so" test "$(grep '"event":"message"' "$T/mail.log" |
    tail -n 1 | jq -r '.recipients | join(" ")')" = \
    "a.b.c@d.example.net j@d.example.net"

# --- the listener ----------------------------------------------------------------

talk() { # LINES: as a small script does; prints the answers
	# shellcheck disable=SC2059	# escapes are wanted
	printf "$1" | timeout 200 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", 2525))
f = s.makefile("rb")
f.readline()
for line in sys.stdin.buffer.read().split(b"\n"):
    s.sendall(line + b"\r\n")
    if line[:4] in (b"MAIL", b"RCPT", b"DATA", b"QUIT") or line == b".":
        sys.stdout.write(f.readline().decode())
'
}
n=$(count)
check "MAIL without HELO is taken" test "$(talk 'MAIL FROM:<x@example.org>\nRCPT TO:<a@example.net>\nDATA\nSubject: no helo\n\nx\n.\nQUIT' |
    cut -c 1-3 | tr '\n' ' ')" = "250 250 354 250 221 "
check "  and sent" until_true 10 more_than "$n"
check "  with a Received field" has '(relais) with'
n=$(count)
check "an 8-bit sender that identity replaces is taken" \
    test "$(talk 'MAIL FROM:<j\366rg@example.org>\nRCPT TO:<a@example.net>\nDATA\nSubject: eight\n\nx\n.\nQUIT' |
    cut -c 1-3 | tr '\n' ' ')" = "250 250 354 250 221 "
check "  and sent" until_true 10 more_than "$n"
check "  as the account" has "<$USER_NAME>"
sed -i 's/^identity = .*/identity = keep/' "$T/home/relais.conf"
kill -HUP "$(cat "$T/home.pid")"
keeps() { talk 'MAIL FROM:<j\303\266rg@example.org>\nQUIT' |
    grep '^553 5.6.7 .*SMTPUTF8' >/dev/null; }
check "one that it keeps is refused with the reason" until_true 10 keeps
hand_over 'From: x@example.net\nSubject: null\n\nx\n' -f '<>' a@example.net
check "null_sender = no holds under identity = keep" \
    test "$(grep '"event":"message"' "$T/mail.log" | tail -n 1 |
    jq -r .sender)" = "$USER_NAME"
sandbox_done
