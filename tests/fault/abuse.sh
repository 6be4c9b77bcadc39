#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Other protocols on each socket, requests without an end and with descriptors on
# the control socket, and a provider that stops in the middle of TLS.  Nothing of
# it is taken for mail, costs memory or descriptors, or holds honest mail up.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
abuse() { python3 "$srcdir/tests/fault/abuse.py" "$@"; }
start_provider provider
start_relaisd home < <(account mail mail.example.test 587 starttls)
control=$T/home/control.sock
descriptors() { find "/proc/$(worker home)/fd" | wc -l; }
memory() { awk '/VmRSS/ { print $2 }' "/proc/$(worker home)/status"; }
was=$(worker home)

# --- other protocols ------------------------------------------------------------

refused() { # WHERE WORD
	local odd
	odd=$(abuse alice protocols "$1" "$2")
	[ "$odd" = none ] || note "$odd"
	[ "$odd" = none ]
}
check "whoever speaks another protocol by TCP is turned away" \
    refused 127.0.0.1:2525 "521 5.7.0"
check "  by the Unix socket, too" refused "$T/home/smtp.sock" "521 5.7.0"
check "  and on the control socket" refused "$control" '"ok":false'
check "an honest message behind all that" submit behind
check "  arrives" until_true 30 has_mail provider behind
check "  and nothing that was hidden there" eval '! grep -rqi smuggled "$T/provider"'

# --- the control socket ---------------------------------------------------------

abuse alice halves "$control" "$T/over" >"$T/halves" &
halves=$!
check "root is served beside requests that come to no end" until_true 30 \
    eval 'relais status >/dev/null'
check "  and mail goes out" eval 'submit beside && until_true 30 has_mail provider beside'
touch "$T/over"
wait $halves
before=$(memory)
check "a request of 200 MB is refused" eval 'abuse alice endless "$control" \
    200000000 | grep -q "too long"'
check "  and costs no memory: $(($(memory) - before)) kB" \
    [ $(($(memory) - before)) -lt 8192 ]
before=$(descriptors)
abuse alice descriptors "$control" 8 >"$T/descriptors"
check "descriptors that come with requests are not kept" \
    until_true 20 eval '[ "$(descriptors)" -le "$before" ]'
check "  the requests are answered" [ "$(cut -d' ' -f2 "$T/descriptors")" = 8 ]
check "it is still the same process" [ "$(worker home)" = "$was" ]
no_crash home
stop home

# --- a provider that stops in the middle of TLS ---------------------------------

install -d -o alice "$T/alice"
abuse alice stalls 6465 465 "$T/alice/stalled" &
until_true 30 [ -e "$T/alice/stalled" ]
relaisd_conf home < <(account mail mail.example.test 6465 implicit)
run_relaisd home
wait_port home 127.0.0.1 2525
began=$(now_ms)
for i in 1 2 3 4 5 6; do submit "past-$i"; done
all_past() {
	local i
	for i in 1 2 3 4 5 6; do has_mail provider "past-$i" || return 1; done
}
check "what follows a handshake that stops arrives" until_true 150 all_past
note "after $(($(now_ms) - began)) ms, past $(wc -l <"$T/alice/stalled") that stopped"
check "  some did" [ -s "$T/alice/stalled" ]
check "  and the queue is empty" until_true 150 drained
no_crash home
[ "$sandbox_bad" = 0 ] || show_log home 30
sandbox_done
