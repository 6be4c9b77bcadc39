#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# password_keyring: relais-keyring finds what secret-tool stored, our way and
# msmtp's; a locked keyring is not a missing entry and nobody is asked (R53).
# A session bus and a keyring of its own, in a folder of its own; no root.
set -u
name=$(cd "$(dirname "$0")" && pwd)/${0##*/}
bad=0
pass() { printf 'PASS %s\n' "$*"; }
fail() {
	printf 'FAIL %s\n' "$*"
	bad=1
}
skip_all() {
	printf 'SKIP %s\n' "$*"
	exit 77
}

if [ "${1-}" != inside ]; then
	top_builddir=${top_builddir:-$(dirname "$name")/../../build}
	for tool in dbus-run-session gnome-keyring-daemon secret-tool \
	    dbus-send; do
		command -v $tool >/dev/null || skip_all "$tool is missing"
	done
	[ -x "$top_builddir/relais-keyring" ] ||
	    skip_all "relais-keyring is not built"
	T=$(mktemp -d) || exit 99
	trap 'rm -rf "$T"' EXIT
	mkdir -m 700 "$T/run" "$T/home"
	# XDG_DATA_HOME: the keyring must not be the one of whoever runs this.
	env -i PATH="$PATH" HOME="$T/home" XDG_RUNTIME_DIR="$T/run" \
	    XDG_DATA_HOME="$T/home/data" KEYRING="$top_builddir/relais-keyring" \
	    timeout -k 5 300 dbus-run-session -- "$name" inside 2>"$T/err"
	status=$?
	[ $status = 0 ] || sed 's/^/     /' "$T/err"
	exit $status
fi

printf 'unlock me' | gnome-keyring-daemon --unlock --components=secrets \
    >/dev/null 2>&1
until=$((SECONDS + 10))
until printf probe | secret-tool store --label=probe probe yes 2>/dev/null; do
	[ $SECONDS -lt $until ] || skip_all "no keyring answers in this session"
	sleep 0.2
done

# ask ACCOUNT HOST LOGIN: sets out, said and status.
ask() {
	# The status behind the last slash; a secret may end in a line feed.
	out=$({ printf 'want keyring\naccount %s\nhost %s\nlogin %s\n' "$@"
	    echo 'timeout_ms 5000'; } | "$KEYRING" 2>"$HOME/said"; echo "/$?")
	status=${out##*/}
	out=${out%/*}
	said=$(cat "$HOME/said")
}
expect() { # NAME STATUS SECRET PART-OF-SENTENCE
	if [ "$status" = "$2" ] && [ "$out" = "$3" ] && case $said in
	    *"$4"*) true ;; *) false ;; esac
	then pass "$1"
	else fail "$1: status $status, secret '$out', said: $said"; fi
}

odd=' #p;a"s\s=wörd '
printf %s "$odd" | secret-tool store --label=relais service relais account work
printf msmtp | secret-tool store --label=msmtp \
    service smtp host mail.example.test user me@example.test
printf other | secret-tool store --label=msmtp \
    service smtp host mail.example.test user you@example.test

ask work mail.example.test me@example.test
expect "our own entry comes first, byte for byte" 0 "$odd" ""
ask home mail.example.test me@example.test
expect "an entry made for msmtp is found" 0 msmtp ""
ask home mail.example.test nobody@example.test
expect "a missing entry needs a person, and is told what to type" 2 "" \
    "secret-tool store --label=relais service smtp host mail.example.test user nobody@example.test"

dbus-send --session --print-reply --dest=org.freedesktop.secrets \
    /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock \
    array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
began=$SECONDS
ask work mail.example.test me@example.test
expect "a locked keyring is waited for" 1 "" "the keyring is locked"
[ $((SECONDS - began)) -lt 20 ] || fail "a locked keyring takes too long"

export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/bus
ask work mail.example.test me@example.test
expect "no session is waited for" 1 "" "cannot connect to the keyring"
exit $bad
