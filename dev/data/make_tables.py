#!/usr/bin/env python3
"""Write text_tables.hpp and special_words.hpp: what the filters must know of each code point and of some words of English.

    VENV/bin/python dev/data/make_tables.py > dev/data/text_tables.hpp            needs: pip install datatrove spacy regex
    VENV/bin/python dev/data/make_tables.py words > dev/data/special_words.hpp

The filters' thresholds were set on the words of spaCy's English tokenizer and on Python's idea of space, letter, lower case
and punctuation. So both are asked, code point by code point, and the answers become tables: the C++ needs neither.
spaCy (MIT licence, Explosion) defines its classes as regular expressions; each becomes one bit here. The special words
(contractions, abbreviations, emoticons) are written as the lengths of their parts: "cannot" is 3 and 3.
"""
import re
import sys
import unicodedata

import spacy
from datatrove.utils.text import PUNCTUATION, PUNCTUATION_SET, TERMINAL_PUNCTUATION
from spacy.lang import char_classes as cc
from spacy.pipeline import Sentencizer
from spacy.symbols import ORTH

LAST = 0x110000


def single(pieces):
    """The pieces of a list of regular expressions that stand for one character."""
    return "".join(p for p in pieces if len(p) == 1 or (len(p) == 2 and p[0] == "\\")).replace("\\", "")


def members(regex_class):
    pattern = re.compile("[" + regex_class + "]")
    return {c for c in range(LAST) if not 0xD800 <= c < 0xE000 and pattern.match(chr(c))}


def category(*wanted):
    return {c for c in range(LAST) if unicodedata.category(chr(c)).startswith(wanted)}


AFFIX = single(cc.LIST_PUNCT + cc.LIST_QUOTES) + "…"
BITS = [
    ("kSpace", "Python's str.isspace", {c for c in range(LAST) if chr(c).isspace()}),
    ("kIsAlpha", "Python's str.isalpha (category L)", {c for c in range(LAST) if chr(c).isalpha()}),
    ("kDigit", "category Nd", category("Nd")),
    ("kMark", "category Mn", category("Mn")),
    ("kIsPunct", "category P", category("P")),
    ("kWordChar", "Python's \\\\w: letters, numbers, underscore", {c for c in range(LAST) if re.match(r"\w", chr(c))}),
    ("kSymbol", "datatrove's PUNCTUATION_SET", {ord(c) for c in PUNCTUATION_SET}),
    ("kSimplified", "datatrove's PUNCTUATION: becomes a space in simplify_text", {ord(c) for c in PUNCTUATION}),
    ("kTerminal", "datatrove's TERMINAL_PUNCTUATION: ends a line", {ord(c) for c in TERMINAL_PUNCTUATION}),
    ("kSentenceEnd", "spaCy's sentencizer", {ord(c) for c in Sentencizer.default_punct_chars}),
    ("kAlpha", "spaCy's ALPHA", members(cc.ALPHA)),
    ("kLower", "spaCy's ALPHA_LOWER (with the scripts that have no case)", members(cc.ALPHA_LOWER)),
    ("kUpper", "spaCy's ALPHA_UPPER (likewise)", members(cc.ALPHA_UPPER)),
    ("kIcon", "spaCy's ICONS", members(cc.ICONS)),
    ("kQuote", "spaCy's CONCAT_QUOTES", members(cc.CONCAT_QUOTES)),
    ("kPrefix", "one character that spaCy cuts off in front", {ord(c) for c in "§%=—–" + AFFIX + single(cc.LIST_CURRENCY)} | members(cc.ICONS)),
    ("kSuffix", "one character that spaCy cuts off behind", {ord(c) for c in "—–" + AFFIX} | members(cc.ICONS)),
    ("kBeforeDot", "a full stop behind this is cut off", members(r"0-9" + cc.ALPHA_LOWER + r"%²\-\+" + cc.PUNCT + "(?:" + cc.CONCAT_QUOTES + ")")),
    ("kCurrency", "spaCy's currency signs of one character", {ord(c) for c in single(cc.LIST_CURRENCY)}),
]


def numbers(values):
    line, lines = "", []
    for v in values:
        if len(line) + len(v) > 134:
            lines.append("    " + line.rstrip())
            line = ""
        line += v + ", "
    return "\n".join(lines + ["    " + line.rstrip()])


def c_string(text):
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\?' else "".join(f"\\{b:03o}" for b in c.encode()) for c in text) + '"'


def special_words():
    tokenizer = spacy.blank("en").tokenizer
    special = {k: [t[ORTH] for t in v] for k, v in tokenizer.rules.items()}
    assert all("".join(v) == k for k, v in special.items())
    print("// special_words.hpp -- words that the tokenizer of words.hpp treats by name. Written by dev/data/make_tables.py; do not edit.")
    print("//")
    print(f"// From the English rules of spaCy {spacy.__version__} (MIT licence, Explosion).")
    print("#pragma once\n\nnamespace webtext::tables {")
    units = sorted(set(u for u in cc.UNITS.split("|") if u))
    print(f"\n// What is cut off behind a digit.\ninline constexpr const char* kUnits[] = {{\n{numbers([c_string(u) for u in units])}\n}};")
    print("\n// Special words of English, and the lengths of their parts in code points as digits.")
    rows = [f"{{{c_string(k)}, \"{''.join(str(len(p)) if len(p) < 10 else chr(ord('a') + len(p) - 10) for p in v)}\"}}" for k, v in sorted(special.items())]
    print(f"struct Special {{ const char *word, *parts; }};\ninline constexpr Special kSpecial[] = {{\n{numbers(rows)}\n}};")
    print("\n}  // namespace webtext::tables")


def main():
    if sys.argv[1:] == ["words"]:
        return special_words()
    bits = [0] * LAST
    for i, (_, _, chars) in enumerate(BITS):
        for c in chars:
            bits[c] |= 1 << i
    runs = [(c, bits[c]) for c in range(LAST) if c == 0 or bits[c] != bits[c - 1]]
    lower = [(c, ord(chr(c).lower())) for c in range(LAST) if len(chr(c).lower()) == 1 and chr(c).lower() != chr(c)]
    # decomposed (NFD), then without marks: what simplify_text keeps; Hangul is arithmetic
    bare = []
    for c in range(LAST):
        if 0xD800 <= c < 0xE000 or 0xAC00 <= c < 0xD7A4:
            continue
        d = [x for x in unicodedata.normalize("NFD", chr(c)) if unicodedata.category(x) != "Mn"]
        if d != [chr(c)] and unicodedata.category(chr(c)) != "Mn":
            bare.append((c, [ord(x) for x in d]))
    longest = max(len(d) for _, d in bare)
    assert longest <= 3, longest
    print("// text_tables.hpp -- classes of code points for words.hpp and minhash.hpp. Written by dev/data/make_tables.py; do not edit.")
    print("//")
    print(f"// Unicode {unicodedata.unidata_version} as Python {sys.version.split()[0]} knows it; spaCy {spacy.__version__} (MIT licence, Explosion); datatrove's punctuation sets.")
    print("// A run is first code point << 8 | number of its class; it ends where the next begins.")
    print("#pragma once\n\n#include <cstdint>\n\nnamespace webtext::tables {\n")
    for i, (name, meaning, _) in enumerate(BITS):
        print(f"inline constexpr uint32_t {name} = 1u << {i};{' ' * (14 - len(name))}// {meaning}")
    classes = sorted({b for _, b in runs})
    print(f"\n// The combinations of bits that occur.\ninline constexpr uint32_t kClasses[] = {{\n{numbers([hex(b) for b in classes])}\n}};")
    print(f"\ninline constexpr uint32_t kRuns[] = {{\n{numbers([hex(c << 8 | classes.index(b)) for c, b in runs])}\n}};")
    print("\n// Lower case of one character: code point << 21 | its lower case. (U+0130 becomes two; words.hpp knows.)")
    print(f"inline constexpr uint64_t kLowerCase[] = {{\n{numbers([hex(a << 21 | b) for a, b in lower])}\n}};")
    print("\n// Characters that change when decomposed (NFD) and freed of marks (Mn): code point << 42 | first that is left << 21 | second (0: none).")
    print(f"inline constexpr uint64_t kBare[] = {{\n{numbers([hex(c << 42 | (d + [0])[0] << 21 | (d + [0, 0])[1]) for c, d in bare if len(d) < 3])}\n}};")
    rows = ["{" + ", ".join(hex(x) for x in [c] + d) + "}" for c, d in bare if len(d) == 3]
    print(f"// Those of which three are left.\ninline constexpr uint32_t kBare3[][4] = {{\n{numbers(rows)}\n}};")
    print("\n}  // namespace webtext::tables")


main()
