#!/usr/bin/env bash
# The objectives of reinforcement learning at equal rollouts: which is the default, and why?
# Hypothesis: the default, dr_grpo, ends within the noise of the best in accuracy (drawn answers, test problems).
# Refuted if another objective's interval lies above that of dr_grpo, or dr_grpo's own reaches the assistant before practice.
# (A second hypothesis, that who learns from wrong answers too ends above who imitates right ones only, was refuted: expert does as well. LOG 2026-11-22.)
# Fixed: assistant, problems, learning rate, 64 answers an update (ppo: each batch of answers twice, so twice the updates). Varied: objective, seed.
# Also: tokens of an answer, entropy and KL to the assistant at the end (k3, only measured), seconds an update. Noise: 95 % interval of the mean over
#   the seeds. Cost: 8 objectives x 3 seeds x 40 updates, about 11 minutes.
# usage: scripts/lab/objectives_compared.sh OUT_DIR [--scale X] [--model DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin objectives "$@"

n=$(updates 40)
ask before "$assistant" "${sampled[@]}"
printf 'objective\ttest, drawn %%\tdev, greedy %%\ttokens\tentropy\tKL\ts an update\n' | lab_table
printf 'none\t%s\n' "$(recipe_figure "$lab_out/before.json" accuracy | percent)" | lab_table
objectives="dr_grpo rloo reinforce grpo dapo ppo expert best"
for objective in $objectives; do
    inner=1 equal=()
    case $objective in ppo) inner=2 ;; dapo) equal=(--resample 0) ;; esac # dapo would draw anew where a group teaches nothing
    : > "$lab_out/$objective.rows"
    for s in "${seeds[@]}"; do
        run=$(practise "objective-$objective" "$s" "$((n * inner))" "$assistant" --objective "$objective" --inner "$inner" --prompts 8 --group 8 --kl k3 --kl-coef 0 --eval-every 0 \
            ${equal[@]+"${equal[@]}"})
        ask "$objective-$s" "$run" "${sampled[@]}"
        echo "$(recipe_figure "$lab_out/$objective-$s.json" accuracy) $(curve "$run" | tail -n 1 | cut -d ' ' -f 2) $(over_updates "$run" length 0.8 1) \
$(over_updates "$run" entropy 0.8 1) $(over_updates "$run" kl_k3 0.8 1) $(over_updates "$run" ms 0 1)" >> "$lab_out/$objective.rows"
    done
    column() { cut -d ' ' -f "$1" "$lab_out/$objective.rows"; }
    printf '%s\t%s\t%s\t%.1f\t%.3f\t%.4f\t%.2f\n' "$objective" "$(column 1 | percent)" "$(column 2 | percent)" "$(column 3 | mean)" "$(column 4 | mean)" "$(column 5 | mean)" \
        "$(column 6 | mean | awk '{ print $1 / 1000 }')" | lab_table
done
accuracies() { cut -d ' ' -f 1 "$lab_out/$1.rows"; }
read -r default default_half <<< "$(accuracies dr_grpo | mean_interval)"
verdict=confirmed best=dr_grpo best_mean=$default
if holds "$default - ${default_half/-/0} <= $(recipe_figure "$lab_out/before.json" accuracy)"; then verdict=refuted; fi # nothing was learned at all
for objective in $objectives; do
    read -r other other_half <<< "$(accuracies "$objective" | mean_interval)"
    if holds "$other > $best_mean"; then best=$objective best_mean=$other; fi
    if holds "$other - ${other_half/-/0} > $default + ${default_half/-/0}"; then verdict=refuted; fi
done
lab_verdict objectives << END
$verdict
from $(recipe_figure "$lab_out/before.json" accuracy | percent) % to $(accuracies dr_grpo | percent) % with the default dr_grpo, to $(accuracies "$best" | percent) % with the best in the mean, $best, \
to $(accuracies expert | percent) % with right answers only (expert); $n updates of 64 answers
seeds=${#seeds[@]}
default=$default $default_half
best=$best_mean
END
