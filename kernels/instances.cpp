// kernels/instances.cpp -- see instances.hpp. One object for each storage type.
#include "instances.hpp"

#if defined(KERNELS_FP32)
KERNEL_INSTANCES(, Cpu, float)
KERNEL_INSTANCES_PACKED(, float)
KERNEL_INSTANCES_ONCE()
#elif defined(KERNELS_BF16)
KERNEL_INSTANCES(, Cpu, bf16)
KERNEL_INSTANCES_BF16(, Cpu)
KERNEL_INSTANCES_PACKED(, bf16)
#else
#error "compile with -DKERNELS_FP32 or -DKERNELS_BF16"
#endif
