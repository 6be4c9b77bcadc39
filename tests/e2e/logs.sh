#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# logs.sh - the log for programs: JSON lines, fields of the journal, and what
# happens where there is no journal.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq curl python3
sandbox_enter
sandbox_secrets
start_provider mail --fail 'rcpt/gone@*:550:5.1.1:No such "user" here'
conf() { # LINE...: of [relais]
	printf '%s\n' "$@"
	account works mail.example.test 587 starttls
}
begin() {
	stop home
	rm -rf "${T:?}/home" "$T/home.log"
	start_relaisd home < <(conf "$@")
}
send() { # RECIPIENT
	printf 'Subject: x\n\nhello\n' |
	    curl -s --url smtp://127.0.0.1:2525 --mail-from me@example.test \
		--mail-rcpt "$1" -T - 2>/dev/null
}
logged() { jq -se "$1" "$2" >/dev/null 2>&1; }
chmod 1777 /run/sandbox/tmp

# --- JSON ---------------------------------------------------------------------

begin "log_format = json"
send you@example.test
send gone@example.test
check "each line is an object" until_true 10 \
    logged 'map(select(.event == "refused")) | length == 1' "$T/home.log"
check "  with time and level" logged 'all(.time != "" and .level != "")' "$T/home.log"
check "  a delivery has its keys" logged 'map(select(.event == "sent"))[0] |
	.to == ["you@example.test"] and .code == 250 and .account == "works" and
	(.id | length) == 16 and .uid == null and .attempt == 1' "$T/home.log"
check "  a sentence is a message" \
    logged 'any(.message == "listening on 127.0.0.1:2525")' "$T/home.log"
check "  the time has its zone" logged \
    'all(.time | test("^2[0-9-]+T[0-9:]+[.][0-9]{3}[+-][0-9]{2}:[0-9]{2}$"))' "$T/home.log"
check "  and every key is in relaisd(8)" test -z "$(
	jq -r 'keys[]' "$T/home.log" | sort -u | while read -r key; do
		grep -q "^\.It Cm .*\b$key\b" "$srcdir/doc/man/relaisd.8" || echo "$key"
	done)"
begin "log_format = json" "log = $T/tmp/relais.log"
send you@example.test
check "a file gets the same" until_true 10 \
    logged 'any(.event == "sent")' "$T/tmp/relais.log"
relaisd_conf home < <(conf "log_format = text" "log = $T/tmp/relais.log")
relais reload >/dev/null
check "a reload changes the form" until_true 10 grep -q \
    '^2[^ ]* configuration reloaded' "$T/tmp/relais.log"

# --- the journal --------------------------------------------------------------

# What journald would store: the datagrams, one after the other.
cat >"$T/journald.py" <<'END'
import os, socket, sys
path = "/run/systemd/journal/socket"
os.makedirs(os.path.dirname(path), exist_ok=True)
if os.path.exists(path):
    os.unlink(path)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
os.chmod(path, 0o666)
print("ready", flush=True)
while True:
    print(s.recv(65536).decode() + "---", flush=True)
END
has_field() { grep -qx -- "$1" "$T/journald.log"; }
begin "log_format = journal"
send you@example.test
check "without a journal it is text" until_true 10 grep -q ' sent id=.*you@' "$T/home.log"
check "  which is said" grep -q 'cannot write to the journal: .*; log_format = text is used' "$T/home.log"
start journald python3 "$T/journald.py"
until_true 10 grep -q ready "$T/journald.log"
begin "log_format = journal"
send you@example.test
check "an event has fields in the journal" until_true 10 has_field RELAIS_EVENT=sent
check "  the recipient" has_field RELAIS_TO=you@example.test
check "  the priority" has_field PRIORITY=6
check "  the name of the program" has_field SYSLOG_IDENTIFIER=relaisd
check "  and the line for people" grep -q '^MESSAGE=sent id=.* to=<you@example.test>' "$T/journald.log"
check "  and stderr has none of it" sh -c "! grep -q 'sent id=' '$T/home.log'"
stop journald
start journald python3 "$T/journald.py"
until_true 10 sh -c "[ \$(grep -c ready '$T/journald.log') = 2 ]"
send again@example.test
check "a journal that was restarted gets the next lines" until_true 10 \
    has_field RELAIS_TO=again@example.test
relaisd_conf home < <(conf "log_format = journal" "log = $T/tmp/relais.log")
check "the journal and a file are one clear sentence" sh -c \
    "! '$top_builddir/relaisd' --check -c '$T/home/relais.conf' >'$T/out' 2>&1
    grep -q 'log_format in .relais., line [0-9]* of .*: journal writes to the journal alone: remove log' '$T/out'"

[ "$sandbox_bad" = 0 ] || show_log home 20
sandbox_done
