#!/usr/bin/env python3
"""Write dev/ref/fixtures/tokenizer_splits.json: how Python's `regex` cuts 20,000 random strings by each split pattern.

    dev/ref/tokenizer_splits.py > dev/ref/fixtures/tokenizer_splits.json

The test makes the same strings (common.hpp's Rng) and compares a CRC-32 of the pieces' lengths per 500 strings, so the
fixture stays small. The alphabet has only characters whose class is the same in all Unicode versions since 12. `$` is
written \\Z and `\\s` \\p{White_Space} here: that is what they mean to the engines these patterns were written for.
"""
import json
import zlib

import regex

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
STRINGS, BLOCK = 20000, 500

PATTERNS = {
    "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++\Z|\s+(?!\S)|\s""",
    "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++\Z"""
              r"""|\s*[\r\n]|\s+(?!\S)|\s""",
    "llama3": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"""
              r"""\s*[\r\n]+|\s+(?!\S)|\s+""",
    "o200k": r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"""
             r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"""
             r"""\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
}
ALPHABET = ("abdelmrstvzABDELMRSTVZ'''''    \n\n\r\t/!?.,-_#0123456789\0\x0b\x0c\x1c\x1f\x7f"
            "éàßÉÀſKǅǈʰˠªº中文あア한가א\u0e01عमЖжΩω𝒜𝕫𠀀\u0301\u0308\u0903\u20dd\u0e31\u0661\u0665½²Ⅳ〇"
            "\u0085\u00a0\u1680\u2003\u2028\u202f\u3000\u180e\u200b\u200d\ufeff€←「」👩😀\ue000\U0010ffff’“")


def splitmix64(x):
    x = (x + GOLDEN) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


class Rng:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        z = splitmix64(self.state)
        self.state = (self.state + GOLDEN) & MASK
        return z * n >> 64


def string(seed):
    """Up to 30 characters out of a few, so that runs and rare neighbours both come up."""
    rng = Rng(seed)
    few = [ALPHABET[rng.below(len(ALPHABET))] for _ in range(1 + rng.below(12))]
    return "".join(few[rng.below(len(few))] for _ in range(rng.below(31)))


def main():
    crc = {}
    for name, pattern in PATTERNS.items():
        pattern = pattern.replace(r"\s", r"\p{White_Space}").replace(r"\S", r"\P{White_Space}")
        compiled = regex.compile(pattern)
        crc[name] = []
        for block in range(0, STRINGS, BLOCK):
            text = ""
            for seed in range(block, block + BLOCK):
                s = string(seed)
                pieces = compiled.findall(s)
                assert "".join(pieces) == s, (name, s)
                text += " ".join(str(len(p.encode())) for p in pieces) + "\n"
            crc[name].append(zlib.crc32(text.encode()))
    print(json.dumps({"alphabet": [ord(c) for c in ALPHABET], "strings": STRINGS, "block": BLOCK, "crc": crc}))


main()
