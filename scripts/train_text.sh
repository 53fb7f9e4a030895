# shellcheck shell=bash
# Sourced by demo.sh and pretrain_text.sh: from text files to a trained model, with a clear word at each stage.
#
# train_text DIR VOCABULARY MINUTES FLAG... -- FILE...
#   writes DIR/tokenizer.json, DIR/data (token shards) and DIR/run (the model). A stage whose result is there is skipped; a run
#   that was interrupted is resumed with the number of steps it was begun with (DIR/steps). No text is read more than 30 times.

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

fail() { # WHAT ADVICE
    printf 'error: %s\n       %s\n' "$1" "$2" >&2
    exit 1
}

# The "text" of each line of JSONL, unescaped: NEWLINE stands for its line breaks, END follows each document.
document_text() { # NEWLINE END
    awk -v newline="$1" -v end="$2" '{
        at = match($0, /"text": *"/)
        if (!at) next
        s = substr($0, at + RLENGTH)
        while (match(s, /[\\"]/)) {
            printf "%s", substr(s, 1, RSTART - 1)
            if (substr(s, RSTART, 1) == "\"") break
            c = substr(s, RSTART + 1, 1)
            printf "%s", c == "n" ? newline : c == "t" || c == "r" || c == "u" ? " " : c
            s = substr(s, RSTART + (c == "u" ? 6 : 2))
        }
        printf "%s", end
    }'
}

# One line in twenty of a training log, and all that is not a step: samples, validation, checkpoints.
thin_out() {
    trap '' INT # Ctrl-C is for the training alone: it saves, and its last lines still have to come through
    local line
    while IFS= read -r line; do
        case $line in
            "step "*%*" | loss "*)
                local step=${line#step }
                step=${step%%/*}
                step=${step// /}
                [ "$((step % 20))" -ne 0 ] && [ "$step" -ne 1 ] && continue
                ;;
        esac
        printf '%s\n' "$line"
    done
}

# Seconds a step takes: a trial of ten. The median of its later steps, so that a neighbour's noise counts once.
seconds_per_step() { # DATA DIR FLAG...
    local data=$1 trial=$2
    shift 2
    rm -rf "$trial"
    ./train_gpt pretrain --data "$data" --out "$trial" "$@" --steps 10 > "$trial.log" 2>&1 || { cat "$trial.log" >&2; return 1; }
    [ "$(wc -l < "$trial/metrics.jsonl")" -eq 10 ] || { echo "Interrupted." >&2; return 1; }
    sed -n 's/.*"ms":\([0-9.]*\).*/\1/p' "$trial/metrics.jsonl" | tail -n 8 | sort -g | sed -n 4p | awk '{ print $1 / 1000 }'
    rm -rf "$trial" "$trial.log"
}

train_text() {
    local dir=$1 vocabulary=$2 minutes=$3 flags=() steps seconds tokens
    shift 3
    while [ "$1" != -- ]; do
        flags+=("$1")
        shift
    done
    shift

    say "A tokenizer: byte pairs that occur often become symbols, until there are $vocabulary."
    if [ ! -s "$dir/tokenizer.json" ]; then
        ./train_gpt tokenizer train --input "$@" --vocab-size "$vocabulary" --out "$dir/tokenizer.json"
    fi

    say "Text becomes token ids."
    if [ ! -s "$dir/data/index.json" ]; then
        ./train_gpt tokenize --tokenizer "$dir/tokenizer.json" --input "$@" --val-fraction 0.05 --out "$dir/data"
    fi

    if [ ! -s "$dir/steps" ]; then
        seconds=$(seconds_per_step "$dir/data" "$dir/trial" "${flags[@]}")
        tokens=$(tr -d ' \n' < "$dir/data/index.json" | sed 's/.*"train":{"documents":[0-9]*,"tokens":\([0-9]*\).*/\1/')
        # 2,048 tokens a step
        steps=$(awk -v s="$seconds" -v m="$minutes" -v t="$tokens" 'BEGIN {
            n = m * 60 / s
            if (n > 30 * t / 2048) n = 30 * t / 2048
            n = int(n / 20) * 20
            print (n < 100 ? 100 : n)
        }')
        echo "$steps" > "$dir/steps"
        rm -rf "$dir/run"
        say "A step takes $seconds s here, so $steps steps fit into $minutes minutes. At step 0 the model writes noise. Watch the loss fall."
    else
        steps=$(cat "$dir/steps")
        if [ -d "$dir/run/$(printf 'step-%06d' "$steps")" ]; then
            say "The model is trained already ($dir/run, $steps steps); remove $dir to begin anew."
        else
            say "Going on with the run of $steps steps that was interrupted; remove $dir to begin anew."
        fi
    fi
    if [ ! -d "$dir/run/$(printf 'step-%06d' "$steps")" ]; then
        ./train_gpt pretrain --data "$dir/data" --out "$dir/run" "${flags[@]}" --steps "$steps" --eval-every "$((steps / 10))" \
            --eval-batches 8 --sample-every "$((steps / 2))" --sample-tokens 96 --checkpoint-every "$((steps / 4))" --keep 1 --resume | thin_out
    fi
    if [ ! -d "$dir/run/$(printf 'step-%06d' "$steps")" ]; then
        echo "Interrupted. The same command goes on from here."
        exit 0
    fi

    say "The loss: how surprised the model is by the next token (nats; a uniform guess costs ln $vocabulary = $(awk -v v="$vocabulary" 'BEGIN { printf "%.2f", log(v) }'))."
    scripts/plot_loss.sh "$dir/run"

    say "Three documents that the model invents, from nothing but the end of the one before."
    ./train_gpt generate --model "$dir/run" --num-samples 3 --max-tokens 120 --temperature 0.8 --seed 1
}
