#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# names.sh - local names never leave: envelope, To and Cc by aliases and admin;
# accounts chosen by name.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need curl jq setpriv
sandbox_enter
start_provider mail
cat >"$T/aliases" <<-EOF
root: boss@example.org, ops
ops: ops@example.org
web: boss@example.org
odd: |/bin/true, odd@example.org
EOF
chmod 644 "$T/aliases"
conf() {
	echo "aliases = $T/aliases"
	account mail mail.example.test 587 starttls
	echo 'default = yes'
	account work mail.example.test 587 starttls |
	    sed 's/^address.*/address = work@example.test/'
	account alices mail.example.test 587 starttls
	echo 'users = alice'
}
start_relaisd home < <(conf)
export RELAIS_SOCKET=$T/home/smtp.sock
S=$top_builddir/sendmail
# The last message as the provider's log has it.
count() { grep -c '"event":"message"' "$T/mail.log"; }
rcpts() {
	grep '"event":"message"' "$T/mail.log" | tail -n 1 |
	    jq -r '.recipients | join(" ")'
}
newest() { find "$T/mail" -name '*.eml' | sort | tail -n 1; }
has() { header_of "$(newest)" | grep -qi -- "$1"; }
has_not() { ! has "$1"; }
more_than() { [ "$(count)" -gt "$1" ]; }
# hand_over ARGUMENT...: by sendmail, message on stdin; waits for the provider.
hand_over() {
	local n
	n=$(count)
	"$S" "$@" 2>"$T/sendmail.err" || { cat "$T/sendmail.err"; return 1; }
	until_true 10 more_than "$n"
}
refused() { # PATTERN ARGUMENT...
	local pattern=$1
	shift
	! "$S" "$@" <"$T/aliases" 2>"$T/err" && grep -q -- "$pattern" "$T/err"
}
refused_mail() { # PATTERN ARGUMENT..., the message on stdin
	local pattern=$1
	shift
	! "$S" "$@" 2>"$T/err" && grep -q -- "$pattern" "$T/err"
}
mail() { printf 'To: %s\nCc: %s\nSubject: x\n\nbody\n' "$1" "$2"; }

check "an alias is used" hand_over -t < <(mail root root@localhost)
check "each target gets it, once" test "$(rcpts)" = \
    "boss@example.org ops@example.org"
check "To names the targets" has '^To: boss@example.org, ops@example.org'
check "so does Cc" has '^Cc: boss@example.org, ops@example.org'
check "names without an alias" hand_over nobody "joe@$(hostname)" \
    daemon@box.lan out@example.net < <(mail nobody out@example.net)
check "go to the admin, outside ones where they are" test "$(rcpts)" = \
    "admin@example.test out@example.net"
check "To names the admin" has '^To: admin@example.test'
no_local_name() { ! grep -hiE '^(To|Cc):.*(root|nobody|localhost)' \
    "$T"/mail/*.eml; }
check "no local name left the machine" no_local_name

printf 'joe: joe@example.org\n' >>"$T/aliases"
check "a change of the file is noticed" hand_over joe < <(mail joe joe)
check "and used" test "$(rcpts)" = joe@example.org

mv "$T/aliases" "$T/aliases.away"
check "a file that is gone takes no alias away" hand_over joe < <(mail joe joe)
check "it is used as it was" test "$(rcpts)" = joe@example.org
check "and that is logged" grep -q \
    "$T/aliases: the aliases that were read before stay in force" "$T/home.log"
mv "$T/aliases.away" "$T/aliases"

relais aliases >"$T/aliases.out" 2>&1
check "a program in the file is told with its line" grep -q \
    "line 4 of $T/aliases" "$T/aliases.out"
check "by the daemon too" grep -q "line 4 of $T/aliases" "$T/home.log"
check "relais says where mail for a name goes" grep -qx \
    "root: boss@example.org, ops@example.org" < <(relais aliases root 2>&1)
bad_check() {
	! "$top_builddir/relaisd" --check -c "$T/home/relais.conf" \
	    >"$T/check.out" 2>&1
}
check "relaisd --check fails for it" bad_check

# The same without a daemon or a mail.
rewrite() { relais --json rewrite "$@" 2>"$T/err" | jq -r "$JQ"; }
n=$(count)
check "relais rewrite shows the envelope sender" \
    test "$(JQ=.fields.envelope.after rewrite --from root < <(mail root x))" = \
    "$USER_NAME"
check "and the recipients" test "$(JQ=.fields.recipients.after rewrite \
    < <(mail root root))" = "boss@example.org, ops@example.org"
check "and From" test "$(JQ=.fields.From.after rewrite < <(
	echo 'From: root (Cron)'
	mail root x
))" = "Cron <$USER_NAME>"
check "and what is done about the null sender" test "$(JQ='.changes[] |
    select(startswith("Auto-Submitted"))' rewrite --from '<>' < <(
	mail root x
))" = "Auto-Submitted added, because the null sender was replaced"
check "and an answer to a name of this machine" test "$(
	JQ='.fields."Reply-To".after' rewrite < <(
		echo 'Reply-To: root'
		mail root x
	))" = "boss@example.org, ops@example.org"
check "and the account of a user, and why" test "$(JQ='.account + ": " + .why' \
    rewrite --user alice --to x@example.net < <(mail a b))" = \
    "alices: its conditions match"
check "and what would be refused" test "$(JQ=.refused rewrite --account wrk \
    --to x@example.net < <(mail a b))" = \
    '550 5.7.1 unknown account "wrk": did you mean "work"?'
check "and sends nothing" test "$(count)" = "$n"
changes() { JQ='.changes | join("; ")' rewrite --to x@example.net "$@"; }
check "and what is repaired" test "$(changes < <(
	printf 'From: root\nDate: 27 May 2022 10:00 +0200\nMessage-ID: <a@b>\nBcc: c@d\n\n%01200d\n' 1
))" = "Bcc removed; parts re-encoded: 1 as quoted-printable, 0 as base64"
check "and what is for a provider without 8BITMIME" test "$(changes --7bit < <(
	printf 'From: root\nDate: 27 May 2022 10:00 +0200\nMessage-ID: <a@b>\n\n\303\244\303\266\303\274\n'
))" = "parts re-encoded: 0 as quoted-printable, 1 as base64"
check "and what is guessed" test "$(changes < <(
	printf 'From: root\nDate: today\nMessage-ID: a@b\n\nx\n'
))" = "Date replaced by the current time because it could not be read; the old one is in X-Original-Date; brackets of the Message-ID corrected; the old one is in X-Original-Message-ID"
check "and that a NUL is replaced" grep -q 'NUL bytes replaced' \
    < <(changes < <(printf 'From: root\n\na\0b\n'))
check "and a long line that is signed" grep -q '^554 5.6.0 a signed' \
    < <(JQ=.refused rewrite --to x@example.net < <(
	printf 'Content-Type: multipart/signed; boundary=s\n\n--s\n\n%01200d\n' 1
))
complains() { # STATUS PATTERN ARGUMENT...
	local want=$1 pattern=$2
	shift 2
	relais rewrite "$@" </dev/null >/dev/null 2>"$T/err"
	[ $? = "$want" ] && grep -q -- "$pattern" "$T/err"
}
check "a file that is not there is said" complains 1 \
    'no-such-file: No such file' --to x@example.net "$T/no-such-file"
check "so is a user who is not there" complains 1 'unknown user "nobodyhere"' \
    --user nobodyhere --to x@example.net
check "an option without its value" complains 2 '--to needs a value' --to
check "an address that is none" complains 2 '"a b" is not a valid address' --from 'a b'
check "a message for nobody" complains 2 'no recipients'

check "sendmail -a chooses an account" hand_over -a work -f root x@example.net \
    < <(mail x@example.net y@example.net)
check "its address is put in" has '^From: .*<work@example.test>'
check "X-Relais-Account chooses one" hand_over -f root x@example.net < <(
	echo 'X-Relais-Account: work'
	mail x@example.net y@example.net
)
check "its address is put in" has '^From: .*<work@example.test>'
check "and the field is gone" has_not x-relais
check "an unknown name is refused, with the nearest" refused \
    '550 5.7.1 unknown account "wrk": did you mean "work"' \
    -a wrk x@example.net
check "an account of other users is refused" refused \
    '550 5.7.1 .*does not serve this user' -a alices x@example.net

# By who submits it: processes of different users, by socket and by TCP.
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
printf 'Subject: who\n\nx\n' >"$T/who.mail"
chmod 644 "$T/who.mail"
by_tcp() { curl -sS --crlf --mail-from x@example.org --mail-rcpt x@example.net \
    --upload-file "$T/who.mail" smtp://127.0.0.1:2525; }
export -f by_tcp
export T
was_last_sent() { # ACCOUNT USER
	grep ' sent ' "$T/home.log" | tail -n 1 |
	    grep -q "user=$2 .*account=$1 "
}
# The provider's log may have it first.
went_through() { until_true 5 was_last_sent "$@"; }
by_socket() {
	local n
	n=$(count)
	as "$1" "$S" x@example.net <"$T/who.mail" && until_true 10 more_than "$n"
}
by_port() {
	local n
	n=$(count)
	as "$1" bash -c by_tcp && until_true 10 more_than "$n"
}
for way in socket port; do
	check "alice, by $way" "by_$way" alice
	check "  goes through the account for her" went_through alices alice
	check "bob, by $way" "by_$way" bob
	check "  through the default" went_through mail bob
done
check "alice may name her account" as alice "$S" -a alices x@example.net \
    <"$T/who.mail"
n=$(count)
"$S" -odq -f root x@example.net <"$T/who.mail"
id=$(relais --json queue | jq -r '.[0].id')
check "a message that comes back while it is in the queue is a loop" refused_mail \
    '554 5.4.6 mail loop' x@example.net < <(
	printf 'Received: from x by y with ESMTP id %s; z\n\nx\n' "$id"
)
relais retry "$id" >/dev/null
check "which goes by itself" until_true 10 more_than "$n"

# A reload while a session is open, which keeps what it began with.
exec 9<>/dev/tcp/127.0.0.1/2525
read -r -t 60 line <&9
for _ in 1 2 3; do
	kill -HUP "$(cat "$T/home.pid")"
	sleep 0.2
done
printf 'EHLO x\r\nMAIL FROM:<root>\r\nRCPT TO:<joe>\r\nDATA\r\n' >&9
until read -r -t 60 line <&9; [[ $line != 250* ]]; do :; done
printf 'Subject: after a reload\r\n\r\nx\r\n.\r\nQUIT\r\n' >&9
read -r -t 60 line <&9
check "a session outlives reloads" eval '[[ $line == 250* ]]'
exec 9<&-
stop home

# Without an admin.
relaisd_conf bare < <(conf)
sed -i '/^admin/d' "$T/bare/relais.conf"
run_relaisd bare
wait_port bare 127.0.0.1 2525
export RELAIS_SOCKET=$T/bare/smtp.sock
check "without an admin a local name is refused, and how to mend it" refused \
    '550 5.1.1 .*set admin in \[relais\]' nobody
check "an alias still holds" hand_over root < <(mail root root)
[ "$sandbox_bad" = 0 ] || show_log home
sandbox_done
