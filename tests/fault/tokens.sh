#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A day in which the token server is away, with 500 messages queued, and two
# weeks in which nothing is sent; lived through by the real relaisd and the real
# relais-cred in a minute (tests/lib/timeshift.c).  Nothing fails, nobody is
# hammered, and the sign-in does not end by disuse.
# shellcheck disable=SC2016,SC2034,SC2154,SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/timeshift.sh"
need python3 certtool curl jq nft
export CERT_DAYS=900
sandbox_enter
ldd "$top_builddir/relais-cred" | grep -q libcurl ||
    skip_all "built without OAuth2"
: "${MESSAGES:=500}"
export RETRY_AFTER=60s
HOUR=3600
sandbox_secrets
sandbox_alerts
mkdir -p "$T/token" /etc/relais
cat "$T/pki/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
echo good-token >"$T/token/good"
install -m 600 "$T/token/good" "$T/secret/token"
cat >/etc/relais/oauth2 <<EOF
test
    issuer=https://mail.example.test:9443
    device=https://mail.example.test:9443/device
    token=https://mail.example.test:9443/token
    scope=smtp.send
    scope=offline_access
    unused_days=90
EOF
chmod 644 /etc/relais/oauth2
# The helper lives in the same time.  Its environment is none of ours.
cat >"$T/helper" <<EOF
#!/bin/sh
LD_PRELOAD=$TIMESHIFT_LIB TIMESHIFT=$T/timeshift \\
    ASAN_OPTIONS=verify_asan_link_order=0 exec $top_builddir/relais-cred "\$@"
EOF
chmod 755 "$T/helper"
export RELAIS_CRED_HELPER=$T/helper
mode() { echo "$*" >"$T/token/mode"; }
asked() { grep -c '^refresh_token' "$T/token/log"; }
away() { nft add rule inet wall in tcp dport 9443 reject with tcp reset; }
back() { nft flush chain inet wall in; }
state() { relais --json status | jq -r '.accounts[0].state'; }
state_is() { [ "$(state)" = "$1" ]; }
failed() {
	relais --json queue | jq '[.[] | select(.state == "failed")] | length'
}
reports() { grep -ls "^Action: $1" "$T"/provider/*.eml | wc -l; }
pass_hours() { # HOURS
	local began
	began=$(now_ms)
	shift_time pass $(($1 * HOUR)) 300 || fail "time does not pass"
	note "$1 hours took $(($(now_ms) - began)) ms, $(asked) requests," \
	    "$(grep -sc . "$T/alerts/told") alerts"
}

: >"$T/acked"
shift_time new
chmod 666 "$T/timeshift" # relais-cred opens it as the daemon's user
nft add table inet wall 2>/dev/null || skip_all "this kernel has no nftables"
nft add chain inet wall in '{ type filter hook input priority 0; }'
start token python3 "$srcdir/tests/lib/token_server.py" "$T/token" 9443 \
    "$T/pki/mail.pem" "$T/pki/mail.key"
until_true 10 grep -qs ready "$T/token.log" || {
	show_log token
	exit 1
}
start_provider provider --mechanisms XOAUTH2 --token-file "$T/secret/token"
start_relaisd home < <(
	echo "alert_command = $T/alert"
	account work mail.example.test 587 starttls | grep -v ^password_file
	printf '%s\n' "oauth = test" "client_id = relais-test"
	printf '[listen queue]\naddress = 127.0.0.1:2526\nmode = queue\n'
)
relais login work >"$T/login.out" 2>&1 </dev/null ||
    fail "not signed in: $(tail -n 1 "$T/login.out")"

# --- nothing is sent for two weeks --------------------------------------------

: >"$T/token/log"
pass_hours $((15 * 24))
check "two idle weeks: $(asked) refreshes, one a week" \
    [ "$(asked)" -ge 1 -a "$(asked)" -le 3 ]
check "two idle weeks: the account is ready" state_is ready

# --- the token server is away for a day ---------------------------------------

away
pass_hours 2 # the last token ends
: >"$T/token/log"
rm -f "$T/alerts/told" # where links are protected, root may not empty it
load --ports 2526 --clients 8 --count "$MESSAGES"
wait "$load_pid"
relais flush >/dev/null
check "away: the account waits" until_true 20 state_is paused
note "$(relais --json status | jq -r '.accounts[0].reason')"
pass_hours 12
# It answers again, but only that it cannot.
mode server
back
pass_hours 12
check "away for a day, $(heard) messages queued: failed $(failed)" \
    [ "$(failed)" = 0 ]
check "away: $(queue_len) still wait" [ "$(queue_len)" -ge "$MESSAGES" ]
check "away: $(asked) requests in the second half" \
    [ "$(asked)" -ge 12 -a "$(asked)" -le 400 ]
check "away: a person is told once" eval \
    '[ "$(cut -d"|" -f1,2 "$T/alerts/told")" = "account-paused|work" ]'
mode good
shift_time set talking_ms=20 idle_ms=20000
until_true 60 drained
shift_time set talking_ms=0 idle_ms=0
tally provider
if [ "$lost" = 0 ] && [ "$twice" = 0 ] && [ "$torn" = 0 ] && drained; then
	pass "away: then all $stored are delivered once"
else
	fail "away: lost $lost, twice $twice, torn $torn"
	relais queue | tail -n 3
	show_log home
fi
check "away: bounces $(reports failed)" [ "$(reports failed)" = 0 ]
note "delay notices $(reports delayed)"
check "away: no refresh token was used twice" \
    [ "$(grep -c REUSE "$T/token/log")" = 0 ]

# --- a clock that is wrong ----------------------------------------------------

# By a day, by a year, and right again; the second message after a restart, which
# has only the file to go by.
sent() { # SUBJECT
	submit "$1"
	until_true 60 has_mail provider "$1"
}
for days in 1 365 0; do
	shift_time set wall_ms=$((days * 24 * HOUR * 1000))
	check "a clock that is $days days ahead: delivered" sent "ahead $days"
	stop home
	run_relaisd home
	wait_port home 127.0.0.1 2525
	check "  and after a restart" sent "ahead $days again"
	check "  the account is ready" state_is ready
done
check "no refresh token was used twice" [ "$(grep -c REUSE "$T/token/log")" = 0 ]
no_crash home
sandbox_done
