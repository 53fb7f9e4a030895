#!/usr/bin/env bash
# Runs the CUDA kernel tests in the emulator under many orders of execution: reverse, and random and greedy with seeds 1 .. N.
# usage: dev/schedules.sh [N [PROGRAM]]    (default 10: 21 schedules, some minutes each dozen; PROGRAM: build/emu/test_kernels, which make test builds)
set -uo pipefail
seeds=${1:-10} program=${2:-build/emu/test_kernels}
[ -x "$program" ] || { echo "error: $program is missing: run make test first" >&2; exit 1; }
bad=0
for schedule in reverse $(for s in $(seq 1 "$seeds"); do echo "random:$s greedy:$s"; done); do
    last=$(TRAIN_GPT_EMU_SCHEDULE=$schedule "$program" cuda | tail -n 1) || bad=$((bad + 1))
    printf '%-10s %s\n' "$schedule" "$last"
done
echo "$bad schedules failed"
[ "$bad" -eq 0 ]
