#!/usr/bin/env bash
# C11: it learns in context: from example translations in the prompt it translates a word that it never saw in this language.
# Hypothesis: on forms that no page shows, accuracy rises with the number of examples in the prompt, from at most 40 % without any
#   to at least 90 % with ten.
# Refuted if one of these fails.
# An invented language has its own words for things and its own endings; there are many languages, and only the examples say which one
#   this page is in. So without examples the language can only be guessed.
# Fixed: model (3 layers, 96 channels) trained on pages of translations only. Varied: number of examples (0 to 10), seed of the training.
# Noise: 95 % interval of the mean over the seeds. Cost: 3 trainings of 70 s.
# usage: scripts/lab/c11_few_shot.sh OUT_DIR [--scale X]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
lab_world=languages
assistant_begin c11 "$@"

shards=$(shards_of v512 "$world/train.jsonl" 512)
for s in "${seeds[@]}"; do
    run=$lab_common/base-$s
    lab_pretrain "$run" "$(scaled 1300)" --data "$shards" --layers 3 --heads 3 --channels 96 --seq-len 256 --batch-size 8 --lr 3e-3 --min-lr 2e-4 --seed "$s"
    ask "translation-$s" "$run" --tasks "$world/tasks/translation-test.jsonl" --template '{prompt}' --by examples --limit "$questions" --max-tokens 16
done
printf 'examples\tright %%\n' | lab_table
groups "translation-${seeds[0]}" | sort -n | while read -r n; do printf '%s\t%s\n' "$n" "$(over_seeds translation "$n" accuracy | percent)"; done | lab_table
sed -n '1s/.*"prompt":\("[^"]*"\).*"answer":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1\n  expected \2, got \3/p' "$lab_out/translation-${seeds[0]}.jsonl"
none=$(over_seeds translation 0 accuracy | mean) ten=$(over_seeds translation 10 accuracy | mean)
verdict=refuted
if holds "$none <= 0.4 && $ten >= 0.9"; then verdict=confirmed; fi
lab_verdict C11 << END
$verdict
right in $(over_seeds translation 0 accuracy | percent) % without an example, $(over_seeds translation 1 accuracy | percent) % with one, \
$(over_seeds translation 3 accuracy | percent) % with three, $(over_seeds translation 10 accuracy | percent) % with ten
seeds=${#seeds[@]}
no_example=$(over_seeds translation 0 accuracy | mean_interval)
one_example=$(over_seeds translation 1 accuracy | mean_interval)
ten_examples=$(over_seeds translation 10 accuracy | mean_interval)
END
