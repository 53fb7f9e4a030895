// pretrain.hpp -- token shards -> base model: the longest stage, and the simplest data. Every position is a target.
//
// One step reads total_batch_tokens / T rows. Row numbers go on and on (row = step * rows per step + i), and the loader
// turns a row number into tokens, so the data of a step does not depend on micro-batches, ranks or interruptions.
// `--depth N` is the one dial: it sets width, heads, learning rate, batch and token budget (`depth_dial` has the rule); each
// can be overridden by its own flag.
// While it trains one sees the loss fall, the validation loss in nats per token and bits per byte, and samples: noise first.
#pragma once

#include "dataloader.hpp"
#include "generate.hpp"
#include "stage.hpp"

struct PretrainConfig : TrainerConfig {
    std::string data, init, size;
    int64_t depth = 0, layers = 0, heads = 0, channels = 0;
    std::string order = "shuffled";
    bool verify = false;
    int64_t eval_every = 0, eval_batches = 20, sample_every = 0, sample_tokens = 64;
    std::string sample_prompt;
    float sample_temperature = 0.8f;
};

inline std::vector<Flag<PretrainConfig>> make_pretrain_flags() {
    using P = PretrainConfig;
    std::vector<Flag<P>> flags = {
        {"data",               &P::data,               "DIR",    "token shards, made with `train_gpt tokenize`"},
        {"depth",              &P::depth,              "layers", "the one dial: sets width, heads, learning rate, batch and steps"},
        {"size",               &P::size,               "NAME",   "a published size: gpt2, gpt2-medium, gpt2-large, gpt2-xl, gpt3-small, ..."},
        {"layers",             &P::layers,             "",       "number of blocks L"},
        {"heads",              &P::heads,              "",       "attention heads NH"},
        {"channels",           &P::channels,           "",       "width C"},
        {"init",               &P::init,               "DIR",    "start from these weights instead of random ones"},
        {"order",              &P::order,              "shuffled|contiguous|packed", "how rows are cut from the shards"},
        {"verify",             &P::verify,             "",       "check the CRC of every shard before the first step (that of shards up to 64 MiB is checked anyway)"},
        {"eval-every",         &P::eval_every,         "steps",  "measure the validation loss; 0: at the end only"},
        {"eval-batches",       &P::eval_batches,       "",       "validation micro-batches of a measurement; 0: the whole split"},
        {"sample-every",       &P::sample_every,       "steps",  "print a sample; 0: never"},
        {"sample-tokens",      &P::sample_tokens,      "tokens", "length of a sample"},
        {"sample-prompt",      &P::sample_prompt,      "TEXT",   "what a sample begins with; empty: the start of a document"},
        {"sample-temperature", &P::sample_temperature, "",       "temperature of a sample"},
    };
    for (auto& f : trainer_flags<P>()) flags.push_back(f);
    return flags;
}
inline const std::vector<Flag<PretrainConfig>> pretrain_flags = make_pretrain_flags();

// ---- the dial

// What --depth N stands for. Width C = 64*N (0), or what was given, with heads of 64 makes depth 12 GPT-2 124M. Learning rate: width_learning_rate. Tokens: 20
// per parameter (Hoffmann et al. 2022). Batch: GPT-3's 0.5M tokens at 124M, growing with the square root of the budget, since a batch that
// is large for its run wastes samples (McCandlish et al. 2018); a power of two, at least 4,096.
struct DepthDial {
    int64_t channels, heads;
    float lr;
    double budget_tokens;
    int64_t total_batch_tokens;
};
inline DepthDial depth_dial(int64_t depth, int64_t V, int64_t C = 0) {
    if (C == 0) C = 64 * depth;
    DepthDial d{C, std::max(int64_t(1), C / 64), width_learning_rate(C), 0, 0};
    while (C % d.heads != 0) d.heads--;
    auto budget = [](double L, double C, double vocabulary) { return 20.0 * (12.0 * L * C * C + vocabulary * C); };
    d.budget_tokens = budget(double(depth), double(d.channels), double(V));
    const double batch = 524288.0 * std::sqrt(d.budget_tokens / budget(12, 768, 50257));
    d.total_batch_tokens = std::max(int64_t(4096), int64_t(1) << int64_t(std::lround(std::log2(batch))));
    return d;
}

// Fill in what was not typed: architecture, learning rate, batch, steps.
inline Config resolve_settings(PretrainConfig& c, int64_t ranks, int64_t V, int32_t end_of_text) {
    Config m;
    m.V = V;
    m.end_of_text = end_of_text;
    const int ways = (c.depth != 0) + !c.size.empty() + !c.init.empty() + (c.layers || c.heads || c.channels ? c.size.empty() && c.depth == 0 : 0);
    if (ways == 0) throw UsageError("the model's size is missing", "give --depth N, --size NAME, --layers L --heads H --channels C, or --init DIR");
    if (ways > 1) throw UsageError("--depth, --size, --init and --layers/--heads/--channels exclude each other", "give one of them");
    if (c.depth < 0 || c.depth > 1024) throw UsageError(cat("--depth ", c.depth, ": expected 1 to 1024"));
    if (c.layers < 0 || c.heads < 0 || c.channels < 0) throw UsageError("--layers, --heads and --channels must not be negative");
    if (c.seed > UINT32_MAX) throw UsageError(cat("--seed ", c.seed, ": expected 0 to ", UINT32_MAX), "the generator of the initial weights (PyTorch's) takes 32 bits");
    double budget = 0;
    if (!c.init.empty()) {
        m = ModelReader(c.init).config();
        if (end_of_text >= 0) m.end_of_text = end_of_text;
        if (m.V < V)
            throw Error(cat(c.init, ": the model knows ", m.V, " token ids, the data in ", c.data, " uses ", V), "tokenize the data with the model's tokenizer");
    } else if (c.depth > 0) {
        m.L = c.layers ? c.layers : c.depth;
        const DepthDial d = depth_dial(m.L, V, c.channels ? c.channels : 64 * c.depth);
        m.NH = c.heads ? c.heads : d.heads;
        m.C = d.channels;
        if (!c.given("lr")) c.lr = d.lr;
        const int64_t micro = c.batch_size * c.seq_len * ranks;
        if (!c.given("total-batch-tokens")) c.total_batch_tokens = round_up(d.total_batch_tokens, micro);
        budget = d.budget_tokens;
    } else if (!c.size.empty()) {
        const NamedSize* found = nullptr;
        std::string names;
        for (const NamedSize& s : kNamedSizes) {
            names += cat(names.empty() ? "" : ", ", s.name);
            if (c.size == s.name) found = &s;
        }
        if (!found) throw UsageError(cat("--size ", c.size, ": unknown, expected one of ", names));
        m.L = c.layers ? c.layers : found->L;
        m.NH = c.heads ? c.heads : found->NH;
        m.C = c.channels ? c.channels : found->C;
        m.max_T = found->max_T;
        budget = 20.0 * (12.0 * double(m.L) * double(m.C) * double(m.C) + double(m.V) * double(m.C));
    } else {
        if (!c.layers || !c.heads || !c.channels) throw UsageError("--layers, --heads and --channels belong together", "give all three, or --depth N");
        m.L = c.layers, m.NH = c.heads, m.C = c.channels;
        budget = 20.0 * (12.0 * double(m.L) * double(m.C) * double(m.C) + double(m.V) * double(m.C));
    }
    if (c.init.empty() && (c.size.empty() || c.seq_len > m.max_T)) m.max_T = c.seq_len;
    if (c.seq_len > m.max_T) throw UsageError(cat("--seq-len ", c.seq_len, " is longer than the model's context of ", m.max_T));
    if (c.total_batch_tokens == 0) c.total_batch_tokens = c.batch_size * c.seq_len * ranks;
    if (c.steps == 0) {
        if (budget == 0) throw UsageError("--steps is missing");
        c.steps = std::max(int64_t(1), int64_t(budget / double(c.total_batch_tokens)));
    }
    if (c.min_lr < 0) c.min_lr = 0.1f * c.lr;
    if (c.warmup < 0) c.warmup = std::min(int64_t(700), c.steps / 20);
    validate(m);
    return m;
}

// ---- the run

class PretrainRun {
   public:
    PretrainRun(Backend& backend, PretrainConfig& config, const Config& model_config, DataLoader& train, DataLoader* val,
                const Tokenizer* tokenizer, int64_t resume_step, Ranks& ranks)
        : config_(config), train_(train), val_(val), tokenizer_(tokenizer),
          stage_(backend, "pretrain", config, bind_flags(config, pretrain_flags), model_config, config.batch_size * config.seq_len, ranks) {
        micro_batches_.resize(size_t(config.total_batch_tokens / (config.batch_size * config.seq_len * ranks.size())));
        if (tokenizer_ && int64_t(prompt_ids(*tokenizer_, config.sample_prompt).size()) > model_config.max_T)
            throw UsageError("--sample-prompt is longer than the context");
        if (resume_step >= 0) {
            stage_.resume(resume_step, {"order"}, [&](const json& state) {
                if (state.at("tokenizer_hash") != train_.tokenizer_hash())
                    throw Error(cat("--resume: ", config_.data, " was tokenized with another vocabulary than the run in ", config_.out));
                if (state.at("data_tokens") != train_.num_tokens())
                    throw Error(cat("--resume: ", config_.data, " has ", train_.num_tokens(), " tokens, the run in ", config_.out, " began with ", json_text(state.at("data_tokens"))));
            });
        } else if (!config.init.empty()) {
            const ModelReader reader(config.init);
            load_weights(stage_.model, reader);
            stage_.lineage = lineage_of(reader.path());
        } else {
            stage_.model.init_weights(uint32_t(config.seed));
        }
        stage_.open_log(resume_step);
    }

    void run() {
        Trainer& trainer = stage_.trainer;
        const int64_t rows_per_step = config_.total_batch_tokens / config_.seq_len;
        stage_.print_header(strprintf("%s tokens, %s rows an epoch; %s steps of %s tokens = %.2f epochs", with_commas(train_.num_tokens()).c_str(),
                                      with_commas(train_.rows_per_epoch()).c_str(), with_commas(config_.steps).c_str(), with_commas(config_.total_batch_tokens).c_str(),
                                      double(config_.steps) * double(config_.total_batch_tokens) / double(train_.rows_per_epoch() * config_.seq_len)));
        stop_on_signals();
        // micro-batch i of a step goes to rank i mod ranks: together they read the rows that one rank would
        Prefetcher prefetcher(train_, trainer.steps_done * rows_per_step + stage_.ranks.rank() * config_.batch_size, config_.batch_size,
                              stage_.ranks.size() * config_.batch_size, int(micro_batches_.size()) + 1);  // the next step's rows while this one runs
        if (trainer.steps_done == 0) {
            if (config_.eval_every > 0) stage_.log->line(strprintf("step 0: validation %s", evaluate().c_str()));
            if (config_.sample_every > 0) sample_text();
        }
        bool stop = false;
        while (trainer.steps_done < config_.steps && !(stop = stage_.stop_requested())) {
            const double step_start = now_s(), wait_before = prefetcher.wait_s();
            for (MicroBatch& b : micro_batches_) {
                const auto& rows = prefetcher.next();
                b.B = config_.batch_size, b.T = config_.seq_len;
                b.inputs = rows.inputs, b.targets = rows.targets, b.weights = rows.weights;
            }
            const StepResult r = trainer.step(micro_batches_);
            const int64_t done = trainer.steps_done;
            json metrics = stage_.report(r, now_s() - step_start, double(config_.total_batch_tokens), config_.seq_len);
            metrics["tokens"] = done * config_.total_batch_tokens;
            metrics["wait_ms"] = (prefetcher.wait_s() - wait_before) * 1e3;
            if (val_ && ((config_.eval_every > 0 && done % config_.eval_every == 0) || done == config_.steps))
                stage_.log->line(strprintf("step %lld: validation %s", (long long)done, evaluate(&metrics).c_str()));
            stage_.log->metrics(metrics);
            if (stage_.checkpoint_is_due()) save();
            if (config_.sample_every > 0 && (done % config_.sample_every == 0 || done == config_.steps)) sample_text();
        }
        stage_.log->line(strprintf("data      the steps waited %.1f ms for it", prefetcher.wait_s() * 1e3));
        if (!stage_.is_saved() && trainer.steps_done > 0) save();   // a signal came
        if (stop) stage_.log->line(cat("stopped by a signal after step ", trainer.steps_done, "; the same command with --resume goes on"));
    }

   private:
    // Mean loss over the first eval_batches micro-batches of the validation split (always the same rows).
    std::string evaluate(json* metrics = nullptr) {
        if (!val_) return "not measured: no validation split";
        Ranks& ranks = stage_.ranks;
        const int64_t B = config_.batch_size, Tn = config_.seq_len, all = ceil_div(val_->rows_per_epoch(), B);
        const int64_t batches = config_.eval_batches > 0 ? std::min(config_.eval_batches, all) : all;
        std::vector<int32_t> inputs(size_t(B * Tn)), targets(size_t(B * Tn));
        std::vector<float> weights(size_t(B * Tn));
        double sums[2] = {};                               // weighted losses, and their weights
        auto& [sum, count] = sums;
        for (int64_t i = ranks.rank(); i < batches; i += ranks.size()) {
            const int64_t rows = std::min(B, val_->rows_per_epoch() - i * B);
            val_->read_rows(i * B, rows, inputs.data(), targets.data(), weights.data());
            sum += stage_.model.loss(inputs.data(), targets.data(), weights.data(), rows, Tn);
            for (int64_t k = 0; k < rows * Tn; k++) count += double(weights[size_t(k)]);
        }
        ranks.sum(sums, 2);
        const double loss = sum / count, bpt = val_->bytes_per_token();
        if (metrics) (*metrics)["val_loss"] = loss;
        std::string text = strprintf("loss %.4f", loss);
        if (bpt > 0) {
            const double bpb = loss / std::numbers::ln2 / bpt;
            if (metrics) (*metrics)["val_bpb"] = bpb;
            text += strprintf(", %.4f bits per byte", bpb);
        }
        return text;
    }

    void sample_text() {
        if (!tokenizer_ || !stage_.ranks.is_first()) return;
        Model& model = stage_.model;
        const auto ids = prompt_ids(*tokenizer_, config_.sample_prompt);
        const int64_t length = std::min(model.config.max_T, int64_t(ids.size()) + config_.sample_tokens);
        if (!cache_) cache_ = model.make_cache(1, length);
        TextStream stream;
        std::string text = config_.sample_prompt;
        GenerateOptions options{config_.sample_tokens, {config_.sample_temperature, 0, 1.0f}, config_.seed, stop_ids(*tokenizer_)};
        generate(model, *cache_, {ids}, options, [&](int64_t, int32_t id, const float*) {
            text += stream.push(tokenizer_->token_bytes(id));
            return true;
        });
        text += stream.flush();
        stage_.log->line(cat("---- sample after step ", stage_.trainer.steps_done, "\n", text, "\n----"));
    }

    void save() {
        const json own = {{"next_row", stage_.trainer.steps_done * (config_.total_batch_tokens / config_.seq_len)},
                          {"tokenizer_hash", train_.tokenizer_hash()}, {"data_tokens", train_.num_tokens()}};
        stage_.save(own, [&](const std::string& dir) {
            if (tokenizer_) tokenizer_->save_directory(dir);
        });
    }

    PretrainConfig& config_;
    DataLoader& train_;
    DataLoader* val_;
    const Tokenizer* tokenizer_;
    Stage stage_;
    std::unique_ptr<ModelCache> cache_;
    std::vector<MicroBatch> micro_batches_;
};

// Shards that come without index and tokenizer are taken for those of llm.c and modded-nanogpt: GPT-2's ids in 16 bits, Llama 3's in 32.
struct Vocabulary {
    int64_t V = 0;
    int32_t end_of_text = -1;
};
inline Vocabulary vocabulary_of_foreign_shards(const std::string& dir) {
    const auto files = shard_files_by_name(dir, "train");
    if (files.empty()) return {};
    return TokenShard(dir + "/" + files[0]).wide() ? Vocabulary{128256, 128000} : Vocabulary{50257, 50256};
}

// The data must use the ids as the model of --init does: each id of `data` is the same token in the model's vocabulary, which may have more of
// them (those of conversations). Nothing is known of a model that came without a tokenizer.
inline void check_same_tokens(const std::string& dir, const Tokenizer& data, const std::string& init) {
    const std::string path = resolve_model_dir(init);
    if (!fs::exists(path + "/tokenizer.json")) return;
    const Tokenizer model = Tokenizer::load(path);
    for (int32_t id = 0; id < data.vocab_size(); id++)
        if (id >= model.vocab_size() || data.token_bytes(id) != model.token_bytes(id))
            throw Error(cat(dir, ": id ", id, " is another token than in the model ", init), cat("tokenize the data with --tokenizer ", init));
}

inline int run_pretrain(PretrainConfig& c) {
    if (c.data.empty()) throw UsageError("--data is missing", "make shards with: train_gpt tokenize --tokenizer FILE --input PATH... --out DIR");
    validate(c);
    if (c.sample_tokens < 0 || c.eval_every < 0 || c.eval_batches < 0 || c.sample_every < 0 || !(c.sample_temperature >= 0))
        throw UsageError("--sample-tokens, --sample-every, --sample-temperature, --eval-every and --eval-batches must not be negative");
    // the tokenizer lies beside the shards; shards of other programs come without one
    std::optional<Tokenizer> tokenizer;
    if (fs::exists(c.data + "/tokenizer.json")) tokenizer = Tokenizer::load(c.data);
    const bool has_index = fs::exists(c.data + "/index.json");
    const Vocabulary foreign = tokenizer || has_index ? Vocabulary{} : vocabulary_of_foreign_shards(c.data);
    const int32_t end_of_text = tokenizer ? tokenizer->end_of_text() : foreign.end_of_text;
    LoaderOptions options{c.data, "train", c.seq_len, c.order, c.seed};
    options.end_of_text = has_index ? -1 : end_of_text;             // -1: as index.json says
    options.verify = c.verify;
    DataLoader train(options);
    if (tokenizer && has_index && train.tokenizer_hash() != tokenizer->hash_text())
        throw Error(cat(c.data, ": index.json says that another tokenizer made the shards than the tokenizer.json beside them"), "make the folder again with train_gpt tokenize");
    if (tokenizer && !c.init.empty()) check_same_tokens(c.data, *tokenizer, c.init);
    const int64_t V = tokenizer ? tokenizer->vocab_size() : has_index ? train.vocab_size() : c.init.empty() ? foreign.V : ModelReader(c.init).config().V;
    if (V <= 0) throw Error(cat(c.data, "/index.json: the vocabulary size is missing"), "make the folder again with train_gpt tokenize");
    const int ranks_wanted = wanted_ranks(c, rank_from_environment());
    const Config model = resolve_settings(c, ranks_wanted, V, end_of_text);
    validate(c);
    train.set_vocab_size(model.V);
    std::optional<DataLoader> val;
    if (train.has_split("val")) val.emplace(LoaderOptions{c.data, "val", c.seq_len, "contiguous", c.seed, model.V});
    if (c.total_batch_tokens % (c.batch_size * c.seq_len * ranks_wanted) != 0)
        throw UsageError(cat("--total-batch-tokens ", c.total_batch_tokens, " is not a multiple of --batch-size x --seq-len x ", ranks_wanted, " ranks = ",
                             c.batch_size * c.seq_len * ranks_wanted));
    return with_ranks(c, [&](Backend& backend, Ranks& ranks, int64_t resume_step) {
        PretrainRun(backend, c, model, train, val ? &*val : nullptr, tokenizer ? &*tokenizer : nullptr, resume_step, ranks).run();
    });
}

inline std::vector<Command> pretrain_commands() {
    return {make_command<PretrainConfig>("pretrain", "", "token shards -> base model", pretrain_flags, run_pretrain)};
}
