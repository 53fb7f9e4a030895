// kernels/gelu.hpp -- the smooth gate of GPT-2's MLP: x times (nearly) the normal probability of being below x.
//   forward    y   = x/2 (1 + tanh u),    u = a (x + b x^3),    a = sqrt(2 / pi),  b = 0.044715        elementwise
//                  = x s                  with s = 1 / (1 + exp(-2u)), as (1 + tanh u) / 2 is the logistic function
//   backward   ds/dx = s (1 - s) 2 du/dx  and  du/dx = a (1 + 3 b x^2):
//              dx  = dy (s + x s (1 - s) 2 a (1 + 3 b x^2))                           =, in place over dy
// The form with s is computed: it keeps its relative precision where 1 + tanh u cancels (x < -3).
// The backward needs x, not y: so the MLP keeps the values before the gate (`pre` in gpt.hpp).
// Promises: NaN stays NaN; each element is computed alone, so the bits do not depend on the number of threads.
#pragma once

#include "cuda_packs.hpp"
#include "device.hpp"

constexpr float kGeluA = 0.79788456080286536f;  // sqrt(2 / pi)
constexpr float kGeluB = 0.044715f;

// ---- CPU

// s above. exp overflows to infinity for x below -10, and then s is 0, as it should be.
ALWAYS_INLINE inline float gelu_gate(float x) {
    return 1.0f / (1.0f + fast_exp(-2.0f * kGeluA * x * (1.0f + kGeluB * x * x)));
}
ALWAYS_INLINE inline float gelu(float x) { return x * gelu_gate(x); }

// dy/dx of gelu. Beyond |x| = 20 it is 0 or 1 to the last bit; the clamp keeps 0 * inf out of the second term.
ALWAYS_INLINE inline float gelu_slope(float x) {
    const float c = x > 20.0f ? 20.0f : x < -20.0f ? -20.0f : x;
    const float s = gelu_gate(c);
    return s + c * s * (1.0f - s) * 2.0f * kGeluA * (1.0f + 3.0f * kGeluB * c * c);
}

constexpr int64_t kGeluBlock = 4096;  // elements a thread takes at a time: 16 KiB, so L1 holds it

template <typename T>
void gelu_forward(Cpu& dev, T* y, const T* x, int64_t n) {
    #pragma omp parallel for num_threads(dev.threads) if (n > 8 * kGeluBlock)
    for (int64_t begin = 0; begin < n; begin += kGeluBlock) {
        const int64_t end = std::min(n, begin + kGeluBlock);
        simd([&]() ALWAYS_INLINE {
            for (int64_t i = begin; i < end; i++) y[i] = T(gelu(float(x[i])));
        });
    }
}

// d holds dy on entry and dx on return.
template <typename T>
void gelu_backward_inplace(Cpu& dev, T* d, const T* x, int64_t n) {
    #pragma omp parallel for num_threads(dev.threads) if (n > 8 * kGeluBlock)
    for (int64_t begin = 0; begin < n; begin += kGeluBlock) {
        const int64_t end = std::min(n, begin + kGeluBlock);
        simd([&]() ALWAYS_INLINE {
            for (int64_t i = begin; i < end; i++) d[i] = T(float(d[i]) * gelu_slope(float(x[i])));
        });
    }
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void gelu_forward(Cuda& dev, T* y, const T* x, int64_t n);
template <typename T>
void gelu_backward_inplace(Cuda& dev, T* d, const T* x, int64_t n);
#endif

#ifdef CUDA_KERNELS
namespace gelu_cuda {

constexpr int kThreads = 256;

// s of the formulas above; 2^x overflows to infinity for x below -10, and then s is 0, as it should be.
__device__ __forceinline__ float gate(float x) {
    constexpr float kLog2e = 1.44269504088896341f;
    return 1.0f / (1.0f + fast_exp2(-2.0f * kGeluA * kLog2e * x * (1.0f + kGeluB * x * x)));
}
__device__ __forceinline__ float slope(float x) {
    const float c = x > 20.0f ? 20.0f : x < -20.0f ? -20.0f : x;
    const float s = gate(c);
    return s + c * s * (1.0f - s) * 2.0f * kGeluA * (1.0f + 3.0f * kGeluB * c * c);
}

// One pack a thread. Floor: 2 numbers of memory an element (bf16: 4 bytes), about 20 operations, of which 2 of the special function unit.
template <typename T, bool vector>
__global__ void forward_kernel(T* y, const T* x, int64_t n) {
    constexpr int size = Pack<T>::size;
    const int64_t i = (int64_t(blockIdx.x) * kThreads + threadIdx.x) * size;
    if (i >= n) return;
    float v[size];
    load_floats<vector>(v, x + i, n - i);
    #pragma unroll
    for (int k = 0; k < size; k++) v[k] *= gate(v[k]);
    store_floats<vector>(y + i, v, n - i);
}

// Floor: 3 numbers an element (bf16: 6 bytes), about 30 operations.
template <typename T, bool vector>
__global__ void backward_kernel(T* d, const T* x, int64_t n) {
    constexpr int size = Pack<T>::size;
    const int64_t i = (int64_t(blockIdx.x) * kThreads + threadIdx.x) * size;
    if (i >= n) return;
    float v[size], g[size];
    load_floats<vector>(v, x + i, n - i);
    load_floats<vector>(g, d + i, n - i);
    #pragma unroll
    for (int k = 0; k < size; k++) g[k] *= slope(v[k]);
    store_floats<vector>(d + i, g, n - i);
}

}  // namespace gelu_cuda

template <typename T>
void gelu_forward(Cuda& dev, T* y, const T* x, int64_t n) {
    using namespace gelu_cuda;
    const dim3 grid(unsigned(ceil_div(n, int64_t(kThreads) * Pack<T>::size)));
    launch(rows_are_packs<T>(0, y, x) ? forward_kernel<T, true> : forward_kernel<T, false>, grid, dim3(kThreads), 0, dev.stream, y, x, n);
}

template <typename T>
void gelu_backward_inplace(Cuda& dev, T* d, const T* x, int64_t n) {
    using namespace gelu_cuda;
    const dim3 grid(unsigned(ceil_div(n, int64_t(kThreads) * Pack<T>::size)));
    launch(rows_are_packs<T>(0, d, x) ? backward_kernel<T, true> : backward_kernel<T, false>, grid, dim3(kThreads), 0, dev.stream, d, x, n);
}
#endif
