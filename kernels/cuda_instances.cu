// kernels/cuda_instances.cu -- all CUDA code of the program: the kernels of this folder for both storage types, compiled by nvcc for
// the GPU (make cuda), or by g++ for the emulator (dev/emu).
#define CUDA_INSTANCES  // functions that are no templates are compiled here, and only here
#include "comm.hpp"
#include "cublaslt.hpp"
#include "instances.hpp"

KERNEL_INSTANCES(, Cuda, float)
KERNEL_INSTANCES(, Cuda, bf16)
KERNEL_INSTANCES_BF16(, Cuda)
template void quantise_fp8(Cuda&, const Fp8Matrix&, const float*, int64_t, int64_t);
template void quantise_fp8(Cuda&, const Fp8Matrix&, const bf16*, int64_t, int64_t);
