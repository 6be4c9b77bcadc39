#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Hours and days in which a provider takes nothing, lived through by the real
# relaisd in seconds (tests/lib/timeshift.c): a wrong password for a day, and
# quotas that look like something else (R56, R57, R60).  Nothing fails, nobody
# is hammered, a person is told once, and in the end all of it leaves.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/timeshift.sh"
need python3 certtool jq
sandbox_enter
: "${MESSAGES:=500}"
export RETRY_AFTER=60s
HOUR=3600
sandbox_secrets

sandbox_alerts

conf() { # HOST
	echo "alert_command = $T/alert"
	account mail "$1" 587 starttls | grep -v ^password_file
	echo "password_file = $T/secret/account"
	printf '[listen queue]\naddress = 127.0.0.1:2526\nmode = queue\n'
}
password() { install -o relais -m 600 "$T/secret/$1" "$T/secret/account"; }
failed() {
	relais --json queue | jq '[.[] | select(.state == "failed")] | length'
}
logins() { grep -c "\"login\",\"code\":$1" "$T/provider.log"; }
alerts() { grep -c "^$1|" "$T/alerts/told" 2>/dev/null; }
# The command has been run; while it runs no time may pass, or it is taken for one
# that hangs.
alerted() { grep -q " alert-command event=$1 .* ended=" "$T/home.log"; }
# Reports of failure that the provider was given, and notices of delay.
reports() { grep -ls "^Action: $1" "$T"/provider/*.eml | wc -l; }

begin() { # HOST COUNT PROVIDER-OPTION...: so many messages are queued
	local host=$1 n=$2
	shift 2
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider" "$T/alerts/told"
	: >"$T/acked"
	shift_time new
	start_provider provider "$@"
	start_relaisd home < <(conf "$host")
	load --ports 2526 --clients 8 --count "$n"
	wait "$load_pid"
}
pass_hours() {
	local began
	began=$(now_ms)
	shift_time pass $(($1 * HOUR)) 300 || fail "time does not pass"
	note "$1 hours took $(($(now_ms) - began)) ms"
}
# All of it leaves, while time still passes.
all_arrive() { # NAME
	shift_time set talking_ms=20 idle_ms=20000
	until_true 60 drained
	shift_time set talking_ms=0 idle_ms=0
	tally provider
	if [ "$lost" = 0 ] && [ "$twice" = 0 ] && [ "$torn" = 0 ] && drained; then
		pass "$1: then all $stored are delivered once"
	else
		fail "$1: lost $lost, twice $twice, torn $torn"
		relais queue | tail -n 3
		show_log home
	fi
	check "$1: bounces $(reports failed), delay notices $(reports delayed)" \
	    [ "$(reports failed)" = 0 ]
	no_crash home
	stop home
	stop provider
}

# --- a wrong password for a day -----------------------------------------------

a_day() {
	local name="wrong password for a day" tries
	password wrong
	begin mail.example.test "$MESSAGES"
	relais flush >/dev/null
	until_true 20 alerted account-held
	pass_hours 24
	tries=$(logins 535)
	if [ "$tries" -ge 3 ] && [ "$tries" -le 12 ]; then
		pass "$name, $(heard) messages queued: $tries AUTH tries"
	else
		fail "$name: $tries AUTH tries, not 3 to 12"
		show_log home 30
	fi
	check "$name: failed $(failed)" [ "$(failed)" = 0 ]
	check "$name: alerts $(wc -l <"$T/alerts/told")" \
	    [ "$(alerts account-held):$(wc -l <"$T/alerts/told")" = 1:1 ]
	password mail
	all_arrive "$name"
	check "$name: $(logins 535) AUTH tries in all" \
	    [ "$(logins 535)" -le 12 ]
}

# --- quotas -------------------------------------------------------------------

state_is() {
	[ "$(relais --json status | jq -r '.accounts[0].state')" = "$1" ]
}
attempts() { grep -c ' deferred .* account=mail ' "$T/home.log"; }
# The window is closed for an hour at each refusal, or as long as is said.
quota() { # NAME HOST FAULT [HOURS MOST]
	local hours=${4:-6} most=${5:-6} first
	local name="$1 for $hours hours"
	printf '127.0.0.1 %s\n' "$2" >>/etc/hosts
	make_cert mail "$2"
	password mail
	begin "$2" 30 --fail "$3"
	relais flush >/dev/null
	check "$name: the account is paused at once" \
	    until_true 20 state_is paused
	until_true 20 alerted quota
	first=$(attempts)
	# Not for cron either.
	RELAIS_CONTROL=$T/home/control.sock "$top_builddir/sendmail" -q
	pass_hours "$hours"
	# What was under way at the first refusal is refused with it; after
	# that, one message at a time, when the window was to reopen.
	if [ $(($(attempts) - first)) -le "$most" ] &&
	    [ "$(logins 235)" -le $((most + 2)) ]; then
		pass "$name: $first refused at once, then" \
		    "$(($(attempts) - first)), one each time the window was to" \
		    "reopen; attempts while it was closed 0"
	else
		fail "$name: $first refused at once, then" \
		    "$(($(attempts) - first)), $(logins 235) logins"
		show_log home
	fi
	check "$name: failed $(failed)" [ "$(failed)" = 0 ]
	check "$name: alerts $(wc -l <"$T/alerts/told")" \
	    [ "$(alerts quota):$(wc -l <"$T/alerts/told")" = 1:1 ]
	[ "$(wc -l <"$T/alerts/told")" = 1 ] ||
	    sed 's/^/     | /' "$T/alerts/told"
	stop provider
	start_provider provider
	all_arrive "$name"
}

a_day
quota "550 5.4.5 of Gmail" smtp.gmail.com \
    'rcpt:550:5.4.5:Daily user sending limit exceeded'
quota "450 of IONOS" smtp.ionos.de \
    'rcpt:450:4.2.0:mailbox unavailable, Mail send limit exceeded'
quota "454 of SES after DATA" email-smtp.eu-west-1.amazonaws.com \
    'end:454:4.3.0:Throttling failure, Daily message quota exceeded'
# Each try within 24 hours would close it for 24 more.
quota "554 of Yandex" smtp.yandex.com \
    'end:554:5.7.1:Message rejected under suspicion of SPAM, sender blocked' \
    23 0
sandbox_done
