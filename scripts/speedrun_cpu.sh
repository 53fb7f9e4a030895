#!/usr/bin/env bash
# From nothing to a small assistant that solves word problems, on two CPU cores: a world of text, a tokenizer, pretraining,
# supervised fine-tuning (SFT) on worked problems of which a third are wrong, reinforcement learning (RL) with checked answers.
# usage: scripts/speedrun_cpu.sh OUT [--trial] [--seed N]
#   OUT      directory for everything; the same command goes on where it was interrupted, and does nothing twice
#   --trial  a fiftieth of the training: shows in two minutes that all stages run, and little else
#   --seed   of the world and of all stages (default 1)
# Cost: 16 minutes on two quiet cores. It ends with a table (OUT/table.tsv) and leaves a model to chat with. Test problems
# are asked at the end of each stage and are nowhere else: no page, demonstration or exercise holds one of them (world_problems.hpp).
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n 's/^# \{0,1\}//; 4,7p' "$0"; }
out="" recipe_scale=1 recipe_seed=1 questions=400
while [ $# -gt 0 ]; do
    case $1 in
        --trial) recipe_scale=0.02 questions=40; shift ;;
        --seed) recipe_seed=${2-}; shift 2 || { usage >&2; exit 2; } ;;
        -h | --help) usage; exit 0 ;;
        -*) echo "error: unknown flag $1" >&2; usage >&2; exit 2 ;;
        *) [ -z "$out" ] || { usage >&2; exit 2; }; out=$1; shift ;;
    esac
done
[ -n "$out" ] || { usage >&2; exit 2; }
case $recipe_seed in '' | *[!0-9]*) echo "error: --seed $recipe_seed: expected a whole number" >&2; exit 2 ;; esac
recipe_dir=$(realpath -m "$out")
mkdir -p "$recipe_dir"
# shellcheck source=scripts/speedrun_recipe.sh
. scripts/speedrun_recipe.sh
settings="scale $recipe_scale seed $recipe_seed $(cksum < scripts/speedrun_recipe.sh)"
if [ -e "$recipe_dir/settings" ] && [ "$(cat "$recipe_dir/settings")" != "$settings" ]; then
    echo "error: $recipe_dir holds a run with other settings (or of an earlier recipe)" >&2
    echo "       choose another directory, or remove this one" >&2
    exit 1
fi
echo "$settings" > "$recipe_dir/settings"
[ -x "${TRAIN_GPT:-./train_gpt}" ] || make
recipe_program info > "$recipe_dir/machine.txt"

# A stage and its seconds, added up over interruptions.
running=""
clock_out() { [ -z "$running" ] || echo "$((SECONDS - begun))" >> "$recipe_dir/$running.seconds"; running=""; }
trap clock_out EXIT
stage() { # NAME SENTENCE FUNCTION ARGUMENT...
    local name=$1
    printf '\n\033[1m== %s\033[0m\n' "$2"
    shift 2
    running=$name begun=$SECONDS
    "$@"
    clock_out
    echo "   $(seconds "$name") s"
}
seconds() { awk '{ s += $1 } END { print s + 0 }' "$recipe_dir/$1.seconds"; }
metric() { sed -n "s/.*\"$2\":\([-0-9.e]*\).*/\1/p" "$recipe_dir/$1/metrics.jsonl"; } # RUN KEY: all values
percent() { recipe_figure "$recipe_dir/eval-$1.json" "$2" | awk '{ printf "%.1f", 100 * $1 }'; }
ask_base() { recipe_ask base test "$questions" --model "$recipe_dir/base" --template '{prompt}'; }
ask_assistant() { recipe_ask "$1" test "$questions" --model "$recipe_dir/$1"; }

stage world "A world of text: people, places, stories, a workbook; conversations; problems with answers" recipe_world
stage tokens "A tokenizer of $recipe_vocabulary symbols; the text becomes token ids" recipe_tokens
stage base "Pretraining: $(recipe_steps "$recipe_base_steps") steps of 2,048 tokens" recipe_base
stage ask-base "The base model continues $questions unseen problems" ask_base
stage sft "SFT: $(recipe_steps "$recipe_sft_steps") steps of 32 conversations; of the worked problems $recipe_noise are wrong" recipe_sft
stage ask-sft "The assistant is asked the same problems" ask_assistant sft
stage rl "RL: $(recipe_steps "$recipe_rl_steps") updates; 16 problems, 8 answers to each, only the final answer is checked" recipe_rl
stage ask-rl "And again" ask_assistant rl
example=$(sed -n '2s/.*"prompt": "\([^"]*\)".*/\1/p' "$recipe_dir/world/tasks/word-problems-test.jsonl")

printf '\n\033[1m== A test problem, after each stage\033[0m\n%s\n' "$example"
printf '  base  %s\n' "$(recipe_program generate --model "$recipe_dir/base" --prompt "$example" --max-tokens 40 --temperature 0.7 --seed 1 | tr '\n' ' ' | cut -c "$((${#example} + 1))-")"
for model in sft rl; do
    printf '  %-4s  %s\n' "$model" "$(echo "$example" | recipe_program chat --model "$recipe_dir/$model" 2> /dev/null | tr '\n' ' ')"
done

total=0
for part in world tokens base ask-base sft ask-sft rl ask-rl; do total=$((total + $(seconds "$part"))); done
{
    printf 'stage\tseconds\tloss or reward: before\tafter\tpass@1 %%\t95 %%\tgreedy %%\tin form %%\n'
    printf 'world, tokens\t%d\t\t\t\t\t\t\n' "$(($(seconds world) + $(seconds tokens)))"
    for model in base sft rl; do
        case $model in rl) key=reward ;; *) key=loss ;; esac
        printf '%s\t%d\t%.3f\t%.3f\t%s\t%s to %s\t%s\t%s\n' "$model" "$(seconds "$model")" "$(metric "$model" "$key" | head -n 1)" \
            "$(metric "$model" "$key" | tail -n 10 | awk '{ s += $1 } END { print s / NR }')" "$(percent "$model" accuracy)" "$(percent "$model" low)" \
            "$(percent "$model" high)" "$(percent "$model-greedy" accuracy)" "$(percent "$model" well_formed)"
    done
    printf 'asking\t%d\t\t\t\t\t\t\nall\t%d\t\t\t\t\t\t\n' "$(($(seconds ask-base) + $(seconds ask-sft) + $(seconds ask-rl)))" "$total"
} > "$recipe_dir/table.tsv"
printf '\n\033[1m== pass@1 on %s word problems that no stage has seen: one answer drawn at temperature 1 (mean of 4); greedy: the likeliest\033[0m\n' "$questions"
expand -t 16 "$recipe_dir/table.tsv" | sed 's/ *$//'
verdict=$(awk -v b="$(percent base accuracy)" -v s="$(percent sft accuracy)" -v r="$(percent rl accuracy)" -v t="$total" 'BEGIN {
    print (b < 2 && s >= 30 && s <= 70 && r >= 90 && t <= 1800 ? "reached" : "missed") }')
echo "the bar (base ~0, after SFT 30 to 70 %, after RL at least 90 %, 30 minutes): $verdict"
cat << END

Talk to it:  ${TRAIN_GPT:-./train_gpt} chat --model $recipe_dir/rl
The curves:  scripts/plot_loss.sh $recipe_dir/base    and $recipe_dir/rl/metrics.jsonl, a JSON object an update
END
