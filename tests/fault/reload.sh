#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Reloads in the middle of everything, ten a second for half a minute, with
# 1,000 messages waiting and more coming: accounts move, come, go and change
# their logins, limits and connections, every seventh file is broken.  Nothing
# is lost or sent twice, a limit and a hold stay what they are, and nothing of
# the old configurations is left.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${RELOADS:=300}" "${WAITING:=1000}" "${PER_HOUR:=40}"
sandbox_secrets
for f in one two; do
	install -o relais -m 600 "$T/secret/mail" "$T/secret/$f"
done

section() { # NAME PORT SECRET
	IDENTITY=keep account "$1" mail.example.test "$2" starttls |
	    sed "s,^password_file = .*,password_file = $T/secret/$3,"
}
# The configuration of the N-th reload.
small() {
	section small 1587 mail
	echo "senders = small@example.test"
	echo "max_per_hour = $PER_HOUR"
}
bulk() { # N
	section bulk 587 "$([ $(($1 / 20 % 2)) = 0 ] && echo one || echo two)"
	echo "default = yes"
	echo "max_connections = $((2 + $1 % 3))"
	echo "max_per_connection = $((20 + $1 % 5))"
}
shut() {
	section shut 3587 "${SHUT:-wrong}"
	echo "senders = shut@example.test"
}
extra() { # N
	section "extra$1" 4587 mail
	echo "senders = nobody@example.test"
}
conf() { # N
	local n=$1
	cat <<-EOC
	[relais]
	admin = admin@example.test
	hostname = client.example.test
	listen = 127.0.0.1:2525 $([ $((n % 11)) != 10 ] || echo 127.0.0.1:2599)
	socket = $T/home/smtp.sock
	control = $T/home/control.sock
	spool = $T/home/spool
	retry_after = 2s
	verdict_timeout = 2s
	max_equal = 0
	[listen bulk]
	address = 127.0.0.1:2526
	mode = safe
	EOC
	case $((n % 3)) in
	# With every port from the start: a new one would mean a new worker,
	# which counts from nought and tries a held login once more.
	0) small; bulk "$n"; shut; extra 0 ;;
	1) bulk "$n"; extra $((n % 4)); shut; small ;;
	2) shut; [ $((n % 5)) = 0 ] || small; extra $((n % 6)); bulk "$n" ;;
	esac
	[ $((n % 7)) != 6 ] || echo "nonsense"
}
reload() {
	conf "$1" >"$T/home/new"
	mv "$T/home/new" "$T/home/relais.conf"
	kill -HUP "$(cat "$T/home.pid")"
}
# One mail from SENDER, numbered like those of load.py but beyond them.
sends() { # SENDER COUNT
	local i
	for i in $(seq "$2"); do
		printf 'Subject: %s %d\n\nhello\n' "${1%%@*}" "$i" |
		    curl -s --max-time 20 --url smtp://127.0.0.1:2526 \
		    --mail-from "$1" --mail-rcpt to@example.org -T - &&
		    echo "$i" >>"$T/heard.${1%%@*}"
	done
}
kib() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(worker home)/smaps_rollup"; }
fds() { find "/proc/$(worker home)/fd" -type l | wc -l; }
got() { grep -c '"event":"message"' "$T/$1.log"; }
logins() { grep -c '"event":"login"' "$T/$1.log"; }

# --- a thousand wait ----------------------------------------------------------

mkdir -p "$T/home/spool"
chown relais "$T/home" "$T/home/spool"
chmod 711 "$T/home"
conf 0 >"$T/home/relais.conf"
run_relaisd home
wait_port home 127.0.0.1 2526
idle_kib=$(kib Anonymous)
load --ports 2526 --clients 8 --count "$WAITING"
wait "$load_pid"
note "$(queue_len) messages wait, the provider is away"
# A new provider per port; where the accounts point, nothing listened so far.
start_provider provider --delay-ms 3
start_provider limited --port 1587 --implicit-port 1465
start_provider shut --port 3587 --implicit-port 3465

# --- the storm ----------------------------------------------------------------

load --ports 2525,2526 --clients 3 --first 100000 --seconds 600
sends small@example.test $((PER_HOUR * 2)) &
small_pid=$!
sends shut@example.test 10 &
shut_pid=$!
began=$(now_ms)
for n in $(seq "$RELOADS"); do
	reload "$n"
	# A slow machine need not come so far.
	[ "$n" -lt 100 ] || [ $(($(now_ms) - began)) -lt 60000 ] || break
	sleep 0.08
done
took=$(($(now_ms) - began))
kill "$load_pid"
wait "$load_pid" "$small_pid" "$shut_pid"
check "relaisd lives" is_up home
read_again=$(grep -c 'configuration reloaded' "$T/home.log")
refused=$(grep -c 'reload refused' "$T/home.log")
# Those that come while one is read are one more.
check "$n reloads in $took ms: $read_again were read, $refused refused" \
    [ "$read_again" -gt $((n / 10)) ]
check "a limit of $PER_HOUR an hour: $(got limited) went" \
    [ "$(got limited)" -le "$PER_HOUR" ]
most=$(most_logged_in provider)
check "max_connections = 4: $most were open at most" [ "$most" -le 4 ]
# Once, and once more because there was a reload; then not before the minute is
# over that the account is held for at first.
may=$((2 + ($(now_ms) - began) / 60000))
check "a wrong password was tried $(logins shut) times in $took ms" \
    [ "$(logins shut)" -le $may ]
check "a port that comes and goes was told" eval \
    'grep -q "now listening on 127.0.0.1:2599" "$T/home.log" &&
    grep -q "no longer listening on 127.0.0.1:2599" "$T/home.log"'

# --- afterwards ---------------------------------------------------------------

# Files of the storm that are good ones.
SHUT=mail reload 301
until_true 60 eval '[ "$(got shut)" = 10 ]'
check "a corrected one: $(got shut) of 10 went" [ "$(got shut)" = 10 ]
sleep 1
waiting() { relais --json queue | jq '[.[] | select(.sender != "small@example.test")] | length'; }
until_true 60 eval '[ "$(waiting)" = 0 ]'
tally provider
if [ "$lost" = 0 ] && [ "$twice" = 0 ] && [ "$torn" = 0 ] && [ "$heard" -gt "$WAITING" ]
then
	pass "$heard heard 250: lost 0, twice 0, torn 0"
else
	fail "$heard heard 250: lost $lost, twice $twice, torn $torn"
	show_log home
fi
check "the limit still holds: $(got limited) of $PER_HOUR" \
    [ "$(got limited)" -le "$PER_HOUR" ]
bulk_sent=$(relais --json status | jq '.accounts[] | select(.name == "bulk").sent')
check "status has counted all: $bulk_sent" [ "$bulk_sent" = "$(got provider)" ]
SHUT=mail PER_HOUR=100000 reload 304
until_true 30 drained
all=$(($(grep -l '^Subject: small' "$T"/limited/*.eml "$T"/provider/*.eml | wc -l)))
check "without the limit the rest goes: $all of $(wc -l <"$T/heard.small")" \
    [ "$all" = "$(wc -l <"$T/heard.small")" ]
check "nothing waits" drained
idle() { relais --json status | jq -e '[.accounts[].connections] | add == 0' >/dev/null; }
check "idle connections are given up" until_true 40 idle
sleep 1
# What was busy may keep some memory; what was reloaded may not.
busy_kib=$(kib Anonymous)
for n in $(seq 100); do
	SHUT=mail PER_HOUR=100000 reload 304
	sleep 0.05
done
sleep 1
again_kib=$(kib Anonymous)
check "memory: $idle_kib KiB, then $busy_kib, after 100 reloads more $again_kib" \
    [ "$again_kib" -lt $((busy_kib + 400)) ]
check "$(fds) descriptors are open" [ "$(fds)" -lt 40 ]
no_crash home
[ "$sandbox_bad" = 0 ] || show_log home 30
sandbox_done
