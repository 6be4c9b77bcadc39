#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A password that has expired, with 500 messages waiting and more coming: the
# provider is not hammered, nothing bounces, nobody who submits has to wait,
# and after the correction all of it leaves (R56, R57).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${MESSAGES:=500}"

conf() {
	account mail mail.example.test 587 starttls | grep -v ^password_file
	echo "password_file = $T/secret/account"
}
password() { install -o relais -m 600 "$T/secret/$1" "$T/secret/account"; }
tries() { grep -c '^[^ ]* held account=mail' "$T/home.log"; }
tries_are() { [ "$(tries)" = "$1" ]; }
waiting() { relais --json queue | jq '[.[] | select(.state != "failed")] | length'; }
failed() { relais --json queue | jq '[.[] | select(.state == "failed")] | length'; }
# So many tries, and no more a second later.
tried() { # COUNT WHEN
	until_true 10 tries_are "$1"
	sleep 1
	if tries_are "$1"; then pass "wrong password: $(tries) tries $2"
	else fail "wrong password: $(tries) tries $2, not $1"; fi
}

round() { # NAME COMMAND...: what makes it try again after the correction
	local name=$1 began
	shift
	: >"$T/acked"
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	start_provider provider
	password wrong
	start_relaisd home < <(conf)
	began=$(now_ms)
	load --clients 8 --count "$MESSAGES"
	wait "$load_pid"
	began=$(($(now_ms) - began))
	if [ "$(heard)" -ge "$MESSAGES" ]; then
		pass "wrong password: $(heard) messages accepted in $began ms," \
		    "though sessions wait for a verdict"
	else
		fail "wrong password: only $(heard) accepted in $began ms"
	fi
	tried 1 "with $(waiting) messages waiting"
	relais flush >/dev/null
	tried 2 "after one relais flush"
	# What cron runs every few minutes is no person.
	for _ in 1 2 3; do
		RELAIS_CONTROL=$T/home/control.sock "$top_builddir/sendmail" -q
	done
	tried 2 "after three sendmail -q"
	kill -HUP "$(cat "$T/home.pid")"
	tried 3 "after one SIGHUP"
	check "wrong password: $(failed) messages have failed" [ "$(failed)" = 0 ]
	[ "$(relais --json status | jq -r '.accounts[0].state')" = held ] ||
	    fail "wrong password: the account is not held"
	password mail
	began=$(now_ms)
	"$@" >/dev/null
	until_true 60 drained
	began=$(($(now_ms) - began))
	tally provider
	if [ "$lost" = 0 ] && [ "$twice" = 0 ] && drained && tries_are 3; then
		pass "$name: all $stored delivered once, $began ms after it"
	else
		fail "$name: lost $lost, twice $twice, $(waiting) wait, $(tries) tries"
		show_log home
	fi
	no_crash home
	stop home
	stop provider
}
round "corrected, relais flush" relais flush
hangup() { kill -HUP "$(cat "$T/home.pid")"; }
round "corrected, SIGHUP" hangup
sandbox_done
