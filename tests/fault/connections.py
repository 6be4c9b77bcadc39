#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""connections.py COUNT CLIENTS SOCKET PORT... - connections that come to
nothing: each is dropped at a random byte of a session, politely, with a reset,
or half-closed.  Prints how many there were.  SEED in the environment repeats the
choices, though not which thread makes which."""
import os
import random
import select
import socket
import struct
import sys
import threading

COUNT, CLIENTS, UNIX = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
PORTS = [int(p) for p in sys.argv[4:]]
BODY = b"Subject: never whole\r\n\r\n" + b"text of it\r\n" * 40
SESSIONS = [
    [b"EHLO x\r\n", b"MAIL FROM:<a@example.test>\r\n",
     b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n", BODY],
    # Everything at once; the end never comes.
    [b"EHLO x\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.org>\r\n"
     b"DATA\r\n" + BODY + b"..\r\n.\r"],
    # More than 128 KiB, so that there is a file to be removed.
    [b"EHLO x\r\n", b"MAIL FROM:<a@example.test>\r\n",
     b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n", BODY * 300],
    [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(400)],
    [b"EHLO x\r\n", b"NOOP\r\n" * 20, b"RSET\r\n", b"BOGUS\r\n" * 5],
    [b"A" * 70000],
    [b"EHLO x\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.org>\r\n"
     b"RSET\r\nQUIT\r\n"],
]
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
random.seed(SEED)
print("seed %d" % SEED, file=sys.stderr)
lock, left = threading.Lock(), COUNT
made = 0


def connect():
    if random.random() < 0.2:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(UNIX)
    else:
        s = socket.create_connection(("127.0.0.1", random.choice(PORTS)), 10)
    s.settimeout(10)
    return s


def play(s):
    parts = random.choice(SESSIONS)
    # Large ones are rare: they cost more than all others together.
    if len(parts[-1]) > 10**5 and random.random() < 0.9:
        parts = SESSIONS[0]
    cut = random.randrange(sum(map(len, parts)) + 1)
    waits = random.random() < 0.5
    for p in parts:
        if waits:
            s.recv(4096)
        if cut < len(p):
            s.sendall(p[:cut])
            break
        s.sendall(p)
        cut -= len(p)
    end = random.random()
    if end < 0.3:  # a reset
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    elif end < 0.5:
        s.shutdown(socket.SHUT_WR)
        while select.select([s], [], [], 5)[0] and s.recv(65536):
            pass


def client():
    global left, made
    while True:
        with lock:
            if left <= 0:
                return
            left -= 1
        try:
            s = connect()
        except OSError:
            continue
        with lock:
            made += 1
        try:
            play(s)
        except OSError:
            pass
        s.close()


threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(made)
