#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# variants.sh - ends of messages, addresses and parameters that a program makes up,
# beside Postfix, Exim and OpenSMTPD: nobody reads two messages, or another
# address, in what relais takes as one (variants.py).
#	VARIANTS=20000 VARIANTS_SEED=random make check-e2e E2E=variants
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool python3
sandbox_enter postfix dovecot exim4 opensmtpd
: "${VARIANTS:=1000}" "${VARIANTS_SEED:=1}"
[ "$VARIANTS_SEED" != random ] || VARIANTS_SEED=$RANDOM$RANDOM
note "$VARIANTS variants of seed $VARIANTS_SEED"
servers=()
# On three ports: refuses each sender, each recipient, each message; OpenSMTPD
# closes after a message that it refuses, so it takes them.

start_postfix 'smtpd_error_sleep_time = 0' 'smtpd_soft_error_limit = 100000' \
    'smtpd_hard_error_limit = 100000' 'in_flow_delay = 0' 'smtpd_forbidden_commands =' \
    'smtpd_client_connection_count_limit = 0'
cat >>/etc/postfix/master.cf <<-'EOC'
	2611 inet n - n - - smtpd -o smtpd_delay_reject=no
	    -o smtpd_sender_restrictions=reject
	2612 inet n - n - - smtpd -o smtpd_relay_restrictions=
	    -o smtpd_recipient_restrictions=reject
	2613 inet n - n - - smtpd -o smtpd_end_of_data_restrictions=reject
	EOC
postfix reload 2>/dev/null
wait_port postfix 127.0.0.1 2613
servers+=("Postfix=2611,2612,2613")

mkdir -p "$T/exim/spool" "$T/exim/log" /etc/exim4
chown Debian-exim "$T/exim/spool" "$T/exim/log"
cat >/etc/exim4/exim4.conf <<-EOC
	primary_hostname = mail.example.test
	daemon_smtp_ports = 2621 : 2622 : 2623
	local_interfaces = 127.0.0.1
	spool_directory = $T/exim/spool
	log_file_path = $T/exim/log/%slog
	smtp_enforce_sync = false
	smtp_max_unknown_commands = 100000
	smtp_max_synprot_errors = 100000
	smtp_accept_max = 0
	smtp_accept_max_per_connection = 0
	smtp_accept_max_nonmail = 100000
	allow_domain_literals = true
	dsn_advertise_hosts = *
	acl_smtp_mail = mail
	acl_smtp_rcpt = rcpt
	acl_smtp_data = deny
	begin acl
	mail:
	  deny condition = \${if eq{\$received_port}{2621}}
	       message = saw <\$sender_address>
	  accept
	rcpt:
	  deny condition = \${if eq{\$received_port}{2622}}
	       message = saw <\$local_part@\$domain>
	  accept
EOC
start exim exim4 -bdf
wait_port exim 127.0.0.1 2621
servers+=("Exim=2621,2622,2623")

# A filter of its own sees what it has read.
cat >"$T/filter" <<'EOC'
#!/usr/bin/python3
import sys
def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
kind = sys.argv[1]
for line in sys.stdin:
    words = line.rstrip("\n").split("|", 7)
    if words[:2] == ["config", "ready"]:
        say("register|filter|smtp-in|" + kind)
        say("register|ready")
    elif words[0] == "filter":
        said = "reject|550 saw <%s>" % "".join(words[7:])
        say("filter-result|%s|%s|%s" % (words[5], words[6], said))
EOC
chmod 755 "$T/filter"
for name in opensmtpd opensmtpq; do
	grep -q "^$name:" /etc/passwd || {
		echo "$name:x:6120${#name}:6120${#name}::/:/bin/false" >>/etc/passwd
		echo "$name:x:6120${#name}:" >>/etc/group
	}
done
mount -t tmpfs -o mode=711 tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty "$T/smtpd"
[ -d /var/run ] || ln -s /run /var/run
mount -t tmpfs -o mode=711 tmpfs /var/spool
mkdir /var/spool/smtpd
chmod 711 /var/spool/smtpd
cat >"$T/smtpd.conf" <<-EOC
	filter see_mail proc-exec "$T/filter mail-from"
	filter see_rcpt proc-exec "$T/filter rcpt-to"
	listen on 127.0.0.1 port 2631 filter see_mail
	listen on 127.0.0.1 port 2632 filter see_rcpt
	listen on 127.0.0.1 port 2633
	action out relay host smtp://127.0.0.1:2601
	match from any for any action out
	EOC
start opensmtpd smtpd -d -f "$T/smtpd.conf"
wait_port opensmtpd 127.0.0.1 2631
servers+=("OpenSMTPD=2631,2632,2633")

start_relaisd home <<-EOC
	max_equal = 0
	[listen queue]
	address = 127.0.0.1:2526
	mode = queue
	[account sink]
	host = 127.0.0.1
	port = 2600
	tls = off
	address = me@client.example.test
	identity = keep
	EOC
while read -r line; do
	case $line in
	PASS*) echo "$line" ;;
	FAIL*) fail "${line#FAIL }" ;;
	*) note "$line" ;;
	esac
done < <(timeout "$((VARIANTS / 5 + 300))" python3 "$srcdir/tests/e2e/variants.py" \
    "$VARIANTS" "$VARIANTS_SEED" 2600 relais=2526,2526,2526 "${servers[@]}" 2>&1 ||
    echo "FAIL it does not end")
is_up home || fail "relaisd has ended"
stop home
sandbox_done
