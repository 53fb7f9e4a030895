// kernels/quantized.hpp -- weight matrices kept small and in reading order, for a model that writes instead of learning.
//
// To write one token a model reads each of its weights once and uses it once a row: few rows cost what the bytes cost. So generation may keep
// them in fewer: as bf16 (half), or as int8 (a quarter), whole numbers times one scale for each output channel,
//   w_km ~ s_m q_km    s_m = max_k |w_km| / 127    q_km = round(w_km / s_m)       -127 <= q <= 127, error <= s_m / 2
// ("absmax" quantisation by rows and columns: Dettmers et al. 2022, LLM.int8(), section 2). Activations stay what they are, a q is exact as a float
// and as a bf16, and the scale multiplies the finished sum: y_nm = s_m (sum_k x_nk q_km) + b_m is the only formula, whatever the number of rows.
// Layout: panels of some output channels, their weights of one k side by side, so that a thread reads one stream from beginning to end. Few rows
// take the weights from there into registers; more rows share a piece that is widened to floats in L1 once.
// A model that computes in bf16, where the processor multiplies pairs of them (pairs.hpp, amx.hpp), has panels of pairs: nothing but int8 is widened
// then, and many rows take half of the instructions.
// Promises: an element is one thread's sum, in an order that K alone decides: the same bits for any number of threads, and for a row alone or among others.
// Does not: train (the gradient of a rounded weight is zero), or quantise activations.
#pragma once

#include <atomic>
#include <bit>
#include <limits>

#include "amx.hpp"
#include "matmul.hpp"

inline int64_t weight_bytes(WeightStorage s) { return s == WeightStorage::int8 ? 1 : s == WeightStorage::bf16 ? 2 : 4; }

constexpr int64_t kPanelVectors = 4;   // a panel is as many SIMD registers wide: 16, 32 or 64 output channels
constexpr int64_t kPanelSteps = 128;   // steps of k at once: 16 KiB of floats with AVX2, half of L1

// A whole number of -127 .. 127 in a byte, as panels of pairs keep int8: without the sign it is an index of 7 bits, which one instruction looks up.
struct SignMagnitude {
    uint8_t bits = 0;
    SignMagnitude() = default;
    explicit SignMagnitude(float q) : bits(uint8_t(q < 0 ? 0x80 | int(-q) : int(q))) {}
    explicit operator float() const { return bits & 0x80 ? -float(bits & 0x7F) : float(bits); }
};

// SIMD lanes of this processor: they decide the layout of packed weights.
inline int64_t packed_lanes() { return with_tile([](auto tile) { return int64_t(decltype(tile)::W); }); }

// The (K, M) matrix of a linear layer y = x w, packed. It owns nothing: both arrays are an arena's.
struct PackedMatrix {
    WeightStorage storage = WeightStorage::fp32;
    int64_t K = 0, M = 0;
    bool pairs = false;                // for activations of bf16: panels of pairs
    int64_t lanes = pairs ? 16 : packed_lanes();
    void* panels = nullptr;            // (padded / width, depth, width) of float, bf16, int8_t or SignMagnitude; channels beyond M and steps beyond K are zero
    float* scales = nullptr;           // (padded); 1 for fp32 and bf16
    int64_t width() const { return kPanelVectors * lanes; }
    int64_t padded() const { return round_up(M, width()); }
    int64_t depth() const { return pairs ? round_up(K, int64_t(32)) : K; }   // whole tiles of AMX
    int64_t panel_bytes() const { return padded() * depth() * weight_bytes(storage); }
    int64_t bytes() const { return panel_bytes() + padded() * 4; }
    template <typename W>
    W* panel(int64_t p) const { return static_cast<W*>(panels) + p * depth() * width(); }
    // Weight (k, c) of a panel. Two bf16 or four int8 share a 32-bit lane: they belong to different vectors, so that shifts turn one register of weights
    // into two or four registers of floats. In panels of pairs two bf16 of a lane are neighbours along k, and 64 int8 are four k of 16 channels, eight bytes
    // for the first two k of four channels, eight for the other two: what unpacking (punpcklbw, punpckhbw) makes two registers of pairs.
    template <typename W>
    int64_t place(int64_t k, int64_t c) const {
        constexpr int64_t shared = 4 / sizeof(W);
        if (pairs && sizeof(W) == 1) return (k / 4 * width() / 16 + c / 16) * 64 + c % 16 / 4 * 16 + k % 4 / 2 * 8 + c % 4 * 2 + k % 2;
        if (pairs) return (k / shared * width() + c) * shared + k % shared;
        const int64_t vector = c / lanes, lane = c % lanes;
        return k * width() + vector / shared * shared * lanes + lane * shared + vector % shared;
    }
    template <typename W>
    W& at(int64_t k, int64_t m) const { return panel<W>(m / width())[place<W>(k, m % width())]; }
};

// f(W{}) with the type that the weights are stored as.
template <typename F>
auto with_weight_type(const PackedMatrix& w, F&& f) {
    if (w.storage == WeightStorage::int8) return w.pairs ? f(SignMagnitude{}) : f(int8_t{});
    if (w.storage == WeightStorage::bf16) return f(bf16{});
    return f(float{});
}

// ---- packing

// Output channel m of w, whose numbers lie `step` apart. False: one of them is NaN or infinite.
template <typename W>
bool pack_channel(PackedMatrix& w, int64_t m, const float* from, int64_t step) {
    float most = 0;
    bool finite = true;
    for (int64_t k = 0; k < w.K; k++) {
        const float a = std::fabs(from[k * step]);
        most = std::max(most, a);
        finite &= a <= std::numeric_limits<float>::max();
    }
    const float scale = sizeof(W) > 1 ? 1.0f : most / 127.0f;
    w.scales[m] = scale;
    for (int64_t k = 0; k < w.K && finite; k++) {
        if constexpr (sizeof(W) > 1) w.at<W>(k, m) = W(from[k * step]);
        else w.at<W>(k, m) = scale > 0 ? W(std::clamp(std::nearbyint(from[k * step] / scale), -127.0f, 127.0f)) : W(0);
    }
    return finite;
}

// Write w from an array of floats on the host: (K, M), or (M, K) where `transposed` (the head, whose rows are output channels). Throws
// where a weight is not finite.
inline void pack_matrix(PackedMatrix& w, const float* from, bool transposed) {
    std::atomic<bool> finite = true;                 // an exception may not leave a parallel loop
    with_weight_type(w, [&](auto type) {
        using W = decltype(type);
        #pragma omp parallel for schedule(static)
        for (int64_t p = 0; p < w.padded() / w.width(); p++) {
            std::fill_n(w.panel<W>(p), w.depth() * w.width(), W(0.0f));
            for (int64_t m = p * w.width(); m < (p + 1) * w.width(); m++)
                if (m >= w.M) w.scales[m] = 1.0f;
                else if (!pack_channel<W>(w, m, transposed ? from + m * w.K : from + m, transposed ? 1 : w.M)) finite = false;
        }
    });
    if (!finite) throw Error("a weight is not finite", "the model is damaged, or its training diverged");
}

// The numbers that w stands for, in the order that pack_matrix takes.
inline void unpack_matrix(float* to, const PackedMatrix& w, bool transposed) {
    with_weight_type(w, [&](auto type) {
        for (int64_t m = 0; m < w.M; m++)
            for (int64_t k = 0; k < w.K; k++) to[transposed ? m * w.K + k : k * w.M + m] = w.scales[m] * float(w.at<decltype(type)>(k, m));
    });
}

// ---- the product

constexpr int64_t kPanelRows = 96;     // rows of x at once: 128 steps of them and their sums stay in L2

// f(panel, first row, rows) for all panels of w and N rows, shared among the threads.
template <typename F>
void for_panels(Cpu& dev, const PackedMatrix& w, int64_t N, F&& f) {
    const bool alone = double(w.K) * double(w.M) * double(N) < 1e5;
    #pragma omp parallel for collapse(2) schedule(static) num_threads(dev.threads) if (!alone)
    for (int64_t p = 0; p < w.padded() / w.width(); p++)
        for (int64_t n = 0; n < N; n += kPanelRows) f(p, n, std::min(kPanelRows, N - n));
}

// The end of a panel: its sums (rows, width) times the scales, plus the bias, through the gate.
template <typename T>
void finish_panel(T* y, const float* sum, const PackedMatrix& w, const T* bias, bool gate, int64_t rows, int64_t p) {
    const int64_t width = w.width(), m = p * width, columns = std::min(width, w.M - m);
    simd([&]() ALWAYS_INLINE {
        const float* scale = w.scales + m;
        alignas(64) float shift[kPanelVectors * 16] = {};
        if (bias) load_row(shift, bias + m, columns);
        for (int64_t r = 0; r < rows; r++, sum += width) {
            T* const out = y + r * w.M + m;
            if (gate)
                for (int64_t q = 0; q < columns; q++) out[q] = T(gelu(sum[q] * scale[q] + shift[q]));
            else
                for (int64_t q = 0; q < columns; q++) out[q] = T(sum[q] * scale[q] + shift[q]);
        }
    });
}

// ---- of floats

// Vector j of the weights of one k, as floats (the inverse of PackedMatrix::place).
template <typename Tile>
ALWAYS_INLINE inline void widen(typename Tile::V& v, const float* w, int j) { v = reinterpret_cast<const typename Tile::V*>(w)[j]; }
template <typename Tile>
ALWAYS_INLINE inline void widen(typename Tile::V& v, const bf16* w, int j) {
    const auto both = reinterpret_cast<const typename Tile::I*>(w)[j / 2];
    v = reinterpret_cast<typename Tile::V>(j % 2 ? both & int32_t(0xFFFF0000) : both << 16);
}
template <typename Tile>
ALWAYS_INLINE inline void widen(typename Tile::V& v, const int8_t* w, int j) {
    v = __builtin_convertvector(*reinterpret_cast<const typename Tile::I*>(w) << (24 - 8 * j) >> 24, typename Tile::V);
}

// sum (R rows, NV vectors of a panel's four from vector `first` on) += x (R, steps; row stride ldx) times the panel.
template <typename Tile, int R, int NV, typename W>
ALWAYS_INLINE inline void panel_tile(float* sum, const float* x, int64_t ldx, const W* panel, int64_t steps, int first) {
    using V = typename Tile::V;
    constexpr int64_t width = kPanelVectors * Tile::W;
    V s[R][NV];
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        GEMM_UNROLL
        for (int j = 0; j < NV; j++) s[r][j] = reinterpret_cast<const V*>(sum + r * width)[first + j];
    }
    for (int64_t k = 0; k < steps; k++) {
        V w[NV];
        GEMM_UNROLL
        for (int j = 0; j < NV; j++) widen<Tile>(w[j], panel + k * width, first + j);
        GEMM_UNROLL
        for (int r = 0; r < R; r++) {
            GEMM_UNROLL
            for (int j = 0; j < NV; j++) s[r][j] += x[r * ldx + k] * w[j];
        }
    }
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        GEMM_UNROLL
        for (int j = 0; j < NV; j++) reinterpret_cast<V*>(sum + r * width)[first + j] = s[r][j];
    }
}

// Rows that a register tile has at most: with floats as many as there are registers for a panel's whole width (LOG 2026-11-22: half the width and
// twice the rows is 0.5 to 0.8 times as fast); weights that need widening take some registers for that, and halve the panel instead.
template <typename Tile, typename W>
constexpr int kTileRows = Tile::W == 16 ? 7 : Tile::W == 8 && sizeof(W) == 4 ? 3 : 4;

// The same for `rows` <= R rows and the whole width.
template <typename Tile, int R, typename W>
ALWAYS_INLINE inline void panel_rows(float* sum, const float* x, int64_t ldx, int64_t rows, const W* panel, int64_t steps) {
    if constexpr (R > 1)
        if (rows < R) return panel_rows<Tile, R - 1>(sum, x, ldx, rows, panel, steps);
    if constexpr (R * 4 <= Tile::MR * Tile::NV - (sizeof(W) == 4 ? 0 : 4)) {
        panel_tile<Tile, R, 4>(sum, x, ldx, panel, steps, 0);
    } else {
        panel_tile<Tile, R, 2>(sum, x, ldx, panel, steps, 0);
        panel_tile<Tile, R, 2>(sum, x, ldx, panel, steps, 2);
    }
}
// And for any number of them.
template <typename Tile, typename W>
void panel_piece(float* sum, const float* x, int64_t ldx, int64_t rows, const W* panel, int64_t steps) {
    Tile::run([&]() ALWAYS_INLINE {
        constexpr int most = kTileRows<Tile, W>;
        for (int64_t r = 0; r < rows; r += most)
            panel_rows<Tile, most>(sum + r * kPanelVectors * Tile::W, x + r * ldx, ldx, std::min<int64_t>(most, rows - r), panel, steps);
    });
}

// Some rows of y, channels of panel p.
template <typename Tile, typename W>
void panel_block(float* y, const float* x, const PackedMatrix& w, const float* bias, bool gate, int64_t rows, int64_t p) {
    constexpr int64_t width = kPanelVectors * Tile::W;
    alignas(64) float sum[kPanelRows * width], floats[sizeof(W) == 4 ? 1 : kPanelSteps * width];
    std::fill_n(sum, rows * width, 0.0f);
    for (int64_t k = 0; k < w.K; k += kPanelSteps) {
        const int64_t steps = std::min(kPanelSteps, w.K - k);
        const W* piece = w.panel<W>(p) + k * width;
        if (sizeof(W) == 4 || rows <= 2 * kTileRows<Tile, W>) {
            panel_piece<Tile, W>(sum, x + k, w.K, rows, piece, steps);
        } else {                       // several register tiles use these weights: widen them once
            Tile::run([&]() ALWAYS_INLINE {
                for (int64_t i = 0; i < steps * width; i += width) {
                    GEMM_UNROLL
                    for (int j = 0; j < kPanelVectors; j++) widen<Tile>(reinterpret_cast<typename Tile::V*>(floats + i)[j], piece + i, j);
                }
            });
            panel_piece<Tile, float>(sum, x + k, w.K, rows, floats, steps);
        }
    }
    finish_panel(y, sum, w, bias, gate, rows, p);
}

template <typename Tile>
void packed_product(Cpu& dev, float* y, const float* x, const PackedMatrix& w, const float* bias, bool gate, int64_t N) {
    ASSERT(w.lanes == Tile::W && !w.pairs, "weights packed for ", w.lanes, " lanes", w.pairs ? ", of pairs" : "");
    const auto run = [&](auto type) {
        for_panels(dev, w, N, [&](int64_t p, int64_t n, int64_t rows) { panel_block<Tile, decltype(type)>(y + n * w.M, x + n * w.K, w, bias, gate, rows, p); });
    };
    if (w.storage == WeightStorage::int8) run(int8_t{});
    else if (w.storage == WeightStorage::bf16) run(bf16{});
    else run(float{});
}

// ---- of pairs of bf16

#if TRAIN_GPT_PAIRS
namespace packed {

constexpr int64_t kWidth = kPanelVectors * 16;

// The bytes of 0 .. 127 as bf16, which has room for their seven bits.
struct alignas(64) BytesOfNumbers {
    uint8_t low[128], high[128];
    constexpr BytesOfNumbers() : low(), high() {
        for (int i = 0; i < 128; i++) {
            const uint32_t bits = std::bit_cast<uint32_t>(float(i));
            low[i] = uint8_t(bits >> 16), high[i] = uint8_t(bits >> 24);
        }
    }
};

inline constexpr BytesOfNumbers kBytes;

// 64 int8 of a panel, four k of 16 channels, become two registers of pairs.
class Widener {
   public:
    PAIRS_TARGET ALWAYS_INLINE Widener()
        : low0_(_mm512_load_si512(kBytes.low)), low1_(_mm512_load_si512(kBytes.low + 64)), high0_(_mm512_load_si512(kBytes.high)),
          high1_(_mm512_load_si512(kBytes.high + 64)), sign_(_mm512_set1_epi8(char(0x80))) {}
    PAIRS_TARGET ALWAYS_INLINE void widen(__m512i& first, __m512i& second, const SignMagnitude* panel) const {
        const __m512i q = _mm512_loadu_si512(panel);
        const __m512i low = _mm512_permutex2var_epi8(low0_, q, low1_);                                                          // looks at seven bits
        const __m512i high = _mm512_ternarylogic_epi32(sign_, q, _mm512_permutex2var_epi8(high0_, q, high1_), 0xEA);            // (sign and q) or number
        first = _mm512_unpacklo_epi8(low, high), second = _mm512_unpackhi_epi8(low, high);
    }

   private:
    __m512i low0_, low1_, high0_, high1_, sign_;
};

// `steps` pairs of a panel: where they are, or widened into `out`.
PAIRS_TARGET inline const Pair* pairs_of(Pair*, const bf16* panel, int64_t) { return reinterpret_cast<const Pair*>(panel); }
PAIRS_TARGET inline const Pair* pairs_of(Pair* out, const SignMagnitude* panel, int64_t steps) {
    const Widener widener;
    for (int64_t k = 0; k < steps; k += 2)
        #pragma GCC unroll 4
        for (int64_t c = 0; c < kWidth; c += 16) {
            __m512i first, second;
            widener.widen(first, second, panel + (k / 2 * kWidth + c) * 4);
            _mm512_storeu_si512(out + k * kWidth + c, first), _mm512_storeu_si512(out + (k + 1) * kWidth + c, second);
        }
    return out;
}

// sum (ROWS, kWidth) += x (ROWS, steps pairs; row stride ldx) times int8 straight from a panel: for few rows, so that its stream does not pause.
template <int ROWS>
PAIRS_TARGET inline void multiply_widened(float* sum, const Pair* x, int64_t ldx, int64_t rows, const SignMagnitude* panel, int64_t steps) {
    if constexpr (ROWS > 1)
        if (rows < ROWS) return multiply_widened<ROWS - 1>(sum, x, ldx, rows, panel, steps);
    const Widener widener;
    __m512 s[ROWS][kPanelVectors];
    #pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
        #pragma GCC unroll 16
        for (int v = 0; v < kPanelVectors; v++) s[r][v] = _mm512_loadu_ps(sum + r * kWidth + 16 * v);
    }
    for (int64_t k = 0; k < steps; k += 2) {
        #pragma GCC unroll 16
        for (int v = 0; v < kPanelVectors; v++) {
            __m512i first, second;
            widener.widen(first, second, panel + (k / 2 * kWidth + 16 * v) * 4);
            #pragma GCC unroll 16
            for (int r = 0; r < ROWS; r++) {
                s[r][v] = _mm512_dpbf16_ps(s[r][v], (__m512bh)_mm512_set1_epi32(int(x[r * ldx + k])), (__m512bh)first);
                s[r][v] = _mm512_dpbf16_ps(s[r][v], (__m512bh)_mm512_set1_epi32(int(x[r * ldx + k + 1])), (__m512bh)second);
            }
        }
    }
    #pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
        #pragma GCC unroll 16
        for (int v = 0; v < kPanelVectors; v++) _mm512_storeu_ps(sum + r * kWidth + 16 * v, s[r][v]);
    }
}

// What multiplies: sum (rows <= kMost, kWidth) += x (rows, steps pairs; row stride ldx) times `steps` pairs of a panel. Amx works on whole tiles: rows up
// to the next multiple of kRows are read and written, and steps is a multiple of 16.
struct Vectors {
    static constexpr int64_t kRows = 1, kMost = 6;
    static void begin() {}
    static void end() {}
    // R rows or fewer: their sums for the panel's whole width are in registers (24 for six rows), and the panel is read as one stream
    template <int R = int(kMost)>
    PAIRS_TARGET static void multiply(float* sum, const Pair* x, int64_t ldx, int64_t rows, const Pair* panel, int64_t steps, Ahead ahead) {
        if constexpr (R > 1)
            if (rows < R) return multiply<R - 1>(sum, x, ldx, rows, panel, steps, ahead);
        multiply_pairs<R, false, kPanelVectors, R == kMost>(sum, kWidth, x, ldx, 1, panel, kWidth, kWidth, steps, ahead);
    }
};
struct Amx {
    static constexpr int64_t kRows = amx::kRows, kMost = kRows;
    static void begin() { amx::begin(); }
    static void end() { amx::end(); }
    static void multiply(float* sum, const Pair* x, int64_t ldx, int64_t, const Pair* panel, int64_t steps, Ahead ahead) {
        ahead.ask(steps);
        amx::multiply_rows<false>(sum, kWidth, x, ldx, panel, kWidth, kWidth, steps);
    }
};

// Some rows of y, channels of panel p. x: rows of pairs.
template <typename Unit, typename W>
void block(bf16* y, const Pair* x, int64_t ldx, const PackedMatrix& w, const bf16* bias, bool gate, int64_t rows, int64_t p) {
    alignas(64) float sum[kPanelRows * kWidth];
    alignas(64) Pair widened[sizeof(W) == 2 ? 1 : kPanelSteps / 2 * kWidth];
    std::fill_n(sum, round_up(rows, Unit::kRows) * kWidth, 0.0f);
    Unit::begin();
    for (int64_t k = 0; k < w.depth(); k += kPanelSteps) {
        const int64_t pairs = std::min(kPanelSteps, w.depth() - k) / 2;
        const W* const piece = w.panel<W>(p) + k * kWidth;
        if constexpr (std::is_same_v<Unit, Vectors> && sizeof(W) == 1)
            if (rows <= kFewRows) {
                multiply_widened<int(kFewRows)>(sum, x + k / 2, ldx, rows, piece, pairs);
                continue;
            }
        const Pair* const multiplied = pairs_of(widened, piece, pairs);
        // many rows: while they are multiplied, the next piece is asked for, a little with each step of the groups that are full (eight rows: 1.15 times
        // as fast as asking for much before each group)
        const int64_t full = rows / Unit::kMost, bytes = rows > Unit::kMost ? round_up(ceil_div(kPanelSteps * kWidth * int64_t(sizeof(W)), full * pairs), int64_t(64)) : 0;
        const char* next = reinterpret_cast<const char*>(piece + kPanelSteps * kWidth);
        for (int64_t r = 0; r < rows; r += Unit::kMost, next += pairs * bytes)
            Unit::multiply(sum + r * kWidth, x + r * ldx + k / 2, ldx, std::min(Unit::kMost, rows - r), multiplied, pairs, {next, bytes});
    }
    Unit::end();
    finish_panel(y, sum, w, bias, gate, rows, p);
}

template <typename Unit>
void product(Cpu& dev, bf16* y, const bf16* x, const PackedMatrix& w, const bf16* bias, bool gate, int64_t N) {
    ASSERT(w.pairs && w.storage != WeightStorage::fp32, "weights packed as ", weight_storage_name(w.storage), w.pairs ? " in pairs" : " without pairs");
    // x as it is, or a copy filled up with zeros to whole pairs and tiles
    const int64_t depth = w.depth(), all = round_up(N, Unit::kRows);
    bf16* const copy = depth == w.K && all == N ? nullptr : static_cast<bf16*>(dev.workspace(size_t(all * depth) * sizeof(bf16)));
    #pragma omp parallel for num_threads(dev.threads) if (all * depth > 100000)
    for (int64_t n = 0; n < (copy ? all : 0); n++) {
        const int64_t numbers = n < N ? w.K : 0;
        std::copy_n(x + n * w.K, numbers, copy + n * depth);
        std::fill_n(copy + n * depth + numbers, depth - numbers, bf16(0.0f));
    }
    const Pair* const pairs = reinterpret_cast<const Pair*>(copy ? copy : x);
    const auto run = [&](auto type) {
        for_panels(dev, w, N, [&](int64_t p, int64_t n, int64_t rows) { block<Unit, decltype(type)>(y + n * w.M, pairs + n * depth / 2, depth / 2, w, bias, gate, rows, p); });
    };
    if (w.storage == WeightStorage::int8) run(SignMagnitude{});
    else run(bf16{});
}

}  // namespace packed
#endif

// Which models may keep their weights packed: on the CPU those that compute with fp32, in any way, and those with bf16 in pairs, where this processor
// multiplies them.
template <typename Dev, typename T>
constexpr bool kCanPack = std::is_same_v<Dev, Cpu> && (sizeof(T) == 4 || TRAIN_GPT_PAIRS);
template <typename Dev, typename T>
bool can_pack(WeightStorage s) {
    return kCanPack<Dev, T> && s != WeightStorage::stored && (sizeof(T) == 4 || (has_pairs() && s != WeightStorage::fp32));
}

// y (N, M) = x (N, K) w + b, and GELU of that where `gate`. b (M) may be null.
template <typename T>
void linear_packed(Cpu& dev, T* y, const T* x, const PackedMatrix& w, const T* b, bool gate, int64_t N) {
#if TRAIN_GPT_PAIRS
    if constexpr (sizeof(T) == 2) return has_amx() ? packed::product<packed::Amx>(dev, y, x, w, b, gate, N) : packed::product<packed::Vectors>(dev, y, x, w, b, gate, N);
#endif
    if constexpr (sizeof(T) == 4) with_tile([&](auto tile) { packed_product<decltype(tile)>(dev, y, x, w, b, gate, N); });
}

// y (N, C) = row ids[n] of the embedding + row positions[n] of wpe. The embedding is packed as the head that it also is: its rows are
// output channels.
template <typename T>
void embedding_packed(Cpu&, T* y, const int32_t* ids, const int32_t* positions, const PackedMatrix& wte, const T* wpe, int64_t N, int64_t C) {
    with_weight_type(wte, [&](auto type) {
        for (int64_t n = 0; n < N; n++)
            for (int64_t c = 0; c < C; c++)
                y[n * C + c] = T(wte.scales[ids[n]] * float(wte.at<decltype(type)>(c, ids[n])) + float(wpe[positions[n] * C + c]));
    });
}
