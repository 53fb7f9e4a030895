#!/usr/bin/env bash
# From web archives to token shards: the stages of FineWeb in its order, each with the program dev/data/webtext.
# usage: scripts/fineweb.sh --out DIR [--jobs N] [FLAG VALUE]... ARCHIVE...
#   ARCHIVE...           WARC, ARC or WET files, or folders of them
#   --out DIR            everything goes there: 01_warc ... 08_pii, report.html, tokens
#   --jobs N             processes at a time (default: all cores)
#   --lists DIR          block lists for the addresses; of these names what is there: domains urls words soft_words subwords
#                        (default: none, no address is judged)
#   --languages "L ..."  keep these (default en; "all" keeps any)
#   --eval "PATH ..."    evaluation sets that must not occur in the text (default: none, nothing is compared)
#   --hash NAME          of MinHash: sha1, FineWeb's (default), or xxhash64, which is faster
#   --tokenizer FILE     for the token shards (default: one is trained on the result); "none" stops before them
#   --vocab-size N       of the tokenizer that is trained (default 32768)
#   --set STAGE "FLAGS"  further flags for a stage, e.g. --set quality "--min-doc-words 30"; may be given again
#   --stage NAME --task i/n   do only that share of one stage, as one of n array jobs; `--stage list` prints the stages
# Each stage leaves what it kept, what it dropped and why, and statistics. Whatever is done is not done again: a run that was
# stopped or killed goes on with the same command, and the result is the same. With --eval or --lists added the stages behind them are
# made anew, as is whatever was made from a file that has changed since. While a run works in DIR another is refused, but for
# other stages and tasks of single ones.
set -euo pipefail

stages=(warc url extract language quality signature buckets cluster dedup decontaminate pii report tokenize)
usage() { sed -n 's/^# \{0,1\}//; 3,19p' "${BASH_SOURCE[0]}"; }
complain() { printf 'error: %s\n       %s\n' "$1" "$2" >&2; exit "${3-1}"; }

out='' jobs=$(nproc) lists='' languages=en eval_sets='' hash=sha1 tokenizer='' vocab_size=32768 stage='' task='' archives=()
declare -A more=()
while [ $# -gt 0 ]; do
    case $1 in
        --out | --jobs | --lists | --languages | --hash | --tokenizer | --vocab-size | --stage | --task | --eval | --set)
            [ $# -ge 2 ] || complain "$1: a value is missing" "scripts/fineweb.sh --help" 2 ;;&
        --out) out=$2 ;;
        --jobs) jobs=$2 ;;
        --lists) lists=$2 ;;
        --languages) languages=$2 ;;
        --eval) eval_sets=$2 ;;
        --hash) hash=$2 ;;
        --tokenizer) tokenizer=$2 ;;
        --vocab-size) vocab_size=$2 ;;
        --stage) stage=$2 ;;
        --task) task=$2 ;;
        --set)
            [ $# -ge 3 ] || complain "--set: expected a stage and its flags" "e.g. --set quality \"--min-doc-words 30\"" 2
            [[ " ${stages[*]} " == *" $2 "* ]] || complain "--set $2: no such stage" "stages: ${stages[*]}" 2
            more[$2]=$3
            shift ;;
        -h | --help) usage; exit 0 ;;
        -*) complain "unknown flag $1" "scripts/fineweb.sh --help" 2 ;;
        *) archives+=("$1"); shift; continue ;;
    esac
    shift 2
done
if [ "$stage" = list ]; then printf '%s\n' "${stages[@]}"; exit 0; fi
[ -n "$out" ] || { usage >&2; exit 2; }
[ "${#archives[@]}" -gt 0 ] || complain "no archive is named" "scripts/fineweb.sh --out DIR ARCHIVE..." 2
[[ $jobs =~ ^[1-9][0-9]*$ ]] || complain "--jobs $jobs: expected a number of processes, at least 1" "" 2
[[ -z $task || $task =~ ^[0-9]+/[1-9][0-9]*$ ]] || complain "--task $task: expected i/n" "i from 0" 2
[ -z "$stage" ] || [[ " ${stages[*]} " == *" $stage "* ]] || complain "--stage $stage: no such stage" "stages: ${stages[*]}" 2
[ -z "$task" ] || [ -n "$stage" ] || complain "--task is a share of one stage" "name it with --stage" 2
for path in "${archives[@]}" $eval_sets ${lists:+"$lists"}; do [ -e "$path" ] || complain "$path: no such file or folder" "" 1; done

# the work goes on in the program's folder
readarray -t archives < <(realpath "${archives[@]}")
out=$(realpath -m "$out")
[ -z "$lists" ] || lists=$(realpath "$lists")
case $tokenizer in '' | none | bytes) ;; *) tokenizer=$(realpath "$tokenizer") ;; esac
read -r -a eval_sets <<< "${eval_sets//$'\n'/ }"
[ "${#eval_sets[@]}" -eq 0 ] || readarray -t eval_sets < <(realpath "${eval_sets[@]}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
WEBTEXT=${WEBTEXT:-dev/data/webtext} TRAIN_GPT=${TRAIN_GPT:-./train_gpt}
[ -x "$WEBTEXT" ] || make data
mkdir -p "$out/logs"

# One run at a time: a whole one takes the folder alone, single stages share it, and tasks share their stage. The locks are held by this
# process and all that it starts, and go with the last of them, killed or not.
busy() { complain "$out: another run works there" "wait for it; after a kill, until its processes have ended"; }
exec 9> "$out/logs/lock"
if [ -z "$stage" ]; then
    flock -n 9 || busy
else
    flock -n -s 9 || busy
    exec 8> "$out/logs/lock-$stage"
    if [ -z "$task" ]; then
        flock -n 8 || busy
    else
        flock -n -s 8 || busy
        exec 7> "$out/logs/lock-$stage-${task%/*}"
        flock -n 7 || busy
    fi
fi
# Documents are known by their place among all inputs, so the inputs must stay what they were at the first run. (Tasks on many nodes may be
# the first at once: each writes under a name of its own, and one of them gets it.)
mine=$out/logs/inputs.$HOSTNAME.$$.${stage:-all}-${task%/*}
printf '%s\n' "${archives[@]}" > "$mine"
mv -n "$mine" "$out/logs/inputs" 2> /dev/null || true # some versions call it an error that the file is there
if [ -e "$mine" ]; then
    same=yes
    cmp -s "$mine" "$out/logs/inputs" || same=no
    rm "$mine"
    [ "$same" = yes ] || complain "$out: holds the work on other archives ($(head -n 1 "$out/logs/inputs") ...)" "choose another folder with --out"
fi

# ---- the stages

last_texts=$out/05_quality/kept # what the four steps of dedup read
# Is this stage part of the chain?
takes_part() { case $1 in url | 02_url) [ -n "$lists" ] ;; decontaminate | 07_decontaminate) [ "${#eval_sets[@]}" -gt 0 ] ;; esac; }
# The words of a stage's command, one a line, without --task.
command_of() { # STAGE
    local words=() list
    case $1 in
        warc) words=(warc --input "${archives[@]}" --output "$out/01_warc") ;;
        url)
            words=(url --input "$out/01_warc/kept" --output "$out/02_url")
            for list in domains urls words soft_words subwords; do
                [ ! -e "$lists/$list" ] || words+=("--${list//_/-}" "$lists/$list")
            done ;;
        extract) words=(extract --input "$out/$(takes_part url && echo 02_url || echo 01_warc)/kept" --output "$out/03_extract") ;;
        language) words=(language --input "$out/03_extract/kept" --output "$out/04_language" --languages) && read -r -a list <<< "$languages" && words+=("${list[@]}") ;;
        quality) words=(quality --input "$out/04_language/kept" --output "$out/05_quality") ;;
        signature) words=(dedup signature --input "$last_texts" --output "$out/06_dedup/signatures" --hash "$hash") ;;
        buckets) words=(dedup buckets --signatures "$out/06_dedup/signatures" --output "$out/06_dedup/pairs") ;;
        cluster) words=(dedup cluster --pairs "$out/06_dedup/pairs" --output "$out/06_dedup/remove") ;;
        dedup) words=(dedup filter --input "$last_texts" --remove "$out/06_dedup/remove" --output "$out/06_dedup") ;;
        decontaminate) words=(decontaminate --input "$out/06_dedup/kept" --output "$out/07_decontaminate" --eval "${eval_sets[@]}") ;;
        pii) words=(pii --input "$out/$(takes_part decontaminate && echo 07_decontaminate || echo 06_dedup)/kept" --output "$out/08_pii") ;;
    esac
    case $1 in buckets | cluster | signature) ;; *) words+=(--compress zst) ;; esac
    read -r -a list <<< "${more[$1]-}"
    printf '%s\n' "${words[@]}" "${list[@]}"
}

# A stage's task i/n: the program's messages go to a log, the last of them also to the terminal where it fails.
run_task() { # STAGE i/n
    local words log=$out/logs/$1-${2%/*}.log
    readarray -t words < <(command_of "$1")
    if [ "$1" != cluster ]; then words+=(--task "$2"); elif [ "${2%/*}" != 0 ]; then return 0; fi # one process sees all pairs
    "$WEBTEXT" "${words[@]}" >> "$log" 2>&1 || { printf 'error: stage %s, task %s, see %s\n' "$1" "$2" "$log" >&2; tail -n 3 "$log" >&2; return 1; }
}

report() {
    local done_stages=() s
    for s in 01_warc 02_url 03_extract 04_language 05_quality 06_dedup 07_decontaminate 08_pii; do
        if takes_part "$s" && [ -d "$out/$s/stats" ]; then done_stages+=("$out/$s"); fi
    done
    "$WEBTEXT" report --input "${done_stages[@]}" --output "$out/report.html" | tee "$out/report.txt"
}

# What a tokenizer or tokens are made from: some words, and names, lengths and times of the texts. It is noted when they are whole.
made_from() { printf '%s\n' "$*"; find "$out/08_pii/kept" -type f -printf '%f %s %T@\n' | sort; } # WORD...
is_made_from() { [ -s "$1" ] && [ -e "$2" ] && [ "$(cat "$2")" = "$3" ]; } # FILE NOTE WHAT

tokenize() {
    local from note=$out/logs/tokenizer.from
    [ "$tokenizer" != none ] || return 0
    if [ -z "$tokenizer" ]; then
        tokenizer=$out/tokenizer.json
        from=$(made_from "vocabulary of $vocab_size")
        if ! is_made_from "$tokenizer" "$note" "$from"; then
            "$TRAIN_GPT" tokenizer train --input "$out/08_pii/kept" --vocab-size "$vocab_size" --out "$tokenizer"
            printf '%s\n' "$from" > "$note"
        fi
    fi
    note=$out/logs/tokens.from
    from=$(made_from "$tokenizer" "$(stat -c '%s %Y' "$tokenizer" 2> /dev/null || true)")
    if ! is_made_from "$out/tokens/index.json" "$note" "$from"; then
        "$TRAIN_GPT" tokenize --tokenizer "$tokenizer" --input "$out/08_pii/kept" --val-fraction 0.01 --out "$out/tokens" --overwrite
        printf '%s\n' "$from" > "$note"
    fi
    echo "train on it: ./train_gpt pretrain --data $out/tokens --out RUN"
}

run_stage() { # STAGE: all of its tasks, `jobs` at a time
    local i pids=() failed=0 tasks=$jobs start=$SECONDS
    [ "$1" != cluster ] || tasks=1
    for ((i = 0; i < tasks; i++)); do run_task "$1" "$i/$tasks" & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i" || failed=1; done
    [ "$failed" = 0 ] || exit 1
    printf '%-13s done in %d s\n' "$1" "$((SECONDS - start))"
}

# whoever ends this script ends what it started
set -m # each task is a process group of its own
stop_tasks() { local pid; for pid in $(jobs -p); do kill -TERM -- "-$pid" 2> /dev/null || true; done; }
trap stop_tasks EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for s in ${stage:-"${stages[@]}"}; do
    takes_part "$s" || continue
    case $s in
        report | tokenize) "$s"; continue ;;
    esac
    if [ -n "$task" ]; then run_task "$s" "$task"; else run_stage "$s"; fi
done
