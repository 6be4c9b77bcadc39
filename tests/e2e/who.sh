#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# who.sh - who may submit: by user, by group and by where from, on every way in;
# who it was stands in the log and in Received, unless that is hidden.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl jq setpriv ip
sandbox_enter
start_provider mail
groupadd -f mailers 2>/dev/null || echo "mailers:x:61900:" >>/etc/group
sed -i 's/^mailers:.*/mailers:x:61900:bob/' /etc/group
# Another machine of the house, and one that is not.
for address in 192.168.7.1 192.168.7.9 10.9.9.9; do
	ip addr add $address/32 dev lo
done

as() { # USER COMMAND...
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}
MAIL="From: me\nTo: to@example.org\nSubject: %s\n\nx\n"
# By sendmail, by TCP, and by the drop folder: COMMAND... is who.
by_sendmail() { # SUBJECT COMMAND...
	local subject=$1
	shift
	# shellcheck disable=SC2059
	printf "$MAIL" "$subject" |
	    "$@" "$top_builddir/sendmail" to@example.org 2>"$T/err"
}
by_tcp() { # SUBJECT COMMAND...
	local subject=$1
	shift
	# shellcheck disable=SC2059
	printf "$MAIL" "$subject" >"$T/tcp.mail"
	"$@" curl -sSv --crlf --mail-from me@example.org \
	    --mail-rcpt to@example.org --upload-file "$T/tcp.mail" \
	    smtp://127.0.0.1:2525 >"$T/err" 2>&1
}
from_there() { # SUBJECT ADDRESS
	by_tcp_to 192.168.7.1:2526 "$1" --interface "$2"
}
by_tcp_to() { # WHERE SUBJECT OPTION...
	local where=$1 subject=$2
	shift 2
	# shellcheck disable=SC2059
	printf "$MAIL" "$subject" >"$T/tcp.mail"
	curl -sSv --crlf --max-time 15 --mail-from me@example.org "$@" \
	    --mail-rcpt to@example.org --upload-file "$T/tcp.mail" \
	    "smtp://$where" >"$T/err" 2>&1
}
refused() { # PATTERN COMMAND...
	local pattern=$1
	shift
	if ! "$@" && grep -q -- "$pattern" "$T/err"; then return 0; fi
	sed 's/^/     | /' "$T/err" | tail -n 8
	return 1
}
arrives() { until_true 10 has_mail mail "$1"; }
received() { # SUBJECT: our trace of it, unfolded
	header_of "$(grep -ls "^Subject: $1" "$T"/mail/*.eml)" |
	    sed ':a;N;$!ba;s/\n[ \t]\+/ /g' | grep -m 1 '^Received:'
}

# conf SETTING...: with a listener for the house
conf() {
	printf '%s\n' "$@"
	echo '[listen house]'
	echo 'address = 192.168.7.1:2526'
	echo 'allow_from = 192.168.7.8/31'
	account mail mail.example.test 587 starttls
}
start_relaisd home < <(conf)
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_DROP=$T/home/spool/drop

check "everybody may by default: sendmail" by_sendmail one as alice
check "  TCP" by_tcp two as bob
check "  from the house" from_there three 192.168.7.9
for subject in one two three; do check "  $subject arrives" arrives $subject; done
check "  not from elsewhere" refused \
    '< 550 5.7.1 .*(allow_from of listener house)' from_there no 10.9.9.9
check "  which is not greeted" sh -c "! grep -q '< 220' '$T/err'"
check "  and is in the log" grep -q \
    'turned away 10.9.9.9:.*allow_from of listener house' "$T/home.log"
alice=$(id -u alice) bob=$(id -u bob)
check "the log names the user of sendmail" grep -q \
    "accepted id=[^ ]* peer=unix uid=$alice user=alice" "$T/home.log"
check "  and of TCP" grep -q \
    "accepted id=[^ ]* peer=127.0.0.1:[0-9]* uid=$bob user=bob" "$T/home.log"
check "Received names the user of sendmail" grep -q \
    "from alice .*userid $alice)" < <(received one)
check "  and of TCP" grep -q "(user bob, uid $bob)" < <(received two)
stop home

reload() { # SETTING...
	PORT=2525 relaisd_conf home < <(conf "$@")
	run_relaisd home
	wait_port home 127.0.0.1 2525
}
reload 'allow_users = alice'
check "allow_users: who is on it, by sendmail" by_sendmail four as alice
check "  by TCP" by_tcp five as alice
check "  not who is not, by sendmail" refused \
    '550 5.7.1 you may not submit mail here (allow_users)' by_sendmail no as bob
check "  by TCP" refused \
    '< 550 5.7.1 you may not submit mail here (allow_users)' by_tcp no as bob
check "  not even root" refused \
    '550 5.7.1 you may not submit mail here (allow_users)' by_sendmail no env
check "  nor a machine whose user nobody knows" refused \
    '550 5.7.1' from_there no 192.168.7.9
check "  and the log says whom" grep -q \
    'refused user bob on unix: not in allow_users' "$T/home.log"
stop home
check "what bob drops while it is away" by_sendmail dropped as bob
check "  what alice drops" by_sendmail six as alice
reload 'allow_users = alice'
for subject in four five six; do check "  $subject arrives" arrives $subject; done
check "  bob's is refused" until_true 10 grep -q \
    'refused .*user=bob .*code=550 .*(allow_users)' "$T/home.log"
stop home

reload 'allow_groups = mailers'
check "allow_groups: a member may" by_sendmail seven as bob
check "  not who is none" refused \
    '550 5.7.1 you may not submit mail here (allow_groups)' \
    by_sendmail no as alice
stop home
reload "allow_users = $alice" 'allow_groups = mailers'
check "both: a number, and a member" by_sendmail eight as alice
check "  each of them" by_tcp nine as bob
check "  and nobody else" refused '(allow_users, allow_groups)' \
    by_sendmail no env
for subject in seven eight nine; do check "  $subject arrives" arrives $subject; done
stop home

reload 'received_hide = yes'
check "received_hide" by_tcp ten as alice
check "  ten arrives" arrives ten
tells() { received ten | grep -qE "alice|uid|127\.0\.0\.1|$(hostname)\b"; }
check "  Received tells nothing" eval '! tells'
check "  but the log does" grep -q "accepted .*uid=$alice user=alice" "$T/home.log"
stop home
if ! has_mail mail no; then pass "nothing that was refused has arrived"
else fail "something that was refused has arrived"; fi
[ "$sandbox_bad" = 0 ] || show_log home 30
sandbox_done
