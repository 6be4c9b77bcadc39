#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every provider takes every mail a machine makes, with default settings: ten
# providers that check what the real ones check (tests/lib/rulebook), and for
# each a relaisd with the shortest configuration there is.  Beforehand, the same
# providers are seen to refuse: a client that knows no rules breaks each of them,
# and relaisd itself is refused when its policy is switched off.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool jq python3 setpriv s-nail git php cron
sandbox_enter '?nodemailer' '?bsd-mailx'

# ID PRESET HOST ADDRESS [LOGIN]; no preset: by its host.
table="\
gmail      gmail         smtp.gmail.com                     me@gmail.com
office365  office365     smtp.office365.com                 me@contoso.example
yandex     yandex        smtp.yandex.com                    me@yandex.com
fastmail   fastmail      smtp.fastmail.com                  me@fastmail.com
ses        ses:eu-west-1 email-smtp.eu-west-1.amazonaws.com me@shop.example ID
gmx        gmx           mail.gmx.net                       me@gmx.de
zoho       zoho          smtp.zoho.com                      me@zoho.com
ionos      ionos-de      smtp.1und1.de                      me@firma.example
infomaniak infomaniak    mail.infomaniak.com                me@ik.example
postfix    -             mail.own.example                   me@own.example"
VISITOR=visitor@customer.example.net
ids=$(awk '{ print $1 }' <<<"$table")

each() { # FUNCTION: once for each provider, with $number and its columns
	number=0
	while read -r id preset host address login; do
		number=$((number + 1))
		: "${login:=$address}"
		"$1"
	done <<<"$table"
}
# One line of the tables of results: a name, and a word for each provider.
row() {
	local label=$1
	shift
	printf '     %-15s' "$label"
	printf ' %-9.9s' "$@"
	printf '\n'
}
# What the provider's rules had to say, as its log has it.
refusals() { # ID
	grep -E '"event":"(refused|changed)"' "$T/$1.log"
}

# --- the providers ------------------------------------------------------------

start_one() {
	echo "127.0.1.$number $host" >>/etc/hosts
	start_provider "$id" --host "127.0.1.$number" \
	    --cert "$T/pki/all.pem" --key "$T/pki/all.key" \
	    --user "$login" --owner "$address" \
	    --password-file "$T/secret/plain" \
	    --rules "$srcdir/tests/lib/rulebook:$id" \
	    --fail 'rcpt/nobody@*:550:5.1.1:No such user'
}
sandbox_secrets
echo 'abcdefghijklmnop' >"$T/secret/plain"
# As some providers show it: in groups, with blanks that do not belong to it.
echo 'abcd efgh ijkl mnop' >"$T/secret/grouped"
chmod 600 "$T"/secret/*
chown relais "$T"/secret/*
make_cert all "$(awk '{ print $3 }' <<<"$table" | xargs)"
each start_one

# --- what they refuse ---------------------------------------------------------

# The rules of the book that were not seen to be broken.
untouched() { # ID
	comm -23 \
	    <(awk -v p="$1" '$1 == p && NF > 4 { sub(/:.*/, "", $4)
		print $3 " " $4 }' "$srcdir/tests/lib/rulebook" | sort -u) \
	    <(refusals "$1" | jq -r .rule | sort -u)
}
naive() {
	local left
	if ! /usr/bin/python3 "$srcdir/tests/lib/naive.py" "$host" "$login" \
	    "$address" abcdefghijklmnop "$T/pki/ca.pem" \
	    >"$T/naive.$id" 2>"$T/naive.err"; then
		fail "$id and a client that knows no rules"
		sed 's/^/     | /' "$T/naive.err"
	fi
	grep -q '^nothing: 250' "$T/naive.$id" ||
	    fail "$id refuses what is right"
	left=$(untouched "$id")
	if [ -z "$left" ]; then pass "$id refuses, by each of its rules"
	else fail "$id: never broken: $(xargs <<<"$left")"; fi
}
said() { sed -n "s/^$what: //p" "$T/naive.$id" | sed 's/^250$/./'; }
each naive
# shellcheck disable=SC2086
row "" $ids
cut -d: -f1 "$T/naive.gmail" | while IFS= read -r what; do
	# shellcheck disable=SC2046
	row "$what" $(each said)
done

# --- relaisd without its policy -----------------------------------------------

account_of() { # a section as short as it may be
	echo "[account $id]"
	if [ "$preset" = - ]; then echo "host = $host"
	else echo "provider = $preset"; fi
	echo "user = $login"
	[ "$login" = "$address" ] || echo "address = $address"
	case $id in
	gmail | fastmail) echo "password_file = $T/secret/grouped" ;;
	*) echo "password_file = $T/secret/plain" ;;
	esac
}
# The daemon's folder, and what the namespace needs: no port 25, no real
# authority.
relaisd_at() { # FOLDER PORT < SECTIONS
	mkdir -p "$T/$1/spool"
	{
		echo "[relais]"
		echo "admin = admin@example.org"
		echo "listen = 127.0.0.1:$2"
		echo "socket = $T/$1/smtp.sock"
		echo "control = $T/$1/control.sock"
		echo "spool = $T/$1/spool"
		echo "[account *]"
		echo "tls_ca_file = $T/pki/ca.pem"
		cat
	} >"$T/$1/relais.conf"
	chown relais:relais "$T/$1" "$T/$1/spool"
	chmod 711 "$T/$1"
	run_relaisd "$1"
	wait_port "$1" 127.0.0.1 "$2"
}
relaisd_at keep 2500 < <(
	echo "identity = keep"
	each account_of
	echo "default = yes"
)
# As cron would, and as a web application would.
post_as() { # SENDER
	printf 'From: %s\nTo: to@example.org\nSubject: keep\n\nx\n' "$1" |
	    RELAIS_SOCKET=$T/keep/smtp.sock "$top_builddir/sendmail" \
		-a "$id" -odb -f "$1" to@example.org >>"$T/keep.$id" 2>&1
}
broken_now() { refusals "$id" | tail -n +"$((before + 1))"; }
are_refused() { [ "$(broken_now | wc -l)" -ge 2 ]; }
are_held() {
	[ "$(RELAIS=keep relais --json queue | jq --arg account "$id" \
	    'map(select(.account == $account and .state == "held")) | length')" \
	    = "$(broken_now | grep -c refused)" ]
}
keep() {
	local before
	before=$(refusals "$id" | wc -l)
	post_as "root@$(hostname)"
	post_as "$VISITOR"
	check "$id refuses relaisd without its policy" until_true 15 are_refused
	broken_now | jq -r '"     \(.code) \(.enhanced) \(.text)"' | tr '\n' ' '
	echo
	# Google takes the stranger and changes From.
	check "  which holds the mail: a setting is wrong" until_true 15 are_held
}
each keep
stop keep

# --- relaisd as it is ---------------------------------------------------------

# Each gets a tag, which becomes part of the subject, and in $port the daemon's.
# Where programs have a choice, they do what they do by default.
by_cron() { # root's job, mailed to root
	rm -f /run/crond.reboot /run/crond.pid
	echo "@reboot root echo output # $1" >/etc/cron.d/sandbox
	chmod 644 /etc/cron.d/sandbox
	start cron cron -f
	until_true 10 arrived_at "$1"
	stop cron
}
by_mailx() { echo x | bsd-mailx -s "$1" root; }
by_snail() { echo x | s-nail -s "$1" root; }
as_web() { setpriv --reuid www-data --regid www-data --clear-groups "$@"; }
by_php() {
	as_web php -r 'exit(mail("to@example.org", $argv[1], "x") ? 0 : 1);' "$1"
}
by_php_f() {
	as_web php -r 'exit(mail("to@example.org", $argv[1], "x",
	    "From: Shop <shop@shop.example.net>", "-fbounce@shop.example.net")
	    ? 0 : 1);' "$1"
}
# A contact form: the visitor's address in From, as he typed it, and fields that
# PHP has put in already.
by_form() {
	as_web php -r 'exit(mail("admin@localhost, to@example.org", $argv[1],
	    "x", "From: J\xc3\xb6rg \"Jo\" K. <$argv[2]>\nReply-To: www-data\n" .
	    "To: Else <else@example.org>\nSubject: again") ? 0 : 1);' "$1" \
	    "$VISITOR"
}
by_node() {
	node -e '
	    const [port, subject, from, dir] = process.argv.slice(1);
	    require(dir + "/node_modules/nodemailer").createTransport(
		{ host: "localhost", port, ignoreTLS: true }).sendMail(
		{ from, sender: "web@shop.lan", to: "to@example.org",
		  replyTo: from, subject, text: "x" })
	    .catch(e => { console.error(e.message); process.exit(1); });' \
	    "$port" "$1" "$VISITOR" "$PEERS/nodemailer"
}
by_git() { # two authors of one patch, both in Cc
	git -C "$T/repo" format-patch -q -1 --subject-prefix="$1" \
	    -o "$T/patch.$1" && git -C "$T/repo" send-email --quiet \
	    --confirm=never --to=to@example.org "$T/patch.$1"/*.patch </dev/null
}
by_many() {
	{
		printf 'From: root\nTo: all:;\nSubject: %s\n\nx\n' "$1"
	} | sendmail -i $(seq -f 'r%g@example.org' "$MANY")
}
# What comes back to a stranger one of whose recipients is refused: a notice of
# ours.
by_dsn() {
	printf 'From: %s\nTo: to@example.org\nSubject: %s\n\nx\n' \
	    "$VISITOR" "$1" |
	    sendmail -i -odb -f "$VISITOR" to@example.org nobody@example.org
}

missing() { # CLIENT: what it lacks here
	case $1 in
	mailx) command -v bsd-mailx >/dev/null || echo bsd-mailx ;;
	node) [ -d "$PEERS/nodemailer" ] || echo nodemailer ;;
	git) perl -MMail::Address -e1 2>/dev/null || echo libmailtools-perl ;;
	esac
}
clients=
for client in cron mailx snail php php_f form node git dsn many; do
	lack=$(missing "$client")
	if [ -z "$lack" ]; then clients="$clients $client"
	else skip "$client: $lack is not installed"; fi
done

# The messages of the provider that have this tag in the subject, or, a notice,
# in the header that is quoted.
with_tag() { grep -ls "^Subject:.*$1" "$T/$id"/*.eml; }
arrived_at() { with_tag "$1" >/dev/null; }
recipients_of() { # TAG: how many the provider was given
	with_tag "$1" | sed 's/eml$/env/' | xargs cat | grep -c ^recipient
}
notice_about() { with_tag "$1" | xargs grep -ls '^Content-Type: multipart/report'; }
has_arrived() { # CLIENT TAG
	case $1 in
	many) [ "$(recipients_of "$2")" = "$MANY" ] ;;
	dsn) notice_about "$2" >/dev/null ;;
	*) arrived_at "$2" ;;
	esac
}
# One word: "ok", or what the provider had against it.
result() { # CLIENT TAG
	if until_true 20 has_arrived "$1" "$2"; then echo ok
	else broken_now | jq -r .code | tail -n 1 | grep . || echo missing; fi
}
# No address of this machine is left in what came since $T/begun.
is_clean() {
	local file
	for file in "$T/$id"/*.eml; do
		[ "$file" -nt "$T/begun" ] || continue
		header_of "$file" | sed ':a;N;$!ba;s/\n[ \t]\+/ /g' |
		    grep -E '^(From|Sender|To|Cc|Reply-To):' | grep -E \
			"@(localhost|$(hostname)|[a-z.]+\.lan)|: *[^@]*$" |
		    grep -v ':;$' && return 1
	done
	return 0
}
start_default() {
	port=$((2500 + number))
	relaisd_at "relais-$id" "$port" < <(account_of)
}
default() {
	local before client tag word
	port=$((2500 + number))
	before=$(refusals "$id" | wc -l)
	ln -sfn "$T/relais-$id" /run/relais
	touch "$T/begun"
	for client in ${clients% many}; do
		tag=$id-$client-mail
		"by_$client" "$tag" >"$T/$tag.log" 2>&1 &
	done
	words=
	for client in $clients; do
		tag=$id-$client-mail
		# Last, for it may use up what the provider takes in a minute.
		[ "$client" != many ] || by_many "$tag" >"$T/$tag.log" 2>&1
		word=$(result "$client" "$tag")
		echo "$word" >>"$T/result.$client"
		[ "$word" = ok ] || show_log "$tag"
		words="$words $word"
	done
	check "$id takes what$clients send" test "${words// ok/}" = ""
	check "  and had nothing to change in it" test "$(broken_now)" = ""
	broken_now | sed 's/^/     | /'
	check "  and got no name of this machine" is_clean
	stop "relais-$id"
}
MANY=120	# recipients, more than most take at once
rm -rf /etc/cron.d/* /etc/crontab
mount -t tmpfs tmpfs /var/spool/cron && mkdir /var/spool/cron/crontabs
echo 127.0.0.1 shop.lan >>/etc/hosts
git init -q "$T/repo" && git -C "$T/repo" config user.name "D. Veloper" &&
    git -C "$T/repo" config user.email dev@build.lan
echo x >"$T/repo/file"
git -C "$T/repo" add file && git -C "$T/repo" commit -qm "A patch

Signed-off-by: D. Veloper <dev@build.lan>
Cc: Root <root@build.lan>"
each start_default
each default
# shellcheck disable=SC2086
row "" $ids
for client in $clients; do
	# shellcheck disable=SC2046
	row "$client" $(cat "$T/result.$client")
done
sandbox_done
