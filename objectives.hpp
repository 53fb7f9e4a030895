// objectives.hpp -- from rewards to one weight per token: the objectives of reinforcement learning.
//
// All of them train with the program's one loss, sum_t c_t * -log p(y_t | y_<t): a token with c_t > 0 becomes likelier, one with
// c_t < 0 less likely. For an objective L = sum_t f(log p_t) the weight is c_t = -f'(log p_t). What differs is how a reward, which
// comes once, at the end of an answer, becomes the c_t of its tokens. An answer's advantage A says how much better it was than the
// others of its group (G answers to one prompt):
//   reinforce   A = r - mean over the whole batch                                             per answer   Williams 1992
//   rloo        A = G/(G-1) (r - group mean): the others' mean is the baseline                per answer   Kool et al. 2019; Ahmadian et al. 2024
//   grpo        A = (r - group mean) / group deviation, each answer's tokens divided by their number       Shao et al. 2024 (DeepSeekMath), eq. 3
//   dr_grpo     A = r - group mean, divided by the longest possible answer for all            per token    Liu et al. 2025
//   dapo        A as grpo, divided by the number of tokens of the batch; upper clip wider     per token    Yu et al. 2025
//   ppo         A as reinforce, whitened over the batch; clipped ratio                        per token    Schulman et al. 2017, eq. 7
//   expert      weight 1 on every right answer, nothing on wrong ones; reads no reward        per token    expert iteration, Anthony et al. 2017
//   best        weight 1 on the answer of each group that has the highest reward              per token    best of n
// Where a batch is used more than once, the tokens have moved: ratio = p_new / p_old, and c_t = A * ratio, or 0 where the ratio has left
// [1 - clip_low, 1 + clip_high] in the direction of the advantage (the clipped surrogate's gradient). Where answers were drawn at a temperature, so from
// another distribution than the one that is trained, each token's c_t is multiplied by importance_weight().
// A penalty keeps the policy near a reference model; d = log p - log p_ref:
//   k1  subtracts beta * sum d from the reward: its gradient is that of KL(policy || reference)
//   k2  adds beta d^2 / 2 to the loss, c_t -= beta d: the same gradient, on the policy's own samples
//   k3  adds beta (exp(-d) + d - 1), c_t -= beta (1 - exp(-d)): its gradient is that of KL(reference || policy)      (Schulman 2020)
// A bonus for entropy keeps it undecided, so that it goes on trying: the loss gets -coef * the mean entropy of the drawn tokens' distributions. It is
// no function of log p_t, so it has a second weight of each token in the fused classifier (kernels/classifier.hpp). DPO, which draws nothing, is in reward.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common.hpp"

enum class Objective { reinforce, rloo, grpo, dr_grpo, dapo, ppo, expert, best };
inline constexpr const char* kObjectiveNames[] = {"reinforce", "rloo", "grpo", "dr_grpo", "dapo", "ppo", "expert", "best"};

inline Objective parse_objective(const std::string& name) {
    for (size_t i = 0; i < std::size(kObjectiveNames); i++)
        if (name == kObjectiveNames[i]) return Objective(i);
    throw UsageError(cat("--objective ", name, ": unknown"), "expected reinforce, rloo, grpo, dr_grpo, dapo, ppo, expert or best");
}

// What one sampled answer brings.
struct SampledAnswer {
    double reward = 0;
    bool right = false;
    bool dropped = false;             // left out of the loss (--truncated drop)
    int64_t group = 0;                // which prompt; the answers of a group stand together
    int64_t tokens = 0;               // drawn, the closing token included
    bool checked = true;              // false: nobody can say whether it is right (a prompt alone)
};

struct Advantages {
    std::vector<double> of;           // one for each answer
    int64_t groups = 0, all_right = 0, all_wrong = 0;    // the latter two among groups that were checked
    int64_t degenerate = 0;                              // all rewards equal, so none of its answers is better than the others
};

namespace objectives {

constexpr double kStdEps = 1e-4;      // added to a group's deviation, which is never near 0 elsewhere (degenerate groups have advantage 0)

inline double mean_of(const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += x;
    return v.empty() ? 0 : sum / double(v.size());
}
inline double std_of(const std::vector<double>& v) {                     // population, in two passes
    const double m = mean_of(v);
    double sum = 0;
    for (const double x : v) sum += (x - m) * (x - m);
    return v.empty() ? 0 : std::sqrt(sum / double(v.size()));
}

}  // namespace objectives

// The advantage of every answer. A group whose rewards are equal, as those of one answer are, says nothing about which answer is better: 0 for all
// of it. Not so in reinforce and ppo, which compare with the whole batch: there such a group is counted and teaches all the same. expert leaves a group
// out where everything in it is right. best takes the first of several that share the highest reward, right or not. Dropped answers count in no mean.
inline Advantages advantages(Objective objective, const std::vector<SampledAnswer>& answers) {
    using namespace objectives;
    Advantages a;
    a.of.assign(answers.size(), 0.0);
    std::vector<double> all;
    for (const SampledAnswer& s : answers)
        if (!s.dropped) all.push_back(s.reward);
    const double batch_mean = mean_of(all), batch_std = std_of(all);
    for (size_t begin = 0, end; begin < answers.size(); begin = end) {
        std::vector<double> rewards;
        int64_t right = 0, kept = 0;
        for (end = begin; end < answers.size() && answers[end].group == answers[begin].group; end++) {
            if (answers[end].dropped) continue;
            rewards.push_back(answers[end].reward);
            right += answers[end].right, kept++;
        }
        const double mean = mean_of(rewards), deviation = std_of(rewards);
        const auto [low, high] = rewards.empty() ? std::pair(0.0, 0.0) : std::pair(*std::min_element(rewards.begin(), rewards.end()), *std::max_element(rewards.begin(), rewards.end()));
        const bool equal = high - low <= 1e-9 * std::max(1.0, std::abs(high));
        const bool checked = answers[begin].checked;
        a.groups++, a.all_right += checked && kept > 0 && right == kept, a.all_wrong += checked && right == 0, a.degenerate += equal;
        size_t best = end;
        for (size_t i = begin; i < end; i++)
            if (!answers[i].dropped && (best == end || answers[i].reward > answers[best].reward)) best = i;
        for (size_t i = begin; i < end; i++) {
            const SampledAnswer& s = answers[i];
            if (s.dropped) continue;
            switch (objective) {
                case Objective::expert: a.of[i] = s.right && right < kept; continue;
                case Objective::best: a.of[i] = !equal && i == best; continue;
                case Objective::reinforce: a.of[i] = s.reward - batch_mean; continue;
                case Objective::ppo: a.of[i] = batch_std > 0 ? (s.reward - batch_mean) / (batch_std + kStdEps) : 0; continue;
                case Objective::rloo: a.of[i] = equal ? 0 : double(kept) / double(kept - 1) * (s.reward - mean); continue;
                case Objective::dr_grpo: a.of[i] = equal ? 0 : s.reward - mean; continue;
                case Objective::grpo:
                case Objective::dapo: a.of[i] = equal ? 0 : (s.reward - mean) / (deviation + kStdEps); continue;
            }
        }
    }
    return a;
}

// What the sum over tokens is divided by, for an answer of n tokens: the batch has `answers` of them with `tokens` in all, at most max_tokens each.
inline double token_divisor(Objective objective, int64_t n, int64_t answers, int64_t tokens, int64_t max_tokens) {
    switch (objective) {
        case Objective::reinforce:
        case Objective::rloo: return double(answers);
        case Objective::grpo: return double(answers) * double(n);
        case Objective::dr_grpo: return double(answers) * double(max_tokens);
        case Objective::dapo:
        case Objective::ppo:
        case Objective::expert:
        case Objective::best: return double(tokens);
    }
    throw Error("an objective without a divisor");
}

// DAPO's soft punishment of an answer of n tokens (Yu et al. 2025, eq. 13): from 0, where `buffer` tokens are left of `longest`, straight down to -1 at
// `longest`. buffer 0: none.
inline double overlong_penalty(int64_t n, int64_t longest, int64_t buffer) {
    if (buffer == 0) return 0;
    return -std::clamp(double(n - (longest - buffer)) / double(buffer), 0.0, 1.0);
}

// How much a token counts that was drawn at another temperature, with log probability lp_drawn there and lp at 1: p / p_drawn makes the mean over what
// was drawn a mean over what would have been drawn at 1. Cut at 2, so that no token speaks for many (truncated importance sampling, Ionides 2008): what
// is cut is a bias. As in PPO the ratio is this token's own; which tokens came before it is left as it was drawn.
constexpr double kMaxImportance = 2;
inline double importance_weight(double lp, double lp_drawn) { return std::min(std::exp(lp - lp_drawn), kMaxImportance); }

enum class KlKind { none, k1, k2, k3 };
inline KlKind parse_kl(const std::string& name) {
    if (name == "none") return KlKind::none;
    if (name == "k1") return KlKind::k1;
    if (name == "k2") return KlKind::k2;
    if (name == "k3") return KlKind::k3;
    throw UsageError(cat("--kl ", name, ": expected none, k1, k2 or k3"));
}

struct TokenTerms {
    double clip_low = 0.2, clip_high = 0.2;
    KlKind kl = KlKind::none;
    double kl_coef = 0;
};

// Counted over the tokens of a batch.
struct TokenStatistics {
    double tokens = 0, ratio = 0, clipped_low = 0, clipped_high = 0, k1 = 0, k3 = 0;
};

// c_t of one token, not yet divided. lp: its log probability now; lp_old: when it was drawn; lp_ref: by the reference model (kl other than none).
inline double token_weight(double advantage, double lp, double lp_old, double lp_ref, const TokenTerms& terms, TokenStatistics* stats = nullptr) {
    const double ratio = std::exp(std::clamp(lp - lp_old, -20.0, 20.0));
    const bool low = advantage < 0 && ratio < 1 - terms.clip_low, high = advantage > 0 && ratio > 1 + terms.clip_high;
    double c = low || high ? 0 : advantage * ratio;
    const double d = std::clamp(lp - lp_ref, -20.0, 20.0);
    if (terms.kl == KlKind::k2) c -= terms.kl_coef * d;
    if (terms.kl == KlKind::k3) c -= terms.kl_coef * (1 - std::exp(-d));
    if (stats) {
        stats->tokens++, stats->ratio += ratio, stats->clipped_low += low, stats->clipped_high += high;
        if (terms.kl != KlKind::none) stats->k1 += d, stats->k3 += std::exp(-d) + d - 1;
    }
    return c;
}
