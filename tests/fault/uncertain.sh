#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# R63: the provider has the whole message and its answer is lost, because the
# connection breaks or because relaisd is killed in that moment.  The queue says
# that it may have been delivered, `uncertain' decides what happens, and what is
# sent again has the same bytes.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

begin() { # POLICY PROVIDER-OPTION...
	local policy=$1
	shift
	rm -rf "${T:?}/home" "$T/home.log" "$T/provider"
	start_provider provider "$@"
	start_relaisd home < <(
		echo "uncertain = $policy"
		account mail mail.example.test 587 starttls
		printf '[listen bulk]\naddress = 127.0.0.1:2526\nmode = safe\n'
	)
}
copies() { find "$T/provider" -name '*.eml' 2>/dev/null | wc -l; }
has_copies() { [ "$(copies)" = "$1" ]; }
flushed_has_copies() {
	has_copies "$1" && return
	relais flush >/dev/null 2>&1
	has_copies "$1"
}
item() { relais --json queue 2>/dev/null | jq -r ".[0] | $1"; }
in_doubt() { [ "$(item .uncertain)" = true ]; }
is_held() { [ "$(item .state)" = held ]; }
kill_it() {
	stop home KILL
	run_relaisd home
	wait_port home 127.0.0.1 2525
}
says_so() { # NAME
	local id
	id=$(item .id)
	check "$1: relais queue says so" \
	    eval 'relais queue | grep -q "may have been delivered"'
	check "$1: relais show says so, of the recipient" eval \
	    'relais show "$id" | grep -q "may have been delivered" &&
	    relais --json show "$id" |
	    jq -e ".uncertain and .recipients[0].uncertain" >/dev/null'
}
same_bytes() { # NAME COPIES
	local first f same=0
	first=$(find "$T/provider" -name '*.eml' | sort | head -n 1)
	for f in "$T"/provider/*.eml; do
		cmp -s "$first" "$f" && same=$((same + 1))
	done
	if [ $same = "$2" ] && grep -qi '^message-id: *<' "$first"; then
		pass "$1: the same bytes and Message-ID $2 times"
	else
		fail "$1: $same of $2 copies are the same"
	fi
}
# Nothing goes again by itself while it is looked at, however long that takes.
export RETRY_AFTER=1h
# The end of the message hangs; killed before the answer.
killed() { # NAME POLICY PROVIDER-OPTION...
	local name=$1 policy=$2
	shift 2
	begin "$policy" --hang end:1 "$@"
	PORT=2526 submit "$name" 200000
	check "$name: the provider has it" until_true 10 has_copies 1
	check "$name: accepted" grep -q '< 250 .*[Qq]ueued' "$T/submit.err"
	kill_it
	check "$name: after kill -9 it is in doubt" until_true 10 in_doubt
	says_so "$name"
	kill_it
	check "$name: and after another" until_true 10 in_doubt
}
goes_again() { # NAME COPIES
	check "$1: it is sent again" until_true 15 flushed_has_copies "$2"
	check "$1: and is done" until_true 10 drained
	same_bytes "$1" "$2"
	no_crash home
	stop home
	stop provider
}

killed "killed in BDAT" retry
goes_again "killed in BDAT" 2
killed "killed in DATA" retry --hide pipelining,chunking
goes_again "killed in DATA" 2

killed "killed, uncertain = hold" hold
check "killed, uncertain = hold: it is held" until_true 5 is_held
relais flush >/dev/null
sleep 2
check "killed, uncertain = hold: nothing is sent by itself" has_copies 1
check "killed, uncertain = hold: a person is told, once" \
    test "$(grep -c 'alert event=message-held' "$T/home.log")" = 1
relais release --all >/dev/null
goes_again "killed, uncertain = hold" 2

# The answer is lost on the way; a retry that is killed is in doubt as well,
# though the first attempt was long over.
begin retry --drop end:2
submit "lost answer"
check "a lost answer: the provider has it" until_true 10 has_copies 1
check "a lost answer: it is in doubt" until_true 10 in_doubt
says_so "a lost answer"
goes_again "a lost answer" 3

begin hold --drop end:1
submit "lost and held"
check "a lost answer, uncertain = hold: it is held" until_true 10 is_held
says_so "a lost answer, uncertain = hold"
check "a lost answer, uncertain = hold: a person is told" \
    until_true 5 grep -q 'alert event=message-held' "$T/home.log"
relais release --all >/dev/null
goes_again "a lost answer, uncertain = hold" 2
sandbox_done
