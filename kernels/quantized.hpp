// kernels/quantized.hpp -- weight matrices kept small and in reading order, for a model that writes instead of learning.
//
// To write one token a model reads each of its weights once and uses it once a row: few rows cost what the bytes cost. So generation may keep
// them in fewer: as bf16 (half), or as int8 (a quarter), whole numbers times one scale for each output channel,
//   w_km ~ s_m q_km    s_m = max_k |w_km| / 127    q_km = round(w_km / s_m)       -127 <= q <= 127, error <= s_m / 2
// ("absmax" quantisation by rows and columns: Dettmers et al. 2022, LLM.int8(), section 2). Activations stay fp32, a q is exact as a float, and
// the scale multiplies the finished sum: y_nm = s_m (sum_k x_nk q_km) + b_m is the only formula, whatever the number of rows.
// Layout: panels of some output channels, their weights of one k side by side, so that a thread reads one stream from beginning to end. Few rows
// take the weights from there into registers; more rows share a piece that is widened to floats in L1 once.
// Promises: an element is one thread's sum in the order of k: the same bits for any number of threads, and for a row alone or among others.
// Does not: train (the gradient of a rounded weight is zero), or quantise activations.
#pragma once

#include <atomic>
#include <limits>

#include "matmul.hpp"

inline int64_t weight_bytes(WeightStorage s) { return s == WeightStorage::int8 ? 1 : s == WeightStorage::bf16 ? 2 : 4; }

constexpr int64_t kPanelVectors = 4;   // a panel is as many SIMD registers wide: 16, 32 or 64 output channels
constexpr int64_t kPanelSteps = 128;   // steps of k at once: 16 KiB of floats with AVX2, half of L1

// SIMD lanes of this processor: they decide the layout of packed weights.
inline int64_t packed_lanes() { return with_tile([](auto tile) { return int64_t(decltype(tile)::W); }); }

// The (K, M) matrix of a linear layer y = x w, packed. It owns nothing: both arrays are an arena's.
struct PackedMatrix {
    WeightStorage storage = WeightStorage::fp32;
    int64_t K = 0, M = 0;
    int64_t lanes = packed_lanes();
    void* panels = nullptr;            // (padded / width, K, width) of float, bf16 or int8_t; channels beyond M are zero
    float* scales = nullptr;           // (padded); 1 for fp32 and bf16
    int64_t width() const { return kPanelVectors * lanes; }
    int64_t padded() const { return round_up(M, width()); }
    int64_t bytes() const { return padded() * (K * weight_bytes(storage) + 4); }
    template <typename W>
    W* panel(int64_t p) const { return static_cast<W*>(panels) + p * K * width(); }
    // Where channel c of a panel lies among the weights of one k. The weights that share a 32-bit lane, two bf16 or four int8, belong to
    // different vectors: shifts then turn one register of weights into two or four registers of floats.
    template <typename W>
    int64_t place(int64_t c) const {
        constexpr int64_t shared = 4 / sizeof(W);
        const int64_t vector = c / lanes, lane = c % lanes;
        return vector / shared * shared * lanes + lane * shared + vector % shared;
    }
    template <typename W>
    W& at(int64_t k, int64_t m) const { return panel<W>(m / width())[k * width() + place<W>(m % width())]; }
};

// f(W{}) with the type that the weights are stored as.
template <typename F>
auto with_weight_type(const PackedMatrix& w, F&& f) {
    if (w.storage == WeightStorage::int8) return f(int8_t{});
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
            std::fill_n(w.panel<W>(p), w.K * w.width(), W(0.0f));
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

constexpr int64_t kPanelRows = 96;     // rows of x at once: 128 steps of them and their sums stay in L2

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
    const int64_t m = p * width, columns = std::min(width, w.M - m);
    simd([&]() ALWAYS_INLINE {
        for (int64_t r = 0; r < rows; r++) {
            float *to = y + r * w.M + m, *from = sum + r * width;
            const float* scale = w.scales + m;
            for (int64_t q = 0; q < columns; q++) to[q] = from[q] * scale[q];
            if (bias)
                for (int64_t q = 0; q < columns; q++) to[q] += bias[m + q];
            if (gate)
                for (int64_t q = 0; q < columns; q++) to[q] = gelu(to[q]);
        }
    });
}

template <typename Tile>
void packed_product(Cpu& dev, float* y, const float* x, const PackedMatrix& w, const float* bias, bool gate, int64_t N) {
    ASSERT(w.lanes == Tile::W, "weights packed for ", w.lanes, " lanes");
    const bool alone = double(w.K) * double(w.M) * double(N) < 1e5;
    with_weight_type(w, [&](auto type) {
        #pragma omp parallel for collapse(2) schedule(static) num_threads(dev.threads) if (!alone)
        for (int64_t p = 0; p < w.padded() / w.width(); p++)
            for (int64_t n = 0; n < N; n += kPanelRows)
                panel_block<Tile, decltype(type)>(y + n * w.M, x + n * w.K, w, bias, gate, std::min(kPanelRows, N - n), p);
    });
}

// Which models may keep their weights packed: those that compute with fp32 on the CPU.
template <typename Dev, typename T>
constexpr bool kCanPack = std::is_same_v<Dev, Cpu> && sizeof(T) == 4;

// y (N, M) = x (N, K) w + b, and GELU of that where `gate`. b (M) may be null.
template <typename T>
void linear_packed(Cpu& dev, T* y, const T* x, const PackedMatrix& w, const T* b, bool gate, int64_t N) {
    with_tile([&](auto tile) { packed_product<decltype(tile)>(dev, y, x, w, b, gate, N); });
}

// y (N, C) = row ids[n] of the embedding + row positions[n] of wpe. The embedding is packed as the head that it also is: its rows are
// output channels.
template <typename T>
void embedding_packed(Cpu&, T* y, const int32_t* ids, const int32_t* positions, const PackedMatrix& wte, const T* wpe, int64_t N, int64_t C) {
    with_weight_type(wte, [&](auto type) {
        for (int64_t n = 0; n < N; n++)
            for (int64_t c = 0; c < C; c++)
                y[n * C + c] = wte.scales[ids[n]] * float(wte.at<decltype(type)>(c, ids[n])) + wpe[positions[n] * C + c];
    });
}
