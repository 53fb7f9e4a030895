// kernels/attention_pairs.hpp -- attention.hpp on a processor that multiplies pairs of bf16, by vdpbf16ps (pairs.hpp) or by AMX (amx.hpp).
// The same tiles, softmax and promises as in attention_floats.hpp; what differs:
//   scores      q and k are multiplied as stored and the sum is scaled, where floats scale q first
//   p and ds    are rounded to bf16 before they meet v, k, dy and q, as attention on GPUs does; sums stay fp32
//   key pairs   p v and ds k sum over two keys at once, p^T dy and ds^T q over two queries: rows are interleaved when a tile is copied
// 0 * NaN would carry a NaN of v from a later key to an earlier query. A tile of keys that some query sees in part is checked when it is copied: if some v of it is not
// finite, the queries that do not see the whole tile take a slower way, with the same bits for all numbers that they see.
#pragma once

#include "amx.hpp"
#include "attention_floats.hpp"
#include "pairs.hpp"

#if TRAIN_GPT_PAIRS
namespace attention::pairs {

constexpr int64_t kTileKeys = 96;        // a multiple of 32 and of both kRows; k^T and v of 64 channels: 24 KiB, in L1
constexpr int64_t kPairsOfKeys = kTileKeys / 2;

// What multiplies: kRows rows at a time, c (kRows, N) = or += a (kRows, K) b (K, N) with N a multiple of 32. K counts pairs and is rounded up
// to kDepth: so far operands are filled up with zeros. Of the rows `wanted` ones are needed: the others may stay as they are.
// kTileQueries: queries in a tile of the backward.
struct Vectors {
    static constexpr int64_t kRows = 6, kDepth = 1, kTileQueries = 48;       // 6 x 32: 12 sums, as many as vdpbf16ps needs to hide what it takes
    static void begin() {}
    static void end() {}
    template <bool overwrite>
    PAIRS_TARGET ALWAYS_INLINE static void multiply(float* c, int64_t ldc, const Pair* a, int64_t lda, const Pair* b, int64_t ldb, int64_t N, int64_t K, int64_t wanted = kRows) {
        if (wanted == 1) multiply_pairs<1, overwrite>(c, ldc, a, lda, 1, b, ldb, N, K);   // a token that is being written
        else multiply_pairs<kRows, overwrite>(c, ldc, a, lda, 1, b, ldb, N, K);
    }
};
struct Amx {
    static constexpr int64_t kRows = amx::kRows, kDepth = amx::kDepth, kTileQueries = 64;
    static void begin() { amx::begin(); }
    static void end() { amx::end(); }
    template <bool overwrite>
    static void multiply(float* c, int64_t ldc, const Pair* a, int64_t lda, const Pair* b, int64_t ldb, int64_t N, int64_t K, int64_t = kRows) {
        amx::multiply_rows<overwrite>(c, ldc, a, lda, b, ldb, N, round_up(K, kDepth));
    }
};

// Heads of an odd size, or at an odd place, have no pairs where they lie.
inline bool takes(int64_t HS) { return has_pairs() && HS % 2 == 0; }

// Scratch handed out from front to back, in cache lines.
class Scratch {
   public:
    explicit Scratch(void* p) : p_(static_cast<char*>(p)) {}  // null: only count
    template <typename N>
    N* take(int64_t n) {
        N* here = p_ ? reinterpret_cast<N*>(p_ + used_) : nullptr;
        used_ += round_up(n * int64_t(sizeof(N)), int64_t(64));
        return here;
    }
    int64_t used() const { return used_; }

   private:
    char* p_;
    int64_t used_ = 0;
};

// out (n + rows, ld) = n rows of HS numbers, zeros beyond.
PAIRS_TARGET inline void copy_rows(bf16* out, const bf16* in, int64_t stride, int64_t n, int64_t HS, int64_t ld, int64_t rows) {
    for (int64_t i = 0; i < n; i++) {
        std::memcpy(out + i * ld, in + i * stride, size_t(HS) * sizeof(bf16));
        std::memset(out + i * ld + HS, 0, size_t(ld - HS) * sizeof(bf16));
    }
    std::memset(out + n * ld, 0, size_t(rows * ld) * sizeof(bf16));
}
inline const Pair* as_pairs(const bf16* p) { return reinterpret_cast<const Pair*>(p); }

// out (HS / 2, kTileKeys) = n rows of HS numbers, their pairs transposed; zeros up to the next multiple of 32 rows, and of depth pairs.
PAIRS_TARGET __attribute__((noinline)) inline void transpose_pairs(Pair* out, const bf16* in, int64_t stride, int64_t n, int64_t HS, int64_t depth) {
    transpose_into<kTileKeys>(out, as_pairs(in), stride / 2, n, HS / 2);
    for (int64_t c = 0; c < HS / 2; c++)
        for (int64_t i = n; i < round_up(n, int64_t(32)); i++) out[c * kTileKeys + i] = 0;
    std::memset(out + HS / 2 * kTileKeys, 0, size_t((round_up(HS / 2, depth) - HS / 2) * kTileKeys) * sizeof(Pair));
}
// out (n / 2, ld) = n rows of HS numbers, two and two interleaved; zeros up to the next multiple of depth pairs.
PAIRS_TARGET inline void pair_rows(Pair* out, int64_t ld, const bf16* in, int64_t stride, int64_t n, int64_t HS, int64_t depth) {
    const int64_t pairs = ceil_div(n, int64_t(2));
    interleave_rows(out, ld, in, stride, n, HS);
    std::memset(out + pairs * ld, 0, size_t((round_up(pairs, depth) - pairs) * ld) * sizeof(Pair));
}
PAIRS_TARGET inline bool all_finite(const bf16* in, int64_t stride, int64_t n, int64_t HS) {
    uint32_t found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < HS; c++) found |= (in[i * stride + c].bits & 0x7F80) == 0x7F80;
    return !found;
}

// ---- forward

template <typename Unit>
struct ForwardTile {
    static constexpr int64_t kRows = Unit::kRows, kChunkRows = kChunk + kRows;
    float *y, *m, *l, *s;        // (kChunkRows, ld), (kChunkRows), (kChunkRows), (kRows, kTileKeys)
    bf16 *q, *p;                 // (kChunkRows, ld), (kRows, kTileKeys)
    Pair *kt, *v, *v_seen;       // (ld / 2, kTileKeys), (kPairsOfKeys, ld) twice
    float* y_seen;               // (kRows, ld)
    int64_t HS, ld, p0, count, k0, keys;
    bool v_unsafe;              // some query does not see the whole tile, and some v of it is not finite

    explicit ForwardTile(int64_t HS_) : HS(HS_), ld(round_up(HS_, kColumns)) {}
    int64_t lay_out(void* memory) {
        Scratch scratch(memory);
        y = scratch.take<float>(kChunkRows * ld), m = scratch.take<float>(kChunkRows), l = scratch.take<float>(kChunkRows);
        s = scratch.take<float>(kRows * kTileKeys), q = scratch.take<bf16>(kChunkRows * ld), p = scratch.take<bf16>(kRows * kTileKeys);
        kt = scratch.take<Pair>(ld / 2 * kTileKeys), v = scratch.take<Pair>(kPairsOfKeys * ld), v_seen = scratch.take<Pair>(kPairsOfKeys * ld);
        y_seen = scratch.take<float>(kRows * ld);
        return scratch.used();
    }
};

// One row meets a tile of scores q . k: p = 2^((s - m) scale) of the first `visible`, 0 up to `width`. As softmax_tile.
PAIRS_TARGET inline float softmax_row(const float* s, bf16* p, int64_t visible, int64_t width, float scale, float& m, float& l) {
    const __m512 lowest = _mm512_set1_ps(-FLT_MAX);
    __m512 most = lowest;
    for (int64_t j = 0; j < visible; j += 16) most = _mm512_max_ps(most, _mm512_mask_loadu_ps(lowest, first_lanes(j, visible), s + j));
    const float largest = _mm512_reduce_max_ps(most), m_new = largest > m ? largest : m;    // a NaN comes back through 2^(s - m)
    __m512 sum = _mm512_setzero_ps();
    for (int64_t j = 0; j < width; j += 16) {
        const __m512 x = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(s + j), _mm512_set1_ps(m_new)), _mm512_set1_ps(scale));
        const __m512 e = _mm512_maskz_mov_ps(first_lanes(j, visible), exp2_16(x));
        sum = _mm512_add_ps(sum, e);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + j), (__m256i)_mm512_cvtneps_pbh(e));
    }
    const float factor = _mm512_cvtss_f32(exp2_16(_mm512_set1_ps((m - m_new) * scale)));
    l = l * factor + _mm512_reduce_add_ps(sum);
    m = m_new;
    return factor;
}

// y += p v for a group of queries, where some v of the tile is not finite: each query with the keys that it sees alone.
template <typename Unit>
PAIRS_TARGET inline void add_seen_values(const ForwardTile<Unit>& t, float* y, const int64_t* visible) {
    for (int64_t r = 0; r < Unit::kRows; r++) {
        const int64_t pairs = ceil_div(visible[r], int64_t(2));
        std::memcpy(t.v_seen, t.v, size_t(pairs * t.ld) * sizeof(Pair));
        std::memset(t.v_seen + pairs * t.ld, 0, size_t((round_up(pairs, Unit::kDepth) - pairs) * t.ld) * sizeof(Pair));
        if (visible[r] % 2)
            for (int64_t c = 0; c < t.ld; c++) t.v_seen[(pairs - 1) * t.ld + c] &= 0xFFFF;
        std::memcpy(t.y_seen, y, size_t(Unit::kRows * t.ld) * sizeof(float));
        Unit::template multiply<false>(t.y_seen, t.ld, as_pairs(t.p), kPairsOfKeys, t.v_seen, t.ld, t.ld, pairs);
        std::memcpy(y + r * t.ld, t.y_seen + r * t.ld, size_t(t.ld) * sizeof(float));
    }
}

// The chunk's queries that see something of the tile, a group at a time. Rows of a group beyond the last query are computed, and read by nobody.
template <typename Unit>
PAIRS_TARGET inline void forward_tile(const ForwardTile<Unit>& t) {
    constexpr int64_t kRows = Unit::kRows;
    const float scale = score_scale(t.HS);
    for (int64_t i = std::max(int64_t(0), t.k0 - t.p0); i < t.count; i += kRows) {
        int64_t visible[kRows];
        for (int64_t r = 0; r < kRows; r++) visible[r] = std::min(t.keys, t.p0 + i + r + 1 - t.k0);
        const int64_t rows = std::min(kRows, t.count - i), most = visible[rows - 1], width = round_up(most, kColumns);
        float* y = t.y + i * t.ld;
        Unit::template multiply<true>(t.s, kTileKeys, as_pairs(t.q + i * t.ld), t.ld / 2, t.kt, kTileKeys, width, t.HS / 2, rows);
        for (int64_t r = 0; r < rows; r++) {
            const float factor = softmax_row(t.s + r * kTileKeys, t.p + r * kTileKeys, visible[r], width, scale, t.m[i + r], t.l[i + r]);
            if (factor != 1)                                             // NaN takes this way too
                for (int64_t c = 0; c < t.ld; c++) y[r * t.ld + c] *= factor;
        }
        if (t.v_unsafe && visible[0] < t.keys)
            add_seen_values(t, y, visible);
        else
            Unit::template multiply<false>(y, t.ld, as_pairs(t.p), kPairsOfKeys, t.v, t.ld, t.ld, ceil_div(most, int64_t(2)), rows);
    }
}

// As attention::forward_chunk. scratch: forward_scratch(HS) bytes.
template <typename Unit>
PAIRS_TARGET inline void forward_chunk(const Head<bf16>& h, int64_t chunk, void* scratch) {
    const int64_t i0 = chunk * kChunk, count = std::min(kChunk, h.n - i0);
    ForwardTile<Unit> t(h.HS);
    t.p0 = h.past + i0, t.count = count;
    t.lay_out(scratch);
    copy_rows(t.q, h.q + i0 * h.q_stride, h.q_stride, count, t.HS, t.ld, Unit::kRows);
    std::fill(t.y, t.y + (count + Unit::kRows) * t.ld, 0.0f);
    std::fill(t.m, t.m + count, -FLT_MAX);
    std::fill(t.l, t.l + count, 0.0f);
    std::fill(t.p, t.p + Unit::kRows * kTileKeys, bf16(0.0f));
    Unit::begin();
    for (t.k0 = 0; t.k0 < t.p0 + count; t.k0 += kTileKeys) {
        t.keys = std::min(kTileKeys, t.p0 + count - t.k0);
        const bf16* v = h.v + t.k0 * h.kv_stride;
        prefetch_keys(h, t.k0 + kTileKeys, std::min(t.k0 + 2 * kTileKeys, t.p0 + count));
        transpose_pairs(t.kt, h.k + t.k0 * h.kv_stride, h.kv_stride, t.keys, t.HS, Unit::kDepth);
        pair_rows(t.v, t.ld, v, h.kv_stride, t.keys, t.HS, Unit::kDepth);
        t.v_unsafe = t.k0 + t.keys > t.p0 + 1 && !all_finite(v, h.kv_stride, t.keys, t.HS);
        forward_tile(t);
    }
    Unit::end();
    for (int64_t i = 0; i < count; i++) {
        const float scale = 1.0f / t.l[i];
        for (int64_t c = 0; c < t.HS; c++) h.y[(i0 + i) * h.y_stride + c] = bf16(t.y[i * t.ld + c] * scale);
    }
    const float score = score_scale(t.HS);
    for (int64_t i = 0; h.lse && i < count; i++) h.lse[i0 + i] = (t.m[i] * score + std::log2(t.l[i])) * kLn2;
}

// ---- backward

template <typename Unit>
struct BackwardTile {
    static constexpr int64_t kRows = Unit::kRows, kTileQueries = Unit::kTileQueries, kPairsOfQueries = kTileQueries / 2;
    float *dq, *D;                       // (T + kRows, ld), (T + 1): of the whole head
    float *dk, *dv;                      // (kTileKeys, ld); by AMX transposed
    float *s, *dp;                       // (kRows, kTileKeys)
    bf16 *q, *dy, *ds;                   // (kTileQueries + kRows, ld) twice, (kRows, kTileKeys)
    Pair *kt, *vt, *k2;                  // (ld / 2, kTileKeys) twice, (kPairsOfKeys, ld): pairs of channels, and of keys
    Pair *q2, *dy2, *p2, *ds2;           // (kPairsOfQueries, ld) twice, by AMX transposed; (kPairsOfQueries, kTileKeys) twice
    void* turning;                       // (kPairsOfQueries, ld) pairs, or (kTileKeys, 32) floats: what is being transposed
    const float* lse;
    int64_t HS, ld, i0, nq, k0, keys;

    explicit BackwardTile(int64_t HS_) : HS(HS_), ld(round_up(HS_, kColumns)) {}
    int64_t lay_out(int64_t T_, void* memory) {
        Scratch scratch(memory);
        dq = scratch.take<float>((T_ + kRows) * ld), D = scratch.take<float>(T_ + 1);
        dk = scratch.take<float>(kTileKeys * ld), dv = scratch.take<float>(kTileKeys * ld);
        s = scratch.take<float>(kRows * kTileKeys), dp = scratch.take<float>(kRows * kTileKeys);
        q = scratch.take<bf16>((kTileQueries + kRows) * ld), dy = scratch.take<bf16>((kTileQueries + kRows) * ld), ds = scratch.take<bf16>(kRows * kTileKeys);
        kt = scratch.take<Pair>(ld / 2 * kTileKeys), vt = scratch.take<Pair>(ld / 2 * kTileKeys), k2 = scratch.take<Pair>(kPairsOfKeys * ld);
        q2 = scratch.take<Pair>(kPairsOfQueries * ld), dy2 = scratch.take<Pair>(kPairsOfQueries * ld);
        p2 = scratch.take<Pair>(kPairsOfQueries * kTileKeys), ds2 = scratch.take<Pair>(kPairsOfQueries * kTileKeys);
        turning = scratch.take<Pair>(std::max(kPairsOfQueries * ld, kTileKeys * kColumns));
        return scratch.used();
    }
};

// Rows r and r + 1 of a group of queries from i on: p = exp(s - lse), ds = p (dp - D), 0 where the key is after the query or the query beyond the
// tile. ds goes to t.ds row by row, both go to pairs of queries. scale: what makes of q . k the score in powers of two.
template <typename Unit>
PAIRS_TARGET inline void two_rows(const BackwardTile<Unit>& t, int64_t i, int64_t r, int64_t width, float scale) {
    int64_t visible[2];
    float lse[2], D[2];
    for (int64_t e = 0; e < 2; e++) {
        const int64_t at = t.i0 + i + r + e;
        const bool there = i + r + e < t.nq;
        visible[e] = there ? std::min(t.keys, at + 1 - t.k0) : 0;
        lse[e] = there ? t.lse[at] / kLn2 : 0, D[e] = there ? t.D[at] : 0;
    }
    const int64_t pair = (i + r) / 2 * kTileKeys;
    for (int64_t j = 0; j < width; j += 16) {
        __m512i p_bits[2], ds_bits[2];
        for (int64_t e = 0; e < 2; e++) {
            const __mmask16 seen = first_lanes(j, visible[e]);
            const float* s = t.s + (r + e) * kTileKeys + j;
            const __m512 p = exp2_16(_mm512_fmsub_ps(_mm512_loadu_ps(s), _mm512_set1_ps(scale), _mm512_set1_ps(lse[e])));
            const __m512 ds = _mm512_mul_ps(p, _mm512_sub_ps(_mm512_loadu_ps(t.dp + (r + e) * kTileKeys + j), _mm512_set1_ps(D[e])));
            p_bits[e] = _mm512_maskz_mov_epi32(seen, rounded_16(p));
            ds_bits[e] = _mm512_maskz_mov_epi32(seen, rounded_16(ds));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(t.ds + (r + e) * kTileKeys + j), _mm512_cvtepi32_epi16(ds_bits[e]));
        }
        _mm512_storeu_si512(t.p2 + pair + j, _mm512_or_si512(p_bits[0], _mm512_slli_epi32(p_bits[1], 16)));
        _mm512_storeu_si512(t.ds2 + pair + j, _mm512_or_si512(ds_bits[0], _mm512_slli_epi32(ds_bits[1], 16)));
    }
}

// The queries of a tile as dk and dv multiply them. Vectors: keys are the rows of dk and dv, pairs of queries are read row by row.
PAIRS_TARGET inline void pair_queries(const BackwardTile<Vectors>& t, Pair* out, const bf16* in, int64_t stride) {
    interleave_rows(out, t.ld, in, stride, t.nq, t.HS);
}
// AMX: channels are the rows of dk and dv, since p and ds lie as it wants its right operand, and the queries are turned instead.
PAIRS_TARGET __attribute__((noinline)) inline void pair_queries(const BackwardTile<Amx>& t, Pair* out, const bf16* in, int64_t stride) {
    Pair* const rows = static_cast<Pair*>(t.turning);
    pair_rows(rows, t.ld, in, stride, t.nq, t.HS, t.kPairsOfQueries);
    transpose_into<BackwardTile<Amx>::kPairsOfQueries>(out, rows, t.ld, t.kPairsOfQueries, t.ld);
}

// dv += p^T dy and dk += ds^T q, six keys at a time. The first query that sees key j is the first of a group of six, since the tiles begin at
// multiples of six.
PAIRS_TARGET inline void add_to_keys(const BackwardTile<Vectors>& t) {
    for (int64_t j = 0; j < t.keys; j += t.kRows) {
        const int64_t from = std::max(int64_t(0), t.k0 + j - t.i0), pairs = ceil_div(t.nq - from, int64_t(2));
        if (pairs <= 0) break;                                           // no query of this tile sees these keys
        const int64_t p = from / 2 * kTileKeys + j, q = from / 2 * t.ld;
        multiply_pairs<Vectors::kRows, false>(t.dv + j * t.ld, t.ld, t.p2 + p, 1, kTileKeys, t.dy2 + q, t.ld, t.ld, pairs);
        multiply_pairs<Vectors::kRows, false>(t.dk + j * t.ld, t.ld, t.ds2 + p, 1, kTileKeys, t.q2 + q, t.ld, t.ld, pairs);
    }
}
// The same transposed, 32 keys at a time where some queries of the tile see no more.
PAIRS_TARGET inline void add_to_keys(const BackwardTile<Amx>& t) {
    const int64_t width = round_up(t.keys, kColumns), pairs = ceil_div(t.nq, int64_t(2));
    const int64_t step = t.i0 >= t.k0 + t.keys ? width : kColumns;
    for (int64_t j = 0; j < width; j += step) {
        const int64_t from = std::max(int64_t(0), t.k0 + j - t.i0) / 2 / Amx::kDepth * Amx::kDepth;    // in pairs of queries
        if (from >= pairs) break;
        for (int64_t c = 0; c < t.ld; c += t.kRows) {
            const int64_t out = c * kTileKeys + j, q = c * t.kPairsOfQueries + from, p = from * kTileKeys + j;
            Amx::multiply<false>(t.dv + out, kTileKeys, t.dy2 + q, t.kPairsOfQueries, t.p2 + p, kTileKeys, step, pairs - from);
            Amx::multiply<false>(t.dk + out, kTileKeys, t.q2 + q, t.kPairsOfQueries, t.ds2 + p, kTileKeys, step, pairs - from);
        }
    }
}

// All five products of one step, as attention::backward_tile.
template <typename Unit>
PAIRS_TARGET inline void backward_tile(const BackwardTile<Unit>& t) {
    constexpr int64_t kRows = Unit::kRows;
    const float scale = score_scale(t.HS);
    const int64_t all = round_up(t.keys, kColumns), pairs = round_up(ceil_div(t.nq, int64_t(2)), Unit::kDepth);
    for (int64_t i = 0; i < t.nq; i += kRows) {
        const int64_t most = std::min(t.keys, t.i0 + i + kRows - t.k0), width = round_up(most, kColumns);
        Unit::template multiply<true>(t.s, kTileKeys, as_pairs(t.q + i * t.ld), t.ld / 2, t.kt, kTileKeys, width, t.HS / 2);
        Unit::template multiply<true>(t.dp, kTileKeys, as_pairs(t.dy + i * t.ld), t.ld / 2, t.vt, kTileKeys, width, t.HS / 2);
        for (int64_t r = 0; r < kRows; r += 2) two_rows(t, i, r, width, scale);
        Unit::template multiply<false>(t.dq + (t.i0 + i) * t.ld, t.ld, as_pairs(t.ds), kPairsOfKeys, t.k2, t.ld, t.ld, ceil_div(most, int64_t(2)));
        if constexpr (Unit::kDepth > 1)                                  // AMX multiplies beyond what this group sees
            for (int64_t p = i / 2; p < (i + kRows) / 2 && width < all; p++) {
                std::fill(t.p2 + p * kTileKeys + width, t.p2 + p * kTileKeys + all, 0u);
                std::fill(t.ds2 + p * kTileKeys + width, t.ds2 + p * kTileKeys + all, 0u);
            }
    }
    for (int64_t p = round_up(t.nq, kRows) / 2; Unit::kDepth > 1 && p < pairs; p++) {
        std::fill(t.p2 + p * kTileKeys, t.p2 + p * kTileKeys + all, 0u);
        std::fill(t.ds2 + p * kTileKeys, t.ds2 + p * kTileKeys + all, 0u);
    }
    add_to_keys(t);
}

// out (keys, HS; rows `stride` apart) = factor * d of a tile, dk or dv.
PAIRS_TARGET __attribute__((noinline)) inline void store_keys(const BackwardTile<Vectors>& t, bf16* out, int64_t stride, const float* d, float factor) {
    for (int64_t j = 0; j < t.keys; j++)
        for (int64_t c = 0; c < t.HS; c++) out[j * stride + c] = bf16(d[j * t.ld + c] * factor);
}
PAIRS_TARGET __attribute__((noinline)) inline void store_keys(const BackwardTile<Amx>& t, bf16* out, int64_t stride, const float* d, float factor) {
    float* const rows = static_cast<float*>(t.turning);                  // (keys, 32)
    for (int64_t c0 = 0; c0 < t.HS; c0 += kColumns) {
        transpose_into<kColumns>(rows, d + c0 * kTileKeys, kTileKeys, kColumns, t.keys);
        for (int64_t j = 0; j < t.keys; j++)
            for (int64_t c = 0; c < std::min(kColumns, t.HS - c0); c++) out[j * stride + c0 + c] = bf16(rows[j * kColumns + c] * factor);
    }
}

// As attention::backward_head. scratch: backward_scratch(T_, HS) bytes.
template <typename Unit>
PAIRS_TARGET inline void backward_head(bf16* dqkv, const bf16* dy, const bf16* qkv, const bf16* y, const float* lse, int64_t T_, int64_t C, int64_t HS,
                                       void* scratch) {
    constexpr int64_t kRows = Unit::kRows, kTileQueries = Unit::kTileQueries;
    const int64_t stride = 3 * C;
    BackwardTile<Unit> t(HS);
    t.lse = lse;
    t.lay_out(T_, scratch);
    std::fill(t.dq, t.dq + (T_ + kRows) * t.ld, 0.0f);
    row_dots(t.D, dy, y, T_, C, HS);
    const float factor = score_scale(HS) * kLn2;                         // 1 / sqrt(HS)
    Unit::begin();
    for (t.k0 = 0; t.k0 < T_; t.k0 += kTileKeys) {
        t.keys = std::min(kTileKeys, T_ - t.k0);
        const bf16 *k = qkv + t.k0 * stride + C, *v = k + C;
        transpose_pairs(t.kt, k, stride, t.keys, HS, Unit::kDepth);
        transpose_pairs(t.vt, v, stride, t.keys, HS, Unit::kDepth);
        pair_rows(t.k2, t.ld, k, stride, t.keys, HS, Unit::kDepth);
        std::fill(t.dk, t.dk + kTileKeys * t.ld, 0.0f);
        std::fill(t.dv, t.dv + kTileKeys * t.ld, 0.0f);
        for (t.i0 = t.k0; t.i0 < T_; t.i0 += kTileQueries) {
            t.nq = std::min(kTileQueries, T_ - t.i0);
            const bf16 *q = qkv + t.i0 * stride, *dy_i = dy + t.i0 * C;
            copy_rows(t.q, q, stride, t.nq, HS, t.ld, kRows);
            copy_rows(t.dy, dy_i, C, t.nq, HS, t.ld, kRows);
            pair_queries(t, t.q2, q, stride);
            pair_queries(t, t.dy2, dy_i, C);
            backward_tile(t);
        }
        store_keys(t, dqkv + t.k0 * stride + C, stride, t.dk, factor);
        store_keys(t, dqkv + t.k0 * stride + 2 * C, stride, t.dv, 1.0f);
    }
    Unit::end();
    for (int64_t i = 0; i < T_; i++)
        for (int64_t c = 0; c < HS; c++) dqkv[i * stride + c] = bf16(t.dq[i * t.ld + c] * factor);
}

// f(the unit of this processor).
template <typename F>
auto with_unit(F&& f) {
    return has_amx() ? f(Amx()) : f(Vectors());
}
inline int64_t forward_scratch(int64_t HS) {
    return with_unit([&](auto unit) { return ForwardTile<decltype(unit)>(HS).lay_out(nullptr); });
}
inline int64_t backward_scratch(int64_t T_, int64_t HS) {
    return with_unit([&](auto unit) { return BackwardTile<decltype(unit)>(HS).lay_out(T_, nullptr); });
}

}  // namespace attention::pairs
#endif
