#!/usr/bin/env bash
# Does the trainer reach nanoGPT's figure for its CPU setting? Hypothesis: a validation loss of at most 1.88 nats a character.
# Refuted if it ends above. Fixed: nanoGPT's published CPU setting (4 layers, 4 heads, 128 channels, T=64, 12 rows, 2,000 steps,
# lr 1e-3 -> 1e-4, beta2 0.99, no dropout), characters as bytes, the last tenth of the text as validation. Not clipped: with
# nanoGPT's clipping at norm 1, which cuts nearly every step here, it ends at 1.882 to 1.887 (LOG 2026-11-21). Varied: the seed.
set -euo pipefail
text=${1:?usage: scripts/lab/nanogpt_cpu.sh TINYSHAKESPEARE.txt OUT_DIR [SEED]}
out=${2:?usage: scripts/lab/nanogpt_cpu.sh TINYSHAKESPEARE.txt OUT_DIR [SEED]}
seed=${3:-42}
mkdir -p "$out"
./train_gpt info | tee "$out/machine.txt" # a number without its machine is not a number
[ -f "$out/data/index.json" ] || ./train_gpt tokenize --tokenizer bytes --input "$text" --val-fraction 0.1 --out "$out/data"
./train_gpt pretrain --data "$out/data" --out "$out/run-$seed" --layers 4 --heads 4 --channels 128 --seq-len 64 --batch-size 12 \
    --steps 2000 --lr 1e-3 --min-lr 1e-4 --warmup 100 --beta1 0.9 --beta2 0.99 --weight-decay 0.1 --grad-clip 0 \
    --eval-every 250 --eval-batches 0 --sample-every 1000 --sample-tokens 300 --seed "$seed" > "$out/console-$seed.txt"
grep -a 'validation' "$out/console-$seed.txt"
loss=$(grep -o '"val_loss":[0-9.]*' "$out/run-$seed/metrics.jsonl" | tail -n 1 | cut -d: -f2)
awk -v l="$loss" 'BEGIN { printf "verdict nanogpt-cpu: validation loss %.4f nats a character, %s 1.88\n", l, (l <= 1.88 ? "at most" : "ABOVE"); exit !(l <= 1.88) }'
