// generate.hpp -- from a prompt to text: prefill, then one token at a time, and the scores of a text that exists.
//
// A model gives a probability for every token that could come next. Generation flips that biased coin, appends the token,
// and asks again. Keys and values of past positions are kept (KvCache), so each new token costs one pass over the weights,
// not one over the whole context. Several sequences share that pass: a row that is done drops out of the batch.
// Promises: the random number of a token depends on (seed, row, position) only, not on the other rows of the batch;
// streamed text never breaks a UTF-8 character and never shows a piece of a stop string.
// Does not: know about conversations (chat.hpp), or go beyond the model's context: it stops there and says so.
#pragma once

#include <iostream>
#include <nlohmann/json.hpp>

#include "checkpoint.hpp"
#include "cli.hpp"
#include "gpt.hpp"
#include "kernels/devices.hpp"
#include "kernels/sampling.hpp"
#include "tokenizer.hpp"

// ---- sampling many rows

enum class StopReason { end_of_text, stop_string, max_tokens, context_full };
inline const char* stop_reason_name(StopReason r) {
    constexpr const char* names[] = {"end_of_text", "stop_string", "max_tokens", "context_full"};
    return names[int(r)];
}

struct GenerateOptions {
    int64_t max_tokens = 128;          // new tokens per row
    SamplingConfig sampling;
    uint64_t seed = 1;
    std::vector<int32_t> stop_ids;     // a row ends when one of these is sampled (it is not part of the result)
};

// One row's outcome.
struct Completion {
    std::vector<int32_t> ids;          // new tokens, without the prompt and the stopping id
    StopReason reason = StopReason::max_tokens;
};

// Called for each new token of each row, with the logits (V) it was drawn from; return false to end the row.
using OnToken = std::function<bool(int64_t row, int32_t id, const float* logits)>;

// Extend each prompt (at least one token each). Rows are independent; `cache` needs one row for each prompt.
template <typename Dev, typename T>
std::vector<Completion> generate(Gpt<Dev, T>& model, KvCache<Dev, T>& cache, const std::vector<std::vector<int32_t>>& prompts,
                                 const GenerateOptions& options, const OnToken& on_token = {}) {
    const int64_t R = int64_t(prompts.size()), V = model.config.V;
    const int64_t context = std::min(cache.max_T, model.config.max_T);
    ASSERT(R <= cache.rows, R, " prompts, ", cache.rows, " cache rows");
    std::vector<Completion> result(prompts.size());
    if (R == 0 || options.max_tokens == 0) return result;
    std::vector<int32_t> slot, past, last;               // of the rows still running
    std::vector<float> logits(size_t(R * V));            // (active, V)
    // Prefill: each prompt alone, since their lengths differ, in pieces that the model was built for.
    for (int64_t r = 0; r < R; r++) {
        const auto& p = prompts[size_t(r)];
        const int64_t n = int64_t(p.size());
        if (n == 0) throw Error(cat("prompt ", r + 1, " is empty"), "give at least one token");
        if (n > context)
            throw Error(cat("prompt ", r + 1, " has ", n, " tokens, the context holds ", context), "use a shorter prompt");
        const int32_t row = int32_t(r);
        for (int64_t done = 0; done < n;) {
            const int64_t piece = std::min(n - done, model.options.max_tokens);
            const int32_t before = int32_t(done);
            model.forward_cached(&logits[size_t(r * V)], cache, p.data() + done, &row, &before, 1, piece);
            done += piece;
        }
        slot.push_back(row);
        past.push_back(int32_t(n));
        last.push_back(0);
    }
    for (;;) {
        // draw one token per running row; rows that end leave the batch, the others keep their order
        size_t kept = 0;
        for (size_t i = 0; i < slot.size(); i++) {
            const int64_t row = slot[i];
            Completion& c = result[size_t(row)];
            const float* row_logits = &logits[i * size_t(V)];
            const float u = Rng::stream(options.seed, uint64_t(row), uint64_t(past[i])).uniform();
            const int32_t id = sample(row_logits, V, options.sampling, u);
            if (std::find(options.stop_ids.begin(), options.stop_ids.end(), id) != options.stop_ids.end()) {
                c.reason = StopReason::end_of_text;
                continue;
            }
            c.ids.push_back(id);
            if (on_token && !on_token(row, id, row_logits)) {
                c.reason = StopReason::stop_string;
                continue;
            }
            if (int64_t(c.ids.size()) >= options.max_tokens) continue;
            if (past[i] >= context) {
                c.reason = StopReason::context_full;
                continue;
            }
            slot[kept] = slot[i], past[kept] = past[i], last[kept] = id;
            kept++;
        }
        slot.resize(kept), past.resize(kept), last.resize(kept);
        if (kept == 0) return result;
        // rows in groups that the model was built for
        for (size_t first = 0; first < kept; first += size_t(model.options.max_tokens)) {
            const int64_t n = std::min(int64_t(kept - first), model.options.max_tokens);
            model.forward_cached(&logits[first * size_t(V)], cache, &last[first], &slot[first], &past[first], n, 1);
        }
        for (int32_t& p : past) p++;
    }
}

// ---- text that streams

// Holds back what could still become a stop string or an unfinished UTF-8 character.
class TextStream {
   public:
    explicit TextStream(std::vector<std::string> stops = {}) : stops_(std::move(stops)) {}
    // Add the bytes of a token; returns what may be shown now. After a stop string was met, `stopped` is true.
    std::string push(std::string_view bytes) {
        pending_ += bytes;
        size_t at = std::string::npos;
        for (const std::string& s : stops_)
            if (!s.empty()) at = std::min(at, pending_.find(s));
        if (at != std::string::npos) {
            stopped = true;
            const std::string out = utf8_.push(pending_.substr(0, at)) + utf8_.flush();
            pending_.clear();
            return out;
        }
        // keep the longest end of the text that is the beginning of a stop string
        size_t keep = 0;
        for (const std::string& s : stops_)
            for (size_t n = std::min(s.size(), pending_.size()); n > keep; n--)
                if (pending_.compare(pending_.size() - n, n, s, 0, n) == 0) keep = n;
        const std::string out = utf8_.push(std::string_view(pending_).substr(0, pending_.size() - keep));
        pending_.erase(0, pending_.size() - keep);
        return out;
    }
    std::string flush() {
        const std::string out = stopped ? "" : utf8_.push(pending_) + utf8_.flush();
        pending_.clear();
        return out;
    }
    bool stopped = false;

   private:
    std::vector<std::string> stops_;
    std::string pending_;
    Utf8Stream utf8_;
};

// Ids of a prompt. An empty one starts a document: <|endoftext|>, or a newline where the vocabulary has none.
inline std::vector<int32_t> prompt_ids(const Tokenizer& tokenizer, const std::string& text) {
    if (!text.empty()) return tokenizer.encode(text);
    return tokenizer.end_of_text() >= 0 ? std::vector<int32_t>{tokenizer.end_of_text()} : tokenizer.encode("\n");
}

inline std::vector<int32_t> stop_ids(const Tokenizer& tokenizer) {
    return tokenizer.end_of_text() >= 0 ? std::vector<int32_t>{tokenizer.end_of_text()} : std::vector<int32_t>{};
}

// ---- train_gpt generate

struct GenerateConfig {
    std::string model, tokenizer;
    std::vector<std::string> prompt;
    int num_samples = 1;
    int64_t max_tokens = 128;
    float temperature = 1.0f;
    int top_k = 0;
    float top_p = 1.0f;
    uint64_t seed = 1;
    std::vector<std::string> stop;
    int show_probs = 0;
    bool json = false;
    std::string device = "auto", dtype = "auto";
    int threads = 0;
};

inline const std::vector<Flag<GenerateConfig>> generate_flags = {
    {"model",       &GenerateConfig::model,       "DIR",       "model directory, or a run directory (its newest checkpoint)"},
    {"tokenizer",   &GenerateConfig::tokenizer,   "FILE",      "the model's vocabulary where it does not lie beside the model"},
    {"prompt",      &GenerateConfig::prompt,      "TEXT...",   "text to continue, several for a batch; - reads standard input; none starts a document"},
    {"num-samples", &GenerateConfig::num_samples, "",          "continuations of each prompt"},
    {"max-tokens",  &GenerateConfig::max_tokens,  "tokens",    "most new tokens of a continuation"},
    {"temperature", &GenerateConfig::temperature, "",          "0 takes the likeliest token; 1 samples what the model believes"},
    {"top-k",       &GenerateConfig::top_k,       "",          "sample among the k likeliest tokens; 0: all"},
    {"top-p",       &GenerateConfig::top_p,       "",          "sample among the likeliest tokens that reach this probability; 1: all"},
    {"seed",        &GenerateConfig::seed,        "",          "same seed, same text"},
    {"stop",        &GenerateConfig::stop,        "TEXT...",   "end a continuation before any of these strings"},
    {"show-probs",  &GenerateConfig::show_probs,  "N",         "print the N likeliest tokens and their probabilities (at temperature 1) at each step"},
    {"json",        &GenerateConfig::json,        "",          "print one JSON object a continuation instead of text"},
    {"device",      &GenerateConfig::device,      "auto|cpu|cuda",  "where to compute"},
    {"dtype",       &GenerateConfig::dtype,       "auto|fp32|bf16", "how weights are stored"},
    {"threads",     &GenerateConfig::threads,     "",          "CPU threads; 0: all cores"},
};

// A token as it can be printed in one line: escapes for control bytes and broken UTF-8.
inline std::string printable_token(std::string_view bytes) {
    std::string s = nlohmann::json(std::string(bytes)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return s;
}

inline std::string read_stdin() {
    std::ostringstream all;
    all << std::cin.rdbuf();
    return all.str();
}

inline void validate(const GenerateConfig& c) {
    if (c.model.empty()) throw UsageError("--model is missing", "train_gpt generate --model DIR --prompt TEXT");
    if (c.temperature < 0) throw UsageError(cat("--temperature ", c.temperature, ": expected a number >= 0"));
    if (c.top_k < 0) throw UsageError(cat("--top-k ", c.top_k, ": expected a whole number >= 0"));
    if (!(c.top_p > 0 && c.top_p <= 1)) throw UsageError(cat("--top-p ", c.top_p, ": expected a number in (0, 1]"));
    if (c.max_tokens < 1) throw UsageError(cat("--max-tokens ", c.max_tokens, ": expected at least 1"));
    if (c.num_samples < 1) throw UsageError(cat("--num-samples ", c.num_samples, ": expected at least 1"));
    if (c.json && c.show_probs) throw UsageError("--show-probs and --json exclude each other");
    if (c.show_probs < 0) throw UsageError(cat("--show-probs ", c.show_probs, ": expected a whole number >= 0"));
}

inline int run_generate(GenerateConfig& c) {
    validate(c);
    const ModelReader reader(c.model);
    const Config& config = reader.config();
    const Tokenizer tokenizer = Tokenizer::load(c.tokenizer.empty() ? reader.path() : c.tokenizer);
    if (config.V < tokenizer.vocab_size())
        throw Error(cat(reader.path(), ": the tokenizer has ", tokenizer.vocab_size(), " ids, the model only ", config.V));
    if (c.prompt.empty()) c.prompt.push_back("");
    std::vector<std::string> texts;
    for (std::string p : c.prompt) {
        if (p == "-") p = read_stdin();
        for (int i = 0; i < c.num_samples; i++) texts.push_back(p);
    }
    std::vector<std::vector<int32_t>> prompts;
    int64_t longest = 0;
    for (const std::string& t : texts) {
        prompts.push_back(prompt_ids(tokenizer, t));
        longest = std::max(longest, int64_t(prompts.back().size()));
    }
    with_device(c.device, c.dtype, c.threads, [&](auto& dev, auto t) {
        using Dev = std::remove_reference_t<decltype(dev)>;
        using T = decltype(t);
        const int64_t rows = int64_t(prompts.size());
        Gpt<Dev, T> model(dev, config, {std::max(rows, std::min(longest, int64_t(512)))});
        load_weights(model, reader);
        KvCache<Dev, T> cache(dev, config, rows, std::min(config.max_T, longest + std::min(c.max_tokens, config.max_T)));
        GenerateOptions options{c.max_tokens, {c.temperature, c.top_k, c.top_p}, c.seed, stop_ids(tokenizer)};
        const bool streaming = rows == 1 && !c.json;
        std::vector<TextStream> streams(size_t(rows), TextStream(c.stop));
        std::vector<std::string> out(static_cast<size_t>(rows));
        if (streaming && !texts[0].empty() && !c.show_probs) std::cout << texts[0] << std::flush;
        auto emit = [&](int64_t row, const std::string& s) {
            out[size_t(row)] += s;
            if (streaming && !c.show_probs) std::cout << s << std::flush;
        };
        const auto done = generate(model, cache, prompts, options, [&](int64_t row, int32_t id, const float* logits) {
            if (c.show_probs && !c.json) {
                std::cout << (rows > 1 ? cat("row ", row, " ") : "") << printable_token(tokenizer.token_bytes(id)) << "  from";
                for (const Candidate& k : top_candidates(logits, config.V, c.show_probs))
                    std::cout << strprintf("  %.3f ", double(k.probability)) << printable_token(tokenizer.token_bytes(k.id));
                std::cout << "\n" << std::flush;
            }
            emit(row, streams[size_t(row)].push(tokenizer.token_bytes(id)));
            return !streams[size_t(row)].stopped;
        });
        for (int64_t row = 0; row < rows; row++) {
            emit(row, streams[size_t(row)].flush());
            const Completion& d = done[size_t(row)];
            if (c.json) {
                nlohmann::json j = {{"prompt", texts[size_t(row)]}, {"text", out[size_t(row)]}, {"ids", d.ids}, {"stop", stop_reason_name(d.reason)}};
                std::cout << j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
            } else if (streaming) {
                std::cout << "\n";
            } else {
                std::cout << strprintf("--- %lld\n", (long long)(row + 1)) << texts[size_t(row)] << out[size_t(row)] << "\n";
            }
            if (d.reason == StopReason::context_full)
                std::fprintf(stderr, "the context of %lld tokens is full\n", (long long)config.max_T);
        }
    });
    return 0;
}

// ---- train_gpt score

struct ScoreConfig {
    std::string model, tokenizer, ids, text, logits;
    std::string device = "auto", dtype = "auto";
    int threads = 0;
};

inline const std::vector<Flag<ScoreConfig>> score_flags = {
    {"model",   &ScoreConfig::model,   "DIR",            "model directory, or a run directory (its newest checkpoint)"},
    {"tokenizer", &ScoreConfig::tokenizer, "FILE",       "the model's vocabulary where it does not lie beside the model"},
    {"ids",     &ScoreConfig::ids,     "\"1 2 3\"",      "token ids to score"},
    {"text",    &ScoreConfig::text,    "TEXT",           "text to score instead of ids; - reads standard input"},
    {"logits",  &ScoreConfig::logits,  "FILE",           "also write the float32 logits (T, V), little-endian"},
    {"device",  &ScoreConfig::device,  "auto|cpu|cuda",  "where to compute"},
    {"dtype",   &ScoreConfig::dtype,   "auto|fp32|bf16", "how weights are stored"},
    {"threads", &ScoreConfig::threads, "",               "CPU threads; 0: all cores"},
};

inline std::vector<int32_t> parse_ids(const std::string& text) {
    std::vector<int32_t> ids;
    std::istringstream words(text);
    for (std::string w; words >> w;) ids.push_back(cli::parse_value<int>("ids", w, "token id"));
    return ids;
}

// log softmax(logits)[id] in double precision
inline double log_probability(const float* logits, int64_t V, int32_t id) {
    const float most = *std::max_element(logits, logits + V);
    double sum = 0;
    for (int64_t v = 0; v < V; v++) sum += std::exp(double(logits[v]) - double(most));
    return double(logits[id]) - double(most) - std::log(sum);
}

inline int run_score(ScoreConfig& c) {
    if (c.model.empty()) throw UsageError("--model is missing", "train_gpt score --model DIR --ids \"1 2 3\"");
    if (c.ids.empty() == c.text.empty()) throw UsageError("give either --ids or --text");
    const ModelReader reader(c.model);
    const Config& config = reader.config();
    std::vector<int32_t> ids;
    if (!c.ids.empty()) ids = parse_ids(c.ids);
    else ids = Tokenizer::load(c.tokenizer.empty() ? reader.path() : c.tokenizer).encode(c.text == "-" ? read_stdin() : c.text);
    const int64_t N = int64_t(ids.size()), V = config.V;
    if (N == 0) throw UsageError("nothing to score: no token given");
    if (N > config.max_T) throw Error(cat(N, " tokens are longer than the model's context of ", config.max_T), "score a shorter text");
    std::vector<float> logits(size_t(N * V));   // (N, V)
    with_device(c.device, c.dtype, c.threads, [&](auto& dev, auto t) {
        Gpt<std::remove_reference_t<decltype(dev)>, decltype(t)> model(dev, config, {N});
        load_weights(model, reader);
        model.logits(logits.data(), ids.data(), 1, N);
    });
    nlohmann::json out = {{"ids", ids}, {"logprobs", nlohmann::json::array({nullptr})}};
    for (int64_t t = 1; t < N; t++) out["logprobs"].push_back(log_probability(&logits[size_t((t - 1) * V)], V, ids[size_t(t)]));
    if (!c.logits.empty()) write_file(c.logits, {reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float)});
    std::cout << out.dump() << "\n";
    return 0;
}

inline std::vector<Command> generate_commands() {
    return {
        make_command<GenerateConfig>("generate", "", "continue a prompt", generate_flags, run_generate),
        make_command<ScoreConfig>("score", "", "log probability of each token of a text, as JSON", score_flags, run_score),
    };
}
