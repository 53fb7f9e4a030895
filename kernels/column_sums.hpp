// kernels/column_sums.hpp -- the gradient of a bias: add up the rows of a matrix.
//   sums_m += sum_n x_nm                  x: (N, M) of T   sums: (M), fp32, +=
// On the GPU two kernels: blocks add the rows of a tile, then the sums of the tiles are added in their order. The tiles depend on N and M alone,
// so the same call gives the same bits on every GPU. The first one is a pass over x, at the pace of memory. The backward passes of LayerNorm and
// attention spare it: they add up the tiles that they write, and the second kernel alone follows.
// Promises: the sums run in chunks of a fixed size, so the bits do not depend on the number of threads.
#pragma once

#include <algorithm>

#include "cuda_packs.hpp"
#include "device.hpp"

// ---- CPU

// sums (M) += the sum of the rows of x (N, M): chunks of 64 rows, added in their order whatever the number of threads.
template <typename T>
void add_column_sums(Cpu& dev, float* sums, const T* x, int64_t N, int64_t M) {
    constexpr int64_t kRows = 64, kCols = 512;
    const int64_t chunks = ceil_div(N, kRows), blocks = ceil_div(M, kCols);
    auto* partial = static_cast<float*>(dev.workspace(size_t(chunks * M + 1) * sizeof(float)));  // (chunks, M)
    #pragma omp parallel num_threads(dev.threads) if (N * M > 1 << 16)
    {
        #pragma omp for collapse(2) schedule(static)
        for (int64_t chunk = 0; chunk < chunks; chunk++)
            for (int64_t block = 0; block < blocks; block++)
                simd([&]() ALWAYS_INLINE {
                    const int64_t j = block * kCols, cols = std::min(kCols, M - j);
                    const int64_t end = std::min(N, (chunk + 1) * kRows);
                    float sum[kCols] = {};
                    for (int64_t n = chunk * kRows; n < end; n++)
                        for (int64_t q = 0; q < cols; q++) sum[q] += float(x[n * M + j + q]);
                    for (int64_t q = 0; q < cols; q++) partial[chunk * M + j + q] = sum[q];
                });
        #pragma omp for schedule(static)
        for (int64_t block = 0; block < blocks; block++)
            simd([&]() ALWAYS_INLINE {
                for (int64_t chunk = 0; chunk < chunks; chunk++)
                    for (int64_t j = block * kCols; j < std::min(M, (block + 1) * kCols); j++)
                        sums[j] += partial[chunk * M + j];
            });
    }
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void add_column_sums(Cuda& dev, float* sums, const T* x, int64_t N, int64_t M);
#endif

#ifdef CUDA_KERNELS
namespace column_sums_cuda {

constexpr int kWarps = 8, kThreads = 32 * kWarps;
constexpr int kUnrolled = 4;               // rows that a warp has under way
constexpr int64_t kBlocks = 512;           // at most, where the columns alone are not more: one wave, as a multiprocessor holds five (of 108 on an A100)
constexpr int kPartialWarps = 32, kPartialThreads = 32 * kPartialWarps;

// Rows of a tile: as many tiles as give kBlocks blocks, so that all run at a time and none is left over for a second, emptier wave.
inline int64_t tile_rows(int64_t N, int64_t column_blocks, int64_t blocks = kBlocks, int64_t warps = kWarps) {
    const int64_t tiles = std::max(int64_t(1), blocks / column_blocks);
    return std::max(4 * warps, round_up(ceil_div(N, tiles), warps));
}

// The pack at p of a row of which `left` numbers are left; zeros behind its end.
template <bool vector, typename T>
__device__ __forceinline__ Pack<T> load_pack(const T* p, int64_t left) {
    if constexpr (vector) {
        return load16(p);
    } else {
        Pack<T> pack;
        #pragma unroll
        for (int i = 0; i < Pack<T>::size; i++) pack[i] = i < left ? p[i] : T(0.0f);
        return pack;
    }
}

// Tile (blockIdx.x, blockIdx.y): columns [32 * size * y, ...) of rows [rows * x, ...), a pack a lane. partial: (tiles of rows, M).
// Floor: one number of memory an element (bf16: 2 bytes), 2 operations; the partial sums add 2 * 4 bytes for each column of a tile, 4 MB at most
// where there are kBlocks blocks.
template <typename T, bool vector, int warps = kWarps, int unrolled = kUnrolled>
__global__ void __launch_bounds__(32 * warps) tile_kernel(float* partial, const T* x, int64_t N, int64_t M, int64_t rows) {
    constexpr int size = Pack<T>::size, columns = 32 * size;
    SHARED_ARRAY(float, warp_sums, warps * columns);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int64_t m = int64_t(blockIdx.y) * columns + lane * size, begin = int64_t(blockIdx.x) * rows;
    const int64_t end = begin + rows < N ? begin + rows : N;
    float sum[size] = {};
    if (m < M) {
        const T* from = x + (begin + warp) * M + m;
        for (int64_t n = begin + warp; n < end; n += warps * unrolled, from += warps * unrolled * M) {
            Pack<T> v[unrolled];
            #pragma unroll
            for (int k = 0; k < unrolled; k++)       // all loads under way before the first is needed
                v[k] = n + k * warps < end ? load_pack<vector>(from + k * warps * M, M - m) : Pack<T>{};
            #pragma unroll
            for (int k = 0; k < unrolled; k++)
                #pragma unroll
                for (int i = 0; i < size; i++) sum[i] += float(v[k][i]);
        }
    }
    #pragma unroll
    for (int i = 0; i < size; i++) warp_sums[(warp * size + i) * 32 + lane] = sum[i];   // neighbours in neighbouring banks
    __syncthreads();
    for (int c = int(threadIdx.x); c < columns; c += 32 * warps) {                      // c = i * 32 + lane of the warps above
        float total = 0;
        #pragma unroll
        for (int w = 0; w < warps; w++) total += warp_sums[w * columns + c];
        const int64_t column = int64_t(blockIdx.y) * columns + c % 32 * size + c / 32;
        if (column < M) partial[int64_t(blockIdx.x) * M + column] = total;
    }
}

// out_m += sum_k partial[k * stride + blockIdx.y * M + m], in the order of k within each of `warps` interleaved sums; out is out0, out1 or out2
// as blockIdx.y says. Up to 8 * warps parts are under way at a time: the kernel is a few waits for memory, not its bytes.
// Floor: 4 bytes and an addition a partial sum, 8 bytes an out_m.
template <int warps = kPartialWarps>
__global__ void __launch_bounds__(32 * warps) add_partials_kernel(float* out0, float* out1, float* out2, const float* partial, int64_t parts,
                                                                  int64_t stride, int64_t M) {
    constexpr int unrolled = 8;
    SHARED_ARRAY(float, warp_sums, 32 * warps);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int64_t m = int64_t(blockIdx.x) * 32 + lane;
    const float* column = partial + blockIdx.y * M + m;
    float* out = blockIdx.y == 0 ? out0 : blockIdx.y == 1 ? out1 : out2;
    const float before = warp == 0 && m < M ? out[m] : 0.0f;
    float sum = 0;
    if (m < M)
        for (int64_t k = warp; k < parts; k += warps * unrolled) {
            float v[unrolled];
            #pragma unroll
            for (int j = 0; j < unrolled; j++) v[j] = k + j * warps < parts ? column[(k + j * warps) * stride] : 0.0f;
            #pragma unroll
            for (int j = 0; j < unrolled; j++) sum += v[j];
        }
    warp_sums[threadIdx.x] = sum;
    __syncthreads();
    if (warp == 0 && m < M) {
        #pragma unroll
        for (int w = 1; w < warps; w++) sum += warp_sums[w * 32 + lane];
        out[m] = before + sum;
    }
}

// sums (M) += the sum of the rows of partial (parts, M).
inline void add_partials(Cuda& dev, float* sums, const float* partial, int64_t parts, int64_t M) {
    launch(add_partials_kernel<>, dim3(unsigned(ceil_div(M, int64_t(32)))), dim3(kPartialThreads), 0, dev.stream, sums, sums, sums, partial, parts, M, M);
}

}  // namespace column_sums_cuda

template <typename T>
void add_column_sums(Cuda& dev, float* sums, const T* x, int64_t N, int64_t M) {
    using namespace column_sums_cuda;
    if (N <= 0 || M <= 0) return;
    const int64_t column_blocks = ceil_div(M, int64_t(32 * Pack<T>::size)), rows = tile_rows(N, column_blocks), tiles = ceil_div(N, rows);
    auto* partial = static_cast<float*>(dev.workspace(size_t(tiles * M) * sizeof(float)));  // (tiles, M)
    launch(rows_are_packs<T>(M, x) ? tile_kernel<T, true> : tile_kernel<T, false>, dim3(unsigned(tiles), unsigned(column_blocks)), dim3(kThreads), 0,
           dev.stream, partial, x, N, M, rows);
    add_partials(dev, sums, partial, tiles, M);
}
#endif
