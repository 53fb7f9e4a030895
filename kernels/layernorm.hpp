// kernels/layernorm.hpp -- give each row mean 0 and variance 1, then scale and shift each channel; and the residual sum
// before it.    x, y: (N, C)   w, b: (C)   mean, rstd: (N), kept for the backward
//   forward    m = mean_c(x_c),  r = 1 / sqrt(mean_c((x_c - m)^2) + eps),  h_c = (x_c - m) r  (the normalised row)
//              y_c = h_c w_c + b_c
//   backward   db_c += sum_n dy_nc      dw_c += sum_n dy_nc h_nc                         += : fp32 gradients
//              with g_c = dy_c w_c: m and r depend on the whole row, and dm/dx_k = 1/C, dr/dx_k = -r^2 h_k / C, so
//              dx_k += r (g_k - mean_c(g_c) - h_k mean_c(g_c h_c))                       += : joins the residual stream
// The linear layer whose output was added to the stream before has this dx as its dy, so the gradient of its bias, sum_n dx_nc of dx as it is now
// stored, is on offer here: dx_sums_c +=, where that is not null.
// The variance takes a second pass over the row (it is in L1): mean(x^2) - m^2 would cancel.
// Promises: the sums over rows run in chunks of a fixed size, so the bits do not depend on the number of threads.
#pragma once

#include "column_sums.hpp"
#include "cuda_packs.hpp"
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

// dx +=, dw +=, db += (fp32); dx_sums (C) += the column sums of dx as stored, or null.
template <typename T>
void layernorm_backward(Cpu& dev, T* dx, float* dw, float* db, float* dx_sums, const T* dy, const T* x, const T* w,
                        const float* mean, const float* rstd, int64_t N, int64_t C) {
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
    if (dx_sums) add_column_sums(dev, dx_sums, dx, N, C);
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void layernorm_forward(Cuda& dev, T* y, float* mean, float* rstd, const T* x, const T* w, const T* b, int64_t N, int64_t C);
template <typename T>
void residual_forward(Cuda& dev, T* sum, const T* x, const T* r, int64_t n);
template <typename T>
void residual_layernorm_forward(Cuda& dev, T* sum, T* y, float* mean, float* rstd, const T* x, const T* r, const T* w, const T* b, int64_t N,
                                int64_t C);
template <typename T>
void layernorm_backward(Cuda& dev, T* dx, float* dw, float* db, float* dx_sums, const T* dy, const T* x, const T* w, const float* mean,
                        const float* rstd, int64_t N, int64_t C);
#endif

#ifdef CUDA_KERNELS
// A row stays in registers between the passes over it: `lanes` threads (a warp, or a block of 256) hold `packs` packs each, lane l the
// packs l, l + lanes, ... The launcher picks the smallest pair that holds C. Rows that are not whole packs, or longer than any pair, take
// the plain kernels, which walk over memory (L1, mostly) number by number.
namespace layernorm_cuda {

constexpr int kPlainThreads = 128;

// Floor: 3 numbers of memory an element (bf16: 6 bytes), one operation.
template <typename T, bool vector>
__global__ void __launch_bounds__(256) residual_kernel(T* sum, const T* x, const T* r, int64_t n) {
    constexpr int size = Pack<T>::size;
    const int64_t i = (int64_t(blockIdx.x) * 256 + threadIdx.x) * size;
    if (i >= n) return;
    float a[size], b[size];
    load_floats<vector>(a, x + i, n - i);
    load_floats<vector>(b, r + i, n - i);
    #pragma unroll
    for (int k = 0; k < size; k++) a[k] += b[k];
    store_floats<vector>(sum + i, a, n - i);
}

template <int lanes>
__device__ __forceinline__ float row_sum(float x) {
    if constexpr (lanes == 32) return warp_sum(x);
    else return block_sum<lanes>(x);
}

template <int lanes>
constexpr int kForwardThreads = lanes == 32 ? 128 : lanes;  // four rows of a warp each, or one row
constexpr bool kEarlyWeights = false;      // are w and b loaded with the row, or after its sums?

// Floor: 2 numbers an element (bf16: 4 bytes), with the residual sum 4 (8 bytes); about 10 operations. w and b come from L1.
template <typename T, int lanes, int packs, bool residual, bool early = kEarlyWeights, int threads = kForwardThreads<lanes>>
__global__ void __launch_bounds__(threads) forward_kernel(T* sum, T* y, float* mean, float* rstd, const T* x, const T* r, const T* w,
                                                                         const T* b, int64_t N, int64_t C) {
    constexpr int size = Pack<T>::size, rows = threads / lanes;
    const int lane = int(threadIdx.x) % lanes;
    const int64_t n = int64_t(blockIdx.x) * rows + int(threadIdx.x) / lanes;
    if (n >= N) return;                                     // whole warps, and only where a row is one: there are no barriers then
    const int64_t at = n * C + lane * size, left = C - lane * size;    // pack k is at + k * lanes * size; it exists where that < left
    Pack<T> row[packs] = {};
    #pragma unroll
    for (int k = 0; k < packs; k++)
        if (k * lanes * size < left) row[k] = load16(x + at + k * lanes * size);
    Pack<T> scales[early ? packs : 1], shifts[early ? packs : 1];
    if constexpr (early) {
        #pragma unroll
        for (int k = 0; k < packs; k++)
            if (k * lanes * size < left) scales[k] = load16(w + (k * lanes + lane) * size), shifts[k] = load16(b + (k * lanes + lane) * size);
    }
    if constexpr (residual) {
        Pack<T> other[packs];
        #pragma unroll
        for (int k = 0; k < packs; k++)
            if (k * lanes * size < left) other[k] = load16(r + at + k * lanes * size);
        #pragma unroll
        for (int k = 0; k < packs; k++)
            if (k * lanes * size < left) {
                #pragma unroll
                for (int i = 0; i < size; i++) row[k][i] = T(float(row[k][i]) + float(other[k][i]));
                store16(sum + at + k * lanes * size, row[k]);
            }
    }
    float total = 0;
    #pragma unroll
    for (int k = 0; k < packs; k++)
        if (k * lanes * size < left) {
            #pragma unroll
            for (int i = 0; i < size; i++) total += float(row[k][i]);
        }
    const float m = row_sum<lanes>(total) / float(C);
    float squares = 0;
    #pragma unroll
    for (int k = 0; k < packs; k++)
        if (k * lanes * size < left) {
            #pragma unroll
            for (int i = 0; i < size; i++) squares += (float(row[k][i]) - m) * (float(row[k][i]) - m);
        }
    const float s = 1.0f / sqrtf(row_sum<lanes>(squares) / float(C) + kLayerNormEps);
    #pragma unroll
    for (int k = 0; k < packs; k++)
        if (k * lanes * size < left) {
            const int64_t c = (k * lanes + lane) * size;
            const Pack<T> scale = early ? scales[early ? k : 0] : load16(w + c), shift = early ? shifts[early ? k : 0] : load16(b + c);
            #pragma unroll
            for (int i = 0; i < size; i++) row[k][i] = T((float(row[k][i]) - m) * s * float(scale[i]) + float(shift[i]));
            store16(y + n * C + c, row[k]);
        }
    if (lane == 0) mean[n] = m, rstd[n] = s;
}

// One block a row of any C; r and sum are null where there is no residual sum.
// Floor: as above, 2 N C numbers (bf16: 4 N C bytes), with the residual sum 4 N C, and 8 N bytes of mean and rstd; about 10 operations an element. The
// second and third pass over a row, w and b come from L1 or L2.
template <typename T>
__global__ void __launch_bounds__(kPlainThreads) plain_forward_kernel(T* sum, T* y, float* mean, float* rstd, const T* x, const T* r, const T* w,
                                                                      const T* b, int64_t C) {
    const int64_t n = blockIdx.x;
    const T* row = (r ? sum : x) + n * C;                   // a thread reads back only what it has written itself
    float total = 0;
    for (int64_t c = threadIdx.x; c < C; c += kPlainThreads) {
        if (r) sum[n * C + c] = T(float(x[n * C + c]) + float(r[n * C + c]));
        total += float(row[c]);
    }
    const float m = block_sum<kPlainThreads>(total) / float(C);
    float squares = 0;
    for (int64_t c = threadIdx.x; c < C; c += kPlainThreads) squares += (float(row[c]) - m) * (float(row[c]) - m);
    const float s = 1.0f / sqrtf(block_sum<kPlainThreads>(squares) / float(C) + kLayerNormEps);
    for (int64_t c = threadIdx.x; c < C; c += kPlainThreads)
        y[n * C + c] = T((float(row[c]) - m) * s * float(w[c]) + float(b[c]));
    if (threadIdx.x == 0) mean[n] = m, rstd[n] = s;
}

template <bool residual, typename T>
void forward(Cuda& dev, T* sum, T* y, float* mean, float* rstd, const T* x, const T* r, const T* w, const T* b, int64_t N, int64_t C) {
    if (N <= 0) return;
    const int64_t packs = C / Pack<T>::size;
    const auto start = [&](auto kernel, int threads, int64_t rows) {
        launch(kernel, dim3(unsigned(ceil_div(N, rows))), dim3(unsigned(threads)), 0, dev.stream, sum, y, mean, rstd, x, r, w, b, N, C);
    };
    if (!rows_are_packs<T>(C, sum, y, x, r, w, b) || packs > 256 * 4)
        launch(plain_forward_kernel<T>, dim3(unsigned(N)), dim3(kPlainThreads), 0, dev.stream, sum, y, mean, rstd, x, r, w, b, C);
    else if (packs <= 32) start(forward_kernel<T, 32, 1, residual>, 128, 4);
    else if (packs <= 64) start(forward_kernel<T, 32, 2, residual>, 128, 4);
    else if (packs <= 96) start(forward_kernel<T, 32, 3, residual>, 128, 4);      // bf16: C = 768 has 96 packs
    else if (packs <= 128) start(forward_kernel<T, 32, 4, residual>, 128, 4);
    else if (packs <= 256) start(forward_kernel<T, 32, 8, residual>, 128, 4);     // bf16: C = 1600 has 200
    else start(forward_kernel<T, 256, 4, residual>, 256, 1);
}

// ---- backward

constexpr int kBackwardThreads = 256;  // eight rows of a warp each, or one row
template <int n>
using Int = std::integral_constant<int, n>;

// Two sums over the lanes of a row, in every lane. `partial` holds 2 * 2 * warps floats; `turn` alternates from row to row, so that one
// barrier is enough: who writes a half again has passed the barrier of the row between, and so all have read it.
template <int lanes>
__device__ __forceinline__ void row_sums(float& a, float& b, float* partial, int turn) {
    a = warp_sum(a), b = warp_sum(b);
    if constexpr (lanes > 32) {
        constexpr int warps = lanes / 32;
        float* half = partial + turn * 2 * warps;
        if (threadIdx.x % 32 == 0) half[threadIdx.x / 32] = a, half[warps + threadIdx.x / 32] = b;
        __syncthreads();
        a = half[0], b = half[warps];
        #pragma unroll
        for (int v = 1; v < warps; v++) a += half[v], b += half[warps + v];
    }
}

// Shared memory of a block: for each team `stages` rows of x, dy and dx, on their way or in use; at the end, the sums of dw, db and dx of each team.
template <typename T, int lanes, int packs, int stages>
constexpr size_t kBackwardBytes = [] {
    constexpr int teams = kBackwardThreads / lanes;
    constexpr size_t rows = size_t(teams * stages * 3 * packs * lanes) * 16, sums = teams == 1 ? 0 : size_t(teams * 3 * packs * lanes * Pack<T>::size) * 4;
    return rows > sums ? rows : sums;
}();

// A block takes `rows` rows one after the other (with lanes = 32 eight at a time), adds to their dx, and keeps its lanes' sums of dw, db and
// the stored dx in registers until the end: partial (blocks, 3, C). While a row is computed the next ones come into shared memory, each lane's packs
// by itself: no barrier is needed, and memory is never idle.
// Floor: 4 numbers of memory an element (bf16: 8 bytes), about 21 operations. w comes from L1.
template <typename T, int lanes, int packs, int stages, int resident>
__global__ void __launch_bounds__(kBackwardThreads, resident) backward_kernel(T* dx, float* partial, const T* dy, const T* x, const T* w, const float* mean,
                                                                    const float* rstd, int64_t N, int64_t C, int64_t rows) {
    constexpr int size = Pack<T>::size, teams = kBackwardThreads / lanes;
    static_assert(lanes == 32 || teams == 1);              // row_sums
    constexpr int array = packs * lanes * size, stage = 3 * array;         // numbers
    DYNAMIC_SHARED(T, shared);
    SHARED_ARRAY(float, warp_partial, 4 * lanes / 32);
    const int lane = int(threadIdx.x) % lanes, team = int(threadIdx.x) / lanes;
    const int left = int(C) - lane * size;
    const int64_t begin = int64_t(blockIdx.x) * rows, end = begin + rows < N ? begin + rows : N;
    T* const ring = shared + team * stages * stage + lane * size;          // (stages, 3, packs, lanes) packs of this team
    const auto fetch = [&](int64_t n, int slot) {
        const int64_t at = n * C + lane * size;
        T* to = ring + slot * stage;
        #pragma unroll
        for (int k = 0; k < packs; k++)
            if (n < end && k * lanes * size < left) {
                async_copy16(to + k * lanes * size, x + at + k * lanes * size);
                async_copy16(to + array + k * lanes * size, dy + at + k * lanes * size);
                async_copy16(to + 2 * array + k * lanes * size, dx + at + k * lanes * size);
            }
        async_commit();
    };
    float dw_sum[packs][size] = {}, db_sum[packs][size] = {}, dx_sum[packs][size] = {};
    int turn = 0, slot = 0;
    const int64_t first = begin + team;
    #pragma unroll
    for (int s = 0; s < stages - 1; s++) fetch(first + s * teams, s);
    float next_m = first < end ? mean[first] : 0.0f, next_s = first < end ? rstd[first] : 0.0f;
    for (int64_t n = first; n < end; n += teams, turn ^= 1) {
        fetch(n + (stages - 1) * teams, slot == 0 ? stages - 1 : slot - 1);
        const float m = next_m, s = next_s;
        if (n + teams < end) next_m = mean[n + teams], next_s = rstd[n + teams];
        async_wait<stages - 1>();
        const T* const row = ring + slot * stage;
        // forward was y_c = h_c w_c + b_c with h_c = (x_c - m) s
        float g_mean = 0, gh_mean = 0;
        Pack<T> x_n[packs], dy_n[packs];
        #pragma unroll
        for (int k = 0; k < packs; k++)
            if (k * lanes * size < left) {
                x_n[k] = load16(row + k * lanes * size);
                dy_n[k] = load16(row + array + k * lanes * size);
                const Pack<T> w_n = load16(w + (k * lanes + lane) * size);
                #pragma unroll
                for (int i = 0; i < size; i++) {
                    const float h = (float(x_n[k][i]) - m) * s, d = float(dy_n[k][i]), g = d * float(w_n[i]);
                    g_mean += g;
                    gh_mean += g * h;
                    dw_sum[k][i] += d * h;
                    db_sum[k][i] += d;
                }
            }
        row_sums<lanes>(g_mean, gh_mean, warp_partial, turn);
        g_mean /= float(C), gh_mean /= float(C);
        #pragma unroll
        for (int k = 0; k < packs; k++)
            if (k * lanes * size < left) {
                const Pack<T> w_n = load16(w + (k * lanes + lane) * size);
                Pack<T> dx_n = load16(row + 2 * array + k * lanes * size);
                #pragma unroll
                for (int i = 0; i < size; i++) {
                    const float h = (float(x_n[k][i]) - m) * s, g = float(dy_n[k][i]) * float(w_n[i]);
                    dx_n[i] = T(float(dx_n[i]) + s * (g - g_mean - h * gh_mean));
                    dx_sum[k][i] += float(dx_n[i]);
                }
                store16(dx + n * C + (k * lanes + lane) * size, dx_n);
            }
        slot = slot == stages - 1 ? 0 : slot + 1;
    }
    async_wait<0>();
    float* const part = partial + int64_t(blockIdx.x) * 3 * C;
    if constexpr (teams == 1) {
        #pragma unroll
        for (int k = 0; k < packs; k++) {
            const int64_t c = (k * lanes + lane) * size;
            store_floats<true>(part + c, dw_sum[k], c < C ? size : 0);
            store_floats<true>(part + C + c, db_sum[k], c < C ? size : 0);
            store_floats<true>(part + 2 * C + c, dx_sum[k], c < C ? size : 0);
        }
    } else {
        constexpr int columns = lanes * packs * size;
        __syncthreads();                                    // every row of every team has been used
        float* const sums = reinterpret_cast<float*>(shared);              // (teams, 3, columns)
        #pragma unroll
        for (int k = 0; k < packs; k++)
            #pragma unroll
            for (int i = 0; i < size; i++) {
                const int c = team * 3 * columns + (k * size + i) * lanes + lane;        // neighbours in neighbouring banks
                sums[c] = dw_sum[k][i], sums[columns + c] = db_sum[k][i], sums[2 * columns + c] = dx_sum[k][i];
            }
        __syncthreads();
        for (int c = int(threadIdx.x); c < 3 * columns; c += kBackwardThreads) {
            float total = 0;
            #pragma unroll
            for (int v = 0; v < teams; v++) total += sums[v * 3 * columns + c];
            const int in_third = c % columns, column = (in_third / lanes / size * lanes + in_third % lanes) * size + in_third / lanes % size;
            if (column < C) part[c / columns * C + column] = total;
        }
    }
}

// Rows of any C; the sums of dw, db and dx grow in `partial` itself, where each thread owns its columns.
// Floor: as above, 4 N C numbers (bf16: 8 N C bytes) and 8 N bytes of mean and rstd, 12 C a block for the sums; about 21 operations an element. The second
// pass over a row, w, and the 24 bytes an element by which the sums grow stay in L1 or L2.
template <typename T>
__global__ void __launch_bounds__(kPlainThreads) plain_backward_kernel(T* dx, float* partial, const T* dy, const T* x, const T* w,
                                                                       const float* mean, const float* rstd, int64_t N, int64_t C, int64_t rows) {
    SHARED_ARRAY(float, warp_partial, 4 * kPlainThreads / 32);
    const int64_t begin = int64_t(blockIdx.x) * rows, end = begin + rows < N ? begin + rows : N;
    float *dw_part = partial + int64_t(blockIdx.x) * 3 * C, *db_part = dw_part + C, *dx_part = db_part + C;
    for (int64_t c = threadIdx.x; c < C; c += kPlainThreads) dw_part[c] = 0, db_part[c] = 0, dx_part[c] = 0;
    int turn = 0;
    for (int64_t n = begin; n < end; n++, turn ^= 1) {
        const float m = mean[n], s = rstd[n];
        float g_mean = 0, gh_mean = 0;
        for (int64_t c = threadIdx.x; c < C; c += kPlainThreads) {
            const float h = (float(x[n * C + c]) - m) * s, d = float(dy[n * C + c]), g = d * float(w[c]);
            g_mean += g;
            gh_mean += g * h;
            dw_part[c] += d * h;
            db_part[c] += d;
        }
        row_sums<kPlainThreads>(g_mean, gh_mean, warp_partial, turn);
        g_mean /= float(C), gh_mean /= float(C);
        for (int64_t c = threadIdx.x; c < C; c += kPlainThreads) {
            const float h = (float(x[n * C + c]) - m) * s, g = float(dy[n * C + c]) * float(w[c]);
            const T sum = T(float(dx[n * C + c]) + s * (g - g_mean - h * gh_mean));
            dx[n * C + c] = sum;
            dx_part[c] += float(sum);
        }
    }
}

}  // namespace layernorm_cuda

template <typename T>
void residual_forward(Cuda& dev, T* sum, const T* x, const T* r, int64_t n) {
    using namespace layernorm_cuda;
    launch(rows_are_packs<T>(0, sum, x, r) ? residual_kernel<T, true> : residual_kernel<T, false>,
           dim3(unsigned(ceil_div(n, int64_t(256) * Pack<T>::size))), dim3(256), 0, dev.stream, sum, x, r, n);
}

template <typename T>
void layernorm_forward(Cuda& dev, T* y, float* mean, float* rstd, const T* x, const T* w, const T* b, int64_t N, int64_t C) {
    layernorm_cuda::forward<false, T>(dev, nullptr, y, mean, rstd, x, nullptr, w, b, N, C);
}

template <typename T>
void residual_layernorm_forward(Cuda& dev, T* sum, T* y, float* mean, float* rstd, const T* x, const T* r, const T* w, const T* b, int64_t N,
                                int64_t C) {
    layernorm_cuda::forward<true, T>(dev, sum, y, mean, rstd, x, r, w, b, N, C);
}

// dx +=, dw +=, db +=, dx_sums += or null (fp32). The blocks are as many as the GPU runs at a time, so the sums are the same bits on the same GPU.
template <typename T>
void layernorm_backward(Cuda& dev, T* dx, float* dw, float* db, float* dx_sums, const T* dy, const T* x, const T* w, const float* mean,
                        const float* rstd, int64_t N, int64_t C) {
    using namespace layernorm_cuda;
    if (N <= 0) return;
    int64_t blocks = 0;
    float* partial = nullptr;                               // (blocks, 3, C)
    const auto start = [&](auto kernel, int threads, int rows_at_a_time, int blocks_per_multiprocessor, size_t shared_bytes) {
        const int64_t most = int64_t(dev.multiprocessors) * blocks_per_multiprocessor;
        const int64_t rows = round_up(ceil_div(N, most), int64_t(rows_at_a_time));
        blocks = ceil_div(N, rows);
        partial = static_cast<float*>(dev.workspace(size_t(blocks * 3 * C) * sizeof(float)));
        launch(kernel, dim3(unsigned(blocks)), dim3(unsigned(threads)), shared_bytes, dev.stream, dx, partial, dy, x, w, mean, rstd, N, C, rows);
    };
    // lanes and packs of a row, rows in flight, blocks that a multiprocessor runs at a time
    const auto rows_in_flight = [&](auto lanes, auto packs, auto stages, auto resident) {
        start(backward_kernel<T, lanes, packs, stages, resident>, kBackwardThreads, kBackwardThreads / lanes, resident, kBackwardBytes<T, lanes, packs, stages>);
    };
    const int64_t packs = C / Pack<T>::size;
    if (!rows_are_packs<T>(C, dx, dy, x, w) || packs > 256 * 4) start(plain_backward_kernel<T>, kPlainThreads, 1, 8, 0);
    else if (packs <= 32) rows_in_flight(Int<32>(), Int<1>(), Int<2>(), Int<4>());
    else if (packs <= 64) rows_in_flight(Int<32>(), Int<2>(), Int<2>(), Int<2>());
    else if (packs <= 96) rows_in_flight(Int<32>(), Int<3>(), Int<2>(), Int<2>());         // bf16: C = 768 has 96 packs
    else if (packs <= 256) rows_in_flight(Int<256>(), Int<1>(), Int<2>(), Int<3>());       // bf16: C = 1600 has 200
    else if (packs <= 512) rows_in_flight(Int<256>(), Int<2>(), Int<2>(), Int<2>());
    else rows_in_flight(Int<256>(), Int<4>(), Int<2>(), Int<1>());
    launch(column_sums_cuda::add_partials_kernel<>, dim3(unsigned(ceil_div(C, int64_t(32))), dx_sums ? 3 : 2),
           dim3(column_sums_cuda::kPartialThreads), 0, dev.stream, dw, db, dx_sums, partial, blocks, 3 * C, C);
}
#endif
