#!/usr/bin/env bash
# C30: ranking is easier than writing.
# Hypothesis: from the same 1,000 rankings one model learns to tell which of two jokes is better (a reward model), another to write (it imitates
#   the best joke of each). On the same pairs of unseen prompts the judge is right more often than the writer's own joke is as good as the better
#   of the two; the judge reaches 75 %; and of eight jokes by the writer, the one that the judge picks is better than one at random.
# Refuted if one of these fails. Who knows nothing: a judge gets 50 %, a writer of jokes as good as the ranked ones about a third.
# Fixed: base model, assistant, rankings. Varied: what is learned from them, seed. Noise: 95 % interval of the mean over the seeds.
# Cost: 3 x (assistant, judge, writer), 8 minutes on two quiet cores. usage: scripts/lab/c30_judging.sh OUT_DIR [--scale X]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_jokes.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_jokes.sh"
jokes_begin c30 "$@"

# the best joke of each ranking as a conversation; the test prompts as tasks
awk '{
    match($0, /"ranking":\[[0-9]+/); best = substr($0, RSTART + 11, RLENGTH - 11) + 0
    match($0, /"prompt":"[^"]*"/); prompt = substr($0, RSTART + 9, RLENGTH - 9)
    match($0, /"responses":\[[^]]*\]/); split(substr($0, RSTART + 14, RLENGTH - 16), joke, "\",\"")
    printf "{\"messages\": [{\"role\": \"user\", \"content\": %s}, {\"role\": \"assistant\", \"content\": \"%s\"}]}\n", prompt, joke[best + 1]
}' "$world/rankings/jokes-train.jsonl" > "$lab_out/best.jsonl"
sed 's/^{\("prompt":"[^"]*"\).*/{\1, "answer": null, "task": "jokes", "check": "jokes"}/' "$world/rankings/jokes-test.jsonl" > "$lab_out/asked.jsonl"

# A writer's joke against each pair of the same prompt's ranking: as good as the better one?
against_pairs() { # ANSWERS.jsonl
    values_of grade < "$1" | paste - <(sed 's/.*"worths":\[\([^]]*\)\].*/\1/' "$world/rankings/jokes-test.jsonl") | awk '{
        n = split($2, w, ",")
        for (a = 1; a < n; a++) for (b = a + 1; b <= n; b++) { pairs++; better = w[a] > w[b] ? w[a] : w[b]; good += $1 >= better - 1e-9 }
    } END { printf "%.4f\n", good / pairs }'
}
printf 'seed\tjudge %%\twriter %%\timitator %%\tworth\tpicked of 8\tbest of 8\n' | lab_table
for s in "${seeds[@]}"; do
    teller=$(teller "$s") judge=$(judge "$s")
    writer=$(assistant writer "$s" "$(scaled 100)" "$teller" --data "$lab_out/best.jsonl")
    [ -s "$lab_out/judge-$s.json" ] || train_gpt reward score --model "$judge" --input "$world/rankings/jokes-test.jsonl" --out "$lab_out/judged-$s.jsonl" --report "$lab_out/judge-$s.json"
    for who in teller writer; do
        ask "$who-$s" "${!who}" --tasks "$lab_out/asked.jsonl" --samples 1 --temperature 1 --max-tokens 48 --seed "$s"
    done
    # eight jokes of the writer for each prompt; the judge picks
    ask "eight-$s" "$writer" --tasks "$lab_out/asked.jsonl" --limit 150 --samples 8 --temperature 1 --max-tokens 48 --seed "$((s + 100))"
    train_gpt reward score --model "$judge" --input "$lab_out/eight-$s.jsonl" --out "$lab_out/eight-judged-$s.jsonl" 2> /dev/null
    picked=$(paste <(values_of grade < "$lab_out/eight-judged-$s.jsonl") <(values_of score < "$lab_out/eight-judged-$s.jsonl") | awk '
        { sum += $1; if ($2 > top || NR % 8 == 1) { top = $2; pick = $1 } if ($1 > most || NR % 8 == 1) most = $1 }
        NR % 8 == 0 { picked += pick; best += most; n++ }
        END { printf "%.4f %.4f %.4f\n", sum / NR, picked / n, best / n }')
    read -r worth pick best <<< "$picked"
    printf '%s\t%.1f\t%.1f\t%.1f\t%.3f\t%.3f\t%.3f\n' "$s" "$(values_of accuracy < "$lab_out/judge-$s.json" | awk '{ print 100 * $1 }')" \
        "$(against_pairs "$lab_out/writer-$s.jsonl" | awk '{ print 100 * $1 }')" "$(against_pairs "$lab_out/teller-$s.jsonl" | awk '{ print 100 * $1 }')" "$worth" "$pick" "$best"
done | lab_table
column() { awk -F '\t' -v column="$1" 'NR > 1 { print $column }' "$lab_out/table.tsv"; } # NUMBER
read -r judge judge_half <<< "$(column 2 | mean_interval)"
read -r writer writer_half <<< "$(column 3 | mean_interval)"
echo "a pair of a test prompt, with the judge's scores:"
sed -n '1s/^{"prompt":\("[^"]*"\),"responses":\(\[[^]]*\]\).*"worths":\(\[[^]]*\]\).*"scores":\(\[[^]]*\]\).*/  \1\n  \2\n  worth \3, score \4/p' "$lab_out/judged-${seeds[0]}.jsonl"
worth=$(column 5 | mean) pick=$(column 6 | mean)
verdict=refuted
if holds "$judge >= 75 && $judge - ${judge_half/-/0} > $writer + ${writer_half/-/0} && $pick > $worth"; then verdict=confirmed; fi
lab_verdict C30 << END
$verdict
the judge orders $(column 2 | awk '{ print $1 / 100 }' | percent) % of the unseen pairs right, the writer's own joke is as good as the better one in \
$(column 3 | awk '{ print $1 / 100 }' | percent) %, an imitator's of all jokes in $(column 4 | awk '{ print $1 / 100 }' | percent) %; \
of eight jokes worth $(printf '%.2f' "$worth") on average it picks one worth $(printf '%.2f' "$pick")
seeds=${#seeds[@]}
judge=$(awk -v x="$judge" 'BEGIN { print x / 100 }')
writer=$(awk -v x="$writer" 'BEGIN { print x / 100 }')
worth=$(column 5 | mean_interval)
picked_of_8=$(column 6 | mean_interval)
best_of_8=$(column 7 | mean_interval)
END
