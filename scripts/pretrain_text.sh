#!/usr/bin/env bash
# Trains a small GPT on your own text, from the files to a sample: tokenizer, token shards, pretraining on this machine.
# usage: scripts/pretrain_text.sh [--out DIR] [--minutes N] FILE...
#   FILE         text, or JSONL with a "text" in each line; at least 20 kB in all, better a megabyte or more
#   --out DIR    where everything goes (default out/text): tokenizer.json, data/ (shards), run/ (log, metrics, model)
#   --minutes N  time for the training (default 10). The sizes of vocabulary and model follow from the amount of text.
# Ctrl-C saves; the same command goes on. For other sizes see the commands it prints and `./train_gpt pretrain --help`.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 3,7p' "$0"; }
out=out/text minutes=10 files=()
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2-}; shift 2 || { usage >&2; exit 2; } ;;
        --minutes) minutes=${2-}; shift 2 || { usage >&2; exit 2; } ;;
        -h | --help) usage; exit 0 ;;
        -*) echo "error: unknown flag $1" >&2; usage >&2; exit 2 ;;
        *) files+=("$1"); shift ;;
    esac
done
if [ "${#files[@]}" -eq 0 ] || [ -z "$out" ]; then usage >&2; exit 2; fi
case $minutes in '' | *[!0-9]* | 0*) echo "error: --minutes $minutes: expected a whole number of minutes, at least 1" >&2; exit 2 ;; esac

bytes=0
for i in "${!files[@]}"; do
    file=${files[i]}
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then echo "error: $file: not a readable file" >&2; exit 1; fi
    case $file in
        *.gz | *.xz | *.zst | *.bz2 | *.zip) echo "error: $file: is compressed; decompress it first" >&2; exit 1 ;;
        *.pdf | *.doc | *.docx | *.odt | *.epub) echo "error: $file: not plain text; export it as .txt first" >&2; exit 1 ;;
    esac
    bytes=$((bytes + $(stat -c %s "$file")))
    files[i]=$(realpath "$file") # the work goes on in the program's directory
done
if [ "$bytes" -lt 20000 ]; then
    echo "error: $bytes bytes of text are too few to learn from: expected at least 20,000, better a million" >&2
    exit 1
fi
out=$(realpath -m "$out")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/train_text.sh
. scripts/train_text.sh
[ -x ./train_gpt ] || make
if [ -d "$out" ] && [ -n "$(ls -A "$out")" ] && [ ! -e "$out/files" ] && [ ! -e "$out/files.new" ]; then
    fail "$out: is not empty and was not made by this script" "choose another directory with --out"
fi
mkdir -p "$out"
# what was made from other files must not be taken for the result of these
printf '%s\n' "${files[@]}" > "$out/files.new"
if [ -e "$out/files" ] && ! cmp -s "$out/files" "$out/files.new"; then
    rm "$out/files.new"
    fail "$out: holds the work on other files ($(head -n 1 "$out/files") ...)" "choose another directory with --out, or remove this one"
fi
mv "$out/files.new" "$out/files"

# vocabulary, layers, heads, channels, context: small for little text, since a large model would only learn it by heart
if [ "$bytes" -lt 200000 ]; then set -- 512 3 4 96 128
elif [ "$bytes" -lt 2000000 ]; then set -- 1024 4 4 128 256
elif [ "$bytes" -lt 20000000 ]; then set -- 2048 4 4 128 256
else set -- 4096 6 6 192 256; fi
say "$((bytes / 1000)) kB of text: a vocabulary of $1, a model of $2 layers and $4 channels, a context of $5 tokens"
train_text "$out" "$1" "$minutes" --layers "$2" --heads "$3" --channels "$4" --seq-len "$5" --batch-size "$((2048 / $5))" \
    --lr 2e-3 --min-lr 1e-4 -- "${files[@]}"

say "What now"
cat << END
    ./train_gpt generate --model $out/run --prompt "The" --num-samples 3
    scripts/plot_loss.sh $out/run
The model is the directory $out/run/step-*: transformers loads it as it is. The log is $out/run/main.log.
END
