// kernels/gemm.hpp -- one matrix product as a value: its operands, how they lie, and what happens to its result while that is still in the cache.
// The engines that compute it: our blocked product (matmul.hpp), ours by AMX (gemm_amx.hpp), oneDNN (matmul.hpp).
#pragma once

#include "device.hpp"
#include "gelu.hpp"

#if __has_include(<oneapi/dnnl/dnnl.h>) && !defined(TRAIN_GPT_NO_ONEDNN)
#define TRAIN_GPT_ONEDNN 1
#include <oneapi/dnnl/dnnl.h>  // the C interface: on dnnl.hpp of 2.6 the front end of nvcc 13.0 aborts in C++20
#else
#define TRAIN_GPT_ONEDNN 0
#endif

// Which engine multiplies. `measured` is the faster one for the shape; TRAIN_GPT_MATMUL=own|onednn forces one of them.
enum class MatmulEngine { measured, own, onednn };
inline MatmulEngine matmul_engine() {
    static const MatmulEngine engine = [] {
        const char* wanted = std::getenv("TRAIN_GPT_MATMUL");
        const std::string s = wanted ? wanted : "measured";
        if (s == "onednn" && !TRAIN_GPT_ONEDNN)
            throw UsageError("TRAIN_GPT_MATMUL=onednn: built without oneDNN", "install libdnnl-dev, then make");
        if (s != "measured" && s != "own" && s != "onednn")
            throw UsageError(cat("TRAIN_GPT_MATMUL=", s, ": unknown, expected measured, own or onednn"));
        return s == "own" ? MatmulEngine::own : s == "onednn" ? MatmulEngine::onednn : MatmulEngine::measured;
    }();
    return engine;
}

// The end of a row of C: take the finished sums (nullptr: they are in c already), add the bias, apply the gate.
template <typename TC>
ALWAYS_INLINE inline void finish_row(TC* c, const float* sum, bool accumulate, const TC* bias, TC* gelu_out,
                                     int64_t n) {
    if (sum && accumulate)
        for (int64_t q = 0; q < n; q++) c[q] = TC(float(c[q]) + sum[q]);
    else if (sum && bias)
        for (int64_t q = 0; q < n; q++) c[q] = TC(sum[q] + float(bias[q]));
    else if (sum)
        store_row(c, sum, n);
    else if (bias)
        for (int64_t q = 0; q < n; q++) c[q] = TC(float(c[q]) + float(bias[q]));
    if (gelu_out)
        for (int64_t q = 0; q < n; q++) gelu_out[q] = TC(gelu(float(c[q])));
}

// One product and what happens to its result while that is still in the cache.
template <typename TC, typename T>
struct Gemm {
    TC* c;                        // (M, N)
    const T *a, *b;               // a: (M, K), or (K, M) where ta;  b: (K, N), or (N, K) where tb
    int64_t M, N, K;
    bool ta = false, tb = false;
    bool accumulate = false;      // c += instead of c =
    const TC* bias = nullptr;     // (N), added to each row
    TC* gelu_out = nullptr;       // (M, N), gelu of c as stored (rounded): a backward from c sees the same numbers
    MatmulEngine engine = matmul_engine();

    // C[i : i+rows, j : j+cols] has its sums: in sum (rows, cols; row stride ld), or in C itself where sum is null.
    void finish(int64_t i, int64_t rows, int64_t j, int64_t cols, const float* sum, int64_t ld) const {
        if (!sum && !bias && !gelu_out) return;
        simd([&]() ALWAYS_INLINE {
            for (int64_t r = 0; r < rows; r++) {
                const int64_t at = (i + r) * N + j;
                finish_row(c + at, sum ? sum + r * ld : nullptr, accumulate, bias ? bias + j : nullptr,
                           gelu_out ? gelu_out + at : nullptr, cols);
            }
        });
    }
};
