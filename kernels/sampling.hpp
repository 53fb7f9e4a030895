// kernels/sampling.hpp -- from one row of logits to one token.
//   p_v = exp(x_v / temperature) / sum; then, each optional and in this order,
//   top_k keeps the k most probable tokens, top_p the fewest of those whose share of what is left reaches top_p;
//   the token is where the running sum of the kept p_v, in the order of v, first passes u times their sum.
// Promises: a pure function of its arguments (u is the only randomness); equal logits are ranked by the smaller id; a
// token of probability 0 (a logit of -Inf) is never drawn; logits that are no distribution (NaN, +Inf, all -Inf) are an
// Error. Policy gradients need what a token's probability was: its logarithm under the full softmax at the temperature comes with it.
#pragma once

#include <algorithm>
#include <cfloat>
#include <limits>
#include <vector>

#include "classifier.hpp"
#include "cuda_packs.hpp"
#include "device.hpp"

struct SamplingConfig {
    float temperature = 1;            // 0: the most probable token
    int top_k = 0;                    // 0: off
    float top_p = 1;                  // 1: off
};

struct Candidate {
    int32_t id;
    float probability;
};

namespace sampling {

// The id of the largest logit, the smallest such id; throws where the logits are no distribution.
inline int32_t checked_argmax(const float* logits, int64_t V) {
    if (V < 1) throw Error("sampling: no logits to sample from");
    int64_t best = 0;
    for (int64_t v = 0; v < V; v++) {
        if (std::isnan(logits[v]) || logits[v] == std::numeric_limits<float>::infinity())
            throw Error(cat("sampling: the logit of token ", v, " is ", logits[v], ", expected a number or -inf"),
                        "the weights of the model are damaged, or its training diverged");
        if (logits[v] > logits[best]) best = v;
    }
    if (logits[best] == -std::numeric_limits<float>::infinity())
        throw Error("sampling: all logits are -inf, so no token can follow", "is every token masked?");
    return int32_t(best);
}

inline void check(const SamplingConfig& c) {
    if (!(c.temperature >= 0) || std::isinf(c.temperature))
        throw UsageError(cat("--temperature ", c.temperature, ": expected a number from 0 (greedy) on"));
    if (c.top_k < 0) throw UsageError(cat("--top-k ", c.top_k, ": expected 0 (off) or more"));
    if (!(c.top_p > 0 && c.top_p <= 1)) throw UsageError(cat("--top-p ", c.top_p, ": expected 0 < p <= 1 (1: off)"));
}

// p_v = exp((x_v - max) / temperature), not yet divided by the sum.
inline void exponentials(float* p, const float* logits, int64_t V, float max, float temperature) {
    simd([=]() ALWAYS_INLINE {
        for (int64_t v = 0; v < V; v++) p[v] = fast_exp((logits[v] - max) / temperature);
    });
}

// The ids of the tokens that top_k and top_p keep, unordered. Ranking all of V would cost more than a step of a small
// model; so the front of the ranking is split off, four times as long at each try, until it holds the share top_p.
inline void keep_most_probable(std::vector<int32_t>& ids, const float* logits, const float* p, int64_t V,
                               const SamplingConfig& config) {
    const auto before = [=](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
    ids.resize(size_t(V));
    for (int64_t v = 0; v < V; v++) ids[size_t(v)] = int32_t(v);
    if (config.top_k > 0 && config.top_k < V) {
        std::nth_element(ids.begin(), ids.begin() + config.top_k, ids.end(), before);
        ids.resize(size_t(config.top_k));
    }
    if (config.top_p >= 1) return;
    double total = 0;
    for (const int32_t id : ids) total += double(p[id]);
    const double wanted = double(config.top_p) * total;
    for (size_t front = 64;; front *= 4) {
        front = std::min(front, ids.size());
        if (front < ids.size()) std::nth_element(ids.begin(), ids.begin() + int64_t(front), ids.end(), before);
        std::sort(ids.begin(), ids.begin() + int64_t(front), before);
        double sum = 0;
        for (size_t i = 0; i < front; i++) {
            sum += double(p[ids[i]]);
            if (sum >= wanted) return ids.resize(i + 1);
        }
        if (front == ids.size()) return;      // rounding left the sum a hair short of top_p near 1: keep all
    }
}

}  // namespace sampling

// One token id from logits (V); u is uniform in [0, 1).
inline int32_t sample(const float* logits, int64_t V, const SamplingConfig& config, float u) {
    sampling::check(config);
    const int32_t best = sampling::checked_argmax(logits, V);
    if (config.temperature == 0 || config.top_k == 1) return best;
    static thread_local std::vector<float> p;            // scratch: (V) each, kept between calls
    static thread_local std::vector<int32_t> ids;
    p.resize(size_t(V));
    sampling::exponentials(p.data(), logits, V, logits[best], config.temperature);
    if (config.top_k > 0 || config.top_p < 1) {
        sampling::keep_most_probable(ids, logits, p.data(), V, config);
        std::sort(ids.begin(), ids.end());
    } else {
        ids.resize(size_t(V));
        for (int64_t v = 0; v < V; v++) ids[size_t(v)] = int32_t(v);
    }
    double total = 0;
    for (const int32_t id : ids) total += double(p[size_t(id)]);
    const double threshold = double(u) * total;
    double sum = 0;
    int32_t last = best;
    for (const int32_t id : ids) {
        if (p[size_t(id)] <= 0) continue;
        sum += double(p[size_t(id)]);
        last = id;
        if (sum > threshold) break;
    }
    return last;                                         // only where u * total reaches total: the last possible token
}

// The n most probable tokens at temperature 1, the most probable first; fewer where V < n.
inline std::vector<Candidate> top_candidates(const float* logits, int64_t V, int n) {
    const float max = logits[sampling::checked_argmax(logits, V)];
    std::vector<float> p(size_t(V), 0.0f);
    sampling::exponentials(p.data(), logits, V, max, 1.0f);
    double total = 0;
    for (const float p_v : p) total += double(p_v);
    std::vector<int32_t> ids(size_t(V), 0);
    for (int64_t v = 0; v < V; v++) ids[size_t(v)] = int32_t(v);
    const int64_t count = std::clamp(int64_t(n), int64_t(0), V);
    std::partial_sort(ids.begin(), ids.begin() + count, ids.end(), [=](int32_t a, int32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    std::vector<Candidate> candidates;
    for (int64_t i = 0; i < count; i++)
        candidates.push_back({ids[size_t(i)], float(double(p[size_t(ids[size_t(i)])]) / total)});
    return candidates;
}

// log p of token id under the softmax of all V logits / temperature, whatever top_k and top_p keep. At temperature 0, where a softmax is not
// defined, the one at temperature 1, whose value has the bits of the classifier's loss. The logits are a distribution (sample() has seen them). At another
// temperature they become (x - max) / temperature where they stand: x / temperature alone could be infinite.
inline float sampled_log_probability(float* logits, int64_t V, int32_t id, float temperature) {
    const bool warm = temperature != 0 && temperature != 1;
    const float max = warm ? *std::max_element(logits, logits + V) : 0;
    classifier_cpu::RowSums row;
    simd([&, logits, V]() ALWAYS_INLINE {
        for (int64_t v = 0; warm && v < V; v++) logits[v] = (logits[v] - max) / temperature;
        row = classifier_cpu::row_sums(logits, V, false);
    });
    return -classifier_cpu::loss_of(row, logits[id]);
}

// tokens[n] = sample(row n of logits (N, Vp), columns 0 .. V - 1; u[n]), and its sampled_log_probability into logprobs[n] (N, may be null).
template <typename T>
void sample_rows(Cpu&, int32_t* tokens, const T* logits, const float* u, int64_t N, int64_t V, int64_t Vp, const SamplingConfig& config,
                 float* logprobs = nullptr) {
    static thread_local std::vector<float> row;
    row.resize(size_t(V));
    for (int64_t n = 0; n < N; n++) {
        load_row(row.data(), logits + n * Vp, V);
        tokens[n] = sample(row.data(), V, config, u[n]);
        if (logprobs) logprobs[n] = sampled_log_probability(row.data(), V, tokens[n], config.temperature);
    }
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
// As above, all pointers on the device: the same tokens as the CPU's, but where u or top_p is within rounding of a border between two
// (about 1e-6 of the probability). What is an Error there, logits that are no distribution, is the token -1 here (and NaN its logprob).
template <typename T>
void sample_rows(Cuda& dev, int32_t* tokens, const T* logits, const float* u, int64_t N, int64_t V, int64_t Vp,
                 const SamplingConfig& config, float* logprobs = nullptr);
#endif

#ifdef CUDA_KERNELS
// No row is sorted. Kept tokens are a front of the ranking (logit falling, then id rising): those with a logit above a border, and of those
// on the border the first few by id. The border is found by bisection on the bits of the logits: a look at the row for each two bits
// says how many tokens, or how much probability, lie above three candidates.
// Probabilities are whole multiples of 2^-40 of the largest: sums of integers, so every look and every order of adding sees the same.
namespace sampling_cuda {

// Numbers that rank like the logits: of 32 bits, of 16 where T is bf16. -0 ranks like 0, NaN above all.
template <typename T>
struct Ranks {
    static constexpr int dropped = sizeof(T) == 2 ? 16 : 0;
    static constexpr uint32_t infinity = 0xFF800000u >> dropped, minus_infinity = 0x007FFFFFu >> dropped;
    static __device__ __forceinline__ uint32_t of(float x) {
        uint32_t bits;
        memcpy(&bits, &x, 4);
        if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0xFFFFFFFFu >> dropped;
        if (bits == 0x80000000u) bits = 0;
        return (bits & 0x80000000u ? ~bits : bits | 0x80000000u) >> dropped;
    }
    static __device__ __forceinline__ float logit(uint32_t rank) {
        const uint32_t key = rank << dropped | (rank >> (31 - dropped) ? 0u : (1u << dropped) - 1);
        const uint32_t bits = key & 0x80000000u ? key & 0x7FFFFFFFu : ~key;
        float x;
        memcpy(&x, &bits, 4);
        return x;
    }
};

// One row, of which each of a block's threads sees its part, and how its logits become probabilities.
template <typename T, int threads_, bool vector>
struct Row {
    static constexpr int threads = threads_;
    const T* logits;
    int64_t V;
    float max, inverse_temperature;                         // in units of log 2
    __device__ __forceinline__ uint64_t weight(float x) const { return uint64_t(fast_exp2((x - max) * inverse_temperature) * 0x1p40f); }
    // log of the share that x has of a total of weights; in double, for the two terms may be large and nearly equal.
    __device__ __forceinline__ float log_share(float x, uint64_t total) const {
        return float((double(x) - double(max)) * double(inverse_temperature) * 0.6931471805599453 - log(double(total) * 0x1p-40));
    }
    // f(logit, id) for the tokens of this thread
    template <typename F>
    __device__ __forceinline__ void each(F f) const {
        constexpr int size = Pack<T>::size;
        #pragma unroll 2
        for (int64_t v = int64_t(threadIdx.x) * size; v < V; v += threads * size) {
            float x[size];
            load_floats<vector>(x, logits + v, V - v);
            #pragma unroll
            for (int i = 0; i < size; i++)
                if (v + i < V) f(x[i], v + i);
        }
    }
};

// The kept tokens: rank > border, and the first `ties` ids with rank == border. `above`: the weight of the former (or how many they are).
struct Kept {
    uint32_t border = 0;
    uint64_t above = 0;
    int64_t ties = 0;
};

// The largest border at or above `low` such that the tokens at and above it weigh (or are) at least `wanted`; those at and above `low` do.
template <bool by_weight, typename T, int threads, bool vector>
__device__ __forceinline__ Kept find_border(const Row<T, threads, vector>& row, uint32_t low, uint32_t max_rank, uint64_t wanted) {
    Kept kept;
    uint32_t high = max_rank + 1;                           // what lies at and above it is kept.above, less than wanted
    while (high - low > 1) {
        const uint32_t range = high - low, middle1 = low + range / 4, middle2 = low + range / 2, middle3 = low + (range / 2 + range / 4);
        uint64_t sum1 = 0, sum2 = 0, sum3 = 0;              // from middle1 to below middle2, and so on
        row.each([&](float x, int64_t) {
            const uint32_t rank = Ranks<T>::of(x);
            if (rank < middle1 || rank >= high) return;
            const uint64_t w = by_weight ? row.weight(x) : 1;
            sum1 += rank < middle2 ? w : 0;
            sum2 += rank >= middle2 && rank < middle3 ? w : 0;
            sum3 += rank >= middle3 ? w : 0;
        });
        sum3 = kept.above + block_sum<threads>(sum3);
        sum2 = sum3 + block_sum<threads>(sum2);
        sum1 = sum2 + block_sum<threads>(sum1);
        if (sum3 >= wanted) low = middle3;
        else if (sum2 >= wanted) low = middle2, high = middle3, kept.above = sum3;
        else if (sum1 >= wanted) low = middle1, high = middle2, kept.above = sum2;
        else high = middle1, kept.above = sum1;
    }
    kept.border = low;
    return kept;
}

// The draw: the kept token where the running sum of weights, by id, first exceeds `threshold`. Each warp adds up a stretch of ids; then
// the warp whose stretch it is walks through it, 32 ids a step, and its lane calls found(id).
template <typename T, int threads, bool vector, typename F>
__device__ __forceinline__ void draw(const Row<T, threads, vector>& row, const Kept& kept, uint64_t tie_weight, uint64_t threshold,
                                     const F& found) {
    constexpr int warps = threads / 32;
    SHARED_ARRAY(uint64_t, warp_weights, warps);
    SHARED_ARRAY(int32_t, warp_ties, warps);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int64_t stretch = ceil_div(row.V, int64_t(warps)), begin = warp * stretch;
    const int64_t end = begin + stretch < row.V ? begin + stretch : row.V;
    uint64_t weight = 0;
    int ties = 0;
    #pragma unroll 4
    for (int64_t v = begin + lane; v < end; v += 32) {
        const float x = float(row.logits[v]);
        const uint32_t rank = Ranks<T>::of(x);
        if (rank > kept.border) weight += row.weight(x);
        ties += rank == kept.border;
    }
    weight = warp_sum(weight), ties = warp_sum(ties);
    if (lane == 0) warp_weights[warp] = weight, warp_ties[warp] = ties;
    __syncthreads();
    uint64_t before = 0;                                    // weight of the kept tokens, and number of ties, in earlier stretches
    int64_t ties_before = 0;
    for (int w = 0; w < warp; w++) {
        const int64_t free = kept.ties - ties_before, here = warp_ties[w] < free ? warp_ties[w] : free;
        before += warp_weights[w] + uint64_t(here > 0 ? here : 0) * tie_weight;
        ties_before += warp_ties[w];
    }
    const int64_t free = kept.ties - ties_before, here = ties < free ? ties : free;
    const bool mine = before <= threshold && before + weight + uint64_t(here > 0 ? here : 0) * tie_weight > threshold;
    if (!mine) return;                                      // whole warps; no barrier follows
    for (int64_t v0 = begin; v0 < end; v0 += 32) {
        const bool exists = v0 + lane < end;
        const float x = exists ? float(row.logits[v0 + lane]) : 0.0f;
        const uint32_t rank = exists ? Ranks<T>::of(x) : 0;
        const unsigned tie_lanes = warp_ballot(exists && rank == kept.border);
        const bool tie_kept = ties_before + __popc(tie_lanes & ((1u << lane) - 1)) < kept.ties;
        uint64_t sum = 0;
        if (exists && rank > kept.border) sum = row.weight(x);
        if (exists && rank == kept.border && tie_kept) sum = tie_weight;
        #pragma unroll
        for (int delta = 1; delta < 32; delta *= 2) {       // the running sum over the lanes
            const uint64_t other = shuffle_up(sum, delta);
            sum += lane >= delta ? other : 0;
        }
        const unsigned passed = warp_ballot(before + sum > threshold);
        if (passed) {
            if ((passed & ((2u << lane) - 1)) == 1u << lane) found(int32_t(v0 + lane));      // the first lane that has passed
            return;
        }
        before += shuffle(sum, 31);
        ties_before += __popc(tie_lanes);
    }
}

// One block a row. Floor: one number of memory an element (bf16: 2 bytes). Then each look at the row comes from L1 or L2 (100 KiB in bf16
// with 50,257 columns), about 10 operations an element: one look for the largest, two for the draw, and up to 8 in bf16, 16 in fp32, for
// each of top_k and top_p; one more for logprobs (may be null) where something was left out of the sum.
template <typename T, int threads, bool vector>
__global__ void __launch_bounds__(threads) sample_kernel(int32_t* tokens, float* logprobs, const T* logits, const float* u, int64_t V, int64_t Vp,
                                                         SamplingConfig config) {
    const int64_t n = blockIdx.x;
    Row<T, threads, vector> row{logits + n * Vp, V, 0.0f, 0.0f};
    uint64_t best = 0;                                      // the largest rank, then the smallest id
    row.each([&](float x, int64_t v) {
        const uint64_t candidate = uint64_t(Ranks<T>::of(x)) << 32 | uint32_t(~uint32_t(v));
        best = candidate > best ? candidate : best;
    });
    best = block_max<threads>(best);
    const uint32_t max_rank = uint32_t(best >> 32);
    const bool valid = max_rank > Ranks<T>::minus_infinity && max_rank < Ranks<T>::infinity;
    row.max = Ranks<T>::logit(max_rank);
    const float inverse = 1.44269504088896341f / (config.temperature == 0 ? 1.0f : config.temperature);
    row.inverse_temperature = inverse < FLT_MAX ? inverse : FLT_MAX;       // 0 * infinity would be NaN
    const bool greedy = config.temperature == 0 || config.top_k == 1, cut = config.top_k > 0 && config.top_k < V;
    uint64_t all = 0;                                       // the weight of the whole row, where it is wanted and not computed below
    if (valid && logprobs && (greedy || cut)) {
        row.each([&](float x, int64_t) { all += row.weight(x); });
        all = block_sum<threads>(all);
    }
    if (!valid || greedy) {                                 // the whole block
        if (threadIdx.x == 0) tokens[n] = valid ? int32_t(~uint32_t(best)) : -1;
        if (threadIdx.x == 0 && logprobs) logprobs[n] = valid ? row.log_share(row.max, all) : NAN;
        return;
    }
    Kept kept;                                              // border 0: below all ranks
    uint64_t total = 0;
    if (cut) {
        kept = find_border<false>(row, 0, max_rank, uint64_t(config.top_k));
        kept.ties = config.top_k - int64_t(kept.above);
    }
    row.each([&](float x, int64_t) { total += Ranks<T>::of(x) > kept.border ? row.weight(x) : 0; });
    kept.above = block_sum<threads>(total);
    uint64_t tie_weight = kept.ties > 0 ? row.weight(Ranks<T>::logit(kept.border)) : 0;
    total = kept.above + uint64_t(kept.ties) * tie_weight;
    if (!cut) all = total;
    if (config.top_p < 1) {
        const double share = double(config.top_p) * double(total);
        uint64_t wanted = uint64_t(share);
        wanted += double(wanted) < share ? 1 : 0;
        if (wanted == 0) wanted = 1;
        if (kept.above >= wanted) {                         // else the border stays, with fewer on it
            kept = find_border<true>(row, kept.border + 1, max_rank, wanted);
            tie_weight = row.weight(Ranks<T>::logit(kept.border));
        }
        const int64_t needed = int64_t((wanted - kept.above + tie_weight - 1) / tie_weight);
        // a fresh border has as many tokens as it needs, for all of them together reach `wanted`
        kept.ties = needed;
        total = kept.above + uint64_t(needed) * tie_weight;
    }
    const uint64_t threshold = uint64_t(double(u[n]) * double(total));
    draw(row, kept, tie_weight, threshold < total ? threshold : total - 1, [&](int32_t id) {
        tokens[n] = id;
        if (logprobs) logprobs[n] = row.log_share(float(row.logits[id]), all);
    });
}

}  // namespace sampling_cuda

template <typename T>
void sample_rows(Cuda& dev, int32_t* tokens, const T* logits, const float* u, int64_t N, int64_t V, int64_t Vp,
                 const SamplingConfig& config, float* logprobs) {
    using namespace sampling_cuda;
    sampling::check(config);
    if (V < 1) throw Error("sampling: no logits to sample from");
    const auto start = [&](auto kernel, int threads) {
        launch(kernel, dim3(unsigned(N)), dim3(unsigned(threads)), 0, dev.stream, tokens, logprobs, logits, u, V, Vp, config);
    };
    const bool vector = rows_are_packs<T>(Vp, logits);
    if (V > 8192) start(vector ? sample_kernel<T, 1024, true> : sample_kernel<T, 1024, false>, 1024);
    else start(vector ? sample_kernel<T, 256, true> : sample_kernel<T, 256, false>, 256);
}
#endif
