// kernels/column_sums.hpp -- the gradient of a bias on the GPU: add up the rows of a matrix. (The CPU's is in matmul.hpp.)
//   sums_m += sum_n x_nm                  x: (N, M) of T   sums: (M), fp32, +=
// Two kernels: blocks add the rows of a tile, then the sums of the tiles are added in their order. The tiles depend on N and M alone, so
// the same call gives the same bits on every GPU. The second kernel also ends the LayerNorm backward, which makes its own tiles.
#pragma once

#include "cuda_packs.hpp"
#include "device.hpp"

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void add_column_sums(Cuda& dev, float* sums, const T* x, int64_t N, int64_t M);
#endif

#ifdef CUDA_KERNELS
namespace column_sums_cuda {

constexpr int kWarps = 8, kThreads = 32 * kWarps;
constexpr int64_t kRows = 128;             // rows of a tile, 16 a warp; its columns are one pack a lane

// Tile (blockIdx.x, blockIdx.y): columns [32 * size * y, ...) of rows [kRows * x, ...). partial: (tiles of rows, M).
// Floor: one number of memory an element (bf16: 2 bytes), 2 operations; the partial sums add 2 * 4 / kRows bytes.
template <typename T, bool vector>
__global__ void tile_kernel(float* partial, const T* x, int64_t N, int64_t M) {   // no __launch_bounds__: with it, sm_80 spills 16 bytes (LOG 2026-11-22)
    constexpr int size = Pack<T>::size, columns = 32 * size, unrolled = 4;
    SHARED_ARRAY(float, warp_sums, kWarps * columns);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int64_t m = int64_t(blockIdx.y) * columns + lane * size, begin = int64_t(blockIdx.x) * kRows;
    const int64_t end = begin + kRows < N ? begin + kRows : N;
    float sum[size] = {};
    if (m < M)
        for (int64_t n = begin + warp; n < end; n += kWarps * unrolled) {
            float v[unrolled][size];
            #pragma unroll
            for (int k = 0; k < unrolled; k++) {     // four loads under way before the first is needed
                const int64_t row = n + k * kWarps;
                if (row < end) {
                    load_floats<vector>(v[k], x + row * M + m, M - m);
                } else {
                    #pragma unroll
                    for (int i = 0; i < size; i++) v[k][i] = 0.0f;
                }
            }
            #pragma unroll
            for (int k = 0; k < unrolled; k++)
                #pragma unroll
                for (int i = 0; i < size; i++) sum[i] += v[k][i];
        }
    #pragma unroll
    for (int i = 0; i < size; i++) warp_sums[(warp * size + i) * 32 + lane] = sum[i];   // neighbours in neighbouring banks
    __syncthreads();
    for (int c = int(threadIdx.x); c < columns; c += kThreads) {                        // c = i * 32 + lane of the warps above
        float total = 0;
        for (int w = 0; w < kWarps; w++) total += warp_sums[w * columns + c];
        const int64_t column = int64_t(blockIdx.y) * columns + c % 32 * size + c / 32;
        if (column < M) partial[int64_t(blockIdx.x) * M + column] = total;
    }
}

// out_m += sum_k partial[k * stride + blockIdx.y * M + m], in the order of k within each of kWarps interleaved sums; out is out0, or out1
// where blockIdx.y is 1. Floor: 4 bytes and an addition a partial sum, 8 bytes an out_m.
template <int = 0>
__global__ void __launch_bounds__(kThreads) add_partials_kernel(float* out0, float* out1, const float* partial, int64_t parts, int64_t stride,
                                                                int64_t M) {
    SHARED_ARRAY(float, warp_sums, kThreads);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int64_t m = int64_t(blockIdx.x) * 32 + lane;
    const float* column = partial + blockIdx.y * M + m;
    float sum = 0;
    if (m < M) {
        #pragma unroll 4
        for (int64_t k = warp; k < parts; k += kWarps) sum += column[k * stride];
    }
    warp_sums[threadIdx.x] = sum;
    __syncthreads();
    if (warp == 0 && m < M) {
        for (int w = 1; w < kWarps; w++) sum += warp_sums[w * 32 + lane];
        float* out = blockIdx.y == 0 ? out0 : out1;
        out[m] += sum;
    }
}

}  // namespace column_sums_cuda

template <typename T>
void add_column_sums(Cuda& dev, float* sums, const T* x, int64_t N, int64_t M) {
    using namespace column_sums_cuda;
    if (N <= 0 || M <= 0) return;
    const int64_t tiles = ceil_div(N, kRows), columns = 32 * Pack<T>::size;
    auto* partial = static_cast<float*>(dev.workspace(size_t(tiles * M) * sizeof(float)));  // (tiles, M)
    launch(rows_are_packs<T>(M, x) ? tile_kernel<T, true> : tile_kernel<T, false>, dim3(unsigned(tiles), unsigned(ceil_div(M, columns))),
           dim3(kThreads), 0, dev.stream, partial, x, N, M);
    launch(add_partials_kernel<>, dim3(unsigned(ceil_div(M, int64_t(32)))), dim3(kThreads), 0, dev.stream, sums, sums, partial, tiles, M, M);
}
#endif
