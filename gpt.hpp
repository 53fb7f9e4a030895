// gpt.hpp -- the whole GPT-2 model: forward, backward and update, each once for all devices. (Its sizes and its tensors: gpt_config.hpp.)
//
// Tokens become vectors of C channels (embedding + position). L blocks each add two things to that "residual stream":
// what attention gathered from earlier positions, and what a two-layer MLP computed at the position itself. A last
// LayerNorm and a matrix product with the embedding give a score (logit) for each of the V tokens that could follow.
// Every stage trains with the same loss, a weighted cross entropy: loss = sum_t w_t * -log softmax(logits_t)[target_t].
// The B*T x V logits are never stored whole: the head runs in chunks of rows, loss and gradient in the same pass.
// Contract: parameters and activations are stored as T (float or bf16), arithmetic, parameter gradients and optimizer are
// fp32; with T = bf16 the optimizer keeps fp32 master weights. A step allocates nothing, and the host waits for the device once a step:
// accumulate() queues a micro-batch and returns, finish_step() queues the update and reads loss and gradient norm. Same inputs, same bits.
#pragma once

#include <algorithm>

#include "gpt_config.hpp"
#include "kernels/comm.hpp"
#include "kernels/cublaslt.hpp"
#include "kernels/instances.hpp"
#include "kernels/sampling.hpp"
#include "kv_cache.hpp"

// ---- activations

template <typename T>
struct BlockActs {                 // of one layer; N = B*T rows
    T* in;                         // (N, C) the residual stream as it enters the block
    T* ln1;                        // (N, C)
    float *ln1_mean, *ln1_rstd;    // (N)
    T* qkv;                        // (N, 3C)
    T* att;                        // (N, C)
    float* lse;                    // (B, NH, T)
    T* mid;                        // (N, C) the stream after attention
    T* ln2;                        // (N, C)
    float *ln2_mean, *ln2_rstd;    // (N)
    T* fc;                         // (N, 4C) before GELU
    T* gelu;                       // (N, 4C)
};

// ---- the model

template <typename Dev, typename T>
class Gpt {
   public:
    static constexpr bool kHasMaster = sizeof(T) != sizeof(float);

    // comm connects the ranks that train the same model, and must outlive it; null: this process is alone.
    Gpt(Dev& dev, const Config& config, const GptOptions& options, Comm<Dev>* comm = nullptr)
        : dev(dev), config(config), options(options), layout(config, comm ? comm->ranks().size() : 1, options.weights != WeightStorage::stored), comm_(comm),
          params_arena_(dev, "parameters"), packed_arena_(dev, "packed weights"), grads_arena_(dev, "gradients"), optimizer_arena_(dev, "optimizer"), acts_arena_(dev, "activations"),
          host_inputs_(dev, size_t(kInputArrays * input_stride(options.max_tokens)) * 4), host_results_(dev, std::max(sizeof(StepSums), size_t(2 * options.max_tokens) * 4)),
          sums_read_(dev), graphs_(dev) {
        validate(config);
        ASSERT(options.max_tokens > 0, "max_tokens is not set");
        // Parameters first, since their bytes must be zero in the gaps and in the padding rows.
        params_arena_.template take<T>(layout.size);
        params_arena_.allocate();
        params = params_arena_.template take<T>(layout.size);
        dev.zero(params, size_t(layout.size) * sizeof(T));
        place_packed();
        if (options.training) {
            grads_arena_.template take<float>(layout.size);
            grads_arena_.allocate();
            grads = grads_arena_.template take<float>(layout.size);
            const int64_t own = sharded() ? layout.size / ranks() : layout.size;
            for (int pass = 0; pass < 2; pass++) {
                adam_m = optimizer_arena_.template take<float>(own);
                adam_v = optimizer_arena_.template take<float>(own);
                master = kHasMaster ? optimizer_arena_.template take<float>(own) : nullptr;
                decays_ = optimizer_arena_.template take<uint32_t>(ceil_div(layout.size, kDecayWord));
                if (pass == 0) optimizer_arena_.allocate();
            }
            write_decays();
            dev.zero(grads, size_t(layout.size) * sizeof(float));
            dev.zero(adam_m, size_t(own) * sizeof(float));
            dev.zero(adam_v, size_t(own) * sizeof(float));
            if (kHasMaster) dev.zero(master, size_t(own) * sizeof(float));
        }
        for (int pass = 0; pass < 2; pass++) {
            place_activations();
            if (pass == 0) acts_arena_.allocate();
        }
    }
    Gpt(const Gpt&) = delete;
    Gpt& operator=(const Gpt&) = delete;

    // Random weights, bit for bit those of PyTorch's generator with this seed.
    void init_weights(uint32_t seed) {
        TorchGenerator gen(seed);
        std::vector<float> x;
        for (const Tensor& t : layout.tensors) {
            x.resize(size_t(t.size));
            init_tensor(x.data(), t, gen);
            set_tensor(t, x.data());
        }
    }

    // Write or read one tensor as fp32 (t.size floats on the host): the master weights where they exist.
    void set_tensor(const Tensor& t, const float* host) {
        if (t.offset < 0) return pack_matrix(packed(t.offset), host, t.init.kind == InitKind::embedding);
        if constexpr (kHasMaster) {
            if (master) set_state(master, t, host);
            std::vector<T> rounded(size_t(t.size));
            #pragma omp parallel for schedule(static) if (t.size > 1 << 16)
            for (int64_t i = 0; i < t.size; i++)
                rounded[size_t(i)] = rounding_ ? round_stochastically(host[i], rounding_bits(*rounding_, uint64_t(t.offset + i))) : T(host[i]);
            dev.copy_in(params + t.offset, rounded.data(), size_t(t.size) * sizeof(T));
            dev.synchronize();   // `rounded` must outlive the copy
        } else {
            dev.copy_in(params + t.offset, host, size_t(t.size) * sizeof(T));
            dev.synchronize();
        }
    }
    void get_tensor(const Tensor& t, float* host) const {
        if (t.offset < 0) return unpack_matrix(host, packed(t.offset), t.init.kind == InitKind::embedding);
        if constexpr (kHasMaster) {
            if (master) {
                ASSERT(!sharded() || gathered_ == master, t.name, ": the master weights lie on several ranks; whole_state(master) comes first");
                return dev.copy_out(host, (sharded() ? grads : master) + t.offset, size_t(t.size) * sizeof(float));
            }
            std::vector<T> stored(size_t(t.size));
            dev.copy_out(stored.data(), params + t.offset, size_t(t.size) * sizeof(T));
            for (int64_t i = 0; i < t.size; i++) host[i] = float(stored[size_t(i)]);
        } else {
            dev.copy_out(host, params + t.offset, size_t(t.size) * sizeof(T));
        }
    }

    // set_tensor rounds as the update with this key did (rounding_key of adamw.hpp), so that a run with stochastic rounding resumes with its bits.
    void round_as(uint64_t key) { rounding_ = key; }

    // Write one tensor (t.size floats on the host) into an array of the optimizer's, as far as it belongs to this rank.
    void set_state(float* state, const Tensor& t, const float* host) {
        for (const Bucket& b : layout.buckets)
            each_own_part(b, [&](const Tensor& x, int64_t begin, int64_t end, int64_t at) {
                if (x.offset == t.offset) dev.copy_in(state + at, host + (begin - t.offset), size_t(end - begin) * sizeof(float));
            });
        dev.synchronize();
    }
    // adam_m, adam_v or master as one array in storage order. All ranks must call it. Pieces of several ranks are gathered in the memory
    // of the gradients, which hold nothing between an update and the next step.
    const float* whole_state(const float* state) {
        if (!sharded()) return state;
        for (const Bucket& b : layout.buckets) {
            const Piece own = own_piece(b);
            dev.copy_device(grads + own.begin, state + b.begin / ranks(), size_t(own.end - own.begin) * sizeof(float));
            comm_->all_gather(grads + b.begin, b.end - b.begin);
        }
        comm_->join();
        gathered_ = state;
        return grads;
    }

    // One step: zero_grads(), accumulate() for each micro-batch, finish_step(). accumulate() adds the gradients of a batch of B rows of T
    // tokens to `grads`, and its loss to the step's; host arrays of B*T, which belong to the caller again when it returns. It
    // queues the work and waits for nothing but its turn at the input buffer. Arguments and errors are those of forward_backward.
    // entropy_weights (B*T, may be null): the loss gets sum_t entropy_weight_t * entropy_t as well.
    void accumulate(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_, bool last_of_step,
                    const float* entropy_weights = nullptr) {
        ASSERT(options.training, "this model was built without gradients");
        reducing_ = last_of_step && ranks() > 1;
        gathered_ = nullptr;
        in_step_ = true;
        run(inputs, targets, weights, B, T_, false, true, entropy_weights);
    }
    // The end of a step: loss and gradient norm of all ranks, and the update if `gate` lets it pass (adamw.grad_scale is the gate's to say). All of
    // it is queued before the only wait of a step, which is for the two numbers: the host learns them while the device updates, and prepares the
    // next step meanwhile. All ranks must call it.
    StepSums finish_step(const AdamW& adamw, const StepGate& gate) {
        in_step_ = false;
        queue_squared_norm();
        if (ranks() > 1) comm_->all_gather(parts_, 2 * ranks()), comm_->join();
        end_step(dev, step_sums_, parts_, ranks(), gate);
        auto* host = host_results_.template as<StepSums>();
        dev.copy_out_later(host, step_sums_, sizeof(StepSums));
        sums_read_.record();
        update(adamw, &step_sums_->grad_scale);
        sums_read_.wait();
        return *host;
    }

    // sum_t weight_t * loss_t over a batch of B rows of T tokens, gradients added to `grads`. Host arrays of B*T.
    // The caller has divided the weights by the global number of targets, so any split into micro-batches sums to the same.
    // `token_losses` (B*T, may be null) receives the unweighted -log p of each target, `token_entropies` (B*T, may be null) the entropy in
    // nats of the distribution it was one of; both are 0 where target < 0. `last_of_step`: the gradients are complete
    // with this batch, so they are summed over the ranks, bucket by bucket while the backward pass goes on.
    double forward_backward(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_,
                            float* token_losses = nullptr, bool last_of_step = true, float* token_entropies = nullptr) {
        ASSERT(options.training, "this model was built without gradients");
        reducing_ = last_of_step && ranks() > 1;
        gathered_ = nullptr;
        return run_and_wait(inputs, targets, weights, B, T_, token_losses, token_entropies, true);
    }

    // The same sum without gradients.
    double loss(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_,
                float* token_losses = nullptr, float* token_entropies = nullptr) {
        return run_and_wait(inputs, targets, weights, B, T_, token_losses, token_entropies, false);
    }

    // Logits of all positions to the host, out (B*T, V), fp32, without the padding columns.
    void logits(float* out, const int32_t* inputs, int64_t B, int64_t T_) {
        begin_inputs(inputs, B, T_);
        send_inputs(B * T_, 2);
        forward(B, T_);
        each_head_chunk(last_ln_, B * T_, [&](int64_t first, int64_t rows) { read_logits(out + first * config.V, rows); });
    }

    // n new tokens for each of B rows of the cache: row b lives in cache row slot[b] and has past[b] tokens there already.
    // Appends their keys and values; out (B, V) are the logits after each row's last token (null: nobody asks for them, as after all pieces
    // of a long prompt but the last). Host arrays; ids (B, n).
    void forward_cached(float* out, KvCache<Dev, T>& cache, const int32_t* ids, const int32_t* slot, const int32_t* past,
                        int64_t B, int64_t n) {
        const T* rows_c = cached_rows(cache, ids, slot, past, B, n);
        if (out) each_head_chunk(rows_c, B, [&](int64_t first, int64_t rows) { read_logits(out + first * config.V, rows); });
    }

    // As forward_cached, and row b's next token is drawn where its logits are, so that only ids come back: out_ids[b] by sample() of
    // sampling.hpp with the uniform u[b] in [0, 1), out_logprobs[b] (may be null) the log probability of that token under the full
    // softmax at config.temperature (at 1 where that is 0), whatever top_k and top_p keep. logits: (B, V) or null. Host arrays.
    // Throws where a row's logits are no distribution.
    void decode(int32_t* out_ids, float* out_logprobs, KvCache<Dev, T>& cache, const int32_t* ids, const int32_t* slot, const int32_t* past,
                const float* u, int64_t B, int64_t n, const SamplingConfig& sampling, float* logits = nullptr) {
        const T* rows_c = cached_rows(cache, ids, slot, past, B, n, u);
        float* logprobs = reinterpret_cast<float*>(sampled_ + B);                                            // (B)
        each_head_chunk(rows_c, B, [&](int64_t first, int64_t rows) {
            sample_rows(dev, sampled_ + first, logits_, uniforms_ + first, rows, config.V, config.Vp(), sampling,
                        out_logprobs ? logprobs + first : nullptr);
            if (logits) read_logits(logits + first * config.V, rows);
        });
        const int32_t* results = host_results_.template as<int32_t>();
        dev.copy_out(host_results_.template as<void>(), sampled_, size_t(out_logprobs ? 2 * B : B) * sizeof(int32_t));
        std::copy(results, results + B, out_ids);
        if (out_logprobs) std::memcpy(out_logprobs, results + B, size_t(B) * sizeof(float));
        for (int64_t b = 0; b < B; b++)
            if (out_ids[b] < 0)
                throw Error(cat("sampling: the logits of row ", b, " are no distribution: NaN, +inf, or all -inf"),
                            "the weights of the model are damaged, or its training diverged");
    }

   private:
    // From the new tokens to the normalised last layer at each row's last position, (B, C). u (B) or null goes along to uniforms_.
    const T* cached_rows(KvCache<Dev, T>& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, int64_t B, int64_t n,
                         const float* u = nullptr) {
        const int64_t N = B * n, C = config.C, S = input_stride(N);
        check_tokens(N, n);
        check_ids(ids, N);
        for (int64_t b = 0; b < B; b++)
            ASSERT(past[b] + n <= cache.max_T && slot[b] >= 0 && slot[b] < cache.rows, "row ", b, ": past ", past[b], " + ", n);
        auto* host = host_inputs_.template next<int32_t>();
        std::copy(ids, ids + N, host);
        for (int64_t i = 0; i < N; i++) host[S + i] = int32_t(past[i / n] + i % n);
        std::copy(slot, slot + B, host + 2 * S);
        std::copy(past, past + B, host + 3 * S);
        if (u) std::memcpy(host + 4 * S, u, size_t(B) * sizeof(float));
        send_inputs(N, u ? 5 : 4);
        const int32_t *slot_d = inputs_ + 2 * S, *past_d = inputs_ + 3 * S;
        uniforms_ = reinterpret_cast<float*>(inputs_ + 4 * S);
        const auto blocks = [&] {
            forward_blocks(N, [&](int64_t l, BlockActs<T>& a) {
                attention_cached(dev, a.att, cache.k[size_t(l)], cache.v[size_t(l)], a.qkv, slot_d, past_d, B, n, cache.max_T, config.NH, config.HS());
            });
        };
        if (n == 1) graphs_.run({B, n, 2, cache.id}, blocks);       // prompts have all lengths: not worth recording
        else blocks();
        for (int64_t b = 0; b < B; b++) {   // the last position of each row, gathered: (B, C)
            const T* last = last_ln_ + (b * n + n - 1) * C;
            if (n > 1) dev.copy_device(scratch_c_ + b * C, last, size_t(C) * sizeof(T));
        }
        return n > 1 ? scratch_c_ : last_ln_;
    }
    // Logits of N rows of x (N, C), as many at a time as logits_ holds: f(first, rows) after each chunk.
    template <typename F>
    void each_head_chunk(const T* x, int64_t N, F&& f) {
        for (int64_t first = 0; first < N; first += head_rows_) {
            const int64_t rows = std::min(head_rows_, N - first);
            head_forward(x + first * config.C, rows);
            f(first, rows);
        }
    }

   public:
    // Euclidean norm of all gradients, as they were accumulated. Of several ranks each adds its pieces, sharded optimizer or not.
    double grad_norm() {
        double sums[2];
        queue_squared_norm();
        read_sums(sums);
        return std::sqrt(sum_over_ranks(sums[1]));
    }

    // One AdamW step; weight decay on matrices only (ParamSpec::decay). step counts from 1. The gaps between tensors and the padding rows
    // take part: their gradients are zero, and so they stay zero. One kernel; with a sharded optimizer one a bucket, whose
    // parameters are then gathered while the next one is updated. grad_scale: as adamw_update has it.
    void update(AdamW adamw, const float* grad_scale = nullptr) {
        const typename Dev::Range range("update", adamw.step);
        const auto update_piece = [&](int64_t begin, int64_t end, int64_t at) {
            adamw.first = begin;
            const float* g = grads + begin;
            const uint32_t* decays = decays_;
            adamw_update(dev, params + begin, master ? master + at : nullptr, adam_m + at, adam_v + at, g, end - begin, adamw, decays, grad_scale);
        };
        if (!sharded()) return update_piece(0, layout.size, 0);
        for (const Bucket& b : layout.buckets) {
            const Piece own = own_piece(b);
            update_piece(own.begin, own.end, b.begin / ranks());
            comm_->all_gather(params + b.begin, b.end - b.begin);
        }
        comm_->join();
    }

    // Rows of logits that are in memory at once. Each chunk reads the head's weights three times and adds to its fp32 gradient, so chunks
    // should be long: at least 256 rows, and more while they fit in the device's share for them.
    static int64_t head_rows(const Config& config, int64_t N) { return std::min(N, std::max(int64_t(256), Dev::kLogitsAtOnce / config.Vp())); }
    int64_t ranks() const { return comm_ ? comm_->ranks().size() : 1; }
    int64_t rank() const { return comm_ ? comm_->ranks().rank() : 0; }
    bool sharded() const { return ranks() > 1 && options.shard_optimizer; }
    // The sum of a number over the ranks that train this model, the same bits on each. All ranks must call it.
    double sum_over_ranks(double x) { return comm_ ? comm_->ranks().sum(x) : x; }

    // The beginning of a step: gradients and its loss are zero.
    void zero_grads() {
        in_step_ = false;
        dev.zero(grads, size_t(layout.size) * sizeof(float));
        dev.zero(sums_, sizeof(double));
    }

    // Record the kernels of a micro-batch and replay them when its shape comes again (CUDA graphs; on at the start). A profiler sees more without.
    void use_graphs(bool on) { graphs_.enabled = on; }
    const typename Dev::Graphs& graphs() const { return graphs_; }

    // name and bytes of each arena, for the start-up table
    std::vector<std::pair<std::string, size_t>> arenas() const {
        std::vector<std::pair<std::string, size_t>> rows;
        for (const Arena<Dev>* a : {&params_arena_, &packed_arena_, &grads_arena_, &optimizer_arena_, &acts_arena_})
            if (a->bytes()) rows.emplace_back(a->name(), a->bytes());
        return rows;
    }

    Dev& dev;
    const Config config;
    const GptOptions options;
    const ParamLayout layout;
    T* params = nullptr;                                        // (layout.size)
    float* grads = nullptr;                                     // (layout.size)
    float *adam_m = nullptr, *adam_v = nullptr, *master = nullptr;  // (layout.size), or its ranks()th part; master: bf16 only

   private:
    struct Piece {
        int64_t begin, end;       // in elements of the arena
    };
    // The part of a bucket that reduce_scatter leaves to this rank; of one rank, all of it.
    Piece own_piece(const Bucket& b) const {
        const int64_t n = (b.end - b.begin) / ranks();
        return {b.begin + rank() * n, b.begin + (rank() + 1) * n};
    }
    // f(tensor, begin, end, at) for what this rank updates of a bucket: elements [begin, end) of the arena, part of one tensor, whose
    // optimizer state begins at `at`.
    template <typename F>
    void each_own_part(const Bucket& b, F&& f) const {
        const Piece own = sharded() ? own_piece(b) : Piece{b.begin, b.end};
        for (size_t i = b.first; i < b.last; i++) {
            const Tensor& t = layout.tensors[i];
            const int64_t begin = std::max(t.offset, own.begin), end = std::min(t.offset + t.size, own.end);
            if (begin < end) f(t, begin, end, sharded() ? b.begin / ranks() + begin - own.begin : begin);
        }
    }
    // The gradients of a bucket are complete: sum them over the ranks.
    void reduce(size_t bucket) {
        if (!reducing_) return;
        const Bucket& b = layout.buckets[bucket];
        if (sharded()) comm_->reduce_scatter(grads + b.begin, b.end - b.begin);
        else comm_->all_reduce(grads + b.begin, b.end - b.begin);
    }

    // The bits that adamw_update asks which parameters decay.
    void write_decays() {
        std::vector<uint32_t> words(size_t(ceil_div(layout.size, kDecayWord)), 0);
        for (const Tensor& t : layout.tensors)
            for (int64_t i = t.offset; t.decay && i < t.offset + t.size; i += kDecayUnit)
                words[size_t(i / kDecayWord)] |= 1u << (i / kDecayUnit % 32);
        dev.copy_in(decays_, words.data(), words.size() * sizeof(uint32_t));
        dev.synchronize();
    }

    // sums_[1] = the square of the gradients' norm: of several ranks this one's pieces, sharded optimizer or not.
    void queue_squared_norm() {
        dev.zero(sums_ + 1, sizeof(double));
        if (ranks() == 1) return add_squared_norm(dev, sums_ + 1, grads, layout.size);
        for (const Bucket& b : layout.buckets) {
            const Piece own = own_piece(b);
            add_squared_norm(dev, sums_ + 1, grads + own.begin, own.end - own.begin);
        }
    }
    void read_sums(double (&sums)[2]) {
        dev.copy_out(host_results_.template as<void>(), sums_, sizeof(sums));
        std::memcpy(sums, host_results_.template as<void>(), sizeof(sums));
    }

    // Weights packed for inference: room for them, and where they are.
    void place_packed() {
        if (options.weights == WeightStorage::stored) return;
        ASSERT((kCanPack<Dev, T>) && !options.training, "packed weights are for inference on the CPU");
        for (int pass = 0; pass < 2; pass++) {
            packed_.clear();
            for (const Tensor& t : layout.tensors) {
                if (t.offset >= 0) continue;
                const bool head = t.init.kind == InitKind::embedding;                                // (Vp, C): its rows are output channels
                PackedMatrix w{options.weights, t.shape[head ? 1 : 0], t.shape[head ? 0 : 1], sizeof(T) == 2};
                w.panels = packed_arena_.template take<char>(w.panel_bytes());
                w.scales = packed_arena_.template take<float>(w.padded());
                packed_.push_back(w);
            }
            if (pass == 0) packed_arena_.allocate();
        }
    }
    PackedMatrix& packed(int64_t offset) { return packed_[size_t(-1 - offset)]; }
    const PackedMatrix& packed(int64_t offset) const { return packed_[size_t(-1 - offset)]; }

    // y (N, M) = x (N, K) w + b with the tensors at these offsets.
    void linear(T* y, const T* x, int64_t w, int64_t b, int64_t N, int64_t K, int64_t M) {
        if constexpr (kCanPack<Dev, T>)
            if (w < 0) return linear_packed(dev, y, x, packed(w), params + b, false, N);
        linear_forward(dev, y, x, params + w, params + b, N, K, M);
    }
    void embed(T* x, int64_t N) {
        const T* wpe = params + layout.root.wpe;
        if constexpr (kCanPack<Dev, T>)
            if (layout.root.wte < 0) return embedding_packed(dev, x, ids_, positions_, packed(layout.root.wte), wpe, N, config.C);
        embedding_forward(dev, x, ids_, positions_, params + layout.root.wte, wpe, N, config.C);
    }

    void place_activations() {
        const int64_t N = options.max_tokens, C = config.C, L = config.L;
        auto& arena = acts_arena_;
        auto block = [&](T* in) {
            BlockActs<T> a;
            a.in = in ? in : arena.template take<T>(N * C);
            a.ln1 = arena.template take<T>(N * C);
            a.ln1_mean = arena.template take<float>(N);
            a.ln1_rstd = arena.template take<float>(N);
            a.qkv = arena.template take<T>(N * 3 * C);
            a.att = arena.template take<T>(N * C);
            a.lse = arena.template take<float>(N * config.NH);
            a.mid = arena.template take<T>(N * C);
            a.ln2 = arena.template take<T>(N * C);
            a.ln2_mean = arena.template take<float>(N);
            a.ln2_rstd = arena.template take<float>(N);
            a.fc = arena.template take<T>(N * 4 * C);
            a.gelu = arena.template take<T>(N * 4 * C);
            return a;
        };
        acts_.clear();
        if (options.training && !options.recompute) {
            for (int64_t l = 0; l < L; l++) acts_.push_back(block(nullptr));
        } else {
            // one set of buffers serves all layers; training keeps each block's input to start again from
            acts_.assign(size_t(L), block(nullptr));
            if (options.training)
                for (int64_t l = 1; l < L; l++) acts_[size_t(l)].in = arena.template take<T>(N * C);
        }
        last_ = options.training ? arena.template take<T>(N * C) : acts_[0].in;
        last_ln_ = arena.template take<T>(N * C);
        last_mean_ = arena.template take<float>(N);
        last_rstd_ = arena.template take<float>(N);
        scratch_c_ = arena.template take<T>(N * C);
        if (options.training) {
            d_stream_ = arena.template take<T>(N * C);
            d_ln_ = arena.template take<T>(N * C);
            d_wide_ = arena.template take<T>(N * 4 * C);
        }
        head_rows_ = head_rows(config, N);
        logits_ = arena.template take<T>(head_rows_ * config.Vp());
        losses_ = arena.template take<float>(N);
        entropies_ = arena.template take<float>(N);
        parts_ = arena.template take<double>(2 * ranks());
        sums_ = parts_ + 2 * rank();
        step_sums_ = arena.template take<StepSums>(1);
        sampled_ = arena.template take<int32_t>(2 * N);
        inputs_ = arena.template take<int32_t>(kInputArrays * input_stride(N));
    }

    void check_tokens(int64_t N, int64_t T_) const {
        ASSERT(N <= options.max_tokens, N, " tokens in one call, built for ", options.max_tokens);
        if (T_ > config.max_T) throw Error(cat("a sequence of ", T_, " tokens is longer than the model's context of ", config.max_T));
    }
    void check_ids(const int32_t* ids, int64_t N) const {
        for (int64_t i = 0; i < N; i++)
            if (ids[i] < 0 || ids[i] >= config.V)
                throw Error(cat("token id ", ids[i], " at position ", i, " is outside the model's vocabulary of ", config.V));
    }

    // ---- inputs: the arrays of a call, N numbers of 4 bytes each, lie one after another on both sides, and go over in one copy

    static constexpr int64_t kInputArrays = 5;
    static int64_t input_stride(int64_t N) { return round_up(N, int64_t(64)); }
    // The ids and positions of B rows of T tokens into the next host block, where they are the first two arrays.
    int32_t* begin_inputs(const int32_t* ids, int64_t B, int64_t T_) {
        const int64_t N = B * T_, S = input_stride(N);
        check_tokens(N, T_);
        check_ids(ids, N);
        auto* host = host_inputs_.template next<int32_t>();
        std::copy(ids, ids + N, host);
        for (int64_t b = 0; b < B; b++)
            for (int64_t t = 0; t < T_; t++) host[S + b * T_ + t] = int32_t(t);
        return host;
    }
    void send_inputs(int64_t N, int64_t arrays) {
        const int64_t S = input_stride(N);
        dev.copy_in(inputs_, host_inputs_.template current<int32_t>(), size_t(arrays * S) * 4);
        host_inputs_.sent();
        ids_ = inputs_, positions_ = inputs_ + S;
    }

    // From the tokens of the inputs to the normalised last layer, last_ln_ (N, C).
    void forward(int64_t B, int64_t T_) {
        forward_blocks(B * T_, [&](int64_t, BlockActs<T>& a) {
            attention_forward(dev, a.att, a.lse, a.qkv, B, T_, config.NH, config.HS());      // (B, T, C)
        });
    }

    // Embedding, all blocks, last LayerNorm. `attend(l, acts)` computes acts.att from acts.qkv.
    template <typename Attend>
    void forward_blocks(int64_t N, const Attend& attend) {
        const int64_t C = config.C;
        const T* p = params;
        const RootOffsets& r = layout.root;
        const BlockOffsets& first = layout.block[0];
        BlockActs<T>& a0 = acts_[0];
        embed(a0.in, N);                                                                                     // (N, C)
        layernorm_forward(dev, a0.ln1, a0.ln1_mean, a0.ln1_rstd, a0.in, p + first.ln_1_w, p + first.ln_1_b, N, C);
        for (int64_t l = 0; l < config.L; l++) {
            const typename Dev::Range range("forward of layer", l);
            const BlockOffsets& o = layout.block[size_t(l)];
            BlockActs<T>& a = acts_[size_t(l)];
            forward_inside(l, N, attend);
            linear(scratch_c_, a.gelu, o.fcproj_w, o.fcproj_b, N, 4 * C, C);                                 // (N, C)
            // the block's second addition to the stream, together with the LayerNorm that comes next
            if (l + 1 < config.L) {
                const BlockOffsets& next = layout.block[size_t(l + 1)];
                BlockActs<T>& b = acts_[size_t(l + 1)];
                residual_layernorm_forward(dev, b.in, b.ln1, b.ln1_mean, b.ln1_rstd, a.mid, scratch_c_,
                                           p + next.ln_1_w, p + next.ln_1_b, N, C);
            } else {
                residual_layernorm_forward(dev, last_, last_ln_, last_mean_, last_rstd_, a.mid, scratch_c_,
                                           p + r.ln_f_w, p + r.ln_f_b, N, C);
            }
        }
    }

    // The inside of block l, from ln1 to gelu: all that its backward pass needs.
    template <typename Attend>
    void forward_inside(int64_t l, int64_t N, const Attend& attend) {
        const int64_t C = config.C;
        const T* p = params;
        const BlockOffsets& o = layout.block[size_t(l)];
        BlockActs<T>& a = acts_[size_t(l)];
        linear(a.qkv, a.ln1, o.qkv_w, o.qkv_b, N, C, 3 * C);                                                 // (N, 3C)
        attend(l, a);                                                                                        // (N, C)
        linear(scratch_c_, a.att, o.proj_w, o.proj_b, N, C, C);                                              // (N, C)
        residual_layernorm_forward(dev, a.mid, a.ln2, a.ln2_mean, a.ln2_rstd, a.in, scratch_c_,
                                   p + o.ln_2_w, p + o.ln_2_b, N, C);                                        // in + attention
        if constexpr (kCanPack<Dev, T>)
            if (o.fc_w < 0) return linear_packed(dev, a.gelu, a.ln2, packed(o.fc_w), p + o.fc_b, true, N);
        linear_gelu_forward(dev, a.gelu, a.fc, a.ln2, p + o.fc_w, p + o.fc_b, N, C, 4 * C);                  // (N, 4C)
    }

    // logits_ (rows, Vp) = x wte^T
    void head_forward(const T* x, int64_t rows) {
        if (config.scores) throw Error("this is a reward model: it scores answers and writes none", "give an assistant, or score answers with: train_gpt reward score");
        if constexpr (kCanPack<Dev, T>)
            if (layout.root.lm_head < 0) return linear_packed<T>(dev, logits_, x, packed(layout.root.lm_head), nullptr, false, rows);
        matmul<T, T>(dev, logits_, x, params + layout.root.lm_head, rows, config.Vp(), config.C, false, true, false);
    }

    // logits_ -> host, fp32, V columns
    void read_logits(float* out, int64_t rows) {
        const int64_t V = config.V, Vp = config.Vp();
        host_logits_.resize(size_t(rows * Vp));
        dev.copy_out(host_logits_.data(), logits_, size_t(rows * Vp) * sizeof(T));
        for (int64_t n = 0; n < rows; n++)
            for (int64_t v = 0; v < V; v++) out[n * V + v] = float(host_logits_[size_t(n * Vp + v)]);
    }

    // One batch: sums_[0] += its loss; losses_, and entropies_ where asked for, receive those of its tokens. Queued: nothing is waited for.
    // Recorded as a graph, but for the backward pass in which ranks talk: NCCL's calls can be recorded, yet the last micro-batch of a step
    // is one of many or a large one (its launches cost little), and a recorded collective would outlive the error that ends a job.
    void run(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_, bool with_entropies, bool with_backward,
             const float* entropy_weights = nullptr) {
        const int64_t N = B * T_, S = input_stride(N);
        const typename Dev::Range range(with_backward ? "micro-batch" : "evaluation", N);
        for (int64_t i = 0; i < N; i++)
            if (targets[i] >= config.V)
                throw Error(cat("target id ", targets[i], " at position ", i, " is outside the model's vocabulary of ", config.V));
        int32_t* host = begin_inputs(inputs, B, T_);
        std::copy(targets, targets + N, host + 2 * S);
        std::memcpy(host + 3 * S, weights, size_t(N) * sizeof(float));
        if (entropy_weights) std::memcpy(host + 4 * S, entropy_weights, size_t(N) * sizeof(float));
        send_inputs(N, entropy_weights ? 5 : 4);
        targets_ = inputs_ + 2 * S, weights_ = reinterpret_cast<float*>(inputs_ + 3 * S);
        entropy_weights_ = entropy_weights ? reinterpret_cast<float*>(inputs_ + 4 * S) : nullptr;
        with_entropies = with_entropies || entropy_weights;
        if (reducing_ && with_backward) compute(B, T_, with_entropies, with_backward);
        else graphs_.run({B, T_, with_backward, with_entropies + 4 * (entropy_weights != nullptr)}, [&] { compute(B, T_, with_entropies, with_backward); });
    }
    double run_and_wait(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_, float* token_losses,
                        float* token_entropies, bool with_backward) {
        ASSERT(!in_step_, "between accumulate() and finish_step() the loss is the step's");
        double sums[2];
        dev.zero(sums_, sizeof(double));
        run(inputs, targets, weights, B, T_, token_entropies != nullptr, with_backward);
        if (token_losses) dev.copy_out(token_losses, losses_, size_t(B * T_) * sizeof(float));
        if (token_entropies) dev.copy_out(token_entropies, entropies_, size_t(B * T_) * sizeof(float));
        read_sums(sums);
        return sums[0];
    }

    // All kernels of a batch, whose inputs are on the device.
    void compute(int64_t B, int64_t T_, bool with_entropies, bool with_backward) {
        const int64_t N = B * T_, C = config.C, Vp = config.Vp();
        forward(B, T_);
        const T* head = params + layout.root.lm_head;                                                        // (Vp, C)
        if (config.scores)
            score_head(dev, losses_, with_backward ? d_ln_ : nullptr, with_backward ? grads + layout.root.score : nullptr, last_ln_,
                       params + layout.root.score, targets_, weights_, N, C);
        for (int64_t first = 0; first < N && !config.scores; first += head_rows_) {
            const typename Dev::Range range("head", first);
            const int64_t rows = std::min(head_rows_, N - first);
            const T* x = last_ln_ + first * C;                                                               // (rows, C)
            head_forward(x, rows);
            float* entropies = with_entropies ? entropies_ + first : nullptr;
            classifier(dev, losses_ + first, entropies, logits_, targets_ + first, weights_ + first, rows, config.V, Vp, with_backward,
                       entropy_weights_ ? entropy_weights_ + first : nullptr);
            if (!with_backward) continue;
            // forward was logits = x head^T, and logits_ now holds dlogits
            matmul<T, T>(dev, d_ln_ + first * C, logits_, head, rows, C, Vp, false, false, false);           // dx = dlogits head
            matmul<float, T>(dev, grads + layout.root.lm_head, logits_, x, Vp, C, rows, true, false, true);  // dhead += dlogits^T x
        }
        add_weighted_sum(dev, sums_, static_cast<const float*>(weights_), static_cast<const float*>(losses_), N);
        if (entropy_weights_) add_weighted_sum(dev, sums_, static_cast<const float*>(entropy_weights_), static_cast<const float*>(entropies_), N);
        if (with_backward) backward(B, T_);
    }

    // From d_ln_ (gradient of the last LayerNorm's output) back to all parameters. The mirror of forward_blocks.
    void backward(int64_t B, int64_t T_) {
        const int64_t N = B * T_, C = config.C;
        const T* p = params;
        float* g = grads;
        const RootOffsets& r = layout.root;
        dev.zero(d_stream_, size_t(N * C) * sizeof(T));
        // forward was last_ln = layernorm(last). Gradients of biases, the column sums of a layer's dy, come from who writes that dy, where it is ours: the
        // backward passes of LayerNorm (those of fcproj and proj, whose outputs were added to the stream before) and of attention (that of qkv).
        layernorm_backward(dev, d_stream_, g + r.ln_f_w, g + r.ln_f_b, g + layout.block.back().fcproj_b, d_ln_, last_, p + r.ln_f_w, last_mean_,
                           last_rstd_, N, C);
        reduce(layout.buckets.size() - 1);
        for (int64_t l = config.L - 1; l >= 0; l--) {
            const typename Dev::Range range("backward of layer", l);
            const BlockOffsets& o = layout.block[size_t(l)];
            BlockActs<T>& a = acts_[size_t(l)];
            if (options.recompute) {
                layernorm_forward(dev, a.ln1, a.ln1_mean, a.ln1_rstd, a.in, p + o.ln_1_w, p + o.ln_1_b, N, C);
                forward_inside(l, N, [&](int64_t, BlockActs<T>& b) {
                    attention_forward(dev, b.att, b.lse, b.qkv, B, T_, config.NH, config.HS());
                });
            }
            // forward was out = mid + fcproj(gelu(fc(ln_2(mid)))); d_stream_ is d_out, and becomes d_mid
            linear_gelu_backward(dev, d_wide_, g + o.fcproj_w, nullptr, d_stream_, a.fc, a.gelu, p + o.fcproj_w, N, 4 * C, C);
            linear_backward(dev, d_ln_, g + o.fc_w, g + o.fc_b, d_wide_, a.ln2, p + o.fc_w, N, C, 4 * C);
            layernorm_backward(dev, d_stream_, g + o.ln_2_w, g + o.ln_2_b, g + o.proj_b, d_ln_, a.mid, p + o.ln_2_w, a.ln2_mean, a.ln2_rstd, N, C);
            // forward was mid = in + proj(attention(qkv(ln_1(in)))); d_stream_ becomes d_in
            linear_backward(dev, d_ln_, g + o.proj_w, nullptr, d_stream_, a.att, p + o.proj_w, N, C, C);
            attention_backward(dev, d_wide_, g + o.qkv_b, d_ln_, a.qkv, a.att, a.lse, B, T_, config.NH, config.HS());
            linear_backward(dev, d_ln_, g + o.qkv_w, nullptr, d_wide_, a.ln1, p + o.qkv_w, N, C, 3 * C);
            float* const db_before = l > 0 ? g + layout.block[size_t(l - 1)].fcproj_b : nullptr;      // in_0 is the embedding, which has no bias
            layernorm_backward(dev, d_stream_, g + o.ln_1_w, g + o.ln_1_b, db_before, d_ln_, a.in, p + o.ln_1_w, a.ln1_mean, a.ln1_rstd, N, C);
            reduce(size_t(l) + 1);
        }
        // forward was in_0 = wte[id] + wpe[position]
        const typename Dev::Range range("backward of the embedding");
        embedding_backward(dev, g + r.wte, g + r.wpe, d_stream_, ids_, positions_, N, C);
        reduce(0);
        if (reducing_) comm_->join();
    }

    Comm<Dev>* comm_;
    bool reducing_ = false;                            // does this backward pass complete a step of several ranks?
    std::optional<uint64_t> rounding_;                 // see round_as
    const float* gathered_ = nullptr;                  // whose whole array lies in `grads` (see whole_state)
    Arena<Dev> params_arena_, packed_arena_, grads_arena_, optimizer_arena_, acts_arena_;
    std::vector<PackedMatrix> packed_;                 // see ParamLayout
    std::vector<BlockActs<T>> acts_;                   // one a layer (shared buffers with --recompute and without training)
    T *last_, *last_ln_;                               // (N, C) the stream after the last block, and normalised
    float *last_mean_, *last_rstd_;                    // (N)
    T* scratch_c_;                                     // (N, C) what a projection adds to the stream
    T *d_stream_ = nullptr, *d_ln_ = nullptr;          // (N, C) gradients
    T* d_wide_ = nullptr;                              // (N, 4C)
    T* logits_;                                        // (head_rows_, Vp)
    int64_t head_rows_ = 0;
    float *losses_, *entropies_;                       // (N)
    double* parts_;                                    // (ranks, 2) of each rank: the loss of the step, the square of the gradients' norm
    double* sums_;                                     // (2) this rank's part
    StepSums* step_sums_;                              // (1) and what they come to
    int32_t* sampled_;                                 // (B) ids that decode() has drawn, and behind them (B) their log probabilities
    int32_t* inputs_;                                  // (5, N) the arrays of a call, which the pointers below lie in
    int32_t *ids_ = nullptr, *positions_ = nullptr, *targets_ = nullptr;  // (N)
    float *weights_ = nullptr, *entropy_weights_ = nullptr, *uniforms_ = nullptr;   // (N), (N), (B)
    uint32_t* decays_ = nullptr;                       // see adamw.hpp
    bool in_step_ = false;                             // between accumulate() and finish_step()
    HostBlocks<Dev> host_inputs_;                      // (5, N)
    HostBlock<Dev> host_results_;                      // sums_, step_sums_, or sampled_
    typename Dev::Event sums_read_;                    // step_sums_ have come
    typename Dev::Graphs graphs_;
    std::vector<T> host_logits_;
};
