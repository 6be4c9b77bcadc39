#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runaway scripts of real users, through sendmail and loopback TCP: max_per_user
# lets others pass and spends nothing of the account's limit; equal messages are
# folded into one with a count.  Neither loses a mail, nor under kill -9.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq curl setpriv
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

cat >"$T/told.sh" <<EOF
#!/bin/sh
printf '%s|%s|%s|' "\$RELAIS_EVENT" "\$RELAIS_ACCOUNT" "\$RELAIS_USER" >>$T/told
cat >>$T/told
EOF
chmod 755 "$T/told.sh"

begin() { # settings of [relais]; ACCOUNT has those of the account
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	: >"$T/told"
	chmod 666 "$T/told"
	start_provider provider
	start_relaisd home < <(
		printf '%s\n' "$@" "alert_command = $T/told.sh"
		account mail mail.example.test 587 starttls
		printf '%s\n' "${ACCOUNT:-}"
	)
}
finish() {
	no_crash home
	stop home
	stop provider
}
as() { # USER COMMAND...
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups \
	    env RELAIS_SOCKET="$T/home/smtp.sock" HOME="$T/users/$user" "$@"
}
mail_of() { printf 'Subject: %s\n\n%s\n' "$1" "${2:-text}"; }
by_command() { # USER SUBJECT
	mail_of "$2" | as "$1" "$top_builddir/sendmail" to@example.org
}
by_tcp() { # USER SUBJECT
	mail_of "$2" | as "$1" curl -sv --url smtp://127.0.0.1:2525 \
	    --mail-from "$USER_NAME" --mail-rcpt to@example.org -T - \
	    >"$T/tcp.out" 2>&1
}
# How many have arrived whose subject ends so.
has() { cat "$T"/provider/*.eml 2>/dev/null | grep -c "^Subject: .*$1"; }
has_n() { [ "$(has "$1")" = "$2" ]; }
kill_it() {
	stop home KILL
	run_relaisd home
	wait_port home 127.0.0.1 2525
}
listed() { relais queue | grep -c "$1"; }

# --- max_per_user -------------------------------------------------------------

ACCOUNT='max_per_hour = 30' begin 'max_per_user = 10'
for i in $(seq 20); do
	by_command alice "script $i" || fail "a mail of the script is refused"
	by_tcp alice "script t$i" || fail "a mail by TCP is refused"
done
check "40 mails of a script, max_per_user = 10: 10 arrive" \
    until_true 10 has_n script 10
by_command bob "person 1"
by_tcp bob "person 2"
check "another user's mail passes, by command and TCP" \
    until_true 10 has_n person 2
check "the account's own limit is not touched" \
    test "$(relais --json status | jq -r '.accounts[0].state')" = ready
check "the listing says why they wait" \
    test "$(listed 'max_per_user = 10 of this user')" = 30
told_once() {
	[ "$(wc -l <"$T/told")" = 1 ] &&
	    grep -q '^user-limit||alice|' "$T/told" &&
	    sed 's/^[^{]*//' "$T/told" | jq -e '.user == "alice"' >/dev/null
}
check "one alert, with the user in environment and JSON" until_true 5 told_once
kill_it
sleep 1
check "kill -9: all are there, and none goes before its time" \
    eval 'queue_is 30 && has_n script 10'
by_command bob "person 3"
check "and others still pass" until_true 10 has_n person 3
sed -i 's/^max_per_user.*/max_per_user = 0/; s/^max_per_hour.*//' \
    "$T/home/relais.conf"
kill -HUP "$(cat "$T/home.pid")"
check "without the limit all arrive, once" \
    eval 'until_true 20 drained && has_n script 40'
finish

# --- equal messages -----------------------------------------------------------

# Longer than all of this takes on any machine; the next storm has a short one.
begin 'max_equal = 5' 'equal_time = 10m'
for i in $(seq 15); do
	by_command alice "it failed" || fail "an equal mail is refused"
	by_tcp alice "it failed" || fail "an equal mail by TCP is refused"
done
# By the socket and by TCP are two ways, so two kinds.
check "30 equal mails on two ways: 5 of each arrive" \
    until_true 10 has_n 'it failed' 10
check "a client by TCP hears what becomes of its own" \
    grep -q '< 250 2.0.0 .* counts among the equal messages' "$T/tcp.out"
check "two messages stand for the others" \
    test "$(queue_len)-$(listed 'stands for 10 equal messages')" = 2-2
check "relais status says that messages are being folded" eval \
    'relais status | grep -q "folding equal.*: 2 in the queue stand for 18 more"'
by_command bob "it failed"
check "another user's goes at once" until_true 5 has_n 'it failed' 11
by_command alice "and another text"
check "and so does another text" until_true 5 has_n 'another text' 1
check "one line in the log for each" \
    test "$(grep -c 'more than 5 equal messages of user alice' \
    "$T/home.log")" = 2
kill_it
check "kill -9: the count is still there" \
    test "$(listed 'stands for 10 equal messages')" = 2
relais retry --all >/dev/null
check "they arrive with the count" until_true 20 has_n '.10 times. it failed' 2
check "and nothing is left" until_true 10 drained
check "the field says it, too" test \
    "$(grep -l '^X-Relais-Equal: 9 others' "$T"/provider/*.eml | wc -l)" = 2
finish

# A storm through 12 kills: what heard 250 is there, alone or in a count.
begin 'max_equal = 10' 'equal_time = 4s' 'verdict_timeout = 2s'
cat >"$T/storm.py" <<'EOF'
import os
import smtplib
import sys
import time
heard = 0

def is_over():
    return os.path.exists(sys.argv[1])

while not is_over():
    try:
        with smtplib.SMTP("127.0.0.1", 2525, timeout=10) as s:
            while not is_over():
                s.sendmail("relay@example.test", ["to@example.org"],
                           "Subject: storm\r\n\r\ntext\r\n")
                heard += 1
    except (OSError, smtplib.SMTPException):
        time.sleep(0.02)
print(heard)
EOF
pids=()
for i in 1 2 3 4; do
	python3 "$T/storm.py" "$T/over" >"$T/heard.$i" &
	pids+=($!)
done
kills=0
while [ $kills -lt 12 ]; do
	sleep "0.$((RANDOM % 6 + 3))"
	stop home KILL
	kills=$((kills + 1))
	run_relaisd home
done
touch "$T/over"
wait "${pids[@]}"
wait_port home 127.0.0.1 2525
until_true 30 drained
heard=$(cat "$T"/heard.* | awk '{ n += $1 } END { print n + 0 }')
copies=$(has storm)
counted=$(sed -n 's/^X-Relais-Equal: \([0-9]*\) others.*/\1/p' \
    "$T"/provider/*.eml | awk '{ n += $1 } END { print n + 0 }')
if drained && [ "$heard" -gt 50 ] && [ $((copies + counted)) -ge "$heard" ]
then
	pass "a storm through $kills kills: $heard heard 250, $copies arrived" \
	    "and stand for $counted more: lost 0," \
	    "$((copies + counted - heard)) counted without an answer"
else
	fail "a storm through $kills kills: $heard heard 250, $copies arrived" \
	    "and stand for $counted more"
	show_log home
fi
finish
sandbox_done
