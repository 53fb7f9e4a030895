// model.hpp -- a model whose device and storage type are not known when its user is compiled.
//
// gpt.hpp is a template over the device and the storage type: four models, of which a run uses one. Training needs to know which;
// asking, chatting and evaluating do not. They see this interface: coarse operations (a whole forward pass), so that a virtual call
// costs nothing, and chapters that are compiled once instead of four times.
// with_model() builds the model that --device and --dtype ask for, reads its weights, and hands it over.
#pragma once

#include "checkpoint.hpp"
#include "gpt.hpp"

// Keys and values of past positions, a row for each sequence (KvCache of gpt.hpp).
class ModelCache {
   public:
    ModelCache(int64_t rows, int64_t max_T) : rows(rows), max_T(max_T) {}
    virtual ~ModelCache() = default;
    // Row `to` begins with the same `tokens` positions as row `from`.
    virtual void copy_row(int32_t to, int32_t from, int64_t tokens) = 0;
    const int64_t rows, max_T;
};

// The operations of Gpt that do not train it; gpt.hpp says what each does.
class Model {
   public:
    Model(const Config& config, int64_t max_tokens) : config(config), max_tokens(max_tokens) {}
    virtual ~Model() = default;
    virtual std::unique_ptr<ModelCache> make_cache(int64_t rows, int64_t max_T) = 0;
    virtual void forward_cached(float* out, ModelCache& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, int64_t B, int64_t n) = 0;
    virtual void decode(int32_t* out_ids, float* out_logprobs, ModelCache& cache, const int32_t* ids, const int32_t* slot, const int32_t* past, const float* u,
                        int64_t B, int64_t n, const SamplingConfig& sampling, float* logits) = 0;
    virtual double loss(const int32_t* inputs, const int32_t* targets, const float* weights, int64_t B, int64_t T, float* token_losses, float* token_entropies) = 0;
    virtual void logits(float* out, const int32_t* inputs, int64_t B, int64_t T) = 0;
    virtual std::string device() const = 0;          // "cpu, fp32, 2 threads, ..."
    const Config config;
    const int64_t max_tokens;                        // most tokens of one call
};

template <typename Dev, typename T>
struct CacheOf final : ModelCache {
    // Of a cache that somebody else owns, or of one of its own.
    CacheOf(Dev& dev, KvCache<Dev, T>& cache, int64_t C) : ModelCache(cache.rows, cache.max_T), dev(dev), cache(cache), C(C) {}
    CacheOf(Dev& dev, const Config& c, int64_t rows, int64_t max_T)
        : ModelCache(rows, max_T), dev(dev), own(std::make_unique<KvCache<Dev, T>>(dev, c, rows, max_T)), cache(*own), C(c.C) {}
    void copy_row(int32_t to, int32_t from, int64_t tokens) override {
        const int64_t row = max_T * C;
        for (auto* side : {&cache.k, &cache.v})
            for (T* layer : *side) dev.copy_device(layer + to * row, layer + from * row, size_t(tokens * C) * sizeof(T));
    }
    Dev& dev;
    const std::unique_ptr<KvCache<Dev, T>> own;
    KvCache<Dev, T>& cache;
    const int64_t C;
};

// The interface to a Gpt that somebody else owns.
template <typename Dev, typename T>
class ModelOf final : public Model {
   public:
    explicit ModelOf(Gpt<Dev, T>& gpt) : Model(gpt.config, gpt.options.max_tokens), gpt_(gpt) {}
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

   private:
    Gpt<Dev, T>& gpt_;
};

// Tokens that a model is built for which writes `rows` answers at once: a decoding step of all of them, and prompts in pieces of up to 512.
inline int64_t tokens_of_a_call(const Config& c, int64_t rows) { return std::max(rows, std::min(c.max_T, int64_t(512))); }

// The model in `reader` on the device that --device, --dtype, --weights and --threads ask for, built for calls of max_tokens tokens.
// Throws UsageError where weights and activations do not go together. Defined in train_gpt.cu.
void with_model(const std::string& device, const std::string& dtype, const std::string& weights, int threads, const ModelReader& reader, int64_t max_tokens,
                const std::function<void(Model&)>& use);

// What --weights asks of a model that computes with T on Dev: stored as T, or packed.
template <typename Dev, typename T>
WeightStorage weights_for(const std::string& weights) {
    const WeightStorage asked = weight_storage_of(weights);
    if constexpr (kCanPack<Dev, T>) return asked == WeightStorage::stored ? WeightStorage::fp32 : asked;
    if (weights == "auto" || weights == dtype_name<T>()) return WeightStorage::stored;
    throw UsageError(cat("--weights ", weights, ": computing with ", dtype_name<T>(), " on the ", Dev::name(), " they are stored as ", dtype_name<T>()),
                     "add --device cpu --dtype fp32");
}
