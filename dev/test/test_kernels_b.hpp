// dev/test/test_kernels_b.hpp -- LayerNorm, GELU, AdamW, global norm on the CPU. (Matrix products: test_matmul.hpp.)
//
// The oracle is the textbook loop in double precision, on the very numbers that the kernel gets (bf16 inputs are
// rounded first). Backwards are also held against central differences of the double-precision forward. Golden numbers
// come from PyTorch 2.15 (the call stands beside them). Outputs start as NaN and lie between guards; each bound has a
// control.
#pragma once

#include <algorithm>

#include "../../kernels/adamw.hpp"
#include "../../kernels/gelu.hpp"
#include "../../kernels/global_norm.hpp"
#include "../../kernels/layernorm.hpp"
#include "kernel_checks.hpp"
#include "test.hpp"

namespace kernels_b {

using namespace kernel_checks;

// ---- GELU

inline double gelu_double(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
inline Doubles gelu_slopes(const Doubles& x) {
    Doubles d;
    for (double v : x) d.push_back((gelu_double(v + 1e-5) - gelu_double(v - 1e-5)) / 2e-5);
    return d;
}

template <typename T>
void check_gelu(Report& t, int64_t n) {
    Cpu dev(2);
    const auto x = random_values<T>(n, 1, 2.5f), dy = random_values<T>(n, 2);
    const Doubles X = doubles(x);
    Doubles y, dx = gelu_slopes(X);
    for (double v : X) y.push_back(gelu_double(v));
    for (size_t i = 0; i < dx.size(); i++) dx[i] *= double(float(dy[i]));
    Output<T> out(n), d(n);
    std::copy(dy.begin(), dy.end(), d.data());
    gelu_forward(dev, out.data(), x.data(), n);
    gelu_backward_inplace(dev, d.data(), x.data(), n);
    const double bound = store_bound<T>();  // measured: fp32 9e-8 and 1.4e-7, bf16 1.7e-3
    t.check_at_most(error_of(out.values(), y), bound, cat(dtype_name<T>(), " forward, n=", n));
    t.check_at_most(error_of(d.values(), dx), bound, cat(dtype_name<T>(), " backward, n=", n));
    t.check(out.guards_intact() && d.guards_intact(), "guards");
}

inline void gelu_values(Report& t) {
    for (int64_t n : {1, 7, 64, 1000, 40001}) {
        check_gelu<float>(t, n);
        check_gelu<bf16>(t, n);
    }
    // torch.nn.functional.gelu(x, approximate="tanh") and its gradient
    const std::vector<float> x = {-3, -1, -0.1f, 0, 0.5f, 2, 5};
    const Doubles y = {-0.00363743305, -0.158807993, -0.0460172482, 0, 0.345714003, 1.95459771, 4.99999952};
    const Doubles dx = {-0.0115842968, -0.0829640925, 0.420478195, 0.5, 0.86736989, 1.08609927, 1.00000203};
    Cpu dev(1);
    std::vector<float> out(7), d(7, 1.0f);
    gelu_forward(dev, out.data(), x.data(), 7);
    gelu_backward_inplace(dev, d.data(), x.data(), 7);
    t.check_at_most(error_of(out, y), 3e-7, "PyTorch's values");
    t.check_at_most(error_of(d, dx), 2e-6, "PyTorch's gradients");
    Doubles erf_form;
    for (float v : x) erf_form.push_back(0.5 * v * std::erfc(-v / std::sqrt(2.0)));
    t.check_rejected(error_of(out, erf_form), 1e-6, "the erf form of GELU");
    double worst = 0;
    for (float v = -9.0f; v < 9.0f; v += 0.01f) {
        const double e = gelu_double(double(v));
        if (v > -5) worst = std::max(worst, std::abs(double(gelu(v)) - e) / (std::abs(e) + 1e-12));
    }
    t.check_at_most(worst, 5e-6, "each value from -5 up keeps its relative precision");
}

inline void gelu_extremes(Report& t) {
    Cpu dev(1);
    const float inf = std::numeric_limits<float>::infinity();
    std::vector<float> x = {kNaN, inf, 1e30f, -1e30f, 1e5f, -1e5f}, y(6), d(6, 1.0f);
    gelu_forward(dev, y.data(), x.data(), 6);
    gelu_backward_inplace(dev, d.data(), x.data(), 6);
    t.check(std::isnan(y[0]) && std::isnan(d[0]), "NaN in, NaN out");
    t.check(y[1] == inf && y[2] == 1e30f && y[4] == 1e5f, "large x passes unchanged");
    t.check(y[3] == 0 && y[5] == 0, "large negative x is shut off");
    t.check(d[1] == 1 && d[2] == 1 && d[4] == 1 && d[3] == 0 && d[5] == 0, "the slope there is 1 and 0");
    std::vector<float> gradient = {kNaN};
    gelu_backward_inplace(dev, gradient.data(), x.data() + 4, 1);
    t.check(std::isnan(gradient[0]), "NaN in dy shows");
}

// ---- LayerNorm

inline Doubles layernorm_double(const Doubles& x, const Doubles& w, const Doubles& b, int64_t N, int64_t C) {
    Doubles y(size_t(N * C));
    for (int64_t n = 0; n < N; n++) {
        double m = 0, v = 0;
        for (int64_t c = 0; c < C; c++) m += x[size_t(n * C + c)] / double(C);
        for (int64_t c = 0; c < C; c++) v += (x[size_t(n * C + c)] - m) * (x[size_t(n * C + c)] - m) / double(C);
        for (int64_t c = 0; c < C; c++)
            y[size_t(n * C + c)] = (x[size_t(n * C + c)] - m) / std::sqrt(v + 1e-5) * w[size_t(c)] + b[size_t(c)];
    }
    return y;
}

// The gradient of dot(dy, layernorm(x)) by the quotient rule on x - m and the standard deviation s, not by our formula:
//   dy/dx_k = sum_c g_c ((delta_ck - 1/C) / s - (x_c - m) (x_k - m) / (C s^3))
inline Doubles layernorm_dx_double(const Doubles& x, const Doubles& w, const Doubles& dy, int64_t N, int64_t C) {
    Doubles dx(size_t(N * C), 0.0);
    for (int64_t n = 0; n < N; n++) {
        const double *x_n = &x[size_t(n * C)], *dy_n = &dy[size_t(n * C)];
        double m = 0, v = 0;
        for (int64_t c = 0; c < C; c++) m += x_n[c] / double(C);
        for (int64_t c = 0; c < C; c++) v += (x_n[c] - m) * (x_n[c] - m) / double(C);
        const double s = std::sqrt(v + 1e-5);
        for (int64_t k = 0; k < C; k++)
            for (int64_t c = 0; c < C; c++)
                dx[size_t(n * C + k)] +=
                    dy_n[c] * w[size_t(c)] *
                    (((c == k) - 1.0 / double(C)) / s - (x_n[c] - m) * (x_n[k] - m) / (double(C) * s * s * s));
    }
    return dx;
}

template <typename T>
struct NormCase {
    int64_t N, C;
    std::vector<T> x, w, b, dy;
    std::vector<float> mean, rstd;
    NormCase(int64_t N_, int64_t C_, uint64_t seed = 1)
        : N(N_), C(C_),
          x(random_values<T>(N * C, seed, 2.0f)),
          w(random_values<T>(C, seed + 1)),
          b(random_values<T>(C, seed + 2)),
          dy(random_values<T>(N * C, seed + 3)),
          mean(size_t(N), kNaN), rstd(size_t(N), kNaN) {}
    Doubles expected() const { return layernorm_double(doubles(x), doubles(w), doubles(b), N, C); }
};

template <typename T>
void check_layernorm_forward(Report& t, int64_t N, int64_t C) {
    Cpu dev(2);
    NormCase<T> s(N, C);
    const std::string at = cat(dtype_name<T>(), " N=", N, " C=", C, ": ");
    const double bound = store_bound<T>();
    Output<T> y(N * C);
    layernorm_forward(dev, y.data(), s.mean.data(), s.rstd.data(), s.x.data(), s.w.data(), s.b.data(), N, C);
    t.check_at_most(error_of(y.values(), s.expected()), bound, at + "y");
    double worst = 0;
    for (int64_t n = 0; n < N; n++) {
        double m = 0;
        for (int64_t c = 0; c < C; c++) m += double(float(s.x[size_t(n * C + c)])) / double(C);
        const double e = std::abs(m - s.mean[size_t(n)]);
        if (!(e <= worst)) worst = e;
    }
    t.check_at_most(worst, 1e-6, at + "mean");
    // the residual sum and its norm in one: as the two alone, bit for bit
    const auto r = random_values<T>(N * C, 9);
    Output<T> sum(N * C), both(N * C), sum2(N * C), y2(N * C);
    std::vector<float> mean = filled<float>(N, kNaN), rstd = mean, mean2 = mean, rstd2 = mean;
    residual_layernorm_forward(dev, sum.data(), both.data(), mean.data(), rstd.data(), s.x.data(), r.data(), s.w.data(),
                               s.b.data(), N, C);
    residual_forward(dev, sum2.data(), s.x.data(), r.data(), N * C);
    layernorm_forward(dev, y2.data(), mean2.data(), rstd2.data(), sum2.data(), s.w.data(), s.b.data(), N, C);
    t.check(same_bits(sum.all, sum2.all) && same_bits(both.all, y2.all), at + "fused = residual, then layernorm");
    t.check(same_bits(mean, mean2) && same_bits(rstd, rstd2), at + "fused mean and rstd");
    Doubles want = doubles(s.x);
    for (size_t i = 0; i < want.size(); i++) want[i] += double(float(r[i]));
    t.check_at_most(error_of(sum.values(), want), bound, at + "sum = x + r");
    t.check(y.guards_intact() && sum.guards_intact() && both.guards_intact(), at + "guards");
}

// N rows of C channels; test_cuda_kernels.hpp takes them too.
inline std::vector<std::array<int64_t, 2>> layernorm_sizes() {
    std::vector<std::array<int64_t, 2>> sizes;
    for (const int64_t N : {1, 7, 130})
        for (const int64_t C : {1, 2, 45, 64, 100, 768}) sizes.push_back({N, C});
    return sizes;
}

inline void layernorm_forward_values(Report& t) {
    for (const auto& [N, C] : layernorm_sizes()) {
        check_layernorm_forward<float>(t, N, C);
        check_layernorm_forward<bf16>(t, N, C);
    }
    // torch.nn.functional.layer_norm(x, (5,), w, b, 1e-5); and (3,) without w and b: there eps decides
    Cpu dev(1);
    const std::vector<float> x = {0.1f, -0.2f, 0.3f, 1.5f, -2.0f}, w = {1, 0.5f, -1, 2, 0.1f}, b = {0, 1, 2, 3, 4};
    std::vector<float> y(5), m(1), r(1);
    layernorm_forward(dev, y.data(), m.data(), r.data(), x.data(), w.data(), b.data(), 1, 5);
    t.check_at_most(error_of(y, Doubles{0.141731188, 0.937992632, 1.68110478, 5.76375771, 3.82815099}), 2e-7,
                    "PyTorch");
    const std::vector<float> small = {1e-3f, -2e-3f, 3e-3f}, ones(3, 1.0f), zeros(3, 0.0f);
    y.resize(3);
    layernorm_forward(dev, y.data(), m.data(), r.data(), small.data(), ones.data(), zeros.data(), 1, 3);
    const Doubles golden = {0.0883883312, -0.707106829, 0.618718386};
    t.check_at_most(error_of(y, golden), 3e-7, "PyTorch, small rows: eps inside the root");
    Doubles without_eps;
    for (float v : small) without_eps.push_back((v - 2e-3 / 3) / std::sqrt(4.222222e-6));
    t.check_rejected(error_of(y, without_eps), 3e-7, "no eps");
}

inline void layernorm_survives_a_large_mean(Report& t) {
    Cpu dev(1);
    const int64_t C = 100;
    std::vector<float> x = normals(C, 1), w = filled<float>(C, 1), b = filled<float>(C, 0), y = filled<float>(C, kNaN),
                       m(1), r(1);
    for (float& v : x) v += 3000.0f;
    layernorm_forward(dev, y.data(), m.data(), r.data(), x.data(), w.data(), b.data(), 1, C);
    const Doubles want = layernorm_double(doubles(x), doubles(w), doubles(b), 1, C);
    t.check_at_most(error_of(y, want), 1e-3, "mean 3000, deviation 1");
    float sum = 0, squares = 0;
    for (float v : x) sum += v / float(C), squares += v * v / float(C);
    std::vector<float> wrong;
    for (float v : x) wrong.push_back((v - sum) / std::sqrt(std::max(0.0f, squares - sum * sum) + 1e-5f));
    t.check_rejected(error_of(wrong, want), 1e-3, "mean of squares minus square of the mean");
}

template <typename T>
void check_layernorm_backward(Report& t, int64_t N, int64_t C) {
    Cpu dev(2);
    NormCase<T> s(N, C);
    const std::string at = cat(dtype_name<T>(), " N=", N, " C=", C, ": ");
    Output<T> y(N * C), dx(N * C, 0.5f);
    Output<float> dw(C, 0.25f), db(C, -0.25f), sums(C, 0.25f);
    layernorm_forward(dev, y.data(), s.mean.data(), s.rstd.data(), s.x.data(), s.w.data(), s.b.data(), N, C);
    layernorm_backward(dev, dx.data(), dw.data(), db.data(), sums.data(), s.dy.data(), s.x.data(), s.w.data(), s.mean.data(),
                       s.rstd.data(), N, C);
    const Doubles X = doubles(s.x), W = doubles(s.w), DY = doubles(s.dy), ones(size_t(C), 1.0), zeros(size_t(C), 0.0);
    Doubles want = layernorm_dx_double(X, W, DY, N, C), want_w(size_t(C), 0.25), want_b(size_t(C), -0.25);
    const Doubles h = layernorm_double(X, ones, zeros, N, C);
    for (double& v : want) v += 0.5;
    for (int64_t i = 0; i < N * C; i++)
        want_w[size_t(i % C)] += DY[size_t(i)] * h[size_t(i)], want_b[size_t(i % C)] += DY[size_t(i)];
    // measured: fp32 2e-7, at C=2 1e-6 (a difference of two near-equal numbers), at C=1 1.1e-5 (dx = 0, and rstd = 316)
    t.check_at_most(error_of(dx.values(), want), sizeof(T) == 2 ? 4e-3 : C == 1 ? 5e-5 : 3e-6, at + "dx +=");
    t.check_at_most(error_of(dw.values(), want_w), 2e-6, at + "dw += in fp32");
    t.check_at_most(error_of(db.values(), want_b), 1e-6, at + "db += in fp32");
    // measured: 1.2e-7; 8e-3 without the last row, 1.4e-4 of numbers that were not rounded
    t.check_at_most(error_of(sums.values(), sums_of_columns(0.25, dx.values(), N, C)), 1e-6, at + "column sums of dx as stored, +=");
    t.check_rejected(error_of(sums.values(), sums_of_columns(0.25, dx.values(), N - 1, C)), 1e-6, at + "without the last row");
    if (sizeof(T) == 2 && C > 2) t.check_rejected(relative_error(sums.values(), sums_of_columns(0.25, want, N, C)), 1e-6, at + "of dx before it was rounded");
    t.check(dx.guards_intact() && dw.guards_intact() && db.guards_intact() && sums.guards_intact(), at + "guards");
}

inline void layernorm_backward_values(Report& t) {
    for (int64_t N : {1, 7, 130})
        for (int64_t C : {1, 2, 45, 64, 100}) {
            check_layernorm_backward<float>(t, N, C);
            check_layernorm_backward<bf16>(t, N, C);
        }
    check_layernorm_backward<float>(t, 70, 777);
}

inline void layernorm_backward_is_the_slope(Report& t) {
    Cpu dev(1);
    const int64_t N = 7, C = 45;
    NormCase<float> s(N, C);
    Output<float> y(N * C), dx(N * C, 0), dw(C, 0), db(C, 0);
    layernorm_forward(dev, y.data(), s.mean.data(), s.rstd.data(), s.x.data(), s.w.data(), s.b.data(), N, C);
    layernorm_backward(dev, dx.data(), dw.data(), db.data(), nullptr, s.dy.data(), s.x.data(), s.w.data(), s.mean.data(),
                       s.rstd.data(), N, C);
    const Doubles X = doubles(s.x), W = doubles(s.w), B = doubles(s.b), DY = doubles(s.dy);
    auto loss = [&](const Doubles& x, const Doubles& w, const Doubles& b) {
        return dot(DY, layernorm_double(x, w, b, N, C));
    };
    const Doubles want = differences(X, 1e-5, [&](auto& v) { return loss(v, W, B); });
    t.check_at_most(error_of(dx.values(), want), 1e-6, "dx");
    t.check_at_most(error_of(dw.values(), differences(W, 1e-5, [&](auto& v) { return loss(X, v, B); })), 1e-6, "dw");
    t.check_at_most(error_of(db.values(), differences(B, 1e-5, [&](auto& v) { return loss(X, W, v); })), 1e-6, "db");
    std::vector<float> no_means;
    for (int64_t i = 0; i < N * C; i++)
        no_means.push_back(s.rstd[size_t(i / C)] * s.dy[size_t(i)] * s.w[size_t(i % C)]);
    t.check_rejected(error_of(no_means, want), 1e-6, "dx without the two means");
}

inline void layernorm_bits_do_not_depend_on_threads(Report& t) {
    const int64_t N = 333, C = 77;
    std::vector<bf16> first_dx;
    std::vector<float> first_dw, first_db;
    for (int threads : {1, 2, 3}) {
        Cpu dev(threads);
        NormCase<bf16> s(N, C);
        std::vector<bf16> y = filled<bf16>(N * C, kNaN), dx = filled<bf16>(N * C, 0);
        std::vector<float> dw = filled<float>(C, 0.5f), db = dw;
        layernorm_forward(dev, y.data(), s.mean.data(), s.rstd.data(), s.x.data(), s.w.data(), s.b.data(), N, C);
        layernorm_backward(dev, dx.data(), dw.data(), db.data(), nullptr, s.dy.data(), s.x.data(), s.w.data(), s.mean.data(),
                           s.rstd.data(), N, C);
        if (threads == 1) first_dx = dx, first_dw = dw, first_db = db;
        t.check(same_bits(dx, first_dx) && same_bits(dw, first_dw) && same_bits(db, first_db),
                cat(threads, " threads"));
    }
}

inline void layernorm_shows_nan(Report& t) {
    Cpu dev(1);
    const int64_t N = 7, C = 45;
    NormCase<float> s(N, C);
    s.x[size_t(3 * C + 44)] = kNaN;
    std::vector<float> y = filled<float>(N * C, kNaN), dx = filled<float>(N * C, 0), dw = filled<float>(C, 0), db = dw;
    layernorm_forward(dev, y.data(), s.mean.data(), s.rstd.data(), s.x.data(), s.w.data(), s.b.data(), N, C);
    layernorm_backward(dev, dx.data(), dw.data(), db.data(), nullptr, s.dy.data(), s.x.data(), s.w.data(), s.mean.data(),
                       s.rstd.data(), N, C);
    int64_t bad = 0, bad_dx = 0;
    for (int64_t i = 0; i < N * C; i++) bad += std::isnan(y[size_t(i)]), bad_dx += std::isnan(dx[size_t(i)]);
    t.check(bad == C && bad_dx == C && std::isnan(y[size_t(3 * C)]), "a NaN spoils its row, and only that");
    t.check(std::isnan(dw[0]) && !std::isnan(db[0]), "and dw, which sums over rows");
}

// ---- AdamW

struct AdamWDouble {
    Doubles p, m, v;
    void step(const Doubles& g, const AdamW& o) {
        for (size_t i = 0; i < p.size(); i++) {
            const double b1 = o.beta1, b2 = o.beta2, gi = g[i] * o.grad_scale;
            p[i] *= 1 - double(o.lr) * o.weight_decay;
            m[i] = b1 * m[i] + (1 - b1) * gi;
            v[i] = b2 * v[i] + (1 - b2) * gi * gi;
            const double mh = m[i] / (1 - std::pow(b1, o.step)), vh = v[i] / (1 - std::pow(b2, o.step));
            p[i] -= double(o.lr) * mh / (std::sqrt(vh) + o.eps);
        }
    }
};

inline void adamw_follows_the_paper(Report& t) {
    Cpu dev(2);
    for (int64_t n : {1, 7, 5003})
        for (float decay : {0.0f, 0.1f})
            for (float scale : {1.0f, 0.37f}) {
                std::vector<float> p = normals(n, 1), m = filled<float>(n, 0), v = m;
                AdamWDouble want{doubles(p), Doubles(size_t(n), 0), Doubles(size_t(n), 0)};
                const Doubles start = want.p;
                AdamW o{1e-3f, 0.9f, 0.95f, 1e-8f, decay, scale, 0};
                for (o.step = 1; o.step <= 40; o.step++) {
                    const auto g = normals(n, 100 + uint64_t(o.step), 0.1f);
                    adamw_update<float>(dev, p.data(), nullptr, m.data(), v.data(), g.data(), n, o);
                    want.step(doubles(g), o);
                }
                const std::string at = cat("n=", n, " decay=", decay, " scale=", scale, ": ");
                Doubles moved, expected_move;  // not the weights: an error must not hide behind their start
                for (size_t i = 0; i < start.size(); i++)
                    moved.push_back(p[i] - start[i]), expected_move.push_back(want.p[i] - start[i]);
                // measured: 9e-6; with decay 3e-4, because 1 - lr * decay = 0.9999 is rounded to fp32, in PyTorch too
                t.check_at_most(error_of(moved, expected_move), decay > 0 ? 5e-4 : 3e-5, at + "40 steps of movement");
                t.check_at_most(error_of(m, want.m), 1e-6, at + "m");
                t.check_at_most(error_of(v, want.v), 1e-6, at + "v");
            }
}

inline void adamw_matches_pytorch(Report& t) {
    // p = [0.5, -1.25, 2, 1e-3]; torch.optim.AdamW(lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=decay); at step
    // s = 1..5 the gradient is [0.1 s, -0.3, 1e-4 (-1)^s, s == 1 ? 0 : 2]
    struct Golden { float decay; Doubles first, fifth; };
    const Golden goldens[] = {{0.1f,
                               {0.489500016, -1.23874998, 2.00799894, 0.00099900004},
                               {0.449751973, -1.19386244, 2.00432396, -0.0330471024}},
                              {0.0f,
                               {0.49000001, -1.24000001, 2.00999904, 0.00100000005},
                               {0.452150017, -1.20000005, 2.01434827, -0.0330900773}}};
    const Doubles m5 = {0.131440997, -0.122853011, -8.37100015e-06, 0.68779999};
    const Doubles v5 = {0.0262832548, 0.0203597173, 2.26219043e-09, 0.74197495};
    Cpu dev(1);
    for (const Golden& golden : goldens) {
        std::vector<float> p = {0.5f, -1.25f, 2.0f, 1e-3f}, m(4, 0.0f), v(4, 0.0f);
        AdamW o{1e-2f, 0.9f, 0.95f, 1e-8f, golden.decay, 1.0f, 0};
        for (o.step = 1; o.step <= 5; o.step++) {
            const float s = float(o.step);
            const std::vector<float> g = {0.1f * s, -0.3f, o.step % 2 ? -1e-4f : 1e-4f, o.step == 1 ? 0.0f : 2.0f};
            adamw_update<float>(dev, p.data(), nullptr, m.data(), v.data(), g.data(), 4, o);
            if (o.step == 1) t.check_at_most(error_of(p, golden.first), 1e-7, cat("step 1, decay ", golden.decay));
        }
        t.check_at_most(error_of(p, golden.fifth), 5e-7, cat("step 5, decay ", golden.decay));
        t.check_rejected(error_of(p, goldens[golden.decay > 0].fifth), 5e-7, "the other decay");
        t.check_at_most(error_of(m, m5), 3e-7, "m after step 5");
        t.check_at_most(error_of(v, v5), 1e-6, "v after step 5");
    }
}

inline void adamw_bf16_rounds_its_master(Report& t) {
    const int64_t n = 10007;
    Cpu dev(2), one(1);
    std::vector<float> p = normals(n, 1), master = p, m = filled<float>(n, 0), v = m, m2 = m, v2 = m;
    std::vector<bf16> param = filled<bf16>(n, kNaN);
    AdamW o{1e-4f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.5f, 0};
    for (o.step = 1; o.step <= 5; o.step++) {
        auto g = normals(n, 7 + uint64_t(o.step));
        adamw_update(dev, param.data(), master.data(), m.data(), v.data(), g.data(), n, o);
        for (float& x : g) x *= 0.5f;  // grad_scale by hand, and one thread
        AdamW plain = o;
        plain.grad_scale = 1;
        adamw_update<float>(one, p.data(), nullptr, m2.data(), v2.data(), g.data(), n, plain);
    }
    t.check(same_bits(master, p) && same_bits(m, m2) && same_bits(v, v2),
            "the master takes the same steps as fp32 weights");
    bool rounded = true;
    for (int64_t i = 0; i < n; i++) rounded &= param[size_t(i)].bits == bf16(master[size_t(i)]).bits;
    t.check(rounded, "param is the rounded master");
    t.check_error([&] { adamw_update<float>(one, p.data(), p.data(), m.data(), v.data(), p.data(), n, o); }, "master",
                  "fp32 with a master");
    o.step = 0;
    t.check_error([&] { adamw_update<float>(one, p.data(), nullptr, m.data(), v.data(), p.data(), n, o); }, "from 1",
                  "step 0");
    o.step = 1;
    std::vector<float> g = filled<float>(n, 0);
    g[4] = kNaN;
    adamw_update<float>(one, p.data(), nullptr, m.data(), v.data(), g.data(), n, o);
    t.check(std::isnan(p[4]) && !std::isnan(p[3]), "a NaN in the gradient shows in its weight");
}

// The scale of the gradients may lie where the device decided it; 0 there is no update at all.
inline void adamw_asks_for_its_scale(Report& t) {
    const int64_t n = 5000;
    Cpu dev(2);
    const std::vector<float> p0 = normals(n, 1), g = normals(n, 2), m0 = normals(n, 3, 0.1f), v0 = filled<float>(n, 0.02f);
    AdamW o{1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.37f, 3};
    const auto updated = [&](const float* scale) {
        std::vector<float> p = p0, m = m0, v = v0;
        adamw_update<float>(dev, p.data(), nullptr, m.data(), v.data(), g.data(), n, o, nullptr, scale);
        p.insert(p.end(), m.begin(), m.end()), p.insert(p.end(), v.begin(), v.end());
        return p;
    };
    std::vector<float> untouched = p0;
    untouched.insert(untouched.end(), m0.begin(), m0.end()), untouched.insert(untouched.end(), v0.begin(), v0.end());
    const float same = 0.37f, other = 0.36f, none = 0;
    const auto want = updated(nullptr);
    t.check(same_bits(updated(&same), want), "a scale on the device does what the same scale of the host does");
    t.check(!same_bits(updated(&other), want), "control: another does not");
    t.check(same_bits(updated(&none), untouched) && !same_bits(want, untouched), "a scale of 0 leaves weights and moments alone");
}

// ---- the global norm

inline void global_norm_values(Report& t) {
    for (int64_t n :
         {int64_t(0), int64_t(1), int64_t(3), kNormChunk - 1, kNormChunk, kNormChunk + 1, int64_t(1000003)}) {
        const auto x = normals(n, 3);
        long double want = 0;
        for (float v : x) want += (long double)(v) * v;
        double first = 0;
        for (int threads : {1, 2, 3}) {
            Cpu dev(threads);
            const double got = squared_norm(dev, x.data(), n);
            if (threads == 1) first = got;
            t.check(std::memcmp(&got, &first, sizeof got) == 0, cat("the same bits with ", threads, " threads, n=", n));
            t.check_at_most(std::abs(double(got - want)), 1e-13 * double(want), cat("n=", n));
        }
        if (n > 1)
            t.check_rejected(std::abs(double(first - want)) + double(x.back()) * x.back(), 1e-13 * double(want),
                             "the last one lost");
    }
    Cpu dev(2);
    const float inf = std::numeric_limits<float>::infinity();
    for (int64_t n : {int64_t(3), int64_t(100001)})
        for (int64_t at : {int64_t(0), n / 2, n - 1}) {
            std::vector<float> x(size_t(n), 1.0f);
            x[size_t(at)] = kNaN;
            t.check(std::isnan(squared_norm(dev, x.data(), n)), cat("NaN at ", at, " of ", n));
            x[size_t(at)] = -inf;
            t.check(squared_norm(dev, x.data(), n) == double(inf), cat("infinity at ", at, " of ", n));
            x[size_t(at)] = 1e30f;
            t.check_at_most(std::abs(squared_norm(dev, x.data(), n) / 1e60 - 1), 1e-6,
                            "1e30 squared does not overflow");
        }
}

}  // namespace kernels_b

inline Suite kernels_b_tests() {
    using namespace kernels_b;
    return {
        {"gelu: values and slopes equal double precision and PyTorch", gelu_values},
        {"gelu: NaN, infinity and huge numbers", gelu_extremes},
        {"layernorm: forward and fused residual equal double precision and PyTorch", layernorm_forward_values},
        {"layernorm: a large mean does not eat the variance", layernorm_survives_a_large_mean},
        {"layernorm: the backward equals double precision", layernorm_backward_values},
        {"layernorm: the backward is the slope of the forward", layernorm_backward_is_the_slope},
        {"layernorm: bits do not depend on threads", layernorm_bits_do_not_depend_on_threads},
        {"layernorm: NaN shows", layernorm_shows_nan},
        {"adamw: many steps equal the paper in double precision", adamw_follows_the_paper},
        {"adamw: five steps equal PyTorch's, with and without decay", adamw_matches_pytorch},
        {"adamw: bf16 weights are the rounded masters", adamw_bf16_rounds_its_master},
        {"adamw: a scale that the device knows", adamw_asks_for_its_scale},
        {"global norm: exact, the same for any number of threads, NaN and infinity show", global_norm_values},
    };
}
