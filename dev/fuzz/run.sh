#!/usr/bin/env bash
# Builds the libFuzzer targets of this folder and runs them, one after the other. `make fuzz` calls it.
# usage: dev/fuzz/run.sh [SECONDS [NAME...]]    default: 60 seconds, all targets; NAME: a .cpp here without its ending
# Needs clang with its runtime (Debian: apt-get install clang libclang-rt-dev libomp-dev). What was found interesting stays in
# build/fuzz/corpus/NAME and is where the next run begins; an input that breaks a promise, in build/fuzz/found-NAME-*.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-60}
case $seconds in *[!0-9]* | "") echo "usage: dev/fuzz/run.sh [SECONDS [NAME...]]" >&2; exit 2 ;; esac
names=("${@:2}")
[ "${#names[@]}" -gt 0 ] || for file in dev/fuzz/*.cpp; do names+=("$(basename "$file" .cpp)"); done
clang=${CLANG:-clang++}
command -v "$clang" > /dev/null || { echo "dev/fuzz/run.sh: $clang is not found: apt-get install clang libclang-rt-dev libomp-dev" >&2; exit 1; }
# shellcheck disable=SC2054 # the commas are clang's
flags=(-std=c++20 -g -O1 -fopenmp -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I. -DTRAIN_GPT_EXTERN_KERNELS)
mkdir -p build/fuzz

# A few inputs that are right, so that the search begins behind the first checks.
seed() { # NAME
    local dir=build/fuzz/corpus/$1
    mkdir -p "$dir"
    case $1 in
        tokenizer_files)
            local base line=""
            for base in $(seq 0 255); do line+="$(printf '%b' "\\x$(printf %02x "$base")" | base64) $base"$'\n'; done
            printf '\1%sYWI= 256\n' "$line" > "$dir/tiktoken"
            { printf '\0'; cat dev/fuzz/seed-tokenizer.json; } > "$dir/json"
            { printf '\2\x28\xd7\x34\x01\1\0\0\0\2\1\0\0\0\1\0\0'; head -c 1008 /dev/zero; for base in $(seq 0 255); do printf '%b' "\\x01\\x$(printf %02x "$base")"; done; printf '\2ab\3<e>'; } > "$dir/llmc" ;;
        encode)
            printf '\0\7The ship'\''s crew didn'\''t see 12345 birds,\n\n  they'\''LL <|endoftext|> x' > "$dir/english"
            printf '\2\3\xe4\xb8\xad\xe6\x96\x87 \xc3\xa9\xcc\x81\xff\xe2\x80 \xc2\xa0\n /' > "$dir/unicode" ;;
        interpreter)
            printf '\7x = sorted([3, 1.5, True], key=lambda v: -v)\nfor i, c in enumerate("h\xc3\xa9llo"):\n    if c in {"l": 1}: print(f"{i:>3}", c.upper() * 2, x[::-1])\nelse:\n    print(round(2.675, 2), 7 // -2, 2 ** 70)' > "$dir/block"
            printf '\3def f(n, k=1): return n if n < 2 else f(n - 1) + f(n - 2)\n[("%%*d|%%s" %% (5, f(i), "a,b".split(","))).strip() for i in range(9) if i %% 2]' > "$dir/expression" ;;
        shards)
            { printf '\0\x88\xf0\x34\x01\1\0\0\0\24\0\0\0'; head -c 1012 /dev/zero; printf '\7\0\1\0\2\0\3\0\7\0\1\0\2\0\3\0\4\0\5\0\7\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\1\0\2\0'; } > "$dir/named"
            printf '{"format":"train_gpt token shards","version":1,"tokenizer_hash":"00","vocab_size":300,"end_of_text":7,"splits":{"train":{"documents":1,"tokens":20,"text_bytes":50,"shards":[{"file":"train_0.bin","tokens":20,"documents":1,"text_bytes":50,"crc32":"00000000"}]}}}' | cat - "$dir/named" > "$dir/indexed" ;;
        json)
            printf '%s' '{"id": 7, "meta": {"text": "not this", "list": [1, -2.5, "x", null, true]}, "text": "a \u00e9 \ud83d\ude00 \"quoted\" \\ \n end"}' > "$dir/line" ;;
        web_warc)
            printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: application/http\r\nContent-Length: 98\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html; charset=koi8-r\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<p>x\r\n0\r\n\r\n\r\n\r\n' > "$dir/warc"
            printf 'filedesc:x.arc 0.0.0.0 20260102030405 text/plain 6\n1 0 X\n\nhttp://a.example/ 1.2.3.4 20260102030405 text/html 36\nHTTP/1.0 200 OK\r\n\r\n<html>page</html>\n' > "$dir/arc"
            gzip -c "$dir/warc" > "$dir/warc.gz" ;;
        web_html)
            printf '<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>T &amp; t</title><script>if (a < b) "</p>"</script></head><body><nav><ul><li><a href=/>Home</a></ul></nav><article><h1>Head</h1><p>A paragraph of <b>text</b> that is long enough &mdash; &#x1F600; to be kept, with a comma.<table><tr><td>1<td>2</table><pre>code\n  x</pre><ul><li>item</ul></article><!-- no --><footer>Copyright</footer></body></html>' > "$dir/page"
            printf '\xff\xfe<\0p\0>\0' > "$dir/utf16" ;;
        web_url) printf '0.0.0.0 bad.example.com # x\nbad.co.uk\ncasino\n\0http://user@www.Bad.co.uk:80/casino-Poker?q=1#f' > "$dir/list" ;;
        web_language)
            printf '\0TGLANG01\2\0\0\0\0\0\1\0\30\0\0\0en\0\0\0\0\0\0de\0\0\0\0\0\0' | cat - <(head -c 200 /dev/zero) > "$dir/model"
            printf '\1The kettle was boiling. Die K\xc3\xbcche \xd0\xb4\xd0\xb0 \xe4\xb8\xad' > "$dir/text" ;;
        web_lines)
            printf '{"text":"a \\u00e9 \\ud83d\\ude00\\n","url":"u","metadata":{"language":"en","n":[1,-2.5e3,null,true]}}\n\nbad\n{"text":7}' > "$dir/lines"
            gzip -c "$dir/lines" > "$dir/lines.gz"
            ! command -v zstd > /dev/null || zstd -qc "$dir/lines" > "$dir/lines.zst" ;;
        web_filters)
            # shellcheck disable=SC2016 # $5 are five dollars
            printf 'The U.S. mill isn'\''t well-known[1]... at http://a.example/x, 10km/h for $5!\n\nThe U.S. mill isn'\''t well-known\xe2\x80\xa6\n- privacy policy { lorem ipsum jo@mail.example 8.8.8.8 (212) 555-0123 4111 1111 1111 1111' > "$dir/text" ;;
        safetensors)
            local header='{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}'
            { printf '%b\0\0\0\0\0\0\0' "\\x$(printf %02x "${#header}")"; printf '%s' "$header"; printf 'twelve bytes'; } > "$dir/two" ;;
    esac
}

for name in "${names[@]}"; do
    "$clang" "${flags[@]}" "dev/fuzz/$name.cpp" -o "build/fuzz/$name" -lpthread -lz -lzstd
    seed "$name"
    echo "fuzz: $name for $seconds s"
    # -close_fd_mask=1: what a reader prints on stdout is not of interest. malloc_limit: an input may not ask for gigabytes.
    "build/fuzz/$name" -max_total_time="$seconds" -close_fd_mask=1 -max_len=8192 -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=20 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/found-$name-" "build/fuzz/corpus/$name" 2> "build/fuzz/$name.log" ||
        { tail -n 40 "build/fuzz/$name.log" >&2; echo "fuzz: $name: a finding, see build/fuzz/found-$name-*" >&2; exit 1; }
    grep -E 'Done [0-9]+ runs|stat::number_of_executed_units|cov:' "build/fuzz/$name.log" | tail -n 2
done
echo "fuzz: no findings"
