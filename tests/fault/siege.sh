#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A neighbour who is slow, who reads nothing or who resets, on each socket; what
# lies in the drop folder that is no file, changes while it is read or has a
# million names; and a log that is to be filled.  An honest user's mail hardly
# waits meanwhile, and relaisd keeps no memory.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/honest.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
MOST_MS=${MOST_MS:-8000} # the machine may be busy
MOST_DROP_MS=${MOST_DROP_MS:-30000}
ulimit -n 8192
siege() { python3 "$srcdir/tests/fault/siege.py" alice "$@"; }
memory() { awk '/VmRSS/ { print $2 }' "/proc/$(worker home)/status"; }
descriptors() { find "/proc/$(worker home)/fd" | wc -l; }
start_provider provider
start_relaisd home < <(account mail mail.example.test 587 starttls)
control=$T/home/control.sock unix=$T/home/smtp.sock tcp=127.0.0.1:2525
drop=$T/home/spool/drop
was=$(worker home)
submit warm
until_true 30 has_mail provider warm
before=$(memory) open=$(descriptors)

against "2,000 clients with a byte a second" 0 siege trickle $tcp 2000 15
against "300 clients on the Unix socket with a byte a second" 0 siege trickle "$unix" 300 10
for where in $tcp "$unix"; do
	against "200 clients of $where that read nothing" 0 siege deaf "$where" 200 8 'NOOP\r\n'
done
against "200 clients of the control socket that read nothing" 0 siege deaf "$control" 200 8 '{"verb":"status"}\n'
for where in $tcp "$unix" "$control"; do
	against "resets on $where" 0 siege resets "$where" 6
done
against "mail that is refused, without end" 0 siege refused $tcp 5
check "  has few lines in the log" [ "$(grep -c ' refused id=' "$T/home.log")" -lt 400 ]
siege absurd "$control" >"$T/absurd"
note "absurd requests: $(cat "$T/absurd")"
check "absurd requests have an answer" [ "$(cut -d' ' -f2 "$T/absurd")" = 0 ]
against "litter in the drop folder" 0 siege litter "$drop" 200
sleep 3
against "files that shrink while they are read" 0 siege shrinking "$drop" 8
python3 "$srcdir/tests/fault/siege.py" bob picked "$drop" 12 >"$T/picked" &
picker=$!
against "names of mail as fast as they can be made" 0 siege names "$drop" 10
wait $picker
read -r longest n <"$T/picked"
check "  another user's files ($n) lay there ${longest} ms at most" \
    [ "${longest:-999999}" -lt "$MOST_DROP_MS" ]
check "  and soon nearly nothing is left there" until_true 10 eval \
    '[ "$(find "$drop" | wc -l)" -lt 2500 ]'
check "nothing of /etc/shadow or /dev/zero was read" eval '! grep -rqs "root:" "$T/provider"'
note "memory: $before, now $(memory) kB; descriptors: $open, now $(descriptors)"
check "  no descriptor is left" until_true 30 eval \
    '[ "$(descriptors)" -le $((open + 8)) ]'
check "  and no memory" [ $(($(memory) - before)) -lt 16384 ]
check "it is still the same process" [ "$(worker home)" = "$was" ]
no_crash home
stop home
sandbox_done
