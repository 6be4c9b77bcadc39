#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a provider's replies do to the real daemon: whether the account pauses or is
# held, whether the message is held, tried again or given up, who is told, and
# whether what a person has to do stands everywhere to its end.  The many replies
# themselves are in tests/unit/replies.tsv.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need certtool jq setpriv
sandbox_enter
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
sandbox_alerts

# As sandbox.sh has it, and after of_user as somebody's own daemon.
relaisd=("$top_builddir/relaisd")
of_user() {
	relaisd=(setpriv --reuid relais --regid relais --clear-groups
	    "$top_builddir/relaisd" --user)
}
run_relaisd() { start "$1" "${relaisd[@]}" -f -c "$T/$1/relais.conf"; }
provider() { # OPTION...
	[ ! -f "$T/provider.pid" ] || stop provider
	rm -rf "${T:?}/provider"
	start_provider provider "$@"
}
daemon() { # HOST is the account's; one that has never heard anything
	rm -rf "${T:?}/home" "$T/home.log" "$T/alerts/told"
	start_relaisd home < <(
		echo "alert_command = $T/alert"
		IDENTITY=keep account mail "${HOST:-mail.example.test}" 587 \
		    starttls
	)
}
begin() { # PROVIDER-OPTION...
	provider "$@"
	daemon
}
finish() {
	no_crash home
	stop home
}
send() { # FLAG...; SENDER, RECIPIENT
	printf 'Subject: x\n\nx\n' | "$top_builddir/sendmail" -i \
	    -f "${SENDER:-$USER_NAME}" "$@" "${RECIPIENT:-to@example.org}" \
	    >"$T/said" 2>&1
}
account_state() { relais --json status | jq -r '.accounts[0].state'; }
message_state() { relais --json queue | jq -r '.[0].state // "none"'; }
states_are() { [ "$(account_state)/$(message_state)" = "$1" ]; }
reason() {
	relais --json status | jq -r '.accounts[0].reason'
	relais --json queue | jq -r '.[].reason'
}
told() { grep -q "^$1|" "$T/alerts/told" 2>/dev/null; }

# --- one reply, and what becomes of account and message --------------------------

# STAGE|REPLY|ACCOUNT/MESSAGE|ALERT|WORDS OF THE REASON
cat >"$T/table" <<'EOF'
# the account
end|554:5.7.0:Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Try again later.|paused/due|quota|wait
end|550:5.4.6:Unusual sending activity detected. Please try after sometime|held/due|account-held|relais flush
end|550:5.7.705:Access denied, tenant has exceeded threshold.|held/due|account-held|relais flush
mail|550:5.7.708:Access denied, traffic not accepted|held/due|account-held|relais flush
end|554:5.1.8:Email Outgoing Blocked|held/due|account-held|relais flush
end|554:5.2.2:mailbox of the sender is over its sending quota|paused/due|quota|wait
mail|452:4.2.2:over quota|paused/due|quota|wait
mail|421:4.7.28:rate of mail from this account is unusual|paused/due|quota|wait
rcpt|550:5.7.1:Daily sending limit exceeded|paused/due|quota|wait
mail|530:5.7.0:Must issue STARTTLS first|held/due|account-held|tls =
# the message
mail|550:5.9.9:something no table knows|ready/held|message-held|relais release ID
mail|550::This domain is not associated with your account|ready/held|message-held|relais release ID
end|530:5.7.0:something about the sender in a logged-in session|ready/held|message-held|relais release ID
mail|530:5.7.0:not from this sender|ready/held|message-held|relais release ID
end|550:5.7.1:The From address is not a Sender Signature on your account|ready/held|message-held|identity = force
rcpt|550:5.1.0:sender domain not accepted|ready/held|message-held|relais release ID
end|550:5.7.26:unauthenticated mail is not accepted due to DMARC policy|ready/held|message-held|SPF and DKIM
rcpt|554:5.7.1:Relay access denied|ready/held|message-held|relais release ID
# the recipient, and near misses
rcpt|552:5.2.2:mailbox is over quota|ready/failed|-|
rcpt|452:4.2.2:mailbox is over quota|ready/due|-|
end|552:5.3.4:message size limit exceeded|ready/failed|-|
end|554:5.6.0:line length limit exceeded|ready/failed|-|
end|554:5.7.1:message contains a link that is listed at Spamhaus|ready/failed|-|
EOF
# One provider for all: which reply it gives depends on who writes, or to whom.
options=()
n=0
while IFS='|' read -r stage reply rest; do
	case $stage in '' | '#'*) continue ;; esac
	n=$((n + 1))
	options+=(--fail "$stage/x$n@*:$reply")
done <"$T/table"
provider "${options[@]}"
n=0
while IFS='|' read -r stage reply want event words; do
	case $stage in '' | '#'*) continue ;; esac
	n=$((n + 1))
	name="$stage: ${reply%%:*} ${reply##*:}"
	daemon
	case $stage in
	rcpt) SENDER=y$n@example.test ;;
	*) SENDER=x$n@example.test ;;
	esac
	RECIPIENT=x$n@example.org send -odb
	if until_true 8 states_are "$want"; then pass "$name: $want"
	else
		fail "$name: $(account_state)/$(message_state), not $want"
		show_log home
	fi
	case $event in
	-) check "  and nobody is told" test ! -e "$T/alerts/told" ;;
	*) check "  and a person is told: $event" until_true 5 told "$event" ;;
	esac
	if [ -n "$words" ]; then
		reason >"$T/reason"
		check "  with the remedy" grep -q -- "$words" "$T/reason"
	fi
	finish
done <"$T/table"
SENDER=

# --- who waits hears it -----------------------------------------------------------

begin --fail 'mail:550:5.9.9:something no table knows'
send -odi
status=$?
check "a client that waits hears a refusal of the sender" test $status -ne 0
check "  in the provider's words" grep -q 'something no table knows' "$T/said"
check "  and nothing stays in the queue" queue_is 0
finish

# --- whole remedies ----------------------------------------------------------------

long=$(printf 'word%.0s ' $(seq 90))
begin --fail "mail:550:5.9.9:$long"
send -odb
check "a long reply: the message is held" until_true 15 states_are ready/held
id=$(relais --json queue | jq -r '.[0].id')
whole='then: relais release ID'
check "  relais queue has the whole remedy" \
    test "$(relais --json queue | jq -r '.[0].reason' | grep -c "$whole")" = 1
check "  relais show has it" \
    test "$(relais --json show "$id" | jq -r .reason | grep -c "$whole")" = 1
check "  the alert has it" until_true 5 grep -q "$whole" "$T/alerts/told"
check "  the log has it" grep -q "remedy=.*$whole" "$T/home.log"
stop home
run_relaisd home
check "  and it is there after a restart" \
    until_true 10 grep -q "$whole" <(relais --json queue)
finish

# --- an odd text is shown once, and legibly ----------------------------------------

# Quotes, a letter in UTF-8, a byte that is none, and an escape sequence that
# would colour a terminal; said as it is, and then the provider hangs up.
odd=$(printf 'say "no" Empf\303\244nger caf\351 \033[31mred')
shown='say "no" Empfänger caf\xe9  [31mred'
begin --cut "mail/x@*:550 5.9.9 $odd\r\n" --cut "rcpt/y@*:550 5.1.1 $odd\r\n"
legible() { # WHERE, with the text that is shown there on standard input
	cat >"$T/odd"
	check "an odd reply is legible in $1" grep -qF -- "$shown" "$T/odd"
	check "  and nothing is left that a terminal obeys" \
	    test "$(LC_ALL=C tr -d '\n\r\t -~\303\244' <"$T/odd" | wc -c)" = 0
}
SENDER=x@example.test send -odb
check "an odd reply: the message is held" until_true 15 states_are ready/held
id=$(relais --json queue | jq -r '.[0].id')
legible "relais queue" < <(relais queue)
legible "relais show" < <(relais show "$id")
legible "JSON of queue" < <(relais --json queue | jq -r '.[0].reason')
legible "JSON of show" < <(relais --json show "$id" | jq -r .reason)
# The log puts values between double quotes.
shown=${shown//\"/\'} legible "the log" <"$T/home.log"
until_true 5 told message-held
# What goes over the wire of SMTP is ASCII.
shown='say "no" Empfaenger cafe  [31mred'
SENDER=x2@example.test RECIPIENT=y@example.org send -odi
legible "what sendmail says" <"$T/said"
SENDER=x2@example.test RECIPIENT=y@example.org send -odb
noticed() { grep -qs '^Diagnostic-Code:' "$T"/provider/*.eml; }
until_true 10 noticed
legible "the notice" < <(tr -d '\r' <"$T/provider/0001.eml" |
    grep -v '^Diagnostic-Code:')
legible "the notice's field for programs" < <(
	grep '^Diagnostic-Code:' "$T/provider/0001.eml")
finish
shown='say "no" Empfänger caf\xe9  [31mred'
begin --cut "auth:535 5.7.8 $odd\r\n"
send -odb
check "an odd reply to the login: the account is held" \
    until_true 15 states_are held/due
legible "relais status" < <(relais status)
relais status >"$T/odd"
check "  and relais status exits with 1, for an account is held" test $? = 1
legible "JSON of status" < <(relais --json status | jq -r '.accounts[0].reason')
until_true 10 told account-held
legible "what alert_command gets" <"$T/alerts/told"
finish

# --- a provider by its name ----------------------------------------------------------

echo "127.0.0.1 smtp.gmail.com" >>/etc/hosts
make_cert mail "mail.example.test smtp.gmail.com"
HOST=smtp.gmail.com begin --fail 'end:550:5.4.5:Daily user sending limit exceeded'
send -odb
check "Google's limit: paused" until_true 15 states_are paused/due
check "  and Google is named, for it is Google" grep -q Google <(reason)
finish
begin --fail 'end:550:5.4.5:Daily user sending limit exceeded'
send -odb
check "the same from another: paused" until_true 15 states_are paused/due
check "  and Google is not named" test "$(reason | grep -c Google)" = 0
finish

# --- rows of one's own ----------------------------------------------------------------

export XDG_CONFIG_HOME=$T/xdg
mkdir -p "$T/xdg/relais"
rows() { cat >"$T/xdg/relais/replies"; }
of_user
rows <<'EOF'
mail.example.test data 550 * hold-account
	text    licence
	cause   the licence has run out
	remedy  buy another one; then: relais flush
EOF
begin --fail 'end:550:5.7.1:no Licence for that'
check "good rows pass --check" "${relaisd[@]}" --check -c "$T/home/relais.conf"
send -odb
check "an own row holds the account" until_true 15 states_are held/due
check "  with its own words" grep -q 'buy another one' <(reason)
"$top_builddir/relais" explain 'mail.example.test said: 550 5.7.1 no licence' \
    >"$T/said"
stop home
rows <<'EOF'
* data 550 * hold-account
	txet    licence
EOF
if "${relaisd[@]}" --check -c "$T/home/relais.conf" >"$T/said" 2>&1; then fail "a wrong row passes --check"
else pass "a wrong row does not pass --check"; fi
check "  and is named by file and line" \
    grep -q 'xdg/relais/replies: line 2: "txet" is not text' "$T/said"
: >"$T/home.log"
run_relaisd home
check "with a wrong row mail goes on" until_true 10 test -S "$RELAIS_SOCKET"
check "  and the log tells it" until_true 5 grep -q 'replies: line 2: ' \
    "$T/home.log"
provider
relais flush >/dev/null
check "  and the mail is delivered" until_true 15 queue_is 0
finish
sandbox_done
