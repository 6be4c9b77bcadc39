#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Past the port filter: with port = auto a mail gets through whatever the
# network in between does to some of the ports, never in clear text.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl certtool nft jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
nft add table inet wall 2>/dev/null || skip_all "this kernel has no nftables"

# filter RULE...: a new wall; each rule is nft's words for packets to a port.
# Whatever else happens, nothing may ever go to port 25.
filter() {
	nft flush table inet wall
	nft add chain inet wall in '{ type filter hook input priority 0; }'
	nft add rule inet wall in tcp dport 25 counter drop
	local rule
	for rule; do
		# Words of nft.
		# shellcheck disable=SC2086
		nft add rule inet wall in $rule
	done
}
open_wall() { nft delete chain inet wall in 2>/dev/null; }

# through NAME PORT SECONDS: a fresh relaisd delivers, by that port.
through() {
	local name=$1 port=$2 limit=$3 begin=$SECONDS
	stop home
	rm -rf "${T:?}/home" "$T/home.log"
	start_relaisd home < <(account mail mail.example.test auto auto)
	submit "$name"
	if until_true "$limit" has_mail "$(provider_on "$port")" "$name"; then
		pass "$name: through by port $port after $((SECONDS - begin)) s"
	else
		fail "$name: not through by port $port in $limit s"
		show_log home
	fi
}
provider_on() {
	if [ "$1" = 2525 ]; then echo high; else echo low; fi
}
# After a restart it knows the way.
again() {
	stop home
	run_relaisd home
	wait_port home 127.0.0.1 2526
}
came_by() { # what the provider saw last
	grep -h '"message"' "$T/$1.log" | tail -n 1
}

PORT=2526	# 2525 is the provider's third port
export PORT
start_provider low
start_provider high --port 2525 --implicit-port 2465
wait_port high 127.0.0.1 2525

filter
through "nothing filtered" 465 15
filter 'tcp dport 465 counter drop'
through "465 dropped" 587 25
check "465 dropped: relais status says so" \
    eval 'relais status | grep -q 465'
dropped() { nft list table inet wall | grep 'dport 465'; }
before=$(dropped)
again
submit "465 still dropped"
if until_true 15 has_mail low "465 still dropped" &&
    [ "$(dropped)" = "$before" ]; then
	pass "465 dropped: remembered across a restart"
else
	fail "465 dropped: not remembered across a restart"
	show_log home
fi
stop home
filter 'tcp dport { 465, 587 } drop'
through "465 and 587 dropped" 2525 40
check "465 and 587 dropped: relais status says so" \
    eval 'relais status | grep -q 587'
stop home
filter 'tcp dport 465 drop' 'tcp dport 587 reject with tcp reset'
through "587 reset" 2525 30
stop home

# A middle box that strips STARTTLS: what answers on 587 does not offer it.
stop low
start_provider low --implicit-port 2466 --hide starttls
filter 'tcp dport 465 drop'
through "STARTTLS stripped" 2525 30
check "STARTTLS stripped: nothing went in clear" \
    eval '! grep -q message "$T/low.log"'
stop home
stop low

# What answers is not the provider: a captive portal with its own certificate.
make_cert portal portal.example.test
start_provider low --cert "$T/pki/portal.pem" --key "$T/pki/portal.key"
filter
through "somebody else answers on 465 and 587" 2525 30
check "somebody else answers: no login was tried" \
    eval '! grep -q message "$T/low.log"'
stop home
stop low

# An IPv6 address that nobody answers, and an IPv4 address that works.
start_provider low
ip -6 addr add fd00::25/128 dev lo nodad
sed -i '/mail.example.test/d' /etc/hosts
printf 'fd00::25 mail.example.test\n127.0.0.1 mail.example.test\n' >>/etc/hosts
filter 'ip6 daddr fd00::25 drop'
through "IPv6 black-holed" 465 15
stop home

check "nothing ever went to port 25" \
    eval 'nft list table inet wall | grep -q "dport 25 counter packets 0"'
open_wall
sandbox_done
