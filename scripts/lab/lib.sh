# shellcheck shell=bash
# Sourced by the lab scripts: arguments, the machine, and what several experiments share (text, tokenizers, shards, a trained
# model), each made once per OUT_DIR. Call lab_begin first; it sets
#   lab_out      directory of this experiment: table.tsv, result.json, machine.txt
#   lab_common   directory of what is shared, one for each text
#   lab_train    the training text (JSONL or plain text), lab_held: text of the same kind that no model sees
# Analysis is awk over one document a line; Python is not needed.
set -euo pipefail
export LC_ALL=C # bytes, and a decimal point

lab_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/train_text.sh
. "$lab_root/scripts/train_text.sh" # say, fail, document_text

# The program is ./train_gpt, or what the environment's TRAIN_GPT names.
if [ -n "${TRAIN_GPT-}" ]; then TRAIN_GPT=$(realpath "$TRAIN_GPT"); fi
train_gpt() { "${TRAIN_GPT:-$lab_root/train_gpt}" "$@"; }
lab_program() { [ -x "${TRAIN_GPT:-./train_gpt}" ] || make; }

lab_usage() {
    cat >&2 << END
usage: scripts/lab/${0##*/} OUT_DIR [--data world|FILE] [--scale X]
  --data   the embedded world (default), or text: a .jsonl with "text" in each line, else plain text; starter:FILE is FILE
  --scale  multiplies the number of training steps (default 1: about ten minutes on two cores)
END
    exit 2
}

lab_begin() { # NAME ARGUMENT...
    local name=$1 data=world
    shift
    lab_scale=1
    case ${1-} in '' | -*) lab_usage ;; esac
    local out=$1
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --data) data=${2-} ;;
            --scale) lab_scale=${2-} ;;
            *) lab_usage ;;
        esac
        shift 2 || lab_usage
    done
    awk -v x="$lab_scale" 'BEGIN { exit !(x + 0 > 0) }' || lab_usage
    data=${data#starter:}
    [ "$data" = world ] || [ -s "$data" ] || fail "--data $data: not a file with text" "expected world, or the path of a .jsonl or a text"
    [ "$data" = world ] || data=$(realpath "$data")
    lab_out=$(realpath -m "$out/$name-$(lab_label "$data")")
    lab_common=$(realpath -m "$out/common-$(lab_label "$data")")
    mkdir -p "$lab_out" "$lab_common"
    cd "$lab_root"
    lab_program
    train_gpt info > "$lab_out/machine.txt" # a number without its machine is not a number
    lab_data=$data
    lab_corpus
    lab_start=$SECONDS
}

# How a lab begins that may start from what is given: OUT_DIR [--scale X] [--KEY DIR]... Sets lab_out, lab_common (OUT_DIR/SHARED), lab_scale, given_KEY,
# seeds and questions; USAGE is the function that says how it is called.
lab_open() { # USAGE "KEY..." SHARED NAME ARGUMENT...
    local usage=$1 keys=$2 shared=$3 name=$4 out=${5-} key value
    case $out in '' | -*) "$usage" ;; esac
    shift 5
    lab_scale=1 lab_data=world
    for key in $keys; do printf -v "given_$key" ''; done
    while [ $# -gt 0 ]; do
        key=${1#--}
        case " scale $keys " in *" $key "*) [ "$1" != "$key" ] || "$usage" ;; *) "$usage" ;; esac
        if [ "$key" = scale ]; then
            lab_scale=${2-}
        else
            value=$(realpath -e "${2-}") || "$usage"
            printf -v "given_$key" %s "$value"
        fi
        shift 2 || "$usage"
    done
    awk -v x="$lab_scale" 'BEGIN { exit !(x + 0 > 0) }' || "$usage"
    lab_out=$(realpath -m "$out/$name")
    lab_common=$(realpath -m "$out/$shared")
    mkdir -p "$lab_out" "$lab_common"
    cd "$lab_root"
    lab_program
    train_gpt info > "$lab_out/machine.txt"
    lab_start=$SECONDS
    # shellcheck disable=SC2034 # the scripts read them
    { read -r -a seeds <<< "${LAB_SEEDS:-1 2 3}"; questions=${LAB_QUESTIONS:-200}; }
    : > "$lab_out/table.tsv"
}

lab_label() { if [ "$1" = world ]; then echo world; else basename "$1" | sed 's/\.[a-z]*$//'; fi; }

# a number of steps times --scale; a multiple of 80, so that quarters and sixteenths of a run are checkpoints
lab_steps() { awk -v n="$1" -v x="$lab_scale" 'BEGIN { n = int(n * x / 80) * 80; print (n < 80 ? 80 : n) }'; }

# lab_train and lab_held. A text is split by document (every 50th line of JSONL), a plain text at 95 % of its lines.
lab_corpus() {
    if [ "$lab_data" = world ]; then
        lab_train=$lab_common/world/train.jsonl lab_held=$lab_common/world/val.jsonl
        [ -s "$lab_held" ] || train_gpt world --out "$lab_common/world" --megabytes 24 --seed 1 > "$lab_common/world.log"
        return
    fi
    local kind=txt
    case $lab_data in *.jsonl) kind=jsonl ;; esac
    lab_train=$lab_common/train.$kind lab_held=$lab_common/held.$kind
    [ ! -s "$lab_held" ] || return 0
    if [ "$kind" = jsonl ]; then
        awk -v train="$lab_train" -v held="$lab_held.new" '{ print > (NR % 50 ? train : held) }' "$lab_data"
    else
        awk -v n="$(wc -l < "$lab_data")" -v train="$lab_train" -v held="$lab_held.new" '{ print > (NR <= 0.95 * n ? train : held) }' "$lab_data"
    fi
    mv "$lab_held.new" "$lab_held"
}

# One document a line, line breaks and other white space as single spaces. Plain text: a paragraph is a document.
lab_lines() { # FILE
    case $1 in
        *.jsonl) document_text " " "\n" < "$1" ;;
        *) awk -v RS= '{ gsub(/\n/, " "); print }' "$1" ;;
    esac | awk 'NF { $1 = $1; print }'
}

# A tokenizer of VOCABULARY ids (256: plain bytes) and token shards of the text in FILE, a share of it held back; prints their directory.
lab_shards_of() { # NAME FILE VOCABULARY VAL_FRACTION
    local dir=$lab_common/$1 tokenizer=bytes
    if [ ! -s "$dir/data/index.json" ]; then
        mkdir -p "$dir"
        if [ "$3" != 256 ]; then
            tokenizer=$dir/tokenizer.json
            train_gpt tokenizer train --input "$2" --vocab-size "$3" --pattern "${lab_pattern:-gpt2}" --out "$tokenizer" > "$dir/tokenizer.log"
        fi
        train_gpt tokenize --tokenizer "$tokenizer" --input "$2" --val-fraction "$4" --out "$dir/data" > "$dir/tokenize.log" 2>&1
    fi
    echo "$dir/data"
}
# Of the training text.
lab_shards() { lab_shards_of "v$1" "$lab_train" "$1" 0.02; } # VOCABULARY

# A training run, unless it is there already. Its console goes to RUN.log.
lab_pretrain() { # RUN_DIR STEPS FLAG...
    local run=$1 steps=$2
    shift 2
    [ ! -d "$run/$(printf 'step-%06d' "$steps")" ] || return 0
    echo "training $(basename "$run"): $steps steps ..." >&2
    train_gpt pretrain --out "$run" --steps "$steps" --resume "$@" > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    [ -d "$run/$(printf 'step-%06d' "$steps")" ] || fail "$run: the training was interrupted" "the same command goes on"
}

# The last value of a key in metrics.jsonl, or at a step.
lab_metric() { # RUN_DIR KEY [STEP]
    grep "\"step\":${3:-[0-9]*}," "$1/metrics.jsonl" | sed -n "s/.*\"$2\":\([-0-9.e]*\).*/\1/p" | tail -n 1
}

# The shape and the cost of the model of C5 and C6: sets base_shape, base_rate, base_steps, base_data. People's English has more words and less order than
# the world's: it gets six layers of 192 channels, 8,192 ids and twice the steps (12 minutes on two cores with fast bf16; LOG 2026-11-23).
lab_base_shape() {
    base_shape=(--layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 8) base_rate=(--lr 2e-3) base_steps=$(lab_steps 1600)
    local vocabulary=1024
    if [ "$lab_data" != world ]; then
        base_shape=(--layers 6 --heads 3 --channels 192 --seq-len 256 --batch-size 8) base_rate=(--lr 3e-3 --beta2 0.98) base_steps=$(lab_steps 3520)
        vocabulary=8192
    fi
    base_data=$(lab_shards "$vocabulary")
}
# The model that C5 looks at while it learns and C6 when it is done. Prints its run directory.
lab_base_run() {
    lab_base_shape
    local run=$lab_common/base steps=$base_steps
    lab_pretrain "$run" "$steps" --data "$base_data" "${base_shape[@]}" "${base_rate[@]}" --min-lr 1e-4 \
        --eval-every "$((steps / 16))" --eval-batches 16 --checkpoint-every "$((steps / 16))" --keep 0 --seed 1
    echo "$run"
}

# A figure of a flat or nested JSON report, by the section it stands in.
report_figure() { # FILE SECTION KEY
    awk -v section="\"$2\": {" -v key="\"$3\": " '
        index($0, section) { inside = 1 }
        inside && (at = index($0, key)) { s = substr($0, at + length(key)); sub(/,.*$/, "", s); print s; exit }' "$1"
}

lab_table() { tee -a "$lab_out/table.tsv" | expand -t 14; } # rows of tab-separated columns

# The verdict, on the terminal and in result.json. Standard input: confirmed or refuted, a sentence, then lines NAME=NUMBER or, as mean_interval
# prints them, NAME=MEAN HALF_WIDTH. A verdict goes by means, unless the script says that intervals must be apart; the intervals stand beside.
lab_verdict() { # CLAIM
    local claim=$1 verdict sentence figures="" name value half over=""
    read -r verdict
    read -r sentence
    while IFS='= ' read -r name value half; do
        figures+=", \"$name\": $value"
        case $half in '' | -) ;; *) figures+=", \"${name}_interval\": $half" ;; esac
        if [ "$name" = seeds ]; then over=" ($value seed$([ "$value" = 1 ] || echo s))"; fi
    done
    sentence+=$over
    figures=${figures//: nan/: null} # no figure: JSON has no nan
    printf '{"claim": "%s", "verdict": "%s", "text": "%s", "data": "%s", "version": "%s", "seconds": %d%s}\n' "$claim" "$verdict" "$sentence" \
        "$(lab_label "$lab_data")" "$(sed -n 's/^version *//p' "$lab_out/machine.txt")" "$((SECONDS - lab_start))" "$figures" > "$lab_out/result.json"
    echo "verdict $claim: $verdict: $sentence"
}

# Numbers, one a line -> "mean half-width" of the 95 % interval of the mean (Student's t; one number has none: "-").
mean_interval() {
    awk 'BEGIN { split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", t, " ") }
        NF { n++; sum += $1; squares += $1 * $1 }
        END {
            if (n == 0) { print "nan -"; exit }
            mean = sum / n
            if (n == 1) { printf "%.4f -\n", mean; exit }
            variance = (squares - n * mean * mean) / (n - 1)
            printf "%.4f %.4f\n", mean, (n - 1 > 9 ? 1.96 : t[n - 1]) * sqrt(variance > 0 ? variance / n : 0)
        }'
}
mean() { mean_interval | cut -d ' ' -f 1; }
# "97.2 +- 1.1" of shares on standard input, one a line
percent() { mean_interval | awk '{ if ($2 == "-") printf "%.1f\n", 100 * $1; else printf "%.1f +-%.1f\n", 100 * $1, 100 * $2 }'; }
holds() { awk "BEGIN { exit !($1) }"; } # a comparison of numbers: holds "0.97 >= 0.95"
