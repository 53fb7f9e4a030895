#!/usr/bin/env bash
# C11: it learns in context: from example translations in the prompt it translates a word that it never saw in this language.
# Hypothesis: on forms that no page shows, accuracy rises with the number of examples in the prompt, from at most 10 % without any
#   to at least 60 % with five to ten; that with two or three lies between. (90 % with ten are not reached by so small a model in 1,300 steps.)
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
with() { # EXAMPLES...: the mean accuracy with so many, a line a seed
    local s n
    for s in "${seeds[@]}"; do for n in "$@"; do figure "translation-$s" "$n" accuracy; done | mean; done
}
none=$(with 0 | mean) some=$(with 2 3 | mean) many=$(with 5 6 7 8 9 10 | mean)
verdict=refuted
if holds "$none <= 0.1 && $many >= 0.6 && $none < $some && $some < $many"; then verdict=confirmed; fi
lab_verdict C11 << END
$verdict
right in $(with 0 | percent) % without an example, $(with 1 | percent) % with one, \
$(with 2 3 | percent) % with two or three, $(with 5 6 7 8 9 10 | percent) % with five to ten
seeds=${#seeds[@]}
no_example=$(with 0 | mean_interval)
one_example=$(with 1 | mean_interval)
two_or_three=$(with 2 3 | mean_interval)
five_to_ten=$(with 5 6 7 8 9 10 | mean_interval)
END
