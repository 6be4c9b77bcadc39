#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Exim as the provider, with CHUNKING and PIPELINING.
#
# OpenSMTPD is not here: Debian 12's answers every client, openssl included,
# with an internal error in the TLS handshake.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl certtool jq
sandbox_enter exim4
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"

# 587 with STARTTLS, 465 from the first byte; a maildir in $T/exim/mail.
start_exim() {
	sandbox_secrets
	mkdir -p "$T/exim/spool" "$T/exim/log" /etc/exim4
	install -o Debian-exim -m 600 "$T/secret/mail" "$T/exim/secret"
	install -o Debian-exim -m 600 "$T/pki/mail.key" "$T/exim/key"
	chown Debian-exim "$T/exim/spool" "$T/exim/log"
	install -d -o vmail "$T/exim/mail"
	cat >/etc/exim4/exim4.conf <<-EOF
	primary_hostname = mail.example.test
	daemon_smtp_ports = 587 : 465
	local_interfaces = 127.0.0.1
	tls_on_connect_ports = 465
	tls_advertise_hosts = *
	tls_certificate = $T/pki/mail.pem
	tls_privatekey = $T/exim/key
	auth_advertise_hosts = \${if eq{\$tls_in_cipher}{}{}{*}}
	chunking_advertise_hosts = *
	spool_directory = $T/exim/spool
	log_file_path = $T/exim/log/%slog
	acl_smtp_rcpt = to_all
	begin acl
	to_all:
	  accept authenticated = *
	  deny message = log in first
	begin routers
	all:
	  driver = accept
	  transport = maildir
	begin transports
	maildir:
	  driver = appendfile
	  maildir_format
	  directory = $T/exim/mail
	  user = vmail
	  return_path_add
	  envelope_to_add
	begin authenticators
	plain:
	  driver = plaintext
	  public_name = PLAIN
	  server_set_id = \$auth2
	  server_condition = \${if and {{eq{\$auth2}{$USER_NAME}}\
	    {eq{\$auth3}{\${readfile{$T/exim/secret}{}}}}}}
	EOF
	start exim exim4 -bdf
	wait_port exim 127.0.0.1 587
}

in_maildir() { grep -rlsF "Subject: $1" "$T/exim/mail/new" | head -n 1 | grep .; }

# one PORT TLS SIZE
one() {
	local name="port $1, $3 bytes" subject="exim-$1-$3" f
	rm -rf "${T:?}/home" "$T/home.log"
	start_relaisd home < <(account mail mail.example.test "$1" "$2")
	submit "$subject" "$3"
	if ! until_true 15 in_maildir "$subject" >/dev/null; then
		fail "$name: nothing arrived"
		show_log home
		show_log exim
		stop home
		return
	fi
	f=$(in_maildir "$subject")
	if ! cmp -s <(body_of "$T/submit.mail") <(body_of "$f"); then
		fail "$name: the body has changed"
	elif ! header_of "$f" | grep -qi "^Return-Path: <$USER_NAME>"; then
		fail "$name: the sender has changed"
	elif ! header_of "$f" | grep -q 'with esmtpsa'; then
		fail "$name: not encrypted or not logged in"
	else
		pass "$name: arrives whole, encrypted and logged in"
	fi
	stop home
}

start_exim
for size in 100 300000; do
	one 587 starttls $size
	one 465 implicit $size
done

# Several in a row share a connection.
rm -rf "${T:?}/home" "$T/home.log"
start_relaisd home < <(echo "verdict_timeout = 0"
    account mail mail.example.test 587 starttls)
left=8
for i in 1 2 3 4 5 6 7 8; do
	submit "exim-many-$i-" 2000
done
for i in 1 2 3 4 5 6 7 8; do
	until_true 10 in_maildir "exim-many-$i-" >/dev/null &&
	    left=$((left - 1))
done
check "eight in a row arrive" test $left = 0
check "over few connections" \
    test "$(grep -c connected "$T/home.log")" -le 2
sandbox_done
