#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A wall clock that jumps ten years ahead or back, a start in 1970, and a
# suspend of an hour, in the real relaisd (tests/lib/timeshift.c): no message
# expires, nobody is stormed with attempts, and mail goes on (R47, R48).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/timeshift.sh"
need python3 certtool jq
sandbox_enter
export RETRY_AFTER=60s
TEN_YEARS=$((10 * 365 * 86400))
NOW=$(date +%s)
: "${MESSAGES:=40}"
away=5 # messages that wait for the account of that name
sandbox_secrets

# tls: a certificate that is valid for two days around now; plain: a provider
# that any clock can talk to; away: nobody listens there, ever; few: two
# messages an hour.
plain_account() { # NAME PORT
	account "$1" 127.0.0.1 "$2" off | grep -vE '^(user|password_file|tls_ca)'
	echo "senders = $1@example.test"
}
conf() {
	echo 'lifetime = 12h'
	account tls mail.example.test 587 starttls
	echo "senders = relay@example.test"
	plain_account plain 2587
	plain_account away 9
	plain_account few 2587
	echo "max_per_hour = 2"
	printf '[listen queue]\naddress = 127.0.0.1:2526\nmode = queue\n'
	printf '[listen safe]\naddress = 127.0.0.1:2527\nmode = safe\n'
}
jump_to() { # SECONDS since 1970
	shift_time set "wall_ms=$((($1 - NOW) * 1000))"
}
send() { # ACCOUNT COUNT [PORT]
	python3 - "$@" <<-'EOF'
	import smtplib, sys
	port = int(sys.argv[3]) if len(sys.argv) > 3 else 2527
	with smtplib.SMTP("127.0.0.1", port, timeout=60) as s:
	    for i in range(int(sys.argv[2])):
	        s.sendmail(sys.argv[1] + "@example.test", ["to@example.org"],
	                   "Subject: from %s\r\n\r\ntext\r\n" % sys.argv[1])
	EOF
}
# Of what was submitted; a notice that some of it is late counts no more.
waiting() { # ACCOUNT
	relais --json queue | jq "[.[] | select(.account == \"$1\" and
	    .state != \"failed\" and .sender != \"\")] | length"
}
waiting_is() { [ "$(waiting "$1")" = "$2" ]; }
failed() {
	relais --json queue | jq '[.[] | select(.state == "failed")] | length'
}
# Messages, not notices about them.
arrived() { # PROVIDER ACCOUNT
	awk -v s="Subject: from $2" 'FNR == 1 { in_header = 1 }
	    /^\r?$/ { in_header = 0 }
	    in_header && index($0, s) == 1 { n++ }
	    END { print n + 0 }' /dev/null "$T/$1"/*.eml 2>/dev/null
}
arrived_is() { [ "$(arrived "$1" "$2")" = "$3" ]; }
tries() { grep -c " paused account=$1 " "$T/home.log"; }

start_both() { # PROVIDER-OPTION for the one with TLS
	rm -rf "$T/provider" "$T/plain"
	start_provider provider "$@"
	mkdir "$T/plain"
	start plain "$top_builddir/tests/lib/provider" --port 2587 --no-tls \
	    --store "$T/plain" --lifetime 3600
	wait_port plain 127.0.0.1 2587
}
# Whatever the clock says, in twenty minutes nothing expires, an account that
# cannot be reached is tried as often as at any other time, a message is
# delivered as at any other time, and a limit lets nothing more through.
lives_on() { # NAME
	local name=$1 tried few plain
	tried=$(tries away) few=$(arrived plain few) plain=$(arrived plain plain)
	send plain 1
	check "$name: a new message is delivered" \
	    until_true 10 arrived_is plain plain $((plain + 1))
	shift_time pass 1200 300 || fail "$name: time does not pass"
	# 15 s, doubled up to a quarter of an hour: at most 7 in 20 minutes.
	if [ "$(failed)" = 0 ] && waiting_is tls "$MESSAGES" &&
	    waiting_is away $away && [ $(($(tries away) - tried)) -le 7 ] &&
	    [ $(($(arrived plain few) - few)) -le 2 ]; then
		pass "$name: expired 0 of $((MESSAGES + away)), attempts in twenty" \
		    "minutes $(($(tries away) - tried)), storms 0"
	else
		fail "$name: failed $(failed), waiting $(waiting tls)," \
		    "$(waiting away), attempts $(($(tries away) - tried))," \
		    "past the limit $(($(arrived plain few) - few))"
		show_log home
	fi
	no_crash home
}

# --- while it runs ------------------------------------------------------------

start_both --fail 'mail:451:4.3.0:not now'
start_relaisd home < <(conf)
# Who follows the log sees each message, whatever the clock says.
start follow "$top_builddir/relais" -c "$T/home/relais.conf" log --follow
start since "$top_builddir/relais" -c "$T/home/relais.conf" log --follow \
    --since 1h --account plain
sleep 1
followed() { # NAME
	[ "$(grep -c 'delivered .*  plain  ' "$T/$1.log")" = \
	    "$(arrived plain plain)" ]
}
send relay "$MESSAGES" 2526
send away $away
send few 6
check "before: two of six pass the limit" until_true 10 arrived_is plain few 2
relais flush >/dev/null
lives_on "before any jump"
jump_to $((NOW + TEN_YEARS))
lives_on "ten years ahead"
jump_to $((NOW - TEN_YEARS))
lives_on "ten years back"
check "ten years back: who follows the log saw it" until_true 10 followed follow
check "  also with --since" until_true 10 followed since
jump_to 10
lives_on "at 1970"
jump_to "$NOW"
lives_on "right again"
check "right again: who follows the log has seen all" until_true 10 followed follow
check "  also with --since" until_true 10 followed since
# Six messages, two an hour: gone after three hours, if no jump closed or
# opened the window.
shift_time pass 10800 300
check "the limit of two an hour has let $(arrived plain few) of six through" \
    arrived_is plain few 6

# --- started with a wrong clock -----------------------------------------------

begins() { # NAME SECONDS
	stop home
	jump_to "$2"
	run_relaisd home
	wait_port home 127.0.0.1 2525
	until_true 10 waiting_is tls "$MESSAGES"
	lives_on "$1"
}
begins "started ten years ahead" $((NOW + TEN_YEARS))
begins "started ten years back" $((NOW - TEN_YEARS))
begins "started in 1970" 10
says home 'is valid from [-0-9]+ on, but the clock .* 1970.*; set the clock' \
    "a certificate that is not valid yet is called a matter of the clock"
# Taken before NTP had the time, and fifty years old a moment later.
send away 1
away=$((away + 1))
jump_to "$NOW"
lives_on "then set right by NTP"
begins "started right again" "$NOW"

# --- suspend ------------------------------------------------------------------

# An hour that only the boot clock has seen; all that was to happen meanwhile
# happens once.
before=$(tries away)
shift_time set boot_ms=3600000 "wall_ms=3600000"
lives_on "after a suspend of an hour"
check "after a suspend of an hour: what was due is tried at once" \
    [ "$(tries away)" -gt "$before" ]

# --- the end ------------------------------------------------------------------

stop provider
start_provider provider
relais flush >/dev/null
until_true 60 waiting_is tls 0
check "all $MESSAGES arrive once when the provider takes them" \
    arrived_is provider relay "$MESSAGES"
check "failed $(failed), in failed/ $(spool_files failed), corrupt $(spool_files corrupt)" \
    [ "$(failed):$(spool_files failed):$(spool_files corrupt)" = 0:0:0 ]
# And the time that has really passed counts.
shift_time pass 43200 300
check "twelve hours later the $(failed) that never could leave are given up" \
    [ "$(failed):$(waiting away)" = $away:0 ]
no_crash home
sandbox_done
