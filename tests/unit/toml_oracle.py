#!/usr/bin/env python3
"""Holds the TOML reader against Python's: the same documents, taken or refused alike, with the same values.

usage: toml_oracle.py TOML_PRINT [FILE...]
The files are documents too. Damaged copies of all of them are made with a fixed seed.
"""
import datetime
import json
import math
import random
import subprocess
import sys
import tomllib

DOCUMENTS = [
    "", "# only a comment", "a = 1\n", "a.b.c = 1\na.b.d = 2\n", "\"quoted key\" = 1\n'x y'.z = 2\n", "1234 = 'bare'\n",
    "[a]\nb = 1\n[a.c]\n[a.d.e]\nf = 1\n", "[a.b]\n[a]\nc = 1\n", "[[a]]\nb = 1\n[[a]]\nb = 2\n[[a.c]]\nd = 1\n",
    "x = { a = 1, b.c = 2, d = [1, { e = 2 }] }\n", "x = [1, 2,\n # comment\n 3,\n]\n", "x = [[1, 2], ['a', 1.5]]\n",
    "x = \"tab\\t quote\\\" u\\u00e9 U\\U0001F600\"\n", "x = 'raw \\n'\n", "x = \"\"\"\nline 1\nline \\\n   2\"\"\"\n",
    "x = '''\nraw 'quoted' text'''\n", "x = \"\"\"two quotes: \"\".\"\"\"\n", "x = \"\"\"\"quoted\"\"\"\"\n",
    "a = 0x1F\nb = 0o17\nc = 0b101\nd = 1_000\ne = -17\nf = +5\ng = -0\n", "a = 9223372036854775807\nb = -9223372036854775808\n",
    "a = 1.5e3\nb = -0.01\nc = 6.626e-34\nd = 1e06\ne = inf\nf = -inf\ng = 224_617.445_991\n", "a = true\nb = false\n",
    "a = 1979-05-27T07:32:00Z\nb = 1979-05-27T00:32:00.999999-07:00\nc = 1979-05-27 07:32:00\nd = 1979-05-27\ne = 07:32:00.5\n",
    "a = 1\na = 2\n", "[a]\n[a]\n", "a = 1\n[a]\n", "a = 01\n", "a = 1__0\n", "a = .5\n", "a = 5.\n", "a = 1e\n", "a = 0x\n",
    "a = \"\\x\"\n", "a = \"\n\"\n", "a = 'it's'\n", "a = \n", "= 1\n", "a b = 1\n", "[a\n", "[]\n", "[[a]\n", "a = [1 2]\n",
    "a = {b = 1,}\n", "a = { b = 1\n}\n", "x = {a = 1}\nx.b = 2\n", "[[a]]\n[a]\n", "a = []\n[[a]]\n", "a = 2021-02-30\n",
    "a = 25:00:00\n", "a = tru\n", "a = 1 b = 2\n", "a = \"\\ud800\"\n", "a = \"x\ty\"\nb = 'x\ty'\n", "a = \"\x01\"\n",
    "a = 1\r\nb = 2\r\n", "a = 1\rb = 2\n", "\u00e9 = 1\n", "[!]\n", "a = \"\u00e9\u20ac\U0001F600\"\n", "# \u00e9\na = 1\n",
]


def tagged(value):
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, bool):
        return ["boolean", value]
    if isinstance(value, int):
        if not -2**63 <= value < 2**63:
            raise ValueError("integer out of range")
        return ["integer", str(value)]
    if isinstance(value, float):
        names = {math.inf: "Infinity", -math.inf: "-Infinity"}
        return ["float", "NaN" if math.isnan(value) else names.get(value, value)]
    if isinstance(value, datetime.datetime):
        text = value.isoformat()
        return ["time", text[:-6] + "Z" if text.endswith("+00:00") else text]
    if isinstance(value, (datetime.date, datetime.time)):
        return ["time", value.isoformat()]
    return ["string", value]


def expected(document):
    try:
        return tagged(tomllib.loads(document))
    except (ValueError, RecursionError):
        return None


def holds_nul(value):
    if isinstance(value, dict):
        return any("\0" in key or holds_nul(item) for key, item in value.items())
    return any(map(holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


def damaged(documents, count):
    chance = random.Random(20)
    pool = "abc=.,[]{}\"'#\n \t\\_-+0159eTZ:u"
    for _ in range(count):
        text = list(chance.choice(documents))
        for _ in range(chance.randint(1, 3)):
            at = chance.randint(0, len(text))
            if chance.random() < 0.5 and at < len(text):
                del text[at]
            else:
                text.insert(at, chance.choice(pool))
        yield "".join(text)


def main():
    documents = list(DOCUMENTS)
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8", newline="") as file:
            documents.append(file.read())
    documents += damaged(documents, 20000)
    stream = b"".join(b"%d\n%s" % (len(text), text) for text in (d.encode() for d in documents))
    answers = subprocess.run([sys.argv[1]], input=stream, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")
    if len(answers) != len(documents) + 1:
        sys.exit(f"{len(answers) - 1} answers to {len(documents)} documents")
    differing = 0
    for document, answer in zip(documents, answers):
        want = expected(document)
        if holds_nul(want):
            continue  # a text that C cuts short: the manifest refuses it
        got = json.loads(answer)
        if got != want:
            differing += 1
            print(f"{document!r}\n    got  {got}\n    want {want}")
    print(f"{len(documents)} documents, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
