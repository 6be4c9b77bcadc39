#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sighup.sh - SIGHUP: an account keeps what it has spent and learnt, mail goes
# through the right account whatever was moved in the file, what needs a restart
# is named, and a secret that cannot be read any more is not used.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
sandbox_enter
need jq
start_provider mail

handled() { grep -c 'configuration reloaded\|reload refused' "$T/$1.log"; }
# reload NAME: returns when it has been read, or refused.
reload() {
	local before
	before=$(handled "$1")
	kill -HUP "$(cat "$T/$1.pid")"
	until_true 10 eval '[ "$(handled '"$1"')" -gt '"$before"' ]' ||
	    fail "$1 does not hear SIGHUP"
}
set_conf() { # NAME SETTING VALUE: in the first place where it stands
	sed -i "0,/^$2 = /s,^$2 = .*,$2 = $3," "$T/$1/relais.conf"
}
send() { # [SENDER]
	printf 'Subject: x\n\nhello\n' | curl -s --max-time 120 \
	    --url "smtp://127.0.0.1:${PORT:-2525}" --mail-rcpt b@example.org \
	    --mail-from "${1:-a@example.test}" -T - || fail "a mail is taken"
}
got() { grep -c '"event":"message"' "$T/$1.log"; }
has_got() { [ "$(got "$1")" = "$2" ]; }
state() { relais --json status | jq -r '.accounts[0].state'; }
is_state() { [ "$(state)" = "$1" ]; }

# --- what an account is -------------------------------------------------------

start_relaisd home < <(
	account mail mail.example.test 587 starttls
	echo "max_per_hour = 5"
)
for _ in 1 2 3 4; do send; done
check "four of five an hour go" until_true 10 has_got mail 4
reload home
for _ in 1 2 3 4; do send; done
until_true 5 is_state paused
for _ in 1 2 3; do reload home; done
sleep 1
check "after a reload one more goes, not five" has_got mail 5
check "status still counts what was sent" \
    [ "$(relais --json status | jq '.accounts[0].sent')" = 5 ]
check "and the ports that work" eval 'relais status | grep -q "587 works"'
echo 'nonsense' >>"$T/home/relais.conf"
reload home
check "a configuration with errors is refused and says so" \
    grep -q 'reload refused' "$T/home.log"
sed -i '/^nonsense/d' "$T/home/relais.conf"
check "and nothing has changed" \
    [ "$(state)-$(relais --json status | jq '.accounts[0].sent')" = paused-5 ]
set_conf home max_per_hour 8
reload home
check "a higher limit lets the rest go" until_true 10 has_got mail 8
stop home

# --- before it is up ----------------------------------------------------------

rm -rf "${T:?}/home"
relaisd_conf home < <(account mail mail.example.test 587 starttls)
mv "$T/home/relais.conf" "$T/home/whole"
mkfifo "$T/home/relais.conf"
: >"$T/home.log"
run_relaisd home
exec 9>"$T/home/relais.conf" # waits until it is being read
kill -HUP "$(cat "$T/home.pid")"
cat "$T/home/whole" >&9
mv "$T/home/whole" "$T/home/relais.conf"
exec 9>&-
check "SIGHUP while it starts does not end it" \
    until_true 10 port_open 127.0.0.1 2525
check "and is a reload once it is up" until_true 10 \
    grep -q 'configuration reloaded' "$T/home.log"
stop home

# --- a late word --------------------------------------------------------------

start_provider late --port 1587 --implicit-port 1465 --delay-ms 5000 \
    --fail "mail:550:5.7.705:Access denied, threshold exceeded:1"
PORT=2626 start_relaisd old < <(account late mail.example.test 1587 starttls)
PORT=2626 send &
install -o relais -m 600 "$T/secret/mail" "$T/secret/other"
until_true 10 grep -q ' connected account=late' "$T/old.log"
# MAIL has gone out, its answer takes 5 s, and as long as this takes.
sleep 1
kill -STOP "$(cat "$T/late.pid")"
set_conf old password_file "$T/secret/other"
reload old
kill -CONT "$(cat "$T/late.pid")"
check "the login was corrected while the old one was being refused" \
    until_true 20 has_got late 1
wait $!
check "the late word holds nothing" eval '! grep -q " held account" "$T/old.log"'
stop old

# --- a restart after the correction -------------------------------------------

install -o relais -m 600 "$T/secret/wrong" "$T/secret/changing"
# start_relaisd fails if the spool of before is in its way.
rm -rf "${T:?}/home"
before=$(got mail)
start_relaisd home < <(account mail mail.example.test 587 starttls |
    sed "s,^password_file = .*,password_file = $T/secret/changing,")
send
check "a wrong password holds the account" until_true 10 is_state held
stop home
cat "$T/secret/mail" >"$T/secret/changing"
run_relaisd home
wait_port home 127.0.0.1 2525
check "corrected, a restart tries at once" \
    until_true 10 has_got mail $((before + 1))
check "nothing of the password stands in the spool" \
    eval '! grep -rqF "not the password" "$T/home/spool/state"'
stop home

# --- the file may be written in any order -------------------------------------

start_provider left --port 3587 --implicit-port 3465
start_provider right --port 4587 --implicit-port 4465
stop left
stop right
section() { # NAME PORT SENDERS
	IDENTITY=keep account "$1" mail.example.test "$2" starttls
	echo "senders = $3"
}
other_conf() { # sections on stdin
	sed -i '/^\[account/,$d' "$T/home/relais.conf"
	cat >>"$T/home/relais.conf"
	reload home
}
rm -rf "${T:?}/home"
start_relaisd home < <(
	section left 3587 "*@left.test"
	section right 4587 "*@right.test"
)
for _ in 1 2 3; do
	send a@left.test
	send a@right.test
done
other_conf < <(
	section new 4587 "*@new.test"
	section right 4587 "*@right.test"
	section left 3587 "*@left.test"
)
for _ in 1 2; do send a@left.test; done
# left goes, and its mail finds another name; right comes first now.
other_conf < <(
	section right 4587 "*@right.test"
	section renamed 3587 "*@left.test"
)
again() { # NAME PORT
	start_provider "$1" --port "$2" --implicit-port $(($2 - 122))
}
again left 3587
again right 4587
relais flush >/dev/null
check "mail goes through the right account, renamed" \
    until_true 20 has_got left 5
check "and moved" until_true 20 has_got right 3
check "nothing through a wrong one" eval \
    '! grep -q "@right.test" "$T/left.log" && ! grep -q "@left.test" "$T/right.log"'
check "no account that is gone is listed" [ "$(relais --json status |
    jq -r '[.accounts[].name] | join(" ")')" = "right renamed" ]
check "and the queue is empty" [ "$(queue_len)" = 0 ]
stop right
send a@right.test
start_provider right --port 4587 --implicit-port 4465 \
    --fail "rcpt:550:5.1.1:no such user:1"
relais flush >/dev/null
check "a notice goes through the account of its message" until_true 20 \
    grep -q '"recipients":\["a@right.test"\]' "$T/right.log"
stop home

# --- what needs a restart -----------------------------------------------------

rm -rf "${T:?}/home"
start_relaisd home < <(
	account mail mail.example.test 587 starttls
	printf '[listen bulk]\naddress = 127.0.0.1:2527\nmode = safe\n'
)
sed -i -e "s,^control = .*,control = $T/home/other.control," \
    -e "s,^spool = .*,spool = $T/home/other," \
    -e 's,^hostname = .*,hostname = other.example.test,' \
    -e "s,^admin = .*,user = daemon\nadmin = other@example.test\nmax_size = 7M," \
    "$T/home/relais.conf"
reload home
for s in control spool user; do
	check "SIGHUP says that $s needs a restart" \
	    grep -qE "[^a-z]$s in \[relais\].* restart" "$T/home.log"
done
check "what can be applied is not named" eval \
    '! grep -E "(admin|hostname|max_size) in .* restart" "$T/home.log"'
# With -c relais reads the file; so the daemon is asked where it was.
in_force() { # SECTION SETTING
	RELAIS_CONTROL=$T/home/control.sock "$top_builddir/relais" --json config |
	    jq -r ".sections[] | select(.kind == \"${1%% *}\" and
	    .name == \"${1#* }\") | .settings.\"$2\""
}
check "relais config shows what is in force" \
    [ "$(in_force "relais " listen) $(in_force "relais " spool)" = \
    "127.0.0.1:2525 $T/home/spool" ]
check "and what a reload has changed" [ "$(in_force "relais " admin) $(
    in_force "relais " max_size)" = "other@example.test 7M" ]
n=$(grep -c 'needs a restart\|restart' "$T/home.log")
reload home
check "at each reload again" \
    [ "$(grep -c 'restart' "$T/home.log")" -gt "$n" ]
before=$(got mail)
send
check "mail goes on" until_true 10 has_got mail $((before + 1))
stop home

# --- listeners ------------------------------------------------------------------

greets() { # HOST PORT, or PATH
	python3 - "$@" <<-'EOP'
	import socket, sys
	if len(sys.argv) == 2:
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	else:
	    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
	s.settimeout(20)
	sys.exit(not s.recv(512).startswith(b"220"))
	EOP
}
# listeners OPTION: of relaisd
listeners() {
	local was pid
	rm -rf "${T:?}/home"
	relaisd_conf home < <(
		account mail mail.example.test 587 starttls
		printf '[listen bulk]\naddress = 127.0.0.1:2527\nmode = safe\n'
	)
	: >"$T/home.log"
	start home "$top_builddir/relaisd" ${1:+"$1"} -f -c "$T/home/relais.conf"
	wait_port home 127.0.0.1 2525
	was=$(worker home) pid=$(cat "$T/home.pid")
	exec 8<>/dev/tcp/127.0.0.1/2525
	read -r -t 60 line <&8
	check "a session on a port that will go: $line" [ "${line%% *}" = 220 ]
	sed -i -e 's,^listen = .*,listen = 127.0.0.1:2599,' \
	    -e "s,^socket = .*,socket = $T/home/other.sock," \
	    -e 's,^mode = .*,mode = queue,' "$T/home/relais.conf"
	printf '[listen more]\naddress = 127.0.0.1:2528\n' \
	    >>"$T/home/relais.conf"
	reload home
	for port in 2599 2527 2528; do
		check "after a reload port $port answers" greets 127.0.0.1 $port
	done
	check "so does a new socket" greets "$T/home/other.sock"
	check "a port that is gone from the file does not" eval \
	    '! port_open 127.0.0.1 2525'
	check "nor does a socket" eval '! greets "$T/home/smtp.sock" 2>/dev/null'
	check "the mode is the new one" \
	    [ "$(in_force "listen bulk" mode)" = queue ]
	printf 'NOOP\r\n' >&8
	read -r -t 60 line <&8
	check "the session goes on: $line" [ "${line%% *}" = 250 ]
	exec 8>&-
	check "by the same process" [ "$(worker home)" = "$was" ]
	before=$(got mail)
	PORT=2599 send
	check "mail comes in by the new port" \
	    until_true 10 has_got mail $((before + 1))
	python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 2701))
time.sleep(1000)' &
	local blocker=$!
	until_true 10 port_open 127.0.0.1 2701
	sed -i -e 's,^listen = .*,listen = 127.0.0.1:2601 127.0.0.1:2701,' \
	    -e 's,^max_size = .*,max_size = 9M,' "$T/home/relais.conf"
	reload home
	check "a port of somebody else is told" grep -q \
	    "cannot listen on 127.0.0.1 port 2701: another program uses it" \
	    "$T/home.log"
	check "and the reload is refused: the old port answers" \
	    greets 127.0.0.1 2599
	check "  and none of the new ones does" eval \
	    '! port_open 127.0.0.1 2601'
	kill $blocker
	wait $blocker 2>/dev/null
	reload home
	check "once it is free the reload is done" greets 127.0.0.1 2701
	sed -i 's,^listen = .*,listen = 127.0.0.1:825,' "$T/home/relais.conf"
	reload home
	check "a port below 1024 is refused with a remedy" grep -q \
	    "permission denied.*if relaisd was started as root, restart it" \
	    "$T/home.log"
	sed -i -e 's,^listen = .*,listen = 127.0.0.1:2701,' -e \
	    's,^address = 127.0.0.1:2527,address = *:2527\nallow_from = 127.0.0.1,' \
	    "$T/home/relais.conf"
	reload home
	check "all addresses beside one of them need a restart" grep -q \
	    "2527 beside 127.0.0.1, where relaisd listens now: restart" \
	    "$T/home.log"
	[ -n "${1:-}" ] || {
		sent=$(relais --json status | jq '.accounts[0].sent')
		sed -i 's,^port = .*,port = 588,' "$T/home/relais.conf"
		reload home
		until_true 20 eval '[ "$(worker home)" != "$was" ]'
		check "a worker for another port counts on from $sent" \
		    until_true 20 eval '[ "$sent" -gt 0 ] &&
			[ "$(relais --json status | jq .accounts[0].sent)" = "$sent" ]'
		was=$(worker home)
		kill -KILL "$(worker home)"
		until_true 20 eval '[ "$(worker home)" != "$was" ]'
		check "a new worker has the new listeners" \
		    until_true 20 greets 127.0.0.1 2701
	}
	stop home
}
listeners
listeners --one-process

# A session goes on after the reload that closed its listener, and the stop ends
# it and the worker in order.
stopped() { # OPTION
	local pid status line bye
	rm -rf "${T:?}/home"
	relaisd_conf home < <(account mail mail.example.test 587 starttls)
	: >"$T/home.log"
	start home "$top_builddir/relaisd" ${1:+"$1"} -f -c "$T/home/relais.conf"
	pid=$(cat "$T/home.pid")
	wait_port home 127.0.0.1 2525
	exec 8<>/dev/tcp/127.0.0.1/2525
	read -r -t 60 line <&8
	sed -i 's,^listen = .*,listen = 127.0.0.1:2599,' "$T/home/relais.conf"
	reload home
	check "a session of a listener that is gone${1:+, $1}: $line" \
	    eval '! port_open 127.0.0.1 2525'
	printf '%s\r\n' "HELO x" "MAIL FROM:<a@b.example>" \
	    "RCPT TO:<c@d.example>" "DATA" >&8
	for _ in 1 2 3 4; do read -r -t 60 line <&8; done
	printf '%s\r\n' "From: a@b.example" "" "text" . >&8
	read -r -t 60 line <&8
	check "  takes another mail: $line" [ "${line%% *}" = 250 ]
	kill "$pid"
	read -r -t 60 bye <&8
	exec 8>&-
	check "  hears of the stop: $bye" [ "${bye%% *}" = 421 ]
	wait "$pid"
	status=$?
	rm "$T/home.pid"
	check "  and relaisd stops in order, status $status" eval \
	    '[ $status = 0 ] && grep -q " stopped$" "$T/home.log"'
}
stopped
stopped --one-process

# --- what the worker may not read -------------------------------------------------

# The presets move to where only the keeper may look.
presets=$(grep -aoE '/[a-z/]*/share/relais/providers' "$top_builddir/relaisd" | head -n 1)
rm -rf "${T:?}/home"
share=${presets%/relais/providers}
mkdir -p "$T/share/up" "$T/share/work" "$T/moved"
# Of overlays on each other the kernel knows two, and in a Debian in a folder that
# are those of / and /usr.
may_move=
if mount -t overlay overlay -o \
    "lowerdir=$share,upperdir=$T/share/up,workdir=$T/share/work" "$share"; then
	may_move=yes
	mkdir -p "$share/relais"
	cp "$srcdir/src/conf/providers" "$presets"
fi 2>/dev/null
chmod 755 "$T/moved"
start_relaisd home < <(
	account mail mail.example.test 587 starttls
	printf '[account known]\nprovider = gmail\naddress = x@gmail.com\n'
	printf 'password_file = %s\nsenders = x@gmail.com\n' "$T/secret/mail"
)
if [ -z "$may_move" ]; then
	skip "a reload that the worker cannot do: no third overlay here"
elif relais --json status | jq -e '.protections[] |
    select(.name == "Landlock") | .holds' >/dev/null; then
	was=$(worker home)
	mv "$presets" "$T/moved/providers"
	ln -s "$T/moved/providers" "$presets"
	sed -i -e 's,^listen = .*,listen = 127.0.0.1:2611\nmax_size = 8M,' \
	    "$T/home/relais.conf"
	relais_running() {
		RELAIS_CONTROL=$T/home/control.sock "$top_builddir/relais" "$@"
	}
	check "who asks for a reload that the worker cannot do is told" eval \
	    '! relais_running reload >"$T/told" 2>&1'
	check "  why: $(tail -n 1 "$T/told")" \
	    grep -q "$presets.*Permission denied" "$T/told"
	check "the old listener answers" greets 127.0.0.1 2525
	check "  and no new one" eval '! port_open 127.0.0.1 2611'
	check "the old values are in force" \
	    [ "$(in_force "relais " max_size)" = 50M ]
	reload home
	check "at a signal it is logged" \
	    grep -q "reload refused by the worker" "$T/home.log"
	kill -KILL "$(worker home)"
	until_true 20 eval '[ "$(worker home)" != "$was" ]'
	check "a new worker has the old values, too" until_true 20 \
	    eval '[ "$(in_force "relais " max_size)" = 50M ]'
	rm "$presets"
	mv "$T/moved/providers" "$presets"
	reload home
	check "once it can be read, the reload is done" greets 127.0.0.1 2611
else
	skip "a reload that the worker cannot do: Landlock does not hold"
fi
stop home

# --- a path from where it was started -----------------------------------------

rm -rf "${T:?}/home"
relaisd_conf home < <(
	echo "log = $T/home/daemon.log"
	account mail mail.example.test 587 starttls
)
: >"$T/home/daemon.log"
chown relais "$T/home/daemon.log"
(cd "$T/home" && exec "$top_builddir/relaisd" -c relais.conf) 2>"$T/home.log"
until_true 10 port_open 127.0.0.1 2525
pid=$(relais --json status | jq .pid)
set_conf home max_size 6M
echo "max_per_hour = 77" >>"$T/home/relais.conf"
kill -HUP "$pid"
check "a path that was relative at the start is found at a reload" \
    until_true 10 grep -q "configuration reloaded: $T/home/relais.conf" \
    "$T/home/daemon.log"
check "and read" [ "$(in_force "account mail" max_per_hour)" = 77 ]
kill "$pid"
until_true 20 eval "! kill -0 $pid 2>/dev/null"

# --- a secret that cannot be read any more ------------------------------------

rm -rf "${T:?}/home"
mkdir -p "$T/shut"
chmod 755 "$T/shut"
cat "$T/secret/mail" >"$T/shut/mail"
chmod 600 "$T/shut/mail" # root's, who reads it at the start
shut() { account mail mail.example.test 587 starttls |
    sed "s,^password_file = .*,password_file = $T/shut/mail,"; }
start_relaisd home < <(shut)
before=$(got mail)
send
check "a secret of root's is read at the start" \
    until_true 10 has_got mail $((before + 1))
reload home
send
check "and kept while it is the same" until_true 10 has_got mail $((before + 2))
check "which is nothing to complain of" \
    eval '! grep -qF "$T/shut/mail" "$T/home.log"'
printf 'another one\n' >"$T/shut/mail"
reload home
# The next message wants a new connection.
stop mail
start_provider mail
check "one that has changed is named, with who cannot read it" \
    grep -qE "user relais cannot read .*$T/shut/mail" "$T/home.log"
send
check "the old one is not used: the account waits for a person" \
    until_true 25 is_state held
check "for the secret, not for a refusal" \
    eval 'relais --json status | jq -r ".accounts[0].reason" | grep -qF "$T/shut/mail"'
chown relais "$T/shut/mail"
cat "$T/secret/mail" >"$T/shut/mail"
reload home
check "readable and right, it goes" until_true 20 has_got mail 1
[ "$sandbox_bad" = 0 ] || show_log home 40
sandbox_done
