#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""nss.py - stands in for systemd-resolved and nslcd, at the sockets where their
NSS modules look for them.

    nss.py resolve HOSTS    HOSTS as /etc/hosts
    nss.py nslcd PASSWD     PASSWD as /etc/passwd

The files are read again for each question.  Each question is a line of output.
"""
import ipaddress
import json
import os
import socket
import socketserver
import struct
import sys

kind, path = sys.argv[1:3]


def say(*words):
    print(*words, flush=True)


class Resolve(socketserver.StreamRequestHandler):
    """Varlink: JSON, a NUL after each message."""

    def handle(self):
        text = b""
        while True:
            more = self.request.recv(65536)
            if not more:
                return
            text += more
            while b"\0" in text:
                call, text = text.split(b"\0", 1)
                reply = self.answer(json.loads(call))
                self.request.sendall(json.dumps(reply).encode() + b"\0")

    def answer(self, call):
        args = call.get("parameters", {})
        name, family = args.get("name", ""), args.get("family", 0)
        say(call["method"], name)
        found = []
        for line in open(path):
            words = line.split()
            if name in words[1:]:
                ip = ipaddress.ip_address(words[0])
                af = socket.AF_INET if ip.version == 4 else socket.AF_INET6
                if family in (0, af):
                    found.append({"ifindex": 1, "family": int(af),
                                  "address": list(ip.packed)})
        if not found:
            return {"error": "io.systemd.Resolve.DNSError", "parameters": {"rcode": 3}}
        return {"parameters": {"addresses": found, "name": name, "flags": 1}}


class Nslcd(socketserver.StreamRequestHandler):
    """Version, action, arguments; version, action, entries (1 before each), 2."""

    PASSWD_NAME, PASSWD_UID = 0x80001, 0x80002

    def number(self):
        return struct.unpack(">i", self.rfile.read(4))[0]

    def handle(self):
        version, action = self.number(), self.number()
        want = None
        if action == self.PASSWD_NAME:
            want = 0, self.rfile.read(self.number()).decode()
        elif action == self.PASSWD_UID:
            want = 2, str(self.number())
        say("%x" % action, want)
        out = struct.pack(">ii", version, action)
        for line in open(path) if want else ():
            f = line.rstrip("\n").split(":")
            if f[want[0]] != want[1]:
                continue

            def text(s):
                return struct.pack(">i", len(s.encode())) + s.encode()

            out += struct.pack(">i", 1) + text(f[0]) + text("*")
            out += struct.pack(">ii", int(f[2]), int(f[3]))
            out += text(f[4]) + text(f[5]) + text(f[6])
            break
        self.request.sendall(out + struct.pack(">i", 2))


where, handler = {
    "resolve": ("/run/systemd/resolve/io.systemd.Resolve", Resolve),
    "nslcd": ("/run/nslcd/socket", Nslcd),
}[kind]
os.makedirs(os.path.dirname(where), exist_ok=True)
server = socketserver.ThreadingUnixStreamServer(where, handler)
os.chmod(where, 0o666)
server.serve_forever()
