# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks to relaisd's sockets without being a client of theirs.

	abuse.py USER COMMAND ARGUMENT...

Becomes USER first, as neighbour.py does.  stalls stands between relaisd and a
provider; the others print what they saw.
"""
import array, encodings.idna, os, socket, sys, threading, time

sys.dont_write_bytecode = True  # beside the source
from neighbour import run

MAIL = (b"EHLO x\r\nMAIL FROM:<x@example.test>\r\nRCPT TO:<smuggled@example.org>\r\n"
        b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n")
# What opens other protocols, with mail behind it as a tricked program would send it.
OPENINGS = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 509 + b"\r\n" + MAIL,
    "HTTP": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + MAIL,
    "SIP": b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n" + MAIL,
    "Redis": b"*1\r\n$4\r\nPING\r\n" + MAIL,
    "MySQL": b"\x4a\x00\x00\x01\x85\xa6\x3f\x20" + b"\0" * 60 + b"root\0\r\n" + MAIL,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n" + MAIL,
    "PROXY": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + MAIL,
    "PROXY 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x7f\0\0\1\x7f\0\0\1\0\1\0\2" + MAIL,
    "binary": bytes(i * 167 & 255 for i in range(100000)),
    "line feeds": b"\n" * 100000,
    "carriage returns": b"\r" * 100000,
}


def connect(where):
    if where[0] == "/":
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(where)
        return s
    host, port = where.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=30)


def protocols(where, word):
    """Those that were not refused with word, and closed before an idle client is."""
    odd = []
    for name, text in OPENINGS.items():
        got = b""
        with connect(where) as s:
            try:
                s.sendall(text)
            except OSError:
                pass  # it has closed already
            try:
                while more := s.recv(65536):
                    got += more
            except socket.timeout:
                odd.append(name + " stays open")
            except OSError:
                pass
        if word.encode() not in got:
            odd.append(name)
    print(", ".join(odd) or "none")


def halves(path, until):
    """As many requests that come to no end as there may be, and a new one for each
    that is turned away."""
    all, n = [], 0
    while not os.path.exists(until):
        s = connect(path)
        try:
            s.sendall(b'{"verb":"que')
        except OSError:
            pass
        all.append(s)
        n += 1
        if len(all) > 200:
            all.pop(0).close()
        time.sleep(0.001)
    print(n)


def endless(path, count):
    """A request without an end: what is said about it."""
    s, sent = connect(path), 0
    try:
        while sent < int(count):
            sent += s.send(b'{"verb":"' + b"x" * 65536)
    except OSError:
        pass
    print(s.recv(1000).decode().strip())


def descriptors(path, count):
    """Descriptors come along with each piece of a request."""
    r, w = os.pipe()
    pieces, n = [], 0
    for i in range(int(count)):
        s = connect(path)
        try:
            for k in range(20):
                s.sendmsg([b" "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r] * 200))])
                n += 200
            s.sendall(b'{"verb":"status"}\n')
            pieces.append(s.recv(65536)[:9])
        except OSError:
            pass
        s.close()
    print(n, sum(p == b'{"ok":tru' for p in pieces))


def pump(source, to, left):
    try:
        while left > 0 and (data := source.recv(min(left, 65536))):
            to.sendall(data)
            left -= len(data)
    except OSError:
        pass


def stalls(port, provider, log):
    """Between relaisd and a provider.  The first three connections stop in the middle
    of TLS: after a part of the server's hello, before it, and within the
    certificates.  Of what relaisd says there 600 bytes are read.  log has a line for
    each of them."""
    server = socket.create_server(("127.0.0.1", int(port)))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    kept = []
    open(log, "w").close()
    for left in [100, 0, 1200] + [1 << 40] * 100000:
        here, _ = server.accept()
        there = socket.create_connection(("127.0.0.1", int(provider)))
        kept += [here, there]
        if left < 1 << 40:
            with open(log, "a") as f:
                f.write("%d\n" % left)
        # What the client says is passed on as long as the server's part is.
        threading.Thread(target=pump, args=(here, there, 600 if left < 1 << 40 else left), daemon=True).start()
        threading.Thread(target=pump, args=(there, here, left), daemon=True).start()


run(globals())
