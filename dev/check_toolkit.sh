#!/usr/bin/env bash
# Do the CUDA sources compile with another toolkit than the one whose nvcc is here? clang reads its headers (cudart, cuBLASLt, NCCL, NVTX), its
# ptxas assembles the result: what a toolkit of another release would refuse shows, but for what its nvcc alone would.
# usage: dev/check_toolkit.sh TOOLKIT [sm_NN...]     TOOLKIT: a folder with include/, bin/ptxas and nvvm/libdevice/; default sm_80 sm_90
# Without an installer such a folder comes from PyPI: the wheels nvidia-{cuda-nvcc,cuda-runtime,cuda-cccl,cublas,curand,nvtx,nccl}-cu12 of a release
# hold include/, and the first one bin/ptxas and nvvm/, under nvidia/NAME/. CLANG=clang++-19 names the compiler (clang 19 or later).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
toolkit=${1-} clang=${CLANG:-clang++-19}
[ -s "$toolkit/include/cuda.h" ] || { sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2; exit 2; }
command -v "$clang" > /dev/null || { echo "error: $clang is not found; set CLANG" >&2; exit 2; }
shift
[ $# -gt 0 ] || set -- sm_80 sm_90
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# what the sources use of OpenMP, in the place of g++'s header, which clang cannot read
for name in get_max_threads get_num_threads get_thread_num get_num_procs in_parallel get_thread_limit; do echo "extern \"C\" int omp_$name(void);"; done > "$tmp/omp.h"
echo 'extern "C" void omp_set_num_threads(int);' >> "$tmp/omp.h"
flags=(-x cuda "--cuda-path=$toolkit" -std=c++20 -I. "-I$tmp" -DTRAIN_GPT_CUDA -w)   # -w: nvcc's warnings are errors in `make`; these are clang's remarks on unrolling
"$toolkit/bin/ptxas" --version | sed -n 's/.*release/ptxas of release/p'
"$clang" "${flags[@]}" "--cuda-gpu-arch=$1" --cuda-host-only -fsyntax-only kernels/cuda_instances.cu
echo "host side: ok"
for sm in "$@"; do
    "$clang" "${flags[@]}" "--cuda-gpu-arch=$sm" --cuda-device-only -O3 -S kernels/cuda_instances.cu -o "$tmp/$sm.ptx"
    "$toolkit/bin/ptxas" -O1 "-arch=$sm" "$tmp/$sm.ptx" -o "$tmp/$sm.cubin"
    echo "$sm: ok, $(grep -c '\.entry ' "$tmp/$sm.ptx") kernels, PTX $(sed -n 's/^\.version //p' "$tmp/$sm.ptx")"
done
