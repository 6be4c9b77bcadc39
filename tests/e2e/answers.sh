#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The three answers, by sendmail's flags and by listener, with the real daemon
# and a provider that takes, refuses, puts off or hangs; and an account's limits
# on connections.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq curl
sandbox_enter
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock

begin() { # PROVIDER-OPTION...; ACCOUNT has settings of the account
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	start_provider provider "$@"
	start_relaisd home < <(
		echo "verdict_timeout = ${VERDICT:-2s}"
		account mail mail.example.test 587 starttls
		printf '%s\n' "${ACCOUNT:-}"
		printf '[listen safe]\naddress = 127.0.0.1:2526\nmode = safe\n'
		printf '[listen queue]\naddress = 127.0.0.1:2527\nmode = queue\n'
		printf '[listen verdict]\naddress = 127.0.0.1:2528\nmode = verdict\n'
	)
}
finish() {
	no_crash home
	stop home
	stop provider
}
# by_command NAME STATUS FLAG... -- RECIPIENT...: sets took (ms), output in
# $T/said; the message is called NAME.
by_command() {
	local name=$1 want=$2 flags=() began status
	shift 2
	while [ "$1" != -- ]; do flags+=("$1") && shift; done
	shift
	began=$(now_ms)
	printf 'Subject: %s\n\nx\n' "$name" | "$top_builddir/sendmail" \
	    "${flags[@]}" -f "$USER_NAME" "$@" >"$T/said" 2>&1
	status=$?
	took=$(($(now_ms) - began))
	if [ $status = "$want" ]; then
		pass "$name: exit $status after $took ms"
	else
		fail "$name: exit $status, not $want: $(cat "$T/said")"
	fi
}
# by_tcp NAME PORT: sets took; the dialogue is in $T/said.
by_tcp() {
	local began
	began=$(now_ms)
	printf 'Subject: %s\n\nx\n' "$1" | timeout 120 curl -sv \
	    --url "smtp://127.0.0.1:$2" --mail-from "$USER_NAME" \
	    --mail-rcpt "${3:-to@example.org}" -T - >"$T/said" 2>&1
	took=$(($(now_ms) - began))
}
said() { grep -q -- "$1" "$T/said"; }
has_now() { # NAME: the provider has it when the command is back
	check "$1: the provider has it by then" has_mail provider "$1"
}
queued() { # NAME COUNT
	check "$1: queued" test "$(queue_len)" = "$2"
}

in_order() { # WHERE: no line says "sent" of a mail before "accepted"
	check "$1: accepted is logged before sent" awk '
	    { for (i = 1; i <= NF && $i !~ /^id=/; i++)
		if ($i == "accepted" || $i == "picked-up" || $i == "sent")
			word = $i }
	    word == "sent" { sent[$i] }
	    word == "accepted" || word == "picked-up" {
		n++; if ($i in sent) { print; late = 1 } }
	    { word = "" }
	    END { exit late || n == 0 }' "$T/home.log"
}

# --- a provider that answers --------------------------------------------------

begin --fail 'rcpt/never*:550:5.1.1:No such person here' \
    --fail 'rcpt/later*:451:4.3.0:Come back' \
    --fail 'rcpt/spam*:550:5.7.1:We do not like it'
by_command "-odi, taken" 0 -odi -v -- to@example.org
has_now "-odi, taken"
check "-odi -v: the queue id is printed" said '\b[0-9a-v]\{16\}\b'
check "-odi -v: and what the provider said" said 'taken as number'
by_command "-odi, refused recipient" 67 -odi -- never@example.org
check "-odi, refused recipient: the provider's own words" \
    said 'No such person here'
by_command "-odi, refused for what it is" 77 -odi -- spam@example.org
check "-odi, refused for what it is: the provider's own words" \
    said '550 5.7.1 We do not like it'
queued "nothing that was refused" 0
check "nobody gets a report of what he was told" \
    test "$(grep -ls 'report-type=delivery-status' "$T"/provider/*.eml |
    wc -l)" = 0
by_command "-odi, put off" 0 -odi -- later@example.org
queued "-odi, put off" 1
by_command "-odi, one of two refused" 0 -odi -- to@example.org never@example.org
has_now "-odi, one of two refused"
by_command "-odq" 0 -odq -- to@example.org
sleep 0.5
check "-odq: no attempt" eval '! has_mail provider "-odq"'
check "sendmail -q: now it goes" eval '"$top_builddir/sendmail" -q &&
    until_true 5 has_mail provider "-odq"'
by_tcp "TCP verdict, refused" 2525 never@example.org
check "TCP verdict: the provider's code and words" \
    said '< 550 5.1.1 No such person here'
by_tcp "TCP verdict, taken" 2525
check "TCP verdict: 250 with the provider's words" \
    said '< 250 2.0.0 .* sent: 250 taken as number'
by_tcp "TCP queue" 2527
check "TCP queue: 250 queued" said '< 250 2.0.0 .* queued'
check "TCP queue: no attempt" eval '! has_mail provider "TCP queue"'
by_tcp "TCP safe, taken" 2526
by_command "-odb, taken" 0 -odb -- to@example.org
by_command "-odi, one put off" 0 -odi -- to@example.org later@example.org
until_true 5 has_mail provider "-odb, taken"
named() { "$top_builddir/relais" --json queue | jq -r 'map(
    select(.recipient_count == 2) | .recipients[0]) | sort | join(" ")'; }
check "the queue names who has not got it" \
    test "$(named)" = "later@example.org never@example.org"
in_order "with every answer"
finish

# --- one that does not --------------------------------------------------------

# The default is 30 s, and the provider's time minutes.
begin --hang end
by_command "-odi, no answer" 0 -odi -- to@example.org
check "-odi, no answer: waits as long as verdict_timeout says" \
    eval '[ $took -ge 1900 ] && [ $took -le 20000 ]'
queued "-odi, no answer" 1
by_tcp "TCP verdict, no answer" 2525
check "TCP verdict, no answer: 250 queued after verdict_timeout" eval \
    'said "< 250 2.0.0 .* queued" && [ $took -ge 1900 ] && [ $took -le 20000 ]'
check "both are on the disk" test "$(spool_files queue)" = 2
finish
VERDICT=5m begin --hang end
by_command "-odb, no answer" 0 -odb -- to@example.org
check "-odb, no answer: does not wait" test $took -lt 60000
queued "-odb, no answer" 1
by_tcp "TCP safe, no answer" 2526
check "TCP safe, no answer: 250 queued at once" \
    eval 'said "< 250 2.0.0 .* queued" && [ $took -lt 60000 ]'
check "both are on the disk" test "$(spool_files queue)" = 2
finish

# --- mode = auto, the default on TCP -------------------------------------------

# many PORT COUNT: one session; prints for how many the answer is the provider's
# word, in order ("w", or "q" for queued).
many() {
	python3 - "$@" <<-'EOF'
	import smtplib, sys
	with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60) as s:
	    for i in range(int(sys.argv[2])):
	        s.mail("from@example.org")
	        s.rcpt("never@example.org" if i in (0, 14) else "to@example.org")
	        code, text = s.data("Subject: many\r\n\r\nx\r\n")
	        print("w" if code == 550 or b"sent:" in text else "q", end="")
	EOF
}
begin --delay-ms 300 --hide pipelining,chunking \
    --fail 'rcpt/never*:550:5.1.1:No such person here'
said=$(many 2525 16)
check "auto: the first ten hear the provider's word, the others do not: $said" \
    test "$said" = wwwwwwwwwwqqqqqq
said=$(many 2525 2)
check "auto: nor does the next session of the same user: $said" \
    test "$said" = qq
# Those that were refused behind their answer stay, as failed.
until_true 60 eval 'relais --json queue | jq -e "all(.state == \"failed\")" >/dev/null'
said=$(many 2528 12)
check "verdict: all hear it: $said" test "$said" = wwwwwwwwwwww
by_command "-odi on top of that" 0 -odi -- to@example.org
has_now "-odi on top of that"
finish

# --- max_connections, max_per_connection --------------------------------------

send_many() {
	local i
	for i in $(seq "$1"); do by_tcp "many $i" 2527; done
	"$top_builddir/sendmail" -q
}
for n in 1 3; do
	ACCOUNT="max_connections = $n" begin --delay-ms 30 \
	    --hide pipelining,chunking
	send_many 24
	until_true 20 drained || fail "max_connections = $n: the queue is not empty"
	most=$(most_logged_in provider)
	check "max_connections = $n: $most at once" test "$most" = $n
	finish
done
ACCOUNT='max_per_connection = 4' begin
send_many 20
until_true 20 drained
most=$(grep -o '"number"' "$T/provider.log" | wc -l)
logins=$(grep -c ' connected account=mail ' "$T/home.log")
check "max_per_connection = 4: $most messages over $logins connections" \
    eval '[ $most = 20 ] && [ $logins -ge 5 ] && [ $logins -le 8 ]'
finish

# --- a budget -----------------------------------------------------------------

ACCOUNT='max_per_day = 10' begin
for i in $(seq 14); do by_tcp "budget $i" 2525; done
arrived_are() { [ "$(grep -c '"event":"message"' "$T/provider.log")" = "$1" ]; }
check "max_per_day = 10: 10 of 14 go" until_true 5 arrived_are 10
check "80 % is one line in the log" \
    test "$(grep -c '80 % of max_per_day is used up' "$T/home.log")" = 1
check "all of it one alert" \
    test "$(grep -c 'alert event=quota account=mail' "$T/home.log")" = 1
queued "the others" 4
stop home KILL
run_relaisd home
wait_port home 127.0.0.1 2525
"$top_builddir/sendmail" -q
sleep 1
check "kill -9 and sendmail -q do not open the window" arrived_are 10
finish
sandbox_done
