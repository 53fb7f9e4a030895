// reward.hpp -- ranked answers -> a model of what people prefer; or straight into the assistant.
//
// A reward model is the transformer with another head: instead of a score for each next token, one number where the answer has ended
// (kernels/score_head.hpp). The numbers are trained so that they order answers as people did (Bradley-Terry, rankings.hpp). Then they stand in for
// the people: `rl --reward-model` asks it about every answer. It is a simulation of them, good only near the answers that were ranked.
// One Trainer step as everywhere: a forward pass gives the scores of a ranking's answers, the loss its slope at each of them, and that
// slope is the weight of the answer's end in the batch. Scores have no zero of their own, so after the last step the head is scaled and
// shifted until the answers that it learned from have mean 0 and deviation 1. The checkpoint is a GPT2ForSequenceClassification.
// `reward dpo` is the same run with another score, s = beta * (log p(answer) - log p_reference(answer)): the assistant becomes its own reward
// model (Rafailov et al. 2023, eq. 7), its weights stand on all tokens of the answer, and no RL follows. That is why DPO lives
// here and not in rl.hpp: it draws no answers; it shares rankings, pairs, slopes and held-out figures with the reward model, all but the score.
#pragma once

#include "arena.hpp"
#include "batches.hpp"
#include "rankings.hpp"
#include "stage.hpp"

// ---- what is scored

// A prompt with an answer as a row. learn 1: what the assistant writes.
inline Rendered render_answer(const ChatFormat& format, const std::string& prompt, const std::string& response) {
    return format.render({{Role::user, prompt}, {Role::assistant, response}});
}
// For a reward model: behind the end token stands one more, which nobody reads: its weight is that of the score at the end token. At
// most max_T tokens are read; a longer row is cut before its end token.
inline Sequence reward_row(const ChatFormat& format, const std::string& prompt, const std::string& response, int64_t max_T) {
    Sequence s{render_answer(format, prompt, response).ids, {}};
    if (int64_t(s.ids.size()) > max_T) s.ids.resize(size_t(max_T)), s.ids.back() = format.tokens.im_end;
    s.ids.push_back(format.tokens.im_end);
    s.weights.assign(s.ids.size(), 0.0f);
    s.weights.back() = 1;
    return s;
}
// For the assistant itself: all tokens of the answer, its end included.
inline Sequence answer_row(const ChatFormat& format, const std::string& prompt, const std::string& response, int64_t max_T) {
    const Rendered r = render_answer(format, prompt, response);
    Sequence s{r.ids, {r.learn.begin(), r.learn.end()}};
    if (int64_t(s.ids.size()) > max_T + 1) s.ids.resize(size_t(max_T + 1)), s.weights.resize(size_t(max_T + 1));
    return s;
}

// sum over a row's places of weight * -loss: of a reward model the score, of an assistant the log probability of the tokens with weight 1.
inline std::vector<double> score_rows(Model& model, const std::vector<const Sequence*>& rows, int64_t max_tokens) {
    std::vector<size_t> lengths;
    for (const Sequence* s : rows) lengths.push_back(s->ids.size());
    std::vector<double> scores(rows.size(), 0.0);
    std::vector<float> losses;
    for (const BatchPlan& plan : plan_batches(lengths, max_tokens, model.config.max_T)) {
        const MicroBatch b = fill_batch(plan, rows);
        losses.resize(b.inputs.size());
        model.loss(b.inputs.data(), b.targets.data(), b.weights.data(), b.B, b.T, losses.data(), nullptr);
        for (size_t r = 0; r < plan.examples.size(); r++)
            for (size_t t = 0; t < size_t(b.T); t++) {
                const size_t i = r * size_t(b.T) + t;
                if (b.targets[i] >= 0) scores[plan.examples[r]] -= double(b.weights[i]) * double(losses[i]);
            }
    }
    return scores;
}

inline std::vector<double> score_rows(Model& model, const std::vector<Sequence>& rows, int64_t max_tokens) {
    std::vector<const Sequence*> pointers;
    for (const Sequence& s : rows) pointers.push_back(&s);
    return score_rows(model, pointers, max_tokens);
}

// A stored reward model with its vocabulary, which may be another than the assistant's. Throws UsageError where `flag` names another kind of model.
struct RewardSource {
    RewardSource(const char* flag, const std::string& path) : reader(path), vocabulary(reader.path()) {
        if (!reader.config().scores) throw UsageError(cat(flag, " ", path, ": not a reward model"), "make one with: train_gpt reward --init RUN --rankings rankings.jsonl --out DIR");
    }
    Sequence row(const std::string& prompt, const std::string& response) const { return reward_row(vocabulary.format, prompt, response, reader.config().max_T); }
    // The scores of these rows, batch_size of the longest at once.
    std::vector<double> score(const std::vector<Sequence>& rows, int64_t batch_size, const std::string& device, const std::string& dtype, int threads) const {
        std::vector<double> scores;
        const int64_t max_tokens = std::min(int64_t(1) << 31, batch_size * reader.config().max_T);
        with_model(device, dtype, "auto", threads, reader, max_tokens, [&](Model& model) { scores = score_rows(model, rows, max_tokens); });
        return scores;
    }
    const ModelReader reader;
    const ChatVocabulary vocabulary;
};

// ---- settings

struct PreferenceConfig : TrainerConfig {
    PreferenceConfig() { seq_len = 0, lr = 0, skip_z = 0, batch_size = 16, weight_decay = 0; }
    std::string init;
    std::vector<std::string> rankings, dev;
    int64_t examples = 8, eval_every = 0, eval_examples = 0;
    float epochs = 1, beta = 0.1f;
    bool dpo = false;                  // the command's, not a flag
};

inline std::vector<Flag<PreferenceConfig>> make_preference_flags(bool dpo) {
    using P = PreferenceConfig;
    std::vector<Flag<P>> flags = {
        {"init",          &P::init,          "DIR",     "the assistant to begin from; for DPO also the reference"},
        {"rankings",      &P::rankings,      "FILE...", "JSONL: {\"prompt\", \"responses\": [...], \"ranking\": [best, ..., worst]} or {\"prompt\", \"chosen\", \"rejected\"}"},
        {"dev",           &P::dev,           "FILE...", "rankings of other prompts: how many of their pairs does it order right?"},
        {"examples",      &P::examples,      "rankings", "rankings of one update; all pairs of a ranking stay together"},
        {"epochs",        &P::epochs,        "",        "times to go through the rankings where --steps is 0"},
        {"eval-every",    &P::eval_every,    "steps",   "measure --dev; 0: at the start and the end only"},
        {"eval-examples", &P::eval_examples, "rankings", "at most so many of --dev; 0: all"},
    };
    if (dpo) flags.push_back({"beta", &P::beta, "", "how strongly it is held to the reference: a log probability ratio of 1 counts as a reward of this"});
    for (auto f : trainer_flags<P>()) {
        const std::string name = f.name;
        if (name == "total-batch-tokens") continue;
        if (name == "seq-len") f.help = "longest prompt with an answer; what is longer is cut. 0: the model's context";
        if (name == "batch-size") f.help = "rows of --seq-len tokens that fit in memory at once: shorter ones share them";
        if (name == "steps") f.help = "number of updates; 0: as --epochs says";
        if (name == "lr") f.help = dpo ? "peak learning rate; 0: a hundredth of what pretraining takes for this width" : "peak learning rate; 0: a tenth of what pretraining takes for this width";
        flags.push_back(f);
    }
    return flags;
}
inline const std::vector<Flag<PreferenceConfig>> reward_flags = make_preference_flags(false), dpo_flags = make_preference_flags(true);

// ---- the data

// Rankings as rows of tokens.
struct RankedRows {
    struct Example {
        std::vector<Sequence> rows;        // of its answers; weights 1 where the score comes from
        std::vector<double> lengths;       // tokens of each answer
        std::vector<double> reference;     // DPO: what is taken from each score
        std::vector<int> order;
    };
    std::vector<Example> examples;
    int64_t cut = 0;
    uint64_t hash = 0;                     // the same rankings?

    RankedRows(const std::vector<std::string>& paths, const ChatFormat& format, int64_t max_T, bool dpo, int64_t limit = 0) {
        for (const auto& path : paths)
            for (const Ranking& r : read_rankings(path)) {
                if (limit > 0 && int64_t(examples.size()) >= limit) return;
                Example e;
                e.order = r.order, e.reference.assign(r.responses.size(), 0.0);
                for (const std::string& response : r.responses) {
                    const Rendered whole = render_answer(format, r.prompt, response);
                    cut += int64_t(whole.ids.size()) > max_T;
                    e.lengths.push_back(double(std::count(whole.learn.begin(), whole.learn.end(), 1)));
                    e.rows.push_back(dpo ? answer_row(format, r.prompt, response, max_T) : reward_row(format, r.prompt, response, max_T));
                    if (*std::max_element(e.rows.back().weights.begin(), e.rows.back().weights.end()) == 0)
                        throw Error(cat(path, ": a prompt fills the whole row of ", max_T, " tokens: ", r.prompt.substr(0, 60)), "leave it out, or give a longer --seq-len");
                    for (const int32_t id : whole.ids) hash = splitmix64(hash ^ uint64_t(id));
                }
                for (const int i : r.order) hash = splitmix64(hash ^ uint64_t(i));
                examples.push_back(std::move(e));
            }
    }
};

// ---- the run

class PreferenceRun {
   public:
    PreferenceRun(Backend& backend, PreferenceConfig& config, const ModelReader& reader, const Config& model, const ChatFormat& format, RankedRows& train, RankedRows& dev_rows,
                  int64_t resume_step, Ranks& ranks)
        : config_(config), format_(format), train_(train), dev_(dev_rows), scale_(config.dpo ? double(config.beta) : 1.0),
          epochs_(0x72616E6B, {{train.examples.size(), 1.0}}),
          stage_(backend, config.dpo ? "dpo" : "reward", config, bind_flags(config, config.dpo ? dpo_flags : reward_flags), model, config.batch_size * config.seq_len, ranks) {
        if (config.dpo || resume_step < 0) load_trunk(reader);
        // the reference is the model before its first step: asked once, it need not stay in memory
        if (config.dpo)
            for (RankedRows* rows : {&train_, &dev_}) remember_reference(*rows);
        if (resume_step >= 0)
            stage_.resume(resume_step, {"examples", "beta"}, [&](const json& state) {
                if (state.at("rankings_hash") != train_.hash) throw Error(cat("--resume: --rankings are not what the run in ", config_.out, " began with"));
            });
        else stage_.lineage = lineage_of(reader.path());
        stage_.open_log(resume_step);
    }

    void run() {
        Trainer& trainer = stage_.trainer;
        const int64_t per_epoch = int64_t(train_.examples.size());
        stage_.print_header(strprintf("%s rankings, %s held out, %lld answers cut; %s steps of %lld = %.2f epochs", with_commas(per_epoch).c_str(), with_commas(int64_t(dev_.examples.size())).c_str(),
                                      (long long)(train_.cut + dev_.cut), with_commas(config_.steps).c_str(), (long long)config_.examples,
                                      double(config_.steps * config_.examples) / double(per_epoch)));
        stop_on_signals();
        if (trainer.steps_done == 0) measure(nullptr);
        bool stop = false;
        while (trainer.steps_done < config_.steps && !(stop = stage_.stop_requested())) {
            json metrics = step();
            const int64_t done = trainer.steps_done;
            metrics["epoch"] = double(done * config_.examples) / double(per_epoch);
            if (done == config_.steps && !config_.dpo) centre();
            if ((config_.eval_every > 0 && done % config_.eval_every == 0) || done == config_.steps) measure(&metrics);
            stage_.log->metrics(metrics);
            if (stage_.checkpoint_is_due()) save();
        }
        if (!stage_.is_saved() && trainer.steps_done > 0) save();   // a signal came
        if (stop) stage_.log->line(cat("stopped by a signal after step ", trainer.steps_done, "; the same command with --resume goes on"));
    }

   private:
    using Example = RankedRows::Example;

    // All of a stored model that this one has, the head of another kind left out.
    void load_trunk(const ModelReader& reader) {
        std::vector<float> x;
        for (const Tensor& t : stage_.model.layout.tensors) {
            x.assign(size_t(t.size), 0.0f);
            if (t.name != "score.weight" || reader.config().scores) reader.read(t, x.data());
            stage_.model.set_tensor(t, x.data());
        }
    }

    int64_t max_tokens() const { return config_.batch_size * config_.seq_len; }
    static std::vector<const Sequence*> rows_of(const std::vector<Example*>& examples) {
        std::vector<const Sequence*> rows;
        for (const Example* e : examples)
            for (const Sequence& s : e->rows) rows.push_back(&s);
        return rows;
    }
    // This rank's of `all`.
    std::vector<Example*> mine(const std::vector<Example*>& all) const {
        std::vector<Example*> own;
        for (size_t i = size_t(stage_.ranks.rank()); i < all.size(); i += size_t(stage_.ranks.size())) own.push_back(all[i]);
        return own;
    }
    static std::vector<Example*> all_of(RankedRows& rows) {
        std::vector<Example*> all;
        for (Example& e : rows.examples) all.push_back(&e);
        return all;
    }

    void remember_reference(RankedRows& rows) {
        std::vector<Example*> all = all_of(rows), own = mine(all);
        const auto scores = score_rows(stage_.model, rows_of(own), max_tokens());
        size_t k = 0;
        for (Example* e : own)
            for (double& r : e->reference) r = scores[k++];
        for (Example* e : all) stage_.ranks.sum(e->reference.data(), e->reference.size());   // 0 but on one rank
    }

    // Scores of the answers of these rankings, and the slopes of the loss at them; figures into `stats`, log probabilities into `chosen`.
    std::vector<double> slopes(const std::vector<Example*>& examples, PairStatistics& stats, double* chosen) {
        const std::vector<double> raw = score_rows(stage_.model, rows_of(examples), max_tokens());
        std::vector<double> all;
        size_t k = 0;
        for (const Example* e : examples) {
            if (chosen) *chosen += raw[k + size_t(e->order[0])];
            std::vector<double> scores;
            for (size_t i = 0; i < e->rows.size(); i++, k++) {
                scores.push_back(scale_ * (raw[k] - e->reference[i]));
                stats.add_answer(scores.back(), e->lengths[i]);
            }
            for (const double slope : bradley_terry(scores, e->order, &stats)) all.push_back(slope);
        }
        return all;
    }

    json step() {
        const double start = now_s();
        std::vector<Example*> wanted;
        for (int64_t i = 0; i < config_.examples; i++)
            wanted.push_back(&train_.examples[epochs_.at(config_.seed, stage_.trainer.steps_done * config_.examples + i).index]);
        const std::vector<Example*> own = mine(wanted);
        PairStatistics stats;
        double chosen = 0;
        const std::vector<double> slope = slopes(own, stats, &chosen);
        // L = sum_rankings loss / examples, a score is scale * sum of -loss over its places: so a place's weight is -slope * scale / examples
        std::vector<Sequence> weighted;
        for (const Sequence* s : rows_of(own)) {
            Sequence w = *s;
            for (float& x : w.weights) x *= float(-slope[weighted.size()] * scale_ / double(config_.examples));
            weighted.push_back(std::move(w));
        }
        std::vector<const Sequence*> rows;
        double tokens = 0;
        for (const Sequence& s : weighted) rows.push_back(&s), tokens += double(s.ids.size());
        std::vector<MicroBatch> batches = make_batches(rows, max_tokens(), stage_.model.config.max_T);
        if (batches.empty()) batches.push_back(fill_batch({1, {}}, {}));           // all ranks take part in every step
        StepResult r = stage_.trainer.step(batches, true);
        stage_.ranks.sum(stats.sums.data(), PairStatistics::count);
        double sums[2] = {chosen, tokens};
        stage_.ranks.sum(sums, 2);
        r.loss = stats.mean_loss();                                                // of the scores before this update
        json m = stage_.report(r, now_s() - start, sums[1], int64_t(sums[1] / stats.sums[PairStatistics::answers]),
                               strprintf(" | right %.1f%% | margin %.3f", 100 * stats.accuracy(), stats.mean(PairStatistics::margin)));
        m.update(figures(stats, sums[0]));
        return m;
    }

    json figures(const PairStatistics& s, double chosen) const {
        json j = {{"pairs", s.sums[PairStatistics::pairs]}, {"loss", s.mean_loss()}, {"accuracy", s.accuracy()}, {"margin", s.mean(PairStatistics::margin)},
                  {"score", s.mean_score()}, {"score_std", s.score_std()}, {"length_correlation", s.length_correlation()}};
        if (config_.dpo) j["chosen_logprob"] = chosen / s.sums[PairStatistics::rankings];
        return j;
    }

    // The held-out pairs.
    void measure(json* metrics) {
        if (dev_.examples.empty()) return;
        PairStatistics stats;
        double chosen = 0;
        slopes(mine(all_of(dev_)), stats, &chosen);
        stage_.ranks.sum(stats.sums.data(), PairStatistics::count);
        stage_.ranks.sum(&chosen, 1);
        stage_.log->line(strprintf("step %lld: held-out pairs: %.1f%% of %.0f right, loss %.4f, margin %.3f, score %.3f +- %.3f, correlation with length %.3f%s", (long long)stage_.trainer.steps_done,
                                   100 * stats.accuracy(), stats.sums[PairStatistics::pairs], stats.mean_loss(), stats.mean(PairStatistics::margin), stats.mean_score(), stats.score_std(),
                                   stats.length_correlation(), config_.dpo ? strprintf(", log p of the best %.2f", chosen / stats.sums[PairStatistics::rankings]).c_str() : ""));
        const json j = figures(stats, chosen);
        if (metrics) (*metrics)["dev"] = j;
        else stage_.log->metrics({{"step", stage_.trainer.steps_done}, {"dev", j}});
    }

    // Mean 0 and deviation 1 on the answers of the rankings. The head has no bias; but the last LayerNorm has one, b, which adds w . b to every
    // score: so a step of b along w shifts them all.
    void centre() {
        PairStatistics stats;
        slopes(mine(all_of(train_)), stats, nullptr);
        stage_.ranks.sum(stats.sums.data(), PairStatistics::count);
        const double mean = stats.mean_score(), deviation = stats.score_std();
        Model& model = stage_.model;
        const Tensor *head = nullptr, *bias = nullptr;
        for (const Tensor& t : model.layout.tensors) {
            if (t.name == "score.weight") head = &t;
            if (t.name == "ln_f.bias") bias = &t;
        }
        if (model.has_master()) model.gather_state(AdamState::master);
        std::vector<float> w(static_cast<size_t>(head->size)), b(static_cast<size_t>(bias->size));
        model.get_tensor(*head, w.data()), model.get_tensor(*bias, b.data());
        double square = 0;
        for (float& x : w) x = deviation > 0 ? float(double(x) / deviation) : 0.0f, square += double(x) * double(x);
        if (!(square > 0)) return stage_.log->line("scores    are all the same: nothing to scale");
        for (size_t c = 0; c < b.size(); c++) b[c] -= float(mean / deviation * double(w[c]) / square);
        model.set_tensor(*head, w.data()), model.set_tensor(*bias, b.data());
        stage_.log->line(strprintf("scores    of %.0f answers: mean %.3f, deviation %.3f; scaled and shifted to 0 and 1", stats.sums[PairStatistics::answers], mean, deviation));
    }

    void save() {
        stage_.save({{"rankings_hash", train_.hash}}, [&](const std::string& dir) { save_chat_tokenizer(format_.tokenizer, dir); });
    }

    PreferenceConfig& config_;
    const ChatFormat& format_;
    RankedRows &train_, &dev_;
    const double scale_;               // score = scale * (sum of -loss - reference)
    ShuffledEpochs epochs_;
    Stage stage_;
};

inline int run_preferences(PreferenceConfig& c) {
    const char* command = c.dpo ? "train_gpt reward dpo" : "train_gpt reward";
    if (c.init.empty()) throw UsageError("--init is missing: the assistant to begin from", cat(command, " --init RUN --rankings rankings.jsonl --out DIR"));
    if (c.rankings.empty()) throw UsageError("--rankings is missing", "JSONL: {\"prompt\": \"...\", \"responses\": [\"...\", ...], \"ranking\": [best, ..., worst]}");
    if (c.examples < 1) throw UsageError(cat("--examples ", c.examples, ": expected at least 1"));
    if (!(c.epochs > 0)) throw UsageError(cat("--epochs ", c.epochs, ": expected a number above 0"));
    if (!(c.beta > 0)) throw UsageError(cat("--beta ", c.beta, ": expected a number above 0"));
    if (c.eval_every < 0 || c.eval_examples < 0) throw UsageError("--eval-every and --eval-examples must not be negative");
    const ModelReader reader(c.init);
    Config model = reader.config();
    if (!c.dpo) model.scores = true;
    if (c.seq_len == 0) c.seq_len = model.max_T;
    if (c.seq_len > model.max_T) throw UsageError(cat("--seq-len ", c.seq_len, " is longer than the model's context of ", model.max_T));
    const ChatVocabulary vocabulary(reader.path());
    RankedRows train(c.rankings, vocabulary.format, c.seq_len, c.dpo), dev_rows(c.dev, vocabulary.format, c.seq_len, c.dpo, c.eval_examples);
    if (c.lr == 0) c.lr = width_learning_rate(model.C) / (c.dpo ? 100 : 10);
    if (c.steps == 0) c.steps = std::max(int64_t(1), int64_t(std::llround(double(c.epochs) * double(train.examples.size()) / double(c.examples))));
    if (c.min_lr < 0) c.min_lr = 0.1f * c.lr;
    if (c.warmup < 0) c.warmup = std::min(int64_t(700), c.steps / 20);
    validate(c);
    return with_ranks(c, [&](Backend& backend, Ranks& ranks, int64_t resume_step) {
        PreferenceRun(backend, c, reader, model, vocabulary.format, train, dev_rows, resume_step, ranks).run();
    });
}
inline int run_reward(PreferenceConfig& c) { return run_preferences(c); }
inline int run_dpo(PreferenceConfig& c) {
    c.dpo = true;
    return run_preferences(c);
}

// ---- train_gpt reward score

struct RewardScoreConfig {
    std::string model, out, report;
    std::vector<std::string> input;
    int64_t batch_size = 32;
    std::string device = "auto", dtype = "auto";
    int threads = 0;
};
inline const std::vector<Flag<RewardScoreConfig>> reward_score_flags = {
    {"model",      &RewardScoreConfig::model,      "DIR",     "the reward model"},
    {"input",      &RewardScoreConfig::input,      "FILE...", "JSONL: {\"prompt\", \"response\" (or \"reply\")}, or rankings, whose pairs are counted"},
    {"out",        &RewardScoreConfig::out,        "FILE",    "the same lines with \"score\" (of rankings: \"scores\"); none: to standard output"},
    {"report",     &RewardScoreConfig::report,     "FILE",    "the figures of the rankings as JSON"},
    {"batch-size", &RewardScoreConfig::batch_size, "rows",    "answers that are read at once"},
    {"device",     &RewardScoreConfig::device,     "auto|cpu|cuda",  "where to compute"},
    {"dtype",      &RewardScoreConfig::dtype,      "auto|fp32|bf16", "how weights are stored"},
    {"threads",    &RewardScoreConfig::threads,    "",        "CPU threads; 0: all cores"},
};

inline int run_reward_score(RewardScoreConfig& c) {
    if (c.model.empty() || c.input.empty()) throw UsageError("--model and --input are needed", "train_gpt reward score --model RUN --input answers.jsonl");
    if (c.batch_size < 1) throw UsageError(cat("--batch-size ", c.batch_size, ": expected at least 1"));
    const RewardSource source("--model", c.model);
    std::vector<json> lines;
    std::vector<Sequence> rows;
    std::vector<size_t> first;                                                     // row of each line
    const auto add = [&](const std::string& prompt, const std::string& response) { rows.push_back(source.row(prompt, response)); };
    for (const auto& path : c.input)
        each_json_line(path, nullptr, [&](const json& j, int64_t) {
            first.push_back(rows.size());
            lines.push_back(j);
            if (j.is_object() && (j.contains("responses") || j.contains("chosen"))) {
                const Ranking r = ranking_from_json(j);
                for (const auto& response : r.responses) add(r.prompt, response);
                return;
            }
            const char* key = j.is_object() && j.contains("response") ? "response" : "reply";
            if (!j.is_object() || !j.contains("prompt") || !j["prompt"].is_string() || !j.contains(key) || !j[key].is_string())
                throw Error("no \"prompt\" with a \"response\" or \"reply\" in it", "one JSON object a line: {\"prompt\": \"...\", \"response\": \"...\"}");
            add(j["prompt"].get<std::string>(), j[key].get<std::string>());
        });
    first.push_back(rows.size());
    const std::vector<double> scores = source.score(rows, c.batch_size, c.device, c.dtype, c.threads);
    PairStatistics stats;
    std::string out;
    for (size_t i = 0; i < lines.size(); i++) {
        const std::vector<double> own(scores.begin() + int64_t(first[i]), scores.begin() + int64_t(first[i + 1]));
        for (size_t k = 0; k < own.size(); k++) stats.add_answer(own[k], double(rows[first[i] + k].ids.size()));
        if (lines[i].contains("responses") || lines[i].contains("chosen")) {
            bradley_terry(own, ranking_from_json(lines[i]).order, &stats);
            lines[i]["scores"] = own;
        } else {
            lines[i]["score"] = own[0];
        }
        out += json_text(lines[i], -1, JsonBytes::replaced) + "\n";
    }
    if (c.out.empty()) std::fputs(out.c_str(), stdout);
    else write_file(c.out, out);
    const json report = {{"answers", stats.sums[PairStatistics::answers]}, {"score", stats.mean_score()}, {"score_std", stats.score_std()}, {"length_correlation", stats.length_correlation()},
                         {"pairs", stats.sums[PairStatistics::pairs]}, {"accuracy", stats.accuracy()}, {"margin", stats.mean(PairStatistics::margin)}, {"loss", stats.mean_loss()}};
    if (!c.report.empty()) write_file(c.report, json_text(report, 1) + "\n");
    std::fprintf(stderr, "%.0f answers, score %.3f +- %.3f; %.0f pairs, %.1f%% in the order of their ranking\n", stats.sums[PairStatistics::answers], stats.mean_score(), stats.score_std(),
                 stats.sums[PairStatistics::pairs], 100 * stats.accuracy());
    return 0;
}

// ---- train_gpt eval arena --judge reward: of two answers the one with the higher score is better

inline Judge open_reward_judge(const ArenaConfig& c) {
    if (c.reward_model.empty()) throw UsageError("--judge reward needs --reward-model", "the directory of a run of: train_gpt reward");
    const auto source = std::make_shared<RewardSource>("--reward-model", c.reward_model);
    return [source, c](const std::vector<AnswerPair>& pairs) {
        std::vector<Sequence> rows;
        for (const AnswerPair& p : pairs)
            for (const std::string* answer : {p.first, p.second}) rows.push_back(source->row(p.item->prompt, *answer));
        const std::vector<double> scores = source->score(rows, c.rows, c.device, c.dtype, c.threads);
        std::vector<double> verdicts;
        for (size_t i = 0; i < scores.size(); i += 2) verdicts.push_back(scores[i] > scores[i + 1] ? 1 : scores[i] < scores[i + 1] ? 0 : 0.5);
        return verdicts;
    };
}

inline std::vector<Command> reward_commands() {
    judge_kinds().push_back({"reward", true, open_reward_judge});
    return {make_command<PreferenceConfig>("reward", "", "ranked answers -> reward model", reward_flags, run_reward),
            make_command<RewardScoreConfig>("reward score", "", "a reward model's score of answers, as JSON", reward_score_flags, run_reward_score),
            make_command<PreferenceConfig>("reward dpo", "", "ranked answers -> better assistant, without a reward model (DPO)", dpo_flags, run_dpo)};
}
