#!/usr/bin/env bash
# C25: with practice answers get longer, since thinking pays.
# Hypothesis: an assistant that was shown both ways, half of the problems answered at once and half after a thought between think tokens, thinks more
#   and more often in reinforcement learning, though nothing rewards length: length and accuracy rise together.
# Refuted if the mean length on dev at the end is not above that at the start (interval over the seeds), or accuracy does not rise.
# Fixed: base model, problems, objective (dr_grpo), no length reward. Varied: the seed. Typical answers at the start, the middle and the end.
# Noise: 95 % interval of the mean over the seeds. Cost: one SFT of 2 minutes, 3 x 160 updates, about 10 minutes.
# usage: scripts/lab/c25_longer_answers.sh OUT_DIR [--scale X] [--model DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin c25 "$@"

# The direct set justifies half of its answers afterwards; here that is cut off, and wrong demonstrations are left out: length must not tell right from wrong.
shown=$lab_common/both-ways.jsonl
if [ ! -s "$shown" ]; then
    grep -hv '"noisy": true' "$world/chat/problems-direct-train.jsonl" | sed 's/"content": "The answer is \([^ "]*\)\. [^"]*"/"content": "The answer is \1."/' | awk 'NR % 2' > "$shown.new"
    grep -hv '"noisy": true' "$world/chat/problems-thinking-train.jsonl" | awk 'NR % 2 == 0' >> "$shown.new"
    mv "$shown.new" "$shown"
fi
init=$base
[ -d "$init" ] || init=$assistant
thinker=$(fine_tune thinker 1 "$(updates 400)" "$init" --data "$shown" --lr 2e-3)
n=$(updates 160)
for s in "${seeds[@]}"; do
    run=$(practise longer "$s" "$n" "$thinker" --checkpoint-every "$((n / 2))" --keep 0)
    curve "$run" > "$lab_out/curve-$s"
done
{
    printf 'updates\tdev, greedy %%\ttokens of an answer\n'
    for step in $(curve_steps); do
        printf '%s\t%s\t%s\n' "$step" "$(curves_at "$step" 2 | percent)" "$(curves_at "$step" 3 | mean_interval | sed 's/ \([0-9]\)/ +-\1/; s/ -$//')"
    done
} | lab_table
echo "drawn at temperature 1 (thoughts behind 'thinks:'), one problem of test, seed ${seeds[0]}:"
question=$(sed -n '2s/.*"prompt": "\([^"]*\)".*/\1/p' "$tests")
echo "  $question"
for at in "start $thinker" "middle $lab_common/longer-${seeds[0]}/$(printf 'step-%06d' "$((n / 2))")" "end $lab_common/longer-${seeds[0]}"; do
    for draw in 1 2; do
        printf '  %-7s %s\n' "${at%% *}" "$(echo "$question" | train_gpt chat --model "${at#* }" --temperature 1 --seed "$draw" 2> /dev/null | tr '\n' ' ')"
    done
done
first=$(head -n 1 "$lab_out/curve-${seeds[0]}")
read -r longer half <<< "$(curves_growth 3 | mean_interval)"
read -r better better_half <<< "$(curves_growth 2 | mean_interval)"
verdict=refuted
if holds "$longer - ${half/-/0} > 0 && $better - ${better_half/-/0} > 0"; then verdict=confirmed; fi
lab_verdict C25 << END
$verdict
dev: $(echo "$first" | cut -d ' ' -f 2 | percent) % right in $(echo "$first" | awk '{ printf "%.1f", $3 }') tokens before practice, \
$(for s in "${seeds[@]}"; do tail -n 1 "$lab_out/curve-$s" | cut -d ' ' -f 2; done | percent) % in $(for s in "${seeds[@]}"; do tail -n 1 "$lab_out/curve-$s" | cut -d ' ' -f 3; done | mean | awk '{ printf "%.1f", $1 }') tokens after $n updates
seeds=${#seeds[@]}
longer=$longer
better=$better $better_half
END
