#!/usr/bin/env bash
# C7, C13: a base model continues the document; a few steps of fine-tuning make it answer in the protocol.
# Hypothesis: at step 0 no turn is well-formed; after the plain recipe at least 99 % are, and 95 % already within a sixth of its
#   steps: the manner is learned long before anything else could be. Asked "What is 2+2?" the base model goes on writing a page.
# Refuted if fewer than 99 % are well-formed at the end, or 95 % are reached later than that.
# Fixed: base model, recipe, the questions (people who do not exist: every answer is new). Varied: steps of fine-tuning; the seed.
# Well-formed: the turn is text or calls that close, ends with <|im_end|>, and holds no other special token, within 128 tokens (the longest answers of the recipe are stories).
# Noise: 95 % interval of the mean over the seeds. Cost: 3 trainings of 30 s, and shorter ones of 9 s together.
# usage: scripts/lab/c7_protocol.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c7 "$@"

base=$(base_model)
echo "the base model, asked \"What is 2+2?\":"
train_gpt generate --model "$base" --prompt "What is 2+2?" --max-tokens 48 --temperature 0.7 --seed 1 --num-samples 3 --json \
    | document_text " " "\n" | sed 's/^/  What is 2+2? |/' | cut -c 1-200
# Does the base model end what it says where an answer would end? Asked in plain text, it goes on with more of the page.
ask base "$base" --tasks "$world/tasks/nobody-test.jsonl" --template "{prompt}" --stop "<|im_end|>" --max-tokens 64 --limit "$questions"

full=$(scaled 300)
steps=()
for share in 0.01 0.04 0.08 0.16 1; do steps+=("$(awk -v n="$full" -v s="$share" 'BEGIN { n = int(n * s + 0.5); print (n < 1 ? 1 : n) }')"); done
mapfile -t steps < <(printf '%s\n' "${steps[@]}" | sort -nu)
read -r -a data <<< "$(plain_data)"
printf 'steps\tconversations\twell-formed %%\ttokens\n' | lab_table
for n in "${steps[@]}"; do
    for s in "${seeds[@]}"; do
        # the training is as short as it says: its learning rate has come down at the end
        if [ "$n" = "$full" ]; then run=$(plain_assistant "$s"); else run=$(assistant "plain-$n" "$s" "$n" "$base" --data "${data[@]}" --warmup 1); fi
        ask "form-$n-$s" "$run" --tasks "$world/tasks/nobody-test.jsonl" --max-tokens 128 --limit "$questions"
    done
    printf '%s\t%s\t%s\t%s\n' "$n" "$((n * 32))" "$(over_seeds "form-$n" nobody well_formed | percent)" "$(over_seeds "form-$n" nobody tokens | mean)"
done | lab_table
echo "the assistant, after ${steps[0]} steps and in the end:"
for n in "${steps[0]}" "$full"; do
    run=$lab_common/plain-$n-${seeds[0]}
    if [ "$n" = "$full" ]; then run=$(plain_assistant "${seeds[0]}"); fi
    echo "What is 2+2?" | train_gpt chat --model "$run" --temperature 0 --max-tokens 48 2> /dev/null | sed "s/^/  /"
done

end=$(over_seeds "form-$full" nobody well_formed | mean)
quick=none
for n in "${steps[@]}"; do
    if holds "$(over_seeds "form-$n" nobody well_formed | mean) >= 0.95"; then
        quick=$n
        break
    fi
done
verdict=refuted
if [ "$quick" != none ] && holds "$end >= 0.99 && $quick <= $full / 6 + 1"; then verdict=confirmed; fi
lab_verdict "C7, C13" << END
$verdict
well-formed after $full steps: \
$(over_seeds "form-$full" nobody well_formed | percent) %; 95 % are reached within $quick steps; the base model ends \
$(awk -v x="$(figure base nobody well_formed)" 'BEGIN { printf "%.0f", 100 * x }') % of its texts within 64 tokens
seeds=${#seeds[@]}
well_formed=$(over_seeds "form-$full" nobody well_formed | mean_interval)
steps_to_95=$([ "$quick" = none ] && echo null || echo "$quick")
END
