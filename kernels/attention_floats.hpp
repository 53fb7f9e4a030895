// kernels/attention_floats.hpp -- attention.hpp on the CPU, by products of floats; T is only how numbers are stored.
// A tile of keys is copied to floats once and serves many queries; all products go through one register tile. The forward walks over the
// keys once; each query keeps the maximum m so far, the sum l of exp(s - m) and the output times l. Head, the names of the tiles and what
// a softmax needs serve attention_pairs.hpp, too.
#pragma once

#include <algorithm>
#include <cfloat>

#include "device.hpp"

namespace attention {

constexpr int64_t kRows = 3, kColumns = 32;  // the register tile: 12 accumulators of AVX2's 16 registers
constexpr int64_t kKeys = 96;                // keys in a tile, a multiple of both
constexpr int64_t kQueries = 48;             // queries in a tile of the backward, a multiple of kRows
constexpr int64_t kChunk = 256;              // queries that share one copy of a tile of keys in the forward
constexpr int64_t kChunkRows = kChunk + kRows;   // and what the last three of them may overhang

// c (3, N) += a (3, K) * b (K, N), or = where `overwrite`; N is a multiple of kColumns, a_rk is a[r * row + k * col].
// Always three rows, so that there is one piece of code (a variant for one row had other bits): each c_rn is a chain of
// multiply-adds over k, and its bits depend neither on r nor on how K is cut into calls. kColumns must be above 16, or
// g++ 12 unrolls before it vectorises: 6 x 16 reaches 2.4 GFLOP/s where 3 x 32 reaches 84 (LOG 2026-11-21).
template <bool overwrite>
ALWAYS_INLINE inline void multiply(float* c, int64_t ldc, const float* a, int64_t row, int64_t col, const float* b,
                                   int64_t ldb, int64_t N, int64_t K) {
    for (int64_t n = 0; n < N; n += kColumns) {
        float sum[kRows][kColumns];
        for (int64_t r = 0; r < kRows; r++)
            for (int64_t j = 0; j < kColumns; j++) sum[r][j] = overwrite ? 0.0f : c[r * ldc + n + j];
        for (int64_t k = 0; k < K; k++)
            for (int64_t r = 0; r < kRows; r++) {
                const float a_rk = a[r * row + k * col];
                for (int64_t j = 0; j < kColumns; j++) sum[r][j] += a_rk * b[k * ldb + n + j];
            }
        for (int64_t r = 0; r < kRows; r++)
            for (int64_t j = 0; j < kColumns; j++) c[r * ldc + n + j] = sum[r][j];
    }
}

// out (n rounded up to kRows, ld) = scale * n rows of HS values that lie `stride` apart, zeros beyond.
template <typename T>
ALWAYS_INLINE inline void pack(float* out, const T* in, int64_t stride, int64_t n, int64_t HS, int64_t ld,
                               float scale) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < HS; c++) out[i * ld + c] = scale * float(in[i * stride + c]);
        for (int64_t c = HS; c < ld; c++) out[i * ld + c] = 0;
    }
    for (int64_t i = n * ld; i < round_up(n, kRows) * ld; i++) out[i] = 0;
}
// out (HS, kKeys) = n rows of HS values transposed, zeros up to the next multiple of kColumns.
template <typename T>
ALWAYS_INLINE inline void pack_transposed(float* out, const T* in, int64_t stride, int64_t n, int64_t HS) {
    if constexpr (sizeof(T) == 4) {
        transpose_into<kKeys>(out, in, stride, n, HS);
    } else {
        for (int64_t c = 0; c < HS; c++)
            for (int64_t i = 0; i < n; i++) out[c * kKeys + i] = float(in[i * stride + c]);
    }
    for (int64_t c = 0; c < HS; c++)
        for (int64_t i = n; i < round_up(n, kColumns); i++) out[c * kKeys + i] = 0;
}

// Scores inside the tiles carry the factor log2(e), so that exp2_falling does instead of fast_exp.
constexpr float kLn2 = 0.69314718056f;
inline float score_scale(int64_t HS) { return float(1.44269504088896 / std::sqrt(double(HS))); }

// The largest of n floats. Compared as integers in the order of floats, which vectorises where a comparison of floats
// would have to mind NaN. A NaN may or may not come out; either way it comes back through exp2(s - m).
ALWAYS_INLINE inline float max_of(const float* s, int64_t n) {
    int32_t best = INT32_MIN;
    for (int64_t j = 0; j < n; j++) {
        int32_t key;
        __builtin_memcpy(&key, s + j, 4);
        key ^= (key >> 31) & 0x7FFFFFFF;
        best = key > best ? key : best;
    }
    best ^= (best >> 31) & 0x7FFFFFFF;
    float m;
    __builtin_memcpy(&m, &best, 4);
    return m;
}

// D_i = dy_i . y_i for n positions, rows C apart.
template <typename T>
ALWAYS_INLINE inline void row_dots(float* D, const T* dy, const T* y, int64_t n, int64_t C, int64_t HS) {
    for (int64_t i = 0; i < n; i++) {
        float sum = 0;
        for (int64_t c = 0; c < HS; c++) sum += float(dy[i * C + c]) * float(y[i * C + c]);
        D[i] = sum;
    }
}

// One row meets a tile of scores: the first `visible` of s (1 to kKeys) become 2^(s - m), the others 0, up to the next
// multiple of kColumns. m and l are brought up to date; the result is the factor for the row's output so far.
ALWAYS_INLINE inline float softmax_tile(float* s, int64_t visible, float& m, float& l) {
    const float largest = max_of(s, visible), m_new = largest <= m ? m : largest;    // NaN is taken over
    float sum = 0;
    for (int32_t j = 0; j < int32_t(round_up(visible, kColumns)); j++) {
        const float e = exp2_falling(s[j] - m_new);
        s[j] = j < int32_t(visible) ? e : 0.0f;
        sum += s[j];
    }
    const float factor = exp2_falling(m - m_new);
    l = l * factor + sum;
    m = m_new;
    return factor;
}

// One head of one sequence: n queries at positions past .. past + n - 1, keys and values of 0 .. past + n - 1.
template <typename T>
struct Head {
    T* y;                        // (n, HS), rows y_stride apart
    float* lse;                  // (n) or null
    const T *q, *k, *v;          // (n, HS), (past + n, HS), (past + n, HS)
    int64_t y_stride, q_stride, kv_stride;
    int64_t past, n, HS;
};

// Asks for the keys and values of positions from .. to - 1: a head's rows lie so far apart that the processor does not foresee the next.
template <typename T>
ALWAYS_INLINE inline void prefetch_keys(const Head<T>& h, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
        for (int64_t c = 0; c < h.HS; c += int64_t(64 / sizeof(T))) {
            __builtin_prefetch(h.k + i * h.kv_stride + c);
            __builtin_prefetch(h.v + i * h.kv_stride + c);
        }
}

// Scratch of the forward in floats: q, y (kChunkRows, ld), m, l (kChunkRows), s (kRows, kKeys), k^T (HS, kKeys),
// v (kKeys, ld).
inline int64_t forward_scratch(int64_t HS) {
    const int64_t ld = round_up(HS, kColumns);
    return 2 * kChunkRows * (ld + 1) + kRows * kKeys + kKeys * (HS + ld);
}

// Three queries, the first at position p0, against a tile of `keys` keys from position k0 on. Rows of v lie ldv apart.
ALWAYS_INLINE inline void forward_rows(float* y, float* m, float* l, float* s, const float* q, const float* kt, const float* v,
                                       int64_t ldv, int64_t p0, int64_t k0, int64_t keys, int64_t HS, int64_t ld) {
    const auto visible = [=](int64_t r) ALWAYS_INLINE { return std::min(keys, p0 + r + 1 - k0); };
    const int64_t common = visible(0);                               // keys that all of the rows see, at least one
    multiply<true>(s, kKeys, q, ld, 1, kt, kKeys, round_up(visible(kRows - 1), kColumns), HS);       // scores
    for (int64_t r = 0; r < kRows; r++) {
        const float factor = softmax_tile(s + r * kKeys, visible(r), m[r], l[r]);
        if (factor != 1)                                             // NaN takes this way too
            for (int64_t c = 0; c < ld; c++) y[r * ld + c] *= factor;
    }
    multiply<false>(y, ld, s, kKeys, 1, v, ldv, ld, common);         // y += p * v
    for (int64_t r = 1; r < kRows; r++)                              // the last keys, row by row: 0 * NaN would be NaN
        for (int64_t j = common; j < visible(r); j++)
            for (int64_t c = 0; c < ld; c++) y[r * ld + c] += s[r * kKeys + j] * v[j * ldv + c];
}

// `count` queries, the first at position p0, against the tile. It knows floats only: compiled once, not for each T.
inline void forward_tile(float* y, float* m, float* l, float* s, const float* q, const float* kt, const float* v, int64_t ldv,
                         int64_t p0, int64_t count, int64_t k0, int64_t keys, int64_t HS, int64_t ld) {
    simd([=]() ALWAYS_INLINE {
        for (int64_t i = std::max(int64_t(0), k0 - p0); i < count; i += kRows)           // from the first that sees it
            forward_rows(y + i * ld, m + i, l + i, s, q + i * ld, kt, v, ldv, p0 + i, k0, keys, HS, ld);
    });
}

// Chunk number `chunk` of a head: queries i0 .. i0 + count - 1, at most kChunk.
template <typename T>
void forward_chunk(const Head<T>& h, int64_t chunk, float* scratch) {
    const int64_t i0 = chunk * kChunk, count = std::min(kChunk, h.n - i0);
    const int64_t HS = h.HS, ld = round_up(HS, kColumns);
    float *q = scratch, *y = q + kChunkRows * ld, *s = y + kChunkRows * ld, *kt = s + kRows * kKeys;
    float *v = kt + HS * kKeys, *m = v + kKeys * ld, *l = m + kChunkRows;
    simd([&]() ALWAYS_INLINE { pack(q, h.q + i0 * h.q_stride, h.q_stride, count, HS, ld, score_scale(HS)); });
    std::fill(q + count * ld, q + (count + kRows) * ld, 0.0f);
    std::fill(y, y + (count + kRows) * ld, 0.0f);
    std::fill(m, m + count + kRows, -FLT_MAX);                       // not -Inf: (-Inf) - (-Inf) is NaN
    std::fill(l, l + count + kRows, 0.0f);
    const int64_t p0 = h.past + i0, end = p0 + count;                // positions of the queries
    const float* in_place = nullptr;                                 // v where it lies, if one visit is all it gets
    if constexpr (sizeof(T) == 4)
        if (count <= kRows && HS == ld) in_place = h.v;
    for (int64_t k0 = 0; k0 < end; k0 += kKeys) {
        const int64_t keys = std::min(kKeys, end - k0);
        prefetch_keys(h, k0 + kKeys, std::min(k0 + 2 * kKeys, end));
        simd([&]() ALWAYS_INLINE {
            pack_transposed(kt, h.k + k0 * h.kv_stride, h.kv_stride, keys, HS);
            if (!in_place) pack(v, h.v + k0 * h.kv_stride, h.kv_stride, keys, HS, ld, 1.0f);
        });
        if (in_place) forward_tile(y, m, l, s, q, kt, in_place + k0 * h.kv_stride, h.kv_stride, p0, count, k0, keys, HS, ld);
        else forward_tile(y, m, l, s, q, kt, v, ld, p0, count, k0, keys, HS, ld);
    }
    simd([&]() ALWAYS_INLINE {
        for (int64_t i = 0; i < count; i++) {
            const float scale = 1.0f / l[i];
            for (int64_t c = 0; c < HS; c++) y[i * ld + c] *= scale;
            store_row(h.y + (i0 + i) * h.y_stride, y + i * ld, HS);
        }
    });
    for (int64_t i = 0; h.lse && i < count; i++) h.lse[i0 + i] = (m[i] + std::log2(l[i])) * kLn2;
}

// Scratch of the backward in floats: dq (T + kRows, ld), D (T), k^T, v^T (HS, kKeys), k, dk, dv (kKeys, ld),
// q, dy (kQueries, ld), p, ds (kQueries, kKeys).
inline int64_t backward_scratch(int64_t T_, int64_t HS) {
    const int64_t ld = round_up(HS, kColumns);
    return (T_ + kRows) * ld + round_up(T_, int64_t(16)) + kKeys * (2 * HS + 3 * ld) + kQueries * (2 * ld + 2 * kKeys);
}

// The tiles of one step of the backward: nq queries from position i0 against `keys` keys from k0.
struct BackwardTile {
    float *dq, *D, *kt, *vt, *k, *dk, *dv, *q, *dy, *p, *ds;         // shapes: see backward_scratch
    const float* lse;
    int64_t HS, ld, i0, nq, k0, keys;
};

// p = exp(s - lse), ds = p * (dp - D), each (nq, kKeys) and 0 where the key is after the query; dq += ds * k. Columns
// from `width` on stay unwritten: groups of three begin at the same positions on both sides, so nobody reads them.
ALWAYS_INLINE inline void backward_scores(const BackwardTile& t) {
    for (int64_t i = 0; i < t.nq; i += kRows) {
        const int64_t most = std::min(t.keys, t.i0 + i + kRows - t.k0), width = round_up(most, kColumns);
        float *p = t.p + i * kKeys, *ds = t.ds + i * kKeys;
        multiply<true>(p, kKeys, t.q + i * t.ld, t.ld, 1, t.kt, kKeys, width, t.HS);           // s = q k^T
        multiply<true>(ds, kKeys, t.dy + i * t.ld, t.ld, 1, t.vt, kKeys, width, t.HS);         // dp = dy v^T
        for (int64_t r = 0; r < std::min(kRows, t.nq - i); r++) {
            const int32_t visible = int32_t(std::min(t.keys, t.i0 + i + r + 1 - t.k0));
            const float lse = t.lse[t.i0 + i + r] / kLn2, D = t.D[t.i0 + i + r];
            float *p_r = p + r * kKeys, *ds_r = ds + r * kKeys;
            for (int32_t j = 0; j < int32_t(width); j++) {
                const float e = exp2_falling(p_r[j] - lse);
                p_r[j] = j < visible ? e : 0.0f;
                ds_r[j] = j < visible ? e * (ds_r[j] - D) : 0.0f;
            }
        }
        multiply<false>(t.dq + (t.i0 + i) * t.ld, t.ld, ds, kKeys, 1, t.k, t.ld, t.ld, most);
    }
}

// All five products of one step; floats only, compiled once. dv += p^T dy and dk += ds^T q: there, keys are the rows.
inline void backward_tile(const BackwardTile& tile) {
    simd([=]() ALWAYS_INLINE {
        const BackwardTile t = tile;
        backward_scores(t);
        for (int64_t j = 0; j < t.keys; j += kRows) {
            const int64_t from = std::max(int64_t(0), t.k0 + j - t.i0), K = t.nq - from;
            if (K <= 0) break;                                       // no query of this tile sees these keys
            const int64_t p = from * kKeys + j, q = from * t.ld;
            multiply<false>(t.dv + j * t.ld, t.ld, t.p + p, 1, kKeys, t.dy + q, t.ld, t.ld, K);
            multiply<false>(t.dk + j * t.ld, t.ld, t.ds + p, 1, kKeys, t.q + q, t.ld, t.ld, K);
        }
    });
}

// dqkv of one head of one sequence of T_ positions; qkv and dqkv point at the head's q of position 0, y, dy likewise.
template <typename T>
void backward_head(T* dqkv, const T* dy, const T* qkv, const T* y, const float* lse, int64_t T_, int64_t C, int64_t HS,
                   float* scratch) {
    const int64_t ld = round_up(HS, kColumns), stride = 3 * C;
    const float scale = score_scale(HS);
    BackwardTile t;
    t.lse = lse, t.HS = HS, t.ld = ld;
    t.dq = scratch, t.D = t.dq + (T_ + kRows) * ld, t.kt = t.D + round_up(T_, int64_t(16)), t.vt = t.kt + HS * kKeys;
    t.k = t.vt + HS * kKeys, t.dk = t.k + kKeys * ld, t.dv = t.dk + kKeys * ld, t.q = t.dv + kKeys * ld;
    t.dy = t.q + kQueries * ld, t.p = t.dy + kQueries * ld, t.ds = t.p + kQueries * kKeys;
    std::fill(t.dq, t.dq + (T_ + kRows) * ld, 0.0f);
    simd([&]() ALWAYS_INLINE { row_dots(t.D, dy, y, T_, C, HS); });
    for (t.k0 = 0; t.k0 < T_; t.k0 += kKeys) {
        const int64_t keys = t.keys = std::min(kKeys, T_ - t.k0);
        const T *k = qkv + t.k0 * stride + C, *v = k + C;
        simd([&]() ALWAYS_INLINE {
            pack_transposed(t.kt, k, stride, keys, HS);
            pack_transposed(t.vt, v, stride, keys, HS);
            pack(t.k, k, stride, keys, HS, ld, 1.0f);
        });
        std::fill(t.dk, t.dk + kKeys * ld, 0.0f);
        std::fill(t.dv, t.dv + kKeys * ld, 0.0f);
        for (t.i0 = t.k0; t.i0 < T_; t.i0 += kQueries) {
            t.nq = std::min(kQueries, T_ - t.i0);
            simd([&]() ALWAYS_INLINE {
                pack(t.q, qkv + t.i0 * stride, stride, t.nq, HS, ld, scale);
                pack(t.dy, dy + t.i0 * C, C, t.nq, HS, ld, 1.0f);
            });
            backward_tile(t);
        }
        simd([&]() ALWAYS_INLINE {
            for (int64_t i = 0; i < keys * ld; i++) t.dk[i] *= kLn2;     // q came with log2(e) / sqrt(HS)
            for (int64_t j = 0; j < keys; j++) {
                store_row(dqkv + (t.k0 + j) * stride + C, t.dk + j * ld, HS);
                store_row(dqkv + (t.k0 + j) * stride + 2 * C, t.dv + j * ld, HS);
            }
        });
    }
    simd([&]() ALWAYS_INLINE {
        for (int64_t i = 0; i < T_; i++) {
            for (int64_t c = 0; c < HS; c++) t.dq[i * ld + c] *= scale * kLn2;
            store_row(dqkv + i * stride, t.dq + i * ld, HS);
        }
    });
}

}  // namespace attention
