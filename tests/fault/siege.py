# SPDX-License-Identifier: GPL-3.0-or-later
"""A neighbour who is slow, who reads nothing, who resets, and what lies in the drop
folder that is no file.

	siege.py USER COMMAND ARGUMENT...

Becomes USER first, as neighbour.py does.  Each command prints one line.
"""
import encodings.idna, os, random, select, socket, struct, sys, time

sys.dont_write_bytecode = True  # beside the source
from neighbour import drop_text, put, run


def connect(where, window=0):
    unix = where[0] == "/"
    s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    if window:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    s.settimeout(5)
    s.connect(where if unix else (where.rsplit(":", 1)[0], int(where.rsplit(":", 1)[1])))
    return s


def reset(s):
    if s.family == socket.AF_INET:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def trickle(where, count, seconds):
    """So many connections that say one byte a second."""
    text = b"EHLO x\r\nMAIL FROM:<x@example.test>\r\n"
    end, open_, turned_away, i = time.monotonic() + float(seconds), [], 0, 0
    while time.monotonic() < end:
        while len(open_) < int(count):
            try:
                open_.append(connect(where))
            except OSError:
                break
        began = time.monotonic()
        for s in list(open_):
            try:
                s.send(text[i % len(text):i % len(text) + 1])
            except OSError:
                open_.remove(s)
                s.close()
                turned_away += 1
        i += 1
        time.sleep(max(0, began + 1 - time.monotonic()))
    print(len(open_), "open,", turned_away, "turned away")


def deaf(where, count, seconds, line):
    """Clients that ask without end and read no reply."""
    all, sent = [], 0
    for i in range(int(count)):
        try:
            s = connect(where, 2048)
            s.setblocking(False)
            all.append(s)
        except OSError:
            pass
    end = time.monotonic() + float(seconds)
    text = line.encode().replace(b"\\r\\n", b"\r\n").replace(b"\\n", b"\n") * 500
    while all and time.monotonic() < end:
        for s in select.select([], all, [], 0.2)[1]:
            try:
                sent += s.send(text)
            except OSError:
                all.remove(s)
    print(len(all), "left,", sent, "bytes taken")


STEPS = (b"EHLO x\r\n", b"MAIL FROM:<x@example.test>\r\n", b"RCPT TO:<y@example.org>\r\n", b"DATA\r\n",
         b"Subject: half\r\n\r\nhalf", b"\r\n.\r\n", b"QUIT\r\n")


def resets(where, seconds):
    """A reset after each step, with and without a pause, and within each."""
    end, n = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        for last in range(len(STEPS)):
            for cut in (0, 3, None):
                try:
                    s = connect(where)
                    for step in STEPS[:last]:
                        s.sendall(step)
                        if n % 2:
                            s.recv(4096)
                    s.sendall(STEPS[last][:cut])
                    reset(s)
                except OSError:
                    pass
                n += 1
    print(n, "resets")


def refused(where, seconds):
    """Mail that has been through too many hands, from another sender each time."""
    end, n = time.monotonic() + float(seconds), 0
    header = b"Received: by x\r\n" * 120
    while time.monotonic() < end:
        try:
            s = connect(where)
            for i in range(10):
                s.sendall(b"EHLO x\r\nMAIL FROM:<%x@example.test>\r\nRCPT TO:<y@example.org>\r\nDATA\r\n"
                          b"%s\r\nx\r\n.\r\n" % (random.getrandbits(60), header))
            s.sendall(b"QUIT\r\n")
            while s.recv(65536):
                pass
            s.close()
            n += 10
        except OSError:
            pass
    print(n, "mails")


def absurd(path):
    """Requests of odd depth, size and form: how many got an answer that is one, and
    how many did not."""
    deep = 60000
    requests = [b"[" * deep, b"[" * deep + b"]" * 10, b'{"a":' * 10000 + b"1" + b"}" * 10000,
                b'{"verb":' + b"[" * 20000 + b"]" * 20000 + b"}", b'{"verb":"status","verb":"queue"}',
                b'{"verb":"' + b"\\u0000" * 5000 + b'"}', b'{"verb":"\\ud800"}', b'{"verb":1e999999999}',
                b'{"verb":' + b"9" * 60000 + b"}", b'{"verb":"show","id":"' + b"../" * 15000 + b'"}',
                b'{"verb":"queue","id":{"id":{"id":[]}}}', b"\xff\xfe" * 20000, b"null", b"", b"\0" * 60000,
                b'{"' + b"a" * 60000 + b'":1}', b"{" + b",".join(b'"k%d":1' % i for i in range(6000)) + b"}"]
    good = bad = 0
    for r in requests:
        try:
            s = connect(path)
            s.sendall(r + b"\n")
            got = s.recv(65536)
            good, bad = good + (got[:6] == b'{"ok":'), bad + (got[:6] != b'{"ok":')
        except OSError:
            bad += 1
        s.close()
    print(good, bad)


def litter(drop, count):
    """FIFOs, links, sockets, folders, sparse files, with the names that files of the
    drop folder have."""
    for i in range(int(count)):
        path = os.path.join(drop, "f%015x" % random.getrandbits(60))
        kind = i % 6
        try:
            if kind == 0:
                os.mkfifo(path, 0o644)
            elif kind == 1:
                os.symlink("/dev/zero", path)
            elif kind == 2:
                os.symlink("/etc/shadow", path)
            elif kind == 3:
                socket.socket(socket.AF_UNIX).bind(path)
            elif kind == 4:
                os.mkdir(path)
            else:
                put(path, drop_text([b"to@example.org"], b"Subject: sparse\r\n\r\nx\r\n"))
                os.truncate(path, 1 << 40)
        except OSError as e:
            print(e)
    print(count, "things")


def names(drop, seconds):
    """Names of mail as fast as they can be made: links to one file, and files with
    nothing in them."""
    end, n = time.monotonic() + float(seconds), 0
    one = os.path.join(drop, "f%015x" % random.getrandbits(60))
    while time.monotonic() < end:
        path = os.path.join(drop, "f%015x" % random.getrandbits(60))
        try:
            if n % 10 == 0:
                put(path, b"")
                one = path
            else:
                os.link(one, path)
            n += 1
        except FileNotFoundError:
            put(one, b"")  # it was removed
        except OSError:
            pass
    print(n, "names")


def picked(drop, seconds):
    """One good file after the other: how long the longest of them lay there."""
    end, n, longest = time.monotonic() + float(seconds), 0, 0
    while time.monotonic() < end:
        draft = os.path.join(drop, ".e%015x" % random.getrandbits(60))
        path = draft.replace("/.e", "/e")
        put(draft, drop_text([b"to@example.org"], b"Subject: picked %d\r\n\r\nx\r\n" % n))
        began = time.monotonic()
        os.rename(draft, path)
        while os.path.exists(path) and time.monotonic() < began + 120:
            time.sleep(0.01)
        longest, n = max(longest, time.monotonic() - began), n + 1
        time.sleep(0.2)
    print(int(longest * 1000), n)


def shrinking(drop, seconds):
    """Files that change their length while they are read."""
    body = b"Subject: shrinking\r\n\r\n" + (b"x" * 70 + b"\r\n") * 20000
    end, n = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        path = os.path.join(drop, "f%015x" % random.getrandbits(60))
        put(path, drop_text([b"to@example.org"], body))
        n += 1
        for k in range(30):
            try:
                os.truncate(path, random.randrange(len(body)))
                time.sleep(0.001)
            except OSError:
                break
    print(n, "files")


if __name__ == "__main__":
    run(globals())
