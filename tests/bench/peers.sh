#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# peers.sh - relais side by side with Postfix, as Debian ships it and tuned:
# the same provider, certificates, login and disk, one after the other in
# turns, so that what else the machine does falls on all alike.  Some minutes.
# Never a pass or a fail.
. "${srcdir:-.}/tests/lib/bed.sh"
. "$srcdir/tests/bench/bench.sh"
# What every peer's file of passwords can hold.
PASSWORD='a-password-for-the-bench'
bench_enter postfix
bench_providers

# --- the peers ----------------------------------------------------------------

# postfix_conf NAME PORT PROVIDER_PORT < extra settings
postfix_conf() {
	local name=$1 port=$2 to=$3 c=$T/$1.etc
	mkdir -p "$c" "$D/$name/queue" "$D/$name/data"
	chmod 755 "$D/$name" "$D/$name/queue"
	chown postfix "$D/$name/data"
	printf '[mail.example.test]:%s %s:%s\n' "$to" "$USER_NAME" \
	    "$PASSWORD" >"$c/login"
	cp /etc/postfix/dynamicmaps.cf /etc/postfix/postfix-files "$c" \
	    2>/dev/null
	{
		cat <<-EOT
		compatibility_level = 3.6
		queue_directory = $D/$name/queue
		data_directory = $D/$name/data
		command_directory = /usr/sbin
		daemon_directory = /usr/lib/postfix/sbin
		shlib_directory = /usr/lib/postfix
		meta_directory = $c
		maillog_file = $T/$name.maillog
		maillog_file_prefixes = $T
		myhostname = client.example.test
		mydestination =
		mynetworks = 127.0.0.0/8
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		alias_maps =
		local_recipient_maps =
		message_size_limit = 100000000
		mailbox_size_limit = 0
		relayhost = [mail.example.test]:$to
		smtp_host_lookup = native
		smtp_tls_security_level = verify
		smtp_tls_CAfile = $T/pki/ca.pem
		smtp_tls_session_cache_database = btree:$D/$name/data/smtp_scache
		smtp_sasl_auth_enable = yes
		smtp_sasl_security_options = noanonymous
		smtp_sasl_mechanism_filter = plain
		smtp_sasl_password_maps = texthash:$c/login
		EOT
		cat
	} >"$c/main.cf"
	cat >"$c/master.cf" <<-EOT
	$port inet n - n - - smtpd
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	proxymap unix - - n - - proxymap
	smtp unix - - n - - smtp
	relay unix - - n - - smtp
	error unix - - n - - error
	retry unix - - n - - error
	discard unix - - n - - discard
	showq unix n - n - - showq
	flush unix n - n 1000? 0 flush
	anvil unix - - n - 1 anvil
	scache unix - - n - 1 scache
	tlsproxy unix - - n - 0 tlsproxy
	postlog unix-dgram n - n - 1 postlogd
	EOT
}
tuned() {
	cat <<-EOT
	in_flow_delay = 0
	smtp_tls_connection_reuse = yes
	smtp_connection_cache_on_demand = yes
	smtp_connection_cache_destinations = [mail.example.test]
	smtp_destination_concurrency_limit = 20
	initial_destination_concurrency = 20
	smtp_destination_recipient_limit = 1
	default_process_limit = 200
	qmgr_message_active_limit = 40000
	EOT
}
run_postfix() {
	start "$1" postfix -c "$T/$1.etc" start-fg
	wait_port "$1" 127.0.0.1 "$2"
}
settings() {
	echo "max_sessions = 2000"
	echo "max_size = 100M"
	echo "max_equal = 1000000000" # the load is all alike
}

# peer NAME PORT: at every measurement the same.
peers=(relais:2525 safe:2526 postfix:2601 tuned:2602)
process_of() { [ "$1" = safe ] && echo relais || echo "$1"; }

postfix_conf postfix 2601 587 </dev/null
postfix_conf tuned 2602 587 < <(tuned)
run_postfix postfix 2601
run_postfix tuned 2602
bench_relaisd relais < <(settings
	echo "[listen safe]"
	echo "address = 127.0.0.1:2526"
	echo "mode = safe"
	account mail mail.example.test 587 starttls)

table() { # NAME DIGITS UNIT
	local p
	for p in "${peers[@]}"; do
		p=${p%:*}
		row "$p" "$(spread "$1.$p" "$2")" \
		    "$(ratio "$1.$p" "$1.tuned") x tuned  $3"
	done
}

# --- memory before anything ---------------------------------------------------

sleep 1
for p in relais postfix tuned; do record "idle.$p" "$(pss_kb "$p")"; done
for p in relais:2525 postfix:2601 tuned:2602; do
	run_load --sessions 1 --mails 50 --port "${p#*:}" \
	    --arrivals "$T/mail.log"
	record "after.${p%:*}" "$(pss_kb "${p%:*}")"
done
for p in relais:2525 postfix:2601 tuned:2602; do
	# One session's mails beside the idle clients keep those for a while.
	: >"$T/idle.out"
	"$BIN/load" --sessions 1 --mails 60 --interval-ms 500 --idle 200 \
	    --port "${p#*:}" >"$T/idle.out" 2>&1 &
	until_true 30 grep -q idle "$T/idle.out"
	record "held.${p%:*}" "$(pss_kb "${p%:*}")"
	record "greeted.${p%:*}" "$(sed -n 's/idle=//p' "$T/idle.out")"
	kill $! && wait $! 2>/dev/null
done
heading "memory, PSS in KiB: idle; after 50 mails; with 200 idle clients"
for p in relais postfix tuned; do
	row "$p" "$(median "idle.$p") $(median "after.$p") $(median "held.$p")" \
	    "$(ratio "idle.$p" idle.postfix) $(ratio "held.$p" held.postfix) x$(
	    ) Postfix (greeted $(median "greeted.$p"))"
done

# --- throughput ---------------------------------------------------------------

for round in $(seq "$ROUNDS"); do
	for s in 1 10 50; do
		n=$([ $s = 1 ] && echo 200 || echo 1000)
		run_load --sessions $s --mails "$n" --port 2500 \
		    --arrivals "$T/clear.log"
		record "rate.$s.clear" "$(field arrived_rate)"
		for p in "${peers[@]}"; do
			name=${p%:*} process=$(process_of "${p%:*}")
			before=$(cpu_ms "$process")
			run_load --sessions $s --mails "$n" --port "${p#*:}" \
			    --arrivals "$T/mail.log"
			record "rate.$s.$name" "$(field arrived_rate)"
			[ $s = 10 ] || continue
			record "cpu.$name" "$(awk -v n="$n" -v t="$((
			    $(cpu_ms "$process") - before))" \
			    'BEGIN { print t / n }')"
		done
	done
done
for round in $(seq "$ROUNDS"); do
	for p in "${peers[@]}"; do
		run_load --sessions 1 --mails 50 --interval-ms 40 \
		    --port "${p#*:}" --arrivals "$T/mail.log"
		record "way.${p%:*}" "$(field way_p50)"
	done
done
for s in 1 10 50; do
	heading "mails/s at the provider, $s sessions, a connection per mail"
	row "straight into the provider, in clear" \
	    "$(spread rate.$s.clear)" ""
	table rate.$s 0 mails/s
done
heading "processor time a mail, all processes of the relay, 10 sessions"
table cpu 2 ms
heading "submit to arrival, one session, the daemon warm"
table way 2 ms

# --- a far provider -----------------------------------------------------------

start delay "$BIN/delay" 1587 587 50
until_true 5 port_open 127.0.0.1 1587
postfix_conf fartuned 2612 1587 < <(tuned)
run_postfix fartuned 2612
PORT=2535 bench_relaisd far < <(settings
	echo "[listen safe]"
	echo "address = 127.0.0.1:2536"
	echo "mode = safe"
	account mail mail.example.test 1587 starttls)
for round in $(seq "$ROUNDS"); do
	for p in relais:2535 safe:2536 tuned:2612; do
		run_load --sessions 10 --mails 500 --port "${p#*:}" \
		    --arrivals "$T/mail.log"
		record "far.${p%:*}" "$(field arrived_rate)"
	done
done
heading "50 ms per round trip, 500 mails from 10 sessions, mails/s"
for p in relais safe tuned; do
	row "$p" "$(spread far.$p)" "$(ratio far.$p far.tuned) x tuned"
done
stop far
stop fartuned
stop delay

# --- one large mail -----------------------------------------------------------

for round in $(seq "$ROUNDS"); do
	for p in "${peers[@]}"; do
		run_load --sessions 1 --mails 1 --size 50000000 \
		    --port "${p#*:}" --arrivals "$T/mail.log"
		record "large.${p%:*}" \
		    "$(field arrived_rate | awk '{ print $1 * 50 }')"
	done
done
heading "one mail of 50 MB (peak of relaisd $(peak_kb relais) KiB)"
table large 1 MB/s

# --- draining -----------------------------------------------------------------

N=5000
postfix_conf drained 2622 587 < <(tuned; echo "defer_transports = smtp")
run_postfix drained 2622
run_load --sessions 50 --mails $N --port 2622 --each 0
postfix_conf drained 2622 587 < <(tuned)
: >"$T/mail.log"
postfix -c "$T/drained.etc" reload >/dev/null 2>&1
sleep 2
postqueue -c "$T/drained.etc" -f
run_load --arrivals-only --mails $N --arrivals "$T/mail.log"
record drain.tuned "$(field arrived_rate)"
stop drained

bench_spool drain
chown relais:relais "$D/drain"
setpriv --reuid relais --regid relais --clear-groups \
    "$BIN/fill" "$D/drain" $N
PORT=2545 relaisd_conf drain < <(settings
	account mail mail.example.test 587 starttls)
: >"$T/mail.log"
run_relaisd drain
run_load --arrivals-only --mails $N --arrivals "$T/mail.log"
record drain.relais "$(field arrived_rate)"
heading "draining $N queued, mails/s"
for p in relais tuned; do
	row "$p" "$(median drain.$p)" "$(ratio drain.$p drain.tuned) x tuned"
done
bed_done
