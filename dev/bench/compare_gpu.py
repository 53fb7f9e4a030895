"""PyTorch and train_gpt train the same GPT-2 on one GPU: the same initial weights, batches, learning rates and optimizer, in turns.

PyTorch does what people do there for speed: bf16 autocast over fp32 weights, torch.compile, flash attention through
scaled_dot_product_attention, fused AdamW, a vocabulary padded to a multiple of 128. Printed are the medians of tokens/s (the first ten
steps, in which both compile and choose, do not count) and, step by step, how far the losses lie apart.

    python dev/bench/compare_gpu.py --data DIR [--program ./train_gpt] [--size gpt2] [--batch-size 16] [--steps 40] [--json FILE]

DIR: token shards of `train_gpt tokenize` with GPT-2's vocabulary, of which the first training shard is read in its order.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "ref"))
from reference import GPT  # noqa: E402  the model of the fixtures: its weights are drawn as train_gpt draws them

SIZES = {"gpt2": (12, 12, 768), "gpt2-medium": (24, 16, 1024), "gpt2-large": (36, 20, 1280), "gpt2-xl": (48, 25, 1600)}
T, V, PADDED, TOTAL = 1024, 50257, 50304, 131072


def fast_block(self, x):
    B, n, C = x.shape
    q, k, v = (z.view(B, n, self.NH, C // self.NH).transpose(1, 2) for z in self.attn.c_attn(self.ln_1(x)).split(C, dim=2))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, n, C)
    x = x + self.attn.c_proj(y)
    return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh"))


class Model(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        layers, heads, channels = SIZES[size]
        self.gpt = GPT(V, T, layers, heads, channels)
        self.gpt.init_weights()
        table = torch.zeros(PADDED, channels)
        table[:V] = self.gpt.wte.weight.detach()
        self.gpt.wte = torch.nn.Embedding(PADDED, channels, _weight=table)
        padding = torch.zeros(PADDED)
        padding[V:] = -1e4  # padding is never a token
        self.register_buffer("padding", padding)

    def forward(self, x, y):
        g = self.gpt
        h = g.wte(x) + g.wpe(torch.arange(x.shape[1], device=x.device))
        for block in g.h:
            h = fast_block(block, h)
        logits = g.ln_f(h) @ g.wte.weight.t()
        return F.cross_entropy((logits + self.padding).flatten(0, 1), y.flatten())


def train_pytorch(a, rates):
    torch.set_float32_matmul_precision("high")
    model = Model(a.size).cuda()
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [dict(params=decayed, weight_decay=0.1), dict(params=others, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=rates[0], betas=(0.9, 0.95), eps=1e-8, fused=True)
    step = torch.compile(model)
    shard = sorted(pathlib.Path(a.data).glob("train*.bin"))[0]
    tokens = numpy.memmap(shard, dtype=numpy.uint16, mode="r", offset=1024)
    rows, micro = a.batch_size * T, TOTAL // (a.batch_size * T)
    losses, seconds = [], []
    for i, rate in enumerate(rates):
        torch.cuda.synchronize()
        start = time.perf_counter()
        total = torch.zeros((), device="cuda")
        for m in range(micro):
            at = (i * micro + m) * rows
            ids = torch.from_numpy(tokens[at : at + rows + 1].astype(numpy.int64)).pin_memory().cuda(non_blocking=True)
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = step(ids[:-1].view(-1, T), ids[1:].view(-1, T)) / micro
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(total.item())
        seconds.append(time.perf_counter() - start)
    del model, step, optimizer
    torch.cuda.empty_cache()
    return losses, [TOTAL / s for s in seconds]


def train_ours(a):
    with tempfile.TemporaryDirectory() as out:
        flags = f"--size {a.size} --seq-len {T} --batch-size {a.batch_size} --total-batch-tokens {TOTAL} --steps {a.steps} --schedule constant --warmup 10"
        flags += " --lr 3e-4 --seed 42 --order contiguous --device cuda --dtype bf16 --eval-batches 1"
        subprocess.run([a.program, "pretrain", "--data", a.data, "--out", out, *flags.split()], check=True, stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in open(f"{out}/metrics.jsonl")]
    steps = [line for line in lines if "tokens_per_s" in line]
    return [s["loss"] for s in steps], [s["tokens_per_s"] for s in steps], [s["lr"] for s in steps]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--program", default="./train_gpt")
    parser.add_argument("--size", choices=SIZES, default="gpt2")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--json")
    a = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}; {a.size}, {a.batch_size} x {T} tokens a micro-batch, {TOTAL} a step")
    first = train_ours(a)
    theirs = train_pytorch(a, first[2])
    second = train_ours(a)
    rest = slice(10, None)
    ours = statistics.median(first[1][rest] + second[1][rest])
    pytorch = statistics.median(theirs[1][rest])
    print(f"  train_gpt  {ours:10,.0f} tokens/s  (runs: {statistics.median(first[1][rest]):,.0f} and {statistics.median(second[1][rest]):,.0f})")
    print(f"  PyTorch    {pytorch:10,.0f} tokens/s")
    print(f"  ratio      {ours / pytorch:10.2f}")
    apart = [abs(x - y) / y for x, y in zip(first[0], theirs[0])]
    shown = sorted({0, 1, 4, 9, 19, 29, a.steps - 1} & set(range(a.steps)))
    print("  losses     " + ", ".join(f"step {i + 1}: {first[0][i]:.4f} and {theirs[0][i]:.4f}" for i in shown))
    print(f"  apart by at most {max(apart):.1e}, in the median {statistics.median(apart):.1e}")
    if a.json:
        what = dict(size=a.size, batch_size=a.batch_size, ours=ours, pytorch=pytorch, losses_ours=first[0], losses_pytorch=theirs[0])
        pathlib.Path(a.json).write_text(json.dumps(what))


if __name__ == "__main__":
    main()
