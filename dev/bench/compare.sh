#!/usr/bin/env bash
# PyTorch and train_gpt on the same work, in turns, on this machine's CPU: ratios of medians. See dev/bench/compare.py, which it runs.
# usage: dev/bench/compare.sh [--rounds N] [--rows ROW...] [--modes fp32 bf16 compile] [--json FILE]
# PYTHON names a Python with PyTorch; without it, one is installed with pip into build/compare_env (the newest CPU release).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ -x ./train_gpt ] || make
if [ -z "${PYTHON-}" ]; then
    PYTHON=build/compare_env/bin/python
    if [ ! -x "$PYTHON" ]; then
        python3 -m venv build/compare_env
        "$PYTHON" -m pip install --quiet torch numpy
    fi
fi
exec "$PYTHON" dev/bench/compare.py "$@"
