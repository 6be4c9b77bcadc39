#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One connection that falls silent holds back no other mail: the provider does
# not answer about one message, at each stage in turn, and ten others follow
# within a second.  They arrive long before the silent one is given up, and at
# most two messages "may have been delivered".  Then the same with all
# connections silent, with one connection only, with a server whose answers
# drip, and behind a connection that was busy before.
#
# Each of these is a world of its own, with its own provider and relaisd, and
# several are there at once, for all of them mostly wait.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/worlds.sh"
need python3 certtool jq
sandbox_enter
IDENTITY=keep # the provider is to know senders
CROWD=10
# A silent connection is given up after 30 s or more.
SOON=25
sandbox_secrets

# send SENDER COUNT SECONDS [BYTES]: one session each, spread over the time.
send() {
	SAFE=$SAFE python3 - "$@" <<-'EOF'
	import os, smtplib, sys, time
	sender, count, span = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
	text = "Subject: from %s\r\n\r\n" % sender
	text += "x" * 76 + "\r\n"
	if len(sys.argv) > 4:
	    text += ("x" * 76 + "\r\n") * (int(sys.argv[4]) // 78)
	begin = time.monotonic()
	for i in range(count):
	    with smtplib.SMTP("127.0.0.1", os.environ["SAFE"], timeout=300) as s:
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
# Messages that "may have been delivered".
uncertain() {
	{
		grep ' uncertain id=' "$T/home.log" |
		    sed 's/.* uncertain id=\([^ ]*\).*/\1/'
		relais --json queue | jq -r '.[] | select(.uncertain) | .id'
	} | sort -u | wc -l
}
# crowd NAME SECONDS [COUNT]: sends it, and says how long until so many have
# arrived since $began.
crowd() {
	local name=$1 limit=$2 count=${3:-$CROWD}
	began=${began:-$(now_ms)}
	send crowd "$CROWD" 1
	until_true "$limit" has_arrived "$count"
	lasted=$(($(now_ms) - began))
	if has_arrived "$count" && [ "$lasted" -le $((limit * 1000)) ]; then
		pass "$name: $(arrived) of $CROWD after $lasted ms," \
		    "$(logins) logins, $(uncertain) uncertain"
	else
		fail "$name: $(arrived) of $CROWD after $lasted ms"
		show_log home
	fi
}
at_most() { # NAME COUNT
	check "$1: at most $2 may have been delivered" \
	    test "$(uncertain)" -le "$2"
}

# --- one connection of two, at each stage --------------------------------------

stage() { # NAME UNCERTAIN PROVIDER-OPTION...
	local name=$1 doubt=$2
	shift 2
	world_begin "$@"
	send stuck 1 0
	crowd "silent at $name" "$SOON"
	# Whatever it waits for ends here, and leaves its word in the journal.
	# One that never logged in has no message.
	[ "$(logins)" = 1 ] || {
		stop home
		run_relaisd home
		until_true 10 relais status >/dev/null 2>&1
	}
	at_most "silent at $name" "$doubt"
	world_end
}
world stage greeting 0 --hang greeting:1
world stage EHLO 0 --hang ehlo:1
world stage STARTTLS 0 --hang starttls:1
world stage AUTH 0 --hang auth:1
world stage MAIL 0 --hang 'mail/stuck*:1'
world stage RCPT 0 --hang 'rcpt/stuck*:1'
world stage DATA 0 --hide chunking --hang data:1
world stage "the end" 1 --hang 'end/stuck*:1'
world stage "RCPT, without pipelining" 0 --hide pipelining,chunking \
    --hang 'rcpt/stuck*:1'

# A connection that was busy a moment ago has a window.  What comes when the
# answer is late by 50 ms waits behind it with its body, and is taken back.
busy() {
	local name="silent at RCPT, behind a busy time"
	world_begin --hang 'rcpt/stuck*:1'
	send warm 30 1
	until_true 10 drained
	send stuck 1 0
	sleep 0.1
	crowd "$name" "$SOON"
	check "$name: each arrives once" test "$(arrived)" = "$CROWD"
	at_most "$name" 1
	world_end
}
world busy

# --- all of them ----------------------------------------------------------------

both() {
	world_begin --hang 'rcpt/stuck*:2'
	began=$(now_ms)
	send stuck 2 1
	crowd "both silent at RCPT" 200
	check "both silent at RCPT: 30 s are waited" test "$lasted" -ge 28000
	check "both silent at RCPT: the account is not paused" \
	    eval '! grep -q " paused account=mail" "$T/home.log"'
	at_most "both silent at RCPT" 0
	world_end
}
world both

single() {
	ACCOUNT='max_connections = 1' world_begin --hang 'body/stuck*:1'
	send stuck 1 0 30000000
	crowd "one connection, silent in the body" 150
	at_most "one connection, silent in the body" 0
	world_end
}
world single

# --- answers that drip ------------------------------------------------------------

# A server in clear.  On its first connection the answer to RCPT comes byte by
# byte and never ends; on others all is well.
cat >"$T/drip.py" <<'EOF'
import socket, sys, threading, time
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
    s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=16)
    print("ready", flush=True)
    while True:
        conn, _ = s.accept()
        threading.Thread(target=serve, args=(conn, first), daemon=True).start()
        first = False
main()
EOF
drips() {
	: >"$T/provider.log"
	start provider python3 "$T/../drip.py" "$FAR"
	until_true 10 grep -q ready "$T/provider.log"
	start_relaisd home < <(world_account |
	    sed -e 's/^host = .*/host = 127.0.0.1/' -e 's/^tls = .*/tls = off/' \
		-e '/^user = /d' -e '/^password_file/d' -e '/^tls_ca_file/d')
	send stuck 1 0
	crowd "the answer to RCPT drips" "$SOON"
	at_most "the answer to RCPT drips" 0
	world_end
}
world drips

worlds_done
