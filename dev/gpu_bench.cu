// dev/gpu_bench.cu -- how fast is each CUDA operation, and how far from what the GPU could do?
//
// Every operation has a floor: the larger of its bytes / the bandwidth of a large copy and its FLOPs / the peak of the tensor cores. Bytes are
// what must pass through memory once; operations that read twice, or keep things in L2, differ from it, and that is what the table shows.
// The bandwidth is measured in the same run, the peak is the maker's for known GPUs (measured_peak_flops). A time is the median of at
// least five launches between two events, after a warm-up; before each, twice the L2 cache is read, since in a training
// step inputs come from memory too. (Overwriting it would leave up to 50 MB there that the kernel's time would have to carry to memory.) +- is half the distance between the quartiles.
// `a step` is how often a training step with one micro-batch runs the operation; the last line adds those up.
// usage: gpu_bench [--small] [--fp32] [--autotune] [--matmul auto|fp32|tf32|bf16|fp8] [--gelu 0|1|2] [--batch-size B]
//   a Markdown table on stdout; status 2 without a GPU. --matmul fp8: a linear layer's time includes the quantising; the peak stays that of
//   the storage type. --gelu: in no product, in the forward's, in the backward's too (default: as training does on this GPU)
//   --small   tiny shapes, for the emulator: shows that everything runs, not how fast
#include "../gpt.hpp"
#include "../kernels/devices.hpp"
#include "../timing.hpp"

#include <set>

namespace {

// Memory bandwidth as NVIDIA's data sheets state it, TB/s; the first name that fits counts.
struct GpuMemory {
    const char* name;
    double tb_per_s;
};
constexpr GpuMemory kGpuMemory[] = {
    {"B200", 8.0},   {"H200", 4.8},           {"H100 PCIe", 2.0},       {"H100 NVL", 3.9}, {"H100", 3.35},     {"A100-SXM4-80GB", 2.039},
    {"A100 80GB PCIe", 1.935}, {"A100", 1.555}, {"L40S", 0.864}, {"RTX 5090", 1.792}, {"RTX 4090", 1.008},
};

struct Settings {
    bool small = false, fp32 = false, autotune = false;
    int64_t batch_size = 16;
    std::string matmul = "auto";
    int gelu = -1;
};

struct Shape {
    std::string name;
    Config config;
    int64_t B, T;
    int64_t N() const { return B * T; }
};

class Bench {
   public:
    Bench(Cuda& device, const Settings& s) : dev(device), settings_(s) {
        cudaDeviceProp p{};
        CUDA_CHECK(cudaGetDeviceProperties(&p, dev.index));
        flush_bytes_ = s.small ? size_t(1) << 16 : std::max(size_t(64) << 20, 2 * size_t(p.l2CacheSize));
        flush_ = dev.allocate(flush_bytes_);
        dev.zero(flush_, flush_bytes_);
        flushed_ = static_cast<double*>(dev.allocate(sizeof(double)));
        dev.zero(flushed_, sizeof(double));
        CUDA_CHECK(cudaEventCreate(&begin_));
        CUDA_CHECK(cudaEventCreate(&end_));
        for (const GpuMemory& m : kGpuMemory)
            if (!sheet_ && std::string_view(p.name).find(m.name) != std::string_view::npos) sheet_ = m.tb_per_s * 1e12;
        peak_ = measured_peak_flops(dev, !s.fp32);
        measure_limits(p);
    }
    Bench(const Bench&) = delete;
    ~Bench() {
        cudaEventDestroy(begin_);
        cudaEventDestroy(end_);
        dev.release(flush_);
        dev.release(flushed_);
    }

    void title(const Shape& shape) {
        step_s_ = 0;
        std::printf("\n## %s: B = %lld, T = %lld, C = %lld, %lld heads, %lld layers\n\n", shape.name.c_str(), (long long)shape.B, (long long)shape.T,
                    (long long)shape.config.C, (long long)shape.config.NH, (long long)shape.config.L);
        std::printf("| operation | shape | us | +- | GB/s | of copy%s | TFLOP/s | of peak | floor us | of floor | a step |\n|---|---|---|---|---|---%s|---|---|---|---|---|\n",
                    sheet_ ? " | of data sheet" : "", sheet_ ? "|---" : "");
    }
    // Time f and print its line. a_step: how often a step runs it.
    template <typename F>
    void operation(const std::string& name, const std::string& shape, double bytes, double flops, double a_step, F&& f) {
        const bench::Timing t = time(f);
        const double floor_s = std::max(bytes / copy_, flops / peak_);
        step_s_ += a_step * t.s;
        std::printf("| %s | %s | %.1f | %.0f%% | %.0f | %.0f%% | ", name.c_str(), shape.c_str(), t.s * 1e6, 100 * t.spread, bytes / t.s * 1e-9, 100 * bytes / t.s / copy_);
        if (sheet_) std::printf("%.0f%% | ", 100 * bytes / t.s / sheet_);
        if (flops > 0) std::printf("%.1f | %.0f%% | ", flops / t.s * 1e-12, 100 * flops / t.s / peak_);
        else std::printf("| | ");
        std::printf("%.1f %s | %.0f%% | %g |\n", floor_s * 1e6, bytes / copy_ >= flops / peak_ ? "memory" : "compute", 100 * floor_s / t.s, a_step);
        std::fflush(stdout);
    }
    void sum_of_step(const Shape& shape) {
        const double tokens_per_s = double(shape.N()) / step_s_, flops = flops_per_token(shape.config, shape.T) * tokens_per_s;
        std::printf("\nAll of it together: %.2f ms a step of %lld tokens, %s tokens/s, %.1f TFLOP/s, MFU %.1f%%, were there nothing between the kernels.\n",
                    step_s_ * 1e3, (long long)shape.N(), with_commas(int64_t(tokens_per_s)).c_str(), flops * 1e-12, 100 * flops / peak_);
    }

    Cuda& dev;

   private:
    template <typename F>
    bench::Timing time(F&& f) {
        const int most = settings_.small ? 5 : 50;
        std::vector<double> times;
        double total = 0;
        f();                                   // plans are made, workspaces grow, kernels are loaded
        f();
        while (times.size() < 5 || (total < 0.02 && int(times.size()) < most)) {
            add_squared_norm(dev, flushed_, static_cast<const float*>(flush_), int64_t(flush_bytes_ / sizeof(float)));
            CUDA_CHECK(cudaEventRecord(begin_, dev.stream));
            f();
            CUDA_CHECK(cudaEventRecord(end_, dev.stream));
            CUDA_CHECK(cudaEventSynchronize(end_));
            float ms = 0;
            CUDA_CHECK(cudaEventElapsedTime(&ms, begin_, end_));
            times.push_back(std::max(1e-9, double(ms) * 1e-3));
            total += times.back();
        }
        std::sort(times.begin(), times.end());
        const size_t n = times.size();
        return {times[n / 2], 0.5 * (times[n * 3 / 4] - times[n / 4]) / times[n / 2]};
    }
    void measure_limits(const cudaDeviceProp& p) {
        size_t free_bytes = 0, total_bytes = 0;
        CUDA_CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
        const size_t bytes = settings_.small ? size_t(1) << 20 : std::min(size_t(1) << 30, free_bytes / 4);
        char* a = static_cast<char*>(dev.allocate(2 * bytes));
        dev.zero(a, 2 * bytes);
        copy_ = 2.0 * double(bytes) / time([&] { dev.copy_device(a + bytes, a, bytes); }).s;   // read and written
        dev.release(a);
        std::printf("# Kernels of %s\n\n%s storage, --matmul %s%s. Copying %s: %.0f GB/s", p.name, settings_.fp32 ? "fp32" : "bf16", settings_.matmul.c_str(),
                    settings_.autotune ? ", autotuned products" : "",
                    human_bytes(double(bytes)).c_str(), copy_ * 1e-9);
        if (sheet_) std::printf(", %.0f%% of the data sheet's %.0f", 100 * copy_ / sheet_, sheet_ * 1e-9);
        std::printf(". Peak for products: %.1f TFLOP/s. The L2 cache of %s is read through before each launch.\n", peak_ * 1e-12, human_bytes(double(p.l2CacheSize)).c_str());
    }

    const Settings settings_;
    void* flush_ = nullptr;
    double* flushed_ = nullptr;      // a sum over flush_
    size_t flush_bytes_ = 0;
    cudaEvent_t begin_ = nullptr, end_ = nullptr;
    double copy_ = 1, peak_ = 1, sheet_ = 0, step_s_ = 0;
};

// Arrays of one model's shapes, filled with noise: products of zeros need less power, and run faster, than real ones.
template <typename T>
class Arrays {
   public:
    explicit Arrays(Cuda& dev) : dev_(dev) {}
    Arrays(const Arrays&) = delete;
    ~Arrays() {
        dev_.synchronize();
        for (void* p : all_) dev_.release(p);
    }
    template <typename V>
    V* noise(int64_t n, float scale = 1.0f) {
        constexpr int64_t kPiece = int64_t(1) << 20;
        std::vector<V> piece(size_t(std::min(n, kPiece)));
        for (V& v : piece) v = V(scale * (2 * rng_.uniform() - 1));
        V* p = empty<V>(n);
        dev_.copy_in(p, piece.data(), piece.size() * sizeof(V));
        dev_.synchronize();
        for (int64_t done = int64_t(piece.size()); done < n;) {
            const int64_t more = std::min(done, n - done);
            dev_.copy_device(p + done, p, size_t(more) * sizeof(V));
            done += more;
        }
        return p;
    }
    template <typename V>
    V* copy(const std::vector<V>& host) {
        V* p = empty<V>(int64_t(host.size()));
        dev_.copy_in(p, host.data(), host.size() * sizeof(V));
        dev_.synchronize();
        return p;
    }
    template <typename V>
    V* zeros(int64_t n) {
        V* p = empty<V>(n);
        dev_.zero(p, size_t(n) * sizeof(V));
        return p;
    }
    template <typename V>
    V* empty(int64_t n) {
        all_.push_back(dev_.allocate(size_t(n) * sizeof(V)));
        return static_cast<V*>(all_.back());
    }

   private:
    Cuda& dev_;
    Rng rng_{1};
    std::vector<void*> all_;
};

template <typename T>
void bench_rowwise(Bench& b, const Shape& s) {
    Cuda& dev = b.dev;
    Arrays<T> a(dev);
    const int64_t N = s.N(), C = s.config.C, n = N * C;
    const double L = double(s.config.L), e = double(n) * sizeof(T);     // bytes of one array (N, C)
    const std::string rows = cat("(", N, ", ", C, ")"), wide = cat("(", N, ", ", 4 * C, ")");
    T *x = a.template noise<T>(4 * n), *y = a.template noise<T>(4 * n), *r = a.template noise<T>(n), *sum = a.template empty<T>(n);
    T *w = a.template noise<T>(C), *bias = a.template noise<T>(C);
    float *mean = a.template empty<float>(N), *rstd = a.template empty<float>(N), *dw = a.template zeros<float>(3 * C), *db = a.template zeros<float>(C);
    b.operation("layernorm_forward", rows, 2 * e + 8 * double(N), 0, 1, [&] { layernorm_forward(dev, y, mean, rstd, x, w, bias, N, C); });
    b.operation("residual_layernorm_forward", rows, 4 * e + 8 * double(N), 0, 2 * L,
                [&] { residual_layernorm_forward(dev, sum, y, mean, rstd, x, r, w, bias, N, C); });
    b.operation("residual_forward", rows, 3 * e, 0, 0, [&] { residual_forward(dev, sum, x, r, n); });
    // with the gradient of a bias wherever a linear layer fed the stream: everywhere but behind the embedding
    for (float* const sums : {static_cast<float*>(nullptr), dw + C})
        b.operation(sums ? "layernorm_backward, sums of dx" : "layernorm_backward", rows, 4 * e + 8 * double(N), 0, sums ? 2 * L : 1,
                    [&] { layernorm_backward<T>(dev, sum, dw, db, sums, r, x, w, mean, rstd, N, C); });
    b.operation("gelu_forward", wide, 8 * e, 0, 0, [&] { gelu_forward(dev, y, x, 4 * n); });
    b.operation("gelu_backward_inplace", wide, 12 * e, 0, 0, [&] { gelu_backward_inplace(dev, y, x, 4 * n); });
    b.operation("add_column_sums", cat("(", N, ", ", 3 * C, ")"), 3 * e, 0, 0, [&] { add_column_sums(dev, dw, x, N, 3 * C); });
}

template <typename T>
void bench_embedding(Bench& b, const Shape& s) {
    Cuda& dev = b.dev;
    Arrays<T> a(dev);
    const int64_t N = s.N(), C = s.config.C, V = s.config.V;
    Rng rng(2);
    std::vector<int32_t> ids, positions;
    std::set<int32_t> different;
    for (int64_t i = 0; i < N; i++) {
        const double u = double(rng.uniform());
        ids.push_back(int32_t(std::min(double(V - 1), double(V) * u * u * u * u)));    // few ids are frequent, as in text
        positions.push_back(int32_t(i % s.T));
        different.insert(ids.back());
    }
    const double e = double(N * C) * sizeof(T), U = double(different.size());
    T *x = a.template noise<T>(N * C), *wte = a.template noise<T>(s.config.Vp() * C), *wpe = a.template noise<T>(s.T * C);
    float *dwte = a.template zeros<float>(s.config.Vp() * C), *dwpe = a.template zeros<float>(s.T * C);
    const int32_t *ids_d = a.copy(ids), *positions_d = a.copy(positions);
    const std::string shape = cat("(", N, ", ", C, "), ", different.size(), " ids");
    // each used row of the tables passes once
    b.operation("embedding_forward", shape, e + (U + double(s.T)) * double(C) * sizeof(T), 0, 1,
                [&] { embedding_forward(dev, x, ids_d, positions_d, static_cast<const T*>(wte), static_cast<const T*>(wpe), N, C); });
    b.operation("embedding_backward", shape, e + (U + double(s.T)) * double(C) * 8, 0, 1,
                [&] { embedding_backward(dev, dwte, dwpe, static_cast<const T*>(x), ids_d, positions_d, N, C); });
}

template <typename T>
void bench_linear(Bench& b, const Shape& s) {
    Cuda& dev = b.dev;
    const int64_t N = s.N(), C = s.config.C;
    const double L = double(s.config.L), t = sizeof(T);
    struct Layer {
        const char* name;
        int64_t K, M;
        bool gelu;
    };
    for (const Layer& l : {Layer{"qkv", C, 3 * C, false}, Layer{"proj", C, C, false}, Layer{"fc", C, 4 * C, true}, Layer{"fcproj", 4 * C, C, false}}) {
        Arrays<T> a(dev);
        const double NK = double(N * l.K), KM = double(l.K * l.M), NM = double(N * l.M), flops = 2 * NK * double(l.M);
        T *x = a.template noise<T>(N * l.K), *w = a.template noise<T>(l.K * l.M, 0.05f), *bias = a.template noise<T>(l.M);
        T *y = a.template noise<T>(N * l.M), *pre = a.template empty<T>(N * l.M), *dx = a.template empty<T>(N * l.K);
        float* dw = a.template zeros<float>(l.K * l.M);
        const std::string shape = cat("(", N, ", ", l.K, ") x (", l.K, ", ", l.M, ")");
        b.operation(cat(l.name, l.gelu ? ": linear_gelu_forward" : ": linear_forward"), shape, t * (NK + KM + (l.gelu ? 2 : 1) * NM), flops, L, [&] {
            if (l.gelu) linear_gelu_forward<T>(dev, y, pre, x, w, bias, N, l.K, l.M);
            else linear_forward<T>(dev, y, x, w, bias, N, l.K, l.M);
        });
        // dx = dy w^T, dw += x^T dy; of fc db += sums of dy, while the others' db comes from who wrote dy; behind a gelu (fcproj) its slope too, for
        // which `before` is read
        const bool slope = l.K > C;
        float* const db = l.gelu ? a.template zeros<float>(l.M) : nullptr;
        T* before = slope ? a.template noise<T>(N * l.K) : nullptr;
        b.operation(cat(l.name, slope ? ": linear_gelu_backward" : ": linear_backward"), shape, t * (NM + KM + (slope ? 3 : 2) * NK) + 8 * KM, 2 * flops, L, [&] {
            if (slope) linear_gelu_backward<T>(dev, dx, dw, db, y, before, x, w, N, l.K, l.M);
            else linear_backward<T>(dev, dx, dw, db, y, x, w, N, l.K, l.M);
        });
    }
}

template <typename T>
void bench_attention(Bench& b, const Shape& s) {
    Cuda& dev = b.dev;
    Arrays<T> a(dev);
    const int64_t B = s.B, T_ = s.T, NH = s.config.NH, HS = s.config.HS(), C = NH * HS, N = s.N();
    const double L = double(s.config.L), e = double(N * C) * sizeof(T), lse_bytes = 4 * double(N * NH);
    const double product = double(T_) * double(T_) * double(HS * B * NH);      // 2 T^2 HS a head, half of it causal
    T *qkv = a.template noise<T>(3 * N * C), *y = a.template noise<T>(N * C), *dy = a.template noise<T>(N * C), *dqkv = a.template empty<T>(3 * N * C);
    float *lse = a.template empty<float>(N * NH), *db = a.template zeros<float>(3 * C);
    const std::string shape = cat("(", B, ", ", T_, ", ", NH, ", ", HS, ")");
    b.operation("attention_forward", shape, 4 * e + lse_bytes, 2 * product, L, [&] { attention_forward<T>(dev, y, lse, qkv, B, T_, NH, HS); });
    b.operation("attention_backward", shape, 8 * e + lse_bytes, 5 * product, 0, [&] { attention_backward<T>(dev, dqkv, nullptr, dy, qkv, y, lse, B, T_, NH, HS); });
    b.operation("attention_backward, sums of dqkv", shape, 8 * e + lse_bytes, 5 * product, L, [&] { attention_backward<T>(dev, dqkv, db, dy, qkv, y, lse, B, T_, NH, HS); });
    // one new token a row, with a full cache
    T *k = a.template noise<T>(N * C), *v = a.template noise<T>(N * C);
    std::vector<int32_t> slot, past(static_cast<size_t>(B), int32_t(T_ - 1));
    for (int64_t i = 0; i < B; i++) slot.push_back(int32_t(i));
    const int32_t *slot_d = a.copy(slot), *past_d = a.copy(past);
    b.operation("attention_cached, 1 token", cat("(", B, ", ", T_, ", ", NH, ", ", HS, ")"), 2 * e, 0, 0,
                [&] { attention_cached<T>(dev, y, k, v, qkv, slot_d, past_d, B, 1, T_, NH, HS); });
}

// The last layer, the products of `rows` rows at a time; a_step as for the table.
template <typename T>
void bench_head(Bench& b, const Shape& s, int64_t rows, double a_step) {
    Cuda& dev = b.dev;
    Arrays<T> a(dev);
    const int64_t C = s.config.C, V = s.config.V, Vp = s.config.Vp();
    const double t = sizeof(T), RC = double(rows * C), VC = double(Vp * C), RV = double(rows * Vp), flops = 2 * RV * double(C);
    T *x = a.template noise<T>(rows * C), *head = a.template noise<T>(Vp * C, 0.05f), *logits = a.template empty<T>(rows * Vp), *dx = a.template empty<T>(rows * C);
    float *dhead = a.template zeros<float>(Vp * C), *loss = a.template empty<float>(rows), *weights = a.template noise<float>(rows), *entropy = a.template empty<float>(rows);
    Rng rng(3);
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < rows; i++) ids.push_back(int32_t(rng.below(uint64_t(V))));
    const int32_t* targets = a.copy(ids);
    const std::string shape = cat("(", rows, ", ", Vp, ")"), product = cat("(", rows, ", ", C, ") x (", C, ", ", Vp, ")");
    b.operation("head: logits", product, t * (RC + VC + RV), flops, a_step, [&] { matmul<T, T>(dev, logits, x, head, rows, Vp, C, false, true, false); });
    b.operation("classifier, loss and entropy", shape, t * double(rows * V), 0, 0, [&] { classifier<T>(dev, loss, entropy, logits, targets, weights, rows, V, Vp, false); });
    b.operation("classifier, with gradient", shape, t * (double(rows * V) + RV), 0, a_step,
                [&] { classifier<T>(dev, loss, nullptr, logits, targets, weights, rows, V, Vp, true); });
    b.operation("head: dx", product, t * (RV + VC + RC), flops, a_step, [&] { matmul<T, T>(dev, dx, logits, head, rows, C, Vp, false, false, false); });
    b.operation("head: dw +=", product, t * (RV + RC) + 8 * VC, flops, a_step, [&] { matmul<float, T>(dev, dhead, logits, x, Vp, C, rows, true, false, true); });
    const int64_t texts = std::min(rows, int64_t(16));
    matmul<T, T>(dev, logits, x, head, rows, Vp, C, false, true, false);
    std::vector<float> u;
    for (int64_t i = 0; i < texts; i++) u.push_back(float(rng.uniform()));
    int32_t* tokens = a.template empty<int32_t>(texts);
    const float* u_d = a.copy(u);
    b.operation("sample_rows, top-k 50, top-p 0.9", cat("(", texts, ", ", Vp, ")"), t * double(texts * V), 0, 0,
                [&] { sample_rows<T>(dev, tokens, logits, u_d, texts, V, Vp, SamplingConfig{0.8f, 50, 0.9f}); });
}
// How many rows of logits the model holds at a time.
int64_t head_rows_of_model(const Shape& s) { return Gpt<Cuda, bf16>::head_rows(s.config, s.N()); }

template <typename T>
void bench_update(Bench& b, const Shape& s) {
    Cuda& dev = b.dev;
    Arrays<T> a(dev);
    const Config& c = s.config;
    const int64_t count = 12 * c.L * c.C * c.C + 13 * c.L * c.C + (c.Vp() + c.max_T + 2) * c.C, n = std::min(count, int64_t(1) << 27);   // 2.4 GB is enough to measure
    const double a_step = double(count) / double(n);
    T* p = a.template noise<T>(n);
    float *m = a.template zeros<float>(n), *v = a.template zeros<float>(n), *g = a.template noise<float>(n), *master = sizeof(T) == 2 ? a.template noise<float>(n) : nullptr;
    double* sum = a.template zeros<double>(1);
    b.operation("add_squared_norm", cat("(", n, ")"), 4 * double(n), 0, a_step, [&] { add_squared_norm(dev, sum, g, n); });
    AdamW o;
    o.lr = 1e-4f;
    const double bytes = (sizeof(T) == 2 ? 30 : 28) * double(n);
    b.operation("adamw_update", cat("(", n, ")"), bytes, 0, a_step, [&] { adamw_update(dev, p, master, m, v, static_cast<const float*>(g), n, o); });
    if (sizeof(T) == 4) return;
    o.stochastic_rounding = true;
    b.operation("adamw_update, stochastic rounding", cat("(", n, ")"), bytes, 0, 0, [&] { adamw_update(dev, p, master, m, v, static_cast<const float*>(g), n, o); });
}

template <typename T>
void bench_model(Bench& b, const Shape& s) {
    b.title(s);
    bench_embedding<T>(b, s);
    bench_rowwise<T>(b, s);
    bench_linear<T>(b, s);
    bench_attention<T>(b, s);
    const int64_t rows = head_rows_of_model(s), more = std::min(s.N(), int64_t(8192));
    bench_head<T>(b, s, rows, double(s.N()) / double(rows));
    if (more > rows) bench_head<T>(b, s, more, 0);                     // what larger pieces would bring
    bench_update<T>(b, s);
    b.sum_of_step(s);
}

Shape shape_of(const char* name, int64_t L, int64_t NH, int64_t C, const Settings& s) {
    Shape shape{name, {}, s.batch_size, 1024};
    shape.config.L = L, shape.config.NH = NH, shape.config.C = C, shape.config.V = 50257, shape.config.max_T = 1024;
    if (s.small) {
        shape.B = 2, shape.T = shape.config.max_T = 40;
        shape.config.L = 2, shape.config.NH = 2, shape.config.C = 2 * C / NH, shape.config.V = 300;
    }
    return shape;
}

template <typename T>
void bench_all(const Settings& s) {
    Cuda dev;
    set_matmul(dev, {s.matmul, s.autotune, "", [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }}, sizeof(T) == 2);
    dev.gelu_in_products = s.gelu;
    Bench b(dev, s);
    bench_model<T>(b, shape_of("GPT-2 124M", 12, 12, 768, s));
    bench_model<T>(b, shape_of("GPT-2 1558M", 48, 25, 1600, s));
    for (const Shape& heads : {shape_of("Head size 80", 32, 32, 2560, s), shape_of("Head size 128", 24, 16, 2048, s)}) {
        b.title(heads);
        bench_attention<T>(b, heads);
    }
}

Settings parse(const std::vector<std::string>& words) {
    Settings s;
    for (size_t i = 0; i < words.size(); i++) {
        if (words[i] == "--small") s.small = true;
        else if (words[i] == "--fp32") s.fp32 = true;
        else if (words[i] == "--autotune") s.autotune = true;
        else if (words[i] == "--matmul" && i + 1 < words.size()) s.matmul = words[++i];
        else if (words[i] == "--gelu" && i + 1 < words.size() && (words[i + 1] == "0" || words[i + 1] == "1" || words[i + 1] == "2")) s.gelu = words[++i][0] - '0';
        else if (words[i] == "--batch-size" && i + 1 < words.size() && std::atoi(words[i + 1].c_str()) > 0) s.batch_size = std::atoi(words[++i].c_str());
        else throw UsageError(cat("unknown or incomplete: ", words[i]), "gpu_bench [--small] [--fp32] [--autotune] [--matmul KIND] [--gelu 0|1|2] [--batch-size B]");
    }
    return s;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Settings s = parse({argv + 1, argv + argc});
        if (cuda_device_count() == 0) {
            std::fprintf(stderr, "error: %s\n       gpu_bench measures a GPU; `train_gpt info` says what this machine has\n", describe_cuda()[0].c_str());
            return 2;
        }
        s.fp32 ? bench_all<float>(s) : bench_all<bf16>(s);
    } catch (const Error& e) {
        std::fprintf(stderr, "error: %s\n       %s\n", e.what(), e.advice.c_str());
        return e.status;
    }
    return 0;
}
