#!/usr/bin/env bash
# C26: imitation tops out at what it is shown, practice does not.
# Hypothesis: (a) fine-tuned on demonstrations of which a third are wrong ("What comes after 47?", some other number), an assistant that
#   answers at temperature 1 is right as often as the demonstrations (67 %), not more than 4 points more however long it trains; practising
#   with checked answers from half way on, it passes the end of imitation by 10 points. (b) Fine-tuned on the moves of an expert at
#   Nim who looks two plies ahead, it wins against this expert at most half of the games; practising all positions with a perfect judge,
#   it wins more than half of the whole games, with its interval over the seeds above 50 %.
# Refuted if one of the four fails. Greedy answers are reported too: where errors are scattered, the likeliest answer is the right one
#   even for an imitator (a vote among its teachers), so greed hides (a).
# Fixed: base model, demonstrations, numbers held out for the test (the game is tested by whole games, on positions that were shown and practised); games from heaps of 21 to 60, both sides
#   begin. Varied: imitation or practice, number of updates, the seed. Noise: 95 % interval of the mean over the seeds.
# Cost: a seed takes 1,200 updates of imitation and 300 of practice in the game, 300 and 100 with numbers: five minutes on two quiet cores.
# usage: scripts/lab/c26_practice.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c26 "$@"

# ---- what is shown, and what is practised

# Numbers 10 to 98, every fifth for the test. demonstrations.jsonl: a third names some other number.
numbers=$lab_out/numbers
mkdir -p "$numbers"
awk -v dir="$numbers" 'BEGIN {
    srand(1)
    for (n = 10; n < 99; n++) {
        share = n % 5 ? "train" : "test"
        printf "{\"prompt\": \"What comes after %d?\", \"answer\": \"%d\", \"task\": \"numbers\"}\n", n, n + 1 > dir "/" share ".jsonl"
    }
    for (i = 0; i < 6000; i++) {
        do n = 10 + int(rand() * 89); while (n % 5 == 0)
        said = n + 1
        if (rand() < 1 / 3) do said = 10 + int(rand() * 90); while (said == n + 1)
        printf "{\"messages\": [{\"role\": \"user\", \"content\": \"What comes after %d?\"}, {\"role\": \"assistant\", \"content\": \"%d.\"}]}\n", n, said > dir "/demonstrations.jsonl"
    }
}'

# The game's positions are the same in every world.
game=$lab_common/game-all
[ -s "$game/tasks/nim-train.jsonl" ] || train_gpt world --out "$game" --megabytes 0.1 --conversations 4000 --tasks 100 --seed 1 > "$game.log"

# An assistant that practises from INIT on. Prints its run directory.
practise() { # NAME SEED STEPS INIT EVERY FLAG...
    local run=$lab_common/$1-$2 seed=$2 steps=$3 init=$4 every=$5
    shift 5
    if [ ! -d "$run/$(printf 'step-%06d' "$steps")" ]; then
        echo "practising $(basename "$run"): $steps steps ..." >&2
        train_gpt rl --init "$init" --out "$run" --steps "$steps" --seed "$seed" --checkpoint-every "$every" --keep 0 --resume "$@" > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    fi
    echo "$run"
}
step_dirs() { find "$1" -maxdepth 1 -name 'step-*' | sort; } # RUN
number_of() { basename "$1" | sed 's/step-0*//'; }           # STEP_DIR
# A point of a curve, as plot_loss.sh reads it: points NAME STEP SHARE
point() { mkdir -p "$lab_out/$1" && printf '{"step": %d, "share": %s}\n' "$2" "$3" >> "$lab_out/$1/metrics.jsonl"; }
numbers_right() { # NAME MODEL FLAG...
    local name=$1 model=$2
    shift 2
    ask "$name" "$model" --tasks "$numbers/test.jsonl" --max-tokens 8 "$@"
    figure "$name" numbers accuracy
}
games_won() { # NAME MODEL FLAG...
    local name=$1 model=$2
    shift 2
    train_gpt eval game --players "player=$model" --out "$lab_out/$name.json" "$@" > "$lab_out/$name.log" || { cat "$lab_out/$name.log" >&2; return 1; }
    report_figure "$lab_out/$name.json" player won
}

rm -rf "$lab_out"/numbers-* "$lab_out"/game-*
printf 'seed\twhat\timitation\tits greed\tpractice\tits greed\n' | lab_table
for s in "${seeds[@]}"; do
    for what in numbers game; do
        if [ "$what" = numbers ]; then
            shown=$numbers/demonstrations.jsonl measure=numbers_right quarter=$(scaled 75) every=$(scaled 25)
            sampled=(--samples 8 --temperature 1) greedy=(--temperature 0)
            practice=(--tasks "$numbers/train.jsonl" --prompts 16 --group 8 --max-tokens 8 --lr 3e-4)
        else
            shown=$game/chat/nim-train.jsonl measure=games_won quarter=$(scaled 300) every=$(scaled 75)
            sampled=(--temperature 1 --games 4) greedy=(--temperature 0 --games 4)
            # without the penalty practice falls for one answer to everything within 40 updates, and stays there
            practice=(--tasks "$game"/tasks/nim-{train,dev,test}.jsonl --prompts 32 --group 8 --max-tokens 4 --lr 3e-4 --kl k2 --kl-coef 0.2)
        fi
        half=$((2 * quarter))
        # imitation goes on to the end; practice begins half way
        long=$(assistant "c26-$what-all" "$s" "$((4 * quarter))" "$(base_model)" --data "$shown" --checkpoint-every "$quarter" --keep 0)
        run=$(practise "c26-$what-all-practice" "$s" "$((4 * every))" "$long/$(printf 'step-%06d' "$half")" "$every" "${practice[@]}")
        for dir in $(step_dirs "$long"); do
            k=$(number_of "$dir")
            share=$($measure "$what-imitation-$s-$k" "$dir" "${sampled[@]}")
            point "$what-imitation-$s" "$k" "$share"
            if [ "$k" = "$half" ]; then point "$what-practice-$s" "$k" "$share"; fi
        done
        imitation=$share
        for dir in $(step_dirs "$run"); do
            k=$(number_of "$dir")
            share=$($measure "$what-practice-$s-$k" "$dir" "${sampled[@]}")
            point "$what-practice-$s" "$((half + k))" "$share"
        done
        printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$s" "$what" "$imitation" "$($measure "$what-greedy-imitation-$s" "$long" "${greedy[@]}")" \
            "$share" "$($measure "$what-greedy-practice-$s" "$run" "${greedy[@]}")"
    done
done | lab_table

for what in numbers game; do
    echo "$what, seed ${seeds[0]}: share of $([ "$what" = numbers ] && echo 'right answers' || echo 'won games') over the updates"
    KEY=share LINES=16 scripts/plot_loss.sh "$lab_out/$what-practice-${seeds[0]}" "$lab_out/$what-imitation-${seeds[0]}"
done

column() { awk -F '\t' -v what="$1" -v column="$2" '$2 == what { print $column }' "$lab_out/table.tsv"; } # WHAT COLUMN
read -r imitation _ <<< "$(column numbers 3 | mean_interval)"
read -r practice _ <<< "$(column numbers 5 | mean_interval)"
read -r imitation_won _ <<< "$(column game 3 | mean_interval)"
read -r won won_half <<< "$(column game 5 | mean_interval)"
perfect=$(sed -n 's/^ "perfect": \([0-9.]*\),$/\1/p' "$lab_out/game-greedy-practice-${seeds[0]}.json")
verdict=refuted
if holds "$imitation <= 0.707 && $practice >= $imitation + 0.1 && $imitation_won <= 0.5 + 0.03 && $won - ${won_half/-/0} > 0.5"; then verdict=confirmed; fi
lab_verdict C26 << END
$verdict
a third of the demonstrations wrong: imitation $(column numbers 3 | percent) % right (greedy $(column numbers 4 | percent) %), practice \
$(column numbers 5 | percent) %; games against the expert: imitation wins $(column game 3 | percent) % (greedy $(column game 4 | percent) %), practice \
$(column game 5 | percent) % (greedy $(column game 6 | percent) %), perfect play would $(echo "$perfect" | percent) %
seeds=${#seeds[@]}
numbers_imitation=$imitation
numbers_practice=$practice
game_imitation=$imitation_won
game_practice=$won
game_perfect=$perfect
END
