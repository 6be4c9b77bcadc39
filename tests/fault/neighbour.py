# SPDX-License-Identifier: GPL-3.0-or-later
"""What an unprivileged user may try, and an honest one beside it.

	neighbour.py USER COMMAND ARGUMENT...

Becomes USER first; started as root, because Python may live where only root can
reach it.  Each command prints one line of figures.
"""
import encodings.idna, json, os, pwd, socket, sys, time, zlib

SMTP = ("127.0.0.1", 2525)


def talk(s, f, line):
    s.sendall(line.encode() + b"\r\n")
    while True:
        reply = f.readline()
        if reply[3:4] != b"-":
            return reply


def submit(message, rcpt=b"to@example.org"):
    with socket.create_connection(SMTP, timeout=100) as s:
        f = s.makefile("rb")
        f.readline()
        for line in "EHLO x", "MAIL FROM:<x@example.test>", "RCPT TO:<%s>" % rcpt.decode(), "DATA":
            reply = talk(s, f, line)
            if reply[:1] not in b"23":
                return reply
        s.sendall(message + b"\r\n.\r\n")
        return f.readline()


def honest(seconds, until):
    """One small mail after the other: the longest that one had to wait."""
    end = time.monotonic() + float(seconds)
    longest = n = bad = 0
    while time.monotonic() < end and not os.path.exists(until):
        began = time.monotonic()
        ok = submit(b"Subject: honest %d\r\n\r\nx" % n)[:1] == b"2"
        longest = max(longest, time.monotonic() - began)
        bad += not ok
        n += 1
        time.sleep(0.02)
    print(int(longest * 1000), n, bad)


def once():
    """One mail: milliseconds, and what was said."""
    began = time.monotonic()
    reply = submit(b"Subject: once\r\n\r\nx")
    print(int((time.monotonic() - began) * 1000), reply.decode().strip())


def drop_text(rcpts, body, spoil=False, sender=b"x@example.test"):
    head = b"relais-drop 1\nsize: %d\nid: \narrived: 0\nfrom: %s\npeer: \n" % (len(body), sender)
    head += b"".join(b"rcpt: %s\n" % r for r in rcpts)
    head += b"sum: %08x\n\n" % zlib.crc32(head)
    return head + body + b"end %d %08x\n" % (len(body), zlib.crc32(body) ^ spoil)


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def crafted(drop, count):
    """Files that look right from a distance."""
    body = b"Subject: crafted\r\n\r\n" + b"x" * 70 + b"\r\n"
    for i in range(int(count)):
        kind = i % 4
        if kind == 0:
            text = drop_text([b"a@b.example"], body * 80, spoil=True)
        elif kind == 1:
            text = drop_text([b"a%d@b.example" % k for k in range(400)], body, spoil=True)
        elif kind == 2:
            text = drop_text([b"a> NOTIFY=NEVER"], body * 80)
        else:
            text = drop_text([b"a@b.example"], body * 80)[:-10]
        put("%s/%016d" % (drop, i), text)
    print(count)


def crowd(drop, count):
    body = b"Subject: crowd\r\n\r\nx\r\n"
    put(drop + "/c000000000000000", drop_text([b"a%d@b.example" % k for k in range(int(count))], body))
    print(count)


def foreign(drop, count):
    for i in range(int(count)):
        put("%s/foreign%d" % (drop, i), b"x" * 100)
    print(count)


def model(path):
    """A good file for the crime of moving it."""
    put(path, drop_text([b"to@example.org"], b"Subject: moved\r\n\r\nby another one\r\n"))


def move(source, drop):
    os.rename(source, drop + "/d000000000000000")


def hide(count):
    """Hangs up before anybody can ask whose the connection is."""
    text = (b"EHLO x\r\nMAIL FROM:<x@example.test>\r\nRCPT TO:<to@example.org>\r\nDATA\r\n"
            b"Subject: hidden\r\n\r\nx\r\n.\r\nQUIT\r\n")
    for i in range(int(count)):
        s = socket.create_connection(SMTP)
        s.sendall(text)
        s.close()
    print(count)


def control(path, verb, count):
    """Many requests at once; nobody reads the answers but of the last."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    text = json.dumps({"verb": verb}).encode() + b"\n"
    began = time.monotonic()
    s.setblocking(False)
    left = text * int(count)
    answers = 0
    while answers < int(count) and time.monotonic() < began + 60:
        if left:
            try:
                left = left[s.send(left):]
            except BlockingIOError:
                pass
        try:
            answers += s.recv(1 << 20).count(b'"ok"')
        except BlockingIOError:
            time.sleep(0.001)
    print(int((time.monotonic() - began) * 1000), answers)


def unread(path, count, seconds):
    """Listings that nobody reads."""
    all = []
    for i in range(8):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.setblocking(False)
        try:
            s.send(b'{"verb":"queue"}\n' * int(count))
        except BlockingIOError:
            pass
        all.append(s)
    time.sleep(float(seconds))
    print(len(all))


def flood(what, seconds):
    """Twenty clients that send the same commands without end and read what comes."""
    text = (what.replace("\\r\\n", "\r\n") + "\r\n").encode() * 500
    end = time.monotonic() + float(seconds)
    sent, all = 0, []
    while time.monotonic() < end:
        while len(all) < 20:
            s = socket.create_connection(SMTP)
            s.setblocking(False)
            s.send(b"EHLO x\r\n")
            all.append([s, b""])
        for client in list(all):
            s, left = client
            try:
                n = s.send(left or text)
                client[1] = (left or text)[n:]
                sent += n
            except BlockingIOError:
                pass
            except OSError:
                all.remove(client)
                continue
            try:
                s.recv(1 << 20)
            except BlockingIOError:
                pass
            except OSError:
                all.remove(client)
        time.sleep(0.0005)
    print(sent)


def early(seconds):
    """Clients that begin and are gone, and some that wait for ever."""
    end = time.monotonic() + float(seconds)
    n, all = 0, []
    while time.monotonic() < end:
        s = socket.create_connection(SMTP)
        n += 1
        try:
            s.sendall(b"EHLO x\r\nMAIL FROM:<x@example.test>\r\nRCPT TO:<to@example.org>\r\nDATA\r\n")
        except OSError:
            pass  # turned away
        if n % 100 == 0:
            all.append(s)
        else:
            s.close()
    print(n)


def nuls(count):
    began = time.monotonic()
    reply = submit(b"Subject: nuls\r\n\r\n" + b"\0" * int(count))
    print(int((time.monotonic() - began) * 1000), reply[:3].decode())


def mentions(name, count):
    began = time.monotonic()
    header = b"To: x@example.org" + b"".join(b",\r\n " + name.encode() for i in range(int(count)))
    # No field is larger than the header may be; then several.
    fields, line = [], []
    for i in range(int(count)):
        line.append(name.encode())
        if len(line) == 5000:
            fields.append(b"To: x@example.org,\r\n " + b",\r\n ".join(line))
            line = []
    reply = submit(b"\r\n".join(fields) + b"\r\nSubject: mentions\r\n\r\nx")
    print(int((time.monotonic() - began) * 1000), reply[:3].decode())


def run(commands):
    user = pwd.getpwnam(sys.argv[1])
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    commands[sys.argv[2]](*sys.argv[3:])


if __name__ == "__main__":
    run(globals())
