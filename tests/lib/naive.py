#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# naive.py HOST LOGIN ADDRESS PASSWORD CA - a client that knows no rules: sends
# one mail that is right, then one for each thing that providers dislike, and
# prints "WHAT: CODE" for each.  STARTTLS on port 587.
import smtplib
import ssl
import sys

host, login, address, password, ca = sys.argv[1:]
good = {
    "ehlo": "client.example.test",
    "sender": address,
    "rcpts": ["to@example.org"],
    "fields": [
        ("From", "<%s>" % address),
        ("To", "to@example.org"),
        ("Subject", "x"),
        ("Message-ID", "<1@client.example.test>"),
        ("Date", "Thu, 01 Jan 2026 00:00:00 +0000"),
    ],
}
cases = [
    ("nothing", {}),
    ("EHLO localhost", {"ehlo": "localhost"}),
    ("EHLO pve1", {"ehlo": "pve1"}),
    ("MAIL <>", {"sender": ""}),
    ("MAIL root", {"sender": "root"}),
    ("MAIL root@pve1", {"sender": "root@pve1"}),
    ("MAIL stranger", {"sender": "eve@example.net"}),
    ("RCPT root", {"rcpts": ["root"]}),
]
for n in 11, 36, 51, 101, 201, 1001:
    rcpts = ["r%d@example.org" % i for i in range(n)]
    cases.append(("%d RCPT" % n, {"rcpts": rcpts}))


def case(name, out, *more):
    """A header without the field out and with more fields."""
    fields = [f for f in good["fields"] if f[0] != out] + list(more)
    cases.append((name, {"fields": fields}))


case("no From", "From")
case("no Date", "Date")
case("no Message-ID", "Message-ID")
case("From root@pve1", "From", ("From", "root@pve1"))
case("From stranger", "From", ("From", "<eve@example.net>"))
case("From 8-bit", "From", ("From", "J\u00f6 <%s>" % address))
case("From two", "From", ("From", "<%s>, <%s>" % (address, address)))
case("Sender", "", ("Sender", "www-data@pve1"))
case("Return-Path", "", ("Return-Path", "<www-data@pve1>"))
case("To root", "To", ("To", "root"))
case("Cc root", "", ("Cc", "root"))
case("Reply-To root", "", ("Reply-To", "root"))
for name, value in good["fields"] + [("Sender", "<%s>" % address)]:
    case("twice " + name, name, (name, value), (name, value))
for name in "Cc", "Reply-To":
    case("twice " + name, "", (name, "to@example.org"), (name, "a@example.org"))


def connect():
    s = smtplib.SMTP(host, 587, timeout=20)
    s.starttls(context=ssl.create_default_context(cafile=ca))
    s.ehlo(good["ehlo"])
    s.login(login, password)
    return s


def attempt(s, c):
    if c["ehlo"] != good["ehlo"]:
        code = s.docmd("EHLO", c["ehlo"])[0]
        if code != 250:
            return code
    code = s.docmd("MAIL FROM:<%s>" % c["sender"])[0]
    for rcpt in c["rcpts"]:
        if code == 250:
            code = s.docmd("RCPT TO:<%s>" % rcpt)[0]
    if code != 250:
        return code
    text = "".join("%s: %s\r\n" % f for f in c["fields"]) + "\r\nx\r\n"
    return s.data(text.encode("utf-8"))[0]


session = None
for name, change in cases:
    session = session or connect()
    print("%s: %d" % (name, attempt(session, dict(good, **change))))
    # What was said in EHLO stays.
    if "ehlo" in change or session.rset()[0] != 250:
        session.close()
        session = None
