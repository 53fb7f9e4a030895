// kernels/matmul.hpp -- C = op(A) op(B), where nearly all the time of training goes, and the linear layer made of it.
//   forward    y_nm   = sum_k x_nk w_km + b_m                  x: (N, K)   w: (K, M), as HF's Conv1D   y: (N, M)
//   backward   dx_nk  = sum_m dy_nm w_km                       =   dy w^T
//              dw_km += sum_n x_nk dy_nm                       +=  x^T dy     (fp32)
//              db_m  += sum_n dy_nm                            +=             (fp32)
// Storage T is float or bf16, sums are fp32. Two engines: oneDNN, and our own blocked product. Its one idea: copy the
// operands into panels in the order in which a register-sized kernel reads them; transposes and bf16 vanish in the
// copy, to floats, or to pairs of bf16 where the processor multiplies those (pairs.hpp, amx.hpp).
// Promises: the same call gives the same bits; oneDNN keeps that for equal thread counts only. Ours does for any number
// of threads and whatever else is in the matrix: an element is one thread's sum over k in blocks of kKC. (Products of up to
// kFewRows rows read the weights once, in another order.) Where a row must not notice whether it is computed alone or with
// others, as when a model practises on what it has just written, dev.row_invariant leaves only the blocked product.
// Does not: batched or strided products, integer types.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <unordered_map>

#include "column_sums.hpp"
#include "device.hpp"
#include "fp8.hpp"
#include "gemm.hpp"
#include "gemm_amx.hpp"
#include "pairs.hpp"

// ---- CPU: the register kernel

// The tile of C that stays in registers: MR rows of NV vectors. Each step of k loads NV vectors of B, broadcasts MR
// numbers of A and does MR * NV fused multiply-adds. From L1, AVX2: 99 % of the FMA peak (LOG 2026-11-21).
#ifdef __CUDACC__
#define GEMM_UNROLL  // nvcc does not know the pragma; at -O3 g++ unrolls these loops anyway
#else
#define GEMM_UNROLL _Pragma("GCC unroll 16")  // at -O2 the sums would live in memory: a quarter of the speed
#endif
#if defined(__x86_64__)
#define GEMM_TARGET(f) template <typename F> static void run(F f_) { f(f_); }
#else
#define GEMM_TARGET(f) template <typename F> static void run(F f_) { run_baseline(f_); }
#endif
#define GEMM_TILE(name, target, bytes, mr, nv)                                             \
    struct name {                                                                          \
        typedef float V __attribute__((vector_size(bytes), aligned(4), may_alias));        \
        typedef int32_t I __attribute__((vector_size(bytes), aligned(1), may_alias));      \
        static constexpr int MR = mr, NV = nv, W = bytes / 4, NR = NV * W;                 \
        using Packed = float;                                                              \
        static constexpr int64_t kStep = 1;                                                \
        GEMM_TARGET(target)                                                                \
    };
GEMM_TILE(TileSse2, run_baseline, 16, 4, 2)    // 16 registers: 8 sums, 2 of B, the rest for products (no FMA)
GEMM_TILE(TileAvx2, run_avx2, 32, 6, 2)        // 16 registers: 12 sums, 2 of B, 1 of A
GEMM_TILE(TileAvx512, run_avx512, 64, 14, 2)   // 32 registers: 28 sums, 2 of B, 1 of A
#undef GEMM_TILE
#undef GEMM_TARGET
#if TRAIN_GPT_PAIRS
// Of bf16, where the processor multiplies pairs (pairs.hpp): a step of k is two numbers.
struct TilePairs {
    static constexpr int MR = 12, NV = 2, W = 16, NR = NV * W;   // 24 sums, 2 of B, 1 of A; 12 lines are turned four at a time
    using Packed = Pair;
    static constexpr int64_t kStep = 2;
    template <typename F>
    static void run(F f) { run_avx512(f); }
};
#endif

// c (MR, NR; row stride ldc) = or += a b over k steps. a[i * a_row + k * a_k], b[k * b_k + j].
#if TRAIN_GPT_PAIRS
template <typename Tile>
ALWAYS_INLINE inline void gemm_tile(float* c, int64_t ldc, bool add, const Pair* a, int64_t a_row, int64_t a_k, const Pair* b, int64_t b_k, int64_t k) {
    if (add) multiply_pairs<Tile::MR, false>(c, ldc, a, a_row, a_k, b, b_k, Tile::NR, k);
    else multiply_pairs<Tile::MR, true>(c, ldc, a, a_row, a_k, b, b_k, Tile::NR, k);
}
#endif
template <typename Tile>
ALWAYS_INLINE inline void gemm_tile(float* c, int64_t ldc, bool add, const float* a, int64_t a_row, int64_t a_k,
                                    const float* b, int64_t b_k, int64_t k) {
    using V = typename Tile::V;
    constexpr int MR = Tile::MR, NV = Tile::NV, W = Tile::W;
    V sum[MR][NV];
    GEMM_UNROLL
    for (int i = 0; i < MR; i++) {
        GEMM_UNROLL
        for (int j = 0; j < NV; j++) sum[i][j] = V{};
    }
    for (; k > 0; k--, a += a_k, b += b_k) {
        V b_v[NV];
        GEMM_UNROLL
        for (int j = 0; j < NV; j++) b_v[j] = *reinterpret_cast<const V*>(b + j * W);
        GEMM_UNROLL
        for (int i = 0; i < MR; i++) {
            GEMM_UNROLL
            for (int j = 0; j < NV; j++) sum[i][j] += a[i * a_row] * b_v[j];
        }
    }
    GEMM_UNROLL
    for (int i = 0; i < MR; i++) {
        GEMM_UNROLL
        for (int j = 0; j < NV; j++) {
            V* p = reinterpret_cast<V*>(c + i * ldc + j * W);
            *p = add ? *p + sum[i][j] : sum[i][j];
        }
    }
}

// ---- CPU: the blocked product

constexpr int64_t kKC = 384;   // numbers of k per call of the register kernel; AVX2: a panel of B (24 KiB) fits L1 (LOG)
constexpr int64_t kKB = 1152;  // 4-byte steps of k packed at once: A up to (1024, 1152), B up to (1152, 2048); 14 MiB
constexpr int64_t kMB = 1024;
constexpr int64_t kNB = 2048;

// Copy `lines` lines of k numbers into a panel out[k][WIDTH]; missing lines become zeros. Number p of line j is
// in[j * ld + p] where `along`, else in[p * ld + j].
template <int WIDTH, typename T>
ALWAYS_INLINE inline void pack_panel(float* out, const T* in, int64_t ld, bool along, int64_t lines, int64_t k) {
    constexpr int64_t kStage = 64;
    if (lines < WIDTH) std::fill(out, out + k * WIDTH, 0.0f);
    if (!along && lines == WIDTH) {
        for (int64_t p = 0; p < k; p++) load_row(out + p * WIDTH, in + p * ld, WIDTH);
    } else if (!along) {
        for (int64_t p = 0; p < k; p++) load_row(out + p * WIDTH, in + p * ld, lines);
    } else if constexpr (sizeof(T) == 4) {
        transpose_into<WIDTH>(out, in, ld, lines, k);
    } else {
        for (int64_t p = 0; p < k; p += kStage) {  // bf16: to floats first, a piece that stays in L1
            float stage[WIDTH * kStage];
            const int64_t steps = std::min(kStage, k - p);
            for (int64_t j = 0; j < lines; j++) load_row(stage + j * kStage, in + j * ld + p, steps);
            transpose_into<WIDTH>(out + p * WIDTH, stage, kStage, lines, steps);
        }
    }
}

#if TRAIN_GPT_PAIRS
// The same in pairs, ceil(k / 2) steps: out[k / 2][WIDTH]; an odd k ends in a pair whose other half is zero.
template <int WIDTH>
ALWAYS_INLINE inline void pack_panel(Pair* out, const bf16* in, int64_t ld, bool along, int64_t lines, int64_t k) {
    if (!along) return interleave_rows(out, WIDTH, in, ld, k, lines);
    if (lines < WIDTH) std::fill(out, out + ceil_div(k, int64_t(2)) * WIDTH, 0u);
    const bool even = ld % 2 == 0;                    // then each line is a line of pairs
    if (even) transpose_into<WIDTH>(out, reinterpret_cast<const Pair*>(in), ld / 2, lines, k / 2);
    for (int64_t p = even ? k / 2 : 0; 2 * p < k; p++)
        for (int64_t j = 0; j < lines; j++) {
            const bf16* x = in + j * ld + 2 * p;
            out[p * WIDTH + j] = Pair(x[0].bits) | (2 * p + 1 < k ? Pair(x[1].bits) << 16 : 0);
        }
}
#endif

// Strip s (of `strips`) of a packed operand, the left one or the right one: its k numbers lie in blocks of kKC, so that a tile finds all strips of a
// block side by side. `in` is the first number of the strip, `lines` how many lines it has.
template <typename Tile, bool left, typename T>
void pack_strip(typename Tile::Packed* pack, int64_t s, int64_t strips, const T* in, int64_t ld, bool along, int64_t lines,
                int64_t k) {
    constexpr int WIDTH = left ? Tile::MR : Tile::NR;
    const auto pack_blocks = [&]() ALWAYS_INLINE {
        for (int64_t p = 0; p < k; p += kKC) {
            const int64_t numbers = std::min(kKC, k - p), steps = ceil_div(numbers, Tile::kStep);
            auto* panel = pack + (p / Tile::kStep * strips + s * steps) * WIDTH;
            const T* from = in + (along ? p : p * ld);
            pack_panel<WIDTH>(panel, from, ld, along, lines, numbers);
        }
    };
    Tile::run(pack_blocks);
}

// The strips of one operand that a tile needs, from its first one on.
template <typename Tile>
struct Strips {
    const typename Tile::Packed* packed;            // strip s is at packed + s * kc * width, step p of line l at [p * width + l]
    const typename Tile::Packed* direct = nullptr;  // not null: whole strips are read at direct + s * strip, [l * line + p * step]
    int64_t strip = 0, line = 0, step = 0;
};

// c (rows, cols; row stride ldc) = or += the strips of A times the strips of B over kc steps. `roomy`: c may be written
// beyond rows and cols, up to whole register tiles. Elsewhere an edge is computed aside and its valid part taken.
template <typename Tile>
void multiply_strips(float* c, int64_t ldc, bool roomy, bool add, int64_t rows, int64_t cols, const Strips<Tile>& a,
                     const Strips<Tile>& b, int64_t kc) {
    constexpr int64_t MR = Tile::MR, NR = Tile::NR;
    Tile::run([&]() ALWAYS_INLINE {
        for (int64_t j = 0; j < cols; j += NR)
            for (int64_t i = 0; i < rows; i += MR) {
                const bool all_rows = i + MR <= rows, all_cols = j + NR <= cols;
                const bool whole = roomy || (all_rows && all_cols);
                const bool a_direct = a.direct && all_rows, b_direct = b.direct && all_cols;
                float edge[MR * NR];
                float* c_ij = c + i * ldc + j;
                gemm_tile<Tile>(whole ? c_ij : edge, whole ? ldc : NR, add && whole,
                                a_direct ? a.direct + i / MR * a.strip : a.packed + i * kc, a_direct ? a.line : 1,
                                a_direct ? a.step : MR, b_direct ? b.direct + j / NR * b.strip : b.packed + j * kc,
                                b_direct ? b.step : NR, kc);
                if (whole) continue;
                for (int64_t r = 0; r < std::min(MR, rows - i); r++)
                    for (int64_t q = 0; q < std::min(NR, cols - j); q++)
                        c_ij[r * ldc + q] = add ? c_ij[r * ldc + q] + edge[r * NR + q] : edge[r * NR + q];
            }
    });
}

// One product, ours. C is cut into blocks (kMB, kNB) and k into blocks of kKB. For each, all threads pack A into strips
// of MR rows and B into strips of NR columns, then share out tiles of C.
template <typename Tile, typename TC, typename T>
struct BlockedGemm {
    using Packed = typename Tile::Packed;
    static constexpr int64_t MR = Tile::MR, NR = Tile::NR, kStep = Tile::kStep;
    static constexpr int64_t kPacked = kKB * int64_t(sizeof(float)) / int64_t(sizeof(Packed));   // steps of k that are packed at once
    static constexpr bool kDirect = sizeof(TC) == 4;  // sums grow in C itself; a bf16 C gets them from fp32 scratch
    Gemm<TC, T> g;
    int64_t steps = ceil_div(g.K, kStep);                            // of k; from here on k counts steps
    Packed *a_pack = nullptr, *b_pack = nullptr;
    float* scratch = nullptr;                                        // (kMB, kNB) rounded up to whole tiles
    int64_t ld_scratch = 0, row_strips = 1, col_strips = 1;          // strips per tile of the shared work
    bool a_direct = false, b_direct = false;                         // whole strips are read where they are, not packed

    void run(Cpu& dev) {
        const int64_t mb = round_up(std::min(g.M, kMB), MR), nb = round_up(std::min(g.N, kNB), NR);
        const int64_t kb = std::max<int64_t>(1, std::min(steps, kPacked));
        ld_scratch = nb;
        const int64_t a_size = round_up(mb * kb, int64_t(16)), b_size = round_up(nb * kb, int64_t(16));
        a_pack = static_cast<Packed*>(dev.workspace(size_t(a_size + b_size) * sizeof(Packed) + (kDirect ? 0 : size_t(mb * nb) * sizeof(float))));
        b_pack = a_pack + a_size;
        scratch = reinterpret_cast<float*>(b_pack + b_size);
        choose_tiles(dev.threads, mb / MR, nb / NR);
        if (sizeof(T) == 4) {  // packing pays when a strip is read often (LOG 2026-11-21)
            a_direct = !g.ta && g.N <= 512;
            b_direct = !g.tb && g.M <= 3 * MR;
        }
        const double work = double(g.M) * double(g.N) * double(g.K);
        #pragma omp parallel num_threads(dev.threads) if (work > 4e5)
        for (int64_t i = 0; i < g.M; i += kMB)
            for (int64_t j = 0; j < g.N; j += kNB)
                for (int64_t k = 0; k == 0 || k < steps; k += kPacked)  // once also for K = 0: then C is the bias, or zero
                    block(i, j, k, std::min(kMB, g.M - i), std::min(kNB, g.N - j), std::min(kPacked, steps - k));
    }

    // About 96 x 256 numbers of C a tile, so that its part of A (144 KiB) stays in L2; smaller if threads would starve.
    void choose_tiles(int threads, int64_t a_strips, int64_t b_strips) {
        row_strips = std::max<int64_t>(1, 96 / MR);
        col_strips = std::max<int64_t>(1, 256 / NR);
        auto starving = [&] { return ceil_div(a_strips, row_strips) * ceil_div(b_strips, col_strips) < 3 * threads; };
        while (starving() && col_strips > 2) col_strips /= 2;
        while (starving() && row_strips > 1) row_strips /= 2;
    }

    // C[i : i+mb, j : j+nb] takes its products of k .. k+kb. Called by every thread of the team.
    void block(int64_t i, int64_t j, int64_t k, int64_t mb, int64_t nb, int64_t kb) {
        const int64_t a_strips = ceil_div(mb, MR), b_strips = ceil_div(nb, NR), numbers = std::min(kb * kStep, g.K - k * kStep);
        #pragma omp for schedule(static) nowait
        for (int64_t s = a_direct ? mb / MR : 0; s < a_strips; s++)
            pack_strip<Tile, true>(a_pack, s, a_strips, a_at(i + s * MR, k), g.ta ? g.M : g.K, !g.ta,
                                 std::min(MR, mb - s * MR), numbers);
        #pragma omp for schedule(static)
        for (int64_t s = b_direct ? nb / NR : 0; s < b_strips; s++)
            pack_strip<Tile, false>(b_pack, s, b_strips, b_at(k, j + s * NR), g.tb ? g.K : g.N, g.tb,
                                 std::min(NR, nb - s * NR), numbers);
        #pragma omp for collapse(2) schedule(dynamic) nowait
        for (int64_t si = 0; si < a_strips; si += row_strips)
            for (int64_t sj = 0; sj < b_strips; sj += col_strips) {
                const int64_t ii = si * MR, rows = std::min(row_strips * MR, mb - ii);
                const int64_t jj = sj * NR, cols = std::min(col_strips * NR, nb - jj);
                const int64_t ld = kDirect ? g.N : ld_scratch;
                float* sum = kDirect ? reinterpret_cast<float*>(g.c) + (i + ii) * ld + j + jj : scratch + ii * ld + jj;
                for (int64_t p = 0; p == 0 || p < kb; p += kKC / kStep) {
                    const int64_t kc = std::min(kKC / kStep, kb - p);
                    Strips<Tile> a{a_pack + (p * a_strips + si * kc) * MR}, b{b_pack + (p * b_strips + sj * kc) * NR};
                    if constexpr (sizeof(T) == 4) {
                        if (a_direct) a = {a.packed, a_at(i + ii, k + p), MR * g.K, g.K, 1};
                        if (b_direct) b = {b.packed, b_at(k + p, j + jj), NR, 1, g.N};
                    }
                    const bool add = k + p > 0 || (kDirect && g.accumulate);
                    multiply_strips<Tile>(sum, ld, !kDirect, add, rows, cols, a, b, kc);
                }
                if (k + kb >= steps) g.finish(i + ii, rows, j + jj, cols, kDirect ? nullptr : sum, ld);
            }
        const bool last = i + mb >= g.M && j + nb >= g.N && k + kb >= steps;
        if (!last) {
            #pragma omp barrier  // the packed panels are about to be overwritten
        }
    }

    // The first number of step k in line i of A, and in line j of B.
    const T* a_at(int64_t i, int64_t k) const { return g.ta ? g.a + k * kStep * g.M + i : g.a + i * g.K + k * kStep; }
    const T* b_at(int64_t k, int64_t j) const { return g.tb ? g.b + j * g.K + k * kStep : g.b + k * kStep * g.N + j; }
};

// ---- CPU: few rows (decoding): every weight is used once or twice, so all that counts is to read B once, in order

constexpr int64_t kFewRows = 4;

// sum[q] += a[0] b[0][q] + ... + a[R-1] b[R-1][q], the rows of b a stride ld apart.
template <int R, typename T>
ALWAYS_INLINE inline void add_rows(float* sum, const T* a, const T* b, int64_t ld, int64_t n) {
    float a_r[R];
    for (int r = 0; r < R; r++) a_r[r] = float(a[r]);
    for (int64_t q = 0; q < n; q++) {
        float s = sum[q];
        for (int r = 0; r < R; r++) s += a_r[r] * float(b[r * ld + q]);
        sum[q] = s;
    }
}

// c (M <= 4, N) from B (K, N): tasks are 64 rows of B by 1024 columns, their partial sums are added in order of k. The
// cut does not depend on the number of threads.
template <typename TC, typename T>
void few_rows_nn(Cpu& dev, const Gemm<TC, T>& g) {
    constexpr int64_t kRows = 64, kCols = 1024;
    const int64_t chunks = ceil_div(g.K, kRows), blocks = ceil_div(g.N, kCols);
    // (chunks, M, N)
    auto* partial = static_cast<float*>(dev.workspace(size_t(chunks * g.M * g.N + 1) * sizeof(float)));
    #pragma omp parallel num_threads(dev.threads) if (double(g.N) * double(g.K) > 1e5)
    {
        #pragma omp for collapse(2) schedule(dynamic)
        for (int64_t chunk = 0; chunk < chunks; chunk++)
            for (int64_t block = 0; block < blocks; block++)
                simd([&]() ALWAYS_INLINE {
                    const int64_t j = block * kCols, cols = std::min(kCols, g.N - j);
                    const int64_t end = std::min(g.K, (chunk + 1) * kRows);
                    float* sums = partial + chunk * g.M * g.N + j;
                    for (int64_t m = 0; m < g.M; m++) std::fill_n(sums + m * g.N, cols, 0.0f);
                    int64_t k = chunk * kRows;
                    for (; k + 8 <= end; k += 8)
                        for (int64_t m = 0; m < g.M; m++)
                            add_rows<8>(sums + m * g.N, g.a + m * g.K + k, g.b + k * g.N + j, g.N, cols);
                    for (; k < end; k++)
                        for (int64_t m = 0; m < g.M; m++)
                            add_rows<1>(sums + m * g.N, g.a + m * g.K + k, g.b + k * g.N + j, g.N, cols);
                });
        #pragma omp for collapse(2) schedule(static)
        for (int64_t m = 0; m < g.M; m++)
            for (int64_t block = 0; block < blocks; block++) {
                const int64_t j = block * kCols, cols = std::min(kCols, g.N - j);
                float sum[kCols] = {};
                simd([&]() ALWAYS_INLINE {
                    for (int64_t chunk = 0; chunk < chunks; chunk++) {
                        const float* from = partial + (chunk * g.M + m) * g.N + j;
                        for (int64_t q = 0; q < cols; q++) sum[q] += from[q];
                    }
                });
                g.finish(m, 1, j, cols, sum, kCols);
            }
    }
}

// sum[r] += dot(a, b[r]) for four rows of b.
ALWAYS_INLINE inline void dot_four(float* sum, const float* a, const float* const* b, int64_t n) {
    const float *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int64_t p = 0; p < n; p++) {
        s0 += a[p] * b0[p];
        s1 += a[p] * b1[p];
        s2 += a[p] * b2[p];
        s3 += a[p] * b3[p];
    }
    sum[0] += s0, sum[1] += s1, sum[2] += s2, sum[3] += s3;
}

// c (M <= 4, N) from B (N, K): dot products with four rows of B at a time, 512 numbers of them in L1 (bf16: as floats).
template <typename TC, typename T>
void few_rows_nt(Cpu& dev, const Gemm<TC, T>& g) {
    constexpr int64_t kRows = 4, kSteps = 512, kTask = 64;
    auto* a = static_cast<float*>(dev.workspace(size_t(g.M * g.K + 1) * sizeof(float)));
    load_row(a, g.a, g.M * g.K);
    #pragma omp parallel for num_threads(dev.threads) schedule(dynamic) if (double(g.N) * double(g.K) > 1e5)
    for (int64_t task = 0; task < g.N; task += kTask) {
        const int64_t n = std::min(kTask, g.N - task);
        float sum[kFewRows][kTask] = {};
        simd([&]() ALWAYS_INLINE {
            for (int64_t r = 0; r < n; r += kRows)
                for (int64_t k = 0; k < g.K; k += kSteps) {
                    const int64_t steps = std::min(kSteps, g.K - k);
                    float stage[sizeof(T) == 4 ? 1 : kRows][kSteps];
                    const float* b[kRows];
                    for (int64_t q = 0; q < kRows; q++) {  // past the end: the last row again, its sum is not used
                        const T* row = g.b + std::min(task + r + q, g.N - 1) * g.K + k;
                        if constexpr (sizeof(T) == 4) b[q] = row;
                        else load_row(stage[q], row, steps), b[q] = stage[q];
                    }
                    for (int64_t m = 0; m < g.M; m++) dot_four(sum[m] + r, a + m * g.K + k, b, steps);
                }
        });
        g.finish(0, g.M, task, n, sum[0], kTask);
    }
}

// f(a register tile of this processor's best instruction set).
template <typename F>
auto with_tile(F&& f) {
    switch (active_isa()) {
        case Isa::amx_bf16:
        case Isa::avx512_bf16:  // of floats
        case Isa::avx512: return f(TileAvx512{});
        case Isa::avx2: return f(TileAvx2{});
        case Isa::sse2: break;
    }
    return f(TileSse2{});
}

// Our product for this processor.
template <typename TC, typename T>
void gemm_own(Cpu& dev, const Gemm<TC, T>& g) {
    if (g.M <= 0 || g.N <= 0) return;
    if (g.M <= kFewRows && !g.ta && !dev.row_invariant) return g.tb ? few_rows_nt(dev, g) : few_rows_nn(dev, g);
#if TRAIN_GPT_PAIRS
    if constexpr (sizeof(T) == 2)
        if (has_pairs()) return has_amx() ? amx::Product<TC>(g).run(dev) : BlockedGemm<TilePairs, TC, T>{g}.run(dev);
#endif
    with_tile([&](auto tile) { BlockedGemm<decltype(tile), TC, T>{g}.run(dev); });
}

// ---- CPU: oneDNN

#if TRAIN_GPT_ONEDNN
// bf16 wants AVX-512: without it oneDNN refuses to make the primitive.
inline bool onednn_has(dnnl_cpu_isa_t isa) { return (int(dnnl_get_effective_cpu_isa()) & int(isa)) == int(isa); }
inline bool onednn_has_bf16() { return onednn_has(dnnl_cpu_isa_avx512_core); }
inline bool onednn_has_amx() { return onednn_has(dnnl_cpu_isa_avx512_core_amx); }
// Instructions for products of bf16: vdpbf16ps (Cooper Lake, Sapphire Rapids, Zen 4), with which they are twice as fast as fp32's, or AMX
inline bool onednn_has_fast_bf16() { return onednn_has(dnnl_cpu_isa_avx512_core_bf16); }

#define DNNL_CHECK(call)                                                                             \
    do {                                                                                             \
        const dnnl_status_t status_ = (call);                                                        \
        if (status_ != dnnl_success)                                                                 \
            throw Error(cat(__FILE__, ":", __LINE__, ": " #call ": oneDNN status ", int(status_)),   \
                        "TRAIN_GPT_MATMUL=own does without oneDNN");                                 \
    } while (0)

// Owns one of oneDNN's objects.
template <auto destroy>
struct DnnlDestroy {
    template <typename Object>
    void operator()(Object* p) const { destroy(p); }
};
template <typename Pointer, auto destroy>
using DnnlHandle = std::unique_ptr<std::remove_pointer_t<Pointer>, DnnlDestroy<destroy>>;

// The shape, type and order in memory of one matrix.
class DnnlMatrix {
   public:
    DnnlMatrix(int64_t rows, int64_t cols, bool is_bf16, bool transposed) {
        const dnnl_dims_t dims = {rows, cols};
        const dnnl_data_type_t type = is_bf16 ? dnnl_bf16 : dnnl_f32;
        const dnnl_format_tag_t order = transposed ? dnnl_ba : dnnl_ab;
#if DNNL_VERSION_MAJOR >= 3
        dnnl_memory_desc_t made = nullptr;
        DNNL_CHECK(dnnl_memory_desc_create_with_tag(&made, 2, dims, type, order));
        description_.reset(made);
#else
        DNNL_CHECK(dnnl_memory_desc_init_by_tag(&description_, 2, dims, type, order));
#endif
    }
#if DNNL_VERSION_MAJOR >= 3
    const_dnnl_memory_desc_t get() const { return description_.get(); }

   private:
    DnnlHandle<dnnl_memory_desc_t, dnnl_memory_desc_destroy> description_;
#else
    const dnnl_memory_desc_t* get() const { return &description_; }

   private:
    dnnl_memory_desc_t description_;
#endif
};

// Ready primitives by shape: making one costs 0.4 ms, running one a few microseconds. One cache a thread, so no lock.
class OneDnn {
   public:
    static OneDnn& instance() {
        thread_local OneDnn self;
        return self;
    }
    template <typename TC, typename T>
    void run(const Gemm<TC, T>& g) {
        const int64_t flags = g.ta | g.tb << 1 | g.accumulate << 2 | (g.bias != nullptr) << 3 | (sizeof(T) == 2) << 4 |
                              (sizeof(TC) == 2) << 5;
        const Key key = {g.M, g.N, g.K, flags};
        if (cache_.size() >= 512) cache_.clear();  // generation meets a new length at every prompt
        Product& p = cache_[key];
        if (!p.primitive) make(p, g);
        const int roles[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
        const void* data[] = {g.a, g.b, g.c, g.bias};
        dnnl_exec_arg_t arguments[4];
        const int count = g.bias ? 4 : 3;
        for (int i = 0; i < count; i++) {
            DNNL_CHECK(dnnl_memory_set_data_handle(p.memory[i].get(), const_cast<void*>(data[i])));
            arguments[i] = {roles[i], p.memory[i].get()};
        }
        DNNL_CHECK(dnnl_primitive_execute(p.primitive.get(), stream_.get(), count, arguments));
        DNNL_CHECK(dnnl_stream_wait(stream_.get()));
    }

   private:
    struct Product {
        DnnlHandle<dnnl_primitive_t, dnnl_primitive_destroy> primitive;
        DnnlHandle<dnnl_memory_t, dnnl_memory_destroy> memory[4];  // a, b, c, bias
    };
    using Key = std::array<int64_t, 4>;
    struct KeyHash {
        size_t operator()(const Key& key) const {
            uint64_t h = 0;
            for (int64_t k : key) h = splitmix64(h ^ uint64_t(k));
            return size_t(h);
        }
    };
    OneDnn() {
        dnnl_engine_t engine = nullptr;
        DNNL_CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
        engine_.reset(engine);
        dnnl_stream_t stream = nullptr;
        DNNL_CHECK(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
        stream_.reset(stream);
    }

    template <typename TC, typename T>
    void make(Product& p, const Gemm<TC, T>& g) {
        const bool in_bf16 = sizeof(T) == 2, out_bf16 = sizeof(TC) == 2;
        const DnnlMatrix a(g.M, g.K, in_bf16, g.ta), b(g.K, g.N, in_bf16, g.tb), c(g.M, g.N, out_bf16, false);
        const DnnlMatrix bias(1, g.N, out_bf16, false);
        const DnnlMatrix* all[] = {&a, &b, &c, &bias};
        for (int i = 0; i < 4; i++) {
            dnnl_memory_t memory = nullptr;
            DNNL_CHECK(dnnl_memory_create(&memory, all[i]->get(), engine_.get(), nullptr));
            p.memory[i].reset(memory);
        }
        dnnl_post_ops_t post = nullptr;
        DNNL_CHECK(dnnl_post_ops_create(&post));
        const DnnlHandle<dnnl_post_ops_t, dnnl_post_ops_destroy> own_post(post);
        dnnl_primitive_attr_t attributes = nullptr;
        DNNL_CHECK(dnnl_primitive_attr_create(&attributes));
        const DnnlHandle<dnnl_primitive_attr_t, dnnl_primitive_attr_destroy> own_attributes(attributes);
        dnnl_primitive_desc_t description = nullptr;
        const auto bias_or_null = g.bias ? bias.get() : nullptr;
#if DNNL_VERSION_MAJOR >= 3
        if (g.accumulate) DNNL_CHECK(dnnl_post_ops_append_sum(post, 1.0f, 0, dnnl_data_type_undef));
        DNNL_CHECK(dnnl_primitive_attr_set_post_ops(attributes, post));
        DNNL_CHECK(dnnl_matmul_primitive_desc_create(&description, engine_.get(), a.get(), b.get(), bias_or_null,
                                                     c.get(), attributes));
#else
        if (g.accumulate) DNNL_CHECK(dnnl_post_ops_append_sum(post, 1.0f));
        DNNL_CHECK(dnnl_primitive_attr_set_post_ops(attributes, post));
        dnnl_matmul_desc_t what;
        DNNL_CHECK(dnnl_matmul_desc_init(&what, a.get(), b.get(), bias_or_null, c.get()));
        DNNL_CHECK(dnnl_primitive_desc_create(&description, &what, attributes, engine_.get(), nullptr));
#endif
        const DnnlHandle<dnnl_primitive_desc_t, dnnl_primitive_desc_destroy> own_description(description);
        dnnl_primitive_t primitive = nullptr;
        DNNL_CHECK(dnnl_primitive_create(&primitive, description));
        p.primitive.reset(primitive);
    }

    DnnlHandle<dnnl_engine_t, dnnl_engine_destroy> engine_;
    DnnlHandle<dnnl_stream_t, dnnl_stream_destroy> stream_;
    std::unordered_map<Key, Product, KeyHash> cache_;
};
#endif

// ---- CPU: dispatch

#if TRAIN_GPT_ONEDNN
// Is oneDNN the faster engine for this product? Measured with AVX2 (LOG 2026-11-21): ours has 0.8 to 1.1 times its
// speed in fp32, the least on large matrices and a busy machine. AVX-512 and AMX are not measured with ours.
template <typename TC, typename T>
bool onednn_is_faster(const Gemm<TC, T>& g) {
    if (sizeof(T) == 2) return onednn_has_fast_bf16() && !has_amx();  // by AMX ours: gemm_amx.hpp; by pairs 0.78 to 0.93 of it (LOG 2026-11-23), by floats as fast as fp32
    return g.M > kFewRows || g.ta;                // 2 to 4 rows: ours is 1.2 to 2 times as fast; 1 row: 0.9 to 1.0
}
#endif

template <typename TC, typename T>
void gemm(Cpu& dev, const Gemm<TC, T>& g) {
    if (g.M <= 0 || g.N <= 0) return;
#if TRAIN_GPT_ONEDNN
    const bool possible = g.K > 0 && (sizeof(T) == 4 ? !dev.row_invariant : onednn_has_bf16());
    if (possible && g.engine != MatmulEngine::own && (g.engine == MatmulEngine::onednn || onednn_is_faster(g))) {
        OneDnn::instance().run(g);
        if (g.gelu_out) gelu_forward(dev, g.gelu_out, g.c, g.M * g.N);
        return;
    }
#endif
    gemm_own(dev, g);
}

// C (M, N) = op(A) op(B), or += where accumulate. A: (M, K), stored (K, M) where ta; B: (K, N), stored (N, K) where tb.
template <typename TC, typename T>
void matmul(Cpu& dev, TC* C, const T* A, const T* B, int64_t M, int64_t N, int64_t K, bool ta, bool tb,
            bool accumulate) {
    Gemm<TC, T> g{C, A, B, M, N, K, ta, tb, accumulate};
    gemm(dev, g);
}

// ---- CPU: the linear layer

// --matmul fp8: the operands of a linear layer rounded as a GPU rounds them (fp8.hpp), in the device's space for operands. Without it, the
// operands themselves.
template <typename T>
class LayerOperands {
   public:
    // K and M of the layer, and how many numbers all operands of the product have together
    LayerOperands(Cpu& dev, int64_t K, int64_t M, int64_t numbers) : dev_(dev) {
        if (dev.operands != Operands::fp8) return;
        check_fp8_layer(K, M);
        next_ = static_cast<T*>(dev.operand_space(size_t(numbers) * sizeof(T)));
    }
    template <Fp8 format>
    const T* round(const T* x, int64_t n) {
        if (!next_) return x;
        T* rounded = next_;
        next_ += n;
        round_to_fp8<format>(dev_, rounded, x, n);
        return rounded;
    }

   private:
    Cpu& dev_;
    T* next_ = nullptr;
};

// y (N, M) = x (N, K) w (K, M) + b (M); b may be null.
template <typename T>
void linear_forward(Cpu& dev, T* y, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M) {
    LayerOperands<T> operands(dev, K, M, N * K + K * M);
    Gemm<T, T> g{y, operands.template round<Fp8::e4m3>(x, N * K), operands.template round<Fp8::e4m3>(w, K * M), N, M, K};
    g.bias = b;
    gemm(dev, g);
}

// pre = x w + b, kept for the backward; y = gelu(pre).
template <typename T>
void linear_gelu_forward(Cpu& dev, T* y, T* pre, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M) {
    LayerOperands<T> operands(dev, K, M, N * K + K * M);
    Gemm<T, T> g{pre, operands.template round<Fp8::e4m3>(x, N * K), operands.template round<Fp8::e4m3>(w, K * M), N, M, K};
    g.bias = b;
    g.gelu_out = y;
    gemm(dev, g);
}

// Forward was y = x w + b. dx = dy w^T (overwritten, may be null); dw += x^T dy; db += column sums of dy (may be null).
template <typename T>
void linear_backward(Cpu& dev, T* dx, float* dw, float* db, const T* dy, const T* x, const T* w, int64_t N, int64_t K,
                     int64_t M) {
    LayerOperands<T> operands(dev, K, M, N * M + N * K + K * M);
    const T* dy_8 = operands.template round<Fp8::e5m2>(dy, N * M);
    if (dx) matmul(dev, dx, dy_8, operands.template round<Fp8::e4m3>(w, K * M), N, K, M, false, true, false);
    matmul(dev, dw, operands.template round<Fp8::e4m3>(x, N * K), dy_8, K, M, N, true, false, true);
    if (db) add_column_sums(dev, db, dy, N, M);
}

// Forward was y = x w + b with x = gelu(pre). d_pre (N, K) = (dy w^T) gelu'(pre); the rest as linear_backward.
template <typename T>
void linear_gelu_backward(Cpu& dev, T* d_pre, float* dw, float* db, const T* dy, const T* pre, const T* x, const T* w, int64_t N, int64_t K,
                          int64_t M) {
    linear_backward(dev, d_pre, dw, db, dy, x, w, N, K, M);
    gelu_backward_inplace(dev, d_pre, pre, N * K);
}

// ---- --matmul and --autotune

// What --matmul asks for, given how weights and activations are stored.
inline Operands operands_of(const std::string& matmul, bool bf16_storage) {
    if (matmul == "auto" || matmul == (bf16_storage ? "bf16" : "fp32")) return Operands::stored;
    if (matmul == "fp8") return Operands::fp8;
    if (matmul != "fp32" && matmul != "tf32" && matmul != "bf16") throw UsageError(cat("--matmul ", matmul, ": unknown, expected auto, fp32, tf32, bf16 or fp8"));
    if (bf16_storage) throw UsageError(cat("--matmul ", matmul, ": weights and activations are stored as bf16 here"), "add --dtype fp32");
    return matmul == "tf32" ? Operands::tf32 : Operands::bf16;
}

// For the line of a log that names the device.
inline const char* products_note(Operands o) {
    return o == Operands::fp8 ? ", linear layers in fp8" : o == Operands::tf32 ? ", products in tf32" : o == Operands::bf16 ? ", products in bf16" : "";
}

// Called once, before the first product.
inline void set_matmul(Cpu& dev, const MatmulSettings& s, bool bf16_storage) {
    dev.operands = operands_of(s.matmul, bf16_storage);
    dev.row_invariant = s.row_invariant;
    if (dev.operands != Operands::stored && dev.operands != Operands::fp8)
        throw UsageError(cat("--matmul ", s.matmul, ": with --dtype fp32 a matter of GPUs"), "use --matmul auto or fp8 on the CPU");
    if (s.autotune) throw UsageError("--autotune chooses among the GPU library's products: there is no GPU here", "leave it away");
}

// ---- CPU: what this machine can do

// What multiplies here, for `info` and the first lines of a log.
inline std::string matmul_backend() {
    const std::string own = cat("own (", isa_name(active_isa()), ")");
#if TRAIN_GPT_ONEDNN
    const dnnl_version_t& v = *dnnl_version();
    const bool avx2 = onednn_has(dnnl_cpu_isa_avx2);
    const char* name = onednn_has_amx() ? "AMX" : onednn_has_fast_bf16() ? "AVX-512 with bf16" : onednn_has_bf16() ? "AVX-512" : avx2 ? "AVX2" : "SSE4.1 or AVX";
    const std::string onednn = strprintf("oneDNN %d.%d.%d (%s)", v.major, v.minor, v.patch, name);
    if (matmul_engine() == MatmulEngine::onednn) return onednn;
    if (matmul_engine() == MatmulEngine::measured) return onednn + ", " + own;
#endif
    return own;
}

// Does bf16 storage speed products up here? (Otherwise it only saves memory.)
inline bool bf16_matmul_is_fast() {
    if (has_pairs()) return true;
#if TRAIN_GPT_ONEDNN
    return matmul_engine() != MatmulEngine::own && onednn_has_fast_bf16();
#else
    return false;
#endif
}

template <typename T>
double measure_matmul_flops(Cpu& dev, int64_t n) {
    std::vector<T> a(size_t(n * n), T(0.5f)), b = a, c = a;
    double best_s = 1e9;
    const double start = now_s();
    for (int i = 0; i < 2 || now_s() - start < 0.1; i++) {  // the first one makes primitives and touches memory
        const double begin = now_s();
        matmul(dev, c.data(), a.data(), b.data(), n, n, n, false, false, false);
        best_s = std::min(best_s, now_s() - begin);
    }
    return 2.0 * double(n) * double(n) * double(n) / best_s;
}

// The best product found in about 200 ms, in FLOP/s: the yardstick for "% of this machine's measured peak". A machine
// that does 512 x 512 x 512 in less than 5 ms is tried with 1024 too, where many cores have enough to do.
inline double measured_peak_flops(Cpu& dev, bool bf16_storage) {
    auto measure = [&](int64_t n) {
        return bf16_storage ? measure_matmul_flops<bf16>(dev, n) : measure_matmul_flops<float>(dev, n);
    };
    const double small = measure(512);
    return small > 5e10 ? std::max(small, measure(1024)) : small;
}
