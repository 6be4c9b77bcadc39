#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# relais(1) against a running daemon whose provider is away: what it shows, what
# it changes, whose mail it lets one see, and that nothing sent to the control
# socket harms the daemon.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need jq setpriv /usr/bin/python3
sandbox_enter
sandbox_secrets

start_relaisd home <<-END
	$(account work 127.0.0.1 2599 starttls)
	default = yes
	$(account other 127.0.0.1 2598 starttls)
	senders = nobody@example.net
END
export RELAIS_SOCKET=$T/home/smtp.sock RELAIS_CONTROL=$T/home/control.sock
RELAIS=$top_builddir/relais
as() { # USER COMMAND...
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
}
post() { # SUBJECT [COMMAND...]: as the user of COMMAND; prints the queue id
	local subject=$1
	shift
	printf 'Subject: %s\n\nx\n' "$subject" |
	    "$@" "$top_builddir/sendmail" -v -odb to@example.org 2>&1 |
	    sed -n 's/^sendmail: 250 2.0.0 \([0-9a-z]*\) .*/\1/p'
}
# run STATUS COMMAND...: its output in $T/out and $T/err.
run() {
	local want=$1 status
	shift
	"$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
	[ $status = "$want" ] && return
	note "exit status $status, not $want: $(head -3 "$T/err")"
	return 1
}
# json EXPRESSION ARGUMENT...: what jq makes of relais --json ARGUMENT...
json() {
	local expression=$1
	shift
	"$RELAIS" --json "$@" | jq -r "$expression"
}
state_of() { json ".[] | select(.id == \"$1\") | .state" queue; }
said() { grep -q -- "$1" "$T/out"; }
complained() { grep -q -- "$1" "$T/err"; }
ESC=$(printf '\033')
on_terminal() { script -qc "$RELAIS queue" /dev/null </dev/null | grep -q "$ESC"; }

check "an empty queue" run 0 "$RELAIS" queue
check "  is said to be empty" said 'queue is empty'
check "  in JSON too" test "$("$RELAIS" --json queue)" = '[]'
id=$(post one)
id2=$(post two)
ida=$(post three as alice)
check "three messages wait" test "$(json length queue)" = 3
check "each with the members that were promised" test "$(
	json '[.[] | has("id") and has("sender") and has("recipients") and
	    has("size") and has("age") and has("next_try") and has("account")
	    and has("reason")] | all' queue)" = true
has_reason() { json '.[0].reason' queue | grep -q refused; }
check "the account's trouble is the reason" until_true 5 has_reason
run 0 "$RELAIS" queue
check "the table has a line for each" test "$(
	grep -c '^[0-9a-v]\{4,16\} ' "$T/out")" = 3
check "  without colour" sh -c "! grep -q '$ESC' '$T/out'"
if command -v script >/dev/null; then
	check "colour on a terminal" on_terminal
	export NO_COLOR=1
	if on_terminal
	then fail "but not with NO_COLOR"
	else pass "but not with NO_COLOR"
	fi
	unset NO_COLOR
fi
check "status" run 0 "$RELAIS" status
check "  names the account" said '^work '
check "  and says what is wrong" said refused
check "  in JSON too" test "$(json '.accounts[0].state' status)" = paused

check "show" run 0 "$RELAIS" show "$id"
check "  the header" said '^Subject: one'
check "  the submitter" said 'uid 0 root'
longest() { wc -L <"$T/out"; }
# A configuration and aliases whose lines are longer than that.
{
	account work 127.0.0.1 2599 starttls
	printf 'senders ='
	printf ' someone%d@example.net' {1..12}
	printf '\n[relais]\naliases = %s\n' "$T/aliases"
} >"$T/wide.conf"
{
	printf 'all: someone1@example.net'
	printf ', someone%d@example.net' {2..12}
	printf '\n'
} >"$T/aliases"
for words in queue status "show $id" "-c $T/wide.conf config" \
    "-c $T/wide.conf aliases all" "-c $T/wide.conf aliases" \
    "explain 535 5.7.139 Authentication unsuccessful" --help \
    {status,queue,show,flush,retry,hold,release,delete}\ --help \
    {explain,aliases,rewrite,config,version}\ --help; do
	what=${words#"-c $T/wide.conf "}
	# shellcheck disable=SC2086
	COLUMNS=80 run 0 "$RELAIS" $words
	check "80 columns are enough for $what" test "$(longest)" -le 80
	tr -s ' \n' ' ' <"$T/out" >"$T/wrapped"
	# shellcheck disable=SC2086
	COLUMNS=0 run 0 "$RELAIS" $words
	[[ $words != -c* && $words != explain* ]] ||
	    check "  and nothing is lost" \
	    test "$(tr -s ' \n' ' ' <"$T/out")" = "$(cat "$T/wrapped")"
done
check "show of what is not there" run 1 "$RELAIS" show nothing
check "hold" run 0 "$RELAIS" hold "$id"
check "  holds" test "$(state_of "$id")" = held
run 0 "$RELAIS" show "$id"
check "show tells what happened, in sentences" \
    said '^20[0-9T:+-]* held: held by a person$'
check "  not the journal as it stands in the file" \
    sh -c "! grep -Eq '^hold [0-9]' '$T/out'"
check "  JSON has both" test "$(json '(.history | length) == 1 and
    (.text | test("^hold [0-9]"))' show "$id")" = true
check "flush" run 0 "$RELAIS" flush
check "  leaves what is held" test "$(state_of "$id")" = held
check "release" run 0 "$RELAIS" release "$id"
check "  releases" test "$(state_of "$id")" = due
check "release of what is not held" run 1 "$RELAIS" release "$id"
check "  says so" complained 'is not held'
check "flush of one account" run 0 "$RELAIS" flush work
check "flush of an unknown one" run 1 "$RELAIS" flush nix
check "retry of all" run 0 "$RELAIS" retry --all
check "two ids, one of them wrong" run 1 "$RELAIS" --json delete "$id2" zz
check "  the right one is done" test "$(jq -c '[.done, .failed[0].id]' \
    "$T/out")" = '[1,"zz"]'

# --- whose mail ---------------------------------------------------------------

check "alice sees her message only" test "$(as alice "$RELAIS" --json queue |
    jq -c 'map(.id)')" = "[\"$ida\"]"
check "  counts hers only" test "$(as alice "$RELAIS" --json status |
    jq .queue.due)" = 1
check "bob sees none" test "$(as bob "$RELAIS" --json queue)" = '[]'
for verb in show hold release retry delete; do
	check "bob cannot $verb hers" run 1 as bob "$RELAIS" $verb "$ida"
	check "  and hears that there is none" complained 'no .*message'
done
check "bob's delete --all" run 0 as bob "$RELAIS" delete --all
check "  touches nothing" test "$(json length queue)" = 2
check "the configuration is not for bob" run 1 as bob "$RELAIS" config
check "alice deletes hers" run 0 as alice "$RELAIS" delete "$ida"
check "  and no other" test "$(json 'map(.id) | join(" ")' queue)" = "$id"
check "the daemon's user may do all" run 0 as relais "$RELAIS" hold "$id"

# --- configuration ------------------------------------------------------------

check "config" run 0 "$RELAIS" config
check "  has defaults filled in" said '^lifetime = 5d'
check "  and the accounts" said '^\[account work\]'
sed 's/^password_file.*/password = top#secret/' "$T/home/relais.conf" \
    >"$T/secret.conf"
chmod 600 "$T/secret.conf"
check "config of a file" run 0 "$RELAIS" -c "$T/secret.conf" config
check "  has a password" said '^password ='
check "  and does not show it" sh -c "! grep -q top '$T/out'"
check "  in JSON neither" sh -c \
    "! '$RELAIS' --json -c '$T/secret.conf' config | grep -q top"
echo 'prot = 1' >>"$T/secret.conf"
check "config of a wrong file" run 1 "$RELAIS" -c "$T/secret.conf" config
check "  says what is wrong" complained 'did you mean "port"'
check "-c finds the control socket" run 0 env -u RELAIS_CONTROL "$RELAIS" \
    -c "$T/home/relais.conf" queue

# --- usage --------------------------------------------------------------------

for words in "" nonsense show "show a b" hold "hold --all x" "queue x" -c \
    "delete --everything"; do
	# shellcheck disable=SC2086
	check "\"relais $words\" is wrong usage" run 2 "$RELAIS" $words
	check "  and says how" complained '^usage'
done
for verb in status queue show flush hold release retry delete config version; do
	check "$verb --help" run 0 "$RELAIS" $verb --help
	check "  explains" said "$verb"
done
check "help lists the verbs" run 0 "$RELAIS" help
check "  all of them" said '^  delete '
check "help of one" run 0 "$RELAIS" help delete
check "  explains it" said 'usage: relais .* delete'
if command -v script >/dev/null; then
	n=$(json length queue)
	echo n | script -qec "$RELAIS delete --all" /dev/null >"$T/out" 2>&1
	check "delete --all asks a person at a terminal" said 'y/N'
	check "  who says no" test "$(json length queue)" = "$n"
fi
check "newaliases says that there is no file" \
    run 0 "$RELAIS" -c "$T/home/relais.conf" aliases
check "  and where mail goes then" said 'no such file.*goes to'
sed "s,^control = .*,control = $T/none," "$T/home/relais.conf" >"$T/none.conf"
RELAIS_CONTROL=$T/none run 1 "$RELAIS" -c "$T/none.conf" queue
check "no daemon: a sentence with the way out" complained 'systemctl start'

# --- R20 ----------------------------------------------------------------------

cat >"$T/hostile.py" <<'END'
import random, socket, sys
random.seed(4711)
asks = [b'{"verb":"queue"}\n', b'{"verb":"status"}\n',
        b'{"verb":"show","args":{"id":7}}\n',
        b'{"verb":"hold","args":{"ids":[1,null,{}],"all":"x"}}\n',
        b'[' * 3000 + b'\n', b'{"verb":"delete","args":{"ids":"x"}}\n',
        b'\0\xff\n', b'x' * 70000, b'\n' * 50, b'{"verb":"config"}\n',
        b'{"verb":"flush","args":{"account":{}}}\n']
for i in range(400):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(0.1)
    s.connect(sys.argv[1])
    try:
        for _ in range(random.randrange(4)):
            ask = random.choice(asks)
            if random.random() < .5:
                ask = ask[:random.randrange(len(ask) + 1)]
            s.sendall(ask)
        if random.random() < .5:
            s.recv(random.randrange(1, 5000))
    except OSError:
        pass
    s.close()
END
as bob /usr/bin/python3 "$T/hostile.py" "$RELAIS_CONTROL"
check "R20: 400 hostile connections later the daemon is there" is_up home
check "  and answers" run 0 "$RELAIS" queue
check "  and the message has not changed" test "$(state_of "$id")" = held
setpriv --reuid bob --regid bob --clear-groups /usr/bin/python3 -c '
import socket, sys, time
all = [socket.socket(socket.AF_UNIX) for _ in range(100)]
for s in all: s.connect(sys.argv[1])
print("has all", flush=True)
time.sleep(1000)' "$RELAIS_CONTROL" >"$T/greedy" &
greedy=$!
until_true 10 grep -qs "has all" "$T/greedy"
check "R20: who takes all connections keeps only himself out" \
    run 0 "$RELAIS" queue
check "  not alice" run 0 as alice "$RELAIS" queue
check "  himself he does" run 1 as bob "$RELAIS" queue
kill $greedy
wait $greedy
check "  for as long as he holds them" until_true 5 run 0 as bob "$RELAIS" queue

# --- what sendmail asks of the daemon -----------------------------------------

account_of() { json ".[] | select(.id == \"$1\") | .account" queue; }
send() { # WORD...: a mail by sendmail with these words; its queue id
	printf 'x\n' | "$top_builddir/sendmail" -v "$@" to@example.org 2>&1 |
	    sed -n 's/^sendmail: 250 2.0.0 \([0-9a-z]*\) .*/\1/p'
}
check "-a chooses the account" test "$(account_of "$(send -a other)")" = other
check "an account that is not there is refused" \
    run 77 "$top_builddir/sendmail" -a nix to@example.org
check "  in words" complained 'unknown account "nix"'
later=$(send -odq)
check "-odq is not tried" test "$(json ".[] | select(.id == \"$later\") |
    .attempts" queue)" = 0
check "sendmail -bp is relais queue" sh -c \
    "'$top_builddir/sendmail' -bp | grep -q '^${later: -4}'"
check "sendmail -q flushes" run 0 "$top_builddir/sendmail" -q
kept=$(json 'map(.id) | sort | join(" ")' queue)
stop home
off() { env -u RELAIS_CONTROL "$RELAIS" -c "$T/home/relais.conf" "$@"; }
check "while no daemon runs, queue reads the spool" test "$(
	off --json queue 2>"$T/err" | jq -r 'map(.id) | sort | join(" ")')" = "$kept"
check "  and says so" complained 'is not running'
check "  to those who may read it" run 1 as bob env -u RELAIS_CONTROL \
    "$RELAIS" -c "$T/home/relais.conf" queue
run_relaisd home
until_true 10 run 0 "$RELAIS" status
check "delete of all, whoever is asked" run 0 "$RELAIS" delete --all
stop home
printf 'Subject: dropped\n\nx\n' | RELAIS_DROP=$T/home/spool/drop as alice \
    "$top_builddir/sendmail" -f alice@example.org to@example.org
run_relaisd home
check "what was dropped while it was away is taken in" \
    until_true 20 sh -c "'$RELAIS' --json queue 2>&1 | grep -q alice@example.org"
check "  as the mail of who dropped it" test "$(
	as alice "$RELAIS" --json queue | jq length)" = 1
check "delete of all" run 0 "$RELAIS" delete --all
check "  leaves none" test "$("$RELAIS" --json queue)" = '[]'
stop home
sandbox_done
