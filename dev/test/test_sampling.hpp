// dev/test/test_sampling.hpp -- is the drawn token the one that the definition names?
//
// The naive sampler here ranks all tokens and works in double; draws within 1e-5 of a border are left out of the
// comparison and counted. Frequencies are held against exact probabilities by a chi-square test with a fixed seed.
#pragma once

#include <algorithm>

#include "../../kernels/sampling.hpp"
#include "test.hpp"

namespace sampling_test {

using Doubles = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kInff = std::numeric_limits<float>::infinity();

// Ids by falling logit, the smaller id first among equals.
inline std::vector<int32_t> ranked(const std::vector<float>& logits) {
    std::vector<int32_t> ids;
    for (size_t v = 0; v < logits.size(); v++) ids.push_back(int32_t(v));
    const auto before = [&](int32_t a, int32_t b) { return logits[size_t(a)] > logits[size_t(b)]; };
    std::stable_sort(ids.begin(), ids.end(), before);
    return ids;
}

// By the definition: rank all, soften, keep, walk in the order of ids. `margin`: how far u is from the nearest border.
inline int32_t naive_sample(const std::vector<float>& logits, const SamplingConfig& c, double u, double& margin) {
    std::vector<int32_t> ids = ranked(logits);
    margin = 1;
    if (c.temperature == 0) return ids[0];
    const double max = double(logits[size_t(ids[0])]);
    const auto p = [&](int32_t v) { return std::exp((double(logits[size_t(v)]) - max) / double(c.temperature)); };
    if (c.top_k > 0 && size_t(c.top_k) < ids.size()) ids.resize(size_t(c.top_k));
    double total = 0, kept = 0;
    for (const int32_t v : ids) total += p(v);
    size_t n = 0;
    while (n < ids.size() && (n == 0 || kept < double(c.top_p) * total)) {
        kept += p(ids[n++]);
        if (c.top_p < 1) margin = std::min(margin, std::fabs(kept / total - double(c.top_p)));
    }
    ids.resize(n);
    std::sort(ids.begin(), ids.end());
    double sum = 0;
    int32_t drawn = -1;
    for (const int32_t v : ids) {
        sum += p(v) / kept;
        margin = std::min(margin, std::fabs(sum - u));
        if (drawn < 0 && sum > u) drawn = v;
    }
    return drawn < 0 ? ids.back() : drawn;
}

inline void test_sampling_naive(Report& t) {
    Rng rng(40);
    int64_t compared = 0, equal = 0, greedy = 0, skipped = 0;
    for (int64_t trial = 0; trial < 1500; trial++) {
        const int64_t V = trial % 5 == 0 ? 1 + int64_t(rng.below(3000)) : 1 + int64_t(rng.below(40));
        auto logits = normals(V, 1000 + uint64_t(trial), 2.0f);
        if (trial % 3 == 0)
            for (float& x : logits) x = std::round(x);               // many ties
        if (trial % 4 == 0 && V > 2) logits[size_t(V / 2)] = -kInff, logits[size_t(V - 1)] = -kInff;
        SamplingConfig c;
        const float temperatures[] = {1.0f, 0.7f, 1.6f, 0.0f, 0.05f}, ps[] = {1.0f, 0.9f, 0.5f, 0.01f};
        c.temperature = temperatures[rng.below(5)], c.top_p = ps[rng.below(4)];
        c.top_k = rng.below(2) ? int(rng.below(60)) : 0;
        const float u = rng.uniform();
        double margin;
        const int32_t want = naive_sample(logits, c, double(u), margin), got = sample(logits.data(), V, c, u);
        if (margin < 1e-5) {                                         // on a border float and double may differ
            skipped++;
            continue;
        }
        compared++, equal += got == want, greedy += got == naive_sample(logits, {0, 0, 1}, 0, margin);
    }
    t.check(compared > 1000 && equal == compared, cat("the token of the definition: ", equal, " of ", compared));
    t.check(greedy < compared * 9 / 10, cat("control: greedy would be right in only ", greedy, " of ", compared));
    t.check(skipped < 400, cat(skipped, " of 1500 draws fell on a border"));
}

// Sum over tokens of (drawn - expected)^2 / expected.
inline double chi_square(const std::vector<int64_t>& drawn, const Doubles& p, int64_t n) {
    double sum = 0;
    for (size_t v = 0; v < p.size(); v++) {
        const double expected = p[v] * double(n);
        if (expected > 0) sum += (double(drawn[v]) - expected) * (double(drawn[v]) - expected) / expected;
        else if (drawn[v]) return kInf;
    }
    return sum;
}
inline void test_sampling_frequencies(Report& t) {
    const std::vector<float> logits = {1.0f, -0.5f, -kInff, 2.0f, 0.3f, -2.0f, 1.0f, 0.0f};
    const int64_t n = 40000, V = int64_t(logits.size());
    for (const float temperature : {1.0f, 0.6f, 2.0f}) {
        SamplingConfig c;
        c.temperature = temperature;
        Rng rng(41);
        std::vector<int64_t> drawn(logits.size(), 0);
        for (int64_t i = 0; i < n; i++) drawn[size_t(sample(logits.data(), V, c, rng.uniform()))]++;
        const auto exact = [&](double at) {
            Doubles p;
            double sum = 0;
            for (const float x : logits) p.push_back(std::exp(double(x) / at)), sum += p.back();
            for (double& q : p) q /= sum;
            return p;
        };
        // 6 degrees of freedom: beyond 27.9 once in 10,000
        const double at = double(temperature);
        t.check_at_most(chi_square(drawn, exact(at), n), 27.9, cat("chi square at temperature ", at));
        t.check_rejected(chi_square(drawn, exact(at * 1.1), n), 27.9, cat("temperature ", at, " 10 % off"));
    }
}

inline void test_sampling_edges(Report& t) {
    const float nearly_one = 0x1.fffffep-1f;
    const auto draw = [](const std::vector<float>& x, const SamplingConfig& c, float u) {
        return sample(x.data(), int64_t(x.size()), c, u);
    };
    const SamplingConfig plain, greedy{0, 0, 1};
    t.check(draw({0.3f}, plain, 0.99f) == 0 && draw({0.3f}, greedy, 0.0f) == 0, "a vocabulary of one");
    t.check(draw({1, 3, 3, 2}, greedy, 0.9f) == 1, "greedy: of equal logits the smaller id");
    t.check(draw({1, 3, 3, 2}, {1, 1, 1}, 0.9f) == 1, "top_k 1 is greedy");
    t.check(draw({1, 3, 3, 2}, {1, 0, 1e-6f}, 0.9f) == 1, "a tiny top_p is greedy");
    t.check(draw({-kInff, 0, 0, -kInff}, plain, 0.0f) == 1, "u = 0 skips a token of probability 0");
    t.check(draw({-kInff, 0, 0, -kInff}, plain, nearly_one) == 2, "u near 1 skips a token of probability 0");
    t.check(draw({-kInff, 0, 0, -kInff}, plain, 1.0f) == 2, "even u = 1 draws a possible token");
    t.check(draw({0, 0, 0, 0}, plain, 0.5f) == 2, "u on a border belongs to the next token");
    t.check(draw({0, 0, 0, 0}, plain, 0.4999f) == 1, "u below a border belongs to the token before");
    t.check(draw({0, 0, 0, 0}, {1, 2, 1}, nearly_one) == 1, "top_k among equal logits keeps the smaller ids");
    t.check(draw({0, 0, 0, 0}, {1, 0, 0.5f}, nearly_one) == 1, "top_p 0.5 of four equal tokens keeps two");
    t.check(draw({0, 0, 0, 0}, {1, 100, 1}, nearly_one) == 3, "top_k beyond the vocabulary keeps all");
    t.check(draw({1e4f, -1e4f, 1e4f}, plain, nearly_one) == 2, "logits of +-1e4");
    t.check(draw({1, 2, 1.5f}, {1e-30f, 0, 1}, nearly_one) == 1, "a tiny temperature is greedy");
    std::vector<float> flat(50000, 0.0f);
    t.check(draw(flat, plain, nearly_one) == 49999, "u near 1 draws the last of 50,000 equal tokens");
    t.check(draw(flat, {1, 0, 0.9f}, nearly_one) == 44999, "top_p 0.9 of 50,000 equal tokens keeps 45,000");
    t.check_error([&] { draw({1, kNaN, 2}, plain, 0.5f); }, "logit of token 1 is nan", "NaN logits");
    t.check_error([&] { draw({kNaN, 1, 2}, greedy, 0.5f); }, "logit of token 0 is nan", "NaN logits, greedy");
    t.check_error([&] { draw({1, 2, kInff}, plain, 0.5f); }, "logit of token 2 is inf", "a logit of +inf");
    t.check_error([&] { draw({-kInff, -kInff}, plain, 0.5f); }, "all logits are -inf", "nothing to draw");
    t.check_error([&] { draw({}, plain, 0.5f); }, "no logits", "an empty vocabulary");
    t.check_error([&] { draw({1, 2}, {-1, 0, 1}, 0.5f); }, "--temperature", "a negative temperature");
    t.check_error([&] { draw({1, 2}, {kNaN, 0, 1}, 0.5f); }, "--temperature", "temperature NaN");
    t.check_error([&] { draw({1, 2}, {1, -1, 1}, 0.5f); }, "--top-k", "a negative top_k");
    for (const float p : {0.0f, -0.1f, 1.1f, kNaN})
        t.check_error([&] { draw({1, 2}, {1, 0, p}, 0.5f); }, "--top-p", cat("top_p ", p));
}

inline void test_top_candidates(Report& t) {
    auto logits = normals(321, 42, 3.0f);
    logits[300] = logits[7] = 20.0f, logits[5] = -kInff;             // a tie at the top
    double sum = 0;
    for (const float x : logits) sum += std::exp(double(x) - 20);
    const std::vector<int32_t> ids = ranked(logits);
    for (const int n : {0, 1, 2, 10, 321, 1000}) {
        const auto got = top_candidates(logits.data(), 321, n);
        bool same = got.size() == size_t(std::min(n, 321));
        for (size_t i = 0; same && i < got.size(); i++) {
            const double p = std::exp(double(logits[size_t(ids[i])]) - 20) / sum;
            same = got[i].id == ids[i] && std::fabs(double(got[i].probability) - p) <= 1e-6 * p + 1e-12;
        }
        t.check(same, cat("the first ", n, " by rank with their probabilities"));
    }
    t.check(top_candidates(logits.data(), 321, 1)[0].id == 7, "of two equal tokens the smaller id comes first");
    logits[11] = kNaN;
    t.check_error([&] { top_candidates(logits.data(), 321, 3); }, "token 11 is nan", "NaN logits");
}

// Against the definition in double, from temperatures at which a division overflows to ones that leave hardly a difference.
inline void test_log_probabilities(Report& t) {
    std::mt19937 gen(3);
    std::normal_distribution<float> normal(0, 3);
    double other = 0;
    for (const int64_t V : {1, 2, 37, 511, 512, 513, 5000})
        for (const float temperature : {1e-38f, 1e-3f, 0.5f, 1.0f, 0.0f, 1.7f, 1e4f}) {
            std::vector<float> x(static_cast<size_t>(V));
            for (float& v : x) v = normal(gen);
            if (V > 40) x[size_t(V / 2)] = -kInff;
            const double T = temperature == 0 ? 1 : double(temperature), max = double(*std::max_element(x.begin(), x.end()));
            double sum = 0;
            for (const float v : x) sum += std::exp((double(v) - max) / T);
            const int32_t best = int32_t(std::max_element(x.begin(), x.end()) - x.begin());
            for (const int32_t id : {best, int32_t(0), int32_t(V - 1)}) {
                std::vector<float> row = x;
                const double want = (double(x[size_t(id)]) - max) / T - std::log(sum), got = double(sampled_log_probability(row.data(), V, id, temperature));
                if (want < -1e37) t.check(got < -1e37, "a token that is never drawn");
                else t.check_at_most(std::abs(got - want) / std::max(1.0, std::abs(want)), 2e-6, cat("V=", V, " temperature ", temperature, " token ", id));
                if (temperature == 0.5f && V > 1) other = std::max(other, std::abs(got - (double(x[size_t(id)]) - max)));
            }
        }
    t.check(other > 0.1, "control: at another temperature it is not the one at 1");
}

}  // namespace sampling_test

inline Suite sampling_tests() {
    using namespace sampling_test;
    return {
        {"sampling: draws the token that the definition of temperature, top-k and top-p gives", test_sampling_naive},
        {"sampling: frequencies are the probabilities", test_sampling_frequencies},
        {"sampling: ties, borders and bad input", test_sampling_edges},
        {"sampling: the log probability of a token at any temperature", test_log_probabilities},
        {"sampling: top candidates are ranked and carry their probability", test_top_candidates},
    };
}
