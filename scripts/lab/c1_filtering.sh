#!/usr/bin/env bash
# C1: is filtering worth the text it throws away? The same budget of tokens, unfiltered and filtered.
# Hypothesis: a model that reads N tokens of what scripts/fineweb.sh leaves of a crawl writes clean prose better (lower validation loss)
#   than one that reads N tokens of the crawl as it is: menus, copies, other languages, change logs.
# Refuted if the loss is not lower, or lower by less than its 95 % interval over the seeds.
# Source: the HTML documentation of Debian packages, packed as a crawl (dev/data/pack_html.py; 300 near-duplicates and 300 pages in
#   other languages are planted beside those there are), or any archives by --archives.
# Clean text: prose that neither model has read, by other authors: the Debian handbook in English, paragraphs of more than 200
#   characters, taken out of the crawl with all its translations. (--clean FILE: other text.)
# Fixed: 4 layers, 128 channels, T = 256, 2,048 tokens a step, schedule, number of tokens (each is read at most once), one tokenizer of
#   1,024 ids, trained on equal bytes of both texts. Varied: the text; three seeds. Cost: 6 runs.
# usage: scripts/lab/c1_filtering.sh OUT_DIR [--scale X] [--archives DIR --clean FILE]       LAB_SEEDS="1 2 3"
archives='' clean='' rest=()
while [ $# -gt 0 ]; do
    case $1 in
        --archives) archives=$(realpath "${2:?--archives: a folder is missing}"); shift 2 ;;
        --clean) clean=$(realpath "${2:?--clean: a file is missing}"); shift 2 ;;
        *) rest+=("$1"); shift ;;
    esac
done
# shellcheck source=scripts/lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_begin c1 "${rest[@]}"
read -r -a seeds <<< "${LAB_SEEDS:-1 2 3}"
[ -x dev/data/webtext ] || make data
work=$lab_out/crawl
mkdir -p "$work/deb"

# ---- the crawl, and clean text that is not in it

if [ -z "$archives" ]; then
    archives=$work/warc
    udhr=../shared/data/web/udhr2.zip
    if [ ! -e "$archives/plan.json" ]; then
        for package in python3.11-doc debian-handbook installation-guide-amd64; do
            ls "$work/deb/$package"_*.deb > /dev/null 2>&1 || (cd "$work/deb" && apt-get download "$package" > /dev/null 2>&1) ||
                fail "$package: apt-get cannot download it" "give archives of your own: --archives DIR --clean FILE"
            dpkg-deb -x "$work/deb/$package"_*.deb "$work/html"
        done
        rm -rf "$work/handbook"
        mv "$work/html/usr/share/doc/debian-handbook" "$work/handbook"
        python3 dev/data/pack_html.py pack --html "$work/html" --udhr "$udhr" --out "$archives"
        mkdir -p "$work/clean"
        python3 dev/data/pack_html.py pack --html "$work/handbook/html/en-US" --udhr "$udhr" --copies 0 --foreign 0 --archives 1 --out "$work/clean"
    fi
fi
if [ -z "$clean" ]; then
    clean=$work/clean.jsonl
    if [ ! -s "$clean" ]; then
        dev/data/webtext warc --input "$work/clean" --output "$work/clean-pages" 2> "$work/clean.log"
        dev/data/webtext extract --input "$work/clean-pages/kept" --output "$work/clean-text" --compress none 2>> "$work/clean.log"
        cat "$work"/clean-text/kept/*.jsonl | document_text "\n" "\n" | awk 'length($0) > 200 && !/[{|\\]/ { gsub(/"/, "\\\""); gsub(/\t/, " "); printf "{\"text\":\"%s\"}\n", $0 }' > "$clean"
    fi
fi

# ---- both texts, and one tokenizer from both

filtered=$work/filtered.jsonl unfiltered=$work/unfiltered.jsonl
if [ ! -s "$filtered" ] || [ ! -s "$unfiltered" ]; then
    # manuals have more code, lists and repeated lines than the thresholds for articles allow; everything else is FineWeb's
    scripts/fineweb.sh --out "$work/run" --jobs 2 --tokenizer none --set quality "--max-non-alpha-words-ratio 0.6 --char-duplicates-ratio 0.1 --line-punct-thr 0.05 --new-line-ratio 0.5 --filter-curly-bracket=off" "$archives" > "$work/fineweb.log"
    dev/data/webtext extract --everything --input "$work/run/01_warc/kept" --output "$work/everything" --compress none 2> "$work/everything.log"
    # in an order of their own, not page after page of one manual
    shuffled() { awk 'BEGIN { srand(1) } { printf "%.9f\t%s\n", rand(), $0 }' | sort | cut -f 2-; }
    for f in "$work"/run/08_pii/kept/*; do zstd -dcq "$f"; done | shuffled > "$filtered"
    cat "$work"/everything/kept/*.jsonl | shuffled > "$unfiltered"
fi
tokenizer=$work/tokenizer.json
if [ ! -s "$tokenizer" ]; then
    for f in "$filtered" "$unfiltered"; do head -c 4000000 "$f" | sed '$d'; done > "$work/both.jsonl"
    train_gpt tokenizer train --input "$work/both.jsonl" --vocab-size 1024 --out "$tokenizer" > "$work/tokenizer.log"
fi
tokens_of() { # NAME FILE: token shards, without an index, so that shards of several texts may lie together
    local dir=$work/tokens-$1
    [ -s "$dir/index.json" ] || train_gpt tokenize --tokenizer "$tokenizer" --input "$2" --out "$dir" > "$work/tokenize-$1.log" 2>&1
    echo "$dir"
}
clean_tokens=$(tokens_of clean "$clean")
for kind in filtered unfiltered; do
    [ ! -e "$work/data-$kind" ] || continue
    from=$(tokens_of "$kind" "$work/$kind.jsonl")
    mkdir -p "$work/data-$kind.new"
    cp "$from"/train_*.bin "$from/tokenizer.json" "$work/data-$kind.new"
    for shard in "$clean_tokens"/train_*.bin; do cp "$shard" "$work/data-$kind.new/val_${shard##*/train_}"; done
    mv "$work/data-$kind.new" "$work/data-$kind"
done

# ---- the runs

: > "$lab_out/table.tsv"
printf 'text\tseed\tMB\ttokens read\tval nats/tok\n' | lab_table
steps=$(lab_steps 400)
{
    for seed in "${seeds[@]}"; do
        for kind in unfiltered filtered; do
            run=$lab_out/$kind-seed$seed
            lab_pretrain "$run" "$steps" --data "$work/data-$kind" --layers 4 --heads 4 --channels 128 --seq-len 256 --batch-size 8 --lr 2e-3 --min-lr 1e-4 \
                --eval-batches 100 --seed "$seed"
            printf '%s\t%s\t%.1f\t%s\t%.4f\n' "$kind" "$seed" "$(awk -v n="$(stat -c %s "$work/$kind.jsonl")" 'BEGIN { print n / 1e6 }')" "$((steps * 2048))" "$(lab_metric "$run" val_loss)"
        done
    done
} | lab_table

# paired by seed: the difference, with Student's 95 % interval over the seeds
awk -F '\t' 'BEGIN { split("12.71 4.303 3.182 2.776 2.571 2.447", t95, " ") }
    NR > 1 { loss[$1, $2] = $5; seen[$2]; sum[$1] += $5 }
    END {
        for (s in seen) { n++; d[n] = loss["unfiltered", s] - loss["filtered", s]; mean += d[n] }
        mean /= n
        for (i = 1; i <= n; i++) square += (d[i] - mean) ^ 2
        half = n > 1 ? (n - 1 <= 6 ? t95[n - 1] : 2.3) * sqrt(square / (n - 1) / n) : 0
        lower = mean > half && mean > 0
        printf "%s\nthe same %s tokens: %.3f nats a token on clean prose from the crawl as it is, %.3f from what the filters leave: %.3f +- %.3f less over %d seeds\n", lower ? "confirmed" : "refuted", tokens, sum["unfiltered"] / n, sum["filtered"] / n, mean, half, n
        printf "unfiltered=%.4f\nfiltered=%.4f\ngain=%.4f\nhalf_width=%.4f\n", sum["unfiltered"] / n, sum["filtered"] / n, mean, half
    }' tokens="$((steps * 2048))" "$lab_out/table.tsv" | lab_verdict C1
