// sft.hpp -- conversations -> assistant: the algorithm of pretraining on other data (supervised fine-tuning).
//
// The model reads a conversation as one row of tokens (chat.hpp) and learns to write the assistant's part of it: every token has
// a weight, 1 on what the assistant says and 0 on what it only reads. Nothing else is new. It takes few steps to take on the
// manner of those who wrote the answers; what the model knows comes from pretraining.
// Data are files with mixture weights: `--data a.jsonl b.jsonl:3` sees each conversation of b three times an epoch, `c.jsonl:0.5` half
// of c, another half each time. Example number k is a function of (seed, k) alone, so resuming and several ranks give the same steps.
// `--patience N` ends the training when the validation loss has not fallen N times in a row, and leaves the best checkpoint as the newest. Until
// then there may be newer ones beside it (--checkpoint-every, or a signal), from which --resume goes on and decides as if nothing had happened.
#pragma once

#include "assistant.hpp"
#include "batches.hpp"
#include "conversations.hpp"
#include "identity.hpp"
#include "stage.hpp"

struct SftConfig : TrainerConfig {
    SftConfig() { seq_len = 0, lr = 0; }
    std::string init;
    std::vector<std::string> data, val;
    float val_fraction = 0.02f, epochs = 1;
    int64_t examples = 32, eval_every = 0, eval_examples = 256, sample_every = 0, sample_tokens = 64, patience = 0;
    std::vector<std::string> sample_prompt;
    float sample_temperature = 0;
    bool skip_bad = false;
    std::string identity, maker;
};

inline std::vector<Flag<SftConfig>> make_sft_flags() {
    using S = SftConfig;
    std::vector<Flag<S>> flags = {
        {"init",           &S::init,           "DIR",     "the model to begin from: a base model, or an earlier assistant"},
        {"data",           &S::data,           "FILE[:WEIGHT]...", "conversations, JSONL; WEIGHT: how often an epoch sees each of a file"},
        {"val",            &S::val,            "FILE...", "conversations for the validation loss; none: a share of --data is held back"},
        {"val-fraction",   &S::val_fraction,   "",        "that share"},
        {"epochs",         &S::epochs,         "",        "times to go through the data where --steps is 0"},
        {"examples",       &S::examples,       "conversations", "conversations of one update"},
        {"eval-every",     &S::eval_every,     "steps",   "measure the validation loss; 0: at the end only"},
        {"eval-examples",  &S::eval_examples,  "conversations", "at most so many for a measurement; 0: all"},
        {"patience",       &S::patience,       "",        "stop after so many measurements without a new best, and keep the best; 0: never"},
        {"sample-every",   &S::sample_every,   "steps",   "print answers; 0: never"},
        {"sample-prompt",  &S::sample_prompt,  "TEXT...", "what the user says there; none: the first questions of the validation data"},
        {"sample-tokens",  &S::sample_tokens,  "tokens",  "most tokens of such an answer"},
        {"sample-temperature", &S::sample_temperature, "", "temperature of such an answer"},
        {"skip-bad",       &S::skip_bad,       "",        "leave out lines that hold no conversation, and count them"},
        {"identity",       &S::identity,       "NAME",    "mix in 240 conversations in which the assistant has this name"},
        {"maker",          &S::maker,          "NAME",    "who made it, they say"},
    };
    for (auto f : trainer_flags<S>()) {
        const std::string name = f.name;
        if (name == "total-batch-tokens") continue;             // a step is so many conversations, not so many tokens
        if (name == "seq-len") f.help = "longest conversation; what is longer is cut. 0: the model's context";
        if (name == "batch-size") f.help = "rows of --seq-len tokens that fit in memory at once: shorter conversations share them";
        if (name == "steps") f.help = "number of updates; 0: as --epochs says";
        if (name == "lr") f.help = "peak learning rate; 0: a tenth of what pretraining takes for this width";
        flags.push_back(f);
    }
    return flags;
}
inline const std::vector<Flag<SftConfig>> sft_flags = make_sft_flags();

// ---- the data

// Conversations as rows of tokens, from several files.
class SftData {
   public:
    struct Example : Sequence {
        Conversation opening;                     // up to the first word of the assistant
    };
    struct Source {
        std::string path;
        double weight = 1;
        std::vector<Example> examples;
        ShuffledEpochs::List list() const { return {examples.size(), weight}; }
    };
    // Rows are cut at max_length tokens. What is cut before the assistant says anything is left out.
    SftData(const ChatFormat& format, int64_t max_length, bool skip_bad) : format_(format), max_length_(max_length), skip_bad_(skip_bad) {}

    void add_file(const std::string& given) {
        const auto [path, weight] = parse_weighted_path("data", given);
        add(path, read_conversations(path, skip_bad_ ? &bad : nullptr), weight);
    }
    void add(const std::string& name, const std::vector<Conversation>& conversations, double weight) {
        Source source{name, weight, {}};
        for (const Conversation& c : conversations) {
            const Rendered r = format_.render(c);
            Example s;
            s.ids = r.ids, s.weights.assign(r.learn.begin(), r.learn.end());
            for (size_t i = 0; i < c.size() && c[i].role != Role::assistant; i++) s.opening.push_back(c[i]);
            if (int64_t(s.ids.size()) > max_length_) {
                s.ids.resize(size_t(max_length_)), s.weights.resize(size_t(max_length_));
                cut++;
            }
            if (std::all_of(s.weights.begin(), s.weights.end(), [](float w) { return w == 0; })) {
                mute++;
                continue;
            }
            source.examples.push_back(std::move(s));
        }
        sources.push_back(std::move(source));
    }

    // Moves a share of the examples, chosen by a hash of their tokens, to `held`, which has the same files with the same weights.
    void hold_back(double fraction, SftData& held) {
        for (Source& s : sources) {
            auto goes = [&](const Example& e) {
                uint64_t hash = e.ids.size();
                for (const int32_t id : e.ids) hash = splitmix64(hash ^ uint64_t(id));
                return double(hash >> 11) * 0x1p-53 < fraction;
            };
            const auto kept = std::stable_partition(s.examples.begin(), s.examples.end(), [&](const Example& e) { return !goes(e); });
            held.sources.push_back({s.path, s.weight, {kept, s.examples.end()}});
            s.examples.erase(kept, s.examples.end());
        }
    }

    int64_t per_epoch() const {
        int64_t n = 0;
        for (const Source& s : sources) n += s.list().per_epoch();
        return n;
    }
    int64_t count() const {
        int64_t n = 0;
        for (const Source& s : sources) n += int64_t(s.examples.size());
        return n;
    }
    double mean_tokens() const {
        double tokens = 0, n = 0;
        for (const Source& s : sources)
            for (const Example& e : s.examples) tokens += double(e.ids.size()), n++;
        return n > 0 ? tokens / n : 0;
    }

    // What a measurement looks at: all examples, or at most `most` of them (0: all), the same ones each time. A file counts as it does in an epoch
    // of the mixture. Where all are looked at, the weights of their tokens are multiplied by the file's. Else think of all files in a row,
    // each shuffled and each example as long as its file's weight: `most` marks at equal distances choose, and an example with two counts twice.
    std::vector<Sequence> measured(int64_t most) const {
        const bool all = most == 0 || count() <= most;
        double length = 0, end = 0;
        for (const Source& s : sources) length += s.weight * double(s.examples.size());
        const auto marks_before = [&](double x) { return std::ceil(x / length * double(most) - 0.5); };   // they stand at (i + 1/2) / most of the length
        std::vector<Sequence> chosen;
        for (size_t f = 0; f < sources.size(); f++) {
            const Source& s = sources[f];
            std::vector<size_t> order(s.examples.size());
            std::iota(order.begin(), order.end(), size_t(0));
            if (!all) Rng::stream(0, 0x6D656173, f).shuffle(order);
            for (const size_t i : order) {
                const double begin = std::exchange(end, end + s.weight), times = all ? s.weight : marks_before(end) - marks_before(begin);
                if (times == 0) continue;
                chosen.push_back(s.examples[i]);
                for (float& w : chosen.back().weights) w *= float(times);
            }
        }
        return chosen;
    }

    // Example number k of the endless stream. All sources are there before the first call.
    const Sequence& example(uint64_t seed, int64_t k) {
        if (!epochs_) {
            std::vector<ShuffledEpochs::List> lists;
            for (const Source& s : sources) lists.push_back(s.list());
            epochs_.emplace(0x6F72646572, std::move(lists));
        }
        const auto [source, i] = epochs_->at(seed, k);
        return sources[source].examples[i];
    }

    std::vector<Source> sources;
    int64_t bad = 0, cut = 0, mute = 0;           // lines without a conversation; conversations cut; left out since nothing is to be learned
    uint64_t hash() const {                       // of all examples in order: the same data?
        uint64_t h = 0;
        for (const Source& s : sources) {
            h = splitmix64(h ^ uint64_t(s.list().per_epoch()));
            for (const Example& e : s.examples)
                for (const int32_t id : e.ids) h = splitmix64(h ^ uint64_t(id));
        }
        return h;
    }

   private:
    const ChatFormat& format_;
    int64_t max_length_;
    bool skip_bad_;
    std::optional<ShuffledEpochs> epochs_;
};

// ---- the run

class SftRun {
   public:
    // known_ids: tokens of the vocabulary that the model in `reader` has learned; the rest of format's are new.
    SftRun(Backend& backend, SftConfig& config, const ModelReader& reader, const Config& model_config, const ChatFormat& format, int64_t known_ids, SftData& train, SftData& val,
           int64_t resume_step, Ranks& ranks)
        : config_(config), format_(format), train_(train), val_(val), measured_(val.measured(config.eval_examples)),
          data_hash_(train.hash()), val_hash_(val.hash()), stage_(backend, "sft", config, bind_flags(config, sft_flags), model_config, config.batch_size * config.seq_len, ranks) {
        if (resume_step >= 0) {
            stage_.resume(resume_step, {"examples", "val-fraction", "patience", "eval-every", "eval-examples"}, [&](const json& state) {
                if (state.at("data_hash") != data_hash_) throw Error(cat("--resume: --data is not what the run in ", config_.out, " began with"));
                if (config_.patience > 0 && state.value("val_hash", val_hash_) != val_hash_)
                    throw Error(cat("--resume: --val is not what the run in ", config_.out, " began with"));
                best_ = state.at("best").is_null() ? INFINITY : state.at("best").get<double>();
                best_step_ = state.value("best_step", resume_step);
                worse_in_a_row_ = state.value("worse_in_a_row", int64_t(0));
            });
        } else {
            new_rows_ = load_grown_weights(stage_.model, reader, known_ids, format.tokenizer.vocab_size(), config.seed);
            stage_.lineage = lineage_of(reader.path());
        }
        for (const auto& p : config.sample_prompt) prompts_.push_back({{Role::user, p}});
        for (const auto& source : val.sources)
            for (size_t i = 0; config.sample_prompt.empty() && i < source.examples.size() && prompts_.size() < 3; i++) prompts_.push_back(source.examples[i].opening);
        stage_.open_log(resume_step);
    }

    void run() {
        Trainer& trainer = stage_.trainer;
        const int64_t per_epoch = train_.per_epoch();
        stage_.print_header(strprintf("%s conversations an epoch of %.0f tokens on average (%lld cut, %lld without an answer left out, %lld bad lines), %s held back; "
                                      "%s steps of %lld = %.2f epochs", with_commas(per_epoch).c_str(), train_.mean_tokens(), (long long)train_.cut, (long long)train_.mute,
                                      (long long)train_.bad, with_commas(val_.count()).c_str(), with_commas(config_.steps).c_str(), (long long)config_.examples,
                                      double(config_.steps * config_.examples) / double(per_epoch)));
        if (new_rows_) print_new_tokens();
        stop_on_signals();
        if (trainer.steps_done == 0 && config_.eval_every > 0 && !measured_.empty()) stage_.log->line(strprintf("step 0: validation loss %.4f", evaluate()));
        if (trainer.steps_done == 0 && config_.sample_every > 0) print_samples();
        bool stop = false, patience_is_out = false;
        while (trainer.steps_done < config_.steps && !patience_is_out && !(stop = stage_.stop_requested())) {
            const double start = now_s();
            std::vector<const Sequence*> examples;
            double tokens = 0;
            for (int64_t i = 0; i < config_.examples; i++) {
                examples.push_back(&train_.example(config_.seed, trainer.steps_done * config_.examples + i));
                tokens += double(examples.back()->ids.size());
            }
            auto batches = make_batches(examples, config_.batch_size * config_.seq_len, stage_.model.config.max_T, stage_.ranks.size(), stage_.ranks.rank());
            const StepResult r = trainer.step(batches);
            const int64_t done = trainer.steps_done;
            json metrics = stage_.report(r, now_s() - start, tokens, int64_t(tokens / double(config_.examples)));
            metrics["epoch"] = double(done * config_.examples) / double(per_epoch);
            const bool measured = (config_.eval_every > 0 && done % config_.eval_every == 0) || done == config_.steps;
            if (measured) patience_is_out = measure(metrics);
            stage_.log->metrics(metrics);
            // with --patience the end is no reason to save: the best is what stays
            const bool ends = patience_is_out || done == config_.steps;
            if (config_.patience > 0 ? best_step_ == done || (!ends && stage_.checkpoint_is_due()) : stage_.checkpoint_is_due()) save();
            if (config_.sample_every > 0 && (done % config_.sample_every == 0 || done == config_.steps)) print_samples();
        }
        // a signal came (or, with --patience, no measurement was a number)
        if ((stop || config_.patience == 0 || best_step_ < 0) && !stage_.is_saved() && trainer.steps_done > 0) save();
        if (config_.patience > 0 && best_step_ >= 0 && !stop) drop_checkpoints([&](int64_t step, size_t) { return step > best_step_; });
        if (patience_is_out)
            stage_.log->line(cat("stopped early: no new best in ", config_.patience, " measurements; the checkpoint is the best"));
        if (stop) stage_.log->line(cat("stopped by a signal after step ", trainer.steps_done, "; the same command with --resume goes on"));
    }

   private:
    // True when the patience is at its end.
    bool measure(json& metrics) {
        if (measured_.empty()) return false;
        const double loss = evaluate();
        metrics["val_loss"] = loss;
        const bool better = loss < best_;
        stage_.log->line(strprintf("step %lld: validation loss %.4f%s", (long long)stage_.trainer.steps_done, loss, better ? ", the best so far" : ""));
        if (better) best_ = loss, best_step_ = stage_.trainer.steps_done;
        worse_in_a_row_ = better ? 0 : worse_in_a_row_ + 1;
        return config_.patience > 0 && worse_in_a_row_ >= config_.patience;
    }

    // Mean loss of the assistant's tokens in the validation conversations.
    double evaluate() {
        std::vector<const Sequence*> examples;
        for (const Sequence& s : measured_) examples.push_back(&s);
        double sums[2] = {};                               // weighted losses, and their weights
        for (const MicroBatch& b : make_batches(examples, config_.batch_size * config_.seq_len, stage_.model.config.max_T, stage_.ranks.size(), stage_.ranks.rank())) {
            sums[0] += stage_.model.loss(b.inputs.data(), b.targets.data(), b.weights.data(), b.B, b.T);
            for (const float w : b.weights) sums[1] += double(w);
        }
        stage_.ranks.sum(sums, 2);
        return sums[1] > 0 ? sums[0] / sums[1] : NAN;
    }

    void print_samples() {
        if (!stage_.ranks.is_first() || prompts_.empty()) return;
        Model& model = stage_.model;
        if (!cache_) cache_ = model.make_cache(int64_t(prompts_.size()), model.config.max_T);
        Generator generator(model, *cache_);
        const AnswerOptions options{config_.sample_tokens, {config_.sample_temperature, 0, 1.0f}, config_.seed};
        std::string text = cat("---- answers after step ", stage_.trainer.steps_done, "\n");
        const auto answers = answer(generator, format_, prompts_, options);
        for (size_t i = 0; i < answers.size(); i++) {
            text += cat("user: ", prompts_[i].back().content, "\nassistant: ", to_valid_utf8(answers[i].turn.answer()),
                        answers[i].turn.well_formed ? "\n" : cat(" [", answers[i].turn.problem, "]\n"));
        }
        stage_.log->line(text + "----");
    }

    void print_new_tokens() {
        const int64_t n = new_rows_->spare + new_rows_->grown, first = format_.tokenizer.vocab_size() - n;
        if (n == 0) return stage_.log->line("tokens    none is new: the vocabulary has those of the protocol");
        stage_.log->line(strprintf("tokens    %lld new ones, ids %lld to %lld: %lld in spare rows of the embedding, %lld in rows that were added; each begins as the mean of the %lld known ones "
                                   "and noise of deviation %g", (long long)n, (long long)first, (long long)(first + n - 1), (long long)new_rows_->spare, (long long)new_rows_->grown, (long long)first,
                                   double(stage_.model.layout.tensors[0].init.std)));
    }

    void save() {
        const json own = {{"data_hash", data_hash_}, {"val_hash", val_hash_}, {"best", std::isfinite(best_) ? json(best_) : json()}, {"best_step", best_step_},
                          {"worse_in_a_row", worse_in_a_row_}};
        // with --patience all stay at first: the oldest, which Stage::save drops, may be the best
        const int64_t keep = std::exchange(config_.keep, config_.patience > 0 ? 0 : config_.keep);
        stage_.save(own, [&](const std::string& dir) { save_chat_tokenizer(format_.tokenizer, dir); });
        config_.keep = keep;
        if (config_.patience > 0 && keep > 0) drop_checkpoints([&](int64_t, size_t newer) { return newer >= size_t(keep); });
    }

    // Removes the checkpoints that `goes(step, how many are newer)` names, but not the best one, and none where that is not there.
    void drop_checkpoints(const std::function<bool(int64_t step, size_t newer)>& goes) {
        if (!stage_.ranks.is_first()) return;
        const auto steps = checkpoint::list_steps(config_.out);
        if (best_step_ >= 0 && std::none_of(steps.begin(), steps.end(), [&](const auto& s) { return s.first == best_step_; })) return;
        for (size_t i = 0; i < steps.size(); i++) {
            const auto& [step, path] = steps[i];
            if (step != best_step_ && goes(step, steps.size() - 1 - i)) remove_checkpoint(path);
        }
    }

    SftConfig& config_;
    const ChatFormat& format_;
    SftData &train_, &val_;
    const std::vector<Sequence> measured_;     // of val
    const uint64_t data_hash_, val_hash_;
    std::optional<NewRows> new_rows_;          // none: the run was resumed
    Stage stage_;
    std::vector<Conversation> prompts_;
    std::unique_ptr<ModelCache> cache_;
    double best_ = INFINITY;                   // validation loss
    int64_t best_step_ = -1, worse_in_a_row_ = 0;
};

// Fill in what was not typed.
inline void resolve_settings(SftConfig& c, const Config& m, int64_t per_epoch) {
    if (c.lr == 0) c.lr = 0.1f * width_learning_rate(m.C);
    if (c.steps == 0) c.steps = std::max(int64_t(1), int64_t(std::llround(double(c.epochs) * double(per_epoch) / double(c.examples))));
    if (c.min_lr < 0) c.min_lr = 0.1f * c.lr;
    if (c.warmup < 0) c.warmup = std::min(int64_t(700), c.steps / 20);
}

inline int run_sft(SftConfig& c) {
    if (c.init.empty()) throw UsageError("--init is missing: the model to begin from", "train_gpt sft --init RUN --data conversations.jsonl --out DIR");
    if (c.data.empty() && c.identity.empty()) throw UsageError("--data is missing", "conversations as JSONL: {\"messages\": [{\"role\": \"user\", \"content\": \"...\"}, ...]}");
    if (c.examples < 1) throw UsageError(cat("--examples ", c.examples, ": expected at least 1"));
    if (!(c.epochs > 0)) throw UsageError(cat("--epochs ", c.epochs, ": expected a number above 0"));
    if (!(c.val_fraction >= 0 && c.val_fraction < 1)) throw UsageError(cat("--val-fraction ", c.val_fraction, ": expected a number in [0, 1)"));
    if (c.eval_every < 0 || c.eval_examples < 0 || c.sample_every < 0 || c.sample_tokens < 1 || c.patience < 0 || !(c.sample_temperature >= 0))
        throw UsageError("--eval-every, --eval-examples, --sample-every, --patience and --sample-temperature must not be negative");
    if (c.patience > 0 && c.eval_every == 0) throw UsageError("--patience needs --eval-every");
    const ModelReader reader(c.init);
    Config model = reader.config();
    if (c.seq_len == 0) c.seq_len = model.max_T;
    if (c.seq_len > model.max_T) throw UsageError(cat("--seq-len ", c.seq_len, " is longer than the model's context of ", model.max_T));
    Tokenizer tokenizer = Tokenizer::load(reader.path());
    if (tokenizer.vocab_size() > model.V)
        throw Error(cat(reader.path(), ": the tokenizer has ", tokenizer.vocab_size(), " ids, the model only ", model.V));
    const int64_t known_ids = tokenizer.vocab_size();
    const ChatTokens tokens = ChatTokens::add_to(tokenizer);
    model.V = std::max(model.V, int64_t(tokenizer.vocab_size()));
    const ChatFormat format(tokenizer, tokens);
    SftData train(format, c.seq_len + 1, c.skip_bad), val(format, c.seq_len + 1, c.skip_bad);
    for (const auto& file : c.data) train.add_file(file);
    for (const auto& file : c.val) val.add_file(file);
    if (c.val.empty()) train.hold_back(c.val_fraction, val);
    if (!c.identity.empty() || !c.maker.empty()) train.add("identity", identity_conversations(c.identity, c.maker), 1);
    if (train.per_epoch() == 0) throw Error("--data holds no conversation to learn from", "give more data, a longer --seq-len or a smaller --val-fraction");
    if (c.patience > 0 && val.count() == 0) throw Error("--patience: there is no validation data to measure", "give --val, or a larger --val-fraction");
    resolve_settings(c, model, train.per_epoch());
    validate(c);
    return with_ranks(c, [&](Backend& backend, Ranks& ranks, int64_t resume_step) {
        SftRun(backend, c, reader, model, format, known_ids, train, val, resume_step, ranks).run();
    });
}

inline std::vector<Command> sft_commands() {
    return {make_command<SftConfig>("sft", "", "conversations -> assistant", sft_flags, run_sft)};
}
