#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The promise of a shared queue: whatever was answered with 250 reaches the
# provider, whichever relay dies, and however often the database does.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh"
need python3 certtool setpriv
if [ -d /usr/lib/postgresql ]; then sandbox_enter; else
	sandbox_enter "?postgresql"
fi
. "$srcdir/tests/lib/postgres.sh"
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
pg_need
pg_init
sandbox_secrets
: "${ROUNDS:=6}"

# Sends to three relays until the file "stop" is there; writes the number of each
# mail that was accepted, after the 250.
cat >"$T/load.py" <<'END'
import os, smtplib, sys, threading, time
stop, out = sys.argv[1], open(sys.argv[2], "a", buffering=1)
lock, number = threading.Lock(), [0]

def worker(port):
    while not os.path.exists(stop):
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
                while not os.path.exists(stop):
                    with lock:
                        number[0] += 1
                        n = number[0]
                    text = "Subject: load %d\r\n\r\n%s" % (n, "x\r\n" * (n % 400))
                    s.sendmail("relay@example.test", ["to@example.org"], text)
                    out.write("%d\n" % n)
                    time.sleep(0.02)
        except (OSError, smtplib.SMTPException):
            time.sleep(0.1)

threads = [threading.Thread(target=worker, args=(2525 + i % 3,)) for i in range(6)]
for t in threads: t.start()
for t in threads: t.join()
END

conf() {
	pg_conf
	echo "verdict_timeout = 0"
	account mail mail.example.test 587 starttls
}
relay() { # NUMBER
	PORT=$((2525 + $1)) RETRY_AFTER=1s start_relaisd "relay$1" < <(conf)
}
arrived_twice() {
	sed -n 's/^Subject: load \([0-9]*\).*/\1/p' "$T"/provider/*.eml |
	    sort >"$T/all"
	sort -u "$T/all" >"$T/there"
	# Of what was not accepted its client sends another one.
	uniq -d "$T/all" | comm -12 - <(sort -u "$T/accepted") >"$T/twice"
}
missing() {
	arrived_twice
	sort -u "$T/accepted" | comm -23 - "$T/there" | wc -l
}
none_missing() { [ "$(missing)" = 0 ]; }
is_empty() { [ "$(sql "SELECT count(*) FROM relais_message")" = 0 ]; }
in_doubt() {
	echo $(($(cat "$T"/relay*.log | grep -c "may have been delivered") -
	    doubts))
}
load() {
	: >"$T/accepted"
	doubts=0
	doubts=$(in_doubt)
	rm -f "$T/stop" "$T"/provider/*.eml
	python3 "$T/load.py" "$T/stop" "$T/accepted" &
	load=$!
}
over() { # WHAT
	touch "$T/stop"
	wait "$load"
	check "$1: all that was accepted arrives" until_true 60 none_missing
	check "$1: and nothing is left" until_true 30 is_empty
	none_missing || note "$(missing) of $(wc -l <"$T/accepted") are missing"
	check "$1: mail was accepted" [ "$(wc -l <"$T/accepted")" -gt 50 ]
	check "$1: what arrived twice had been in doubt" \
	    [ "$(wc -l <"$T/twice")" -le "$(in_doubt)" ]
	note "$(wc -l <"$T/accepted") accepted, $(wc -l <"$T/twice") twice," \
	    "$(in_doubt) in doubt"
}

relaisd_conf relay0 < <(conf)
"$top_builddir/relais" -c "$T/relay0/relais.conf" store init >/dev/null ||
    fail "relais store init"
start_provider provider
for i in 0 1 2; do relay $i; done

# --- relays die -----------------------------------------------------------------

load
for ((i = 0; i < ROUNDS; i++)); do
	sleep 1.5
	n=$((RANDOM % 3))
	stop "relay$n" KILL
	sleep 0.5
	relay $n
done
over "kill -9 of relays"

# --- the database dies ------------------------------------------------------------

load
for ((i = 0; i < ROUNDS; i++)); do
	sleep 1
	pg_kill
	sleep 0.3
	pg_start
done
sleep 3
over "kill -9 of PostgreSQL"

# --- a relay stands still ------------------------------------------------------------

load
sleep 1
pid=$(worker relay0)
kill -STOP "$pid"
sleep 14
kill -CONT "$pid"
sleep 3
over "a relay that stands still"
says relay0 "it starts anew" "it learns that it was taken for dead"
sandbox_done
