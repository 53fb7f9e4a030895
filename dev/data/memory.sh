#!/usr/bin/env bash
# Peak memory of every stage on inputs that are large or made to be awkward: each must stay below 1 GB. Not part of the tests (minutes,
# 5 GB of disk). usage: dev/data/memory.sh DIR [MILLION_DOCUMENTS]      default 1: of the steps of dedup. Needs /usr/bin/time and python3.
set -euo pipefail
[ $# -ge 1 ] || { sed -n 's/^# //; 2,3p' "$0" >&2; exit 2; }
dir=$(realpath -m "$1") millions=${2:-1}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LC_ALL=C
webtext=build/data/webtext
mkdir -p "$dir"
failed=0
measure() { # NAME COMMAND...
    local name=$1 status=0 kb
    shift
    /usr/bin/time -o "$dir/time" -f '%M %U' "$webtext" "$@" > "$dir/$name.log" 2>&1 || status=$?
    kb=$(tail -n 1 "$dir/time")
    printf '%-34s %6d MB %8.1f s  status %d\n' "$name" "$((${kb% *} / 1000))" "${kb#* }" "$status"
    [ "$status" = 0 ] && [ "${kb% *}" -lt 1000000 ] || failed=1
}
repeat() { awk -v what="$1" -v bytes="$2" 'BEGIN { block = what; while (length(block) < 100000) block = block block; for (; bytes > 0; bytes -= length(block)) printf "%s", substr(block, 1, bytes) }'; } # TEXT BYTES
line() { printf '{"url":"http://a.example/","text":"'; repeat "$1" 8000000; printf '"}\n'; } # TEXT: one long document

rm -rf "$dir"/out-*
for kind in 'a ' 'ab. ' 'word, and then ' '\\n- x' '\u00e9\u4e2d '; do line "$kind"; done > "$dir/long.jsonl"
{ printf '{"text":"'; repeat 'x' 300000000; printf '"}\n'; } >> "$dir/long.jsonl" # far beyond --max-line
for stage in language quality pii; do measure "$stage-long" "$stage" --input "$dir/long.jsonl" --output "$dir/out-$stage"; done
for hash in sha1 xxhash64; do measure "signature-long-$hash" dedup signature --input "$dir/long.jsonl" --hash "$hash" --output "$dir/out-long-$hash"; done
awk 'BEGIN { srand(3); for (i = 0; i < 100000; i++) { s = ""; for (k = 0; k < 62; k++) s = s " e" int(rand() * 100000); print s } }' > "$dir/eval.txt" # 5 million runs of 13 words
measure decontaminate-long decontaminate --input "$dir/long.jsonl" --eval "$dir/eval.txt" --output "$dir/out-decontaminate"
for kind in '<div>' '<p>a' '<a b=c d=e>x</a>' '&lt;' '<table><tr><td>' '<li>text of a list, and more of it '; do line "$kind"; done > "$dir/html.jsonl"
measure extract-long extract --input "$dir/html.jsonl" --output "$dir/out-extract"
{ # a gzip bomb, and a plain record of a gigabyte
    head -c 1000000000 /dev/zero | gzip -1 > "$dir/bomb.gz"
    printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: application/http\r\nContent-Length: %d\r\n\r\n' \
        "$(($(stat -c %s "$dir/bomb.gz") + 69))"
    printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n' # 69 bytes
    cat "$dir/bomb.gz"
    printf '\r\n\r\nWARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://b.example/\r\nContent-Type: application/http\r\nContent-Length: 1000000000\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n'
    repeat '<p>caf\351 ' 1000000000
} > "$dir/large.warc"
measure warc-large warc --input "$dir/large.warc" --output "$dir/out-warc"
awk 'BEGIN { srand(1); for (i = 0; i < 5000000; i++) printf "site-%d-%d.example.com\n", i, rand() * 1e9 }' > "$dir/domains"
measure url-5-million-domains url --input "$dir/html.jsonl" --domains "$dir/domains" --output "$dir/out-url"

# many documents: every fourth is a copy of one before
awk -v n="$((millions * 1000000))" 'BEGIN { srand(2); for (i = 0; i < n; i++) { s = ""; if (i % 4 || i < 9) { for (k = 0; k < 12; k++) s = s " w" int(rand() * 100000); last[i % 97] = s } else s = last[int(rand() * 97) % 97]; printf "{\"text\":\"%s\"}\n", s } }' > "$dir/many.jsonl"
measure signature dedup signature --input "$dir/many.jsonl" --output "$dir/out-signatures"
measure buckets dedup buckets --signatures "$dir/out-signatures" --output "$dir/out-pairs" --ranges 2
measure cluster dedup cluster --pairs "$dir/out-pairs" --output "$dir/out-remove"
measure filter dedup filter --input "$dir/many.jsonl" --remove "$dir/out-remove" --output "$dir/out-filter" --compress zst
# pairs at random among 33 million documents, twenty million for each million above: one giant cluster and many small ones
mkdir -p "$dir/out-random"
cp "$dir"/out-pairs/*.json "$dir/out-random"
for pairs in "$dir"/out-pairs/*.dups; do : > "$dir/out-random/${pairs##*/}"; done
head -c "$((millions * 20000000 * 16))" /dev/urandom | python3 -c '
import sys
while block := bytearray(sys.stdin.buffer.read(1 << 24)):
    n = len(block) // 16
    for at in 1, 2, 3, 7, 9, 10, 11, 15: block[at::16] = bytes(n)          # 256 files
    for at in 6, 14: block[at::16] = bytes(x & 1 for x in block[at::16])   # of 2^17 documents
    sys.stdout.buffer.write(block)' > "$dir/out-random/00000_00.dups"
measure cluster-random-pairs dedup cluster --pairs "$dir/out-random" --output "$dir/out-random-remove"
measure report report --input "$dir/out-filter"
[ "$failed" = 0 ] && echo "all below 1 GB"
