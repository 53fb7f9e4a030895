// kernels/cuda_packs.hpp -- sixteen bytes at a time: how CUDA kernels bring numbers of type T into registers as floats, and back.
//
// A pack is 4 floats or 8 bf16, the most that one instruction moves. Rows can be cut into packs where C is a multiple of the pack and
// the first row is aligned: launchers ask rows_are_packs() and start the kernel with `vector` accordingly. The other path moves number
// by number, has the same arithmetic in the same order, and also serves what is left over at the end of an array.
#pragma once

#include "device.hpp"

#ifdef CUDA_KERNELS

// Are all rows of C numbers of T, in all these arrays, 16-byte aligned? (An array may be null.)
template <typename T, typename... Arrays>
bool rows_are_packs(int64_t C, const Arrays*... arrays) {
    return C % Pack<T>::size == 0 && ((reinterpret_cast<uintptr_t>(arrays) % 16 == 0) && ...);
}

// x[i] = p[i] for the n numbers at p, of which the first `left` exist; 0 for the others.
template <bool vector, int n, typename T>
__device__ __forceinline__ void load_floats(float (&x)[n], const T* p, int64_t left) {
    constexpr int size = Pack<T>::size;
    static_assert(n % size == 0);
    if (vector && left >= n) {
        #pragma unroll
        for (int i = 0; i < n; i += size) {
            const Pack<T> pack = load16(p + i);
            #pragma unroll
            for (int j = 0; j < size; j++) x[i + j] = float(pack[j]);
        }
    } else {
        #pragma unroll
        for (int i = 0; i < n; i++) x[i] = i < left ? float(p[i]) : 0.0f;
    }
}

// p[i] = x[i] for those of the n numbers that exist.
template <bool vector, int n, typename T>
__device__ __forceinline__ void store_floats(T* p, const float (&x)[n], int64_t left) {
    constexpr int size = Pack<T>::size;
    static_assert(n % size == 0);
    if (vector && left >= n) {
        #pragma unroll
        for (int i = 0; i < n; i += size) {
            Pack<T> pack;
            #pragma unroll
            for (int j = 0; j < size; j++) pack[j] = T(x[i + j]);
            store16(p + i, pack);
        }
    } else {
        #pragma unroll
        for (int i = 0; i < n; i++)
            if (i < left) p[i] = T(x[i]);
    }
}

// p[i] += x[i]: one thread owns these numbers.
template <bool vector, int n>
__device__ __forceinline__ void add_floats(float* p, const float (&x)[n], int64_t left) {
    float sum[n];
    load_floats<vector>(sum, p, left);
    #pragma unroll
    for (int i = 0; i < n; i++) sum[i] += x[i];
    store_floats<vector>(p, sum, left);
}

#endif
