#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# bytes.sh - every byte that an argument can hold, in every option of sendmail
# that has a value and in the recipient: refused with an exit status, or sent as
# one address, name or parameter; never a second command or field (R8, R14).
. "${srcdir:-$(dirname "$0")/../..}/tests/lib/sandbox.sh" || exit
need python3
sandbox_enter
cat >"$T/bytes.py" <<'END'
import os, re, socket, sys, threading

sendmail, path = sys.argv[1].encode(), sys.argv[2]
seen = []  # lines of the session under way
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(8)


def serve():
    while True:
        c, _ = listener.accept()
        f = c.makefile("rwb")

        def say(text):
            try:
                f.write(text + b"\r\n")
                f.flush()
            except OSError:
                pass  # it does not wait for every word

        say(b"220 hello")
        data = False
        for line in f:
            seen.append(line)
            if data:
                if line == b".\r\n":
                    data = False
                    say(b"250 2.0.0 taken")
            elif line.startswith(b"EHLO"):
                for e in (b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"DSN",
                          b"SIZE", b"ENHANCEDSTATUSCODES"):
                    say(b"250-" + e if e != b"PIPELINING" else
                        b"250-me\r\n250-" + e)
                say(b"250 XRELAIS")
            elif line.startswith(b"DATA"):
                data = True
                say(b"354 go")
            elif line.startswith(b"QUIT"):
                say(b"221 bye")
                break
            else:
                say(b"250 2.0.0 ok")
        done.set()
        try:
            f.close()
        except OSError:
            pass
        c.close()


done = threading.Event()
threading.Thread(target=serve, daemon=True).start()

message = b"Subject: s\nX-Last: yes\n\nbody\n"
fd = os.memfd_create("message")
os.write(fd, message)
null = os.open("/dev/null", os.O_RDWR)
env = {"RELAIS_SOCKET": path, "PATH": "/usr/bin:/bin"}


def run(args):
    del seen[:]
    done.clear()
    os.lseek(fd, 0, 0)
    pid = os.posix_spawn(sendmail, [b"sendmail"] + args, env, file_actions=[
        (os.POSIX_SPAWN_DUP2, fd, 0),
        (os.POSIX_SPAWN_DUP2, null, 1),
        (os.POSIX_SPAWN_DUP2, null, 2)])
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if seen and not done.wait(10):
        raise SystemExit("no end of the session: %r" % args)
    return status, list(seen)


# Quoted or not, an address cannot be left: no bracket and no blank outside
# quotes, and a backslash takes the next character along.
local = rb'(?:"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"|[^"\\<>()\[\], @\x00-\x1f\x7f])+'
domain = rb'(?:[^"\\<>()\[\], @\x00-\x1f\x7f]+|\[[^\[\]\\<> \x00-\x1f\x7f]*\])'
mailbox = local + rb"(?:@" + domain + rb")?"
mail = re.compile(rb"MAIL FROM:<(?:" + mailbox + rb")?> SIZE=\d+"
                  rb"(?: BODY=8BITMIME)?(?: SMTPUTF8)?(?: RET=(?:FULL|HDRS))?"
                  rb"(?: ENVID=(?:[!-*,-<>-~]|\+[0-9A-F]{2}){1,300})?"
                  rb"(?: XMODE=[a-z]+)?(?: XACCOUNT=[!-~]+)?\r\n")
rcpt = re.compile(rb"RCPT TO:<" + mailbox + rb">(?: NOTIFY=[A-Z,]+)?\r\n")
field = re.compile(rb"(From|Subject|X-Last): ")


def wrong(status, lines, may_control, has_control):
    if not lines:
        return None if status in (64, 65, 67, 75, 78) else "exit %d" % status
    if has_control and not may_control:
        return "a control character was taken"
    at = lines.index(b"DATA\r\n") if b"DATA\r\n" in lines else -1
    if at < 3 or not lines[0].startswith(b"EHLO ") or not mail.fullmatch(lines[1]):
        return "commands"
    if not all(rcpt.fullmatch(x) for x in lines[2:at]) or at - 2 > 3:
        return "recipients"
    if lines[-1] != b"QUIT\r\n" or lines[-2] != b".\r\n":
        return "the end"
    text = lines[at + 1:-2]
    if any(not x.endswith(b"\r\n") or b"\r" in x[:-2] or b"\0" in x for x in text):
        return "line ends"
    head = text[:text.index(b"\r\n")]
    if any(not field.match(x) and x[:1] not in (b" ", b"\t") for x in head):
        return "a field more"
    if sum(1 for x in head if field.match(x)) != 3:
        return "fields"
    if any(c > 0x7e or c < 0x20 for x in head for c in x[:-2] if c != 9):
        return "a field that is not printable"
    return None if status == 0 else "exit %d and a message" % status


options = [  # name, arguments around a value, the value, controls are cleaned
    ("-f", lambda v: [b"-f", v, b"to@example.net"], b"me@ex.org", False),
    ("-fX", lambda v: [b"-f" + v, b"to@example.net"], b"me@ex.org", False),
    ("-r", lambda v: [b"-r", v, b"to@example.net"], b'"m e"@ex.org', False),
    ("-F", lambda v: [b"-F", v, b"to@example.net"], b"A Name", True),
    # Known words go on, so blanks of any kind around them do no harm.
    ("-N", lambda v: [b"-N", v, b"to@example.net"], b"delay,success", True),
    ("-R", lambda v: [b"-R", v, b"to@example.net"], b"hdrs", False),
    ("-V", lambda v: [b"-V", v, b"to@example.net"], b"id+1", False),
    ("-a", lambda v: [b"-a", v, b"to@example.net"], b"acct", False),
    ("-B", lambda v: [b"-B", v, b"to@example.net"], b"8BITMIME", True),
    ("-O", lambda v: [b"-O", v, b"to@example.net"], b"DeliveryMode=b", True),
    ("-X", lambda v: [b"-X", v, b"to@example.net"], b"/tmp/log", True),
    ("-od", lambda v: [b"-od" + v, b"to@example.net"], b"b", True),
    ("recipient", lambda v: [v], b"to@ex.net", False),
    ("recipient behind --", lambda v: [b"--", v], b'"t o"@ex.net', False),
]
bad = 0
for name, build, value, may_control in options:
    sent = refused = 0
    problems = []
    status, lines = run(build(value))
    if wrong(status, lines, False, False) or not lines:
        problems.append("by itself: %r" % lines[:3])
    for c in range(1, 256):
        for at in sorted({0, len(value) // 2, len(value)}):
            v = value[:at] + bytes([c]) + value[at:]
            status, lines = run(build(v))
            why = wrong(status, lines, may_control, c < 32 or c == 127)
            if why:
                problems.append("%r: %s: %r" % (v, why, lines[:3]))
            sent += bool(lines)
            refused += not lines
    print("%s\t%s\t%d sent, %d refused" % ("FAIL" if problems else "ok", name,
                                           sent, refused))
    for p in problems[:5]:
        print("\t" + p)
    bad += len(problems)
sys.exit(bad != 0)
END
every_byte() { timeout 800 python3 "$T/bytes.py" "$top_builddir/sendmail" \
    "$T/smtp.sock" >"$T/result"; }
check "no argument of sendmail makes a command or a field" every_byte
cat "$T/result"
sandbox_done
