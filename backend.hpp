// backend.hpp -- what is behind model.hpp: the models of gpt.hpp on each device, for each storage type. Not needed to read on.
//
// Nothing is computed here: each operation of the interface is handed to the Gpt that does it. This header and gpt.hpp are compiled once
// for all of the program, in device_chapters.cpp; tests that look into a Gpt include them, too.
#pragma once

#include <optional>

#include "gpt.hpp"
#include "kernels/devices.hpp"
#include "kernels/fp8.hpp"
#include "model.hpp"

template <typename Dev, typename T>
struct CacheOf final : ModelCache {
    CacheOf(Dev& dev, const Config& c, int64_t rows, int64_t max_T) : ModelCache(rows, max_T), dev(dev), cache(dev, c, rows, max_T), NH(c.NH), HS(c.HS()) {}
    void copy_row(int32_t to, int32_t from, int64_t tokens) override {
        const int64_t head = max_T * HS, row = NH * head;
        for (auto* side : {&cache.k, &cache.v})
            for (T* layer : *side) dev.copy_device(layer + to * row, layer + from * row, size_t(tokens * HS) * sizeof(T), size_t(head) * sizeof(T), NH);
    }
    Dev& dev;
    KvCache<Dev, T> cache;
    const int64_t NH, HS;
};

// The interface to a Gpt that somebody else owns.
template <typename Dev, typename T>
class ModelOf : public Model {
   public:
    explicit ModelOf(Gpt<Dev, T>& gpt) : Model(gpt.config, gpt.layout, gpt.options.max_tokens), gpt_(gpt) {}
    std::unique_ptr<ModelCache> make_cache(int64_t rows, int64_t max_T) override { return std::make_unique<CacheOf<Dev, T>>(gpt_.dev, gpt_.config, rows, max_T); }
    void forward_cached(float* out, ModelCache& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, int64_t B, int64_t n) override {
        gpt_.forward_cached(out, static_cast<CacheOf<Dev, T>&>(cache).cache, ids, slot, past, B, n);
    }
    void decode(int32_t* out_ids, float* out_logprobs, ModelCache& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, const float* u,
                int64_t B, int64_t n, const SamplingConfig& sampling, float* logits) override {
        gpt_.decode(out_ids, out_logprobs, static_cast<CacheOf<Dev, T>&>(cache).cache, ids, slot, past, u, B, n, sampling, logits);
    }
    double loss(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_, float* token_losses, float* token_entropies) override {
        return gpt_.loss(inputs, targets, weights, B, T_, token_losses, token_entropies);
    }
    void logits(float* out, const int32_t* inputs, int64_t B, int64_t T_) override { gpt_.logits(out, inputs, B, T_); }
    std::string device() const override {
        const WeightStorage w = gpt_.options.weights;
        return cat(Dev::name(), ", ", dtype_name<T>(), w == WeightStorage::bf16 || w == WeightStorage::int8 ? cat(", weights in ", weight_storage_name(w)) : "");
    }

    void init_weights(uint32_t seed) override { gpt_.init_weights(seed); }
    void set_tensor(const Tensor& t, const float* host) override { gpt_.set_tensor(t, host); }
    void get_tensor(const Tensor& t, float* host) const override { gpt_.get_tensor(t, host); }
    void round_as(uint64_t key) override { gpt_.round_as(key); }
    std::vector<std::pair<std::string, size_t>> arenas() const override { return gpt_.arenas(); }

    void zero_grads() override { gpt_.zero_grads(), whole_ = nullptr; }
    void accumulate(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T_, bool last_of_step, const float* entropy_weights) override {
        whole_ = nullptr;
        gpt_.accumulate(inputs, targets, weights, B, T_, last_of_step, entropy_weights);
    }
    StepSums finish_step(const AdamW& adamw, const StepGate& gate) override { return gpt_.finish_step(adamw, gate); }
    void use_graphs(bool on) override { gpt_.use_graphs(on); }
    double sum_over_ranks(double x) override { return gpt_.sum_over_ranks(x); }
    int rank() const override { return gpt_.rank(); }

    bool has_master() const override { return gpt_.master != nullptr; }
    void gather_state(AdamState which) override { whole_ = gpt_.whole_state(state(which)); }
    void get_state(const Tensor& t, float* host) const override {
        ASSERT(whole_, t.name, ": gather_state() comes first");
        gpt_.dev.copy_out(host, whole_ + t.offset, size_t(t.size) * sizeof(float));
    }
    void set_state(AdamState which, const Tensor& t, const float* host) override { gpt_.set_state(state(which), t, host); }

   private:
    float* state(AdamState which) const {
        float* array = which == AdamState::m ? gpt_.adam_m : which == AdamState::v ? gpt_.adam_v : gpt_.master;
        ASSERT(array, "this model keeps no such array");
        return array;
    }
    Gpt<Dev, T>& gpt_;
    const float* whole_ = nullptr;   // what gather_state() found: with several ranks it lies in the memory of the gradients
};

// A Gpt of its own, with what connects it to the other ranks.
template <typename Dev, typename T>
struct GptAndComm {
    GptAndComm(Dev& dev, const Config& config, const GptOptions& options, Ranks* ranks) {
        if (ranks) comm.emplace(dev, *ranks);
        gpt.emplace(dev, config, options, comm ? &*comm : nullptr);
    }
    std::optional<Comm<Dev>> comm;   // before the model, which uses it to its end
    std::optional<Gpt<Dev, T>> gpt;
};
template <typename Dev, typename T>
class OwnedModel final : GptAndComm<Dev, T>, public ModelOf<Dev, T> {
   public:
    OwnedModel(Dev& dev, const Config& config, const GptOptions& options, Ranks* ranks)
        : GptAndComm<Dev, T>(dev, config, options, ranks), ModelOf<Dev, T>(*this->GptAndComm<Dev, T>::gpt) {}
};

template <typename Dev, typename T>
class BackendOf final : public Backend {
   public:
    explicit BackendOf(Dev& dev) : dev_(dev) {}
    std::unique_ptr<Model> make_model(const Config& config, const GptOptions& options, Ranks* ranks) override {
        if (options.training && dev_.operands == Operands::fp8) check_fp8_layer(config.C, config.C);
        return std::make_unique<OwnedModel<Dev, T>>(dev_, config, options, ranks);
    }
    void set_matmul(const MatmulSettings& settings) override { ::set_matmul(dev_, settings, sizeof(T) == 2); }
    void log_tuning(std::function<void(const std::string&)> log) override {
        if constexpr (requires { dev_.tuning_log; }) dev_.tuning_log = std::move(log);
    }
    std::string dtype() const override { return dtype_name<T>(); }
    std::string describe() const override { return cat(Dev::name(), ", ", dtype_name<T>(), ", ", device_details(dev_)); }
    double measured_peak_flops() override { return ::measured_peak_flops(dev_, sizeof(T) == 2); }

   private:
    Dev& dev_;
};

// What --weights asks of a model that computes with T on Dev: stored as T, or packed.
template <typename Dev, typename T>
WeightStorage weights_for(const std::string& weights) {
    const WeightStorage asked = weight_storage_of(weights), own = weight_storage_of(dtype_name<T>());
    const WeightStorage wanted = asked == WeightStorage::stored ? own : asked;
    if (can_pack<Dev, T>(wanted)) return wanted;
    if (wanted == own) return WeightStorage::stored;
    throw UsageError(cat("--weights ", weights, ": computing with ", dtype_name<T>(), " on the ", Dev::name(), " they are stored as ", dtype_name<T>()),
                     "add --device cpu --dtype fp32");
}
