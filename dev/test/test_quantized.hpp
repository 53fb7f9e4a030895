// dev/test/test_quantized.hpp -- weights packed for inference: what is kept of them, the product that reads them, a model made of them.
//
// The oracle of a product is the loop in double precision over the very numbers that the packed matrix stands for (unpack_matrix, itself
// checked against the weights that went in); that of a model is the model that trains, with those numbers as weights. The layouts of all
// instruction sets are tested on every machine, compiled for plain x86-64.
#pragma once

#include "../../generate.hpp"
#include "../../kernels/quantized.hpp"
#include "baseline_tiles.hpp"
#include "model_data.hpp"

namespace quantized_test {

using Doubles = std::vector<double>;
constexpr WeightStorage kAll[] = {WeightStorage::fp32, WeightStorage::bf16, WeightStorage::int8};

// A packed matrix with memory of its own.
struct Packed {
    PackedMatrix w;
    std::vector<char> panels;
    std::vector<float> scales;
    Packed(WeightStorage storage, int64_t K, int64_t M, int64_t lanes = packed_lanes(), bool pairs = false) : w{storage, K, M, pairs, lanes} {
        panels.resize(size_t(w.panel_bytes()), 0x55), scales.resize(size_t(w.padded()), kNaN);
        w.panels = panels.data(), w.scales = scales.data();
    }
    std::vector<float> unpacked(bool transposed) const {
        std::vector<float> out(size_t(w.K * w.M), kNaN);
        unpack_matrix(out.data(), w, transposed);
        return out;
    }
};

// y (N, M) = x (N, K) w (K, M) + b, GELU of it where `gate`.
template <typename T>
Doubles product(const std::vector<T>& x, const std::vector<float>& w, const std::vector<T>& b, bool gate, int64_t N, int64_t K, int64_t M) {
    Doubles y(size_t(N * M), 0.0);
    for (int64_t n = 0; n < N; n++)
        for (int64_t m = 0; m < M; m++) {
            double sum = b.empty() ? 0.0 : double(float(b[size_t(m)]));
            for (int64_t k = 0; k < K; k++) sum += double(float(x[size_t(n * K + k)])) * double(w[size_t(k * M + m)]);
            y[size_t(n * M + m)] = gate ? 0.5 * sum * (1 + std::tanh(std::sqrt(2 / M_PI) * (sum + 0.044715 * sum * sum * sum))) : sum;
        }
    return y;
}

inline void test_packing(Report& r) {
    for (const int64_t lanes : {4, 8, 16})
        for (const auto& [K, M] : {std::pair<int64_t, int64_t>{1, 1}, {7, 33}, {130, 70}}) {
            auto w = normals(K * M, uint64_t(K + M));
            for (int64_t k = 0; k < K; k++) w[size_t(k * M)] *= 100, w[size_t(k * M + M - 1)] *= M > 1 ? 0.0f : 1.0f;   // a loud channel and a silent one
            for (const WeightStorage s : kAll) {
                const std::string what = cat(weight_storage_name(s), ", ", lanes, " lanes, ", K, " x ", M);
                Packed p(s, K, M, lanes);
                pack_matrix(p.w, w.data(), false);
                const auto back = p.unpacked(false);
                double worst = 0, by_matrix = 0;   // in steps of the channel's scale, and of the whole matrix's
                for (int64_t m = 0; m < M; m++) {
                    float most = 0, all = 0;
                    for (int64_t k = 0; k < K; k++) most = std::max(most, std::fabs(w[size_t(k * M + m)]));
                    for (const float x : w) all = std::max(all, std::fabs(x));
                    if (s == WeightStorage::int8) r.check(p.scales[size_t(m)] == most / 127.0f, what + ": a channel's scale is its largest weight / 127");
                    for (int64_t k = 0; k < K && most > 0; k++) {
                        const double x = double(w[size_t(k * M + m)]), step = double(most) / 127;
                        worst = std::max(worst, std::fabs(double(back[size_t(k * M + m)]) - x) / step);
                        by_matrix = std::max(by_matrix, std::fabs(std::nearbyint(x / (double(all) / 127)) * (double(all) / 127) - x) / step);
                    }
                }
                r.check_at_most(worst, s == WeightStorage::int8 ? 0.5001 : s == WeightStorage::bf16 ? 127.0 / 256 : 0, what + ": rounding error in int8 steps of the channel");
                if (s == WeightStorage::int8 && M > 1) r.check_rejected(by_matrix, 0.5001, what + ": one scale for the whole matrix");
                if (s == WeightStorage::bf16) r.check(back == [&] { auto x = w; for (float& v : x) v = float(bf16(v)); return x; }(), what + ": is what bf16 keeps");
                // the head comes with its output channels as rows
                std::vector<float> turned(w.size());
                for (int64_t k = 0; k < K; k++)
                    for (int64_t m = 0; m < M; m++) turned[size_t(m * K + k)] = w[size_t(k * M + m)];
                Packed q(s, K, M, lanes);
                pack_matrix(q.w, turned.data(), true);
                r.check(q.panels == p.panels && q.scales == p.scales, what + ": the transpose of the transpose is packed the same");
            }
        }
}

template <typename Tile>
void check_products(Report& r, const char* tile) {
    Cpu dev(1);
    for (const auto& [N, K, M] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {1, 300, 70}, {2, 129, 33}, {3, 127, 64}, {4, 65, 31}, {5, 256, 32}, {7, 31, 129},
                                  {8, 128, 65}, {9, 40, 66}, {15, 129, 20}, {100, 130, 71}, {193, 20, 5}})
        for (const WeightStorage s : kAll) {
            const std::string what = cat(tile, ", ", weight_storage_name(s), ", (", N, ", ", K, ") x (", K, ", ", M, ")");
            const auto x = normals(N * K, 1), w = normals(K * M, 2), b = normals(M, 3);
            Packed p(s, K, M, Tile::W);
            pack_matrix(p.w, w.data(), false);
            const auto kept = p.unpacked(false);
            for (const bool gate : {false, true}) {
                constexpr int64_t guard = 64;
                std::vector<float> y(size_t(N * M + 2 * guard), kNaN);
                packed_product<Tile>(dev, y.data() + guard, x.data(), p.w, gate ? b.data() : nullptr, gate, N);
                const std::vector<float> inside(y.begin() + guard, y.begin() + guard + N * M);
                r.check_at_most(relative_error(inside, product<float>(x, kept, gate ? b : std::vector<float>{}, gate, N, K, M)), 2e-6, what + " against doubles");
                bool untouched = true;
                for (int64_t i = 0; i < guard; i++) untouched &= std::isnan(y[size_t(i)]) && std::isnan(y[size_t(guard + N * M + i)]);
                r.check(untouched, what + ": nothing is written outside");
                if (N * K * M < 1000) continue;
                if (s != WeightStorage::fp32) r.check_rejected(relative_error(inside, product(x, w, gate ? b : std::vector<float>{}, gate, N, K, M)), 2e-6, what + ": the unrounded weights");
                auto wrong = kept;
                wrong[size_t((K - 1) * M + M - 1)] += 0.1f;
                r.check_rejected(relative_error(inside, product(x, wrong, gate ? b : std::vector<float>{}, gate, N, K, M)), 2e-6, what + ": one weight off by 0.1");
            }
        }
}
inline void test_products(Report& r) {
    check_products<TileSse2>(r, "4 lanes");
    check_products<MiddleTile>(r, "8 lanes");
    check_products<WideTile>(r, "16 lanes");
}

// This processor's own code; bits.
inline void test_bits(Report& r) {
    const int64_t N = 23, K = 260, M = 530;
    const auto x = normals(N * K, 1), w = normals(K * M, 2), b = normals(M, 3);
    for (const WeightStorage s : kAll) {
        const std::string what = weight_storage_name(s);
        Packed p(s, K, M);
        pack_matrix(p.w, w.data(), false);
        std::vector<float> first;
        for (const int threads : {1, 2, 3, 5}) {
            Cpu dev(threads);
            std::vector<float> y(size_t(N * M), kNaN);
            linear_packed(dev, y.data(), x.data(), p.w, b.data(), false, N);
            if (threads == 1) {
                first = y;
                r.check_at_most(relative_error(y, product(x, p.unpacked(false), b, false, N, K, M)), 1e-6, what + ": this processor against doubles");
            }
            r.check(same_bits(y, first), cat(what, ": ", threads, " threads give the bits of one"));
        }
        Cpu dev(2);
        for (const int64_t rows : {1, 2, 3, 4, 5, 6, 8, 11}) {
            std::vector<float> y(size_t(rows * M), kNaN);
            linear_packed(dev, y.data(), x.data() + 4 * K, p.w, b.data(), false, rows);
            r.check(same_bits(y, {first.begin() + 4 * M, first.begin() + (4 + rows) * M}), cat(what, ": ", rows, " rows have the bits that they have among ", N));
        }
    }
}

#if TRAIN_GPT_PAIRS
// ---- activations of bf16, panels of pairs

constexpr WeightStorage kPairs[] = {WeightStorage::bf16, WeightStorage::int8};

inline bool no_pairs(Report& r) {
    if (!has_pairs()) r.skip("panels of pairs", "they need AVX512_BF16");
    return !has_pairs();
}
inline std::vector<float> floats(const std::vector<bf16>& x) { return {x.begin(), x.end()}; }

inline void test_pairs_products(Report& r) {
    if (no_pairs(r)) return;
    Cpu dev(2);
    for (const auto& [N, K, M] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {1, 300, 70}, {2, 129, 33}, {5, 64, 64}, {6, 256, 32}, {7, 31, 129},
                                  {12, 128, 65}, {13, 40, 66}, {16, 96, 128}, {32, 130, 71}, {97, 160, 64}, {193, 20, 5}})
        for (const WeightStorage s : kPairs) {
            const std::string what = cat(weight_storage_name(s), ", (", N, ", ", K, ") x (", K, ", ", M, ")");
            constexpr int64_t guard = 64;
            auto multiply = [&](const Packed& p, const std::vector<bf16>& x, const std::vector<bf16>& b, bool gate) {
                std::vector<bf16> y(size_t(N * M + 2 * guard), bf16(kNaN));
                linear_packed(dev, y.data() + guard, x.data(), p.w, b.empty() ? nullptr : b.data(), gate, N);
                bool untouched = true;
                for (int64_t i = 0; i < guard; i++) untouched &= std::isnan(float(y[size_t(i)])) && std::isnan(float(y[size_t(guard + N * M + i)]));
                r.check(untouched, what + ": nothing is written outside");
                return std::vector<bf16>(y.begin() + guard, y.begin() + guard + N * M);
            };
            // of -1, 0 and 1 every sum is a whole number below 256, which a bf16 holds exactly
            Rng rng(7);
            auto digit = [&] { return float(int(rng.below(3)) - 1); };
            std::vector<float> w(size_t(K * M));
            std::vector<bf16> x(size_t(N * K));
            for (float& v : w) v = digit();
            for (bf16& v : x) v = bf16(digit());
            x.back() = bf16(1.0f);
            Packed digits(s, K, M, 16, true);
            pack_matrix(digits.w, w.data(), false);
            const auto sums = floats(multiply(digits, x, {}, false));
            r.check(doubles(sums) == product<bf16>(x, w, {}, false, N, K, M), what + ": whole numbers to the last bit");
            w.back() = w.back() > 0 ? 0 : 1;
            r.check(doubles(sums) != product<bf16>(x, w, {}, false, N, K, M), what + ": one weight off by one is seen");

            w = normals(K * M, 2);
            x = random_values<bf16>(N * K, 1);
            const auto b = random_values<bf16>(M, 3);
            Packed p(s, K, M, 16, true);
            pack_matrix(p.w, w.data(), false);
            const auto kept = p.unpacked(false);
            for (const bool gate : {false, true}) {
                const auto y = floats(multiply(p, x, b, gate));
                r.check_at_most(relative_error(y, product(x, kept, b, gate, N, K, M)), 4e-3, what + " against doubles");
                if (K > 1) r.check_rejected(relative_error(y, product(x, [&] { auto v = kept; std::fill_n(v.end() - M, M, 0.0f); return v; }(), b, gate, N, K, M)), 4e-3, what + ": without the last step");
            }
        }
}

inline void test_pairs_bits(Report& r) {
    if (no_pairs(r)) return;
    const int64_t N = 101, K = 260, M = 530;
    const auto x = random_values<bf16>(N * K, 1), b = random_values<bf16>(M, 3);
    const auto w = normals(K * M, 2);
    for (const WeightStorage s : kPairs) {
        const std::string what = weight_storage_name(s);
        Packed p(s, K, M, 16, true);
        pack_matrix(p.w, w.data(), false);
        auto run = [&](int threads, int64_t from, int64_t rows) {
            Cpu dev(threads);
            std::vector<bf16> y(size_t(rows * M), bf16(kNaN));
            linear_packed(dev, y.data(), x.data() + from * K, p.w, b.data(), true, rows);
            return floats(y);
        };
        const auto first = run(1, 0, N);
        for (const int threads : {2, 3, 5}) r.check(same_bits(run(threads, 0, N), first), cat(what, ": ", threads, " threads give the bits of one"));
        for (const int64_t rows : {1, 2, 6, 7, 12, 13, 17, 32, 97})
            r.check(same_bits(run(2, 4, rows), {first.begin() + 4 * M, first.begin() + (4 + rows) * M}), cat(what, ": ", rows, " rows have the bits that they have among ", N));
    }
}
#endif

inline Config small_config(bool tied) {
    Config c;
    c.max_T = 24, c.V = 77, c.L = 3, c.NH = 2, c.C = 40, c.tied = tied;
    return c;
}

// A model, the same with packed weights, one that computes with what these stand for, and one of those numbers without its MLPs.
template <typename T>
struct Models {
    static constexpr int64_t B = 3, T_ = 17;
    Cpu dev{2};
    const Config c;
    Gpt<Cpu, T> original, same, changed, packed;
    std::vector<int32_t> ids;

    Models(bool tied, WeightStorage s)
        : c(small_config(tied)), original(dev, c, options(WeightStorage::stored)), same(dev, c, options(WeightStorage::stored)),
          changed(dev, c, options(WeightStorage::stored)), packed(dev, c, options(s)) {
        fill_weights(original);
        std::vector<float> x;
        for (size_t i = 0; i < packed.layout.tensors.size(); i++) {
            x.resize(size_t(original.layout.tensors[i].size));
            original.get_tensor(original.layout.tensors[i], x.data());
            packed.set_tensor(packed.layout.tensors[i], x.data());
            packed.get_tensor(packed.layout.tensors[i], x.data());
            same.set_tensor(same.layout.tensors[i], x.data());
            if (x.size() == size_t(4 * c.C * c.C)) std::fill(x.begin(), x.end(), 0.0f);
            changed.set_tensor(changed.layout.tensors[i], x.data());
        }
        Rng rng(5);
        for (int64_t i = 0; i < B * T_; i++) ids.push_back(int32_t(rng.below(uint64_t(c.V))));
    }
    static GptOptions options(WeightStorage s) {
        GptOptions o{B * T_};
        o.weights = s;
        return o;
    }
    std::vector<float> logits(Gpt<Cpu, T>& gpt) {
        std::vector<float> out(size_t(B * T_ * c.V), kNaN);
        gpt.logits(out.data(), ids.data(), B, T_);
        return out;
    }
    // Those of the first row's last token, given `all`; and the packed model's for the same text in pieces through the cache.
    std::vector<float> last_of(const std::vector<float>& all) const { return {all.begin() + 16 * c.V, all.begin() + 17 * c.V}; }
    std::vector<float> in_pieces() {
        KvCache<Cpu, T> cache(dev, c, 2, c.max_T);
        std::vector<float> last(size_t(c.V), kNaN);
        const int32_t slot = 1;
        for (int32_t past : {0, 9, 16}) {
            const int64_t n = past == 0 ? 9 : past == 9 ? 7 : 1;
            packed.forward_cached(last.data(), cache, ids.data() + past, &slot, &past, 1, n);
        }
        return last;
    }
};

// A model with packed weights is the model whose weights are what the packed ones stand for.
inline void test_model(Report& r) {
    for (const bool tied : {true, false})
        for (const WeightStorage s : kAll) {
            const std::string what = cat(weight_storage_name(s), tied ? ", tied" : ", own head");
            Models<float> m(tied, s);
            r.check(m.packed.layout.count == m.original.layout.count, what + ": has as many parameters");
            const auto got = m.logits(m.packed);
            r.check_at_most(relative_error(got, doubles(m.logits(m.same))), 2e-6, what + ": logits are those of a model with the same numbers");
            if (s != WeightStorage::fp32) r.check_rejected(relative_error(got, doubles(m.logits(m.original))), 2e-6, what + ": a model with the unrounded numbers");
            r.check_at_most(relative_error(m.in_pieces(), doubles(m.last_of(got))), 2e-6, what + ": a text in pieces ends alike");
            ModelOf model(m.packed), reference(m.same);   // and text that is written
            const auto cache_a = model.make_cache(4, m.c.max_T), cache_b = reference.make_cache(4, m.c.max_T);
            const std::vector<std::vector<int32_t>> prompts = {{1, 2, 3}, {4}, {1, 2, 3, 7, 8}, {9, 9}};
            const GenerateOptions greedy{8, {0.0f, 0, 1.0f}, 1, {}};
            const auto a = generate(model, *cache_a, prompts, greedy), b = generate(reference, *cache_b, prompts, greedy);
            for (size_t i = 0; i < prompts.size(); i++) r.check(a[i].ids == b[i].ids, cat(what, ": writes what that model writes, prompt ", i));
            size_t bytes = 0;
            for (const auto& [name, size] : m.packed.arenas()) bytes += name == "packed weights" ? size : 0;
            r.check(bytes > 0 && bytes < size_t(m.original.layout.size * weight_bytes(s)) * 3 / 2, cat(what, ": the matrices take about ", weight_bytes(s), " bytes a weight"));
        }
}

#if TRAIN_GPT_PAIRS
// The same of a model that computes in bf16. What it is compared with rounds in other places, so the bound is bf16's.
inline void test_pairs_model(Report& r) {
    if (no_pairs(r)) return;
    for (const bool tied : {true, false})
        for (const WeightStorage s : kPairs) {
            const std::string what = cat(weight_storage_name(s), tied ? ", tied" : ", own head");
            Models<bf16> m(tied, s);
            const auto got = m.logits(m.packed);
            r.check_at_most(relative_error(got, doubles(m.logits(m.same))), 1.5e-2, what + ": logits are those of a model with the same numbers");
            r.check_rejected(relative_error(got, doubles(m.logits(m.changed))), 1.5e-2, what + ": a model without its MLPs");
            r.check_at_most(relative_error(m.in_pieces(), doubles(m.last_of(got))), 1.5e-2, what + ": a text in pieces ends alike");
        }
}
#endif

inline void test_errors(Report& r) {
    auto w = normals(6, 1);
    for (const float bad : {kNaN, std::numeric_limits<float>::infinity()})
        for (const WeightStorage s : kAll) {
            w[4] = bad;
            Packed p(s, 2, 3);
            r.check_error([&] { pack_matrix(p.w, w.data(), false); }, "not", cat(weight_storage_name(s), ": a weight of ", bad));
        }
    r.check_error([] { weight_storage_of("int4"); }, "expected auto, fp32, bf16 or int8", "--weights int4");
    r.check_error([] { weights_for<Cpu, bf16>("fp32"); }, "--dtype fp32", "--weights fp32 with --dtype bf16");
    r.check((weights_for<Cpu, float>("auto") == WeightStorage::fp32), "auto packs fp32 weights on the CPU");
    if (has_pairs()) {
        for (const char* weights : {"auto", "bf16"}) r.check((weights_for<Cpu, bf16>(weights) == WeightStorage::bf16), cat("a bf16 model packs its weights where pairs are multiplied: ", weights));
        r.check((weights_for<Cpu, bf16>("int8") == WeightStorage::int8), "and may have them in int8");
    } else {
        r.check_error([] { weights_for<Cpu, bf16>("int8"); }, "--dtype fp32", "--weights int8 with --dtype bf16, without pairs");
        for (const char* weights : {"auto", "bf16"}) r.check((weights_for<Cpu, bf16>(weights) == WeightStorage::stored), cat("a bf16 model stores bf16 weights already: ", weights));
    }
}

}  // namespace quantized_test

inline Suite quantized_tests() {
    using namespace quantized_test;
    return {
        {"quantized_packing", test_packing},
        {"quantized_products", test_products},
        {"quantized_bits", test_bits},
        {"quantized_model", test_model},
#if TRAIN_GPT_PAIRS
        {"quantized_pairs_products", test_pairs_products},
        {"quantized_pairs_bits", test_pairs_bits},
        {"quantized_pairs_model", test_pairs_model},
#endif
        {"quantized_errors", test_errors},
    };
}
