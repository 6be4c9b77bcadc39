#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One user who opens all the sessions there are leaves some for others (R68), on
# the Unix socket and by TCP.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool jq curl setpriv
sandbox_enter
start_provider provider
start_relaisd home < <(
	echo "max_sessions = 20"
	account mail mail.example.test 587 starttls
)
# As alice: opens 40, says how many were greeted, and keeps them.
cat >"$T/greedy.py" <<'EOF'
import os
import pwd
import socket
import sys
import time
os.setuid(pwd.getpwnam("alice").pw_uid)
where, greeted, kept = sys.argv[1], 0, []
for _ in range(40):
    if where.isdigit():
        s = socket.socket()
        s.connect(("127.0.0.1", int(where)))
    else:
        s = socket.socket(socket.AF_UNIX)
        s.connect(where)
    greeting = s.recv(200)
    greeted += greeting.startswith(b"220")
    if not greeting.startswith(b"220"):
        last = greeting.decode()
    kept.append(s)
print(greeted, last, flush=True)
time.sleep(30)
os._exit(0)
EOF
as_bob() { setpriv --reuid bob --regid bob --clear-groups "$@"; }
sessions() { relais --json status | jq .sessions; }
greedy() { # WHERE NAME
	python3 "$T/greedy.py" "$1" >"$T/greedy.out" 2>&1 &
	local pid=$!
	check "$2: one user gets 15 of 20 sessions" \
	    until_true 10 grep -q '^15 421 ' "$T/greedy.out"
	check "$2: and hears why" grep -q 'too many sessions of one user' \
	    "$T/greedy.out"
	printf 'Subject: %s\n\nx\n' "$2" | as_bob curl -s --max-time 20 \
	    --url smtp://127.0.0.1:2525 --mail-from "$USER_NAME" \
	    --mail-rcpt to@example.org -T -
	check "$2: another user's mail gets through by TCP" \
	    until_true 10 has_mail provider "$2"
	printf 'Subject: %s by command\n\nx\n' "$2" | as_bob \
	    env RELAIS_SOCKET="$T/home/smtp.sock" "$top_builddir/sendmail" \
	    -f "$USER_NAME" to@example.org
	check "$2: and by command" until_true 10 has_mail provider "$2 by command"
	kill $pid
	wait $pid 2>/dev/null
	check "$2: when they are gone there is room again" \
	    until_true 10 eval '[ "$(sessions)" = 0 ]'
}
greedy 2525 "by TCP"
greedy "$T/home/smtp.sock" "on the socket"
sandbox_done
