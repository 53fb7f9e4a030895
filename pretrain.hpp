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
#include "trainer.hpp"

struct PretrainConfig : TrainerConfig {
    std::string data, init, size;
    int64_t depth = 0, layers = 0, heads = 0, channels = 0;
    std::string order = "shuffled";
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

// What --depth N stands for. Width 64*N with heads of 64 makes depth 12 GPT-2 124M. The learning rate falls with the width as
// in GPT-3's table 2.1 (6e-4 at 768 channels, 1.2e-4 at 4096: close to 1/C), at most 3e-3. Tokens: 20 per parameter
// (Hoffmann et al. 2022). Batch: GPT-3's 0.5M tokens at 124M, growing with the square root of the budget, since a batch that
// is large for its run wastes samples (McCandlish et al. 2018); a power of two, at least 4,096.
struct DepthDial {
    int64_t channels, heads;
    float lr;
    double budget_tokens;
    int64_t total_batch_tokens;
};
inline DepthDial depth_dial(int64_t depth, int64_t V) {
    DepthDial d{64 * depth, depth, std::min(3e-3f, 6e-4f * 768.0f / float(64 * depth)), 0, 0};
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
    double budget = 0;
    if (!c.init.empty()) {
        m = ModelReader(c.init).config();
        if (end_of_text >= 0) m.end_of_text = end_of_text;
        if (m.V < V)
            throw Error(cat(c.init, ": the model knows ", m.V, " token ids, the data in ", c.data, " uses ", V), "tokenize the data with the model's tokenizer");
    } else if (c.depth > 0) {
        const DepthDial d = depth_dial(c.depth, V);
        m.L = c.layers ? c.layers : c.depth;
        m.NH = c.heads ? c.heads : d.heads;
        m.C = c.channels ? c.channels : d.channels;
        if (!c.given("lr")) c.lr = d.lr;
        const int64_t micro = c.batch_size * c.seq_len;
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

template <typename Dev, typename T>
class PretrainRun {
   public:
    PretrainRun(Dev& dev, PretrainConfig& config, const Config& model_config, DataLoader& train, DataLoader* val,
                const Tokenizer* tokenizer, int64_t resume_step, const Args& argv, Ranks& ranks)
        : config_(config), train_(train), val_(val), tokenizer_(tokenizer), argv_(argv), ranks_(ranks), comm_(dev, ranks),
          model_(dev, model_config, {config.batch_size * config.seq_len, true, config.recompute, !config.no_zero1}, &comm_), trainer_(model_, config) {
        micro_batches_.resize(size_t(config.total_batch_tokens / (config.batch_size * config.seq_len * ranks.size())));
        if (tokenizer_ && int64_t(prompt_ids(*tokenizer_, config.sample_prompt).size()) > model_config.max_T)
            throw UsageError("--sample-prompt is longer than the context");
        if (resume_step >= 0) {
            resume(resume_step);
        } else if (!config.init.empty()) {
            const ModelReader reader(config.init);
            load_weights(model_, reader);
            lineage_.push_back({{"init", reader.path()}});
        } else {
            model_.init_weights(uint32_t(config.seed));
        }
        log_.emplace(config.out, resume_step, ranks.is_first());   // last: it cuts the metrics of steps that will be repeated
    }

    void run() {
        print_header();
        stop_on_signals();
        const int64_t rows_per_step = config_.total_batch_tokens / config_.seq_len;
        // micro-batch i of a step goes to rank i mod ranks: together they read the rows that one rank would
        Prefetcher prefetcher(train_, trainer_.steps_done * rows_per_step + ranks_.rank() * config_.batch_size, config_.batch_size,
                              ranks_.size() * config_.batch_size);
        if (trainer_.steps_done == 0) {
            if (config_.eval_every > 0) log_->line(strprintf("step 0: validation %s", evaluate().c_str()));
            if (config_.sample_every > 0) sample_text();
        }
        const double start = now_s();
        const int64_t first_step = trainer_.steps_done;
        bool stop = false;
        while (trainer_.steps_done < config_.steps) {
            stop = ranks_.sum(double(g_stop_requested)) > 0;   // all ranks leave after the same step
            if (stop) break;
            const double step_start = now_s(), wait_before = prefetcher.wait_s();
            for (MicroBatch& b : micro_batches_) {
                const auto& rows = prefetcher.next();
                b.B = config_.batch_size, b.T = config_.seq_len;
                b.inputs = rows.inputs, b.targets = rows.targets, b.weights = rows.weights;
            }
            const StepResult r = trainer_.step(micro_batches_);
            const double step_s = now_s() - step_start;
            const int64_t done = trainer_.steps_done;
            const double left_s = (now_s() - start) / double(done - first_step) * double(config_.steps - done);
            json metrics = report(r, step_s, prefetcher.wait_s() - wait_before, left_s);
            if (val_ && ((config_.eval_every > 0 && done % config_.eval_every == 0) || done == config_.steps)) {
                log_->line(strprintf("step %lld: validation %s", (long long)done, evaluate(&metrics).c_str()));
            }
            log_->metrics(metrics);
            if (done == config_.steps || (config_.checkpoint_every > 0 && done % config_.checkpoint_every == 0)) save();
            if (config_.sample_every > 0 && (done % config_.sample_every == 0 || done == config_.steps)) sample_text();
        }
        if (trainer_.steps_done > first_step && saved_step_ != trainer_.steps_done) save();  // a signal came
        if (stop)
            log_->line(cat("stopped by a signal after step ", trainer_.steps_done, "; the same command with --resume goes on"));
    }

   private:
    void print_header() {
        std::string command;
        for (const auto& a : argv_) command += (command.empty() ? "" : " ") + a;
        log_->file_line("argv: " + command);
        log_->file_line(cat("version: ", TRAIN_GPT_VERSION));
        for (const auto& [name, value] : cli::settings(config_, pretrain_flags)) log_->file_line(cat("setting: ", name, " = ", value));
        const Config& m = model_.config;
        log_->line(strprintf("model     %lld layers, %lld heads, %lld channels, vocabulary %lld (padded to %lld), context %lld: %s parameters",
                            (long long)m.L, (long long)m.NH, (long long)m.C, (long long)m.V, (long long)m.Vp(), (long long)m.max_T,
                            with_commas(model_.layout.count).c_str()));
        log_->line(strprintf("device    %s, %s, %s", Dev::name(), dtype_name<T>(), device_details(model_.dev).c_str()));
        std::string memory = "memory    ";
        size_t total = 0;
        for (const auto& [name, bytes] : model_.arenas()) {
            memory += cat(name, " ", human_bytes(double(bytes)), ", ");
            total += bytes;
        }
        log_->line(memory + "together " + human_bytes(double(total)));
        log_->line(strprintf("data      %s tokens, %s rows an epoch; %s steps of %s tokens = %.2f epochs", with_commas(train_.num_tokens()).c_str(),
                            with_commas(train_.rows_per_epoch()).c_str(), with_commas(config_.steps).c_str(), with_commas(config_.total_batch_tokens).c_str(),
                            double(config_.steps) * double(config_.total_batch_tokens) / double(train_.rows_per_epoch() * config_.seq_len)));
        if (ranks_.is_first()) peak_flops_ = measured_peak_flops(model_.dev, sizeof(T) == 2) * ranks_.size();   // of all ranks together
        log_->line(strprintf("peak      %.0f GFLOP/s for matrix products of this type", peak_flops_ * 1e-9));
        if (trainer_.steps_done > 0) log_->line(cat("resumed   at step ", trainer_.steps_done));
    }

    // The console line of a step, and its metrics.
    json report(const StepResult& r, double step_s, double wait_s, double left_s) {
        const int64_t done = trainer_.steps_done;
        const double tokens_per_s = double(config_.total_batch_tokens) / step_s;
        const double flops = flops_per_token(model_.config, config_.seq_len) * tokens_per_s;
        const int64_t left = int64_t(left_s + 0.5);
        log_->line(strprintf("step %*lld/%lld %5.1f%% | loss %.4f | lr %.2e | norm %.3f | %.1f ms | %s tok/s | %.3f TFLOP/s %.0f%% | left %lld:%02lld:%02lld",
                            int(std::to_string(config_.steps).size()), (long long)done, (long long)config_.steps,
                            100.0 * double(done) / double(config_.steps), r.loss, double(r.lr), r.grad_norm, step_s * 1e3,
                            with_commas(int64_t(tokens_per_s)).c_str(), flops * 1e-12, 100 * flops / peak_flops_,
                            (long long)(left / 3600), (long long)(left / 60 % 60), (long long)(left % 60)));
        json j = {{"step", done}, {"loss", r.loss}, {"lr", r.lr}, {"grad_norm", r.grad_norm}, {"ms", step_s * 1e3},
                  {"tokens_per_s", tokens_per_s}, {"tflops", flops * 1e-12}, {"tokens", done * config_.total_batch_tokens}, {"wait_ms", wait_s * 1e3}};
        if (!r.skipped.empty()) {
            log_->line(cat("step ", done, ": update skipped: ", r.skipped));
            j["skipped"] = r.skipped;
        }
        return j;
    }

    // Mean loss over the first eval_batches micro-batches of the validation split (always the same rows).
    std::string evaluate(json* metrics = nullptr) {
        if (!val_) return "not measured: no validation split";
        const int64_t B = config_.batch_size, Tn = config_.seq_len, all = ceil_div(val_->rows_per_epoch(), B);
        const int64_t batches = config_.eval_batches > 0 ? std::min(config_.eval_batches, all) : all;
        std::vector<int32_t> inputs(size_t(B * Tn)), targets(size_t(B * Tn));
        std::vector<float> weights(size_t(B * Tn));
        double sums[2] = {};                               // weighted losses, and their weights
        auto& [sum, count] = sums;
        for (int64_t i = ranks_.rank(); i < batches; i += ranks_.size()) {
            const int64_t rows = std::min(B, val_->rows_per_epoch() - i * B);
            val_->read_rows(i * B, rows, inputs.data(), targets.data(), weights.data());
            sum += model_.loss(inputs.data(), targets.data(), weights.data(), rows, Tn);
            for (int64_t k = 0; k < rows * Tn; k++) count += double(weights[size_t(k)]);
        }
        ranks_.sum(sums, 2);
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
        if (!tokenizer_ || !ranks_.is_first()) return;
        const auto ids = prompt_ids(*tokenizer_, config_.sample_prompt);
        const int64_t length = std::min(model_.config.max_T, int64_t(ids.size()) + config_.sample_tokens);
        if (!cache_) cache_.emplace(model_.dev, model_.config, 1, length);
        TextStream stream;
        std::string text = config_.sample_prompt;
        GenerateOptions options{config_.sample_tokens, {config_.sample_temperature, 0, 1.0f}, config_.seed, stop_ids(*tokenizer_)};
        generate(model_, *cache_, {ids}, options, [&](int64_t, int32_t id, const float*) {
            text += stream.push(tokenizer_->token_bytes(id));
            return true;
        });
        text += stream.flush();
        log_->line(cat("---- sample after step ", trainer_.steps_done, "\n", text, "\n----"));
    }

    void save() {
        const double start = now_s();
        json settings = json::object();
        for (const auto& [name, value] : cli::settings(config_, pretrain_flags)) settings[name] = value;
        json state = {{"stage", "pretrain"}, {"trainer", trainer_.state()}, {"settings", settings}, {"argv", argv_}, {"version", TRAIN_GPT_VERSION},
                      {"next_row", trainer_.steps_done * (config_.total_batch_tokens / config_.seq_len)},
                      {"tokenizer_hash", train_.tokenizer_hash()}, {"data_tokens", train_.num_tokens()}, {"dtype", dtype_name<T>()}, {"lineage", lineage_}};
        save_checkpoint(config_.out, config_.keep, model_, state, [&](const std::string& dir) {
            if (tokenizer_) tokenizer_->save_directory(dir);
        });
        saved_step_ = trainer_.steps_done;
        log_->line(strprintf("saved     %s (%.1f s)", checkpoint::step_name(trainer_.steps_done).c_str(), now_s() - start));
    }

    void resume(int64_t step) {
        const std::string dir = config_.out + "/" + checkpoint::step_name(step);
        json state;
        try {
            state = json::parse(read_file(dir + "/state.json"));
            // what decides about the bits must be what it was
            for (const char* name : {"seq-len", "total-batch-tokens", "batch-size", "seed", "order", "schedule", "decay-fraction", "lr", "min-lr", "warmup",
                                     "steps", "beta1", "beta2", "eps", "weight-decay", "grad-clip", "skip-z", "stochastic-rounding"}) {
                std::string now;
                for (const auto& [n, value] : cli::settings(config_, pretrain_flags))
                    if (n == name) now = value;
                const std::string then = state.at("settings").at(name);
                if (now != then)
                    throw UsageError(cat("--resume: --", name, " is ", now, ", the checkpoint ", dir, " was made with ", then), "give the same settings, or start a new --out with --init");
            }
            if (state.at("tokenizer_hash") != train_.tokenizer_hash())
                throw Error(cat("--resume: ", config_.data, " was tokenized with another vocabulary than the run in ", config_.out));
            if (state.at("data_tokens") != train_.num_tokens())
                throw Error(cat("--resume: ", config_.data, " has ", train_.num_tokens(), " tokens, the run in ", config_.out, " began with ", state.at("data_tokens").dump()));
            if (state.at("dtype") != dtype_name<T>())
                throw UsageError(cat("--resume: the run stores ", state.at("dtype").dump(), ", now it would be ", dtype_name<T>()), "give the same --dtype");
            trainer_.set_state(state.at("trainer"));
            lineage_ = state.at("lineage");
        } catch (const json::exception& e) {
            throw Error(cat(dir, "/state.json: not a state of this program: ", e.what()), "remove this directory to resume from the one before");
        }
        const ModelReader reader(dir);
        if (!reader.config().same_shape(model_.config))
            throw UsageError(cat("--resume: the model in ", dir, " has another shape than the flags say"), "give the same flags as before");
        if (config_.stochastic_rounding) model_.round_as(rounding_key(config_.seed, trainer_.updates_done));
        load_weights(model_, reader);
        load_optimizer(model_, dir + "/optimizer-0.safetensors");
    }

    PretrainConfig& config_;
    DataLoader& train_;
    DataLoader* val_;
    const Tokenizer* tokenizer_;
    const Args argv_;
    Ranks& ranks_;
    Comm<Dev> comm_;
    Gpt<Dev, T> model_;
    Trainer<Dev, T> trainer_;
    std::optional<RunLog> log_;
    int64_t saved_step_ = -1;
    std::optional<KvCache<Dev, T>> cache_;
    std::vector<MicroBatch> micro_batches_;
    json lineage_ = json::array();
    double peak_flops_ = 1;
};

inline int run_pretrain(PretrainConfig& c) {
    if (c.data.empty()) throw UsageError("--data is missing", "make shards with: train_gpt tokenize --tokenizer FILE --input PATH... --out DIR");
    validate(c);
    if (c.sample_tokens < 0 || c.eval_every < 0 || c.eval_batches < 0 || c.sample_every < 0 || !(c.sample_temperature >= 0))
        throw UsageError("--sample-tokens, --sample-every, --sample-temperature, --eval-every and --eval-batches must not be negative");
    // the tokenizer lies beside the shards; shards of other programs come without one
    std::optional<Tokenizer> tokenizer;
    if (fs::exists(c.data + "/tokenizer.json")) tokenizer = Tokenizer::load(c.data);
    LoaderOptions options{c.data, "train", c.seq_len, c.order, c.seed};
    DataLoader train(options);
    const int64_t V = tokenizer ? tokenizer->vocab_size() : train.vocab_size() > 0 || c.init.empty() ? train.vocab_size() : ModelReader(c.init).config().V;
    if (V <= 0) throw Error(cat(c.data, ": the vocabulary size is unknown: neither index.json nor tokenizer.json"), "put the tokenizer's tokenizer.json beside the shards");
    const RankInfo info = rank_from_environment();
    const int ranks_wanted = info.size > 1 ? info.size : c.gpus;
    const Config model = resolve_settings(c, ranks_wanted, V, tokenizer ? tokenizer->end_of_text() : -1);
    validate(c);
    train.set_vocab_size(model.V);
    std::optional<DataLoader> val;
    if (train.has_split("val")) val.emplace(LoaderOptions{c.data, "val", c.seq_len, "contiguous", c.seed, model.V});
    // the settings are sound: now become several processes, each of which comes here again and goes on
    if (c.gpus > 1 && info.size > 1 && c.gpus != info.size) throw UsageError(cat("--gpus ", c.gpus, ": the launcher started ", info.size, " ranks"), "leave --gpus away");
    if (c.total_batch_tokens % (c.batch_size * c.seq_len * ranks_wanted) != 0)
        throw UsageError(cat("--total-batch-tokens ", c.total_batch_tokens, " is not a multiple of --batch-size x --seq-len x ", ranks_wanted, " ranks = ",
                             c.batch_size * c.seq_len * ranks_wanted));
    if (ranks_wanted > info.size) return start_ranks(ranks_wanted, command_line());
    if (c.threads == 0 && info.size > 1) c.threads = std::max(1, omp_get_num_procs() / ranks::number_from({"LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"}, 1));
    const auto steps = checkpoint::list_steps(c.out);
    int64_t resume_step = -1;
    if (steps.empty() && !c.resume && fs::exists(c.out + "/metrics.jsonl"))
        throw UsageError(cat("--out ", c.out, " holds the log of a run without a checkpoint"), "begin it anew with --resume, or choose another directory");
    if (!steps.empty()) {
        if (!c.resume) throw UsageError(cat("--out ", c.out, " holds a run already (step ", steps.back().first, ")"), "go on with --resume, or choose another directory");
        resume_step = steps.back().first;
    }
    Ranks ranks(info);
    with_device(c.device, c.dtype, c.threads, [&](auto& dev, auto t) {
        PretrainRun<std::remove_reference_t<decltype(dev)>, decltype(t)> run(
            dev, c, model, train, val ? &*val : nullptr, tokenizer ? &*tokenizer : nullptr, resume_step, command_line(), ranks);
        run.run();
    }, info.local_rank);
    return 0;
}

inline std::vector<Command> pretrain_commands() {
    return {make_command<PretrainConfig>("pretrain", "", "token shards -> base model", pretrain_flags, run_pretrain)};
}
