// kernels/attention.hpp -- every position looks at itself and at all positions before it, head by head.
//   forward    s_ij  = (q_i . k_j) / sqrt(HS)   for j <= i                   qkv: (B, T, 3C) = [q | k | v], C = NH * HS
//              p_ij  = exp(s_ij - lse_i),  lse_i = log(sum_j exp(s_ij))       lse: (B, NH, T), kept for the backward
//              y_i   = sum_j p_ij * v_j                                       y:   (B, T, C)
//   backward   dv_j  = sum_i p_ij * dy_i                                      dqkv: (B, T, 3C), overwritten
//              dp_ij = dy_i . v_j                     softmax: ds_ij = p_ij * (dp_ij - D_i)
//              D_i   = sum_j p_ij * dp_ij             = dy_i . y_i, so one dot product instead of a row of p
//              dq_i  = sum_j ds_ij * k_j / sqrt(HS),  dk_j = sum_i ds_ij * q_i / sqrt(HS)
// No T x T matrix: scores live in tiles of a few rows times some keys (FlashAttention, Dao et al. 2022). Three ways to fill
// them: floats (attention_floats.hpp), pairs of bf16 (attention_pairs.hpp), a GPU (attention_cuda.hpp).
// Promises: a row has the same bits in any batch, with any number of threads, and whether its past is computed with it
// or lies in a cache; nothing after position i, not even a NaN, reaches y_i.
#pragma once

#include "attention_floats.hpp"
#include "attention_pairs.hpp"
#include "column_sums.hpp"

// ---- CPU: which of the two ways, by storage type and processor

namespace attention {

template <typename T>
bool by_pairs([[maybe_unused]] int64_t HS) {
#if TRAIN_GPT_PAIRS
    return sizeof(T) == 2 && pairs::takes(HS);
#else
    return false;
#endif
}
// Scratch of a thread in bytes.
template <typename T>
size_t forward_bytes(int64_t HS) {
    size_t bytes = size_t(forward_scratch(HS)) * sizeof(float);
#if TRAIN_GPT_PAIRS
    if (by_pairs<T>(HS)) bytes = size_t(pairs::forward_scratch(HS));
#endif
    return round_up(bytes, size_t(256));
}
template <typename T>
size_t backward_bytes(int64_t T_, int64_t HS) {
    size_t bytes = size_t(backward_scratch(T_, HS)) * sizeof(float);
#if TRAIN_GPT_PAIRS
    if (by_pairs<T>(HS)) bytes = size_t(pairs::backward_scratch(T_, HS));
#endif
    return round_up(bytes, size_t(256));
}
template <typename T>
void run_chunk(const Head<T>& head, int64_t chunk, char* scratch) {
#if TRAIN_GPT_PAIRS
    if constexpr (sizeof(T) == 2)
        if (by_pairs<T>(head.HS)) return pairs::with_unit([&](auto unit) { pairs::forward_chunk<decltype(unit)>(head, chunk, scratch); });
#endif
    forward_chunk(head, chunk, reinterpret_cast<float*>(scratch));
}
template <typename T>
void run_head_backward(T* dqkv, const T* dy, const T* qkv, const T* y, const float* lse, int64_t T_, int64_t C, int64_t HS, char* scratch) {
#if TRAIN_GPT_PAIRS
    if constexpr (sizeof(T) == 2)
        if (by_pairs<T>(HS))
            return pairs::with_unit([&](auto unit) { pairs::backward_head<decltype(unit)>(dqkv, dy, qkv, y, lse, T_, C, HS, scratch); });
#endif
    backward_head(dqkv, dy, qkv, y, lse, T_, C, HS, reinterpret_cast<float*>(scratch));
}

}  // namespace attention

// y (B, T, C), lse (B, NH, T), qkv (B, T, 3C). One thread per head and chunk of queries, the longest first.
template <typename T>
void attention_forward(Cpu& dev, T* y, float* lse, const T* qkv, int64_t B, int64_t T_, int64_t NH, int64_t HS) {
    const int64_t C = NH * HS, chunks = ceil_div(T_, attention::kChunk);
    const size_t bytes = attention::forward_bytes<T>(HS);
    char* scratch = static_cast<char*>(dev.workspace(size_t(dev.threads) * bytes));
    #pragma omp parallel for schedule(dynamic) num_threads(dev.threads)
    for (int64_t item = 0; item < B * NH * chunks; item++) {
        const int64_t chunk = chunks - 1 - item / (B * NH), b = item % (B * NH) / NH, h = item % NH;
        const T* q = qkv + b * T_ * 3 * C + h * HS;
        const attention::Head<T> head{y + b * T_ * C + h * HS, lse + (b * NH + h) * T_, q, q + C, q + 2 * C,
                                      C, 3 * C, 3 * C, 0, T_, HS};
        attention::run_chunk(head, chunk, scratch + size_t(omp_get_thread_num()) * bytes);
    }
}

// dqkv (B, T, 3C) is overwritten; db (3C) += the column sums of dqkv as stored, or null: the gradient of the bias of the
// layer that made qkv. One thread per head: sums over queries and keys have one order.
template <typename T>
void attention_backward(Cpu& dev, T* dqkv, float* db, const T* dy, const T* qkv, const T* y, const float* lse, int64_t B,
                        int64_t T_, int64_t NH, int64_t HS) {
    const int64_t C = NH * HS;
    const size_t bytes = attention::backward_bytes<T>(T_, HS);
    char* scratch = static_cast<char*>(dev.workspace(size_t(dev.threads) * bytes));
    #pragma omp parallel for schedule(dynamic) num_threads(dev.threads)
    for (int64_t item = 0; item < B * NH; item++) {
        const int64_t b = item / NH, h = item % NH, in = b * T_ * 3 * C + h * HS, out = b * T_ * C + h * HS;
        char* own = scratch + size_t(omp_get_thread_num()) * bytes;
        attention::run_head_backward(dqkv + in, dy + out, qkv + in, y + out, lse + item * T_, T_, C, HS, own);
    }
    if (db) add_column_sums(dev, db, dqkv, B * T_, 3 * C);
}

// Generation: k_cache, v_cache (R, NH, T_max, HS) hold the past of R rows, that of a head in one piece: keys that lie C numbers apart cost a page of
// memory for every few of them, and half of the speed. qkv (B, n, 3C) are n new positions of B sequences; sequence b lives in row slot[b], where
// past[b] positions are already. Appends k and v there; y (B, n, C) is the causal attention over past and new, with the bits of attention_forward.
template <typename T>
void attention_cached(Cpu& dev, T* y, T* k_cache, T* v_cache, const T* qkv, const int32_t* slot, const int32_t* past,
                      int64_t B, int64_t n, int64_t T_max, int64_t NH, int64_t HS) {
    const int64_t C = NH * HS, chunks = ceil_div(n, attention::kChunk);
    for (int64_t b = 0; b < B; b++)
        ASSERT(slot[b] >= 0 && past[b] >= 0 && past[b] + n <= T_max, "row ", b, ": slot ", slot[b], ", ", past[b],
               " + ", n, " positions, cache of ", T_max);
    const size_t bytes = attention::forward_bytes<T>(HS);
    char* scratch = static_cast<char*>(dev.workspace(size_t(dev.threads) * bytes));
    #pragma omp parallel num_threads(dev.threads)
    {
        #pragma omp for
        for (int64_t i = 0; i < B * n; i++) {
            const int64_t b = i / n;
            const T* const k = qkv + i * 3 * C + C;
            for (int64_t h = 0; h < NH; h++) {
                const int64_t at = ((slot[b] * NH + h) * T_max + past[b] + i % n) * HS;
                std::copy_n(k + h * HS, HS, k_cache + at);
                std::copy_n(k + C + h * HS, HS, v_cache + at);
            }
        }
        // A token that is written reads much and computes little: a thread takes several heads of a row, and asks for the next one's keys ahead.
        const int64_t together = n > 1 ? 1 : std::clamp<int64_t>(B * NH / (4 * dev.threads), 1, NH);
        #pragma omp for schedule(dynamic, together)
        for (int64_t item = 0; item < B * NH * chunks; item++) {
            const int64_t chunk = chunks - 1 - item / (B * NH), b = item % (B * NH) / NH, h = item % NH;
            const int64_t cached = (slot[b] * NH + h) * T_max * HS, in = b * n * 3 * C + h * HS;
            attention::Head<T> head{y + b * n * C + h * HS, nullptr, qkv + in, k_cache + cached, v_cache + cached,
                                    C, 3 * C, HS, past[b], n, HS};
            if (together > 1 && h + 1 < NH) {
                attention::Head<T> next = head;
                next.k += T_max * HS, next.v += T_max * HS;
                attention::prefetch_keys(next, 0, std::min<int64_t>(past[b], attention::kKeys));
            }
            attention::run_chunk(head, chunk, scratch + size_t(omp_get_thread_num()) * bytes);
        }
    }
}

// ---- CUDA: the same three operations; the kernels have a file of their own.

#ifdef TRAIN_GPT_CUDA
template <typename T>
void attention_forward(Cuda& dev, T* y, float* lse, const T* qkv, int64_t B, int64_t T_, int64_t NH, int64_t HS);
template <typename T>
void attention_backward(Cuda& dev, T* dqkv, float* db, const T* dy, const T* qkv, const T* y, const float* lse, int64_t B,
                        int64_t T_, int64_t NH, int64_t HS);
// slot and past are device arrays, so nothing is checked here: a row whose slot or past is negative, or whose positions
// do not fit the cache, leaves the cache alone and gives y = NaN.
template <typename T>
void attention_cached(Cuda& dev, T* y, T* k_cache, T* v_cache, const T* qkv, const int32_t* slot, const int32_t* past,
                      int64_t B, int64_t n, int64_t T_max, int64_t NH, int64_t HS);
#endif
#ifdef CUDA_KERNELS
#include "attention_cuda.hpp"
#endif
