#!/usr/bin/env bash
# C2: more symbols, shorter sequences. How does the size of the vocabulary change length and loss?
# Hypothesis: each larger vocabulary packs more bytes into a token, but every doubling adds less; and at the same training
#   FLOPs a byte-pair vocabulary beats plain bytes in validation bits per byte (per token the losses cannot be compared).
# Refuted if a larger vocabulary has fewer bytes per token, if the gain per doubling does not shrink, or if plain bytes come
#   within the noise of the best.
# Fixed: text, 4 layers, 128 channels, T = 256, 2,048 tokens a step, schedule, training FLOPs (not bytes: a byte model sees less text
#   for its FLOPs, which is the point). Varied: vocabulary. Noise: two seeds at one size. Cost: 6 runs.
# usage: scripts/lab/c2_vocabulary.sh OUT_DIR [--data world|FILE] [--scale X]
# shellcheck source=scripts/lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_begin c2 "$@"

sizes=(256 512 1024 2048 4096)
: > "$lab_out/table.tsv"
printf 'vocabulary\tseed\tbytes/token\tsteps\tMB seen\tval nats/tok\tval bits/byte\n' | lab_table

run_one() { # VOCABULARY SEED
    local data steps run bytes_per_token
    data=$(lab_shards "$1")
    bytes_per_token=$(tr -d ' \n' < "$data/index.json" | sed -E 's/.*"train":\{"documents":[0-9]+,"tokens":([0-9]+),"text_bytes":([0-9]+).*/\2 \1/' | awk '{ printf "%.4f", $1 / $2 }')
    # FLOPs a token = 6 (12 L C^2 + V C) + 12 L C T; the budget is 400 steps of the 1,024 vocabulary
    steps=$(awk -v v="$1" 'function f(v) { return 6 * (12 * 4 * 128 * 128 + v * 128) + 12 * 4 * 128 * 256 } BEGIN { print 400 * f(1024) / f(v) }')
    steps=$(lab_steps "$steps")
    run=$lab_out/v$1-seed$2
    lab_pretrain "$run" "$steps" --data "$data" --layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 8 --lr 2e-3 --min-lr 1e-4 \
        --eval-batches 64 --seed "$2"
    printf '%s\t%s\t%s\t%s\t%.2f\t%.4f\t%.4f\n' "$1" "$2" "$bytes_per_token" "$steps" "$(awk -v s="$steps" -v b="$bytes_per_token" 'BEGIN { print s * 2048 * b / 1e6 }')" \
        "$(lab_metric "$run" val_loss)" "$(lab_metric "$run" val_bpb)"
}
{
    for v in "${sizes[@]}"; do run_one "$v" 1; done
    run_one 1024 2
} | lab_table

# the verdict, from the table: columns 3 (bytes a token) and 7 (bits a byte)
awk -F '\t' 'NR > 1 {
        if ($2 == 1) { n++; v[n] = $1; b[n] = $3; bits[n] = $7; if (best == "" || $7 < bits[best]) best = n }
        if ($1 == 1024) seed_bits[$2] = $7
    }
    END {
        for (i = 2; i <= n; i++) if (b[i] <= b[i - 1]) longer = 1
        for (i = 3; i <= n; i++) if (b[i] - b[i - 1] > b[i - 1] - b[i - 2]) growing = 1
        noise = seed_bits[1] - seed_bits[2]; if (noise < 0) noise = -noise
        ok = !longer && !growing && bits[1] - bits[best] > 2 * noise
        printf "%s\n%d ids: %.2f bytes a token and %.3f bits a byte; plain bytes 1 and %.3f; noise %.3f; gain of the last doubling %.2f bytes\n", ok ? "confirmed" : "refuted", v[best], b[best], bits[best], bits[1], noise, b[n] - b[n - 1]
        printf "best_vocabulary=%d\nbest_bits_per_byte=%.4f\nbytes_bits_per_byte=%.4f\nnoise=%.4f\n", v[best], bits[best], bits[1], noise
    }' "$lab_out/table.tsv" | lab_verdict C2
