// kernels/global_norm.hpp -- the square of the length of all gradients together: what clipping and the log need.
//   squared_norm(x) = sum_i x_i^2            x: (n), fp32; summed in double, so 1e38 squared does not overflow
// A sum over 124 million terms must come out the same with one thread and with sixty: it is cut into chunks of a fixed
// size whose sums are added in order. NaN and Inf pass through, and the caller sees a non-finite norm.
#pragma once

#include "device.hpp"

constexpr int64_t kNormChunk = 1 << 15;  // 128 KiB

// ---- CPU

inline double squared_norm(Cpu& dev, const float* x, int64_t n) {
    const int64_t chunks = ceil_div(n, kNormChunk);
    auto* partial = static_cast<double*>(dev.workspace(size_t(chunks + 1) * sizeof(double)));
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (chunks > 1)
    for (int64_t k = 0; k < chunks; k++)
        simd([&]() ALWAYS_INLINE {
            // four quarters at once: one running sum would wait for each addition to finish before the next
            const int64_t size = std::min(kNormChunk, n - k * kNormChunk), quarter = size / 4;
            const float *x0 = x + k * kNormChunk, *x1 = x0 + quarter, *x2 = x1 + quarter, *x3 = x2 + quarter;
            double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            for (int64_t i = 0; i < quarter; i++) {
                s0 += double(x0[i]) * double(x0[i]);
                s1 += double(x1[i]) * double(x1[i]);
                s2 += double(x2[i]) * double(x2[i]);
                s3 += double(x3[i]) * double(x3[i]);
            }
            for (int64_t i = 4 * quarter; i < size; i++) s0 += double(x0[i]) * double(x0[i]);
            partial[k] = s0 + s1 + s2 + s3;
        });
    double sum = 0;
    for (int64_t k = 0; k < chunks; k++) sum += partial[k];
    return sum;
}
