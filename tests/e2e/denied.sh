#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# denied.sh - the sandbox denies the worker nothing that its own work wants: what
# is denied quietly (a library tries something else, or goes without) would be
# tried again for every mail.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
sandbox_enter
need strace jq curl
sandbox_secrets
start_provider mail
start_relaisd home < <(account mail mail.example.test 587 starttls)
relais --json status | jq -e '.protections[] | select(.name == "Landlock") | .holds' \
    >/dev/null || skip_all "Landlock does not hold here"

# The same before, so that what is done once has been done.
day() { # WORD
	submit "$1 listener" &&
	    printf 'To: to@example.org\nSubject: %s command\n\nx\n' "$1" |
	    RELAIS_SOCKET=$T/home/smtp.sock "$top_builddir/sendmail" -t &&
	    until_true 20 has_mail mail "$1 listener" &&
	    until_true 20 has_mail mail "$1 command" &&
	    submit "$1 large" 300000 &&
	    until_true 20 has_mail mail "$1 large" &&
	    relais status && relais queue && relais check mail && relais reload
} >/dev/null 2>&1
check "a day goes by" day first
timeout 120 strace -ff -qq -p "$(worker home)" -o "$T/calls" &
tracer=$!
until_true 10 eval 'ls "$T"/calls.* >/dev/null 2>&1'
sleep 1
check "and another, watched" day second
# Only what looks at a delivery that has to wait as well.
stop mail
submit waits 300000 >/dev/null
start_provider mail
relais flush
check "mail that waited goes out" until_true 30 has_mail mail waits
kill "$tracer"
wait "$tracer" 2>/dev/null
check "it was watched" eval '[ "$(cat "$T"/calls.* | wc -l)" -gt 500 ]'
# But for the number of processors, which malloc asks for once, and does without.
grep -E '= -1 (EACCES|EPERM|ENOSYS)' "$T"/calls.* |
    grep -vE '"/(sys/devices/system/cpu/online|proc/stat)"' >"$T/denied"
check "nothing that the worker did was denied" [ ! -s "$T/denied" ]
sed 's/^[^:]*://' "$T/denied" | sort | uniq -c | sort -rn | head | sed 's/^/  | /'
no_crash home
sandbox_done
