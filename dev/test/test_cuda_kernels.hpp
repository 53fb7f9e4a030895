// dev/test/test_cuda_kernels.hpp -- every CUDA kernel but attention and the products, against the CPU's, which test_kernels_a.hpp and
// test_kernels_b.hpp hold against double precision. The same tests run under the emulator and on a GPU.
//
// Outputs lie between guards and start as NaN, or as 0.5 where the kernel adds. Sizes are chosen so that every path of a launcher runs.
// Each comparison has two controls: the output as it was before the call, and the right one with its largest number missing.
#pragma once

#include "../../kernels/adamw.hpp"
#include "../../kernels/classifier.hpp"
#include "../../kernels/score_head.hpp"
#include "../../kernels/column_sums.hpp"
#include "../../kernels/embedding.hpp"
#include "../../kernels/gelu.hpp"
#include "../../kernels/global_norm.hpp"
#include "../../kernels/layernorm.hpp"
#include "../../kernels/matmul.hpp"
#include "../../kernels/sampling.hpp"
#include "test.hpp"
#include "test_kernels_a.hpp"
#include "test_kernels_b.hpp"
#include "test_sampling.hpp"
// add_bias, which is the only kernel of cublaslt.hpp: its template alone, as what CUDA_INSTANCES compiles there needs cuBLASLt.
#pragma push_macro("CUDA_INSTANCES")
#undef CUDA_INSTANCES
#include "../../kernels/cublaslt.hpp"
#pragma pop_macro("CUDA_INSTANCES")

namespace cuda_kernels {

using Doubles = std::vector<double>;
constexpr float kInff = std::numeric_limits<float>::infinity();

// An array on the GPU, between guards of 64 bytes and more. `shift`: how many elements the array is off its alignment of 16 bytes.
template <typename T>
class OnDevice {
   public:
    OnDevice(Cuda& dev, const std::vector<T>& v, int64_t shift = 0) : dev_(dev), n_(int64_t(v.size())), guard_(64 + shift) {
        std::vector<T> all(size_t(n_ + 2 * guard_));
        std::memset(static_cast<void*>(all.data()), 0x5A, all.size() * sizeof(T));
        std::copy(v.begin(), v.end(), all.begin() + guard_);
        p_ = static_cast<T*>(dev.allocate(all.size() * sizeof(T)));
        dev.copy_in(p_, all.data(), all.size() * sizeof(T));
        dev.synchronize();
    }
    OnDevice(const OnDevice&) = delete;
    ~OnDevice() { dev_.release(p_); }
    operator T*() const { return p_ + guard_; }
    std::vector<T> values() const {
        std::vector<T> v(static_cast<size_t>(n_));
        if (n_) dev_.copy_out(v.data(), p_ + guard_, v.size() * sizeof(T));
        dev_.synchronize();
        return v;
    }
    bool guards_intact() const {
        std::vector<T> all(size_t(n_ + 2 * guard_));
        dev_.copy_out(all.data(), p_, all.size() * sizeof(T));
        const auto* bytes = reinterpret_cast<const unsigned char*>(all.data());
        for (size_t i = 0; i < all.size() * sizeof(T); i++)
            if ((i < size_t(guard_) * sizeof(T) || i >= size_t(n_ + guard_) * sizeof(T)) && bytes[i] != 0x5A) return false;
        return true;
    }

   private:
    Cuda& dev_;
    T* p_ = nullptr;
    int64_t n_, guard_;
};

// Of n numbers. bf16: two roundings of nearly the same number seldom differ, but then by 2^-8 of it. Measured: fp32 7e-7, bf16 6e-5.
template <typename T>
double bound(int64_t n) {
    return sizeof(T) == 2 ? 3e-4 + 0x1p-7 / std::sqrt(double(n)) : 2e-6;
}

// `got` equals `want`, and neither `before` nor a `got` without its largest number does.
template <typename T>
void compare(Report& t, const OnDevice<T>& got, const std::vector<T>& want, const std::vector<T>& before, double most,
             const std::string& what) {
    const Doubles values = doubles(got.values()), expected = doubles(want), start = doubles(before);
    t.check_at_most(relative_error(values, expected), most, what);
    t.check(got.guards_intact(), what + ": nothing else is written");
    if (same_bits(want, before)) return;                 // an operation that changes nothing
    t.check_rejected(relative_error(start, expected), most, what + " by a kernel that does nothing");
    Doubles wrong = values;
    const auto missing = [&](size_t i) { return std::isnan(start[i]) ? 0.0 : start[i]; };
    size_t largest = 0;
    for (size_t i = 0; i < wrong.size(); i++)
        if (std::fabs(expected[i] - missing(i)) > std::fabs(expected[largest] - missing(largest))) largest = i;
    wrong[largest] = missing(largest);
    if (expected[largest] != wrong[largest]) t.check_rejected(relative_error(wrong, expected), most, what + " with one number missing");
}

// Is there a device, real or emulated?
inline bool has_device(Report& t) {
    int devices = 0;
    const bool ok = cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
    if (!ok) t.skip("CUDA kernels", "no device");
    return ok;
}

// ---- elementwise

template <typename T>
void check_gelu(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    for (const int64_t shift : {0, 1})
        for (const int64_t n : {1, 7, 8, 1000, 4099}) {
            const std::string at = cat(dtype_name<T>(), " n=", n, shift ? ", not aligned" : "");
            const auto x = random_values<T>(n, 1, 3.0f), dy = random_values<T>(n, 2), nothing = filled<T>(n, kNaN);
            std::vector<T> y = nothing, d = dy;
            gelu_forward(cpu, y.data(), x.data(), n);
            gelu_backward_inplace(cpu, d.data(), x.data(), n);
            const OnDevice<T> x_dev(dev, x, shift), y_dev(dev, nothing, shift), d_dev(dev, dy, shift);
            gelu_forward<T>(dev, y_dev, x_dev, n);
            gelu_backward_inplace<T>(dev, d_dev, x_dev, n);
            compare(t, y_dev, y, nothing, bound<T>(n), at + " forward");
            compare(t, d_dev, d, dy, bound<T>(n), at + " backward");
        }
    T* exact = static_cast<T*>(dev.allocate(7 * sizeof(T)));             // no guard behind it: the emulator and compute-sanitizer
    dev.zero(exact, 7 * sizeof(T));                                      // see a read beyond the end
    gelu_forward<T>(dev, exact, exact, 7);
    auto seven = filled<T>(7, kNaN);
    dev.copy_out(seven.data(), exact, 7 * sizeof(T));
    dev.release(exact);
    t.check(same_bits(seven, filled<T>(7, 0)), cat(dtype_name<T>(), ": an array that ends within a pack"));
    const auto extremes = stored<T>({kNaN, 0.0f, -0.0f, 1e30f, -1e30f, -11.0f, 25.0f, -25.0f, 1e-30f});
    const int64_t n = int64_t(extremes.size());
    std::vector<T> y = filled<T>(n, 0), d = filled<T>(n, 1);
    gelu_forward(cpu, y.data(), extremes.data(), n);
    gelu_backward_inplace(cpu, d.data(), extremes.data(), n);
    const OnDevice<T> x_dev(dev, extremes), y_dev(dev, filled<T>(n, 0)), d_dev(dev, filled<T>(n, 1));
    gelu_forward<T>(dev, y_dev, x_dev, n);
    gelu_backward_inplace<T>(dev, d_dev, x_dev, n);
    const auto y_got = y_dev.values(), d_got = d_dev.values();
    bool equal = true;
    for (size_t i = 1; i < size_t(n); i++)
        equal &= std::fabs(float(y_got[i]) - float(y[i])) <= 1e-5f * std::fabs(float(y[i])) + 1e-20f &&
                 std::fabs(float(d_got[i]) - float(d[i])) <= 1e-5f;
    t.check(equal, cat(dtype_name<T>(), ": huge and tiny numbers as on the CPU"));
    t.check(std::isnan(float(y_got[0])) && std::isnan(float(d_got[0])), cat(dtype_name<T>(), ": NaN stays NaN"));
}
inline void gelu_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    check_gelu<float>(t);
    check_gelu<bf16>(t);
}

// ---- LayerNorm

// The CPU's sizes, and every path: for bf16 1, 2, 3, 4, 8 packs a lane of a warp, then a block, then rows that are no packs, and rows longer
// than a block holds.
inline std::vector<std::array<int64_t, 2>> norm_sizes() {
    std::vector<std::array<int64_t, 2>> sizes = {{33, 200}, {9, 320}, {19, 768}, {6, 500}, {6, 1000}, {5, 1600}, {3, 2056}, {2, 4104}, {2, 8200}, {70, 777}};
    for (const auto& size : kernels_b::layernorm_sizes()) sizes.push_back(size);
    return sizes;
}

template <typename T>
void check_layernorm(Report& t) {
    Cpu cpu(2);
    Cuda dev;
    const int multiprocessors = dev.multiprocessors;
    for (const auto& [N, C] : norm_sizes())
        for (const int64_t shift : {0, 1}) {
            if (shift && C != 64) continue;
            const std::string at = cat(dtype_name<T>(), " N=", N, " C=", C, shift ? ", not aligned: " : ": ");
            const auto x = random_values<T>(N * C, 1, 2.0f), r = random_values<T>(N * C, 2), dy = random_values<T>(N * C, 5);
            const auto w = random_values<T>(C, 3), b = random_values<T>(C, 4), dx0 = filled<T>(N * C, 0.5f), nothing = filled<T>(N * C, kNaN);
            const auto no_row = filled<float>(N, kNaN), half = filled<float>(C, 0.5f);
            std::vector<T> y = nothing, y2 = nothing, sum = nothing, plain_sum = nothing, dx = dx0;
            std::vector<float> mean = no_row, rstd = no_row, mean2 = no_row, rstd2 = no_row, dw = half, db = half;
            layernorm_forward(cpu, y.data(), mean.data(), rstd.data(), x.data(), w.data(), b.data(), N, C);
            residual_forward(cpu, plain_sum.data(), x.data(), r.data(), N * C);
            residual_layernorm_forward(cpu, sum.data(), y2.data(), mean2.data(), rstd2.data(), x.data(), r.data(), w.data(), b.data(),
                                       N, C);
            layernorm_backward(cpu, dx.data(), dw.data(), db.data(), nullptr, dy.data(), x.data(), w.data(), mean.data(), rstd.data(), N, C);

            const OnDevice<T> x_d(dev, x, shift), r_d(dev, r, shift), w_d(dev, w), b_d(dev, b), dy_d(dev, dy), y_d(dev, nothing, shift);
            const OnDevice<T> y2_d(dev, nothing, shift), sum_d(dev, nothing, shift), plain_d(dev, nothing, shift), dx_d(dev, dx0, shift);
            const OnDevice<float> mean_d(dev, no_row), rstd_d(dev, no_row), mean2_d(dev, no_row), rstd2_d(dev, no_row);
            const OnDevice<float> dw_d(dev, half), db_d(dev, half), sums_d(dev, half);
            layernorm_forward<T>(dev, y_d, mean_d, rstd_d, x_d, w_d, b_d, N, C);
            residual_forward<T>(dev, plain_d, x_d, r_d, N * C);
            residual_layernorm_forward<T>(dev, sum_d, y2_d, mean2_d, rstd2_d, x_d, r_d, w_d, b_d, N, C);
            layernorm_backward<T>(dev, dx_d, dw_d, db_d, sums_d, dy_d, x_d, w_d, mean_d, rstd_d, N, C);
            const double most = bound<T>(N * C);
            compare(t, y_d, y, nothing, most, at + "y");
            compare(t, mean_d, mean, no_row, 1e-5, at + "mean");
            compare(t, rstd_d, rstd, no_row, 4e-6, at + "rstd");
            compare(t, plain_d, plain_sum, nothing, most, at + "residual sum");
            compare(t, sum_d, sum, nothing, most, at + "residual sum, fused");
            compare(t, y2_d, y2, nothing, most, at + "y of the sum");
            compare(t, mean2_d, mean2, no_row, 1e-5, at + "mean of the sum");
            compare(t, rstd2_d, rstd2, no_row, 4e-6, at + "rstd of the sum");
            if (C > 2) compare(t, dx_d, dx, dx0, most, at + "dx +=");
            else t.check_at_most(relative_error(doubles(dx_d.values()), doubles(dx)), std::max(most, 1e-4), at + "dx += (nearly) 0");
            compare(t, dw_d, dw, half, 5e-6, at + "dw +=");
            compare(t, db_d, db, half, 2e-6, at + "db +=");
            const auto stored_dx = dx_d.values();
            const Doubles sums = sums_of_columns(0.5, stored_dx, N, C);
            compare(t, sums_d, std::vector<float>(sums.begin(), sums.end()), half, 2e-6, at + "sums of dx as stored, +=");
            t.check_rejected(relative_error(sums_d.values(), sums_of_columns(0.5, stored_dx, N - 1, C)), 2e-6, at + "sums without the last row");

            dev.multiprocessors = 1;                     // few blocks, of many rows each
            const OnDevice<T> dx_few(dev, dx0), dx_again(dev, dx0);
            const OnDevice<float> dw_few(dev, half), db_few(dev, half), sums_few(dev, half), dw_again(dev, half), db_again(dev, half), sums_again(dev, half);
            layernorm_backward<T>(dev, dx_few, dw_few, db_few, sums_few, dy_d, x_d, w_d, mean_d, rstd_d, N, C);
            layernorm_backward<T>(dev, dx_again, dw_again, db_again, sums_again, dy_d, x_d, w_d, mean_d, rstd_d, N, C);
            dev.multiprocessors = multiprocessors;
            compare(t, dw_few, dw, half, 5e-6, at + "dw += in few blocks");
            compare(t, db_few, db, half, 2e-6, at + "db += in few blocks");
            t.check_at_most(relative_error(sums_few.values(), sums), 2e-6, at + "sums of dx += in few blocks");
            t.check(same_bits(dw_few.values(), dw_again.values()) && same_bits(db_few.values(), db_again.values()) && same_bits(sums_few.values(), sums_again.values()),
                    at + "the same bits again");
        }
}
inline void layernorm_equals_cpu_fp32(Report& t) {
    if (has_device(t)) check_layernorm<float>(t);
}
inline void layernorm_equals_cpu_bf16(Report& t) {
    if (has_device(t)) check_layernorm<bf16>(t);
}

inline void layernorm_keeps_promises(Report& t) {
    if (!has_device(t)) return;
    Cuda dev;
    Cpu cpu(1);
    for (const int64_t C : {45, 64, 320}) {
        const int64_t N = 7;
        auto x = normals(N * C, 1);
        for (float& v : x) v += 1e4f;                    // mean(x^2) - mean^2 would be noise
        const auto w = filled<float>(C, 1), b = filled<float>(C, 0), row = filled<float>(N, kNaN);
        std::vector<float> y(x.size()), mean = row, rstd = row;
        layernorm_forward(cpu, y.data(), mean.data(), rstd.data(), x.data(), w.data(), b.data(), N, C);
        x[size_t(3 * C + 1)] = kNaN;
        const OnDevice<float> x_d(dev, x), w_d(dev, w), b_d(dev, b), y_d(dev, filled<float>(N * C, kNaN));
        const OnDevice<float> mean_d(dev, row), rstd_d(dev, row), dx_d(dev, filled<float>(N * C, 0)), dw_d(dev, b), db_d(dev, b), sums_d(dev, b);
        layernorm_forward<float>(dev, y_d, mean_d, rstd_d, x_d, w_d, b_d, N, C);
        layernorm_backward<float>(dev, dx_d, dw_d, db_d, sums_d, x_d, x_d, w_d, mean_d, rstd_d, N, C);
        const auto got = y_d.values(), rstds = rstd_d.values(), dx = dx_d.values(), dw = dw_d.values(), sums = sums_d.values();
        int64_t bad = 0, bad_dx = 0;
        double worst = 0;
        for (int64_t i = 0; i < N * C; i++) {
            bad += std::isnan(got[size_t(i)]), bad_dx += std::isnan(dx[size_t(i)]);
            if (i / C != 3) worst = std::max(worst, std::fabs(double(got[size_t(i)]) - double(y[size_t(i)])));
        }
        t.check_at_most(worst, 5e-3, cat("C=", C, ": y under a mean of 1e4, where a float keeps three digits"));
        t.check_at_most(std::fabs(double(rstds[0]) / double(rstd[0]) - 1), 1e-5, cat("C=", C, ": rstd under a mean of 1e4"));
        t.check(bad == C && bad_dx == C && std::isnan(got[size_t(3 * C)]), cat("C=", C, ": a NaN spoils its row, and only that"));
        t.check(std::isnan(dw[0]) && std::isnan(dw[size_t(C - 1)]) && std::isnan(sums[0]) && std::isnan(sums[size_t(C - 1)]), cat("C=", C, ": and dw, and the sums of dx"));
    }
}

// ---- column sums

template <typename T>
void check_column_sums(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    const std::vector<std::array<int64_t, 2>> sizes = {{1, 1}, {7, 3}, {130, 45}, {129, 64}, {300, 100}, {513, 257}, {33, 776},
                                                       {40000, 8}, {3, 131100}};    // some 500 tiles of 80 rows; more columns than kBlocks takes
    for (const auto& [N, M] : sizes) {
        const std::string at = cat(dtype_name<T>(), " N=", N, " M=", M);
        const auto x = random_values<T>(N * M, 1);
        const auto half = filled<float>(M, 0.5f);
        std::vector<float> want = half;
        add_column_sums(cpu, want.data(), x.data(), N, M);
        const OnDevice<T> x_d(dev, x);
        const OnDevice<float> sums(dev, half), again(dev, half);
        add_column_sums<T>(dev, sums, x_d, N, M);
        add_column_sums<T>(dev, again, x_d, N, M);
        compare(t, sums, want, half, 2e-6, at);
        t.check(same_bits(sums.values(), again.values()), at + ": the same bits again");
    }
}
inline void column_sums_equal_cpu(Report& t) {
    if (!has_device(t)) return;
    check_column_sums<float>(t);
    check_column_sums<bf16>(t);
}

#ifdef CUDA_KERNELS
// ---- the bias of a linear layer, where cuBLASLt's epilogue could not add it; on a GPU it runs inside of the linear layers alone

template <typename T>
void check_add_bias(Report& t) {
    Cuda dev;
    for (const auto& [N, M] : std::vector<std::array<int64_t, 2>>{{1, 1}, {3, 7}, {130, 45}, {7, 256}, {33, 129}, {65, 1030}}) {
        const auto y = random_values<T>(N * M, 1), b = random_values<T>(M, 2);
        std::vector<T> want = y;
        for (int64_t i = 0; i < N * M; i++) want[size_t(i)] = T(float(y[size_t(i)]) + float(b[size_t(i % M)]));
        const OnDevice<T> y_d(dev, y), b_d(dev, b);
        add_bias<T>(dev, y_d, b_d, N, M);
        const std::string at = cat(dtype_name<T>(), " N=", N, " M=", M, ": y += b");
        t.check(same_bits(y_d.values(), want), at + ", to the bit");
        compare(t, y_d, want, y, bound<T>(N * M), at);
        t.check(same_bits(b_d.values(), b) && b_d.guards_intact(), at + " leaves b alone");
    }
}
inline void add_bias_is_exact(Report& t) {
    if (!has_device(t)) return;
    check_add_bias<float>(t);
    check_add_bias<bf16>(t);
}
#endif

// ---- embedding

template <typename T>
void check_embedding(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    enum class Ids { random, equal, pairs, rare };
    struct Case {
        int64_t N, C, Vp, maxT;
        Ids ids;
    };
    // runs of all lengths: inside a chunk of 32, across one border, over many chunks; one, two and three digits of the sort; three tiles
    std::vector<Case> cases = {{1, 1, 9, 1, Ids::random},        {200, 136, 300, 70, Ids::random},   {333, 72, 5, 333, Ids::equal}, {700, 8, 600, 200, Ids::pairs},
                               {4999, 3, 100003, 77, Ids::rare}, {2048, 8, 40, 1024, Ids::random}, {64, 264, 1, 64, Ids::equal}};
    for (const auto& [N, C] : kernels_a::embedding_sizes()) cases.push_back({N, C, 9, 70, Ids::random});      // the CPU's
    for (const Case& s : cases) {
        const std::string at = cat(dtype_name<T>(), " N=", s.N, " C=", s.C, " Vp=", s.Vp, ": ");
        const auto wte = random_values<T>(s.Vp * s.C, 1), wpe = random_values<T>(s.maxT * s.C, 2);
        const auto dx = random_values<T>(s.N * s.C, 3);
        std::vector<int32_t> ids, positions;
        for (int64_t n = 0; n < s.N; n++) {
            const auto die = int64_t(splitmix64(uint64_t(n)) % uint64_t(s.Vp));
            const int64_t rare = n % 7 ? 1 + n % 3 : die;      // three frequent ids and many others
            ids.push_back(int32_t(s.ids == Ids::equal ? s.Vp - 1 : s.ids == Ids::pairs ? n / 2 : s.ids == Ids::rare ? rare : die));
            positions.push_back(int32_t(n * 3 % s.maxT));
        }
        const auto nothing = filled<T>(s.N * s.C, kNaN);
        const auto token0 = filled<float>(s.Vp * s.C, 0.5f), position0 = filled<float>(s.maxT * s.C, 0.5f);
        std::vector<T> x = nothing;
        std::vector<float> dwte = token0, dwpe = position0;
        embedding_forward(cpu, x.data(), ids.data(), positions.data(), wte.data(), wpe.data(), s.N, s.C);
        embedding_backward(cpu, dwte.data(), dwpe.data(), dx.data(), ids.data(), positions.data(), s.N, s.C);
        const OnDevice<int32_t> ids_d(dev, ids), positions_d(dev, positions);
        const OnDevice<T> wte_d(dev, wte), wpe_d(dev, wpe), x_d(dev, nothing), dx_d(dev, dx);
        const OnDevice<float> dwte_d(dev, token0), dwpe_d(dev, position0), dwte_again(dev, token0), dwpe_again(dev, position0);
        embedding_forward<T>(dev, x_d, ids_d, positions_d, wte_d, wpe_d, s.N, s.C);
        embedding_backward<T>(dev, dwte_d, dwpe_d, dx_d, ids_d, positions_d, s.N, s.C);
        embedding_backward<T>(dev, dwte_again, dwpe_again, dx_d, ids_d, positions_d, s.N, s.C);
        compare(t, x_d, x, nothing, bound<T>(s.N * s.C), at + "x");
        compare(t, dwte_d, dwte, token0, 2e-6, at + "dwte +=");
        compare(t, dwpe_d, dwpe, position0, 2e-6, at + "dwpe +=");
        t.check(same_bits(dwte_d.values(), dwte_again.values()) && same_bits(dwpe_d.values(), dwpe_again.values()),
                at + "the same bits again");
    }
}
inline void embedding_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    check_embedding<float>(t);
    check_embedding<bf16>(t);
}

// ---- classifier

template <typename T>
void check_classifier(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    const float garbage[] = {1e30f, kNaN, kInff, -1e30f};
    const std::vector<std::array<int64_t, 3>> sizes = {{1, 1, 1},     {1, 1, 5},     {2, 2, 2},       {3, 7, 8},     {5, 33, 64},
                                                       {4, 512, 512}, {6, 513, 640}, {9, 1031, 1152}, {7, 777, 777}, {2, 9001, 9001},
                                                       {2, 50257, 50304}, {2, 8192, 8192}, {3, 8193, 8200},
                                                       // the longest rows that stay on chip, of fp32 and of bf16, and the next ones, which don't
                                                       {1, 25247, 25248}, {1, 25249, 25256}, {1, 50496, 50496}, {1, 50497, 50504}};
#ifdef CUDA_KERNELS
    static_assert(classifier_cuda::kShortRow == 8192 && classifier_cuda::kLongestRow<float> == 25248 && classifier_cuda::kLongestRow<bf16> == 50496);
#endif
    for (const auto& [N, V, Vp] : sizes) {
        const std::string at = cat(dtype_name<T>(), " N=", N, " V=", V, " Vp=", Vp, ": ");
        auto x = normals(N * Vp, 20, 3.0f);
        std::vector<int32_t> targets;
        std::vector<float> weights;
        for (int64_t n = 0; n < N; n++) {
            for (int64_t v = V; v < Vp; v++) x[size_t(n * Vp + v)] = garbage[(n + v) % 4];
            targets.push_back(int32_t(n == 0 ? 0 : n == 1 ? V - 1 : n == 4 ? -1 : int64_t(splitmix64(uint64_t(n)) % uint64_t(V))));
            weights.push_back(n % 3 == 0 ? 0.25f : n % 3 == 1 ? -1.5f : n == 5 ? 0.0f : 1e-3f);
        }
        if (N > 5) x[size_t(4 * Vp)] = x[size_t(5 * Vp)] = kNaN;             // masked rows may hold anything
        const auto logits = stored<T>(x);
        const auto no_row = filled<float>(N, kNaN);
        std::vector<T> dlogits = logits;
        std::vector<float> loss = no_row, entropy = no_row;
        classifier(cpu, loss.data(), entropy.data(), dlogits.data(), targets.data(), weights.data(), N, V, Vp, true);
        const OnDevice<T> dlogits_d(dev, logits), logits_d(dev, logits);
        const OnDevice<int32_t> targets_d(dev, targets);
        const OnDevice<float> weights_d(dev, weights), loss_d(dev, no_row), entropy_d(dev, no_row);
        const OnDevice<float> loss2_d(dev, no_row), entropy2_d(dev, no_row);
        classifier<T>(dev, loss_d, entropy_d, dlogits_d, targets_d, weights_d, N, V, Vp, true);
        classifier<T>(dev, loss2_d, entropy2_d, logits_d, targets_d, weights_d, N, V, Vp, false);
        std::vector<float> loss_got = loss_d.values(), entropy_got = entropy_d.values();
        if (N > 5) t.check(std::isnan(loss_got[5]), at + "weight 0 keeps the loss of the row, NaN included");
        if (N > 5) loss_got[5] = entropy_got[5] = loss[5] = entropy[5] = 0;
        t.check_at_most(relative_error(loss_got, loss), 2e-6, at + "loss");
        t.check_at_most(relative_error(entropy_got, entropy), V == 1 ? 1e-6 : 4e-6, at + "entropy");
        t.check_rejected(relative_error(no_row, loss), 2e-6, at + "a loss that is not written");
        if (V > 2) {
            std::vector<float> wrong = loss_got;
            wrong[0] *= 1.0001f;
            t.check_rejected(relative_error(wrong, loss), 2e-6, at + "a loss one part in 10,000 off");
        }
        t.check(loss_d.guards_intact() && entropy_d.guards_intact(), at + "nothing but the N losses is written");
        compare(t, dlogits_d, dlogits, logits, 2 * bound<T>(N * V), at + "gradient, 0 in padded columns and masked rows");
        const OnDevice<T> with_entropy_d(dev, logits);
        std::vector<float> entropy_weights;
        for (int64_t n = 0; n < N; n++) entropy_weights.push_back(n == 5 || n % 3 == 2 ? 0.0f : -0.5f * float(n + 1));
        const OnDevice<float> entropy_weights_d(dev, entropy_weights);
        std::vector<T> with_entropy = logits;
        std::vector<float> ignored = no_row;
        classifier(cpu, ignored.data(), ignored.data(), with_entropy.data(), targets.data(), weights.data(), N, V, Vp, true, entropy_weights.data());
        classifier<T>(dev, loss_d, entropy_d, with_entropy_d, targets_d, weights_d, N, V, Vp, true, entropy_weights_d);
        compare(t, with_entropy_d, with_entropy, logits, 4 * bound<T>(N * V), at + "gradient with entropy weights");
        if (V > 2) t.check_rejected(relative_error(doubles(with_entropy_d.values()), doubles(dlogits_d.values())), 4 * bound<T>(N * V), at + "a gradient without them");
        t.check(same_bits(logits_d.values(), logits), at + "without backward the logits stay as they are");
        t.check(same_bits(loss2_d.values(), loss_d.values()) && same_bits(entropy2_d.values(), entropy_d.values()),
                at + "and the loss is the same");
    }
}
inline void classifier_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    check_classifier<float>(t);
    check_classifier<bf16>(t);
}

// ---- the head of a reward model

template <typename T>
void check_score_head(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    for (const auto& [N, C] : {std::pair<int64_t, int64_t>{1, 1}, {5, 33}, {130, 192}, {67, 45}}) {
        const std::string at = cat(dtype_name<T>(), " N=", N, " C=", C, ": ");
        auto values = normals(N * C, 71);
        const auto w = random_values<T>(C, 72);
        std::vector<int32_t> targets;
        std::vector<float> weights;
        for (int64_t n = 0; n < N; n++) targets.push_back(n % 4 == 0 ? 3 : -1), weights.push_back(n % 8 == 4 ? 0.0f : 0.3f * float(n % 5) - 0.7f);
        if (N > 2) values[size_t(C)] = kNaN;                                  // a row that does not count may hold anything
        const auto x = stored<T>(values);
        std::vector<float> loss = filled<float>(N, kNaN), dw = filled<float>(C, 0.5f);
        std::vector<T> dx = filled<T>(N * C, kNaN);
        score_head(cpu, loss.data(), dx.data(), dw.data(), x.data(), w.data(), targets.data(), weights.data(), N, C);
        const OnDevice<T> x_d(dev, x), w_d(dev, w), dx_d(dev, filled<T>(N * C, kNaN));
        const OnDevice<int32_t> targets_d(dev, targets);
        const OnDevice<float> weights_d(dev, weights), loss_d(dev, filled<float>(N, kNaN)), dw_d(dev, filled<float>(C, 0.5f)), alone_d(dev, filled<float>(N, kNaN));
        score_head<T>(dev, loss_d, dx_d, dw_d, x_d, w_d, targets_d, weights_d, N, C);
        score_head<T>(dev, alone_d, static_cast<T*>(nullptr), static_cast<float*>(nullptr), x_d, w_d, targets_d, weights_d, N, C);
        t.check_at_most(relative_error(loss_d.values(), loss), 2e-6, at + "scores");
        t.check(same_bits(alone_d.values(), loss_d.values()), at + "the same without gradients");
        t.check(same_bits(dx_d.values(), dx), at + "dx, 0 in rows that do not count");
        t.check_at_most(relative_error(dw_d.values(), dw), 2e-6, at + "dw joins what was there");
        std::vector<float> wrong = dw;
        for (float& v : wrong) v -= 0.5f;
        t.check_rejected(relative_error(dw_d.values(), wrong), 2e-6, at + "a dw that overwrites");
        t.check(loss_d.guards_intact() && dx_d.guards_intact() && dw_d.guards_intact(), at + "nothing else is written");
    }
}
inline void score_head_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    check_score_head<float>(t);
    check_score_head<bf16>(t);
}

inline void check_classifier_extremes(Report& t, int64_t V, int64_t Vp) {
    Cpu cpu(1);
    Cuda dev;
    const std::string of = cat("V=", V, ": ");
    struct Result {
        float loss, entropy;
        std::vector<float> d;
    };
    const auto both = [&](std::vector<float> row, int32_t target) {
        row.resize(size_t(Vp), 1e30f);
        const float weight = 1;
        Result want{0, 0, row};
        classifier(cpu, &want.loss, &want.entropy, want.d.data(), &target, &weight, 1, V, Vp, true);
        const OnDevice<float> x(dev, row), loss(dev, {kNaN}), entropy(dev, {kNaN}), weights(dev, {1.0f});
        const OnDevice<int32_t> targets(dev, {target});
        classifier<float>(dev, loss, entropy, x, targets, weights, 1, V, Vp, true);
        return std::pair{Result{loss.values()[0], entropy.values()[0], x.values()}, want};
    };
    const auto agree = [&](const std::vector<float>& row, int32_t target, const std::string& name) {
        const auto [got, want] = both(row, target);
        t.check_at_most(std::fabs(double(got.loss) - double(want.loss)), 2e-6 * std::fabs(double(want.loss)), of + name + ": loss");
        t.check_at_most(std::fabs(double(got.entropy) - double(want.entropy)), 1e-5, of + name + ": entropy");
        t.check_at_most(relative_error(got.d, want.d), 2e-6, of + name + ": gradient");
    };
    auto row = normals(V, 24);
    for (float& x : row) x = x < 0 ? -1e4f : 1e4f;
    row[700] = 9999.0f;
    agree(row, 700, "logits of +-1e4");
    row = normals(V, 24);
    for (float& x : row) x -= 1e4f;
    agree(row, 3, "logits near -1e4");
    agree(std::vector<float>(size_t(V), -7e3f), 0, "all logits equal");
    row = normals(V, 25);
    for (int64_t v = 0; v < 1050; v++) row[size_t(v)] = -kInff;
    agree(row, 1077, "most logits -inf");
    row[1099] = kInff;
    t.check(std::isnan(both(row, 1077).first.loss), of + "a logit of +inf gives NaN");
    row[1099] = 0;
    const auto impossible = both(row, 5).first;
    t.check(impossible.loss == kInff && std::fabs(impossible.d[5] + 1) < 1e-6f, of + "a target of logit -inf: infinite loss, gradient -weight");
    t.check(std::isnan(both(std::vector<float>(size_t(V), -kInff), 5).first.loss), of + "all logits -inf: NaN");
    for (const int64_t at : {int64_t(0), int64_t(511), int64_t(512), V - 1}) {
        row = normals(V, 26);
        row[size_t(at)] = kNaN;
        const auto got = both(row, 100).first;
        t.check(std::isnan(got.loss) && std::isnan(got.entropy) && std::isnan(got.d[100]) && std::isnan(got.d[0]) &&
                    got.d[size_t(Vp - 1)] == 0,
                cat(of, "a NaN at column ", at, " reaches loss, entropy and gradient"));
    }
    const OnDevice<float> x(dev, normals(Vp, 1)), loss(dev, {0.0f}), weights(dev, {1.0f});
    const OnDevice<int32_t> beyond(dev, {int32_t(V)});
    classifier<float>(dev, loss, static_cast<float*>(nullptr), x, beyond, weights, 1, V, Vp, true);
    t.check(std::isnan(loss.values()[0]) && x.guards_intact(), of + "a target beyond the vocabulary: NaN; entropy may be null");
}
inline void classifier_extremes(Report& t) {
    if (!has_device(t)) return;
    check_classifier_extremes(t, 1100, 1152);
    check_classifier_extremes(t, 9001, 9008);              // a row that stays on chip
}

// ---- AdamW

template <typename T>
void check_adamw(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    for (const int64_t n : {1, 7, 5003})
        for (const int64_t shift : {0, 3})
            for (const bool stochastic : {false, true}) {
                if (stochastic && sizeof(T) == 4) continue;
                const std::string at = cat(dtype_name<T>(), " n=", n, shift ? ", not aligned" : "", stochastic ? ", stochastic: " : ": ");
                const auto p0 = normals(n, 1), zero = filled<float>(n, 0);
                const auto param0 = stored<T>(p0);
                std::vector<float> p = p0, m = zero, v = zero;
                std::vector<T> param = param0;
                const OnDevice<T> param_d(dev, param0, shift);
                const OnDevice<float> master_d(dev, p0, shift), m_d(dev, zero, shift), v_d(dev, zero, shift);
                AdamW o{1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.37f, 0};
                o.stochastic_rounding = stochastic, o.seed = 5, o.first = 1001;
                float* master = nullptr;
                if (sizeof(T) == 2) master = p.data();
                for (o.step = 1; o.step <= 5; o.step++) {
                    const auto g = normals(n, 100 + uint64_t(o.step), 0.1f);
                    adamw_update(cpu, param.data(), master, m.data(), v.data(), g.data(), n, o);
                    const OnDevice<float> g_d(dev, g, shift);
                    adamw_update<T>(dev, param_d, master ? static_cast<float*>(master_d) : nullptr, m_d, v_d, g_d, n, o);
                    dev.synchronize();
                }
                o.step = 5;
                if (master) compare(t, master_d, p, p0, 2e-6, at + "master");
                if (!stochastic) compare(t, param_d, param, param0, bound<T>(n), at + "param");
                compare(t, m_d, m, zero, 2e-6, at + "m");
                compare(t, v_d, v, zero, 2e-6, at + "v");
                if constexpr (sizeof(T) == 2) {
                    const auto master_got = master_d.values();
                    std::vector<bf16> rounded, nearest;
                    for (int64_t i = 0; i < n; i++) {
                        const float x = master_got[size_t(i)];
                        nearest.push_back(bf16(x));
                        const uint32_t dice = rounding_bits(rounding_key(5, 5), uint64_t(1001 + i));
                        rounded.push_back(stochastic ? round_stochastically(x, dice) : bf16(x));
                    }
                    t.check(same_bits(param_d.values(), rounded), at + "param is the rounded master, bit for bit");
                    if (stochastic && n > 7) t.check(!same_bits(param_d.values(), nearest), at + "control: it is not the nearest");
                    t.check(param_d.guards_intact(), at + "nothing else is written");
                }
            }
}
// One call over stretches that decay and stretches that do not, on both devices, against a call for each unit of 64 with the decay it should
// have: the same bits on the CPU. `first` is inside of a word of bits.
template <typename T>
void check_decays(Report& t) {
    Cpu cpu(2);
    Cuda dev;
    const int64_t first = 5 * kDecayUnit, n = 3 * kDecayWord + 77;
    std::vector<uint32_t> decays;
    Rng rng(6);
    for (int64_t i = 0; i <= (first + n) / kDecayWord; i++) decays.push_back(uint32_t(rng.below(uint64_t(1) << 32)) | (i == 1 ? 0xFFFFu : 0));
    const auto p0 = normals(n, 1), g = normals(n, 2, 0.1f), zero = filled<float>(n, 0);
    AdamW o{1e-2f, 0.9f, 0.95f, 1e-8f, 0.5f, 0.7f, 1};
    o.first = first;
    struct State {
        std::vector<float> p, m, v;
        std::vector<T> param;
        float* master() { return sizeof(T) == 2 ? p.data() : nullptr; }
    };
    State whole{p0, zero, zero, stored<T>(p0)}, pieces = whole, all_decay = whole;
    adamw_update(cpu, whole.param.data(), whole.master(), whole.m.data(), whole.v.data(), g.data(), n, o, decays.data());
    adamw_update(cpu, all_decay.param.data(), all_decay.master(), all_decay.m.data(), all_decay.v.data(), g.data(), n, o);
    for (int64_t i = 0; i < n; i += kDecayUnit) {
        AdamW part = o;
        const int64_t unit = (first + i) / kDecayUnit;
        part.first = first + i, part.weight_decay = decays[size_t(unit / 32)] >> (unit % 32) & 1 ? o.weight_decay : 0;
        adamw_update(cpu, pieces.param.data() + i, pieces.master() ? pieces.master() + i : nullptr, pieces.m.data() + i, pieces.v.data() + i, g.data() + i,
                     std::min(kDecayUnit, n - i), part);
    }
    const std::string what = cat(dtype_name<T>(), ": ");
    t.check(same_bits(whole.param, pieces.param) && same_bits(whole.p, pieces.p) && same_bits(whole.v, pieces.v), what + "one call has the bits of a call for each unit");
    t.check(!same_bits(whole.param, all_decay.param), what + "control: with decay everywhere it has not");
    const OnDevice<T> param(dev, stored<T>(p0));
    const OnDevice<float> master(dev, p0), m(dev, zero), v(dev, zero), g_d(dev, g);
    const OnDevice<uint32_t> decays_d(dev, decays);
    adamw_update<T>(dev, param, sizeof(T) == 2 ? static_cast<float*>(master) : nullptr, m, v, static_cast<const float*>(g_d), n, o,
                    static_cast<const uint32_t*>(static_cast<uint32_t*>(decays_d)));
    t.check(param.guards_intact(), what + "nothing else is written");
    if (sizeof(T) == 2) compare(t, master, whole.p, p0, 2e-6, what + "masters, some decaying");
    const double most = sizeof(T) == 2 ? 2e-4 : 2e-6;
    t.check_at_most(relative_error(doubles(param.values()), doubles(whole.param)), most, what + "params");
    t.check_rejected(relative_error(doubles(param.values()), doubles(all_decay.param)), most, what + "decay everywhere");
    o.first = first + 1;
    t.check_error([&] { adamw_update(cpu, whole.param.data(), whole.master(), whole.m.data(), whole.v.data(), g.data(), n, o, decays.data()); },
                  "a multiple of 64", what + "a call that begins inside of a unit");
}
// The end of a step decides on the device, and the update obeys: its scale, or nothing at all.
template <typename T>
void check_gate(Report& t) {
    Cuda dev;
    const int64_t n = 1003;
    const auto p0 = normals(n, 1), g = normals(n, 2, 0.1f), zero = filled<float>(n, 0);
    const OnDevice<float> g_d(dev, g);
    const OnDevice<double> parts(dev, {1.5, 9.0, 0.5, 16.0});      // loss 2, norm 5
    const auto updated = [&](const StepGate* gate, float host_scale) {
        const OnDevice<T> param(dev, stored<T>(p0));
        const OnDevice<float> master(dev, p0), m(dev, zero), v(dev, zero), sums(dev, filled<float>(6, kNaN));
        auto* step = reinterpret_cast<StepSums*>(static_cast<float*>(sums));
        if (gate) end_step(dev, step, parts, 2, *gate);
        adamw_update<T>(dev, param, sizeof(T) == 2 ? static_cast<float*>(master) : nullptr, m, v, static_cast<const float*>(g_d), n,
                        {1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, host_scale, 1}, nullptr, gate ? &step->grad_scale : nullptr);
        if (gate) {
            StepSums got;
            dev.copy_out(&got, step, sizeof got);
            Cpu cpu(1);
            StepSums want;
            const double on_host[] = {1.5, 9.0, 0.5, 16.0};
            end_step(cpu, &want, on_host, 2, *gate);
            t.check(got.loss == want.loss && got.grad_norm == want.grad_norm && got.grad_scale == want.grad_scale && got.loss == 2 && got.grad_norm == 5,
                    cat("the sums of two ranks, and the verdict: scale ", got.grad_scale));
        }
        const auto moment = v.values();
        auto all = m.values();
        all.insert(all.end(), moment.begin(), moment.end());
        for (const T x : param.values()) all.push_back(float(x));
        return all;
    };
    const StepGate open{.max_norm = 2}, high{.max_loss = 1.9}, shut = StepGate::closed();
    std::vector<float> untouched = filled<float>(2 * n, 0);
    for (const T x : stored<T>(p0)) untouched.push_back(float(x));
    t.check(same_bits(updated(&open, 1), updated(nullptr, 0.4f)), "clipped as the host would clip");
    t.check(!same_bits(updated(&open, 1), updated(nullptr, 1)), "control: not clipped");
    t.check(same_bits(updated(&high, 1), untouched) && same_bits(updated(&shut, 1), untouched), "an outlier, or a closed gate: nothing is written");
}
inline void adamw_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    check_gate<float>(t);
    check_gate<bf16>(t);
    check_adamw<float>(t);
    check_adamw<bf16>(t);
    check_decays<float>(t);
    check_decays<bf16>(t);
}

// The CPU's; that the GPU rounds alike is checked above.
inline void stochastic_rounding_is_right_on_average(Report& t) {
    const float values[] = {1.0f + 0x1p-9f, 1.0f + 0x1p-8f, -1.0f - 0x1p-10f, 3.14159265f, 1e-20f, -123456.7f};
    for (const float x : values) {
        const int64_t n = 1 << 16;
        double sum = 0;
        const double below = std::ldexp(std::floor(std::ldexp(double(x), 7 - std::ilogb(x))), std::ilogb(x) - 7);
        const double step = std::ldexp(1.0, std::ilogb(x) - 7);
        bool neighbours = true;
        for (int64_t i = 0; i < n; i++) {
            const double rounded = double(float(round_stochastically(x, rounding_bits(rounding_key(3, 1 + i % 16), uint64_t(i / 16)))));
            neighbours &= rounded == below || rounded == below + step;
            sum += (rounded - below) / step;
        }
        const double share = (double(x) - below) / step, deviation = std::sqrt(share * (1 - share) / double(n)) + 1e-9;
        t.check(neighbours, cat(x, " becomes one of its two neighbours"));
        t.check_at_most(std::fabs(sum / double(n) - share) / deviation, 4, cat(x, ": the right share goes up, in standard deviations"));
        if (std::fabs(share - 0.5) < 0.4)
            t.check_rejected(std::fabs((double(float(bf16(x))) - below) / step - share) / deviation, 4, cat(x, " to nearest"));
    }
    t.check(std::isnan(float(round_stochastically(kNaN, 0xFFFF))) && float(round_stochastically(kInff, 0xFFFF)) == kInff &&
                float(round_stochastically(1.0f, 0xFFFF)) == 1.0f, "NaN, infinity and what bf16 holds stay what they are");
    int64_t equal = 0;
    for (uint64_t i = 0; i < 4096; i++) equal += rounding_bits(rounding_key(1, 1), i) == rounding_bits(rounding_key(1, 2), i);
    t.check(equal < 10, cat("another step has other dice: ", equal, " of 4096 are equal"));
    // a weight of 1 that moves by 2^-12 a step: to nearest it never leaves 1, on average it moves all the way
    Cpu cpu(1);
    const int64_t n = 1024;
    for (const bool stochastic : {true, false}) {
        std::vector<float> m = filled<float>(n, 0), v = m, g = filled<float>(n, 1);
        std::vector<bf16> param = filled<bf16>(n, 1);
        AdamW o{0x1p-12f, 0.9f, 0.999f, 1e-8f, 0, 1, 0};
        o.stochastic_rounding = stochastic;
        for (o.step = 1; o.step <= 16; o.step++) {       // the bf16 copy is its own truth here: no master remembers
            std::vector<float> master;
            for (const bf16 x : param) master.push_back(float(x));
            adamw_update(cpu, param.data(), master.data(), m.data(), v.data(), g.data(), n, o);
        }
        double mean = 0;
        for (const bf16 x : param) mean += double(float(x)) / double(n);
        const double moved = (1 - mean) / 16 * 4096;
        if (stochastic) t.check_at_most(std::fabs(moved - 1), 0.15, "the mean of 1,024 weights moves as far as in fp32");
        else t.check_rejected(std::fabs(moved - 1), 0.15, "rounding to nearest, which stands still");
    }
}

// ---- the global norm

inline void global_norm_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    Cpu cpu(1);
    Cuda dev;
    for (const int64_t n : {int64_t(0), int64_t(1), int64_t(3), kNormChunk - 1, kNormChunk, kNormChunk + 1, int64_t(100003)})
        for (const int64_t shift : {0, 1}) {
            const auto x = normals(n, 3);
            const OnDevice<float> x_d(dev, x, shift);
            const double want = squared_norm(cpu, x.data(), n), got = squared_norm(dev, x_d, n), again = squared_norm(dev, x_d, n);
            t.check_at_most(std::fabs(got - want), 1e-13 * want, cat("n=", n));
            t.check(std::memcmp(&got, &again, sizeof got) == 0, cat("the same bits again, n=", n));
            if (n > 0) t.check_rejected(std::fabs(got - want) + double(x.back()) * double(x.back()), 1e-13 * want, "the last one lost");
            const OnDevice<double> sum(dev, {-1.0});
            add_squared_norm(dev, sum, x_d, n);
            t.check(sum.values()[0] == got - 1 && sum.guards_intact(), cat("added to what is there, n=", n));
        }
    for (const int64_t n : {1, 31, 1024, 5000}) {
        auto x = normals(n, 4), w = normals(n, 5);
        const OnDevice<float> x_d(dev, x), w_d(dev, w);
        const OnDevice<double> sum(dev, {2.5}), again(dev, {2.5});
        double want = 2.5, scale = 1;
        add_weighted_sum(cpu, &want, w.data(), x.data(), n);
        for (int64_t i = 0; i < n; i++) scale += std::fabs(double(w[size_t(i)]) * double(x[size_t(i)]));
        add_weighted_sum(dev, sum, w_d, x_d, n);
        add_weighted_sum(dev, again, w_d, x_d, n);
        t.check_at_most(std::fabs(sum.values()[0] - want), 1e-14 * scale, cat("a weighted sum is added, n=", n));
        t.check(sum.values() == again.values() && sum.guards_intact(), cat("the same bits again, nothing else is written, n=", n));
        t.check_rejected(std::fabs(sum.values()[0] - want) + 2.5, 1e-14 * scale, "what was there before lost");
        x.back() = kNaN;
        const OnDevice<float> with_nan(dev, x);
        add_weighted_sum(dev, sum, w_d, with_nan, n);
        t.check(std::isnan(sum.values()[0]), cat("NaN reaches the sum, n=", n));
    }
    for (const int64_t at : {int64_t(0), int64_t(50000), int64_t(100000)}) {
        std::vector<float> x(100001, 1.0f);
        const auto norm = [&](float value) {
            x[size_t(at)] = value;
            const OnDevice<float> x_d(dev, x);
            return squared_norm(dev, x_d, int64_t(x.size()));
        };
        t.check(std::isnan(norm(kNaN)) && norm(-kInff) == double(kInff), cat("NaN and infinity at ", at));
        t.check_at_most(std::fabs(norm(1e30f) / 1e60 - 1), 1e-6, "1e30 squared does not overflow");
    }
}

// ---- sampling

template <typename T>
std::vector<int32_t> draw_rows(Cuda& dev, const std::vector<T>& logits, const std::vector<float>& u, int64_t V, int64_t Vp,
                               const SamplingConfig& c, std::vector<float>* logprobs = nullptr) {
    const int64_t N = int64_t(u.size());
    const OnDevice<T> logits_d(dev, logits);
    const OnDevice<float> u_d(dev, u);
    const OnDevice<int32_t> tokens(dev, std::vector<int32_t>(size_t(N), -7));
    const OnDevice<float> logprobs_d(dev, std::vector<float>(size_t(N), kNaN));
    sample_rows<T>(dev, tokens, logits_d, u_d, N, V, Vp, c, logprobs ? static_cast<float*>(logprobs_d) : nullptr);
    auto drawn = tokens.values();
    if (logprobs) *logprobs = logprobs_d.values();
    if (!tokens.guards_intact() || !logprobs_d.guards_intact()) drawn.clear();
    return drawn;
}

// Against the CPU's sampler, but for draws that lie within 1e-5 of a border; and against greedy, which must be wrong often.
template <typename T>
void check_sampling(Report& t) {
    Cpu cpu(1);
    Cuda dev;
    Rng rng(41);
    int64_t compared = 0, equal = 0, greedy = 0, skipped = 0, wrong_logprobs = 0;
    const SamplingConfig configs[] = {{1, 0, 1},   {0.7f, 5, 1},    {1.6f, 0, 0.9f}, {1, 40, 0.5f},  {0.05f, 0, 0.3f}, {1, 1, 1},
                                      {0, 0, 1},   {1e-38f, 0, 1},  {1, 1000, 1},    {2, 3, 0.99f},  {1, 0, 0.01f},    {1, 7, 0.999f}};
    int trial = 0;
    for (const SamplingConfig& c : configs)
        for (const int64_t V : {1, 37, 300, 50257}) {
            if (V == 50257 && trial % 3) {
                trial++;
                continue;
            }
            const int64_t N = V == 50257 ? 2 : 4, Vp = trial % 2 ? V : round_up(V, int64_t(8)) + 8;
            auto x = normals(N * Vp, 1000 + uint64_t(trial), 2.0f);
            if (trial % 4 < 2)
                for (float& v : x) v = std::round(v) + 0.0f;           // many ties
            for (int64_t n = 0; n < N; n++) {
                if (n % 2 && V > 2) x[size_t(n * Vp + V / 2)] = x[size_t(n * Vp + V - 1)] = -kInff;
                for (int64_t v = V; v < Vp; v++) x[size_t(n * Vp + v)] = kNaN;
            }
            if (trial % 4 == 1 && V > 2) x[0] = -0.0f, x[1] = 0.0f;
            const auto logits = stored<T>(x);
            std::vector<float> u;
            for (int64_t n = 0; n < N; n++) u.push_back(n == 2 ? 0.0f : n == 3 ? 1 - 0x1p-24f : rng.uniform());
            std::vector<int32_t> want(size_t(N), -1);
            std::vector<float> want_logprobs(size_t(N), kNaN), logprobs;
            sample_rows(cpu, want.data(), logits.data(), u.data(), N, V, Vp, c, want_logprobs.data());
            const auto got = draw_rows(dev, logits, u, V, Vp, c, &logprobs);
            if (got.empty()) t.check(false, "nothing but the N tokens and log probabilities is written");
            // relative, since at temperature 1e-38 they are huge; 2^-40, below which the device drops a weight, lets 50257 tokens err by 5e-8
            for (size_t n = 0; n < got.size(); n++)
                wrong_logprobs += got[n] == want[n] && !(std::fabs(logprobs[n] - want_logprobs[n]) <= 2e-6f * std::max(1.0f, std::fabs(want_logprobs[n])));
            for (size_t n = 0; n < got.size(); n++) {
                std::vector<float> row;
                for (int64_t v = 0; v < V; v++) row.push_back(float(logits[size_t(int64_t(n) * Vp + v)]));
                double margin;
                sampling_test::naive_sample(row, c, double(u[n]), margin);
                if (margin < 1e-5 && got[n] != want[n]) {
                    skipped++;
                    continue;
                }
                if (got[n] != want[n])
                    t.check(false, cat(dtype_name<T>(), " V=", V, " T=", c.temperature, " k=", c.top_k, " p=", c.top_p, " u=", u[n], ": ",
                                       got[n], ", the CPU ", want[n], ", margin ", margin));
                compared++, equal += got[n] == want[n], greedy += got[n] == sampling::checked_argmax(row.data(), V);
            }
            trial++;
        }
    // Many tokens on the border, and kept ones behind them in the same stretch of ids: of 110 equal ones only the first 5 count.
    const int64_t V = 1000, N = 32;
    std::vector<float> row(size_t(V), -1.0f), u;
    for (size_t v = 0; v < 125; v++) row[v] = v < 110 ? 1.0f : 2.0f;
    std::vector<T> rows;
    for (int64_t n = 0; n < N; n++) {
        u.push_back((float(n) + 0.5f) / float(N));
        for (const float x : row) rows.push_back(T(x));
    }
    for (const SamplingConfig& c : {SamplingConfig{1, 20, 1}, SamplingConfig{1, 0, 0.12f}, SamplingConfig{1, 100, 0.45f}}) {
        std::vector<int32_t> want(size_t(N), -1);
        sample_rows(cpu, want.data(), rows.data(), u.data(), N, V, V, c);
        t.check(draw_rows(dev, rows, u, V, V, c) == want, cat(dtype_name<T>(), ": many equal logits, k=", c.top_k, " p=", c.top_p));
    }
    t.check(compared > 120 && equal == compared, cat(dtype_name<T>(), ": the CPU's token in ", equal, " of ", compared));
    t.check(wrong_logprobs == 0, cat(dtype_name<T>(), ": the CPU's log probability, but for ", wrong_logprobs));
    t.check(greedy < compared * 4 / 5, cat("control: greedy would be right in only ", greedy, " of ", compared));
    t.check(skipped < 12, cat(skipped, " draws on a border fell to the other side"));
}
inline void sampling_equals_cpu(Report& t) {
    if (!has_device(t)) return;
    check_sampling<float>(t);
    check_sampling<bf16>(t);
}

inline void sampling_refuses_what_is_no_distribution(Report& t) {
    if (!has_device(t)) return;
    Cuda dev;
    const int64_t V = 100;
    for (const auto& [value, name] : {std::pair{kNaN, "NaN"}, {-kNaN, "-NaN"}, {kInff, "+inf"}})
        for (const SamplingConfig& c : {SamplingConfig{}, SamplingConfig{0, 0, 1}, SamplingConfig{1, 5, 0.5f}}) {
            auto logits = normals(3 * V, 1);
            logits[size_t(V + 77)] = value;
            const std::vector<float> u = {0.5f, 0.5f, 0.5f};
            for (const auto& got : {draw_rows(dev, stored<bf16>(logits), u, V, V, c), draw_rows(dev, logits, u, V, V, c)})
                t.check(got.size() == 3 && got[0] >= 0 && got[1] == -1 && got[2] >= 0,
                        cat("a logit of ", name, " makes the token -1, in its row alone"));
        }
    t.check(draw_rows(dev, filled<float>(V, -kInff), {0.5f}, V, V, {}) == std::vector<int32_t>{-1}, "all logits -inf: -1");
    t.check_error([&] { draw_rows(dev, filled<float>(V, 0), {0.5f}, V, V, {1, 0, 2}); }, "--top-p 2", "a top_p of 2");
}

}  // namespace cuda_kernels

inline Suite cuda_kernels_tests() {
    using namespace cuda_kernels;
    return {
        {"cuda gelu: forward and backward equal the CPU's; NaN stays NaN", gelu_equals_cpu},
        {"cuda layernorm: fp32 forward, residual and backward equal the CPU's on every path", layernorm_equals_cpu_fp32},
        {"cuda layernorm: bf16 forward, residual and backward equal the CPU's on every path", layernorm_equals_cpu_bf16},
        {"cuda layernorm: a large mean does not eat the variance, NaN shows", layernorm_keeps_promises},
        {"cuda column sums: equal the CPU's, the same bits each time", column_sums_equal_cpu},
#ifdef CUDA_KERNELS
        {"cuda add_bias: y += b to the bit, nothing else", add_bias_is_exact},
#endif
        {"cuda embedding: forward and backward equal the CPU's, the same bits each time", embedding_equals_cpu},
        {"cuda classifier: loss, entropy and gradient equal the CPU's, padding never matters", classifier_equals_cpu},
        {"cuda score head: scores and gradients equal the CPU's", score_head_equals_cpu},
        {"cuda classifier: extreme logits are right, NaN is not swallowed", classifier_extremes},
        {"cuda adamw: five steps equal the CPU's, bf16 weights are the rounded masters", adamw_equals_cpu},
        {"adamw: stochastic rounding is right on average", stochastic_rounding_is_right_on_average},
        {"cuda global norm: equals the CPU's, the same bits each time, NaN and infinity show", global_norm_equals_cpu},
        {"cuda sampling: the CPU's token for the same u", sampling_equals_cpu},
        {"cuda sampling: logits that are no distribution give -1", sampling_refuses_what_is_no_distribution},
    };
}
