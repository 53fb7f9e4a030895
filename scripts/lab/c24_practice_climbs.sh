#!/usr/bin/env bash
# C24: practice. Sample solutions, keep what reaches the answer, do more of it: accuracy climbs with the updates.
# Hypothesis: from an assistant whose demonstrations were wrong in a third, reinforcement learning on the final answer alone raises the share of
#   right answers to unseen problems; at the end it is higher than before in every seed, and the interval of the gain excludes 0.
# Refuted if the interval of the gain (drawn answers, test problems) reaches 0. Fixed: assistant, problems, objective (dr_grpo). Varied: the seed.
# Noise: 95 % interval of the mean over the seeds. Cost: 3 x 200 updates, about 11 minutes; the assistant is made once by the recipe.
# usage: scripts/lab/c24_practice_climbs.sh OUT_DIR [--scale X] [--model DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin c24 "$@"

n=$(updates 200)
ask before "$assistant" "${sampled[@]}"
ask before-greedy "$assistant"
for s in "${seeds[@]}"; do
    run=$(practise climb "$s" "$n" "$assistant")
    curve "$run" > "$lab_out/curve-$s"
    ask "after-$s" "$run" "${sampled[@]}"
    ask "after-greedy-$s" "$run"
done
# one row a measurement: updates, the likeliest answer on dev; the reward of the answers that were drawn in the updates around it
{
    printf 'updates\tdev, greedy %%\tlength\n'
    for step in $(curve_steps); do printf '%s\t%s\t%.1f\n' "$step" "$(curves_at "$step" 2 | percent)" "$(curves_at "$step" 3 | mean)"; done
} | lab_table
before=$(recipe_figure "$lab_out/before.json" accuracy)
read -r gain half <<< "$(figures_of after accuracy | awk -v b="$before" '{ print $1 - b }' | mean_interval)"
after=$(figures_of after accuracy | percent)
verdict=refuted
if holds "$gain - ${half/-/0} > 0"; then verdict=confirmed; fi
lab_verdict C24 << END
$verdict
unseen problems, drawn answers: $(echo "$before" | percent) % right before, $after % after $n updates; the likeliest answer \
$(recipe_figure "$lab_out/before-greedy.json" accuracy | percent) and $(figures_of after-greedy accuracy | percent) %
seeds=${#seeds[@]}
before=$before
gain=$gain
END
