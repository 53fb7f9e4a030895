#!/usr/bin/env bash
# C33: what each precision costs, and whether a small model learns more from a larger one than alone.
# Hypotheses: (1) weights in bf16 and in int8 (a scale for each output channel) raise the loss on held-out text by less than 1 %, and a model
#   of 124M parameters writes at least 1.5 times as fast with bf16 as with fp32, and faster still with int8. (2) A small model that reads what a larger
#   one wrote (sequence-level distillation: Kim and Rush 2016, with samples at temperature 1 instead of a beam's best) has a lower loss on held-out
#   text of people's world than the same model that reads as much of the original.
# Refuted if one of them fails; the verdict's text says which.
# Fixed: teacher (the base model of C19 to C23: 4 layers, 128 channels), student (2 layers, 64 channels), steps, bytes of text, 48 held-out texts of
#   at most 60 words. Varied: storage of the weights; text of the student; seed of the student.
# The loss is that of `score`, in nats a token after the first. Speeds are those of `bench generate`: weights that no cache holds, one row.
# Noise: 95 % interval of the mean over the seeds; differences of storage are taken on the same model and texts.
# Cost on two quiet cores: base model 120 s (shared), samples 60 s, students 6 x 15 s, scores 60 s, speeds 60 s.
# usage: scripts/lab/c33_precision.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
lab_world=skills
assistant_begin c33 "$@"

teacher=$(base_model)
tokenizer=$(find "$teacher" -name tokenizer.json | sort | tail -n 1)
steps=$(scaled 400)
texts=$lab_out/held.lines
document_text " " "\n" < "$world/val.jsonl" | awk 'NF >= 20 && n < 48 { s = $1; for (i = 2; i <= NF && i <= 60; i++) s = s " " $i; print s; n++ }' > "$texts"

# ---- the students' texts: what the teacher writes, and as many bytes of what it read

samples=$lab_common/c33-samples-$steps.jsonl
if [ ! -s "$samples" ]; then
    # a sample has about 150 tokens; two passes over them are the training
    calls=$(awk -v n="$steps" 'BEGIN { n = int(n * 2048 / 2 / 150 / 128 + 1); print n }')
    echo "the teacher writes $((128 * calls)) texts ..." >&2
    for call in $(seq "$calls"); do
        train_gpt generate --model "$teacher" --num-samples 128 --max-tokens 250 --seed "$call" --json
    done > "$samples.new"
    mv "$samples.new" "$samples"
fi
original=$lab_common/c33-original-$steps.jsonl
awk -v bytes="$(document_text " " "\n" < "$samples" | wc -c)" '{ print; size += length($0) - 12; if (size > bytes) exit }' "$world/train.jsonl" > "$original"
shards() { # NAME FILE: with the teacher's vocabulary
    local dir=$lab_common/c33-$1-$steps
    [ -s "$dir/index.json" ] || train_gpt tokenize --tokenizer "$tokenizer" --input "$2" --val-fraction 0.02 --out "$dir" > "$dir.log" 2>&1
    echo "$dir"
}
student() { # KIND FILE SEED
    local run=$lab_common/c33-$1-$steps-$3
    lab_pretrain "$run" "$steps" --data "$(shards "$1" "$2")" --layers 2 --heads 2 --channels 64 --seq-len 256 --batch-size 8 --lr 4e-3 --min-lr 3e-4 \
        --checkpoint-every 0 --eval-batches 4 --seed "$3"
    echo "$run"
}

# ---- losses

loss() { # MODEL STORAGE: mean over the tokens of the held-out texts
    while IFS= read -r line; do train_gpt score --model "$1" --dtype fp32 --weights "$2" --text "$line"; done < "$texts" |
        awk '{ sub(/.*"logprobs":\[null,?/, ""); sub(/\].*/, ""); n = split($0, x, ","); for (i = 1; i <= n; i++) { sum -= x[i]; count++ } } END { printf "%.6f\n", sum / count }'
}
for s in "${seeds[@]}"; do
    for kind in alone distilled; do
        file=$original
        if [ "$kind" = distilled ]; then file=$samples; fi
        run=$(student "$kind" "$file" "$s")
        for storage in fp32 bf16 int8; do loss "$run" "$storage" > "$lab_out/$kind-$storage-$s"; done
    done
done
for storage in fp32 bf16 int8; do loss "$teacher" "$storage" > "$lab_out/teacher-$storage-1"; done
losses() { cat "$lab_out/$1-$2"-*; } # KIND STORAGE
# relative to fp32, in percent: mean over all models, students and teacher
cost() { # STORAGE
    for f in "$lab_out"/{alone,distilled,teacher}-"$1"-*; do paste "$f" "${f/-$1-/-fp32-}"; done | awk '{ print 100 * ($1 / $2 - 1) }' | mean
}

# ---- speeds

train_gpt bench generate --layers 12 --heads 12 --channels 768 --vocab-size 50257 --dtype fp32 --json "$lab_out/speed.json" > "$lab_out/speed.log"
speed() { # STORAGE: tokens a second of one row
    awk -v storage="\"$1\"" '/"weights":/ { mine = index($0, storage) } mine && /"rows": 1,/ { one = 1 } mine && one && /"tokens_per_s":/ { gsub(/[^0-9.]/, "", $2); print $2; exit }' "$lab_out/speed.json"
}

printf 'weights\tteacher\talone\tdistilled\tloss, %%\ttokens/s, 124M\n' | lab_table
for storage in fp32 bf16 int8; do
    printf '%s\t%.4f\t%s\t%s\t%+.3f\t%.1f\n' "$storage" "$(losses teacher "$storage")" "$(losses alone "$storage" | mean_interval)" \
        "$(losses distilled "$storage" | mean_interval)" "$(cost "$storage")" "$(speed "$storage")"
done | lab_table

read -r alone alone_half <<< "$(losses alone fp32 | mean_interval)"
read -r distilled distilled_half <<< "$(losses distilled fp32 | mean_interval)"
cheap="fails" learns="fails"
if holds "$(cost bf16) < 1 && $(cost int8) < 1 && $(speed bf16) >= 1.5 * $(speed fp32) && $(speed int8) > $(speed bf16)"; then cheap="holds"; fi
if holds "$distilled + ${distilled_half/-/0} < $alone - ${alone_half/-/0}"; then learns="holds"; fi
verdict=refuted
if [ "$cheap$learns" = holdsholds ]; then verdict=confirmed; fi
lab_verdict C33 << END
$verdict
small weights: $cheap (bf16 $(cost bf16) % more loss, int8 $(cost int8) %; $(speed fp32), $(speed bf16), $(speed int8) tokens/s at 124M); \
learning from a larger model: $learns (loss $distilled +-$distilled_half from its text, $alone +-$alone_half from the original)
seeds=${#seeds[@]}
loss_alone=$alone $alone_half
loss_distilled=$distilled $distilled_half
loss_teacher=$(losses teacher fp32)
bf16_percent=$(cost bf16)
int8_percent=$(cost int8)
tokens_per_s_fp32=$(speed fp32)
tokens_per_s_bf16=$(speed bf16)
tokens_per_s_int8=$(speed int8)
END
