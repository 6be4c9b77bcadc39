# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Three relays that share a queue, clients that send to all of them, and what must
# be true afterwards.  Sourced after sandbox.sh, before sandbox_enter.

need python3 certtool setpriv
. "$srcdir/tests/lib/postgres.sh"
pg_enter "$@"

# start_relay NUMBER: relay0.example.test and so on, from port 2525 up.
start_relay() {
	PORT=$((2525 + $1)) RETRY_AFTER=1s relaisd_conf "relay$1" < <(conf)
	sed -i "s/^hostname = .*/&\nstore_node = relay$1/
	    s/^hostname = client/hostname = relay$1/" \
	    "$T/relay$1/relais.conf"
	run_relaisd "relay$1"
	wait_port "relay$1" 127.0.0.1 $((2525 + $1))
}
relay() { start_relay "$1"; }
relays() { # the tables, and three relays
	relaisd_conf relay0 < <(conf)
	"$top_builddir/relais" -c "$T/relay0/relais.conf" store init >/dev/null ||
	    fail "relais store init"
	for i in 0 1 2; do relay $i; done
}
store_check() { "$top_builddir/relais" -c "$T/relay0/relais.conf" store check; }

# --- clients ----------------------------------------------------------------------

# Sends until the file "stop" is there, or so many were accepted; writes the
# number of each one after its 250.  Every fiftieth is a large one.
cat >"$T/load.py" <<'END'
import os, smtplib, sys, threading, time
stop, out = sys.argv[1], open(sys.argv[2], "a", buffering=1)
clients, most = int(sys.argv[3]), int(sys.argv[4])
lock, number, accepted = threading.Lock(), [int(sys.argv[5])], [0]

def is_over():
    return os.path.exists(stop) or accepted[0] >= most

def worker(port):
    while not is_over():
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
                while not is_over():
                    with lock:
                        number[0] += 1
                        n = number[0]
                    lines = 100000 if n % 50 == 0 else n % 400
                    text = "Subject: load %d\r\n\r\n%s" % (n, "x\r\n" * lines)
                    s.sendmail("relay@example.test", ["to@example.org"], text)
                    with lock:
                        out.write("%d\n" % n)
                        accepted[0] += 1
                    time.sleep(0.02)
        except (OSError, smtplib.SMTPException):
            time.sleep(0.1)

threads = [threading.Thread(target=worker, args=(2525 + i % 3,))
           for i in range(clients)]
for t in threads: t.start()
for t in threads: t.join()
END

first=0
in_doubt() {
	echo $(($(cat "$T"/relay*.log | grep -c "may have been delivered") -
	    doubts))
}
load() { # [CLIENTS [ACCEPTED]]
	: >"$T/accepted"
	doubts=0
	doubts=$(in_doubt)
	rm -f "$T/stop"
	mkdir -p "$T/provider"
	find "$T/provider" -name '*.eml' -delete
	python3 "$T/load.py" "$T/stop" "$T/accepted" "${1:-6}" "${2:-1000000}" $first &
	load=$!
	first=$((first + 1000000)) # no number comes twice
}
has_accepted() { [ "$(wc -l <"$T/accepted")" -gt 50 ]; }
load_ends() {
	until_true 30 has_accepted # fewer tell nothing
	touch "$T/stop"
	wait "$load"
}

# --- what must be true ------------------------------------------------------------

arrived_twice() {
	find "$T/provider" -name '*.eml' -exec grep -ahm 1 '^Subject: load' {} + |
	    tr -cd '0-9\n' | sort >"$T/all"
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
without_row() {
	sql "SELECT substring(encode(substring(part for 2000), 'escape')
	    FROM 'Subject: load ([0-9]+)') FROM relais_body WHERE n = 0" |
	    sort -u >"$T/rows"
	sort -u "$T/accepted" | comm -23 - "$T/rows" | wc -l
}
all_arrive() { # WHAT
	check "$1: all that was accepted arrives" \
	    until_true "${ARRIVE:-60}" none_missing
	check "$1: and nothing is left" until_true 30 is_empty
	none_missing || note "$(missing) of $(wc -l <"$T/accepted") are missing"
	check "$1: mail was accepted" has_accepted
	check "$1: what arrived twice had been in doubt" \
	    [ "$(wc -l <"$T/twice")" -le "$(in_doubt)" ]
	check "$1: and nothing arrived three times" \
	    [ "$(uniq -c "$T/all" | awk '$1 > 2' | wc -l)" = 0 ]
	note "$(wc -l <"$T/accepted") accepted, $(wc -l <"$T/twice") twice," \
	    "$(in_doubt) in doubt"
}
over() { # WHAT
	load_ends
	all_arrive "$1"
}
