#!/usr/bin/env python3
"""Compare train_gpt's tokenizer with tiktoken, Hugging Face tokenizers and rustbpe: same text, same run, same ids.

    python3 -m pip install tiktoken tokenizers rustbpe
    dev/bench/compare_tokenizers.py ./train_gpt TEXT.jsonl VOCABULARIES [ROUNDS]

TEXT.jsonl has a document per line, {"text": ...}; VOCABULARIES is a folder with r50k_base.tiktoken and cl100k_base.tiktoken.
Everything runs on one thread (RAYON_NUM_THREADS=1) and is measured in bytes of text per CPU second of the process, the
rounds of all programs in turn, medians of ROUNDS (default 3). tiktoken is measured without its Python wrapper (_core_bpe).
The ids of train_gpt (from the shards that `train_gpt tokenize` writes) are compared with tiktoken's one by one, the
merges of `train_gpt tokenizer train` with rustbpe's. Exits 1 if any differ.
"""
import array
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_NUM_THREADS"] = "1"

PATTERNS = {
    "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
    "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
}
FILES = {"gpt2": "r50k_base.tiktoken", "cl100k": "cl100k_base.tiktoken"}
END_OF_TEXT = {"gpt2": 50256, "cl100k": 100257}
TRAIN_IDS = 32768


def seconds(f):
    start = time.process_time()
    result = f()
    return time.process_time() - start, result


def ours(program, arguments, **environment):
    """CPU seconds of a run of train_gpt, start and reading of the vocabulary included."""
    before = os.times()
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def shard_ids(folder):
    ids = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".bin"):
            data = open(os.path.join(folder, name), "rb").read()
            wide = int.from_bytes(data[:4], "little") == 20240801
            ids.extend(array.array("I" if wide else "H", data[1024:]))
    return ids


def compare_encoding(program, path, vocabularies, texts, size, rounds, figures):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    from tokenizers import Tokenizer
    wrong = 0
    for pattern, file in FILES.items():
        vocabulary = os.path.join(vocabularies, file)
        core = tiktoken.Encoding(pattern, pat_str=PATTERNS[pattern], mergeable_ranks=load_tiktoken_bpe(vocabulary), special_tokens={})._core_bpe
        with tempfile.TemporaryDirectory() as out:
            tokenize = ["tokenize", "--tokenizer", vocabulary, "--pattern", pattern, "--input", path, "--out", out, "--threads", "1", "--overwrite"]
            times = {"tiktoken": [], "tokenizers": [], "train_gpt tokenize (the whole command)": []}
            for _ in range(rounds):
                times["train_gpt tokenize (the whole command)"].append(ours(program, tokenize))
                s, ids = seconds(lambda: [core.encode_ordinary(t) for t in texts])
                times["tiktoken"].append(s)
                hugging_face = Tokenizer.from_file(os.path.join(out, "tokenizer.json"))
                s, theirs = seconds(lambda: [hugging_face.encode(t, add_special_tokens=False) for t in texts])
                times["tokenizers"].append(s)
            expected = [i for document in ids for i in [END_OF_TEXT[pattern], *document]]
            got = shard_ids(out)
            same_hf = all(e.ids == document for e, document in zip(theirs, ids))
            print(f"{pattern}: {len(got):,} ids, train_gpt's {'are' if got == expected else 'ARE NOT'} tiktoken's, "
                  f"Hugging Face's with our tokenizer.json {'are' if same_hf else 'ARE NOT'}")
            wrong += got != expected or not same_hf
        for name, s in times.items():
            figures.append((f"encode {pattern}", name, size / statistics.median(s) / 1e6))
    return wrong


def compare_training(program, path, texts, size, rounds, figures):
    import rustbpe
    times = {"rustbpe": [], "train_gpt tokenizer train (the whole command)": []}
    with tempfile.TemporaryDirectory() as out:
        vocabulary = os.path.join(out, "trained.json")
        for _ in range(rounds):
            times["train_gpt tokenizer train (the whole command)"].append(
                ours(program, ["tokenizer", "train", "--input", path, "--vocab-size", str(TRAIN_IDS + 1), "--pattern", "cl100k", "--threads", "1", "--out", vocabulary]))
            trainer = rustbpe.Tokenizer()
            s, _ = seconds(lambda: trainer.train_from_iterator(iter(texts), TRAIN_IDS, pattern=PATTERNS["cl100k"]))
            times["rustbpe"].append(s)
        model = json.load(open(vocabulary, encoding="utf-8"))["model"]
    printable = [b for b in range(256) if 32 < b < 127 or (b > 160 and b != 173)]
    others = [b for b in range(256) if b not in printable]
    byte_of = {**{chr(b): b for b in printable}, **{chr(256 + i): b for i, b in enumerate(others)}}
    mine = {i: bytes(byte_of[c] for c in token) for token, i in model["vocab"].items() if all(c in byte_of for c in token) and i < TRAIN_IDS}
    theirs = {rank: bytes(token) for token, rank in trainer.get_mergeable_ranks()}
    first = next((i for i in range(TRAIN_IDS) if mine.get(i) != theirs.get(i)), None)
    print(f"train: {len(theirs) - 256:,} merges, train_gpt's are rustbpe's" if first is None else f"train: token {first} is {mine.get(first)!r}, rustbpe has {theirs.get(first)!r}")
    for name, s in times.items():
        figures.append((f"train {TRAIN_IDS} ids", name, size / statistics.median(s) / 1e6))
    return first is not None


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, path, vocabularies = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    texts = [json.loads(line)["text"] for line in open(path, encoding="utf-8") if line.strip()]
    size = sum(len(t.encode()) for t in texts)
    print(f"{size / 1e6:.1f} MB of text, {len(texts):,} documents")
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        result = os.path.join(folder, "bench.json")
        ours(program, ["bench", "tokenizer", "--json", result], TRAIN_GPT_BENCH_TEXT=path, TRAIN_GPT_BENCH_VOCABULARIES=vocabularies)
        bench = json.load(open(result, encoding="utf-8"))
        bench = bench.get("tokenizer", bench)
    for pattern in FILES:
        figures.append((f"encode {pattern}", "train_gpt (bench tokenizer)", bench[pattern]["encode_mb_per_s"]))
    figures.append((f"train {TRAIN_IDS} ids", "train_gpt (bench tokenizer: count and merge)", bench["train_mb_per_s"]))
    wrong = compare_encoding(program, path, vocabularies, texts, size, rounds, figures)
    wrong += compare_training(program, path, texts, size, rounds, figures)
    print(f"{'what':<20} {'program':<48} MB per CPU second")
    for what, name, rate in sorted(figures, key=lambda f: (f[0], -f[2])):
        print(f"{what:<20} {name:<48} {rate:8.1f}")
    sys.exit(1 if wrong else 0)


main()
