#!/usr/bin/env bash
# From nothing to a small language model, on the CPU, in about ten minutes: a little world of text, a tokenizer, a GPT.
# usage: scripts/demo.sh [--fresh] [--minutes N]
#   --fresh      throw an earlier demo away and begin anew; without it an interrupted demo goes on where it was
#   --minutes N  time for the training itself (default 7; the rest takes about one)
# Everything lies in out/demo (or $DEMO_DIR). The number of steps is chosen by a trial of ten, so that slow machines end in time too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n 's/^# \{0,1\}//; 3,5p' "$0"; }
fresh=0 minutes=7
while [ $# -gt 0 ]; do
    case $1 in
        --fresh) fresh=1 ;;
        --minutes) minutes=${2-}; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift || { usage >&2; exit 2; }
done
case $minutes in '' | *[!0-9]* | 0*) echo "error: --minutes $minutes: expected a whole number of minutes, at least 1" >&2; exit 2 ;; esac

# shellcheck source=scripts/train_text.sh
. scripts/train_text.sh
[ -x ./train_gpt ] || make
dir=${DEMO_DIR:-out/demo}
[ "$fresh" = 0 ] || rm -rf "$dir"
mkdir -p "$dir"

say "A little world of text: people, places, stories, sums. Nothing is downloaded."
if [ ! -s "$dir/world/train.jsonl" ]; then
    ./train_gpt world --out "$dir/world" --megabytes 24 --seed 1 | tail -n 4
fi
echo "Two of its documents:"
sed -n '3p;11p' "$dir/world/train.jsonl" | document_text "\n" "\n\n" | sed 's/^/    /'

model=(--layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 8 --lr 2e-3 --min-lr 1e-4)
train_text "$dir" 2048 "$minutes" "${model[@]}" -- "$dir/world/train.jsonl"

say "What now"
cat << END
    ./train_gpt generate --model $dir/run --prompt "Once upon a time" --seed 2        another text for each seed
    ./train_gpt generate --model $dir/run --prompt "3 + 4" --show-probs 5             what it thinks at each step
    ./train_gpt tokenizer show --tokenizer $dir/tokenizer.json --text "hello world"   what it reads
    scripts/plot_loss.sh $dir/run                                                     the curve again
    scripts/pretrain_text.sh FILE...                                                  the same with your own text
    scripts/demo.sh --fresh --minutes 60                                              a longer training reads better
The log is $dir/run/main.log, every number $dir/run/metrics.jsonl; transformers loads $dir/run/step-* as it is.
END
