#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# idle.sh - what relaisd costs while nothing happens: a machine that sleeps must
# not be woken, and what a long queue took must be given back.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
sandbox_enter
need strace jq python3
start_provider mail
start_relaisd home < <(
	account mail mail.example.test 587 starttls
	printf '[listen bulk]\naddress = 127.0.0.1:2526\nmode = safe\n'
)
pid=$(cat "$T/home.pid") worker=$(worker home)
check "a mail goes out" submit first
check "and arrives" until_true 10 has_mail mail first
until_true 40 eval '[ "$(relais --json status |
    jq ".accounts[0].connections")" = 0 ]'
sleep 5
wakeups() { # SECONDS
	timeout "$1" strace -f -qq -e signal=none -p "$pid" -p "$worker" -o "$T/strace" \
	    -e trace=epoll_wait,epoll_pwait,epoll_pwait2,poll,ppoll >/dev/null 2>&1
	grep -c 'e\?poll.* = ' "$T/strace"
}
n=$(wakeups 40)
note "$n wake-ups in 40 seconds"
check "an idle daemon wakes at most twice a minute" test "$n" -le 1

# --- what a long queue took is given back -------------------------------------

: "${QUEUED:=10000}"
stop mail
cat >"$T/fill.py" <<'EOP'
import smtplib, sys, threading
def fill(client):
    smtp = smtplib.SMTP("127.0.0.1", 2526)
    for i in range(int(sys.argv[1]) // 10):
        smtp.sendmail("relay@example.test", ["to%d@example.org" % i],
            "Subject: %d of %d\r\n\r\n%s\r\n" % (i, client, 300 * "abc "))
all = [threading.Thread(target=fill, args=(c,)) for c in range(10)]
for t in all: t.start()
for t in all: t.join()
EOP
anon_kb() { awk '/^RssAnon/ { print $2 }' "/proc/$(worker home)/status"; }
count() { relais --json queue 2>/dev/null | jq length; }
python3 "$T/fill.py" "$QUEUED"
check "$QUEUED mails wait for a provider that is away" test "$(count)" = "$QUEUED"
full=$(anon_kb)
# What is under way ends first.
falls_no_more() {
	local n
	n=$(anon_kb)
	sleep 10
	[ "$(anon_kb)" -ge "$n" ]
}
sleep 10
until_true 1 falls_no_more
rest=$(anon_kb)
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
until_true 20 eval '[ "$(count)" = "$QUEUED" ]'
again=$(anon_kb)
note "memory with $QUEUED mails: accepted $full kB, later $rest kB," \
    "after a restart $again kB"
check "memory is given back without a restart" test "$rest" -le $((again + 1500))
sandbox_done
