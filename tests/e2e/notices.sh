#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# notices.sh - who is told what: DSNs for senders elsewhere, one digest for the
# administrator, nothing for notices, the alert command once per cause, and
# messages that wait for a person.  SHARED=1: with the queue in PostgreSQL.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq python3
if [ -n "${SHARED:-}" ]; then
	. "$srcdir/tests/lib/postgres.sh"
	pg_enter
	NODE=home
	relaisd_conf home < <(conf)
	"$top_builddir/relais" -c "$T/home/relais.conf" store init >"$T/out"
else
	sandbox_enter
fi
# R40: the provider takes nothing from the null sender.
start_provider mail --hide dsn \
    --fail 'rcpt/bad*@*:550:5.1.1:no such user' \
    --fail 'rcpt/own*@*:550:5.7.60:SendAsDenied; not allowed to send as this' \
    --fail 'mail/<>:553:5.7.1:no mail from nobody here'
# What the alert command was told, one line each.
cat >"$T/alert" <<EOF
#!/bin/sh
read -r json
{ printf '%s|%s|%s|%s|' "\$RELAIS_EVENT" "\$RELAIS_ACCOUNT" "\$RELAIS_QUEUE" "\$#"
  env | cut -d= -f1 | sort | tr '\n' ' '
  printf '|%s|%s\n' "\$RELAIS_REASON" "\$json"; } >>$T/alerts/told
EOF
chmod 755 "$T/alert"
mkdir "$T/alerts"
chmod 1777 "$T/alerts"
start_relaisd home < <(
	[ -z "${SHARED:-}" ] || pg_conf
	echo "alert_command = $T/alert one 'two three'"
	account mail mail.example.test 587 starttls
)
export RELAIS_SOCKET=$T/home/smtp.sock
# mail SENDER RECIPIENT...: not refused on the spot, so that it fails later.
mail() {
	local from=$1
	shift
	printf 'Subject: news\nMessage-ID: <orig@example.org>\n\nhello\n' |
	    "$top_builddir/sendmail" -odq -f "$from" "$@"
}
alerts() { grep -c "^$1|" "$T/alerts/told" 2>/dev/null; }
raised() { [ "$(alerts "$1")" = "$2" ]; }
messages() { grep -c '"event":"message"' "$T/mail.log"; }
reports() { grep -lsi 'report-type=delivery-status' "$T"/mail/*.eml; }
reports_are() { [ "$(reports | wc -l)" = "$1" ]; }
newest() { reports | tail -n 1; }
count() { relais --json queue | jq "[.[]|select(.state==\"$1\")]|length"; }
failed_is() { [ "$(count failed)" = "$1" ]; }
held_is() { [ "$(count held)" = "$1" ]; }
# id_of STATE RECIPIENT: the first that fits.
id_of() {
	relais --json queue | jq -r "[.[]|select(.state==\"$1\" and
	    (.recipients|tostring|test(\"$2\")))][0].id"
}

# --- the digest takes a minute: begin with what it is about -------------------

mail root bad1@example.net
mail cron@localhost bad2@example.net
check "two cron mails fail" until_true 15 failed_is 2
relais queue >"$T/queue"
check "relais queue lists them with the reason" \
    test "$(grep -c 'no such user' "$T/queue")" = 2
check "no DSN goes to a name of this machine" reports_are 0

# --- one address of three -----------------------------------------------------

mail joe@example.org good1@example.net bad3@example.net good2@example.net
check "an outside sender gets a DSN" until_true 15 reports_are 1
f=$(newest)
cat >"$T/parse.py" <<'EOF'
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"),
    policy=email.policy.default)
assert m.get_content_type() == "multipart/report", m.get_content_type()
parts = list(m.iter_parts())
assert parts[1].get_content_type() == "message/delivery-status"
print(m["To"], m["Auto-Submitted"], m["In-Reply-To"],
    parts[2].get_content_type())
for b in parts[1].get_payload()[1:]:
    print(b["Action"], b["Status"], b["Final-Recipient"])
EOF
python3 "$T/parse.py" "$f" >"$T/parsed" 2>&1
printf '%s\n' \
    'joe@example.org auto-replied <orig@example.org> text/rfc822-headers' \
    'failed 5.1.1 rfc822; bad3@example.net' >"$T/wanted"
check "it is a report about one address" cmp "$T/parsed" "$T/wanted"
check "R40: from the account, as the provider takes nobody" \
    grep -q "^sender: <$USER_NAME>" "${f%.eml}.env"

# --- R39: nothing answers a notice --------------------------------------------

n=$(messages)
"$top_builddir/sendmail" -odq -f '' bad4@example.net <"$f"
mail '' bad5@example.net
printf 'Auto-Submitted: auto-replied\n\nI am away\n' |
    "$top_builddir/sendmail" -odq -f joe@example.org bad6@example.net
mail bad7@example.net bad8@example.net # its DSN fails itself
check "four messages and a DSN fail" until_true 20 failed_is 8
sleep 3
check "R39: no third message comes of it" test "$(messages)" = "$n"
# The digest is told as well, when its minute is over.
one_of_notices() {
	[ "$(grep -cE '^mail-failed.* notices? could not' "$T/alerts/told")" = 1 ]
}
check "a notice that fails is told by the alert command at once" \
    until_true 5 one_of_notices
check "with its recipient and the provider's words" grep -qE \
    '^mail-failed.*notice.*bad[4-8]@example.net: .*no such user' "$T/alerts/told"

# --- wishes -------------------------------------------------------------------

mail joe@example.org -N never bad9@example.net
check "NOTIFY=NEVER fails" until_true 15 failed_is 9
sleep 1
check "and nobody is told" reports_are 1
mail joe@example.org -N success,failure good3@example.net
check "NOTIFY=SUCCESS at a provider without DSN is answered" \
    until_true 15 reports_are 2
check "as relayed" grep -q '^Action: relayed' "$(newest)"
mail joe@example.org -R full -V envelope1 bad10@example.net
check "RET=FULL is heeded" until_true 15 reports_are 3
f=$(newest)
check "all of it comes back" grep -q '^Content-Type: message/rfc822' "$f"
check "with its ENVID" grep -q '^Original-Envelope-Id: envelope1' "$f"

# --- a person must act --------------------------------------------------------

mail joe@example.org own1@example.net
mail joe@example.org own2@example.net
check "sender rights hold the message" until_true 15 held_is 2
check "the alert command runs once for both" until_true 5 raised message-held 1
line=$(grep '^message-held' "$T/alerts/told")
want='message-held\|mail\|[0-9]+\|2\|[^|]*RELAIS_ACCOUNT RELAIS_EVENT '
want+='RELAIS_QUEUE RELAIS_REASON [^|]*\|[^|]*SendAsDenied[^|]*identity = force'
check "with account, arguments and reason" \
    grep -qE "^$want" <<<"$line"
check "and the same as JSON" jq -e '.event == "message-held" and
    .account == "mail" and (.reason | test("SendAs"))' <<<"${line##*|}"
check "not the daemon's environment" \
    eval '! grep -qE "TMPDIR|RELAIS_SOCKET" <<<"$line"'
check "relais show says cause and remedy" eval \
    'relais show "$(id_of held .)" | grep -q "Remedy:.*identity = force"'
check "relais explain says the same" eval \
    'relais explain "550 5.7.60 SendAsDenied" | grep -q "identity = force"'
relais delete "$(id_of held .)" >/dev/null
check "a held message can be deleted" until_true 5 held_is 1
id=$(id_of held .)
relais release "$id" >/dev/null
again() { [ "$(relais --json show "$id" | jq .attempts)" = 2 ] && held_is 1; }
check "released and still wrong, it is held again" until_true 10 again
check "and that is news" until_true 5 raised message-held 2
relais delete "$id" >/dev/null
code=0
printf 'Subject: x\n\nx\n' | "$top_builddir/sendmail" -odi -f joe@example.org \
    own3@example.net 2>"$T/odi.err" || code=$?
check "who waits for the verdict is refused" test $code != 0
check "in the provider's words" grep -q SendAsDenied "$T/odi.err"
check "and nothing is kept" until_true 5 held_is 0

# --- failed/ ------------------------------------------------------------------

all=$(count failed)
relais delete "$(id_of failed bad1@)" >/dev/null
check "a failed message can be deleted" until_true 5 failed_is $((all - 1))
id=$(id_of failed bad9)
relais retry "$id" >/dev/null
tries() { relais --json show "$id" | jq -r .text | grep -c '^attempt'; }
twice() { [ "$(tries)" = 2 ] && failed_is $((all - 1)); }
check "and put back into the queue, where it fails again" until_true 10 twice

# --- many of one sender -------------------------------------------------------

before=$(count failed)
many() { # FROM TO
	for i in $(seq "$1" "$2"); do
		mail many@example.org "bad-many$i@example.net"
	done
}
reports_to() {
	grep -l "^recipient: <$1>" "$T"/mail/*.env | sed 's/env$/eml/' |
	    xargs grep -lsi 'report-type=delivery-status' | wc -l
}
many 1 15
check "fifteen mails of one sender fail" until_true 20 failed_is $((before + 15))
ten() { [ "$(reports_to many@example.org)" = 10 ]; }
check "ten notices go out" until_true 10 ten
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
many 16 30
check "after a restart fifteen more fail" until_true 20 failed_is $((before + 30))
sleep 2
check "and no further notice goes out" ten

# --- the digest ---------------------------------------------------------------

digests() { grep -ls '^Subject: Mail failed on' "$T"/mail/*.eml; }
digests_are() { [ "$(digests | wc -l)" = "$1" ]; }
check "the administrator gets one digest" until_true 75 digests_are 1
f=$(digests)
check "about the cron mail that is left" grep -q bad2@example.net "$f"
check "not about those whose senders were told" eval '! grep -q bad3 "$f"'
check "it goes to admin" grep -q '^recipient: <admin@example.test>' \
    "${f%.eml}.env"
check "and says what to do" grep -q 'relais retry ID' "$f"
check "the alert command hears of it once" until_true 5 \
    eval '[ "$(grep -c "^mail-failed.*messages* could not" "$T/alerts/told")" = 1 ]'
others() { grep -ls '^Subject: .* more notices about your mail' "$T"/mail/*.eml; }
counted() {
	others | xargs -r sed -n 's/^\([0-9]*\) messages* could not be.*/\1/p' |
	    awk '{ n += $1 } END { print n + 0 }'
}
all_counted() { [ "$(counted)" = 20 ]; }
check "the sender of many gets the others together, counted" \
    until_true 75 all_counted
# A mail for each minute: this machine may be slow.
check "in few mails" test "$(others | wc -l)" -le 3
check "which list them" test "$(others | xargs cat |
    grep -c 'To:  *<bad-many')" = 20
f=$(others | head -n 1)
check "it goes to that sender" grep -q '^recipient: <many@example.org>' \
    "${f%.eml}.env"
n=$(messages)
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
sleep 3
check "a restart tells nobody twice" test "$(messages)" = "$n"
[ "$sandbox_bad" = 0 ] || show_log home 60
sandbox_done
