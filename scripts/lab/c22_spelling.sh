#!/usr/bin/env bash
# C22: a model that sees tokens spells badly; one that sees letters does better, and code does not care.
# Hypothesis: questions on the letters of words ("how many r in strawberry") are answered at once less often with tokens than by code,
#   and less often than by a model of the same size whose vocabulary is bytes, with intervals over the seeds that are apart.
# Refuted if one of the two fails; the table says which.
# Fixed: size of the model, problems, updates. Varied: vocabulary (1,024 tokens, 256 bytes; two assistants that learned nothing but to answer at
#   once); way (steps and python: the assistant of C21), seed. The base model of bytes read fewer of the same pages.
# Noise: 95 % interval of the mean over the seeds. Cost: on one core 4 minutes for a base model of bytes, and 3 x (2 + 4) minutes.
# usage: scripts/lab/c22_spelling.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_skills.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_skills.sh"
assistant_begin c22 "$@"

by=kind
ask_skill spelling direct steps python
lab_pretrain "$lab_common/base-bytes" "$(scaled 1000)" --data "$(shards_of v256 "$world/train.jsonl" 256)" "${small_model[@]}" --seed 1
base=$(base_model) shown=$(skill_data letters direct)
for s in "${seeds[@]}"; do
    for kind in tokens bytes; do
        from=$base
        [ "$kind" = tokens ] || from=$lab_common/base-bytes
        run=$(assistant "letters-$kind" "$s" "$(scaled 3000)" "$from" --examples 8 --data "$shown")
        for task in spelling counting; do
            ask "$task-$kind-direct-$s" "$run" --tasks "$world/tasks/$task-test.jsonl" --by kind --limit "$questions" --max-tokens 48 --system "$(says direct)"
        done
    done
done
skill_table spelling direct steps python tokens-direct bytes-direct
read -r direct direct_half <<< "$(overall_over_seeds spelling-tokens-direct | mean_interval)"
read -r python python_half <<< "$(overall_over_seeds spelling-python | mean_interval)"
read -r bytes bytes_half <<< "$(overall_over_seeds spelling-bytes-direct | mean_interval)"
verdict=refuted
if holds "$python - ${python_half/-/0} > $direct + ${direct_half/-/0} && $bytes - ${bytes_half/-/0} > $direct + ${direct_half/-/0}"; then verdict=confirmed; fi
lab_verdict C22 << END
$verdict
spelling: right at once in $(overall_over_seeds spelling-tokens-direct | percent) % with tokens, \
$(overall_over_seeds spelling-bytes-direct | percent) % with bytes; in steps with tokens \
$(overall_over_seeds spelling-steps | percent) %; with code $(overall_over_seeds spelling-python | percent) %. Counting at once with bytes: \
$(overall_over_seeds counting-bytes-direct | percent) %
seeds=${#seeds[@]}
tokens_direct=$direct $direct_half
bytes_direct=$bytes $bytes_half
tokens_steps=$(overall_over_seeds spelling-steps | mean_interval)
tokens_python=$python $python_half
counting_bytes_direct=$(overall_over_seeds counting-bytes-direct | mean_interval)
END
