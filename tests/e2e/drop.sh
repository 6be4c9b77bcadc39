#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# drop.sh - mail handed to sendmail while no daemon runs is not lost: it waits
# in the drop folder and goes when relaisd is back, under its owner's name.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3
sandbox_enter
start_provider mail
conf() { account mail mail.example.test 587 starttls; }
start_relaisd home < <(conf)
stop home
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_DROP=$T/home/spool/drop
export RELAIS_SMTP=127.0.0.1:2525
printf 'Subject: from the drop folder\n\nhello\n' >"$T/m"
chmod 644 "$T/m"
check "sendmail exits 0 without a daemon" \
    "$top_builddir/sendmail" -f relay@example.test to@example.test <"$T/m"
check "the message is in the drop folder" \
    test "$(find "$RELAIS_DROP" -type f | wc -l)" = 1
said=$( (ulimit -f 0; exec "$top_builddir/sendmail" to@example.test) <"$T/m" 2>&1)
status=$?
check "a file may not grow (ulimit -f): exit $status, in one sentence" eval \
    '[ $status = 75 ] && [ "$(wc -l <<<"$said")" = 1 ]'
note "$said"
check "  and nothing is left behind" \
    test "$(find "$RELAIS_DROP" -type f | wc -l)" = 1

# What others put there: first a file like sendmail's, but with line ends and
# words of their own, for which the checksums are made anew.
cat >"$T/forge.py" <<'EOF'
import re, sys, zlib
source, target, message = sys.argv[1:4]
text = open(source, "rb").read()
message = message.encode("latin-1").decode("unicode_escape").encode("latin-1")
head = text[: text.index(b"sum: ")]
head = re.sub(rb"\nsize: \d+", b"\nsize: %d" % len(message), head)
for change in sys.argv[4:]:
    old, new = change.split("=>", 1)
    head = head.replace(old.encode(), new.encode())
with open(target, "wb") as f:
    f.write(head + b"sum: %08x\n\n" % zlib.crc32(head) + message)
    f.write(b"end %d %08x\n" % (len(message), zlib.crc32(message)))
EOF
model=$(find "$RELAIS_DROP" -type f)
forge() { # NAME MESSAGE [OLD=>NEW]...
	local name=$1
	shift
	python3 "$T/forge.py" "$model" "$RELAIS_DROP/$name" "$@"
}
forge aaaaaaaaaaaaaaaa 'Subject: forged\nX: y\n\nx\n.\nQUIT\r.\rz\r\n'
forge bbbbbbbbbbbbbbbb 'Subject: nul\r\n\r\na\x00b\r\n'
forge cccccccccccccccc 'Subject: rcpt\r\n\r\nx\r\n' \
    'to@example.test=>to@example.test> NOTIFY=NEVER'
ln -s /etc/passwd "$RELAIS_DROP/0123456789abcdef0123456789abcdef"
mkfifo "$RELAIS_DROP/1123456789abcdef0123456789abcdef"
echo nonsense >"$RELAIS_DROP/2123456789abcdef0123456789abcdef"

run_relaisd home
wait_port home 127.0.0.1 2525
taken() { [ "$(grep -c '"event":"message"' "$T/mail.log")" = 3 ]; }
check "relaisd takes it in and sends it" until_true 15 taken
forged=$(grep -l '^Subject: forged' "$T"/mail/*.eml)
check "line ends of others are repaired" test \
    "$(tr -dc '\r' <"$forged" | wc -c)" -eq "$(tr -dc '\n' <"$forged" | wc -c)"
check "and what looked like a command is content" grep -q '^QUIT' "$forged"
check "a NUL is replaced, and the message sent" grep -q '^a?b' \
    "$(grep -l '^Subject: nul' "$T"/mail/*.eml)"
check "and that is logged" grep -q 'repaired .*NUL bytes replaced' "$T/home.log"
check "an address that says more than itself, too" until_true 5 \
    grep -q 'contains an invalid address or parameter' "$T/home.log"
check "  which is kept" test "$(find "$T/home/spool/corrupt" -type f | wc -l)" -eq 1
check "its owner is the submitter" \
    grep -q 'picked-up .*uid=0 user=root' "$T/home.log"
gone() { ! grep -rlq '^relais-drop 1' "$RELAIS_DROP"/*-* "$RELAIS_DROP" \
    --devices=skip 2>/dev/null; }
check "the file is gone, what others put there is left alone" until_true 5 gone
check "the daemon is up and sends more" eval \
    'unset RELAIS_DROP; "$top_builddir/sendmail" -f relay@example.test to@example.test <"$T/m"'

# --- a caller in a cage ---------------------------------------------------------

# As systemd's NoNewPrivileges=, ProtectSystem=strict and CapabilityBoundingSet=
# make it: no file system can be written to but WRITABLE, if it is given.
cat >"$T/cage" <<-'EOF'
	[ -z "$1" ] || mount --bind "$1" "$1"
	for m in $(awk '{ print $5 }' /proc/self/mountinfo | sort -r); do
		[ "$m" = "$1" ] || mount -o remount,bind,ro "$m" 2>/dev/null
	done
	if touch /etc/x "$T/x" /tmp/x /dev/shm/x 2>/dev/null; then exit 99; fi
	shift
	exec setpriv --no-new-privs --reuid alice --regid alice --clear-groups \
	    --bounding-set=-all --inh-caps=-all "$@"
EOF
export T
caged() { # WRITABLE SUBJECT [BYTES]: exit status of sendmail
	{
		printf 'Subject: %s\n\n' "$2"
		head -c "${3:-20}" /dev/zero | tr '\0' x | fold -w 70
		echo
	} >"$T/m"
	env -u RELAIS_DROP ${1:+RELAIS_DROP="$1"} RELAIS_SMTP=127.0.0.1:2525 \
	    unshare -m sh "$T/cage" "$1" "$top_builddir/sendmail" \
	    -f relay@example.test to@example.test <"$T/m" 2>"$T/caged.err"
}
export RELAIS_SOCKET=$T/home/smtp.sock
check "no new privileges, nothing to write to: sendmail hands over" \
    caged "" "from the cage"
check "and it arrives" until_true 15 has_mail mail "from the cage"
check "so does one of 8 MB" eval 'caged "" "large, from the cage" 8000000 &&
    until_true 20 has_mail mail "large, from the cage"'
stop home
export RELAIS_DROP=$T/home/spool/drop
caged "$RELAIS_DROP" "from the cage, later"
check "the daemon is down, only its drop folder can be written to: exit $?" \
    [ "$(find "$RELAIS_DROP" -type f -user alice | wc -l)" = 1 ]
env RELAIS_DROP="$RELAIS_DROP" RELAIS_SMTP=127.0.0.1:2525 \
    unshare -m sh "$T/cage" "" "$top_builddir/sendmail" \
    -f relay@example.test to@example.test <"$T/m" 2>"$T/caged.err"
status=$?
check "not even that: exit $status, in one sentence" \
    eval '[ $status = 75 ] && [ "$(wc -l <"$T/caged.err")" = 1 ]'
note "$(cat "$T/caged.err")"
run_relaisd home
wait_port home 127.0.0.1 2525
check "what waited arrives when relaisd is back" \
    until_true 20 has_mail mail "from the cage, later"
[ "$sandbox_bad" = 0 ] || show_log home
sandbox_done
