// kernels/attention_tiles_cuda.hpp -- the pieces of attention_cuda.hpp that forward and backward share: which tile a block takes, how it
// comes to shared memory, and the small products on tensor cores.
#pragma once

#include <limits>

#include "device.hpp"

#ifdef CUDA_KERNELS
#ifndef __launch_bounds__
#define __launch_bounds__(...)
#endif

namespace attention_cuda {

constexpr int kThreads = 128, kWarps = 4;
constexpr int kHeadGroup = 32;       // heads that run side by side: 8 MiB of bf16 k and v at T = 1024, HS = 64, so L2 holds them
constexpr int kPadRows = 128;        // rows of lse and D in the workspace are padded to this; a multiple of every tile
constexpr int kMaxHeadSize = 128;
constexpr float kLog2e = 1.44269504089f, kLn2 = 0.69314718056f;
constexpr float kMinusInf = -std::numeric_limits<float>::infinity();

// A block's head, and the number of its tile in the order of work. Heads come in groups, for L2; inside a group all heads take their
// longest tile first, so that what runs last is short.
struct Item {
    int head, rank;
};
__device__ __forceinline__ Item item_of_block(int heads, int tiles) {
    const int block = int(blockIdx.x), first = block / (kHeadGroup * tiles) * kHeadGroup;
    const int count = heads - first < kHeadGroup ? heads - first : kHeadGroup, rest = block - first * tiles;
    return {first + rest % count, rest / count};
}

// Elements from one row to the next in shared memory: HSP, a multiple of 16, and one piece of 16 bytes.
template <int HSP, typename T>
constexpr int kRowStep = HSP + 16 / int(sizeof(T));

// Bring a tile of `rows` rows of HS values to shared memory; zeros from row `valid` and column HS on. It is there after async_wait and
// a barrier. Where HS does not divide into 16-byte pieces, values go one by one.
template <int HSP, int rows, bool exact, typename T>
__device__ __forceinline__ void load_tile(T* to, const T* from, int stride, int64_t valid, int HS) {
    constexpr int size = Pack<T>::size, pieces = HSP / size, step = kRowStep<HSP, T>;
    if (exact || HS % size == 0) {
        #pragma unroll
        for (int u = 0; u < ceil_div(rows * pieces, kThreads); u++) {
            const int e = int(threadIdx.x) + u * kThreads, r = e / pieces, c = e % pieces * size;
            if (rows * pieces % kThreads == 0 || r < rows)
                async_copy16(to + r * step + c, from + int64_t(r) * stride + c, r < valid && (exact || c < HS));
        }
    } else {
        #pragma unroll 1
        for (int e = int(threadIdx.x); e < rows * HSP; e += kThreads) {
            const int r = e / HSP, c = e % HSP;
            to[r * step + c] = r < valid && c < HS ? from[int64_t(r) * stride + c] : T(0.0f);
        }
    }
}

// ---- tensor cores

// Two floats as one register of bf16, the lower half first.
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
#ifdef __CUDA_ARCH__
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);    // one instruction
    uint32_t bits;
    memcpy(&bits, &pair, 4);
    return bits;
#else
    return uint32_t(bf16(low).bits) | uint32_t(bf16(high).bits) << 16;
#endif
}

__device__ __forceinline__ float half_of(uint32_t pair, int high) {
    const uint32_t bits = high ? pair & 0xFFFF0000u : pair << 16;
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

// Accumulators of 16 MT rows of a warp and N columns, as mma_bf16 lays them out: [m][n][2h + e] is row 16m + 8h + lane / 4, column
// 8n + 2 (lane % 4) + e.
template <int MT, int N>
struct Accumulators {
    float v[MT][N / 8][4];
    // f(value, m, n, h, e) for each of them, all loops unrolled: m and the rest are constants to the compiler.
    template <typename F>
    __device__ __forceinline__ void each(F f) {
        #pragma unroll
        for (int m = 0; m < MT; m++)
            #pragma unroll
            for (int n = 0; n < N / 8; n++)
                #pragma unroll
                for (int i = 0; i < 4; i++) f(v[m][n][i], m, n, i / 2, i % 2);
    }
    __device__ __forceinline__ void clear() {
        each([](float& x, int, int, int, int) { x = 0; });
    }
};

// c += a b^T: a 16 MT rows of the warp, b W rows, both of HSP values in shared memory.
template <int MT, int W, int HSP>
__device__ __forceinline__ void add_product_transposed(Accumulators<MT, W>& c, const bf16* a, const bf16* b) {
    constexpr int step = kRowStep<HSP, bf16>;
    const int lane = int(threadIdx.x) % 32;
    a += lane % 16 * step + lane / 16 * 8;                           // the four matrices of an A operand: rows first
    b += (lane % 8 + lane / 16 * 8) * step + lane / 8 % 2 * 8;       // those of two B operands: k first
    #pragma unroll
    for (int k = 0; k < HSP; k += 16) {
        uint32_t a_k[MT][4];
        #pragma unroll
        for (int m = 0; m < MT; m++) load_matrices(a_k[m], a + m * 16 * step + k);
        #pragma unroll
        for (int n = 0; n < W / 16; n++) {
            uint32_t b_k[4];
            load_matrices(b_k, b + n * 16 * step + k);
            const uint32_t left[2] = {b_k[0], b_k[1]}, right[2] = {b_k[2], b_k[3]};
            #pragma unroll
            for (int m = 0; m < MT; m++) {
                mma_bf16(c.v[m][2 * n], a_k[m], left);
                mma_bf16(c.v[m][2 * n + 1], a_k[m], right);
            }
        }
    }
}

// Columns 16j .. 16j + 15 of accumulators as an A operand: they are in the right lanes already.
template <int MT, int W>
__device__ __forceinline__ void round_to_operand(uint32_t (&a)[MT][4], const Accumulators<MT, W>& p, int j) {
    #pragma unroll
    for (int m = 0; m < MT; m++)
        #pragma unroll
        for (int i = 0; i < 4; i++) a[m][i] = pack_bf16(p.v[m][2 * j + i / 2][i % 2 * 2], p.v[m][2 * j + i / 2][i % 2 * 2 + 1]);
}

// c += a b: a is 16 columns of p, b 16 rows of HSP values in shared memory.
template <int MT, int HSP>
__device__ __forceinline__ void add_product(Accumulators<MT, HSP>& c, const uint32_t (&a)[MT][4], const bf16* b) {
    const int lane = int(threadIdx.x) % 32;
    b += lane % 16 * kRowStep<HSP, bf16> + lane / 16 * 8;
    #pragma unroll
    for (int n = 0; n < HSP / 16; n++) {
        uint32_t b_n[4];
        load_matrices_transposed(b_n, b + n * 16);
        const uint32_t left[2] = {b_n[0], b_n[1]}, right[2] = {b_n[2], b_n[3]};
        #pragma unroll
        for (int m = 0; m < MT; m++) {
            mma_bf16(c.v[m][2 * n], a[m], left);
            mma_bf16(c.v[m][2 * n + 1], a[m], right);
        }
    }
}

__device__ __forceinline__ bool has_nonfinite(uint32_t pair) {
    return (pair & 0x7F80u) == 0x7F80u || (pair & 0x7F800000u) == 0x7F800000u;
}

// d += a b with row r of a blind to rows of b after r + reach, whose values may be NaN: a product for each row of a, in which b has
// zeros there, and of which only that row is kept. Same bits as mma_bf16 where a has zeros there and b is finite. For one warp.
__device__ __forceinline__ void mma_row_by_row(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int reach) {
    const int lane = int(threadIdx.x) % 32, k = lane % 4 * 2;
    #pragma unroll 1
    for (int r = 0; r < 16; r++) {
        const int last = r + reach;
        const uint32_t seen[2] = {b[0] & ((k <= last ? 0xFFFFu : 0) | (k + 1 <= last ? 0xFFFF0000u : 0)),
                                  b[1] & ((k + 8 <= last ? 0xFFFFu : 0) | (k + 9 <= last ? 0xFFFF0000u : 0))};
        float sum[4] = {d[0], d[1], d[2], d[3]};
        mma_bf16(sum, a, seen);
        const bool mine = lane / 4 == r % 8, upper = r < 8;
        d[0] = mine && upper ? sum[0] : d[0], d[1] = mine && upper ? sum[1] : d[1];
        d[2] = mine && !upper ? sum[2] : d[2], d[3] = mine && !upper ? sum[3] : d[3];
    }
}

// add_product where the diagonal may pass: row r of the warp sees rows 0 .. r + reach of b. Zeros in a hide the others as long as b is
// finite there; 0 * NaN is NaN, so b is looked at first.
template <int MT, int HSP>
__device__ __forceinline__ void add_product_causal(Accumulators<MT, HSP>& c, const uint32_t (&a)[MT][4], const bf16* b, int reach) {
    const int lane = int(threadIdx.x) % 32;
    b += lane % 16 * kRowStep<HSP, bf16> + lane / 16 * 8;
    #pragma unroll
    for (int n = 0; n < HSP / 16; n++) {
        uint32_t b_n[4];
        load_matrices_transposed(b_n, b + n * 16);
        #pragma unroll
        for (int half = 0; half < 2; half++) {
            const uint32_t piece[2] = {b_n[2 * half], b_n[2 * half + 1]};
            const bool finite = warp_ballot(has_nonfinite(piece[0]) || has_nonfinite(piece[1])) == 0;
            #pragma unroll
            for (int m = 0; m < MT; m++) {
                if (reach + 16 * m <= -16) continue;                 // no row of these 16 sees any
                if (finite || reach + 16 * m >= 15) mma_bf16(c.v[m][2 * n + half], a[m], piece);
                else mma_row_by_row(c.v[m][2 * n + half], a[m], piece, reach + 16 * m);
            }
        }
    }
}

// The warp's rows, each times its factor[m][h], to global memory: `valid` rows of HS values, `stride` apart. `shared` is room for
// them that no other warp uses; through it, a store is 16 bytes wide.
template <int MT, int HSP, bool exact>
__device__ __forceinline__ void store_rows(bf16* to, int stride, int64_t valid, int HS, const Accumulators<MT, HSP>& c,
                                           const float (&factor)[MT][2], bf16* shared) {
    constexpr int step = kRowStep<HSP, bf16>;
    const int lane = int(threadIdx.x) % 32;
    __syncwarp();                                                    // all lanes have read what was there
    #pragma unroll
    for (int m = 0; m < MT; m++)
        #pragma unroll
        for (int h = 0; h < 2; h++)
            #pragma unroll
            for (int n = 0; n < HSP / 8; n++) {
                const uint32_t pair = pack_bf16(c.v[m][n][2 * h] * factor[m][h], c.v[m][n][2 * h + 1] * factor[m][h]);
                memcpy(shared + (16 * m + 8 * h + lane / 4) * step + 8 * n + lane % 4 * 2, &pair, 4);
            }
    __syncwarp();
    if (exact || HS % 8 == 0) {
        #pragma unroll
        for (int u = 0; u < MT * HSP / 16; u++) {
            const int e = lane + 32 * u, r = e / (HSP / 8), col = e % (HSP / 8) * 8;
            if (r < valid && (exact || col < HS)) store16(to + int64_t(r) * stride + col, load16(shared + r * step + col));
        }
    } else {
        #pragma unroll 1
        for (int e = lane; e < 16 * MT * HSP; e += 32) {
            const int r = e / HSP, col = e % HSP;
            if (r < valid && col < HS) to[int64_t(r) * stride + col] = shared[r * step + col];
        }
    }
}

constexpr int kSumRows = 64;         // rows of dqkv that a partial sum of the bias's gradient adds up; every bf16 tile has a multiple of them
// The column sums of a block's tile, which store_rows has left in shared memory: of its first `valid` rows, as stored. `arrays`: dq, or dk and dv, one
// behind the other there and C numbers apart in partial (.., 3C), which gets a row for kSumRows rows. All threads of the block call this.
template <int HSP, int rows, int arrays>
__device__ __forceinline__ void sum_columns(float* partial, int C, const bf16* shared, int valid, int HS) {
    constexpr int step = kRowStep<HSP, bf16>, chains = 4;            // additions that need not wait for each other
    static_assert(rows % kSumRows == 0 && kSumRows % chains == 0);
    __syncthreads();                                                 // the other warps' rows are there
    #pragma unroll 1
    for (int e = int(threadIdx.x); e < arrays * HSP; e += kThreads) {
        const int array = e / HSP, c = e % HSP;
        #pragma unroll 1
        for (int first = 0; first < rows && first < valid; first += kSumRows) {
            const bf16* const column = shared + (array * rows + first) * step + c;
            float sum[chains] = {};
            #pragma unroll 4
            for (int r = 0; r < kSumRows; r += chains)
                #pragma unroll
                for (int i = 0; i < chains; i++)
                    if (first + r + i < valid) sum[i] += float(column[(r + i) * step]);
            if (c < HS) partial[first / kSumRows * 3 * C + array * C + c] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        }
    }
}

// ---- what a forward kernel is told

// Queries, keys and values of B sequences of NH heads. Sequence b has n queries, the first at position past[b], and its keys in row
// slot[b] of a cache; without these arrays, position 0 and row b.
template <typename T>
struct Forward {
    T* y;                            // (B, n, C)
    float* lse;                      // (B, NH, n) or null
    const T *q, *k, *v;              // positions q_stride and kv_stride apart; k and v of heads kv_head apart, with room for kv_room positions
    const int32_t *slot, *past;
    int64_t n, kv_room, kv_head, kv_row;         // kv_row: k and v of sequences, or rows of the cache
    int q_stride, kv_stride, heads, NH, HS;      // heads = B * NH
    float scale;                     // log2(e) / sqrt(HS): scores are powers of two
};
// What a block needs of it: its head's rows, the first of its queries, and the positions of both.
template <typename T>
struct ForwardHead {
    const T *q, *k, *v;
    T* y;
    int64_t i0, past, end;           // keys 0 .. end - 1 are looked at; none where slot or past make no sense: y becomes 0 / 0
};
template <int rows, typename T>
__device__ __forceinline__ ForwardHead<T> forward_head(const Forward<T>& f, const Item& item, int tiles) {
    const int b = item.head / f.NH, h = item.head % f.NH;
    const int64_t i0 = int64_t(tiles - 1 - item.rank) * rows, last = i0 + rows < f.n ? i0 + rows : f.n;
    const int64_t past = f.past ? f.past[b] : 0, slot = f.slot ? f.slot[b] : b;
    const bool sound = past >= 0 && slot >= 0 && past + f.n <= f.kv_room;
    const int64_t kv = (sound ? slot : 0) * f.kv_row + h * f.kv_head, row = b * f.n + i0;
    return {f.q + row * f.q_stride + h * f.HS, f.k + kv, f.v + kv, f.y + (row * f.NH + h) * f.HS, i0, past, sound ? past + last : 0};
}

// Online softmax of one tile: scores become 2^(scale (s - top)), top and sum of each row are brought up to date, and the output so
// far shrinks to the new top. `sum` is of this lane's columns only. Row r of the warp sees columns 0 .. r + reach.
// top need not be the largest score, only near it, for the sum divides it out: it follows when it has fallen kSlack behind (fp32 and bf16 hold
// 2^8 as precisely as 1), which few tiles make it do. A row decides that by itself, so its bits do not depend on its neighbours.
constexpr float kSlack = 8;          // as a power of two
template <int MT, int W, int HSP>
__device__ __forceinline__ void softmax_tile(Accumulators<MT, W>& s, Accumulators<MT, HSP>& o, float (&top)[MT][2], float (&sum)[MT][2],
                                             float scale, int reach) {
    const int lane = int(threadIdx.x) % 32;
    if (reach < W - 1)
        s.each([&](float& x, int m, int n, int h, int e) {
            if (8 * n + lane % 4 * 2 + e > 16 * m + 8 * h + lane / 4 + reach) x = kMinusInf;
        });
    float factor[MT][2];
    bool shrinks = false;
    #pragma unroll
    for (int m = 0; m < MT; m++)
        #pragma unroll
        for (int h = 0; h < 2; h++) {
            float largest = top[m][h];
            #pragma unroll
            for (int n = 0; n < W / 8; n++) largest = fmaxf(largest, fmaxf(s.v[m][n][2 * h], s.v[m][n][2 * h + 1]));
            largest = fmaxf(largest, shuffle_xor(largest, 1));
            largest = fmaxf(largest, shuffle_xor(largest, 2));       // a NaN is passed over here and comes back through s - top
            const bool follows = (largest - top[m][h]) * scale > kSlack;
            factor[m][h] = follows ? fast_exp2((top[m][h] - largest) * scale) : 1.0f;
            top[m][h] = follows ? largest : top[m][h];
            shrinks = shrinks || follows;
        }
    if (warp_ballot(shrinks)) o.each([&](float& x, int m, int, int h, int) { x *= factor[m][h]; });
    #pragma unroll
    for (int m = 0; m < MT; m++)
        #pragma unroll
        for (int h = 0; h < 2; h++) {
            const float offset = top[m][h] * scale;
            float tile_sum = 0;
            #pragma unroll
            for (int n = 0; n < W / 8; n++)
                #pragma unroll
                for (int e = 2 * h; e < 2 * h + 2; e++) tile_sum += s.v[m][n][e] = fast_exp2(s.v[m][n][e] * scale - offset);
            sum[m][h] = sum[m][h] * factor[m][h] + tile_sum;
        }
}

// ---- what a backward kernel is told

template <typename T>
struct Backward {
    T* dqkv;                         // (B, T, 3C)
    float* partial;                  // (B, ceil(T / kSumRows), 3C) sums over rows of dqkv, or null
    const T *dy, *qkv, *y;
    const float* lse;                // (B, NH, T)
    float *lse2, *D;                 // (B * NH, padded), written by the first kernel: lse * log2(e), +Inf for padding, so that its p is 0; and dy . y
    int T_, padded, heads, NH, HS;
    float scale;                     // log2(e) / sqrt(HS)
};

// Where the four operands of a head lie, and the rows and columns of this block. The gradients lie in dqkv where a1 and a2 do in qkv.
template <typename T>
struct BackwardHead {
    const T *a1, *a2, *b1, *b2;
    const float* lse;
    float *lse2, *D;
    int a2_stride, b2_stride, r0, c0, c1;        // first row; columns c0 .. c1 - 1, c0 a multiple of the tile
};
template <bool for_queries, int rows, int W, typename T>
__device__ __forceinline__ BackwardHead<T> backward_head(const Backward<T>& f) {
    const int tiles = ceil_div(f.T_, rows);
    const Item item = item_of_block(f.heads, tiles);
    const int C = f.NH * f.HS, h = item.head % f.NH;
    const int64_t b = item.head / f.NH;
    const T *q = f.qkv + b * f.T_ * 3 * C + h * f.HS, *k = q + C, *v = k + C, *dy = f.dy + b * f.T_ * C + h * f.HS;
    const float* const lse = f.lse + int64_t(item.head) * f.T_;
    float *lse2 = f.lse2 + int64_t(item.head) * f.padded, *D = f.D + int64_t(item.head) * f.padded;
    if (for_queries) {
        const int r0 = (tiles - 1 - item.rank) * rows;
        return {q, dy, k, v, lse, lse2, D, C, 3 * C, r0, 0, r0 + rows < f.T_ ? r0 + rows : f.T_};
    }
    const int r0 = item.rank * rows;
    return {k, v, q, dy, lse, lse2, D, 3 * C, C, r0, r0 / W * W, f.T_};
}
// Where the sums of this block's rows go: the columns of dq, or of dk, which C columns later are those of dv. Told by what is at hand at the end of
// a kernel; to know the block's item until then costs registers.
template <typename T>
__device__ __forceinline__ float* partial_of_block(const Backward<T>& f, const BackwardHead<T>& head) {
    const int64_t columns = 3 * f.NH * f.HS, at = head.a1 - f.qkv, b = at / (f.T_ * columns);
    return f.partial + (b * ceil_div(f.T_, kSumRows) + head.r0 / kSumRows) * columns + (at - b * f.T_ * columns);
}

}  // namespace attention_cuda
#endif  // CUDA_KERNELS
