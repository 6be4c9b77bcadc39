#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Hostile users at the drop folder: links, pipes, folders, huge and lying files,
# other people's files, and files that change while they are read.  Nothing of
# anybody else's is sent or touched, no submitter is believed but the kernel,
# and honest mail goes through meanwhile (R29, R30).
#	SEED=N tests/fault/droppers.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
. "$srcdir/tests/lib/load.sh"
need python3 certtool jq setpriv
sandbox_enter
[ -x "$top_builddir/relaisd" ] || skip_all "relaisd is not built"
: "${SEED:=$RANDOM}"
note "seed $SEED"
DROP=$T/home/spool/drop
conf() {
	echo 'max_size = 5M'
	account mail mail.example.test 587 starttls
}
as() { # USER COMMAND...
	setpriv --reuid "$1" --regid "$1" --clear-groups --no-new-privs "${@:2}"
}
drop() { # USER SUBJECT
	printf 'Subject: %s\n\nby %s\n' "$2" "$1" |
	    as "$1" env RELAIS_SOCKET=/nowhere RELAIS_SMTP=127.0.0.1:1 \
		"RELAIS_DROP=$DROP" "$top_builddir/sendmail" -f "$1@example.test" \
		to@example.org
}
# Python may live where only root can reach it.
cat >"$T/as.py" <<'EOF'
import os, pwd, random, socket, sys, time
alice = pwd.getpwnam("alice")
os.setgroups([])
os.setgid(alice.pw_gid)
os.setuid(alice.pw_uid)
sys.argv = sys.argv[1:]
exec(compile(sys.stdin.read(), "alice", "exec"))
EOF
as_alice() { # ARGUMENT... <SCRIPT
	python3 "$T/as.py" "$@"
}
# A name that relaisd looks at.
name() { printf '%016d' "$1" | tr '0-9' "$2-$3"; }
arrives() { # USER SUBJECT WHAT
	local began
	began=$(now_ms)
	if drop "$1" "$2" && until_true 40 has_mail provider "$2"; then
		pass "$3 ($(($(now_ms) - began)) ms)"
	else
		fail "$3"
		show_log home
	fi
}
log_has() { grep -q -- "$1" "$T/home.log"; }

start_provider provider
start_relaisd home < <(conf)
arrives alice honest "an honest user's mail goes through"
check "under the kernel's word for who it was" \
    log_has "picked-up .*uid=$(id -u alice) user=alice"

# --- what others can do with what lies there ----------------------------------

stop home
drop bob victim
victim=$(find "$DROP" -type f)
check "the folder cannot be listed" eval '! as alice ls "$DROP" 2>/dev/null'
check "nor another one's file be read" eval '! as alice cat "$victim" 2>/dev/null'
check "nor removed" eval '! as alice rm -f "$victim" 2>/dev/null'
check "nor renamed" eval '! as alice mv "$victim" "$DROP/$(name 7 a j)" 2>/dev/null'
check "nor written over" \
    eval '! as alice sh -c "echo mine >\"$victim\"" 2>/dev/null'

# --- what they can put there --------------------------------------------------

# A good file of alice's, as a mould for bad ones.
drop alice mould
mould=$(find "$DROP" -type f ! -path "$victim" -user alice)
mkdir -m 755 "$T/evil"
mv "$mould" "$T/evil/mould"
chown -R alice:alice "$T/evil"
printf 'Subject: stolen\n\nsecret\n' >"$T/evil/secret"
sed 's/mould/stolen/' "$T/evil/mould" >"$T/evil/stolen"
chown root:root "$T/evil/secret" "$T/evil/stolen"
chmod 600 "$T/evil/secret" "$T/evil/stolen"
cat >"$T/put.py" <<'EOF'
import os, socket, sys
drop, evil, victim = sys.argv[1:4]
mould = open(evil + "/mould", "rb").read()
n = 0
def path():
    global n
    n += 1
    return "%s/%016d" % (drop, n)
def put(data):
    with open(path(), "wb") as f:
        f.write(data)
os.symlink(evil + "/secret", path())
os.symlink(evil + "/stolen", path())
os.symlink(victim, path())
os.symlink("/dev/zero", path())
os.symlink(drop, path())
for target in victim, evil + "/mould":
    try:
        os.link(target, path())
    except OSError:
        pass  # the kernel protects links already
os.mkfifo(path())
s = socket.socket(socket.AF_UNIX)
s.bind(path())
os.mkdir(path())
put(b"")
put(b"\0" * 100000)
put(b"relais-drop 1\n" * 1000)
put(mould[:-20])
put(mould + mould)
put(mould.replace(b"size: ", b"size: 9"))
put(mould.replace(b"size: ", b"size: -"))
put(mould.replace(b"by alice", b"by root!"))  # another checksum
put(mould.replace(b"\n\n", b"\nuid: 0\nuser: root\n\n", 1))
put(mould.replace(b"to@example.org", b"to@example.org>\r\nRCPT TO:<x"))
# Ten gigabytes, of which nothing is on the disk.
f = open(path(), "wb")
f.write(mould)
f.truncate(10 << 30)
f.close()
print(n)
EOF
put=$(as_alice put "$DROP" "$T/evil" "$victim" <"$T/put.py")
[ "${put:-0}" -ge 20 ] || fail "only ${put:-0} bad files are put"
# As where the kernel does not protect links, and as root's mistake.
ln "$T/evil/stolen" "$DROP/$(name 500 0 9)"
ln "$victim" "$DROP/$(name 501 0 9)"
run_relaisd home
wait_port home 127.0.0.1 2525
arrives bob "after the heap" "$put bad files do not keep honest mail from going"
rm -f "$DROP/$(name 501 0 9)"
sleep 6
check "what is stolen is not sent" \
    eval '! grep -rqs "stolen\|secret" "$T/provider"'
check "nobody's word about himself is believed" \
    eval '! log_has "picked-up .*user=root" && ! log_has "picked-up .*uid=0 "'
check "what links led to is untouched" eval '[ -s "$T/evil/secret" ] &&
    [ -s "$T/evil/stolen" ] && [ -s "$T/evil/mould" ]'
check "no recipient is smuggled in" eval '! grep -qs "<x" "$T"/provider/*.env'
note "in corrupt/: $(find "$T/home/spool/corrupt" -mindepth 1 | wc -l)," \
    "still in drop/: $(find "$DROP" -mindepth 1 | wc -l)"
no_crash home

# --- so many that nobody else is looked at ------------------------------------

# Folders with something inside can be neither moved nor removed.  The kernel lists
# what came last first, here; elsewhere in any order, but always the same.
stop home
drop bob "behind a crowd"
as_alice crowd "$DROP" <<'EOF'
import os, sys
for i in range(3000):
    d = "%s/%016d" % (sys.argv[1], 10000 + i)
    os.mkdir(d, 0o700)
    open(d + "/x", "w").close()
EOF
lines=$(wc -l <"$T/home.log")
run_relaisd home
wait_port home 127.0.0.1 2525
check "3,000 folders do not keep honest mail from going" \
    until_true 40 has_mail provider "behind a crowd"
sleep 6
lines=$(($(wc -l <"$T/home.log") - lines))
check "and the log is not flooded: $lines lines" [ $lines -lt 400 ]

# --- races --------------------------------------------------------------------

# While relaisd looks, a name is a good file, a link to somebody else's, a file
# that grows, shrinks and changes.
cat >"$T/race.py" <<'EOF'
import os, random, sys, time
drop, evil, seconds, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
random.seed(int(seed))
mould = open(evil + "/mould", "rb").read()
names = ["%s/%016d" % (drop, 20000 + i) for i in range(30)]
end = time.monotonic() + seconds
swaps = 0
tmp = evil + "/tmp"
while time.monotonic() < end:
    p = random.choice(names)
    swaps += 1
    try:
        what = random.randrange(6)
        if what == 0:
            with open(p, "wb") as f:
                f.write(mould)
        elif what == 1:
            os.symlink(evil + "/stolen", tmp)
            os.rename(tmp, p)
        elif what == 2:
            os.truncate(p, random.randrange(len(mould)))
        elif what == 3:
            with open(p, "r+b") as f:
                f.seek(random.randrange(len(mould)))
                f.write(b"X" * 20)
        elif what == 4:
            os.unlink(p)
        else:
            os.link(evil + "/mould", p)
    except OSError:
        pass
print(swaps)
EOF
ulimit -c 0
swaps=$(as_alice race "$DROP" "$T/evil" 8 "$SEED" <"$T/race.py")
[ "${swaps:-0}" -gt 100 ] || fail "only ${swaps:-0} swaps"
arrives bob "after the race" "$swaps swaps do not keep honest mail from going"
torn() {
	local f
	for f in "$T"/provider/*.eml; do
		grep -qs '^Subject: mould' "$f" || continue
		[ "$(body_of "$f")" = "by alice" ] || echo "$f"
	done
}
check "a file that changes while it is read is sent whole or not at all" \
    [ -z "$(torn)" ]
check "nothing stolen is sent" eval '! grep -rqs "stolen\|secret" "$T/provider"'
no_crash home
check "relaisd is up" is_up home
sandbox_done
