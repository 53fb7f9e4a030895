#!/usr/bin/env python3
"""PyTorch and train_gpt on the same work, on all threads of this machine's CPU.

A round measures each of our modes and each of PyTorch's once, one after another, so that a neighbour who comes and goes meets both. What is
printed is the median over the rounds of (our speed / PyTorch's speed in the same round), with the smallest and the largest of them. PyTorch's
model is GPT-2 as one writes it today: scaled_dot_product_attention, fused cross entropy, fused AdamW, gradient clipping; a KV cache that is allocated
once. Its modes are fp32, bf16 (autocast) and compile (torch.compile, fp32); one that needs more than four times as long as
another is left out after its first step, and said so. A mode is warmed up before the first round.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

ROWS = {
    "small": dict(kind="train", layers=6, heads=6, channels=384, vocab=8192, batch=8, seq=256),
    "small-50k": dict(kind="train", layers=6, heads=6, channels=384, vocab=50257, batch=8, seq=256),
    "124M-64": dict(kind="train", layers=12, heads=12, channels=768, vocab=50257, batch=4, seq=64),
    "124M-256": dict(kind="train", layers=12, heads=12, channels=768, vocab=50257, batch=4, seq=256),
    "generate": dict(kind="generate", layers=12, heads=12, channels=768, vocab=50257, batch=4, seq=128),
    "memory": dict(kind="memory", layers=12, heads=12, channels=768, vocab=50257, batch=4, seq=1024),
}
PROMPT, NEW = 32, 64  # of generate, as in `train_gpt bench generate`


class Block(torch.nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(c), torch.nn.LayerNorm(c)
        self.qkv, self.proj = torch.nn.Linear(c, 3 * c), torch.nn.Linear(c, c)
        self.fc, self.fcproj = torch.nn.Linear(c, 4 * c), torch.nn.Linear(4 * c, c)

    def forward(self, x, cache=None, past=0):
        b, t, c = x.shape
        q, k, v = (z.view(b, t, self.heads, c // self.heads).transpose(1, 2) for z in self.qkv(self.ln_1(x)).split(c, 2))
        if cache is not None:
            cache[0][:, :, past : past + t], cache[1][:, :, past : past + t] = k, v
            k, v = cache[0][:, :, : past + t], cache[1][:, :, : past + t]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, c))
        return x + self.fcproj(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


class Gpt(torch.nn.Module):
    def __init__(self, row):
        super().__init__()
        c = row["channels"]
        self.wte, self.wpe = torch.nn.Embedding(row["vocab"], c), torch.nn.Embedding(max(row["seq"], PROMPT + NEW), c)
        self.blocks = torch.nn.ModuleList(Block(c, row["heads"]) for _ in range(row["layers"]))
        self.ln_f, self.head = torch.nn.LayerNorm(c), torch.nn.Linear(c, row["vocab"], bias=False)
        self.head.weight = self.wte.weight
        for p in self.parameters():
            if p.dim() > 1:
                torch.nn.init.normal_(p, std=0.02)

    def forward(self, ids, targets=None, caches=None, past=0):
        t = ids.shape[1]
        x = self.wte(ids) + self.wpe(torch.arange(past, past + t))
        for i, block in enumerate(self.blocks):
            x = block(x, caches[i] if caches else None, past)
        if targets is None:
            return self.head(self.ln_f(x[:, -1]))
        return F.cross_entropy(self.head(self.ln_f(x)).view(-1, self.head.out_features), targets.reshape(-1))


class Training:
    """Seconds of one step of PyTorch's."""

    def __init__(self, row, mode):
        self.mode, self.model = mode, Gpt(row)
        self.call = torch.compile(self.model) if mode == "compile" else self.model
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, betas=(0.9, 0.95), fused=True)
        self.ids = torch.randint(row["vocab"], (row["batch"], row["seq"] + 1))

    def step(self):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.mode == "bf16"):
            loss = self.call(self.ids[:, :-1], self.ids[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - start


class Generating:
    """Median seconds of a decoding step of PyTorch's."""

    def __init__(self, row, mode, streams):
        self.streams, dtype = streams, torch.bfloat16 if mode == "bf16" else torch.float32
        self.model = Gpt(row).to(dtype).eval()
        shape = (streams, row["heads"], PROMPT + NEW, row["channels"] // row["heads"])
        self.caches = [(torch.zeros(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)) for _ in range(row["layers"])]
        self.prompt = torch.randint(row["vocab"], (streams, PROMPT))

    @torch.inference_mode()
    def step(self):
        ids, past, times = self.prompt, 0, []
        for i in range(NEW):
            start = time.perf_counter()
            logits = self.model(ids, caches=self.caches, past=past)
            past += ids.shape[1]
            ids = torch.multinomial(torch.softmax(logits.float(), -1), 1)
            if i:
                times.append(time.perf_counter() - start)
        return statistics.median(times)


def bench(program, row, what, *more):
    """What `train_gpt bench` writes as JSON for this row."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        flags = dict(layers="layers", heads="heads", channels="channels", vocab="vocab-size", batch="batch-size", seq="seq-len")
        words = [w for key, flag in flags.items() for w in ("--" + flag, str(row[key]))]
        subprocess.run([program, "bench", what, *words, "--repeats", "1", "--json", out.name, *more], check=True, stdout=subprocess.DEVNULL)
        return json.load(open(out.name))[what]


def keep_fast_modes(works):
    """First and second steps, unmeasured; a mode four times as slow as the fastest is no baseline."""
    first = {}
    for name, work in works.items():
        try:
            work.step()
            first[name] = work.step()
        except Exception as error:  # torch.compile without a compiler
            print(f"  PyTorch {name}: {str(error).splitlines()[0][:120]}")
    if not first:
        sys.exit("none of PyTorch's modes ran")
    fastest = min(first.values())
    for name in list(first):
        if first[name] > 4 * fastest:
            print(f"  PyTorch {name} needs {first[name] / fastest:.1f} times as long as its fastest mode: left out")
            del first[name]
    return {name: works[name] for name in first}


def report(label, unit, ours, theirs):
    """ours, theirs: {mode: [speed of each round]}. The peer's best mode is the one with the best median."""
    for mode, speeds in {**{"PyTorch " + k: v for k, v in theirs.items()}, **{"train_gpt " + k: v for k, v in ours.items()}}.items():
        print(f"  {label:12} {mode:18} {statistics.median(speeds):10.1f} {unit}")
    best = max(theirs, key=lambda k: statistics.median(theirs[k]))
    result = {"best_of_pytorch": best, "pytorch": theirs, "train_gpt": ours, "ratio": {}}
    for mode, speeds in ours.items():
        ratios = [a / b for a, b in zip(speeds, theirs[best])]
        result["ratio"][mode] = statistics.median(ratios)
        print(f"  {label:12} {mode} / PyTorch {best}: {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})")
    sys.stdout.flush()
    return result


def run_train(name, row, a):
    works = keep_fast_modes({mode: Training(row, mode) for mode in a.modes})
    ours, theirs = {"auto": []}, {mode: [] for mode in works}
    for _ in range(a.rounds):
        for mode, work in works.items():
            theirs[mode].append(row["batch"] * row["seq"] / work.step())
        ours["auto"].append(bench(a.program, row, "train")["tokens_per_s"])
    return report(name, "tokens/s", ours, theirs)


def run_generate(name, row, a):
    streams = (1, 32)
    works = {n: keep_fast_modes({m: Generating(row, m, n) for m in a.modes if m != "compile"}) for n in streams}
    theirs = {n: {mode: [] for mode in works[n]} for n in streams}
    ours = {n: {} for n in streams}
    for _ in range(a.rounds):
        for n in streams:
            for mode, work in works[n].items():
                theirs[n][mode].append(n / work.step())
        for case in bench(a.program, row, "generate"):
            if case["rows"] in streams:
                ours[case["rows"]].setdefault(case["weights"], []).append(case["tokens_per_s"])
    return {n: report(f"{n} streams", "tokens/s", ours[n], theirs[n]) for n in streams}


def peak_kib():
    """Of this process. (getrusage's ru_maxrss is no less than what the process that started this one had.)"""
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))


def run_memory(name, row, a):
    """Peak resident memory of a process that trains; PyTorch's without what it needs to start."""
    code = f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r}); import compare; " \
           f"idle = compare.peak_kib(); work = compare.Training({row!r}, MODE); work.step(); work.step(); print(idle, compare.peak_kib())"
    peaks = {}
    for mode in a.modes:
        done = subprocess.run([sys.executable, "-c", code.replace("MODE", repr(mode))], stdout=subprocess.PIPE, text=True)
        if done.returncode == 0:
            idle, peak = (int(x) / 1024 for x in done.stdout.split())
            peaks[mode] = peak - idle
            print(f"  memory       PyTorch {mode:10} {peak:8.0f} MiB at most, {idle:.0f} of them before there is a model")
    peak = bench(a.program, row, "train")["peak_bytes"] / 2**20
    shares = ", ".join(f"{100 * peak / theirs:.0f} % of {mode}" for mode, theirs in peaks.items())
    print(f"  memory       train_gpt {peak:16.0f} MiB: {shares} (PyTorch's start-up not counted)")
    return {"pytorch_mib": peaks, "train_gpt_mib": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--modes", nargs="+", choices=["fp32", "bf16", "compile"], default=["fp32", "bf16", "compile"])
    parser.add_argument("--program", default="./train_gpt")
    parser.add_argument("--json")
    a = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {platform.processor() or platform.machine()}, {torch.backends.cpu.get_cpu_capability()}; {a.rounds} rounds")
    results = {"pytorch": torch.__version__, "rounds": a.rounds}
    for name in a.rows:
        row = ROWS[name]
        print(f"{name}: {row}")
        results[name] = {"train": run_train, "generate": run_generate, "memory": run_memory}[row["kind"]](name, row, a)
    if a.json:
        json.dump(results, open(a.json, "w"), indent=1)


if __name__ == "__main__":
    main()
