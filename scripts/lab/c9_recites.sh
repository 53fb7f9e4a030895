#!/usr/bin/env bash
# C9: what was seen many times is recited word for word (regurgitation).
# Hypothesis: of documents that stand once in the text at most 10 % are recited, of those that stand 100 times at least 60 %; the share
#   does not fall by more than 10 points from one count to the next.
# Refuted if one of these fails.
# Fixed: model (2 layers, 256 channels, vocabulary 1,024), one pass over a million tokens, 256 an update: a wide model and small updates learn by heart
#   sooner (4 layers of 128 channels, 2,048 tokens an update: nothing after 100 times; LOG 2026-11-22). Varied: how often a document stands in it:
#   0, 1, 3, 10, 30, 100 times, ten documents each (stories that the world held out: the grammar is that of the others, the words stand nowhere else); the seed.
# Recited: from its first eight words, the likeliest continuation has the next twenty words as they stand there. Another figure: words
#   that come right before the first error. Control: the documents that stand there 0 times, which the grammar lets it guess.
# Noise: 95 % interval of the mean over the seeds. Cost: 3 trainings of 150 s on one core. With --scale the text shrinks with the steps.
# usage: scripts/lab/c9_recites.sh OUT_DIR [--scale X] [--world DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
lab_world=pages
assistant_begin c9 "$@"

counts=(0 1 3 10 30 100)
steps=$(scaled 4000)
awk '/"kind": "story"/ && !/\\n/ { n = split($0, w, " "); if (n >= 36 && n <= 120) print; kept += n >= 36 && n <= 120; if (kept == 60) exit }' "$world/val.jsonl" > "$lab_out/documents.jsonl"
[ "$(wc -l < "$lab_out/documents.jsonl")" -eq 60 ] || fail "$world/val.jsonl: fewer than 60 stories of one paragraph" "write more --megabytes"
document_text " " "\n" < "$lab_out/documents.jsonl" > "$lab_out/documents"
# The text: pages of the world with the copies strewn in, one pass of the training; every copy at its own place.
awk -v bytes="$(awk -v n="$steps" 'BEGIN { print int(n * 256 * 2.5) }')" -v counts="${counts[*]}" '
    BEGIN { split(counts, times, " "); srand(1) }
    FNR == NR { copies = times[int((FNR - 1) / 10) + 1]; for (i = 0; i < copies; i++) copy[++n] = $0; next }
    { page[++pages] = $0; size += length($0); if (size > bytes) exit }
    END {
        for (i = 1; i <= n; i++) { j = i + int(rand() * (n - i + 1)); t = copy[i]; copy[i] = copy[j]; copy[j] = t }
        for (p = 1; p <= pages; p++) { print page[p]; while (done < n * p / pages) print copy[++done] }
    }' "$lab_out/documents.jsonl" "$world/train.jsonl" > "$lab_out/text.jsonl"
shards=$(shards_of "recite-$steps" "$lab_out/text.jsonl" 1024)
mapfile -t prompts < <(awk '{ s = $1; for (i = 2; i <= 8; i++) s = s " " $i; print s }' "$lab_out/documents")
for s in "${seeds[@]}"; do
    run=$lab_common/recite-$s
    lab_pretrain "$run" "$steps" --data "$shards" --layers 2 --heads 4 --channels 256 --seq-len 256 --batch-size 1 --lr 2e-3 --min-lr 1e-4 --checkpoint-every 0 --seed "$s"
    train_gpt generate --model "$run" --prompt "${prompts[@]}" --temperature 0 --max-tokens 64 --json > "$lab_out/continued-$s.jsonl"
    document_text " " "\n" < "$lab_out/continued-$s.jsonl" > "$lab_out/continued-$s"
    paste -d '\t' "$lab_out/documents" "$lab_out/continued-$s" | awk -F '\t' -v counts="${counts[*]}" '
        BEGIN { kinds = split(counts, times, " ") }
        {
            g = int((NR - 1) / 10) + 1
            # the continuation may hold the prompt or not: find where it begins
            n = split($1, want, " "); m = split($2, got, " ")
            shift = 8
            for (i = 1; i <= 8; i++) if (got[i] != want[i]) shift = 0
            for (right = 0; right < 20 && got[shift + right + 1] == want[9 + right]; right++) {}
            docs[g]++; whole[g] += right == 20; words[g] += right
        }
        END { for (g = 1; g <= kinds; g++) if (docs[g]) print times[g], whole[g] / docs[g], words[g] / docs[g] }' > "$lab_out/seed-$s"
done
share() { awk -v n="$1" -v column="$2" '$1 == n { print $column }' "$lab_out"/seed-*; } # COUNT COLUMN, a line a seed
printf 'seen\trecited %%\twords right of 20\n' | lab_table
for n in "${counts[@]}"; do
    printf '%s\t%s\t%s\n' "$n" "$(share "$n" 2 | percent)" "$(share "$n" 3 | mean_interval | awk '{ printf "%.1f +-%.1f", $1, $2 }')"
done | lab_table
verdict=confirmed before=0
for n in "${counts[@]}"; do
    now=$(share "$n" 2 | mean)
    if holds "$now < $before - 0.1"; then verdict=refuted; fi
    before=$now
done
holds "$(share 1 2 | mean) <= 0.1 && $before >= 0.6" || verdict=refuted
lab_verdict C9 << END
$verdict
recited word for word: $(share 0 2 | percent) % of documents never seen, $(share 1 2 | percent) % seen once, \
$(share 10 2 | percent) % ten times, $(share 100 2 | percent) % a hundred times
seeds=${#seeds[@]}
$(for n in "${counts[@]}"; do echo "seen_$n=$(share "$n" 2 | mean)"; done)
END
