// kernels/instances.hpp -- the kernels compiled once for each device and storage type. Not needed to read on.
//
// On the CPU this only saves time: every kernel is a template, and the Makefile compiles them into two objects (kernels/instances.cpp
// with -DKERNELS_FP32 and -DKERNELS_BF16) that program and tests share, and defines TRAIN_GPT_EXTERN_KERNELS elsewhere, which turns
// this list into `extern template`: "do not compile these here". A kernel missing from the list is merely compiled again by
// whoever uses it; one whose signature differs is a compile error.
// For CUDA it is the border between the compilers: kernels/cuda_instances.cu is all that nvcc compiles (the emulator build: g++), and
// everyone else sees declarations. A kernel missing from the list is an undefined symbol at the end.
#pragma once

#include "adamw.hpp"
#include "attention.hpp"
#include "classifier.hpp"
#include "column_sums.hpp"
#include "embedding.hpp"
#include "gelu.hpp"
#include "global_norm.hpp"
#include "layernorm.hpp"
#include "matmul.hpp"
#ifndef __CUDACC__
#include "quantized.hpp"  // for processors only: nvcc need not know its vectors
#endif
#include "random.hpp"
#include "sampling.hpp"
#include "score_head.hpp"

// clang-format off
#define KERNEL_INSTANCES(EXTERN, Dev, T)                                                                                                                        \
    EXTERN template void attention_forward(Dev&, T*, float*, const T*, int64_t, int64_t, int64_t, int64_t);                                                \
    EXTERN template void attention_backward(Dev&, T*, float*, const T*, const T*, const T*, const float*, int64_t, int64_t, int64_t, int64_t);             \
    EXTERN template void attention_cached(Dev&, T*, T*, T*, const T*, const int32_t*, const int32_t*, int64_t, int64_t, int64_t, int64_t, int64_t);        \
    EXTERN template void classifier(Dev&, float*, float*, T*, const int32_t*, const float*, int64_t, int64_t, int64_t, bool, const float*);                \
    EXTERN template void embedding_forward(Dev&, T*, const int32_t*, const int32_t*, const T*, const T*, int64_t, int64_t);                                \
    EXTERN template void embedding_backward(Dev&, float*, float*, const T*, const int32_t*, const int32_t*, int64_t, int64_t);                             \
    EXTERN template void matmul<float, T>(Dev&, float*, const T*, const T*, int64_t, int64_t, int64_t, bool, bool, bool);                                  \
    EXTERN template void linear_forward(Dev&, T*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                                                \
    EXTERN template void linear_gelu_forward(Dev&, T*, T*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                                       \
    EXTERN template void linear_backward(Dev&, T*, float*, float*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                               \
    EXTERN template void linear_gelu_backward(Dev&, T*, float*, float*, const T*, const T*, const T*, const T*, int64_t, int64_t, int64_t);                \
    EXTERN template void gelu_forward(Dev&, T*, const T*, int64_t);                                                                                        \
    EXTERN template void gelu_backward_inplace(Dev&, T*, const T*, int64_t);                                                                               \
    EXTERN template void layernorm_forward(Dev&, T*, float*, float*, const T*, const T*, const T*, int64_t, int64_t);                                      \
    EXTERN template void residual_forward(Dev&, T*, const T*, const T*, int64_t);                                                                          \
    EXTERN template void residual_layernorm_forward(Dev&, T*, T*, float*, float*, const T*, const T*, const T*, const T*, int64_t, int64_t);               \
    EXTERN template void layernorm_backward(Dev&, T*, float*, float*, float*, const T*, const T*, const T*, const float*, const float*, int64_t, int64_t); \
    EXTERN template void sample_rows(Dev&, int32_t*, const T*, const float*, int64_t, int64_t, int64_t, const SamplingConfig&, float*);                                 \
    EXTERN template void score_head(Dev&, float*, T*, float*, const T*, const T*, const int32_t*, const float*, int64_t, int64_t);                           \
    EXTERN template void add_column_sums(Dev&, float*, const T*, int64_t, int64_t);                                                                             \
    EXTERN template void adamw_update(Dev&, T*, float*, float*, float*, const float*, int64_t, const AdamW&, const uint32_t*, const float*);
// products that bf16 has and float does not: fp32 has one result type only
#define KERNEL_INSTANCES_BF16(EXTERN, Dev) \
    EXTERN template void matmul<bf16, bf16>(Dev&, bf16*, const bf16*, const bf16*, int64_t, int64_t, int64_t, bool, bool, bool);
// weights packed for generation: for processors only
#define KERNEL_INSTANCES_PACKED(EXTERN, T) \
    EXTERN template void linear_packed(Cpu&, T*, const T*, const PackedMatrix&, const T*, bool, int64_t);             \
    EXTERN template void embedding_packed(Cpu&, T*, const int32_t*, const int32_t*, const PackedMatrix&, const T*, int64_t, int64_t);
// what depends on neither device nor storage type, or exists for one of them only
#define KERNEL_INSTANCES_ONCE(EXTERN)                                          \
    EXTERN template void draw_uniforms(Mt19937&, float*, int64_t);             \
    EXTERN template void box_muller_blocks(float*, int64_t, float, float);
// clang-format on

#ifdef TRAIN_GPT_EXTERN_KERNELS
KERNEL_INSTANCES(extern, Cpu, float)
KERNEL_INSTANCES(extern, Cpu, bf16)
KERNEL_INSTANCES_BF16(extern, Cpu)
KERNEL_INSTANCES_PACKED(extern, float)
KERNEL_INSTANCES_PACKED(extern, bf16)
KERNEL_INSTANCES_ONCE(extern)
#endif
