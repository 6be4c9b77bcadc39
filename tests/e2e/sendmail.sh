#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sendmail(8) byte by byte, against a throw-away server that keeps what it gets:
# the header, the envelope, the dots, the exit codes at every stage, and where a
# message goes when nobody answers.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need /usr/bin/python3 setpriv unshare
[ -x "$top_builddir/sendmail" ] || skip_all "sendmail is not built"
sandbox_enter

SENDMAIL=$top_builddir/sendmail
HOST=$(hostname)
chmod 755 "$T"

# --- the server ---------------------------------------------------------------

# sink ADDRESS [RULE...]: a new, empty server; what was there before is gone.
sink() {
	local address=$1
	shift
	stop sink
	rm -rf "$T/got" "$T/sock" /run/relais
	mkdir -p "$T/got" /run/relais
	chmod 777 "$T/got"
	start sink /usr/bin/python3 "$srcdir/tests/lib/sink.py" "$address" \
	    "$T/got" "$@"
	case $address in
	/*) until_true 10 test -S "$address" ;;
	*) until_true 10 port_open 127.0.0.1 "$address" ;;
	esac || { fail "the server does not start"; show_log sink; exit 1; }
}
# mail ARGUMENT...: sendmail on the message in $T/in; status and stderr kept.
mail() {
	RELAIS_SOCKET=$T/sock "$SENDMAIL" "$@" <"$T/in" >"$T/out" 2>"$T/err"
	status=$?
}
# shellcheck disable=SC2059 # the text is a format
message() { printf "$1" >"$T/in"; }

# is NAME STATUS: the exit status, and that a failure said why in one line.
is() {
	local name=$1 want=$2
	if [ "$status" != "$want" ]; then
		fail "$name: exit status $status, not $want: $(cat "$T/err")"
	elif [ "$want" = 0 ] && [ -s "$T/err" ]; then
		fail "$name: said $(cat "$T/err")"
	elif [ "$want" != 0 ] && ! grep -q '^sendmail: .' "$T/err"; then
		fail "$name: no sentence on stderr"
	elif LC_ALL=C grep -q '[^[:print:][:space:]]' "$T/err"; then
		fail "$name: control characters on stderr"
	else
		pass "$name"
	fi
}
# got NAME N FORMAT: message N is exactly this, LF as CRLF.
got() {
	# shellcheck disable=SC2059 # here too
	printf "$3" "$HOST" | sed 's/$/\r/' >"$T/want"
	if cmp -s "$T/want" "$T/got/$2.mail"
	then pass "$1"
	else fail "$1"; diff "$T/want" "$T/got/$2.mail" | cat -A | sed 's/^/     | /'
	fi
}
# said NAME N PATTERN: a command of message N.
said() {
	check "$1" grep -qE "^$3"$'\r'"?\$" "$T/got/$2.said"
}
nothing_arrived() { rmdir "$T/got" && mkdir -m 777 "$T/got"; }

# --- the message --------------------------------------------------------------

sink "$T/sock"
message 'To: a@x.org,\n b@x.org (B)\nBcc: c@x.org,\n\td@x.org\nFrom: f@x.org\nbcc:\n e@x.org\n\nBcc: stays\n'
mail -t
is "-t takes a message" 0
got "folded Bcc is gone and the body stays" 1 \
    'To: a@x.org,\n b@x.org (B)\nFrom: f@x.org\n\nBcc: stays\n'
for who in a b c d e; do
	said "$who gets it" 1 "RCPT TO:<$who@x.org>"
done

message 'Resent-To: new@x.org\nResent-Bcc: hid@x.org\nResent-From: r@x.org\nResent-To: old@x.org\nTo: a@x.org\nFrom: f@x.org\n\nx\n'
mail -t
is "-t takes a resent message" 0
said "the newest Resent-To gets it" 2 "RCPT TO:<new@x.org>"
said "Resent-Bcc gets it" 2 "RCPT TO:<hid@x.org>"
check "nobody else does" sh -c "! grep -qE 'old@|<a@' '$T/got/2.said'"
got "Resent-Bcc is gone" 2 'Resent-To: new@x.org\nResent-From: r@x.org\nResent-To: old@x.org\nTo: a@x.org\nFrom: f@x.org\n\nx\n'

message 'From: f@x.org\n\n.\n..\n.x\nend'
mail -i a@x.org
is "-i takes a message" 0
got "with -i a lone dot is text, dots survive, the last line is ended" 3 \
    'From: f@x.org\n\n.\n..\n.x\nend\n'
message 'From: f@x.org\n\none\n.\ntwo\n'
mail a@x.org
got "without -i a lone dot is the end" 4 'From: f@x.org\n\none\n'
mail -oi a@x.org
got "-oi is -i" 5 'From: f@x.org\n\none\n.\ntwo\n'

message 'just text\n'
mail a@x.org
got "no header: From and an empty line are added" 6 \
    'From: root <root@%s>\n\njust text\n'
said "the sender is the caller" 6 "MAIL FROM:<root@$HOST>.*"
message ''
mail -F 'A, "B" \ C' a@x.org
got "-F is quoted" 7 'From: "A, \\"B\\" \\\\ C" <root@%s>\n\n'
mail -F $'x\nBcc: evil@x.org\r\n\r\nbody' a@x.org
check "R14: a line end in -F starts no field" \
    sh -c "! grep -qiE '^(bcc|body)' '$T/got/8.mail'"
mail -F 'Zoë' a@x.org
got "-F in UTF-8 is encoded" 9 'From: =?utf-8?q?Zo=C3=AB?= <root@%s>\n\n'
message 'a\r\nb\rc\n'
mail -f f@x.org a@x.org
got "every kind of line end becomes CRLF" 10 \
    'From: root <f@x.org>\n\na\nb\nc\n'

# --- the envelope -------------------------------------------------------------

sink "$T/sock"
message 'From: f@x.org\n\nx\n'
n=0
sender() { # GIVEN WANTED
	n=$((n + 1))
	mail -f "$1" a@x.org
	said "-f '$1' is <$2>" $n "MAIL FROM:<$2>.*"
}
sender s@x.org s@x.org
sender '' ''
sender '<>' ''
sender '<s@x.org>' s@x.org
sender 'Some One <s@x.org>' s@x.org
sender root "root@$HOST"
mail -odi -a work -N success,delay -R hdrs -V 'a=b +c' -- a@x.org 'B <b@x.org>, c@x.org'
n=$((n + 1))
said "DSN wishes and the mode travel" $n \
    'MAIL FROM:<.*> SIZE=[0-9]+ RET=HDRS ENVID=a\+3Db\+20\+2Bc XMODE=verdict XACCOUNT=work'
said "names and lists are understood" $n 'RCPT TO:<b@x.org> NOTIFY=SUCCESS,DELAY'
said "behind -- stand addresses" $n 'RCPT TO:<a@x.org> NOTIFY=SUCCESS,DELAY'
mail a@x.org A@x.org a@X.ORG a@x.org
n=$((n + 1))
check "who is named twice gets it once" \
    test "$(grep -c RCPT "$T/got/$n.said")" = 2
message 'From: f@x.org\n\nna\xc3\xafve\n'
mail "$(printf 'j\xc3\xb6@x.org')"
is "an address in UTF-8 is taken" 0
said "8-bit content and UTF-8 addresses are announced" $((n + 1)) \
    'MAIL FROM:<.*> SIZE=[0-9]+ BODY=8BITMIME SMTPUTF8'

# Nothing of these ever reaches the server.
sink "$T/sock"
refused() { # NAME STATUS ARGUMENT...
	local name=$1 want=$2
	shift 2
	mail "$@"
	is "$name" "$want"
	check "  and nothing was sent" nothing_arrived
}
message 'To: a@x.org\n\nx\n'
refused "a line end in an address is refused" 65 $'a@x.org\nRCPT TO:<b@x.org>'
refused "an address that begins with - is refused" 64 -- -oQ@x.org
refused "options behind addresses are refused" 64 a@x.org -f b@x.org
refused "a line end in -f is refused" 64 -f $'a@x.org>\nDATA' a@x.org
refused "no recipients" 64
refused "-bd says what to use" 64 -bd
check "  by name" grep -q 'relaisd' "$T/err"
message 'Subject: x\n\nx\n'
refused "-t without recipients in the header" 64 -t
message 'To: -x@x.org\n\nx\n'
refused "-t with an address like an option" 65 -t
# A damaged list: nobody, so that whoever mends it and tries again does not send
# twice to the others.
for list in 'bob[@y.example' '"Joe <b@x.org>' '(b@x.org' 'b@x.org c@x.org' \
    '<b@x.org> <c@x.org>' '<b@x.org' 'b@@x.org' 'b@x..org' 'b@x!org' '"b' 'a b'; do
	for field in To Cc Bcc; do
		message "From: f@x.org\nTo: a@x.org\n$field: d@x.org, $list, e@x.org\n\nx\n"
		refused "-t, $field with $list" 65 -t
		refused "  and with recipients beside it" 65 -t g@x.org
	done
	check "  which is named" grep -qF -e "\"$list\"" -e "\"${list##* }\"" "$T/err"
	message 'From: f@x.org\nTo: a@x.org\n\nx\n'
	refused "a recipient $list" 65 a@x.org "$list" e@x.org
	refused "  in a list" 65 "a@x.org, $list, e@x.org"
	refused "  and beside -t" 65 -t "$list"
	check "  which is named" grep -qF -e "\"$list\"" -e "\"${list##* }\"" "$T/err"
done
refused "a giant option" 64 -F "$(head -c 5000 /dev/zero | tr '\0' x)" a@x.org

# R17: no option opens a file.
message 'From: f@x.org\n\nx\n'
n=0
for option in -X"$T/x" "-X $T/x" -C"$T/x" "-C $T/x" "-oQ$T/x" "-O QueueDirectory=$T/x" \
    "-D$T/x" "-d0-99.1" -Am "-Ac" "-L tag" "-p ESMTP:h" "-h 5" -G -U -m -n -x -s -oem; do
	# shellcheck disable=SC2086
	mail $option a@x.org
	n=$((n + 1))
	[ "$status" = 0 ] || fail "$option: $(cat "$T/err")"
done
check "R17: options of history are ignored and no file appears" test ! -e "$T/x"
check "  and every message arrived" test -f "$T/got/$n.mail"

# --- refusals, at every stage -------------------------------------------------

message 'From: f@x.org\nTo: a@x.org\n\nx\n'
stage() { # STATUS RULE... : to one recipient
	local want=$1
	shift
	sink "$T/sock" "$@"
	mail a@x.org
	is "$* gives $want" "$want"
	check "  and nothing arrived" nothing_arrived
}
stage 77 'greeting=554 5.7.1 not you'
stage 69 'mail=550 5.5.0 no'
stage 77 'mail=550 5.7.1 not you'
stage 75 'mail=451 4.3.0 later'
stage 67 'rcpt=550 5.1.1 nobody'
stage 67 'rcpt=550 nobody'
stage 75 'rcpt=450 4.2.0 later'
stage 69 'data=554 5.5.0 no'
stage 75 'data=451 4.3.0 later'
stage 65 'end=554 5.6.0 no such content'
stage 77 'end=550 5.7.1 spam'
stage 75 'end=452 4.3.1 full'
stage 75 'greeting=421 4.3.2 busy'
stage 75 greeting=close
stage 75 mail=close
stage 75 rcpt=close
stage 75 data=close
stage 75 end=close
check "the server's words are shown" grep -q 'sendmail: a@x.org: 550 5.1.1 nobody' <(
	sink "$T/sock" 'rcpt=550 5.1.1 nobody'; mail a@x.org; cat "$T/err")
sink "$T/sock" 'rcpt=550 5.1.1 '$'\033[31mred'
mail a@x.org
is "R79: what a terminal would obey is not shown" 67

sink "$T/sock" 'rcpt:b@x.org=550 5.1.1 nobody'
mail a@x.org b@x.org c@x.org
is "one bad recipient of three is told" 67
said "and the others get it" 1 'RCPT TO:<c@x.org>'
sink "$T/sock" max=2
mail a@x.org b@x.org c@x.org d@x.org e@x.org
is "more recipients than fit at once are sent in turns" 0
check "  three of them" test -f "$T/got/3.mail"
check "  and nobody is forgotten" sh -c "cat '$T'/got/*.said | grep -o '[a-e]@x.org' |
    sort -u | wc -l | grep -qx 5"
sink "$T/sock" plain
mail -N never -odb a@x.org b@x.org
is "a server without extensions is spoken to plainly" 0
said "  no parameter" 1 'MAIL FROM:<[^ ]*>'
sink "$T/sock" 'ehlo=502 5.5.1 what'
mail a@x.org
is "a server that knows HELO only is served" 0
mail -a work a@x.org
is "-a goes to no server that cannot choose the account" 75

# relaisd, by its greeting: everything in one flight, and every answer means what
# it meant.
stage 77 relaisd 'greeting=554 5.7.1 not you'
stage 69 relaisd 'mail=550 5.5.0 no'
stage 77 relaisd 'mail=550 5.7.1 not you'
stage 75 relaisd 'mail=451 4.3.0 later'
stage 67 relaisd 'rcpt=550 5.1.1 nobody'
stage 75 relaisd 'rcpt=450 4.2.0 later'
stage 65 relaisd 'end=554 5.6.0 no such content'
stage 75 relaisd 'end=452 4.3.1 full'
stage 75 relaisd 'greeting=421 4.3.2 busy'
stage 69 relaisd 'ehlo=501 5.5.4 want a host name'
for at in greeting ehlo mail rcpt end; do
	stage 75 relaisd $at=close
	stage 75 relaisd "$at=421 4.3.2 stopping"
done
mkdir -m 1733 "$T/lost"
sink "$T/sock" relaisd end=close
RELAIS_DROP=$T/lost mail a@x.org
is "one flight: an answer that was lost: the drop folder keeps it" 0
sink "$T/sock" relaisd 'rcpt=421 4.3.2 stopping'
RELAIS_DROP=$T/lost mail a@x.org
is "one flight: 421 in the middle: the drop folder keeps it" 0
check "  both" test "$(find "$T/lost" -type f | wc -l)" = 2
sink "$T/sock" relaisd
message 'From: f@x.org\n\n.\n..\nBDAT 5\nna\xc3\xafve\n'
mail -i -odq -N never a@x.org
is "one flight takes a message" 0
got "  byte by byte" 1 'From: f@x.org\n\n.\n..\nBDAT 5\nna\xc3\xafve\n'
said "  with every parameter" 1 \
    'MAIL FROM:<root@.*> SIZE=[0-9]+ BODY=8BITMIME XMODE=queue'
mail -i "$(printf 'j\xc3\xb6@x.org')" b@x.org
said "  and to addresses in UTF-8" 2 'MAIL FROM:<.*> SIZE=[0-9]+ BODY=8BITMIME SMTPUTF8'
sink "$T/sock" relaisd 'rcpt:b@x.org=550 5.1.1 nobody'
mail a@x.org b@x.org c@x.org
is "one flight: one bad recipient of three is told" 67
said "and the others get it" 1 'RCPT TO:<c@x.org>'
sink "$T/sock" relaisd max=2
mail a@x.org b@x.org c@x.org d@x.org e@x.org
is "one flight: those who were too many come again" 0
check "  in three turns" test -f "$T/got/3.mail"
check "  and nobody is forgotten" sh -c "cat '$T'/got/*.said | grep -o '[a-e]@x.org' |
    sort -u | wc -l | grep -qx 5"

sink "$T/sock"
mail -v a@x.org
check "-v prints the queue id" grep -q 'SINK1 queued' "$T/err"
mail -bv a@x.org b@x.org
check "-bv asks about each" test "$(grep -c ': 250 ' "$T/err")" = 2
check "  and sends nothing" test ! -e "$T/got/2.mail"
printf 'EHLO me\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n.dot\r\n.\r\nQUIT\r\n' >"$T/in"
mail -bs
check "-bs speaks SMTP" grep -q '^221' "$T/out"
check "  byte by byte" cmp -s "$T/got/2.mail" <(printf 'dot\r\n')
tr -d '\r' <"$T/in" >"$T/lf"
mv "$T/lf" "$T/in"
mail -bs
check "-bs takes lines that end with LF" cmp -s "$T/got/3.mail" \
    <(printf 'dot\r\n')
printf 'EHLO me\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\na\n.\nb\r\n.\r\nQUIT\r\n' >"$T/in"
mail -bs
check "  but repairs none for who speaks CR LF" grep -q b "$T/got/4.mail"

head -c 15000000 /dev/urandom | base64 >"$T/in"
mail a@x.org
is "a message of 20 MB is taken" 0
check "  whole" test "$(tr -d '\r' <"$T/got/5.mail" | tail -n +3 | cksum)" = \
    "$(cksum <"$T/in")"

# --- where to -----------------------------------------------------------------

message 'From: f@x.org\nTo: a@x.org\n\nx\n'
bare() { # ARGUMENT...: without RELAIS_SOCKET
	"$SENDMAIL" "$@" <"$T/in" >"$T/out" 2>"$T/err"
	status=$?
}
sink /run/relais/smtp.sock
bare a@x.org
is "the machine's socket is found" 0
check "  and used" test -f "$T/got/1.mail"

sink /run/relais/smtp.sock
mkdir -p "$T/runtime/relais"
chown -R alice "$T/runtime"
cp "$T/in" "$T/in.alice"
start own setpriv --reuid alice --clear-groups /usr/bin/python3 \
    "$srcdir/tests/lib/sink.py" "$T/runtime/relais/smtp.sock" "$T/runtime"
until_true 10 test -S "$T/runtime/relais/smtp.sock"
XDG_RUNTIME_DIR=$T/runtime setpriv --reuid alice --clear-groups \
    "$SENDMAIL" a@x.org <"$T/in"
check "the caller's own daemon comes first" test -f "$T/runtime/1.mail"
XDG_RUNTIME_DIR=$T/runtime "$SENDMAIL" a@x.org <"$T/in"
check "but never that of another user" test -f "$T/got/1.mail"
stop own

# A set-uid program that sends mail runs us with its own rights and with the
# environment of whoever called it.
cp "$SENDMAIL" "$T/setuid"
chmod 4755 "$T/setuid"
sink /run/relais/smtp.sock
chmod 666 /run/relais/smtp.sock
start own setpriv --reuid alice --clear-groups /usr/bin/python3 \
    "$srcdir/tests/lib/sink.py" "$T/runtime/trap" "$T/runtime"
until_true 10 test -S "$T/runtime/trap"
rm -f "$T/runtime/"*.mail
for name in RELAIS_SOCKET XDG_RUNTIME_DIR RELAIS_DROP; do
	rm -f "$T/got/"*.mail
	env "$name=$T/runtime/trap" setpriv --reuid alice --clear-groups \
	    "$T/setuid" a@x.org <"$T/in" 2>"$T/err"
	check "set-uid: $name is ignored" test -n "$(ls "$T/got/")"
done
check "  and the mail went nowhere else" test ! -e "$T/runtime/1.mail"
stop own

sink 25
bare a@x.org
is "without a socket localhost:25 is used" 0
# Two places: where the first has the whole message and its answer is lost, it goes
# to no second one.
stop sink
start own /usr/bin/python3 "$srcdir/tests/lib/sink.py" 25 "$T/runtime"
rm -f "$T/runtime/"*.mail
until_true 10 port_open 127.0.0.1 25
for kind in relaisd another; do
	sink /run/relais/smtp.sock "$kind" end=close
	bare a@x.org
	is "$kind: an answer that was lost: the next place is not asked" 75
	check "  and has nothing" test ! -e "$T/runtime/1.mail"
done
sink /run/relais/smtp.sock mail=close
bare a@x.org
is "lost before the message has left: the next place" 0
check "  has it" test -e "$T/runtime/1.mail"
stop own
sink 2600
RELAIS_SMTP=127.0.0.1:2600 bare a@x.org
is "RELAIS_SMTP names another host and port" 0
stop sink
rm -rf /run/relais

mkdir -m 1733 "$T/drop"
start_s=$SECONDS
mail a@x.org
is "nobody there and no drop folder: exit 75" 75
RELAIS_DROP=$T/drop mail -f s@x.org a@x.org b@x.org
is "the drop folder takes it" 0
f=$(ls "$T"/drop/* 2>/dev/null)
check "  one file" test -f "$f"
check "  with the envelope and the message" sh -c "grep -q 's@x.org' '$f' &&
    grep -q 'b@x.org' '$f' && grep -q '^x' '$f'"
rm -rf "$T/drop"
RELAIS_DROP=$T/drop mail a@x.org
is "a drop folder that is not there: exit 75" 75
# For an answer or a connection that does not come it is 10 s or 30 s each.
check "nobody waited long" test $((SECONDS - start_s)) -lt 25
mkdir -m 1733 "$T/drop"
sink "$T/sock" end=close
RELAIS_DROP=$T/drop mail a@x.org
is "an answer that was lost: the drop folder keeps it" 0
stop sink
# A socket nobody listens on: the daemon restarts.
/usr/bin/python3 -c 'import socket,sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/sock2"
sink "$T/sock3"
(sleep 0.5 && mv -f "$T/sock3" "$T/sock2") &
RELAIS_SOCKET=$T/sock2 bare a@x.org
is "a daemon that restarts is waited for" 0
wait $!
stop sink

# --- hard places --------------------------------------------------------------

sink "$T/sock"
chmod 777 "$T/sock"
cat >"$T/hard" <<-END
	mount -o remount,bind,ro / 2>/dev/null || mount -o bind,ro / /
	exec setpriv --no-new-privs --reuid alice --regid alice --clear-groups \
	    --bounding-set=-all "$SENDMAIL" -t <"$T/in"
END
RELAIS_SOCKET=$T/sock unshare -m sh "$T/hard" >"$T/out" 2>"$T/err"
status=$?
is "read-only file system, no new privileges, an ordinary user" 0
check "  with the user's name" grep -q 'alice@' "$T/got/1.said"
env -i RELAIS_SOCKET="$T/sock" setpriv --reuid 54321 --regid 54321 \
    --clear-groups "$SENDMAIL" -t <"$T/in" 2>"$T/err"
status=$?
is "a user without a name" 0
RELAIS_SOCKET=$T/sock "$SENDMAIL" a@x.org <&- >&- 2>"$T/err"
status=$?
is "a closed standard input is no empty message" 74
check "  which is said" grep -q 'standard input is closed' "$T/err"
RELAIS_SOCKET=$T/sock "$SENDMAIL" a@x.org </dev/null >&- 2>&-
status=$?
: >"$T/err"
is "the other descriptors may be closed" 0
got "  and an empty message is one" 3 'From: root <root@%s>\n\n'
# shellcheck disable=SC2046
mail $(seq -f '%.0f@x.org' 1 3000)
is "3000 recipients on the command line" 0
check "  all of them" test "$(cat "$T/got"/[4-9]*.said | grep -c RCPT)" = 3000
RELAIS_SOCKET=$T/sock timeout 100 "$SENDMAIL" a@x.org <"$T" 2>"$T/err"
status=$?
is "a message that cannot be read" 74
for name in mailq newaliases; do ln -sf "$SENDMAIL" "$T/$name"; done
"$T/newaliases" >"$T/out" 2>"$T/err"
status=$?
is "newaliases is content" 0
RELAIS_CONTROL=$T/none "$T/mailq" >"$T/out" 2>"$T/err"
check "mailq without a daemon is unavailable" test $? = 69
check "mailq asks relais, which says that no daemon runs" \
    grep -q 'cannot connect to relaisd' "$T/err"
RELAIS_CONTROL=$T/none "$SENDMAIL" -q >"$T/out" 2>"$T/err"
check "so is -q" test $? = 69
echo 'this is no alias' >/etc/aliases
"$T/newaliases" >"$T/out" 2>"$T/err"
check "newaliases refuses a wrong line" test $? = 65
sandbox_done
