#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""variants.py - generated ends of messages, addresses and parameters, played to
relais and to other servers: does relais take, and hand on, what any of them reads
as two messages or as another address?

usage: variants.py COUNT SEED SINK-PORT NAME=MAIL,RCPT,DATA ...
NAME=PORTS: a server; relais is the first.  The others refuse every MAIL or RCPT
on the first two ports and say there which address they saw.  The port after the
sink's takes what is not to be looked at.

Each variant goes to all of them, and what relais sent on to the sink goes to the
others once more: the provider may be any of them.  Prints PASS or FAIL lines, and
a line for each way in which they differ about what came in."""
import asyncio
import itertools
import random
import re
import sys
from collections import Counter, defaultdict

WAIT_S = 60
WORKERS = 6
ADMIN = "admin@example.test"
EHLO = b"EHLO client.example.test\r\n"


# --- a client, and a server that takes everything -----------------------------


class Closed(Exception):
    pass


class Talk:
    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def open(self):
        if self.writer is not None:
            return
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await self.reply()
            await self.say(EHLO)
        except Closed:
            await asyncio.sleep(0.1)

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.writer = None

    async def reply(self):
        while True:
            try:
                line = await asyncio.wait_for(self.reader.readline(), WAIT_S)
            except (OSError, ValueError, asyncio.TimeoutError):
                line = b""
            if not line.endswith(b"\n"):
                self.close()
                raise Closed
            if line[3:4] != b"-":
                return line

    async def say(self, data):
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (OSError, AttributeError):
            self.close()
            raise Closed from None
        return await self.reply()


class Sink:
    """Keeps what relais sends: by number, the lines as they came."""

    def __init__(self):
        self.got = defaultdict(list)

    async def serve(self, reader, writer):
        mail = rcpts = None
        writer.write(b"220 sink\r\n")
        try:
            while True:
                line = await reader.readuntil(b"\r\n")
                word = line[:4].upper()
                said = b"250 2.0.0 ok\r\n"
                if word == b"EHLO":
                    said = b"250-sink\r\n" + b"".join(
                        b"250-%s\r\n" % e for e in (b"PIPELINING", b"8BITMIME",
                                                    b"SMTPUTF8", b"DSN")
                    ) + b"250 SIZE 9999999\r\n"
                elif word == b"MAIL":
                    mail, rcpts = line, []
                elif word == b"RCPT":
                    rcpts.append(line)
                elif word == b"DATA":
                    writer.write(b"354 go\r\n")
                    data = b""
                    while not (data == b".\r\n" or data.endswith(b"\r\n.\r\n")):
                        data += await reader.readuntil(b".\r\n")
                    number = re.search(rb"^Subject: [vs](\d+)\r$", data, re.M)
                    self.got[int(number[1]) if number else -1].append((mail, rcpts, data))
                elif word == b"QUIT":
                    said = b"221 2.0.0 bye\r\n"
                writer.write(said)
                await writer.drain()
                if word == b"QUIT":
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        writer.close()


# --- what is played -----------------------------------------------------------

ENDS = [b"\r\n", b"\n", b"\r", b".", b"\0"]
MORE_ENDS = ENDS + [b" ", b"\t", b"..", b"\x0b", b"\x0c", b"\x85", b"\xa0", b"x",
                    b"\r\n.", b".\r\n", b".\n", b".\r"]
LOCAL = ["uN", '"uN"', '"u N"', 'uN"x"', '"uN\\"@a.example"', "uN\\@a.example",
         "@a.example:uN", "@a.example,@b.example:uN", "@a.example uN", "uN(c)", "(c)uN",
         "uN%a.example", "a.example!uN", "uN@a.example", '"uN@a.example"', '"uN>"',
         '"uN<x"', '"uN\\', "uN.", ".uN", "u..N", "uN\0x", "uN\x7f", "uN\xe9", "uN\u20ac",
         " uN", "uN ", "uN;x", "uN,b@a.example", "<uN", "uN+tag", "uN/x", "uN=x", "|uN",
         '""uN', '"uN""x"', "uN:x", "\\uN", "uN\\", "[uN]", "'uN'", "uN\tx", ""]
DOMAIN = [
    "@h.example.", "@h..example", "@[127.0.0.1]", "@[IPv6:::1]", "@h.example(c)",
    "@h.example ", "@H.Example", "@", "", "@h_x.example", "@-h.example", "@h.example>",
    "@h.example:25", "@h.example@i.example", "@b\xfccher.example", "@xn--bcher-kva.example",
    '@h.example"', "@h.example\\", "@h.example\0.i.example", "@#123", "@h%i.example",
    "@h.example,i.example", "@\u2024.example", "@h.example\uff0ei.example", "@.h.example",
    " @h.example", "@ h.example", "@h.example;i.example", "@[127.0.0.1", "@127.0.0.1"]
FRAME = [
    "%s", " <%s>", "< %s >", "<<%s>>", "<%s> ", "<%s>x", "<%s", "%s>", '"Name" <%s>',
    "Name <%s>", "<%s>,<b@a.example>", "<b@a.example>,<%s>", "<%s>\t", "(c)<%s>", "<%s>;",
    "<>%s", "<%s><b@a.example>", "\t<%s>", "<\t%s>", "<b@a.example> <%s>"]
OPTION = [
    " SIZE=1", " BODY=8BITMIME", " SMTPUTF8", "SIZE=1", " SIZE=", " SIZE=1 SIZE=2",
    " NOTIFY=NEVER", " NOTIFY=NEVER,DELAY", " ORCPT=rfc822;x@y.example", " X=<b@a.example>",
    " <b@a.example>", " b@a.example", " RET=HDRS ENVID=x", " AUTH=<>", " AUTH=b@a.example",
    "  SIZE=1", "\tSIZE=1", " SIZE=1\0", " BODY", " =", " SIZE=1,2", " size=1", " SIZE=+1",
    " ORCPT=rfc822;u+40h.example", " BODY=BINARYMIME", " SIZE=99999999999999999999"]
NOISE = '<>@"\\.,:;() %!\0\t[]=x\x7f\xe9'


def ends(rng):
    """All short ones in a random order, then longer ones."""
    short = [b"".join(s) for n in range(1, 6) for s in itertools.product(ENDS, repeat=n)
             if b"." in s]
    rng.shuffle(short)
    yield from short
    while True:
        yield b"".join(rng.choice(MORE_ENDS) for _ in range(rng.randint(2, 8)))


def addresses(rng, number):
    while True:
        # One or two things at once, mostly: else everybody refuses everything.
        odd = rng.choices(range(5), k=rng.choice((0, 1, 1, 2, 2, 3)))
        text = (rng.choice(FRAME) if 0 in odd else "<%s>") % (
            (rng.choice(LOCAL) if 1 in odd else "uN")
            + (rng.choice(DOMAIN) if 2 in odd else "@h.example"))
        text += rng.choice(OPTION) if 3 in odd else ""
        for _ in range(odd.count(4)):
            at = rng.randint(0, len(text))
            cut = rng.choice((0, 1))
            text = text[:at] + rng.choice(NOISE) + text[at + cut :]
        yield text.replace("uN", "u%d" % number()).encode(
            rng.choice(("utf-8", "utf-8", "latin-1")), "replace")


def variants(count, seed):
    rng = random.Random(seed)
    numbers = itertools.count()
    is_next = [0]
    address = addresses(rng, lambda: is_next[0])
    end = ends(rng)
    for number in itertools.islice(numbers, count):
        is_next[0] = number
        kind = ("data", "mail", "data", "rcpt")[number % 4]
        yield number, kind, next(end) if kind == "data" else next(address)


# --- what an address is -------------------------------------------------------


def meaning(path):
    """An address without what does not matter: quotes, case, a final dot; None: it
    cannot be told."""
    path = path.strip()
    local, quoted, i = "", False, 0
    while i < len(path) and (quoted or path[i] != "@"):
        c = path[i]
        if c == "\\" and i + 1 < len(path):
            i += 1
            local += path[i]
        elif c == '"':
            quoted = not quoted
        else:
            local += c
        i += 1
    return (local + path[i:].rstrip(".")).lower()


def sent(line):
    """Of a command of relais: the path, as it stands."""
    m = re.match(rb'(?:MAIL FROM|RCPT TO):<((?:"(?:\\.|[^"\\])*"|[^"<>])*)>', line)
    return m[1].decode("utf-8", "surrogateescape") if m else None


def seen(reply):
    """Of the refusal of another server: the address that it read, or None."""
    m = re.search(rb"saw <(.*)>|^554 5.7.1 <(.*)>: \w+ address rejected: Access", reply)
    return (m[1] or m[2] or b"").decode("utf-8", "surrogateescape") if m else None


def plain(text):
    """As Postfix shows it: what is no printable character is a question mark."""
    return re.sub(r"[\x00-\x1f\x7f]", "?", text).encode(
        "utf-8", "surrogateescape").decode("utf-8", "replace")


def is_same(theirs, path):
    """The others show an address without quotes, or as they heard it."""
    mine = plain(meaning(path))
    return mine in (plain(theirs.lower().rstrip(".")), plain(meaning(theirs)))


# --- one variant with one server ----------------------------------------------

SMUGGLED = (b"MAIL FROM:<evil@a.example>\r\nRCPT TO:<evil@b.example>\r\nDATA\r\n"
            b"Subject: s%d\r\n\r\nsecond\r\n.\r\n")


async def hear(talk):
    """What it says until it closes, and to a QUIT after the first reply: nothing
    may follow a message in the same packet, for OpenSMTPD."""
    said = []
    try:
        said.append(await talk.reply())
        talk.writer.write(b"QUIT\r\n")
        while True:
            said.append(await talk.reply())
    except Closed:
        talk.close()
    return said


async def give(talk, data):
    """A message with these bytes after DATA, and how many it reads in them: 2 if
    what follows an end is taken for commands.  None: it is not let in.  Then, how
    many it took."""
    talk.close()
    try:
        await talk.open()
        await talk.say(b"MAIL FROM:<v@a.example>\r\n")
        await talk.say(b"RCPT TO:<w@b.example>\r\n")
        if not (await talk.say(b"DATA\r\n")).startswith(b"354"):
            return None, 0
        talk.writer.write(data)
    except Closed:
        return None, 0
    said = await hear(talk)
    taken, is_in = 0, True
    for line in said:
        taken += is_in and line.startswith(b"2")
        is_in = line.startswith(b"354")
    return (1 if [s[:3] for s in said[1:]] == [b"221"] else 2), taken


async def ask(talk, kind, text):
    """What it says to this MAIL or RCPT."""
    for _ in range(3):
        try:
            await talk.open()
            await talk.say(b"RSET\r\n")
            if kind == "rcpt":
                await talk.say(b"MAIL FROM:<v@a.example>\r\n")
                return await talk.say(b"RCPT TO:" + text + b"\r\n")
            return await talk.say(b"MAIL FROM:" + text + b"\r\n")
        except Closed:
            talk.close()
    return b"421 closed\r\n"


async def hand_in(talk, number, kind, text):
    """To relais: a whole message.  Whether it was taken."""
    said = await ask(talk, kind, text)
    if not said.startswith(b"2"):
        return False
    try:
        if kind == "mail":
            said = await talk.say(b"RCPT TO:<w@b.example>\r\n")
            if not said.startswith(b"2"):
                return False
        await talk.say(b"DATA\r\n")
        said = await talk.say(b"Subject: v%d\r\n\r\nx\r\n.\r\n" % number)
    except Closed:
        return False
    return said.startswith(b"2")


# --- all of them --------------------------------------------------------------


async def in_parallel(items, ports, work):
    """work(talks, item); each worker has a connection to each port."""
    todo = iter(items)

    async def loop():
        talks = {k: Talk(p) for k, p in ports.items()}
        for item in todo:
            await work(talks, item)
        for t in talks.values():
            t.close()

    await asyncio.gather(*(loop() for _ in range(WORKERS)))


class Judge:
    def __init__(self):
        self.wrong, self.shown = Counter(), Counter()
        self.differ, self.example = Counter(), {}

    def bad(self, what, text):
        self.wrong[what] += 1
        if self.wrong[what] <= 5:
            print("FAIL %s: %s" % (what, text))

    def note(self, what, text):
        self.differ[what] += 1
        self.example.setdefault(what, text)

    def check(self, what, n):
        if not self.wrong[what]:
            print("PASS %s (%d)" % (what, n))


TWO = "relais ends a message where each other server does"
ONE = "what relais hands on is one message to each other server"
SAME = "what relais hands on is the same address to each other server"
ASIS = "no server reads another address in what relais takes"


async def main():
    count, seed, sink_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    names, ports = [], {}
    for word in sys.argv[4:]:
        name, _, where = word.partition("=")
        names.append(name)
        for kind, port in zip(("mail", "rcpt", "data"), where.split(",")):
            ports[name, kind] = int(port)
    us, others = names[0], names[1:]
    sink = Sink()
    servers = [await asyncio.start_server(s.serve, "127.0.0.1", port, limit=1 << 20)
               for s, port in ((sink, sink_port), (Sink(), sink_port + 1))]
    judge, taken, messages, said = Judge(), {}, {}, {}
    played = list(variants(count, seed))

    async def play(talks, v):
        number, kind, text = v
        if kind == "data":
            data = b"Subject: v%d\r\n\r\nfirst" % number + text + SMUGGLED % number
            n, taken[number] = await give(talks[us, kind], data)
            messages[number] = {us: n} | {
                o: (await give(talks[o, kind], data))[0] for o in others}
            return
        taken[number] = int(await hand_in(talks[us, kind], number, kind, text))
        said[number] = {o: await ask(talks[o, kind], kind, text) for o in others}

    await in_parallel(played, ports, play)
    # All that was taken comes, and nothing twice.
    wanted = sum(taken.values())
    for _ in range(600):
        if sum(map(len, sink.got.values())) >= wanted:
            break
        await asyncio.sleep(0.5)
    got = sum(map(len, sink.got.values()))
    print("%s of %d variants relais took %d messages, and %d came" % (
        "PASS" if got == wanted else "FAIL", count, wanted, got))

    again = []  # what comes out, to be played to the others
    for number, kind, text in played:
        out = sink.got.get(number, [])
        if kind == "data":
            n = messages[number]
            for o in others:
                if (n[us] or 0) > 1 and n[o] == 1:
                    judge.bad(TWO, "%r: %s reads one" % (text, o))
                if n[o] is not None and n[us] is not None and n[o] != n[us]:
                    judge.note("%s reads %d messages in what relais reads as %d" % (
                        o, n[o], n[us]), repr(text))
            again += [("data", number, text, m) for m in out]
        elif taken[number] and out:
            mail, rcpts, _ = out[0]
            line = mail if kind == "mail" else rcpts[0]
            path = sent(line)
            if path == ADMIN:
                continue  # it was for a name of this machine
            if path is None or len(rcpts) != 1:
                judge.bad(SAME, "%r: sent as %r %r" % (text, mail, rcpts))
                continue
            again.append((kind, number, text, (line, path)))
            for o in others:
                theirs = seen(said[number][o])
                if theirs is None:
                    judge.note("%s refuses what relais takes (%s)" % (o, kind), repr(text))
                elif not is_same(theirs, path):
                    judge.note("%s reads another address (%s)" % (o, kind),
                               "%r: %r, relais %r" % (text, theirs, path))

    async def play_again(talks, item):
        kind, number, text, what = item
        if kind != "data":
            line, path = what
            for o in others:
                reply = await ask(talks[o, kind], kind, line.split(b":", 1)[1][:-2])
                theirs = seen(reply)
                if theirs is None:
                    judge.note("%s refuses what relais hands on (%s)" % (o, kind),
                               "%r: %r" % (line, reply))
                elif not is_same(theirs, path):
                    judge.bad(SAME, "%r, sent as %r, is %r to %s" % (text, line, theirs, o))
            return
        for o in others:
            n, _ = await give(talks[o, kind], what[2])
            if n != 1:
                judge.bad(ONE, "%r, sent as %r: %s reads %s" % (text, what[2], o, n))

    await in_parallel(again, ports, play_again)
    for s in servers:
        s.close()
    n = Counter(kind for kind, *_ in again)
    judge.check(TWO, sum(1 for m in messages.values() if m[us]))
    judge.check(ONE, n["data"])
    judge.check(SAME, n["mail"] + n["rcpt"])
    for what, k in sorted(judge.differ.items()):
        print("%6d %s, as %s" % (k, what, judge.example[what]))


asyncio.run(main())
