# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# peers.sh - relais and the others, as the measurements see them; sourced
# after bench.sh.
#
# A peer NAME is what these say:
#   title[NAME]    as tables call it
#   port[NAME]     where it listens; unset: it has no listener
#   command[NAME]  its sendmail; unset: none of its own
#   program[NAME]    the started program it is part of, if not NAME
#   speed[NAME]    about how many mails a second, so that none takes for ever
#   conf_NAME      writes its configuration for the provider on $provider_port,
#                  with STARTTLS and with a login if $starttls and $auth say so
#   run_NAME       starts it; unset: nothing runs but its sendmail
#
# All get the same provider, certificates, login and disk, verify the
# certificate if they can, and are otherwise as Debian ships them, but for what
# "tuned" says and limits that would refuse the load.

# What every peer's file of passwords can hold.
PASSWORD='a-password-for-the-bench'
declare -A port=() command=() program=() speed=()
program_of() { echo "${program[$1]:-$1}"; }
# peer_spool NAME PATH: an empty folder of the disk at a path that is built
# into the peer.
peer_spool() {
	mkdir -p "$2" "$D/$1"
	mountpoint -q "$2" || mount --bind "$D/$1" "$2"
	find "$2" -mindepth 1 -delete
}

# --- relais -------------------------------------------------------------------

# Port 2525 is as shipped: the first ten mails of a minute are answered with the
# provider's verdict, the others when they are safe, as all are on 2526.
title[relais]="relais, auto" port[relais]=2525 speed[relais]=1500
command[relais]="$top_builddir/sendmail -odi -t"
title[safe]="relais, safe" port[safe]=2526 speed[safe]=1500 program[safe]=relais
command[safe]="$top_builddir/sendmail -t"

conf_relais() {
	mkdir -p "$T/relais/spool"
	peer_spool relais "$T/relais/spool"
	chown relais:relais "$T/relais/spool"
	relaisd_conf relais < <(
		echo "max_sessions = 2000"
		echo "max_size = 100M"
		echo "[listen safe]"
		echo "address = 127.0.0.1:2526"
		echo "mode = safe"
		account mail mail.example.test "$provider_port" \
		    "$($starttls && echo starttls || echo implicit)" |
		    if $auth; then cat; else grep -vE '^(user|password)'; fi
	)
}
run_relais() {
	export RELAIS_SOCKET=$T/relais/smtp.sock
	settle relais "$top_builddir/relaisd" -f -c "$T/relais/relais.conf"
}
# fill_relais COUNT: so many messages into the spool of the stopped daemon.
fill_relais() {
	chown -R relais:relais "$D/relais"
	setpriv --reuid relais --regid relais --clear-groups \
	    "$BIN/fill" "$D/relais" "$1"
}

# With its queue in a PostgreSQL on the same disk, which has each mail before it is
# answered.
title[shared]="relais, PostgreSQL" port[shared]=2527 speed[shared]=600
conf_shared() {
	mkdir -p "$T/shared/spool"
	peer_spool shared "$T/shared/spool"
	chown relais:relais "$T/shared/spool"
	PORT=2528 relaisd_conf shared < <(
		pg_conf
		echo "max_sessions = 2000"
		printf '[listen safe]\naddress = 127.0.0.1:2527\nmode = queue\n'
		account mail mail.example.test "$provider_port" \
		    "$($starttls && echo starttls || echo implicit)" |
		    if $auth; then cat; else grep -vE '^(user|password)'; fi
	)
}
run_shared() {
	[ -f "$T/postgres.pid" ] || {
		peer_spool pg "$T/pg"
		chown 61099 "$D/pg"
		pg_find && pg_init
		"$top_builddir/relais" -c "$T/shared/relais.conf" store init
	}
	settle shared "$top_builddir/relaisd" -f -c "$T/shared/relais.conf"
}

# --- Postfix ------------------------------------------------------------------

title[postfix]="Postfix" port[postfix]=2601 speed[postfix]=250
title[tuned]="Postfix, tuned" port[tuned]=2602 speed[tuned]=400
command[postfix]="/usr/sbin/sendmail.postfix -C $T/postfix.etc -t"
command[tuned]="/usr/sbin/sendmail.postfix -C $T/tuned.etc -t"

# postfix_conf NAME < extra settings
postfix_conf() {
	local name=$1 c=$T/$1.etc
	rm -rf "${D:?}/$name"
	mkdir -p "$c" "$D/$name/queue" "$D/$name/data"
	chmod 755 "$D/$name" "$D/$name/queue"
	chown postfix "$D/$name/data"
	printf '[mail.example.test]:%s %s:%s\n' "$provider_port" "$USER_NAME" \
	    "$PASSWORD" >"$c/login"
	cp /etc/postfix/dynamicmaps.cf /etc/postfix/postfix-files "$c" \
	    2>/dev/null
	{
		cat <<-EOT
		compatibility_level = 3.6
		queue_directory = $D/$name/queue
		data_directory = $D/$name/data
		command_directory = /usr/sbin
		daemon_directory = /usr/lib/postfix/sbin
		shlib_directory = /usr/lib/postfix
		meta_directory = $c
		maillog_file = $T/$name.maillog
		maillog_file_prefixes = $T
		myhostname = client.example.test
		mydestination =
		mynetworks = 127.0.0.0/8
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		alias_maps =
		local_recipient_maps =
		message_size_limit = 100000000
		mailbox_size_limit = 0
		relayhost = [mail.example.test]:$provider_port
		smtp_host_lookup = native
		smtp_tls_security_level = verify
		smtp_tls_CAfile = $T/pki/ca.pem
		smtp_tls_session_cache_database = btree:$D/$name/data/smtp_scache
		smtp_sasl_auth_enable = $($auth && echo yes || echo no)
		smtp_sasl_security_options = noanonymous
		smtp_sasl_mechanism_filter = plain
		smtp_sasl_password_maps = texthash:$c/login
		EOT
		$starttls || echo "smtp_tls_wrappermode = yes"
		cat
	} >"$c/main.cf"
	cat >"$c/master.cf" <<-EOT
	${port[$name]} inet n - n - - smtpd
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	proxymap unix - - n - - proxymap
	smtp unix - - n - - smtp
	relay unix - - n - - smtp
	error unix - - n - - error
	retry unix - - n - - error
	discard unix - - n - - discard
	showq unix n - n - - showq
	flush unix n - n 1000? 0 flush
	anvil unix - - n - 1 anvil
	scache unix - - n - 1 scache
	tlsproxy unix - - n - 0 tlsproxy
	postlog unix-dgram n - n - 1 postlogd
	EOT
}
# What its documentation advises for much mail to one relayhost.
postfix_tuning() {
	cat <<-EOT
	in_flow_delay = 0
	smtp_tls_connection_reuse = yes
	smtp_connection_cache_on_demand = yes
	smtp_connection_cache_destinations = [mail.example.test]
	smtp_destination_concurrency_limit = 20
	initial_destination_concurrency = 20
	smtp_destination_recipient_limit = 1
	default_process_limit = 200
	qmgr_message_active_limit = 40000
	EOT
}
conf_postfix() { postfix_conf postfix </dev/null; }
conf_tuned() { postfix_conf tuned < <(postfix_tuning); }
run_postfix() { settle postfix postfix -c "$T/postfix.etc" start-fg; }
run_tuned() { settle tuned postfix -c "$T/tuned.etc" start-fg; }

# --- Exim ---------------------------------------------------------------------

title[exim]="Exim" port[exim]=2603 speed[exim]=20
command[exim]="/usr/sbin/exim4 -t"

conf_exim() {
	mkdir -p "$D/exim" "$T/exim.d" /etc/exim4
	rm -rf "${D:?}"/exim/*
	chown Debian-exim "$D/exim" "$T/exim.d"
	cat >/etc/exim4/exim4.conf <<-EOF
	primary_hostname = client.example.test
	daemon_smtp_ports = ${port[exim]}
	local_interfaces = 127.0.0.1
	spool_directory = $D/exim
	log_file_path = $T/exim.d/%slog
	message_size_limit = 100M
	smtp_accept_max = 0
	smtp_accept_queue_per_connection = 0
	tls_advertise_hosts =
	acl_smtp_rcpt = accept
	trusted_users = root
	begin routers
	smarthost:
	  driver = manualroute
	  route_list = * mail.example.test byname
	  transport = smarthost
	  self = send
	begin transports
	smarthost:
	  driver = smtp
	  port = $provider_port
	  allow_localhost
	  protocol = $($starttls && echo smtp || echo smtps)
	  hosts_require_tls = *
	  hosts_require_auth = *
	  tls_verify_certificates = $T/pki/ca.pem
	  tls_verify_hosts = *
	begin retry
	* * F,2h,1m
	begin authenticators
	plain:
	  driver = plaintext
	  public_name = PLAIN
	  client_send = ^$USER_NAME^$PASSWORD
	EOF
}
run_exim() { settle exim exim4 -bdf -q30m; }

# --- OpenSMTPD ----------------------------------------------------------------

title[opensmtpd]="OpenSMTPD" port[opensmtpd]=2604 speed[opensmtpd]=20
command[opensmtpd]="$T/opensmtpd.bin/sendmail -t" # it looks at its name

conf_opensmtpd() {
	peer_spool opensmtpd /var/spool/smtpd
	chmod 711 /var/spool/smtpd
	mkdir -p /var/lib/opensmtpd/empty "$T/opensmtpd.bin"
	install -g opensmtpq -m 2755 /usr/sbin/smtpctl \
	    "$T/opensmtpd.bin/sendmail"
	cp "$T/pki/ca.pem" /etc/ssl/cert.pem
	cp "$T/pki/ca.pem" /etc/ssl/certs/ca-certificates.crt
	cat >"$T/opensmtpd.conf" <<-EOF
	table secrets { bench = "$USER_NAME:$PASSWORD" }
	smtp max-message-size "100M"
	listen on 127.0.0.1 port ${port[opensmtpd]} hostname client.example.test
	listen on socket
	action out relay helo client.example.test \
	    host $($starttls && echo smtp+tls || echo smtps)://bench@mail.example.test:$provider_port \
	    tls auth <secrets>
	match from any for any action out
	EOF
}
run_opensmtpd() { settle opensmtpd smtpd -d -f "$T/opensmtpd.conf"; }

# --- nullmailer ---------------------------------------------------------------

title[nullmailer]="nullmailer" speed[nullmailer]=20
command[nullmailer]="/usr/sbin/sendmail.nullmailer -t"

conf_nullmailer() {
	local s=/var/spool/nullmailer
	peer_spool nullmailer $s
	mkdir -p /etc/nullmailer $s/queue $s/tmp $s/failed
	mkfifo -m 622 $s/trigger
	chown -R mail $s
	echo client.example.test >/etc/mailname
	echo example.test >/etc/nullmailer/defaultdomain
	echo "mail.example.test smtp --port=$provider_port" \
	    "$($starttls && echo --starttls || echo --ssl)" \
	    "--x509cafile=$T/pki/ca.pem" \
	    "--user=$USER_NAME --pass=$PASSWORD" >/etc/nullmailer/remotes
	chown mail /etc/nullmailer/remotes
}
run_nullmailer() {
	settle nullmailer setpriv --reuid mail --regid mail --clear-groups \
	    nullmailer-send
}

# --- dma ----------------------------------------------------------------------

title[dma]="dma" speed[dma]=30
command[dma]="/usr/sbin/dma -t"

conf_dma() {
	peer_spool dma /var/spool/dma
	chown root:mail /var/spool/dma
	chmod 2770 /var/spool/dma
	{
		echo "SMARTHOST mail.example.test"
		echo "PORT $provider_port"
		echo "AUTHPATH /etc/dma/auth.conf"
		echo "SECURETRANSFER"
		! $starttls || echo "STARTTLS"
		echo "MAILNAME client.example.test"
	} >/etc/dma/dma.conf
	echo "$USER_NAME|mail.example.test:$PASSWORD" >/etc/dma/auth.conf
	chown root:mail /etc/dma/auth.conf
}

# --- msmtp --------------------------------------------------------------------

title[msmtpd]="msmtpd" port[msmtpd]=2605 speed[msmtpd]=20
title[msmtp]="msmtp" speed[msmtp]=20
command[msmtp]="/usr/bin/msmtp -C $T/msmtp.conf -t"

conf_msmtp() {
	cat >"$T/msmtp.conf" <<-EOF
	account default
	host mail.example.test
	port $provider_port
	tls on
	tls_starttls $($starttls && echo on || echo off)
	tls_trust_file $T/pki/ca.pem
	auth plain
	user $USER_NAME
	password $PASSWORD
	from $USER_NAME
	EOF
	chmod 600 "$T/msmtp.conf"
}
conf_msmtpd() { conf_msmtp; }
run_msmtpd() {
	settle msmtpd msmtpd --port "${port[msmtpd]}" --interface 127.0.0.1 \
	    --command "/usr/bin/msmtp -C $T/msmtp.conf -f %F --"
}

# --- all of them --------------------------------------------------------------

# Users, and folders whose paths are built in.
peers_prepare() {
	local name id=61045
	for name in opensmtpd opensmtpq; do
		grep -q "^$name:" /etc/passwd ||
		    echo "$name:x:$id:$id::/:/bin/false" >>/etc/passwd
		grep -q "^$name:" /etc/group ||
		    echo "$name:x:$id:" >>/etc/group
		id=$((id + 1))
	done
	mount -t tmpfs -o mode=755 tmpfs /var/spool
	mount -t tmpfs -o mode=755 tmpfs /var/lib
	[ -d /var/run ] || ln -s /run /var/run
}


# peer_up NAME: writes its configuration and starts it; false if it does not
# come, or if it does not deliver a first mail.
peer_up() {
	local name=$1
	program_up "$(program_of "$name")" || return 1
	listens "$name" || {
		reason="does not start"
		return 1
	}
	BENCH_PATIENCE=15 send "$name" 1 5
}
# listens NAME: soon; or it has no listener.
listens() {
	[ -n "${port[$1]:-}" ] || return 0
	until_true 15 listens_or_died "$1"
	is_up "$(program_of "$1")"
}
listens_or_died() {
	port_open 127.0.0.1 "${port[$1]}" || ! is_up "$(program_of "$1")"
}
program_up() { # unless it is already
	[ ! -f "$T/$1.pid" ] || return 0
	: >"$T/$1.log"
	"conf_$1" >>"$T/$1.log" 2>&1
	! declare -F "run_$1" >/dev/null || "run_$1"
}
program_down() { stop "$1"; }
# peers_up NAME...: those that work are in alive[], in order.
peers_up() {
	local name
	alive=()
	down=()
	for name; do
		if peer_up "$name"; then
			alive+=("$name")
		else
			# shellcheck disable=SC2004 # its words are names
			down[$name]=$reason
			note "${title[$name]}: $reason"
			show_log "$(program_of "$name")" 5
		fi
	done
}
peers_down() {
	local name
	for name in "${!speed[@]}"; do program_down "$(program_of "$name")"; done
}
# Whoever lost mails on the way begins anew, or they come in later.
peer_renew() {
	program_down "$(program_of "$1")"
	peer_up "$1" || true
}

# send NAME SESSIONS MAILS [OPTION...]: by its listener, else by its sendmail;
# waits until all have arrived.  False, with $reason, if they do not.
send() {
	local name=$1 sessions=$2 mails=$3
	shift 3
	next_to
	if [ -n "${port[$name]:-}" ]; then
		run_load --sessions "$sessions" --mails "$mails" --to "$to" \
		    --size "$size" \
		    --port "${port[$name]}" --arrivals "$arrivals" "$@"
	else
		send_by_command "$name" "$sessions" "$mails"
	fi
}
send_by_command() {
	local begun
	make_mail "$to" "$size"
	begun=$(now_us)
	# shellcheck disable=SC2086
	timeout -k 5 "$BENCH_PATIENCE" "$BIN/reaper" "$BIN/spawn" -j "$2" "$3" \
	    "$T/one.mail" "${command[$1]}" >"$T/spawn.out" 2>&1 </dev/null
	grep -q failed=0 "$T/spawn.out" || {
		reason="its sendmail fails"
		return 1
	}
	run_load --arrivals-only --begun-us "$begun" --mails "$3" --to "$to" \
	    --arrivals "$arrivals"
}
# What the sendmail of NAME and its deliveries used, after send.
command_cpu_ms() {
	[ -n "${port[$1]:-}" ] && echo 0 && return
	sed -n 's/^cpu_ms=//p' "$T/spawn.out"
}
# make_mail RECIPIENT SIZE: $T/one.mail, with the line ends of this system.
make_mail() {
	{
		printf 'From: <%s>\nTo: <%s>\nSubject: one\n' "$USER_NAME" "$1"
		printf 'X-Number: 0000000000\n\n'
		head -c "$2" /dev/zero | tr '\0' x | fold -w 70
		echo
	} >"$T/one.mail"
}
