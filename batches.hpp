// batches.hpp -- examples of different lengths become micro-batches: how SFT, RL and the reward model fill their rows.
//
// Pretraining cuts rows of one length from an endless stream. A conversation is an example of its own: nothing before it may
// be seen, and its first token stands at position 0, as it will when the model answers somebody. So each row holds one
// example, and the end of a shorter row is padding with weight 0, which no earlier position sees (attention is causal). Sorting
// the examples of a step by length before they are cut into micro-batches makes padding rare: some 5 % of the positions.
// This is the choice instead of packing several conversations into a row: no conversation attends to another, no mask in
// the attention kernel, and the positions of training are those of use.
// The sum of a step's gradients does not depend on how it was cut (up to the rounding of sums).
#pragma once

#include <numeric>

#include "trainer.hpp"

// One example: a row of tokens, and how much the prediction of each counts. weights[0] has no meaning: nothing predicts the first.
struct Sequence {
    std::vector<int32_t> ids;          // (n)
    std::vector<float> weights;        // (n)
    std::vector<float> entropy_weights = {};   // (n), or none: how much the entropy of each prediction counts
};

// ---- which example is next

// "FILE" or "FILE:WEIGHT", as --data and --tasks take it.
struct WeightedPath {
    std::string path;
    double weight = 1;
};
inline WeightedPath parse_weighted_path(const std::string& flag, const std::string& given) {
    const size_t colon = given.rfind(':');
    if (colon == std::string::npos || fs::exists(given)) return {given, 1};
    WeightedPath w{given.substr(0, colon), 1};
    w.weight = cli::parse_value<double>(flag, given.substr(colon + 1), "the weight of " + w.path);
    if (!(w.weight > 0 && w.weight <= 1e6)) throw UsageError(cat("--", flag, " ", given, ": expected a weight above 0"));
    return w;
}

// Several lists, each with a weight: how often an epoch sees each of its members (0.5: half of them, other ones in each epoch). Number k of
// the endless stream is a function of (seed, k) alone; `key` keeps the random numbers of different users apart.
class ShuffledEpochs {
   public:
    struct List {
        size_t size;
        double weight;
        int64_t per_epoch() const { return std::llround(weight * double(size)); }
    };
    struct Place {
        size_t list, index;
    };
    ShuffledEpochs(uint64_t key, std::vector<List> lists) : key_(key), lists_(std::move(lists)) {}
    int64_t per_epoch() const {
        int64_t n = 0;
        for (const List& l : lists_) n += l.per_epoch();
        return n;
    }
    Place at(uint64_t seed, int64_t k) {
        const int64_t n = per_epoch();
        ASSERT(n > 0, "no examples");
        if (const int64_t epoch = k / n; epoch != epoch_ || seed != seed_) shuffle(seed, epoch);
        return order_[size_t(k % n)];
    }

   private:
    void shuffle(uint64_t seed, int64_t epoch) {
        order_.clear();
        for (size_t l = 0; l < lists_.size(); l++) {
            std::vector<Place> all;
            for (size_t i = 0; i < lists_[l].size; i++) all.push_back({l, i});
            int64_t wanted = lists_[l].per_epoch();
            for (; wanted >= int64_t(all.size()) && wanted > 0; wanted -= int64_t(all.size())) order_.insert(order_.end(), all.begin(), all.end());
            Rng::stream(seed, 0x736674, epoch, l).shuffle(all);
            order_.insert(order_.end(), all.begin(), all.begin() + wanted);
        }
        Rng::stream(seed, key_, epoch).shuffle(order_);
        epoch_ = epoch, seed_ = seed;
    }
    const uint64_t key_;
    const std::vector<List> lists_;
    std::vector<Place> order_;
    int64_t epoch_ = -1;
    uint64_t seed_ = 0;
};

// ---- micro-batches

// Which examples share a micro-batch, and its width T (inputs; an example of n tokens has n - 1 of them).
struct BatchPlan {
    int64_t T = 0;
    std::vector<size_t> examples;      // their numbers
};

// lengths: tokens of each example, at least 2 and at most max_tokens + 1. Widths are multiples of 16 where max_T allows it, so that there are
// few different shapes. Every rank of `ranks` gets equally many plans (plan i is rank i mod ranks'), the last of them perhaps empty.
inline std::vector<BatchPlan> plan_batches(const std::vector<size_t>& lengths, int64_t max_tokens, int64_t max_T, int64_t ranks = 1) {
    std::vector<size_t> order(lengths.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
    std::vector<BatchPlan> plans;
    for (size_t i = 0; i < order.size();) {
        const int64_t inputs = int64_t(lengths[order[i]]) - 1;
        ASSERT(inputs >= 1 && inputs <= max_tokens && inputs <= max_T, "an example of ", inputs + 1, " tokens in batches of ", max_tokens, ", context ", max_T);
        BatchPlan plan{std::min({round_up(inputs, int64_t(16)), max_tokens, max_T}), {}};
        for (const int64_t rows = max_tokens / plan.T; i < order.size() && int64_t(plan.examples.size()) < rows; i++) plan.examples.push_back(order[i]);
        plans.push_back(std::move(plan));
    }
    while (int64_t(plans.size()) % ranks != 0) plans.push_back({1, {}});
    return plans;
}

// Inputs, targets and weights of a plan. Positions beyond an example's end have input 0, target -1 and weight 0. A plan without examples gives one
// such row.
inline MicroBatch fill_batch(const BatchPlan& plan, const std::vector<const Sequence*>& examples) {
    MicroBatch b;
    b.B = std::max(int64_t(1), int64_t(plan.examples.size())), b.T = plan.T;
    b.inputs.assign(size_t(b.B * b.T), 0);
    b.targets.assign(size_t(b.B * b.T), -1);
    b.weights.assign(size_t(b.B * b.T), 0.0f);
    for (size_t r = 0; r < plan.examples.size(); r++) {
        const Sequence& s = *examples[plan.examples[r]];
        const size_t at = r * size_t(b.T), n = s.ids.size() - 1;
        std::copy(s.ids.begin(), s.ids.begin() + int64_t(n), b.inputs.begin() + int64_t(at));
        if (!s.entropy_weights.empty()) b.entropy_weights.resize(b.weights.size(), 0.0f);
        for (size_t i = 0; i < n; i++) {
            b.weights[at + i] = s.weights[i + 1];
            if (!s.entropy_weights.empty()) b.entropy_weights[at + i] = s.entropy_weights[i + 1];
            if (s.weights[i + 1] != 0 || (!s.entropy_weights.empty() && s.entropy_weights[i + 1] != 0)) b.targets[at + i] = s.ids[i + 1];
        }
    }
    return b;
}

// The micro-batches of one step for this rank.
inline std::vector<MicroBatch> make_batches(const std::vector<const Sequence*>& examples, int64_t max_tokens, int64_t max_T, int64_t ranks = 1, int64_t rank = 0) {
    std::vector<size_t> lengths;
    for (const Sequence* s : examples) lengths.push_back(s->ids.size());
    std::vector<MicroBatch> batches;
    const auto plans = plan_batches(lengths, max_tokens, max_T, ranks);
    for (size_t i = size_t(rank); i < plans.size(); i += size_t(ranks)) batches.push_back(fill_batch(plans[i], examples));
    return batches;
}
