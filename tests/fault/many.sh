#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Many relays at one database: what one costs that has nothing to do, what a mail
# costs with few of them and with all, and how many connections they hold.  The
# figures are for doc/PERFORMANCE; what is checked is far above them.
# Functions are called by name (until_true).
# shellcheck disable=SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/shared.sh" || exit
# Relays; those that get mail at first; mails for each measurement.
: "${RELAYS:=6}" "${FEW:=2}" "${MAILS:=300}"

cat >>"$T/pg/postgresql.conf" <<END
max_connections = $((RELAYS * 24 + 20))
END
# Their ports for mail that goes to the database first; an account that may have more
# connections than there are relays.
conf() {
	pg_conf
	printf '[listen queue]\naddress = 127.0.0.1:%d\nmode = queue\n' $((3525 + number))
	account mail mail.example.test 587 starttls
	echo "max_connections = 100"
}
relay() {
	number=$1
	start_relay "$1"
}
pg_stop postgres
pg_start
cat >"$T/send.py" <<'END'
import smtplib, sys, threading
relays, mails, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def worker(i):
    with smtplib.SMTP("127.0.0.1", 3525 + i, timeout=60) as s:
        for n in range(i, mails, relays):
            s.sendmail("relay@example.test", ["to@example.org"],
                       "Subject: %s %d\r\n\r\n%s" % (name, n, "x\r\n" * 700))
threads = [threading.Thread(target=worker, args=(i,)) for i in range(relays)]
for t in threads: t.start()
for t in threads: t.join()
END
conns() { sql "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'relais%'"; }
cpu_ms() { # of the processes whose names fit, with those that have ended
	# Fields 14 to 17, in hundredths.
	cat /proc/[0-9]*/stat 2>/dev/null | grep -E "^[0-9]+ \(($1)\)" |
	    sed 's/^.*) //' | awk '{ n += $12 + $13 + $14 + $15 } END { print n * 10 }'
}
costs() { # milliseconds of relays and server, transactions, tenths of seconds
	echo "$(cpu_ms relaisd) $(cpu_ms postgres) $(transactions)" \
	    "$(($(date +%s%N) / 100000000))"
}
transactions() { sql "SELECT xact_commit FROM pg_stat_database WHERE datname = 'relais'"; }
per() { awk "BEGIN { printf \"%.2f\", ($2 - $1) / ($3) }"; }
alive() { [ "$(sql "SELECT count(*) FROM relais_node WHERE NOT is_dead AND
    seen > now() - interval '5 s'")" = "$1" ]; }

start_provider provider
number=0
relaisd_conf relay0 < <(conf)
"$top_builddir/relais" -c "$T/relay0/relais.conf" store init >/dev/null ||
    fail "relais store init"
for ((i = 0; i < FEW; i++)); do relay $i; done

# What a relay at rest takes in a second, of each of these.
rest=(0 0 0)
idle() { # RELAYS
	local a b i
	read -r -a a <<<"$(costs)"
	sleep 10
	read -r -a b <<<"$(costs)"
	for i in 0 1 2; do rest[i]=$(per "${a[i]}" "${b[i]}" "$1*(${b[3]}-${a[3]})/10"); done
	note "$1 relays at rest: each second and for each, ${rest[0]} ms of it," \
	    "${rest[1]} ms of the server, ${rest[2]} transactions;" \
	    "$(conns) connections in all"
}
# Whole lives of mails, and what they cost beyond what relays at rest do.
mails() { # WHAT RELAYS RUNNING
	local a b accepted
	read -r -a a <<<"$(costs)"
	python3 "$T/send.py" "$2" "$MAILS" "$1" || fail "$1: all mails are accepted"
	accepted=$(($(date +%s%N) / 100000000))
	most=$(conns)
	check "$1: all arrive, and nothing is left" until_true 120 is_empty
	read -r -a b <<<"$(costs)"
	for i in 0 1 2; do
		b[i]=$(awk "BEGIN { print ${b[i]} - ${rest[i]} * $3 * (${b[3]} - ${a[3]}) / 10 }")
	done
	note "$1: a mail took $(per "${a[0]}" "${b[0]}" "$MAILS") ms of the relays," \
	    "$(per "${a[1]}" "${b[1]}" "$MAILS") ms of the server," \
	    "$(per "${a[2]}" "${b[2]}" "$MAILS") transactions;" \
	    "$MAILS in 0.1 s x $((b[3] - a[3])), accepted in $((accepted - a[3]));" \
	    "$most connections"
}
mails warm "$FEW" "$FEW"
sleep 12
idle "$FEW"
mails few "$FEW" "$FEW"
for ((i = FEW; i < RELAYS; i++)); do relay "$i"; done
check "$RELAYS relays run" until_true 60 alive "$RELAYS"
mails all-warm "$RELAYS" "$RELAYS"
at_rest() { [ "$(conns)" -le $((RELAYS * 3)) ]; }
check "connections that nobody needs are closed" until_true 60 at_rest
sleep 5
idle "$RELAYS"
mails all "$RELAYS" "$RELAYS"
mails few-of-many "$FEW" "$RELAYS"
check "every relay is alive all the time" alive "$RELAYS"
total=0
for ((i = 0; i < RELAYS; i++)); do
	kb=$(awk '/^Pss:/ { n += $2 } END { print n }' \
	    "/proc/$(worker "relay$i")/smaps_rollup" \
	    "/proc/$(cat "$T/relay$i.pid")/smaps_rollup")
	total=$((total + kb))
done
note "memory of a relay: $((total / RELAYS)) kB (PSS)"

# One dies that had nothing to do until then.
stop provider
PORT=$((2525 + RELAYS - 1)) submit left
stop "relay$((RELAYS - 1))" KILL
begin=$(date +%s%N)
taken() { [ "$(sql "SELECT count(*) FROM relais_message m JOIN relais_node n
    ON n.id = m.owner WHERE NOT n.is_dead AND name <> 'relay$((RELAYS - 1))'")" = 1 ]; }
check "what one leaves that dies is another's within two seconds" until_true 15 taken
note "after $((($(date +%s%N) - begin) / 1000000)) ms"
sandbox_done
