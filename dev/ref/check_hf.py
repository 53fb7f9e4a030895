"""Does transformers see the same model as train_gpt does? Loads a model directory and compares the logits of both.

    python dev/ref/check_hf.py MODEL_DIR [--train-gpt ./train_gpt] [--tokens 64] [--seed 1]

Loads MODEL_DIR with AutoModelForCausalLM and, where a tokenizer is in it, AutoTokenizer; runs `train_gpt score
--logits` on the same random ids (and on the ids of a sentence); prints the largest differences. Exit status 1 beyond
1e-4 (fp32). Flags that are not its own go to `train_gpt score`.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

SENTENCE = 'Once upon a time, a king had 3 daughters: Zoë, Ana and 李.\n\n  They said "it\'s late" & left...\t'


def our_logits(args, ids, V):
    with tempfile.TemporaryDirectory() as d:
        out = pathlib.Path(d) / "logits.f32"
        command = [
            args.train_gpt,
            "score",
            "--model",
            args.model_dir,
            "--ids",
            " ".join(map(str, ids)),
            "--logits",
            str(out),
        ]
        subprocess.run(command + args.extra, check=True, stdout=subprocess.DEVNULL)
        return torch.from_numpy(np.fromfile(out, dtype="<f4").reshape(len(ids), V))


def compare(args, model, ids, what):
    V = model.config.vocab_size
    ours = our_logits(args, ids, V)
    with torch.no_grad():
        theirs = model(torch.tensor([ids])).logits[0].float()
    diff = (ours - theirs).abs()
    t, v = divmod(int(diff.argmax()), V)
    print(
        f"{what}: {len(ids)} positions x {V} logits, |logit| up to {theirs.abs().max():.3f}; "
        f"largest difference {diff.max():.2e} at position {t}, id {v} "
        f"(ours {ours[t, v]:.6f}, transformers {theirs[t, v]:.6f}); mean {diff.mean():.2e}; same best id at "
        f"{(ours.argmax(1) == theirs.argmax(1)).sum().item()}/{len(ids)} positions"
    )
    return diff.max().item()


def check_tokenizer(args, tokenizer):
    text = SENTENCE
    theirs = tokenizer(text, add_special_tokens=False)["input_ids"]
    command = [args.train_gpt, "tokenizer", "encode", "--tokenizer", args.model_dir]
    ours = [
        int(x) for x in subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout.split()
    ]
    print(
        f"tokenizer: {len(tokenizer)} ids; a sentence of {len(text)} characters is {len(theirs)} tokens;",
        "same ids" if ours == theirs else f"DIFFERENT ids\n  ours         {ours}\n  transformers {theirs}",
    )
    back = tokenizer.decode(theirs, clean_up_tokenization_spaces=False)
    print("tokenizer: decoding gives the text back" if back == text else f"tokenizer: decoding gives {back!r}")
    return theirs, ours == theirs and back == text


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model_dir")
    p.add_argument("--train-gpt", default="./train_gpt")
    p.add_argument("--tokens", type=int, default=64)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--tolerance", type=float, default=1e-4)
    args, args.extra = p.parse_known_args()  # the rest goes to `train_gpt score`, e.g. --dtype fp32
    config = AutoConfig.from_pretrained(args.model_dir)
    model = AutoModelForCausalLM.from_pretrained(args.model_dir, dtype=torch.float32).eval()
    print(
        f"{args.model_dir}: {type(model).__name__}, {sum(x.numel() for x in model.parameters()):,} parameters, "
        f"{config.dtype}"
    )
    n = min(args.tokens, config.n_positions)
    ids = torch.randint(0, config.vocab_size, (n,), generator=torch.Generator().manual_seed(args.seed)).tolist()
    worst, ok = compare(args, model, ids, "random ids"), True
    if any((pathlib.Path(args.model_dir) / f).exists() for f in ("tokenizer.json", "vocab.json")):
        text_ids, ok = check_tokenizer(args, AutoTokenizer.from_pretrained(args.model_dir))
        worst = max(worst, compare(args, model, text_ids[: config.n_positions], "a sentence"))
    else:
        print("tokenizer: none in this directory")
    ok = ok and worst <= args.tolerance
    print("agrees" if ok else f"DOES NOT AGREE (bound {args.tolerance:.0e})")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
