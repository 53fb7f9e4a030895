// kernels/embedding.hpp -- a token is a row of wte, a position a row of wpe; their sum enters the residual stream.
//   forward    x_nc = wte[id_n]_c + wpe[position_n]_c      x: (N, C)   wte: (Vp, C)   wpe: (maxT, C)
//              ids, positions: (N)
//   backward   dwte[id_n]_c += dx_nc,  dwpe[position_n]_c += dx_nc                  fp32, += : gradients accumulate
// Promise: dwte and dwpe are summed in the order of n, so their bits do not depend on the number of threads.
// Does not: check ids and positions; whoever makes a batch has done it (the device side could not).
#pragma once

#include "device.hpp"

// ---- CPU
template <typename T>
void embedding_forward(Cpu& dev, T* x, const int32_t* ids, const int32_t* positions, const T* wte, const T* wpe,
                       int64_t N, int64_t C) {
    #pragma omp parallel for schedule(static) num_threads(dev.threads)
    for (int64_t n = 0; n < N; n++) {
        const T *token = wte + ids[n] * C, *position = wpe + positions[n] * C;
        T* x_n = x + n * C;
        simd([=]() ALWAYS_INLINE {
            for (int64_t c = 0; c < C; c++) x_n[c] = T(float(token[c]) + float(position[c]));
        });
    }
}

// Many n share a row, so a thread owns channels, not rows; multiples of 16 channels, a cache line of floats.
template <typename T>
void embedding_backward(Cpu& dev, float* dwte, float* dwpe, const T* dx, const int32_t* ids, const int32_t* positions,
                        int64_t N, int64_t C) {
    const int64_t share = round_up(ceil_div(C, int64_t(dev.threads)), int64_t(16));
    #pragma omp parallel for schedule(static) num_threads(dev.threads)
    for (int64_t c0 = 0; c0 < C; c0 += share) {
        const int64_t c1 = c0 + share < C ? c0 + share : C;
        simd([&]() ALWAYS_INLINE {
            for (int64_t n = 0; n < N; n++) {
                const T* dx_n = dx + n * C;
                float *token = dwte + ids[n] * C, *position = dwpe + positions[n] * C;
                for (int64_t c = c0; c < c1; c++) token[c] += float(dx_n[c]);
                for (int64_t c = c0; c < c1; c++) position[c] += float(dx_n[c]);
            }
        });
    }
}
