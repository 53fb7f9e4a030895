#!/usr/bin/env bash
# Everything worth knowing about this program on this machine's GPU, in at most nine minutes and without network, as one report.
# usage: scripts/gpu_check.sh [PART...]      default: all parts, in this order
#   build      make cuda, the emulator, the tests and dev/gpu_bench for the GPU
#   info       what the program sees
#   tests      the CUDA tests on the real device
#   train124   a training step of GPT-2 124M: tokens/s, MFU
#   graphs     GPT-2 124M in tiny micro-batches, with CUDA graphs and without: what launching costs
#   bench      every kernel against its floor
#   train1558  a training step of GPT-2 1558M
#   generate   tokens/s with GPT-2 124M, one text and sixteen
#   ranks      GPT-2 124M on all GPUs, where there are several
#   emulator   the same tests in the emulator, side by side
#   losses     a small model trained on CPU, emulator and GPU, side by side
#   sanitizer  compute-sanitizer over the tests, as far as its time goes
# Writes out/gpu_check-DEVICE-DATE.md. A part that fails or runs out of time is reported, and the rest goes on. Exit status 1 if any
# part failed, 2 if there is no GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

# seconds each part may take; all together at most $everything, so a slow part takes them from the last ones
everything=530
declare -A limit=([build]=150 [info]=20 [tests]=60 [train124]=50 [graphs]=40 [bench]=50 [train1558]=120 [generate]=40 [ranks]=50 [emulator]=110 [losses]=50 [sanitizer]=90)
order=(build info tests train124 graphs bench train1558 generate ranks emulator losses sanitizer)

# GPU_CHECK_EMULATE=1 runs this script itself against the emulator, with tiny shapes: it shows that the parts work, and says so.
emulate=${GPU_CHECK_EMULATE-}
if [ "$emulate" = 1 ]; then
    program=build/emu/train_gpt bench=build/emu/gpu_bench bench_flags=(--small)
else
    program=build/cuda/train_gpt bench=build/cuda/gpu_bench bench_flags=()
fi
work=${GPU_CHECK_WORK-}     # of the call that runs all parts; each part is a call of its own, so that a limit ends it with its children

usage() { sed -n 's/^# \{0,1\}//; 2,17p' "$0"; }
fail() { # WHAT: why this part failed, for the report
    printf 'FAILED: %s\n\n' "$*"
    exit 1
}
need() { [ -x "$1" ] || fail "$1 is not there: see the part build"; }
seconds_since() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }'; }
# What the Makefile calls by these names, a line each
ask_make() {
    local name words=""
    for name in "$@"; do words+=" '\$(strip \$($name))'"; done
    make -s --no-print-directory --eval="ask: ; @printf '%s\n'$words" ask
}

# ---- the parts: Markdown on standard output, all else on standard error

# Linked as the Makefile links build/cuda/train_gpt
link_cuda() { # TARGET OBJECT...
    local target=$1 nvcc cxx lib nccl libs kernels
    shift
    { read -r nvcc; read -r cxx; read -r lib; read -r nccl; read -r libs; read -r kernels; } < <(ask_make NVCC CXX CUDA_LIB NCCL LIBS SHARED)
    # shellcheck disable=SC2086  # lists of flags and files
    "$nvcc" -ccbin "$cxx" --cudart static -Xcompiler -fopenmp "$@" build/cuda/cuda_instances.o $kernels -o "$target" \
        -L"$lib" -Xlinker -rpath,"$lib" -lcublasLt $nccl $libs
}
# The tests of the emulator, compiled as the program is and linked with the kernels that it runs
build_tests() {
    local suite cxx flags extern
    { read -r cxx; read -r flags; read -r extern; } < <(ask_make CXX ALL_HOST EXTERN)
    for suite in cuda_kernels cuda_attention cuda_model cuda_fp8 cuda_matmul; do
        # shellcheck disable=SC2086
        printf '#include "dev/test/test_%s.hpp"\nstatic const LinkedSuite suite(%s_tests());\n' "$suite" "$suite" |
            "$cxx" $flags $extern -x c++ -c - -o "build/cuda/suite_$suite.o" &
    done
    # shellcheck disable=SC2086
    "$cxx" $flags $extern -x c++ -c dev/gpu_bench.cu -o build/cuda/gpu_bench.o &
    # shellcheck disable=SC2086
    "$cxx" $flags $extern -x c++ -c test_gpt.cu -o build/cuda/test_cuda.o &
    local job bad=0
    for job in $(jobs -p); do wait "$job" || bad=1; done
    return "$bad"
}
part_build() {
    local start
    start=$(date +%s.%N)
    if [ "$emulate" = 1 ]; then
        make build/emu/train_gpt build/emu/test_kernels build/emu/test_model >&2 || fail "make of the emulator; its messages are in the log"
        local cxx flags extern libs kernels run
        { read -r cxx; read -r flags; read -r extern; read -r libs; read -r kernels; read -r run; } < <(ask_make CXX EMULATOR EXTERN LIBS SHARED EMU_RUN)
        # without the kernels' sources, as for the GPU
        # shellcheck disable=SC2086
        "$cxx" ${flags//-DTRAIN_GPT_EMULATOR/} $extern -x c++ dev/gpu_bench.cu -x none build/emu/cuda_instances.o $run $kernels -o "$bench" $libs >&2 || fail "dev/gpu_bench.cu"
        echo "The emulator was built in $(seconds_since "$start") s."
        return
    fi
    make cuda build/emu/train_gpt build/emu/test_kernels build/emu/test_model >&2 || fail "make cuda; its messages are in the log"
    build_tests >&2 || fail "compiling the tests for the GPU; the messages are in the log"
    link_cuda build/cuda/test_cuda build/cuda/{test_cuda,suite_cuda_kernels,suite_cuda_attention,suite_cuda_model,suite_cuda_fp8,suite_cuda_matmul}.o >&2 || fail "linking build/cuda/test_cuda"
    link_cuda build/cuda/gpu_bench build/cuda/gpu_bench.o >&2 || fail "linking build/cuda/gpu_bench"
    echo "build/cuda/train_gpt, build/cuda/test_cuda, build/cuda/gpu_bench and the emulator: $(seconds_since "$start") s with $(nproc) cores."
}

part_info() {
    need "$program"
    printf '```\n'
    "$program" info || { printf '```\n'; fail "train_gpt info"; }
    printf '```\n'
}

# PROGRAM FILTER...: its output into the file $tests_out, complete or not
run_tests() {
    local rc=0
    need "$1"
    "$@" >> "$tests_out" 2>&1 || rc=$?
    [ "$rc" -le 1 ] || printf 'FAILED %s ended with status %d before its last test\n' "$1" "$rc" >> "$tests_out"
}
part_tests() {
    local tests_out=$work/tests.txt passed failed
    : > "$tests_out"
    if [ "$emulate" = 1 ]; then
        run_tests build/emu/test_kernels "cuda gelu" "cuda column" "same bits twice, alone"
        run_tests build/emu/test_model cuBLASLt autotune
    else
        run_tests build/cuda/test_cuda
    fi
    read -r passed failed < <(awk '/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3 } END { print p + 0, f + 0 }' "$tests_out")
    printf '%d claims hold, %d fail.\n\n```\n' "$passed" "$failed"
    grep -E '^ *(ok|FAILED|skipped)' "$tests_out" | cut -c 1-300 || true
    printf '```\n'
    # "no device" would be skipped, and say so: then nothing was tested
    if [ "$passed" -eq 0 ] || grep -qE '^FAILED|no device' "$tests_out"; then fail "tests on the GPU"; fi
}

# Token shards with GPT-2's vocabulary of 50,257 ids, from the embedded world: the ids that its text does not fill are six bytes (eight
# characters of base64) that occur nowhere. Only their number matters for speed.
data_gpt2() {
    [ -s "$work/data/index.json" ] && return
    "$program" world --out "$work/world" --megabytes 12 --seed 1 >&2
    "$program" tokenizer train --input "$work/world/train.jsonl" --vocab-size 4096 --out "$work/world.tiktoken" >&2
    local learned
    learned=$(wc -l < "$work/world.tiktoken")
    { cat "$work/world.tiktoken"; seq "$learned" 50255 | awk '{ printf "Zq%06d %d\n", $1, $1 }'; } > "$work/gpt2.tiktoken"
    "$program" tokenize --tokenizer "$work/gpt2.tiktoken" --pattern gpt2 --input "$work/world/train.jsonl" --val-fraction 0.02 --out "$work/data" >&2
}
# The number after KEY in each line of JSON on standard input
values() { sed -nE "s/.*\"$1\":(-?[0-9.e+-]+).*/\1/p"; }
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# Steps of a run, then it is killed: a checkpoint of 1558M is 22 GB. Prints the line of the report; 1 if there are too few steps.
train() { # NAME STEPS FLAG...
    local name=$1 steps=$2 run=$work/$1 log=$work/$1.txt pid ranks=()
    shift 2
    rm -rf "$run"
    "$program" pretrain --data "$work/data" --device cuda --dtype bf16 --out "$run" --steps 100000 --warmup 10 --seed 1 "$@" > "$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2> /dev/null && ! grep -q "^step *$steps/" "$log"; do sleep 0.2; done
    read -ra ranks < "/proc/$pid/task/$pid/children" 2> /dev/null || true   # of --gpus N
    kill -KILL "$pid" "${ranks[@]}" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
    cat "$log" >&2
    if ! grep -q "^step *$steps/" "$log"; then
        grep -A 1 '^error' "$log" | head -n 4 || true
        return 1
    fi
    local later=$((steps - 4)) tokens ms tflops mfu
    tokens=$(tail -n "$later" "$run/metrics.jsonl" | values tokens_per_s | median)
    ms=$(tail -n "$later" "$run/metrics.jsonl" | values ms | median)
    tflops=$(tail -n "$later" "$run/metrics.jsonl" | values tflops | median)
    mfu=$(sed -nE 's/^step .* TFLOP\/s, MFU ([0-9]+)% .*/\1/p' "$log" | tail -n "$later" | median)
    awk -v t="$tokens" -v ms="$ms" -v f="$tflops" -v m="$mfu" -v a="$(head -n 1 "$run/metrics.jsonl" | values loss)" -v b="$(tail -n 1 "$run/metrics.jsonl" | values loss)" \
        -v n="$steps" 'BEGIN { printf "**%d tokens/s, MFU %s%%** (%.1f TFLOP/s, %.1f ms a step; medians). Loss %.3f -> %.3f in %d steps.\n\n", t, m, f, ms, a, b, n
        exit !(b == b && b < a) }' || fail "the loss does not fall"
    # shellcheck disable=SC2016  # Markdown, here and below
    printf 'Flags: `%s`\n\n```\n' "$*"
    grep -E '^(model|device|memory|peak)' "$log"
    grep "^step *$steps/" "$log"
    printf '```\n\n'
}
train_size() { # NAME SIZE STEPS MICRO-BATCHES BATCH-SIZE...: the first batch that fits into memory
    local name=$1 size=$2 steps=$3 micro=$4 B
    shift 4
    need "$program"
    data_gpt2 || fail "making token shards"
    if [ "$emulate" = 1 ]; then
        train "$name" 6 --layers 2 --heads 1 --channels 64 --seq-len 32 --batch-size 2 --total-batch-tokens 128 --lr 1e-3 || fail "training"
        return
    fi
    for B in "$@"; do
        if train "$name" "$steps" --size "$size" --seq-len 1024 --batch-size "$B" --total-batch-tokens "$((B * 1024 * micro))" --lr 3e-4; then return; fi
        grep -q 'out of memory' "$work/$name.txt" || fail "training with a micro-batch of $B rows"
        echo "A micro-batch of $B rows does not fit."
    done
    fail "no micro-batch fits into memory"
}
part_train124() { train_size train124 gpt2 25 2 64 32 16 8 4; }
# Micro-batches so small that the host can hardly launch their kernels as fast as the GPU runs them; both runs must have the same losses.
part_graphs() {
    local name flags=(--size gpt2 --seq-len 256 --batch-size 1 --total-batch-tokens 4096 --lr 3e-4)
    [ "$emulate" = 1 ] && flags=(--layers 2 --heads 1 --channels 64 --seq-len 32 --batch-size 2 --total-batch-tokens 128 --lr 1e-3)
    need "$program"
    data_gpt2 || fail "making token shards"
    for name in graphs no-graphs; do
        echo "### $name"
        if [ "$name" = graphs ]; then train "$name" 8 "${flags[@]}"; else train "$name" 8 "${flags[@]}" --no-graphs; fi || fail "training"
    done
    if diff <(head -n 8 "$work/graphs/metrics.jsonl" | values loss) <(head -n 8 "$work/no-graphs/metrics.jsonl" | values loss) >&2; then
        echo "The same losses, digit for digit."
    else
        fail "the losses with and without graphs differ"
    fi
}
part_train1558() { train_size train1558 gpt2-xl 8 4 16 8 4; }
part_bench() {
    need "$bench"
    "$bench" "${bench_flags[@]}" || fail "dev/gpu_bench"
}

part_generate() {
    local rows short=8 long=520 start_s first_s second_s ids size=(--size gpt2)
    [ "$emulate" = 1 ] && short=2 long=6 size=(--layers 2 --heads 1 --channels 64)
    need "$program"
    data_gpt2 || fail "making token shards"
    # a model that has learned nothing almost never ends its text
    rm -rf "$work/untrained"
    "$program" pretrain --data "$work/data" --out "$work/untrained" --device cuda --dtype bf16 "${size[@]}" --seq-len 64 --batch-size 1 --steps 1 --lr 0 \
        --eval-batches 1 >&2 || fail "making an untrained model"
    echo "| texts at once | tokens/s | of one text | start, weights and $short tokens |"
    echo "|---|---|---|---|"
    for rows in 1 16; do
        start_s=$(date +%s.%N)
        "$program" generate --model "$work/untrained" --device cuda --num-samples "$rows" --max-tokens "$short" --json > "$work/short.jsonl" || fail "generate"
        first_s=$(seconds_since "$start_s")
        start_s=$(date +%s.%N)
        "$program" generate --model "$work/untrained" --device cuda --num-samples "$rows" --max-tokens "$long" --json > "$work/long.jsonl" || fail "generate"
        second_s=$(seconds_since "$start_s")
        ids=$(cat "$work/long.jsonl" "$work/short.jsonl" | sed -E 's/.*"ids":\[([^]]*)\].*/\1/' | awk -F , -v half="$rows" '{ n += NR > half ? -NF : NF } END { print n }')
        awk -v n="$ids" -v a="$first_s" -v b="$second_s" -v r="$rows" 'BEGIN { d = b - a > 0.05 ? b - a : 0.05; printf "| %d | %.0f | %.0f | %.1f s |\n", r, n / d, n / d / r, a }'
    done
    printf '\nDifference of a run of %d tokens a text and one of %d, wall clock. bf16, GPT-2 124M, random weights.\n' "$long" "$short"
}

part_ranks() {
    local gpus
    if [ "$emulate" = 1 ]; then gpus=${TRAIN_GPT_EMU_DEVICES:-1}; else gpus=$(nvidia-smi -L | wc -l); fi
    if [ "$gpus" -lt 2 ]; then
        echo "skipped: one GPU"
        return
    fi
    data_gpt2 || fail "making token shards"
    if [ "$emulate" = 1 ]; then
        train ranks 6 --gpus "$gpus" --layers 2 --heads 1 --channels 64 --seq-len 32 --batch-size 2 --total-batch-tokens "$((64 * gpus))" --lr 1e-3 || fail "training on $gpus GPUs"
    else
        train ranks 25 --gpus "$gpus" --size gpt2 --seq-len 1024 --batch-size 16 --total-batch-tokens "$((16 * 1024 * 2 * gpus))" --lr 3e-4 || fail "training on $gpus GPUs"
    fi
}

part_emulator() {
    local tests_out=$work/emulator.txt
    : > "$tests_out"
    # without the twenty training steps, which the part losses does in another way
    if [ "$emulate" = 1 ]; then cp "$work/tests.txt" "$tests_out"; else
        run_tests build/emu/test_kernels "cuda " &
        run_tests build/emu/test_model cuBLASLt autotune "gradients and logits" "with a cache"
        wait
    fi
    echo "| test | GPU | emulator |"
    echo "|---|---|---|"
    awk '/^(ok|FAILED) / { verdict = $1; sub(/^[A-Za-z]+ +/, ""); time = $(NF - 1) " " $NF; sub(/ \([0-9.]+ s\)$/, "")
             if (FILENAME == ARGV[1]) { gpu[$0] = verdict " " time } else { printf "| %s | %s | %s |\n", $0, ($0 in gpu) ? gpu[$0] : "did not run", verdict " " time } }' \
        "$work/tests.txt" "$tests_out"
    if grep -q '^FAILED' "$tests_out"; then fail "tests in the emulator"; fi
    grep -q '^ok' "$tests_out" || fail "no test ran in the emulator"
}

part_losses() {
    local dtype device binary columns bad=0
    need "$program"
    need build/emu/train_gpt
    "$program" world --out "$work/world2" --megabytes 1 --seed 2 >&2 || fail "train_gpt world"
    "$program" tokenizer train --input "$work/world2/train.jsonl" --vocab-size 512 --out "$work/tokenizer2.json" >&2 || fail "train_gpt tokenizer train"
    "$program" tokenize --tokenizer "$work/tokenizer2.json" --input "$work/world2/train.jsonl" --out "$work/data2" >&2 || fail "train_gpt tokenize"
    for dtype in fp32 bf16; do
        columns=()
        for device in cpu emulator gpu; do
            binary=$program
            [ "$device" = emulator ] && binary=build/emu/train_gpt
            rm -rf "$work/losses-$device"
            "$binary" pretrain --data "$work/data2" --out "$work/losses-$device" --layers 2 --heads 2 --channels 48 --seq-len 40 --batch-size 2 --total-batch-tokens 160 \
                --steps 10 --warmup 2 --lr 3e-3 --dtype "$dtype" --seed 3 --device "$([ "$device" = cpu ] && echo cpu || echo cuda)" >&2 || fail "training on $device in $dtype"
            values loss < "$work/losses-$device/metrics.jsonl" > "$work/losses-$device.txt"
            columns+=("$work/losses-$device.txt")
        done
        printf '%s:\n\n| step | CPU | emulator | GPU | GPU - CPU |\n|---|---|---|---|---|\n' "$dtype"
        # the bounds of dev/test/test_cuda_model.hpp
        paste "${columns[@]}" | awk -v bound="$([ "$dtype" = fp32 ] && echo 1e-4 || echo 5e-3)" '
            { d = ($3 - $1) / $1; if (!(d * d <= bound * bound)) bad = 1; e = ($2 - $1) / $1; if (!(e * e <= bound * bound)) bad = 1
              printf "| %d | %.6f | %.6f | %.6f | %+.1e |\n", NR, $1, $2, $3, d }
            END { print ""; if (NR != 10) bad = 1; printf "Relative differences %s %s.\n\n", bad ? "beyond" : "within", bound; exit bad }' || bad=1
    done
    [ "$bad" = 0 ] || fail "losses differ"
}

# One test after the other under one tool, until its time is over; a third of it for one test at most. Those that are not reached or
# not finished are counted, not failed.
sanitize() { # TOOL SECONDS TEST...
    local tool=$1 most=$(($2 / 3)) end=$((SECONDS + $2)) left test rc clean=0 late=0
    shift 2
    for test in "$@"; do
        left=$((end - SECONDS))
        if [ "$left" -le 0 ]; then late=$((late + 1)); continue; fi
        rc=0
        timeout -s KILL "$((left < most ? left : most))" "$sanitizer" --tool "$tool" --error-exitcode 9 build/cuda/test_cuda "$test" > "$work/sanitizer.txt" 2>&1 || rc=$?
        cat "$work/sanitizer.txt" >&2
        case $rc in
            0) clean=$((clean + 1)) ;;
            124 | 137) late=$((late + 1)) ;;
            *)
                # shellcheck disable=SC2016
                printf '%s: `%s` has status %d:\n\n```\n' "$tool" "$test" "$rc"
                grep -E '=========|FAILED' "$work/sanitizer.txt" | head -n 20
                printf '```\n\n'
                found=1
                ;;
        esac
    done
    printf -- '- %s: %d of %d tests clean, %d not finished in the time\n' "$tool" "$clean" "$#" "$late"
    total=$((total + clean))
}
part_sanitizer() {
    local sanitizer found=0 total=0 tests
    sanitizer=$(command -v compute-sanitizer || echo "$(dirname "$(ask_make NVCC)")/compute-sanitizer")
    if [ ! -x "$sanitizer" ] || [ "$emulate" = 1 ]; then
        echo "skipped: no compute-sanitizer here (it comes with the CUDA toolkit)"
        return
    fi
    need build/cuda/test_cuda
    # short names: a filter is any part of a test's name
    mapfile -t tests < <(build/cuda/test_cuda --list | grep -vE 'twenty training steps|sampling: the CPU|^adamw')
    local seconds=${GPU_CHECK_SECONDS:-90}
    sanitize memcheck "$((seconds * 40 / 100))" "${tests[@]}"
    sanitize racecheck "$((seconds * 33 / 100))" "cuda column" "layernorm: bf16" "classifier: loss" "global norm" "embedding" "sampling: logits" "same bits twice, alone" "NaN reaches exactly"
    sanitize synccheck "$((seconds * 18 / 100))" "cuda column" "layernorm: bf16" "classifier: loss" "embedding" "same bits twice, alone"
    [ "$found" = 0 ] || fail "compute-sanitizer found something"
    [ "$total" -gt 0 ] || fail "no test finished under compute-sanitizer"
}

if [ "${1-}" = --run-part ]; then
    "part_$2"
    exit
fi

# ---- all of them

parts=()
for word in "$@"; do
    case $word in
        -h | --help) usage; exit 0 ;;
    esac
    [ -n "${limit[$word]-}" ] || { echo "error: $word: not a part" >&2; usage >&2; exit 2; }
    parts+=("$word")
done
[ "${#parts[@]}" -gt 0 ] || parts=("${order[@]}")

if [ "$emulate" = 1 ]; then
    gpu="the emulator" driver=none
elif command -v nvidia-smi > /dev/null && nvidia-smi -L > /dev/null 2>&1; then
    gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader | sed -n 1p)
    driver=$(nvidia-smi --query-gpu=driver_version,memory.total,power.limit,clocks.max.sm --format=csv,noheader | sed -n 1p)
else
    echo "error: no NVIDIA GPU: nvidia-smi is missing or finds none" >&2
    echo "       make test runs the same kernels in the emulator" >&2
    exit 2
fi
mkdir -p out
report=out/gpu_check-$(tr -cs 'A-Za-z0-9' '-' <<< "$gpu" | sed 's/^-*//; s/-*$//')-$(date +%Y%m%d-%H%M%S).md
work=$(mktemp -d "$PWD/out/gpu_check.XXXXXX")
trap 'rm -rf "$work"' EXIT
export GPU_CHECK_WORK=$work
running=0
trap 'echo "interrupted" >&2; [ "$running" = 0 ] || kill -KILL -- "-$running"; exit 130' INT TERM

begin=$SECONDS failed=0
: > "$work/table.md"
: > "$work/sections.md"
for part in "${parts[@]}"; do
    left=$((everything - (SECONDS - begin)))
    may=$((limit[$part] < left ? limit[$part] : left))
    start=$(date +%s.%N) rc=0
    printf '%-10s ' "$part" >&2
    if [ "$may" -lt 5 ]; then
        verdict="FAILED: no time left"
        : > "$work/$part.md"
        : > "$work/$part.log"
    else
        # KILL: a run that is told to end saves 22 GB first. To the whole group, which timeout makes its own.
        GPU_CHECK_SECONDS=$may timeout -s KILL "$may" "$0" --run-part "$part" > "$work/$part.md" 2> "$work/$part.log" &
        running=$!
        wait "$running" 2> /dev/null || rc=$?
        running=0
        case $rc in
            0) verdict=ok ;;
            124 | 137) verdict="FAILED: not finished in $may s" ;;
            *) verdict=$(sed -n 's/^FAILED: //p' "$work/$part.md" | tail -n 1); verdict="FAILED: ${verdict:-status $rc}" ;;
        esac
        if [ "$rc" = 0 ] && grep -q '^skipped: ' "$work/$part.md"; then verdict=$(grep -m 1 '^skipped: ' "$work/$part.md"); fi
    fi
    took=$(seconds_since "$start")
    case $verdict in FAILED*) failed=$((failed + 1)) ;; esac
    printf '%6s s  %s\n' "$took" "$verdict" >&2
    printf '| %s | %s | %s | %s |\n' "$part" "$verdict" "$took" "${limit[$part]}" >> "$work/table.md"
    {
        printf '\n## %s: %s\n\n' "$part" "$verdict"
        sed '/^FAILED: /d; /^skipped: /d' "$work/$part.md"
        case $verdict in
            FAILED*)
                printf '\nThe end of its log:\n\n```\n'
                # what a program that was stopped had written lies in a file of its own
                { cat "$work/$part.log" "$work/$part.txt" 2> /dev/null || true; } | tail -n 25 | cut -c 1-400
                printf '```\n'
                ;;
        esac
    } >> "$work/sections.md"
done

{
    printf '# GPU check: %s\n\n' "$gpu"
    [ "$emulate" != 1 ] || printf '**Run against the emulator with tiny shapes, to try this script: no number here is a speed.**\n\n'
    printf -- '- %s, version %s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')" "$(git describe --always --dirty=-dirty --abbrev=12 2> /dev/null || cat build/version.txt 2> /dev/null || echo unknown)"
    printf -- '- driver, memory, power limit, highest clock: %s\n' "$driver"
    nvcc=$(ask_make NVCC 2> /dev/null || true)
    printf -- '- %s; %s; Linux %s\n' "$([ -n "$nvcc" ] && "$nvcc" --version 2> /dev/null | sed -n 's/.*release /nvcc /p' || echo 'no nvcc')" "$("${CXX:-g++}" --version | sed -n 1p)" "$(uname -r)"
    printf -- '- %s, %s cores\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)" "$(nproc)"
    printf -- '- %d s in all, %d parts failed\n\n' "$((SECONDS - begin))" "$failed"
    printf '| part | verdict | seconds | limit |\n|---|---|---|---|\n'
    cat "$work/table.md" "$work/sections.md"
} > "$report"
echo "wrote $report" >&2
[ "$failed" -eq 0 ]
