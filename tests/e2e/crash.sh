#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The promise under kill -9: whatever was answered with 250 reaches the
# provider, however often and whenever relaisd dies.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

# Sends from several connections until it is ended; writes the number of each
# mail that was accepted into a file of its own, after the 250.
cat >"$T/load.py" <<'EOF'
import signal, smtplib, sys, threading, time
port, out, first = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lock = threading.Lock()
next_number = first
log = open(out, "a", buffering=1)
is_over = False

def end(*_):
    global is_over
    is_over = True
signal.signal(signal.SIGTERM, end)

def worker():
    global next_number
    while not is_over:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as s:
                while not is_over:
                    with lock:
                        n = next_number
                        next_number += 1
                    text = "Subject: load %d\r\n\r\n%s" % (n, "x\r\n" * (n % 400))
                    s.sendmail("relay@example.test", ["to@example.org"], text)
                    log.write("%d\n" % n)
        except (OSError, smtplib.SMTPException):
            time.sleep(0.05)

threads = [threading.Thread(target=worker) for _ in range(6)]
for t in threads: t.start()
for t in threads: t.join()
EOF

conf() {
	echo "verdict_timeout = ${1:-0}"
	account mail mail.example.test 587 starttls
}
# every accepted number arrives within a minute
missing() {
	local n
	sed -n 's/^Subject: load \([0-9]*\).*/\1/p' "$T"/provider/*.eml \
	    2>/dev/null | sort -u >"$T/there"
	sort -u "$T/accepted" | comm -23 - "$T/there" | wc -l
}
has_accepted() { [ "$(wc -l <"$T/accepted")" -ge "$1" ]; }
none_missing() { [ "$(missing)" = 0 ]; }

round() { # NAME SIGNAL
	local name=$1 i pid
	: >"$T/accepted"
	rm -rf "${T:?}/home" "$T/home.log"
	RETRY_AFTER=1s start_relaisd home < <(conf "${VERDICT:-0}")
	for i in 1 2 3 4; do
		python3 "$T/load.py" 2525 "$T/accepted" $((i * 100000)) &
		pid=$!
		until_true 10 has_accepted $((i * 5))
		sleep "0.$((RANDOM % 5))"
		stop home "$2"
		kill "$pid"
		wait "$pid"
		run_relaisd home
		wait_port home 127.0.0.1 2525
	done
	relais flush >/dev/null 2>&1
	n=$(wc -l <"$T/accepted")
	if [ "$n" -lt 20 ]; then
		fail "$name: only $n mails were accepted, which proves nothing"
		show_log home
	elif until_true 60 none_missing; then
		pass "$name: all $n accepted mails arrived"
	else
		fail "$name: $(missing) of $n accepted mails are lost"
		show_log home
	fi
	check "$name: nothing is called corrupt" \
	    eval '[ -z "$(ls -A "$T/home/spool/corrupt" 2>/dev/null)" ]'
	stop home
}

start_provider provider
round "kill -9 while mail flows" KILL
round "a clean stop while mail flows" TERM
VERDICT=5s round "kill -9 while sessions wait for the provider" KILL
stop provider
# Nothing leaves while this one hangs: all of it waits on the disk.
start_provider provider --hang mail:4
round "kill -9 while the provider hangs" KILL
stop provider
start_provider provider --drop end:5
round "kill -9 while the provider's answers get lost" KILL
sandbox_done
