// dev/test/test_objectives.hpp -- the gradients of every objective against exact enumeration on a tiny vocabulary.
//
// The policy is a table: two tokens out of three symbols, the second depending on the first, so there are nine answers, and every expectation is a
// sum over all of them, over all pairs, or over all batches of two groups. An estimator's expected gradient is compared with the derivative of the
// expected reward, or of what the paper maximises, taken by central differences of the exact sum.
#pragma once

#include "../../kernels/classifier.hpp"
#include "../../objectives.hpp"
#include "../../rankings.hpp"
#include "model_data.hpp"
#include "test.hpp"

namespace objectives_test {

constexpr int V = 3;
using Params = std::vector<double>;       // logits: (1 + V) rows of V: the first token's, then the second's after each first

inline Params start() { return {0.3, -0.2, 0.1, 0.5, 0.0, -0.4, -0.1, 0.2, 0.6, 0.0, 0.3, -0.5}; }
inline Params reference() { return {0.0, 0.4, -0.3, 0.1, 0.2, -0.1, 0.3, 0.0, -0.2, -0.6, 0.1, 0.2}; }

inline double log_p(const Params& z, int row, int v) {
    double sum = 0;
    for (int u = 0; u < V; u++) sum += std::exp(z[size_t(row * V + u)]);
    return z[size_t(row * V + v)] - std::log(sum);
}
struct Answer {
    int a, b;
    int tokens = 2;
    double lp(const Params& z, int t) const { return t == 0 ? log_p(z, 0, a) : log_p(z, 1 + a, b); }
    double p(const Params& z) const { return std::exp(lp(z, 0) + (tokens == 2 ? lp(z, 1) : 0)); }
};
inline std::vector<Answer> answers() {
    std::vector<Answer> all;
    for (int a = 0; a < V; a++)
        for (int b = 0; b < V; b++) all.push_back({a, b});
    return all;
}
inline double reward(const Answer& y) { return std::vector<double>{1, 0, 0.5, 0, 2, 0, -1, 0.25, 1}[size_t(y.a * V + y.b)]; }

// d/dz of f, central differences
inline Params gradient(const std::function<double(const Params&)>& f) {
    Params g(start().size());
    for (size_t i = 0; i < g.size(); i++) {
        Params up = start(), down = start();
        up[i] += 1e-5, down[i] -= 1e-5;
        g[i] = (f(up) - f(down)) / 2e-5;
    }
    return g;
}
// g += scale * c * d log p_t(y) / dz: what the weighted cross entropy does for one token
inline void add_token(Params& g, const Params& z, const Answer& y, int t, double c) {
    const int row = t == 0 ? 0 : 1 + y.a, v = t == 0 ? y.a : y.b;
    for (int u = 0; u < V; u++) g[size_t(row * V + u)] += c * (double(u == v) - std::exp(log_p(z, row, u)));
}
inline double expected_reward(const Params& z) {
    double sum = 0;
    for (const Answer& y : answers()) sum += y.p(z) * reward(y);
    return sum;
}
inline double kl(const Params& p, const Params& q) {
    double sum = 0;
    for (const Answer& y : answers()) sum += y.p(p) * (y.lp(p, 0) + y.lp(p, 1) - y.lp(q, 0) - y.lp(q, 1));
    return sum;
}
inline Params scaled(Params g, double by) {
    for (double& x : g) x *= by;
    return g;
}

// The expected gradient over all pairs of answers to one prompt.
inline Params pair_gradient(Objective objective) {
    const Params z = start();
    Params g(z.size(), 0.0);
    for (const Answer& y1 : answers())
        for (const Answer& y2 : answers()) {
            const double p = y1.p(z) * y2.p(z);
            std::vector<SampledAnswer> group = {{reward(y1), reward(y1) > 0.9, false, 0, 2}, {reward(y2), reward(y2) > 0.9, false, 0, 2}};
            const Advantages a = advantages(objective, group);
            for (int i = 0; i < 2; i++)
                for (int t = 0; t < 2; t++) {
                    const Answer& y = i == 0 ? y1 : y2;
                    const double c = token_weight(a.of[size_t(i)], y.lp(z, t), y.lp(z, t), 0, {});
                    add_token(g, z, y, t, p * c / token_divisor(objective, 2, 2, 4, 2));
                }
        }
    return g;
}

// ---- objectives whose expectation is not that of the reward: each against the sum that its paper maximises, over all batches of two groups of two

// Answers of different lengths: the last symbol ends one.
inline std::vector<Answer> uneven_answers() {
    std::vector<Answer> all = {{V - 1, 0, 1}};
    for (int a = 0; a + 1 < V; a++)
        for (int b = 0; b < V; b++) all.push_back({a, b});
    return all;
}
// What they earn, at either of two prompts; as many rewards are equal as happens where answers are right or wrong.
inline double reward_at(int prompt, const Answer& y) {
    static const std::vector<double> rewards[2] = {{1, 0, 0, 1, 0.5, 1, 0}, {-1, 2, 0, 0, 2, -1, 0.25}};
    return rewards[prompt][size_t(y.tokens == 1 ? 0 : 1 + y.a * V + y.b)];
}
inline bool right_at(int prompt, const Answer& y) { return reward_at(prompt, y) >= 1; }

// Four answers of the policy `old`, the first two to prompt 0, the others to prompt 1, with the chance of such a batch.
struct Batch {
    std::array<Answer, 4> answers;
    double p = 1;
    int tokens = 0;
    double reward(size_t i) const { return reward_at(int(i / 2), answers[i]); }
    bool right(size_t i) const { return right_at(int(i / 2), answers[i]); }
};
inline std::vector<Batch> all_batches(const Params& old) {
    const auto all = uneven_answers();
    std::vector<Batch> batches;
    for (const Answer& a : all)
        for (const Answer& b : all)
            for (const Answer& c : all)
                for (const Answer& d : all) {
                    Batch batch{{a, b, c, d}};
                    for (const Answer& y : batch.answers) batch.p *= y.p(old), batch.tokens += y.tokens;
                    batches.push_back(batch);
                }
    return batches;
}
// The gradient of what an update adds to the parameters' objective, in expectation over the batches of `old`, by advantages(), token_weight() and
// token_divisor().
inline Params batch_gradient(Objective objective, const Params& old, const TokenTerms& terms) {
    const Params z = start();
    Params g(z.size(), 0.0);
    for (const Batch& batch : all_batches(old)) {
        std::vector<SampledAnswer> answers;
        for (size_t i = 0; i < 4; i++) answers.push_back({batch.reward(i), batch.right(i), false, int64_t(i / 2), batch.answers[i].tokens});
        const Advantages a = advantages(objective, answers);
        for (size_t i = 0; i < 4; i++)
            for (int t = 0; t < batch.answers[i].tokens; t++) {
                const Answer& y = batch.answers[i];
                add_token(g, z, y, t, batch.p * token_weight(a.of[i], y.lp(z, t), y.lp(old, t), 0, terms) / token_divisor(objective, y.tokens, 4, batch.tokens, 2));
            }
    }
    return g;
}
// The same from the equations of the papers. What differs between them, and between them and the wrong ones of the controls:
struct Paper {
    double (*advantage)(const Batch&, size_t i);
    double (*share)(const Batch&, size_t i);         // of a token of answer i in the mean
    double low = 0.2, high = 0.2;                    // of the clip; negative: min(ratio A, clip(ratio) A) is log p, a likelihood
};
inline Params paper_gradient(const Paper& paper, const Params& old) {
    const auto batches = all_batches(old);
    const auto log_ps = [](const Params& z) {
        Params all;
        for (int row = 0; row <= V; row++)
            for (int v = 0; v < V; v++) all.push_back(log_p(z, row, v));
        return all;
    };
    const Params lp_old = log_ps(old);
    return gradient([&](const Params& x) {
        const Params lp = log_ps(x);
        double sum = 0;
        for (const Batch& batch : batches)
            for (size_t i = 0; i < 4; i++) {
                const Answer& y = batch.answers[i];
                const double A = paper.advantage(batch, i);
                for (int t = 0; t < y.tokens && A != 0; t++) {
                    const size_t at = size_t(t == 0 ? y.a : (1 + y.a) * V + y.b);
                    const double ratio = std::exp(lp[at] - lp_old[at]);
                    const double gain = paper.low < 0 ? A * lp[at] : std::min(ratio * A, std::clamp(ratio, 1 - paper.low, 1 + paper.high) * A);
                    sum += batch.p * paper.share(batch, i) * gain;
                }
            }
        return sum;
    });
}
namespace paper {
// DeepSeekMath, section 4.1.2: (r - mean) / std of the group; of two answers, half their difference over its size
inline double grpo(const Batch& b, size_t i) {
    const double other = b.reward(i ^ 1), mean = (b.reward(i) + other) / 2;
    return b.reward(i) == other ? 0 : (b.reward(i) - mean) / (std::abs(b.reward(i) - other) / 2 + objectives::kStdEps);
}
inline double whitened(const Batch& b, size_t i) {
    double mean = 0, squares = 0;
    for (size_t k = 0; k < 4; k++) mean += b.reward(k) / 4;
    for (size_t k = 0; k < 4; k++) squares += (b.reward(k) - mean) * (b.reward(k) - mean) / 4;
    return squares == 0 ? 0 : (b.reward(i) - mean) / (std::sqrt(squares) + objectives::kStdEps);
}
inline double centred(const Batch& b, size_t i) { return b.reward(i) - (b.reward(i) + b.reward(i ^ 1)) / 2; }
inline double expert(const Batch& b, size_t i) { return b.right(i) && !b.right(i ^ 1); }
inline double best(const Batch& b, size_t i) { return b.reward(i) > b.reward(i ^ 1); }
inline double per_answer(const Batch& b, size_t i) { return 0.25 / b.answers[i].tokens; }
inline double per_token(const Batch& b, size_t) { return 1.0 / b.tokens; }
inline double per_longest(const Batch&, size_t) { return 0.25 / 2; }
}  // namespace paper

inline void test_batches_of_groups(Report& t) {
    struct Case {
        Objective objective;
        Paper right, wrong;
        const char* control;
    };
    const Case cases[] = {
        {Objective::grpo, {paper::grpo, paper::per_answer}, {paper::grpo, paper::per_token}, "grpo's mean taken over tokens"},
        {Objective::dr_grpo, {paper::centred, paper::per_longest}, {paper::grpo, paper::per_longest}, "dr_grpo divided by the deviation"},
        {Objective::dapo, {paper::grpo, paper::per_token, 0.2, 0.28}, {paper::grpo, paper::per_answer, 0.2, 0.28}, "dapo's mean taken over answers"},
        {Objective::ppo, {paper::whitened, paper::per_token}, {paper::grpo, paper::per_token}, "ppo whitened in the group"},
        {Objective::expert, {paper::expert, paper::per_token, -1}, {paper::best, paper::per_token, -1}, "expert choosing by reward"},
        {Objective::best, {paper::best, paper::per_token, -1}, {paper::expert, paper::per_token, -1}, "best choosing by right and wrong"},
    };
    const Params z = start(), old = scaled(start(), 0.1);          // from `old` to z the ratios move far enough to be clipped on both sides
    for (const Case& c : cases) {
        const std::string name = kObjectiveNames[int(c.objective)];
        const TokenTerms terms{c.right.low, c.right.high};
        const Params got = batch_gradient(c.objective, z, c.right.low < 0 ? TokenTerms() : terms);
        t.check_at_most(relative_error(got, paper_gradient(c.right, z)), 1e-7, name + ": at the first use, the gradient of what it maximises");
        t.check_rejected(relative_error(got, paper_gradient(c.wrong, z)), 1e-2, c.control);
        if (c.right.low < 0) continue;
        const Params later = batch_gradient(c.objective, old, terms);
        Paper unclipped = c.right;
        unclipped.low = 1, unclipped.high = 1e9;
        t.check_at_most(relative_error(later, paper_gradient(c.right, old)), 1e-7, name + ": at a later use, the gradient of the clipped surrogate");
        t.check_rejected(relative_error(later, paper_gradient(unclipped, old)), 1e-2, name + " without clipping");
        t.check_rejected(relative_error(later, paper_gradient(c.wrong, old)), 1e-2, c.control);
    }
    const Params dapo = batch_gradient(Objective::dapo, old, {0.2, 0.28});
    t.check_rejected(relative_error(dapo, paper_gradient({paper::grpo, paper::per_token, 0.2, 0.2}, old)), 1e-3, "dapo with the clip of ppo");
}

// DPO over all pairs of the reference's answers: the slopes of Bradley-Terry at the scores beta (log p - log p_ref) are the weights of the tokens.
inline void test_dpo(Report& t) {
    const Params z = start(), ref = reference();
    const double beta = 0.3;
    const auto lp = [](const Params& x, const Answer& y) { return y.lp(x, 0) + y.lp(x, 1); };
    const auto each_pair = [&](const auto& use) {                    // (better, worse, chance)
        for (const Answer& w : answers())
            for (const Answer& l : answers())
                if (reward(w) > reward(l)) use(w, l, 2 * w.p(ref) * l.p(ref));
    };
    Params g(z.size(), 0.0), wrong = g;
    each_pair([&](const Answer& w, const Answer& l, double p) {
        const auto slopes = bradley_terry(std::vector<double>{beta * (lp(z, w) - lp(ref, w)), beta * (lp(z, l) - lp(ref, l))}, std::vector<int>{0, 1});
        for (int s = 0; s < 2; s++) {
            add_token(g, z, w, s, -p * beta * slopes[0]), add_token(g, z, l, s, -p * beta * slopes[1]);
            add_token(wrong, z, w, s, -p * beta * slopes[0]);
        }
    });
    const Params want = gradient([&](const Params& x) {              // Rafailov et al. 2023, eq. 7, without the minus
        double sum = 0;
        each_pair([&](const Answer& w, const Answer& l, double p) {
            sum += p * std::log(1 / (1 + std::exp(-(beta * (lp(x, w) - lp(ref, w)) - beta * (lp(x, l) - lp(ref, l))))));
        });
        return sum;
    });
    t.check_at_most(relative_error(g, want), 1e-7, "DPO: the gradient over all pairs");
    t.check_rejected(relative_error(wrong, want), 1e-2, "DPO from the better answers alone");
}

// Answers drawn at a temperature other than 1: the weights make their tokens' mean one of the policy's own.
inline void test_temperature(Report& t) {
    const Params z = start();
    for (const double temperature : {0.8, 1.5}) {
        const Params drawn = scaled(z, 1 / temperature);             // softmax(logits / T)
        const auto expected = [&](bool weighted, int from) {         // `from`: the first token that counts
            Params g(z.size(), 0.0);
            for (const Answer& y : answers())
                for (int s = from; s < 2; s++) add_token(g, z, y, s, y.p(drawn) * reward(y) * (weighted ? importance_weight(y.lp(z, s), y.lp(drawn, s)) : 1));
            return g;
        };
        double most = 0;
        for (const Answer& y : answers())
            for (int s = 0; s < 2; s++) most = std::max(most, std::exp(y.lp(z, s) - y.lp(drawn, s)));
        t.check(most < kMaxImportance, "no weight is cut here");
        const Params surrogate = gradient([&](const Params& x) {
            double sum = 0;
            for (const Answer& y : answers())
                for (int s = 0; s < 2; s++) sum += y.p(drawn) * reward(y) * std::exp(y.lp(x, s) - y.lp(drawn, s));
            return sum;
        });
        t.check_at_most(relative_error(expected(true, 0), surrogate), 1e-8, cat("at ", temperature, ": the gradient of the weighted surrogate"));
        // the last token's is exact: the expected reward behind the first tokens that were drawn
        const Params last = gradient([&](const Params& x) {
            double sum = 0;
            for (const Answer& y : answers()) sum += std::exp(y.lp(drawn, 0) + y.lp(x, 1)) * reward(y);
            return sum;
        });
        t.check_at_most(relative_error(expected(true, 1), last), 1e-8, cat("at ", temperature, ": the last token's is that of the model at 1"));
        t.check_rejected(relative_error(expected(false, 1), last), 1e-2, cat("at ", temperature, " without weights"));
    }
    t.check(importance_weight(-1.25, -1.25) == 1 && importance_weight(-1, -5) == kMaxImportance && importance_weight(-9, -1) == std::exp(-8.0), "1 for what was drawn as it is trained, and at most 2");
}

inline void test_overlong(Report& t) {
    // DAPO, eq. 13, for at most 100 tokens of which the last 20 cost
    for (const auto& [n, want] : {std::pair<int64_t, double>{1, 0}, {79, 0}, {80, 0}, {81, -0.05}, {90, -0.5}, {99, -0.95}, {100, -1}, {101, -1}})
        t.check(std::abs(overlong_penalty(n, 100, 20) - want) < 1e-12, cat("an answer of ", n, " tokens costs ", -want));
    t.check(overlong_penalty(100, 100, 0) == 0 && overlong_penalty(50, 100, 100) == -0.5, "without a buffer nothing costs");
}

inline void test_unbiased(Report& t) {
    const Params want = gradient(expected_reward);
    t.check(relative_error(pair_gradient(Objective::rloo), want) < 1e-8, "rloo: unbiased");
    // the group's mean contains the answer itself: (G - 1) / G of the gradient, here a half
    t.check(relative_error(pair_gradient(Objective::reinforce), scaled(want, 0.5)) < 1e-8, "reinforce with the batch's mean: (G - 1) / G of the gradient");
    t.check(relative_error(pair_gradient(Objective::dr_grpo), scaled(want, 0.5 / 2)) < 1e-8, "dr_grpo: the same, divided by the longest answer");
    t.check(!(relative_error(pair_gradient(Objective::grpo), scaled(want, 0.25)) < 1e-2), "control: dividing by the deviation is another objective");
    // any baseline: E[(r - b) d log p] does not depend on b
    for (const double b : {0.0, 0.7, -3.0}) {
        const Params z = start();
        Params g(z.size(), 0.0);
        for (const Answer& y : answers())
            for (int s = 0; s < 2; s++) add_token(g, z, y, s, y.p(z) * token_weight(reward(y) - b, y.lp(z, s), y.lp(z, s), 0, {}));
        t.check(relative_error(g, want) < 1e-8, cat("a baseline of ", b, " changes nothing in expectation"));
    }
    // off policy: answers drawn from an older policy, weighted by the ratio of their own tokens, have the gradient of the sum of ratio * A
    const Params z = start(), old = reference();
    Params g(z.size(), 0.0);
    TokenTerms wide;
    wide.clip_low = 1, wide.clip_high = 1e9;
    for (const Answer& y : answers())
        for (int s = 0; s < 2; s++) add_token(g, z, y, s, y.p(old) * token_weight(reward(y), y.lp(z, s), y.lp(old, s), 0, wide));
    const Params surrogate = gradient([&](const Params& x) {
        double sum = 0;
        for (const Answer& y : answers())
            for (int s = 0; s < 2; s++) sum += y.p(old) * reward(y) * std::exp(y.lp(x, s) - y.lp(old, s));
        return sum;
    });
    t.check(relative_error(g, surrogate) < 1e-8, "the ratio's gradient is that of the surrogate");
}

inline void test_clipping(Report& t) {
    // the gradient of min(ratio A, clip(ratio) A) by central differences, over ratios and both signs
    const TokenTerms terms{0.2, 0.28};
    for (const double A : {1.5, -0.7})
        for (double lp = -3; lp < -0.05; lp += 0.0931) {
            const double old = -1;
            auto loss = [&](double x) {
                const double ratio = std::exp(x - old);
                return -std::min(ratio * A, std::clamp(ratio, 1 - terms.clip_low, 1 + terms.clip_high) * A);
            };
            const double want = -(loss(lp + 1e-6) - loss(lp - 1e-6)) / 2e-6;
            t.check(std::abs(token_weight(A, lp, old, 0, terms) - want) < 1e-6 * std::max(1.0, std::abs(want)), cat("the clipped surrogate at ratio ", std::exp(lp - old)));
        }
    TokenStatistics s;
    token_weight(1, -0.5, -1, 0, terms, &s), token_weight(-1, -0.5, -1, 0, terms, &s), token_weight(-1, -2, -1, 0, terms, &s), token_weight(1, -1, -1, 0, terms, &s);
    t.check(s.tokens == 4 && s.clipped_high == 1 && s.clipped_low == 1, "clipped tokens are counted on their side");
    t.check(token_weight(2, -1.25, -1.25, 0, terms) == 2, "at the first use the ratio is exactly 1");
    t.check(std::isfinite(token_weight(1, 0, -1e9, 0, {1, 1e300})), "a ratio beyond all bounds stays a number");
}

inline void test_kl(Report& t) {
    const Params z = start(), ref = reference();
    const Params reverse = gradient([&](const Params& x) { return kl(x, ref); });
    auto in_loss = [&](KlKind kind) {
        Params g(z.size(), 0.0);
        TokenTerms terms;
        terms.kl = kind, terms.kl_coef = 1;
        for (const Answer& y : answers())
            for (int s = 0; s < 2; s++) add_token(g, z, y, s, -y.p(z) * token_weight(0, y.lp(z, s), y.lp(z, s), y.lp(ref, s), terms));
        return g;                                      // of the loss
    };
    // a token's own d^2 / 2 leaves out what it does to the tokens after it: exact for the last one, whose gradient is the conditional KL's
    auto rows = [](const Params& g) { return Params(g.begin() + V, g.end()); };
    t.check(relative_error(rows(in_loss(KlKind::k2)), rows(reverse)) < 1e-6, "k2 in the loss: the gradient of KL(policy || reference)");
    auto last_forward = [&] {                          // each second token's KL(ref || policy), under the policy's first tokens
        return rows(gradient([&](const Params& x) {
            double sum = 0;
            for (const Answer& y : answers()) sum += std::exp(y.lp(z, 0) + y.lp(ref, 1)) * (y.lp(ref, 1) - y.lp(x, 1));
            return sum;
        }));
    }();
    t.check(relative_error(rows(in_loss(KlKind::k3)), last_forward) < 1e-6, "k3 in the loss: the gradient of KL(reference || policy)");
    t.check(!(relative_error(rows(in_loss(KlKind::k3)), rows(reverse)) < 1e-2), "control: they are not the same");
    // k1 in the reward: each answer's reward is -sum of log ratios, and the policy gradient of that is exact for all tokens
    Params g(z.size(), 0.0);
    for (const Answer& y : answers()) {
        const double penalty = y.lp(z, 0) + y.lp(z, 1) - y.lp(ref, 0) - y.lp(ref, 1);
        for (int s = 0; s < 2; s++) add_token(g, z, y, s, y.p(z) * token_weight(penalty, y.lp(z, s), y.lp(z, s), 0, {}));
    }
    t.check(relative_error(g, reverse) < 1e-6, "k1 in the reward: the gradient of KL(policy || reference), for every token");
    TokenStatistics s;
    TokenTerms terms;
    terms.kl = KlKind::k1;
    double k1 = 0, k3 = 0;
    for (const Answer& y : answers())
        for (int i = 0; i < 2; i++) {
            TokenStatistics one;
            token_weight(0, y.lp(z, i), y.lp(z, i), y.lp(ref, i), terms, &one);
            k1 += y.p(z) * one.k1, k3 += y.p(z) * one.k3;
            t.check(one.k3 >= 0, "k3 is never negative");
        }
    t.check(std::abs(k1 - kl(z, ref)) < 1e-9 && std::abs(k3 - kl(z, ref)) < 1e-9, "k1 and k3 are both unbiased estimates of the divergence");
}

inline void test_groups(Report& t) {
    const std::vector<SampledAnswer> batch = {{1, true, false, 0, 5}, {1, true, false, 0, 3}, {1, true, false, 0, 4}, {0, false, false, 1, 9}, {0, false, false, 1, 9}, {0, false, false, 1, 9},
                                              {0, false, false, 2, 7}, {1, true, false, 2, 6}, {1, true, false, 2, 4}, {0, false, true, 2, 64}, {1, true, false, 3, 2}};
    for (const Objective o : {Objective::rloo, Objective::grpo, Objective::dr_grpo, Objective::dapo, Objective::expert, Objective::best}) {
        const Advantages a = advantages(o, batch);
        t.check(a.groups == 4 && a.all_right == 2 && a.all_wrong == 1 && a.degenerate == 3, cat(kObjectiveNames[int(o)], ": degenerate groups are counted"));
        bool nothing = true;
        for (const size_t i : {0u, 1u, 2u, 3u, 4u, 5u, 9u, 10u}) nothing = nothing && a.of[i] == 0;
        t.check(nothing, cat(kObjectiveNames[int(o)], ": equal rewards, a group of one and a dropped answer teach nothing"));
        t.check(a.of[7] > 0 && (o == Objective::expert || o == Objective::best || a.of[6] < 0), cat(kObjectiveNames[int(o)], ": the right answer is reinforced"));
    }
    for (const Objective o : {Objective::reinforce, Objective::ppo}) {
        const Advantages a = advantages(o, batch);
        t.check(a.degenerate == 3 && a.of[0] > 0 && a.of[3] < 0 && a.of[9] == 0, cat(kObjectiveNames[int(o)], ": a group of equal rewards is counted, and compared with the rest of the batch"));
    }
    // best reads the reward, expert does not: the same group with the wrong answer in better form, and an answer that is the best of a group without a right one
    std::vector<SampledAnswer> formed = {{0.5, false, false, 0, 4}, {1, true, false, 0, 9}, {1.5, true, false, 0, 3}, {1.5, true, false, 0, 2}, {0, false, false, 1, 5}, {0.25, false, false, 1, 5}};
    t.check(advantages(Objective::best, formed).of == std::vector<double>{0, 0, 1, 0, 0, 1}, "best: the highest reward of each group, the first of several");
    t.check(advantages(Objective::expert, formed).of == std::vector<double>{0, 1, 1, 1, 0, 0}, "expert: all right answers, whatever their reward");
    formed[2].dropped = true;
    t.check(advantages(Objective::best, formed).of == std::vector<double>{0, 0, 0, 1, 0, 1}, "best: not one that was dropped");
    for (SampledAnswer& s : formed) s.checked = false, s.right = false;
    t.check(advantages(Objective::rloo, formed).all_wrong == 0 && advantages(Objective::rloo, formed).all_right == 0, "what nobody can check is neither right nor wrong");
    const auto rloo = advantages(Objective::rloo, batch).of;
    t.check(std::abs(rloo[6] - (0 - 1.0)) < 1e-12 && std::abs(rloo[7] - (1 - 0.5)) < 1e-12, "rloo: each answer against the mean of the others");
    const auto grpo = advantages(Objective::grpo, batch).of;
    t.check(std::abs(grpo[6] + std::sqrt(2.0)) < 1e-3 && std::abs(grpo[6] + grpo[7] + grpo[8]) < 1e-9, "grpo: zero mean and unit deviation");
    // nearly equal rewards must not blow up
    std::vector<SampledAnswer> close(8);
    for (size_t i = 0; i < 8; i++) close[i].reward = 0.1 + 1e-12 * double(i);
    for (const double x : advantages(Objective::grpo, close).of) t.check(x == 0, "rewards that differ by rounding are equal");
    const auto ppo = advantages(Objective::ppo, batch).of;
    double mean = 0, square = 0;
    for (size_t i = 0; i < batch.size(); i++)
        if (!batch[i].dropped) mean += ppo[i] / 10, square += ppo[i] * ppo[i] / 10;
    t.check(std::abs(mean) < 1e-12 && std::abs(square - 1) < 1e-3, "ppo: whitened over the batch");
    t.check(token_divisor(Objective::grpo, 5, 8, 100, 64) == 40 && token_divisor(Objective::dapo, 5, 8, 100, 64) == 100 && token_divisor(Objective::dr_grpo, 5, 8, 100, 64) == 512 &&
                token_divisor(Objective::rloo, 5, 8, 100, 64) == 8, "the divisors");
    t.check_error([] { parse_objective("gpro"); }, "unknown", "an unknown objective");
}

// ---- the entropy bonus

// One row's loss and entropy by their definitions, in double.
struct RowFigures {
    double loss = 0, entropy = 0;
};
inline RowFigures row_figures(const double* x, int64_t n, int target) {
    double max = -INFINITY, sum = 0;
    for (int64_t v = 0; v < n; v++) max = std::max(max, x[v]);
    for (int64_t v = 0; v < n; v++) sum += std::exp(x[v] - max);
    RowFigures r{std::log(sum) + max - x[target], 0};
    for (int64_t v = 0; v < n; v++)
        if (const double p = std::exp(x[v] - max) / sum; p > 0) r.entropy -= p * std::log(p);
    return r;
}

// The fused classifier's gradient of sum_n weight_n loss_n + entropy_weight_n entropy_n is the central difference of that sum.
template <typename T>
void check_classifier_entropy(Report& t) {
    Cpu dev(2);
    const std::string type = dtype_name<T>();
    for (const auto& [N, V, Vp] : {std::array<int64_t, 3>{6, 9, 16}, {5, 613, 640}}) {
        auto values = normals(N * Vp, 61, 2.5f);
        for (int64_t n = 0; n < N; n++)
            for (int64_t v = V; v < Vp; v++) values[size_t(n * Vp + v)] = v % 2 ? kNaN : 1e30f;       // padding may hold anything
        const auto logits = stored<T>(values);
        std::vector<int32_t> targets;
        std::vector<float> weights, entropy_weights, loss(size_t(N), kNaN), entropy(size_t(N), kNaN);
        for (int64_t n = 0; n < N; n++) {
            targets.push_back(int32_t(n == 0 ? 0 : n == 1 ? V - 1 : n * 2 % V));
            weights.push_back(n == 3 ? 0.0f : n % 2 ? -0.8f : 0.3f);                                    // an entropy weight alone counts, too
            entropy_weights.push_back(n % 4 == 2 ? 0.0f : n % 4 == 1 ? 0.25f : -0.6f);
        }
        std::vector<double> want(size_t(N * Vp), 0.0), without = want;
        std::vector<double> x = doubles(logits);
        for (int64_t n = 0; n < N; n++)
            for (int64_t v = 0; v < V; v++) {
                double* at = &x[size_t(n * Vp)];
                const double keep = at[v];
                at[v] = keep + 1e-5;
                const RowFigures up = row_figures(at, V, targets[size_t(n)]);
                at[v] = keep - 1e-5;
                const RowFigures down = row_figures(at, V, targets[size_t(n)]);
                at[v] = keep;
                without[size_t(n * Vp + v)] = double(weights[size_t(n)]) * (up.loss - down.loss) / 2e-5;
                want[size_t(n * Vp + v)] = without[size_t(n * Vp + v)] + double(entropy_weights[size_t(n)]) * (up.entropy - down.entropy) / 2e-5;
            }
        const double bound = sizeof(T) == 4 ? 2e-6 : 4e-3;                                             // bf16: half a unit of its last place
        for (float* place : {entropy.data(), static_cast<float*>(nullptr)}) {                          // the weight needs no place for the entropy
            auto got = logits;
            classifier(dev, loss.data(), place, got.data(), targets.data(), weights.data(), N, V, Vp, true, entropy_weights.data());
            t.check_at_most(relative_error(doubles(got), want), bound, cat(type, " V=", V, ": the gradient with entropy weights is the slope"));
            t.check_rejected(relative_error(doubles(got), without), bound, cat(type, " V=", V, ": a gradient without them"));
        }
        for (int64_t n = 0; n < N; n++) {
            const RowFigures r = row_figures(&x[size_t(n * Vp)], V, targets[size_t(n)]);
            t.check(std::abs(double(entropy[size_t(n)]) - r.entropy) < 1e-5 && std::abs(double(loss[size_t(n)]) - r.loss) < 1e-5, "loss and entropy are what they were");
        }
        const std::vector<float> zeros(size_t(N), 0.0f);
        auto plain = logits, none = logits;
        classifier(dev, loss.data(), entropy.data(), plain.data(), targets.data(), weights.data(), N, V, Vp, true);
        classifier(dev, loss.data(), entropy.data(), none.data(), targets.data(), weights.data(), N, V, Vp, true, zeros.data());
        t.check(same_bits(plain, none), cat(type, " V=", V, ": weights of 0 give the bits of none"));
    }
}
inline void test_classifier_entropy(Report& t) {
    check_classifier_entropy<float>(t);
    check_classifier_entropy<bf16>(t);
    Cpu dev(1);
    std::vector<float> row = normals(40, 63), loss(1), entropy(1);
    row[3] = row[17] = -INFINITY;
    const int32_t target = 5;
    const float weight = 1, entropy_weight = -1;
    classifier(dev, loss.data(), entropy.data(), row.data(), &target, &weight, 1, 40, 40, true, &entropy_weight);
    bool finite = true;
    for (const float d : row) finite = finite && std::isfinite(d);
    t.check(finite && row[3] == 0 && row[17] == 0, "logits of -inf have gradient 0");
}

// Through the whole model: loss and gradient of a step whose batch has entropy weights; and ascent on them makes a policy less decided.
inline void test_model_entropy(Report& t) {
    Config c;
    c.max_T = 8, c.V = 37, c.L = 1, c.NH = 2, c.C = 16;
    Cpu cpu(1);
    Gpt<Cpu, float> gpt(cpu, c, {16, true});
    fill_weights(gpt);
    Rng rng(5);
    std::vector<int32_t> inputs, targets;
    std::vector<float> weights, entropy_weights;
    for (int i = 0; i < 16; i++) {
        inputs.push_back(int32_t(rng.below(37))), targets.push_back(i % 5 == 4 ? -1 : int32_t(rng.below(37)));
        weights.push_back(i % 3 ? 0.1f : -0.05f), entropy_weights.push_back(i % 4 ? -1.5f : 0.0f);
    }
    const auto step = [&](const float* e) {
        gpt.zero_grads();
        gpt.accumulate(inputs.data(), targets.data(), weights.data(), 2, 8, true, e);
        return gpt.finish_step({}, StepGate::closed()).loss;
    };
    std::vector<float> losses(16), entropies(16);
    double want = gpt.loss(inputs.data(), targets.data(), weights.data(), 2, 8, losses.data(), entropies.data());
    for (size_t i = 0; i < 16; i++) want += double(entropy_weights[i]) * double(entropies[i]);
    t.check(std::abs(step(entropy_weights.data()) - want) < 1e-6, "the step's loss holds the weighted entropies");
    const std::vector<float> grads(gpt.grads, gpt.grads + gpt.layout.size);
    step(nullptr);
    const std::vector<float> without(gpt.grads, gpt.grads + gpt.layout.size);
    double slope = 0, wrong = 0, norm = 0;
    for (const float g : grads) norm += double(g) * double(g);
    norm = std::sqrt(norm);
    for (size_t i = 0; i < grads.size(); i++) slope += double(grads[i]) * double(grads[i]) / norm, wrong += double(without[i]) * double(grads[i]) / norm;
    double sides[2];
    std::vector<float> x, at;
    for (int side = 0; side < 2; side++) {
        for (const Tensor& p : gpt.layout.tensors) {
            at.resize(size_t(p.size)), gpt.get_tensor(p, at.data()), x = at;
            for (int64_t i = 0; i < p.size; i++) x[size_t(i)] += (side ? 1e-3f : -1e-3f) * grads[size_t(p.offset + i)] / float(norm);
            gpt.set_tensor(p, x.data());
        }
        sides[side] = step(entropy_weights.data());
        for (const Tensor& p : gpt.layout.tensors) {           // back
            x.resize(size_t(p.size)), gpt.get_tensor(p, x.data());
            for (int64_t i = 0; i < p.size; i++) x[size_t(i)] -= (side ? 1e-3f : -1e-3f) * grads[size_t(p.offset + i)] / float(norm);
            gpt.set_tensor(p, x.data());
        }
    }
    const double measured = (sides[1] - sides[0]) / 2e-3;
    t.check_at_most(std::abs(measured / slope - 1), 1e-2, "the gradient is the slope of the loss with entropies");
    t.check_rejected(std::abs(measured / wrong - 1), 1e-2, "the gradient without entropies");
}

}  // namespace objectives_test

inline Suite objectives_tests() {
    using namespace objectives_test;
    return {
        {"objectives: expected gradients equal the derivative of the expected reward", test_unbiased},
        {"objectives: grpo, dr_grpo, dapo, ppo, expert and best are the gradients of what their papers maximise", test_batches_of_groups},
        {"objectives: DPO is the gradient of its loss over all pairs", test_dpo},
        {"objectives: what was drawn at a temperature is weighted back to the model as it is", test_temperature},
        {"objectives: DAPO's soft punishment of overlong answers", test_overlong},
        {"objectives: clipping is the gradient of the clipped surrogate", test_clipping},
        {"objectives: k1, k2 and k3 have the gradients that they are used for", test_kl},
        {"objectives: the entropy bonus is the entropy's gradient, in the fused classifier", test_classifier_entropy},
        {"objectives: the same through the whole model", test_model_entropy},
        {"objectives: advantages of groups, equal rewards, dropped answers", test_groups},
    };
}
