// kernels/pairs.hpp -- products of bf16 by vdpbf16ps, the instruction of processors with AVX512_BF16 (Zen 4, Cooper Lake, Sapphire
// Rapids and later), and the copies that feed it.
//   vdpbf16ps  c_j += a_2p b_2p,j + a_2p+1 b_2p+1,j    for 16 columns j: the products are exact, the sums fp32
// Twice the operations of an fp32 multiply-add in one instruction. Two neighbours along k are one 32-bit number, a pair: a row of A
// is a row of pairs where it lies, rows 2p and 2p+1 of B must be interleaved. Who copies B anyway (attention_pairs.hpp) gets that for little.
// The instruction takes subnormal numbers for zeros, in operands and sums; NaN and infinity propagate.
// Does not: exist for compilers other than g++ and clang on x86-64, nor under nvcc (TRAIN_GPT_PAIRS is 0 there).
#pragma once

#include <cstring>

#include "device.hpp"

#if defined(__x86_64__) && !defined(__CUDACC__)
#define TRAIN_GPT_PAIRS 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 complains of its own header, which says "any value" by int y = y
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#define TRAIN_GPT_PAIRS 0
#endif

// Whether this processor multiplies pairs, and TRAIN_GPT_ISA allows it.
inline bool has_pairs() { return active_isa() >= Isa::avx512_bf16; }

#if TRAIN_GPT_PAIRS
// Functions marked so call each other and what is ALWAYS_INLINE; whoever calls one from outside asks has_pairs() first.
#define PAIRS_TARGET OPTIMIZED __attribute__((target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vbmi,prefer-vector-width=512")))

// Two numbers of bf16, neighbours along k; the lower half is the first. It may lie where a bf16 may.
typedef uint32_t Pair __attribute__((may_alias, aligned(2)));

// Memory to ask for while something else is computed: `bytes` of it with each step of k.
struct Ahead {
    const char* next = nullptr;
    int64_t bytes = 0;
    ALWAYS_INLINE void ask(int64_t steps = 1) {   // into L2: into L1 it would push out what is being multiplied
        for (const char* end = next + steps * bytes; next < end; next += 64) __builtin_prefetch(next, 0, 2);
    }
};

// c (ROWS, N) = or += a (ROWS, K pairs) b (K pairs, N): a_rk is a[r * row + k * col], b_kn is b[k * ldb + n], N a multiple of 16 VECTORS: the columns
// whose sums are in registers at a time. Each c_rn is a chain over k: its bits depend neither on r nor on how K is cut into calls.
// fetch: ask for `ahead` on the way.
template <int ROWS, bool overwrite, int VECTORS = 2, bool fetch = false>
PAIRS_TARGET inline void multiply_pairs(float* c, int64_t ldc, const Pair* a, int64_t row, int64_t col, const Pair* b, int64_t ldb, int64_t N, int64_t K,
                                        [[maybe_unused]] Ahead ahead = {}) {
    for (int64_t n = 0; n < N; n += 16 * VECTORS) {
        __m512 sum[ROWS][VECTORS];
        #pragma GCC unroll 16
        for (int r = 0; r < ROWS; r++) {
            #pragma GCC unroll 16
            for (int v = 0; v < VECTORS; v++) sum[r][v] = overwrite ? _mm512_setzero_ps() : _mm512_loadu_ps(c + r * ldc + n + 16 * v);
        }
        for (int64_t k = 0; k < K; k++) {
            if constexpr (fetch) ahead.ask();
            __m512bh b_k[VECTORS];
            #pragma GCC unroll 16
            for (int v = 0; v < VECTORS; v++) b_k[v] = (__m512bh)_mm512_loadu_si512(b + k * ldb + n + 16 * v);
            #pragma GCC unroll 16
            for (int r = 0; r < ROWS; r++) {
                const __m512bh a_rk = (__m512bh)_mm512_set1_epi32(int(a[r * row + k * col]));
                #pragma GCC unroll 16
                for (int v = 0; v < VECTORS; v++) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], a_rk, b_k[v]);
            }
        }
        #pragma GCC unroll 16
        for (int r = 0; r < ROWS; r++) {
            #pragma GCC unroll 16
            for (int v = 0; v < VECTORS; v++) _mm512_storeu_ps(c + r * ldc + n + 16 * v, sum[r][v]);
        }
    }
}

// out (ceil(n / 2), ld) = rows 2p and 2p + 1 of `in` (n, width; rows `stride` apart) interleaved, zeros beyond n and width. noinline, as others that
// turn a whole tile: a copy in each place was no faster, and a quarter of the time that the kernels took to compile.
PAIRS_TARGET __attribute__((noinline)) inline void interleave_rows(Pair* out, int64_t ld, const bf16* in, int64_t stride, int64_t n, int64_t width) {
    for (int64_t p = 0; 2 * p < n; p++) {
        const bf16 *low = in + 2 * p * stride, *high = low + stride;
        const bool both = 2 * p + 1 < n;
        for (int64_t c = 0; c < width; c++) out[p * ld + c] = Pair(low[c].bits) | (both ? Pair(high[c].bits) << 16 : 0);
        for (int64_t c = width; c < ld; c++) out[p * ld + c] = 0;
    }
}

// 16 floats rounded to bf16, each in the lower half of 32 bits.
PAIRS_TARGET ALWAYS_INLINE inline __m512i rounded_16(__m512 x) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x)); }

// 2^x for x <= 0, as exp2_falling of device.hpp; here the instruction set has the last step.
PAIRS_TARGET ALWAYS_INLINE inline __m512 exp2_16(__m512 x) {
    const __m512 c = _mm512_max_ps(_mm512_set1_ps(-200.0f), x);              // so that -Inf - (-Inf) does not occur; a NaN passes
    const __m512 k = _mm512_roundscale_ps(c, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(c, k);
    __m512 p = _mm512_set1_ps(1.535336188e-4f);                              // exp2f of Cephes
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.339887440e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.618437357e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.550332471e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.402264791e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.931472028e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, k);
}
// Lanes i0 .. i0 + 15 of which the first `count` numbers are meant.
PAIRS_TARGET ALWAYS_INLINE inline __mmask16 first_lanes(int64_t i0, int64_t count) {
    const int64_t n = count - i0;
    return n >= 16 ? __mmask16(0xFFFF) : n <= 0 ? __mmask16(0) : __mmask16((1u << n) - 1);
}
#endif
