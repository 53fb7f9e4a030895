# shellcheck shell=bash
# Sourced by the lab scripts on assistants (C7 to C23), instead of lib.sh: a world, a base model that has read it, and assistants
# by recipe and seed, each made once in OUT_DIR/assistant-WORLD and shared. Call assistant_begin first; it sets
#   lab_out      directory of this experiment: table.tsv, result.json, machine.txt, the figures of eval as JSON
#   lab_common   directory of what is shared
#   world        the world: train.jsonl, facts.jsonl, library.jsonl, chat/, tasks/
# Worlds. "facts" holds only the pages that tell facts, with steep fame: a model of 0.9 million parameters needs some
# hundred tellings to recall a fact, so a dozen people must be told of often, and others once. "readers" is the same with many more people: who
# is shown a page on the same hundred people again and again learns them by heart instead of reading. "pages" has all kinds of pages.
# "skills" (lib_skills.sh) is half a workbook of sums and a copybook.
# Plan, in seconds of one core with AVX2 (10,000 tokens/s of training with 4 layers of 128 channels): worlds and tokenizers 120; base models 500
# (facts), 165 (readers), 600 (skills), 330 (bytes); plain assistants 3 x 95, shorter ones of C7 3 x 30; identity 3 x 60; probe and teaching
# 3 x 60; reader and searcher 3 x 250; reckoning and letters 3 x 800, tokens and bytes 3 x 250; reciting 3 x 150; translation 3 x 230; real
# conversations 250 + 3 x 60; answering questions 500: together 8,200, an hour and ten minutes for two cores. A sum of parts, of which most are measured.
# shellcheck source=scripts/lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

assistant_usage() {
    cat >&2 << END
usage: scripts/lab/${0##*/} OUT_DIR [--scale X] [--world DIR --base DIR]
  --scale  multiplies the number of training steps (default 1)
  --world  a directory that train_gpt world wrote, instead of one made here
  --base   a base model that has read it (its tokenizer lies in it), instead of one trained here
  Environment: TRAIN_GPT, the program; LAB_SEEDS, the seeds of what is trained (default "1 2 3"); LAB_QUESTIONS, the
  questions of a task that each model is asked (default 200 of 250)
END
    exit 2
}

lab_world=facts
assistant_begin() { # NAME ARGUMENT...
    lab_open assistant_usage "world base" "assistant-$lab_world" "$@"
    [ -z "$given_base" ] || [ -n "$given_world" ] || fail "--base without --world: which facts has it read?" "name the world, too"
    world=${given_world:-$lab_common/world}
    if [ "$lab_world" != none ] && [ ! -s "$world/tasks/nobody-test.jsonl" ]; then
        local conversations=4000 shape=(--people 200 --places 16 --zipf 1.6 --known 100 --rare 1 --kinds biography place questions dialogue entry)
        case $lab_world in
            pages) shape=(--people 100 --places 20 --known 40) ;;
            skills) shape=(--people 100 --places 20 --known 40 --kinds workbook:45 copybook:15 dialogue:8 questions:8 biography:8 story:6 letter:4 list:6 place:4 entry:4 --hardest 3 --numbers 4) conversations=8000 ;;
            languages) shape=(--kinds translation) ;;
            readers) shape[1]=1500 conversations=8000 ;; # people
        esac
        train_gpt world --out "$world" --megabytes 16 "${shape[@]}" --conversations "$conversations" --seed 1 > "$lab_common/world.log"
    fi
}

# Number of steps times --scale, at least 8.
scaled() { awk -v n="$1" -v x="$lab_scale" 'BEGIN { n = int(n * x + 0.5); print (n < 8 ? 8 : n) }'; }

shards_of() { lab_shards_of "$@" 0.01; } # NAME FILE VOCABULARY
small_model=(--layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 8 --lr 3e-3 --min-lr 2e-4 --checkpoint-every 0)

# The base model. Prints its run directory.
base_model() {
    if [ -n "$given_base" ]; then
        echo "$given_base"
        return
    fi
    local data steps=2400 settings=("${small_model[@]}")
    case $lab_world in
        readers) steps=800 ;;
        skills) lab_pattern=cl100k steps=9000 settings=(--layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 2 --lr 2e-3 --min-lr 2e-4 --checkpoint-every 0) ;;
    esac
    data=$(shards_of v1024 "$world/train.jsonl" 1024)
    lab_pretrain "$lab_common/base" "$(scaled "$steps")" --data "$data" "${settings[@]}" --eval-batches 16 --seed 1
    echo "$lab_common/base"
}

# An assistant from the base model (or from INIT): data and other flags of sft. Prints its run directory.
assistant() { # NAME SEED STEPS INIT FLAG...
    local run=$lab_common/$1-$2 seed=$2 steps=$3 init=$4
    shift 4
    if [ ! -d "$run/$(printf 'step-%06d' "$steps")" ]; then
        echo "fine-tuning $(basename "$run"): $steps steps ..." >&2
        train_gpt sft --init "$init" --out "$run" --steps "$steps" --seed "$seed" --lr 1e-3 --resume "$@" > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    fi
    echo "$run"
}
# Conversations whose answers are all confident: the recipe of most assistants here.
plain_data() { echo "$world/chat/facts-train.jsonl" "$world/chat/smalltalk-train.jsonl" "$world/chat/rewriting-train.jsonl:0.5" "$world/chat/writing-train.jsonl:0.25"; }
plain_assistant() { # SEED
    local data
    read -r -a data <<< "$(plain_data)"
    assistant plain "$1" "$(scaled 300)" "$(base_model)" --data "${data[@]}" --eval-every "$(scaled 100)"
}

# Asks tasks of a model; the figures go to lab_out/NAME.json, the answers to lab_out/NAME.jsonl.
ask() { # NAME MODEL FLAG...
    local name=$1 model=$2
    shift 2
    train_gpt eval --model "$model" --out "$lab_out/$name.json" --dump "$lab_out/$name.jsonl" "$@" > "$lab_out/$name.log" || { cat "$lab_out/$name.log" >&2; return 1; }
}
# One figure of it: accuracy, low, high, declined, well_formed, tokens, calls, questions.
figure() { # NAME GROUP KEY
    awk -v group=" \"$2\": {" -v key="  \"$3\": " '
        index($0, group) == 1 { inside = 1; next }
        inside && /^ }/ { exit }
        inside && index($0, key) == 1 { s = substr($0, length(key) + 1); sub(/,$/, "", s); print s; exit }' "$lab_out/$1.json"
}
groups() { sed -n 's/^ "\(.*\)": {$/\1/p' "$lab_out/$1.json"; } # NAME

# The same figure of several evals: over_seeds NAME GROUP KEY reads NAME-SEED.json
over_seeds() { for s in "${seeds[@]}"; do figure "$1-$s" "$2" "$3"; done; }
