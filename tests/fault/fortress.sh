#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# fortress.sh - somebody has taken over the process that reads what strangers
# send: each thing that they would try fails, is denied or ends that process, and
# relaisd goes on.  Builds a relaisd of its own (--enable-attack).
# shellcheck disable=SC2016,SC2317
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3 certtool jq make
if [ -z "${SANDBOX_INSIDE:-}" ]; then
	build=$top_builddir/attack
	mkdir -p "$build"
	(
		cd "$build" || exit 1
		[ -f Makefile ] || "$srcdir/configure" -q --enable-attack CFLAGS=-O1 \
		    CC="$(sed -n 's/^CC = //p' "$top_builddir/Makefile")" || exit 1
		# Of the whole, the two programs.
		make -s -j2 relaisd relais relais-cred
	) >"$build/log" 2>&1 || skip_all "cannot build with --enable-attack: $build/log"
fi
sandbox_enter
top_builddir=$top_builddir/attack
start_provider_of_top() { top_builddir=$(dirname "$top_builddir") start_provider "$@"; }
start_provider_of_top provider
mkdir -p "$T/out"
chmod 777 "$T/out"
# Another account, whose secret the worker was never asked for.
printf 'another secret\n' >"$T/secret/other"
chmod 600 "$T/secret/other"
chown relais:relais "$T/secret/other"
start_relaisd home < <(
	account mail mail.example.test 587 starttls
	account other mail.example.test 465 implicit |
	    sed -e 's,secret/mail,secret/other,' -e '$a senders = nobody@example.test'
)
# Asked of the kernel and of the program, not of relaisd.
can_hold() {
	case $1 in
	seccomp) grep -q ^Seccomp: /proc/self/status &&
	    ldd "$top_builddir/relaisd" | grep -q libseccomp ;;
	Landlock) python3 -c '
import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 1)' ;;
	esac
}
why() {
	relais --json status |
	    jq -r ".protections[] | select(.name == \"$1\") | .why"
}
holds() {
	relais --json status |
	    jq -e ".protections[] | select(.name == \"$1\") | .holds" >/dev/null
}
check "no new privileges" holds "no new privileges"
of_worker() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$(worker home)/status"; }
check "  as the kernel has it" test "$(of_worker NoNewPrivs)" = 1
check "  and no capability" test "$(of_worker CapEff)" = 0000000000000000
can_hold seccomp || skip_all "seccomp cannot hold: $(why seccomp)"
check "seccomp holds" holds seccomp
check "the filter is there" test "$(of_worker Seccomp)" = 2
each_thread() {
	local t
	for t in "/proc/$(worker home)"/task/*; do
		grep -q '^Seccomp:.2' "$t/status" || return 1
	done
}
check "  in each of its threads" each_thread
check "mail goes out" submit first
check "  and arrives" until_true 10 has_mail provider first

# attack NAME [TARGET]: what became of it: an errno, 0 if it worked, or "died".
# ON=thread: not from the thread that has the loop.
attack() {
	python3 - "$T/home/control.sock" "$@" <<-'EOP'
	import json, os, socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(60)
	s.connect(sys.argv[1])
	args = {"name": sys.argv[2], "target": "".join(sys.argv[3:])}
	args["thread"] = os.environ.get("ON") == "thread"
	s.sendall(json.dumps({"verb": "attack", "args": args}).encode() + b"\n")
	text = b""
	while not text.endswith(b"\n"):
	    more = s.recv(65536)
	    if not more:
	        print("died")
	        sys.exit()
	    text += more
	reply = json.loads(text)
	print(reply.get("result", reply).get("errno", reply))
	EOP
}
is_new() { [ "$(worker home)" != "$was" ] && relais status >/dev/null 2>&1; }
# denied WHAT NAME [TARGET]: it goes on as the same process.
denied() {
	local what=$1 said
	shift
	was=$(worker home)
	said=$(attack "$@")
	case $said in
	0 | 2 | died | *[!0-9]* | "") fail "$what: $said"; show_log home 5 ;;
	*) pass "$what is denied: errno $said" ;;
	esac
	[ "$(worker home)" = "$was" ] || until_true 10 relais status >/dev/null
}
# unknown WHAT NAME [TARGET]: the kernel says that it has no such call.
unknown() {
	local what=$1 said
	shift
	said=$(attack "$@")
	check "$what is not there" test "$said" = 38
	[ "$said" = 38 ] || note "$said"
}
# fatal WHAT SIGNAL NAME [TARGET]: it is ended, and another one starts.
fatal() {
	local what=$1 signal=$2 said
	shift 2
	was=$(worker home)
	said=$(attack "$@")
	if { [ "$said" = died ] || [ "$said" = 13 ]; } && until_true 10 is_new &&
	    until_true 5 grep -q "process $was, was ended by signal $signal;" \
		"$T/home.log"; then
		pass "$what ends it"
	else
		fail "$what: $said"
		show_log home 5
	fi
}

fatal "starting a program" 31 exec
# Each has a filter in any case, the one against io_uring.
ON=thread fatal "  by another thread" 31 exec
fatal "starting a process" 31 fork
fatal "starting a thread" 31 thread
fatal "tracing the keeper" 31 ptrace
fatal "executable memory" 31 mprotect
for call in io_uring execveat unshare setns mount chroot bpf keyctl userfaultfd \
    process_vm_readv process_vm_writev pidfd_getfd pkey_mprotect \
    perf_event_open open_by_handle_at; do
	fatal "$call" 31 call "$call"
done
if [ "$(uname -m)" = x86_64 ]; then
	fatal "a call as x32 makes it" 31 x32
	fatal "a call as i386 makes it" 31 i386
fi
for call in memfd_create pidfd_open pidfd_send_signal clone3 sendmmsg socketpair \
    listen personality shmat remap_file_pages tkill rt_sigqueueinfo kcmp \
    mknodat fchmod fchownat setxattr fallocate setuid capset seccomp \
    landlock_restrict_self splice name_to_handle_at acct; do
	unknown "$call" call "$call"
done
unknown "a hard link" link "$T/secret/other:$T/home/spool/queue/linked"
unknown "a symbolic link" symlink "/etc/passwd:$T/home/spool/queue/linked"
unknown "typing into a terminal" type
unknown "a memory that others may read" dumpable
unknown "outliving the keeper" outlive
# family,type,protocol, by number: SCTP, UDP, raw IP, packets, vsock, the kernel's
# ciphers, Bluetooth; and what else the kernel tells by netlink.
for call in 2,1,132 2,5,132 2,2,0 10,2,0 2,3,1 17,3,0 40,1,0 38,5,0 31,3,0 1,1,0 \
    1,5,0 16,3,12 16,3,6 16,2,0 16,3,9 16,3,16; do
	unknown "a socket($call)" socket "$call"
done
denied "mapped executable memory" mmap
denied "killing the keeper" kill
denied "taking the keeper's descriptors" limit
denied "signals to the keeper by a descriptor" own
check "  which lives" is_up home
denied "a setuid file" setuid "$T/home/spool/queue/setuid"
denied "opening the spool to all" chmod "$T/home/spool/queue"
python3 -c '
import os, socket, sys, time
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
c.bind("\0somebody")
a = [socket.create_server(("127.0.0.1", p)) for p in (443, 22)]
b = socket.socket(socket.AF_UNIX)
b.bind(sys.argv[1] + "/.s.PGSQL.5432")
b.listen(1)
os.chmod(sys.argv[1] + "/.s.PGSQL.5432", 0o777)
time.sleep(1000)' "$T/out" &
until_true 10 port_open 127.0.0.1 22
denied "a database" connect-unix "$T/out/.s.PGSQL.5432"
denied "binding a port" bind 9999
# Of Landlock, from Linux 6.12 on.
abi=$(python3 -c 'import ctypes
print(ctypes.CDLL(None).syscall(444, None, 0, 1))')
if [ "$abi" -ge 6 ]; then
	denied "an abstract socket" abstract somebody
else
	skip "an abstract socket: Landlock has ABI $abi"
fi
if can_hold Landlock; then
	check "Landlock holds" holds Landlock
	denied "/etc/shadow" read /etc/shadow
	denied "the configuration" read "$T/home/relais.conf"
	denied "the secret of another account" read "$T/secret/other"
	ON=thread denied "  for another thread" read "$T/secret/other"
	denied "  by a new name" rename "$T/secret/other:$T/home/spool/queue/x"
	denied "a file of somebody else" read /etc/passwd
	for call in mem environ maps root/etc/shadow fd/0 cwd ns/net; do
		denied "the keeper's $call" keeper "$call"
	done
	denied "its own memory as a file" memory
	denied "  and its environment" read /proc/self/environ
	denied "a file outside of the spool" write "$T/out/file"
	denied "a file in the spool's root" write "$T/home/spool/file"
	denied "port 22" connect 22
	ON=thread denied "  for another thread" connect 22
	denied "the port of the web" connect 443
	denied "port 22 by MPTCP" connect-multipath 22
	denied "port 22 by sending" connect-by-sending 22
	check "a port of an account is not" test "$(attack connect 587)" = 0
else
	skip "Landlock cannot hold: $(why Landlock)"
fi
for call in account account-of-lookup account-of-alert need kind no-kind file \
    event control flow sign-in groups future again ahead short long huge; do
	fatal "a forged ask ($call)" 9 forge "$call"
done
check "which is told" grep -q "asks for what relaisd never asks for" "$T/home.log"
# From Linux 6.16 on; before it the keeper closes what comes along.
descriptors() { find "/proc/$(cat "$T/home.pid")/fd" | wc -l; }
had=$(descriptors)
if python3 -c '
import socket, sys
try:
    socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0].setsockopt(
        socket.SOL_SOCKET, 83, 0)
except OSError:
    sys.exit(1)'
then
	denied "descriptors for the keeper" pass
else
	attack pass >/dev/null
fi
check "the keeper keeps no descriptor" test "$(descriptors)" = "$had"
check "a worker that hangs up" eval 'was=$(worker home); attack hang-up >/dev/null &
    until_true 40 is_new'
check "  and stays is ended" \
    grep -q "the worker does not stop; it is ended" "$T/home.log"
check "mail still goes out" submit last
check "  and arrives" until_true 10 has_mail provider last

# --- a new port --------------------------------------------------------------------

start_provider_of_top second --port 1999 --implicit-port 1998
sed -i 's/^port = 587/port = 1999/' "$T/home/relais.conf"
was=$(worker home)
kill -HUP "$(cat "$T/home.pid")"
if holds Landlock; then
	check "a port that was not allowed needs another worker" until_true 30 is_new
fi
check "mail goes there" submit moved
check "  and arrives" until_true 30 has_mail second moved

# --- seccomp = log, off ------------------------------------------------------------

sed -i '/^\[relais\]/a seccomp = off' "$T/home/relais.conf"
was=$(worker home)
kill -HUP "$(cat "$T/home.pid")"
check "seccomp = off needs another worker, too" until_true 30 is_new
check "  and status says so" eval 'relais status |
    grep -q "seccomp off, because seccomp = off"'
# libseccomp would have done this.
check "  and no new privileges are had without it" test "$(of_worker NoNewPrivs)" = 1
! can_hold Landlock || check "  nor other files" holds Landlock
sandbox_done
