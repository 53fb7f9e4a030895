// kernels/instances.hpp -- the CPU kernels compiled once for each storage type, to build faster. Not needed to read on.
//
// Every kernel is a template, so train_gpt.cu alone is a complete program. The Makefile compiles the kernels into two objects
// (kernels/instances.cpp with -DKERNELS_FP32 and -DKERNELS_BF16) that program and tests share, and defines TRAIN_GPT_EXTERN_KERNELS
// elsewhere, which turns this list into `extern template`: "do not compile these here". A kernel missing from the list is
// merely compiled again by whoever uses it; one whose signature differs is a compile error.
#pragma once

#include "adamw.hpp"
#include "attention.hpp"
#include "classifier.hpp"
#include "embedding.hpp"
#include "gelu.hpp"
#include "global_norm.hpp"
#include "layernorm.hpp"
#include "matmul.hpp"

// clang-format off
#define KERNEL_INSTANCES(EXTERN, T)                                                                                                                        \
    EXTERN template void attention_forward(Cpu&, T*, float*, const T*, int64_t, int64_t, int64_t, int64_t);                                                \
    EXTERN template void attention_backward(Cpu&, T*, const T*, const T*, const T*, const float*, int64_t, int64_t, int64_t, int64_t);                     \
    EXTERN template void attention_cached(Cpu&, T*, T*, T*, const T*, const int32_t*, const int32_t*, int64_t, int64_t, int64_t, int64_t, int64_t);        \
    EXTERN template void classifier(Cpu&, float*, float*, T*, const int32_t*, const float*, int64_t, int64_t, int64_t, bool);                              \
    EXTERN template void embedding_forward(Cpu&, T*, const int32_t*, const int32_t*, const T*, const T*, int64_t, int64_t);                                \
    EXTERN template void embedding_backward(Cpu&, float*, float*, const T*, const int32_t*, const int32_t*, int64_t, int64_t);                             \
    EXTERN template void matmul<float, T>(Cpu&, float*, const T*, const T*, int64_t, int64_t, int64_t, bool, bool, bool);                                  \
    EXTERN template void linear_forward(Cpu&, T*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                                                \
    EXTERN template void linear_gelu_forward(Cpu&, T*, T*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                                       \
    EXTERN template void linear_backward(Cpu&, T*, float*, float*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                               \
    EXTERN template void gelu_forward(Cpu&, T*, const T*, int64_t);                                                                                        \
    EXTERN template void gelu_backward_inplace(Cpu&, T*, const T*, int64_t);                                                                               \
    EXTERN template void layernorm_forward(Cpu&, T*, float*, float*, const T*, const T*, const T*, int64_t, int64_t);                                      \
    EXTERN template void residual_forward(Cpu&, T*, const T*, const T*, int64_t);                                                                          \
    EXTERN template void residual_layernorm_forward(Cpu&, T*, T*, float*, float*, const T*, const T*, const T*, const T*, int64_t, int64_t);               \
    EXTERN template void layernorm_backward(Cpu&, T*, float*, float*, const T*, const T*, const T*, const float*, const float*, int64_t, int64_t);         \
    EXTERN template void adamw_update(Cpu&, T*, float*, float*, float*, const float*, int64_t, const AdamW&);
// products that bf16 has and float does not: fp32 has one result type only
#define KERNEL_INSTANCES_BF16(EXTERN) \
    EXTERN template void matmul<bf16, bf16>(Cpu&, bf16*, const bf16*, const bf16*, int64_t, int64_t, int64_t, bool, bool, bool);
// clang-format on

#ifdef TRAIN_GPT_EXTERN_KERNELS
KERNEL_INSTANCES(extern, float)
KERNEL_INSTANCES(extern, bf16)
KERNEL_INSTANCES_BF16(extern)
#endif
