// kernels/random.hpp -- PyTorch's random numbers, to the bit: the same seed draws the same initial weights.
//
// The engine is mt19937 (Matsumoto and Nishimura 1998). `normal_` repeats what torch.Tensor.normal_ does with a
// contiguous float tensor on the CPU: 16 and more numbers come in blocks of 8 Box-Muller pairs made from 24-bit
// uniforms; fewer come one by one in double precision, and the second half of a pair waits for the next call.
// PyTorch has two arithmetics for the blocks, and they differ in the last bits. `simd` is what it runs on every x86
// processor with AVX2: the Cephes polynomials for log, sin and cos with fused multiply-adds. `libm` is its path without
// AVX2, and llm.c's: the C library's logf, sinf, cosf. Measured over 2^20 draws (seed 42, std 1; dev/ref/rng.py):
// 38.5 % differ, 90 % of those by at most 16 units in the last place, all by at most 2.3e-6 absolute (values near 0 by
// more units). `simd` is the default, as in PyTorch.
// The engine is one long chain, but cheap; the transform costs more and does not mind the order, so it runs on all threads.
// Promise: the same bits whatever the compiler flags, instruction set and number of threads. Does not: run on a GPU.
#pragma once

#include <algorithm>
#include <optional>

#include "device.hpp"

// ---- one pair of the Box-Muller transform, in the arithmetic of PyTorch's AVX2 path
//
// Every fused multiply-add is written as one, and no sum has a third term that the compiler could move (the Makefile
// allows it to reorder float sums): that is what keeps the bits. Arguments are limited to what Box-Muller needs.
namespace cephes {

ALWAYS_INLINE inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

// log(x) for a normal 0 < x <= 1: x = m * 2^e with sqrt(1/2) <= m < sqrt(2), then log(m) as a polynomial in m - 1.
ALWAYS_INLINE inline float log(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    const uint32_t half_bits = (bits & 0x007FFFFFu) | 0x3F000000u;
    float half;  // [0.5, 1)
    __builtin_memcpy(&half, &half_bits, 4);
    const bool small = half < 0.707106781186547524f;
    const float e = float(int32_t(bits >> 23) - (small ? 127 : 126));
    const float m = small ? fma(2.0f, half, -1.0f) : half - 1.0f;  // both exact
    const float z = m * m;
    float p = 7.0376836292e-2f;
    p = fma(p, m, -1.1514610310e-1f);
    p = fma(p, m, 1.1676998740e-1f);
    p = fma(p, m, -1.2420140846e-1f);
    p = fma(p, m, 1.4249322787e-1f);
    p = fma(p, m, -1.6668057665e-1f);
    p = fma(p, m, 2.0000714765e-1f);
    p = fma(p, m, -2.4999993993e-1f);
    p = fma(p, m, 3.3333331174e-1f);
    p = fma(p * m, z, e * -2.12194440e-4f);  // log(2) in two parts: this one and 0.693359375
    p = fma(-0.5f, z, p);
    return fma(e, 0.693359375f, m + p);
}

// sin and cos of 0 <= x < 2 pi: reduce by the nearest even multiple j of pi/4, then the polynomial of the octant.
ALWAYS_INLINE inline void sincos(float x, float& sine, float& cosine) {
    const int32_t j = (int32_t(x * 1.27323954473516f) + 1) & ~1;
    const float jf = float(j);
    float r = fma(jf, -0.78515625f, x);  // pi/4 in three parts
    r = fma(jf, -2.4187564849853515625e-4f, r);
    r = fma(jf, -3.77489497744594108e-8f, r);
    const float z = r * r;
    float c = fma(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fma(c, z, 4.166664568298827e-2f);
    c = fma(c * z, z, -0.5f * z) + 1.0f;
    float s = fma(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fma(s, z, -1.6666654611e-1f);
    s = fma(s * z, r, r);
    const bool swap = j & 2;
    const float sine_abs = swap ? c : s, cosine_abs = swap ? s : c;
    sine = j & 4 ? -sine_abs : sine_abs;
    cosine = (j - 2) & 4 ? cosine_abs : -cosine_abs;
}

}  // namespace cephes

// ---- the two loops that a billion initial weights go through. Templates, so that kernels/instances.cpp can compile them with full optimisation.

struct Mt19937 {
    static constexpr uint32_t kN = 624, kM = 397;
    uint32_t state[kN];
    uint32_t next = kN;            // the first word not yet used
    explicit Mt19937(uint32_t seed) {
        state[0] = seed;
        for (uint32_t i = 1; i < kN; i++) state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    }
    static ALWAYS_INLINE uint32_t twist(uint32_t high, uint32_t low, uint32_t far) {
        const uint32_t y = (high & 0x80000000u) | (low & 0x7FFFFFFFu);
        return far ^ (y >> 1) ^ (-(y & 1) & 0x9908B0DFu);
    }
    static ALWAYS_INLINE uint32_t temper(uint32_t y) {
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C5680u;
        y ^= (y << 15) & 0xEFC60000u;
        return y ^ (y >> 18);
    }
    ALWAYS_INLINE void refill() {
        // state[i + kM (mod kN)] is an old word in the first loop and a new one in the second, 227 words back: vectors are shorter
        #pragma GCC ivdep
        for (uint32_t i = 0; i < kN - kM; i++) state[i] = twist(state[i], state[i + 1], state[i + kM]);
        #pragma GCC ivdep
        for (uint32_t i = kN - kM; i < kN - 1; i++) state[i] = twist(state[i], state[i + 1], state[i + kM - kN]);
        state[kN - 1] = twist(state[kN - 1], state[0], state[kM - 1]);
        next = 0;
    }
};

// x[0..n) = the next n uniforms in [0, 1) of 24 bits.
template <typename F>
void draw_uniforms(Mt19937& engine, F* x, int64_t n) {
    simd([&]() ALWAYS_INLINE {
        for (int64_t i = 0; i < n;) {
            if (engine.next == Mt19937::kN) engine.refill();
            const int64_t m = std::min(n - i, int64_t(Mt19937::kN - engine.next));
            const uint32_t* words = engine.state + engine.next;
            for (int64_t k = 0; k < m; k++) x[i + k] = F(int32_t(Mt19937::temper(words[k]) & 0xFFFFFFu)) * F(0x1p-24);
            engine.next += uint32_t(m);
            i += m;
        }
    });
}

// Blocks of 16 uniforms -> normals, in place: numbers k and k + 8 of a block are a pair. 1 - u is in (0, 1], fit for log.
template <typename F>
void box_muller_blocks(F* x, int64_t blocks, F mean, F std) {
    simd([=]() ALWAYS_INLINE {
        for (int64_t b = 0; b < blocks; b++) {
            F* p = x + 16 * b;
            for (int k = 0; k < 8; k++) {
                const F radius = __builtin_sqrtf(-2.0f * cephes::log(1.0f - p[k]));
                F sine, cosine;
                cephes::sincos(float(2.0 * M_PI) * p[k + 8], sine, cosine);
                p[k] = cephes::fma(radius * cosine, std, mean);
                p[k + 8] = cephes::fma(radius * sine, std, mean);
            }
        }
    });
}

enum class NormalFlavour { simd, libm };

class TorchGenerator {
   public:
    explicit TorchGenerator(uint32_t seed, NormalFlavour flavour = NormalFlavour::simd) : engine_(seed), flavour_(flavour) {}

    // torch's generator->random()
    uint32_t random32() {
        if (engine_.next == Mt19937::kN) engine_.refill();
        return Mt19937::temper(engine_.state[engine_.next++]);
    }
    // torch's generator->random64(): the first draw is the upper half
    uint64_t random64() {
        const uint64_t high = random32();
        return high << 32 | random32();
    }
    float uniform() { return float(random32() & 0xFFFFFFu) * 0x1p-24f; }                     // [0, 1), 24 bits
    double uniform_double() { return double(random64() & ((1ull << 53) - 1)) * 0x1p-53; }    // [0, 1), 53 bits

    // x[0..n) = torch.empty(n).normal_(mean, std)
    void normal_(float* x, int64_t n, double mean, double std) {
        if (n < 16) {
            for (int64_t i = 0; i < n; i++) x[i] = float(normal_double() * std + mean);
            return;
        }
        // The uniforms of the whole tensor come first; so the last n % 16 places, which no block covers, have taken
        // theirs when the last 16 numbers are drawn again as one block (that block overlaps the one before it, as in
        // PyTorch).
        constexpr int64_t chunk = 1 << 20, piece = 1 << 12;  // multiples of 16: what one thread draws, what others then transform
        for (int64_t i = 0; i < n; i += chunk) {
            const int64_t m = std::min(chunk, n - i);
            draw_uniforms(engine_, x + i, m);
            #pragma omp parallel for schedule(static) if (m > 4 * piece)
            for (int64_t k = 0; k < m; k += piece) transform(x + i + k, std::min(piece, m - k) / 16, float(mean), float(std));
        }
        if (n % 16 != 0) {
            draw_uniforms(engine_, x + n - 16, 16);
            transform(x + n - 16, 1, float(mean), float(std));
        }
    }

   private:
    // One standard normal; Box-Muller makes two, the sine waits for the next call.
    double normal_double() {
        if (waiting_) return *std::exchange(waiting_, std::nullopt);
        const double u1 = uniform_double(), u2 = uniform_double();
        const double radius = std::sqrt(-2.0 * std::log1p(-u2)), theta = 2.0 * M_PI * u1;
        waiting_ = radius * std::sin(theta);
        return radius * std::cos(theta);
    }

    void transform(float* x, int64_t blocks, float mean, float std) const {
        if (flavour_ == NormalFlavour::libm) {
            for (int64_t b = 0; b < blocks; b++, x += 16)
                for (int k = 0; k < 8; k++) {
                    const float radius = std::sqrt(-2.0f * std::log(1.0f - x[k]));
                    const float theta = float(2.0 * M_PI * double(x[k + 8]));
                    x[k] = std::fma(radius * std::cos(theta), std, mean);
                    x[k + 8] = std::fma(radius * std::sin(theta), std, mean);
                }
            return;
        }
        box_muller_blocks(x, blocks, mean, std);
    }

    Mt19937 engine_;
    std::optional<double> waiting_;
    NormalFlavour flavour_;
};
