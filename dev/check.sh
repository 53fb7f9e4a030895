#!/usr/bin/env bash
# The cheap checks of this code's habits, about a minute: what neither the compiler nor a test sees. `make check` runs it.
# usage: dev/check.sh        needs g++; uses shellcheck and ./train_gpt where they are there. Exit status 1 if anything was found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

# check NAME FILE_WITH_FINDINGS: an empty file is a pass
verdict() {
    if [ -s "$2" ]; then
        printf 'FAILED  %s\n' "$1"
        head -n 20 "$2" | sed 's/^/        /'
        failures=$((failures + 1))
    else
        printf 'ok      %s\n' "$1"
    fi
}
# grep whose status 1 (nothing found) is fine and whose status 2 (could not look) is not
find_lines() { grep "$@" || [ $? -eq 1 ]; }

headers=(*.hpp kernels/*.hpp)
# dev/emu/include: the CUDA headers of the emulator, so that this needs no toolkit
cxx=("${CXX:-g++}" -std=c++20 -I. -Idev/emu/include -Wall -Wextra -Wno-restrict -fopenmp)

# ---- compiler

emulated=(-DTRAIN_GPT_CUDA -DTRAIN_GPT_EMULATOR -Wno-unknown-pragmas)
stands_alone() { # HEADER FLAG...
    "${cxx[@]}" "${@:2}" -fsyntax-only -x c++ -include "$1" /dev/null > "$tmp/alone-$(tr / _ <<< "$1")" 2>&1 || echo "$1 ${*:2}" >> "$tmp/alone"
}
: > "$tmp/alone"
running=0
for h in "${headers[@]}" dev/test/*.hpp; do
    case $h in
        dev/test/test_cuda_* | dev/test/device_buffer.hpp | dev/test/test_emulator.hpp | kernels/*_cuda.hpp | kernels/cu*.hpp) stands_alone "$h" "${emulated[@]}" & ;;
        *) stands_alone "$h" & ;;
    esac
    running=$((running + 1))
    if [ "$running" -ge 2 ]; then wait -n; running=$((running - 1)); fi
done
wait
verdict "each header compiles alone" "$tmp/alone"

for h in "${headers[@]}"; do echo "#include \"$h\""; done > "$tmp/all.cpp"
{ cat "$tmp/all.cpp"; echo 'int main() {}'; } > "$tmp/main.cpp"
libs=(-lpthread)
for library in oneapi/dnnl/dnnl.hpp:-ldnnl zlib.h:-lz zstd.h:-lzstd; do # the optional ones
    printf '#if !__has_include(<%s>)\n#error\n#endif\n' "${library%%:*}" | "${cxx[@]}" -x c++ -E - > /dev/null 2>&1 && libs+=("${library##*:}")
done
"${cxx[@]}" -c "$tmp/all.cpp" -o "$tmp/all.o" > "$tmp/link" 2>&1 &
"${cxx[@]}" -c "$tmp/main.cpp" -o "$tmp/main.o" > "$tmp/link2" 2>&1 || cat "$tmp/link2" >> "$tmp/link"
wait || true
"${cxx[@]}" "$tmp/all.o" "$tmp/main.o" -o "$tmp/twice" "${libs[@]}" >> "$tmp/link" 2>&1 || true
verdict "all headers in two translation units link (nothing forgot its inline)" "$tmp/link"

# ---- layers

# a chapter includes only earlier ones
{
    find_lines -nE '#include ".*(gpt|generate|trainer|pretrain|checkpoint|tokenizer|dataloader|tokenize|world|cli)\.hpp"' kernels/*.hpp
    find_lines -nE '#include "(gpt|generate|trainer|pretrain|checkpoint|world.*|kernels/.*)\.hpp"' tokenizer*.hpp pretokenizer.hpp dataloader.hpp
    find_lines -nE '#include "(generate|trainer|pretrain|tokenizer|dataloader|world.*)\.hpp"' gpt.hpp
    find_lines -nE '#include "(trainer|pretrain|dataloader)\.hpp"' generate.hpp
    # one object serves the builds for CPU, CUDA and emulator: only what device_chapters.cpp reads may know the devices
    find . -maxdepth 1 -name '*.hpp' ! -name gpt.hpp ! -name backend.hpp ! -name bench.hpp ! -name info.hpp -exec grep -nE '#include "(gpt|backend|bench|info|kernels/(devices|comm|cublaslt|cuda))\.hpp"' {} + || true
    find_lines -nE '#include "(assistant|stage|sft|rl|eval|probe|trainer)\.hpp"' chat.hpp conversations.hpp identity.hpp model.hpp generate.hpp
    find_lines -nE '#include "(sft|rl|eval|probe|chat_terminal)\.hpp"' assistant.hpp batches.hpp stage.hpp pretrain.hpp
    find_lines -nE '#include "(gpt|model|chat|assistant|tokenizer)\.hpp"' tools.hpp search_index.hpp interpreter*.hpp child.hpp rewards.hpp objectives.hpp
} > "$tmp/includes"
verdict "includes go one way: kernels <- gpt_config <- model <- generate <- chat <- sft <- rl; tokenizer, data and tools know none of them" "$tmp/includes"
find_lines -nE '\<(cuda[A-Z]|nccl[A-Z]|cublas[A-Z]|__global__|threadIdx)' ./*.hpp ./*.cu ./*.cpp > "$tmp/cuda"
verdict "CUDA names stay in kernels/ and dev/" "$tmp/cuda"

# ---- documents

{
    find_lines -ohE 'LOG [0-9]{4}-[0-9]{2}-[0-9]{2}' ./*.hpp ./*.cpp kernels/*.hpp Makefile scripts/*.sh scripts/lab/*.sh README.md | sort -u | while read -r _ date; do
        grep -q "^## $date" dev/LOG.md || echo "LOG $date is quoted, but dev/LOG.md has no entry of that day"
    done
} > "$tmp/log"
verdict "every quoted LOG date exists" "$tmp/log"

if [ -x ./train_gpt ]; then
    ./train_gpt help --markdown > "$tmp/flags.md"
    # of the scripts themselves, of git, apt and other programs
    others="--fresh --minutes --base --world --scale --needed --help --markdown --no-install-recommends --list --verbose --no-vcs
        --abbrev --always --cpus-per-task --cudart --dirty --error-exitcode --eval --gpus-per-node --job-name --kill-on-bad-exit --no-print-directory
        --nodes --ntasks-per-node --open-mode --query-gpu --requeue --run-part --signal --small --time --tool --version
        --chat --dry-run --fetch --output --pairs --price --remove --shards --signatures --tokens --trial --warc
        --agent --archives --clean --copies --delete-after --directory-prefix --foreign --header --hosts --jobs --level --lists --max-redirect
        --no-directories --no-verbose --no-warc-keep-log --pages --quota --random-wait --recursive --reject --reject-regex --server-response
        --set --span-hosts --stage --timeout --tries --udhr --user-agent --wait --warc-file --warc-header --warc-tempdir"
    # the web-text program's flags are in scripts, not in README.md; it need not be built
    { grep -ohE -- '--[a-z0-9-]+.[ |]' "$tmp/flags.md" | tr -cd 'a-z0-9\n-'; tr ' ' '\n' <<< "$others"
        grep -ohE '\{"[a-z][a-z0-9-]+", *&' dev/data/*.hpp dev/data/*.cpp | sed 's/{"\([^"]*\)".*/--\1/'; } | sort -u > "$tmp/have"
    sed '/<!-- flags:begin -->/,/<!-- flags:end -->/d' README.md | cat - scripts/*.sh scripts/lab/*.sh scripts/lab/*.md |
        find_lines -ohE -- '(^|[ `"(])--[a-z][a-z0-9-]+' | tr -d ' `"(' | sort -u | comm -23 - "$tmp/have" > "$tmp/flags"
    verdict "flags in README and scripts exist" "$tmp/flags"
    sed -n '/<!-- flags:begin -->/,/<!-- flags:end -->/p' README.md | sed '1d;$d' | diff -B "$tmp/flags.md" - > "$tmp/readme" || true
    verdict "README.md prints the flag tables of the program (make docs)" "$tmp/readme"
else
    echo "skipped flags in README and scripts: ./train_gpt is not built"
fi
find_lines -rnE '(^|[^A-Za-z0-9_.])/(work|root|home|tmp)/' --include='*.hpp' --include='*.cu' --include='*.md' --include='*.sh' --include='*.py' --include=Makefile . > "$tmp/paths"
verdict "no path of somebody's machine" "$tmp/paths"

# ---- size

wc -l ./*.hpp ./*.cu ./*.cpp kernels/*.hpp dev/test/*.hpp scripts/*.sh scripts/lab/*.sh | awk '$2 != "total" && $1 > 900 { print $2 ": " $1 " lines, budget 900" }' > "$tmp/lines"
verdict "no file over 900 lines" "$tmp/lines"
# A function: from a line that ends in ") {" (or const, noexcept) to its brace, at the outer level or inside a class.
awk 'FNR == 1 { start = 0 }
    !start && /^( {4})?[A-Za-z].*\)( const| noexcept)* \{$/ && !/^ *(if|for|while|switch|namespace|struct|class|enum)/ { start = FNR; match($0, /^ */); indent = RLENGTH; next }
    start && match($0, /^ *}/) && RLENGTH == indent + 1 { if (FNR - start > 80) print FILENAME ":" start ": a function of " FNR - start + 1 " lines, budget 80"; start = 0 }
' ./*.hpp kernels/*.hpp dev/test/*.hpp > "$tmp/functions"
verdict "no function over 80 lines" "$tmp/functions"

# ---- scripts

if command -v shellcheck > /dev/null; then
    shellcheck -x scripts/*.sh scripts/lab/*.sh scripts/slurm/* dev/*.sh dev/fuzz/*.sh dev/data/*.sh .ci/run > "$tmp/shell" 2>&1 || true
    verdict "shellcheck is silent" "$tmp/shell"
else
    echo "skipped shellcheck: not installed"
fi

[ "$failures" -eq 0 ] || { echo "$failures checks failed"; exit 1; }
echo "all checks passed"
