#!/usr/bin/env python3
"""Write unicode_tables.hpp from the Unicode Character Database.

    dev/unicode_tables.py [UCD_DIR] > unicode_tables.hpp

UCD_DIR (default /usr/share/unicode, Debian's package unicode-data) holds extracted/DerivedGeneralCategory.txt,
PropList.txt and UnicodeData.txt of one version. The general category of every code point is read from the first and
checked against UnicodeData.txt; White_Space comes from PropList.txt. The output is a function of these files alone.
"""
import re
import sys

NAMES = ["other", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "N", "white_space"]
LAST = 0x110000


def read_property(path, wanted):
    """Yield (first, last, value) of each line `XXXX..YYYY ; value # comment` whose value `wanted` maps to a class."""
    for line in open(path, encoding="utf-8"):
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if match and wanted(match[3]):
            yield int(match[1], 16), int(match[2] or match[1], 16), wanted(match[3])


def category_class(value):
    if value in ("Lu", "Ll", "Lt", "Lm", "Lo"):
        return NAMES.index(value)
    return NAMES.index("M") if value[0] == "M" else NAMES.index("N") if value[0] == "N" else 0


def version_of(path):
    first = open(path, encoding="utf-8").readline()
    match = re.search(r"-(\d+\.\d+\.\d+)\.txt", first)
    if not match:
        sys.exit(f"{path}: line 1 names no Unicode version: {first.strip()}")
    return match[1]


def check_against_unicode_data(path, classes):
    """UnicodeData.txt says the same: field 2 is the category; `<..., First>` and `<..., Last>` bracket a range."""
    first = None
    for line in open(path, encoding="utf-8"):
        code, name, category = line.split(";")[:3]
        code = int(code, 16)
        if name.endswith("First>"):
            first = code
            continue
        for c in range(first if first is not None else code, code + 1):
            expected = category_class(category)
            if classes[c] != expected and classes[c] != NAMES.index("white_space"):
                sys.exit(f"{path}: U+{c:04X} is {category}, DerivedGeneralCategory says {NAMES[classes[c]]}")
        first = None


def main():
    ucd = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
    categories, properties = ucd + "/extracted/DerivedGeneralCategory.txt", ucd + "/PropList.txt"
    version = version_of(categories)
    if version_of(properties) != version:
        sys.exit(f"{properties}: version {version_of(properties)}, expected {version}")
    classes = bytearray(LAST)
    for first, last, value in read_property(categories, category_class):
        classes[first:last + 1] = bytes([value]) * (last + 1 - first)
    for first, last, value in read_property(properties, lambda v: v == "White_Space" and NAMES.index("white_space")):
        if any(classes[first:last + 1]):
            sys.exit(f"{properties}: White_Space U+{first:04X} is also a letter, number or mark")
        classes[first:last + 1] = bytes([value]) * (last + 1 - first)
    check_against_unicode_data(ucd + "/UnicodeData.txt", classes)

    starts = [c for c in range(LAST) if c == 0 or classes[c] != classes[c - 1]]
    words = [f"0x{c << 4 | classes[c]:x}," for c in starts]
    lines, line = [], "   "
    for word in words:
        if len(line) + 1 + len(word) > 120:
            lines.append(line)
            line = "   "
        line += " " + word
    lines.append(line)
    counts = ", ".join(f"{name} {classes.count(i):,}" for i, name in enumerate(NAMES) if i)
    print(f"""\
// unicode_tables.hpp -- the class of every code point, Unicode {version}. Written by dev/unicode_tables.py; do not edit.
//
// The split patterns of the tokenizer know nine classes: the letters Lu, Ll, Lt, Lm, Lo (together \\p{{L}}), marks \\p{{M}},
// numbers \\p{{N}}, White_Space (\\s), and all the rest. A code point that this version does not assign is "other".
// Code points per class: {counts}.
#pragma once

#include <cstdint>

namespace unicode {{

inline constexpr char kVersion[] = "{version}";

enum class Class : uint8_t {{ {", ".join(NAMES)} }};

// One number per run of code points of the same class: first code point << 4 | class. A run ends where the next begins,
// the last one at U+10FFFF. {len(words)} runs.
inline constexpr uint32_t kRuns[] = {{
{chr(10).join(lines)}
}};

}}  // namespace unicode""")


main()
