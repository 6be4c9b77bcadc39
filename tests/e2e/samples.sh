#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every sample message of tests/corpus/intake, three ways in: sendmail, SMTP and
# the drop folder.  Each arrives, as the same message whichever way it took, and
# no address of a Bcc leaves with it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 jq
sandbox_enter
start_provider mail
start_relaisd home < <(
	echo "max_equal = 0" # the same message comes three times
	account mail mail.example.test 587 starttls
)
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
samples=("$srcdir"/tests/corpus/intake/*.eml)
check "there are samples" test "${#samples[@]}" -ge 60

# A mail through each door; the recipient says which sample and which door.
cat >"$T/smtp.py" <<'EOF'
import socket, sys
text = open(sys.argv[1], "rb").read()
# As a client would: CRLF, dots doubled.
lines = text.replace(b"\r\n", b"\n").split(b"\n")
if lines[-1] == b"":
    lines.pop()
s = socket.create_connection(("127.0.0.1", 2525), 20)
f = s.makefile("rb")
def said(want):
    while True:
        line = f.readline()
        if line[3:4] != b"-":
            break
    if not line.startswith(want):
        sys.exit("%s: %s" % (sys.argv[1], line))
said(b"220")
for command, want in ((b"EHLO x", b"250"), (b"MAIL FROM:<root>", b"250"),
                      (b"RCPT TO:<%s>" % sys.argv[2].encode(), b"250"),
                      (b"DATA", b"354")):
    s.sendall(command + b"\r\n")
    said(want)
for line in lines:
    s.sendall((b"." if line[:1] == b"." else b"") + line + b"\r\n")
s.sendall(b".\r\n")
said(b"250")
EOF
refused=0
for i in "${!samples[@]}"; do
	"$top_builddir/sendmail" -odq -i "$i-sendmail@example.org" <"${samples[i]}" ||
	    refused=$((refused + 1))
	python3 "$T/smtp.py" "${samples[i]}" "$i-smtp@example.org" ||
	    refused=$((refused + 1))
done
stop home
export RELAIS_DROP=$T/home/spool/drop
# Each waits two seconds for a daemon that restarts.
dropping=()
for i in "${!samples[@]}"; do
	RELAIS_SOCKET=$T/none "$top_builddir/sendmail" -i "$i-drop@example.org" \
	    <"${samples[i]}" &
	dropping+=($!)
done
for pid in "${dropping[@]}"; do
	wait "$pid" || refused=$((refused + 1))
done
check "all of them are accepted, by each door" test $refused = 0
run_relaisd home
all=$((3 * ${#samples[@]}))
arrived() { find "$T/mail" -name '*.eml' | wc -l; }
until_true 20 eval 'relais status >/dev/null 2>&1'
relais flush >/dev/null
until_true 60 eval '[ "$(arrived)" -ge $all ]'
check "all $all arrive" test "$(arrived)" = $all

cat >"$T/compare.py" <<'EOF'
import glob, os, re, sys
store, names = sys.argv[1], [os.path.basename(n) for n in sys.argv[2:]]
got = {}
for path in glob.glob(store + "/*.eml"):
    env = open(path[:-3] + "env", "rb").read().decode("latin-1")
    key = re.search(r"(\d+)-(sendmail|smtp|drop)@example", env)
    got[int(key[1]), key[2]] = open(path, "rb").read()
# What differs by the door or by the moment.
VARIES = re.compile(rb"(received|date|message-id|resent-date|resent-message-id|"
                    rb"(resent-)?from|sender|reply-to)\s*:", re.I)
def split(message):
    head, _, body = message.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", head)
    return sorted(f for f in fields if not VARIES.match(f)), body
bad = 0
for i, name in enumerate(names):
    ways = [split(got[i, way]) for way in ("sendmail", "smtp", "drop")]
    if ways[0] != ways[1] or ways[0] != ways[2]:
        bad += 1
        print("%s: the doors differ" % name)
        for w in ways:
            print("    %r" % (w,) if len(repr(w)) < 900 else "    (long)")
    for way in "sendmail", "smtp", "drop":
        m = got[i, way]
        head = m.partition(b"\r\n\r\n")[0]
        wrong = [why for why, is_so in (
            ("a NUL", b"\0" in m),
            ("a bare CR or LF", re.search(rb"\r(?!\n)|(?<!\r)\n", m)),
            ("a line over 998", any(len(l) > 998 for l in m.split(b"\r\n"))),
            ("8 bits in the header", any(c > 127 for c in head)),
            ("a Bcc", re.search(rb"^(resent-)?bcc\b", head, re.I | re.M)),
            ("a hidden address", b"hidden" in head and b"bcc" in name.encode()),
            ("not one From", len(re.findall(rb"^from:", head, re.I | re.M)) != 1),
            ("not one Date", len(re.findall(rb"^date:", head, re.I | re.M)) != 1),
        ) if is_so]
        if wrong:
            bad += 1
            print("%s by %s: %s" % (name, way, ", ".join(wrong)))
sys.exit(bad > 0)
EOF
check "each is the same message, and a sound one, whichever way it came" \
    python3 "$T/compare.py" "$T/mail" "${samples[@]}"
no_crash home
sandbox_done
