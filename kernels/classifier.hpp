// kernels/classifier.hpp -- from logits to loss, and in the same visit from logits to their gradient.
//   forward    p_nv   = exp(x_nv - m_n) / s_n,  m_n = max_v x_nv,  s_n = sum_v exp(x_nv - m_n)      logits x: (N, Vp)
//              loss_n = -log p_n,target = log s_n - (x_n,target - m_n)             loss, entropy, weights, targets: (N)
//              entropy_n = -sum_v p_nv log p_nv = log s_n - sum_v exp(x_nv - m_n) * (x_nv - m_n) / s_n
//   backward   of L = sum_n weight_n * loss_n:  dx_nv = weight_n * (p_nv - [v == target_n]), written over x
//              of L = sum_n entropy_weight_n * entropy_n:  dx_nv -= entropy_weight_n * p_nv * (log p_nv + entropy_n)
// Every objective of the program is such a weighted sum: 1/N (pretraining), a mask (SFT), an advantage (RL), and where RL wants to keep a
// policy undecided, a negative weight on its entropies, which mostly are null. The caller
// gives chunks of rows, so the (B * T, Vp) matrix of logits never exists. A row is read from memory once: maximum, sum
// and entropy are taken block by block and rescaled when the maximum grows (online softmax).
// Promises: columns V .. Vp - 1 are padding, which may hold anything and has gradient 0; a row with target < 0 or both weights 0 has
// gradient 0 whatever its logits are; in any other row a NaN reaches loss and gradient.
#pragma once

#include <algorithm>
#include <cfloat>

#include "cuda_packs.hpp"
#include "device.hpp"

namespace classifier_cpu {

constexpr int64_t kBlock = 512;       // columns at a time: 2 KiB of floats, which stay in L1 for the second look
constexpr float kLog2e = 1.44269504088896341f;

struct RowSums {
    float m = -FLT_MAX;               // not -Inf: masked logits are -Inf, and (-Inf) - (-Inf) is NaN
    float s = 0, sx = 0;              // sum of exp(x - m), and of exp(x - m) * (x - m)
};

// The largest of n floats, NaN left out (it comes back through the sums). Lanes first: in this order it vectorises.
ALWAYS_INLINE inline float block_max(const float* x, int64_t n, float start) {
    float lanes[32];
    for (int64_t j = 0; j < 32; j++) lanes[j] = start;
    int64_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int64_t j = 0; j < 32; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    for (; i < n; i++) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    for (int64_t j = 1; j < 32; j++) lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
    return lanes[0];
}

// One piece of code with or without sx: s has the same bits in both cases.
template <typename T>
ALWAYS_INLINE inline RowSums row_sums(const T* logits, int64_t V, bool with_entropy) {
    RowSums row;
    float x[kBlock], e[kBlock];
    for (int64_t v0 = 0; v0 < V; v0 += kBlock) {
        const int64_t n = V - v0 < kBlock ? V - v0 : kBlock;
        load_row(x, logits + v0, n);
        const float m = block_max(x, n, row.m), shift = row.m - m < -88.0f ? -88.0f : row.m - m;
        float s = 0, sx = 0;
        for (int64_t i = 0; i < n; i++) {
            x[i] = x[i] - m < -88.0f ? -88.0f : x[i] - m;            // keeps 0 * (-Inf) out of sx; 2^(-88 log2 e) is 0
            e[i] = exp2_falling(x[i] * kLog2e);
            s += e[i];
        }
        for (int64_t i = 0; with_entropy && i < n; i++) sx += e[i] * x[i];
        // the sums so far were relative to the old maximum: exp(x - m_old) = exp(x - m) / exp(m_old - m)
        const float factor = exp2_falling(shift * kLog2e);
        row.sx = factor * (row.sx + row.s * shift) + sx;
        row.s = row.s * factor + s;
        row.m = m;
    }
    return row;
}

// -log p of a token with this logit; in double, for a logit of 1e4 leaves a float no digits for log s.
inline float loss_of(const RowSums& row, float logit) { return float(std::log(double(row.s)) - (double(logit) - double(row.m))); }

// dx_v = weight * (p_v - [v == target]) - entropy_weight * p_v * (log p_v + entropy). With d_v = x_v - m: log p_v = d_v - log s and
// entropy = log s - sx / s, so that the last bracket is d_v - sx / s.
template <bool with_entropy_weight, typename T>
ALWAYS_INLINE inline void write_gradient(T* logits, const RowSums& row, int64_t target, float weight, float entropy_weight, int64_t V) {
    const float m = row.m, slope = entropy_weight / row.s, mean = row.sx / row.s;
    const float scale = (with_entropy_weight ? weight + entropy_weight * mean : weight) / row.s;
    const float shift = float(logits[target]) - m, e_target = exp2_falling(shift * kLog2e);
    float d_target = weight * (e_target / row.s - 1.0f);
    if (with_entropy_weight) d_target -= slope * e_target * ((shift < -88.0f ? -88.0f : shift) - mean);
    float x[kBlock];
    for (int64_t v0 = 0; v0 < V; v0 += kBlock) {
        const int64_t n = V - v0 < kBlock ? V - v0 : kBlock;
        load_row(x, logits + v0, n);
        if (with_entropy_weight) {
            for (int64_t i = 0; i < n; i++) {
                const float d = x[i] - m < -88.0f ? -88.0f : x[i] - m;      // 0 * (-Inf) again
                x[i] = exp2_falling(d * kLog2e) * (scale - slope * d);
            }
        } else {
            for (int64_t i = 0; i < n; i++) x[i] = scale * exp2_falling((x[i] - m) * kLog2e);
        }
        store_row(logits + v0, x, n);
    }
    logits[target] = T(d_target);
}

}  // namespace classifier_cpu

// ---- CPU: one thread per row. Writes loss (N), entropy (N, may be null) and, where `backward`, logits (N, Vp).
// The loss is natural and unweighted; it is 0 where target < 0, and so is the entropy. entropy_weights: (N) or null.
template <typename T>
void classifier(Cpu& dev, float* loss, float* entropy, T* logits, const int32_t* targets, const float* weights,
                int64_t N, int64_t V, int64_t Vp, bool backward, const float* entropy_weights = nullptr) {
    for (int64_t n = 0; n < N; n++) ASSERT(targets[n] < V, "row ", n, ": target ", targets[n], ", vocabulary ", V);
    #pragma omp parallel for schedule(static) num_threads(dev.threads)
    for (int64_t n = 0; n < N; n++) {
        T* x_n = logits + n * Vp;
        const int64_t target = targets[n];
        const float entropy_weight = entropy_weights && backward ? entropy_weights[n] : 0.0f;
        const bool counts = target >= 0 && (weights[n] != 0 || entropy_weight != 0);
        loss[n] = 0;
        if (entropy) entropy[n] = 0;
        if (target >= 0) {
            simd([&]() ALWAYS_INLINE {
                const classifier_cpu::RowSums row = classifier_cpu::row_sums(x_n, V, entropy || entropy_weight != 0);
                loss[n] = classifier_cpu::loss_of(row, float(x_n[target]));
                if (entropy) entropy[n] = float(std::log(double(row.s)) - double(row.sx) / double(row.s));
                if (!backward || !counts) return;
                if (entropy_weight != 0) classifier_cpu::write_gradient<true>(x_n, row, target, weights[n], entropy_weight, V);
                else classifier_cpu::write_gradient<false>(x_n, row, target, weights[n], 0.0f, V);
            });
        }
        if (backward) std::fill(x_n + (counts ? V : 0), x_n + Vp, T(0.0f));
    }
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
// As above. A target >= V, which can't be an error here, makes the loss of its row NaN.
template <typename T>
void classifier(Cuda& dev, float* loss, float* entropy, T* logits, const int32_t* targets, const float* weights, int64_t N, int64_t V,
                int64_t Vp, bool backward, const float* entropy_weights = nullptr);
#endif

#ifdef CUDA_KERNELS
namespace classifier_cuda {

constexpr float kLog2e = 1.44269504088896341f, kLn2 = 0.693147180559945309f;

// The sums of one thread over its part of the row, as RowSums above with x in units of ln 2. Comparisons are written so that a NaN passes.
struct Sums {
    float m = -FLT_MAX, s = 0, sx = 0;
    // exp(x - m) as a power of two; the limit keeps 0 * (-Inf) out of sx, and 2^-127 is 0 here
    static __device__ __forceinline__ float exponent(float x, float m) {
        const float d = (x - m) * kLog2e;
        return d < -127.0f ? -127.0f : d;
    }
    template <bool with_sx = true>
    __device__ __forceinline__ void move_to(float max) {
        const float shift = exponent(m, max), factor = fast_exp2(shift);
        if (with_sx) sx = factor * (sx + s * shift);
        s *= factor;
        m = max;
    }
    template <bool with_sx = true>
    __device__ __forceinline__ void add(float x) {          // x <= m, or NaN
        if (with_sx) {
            const float d = exponent(x, m), e = fast_exp2(d);
            s += e;
            sx += e * d;
        } else {
            s += fast_exp2((x - m) * kLog2e);               // the same: below the limit it is 0 too
        }
    }
    // Columns v, v + 1, ... of a row of V numbers; those behind its end add nothing to any sum. I: int where registers are scarce.
    template <bool with_sx = true, int size, typename I>
    __device__ __forceinline__ void add_pack(float (&x)[size], I v, I V) {
        if (v + size > V) {
            #pragma unroll
            for (int i = 0; i < size; i++) x[i] = v + i < V ? x[i] : -INFINITY;
        }
        float max = m;
        #pragma unroll
        for (int i = 0; i < size; i++) max = x[i] > max ? x[i] : max;
        if (max > m) move_to<with_sx>(max);
        #pragma unroll
        for (int i = 0; i < size; i++) add<with_sx>(x[i]);
    }
    // of the whole row: in double, since a logit of 1e4 leaves a float no digits for log s
    __device__ __forceinline__ void write_loss(float* loss, float* entropy, float x_target) const {
        const double log_s = log(double(s));
        *loss = float(log_s - (double(x_target) - double(m)));
        if (entropy) *entropy = float(log_s - double(sx) / double(s) * double(kLn2));
    }
    // the sums of all lanes of a warp, in every one of them, to the bit
    template <bool with_sx>
    __device__ __forceinline__ void join_warp() {
        move_to<with_sx>(warp_max(m));
        s = warp_sum(s);
        if (with_sx) sx = warp_sum(sx);
    }
};

// The gradient of weight * loss + entropy_weight * entropy, given the sums of the whole row. entropy - log s = -sx / s ln 2
template <bool with_entropy>
struct Gradient {
    Sums row;
    float weight, entropy_weight, scale, slope;
    __device__ __forceinline__ Gradient(const Sums& sums, float weight_, float entropy_weight_) : row(sums), weight(weight_), entropy_weight(entropy_weight_) {
        scale = (with_entropy ? weight + entropy_weight * (row.sx / row.s * kLn2) : weight) / row.s;
        slope = with_entropy ? entropy_weight / row.s * kLn2 : 0.0f;                  // per ln 2, as exponent() counts
    }
    __device__ __forceinline__ float at(float x) const {
        if (!with_entropy) return scale * fast_exp2((x - row.m) * kLog2e);
        const float d = Sums::exponent(x, row.m);
        return fast_exp2(d) * (scale - slope * d);
    }
    __device__ __forceinline__ float at_target(float x) const {
        const float d_loss = weight * (fast_exp2((x - row.m) * kLog2e) / row.s - 1.0f);
        if (!with_entropy) return d_loss;
        const float d = Sums::exponent(x, row.m);
        return d_loss - fast_exp2(d) * (slope * d - entropy_weight / row.s * (row.sx / row.s * kLn2));
    }
};

// One block a row: once over the row for the sums, and where there is a gradient once more, mostly from L2 (in bf16 with 50,304 columns a row
// has 98 KiB; four blocks on each of 132 multiprocessors have 51 MiB under way, about the L2 of an H100).
// Floor: a number read and one written (bf16: 4 bytes) an element, forward alone half; about 25 operations, 2 of the special function unit.
// The entropy's gradient is a variant of its own, three operations more an element, so that who does not ask for it pays nothing.
// So that a multiprocessor holds as many blocks as it has room for threads, but where 32 registers would spill.
template <typename T, int threads, bool vector, bool with_entropy_weights>
__global__ void __launch_bounds__(threads, (sizeof(T) == 4 && with_entropy_weights ? 1536 : 2048) / threads) classifier_kernel(float* loss, float* entropy, T* logits, const int32_t* targets, const float* weights,
                                                             const float* entropy_weights, int64_t V, int64_t Vp, bool backward) {
    constexpr int size = Pack<T>::size;
    const int64_t n = blockIdx.x, target = targets[n];
    T* x_n = logits + n * Vp;
    const float weight = backward ? weights[n] : 0.0f;      // the whole block takes the same branches below
    const float entropy_weight = with_entropy_weights && backward ? entropy_weights[n] : 0.0f;
    const bool counts = target >= 0 && (weight != 0 || entropy_weight != 0);
    if (target >= 0) {
        const float x_target = target < V ? float(x_n[target]) : NAN;
        Sums sums;
        for (int64_t v = int64_t(threadIdx.x) * size; v < V; v += threads * size) {
            float x[size];
            load_floats<vector>(x, x_n + v, V - v);
            sums.add_pack(x, v, V);
        }
        sums.move_to(block_max<threads>(sums.m));
        sums.s = block_sum<threads>(sums.s);                // its barriers also part the reads of the row from the writes below
        sums.sx = block_sum<threads>(sums.sx);
        if (threadIdx.x == 0) sums.write_loss(loss + n, entropy ? entropy + n : nullptr, x_target);
        if (counts) {
            const Gradient<with_entropy_weights> gradient(sums, weight, entropy_weight);
            const int64_t first = int64_t(threadIdx.x) * size, step = threads * size;
            // backwards: the end of the row was read last, and is the least likely to have left L2
            for (int64_t v = first + (V - 1 - first) / step * step; first < V && v >= first; v -= step) {
                float x[size];
                load_floats<vector>(x, x_n + v, V - v);
                #pragma unroll
                for (int i = 0; i < size; i++) x[i] = gradient.at(x[i]);
                store_floats<vector>(x_n + v, x, V - v);
                if (target >= v && target < v + size && target < V) x_n[target] = T(gradient.at_target(x_target));
            }
        }
    } else if (threadIdx.x == 0) {
        loss[n] = 0;
        if (entropy) entropy[n] = 0;
    }
    if (backward) {                                         // the padding, or the whole row
        const int64_t begin = counts ? V : 0, aligned = round_up(begin, int64_t(size));
        const float zeros[size] = {};
        if (begin + int64_t(threadIdx.x) < aligned && begin + int64_t(threadIdx.x) < Vp) x_n[begin + threadIdx.x] = T(0.0f);
        for (int64_t v = aligned + int64_t(threadIdx.x) * size; v < Vp; v += threads * size) store_floats<vector>(x_n + v, zeros, Vp - v);
    }
}

// What row_kernel keeps in shared memory: rows of up to kRowThreads * kRowPacks packs, and at most what every GPU from sm_80 on gives a block
// (99 KiB): 50,496 columns of bf16, GPT-2's 50,304 among them, or 25,248 of fp32.
// Rows of at most kShortRow columns are left to classifier_kernel, whose small blocks fit them better.
constexpr int kRowThreads = 768, kRowPacks = 9;      // two blocks a multiprocessor without spills; 1,024 threads leave a thread 32 registers
constexpr int64_t kShortRow = 8192, kSharedRowBytes = 99 * 1024 - 384;   // beside the sums of at most 32 warps
template <typename T>
constexpr int64_t kLongestRow = std::min(int64_t(kRowThreads) * kRowPacks * int64_t(16 / sizeof(T)), kSharedRowBytes / int64_t(sizeof(T)));

// One block a row that stays on chip between the sums and the gradient: memory sees it read once and written once. For rows of whole packs.
// All its loads are under way at a time; while one block computes, the other one of an H100's multiprocessor, or those of other multiprocessors, load.
// Floor: a number read and one written (bf16: 4 bytes) an element, forward alone half; about 12 operations, 2 of the special function unit. The
// entropy, its gradient too, is a variant of its own, seven operations more an element.
template <typename T, bool with_entropy>
__global__ void __launch_bounds__(kRowThreads, 2) row_kernel(float* loss, float* entropy, T* logits, const int32_t* targets, const float* weights,
                                                             const float* entropy_weights, int64_t V, int64_t Vp, bool backward) {
    constexpr int size = Pack<T>::size, step = kRowThreads * size, warps = kRowThreads / 32;
    DYNAMIC_SHARED(T, shared);
    SHARED_ARRAY(float, warp_m, warps);
    SHARED_ARRAY(float, warp_s, warps);
    SHARED_ARRAY(float, warp_sx, warps);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32, first = int(threadIdx.x) * size, columns = int(V);
    const int64_t n = blockIdx.x;
    const int target = targets[n];
    T* const x_n = logits + n * Vp;
    const float weight = backward ? weights[n] : 0.0f;      // the whole block takes the same branches below
    const float entropy_weight = with_entropy && backward && entropy_weights ? entropy_weights[n] : 0.0f;
    const bool counts = target >= 0 && (weight != 0 || entropy_weight != 0);
    if (target >= 0) {
        #pragma unroll
        for (int k = 0; k < kRowPacks; k++)
            if (const int v = first + k * step; v < columns) async_copy16(shared + v, x_n + v);
        const float x_target = target < columns ? float(x_n[target]) : NAN;
        async_commit(), async_wait<0>();                    // each thread reads back what it has copied itself
        Sums sums;
        #pragma unroll
        for (int k = 0; k < kRowPacks; k++)
            if (const int v = first + k * step; v < columns) {
                const Pack<T> pack = load16(shared + v);
                float x[size];
                #pragma unroll
                for (int i = 0; i < size; i++) x[i] = float(pack[i]);
                sums.template add_pack<with_entropy>(x, v, columns);
            }
        sums.template join_warp<with_entropy>();
        if (lane == 0) {
            warp_m[warp] = sums.m, warp_s[warp] = sums.s;
            if (with_entropy) warp_sx[warp] = sums.sx;
        }
        __syncthreads();                                    // also parts the reads of the row from the writes below
        sums = Sums();
        if (lane < warps) {
            sums.m = warp_m[lane], sums.s = warp_s[lane];
            if (with_entropy) sums.sx = warp_sx[lane];
        }
        sums.template join_warp<with_entropy>();
        // by a thread of the warp that has least of the row
        if (threadIdx.x == kRowThreads - 1) sums.write_loss(loss + n, with_entropy && entropy ? entropy + n : nullptr, x_target);
        if (counts) {
            const Gradient<with_entropy> gradient(sums, weight, entropy_weight);
            #pragma unroll
            for (int k = 0; k < kRowPacks; k++)
                if (const int v = first + k * step; v < columns) {
                    const Pack<T> pack = load16(shared + v);
                    float x[size];
                    #pragma unroll
                    for (int i = 0; i < size; i++) x[i] = gradient.at(float(pack[i]));
                    if (v + size > columns) {
                        #pragma unroll
                        for (int i = 0; i < size; i++) x[i] = v + i < columns ? x[i] : 0.0f;
                    }
                    if (target >= v && target < v + size && target < columns) {
                        const float d_target = gradient.at_target(x_target);
                        #pragma unroll
                        for (int i = 0; i < size; i++) x[i] = v + i == target ? d_target : x[i];
                    }
                    Pack<T> result;
                    #pragma unroll
                    for (int i = 0; i < size; i++) result[i] = T(x[i]);
                    store16(x_n + v, result);
                }
        }
    } else if (threadIdx.x == 0) {
        loss[n] = 0;
        if (entropy) entropy[n] = 0;
    }
    if (backward) {                                         // the padding, or the whole row
        const Pack<T> zeros = {};
        for (int64_t v = (counts ? round_up(V, int64_t(size)) : 0) + first; v < Vp; v += step) store16(x_n + v, zeros);
    }
}

}  // namespace classifier_cuda

template <typename T>
void classifier(Cuda& dev, float* loss, float* entropy, T* logits, const int32_t* targets, const float* weights, int64_t N, int64_t V,
                int64_t Vp, bool backward, const float* entropy_weights) {
    using namespace classifier_cuda;
    const auto start = [&](auto kernel, int threads, size_t shared_bytes) {
        launch(kernel, dim3(unsigned(N)), dim3(unsigned(threads)), shared_bytes, dev.stream, loss, entropy, logits, targets, weights, entropy_weights, V, Vp,
               backward);
    };
    const bool vector = rows_are_packs<T>(Vp, logits);
    const auto choose = [&](auto with_entropy_weights) {
        constexpr bool with = decltype(with_entropy_weights)::value;
        if (V > kShortRow) start(vector ? classifier_kernel<T, 512, true, with> : classifier_kernel<T, 512, false, with>, 512, 0);
        else start(vector ? classifier_kernel<T, 128, true, with> : classifier_kernel<T, 128, false, with>, 128, 0);
    };
    if (vector && V > kShortRow && Vp <= kLongestRow<T>) {
        const bool with_entropy = entropy || entropy_weights;
        start(with_entropy ? row_kernel<T, true> : row_kernel<T, false>, kRowThreads, size_t(Vp) * sizeof(T));
    } else if (entropy_weights) {
        choose(std::true_type());
    } else {
        choose(std::false_type());
    }
}
#endif
