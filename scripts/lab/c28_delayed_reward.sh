#!/usr/bin/env bash
# C28: the reward comes at the end, so the whole answer is optimised, not the likeliest next word: a greedy step can cost the best answer.
# The task: "Which of 4, 17, 9 comes last?" Of the demonstrations 40 % repeat the row and are right ("Look: 4, 17, 9. The answer is 9."), 60 % answer at
#   once, with any of the three. So all is known exactly: the likeliest first word is "The" (0.6 against 0.4) and leads to 1/3 right; the likeliest whole
#   answer is the careful one (0.4 against 0.6 / 3 = 0.2) and is always right; drawn answers are right in 0.4 + 0.6 / 3 = 60 %; of many the majority is.
# Hypothesis: an imitator, greedy token by token, is right in about a third, whatever its drawn answers are; reinforcement learning with the reward
#   at the end moves the first word, and the same greedy decoding is then right.
# Refuted if greedy before is nearer to 60 than to 33.3 %, or greedy after is below 95 %, on unseen rows. Control: the share of careful openings.
# Noise: 95 % interval of the mean over the seeds. Cost: 3 x (160 SFT steps + 40 updates), about 4 minutes.
# usage: scripts/lab/c28_delayed_reward.sh OUT_DIR [--scale X] [--model DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin c28 "$@"

# Rows of three different numbers up to 30; those whose sum is a multiple of 5 are for the test.
awk -v dir="$lab_out" 'BEGIN {
    srand(28)
    while (shown < 6000 || asked < 400) {
        a = 1 + int(30 * rand()); b = 1 + int(30 * rand()); c = 1 + int(30 * rand())
        if (a == b || b == c || a == c) continue
        question = "Which of " a ", " b ", " c " comes last?"
        task = "{\"prompt\": \"" question "\", \"answer\": \"" c "\"}"
        if ((a + b + c) % 5 == 0) {
            if (asked++ < 400) print task > (dir "/rows-test.jsonl")
            continue
        }
        if (shown++ >= 6000) continue
        print task > (dir "/rows-train.jsonl")
        u = rand()
        answer = u < 0.4 ? "Look: " a ", " b ", " c ". The answer is " c "." : "The answer is " (u < 0.6 ? a : u < 0.8 ? b : c) "."
        print "{\"messages\": [{\"role\": \"user\", \"content\": \"" question "\"}, {\"role\": \"assistant\", \"content\": \"" answer "\"}]}" > (dir "/rows-chat.jsonl")
    }
}'
tests=$lab_out/rows-test.jsonl
steps=$(updates 160) n=$(updates 40)
careful() { awk '/"reply":"Look/ { n++ } END { print n / NR }' "$lab_out/$1.jsonl"; } # share of the answers that open so
measure() { # NAME MODEL
    ask "$1-greedy" "$2"
    ask "$1" "$2" --samples 16 --temperature 1
}
for s in "${seeds[@]}"; do
    imitator=$(fine_tune rows "$s" "$steps" "$assistant" --data "$lab_out/rows-chat.jsonl" --lr 1e-3)
    measure "imitator-$s" "$imitator"
    practised=$(practise rows-rl "$s" "$n" "$imitator" --tasks "$lab_out/rows-train.jsonl" --dev "$tests" --eval-every 0 --max-tokens 32)
    measure "practised-$s" "$practised"
done
over() { for s in "${seeds[@]}"; do recipe_figure "$lab_out/$1-$s$2.json" "$3"; done; } # NAME SUFFIX KEY
openings() { for s in "${seeds[@]}"; do careful "$1-$s$2"; done; }
{
    printf '\tgreedy %%\tdrawn %%\tmajority of 16 %%\tcareful: greedy %%\tdrawn %%\n'
    printf 'demonstrations, exactly\t33.3\t60.0\t100 (in the limit)\t0.0\t40.0\n'
    for who in imitator practised; do
        printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$who" "$(over "$who" -greedy accuracy | percent)" "$(over "$who" "" accuracy | percent)" "$(over "$who" "" majority | percent)" \
            "$(openings "$who" -greedy | percent)" "$(openings "$who" "" | percent)"
    done
} | lab_table
before=$(over imitator -greedy accuracy | mean) after=$(over practised -greedy accuracy | mean)
verdict=refuted
if holds "$before < 0.467 && $after >= 0.95"; then verdict=confirmed; fi
lab_verdict C28 << END
$verdict
greedy token by token: $(over imitator -greedy accuracy | percent) % right where the whole answers drawn are in $(over imitator "" accuracy | percent) % (exactly 33.3 and 60); \
after $n updates with the reward at the end $(over practised -greedy accuracy | percent) %
seeds=${#seeds[@]}
before=$(over imitator -greedy accuracy | mean_interval)
drawn=$(over imitator "" accuracy | mean_interval)
after=$(over practised -greedy accuracy | mean_interval)
END
