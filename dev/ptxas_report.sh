#!/usr/bin/env bash
# What the compiler made of each kernel: registers, spills, stack, shared memory, and how many of its blocks and warps fit on a multiprocessor.
# usage: dev/ptxas_report.sh [sm_NN...]      default: the targets of `make cuda`; a minute each, one after the other
# Prints a Markdown table for each target. Exit status 1 if a hot kernel (the list below) spills, if ptxas makes products of warpgroups wait for each
# other, or if an entry of the list, or of dev/shared_memory.cpp, fits no kernel any more; 2 where nvcc is missing. Occupancy is by registers and by shared memory, static and dynamic.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C

# Extended regular expressions, each for the beginning of a kernel's name. Plain paths (unaligned rows, fp32 attention) may spill.
hot=(
    'attention_cuda::forward_bf16_kernel<64, .*, true>$'
    'attention_cuda::forward_bf16_kernel<80, .*, true>$'
    'attention_cuda::forward_bf16_kernel<128, .*, true>$'
    'attention_cuda::backward_rows_kernel<'
    'attention_cuda::backward_bf16_kernel<true, 64, .*, true>$'   # dq
    'attention_cuda::backward_bf16_kernel<true, 80, .*, true>$'
    'attention_cuda::backward_bf16_kernel<true, 128, .*, true>$'
    'attention_cuda::backward_bf16_kernel<false, 64, .*, true>$'  # dk, dv
    'attention_cuda::backward_bf16_kernel<false, 80, .*, true>$'
    'attention_cuda::backward_bf16_kernel<false, 128, .*, true>$'
    'attention_cuda::forward_warpgroup_kernel<'
    'attention_cuda::backward_warpgroup_kernel<true, '
    'attention_cuda::backward_warpgroup_kernel<false, '
    'attention_cuda::decode_kernel<'
    'layernorm_cuda::forward_kernel<'
    'layernorm_cuda::backward_kernel<'
    'layernorm_cuda::residual_kernel<'
    'column_sums_cuda::'
    'fp8_cuda::'
    'embedding_cuda::'
    'gelu_cuda::forward_kernel<'
    'gelu_cuda::backward_kernel<'
    'classifier_cuda::classifier_kernel<'
    'classifier_cuda::row_kernel<'
    'adamw_cuda::update_kernel<'
    'global_norm_cuda::'
)

usage() { sed -n 's/^# \{0,1\}//; 3,5p' "$0"; }
wanted=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        sm_[0-9]*) wanted+=("${1#sm_}"); shift ;;
        *) usage >&2; exit 2 ;;
    esac
done

# The Makefile's own answer: compiler, targets, and the flags without them
ask_make() { make -s --no-print-directory --eval="ask: ; @printf '%s\n' '\$(strip $1)'" ask; }
# shellcheck disable=SC2016  # for make to expand
nvcc=$(ask_make '$(NVCC)')
if [ -z "$nvcc" ] || ! command -v "$nvcc" > /dev/null; then
    echo "error: nvcc is not found: no report without the CUDA toolkit" >&2
    echo "       install it, or say where it is: NVCC=/path/to/nvcc dev/ptxas_report.sh" >&2
    exit 2
fi
# shellcheck disable=SC2016
read -ra flags <<< "$(ask_make '$(filter-out $(GENCODE) --threads 0,$(ALL_NVCC))')"
# shellcheck disable=SC2016
if [ "${#wanted[@]}" -eq 0 ]; then read -ra wanted <<< "$(ask_make '$(SM)')"; fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# kernel, registers, stack, spill stores, spill loads, static shared memory: one line each, from the output of ptxas
from_ptxas() {
    awk -v OFS='\t' '
        /Compiling entry function/ { split($0, part, "\047"); kernel = part[2]; next }
        /bytes stack frame/ && kernel { stack = $1; stores = $5; loads = $9; next }
        /Used [0-9]+ registers/ && kernel {
            registers = shared = 0
            for (i = 1; i < NF; i++) {
                if ($(i + 1) ~ /^registers/) registers = $i
                if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/) shared = $i
            }
            print kernel, registers, stack, stores, loads, shared
            kernel = ""
        }'
}
# kernel, threads of a block where __launch_bounds__ says so: from the PTX
from_ptx() {
    awk -v OFS='\t' '
        /^\.(visible |weak )?(\.?visible |\.?weak )?\.?entry|\.entry / { match($0, /\.entry +[A-Za-z0-9_$]+/); kernel = substr($0, RSTART + 7, RLENGTH - 7); gsub(/ /, "", kernel); next }
        /^\.maxntid/ && kernel { gsub(/[;,]/, " "); print kernel, $2 * ($3 ? $3 : 1) * ($4 ? $4 : 1); kernel = "" }
        /^\{/ { kernel = "" }'
}
short_names() { c++filt | sed -E 's/^void //; s/>\([^\t]*$/>/; s/\([a-z_]+::([A-Za-z]+)\)([0-9]+)/\1 \2/g'; }

# dynamic shared memory: kernel, bytes
# shellcheck disable=SC2016
read -ra emulator <<< "$(ask_make '$(CXX) $(EMULATOR)')"
if ! "${emulator[@]}" -O0 -DCUDA_KERNELS dev/shared_memory.cpp -o "$tmp/shared_memory" || ! "$tmp/shared_memory" > "$tmp/dynamic"; then
    echo "error: dev/shared_memory.cpp does not say how much shared memory is dynamic" >&2
    exit 1
fi

# The table of one target; kernels that spill, hot or not, are marked and written to $tmp/spills.
table() { # SM RESOURCES BLOCKS
    cut -f 1 "$2" | short_names > "$tmp/names"
    printf '%s\n' "${hot[@]}" > "$tmp/hot"
    paste "$tmp/names" "$2" | sort | awk -F '\t' -v sm="$1" -v blocks_file="$3" -v hot_file="$tmp/hot" -v dynamic_file="$tmp/dynamic" -v spills="$tmp/spills" -v lost="$tmp/lost" '
        BEGIN {
            while ((getline line < blocks_file) > 0) { split(line, f, "\t"); threads[f[1]] = f[2] }
            while ((getline line < hot_file) > 0) hot[++patterns] = line
            while ((getline line < dynamic_file) > 0) { split(line, f, "\t"); dynamic[f[1]] = f[2] }
            # shared memory of a multiprocessor; each block takes 1 KiB beside its own
            capacity = 1024 * (sm == 80 || sm == 87 ? 164 : sm == 90 || sm == 100 || sm == 103 ? 228 : 100)
            # multiprocessors of 64 warps, those of consumer GPUs and sm_86, 87, 89 of 48; each with 65,536 registers, dealt out 256 to a warp
            max_warps = (sm == 80 || sm == 90 || sm == 100 || sm == 103) ? 64 : 48
            print "| kernel | registers | spill stores + loads | stack | static shared | dynamic shared | threads of a block | blocks | warps of " max_warps " | |"
            print "|---|---|---|---|---|---|---|---|---|---|"
        }
        {
            is_hot = ""
            for (i = 1; i <= patterns; i++) if ($1 ~ "^" hot[i]) { is_hot = "hot"; used[i] = 1 }
            per_warp = int(($3 * 32 + 255) / 256) * 256
            warps = int(65536 / per_warp / 4) * 4          # four partitions, each with a quarter of the warps
            if (warps > max_warps) warps = max_warps
            block = threads[$2] ? threads[$2] : "not stated"
            blocks = "-"
            shared = $7 + dynamic[$1]
            asked[$1] = 1
            if (threads[$2]) {
                blocks = int(warps / ceil_div(threads[$2], 32))
                by_shared = int(capacity / (shared + 1024))
                limit = by_shared < blocks ? "shared memory" : "registers"
                if (by_shared < blocks) blocks = by_shared
                if (blocks > 32) blocks = 32
                warps = blocks * ceil_div(threads[$2], 32)
                if (warps == max_warps || blocks == 32) limit = ""
                if (limit != "") blocks = blocks " (" limit ")"
            }
            spilled = $5 + $6 > 0
            if (spilled) print is_hot "\tsm_" sm "\t" $1 "\t" $5 "\t" $6 > spills
            gsub(/\|/, "\\|", $1)
            printf "| `%s` | %d | %d + %d | %d | %d | %d | %s | %s | %d | %s |\n", $1, $3, $5, $6, $4, $7, shared - $7, block, blocks, warps, is_hot (spilled ? (is_hot ? ", " : "") "SPILLS" : "")
        }
        END {
            for (i = 1; i <= patterns; i++) if (!used[i]) print "sm_" sm ": no kernel fits the entry " hot[i] > lost
            for (kernel in dynamic) if (!(kernel in asked)) print "sm_" sm ": dev/shared_memory.cpp names a kernel that there is not: " kernel > lost
        }
        function ceil_div(a, b) { return int((a + b - 1) / b) }'
}

: > "$tmp/spills"
: > "$tmp/lost"
printf '# ptxas report\n\n%s; flags %s\n' "$("$nvcc" --version | sed -n 's/.*release /nvcc /p')" "${flags[*]}"
printf '\n"hot" kernels must not spill. Blocks and warps on a multiprocessor are what registers and shared memory allow (the scarcer one is named), where __launch_bounds__ states no block by registers for one of any size.\n'
for sm in "${wanted[@]}"; do
    mkdir -p "$tmp/$sm"
    arch=${sm/#90/90a}                               # as the Makefile has it
    if ! "$nvcc" "${flags[@]}" -gencode "arch=compute_$arch,code=sm_$arch" -Xptxas -v -keep -keep-dir "$tmp/$sm" -cubin -o "$tmp/$sm/kernels.cubin" \
        kernels/cuda_instances.cu > "$tmp/$sm/log" 2>&1; then
        grep -vE '^ptxas info|bytes stack frame|^$' "$tmp/$sm/log" >&2 || true
        echo "error: kernels/cuda_instances.cu does not compile for sm_$sm; the message is above" >&2
        exit 1
    fi
    from_ptxas < "$tmp/$sm/log" > "$tmp/$sm/resources"
    sed -nE "s/.*(wgmma.mma_async instructions are serialized due to .*) in (the )?function '(.*)'.*/sm_$sm: \3: \1/p" "$tmp/$sm/log" | c++filt >> "$tmp/lost"
    cat "$tmp/$sm"/*.ptx | from_ptx > "$tmp/$sm/blocks"
    kernels=$(wc -l < "$tmp/$sm/resources")
    [ "$kernels" -gt 0 ] || { echo "error: sm_$sm: no kernel found in the output of ptxas; has its format changed?" >&2; exit 1; }
    printf '\n## sm_%s: %d kernels\n\n' "$sm" "$kernels"
    table "$sm" "$tmp/$sm/resources" "$tmp/$sm/blocks"
    rm -rf "${tmp:?}/$sm"
done

printf '\n## Verdict\n\n'
if [ -s "$tmp/spills" ]; then awk -F '\t' '{ printf "- %s: %s`%s` spills: %d bytes of stores, %d of loads\n", $2, $1 ? "HOT " : "", $3, $4, $5 }' "$tmp/spills"; fi
sed 's/^/- /' "$tmp/lost"
if grep -q '^hot' "$tmp/spills" || [ -s "$tmp/lost" ]; then
    echo "- FAILED: $(grep -c '^hot' "$tmp/spills" || true) spilling hot kernels, $(wc -l < "$tmp/lost") entries of the list without a kernel, or serialised products"
    exit 1
fi
echo "- ok: no hot kernel spills"
