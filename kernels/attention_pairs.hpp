// kernels/attention_pairs.hpp -- attention.hpp on a processor that multiplies pairs of bf16 (pairs.hpp). The same tiles, softmax and
// promises as in attention_floats.hpp; what differs:
//   scores      q and k are multiplied as stored and the sum is scaled, where floats scale q first
//   p and ds    are rounded to bf16 before they meet v, k, dy and q, as attention on GPUs does; sums stay fp32
//   key pairs   p v and ds k sum over two keys at once, p^T dy and ds^T q over two queries: rows are interleaved when a tile is copied
// 0 * NaN would carry a NaN of v from a later key to an earlier query. A tile of keys that some query sees in part is checked when it is copied: if some v of it is not
// finite, the queries that do not see the whole tile take a slower way, with the same bits for all numbers that they see.
#pragma once

#include "attention_floats.hpp"
#include "pairs.hpp"

#if TRAIN_GPT_PAIRS
namespace attention::pairs {

constexpr int64_t kRows = 6;             // the register tile: 6 x 32, 12 sums, as many as vdpbf16ps needs to hide what it takes
constexpr int64_t kTileKeys = 96;        // a multiple of kRows and 32; k^T and v of 64 channels: 24 KiB, in L1
constexpr int64_t kPairsOfKeys = kTileKeys / 2;
constexpr int64_t kTileQueries = 48;     // of the backward
constexpr int64_t kChunkRows = kChunk + kRows;

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

// out (n + kRows, ld) = rows of HS numbers, zeros beyond.
PAIRS_TARGET inline void copy_rows(bf16* out, const bf16* in, int64_t stride, int64_t n, int64_t HS, int64_t ld) {
    for (int64_t i = 0; i < n; i++) {
        std::memcpy(out + i * ld, in + i * stride, size_t(HS) * sizeof(bf16));
        std::memset(out + i * ld + HS, 0, size_t(ld - HS) * sizeof(bf16));
    }
    std::memset(out + n * ld, 0, size_t(kRows * ld) * sizeof(bf16));
}
inline const Pair* as_pairs(const bf16* p) { return reinterpret_cast<const Pair*>(p); }

// out (HS / 2, kTileKeys) = n rows of HS numbers, their pairs transposed; zeros up to the next multiple of 32 rows.
PAIRS_TARGET inline void transpose_pairs(Pair* out, const bf16* in, int64_t stride, int64_t n, int64_t HS) {
    transpose_into<kTileKeys>(out, as_pairs(in), stride / 2, n, HS / 2);
    for (int64_t c = 0; c < HS / 2; c++)
        for (int64_t i = n; i < round_up(n, int64_t(32)); i++) out[c * kTileKeys + i] = 0;
}
PAIRS_TARGET inline bool all_finite(const bf16* in, int64_t stride, int64_t n, int64_t HS) {
    uint32_t found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < HS; c++) found |= (in[i * stride + c].bits & 0x7F80) == 0x7F80;
    return !found;
}

// ---- forward

struct ForwardTile {
    float *y, *m, *l, *s;        // (kChunkRows, ld), (kChunkRows), (kChunkRows), (kRows, kTileKeys)
    bf16 *q, *p;                 // (kChunkRows, ld), (kRows, kTileKeys)
    Pair *kt, *v, *v_seen;       // (HS / 2, kTileKeys), (kPairsOfKeys, ld) twice
    float* y_seen;               // (kRows, ld)
    int64_t HS, ld, p0, count, k0, keys;
    bool v_unsafe;              // some query does not see the whole tile, and some v of it is not finite
};
inline int64_t lay_out(ForwardTile& t, void* memory) {
    Scratch s(memory);
    t.y = s.take<float>(kChunkRows * t.ld), t.m = s.take<float>(kChunkRows), t.l = s.take<float>(kChunkRows);
    t.s = s.take<float>(kRows * kTileKeys), t.q = s.take<bf16>(kChunkRows * t.ld), t.p = s.take<bf16>(kRows * kTileKeys);
    t.kt = s.take<Pair>(t.HS / 2 * kTileKeys), t.v = s.take<Pair>(kPairsOfKeys * t.ld), t.v_seen = s.take<Pair>(kPairsOfKeys * t.ld);
    t.y_seen = s.take<float>(kRows * t.ld);
    return s.used();
}
inline int64_t forward_scratch(int64_t HS) {
    ForwardTile t;
    t.HS = HS, t.ld = round_up(HS, kColumns);
    return lay_out(t, nullptr);
}

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

// y += p v for the six queries, where some v of the tile is not finite: each query with the keys that it sees alone.
PAIRS_TARGET inline void add_seen_values(const ForwardTile& t, float* y, const int64_t* visible) {
    for (int64_t r = 0; r < kRows; r++) {
        const int64_t pairs = ceil_div(visible[r], int64_t(2));
        std::memcpy(t.v_seen, t.v, size_t(pairs * t.ld) * sizeof(Pair));
        if (visible[r] % 2)
            for (int64_t c = 0; c < t.ld; c++) t.v_seen[(pairs - 1) * t.ld + c] &= 0xFFFF;
        std::memcpy(t.y_seen, y, size_t(kRows * t.ld) * sizeof(float));
        multiply_pairs<kRows, false>(t.y_seen, t.ld, as_pairs(t.p), kPairsOfKeys, 1, t.v_seen, t.ld, t.ld, pairs);
        std::memcpy(y + r * t.ld, t.y_seen + r * t.ld, size_t(t.ld) * sizeof(float));
    }
}

// The chunk's queries that see something of the tile, six at a time.
PAIRS_TARGET inline void forward_tile(const ForwardTile& t) {
    const float scale = score_scale(t.HS);
    for (int64_t i = std::max(int64_t(0), t.k0 - t.p0); i < t.count; i += kRows) {
        int64_t visible[kRows];
        for (int64_t r = 0; r < kRows; r++) visible[r] = std::min(t.keys, t.p0 + i + r + 1 - t.k0);
        const int64_t most = visible[kRows - 1], width = round_up(most, kColumns);
        float* y = t.y + i * t.ld;
        multiply_pairs<kRows, true>(t.s, kTileKeys, as_pairs(t.q + i * t.ld), t.ld / 2, 1, t.kt, kTileKeys, width, t.HS / 2);
        for (int64_t r = 0; r < kRows; r++) {
            const float factor = softmax_row(t.s + r * kTileKeys, t.p + r * kTileKeys, visible[r], width, scale, t.m[i + r], t.l[i + r]);
            if (factor != 1)                                             // NaN takes this way too
                for (int64_t c = 0; c < t.ld; c++) y[r * t.ld + c] *= factor;
        }
        if (t.v_unsafe && visible[0] < t.keys)
            add_seen_values(t, y, visible);
        else
            multiply_pairs<kRows, false>(y, t.ld, as_pairs(t.p), kPairsOfKeys, 1, t.v, t.ld, t.ld, ceil_div(most, int64_t(2)));
    }
}

// As attention::forward_chunk. scratch: forward_scratch(HS) bytes.
PAIRS_TARGET inline void forward_chunk(const Head<bf16>& h, int64_t chunk, void* scratch) {
    const int64_t i0 = chunk * kChunk, count = std::min(kChunk, h.n - i0);
    ForwardTile t;
    t.HS = h.HS, t.ld = round_up(h.HS, kColumns), t.p0 = h.past + i0, t.count = count;
    lay_out(t, scratch);
    copy_rows(t.q, h.q + i0 * h.q_stride, h.q_stride, count, t.HS, t.ld);
    std::fill(t.y, t.y + (count + kRows) * t.ld, 0.0f);
    std::fill(t.m, t.m + count + kRows, -FLT_MAX);
    std::fill(t.l, t.l + count + kRows, 0.0f);
    for (t.k0 = 0; t.k0 < t.p0 + count; t.k0 += kTileKeys) {
        t.keys = std::min(kTileKeys, t.p0 + count - t.k0);
        const bf16* v = h.v + t.k0 * h.kv_stride;
        prefetch_keys(h, t.k0 + kTileKeys, std::min(t.k0 + 2 * kTileKeys, t.p0 + count));
        transpose_pairs(t.kt, h.k + t.k0 * h.kv_stride, h.kv_stride, t.keys, t.HS);
        interleave_rows(t.v, t.ld, v, h.kv_stride, t.keys, t.HS);
        t.v_unsafe = t.k0 + t.keys > t.p0 + 1 && !all_finite(v, h.kv_stride, t.keys, t.HS);
        forward_tile(t);
    }
    for (int64_t i = 0; i < count; i++) {
        const float scale = 1.0f / t.l[i];
        for (int64_t c = 0; c < t.HS; c++) h.y[(i0 + i) * h.y_stride + c] = bf16(t.y[i * t.ld + c] * scale);
    }
    const float score = score_scale(t.HS);
    for (int64_t i = 0; h.lse && i < count; i++) h.lse[i0 + i] = (t.m[i] * score + std::log2(t.l[i])) * kLn2;
}

// ---- backward

struct BackwardTile {
    float *dq, *D;                       // (T + kRows, ld), (T + 1): of the whole head
    float *dk, *dv;                      // (kTileKeys, ld)
    float *s, *dp;                       // (kRows, kTileKeys)
    bf16 *q, *dy, *ds;                   // (kTileQueries + kRows, ld) twice, (kRows, kTileKeys)
    Pair *kt, *vt, *k2;                  // (HS / 2, kTileKeys) twice, (kPairsOfKeys, ld): pairs of channels, and of keys
    Pair *q2, *dy2, *p2, *ds2;           // (kTileQueries / 2, ld) twice, (kTileQueries / 2, kTileKeys) twice: pairs of queries
    const float* lse;
    int64_t HS, ld, i0, nq, k0, keys;
};
inline int64_t lay_out(BackwardTile& t, int64_t T_, void* memory) {
    Scratch s(memory);
    t.dq = s.take<float>((T_ + kRows) * t.ld), t.D = s.take<float>(T_ + 1);
    t.dk = s.take<float>(kTileKeys * t.ld), t.dv = s.take<float>(kTileKeys * t.ld);
    t.s = s.take<float>(kRows * kTileKeys), t.dp = s.take<float>(kRows * kTileKeys);
    t.q = s.take<bf16>((kTileQueries + kRows) * t.ld), t.dy = s.take<bf16>((kTileQueries + kRows) * t.ld), t.ds = s.take<bf16>(kRows * kTileKeys);
    t.kt = s.take<Pair>(t.HS / 2 * kTileKeys), t.vt = s.take<Pair>(t.HS / 2 * kTileKeys), t.k2 = s.take<Pair>(kPairsOfKeys * t.ld);
    t.q2 = s.take<Pair>(kTileQueries / 2 * t.ld), t.dy2 = s.take<Pair>(kTileQueries / 2 * t.ld);
    t.p2 = s.take<Pair>(kTileQueries / 2 * kTileKeys), t.ds2 = s.take<Pair>(kTileQueries / 2 * kTileKeys);
    return s.used();
}
inline int64_t backward_scratch(int64_t T_, int64_t HS) {
    BackwardTile t;
    t.HS = HS, t.ld = round_up(HS, kColumns);
    return lay_out(t, T_, nullptr);
}

// Rows r and r + 1 of six queries from i on: p = exp(s - lse), ds = p (dp - D), 0 where the key is after the query or the query beyond the
// tile. ds goes to t.ds row by row, both go to pairs of queries. scale: what makes of q . k the score in powers of two.
PAIRS_TARGET inline void two_rows(const BackwardTile& t, int64_t i, int64_t r, int64_t width, float scale) {
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

// All five products of one step, as attention::backward_tile.
PAIRS_TARGET inline void backward_tile(const BackwardTile& t) {
    const float scale = score_scale(t.HS);
    for (int64_t i = 0; i < t.nq; i += kRows) {
        const int64_t most = std::min(t.keys, t.i0 + i + kRows - t.k0), width = round_up(most, kColumns);
        multiply_pairs<kRows, true>(t.s, kTileKeys, as_pairs(t.q + i * t.ld), t.ld / 2, 1, t.kt, kTileKeys, width, t.HS / 2);
        multiply_pairs<kRows, true>(t.dp, kTileKeys, as_pairs(t.dy + i * t.ld), t.ld / 2, 1, t.vt, kTileKeys, width, t.HS / 2);
        for (int64_t r = 0; r < kRows; r += 2) two_rows(t, i, r, width, scale);
        multiply_pairs<kRows, false>(t.dq + (t.i0 + i) * t.ld, t.ld, as_pairs(t.ds), kPairsOfKeys, 1, t.k2, t.ld, t.ld, ceil_div(most, int64_t(2)));
    }
    // Here keys are the rows. The first query that sees key j is the first of a group of six, since the tiles begin at multiples of six.
    for (int64_t j = 0; j < t.keys; j += kRows) {
        const int64_t from = std::max(int64_t(0), t.k0 + j - t.i0), pairs = ceil_div(t.nq - from, int64_t(2));
        if (pairs <= 0) break;                                           // no query of this tile sees these keys
        const int64_t p = from / 2 * kTileKeys + j, q = from / 2 * t.ld;
        multiply_pairs<kRows, false>(t.dv + j * t.ld, t.ld, t.p2 + p, 1, kTileKeys, t.dy2 + q, t.ld, t.ld, pairs);
        multiply_pairs<kRows, false>(t.dk + j * t.ld, t.ld, t.ds2 + p, 1, kTileKeys, t.q2 + q, t.ld, t.ld, pairs);
    }
}

// As attention::backward_head. scratch: backward_scratch(T_, HS) bytes.
PAIRS_TARGET inline void backward_head(bf16* dqkv, const bf16* dy, const bf16* qkv, const bf16* y, const float* lse, int64_t T_, int64_t C, int64_t HS,
                                       void* scratch) {
    const int64_t stride = 3 * C;
    BackwardTile t;
    t.lse = lse, t.HS = HS, t.ld = round_up(HS, kColumns);
    lay_out(t, T_, scratch);
    std::fill(t.dq, t.dq + (T_ + kRows) * t.ld, 0.0f);
    row_dots(t.D, dy, y, T_, C, HS);
    const float factor = score_scale(HS) * kLn2;                         // 1 / sqrt(HS)
    for (t.k0 = 0; t.k0 < T_; t.k0 += kTileKeys) {
        t.keys = std::min(kTileKeys, T_ - t.k0);
        const bf16 *k = qkv + t.k0 * stride + C, *v = k + C;
        transpose_pairs(t.kt, k, stride, t.keys, HS);
        transpose_pairs(t.vt, v, stride, t.keys, HS);
        interleave_rows(t.k2, t.ld, k, stride, t.keys, HS);
        std::fill(t.dk, t.dk + kTileKeys * t.ld, 0.0f);
        std::fill(t.dv, t.dv + kTileKeys * t.ld, 0.0f);
        for (t.i0 = t.k0; t.i0 < T_; t.i0 += kTileQueries) {
            t.nq = std::min(kTileQueries, T_ - t.i0);
            const bf16 *q = qkv + t.i0 * stride, *dy_i = dy + t.i0 * C;
            copy_rows(t.q, q, stride, t.nq, HS, t.ld);
            copy_rows(t.dy, dy_i, C, t.nq, HS, t.ld);
            interleave_rows(t.q2, t.ld, q, stride, t.nq, HS);
            interleave_rows(t.dy2, t.ld, dy_i, C, t.nq, HS);
            backward_tile(t);
        }
        for (int64_t j = 0; j < t.keys; j++)
            for (int64_t c = 0; c < HS; c++) {
                dqkv[(t.k0 + j) * stride + C + c] = bf16(t.dk[j * t.ld + c] * factor);
                dqkv[(t.k0 + j) * stride + 2 * C + c] = bf16(t.dv[j * t.ld + c]);
            }
    }
    for (int64_t i = 0; i < T_; i++)
        for (int64_t c = 0; c < HS; c++) dqkv[i * stride + c] = bf16(t.dq[i * t.ld + c] * factor);
}

}  // namespace attention::pairs
#endif
