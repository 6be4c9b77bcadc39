#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""corrupt.py SPOOL OUTSIDE - damages half of the messages of a spool at
random, and puts in what does not belong there.  OUTSIDE is a folder for what
links point to.  Prints one line each: "KIND NAME SUBJECT".

Kinds: flip-header, flip-body, flip-end (one bit each), flip-any (50 bits),
cut, cut-body, empty, zeros, link, hard, fifo, directory, foreign, stranger.
cut and the like look as if they had never been finished; DESIGN section 6 lets
those be removed.
"""
import glob
import os
import random
import re
import stat
import sys

SPOOL, OUTSIDE = sys.argv[1:3]
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 10**6)
random.seed(SEED)


def read(path):
    with open(path, "rb") as f:
        return bytearray(f.read())


def write(path, data):
    with open(path, "r+b") as f:
        f.truncate(0)
        f.write(data)


def parts(data):
    """Where the message begins, and where it ends."""
    size = int(re.search(rb"^size: (\d+)$", data, re.M).group(1))
    begin = data.index(b"\n\n") + 2
    return begin, begin + size


def flip(data, begin, end, n=1):
    for _ in range(n):
        i = random.randrange(begin, end)
        data[i] ^= 1 << random.randrange(8)


def flip_header(path, data):
    flip(data, 0, parts(data)[0])
    write(path, data)


def flip_body(path, data):
    flip(data, *parts(data))
    write(path, data)


def flip_end(path, data):
    end = parts(data)[1]
    # Without the line end: a missing one means "not finished".
    flip(data, end, data.index(b"\n", end))
    write(path, data)


def flip_any(path, data):
    flip(data, 0, parts(data)[1], 50)
    write(path, data)


def cut(path, data):
    write(path, data[: random.randrange(1, parts(data)[1])])


def cut_body(path, data):
    begin, end = parts(data)
    write(path, data[: (begin + end) // 2])


def empty(path, data):
    write(path, b"")


def zeros(path, data):
    write(path, bytes(len(data)))


def link(path, data):
    to = os.path.join(OUTSIDE, os.path.basename(path))
    os.rename(path, to)
    os.symlink(to, path)


def hard(path, data):
    os.link(path, os.path.join(OUTSIDE, os.path.basename(path)))


def fifo(path, data):
    os.unlink(path)
    os.mkfifo(path, 0o600)


def directory(path, data):
    os.unlink(path)
    os.mkdir(path, 0o700)
    with open(path + "/inside", "w") as f:
        f.write("x")


def foreign(path, data):
    """Somebody else's file."""
    os.chown(path, 0, 0)
    os.chmod(path, 0o644)


def stranger(path, data):
    """The right content under another id."""
    name = list(os.path.basename(path))
    name[-1] = "0" if name[-1] != "0" else "1"
    os.rename(path, os.path.join(os.path.dirname(path), "".join(name)))


KINDS = [flip_header, flip_body, flip_end, flip_any, cut, cut_body, empty,
         zeros, link, hard, fifo, directory, foreign, stranger]


def main():
    files = sorted(glob.glob(SPOOL + "/queue/*/*"))
    owner = os.stat(files[0])
    for i, path in enumerate(random.sample(files, len(files) // 2)):
        kind = KINDS[i % len(KINDS)]
        data = read(path)
        subject = re.search(rb"^Subject: load (\d+)\r$", data, re.M).group(1)
        kind(path, data)
        if kind in (fifo, directory):
            os.chown(path, owner.st_uid, owner.st_gid)
        print(kind.__name__.replace("_", "-"), os.path.basename(path),
              subject.decode())
    # What has no name of ours.
    folder = os.path.dirname(files[0])
    for name in "README", "core", ".hidden", "x" * 200:
        with open(os.path.join(folder, name), "w") as f:
            f.write("not ours\n")
    os.mkfifo(SPOOL + "/queue/pipe", 0o600)
    os.symlink("/etc/passwd", SPOOL + "/queue/passwd")
    os.symlink("/nonexistent", SPOOL + "/queue/zz")
    with open(SPOOL + "/queue/yy", "w") as f:
        f.write("a file where a folder could be\n")
    print("seed %d" % SEED, file=sys.stderr)


main()
