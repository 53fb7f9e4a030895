// kernels/attention_cuda.hpp -- attention on the GPU; the mathematics and the names stand in attention.hpp, which includes this file.
//
// bf16 runs on tensor cores (mma m16n8k16, fp32 sums) in the manner of FlashAttention-2 (Dao 2023). A block of four warps owns a tile of
// rows and walks over tiles of columns that cp.async brings to shared memory while it computes. A warp owns 16 or 32 whole rows, so a
// softmax needs two shuffles and no barrier; and the accumulators of one product, rounded to bf16, are the A operand of the next.
// Rows in shared memory are an odd number of 16-byte pieces apart: eight rows of a column lie in eight different groups of banks, for
// every head size (an XOR swizzle does not fit the ten pieces of HS = 80), and offsets stay constants.
// fp32 does the same with plain multiply-adds. Head sizes 64, 80 and 128 are constants of their own; others up to 128 are padded.
// On Hopper heads of 64 and 128 in bf16 take another way to the same products, twice as fast: attention_warpgroup_cuda.hpp.
// Promises, as on the CPU: no atomics, so a call repeated has the same bits; a row's bits do not depend on the batch, nor on whether its
// past is computed with it or lies in a cache (n = 1 excepted); nothing after position i, not even a NaN, reaches y_i.
#pragma once

#include "attention.hpp"
#include "attention_tiles_cuda.hpp"
#include "attention_warpgroup_cuda.hpp"

#ifdef CUDA_KERNELS
namespace attention_cuda {

// ---- forward

// 64 MT queries against tiles of W keys. k and v take turns: v travels while the scores are computed, the next k during the softmax
// and its product, so one buffer each is enough. At B=16, T=1024, NH=12, HS=64: 26 GFLOP (26 us of an H100's 990 TFLOP/s, 43 us of what
// mma.sync reaches), 1.0e8 exponentials (28 us) and 102 MB (30 us of 3.35 TB/s): all three near each other, tensor cores first.
template <int HSP, int MT, int W, bool exact>
__global__ void __launch_bounds__(kThreads, 2) forward_bf16_kernel(const Forward<bf16> f) {
    constexpr int rows = 16 * MT * kWarps, step = kRowStep<HSP, bf16>;
    DYNAMIC_SHARED(bf16, shared);
    bf16 *const q = shared, *const k = q + rows * step, *const v = k + W * step;
    const int HS = exact ? HSP : f.HS, warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32, tiles = int(ceil_div(f.n, int64_t(rows)));
    const Item item = item_of_block(f.heads, tiles);
    const ForwardHead<bf16> head = forward_head<rows>(f, item, tiles);
    const int64_t w0 = head.i0 + warp * 16 * MT;                     // the warp's first query
    load_tile<HSP, rows, exact>(q, head.q, f.q_stride, f.n - head.i0, HS);
    load_tile<HSP, W, exact>(k, head.k, f.kv_stride, head.end, HS);
    async_commit();
    Accumulators<MT, HSP> o;
    Accumulators<MT, W> s;
    float top[MT][2], sum[MT][2];
    o.clear();
    #pragma unroll
    for (int m = 0; m < MT; m++) top[m][0] = top[m][1] = kMinusInf, sum[m][0] = sum[m][1] = 0;
    for (int64_t k0 = 0; k0 < head.end; k0 += W) {
        const int reach = int(head.past + w0 - k0);                  // row r of the warp sees keys k0 .. k0 + reach + r
        const bool sees = reach + 16 * MT > 0;
        async_wait<0>();
        __syncthreads();                                             // k is there, and nobody reads v any more
        load_tile<HSP, W, exact>(v, head.v + k0 * f.kv_stride, f.kv_stride, head.end - k0, HS);
        async_commit();
        if (sees) {
            s.clear();
            add_product_transposed<MT, W, HSP>(s, q + warp * 16 * MT * step, k);
        }
        async_wait<0>();
        __syncthreads();                                             // v is there, and nobody reads k any more
        if (k0 + W < head.end) load_tile<HSP, W, exact>(k, head.k + (k0 + W) * f.kv_stride, f.kv_stride, head.end - k0 - W, HS);
        async_commit();
        if (sees) {
            softmax_tile(s, o, top, sum, f.scale, reach);
            #pragma unroll
            for (int j = 0; j < W / 16; j++) {
                uint32_t p[MT][4];
                round_to_operand(p, s, j);
                if (reach >= W - 1) add_product(o, p, v + j * 16 * step);
                else add_product_causal(o, p, v + j * 16 * step, reach - 16 * j);
            }
        }
    }
    async_wait<0>();
    float factor[MT][2];
    #pragma unroll
    for (int m = 0; m < MT; m++)
        #pragma unroll
        for (int h = 0; h < 2; h++) {
            sum[m][h] += shuffle_xor(sum[m][h], 1);
            sum[m][h] += shuffle_xor(sum[m][h], 2);
            factor[m][h] = 1.0f / sum[m][h];
            const int64_t i = w0 + 16 * m + 8 * h + lane / 4;
            if (f.lse && lane % 4 == 0 && i < f.n) f.lse[item.head * f.n + i] = (top[m][h] * f.scale + log2f(sum[m][h])) * kLn2;
        }
    __syncthreads();                                                 // without a single key, q is still on its way for some
    const int C = f.NH * HS;
    store_rows<MT, HSP, exact>(head.y + int64_t(warp * 16 * MT) * C, C, f.n - w0, HS, o, factor, q + warp * 16 * MT * step);
}

// fp32: 32 queries against tiles of 32 keys; thread 4r + t has row r, of the scores columns t, t + 4, .., of the output columns
// 16u + 4t .. + 3. Bound by fp32 arithmetic: 26 GFLOP are 0.4 ms of an H100's 67 TFLOP/s (202 MB: 0.06 ms); shared memory allows about half of that.
template <int HSP>
__global__ void __launch_bounds__(kThreads, 2) forward_fp32_kernel(const Forward<float> f) {
    constexpr int rows = 32, W = 32, step = kRowStep<HSP, float>, p_step = W + 1;
    DYNAMIC_SHARED(float, shared);
    float *const q = shared, *const k = q + rows * step, *const v = k + W * step, *const p = v + W * step;
    const int r = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4, tiles = int(ceil_div(f.n, int64_t(rows)));
    const Item item = item_of_block(f.heads, tiles);
    const ForwardHead<float> head = forward_head<rows>(f, item, tiles);
    const int64_t i = head.i0 + r;
    load_tile<HSP, rows, false>(q, head.q, f.q_stride, f.n - head.i0, f.HS);
    float o[HSP / 16][4] = {}, top = kMinusInf, sum = 0;
    for (int64_t k0 = 0; k0 < head.end; k0 += W) {
        const int64_t reach = head.past + i - k0;                    // the last key of this tile that the row sees
        __syncthreads();                                             // nobody reads k, v any more
        load_tile<HSP, W, false>(k, head.k + k0 * f.kv_stride, f.kv_stride, head.end - k0, f.HS);
        load_tile<HSP, W, false>(v, head.v + k0 * f.kv_stride, f.kv_stride, head.end - k0, f.HS);
        async_commit();
        async_wait<0>();
        __syncthreads();
        float s[W / 4] = {};
        for (int c = 0; c < HSP; c += 4) {
            const Pack<float> q_c = load16(q + r * step + c);
            #pragma unroll
            for (int j = 0; j < W / 4; j++) {
                const Pack<float> k_c = load16(k + (4 * j + t) * step + c);
                #pragma unroll
                for (int e = 0; e < 4; e++) s[j] += q_c[e] * k_c[e];
            }
        }
        float largest = top;
        #pragma unroll
        for (int j = 0; j < W / 4; j++) largest = fmaxf(largest, s[j] = 4 * j + t <= reach ? s[j] * f.scale : kMinusInf);
        largest = fmaxf(largest, shuffle_xor(largest, 1));
        largest = fmaxf(largest, shuffle_xor(largest, 2));
        const float factor = fast_exp2(top - largest);
        top = largest;
        float tile_sum = 0;
        #pragma unroll
        for (int j = 0; j < W / 4; j++) {
            const float e = fast_exp2(s[j] - top);
            tile_sum += e;
            p[r * p_step + 4 * j + t] = e;
        }
        sum = sum * factor + tile_sum;
        __syncwarp();                                                // the row's other columns come from the same warp
        #pragma unroll
        for (int u = 0; u < HSP / 16; u++)
            #pragma unroll
            for (int e = 0; e < 4; e++) o[u][e] *= factor;
        for (int j = 0; j < W && j <= reach; j++) {                  // keys after the query are left out: 0 * NaN would be NaN
            const float p_j = p[r * p_step + j];
            #pragma unroll
            for (int u = 0; u < HSP / 16; u++) {
                const Pack<float> v_j = load16(v + j * step + 16 * u + 4 * t);
                #pragma unroll
                for (int e = 0; e < 4; e++) o[u][e] += p_j * v_j[e];
            }
        }
    }
    async_wait<0>();
    sum += shuffle_xor(sum, 1);
    sum += shuffle_xor(sum, 2);
    if (i < f.n) {
        float* y = head.y + r * int64_t(f.NH) * f.HS;
        const float factor = 1.0f / sum;
        for (int u = 0; u < HSP / 16; u++)
            for (int e = 0; e < 4; e++)
                if (16 * u + 4 * t + e < f.HS) y[16 * u + 4 * t + e] = o[u][e] * factor;
        if (f.lse && t == 0) f.lse[item.head * f.n + i] = (top + log2f(sum)) * kLn2;
    }
}

// ---- backward
// Two kernels, one for dq and one for dk and dv, and each computes the scores and dp anew: 7 products where 5 would do. The other ways to
// one kernel are float atomics on dq (other bits in each run) and blocks that wait for each other in a fixed order; and apart, P and
// dS never leave the registers, while one kernel needs them in both orientations. Both are the same source: rows a1, a2 stay in
// shared memory, columns b1, b2 pass by, s = a1 b1^T, dp = a2 b2^T, first += ds b1, and for keys second += p b2.
//              rows a1, a2    columns b1, b2    first    second
//   dq         q, dy          k, v              dq       -
//   dk, dv     k, v           q, dy             dk       dv
// At B=16, T=1024, NH=12, HS=64: 90 GFLOP (91 us of an H100's 990 TFLOP/s, 150 us of what mma.sync reaches), and at least 333 MB in the
// three kernels (99 us of 3.35 TB/s): bound by the tensor cores.

// lse2 and D of each row; a padding row gets +Inf, so that its p is 0. Eight lanes a row.
// Floor: dy and y read, 2 N C numbers (bf16: 4 N C bytes), and 12 bytes a row and head (lse read, lse2 and D written), N = B T; 2 N C FLOPs. At the
// sizes above 53 MB (16 us) and 25 MFLOP, a FLOP for two bytes.
template <typename T>
__global__ void __launch_bounds__(kThreads) backward_rows_kernel(const Backward<T> f) {
    constexpr int size = Pack<T>::size;
    // unsigned, and 32 bits (the launcher checks): divisions of 64 bits would take longer than the loads
    const unsigned item = blockIdx.x * (kThreads / 8) + threadIdx.x / 8, row = item / unsigned(f.NH), b = row / unsigned(f.padded);
    const int i = int(row % unsigned(f.padded)), h = int(item % unsigned(f.NH)), lane = int(threadIdx.x) % 8;
    const unsigned B = unsigned(f.heads / f.NH);
    const bool present = b < B && i < f.T_;
    float sum = 0;
    if (present) {
        const int64_t at = ((int64_t(b) * f.T_ + i) * f.NH + h) * f.HS;
        if (f.HS % size == 0)
            for (int c = lane * size; c < f.HS; c += 8 * size) {
                const Pack<T> dy = load16(f.dy + at + c), y = load16(f.y + at + c);
                #pragma unroll
                for (int e = 0; e < size; e++) sum += float(dy[e]) * float(y[e]);
            }
        else
            for (int c = lane; c < f.HS; c += 8) sum += float(f.dy[at + c]) * float(f.y[at + c]);
    }
    #pragma unroll
    for (int mask = 4; mask > 0; mask /= 2) sum += shuffle_xor(sum, mask);
    if (b < B && lane == 0) {
        const int64_t head = int64_t(b) * f.NH + h;
        f.D[head * f.padded + i] = sum;
        f.lse2[head * f.padded + i] = present ? f.lse[head * f.T_ + i] * kLog2e : -kMinusInf;
    }
}

// Floor at the sizes above: dq 38.7 GFLOP (39 us) and 127 MB (38 us), dk and dv 51.5 GFLOP (52 us) and 153 MB (46 us), each with 1.0e8
// exponentials (28 us): q, k, v, dy, lse2 and D are read, 2 bytes * N C written for dq, 4 for dk and dv. The sums for the bias are additions on the way
// out, and 1 / 8 byte an element of dqkv (4 bytes for kSumRows of them, written and read).
template <bool for_queries, int HSP, int MT, int W, bool exact>
__global__ void __launch_bounds__(kThreads, 2) backward_bf16_kernel(const Backward<bf16> f) {
    constexpr int rows = 16 * MT * kWarps, step = kRowStep<HSP, bf16>, stage_size = 2 * W * step + (for_queries ? 0 : 4 * W);
    DYNAMIC_SHARED(bf16, shared);
    bf16 *const a1 = shared, *const a2 = a1 + rows * step, *const stages = a2 + rows * step;     // a stage: b1, b2, lse2, D of columns
    const int HS = exact ? HSP : f.HS, warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const BackwardHead<bf16> head = backward_head<for_queries, rows, W>(f);
    const int stride = 3 * f.NH * HS, w0 = head.r0 + warp * 16 * MT;
    const auto load_columns = [&](int c0, int stage) {
        bf16* const b1 = stages + stage * stage_size;
        load_tile<HSP, W, exact>(b1, head.b1 + int64_t(c0) * stride, stride, f.T_ - c0, HS);
        load_tile<HSP, W, exact>(b1 + W * step, head.b2 + int64_t(c0) * head.b2_stride, head.b2_stride, f.T_ - c0, HS);
        if (!for_queries && threadIdx.x < W / 2) {
            float* const numbers = reinterpret_cast<float*>(b1 + 2 * W * step);
            const int e = int(threadIdx.x) % (W / 4) * 4;
            const bool is_D = threadIdx.x >= W / 4;
            async_copy16(numbers + (is_D ? W : 0) + e, (is_D ? head.D : head.lse2) + c0 + e);
        }
    };
    load_tile<HSP, rows, exact>(a1, head.a1 + int64_t(head.r0) * stride, stride, f.T_ - head.r0, HS);
    load_tile<HSP, rows, exact>(a2, head.a2 + int64_t(head.r0) * head.a2_stride, head.a2_stride, f.T_ - head.r0, HS);
    load_columns(head.c0, 0);
    async_commit();
    float row_lse2[MT][2], row_D[MT][2];
    if (for_queries) {
        #pragma unroll
        for (int m = 0; m < MT; m++)
            #pragma unroll
            for (int h = 0; h < 2; h++) {
                const int i = w0 + 16 * m + 8 * h + lane / 4;        // padded: inside the arrays
                row_lse2[m][h] = head.lse2[i], row_D[m][h] = head.D[i];
            }
    }
    Accumulators<MT, HSP> first, second;
    first.clear();
    if (!for_queries) second.clear();
    int stage = 0;
    for (int c0 = head.c0; c0 < head.c1; c0 += W, stage ^= 1) {
        async_wait<0>();
        __syncthreads();                                             // this stage is there, and nobody reads the other any more
        if (c0 + W < head.c1) load_columns(c0 + W, stage ^ 1);
        async_commit();
        const bf16 *const b1 = stages + stage * stage_size, *const b2 = b1 + W * step;
        const float* const column_lse2 = reinterpret_cast<const float*>(b2 + W * step);
        const int ahead = w0 - c0;                                   // row r stands at column r + ahead
        if (for_queries ? ahead + 16 * MT <= 0 : ahead >= W) continue;           // rows and columns do not see each other
        // Is the pair of row r and column c hidden by the diagonal?
        const bool diagonal = for_queries ? ahead < W - 1 : ahead + 16 * MT > 1;
        const auto hidden = [&](int m, int n, int h, int e) {
            const int r = 16 * m + 8 * h + lane / 4, c = 8 * n + lane % 4 * 2 + e;
            return diagonal && (for_queries ? c > r + ahead : c < r + ahead);
        };
        Accumulators<MT, W> p, ds;
        uint32_t p_operand[W / 16][MT][4];
        p.clear();
        add_product_transposed<MT, W, HSP>(p, a1 + warp * 16 * MT * step, b1);
        p.each([&](float& x, int m, int n, int h, int e) {
            x = fast_exp2(x * f.scale - (for_queries ? row_lse2[m][h] : column_lse2[8 * n + lane % 4 * 2 + e]));
            if (hidden(m, n, h, e)) x = 0;
        });
        #pragma unroll
        for (int j = 0; j < W / 16 && !for_queries; j++) round_to_operand(p_operand[j], p, j);   // registers are short: this stays, p goes
        ds.each([&](float& x, int m, int n, int h, int e) { x = -(for_queries ? row_D[m][h] : column_lse2[W + 8 * n + lane % 4 * 2 + e]); });
        add_product_transposed<MT, W, HSP>(ds, a2 + warp * 16 * MT * step, b2);        // dp - D
        ds.each([&](float& x, int m, int n, int h, int e) {
            x *= for_queries ? p.v[m][n][2 * h + e] : half_of(p_operand[n / 2][m][n % 2 * 2 + h], e);
            if (hidden(m, n, h, e)) x = 0;
        });
        #pragma unroll
        for (int j = 0; j < W / 16; j++) {
            if (!for_queries) add_product(second, p_operand[j], b2 + j * 16 * step);
            uint32_t ds_operand[MT][4];
            round_to_operand(ds_operand, ds, j);
            add_product(first, ds_operand, b1 + j * 16 * step);
        }
    }
    async_wait<0>();
    float factor[MT][2];
    #pragma unroll
    for (int m = 0; m < MT; m++) factor[m][0] = factor[m][1] = f.scale * kLn2;        // 1 / sqrt(HS)
    store_rows<MT, HSP, exact>(f.dqkv + (head.a1 - f.qkv) + int64_t(w0) * stride, stride, f.T_ - w0, HS, first, factor, a1 + warp * 16 * MT * step);
    if (!for_queries) {
        #pragma unroll
        for (int m = 0; m < MT; m++) factor[m][0] = factor[m][1] = 1;
        store_rows<MT, HSP, exact>(f.dqkv + (head.a1 - f.qkv) + int64_t(w0) * stride + stride / 3, stride, f.T_ - w0, HS, second, factor, a2 + warp * 16 * MT * step);
    }
    if (f.partial) sum_columns<HSP, rows, for_queries ? 1 : 2>(partial_of_block(f, head), f.NH * HS, a1, f.T_ - head.r0, HS);
}

// fp32: tiles of 32 x 32, threads as in forward_fp32_kernel. Bound by fp32 arithmetic: dq 38.7 GFLOP (0.58 ms of an H100's 67 TFLOP/s) and 253 MB
// (0.08 ms), dk and dv 51.5 GFLOP (0.77 ms) and 304 MB (0.09 ms).
template <bool for_queries, int HSP>
__global__ void __launch_bounds__(kThreads, 2) backward_fp32_kernel(const Backward<float> f) {
    constexpr int rows = 32, W = 32, step = kRowStep<HSP, float>, p_step = W + 1;
    DYNAMIC_SHARED(float, shared);
    float *const a1 = shared, *const a2 = a1 + rows * step, *const b1 = a2 + rows * step, *const b2 = b1 + W * step;
    float *const p = b2 + W * step, *const ds = p + rows * p_step;
    const int r = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
    const BackwardHead<float> head = backward_head<for_queries, rows, W>(f);
    const int stride = 3 * f.NH * f.HS, row = head.r0 + r;
    load_tile<HSP, rows, false>(a1, head.a1 + int64_t(head.r0) * stride, stride, f.T_ - head.r0, f.HS);
    load_tile<HSP, rows, false>(a2, head.a2 + int64_t(head.r0) * head.a2_stride, head.a2_stride, f.T_ - head.r0, f.HS);
    float first[HSP / 16][4] = {}, second[HSP / 16][4] = {};
    for (int c0 = head.c0; c0 < head.c1; c0 += W) {
        __syncthreads();                                             // nobody reads b1, b2 any more
        load_tile<HSP, W, false>(b1, head.b1 + int64_t(c0) * stride, stride, f.T_ - c0, f.HS);
        load_tile<HSP, W, false>(b2, head.b2 + int64_t(c0) * head.b2_stride, head.b2_stride, f.T_ - c0, f.HS);
        async_commit();
        async_wait<0>();
        __syncthreads();
        float s[W / 4] = {}, dp[W / 4] = {};
        for (int c = 0; c < HSP; c += 4) {
            const Pack<float> a1_c = load16(a1 + r * step + c), a2_c = load16(a2 + r * step + c);
            #pragma unroll
            for (int j = 0; j < W / 4; j++) {
                const Pack<float> b1_c = load16(b1 + (4 * j + t) * step + c), b2_c = load16(b2 + (4 * j + t) * step + c);
                #pragma unroll
                for (int e = 0; e < 4; e++) s[j] += a1_c[e] * b1_c[e], dp[j] += a2_c[e] * b2_c[e];
            }
        }
        #pragma unroll
        for (int j = 0; j < W / 4; j++) {
            const int column = c0 + 4 * j + t, i = for_queries ? row : column;
            const float p_rc = fast_exp2(s[j] * f.scale - head.lse2[i]);
            const bool visible = for_queries ? column <= row : row <= column;
            p[r * p_step + 4 * j + t] = visible ? p_rc : 0.0f;
            ds[r * p_step + 4 * j + t] = visible ? p_rc * (dp[j] - head.D[i]) : 0.0f;
        }
        __syncwarp();
        for (int j = 0; j < W; j++) {
            const float p_j = p[r * p_step + j], ds_j = ds[r * p_step + j];
            #pragma unroll
            for (int u = 0; u < HSP / 16; u++) {
                const Pack<float> b1_j = load16(b1 + j * step + 16 * u + 4 * t), b2_j = load16(b2 + j * step + 16 * u + 4 * t);
                #pragma unroll
                for (int e = 0; e < 4; e++) {
                    first[u][e] += ds_j * b1_j[e];
                    if (!for_queries) second[u][e] += p_j * b2_j[e];
                }
            }
        }
    }
    if (row < f.T_)
        for (int u = 0; u < HSP / 16; u++)
            for (int e = 0; e < 4; e++) {
                const int c = 16 * u + 4 * t + e;
                if (c < f.HS) f.dqkv[head.a1 - f.qkv + int64_t(row) * stride + c] = first[u][e] * (f.scale * kLn2);
                if (c < f.HS && !for_queries) f.dqkv[head.a2 - f.qkv + int64_t(row) * stride + c] = second[u][e];
            }
}

// ---- generation

// The new k and v of a prompt, behind what the cache holds. Floor: 4 B n C numbers, half of them read and half written (bf16: 8 B n C bytes); no
// floating-point operations, for the address of each pair of packs two divisions of 64 bits and one of 32.
template <typename T>
__global__ void __launch_bounds__(kThreads) append_kernel(T* k_cache, T* v_cache, const T* qkv, const int32_t* slot, const int32_t* past,
                                                          int64_t B, int64_t n, int64_t T_max, int64_t NH, int HS) {
    constexpr int size = Pack<T>::size;
    const bool wide = HS % size == 0;
    const int64_t C = NH * HS, pieces = wide ? C / size : C, at = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    const int64_t row = at / pieces, b = row / n, i = row % n;
    const int c = int(at % pieces) * (wide ? size : 1);
    if (b < B && slot[b] >= 0 && past[b] >= 0 && past[b] + n <= T_max) {
        const int64_t from = row * 3 * C + c, to = ((slot[b] * NH + c / HS) * T_max + past[b] + i) * HS + c % HS;
        if (wide) {
            store16(k_cache + to, load16(qkv + from + C));
            store16(v_cache + to, load16(qkv + from + 2 * C));
        } else {
            k_cache[to] = qkv[from + C];
            v_cache[to] = qkv[from + 2 * C];
        }
    }
}

constexpr int kSplit = 128;          // keys for each block: fixed, so that a row's bits depend neither on the batch nor on T_max

// Eight values of a row of HS from column c on, zeros beyond and where !present; wide: HS is a multiple of 8, so 16 bytes at a time.
template <bool wide, typename T>
struct Eight {
    static constexpr int size = Pack<T>::size;
    Pack<T> part[8 / size];
    __device__ __forceinline__ float operator[](int i) const { return float(part[i / size][i % size]); }
    __device__ __forceinline__ void load(const T* row, int c, int HS, bool present) {
        #pragma unroll
        for (int i = 0; i < 8; i++) part[i / size][i % size] = !wide && present && c + i < HS ? row[c + i] : T(0.0f);
        if (wide && present && c < HS) {
            #pragma unroll
            for (int k = 0; k < 8 / size; k++) part[k] = load16(row + c + k * size);
        }
    }
    __device__ __forceinline__ void store(T* row, int c, int HS) const {
        if (wide && c < HS) {
            #pragma unroll
            for (int k = 0; k < 8 / size; k++) store16(row + c + k * size, part[k]);
        }
        #pragma unroll
        for (int i = 0; i < 8; i++)
            if (!wide && c + i < HS) row[c + i] = part[i / size][i % size];
    }
};

// A softmax over some of the keys: o = sum_j 2^(s_j - top) v_j for a few columns. The empty one has top = -FLT_MAX, not -Inf, because
// (-Inf) - (-Inf) is NaN.
template <int N>
struct Partial {
    float top = -FLT_MAX, sum = 0, o[N] = {};
    __device__ __forceinline__ void join(float other_top, float other_sum, const float (&other_o)[N]) {
        const float largest = fmaxf(top, other_top), mine = fast_exp2(top - largest), other = fast_exp2(other_top - largest);
        top = largest;
        sum = sum * mine + other_sum * other;
        #pragma unroll
        for (int e = 0; e < N; e++) o[e] = o[e] * mine + other_o[e] * other;
    }
};

template <typename T>
struct Decode {
    T *y, *k_cache, *v_cache;        // (B, C), (R, NH, T_max, HS)
    const T* qkv;                    // (B, 3C)
    const int32_t *slot, *past;
    float* partial;                  // (B * NH, splits, HS + 2): o, top, sum; unused where splits is 1
    int64_t T_max;
    int NH, HS, splits;
    float scale;
    // Keys of sequence b, the new one included; 0 where slot or past make no sense, which gives y = 0 / 0.
    __device__ __forceinline__ int64_t keys(int b) const { return slot[b] >= 0 && past[b] >= 0 && past[b] < T_max ? int64_t(past[b]) + 1 : 0; }
};

// One query for each sequence and head against kSplit keys. `lanes` lanes share a key, eight values each; each group of lanes has its
// own online softmax over every 128/lanes-th key, four keys at a time, and all groups are joined at the end in a fixed order.
// The new k and v come from qkv and are appended on the way. Bound by reading the cache once.
// Floor: (2 keys + 3) C numbers a row (the cache and q, k, v of qkv are read, k and v appended; bf16: (4 keys + 6) C bytes), and y, C numbers, or where
// there are splits ceil(keys / kSplit) (HS + 2) floats a head. 4 keys C FLOPs and an exponential a key and head: in bf16 a FLOP a byte, where
// an H100 has 20 in fp32.
template <int lanes, bool wide, typename T>
__global__ void __launch_bounds__(kThreads) decode_kernel(const Decode<T> f) {
    constexpr int groups = kThreads / lanes, unroll = 4, room = kMaxHeadSize + 2;
    SHARED_ARRAY(float, joined, kWarps * room);
    const int item = int(blockIdx.x) / f.splits, split = int(blockIdx.x) % f.splits, b = item / f.NH, h = item % f.NH;
    const int group = int(threadIdx.x) / lanes, c = int(threadIdx.x) % lanes * 8, warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int64_t C = int64_t(f.NH) * f.HS, keys = f.keys(b), begin = int64_t(split) * kSplit;
    const int64_t end = keys < begin + kSplit ? keys : begin + kSplit;
    const T* const q_row = f.qkv + b * 3 * C + h * f.HS;
    T* const k_rows = f.k_cache + ((keys ? f.slot[b] : 0) * int64_t(f.NH) + h) * f.T_max * f.HS;
    T* const v_rows = f.v_cache + (k_rows - f.k_cache);
    Eight<wide, T> q;
    q.load(q_row, c, f.HS, true);
    Partial<8> part;
    for (int64_t j0 = begin; j0 < end; j0 += unroll * groups) {      // the same number of times in all lanes
        Eight<wide, T> k[unroll], v[unroll];
        float s[unroll];
        #pragma unroll
        for (int u = 0; u < unroll; u++) {
            const int64_t j = j0 + u * groups + group;
            const bool newest = j == keys - 1;
            k[u].load(newest ? q_row + C : k_rows + j * f.HS, c, f.HS, j < end);
            v[u].load(newest ? q_row + 2 * C : v_rows + j * f.HS, c, f.HS, j < end);
            if (newest && j < end) k[u].store(k_rows + j * f.HS, c, f.HS), v[u].store(v_rows + j * f.HS, c, f.HS);
        }
        float largest = part.top;
        #pragma unroll
        for (int u = 0; u < unroll; u++) {
            s[u] = 0;
            #pragma unroll
            for (int e = 0; e < 8; e++) s[u] += q[e] * k[u][e];
            #pragma unroll
            for (int mask = lanes / 2; mask > 0; mask /= 2) s[u] += shuffle_xor(s[u], mask);
            s[u] = j0 + u * groups + group < end ? s[u] * f.scale : kMinusInf;
            largest = fmaxf(largest, s[u]);
        }
        const float factor = fast_exp2(part.top - largest);
        part.top = largest;
        part.sum *= factor;
        #pragma unroll
        for (int e = 0; e < 8; e++) part.o[e] *= factor;
        #pragma unroll
        for (int u = 0; u < unroll; u++) {
            const float p = fast_exp2(s[u] - largest);
            part.sum += p;
            #pragma unroll
            for (int e = 0; e < 8; e++) part.o[e] += p * v[u][e];
        }
    }
    #pragma unroll
    for (int mask = lanes; mask < 32; mask *= 2) {
        float other[8];
        #pragma unroll
        for (int e = 0; e < 8; e++) other[e] = shuffle_xor(part.o[e], mask);
        part.join(shuffle_xor(part.top, mask), shuffle_xor(part.sum, mask), other);
    }
    float* const mine = joined + warp * room;
    if (lane < lanes)
        for (int e = 0; e < 8; e++) mine[c + e] = part.o[e];
    if (lane == 0) mine[kMaxHeadSize] = part.top, mine[kMaxHeadSize + 1] = part.sum;
    __syncthreads();
    const int column = int(threadIdx.x);                             // kThreads = kMaxHeadSize
    if (column < f.HS && (begin < end || f.splits == 1)) {
        Partial<1> all;
        for (int w = 0; w < kWarps; w++) {
            const float o[1] = {joined[w * room + column]};
            all.join(joined[w * room + kMaxHeadSize], joined[w * room + kMaxHeadSize + 1], o);
        }
        if (f.splits == 1) f.y[b * C + h * f.HS + column] = T(all.o[0] / all.sum);
        else {
            float* const out = f.partial + int64_t(blockIdx.x) * (f.HS + 2);
            out[column] = all.o[0];
            if (column == 0) out[f.HS] = all.top, out[f.HS + 1] = all.sum;
        }
    }
}
static_assert(kThreads == kMaxHeadSize);

// The splits of each sequence and head, joined in order. Floor: 4 ceil(keys / kSplit) (HS + 2) bytes a head read, 1 % of the first kernel's in bf16, and y
// written; about 10 operations for each of those floats, 2 of the special function unit.
template <typename T>
__global__ void __launch_bounds__(kThreads) decode_join_kernel(const Decode<T> f) {
    const int item = int(blockIdx.x), b = item / f.NH, h = item % f.NH, column = int(threadIdx.x);
    const int64_t used = ceil_div(f.keys(b), int64_t(kSplit));
    if (column < f.HS) {
        Partial<1> all;
        for (int64_t split = 0; split < used; split++) {
            const float* const part = f.partial + (int64_t(item) * f.splits + split) * (f.HS + 2);
            const float o[1] = {part[column]};
            all.join(part[f.HS], part[f.HS + 1], o);
        }
        f.y[(int64_t(b) * f.NH + h) * f.HS + column] = T(all.o[0] / all.sum);
    }
}

// ---- launchers

// A head size as the kernels know it: HSP columns in shared memory; exact: HS is HSP and a multiple of 16 bytes. Tiles: a warp owns
// 16 MT rows (32 share each B operand between two products, which halves the reads of shared memory, where registers allow it),
// columns come W at a time.
template <int HSP_, bool exact_>
struct HeadSize {
    static constexpr int HSP = HSP_;
    static constexpr bool exact = exact_;
    static constexpr int forward_MT = exact && HSP == 64 ? 1 : 2, forward_W = HSP <= 80 ? 64 : 32;    // 64: on an H100 162 us with 1, 197 with 2
    static constexpr int queries_MT = HSP <= 80 ? 2 : 1, queries_W = 32;
    static constexpr int keys_MT = HSP == 32 ? 2 : 1, keys_W = !exact && HSP == 128 ? 16 : exact && HSP == 64 ? 64 : 32;
};
template <typename F>
void with_head_size(int64_t HS, F f) {
    if (HS == 64) f(HeadSize<64, true>());
    else if (HS == 80) f(HeadSize<80, true>());
    else if (HS == 128) f(HeadSize<128, true>());
    else if (HS <= 32) f(HeadSize<32, false>());
    else if (HS <= 64) f(HeadSize<64, false>());
    else f(HeadSize<128, false>());
}
template <typename F>
void with_head_size_fp32(int64_t HS, F f) {
    if (HS <= 32) f(HeadSize<32, false>());
    else if (HS <= 64) f(HeadSize<64, false>());
    else f(HeadSize<128, false>());
}
inline void check_head_size(int64_t HS) {
    if (HS < 1 || HS > kMaxHeadSize)
        throw Error(cat("attention on CUDA: head size ", HS, ", expected 1 to ", kMaxHeadSize), "use more heads, or --device cpu");
}
// Heads times tiles, as a grid.
inline dim3 blocks(int64_t count) {
    ASSERT(count < int64_t(1) << 31, "attention: a grid of ", count, " blocks");
    return dim3(unsigned(count));
}

// Bytes of dynamic shared memory of the four kernels that have some, by their template arguments; dev/shared_memory.cpp tells the report of ptxas.
template <int HSP, int MT, int W>
constexpr size_t kForwardBytes = size_t(16 * MT * kWarps + 2 * W) * kRowStep<HSP, bf16> * sizeof(bf16);
template <int HSP>
constexpr size_t kForwardBytesFp32 = (96 * kRowStep<HSP, float> + 32 * 33) * sizeof(float);
template <bool for_queries, int HSP, int MT, int W>
constexpr size_t kBackwardBytes = size_t(2 * 16 * MT * kWarps + 4 * W) * kRowStep<HSP, bf16> * sizeof(bf16) + (for_queries ? 0 : 4 * W * sizeof(float));
template <int HSP>
constexpr size_t kBackwardBytesFp32 = (128 * kRowStep<HSP, float> + 2 * 32 * 33) * sizeof(float);

// By warpgroups, where the GPU has them: 64 rows a block, tiles of 64 columns. The rest is what was fastest on an H100 (LOG 2026-11-23): blocks that a
// multiprocessor shall hold at a time, which limits their registers; and whether the rows' operands stay in registers or are read from shared memory.
template <int HSP_>
struct WarpgroupSize {
    static constexpr int HSP = HSP_, W = 64;
    static constexpr int forward_at_once = HSP == 64 ? 4 : 2, queries_at_once = HSP == 64 ? 3 : 2, keys_at_once = HSP == 64 ? 2 : 1;
    static constexpr bool keep_queries = HSP == 128, keep_keys = HSP == 64;
};
template <int HSP>
void forward_warpgroups(Cuda& dev, const Forward<bf16>& f) {
    using S = WarpgroupSize<HSP>;
    launch(forward_warpgroup_kernel<HSP, S::W, S::forward_at_once>, blocks(f.heads * ceil_div(f.n, int64_t(kRows))), dim3(kWarpgroupThreads),
           kForwardWarpgroupBytes<HSP, S::W>, dev.stream, f);
}
template <int HSP>
void backward_warpgroups(Cuda& dev, const Backward<bf16>& f) {
    using S = WarpgroupSize<HSP>;
    const dim3 grid = blocks(int64_t(f.heads) * ceil_div(f.T_, kRows));
    launch(backward_warpgroup_kernel<true, HSP, S::W, S::keep_queries, S::queries_at_once>, grid, dim3(kWarpgroupThreads),
           kBackwardWarpgroupBytes<HSP, S::W, S::keep_queries>, dev.stream, f);
    launch(backward_warpgroup_kernel<false, HSP, S::W, S::keep_keys, S::keys_at_once>, grid, dim3(kWarpgroupThreads),
           kBackwardWarpgroupBytes<HSP, S::W, S::keep_keys>, dev.stream, f);
}

inline void forward(Cuda& dev, const Forward<bf16>& f) {
    if (dev.warpgroups && f.HS == 64) return forward_warpgroups<64>(dev, f);
    if (dev.warpgroups && f.HS == 128) return forward_warpgroups<128>(dev, f);
    with_head_size(f.HS, [&](auto size) {
        using S = decltype(size);
        constexpr int rows = 16 * S::forward_MT * kWarps;
        launch(forward_bf16_kernel<S::HSP, S::forward_MT, S::forward_W, S::exact>, blocks(f.heads * ceil_div(f.n, int64_t(rows))),
               dim3(kThreads), kForwardBytes<S::HSP, S::forward_MT, S::forward_W>, dev.stream, f);
    });
}
inline void forward(Cuda& dev, const Forward<float>& f) {
    with_head_size_fp32(f.HS, [&](auto size) {
        constexpr int HSP = decltype(size)::HSP;
        launch(forward_fp32_kernel<HSP>, blocks(f.heads * ceil_div(f.n, int64_t(32))), dim3(kThreads), kForwardBytesFp32<HSP>, dev.stream, f);
    });
}

template <bool for_queries>
void backward_tiles(Cuda& dev, const Backward<bf16>& f) {
    with_head_size(f.HS, [&](auto size) {
        using S = decltype(size);
        constexpr int MT = for_queries ? S::queries_MT : S::keys_MT, W = for_queries ? S::queries_W : S::keys_W, rows = 16 * MT * kWarps;
        static_assert(kPadRows % rows == 0 && kPadRows % W == 0);
        launch(backward_bf16_kernel<for_queries, S::HSP, MT, W, S::exact>, blocks(int64_t(f.heads) * ceil_div(f.T_, rows)),
               dim3(kThreads), kBackwardBytes<for_queries, S::HSP, MT, W>, dev.stream, f);
    });
}
template <bool for_queries>
void backward_tiles(Cuda& dev, const Backward<float>& f) {
    with_head_size_fp32(f.HS, [&](auto size) {
        constexpr int HSP = decltype(size)::HSP;
        launch(backward_fp32_kernel<for_queries, HSP>, blocks(int64_t(f.heads) * ceil_div(f.T_, 32)), dim3(kThreads), kBackwardBytesFp32<HSP>, dev.stream, f);
    });
}

template <typename T>
void backward(Cuda& dev, const Backward<T>& f) {
    if constexpr (std::is_same_v<T, bf16>) {
        if (dev.warpgroups && f.HS == 64) return backward_warpgroups<64>(dev, f);
        if (dev.warpgroups && f.HS == 128) return backward_warpgroups<128>(dev, f);
    }
    launch(backward_rows_kernel<T>, blocks(ceil_div(int64_t(f.heads) * f.padded * 8, int64_t(kThreads))), dim3(kThreads), 0, dev.stream, f);
    backward_tiles<true>(dev, f);
    backward_tiles<false>(dev, f);
}

template <typename T>
void decode(Cuda& dev, const Decode<T>& f, int64_t B) {
    const dim3 grid = blocks(B * f.NH * f.splits);
    if (f.HS % 8 != 0) launch(decode_kernel<16, false, T>, grid, dim3(kThreads), 0, dev.stream, f);
    else if (f.HS <= 32) launch(decode_kernel<4, true, T>, grid, dim3(kThreads), 0, dev.stream, f);
    else if (f.HS <= 64) launch(decode_kernel<8, true, T>, grid, dim3(kThreads), 0, dev.stream, f);
    else launch(decode_kernel<16, true, T>, grid, dim3(kThreads), 0, dev.stream, f);
    if (f.splits > 1) launch(decode_join_kernel<T>, blocks(B * f.NH), dim3(kThreads), 0, dev.stream, f);
}

}  // namespace attention_cuda

template <typename T>
void attention_forward(Cuda& dev, T* y, float* lse, const T* qkv, int64_t B, int64_t T_, int64_t NH, int64_t HS) {
    attention_cuda::check_head_size(HS);
    const int64_t C = NH * HS;
    attention_cuda::forward(dev, attention_cuda::Forward<T>{y, lse, qkv, qkv + C, qkv + 2 * C, nullptr, nullptr, T_, T_, HS, T_ * 3 * C, int(3 * C), int(3 * C),
                                                            int(B * NH), int(NH), int(HS), attention::score_scale(HS)});
}

template <typename T>
void attention_backward(Cuda& dev, T* dqkv, float* db, const T* dy, const T* qkv, const T* y, const float* lse, int64_t B, int64_t T_, int64_t NH,
                        int64_t HS) {
    using namespace attention_cuda;
    check_head_size(HS);
    constexpr bool kernels_sum = std::is_same_v<T, bf16>;            // fp32 kernels take over 20 times as long as add_column_sums: they stay simple
    const int64_t padded = round_up(T_, int64_t(kPadRows)), rows = B * NH * padded, C = NH * HS;
    const int64_t parts = db && kernels_sum ? B * ceil_div(T_, int64_t(kSumRows)) : 0;
    float* const numbers = static_cast<float*>(dev.workspace(size_t(2 * rows + parts * 3 * C) * sizeof(float)));
    float* const partial = parts ? numbers + 2 * rows : nullptr;     // (parts, 3C)
    const Backward<T> f{dqkv, partial, dy, qkv, y, lse, numbers, numbers + rows, int(T_), int(padded), int(B * NH), int(NH), int(HS), attention::score_scale(HS)};
    ASSERT(rows < int64_t(1) << 31, "attention: ", rows, " rows and heads");
    backward(dev, f);
    if (partial) column_sums_cuda::add_partials(dev, db, partial, parts, 3 * C);
    else if (db) add_column_sums(dev, db, dqkv, B * T_, 3 * C);
}

template <typename T>
void attention_cached(Cuda& dev, T* y, T* k_cache, T* v_cache, const T* qkv, const int32_t* slot, const int32_t* past, int64_t B, int64_t n,
                      int64_t T_max, int64_t NH, int64_t HS) {
    using namespace attention_cuda;
    check_head_size(HS);
    const int64_t C = NH * HS;
    if (n == 1) {
        const int64_t splits = ceil_div(T_max, int64_t(kSplit));
        float* partial = nullptr;
        if (splits > 1) partial = static_cast<float*>(dev.workspace(size_t(B * NH * splits * (HS + 2)) * sizeof(float)));
        return decode(dev, Decode<T>{y, k_cache, v_cache, qkv, slot, past, partial, T_max, int(NH), int(HS), int(splits),
                                     attention::score_scale(HS)}, B);
    }
    const int64_t pieces = B * n * (HS % Pack<T>::size == 0 ? C / Pack<T>::size : C);
    launch(append_kernel<T>, blocks(ceil_div(pieces, int64_t(kThreads))), dim3(kThreads), 0, dev.stream, k_cache, v_cache, qkv, slot, past, B, n,
           T_max, NH, int(HS));
    forward(dev, Forward<T>{y, nullptr, qkv, k_cache, v_cache, slot, past, n, T_max, T_max * HS, NH * T_max * HS, int(3 * C), int(HS), int(B * NH), int(NH), int(HS),
                            attention::score_scale(HS)});
}
#endif  // CUDA_KERNELS
