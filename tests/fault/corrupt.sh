#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A queue of 1,000 messages of which half are damaged in fourteen ways: the
# healthy ones leave, the damaged ones are set aside, and nothing crashes (R46).
#	SEED=N tests/fault/corrupt.sh repeats one run.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${MESSAGES:=1000}"

conf() {
	account mail mail.example.test 587 starttls
	cat <<-EOC
	[listen queue]
	address = 127.0.0.1:2526
	mode = queue
	EOC
}
sandbox_secrets
start_relaisd home < <(conf)
load --ports 2526 --count "$MESSAGES"
wait "$load_pid"
stop home
all=$(spool_files queue)
mkdir -m 711 "$T/outside"
chown relais:relais "$T/outside"
python3 "$srcdir/tests/fault/corrupt.py" "$T/home/spool" "$T/outside" \
    >"$T/damaged" 2>"$T/seed" || fail "corrupt.py: $(cat "$T/seed")"
note "$(cat "$T/seed")"
damaged=$(wc -l <"$T/damaged")
# What was accepted, without the damaged ones.
cp "$T/acked" "$T/acked.all"
awk 'NR == FNR { bad[$3] = 1; next } !($1 in bad)' "$T/damaged" \
    "$T/acked.all" >"$T/acked"

start_provider provider
run_relaisd home
wait_port home 127.0.0.1 2525
relais flush >/dev/null
until_true 30 drained || fail "the queue is not empty after half a minute"
relais flush >/dev/null
sleep 0.5
tally provider
if [ "$lost" = 0 ] && [ "$twice" = 0 ] && [ "$torn" = 0 ] &&
    [ "$heard" -ge 490 ]; then
	pass "of $all messages $damaged are damaged: all $heard healthy ones" \
	    "arrive once, whole; crashes 0"
else
	fail "lost $lost of $heard healthy ones, $twice twice, $torn torn"
	show_log home
fi
no_crash home

# A bit of an address must not send a mail to somebody else, nor may half a
# mail arrive: what is damaged does not leave at all.
sent_all_the_same() {
	local kind name subject
	while read -r kind name subject; do
		grep -lqs "^Subject: load $subject"$'\r' "$T"/provider/*.eml &&
		    echo "$kind $name"
	done <"$T/damaged"
}
bad=$(sent_all_the_same)
if [ -z "$bad" ]; then pass "no damaged message is sent"
else fail "sent all the same: $bad"; fi
# Those that look unfinished were never promised and may be removed.
aside=0 gone=0
while read -r kind name subject; do
	if ls -d "$T/home/spool/corrupt/$name"* >/dev/null 2>&1; then
		aside=$((aside + 1))
	else
		case $kind in
		cut* | empty | zeros) gone=$((gone + 1)) ;;
		# The file keeps its new name.
		stranger) ;;
		*) fail "$kind $name is not in corrupt/" ;;
		esac
	fi
done <"$T/damaged"
strangers=$(grep -c ^stranger "$T/damaged")
in_corrupt=$(find "$T/home/spool/corrupt" -mindepth 1 -maxdepth 1 | wc -l)
if [ "$in_corrupt" = $((aside + strangers)) ]; then
	pass "$in_corrupt damaged ones are in corrupt/, $gone that look" \
	    "unfinished are gone"
else
	fail "$in_corrupt in corrupt/, not $aside and $strangers"
fi
check "what links point to is untouched" \
    [ "$(find "$T/outside" -type f | wc -l)" = \
    "$(grep -cE '^(link|hard) ' "$T/damaged")" ]
# And it goes on as if nothing had been.
submit "after all that"
check "new mail goes through" until_true 10 has_mail provider "after all that"
stop home
run_relaisd home
wait_port home 127.0.0.1 2525
submit "after a restart"
check "also after a restart" until_true 10 has_mail provider "after a restart"
check "nothing is left in the queue" drained
no_crash home
sandbox_done
