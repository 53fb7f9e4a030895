#!/usr/bin/env python3
"""Write fixtures/verdicts.json: what datatrove says of documents that exercise every rule of its quality filters.

    VENV/bin/python dev/data/make_verdicts.py [c4_demo_300.jsonl] > dev/data/fixtures/verdicts.json
    (needs: pip install datatrove spacy regex nltk; made with datatrove 0.10.1, spaCy 3.8.18)

A document is a list of [piece, count]: the pieces repeated and joined, so that 100,001 words are a few bytes. The documents
are made by a seeded generator around each threshold, on both sides of it. For the 300 pages of the C4 sample (not in this
repository) only the verdicts are written, by line number. A verdict is the reason of each filter on the whole text ("" keeps):
[repetition, gopher, c4, c4 with terminal punctuation, fineweb, all in FineWeb's order], then a check sum of what c4 keeps.
"""
import hashlib
import json
import random
import sys

from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

WORDS = ("the of and to a in is that for it was on with as be at by this have from or had not are but what all were when we there can "
         "an your which their said if do will each about how up out them then she many some so these would other into has more her two "
         "like him see time could no make than first been its who now people my made over did down only way find use may water long "
         "little very after words called just where most know garden window yellow river mountain teacher winter evening market letter "
         "bridge kitchen doctor travel simple narrow silver planet forest engine summer village history science picture question").split()


def judge(text):
    filters = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), C4QualityFilter(),
               FineWebQualityFilter()]
    verdicts, left = [], ""
    for i, f in enumerate(filters):
        doc = Document(text=text, id="")
        try:
            result = f.filter(doc)
        except ZeroDivisionError:
            result = (False, "ZeroDivisionError")
        verdicts.append("" if result is True else result[1])
        if i == 2 and result is True:
            left = hashlib.sha1(doc.text.encode()).hexdigest()[:12]
    doc, chain = Document(text=text, id=""), ""
    for i in (0, 1, 2, 4):
        result = filters[i].filter(doc)
        if result is not True:
            chain = result[1]
            break
    return verdicts + [chain, left]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def words(self, n):
        return [self.r.choice(WORDS) for _ in range(n)]

    def sentence(self, low=6, high=13, end="."):
        w = self.words(self.r.randint(low, high))
        return " ".join([w[0].title()] + w[1:]) + end

    def paragraph(self, sentences=3):
        return " ".join(self.sentence() for _ in range(sentences))

    def good(self, lines=7):
        return [self.paragraph(2) for _ in range(lines)]

    def documents(self):
        r, docs = self.r, []
        add = lambda text: docs.append([[text, 1]])
        for k in range(14):                                                        # repetition
            pars = [self.sentence() for _ in range(10)]
            add("\n\n".join(pars + pars[:r.randint(2, 6)]))                        # paragraphs that come twice
            lines = [self.sentence() for _ in range(12)]
            add("\n".join(lines + lines[:r.randint(1, 7)]))                        # lines that come twice
            long = self.sentence(15, 25)
            add("\n\n".join(self.good(6) + [long] * r.randint(2, 4)))
            add("\n".join(self.good(6) + [long] * r.randint(2, 4)))
            for n in (2, 3, 4):                                                    # one n-gram again and again
                gram = " ".join(self.words(n))
                add(" ".join(w for _ in range(r.randint(9, 26)) for w in [gram] + self.words(r.randint(3, 9))))
            n = r.randint(5, 10)                                                   # a run of words that comes again
            run = " ".join(self.words(n + r.randint(0, 3)))
            add(" ".join(" ".join(self.words(r.randint(8, 30))) + ". " + run for _ in range(r.randint(3, 9))))
        for k in range(10):                                                        # Gopher quality
            add(" ".join(self.words(r.randint(45, 55))) + r.choice([".", " !!! ???", " -- . , ;"]))
            add(" ".join(r.choice("a I o be of x yy to it an at".split() + WORDS[:6]) for _ in range(70)))
            share = r.choice([0.5, 0.6, 0.65, 0.7, 0.8])                           # of long words: a mean around 10
            add(" ".join(r.choice(["incomprehensible", "characterizing", "telecommunication", "establishment"]) if r.random() < share else r.choice(WORDS)
                         for _ in range(70)))
            add(" ".join(w + (" #" if r.random() < 0.11 else "") for w in self.words(90)))
            add(" ".join(w + (r.choice(["...", "…"]) if r.random() < 0.11 else "") for w in self.words(90)))
            add("\n".join((r.choice(["• ", "- ", " -", "\t•"]) if r.random() < 0.92 else "") + self.sentence() for _ in range(14)))
            add("\n".join(self.sentence(end=r.choice([".", ".", "...", "…", "... "])) for _ in range(11)))
            add(" ".join(w if r.random() < 0.82 else str(r.randint(1, 9999)) for w in self.words(90)))
            add(" ".join(w for w in self.words(150) if w not in ("the", "be", "to", "of", "and", "that", "have", "with") or r.random() < 0.06))
        for k in range(15):                                                        # C4
            odd = ["Please enable JavaScript to see this page.", "Read our privacy policy before you go on.", "This site uses cookies today.",
                            "By going on you accept the Terms of Use here.", "We make use of cookies, as all do.", "Lorem ipsum dolor sit amet.",
                            "a { color: red }", "x" * r.randint(998, 1003) + " is one word", "Two words", "It is so.[12] And so[edit] on.[citation needed]",
                            "if (x) { return; }", "Our Cookie Policy and more", "They use cookies", "JAVASCRIPT IS OFF HERE", "LOREM IPSUM again here"][k]
            lines = self.good(4)
            lines.insert(r.randint(0, 4), odd)
            add(r.choice(["\n", "\n", "\r\n", "\u2028"]).join(lines))
            if k > 8:
                continue
            add("\n".join(self.sentence(12, 18, r.choice([".", "!", "?", "", "...", "\""])) for _ in range(r.randint(3, 7))))
            add(" ".join(self.sentence(end=r.choice([".", "?!", "...", ". . .", "!\"", ".)", "。"])) for _ in range(r.randint(4, 8))))
            add("\n".join(r.choice(["[1]", "  ", "one two [3] [4]", "a b c [edit]"]) if r.random() < 0.3 else self.sentence() for _ in range(9)))
        for k in range(9):                                                         # FineWeb
            add("\n".join(self.sentence(end="." if r.random() < 0.13 else r.choice(["", ",", "\"", ":"])) for _ in range(16)))
            add("\n".join(self.sentence(2, 4) if r.random() < 0.67 else self.sentence(9, 12) for _ in range(15)))
            short = r.choice(["See it.", "Go on now.", "Oh."])
            add("\n".join(self.good(9) + [short] * r.randint(1, 3)))
            add("\n".join(self.sentence(2, 5, r.choice([".", "?"])) for _ in range(24)))
            add("\n".join(self.sentence() + "\n" * r.randint(0, 4) for _ in range(9)))
        for text in ("", " ", "\n\n\n", "\u00a0\u2003", "...", "a", "#", "- - -", "\u2026" * 60, "\n".join("ab" for _ in range(60)), "\x00 \x1c b \x85"):
            add(text)
        docs.append([["word of the day and ", 25001]])                             # 125,005 words that repeat
        docs.append([["\n".join(self.good(3)) + "\n", 700]])
        for k in range(16):                                                        # all kinds of tokens
            odd = ["don't", "U.S.", "e.g.", "(http://example.com/x?y=1)", "10km", "5%", "$5", "well-known", "it’s", "and/or", "x--y", "3.14", "#tag", ":)",
                   "日本語。", "привет", "naïve", "—", "wait...what", "Mr.", "p.m.", "AT&T's", "2*3", "a.b", "end.Start"]
            add("\n".join(" ".join(w if r.random() < 0.6 else r.choice(odd) for w in self.words(12)) + "." for _ in range(7)))
        return docs


def main():
    docs = Maker(8).documents()
    made = [{"text": d, "verdicts": judge("".join(p * n for p, n in d))} for d in docs]
    c4 = [judge(json.loads(line)["text"]) for line in open(sys.argv[1], encoding="utf-8")] if len(sys.argv) > 1 else []
    seen = sorted({v for row in [m["verdicts"] for m in made] + c4 for v in row[:6]})
    print(f"{len(made)} + {len(c4)} documents; reasons seen: {seen}", file=sys.stderr)
    lines = [json.dumps(m, ensure_ascii=False) for m in made]
    print('{"documents": [\n' + ",\n".join(lines) + '\n],\n"c4_demo_300": [\n' + ",\n".join(json.dumps(v) for v in c4) + "\n]}")


main()
