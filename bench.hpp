// bench.hpp -- `train_gpt bench`: how fast each part runs, and how far that is from what this machine can do.
//
// A speed alone says little. So the same run measures the limits first: floating-point operations per second in registers and
// in our matrix product, bytes per second read and copied. Every operation then has a shortest possible time, the larger of
// its arithmetic / peak and its traffic / bandwidth, and `of limit` is that time over the measured one.
// Times are medians of at least five repeats; +- is half the distance between the quartiles. Operations start with cold caches
// (64 MiB are written between repeats), because in a training step their inputs come from memory too.
// Does not: compare machines, or correct for neighbours: on a shared host read the +- column first.
#pragma once

#include <sys/resource.h>

#include <deque>

#include "backend.hpp"
#include "cli.hpp"
#include "generate.hpp"
#include "info.hpp"
#include "text_chapters.hpp"
#include "timing.hpp"

struct BenchConfig {
    std::vector<std::string> positional;
    std::string json, dtype = "auto", weights = "auto";
    int threads = 0, repeats = 5;
    int64_t layers = 6, heads = 6, channels = 384, vocab_size = 8192, batch_size = 8, seq_len = 256;
};
inline const std::vector<Flag<BenchConfig>> bench_flags = {
    {"json",       &BenchConfig::json,       "FILE",           "also write all figures as JSON"},
    {"threads",    &BenchConfig::threads,    "",               "CPU threads; 0: all cores"},
    {"repeats",    &BenchConfig::repeats,    "",               "of train: a figure is the median of at least so many"},
    {"dtype",      &BenchConfig::dtype,      "auto|fp32|bf16", "how weights and activations are stored"},
    {"weights",    &BenchConfig::weights,    "auto|fp32|bf16|int8", "of generate; auto: all that go with --dtype"},
    {"layers",     &BenchConfig::layers,     "",               "of the model of train and generate"},
    {"heads",      &BenchConfig::heads,      "",               "of that model"},
    {"channels",   &BenchConfig::channels,   "",               "of that model"},
    {"vocab-size", &BenchConfig::vocab_size, "",               "of that model"},
    {"batch-size", &BenchConfig::batch_size, "rows",           "of a training step"},
    {"seq-len",    &BenchConfig::seq_len,    "tokens",         "of a training step"},
};

namespace bench {

using Json = nlohmann::ordered_json;

// ---- the limits of this machine

struct Limits {
    double fma = 0;            // FLOP/s, fp32, operands in registers
    double matmul = 0;         // FLOP/s of our matrix product in the storage type of this run
    double read = 0, copy = 0; // bytes/s from memory; a copied byte counts twice
};

// Ten independent chains of multiply-adds: more than latency times ports, so the units are never idle.
template <typename Tile>
ALWAYS_INLINE inline float fma_chains(int64_t rounds) {
    typename Tile::V sum[10];
    #pragma GCC unroll 10
    for (int i = 0; i < 10; i++) sum[i] = typename Tile::V{} + float(i);
    const auto factor = typename Tile::V{} + 0.9999f, addend = typename Tile::V{} + 1e-4f;
    for (int64_t r = 0; r < rounds; r++) {
        #pragma GCC unroll 10
        for (int i = 0; i < 10; i++) sum[i] = sum[i] * factor + addend;
    }
    float result = 0;
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < Tile::W; j++) result += sum[i][j];
    return result;
}

template <typename Tile>
double measure_fma(Cpu& dev) {
    const int64_t rounds = 4'000'000;
    std::vector<float> sink(size_t(dev.threads) * 16);        // one cache line a thread: the result must go somewhere
    double best_s = 1e9;
    for (int i = 0; i < 7; i++) {
        const double start = now_s();
        #pragma omp parallel num_threads(dev.threads)
        Tile::run([&]() ALWAYS_INLINE { sink[size_t(omp_get_thread_num()) * 16] = fma_chains<Tile>(rounds); });
        best_s = std::min(best_s, now_s() - start);
    }
    return 2.0 * 10 * Tile::W * double(rounds) * dev.threads / best_s;
}

// The sum of n numbers (a multiple of 256), written with registers: this file is compiled with -O1, which would add one number at a time and
// wait for it instead of the memory.
template <typename Tile>
ALWAYS_INLINE inline float sum_of(const float* x, int64_t n) {
    typename Tile::V sum[8] = {};
    for (int64_t i = 0; i < n; i += 8 * Tile::W) {
        #pragma GCC unroll 8
        for (int j = 0; j < 8; j++) sum[j] += reinterpret_cast<const typename Tile::V*>(x + i)[j];
    }
    float all = 0;
    for (int j = 0; j < 8; j++)
        for (int w = 0; w < Tile::W; w++) all += sum[j][w];
    return all;
}

// 128 MiB, beyond most caches, read by all threads; and copied.
class MemoryBench {
   public:
    explicit MemoryBench(Cpu& dev) : dev_(dev) {}
    MemoryBench(const MemoryBench&) = delete;
    ~MemoryBench() { release(); }
    // Gives its memory back until the next measurement.
    void release() {
        for (float** p : {&a_, &b_})
            if (*p) dev_.release(std::exchange(*p, nullptr));
    }
    double read(int repeats) {
        allocate();
        return double(kBytes) / measure([&] {
            with_tile([&](auto tile) {
                using Tile = decltype(tile);
                #pragma omp parallel for num_threads(dev_.threads) schedule(static)
                for (int64_t k = 0; k < kBlocks; k++) Tile::run([&]() ALWAYS_INLINE { sums_[k] = sum_of<Tile>(a_ + k * kBlock, kBlock); });
            });
        }, repeats, 0.0).s;
    }
    double copy(int repeats) {
        allocate();
        return 2 * double(kBytes) / measure([&] {
            #pragma omp parallel for num_threads(dev_.threads) schedule(static)
            for (int64_t k = 0; k < kBlocks; k++) std::memcpy(b_ + k * kBlock, a_ + k * kBlock, size_t(kBlock) * 4);
        }, repeats, 0.0).s;
    }

   private:
    void allocate() {
        for (float** p : {&a_, &b_})
            if (!*p) dev_.zero(*p = static_cast<float*>(dev_.allocate(kBytes)), kBytes);
    }
    static constexpr int64_t kBlock = int64_t(1) << 16, kBlocks = 512;
    static constexpr size_t kBytes = size_t(kBlock * kBlocks) * 4;
    Cpu& dev_;
    float *a_ = nullptr, *b_ = nullptr;
    float sums_[kBlocks];
};

inline Limits measure_limits(Cpu& dev, MemoryBench& memory, bool bf16_storage) {
    Limits m;
    m.fma = with_tile([&](auto tile) { return measure_fma<decltype(tile)>(dev); });
    for (int i = 0; i < 3; i++) m.matmul = std::max(m.matmul, measured_peak_flops(dev, bf16_storage));
    m.read = memory.read(9), m.copy = memory.copy(9);
    return m;
}

// ---- one operation

struct Row {
    std::string name, shape;
    double flops = 0, bytes = 0;
    Timing time;
    size_t scratch = 0, allocated = 0;   // bytes that the first call asked for, and that all later ones did
    bool reads_only = false;             // next to nothing is written: the limit is reading, not copying
};

class Table {
   public:
    Table(const Limits& limits, Json& json) : limits_(limits), json_(json) {
        std::printf("\n%-24s %-26s %10s %5s %9s %8s %9s %16s\n", "operation", "shape", "ms", "+-", "GFLOP/s", "GB/s", "of limit", "scratch");
    }
    void add(const Row& r) {
        const double by_arithmetic = r.flops / limits_.matmul, by_traffic = r.bytes / (r.reads_only ? limits_.read : limits_.copy);
        const double percent = 100 * std::max(by_arithmetic, by_traffic) / r.time.s;
        std::printf("%-24s %-26s %10.3f %4.0f%% %9.1f %8.1f %6.0f%% %-7s %10s%s\n", r.name.c_str(), r.shape.c_str(), r.time.s * 1e3, r.time.spread * 100,
                    r.flops / r.time.s * 1e-9, r.bytes / r.time.s * 1e-9, percent, by_arithmetic > by_traffic ? "compute" : "memory",
                    human_bytes(double(r.scratch)).c_str(), r.allocated ? cat(", and ", human_bytes(double(r.allocated)), " later").c_str() : "");
        std::fflush(stdout);
        json_.push_back({{"name", r.name}, {"shape", r.shape}, {"ms", r.time.s * 1e3}, {"spread", r.time.spread}, {"gflops", r.flops / r.time.s * 1e-9},
                         {"gbytes_per_s", r.bytes / r.time.s * 1e-9}, {"percent_of_limit", percent}, {"bound", by_arithmetic > by_traffic ? "compute" : "memory"},
                         {"scratch_bytes", r.scratch}, {"allocated_bytes", r.allocated}});
    }

   private:
    const Limits& limits_;
    Json& json_;
};

// Every operation of kernels/ as GPT-2 124M calls it: B = 4 rows of T = 256, C = 768 channels, 12 heads, V = 50257.
template <typename T>
class OpsBench {
   public:
    OpsBench(Cpu& dev, Table& table) : dev_(dev), table_(table), cold_(size_t(1) << 24) {}
    void run() {
        rowwise();
        products();
        packed_products();
        attention();
        classifier_and_update();
    }

   private:
    static constexpr int64_t B = 4, Tn = 256, N = B * Tn, C = 768, NH = 12, HS = 64, V = 50257, Vp = 50304;
    static constexpr double S = sizeof(T);        // bytes of a stored number

    template <typename X>
    X* array(int64_t n, float scale = 1.0f) {
        auto& bytes = memory_.emplace_back(size_t(n) * sizeof(X) + 64);
        X* x = reinterpret_cast<X*>(round_up(reinterpret_cast<uintptr_t>(bytes.data()), uintptr_t(64)));
        Rng rng(uint64_t(memory_.size()));
        for (int64_t i = 0; i < n; i++) x[i] = X(scale * (2 * rng.uniform() - 1));
        return x;
    }
    template <typename F>
    void time(const std::string& name, const std::string& shape, double flops, double bytes, F&& f, bool reads_only = false) {
        dev_.release_workspaces();
        const size_t before = dev_.bytes_allocated;
        f();
        const size_t first = dev_.bytes_allocated;
        const Timing t = measure(f, [&] {
            #pragma omp parallel for num_threads(dev_.threads)
            for (size_t i = 0; i < cold_.size(); i++) cold_[i] += 1.0f;
        });
        table_.add({name, shape, flops, bytes, t, first - before, dev_.bytes_allocated - first, reads_only});
    }

    void rowwise() {
        T *x = array<T>(N * C), *r = array<T>(N * C), *y = array<T>(N * C), *sum = array<T>(N * C), *w = array<T>(C), *b = array<T>(C);
        T *wte = array<T>(Vp * C, 0.02f), *wpe = array<T>(Tn * C, 0.02f), *wide = array<T>(4 * N * C), *d = array<T>(4 * N * C);
        float *mean = array<float>(N), *rstd = array<float>(N), *dw = array<float>(C), *db = array<float>(C);
        float *dwte = array<float>(Vp * C), *dwpe = array<float>(Tn * C);
        std::vector<int32_t> ids, positions;
        Rng rng(1);
        for (int64_t n = 0; n < N; n++) ids.push_back(int32_t(rng.below(uint64_t(V)))), positions.push_back(int32_t(n % Tn));
        const double nc = double(N * C);
        const std::string rows = cat("(", N, ", ", C, ")");
        time("embedding_forward", rows, 0, nc * 3 * S, [&] { embedding_forward(dev_, y, ids.data(), positions.data(), wte, wpe, N, C); });
        time("embedding_backward", rows, 0, nc * (S + 2 * 4), [&] { embedding_backward(dev_, dwte, dwpe, x, ids.data(), positions.data(), N, C); });
        time("layernorm_forward", rows, 0, nc * 2 * S, [&] { layernorm_forward(dev_, y, mean, rstd, x, w, b, N, C); });
        time("residual_layernorm", rows, 0, nc * 4 * S, [&] { residual_layernorm_forward(dev_, sum, y, mean, rstd, x, r, w, b, N, C); });
        time("layernorm_backward", rows, 0, nc * 4 * S, [&] { layernorm_backward(dev_, r, dw, db, nullptr, y, x, w, mean, rstd, N, C); });
        const std::string wide_rows = cat("(", N, ", ", 4 * C, ")");
        time("gelu_forward", wide_rows, 0, nc * 4 * 2 * S, [&] { gelu_forward(dev_, d, wide, 4 * N * C); });
        time("gelu_backward", wide_rows, 0, nc * 4 * 3 * S, [&] { gelu_backward_inplace(dev_, d, wide, 4 * N * C); });
    }

    void products() {
        T *x = array<T>(4 * N * C), *y = array<T>(4 * N * C), *pre = array<T>(4 * N * C), *w = array<T>(4 * C * C, 0.02f), *b = array<T>(4 * C);
        float *dw = array<float>(4 * C * C), *db = array<float>(4 * C);
        for (auto [K, M] : {std::pair(C, 3 * C), std::pair(C, C), std::pair(C, 4 * C), std::pair(4 * C, C)}) {
            const std::string shape = cat("(", N, ", ", K, ") x (", K, ", ", M, ")");
            const double flops = 2.0 * double(N) * double(K) * double(M), numbers = double(N * K + K * M + N * M);
            if (M == 4 * C) time("linear_gelu_forward", shape, flops, (numbers + double(N * M)) * S, [&] { linear_gelu_forward(dev_, y, pre, x, w, b, N, K, M); });
            else time("linear_forward", shape, flops, numbers * S, [&] { linear_forward(dev_, y, x, w, b, N, K, M); });
            time("linear_backward", shape, 2 * flops, 2 * numbers * S, [&] { linear_backward(dev_, pre, dw, db, y, x, w, N, K, M); });
        }
    }

    // What generation reads: few rows stream the weights, more of them are arithmetic.
    void packed_products() {
        T *x = array<T>(32 * C), *y = array<T>(32 * 4 * C), *b = array<T>(4 * C);
        float* w = array<float>(4 * C * C, 0.02f);
        for (const WeightStorage storage : {WeightStorage::fp32, WeightStorage::bf16, WeightStorage::int8}) {
            if (!can_pack<Cpu, T>(storage)) continue;
            PackedMatrix p{storage, C, 4 * C, sizeof(T) == 2};
            p.panels = array<char>(p.bytes()), p.scales = array<float>(p.padded());
            pack_matrix(p, w, false);
            for (const int64_t rows : {1, 4, 32})
                time(cat("linear_packed ", weight_storage_name(storage)), cat("(", rows, ", ", C, ") x (", C, ", ", 4 * C, ")"), 2.0 * double(rows * C * 4 * C), double(p.bytes()),
                     [&] { linear_packed<T>(dev_, y, x, p, b, false, rows); }, true);
        }
    }

    void attention() {
        T *qkv = array<T>(N * 3 * C), *y = array<T>(N * C), *dqkv = array<T>(N * 3 * C), *dy = array<T>(N * C);
        float* lse = array<float>(N * NH);
        const std::string shape = cat("B ", B, ", T ", Tn, ", ", NH, " x ", HS);
        const double flops = 2.0 * double(B) * double(Tn) * double(Tn + 1) * double(C);   // two products over half a square
        time("attention_forward", shape, flops, double(4 * N * C) * S, [&] { attention_forward(dev_, y, lse, qkv, B, Tn, NH, HS); });
        time("attention_backward", shape, 2.5 * flops, double(8 * N * C) * S, [&] { attention_backward(dev_, dqkv, nullptr, dy, qkv, y, lse, B, Tn, NH, HS); });
        const int64_t rows = 8, past_tokens = 1023, context = 1024;
        T *k = array<T>(rows * context * C), *v = array<T>(rows * context * C);
        std::vector<int32_t> slot, past(static_cast<size_t>(rows), int32_t(past_tokens));
        for (int32_t i = 0; i < rows; i++) slot.push_back(i);
        time("attention_cached", cat(rows, " rows, ", past_tokens, " past"), 4.0 * double(rows * context * C), 2.0 * double(rows * context * C) * S,
             [&] { attention_cached(dev_, y, k, v, qkv, slot.data(), past.data(), rows, 1, context, NH, HS); });
    }

    void classifier_and_update() {
        const int64_t rows = 256, n = 12 * C * C;      // a chunk of the head's rows; the parameters of one layer
        T *x = array<T>(rows * C), *wte = array<T>(Vp * C, 0.02f), *logits = array<T>(rows * Vp);
        float *losses = array<float>(rows), *weights = array<float>(rows);
        std::vector<int32_t> targets(static_cast<size_t>(rows), 7);
        const double flops = 2.0 * double(rows) * double(C) * double(Vp), head_bytes = double(rows * C + Vp * C + rows * Vp) * S;
        time("head: matmul", cat("(", rows, ", ", C, ") x (", C, ", ", Vp, ")"), flops, head_bytes,
             [&] { matmul<T, T>(dev_, logits, x, wte, rows, Vp, C, false, true, false); });
        time("classifier", cat("(", rows, ", ", V, ")"), 0, 2.0 * double(rows * Vp) * S,
             [&] { classifier(dev_, losses, (float*)nullptr, logits, targets.data(), weights, rows, V, Vp, true); });
        T* p = array<T>(n, 0.02f);
        float *m = array<float>(n, 0), *v = array<float>(n, 0), *g = array<float>(n, 1e-3f), *master = sizeof(T) < 4 ? array<float>(n, 0.02f) : nullptr;
        const double per_parameter = (master ? 8 + S : 8.0) + 16 + 4;
        time("adamw_update", cat("(", n, ")"), 0, double(n) * per_parameter, [&] { adamw_update(dev_, p, master, m, v, g, n, {6e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, 1.0f, 3}); });
        time("squared_norm", cat("(", n, ")"), 0, 4.0 * double(n), [&] { squared_norm(dev_, g, n); });
    }

    Cpu& dev_;
    Table& table_;
    std::vector<float> cold_;                            // 64 MiB
    std::deque<std::vector<char>> memory_;
};

// ---- the whole model

inline Config model_config(const BenchConfig& c) {
    Config m;
    m.V = c.vocab_size, m.L = c.layers, m.NH = c.heads, m.C = c.channels, m.max_T = std::max(c.seq_len, int64_t(256));
    return m;
}

inline void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }   // where Linux can
// The most memory that this program has had at once since then.
inline double peak_memory_bytes() {
    const std::string own = proc_value("/proc/self/status", "VmHWM");   // kB. ru_maxrss is no less than what the process that started this one had
    if (!own.empty()) return std::strtod(own.c_str(), nullptr) * 1024;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_maxrss) * 1024;
}

template <typename T>
Json bench_train(Cpu& dev, const BenchConfig& c, const Limits& limits, MemoryBench& memory) {
    memory.release();
    reset_peak_memory();
    const Config config = model_config(c);
    const int64_t N = c.batch_size * c.seq_len;
    Gpt<Cpu, T> model(dev, config, {N, true});
    model.init_weights(42);
    std::vector<int32_t> inputs, targets;
    Rng rng(1);
    for (int64_t i = 0; i < N; i++) inputs.push_back(int32_t(rng.below(uint64_t(config.V)))), targets.push_back(int32_t(rng.below(uint64_t(config.V))));
    const std::vector<float> weights(size_t(N), 1.0f / float(N));
    const Timing forward = measure([&] { model.loss(inputs.data(), targets.data(), weights.data(), c.batch_size, c.seq_len); }, c.repeats);
    const Timing both = measure([&] { model.zero_grads(), model.forward_backward(inputs.data(), targets.data(), weights.data(), c.batch_size, c.seq_len); }, c.repeats);
    const Timing update = measure([&] { model.finish_step({1e-5f, 0.9f, 0.95f, 1e-8f, 0.1f}, {.max_norm = 1}); });
    size_t bytes = 0;
    for (const auto& [name, size] : model.arenas()) bytes += size;
    const size_t allocated = dev.bytes_allocated;
    model.zero_grads(), model.forward_backward(inputs.data(), targets.data(), weights.data(), c.batch_size, c.seq_len);
    const size_t allocated_by_step = dev.bytes_allocated - allocated;
    const double step_s = both.s + update.s, flops = flops_per_token(config, c.seq_len) * double(N);
    std::printf("\ntraining step: %lld layers, %lld channels, V %lld, %lld x %lld tokens, %.1fM parameters, %s\n", (long long)config.L, (long long)config.C,
                (long long)config.V, (long long)c.batch_size, (long long)c.seq_len, double(model.layout.count) * 1e-6, dtype_name<T>());
    std::printf("  forward %.1f ms, forward + backward %.1f ms (+-%.0f%%), clip + AdamW %.1f ms\n", forward.s * 1e3, both.s * 1e3, both.spread * 100, update.s * 1e3);
    std::printf("  %s tokens/s, %.1f GFLOP/s, %.0f%% of the matrix product's peak\n", with_commas(int64_t(double(N) / step_s)).c_str(), flops / step_s * 1e-9,
                100 * flops / step_s / limits.matmul);
    std::printf("  arenas %s, a step allocates %zu bytes, peak memory of this program %s\n", human_bytes(double(bytes)).c_str(), allocated_by_step,
                human_bytes(peak_memory_bytes()).c_str());
    std::fflush(stdout);
    return {{"layers", config.L}, {"channels", config.C}, {"vocab_size", config.V}, {"batch_size", c.batch_size}, {"seq_len", c.seq_len},
            {"forward_ms", forward.s * 1e3}, {"forward_backward_ms", both.s * 1e3}, {"spread", both.spread}, {"update_ms", update.s * 1e3},
            {"tokens_per_s", double(N) / step_s}, {"gflops", flops / step_s * 1e-9}, {"percent_of_limit", 100 * flops / step_s / limits.matmul},
            {"arena_bytes", bytes}, {"allocated_bytes", allocated_by_step}, {"peak_bytes", peak_memory_bytes()}};
}

// Tokens of prompts and answers, and the time of each step of decoding: the median of the times between two tokens of the first row.
struct Decoding {
    static constexpr int64_t kPrompt = 32, kNew = 64;
    Timing step, prefill;
    Decoding(Model& model, int64_t rows, uint64_t seed) {
        const auto cache = model.make_cache(rows, kPrompt + kNew);
        std::vector<std::vector<int32_t>> prompts(static_cast<size_t>(rows));
        Rng rng(seed);
        for (auto& p : prompts)
            for (int64_t i = 0; i < kPrompt; i++) p.push_back(int32_t(rng.below(uint64_t(model.config.V))));
        prefill = measure([&] { generate(model, *cache, prompts, {1, {}, 1, {}}); });
        std::vector<double> times;
        for (int repeat = 0; repeat < 2; repeat++) {
            double before = 0;
            generate(model, *cache, prompts, {kNew, {}, 1, {}}, [&](int64_t row, int32_t, const float*) {
                if (row != 0) return true;
                const double now = now_s();
                if (before > 0) times.push_back(now - before);
                before = now;
                return true;
            });
        }
        step = timing_of(times);
    }
};

template <typename T>
Json bench_generate(Cpu& dev, const BenchConfig& c, Limits limits, MemoryBench& memory) {
    Config config = model_config(c);
    config.max_T = std::max(config.max_T, Decoding::kPrompt + Decoding::kNew);
    std::printf("\ngeneration, same model: prompts of %lld tokens, %lld new ones, sampling at temperature 1\n", (long long)Decoding::kPrompt, (long long)Decoding::kNew);
    std::printf("  %-8s %5s %12s %10s %6s %12s %9s %10s %14s\n", "weights", "rows", "tokens/s", "ms a step", "+-", "GB/s", "read", "of limit", "prefill tok/s");
    Json all = Json::array();
    for (const std::string weights : {"fp32", "bf16", "int8"}) {
        const bool possible = weights == dtype_name<T>() || can_pack<Cpu, T>(weight_storage_of(weights));
        if (!possible || (c.weights != "auto" && c.weights != weights)) continue;
        GptOptions options{512};
        options.weights = weights_for<Cpu, T>(weights);
        OwnedModel<Cpu, T> model(dev, config, options, nullptr);
        model.init_weights(42);
        const double matrices = double(model.layout.count - config.max_T * config.C), bytes_each = double(weight_bytes(weight_storage_of(weights)));
        for (const int64_t rows : {1, 8, 32}) {
            limits.read = memory.read(5);                    // right before: on a shared machine it is not what it was
            const Decoding d(model, rows, 1);
            limits.read = (limits.read + memory.read(5)) / 2;
            const double past = double(rows * (Decoding::kPrompt + Decoding::kNew / 2) * 2 * config.L * config.C) * sizeof(T);
            const double bytes = matrices * bytes_each + past, flops = 2.0 * matrices * double(rows);
            const double percent = 100 * std::max(bytes / limits.read, flops / limits.matmul) / d.step.s, tokens_per_s = double(rows) / d.step.s;
            const double prefill = double(rows * Decoding::kPrompt) / d.prefill.s;
            std::printf("  %-8s %5lld %12.1f %10.2f %5.0f%% %12.1f %9.1f %9.0f%% %14.0f\n", weights.c_str(), (long long)rows, tokens_per_s, d.step.s * 1e3, d.step.spread * 100,
                        bytes / d.step.s * 1e-9, limits.read * 1e-9, percent, prefill);
            std::fflush(stdout);
            all.push_back({{"weights", weights}, {"rows", rows}, {"tokens_per_s", tokens_per_s}, {"step_ms", d.step.s * 1e3}, {"spread", d.step.spread},
                           {"gbytes_per_s", bytes / d.step.s * 1e-9}, {"read_gbytes_per_s", limits.read * 1e-9}, {"percent_of_limit", percent}, {"prefill_tokens_per_s", prefill}});
        }
    }
    return all;
}

}  // namespace bench

inline int run_bench(BenchConfig& c) {
    using namespace bench;
    const std::string what = c.positional.empty() ? "all" : c.positional[0];
    const std::vector<std::string> known = {"all", "tokenizer", "ops", "train", "generate"};
    if (c.positional.size() > 1 || std::find(known.begin(), known.end(), what) == known.end())
        throw UsageError(cat("bench ", cli::show(c.positional), ": expected one of all, tokenizer, ops, train, generate"));
    if (c.repeats < 1) throw UsageError("--repeats must be at least 1");
    if (c.batch_size < 1 || c.seq_len < 1) throw UsageError("--batch-size and --seq-len must be at least 1");
    validate(model_config(c));
    const double start = now_s();
    with_cpu(c.dtype, c.threads, [&](auto& dev, auto t) {
        using T = decltype(t);
        std::printf("%s\n%d threads, %s, %s, %s, version %s\n", proc_value("/proc/cpuinfo", "model name").c_str(), dev.threads, isa_name(active_isa()),
                    matmul_backend().c_str(), dtype_name<T>(), train_gpt_version);
        MemoryBench memory(dev);
        const Limits m = measure_limits(dev, memory, sizeof(T) == 2);
        std::printf("limits: %.0f GFLOP/s fp32 multiply-add in registers, %.0f GFLOP/s %s matrix product; memory %.1f GB/s read, %.1f GB/s copied\n",
                    m.fma * 1e-9, m.matmul * 1e-9, dtype_name<T>(), m.read * 1e-9, m.copy * 1e-9);
        std::fflush(stdout);
        Json all = {{"machine", {{"cpu", proc_value("/proc/cpuinfo", "model name")}, {"threads", dev.threads}, {"simd", isa_name(active_isa())},
                                 {"matmul", matmul_backend()}, {"dtype", dtype_name<T>()}, {"version", train_gpt_version}}},
                    {"limits", {{"fma_gflops", m.fma * 1e-9}, {"matmul_gflops", m.matmul * 1e-9}, {"read_gbytes_per_s", m.read * 1e-9},
                                {"copy_gbytes_per_s", m.copy * 1e-9}}}};
        if (what == "all" || what == "tokenizer") all["tokenizer"] = bench_tokenizer();
        if (what == "all" || what == "ops") {
            all["ops"] = Json::array();
            Table table(m, all["ops"]);
            OpsBench<T>(dev, table).run();
        }
        if (what == "all" || what == "train") all["train"] = bench_train<T>(dev, c, m, memory);
        if (what == "all" || what == "generate") all["generate"] = bench_generate<T>(dev, c, m, memory);
        all["seconds"] = now_s() - start;
        if (!c.json.empty()) write_file(c.json, json_text(all, 1) + "\n");
    });
    std::printf("\n%.0f s\n", now_s() - start);
    return 0;
}

inline std::vector<Command> bench_commands() {
    return {make_command<BenchConfig>("bench", "all|tokenizer|ops|train|generate", "each part against the measured limits of this machine", bench_flags, run_bench)};
}
