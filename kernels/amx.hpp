// kernels/amx.hpp -- products of bf16 by AMX, the matrix unit of Sapphire Rapids and later: eight tile registers of 16 rows of 64 bytes.
//   tdpbf16ps  c (16, 16) += a (16 rows of 16 pairs) b (16 pairs, 16 columns)    16 * 16 * 32 multiply-adds in 16 cycles
// A pair is two neighbours along k (pairs.hpp): a tile of A is 16 rows where they lie, a tile of B 16 rows of interleaved pairs, as vdpbf16ps
// wants it. The sums of even and of odd k of a tile are fp32 chains of their own, then joined with c (Intel's manual, TDPBF16PS): the bits of c
// depend on where tiles begin along k, on nothing else. Subnormal numbers count as zero; NaN and infinity propagate.
// A thread says begin() before its first tile and end() after its last one: oneDNN shapes the same registers as it likes.
// Does not: exist under nvcc; dev/test/amx_emulator.hpp stands in for the unit where a processor has none.
#pragma once

#include <utility>

#include "pairs.hpp"

// Whether this process may use tiles, and TRAIN_GPT_ISA allows it.
inline bool has_amx() { return active_isa() == Isa::amx_bf16; }

#if TRAIN_GPT_PAIRS
namespace amx {

constexpr int kRows = 16, kDepth = 16, kColumns = 16;   // of C; along k, in pairs; of C

// What ldtilecfg reads: palette 1 is eight registers of at most 1 KiB.
struct alignas(64) Shape {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(Shape) == 64);

// Registers are named by template arguments, since an instruction holds their numbers. The assembler knows the instructions without a target
// attribute, so these can be inlined anywhere.
ALWAYS_INLINE inline void begin() {
    static constexpr Shape shape;
    asm volatile("ldtilecfg %0" ::"m"(shape));
}
ALWAYS_INLINE inline void end() { asm volatile("tilerelease"); }
template <int tile>
ALWAYS_INLINE inline void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(tile));
}
// 16 rows of 64 bytes, `stride` bytes apart.
template <int tile>
ALWAYS_INLINE inline void load(const void* p, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(tile) : "memory");
}
// The same of what will not be read again soon: a hint not to keep it in L1.
template <int tile>
ALWAYS_INLINE inline void load_once(const void* p, int64_t stride) {
    asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(tile) : "memory");
}
template <int tile>
ALWAYS_INLINE inline void store(void* p, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(tile) : "memory");
}
template <int c, int a, int b>
ALWAYS_INLINE inline void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
}

// c (16, 16 * n) = or += a (16, K pairs) b (K pairs, 16 * n), K a multiple of 16; row strides in floats and pairs. n sums are under way at a time:
// four hide what a product takes, and leave two registers for tiles of A and two for B.
template <bool overwrite, int... n>
ALWAYS_INLINE inline void multiply_rows(std::integer_sequence<int, n...>, float* c, int64_t ldc, const Pair* a, int64_t lda, const Pair* b, int64_t ldb, int64_t K) {
    static_assert(sizeof...(n) <= 4);
    ((overwrite ? zero<n>() : load<n>(c + kColumns * n, ldc * 4)), ...);
    for (int64_t k = 0; k < K; k += kDepth) {
        load<4>(a + k, lda * 4);
        ((load<6 + n % 2>(b + k * ldb + kColumns * n, ldb * 4), multiply<n, 4, 6 + n % 2>()), ...);
    }
    (store<n>(c + kColumns * n, ldc * 4), ...);
}
// The same for N columns, a multiple of 32.
template <bool overwrite>
inline void multiply_rows(float* c, int64_t ldc, const Pair* a, int64_t lda, const Pair* b, int64_t ldb, int64_t N, int64_t K) {
    int64_t j = 0;
    for (; j + 4 * kColumns <= N; j += 4 * kColumns) multiply_rows<overwrite>(std::make_integer_sequence<int, 4>(), c + j, ldc, a, lda, b + j, ldb, K);
    if (j < N) multiply_rows<overwrite>(std::make_integer_sequence<int, 2>(), c + j, ldc, a, lda, b + j, ldb, K);
}

}  // namespace amx
#endif
