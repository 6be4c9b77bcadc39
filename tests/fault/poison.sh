#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Messages that make the provider break off hold back no other mail: fifteen of
# them, in front of forty good ones or in between, at each stage.  The good ones
# arrive, the others stay in the queue, and the provider is not stormed.
#
# Each is a world of its own, with its own provider and relaisd, and several are
# there at once, for all of them mostly wait.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh"
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
IDENTITY=keep # the provider is to know senders
POISONS=15 GOOD=40
SOON=240
# Good ones that were sent behind one of them, may have been taken, and wait as
# long as it does.
STRUCK=5
: "${WORLDS:=5}" # at once
sandbox_secrets
worlds=0

# world COMMAND...: with $T and ports of its own, in the background.
world() {
	worlds=$((worlds + 1))
	[ "$(jobs -r | wc -l)" -lt "$WORLDS" ] || wait -n
	in_world "$@" >"$T/said.$worlds" 2>&1 &
}
in_world() {
	mkdir -m 755 "$T/$worlds"
	cp -a "$T/pki" "$T/secret" "$T/users.passwd" "$T/$worlds"
	T=$T/$worlds PORT=$((3000 + worlds)) SAFE=$((4000 + worlds))
	FAR=$((5000 + worlds))
	"$@"
}
account_mail() {
	account mail mail.example.test "$FAR" starttls
	printf 'max_connections = %d\n' "$CONNECTIONS"
	printf '[listen safe]\naddress = 127.0.0.1:%d\nmode = safe\n' "$SAFE"
}
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
logins() { grep -c ' connected account=mail ' "$T/home.log"; }

# breaks NAME ORDER CONNECTIONS PROVIDER-OPTION...
breaks() {
	local name="breaks off at $1, $2, $3 connections" order=$2 began
	CONNECTIONS=$3
	shift 3
	start_provider provider --port "$FAR" --implicit-port $((FAR + 1000)) \
	    "$@"
	start_relaisd home < <(account_mail)
	send "$order"
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
	check "$name: no storm of logins" test "$(logins)" -le $((6 * POISONS))
	no_crash home
	stop home
	stop provider
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

wait
for n in $(seq "$worlds"); do
	cat "$T/said.$n"
	grep -q ^PASS "$T/said.$n" && ! grep -q ^FAIL "$T/said.$n" || sandbox_bad=1
done
sandbox_done
