// dev/test/test_model.hpp -- the model as a whole, the trainer and generation: what must hold whatever the weights are.
#pragma once

#include "../../pretrain.hpp"
#include "model_data.hpp"
#include "test.hpp"

namespace model_test {

constexpr int64_t kB = 3, kT = 13, kN = kB * kT;

inline Config tiny(bool tied = true) {
    Config c;
    c.max_T = 16, c.V = 77, c.L = 2, c.NH = 3, c.C = 24, c.tied = tied;
    return c;
}

inline Data random_data(int64_t V, uint64_t seed, int64_t N = kN) {
    Rng rng(seed);
    Data d;
    for (int64_t i = 0; i < N; i++) {
        d.inputs.push_back(int32_t(rng.below(uint64_t(V))));
        d.targets.push_back(int32_t(rng.below(uint64_t(V))));
        d.weights.push_back((0.5f + rng.uniform()) / float(N));
    }
    return d;
}

template <typename T = float>
struct TinyGpt {
    Cpu cpu{2};
    Gpt<Cpu, T> gpt;
    ModelOf<Cpu, T> handle{gpt};   // the same, as the other chapters see it
    explicit TinyGpt(const Config& c = tiny(), bool recompute = false, int64_t tokens = kN) : gpt(cpu, c, {tokens, true, recompute}) {
        fill_weights(gpt);
    }
    double step(const Data& d, int64_t B = kB, int64_t Tn = kT) {
        return gpt.forward_backward(d.inputs.data(), d.targets.data(), d.weights.data(), B, Tn);
    }
    std::vector<float> grads() const { return {gpt.grads, gpt.grads + gpt.layout.size}; }
    std::vector<float> logits(const std::vector<int32_t>& ids, int64_t B, int64_t Tn) {
        std::vector<float> out(size_t(B * Tn * gpt.config.V), kNaN);
        gpt.logits(out.data(), ids.data(), B, Tn);
        return out;
    }
};

inline void test_parameter_counts(Report& t) {
    // published counts of the Hugging Face models
    const std::pair<const char*, int64_t> known[] = {{"gpt2", 124439808}, {"gpt2-medium", 354823168}, {"gpt2-large", 774030080}, {"gpt2-xl", 1557611200}};
    for (const auto& [name, count] : known)
        for (const NamedSize& s : kNamedSizes)
            if (std::string(s.name) == name) {
                Config c;
                c.L = s.L, c.NH = s.NH, c.C = s.C, c.max_T = s.max_T;
                t.check(ParamLayout(c).count == count, cat(name, " has ", count, " parameters"));
            }
    const DepthDial d = depth_dial(12, 50257);
    t.check(d.channels == 768 && d.heads == 12 && std::fabs(d.lr - 6e-4f) < 1e-9f && d.total_batch_tokens == 524288, "--depth 12 is GPT-2 124M with GPT-3's learning rate and batch");
    const DepthDial wide = depth_dial(6, 50257, 768), odd = depth_dial(4, 256, 200);
    t.check(wide.heads == 12 && wide.lr == d.lr && wide.budget_tokens < d.budget_tokens && odd.heads == 2, "--channels: learning rate, heads and budget are those of that width");
}

inline void test_layout(Report& t) {
    const ParamLayout layout(tiny(false));
    int64_t end = 0;
    std::set<std::string> names;
    for (const Tensor& x : layout.tensors) {
        t.check(x.offset >= end && x.offset % 64 == 0, x.name + " begins behind its predecessor, aligned");
        t.check(names.insert(x.name).second, x.name + " occurs once");
        end = x.offset + x.size;
    }
    t.check(layout.size >= end && names.size() == 2 + 12 * 2 + 2 + 1, "every tensor is placed");
    t.check(layout.root.lm_head != layout.root.wte && ParamLayout(tiny()).root.lm_head == ParamLayout(tiny()).root.wte, "a tied head is the embedding");
}

// The slope of the loss along a random direction in each tensor equals the inner product with its gradient.
inline void test_gradients(Report& t, const Config& config, bool recompute) {
    TinyGpt<> m(config, recompute);
    const Data d = random_data(config.V, 3);
    m.step(d);
    const auto grads = m.grads();
    for (const Tensor& x : m.gpt.layout.tensors) {
        std::vector<float> at(size_t(x.size), 0.0f), moved = at;
        m.gpt.get_tensor(x, at.data());
        const float h = 2e-3f;
        // along the gradient the slope is largest, so rounding matters least; a random part covers the rest of the space
        std::vector<float> direction = normals(x.real_size, uint64_t(x.offset) + 5);
        double norm = 0;
        for (int64_t i = 0; i < x.real_size; i++) norm += double(grads[size_t(x.offset + i)]) * double(grads[size_t(x.offset + i)]);
        norm = std::sqrt(norm);
        for (int64_t i = 0; i < x.real_size; i++)
            direction[size_t(i)] = 0.3f * direction[size_t(i)] / std::sqrt(float(x.real_size)) + grads[size_t(x.offset + i)] / float(norm);
        double slope[2], expected = 0;
        for (int side = 0; side < 2; side++) {
            for (int64_t i = 0; i < x.real_size; i++) moved[size_t(i)] = at[size_t(i)] + (side ? h : -h) * direction[size_t(i)];
            m.gpt.set_tensor(x, moved.data());
            slope[side] = m.gpt.loss(d.inputs.data(), d.targets.data(), d.weights.data(), kB, kT);
        }
        m.gpt.set_tensor(x, at.data());
        for (int64_t i = 0; i < x.real_size; i++) expected += double(direction[size_t(i)]) * double(grads[size_t(x.offset + i)]);
        const double measured = (slope[1] - slope[0]) / (2 * double(h));
        const double error = std::fabs(measured - expected) / std::fabs(expected);
        t.check_at_most(error, 2e-2, cat(x.name, recompute ? " (recompute)" : "", ": the gradient is the slope of the loss"));
        t.check_rejected(std::fabs(measured - 1.05 * expected) / std::fabs(expected), 2e-2, cat(x.name, ": a gradient 5 % too large"));
    }
    for (const Tensor& x : m.gpt.layout.tensors)
        for (int64_t i = x.real_size; i < x.size; i++)
            if (grads[size_t(x.offset + i)] != 0) return t.check(false, x.name + ": padding rows have a gradient");
    t.check(true, "padding rows have no gradient");
}
inline void test_gradients_tied(Report& t) { test_gradients(t, tiny(), false); }
inline void test_gradients_scores(Report& t) {
    Config c = tiny();
    c.scores = true;
    test_gradients(t, c, false);
}
inline void test_gradients_untied_recompute(Report& t) { test_gradients(t, tiny(false), true); }

inline void test_recompute_same_bits(Report& t) {
    TinyGpt<> a(tiny(), false), b(tiny(), true);
    const Data d = random_data(77, 4);
    t.check(a.step(d) == b.step(d), "the loss has the same bits with --recompute");
    t.check(a.grads() == b.grads(), "the gradients have the same bits with --recompute");
}

inline void test_micro_batches(Report& t) {
    const Data d = random_data(77, 5);
    TinyGpt<> whole, parts;
    const double loss = whole.step(d);
    double sum = 0;
    for (int64_t b = 0; b < kB; b++) {
        const auto from = b * kT, to = from + kT;
        Data row{{d.inputs.begin() + from, d.inputs.begin() + to}, {d.targets.begin() + from, d.targets.begin() + to}, {d.weights.begin() + from, d.weights.begin() + to}};
        sum += parts.step(row, 1);
    }
    t.check_at_most(std::fabs(sum - loss) / loss, 1e-6, "losses of micro-batches add up to that of the whole batch");
    t.check_at_most(relative_error(parts.grads(), whole.grads()), 1e-5, "gradients of micro-batches add up to that of the whole batch");
    TinyGpt<> missing;
    Data d2 = d;
    d2.weights[0] = 0;
    missing.step(d2);
    t.check_rejected(relative_error(missing.grads(), whole.grads()), 1e-5, "a gradient that misses one target");
}

inline void test_weights_are_a_mask(Report& t) {
    TinyGpt<> a, b;
    Data d = random_data(77, 6);
    for (int64_t i = 0; i < kN; i += 2) d.weights[size_t(i)] = 0;
    const double loss = a.step(d);
    for (int64_t i = 0; i < kN; i += 2) d.targets[size_t(i)] = int32_t((d.targets[size_t(i)] + 1) % 77);
    t.check(b.step(d) == loss && a.grads() == b.grads(), "a target of weight 0 changes no bit of loss and gradients");
    TinyGpt<> c;
    std::fill(d.weights.begin(), d.weights.end(), 0.0f);
    const double none = c.step(d);
    const auto g = c.grads();
    t.check(none == 0 && std::all_of(g.begin(), g.end(), [](float x) { return x == 0; }), "weights of 0 everywhere give no loss and no gradient");
}

inline void test_causality(Report& t) {
    TinyGpt<> m;
    Data d = random_data(77, 7);
    const auto before = m.logits(d.inputs, kB, kT);
    for (int64_t pos : {int64_t(0), int64_t(5), kT - 1}) {
        auto changed = d.inputs;
        for (int64_t b = 0; b < kB; b++) changed[size_t(b * kT + pos)] = (changed[size_t(b * kT + pos)] + 1) % 77;
        const auto after = m.logits(changed, kB, kT);
        bool same = true, differs = true;
        for (int64_t b = 0; b < kB; b++) {
            const auto* x = &before[size_t(b * kT * 77)];
            const auto* y = &after[size_t(b * kT * 77)];
            same = same && std::equal(x, x + pos * 77, y);
            differs = differs && !std::equal(x + pos * 77, x + (pos + 1) * 77, y + pos * 77);
        }
        t.check(same, cat("a change at position ", pos, " changes no logit before it"));
        t.check(differs, cat("control: a change at position ", pos, " changes the logits there"));
    }
}

inline void test_batch_invariance(Report& t) {
    TinyGpt<> m;
    const Data d = random_data(77, 8);
    const auto all = m.logits(d.inputs, kB, kT);
    for (int64_t b = 0; b < kB; b++) {
        const auto alone = m.logits({d.inputs.begin() + b * kT, d.inputs.begin() + (b + 1) * kT}, 1, kT);
        const std::vector<float> in_batch(all.begin() + b * kT * 77, all.begin() + (b + 1) * kT * 77);
        t.check_at_most(relative_error(alone, in_batch), 1e-5, cat("row ", b, " alone and in a batch"));
    }
    const auto shorter = m.logits({d.inputs.begin(), d.inputs.begin() + 4}, 1, 4);
    t.check_at_most(relative_error(shorter, std::vector<float>(all.begin(), all.begin() + 4 * 77)), 1e-5, "a prefix has the logits of the whole");
}

inline void test_cached_equals_full(Report& t) {
    TinyGpt<> m;
    const Data d = random_data(77, 9);
    const auto full = m.logits(d.inputs, kB, kT);
    KvCache<Cpu, float> cache(m.cpu, m.gpt.config, 5, 16);
    std::vector<float> out(size_t(kB * 77), kNaN);
    const std::vector<int32_t> slot = {4, 0, 2};                       // rows of the cache in no order
    auto expected = [&](int64_t b, int64_t pos) { return std::vector<float>(full.begin() + (b * kT + pos) * 77, full.begin() + (b * kT + pos + 1) * 77); };
    // prefills of different length, in one piece or two, then all rows step by step together
    const std::vector<int64_t> prefill = {1, 5, 7};
    for (int64_t b = 0; b < kB; b++) {
        const int32_t first = b == 2 ? 3 : 0;
        const int32_t zero = 0;
        if (first) m.gpt.forward_cached(&out[size_t(b * 77)], cache, &d.inputs[size_t(b * kT)], &slot[size_t(b)], &zero, 1, first);
        m.gpt.forward_cached(&out[size_t(b * 77)], cache, &d.inputs[size_t(b * kT + first)], &slot[size_t(b)], &first, 1, prefill[size_t(b)] - first);
        t.check_at_most(relative_error(std::vector<float>(out.begin() + b * 77, out.begin() + (b + 1) * 77), expected(b, prefill[size_t(b)] - 1)), 1e-5,
                        cat("prefill of row ", b, " equals the full forward pass"));
    }
    for (int64_t s = 0; s < 6; s++) {
        std::vector<int32_t> ids, past;
        for (int64_t b = 0; b < kB; b++) {
            past.push_back(int32_t(prefill[size_t(b)] + s));
            ids.push_back(d.inputs[size_t(b * kT + past.back())]);
        }
        m.gpt.forward_cached(out.data(), cache, ids.data(), slot.data(), past.data(), kB, 1);
        for (int64_t b = 0; b < kB; b++)
            t.check_at_most(relative_error(std::vector<float>(out.begin() + b * 77, out.begin() + (b + 1) * 77), expected(b, past[size_t(b)])), 1e-5,
                            cat("decoding step ", s, " of row ", b, " equals the full forward pass"));
        t.check_rejected(relative_error(std::vector<float>(out.begin(), out.begin() + 77), expected(1, past[1])), 1e-5, "another row's logits");
    }
}

template <typename T>
double overfit(Report& t, const char* name) {
    TinyGpt<T> m;
    Data d = random_data(77, 10);
    std::fill(d.weights.begin(), d.weights.end(), 1.0f / float(kN));
    double first = 0, last = 0;
    for (int s = 1; s <= 60; s++) {
        m.gpt.zero_grads();
        last = m.step(d);
        if (s == 1) first = last;
        m.gpt.update({3e-3f, 0.9f, 0.95f, 1e-8f, 0.0f, 1.0f, s});
    }
    t.check(first > 3 && last < 0.5, cat(name, ": 60 updates on one batch of random tokens learn it by heart (", first, " -> ", last, ")"));
    bool zero = true;
    for (const Tensor& x : m.gpt.layout.tensors)
        for (int64_t i = x.real_size; i < x.size; i++) zero = zero && float(m.gpt.params[x.offset + i]) == 0;
    t.check(zero, cat(name, ": padding rows stay zero under updates"));
    return last;
}
inline void test_overfits(Report& t) {
    overfit<float>(t, "fp32");
    overfit<bf16>(t, "bf16");
}

inline void test_bf16_follows_fp32(Report& t) {
    TinyGpt<float> a;
    TinyGpt<bf16> b;
    const Data d = random_data(77, 11);
    const double x = a.step(d), y = b.step(d);
    t.check_at_most(std::fabs(x - y) / x, 2e-2, "the bf16 loss equals the fp32 loss");
    t.check_at_most(relative_error(b.grads(), a.grads()), 5e-2, "the bf16 gradients equal the fp32 gradients");
    t.check(x != y, "control: bf16 rounds");
}

inline void test_same_bits(Report& t) {
    const Data d = random_data(77, 12);
    TinyGpt<> a, b;
    for (int s = 1; s <= 3; s++)
        for (TinyGpt<>* m : {&a, &b}) {
            m->gpt.zero_grads();
            m->step(d);
            m->gpt.update({1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, 1.0f, s});
        }
    t.check(std::memcmp(a.gpt.params, b.gpt.params, size_t(a.gpt.layout.size) * sizeof(float)) == 0, "three updates twice give the same bits");
}

inline void test_bad_ids(Report& t) {
    TinyGpt<> m;
    Data d = random_data(77, 13);
    auto bad = d;
    bad.inputs[4] = 77;
    t.check_error([&] { m.step(bad); }, "token id 77", "an id of the padding is refused");
    bad = d;
    bad.targets[4] = 77;
    t.check_error([&] { m.step(bad); }, "target id 77", "a target in the padding is refused");
    bad = d;
    bad.inputs[0] = -1;
    t.check_error([&] { m.step(bad); }, "token id -1", "a negative id is refused");
    Config c = tiny();
    c.NH = 5;
    t.check_error([&] { validate(c); }, "do not divide", "heads that do not divide the channels are refused");
}

inline void test_generation(Report& t) {
    TinyGpt<> m;
    const std::vector<std::vector<int32_t>> prompts = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9}};
    const auto own_cache = m.handle.make_cache(3, 16);
    ModelCache& cache = *own_cache;
    GenerateOptions o{8, {1.0f, 0, 1.0f}, 42, {}};
    const auto together = generate(m.handle, cache, prompts, o);
    const auto again = generate(m.handle, cache, prompts, o);
    bool same = true;
    for (size_t r = 0; r < 3; r++) same = same && together[r].ids == again[r].ids && together[r].ids.size() == 8;
    t.check(same, "the same seed gives the same tokens");
    o.seed = 43;
    t.check(generate(m.handle, cache, prompts, o)[0].ids != together[0].ids, "control: another seed gives other tokens");
    o.seed = 42;
    t.check(generate(m.handle, cache, {prompts[0]}, o)[0].ids == together[0].ids, "a row alone gives the tokens it has in a batch");
    // greedy decoding against the argmax of full forward passes
    o.sampling.temperature = 0;
    const auto greedy = generate(m.handle, cache, prompts, o);
    bool all_equal = true;
    for (size_t r = 0; r < 3; r++) {
        std::vector<int32_t> ids = prompts[r];
        for (int i = 0; i < 8; i++) {
            const auto logits = m.logits(ids, 1, int64_t(ids.size()));
            const float* last = &logits[(ids.size() - 1) * 77];
            ids.push_back(int32_t(std::max_element(last, last + 77) - last));
        }
        all_equal = all_equal && std::vector<int32_t>(ids.begin() + long(prompts[r].size()), ids.end()) == greedy[r].ids;
    }
    t.check(all_equal, "greedy generation takes the argmax of the full forward pass");
    o.max_tokens = 100;
    const auto full = generate(m.handle, cache, prompts, o);
    t.check(full[0].reason == StopReason::context_full && full[0].ids.size() == 16 - 3 + 1, "generation ends where the context is full");
    o.stop_ids = {greedy[0].ids[2]};
    const auto stopped = generate(m.handle, cache, prompts, o);
    t.check(stopped[0].reason == StopReason::end_of_text && stopped[0].ids.size() <= 2, "generation ends at a stop id, which is not part of the text");
    t.check_error([&] { generate(m.handle, cache, {std::vector<int32_t>(17, 1)}, o); }, "the context holds 16", "a prompt longer than the context is refused");
}

inline void test_text_stream(Report& t) {
    // every way to cut the bytes gives the same text, and nothing of the stop string is ever shown
    const std::string text = "na\xc3\xafve \xf0\x9f\x98\x80 words, then STOP and more";
    for (size_t cut = 1; cut <= text.size(); cut++) {
        TextStream s({"STOP", "STORE"});
        std::string shown;
        for (size_t i = 0; i < text.size() && !s.stopped; i += cut) shown += s.push(text.substr(i, cut));
        shown += s.flush();
        t.check(s.stopped && shown == text.substr(0, text.find("STOP")), cat("pieces of ", cut, " bytes stop before the stop string"));
    }
    TextStream s({"STOP"});
    t.check(s.push("an ST") == "an " && s.push("AR") == "STAR", "what only looked like a stop string is shown once it is not one");
    TextStream last({"STOP"});
    t.check(last.push("\xf0\x9f") == "" && last.push("\x98\x80STOP") == "\xf0\x9f\x98\x80" && last.stopped, "the rest of a character and a stop string in one piece");
    TextStream cut({"STOP"});
    t.check(cut.push("\xf0\x9f") == "" && cut.push("STOP") == "\xf0\x9f", "the bytes of a character that the stop string cuts short are not lost");
    TextStream u;
    t.check(u.push("\xf0\x9f") == "" && u.push("\x98\x80") == "\xf0\x9f\x98\x80", "a character is shown when it is whole");
}

inline void test_schedule(Report& t) {
    TrainerConfig c;
    c.lr = 1.0f, c.min_lr = 0.1f, c.warmup = 10, c.steps = 110;
    for (const char* s : {"cosine", "linear", "constant", "wsd"}) {
        c.schedule = s;
        t.check(learning_rate(c, 0) == 0.1f && learning_rate(c, 9) == 1.0f, cat(s, ": the warm-up rises linearly to the peak"));
    }
    auto near = [](float a, double b) { return std::fabs(a - b) < 1e-6; };
    c.schedule = "cosine";
    t.check(near(learning_rate(c, 60), 0.55) && near(learning_rate(c, 110), 0.1) && near(learning_rate(c, 35), 0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5))), "cosine: half way, a quarter, the end");
    c.schedule = "linear";
    t.check(near(learning_rate(c, 60), 0.55) && near(learning_rate(c, 35), 0.775), "linear: half way, a quarter");
    c.schedule = "constant";
    t.check(near(learning_rate(c, 109), 1.0), "constant stays");
    c.schedule = "wsd";
    t.check(near(learning_rate(c, 87), 1.0) && near(learning_rate(c, 99), 1.0 - 0.9 * 0.5), "wsd: stable, then linear decay in the last fifth");
    c.schedule = "step";
    t.check_error([&] { learning_rate(c, 50); }, "unknown", "an unknown schedule is refused");
}

inline std::vector<MicroBatch> micro_batch(const Data& d) {
    return {{kB, kT, d.inputs, d.targets, std::vector<float>(size_t(kN), 1.0f)}};
}

inline void test_trainer(Report& t) {
    TrainerConfig c;
    c.steps = 100, c.lr = 1e-2f, c.min_lr = 0, c.warmup = 0, c.grad_clip = 0.01f;
    TinyGpt<> a, b;
    Trainer trainer(a.handle, c);
    const Data d = random_data(77, 20);
    auto batches = micro_batch(d);
    const StepResult r = trainer.step(batches);
    // by hand: weights 1/N, gradients times clip / norm
    Data by_hand = d;
    std::fill(by_hand.weights.begin(), by_hand.weights.end(), 1.0f / float(kN));
    const double loss = b.step(by_hand);
    const double norm = b.gpt.grad_norm();
    b.gpt.update({1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, float(double(0.01f) / norm), 1});
    t.check(r.loss == loss && r.grad_norm == norm && norm > 0.01, "a step has the mean loss and the norm of the gradient of the mean");
    t.check(std::memcmp(a.gpt.params, b.gpt.params, size_t(a.gpt.layout.size) * sizeof(float)) == 0, "an update is clipped to the norm");

    const std::vector<float> before(a.gpt.params, a.gpt.params + a.gpt.layout.size);
    batches = micro_batch(d);
    batches[0].weights.assign(size_t(kN), 0.0f);
    const StepResult empty = trainer.step(batches);
    t.check(!empty.skipped.empty() && empty.loss == 0 && std::equal(before.begin(), before.end(), a.gpt.params), "a batch without targets changes nothing and divides by nothing");
    batches = micro_batch(d);
    const float keep = a.gpt.params[a.gpt.layout.root.ln_f_w];
    a.gpt.params[a.gpt.layout.root.ln_f_w] = std::numeric_limits<float>::quiet_NaN();
    const StepResult nan = trainer.step(batches);
    a.gpt.params[a.gpt.layout.root.ln_f_w] = keep;
    t.check(nan.skipped.find("loss is") != std::string::npos && std::equal(before.begin(), before.end(), a.gpt.params), "a loss that is not finite skips the update");
    t.check(trainer.steps_done == 3 && trainer.updates_done == 1, "skipped steps count as steps, not as updates");
    a.gpt.params[a.gpt.layout.root.ln_f_w] = 3e38f;
    batches = micro_batch(d);
    const StepResult steep = trainer.step(batches);
    a.gpt.params[a.gpt.layout.root.ln_f_w] = keep;
    t.check(!steep.skipped.empty() && std::equal(before.begin(), before.end(), a.gpt.params), "numbers that overflow skip the update");
    // a window of losses far below this one, and the control: the same with outliers let through
    for (const bool judged : {true, false}) {
        TinyGpt<> fresh;
        TrainerConfig skipping = c;
        skipping.skip_z = judged ? 6 : 0;
        Trainer t2(fresh.handle, skipping);
        for (size_t i = 0; i < OutlierDetector::kWindow; i++) t2.outliers.add(1 + 0.01 * double(i % 7));
        const std::vector<float> at_first(fresh.gpt.params, fresh.gpt.params + fresh.gpt.layout.size);
        batches = micro_batch(d);
        const StepResult high = t2.step(batches);
        const bool moved = !std::equal(at_first.begin(), at_first.end(), fresh.gpt.params);
        t.check(moved != judged && (high.skipped.find("deviations above") != std::string::npos) == judged && t2.updates_done == !judged,
                judged ? "an outlier skips the update" : "control: without the limit it updates");
    }

    Trainer other(b.handle, c);
    other.set_state(parse_json_text<json>(json_text(trainer.state())));
    t.check(other.steps_done == 4 && other.updates_done == 1 && other.outliers.window == trainer.outliers.window, "the state survives a file");
}

// What is decided about an update, from loss and norm alone.
inline void test_gate(Report& t) {
    const double big = 1e300, inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    struct Case { double loss, norm; StepGate gate; float scale; };
    for (const Case& c : {Case{2, 3, {}, 1}, Case{2, 3, {.max_norm = 1}, float(1.0 / 3)}, Case{2, 1, {.max_norm = 1}, 1}, Case{2, 0, {.max_norm = 1}, 1},
                          Case{2, big, {}, 1}, Case{2, big, {.max_norm = 1}, 0}, Case{2, inf, {}, 0}, Case{2, nan, {}, 0}, Case{nan, 1, {}, 0}, Case{inf, 1, {}, 0}, Case{-inf, 1, {}, 0},
                          Case{-5, 1, {}, 1}, Case{2, 1, {.max_loss = 2}, 1}, Case{2.001, 1, {.max_loss = 2}, 0}, Case{-1e9, 1, StepGate::closed(), 0}})
        t.check(c.gate.grad_scale(c.loss, c.norm) == c.scale, cat("loss ", c.loss, ", norm ", c.norm, ", at most ", c.gate.max_loss, " and ", c.gate.max_norm, ": scale ", c.scale));
    Cpu dev(1);
    const double parts[] = {1.5, 9, -0.25, 16, 0.5, 0};
    StepSums sums;
    end_step(dev, &sums, parts, 3, {.max_norm = 2.5});
    t.check(sums.loss == 1.75 && sums.grad_norm == 5 && sums.grad_scale == 0.5f, "the parts of three ranks: losses added, norms as the sides of a box");
}

inline void test_outliers(Report& t) {
    OutlierDetector o;
    Rng rng(1);
    double worst = 0;
    for (int i = 0; i < 300; i++) {
        const double x = 3 + 0.1 * (rng.uniform() - 0.5);
        worst = std::max(worst, o.z(x));
        o.add(x);
    }
    t.check(worst < 3, "ordinary losses are no outliers");
    t.check(o.z(3.5) > 6 && o.bound(6) < 3.5 && o.bound(6) > 3.05, "a jump of many deviations is one");
    t.check_at_most(std::fabs(o.z(o.bound(6)) - 6), 1e-9, "the bound lies where it says, in deviations");
    t.check(o.window.size() == OutlierDetector::kWindow, "the window keeps its size");
    o.add(NAN);
    t.check(o.window.size() == OutlierDetector::kWindow && std::isfinite(o.bound(6)), "a NaN is not kept");
    OutlierDetector fresh;
    fresh.add(1);
    t.check(fresh.z(1000) == 0 && fresh.bound(6) == INFINITY, "nothing is judged before the window is full");
}

inline void test_run_log_truncates(Report& t) {
    TempDir dir;
    {
        RunLog log(dir.path(), -1);
        for (int s = 1; s <= 5; s++) log.metrics({{"step", s}, {"loss", 1.0 / s}});
    }
    { RunLog log(dir.path(), 3); }
    const std::string text = read_file(dir / "metrics.jsonl");
    t.check(std::count(text.begin(), text.end(), '\n') == 3 && text.find("\"step\":4") == std::string::npos, "resuming at step 3 cuts later metrics away");
}

}  // namespace model_test

inline Suite model_tests() {
    using namespace model_test;
    return {
        {"model: parameter counts of the published sizes", test_parameter_counts},
        {"model: the layout places every tensor once", test_layout},
        {"model: every gradient is the slope of the loss", test_gradients_tied},
        {"model: the gradients of a reward model are the slope of its loss", test_gradients_scores},
        {"model: the same with an untied head and --recompute", test_gradients_untied_recompute},
        {"model: --recompute changes no bit", test_recompute_same_bits},
        {"model: micro-batches add up", test_micro_batches},
        {"model: a weight of 0 is a mask", test_weights_are_a_mask},
        {"model: no position sees the future", test_causality},
        {"model: a row does not depend on its neighbours", test_batch_invariance},
        {"model: KV-cached and full forward agree", test_cached_equals_full},
        {"model: learns a batch by heart in fp32 and bf16", test_overfits},
        {"model: bf16 follows fp32", test_bf16_follows_fp32},
        {"model: the same run twice has the same bits", test_same_bits},
        {"model: ids outside the vocabulary are refused", test_bad_ids},
        {"generate: seeds, batches, greedy, stops", test_generation},
        {"generate: streams whole characters and never a stop string", test_text_stream},
        {"trainer: learning rate schedules", test_schedule},
        {"trainer: mean, clipping, skipped updates, state", test_trainer},
        {"trainer: what becomes of loss and norm", test_gate},
        {"trainer: outliers", test_outliers},
        {"trainer: metrics are cut at the resumed step", test_run_log_truncates},
    };
}
