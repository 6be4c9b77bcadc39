# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# typed.sh - commands of relais as people type them, what they said, and what they
# wrote; sourced after sandbox.sh.

RELAIS=$top_builddir/relais
CONF=/etc/relais

# typed STATUS COMMAND...: its output in $T/out and $T/err, and all output so far
# in $T/shown.
typed() {
	local want=$1 status
	shift
	"$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	cat "$T/out" "$T/err" >>"$T/shown"
	[ "$status" = "$want" ] && return
	note "exit status $status, not $want"
	sed 's/^/     | /' "$T/out" "$T/err"
	return 1
}
said() {
	grep -qF -- "$1" "$T/out" "$T/err" && return
	note "not said: $1"
	sed 's/^/     | /' "$T/out" "$T/err"
	return 1
}
has_line() { grep -qxF -- "$2" "$1" || { note "no line: $2"; cat "$1"; false; }; }
nothing_written() {
	[ ! -e "$CONF/relais.conf" ] && [ ! -e "$CONF/secrets" ] && return
	note "written: $(find "$CONF")"
	return 1
}
