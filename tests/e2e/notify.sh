#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# notify.sh - relais-notify on a session bus of its own, with a stand-in for the
# desktop: what is shown, to whom, as which text, and when bus or desktop is away.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq setpriv dbus-daemon
[ -x "$top_builddir/relais-notify" ] || skip_all "built without relais-notify"
sandbox_enter
sandbox_secrets
cp -p "$T/secret/wrong" "$T/secret/broken"
start_provider mail --fail 'rcpt/never*:550:5.1.1:<b>unknown</b> <a href=x>y</a>'
start_relaisd home < <(
	account works mail.example.test 587 starttls
	echo "default = yes"
	account broken mail.example.test 587 starttls |
	    sed "s,secret/mail,secret/broken,"
	echo "senders = broken@example.test"
)
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
id=$(id -u alice)
bus=$T/bus
install -d -o alice "$bus"
as_alice=(setpriv --reuid "$id" --regid "$id" --clear-groups
    env HOME="$T/users/alice" "DBUS_SESSION_BUS_ADDRESS=unix:path=$bus/socket")
start_bus() {
	start bus "${as_alice[@]}" dbus-daemon --session --nofork --nopidfile \
	    --address="unix:path=$bus/socket"
	until_true 10 test -S "$bus/socket"
}
start_desktop() { # OPTION...
	: >"$T/desktop.log"
	start desktop "${as_alice[@]}" "$top_builddir/tests/lib/notifyd" "$@"
	until_true 10 grep -q ready "$T/desktop.log"
}
send() { # USER SENDER RECIPIENT
	printf 'Subject: x\n\nx\n' | setpriv --reuid "$1" --regid "$1" \
	    --clear-groups "$top_builddir/sendmail" -odq -f "$2" "$3" &&
	    relais flush >/dev/null
}
shown() { until_true 20 grep -qE -- "$1" "$T/desktop.log"; }

start_bus
start_desktop --markup
send alice "$USER_NAME" never-old@example.org
failed_is() {
	[ "$(relais --json queue | jq '[.[] | select(.state == "failed")] |
	    length')" = "$1" ]
}
check "a message has failed before" until_true 20 failed_is 1
start notify "${as_alice[@]}" "$top_builddir/relais-notify" --interval 1s
sleep 2 # it looks once at least
check "alice's message fails" send alice "$USER_NAME" never@example.org
check "  and she is told" shown '^show [0-9]+ 0 Mail to never@example.org has failed'
check "  with the reply, in which no markup is understood" \
    shown '&lt;b&gt;unknown&lt;/b&gt;'
check "  and what to type" shown '\\nMore: relais show [0-9a-z]+$'
check "bob's fails" send bob "$USER_NAME" never-bob@example.org
check "the password of an account is wrong" \
    send alice broken@example.test to@example.org
check "  she is told" shown '^show [0-9]+ 0 Mail account broken needs you'
check "  what to check" shown 'check the user name and the secret'
number=$(sed -n 's/^show \([0-9]*\) 0 Mail account.*/\1/p' "$T/desktop.log")
cp -p "$T/secret/mail" "$T/secret/broken"
relais flush broken >/dev/null
check "  it is mended, and the notification goes" shown "^close $number$"
for i in 1 2 3 4 5 6; do send alice "$USER_NAME" "never$i@example.org"; done
told_of_all() { # some by name, the others as a number
	grep -qE 'messages were held or have failed|never6@' "$T/desktop.log"
}
check "many at once are told" until_true 20 told_of_all
check "what failed before the start was not told" \
    sh -c "! grep -q never-old '$T/desktop.log'"
check "nor what is bob's" sh -c "! grep -q never-bob '$T/desktop.log'"

# --- away ---------------------------------------------------------------------

stop desktop
check "without a desktop mail goes as before" send alice "$USER_NAME" ok@example.org
check "  and arrives" until_true 10 grep -qs 'ok@example.org' "$T"/mail.log
send alice "$USER_NAME" never-later@example.org
check "  why nothing is shown is one sentence" until_true 20 test "$(
	sleep 4; grep -c 'shows no notifications' "$T/notify.log")" = 1
start_desktop
check "  it is shown when the desktop is there" shown 'never-later@example.org has'
check "  as plain text if the desktop knows no markup" shown '<b>unknown</b>'
stop desktop
stop bus
rm -f "$bus/socket"
send alice "$USER_NAME" never-again@example.org
check "without a session bus it says so" until_true 20 \
    grep -q 'no session bus' "$T/notify.log"
start_bus
start_desktop
check "  and goes on with the next one" shown 'never-again@example.org has'
stop home
check "without relaisd, too" until_true 20 grep -q 'control.sock' "$T/notify.log"
run_relaisd home
wait_port home 127.0.0.1 2525
send alice "$USER_NAME" never-last@example.org
check "  and goes on when it is back" shown 'never-last@example.org has'
ends() {
	kill "$(cat "$T/notify.pid")" && wait "$(cat "$T/notify.pid")"
}
check "SIGTERM ends it" ends
if command -v msgfmt >/dev/null; then
	mkdir -p "$T/cat/fr/LC_MESSAGES"
	msgfmt -o "$T/cat/fr/LC_MESSAGES/relais.mo" "$srcdir/po/fr.po"
	start notify "${as_alice[@]}" LC_ALL=C.UTF-8 LANGUAGE=fr \
	    TEXTDOMAINDIR="$T/cat" "$top_builddir/relais-notify" --interval 1s
	sleep 2 # it looks once at least
	send alice "$USER_NAME" never-fr@example.org
	check "it speaks the language of the session" \
	    shown "L'envoi à never-fr@example.org a échoué"
	check "  to the end" shown 'Détails.*: relais show'
	ends
	start notify "${as_alice[@]}" LC_ALL=xx_XX.UTF-8 LANGUAGE=xx \
	    TEXTDOMAINDIR="$T/cat" "$top_builddir/relais-notify" --interval 1s
	sleep 2
	send alice "$USER_NAME" never-xx@example.org
	check "  English, where there is no catalogue" \
	    shown 'Mail to never-xx@example.org has failed'
	ends
else
	skip "it speaks the language of the session: msgfmt is not installed"
fi
check "D-Bus stays out of relaisd" \
    sh -c "! ldd '$top_builddir/relaisd' | grep -qE 'glib|gio|dbus|microhttpd'"
[ "$sandbox_bad" = 0 ] || { show_log notify; show_log desktop; show_log home 20; }
sandbox_done
