#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dialogue.py - answers the questions of a program on a terminal of 80x24.

    dialogue.py [-e PROMPT ANSWER]... COMMAND...

Waits for each prompt in its turn and types the answer and Enter.  "@FILE" as an
answer types the content of the file, "!COMMAND" what the command makes of all
that the terminal has shown.  What the terminal shows goes to standard
output; the exit status is the program's, 99 if a prompt does not come.
"""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

PATIENCE = 120


def main():
    words, steps = sys.argv[1:], []
    while words[:1] == ["-e"]:
        steps.append((words[1], words[2]))
        words = words[3:]
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(words[0], words)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = screen = b""
    while True:
        if not select.select([fd], [], [], PATIENCE)[0]:
            os.kill(pid, 9)
            print("\n[no prompt and no end]", steps)
            sys.exit(99)
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        seen += data
        screen += data
        if steps and steps[0][0].encode() in seen:
            answer = steps.pop(0)[1]
            if answer.startswith("@"):
                with open(answer[1:], encoding="utf-8") as file:
                    answer = file.read().rstrip("\n")
            elif answer.startswith("!"):
                answer = subprocess.run(
                    answer[1:], shell=True, input=screen, check=True,
                    stdout=subprocess.PIPE).stdout.decode().strip()
            # In pieces, for what comes back has to be read meanwhile.
            typed, seen = answer.encode() + b"\r", b""
            typed = typed[os.write(fd, typed[:500]):]
            while typed:
                while select.select([fd], [], [], 0.01)[0]:
                    data = os.read(fd, 4096)
                    sys.stdout.buffer.write(data)
                    screen += data
                typed = typed[os.write(fd, typed[:500]):]
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if steps:
        print("\n[never asked]", steps)
        status = 99
    sys.exit(status)


main()
