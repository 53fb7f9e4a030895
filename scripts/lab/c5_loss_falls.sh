#!/usr/bin/env bash
# C5: the loss falls, and the samples go from noise to words to sentences.
# Hypothesis: in samples of the growing model first the share of known words rises, then that of known pairs of words, then that of
#   known runs of four; at the end all are close to those of text that was held out.
# Refuted if the validation loss does not fall, or if one of the three shares does not rise from start to end, or if four-word runs
#   lead single words at any time.
# Fixed: one run (4 layers, 128 channels, vocabulary 1,024; on other texts than the world 6, 192 and 8,192), 32 samples of 96 tokens at temperature 0.8 for each point, one seed.
# Varied: the training step. Noise: that of 32 samples, about 3,000 words. Known means: it occurs in the training text.
# usage: scripts/lab/c5_loss_falls.sh OUT_DIR [--data world|FILE] [--scale X]
# shellcheck source=scripts/lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_begin c5 "$@"

run=$(lab_base_run)
lab_base_shape
steps=$base_steps
# The untouched model: a step with a learning rate of 0 saves the initial weights.
lab_pretrain "$lab_out/start" 1 --data "$base_data" "${base_shape[@]}" --lr 0 \
    --weight-decay 0 --eval-batches 16 --seed 1

# Shares of words, pairs and runs of four in FILE (a text a line) that occur in the training text.
lab_lines "$lab_train" > "$lab_out/train.lines"
shares() { # FILE -> words pairs fours, in percent
    awk '
        function split_words(line) { gsub(/[^A-Za-z\200-\377]+/, " ", line); return split(line, w, " ") }
        FNR == NR {
            n = split_words($0)
            for (i = 1; i <= n; i++) { words[w[i]]; if (i > 1) asked[w[i - 1] " " w[i]]; if (i > 3) asked[w[i - 3] " " w[i - 2] " " w[i - 1] " " w[i]] }
            samples[FNR] = $0; lines = FNR; next
        }
        {
            n = split_words($0)
            for (i = 1; i <= n; i++) {
                if (w[i] in words) known[w[i]]
                if (i > 1) { pair = w[i - 1] " " w[i]; if (pair in asked) known[pair] }
                if (i > 3) { four = w[i - 3] " " w[i - 2] " " pair; if (four in asked) known[four] }
            }
        }
        END {
            for (l = 1; l <= lines; l++) {
                n = split_words(samples[l])
                for (i = 1; i <= n; i++) {
                    total[1]++; hit[1] += w[i] in known
                    if (i > 1) { total[2]++; hit[2] += (w[i - 1] " " w[i]) in known }
                    if (i > 3) { total[3]++; hit[3] += (w[i - 3] " " w[i - 2] " " w[i - 1] " " w[i]) in known }
                }
            }
            for (k = 1; k <= 3; k++) printf "%.1f%s", total[k] ? 100 * hit[k] / total[k] : 0, k < 3 ? "\t" : "\n"
        }' "$1" "$lab_out/train.lines"
}

: > "$lab_out/table.tsv"
printf 'step\tval loss\twords %%\tpairs %%\tfours %%\n' | lab_table
for step in 0 "$((steps / 16))" "$((steps / 4))" "$((steps / 2))" "$steps"; do
    model=$run/$(printf 'step-%06d' "$step") metrics=$run
    if [ "$step" = 0 ]; then model=$lab_out/start/step-000001 metrics=$lab_out/start; fi
    train_gpt generate --model "$model" --num-samples 32 --max-tokens 96 --temperature 0.8 --seed 1 --json > "$lab_out/samples-$step.jsonl"
    lab_lines "$lab_out/samples-$step.jsonl" > "$lab_out/samples-$step.lines"
    loss=$(lab_metric "$metrics" val_loss "$([ "$step" = 0 ] && echo 1 || echo "$step")")
    printf '%s\t%.4f\t%s\n' "$step" "$loss" "$(shares "$lab_out/samples-$step.lines")"
done | lab_table
lab_lines "$lab_held" | awk 'NR <= 100' > "$lab_out/held.lines"
printf 'held out\t-\t%s\n' "$(shares "$lab_out/held.lines")" | lab_table
scripts/plot_loss.sh "$run"
for step in 0 "$((steps / 16))" "$((steps / 4))" "$steps"; do
    printf -- '-- step %s\n%s\n' "$step" "$(head -n 1 "$lab_out/samples-$step.lines" | tr -cd '[:print:]\200-\377' | cut -c 1-240)"
done

awk -F '\t' 'NR > 1 && $1 != "held out" { n++; step[n] = $1; loss[n] = $2; for (k = 3; k <= 5; k++) share[n, k] = $k }
    END {
        ok = loss[n] < loss[1]
        for (k = 3; k <= 5; k++) if (share[n, k] <= share[1, k]) ok = 0
        for (i = 1; i <= n; i++) if (share[i, 5] > share[i, 3]) ok = 0
        printf "%s\nloss %.2f to %.2f; known words %.0f to %.0f %%, pairs %.0f to %.0f %%, runs of four %.0f to %.0f %%\n", ok ? "confirmed" : "refuted", loss[1], loss[n], share[1, 3], share[n, 3], share[1, 4], share[n, 4], share[1, 5], share[n, 5]
        printf "loss_start=%.4f\nloss_end=%.4f\nwords_start=%.1f\nwords_end=%.1f\npairs_end=%.1f\nfours_end=%.1f\n", loss[1], loss[n], share[1, 3], share[n, 3], share[n, 4], share[n, 5]
    }' "$lab_out/table.tsv" | lab_verdict C5
