// kernels/layernorm.hpp -- give each row mean 0 and variance 1, then scale and shift each channel; and the residual sum
// before it.    x, y: (N, C)   w, b: (C)   mean, rstd: (N), kept for the backward
//   forward    m = mean_c(x_c),  r = 1 / sqrt(mean_c((x_c - m)^2) + eps),  h_c = (x_c - m) r  (the normalised row)
//              y_c = h_c w_c + b_c
//   backward   db_c += sum_n dy_nc      dw_c += sum_n dy_nc h_nc                         += : fp32 gradients
//              with g_c = dy_c w_c: m and r depend on the whole row, and dm/dx_k = 1/C, dr/dx_k = -r^2 h_k / C, so
//              dx_k += r (g_k - mean_c(g_c) - h_k mean_c(g_c h_c))                       += : joins the residual stream
// The variance takes a second pass over the row (it is in L1): mean(x^2) - m^2 would cancel.
// Promises: the sums over rows run in chunks of a fixed size, so the bits do not depend on the number of threads.
#pragma once

#include "device.hpp"

constexpr float kLayerNormEps = 1e-5f;
constexpr int64_t kLayerNormRows = 32;  // rows a thread takes at a time, and the chunk of the sums over rows

// ---- CPU

template <typename T>
ALWAYS_INLINE inline void layernorm_row(T* y, float& mean, float& rstd, const T* x, const T* w, const T* b, int64_t C) {
    float sum = 0;
    for (int64_t c = 0; c < C; c++) sum += float(x[c]);
    const float m = sum / float(C);
    float squares = 0;
    for (int64_t c = 0; c < C; c++) squares += (float(x[c]) - m) * (float(x[c]) - m);
    const float r = 1.0f / std::sqrt(squares / float(C) + kLayerNormEps);
    for (int64_t c = 0; c < C; c++) y[c] = T((float(x[c]) - m) * r * float(w[c]) + float(b[c]));
    mean = m;
    rstd = r;
}

// Run rows(begin, end) over chunks of kLayerNormRows rows, compiled for this processor.
template <typename F>
void for_row_chunks(Cpu& dev, int64_t N, int64_t C, F rows) {
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (N * C > 1 << 14)
    for (int64_t begin = 0; begin < N; begin += kLayerNormRows) {
        const int64_t end = std::min(N, begin + kLayerNormRows);
        simd([&]() ALWAYS_INLINE { rows(begin, end); });
    }
}

template <typename T>
void layernorm_forward(Cpu& dev, T* y, float* mean, float* rstd, const T* x, const T* w, const T* b, int64_t N,
                       int64_t C) {
    for_row_chunks(dev, N, C, [&](int64_t begin, int64_t end) ALWAYS_INLINE {
        for (int64_t n = begin; n < end; n++) layernorm_row(y + n * C, mean[n], rstd[n], x + n * C, w, b, C);
    });
}

// sum = x + r
template <typename T>
void residual_forward(Cpu& dev, T* sum, const T* x, const T* r, int64_t n) {
    constexpr int64_t kBlock = 4096;
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (n > 1 << 14)
    for (int64_t begin = 0; begin < n; begin += kBlock) {
        const int64_t end = std::min(n, begin + kBlock);
        simd([&]() ALWAYS_INLINE {
            for (int64_t i = begin; i < end; i++) sum[i] = T(float(x[i]) + float(r[i]));
        });
    }
}

// sum = x + r;  y = layernorm(sum), of the sum as stored: the backward sees the same (rounded) numbers.
template <typename T>
void residual_layernorm_forward(Cpu& dev, T* sum, T* y, float* mean, float* rstd, const T* x, const T* r, const T* w,
                                const T* b, int64_t N, int64_t C) {
    for_row_chunks(dev, N, C, [&](int64_t begin, int64_t end) ALWAYS_INLINE {
        for (int64_t n = begin; n < end; n++) {
            T* s = sum + n * C;
            for (int64_t c = 0; c < C; c++) s[c] = T(float(x[n * C + c]) + float(r[n * C + c]));
            layernorm_row(y + n * C, mean[n], rstd[n], s, w, b, C);
        }
    });
}

// One row of the backward; dw and db here are this chunk's sums.
template <typename T>
ALWAYS_INLINE inline void layernorm_backward_row(T* dx, float* dw, float* db, const T* dy, const T* x, const T* w,
                                                 float m, float r, int64_t C) {
    // forward was y_c = h_c w_c + b_c with h_c = (x_c - m) r
    float g_mean = 0, gh_mean = 0;
    for (int64_t c = 0; c < C; c++) {
        const float h = (float(x[c]) - m) * r, d = float(dy[c]), g = d * float(w[c]);
        g_mean += g;
        gh_mean += g * h;
        dw[c] += d * h;
        db[c] += d;
    }
    g_mean /= float(C);
    gh_mean /= float(C);
    for (int64_t c = 0; c < C; c++) {
        const float h = (float(x[c]) - m) * r, g = float(dy[c]) * float(w[c]);
        dx[c] = T(float(dx[c]) + r * (g - g_mean - h * gh_mean));
    }
}

// dx +=, dw +=, db += (fp32).
template <typename T>
void layernorm_backward(Cpu& dev, T* dx, float* dw, float* db, const T* dy, const T* x, const T* w, const float* mean,
                        const float* rstd, int64_t N, int64_t C) {
    const int64_t chunks = ceil_div(N, kLayerNormRows);
    auto* partial = static_cast<float*>(dev.workspace(size_t(chunks * 2 * C + 1) * sizeof(float)));  // (chunks, 2, C)
    for_row_chunks(dev, N, C, [&](int64_t begin, int64_t end) ALWAYS_INLINE {
        float* dw_part = partial + begin / kLayerNormRows * 2 * C;
        std::fill_n(dw_part, 2 * C, 0.0f);
        for (int64_t n = begin; n < end; n++)
            layernorm_backward_row(dx + n * C, dw_part, dw_part + C, dy + n * C, x + n * C, w, mean[n], rstd[n], C);
    });
    constexpr int64_t kCols = 512;
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (chunks * C > 1 << 14)
    for (int64_t j = 0; j < C; j += kCols)
        simd([&]() ALWAYS_INLINE {
            for (int64_t k = 0; k < chunks; k++)
                for (int64_t c = j; c < std::min(C, j + kCols); c++) {
                    dw[c] += partial[k * 2 * C + c];
                    db[c] += partial[(k * 2 + 1) * C + c];
                }
        });
}
