"""PyTorch's normal_ on the CPU as checksums: the fixture for kernels/random.hpp, and how its two arithmetics differ.

python dev/ref/rng.py              writes fixtures/rng.json (needs a processor with AVX2), prints the comparison
"""

import json
import os
import pathlib
import subprocess
import sys
import zlib

import numpy as np
import torch

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
BIG = 1 << 20
# (numbers, mean, std) drawn one after the other with one generator: fewer than 16 take another path, and odd ones of
# those leave half a pair behind for later
CALLS = [
    (5, 0, 1),
    (1, 0, 0.02),
    (16, 0, 1),
    (17, 0, 1),
    (15, 1.5, 2),
    (31, 0, 1),
    (3, 0, 1),
    (33, -1, 0.5),
    (1000, 0, 0.02),
    (2, 0, 1),
    (1000003, 0, 0.02),
]


def summary(x):
    bits = x.view(np.uint32)
    return dict(
        n=len(x), crc32=zlib.crc32(x.tobytes()), first=[int(b) for b in bits[:4]], last=[int(b) for b in bits[-4:]]
    )


def draw(n, mean, std, gen):
    return torch.empty(n).normal_(mean, std, generator=gen).numpy()


def measure():
    gen = torch.Generator().manual_seed(1)
    mixed = [dict(summary(draw(n, mean, std, gen)), mean=mean, std=std) for n, mean, std in CALLS]
    return dict(
        capability=torch.backends.cpu.get_cpu_capability(),
        big=summary(draw(BIG, 0, 1, torch.Generator().manual_seed(42))),
        mixed=mixed,
    )


def run(capability, *args):
    env = dict(os.environ, ATEN_CPU_CAPABILITY=capability)
    return subprocess.run([sys.executable, __file__, *args], env=env, check=True, capture_output=True).stdout


def main():
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
    elif sys.argv[1:] == ["dump"]:
        sys.stdout.buffer.write(draw(BIG, 0, 1, torch.Generator().manual_seed(42)).tobytes())
    else:
        simd, libm = json.loads(run("avx2", "measure")), json.loads(run("default", "measure"))
        assert simd["capability"] == "AVX2" and libm["capability"] == "DEFAULT"
        engine = torch.Generator().manual_seed(42)
        raw = torch.empty(4).random_(0, 1 << 24, generator=engine).int().tolist()
        FIXTURES.mkdir(exist_ok=True)
        (FIXTURES / "rng.json").write_text(
            json.dumps(
                dict(
                    made_by=f"dev/ref/rng.py, torch {torch.__version__}",
                    low24_seed42=raw,
                    seed_big=42,
                    seed_mixed=1,
                    simd=simd,
                    libm=libm,
                ),
                indent=1,
            )
            + "\n"
        )
        a, b = (np.frombuffer(run(c, "dump"), dtype=np.float32) for c in ("avx2", "default"))
        ulps = np.abs(a.view(np.int32).astype(np.int64) - b.view(np.int32))
        d = ulps > 0
        print(
            f"{BIG} draws, std 1: {100 * d.mean():.1f} % differ; of those {100 * (ulps[d] <= 16).mean():.1f} % "
            f"by at most 16 ulp, "
            f"median {np.median(ulps[d]):.0f} ulp; largest absolute difference {np.abs(a - b).max():.2e}"
        )


if __name__ == "__main__":
    main()
