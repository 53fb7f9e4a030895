// kernels/attention_warpgroup_cuda.hpp -- attention for Hopper: the products of attention_cuda.hpp by a warpgroup (warpgroup.hpp), for heads of 64 and
// 128 in bf16. The mathematics, the order of the tiles and the promises are the same; so are the bits, at the same tiles.
//
// A block is a warpgroup, which owns 64 rows. Their operands of the first products stay in its registers; the tiles of 64 columns that pass by are read by
// the tensor cores themselves, from shared memory. So threads have time for the softmax, which costs as much as the products at HS = 64: its
// exponentials go through a unit of 16 results a clock and multiprocessor. Two or three blocks share a multiprocessor: while one has its softmax,
// the tensor cores have the others' products. That, and no finer plan inside a block, is what overlaps them (measured: LOG 2026-11-23).
#pragma once

#include "attention_tiles_cuda.hpp"
#include "warpgroup.hpp"

#ifdef CUDA_KERNELS
namespace attention_cuda {

constexpr int kRows = 64;            // of a warpgroup
static_assert(kWarpgroupThreads == kThreads);        // store_rows, sum_columns

// Brings tiles of `rows` rows of HSP values to shared memory as warpgroup.hpp wants them: each thread has the same places in every tile.
template <int HSP, int rows>
struct TileLoader {
    static constexpr int pieces = HSP / 8, rows_at_once = kWarpgroupThreads / pieces;
    static_assert(rows % rows_at_once == 0 && rows_at_once % 8 == 0);
    const bf16* from;                // this thread's first piece of the tile that begins at row 0
    int stride, row, place;          // elements between rows; the piece's row, and where it goes
    __device__ __forceinline__ TileLoader(const bf16* from_, int stride_) : from(from_), stride(stride_), row(int(threadIdx.x) / pieces) {
        const int c = int(threadIdx.x) % pieces * 8;
        from += int64_t(row) * stride + c;
        place = tile_offset(rows, row, c);
    }
    // The tile that begins at row first, zeros from row `end` on.
    __device__ __forceinline__ void load(bf16* to, int first, int end) const {
        #pragma unroll
        for (int u = 0; u < rows / rows_at_once; u++) {
            const int r = first + u * rows_at_once;
            async_copy16(to + place + u * rows_at_once * kTileColumns, from + int64_t(r) * stride, r + row < end);
        }
    }
};

// The warp's 16 rows, from row r0 on, of a tile of kRows rows, as left operands of the products over its columns.
template <int HSP>
__device__ __forceinline__ void load_operands(uint32_t (&a)[HSP / 16][4], const bf16* tile, int r0) {
    const int lane = int(threadIdx.x) % 32;
    #pragma unroll
    for (int k = 0; k < HSP / 16; k++) load_matrices(a[k], tile + tile_offset(kRows, r0 + lane % 16, k * 16 + lane / 16 * 8));
}

// The 16 columns from k on, as an operand, of a tile of `rows` rows.
__device__ __forceinline__ TileOperand columns_from(const TileOperand& tile, int rows, int k) {
    return tile.from(k / kTileColumns * rows * kTileColumns + k % kTileColumns);
}
// c (64, W) = a b^T for a in registers, b a tile of W rows of HSP columns. Between begin_products and end_products, as the next ones.
template <int W, int HSP>
__device__ __forceinline__ void multiply_transposed(Accumulators<1, W>& c, const uint32_t (&a)[HSP / 16][4], const bf16* b) {
    const TileOperand operand = tile_operand(b, W);
    multiply_tile<false, false, W>(c.v[0], a[0], operand);
    #pragma unroll
    for (int k = 1; k < HSP / 16; k++) multiply_tile<true, false, W>(c.v[0], a[k], columns_from(operand, W, k * 16));
}
// The same for a in a tile of kRows rows.
template <int W, int HSP>
__device__ __forceinline__ void multiply_transposed(Accumulators<1, W>& c, const bf16* a, const bf16* b) {
    const TileOperand left = tile_operand(a, kRows), right = tile_operand(b, W);
    multiply_tile<false, false, W>(c.v[0], left, right);
    #pragma unroll
    for (int k = 1; k < HSP / 16; k++) multiply_tile<true, false, W>(c.v[0], columns_from(left, kRows, k * 16), columns_from(right, W, k * 16));
}
// c (64, HSP) += p b for p (64, W) in registers, b a tile of W rows of HSP columns.
template <int W, int HSP>
__device__ __forceinline__ void multiply_add(Accumulators<1, HSP>& c, const uint32_t (&p)[W / 16][1][4], const bf16* b) {
    const TileOperand operand = tile_operand(b, W);
    #pragma unroll
    for (int j = 0; j < W / 16; j++) multiply_tile<true, true, HSP>(c.v[0], p[j][0], operand.from(j * 16 * kTileColumns));
}

__device__ __forceinline__ bool nonfinite(bf16 x) { return (x.bits & 0x7F80u) == 0x7F80u; }

// Where the diagonal may pass, zeros in p hide rows of v, as long as these are finite: 0 * NaN is NaN. So what is not finite becomes zero there, and
// give_nonfinite makes up for it at the end. Returns whether there was any. All threads of the block call this, and all get the same answer.
__device__ __forceinline__ bool take_nonfinite(bf16* tile, int elements) {
    constexpr int threads = kWarpgroupThreads;
    SHARED_ARRAY(int, found, threads / 32);
    bool mine = false;
    #pragma unroll 1
    for (int e = int(threadIdx.x) * 8; e < elements; e += threads * 8) {
        Pack<bf16> pack = load16(tile + e);
        bool spoiled = false;
        #pragma unroll
        for (int i = 0; i < 8; i++) {
            spoiled = spoiled || nonfinite(pack[i]);
            if (nonfinite(pack[i])) pack[i] = bf16(0.0f);
        }
        if (spoiled) store16(tile + e, pack);
        mine = mine || spoiled;
    }
    publish_tiles();
    const bool of_warp = warp_ballot(mine) != 0;
    if (threadIdx.x % 32 == 0) found[threadIdx.x / 32] = of_warp;
    __syncthreads();
    bool any = false;
    for (int w = 0; w < threads / 32; w++) any = any || found[w];
    return any;
}
// y of query i (0 .. rows - 1, at position first + i) += the values of v that take_nonfinite took from keys begin .. end - 1 and that the query sees.
__device__ __forceinline__ void give_nonfinite(bf16* y, int y_stride, int rows, const bf16* v, int v_stride, int begin, int end, int first, int HS) {
    #pragma unroll 1
    for (int e = int(threadIdx.x); e < rows * HS; e += kWarpgroupThreads) {
        const int i = e / HS, c = e % HS;
        float sum = 0;
        for (int k = begin; k < end && k <= first + i; k++)
            if (const bf16 x = v[int64_t(k) * v_stride + c]; nonfinite(x)) sum += float(x);
        if (sum != 0) y[int64_t(i) * y_stride + c] = bf16(sum);      // sum: infinite or NaN, and so is y
    }
}

// 64 queries against tiles of W keys, two tiles of k and v each in shared memory. One wait and one barrier a tile: behind it the
// tensor cores have finished tile j's scores and tile j - 1's output; then come the softmax and, together, tile j's output and tile j + 1's scores.
// Floor: forward_bf16_kernel's.
template <int HSP, int W, int blocks_at_once>
__global__ void __launch_bounds__(kWarpgroupThreads, blocks_at_once) forward_warpgroup_kernel(const Forward<bf16> f) {
    constexpr int tile = W * HSP;
    static_assert(kRows <= 2 * W);                                   // q passes through the room of v
    DYNAMIC_SHARED(bf16, shared);
    bf16 *const k = aligned_tile(shared), *const v = k + 2 * tile;
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32, tiles = int(ceil_div(f.n, int64_t(kRows)));
    const Item item = item_of_block(f.heads, tiles);
    const ForwardHead<bf16> head = forward_head<kRows>(f, item, tiles);
    const int w0 = int(head.i0) + warp * 16, keys = int(head.end);   // the warp's first row; keys that the block looks at
    const int past = keys > 0 ? int(head.past) : -kRows - W, first = past + int(head.i0);       // without a key, no row sees any: its softmax is 0 / 0
    const int end = keys > 0 ? ceil_div(keys, W) : 1;                // tiles
    const TileLoader<HSP, W> loader_k(head.k, f.kv_stride), loader_v(head.v, f.kv_stride);
    const auto load_k = [&](int j) {
        if (j < end) loader_k.load(k + j % 2 * tile, j * W, keys);
    };
    const auto load_v = [&](int j) {
        if (j < end) loader_v.load(v + j % 2 * tile, j * W, keys);
    };
    TileLoader<HSP, kRows>(head.q, f.q_stride).load(v, 0, int(f.n - head.i0));
    load_k(0);
    async_commit();
    async_wait<0>();
    publish_tiles();
    __syncthreads();
    uint32_t q[HSP / 16][4];
    load_operands<HSP>(q, v, warp * 16);
    __syncthreads();                                                 // q is in registers
    load_v(0);
    load_k(1);
    async_commit();
    Accumulators<1, HSP> o;
    Accumulators<1, W> s;
    float top[1][2] = {{kMinusInf, kMinusInf}}, sum[1][2] = {};
    uint32_t p[W / 16][1][4];
    bool spoiled = false;
    // From the scores of tile j to p. Behind it tile j + 1 of k and tile j of v are there, and nobody reads tile j of k and tile j - 1 of v any more.
    const auto softmax = [&](int j) {
        products_wait<0>();
        settle(s.v[0]);
        settle(o.v[0]);
        async_wait<0>();
        publish_tiles();
        __syncthreads();
        load_v(j + 1);
        load_k(j + 2);
        async_commit();
        softmax_tile(s, o, top, sum, f.scale, past + w0 - j * W);    // row r of the warp sees keys j W .. past + w0 + r
        #pragma unroll
        for (int i = 0; i < W / 16; i++) round_to_operand(p[i], s, i);
        if (first < j * W + W - 1) spoiled = take_nonfinite(v + j % 2 * tile, tile) || spoiled;     // zeros in p shall hide what the diagonal hides
        settle(o.v[0]);
    };
    o.clear();
    settle(o.v[0]);
    begin_products();
    multiply_transposed<W, HSP>(s, q, k);
    end_products();
    for (int j = 0; j < end - 1; j++) {
        softmax(j);
        begin_products();
        multiply_add<W, HSP>(o, p, v + j % 2 * tile);
        multiply_transposed<W, HSP>(s, q, k + (j + 1) % 2 * tile);
        end_products();
    }
    softmax(end - 1);
    begin_products();
    multiply_add<W, HSP>(o, p, v + (end - 1) % 2 * tile);
    end_products();
    products_wait<0>();
    settle(o.v[0]);
    async_wait<0>();
    float factor[1][2];
    #pragma unroll
    for (int h = 0; h < 2; h++) {
        sum[0][h] += shuffle_xor(sum[0][h], 1);
        sum[0][h] += shuffle_xor(sum[0][h], 2);
        factor[0][h] = 1.0f / sum[0][h];
        const int i = w0 + 8 * h + lane / 4;
        if (f.lse && lane % 4 == 0 && i < f.n) f.lse[item.head * f.n + i] = (top[0][h] * f.scale + log2f(sum[0][h])) * kLn2;
    }
    __syncthreads();                                                 // nobody reads k and v any more
    const int C = f.NH * HSP;
    store_rows<1, HSP, true>(head.y + int64_t(warp * 16) * C, C, f.n - w0, HSP, o, factor, k + warp * 16 * kRowStep<HSP, bf16>);
    if (spoiled) {
        __syncthreads();                                             // y is there
        give_nonfinite(head.y, C, f.n - head.i0 < kRows ? int(f.n - head.i0) : kRows, head.v, f.kv_stride, (first + 1) / W * W, keys, first, HSP);
    }
}
template <int HSP, int W>
constexpr size_t kForwardWarpgroupBytes = size_t(4) * W * HSP * sizeof(bf16) + kTileAlignment;

// 64 rows (queries for dq, keys for dk and dv: backward_bf16_kernel has the names) against tiles of W columns, three tiles of b1 and b2 each in shared
// memory: while tile j's products run, tile j + 1's first products are queued with them, and tile j + 2 is on its way. One wait and one barrier a tile.
// The kernel for dq comes first and writes lse2 and D of its rows, which in attention_cuda.hpp a kernel of its own does.
// Floor: backward_bf16_kernel's, and for dq y is read, 2 bytes * N C. The sums for the bias are additions on the way out, and 1 / 8 byte an element of dqkv.
template <bool for_queries, int HSP, int W, bool keep_rows, int blocks_at_once>
__global__ void __launch_bounds__(kWarpgroupThreads, blocks_at_once) backward_warpgroup_kernel(const Backward<bf16> f) {
    constexpr int tile = W * HSP, stages = 3;
    static_assert(kRows == W);                                       // else the last tiles are no row's, or the first
    DYNAMIC_SHARED(bf16, shared);
    bf16* const columns = aligned_tile(shared);                      // of each stage b1, b2
    float* const numbers = reinterpret_cast<float*>(columns + 2 * stages * tile);        // of each stage lse2, D of its columns
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const BackwardHead<bf16> head = backward_head<for_queries, kRows, W>(f);
    const int stride = 3 * f.NH * HSP, w0 = head.r0 + warp * 16, count = ceil_div(head.c1 - head.c0, W);
    const TileLoader<HSP, W> loader_1(head.b1, stride), loader_2(head.b2, head.b2_stride);
    const auto load_columns = [&](int j) {
        if (j < count) {
            const int c = head.c0 + j * W, stage = j % stages;
            loader_1.load(columns + stage * 2 * tile, c, f.T_);
            loader_2.load(columns + stage * 2 * tile + tile, c, f.T_);
            if (!for_queries && threadIdx.x < W / 2) {
                const int e = int(threadIdx.x) % (W / 4) * 4;
                const bool is_D = threadIdx.x >= W / 4;
                async_copy16(numbers + stage * 2 * W + (is_D ? W : 0) + e, (is_D ? head.D : head.lse2) + c + e);
            }
        }
        async_commit();
    };
    bf16 *const a1 = keep_rows ? columns + 2 * (stages - 1) * tile : aligned_tile(columns + 2 * stages * tile + 4 * stages * W), *const a2 = a1 + tile;   // kept: they pass through the last stage
    TileLoader<HSP, kRows>(head.a1, stride).load(a1, head.r0, f.T_);
    TileLoader<HSP, kRows>(head.a2, head.a2_stride).load(a2, head.r0, f.T_);
    load_columns(0);
    load_columns(1);
    async_wait<1>();
    publish_tiles();
    __syncthreads();
    uint32_t rows_1[HSP / 16][4], rows_2[HSP / 16][4];
    if (keep_rows) {
        load_operands<HSP>(rows_1, a1, warp * 16);
        load_operands<HSP>(rows_2, a2, warp * 16);
    }
    float row_lse2[2] = {}, row_D[2] = {};                           // four lanes have a row
    #pragma unroll
    for (int h = 0; h < 2 && for_queries; h++) {
        const int i = w0 + 8 * h + lane / 4;
        const bool present = i < f.T_;
        const int64_t at = head.a2 - f.dy + int64_t(present ? i : 0) * head.a2_stride;
        #pragma unroll
        for (int c = lane % 4 * 8; c < HSP; c += 32) {
            const Pack<bf16> dy = load16(f.dy + at + c), y = load16(f.y + at + c);
            #pragma unroll
            for (int e = 0; e < 8; e++) row_D[h] += float(dy[e]) * float(y[e]);
        }
        row_D[h] += shuffle_xor(row_D[h], 1);
        row_D[h] += shuffle_xor(row_D[h], 2);
        row_lse2[h] = present ? head.lse[i] * kLog2e : -kMinusInf;
        if (lane % 4 == 0) head.D[i] = row_D[h], head.lse2[i] = row_lse2[h];             // for the other kernel; padded: inside the arrays
    }
    Accumulators<1, HSP> first, second;
    Accumulators<1, W> p, ds;
    uint32_t p_operand[W / 16][1][4], ds_operand[W / 16][1][4];
    const auto first_products = [&](int j) {
        const bf16* const b1 = columns + j % stages * 2 * tile;
        if constexpr (keep_rows) {
            multiply_transposed<W, HSP>(p, rows_1, b1);
            multiply_transposed<W, HSP>(ds, rows_2, b1 + tile);      // dp
        } else {
            multiply_transposed<W, HSP>(p, a1, b1);
            multiply_transposed<W, HSP>(ds, a2, b1 + tile);
        }
    };
    const auto last_products = [&](int j) {
        const bf16* const b1 = columns + j % stages * 2 * tile;
        if (!for_queries) multiply_add<W, HSP>(second, p_operand, b1 + tile);
        multiply_add<W, HSP>(first, ds_operand, b1);
    };
    // From the scores and dp of tile j to p and ds. Behind it tile j + 1 is there, and nobody reads tile j - 1 any more.
    const auto softmax = [&](int j) {
        products_wait<0>();
        settle(p.v[0]);
        settle(ds.v[0]);
        settle(first.v[0]);
        if (!for_queries) settle(second.v[0]);
        async_wait<0>();
        publish_tiles();
        __syncthreads();
        load_columns(j + 2);
        const float* const column_lse2 = numbers + j % stages * 2 * W;
        const int ahead = w0 - head.c0 - j * W;                      // row r stands at column r + ahead
        const bool diagonal = for_queries ? ahead < W - 1 : ahead + 16 > 1;
        #pragma unroll
        for (int n = 0; n < W / 8; n++)
            #pragma unroll
            for (int i = 0; i < 4; i++) {
                const int c = 8 * n + lane % 4 * 2 + i % 2, r = 8 * (i / 2) + lane / 4;
                float &x = p.v[0][n][i], &d = ds.v[0][n][i];
                x = fast_exp2(x * f.scale - (for_queries ? row_lse2[i / 2] : column_lse2[c]));
                d = x * (d - (for_queries ? row_D[i / 2] : column_lse2[W + c]));
                if (diagonal && (for_queries ? c > r + ahead : c < r + ahead)) x = 0, d = 0;
            }
        #pragma unroll
        for (int i = 0; i < W / 16; i++) {
            if (!for_queries) round_to_operand(p_operand[i], p, i);
            round_to_operand(ds_operand[i], ds, i);
        }
        settle(first.v[0]);
        if (!for_queries) settle(second.v[0]);
    };
    first.clear();
    second.clear();
    settle(first.v[0]);
    if (!for_queries) settle(second.v[0]);
    begin_products();
    first_products(0);
    end_products();
    for (int j = 0; j < count - 1; j++) {
        softmax(j);
        begin_products();
        last_products(j);
        first_products(j + 1);
        end_products();
    }
    softmax(count - 1);
    begin_products();
    last_products(count - 1);
    end_products();
    products_wait<0>();
    settle(first.v[0]);
    if (!for_queries) settle(second.v[0]);
    async_wait<0>();
    __syncthreads();                                                 // nobody reads the columns any more
    bf16* const room = columns + warp * 16 * kRowStep<HSP, bf16>;
    float factor[1][2] = {{f.scale * kLn2, f.scale * kLn2}};       // 1 / sqrt(HS)
    bf16* const to = f.dqkv + (head.a1 - f.qkv) + int64_t(w0) * stride;
    store_rows<1, HSP, true>(to, stride, f.T_ - w0, HSP, first, factor, room);
    factor[0][0] = factor[0][1] = 1;
    if (!for_queries) store_rows<1, HSP, true>(to + stride / 3, stride, f.T_ - w0, HSP, second, factor, room + kRows * kRowStep<HSP, bf16>);
    if (f.partial) sum_columns<HSP, kRows, for_queries ? 1 : 2>(partial_of_block(f, head), stride / 3, columns, f.T_ - head.r0, HSP);
}
template <int HSP, int W, bool keep_rows>
constexpr size_t kBackwardWarpgroupBytes = size_t(keep_rows ? 6 : 8) * W * HSP * sizeof(bf16) + size_t(6) * W * sizeof(float) + (keep_rows ? 1 : 2) * kTileAlignment;

}  // namespace attention_cuda
#endif  // CUDA_KERNELS
