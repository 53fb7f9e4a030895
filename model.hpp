// model.hpp -- a model whose device and storage type are not known when its user is compiled.
//
// gpt.hpp is a template over the device and the storage type: up to four models, of which a run uses one. Whoever trains, asks, chats or evaluates
// sees this interface instead: coarse operations (a whole forward pass), so that a virtual call costs nothing, and chapters
// that are compiled once instead of four times. What gpt.hpp says of an operation holds here. backend.hpp has what is behind.
#pragma once

#include <functional>
#include <memory>

#include "checkpoint.hpp"
#include "kernels/adamw.hpp"
#include "kernels/global_norm.hpp"
#include "kernels/sampling.hpp"
#include "ranks.hpp"

// Keys and values of past positions, a row for each sequence (KvCache of kv_cache.hpp).
class ModelCache {
   public:
    ModelCache(int64_t rows, int64_t max_T) : rows(rows), max_T(max_T) {}
    virtual ~ModelCache() = default;
    // Row `to` begins with the same `tokens` positions as row `from`.
    virtual void copy_row(int32_t to, int32_t from, int64_t tokens) = 0;
    const int64_t rows, max_T;
};

// The arrays of the optimizer, each as large as the parameters.
enum class AdamState { m, v, master };

// A Gpt of gpt.hpp.
class Model {
   public:
    Model(const Config& config, const ParamLayout& layout, int64_t max_tokens) : config(config), layout(layout), max_tokens(max_tokens) {}
    virtual ~Model() = default;

    // ---- to ask it
    virtual std::unique_ptr<ModelCache> make_cache(int64_t rows, int64_t max_T) = 0;
    virtual void forward_cached(float* out, ModelCache& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, int64_t B, int64_t n) = 0;
    virtual void decode(int32_t* out_ids, float* out_logprobs, ModelCache& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, const float* u,
                        int64_t B, int64_t n, const SamplingConfig& sampling, float* logits) = 0;
    virtual double loss(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T, float* token_losses = nullptr,
                        float* token_entropies = nullptr) = 0;
    virtual void logits(float* out, const int32_t* inputs, int64_t B, int64_t T) = 0;
    virtual std::string device() const = 0;          // "cpu, fp32", "cpu, fp32, weights in int8"

    // ---- its tensors, as fp32 on the host; one that was packed for generation can be set once
    virtual void init_weights(uint32_t seed) = 0;
    virtual void set_tensor(const Tensor& t, const float* host) = 0;
    virtual void get_tensor(const Tensor& t, float* host) const = 0;
    virtual void round_as(uint64_t key) = 0;
    virtual std::vector<std::pair<std::string, size_t>> arenas() const = 0;   // name, bytes

    // ---- to train it: one built with GptOptions::training
    virtual void zero_grads() = 0;
    virtual void accumulate(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T, bool last_of_step,
                            const float* entropy_weights = nullptr) = 0;
    virtual StepSums finish_step(const AdamW& adamw, const StepGate& gate) = 0;
    virtual void use_graphs(bool on) = 0;
    virtual double sum_over_ranks(double x) = 0;
    virtual int rank() const = 0;
    // The optimizer's arrays of all ranks together: gather_state() first, which all ranks must call; get_state() then reads of that array until the
    // next step begins, get_tensor() of the master weights. set_state() writes what belongs to this rank.
    virtual bool has_master() const = 0;
    virtual void gather_state(AdamState which) = 0;
    virtual void get_state(const Tensor& t, float* host) const = 0;
    virtual void set_state(AdamState which, const Tensor& t, const float* host) = 0;

    const Config config;
    const ParamLayout& layout;
    const int64_t max_tokens;                        // most tokens of one call
};

// A device, and the type in which its models store their numbers: what --device and --dtype ask for.
class Backend {
   public:
    virtual ~Backend() = default;
    // ranks: those that train the model together, and that outlive it; null: this process is alone. Throws UsageError where set_matmul() asked for
    // products that such a model cannot have.
    virtual std::unique_ptr<Model> make_model(const Config& config, const GptOptions& options, Ranks* ranks = nullptr) = 0;
    virtual void set_matmul(const MatmulSettings& settings) = 0;                 // before the first model
    virtual void log_tuning(std::function<void(const std::string&)> log) = 0;    // from now on, what --autotune chooses
    virtual std::string dtype() const = 0;                                       // "fp32"
    virtual std::string describe() const = 0;                                    // "cpu, fp32, 2 threads, ..."
    virtual double measured_peak_flops() = 0;                                    // of matrix products, measured now
};

// Call use(backend) for --device, --dtype and --threads. `auto` is the first GPU where there is one, with bf16 there; elsewhere the processor, with
// bf16 where its products are fast. What cannot be honoured fails; it does not fall back. local_rank: which GPU of several.
void with_backend(const std::string& device, const std::string& dtype, int threads, int local_rank, const std::function<void(Backend&)>& use);

// Tokens that a model is built for which writes `rows` answers at once: a decoding step of all of them, and prompts in pieces of up to 512.
inline int64_t tokens_of_a_call(const Config& c, int64_t rows) { return std::max(rows, std::min(c.max_T, int64_t(512))); }

// The model in `reader` on the device that --device, --dtype, --weights and --threads ask for, built for calls of max_tokens tokens.
// Throws UsageError where weights and activations do not go together.
void with_model(const std::string& device, const std::string& dtype, const std::string& weights, int threads, const ModelReader& reader, int64_t max_tokens,
                const std::function<void(Model&)>& use);
