"""Small GPT-2 directories as transformers writes them, their logits, and the same model as llm.c's .bin v3 and v5.

    python dev/ref/hf_fixture.py       writes fixtures/hf_tiny, fixtures/hf_tiny_sharded, fixtures/hf_tiny.safetensors,
                                       fixtures/llmc_v3.bin, fixtures/llmc_v5.bin
All tensors are random (biases and LayerNorms too), so that none can be swapped or dropped unnoticed.
"""

import pathlib
import shutil

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


@torch.no_grad()
def model(tied):
    torch.manual_seed(7)
    m = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=61,
            n_positions=40,
            n_embd=24,
            n_layer=2,
            n_head=3,
            bos_token_id=60,
            eos_token_id=60,
            tie_word_embeddings=tied,
        )
    ).eval()
    for name, p in m.named_parameters():
        p.normal_(1.0 if "ln_" in name and name.endswith("weight") else 0.0, 0.3)
    return m


def write(m, directory, **options):
    shutil.rmtree(directory, ignore_errors=True)
    m.save_pretrained(directory, **options)
    for f in directory.iterdir():
        f.chmod(0o644)


@torch.no_grad()
def logits(m, ids):
    return m(ids).logits.float().contiguous()


def write_llmc(m, path, version):
    """llm.c's model file, from its description: header of 256 int32, then 16 tensors, each with all layers together."""
    c, state = m.config, m.transformer.state_dict()
    Vp = -(-c.vocab_size // 128) * 128
    header = np.zeros(256, np.int32)
    header[:8] = [20240326, version, c.n_positions, c.vocab_size, c.n_layer, c.n_head, c.n_embd, Vp]
    wte = torch.zeros(Vp, c.n_embd)
    wte[: c.vocab_size] = state["wte.weight"]
    parts = [wte, state["wpe.weight"]]
    for kind in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"):
        for part in ("weight", "bias"):
            for layer in range(c.n_layer):
                x = state[f"h.{layer}.{kind}.{part}"]
                parts.append(x.t() if x.dim() == 2 else x)  # Conv1D is (in, out), the file has (out, in)
    parts += [state["ln_f.weight"], state["ln_f.bias"]]
    flat = torch.cat([p.reshape(-1) for p in parts])
    data = flat.numpy().tobytes() if version == 3 else flat.bfloat16().view(torch.int16).numpy().tobytes()
    path.write_bytes(header.tobytes() + data)


def main():
    FIXTURES.mkdir(exist_ok=True)
    ids = torch.randint(0, 61, (3, 29), generator=torch.Generator().manual_seed(8))
    tied, untied = model(True), model(False).half()
    write(tied, FIXTURES / "hf_tiny")
    write(untied, FIXTURES / "hf_tiny_sharded", max_shard_size="16KB")
    bf16 = model(True).bfloat16().float()  # what the v5 file holds
    save_file(
        {
            "ids": ids.int(),
            "logits": logits(tied, ids),
            "logits.untied_f16": logits(untied.float(), ids),
            "logits.bf16_weights": logits(bf16, ids),
        },
        FIXTURES / "hf_tiny.safetensors",
    )
    (FIXTURES / "hf_tiny.safetensors").chmod(0o644)
    write_llmc(tied, FIXTURES / "llmc_v3.bin", 3)
    write_llmc(tied, FIXTURES / "llmc_v5.bin", 5)
    print("logits between", logits(tied, ids).min().item(), "and", logits(tied, ids).max().item())


if __name__ == "__main__":
    main()
