// dev/test/test_fp8.hpp -- the eight-bit formats against their definition, and what a linear layer and a training run lose by them (CPU).
// The GPU's side of it, byte for byte, is in test_cuda_fp8.hpp.
#pragma once

#include "../../kernels/fp8.hpp"
#include "../../trainer.hpp"
#include "model_data.hpp"
#include "test.hpp"

namespace fp8_test {

using Doubles = std::vector<double>;

// ---- one number

// The value of a code by the definition of the format (Micikevicius et al. 2022, table 1), in double.
template <Fp8 format>
double defined_value(int code) {
    const int M = format == Fp8::e4m3 ? 3 : 2, bias = format == Fp8::e4m3 ? 7 : 15, top = format == Fp8::e4m3 ? 15 : 31;
    const int exponent = (code & 0x7F) >> M, mantissa = code & ((1 << M) - 1);
    double value = exponent == 0 ? std::ldexp(mantissa, 1 - bias - M) : std::ldexp((1 << M) + mantissa, exponent - bias - M);
    if (format == Fp8::e4m3 && exponent == top && mantissa == 7) value = std::nan("");     // the one NaN, no infinity
    if (format == Fp8::e5m2 && exponent == top) value = mantissa == 0 ? HUGE_VAL : std::nan("");
    return code & 0x80 ? -value : value;
}
// The code whose value is nearest to x, the even one of two; of finite numbers.
template <Fp8 format>
int nearest_code(double x) {
    int best = 0;
    double best_distance = HUGE_VAL;
    for (int code = 0; code < 128; code++) {
        const double value = defined_value<format>(code);
        if (!std::isfinite(value)) continue;
        const double distance = std::fabs(value - std::fabs(x));
        if (distance < best_distance || (distance == best_distance && code % 2 == 0)) best = code, best_distance = distance;
    }
    return best | (std::signbit(x) ? 0x80 : 0);
}

template <Fp8 format>
void check_codes(Report& t) {
    const std::string name = format == Fp8::e4m3 ? "e4m3" : "e5m2";
    int wrong = 0, wrong_back = 0, wrong_between = 0, ties = 0;
    for (int code = 0; code < 256; code++) {
        const double want = defined_value<format>(code), got = double(from_fp8<format>(uint8_t(code)));
        wrong += std::isnan(want) ? !std::isnan(got) : want != got;
        if (std::isfinite(want)) wrong_back += to_fp8<format>(float(want)) != code;
    }
    t.check(wrong == 0, name + ": all 256 codes have their value");
    t.check(wrong_back == 0, name + ": each value has its code");
    const int largest = format == Fp8::e4m3 ? 0x7E : 0x7B;
    for (int code = 0; code < largest; code++)                          // the middle between neighbours, and the floats beside it
        for (const int sign : {0, 0x80}) {
            const float middle = float((defined_value<format>(code) + defined_value<format>(code + 1)) / 2);
            const float below = std::nextafter(middle, 0.0f), above = std::nextafter(middle, HUGE_VALF), s = sign ? -1.0f : 1.0f;
            wrong_between += to_fp8<format>(s * below) != (code | sign);
            wrong_between += to_fp8<format>(s * above) != ((code + 1) | sign);
            wrong_between += to_fp8<format>(s * middle) != ((code + code % 2) | sign);
            ties++;
        }
    t.check(wrong_between == 0 && ties == 2 * largest, cat(name, ": between two codes the nearer one, and in the middle the even one (", ties, " middles)"));
    const float top = float(defined_value<format>(largest));
    t.check(to_fp8<format>(top * 1.04f) == largest && to_fp8<format>(top * 4) == largest && to_fp8<format>(-1e38f) == (largest | 0x80) &&
                to_fp8<format>(HUGE_VALF) == largest, name + ": beyond the largest number, and for infinity, the largest");
    t.check(to_fp8<format>(kNaN) == 0x7F && to_fp8<format>(-kNaN) == 0x7F, name + ": NaN is 0x7F");
    t.check(to_fp8<format>(1e-30f) == 0 && to_fp8<format>(-1e-45f) == 0x80, name + ": what is too small is zero, with its sign");
    std::mt19937 gen(1);
    int wrong_random = 0;
    for (int i = 0; i < 20000; i++) {
        const float x = float_of_bits((gen() & 0x807FFFFFu) | (100 + gen() % 45) << 23);    // 2^-27 .. 2^17, all mantissas
        wrong_random += to_fp8<format>(x) != nearest_code<format>(double(x));
    }
    t.check(wrong_random == 0, cat(name, ": the nearest of all codes for 20,000 random floats"));
}
inline void codes(Report& t) {
    check_codes<Fp8::e4m3>(t);
    check_codes<Fp8::e5m2>(t);
}

// The codes that PyTorch 2.15 gives 1,000 floats (clamped to the format's range, then .to(torch.float8_e4m3fn) or e5m2): FNV-1a of the bytes.
template <Fp8 format>
uint64_t hash_of_codes() {
    uint64_t hash = 0xcbf29ce484222325;
    for (uint32_t i = 0; i < 1000; i++) {
        const uint32_t u = i * 2654435761u + 12345u, bits = (u & 0x80000000u) | (107 + (u >> 8) % 37) << 23 | ((u * 40503u) & 0x7FFFFFu);
        hash = (hash ^ to_fp8<format>(float_of_bits(bits))) * 0x100000001b3;
    }
    return hash;
}
inline void pytorch(Report& t) {
    t.check(hash_of_codes<Fp8::e4m3>() == 0x9acb806ff6bdf394, "e4m3: the codes of 1,000 floats are PyTorch's");
    t.check(hash_of_codes<Fp8::e5m2>() == 0x8b54b03d9ad307f5, "e5m2: the codes of 1,000 floats are PyTorch's");
}

// ---- the scale

template <Fp8 format>
void check_scale(Report& t) {
    const double largest = format == Fp8::e4m3 ? 448 : 57344;
    const std::string name = format == Fp8::e4m3 ? "e4m3" : "e5m2";
    bool fills = true, powers = true;
    for (const float amax : {1.0f, 1.74f, 1.75f, 1.7500001f, 1.9999f, 3e-5f, 448.0f, 449.0f, 6e4f, 1e-9f, 1e12f}) {
        const Fp8Scale s = fp8_scale(float_bits(amax), format);
        int exponent = 0;
        powers &= std::frexp(s.scale, &exponent) == 0.5f && s.scale * s.inverse == 1.0f;
        fills &= double(amax) * s.scale <= largest && double(amax) * s.scale > largest / 2;
    }
    t.check(powers, name + ": scales are powers of two, with their inverses");
    t.check(fills, name + ": the largest number lies in the upper half of the range, and within it");
    const Fp8Scale zero = fp8_scale(0, format), tiny = fp8_scale(float_bits(1e-45f), format), huge = fp8_scale(float_bits(3e38f), format);
    t.check(zero.scale == 1 && zero.inverse == 1, name + ": zeros are not scaled");
    t.check(std::isnormal(tiny.scale * tiny.scale) && std::isnormal(huge.inverse) && std::isnormal(huge.scale) && std::isnormal(tiny.inverse * tiny.inverse),
            name + ": scales and products of two of them are normal numbers");
    t.check(std::isnan(fp8_scale(float_bits(HUGE_VALF), format).inverse) && std::isnan(fp8_scale(float_bits(kNaN), format).inverse),
            name + ": an infinity or NaN spoils the matrix visibly");
}
inline void scales(Report& t) {
    check_scale<Fp8::e4m3>(t);
    check_scale<Fp8::e5m2>(t);
    Cpu one(1), three(3);
    const int64_t n = 100003;
    const auto x = normals(n, 1, 1e-4f);
    std::vector<float> a(size_t(n), kNaN), b = a;
    round_to_fp8<Fp8::e4m3>(one, a.data(), x.data(), n);
    round_to_fp8<Fp8::e4m3>(three, b.data(), x.data(), n);
    t.check(same_bits(a, b), "one thread and three give the same bits");
    const Fp8Scale s = fp8_scale(largest_magnitude(one, x.data(), n), Fp8::e4m3);
    bool equal = true;
    for (int64_t i = 0; i < n; i++) equal &= a[size_t(i)] == float(defined_value<Fp8::e4m3>(nearest_code<Fp8::e4m3>(double(x[size_t(i)]) * s.scale)) / s.scale);
    t.check(equal, "every number of a matrix is the nearest one after scaling");
    bool as_bf16 = true;
    for (float v : a) as_bf16 &= float(bf16(v)) == v;
    t.check(as_bf16, "the numbers are bf16 numbers too: nothing is lost where the storage is bf16");
}

// ---- the linear layer

// What rounding to M bits of mantissa does to the length of a vector: an error spread evenly over half a step to either side, a step of at
// most 2^-M of the number, so at most 2^-(M+1) / sqrt(3) of it; two factors add in squares.
inline double rounding(int mantissa_bits) { return std::ldexp(1.0, -(mantissa_bits + 1)) / std::sqrt(3.0); }
inline const double kForwardBound = std::hypot(rounding(3), rounding(3)), kBackwardBound = std::hypot(rounding(3), rounding(2));   // 5.1e-2, 8.1e-2

// C = op(A) op(B) in double
inline Doubles product(const Doubles& a, const Doubles& b, int64_t M, int64_t N, int64_t K, bool ta, bool tb) {
    Doubles c(size_t(M * N), 0.0);
    for (int64_t i = 0; i < M; i++)
        for (int64_t k = 0; k < K; k++) {
            const double x = a[size_t(ta ? k * M + i : i * K + k)];
            for (int64_t j = 0; j < N; j++) c[size_t(i * N + j)] += x * b[size_t(tb ? j * K + k : k * N + j)];
        }
    return c;
}
// x as fp8 numbers without a scale: the control
template <Fp8 format>
Doubles unscaled(const Doubles& x) {
    Doubles out;
    for (double v : x) out.push_back(double(from_fp8<format>(to_fp8<format>(float(v)))));
    return out;
}

// Values of x, w and dy around `size_x` and `size_dy`.
template <typename T>
void check_layer(Report& t, int64_t N, int64_t K, int64_t M, float size_x, float size_dy) {
    const std::string at = cat(dtype_name<T>(), " (", N, ", ", K, ") x (", K, ", ", M, "), x around ", size_x, ", dy around ", size_dy, ": ");
    Cpu dev(2);
    dev.operands = Operands::fp8;
    const auto x = random_values<T>(N * K, 1, size_x), w = random_values<T>(K * M, 2, 0.02f), dy = random_values<T>(N * M, 4, size_dy);
    const Doubles X = doubles(x), W = doubles(w), DY = doubles(dy);
    const Doubles Y = product(X, W, N, M, K, false, false), DX = product(DY, W, N, K, M, false, true), DW = product(X, DY, K, M, N, true, false);
    std::vector<T> y = filled<T>(N * M, kNaN), dx = filled<T>(N * K, kNaN);
    std::vector<float> dw(size_t(K * M), 0.0f), db(size_t(M), 0.0f);
    linear_forward(dev, y.data(), x.data(), w.data(), static_cast<const T*>(nullptr), N, K, M);
    linear_backward(dev, dx.data(), dw.data(), db.data(), dy.data(), x.data(), w.data(), N, K, M);
    const double of_y = relative_error(doubles(y), Y), of_dx = relative_error(doubles(dx), DX), of_dw = relative_error(doubles(dw), DW);
    t.check_at_most(of_y, kForwardBound, at + "y");
    t.check_at_most(of_dx, kBackwardBound, at + "dx");
    t.check_at_most(of_dw, kBackwardBound, at + "dw");
    t.check(of_y > 1e-2 && of_dx > 1e-2 && of_dw > 1e-2, at + "the operands are in fact rounded");
    Doubles sums(size_t(M), 0.0);
    for (int64_t i = 0; i < N * M; i++) sums[size_t(i % M)] += DY[size_t(i)];
    t.check_at_most(relative_error(db, sums), 1e-5, at + "the bias gradient is not rounded");
    if (size_x < 1e-3f || size_x > 1e5f)
        t.check_rejected(relative_error(product(unscaled<Fp8::e4m3>(X), unscaled<Fp8::e4m3>(W), N, M, K, false, false), Y), kForwardBound,
                         at + "y without scales");
    if (size_dy < 1e-5f || size_dy > 1e5f)
        t.check_rejected(relative_error(product(unscaled<Fp8::e5m2>(DY), unscaled<Fp8::e4m3>(W), N, K, M, false, true), DX), kBackwardBound,
                         at + "dx without scales");
    const Doubles coarse = product(unscaled<Fp8::e5m2>(X), unscaled<Fp8::e5m2>(W), N, M, K, false, false);
    t.check_rejected(relative_error(coarse, Y), kForwardBound, at + "y with e5m2 in the place of e4m3");
}
inline void layers(Report& t) {
    check_layer<float>(t, 33, 48, 80, 1.0f, 1.0f);
    check_layer<float>(t, 7, 144, 16, 1e-4f, 1e-9f);
    check_layer<bf16>(t, 129, 80, 208, 1.0f, 1e-7f);
    check_layer<bf16>(t, 1, 16, 112, 1e6f, 1e6f);
}

// The fused layers of the MLP are the same numbers as their parts.
inline void fused(Report& t) {
    Cpu dev(2);
    dev.operands = Operands::fp8;
    const int64_t N = 21, K = 32, M = 64;
    const auto x = normals(N * K, 1), w = normals(K * M, 2, 0.1f), b = normals(M, 3), dy = normals(N * K, 4), w2 = normals(M * K, 5, 0.1f);
    std::vector<float> pre(size_t(N * M), kNaN), y = pre, plain = pre, d = pre, d_plain = pre, dw(size_t(M * K), 0.0f), dw_plain = dw;
    linear_gelu_forward(dev, y.data(), pre.data(), x.data(), w.data(), b.data(), N, K, M);
    linear_forward(dev, plain.data(), x.data(), w.data(), b.data(), N, K, M);
    t.check(same_bits(pre, plain), "linear_gelu_forward: the numbers before the gate are linear_forward's");
    linear_gelu_backward(dev, d.data(), dw.data(), static_cast<float*>(nullptr), dy.data(), pre.data(), y.data(), w2.data(), N, M, K);
    linear_backward(dev, d_plain.data(), dw_plain.data(), static_cast<float*>(nullptr), dy.data(), y.data(), w2.data(), N, M, K);
    t.check(same_bits(dw, dw_plain), "linear_gelu_backward: dw is linear_backward's");
    Doubles want;
    for (int64_t i = 0; i < N * M; i++) {
        auto gelu_double = [](double v) { return 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))); };
        const double v = double(pre[size_t(i)]);
        want.push_back(double(d_plain[size_t(i)]) * (gelu_double(v + 1e-5) - gelu_double(v - 1e-5)) / 2e-5);
    }
    t.check_at_most(relative_error(d, want), 1e-5, "linear_gelu_backward: dx times the slope of gelu");
    t.check_rejected(relative_error(d, doubles(d_plain)), 1e-5, "dx without the slope of gelu");
}

// NaN and infinity must reach the loss, so that the trainer sees them; zeros must stay zeros.
inline void bad_numbers(Report& t) {
    Cpu dev(1);
    dev.operands = Operands::fp8;
    const int64_t N = 3, K = 16, M = 16;
    const auto w = normals(K * M, 2);
    for (const float bad : {kNaN, HUGE_VALF, -HUGE_VALF}) {
        auto x = normals(N * K, 1);
        x[20] = bad;
        std::vector<float> y(size_t(N * M), 0.0f);
        linear_forward(dev, y.data(), x.data(), w.data(), static_cast<const float*>(nullptr), N, K, M);
        bool all = true;
        for (float v : y) all &= std::isnan(v);
        t.check(all, cat("a matrix with ", bad, " makes the product NaN"));
    }
    std::vector<float> zeros(size_t(N * K), 0.0f), y(size_t(N * M), kNaN);
    linear_forward(dev, y.data(), zeros.data(), w.data(), static_cast<const float*>(nullptr), N, K, M);
    t.check(same_bits(y, std::vector<float>(size_t(N * M), 0.0f)), "zeros times something are zeros");
}

// ---- the model

inline Config small_config() {
    Config c;
    c.max_T = 32, c.V = 131, c.L = 2, c.NH = 2, c.C = 48;
    return c;
}
// Losses of `steps` updates on four batches that come again and again.
template <typename T>
Doubles train(Operands operands, int64_t steps, uint64_t data = 5) {
    Cpu dev(2);
    dev.operands = operands;
    const Config c = small_config();
    const int64_t B = 4, T_ = 32;
    Gpt<Cpu, T> gpt(dev, c, {B * T_, true});
    gpt.init_weights(42);
    TrainerConfig config;
    config.steps = steps, config.lr = 2e-3f, config.min_lr = 2e-4f, config.warmup = 4, config.batch_size = B, config.seq_len = T_;
    ModelOf model(gpt);
    Trainer trainer(model, config);
    Doubles losses;
    for (int64_t s = 0; s < steps; s++) {
        Rng rng(data + uint64_t(s % 4));
        MicroBatch batch{B, T_, {}, {}, std::vector<float>(size_t(B * T_), 1.0f)};
        int32_t id = int32_t(rng.below(uint64_t(c.V)));
        for (int64_t i = 0; i < B * T_; i++) {               // a walk with a rule: half of the next tokens are 3 id + 1
            const int32_t next = rng.uniform() < 0.5f ? (3 * id + 1) % int32_t(c.V) : int32_t(rng.below(uint64_t(c.V)));
            batch.inputs.push_back(id), batch.targets.push_back(next);
            id = next;
        }
        std::vector<MicroBatch> batches = {batch};
        losses.push_back(trainer.step(batches).loss);
    }
    return losses;
}
inline double worst_difference(const Doubles& a, const Doubles& b) {
    double worst = 0;
    for (size_t i = 0; i < a.size(); i++) worst = std::max(worst, std::isfinite(a[i]) ? std::fabs(a[i] - b[i]) / b[i] : HUGE_VAL);
    return worst;
}
inline void training(Report& t) {
    const int64_t steps = 50;
    const Doubles fp32 = train<float>(Operands::stored, steps), fp8 = train<float>(Operands::fp8, steps);
    t.check(fp32.back() < 0.8 * fp32.front(), cat("the fp32 loss falls: ", fp32.front(), " -> ", fp32.back()));
    const double bound = 5e-3;                          // measured: 8e-4
    t.check_at_most(worst_difference(fp8, fp32), bound,
                    cat("the losses of ", steps, " steps with fp8 follow those with fp32 (", fp8.front(), " -> ", fp8.back(), ")"));
    t.check(fp8 != fp32, "and are not the same");
    t.check_rejected(worst_difference(train<float>(Operands::stored, steps, 99), fp32), bound, "a run on other data");
    t.check(train<float>(Operands::fp8, 5) == Doubles(train<float>(Operands::fp8, 5)), "the same run twice has the same losses");
    const Doubles bf16_8 = train<bf16>(Operands::fp8, 20), bf16_plain = train<bf16>(Operands::stored, 20);
    t.check_at_most(worst_difference(bf16_8, bf16_plain), bound, "bf16 storage: 20 steps with fp8 follow those without");
}

// Only the linear layers of the blocks: head and embeddings are computed as stored.
inline void head_is_not_rounded(Report& t) {
    Cpu plain(1), fp8(1);
    fp8.operands = Operands::fp8;
    const int64_t M = 5, N = 33, K = 48;
    const auto a = normals(M * K, 1), b = normals(K * N, 2);
    std::vector<float> c(size_t(M * N), kNaN), d = c;
    matmul(plain, c.data(), a.data(), b.data(), M, N, K, false, false, false);
    matmul(fp8, d.data(), a.data(), b.data(), M, N, K, false, false, false);
    t.check(same_bits(c, d), "matmul, which the head uses, is the same with --matmul fp8");
}

inline void settings(Report& t) {
    Cpu dev(1);
    auto with = [&](const char* matmul, bool bf16_storage, bool autotune = false) {
        set_matmul(dev, {matmul, autotune, "", nullptr}, bf16_storage);
        return dev.operands;
    };
    t.check(with("auto", false) == Operands::stored && with("auto", true) == Operands::stored, "auto: as stored");
    t.check(with("fp32", false) == Operands::stored && with("bf16", true) == Operands::stored, "the storage type by its name: as stored");
    t.check(with("fp8", false) == Operands::fp8 && with("fp8", true) == Operands::fp8, "fp8 on either storage");
    t.check(operands_of("tf32", false) == Operands::tf32 && operands_of("bf16", false) == Operands::bf16, "tf32 and bf16 round fp32");
    t.check_error([&] { with("fp16", false); }, "--matmul fp16: unknown", "an unknown kind");
    t.check_error([&] { with("fp32", true); }, "add --dtype fp32", "fp32 products of bf16 storage");
    t.check_error([&] { with("tf32", true); }, "add --dtype fp32", "tf32 products of bf16 storage");
    t.check_error([&] { with("tf32", false); }, "a matter of GPUs", "tf32 on the CPU");
    t.check_error([&] { with("bf16", false); }, "a matter of GPUs", "bf16 products of fp32 storage on the CPU");
    t.check_error([&] { with("auto", false, true); }, "there is no GPU here", "--autotune on the CPU");
    dev.operands = Operands::fp8;
    std::vector<float> x(24 * 40, 1.0f);
    const float* no_bias = nullptr;
    for (auto [K, M] : {std::pair<int64_t, int64_t>{24, 16}, {16, 40}})
        t.check_error([&, K = K, M = M] { linear_forward(dev, x.data(), x.data(), x.data(), no_bias, 1, K, M); }, "both must be multiples of 16",
                      cat("a layer from ", K, " to ", M));
}

}  // namespace fp8_test

inline Suite fp8_tests() {
    using namespace fp8_test;
    return {{"fp8: codes have the values of the definition; rounding to nearest even, saturation, NaN", codes},
            {"fp8: the codes of a thousand floats are PyTorch's", pytorch},
            {"fp8: scales are powers of two that fill the range", scales},
            {"fp8: a linear layer keeps the bounds of its formats, whatever the size of its numbers", layers},
            {"fp8: the layers with gelu are made of the same numbers", fused},
            {"fp8: NaN and infinity stay visible, zeros stay zeros", bad_numbers},
            {"fp8: training follows fp32", training},
            {"fp8: the head is not rounded", head_is_not_rounded},
            {"fp8: --matmul and --autotune, right and wrong", settings}};
}
