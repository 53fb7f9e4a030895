#!/usr/bin/env python3
"""Write fixtures/pii.json: texts of a seeded generator and what datatrove's PIIFormatter makes of each (a new one per text).

    VENV/bin/python dev/data/make_pii.py > dev/data/fixtures/pii.json      needs: pip install datatrove

No address in 192.0.0.0/24: which of those are public differs between versions of Python; ours are those of Python 3.13.
"""
import json
import random

from datatrove.pipeline.formatters import PIIFormatter

PIECES = ["a", "bob", "x.y", "..", ".", "@", "@", "@", "-", "_", "+", "#", "example", ".com", ".co.uk", ".c", "[1.2.3.4]", "[", "]", " ", " ", ", ", "8.8.8.8", "192.168.1.1", "10.0.0.1",
          "256.1.1.1", "1.2.3.256", "1.2.3", "01.2.3.4", "172.16.0.1", "172.32.0.1", "100.64.3.2", "192.0.2.1", "198.18.0.1", "203.0.113.7", "224.0.0.1",
          "240.0.0.1", "255.255.255.255", "0.1.2.3", "9", "é", "日", "‘", "<", ">", "mailto:", "//", "=", "\n", "'"]


def main():
    r = random.Random(4)
    rows = []
    for _ in range(700):
        text = "".join(r.choice(PIECES) for _ in range(r.randint(2, 14)))
        rows.append([text, PIIFormatter().format(text)])
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")


main()
