// generate.hpp -- from a prompt to text: prefill, then one token at a time, and the scores of a text that exists.
//
// A model gives a probability for every token that could come next. Generation flips that biased coin, appends the token,
// and asks again. Keys and values of past positions are kept (KvCache), so each new token costs one pass over the weights,
// not one over the whole context. Several sequences share that pass (Generator): a row that is done makes room for the next.
// Promises: the random number of a token depends on (seed, row, position) only, not on the other rows of the batch;
// streamed text never breaks a UTF-8 character and never shows a piece of a stop string.
// Does not: know about conversations (chat.hpp), or go beyond the model's context: it stops there and says so.
#pragma once

#include <iostream>
#include <sstream>

#include "cli.hpp"
#include "kernels/sampling.hpp"
#include "json_text.hpp"
#include "model.hpp"
#include "tokenizer.hpp"

// ---- sampling many rows

enum class StopReason { end_of_text, stop_string, max_tokens, context_full };
inline const char* stop_reason_name(StopReason r) {
    constexpr const char* names[] = {"end_of_text", "stop_string", "max_tokens", "context_full"};
    return names[int(r)];
}

struct GenerateOptions {
    int64_t max_tokens = 128;          // drawn tokens per row
    SamplingConfig sampling;
    uint64_t seed = 1;
    std::vector<int32_t> stop_ids;     // a row ends when one of these is drawn
    bool with_logits = false;          // hand the logits to on_draw: V floats a token come back from the device
};

struct Request {
    std::vector<int32_t> prompt;       // at least one token
    uint64_t stream = 0;               // its random numbers are those of (seed, stream, position)
};

// One request's outcome.
struct Rollout {
    std::vector<int32_t> ids;          // all that follows the prompt, the stopping id included
    std::vector<uint8_t> sampled;      // 1: drawn by the model; 0: put there by on_draw (the output of a tool)
    std::vector<float> logprobs;       // of drawn tokens under softmax(logits / temperature), whatever top_k and top_p keep; else 0
    StopReason reason = StopReason::max_tokens;
    bool was_cut() const { return reason == StopReason::max_tokens || reason == StopReason::context_full; }   // rather than ended by the model
};

// What follows a drawn token: the end of the row, or tokens that stand after it before the model goes on.
struct Reaction {
    bool stop = false;
    std::vector<int32_t> forced = {};
};
using OnDraw = std::function<Reaction(int64_t request, int32_t id, const float* logits)>;

// Draws many continuations at once, with as many rows of a KV cache as there are. A row that is done makes room for the next request
// (continuous batching), and what some row has in its cache already is copied from there instead of computed: the samples of one
// prompt share its prefill, those admitted at once too, and the next turn of a chat begins where the last one ended.
class Generator {
   public:
    // Keeps references; both must outlive it.
    Generator(Model& model, ModelCache& cache)
        : model_(model), cache_(cache), context_(std::min(cache.max_T, model.config.max_T)), content_(size_t(cache.rows)) {}

    // Call when the weights have changed: what the cache holds belongs to the old ones.
    void forget() {
        for (auto& c : content_) c.clear();
    }

    std::vector<Rollout> run(const std::vector<Request>& requests, const GenerateOptions& options, const OnDraw& on_draw = {}) {
        for (size_t r = 0; r < requests.size(); r++) {
            const size_t n = requests[r].prompt.size();
            if (n == 0) throw Error(cat("prompt ", r + 1, " is empty"), "give at least one token");
            if (int64_t(n) > context_)
                throw Error(cat("prompt ", r + 1, " has ", n, " tokens, the context holds ", context_), "use a shorter prompt");
        }
        std::vector<Rollout> results(requests.size());
        if (options.max_tokens == 0) return results;
        std::vector<Row> rows;
        std::vector<int32_t> free_slots;
        for (int64_t s = cache_.rows; s > 0; s--) free_slots.push_back(int32_t(s - 1));
        size_t next = 0;
        while (next < requests.size() || !rows.empty()) {
            while (next < requests.size() && !free_slots.empty()) {
                rows.push_back(admit(int64_t(next), requests[next].prompt, free_slots, rows));
                next++;
            }
            feed_all_but_last(rows);
            draw(rows, requests, options);
            size_t kept = 0;
            for (size_t i = 0; i < rows.size(); i++) {
                const float* logits = options.with_logits ? &logits_[i * size_t(model_.config.V)] : nullptr;
                if (accept(rows[i], results[size_t(rows[i].request)], ids_[i], logprobs_[i], logits, options, on_draw)) std::swap(rows[kept++], rows[i]);
                else free_slots.push_back(rows[i].slot);
            }
            rows.resize(kept);
        }
        return results;
    }

   private:
    struct Row {
        int64_t request;
        int32_t slot;                      // its row of the cache
        std::vector<int32_t> pending;      // tokens that follow what the cache holds, not yet fed to the model
        int64_t drawn = 0;
    };

    // A slot for the prompt, with as much of it as some slot holds already. All but its last token may come from there: that one has
    // to pass through the model, which answers with the logits.
    Row admit(int64_t request, const std::vector<int32_t>& prompt, std::vector<int32_t>& free_slots, const std::vector<Row>& rows) {
        auto shared_with = [&](int32_t slot) {
            const auto& c = content_[size_t(slot)];
            const size_t most = std::min(c.size(), prompt.size() - 1);
            return int64_t(std::mismatch(c.begin(), c.begin() + int64_t(most), prompt.begin()).first - c.begin());
        };
        int32_t best = free_slots.back();
        int64_t shared = -1;
        auto consider = [&](int32_t slot) {
            if (const int64_t n = shared_with(slot); n > shared) best = slot, shared = n;
        };
        for (auto it = free_slots.rbegin(); it != free_slots.rend(); ++it) consider(*it);   // a free one needs no copy: it wins a draw
        for (const Row& r : rows) consider(r.slot);
        const auto at = std::find(free_slots.begin(), free_slots.end(), best);
        const int32_t slot = at != free_slots.end() ? best : least_useful(free_slots);
        free_slots.erase(std::find(free_slots.begin(), free_slots.end(), slot));
        if (slot != best) cache_.copy_row(slot, best, shared);
        content_[size_t(slot)].assign(prompt.begin(), prompt.begin() + shared);
        return {request, slot, {prompt.begin() + shared, prompt.end()}};
    }
    // Of the free slots the one with the shortest content: the others may still serve a later request.
    int32_t least_useful(const std::vector<int32_t>& free_slots) const {
        return *std::min_element(free_slots.rbegin(), free_slots.rend(),
                                 [&](int32_t a, int32_t b) { return content_[size_t(a)].size() < content_[size_t(b)].size(); });
    }
    // Prompts and forced tokens enter the cache up to their last token. Of rows that are to hold the same tokens (samples of one prompt that were
    // admitted at once) the first passes through the model, and the others copy what it has then, which has the bits that computing it would have.
    void feed_all_but_last(std::vector<Row>& rows) {
        std::map<std::vector<int32_t>, Row*> first_with;
        std::vector<Row*> fed;
        std::vector<std::pair<Row*, Row*>> copies;       // to, from
        for (Row& r : rows) {
            if (r.pending.size() < 2) continue;
            std::vector<int32_t> tokens = content_[size_t(r.slot)];
            tokens.insert(tokens.end(), r.pending.begin(), r.pending.end() - 1);
            const auto [it, fresh] = first_with.try_emplace(std::move(tokens), &r);
            if (fresh) fed.push_back(&r);
            else copies.emplace_back(&r, it->second);
        }
        feed(fed);
        for (const auto& [to, from] : copies) {
            const auto& content = content_[size_t(from->slot)];
            cache_.copy_row(to->slot, from->slot, int64_t(content.size()));
            content_[size_t(to->slot)] = content;
            to->pending.erase(to->pending.begin(), to->pending.end() - 1);
        }
    }
    // Rows that lack the same number of tokens go through the model together.
    void feed(const std::vector<Row*>& rows) {
        const int64_t most = model_.max_tokens;
        for (;;) {
            std::map<int64_t, std::vector<Row*>> by_length;
            for (Row* r : rows)
                if (r->pending.size() > 1) by_length[std::min(int64_t(r->pending.size()) - 1, most)].push_back(r);
            if (by_length.empty()) return;
            for (auto& [n, group] : by_length) {
                const size_t at_once = size_t(std::max(int64_t(1), most / n));
                for (size_t first = 0; first < group.size(); first += at_once) {
                    std::vector<int32_t> ids, slot, past;
                    for (size_t i = first; i < std::min(first + at_once, group.size()); i++) {
                        Row& r = *group[i];
                        auto& content = content_[size_t(r.slot)];
                        slot.push_back(r.slot), past.push_back(int32_t(content.size()));
                        ids.insert(ids.end(), r.pending.begin(), r.pending.begin() + n);
                        content.insert(content.end(), r.pending.begin(), r.pending.begin() + n);
                        r.pending.erase(r.pending.begin(), r.pending.begin() + n);
                    }
                    model_.forward_cached(nullptr, cache_, ids.data(), slot.data(), past.data(), int64_t(slot.size()), n);
                }
            }
        }
    }

    // One token for each row, into ids_, logprobs_ and logits_.
    void draw(std::vector<Row>& rows, const std::vector<Request>& requests, const GenerateOptions& options) {
        const size_t R = rows.size(), V = size_t(model_.config.V);
        std::vector<int32_t> last(R), slot(R), past(R);
        std::vector<float> u(R);
        ids_.resize(R), logprobs_.resize(R);
        if (options.with_logits) logits_.resize(R * V);
        for (size_t i = 0; i < R; i++) {
            auto& content = content_[size_t(rows[i].slot)];
            last[i] = rows[i].pending.back(), slot[i] = rows[i].slot, past[i] = int32_t(content.size());
            content.push_back(last[i]);
            u[i] = Rng::stream(options.seed, requests[size_t(rows[i].request)].stream, content.size()).uniform();
        }
        for (size_t first = 0; first < R; first += size_t(model_.max_tokens)) {   // in groups that the model was built for
            const int64_t n = std::min(int64_t(R - first), model_.max_tokens);
            model_.decode(&ids_[first], &logprobs_[first], cache_, &last[first], &slot[first], &past[first], &u[first], n, 1, options.sampling,
                          options.with_logits ? &logits_[first * V] : nullptr);
        }
    }

    // Note the drawn token; false: the row is done.
    bool accept(Row& row, Rollout& result, int32_t id, float logprob, const float* logits, const GenerateOptions& options, const OnDraw& on_draw) {
        row.pending.assign(1, id);
        row.drawn++;
        result.ids.push_back(id), result.sampled.push_back(1), result.logprobs.push_back(logprob);
        const auto end = [&](StopReason reason) {
            result.reason = reason;
            return false;
        };
        if (std::find(options.stop_ids.begin(), options.stop_ids.end(), id) != options.stop_ids.end()) return end(StopReason::end_of_text);
        if (on_draw) {
            const Reaction reaction = on_draw(row.request, id, logits);
            if (reaction.stop) return end(StopReason::stop_string);
            result.ids.insert(result.ids.end(), reaction.forced.begin(), reaction.forced.end());
            result.sampled.resize(result.ids.size(), 0), result.logprobs.resize(result.ids.size(), 0.0f);
            row.pending.insert(row.pending.end(), reaction.forced.begin(), reaction.forced.end());
        }
        if (row.drawn >= options.max_tokens) return end(StopReason::max_tokens);
        if (int64_t(content_[size_t(row.slot)].size() + row.pending.size()) > context_) return end(StopReason::context_full);
        return true;
    }

    Model& model_;
    ModelCache& cache_;
    const int64_t context_;
    std::vector<std::vector<int32_t>> content_;      // the tokens that each slot of the cache holds
    std::vector<int32_t> ids_;                       // of the last draw, in the order of the rows
    std::vector<float> logprobs_, logits_;
};

// ---- the plain case: extend each prompt

// One row's outcome.
struct Completion {
    std::vector<int32_t> ids;          // new tokens, without the prompt and the stopping id
    StopReason reason = StopReason::max_tokens;
};

// Called for each new token of each row, with the logits (V) it was drawn from where with_logits asks for them; return false to end the row.
using OnToken = std::function<bool(int64_t row, int32_t id, const float* logits)>;

// Extend each prompt (at least one token each). Row r draws from the stream r of random numbers, whatever the other rows are.
inline std::vector<Completion> generate(Model& model, ModelCache& cache, const std::vector<std::vector<int32_t>>& prompts, const GenerateOptions& options,
                                        const OnToken& on_token = {}) {
    std::vector<Request> requests;
    for (const auto& p : prompts) requests.push_back({p, uint64_t(requests.size())});
    OnDraw on_draw;
    if (on_token) on_draw = [&](int64_t row, int32_t id, const float* logits) { return Reaction{!on_token(row, id, logits)}; };
    std::vector<Completion> result;
    for (Rollout& r : Generator(model, cache).run(requests, options, on_draw)) {
        if (r.reason == StopReason::end_of_text) r.ids.pop_back();
        result.push_back({std::move(r.ids), r.reason});
    }
    return result;
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
            std::string out = utf8_.push(pending_.substr(0, at));
            out += utf8_.flush();                           // one after the other: the operands of + have no order
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
        std::string out;
        if (!stopped) out = utf8_.push(pending_), out += utf8_.flush();
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
    std::string device = "auto", dtype = "auto", weights = "auto";
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
    {"dtype",       &GenerateConfig::dtype,       "auto|fp32|bf16", "how it computes, and how weights are stored"},
    {"weights",     &GenerateConfig::weights,     "auto|fp32|bf16|int8", "how matrices are kept on the CPU: fewer bytes write faster, int8 costs some accuracy"},
    {"threads",     &GenerateConfig::threads,     "",          "CPU threads; 0: all cores"},
};

// A token as it can be printed in one line: escapes for control bytes and broken UTF-8.
inline std::string printable_token(std::string_view bytes) {
    std::string s = json_text(nlohmann::json(std::string(bytes)), -1, JsonBytes::replaced);
    return s;
}

inline std::string read_stdin() {
    std::ostringstream all;
    all << std::cin.rdbuf();
    return all.str();
}

inline void validate(const GenerateConfig& c) {
    if (c.model.empty()) throw UsageError("--model is missing", "train_gpt generate --model DIR --prompt TEXT");
    sampling::check({c.temperature, c.top_k, c.top_p});
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
    const int64_t rows = int64_t(prompts.size());
    with_model(c.device, c.dtype, c.weights, c.threads, reader, std::max(rows, std::min(longest, int64_t(512))), [&](Model& model) {
        const auto cache = model.make_cache(rows, std::min(config.max_T, longest + std::min(c.max_tokens, config.max_T)));
        GenerateOptions options{c.max_tokens, {c.temperature, c.top_k, c.top_p}, c.seed, stop_ids(tokenizer), c.show_probs > 0};
        const bool streaming = rows == 1 && !c.json;
        std::vector<TextStream> streams(size_t(rows), TextStream(c.stop));
        std::vector<std::string> out(static_cast<size_t>(rows));
        if (streaming && !texts[0].empty() && !c.show_probs) std::cout << texts[0] << std::flush;
        auto emit = [&](int64_t row, const std::string& s) {
            out[size_t(row)] += s;
            if (streaming && !c.show_probs) std::cout << s << std::flush;
        };
        const auto done = generate(model, *cache, prompts, options, [&](int64_t row, int32_t id, const float* logits) {
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
                std::cout << json_text(j, -1, JsonBytes::replaced) << "\n";
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
    std::string device = "auto", dtype = "auto", weights = "auto";
    int threads = 0;
};

inline const std::vector<Flag<ScoreConfig>> score_flags = {
    {"model",   &ScoreConfig::model,   "DIR",            "model directory, or a run directory (its newest checkpoint)"},
    {"tokenizer", &ScoreConfig::tokenizer, "FILE",       "the model's vocabulary where it does not lie beside the model"},
    {"ids",     &ScoreConfig::ids,     "\"1 2 3\"",      "token ids to score"},
    {"text",    &ScoreConfig::text,    "TEXT",           "text to score instead of ids; - reads standard input"},
    {"logits",  &ScoreConfig::logits,  "FILE",           "also write the float32 logits (T, V), little-endian"},
    {"device",  &ScoreConfig::device,  "auto|cpu|cuda",  "where to compute"},
    {"dtype",   &ScoreConfig::dtype,   "auto|fp32|bf16", "how it computes, and how weights are stored"},
    {"weights", &ScoreConfig::weights, "auto|fp32|bf16|int8", "how matrices are kept on the CPU: fewer bytes write faster, int8 costs some accuracy"},
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
    with_model(c.device, c.dtype, c.weights, c.threads, reader, N, [&](Model& model) { model.logits(logits.data(), ids.data(), 1, N); });
    nlohmann::json out = {{"ids", ids}, {"logprobs", nlohmann::json::array({nullptr})}};
    for (int64_t t = 1; t < N; t++) out["logprobs"].push_back(log_probability(&logits[size_t((t - 1) * V)], V, ids[size_t(t)]));
    if (!c.logits.empty()) write_file(c.logits, {reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float)});
    std::cout << json_text(out) << "\n";
    return 0;
}

inline std::vector<Command> generate_commands() {
    return {
        make_command<GenerateConfig>("generate", "", "continue a prompt", generate_flags, run_generate),
        make_command<ScoreConfig>("score", "", "log probability of each token of a text, as JSON", score_flags, run_score),
    };
}
