#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One connection that falls silent holds back no other mail: the provider does
# not answer about one message, at each stage in turn, and 20 others follow
# within a second.  They arrive within 5 s, and at most two messages "may have
# been delivered".  Then the same with all connections silent, with one
# connection only, with a server whose answers drip, and behind a connection
# that was busy before.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/bed.sh"
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
bed_enter
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
IDENTITY=keep # the provider is to know senders
CROWD=20

account_mail() {
	account mail mail.example.test 587 starttls
	printf '%s\n' "${ACCOUNT:-}"
	printf '[listen safe]\naddress = 127.0.0.1:2526\nmode = safe\n'
}
begin() { # PROVIDER-OPTION...
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	start_provider provider "$@"
	start_relaisd home < <(account_mail)
}
finish() {
	no_crash home
	stop home
	stop provider
}
# send SENDER COUNT SECONDS [BYTES]: one session each, spread over the time.
send() {
	python3 - "$@" <<-'EOF'
	import smtplib, sys, time
	sender, count, span = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
	text = "Subject: from %s\r\n\r\n" % sender
	text += "x" * 76 + "\r\n"
	if len(sys.argv) > 4:
	    text += ("x" * 76 + "\r\n") * (int(sys.argv[4]) // 78)
	begin = time.monotonic()
	for i in range(count):
	    with smtplib.SMTP("127.0.0.1", 2526, timeout=60) as s:
	        s.sendmail(sender + "@example.test",
	                   [sender + "@example.org"], text)
	    time.sleep(max(0, begin + span * (i + 1) / count - time.monotonic()))
	EOF
}
# What of the crowd has arrived; a message is known by its recipient.
arrived() {
	grep '"event":"message"' "$T/provider.log" | grep -c 'crowd@example.org'
}
has_arrived() { [ "$(arrived)" -ge "${1:-$CROWD}" ]; }
logins() { grep -c ' connected account=mail ' "$T/home.log"; }
# Messages that "may have been delivered".
uncertain() {
	{
		grep ' uncertain id=' "$T/home.log" |
		    sed 's/.* uncertain id=\([^ ]*\).*/\1/'
		relais --json queue | jq -r '.[] | select(.uncertain) | .id'
	} | sort -u | wc -l
}
# crowd NAME SECONDS: sends it, and says how long until the last has arrived.
crowd() {
	local name=$1 limit=$2 began took
	began=$(now_ms)
	send crowd $CROWD 1
	until_true $((limit + 20)) has_arrived
	took=$(($(now_ms) - began))
	if has_arrived && [ $took -le $((limit * 1000)) ]; then
		pass "$name: $CROWD of $CROWD after $took ms," \
		    "$(logins) logins, $(uncertain) uncertain"
	else
		fail "$name: $(arrived) of $CROWD after $took ms"
		show_log home
	fi
	lasted=$took
}
at_most() { # NAME COUNT
	check "$1: at most $2 may have been delivered" \
	    test "$(uncertain)" -le "$2"
}

# --- one connection of two, at each stage --------------------------------------

stage() { # NAME UNCERTAIN PROVIDER-OPTION...
	local name=$1 doubt=$2
	shift 2
	begin "$@"
	send stuck 1 0
	crowd "silent at $name" 5
	# Whatever it waits for ends here, and leaves its word in the journal.
	# One that never logged in has no message.
	[ "$(logins)" = 1 ] || {
		stop home
		run_relaisd home
		until_true 10 relais status >/dev/null 2>&1
	}
	at_most "silent at $name" "$doubt"
	finish
}
stage greeting 0 --hang greeting:1
stage EHLO 0 --hang ehlo:1
stage STARTTLS 0 --hang starttls:1
stage AUTH 0 --hang auth:1
stage MAIL 0 --hang 'mail/stuck*:1'
stage RCPT 0 --hang 'rcpt/stuck*:1'
stage DATA 0 --hide chunking --hang data:1
stage "the end" 1 --hang 'end/stuck*:1'
stage "RCPT, without pipelining" 0 --hide pipelining,chunking \
    --hang 'rcpt/stuck*:1'

# A connection that was busy a moment ago has a window.
begin --hang 'rcpt/stuck*:1'
send warm 30 1
until_true 10 drained
send stuck 1 0
send crowd $CROWD 1
# What was under way behind it stays there, and that is little.
check "silent at RCPT, behind a busy time: all but two arrive within 5 s" \
    until_true 4 has_arrived $((CROWD - 2))
note "$(arrived) of $CROWD, $(uncertain) uncertain"
at_most "silent at RCPT, behind a busy time" 2
finish

# --- all of them ----------------------------------------------------------------

begin --hang 'rcpt/stuck*:2'
send stuck 2 1
crowd "both silent at RCPT" 40
check "both silent at RCPT: 30 s are waited" test "$lasted" -ge 28000
check "both silent at RCPT: the account is not paused" \
    eval '! grep -q " paused account=mail" "$T/home.log"'
at_most "both silent at RCPT" 0
finish

ACCOUNT='max_connections = 1' begin --hang 'body/stuck*:1'
send stuck 1 0 30000000
crowd "one connection, silent in the body" 45
at_most "one connection, silent in the body" 0
finish

# --- answers that drip ------------------------------------------------------------

# A server in clear.  On its first connection the answer to RCPT comes byte by
# byte and never ends; on others all is well.
cat >"$T/drip.py" <<'EOF'
import json, socket, threading, time
first = True
def serve(conn, drips):
    f = conn.makefile("rb")
    def say(text):
        conn.sendall(text.encode() + b"\r\n")
    say("220 drip.test")
    rcpt = ""
    while True:
        line = f.readline().decode("latin-1").strip()
        verb = line.upper()[:4]
        if not line:
            return
        if verb == "RCPT":
            rcpt = line[line.index("<") + 1:line.index(">")]
            if drips:
                conn.sendall(b"250-")
                while True:
                    time.sleep(0.2)
                    conn.sendall(b"x")
        if verb == "EHLO":
            say("250-drip.test\r\n250-PIPELINING\r\n250 CHUNKING")
            continue
        if verb == "BDAT":
            f.read(int(line.split()[1]))
            print('{"event":"message","recipients":["%s"]}' % rcpt, flush=True)
        say("221 bye" if verb == "QUIT" else "250 ok")
def main():
    global first
    s = socket.create_server(("127.0.0.1", 587), backlog=16)
    print("ready", flush=True)
    while True:
        conn, _ = s.accept()
        threading.Thread(target=serve, args=(conn, first), daemon=True).start()
        first = False
main()
EOF
rm -rf "${T:?}/home" "$T/home.log"
: >"$T/provider.log"
start provider python3 "$T/drip.py"
until_true 10 grep -q ready "$T/provider.log"
start_relaisd home < <(account_mail |
    sed -e 's/^host = .*/host = 127.0.0.1/' -e 's/^tls = .*/tls = off/' \
	-e '/^user = /d' -e '/^password_file/d' -e '/^tls_ca_file/d')
send stuck 1 0
crowd "the answer to RCPT drips" 5
at_most "the answer to RCPT drips" 0
finish
bed_done
