#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Started without a network, with a provider whose name cannot be looked up:
# mail is taken and waits.  An address, a route, a name server that come up let
# it go within seconds, however long the pause was to be (R48, R54).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
sandbox_secrets
# The first pause is a quarter of it, and the next ones are twice as long.
export RETRY_AFTER=1h

# The provider is a machine of its own at the other end of a cable, with a second
# address behind it.
ip netns add far 2>/dev/null || skip_all "this machine makes no named namespaces"
ip link add near type veth peer name cable netns far 2>/dev/null ||
    skip_all "this kernel has no veth"
ip -n far link set lo up
ip -n far link set cable up
ip -n far addr add 10.7.0.2/24 dev cable
ip -n far addr add 10.8.8.8/32 dev lo
mkdir -p "$T/far"
start far ip netns exec far "$top_builddir/tests/lib/provider" --host 0.0.0.0 \
    --port 587 --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" \
    --user "$USER_NAME" --password-file "$T/secret/mail" --store "$T/far" \
    --lifetime 3600
until_true 10 grep -q ready "$T/far.log" || fail "the provider does not start"
sed -i '/example.test/d' /etc/hosts
echo 127.0.0.1 client.example.test >>/etc/hosts

conf() {
	account here mail.example.test 587 starttls
	echo "senders = here@example.test"
	account there other.example.test 587 starttls
	echo "senders = there@example.test"
	printf '[listen bulk]\naddress = 127.0.0.1:2526\nmode = safe\n'
}
send() { # ACCOUNT SUBJECT
	printf 'Subject: %s\r\n\r\ntext\r\n' "$2" |
	    curl -s --mail-from "$1@example.test" --mail-rcpt to@example.org \
		--upload-file - smtp://127.0.0.1:2526
}
of() { relais --json status | jq -r ".accounts[] | select(.name == \"$1\").$2"; }
is() { [ "$(of "$1" state)" = "$2" ]; }
# It goes, though the account was to be paused for much longer.
wakes() { # NAME SUBJECT
	local began
	began=$(now_ms)
	if until_true 15 has_mail far "$2"; then
		pass "$1: mail goes after $(($(now_ms) - began)) ms"
	else
		fail "$1: no mail goes; $(of here reason)"
		show_log home
	fi
}

start_relaisd home < <(conf)
check "without a network mail is taken" send here first
check "and the account is paused" until_true 15 is here paused
note "$(of here reason)"
sleep 3
check "nothing has failed: $(relais --json queue | jq -r '.[0].state')" \
    [ "$(relais --json queue | jq -r 'map(.state) | unique | join(" ")')" = due ]

# The name is known now, the cable is not plugged in.
echo 10.7.0.2 mail.example.test >>/etc/hosts
relais flush >/dev/null
sleep 1
until_true 15 is here paused
note "$(of here reason)"
tries() { grep -c ' paused account=here ' "$T/home.log"; }
before=$(tries)
sleep 3
check "it is not tried again meanwhile" [ "$(tries)" = "$before" ]
ip addr add 10.7.0.1/24 dev near
ip link set near up
wakes "an address comes up" first

# A route: the second provider is behind the first.
make_cert mail other.example.test
stop far
rm -f "$T/far"/*
start far ip netns exec far "$top_builddir/tests/lib/provider" --host 0.0.0.0 \
    --port 587 --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" \
    --user "$USER_NAME" --password-file "$T/secret/mail" --store "$T/far" \
    --lifetime 3600
echo 10.8.8.8 other.example.test >>/etc/hosts
send there second
check "without a route the account is paused" until_true 15 is there paused
note "$(of there reason)"
sleep 3
ip route add 10.8.8.8/32 via 10.7.0.2
wakes "a route comes up" second

# A network that changes all the time makes no storm.
stop far
send there third
until_true 15 is there paused
tries() { grep -c ' paused account=there ' "$T/home.log"; }
before=$(tries)
# All of them before relaisd has seen many, on any machine.
seq -f 'addr add 10.9.%.0f.1/24 dev near' 40 | ip -batch -
sleep 4
check "forty changes in a row: $(($(tries) - before)) tries" \
    [ $(($(tries) - before)) -le 10 ]
no_crash home
sandbox_done
