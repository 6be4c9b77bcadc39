#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# spare.sh - fallback = NAME: while an account is held its mail goes through
# the spare, with the spare's identity, and back when the account works again;
# what the first provider may have taken stays with it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
sandbox_enter
need jq
sandbox_secrets
start_provider mail
printf 'wrong\n' >"$T/secret/wrong"
chown relais "$T/secret/wrong"
chmod 600 "$T/secret/wrong"
start_provider spare --port 1587 --implicit-port 1465
start_relaisd home < <(
	account first mail.example.test 587 starttls |
	    sed "s,password_file = .*,password_file = $T/secret/wrong,"
	echo "default = yes"
	echo "fallback = second"
	account second mail.example.test 1587 starttls |
	    sed 's/^address = .*/address = second@example.test/'
)
submit() {
	printf 'Subject: x\n\nhello\n' | curl -s --url smtp://127.0.0.1:2525 \
	    --mail-from a@example.test --mail-rcpt b@example.test -T -
}
got() { grep -c '"event":"message"' "$T/$1.log"; }
submit
check "a held account's mail goes through the spare" \
    until_true 15 eval '[ "$(got spare)" = 1 ]'
check "with the spare's identity" \
    grep -q '"sender":"second@example.test"' "$T/spare.log"
check "the log says who stands in" \
    grep -q 'account first is unavailable; its messages go through second' "$T/home.log"
submit
check "so does what comes later" until_true 5 eval '[ "$(got spare)" = 2 ]'
check "nothing is left, nothing failed" test "$(queue_len)" = 0
cp "$T/secret/mail" "$T/secret/right"
chown relais "$T/secret/right"
chmod 600 "$T/secret/right"
sed -i "0,/password_file/s,password_file = .*,password_file = $T/secret/right," \
    "$T/home/relais.conf"
kill -HUP "$(cat "$T/home.pid")"
until_true 10 grep -q 'configuration reloaded' "$T/home.log"
submit
check "once the account works its mail goes there again" \
    until_true 10 eval '[ "$(got mail)" = 1 ]'
[ "$sandbox_bad" = 0 ] || show_log home 40
sandbox_done
