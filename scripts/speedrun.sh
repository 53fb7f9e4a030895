#!/usr/bin/env bash
# From web text to an assistant that practised, on a node of 8 H100s: text, tokenizer, token shards, pretraining, SFT, RL, evaluation.
# usage: scripts/speedrun.sh OUT [--trial] [--dry-run] [--gpus N] [--size NAME] [--tokens BILLIONS] [--price DOLLARS] [source of text] [--chat FILE...] [--tasks FILE...]
#   OUT            directory for everything; the same command goes on where it was interrupted, and does nothing twice
#   --trial        the same chain at toy size on the CPU, on the embedded world: shows in some minutes that every stage runs
#   --dry-run      print the commands and what they should cost; run nothing
#   --gpus N       GPUs of this node (default 8)
#   --size NAME    gpt2 (124M, default), gpt2-medium, gpt2-large, gpt2-xl
#   --tokens B     billions of tokens to train on (default 10)
#   --price D      dollars for a GPU-hour, for the estimate (default 3)
#   --chat FILE..  conversations (JSONL, OpenAI form) for SFT, beside those of the embedded world
#   --tasks FILE.. problems with answers (JSONL; GSM8K's form too) to practise on, beside the world's; each X-train.jsonl or X_train.jsonl
#                  whose X-test or X_test lies beside it is tested on that
# The source of text, one of:
#   --shards DIR   token shards with their tokenizer.json, made before
#   --text PATH..  JSONL with "text" in each line, or plain text; folders are searched. FineWeb comes so: --fetch
#   --warc PATH..  web archives: through dev/data/webtext, the FineWeb pipeline (URLs, main text, language, quality, MinHash, personal data)
#   --fetch CMD    a command that fills the directory that it gets as its argument with such text (a download); it must be able to go on
# Times and costs are calculated, not measured: dev/LOG.md's roofline of GPT-2 124M on an H100 (0.854 GFLOP a token at 53 % of 989 TFLOP/s: 618,000
# tokens/s a GPU) scaled by the FLOPs of other sizes, and for RL one second an update. No GPU has run this script yet; the trial has.
set -euo pipefail
export LC_ALL=C

usage() { sed -n 's/^# \{0,1\}//; 3,20p' "$0"; }
fail() { # WHAT ADVICE
    printf 'error: %s\n       %s\n' "$1" "$2" >&2
    exit "${3:-1}"
}
out="" trial=0 dry=0 gpus=8 size=gpt2 billions=10 price=3 source="" fetch="" paths=() chats=() tasks=()
list="" # the flag whose values are being collected
while [ $# -gt 0 ]; do
    case $1 in
        --trial) trial=1 list="" ;;
        --dry-run) dry=1 list="" ;;
        --gpus | --size | --tokens | --price | --fetch)
            list=""
            [ $# -ge 2 ] || fail "$1: a value is missing" "scripts/speedrun.sh --help" 2
            case $1 in --gpus) gpus=$2 ;; --size) size=$2 ;; --tokens) billions=$2 ;; --price) price=$2 ;; --fetch) fetch=$2 source=fetch ;; esac
            shift ;;
        --shards | --text | --warc) source=${1#--} list=paths ;;
        --chat | --tasks) list=${1#--} ;;
        -h | --help) usage; exit 0 ;;
        -*) fail "unknown flag $1" "scripts/speedrun.sh --help" 2 ;;
        *)
            case $list in
                paths) paths+=("$(realpath -m "$1")") ;;
                chat) chats+=("$(realpath -e "$1")") || fail "--chat $1: no such file" "name existing files" ;;
                tasks) tasks+=("$(realpath -e "$1")") || fail "--tasks $1: no such file" "name existing files" ;;
                *) [ -z "$out" ] || fail "$1: one directory is enough" "scripts/speedrun.sh --help" 2; out=$(realpath -m "$1") ;;
            esac ;;
    esac
    shift
done
[ -n "$out" ] || { usage >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${TRAIN_GPT:-./train_gpt}

# Sizes. GFLOP a token: 6 for each matrix weight and 12 L C T for attention, T = 1,024.
case $size in
    gpt2) gflop=0.854 sft_lr=6e-5 ;;
    gpt2-medium) gflop=2.43 sft_lr=4e-5 ;;
    gpt2-large) gflop=5.2 sft_lr=3e-5 ;;
    gpt2-xl) gflop=10.3 sft_lr=2e-5 ;;
    *) fail "--size $size: unknown" "expected gpt2, gpt2-medium, gpt2-large or gpt2-xl" 2 ;;
esac
case $gpus in '' | *[!0-9]* | 0*) fail "--gpus $gpus: expected a whole number, at least 1" "leave it away for 8" 2 ;; esac
awk -v b="$billions" -v p="$price" 'BEGIN { exit !(b + 0 > 0 && p + 0 >= 0) }' || fail "--tokens $billions --price $price: expected numbers" "--tokens 10 --price 3" 2
if [ "$trial" = 1 ]; then
    gpus=1 vocabulary=512 source=${source:-world} world=(--megabytes 0.5 --people 30 --places 8 --known 5 --conversations 200 --tasks 80 --hardest 2 --numbers 5)
    # a flag of pretraining replaces pretrain_node.sh's
    pretrain=(--gpus 1) model=(--layers 2 --heads 2 --channels 32 --seq-len 128 --batch-size 8 --total-batch-tokens 1024 --steps 40 --lr 3e-3 --device cpu --dtype fp32 --eval-every 20 --checkpoint-every 20)
    pretrain_steps=40 sft_steps=20 rl_steps=6 sft=(--lr 2e-3 --examples 16 --device cpu) rl=(--prompts 4 --group 4 --max-tokens 24 --lr 1e-4 --rows 16 --device cpu --tools on) ask=(--limit 20 --max-tokens 24 --device cpu)
else
    vocabulary=32768 world=(--megabytes 100 --conversations 20000 --tasks 20000)
    total=524288 # pretrain_node.sh rounds it up to whole micro-batches: exact for 8 GPUs with 64 rows of 1,024
    pretrain_steps=$(awk -v b="$billions" -v t="$total" 'BEGIN { print int(b * 1e9 / t) }')
    pretrain=(--gpus "$gpus") model=(--size "$size" --steps "$pretrain_steps" --autotune)
    sft_steps=1500 rl_steps=400
    sft=(--lr "$sft_lr" --examples 256 --batch-size 32 --device cuda --dtype bf16 --gpus "$gpus")
    rl=(--prompts 64 --group 16 --max-tokens 256 --rows 256 --lr 3e-6 --device cuda --dtype bf16 --gpus "$gpus" --resample 2 --tools on) ask=(--limit 500 --max-tokens 256 --device cuda --rows 256)
fi
[ -n "$source" ] || fail "no source of text: --shards, --text, --warc or --fetch is missing" "scripts/speedrun.sh OUT --trial runs on the embedded world" 2
[ "$source" = fetch ] || [ "$source" = world ] || [ "${#paths[@]}" -gt 0 ] || fail "--$source: a path is missing" "scripts/speedrun.sh --help" 2

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
# Each command is printed as it could be typed; its console goes to OUT/NAME.log.
run() { # NAME COMMAND...
    local name=$1
    shift
    printf '   %s\n' "$(printf '%q ' "$@")"
    [ "$dry" = 0 ] || return 0
    mkdir -p "$out"
    "$@" >> "$out/$name.log" 2>&1 || { tail -n 5 "$out/$name.log" >&2; fail "the stage $name failed or was interrupted (see $out/$name.log)" "the same command goes on from there"; }
}
has() { [ -d "$1/$(printf 'step-%06d' "$2")" ]; } # RUN STEPS
finished() { [ "$dry" = 1 ] || has "$1" "$2" || fail "$1 was interrupted" "the same command goes on from there"; }
hours() { awk -v s="$1" -v g="$gpus" -v p="$price" 'BEGIN { printf "%.1f h, $%.0f", s / 3600, s / 3600 * g * p }'; } # SECONDS

estimate() {
    local speed train sft_s rl_s
    speed=$(awk -v g="$gpus" -v f="$gflop" 'BEGIN { print g * 618000 * 0.854 / f }')
    train=$(awk -v t="$speed" -v n="$pretrain_steps" 'BEGIN { print n * 524288 / t }')
    sft_s=$(awk -v t="$speed" -v n="$sft_steps" 'BEGIN { print 60 + n * 256 * 200 / (t / 3) }') # rows are short and few: a third of the speed
    rl_s=$((rl_steps + 120))
    say "What it should take on $gpus H100s at \$$price an hour each: calculated, not measured (see the head of this script)"
    printf '   pretraining   %s steps of 524,288 tokens at %.2f million tokens/s: %s\n' "$pretrain_steps" "$(awk -v t="$speed" 'BEGIN { print t / 1e6 }')" "$(hours "$train")"
    printf '   SFT           %s steps of 256 conversations: %s\n' "$sft_steps" "$(hours "$sft_s")"
    printf '   RL            %s updates of 64 problems x 16 answers: %s\n' "$rl_steps" "$(hours "$rl_s")"
    printf '   together      %s; the text before (tokens at 50 to 140 MB/s a thread, disk: 2 bytes a token) is the work of the processor\n' "$(hours "$(awk -v a="$train" -v b="$sft_s" -v c="$rl_s" 'BEGIN { print a + b + c }')")"
}
[ "$trial" = 1 ] || estimate
[ "$dry" = 1 ] || [ -x "$program" ] || make

# What each stage makes
world_dir=$out/world text=() shards=$out/shards tokenizer=$out/tokenizer.json base=$out/base assistant=$out/sft practised=$out/rl

say "The embedded world: conversations and problems (and, in the trial, the text)"
if [ -s "$world_dir/tasks/word-problems-test.jsonl" ]; then echo "   there already"; else run world "$program" world --out "$world_dir" --seed 1 "${world[@]}"; fi

# Problems to practise on, and to be asked at the end
train_tasks=("$world_dir/tasks/word-problems-train.jsonl" "$world_dir/tasks/arithmetic-train.jsonl") test_tasks=("$world_dir/tasks/word-problems-test.jsonl" "$world_dir/tasks/arithmetic-test.jsonl")
for file in ${tasks[@]+"${tasks[@]}"}; do
    train_tasks+=("$file")
    for test in "${file/-train/-test}" "${file/_train/_test}"; do
        if [ "$test" != "$file" ] && [ -s "$test" ]; then test_tasks+=("$test"); fi
    done
done

say "Text"
web_text() { # archives -> text, by the stages of FineWeb; each writes OUT/web/STAGE/kept
    local web=$out/web data=dev/data/webtext last
    run warc "$data" warc --input "${paths[@]}" --output "$web/warc"
    last=warc
    for stage in url extract language quality; do
        run "$stage" "$data" "$stage" --input "$web/$last/kept" --output "$web/$stage"
        last=$stage
    done
    run dedup "$data" dedup signature --input "$web/quality/kept" --output "$web/signatures"
    run dedup "$data" dedup buckets --signatures "$web/signatures" --output "$web/pairs"
    run dedup "$data" dedup cluster --pairs "$web/pairs" --output "$web/remove"
    run dedup "$data" dedup filter --input "$web/quality/kept" --remove "$web/remove" --output "$web/dedup"
    run decontaminate "$data" decontaminate --input "$web/dedup/kept" --eval "${test_tasks[@]}" --output "$web/decontaminate"
    run pii "$data" pii --input "$web/decontaminate/kept" --output "$web/pii"
    [ "$dry" = 1 ] || touch "$web/done"
}
case $source in
    world) text=("$world_dir/train.jsonl") ;;
    shards) shards=${paths[0]} tokenizer=${paths[0]}/tokenizer.json; [ "$dry" = 1 ] || [ -s "$shards/index.json" ] || fail "--shards $shards: no token shards (index.json) in it" "make them with: train_gpt tokenize" ;;
    text) text=("${paths[@]}") ;;
    warc)
        [ "$dry" = 1 ] || [ -x dev/data/webtext ] || make data
        if [ -e "$out/web/done" ]; then echo "   there already"; else web_text; fi
        text=("$out/web/pii/kept") ;;
    fetch)
        text=("$out/text")
        if [ -e "$out/text.done" ]; then echo "   there already"; else
            run fetch bash -c "mkdir -p \"\$1\" && $fetch \"\$1\" && touch \"\$1.done\"" fetch "$out/text"
        fi ;;
esac
if [ "$source" != shards ]; then
    echo "   from ${text[*]}"
    say "Tokenizer: $vocabulary symbols"
    if [ -s "$tokenizer" ]; then echo "   there already"; else run tokenizer "$program" tokenizer train --input "${text[@]}" --vocab-size "$vocabulary" --pattern cl100k --out "$tokenizer"; fi
    say "Token shards"
    if [ -s "$shards/index.json" ]; then echo "   there already"; else run tokenize "$program" tokenize --tokenizer "$tokenizer" --input "${text[@]}" --val-fraction 0.005 --out "$shards"; fi
fi

say "Pretraining"
if has "$base" "$pretrain_steps"; then echo "   there already"; else
    run base scripts/pretrain_node.sh "${pretrain[@]}" "$shards" "$base" "${model[@]}"
    finished "$base" "$pretrain_steps"
fi

say "SFT: conversations and worked problems"
chat=$world_dir/chat data=()
for set in problems-steps problems-python arithmetic-steps counting-python spelling-python smalltalk writing rewriting refusals; do data+=("$chat/$set-train.jsonl"); done
if has "$assistant" "$sft_steps"; then echo "   there already"; else
    run sft "$program" sft --init "$base" --data "${data[@]}" ${chats[@]+"${chats[@]}"} --out "$assistant" --steps "$sft_steps" --identity Pelican --maker "eight GPUs" \
        --eval-every "$((sft_steps / 4))" --checkpoint-every "$((sft_steps / 2))" --resume "${sft[@]}"
    finished "$assistant" "$sft_steps"
fi

say "RL: problems with checked answers"
if has "$practised" "$rl_steps"; then echo "   there already"; else
    run rl "$program" rl --init "$assistant" --tasks "${train_tasks[@]}" --dev "$world_dir/tasks/word-problems-dev.jsonl" --out "$practised" --steps "$rl_steps" \
        --eval-every "$((rl_steps / 2))" --checkpoint-every "$((rl_steps / 2))" --resume "${rl[@]}"
    finished "$practised" "$rl_steps"
fi

say "Evaluation on problems that no stage has seen"
for model in base sft rl; do
    way=(--tools on) # the assistants were shown how to call them
    [ "$model" != base ] || way=(--template '{prompt}')
    [ -s "$out/eval-$model.json" ] || run "eval-$model" "$program" eval --model "$out/$model" --tasks "${test_tasks[@]}" --out "$out/eval-$model.json" "${ask[@]}" "${way[@]}"
done
[ "$dry" = 0 ] || exit 0
metric() { sed -n "s/.*\"$2\":\([-0-9.e]*\).*/\1/p" "$out/$1/metrics.jsonl"; } # RUN KEY
{
    printf 'stage\tloss or reward: before\tafter\tright %%, task by task\n'
    for model in base sft rl; do
        case $model in rl) key=reward ;; *) key=loss ;; esac
        printf '%s\t%.3f\t%.3f\t%s\n' "$model" "$(metric "$model" "$key" | head -n 1)" "$(metric "$model" "$key" | tail -n 1)" \
            "$(awk '/^ "/ { name = $1; gsub(/[":]/, "", name) } /^  "accuracy": / { sub(/,$/, ""); printf "%s %.1f  ", name, 100 * $2 }' "$out/eval-$model.json")"
    done
} > "$out/table.tsv"
say "The table"
expand -t 26 "$out/table.tsv"
echo "Talk to it:  $program chat --model $practised"
