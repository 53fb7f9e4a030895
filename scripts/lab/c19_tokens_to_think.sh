#!/usr/bin/env bash
# C19: models need tokens to think: answers that come first are guessed, answers at the end of steps are computed.
# Hypothesis: an assistant that was shown the same word problems answered at once and worked out in steps is right more often when it is told
#   to think step by step than when it is told to answer at once; the intervals of the two over the seeds are apart.
# Refuted if the accuracy over all problems is not higher, or the intervals overlap.
# Fixed: the assistant, its problems and their number in either way. Varied: the way it is told to answer (direct, steps); the seed. By
#   difficulty (operations a problem needs).
# Noise: 95 % interval of the mean over the seeds. Cost: on one core a base model of 9 minutes and 3 trainings of 6, shared by C20 and C23.
# usage: scripts/lab/c19_tokens_to_think.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_skills.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_skills.sh"
assistant_begin c19 "$@"

ask_skill word-problems direct steps
skill_table word-problems direct steps
read -r direct direct_half <<< "$(overall_over_seeds word-problems-direct | mean_interval)"
read -r steps steps_half <<< "$(overall_over_seeds word-problems-steps | mean_interval)"
for way in direct steps; do sed -n '3s/.*"prompt":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1\n    \2/p' "$lab_out/word-problems-$way-${seeds[0]}.jsonl"; done
verdict=refuted
if holds "$steps - ${steps_half/-/0} > $direct + ${direct_half/-/0}"; then verdict=confirmed; fi
lab_verdict C19 << END
$verdict
word problems: right in $(overall_over_seeds word-problems-direct | percent) % with the answer first, \
$(overall_over_seeds word-problems-steps | percent) % step by step
seeds=${#seeds[@]}
direct=$direct $direct_half
steps=$steps $steps_half
END
