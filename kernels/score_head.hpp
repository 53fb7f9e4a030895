// kernels/score_head.hpp -- the head of a reward model: one number at the end of a text, instead of a logit for each token.
//   forward    score_n = sum_c x_nc * w_c,  loss_n = -score_n           x: (N, C)   w: (C)   loss, weights, targets: (N)
//   backward   of L = sum_n weight_n * loss_n:  dx_nc = -weight_n * w_c,   dw_c += -sum_n weight_n * x_nc      dx is written, dw joins
// A row counts where target_n >= 0, as for the classifier, whose place this takes: so a batch (inputs, targets, weights) means the same to both,
// and whoever makes one chooses the rows (the ends of answers) and their weights, here the slopes of a loss over the scores.
// Promises: other rows are never read, their loss and dx are 0; dw is summed in the order of n, so its bits do not depend on threads.
#pragma once

#include "cuda_packs.hpp"
#include "device.hpp"

// ---- CPU
// dx and dw may be null: then only the losses are written.
template <typename T>
void score_head(Cpu& dev, float* loss, T* dx, float* dw, const T* x, const T* w, const int32_t* targets, const float* weights, int64_t N, int64_t C) {
    #pragma omp parallel for schedule(static) num_threads(dev.threads)
    for (int64_t n = 0; n < N; n++) {
        const bool counts = targets[n] >= 0;
        const T* x_n = x + n * C;
        double score = 0;                                    // few rows count: double costs nothing here
        for (int64_t c = 0; counts && c < C; c++) score += double(float(x_n[c])) * double(float(w[c]));
        loss[n] = float(-score);
        for (int64_t c = 0; dx && c < C; c++) dx[n * C + c] = T(counts ? -weights[n] * float(w[c]) : 0.0f);
    }
    if (!dw) return;
    for (int64_t n = 0; n < N; n++)
        if (targets[n] >= 0 && weights[n] != 0)
            for (int64_t c = 0; c < C; c++) dw[c] -= weights[n] * float(x[n * C + c]);
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void score_head(Cuda& dev, float* loss, T* dx, float* dw, const T* x, const T* w, const int32_t* targets, const float* weights, int64_t N, int64_t C);
#endif

#ifdef CUDA_KERNELS
namespace score_head_cuda {

constexpr int kWarps = 4, kThreads = 32 * kWarps;

// A warp a row. Floor: N C numbers written (bf16: 2 N C bytes) and 8 N bytes of targets and losses; of the K rows that count, a few in a hundred, K C
// numbers read, and 3 K C FLOPs.
template <typename T>
__global__ void __launch_bounds__(kThreads) row_kernel(float* loss, T* dx, const T* x, const T* w, const int32_t* targets, const float* weights, int64_t N, int64_t C) {
    const int64_t n = int64_t(blockIdx.x) * kWarps + threadIdx.x / 32;
    const int lane = int(threadIdx.x) % 32;
    if (n >= N) return;                                      // whole warps leave
    const bool counts = targets[n] >= 0;
    float score = 0;
    if (counts)
        for (int64_t c = lane; c < C; c += 32) score += float(x[n * C + c]) * float(w[c]);
    score = warp_sum(score);
    if (lane == 0) loss[n] = -score;
    if (!dx) return;
    const float slope = counts ? -weights[n] : 0.0f;
    for (int64_t c = lane; c < C; c += 32) dx[n * C + c] = T(counts ? slope * float(w[c]) : 0.0f);
}

// A thread a channel; all of them walk over the rows in order and stop at those that count. Floor: 4 N bytes of targets, from L1 but for the first look,
// K C numbers of the rows that count, 8 C bytes of dw; N C comparisons and 2 K C FLOPs, in ceil(C / kThreads) blocks.
template <typename T>
__global__ void __launch_bounds__(kThreads) weight_kernel(float* dw, const T* x, const int32_t* targets, const float* weights, int64_t N, int64_t C) {
    const int64_t c = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (c >= C) return;
    float sum = 0;
    #pragma unroll 4
    for (int64_t n = 0; n < N; n++)
        if (targets[n] >= 0 && weights[n] != 0) sum -= weights[n] * float(x[n * C + c]);
    dw[c] += sum;
}

}  // namespace score_head_cuda

template <typename T>
void score_head(Cuda& dev, float* loss, T* dx, float* dw, const T* x, const T* w, const int32_t* targets, const float* weights, int64_t N, int64_t C) {
    using namespace score_head_cuda;
    launch(row_kernel<T>, dim3(unsigned(ceil_div(N, int64_t(kWarps)))), dim3(kThreads), 0, dev.stream, loss, dx, x, w, targets, weights, N, C);
    if (dw) launch(weight_kernel<T>, dim3(unsigned(ceil_div(C, int64_t(kThreads)))), dim3(kThreads), 0, dev.stream, dw, x, targets, weights, N, C);
}
#endif
