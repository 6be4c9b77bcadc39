#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SIGTERM and SIGHUP in the middle of work: what is under way is finished or
# given back, nobody hears what is not so, and relaisd is gone in 25 seconds
# whatever hangs.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
sandbox_secrets
export RELAIS_CRED_HELPER=$top_builddir/relais-cred

clean() {
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider" "$T/bad"
	: >"$T/acked"
}
begin() { # settings of the account on stdin replace its own; "key =" removes
	local over
	over=$(cat)
	start_relaisd home < <(
		echo "verdict_timeout = ${VERDICT:-3s}"
		account mail mail.example.test 587 starttls |
		    grep -vE "^($(printf '%s\n' "$over" |
			sed -n 's/ *=.*//p' | paste -sd '|' | grep . ||
			echo '-'))( |=)"
		printf '%s\n' "$over" | grep -v '=$'
		printf '[listen bulk]\naddress = 127.0.0.1:2526\nmode = safe\n'
	)
}
# It takes 20 s at most, and a busy machine may add to that.
GONE_MS=50000
# SIGTERM; sets took (ms) and status.
terminate() {
	local pid began
	pid=$(cat "$T/home.pid")
	began=$(now_ms)
	kill -TERM "$pid"
	(sleep 100 && kill -KILL "$pid" 2>/dev/null) &
	local guard=$!
	wait "$pid"
	status=$?
	took=$(($(now_ms) - began))
	kill "$guard" 2>/dev/null
	rm -f "$T/home.pid"
}
ends() { # WHAT LIMIT_MS
	if [ $status = 0 ] && [ $took -le "$2" ] && ! has_crashed home; then
		pass "$1: SIGTERM, gone after $took ms with status 0"
	else
		fail "$1: SIGTERM, gone after $took ms with status $status"
		show_log home
	fi
	no_crash home
}
# With a provider that works, what heard 250 arrives, COPIES times at most.
arrives() { # WHAT COPIES
	run_relaisd home
	wait_port home 127.0.0.1 2525
	relais flush >/dev/null 2>&1
	until_true 30 drained
	tally provider bad
	if [ "$lost" = 0 ] && [ "$torn" = 0 ] && [ "$most" -le "$2" ] &&
	    drained; then
		pass "$1: $heard heard 250, lost 0, $twice copies too many"
	else
		fail "$1: $heard heard 250, lost $lost, twice $twice, torn $torn"
		show_log home
	fi
	stop home
	no_crash home
	stop provider
}

# --- under load ---------------------------------------------------------------

clean
start_provider provider --delay-ms 3
begin </dev/null
load --ports 2525,2526 --clients 8 --seconds 600
worst=0 bad=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep "0.$((RANDOM % 5 + 3))"
	terminate
	[ $status = 0 ] || bad=$((bad + 1))
	[ $took -le $worst ] || worst=$took
	run_relaisd home
	wait_port home 127.0.0.1 2525
done
kill "$load_pid"
wait "$load_pid"
terminate
ends "under load, the eleventh time" $GONE_MS
check "under load, ten times: gone after at most $worst ms, all with status 0" \
    eval '[ $bad = 0 ] && [ $worst -le $GONE_MS ]'
# An orderly stop leaves no delivery in doubt.
arrives "under load" 1

# --- the provider hangs -------------------------------------------------------

hanging() { # STAGE COPIES
	clean
	start_provider bad --hang "$1"
	begin </dev/null
	load --ports 2525,2526 --clients 6 --seconds 600
	sleep 2
	terminate
	kill "$load_pid"
	wait "$load_pid"
	ends "a provider that hangs at $1" $GONE_MS
	stop bad
	start_provider provider
	arrives "a provider that hangs at $1" "$2"
}
hanging mail 2
hanging end 2
hanging auth 1
hanging greeting 1

# A client that waits for a verdict longer than we may go on hears one.
clean
start_provider bad --hang end
VERDICT=60s begin </dev/null
load --ports 2525 --clients 2 --seconds 600
sleep 1
kill "$load_pid"
terminate
wait "$load_pid"
ends "clients that wait for a verdict" $GONE_MS
stop bad
start_provider provider
arrives "clients that wait for a verdict" 2

# --- workers that hang --------------------------------------------------------

printf '#!/bin/sh\nsleep 60\n' >"$T/slow"
chmod 755 "$T/slow"
clean
start_provider provider
VERDICT=0 begin <<-EOC
password_file =
password_command = $T/slow
EOC
submit waits
sleep 1
terminate
ends "a password command that hangs" $GONE_MS
stop provider

# A name server that never answers.
python3 - <<-'EOF' &
	import socket, time
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("127.0.0.9", 53))
	time.sleep(600)
	EOF
cp /etc/nsswitch.conf "$T/nsswitch"
sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
echo 'nameserver 127.0.0.9' >/etc/resolv.conf
clean
start_provider provider
VERDICT=0 begin <<-EOC
host = nowhere.example.net
EOC
submit waits
sleep 1
terminate
ends "a name server that never answers" $GONE_MS
stop provider
cp "$T/nsswitch" /etc/nsswitch.conf

# --- clients in the middle ----------------------------------------------------

clean
start_provider provider
begin </dev/null
python3 - >"$T/middle" <<-'EOF' &
	import socket, time
	s = socket.create_connection(("127.0.0.1", 2525))
	s.sendall(b"EHLO x\r\nMAIL FROM:<a@example.test>\r\n"
	          b"RCPT TO:<b@example.org>\r\nDATA\r\n")
	said = b""
	while b"354" not in said:
	    said += s.recv(4096)
	print("in the middle", flush=True)
	end = time.monotonic() + 60
	try:
	    while time.monotonic() < end:
	        s.sendall(b"one more line\r\n")
	        time.sleep(0.05)
	        s.settimeout(0.01)
	        try:
	            print(s.recv(4096).decode()[:3])
	            break
	        except TimeoutError:
	            pass
	except OSError as e:
	    print(e)
	EOF
middle=$!
until_true 20 grep -qs middle "$T/middle"
sleep 0.3
terminate
wait $middle
ends "a client in the middle of a message" 15000
check "the client in the middle hears $(tail -n 1 "$T/middle")" \
    grep -q ^421 "$T/middle"
stop provider

# --- SIGHUP -------------------------------------------------------------------

clean
start_provider provider --delay-ms 2
begin </dev/null
load --ports 2525,2526 --clients 8 --seconds 600
fds() { find "/proc/$(worker home)/fd" -type l | wc -l; }
sleep 1
for _ in $(seq 30); do
	kill -HUP "$(cat "$T/home.pid")"
	sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
done
kill "$load_pid"
wait "$load_pid"
until_true 30 drained
fds_after=$(fds)
tally provider
if [ "$lost" = 0 ] && [ "$twice" = 0 ] && [ "$fds_after" -lt 60 ]; then
	pass "30 reloads under load: $heard heard 250, lost 0, twice 0;" \
	    "$fds_after descriptors afterwards"
else
	fail "30 reloads under load: $heard heard 250, lost $lost, twice" \
	    "$twice, $fds_after descriptors afterwards"
	show_log home
fi

# --- a second one -------------------------------------------------------------

timeout 100 "$top_builddir/relaisd" -f -c "$T/home/relais.conf" \
    >"$T/second.log" 2>&1
second=$?
if [ $second != 0 ] && [ $second != 124 ] &&
    grep -qE 'another|in use|already|running' "$T/second.log"; then
	pass "a second relaisd with the same configuration refuses, status $second"
	note "$(tail -n 1 "$T/second.log")"
else
	fail "a second relaisd: status $second, $(cat "$T/second.log")"
fi
submit "after the second"
check "the first is not disturbed" until_true 10 has_mail provider \
    "after the second"
check "nor its control socket" drained
terminate
ends "SIGTERM after all" $GONE_MS
sandbox_done
