// gpt_config.hpp -- a GPT-2 in six numbers, and the sizes that have names.
//
// All that distinguishes one such model from another: how long a text it sees, how many tokens it knows, how many layers, attention
// heads and channels it has, and whether the table that turns tokens into vectors also turns vectors into tokens. Everything else follows
// (the parameter table in gpt.hpp).
#pragma once

#include "kernels/device.hpp"

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
