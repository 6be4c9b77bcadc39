#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_agrees.py - the same SMTP dialogues with the test provider and with a
real Postfix; their replies must be of the same class.

The daemon, the sendmail command and the test provider share one engine, so a
fault of its grammar could hide on both sides of every other test.  This client
is of neither.

usage: postfix_agrees.py scripts PROVIDER POSTFIX FILE...
       postfix_agrees.py login PROVIDER POSTFIX USER PASSWORD-FILE CA
Each server is HOST:PORT; with login it wants STARTTLS and a login.  Prints PASS
or FAIL and a name for each dialogue."""
import base64
import os
import re
import socket
import ssl
import sys

WAIT_S = 60  # only for a server that has nothing to say
TLS = "the handshake"

# Where the two differ, and why both are right: the classes of the provider's
# replies and of Postfix's, up to where it is no longer of interest.
DIFFERENT = {
    "a-sender-over-127-is-taken": (
        "22222", "22225",
        "relais puts the account's address in place of one in Latin-1"),
    "bad-addresses-are-refused": (
        "225552552", "225552522", "Postfix takes <a@b@c> apart"),
    "bare-lf-commands-are-told-why": (
        "25", "22", "to Postfix a bare LF ends a command"),
    "commands-of-others-draw-502": (
        "2255", "2254", "Postfix has ETRN, and no queue for that domain"),
    "control-characters-are-refused": (
        "22555", "22552", "to Postfix a bare LF ends a command"),
    "data-without-valid-recipient": (
        "2225552", "2225555", "Postfix keeps the transaction after a 554"),
    "ehlo-first": ("2552222", "2552225", "Postfix has no HELP"),
    "http-is-no-smtp": ("25", "22", "Postfix has a list of foreign commands"),
    "three-unknown-commands-end-the-session": (
        "225554", "22555", "Postfix's limit is another one"),
    "tls-hello-is-no-smtp": ("25", "2", "Postfix waits for a line end"),
    "utf8-addresses-need-the-parameter": (
        "22525", "22522", "Postfix is lenient unless strict_smtputf8"),
    "starttls-needs-ehlo": ("25", "22", "Postfix does not ask for EHLO"),
    "what-follows-starttls-in-clear-is-not-heard": (
        "224", "2222", "relais closes, Postfix throws it away"),
    "mail-without-login": (
        "22225", "22222", "Postfix refuses at RCPT (smtpd_delay_reject)"),
}


class Server:
    def __init__(self, where):
        host, port = where.rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), WAIT_S)
        self.have = b""

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # it has closed; what it said before is still there

    def line(self):
        while b"\n" not in self.have:
            try:
                more = self.sock.recv(4096)
            except socket.timeout:
                return None
            except OSError:
                more = b""
            if not more:
                return b""
            self.have += more
        line, self.have = self.have.split(b"\n", 1)
        return line

    def reply(self):
        """The class of the next reply; x: it closed; -: it says nothing."""
        while True:
            line = self.line()
            if not line:
                return "x" if line == b"" else "-"
            if line[3:4] != b"-":
                return line[:1].decode("latin-1")

    def secure(self, ca):
        """False: the server does not go on."""
        context = ssl.create_default_context(cafile=ca)
        try:
            self.sock = context.wrap_socket(
                self.sock, server_hostname="mail.example.test")
        except OSError:
            return False
        return True

    def close(self):
        self.sock.close()


def escaped(text):
    def byte(match):
        what = match.group(1)
        return {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}.get(
            what) or chr(int(what[1:], 16))
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", byte, text).encode("latin-1")


def steps_of(path):
    """What the client says, and how many replies it reads then."""
    said, steps = b"", []
    with open(path, encoding="utf-8", newline="\n") as f:
        for line in f.read().split("\n"):
            if line.startswith("C: ") or line == "C:":
                said += line[3:].encode() + b"\r\n"
            elif line.startswith("C\\: "):
                said += escaped(line[4:])
            elif line.startswith("R: ") or re.match("S: ...(?!-)", line):
                if said or not steps:
                    steps.append([said, 0])
                steps[-1][1] += 1
                said = b""
    return steps


def play(where, steps, most, ca=None):
    """The classes, a letter for each reply; at most so many, or all there are."""
    server = Server(where)
    classes = ""
    for said, count in steps:
        if said is TLS:
            if classes[-1] != "2" or not server.secure(ca):
                break
            continue
        server.send(said)
        for _ in range(count):
            if len(classes) == most:
                break
            classes += server.reply()
            if classes[-1] in "x-":
                count = most = len(classes)
    server.close()
    return classes


def compare(name, servers, steps, ca=None):
    known = DIFFERENT.get(name)
    got = tuple(
        play(where, steps, len(known[i]) if known else -1, ca)
        for i, where in enumerate(servers))
    if got == known[:2] if known else got[0] == got[1]:
        print(f"PASS {name}" + (f" (differs: {known[2]})" if known else ""))
    else:
        print(f"FAIL {name}: the provider says {got[0]}, Postfix {got[1]}")


def scripts(provider, postfix, *files):
    for path in files:
        compare(os.path.basename(path)[:-len(".smtp")], (provider, postfix),
                steps_of(path))


def login(provider, postfix, user, password_file, ca):
    def line(text):
        return (text.encode() + b"\r\n", 1)

    def coded(data):
        return line(base64.b64encode(data).decode())

    def plain(secret):
        return base64.b64encode(
            b"\0" + user.encode() + b"\0" + secret).decode()

    with open(password_file, "rb") as f:
        secret = f.read().rstrip(b"\n")
    right, wrong = plain(secret), plain(b"not it")
    hello = [(b"", 1), line("EHLO client.example")]
    secure = hello + [line("STARTTLS"), (TLS, 0), line("EHLO client.example")]
    quit_ = [line("QUIT"), (b"", 1)]
    mail = [line("MAIL FROM:<relay@example.test>"),
            line("RCPT TO:<b@client.example>"), line("DATA"),
            (b"Subject: x\r\n\r\nx\r\n.\r\n", 1)]
    dialogues = {
        "starttls-is-wanted": hello + [
            line("MAIL FROM:<relay@example.test>"),
            line("AUTH PLAIN " + right), line("NOOP")] + quit_,
        "starttls-takes-no-word": hello + [line("STARTTLS now")] + quit_,
        "starttls-once": secure + [line("STARTTLS")] + quit_,
        "starttls-needs-ehlo": [(b"", 1), line("STARTTLS"), (TLS, 0),
                                line("NOOP")] + quit_,
        # One reply to what follows, not two, whatever was said in clear.
        "what-follows-starttls-in-clear-is-not-heard": hello + [
            (b"STARTTLS\r\nNOOP\r\n", 1), (TLS, 0)] + quit_,
        "mail-without-login": secure + [
            line("MAIL FROM:<relay@example.test>")] + quit_,
        "login-plain": secure + [line("AUTH PLAIN " + right)] + mail + quit_,
        "login-plain-in-two-lines": secure + [
            line("AUTH PLAIN"), line(right)] + mail + quit_,
        "login-login": secure + [
            line("AUTH LOGIN"), coded(user.encode()), coded(secret)] + quit_,
        "login-keyword-in-any-case": secure + [
            line("auth plain " + right)] + quit_,
        "login-once": secure + [
            line("AUTH PLAIN " + right), line("AUTH PLAIN " + right)] + quit_,
        "login-is-not-forgotten-by-ehlo-or-rset": secure + [
            line("AUTH PLAIN " + right), line("RSET"),
            line("EHLO client.example")] + mail + quit_,
        "login-with-the-wrong-password": secure + [
            line("AUTH PLAIN " + wrong), line("AUTH PLAIN " + right)] + quit_,
        "login-cancelled": secure + [
            line("AUTH PLAIN"), line("*"), line("AUTH PLAIN " + right)] + quit_,
        "login-not-in-base64": secure + [
            line("AUTH PLAIN"), line("$$$"), line("NOOP")] + quit_,
        "login-of-half-a-triple": secure + [
            line("AUTH PLAIN " + base64.b64encode(user.encode()).decode()),
            line("NOOP")] + quit_,
        "login-with-an-unknown-mechanism": secure + [
            line("AUTH NONSUCH"), line("NOOP")] + quit_,
        "login-without-a-mechanism": secure + [line("AUTH")] + quit_,
        "login-in-a-transaction": secure + [
            line("AUTH PLAIN " + right), mail[0], line("AUTH PLAIN " + right),
            line("RSET")] + quit_,
        "login-scram-is-answered": secure + [
            line("AUTH SCRAM-SHA-256 " + base64.b64encode(
                f"n,,n={user},r=abcdefghijklmnop".encode()).decode()),
            line("*")] + quit_,
    }
    for name, steps in dialogues.items():
        compare(name, (provider, postfix), steps, ca)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
