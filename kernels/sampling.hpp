// kernels/sampling.hpp -- from one row of logits to one token.
//   p_v = exp(x_v / temperature) / sum; then, each optional and in this order,
//   top_k keeps the k most probable tokens, top_p the fewest of those whose share of what is left reaches top_p;
//   the token is where the running sum of the kept p_v, in the order of v, first passes u times their sum.
// Promises: a pure function of its arguments (u is the only randomness); equal logits are ranked by the smaller id; a
// token of probability 0 (a logit of -Inf) is never drawn; logits that are no distribution (NaN, +Inf, all -Inf) are an
// Error.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

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
