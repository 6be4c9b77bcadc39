#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Messages that make the provider break off, or fall silent, hold back no other
# mail: fifteen of them, in front of forty good ones or in between, at each stage.
# The good ones arrive, the others stay in the queue, and the provider is not
# stormed.
#
# Each is a world of its own, with its own provider and relaisd, and several are
# there at once, for all of them mostly wait.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/worlds.sh"
need python3 certtool jq
sandbox_enter
IDENTITY=keep # the provider is to know senders
POISONS=15 GOOD=40
SOON=240
# Good ones that were sent behind one of them, may have been taken, and wait as
# long as it does.
STRUCK=5
sandbox_secrets

# send ORDER: all of them over one session.
send() {
	SAFE=$SAFE POISONS=$POISONS GOOD=$GOOD python3 - "$1" <<-'EOF'
	import os, smtplib, sys
	bad, good = int(os.environ["POISONS"]), int(os.environ["GOOD"])
	if sys.argv[1] == "front":
	    words = ["poison"] * bad + ["good"] * good
	else:
	    words = ["poison" if i * bad % (bad + good) < bad else "good"
	             for i in range(bad + good)]
	assert words.count("poison") == bad
	with smtplib.SMTP("127.0.0.1", os.environ["SAFE"], timeout=300) as s:
	    for i, word in enumerate(words):
	        s.sendmail("%s%d@example.test" % (word, i),
	                   ["%s%d@example.org" % (word, i)],
	                   "Subject: %s %d\r\n\r\n%s" % (word, i, "text\r\n" * 40))
	EOF
}
good_left() {
	relais --json queue |
	    jq '[.[] | select(.sender | startswith("good"))] | length'
}
good_are_gone() { [ "$(good_left)" -le "$STRUCK" ]; }
arrived() {
	grep '"event":"message"' "$T/provider.log" |
	    grep -o 'good[0-9]*@example.org' | sort -u | wc -l
}

# hold_back_none NAME ORDER: the good ones pass, the others stay.
hold_back_none() {
	local name=$1 began
	send "$2"
	began=$(now_ms)
	until_true "$SOON" good_are_gone
	if good_are_gone && [ "$(arrived)" -ge $((GOOD - STRUCK)) ]; then
		pass "$name: $(arrived) of $GOOD good ones after $(($(now_ms) - began)) ms," \
		    "$(logins) logins"
	else
		fail "$name: $(arrived) of $GOOD good ones arrived"
		show_log home
	fi
	check "$name: the others are still there" \
	    test "$(relais --json queue |
		jq '[.[] | select(.sender | startswith("poison"))] | length')" = \
	    "$POISONS"
}

# breaks STAGE ORDER CONNECTIONS PROVIDER-OPTION...
breaks() {
	local name="breaks off at $1, $2, $3 connections" order=$2
	ACCOUNT="max_connections = $3"
	shift 3
	world_begin "$@"
	hold_back_none "$name" "$order"
	check "$name: no storm of logins" test "$(logins)" -le $((6 * POISONS))
	world_end
}

# silent STAGE ORDER PROVIDER-OPTION...: over two connections.
silent() {
	local name="silent at $1, $2" order=$2
	ACCOUNT="max_connections = 2"
	shift 2
	world_begin "$@"
	hold_back_none "$name" "$order"
	world_end
}

world breaks MAIL front 1 --drop 'mail/poison*'
world breaks "MAIL, by 421" mixed 2 --fail 'mail/poison*:421:4.3.0:bye'
world breaks RCPT mixed 1 --drop 'rcpt/poison*'
world breaks "RCPT, by 421" front 2 --fail 'rcpt/poison*:421:4.3.0:bye'
world breaks DATA front 1 --hide pipelining,chunking --drop 'data/poison*'
world breaks "the body" mixed 2 --hide chunking --drop 'body/poison*'
world breaks "a chunk" front 1 --drop 'body/poison*'
world breaks "the end" mixed 1 --hide chunking --drop 'end/poison*'
world breaks "the end of a chunk" front 2 --drop 'end/poison*'
world breaks "the end, by 421" front 1 --fail 'end/poison*:421:4.7.0:spam'
world silent MAIL front --hang 'mail/poison*'
world silent RCPT mixed --hang 'rcpt/poison*'
world silent DATA front --hide pipelining,chunking --hang 'data/poison*'

worlds_done
