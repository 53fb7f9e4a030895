#!/usr/bin/env bash
# C6: the same prompt continues differently each time, and the continuations are remixes of the training text, not copies.
# Hypothesis: at temperature 0 all samples of a prompt are one text, at 0.8 at least 90 % differ; and the longest run of words that
#   a sample shares with the training text is, in the median, at least 4 words (it has learned the text; noise shares none) and no
#   longer than 1.5 times that of text which was held out.
# Refuted if one of these fails, or if more than a tenth of the samples stand word for word in the training text.
# Fixed: the model of C5, 4 prompts (the first six words of held-out documents), 16 samples each of at most 96 tokens.
# Varied: the seed of the coin. Noise: that of 64 samples. Controls: held-out documents, and documents of the training text itself,
#   which the measurement must find to be copies.
# usage: scripts/lab/c6_stochastic.sh OUT_DIR [--data world|FILE] [--scale X]
# shellcheck source=scripts/lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_begin c6 "$@"

run=$(lab_base_run)
words_compared=40 # of each continuation; texts of fewer than 12 words say nothing

# Longest run of words of each line of FILE within a line of the training text, in steps of RUNS; prints "words longest" a line.
lab_lines "$lab_train" > "$lab_out/train.lines"
longest_runs() { # FILE
    awk -v lengths="4 5 6 7 8 10 12 14 16 20 24 28 32 36 40" '
        # word i .. i + n - 1 of w, joined
        function gram(i, n,   s, k) { s = w[i]; for (k = 1; k < n; k++) s = s " " w[i + k]; return s }
        BEGIN { kinds = split(lengths, len, " ") }
        FNR == NR {
            n = split($0, w, " "); samples[FNR] = $0; lines = FNR
            for (k = 1; k <= kinds; k++) for (i = 1; i + len[k] - 1 <= n; i++) asked[gram(i, len[k])]
            next
        }
        {
            n = split($0, w, " ")
            for (i = 1; i + 3 <= n; i++) {
                g = w[i] " " w[i + 1] " " w[i + 2] " " w[i + 3]
                # a longer run can only match where each shorter one does
                for (k = 1; g in asked; k++) {
                    found[g]
                    if (k == kinds || i + len[k + 1] - 1 > n) break
                    for (j = len[k]; j < len[k + 1]; j++) g = g " " w[i + j]
                }
            }
        }
        END {
            for (l = 1; l <= lines; l++) {
                n = split(samples[l], w, " "); longest = 0
                for (k = 1; k <= kinds; k++) for (i = 1; i + len[k] - 1 <= n; i++) if (gram(i, len[k]) in found) longest = len[k]
                print n, longest
            }
        }' "$1" "$lab_out/train.lines"
}
# The words behind the first six, at most words_compared; short ones are dropped.
behind_prompt() { awk -v most="$words_compared" '{ n = split($0, w, " "); s = ""; for (i = 7; i <= n && i < 7 + most; i++) s = s (i > 7 ? " " : "") w[i]; if (n >= 6 + 12) print s }'; }

lab_lines "$lab_held" | awk 'NF >= 30' > "$lab_out/held.lines"
mapfile -t prompts < <(awk 'NR % 7 == 1 { print $1, $2, $3, $4, $5, $6 }' "$lab_out/held.lines" | sort -u | head -n 4)
sample() { train_gpt generate --model "$run" --prompt "${prompts[@]}" --num-samples 16 --max-tokens 96 --json "$@"; }
sample --temperature 0 > "$lab_out/greedy.jsonl"
sample --temperature 0.8 --seed 1 > "$lab_out/samples.jsonl"

# distinct continuations a prompt, on average over the prompts, as a fraction of the samples
distinct() { # FILE
    sed 's/.*"text":/"text":/' "$1" | awk -v per=16 '{ p = int((NR - 1) / per); if (!((p, $0) in seen)) { seen[p, $0]; n++ } } END { printf "%.3f", n / NR }'
}
greedy=$(distinct "$lab_out/greedy.jsonl")
varied=$(distinct "$lab_out/samples.jsonl")

# samples with their prompt cut off like the documents
lab_lines "$lab_out/samples.jsonl" | awk '{ print "a b c d e f " $0 }' | behind_prompt > "$lab_out/continuations"
head -n 200 "$lab_out/held.lines" | behind_prompt > "$lab_out/held"
awk 'NF >= 30 && NR % 97 == 0 { print; if (++n == 100) exit }' "$lab_out/train.lines" | behind_prompt > "$lab_out/copies"

: > "$lab_out/table.tsv"
printf 'text\tcount\tmedian words\tmedian run\tcopies %%\n' | lab_table
for text in continuations held copies; do
    longest_runs "$lab_out/$text" | sort -n -k 2 | awk -v name="$text" '
        { words[NR] = $1; run[NR] = $2; copied += $2 + 4 > $1 }
        END { n = NR; printf "%s\t%d\t%d\t%d\t%.1f\n", name, n, words[int((n + 1) / 2)], run[int((n + 1) / 2)], 100 * copied / n }'
done | lab_table
echo "distinct continuations a prompt: $varied of the samples at temperature 0.8; at temperature 0 one in 16 is $greedy"
echo "one prompt, three times:"
head -n 3 "$lab_out/samples.jsonl" | document_text " " "\n" | awk -v p="${prompts[0]}" '{ print "  " p " |" $0 }' | cut -c 1-200

awk -F '\t' -v greedy="$greedy" -v varied="$varied" '{ run[$1] = $4; copied[$1] = $5 }
    END {
        ok = greedy <= 1 / 16 + 0.001 && varied >= 0.9 && run["continuations"] >= 4 && run["continuations"] <= 1.5 * run["held"] && copied["continuations"] <= 10 && copied["copies"] >= 99
        printf "%s\n%.0f %% of the samples differ; longest shared run %d words (held-out text %d), %.1f %% copies (training text %.0f %%)\n", ok ? "confirmed" : "refuted", 100 * varied, run["continuations"], run["held"], copied["continuations"], copied["copies"]
        printf "distinct=%.3f\ngreedy_distinct=%.4f\nrun_samples=%d\nrun_held=%d\ncopies_percent=%.1f\n", varied, greedy, run["continuations"], run["held"], copied["continuations"]
    }' "$lab_out/table.tsv" | lab_verdict C6
