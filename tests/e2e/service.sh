#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# service.sh - relaisd as a service: root given up for good, sockets handed
# over by a service manager, readiness, the background, one user's own daemon.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
sandbox_enter
need python3 setpriv
start_provider mail
conf() { account mail mail.example.test 587 starttls; }
say() { # PORT: one mail over SMTP; the reply to its end
	printf 'Subject: x\n\nhello\n' | curl -sv --url "smtp://127.0.0.1:$1" \
	    --mail-from a@example.test --mail-rcpt b@example.test -T - 2>&1 |
	    sed -n 's/^< \(250 2\.0\.0.*\)/\1/p' | tail -n 1
}

# --- root is given up (R33), and one spool has one daemon ----------------------

start_relaisd home < <(conf)
pid=$(cat "$T/home.pid")
ids() { awk -v k="$1:" '$1 == k { print $2, $3, $4 }' "/proc/$pid/status"; }
u=$(id -u relais) g=$(id -g relais)
check "started as root it is user relais, saved ids included" \
    test "$(ids Uid) $(ids Gid)" = "$u $u $u $g $g $g"
check "it has no capability left" \
    test "$(awk '/^CapPrm/ { print $2 }' "/proc/$pid/status")" = 0000000000000000
check "and dumps no core (R32)" grep -q '^Max core file size *0 *0' \
    "/proc/$pid/limits"
mkdir -p "$T/second"
sed -e 's/2525/2527/' -e "s,$T/home/\(smtp\|control\),$T/second/\1," \
    "$T/home/relais.conf" >"$T/second/relais.conf"
"$top_builddir/relaisd" -f -c "$T/second/relais.conf" >"$T/second.log" 2>&1
status=$?
check "a second relaisd on the same spool exits with 75" test "$status" = 75
check "and says who holds it" grep -q "$T/home/spool" "$T/second.log"
starts() { # SED-SCRIPT: the exit status with a configuration changed by it
	mkdir -p "$T/other"
	chmod 755 "$T/other"
	sed -e "s,$T/home/,$T/other/," -e 's/2525/2528/' -e "$1" \
	    "$T/home/relais.conf" >"$T/other.conf"
	timeout 100 "$top_builddir/relaisd" -f -c "$T/other.conf" \
	    >"$T/other.log" 2>&1
	echo $?
}
check "a port that is taken: 75" test "$(starts 's/2528/2525/')" = 75
check "  and it is named" grep -q 2525 "$T/other.log"
stop home
echo "no folder" >"$T/file"
check "a spool that cannot be made: 73" test "$(
	starts "s,^spool *=.*,spool = $T/file/spool,")" = 73
mkdir -m 711 "$T/owned"
check "a spool of somebody else: 73" test "$(
	starts "s,^spool *=.*,spool = $T/owned,")" = 73
check "  with the command that helps" grep -q "chown -R" "$T/other.log"
check "a log that cannot be opened: 73" test "$(
	starts "/^\[relais\]/a log = $T/file/log")" = 73
check "a user that does not exist: 78" test "$(
	starts '/^user *=/d; /^\[relais\]/a user = nobody-of-that-name')" = 78
check "a configuration that is wrong: 78" test "$(starts '1i nonsense')" = 78
"$top_builddir/relaisd" -f -c "$T/none.conf" >/dev/null 2>&1
check "one that cannot be read: 78" test $? = 78
"$top_builddir/relaisd" --nonsense >/dev/null 2>&1
check "a wrong command line: 64" test $? = 64

# --- a provider that says nothing does not hold up the end ----------------------

start_provider mute --port 1587 --implicit-port 1465 --hang greeting
relaisd_conf quiet < <(account mail mail.example.test 1587 starttls)
run_relaisd quiet
wait_port quiet 127.0.0.1 2525
printf 'Subject: z\n\nhello\n' | RELAIS_SOCKET=$T/quiet/smtp.sock \
    "$top_builddir/sendmail" to@example.test
connecting() { RELAIS=quiet relais --json status |
    jq -e '.accounts[0].connections > 0' >/dev/null; }
until_true 5 connecting
start_s=$SECONDS
stop quiet
# What is under way has 20 s to be finished; there is nothing here.
check "a silent provider does not delay the stop" \
    test $((SECONDS - start_s)) -lt 15
stop mute

# --- sockets from the service manager, and readiness ---------------------------

cat >"$T/activate.py" <<'EOF'
# Binds 2530 and a Unix socket, hands both over as systemd does, and waits for
# READY=1 before it says so.
import os, socket, sys
tcp = socket.create_server(("127.0.0.1", 2530))
unix = socket.socket(socket.AF_UNIX)
unix.bind(sys.argv[1] + "/handed.sock")
unix.listen(16)
os.chmod(sys.argv[1] + "/handed.sock", 0o666)
note = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
note.bind(sys.argv[1] + "/notify")
os.chmod(sys.argv[1] + "/notify", 0o666)
pid = os.fork()
if pid == 0:
    os.dup2(tcp.fileno(), 3)
    os.dup2(unix.fileno(), 4)
    os.set_inheritable(3, True)
    os.set_inheritable(4, True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2",
                      NOTIFY_SOCKET=sys.argv[1] + "/notify",
                      WATCHDOG_PID=str(os.getpid()), WATCHDOG_USEC="1000000")
    os.execv(sys.argv[2], sys.argv[2:])
print("pid", pid, flush=True)
while True:
    text = note.recv(4096).decode()
    print(text, flush=True)
    if "STOPPING" in text:
        break
os.waitpid(pid, 0)
EOF
relaisd_conf home < <(conf)
sed -i 's,^listen = .*,listen = 127.0.0.1:2530,' "$T/home/relais.conf"
start handed python3 "$T/activate.py" "$T/home" "$top_builddir/relaisd" -f \
    -c "$T/home/relais.conf"
check "readiness is told to the service manager" \
    until_true 10 grep -q READY=1 "$T/handed.log"
case $(say 2530) in
*sent*) pass "mail goes through a socket that was handed over" ;;
*) fail "mail goes through a socket that was handed over"; show_log handed ;;
esac
check "sendmail uses the Unix socket that was handed over" eval \
    'printf "Subject: y\n\nhello\n" | RELAIS_SOCKET=$T/home/handed.sock \
    "$top_builddir/sendmail" to@example.test'
kill -HUP "$(awk '$1 == "pid" { print $2 }' "$T/handed.log")"
until_true 10 grep -q "configuration reloaded" "$T/handed.log"
printf '[listen more]\naddress = 127.0.0.1:2531\n' >>"$T/home/relais.conf"
kill -HUP "$(awk '$1 == "pid" { print $2 }' "$T/handed.log")"
check "a listener that the socket unit does not have is told" until_true 10 \
    grep -q "not listening on 127.0.0.1:2531: the service manager opens" \
    "$T/handed.log"
case $(say 2530) in
*sent*) pass "after a reload mail still goes through those handed over" ;;
*) fail "after a reload mail still goes"; show_log handed ;;
esac
# R48: a loop that hangs is silent, as one that is stopped.
handed=$(awk '$1 == "pid" { print $2 }' "$T/handed.log")
barks() { grep -c WATCHDOG=1 "$T/handed.log"; }
before=$(barks)
check "the watchdog hears of it, again and again" \
    until_true 5 eval '[ "$(barks)" -ge $((before + 4)) ]'
kill -STOP "$handed"
is_silent() {
	local n
	n=$(barks)
	sleep 2
	[ "$(barks)" = "$n" ]
}
# Who writes the log may be behind.
check "and nothing of one that hangs" until_true 1 is_silent
kill -CONT "$handed"
kill "$handed"
check "so is the stop" until_true 10 grep -q STOPPING=1 "$T/handed.log"
until_true 10 eval '! is_up handed'
sed -i 's,^listen = .*,listen = 127.0.0.1:2525,' "$T/home/relais.conf"

# --- the background ------------------------------------------------------------

"$top_builddir/relaisd" -c "$T/home/relais.conf" >"$T/background.log" 2>&1
status=$?
check "without -f the command returns 0 when the daemon runs" test $status = 0
check "and mail can be sent at once" test -n "$(say 2525)"
[ "$sandbox_bad" = 0 ] || show_log background
# It is nobody's child; this namespace has one such process.
for exe in /proc/[0-9]*/exe; do
	[ "$(readlink "$exe")" != "$top_builddir/relaisd" ] ||
	    kill "$(basename "$(dirname "$exe")")"
done
until_true 10 eval '! port_open 127.0.0.1 2525'
echo "listen = nonsense" >"$T/broken.conf"
"$top_builddir/relaisd" -c "$T/broken.conf" >"$T/background.log" 2>&1
check "a broken configuration is told at the terminal, exit 78" test $? = 78

# --- one user's own daemon -----------------------------------------------------

mkdir -p "$T/u/.config/relais" "$T/u/run"
{
	echo "[relais]"
	echo "admin = admin@example.test"
	conf
} | sed "s,$T/secret/mail,$T/u/secret," >"$T/u/.config/relais/relais.conf"
cp "$T/secret/mail" "$T/u/secret"
chmod 600 "$T/u/secret" "$T/u/.config/relais/relais.conf"
chmod 700 "$T/u/run"
chown -R alice:alice "$T/u"
chmod 755 "$T/pki"
as_alice() {
	setpriv --reuid alice --regid alice --clear-groups env -i \
	    PATH="$PATH" HOME="$T/u" XDG_RUNTIME_DIR="$T/u/run" "$@"
}
start alice setpriv --reuid alice --regid alice --clear-groups env -i \
    PATH="$PATH" HOME="$T/u" XDG_RUNTIME_DIR="$T/u/run" \
    "$top_builddir/relaisd" --user -f
if until_true 10 test -S "$T/u/run/relais/smtp.sock"; then
	pass "relaisd --user runs in the folders of its user"
else
	fail "relaisd --user runs in the folders of its user"
	show_log alice
fi
check "sendmail prefers the caller's own daemon" eval \
    'printf "Subject: mine\n\nhello\n" | as_alice "$top_builddir/sendmail" -v \
    to@example.test'
sent() { grep -q ' sent .*user=alice' "$T/alice.log"; }
check "which sends it" until_true 10 sent
check "relais talks to it" eval 'as_alice "$top_builddir/relais" status |
    grep -q "^mail *ready"'
[ "$sandbox_bad" = 0 ] || show_log alice
sandbox_done
