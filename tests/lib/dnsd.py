#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnsd.py - a small DNS server for tests, on UDP 127.0.0.1:53.

    dnsd.py ZONEFILE

The file is read again for each question.  One record a line: NAME A ADDRESS,
NAME AAAA ADDRESS, NAME MX PRIORITY HOST, NAME SRV PRIORITY WEIGHT PORT TARGET.
A name that is not there does not exist.  Each question is a line of output.
"""
import socket
import struct
import sys

TYPES = {1: "A", 28: "AAAA", 15: "MX", 33: "SRV"}


def encode(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def decode(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
        at += 1 + data[at]
    return ".".join(labels).lower(), at + 1


def rdata(kind, words):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "MX":
        return struct.pack(">H", int(words[0])) + encode(words[1])
    return struct.pack(">HHH", *map(int, words[:3])) + encode(words[3])


def answer(query, zone):
    name, end = decode(query, 12)
    number = struct.unpack(">H", query[end:end + 2])[0]
    question = query[12:end + 4]
    kind = TYPES.get(number, "?")
    print(kind, name, flush=True)
    exists, found = False, []
    with open(zone, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if len(words) > 2 and words[0].lower() == name:
                exists = True
                if words[1] == kind:
                    found.append(rdata(kind, words[2:]))
    flags = 0x8180 | (0 if exists else 3)
    out = query[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
    out += question
    for data in found:
        out += b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 60, len(data))
        out += data
    return out


def main():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        query, peer = sock.recvfrom(4096)
        sock.sendto(answer(query, sys.argv[1]), peer)


main()
