#!/usr/bin/env bash
# C23: capabilities are jagged: what is hard for people is not what is hard for the model. 9.11 against 9.9.
# Hypothesis: the same assistant that compares decimals of equal length well does worse where the shorter one is larger ("9.9 or
#   9.11"), by at least 10 points; and over its tasks its accuracies differ by more than 30 points, though none is hard for a child.
# Refuted if one of these fails.
# Fixed: the assistants of C19 (word problems, arithmetic, comparing), told to answer at once. Varied: the pair of numbers; the task; the seed. Pairs are made here, 120 of a kind.
# Noise: 95 % interval of the mean over the seeds. Cost: nothing but questions.
# usage: scripts/lab/c23_jagged.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_skills.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_skills.sh"
assistant_begin c23 "$@"

# pairs with the same digits before the point: x.A against x.B (both one digit), and x.A against x.1B, where the longer is smaller
awk -v kinds=2 'BEGIN {
    srand(1)
    for (i = 0; i < 240; i++) {
        whole = 1 + int(rand() * 60)
        if (i % 2) { a = 2 + int(rand() * 8); b = 1 + int(rand() * (a - 1)); kind = "same length" }
        else { a = 2 + int(rand() * 8); b = (1 + int(rand() * (a - 1))) * 10 + 1 + int(rand() * 9); kind = "longer is smaller" }
        larger = whole "." a; smaller = whole "." b
        if (rand() < 0.5) { first = larger; second = smaller } else { first = smaller; second = larger }
        printf "{\"prompt\": \"Which number is larger, %s or %s?\", \"answer\": \"%s\", \"task\": \"%s\"}\n", first, second, larger, kind
    }
}' > "$lab_out/pairs.jsonl"
for way in direct steps; do
    for s in "${seeds[@]}"; do ask "pairs-$way-$s" "$(skilled reckoning "$s")" --tasks "$lab_out/pairs.jsonl" --max-tokens 96 --system "$(says "$way")"; done
done
printf 'pairs\tdirect %%\tsteps %%\n' | lab_table
for kind in "same length" "longer is smaller"; do
    printf '%s\t%s\t%s\n' "$kind" "$(over_seeds pairs-direct "$kind" accuracy | percent)" "$(over_seeds pairs-steps "$kind" accuracy | percent)"
done | lab_table

by=task tasks="word-problems arithmetic comparing"
for task in $tasks; do ask_skill "$task" direct steps; done
printf 'task\tdirect %%\tsteps %%\n' | lab_table
low=1 high=0
for task in $tasks; do
    share=$(over_seeds "$task-direct" "$task" accuracy | mean)
    low=$(awk "BEGIN { print ($share < $low ? $share : $low) }") high=$(awk "BEGIN { print ($share > $high ? $share : $high) }")
    printf '%s\t%s\t%s\n' "$task" "$(over_seeds "$task-direct" "$task" accuracy | percent)" "$(over_seeds "$task-steps" "$task" accuracy | percent)" >> "$lab_out/tasks.rows"
done
lab_table < "$lab_out/tasks.rows"
rm "$lab_out/tasks.rows"

same=$(over_seeds pairs-direct "same length" accuracy | mean) trap=$(over_seeds pairs-direct "longer is smaller" accuracy | mean)
verdict=refuted
if holds "$same - $trap >= 0.1 && $high - $low > 0.3"; then verdict=confirmed; fi
lab_verdict C23 << END
$verdict
decimals of equal length $(over_seeds pairs-direct "same length" accuracy | percent) % right, like 9.9 and 9.11 \
$(over_seeds pairs-direct "longer is smaller" accuracy | percent) % (in steps \
$(over_seeds pairs-steps "longer is smaller" accuracy | percent) %); tasks from \
$(awk "BEGIN { printf \"%.0f to %.0f\", 100 * $low, 100 * $high }") %
seeds=${#seeds[@]}
same_length=$(over_seeds pairs-direct "same length" accuracy | mean_interval)
longer_is_smaller=$(over_seeds pairs-direct "longer is smaller" accuracy | mean_interval)
worst_task=$low
best_task=$high
END
