// dev/test/test_matmul.hpp -- matrix products and the linear layer on the CPU.
//
// The oracle is the textbook loop in double precision, on the very numbers that the kernel gets (bf16 inputs are
// rounded first). Backwards are also held against central differences of the double-precision forward. Outputs start as NaN and
// lie between guards; each bound has a control.
#pragma once

#include <algorithm>

#include "../../kernels/gelu.hpp"
#include "../../kernels/matmul.hpp"
#include "baseline_tiles.hpp"
#include "kernel_checks.hpp"
#include "test.hpp"

namespace matmul_test {

using namespace kernel_checks;

// ---- products

// C = A B for A (M, K), B (K, N).
inline Doubles product(const Doubles& a, const Doubles& b, int64_t M, int64_t N, int64_t K) {
    Doubles c(size_t(M * N), 0.0);
    for (int64_t i = 0; i < M; i++)
        for (int64_t k = 0; k < K; k++)
            for (int64_t j = 0; j < N; j++) c[size_t(i * N + j)] += a[size_t(i * K + k)] * b[size_t(k * N + j)];
    return c;
}
template <typename T>
std::vector<T> transposed(const std::vector<T>& a, int64_t rows, int64_t cols) {
    std::vector<T> t(a.size());
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) t[size_t(j * rows + i)] = a[size_t(i * cols + j)];
    return t;
}

enum class How { engine_own, engine_onednn, blocked_sse2, blocked_avx2, blocked_avx512 };

template <typename TC, typename T>
void run_gemm(Cpu& dev, Gemm<TC, T> g, How how) {
    g.engine = how == How::engine_onednn ? MatmulEngine::onednn : MatmulEngine::own;
    if constexpr (sizeof(TC) == 4 && sizeof(T) == 4) {  // one pair of types for each: they take long to compile
        if (how == How::blocked_sse2) return BlockedGemm<TileSse2, TC, T>{g}.run(dev);
        if (how == How::blocked_avx512) return BlockedGemm<WideTile, TC, T>{g}.run(dev);
    } else if constexpr (sizeof(TC) == 2) {
        if (how == How::blocked_avx2) return BlockedGemm<MiddleTile, TC, T>{g}.run(dev);
    }
    ASSERT(how == How::engine_own || how == How::engine_onednn, "no such combination");
    gemm(dev, g);
}

// The worst relative error over the four orientations, with = and +=; infinite when something outside C was written.
template <typename TC, typename T>
double worst_gemm_error(Cpu& dev, int64_t M, int64_t N, int64_t K, How how) {
    const auto a = random_values<T>(M * K, 1), b = random_values<T>(K * N, 2);
    const auto a_t = transposed(a, M, K), b_t = transposed(b, K, N);
    const Doubles want = product(doubles(a), doubles(b), M, N, K);
    double worst = 0;
    for (int mode = 0; mode < 8; mode++) {
        const bool ta = mode & 1, tb = mode & 2, add = mode & 4;
        Output<TC> c(M * N, add ? 0.5f : kNaN);
        run_gemm(dev, Gemm<TC, T>{c.data(), (ta ? a_t : a).data(), (tb ? b_t : b).data(), M, N, K, ta, tb, add}, how);
        Doubles expected = want;
        for (double& x : expected) x += add ? 0.5 : 0.0;
        const double error = c.guards_intact() ? error_of(c.values(), expected) : 1.0 / 0.0;
        if (!(error <= worst)) worst = error;
    }
    return worst;
}

// The M, N and K that are multiplied in all combinations; test_cuda_model.hpp takes them too.
inline std::vector<int64_t> product_sizes() { return {1, 2, 3, 7, 17, 31, 64, 65, 130}; }

template <typename TC, typename T>
void check_all_sizes(Report& t, How how, const char* name) {
    Cpu dev(1);
    double worst = 0;
    int64_t worst_m = 0, worst_n = 0, worst_k = 0;
    const bool every = how == How::engine_own;
    const std::vector<int64_t> sizes = every ? product_sizes() : std::vector<int64_t>{1, 3, 17, 64, 65, 130};
    for (int64_t M : sizes)
        for (int64_t N : sizes)
            for (int64_t K : sizes) {
                const double error = worst_gemm_error<TC, T>(dev, M, N, K, how);
                if (!(error <= worst)) worst = error, worst_m = M, worst_n = N, worst_k = K;
            }
    // measured: fp32 3.0e-7, bf16 storage of C 1.9e-3
    t.check_at_most(worst, store_bound<TC>(), cat(name, ": worst at M=", worst_m, " N=", worst_n, " K=", worst_k));
}

inline void every_odd_size(Report& t) {
    check_all_sizes<float, float>(t, How::engine_own, "own, fp32");
    check_all_sizes<float, bf16>(t, How::engine_own, "own, bf16 to fp32");
    check_all_sizes<bf16, bf16>(t, How::engine_own, "own, bf16");
    check_all_sizes<float, float>(t, How::blocked_sse2, "4 x 8 tile");
    check_all_sizes<bf16, bf16>(t, How::blocked_avx2, "6 x 16 tile, bf16");
    check_all_sizes<float, float>(t, How::blocked_avx512, "14 x 32 tile");
#if TRAIN_GPT_ONEDNN
    check_all_sizes<float, float>(t, How::engine_onednn, "oneDNN, fp32");
    if (onednn_has_bf16()) {
        check_all_sizes<float, bf16>(t, How::engine_onednn, "oneDNN, bf16 to fp32");
        check_all_sizes<bf16, bf16>(t, How::engine_onednn, "oneDNN, bf16");
    } else {
        t.skip("oneDNN in bf16", "needs AVX-512");
    }
#else
    t.skip("oneDNN", "built without it");
#endif
}

inline void beyond_every_block_size(Report& t) {
    Cpu dev(2);
    const int64_t shapes[][3] = {
        {70, 50, 300},     {9, 19, kKB + 77}, {kMB + 6, 20, 5}, {7, kNB + 33, 3}, {33, 40, 2 * kKB + kKC + 1}, {13, 35, 4 * kKB + kKC + 1},
        {kMB + 1, 3, kKC}, {4, 1100, 130},    {3, 70, 1100},    {1, 3000, 65}};
    for (const auto& s : shapes) {
        const std::string shape = cat("M=", s[0], " N=", s[1], " K=", s[2]);
        t.check_at_most(worst_gemm_error<float, float>(dev, s[0], s[1], s[2], How::engine_own), 1e-6, "fp32 " + shape);
        t.check_at_most(worst_gemm_error<bf16, bf16>(dev, s[0], s[1], s[2], How::engine_own), 3e-3, "bf16 " + shape);
        t.check_at_most(worst_gemm_error<float, float>(dev, s[0], s[1], s[2], How::blocked_avx512), 1e-6,
                        "wide tile " + shape);
    }
    // A bf16 C gets its sum over all k in fp32 and is rounded once. The control rounds after each block of kKB steps.
    const int64_t M = 33, N = 40, K = 2 * kKB + kKC + 1;
    const auto a = random_values<bf16>(M * K, 1), b = random_values<bf16>(K * N, 2);
    const Doubles want = product(doubles(a), doubles(b), M, N, K);
    t.check_at_most(worst_gemm_error<bf16, bf16>(dev, M, N, K, How::engine_own), 2e-3, "one rounding to bf16");
    std::vector<float> sums = filled<float>(M * N, 0);
    for (int64_t i = 0; i < M * N; i++)
        for (int64_t k = 0; k < K; k++) {
            sums[size_t(i)] += float(a[size_t(i / N * K + k)]) * float(b[size_t(k * N + i % N)]);
            if ((k + 1) % kKB == 0 || k + 1 == K) sums[size_t(i)] = float(bf16(sums[size_t(i)]));
        }
    t.check_rejected(error_of(sums, want), 2e-3, "a bf16 sum rounded at every block");
}

inline void wrong_products_are_rejected(Report& t) {
    Cpu dev(1);
    const int64_t M = 31, N = 17, K = 65;
    const auto a = random_values<float>(M * K, 1), b = random_values<float>(K * N, 2);
    const Doubles want = product(doubles(a), doubles(b), M, N, K);
    Output<float> c(M * N);
    gemm_own(dev, Gemm<float, float>{c.data(), a.data(), b.data(), M, N, K});
    std::vector<float> wrong = c.values();
    t.check_at_most(error_of(wrong, want), 1e-6, "the right one");
    wrong[5] *= 1.01f;
    t.check_rejected(error_of(wrong, want), 1e-6, "one element 1 % off");
    wrong = c.values();
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++)
            wrong[size_t(i * N + j)] -= a[size_t(i * K + K - 1)] * b[size_t((K - 1) * N + j)];
    t.check_rejected(error_of(wrong, want), 1e-6, "the last step of k left out");
    wrong = c.values();
    wrong.back() = kNaN;
    t.check_rejected(error_of(wrong, want), 1e-6, "one element not written");
    Output<float> skewed(M * N);
    gemm_own(dev, Gemm<float, float>{skewed.data(), transposed(a, M, K).data(), b.data(), M, N, K, false});
    t.check_rejected(error_of(skewed.values(), want), 1e-6, "A read with the wrong orientation");
}

inline void empty_sums(Report& t) {
    Cpu dev(2);
    const int64_t M = 7, N = 19;
    const float none = 0;
    for (int64_t rows : {int64_t(1), M})  // one row takes another path
        for (bool tb : {false, true}) {
            Output<float> c(rows * N), kept(rows * N, 0.5f);
            matmul(dev, c.data(), &none, &none, rows, N, 0, false, tb, false);
            matmul(dev, kept.data(), &none, &none, rows, N, 0, false, tb, true);
            t.check(c.values() == std::vector<float>(size_t(rows * N), 0.0f) && c.guards_intact(),
                    "K = 0 with = gives zeros");
            t.check(kept.values() == std::vector<float>(size_t(rows * N), 0.5f), "K = 0 with += leaves C alone");
            const auto bias = random_values<bf16>(N, 3);
            const bf16 nothing{};
            Output<bf16> y(rows * N);
            linear_forward(dev, y.data(), &nothing, &nothing, bias.data(), rows, 0, N);
            bool is_bias = y.guards_intact();
            for (int64_t i = 0; i < rows * N; i++) is_bias &= y.values()[size_t(i)].bits == bias[size_t(i % N)].bits;
            t.check(is_bias, "K = 0 in a linear layer gives the bias");
        }
    Output<float> untouched(3);
    matmul(dev, untouched.data(), &none, &none, 0, 3, 2, false, false, false);
    matmul(dev, untouched.data(), &none, &none, 3, 0, 2, true, true, true);
    t.check(std::isnan(untouched.values()[0]), "M = 0 or N = 0 writes nothing");
}

template <typename TC, typename T>
std::vector<TC> own_product(int threads, const std::vector<T>& a, const std::vector<T>& b, int64_t M, int64_t N,
                            int64_t K, bool ta, bool tb) {
    Cpu dev(threads);
    Output<TC> c(M * N);
    gemm_own(dev, Gemm<TC, T>{c.data(), a.data(), b.data(), M, N, K, ta, tb});
    return c.values();
}

template <typename TC, typename T>
void check_same_bits(Report& t, const char* name) {
    const int64_t shapes[][3] = {{130, 65, 300}, {4, 1500, 200}, {2, 300, 1100}, {200, 31, 1100}};
    for (const auto& s : shapes)
        for (int mode = 0; mode < 4; mode++) {
            const int64_t M = s[0], N = s[1], K = s[2];
            const auto a = random_values<T>(M * K, 1), b = random_values<T>(K * N, 2);
            const auto one = own_product<TC, T>(1, a, b, M, N, K, mode & 1, mode & 2);
            const auto two = own_product<TC, T>(2, a, b, M, N, K, mode & 1, mode & 2);
            const auto three = own_product<TC, T>(3, a, b, M, N, K, mode & 1, mode & 2);
            const auto again = own_product<TC, T>(3, a, b, M, N, K, mode & 1, mode & 2);
            t.check(same_bits(one, two) && same_bits(one, three) && same_bits(three, again),
                    cat(name, ": 1, 2 and 3 threads, M=", M, " N=", N, " K=", K, " mode ", mode));
        }
}

inline void own_bits_do_not_depend_on_threads_or_neighbours(Report& t) {
    check_same_bits<float, float>(t, "fp32");
    check_same_bits<bf16, bf16>(t, "bf16");
    check_same_bits<float, bf16>(t, "bf16 to fp32");
    // the same row among 7 and among 130 others, and the same column among 19 and 65
    const int64_t K = 300;
    const auto a = random_values<float>(130 * K, 1), b = random_values<float>(65 * K, 2);  // b: (N, K)
    const auto many = own_product<float, float>(2, a, b, 130, 65, K, false, true);
    const auto few = own_product<float, float>(2, a, b, 7, 19, K, false, true);
    bool equal = true;
    for (int64_t i = 0; i < 7; i++)
        for (int64_t j = 0; j < 19; j++) equal &= many[size_t(i * 65 + j)] == few[size_t(i * 19 + j)];
    t.check(equal, "an element is the same bits in a larger matrix");
}

// With dev.row_invariant: rows alone and among others, through every engine's choice of path.
inline void rows_do_not_see_each_other(Report& t) {
    const int64_t shapes[][2] = {{19, 300}, {300, 1300}, {1100, 385}, {2100, 96}};   // N, K: beyond a tile, a block of columns, one and two blocks of k
    bool differs = false;
    for (const auto& [N, K] : shapes)
        for (const bool tb : {false, true}) {
            constexpr int64_t kAll = 150;
            const auto a = random_values<float>(kAll * K, 1), b = random_values<float>(N * K, 2), bias = random_values<float>(N, 3);
            const auto run = [&](int threads, bool invariant, int64_t first, int64_t rows) {
                Cpu dev(threads);
                dev.row_invariant = invariant;
                Output<float> c(rows * N), gate(rows * N);
                Gemm<float, float> g{c.data(), a.data() + first * K, b.data(), rows, N, K, false, tb};
                if (!tb) g.bias = bias.data(), g.gelu_out = gate.data();
                gemm(dev, g);
                std::vector<float> both = c.values();                                // and behind it what the gate made of it
                const std::vector<float> gated = gate.values();
                if (!tb) both.insert(both.end(), gated.begin(), gated.end());
                return both;
            };
            const auto whole = run(2, true, 0, kAll);
            for (const int64_t rows : {1, 2, 4, 5, 6, 7, 13, 18, 19, 64, 100})
                for (const int64_t first : {int64_t(0), kAll - rows}) {
                    const auto part = run(rows % 2 ? 1 : 3, true, first, rows), usual = run(1, false, first, rows);
                    bool same = true;
                    for (int64_t i = 0; i < rows * N; i++) {
                        same = same && part[size_t(i)] == whole[size_t(first * N + i)];
                        if (!tb) same = same && part[size_t(rows * N + i)] == whole[size_t((kAll + first) * N + i)];
                        differs = differs || usual[size_t(i)] != whole[size_t(first * N + i)];
                    }
                    t.check(same, cat(rows, " rows of ", kAll, " from ", first, " on, N=", N, " K=", K, tb ? " B transposed" : ""));
                }
        }
    t.check(differs, "control: without row_invariant few rows are added in another order");
}

inline void onednn_repeats_itself(Report& t) {
#if TRAIN_GPT_ONEDNN
    Cpu dev(2);
    for (int mode = 0; mode < 8; mode++) {
        const int64_t M = 130, N = 129, K = 515;
        const auto a = random_values<float>(M * K, 1), b = random_values<float>(K * N, 2),
                   bias = random_values<float>(N, 3);
        Output<float> once(M * N, 0.5f), again(M * N, 0.5f), own(M * N, 0.5f);
        for (auto* c : {&once, &again, &own}) {
            Gemm<float, float> g{c->data(),      a.data(),       b.data(),      M, N, K,
                                 bool(mode & 1), bool(mode & 2), bool(mode & 4)};
            g.bias = mode & 4 ? nullptr : bias.data();
            g.engine = c == &own ? MatmulEngine::own : MatmulEngine::onednn;
            gemm(dev, g);
        }
        t.check(same_bits(once.all, again.all), cat("twice the same bits, mode ", mode));
        t.check_at_most(error_of(once.values(), doubles(own.values())), 1e-6, cat("oneDNN equals ours, mode ", mode));
    }
    t.check(matmul_engine() == MatmulEngine::own || matmul_backend().find("oneDNN") == 0, "info names oneDNN");
#else
    t.check(matmul_backend().find("own") == 0, "info names our own product");
    t.skip("oneDNN", "built without it");
#endif
}

inline void non_finite_numbers_show(Report& t) {
    const int64_t M = 67, N = 37, K = 70;
    for (How how : {How::engine_own, How::blocked_avx512, How::engine_onednn})
        for (float bad : {kNaN, std::numeric_limits<float>::infinity()})
            for (int64_t rows : {M, int64_t(3)}) {
                Cpu dev(2);
                auto a = random_values<float>(M * K, 1);
                const auto b = random_values<float>(K * N, 2);
                a[size_t((rows - 1) * K + K - 1)] = bad;  // last row, last step: next to the padding
                Output<float> c(rows * N);
                run_gemm(dev, Gemm<float, float>{c.data(), a.data(), b.data(), rows, N, K}, how);
                int64_t bad_ones = 0, in_last_row = 0;
                for (int64_t i = 0; i < rows * N; i++)
                    if (!std::isfinite(c.values()[size_t(i)])) bad_ones++, in_last_row += i / N == rows - 1;
                t.check(bad_ones == N && in_last_row == N,
                        cat("one bad number in A spoils its row of C and no other, ", bad));
            }
    t.check(std::isnan(float(bf16(kNaN))), "NaN stays NaN in bf16");
}

// ---- the linear layer

template <typename T>
void check_linear(Report& t, int64_t N, int64_t K, int64_t M, const char* name) {
    Cpu dev(2);
    const auto x = random_values<T>(N * K, 1), w = random_values<T>(K * M, 2, 0.2f), b = random_values<T>(M, 3),
               dy = random_values<T>(N * M, 4);
    const Doubles X = doubles(x), W = doubles(w), B = doubles(b), DY = doubles(dy);
    Doubles y = product(X, W, N, M, K), y_bare = y;
    for (int64_t i = 0; i < N * M; i++) y[size_t(i)] += B[size_t(i % M)];
    const std::string at = cat(name, " N=", N, " K=", K, " M=", M, ": ");
    const double bound = store_bound<T>();
    Output<T> out(N * M), bare(N * M), pre(N * M), gated(N * M);
    linear_forward(dev, out.data(), x.data(), w.data(), b.data(), N, K, M);
    linear_forward<T>(dev, bare.data(), x.data(), w.data(), nullptr, N, K, M);
    linear_gelu_forward(dev, gated.data(), pre.data(), x.data(), w.data(), b.data(), N, K, M);
    t.check_at_most(error_of(out.values(), y), bound, at + "y = x w + b");
    t.check_at_most(error_of(bare.values(), y_bare), bound, at + "y = x w without bias");
    if (N > 1 || M > 1) t.check_rejected(error_of(bare.values(), y), bound, at + "the bias left out");
    t.check(same_bits(pre.values(), out.values()), at + "pre of the fused layer is y of the plain one");
    Output<T> gate(N * M);
    gelu_forward(dev, gate.data(), pre.data(), N * M);
    t.check_at_most(error_of(gated.values(), doubles(gate.values())), sizeof(T) == 2 ? 0 : 3e-7,
                    at + "fused gelu(pre)");
    t.check(out.guards_intact() && bare.guards_intact() && pre.guards_intact() && gated.guards_intact(), at + "guards");

    Doubles dx = product(DY, transposed(W, K, M), N, K, M), dw = product(transposed(X, N, K), DY, K, M, N),
            db(size_t(M), 0.25);
    for (double& v : dw) v += 0.5;
    for (int64_t i = 0; i < N * M; i++) db[size_t(i % M)] += DY[size_t(i)];
    Output<T> dx_out(N * K);
    Output<float> dw_out(K * M, 0.5f), db_out(M, 0.25f), dw_only(K * M, 0.5f);
    linear_backward(dev, dx_out.data(), dw_out.data(), db_out.data(), dy.data(), x.data(), w.data(), N, K, M);
    linear_backward<T>(dev, nullptr, dw_only.data(), nullptr, dy.data(), x.data(), w.data(), N, K, M);
    t.check_at_most(error_of(dx_out.values(), dx), bound, at + "dx = dy w^T");
    t.check_at_most(error_of(dw_out.values(), dw), 1e-6, at + "dw += x^T dy, in fp32");
    t.check_at_most(error_of(db_out.values(), db), 1e-6, at + "db += column sums");
    t.check(same_bits(dw_only.all, dw_out.all), at + "dw without dx and db");
    t.check(dx_out.guards_intact() && dw_out.guards_intact() && db_out.guards_intact(), at + "backward guards");
}

// (N, K) x (K, M); test_cuda_model.hpp takes them too.
inline std::vector<std::array<int64_t, 3>> linear_sizes() {
    std::vector<std::array<int64_t, 3>> sizes;
    for (const int64_t N : {1, 3, 7, 130})
        for (const int64_t K : {1, 45, 100})
            for (const int64_t M : {1, 17, 64}) sizes.push_back({N, K, M});
    sizes.push_back({200, 1030, 600});
    return sizes;
}
inline void linear_layer(Report& t) {
    for (const auto& [N, K, M] : linear_sizes()) {
        check_linear<float>(t, N, K, M, "fp32");
        check_linear<bf16>(t, N, K, M, "bf16");
    }
}

inline void linear_backward_is_the_slope(Report& t) {
    Cpu dev(1);
    const int64_t N = 7, K = 5, M = 9;
    const auto x = random_values<float>(N * K, 1), w = random_values<float>(K * M, 2),
               dy = random_values<float>(N * M, 4);
    Output<float> dx(N * K), dw(K * M, 0), db(M, 0);
    linear_backward(dev, dx.data(), dw.data(), db.data(), dy.data(), x.data(), w.data(), N, K, M);
    auto loss = [&](const Doubles& x_, const Doubles& w_) { return dot(doubles(dy), product(x_, w_, N, M, K)); };
    const Doubles want_x = differences(doubles(x), 1e-4, [&](auto& v) { return loss(v, doubles(w)); });
    const Doubles want_w = differences(doubles(w), 1e-4, [&](auto& v) { return loss(doubles(x), v); });
    t.check_at_most(error_of(dx.values(), want_x), 1e-6, "dx");
    t.check_at_most(error_of(dw.values(), want_w), 1e-6, "dw");
    t.check_rejected(error_of(transposed(dw.values(), K, M), want_w), 1e-6, "dw of the other orientation");
}

inline void column_sums_do_not_depend_on_threads(Report& t) {
    for (int64_t M : {1, 45, 1100}) {
        const int64_t N = 333;
        const auto x = random_values<bf16>(N * M, 5);
        std::vector<float> first;
        for (int threads : {1, 2, 3}) {
            Cpu dev(threads);
            std::vector<float> sums = filled<float>(M, 0.5f);
            add_column_sums(dev, sums.data(), x.data(), N, M);
            if (threads == 1) first = sums;
            t.check(same_bits(sums, first), cat("column sums with ", threads, " threads, M=", M));
        }
    }
}

// ---- this machine

inline void machine_numbers(Report& t) {
    Cpu dev(2);
    const double fp32 = measured_peak_flops(dev, false), half = measured_peak_flops(dev, true);
    t.check(fp32 > 1e8 && fp32 < 1e15 && half > 1e8 && half < 1e16,
            cat("a peak between 0.1 GFLOP/s and 1 PFLOP/s: ", fp32));
    t.check(!matmul_backend().empty(), "the backend has a name");
    t.check(!bf16_matmul_is_fast() || half > fp32, "bf16 called fast is faster than fp32");
}

}  // namespace matmul_test

inline Suite matmul_tests() {
    using namespace matmul_test;
    return {
        {"matmul: every orientation and odd size equals the double-precision product", every_odd_size},
        {"matmul: sizes beyond every block size, one rounding to bf16 at the end", beyond_every_block_size},
        {"matmul: wrong products are rejected by the same bounds", wrong_products_are_rejected},
        {"matmul: K = 0 is a sum of nothing, M = 0 or N = 0 writes nothing", empty_sums},
        {"matmul: our bits do not depend on threads or on neighbours", own_bits_do_not_depend_on_threads_or_neighbours},
        {"matmul: a row alone and among others, where that is asked for", rows_do_not_see_each_other},
        {"matmul: oneDNN repeats itself and agrees with ours", onednn_repeats_itself},
        {"matmul: NaN and infinity show in their row and nowhere else", non_finite_numbers_show},
        {"linear: forward, fused GELU and backward equal double precision", linear_layer},
        {"linear: the backward is the slope of the forward", linear_backward_is_the_slope},
        {"linear: column sums do not depend on threads", column_sums_do_not_depend_on_threads},
        {"machine: peak, backend and bf16 are consistent", machine_numbers},
    };
}
