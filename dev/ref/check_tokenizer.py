#!/usr/bin/env python3
"""Compare a tokenizer folder or .json that train_gpt wrote with `transformers`, on random strings.

    dev/ref/check_tokenizer.py ./train_gpt FOLDER_OR_JSON [STRINGS]

The folder needs tokenizer.json and tokenizer_config.json (a model's folder has both). Needs transformers. Exits 1 if an
id differs.
"""
import json
import os
import random
import subprocess
import sys

ALPHABET = ("abdelmrstvzABDELMRSTVZ'''''    \n\n\r\t/!?.,-_#0123456789\0\x0b\x1c\x7f"
            "éàßÉÀſKǅʰºª中文あア한가אعЖжΩ𝒜\u0301\u0308\u0903"
            "\u0661½²Ⅳ〇\u0085\u00a0\u1680\u2003\u2028\u3000\u180e\u200b\u200d\ufeff€←「」👩😀\ue000’“")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, path = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    rng = random.Random(1)
    strings = ["<|endoftext|>", "a<|endoftext|> b"]
    while len(strings) < count:
        few = rng.choices(ALPHABET, k=rng.randint(1, 12))
        strings.append("".join(rng.choices(few, k=rng.randint(0, 40))))
    command = [program, "tokenizer", "encode", "--tokenizer", path, "--special", "all", "--lines"]
    ours = subprocess.run(command, check=True,
                          input="".join(json.dumps(s) + "\n" for s in strings).encode(), stdout=subprocess.PIPE)
    ours = [[int(i) for i in line.split()] for line in ours.stdout.decode().split("\n")[:-1]]
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
    if os.path.isdir(path):
        theirs = AutoTokenizer.from_pretrained(path)
    else:
        theirs = PreTrainedTokenizerFast(tokenizer_file=path)
    wanted = theirs(strings, add_special_tokens=False)["input_ids"]
    wrong = [(s, a, b) for s, a, b in zip(strings, ours, wanted) if a != b]
    for s, a, b in wrong[:5]:
        print(f"{s!r}: train_gpt {a}, transformers {b}")
    print(f"{len(strings)} strings, {len(wrong)} differ; {type(theirs).__name__}, {len(theirs)} ids, "
          f"eos {theirs.eos_token_id}")
    sys.exit(1 if wrong or len(ours) != len(strings) else 0)


main()
