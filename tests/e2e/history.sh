#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# history.sh - what became of a message: relais log and relais show, whoever asks
# and whatever happened to the daemon and its file meanwhile.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq curl setpriv
sandbox_enter
sandbox_secrets
start_provider mail --fail 'rcpt/gone@*:550:5.1.1:No such user here' \
    --fail 'rcpt/slow@*:451:4.7.1:Try again later'
conf() { # LINE...: of [relais]
	printf '%s\n' "lifetime = 4s" "$@"
	account works mail.example.test 587 starttls
	echo "default = yes"
	printf '[listen queue]\naddress = 127.0.0.1:2526\nmode = queue\n'
	account other mail.example.test 465 implicit
	echo "senders = other@example.test"
}
reconfigure() {
	relaisd_conf home < <(conf "$@")
	relais reload >/dev/null
}
relaisd_conf home < <(conf)
run_relaisd home
wait_port home 127.0.0.1 2525
send() { # SENDER RECIPIENT [PORT]
	printf 'Subject: caf\303\251 =?utf-8?q?au_lait?=\n\nhello\n' |
	    curl -s --url "smtp://127.0.0.1:${3:-2525}" --mail-from "$1" \
		--mail-rcpt "$2" -T - 2>/dev/null
}
logged() { relais --json log "$@" 2>"$T/err"; }
# A client may have its 250 from the disk, before the provider has answered.
counts() { # N ARGUMENT...
	local n=$1
	shift
	[ "$(logged "$@" | jq length)" = "$n" ]
}
count_is() { until_true 10 counts "$@"; }
newest() { # JQ-CONDITION ARGUMENT...
	local what=$1
	shift
	logged "$@" | jq -e "length > 0 and (.[-1] | $what)" >/dev/null
}
has() { until_true 20 newest "$@"; }

# --- outcomes -----------------------------------------------------------------

send me@example.test you@example.test
check "a delivered message is there as soon as it was answered" count_is 1
check "  with the provider's answer" has \
    '.state == "delivered" and .reply.code == 250 and .account == "works" and
     .recipients == ["you@example.test"] and .reply.stage == "end"'
id=$(logged | jq -r '.[0].id')
relais log >"$T/out"
check "  in one line for people" test "$(wc -l <"$T/out")" = 1
check "  with both addresses" grep -q "delivered  $id  works  me@example.test -> you@example.test" "$T/out"
relais show "$id" >"$T/out"
check "relais show finds it" grep -q '^State: *delivered' "$T/out"
check "  with the answer" grep -q '^Answer: *250 2.0.0 taken as number 1' "$T/out"
check "  also by the end of its id" sh -c \
    "'$top_builddir/relais' -c '$T/home/relais.conf' show '${id: -5}' | grep -q '$id'"
check "  and as JSON" sh -c "'$top_builddir/relais' -c '$T/home/relais.conf' --json show '$id' |
    jq -e '.state == \"delivered\" and (.outcomes | length == 1)' >/dev/null"
check "an id that nobody knows is no message" sh -c \
    "! '$top_builddir/relais' -c '$T/home/relais.conf' show 0123456789abcdef 2>'$T/err'"
check "  in one sentence" grep -qx 'relais: show: no message 0123456789abcdef' "$T/err"

send me@example.test gone@example.test
check "what was refused while its client waited is there" has \
    '.state == "refused" and .reply.code == 550 and .cause != ""' --to 'gone@*'
send me@example.test gone@example.test 2526
relais flush >/dev/null
check "what failed later is there" has \
    '.state == "failed" and .reply.code == 550' --to 'gone@*'
send me@example.test slow@example.test 2526
check "what is too old is there" has \
    '.state == "failed" and (.reply.text | startswith("not delivered within 4s"))' \
    --to 'slow@*'
send me@example.test new@example.test 2526
relais delete "$(relais --json queue | jq -r '.[] |
	select(.recipients[0] == "new@example.test").id')" >/dev/null
check "what a person deleted is there" \
    has '.state == "deleted" and .reply == null' --to 'new@*'
relais log --failed >"$T/out"
check "a failure says what the provider said" grep -q '^    550 5.1.1 No such user here' "$T/out"
check "  and why" test "$(grep -c '^    ' "$T/out")" -ge 6

# --- which ones ---------------------------------------------------------------

send other@example.test you@example.test
check "--failed" count_is 3 --failed
check "--to" count_is 2 --to you@example.test
check "--to with a pattern" count_is 2 --to 'Y*@*.test'
check "--to with a domain" count_is 1 --to EXAMPLE.test --account other
check "--to with what is before the @" count_is 2 --to you
check "  or a part of that" count_is 2 --to 'y*u'
check "  which is nothing else" count_is 0 --to example
check "--account" count_is 1 --account other
check "an ID" count_is 1 "$id"
check "a pattern longer than any address is refused" \
    eval '! relais log --to "$(printf "%0400d" 0)" 2>"$T/err" && grep -q "too long" "$T/err"'
check "--since" count_is 2 --since 1h --to you@example.test
sleep 2
check "--since, and nothing is that new" count_is 0 --since 1s
# Where it is noon now: of what was sent a minute ago nothing was yesterday.
was_zone=$TZ
TZ=NOON$(($(date -u +%-H) - 12))
check "--last, the newest at the end" has '.account == "other"' --to you@example.test --last 2
check "  so many" count_is 1 --to you@example.test --last 1
for since in 00:00 0:00:00 25:00 1:2:3:4 10:3x : 90m 2h 1d 2w today yesterday "$(date -I)" "$(date -Is -d '1 hour ago')" \
    "$(date -d yesterday +%F\ %H:%M)" "$(date -R -d '1 hour ago')" \
    "@0" 1970-01-01; do
	case $since in
	2w | @0 | 25:00 | 1:2:3:4 | 10:3x | :) check "--since $since is no time" eval \
	    '! relais log --since "$since" 2>"$T/err" &&
		grep -q "is no time such as" "$T/err"' ;;
	*) check "--since $since" count_is 2 --since "$since" --to you@example.test ;;
	esac
done
check "--since a time of today that is not over: nothing yet" count_is 0 \
    --since 23:59:59
# In Paris it is an hour earlier in summer, whatever the time of the year now.
asks_since() { # --since MOMENT: what the daemon is asked for, as a date in UTC
	TZ=Europe/Paris strace -f -s 300 -e trace=sendto,send,write -o "$T/asked" \
	    "$top_builddir/relais" -c "$T/home/relais.conf" log --since "$1" >/dev/null
	date -u -d "@$(sed -n 's/.*\\"since\\": *\([0-9]*\).*/\1/p' "$T/asked")" +%FT%H
}
if command -v strace >/dev/null && [ -e /usr/share/zoneinfo/Europe/Paris ]; then
	check "--since a date in summer" test "$(asks_since 2026-07-01)" = 2026-06-30T22
	check "  and in winter" test "$(asks_since 2026-01-01)" = 2025-12-31T23
	check "  and with a zone" \
	    test "$(asks_since 2026-07-01T00:00:00+01:00)" = 2026-06-30T23
else
	skip "dates in another zone: needs strace and tzdata"
fi
tomorrow=$(date -d tomorrow +%F)
check "--since tomorrow's date: nothing yet" count_is 0 --since "$tomorrow"
TZ=$was_zone
check "what is no time is one clear sentence" eval \
    '! relais log --since whenever 2>"$T/err" &&
	[ "$(grep -c "no time such as 2h" "$T/err")" = 1 ]'

# --- who asks -----------------------------------------------------------------

as_alice() {
	setpriv --reuid alice --regid alice --clear-groups env -i \
	    PATH="$PATH" RELAIS_CONTROL="$T/home/control.sock" \
	    RELAIS_SOCKET="$T/home/smtp.sock" "$@"
}
printf 'Subject: hers\n\nx\n' |
    as_alice "$top_builddir/sendmail" -odi -f alice@example.test you@example.test
check "an ordinary user sees their own" test "$(
	as_alice "$top_builddir/relais" --json log | jq -c 'map(.sender)')" = '["alice@example.test"]'
check "  and no other, even by its id" test "$(
	as_alice "$top_builddir/relais" --json log "$id" | jq length)" = 0
not_hers() { ! as_alice "$top_builddir/relais" show "$1" 2>/dev/null; }
check "  nor with show" not_hers "$id"
check "root sees both" count_is 3 --to you@example.test

# --- live ---------------------------------------------------------------------

start follow "$top_builddir/relais" -c "$T/home/relais.conf" log --follow
# What comes before it has begun is not shown.
follows() {
	send me@example.test live@example.test
	grep -q 'delivered .* live@example.test' "$T/follow.log"
}
check "--follow shows what comes" until_true 10 follows
check "  and nothing from before" sh -c "! grep -q you@example.test '$T/follow.log'"
stop home
until_true 10 sh -c "! kill -0 $(cat "$T/follow.pid") 2>/dev/null"
check "  until the daemon ends, which is said" \
    test "$(grep -c '^relais: ' "$T/follow.log")" = 1
run_relaisd home
wait_port home 127.0.0.1 2525

# --- restarts and damage --------------------------------------------------------

was=$(logged | jq length)
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
check "a restart keeps it" count_is "$was"
file=$T/home/spool/state/history
for i in 1 2 3; do send me@example.test "kill$i@example.test"; done
# Within a second; twice that on an idle machine would be wrong.
until_true 2 eval '[ "$(grep -c "kill[123]@" "$file")" = 3 ]'
stop home KILL
run_relaisd home
wait_port home 127.0.0.1 2525
check "kill -9 keeps what is older than a second" count_is 3 --to 'kill*'
check "nobody else may read it" test "$(stat -c '%a %U' "$file")" = "600 relais"
was=$(logged | jq length)
stop home
printf 'rubbish\n\0\377 delivered 1 2' >>"$file"
run_relaisd home
wait_port home 127.0.0.1 2525
send me@example.test after@example.test
check "a damaged file loses no other entry" count_is $((was + 1))
check "  which is said" grep -q '2 damaged lines' "$T/err"
logged >/dev/null
check "  and logged once" test "$(grep -c 'history are damaged' "$T/home.log")" = 1
check "  and mail is delivered as before" has '.recipients == ["after@example.test"]'

# --- bounds -------------------------------------------------------------------

reconfigure "history = 10"
for i in $(seq 25); do send me@example.test "many$i@example.test"; done
has '.recipients == ["many25@example.test"]'
logged >"$T/out"
n=$(jq length "$T/out")
check "between half and all of the entries are kept ($n)" test "$n" -ge 5 -a "$n" -le 10
check "  the newest ones" test "$(jq -r '.[-1].recipients[0]' "$T/out")" = many25@example.test
reconfigure "history_subject = yes"
send me@example.test subject@example.test
check "a subject is kept if that is wanted" has '.subject == "café au lait"'
reconfigure
send me@example.test subject@example.test
check "  and else not" has 'has("subject") | not'
reconfigure "history = 0"
check "history = 0 removes it" until_true 10 test ! -e "$file"
send me@example.test none@example.test
check "  and keeps nothing" count_is 0
mkdir "$file"
reconfigure
send me@example.test "unwritable@example.test"
check "a history that cannot be written stops no mail" \
    until_true 10 grep -q 'sent .*unwritable@example.test' "$T/home.log"
check "  and is told once" until_true 10 test "$(
	sleep 2
	grep -c 'cannot write the history' "$T/home.log")" = 1
rmdir "$file"
send me@example.test again@example.test
check "  until it can" until_true 10 grep -q 'the history is written again' "$T/home.log"
check "  from then on" count_is 1 --to again@example.test

[ "$sandbox_bad" = 0 ] || show_log home 20
sandbox_done
