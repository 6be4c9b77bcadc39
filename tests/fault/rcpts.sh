#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# 250 recipients of one message, of whom one is refused for good and three for
# a while, at providers that take only so many at once: each of the others gets
# it exactly once, at once.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

# r0 ... r249, the names of those who are refused instead.
cat >"$T/send.py" <<'EOF'
import smtplib
import sys
rcpts = ["r%d@d%d.example" % (i, i % 3) for i in range(250)]
if "--all-fine" not in sys.argv:
    rcpts[0], rcpts[7], rcpts[130] = "later-0@x.example", \
        "later-1@x.example", "later-2@x.example"
    rcpts[200] = "never@x.example"
with smtplib.SMTP("127.0.0.1", 2525, timeout=60) as s:
    refused = s.sendmail("relay@example.test", rcpts,
                         "Subject: for many\r\n\r\ntext\r\n")
    assert not refused
EOF
# Those of the message; the notice about the refused one goes to its sender.
transactions() {
	grep -L '^recipient: <relay@' "$T"/provider/*.env 2>/dev/null | wc -l
}
# "COUNT ADDRESS" of all transactions together.
served() {
	sed -n 's/^recipient: <\(.*\)>$/\1/p' "$T"/provider/*.env 2>/dev/null |
	    grep -v '^relay@' | sort | uniq -c
}
count_is() { [ "$(served | wc -l)" = "$1" ]; }
failed_only() {
	[ "$(relais --json queue | jq '[.[] | select(.state != "failed")] |
	    length')" = 0 ]
}

# Recipients that reports to the sender name, and how many reports there are.
reports() { grep -ls '^Content-Type: message/delivery-status' "$T"/provider/*.eml; }
reported() {
	sed -n 's/^Final-Recipient: *rfc822; *\(.*[^\r]\)\r\{0,1\}$/\1/pI' \
	    "$T"/provider/*.eml
}
case_of() { # NAME MAX_RECIPIENTS LIMIT PROVIDER-OPTION...
	local name=$1 max=$2 limit=$3 began most
	shift 3
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	# Each of the three is put off twice.
	start_provider provider --fail 'rcpt/later-*:450:4.2.0:later:6' \
	    --fail 'rcpt/never*:550:5.1.1:no such person' "$@"
	start_relaisd home < <(
		account mail mail.example.test 587 starttls
		echo "max_recipients = $max"
	)
	began=$(now_ms)
	python3 "$T/send.py" || fail "$name: the message is not taken"
	until_true 20 count_is 246 || fail "$name: $(served | wc -l) are served"
	local at_once=$(($(now_ms) - began))
	until_true 40 count_is 249
	until_true 10 failed_only
	most=$(grep -c recipient "$T"/provider/*.env /dev/null |
	    sed 's/.*://' | sort -rn | head -n 1)
	if count_is 249 && [ "$(served | awk '$1 > 1' | wc -l)" = 0 ] &&
	    [ "$most" -le "$limit" ]; then
		pass "$name: 249 of 250 served exactly once, in $(transactions)" \
		    "transactions of at most $most; all but the three put off" \
		    "within $at_once ms"
	else
		fail "$name: $(served | wc -l) served," \
		    "$(served | awk '$1 > 1' | wc -l) of them again, $most at once"
		show_log home
	fi
	if [ "$(relais --json queue | jq -r '.[] | .state')" = failed ] &&
	    grep -aq '^[0-9a-f]* rcpt 200 failed' "$T"/home/spool/failed/* &&
	    [ "$(grep -ac '^[0-9a-f]* rcpt [0-9]* failed' \
		"$T"/home/spool/failed/*)" = 1 ]; then
		pass "$name: the one that was refused is kept as failed, alone"
	else
		fail "$name: failed/ is wrong"
		relais queue
		show_log home
	fi
	until_true 10 eval '[ -n "$(reports)" ]'
	check "$name: $(reports | wc -l) report to the sender, of $(reported)" \
	    [ "$(reports | wc -l) $(reported)" = "1 never@x.example" ]
	no_crash home
	stop home
	stop provider
}
case_of "452 after 100" 0 100 --rcpts 100
case_of "452 after 100, no pipelining" 0 100 --rcpts 100 \
    --hide pipelining,chunking
case_of "LIMITS RCPTMAX=20" 0 20 --limits RCPTMAX=20
case_of "max_recipients = 30" 30 30
case_of "one domain at a time" 0 100 --one-domain
case_of "one domain at a time, and 452 after 20" 0 20 --one-domain --rcpts 20
case_of "one domain at a time, said to DATA" 0 100 --hide chunking,pipelining \
    --fail 'data:451:4.3.0:Multiple destination domains per transaction:1'
# The first recipient is put off, alone in its transaction.
case_of "max_recipients = 1" 1 1

# Whoever has said so, or says LIMITS RCPTDOMAINMAX=1, is not asked again.
learns() { # NAME REFUSALS PROVIDER-OPTION...
	local name=$1 refusals=$2
	shift 2
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	start_provider provider --one-domain "$@"
	start_relaisd home < <(account mail mail.example.test 587 starttls)
	for _ in 1 2 3; do
		python3 "$T/send.py" --all-fine ||
		    fail "$name: a message is not taken"
		until_true 10 drained || fail "$name: the queue is not empty"
	done
	local told
	told=$(grep -c another-domain "$T/provider.log")
	# One more for the message that finds out.
	check "$name: 3 messages to 3 domains, transactions: $(transactions)" \
	    eval '[ "$(transactions)" -le 10 ] &&
	    [ "$told" -le "$refusals" ]'
	no_crash home
	stop home
	stop provider
}
learns "Google" 100
learns "LIMITS RCPTDOMAINMAX=1" 0 --limits RCPTDOMAINMAX=1
sandbox_done
