// kernels/embedding.hpp -- a token is a row of wte, a position a row of wpe; their sum enters the residual stream.
//   forward    x_nc = wte[id_n]_c + wpe[position_n]_c      x: (N, C)   wte: (Vp, C)   wpe: (maxT, C)
//              ids, positions: (N)
//   backward   dwte[id_n]_c += dx_nc,  dwpe[position_n]_c += dx_nc                  fp32, += : gradients accumulate
// Promise: dwte and dwpe are summed in the order of n, so their bits do not depend on the number of threads.
// Does not: check ids and positions; whoever makes a batch has done it (the device side could not).
#pragma once

#include "cuda_packs.hpp"
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

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void embedding_forward(Cuda& dev, T* x, const int32_t* ids, const int32_t* positions, const T* wte, const T* wpe, int64_t N, int64_t C);
// ids and positions below 2^24. dwte and dwpe are summed in the order of n, in groups of 32 at most: the same bits on every GPU.
template <typename T>
void embedding_backward(Cuda& dev, float* dwte, float* dwpe, const T* dx, const int32_t* ids, const int32_t* positions, int64_t N,
                        int64_t C);
#endif

#ifdef CUDA_KERNELS
// The backward: sort n by id (and, in the same kernels with blockIdx.y = 1, by position), keeping the order of n among equal ids; then
// every id is one run of neighbours, and a run is added by whoever owns it. No atomics, so the bits do not depend on who is faster.
namespace embedding_cuda {

constexpr int kThreads = 128;

// A warp a row. Floor: 2 numbers of memory an element (bf16: 4 bytes; rows of wte that repeat come from L2), one operation.
template <typename T, bool vector>
__global__ void __launch_bounds__(kThreads) forward_kernel(T* x, const int32_t* ids, const int32_t* positions, const T* wte, const T* wpe, int64_t N,
                                                           int64_t C) {
    constexpr int size = Pack<T>::size;
    const int64_t n = int64_t(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
    if (n >= N) return;
    const T *token = wte + ids[n] * C, *position = wpe + positions[n] * C;
    #pragma unroll 4
    for (int64_t c = threadIdx.x % 32 * size; c < C; c += 32 * size) {
        float a[size], b[size];
        load_floats<vector>(a, token + c, C - c);
        load_floats<vector>(b, position + c, C - c);
        #pragma unroll
        for (int i = 0; i < size; i++) a[i] += b[i];
        store_floats<vector>(x + n * C + c, a, C - c);
    }
}

// ---- a stable radix sort of (key, n) by 8 bits a pass: count the digits of each tile, then place each element behind the elements of
// smaller digits, of the same digit in earlier tiles, earlier warps of its tile, earlier lanes.

constexpr int kDigitBits = 8, kDigits = 1 << kDigitBits, kKeyBits = 24;
constexpr int kSortThreads = kDigits, kSortWarps = kSortThreads / 32;      // one thread for each digit
constexpr int kRounds = 8, kTile = kSortThreads * kRounds;

// counts[w * kDigits + d]: how many keys of warp w's part of the tile have digit d. digit[k], rank[k]: of this lane's k-th key its digit, and
// how many keys before it in the part have the same one; digit -1 where there is no key.
__device__ __forceinline__ void rank_tile(int (&digit)[kRounds], int (&rank)[kRounds], int32_t* counts, const int32_t* keys, int64_t N,
                                          int shift) {
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    int32_t* warp_counts = counts + warp * kDigits;
    for (int d = lane; d < kDigits; d += 32) warp_counts[d] = 0;
    __syncwarp();
    #pragma unroll
    for (int k = 0; k < kRounds; k++) {
        const int64_t i = int64_t(blockIdx.x) * kTile + (warp * kRounds + k) * 32 + lane;
        const bool exists = i < N;
        const int d = exists ? keys[i] >> shift & (kDigits - 1) : 0;
        unsigned peers = warp_ballot(exists);                              // the lanes with the same digit
        #pragma unroll
        for (int bit = 0; bit < kDigitBits; bit++) {
            const unsigned ones = warp_ballot(d >> bit & 1);
            peers &= d >> bit & 1 ? ones : ~ones;
        }
        digit[k] = exists ? d : -1;
        rank[k] = warp_counts[d] + __popc(peers & ((1u << lane) - 1));
        __syncwarp();
        if (exists && peers >> lane == 1) warp_counts[d] = rank[k] + 1;    // the last of the peers counts them all
        __syncwarp();
    }
}

// Floor: 4 bytes a key, 1 KiB of counts a tile; about 60 operations for the ranks of 32 keys and a digit.
template <int = 0>
__global__ void __launch_bounds__(kSortThreads) count_kernel(int32_t* all_counts, const int32_t* ids, const int32_t* positions, int64_t N, int shift) {
    SHARED_ARRAY(int32_t, counts, kSortWarps * kDigits);
    int digit[kRounds], rank[kRounds];
    rank_tile(digit, rank, counts, blockIdx.y == 0 ? ids : positions, N, shift);
    __syncthreads();
    int total = 0;
    for (int w = 0; w < kSortWarps; w++) total += counts[w * kDigits + int(threadIdx.x)];
    all_counts[(int64_t(blockIdx.y) * gridDim.x + blockIdx.x) * kDigits + threadIdx.x] = total;   // (2, tiles, kDigits)
}

// keys_out, order_out: (2, N), as order, which is null in the first pass: the elements are in the order of n then.
// Floor: 16 bytes a key (12 in the first pass), and the counts of all tiles for each tile (from L2: 1 KiB times the square of the number of tiles); the
// ranks as above, about 10 operations to place a key and 3 for each of those counts.
template <int = 0>
__global__ void __launch_bounds__(kSortThreads) place_kernel(int32_t* keys_out, int32_t* order_out, const int32_t* all_counts, const int32_t* ids,
                                                             const int32_t* positions, const int32_t* order, int64_t N, int shift) {
    SHARED_ARRAY(int32_t, counts, kSortWarps * kDigits);
    SHARED_ARRAY(int32_t, warp_totals, kSortWarps);
    const int which = int(blockIdx.y), warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int32_t* keys = which == 0 ? ids : positions;
    int digit[kRounds], rank[kRounds];
    rank_tile(digit, rank, counts, keys, N, shift);
    // thread d: where digit d of this tile begins
    const int32_t* tile_counts = all_counts + int64_t(which) * gridDim.x * kDigits + threadIdx.x;
    int before = 0, total = 0;
    #pragma unroll 8
    for (int64_t tile = 0; tile < int64_t(gridDim.x); tile++) {
        const int count = tile_counts[tile * kDigits];
        before += tile < int64_t(blockIdx.x) ? count : 0;
        total += count;
    }
    int sum = total;                                                       // over the digits up to d: first in the warp ...
    #pragma unroll
    for (int delta = 1; delta < 32; delta *= 2) {
        const int other = shuffle_up(sum, delta);
        sum += lane >= delta ? other : 0;
    }
    if (lane == 31) warp_totals[warp] = sum;
    __syncthreads();
    for (int w = 0; w < warp; w++) sum += warp_totals[w];                  // ... then over the warps before
    int place = sum - total + before;
    for (int w = 0; w < kSortWarps; w++) {
        int32_t& entry = counts[w * kDigits + int(threadIdx.x)];
        const int count = entry;
        entry = place;
        place += count;
    }
    __syncthreads();
    #pragma unroll
    for (int k = 0; k < kRounds; k++)
        if (digit[k] >= 0) {
            const int64_t i = int64_t(blockIdx.x) * kTile + (warp * kRounds + k) * 32 + lane;
            const int64_t at = which * N + counts[warp * kDigits + digit[k]] + rank[k];
            keys_out[at] = keys[i];
            order_out[at] = order ? order[which * N + i] : int32_t(i);
        }
}

// ---- the sums of runs

constexpr int kChunk = 32;                 // elements of the sorted list that a warp adds up, one a lane

// A warp takes chunk k of the sorted list and the columns of one pack a lane. A run that lies in the chunk it owns: it goes straight into
// dw. Of a run that crosses the end of a chunk it keeps the part: in parts[k][0] the run that began before this chunk, in parts[k][1] the
// one that begins here. parts: (2, chunks, 2, C).
// Floor: each of the two lists reads one number an element (bf16: 2 bytes; the second time from L2) and 8 bytes a column of a touched row; 2 operations an
// element (it becomes a float, and is added), and for each pack 3 shuffles and some comparisons: where does a run end?
template <typename T, bool vector>
__global__ void __launch_bounds__(kThreads) run_sums_kernel(float* dwte, float* dwpe, float* parts, const T* dx, const int32_t* all_keys,
                                                            const int32_t* all_order, int64_t N, int64_t C) {
    constexpr int size = Pack<T>::size, unrolled = 4;
    const int lane = int(threadIdx.x) % 32, which = int(blockIdx.z);
    const int64_t chunks = ceil_div(N, int64_t(kChunk)), chunk = int64_t(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
    if (chunk >= chunks) return;           // whole warps
    const int32_t *keys = all_keys + which * N, *order = all_order + which * N;
    const int64_t c = (int64_t(blockIdx.y) * 32 + lane) * size, begin = chunk * kChunk, i = begin + lane;
    const int count = N - begin < kChunk ? int(N - begin) : kChunk;
    const int32_t key = i < N ? keys[i] : -1, n = i < N ? order[i] : 0;
    const int32_t key_before = begin > 0 ? keys[begin - 1] : -1, key_after = begin + kChunk < N ? keys[begin + kChunk] : -1;
    float* dw = which == 0 ? dwte : dwpe;
    float* part = parts + (which * chunks + chunk) * 2 * C;
    bool began_before = shuffle(key, 0) == key_before;
    float sum[size] = {};
    for (int j0 = 0; j0 < count; j0 += unrolled) {
        float v[unrolled][size];
        #pragma unroll
        for (int j = 0; j < unrolled; j++) {                               // four loads under way before the first is needed
            const int64_t row = shuffle(n, j0 + j);
            load_floats<vector>(v[j], dx + row * C + c, j0 + j < count ? C - c : 0);
        }
        #pragma unroll
        for (int j = 0; j < unrolled; j++) {
            const int32_t key_j = shuffle(key, j0 + j), next = shuffle(key, (j0 + j + 1) % kChunk);
            const bool last = j0 + j == kChunk - 1;
            #pragma unroll
            for (int k = 0; k < size; k++) sum[k] += v[j][k];
            if (j0 + j < count && (last || next != key_j)) {
                if (began_before) store_floats<vector>(part + c, sum, C - c);
                else if (last && key_after == key_j) store_floats<vector>(part + C + c, sum, C - c);
                else add_floats<vector>(dw + key_j * C + c, sum, C - c);
                #pragma unroll
                for (int k = 0; k < size; k++) sum[k] = 0;
                began_before = false;
            }
        }
    }
}

// The runs that cross chunks: the warp of the chunk where one begins adds up its parts, in order.
// Floor: 4 bytes a column of a part, and an addition; 8 bytes a column of the row they belong to, and another; log2(chunks) looks at keys a run.
template <int size, bool vector>
__global__ void __launch_bounds__(kThreads) join_runs_kernel(float* dwte, float* dwpe, const float* all_parts, const int32_t* all_keys, int64_t N,
                                                             int64_t C) {
    const int64_t chunks = ceil_div(N, int64_t(kChunk)), chunk = int64_t(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
    const int which = int(blockIdx.z);
    const int32_t* keys = all_keys + which * N;
    const int64_t c = (int64_t(blockIdx.y) * 32 + threadIdx.x % 32) * size, begin = chunk * kChunk;
    if (c >= C || begin + kChunk >= N) return;
    const int32_t key = keys[begin + kChunk - 1];
    if (keys[begin + kChunk] != key || (begin > 0 && keys[begin - 1] == key)) return;  // no run begins here and goes on
    int64_t last = chunk + 1, beyond = chunks;                             // the last chunk that begins with the key, by bisection
    while (beyond - last > 1) {
        const int64_t middle = last + (beyond - last) / 2;
        if (keys[middle * kChunk] == key) last = middle;
        else beyond = middle;
    }
    const float* parts = all_parts + (which * chunks + chunk) * 2 * C + c;
    float sum[size];
    load_floats<vector>(sum, parts + C, C - c);
    #pragma unroll 4
    for (int64_t k = 1; k <= last - chunk; k++) {
        float v[size];
        load_floats<vector>(v, parts + k * 2 * C, C - c);
        #pragma unroll
        for (int i = 0; i < size; i++) sum[i] += v[i];
    }
    add_floats<vector>((which == 0 ? dwte : dwpe) + key * C + c, sum, C - c);
}

}  // namespace embedding_cuda

template <typename T>
void embedding_forward(Cuda& dev, T* x, const int32_t* ids, const int32_t* positions, const T* wte, const T* wpe, int64_t N, int64_t C) {
    using namespace embedding_cuda;
    launch(rows_are_packs<T>(C, x, wte, wpe) ? forward_kernel<T, true> : forward_kernel<T, false>,
           dim3(unsigned(ceil_div(N, int64_t(kThreads / 32)))), dim3(kThreads), 0, dev.stream, x, ids, positions, wte, wpe, N, C);
}

// Eight launches: three passes of the sort, for ids and positions at a time, then the sums.
template <typename T>
void embedding_backward(Cuda& dev, float* dwte, float* dwpe, const T* dx, const int32_t* ids, const int32_t* positions, int64_t N,
                        int64_t C) {
    using namespace embedding_cuda;
    ASSERT(N < int64_t(1) << 31, "embedding_backward: ", N, " rows");
    if (N <= 0 || C <= 0) return;
    const int64_t tiles = ceil_div(N, int64_t(kTile)), chunks = ceil_div(N, int64_t(kChunk));
    const int64_t parts_size = round_up(2 * chunks * 2 * C, int64_t(4)), list = 2 * N;
    auto* parts = static_cast<float*>(dev.workspace(size_t(parts_size + 4 * list + 2 * tiles * kDigits) * 4));  // (2, chunks, 2, C)
    auto* keys_out = reinterpret_cast<int32_t*>(parts) + parts_size;                                            // (2, N), as the next three
    int32_t *order_out = keys_out + list, *keys_in = order_out + list, *order_in = keys_in + list, *counts = order_in + list;
    for (int shift = 0; shift < kKeyBits; shift += kDigitBits, std::swap(keys_in, keys_out), std::swap(order_in, order_out)) {
        const bool first = shift == 0;
        const int32_t *keys0 = first ? ids : keys_in, *keys1 = first ? positions : keys_in + N;
        const dim3 grid(unsigned(tiles), 2);
        launch(count_kernel<>, grid, dim3(kSortThreads), 0, dev.stream, counts, keys0, keys1, N, shift);
        launch(place_kernel<>, grid, dim3(kSortThreads), 0, dev.stream, keys_out, order_out, counts, keys0, keys1, first ? nullptr : order_in,
               N, shift);
    }
    const bool vector = rows_are_packs<T>(C, dx, dwte, dwpe);
    const dim3 grid(unsigned(ceil_div(chunks, int64_t(kThreads / 32))), unsigned(ceil_div(C, int64_t(32 * Pack<T>::size))), 2);
    launch(vector ? run_sums_kernel<T, true> : run_sums_kernel<T, false>, grid, dim3(kThreads), 0, dev.stream, dwte, dwpe, parts, dx,
           keys_in, order_in, N, C);
    launch(vector ? join_runs_kernel<Pack<T>::size, true> : join_runs_kernel<Pack<T>::size, false>, grid, dim3(kThreads), 0, dev.stream,
           dwte, dwpe, parts, keys_in, N, C);
}
#endif
