// dev/test/test_kernels_a.hpp -- attention, classifier and embedding against double-precision references.
//
// The references here are written from the formulas alone: whole matrices, plain sums, double. Their own backward is
// held against central differences first. Inputs are rounded to the storage type before the reference reads them, so a
// bound says what the kernel adds. Each bound has the measured error of the right code on one side (the larger of AVX2
// and SSE2) and a planted mistake on the other. TRAIN_GPT_ISA=sse2 runs the same suite on the other code path.
#pragma once

#include <algorithm>

#include "../../kernels/attention.hpp"
#include "../../kernels/classifier.hpp"
#include "../../kernels/embedding.hpp"
#include "test.hpp"
#include "test_sampling.hpp"

namespace kernels_a {

using Doubles = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kInff = std::numeric_limits<float>::infinity();


// The largest difference, relative to the largest value of b; infinite where a value is not finite or the sizes differ.
inline double worst_error(const Doubles& a, const Doubles& b) {
    if (a.size() != b.size()) return kInf;
    double worst = 0, largest = 0;
    for (size_t i = 0; i < a.size(); i++) {
        if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return kInf;
        worst = std::max(worst, std::fabs(a[i] - b[i]));
        largest = std::max(largest, std::fabs(b[i]));
    }
    return largest > 0 ? worst / largest : worst;
}
template <typename T>
double worst_error(const std::vector<T>& a, const Doubles& b) {
    return worst_error(doubles(a), b);
}

// The same bits; NaN never counts as the same, so that a poisoned output fails.
template <typename T>
bool same_finite_bits(const T* a, const T* b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (std::memcmp(a + i, b + i, sizeof(T)) != 0 || std::isnan(float(a[i]))) return false;
    return n > 0;
}
template <typename T>
bool same_finite_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && same_finite_bits(a.data(), b.data(), int64_t(a.size()));
}

// Cpu's constructor sets OpenMP's number of threads for the process; put it back.
struct KeepThreads {
    int before = omp_get_max_threads();
    ~KeepThreads() { omp_set_num_threads(before); }
};

// ---- attention: references

struct Shape {
    int64_t B, T, NH, HS;
    int64_t C() const { return NH * HS; }
    std::string text() const { return cat("B", B, " T", T, " NH", NH, " HS", HS); }
};

// What to get wrong on purpose: the controls.
enum class Mistake { none, scale, off_by_one, not_causal, no_d_term, dk_scale };

struct AttentionResult {
    Doubles y, lse, dqkv;             // (B, T, C), (B, NH, T), (B, T, 3C)
};

// One head of one sequence by the formulas, with whole (T, T) matrices. `at(part, t, c)` is q, k or v.
inline void attention_head_reference(AttentionResult& out, const Doubles& qkv, const Doubles& dy, const Shape& s,
                                     int64_t b, int64_t h, Mistake mistake) {
    const int64_t T = s.T, HS = s.HS, C = s.C();
    const auto in = [&](int64_t part, int64_t t, int64_t c) {
        return size_t(((b * T + t) * 3 + part) * C + h * HS + c);
    };
    const auto at_y = [&](int64_t t, int64_t c) { return size_t((b * T + t) * C + h * HS + c); };
    const double scale = mistake == Mistake::scale ? 1.0 / double(HS) : 1.0 / std::sqrt(double(HS));
    Doubles p(size_t(T * T), 0.0);
    for (int64_t i = 0; i < T; i++) {
        int64_t last = mistake == Mistake::not_causal ? T - 1 : i;
        if (mistake == Mistake::off_by_one && i > 0) last = i - 1;
        double max = -kInf, sum = 0;
        for (int64_t j = 0; j <= last; j++) {
            double dot = 0;
            for (int64_t c = 0; c < HS; c++) dot += qkv[in(0, i, c)] * qkv[in(1, j, c)];
            p[size_t(i * T + j)] = dot * scale;
            max = std::max(max, dot * scale);
        }
        for (int64_t j = 0; j <= last; j++) sum += std::exp(p[size_t(i * T + j)] - max);
        out.lse[size_t((b * s.NH + h) * T + i)] = max + std::log(sum);
        for (int64_t j = 0; j <= last; j++) p[size_t(i * T + j)] = std::exp(p[size_t(i * T + j)] - max) / sum;
        for (int64_t j = 0; j <= last; j++)
            for (int64_t c = 0; c < HS; c++) out.y[at_y(i, c)] += p[size_t(i * T + j)] * qkv[in(2, j, c)];
    }
    if (dy.empty()) return;
    for (int64_t i = 0; i < T; i++) {
        Doubles dp(size_t(T), 0.0);
        double D = 0;
        for (int64_t j = 0; j <= i; j++) {
            for (int64_t c = 0; c < HS; c++) dp[size_t(j)] += dy[at_y(i, c)] * qkv[in(2, j, c)];
            D += p[size_t(i * T + j)] * dp[size_t(j)];
        }
        if (mistake == Mistake::no_d_term) D = 0;
        for (int64_t j = 0; j <= i; j++) {
            const double p_ij = p[size_t(i * T + j)], ds = p_ij * (dp[size_t(j)] - D) * scale;
            for (int64_t c = 0; c < HS; c++) {
                out.dqkv[in(0, i, c)] += ds * qkv[in(1, j, c)];
                out.dqkv[in(1, j, c)] += ds * qkv[in(0, i, c)] * (mistake == Mistake::dk_scale ? 0.99 : 1.0);
                out.dqkv[in(2, j, c)] += p_ij * dy[at_y(i, c)];
            }
        }
    }
}

// Forward, and where dy is not empty, backward.
inline AttentionResult attention_reference(const Doubles& qkv, const Doubles& dy, const Shape& s,
                                           Mistake mistake = Mistake::none) {
    AttentionResult out{Doubles(size_t(s.B * s.T * s.C()), 0.0), Doubles(size_t(s.B * s.NH * s.T), 0.0),
                        Doubles(dy.empty() ? 0 : size_t(s.B * s.T * 3 * s.C()), 0.0)};
    for (int64_t b = 0; b < s.B; b++)
        for (int64_t h = 0; h < s.NH; h++) attention_head_reference(out, qkv, dy, s, b, h, mistake);
    return out;
}

// ---- attention: running the kernels, outputs poisoned

template <typename T>
struct Run {
    std::vector<T> y, dqkv;
    std::vector<float> lse, db;       // db: column sums of dqkv, added to 0.5
};
template <typename T>
Run<T> run_attention(Cpu& dev, const std::vector<T>& qkv, const std::vector<T>& dy, const Shape& s) {
    Run<T> r;
    r.y.assign(size_t(s.B * s.T * s.C()), T(kNaN)), r.lse.assign(size_t(s.B * s.NH * s.T), kNaN);
    attention_forward(dev, r.y.data(), r.lse.data(), qkv.data(), s.B, s.T, s.NH, s.HS);
    if (dy.empty()) return r;
    r.dqkv.assign(qkv.size(), T(kNaN)), r.db.assign(size_t(3 * s.C()), 0.5f);
    attention_backward(dev, r.dqkv.data(), r.db.data(), dy.data(), qkv.data(), r.y.data(), r.lse.data(), s.B, s.T, s.NH, s.HS);
    return r;
}
// How far db is from the sums of dqkv as stored, of all rows or of all but the last `left_out`.
template <typename T>
double bias_error(const Run<T>& r, const Shape& s, int64_t left_out = 0) {
    return relative_error(r.db, sums_of_columns(0.5, r.dqkv, s.B * s.T - left_out, 3 * s.C()));
}
template <typename T>
std::vector<T> random_qkv(const Shape& s, uint64_t seed, float std = 1.0f) {
    return stored<T>(normals(s.B * s.T * 3 * s.C(), seed, std));
}
template <typename T>
std::vector<T> random_dy(const Shape& s, uint64_t seed) {
    return stored<T>(normals(s.B * s.T * s.C(), seed));
}

// All head sizes and lengths, tile edges and odd ones; B alternates between 1 and 3. test_cuda_attention.hpp takes them too.
inline std::vector<Shape> attention_shapes() {
    std::vector<Shape> shapes;
    for (const int64_t HS : {1, 2, 7, 33, 64, 80, 128})
        for (const int64_t T : {1, 2, 31, 33, 65, 130})
            shapes.push_back({shapes.size() % 2 ? 3 : 1, T, 1 + HS % 3, HS});
    shapes.push_back({1, 259, 1, 256});                              // the largest head, and more than one chunk
    shapes.push_back({1, 600, 2, 5});
    return shapes;
}

// measured: fp32 y 5e-7, lse 4e-7, dqkv 9e-7, db 4e-7; bf16 y 2.8e-3, dqkv 4.8e-3 (the backward reads a rounded y), db 4e-8
template <typename T>
void check_attention(Report& t) {
    Cpu dev;
    const bool fp32 = sizeof(T) == 4;
    const double bound_y = fp32 ? 2e-6 : 6e-3, bound_lse = 2e-6, bound_d = fp32 ? 4e-6 : 1.2e-2;
    double worst_y = 0, worst_lse = 0, worst_d = 0, worst_b = 0;
    for (const Shape& s : attention_shapes()) {
        const auto qkv = random_qkv<T>(s, 1), dy = random_dy<T>(s, 2);
        const Run<T> got = run_attention(dev, qkv, dy, s);
        const AttentionResult want = attention_reference(doubles(qkv), doubles(dy), s);
        const double y = worst_error(got.y, want.y), lse = worst_error(got.lse, want.lse);
        const double d = worst_error(got.dqkv, want.dqkv);
        t.check(y <= bound_y && lse <= bound_lse && d <= bound_d,
                cat(dtype_name<T>(), " ", s.text(), " equals the reference: y ", y, ", lse ", lse, ", dqkv ", d));
        worst_y = std::max(worst_y, y), worst_lse = std::max(worst_lse, lse), worst_d = std::max(worst_d, d), worst_b = std::max(worst_b, bias_error(got, s));
    }
    t.check_at_most(worst_y, bound_y, cat(dtype_name<T>(), ": y over all sizes"));
    t.check_at_most(worst_lse, bound_lse, cat(dtype_name<T>(), ": lse over all sizes"));
    t.check_at_most(worst_d, bound_d, cat(dtype_name<T>(), ": dqkv over all sizes"));
    t.check_at_most(worst_b, 2e-6, cat(dtype_name<T>(), ": db, the sums of dqkv, over all sizes"));
    const Shape s{2, 65, 2, 33};
    const auto qkv = random_qkv<T>(s, 1), dy = random_dy<T>(s, 2);
    const Run<T> got = run_attention(dev, qkv, dy, s);
    for (const auto& [mistake, name] : {std::pair{Mistake::scale, "scale 1/HS"}, {Mistake::not_causal, "no mask"},
                                        {Mistake::off_by_one, "its own key missing"}}) {
        const AttentionResult wrong = attention_reference(doubles(qkv), {}, s, mistake);
        t.check_rejected(worst_error(got.y, wrong.y), bound_y, cat(dtype_name<T>(), " forward with ", name));
        t.check_rejected(worst_error(got.lse, wrong.lse), bound_lse, cat(dtype_name<T>(), " lse with ", name));
    }
    const AttentionResult no_d = attention_reference(doubles(qkv), doubles(dy), s, Mistake::no_d_term);
    t.check_rejected(worst_error(got.dqkv, no_d.dqkv), bound_d, cat(dtype_name<T>(), " backward without D"));
    t.check_rejected(bias_error(got, s, 1), 2e-6, cat(dtype_name<T>(), " db without the last row"));
    if (fp32) {
        const AttentionResult wrong = attention_reference(doubles(qkv), doubles(dy), s, Mistake::dk_scale);
        t.check_rejected(worst_error(got.dqkv, wrong.dqkv), bound_d, "fp32 backward with dk 1 % off");
    }
}

inline void test_attention_reference(Report& t) {
    const Shape s{2, 5, 2, 3};
    const Doubles qkv = doubles(normals(s.B * s.T * 3 * s.C(), 3)), dy = doubles(normals(s.B * s.T * s.C(), 4));
    const auto loss = [&](const Doubles& x) {
        const AttentionResult r = attention_reference(x, {}, s);
        double sum = 0;
        for (size_t i = 0; i < dy.size(); i++) sum += r.y[i] * dy[i];
        return sum;
    };
    Doubles want;
    for (size_t i = 0; i < qkv.size(); i++) {
        const double step = 1e-5;
        Doubles up = qkv, down = qkv;
        up[i] += step, down[i] -= step;
        want.push_back((loss(up) - loss(down)) / (2 * step));
    }
    const double bound = 1e-8;                                       // measured 6e-11
    t.check_at_most(worst_error(attention_reference(qkv, dy, s).dqkv, want), bound, "it equals central differences");
    for (const auto& [mistake, name] : {std::pair{Mistake::no_d_term, "D left out"}, {Mistake::dk_scale, "dk 1 % off"}})
        t.check_rejected(worst_error(attention_reference(qkv, dy, s, mistake).dqkv, want), bound, name);
}

inline void test_attention_fp32(Report& t) { check_attention<float>(t); }
inline void test_attention_bf16(Report& t) { check_attention<bf16>(t); }

// A sequence of many chunks: the last rows alone by the formula.
inline void test_attention_long(Report& t) {
    Cpu dev;
    const Shape s{1, 4099, 1, 4};
    auto qkv = random_qkv<float>(s, 5);
    for (int64_t i = 0; i < 4; i++) qkv[size_t(4098 * 12 + i)] *= 8;         // one sharp row
    const Run<float> got = run_attention(dev, qkv, {}, s);
    Doubles want, found, want_lse, found_lse;
    for (const int64_t i : {0, 255, 256, 257, 2000, 4097, 4098}) {
        double sum = 0, y[4] = {0, 0, 0, 0};
        for (int64_t j = 0; j <= i; j++) {
            double dot = 0;
            for (int64_t c = 0; c < 4; c++)
                dot += double(qkv[size_t(i * 12 + c)]) * double(qkv[size_t(j * 12 + 4 + c)]);
            const double e = std::exp(dot / 2);
            sum += e;
            for (int64_t c = 0; c < 4; c++) y[c] += e * double(qkv[size_t(j * 12 + 8 + c)]);
        }
        for (int64_t c = 0; c < 4; c++) want.push_back(y[c] / sum), found.push_back(double(got.y[size_t(i * 4 + c)]));
        want_lse.push_back(std::log(sum)), found_lse.push_back(double(got.lse[size_t(i)]));
    }
    t.check_at_most(worst_error(found, want), 2e-6, "rows of y of a sequence of 4,099 positions");
    t.check_at_most(worst_error(found_lse, want_lse), 2e-6, "and their lse");
    Doubles wrong = want;
    wrong.back() *= 1 + 1.0 / 4098;
    t.check_rejected(worst_error(found, wrong), 2e-6, "a last row one key short");
}

// Scores far apart (+-1e4) and all equal.
inline void test_attention_extreme(Report& t) {
    Cpu dev;
    const Shape s{1, 70, 2, 16};
    for (const float std : {0.0f, 1e-20f, 50.0f}) {
        auto qkv = random_qkv<float>(s, 6);
        const auto dy = random_dy<float>(s, 7);
        for (size_t i = 0; i < qkv.size(); i++)
            if (int64_t(i) % (3 * s.C()) < 2 * s.C()) qkv[i] *= std;         // q and k
        const Run<float> got = run_attention(dev, qkv, dy, s);
        const AttentionResult want = attention_reference(doubles(qkv), doubles(dy), s);
        // scores of 1e4 have an absolute rounding error of 1e-3, and so has p; measured 2e-4 there, 5e-7 elsewhere
        const double bound = std > 1 ? 2e-3 : 2e-6;
        t.check_at_most(worst_error(got.y, want.y), bound, cat("y where q and k have deviation ", std));
        t.check_at_most(worst_error(got.dqkv, want.dqkv), bound, cat("dqkv where q and k have deviation ", std));
    }
    for (const float weight : {0.0f, 1e-30f}) {                      // dy = 0 must give exactly 0, not NaN
        const auto qkv = random_qkv<float>(s, 6);
        auto dy = random_dy<float>(s, 7);
        for (float& v : dy) v *= weight;
        const Run<float> got = run_attention(dev, qkv, dy, s);
        float largest = 0;
        for (const float v : got.dqkv) largest = std::max(largest, std::isnan(v) ? kInff : std::fabs(v));
        t.check(weight == 0 ? largest == 0 : largest > 0 && largest < 1e-27f, cat("dy of size ", weight));
    }
}

// ---- attention: who may influence whom

template <typename T>
void check_causality(Report& t, int64_t HS) {
    Cpu dev;
    const Shape s{2, 133, 2, HS};
    const int64_t C = s.C();
    const auto qkv = random_qkv<T>(s, 8);
    const Run<T> before = run_attention(dev, qkv, {}, s);
    for (const float value : {3.0f, kInff, kNaN})
        for (const int64_t at : {0, 1, 2, 3, 63, 64, 65, 97, 130, 132}) {
            auto changed = qkv;
            for (int64_t c = 0; c < 3 * C; c++) changed[size_t((s.T + at) * 3 * C + c)] = T(value);     // in row b = 1
            const Run<T> after = run_attention(dev, changed, {}, s);
            const int64_t prefix = (s.T + at) * C;
            t.check(same_finite_bits(before.y.data(), after.y.data(), prefix),
                    cat(dtype_name<T>(), ": ", value, " at position ", at, " changes no bit before it"));
            int64_t changes = 0;
            for (int64_t c = 0; c < C; c++)
                changes += std::memcmp(&before.y[size_t(prefix + c)], &after.y[size_t(prefix + c)], sizeof(T)) != 0;
            t.check(changes == C, cat(dtype_name<T>(), ": ", value, " at position ", at, " changes its own output"));
        }
}
inline void test_causality(Report& t) {
    for (const int64_t HS : {7, 8}) {  // heads of an even size are multiplied by pairs where the processor can (attention_pairs.hpp)
        check_causality<float>(t, HS);
        check_causality<bf16>(t, HS);
    }
}

// The positions t of head h in row b whose output has a NaN, as a string of 0 and 1.
template <typename T_>
std::string nan_rows(const T_* x, int64_t stride, int64_t T, int64_t HS) {
    std::string s;
    for (int64_t i = 0; i < T; i++) {
        bool found = false;
        for (int64_t c = 0; c < HS; c++) found |= std::isnan(float(x[i * stride + c]));
        s += found ? '1' : '0';
    }
    return s;
}

template <typename N>
void check_nan(Report& t, int64_t HS) {
    Cpu dev;
    const Shape s{1, 100, 2, HS};
    const int64_t C = s.C(), T = s.T;
    const auto dy = random_dy<N>(s, 10);
    for (const int64_t at : {0, 1, 64, 66, 99})
        for (int64_t part = 0; part < 3; part++) {
            auto qkv = random_qkv<N>(s, 9);
            qkv[size_t(at * 3 * C + part * C + s.HS + 2)] = N(kNaN);              // head 1, channel 2
            const Run<N> got = run_attention(dev, qkv, dy, s);
            std::string want(size_t(T), '0');
            for (int64_t i = at; i < T; i++) want[size_t(i)] = part > 0 || i == at ? '1' : '0';
            t.check(nan_rows(got.y.data(), C, T, s.HS) == std::string(size_t(T), '0'), "the other head stays clean");
            const std::string where = cat("NaN in ", "qkv"[part], " at ", at, " shows in ");
            t.check(nan_rows(got.y.data() + s.HS, C, T, s.HS) == want, where + "y");
            t.check(nan_rows(got.dqkv.data() + s.HS, 3 * C, T, s.HS)[size_t(at)] == '1', where + "dq");
        }
    const auto qkv = random_qkv<N>(s, 9);
    auto bad = dy;
    bad[size_t(50 * C)] = N(kNaN);
    const Run<N> got = run_attention(dev, qkv, bad, s);
    t.check(nan_rows(got.dqkv.data(), 3 * C, T, s.HS)[50] == '1', "NaN in dy shows in dq of its position");
    t.check(nan_rows(got.dqkv.data() + 2 * C, 3 * C, T, s.HS).substr(0, 51) == std::string(51, '1'),
            "NaN in dy shows in dv of all positions up to it");
}
inline void test_nan(Report& t) {
    check_nan<float>(t, 5);
    check_nan<bf16>(t, 5);
    check_nan<bf16>(t, 6);
}

// ---- the same bits, however the work is split

template <typename T>
void check_invariance(Report& t) {
    const KeepThreads keep;
    const Shape s{3, 301, 2, 20}, one{1, 301, 2, 20};
    const auto qkv = random_qkv<T>(s, 11), dy = random_dy<T>(s, 12);
    Cpu dev(1);
    const Run<T> first = run_attention(dev, qkv, dy, s);
    for (const int threads : {2, 3}) {
        Cpu more(threads);
        const Run<T> r = run_attention(more, qkv, dy, s);
        t.check(same_finite_bits(r.y, first.y) && same_finite_bits(r.lse, first.lse) && same_finite_bits(r.dqkv, first.dqkv) && same_finite_bits(r.db, first.db),
                cat(dtype_name<T>(), ": attention with ", threads, " threads has the bits of one thread"));
    }
    const int64_t n = one.T * one.C();
    for (int64_t b = 0; b < s.B; b++) {
        const std::vector<T> qkv_b(qkv.begin() + b * 3 * n, qkv.begin() + (b + 1) * 3 * n);
        const std::vector<T> dy_b(dy.begin() + b * n, dy.begin() + (b + 1) * n);
        const Run<T> r = run_attention(dev, qkv_b, dy_b, one);
        t.check(same_finite_bits(r.y.data(), first.y.data() + b * n, n) &&
                    same_finite_bits(r.dqkv.data(), first.dqkv.data() + b * 3 * n, 3 * n),
                cat(dtype_name<T>(), ": row ", b, " has the same bits alone and in a batch"));
    }
    t.check(!same_finite_bits(first.y.data(), first.y.data() + n, n), "control: rows of the batch differ");
}
inline void test_invariance(Report& t) {
    check_invariance<float>(t);
    check_invariance<bf16>(t);
}

// ---- attention with a KV cache

constexpr float kUntouched = 12345.0f;

// Sequences of B rows in a cache of R > B slots. Feeds positions past .. past + n - 1 of chosen rows.
template <typename T>
struct CachedRun {
    Shape s;
    int64_t R, T_max;
    std::vector<T> qkv, k, v, y;      // (B, T, 3C) of the whole sequences, the cache, all outputs so far (B, T, C)
    std::vector<int32_t> slot, past;

    CachedRun(const Shape& shape, uint64_t seed) : s(shape), R(s.B + 2), T_max(s.T + 3), qkv(random_qkv<T>(s, seed)) {
        k.assign(size_t(R * T_max * s.C()), T(kNaN)), v = k;         // what was not written must not be read
        y.assign(size_t(s.B * s.T * s.C()), T(kNaN));
        for (int64_t b = 0; b < s.B; b++) slot.push_back(int32_t(R - 1 - b)), past.push_back(0);
    }
    void feed(Cpu& dev, const std::vector<int64_t>& rows, int64_t n) {
        const int64_t C = s.C(), B = int64_t(rows.size());
        std::vector<T> in, out(size_t(B * n * C), T(kNaN));
        std::vector<int32_t> slots, pasts;
        for (const int64_t b : rows) {
            const auto from = qkv.begin() + (b * s.T + past[size_t(b)]) * 3 * C;
            in.insert(in.end(), from, from + n * 3 * C);
            slots.push_back(slot[size_t(b)]), pasts.push_back(past[size_t(b)]);
        }
        attention_cached(dev, out.data(), k.data(), v.data(), in.data(), slots.data(), pasts.data(), B, n, T_max, s.NH,
                         s.HS);
        for (int64_t i = 0; i < B; i++) {
            const int64_t b = rows[size_t(i)];
            std::copy_n(out.begin() + i * n * C, n * C, y.begin() + (b * s.T + past[size_t(b)]) * C);
            past[size_t(b)] += int32_t(n);
        }
    }
};

// Whether position i of row `slot` of the caches (R, NH, T_max, HS) has the k and v of `in`, (3C).
template <typename T>
bool cache_holds(const std::vector<T>& k, const std::vector<T>& v, const T* in, const Shape& s, int64_t slot, int64_t T_max, int64_t i) {
    bool same = true;
    for (int64_t h = 0; h < s.NH; h++) {
        const int64_t at = ((slot * s.NH + h) * T_max + i) * s.HS;
        same &= same_finite_bits(k.data() + at, in + s.C() + h * s.HS, s.HS) && same_finite_bits(v.data() + at, in + 2 * s.C() + h * s.HS, s.HS);
    }
    return same;
}

template <typename T>
void check_cached(Report& t) {
    Cpu dev;
    const double bound = sizeof(T) == 4 ? 2e-6 : 6e-3;               // measured 3e-7 and 1.2e-3 (one step of bf16)
    for (const Shape& s : {Shape{1, 1, 1, 3}, {3, 130, 2, 7}, {2, 300, 1, 33}, {3, 67, 3, 64}}) {
        const int64_t C = s.C();
        const std::string name = cat(dtype_name<T>(), " ", s.text(), ": ");
        CachedRun<T> whole(s, 13);
        const Run<T> want = run_attention(dev, whole.qkv, {}, s);
        std::vector<int64_t> all;
        for (int64_t b = 0; b < s.B; b++) all.push_back(b);
        whole.feed(dev, all, s.T);
        if (s.T > 1) t.check(same_finite_bits(whole.y, want.y), name + "prefill has the bits of attention_forward");
        t.check_at_most(worst_error(whole.y, doubles(want.y)), bound, name + "prefill");
        for (int64_t b = 0; b < s.B; b++)
            for (int64_t i = 0; i < s.T; i++) {
                if (!cache_holds(whole.k, whole.v, whole.qkv.data() + (b * s.T + i) * 3 * C, s, whole.slot[size_t(b)], whole.T_max, i))
                    t.check(false, cat(name, "the cache holds k and v of position ", i));
            }
        if (s.T < 20) continue;
        // each row gets a prompt of its own length, then they go on together: pasts differ
        CachedRun<T> mixed(s, 13), steps(s, 13);
        for (int64_t b = 0; b < s.B; b++) mixed.feed(dev, {b}, 5 + 7 * b);
        mixed.feed(dev, all, 9);
        for (int64_t b = 0; b < s.B; b++)
            t.check(same_finite_bits(mixed.y.data() + b * s.T * C, want.y.data() + b * s.T * C, (14 + 7 * b) * C),
                    cat(name, "a prompt in two parts has the same bits, row ", b));
        while (mixed.past[size_t(s.B - 1)] < s.T) mixed.feed(dev, all, 1);
        for (int64_t b = 0; b < s.B; b++)
            t.check(same_finite_bits(mixed.y.data() + b * s.T * C, want.y.data() + b * s.T * C, mixed.past[size_t(b)] * C),
                    cat(name, "prompt, then one by one, has the same bits, row ", b));
        for (int64_t i = 0; i < s.T; i++) steps.feed(dev, all, 1);
        t.check(same_finite_bits(steps.y, want.y), name + "so do all of them one by one");
        // control: a step that forgets the newest key
        const AttentionResult wrong = attention_reference(doubles(whole.qkv), {}, s, Mistake::off_by_one);
        t.check_rejected(worst_error(steps.y, wrong.y), bound, name + "decoding without the newest key");
        CachedRun<T> alone(s, 13);
        for (int64_t i = 0; i < 14; i++) alone.feed(dev, {s.B - 1}, 1);
        const int64_t last = (s.B - 1) * s.T * C;
        t.check(same_finite_bits(alone.y.data() + last, steps.y.data() + last, 14 * C),
                name + "decoding a row alone or in a batch has the same bits");
    }
}

inline void test_cached(Report& t) {
    check_cached<float>(t);
    check_cached<bf16>(t);
}

inline void test_cached_limits(Report& t) {
    const KeepThreads keep;
    Cpu dev;
    CachedRun<float> run({2, 40, 2, 5}, 14);
    run.k.assign(run.k.size(), kUntouched), run.v = run.k;
    run.feed(dev, {1}, 11);
    int64_t touched = 0;
    for (size_t i = 0; i < run.k.size(); i++) touched += (run.k[i] != kUntouched) + (run.v[i] != kUntouched);
    t.check(touched == 2 * 11 * run.s.C(), "only the new positions of the row are written");
    std::vector<float> first;
    for (const int threads : {1, 2, 3}) {
        Cpu more(threads);
        CachedRun<float> r({3, 80, 2, 5}, 15);
        r.feed(more, {0, 1, 2}, 77);
        for (int i = 0; i < 3; i++) r.feed(more, {0, 1, 2}, 1);
        if (first.empty()) first = r.y;
        t.check(same_finite_bits(r.y, first), cat("cached attention with ", threads, " threads has the bits of one thread"));
    }
    std::vector<float> y(10), k(30), v(30), qkv(30);
    const auto step = [&](int32_t slot, int32_t past) {
        attention_cached(dev, y.data(), k.data(), v.data(), qkv.data(), &slot, &past, 1, 1, 3, 2, 5);
    };
    t.check_error([&] { step(0, 3); }, "cache of 3", "a full cache");
    t.check_error([&] { step(0, -1); }, "row 0", "a negative past");
    t.check_error([&] { step(-1, 0); }, "slot -1", "a negative slot");
}

// ---- classifier

struct ClassifierResult {
    Doubles loss, entropy, dlogits;
};
inline ClassifierResult classifier_reference(const Doubles& x, const std::vector<int32_t>& targets,
                                             const std::vector<float>& weights, int64_t V, int64_t Vp) {
    const int64_t N = int64_t(targets.size());
    ClassifierResult r{Doubles(size_t(N), 0.0), Doubles(size_t(N), 0.0), Doubles(size_t(N * Vp), 0.0)};
    for (int64_t n = 0; n < N; n++) {
        if (targets[size_t(n)] < 0) continue;
        const double* row = x.data() + n * Vp;
        double max = -kInf, sum = 0;
        for (int64_t v = 0; v < V; v++) max = std::max(max, row[v]);
        for (int64_t v = 0; v < V; v++) sum += std::exp(row[v] - max);
        r.loss[size_t(n)] = std::log(sum) - (row[targets[size_t(n)]] - max);
        for (int64_t v = 0; v < V; v++) {
            const double p = std::exp(row[v] - max) / sum;
            if (p > 0) r.entropy[size_t(n)] -= p * std::log(p);
            r.dlogits[size_t(n * Vp + v)] = double(weights[size_t(n)]) * (p - (v == targets[size_t(n)]));
        }
    }
    return r;
}

template <typename T>
struct ClassifierRun {
    std::vector<float> loss, entropy;
    std::vector<T> logits;            // dlogits where backward
};
template <typename T>
ClassifierRun<T> run_classifier(Cpu& dev, const std::vector<T>& logits, const std::vector<int32_t>& targets,
                                const std::vector<float>& weights, int64_t V, int64_t Vp, bool backward = true) {
    const size_t N = targets.size();
    ClassifierRun<T> r{std::vector<float>(N, kNaN), std::vector<float>(N, kNaN), logits};
    classifier(dev, r.loss.data(), r.entropy.data(), r.logits.data(), targets.data(), weights.data(), int64_t(N), V, Vp,
               backward);
    return r;
}

// Logits with garbage in the padded columns, targets at both ends and in the middle, weights of both signs.
template <typename T>
struct ClassifierCase {
    int64_t N, V, Vp;
    std::vector<T> logits;
    std::vector<int32_t> targets;
    std::vector<float> weights;
    ClassifierCase(int64_t N_, int64_t V_, int64_t Vp_, uint64_t seed) : N(N_), V(V_), Vp(Vp_) {
        const float garbage[] = {1e30f, kNaN, kInff, -1e30f};
        auto x = normals(N * Vp, seed, 3.0f);
        for (int64_t n = 0; n < N; n++)
            for (int64_t v = V; v < Vp; v++) x[size_t(n * Vp + v)] = garbage[(n + v) % 4];
        logits = stored<T>(x);
        for (int64_t n = 0; n < N; n++) {
            targets.push_back(int32_t(n == 0 ? 0 : n == 1 ? V - 1 : int64_t(splitmix64(uint64_t(n)) % uint64_t(V))));
            weights.push_back(n % 3 == 0 ? 0.25f : n % 3 == 1 ? -1.5f : 1e-3f);
        }
    }
    ClassifierResult reference() const {
        Doubles x = doubles(logits);
        return classifier_reference(x, targets, weights, V, Vp);
    }
};

template <typename T>
void check_classifier(Report& t) {
    Cpu dev;
    const bool fp32 = sizeof(T) == 4;
    const std::string type = dtype_name<T>();
    // measured: loss, entropy and fp32 gradient 3e-7, bf16 gradient 1.2e-3 (rounding of the result)
    const double bound = 2e-6, bound_d = fp32 ? 2e-6 : 4e-3;
    for (const auto& [N, V, Vp] : std::vector<std::array<int64_t, 3>>{
             {1, 1, 1}, {1, 1, 5}, {2, 2, 2}, {3, 7, 8}, {5, 33, 64}, {4, 512, 512}, {6, 513, 640}, {9, 1031, 1152},
             {2, 50257, 50304}}) {
        const ClassifierCase<T> c(N, V, Vp, 20);
        const ClassifierRun<T> got = run_classifier(dev, c.logits, c.targets, c.weights, V, Vp);
        const ClassifierResult want = c.reference();
        const std::string name = cat(type, " N", N, " V", V, " Vp", Vp);
        t.check_at_most(worst_error(got.loss, want.loss), bound, name + ": loss");
        t.check_at_most(worst_error(got.entropy, want.entropy), bound, name + ": entropy");
        t.check_at_most(worst_error(got.logits, want.dlogits), bound_d, name + ": gradient, 0 in padded columns");
        double largest_sum = 0;                                      // sum_v dx_v = weight * (1 - 1)
        for (int64_t n = 0; n < N; n++) {
            double sum = 0;
            for (int64_t v = 0; v < Vp; v++) sum += double(float(got.logits[size_t(n * Vp + v)]));
            largest_sum = std::max(largest_sum, std::fabs(sum));
        }
        t.check_at_most(largest_sum, fp32 ? 1e-5 : 2e-2, name + ": a row of the gradient sums to 0");
    }
    const ClassifierCase<T> c(7, 45, 48, 21);
    const ClassifierRun<T> got = run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp);
    const ClassifierResult want = c.reference();
    ClassifierResult wrong = want;
    for (size_t n = 0; n < c.targets.size(); n++)
        wrong.dlogits[n * size_t(c.Vp) + size_t(c.targets[n])] += double(c.weights[n]);
    t.check_rejected(worst_error(got.logits, wrong.dlogits), bound_d, type + ": a gradient without the one-hot");
    std::vector<float> ones(size_t(c.N), 1.0f);
    wrong = classifier_reference(doubles(c.logits), c.targets, ones, c.V, c.Vp);
    t.check_rejected(worst_error(got.logits, wrong.dlogits), bound_d, type + ": a gradient without the weights");
    wrong = classifier_reference(doubles(c.logits), c.targets, c.weights, c.V - 1, c.Vp);
    t.check_rejected(worst_error(got.loss, wrong.loss), bound, type + ": a loss without the last column");
    const ClassifierRun<T> forward = run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp, false);
    t.check(std::memcmp(forward.logits.data(), c.logits.data(), c.logits.size() * sizeof(T)) == 0,
            type + ": without backward the logits stay as they are");
    t.check(same_finite_bits(forward.loss, got.loss) && same_finite_bits(forward.entropy, got.entropy),
            type + ": and the loss is the same");
    ClassifierRun<T> no_entropy = got;
    no_entropy.logits = c.logits, no_entropy.loss.assign(size_t(c.N), kNaN);
    classifier(dev, no_entropy.loss.data(), static_cast<float*>(nullptr), no_entropy.logits.data(), c.targets.data(),
               c.weights.data(), c.N, c.V, c.Vp, true);
    t.check(worst_error(no_entropy.loss, want.loss) <= bound && worst_error(no_entropy.logits, want.dlogits) <= bound_d,
            type + ": entropy may be null");
}
inline void test_classifier(Report& t) {
    check_classifier<float>(t);
    check_classifier<bf16>(t);
}

inline void test_classifier_reference(Report& t) {
    const ClassifierCase<float> c(4, 9, 9, 22);
    const Doubles x = doubles(c.logits);
    const ClassifierResult at = c.reference();
    const auto loss = [&](const Doubles& y) {
        const ClassifierResult r = classifier_reference(y, c.targets, c.weights, c.V, c.Vp);
        double sum = 0;
        for (int64_t n = 0; n < c.N; n++) sum += double(c.weights[size_t(n)]) * r.loss[size_t(n)];
        return sum;
    };
    Doubles want;
    for (size_t i = 0; i < x.size(); i++) {
        Doubles up = x, down = x;
        up[i] += 1e-5, down[i] -= 1e-5;
        want.push_back((loss(up) - loss(down)) / 2e-5);
    }
    t.check_at_most(worst_error(at.dlogits, want), 1e-8, "gradient equals central differences");
    Doubles wrong = at.dlogits;
    for (double& d : wrong) d *= 1.01;
    t.check_rejected(worst_error(wrong, want), 1e-8, "a gradient 1 % off");
}

inline void test_classifier_masks(Report& t) {
    Cpu dev;
    ClassifierCase<float> c(6, 700, 768, 23);
    c.targets[1] = -1, c.weights[2] = 0, c.targets[3] = -100, c.weights[3] = 0;
    for (const int64_t n : {1, 2, 3}) c.logits[size_t(n * c.Vp + 5)] = kNaN;           // masked rows may hold anything
    const ClassifierRun<float> got = run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp);
    for (const int64_t n : {1, 2, 3}) {
        bool zero = true;
        for (int64_t v = 0; v < c.Vp; v++) zero &= got.logits[size_t(n * c.Vp + v)] == 0;
        t.check(zero, cat("row ", n, " is masked: its gradient is exactly 0"));
    }
    t.check(got.loss[1] == 0 && got.loss[3] == 0, "a target of -1 has loss 0");
    t.check(std::isnan(got.loss[2]), "weight 0 keeps the loss of the row, NaN included");
    for (const int64_t n : {1, 2, 3}) c.logits[size_t(n * c.Vp + 5)] = 0;
    const ClassifierResult want = c.reference();
    const ClassifierRun<float> clean = run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp);
    t.check_at_most(worst_error(clean.loss, want.loss), 2e-6, "loss of masked and other rows");
    t.check(clean.loss[2] > 0, "a row of weight 0 still reports its loss");
    t.check_at_most(worst_error(clean.logits, want.dlogits), 2e-6, "gradient of masked and other rows");
    for (const int64_t n : {0, 4, 5})
        t.check(same_finite_bits(clean.logits.data() + n * c.Vp, got.logits.data() + n * c.Vp, c.Vp),
                "other rows do not notice");
    for (float& w : c.weights) w = 0;
    const ClassifierRun<float> nothing = run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp);
    t.check(std::all_of(nothing.logits.begin(), nothing.logits.end(), [](float d) { return d == 0; }),
            "all weights zero: all gradients zero");
    c.targets[0] = int32_t(c.V);
    t.check_error([&] { run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp); }, "target 700, vocabulary 700",
                  "a target beyond the vocabulary");
}

inline void test_classifier_extreme(Report& t) {
    Cpu dev;
    const int64_t V = 1100, Vp = 1152;
    const auto one_row = [&](const std::vector<float>& row, int32_t target) {
        auto x = row;
        x.resize(size_t(Vp), 1e30f);
        return std::pair{run_classifier<float>(dev, x, {target}, {1.0f}, V, Vp),
                         classifier_reference(doubles(x), {target}, {1.0f}, V, Vp)};
    };
    const auto agree = [&](const std::vector<float>& row, int32_t target, const std::string& name) {
        const auto [got, want] = one_row(row, target);
        t.check_at_most(worst_error(got.loss, want.loss), 2e-6, name + ": loss");
        t.check_at_most(std::fabs(double(got.entropy[0]) - want.entropy[0]), 1e-5, name + ": entropy");
        t.check_at_most(worst_error(got.logits, want.dlogits), 2e-6, name + ": gradient");
    };
    auto row = normals(V, 24);
    for (float& x : row) x = x < 0 ? -1e4f : 1e4f;
    row[700] = 9999.0f;
    agree(row, 700, "logits of +-1e4");
    row = normals(V, 24);
    for (float& x : row) x -= 1e4f;
    agree(row, 3, "logits near -1e4");
    agree(std::vector<float>(size_t(V), 0.0f), 1099, "all logits 0");
    agree(std::vector<float>(size_t(V), -7e3f), 0, "all logits equal");
    row = normals(V, 25);
    row[0] = row[1] = row[600] = -kInff;
    agree(row, 2, "some logits -inf");
    for (int64_t v = 0; v < 1050; v++) row[size_t(v)] = -kInff;      // whole blocks, the first one included
    agree(row, 1077, "whole blocks of -inf");
    row[1099] = kInff;
    t.check(std::isnan(one_row(row, 1077).first.loss[0]), "a logit of +inf gives NaN");
    row[1099] = 0;
    const auto impossible = one_row(row, 5).first;
    t.check(impossible.loss[0] == kInff, "a target of logit -inf has an infinite loss");
    t.check(std::fabs(impossible.logits[5] + 1) < 1e-6f, "and the gradient -weight");
    const std::vector<float> none(size_t(V), -kInff);
    t.check(std::isnan(one_row(none, 5).first.loss[0]), "all logits -inf: NaN");
    for (const int64_t at : {0, 511, 512, 1099}) {
        row = normals(V, 26);
        row[size_t(at)] = kNaN;
        const auto got = one_row(row, 100).first;
        t.check(std::isnan(got.loss[0]) && std::isnan(got.entropy[0]) && std::isnan(got.logits[100]) &&
                    std::isnan(got.logits[0]), cat("a NaN at column ", at, " reaches loss, entropy and gradient"));
    }
}

inline void test_classifier_invariance(Report& t) {
    const KeepThreads keep;
    const ClassifierCase<float> c(11, 777, 896, 27);
    Cpu dev(1);
    const ClassifierRun<float> first = run_classifier(dev, c.logits, c.targets, c.weights, c.V, c.Vp);
    for (const int threads : {2, 3}) {
        Cpu more(threads);
        const ClassifierRun<float> r = run_classifier(more, c.logits, c.targets, c.weights, c.V, c.Vp);
        t.check(same_finite_bits(r.loss, first.loss) && same_finite_bits(r.entropy, first.entropy), cat(threads, " threads: loss"));
        t.check(same_finite_bits(r.logits, first.logits), cat(threads, " threads: gradient"));
    }
    const std::vector<float> row(c.logits.begin() + 4 * c.Vp, c.logits.begin() + 5 * c.Vp);
    const ClassifierRun<float> alone = run_classifier<float>(dev, row, {c.targets[4]}, {c.weights[4]}, c.V, c.Vp);
    t.check(alone.loss[0] == first.loss[4] && same_finite_bits(alone.logits.data(), first.logits.data() + 4 * c.Vp, c.Vp),
            "a row has the same bits alone and in a chunk");
}

// ---- embedding

// N positions of C channels; test_cuda_kernels.hpp takes them too.
inline std::vector<std::array<int64_t, 2>> embedding_sizes() { return {{1, 1}, {3, 7}, {65, 45}, {200, 130}}; }

template <typename T>
void check_embedding(Report& t) {
    const KeepThreads keep;
    const std::string type = dtype_name<T>();
    for (const auto& [N, C] : embedding_sizes()) {
        const int64_t Vp = 9, maxT = 70;
        const auto wte = stored<T>(normals(Vp * C, 30)), wpe = stored<T>(normals(maxT * C, 31));
        const auto dx = stored<T>(normals(N * C, 32));
        std::vector<int32_t> ids, positions;
        for (int64_t n = 0; n < N; n++) {
            ids.push_back(int32_t(n == 0 ? Vp - 1 : int64_t(splitmix64(uint64_t(n)) % uint64_t(Vp))));   // repeats
            positions.push_back(int32_t((n * 3) % maxT));
        }
        Doubles x_want(size_t(N * C), 0.0), dwte_want(size_t(Vp * C), 0.5), dwpe_want(size_t(maxT * C), 0.5);
        for (int64_t n = 0; n < N; n++)
            for (int64_t c = 0; c < C; c++) {
                const size_t i = size_t(n * C + c);
                const size_t e = size_t(ids[size_t(n)] * C + c), p = size_t(positions[size_t(n)] * C + c);
                x_want[i] = double(float(wte[e])) + double(float(wpe[p]));
                dwte_want[e] += double(float(dx[i]));
                dwpe_want[p] += double(float(dx[i]));
            }
        const std::string name = cat(type, " N", N, " C", C);
        std::vector<float> first;
        for (const int threads : {1, 2, 3}) {
            Cpu dev(threads);
            std::vector<T> x(size_t(N * C), T(kNaN));
            std::vector<float> dwte(size_t(Vp * C), 0.5f), dwpe(size_t(maxT * C), 0.5f);
            embedding_forward(dev, x.data(), ids.data(), positions.data(), wte.data(), wpe.data(), N, C);
            embedding_backward(dev, dwte.data(), dwpe.data(), dx.data(), ids.data(), positions.data(), N, C);
            // measured: forward 5e-8 and 3.3e-3 (one rounding), backward 2e-7
            const double bound = sizeof(T) == 4 ? 2e-7 : 4e-3;
            t.check_at_most(worst_error(x, x_want), bound, cat(name, ", ", threads, " threads: x = token + position"));
            t.check_at_most(worst_error(dwte, dwte_want), 2e-6, cat(name, ", ", threads, " threads: dwte +="));
            t.check_at_most(worst_error(dwpe, dwpe_want), 2e-6, cat(name, ", ", threads, " threads: dwpe +="));
            dwte.insert(dwte.end(), dwpe.begin(), dwpe.end());
            if (first.empty()) first = dwte;
            t.check(same_finite_bits(dwte, first), cat(name, ": the gradient has the same bits with ", threads, " threads"));
            if (N == 1) continue;
            Doubles overwritten = dwte_want;
            for (double& d : overwritten) d -= 0.5;
            t.check_rejected(worst_error(std::vector<float>(dwte.begin(), dwte.begin() + Vp * C), overwritten), 2e-6,
                             name + ": = instead of +=");
        }
    }
    Cpu dev;
    const T wte(2.0f), wpe(kNaN);
    T x(0.0f);
    const int32_t zero = 0;
    embedding_forward(dev, &x, &zero, &zero, &wte, &wpe, 1, 1);
    t.check(std::isnan(float(x)), type + ": NaN is not swallowed");
}
inline void test_embedding(Report& t) {
    check_embedding<float>(t);
    check_embedding<bf16>(t);
}

// The adjoint identity <dx, forward(w + d) - forward(w)> = <dw, d>: exact for a linear map, so backward fits forward.
inline void test_embedding_adjoint(Report& t) {
    Cpu dev;
    const int64_t N = 40, C = 13, Vp = 6, maxT = 10;
    auto wte = normals(Vp * C, 33), wpe = normals(maxT * C, 34);
    const auto dx = normals(N * C, 35), d_wte = normals(Vp * C, 36), d_wpe = normals(maxT * C, 37);
    std::vector<int32_t> ids, positions;
    for (int64_t n = 0; n < N; n++) ids.push_back(int32_t(n * n % Vp)), positions.push_back(int32_t(n % maxT));
    std::vector<float> before(size_t(N * C), kNaN), after = before;
    std::vector<float> dwte(size_t(Vp * C), 0.0f), dwpe(size_t(maxT * C), 0.0f);
    embedding_forward(dev, before.data(), ids.data(), positions.data(), wte.data(), wpe.data(), N, C);
    for (size_t i = 0; i < wte.size(); i++) wte[i] += d_wte[i];
    for (size_t i = 0; i < wpe.size(); i++) wpe[i] += d_wpe[i];
    embedding_forward(dev, after.data(), ids.data(), positions.data(), wte.data(), wpe.data(), N, C);
    embedding_backward(dev, dwte.data(), dwpe.data(), dx.data(), ids.data(), positions.data(), N, C);
    double left = 0, right = 0;
    for (size_t i = 0; i < dx.size(); i++) left += double(dx[i]) * (double(after[i]) - double(before[i]));
    for (size_t i = 0; i < dwte.size(); i++) right += double(dwte[i]) * double(d_wte[i]);
    const double tokens_alone = right;
    for (size_t i = 0; i < dwpe.size(); i++) right += double(dwpe[i]) * double(d_wpe[i]);
    t.check_at_most(std::fabs(left - right) / std::fabs(right), 1e-5, "the two inner products are equal");
    t.check_rejected(std::fabs(left - tokens_alone) / std::fabs(right), 1e-5, "a backward without positions");
}

// Which code ran: TRAIN_GPT_ISA is honoured, so a run of this suite under sse2 tests the other path.
inline void test_isa(Report& t) {
    const char* wanted = std::getenv("TRAIN_GPT_ISA");
    const std::string ran = isa_name(active_isa());
    t.check(!wanted || std::string(wanted) != "sse2" || ran == "SSE2", cat("TRAIN_GPT_ISA=sse2 runs SSE2, not ", ran));
    t.check(!wanted || std::string(wanted) != "avx2" || ran != "AVX-512", cat("TRAIN_GPT_ISA=avx2 does not run ", ran));
    t.check(!wanted || std::string(wanted) == "avx512_bf16" || std::string(wanted) == "amx_bf16" || !has_pairs(), cat("TRAIN_GPT_ISA=", wanted ? wanted : "", " multiplies no pairs of bf16"));
#if defined(__x86_64__)
    t.check(wanted || has_pairs() == (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi")), "pairs of bf16 where the processor has the instructions");
#endif
    t.check(attention::by_pairs<bf16>(64) == has_pairs() && !attention::by_pairs<bf16>(7) && !attention::by_pairs<float>(64), "attention takes pairs for bf16 and heads of an even size");
}

}  // namespace kernels_a

inline Suite kernels_a_tests() {
    using namespace kernels_a;
    Suite suite = {
        {"attention: the reference backward is the derivative of the reference forward", test_attention_reference},
        {"attention: forward and backward equal double precision at every size (fp32)", test_attention_fp32},
        {"attention: forward and backward equal double precision at every size (bf16)", test_attention_bf16},
        {"attention: a long sequence is exact to its last row", test_attention_long},
        {"attention: far apart, equal and vanishing scores stay right", test_attention_extreme},
        {"attention: a change at position t, NaN included, changes no bit before t", test_causality},
        {"attention: NaN reaches exactly the outputs that depend on it", test_nan},
        {"attention: same bits with 1, 2, 3 threads, alone or in a batch", test_invariance},
        {"attention: with a KV cache equals the whole sequence, whatever the steps", test_cached},
        {"attention: the KV cache writes its own positions only and refuses to overflow", test_cached_limits},
        {"classifier: the reference gradient is the derivative of the reference loss", test_classifier_reference},
        {"classifier: loss, entropy and gradient equal double precision, padding never matters", test_classifier},
        {"classifier: masked rows have gradient zero whatever they hold", test_classifier_masks},
        {"classifier: extreme logits are right, NaN is not swallowed", test_classifier_extreme},
        {"classifier: same bits with 1, 2, 3 threads, alone or in a chunk", test_classifier_invariance},
        {"embedding: forward and backward equal double precision, same bits with any threads", test_embedding},
        {"embedding: backward is the adjoint of forward", test_embedding_adjoint},
        {"kernels_a: the instruction set asked for is the one that ran", test_isa},
    };
    for (const Test& test : sampling_tests()) suite.push_back(test);
    return suite;
}
