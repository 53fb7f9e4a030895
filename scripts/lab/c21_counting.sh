#!/usr/bin/env bash
# C21: counting dots at a glance fails, copying them into code works.
# Hypothesis: the accuracy of counting at once falls with the number of things to count; with code it is higher over all problems,
#   with intervals over the seeds that are apart. (Counting aloud, one number a thing, lies in between or above.)
# Refuted if one of these fails. A row that is copied wrongly into the code gives a wrong count.
# Fixed: the assistant (it knows all ways), problems. Varied: way (direct, steps, python), difficulty (things to count: up to 5, 10, 15), seed.
# Noise: 95 % interval of the mean over the seeds. Cost: 3 trainings of 6 minutes on one core, shared with C22; the base model is that of C19.
# usage: scripts/lab/c21_counting.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_skills.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_skills.sh"
assistant_begin c21 "$@"

ask_skill counting direct steps python
skill_table counting direct steps python
read -r direct direct_half <<< "$(overall_over_seeds counting-direct | mean_interval)"
read -r python python_half <<< "$(overall_over_seeds counting-python | mean_interval)"
easy=$(over_seeds counting-direct 1 accuracy | mean) hard=$(over_seeds counting-direct 3 accuracy | mean)
verdict=refuted
if holds "$python - ${python_half/-/0} > $direct + ${direct_half/-/0} && $hard < $easy"; then verdict=confirmed; fi
lab_verdict C21 << END
$verdict
counting: right in $(overall_over_seeds counting-direct | percent) % at once (up to five things \
$(over_seeds counting-direct 1 accuracy | percent) %, up to fifteen $(over_seeds counting-direct 3 accuracy | percent) %), \
$(overall_over_seeds counting-steps | percent) % aloud, $(overall_over_seeds counting-python | percent) % with code
seeds=${#seeds[@]}
direct=$direct $direct_half
steps=$(overall_over_seeds counting-steps | mean_interval)
python=$python $python_half
END
