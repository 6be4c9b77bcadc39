#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# quick.sh - relais alone, against what this machine can do; two minutes.
# Never a pass or a fail.
. "${srcdir:-.}/tests/lib/bed.sh"
. "$srcdir/tests/bench/bench.sh"
bench_enter
bench_providers
bench_login

# Port 2525 answers with the provider's verdict, 2526 when the mail is safe.
settings() {
	echo "max_sessions = 2000"
	echo "max_size = 100M"
	echo "max_equal = 1000000000" # the load is all alike
	echo "[listen safe]"
	echo "address = 127.0.0.1:$((${PORT:-2525} + 1))"
	echo "mode = safe"
}
bench_relaisd home < <(settings; account mail mail.example.test 587 starttls)

# --- throughput ---------------------------------------------------------------

# road NAME PROVIDER SESSIONS MAILS OPTION...: records NAME, arrived mails/s.
road() {
	local name=$1 provider=$2 sessions=$3 mails=$4
	shift 4
	run_load --sessions "$sessions" --mails "$mails" \
	    --arrivals "$T/$provider.log" "$@"
	record "$name" "$(field arrived_rate)"
	record "$name.p50" "$(field p50)"
	record "$name.p95" "$(field p95)"
}
mails_for() { [ "$1" = 1 ] && echo 500 || echo 2000; }

run_load --sessions 10 --mails 200 --port 2525	# warm
for round in $(seq "$ROUNDS"); do
	for s in 1 10 50; do
		n=$(mails_for $s)
		road "clear.$s" clear "$s" "$n" --port 2500
		before=$(cpu_ms home)
		road "verdict.$s" mail "$s" "$n" --port 2525
		record "cpu.$s" "$(awk -v t="$(($(cpu_ms home) - before))" \
		    -v n="$n" 'BEGIN { print t / n }')"
		road "safe.$s" mail "$s" "$n" --port 2526
		road "kept.$s" mail "$s" "$n" --port 2525 --each 0
	done
	road tls.1 mail 1 4000 "${login[@]}" --each 0 --window 16
	road tls.10 mail 10 8000 "${login[@]}" --each 0 --window 16
done

heading "mails/s to the provider over TLS, 2 KB, a connection per mail"
for s in 1 10 50; do
	row "$s sessions, straight into it in clear" "$(spread clear.$s)" ""
	row "$s sessions, relais, verdict" "$(spread verdict.$s)" \
	    "$(ratio verdict.$s clear.$s) x clear"
	row "$s sessions, relais, safe" "$(spread safe.$s)" \
	    "$(ratio safe.$s clear.$s) x clear"
	row "$s sessions, relais, verdict, kept connections" \
	    "$(spread kept.$s)" "$(ratio kept.$s clear.$s) x clear"
	row "   answer p50 / p95 ms, verdict" \
	    "$(median verdict.$s.p50) / $(median verdict.$s.p95)" \
	    "cpu $(median cpu.$s) ms a mail"
done
row "one kept TLS connection, pipelined, straight" "$(spread tls.1)" ""
row "ten of them" "$(spread tls.10)" ""

# --- one mail -----------------------------------------------------------------

heading "one mail, ms"
mkdir -p "$D/floor"
printf 'From: <%s>\nTo: <to@example.org>\nSubject: one\n\nhello\n' \
    "$USER_NAME" >"$T/one.mail"
export RELAIS_SOCKET=$T/home/smtp.sock
"$BIN/spawn" 200 "$T/one.mail" /bin/true "$BIN/floor $D/floor" \
    "$top_builddir/sendmail -t" "$top_builddir/sendmail -odi -t" >"$T/spawn.out"
for n in 1 2 3 4; do
	line=$(sed -n "${n}p" "$T/spawn.out")
	what=${line#* failed=* }
	p50=${line#p50=}
	record "spawn.$n" "${p50%% *}"
	row "${what//$top_builddir\//}" "${line%% failed*}" \
	    "$(ratio spawn.$n spawn.2) x floor"
done
for round in $(seq "$ROUNDS"); do
	run_load --sessions 1 --mails 100 --each 1 --interval-ms 5 \
	    --unix "$T/home/smtp.sock" --arrivals "$T/mail.log"
	record way "$(field way_p50)"
	run_load --sessions 1 --mails 100 --each 1 --interval-ms 5 \
	    --port 2525 --arrivals "$T/mail.log"
	record way.tcp "$(field way_p50)"
done
row "submit to arrival, warm, Unix socket" "$(spread way 3)" ""
row "submit to arrival, warm, TCP" "$(spread way.tcp 3)" ""

# --- far provider -------------------------------------------------------------

heading "50 ms per round trip, 500 mails, 10 sessions"
start delay "$BIN/delay" 1587 587 50
PORT=2535 bench_relaisd far < <(PORT=2535 settings
	account mail mail.example.test 1587 starttls)
until_true 5 port_open 127.0.0.1 1587
for round in $(seq "$ROUNDS"); do
	road far.verdict mail 10 500 --port 2535
	road far.safe mail 10 500 --port 2536
done
row "relais, verdict" "$(spread far.verdict)" "mails/s"
row "relais, safe" "$(spread far.safe)" "mails/s"
stop far
stop delay

# --- one large mail -----------------------------------------------------------

heading "one mail of 50 MB"
PORT=2535 bench_relaisd large < <(PORT=2535 settings
	account mail mail.example.test 587 starttls)
for round in $(seq "$ROUNDS"); do
	run_load --sessions 1 --mails 1 --size 50000000 --port 2535 \
	    --arrivals "$T/mail.log"
	record large "$(field arrived_rate | awk '{ print $1 * 50 }')"
	run_load --sessions 1 --mails 1 --size 50000000 "${login[@]}" \
	    --arrivals "$T/mail.log"
	record large.tls "$(field arrived_rate | awk '{ print $1 * 50 }')"
done
row "MB/s, relais, verdict" "$(spread large)" "peak $(peak_kb large) KiB"
row "MB/s, straight over TLS" "$(spread large.tls)" \
    "$(ratio large large.tls) x"
stop large

# --- long queues --------------------------------------------------------------

# fill NAME COUNT
fill() {
	bench_spool "$1"
	chown -R relais:relais "$D/$1"
	setpriv --reuid relais --regid relais --clear-groups \
	    "$BIN/fill" "$D/$1" "$2"
}
heading "a queue of 20,000"
fill drain 20000
PORT=2535 relaisd_conf drain < <(PORT=2535 settings
	account mail mail.example.test 587 starttls)
: >"$T/mail.log"
run_relaisd drain
run_load --arrivals-only --mails 20000 --arrivals "$T/mail.log"
row "drained" "$(field arrived_rate)" "mails/s"
stop drain

heading "a queue of 100,000 whose provider is away"
fill long 100000
PORT=2535 relaisd_conf long < <(PORT=2535 settings
	account mail mail.example.test 9 starttls)
run_relaisd long
run_load --sessions 1 --mails 1 --port 2536 --wait-ms 20000
row "start until the first 220" "$(field first_ms)" "ms"
row "the first mail, safe" "$(field p50)" "ms"
RELAIS=long until_true 60 queue_is 100001
row "memory with all of them" "$(pss_kb long)" "KiB"
begun=$(date +%s%N)
RELAIS=long relais queue >/dev/null
row "relais queue" "$((($(date +%s%N) - begun) / 1000000))" "ms"
stop long
bed_done
