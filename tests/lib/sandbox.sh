# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# sandbox.sh - what end-to-end tests run in; sourced first by each of them.
#
#	. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
#	sandbox_enter postfix dovecot		# peers wanted, may be none
#	start_postfix
#	start_relaisd home < <(account mail mail.example.test 587 starttls)
#	...
#	pass "a mail arrives"
#	sandbox_done
#
# sandbox_enter() starts the script again in namespaces of its own:
#   pid    when the script ends, for whatever reason, everything it started
#          ends with it;
#   net    a loopback of its own, so ports are fixed numbers, tests can run
#          side by side, and not one packet can leave the machine;
#   mount  $T is a fresh tmpfs; /etc and /usr carry the peers' files on top;
#          the machine's own files and mail system stay as they are.
#
# Each check prints one line, PASS, FAIL or SKIP with a name, and a reason if
# it is not a pass; tests/e2e/run counts them.  A script can also be run alone:
#	tests/e2e/clients.sh
# SANDBOX_KEEP=DIR copies $T there at the end.

set -u
srcdir=$(cd "${srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
top_builddir=${top_builddir:-$srcdir/build}
[ -d "$top_builddir" ] || top_builddir=$srcdir
top_builddir=$(cd "$top_builddir" && pwd)
PEERS=${PEERS:-$top_builddir/peers}

T=/run/sandbox
USER_NAME=relay@example.test	# the login at every provider
# Blanks, comment characters, quotes and a letter outside ASCII: a password is
# the whole rest of the line.  Throw-away, valid in the namespace only.
PASSWORD=' #p;a"s\s=wörd '
sandbox_bad=0

# --- checks -------------------------------------------------------------------

pass() { printf 'PASS %s\n' "$*"; }
fail() {
	printf 'FAIL %s\n' "$*"
	sandbox_bad=1
}
skip() { printf 'SKIP %s\n' "$*"; }
# Everything the script tests is out of reach: exit 77, the custom of automake.
skip_all() {
	skip "$*"
	exit 77
}
note() { printf '     %s\n' "$*"; }
# check NAME COMMAND...: one line of result for one command.
check() {
	local name=$1
	shift
	if "$@"; then pass "$name"; else fail "$name"; fi
}
# The last lines of a log, below a failure.
show_log() {
	[ ! -f "$T/$1.log" ] || tail -n "${2:-15}" "$T/$1.log" |
	    sed "s/^/     | /"
}
need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip_all "$c is not installed"
	done
}

# --- the namespaces -----------------------------------------------------------

# sandbox_enter PEER...: those of tests/lib/peers; "?PEER" may be missing.
sandbox_enter() {
	[ "${SANDBOX_NSS:-files}" = files ] || set -- "$@" nss
	[ -n "${SANDBOX_INSIDE:-}" ] || sandbox_outside "$@"
	unset SANDBOX_INSIDE
	trap sandbox_leave EXIT
	ip link set lo up
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir -p "$T" "$T/tmp" "$T/pki"
	chmod 1777 "$T/tmp"
	export TMPDIR=$T/tmp HOME=$T/home LC_ALL=C.UTF-8 TZ=UTC
	mkdir -p "$HOME"
	sandbox_overlay "$@"
	sandbox_users
	sandbox_hosts
	sandbox_ca
}

sandbox_outside() {
	local peer
	[ "$(id -u)" = 0 ] || skip_all "needs root for its namespaces"
	for peer; do
		"$srcdir/tests/lib/peers" "$PEERS" "${peer#\?}" >/dev/null ||
		    case $peer in
		    \?*) ;;
		    *) skip_all "$peer is not here and cannot be fetched" ;;
		    esac
	done
	unshare -m true 2>/dev/null ||
	    skip_all "this machine lets nobody make namespaces"
	exec env SANDBOX_INSIDE=1 srcdir="$srcdir" top_builddir="$top_builddir" \
	    PEERS="$PEERS" unshare --mount --pid --net --fork --kill-child \
	    --mount-proc "$BASH" "$0"
}

# /etc becomes writable, for this namespace alone; the peers lie on top.
sandbox_overlay() {
	local usr=$T/usr: etc="" peer
	# What calls itself the machine's sendmail must meet ours.
	mkdir -p "$T/usr/sbin"
	: >"$T/usr/sbin/sendmail"
	# Where a build with the default prefix looks for its module.
	if [ -e "$top_builddir/relais-postgres.so" ]; then
		mkdir -p "$T/usr/local/lib/relais"
		cp "$top_builddir/relais-postgres.so" "$T/usr/local/lib/relais"
	fi
	for peer; do
		peer=${peer#\?}
		[ -d "$PEERS/$peer/usr" ] || continue
		usr=$usr$PEERS/$peer/usr:
		etc=$etc$PEERS/$peer/etc:
	done
	mkdir -p "$T/etc" "$T/work"
	mount -t overlay overlay \
	    -o "lowerdir=$etc/etc,upperdir=$T/etc,workdir=$T/work" /etc ||
	    skip_all "no overlay file system"
	mount -t overlay overlay -o "lowerdir=$usr/usr" /usr ||
	    skip_all "no overlay file system"
	[ ! -x "$top_builddir/sendmail" ] ||
	    mount --bind "$top_builddir/sendmail" /usr/sbin/sendmail
}

# Accounts that exist in this namespace only.
sandbox_users() {
	local name id=61025
	for name in relais postfix postdrop dovecot dovenull Debian-exim vmail \
	    alice bob; do
		sed -i "/^$name:/d" /etc/passwd /etc/group
		mkdir -p "$T/users/$name"
		printf '%s:x:%d:%d:%s:%s:/bin/sh\n' "$name" $id $id \
		    "${name^} Example" "$T/users/$name" >>/etc/passwd
		printf '%s:x:%d:\n' "$name" $id >>/etc/group
		chown $id:$id "$T/users/$name"
		id=$((id + 1))
	done
}

sandbox_hosts() {
	cat >/etc/hosts <<-EOF
	127.0.0.1 localhost client.example.test
	::1       localhost
	127.0.0.1 mail.example.test other.example.test
	EOF
	rm -f /etc/nsswitch.conf
	printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' \
	    >/etc/nsswitch.conf
	[ "${SANDBOX_NSS:-files}" = files ] || sandbox_nss
}

# Names and users as another machine has them: SANDBOX_NSS is files, dns, resolve,
# sss or ldap.  Who stands behind the module answers for the provider's names and
# for alice and bob, or is away (sssd, systemd-machined, Avahi).
sandbox_nss() {
	local users=files hosts="files dns"
	sed -i '/mail.example.test/d' /etc/hosts
	echo '127.0.0.1 mail.example.test other.example.test' >"$T/nss.hosts"
	: >"$T/nss.passwd"
	printf '%s A 127.0.0.1\n' mail.example.test other.example.test >"$T/nss.zone"
	echo 'nameserver 127.0.0.1' >/etc/resolv.conf
	case $SANDBOX_NSS in
	resolve)
		hosts="files mymachines resolve [!UNAVAIL=return] myhostname dns"
		start nss python3 "$srcdir/tests/lib/nss.py" resolve "$T/nss.hosts"
		until_true 10 [ -S /run/systemd/resolve/io.systemd.Resolve ]
		;;
	sss)
		users="files mymachines sss"
		hosts="mymachines files mdns4_minimal [NOTFOUND=return] dns"
		;;
	ldap)
		users="files ldap"
		grep -E '^(alice|bob):' /etc/passwd >"$T/nss.passwd"
		sed -i -E '/^(alice|bob):/d' /etc/passwd
		start nss python3 "$srcdir/tests/lib/nss.py" nslcd "$T/nss.passwd"
		until_true 10 [ -S /run/nslcd/socket ]
		;;
	esac
	printf 'passwd: %s\ngroup: %s\nshadow: files\nhosts: %s\n' "$users" \
	    "$users" "$hosts" >/etc/nsswitch.conf
	[ "$SANDBOX_NSS" = resolve ] || {
		start dns python3 "$srcdir/tests/lib/dnsd.py" "$T/nss.zone"
		until_true 10 grep -q :0035 /proc/net/udp
	}
}

sandbox_leave() {
	local status=$?
	[ -z "${SANDBOX_KEEP:-}" ] || {
		mkdir -p "$SANDBOX_KEEP"
		cp -a "$T/." "$SANDBOX_KEEP/" 2>/dev/null
	}
	[ $status -ne 0 ] || status=$sandbox_bad
	exit $status
}
sandbox_done() { exit $sandbox_bad; }

# --- certificates -------------------------------------------------------------

# A throw-away authority, $T/pki/ca.pem.  CERT_DAYS: how long certificates are good.
sandbox_ca() {
	certtool --generate-privkey --key-type ecdsa --outfile \
	    "$T/pki/ca.key" 2>/dev/null
	printf '%s\n' 'cn = "Throw-away authority"' ca cert_signing_key \
	    "expiration_days = ${CERT_DAYS:-2}" >"$T/pki/ca.tmpl"
	certtool --generate-self-signed --load-privkey "$T/pki/ca.key" \
	    --template "$T/pki/ca.tmpl" --outfile "$T/pki/ca.pem" 2>/dev/null ||
	    skip_all "certtool cannot make a certificate"
}

# make_cert FILE "NAME..." [expired|self]: $T/pki/FILE.pem and .key.
make_cert() {
	local base=$T/pki/$1 how=${3:-}
	certtool --generate-privkey --key-type ecdsa --outfile "$base.key" \
	    2>/dev/null
	{
		printf 'cn = "%s"\n' "${2%% *}"
		# shellcheck disable=SC2086
		printf 'dns_name = "%s"\n' $2
		printf 'tls_www_server\nsigning_key\n'
		if [ "$how" = expired ]; then
			echo 'activation_date = "2001-01-01 00:00:00"'
			echo 'expiration_date = "2001-02-01 00:00:00"'
		else
			echo "expiration_days = ${CERT_DAYS:-2}"
		fi
	} >"$base.tmpl"
	if [ "$how" = self ]; then
		certtool --generate-self-signed --load-privkey "$base.key" \
		    --template "$base.tmpl" --outfile "$base.pem" 2>/dev/null
	else
		certtool --generate-certificate --load-privkey "$base.key" \
		    --load-ca-certificate "$T/pki/ca.pem" \
		    --load-ca-privkey "$T/pki/ca.key" \
		    --template "$base.tmpl" --outfile "$base.pem" 2>/dev/null
	fi
}

# --- processes ----------------------------------------------------------------

# start NAME COMMAND...: in the background, with $T/NAME.log.
start() {
	local name=$1
	shift
	"$@" >>"$T/$name.log" 2>&1 </dev/null &
	echo $! >"$T/$name.pid"
}
is_up() { kill -0 "$(cat "$T/$1.pid")" 2>/dev/null; }
# stop NAME [SIGNAL]: waits until it is gone.  KILL is for its children, too.
stop() {
	local pid children="" c
	pid=$(cat "$T/$1.pid" 2>/dev/null) || return 0
	[ "${2:-}" != KILL ] || {
		kill -STOP "$pid" # so that it starts no other
		children=$(pgrep -P "$pid")
	}
	# shellcheck disable=SC2086
	kill -"${2:-TERM}" "$pid" $children 2>/dev/null
	wait "$pid" 2>/dev/null
	[ $? != 70 ] || fail "$1 ended with status 70: its worker crashed"
	for c in $children; do
		while kill -0 "$c" 2>/dev/null; do sleep 0.01; done
	done
	rm -f "$T/$1.pid"
}
# The pid of a relaisd's worker, which was started first.
worker() {
	pgrep -o -P "$(cat "$T/$1.pid")" || cat "$T/$1.pid"
}

# A test waits for what has to happen and fails if it does not; how fast the
# machine is says nothing of relais.  So each bound on a wait is that of an idle
# machine, and a busy one is given so many times as long.
: "${SANDBOX_PATIENCE:=6}"
# until_true SECONDS COMMAND...: tries ten times a second.
until_true() {
	local left=$(($1 * 10 * SANDBOX_PATIENCE))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || {
			note "waited in vain: $*" >&2
			return 1
		}
		sleep 0.1
	done
}
port_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
# wait_port NAME HOST PORT: the program NAME listens, or died.
wait_port() {
	local left=$((150 * SANDBOX_PATIENCE))
	until port_open "$2" "$3"; do
		left=$((left - 1))
		if [ $left -eq 0 ] || ! is_up "$1"; then
			fail "$1 does not listen on $2:$3"
			show_log "$1"
			exit 1
		fi
		sleep 0.1
	done
}

# The keeper listens before its worker is up: a program that speaks first and
# has done so is.  One that says nothing is not waited for any longer.
wait_greeting() { # HOST PORT
	(exec 3<>"/dev/tcp/$1/$2" && read -r -t "$((10 * SANDBOX_PATIENCE))" <&3) \
	    2>/dev/null
}

# --- providers ----------------------------------------------------------------

# Whom the providers let in; one file for Dovecot, one for the provider.
sandbox_secrets() {
	[ ! -f "$T/users.passwd" ] || return 0
	make_cert mail mail.example.test
	mkdir -p "$T/secret"
	printf '%s\n' "$PASSWORD" >"$T/secret/mail"
	printf 'not the password\n' >"$T/secret/wrong"
	chmod 600 "$T"/secret/*
	chown -R relais:relais "$T/secret"
	# {PLAIN} ends at the next colon, which the password has not.
	printf '%s:{PLAIN}%s\n' "$USER_NAME" "$PASSWORD" >"$T/users.passwd"
}

# Dovecot: authentication for Postfix, and with "submission" a submission
# service on 1587 that hands on to Postfix's port 25.  dovecot_tokens, if set, is
# the URL of the token server that is asked about tokens.
start_dovecot() {
	local protocols=${1:-} passwords="plain login scram-sha-256" tokens=""
	[ -z "${dovecot_tokens:-}" ] || tokens="xoauth2 oauthbearer"
	sandbox_secrets
	mkdir -p "$T/dovecot/run" "$T/dovecot/state"
	cat >"$T/dovecot/dovecot.conf" <<-EOF
	base_dir = $T/dovecot/run
	state_dir = $T/dovecot/state
	log_path = $T/dovecot.log
	auth_verbose = yes
	protocols = $protocols
	listen = 127.0.0.1
	hostname = mail.example.test
	ssl = required
	ssl_cert = <$T/pki/mail.pem
	ssl_key = <$T/pki/mail.key
	auth_mechanisms = $passwords $tokens
	passdb {
	  driver = passwd-file
	  mechanisms = $passwords
	  args = scheme=PLAIN username_format=%u $T/users.passwd
	}
	userdb {
	  driver = static
	  args = uid=vmail gid=vmail home=$T/users/vmail
	}
	service auth {
	  unix_listener $T/dovecot/auth {
	    mode = 0666
	  }
	}
	service stats {
	  unix_listener stats-writer {
	    mode = 0666
	  }
	}
	mail_location = maildir:~/mail
	submission_relay_host = 127.0.0.1
	submission_relay_port = 25
	submission_max_mail_size = 40M
	service submission-login {
	  inet_listener submission {
	    port = 1587
	  }
	}
	EOF
	[ -z "$tokens" ] || cat >>"$T/dovecot/dovecot.conf" <<-EOF
	passdb {
	  driver = oauth2
	  mechanisms = $tokens
	  args = $T/dovecot/oauth2.conf
	}
	auth_failure_delay = 0 secs
	service anvil {
	  unix_listener anvil-auth-penalty {
	    mode = 0
	  }
	}
	EOF
	[ -z "$tokens" ] || cat >"$T/dovecot/oauth2.conf" <<-EOF
	introspection_url = $dovecot_tokens/introspect
	introspection_mode = post
	force_introspection = yes
	username_attribute = email
	active_attribute = active
	active_value = true
	scope = smtp.send
	tls_ca_cert_file = $T/pki/ca.pem
	timeout_msecs = 5000
	openid_configuration_url = $dovecot_tokens/.well-known/openid-configuration
	EOF
	start dovecot dovecot -F -c "$T/dovecot/dovecot.conf"
}
start_dovecot_submission() {
	start_dovecot submission
	wait_port dovecot 127.0.0.1 1587
}

# Postfix: 25 takes everything (no login: the sink), 587 STARTTLS and 465
# implicit TLS want a login.  All mail ends in the maildir $T/postfix/mail/all.
# start_postfix [SETTING...]: more of main.cf.
start_postfix() {
	local q=$T/postfix
	sandbox_secrets
	[ -f "$T/dovecot.pid" ] || start_dovecot
	mkdir -p "$q/queue" "$q/data" "$q/mail"
	chown postfix "$q/data"
	chown vmail:vmail "$q/mail"
	cat >/etc/postfix/main.cf <<-EOF
	compatibility_level = 3.6
	queue_directory = $q/queue
	data_directory = $q/data
	command_directory = /usr/sbin
	daemon_directory = /usr/lib/postfix/sbin
	shlib_directory = /usr/lib/postfix
	meta_directory = /etc/postfix
	maillog_file = $T/postfix.log
	maillog_file_prefixes = $T
	myhostname = mail.example.test
	mydestination =
	mynetworks = 127.0.0.0/8
	inet_interfaces = 127.0.0.1, ::1
	inet_protocols = all
	alias_maps =
	local_recipient_maps =
	message_size_limit = 50000000
	mailbox_size_limit = 0
	virtual_mailbox_limit = 0
	virtual_mailbox_domains = static:all
	virtual_mailbox_base = $q/mail
	virtual_mailbox_maps = static:all/
	virtual_minimum_uid = 1
	virtual_uid_maps = static:$(id -u vmail)
	virtual_gid_maps = static:$(id -g vmail)
	smtpd_tls_cert_file = $T/pki/mail.pem
	smtpd_tls_key_file = $T/pki/mail.key
	smtpd_tls_received_header = yes
	smtpd_sasl_type = dovecot
	smtpd_sasl_path = $T/dovecot/auth
	smtpd_sasl_authenticated_header = yes
	smtpd_tls_auth_only = yes
	smtpd_relay_restrictions = permit_mynetworks, reject
	smtpd_delay_reject = yes
	smtpd_client_connection_rate_limit = 0
	EOF
	[ $# -eq 0 ] || printf '%s\n' "$@" >>/etc/postfix/main.cf
	local login='-o smtpd_sasl_auth_enable=yes
	    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject'
	cat >/etc/postfix/master.cf <<-EOF
	25  inet n - n - - smtpd
	587 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt $login
	465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes $login
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
	error unix - - n - - error
	retry unix - - n - - error
	discard unix - - n - - discard
	virtual unix - n n - - virtual
	anvil unix - - n - 1 anvil
	postlog unix-dgram n - n - 1 postlogd
	EOF
	start postfix postfix start-fg
	wait_port postfix 127.0.0.1 587
	wait_port postfix 127.0.0.1 465
}

# The throw-away provider on 587 (STARTTLS) and 465, unless the arguments name
# other ports.  Messages in $T/NAME/, one JSON line each in $T/NAME.log.
# start_provider NAME [OPTION...]
start_provider() {
	local name=$1
	shift
	sandbox_secrets
	mkdir -p "$T/$name"
	: >"$T/$name.log"
	start "$name" "$top_builddir/tests/lib/provider" \
	    --port 587 --implicit-port 465 \
	    --cert "$T/pki/mail.pem" --key "$T/pki/mail.key" \
	    --user "$USER_NAME" --password-file "$T/secret/mail" \
	    --store "$T/$name" --lifetime 3600 "$@"
	# Knocking at the port would use up a fault of the greeting.
	until_true 10 grep -q ready "$T/$name.log" || {
		fail "$name does not start"
		show_log "$name"
		exit 1
	}
}

# --- relais -------------------------------------------------------------------

# relaisd_conf NAME: writes $T/NAME/relais.conf; accounts and further settings
# of [relais] come on stdin (those before the first section).
relaisd_conf() {
	local d=$T/$1
	mkdir -p "$d"
	{
		echo "[relais]"
		echo "admin = admin@example.test"
		echo "hostname = client.example.test"
		echo "listen = 127.0.0.1:${PORT:-2525}"
		echo "socket = $d/smtp.sock"
		echo "control = $d/control.sock"
		echo "spool = $d/spool"
		echo "retry_after = ${RETRY_AFTER:-2s}"
		cat
	} >"$d/relais.conf"
	mkdir -p "$d/spool"
	chown relais:relais "$d" "$d/spool"
	chmod 711 "$d"
}
# start_relaisd NAME < <(account ...); PORT chooses the port, 2525 if unset.
# Not from a pipe: the program would be nobody's child.
start_relaisd() {
	relaisd_conf "$1"
	run_relaisd "$1"
	wait_port "$1" 127.0.0.1 "${PORT:-2525}"
	wait_greeting 127.0.0.1 "${PORT:-2525}"
	true
}
run_relaisd() {
	[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
	start "$1" "$top_builddir/relaisd" -f -c "$T/$1/relais.conf"
}
# An account's section for the sandbox's providers: account NAME HOST PORT TLS
account() {
	cat <<-EOF
	[account $1]
	host = $2
	port = $3
	tls = $4
	tls_ca_file = $T/pki/ca.pem
	user = $USER_NAME
	password_file = $T/secret/mail
	address = $USER_NAME
	identity = ${IDENTITY:-allow}
	EOF
}
# submit SUBJECT [SIZE]: one mail by SMTP; the reply is in $T/submit.err.
# When curl gives up it waits two more minutes for QUIT to be answered.
submit() {
	{
		printf 'From: <%s>\r\nTo: <to@example.org>\r\n' "$USER_NAME"
		printf 'Subject: %s\r\n\r\nbody of %s\r\n' "$1" "$1"
		[ -z "${2:-}" ] || { head -c "$2" /dev/zero | tr '\0' x; echo; } |
		    fold -w 76 | sed 's/$/\r/'
		printf 'end\r\n'
	} >"$T/submit.mail"
	timeout 125 curl -sSv --max-time 120 --mail-from "$USER_NAME" \
	    --mail-rcpt to@example.org --upload-file "$T/submit.mail" \
	    "smtp://127.0.0.1:${PORT:-2525}" >"$T/submit.err" 2>&1
}
# The most connections that the provider NAME had at once, logged in.
most_logged_in() {
	jq -s '[.[].logged_in // 0] | max // 0' "$T/$1.log"
}
# The provider NAME has a mail with this subject.
has_mail() { grep -qs "^Subject: $2" "$T/$1"/*.eml; }
# says NAME PATTERN CHECK: the log of NAME has one clear sentence about it.
says() {
	if until_true 15 grep -qiE -- "$2" "$T/$1.log"; then
		pass "$3"
		note "$(grep -iE -m 1 -- "$2" "$T/$1.log")"
	else
		fail "$3: no line like /$2/"
		show_log "$1"
	fi
}
relais() { "$top_builddir/relais" -c "$T/${RELAIS:-home}/relais.conf" "$@"; }
queue_len() { relais --json queue | jq length; }
queue_is() { [ "$(queue_len)" = "$1" ]; }

# sandbox_alerts: "alert_command = $T/alert" of a configuration then adds a line
# EVENT|ACCOUNT|REASON to $T/alerts/told.
sandbox_alerts() {
	cat >"$T/alert" <<-EOF
	#!/bin/sh
	printf '%s|%s|%s\n' "\$RELAIS_EVENT" "\$RELAIS_ACCOUNT" \
	    "\$RELAIS_REASON" >>$T/alerts/told
	EOF
	chmod 755 "$T/alert"
	mkdir "$T/alerts"
	chmod 1777 "$T/alerts"
}

# --- what arrived -------------------------------------------------------------

# The body of a message file: all after the first empty line, LF line ends.
body_of() { sed -e '1,/^\r\{0,1\}$/d' -e 's/\r$//' "$1"; }
header_of() { sed -e '/^\r\{0,1\}$/q' -e 's/\r$//' "$1"; }
# arrived PATTERN: the newest file of the maildir whose header has PATTERN.
arrived() {
	grep -slr -- "$1" "$T/postfix/mail/all/new" | head -n 1 | grep .
}
