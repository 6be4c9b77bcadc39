#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The small doors of relais(1): short ids, a list that is shown again, completion
# in the shells people use, and whose daemon is meant, the user's own or the
# machine's, by one rule for relais, mailq and sendmail.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq setpriv /usr/bin/python3 timeout
sandbox_enter
sandbox_secrets

start_relaisd home <<-END
	$(account work 127.0.0.1 2599 starttls)
	default = yes
	$(account other 127.0.0.1 2598 starttls)
	senders = nobody@example.net
END
RELAIS=$top_builddir/relais
with() { env RELAIS_SOCKET="$T/home/smtp.sock" \
    RELAIS_CONTROL="$T/home/control.sock" PATH="$top_builddir:$PATH" "$@"; }
post() { # SUBJECT: its queue id
	printf 'Subject: %s\n\nx\n' "$1" |
	    with "$top_builddir/sendmail" -v -odb to@example.org 2>&1 |
	    sed -n 's/^sendmail: 250 2.0.0 \([0-9a-z]*\) .*/\1/p'
}
json() { with "$RELAIS" --json "${@:2}" | jq -r "$1"; }
state_of() { json ".[] | select(.id == \"$1\") | .state" queue; }

# --- short ids ----------------------------------------------------------------

one=$(post one) two=$(post two)
check "two messages wait" test "$(json length queue)" = 2
with "$RELAIS" queue >"$T/list"
check "the list shows the ends of their ids" \
    test "$(sed -n '/^[0-9a-v]/s/ .*//p' "$T/list" | sort | xargs)" = \
    "$(printf '%s\n' "${one: -4}" "${two: -4}" | sort | xargs)"
check "show takes one" sh -c "'$RELAIS' -c '$T/home/relais.conf' \
    show '${one: -4}' | grep -q '$one'"
check "hold takes one" with "$RELAIS" hold "${one: -4}"
check "  and holds that message" test "$(state_of "$one")" = held
check "  and no other" test "$(state_of "$two")" != held
check "a longer end is as good" with "$RELAIS" release "${one: -9}"
check "  and the whole id" with "$RELAIS" hold "$one"
check "an end that no id has is refused" sh -c \
    "! '$RELAIS' -c '$T/home/relais.conf' show zzzz 2>'$T/err'"
check "three characters are none" sh -c \
    "! '$RELAIS' -c '$T/home/relais.conf' hold '${two: -3}' 2>'$T/err'"
check "the same user sees the whole ids in JSON" \
    test "$(json 'map(.id | length) | unique[]' queue)" = 16
check "another user's messages have no short ids for him" sh -c \
    "! setpriv --reuid bob --regid bob --clear-groups '$RELAIS' \
    -c '$T/home/relais.conf' show '${one: -4}' 2>'$T/err'"

# --- --watch ------------------------------------------------------------------

with "$RELAIS" queue --watch >"$T/watch" 2>&1 &
watcher=$!
lists() { [ "$(grep -c "${one: -4} " "$T/watch")" -ge "$1" ]; }
check "--watch shows the list" until_true 20 lists 1
check "  again and again" until_true 20 lists 3
with "$RELAIS" delete "$two" >"$T/out"
without() { tail -n 4 "$T/watch" | grep -q "${one: -4} " &&
    ! tail -n 4 "$T/watch" | grep -q "${two: -4} "; }
check "  as it is then" until_true 20 without
kill $watcher
wait $watcher
check "  until it is interrupted" test $? = 143

# --- completion ---------------------------------------------------------------

completion=$(realpath "${srcdir:-.}")/contrib/completion
in_bash() { # WORD...: what Tab offers for the last one
	with bash -c '. "$1/relais.bash"; shift; COMP_WORDS=("$@")
	    COMP_CWORD=$(($# - 1)); _relais; printf "%s\n" "${COMPREPLY[@]}"' \
	    bash "$completion" "$@"
}
offers() { # SHELL WANTED WORD...
	WANTED=$2 "in_$1" "${@:3}" >"$T/offers"
	grep -qx -- "$2" "$T/offers"
}
in_fish() { # WORD...: likewise; fish wants a home of its own
	with HOME="$T" XDG_CONFIG_HOME="$T" fish --no-config -c 'source $argv[1]/relais.fish
	    complete -C "$argv[2]"' "$completion" "$*" 2>"$T/err" | sed 's/\t.*//'
}
# A real zsh at a terminal of its own, in which Tab is pressed.
in_zsh() {
	with ZDOTDIR="$T" HOME="$T" TERM=dumb /usr/bin/python3 - \
	    "$completion" "$*" <<-'END'
	import os, pty, select, sys, time
	def read(fd, until, seconds=100):
	    text, end = b"", time.monotonic() + seconds
	    while until not in text and time.monotonic() < end:
	        if select.select([fd], [], [], 0.2)[0]:
	            try: text += os.read(fd, 4096)
	            except OSError: break
	    return text
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp("zsh", ["zsh", "-f", "-i"])
	# Its prompt says that it reads keys, not lines.
	os.write(fd, b"PS1='ZSH''READY '; fpath=(%s $fpath); "
	         b"autoload -Uz compinit; compinit -u -D; LISTMAX=9999\n"
	         % sys.argv[1].encode())
	read(fd, b"ZSHREADY")
	os.write(fd, sys.argv[2].encode() + b"\t")
	text = read(fd, os.environ["WANTED"].encode())
	sys.stdout.write("\n".join(text.decode(errors="replace").split()) + "\n")
	os.close(fd)
	END
}
for shell in bash zsh fish; do
	command -v $shell >/dev/null || {
		note "no $shell here"
		continue
	}
	check "$shell completes verbs" offers $shell queue relais que
	check "$shell completes ids, as the list shows them" \
	    offers $shell "${one: -4}" relais show ""
	check "$shell completes ids and --all" \
	    offers $shell --all relais hold --
	check "$shell completes the first account" \
	    offers $shell work relais flush ""
	check "$shell completes the second account" \
	    offers $shell other relais flush ""
	check "$shell completes where a secret is kept" \
	    offers $shell credential relais setup --secret cred
	check "$shell completes the options of setup" \
	    offers $shell --client-secret-file relais setup --client-s
	check "$shell completes providers" \
	    offers $shell workspace relais setup --provider work
	check "$shell completes accounts for setup" \
	    offers $shell other relais setup --account ot
	check "$shell completes providers to be listed" \
	    offers $shell workspace relais providers work
done

# --- whose daemon -------------------------------------------------------------

# The machine's daemon, where everybody looks for it, and alice's own.
unset RELAIS_SOCKET RELAIS_CONTROL
stop home
mkdir -p /etc/relais /run/relais
sed -e "s,^socket.*,socket = /run/relais/smtp.sock," \
    -e "s,^control.*,control = /run/relais/control.sock," \
    "$T/home/relais.conf" >/etc/relais/relais.conf
start machine "$top_builddir/relaisd" -f -c /etc/relais/relais.conf
mkdir -p "$T/u/.config/relais" "$T/u/run"
{
	printf '[relais]\nadmin = admin@example.test\nlisten =\n'
	account mine 127.0.0.1 2597 starttls
} | sed "s,$T/secret/mail,$T/u/secret," >"$T/u/.config/relais/relais.conf"
cp "$T/secret/mail" "$T/u/secret"
chmod 600 "$T/u/secret" "$T/u/.config/relais/relais.conf"
chmod 700 "$T/u/run"
chown -R alice:alice "$T/u"
chmod 755 "$T/pki"
as_alice() {
	setpriv --reuid alice --regid alice --clear-groups env -i \
	    PATH="$PATH" HOME="$T/u" XDG_RUNTIME_DIR="$T/u/run" "$@"
}
start_alice() {
	start alice setpriv --reuid alice --regid alice --clear-groups env -i \
	    PATH="$PATH" HOME="$T/u" XDG_RUNTIME_DIR="$T/u/run" \
	    "$top_builddir/relaisd" --user -f
	until_true 20 test -S "$T/u/run/relais/control.sock"
}
# Whom each of the three speaks to: the name of an account, or the log.
relais_is() { as_alice "$RELAIS" status | grep -q "^$1 "; }
mails=0
sendmail_is() { # NAME OF THE DAEMON
	mails=$((mails + 1))
	printf 'Subject: mail %s\n\nx\n' "$mails" | as_alice \
	    "$top_builddir/sendmail" -v -odq to@example.org >"$T/said" 2>&1
	id=$(sed -n 's/^sendmail: 250 2.0.0 \([0-9a-z]*\) .*/\1/p' "$T/said")
	[ -n "$id" ] && grep -q " id=$id" "$T/$1.log"
}
mailq_lists() { as_alice "$top_builddir/sendmail" -bp |
    grep -q "^${1: -4} "; }
until_true 20 test -S /run/relais/control.sock
agree() { # WHAT DAEMON ACCOUNT
	check "$1: sendmail means the daemon of $2" until_true 10 sendmail_is "$2"
	check "  relais means it too" relais_is "$3"
	check "  and mailq" mailq_lists "$id"
}
agree "no daemon of one's own" machine work
start_alice
agree "a daemon of one's own" alice mine
check "  -v says whose it is" \
    grep -q "^sendmail: $T/u/run/relais/smtp.sock: your own relaisd" "$T/said"
check "  and which account" grep -q "queued for account mine" "$T/said"
stop alice KILL
check "killed, it leaves its sockets" test -S "$T/u/run/relais/control.sock"
agree "a stale socket" machine work
rm "$T/u/run/relais/smtp.sock"
agree "half of the sockets" machine work
start_alice
agree "it is back" alice mine
stop alice
stop machine
as_alice "$RELAIS" status 2>"$T/err"
check "no daemon at all: the command is named with its folder" \
    grep -q 'systemctl start relais; without systemd: /.*/relaisd' "$T/err"
rm /etc/relais/relais.conf
as_alice "$RELAIS" status 2>"$T/err"
check "  for the user, if only he has a configuration" \
    grep -q 'systemctl --user start relais; .*/relaisd --user' "$T/err"
mv "$T/u/.config/relais/relais.conf" "$T/u/.config/relais/was"
as_alice "$RELAIS" status 2>"$T/err"
check "  and without any, what makes one" \
    grep -q 'nothing is configured here yet: type: relais setup' "$T/err"
mv "$T/u/.config/relais/was" "$T/u/.config/relais/relais.conf"
rm -rf "$T/u/run"
setpriv --reuid alice --regid alice --clear-groups env -i PATH="$PATH" \
    HOME="$T/u" timeout 20 "$top_builddir/relaisd" --user -f >"$T/out" 2>&1
check "relaisd --user without a runtime folder says what to do" \
    grep -q 'XDG_RUNTIME_DIR' "$T/out"
sandbox_done
