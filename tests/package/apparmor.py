# SPDX-License-Identifier: GPL-3.0-or-later
"""Does an AppArmor profile allow what strace(1) has seen?

apparmor.py PROFILE TRACE...: prints each path that was opened, made, renamed,
connected to or started, and that no rule of the profile (and of what it
includes from /etc/apparmor.d) allows in this way.  A small reader of the
language: rules of files, variables, alternatives, "deny" is not looked at.
"""

import os
import re
import sys

PLACES = ["/etc/apparmor.d"]


def lines(path):
    with open(path) as f:
        for line in f:
            line = line.strip()
            m = re.match(r'#?include\s+(if exists\s+)?[<"]([^>"]+)[>"]', line)
            if m:
                name = os.path.join(PLACES[0], m.group(2))
                names = [name]
                if os.path.isdir(name):
                    names = [os.path.join(name, n) for n in sorted(os.listdir(name))]
                for n in names:
                    if os.path.exists(n):
                        yield from lines(n)
                    elif not m.group(1):
                        sys.exit("%s includes %s, which is missing" % (path, n))
            elif line and not line.startswith("#"):
                yield line


variables, rules = {}, []


def expand(text):
    m = re.search(r"@\{(\w+)\}", text)
    if not m:
        return [text]
    values = variables.get(m.group(1), [])
    return [t for v in values for t in expand(text[: m.start()] + v + text[m.end() :])]


def pattern(glob):
    out, i, depth = "", 0, 0
    while i < len(glob):
        c = glob[i]
        if glob.startswith("**", i):
            out, i = out + ".*", i + 1
        elif c == "*":
            out += "[^/]*"
        elif c == "?":
            out += "[^/]"
        elif c == "{":
            out, depth = out + "(?:", depth + 1
        elif c == "}":
            out, depth = out + ")", depth - 1
        elif c == "," and depth:
            out += "|"
        elif c in "[]^-":
            out += c
        else:
            out += re.escape(c)
        i += 1
    return re.compile(re.sub("/+", "/", out) + r"\Z")


def read(profile):
    for line in lines(profile):
        m = re.match(r"@\{(\w+)\}\s*\+?=\s*(.*)", line)
        if m:
            variables.setdefault(m.group(1), []).extend(m.group(2).split())
            continue
        m = re.match(r'(?:owner\s+)?"?((?:/|@\{)[^\s"]*)"?\s+([rwaklmixPCUpcu]+)(?:\s.*)?,', line)
        if m:
            for path in expand(m.group(1)):
                rules.append((pattern(path), m.group(2)))


def allowed(path, wanted):
    have = set()
    for p, mode in rules:
        if p.match(path):
            have.update(mode)
    if "w" in have:
        have.add("a")
    return set(wanted) <= have


READ, WRITE = "r", "w"
CALLS = {
    "execve": (0, "x"),
    "unlink": (0, "w"),
    "unlinkat": (1, "w"),
    "mkdir": (0, "w"),
    "mkdirat": (1, "w"),
    "rename": (0, "rw"),
    "chmod": (0, "w"),
    "chown": (0, "w"),
    "truncate": (0, "w"),
}


def seen(trace):
    """Each path of a trace made with -y, and what was wanted of it."""
    for line in open(trace, errors="replace"):
        m = re.match(r"(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)(.*)", line)
        if not m or int(m.group(3)) < 0:
            continue
        name, args, rest = m.group(1), m.group(2), m.group(4)
        if name in ("open", "openat", "creat"):
            got = re.match(r"<([^>]*)>", rest)
            if not got or "O_PATH" in args:
                continue
            path = got.group(1)
            mode = "r"
            if "O_WRONLY" in args or name == "creat":
                mode = "w"
            elif "O_RDWR" in args:
                mode = "rw"
            # A folder ends in a slash there.
            if "O_DIRECTORY" in args:
                path += "/"
            if os.path.splitext(path)[1].startswith(".so") or ".so." in path:
                mode = "r"
            yield re.sub(r" \(deleted\)$", "", path), mode
        elif name == "connect":
            got = re.search(r'sun_path="([^"]+)"', args)
            if got:
                yield got.group(1), "w"
        elif name in CALLS:
            # With -y the folder of an "at" stands before the name.
            got = re.findall(r'"((?:[^"\\]|\\.)*)"', args)
            folder = re.match(r"(?:AT_FDCWD|\d+)<([^>]*)>", args)
            if not got:
                continue
            path = got[0]
            if not path.startswith("/"):
                if not folder:
                    continue
                path = folder.group(1) + "/" + path
            if name.startswith("mkdir"):
                path += "/"
            yield path, CALLS[name][1]


def main():
    read(sys.argv[1])
    if not rules:
        sys.exit("%s has no rule" % sys.argv[1])
    told = set()
    count = 0
    for trace in sys.argv[2:]:
        for path, mode in seen(trace):
            count += 1
            if path.startswith("/") and not allowed(path, mode):
                told.add("%s %s" % (path, mode))
    for line in sorted(told):
        print(line)
    print("looked at %d calls" % count, file=sys.stderr)
    sys.exit(bool(told) or count == 0)


main()
