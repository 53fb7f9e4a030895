// gpt_config.hpp -- a GPT-2 in six numbers, the sizes that have names, and the one table of its tensors.
//
// All that distinguishes one such model from another: how long a text it sees, how many tokens it knows, how many layers, attention
// heads and channels it has, and whether the table that turns tokens into vectors also turns vectors into tokens. Everything else follows:
// the parameter table names each tensor, its shape, how it starts and whether it decays, and ParamLayout places them all in one array. Files,
// initial weights, the optimizer and the model itself (gpt.hpp) ask the table; nobody else knows a tensor.
#pragma once

#include <algorithm>
#include <memory>
#include <variant>

#include "kernels/device.hpp"
#include "kernels/random.hpp"

struct Config {
    int64_t max_T = 1024;   // longest context (n_positions)
    int64_t V = 50257;      // vocabulary
    int64_t L = 12;         // layers
    int64_t NH = 12;        // attention heads
    int64_t C = 768;        // channels
    bool tied = true;       // the output head is the token embedding
    bool scores = false;    // a reward model: a score at the end of a text instead of logits (kernels/score_head.hpp)
    int32_t end_of_text = -1;  // id of <|endoftext|>, or -1; carried into config.json as bos/eos

    int64_t Vp() const { return round_up(V, int64_t(128)); }  // rows of the embedding in memory: matrix products like multiples of 128
    int64_t HS() const { return C / NH; }                     // head size
    bool same_shape(const Config& o) const {
        return max_T == o.max_T && V == o.V && L == o.L && NH == o.NH && C == o.C && tied == o.tied && scores == o.scores;
    }
};

inline void validate(const Config& c) {
    auto positive = [](const char* name, int64_t v, int64_t most) {
        if (v < 1 || v > most) throw Error(cat("model: ", name, " is ", v, ", expected 1..", most));
    };
    positive("n_positions", c.max_T, 1 << 20);
    positive("vocab_size", c.V, 1 << 24);
    positive("n_layer", c.L, 1 << 12);
    positive("n_head", c.NH, 1 << 12);
    positive("n_embd", c.C, 1 << 17);
    if (c.C % c.NH != 0) throw Error(cat("model: ", c.C, " channels do not divide among ", c.NH, " heads"));
}

// Sizes with a name: GPT-2 (Radford et al. 2019) and the small ones of GPT-3 (Brown et al. 2020, table 2.1, which are 2048 long).
struct NamedSize {
    const char* name;
    int64_t L, NH, C, max_T;
};
inline constexpr NamedSize kNamedSizes[] = {
    {"gpt2", 12, 12, 768, 1024},        {"gpt2-medium", 24, 16, 1024, 1024}, {"gpt2-large", 36, 20, 1280, 1024},
    {"gpt2-xl", 48, 25, 1600, 1024},    {"gpt3-small", 12, 12, 768, 2048},   {"gpt3-medium", 24, 16, 1024, 2048},
    {"gpt3-large", 24, 16, 1536, 2048}, {"gpt3-xl", 24, 16, 2048, 2048},     {"gpt3-2.7b", 32, 32, 2560, 2048},
};

// ---- the parameter table: the only place that knows a tensor

// Where each tensor begins, in elements. The same offsets serve parameters, gradients, master weights and moments.
struct BlockOffsets {
    int64_t ln_1_w, ln_1_b, qkv_w, qkv_b, proj_w, proj_b, ln_2_w, ln_2_b, fc_w, fc_b, fcproj_w, fcproj_b;
};
struct RootOffsets {
    int64_t wte, wpe, ln_f_w, ln_f_b, lm_head, score;
};

// How a tensor starts. A `linear` matrix is stored (in, out) but drawn as PyTorch's nn.Linear draws it, (out, in).
enum class InitKind { zeros, ones, embedding, linear };
struct Init {
    InitKind kind;
    float std = 0;
};

struct ParamSpec {
    std::string name;             // Hugging Face's; `*` stands for the layer
    std::vector<int64_t> shape;
    bool decay;                   // weight decay: matrices and embeddings yes, biases and LayerNorms no
    Init init;
    std::variant<int64_t BlockOffsets::*, int64_t RootOffsets::*> field;
    int64_t rows = 0;             // real rows where the first dimension is the padded vocabulary, else 0
    bool per_layer() const { return field.index() == 0; }
};

inline std::vector<ParamSpec> gpt2_params(const Config& c) {
    const Init zeros{InitKind::zeros}, ones{InitKind::ones}, embedding{InitKind::embedding, 0.02f}, linear{InitKind::linear, 0.02f};
    // each block adds to the stream twice (GPT-2, 2.3); in double and then rounded, as Python does, else L = 7 or 10 differ by a bit
    const Init residual{InitKind::linear, float(0.02 / std::sqrt(2.0 * double(c.L)))};
    using B = BlockOffsets;
    using R = RootOffsets;
    std::vector<ParamSpec> table = {
        // name                     shape            decay  init
        {"wte.weight",              {c.Vp(), c.C},   true,  embedding, &R::wte, c.V},     // token embedding, and the head if tied
        {"wpe.weight",              {c.max_T, c.C},  true,  embedding, &R::wpe},          // position embedding
        {"h.*.ln_1.weight",         {c.C},           false, ones,      &B::ln_1_w},
        {"h.*.ln_1.bias",           {c.C},           false, zeros,     &B::ln_1_b},
        {"h.*.attn.c_attn.weight",  {c.C, 3 * c.C},  true,  linear,    &B::qkv_w},        // (in, out), as HF's Conv1D
        {"h.*.attn.c_attn.bias",    {3 * c.C},       false, zeros,     &B::qkv_b},
        {"h.*.attn.c_proj.weight",  {c.C, c.C},      true,  residual,  &B::proj_w},
        {"h.*.attn.c_proj.bias",    {c.C},           false, zeros,     &B::proj_b},
        {"h.*.ln_2.weight",         {c.C},           false, ones,      &B::ln_2_w},
        {"h.*.ln_2.bias",           {c.C},           false, zeros,     &B::ln_2_b},
        {"h.*.mlp.c_fc.weight",     {c.C, 4 * c.C},  true,  linear,    &B::fc_w},
        {"h.*.mlp.c_fc.bias",       {4 * c.C},       false, zeros,     &B::fc_b},
        {"h.*.mlp.c_proj.weight",   {4 * c.C, c.C},  true,  residual,  &B::fcproj_w},
        {"h.*.mlp.c_proj.bias",     {c.C},           false, zeros,     &B::fcproj_b},
        {"ln_f.weight",             {c.C},           false, ones,      &R::ln_f_w},
        {"ln_f.bias",               {c.C},           false, zeros,     &R::ln_f_b},
    };
    if (c.scores) table.push_back({"score.weight", {1, c.C}, true, zeros, &R::score});    // at 0 every text is as good as another
    else if (!c.tied) table.push_back({"lm_head.weight", {c.Vp(), c.C}, true, embedding, &R::lm_head, c.V});
    return table;
}

// One tensor of one layer, placed.
struct Tensor {
    std::string name;             // "h.3.attn.c_attn.weight"
    std::vector<int64_t> shape;
    int64_t offset, size;         // in elements, with padding rows; an offset below 0: it is packed, the (-1 - offset)th such tensor
    int64_t real_size;            // without them: what files for others hold
    bool decay;
    Init init;
};

// Neighbouring tensors whose gradients are complete at the same moment of the backward pass: what ranks reduce at once.
struct Bucket {
    int64_t begin, end;           // in elements; the length is a multiple of 64 * ranks
    size_t first, last;           // tensors [first, last)
};

// All tensors of a model in storage order: embeddings, layer 0, layer 1, ..., the last LayerNorm. Each starts at a multiple
// of 64 elements; the gaps are zero and stay zero.
struct ParamLayout {
    std::vector<Tensor> tensors;
    std::vector<Bucket> buckets;  // embeddings, one a layer, the rest
    std::vector<BlockOffsets> block;
    RootOffsets root{};
    int64_t size = 0;             // elements of the whole arena, gaps included
    int64_t count = 0;            // parameters as the world counts them: no padding rows, no gaps

    ParamLayout() = default;
    // packed: the matrices of linear layers and the embedding lie elsewhere (quantized.hpp), and take no room here
    explicit ParamLayout(const Config& c, int64_t ranks = 1, bool packed = false) : block(size_t(c.L)) {
        const auto table = gpt2_params(c);
        int64_t num_packed = 0;
        auto place = [&](const ParamSpec& spec, int64_t layer) {
            Tensor t{spec.name, spec.shape, size, 1, 1, spec.decay, spec.init};
            for (int64_t d : t.shape) t.size *= d;
            t.real_size = spec.rows ? spec.rows * t.shape[1] : t.size;
            if (packed && spec.shape.size() == 2 && spec.name != "wpe.weight" && spec.name != "score.weight") t.offset = -1 - num_packed++;
            if (layer >= 0) {
                t.name.replace(t.name.find('*'), 1, std::to_string(layer));
                block[size_t(layer)].*std::get<0>(spec.field) = t.offset;
            } else {
                root.*std::get<1>(spec.field) = t.offset;
            }
            if (t.offset >= 0) size = round_up(size + t.size, int64_t(64));
            count += t.real_size;
            tensors.push_back(std::move(t));
        };
        auto close_bucket = [&] {
            const size_t first = buckets.empty() ? 0 : buckets.back().last;
            const int64_t begin = buckets.empty() ? 0 : buckets.back().end;
            size = round_up(size, 64 * ranks);
            buckets.push_back({begin, size, first, tensors.size()});
        };
        size_t i = 0;
        while (i < table.size() && !table[i].per_layer()) place(table[i++], -1);
        close_bucket();
        size_t end = i;
        while (end < table.size() && table[end].per_layer()) end++;
        for (int64_t l = 0; l < c.L; l++) {
            for (size_t k = i; k < end; k++) place(table[k], l);
            close_bucket();
        }
        for (i = end; i < table.size(); i++) place(table[i], -1);
        close_bucket();
        if (c.tied || c.scores) root.lm_head = root.wte;
    }
};

// Initial values of tensor t into x (t.size floats), as PyTorch with the nanoGPT/llm.c module order draws them: called for
// the tensors in storage order, with one generator, the bits are PyTorch's. Padding rows of an embedding are not drawn: zero.
inline void init_tensor(float* x, const Tensor& t, TorchGenerator& gen) {
    std::fill(x, x + t.size, t.init.kind == InitKind::ones ? 1.0f : 0.0f);
    if (t.init.kind == InitKind::embedding) {
        gen.normal_(x, t.real_size, 0.0f, t.init.std);
    } else if (t.init.kind == InitKind::linear) {
        const int64_t in = t.shape[0], out = t.shape[1];
        const auto drawn = std::make_unique_for_overwrite<float[]>(size_t(t.size));              // (out, in)
        gen.normal_(drawn.get(), t.size, 0.0f, t.init.std);
        constexpr int64_t tile = 32;                         // rows and columns at a time: both sides in whole cache lines
        #pragma omp parallel for schedule(static) if (t.size > 1 << 16)
        for (int64_t i0 = 0; i0 < in; i0 += tile)
            for (int64_t o0 = 0; o0 < out; o0 += tile)
                for (int64_t i = i0; i < std::min(i0 + tile, in); i++)
                    for (int64_t o = o0; o < std::min(o0 + tile, out); o++) x[i * out + o] = drawn[size_t(o * in + i)];
    }
}

// Floating-point operations per token of a training step (forward + backward): 6 per matrix parameter, and 12*L*C*T for
// attention (Chowdhery et al. 2022, appendix B; causality is not subtracted). A forward pass alone is a third.
inline double flops_per_token(const Config& c, int64_t T) {
    const double matrices = 12.0 * double(c.L) * double(c.C) * double(c.C) + double(c.V) * double(c.C);
    return 6.0 * matrices + 12.0 * double(c.L) * double(c.C) * double(T);
}

// What a model is built for: it decides which arenas exist.
struct GptOptions {
    int64_t max_tokens = 0;        // most tokens (B*T) of one call
    bool training = false;         // gradients, optimizer state, activations of all layers
    bool recompute = false;        // keep only each block's input and compute the rest again in the backward pass
    bool shard_optimizer = true;   // several ranks: each keeps its piece of the optimizer state (ZeRO-1)
    WeightStorage weights = WeightStorage::stored;  // inference on the CPU: matrices packed, as quantized.hpp says
};

