#!/usr/bin/env bash
# C27: it must explore, near what it already does well: pure greed stays with what it knows, pure noise finds nothing.
# Hypothesis: at equal rollouts, the final accuracy has its best temperature in the middle: near 0 all answers of a group are equal, so nothing is
#   learned; far above 1 few are right. And a group of 2 is worse than one of 8 (a group without a difference teaches nothing).
# Refuted if temperature 0.05 or 2 ends within the noise of temperature 1 or above it.
# Fixed: assistant, problems, objective (dr_grpo), 64 answers an update. Varied: temperature (groups of 8), group size (temperature 1), the seed.
# Noise: 95 % interval of the mean over the seeds. Cost: 7 settings x 3 seeds x 40 updates, about 10 minutes.
# usage: scripts/lab/c27_exploration.sh OUT_DIR [--scale X] [--model DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin c27 "$@"

n=$(updates 40)
row() { # TEMPERATURE GROUP
    local s run name=explore-t$1-g$2
    for s in "${seeds[@]}"; do
        run=$(practise "$name" "$s" "$n" "$assistant" --temperature "$1" --prompts "$((64 / $2))" --group "$2" --eval-every 0)
        [ "$lab_out/$name-$s.json" -nt "$run" ] || ask "$name-$s" "$run" "${sampled[@]}"
        recipe_figure "$lab_out/$name-$s.json" accuracy >> "$lab_out/$name.accuracies"
        over_updates "$run" groups_degenerate 0 1 >> "$lab_out/$name.degenerate"
        over_updates "$run" unique_answers 0 0.5 >> "$lab_out/$name.unique"
        curve "$run" | tail -n 1 | cut -d ' ' -f 2 >> "$lab_out/$name.greedy"
    done
    printf '%s\t%s\t%s\t%s\t%s\t%.1f\n' "$1" "$2" "$(percent < "$lab_out/$name.accuracies")" "$(percent < "$lab_out/$name.greedy")" "$(percent < "$lab_out/$name.degenerate")" \
        "$(mean < "$lab_out/$name.unique")" | lab_table
}
rm -f "$lab_out"/*.accuracies "$lab_out"/*.degenerate "$lab_out"/*.unique "$lab_out"/*.greedy
ask before "$assistant" "${sampled[@]}"
printf 'temperature\tgroup\ttest, drawn %%\tdev, greedy %%\tno difference %%\tdifferent\n' | lab_table
printf 'none\t\t%s\t%s\n' "$(recipe_figure "$lab_out/before.json" accuracy | percent)" "" | lab_table
for temperature in 0.05 0.5 1 2; do row "$temperature" 8; done
for group in 2 4 16; do row 1 "$group"; done
read -r middle middle_half <<< "$(mean_interval < "$lab_out/explore-t1-g8.accuracies")"
verdict=confirmed
for end in t0.05 t2; do
    read -r other other_half <<< "$(mean_interval < "$lab_out/explore-$end-g8.accuracies")"
    if holds "$other + ${other_half/-/0} >= $middle - ${middle_half/-/0}"; then verdict=refuted; fi
done
lab_verdict C27 << END
$verdict
after $n updates of 64 answers: $(percent < "$lab_out/explore-t0.05-g8.accuracies") % at temperature 0.05, $(percent < "$lab_out/explore-t1-g8.accuracies") % at 1, \
$(percent < "$lab_out/explore-t2-g8.accuracies") % at 2; groups of 2: $(percent < "$lab_out/explore-t1-g2.accuracies") %
seeds=${#seeds[@]}
greedy=$(mean < "$lab_out/explore-t0.05-g8.accuracies")
middle=$middle
noisy=$(mean < "$lab_out/explore-t2-g8.accuracies")
END
