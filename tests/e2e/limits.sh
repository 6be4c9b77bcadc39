#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# limits.sh - an account's own limits close its window before the provider
# does, and neither they nor a hold are forgotten by a restart; the provider's
# own limit per connection costs a connection and nothing else.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
sandbox_enter
need jq
start_provider mail
conf() {
	account mail mail.example.test 587 starttls
	echo "max_per_hour = 3"
}
start_relaisd home < <(conf)
submit() {
	printf 'Subject: x\n\nhello\n' | curl -s --url smtp://127.0.0.1:2525 \
	    --mail-from a@example.test --mail-rcpt b@example.test -T -
}
arrived_now() { grep -c '"event":"message"' "$T/mail.log"; }
for _ in 1 2 3 4 5; do submit || fail "a mail is taken"; done
check "three go, two wait" until_true 5 queue_is 2
check "the provider has three" test "$(arrived_now)" = 3
state() { relais --json status | jq -r '.accounts[0].state'; }
check "the account is paused" test "$(state)" = paused
check "status names the limit" eval 'relais status | grep -q max_per_hour'
check "so does the log, and earlier at 80 %" \
    grep -q '80 % of max_per_hour' "$T/home.log"
relais flush >/dev/null
sleep 1
check "a flush does not open the window" test "$(arrived_now)" = 3
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
sleep 1
check "nor does a restart" test "$(arrived_now)-$(state)" = 3-paused
sed -i 's/^max_per_hour.*/max_per_hour = 30/' "$T/home/relais.conf"
kill -HUP "$(cat "$T/home.pid")"
drained() { [ "$(queue_len)" = 0 ]; }
check "a higher limit does" until_true 10 drained
check "the provider has all five" test "$(arrived_now)" = 5

# A refused login: held, over a restart too, and tried anew after a reload.
cp "$T/secret/mail" "$T/right"
printf 'wrong\n' >"$T/secret/mail"
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
submit
check "a wrong password holds the account" \
    until_true 10 eval '[ "$(state)" = held ]'
tries() { grep -c '^.* held account=' "$T/home.log"; }
before=$(tries)
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
sleep 2
check "a restart does not try it again" test "$(tries)-$(state)" = "$before-held"
check "no mail is lost" test "$(queue_len)" = 1
cp "$T/right" "$T/secret/mail"
kill -HUP "$(cat "$T/home.pid")"
check "after a reload with the right one it goes" until_true 10 drained

# A secret that is mended while the account is held is noticed (R57).
printf 'wrong\n' >"$T/secret/mail"
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
submit
check "held again" until_true 10 eval '[ "$(state)" = held ]'
cp "$T/right" "$T/secret/mail"
check "a changed secret is tried without being told" until_true 30 drained
check "the log says why" grep -q 'its secret has changed' "$T/home.log"
[ "$sandbox_bad" = 0 ] || show_log home 40

# A provider that ends each connection after so many messages: no pause, no
# message is charged, and from the third connection on it need not say so.
start_provider few --port 2587 --implicit-port 2465 --per-connection 6
PORT=2626 start_relaisd many < <(account few mail.example.test 2587 starttls)
args=()
for i in $(seq 40); do
	printf 'Subject: %d\n\nhello\n' "$i" >"$T/m$i"
	args+=(--mail-from a@example.test --mail-rcpt b@example.test
	    -T "$T/m$i" --url smtp://127.0.0.1:2626 --next)
done
curl -s --no-progress-meter --parallel "${args[@]:0:${#args[@]}-1}" ||
    fail "40 mails are taken"
several() { [ "$(grep -c '"event":"message"' "$T/few.log")" = 40 ]; }
check "a provider's limit per connection delays nothing" until_true 5 several
check "the account was never paused" \
    eval '! grep -E " paused | uncertain " "$T/many.log"'
check "the limit is learnt" \
    grep -q 'accepts 6 messages over one connection' "$T/many.log"
sandbox_done
