# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by C30 and C31 after lib_assistant.sh: the jokes of world_jokes.hpp, whose worth is a hidden rule, and what learns from them:
#   a base model that has read 12,000 of them, an assistant that tells them as good as they happen to be, reward models of 1,000 rankings.
# Everything by recipe and seed, made once in OUT_DIR/assistant-jokes and shared.
lab_world=none
joke_model=(--layers 3 --heads 4 --channels 96 --seq-len 96 --batch-size 24 --lr 4e-3 --min-lr 2e-4 --checkpoint-every 0)

jokes_begin() { # NAME ARGUMENT...
    assistant_begin "$@"
    [ -z "$given_world$given_base" ] || fail "--world and --base: the jokes bring their own" "leave them away"
    lab_common=${lab_common%-none}-jokes
    mkdir -p "$lab_common"
    world=$lab_common/world
    [ -s "$world/rankings/jokes-test.jsonl" ] || train_gpt world --out "$world" --megabytes 0.5 --people 20 --places 5 --conversations 12000 --tasks 1000 --seed 1 > "$lab_common/world.log"
    # a second set of rankings, by the same people: for a referee that the policy is not trained against
    [ -s "$lab_common/other/rankings/jokes-test.jsonl" ] || train_gpt world --out "$lab_common/other" --megabytes 0.5 --people 20 --places 5 --conversations 0 --tasks 1000 --seed 2 > "$lab_common/other.log"
    if [ ! -s "$lab_common/jokes.txt" ]; then # a book of jokes: what was asked, and the joke, with an empty line behind it
        sed 's/^{"messages": \[{"role": "user", "content": "\([^"]*\)"}, {"role": "assistant", "content": "\([^"]*\)"}.*/\1\n\2\n/; s/\\n/\n/g' \
            "$world/chat/jokes-train.jsonl" > "$lab_common/jokes.txt.new"
        mv "$lab_common/jokes.txt.new" "$lab_common/jokes.txt"
    fi
}
joke_base() {
    local data
    data=$(shards_of v768 "$lab_common/jokes.txt" 768)
    lab_pretrain "$lab_common/base" "$(scaled 1500)" --data "$data" "${joke_model[@]}" --eval-batches 16 --seed 1
    echo "$lab_common/base"
}
teller() { assistant teller "$1" "$(scaled 200)" "$(joke_base)" --data "$world/chat/jokes-train.jsonl" --eval-every "$(scaled 100)"; } # SEED
# A reward model from the rankings of a world: the judge, or the referee that saw other rankings. Prints its run directory.
judge_of() { # NAME SEED RANKINGS
    local run=$lab_common/$1-$2 steps
    steps=$(scaled 125) # once through 1,000 rankings: a second and a third time gained nothing (79 %, LOG 2026-11-22)
    if [ ! -d "$run/$(printf 'step-%06d' "$steps")" ]; then
        echo "learning to judge: $(basename "$run"), $steps steps ..." >&2
        train_gpt reward --init "$(teller "$2")" --rankings "$3" --dev "$world/rankings/jokes-dev.jsonl" --out "$run" --steps "$steps" --examples 8 \
            --lr 1e-3 --seed "$2" --eval-every "$(scaled 25)" --resume > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    fi
    echo "$run"
}
judge() { judge_of judge "$1" "$world/rankings/jokes-train.jsonl"; }               # SEED
referee() { judge_of referee "$1" "$lab_common/other/rankings/jokes-train.jsonl"; } # SEED
# The value of a key in each line of JSONL on standard input.
values_of() { sed -n "s/.*\"$1\": *\([-0-9.e]*\).*/\1/p"; } # KEY
