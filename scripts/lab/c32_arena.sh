#!/usr/bin/env bash
# C32: an arena that only compares answers in pairs puts models into the order in which they were trained.
# Hypothesis: on word problems never seen and questions about people who do not exist, half of each, the ratings rise from the base model (asked in
#   plain text) over the assistant that imitates worked problems and answers everything (sft), the one that was also taught where its knowledge
#   ends (probe), to the one that then practised both with checked answers (rl); the mean ratings over the seeds are in this order, and
#   within each seed neighbours' 95 % intervals over the prompts do not overlap.
# Refuted if an order or a gap fails; the table says which.
# What decides is which prompts are asked: on facts told often, and nobody, the base model beats the assistant, which forgets some of them (LOG 2026-11-22).
# Fixed: base model, assistant, prompts of the test share, one answer each drawn at temperature 1 (the likeliest hides what practice does, C24), the
#   checker as the judge: right beats wrong, equal ties. Varied: the seed of what comes after. Noise: bootstrap over the prompts; the seeds.
# Cost: per seed 200 steps of teaching, 100 updates of practice, 4,000 answers: three minutes on two quiet cores.
# usage: scripts/lab/c32_arena.sh OUT_DIR [--scale X] [--model DIR --base DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin c32 "$@"
need_base

# Fewer than half as many, 200 of each, gave intervals of +-15, wider than some gaps are (LOG 2026-11-23).
head -q -n $((questions * 5 / 2)) "$tests" "$world/tasks/nobody-test.jsonl" > "$lab_out/prompts.jsonl"
# what the probe asks: facts, known or not, and nobody
head -q -n 200 "$world"/tasks/{facts,nobody}-train.jsonl > "$lab_out/asked.jsonl"

printf 'seed\tplayer\trating\tlow\thigh\twon\ttied\tlost\n' | lab_table
for s in "${seeds[@]}"; do
    probe=$lab_common/c32-probe-$s
    [ -s "$probe/report.json" ] || train_gpt probe --model "$assistant" --facts "$lab_out/asked.jsonl" --teach-fraction 1 --out "$probe" --seed "$s" --threads "$threads" > "$probe.log"
    taught=$(fine_tune c32-taught "$s" "$(updates 200)" "$assistant" --data "$probe/teach.jsonl:4" "$world/chat/problems-steps-train.jsonl" --examples 32 --lr 1e-3)
    practised=$(practise c32-rl "$s" "$(updates 100)" "$taught" --tasks "$problems" "$world/tasks/nobody-train.jsonl")
    train_gpt eval arena --players "base=$base" "sft=$assistant" "probe=$taught" "rl=$practised" --tasks "$lab_out/prompts.jsonl" --max-tokens 64 --temperature 1 --rows 128 \
        --seed "$s" --threads "$threads" --out "$lab_out/arena-$s.json" --dump "$lab_out/arena-$s.jsonl" > "$lab_out/arena-$s.log" || { cat "$lab_out/arena-$s.log" >&2; exit 1; }
    for player in base sft probe rl; do
        printf '%s\t%s' "$s" "$player"
        for key in rating low high; do report_figure "$lab_out/arena-$s.json" "$player" "$key" | awk '{ printf "\t%.0f", $1 }'; done
        for key in won tied lost; do printf '\t%s' "$(report_figure "$lab_out/arena-$s.json" "$player" "$key")"; done
        echo
    done
done | lab_table
cat "$lab_out/arena-${seeds[0]}.log"

# "949 +-12", and its mean alone
rated() { awk -F '\t' -v player="$1" '$2 == player { print $3 }' "$lab_out/table.tsv" | mean_interval | awk '{ printf $2 == "-" ? "%.0f" : "%.0f +-%.0f", $1, $2 }'; } # PLAYER
rating() { rated "$1" | cut -d ' ' -f 1; } # PLAYER
# pairs of neighbours, over all seeds, whose intervals are apart
apart=$(awk -F '\t' 'NR > 1 { if ($2 != "base" && $4 > high) n++; high = $5 } END { print n + 0 }' "$lab_out/table.tsv")
verdict=refuted
if holds "$(rating base) < $(rating sft) && $(rating sft) < $(rating probe) && $(rating probe) < $(rating rl) && $apart == 3 * ${#seeds[@]}"; then verdict=confirmed; fi
lab_verdict C32 << END
$verdict
ratings: base $(rated base), sft $(rated sft), probe $(rated probe), rl $(rated rl); intervals of neighbours apart in $apart of $((3 * ${#seeds[@]})) cases
seeds=${#seeds[@]}
base=$(rating base)
sft=$(rating sft)
probe=$(rating probe)
rl=$(rating rl)
apart=$apart
END
