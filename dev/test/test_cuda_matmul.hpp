// dev/test/test_cuda_matmul.hpp -- how the Cuda device multiplies: fp8, tf32, GELU inside of products or beside them, and --autotune.
// Run by the emulator, whose cuBLASLt refuses what the library refuses, and on a GPU.
#pragma once

#include "../../kernels/cublaslt.hpp"
#include "../../kernels/instances.hpp"
#include "../../trainer.hpp"
#include "device_buffer.hpp"
#include "model_data.hpp"
#include "test.hpp"

namespace cuda_matmul_test {

// The emulated GPU is an H100 while this lives; a real one is what it is.
class AsHopper {
   public:
    AsHopper() { ::setenv("TRAIN_GPT_EMU_SM", "90", 1); }
    ~AsHopper() { ::unsetenv("TRAIN_GPT_EMU_SM"); }
};
inline int capability() {
    int major = 0, minor = 0;
    CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0));
    return major * 10 + minor;
}
inline bool has_fp8(Report& t) {
    if (capability() >= 89) return true;
    t.skip("fp8", cat("this GPU is sm_", capability()));
    return false;
}

#ifdef TRAIN_GPT_EMULATOR
// How many of the device's plans have this epilogue and are possible.
inline int64_t plans_with(Cuda& dev, int64_t epilogue) {
    int64_t count = 0;
    for (const auto& [key, plan] : MatmulPlans::of(dev).plans) count += key[9] == epilogue && plan.possible;
    return count;
}
#endif

// ---- the linear layer, in all ways

#ifdef TRAIN_GPT_EMULATOR
constexpr bool kEmulated = true;
#else
constexpr bool kEmulated = false;
#endif

// What the two devices may differ by. fp8: the operands are the same bytes, but the fast sums of the forward keep 14 bits; and on a real GPU the
// tensor core itself adds the products of one instruction with about as many, even where the library carries its results on in fp32: an
// H100 is up to 7.8e-5 off (fp8 is, where the control below compares, 3e-2 off fp32).
template <typename T>
double bound(bool fast_sums = false, bool fp8 = false) {
    if (sizeof(T) == 2) return 1e-2;
    return fast_sums ? 1e-3 : fp8 && !kEmulated ? 2e-4 : 1e-5;
}

template <typename T>
void check_layer(Report& t, Operands operands, int gelu_in_products, int64_t N, int64_t K, int64_t M) {
    const bool fp8 = operands == Operands::fp8;
    const std::string at = cat(dtype_name<T>(), fp8 ? " fp8" : "", " (", N, ", ", K, ") x (", K, ", ", M, "), gelu ", gelu_in_products, ": ");
    Cpu cpu(2);
    Cuda cuda;
    cpu.operands = cuda.operands = operands;
    cuda.gelu_in_products = gelu_in_products;
    const auto x = normals(N * K, 1), w = normals(K * M, 2, 0.1f), b = normals(M, 3), dy = normals(N * M, 4, 1e-5f), before = normals(N * K, 5);
    const std::vector<float> nan_y(size_t(N * M), kNaN), nan_x(size_t(N * K), kNaN), dw0(size_t(K * M), 1e-5f), db0(size_t(M), -1e-5f);
    const auto x_t = stored<T>(x), w_t = stored<T>(w), b_t = stored<T>(b), dy_t = stored<T>(dy), before_t = stored<T>(before);
    const Buffer<T> x_d(cuda, x), w_d(cuda, w), b_d(cuda, b), dy_d(cuda, dy), before_d(cuda, before);
    const Buffer<T> y_d(cuda, nan_y), pre_d(cuda, nan_y), plain_d(cuda, nan_y), dx_d(cuda, nan_x), slope_d(cuda, nan_x);
    const Buffer<float> dw_d(cuda, dw0), db_d(cuda, db0), dw2_d(cuda, dw0), db2_d(cuda, db0);

    std::vector<T> y(size_t(N * M)), pre = y, plain = y, dx(size_t(N * K)), slope = dx;
    std::vector<float> dw = dw0, db = db0;
    linear_forward(cpu, plain.data(), x_t.data(), w_t.data(), b_t.data(), N, K, M);
    linear_gelu_forward(cpu, y.data(), pre.data(), x_t.data(), w_t.data(), b_t.data(), N, K, M);
    linear_backward(cpu, dx.data(), dw.data(), db.data(), dy_t.data(), x_t.data(), w_t.data(), N, K, M);
    linear_forward<T>(cuda, plain_d, x_d, w_d, b_d, N, K, M);
    linear_gelu_forward<T>(cuda, y_d, pre_d, x_d, w_d, b_d, N, K, M);
    linear_backward<T>(cuda, dx_d, dw_d, db_d, dy_d, x_d, w_d, N, K, M);
    linear_gelu_backward<T>(cuda, slope_d, dw2_d, db2_d, dy_d, before_d, x_d, w_d, N, K, M);
    t.check_at_most(relative_error(plain_d.values(), doubles(plain)), bound<T>(fp8), at + "linear_forward");
    t.check_at_most(relative_error(y_d.values(), doubles(y)), bound<T>(fp8), at + "linear_gelu_forward");
    t.check_at_most(relative_error(pre_d.values(), doubles(pre)), bound<T>(fp8), at + "linear_gelu_forward, before the gate");
    t.check_at_most(relative_error(dx_d.values(), doubles(dx)), bound<T>(false, fp8), at + "linear_backward dx");
    t.check_at_most(relative_error(dw_d.values(), dw), bound<T>(false, fp8), at + "linear_backward dw +=");
    t.check_at_most(relative_error(db_d.values(), db), 1e-5, at + "linear_backward db +=");
    t.check(same_bits(dw_d.values(), dw2_d.values()) && same_bits(db_d.values(), db2_d.values()), at + "linear_gelu_backward: the same dw and db");
    dw = dw0, db = db0;
    linear_gelu_backward(cpu, slope.data(), dw.data(), db.data(), dy_t.data(), before_t.data(), x_t.data(), w_t.data(), N, K, M);
    t.check_at_most(relative_error(slope_d.values(), doubles(slope)), bound<T>(false, fp8), at + "linear_gelu_backward dx");
    t.check_rejected(relative_error(dx_d.values(), doubles(slope)), bound<T>(), at + "dx without the slope of gelu");
    if (fp8) {                                            // the exact layer is further away than the bound: this was fp8
        cpu.operands = Operands::stored;
        linear_forward(cpu, plain.data(), x_t.data(), w_t.data(), b_t.data(), N, K, M);
        t.check_rejected(relative_error(plain_d.values(), doubles(plain)), bound<T>(), at + "the layer without fp8");
    }
#ifdef TRAIN_GPT_EMULATOR
    // GELU goes into a product where it was asked for and the library has it: in bf16, at sizes that are multiples of 8
    const bool forward = sizeof(T) == 2 && M % 8 == 0 && gelu_in_products >= 1, backward = sizeof(T) == 2 && K % 8 == 0 && gelu_in_products == 2;
    t.check(plans_with(cuda, CUBLASLT_EPILOGUE_GELU_AUX_BIAS) == forward, at + "gelu in the forward product");
    t.check(plans_with(cuda, CUBLASLT_EPILOGUE_DGELU) == (backward && !fp8), at + "the slope of gelu in the backward product");
#endif
}
inline void layers(Report& t) {
    for (const int gelu : {0, 1, 2})
        for (auto [N, K, M] : {std::array<int64_t, 3>{7, 45, 33}, {33, 48, 80}, {13, 24, 97}}) {
            check_layer<float>(t, Operands::stored, gelu, N, K, M);
            check_layer<bf16>(t, Operands::stored, gelu, N, K, M);
        }
}
inline void fp8_layers(Report& t) {
    const AsHopper hopper;
    if (!has_fp8(t)) return;
    for (const int gelu : {0, 2})
        for (auto [N, K, M] : {std::array<int64_t, 3>{1, 16, 16}, {33, 48, 80}, {70, 144, 32}}) {
            check_layer<float>(t, Operands::fp8, gelu, N, K, M);
            check_layer<bf16>(t, Operands::fp8, gelu, N, K, M);
        }
    Cuda dev;
    dev.operands = Operands::fp8;
    float* none = nullptr;
    const float* no_bias = nullptr;
    t.check_error([&] { linear_forward(dev, none, none, none, no_bias, 5, 24, 16); }, "both must be multiples of 16", "a layer of 24 numbers");
}

// fp32 storage: its products as stored, in tf32, in bf16.
inline void roundings(Report& t) {
    const int64_t M = 33, N = 40, K = 64;
    const auto a = normals(M * K, 1), b = normals(K * N, 2);
    std::vector<double> want(size_t(M * N), 0.0);
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++)
            for (int64_t k = 0; k < K; k++) want[size_t(i * N + j)] += double(a[size_t(i * K + k)]) * double(b[size_t(k * N + j)]);
    // a rounding to 10 bits, and to 7: between a tenth of the largest error, 2^-11 and 2^-8 a number, and twice it. On a GPU the library may answer a
    // wish for bf16 with tf32, which is no slower in a small product (on an H100 the error is 3.0e-4): then only fp32 is ruled out.
    for (const auto& [operands, name, least, most] : std::vector<std::tuple<Operands, const char*, double, double>>{
             {Operands::stored, "as stored", 0, 1e-6}, {Operands::tf32, "tf32", 5e-5, 1e-3}, {Operands::bf16, "bf16", kEmulated ? 4e-4 : 5e-5, 8e-3},
             {Operands::fp8, "fp8, which is not for matmul", 0, 1e-6}}) {
        Cuda dev;
        dev.operands = operands;
        const Buffer<float> a_d(dev, a), b_d(dev, b), c_d(dev, std::vector<float>(size_t(M * N), kNaN));
        matmul<float, float>(dev, c_d, a_d, b_d, M, N, K, false, false, false);
        const double error = relative_error(c_d.values(), want);
        t.check(error >= least && error <= most, cat("fp32 matmul, ", name, ": error ", error, " in ", least, " .. ", most));
    }
}

inline void settings(Report& t) {
    Cuda dev;
    auto with = [&](const char* matmul, bool bf16_storage) { set_matmul(dev, {matmul, false, "", nullptr}, bf16_storage); };
    if (capability() < 89) t.check_error([&] { with("fp8", true); }, "whose tensor cores have no fp8", "fp8 before sm_89");
    else with("fp8", true);
    with("tf32", false);
    t.check(dev.operands == Operands::tf32, "tf32 of fp32 storage");
    with("auto", true);
    t.check(dev.operands == Operands::stored, "auto");
    t.check_error([&] { with("tf32", true); }, "add --dtype fp32", "tf32 of bf16 storage");
    const AsHopper hopper;
    if (!has_fp8(t)) return;
    with("fp8", true);
    t.check(dev.operands == Operands::fp8, "fp8 on Hopper");
}

// ---- --autotune

struct Tuned {
    std::vector<std::string> log;
    std::vector<float> result;
};
// One accumulating product on a new device that tunes, with `file` as its memory.
inline Tuned tune(const std::string& file, bool autotune = true) {
    Tuned r;
    Cuda dev;
    set_matmul(dev, {"auto", autotune, file, [&](const std::string& line) { r.log.push_back(line); }}, false);
    const int64_t M = 24, N = 40, K = 56;
    const auto a = normals(M * K, 1), b = normals(K * N, 2);
    const Buffer<float> a_d(dev, a), b_d(dev, b), c_d(dev, std::vector<float>(size_t(M * N), 1.0f));
    matmul<float, float>(dev, c_d, a_d, b_d, M, N, K, false, false, true);
    r.result = c_d.values();
    bool repeats = true;
    for (int i = 0; i < 4; i++) {
        const Buffer<float> again(dev, std::vector<float>(size_t(M * N), 1.0f));
        matmul<float, float>(dev, again, a_d, b_d, M, N, K, false, false, true);
        repeats &= same_bits(again.values(), r.result);
    }
    if (!repeats) r.result.clear();
    return r;
}
inline void autotune(Report& t) {
    const TempDir dir;
    const std::string file = dir / "plans.txt";
    const Tuned plain = tune("", false), first = tune(file);
    const std::string good = read_file(file);
    const Tuned second = tune(file);
    t.check(plain.log.empty() && !plain.result.empty(), "without --autotune nothing is timed, and the bits repeat");
    t.check(first.log.size() == 1 && first.log[0].find("autotune  (24, 56) x (56, 40) fp32: ") == 0 && first.log[0].find("proposal") != std::string::npos,
            "a line says what was chosen" + (first.log.empty() ? std::string() : ": " + first.log[0]));
    t.check_at_most(relative_error(first.result, doubles(plain.result)), 1e-6, "the tuned product adds once, although it ran many times");
    t.check(second.log.empty() && read_file(file) == good && same_bits(second.result, first.result),
            "the next run reads the choice: nothing is timed, the same bits");
#ifdef TRAIN_GPT_EMULATOR
    t.check(!first.log.empty() && first.log[0].find("proposal 2 of 3") != std::string::npos, "of three allowed proposals, the fastest, which is the second");
#endif
    for (const auto& [what, text] : std::vector<std::pair<const char*, std::string>>{
             {"another library", "cuBLASLt 1, some GPU" + good.substr(good.find('\n'))}, {"a damaged file", good.substr(0, good.size() / 2)},
             {"an empty file", ""}}) {
        write_file(file, text);
        const Tuned anew = tune(file);
        t.check(anew.log.size() == 2 && anew.log[0].find("timed anew") != std::string::npos, cat(what, " is reported, and products are timed anew"));
        t.check(read_file(file).substr(0, 8) == "cuBLASLt" && tune(file).log.empty(), cat(what, " is replaced"));
    }
    std::string spoilt = good;                            // a choice that this library does not know: the first of the 64 bytes' words, and the second
    const size_t line = spoilt.find('\n') + 1;
    size_t word = line;
    for (int i = 0; i < 13; i++) word = spoilt.find(' ', word) + 1;
    spoilt.replace(word, spoilt.find(' ', word) - word, "badbadbad");
#ifdef TRAIN_GPT_EMULATOR
    write_file(file, spoilt);
    const Tuned anew = tune(file);
    t.check(anew.log.size() == 1 && same_bits(anew.result, first.result), "an algorithm that the library refuses is timed anew");
#endif
    t.check_error([&] { tune(file + "/plans.txt"); }, "plans.txt", "a file that can't be written");
}

#ifdef TRAIN_GPT_EMULATOR
// What the mask of reduction schemes keeps out: parts that are added in D in the order in which they arrive. Without the mask they are
// proposed, and do not repeat their bits.
inline void reductions(Report& t) {
    Cuda dev;
    const int64_t m = 24, n = 40, k = 57;
    const Buffer<float> a(dev, normals(m * k, 1)), b(dev, normals(k * n, 2)), d(dev, std::vector<float>(size_t(m * n), 0.0f));
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t la = nullptr, lb = nullptr, ld = nullptr;
    cublasLtMatmulPreference_t wish = nullptr;
    CUBLAS_CHECK(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&la, CUDA_R_32F, uint64_t(m), uint64_t(k), m));
    CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&lb, CUDA_R_32F, uint64_t(k), uint64_t(n), k));
    CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&ld, CUDA_R_32F, uint64_t(m), uint64_t(n), m));
    CUBLAS_CHECK(cublasLtMatmulPreferenceCreate(&wish));
    cublasLtMatmulHeuristicResult_t found[16] = {};
    for (const bool masked : {false, true}) {
        const uint32_t mask = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
        if (masked) CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &mask, sizeof(mask)));
        int count = 0, unsteady = 0;
        CUBLAS_CHECK(cublasLtMatmulAlgoGetHeuristic(nullptr, operation, la, lb, ld, ld, wish, 16, found, &count));
        for (int i = 0; i < count; i++) {
            std::vector<float> first;
            bool same = true;
            for (int repeat = 0; repeat < 3; repeat++) {
                const float alpha = 1, beta = 0;
                CUBLAS_CHECK(cublasLtMatmul(nullptr, operation, &alpha, a, la, b, lb, &beta, d, ld, d, ld, &found[i].algo, nullptr, 0, dev.stream));
                if (repeat == 0) first = d.values();
                else same &= same_bits(first, d.values());
            }
            unsteady += !same;
        }
        if (masked) t.check(count == 3 && unsteady == 0, "with the mask: three proposals, all of which repeat their bits");
        else t.check(count == 4 && unsteady == 1, "control: without the mask a fourth is proposed, which doesn't");
    }
    cublasLtMatmulPreferenceDestroy(wish);
    cublasLtMatmulDescDestroy(operation);
    for (cublasLtMatrixLayout_t l : {la, lb, ld}) cublasLtMatrixLayoutDestroy(l);
}
#endif

// ---- training

template <typename Dev, typename T>
std::vector<double> train(Operands operands, int64_t steps, uint64_t data = 5) {
    Dev dev;
    dev.operands = operands;
    Config c;
    c.max_T = 16, c.V = 131, c.L = 2, c.NH = 2, c.C = 32;
    const int64_t B = 2, T_ = 16;
    Gpt<Dev, T> gpt(dev, c, {B * T_, true});
    gpt.init_weights(42);
    TrainerConfig config;
    config.steps = steps, config.lr = 3e-3f, config.min_lr = 3e-4f, config.warmup = 2, config.batch_size = B, config.seq_len = T_;
    ModelOf model(gpt);
    Trainer trainer(model, config);
    std::vector<double> losses;
    for (int64_t s = 0; s < steps; s++) {
        Rng rng(data + uint64_t(s % 2));
        MicroBatch batch{B, T_, {}, {}, std::vector<float>(size_t(B * T_), 1.0f)};
        for (int64_t i = 0; i < B * T_; i++) {
            batch.inputs.push_back(int32_t(rng.below(uint64_t(c.V))));
            batch.targets.push_back(int32_t(rng.below(uint64_t(c.V))));
        }
        std::vector<MicroBatch> batches = {batch};
        losses.push_back(trainer.step(batches).loss);
    }
    return losses;
}
inline void training(Report& t) {
    const AsHopper hopper;
    if (!has_fp8(t)) return;
    const int64_t steps = 12;
    auto worst = [](const std::vector<double>& a, const std::vector<double>& b) {
        double w = 0;
        for (size_t i = 0; i < a.size(); i++) w = std::max(w, std::isfinite(a[i]) ? std::fabs(a[i] - b[i]) / b[i] : HUGE_VAL);
        return w;
    };
    const auto cpu = train<Cpu, bf16>(Operands::fp8, steps), cuda = train<Cuda, bf16>(Operands::fp8, steps);
    t.check(cpu.back() < 0.9 * cpu.front(), cat("the loss falls: ", cpu.front(), " -> ", cpu.back()));
    const double most = 1.5e-3;                           // measured: 3e-4
    t.check_at_most(worst(cuda, cpu), most, cat("the losses of ", steps, " steps with fp8 on Cuda follow the Cpu's"));
    t.check_rejected(worst(train<Cuda, bf16>(Operands::fp8, steps, 9), cpu), most, "a run on other data");
    t.check(train<Cuda, bf16>(Operands::fp8, 3) == train<Cuda, bf16>(Operands::fp8, 3), "the same run twice has the same losses");
}

// MFU's denominator, against figures of NVIDIA's data sheets read once more, with the names that drivers give.
inline void peaks(Report& t) {
    struct Case { const char* gpu; Operands operands; bool bf16; double tflops; };
    for (const Case& c : {Case{"NVIDIA H100 80GB HBM3", Operands::stored, true, 989.4}, {"NVIDIA H100 80GB HBM3", Operands::fp8, true, 1978.9},
                          {"NVIDIA H100 80GB HBM3", Operands::tf32, false, 494.7}, {"NVIDIA H100 80GB HBM3", Operands::stored, false, 66.9},
                          {"NVIDIA H100 80GB HBM3", Operands::bf16, false, 989.4}, {"NVIDIA H100 PCIe", Operands::stored, true, 756},
                          {"NVIDIA H100 NVL", Operands::stored, true, 835.5}, {"NVIDIA H200", Operands::stored, true, 989.4}, {"NVIDIA B200", Operands::fp8, true, 4500},
                          {"NVIDIA A100-SXM4-80GB", Operands::stored, true, 312}, {"NVIDIA A100-PCIE-40GB", Operands::tf32, false, 156},
                          {"NVIDIA A100-SXM4-80GB", Operands::fp8, true, 0}, {"NVIDIA L40S", Operands::stored, true, 362}, {"NVIDIA GeForce RTX 4090", Operands::stored, true, 165.2},
                          {"NVIDIA GeForce RTX 5090", Operands::stored, true, 209.5}, {"NVIDIA GeForce GTX 1080", Operands::stored, true, 0}})
        t.check_at_most(std::fabs(peak_flops_of(c.gpu, c.operands, c.bf16) * 1e-12 - c.tflops), 1e-9, cat(c.gpu, ", operands ", int(c.operands)));
    for (const GpuPeak& p : kGpuPeaks)
        t.check(p.bf16 >= 1.9 * p.tf32 && p.bf16 < 2.1 * p.tf32 && p.fp32 <= p.tf32 && (p.fp8 == 0 || (p.fp8 > 1.9 * p.bf16 && p.fp8 < 2.1 * p.bf16)),
                cat(p.name, ": each type is twice as fast as the one of twice its width"));
}

}  // namespace cuda_matmul_test

inline Suite cuda_matmul_tests() {
    using namespace cuda_matmul_test;
    return {
        {"cuda matmul: linear layers equal the Cpu's, gelu in the products or beside them", layers},
        {"cuda matmul: fp8 layers equal the Cpu's", fp8_layers},
        {"cuda matmul: tf32 and bf16 products of fp32", roundings},
        {"cuda matmul: --matmul, right and wrong", settings},
        {"cuda matmul: --autotune chooses, logs, remembers, and changes no result", autotune},
#ifdef TRAIN_GPT_EMULATOR
        {"cuda matmul: the peaks of GPUs, by name and type", peaks},
        {"cuda matmul: sums split over k only where they repeat their bits", reductions},
#endif
        {"cuda matmul: training with fp8 follows the Cpu's", training},
    };
}
