#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hostile.py DIR BUILD CONF-HEAD PROVIDER-OPTION... - providers that misbehave.

One account, one provider and three messages per case, all at the same time in
one relaisd.  While the providers misbehave, no message of theirs may be called
sent, each is still in the queue, the account is in the state that fits, and
mail of a healthy account goes through as if nothing were.  Then they behave,
and everything arrives, once where nobody can have been in doubt.
"""
import glob
import json
import os
import re
import smtplib
import subprocess
import sys
import threading
import time

DIR, BUILD, HEAD = sys.argv[1:4]
COMMON = sys.argv[4:]
SECONDS = float(os.environ.get("HOSTILE_SECONDS", "12"))
FIRST_PORT = 20000

PLAIN = ["--hide", "pipelining,chunking"]
DATA = ["--hide", "chunking"]
GARBAGE = r"\x00\xff\x16garbage\r\n\r\nmore of it\r\n"


class Case:
    """state: of the account while the fault lasts, or None.  copies: how many
    of each message the provider may have in the end; 0: it has failed."""

    def __init__(self, name, options, state=None, copies=1, rows=3):
        self.name, self.options, self.state = name, options, state
        self.copies, self.rows = copies, rows
        self.poison = None  # local part that the fault is about
        self.is_late = False  # the others come when it is stuck


def cases():
    # Before a transaction: whatever it is, the account waits.
    for stage in "greeting", "ehlo", "starttls", "auth":
        for kind, value, state in (
            ("fail", "421:4.3.2:not now", "paused"),
            ("fail", "454:4.7.0:not now", "paused"),
            ("fail", "554:5.3.2:never", "held" if stage == "auth" else "paused"),
            ("drop", None, "paused"),
            ("hang", None, None),
            ("say", r"250-half of it\r\n", None),
            ("cut", r"220 2.0.0 half of", "paused"),
            ("cut", r"250-half of it\r\n", "paused"),
            ("say", GARBAGE, "paused"),
            ("say", r"250 yes\r\n250 yes\r\n250 yes\r\n", None),
            ("flood", "250:1000", "paused"),
        ):
            spec = stage + (":" + value if value else "")
            yield Case("%s %s %s" % (stage, kind, value), ["--" + kind, spec], state)
    yield Case("auth fail 535", ["--fail", "auth:535:5.7.8:no"], "held")
    # Within one.  The connection is of no more use, the message stays.
    for variant, words in ("chunks", []), ("data", DATA), ("plain", PLAIN):
        for stage in "mail", "rcpt", "data", "body", "end":
            if stage == "data" and variant == "chunks":
                continue  # there is no DATA
            for kind, value, state, copies in (
                ("fail", "421:4.3.2:not now", "paused", 1),
                ("fail", "451:4.3.0:not now", "ready", 1),
                # At MAIL it is about the account or the sender: held.
                ("fail", "550:5.7.1:never", "ready", int(stage == "mail")),
                ("drop", None, "paused", 9 if stage == "end" else 1),
                ("hang", None, None, 9 if stage == "end" else 1),
                ("say", r"250-half of it\r\n", None, 1),
                ("cut", r"250 2.0.0 half of", "paused", 1),
                ("cut", r"250-half of it\r\n", "paused", 1),
                ("say", GARBAGE, "paused", 1),
                ("flood", "250:1000", "paused", 1),
                ("fail", "250:2.0.0:sure", None, 1),
            ):
                if stage == "body" and kind not in ("drop", "hang"):
                    continue
                if kind == "fail" and value[:3] == "250" and stage != "data":
                    continue
                spec = stage + (":" + value if value else "")
                yield Case(
                    "%s: %s %s %s" % (variant, stage, kind, value),
                    words + ["--" + kind, spec], state, copies,
                )
    # One message that is always trouble; the others pass it.
    for variant, words in ("chunks", []), ("plain", PLAIN):
        for stage in "mail", "rcpt", "end":
            for kind, value in ("drop", None), ("fail", "421:4.7.0:spam"):
                spec = stage + "/poison*" + (":" + value if value else "")
                c = Case("%s: poison %s %s %s" % (variant, stage, kind, value),
                         words + ["--" + kind, spec], None, 9, 6)
                c.poison = "poison"
                yield c
            c = Case("%s: poison %s hang" % (variant, stage),
                     words + ["--hang", stage + "/poison*"], None, 9, 6)
            c.poison, c.is_late = "poison", True
            yield c


ALL = list(cases())
HEALTHY = Case("healthy", [], "ready")
ALL.append(HEALTHY)


def port_of(i):
    return FIRST_PORT + 2 * i


def account(i, case):
    return """[account c%d]
host = mail.example.test
port = %d
tls = starttls
tls_ca_file = %s/pki/ca.pem
user = relay@example.test
password_file = %s/secret/mail
address = relay@example.test
identity = keep
senders = *.c%d@example.test
max_connections = 2
""" % (i, port_of(i), os.environ["T"], os.environ["T"], i)


def write_conf():
    with open(HEAD) as f:
        text = f.read()
    text += "[listen bulk]\naddress = 127.0.0.1:2526\nmode = queue\n"
    text += "[listen word]\naddress = 127.0.0.1:2527\nmode = verdict\n"
    text += "".join(account(i, c) for i, c in enumerate(ALL))
    with open(DIR + "/relais.conf", "w") as f:
        f.write(text)


def start_provider(i, options, phase):
    store = "%s/store/%d.%s" % (DIR, i, phase)
    os.makedirs(store, exist_ok=True)
    log = open("%s/provider.%d.log" % (DIR, i), "ab")
    p = subprocess.Popen(
        [BUILD + "/tests/lib/provider", "--port", str(port_of(i)),
         "--store", store] + COMMON + options,
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )
    return p


def sender(case, i, row):
    word = case.poison if case.poison and row == 0 else "m%d" % row
    return "%s.c%d@example.test" % (word, i)


def rcpt(case, row):
    return "%s@example.org" % (
        case.poison if case.poison and row == 0 else "to")


def submit(smtp, case, i, row):
    smtp.sendmail(
        sender(case, i, row), [rcpt(case, row)],
        "Subject: case %d row %d\r\n\r\n%s" % (i, row, "text\r\n" * 40),
    )


def submit_all(are_late):
    with smtplib.SMTP("127.0.0.1", 2526, timeout=30) as smtp:
        for i, case in enumerate(ALL[:-1]):
            for row in range(case.rows):
                if (case.is_late and row > 0) == are_late:
                    submit(smtp, case, i, row)


class Healthy(threading.Thread):
    """One mail after another, each answered by its provider."""

    def __init__(self):
        super().__init__(daemon=True)
        self.slowest, self.count, self.over, self.bad = 0, 0, False, []

    def run(self):
        i = len(ALL) - 1
        while not self.over:
            began = time.monotonic()
            try:
                with smtplib.SMTP("127.0.0.1", 2527, timeout=60) as smtp:
                    smtp.ehlo()
                    smtp.mail("h.c%d@example.test" % i)
                    smtp.rcpt("to@example.org")
                    # Each another: equal ones would be folded.
                    _, text = smtp.data(
                        "Subject: healthy %d\r\n\r\ntext\r\n" % self.count)
                if b" sent: 250" not in text:
                    self.bad.append(text.decode())
            except (OSError, smtplib.SMTPException) as e:
                self.bad.append(str(e))
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.count += 1
            time.sleep(0.1)


def control(*args):
    r = subprocess.run(
        [BUILD + "/relais", "-c", DIR + "/relais.conf", "--json", *args],
        capture_output=True,
    )
    # "status" exits with 1 if something is amiss.
    return json.loads(r.stdout) if r.stdout else None


def has(case, i, row):
    """How many copies the provider has."""
    n = 0
    for path in glob.glob("%s/store/%d.*/*.eml" % (DIR, i)):
        with open(path, "rb") as f:
            n += b"Subject: case %d row %d\r\n" % (i, row) in f.read()
    return n


class Report:
    def __init__(self):
        self.bad = []

    def check(self, ok, case, text):
        if not ok:
            self.bad.append("%s: %s" % (case.name, text))

    def tell(self, what):
        print(("FAIL " if self.bad else "PASS ") + what +
              ("; %d wrong" % len(self.bad) if self.bad else ""))
        for b in self.bad[:25]:
            print("     " + b)
        self.bad = []
        sys.stdout.flush()


def accounts():
    return {a["name"]: a for a in control("status")["accounts"]}


def sent_lines():
    with open(DIR + "/relaisd.log", errors="replace") as f:
        log = f.read()
    return re.findall(r"^\S+ sent .*?account=c(\d+)\b.*$", log, re.M), log


def state_of(account):
    # Between two pauses it tries, and still says why.
    if account["state"] == "ready" and account["reason"]:
        return "paused"
    return account["state"]


def seen_states():
    """The states each account is seen in within some seconds: one that pauses
    is ready for a moment at every try, and while a login still works it has no
    reason yet."""
    wanted = {"c%d" % i: c.state for i, c in enumerate(ALL[:-1]) if c.state}
    seen = {name: set() for name in wanted}
    until = time.monotonic() + 90
    while time.monotonic() < until and any(
            wanted[n] not in seen[n] for n in wanted):
        for name, account in accounts().items():
            if name in seen:
                seen[name].add(state_of(account))
        time.sleep(0.1)
    return seen


def while_they_misbehave(r):
    """The end of the first phase."""
    states = seen_states()
    queue = control("queue")
    waiting = {}
    for m in queue:
        if m["sender"] == "":
            continue  # a notice about one of these, and as unwelcome
        key = (m["account"], m["state"] == "failed")
        waiting[key] = waiting.get(key, 0) + 1
    sent, log = sent_lines()
    for i, c in enumerate(ALL[:-1]):
        name = "c%d" % i
        if c.poison is None:
            r.check(str(i) not in sent, c, "called sent")
            kept, failed = waiting.get((name, False), 0), waiting.get((name, True), 0)
            want = (0, c.rows) if c.copies == 0 else (c.rows, 0)
            r.check((kept, failed) == want, c,
                    "%d wait and %d have failed, not %d and %d"
                    % (kept, failed, *want))
        if c.state is not None:
            r.check(c.state in states[name], c, "the account is %s, not %s" % (
                "/".join(sorted(states[name])), c.state))
        n = len(re.findall(r"^\S+ (?:paused|held) account=%s\b" % name, log, re.M))
        # The waits double; without them it would be hundreds.
        r.check(n <= 15, c, "%d attempts" % n)
    r.tell("hostile: %d kinds of misbehaviour, %d messages: none called sent, all "
           "kept, each account in its state"
           % (len(ALL) - 1, sum(c.rows for c in ALL[:-1])))


def passed(i, c):
    return sum(has(c, i, row) > 0 for row in range(1, c.rows)) == c.rows - 1


def past_the_poison(r, began):
    poisoned = [(i, c) for i, c in enumerate(ALL) if c.poison]
    wait_for(lambda: all(passed(i, c) for i, c in poisoned), 120)
    for i, c in poisoned:
        r.check(passed(i, c), c, "not all others have passed")
    r.tell("hostile: %d accounts with one message that always breaks or "
           "hangs the connection: all %d others pass it within %d s" % (
               len(poisoned), sum(c.rows - 1 for _, c in poisoned),
               time.monotonic() - began))


def afterwards(r):
    twice = 0
    for i, c in enumerate(ALL[:-1]):
        for row in range(c.rows):
            n = has(c, i, row)
            low = 0 if c.copies == 0 else 1
            r.check(low <= n <= c.copies, c, "row %d is there %d times" % (row, n))
            twice += max(n - 1, 0)
    r.tell("hostile: once they behave, every message arrives, lost 0; %d copies "
           "too many, all where the answer to the end was lost" % twice)


def drained():
    q = control("queue")
    return q is not None and all(m["state"] == "failed" for m in q)


def wait_for(what, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


def main():
    write_conf()
    providers = [start_provider(i, c.options, "bad") for i, c in enumerate(ALL)]
    log = open(DIR + "/relaisd.log", "ab")
    relaisd = subprocess.Popen(
        [BUILD + "/relaisd", "-f", "-c", DIR + "/relais.conf"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )
    if not wait_for(lambda: control("status") is not None, 60):
        print("FAIL hostile: relaisd does not start")
        return
    healthy, r = Healthy(), Report()
    healthy.start()
    submit_all(False)
    control("flush")
    time.sleep(SECONDS / 2)
    submit_all(True)
    for i, case in enumerate(ALL):
        if case.is_late:
            control("retry", *[
                m["id"] for m in control("queue")
                if m["account"] == "c%d" % i and m["state"] != "active"])
    began = time.monotonic()
    time.sleep(SECONDS / 2)
    while_they_misbehave(r)
    past_the_poison(r, began)
    for p in providers[:-1]:
        p.terminate()
    for p in providers[:-1]:
        p.wait()
    for i, c in enumerate(ALL[:-1]):
        start_provider(i, c.options[:2] if c.options[0] == "--hide" else [], "good")
    time.sleep(1)
    control("release", "--all")
    control("flush")
    r.check(wait_for(drained, 240), HEALTHY, "the queue does not empty: %s" % [
        (m["account"], m["reason"]) for m in control("queue") or []
        if m["state"] != "failed"][:10])
    afterwards(r)
    healthy.over = True
    healthy.join(60)
    r.check(not healthy.bad, HEALTHY, healthy.bad[:3])
    r.check(healthy.slowest < 25, HEALTHY, "slow")
    r.tell("hostile: meanwhile %d mails of a healthy account go through, the "
           "slowest in %.1f s" % (healthy.count, healthy.slowest))
    relaisd.terminate()
    r.check(relaisd.wait(60) == 0, HEALTHY, "relaisd ends with %s"
            % relaisd.returncode)
    with open(DIR + "/relaisd.log", errors="replace") as f:
        text = f.read()
    m = re.search(r"Sanitizer|runtime error|Assertion", text)
    r.check(m is None, HEALTHY, text[m.start():m.start() + 2000] if m else "")
    r.tell("hostile: relaisd ends cleanly")


main()
