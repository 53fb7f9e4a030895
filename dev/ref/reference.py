"""The training reference: GPT-2 in plain PyTorch, 50 AdamW steps, written down as a fixture.

Independent of train_gpt: nn.Linear, autograd, torch.optim.AdamW. Same initialisation (seed 42, modules in the order of
nanoGPT and llm.c, tied head not drawn twice), same batches (they are part of the fixture), same hyperparameters.
Odd sizes on purpose: 15 channels a head, 31 positions of 40, a vocabulary of 301.

    python dev/ref/reference.py        writes fixtures/reference.json and fixtures/reference.safetensors
"""

import json
import math
import pathlib
import zlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
CONFIG = dict(vocab_size=301, n_positions=40, n_layer=3, n_head=4, n_embd=60)
TRAIN = dict(
    batch_size=4, seq_len=31, steps=50, lr=2e-3, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1, grad_clip=1.0
)


class Block(nn.Module):
    def __init__(self, C, NH):
        super().__init__()
        self.NH = NH
        self.ln_1 = nn.LayerNorm(C)
        self.attn = nn.ModuleDict(dict(c_attn=nn.Linear(C, 3 * C), c_proj=nn.Linear(C, C)))
        self.ln_2 = nn.LayerNorm(C)
        self.mlp = nn.ModuleDict(dict(c_fc=nn.Linear(C, 4 * C), c_proj=nn.Linear(4 * C, C)))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (
            z.view(B, T, self.NH, C // self.NH).transpose(1, 2) for z in self.attn.c_attn(self.ln_1(x)).split(C, dim=2)
        )
        score = (q @ k.transpose(-2, -1)) / math.sqrt(C // self.NH)
        score = score.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), float("-inf"))
        y = (F.softmax(score.float(), dim=-1).to(x.dtype) @ v).transpose(1, 2).reshape(B, T, C)
        x = x + self.attn.c_proj(y)
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, vocab_size, n_positions, n_layer, n_head, n_embd):
        super().__init__()
        self.n_layer = n_layer
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Embedding(n_positions, n_embd)
        self.h = nn.ModuleList(Block(n_embd, n_head) for _ in range(n_layer))
        self.ln_f = nn.LayerNorm(n_embd)

    def forward(self, ids):  # (B, T) -> (B, T, V)
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.t()

    @torch.no_grad()
    def init_weights(self, seed=42):
        torch.manual_seed(seed)
        for name, module in self.named_modules():
            if isinstance(module, nn.Embedding):
                module.weight.normal_(0.0, 0.02)
            elif isinstance(module, nn.Linear):
                module.weight.normal_(0.0, 0.02 / math.sqrt(2 * self.n_layer) if name.endswith("c_proj") else 0.02)
                module.bias.zero_()


def named(model):
    """(name, tensor) in train_gpt's names and layout: matrices of linear layers are (in, out), as in Hugging Face."""
    linear = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, nn.Linear)}
    return [(n, p, n in linear) for n, p in model.named_parameters()]


def layout(x, is_linear):
    return (x.t() if is_linear else x).detach().float().contiguous().clone()  # clip_grad_norm_ works in place


def crc(x):
    return zlib.crc32(x.numpy().tobytes())


def batches():
    """(steps, B, T+1) ids: a walk that is predictable four times out of five, so that there is something to learn."""
    gen = torch.Generator().manual_seed(1234)
    S, B, T, V = TRAIN["steps"], TRAIN["batch_size"], TRAIN["seq_len"], CONFIG["vocab_size"]
    ids = torch.empty(S, B, T + 1, dtype=torch.int32)
    ids[:, :, 0] = torch.randint(0, V, (S, B), generator=gen)
    jump = torch.rand(S, B, T, generator=gen) < 0.2
    noise = (V * torch.rand(S, B, T, generator=gen) ** 3).int()
    for t in range(T):
        ids[:, :, t + 1] = torch.where(jump[:, :, t], noise[:, :, t], (ids[:, :, t] * 7 + 3) % 97)
    return ids


def loss_of(model, rows):  # rows: (B, T+1)
    logits = model(rows[:, :-1].long())
    return F.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].long().flatten())


def train(ids, bf16):
    """bf16: weights, activations and the gradients of single steps are bf16; AdamW works on fp32 master weights, which
    are rounded to the nearest bf16 after each step. That is train_gpt's --dtype bf16, where weight gradients are fp32.
    """
    model = GPT(**CONFIG)
    model.init_weights()
    master = [p.detach().clone().requires_grad_() for p in model.parameters()]
    if bf16:
        model.bfloat16()
    params = list(model.parameters())
    groups = [
        dict(params=[m for m in master if m.dim() >= 2], weight_decay=TRAIN["weight_decay"]),
        dict(params=[m for m in master if m.dim() < 2], weight_decay=0.0),
    ]
    opt = torch.optim.AdamW(
        groups, lr=TRAIN["lr"], betas=(TRAIN["beta1"], TRAIN["beta2"]), eps=TRAIN["eps"], foreach=False
    )
    losses, norms, first_grads = [], [], {}
    for step in range(TRAIN["steps"]):
        loss = loss_of(model, ids[step])
        loss.backward()
        if step == 0:
            first_grads = {n: layout(p.grad, t) for n, p, t in named(model)}
        for p, m in zip(params, master):
            m.grad, p.grad = p.grad.float(), None
        norms.append(nn.utils.clip_grad_norm_(master, TRAIN["grad_clip"]).item())
        opt.step()
        with torch.no_grad():
            for p, m in zip(params, master):
                p.copy_(m)
        losses.append(loss.item())
    return losses, norms, first_grads, model


def gpt2_124m_crcs():
    """Checksums of the initial weights of the real GPT-2 124M: drawn as GPT.init_weights draws them."""
    model = GPT(50257, 1024, 12, 12, 768)
    model.init_weights()
    return {n: crc(layout(p, t)) for n, p, t in named(model) if p.dim() == 2}


def main():
    torch.set_num_threads(1)
    ids = batches()
    start = GPT(**CONFIG)
    start.init_weights()
    init = {n: dict(crc32=crc(layout(p, t)), first=layout(p, t).flatten()[0].item()) for n, p, t in named(start)}
    with torch.no_grad():
        first_logits = start(ids[0, :2, :-1].long())
    losses, norms, grads, trained = train(ids, bf16=False)
    losses_bf16, norms_bf16, grads_bf16, _ = train(ids, bf16=True)
    with torch.no_grad():
        last_logits = trained(ids[0, :2, :-1].long())
    grad_error_bf16 = {n: ((grads_bf16[n] - g).norm() / g.norm()).item() for n, g in grads.items()}
    tensors = {"tokens": ids, "logits.first": first_logits, "logits.last": last_logits}
    tensors |= {f"grad.{n}": g for n, g in grads.items()}
    FIXTURES.mkdir(exist_ok=True)
    save_file(tensors, FIXTURES / "reference.safetensors")
    (FIXTURES / "reference.safetensors").chmod(0o644)
    (FIXTURES / "reference.json").write_text(
        json.dumps(
            dict(
                made_by=f"dev/ref/reference.py, torch {torch.__version__}",
                config=CONFIG,
                train=TRAIN,
                seed=42,
                init=init,
                losses_fp32=losses,
                grad_norms_fp32=norms,
                losses_bf16=losses_bf16,
                grad_norms_bf16=norms_bf16,
                grad_error_bf16=grad_error_bf16,
                init_crc32_gpt2_124m=gpt2_124m_crcs(),
            ),
            indent=1,
        )
        + "\n"
    )
    print("fp32 losses", [round(x, 4) for x in losses[:3]], "...", [round(x, 4) for x in losses[-3:]])
    print("grad norms ", [round(x, 3) for x in norms[:3]], "...", [round(x, 3) for x in norms[-3:]])
    print(
        "bf16 against fp32: largest relative difference of a loss",
        f"{max(abs(a - b) / b for a, b in zip(losses_bf16, losses)):.2e},",
        f"of a gradient tensor of step 0 {max(grad_error_bf16.values()):.2e}",
    )


if __name__ == "__main__":
    main()
