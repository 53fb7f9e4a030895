#!/usr/bin/env bash
# C32: an arena that only compares answers in pairs puts models into the order in which they were trained.
# Hypothesis: on questions about facts that documents told and about people who do not exist, half of each, the ratings rise from the base
#   model (asked in plain text) over the assistant that answers everything (sft), the one that was taught where its knowledge ends (probe)
#   to the one that then practised with checked answers (rl); the mean ratings over the seeds are in this order, and within each
#   seed neighbours' 95 % intervals over the prompts do not overlap.
# Refuted if an order or a gap fails; the table says which.
# Fixed: base model, prompts of the test share, one greedy answer each, the checker as the judge: right beats wrong, equal ties. A fact is
#   asked if at least 100 documents told it. Varied: the stage; the seed. Noise: bootstrap over the prompts; the seeds.
# Cost: per seed, beside what C14 makes, 100 updates of practice: two minutes on two quiet cores.
# usage: scripts/lab/c32_arena.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c32 "$@"

# facts told often, of a share; n of them, every k-th
often() { awk 'match($0, /"told": [0-9]+/) && substr($0, RSTART + 8, RLENGTH - 8) + 0 >= 100' "$world/tasks/facts-$1.jsonl"; }
often test | head -n "$questions" > "$lab_out/facts-test.jsonl"
head -n "$(wc -l < "$lab_out/facts-test.jsonl")" "$world/tasks/nobody-test.jsonl" | cat "$lab_out/facts-test.jsonl" - > "$lab_out/prompts.jsonl"
often train > "$lab_out/facts-train.jsonl"
# what the probe asks: facts of the training share, told often and not, and nobody
{
    head -n "$questions" "$lab_out/facts-train.jsonl"
    head -n "$((questions / 2))" "$world/tasks/facts-rare-train.jsonl"
    head -n "$((questions / 2))" "$world/tasks/nobody-train.jsonl"
} > "$lab_out/asked.jsonl"

printf 'seed\tplayer\trating\tlow\thigh\twon\ttied\tlost\n' | lab_table
for s in "${seeds[@]}"; do
    plain=$(plain_assistant "$s")
    probe=$lab_common/c32-probe-$s practised=$lab_common/c32-rl-$s steps=$(scaled 100)
    [ -s "$probe/report.json" ] || train_gpt probe --model "$plain" --facts "$lab_out/asked.jsonl" --teach-fraction 1 --out "$probe" --seed "$s" > "$probe.log"
    taught=$(assistant c32-taught "$s" "$(scaled 150)" "$plain" --data "$probe/teach.jsonl:6" "$world/chat/facts-train.jsonl:0.1" "$world/chat/smalltalk-train.jsonl:0.05")
    if [ ! -d "$practised/$(printf 'step-%06d' "$steps")" ]; then
        echo "practising c32-rl-$s: $steps steps ..." >&2
        train_gpt rl --init "$taught" --out "$practised" --tasks "$lab_out/facts-train.jsonl" "$world/tasks/nobody-train.jsonl" --steps "$steps" --prompts 16 --group 8 \
            --max-tokens 32 --lr 2e-4 --seed "$s" --resume > "$practised.log" || { tail -n 5 "$practised.log" >&2; exit 1; }
    fi
    train_gpt eval arena --players "base=$(base_model)" "sft=$plain" "probe=$taught" "rl=$practised" --tasks "$lab_out/prompts.jsonl" --max-tokens 32 --seed "$s" \
        --out "$lab_out/arena-$s.json" --dump "$lab_out/arena-$s.jsonl" > "$lab_out/arena-$s.log" || { cat "$lab_out/arena-$s.log" >&2; exit 1; }
    for player in base sft probe rl; do
        printf '%s\t%s' "$s" "$player"
        for key in rating low high; do report_figure "$lab_out/arena-$s.json" "$player" "$key" | awk '{ printf "\t%.0f", $1 }'; done
        for key in won tied lost; do printf '\t%s' "$(report_figure "$lab_out/arena-$s.json" "$player" "$key")"; done
        echo
    done
done | lab_table
cat "$lab_out/arena-${seeds[0]}.log"

column() { awk -F '\t' -v player="$1" -v column="$2" '$2 == player { print $column }' "$lab_out/table.tsv"; } # PLAYER COLUMN
rating() { column "$1" 3 | mean | awk '{ printf "%.0f", $1 }'; }
# pairs of neighbours, over all seeds, whose intervals are apart
apart=$(awk -F '\t' 'NR > 1 { if ($2 != "base" && $4 > high) n++; high = $5 } END { print n + 0 }' "$lab_out/table.tsv")
verdict=refuted
if holds "$(rating base) < $(rating sft) && $(rating sft) < $(rating probe) && $(rating probe) < $(rating rl) && $apart == 3 * ${#seeds[@]}"; then verdict=confirmed; fi
lab_verdict C32 << END
$verdict
ratings: base $(rating base), sft $(rating sft), probe $(rating probe), rl $(rating rl); intervals of neighbours apart in $apart of $((3 * ${#seeds[@]})) cases
seeds=${#seeds[@]}
base=$(rating base)
sft=$(rating sft)
probe=$(rating probe)
rl=$(rating rl)
apart=$apart
END
