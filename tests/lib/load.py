#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""load.py - messages with a number each, and the account of them afterwards.

  load.py send [OPTION]...	many SMTP clients at once
    --ports 2525,2526		on 127.0.0.1, taken in turn
    --clients 8  --seconds 300
    --count 2000		ends when so many were answered with 250; SIGTERM
				ends it too, each client after its message
    --first 1			the first number
    --acked FILE		a line "NUMBER PORT" per 250, after hearing it
    --patience 0.02		seconds between tries while nobody listens
    --refused FILE		a line "NUMBER CODE STAGE TEXT" per 4yz or 5yz;
				STAGE is MAIL, DATA or OTHER

  load.py tally ACKED STORE...
    Compares with what the provider keeps in the STORE folders (*.eml) and
    prints "heard=N lost=N stored=N twice=N most=N torn=N".  lost: answered
    with 250 and not there.  twice: copies beyond the first.  most: copies of
    one message.  torn: there, and not whole.
"""
import argparse
import glob
import os
import re
import signal
import smtplib
import sys
import threading
import time

LINE = "a line of the message that only fills its place" + 24 * "." + "\r\n"


def text_of(number):
    """The message of this number, the same at every call; one of fifty is
    larger than 128 KiB."""
    lines = number % 37
    if number % 50 == 0:
        lines = 2000 + number % 500
    return (
        "From: <relay@example.test>\r\nTo: <to@example.org>\r\n"
        "Subject: load %d\r\n\r\n%sthe end of %d\r\n"
        % (number, LINE * lines, number)
    )


class Load:
    def __init__(self, opts):
        self.opts = opts
        self.ports = [int(p) for p in opts.ports.split(",")]
        self.lock = threading.Lock()
        self.next, self.heard = opts.first, 0
        self.end = time.monotonic() + opts.seconds
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.acked = os.open(opts.acked, flags, 0o644)
        self.refused = os.open(opts.refused, flags, 0o644)

    def is_over(self):
        return time.monotonic() > self.end or self.heard >= self.opts.count

    def number(self):
        with self.lock:
            self.next += 1
            return self.next - 1

    def one(self, smtp, port):
        n = self.number()
        try:
            smtp.sendmail(
                "relay@example.test",
                ["to@example.org"],
                text_of(n),
            )
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPResponseException as e:
            stage = {smtplib.SMTPSenderRefused: "MAIL",
                     smtplib.SMTPDataError: "DATA"}.get(type(e), "OTHER")
            line = "%d %d %s %s\n" % (
                n, e.smtp_code, stage, e.smtp_error.decode())
            os.write(self.refused, line.encode())
            time.sleep(self.opts.patience)
            return
        os.write(self.acked, b"%d %d\n" % (n, port))
        with self.lock:
            self.heard += 1

    def client(self, turn):
        while not self.is_over():
            port = self.ports[turn % len(self.ports)]
            turn += 1
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
                    for _ in range(20):
                        if self.is_over():
                            return
                        self.one(smtp, port)
            except (OSError, smtplib.SMTPException):
                time.sleep(self.opts.patience)

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "end", 0))
        threads = [
            threading.Thread(target=self.client, args=(i,))
            for i in range(self.opts.clients)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


def send(argv):
    p = argparse.ArgumentParser()
    p.add_argument("--ports", default="2525")
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--seconds", type=float, default=300)
    p.add_argument("--count", type=int, default=10**9)
    p.add_argument("--first", type=int, default=1)
    p.add_argument("--acked", required=True)
    p.add_argument("--refused", default="/dev/null")
    p.add_argument("--patience", type=float, default=0.02)
    Load(p.parse_args(argv)).run()


def tally(argv):
    copies, torn = {}, 0
    with open(argv[0]) as f:
        heard = {int(line.split()[0]) for line in f}
    for path in [p for d in argv[1:] for p in glob.glob(d + "/*.eml")]:
        with open(path, "rb") as f:
            text = f.read()
        # A notice about a message has its header in the body.
        head = text.split(b"\r\n\r\n", 1)[0] + b"\r\n"
        m = re.search(rb"^Subject: load (\d+)\r?$", head, re.M)
        if m is None:
            continue
        n = int(m.group(1))
        body = text_of(n).split("\r\n\r\n", 1)[1].encode()
        if text.split(b"\r\n\r\n", 1)[1] != body:
            torn += 1
            continue
        copies[n] = copies.get(n, 0) + 1
    lost = sorted(heard - copies.keys())
    for n in lost[:10]:
        print("lost: load %d" % n, file=sys.stderr)
    print(
        "heard=%d lost=%d stored=%d twice=%d most=%d torn=%d"
        % (
            len(heard),
            len(lost),
            len(copies),
            sum(copies.values()) - len(copies),
            max(copies.values(), default=0),
            torn,
        )
    )


if __name__ == "__main__":
    {"send": send, "tally": tally}[sys.argv[1]](sys.argv[2:])
