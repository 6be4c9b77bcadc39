#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The dialogues of tests/script, which "make check" plays against the engine in
# memory, once more against the daemon: over TCP and over the Unix socket.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need certtool
sandbox_enter
play=$top_builddir/tests/script/play
[ -x "$play" ] || skip_all "tests/script/play is not built"

sandbox_secrets
# Nobody listens there: what is accepted stays in the queue.
start_relaisd home < <(
	echo 'verdict_timeout = 0'
	account mail mail.example.test 587 starttls
)

for f in "$srcdir"/tests/script/*.smtp; do
	name=$(basename "$f" .smtp)
	# With options of the engine: in memory only.
	! grep -q '^O:' "$f" || continue
	for how in "--connect 127.0.0.1:2525" "--unix $T/home/smtp.sock"; do
		# shellcheck disable=SC2086	# two words
		if said=$("$play" $how "$f" 2>&1); then pass "$name ${how%% *}"
		else fail "$name ${how%% *}: $said"; fi
	done
done
check "the daemon is still there" is_up home
sandbox_done
