// dev/test/test_cuda_attention.hpp -- attention on the Cuda device against the Cpu device, and the promises of kernels/attention.hpp.
//
// The Cpu overload is held against double precision in test_kernels_a.hpp; that file's reference with a planted mistake serves as
// control here. Outputs are NaN before each call, and a strip of numbers behind each must be the same after it. Run by the emulator
// (dev/emu) where no GPU is; scripts/gpu_check.sh runs the same tests on a real one.
#pragma once

#include "../../kernels/attention.hpp"
#include "test.hpp"
#include "test_kernels_a.hpp"

namespace cuda_attention {

using namespace kernels_a;

constexpr int64_t kStrip = 64;                // numbers behind each array that nobody may change

// An array on the device, with the strip behind it.
template <typename T>
class Buffer {
   public:
    Buffer(Cuda& dev, const std::vector<T>& values) : dev_(dev), n_(int64_t(values.size())) {
        p_ = static_cast<T*>(dev.allocate(size_t(n_ + kStrip) * sizeof(T)));
        set(values);
    }
    Buffer(Cuda& dev, int64_t n) : Buffer(dev, std::vector<T>(size_t(n), T(kNaN))) {}
    Buffer(const Buffer&) = delete;
    ~Buffer() { dev_.release(p_); }
    void set(std::vector<T> values) {
        values.resize(size_t(n_ + kStrip), T(kUntouched));
        dev_.copy_in(p_, values.data(), values.size() * sizeof(T));
        dev_.synchronize();
    }
    T* get() const { return p_; }
    std::vector<T> values() const {
        std::vector<T> host(size_t(n_ + kStrip));
        dev_.copy_out(host.data(), p_, host.size() * sizeof(T));
        for (int64_t i = n_; i < n_ + kStrip; i++)
            if (float(host[size_t(i)]) != float(T(kUntouched))) throw Error("a kernel wrote behind its output", "");
        host.resize(size_t(n_));
        return host;
    }

   private:
    Cuda& dev_;
    int64_t n_;
    T* p_;
};

// As in test_kernels_a.hpp, on the GPU.
template <typename T>
Run<T> run_attention(Cuda& dev, const std::vector<T>& qkv, const std::vector<T>& dy, const Shape& s, bool with_db = true) {
    Run<T> r;
    const Buffer<T> in(dev, qkv), y(dev, s.B * s.T * s.C());
    const Buffer<float> lse(dev, s.B * s.NH * s.T);
    attention_forward(dev, y.get(), lse.get(), static_cast<const T*>(in.get()), s.B, s.T, s.NH, s.HS);
    r.y = y.values(), r.lse = lse.values();
    if (dy.empty()) return r;
    const Buffer<T> d_out(dev, dy), d_in(dev, int64_t(qkv.size()));
    const Buffer<float> db(dev, filled<float>(3 * s.C(), 0.5f));
    attention_backward(dev, d_in.get(), with_db ? db.get() : nullptr, static_cast<const T*>(d_out.get()), static_cast<const T*>(in.get()),
                       static_cast<const T*>(y.get()), static_cast<const float*>(lse.get()), s.B, s.T, s.NH, s.HS);
    r.dqkv = d_in.values(), r.db = db.values();
    return r;
}
using kernels_a::run_attention;

template <typename T>
double error(const std::vector<T>& a, const std::vector<T>& b) {
    return relative_error(doubles(a), doubles(b));
}

// Tile edges (16, 32, 64, 128) and odd lengths; the head sizes with kernels of their own, and padded ones on all paths: one by one,
// in pieces of 16 bytes, and one above each step of padding. Then every head size and length of the CPU's tests that CUDA has (heads up to 128).
// Of more than 33 positions one head of one sequence, where the CPU's have up to 12: the emulator takes 23 s for fp32 as it is, and several
// heads of long sequences are among the shapes above.
inline std::vector<Shape> shapes() {
    std::vector<Shape> all = {
            {3, 1, 2, 64},  {1, 2, 1, 1},    {2, 31, 3, 5},   {1, 33, 2, 16},  {2, 65, 2, 33},  {1, 130, 1, 48}, {1, 129, 2, 64},
            {2, 77, 1, 64}, {1, 257, 1, 64}, {1, 131, 2, 80}, {2, 63, 1, 80},  {1, 70, 1, 96},  {1, 64, 1, 127}, {1, 133, 1, 128},
            {2, 40, 2, 128}, {1, 50, 1, 100}, {1, 16, 5, 32}};
    for (Shape s : attention_shapes()) {
        if (s.HS > 128) continue;
        if (s.T > 33) s.B = s.NH = 1;
        all.push_back(s);
    }
    return all;
}

// The ways to a product of bf16 heads of 64 and 128 (Cuda::warpgroups): warp by warp everywhere, by warpgroups on Hopper and in the emulator.
inline std::vector<bool> ways() {
#ifdef TRAIN_GPT_EMULATOR
    return {false, true};
#else
    return Cuda().warpgroups ? std::vector<bool>{false, true} : std::vector<bool>{false};
#endif
}
inline std::string way_name(bool warpgroups) { return warpgroups ? ", by warpgroups" : ""; }

// measured: fp32 y 3e-7, lse 8e-8, dqkv 7e-7; bf16 y 2.0e-3, lse 2e-7, dqkv 4.7e-3 (p and ds are rounded to bf16); db against the sums of dqkv
// 1.3e-7 and 3e-8, and 1.5e-3 where the numbers were not rounded before they were added
template <typename T>
void check_against_cpu(Report& t, bool warpgroups = false) {
    Cpu cpu;
    Cuda cuda;
    cuda.warpgroups = warpgroups;
    const double bound = sizeof(T) == 4 ? 1e-5 : 2e-2, bound_lse = 1e-5, bound_b = 2e-6;
    double worst_y = 0, worst_lse = 0, worst_d[3] = {}, worst_b = 0;
    for (const Shape& s : shapes()) {
        if (warpgroups && s.HS != 64 && s.HS != 128) continue;
        const auto qkv = random_qkv<T>(s, 1), dy = random_dy<T>(s, 2);
        const Run<T> want = run_attention(cpu, qkv, dy, s), got = run_attention(cuda, qkv, dy, s);
        const double y = error(got.y, want.y), lse = error(got.lse, want.lse);
        double d[3];
        for (int64_t part = 0; part < 3; part++) {                   // dq, dk, dv apart: one of them may be small
            std::vector<T> a, b;
            for (size_t i = 0; i < qkv.size(); i++)
                if (int64_t(i) / s.C() % 3 == part) a.push_back(got.dqkv[i]), b.push_back(want.dqkv[i]);
            // one position: dq and dk are differences of equal numbers, so measure them against dv's size; and so in bf16 with two positions of
            // one channel in several heads, where dq is a fifteenth of dv, the Cpu is 0.9 % off double precision, and Cuda 2.2 % off the Cpu
            const bool cancels = s.T == 1 || (sizeof(T) == 2 && s.T == 2 && s.HS == 1 && s.B * s.NH > 1);
            d[part] = cancels ? error(got.dqkv, want.dqkv) : error(a, b);
            worst_d[part] = std::max(worst_d[part], d[part]);
        }
        const double b = bias_error(got, s);
        t.check(y <= bound && lse <= bound_lse && std::max({d[0], d[1], d[2]}) <= bound && b <= bound_b,
                cat(dtype_name<T>(), " ", s.text(), way_name(warpgroups), " equals the Cpu: y ", y, ", lse ", lse, ", dq ", d[0], ", dk ", d[1], ", dv ", d[2], ", db equals the sums of dqkv: ", b));
        worst_y = std::max(worst_y, y), worst_lse = std::max(worst_lse, lse), worst_b = std::max(worst_b, b);
    }
    t.check_at_most(worst_y, bound, cat(dtype_name<T>(), ": y over all sizes"));
    t.check_at_most(worst_lse, bound_lse, cat(dtype_name<T>(), ": lse over all sizes"));
    for (int part = 0; part < 3; part++) t.check_at_most(worst_d[part], bound, cat(dtype_name<T>(), ": d", "qkv"[part], " over all sizes"));
    t.check_at_most(worst_b, bound_b, cat(dtype_name<T>(), ": db over all sizes"));
    const Shape s{2, 65, 2, warpgroups ? 64 : 33};
    const auto qkv = random_qkv<T>(s, 1), dy = random_dy<T>(s, 2);
    const Run<T> got = run_attention(cuda, qkv, dy, s);
    for (const auto& [mistake, name] : {std::pair{Mistake::scale, "scale 1/HS"}, {Mistake::not_causal, "no mask"},
                                        {Mistake::off_by_one, "its own key missing"}}) {
        const AttentionResult wrong = attention_reference(doubles(qkv), {}, s, mistake);
        t.check_rejected(relative_error(doubles(got.y), wrong.y), bound, cat(dtype_name<T>(), " forward with ", name));
        t.check_rejected(relative_error(got.lse, wrong.lse), bound_lse, cat(dtype_name<T>(), " lse with ", name));
    }
    const AttentionResult no_d = attention_reference(doubles(qkv), doubles(dy), s, Mistake::no_d_term);
    t.check_rejected(relative_error(doubles(got.dqkv), no_d.dqkv), bound, cat(dtype_name<T>(), " backward without D"));
    t.check_rejected(bias_error(got, s, 1), bound_b, cat(dtype_name<T>(), " db without the last row"));
    t.check_rejected(relative_error(got.db, sums_of_columns(0.0, got.dqkv, s.B * s.T, 3 * s.C())), bound_b, cat(dtype_name<T>(), " db that does not add"));
    if (sizeof(T) == 2) {
        const AttentionResult exact = attention_reference(doubles(qkv), doubles(dy), s);
        t.check_rejected(relative_error(got.db, sums_of_columns(0.5, stored<float>({exact.dqkv.begin(), exact.dqkv.end()}), s.B * s.T, 3 * s.C())), bound_b, "db of dqkv before it was rounded");
    }
}
inline void test_fp32(Report& t) { check_against_cpu<float>(t); }
inline void test_bf16(Report& t) {
    for (const bool warpgroups : ways()) check_against_cpu<bf16>(t, warpgroups);
}

inline void check_extreme(Report& t, bool warpgroups) {
    Cpu cpu;
    Cuda cuda;
    cuda.warpgroups = warpgroups;
    const Shape s{1, 70, 2, warpgroups ? 64 : 16};
    for (const float std : {0.0f, 1e-20f, 50.0f}) {                  // scores all equal, and up to 1e4 apart
        auto qkv = random_qkv<bf16>(s, 6);
        const auto dy = random_dy<bf16>(s, 7);
        for (size_t i = 0; i < qkv.size(); i++)
            if (int64_t(i) % (3 * s.C()) < 2 * s.C()) qkv[i] = bf16(float(qkv[i]) * std);
        const Run<bf16> want = run_attention(cpu, qkv, dy, s), got = run_attention(cuda, qkv, dy, s);
        t.check_at_most(error(got.y, want.y), 2e-2, cat("y where q and k have deviation ", std));
        t.check_at_most(error(got.lse, want.lse), 1e-5, cat("lse where q and k have deviation ", std));
        if (std != 1e-20f) t.check_at_most(error(got.dqkv, want.dqkv), 2e-2, cat("dqkv where q and k have deviation ", std));
    }
    const auto qkv = random_qkv<bf16>(s, 6);
    const Run<bf16> zero = run_attention(cuda, qkv, std::vector<bf16>(size_t(s.T * s.C()), bf16(0.0f)), s);
    float largest = 0;
    for (const bf16 v : zero.dqkv) largest = std::max(largest, std::isnan(float(v)) ? kInff : std::fabs(float(v)));
    t.check(largest == 0, "dy = 0 gives dqkv = 0");
    t.check_error([&] { run_attention(cuda, random_qkv<bf16>({1, 1, 1, 129}, 1), {}, {1, 1, 1, 129}); }, "head size 129", "a head too large");
}
inline void test_extreme(Report& t) {
    for (const bool warpgroups : ways()) check_extreme(t, warpgroups);
}

// ---- who may influence whom

template <typename T>
void check_causality(Report& t, const Shape& s, bool warpgroups = false) {
    Cuda dev;
    dev.warpgroups = warpgroups;
    const int64_t C = s.C();
    const auto qkv = random_qkv<T>(s, 8);
    const Run<T> before = run_attention(dev, qkv, {}, s);
    const std::string name = cat(dtype_name<T>(), " ", s.text(), way_name(warpgroups), ": ");
    for (const float value : {3.0f, kInff, kNaN})
        for (const int64_t at : {0, 1, 15, 16, 31, 63, 64, 69, 130, 132}) {
            if (value == 3.0f && at % 3 != 0) continue;
            auto changed = qkv;
            for (int64_t c = 0; c < 3 * C; c++) changed[size_t((s.T + at) * 3 * C + c)] = T(value);     // in row b = 1
            const Run<T> after = run_attention(dev, changed, {}, s);
            const int64_t prefix = (s.T + at) * C;
            t.check(same_finite_bits(before.y.data(), after.y.data(), prefix), cat(name, value, " at position ", at, " changes no bit before it"));
            int64_t changes = 0;
            for (int64_t c = 0; c < C; c++)
                changes += std::memcmp(&before.y[size_t(prefix + c)], &after.y[size_t(prefix + c)], sizeof(T)) != 0;
            t.check(changes == C, cat(name, value, " at position ", at, " changes its own output"));
        }
}
inline void test_causality(Report& t) {
    check_causality<float>(t, {2, 133, 1, 7});
    check_causality<bf16>(t, {2, 133, 1, 7});
    for (const bool warpgroups : ways()) check_causality<bf16>(t, {2, 133, 1, 64}, warpgroups);
}

template <typename T>
void check_nan(Report& t, int64_t HS, bool warpgroups = false) {
    Cuda dev;
    dev.warpgroups = warpgroups;
    const Shape s{1, 100, 2, HS};
    const int64_t C = s.C(), T_ = s.T;
    const auto dy = random_dy<T>(s, 10);
    const auto rows = [&](const std::vector<T>& x, int64_t stride, int64_t offset) {
        std::vector<float> part;
        for (size_t i = size_t(offset); i < x.size(); i++) part.push_back(float(x[i]));
        part.resize(x.size(), 0.0f);
        return nan_rows(part.data(), stride, T_, s.HS);
    };
    for (const int64_t at : {0, 1, 64, 70, 99})
        for (int64_t part = 0; part < 3; part++) {
            auto qkv = random_qkv<T>(s, 9);
            qkv[size_t(at * 3 * C + part * C + s.HS + 2)] = T(kNaN);           // head 1, channel 2
            const Run<T> got = run_attention(dev, qkv, dy, s);
            std::string want(size_t(T_), '0');
            for (int64_t i = at; i < T_; i++) want[size_t(i)] = part > 0 || i == at ? '1' : '0';
            const std::string where = cat(dtype_name<T>(), " HS ", HS, way_name(warpgroups), ": NaN in ", "qkv"[part], " at ", at, " shows in ");
            t.check(rows(got.y, C, 0) == std::string(size_t(T_), '0'), where + "nothing of the other head");
            t.check(rows(got.y, C, s.HS) == want, where + "y");
            t.check(rows(got.dqkv, 3 * C, s.HS)[size_t(at)] == '1', where + "dq");
            bool lse_right = true;
            for (int64_t i = 0; i < T_; i++) lse_right &= std::isnan(got.lse[size_t(T_ + i)]) == (part < 2 && want[size_t(i)] == '1');
            t.check(lse_right, where + "lse");
            bool db_right = true;
            for (int64_t c = 0; c < 3 * C; c++) {
                bool spoiled = false;
                for (int64_t i = 0; i < T_; i++) spoiled |= std::isnan(float(got.dqkv[size_t(i * 3 * C + c)]));
                db_right &= std::isnan(got.db[size_t(c)]) == spoiled;
            }
            t.check(db_right, where + "db exactly where it is in dqkv");
        }
    const auto qkv = random_qkv<T>(s, 9);
    auto bad = dy;
    bad[size_t(50 * C)] = T(kNaN);
    const Run<T> got = run_attention(dev, qkv, bad, s);
    t.check(rows(got.dqkv, 3 * C, 0)[50] == '1', "NaN in dy shows in dq of its position");
    t.check(rows(got.dqkv, 3 * C, 2 * C).substr(0, 51) == std::string(51, '1'), "NaN in dy shows in dv of all positions up to it");
}
inline void test_nan(Report& t) {
    check_nan<float>(t, 8);
    check_nan<bf16>(t, 8);
    if (ways().size() > 1) check_nan<bf16>(t, 64, true);
}

// ---- the same bits

template <typename T>
void check_invariance(Report& t, int64_t HS, bool warpgroups = false) {
    Cuda dev;
    dev.warpgroups = warpgroups;
    const Shape s{3, 139, 2, HS}, one{1, 139, 2, HS};
    const auto qkv = random_qkv<T>(s, 11), dy = random_dy<T>(s, 12);
    const Run<T> first = run_attention(dev, qkv, dy, s), again = run_attention(dev, qkv, dy, s), no_db = run_attention(dev, qkv, dy, s, false);
    const std::string name = cat(dtype_name<T>(), " HS ", HS, way_name(warpgroups), ": ");
    t.check(same_finite_bits(again.y, first.y) && same_finite_bits(again.lse, first.lse) && same_finite_bits(again.dqkv, first.dqkv) && same_finite_bits(again.db, first.db),
            name + "a second run has the same bits");
    t.check(same_finite_bits(no_db.dqkv, first.dqkv) && no_db.db == filled<float>(3 * s.C(), 0.5f), name + "without db dqkv has the same bits, and nothing else is added to");
    const int64_t n = one.T * one.C(), b = 2;
    const std::vector<T> qkv_b(qkv.begin() + b * 3 * n, qkv.begin() + (b + 1) * 3 * n), dy_b(dy.begin() + b * n, dy.begin() + (b + 1) * n);
    const Run<T> r = run_attention(dev, qkv_b, dy_b, one);
    t.check(same_finite_bits(r.y.data(), first.y.data() + b * n, n) && same_finite_bits(r.dqkv.data(), first.dqkv.data() + b * 3 * n, 3 * n),
            name + "a row of the batch has the same bits alone");
    t.check(!same_finite_bits(first.y.data(), first.y.data() + n, n), "control: rows of the batch differ");
    // a shorter sequence: what comes later, and how many tiles it takes, is of no account
    const int64_t short_T = 71;
    const std::vector<T> prefix(qkv_b.begin(), qkv_b.begin() + short_T * 3 * s.C());
    const Run<T> p = run_attention(dev, prefix, {}, {1, short_T, 2, HS});
    t.check(same_finite_bits(p.y.data(), first.y.data() + b * n, short_T * s.C()), name + "a prefix has the same bits alone");
}
inline void test_invariance(Report& t) {
    check_invariance<float>(t, 20);
    check_invariance<bf16>(t, 20);
    for (const bool warpgroups : ways()) check_invariance<bf16>(t, 64, warpgroups);
}

// ---- with a KV cache

// Sequences of B rows in a cache of B + 2 slots. feed() gives positions past .. past + n - 1 of chosen rows to the device.
template <typename T>
struct Cached {
    Cuda& dev;
    Shape s;
    int64_t R, T_max;
    std::vector<T> qkv, y;            // (B, T, 3C) of the whole sequences, all outputs so far (B, T, C)
    Buffer<T> k, v;
    std::vector<int32_t> slot, past;

    Cached(Cuda& dev_, const Shape& shape, uint64_t seed, int64_t spare = 3)
        : dev(dev_), s(shape), R(s.B + 2), T_max(s.T + spare), qkv(random_qkv<T>(s, seed)), y(size_t(s.B * s.T * s.C()), T(kNaN)),
          k(dev_, R * T_max * s.C()), v(dev_, R * T_max * s.C()) {   // NaN: what was not written must not be read
        for (int64_t b = 0; b < s.B; b++) slot.push_back(int32_t(R - 1 - b)), past.push_back(0);
    }
    void feed(const std::vector<int64_t>& rows, int64_t n) {
        const int64_t C = s.C(), B = int64_t(rows.size());
        std::vector<T> in;
        std::vector<int32_t> slots, pasts;
        for (const int64_t b : rows) {
            const auto from = qkv.begin() + (b * s.T + past[size_t(b)]) * 3 * C;
            in.insert(in.end(), from, from + n * 3 * C);
            slots.push_back(slot[size_t(b)]), pasts.push_back(past[size_t(b)]);
        }
        const std::vector<T> out = call(in, slots, pasts, n);
        for (int64_t i = 0; i < B; i++) {
            const int64_t b = rows[size_t(i)];
            std::copy_n(out.begin() + i * n * C, n * C, y.begin() + (b * s.T + past[size_t(b)]) * C);
            past[size_t(b)] += int32_t(n);
        }
    }
    std::vector<T> call(const std::vector<T>& in, const std::vector<int32_t>& slots, const std::vector<int32_t>& pasts, int64_t n) {
        const int64_t B = int64_t(slots.size());
        const Buffer<T> in_d(dev, in), out_d(dev, B * n * s.C());
        const Buffer<int32_t> slots_d(dev, slots), pasts_d(dev, pasts);
        attention_cached(dev, out_d.get(), k.get(), v.get(), static_cast<const T*>(in_d.get()), static_cast<const int32_t*>(slots_d.get()),
                         static_cast<const int32_t*>(pasts_d.get()), B, n, T_max, s.NH, s.HS);
        return out_d.values();
    }
    std::vector<T> part(const std::vector<T>& x, int64_t b, int64_t from, int64_t to) const {
        return {x.begin() + (b * s.T + from) * s.C(), x.begin() + (b * s.T + to) * s.C()};
    }
};

template <typename T>
void check_cached(Report& t, const Shape& s, bool warpgroups = false) {
    Cpu cpu;
    Cuda dev;
    dev.warpgroups = warpgroups;
    const double bound = sizeof(T) == 4 ? 1e-5 : 2e-2;
    const int64_t C = s.C(), half = s.T / 2;
    const std::string name = cat(dtype_name<T>(), " ", s.text(), way_name(warpgroups), ": ");
    std::vector<int64_t> all;
    for (int64_t b = 0; b < s.B; b++) all.push_back(b);
    Cached<T> whole(dev, s, 13);
    const Run<T> want = run_attention(dev, whole.qkv, {}, s), cpu_want = run_attention(cpu, whole.qkv, {}, s);
    whole.feed(all, s.T);
    t.check(same_finite_bits(whole.y, want.y), name + "a prompt has the bits of attention_forward");
    t.check_at_most(error(whole.y, cpu_want.y), bound, name + "a prompt equals the Cpu");
    const std::vector<T> k = whole.k.values(), v = whole.v.values();
    int64_t wrong_rows = 0, touched = 0;
    for (int64_t b = 0; b < s.B; b++)
        for (int64_t i = 0; i < s.T; i++)
            wrong_rows += !cache_holds(k, v, whole.qkv.data() + (b * s.T + i) * 3 * C, s, whole.slot[size_t(b)], whole.T_max, i);
    for (size_t i = 0; i < k.size(); i++) touched += !std::isnan(float(k[i])) + !std::isnan(float(v[i]));
    t.check(wrong_rows == 0 && touched == 2 * s.B * s.T * C, name + "the cache holds k and v of the new positions, and nothing else changed");
    // each row gets a prompt of its own length, then they go on together: pasts differ
    Cached<T> mixed(dev, s, 13);
    for (int64_t b = 0; b < s.B; b++) mixed.feed({b}, half - 7 * b);
    mixed.feed(all, 9);
    bool same = true;
    for (int64_t b = 0; b < s.B; b++)
        same &= same_finite_bits(mixed.y.data() + b * s.T * C, want.y.data() + b * s.T * C, mixed.past[size_t(b)] * C);
    t.check(same, name + "a prompt in two parts has the same bits");
    for (int i = 0; i < 4; i++) mixed.feed(all, 1);
    for (int64_t b = 0; b < s.B; b++) {
        const int64_t to = mixed.past[size_t(b)];
        t.check_at_most(error(mixed.part(mixed.y, b, to - 4, to), mixed.part(cpu_want.y, b, to - 4, to)), bound, cat(name, "four tokens one by one, row ", b));
    }
    const AttentionResult wrong = attention_reference(doubles(whole.qkv), {}, s, Mistake::off_by_one);
    std::vector<double> wrong_part;
    const int64_t to = mixed.past[0];
    for (int64_t i = (to - 4) * C; i < to * C; i++) wrong_part.push_back(wrong.y[size_t(i)]);
    t.check_rejected(relative_error(doubles(mixed.part(mixed.y, 0, to - 4, to)), wrong_part), bound, name + "decoding without the newest key");
    // decoding alone, in a cache of another size (1 or more splits of the keys): the same bits as in the batch
    Cached<T> alone(dev, s, 13, 200);
    const int64_t b = s.B - 1;
    alone.feed({b}, mixed.past[size_t(b)] - 4);
    for (int i = 0; i < 4; i++) alone.feed({b}, 1);
    t.check(same_finite_bits(alone.y.data() + b * s.T * C, mixed.y.data() + b * s.T * C, alone.past[size_t(b)] * C),
            name + "decoding a row alone, in a longer cache, has the same bits");
    const std::vector<T> mixed_k = mixed.k.values(), mixed_v = mixed.v.values();
    wrong_rows = 0;
    for (int64_t i = 0; i < mixed.past[0]; i++) wrong_rows += !cache_holds(mixed_k, mixed_v, mixed.qkv.data() + i * 3 * C, s, mixed.slot[0], mixed.T_max, i);
    t.check(wrong_rows == 0, name + "decoding appends k and v");
}
inline void test_cached(Report& t) {
    check_cached<float>(t, {2, 70, 2, 7});
    check_cached<float>(t, {1, 150, 1, 64});
    check_cached<bf16>(t, {2, 70, 3, 7});
    for (const bool warpgroups : ways()) check_cached<bf16>(t, {2, 150, 1, 64}, warpgroups);
    check_cached<bf16>(t, {1, 145, 1, 80});
    for (const bool warpgroups : ways()) check_cached<bf16>(t, {1, 40, 2, 128}, warpgroups);
    check_cached<bf16>(t, {2, 270, 1, 24});
}

// What the Cpu refuses with an assertion, the GPU answers with NaN.
inline void check_cached_limits(Report& t, int64_t HS, bool warpgroups) {
    Cuda dev;
    dev.warpgroups = warpgroups;
    for (const int64_t n : {1, 2}) {
        Cached<bf16> run(dev, {1, 4, 2, HS}, 14);
        const std::vector<bf16> in = stored<bf16>(normals(2 * n * 6 * HS, 15));
        const std::vector<bf16> before = run.k.values();
        for (const auto& [slot, past] : {std::pair{-1, 0}, {0, -1}, {0, int(run.T_max)}, {0, int(run.T_max + 1 - n)}}) {
            const std::vector<bf16> out = run.call(in, {slot, 1}, {past, 0}, n);
            int64_t nan = 0;
            for (const bf16 y : out) nan += std::isnan(float(y));
            t.check(nan == n * 2 * HS && std::isnan(float(out[0])), cat("slot ", slot, ", past ", past, ", ", n, " new: that row is NaN, the other is not"));
        }
        const std::vector<bf16> after = run.k.values();
        int64_t written = 0;
        for (size_t i = 0; i < after.size(); i++) written += std::isnan(float(before[i])) && !std::isnan(float(after[i]));
        t.check(written == n * 2 * HS, "only the sound row was appended");
    }
}
inline void test_cached_limits(Report& t) {
    check_cached_limits(t, 5, false);
    if (ways().size() > 1) check_cached_limits(t, 64, true);
}

}  // namespace cuda_attention

inline Suite cuda_attention_tests() {
    return {
        {"cuda attention: forward and backward equal the Cpu at every size (fp32)", cuda_attention::test_fp32},
        {"cuda attention: forward and backward equal the Cpu at every size (bf16)", cuda_attention::test_bf16},
        {"cuda attention: far apart, equal and vanishing scores stay right", cuda_attention::test_extreme},
        {"cuda attention: a change at position t, NaN included, changes no bit before t", cuda_attention::test_causality},
        {"cuda attention: NaN reaches exactly the outputs that depend on it", cuda_attention::test_nan},
        {"cuda attention: same bits twice, alone, in a batch, as a prefix", cuda_attention::test_invariance},
        {"cuda attention: with a KV cache equals the whole sequence, whatever the steps", cuda_attention::test_cached},
        {"cuda attention: a cache that overflows gives NaN and is left alone", cuda_attention::test_cached_limits},
    };
}
