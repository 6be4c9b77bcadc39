#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What can take seconds at somebody else's will: the user database, and keys that
# a provider has us derive.  Who needs it waits; nobody else does.  The figures
# are printed.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
. "$srcdir/tests/lib/honest.sh"
need python3 certtool jq
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
MOST_MS=${MOST_MS:-6000} # the machine may be busy
SLOW=$top_builddir/tests/lib/slowusers.so
[ -f "$SLOW" ] || skip_all "slowusers.so is not built"
ALICE=$(id -u alice)
log_has() { grep -q -- "$1" "$T/home.log"; }
run_relaisd() {
	start "$1" env "LD_PRELOAD=$SLOW" "SLOWUSERS=$T/slowusers" \
	    "ASAN_OPTIONS=verify_asan_link_order=0" \
	    "$top_builddir/relaisd" -f -c "$T/$1/relais.conf"
}
took() { cut -d' ' -f1 "$T/attack"; }
said() { cut -d' ' -f2 "$T/attack"; }
have_read() { grep -c 'configuration reloaded' "$T/home.log"; }
reload() {
	local before
	before=$(have_read)
	kill -HUP "$(cat "$T/home.pid")"
	until_true 10 eval '[ "$(have_read)" -gt '"$before"' ]'
}
conf() {
	printf '%s\n' "$@"
	account mail mail.example.test 587 starttls
}
start_provider provider

# --- the user database --------------------------------------------------------

start_relaisd home < <(conf)
# Shorter than the 15 s after which it is given up.
echo "$ALICE 12000" >"$T/slowusers"
against "a look-up of 12 s" 0 py alice once
check "  the user herself waits for it: $(took) ms" [ "$(took)" -ge 11900 ]
check "  and is served" [ "$(said)" = 250 ]
against "the next mail" 0 py alice once
check "  needs no look-up: $(took) ms" [ "$(took)" -lt "$MOST_MS" ]

reload
ask_status() {
	local began
	py alice once >/dev/null &
	sleep 0.3
	began=$(now_ms)
	relais status >/dev/null || return 1
	note "status: $(($(now_ms) - began)) ms"
	[ $(($(now_ms) - began)) -lt "$MOST_MS" ]
	local rc=$?
	wait $!
	return "$rc"
}
check "the control socket answers meanwhile" ask_status

drop_of() { # USER SUBJECT
	printf 'Subject: %s\n\nx\n' "$2" | RELAIS_SOCKET=/nowhere \
	    RELAIS_SMTP=127.0.0.1:1 RELAIS_DROP=$T/home/spool/drop \
	    setpriv --reuid "$1" --regid "$1" --clear-groups \
	    "$top_builddir/sendmail" -f "$1@example.test" to@example.org
}
reload
dropping=()
for i in $(seq 25); do
	drop_of alice "slow $i" &
	dropping+=($!)
done
wait "${dropping[0]}"
drop_of bob "quick"
check "the drop folder: another user's file is taken in meanwhile" \
    until_true 10 has_mail provider quick
check "  before those of the user who is looked up" \
    eval '! has_mail provider slow'
wait "${dropping[@]}"
all_slow() { [ "$(grep -ls '^Subject: slow' "$T"/provider/*.eml | wc -l)" = 25 ]; }
check "  which follow, each once" until_true 20 all_slow

# --- a database that says nothing ---------------------------------------------

echo "$ALICE 30000" >"$T/slowusers"
stop home TERM
start_relaisd home < <(conf "allow_users = alice, bob")
against "silent for 30 s, with a rule about users" 0 py alice once
check "  the user is put off, not refused: $(took) ms" [ "$(said)" = 451 ]
against "  the next mail" 0 py alice once
check "  is put off at once: $(took) ms" \
    eval '[ "$(said)" = 451 ] && [ "$(took)" -lt $MOST_MS ]'
check "  the log says why" log_has 'put off uid .*the user database does not'
sed -i '/^allow_users/d' "$T/home/relais.conf"
reload
against "  without the rule" 0 py alice once
check "  her mail is taken by her number: $(took) ms" [ "$(said)" = 250 ]
echo "0 0" >"$T/slowusers"
stop home TERM

# --- keys ---------------------------------------------------------------------

start_provider heavy --port 1587 --implicit-port 1465 \
    --mechanisms SCRAM-SHA-256 --scram-iterations 1000000
start_relaisd home < <(conf
	account heavy mail.example.test 1587 starttls
	echo "users = alice")
rounds_ms=$(python3 -c 'import hashlib, time
t = time.monotonic()
hashlib.pbkdf2_hmac("sha256", b"x", b"salt", 1000000)
print(int((time.monotonic() - t) * 1000))')
note "1,000,000 rounds alone: ${rounds_ms} ms"
# The machine may be busy: one try of three is enough, for with the work on the
# loop's thread none can be.
best=99999
for i in 1 2 3; do
	against "a key of 1,000,000 rounds" 0 py alice once
	read -r longest _ <"$T/honest"
	[ "$longest" -ge "$best" ] || best=$longest
	check "  and the mail behind it goes" until_true 30 has_mail heavy once
	rm -f "$T"/heavy/*.eml
	[ "$best" -ge $((rounds_ms / 2)) ] || break
	sleep 21 # until the connection is closed
done
check "nobody else waits for the key: ${best} ms" \
    [ "$best" -lt $((rounds_ms / 2)) ]
stop home TERM

no_crash home
[ "$sandbox_bad" = 0 ] || show_log home 30
sandbox_done
