#!/usr/bin/env bash
# Pretrains GPT-2 124M on token shards with all GPUs of this machine.
# usage: scripts/pretrain_node.sh [--gpus N] DATA OUT [FLAG...]
#   DATA      directory of token shards with its tokenizer.json, as train_gpt tokenize writes it
#   OUT       directory of the run: log, metrics, checkpoints. Where it holds this run already, the run goes on.
#   --gpus N  how many GPUs (default: all)
#   FLAG...   flags of train_gpt pretrain, which replace these settings: --size gpt2-xl, --steps 18865, ...
# Settings: half a million tokens a step and a learning rate of 6e-4 (Brown et al. 2020, table 2.1), 20 tokens a parameter. The
# micro-batch follows from the memory of the GPU. Under srun (scripts/pretrain_slurm.sh) this script is one rank of many.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 3,7p' "$0"; }
fail() { # WHAT ADVICE
    printf 'error: %s\n       %s\n' "$1" "$2" >&2
    exit "${3:-1}"
}
gpus=""
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --gpus) gpus=${2-}; shift 2 || { usage >&2; exit 2; } ;;
        -*) echo "error: unknown flag $1; flags of train_gpt pretrain come after DATA and OUT" >&2; usage >&2; exit 2 ;;
        *) break ;;
    esac
done
if [ $# -lt 2 ] || [ "${2#-}" != "$2" ]; then usage >&2; exit 2; fi
case ${gpus:-1} in *[!0-9]* | 0*) fail "--gpus $gpus: expected a whole number, at least 1" "leave it away to use all GPUs" 2 ;; esac
data=$(realpath -m "$1") out=$(realpath -m "$2")
shift 2
[ -d "$data" ] || fail "$data: not a directory" "make shards with: train_gpt tokenize --tokenizer FILE --input PATH... --out $data"
[ -n "$(find -L "$data" -maxdepth 1 -name '*.bin' -print -quit)" ] || fail "$data: no token shard (*.bin) in it" "make shards with: train_gpt tokenize --tokenizer FILE --input PATH... --out $data"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${TRAIN_GPT:-./train_gpt}
[ -x "$program" ] || fail "$program: is not there" "build it: make cuda"

# Which GPUs: memory of the smallest in MiB
memory=$(nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits 2> /dev/null | sort -n | sed -n 1p) || memory=""
if [ -n "${SLURM_STEP_ID-}" ]; then
    [ -z "$gpus" ] || fail "--gpus $gpus: srun has started the ranks" "leave --gpus away" 2
    ranks=${SLURM_NTASKS:?} start=()
else
    [ -n "$gpus" ] || gpus=$(nvidia-smi -L 2> /dev/null | grep -c '^GPU') || fail "no GPU: nvidia-smi is missing or finds none" "scripts/pretrain_text.sh trains a small model on the processor"
    ranks=$gpus start=(--gpus "$gpus")
fi
case $memory in
    '' | *[!0-9]*) rows=16 ;;
    *) if [ "$memory" -ge 70000 ]; then rows=64; elif [ "$memory" -ge 38000 ]; then rows=32; elif [ "$memory" -ge 22000 ]; then rows=16; else rows=4; fi ;;
esac
given=("$@") length=1024
for ((i = 0; i < $#; i++)); do
    case ${given[i]} in
        --batch-size) rows=${given[i + 1]-} ;;
        --batch-size=*) rows=${given[i]#*=} ;;
        --seq-len) length=${given[i + 1]-} ;;
        --seq-len=*) length=${given[i]#*=} ;;
    esac
done
case $rows$length in '' | *[!0-9]* | 0*) fail "--batch-size $rows, --seq-len $length: expected whole numbers" "train_gpt pretrain --help lists the flags" 2 ;; esac
# a step is a whole number of micro-batches on every rank: at least half a million tokens
micro=$((rows * length * ranks))
total=$(((524288 + micro - 1) / micro * micro))

settings=(--size gpt2 --seq-len "$length" --batch-size "$rows" --total-batch-tokens "$total" --lr 6e-4 --weight-decay 0.1 --device cuda --dtype bf16
    --eval-every 250 --eval-batches 20 --checkpoint-every 1000 --keep 2)
# Does the caller give FLAG, or one that excludes it? The program refuses a flag given twice.
has_own() { # FLAG
    local flag
    for flag in "${given[@]}"; do
        case $flag in "$1" | "$1="*) return 0 ;; esac
        case $1:$flag in --size:--depth* | --size:--layers* | --size:--init*) return 0 ;; esac
    done
    return 1
}
command=(pretrain --data "$data" --out "$out" --resume)
for ((i = 0; i < ${#settings[@]}; i += 2)); do
    has_own "${settings[i]}" || command+=("${settings[i]}" "${settings[i + 1]}")
done
exec "$program" "${command[@]}" ${start[@]+"${start[@]}"} "$@"
