#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Relays that share a queue: one with a clock that is an hour fast, and large mail
# for all of them at once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit
. "$srcdir/tests/lib/timeshift.sh"
need jq
: "${LARGE:=6}" # mails of 25 MB

# --- a clock that is fast -----------------------------------------------------------

conf() {
	echo "max_size = 40M"
	pg_conf
	echo "verdict_timeout = 0"
	account mail mail.example.test 587 starttls
}
# Only relay 1 has it.
relay() { # NUMBER
	if [ "$1" = 1 ]; then
		start_relay 1
	else
		(
			run_relaisd() {
				start "$1" "$top_builddir/relaisd" -f \
				    -c "$T/$1/relais.conf"
			}
			start_relay "$1"
		)
	fi
}
shift_time new
shift_time set wall_ms=$((3600 * 1000))
start_provider provider --fail end:451:4.3.0:busy:3
# Of the first minute; it may be the last one of an hour.
hour="$(date -u -d '+1 hour' +%Y-%m-%dT%H)\|$(date -u -d '+61 min' +%Y-%m-%dT%H)"
relays
sleep 11
check "relay 1 is an hour fast" grep -q "^\($hour\)" "$T/relay1.log"
for i in 1 2 3; do PORT=2526 submit "fast$i"; done
deferred() { [ "$(grep -c "^.* deferred .*busy" "$T/relay1.log")" -ge 3 ]; }
check "it has mail that was deferred" until_true 10 deferred
stop relay1 KILL
all_three() { for i in 1 2 3; do has_mail provider "fast$i" || return 1; done; }
check "when it dies the others send that mail at its time, not an hour later" \
    until_true 20 all_three
relay 1
load
sleep 2
stop relay0 KILL
sleep 1
relay 0
sleep 2
over "a clock that is fast"
alive() {
	[ "$(sql "SELECT count(*) FROM relais_node WHERE NOT is_dead
	    AND seen > now() - interval '5 s'")" = 3 ]
}
check "all are alive for the others" alive

# --- large mail ---------------------------------------------------------------------

peak_kb() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(worker "relay$1")/status"; }
for i in 0 1 2; do
	PORT=$((2525 + i)) submit "warm$i" 100000
	before[i]=$(peak_kb $i)
done
cat >"$T/large.py" <<'END'
import smtplib, sys, threading
text = "Subject: huge%d\r\n\r\n" + ("x" * 74 + "\r\n") * (25 * 1024 * 1024 // 76)

def send(i):
    with smtplib.SMTP("127.0.0.1", 2525 + i % 3, timeout=300) as s:
        s.sendmail("relay@example.test", ["to@example.org"], text % i)

threads = [threading.Thread(target=send, args=(i,)) for i in range(int(sys.argv[1]))]
for t in threads: t.start()
for t in threads: t.join()
END
check "$LARGE mails of 25 MB at once are accepted" \
    python3 "$T/large.py" "$LARGE"
huge_there() { [ "$(grep -l "^Subject: huge" "$T"/provider/*.eml | wc -l)" = "$LARGE" ]; }
check "and arrive" until_true 60 huge_there
for i in 0 1 2; do
	after=$(peak_kb $i)
	note "relay $i: ${before[i]} kB before, $after kB at most"
	check "the memory of relay $i stays flat" \
	    [ $((after - before[i])) -lt 8192 ]
done
sandbox_done
