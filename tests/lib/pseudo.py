#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A language for tests, in which each vowel of a translated text has an accent.

	pseudo.py make <relais.pot >xx.po
	pseudo.py find [WORD...] <output	what was not translated, if anything

A word of the output that has a vowel without an accent was not translated.  The
WORDs are names and data, which stay as they are; so do words with a digit, a
dot, a slash, an "@", "=", "_" or a hyphen in front, and words in capitals.
"""
import re
import sys

PLAIN, ACCENTED = "aeiou", "áéíóú"
TABLE = str.maketrans(PLAIN, ACCENTED)
# A conversion of printf, or an escape of C.
KEPT = re.compile(r'%[-0-9$.*+ #hlzjtL]*(?:<[^>]*>)?[a-zA-Z%]|\\.')


def accented(text):
    out, at = "", 0
    for kept in KEPT.finditer(text):
        out += text[at:kept.start()].translate(TABLE) + kept.group()
        at = kept.end()
    return out + text[at:].translate(TABLE)


def make(source):
    """Each msgstr is its msgid; of a plural, both are."""
    header = True
    for block in source.read().split("\n\n"):
        lines, texts, where = [], {"msgid": [], "msgid_plural": []}, None
        for line in block.split("\n"):
            word = line.split(" ", 1)[0]
            if word in texts:
                where = word
                texts[where].append(line[len(word) + 1:])
            elif line.startswith("msgstr"):
                where = None
            elif line.startswith('"') and where:
                texts[where].append(line)
            if not line.startswith("msgstr") and not (
                    where is None and line.startswith('"')):
                lines.append(line)
        if not texts["msgid"]:
            continue
        if header:
            header = False
            print('msgid ""\nmsgstr "Content-Type: text/plain; '
                  'charset=UTF-8\\nPlural-Forms: nplurals=2; '
                  'plural=(n != 1);\\n"\n')
            continue
        print("\n".join(lines))
        one = [accented(t) for t in texts["msgid"]]
        many = [accented(t) for t in texts["msgid_plural"]]
        if many:
            print("msgstr[0] " + "\n".join(one))
            print("msgstr[1] " + "\n".join(many))
        else:
            print("msgstr " + "\n".join(one))
        print()


def find(output, known):
    bad = 0
    for line in output:
        for word in line.split():
            if re.search(r"[0-9./@=_]|^-", word):
                continue
            for part in re.findall(r"[A-Za-z" + ACCENTED + "]+", word):
                if (part not in known and not part.isupper() and
                        len(part) > 1 and re.search("[aeiou]", part)):
                    print("not translated: %s  in: %s" % (part, line.strip()))
                    bad = 1
    return bad


if sys.argv[1] == "make":
    make(sys.stdin)
else:
    sys.exit(find(sys.stdin, set(sys.argv[2:])))
