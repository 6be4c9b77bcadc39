#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""points.py DIR RELAISD RELAIS - sudden death at every disk call in turn.

For each thing relaisd does with a message (the scenes below) and each family of
system calls (FAMILIES="close" adds one), strace kills the process of relaisd
that makes the 1st, 2nd, 3rd ... call, until a run needs no more of them; the
other one is killed at once.  Both run as they are shipped, in their sandbox.  Then a fresh relaisd, with a provider that works,
must bring every message that heard 250 there, keep nothing else, and find
nothing damaged.  One worker thread, so that the order of calls is always the
same; strace counts the calls of each thread by itself.

In DIR are first.conf and second.conf, of one spool DIR/spool, and the stores
of their providers, DIR/first and DIR/second.  The provider of first.conf
answers 451 to later@ and 550 to never@.  A line "PASS ..." or "FAIL ..." per
scene.
"""
import glob
import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time

DIR, RELAISD, RELAIS = sys.argv[1:4]
SPOOL = os.path.join(DIR, "spool")
TRACE = os.path.join(DIR, "trace")
FAMILIES = [
    "fsync,fdatasync,syncfs",
    "write,writev,pwrite64",
    "renameat,renameat2,linkat",
    "unlinkat",
    "mkdirat",
    "ftruncate",
] + os.environ.get("FAMILIES", "").split()
POINTS_MAX = int(os.environ.get("POINTS_MAX", "60"))  # per family

# What is sent, where (2525 answers at once, 2526 never tries by itself), and
# when the scene is over.
SMALL, LARGE = 20, 250 * 1024
SCENES = {
    "accept": [(2527, ["to@x.example"], SMALL)],
    "accept a large one": [(2527, ["to@x.example"], LARGE)],
    "accept one for many": [
        (2527, ["to-%d-%s@x.example" % (i, "y" * 30) for i in range(150)], LARGE)
    ],
    "retry": [(2526, ["later@x.example"], SMALL)],
    "deliver": [
        (2525, ["to@x.example"], SMALL),
        (2525, ["to@x.example"], LARGE),
        (2526, ["to@x.example"], SMALL),
    ],
    "deliver to some": [(2526, ["to@x.example", "later@x.example"], SMALL)],
    # A refusal creates a report for the sender, a message like any other.
    "fail": [(2526, ["never@x.example"], SMALL)],
    "fail for some": [(2526, ["to@x.example", "never@x.example"], SMALL)],
}


def children(pid):
    """Those of any of its threads; strace starts relaisd by its first."""
    got = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        try:
            with open(path) as f:
                got += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return got


def kill(*pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def die_together(p):
    """relaisd would go on with another worker; here all of it dies at once."""
    worker = None
    while p.poll() is None:
        for keeper in children(p.pid):
            now = children(keeper)
            worker = worker or (now[0] if now else None)
            if worker is not None and worker not in now:
                kill(keeper, *now)
        time.sleep(0.001)


def start(conf, family=None, nth=0):
    argv = [RELAISD, "-f", "-c", os.path.join(DIR, conf + ".conf")]
    env = dict(os.environ, UV_THREADPOOL_SIZE="1")
    if family is not None:
        argv = [
            "strace", "-f", "-q", "-o", TRACE, "-e", "trace=" + family,
            "-e", "inject=%s:signal=KILL:when=%d" % (family, nth),
        ] + argv
    log = open(os.path.join(DIR, "relaisd.log"), "ab")
    p = subprocess.Popen(
        argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    if family is not None:
        threading.Thread(target=die_together, args=(p,), daemon=True).start()
    while p.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", 2525), 1).close()
            break
        except OSError:
            time.sleep(0.005)
    return p


def control(*args):
    """What relais(1) says, or None."""
    r = subprocess.run(
        [RELAIS, "-c", os.path.join(DIR, "first.conf"), "--json", *args],
        capture_output=True,
    )
    try:
        return json.loads(r.stdout) if r.returncode == 0 else None
    except ValueError:
        return {}


def send(port, rcpts, size, subject):
    """True: the answer was 250."""
    line = "it fills its place\r\n"
    text = "Subject: %s\r\n\r\n%s" % (subject, line * (size // len(line)))
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as s:
            s.sendmail("relay@example.test", rcpts, text)
        return True
    except (OSError, smtplib.SMTPException):
        return False


def has_settled(queue):
    return queue is not None and all(
        m["state"] == "failed" or m["attempts"] > 0 for m in queue
    )


def wait_for(what, seconds, p):
    end = time.monotonic() + seconds
    while time.monotonic() < end and p.poll() is None:
        if what():
            return True
        time.sleep(0.02)
    return False


def play(scene, p, name):
    """The messages that heard 250: a list of (subject, recipients)."""
    heard = []
    for i, (port, rcpts, size) in enumerate(SCENES[scene]):
        subject = "%s %d" % (name, i)
        if send(port, rcpts, size, subject):
            heard.append((subject, rcpts))
    if not scene.startswith("accept"):
        control("flush")
        wait_for(lambda: has_settled(control("queue")), 60, p)
        time.sleep(0.05)  # the journal, after the listing
    return heard


def stop(p):
    # What strace runs, or the keeper itself.
    pids = (children(p.pid) if p.args[0] == "strace" else []) or [p.pid]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            pass
    p.wait(100)


def was_killed():
    """Somebody made that many calls: a process of relaisd, or one that the
    keeper had started for a moment, which it survives."""
    with open(TRACE) as f:
        return "killed by SIGKILL" in f.read()


def copies(subject):
    """Recipients of all copies that the providers have of it."""
    got = []
    for path in glob.glob(DIR + "/first/*.eml") + glob.glob(DIR + "/second/*.eml"):
        with open(path, "rb") as f:
            if b"\nSubject: " + subject.encode() + b"\r\n" not in b"\n" + f.read():
                continue
        with open(path[:-3] + "env") as f:
            got += [
                line.split("<")[1].rstrip(">\n")
                for line in f
                if line.startswith("recipient")
            ]
    return got


def reports(subject):
    """Messages that tell the sender of its failure."""
    n = 0
    for path in glob.glob(DIR + "/first/*.eml") + glob.glob(DIR + "/second/*.eml"):
        with open(path, "rb") as f:
            text = f.read()
        n += (b"\r\nAction: failed\r\n" in text
              and b"\r\nSubject: " + subject.encode() + b"\r\n" in text)
    return n


def files(folder):
    return [
        p for p in glob.glob(SPOOL + "/" + folder + "/**", recursive=True)
        if os.path.isfile(p)
    ]


def recover(heard):
    """What is wrong after a restart; [] if nothing."""
    bad = []
    p = start("second")
    if p.poll() is not None:
        return ["relaisd does not start again"]
    # One that nobody refused has left; one that was refused is in failed/.
    def is_empty():
        q = control("queue")
        return q is not None and all(m["state"] == "failed" for m in q)

    control("flush")
    # The second provider takes it, if the refusal of the first was not noted.
    def is_told(subject, rcpts):
        never = "never@x.example"
        return (never not in rcpts or reports(subject) > 0
                or never in copies(subject))

    if not wait_for(
            lambda: is_empty() and all(is_told(*h) for h in heard), 120, p):
        bad.append("the queue does not empty: %s" % [
            (m["id"], m["state"], m["sender"], m["next_try"], m["attempts"],
             m["reason"]) for m in control("queue") or []])
    listed = len(control("queue") or [])
    stop(p)
    failed = b"".join(open(f, "rb").read() for f in files("failed"))
    for subject, rcpts in heard:
        has_failed = b"Subject: " + subject.encode() + b"\r\n" in failed
        got = copies(subject)
        for r in rcpts:
            if r not in got and not (r.startswith("never") and has_failed):
                bad.append("%s: lost for %s" % (subject, r))
    for subject, rcpts in heard:
        if not is_told(subject, rcpts):
            bad.append("%s: its sender hears nothing" % subject)
    for folder, want in ("queue", 0), ("failed", listed), ("corrupt", 0):
        if len(files(folder)) != want:
            bad.append("%s/ has %s, not %d" % (folder, files(folder), want))
    return bad


def fresh():
    for d in glob.glob(SPOOL + "/*"):
        if os.path.isdir(d):
            shutil.rmtree(d)
        else:
            os.unlink(d)
    for path in glob.glob(DIR + "/first/*") + glob.glob(DIR + "/second/*"):
        os.unlink(path)


def run(scene):
    points = heard = twice = told = 0
    bad = []
    for family in FAMILIES:
        for nth in range(1, POINTS_MAX + 1):
            name = "%s %s %d" % (scene, family.split(",")[0], nth)
            fresh()
            p = start("first", family, nth)
            got = play(scene, p, name)
            stop(p)
            is_end = not was_killed()
            heard += len(got)
            bad += ["%s: %s" % (name, b) for b in recover(got)]
            for subject, rcpts in got:
                twice += sum(
                    copies(subject).count(r) > 1 for r in set(rcpts)
                )
                told += reports(subject)
            if is_end:
                break
            points += 1
    result = "%s: killed at %d points, %d messages heard 250" % (
        scene, points, heard)
    if bad:
        print("FAIL %s; %d wrong" % (result, len(bad)))
        for b in bad[:10]:
            print("     " + b)
    else:
        print("PASS %s, lost 0, left 0, %d twice%s" % (
            result, twice, ", %d reports" % told if told else ""))
    sys.stdout.flush()


for scene in [s for s in os.environ.get("ONLY", "").split(",") if s] or SCENES:
    run(scene)
