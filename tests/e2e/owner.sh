#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A real Postfix that lets a login send as its own address only, and knows no
# name without a domain (reject_sender_login_mismatch and its like): it refuses
# what relaisd sends without its policy, and takes what it sends with it.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq certtool
sandbox_enter postfix dovecot
start_postfix \
    "smtpd_sender_login_maps = inline:{ $USER_NAME=$USER_NAME }" \
    "smtpd_helo_required = yes" \
    "smtpd_helo_restrictions = reject_non_fqdn_helo_hostname,
	reject_invalid_helo_hostname" \
    "smtpd_sender_restrictions = reject_non_fqdn_sender,
	reject_sender_login_mismatch" \
    "smtpd_recipient_restrictions = reject_non_fqdn_recipient"
conf() { # IDENTITY
	account mail mail.example.test 587 starttls |
	    sed "s/^identity.*/$1/"
}
# relaisd_with FOLDER PORT SETTING: the name of the machine is one that servers
# refuse in EHLO.
relaisd_with() {
	PORT=$2 relaisd_conf "$1" < <(conf "$3")
	sed -i 's/^hostname.*/hostname = localhost/' "$T/$1/relais.conf"
	run_relaisd "$1"
	wait_port "$1" 127.0.0.1 "$2"
}
# send DAEMON SENDER SUBJECT
send() {
	printf 'From: %s\nTo: root\nSubject: %s\n\nx\n' "$2" "$3" |
	    RELAIS_SOCKET=$T/$1/smtp.sock "$top_builddir/sendmail" -odb \
		-f "$2" root
}
got() { arrived "$1" >/dev/null; }
HOST=$(hostname)
senders="root root@$HOST www-data@shop.lan visitor@example.net"

relaisd_with keep 2526 'identity = keep'
n=0
for sender in $senders; do
	n=$((n + 1))
	send keep "$sender" "keep $n"
done
refusals() { grep -c 'reject: RCPT.* 5[0-9][0-9] .*Sender address rejected' \
    "$T/postfix.log"; }
all_refused() { [ "$(refusals)" -ge "$n" ]; }
check "Postfix refuses each of $n senders that are not the login's" \
    until_true 15 all_refused
grep -o '5[0-9][0-9] 5.*; from=<[^>]*>' "$T/postfix.log" | sed 's/^/     | /'
check "  one of them as not owned by the user" \
    grep -q 'not owned by user' "$T/postfix.log"
held() { RELAIS=keep relais --json queue |
    jq -r 'map(select(.state == "held")) | length'; }
all_held() { [ "$(held)" = "$n" ]; }
check "  and relaisd holds them, for a setting is wrong" until_true 10 all_held
check "  with the remedy" grep -q 'held .*remedy="set identity' "$T/keep.log"
check "  and none has arrived" sh -c "! ls '$T/postfix/mail/all/new'/* 2>/dev/null"

relaisd_with home 2525 ''
n=0
for sender in $senders; do
	n=$((n + 1))
	send home "$sender" "home $n"
	check "it takes mail of $sender" until_true 15 got "^Subject: home $n"
	file=$(arrived "^Subject: home $n")
	check "  as the login's" grep -q "^Return-Path: <$USER_NAME>" "$file"
	check "  in From too" grep -q "^From: .*<$USER_NAME>" "$file"
	check "  to the admin" grep -q "^To: admin@example.test" "$file"
done
check "a stranger can be answered" grep -q '^Reply-To: <visitor@example.net>' \
    "$file"
check "EHLO is the address literal" grep -q \
    '^Received: from \[127.0.0.1\]' "$file"
notice() { printf 'Subject: %s\n\nx\n' "$1" |
    RELAIS_SOCKET=$T/home/smtp.sock "$top_builddir/sendmail" -f '<>' root; }
check "mail from nobody" notice "home null"
check "  arrives" until_true 15 got '^Subject: home null'
file=$(arrived '^Subject: home null')
check "  as the login's" grep -q "^Return-Path: <$USER_NAME>" "$file"
check "  and asks for no answer" grep -q '^Auto-Submitted: auto-replied' "$file"
stop home
echo 'null_sender = yes' >>"$T/home/relais.conf"
run_relaisd home
wait_port home 127.0.0.1 2525
check "mail from nobody, with null_sender = yes" notice "home nobody"
check "  arrives" until_true 15 got '^Subject: home nobody'
check "  as it was" grep -q '^Return-Path: <>' "$(arrived '^Subject: home nobody')"
stop home

# What was held goes out once the setting is right.
stop keep
sed -i '/^identity/d' "$T/keep/relais.conf"
run_relaisd keep
wait_port keep 127.0.0.1 2526
check "the policy is on: release" eval 'RELAIS=keep relais release --all >/dev/null'
for i in $(seq $n); do
	check "  lets message $i go" until_true 15 got "^Subject: keep $i"
done
[ "$sandbox_bad" = 0 ] || { show_log home; show_log keep; show_log postfix; }
sandbox_done
