#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sink.py ADDRESS DIR [RULE...] - a throw-away SMTP server that keeps what it
gets and answers as it is told; for tests of sendmail(8).

ADDRESS is the path of a Unix socket, or a port on 127.0.0.1.  Each message goes
to DIR/N.mail, byte by byte with dots taken off, its commands to DIR/N.said.

A rule is STAGE=REPLY, where STAGE is greeting, ehlo, mail, rcpt, rcpt:ADDRESS,
data or end, and REPLY is a whole reply, or "close" to hang up instead.
max=N takes N recipients and answers 452 to more.  plain offers no extension.
relaisd greets as relaisd does, takes BDAT, and keeps the answers of each
connection to itself until the first message or QUIT has come, so that only who
waits for none of them gets on.
"""
import os
import re
import socket
import sys
import threading

OFFERS = b"PIPELINING,SIZE,8BITMIME,SMTPUTF8,DSN,ENHANCEDSTATUSCODES,XRELAIS"


class Sink:
    def __init__(self, directory, rules):
        self.directory = directory
        self.rules = dict(r.split("=", 1) for r in rules if "=" in r)
        self.plain = "plain" in rules
        self.relaisd = "relaisd" in rules
        self.count = 0
        self.lock = threading.Lock()

    def keep(self, said, mail):
        with self.lock:
            self.count += 1
            base = os.path.join(self.directory, str(self.count))
        with open(base + ".said", "wb") as f:
            f.write(said)
        with open(base + ".mail", "wb") as f:
            f.write(mail)

    def rule(self, stage, default):
        return self.rules.get(stage, default).encode()


class Session:
    def __init__(self, sink, conn):
        self.sink, self.conn = sink, conn
        self.file = conn.makefile("rb")
        self.said, self.taken, self.has_mail = b"", 0, False
        self.held = b""
        self.holds = self.has_hello = False

    def send(self, text):
        if self.holds:
            self.held += text
        else:
            self.conn.sendall(text)

    def release(self):
        self.holds = False
        self.send(self.held)
        self.held = b""

    def reply(self, stage, default):
        text = self.sink.rule(stage, default)
        if text == b"close":
            raise ConnectionError
        self.send(text + b"\r\n")
        if text[:3] == b"421":
            self.release()
            raise ConnectionError
        return text[:1] in (b"2", b"3")

    def body(self):
        lines = []
        for line in self.file:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        raise ConnectionError

    def rcpt(self, line):
        addr = re.search(rb"<(.*)>", line).group(1).decode()
        limit = int(self.sink.rules.get("max", 10**9))
        if self.taken >= limit:
            self.send(b"452 4.5.3 enough for now\r\n")
            return
        stage = "rcpt:" + addr
        if stage not in self.sink.rules:
            stage = "rcpt"
        if self.reply(stage, "250 2.1.5 fine"):
            self.taken += 1

    def end(self, mail):
        # Kept first: who hears 250 may look at once.
        if self.sink.rule("end", "250")[:1] == b"2":
            self.sink.keep(self.said, mail)
        self.reply("end", "250 2.0.0 SINK1 queued")
        self.said = b""

    def command(self, line):
        verb = line[:4].upper()
        self.said += line
        if verb in (b"BDAT", b"DATA", b"QUIT"):
            self.release()
        if verb == b"EHLO" and self.sink.plain:
            self.has_hello = self.reply("ehlo", "250 sink")
        elif verb == b"EHLO":
            lines = [b"sink"] + OFFERS.split(b",")
            text = b"".join(b"250-" + w + b"\r\n" for w in lines[:-1])
            self.has_hello = self.reply(
                "ehlo", (text + b"250 " + lines[-1]).decode())
        elif verb == b"HELO":
            self.has_hello = self.reply("helo", "250 sink")
        elif verb == b"MAIL" and self.has_hello:
            self.taken = 0
            self.has_mail = self.reply("mail", "250 2.1.0 fine")
        elif verb == b"RCPT" and self.has_mail:
            self.rcpt(line)
        elif verb == b"DATA":
            if self.taken == 0:
                self.conn.sendall(b"503 5.5.1 no recipients\r\n")
            elif self.reply("data", "354 go on"):
                self.end(self.body())
        elif verb == b"BDAT" and self.sink.relaisd:
            mail = self.file.read(int(line.split()[1]))
            if self.taken == 0:
                self.conn.sendall(b"503 5.5.1 no recipients\r\n")
            else:
                self.end(mail)
        elif verb == b"QUIT":
            self.conn.sendall(b"221 2.0.0 bye\r\n")
            raise ConnectionError
        else:
            self.send(b"503 5.5.1 what\r\n")

    def run(self):
        try:
            kind = " XRELAIS ready" if self.sink.relaisd else ""
            if self.reply("greeting", "220 sink ESMTP" + kind):
                self.holds = self.sink.relaisd
                for line in self.file:
                    self.command(line)
        except OSError:
            pass
        self.conn.close()


def main():
    address, directory, rules = sys.argv[1], sys.argv[2], sys.argv[3:]
    if address.isdigit():
        listener = socket.create_server(("127.0.0.1", int(address)))
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        os.chmod(address, 0o666)
        listener.listen(50)
    sink = Sink(directory, rules)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=Session(sink, conn).run, daemon=True).start()


main()
