# shellcheck shell=bash disable=SC2154
# Sourced by speedrun_cpu.sh and by the lab on practice (lab/lib_rl.sh): one way from nothing to a small model that reckons, in
# stages. Each stage takes the directory in which everything lies, does nothing where its result is there, and goes on where it was
# interrupted. A caller sets
#   recipe_dir    where everything lies
#   recipe_scale  multiplies the steps of training (1; a trial takes 0.02)
#   recipe_seed   of all stages (1)
# Why these numbers (LOG 2026-11-22): a model of this size copies the operands of a sum only once it has seen many, so half of the
# pages it reads are a workbook, and numbers are single symbols, the same after "$" and after a space (the pattern cl100k).
# The workbook tells the facts that these problems need, no others: a fact is known after some hundred tellings.
recipe_vocabulary=1024
recipe_model=(--layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 8 --lr 3e-3 --min-lr 3e-4)
recipe_pages=(workbook:50 dialogue:8 questions:8 biography:8 story:6 letter:4 list:6 place:4 entry:4)
recipe_base_steps=3500 recipe_sft_steps=1200 recipe_rl_steps=250
recipe_noise=0.33 # so many of the worked problems that SFT shows are wrong, or jump to a wrong result
recipe_hardest=2  # operations that a problem needs, at most
recipe_numbers=5  # counts and prices up to this, sums with up to twice this

# Everything is asked of ./train_gpt, or of what the environment's TRAIN_GPT names.
recipe_program() { "${TRAIN_GPT:-./train_gpt}" "$@"; }
recipe_steps() { awk -v n="$1" -v x="$recipe_scale" 'BEGIN { n = int(n * x + 0.5); print (n < 4 ? 4 : n) }'; } # STEPS -> times the scale
recipe_has() { [ -d "$1/$(printf 'step-%06d' "$2")" ]; }                                                       # RUN STEPS: is it done?
# A stage's console goes to FILE; its last lines are shown where it fails.
recipe_log() { # FILE COMMAND...
    local file=$1
    shift
    "$@" >> "$file" 2>&1 || { tail -n 5 "$file" >&2; return 1; }
}
recipe_finished() { # RUN STEPS
    recipe_has "$1" "$2" || { echo "error: $1 was interrupted; the same command goes on from there" >&2; return 1; }
}

recipe_world() {
    [ -s "$recipe_dir/world/tasks/word-problems-test.jsonl" ] && return
    recipe_log "$recipe_dir/world.log" recipe_program world --out "$recipe_dir/world" --seed "$recipe_seed" --megabytes 10 --people 100 --places 20 \
        --kinds "${recipe_pages[@]}" --conversations 8000 --tasks 4000 --hardest "$recipe_hardest" --numbers "$recipe_numbers" --noise "$recipe_noise"
}
recipe_tokens() {
    [ -s "$recipe_dir/data/index.json" ] && return
    [ -s "$recipe_dir/tokenizer.json" ] || recipe_log "$recipe_dir/tokenizer.log" recipe_program tokenizer train --input "$recipe_dir/world/train.jsonl" \
        --vocab-size "$recipe_vocabulary" --pattern cl100k --out "$recipe_dir/tokenizer.json"
    recipe_log "$recipe_dir/tokenize.log" recipe_program tokenize --tokenizer "$recipe_dir/tokenizer.json" --input "$recipe_dir/world/train.jsonl" \
        --val-fraction 0.01 --out "$recipe_dir/data"
}
recipe_base() {
    local steps
    steps=$(recipe_steps "$recipe_base_steps")
    recipe_has "$recipe_dir/base" "$steps" && return
    recipe_log "$recipe_dir/base.log" recipe_program pretrain --data "$recipe_dir/data" --out "$recipe_dir/base" --steps "$steps" "${recipe_model[@]}" \
        --eval-every "$(((steps + 7) / 8))" --eval-batches 16 --checkpoint-every "$(((steps + 3) / 4))" --keep 1 --seed "$recipe_seed" --resume
    recipe_finished "$recipe_dir/base" "$steps"
}
# Worked problems, a third of them wrong on purpose; some talk and some facts, so that there is somebody to talk to.
recipe_sft_data() {
    local chat=$recipe_dir/world/chat
    echo "$chat/problems-steps-train.jsonl" "$chat/smalltalk-train.jsonl:0.1" "$chat/facts-train.jsonl:0.1"
}
recipe_sft() {
    local steps data
    steps=$(recipe_steps "$recipe_sft_steps")
    recipe_has "$recipe_dir/sft" "$steps" && return
    read -r -a data <<< "$(recipe_sft_data)"
    recipe_log "$recipe_dir/sft.log" recipe_program sft --init "$recipe_dir/base" --data "${data[@]}" --val "$recipe_dir/world/chat/problems-steps-val.jsonl" \
        --identity Pelican --maker "two CPU cores" --out "$recipe_dir/sft" --steps "$steps" --examples 32 --lr 2e-3 --eval-every "$(((steps + 3) / 4))" \
        --checkpoint-every "$(((steps + 3) / 4))" --keep 1 --seed "$recipe_seed" --resume
    recipe_finished "$recipe_dir/sft" "$steps"
}
# A learning rate above the one at which SFT ended heats the model up again: 3e-4, constant, lowered the accuracy of the likeliest answer (LOG 2026-11-22).
recipe_practice=(--objective dr_grpo --prompts 16 --group 8 --max-tokens 64 --rows 128 --lr 1.5e-4 --schedule cosine --min-lr 1e-5)
recipe_rl() {
    local steps
    steps=$(recipe_steps "$recipe_rl_steps")
    recipe_has "$recipe_dir/rl" "$steps" && return
    recipe_log "$recipe_dir/rl.log" recipe_program rl --init "$recipe_dir/sft" --tasks "$recipe_dir/world/tasks/word-problems-train.jsonl" \
        --dev "$recipe_dir/world/tasks/word-problems-dev.jsonl" --eval-every "$(((steps + 7) / 8))" "${recipe_practice[@]}" --out "$recipe_dir/rl" \
        --steps "$steps" --checkpoint-every "$(((steps + 3) / 4))" --keep 1 --seed "$recipe_seed" --resume
    recipe_finished "$recipe_dir/rl" "$steps"
}

# Asks problems of a split that training has not seen: sampled (four answers to each, temperature 1) and greedy. Leaves
# recipe_dir/eval-NAME.json and eval-NAME-greedy.json. A base model knows no conversations: it continues the question.
recipe_ask() { # NAME SPLIT QUESTIONS FLAG...
    local name=$1 tasks=$recipe_dir/world/tasks/word-problems-$2.jsonl questions=$3 way
    shift 3
    for way in "" -greedy; do
        [ ! -s "$recipe_dir/eval-$name$way.json" ] || continue
        local sampling=(--samples 4 --temperature 1)
        [ -z "$way" ] || sampling=()
        recipe_log "$recipe_dir/eval-$name.log" recipe_program eval --tasks "$tasks" --limit "$questions" --max-tokens 64 --rows 128 \
            ${sampling[@]+"${sampling[@]}"} --out "$recipe_dir/eval-$name$way.json" "$@"
    done
}
# A figure of such a file: accuracy, low, high, well_formed, tokens
recipe_figure() { sed -n "s/^  \"$2\": \([-0-9.e]*\),*$/\1/p" "$1" | head -n 1; } # FILE KEY
