#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A neighbour who is slow, who reads nothing or who resets, on each socket; what
# lies in the drop folder that is no file, or changes while it is read; and a log
# that is to be filled.  An honest user's mail hardly waits meanwhile, and relaisd
# keeps no memory.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh"
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
MOST_MS=${MOST_MS:-8000} # the machine may be busy
ulimit -n 8192
py() { python3 "$srcdir/tests/fault/neighbour.py" "$@"; }
siege() { python3 "$srcdir/tests/fault/siege.py" alice "$@"; }
memory() { awk '/VmRSS/ { print $2 }' "/proc/$(worker home)/status"; }
descriptors() { find "/proc/$(worker home)/fd" | wc -l; }
log_size() { stat -c %s "$T/home.log"; }
# against WHAT COMMAND...: honest mail of bob while COMMAND runs.
against() {
	local what=$1 honest longest n bad log
	shift
	rm -f "$T/over"
	log=$(log_size)
	py bob honest 100 "$T/over" >"$T/honest" &
	honest=$!
	"$@" >"$T/attack" 2>&1
	touch "$T/over"
	wait $honest
	read -r longest n bad <"$T/honest"
	note "$what: $(tail -n 3 "$T/attack" | tr '\n' ' ')"
	note "  honest mail: $n, longest ${longest} ms; log $((($(log_size) - log) / 1024)) KiB"
	check "$what: honest mail waits ${longest} ms at most" \
	    [ "${longest:-99999}" -lt "$MOST_MS" ]
	check "  and all of it is taken" [ "${bad:-1}" = 0 ]
}
start_provider provider
start_relaisd home < <(account mail mail.example.test 587 starttls)
control=$T/home/control.sock unix=$T/home/smtp.sock tcp=127.0.0.1:2525
drop=$T/home/spool/drop
was=$(worker home)
submit warm
until_true 30 has_mail provider warm
before=$(memory) open=$(descriptors)

against "2,000 clients with a byte a second" siege trickle $tcp 2000 15
against "300 clients on the Unix socket with a byte a second" siege trickle "$unix" 300 10
for where in $tcp "$unix"; do
	against "200 clients of $where that read nothing" siege deaf "$where" 200 8 'NOOP\r\n'
done
against "200 clients of the control socket that read nothing" siege deaf "$control" 200 8 '{"verb":"status"}\n'
for where in $tcp "$unix" "$control"; do
	against "resets on $where" siege resets "$where" 6
done
siege absurd "$control" >"$T/absurd"
note "absurd requests: $(cat "$T/absurd")"
check "absurd requests have an answer" [ "$(cut -d' ' -f2 "$T/absurd")" = 0 ]
against "litter in the drop folder" siege litter "$drop" 200
sleep 3
against "files that shrink while they are read" siege shrinking "$drop" 8
check "nothing of /etc/shadow or /dev/zero was read" eval '! grep -rqs "root:" "$T/provider"'
note "memory: $before, now $(memory) kB; descriptors: $open, now $(descriptors)"
check "  no descriptor is left" until_true 30 eval \
    '[ "$(descriptors)" -le $((open + 8)) ]'
check "  and no memory" [ $(($(memory) - before)) -lt 16384 ]
check "it is still the same process" [ "$(worker home)" = "$was" ]
no_crash home
stop home
sandbox_done
