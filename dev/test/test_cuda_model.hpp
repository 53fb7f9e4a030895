// dev/test/test_cuda_model.hpp -- products, model, training and generation on the Cuda device against the Cpu device.
// Run by the emulator (dev/emu) where no GPU is; scripts/gpu_check.sh runs the same tests on a real one.
#pragma once

#include "../../generate.hpp"
#include "../../trainer.hpp"
#include "device_buffer.hpp"
#include "model_data.hpp"
#include "test.hpp"
#include "test_matmul.hpp"

namespace cuda_model_test {

// What a comparison may differ by, ||a - b|| / ||b||: sums in another order (fp32), and a rounding per operation (bf16).
template <typename T>
constexpr double bound() { return sizeof(T) == 2 ? 2e-2 : 1e-5; }

// Products, = and +=, at all combinations of every second one of the CPU's sizes (1, 3, 17, 64, 130), each in one of the four orientations in
// turn: all combinations of all sizes in all orientations took the emulator over two minutes, as each copy changes the protection of its memory.
template <typename TC, typename T>
void check_products(Report& t, const char* name) {
    Cpu cpu(1);
    Cuda cuda;
    double worst = 0;
    std::array<int64_t, 3> where = {};
    std::vector<int64_t> sizes;
    for (size_t i = 0; i < matmul_test::product_sizes().size(); i += 2) sizes.push_back(matmul_test::product_sizes()[i]);
    int turn = 0;
    for (const int64_t M : sizes)
        for (const int64_t N : sizes)
            for (const int64_t K : sizes) {
                const auto a = normals(M * K, 1), b = normals(K * N, 2);
                const bool ta = turn & 1, tb = turn & 2;
                turn++;
                const Buffer<T> a_d(cuda, ta ? matmul_test::transposed(a, M, K) : a), b_d(cuda, tb ? matmul_test::transposed(b, K, N) : b);
                const auto a_h = stored<T>(a), b_h = stored<T>(b);
                for (const bool add : {false, true}) {
                    const std::vector<float> before(size_t(M * N), add ? 0.5f : kNaN);
                    std::vector<TC> want = stored<TC>(before);
                    matmul(cpu, want.data(), a_h.data(), b_h.data(), M, N, K, false, false, add);
                    const Buffer<TC> c(cuda, before);
                    matmul<TC, T>(cuda, c, a_d, b_d, M, N, K, ta, tb, add);
                    const double error = relative_error(c.values(), doubles(want));
                    if (!(error <= worst)) worst = error, where = {M, N, K};
                }
            }
    t.check_at_most(worst, bound<TC>(), cat(name, ": worst at M=", where[0], " N=", where[1], " K=", where[2]));
    const int64_t M = 31, N = 17, K = 65;
    const auto a = normals(M * K, 1), b = normals(K * N, 2);
    const auto a_h = stored<T>(a), b_h = stored<T>(b);
    const Buffer<T> a_t(cuda, matmul_test::transposed(a, M, K)), b_d(cuda, b);
    std::vector<TC> want(size_t(M * N), TC(0.0f));
    matmul(cpu, want.data(), a_h.data(), b_h.data(), M, N, K, false, false, false);
    const Buffer<TC> c(cuda, std::vector<float>(size_t(M * N), kNaN));
    matmul<TC, T>(cuda, c, a_t, b_d, M, N, K, false, false, false);
    t.check_rejected(relative_error(c.values(), doubles(want)), bound<TC>(), cat(name, ": A read with the wrong orientation"));
    matmul<TC, T>(cuda, c, a_t, b_d, M, N, K, true, false, false);
    t.check_at_most(relative_error(c.values(), doubles(want)), bound<TC>(), cat(name, ": A read with the right one"));
    matmul<TC, T>(cuda, c, a_t, b_d, M, N, K, true, false, true);
    t.check_rejected(relative_error(c.values(), doubles(want)), bound<TC>(), cat(name, ": += in the place of ="));
}
inline void test_products(Report& t) {
    check_products<float, float>(t, "fp32");
    check_products<float, bf16>(t, "bf16 to fp32");
    check_products<bf16, bf16>(t, "bf16");
}

template <typename T>
void check_linear(Report& t, Cpu& cpu, Cuda& cuda, int64_t N, int64_t K, int64_t M) {
    const std::string shape = cat(dtype_name<T>(), " (", N, ", ", K, ") x (", K, ", ", M, ")");
    const auto x = normals(N * K, 1), w = normals(K * M, 2, 0.1f), b = normals(M, 3), dy = normals(N * M, 4);
    const std::vector<float> nan_y(size_t(N * M), kNaN), nan_x(size_t(N * K), kNaN), dw0(size_t(K * M), 0.5f), db0(size_t(M), -0.25f);
    const auto x_t = stored<T>(x), w_t = stored<T>(w), b_t = stored<T>(b), dy_t = stored<T>(dy);
    const Buffer<T> x_d(cuda, x), w_d(cuda, w), b_d(cuda, b), dy_d(cuda, dy);

    std::vector<T> y(size_t(N * M), T(0.0f)), pre = y;
    linear_forward(cpu, y.data(), x_t.data(), w_t.data(), b_t.data(), N, K, M);
    const Buffer<T> y_d(cuda, nan_y), pre_d(cuda, nan_y);
    linear_forward(cuda, y_d.get(), x_d.get(), w_d.get(), b_d.get(), N, K, M);
    t.check_at_most(relative_error(y_d.values(), doubles(y)), bound<T>(), "linear_forward " + shape);
    linear_forward(cuda, y_d.get(), x_d.get(), w_d.get(), static_cast<const T*>(nullptr), N, K, M);
    t.check_rejected(relative_error(y_d.values(), doubles(y)), bound<T>(), "linear_forward without its bias " + shape);

    linear_gelu_forward(cpu, y.data(), pre.data(), x_t.data(), w_t.data(), b_t.data(), N, K, M);
    linear_gelu_forward(cuda, y_d.get(), pre_d.get(), x_d.get(), w_d.get(), b_d.get(), N, K, M);
    t.check_at_most(relative_error(y_d.values(), doubles(y)), bound<T>(), "linear_gelu_forward " + shape);
    t.check_at_most(relative_error(pre_d.values(), doubles(pre)), bound<T>(), "linear_gelu_forward, before the gate " + shape);
    t.check_rejected(relative_error(pre_d.values(), doubles(y)), bound<T>(), "before the gate in the place of after it " + shape);

    std::vector<T> dx(size_t(N * K), T(0.0f));
    std::vector<float> dw = dw0, db = db0;
    linear_backward(cpu, dx.data(), dw.data(), db.data(), dy_t.data(), x_t.data(), w_t.data(), N, K, M);
    const Buffer<T> dx_d(cuda, nan_x);
    const Buffer<float> dw_d(cuda, dw0), db_d(cuda, db0);
    linear_backward(cuda, dx_d.get(), dw_d.get(), db_d.get(), dy_d.get(), x_d.get(), w_d.get(), N, K, M);
    t.check_at_most(relative_error(dx_d.values(), doubles(dx)), bound<T>(), "linear_backward dx " + shape);
    t.check_at_most(relative_error(dw_d.values(), dw), bound<T>(), "linear_backward dw " + shape);
    t.check_at_most(relative_error(db_d.values(), db), bound<T>(), "linear_backward db " + shape);
    for (float& v : dw) v -= 0.5f;
    t.check_rejected(relative_error(dw_d.values(), dw), bound<T>(), "dw = in the place of dw += " + shape);
}
inline void test_linear(Report& t) {
    Cpu cpu(2);
    Cuda cuda;
    std::vector<std::array<int64_t, 3>> sizes = {{7, 45, 33}, {64, 64, 128}, {13, 24, 96}, {33, 128, 17}};
    for (const auto& size : matmul_test::linear_sizes()) sizes.push_back(size);
    for (const auto& [N, K, M] : sizes) {
        check_linear<float>(t, cpu, cuda, N, K, M);
        check_linear<bf16>(t, cpu, cuda, N, K, M);
    }
}

// --autotune must choose a plan without changing what is computed, also where the product accumulates.
inline void test_autotune(Report& t) {
    Cuda first, tuned;
    tuned.autotune = true;
    const int64_t M = 24, N = 40, K = 56;
    const auto a = normals(M * K, 1), b = normals(K * N, 2);
    const std::vector<float> c0(size_t(M * N), 1.0f);
    std::vector<std::vector<float>> results;
    for (Cuda* dev : {&first, &tuned}) {
        const Buffer<float> a_d(*dev, a), b_d(*dev, b), c_d(*dev, c0);
        matmul(*dev, c_d.get(), a_d.get(), b_d.get(), M, N, K, false, false, true);
        results.push_back(c_d.values());
    }
    t.check(relative_error(results[1], results[0]) <= 1e-6, "the autotuned product accumulates once");
}

inline Config small_config(bool tied = true) {
    Config c;
    c.max_T = 24, c.V = 131, c.L = 2, c.NH = 2, c.C = 32, c.tied = tied;
    return c;
}
inline Data random_data(const Config& c, int64_t N, uint64_t seed) {
    Rng rng(seed);
    Data d;
    for (int64_t i = 0; i < N; i++) {
        d.inputs.push_back(int32_t(rng.below(uint64_t(c.V))));
        d.targets.push_back(i % 7 == 3 ? -1 : int32_t(rng.below(uint64_t(c.V))));
        d.weights.push_back(d.targets.back() < 0 || i % 5 == 4 ? 0.0f : (0.5f + rng.uniform()) / float(N));
    }
    return d;
}
template <typename Dev, typename T>
std::vector<float> floats_of(Gpt<Dev, T>& gpt, const float* device, int64_t n) {
    std::vector<float> host(size_t(n), kNaN);
    gpt.dev.copy_out(host.data(), device, size_t(n) * sizeof(float));
    return host;
}

// Losses, gradients and logits of one batch.
template <typename T>
void check_model(Report& t, const Config& c, int64_t B, int64_t T_, bool recompute) {
    const std::string what = cat(dtype_name<T>(), ", B ", B, ", T ", T_, c.tied ? "" : ", untied", recompute ? ", recompute" : "");
    Cpu cpu(2);
    Cuda cuda;
    Gpt<Cpu, T> a(cpu, c, {B * T_, true, recompute});
    Gpt<Cuda, T> b(cuda, c, {B * T_, true, recompute});
    fill_weights(a);
    fill_weights(b);
    const Data d = random_data(c, B * T_, 3);
    std::vector<float> losses_a(size_t(B * T_), kNaN), losses_b = losses_a;
    std::vector<float> entropies_a(size_t(B * T_), kNaN), entropies_b = entropies_a;
    const double loss_a = a.forward_backward(d.inputs.data(), d.targets.data(), d.weights.data(), B, T_, losses_a.data(), true, entropies_a.data());
    const double loss_b = b.forward_backward(d.inputs.data(), d.targets.data(), d.weights.data(), B, T_, losses_b.data(), true, entropies_b.data());
    t.check_at_most(std::fabs(loss_b - loss_a) / loss_a, bound<T>(), "loss, " + what);
    t.check_at_most(relative_error(losses_b, losses_a), bound<T>(), "losses of the tokens, " + what);
    t.check_at_most(relative_error(entropies_b, entropies_a), bound<T>(), "entropies of the tokens, " + what);
    t.check_rejected(relative_error(losses_b, entropies_a), bound<T>(), "losses in the place of entropies, " + what);
    const double grad_bound = sizeof(T) == 2 ? 4e-2 : 2e-5;   // of single tensors, after the whole chain
    const auto grads_a = floats_of(a, a.grads, a.layout.size), grads_b = floats_of(b, b.grads, b.layout.size);
    double worst = 0;
    for (const Tensor& x : a.layout.tensors) {
        const std::vector<float> g_a(grads_a.begin() + x.offset, grads_a.begin() + x.offset + x.size), g_b(grads_b.begin() + x.offset, grads_b.begin() + x.offset + x.size);
        worst = std::max(worst, relative_error(g_b, g_a));
    }
    t.check_at_most(worst, grad_bound, "the worst gradient tensor, " + what);
    const double norm_a = a.grad_norm(), norm_b = b.grad_norm();
    t.check_at_most(std::fabs(norm_a - norm_b) / norm_a, bound<T>(), "gradient norm, " + what);
    a.zero_grads();
    std::vector<float> logits_a(size_t(B * T_ * c.V), kNaN), logits_b = logits_a;
    a.logits(logits_a.data(), d.inputs.data(), B, T_);
    b.logits(logits_b.data(), d.inputs.data(), B, T_);
    t.check_at_most(relative_error(logits_b, logits_a), bound<T>(), "logits, " + what);
    Data other = random_data(c, B * T_, 4);
    b.logits(logits_b.data(), other.inputs.data(), B, T_);
    t.check_rejected(relative_error(logits_b, logits_a), bound<T>(), "logits of another batch, " + what);
}
inline void test_forward_backward(Report& t) {
    check_model<float>(t, small_config(), 2, 13, false);
    check_model<float>(t, small_config(false), 1, 24, true);
    check_model<float>(t, small_config(), 1, 1, false);
    check_model<bf16>(t, small_config(), 2, 13, false);
    check_model<bf16>(t, small_config(), 3, 5, true);
}

// Losses of `steps` training steps; the final weights into `weights`.
template <typename Dev, typename T>
std::vector<double> train(Dev& dev, const Config& c, int64_t steps, std::vector<float>& weights, uint64_t seed = 5, bool graphs = true) {
    const int64_t B = 2, T_ = 11;
    Gpt<Dev, T> gpt(dev, c, {B * T_, true, false});
    gpt.init_weights(42);
    TrainerConfig config;
    config.steps = steps, config.lr = 3e-3f, config.min_lr = 3e-4f, config.warmup = 3, config.batch_size = B, config.seq_len = T_, config.no_graphs = !graphs;
    ModelOf model(gpt);
    Trainer trainer(model, config);
    std::vector<double> losses;
    for (int64_t s = 0; s < steps; s++) {
        std::vector<MicroBatch> batches;
        for (int64_t micro = 0; micro < 2; micro++) {     // the same three batches again and again: there is something to learn
            const Data d = random_data(c, B * T_, seed + uint64_t((2 * s + micro) % 3));
            batches.push_back({B, T_, d.inputs, d.targets, d.weights});
        }
        losses.push_back(trainer.step(batches).loss);
    }
    weights.clear();
    for (const Tensor& x : gpt.layout.tensors) {
        std::vector<float> values(size_t(x.size), 0.0f);
        gpt.get_tensor(x, values.data());
        weights.insert(weights.end(), values.begin(), values.end());
    }
    return losses;
}
template <typename T>
void check_training(Report& t) {
    const int64_t steps = 20;
    Cpu cpu(2);
    Cuda cuda;
    std::vector<float> w_cpu, w_cuda, w_again;
    const auto on_cpu = train<Cpu, T>(cpu, small_config(), steps, w_cpu), on_cuda = train<Cuda, T>(cuda, small_config(), steps, w_cuda);
    t.check(on_cpu.back() < 0.8 * on_cpu.front(), cat(dtype_name<T>(), ": the loss falls, ", on_cpu.front(), " -> ", on_cpu.back()));
    auto worst_difference = [&](const std::vector<double>& losses) {
        double worst = 0;
        for (size_t s = 0; s < losses.size(); s++) worst = std::max(worst, std::fabs(losses[s] - on_cpu[s]) / on_cpu[s]);
        return worst;
    };
    t.check_at_most(worst_difference(on_cuda), sizeof(T) == 2 ? 5e-3 : 1e-4, cat(dtype_name<T>(), ": the losses of ", steps, " steps on Cuda follow the Cpu's"));
    t.check_rejected(worst_difference(train<Cpu, T>(cpu, small_config(), steps, w_again, 9)), sizeof(T) == 2 ? 5e-3 : 1e-4, "a run on other data");
    train<Cuda, T>(cuda, small_config(), steps, w_again, 5, false);
    t.check(w_again == w_cuda, cat(dtype_name<T>(), ": the same run without graphs has the same bits"));
}
inline void test_training(Report& t) {
    check_training<float>(t);
    check_training<bf16>(t);
}

// ---- what a step costs the host: nothing is allocated, and the device is waited for once

// A graph of one kernel, *sum += x: what it repeats, when it is made anew, and that a failed recording does no harm.
inline void test_graph_cache(Report& t) {
    Cuda dev;
    const Buffer<float> x(dev, {3.0f}), one(dev, {1.0f});
    const HostBlock<Cuda> result(dev, sizeof(double));
    auto* sum = static_cast<double*>(dev.allocate(sizeof(double)));
    auto value = [&] {
        dev.copy_out(result.as<double>(), sum, sizeof(double));
        return *result.as<double>();
    };
    dev.zero(sum, sizeof(double));
    {
        CudaGraphs graphs(dev);
        const auto add = [&] { add_weighted_sum(dev, sum, one.get(), x.get(), 1); };
        for (int i = 1; i <= 4; i++) {
            graphs.run({1, 0, 0, 0}, add);
            t.check(value() == 3.0 * i && graphs.recorded == (i > 1) && graphs.replayed == std::max(0, i - 1), cat("call ", i, " adds once: launched, recorded, replayed"));
        }
        dev.copy_in(x.get(), std::vector<float>{5.0f}.data(), sizeof(float));
        graphs.run({1, 0, 0, 0}, add);
        t.check(value() == 17, "a replay reads what the memory holds now");
        dev.workspace(1 << 20);
        graphs.run({1, 0, 0, 0}, add);
        t.check(value() == 22 && graphs.recorded == 2, "after the workspace has moved, the graph is recorded anew");
        for (int64_t key = 2; key < 2 + 2 * int64_t(CudaGraphs::kMost); key++) graphs.run({key, 0, 0, 0}, add);
        graphs.run({1, 0, 0, 0}, add);
        t.check(value() == 22 + 5 * (2 * double(CudaGraphs::kMost) + 1) && graphs.recorded == 2, "more keys than are kept: the oldest is new again");
        graphs.run({1, 0, 0, 0}, [&] { add(); });
        t.check_error([&] { graphs.run({2 * int64_t(CudaGraphs::kMost) + 1, 0, 0, 0}, [] { throw Error("no", ""); }); }, "no", "an error while recording comes out");
        const double before = value();
        graphs.run({2 * int64_t(CudaGraphs::kMost) + 1, 0, 0, 0}, add);
        t.check(value() == before + 5, "and the next call records and adds once");
        graphs.enabled = false;
        const int64_t replayed = graphs.replayed;
        graphs.run({1, 0, 0, 0}, add);
        t.check(value() == before + 10 && graphs.replayed == replayed, "without graphs every call launches");
    }
    // Input blocks: six sendings that nobody waits for, each added on the device. The bug that HostBlocks prevents: one block, written again at once.
    for (const bool blocks_take_turns : {true, false}) {
        HostBlocks<Cuda> blocks(dev, sizeof(float));
        const HostBlock<Cuda> single(dev, sizeof(float));
        dev.zero(sum, sizeof(double));
        for (int i = 1; i <= 6; i++) {
            float* host = blocks_take_turns ? blocks.next<float>() : single.as<float>();
            *host = float(i);
            dev.copy_in(x.get(), host, sizeof(float));
            if (blocks_take_turns) blocks.sent();
            add_weighted_sum(dev, sum, one.get(), x.get(), 1);
        }
        const double got = value();
        if (blocks_take_turns) t.check(got == 21, cat("six inputs through two blocks arrive each: ", got));
#ifdef TRAIN_GPT_EMULATOR
        else t.check(got != 21, cat("control: through one block, written before it was read, they do not: ", got));   // a GPU may be lucky
#endif
    }
    dev.release(sum);
}

// Shapes that come and go, with and without graphs: losses, entropies and gradients must have the same bits. The larger ones move the workspace.
template <typename T>
void check_graphs(Report& t) {
    Cuda dev;
    const Config c = small_config();
    Gpt<Cuda, T> a(dev, c, {40, true}), b(dev, c, {40, true});
    fill_weights(a);
    fill_weights(b);
    b.use_graphs(false);
    a.zero_grads();
    b.zero_grads();
    int64_t same = 0, calls = 0;
    for (const auto& [B, T_] : std::vector<std::pair<int64_t, int64_t>>{{1, 5}, {1, 5}, {1, 5}, {2, 20}, {2, 20}, {1, 5}, {2, 20}, {5, 1}, {5, 1}}) {
        const Data d = random_data(c, B * T_, uint64_t(20 + calls));
        std::vector<float> entropies_a(size_t(B * T_), kNaN), entropies_b = entropies_a;
        const bool eval = calls % 4 == 3;
        auto call = [&](Gpt<Cuda, T>& gpt, std::vector<float>& entropies) {
            if (eval) return gpt.loss(d.inputs.data(), d.targets.data(), d.weights.data(), B, T_, nullptr, entropies.data());
            return gpt.forward_backward(d.inputs.data(), d.targets.data(), d.weights.data(), B, T_);
        };
        const double loss_a = call(a, entropies_a), loss_b = call(b, entropies_b);
        same += loss_a == loss_b && (!eval || same_bits(entropies_a, entropies_b));
        calls++;
    }
    const std::string what = dtype_name<T>();
    t.check(same == calls, cat(what, ": ", same, " of ", calls, " calls have the same loss with graphs and without"));
    t.check(same_bits(floats_of(a, a.grads, a.layout.size), floats_of(b, b.grads, b.layout.size)), what + ": and the same gradients");
    t.check(a.graphs().replayed >= 4 && a.graphs().recorded >= 3 && b.graphs().replayed == 0,
            cat(what, ": ", a.graphs().recorded, " graphs were recorded, ", a.graphs().replayed, " calls replayed one"));
}
inline void test_graphs(Report& t) {
    test_graph_cache(t);
    check_graphs<float>(t);
    check_graphs<bf16>(t);
}

#ifdef TRAIN_GPT_EMULATOR
inline void test_step_costs(Report& t) {
    Cuda dev;
    const Config c = small_config();
    const int64_t N = 12;
    Gpt<Cuda, bf16> gpt(dev, c, {N, true});
    gpt.init_weights(1);
    TrainerConfig config;
    config.steps = 100;
    ModelOf model(gpt);
    Trainer trainer(model, config);
    auto step = [&] {
        std::vector<MicroBatch> batches;
        for (int64_t i = 0; i < 4; i++) {
            const Data d = random_data(c, N, uint64_t(i));
            batches.push_back(i % 2 ? MicroBatch{2, 6, d.inputs, d.targets, d.weights} : MicroBatch{3, 4, d.inputs, d.targets, d.weights});
        }
        const emu::Counts before = emu::counts();
        trainer.step(batches);
        const emu::Counts after = emu::counts();
        return emu::Counts{after.allocations - before.allocations, after.frees - before.frees, after.launches - before.launches,
                           after.graph_launches - before.graph_launches, after.stream_waits - before.stream_waits, after.event_waits - before.event_waits};
    };
    const emu::Counts first = step();
    step();
    const emu::Counts steady = step();
    t.check(first.allocations > 0, cat("control: the first step makes workspace and plans, ", first.allocations, " allocations are counted"));
    t.check(steady.allocations == 0 && steady.frees == 0, cat("a later step allocates nothing: ", steady.allocations, ", and frees nothing: ", steady.frees));
    t.check(steady.stream_waits == 0, cat("it never waits until the device has nothing left to do: ", steady.stream_waits));
    t.check(first.event_waits >= 1 && cudaStreamQuery(dev.stream) == cudaErrorNotReady, "it knows the loss while the update is still in the device's queue");
    dev.synchronize();
    t.check(cudaStreamQuery(dev.stream) == cudaSuccess, "control: after a wait for everything nothing is left");
    t.check(steady.event_waits <= 4, cat("and for its turn at the input buffer, or the loss, at most once a micro-batch: ", steady.event_waits));
    t.check(steady.graph_launches == 4, cat("its four micro-batches are one launch each: ", steady.graph_launches));
    t.check(steady.launches <= 4, cat("and beside them norm and update are ", steady.launches, " kernels; of the first step ", first.launches));
    // what stalled before: each micro-batch for itself
    const Data d = random_data(c, N, 1);
    const int64_t waits = emu::counts().stream_waits;
    for (int i = 0; i < 3; i++) gpt.forward_backward(d.inputs.data(), d.targets.data(), d.weights.data(), 2, 6);
    t.check(emu::counts().stream_waits == waits + 3, "control: forward_backward waits at each call");
    gpt.accumulate(d.inputs.data(), d.targets.data(), d.weights.data(), 2, 6, true);
    t.check_error([&] { gpt.loss(d.inputs.data(), d.targets.data(), d.weights.data(), 2, 6); }, "between accumulate() and finish_step()", "a loss amid a step is refused");
}
#endif

// Prompt, then one token at a time, against the full forward pass.
template <typename T>
void check_cached(Report& t) {
    const Config c = small_config();
    Cuda cuda;
    Gpt<Cuda, T> gpt(cuda, c, {64});
    fill_weights(gpt);
    const int64_t rows = 3, prompt = 6, n = 11;
    const Data d = random_data(c, rows * n, 8);
    std::vector<float> full(size_t(rows * n * c.V), kNaN);
    gpt.logits(full.data(), d.inputs.data(), rows, n);
    CacheOf<Cuda, T> held(cuda, c, rows, 16);
    KvCache<Cuda, T>& cache = held.cache;
    std::vector<float> last(size_t(rows * c.V), kNaN);
    const std::vector<int32_t> slot = {2, 0, 1};
    double worst = 0, wrong = 0;
    for (int64_t past = 0; past < n;) {
        const int64_t step = past == 0 ? prompt : 1;
        std::vector<int32_t> ids;
        const std::vector<int32_t> pasts(static_cast<size_t>(rows), int32_t(past));
        for (int64_t b = 0; b < rows; b++)
            for (int64_t i = 0; i < step; i++) ids.push_back(d.inputs[size_t(b * n + past + i)]);
        gpt.forward_cached(last.data(), cache, ids.data(), slot.data(), pasts.data(), rows, step);
        past += step;
        for (int64_t b = 0; b < rows; b++) {
            auto row = [&](const std::vector<float>& v, int64_t i) { return std::vector<float>(v.begin() + i * c.V, v.begin() + (i + 1) * c.V); };
            worst = std::max(worst, relative_error(row(last, b), row(full, b * n + past - 1)));
            wrong = std::max(wrong, relative_error(row(last, b), row(full, b * n + past - 2)));
        }
    }
    t.check_at_most(worst, bound<T>(), cat(dtype_name<T>(), ": cached logits are those of the full forward pass"));
    t.check_rejected(wrong, bound<T>(), "logits of the position before");
    // the beginning of a row, copied to another
    const int32_t to = slot[1], past = int32_t(n) - 1, id = d.inputs[size_t(n - 1)];
    std::vector<float> copied(size_t(c.V), kNaN);
    const auto step = [&](int64_t tokens) {
        held.copy_row(to, slot[0], tokens);
        gpt.forward_cached(copied.data(), cache, &id, &to, &past, 1, 1);
        return std::memcmp(copied.data(), last.data(), copied.size() * sizeof(float)) == 0;
    };
    t.check(!step(n - 3), "control: two tokens are not copied");
    t.check(step(n - 1), cat(dtype_name<T>(), ": after a copied beginning the same bits"));
}
inline void test_cached(Report& t) {
    check_cached<float>(t);
    check_cached<bf16>(t);
}

// The larger of two errors, where NaN is the largest (std::max would drop it).
inline double worse(double a, double b) { return std::isnan(a) || b <= a ? a : b; }

// decode() on both devices: the tokens that sample() draws from forward_cached's logits, their log probabilities in double, and a draw whose
// logits are no distribution.
template <typename Dev, typename T>
void check_decode(Report& t, Dev& dev) {
    const std::string what = cat(Dev::name(), " ", dtype_name<T>());
    const Config c = small_config();
    Gpt<Dev, T> gpt(dev, c, {64});
    fill_weights(gpt);
    const int64_t rows = 3, prompt = 5;
    const Data d = random_data(c, rows * prompt, 8);
    KvCache<Dev, T> drawn(dev, c, rows, 16), plain(dev, c, rows, 16);
    const std::vector<int32_t> slot = {1, 2, 0};
    double worst = 0, worst_at_one = 0;
    int64_t compared = 0, equal = 0, greedy = 0, same_logits = 0, steps = 0;
    Rng rng(4);
    for (const SamplingConfig& s : {SamplingConfig{1, 0, 1}, SamplingConfig{0.7f, 9, 1}, SamplingConfig{1.5f, 0, 0.8f}, SamplingConfig{0, 0, 1}}) {
        std::vector<int32_t> ids = d.inputs, past(size_t(rows), 0), next(size_t(rows), -7);
        std::vector<float> logits(size_t(rows * c.V), kNaN), copied = logits, u(size_t(rows), 0.0f), logprobs(size_t(rows), kNaN);
        for (int64_t n = prompt; past[0] + n <= 7; n = 1) {
            for (float& x : u) x = rng.uniform();
            gpt.forward_cached(logits.data(), plain, ids.data(), slot.data(), past.data(), rows, n);
            const bool with_logits = n > 1;
            gpt.decode(next.data(), logprobs.data(), drawn, ids.data(), slot.data(), past.data(), u.data(), rows, n, s, with_logits ? copied.data() : nullptr);
            if (with_logits) same_logits += copied == logits, steps++;
            for (size_t b = 0; b < size_t(rows); b++) {
                const float* row = &logits[b * size_t(c.V)];
                const float T_ = s.temperature == 0 ? 1.0f : s.temperature;
                double sum = 0, sum_at_one = 0;
                for (int64_t v = 0; v < c.V; v++) {
                    sum += std::exp((double(row[v]) - double(row[next[b]])) / double(T_));
                    sum_at_one += std::exp(double(row[v]) - double(row[next[b]]));
                }
                worst = worse(worst, std::fabs(double(logprobs[b]) + std::log(sum)));
                worst_at_one = worse(worst_at_one, std::fabs(double(logprobs[b]) + std::log(sum_at_one)));
                compared++, equal += next[b] == sample(row, c.V, s, u[b]), greedy += next[b] == sampling::checked_argmax(row, c.V);
                past[b] += int32_t(n);
            }
            ids = next;
        }
    }
    t.check(equal == compared && compared == 36, cat(what, ": decode draws sample()'s token in ", equal, " of ", compared));
    t.check(greedy < compared * 3 / 4, cat("control: the likeliest would be right in only ", greedy, " of ", compared));
    t.check(same_logits == steps, cat(what, ": the logits that decode returns are forward_cached's"));
    t.check_at_most(worst, 2e-6, cat(what, ": log probabilities of the drawn tokens at the temperature"));
    t.check_rejected(worst_at_one, 2e-6, "log probabilities at temperature 1");
    // weights that are NaN: an error, not a token
    for (const Tensor& x : gpt.layout.tensors)
        if (x.name == "ln_f.weight") gpt.set_tensor(x, std::vector<float>(size_t(x.size), kNaN).data());
    const std::vector<int32_t> zero(size_t(rows), 0);
    std::vector<int32_t> next(size_t(rows), -7);
    const std::vector<float> u(size_t(rows), 0.5f);
    t.check_error([&] { gpt.decode(next.data(), nullptr, drawn, d.inputs.data(), slot.data(), zero.data(), u.data(), rows, 1, {}); },
                  "sampling: the logit", cat(what, ": logits of NaN can't be sampled"));
}
inline void test_decode(Report& t) {
    Cpu cpu(2);
    Cuda cuda;
    check_decode<Cpu, float>(t, cpu);
    check_decode<Cpu, bf16>(t, cpu);
    check_decode<Cuda, float>(t, cuda);
    check_decode<Cuda, bf16>(t, cuda);
}

}  // namespace cuda_model_test

inline Suite cuda_model_tests() {
    using namespace cuda_model_test;
    return {{"cuda model: cuBLASLt's products equal the Cpu's in every orientation, at odd sizes", test_products},
            {"cuda model: cuBLASLt's linear layers equal the Cpu's, fused or not", test_linear},
            {"cuda model: autotune changes no result", test_autotune},
            {"cuda model: loss, gradients and logits equal the Cpu's", test_forward_backward},
            {"cuda model: twenty training steps follow the Cpu's, bit for bit repeatable", test_training},
            {"cuda model: generation with a cache equals the full forward pass", test_cached},
            {"cuda model: recorded micro-batches have the bits of launched ones", test_graphs},
#ifdef TRAIN_GPT_EMULATOR
            {"cuda model: a step allocates nothing, and the host waits while the device works", test_step_costs},
#endif
            {"cuda model: tokens are drawn on the device as on the host, with their log probabilities", test_decode}};
}
