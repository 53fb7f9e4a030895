#!/usr/bin/env bash
# C20: bigger numbers break mental arithmetic first; code does not care.
# Hypothesis: with the difficulty (digits) the accuracy of answers at once falls, and that of answers through the code tool stays above
#   them at the hardest level; over all problems code beats the direct answer with intervals apart.
# Refuted if one of these fails.
# Fixed: the assistant (it knows all ways), problems. Varied: way (direct, steps, python), difficulty, seed. The tool is the program's interpreter.
# Noise: 95 % interval of the mean over the seeds. Cost: trainings shared with C19.
# usage: scripts/lab/c20_calculator.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_skills.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_skills.sh"
assistant_begin c20 "$@"

ask_skill arithmetic direct steps python
skill_table arithmetic direct steps python
easiest=$(groups "arithmetic-direct-${seeds[0]}" | sort -n | head -n 1)
hardest=$(groups "arithmetic-direct-${seeds[0]}" | sort -n | tail -n 1)
read -r direct direct_half <<< "$(overall_over_seeds arithmetic-direct | mean_interval)"
read -r python python_half <<< "$(overall_over_seeds arithmetic-python | mean_interval)"
easy=$(over_seeds arithmetic-direct "$easiest" accuracy | mean) hard=$(over_seeds arithmetic-direct "$hardest" accuracy | mean)
hard_python=$(over_seeds arithmetic-python "$hardest" accuracy | mean)
sed -n '4s/.*"prompt":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1 \2/p' "$lab_out/arithmetic-python-${seeds[0]}.jsonl"
verdict=refuted
if holds "$python - ${python_half/-/0} > $direct + ${direct_half/-/0} && $hard < $easy && $hard_python > $hard"; then verdict=confirmed; fi
lab_verdict C20 << END
$verdict
arithmetic: right in $(overall_over_seeds arithmetic-direct | percent) % at once, \
$(overall_over_seeds arithmetic-steps | percent) % in steps, \
$(overall_over_seeds arithmetic-python | percent) % with code; at the hardest level \
$(over_seeds arithmetic-direct "$hardest" accuracy | percent) % against $(over_seeds arithmetic-python "$hardest" accuracy | percent) %
seeds=${#seeds[@]}
direct=$direct $direct_half
steps=$(overall_over_seeds arithmetic-steps | mean_interval)
python=$python $python_half
direct_easiest=$(over_seeds arithmetic-direct "$easiest" accuracy | mean_interval)
direct_hardest=$(over_seeds arithmetic-direct "$hardest" accuracy | mean_interval)
python_hardest=$(over_seeds arithmetic-python "$hardest" accuracy | mean_interval)
END
