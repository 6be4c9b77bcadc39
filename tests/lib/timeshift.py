#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""timeshift.py FILE new | get NAME | set NAME=VALUE... | pass SECONDS LIMIT

The test's side of timeshift.c.  "pass" lets so much time pass in the daemon and
then stops it; exit status 1 if that took longer than LIMIT seconds of ours.
"""
import mmap
import struct
import sys
import time

NAMES = ["wall_ms", "boot_ms", "idle_ms", "talking_ms", "skipped_ms", "wakes"]
IDLE_MS, TALKING_MS = 60 * 1000, 10
path, verb, args = sys.argv[1], sys.argv[2], sys.argv[3:]


class Shift:
    def __init__(self):
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 8 * len(NAMES))

    def get(self, name):
        return struct.unpack_from("q", self.map, 8 * NAMES.index(name))[0]

    def set(self, name, value):
        struct.pack_into("q", self.map, 8 * NAMES.index(name), int(value))


def let_pass(s, seconds, limit):
    until = s.get("skipped_ms") + seconds * 1000
    end = time.monotonic() + limit
    s.set("talking_ms", TALKING_MS)
    s.set("idle_ms", IDLE_MS)
    while s.get("skipped_ms") < until and time.monotonic() < end:
        time.sleep(0.01)
    s.set("idle_ms", 0)
    s.set("talking_ms", 0)
    return s.get("skipped_ms") >= until


if verb == "new":
    with open(path, "wb") as f:
        f.write(bytes(8 * len(NAMES)))
elif verb == "get":
    print(Shift().get(args[0]))
elif verb == "set":
    shift = Shift()
    for a in args:
        shift.set(*a.split("=", 1))
elif verb == "pass":
    sys.exit(not let_pass(Shift(), int(args[0]), float(args[1])))
