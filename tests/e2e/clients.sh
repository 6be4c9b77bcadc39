#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every client people use, through relaisd, to each provider: the body arrives
# byte by byte, with the right envelope, logged in and encrypted.
#
# What a client makes of a text (quoted-printable, a signature line) is its own
# business; so it first hands the same text straight to the last mail server,
# without relais, and that is what must arrive.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl certtool jq
sandbox_enter postfix dovecot '?nodemailer'

FROM=$USER_NAME

# Clients.  Each gets host, port, recipient and a subject, and finds the text
# in $T/body (LF) and $T/message (whole, CRLF).
by_swaks() {
	swaks --silent 3 --server "$1" --port "$2" --from "$FROM" --to "$3" \
	    --data "$T/message"
}
by_snail() {
	s-nail -:/ -S v15-compat -S "mta=smtp://$1:$2" -S smtp-auth=none \
	    -S hostname=client.example.test -r "$FROM" -s "$4" "$3" <"$T/body"
}
by_curl() {
	curl -sS --mail-from "$FROM" --mail-rcpt "$3" \
	    --upload-file "$T/message" "smtp://$1:$2"
}
by_msmtp() {
	msmtp --file=/dev/null --host="$1" --port="$2" --from="$FROM" -- "$3" \
	    <"$T/message"
}
by_git() {
	git -C "$T/repo" format-patch -q -1 --subject-prefix="$4" \
	    -o "$T/patch" && git -C "$T/repo" -c sendemail.smtpServer="$1" \
	    -c sendemail.smtpServerPort="$2" send-email --quiet \
	    --confirm=never --suppress-cc=all --from="$FROM" --to="$3" \
	    "$T"/patch/*.patch </dev/null
	local status=$?
	rm -rf "$T/patch"
	return "$status"
}
by_php() { # the command, as PHP on Unix always does
	sendmail_for "$1" "$2"
	php -d sendmail_path="/usr/sbin/sendmail -t -i" -r '
	    exit(mail($argv[1], $argv[2], file_get_contents($argv[3]),
		"From: $argv[4]") ? 0 : 1);' "$3" "$4" "$T/body" "$FROM"
}
by_perl() {
	perl -MEmail::Sender::Simple=sendmail -MEmail::Simple \
	    -MEmail::Sender::Transport::SMTP -e '
	    my ($host, $port, $to, $subject, $file, $from) = @ARGV;
	    open(my $f, "<", $file) or die; local $/; my $body = <$f>;
	    sendmail(Email::Simple->create(
		header => [ From => $from, To => $to, Subject => $subject ],
		body => $body), { transport =>
		Email::Sender::Transport::SMTP->new({ host => $host,
		port => $port }) });' "$1" "$2" "$3" "$4" "$T/body" "$FROM"
}
by_python() {
	python3 - "$1" "$2" "$3" "$FROM" "$T/message" <<-'EOF'
	import smtplib, sys
	host, port, to, sender, name = sys.argv[1:]
	with smtplib.SMTP(host, int(port)) as s:
	    s.sendmail(sender, [to], open(name, "rb").read(),
	        mail_options=["BODY=8BITMIME"])
	EOF
}
by_nodemailer() {
	node -e '
	    const [host, port, to, subject, file, from, dir] =
		process.argv.slice(1);
	    require(dir + "/node_modules/nodemailer").createTransport(
		{ host, port, secure: false, ignoreTLS: true }).sendMail(
		{ from, to, subject,
		  text: require("fs").readFileSync(file, "utf8") })
	    .catch(e => { console.error(e.message); process.exit(1); });' \
	    "$1" "$2" "$3" "$4" "$T/body" "$FROM" "$PEERS/nodemailer"
}
# A job that cron runs when it starts, and whose output it mails by itself.
by_cron() {
	sendmail_for "$1" "$2"
	rm -f /run/crond.reboot /run/crond.pid
	printf 'MAILTO=%s\n@reboot root cat %s # %s\n' "$3" "$T/body" "$4" \
	    >/etc/cron.d/sandbox
	chmod 644 /etc/cron.d/sandbox
	start cron cron -f
	until_true 10 arrived "^Subject: Cron.*$4"
	stop cron
}

# Makes /usr/sbin/sendmail ours, or msmtp when the way is the direct one.
sendmail_for() {
	local program=$top_builddir/sendmail
	if [ "$2" = 25 ]; then
		printf '#!/bin/sh\nexec msmtp --file=/dev/null --host=%s %s' \
		    "$1" "--port=$2 --from=$FROM \"\$@\"" >"$T/direct-sendmail"
		chmod 755 "$T/direct-sendmail"
		program=$T/direct-sendmail
	fi
	mount --bind "$program" /usr/sbin/sendmail
}

# What each needs to be there.
tool_of() {
	case $1 in
	snail) echo s-nail ;;
	git) echo git ;;
	python) echo python3 ;;
	nodemailer) echo node ;;
	*) echo "$1" ;;
	esac
}
missing() {
	command -v "$(tool_of "$1")" >/dev/null || { tool_of "$1"; return 0; }
	case $1 in
	git) [ -x "$(git --exec-path)/git-send-email" ] || echo git-email
	    perl -MMail::Address -e1 2>/dev/null || echo libmailtools-perl ;;
	perl) perl -MEmail::Sender -e1 2>/dev/null || echo Email::Sender ;;
	nodemailer) [ -d "$PEERS/nodemailer" ] || echo nodemailer ;;
	esac
}

# --- the text -----------------------------------------------------------------

make_text() {
	{
		printf '.\n..\n.hidden\nFrom here on, na\303\257ve\n'
		printf 'blanks at the end  \t\n\n'
		head -c 900 /dev/zero | tr '\0' x
		printf '\n>From there\n\n\n.\nend\n\n'
	} >"$T/body"
	git init -q "$T/repo" && git -C "$T/repo" config user.name Relay &&
	    git -C "$T/repo" config user.email "$FROM"
	cp "$T/body" "$T/repo/file"
	git -C "$T/repo" add file && git -C "$T/repo" commit -qm "A patch"
}
make_message() { # RECIPIENT SUBJECT
	{
		printf 'From: Relay <%s>\nTo: %s\nSubject: %s\n' "$FROM" "$1" "$2"
		printf 'MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n'
		printf 'Content-Type: text/plain; charset=utf-8\n\n'
		cat "$T/body"
	} | sed 's/$/\r/' >"$T/message"
}

# --- one mail, one check ------------------------------------------------------

# send CLIENT HOST PORT ROUTE: the file that arrived, on stdout.
send() {
	local tag="$1-$4-mail" to="$1@$4.example.org"
	make_message "$to" "$tag"
	"by_$1" "$2" "$3" "$to" "$tag" >"$T/$tag.log" 2>&1 || return 1
	until_true 15 arrived "^Subject:.*$tag" >/dev/null || return 1
	arrived "^Subject:.*$tag"
}

is_secure() { # FILE ROUTE
	case $2 in
	dovecot) header_of "$1" | grep -q 'by mail.example.test.*with ESMTPSA' ||
	    header_of "$1" | tr -d '\n' | grep -q 'with ESMTPSA' ;;
	*) header_of "$1" | grep -q 'using TLSv1' &&
	    header_of "$1" | grep -q "Authenticated sender: $USER_NAME" ;;
	esac
}

verify() { # CLIENT ROUTE FILE: what is wrong with it, if anything
	local to="$1@$2.example.org"
	cmp -s <(body_of "$3") "$T/$1.body" || echo "the body has changed"
	header_of "$3" | grep -qx "Return-Path: <$FROM>" ||
	    echo "the sender has changed: $(grep -m 1 ^Return-Path: "$3")"
	header_of "$3" | grep -qx "Delivered-To: $to" ||
	    echo "the recipient has changed"
	is_secure "$3" "$2" || echo "not encrypted or not logged in"
}

try_client() {
	local client=$1 route file wrong
	wrong=$(missing "$client")
	[ -z "$wrong" ] || { skip "$client: $wrong is not installed"; return; }
	file=$(send "$client" 127.0.0.1 25 direct) || {
		fail "$client cannot send even without relais"
		show_log "$client-direct-mail"
		return
	}
	body_of "$file" >"$T/$client.body"
	pass "$client reaches the sandbox's mail server directly"
	[ -n "$has_relaisd" ] || return
	for route in postfix587 postfix465 dovecot; do
		file=$(send "$client" localhost 2525 "$route") || {
			fail "$client by $route: nothing arrived"
			show_log "$client-$route-mail"
			show_log home
			continue
		}
		wrong=$(verify "$client" "$route" "$file")
		if [ -z "$wrong" ]; then pass "$client by $route"
		else fail "$client by $route: $wrong"; fi
	done
}

make_text
start_dovecot_submission
start_postfix
rm -rf /etc/cron.d/* /etc/crontab
mount -t tmpfs tmpfs /var/spool/cron && mkdir /var/spool/cron/crontabs
ln -s "$T/home" /run/relais
has_relaisd=
if [ -x "$top_builddir/relaisd" ] && [ -z "${DIRECT_ONLY:-}" ]; then
	has_relaisd=yes
	start_relaisd home < <(
		account postfix587 mail.example.test 587 starttls
		echo 'recipients = *@postfix587.example.org'
		echo 'default = yes'
		account postfix465 mail.example.test 465 implicit
		echo 'recipients = *@postfix465.example.org'
		account dovecot mail.example.test 1587 starttls
		echo 'recipients = *@dovecot.example.org'
	)
fi
for client in ${CLIENTS:-swaks snail curl msmtp git php perl python \
    nodemailer cron}; do
	try_client "$client"
done
# Dovecot salts the password, which is not ASCII, with code of its own.
[ -z "$has_relaisd" ] || check "relais has proved the password to Dovecot by SCRAM" \
    grep -q 'connected account=dovecot .*auth=SCRAM-SHA-256' "$T/home.log"
sandbox_done
