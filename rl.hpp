// rl.hpp -- reinforcement learning with checked rewards: the model practises.
//
// Imitation shows the model one solution, which may not be the one that suits it. Here it gets problems with nothing but the final answer. Each
// iteration draws several answers to each of some prompts (generate.hpp, the same process and the same weights), checks them (rewards.hpp),
// turns rewards into one weight per token (objectives.hpp), and takes ordinary training steps with these weights: what led to right
// answers becomes likelier. Nobody shows it how.
// Only tokens that the model drew count, its closing token among them; the output of tools does not. An answer whose turn was not ended counts as wrong
// (or, with --truncated drop, not at all). Groups whose rewards are equal are counted; what they teach is the objective's affair.
// The log probabilities that rollouts record are those of the training pass: of gap_mean and gap_max in the log, nothing is left on the CPU in fp32, to the
// last bit (MatmulSettings::row_invariant). With bf16 storage, or on a GPU, they are the rounding between two orders of adding.
// Iteration i is a function of (weights, seed, i): resuming gives the same bits. Training never sees the dev or test problems (a prompt that is in both
// is refused): --dev is measured on the way, --test once, at the end.
// Where nothing can be checked, --reward-model (reward.hpp) says how good an answer is. It knows the answers that people ranked; the further
// the policy leaves these, the less its word is worth. So it wants a leash (--kl) and an end (--steps).
#pragma once

#include "eval.hpp"
#include "objectives.hpp"
#include "reward.hpp"
#include "sft.hpp"

struct RlConfig : TrainerConfig {
    RlConfig() { seq_len = 0, lr = 0, skip_z = 0, weight_decay = 0, schedule = "constant", batch_size = 16, row_invariant = true; }
    std::string init, reward_model;
    std::vector<std::string> tasks, dev, test;
    std::string objective = "dr_grpo", kl = "none", truncated = "keep", system, tools = "off", documents;
    int64_t prompts = 16, group = 8, inner = 1, max_tokens = 128, rows = 64, resample = 0, overlong_buffer = 0;
    int64_t eval_every = 0, eval_limit = 200, eval_samples = 1, sample_every = 0, dump_every = 0;
    float temperature = 1, clip_low = 0.2f, clip_high = 0.2f, kl_coef = 0.02f, entropy_coef = 0, format_reward = 0, length_penalty = 0;
    float check_weight = -1, reward_weight = 1, cut_reward = -3;
    bool python = false, allow_overlap = false;
};

inline std::vector<Flag<RlConfig>> make_rl_flags() {
    using R = RlConfig;
    std::vector<Flag<R>> flags = {
        {"init",           &R::init,           "DIR",     "the assistant that practises"},
        {"tasks",          &R::tasks,          "FILE[:WEIGHT]...", "problems to train on, JSONL {\"prompt\", \"answer\"}; with --reward-model a prompt is enough"},
        {"dev",            &R::dev,            "FILE...", "problems that are measured on the way"},
        {"test",           &R::test,           "FILE...", "problems that are measured once, at the end"},
        {"allow-overlap",  &R::allow_overlap,  "",        "--tasks may hold problems of --dev and --test: their figures then say what it has learned, not how it does on others"},
        {"objective",      &R::objective,      "reinforce|rloo|grpo|dr_grpo|dapo|ppo|expert|best", "how rewards become weights; expert reads no reward: it learns from all right answers"},
        {"prompts",        &R::prompts,        "",        "problems of an iteration"},
        {"group",          &R::group,          "",        "answers to each of them"},
        {"inner",          &R::inner,          "",        "updates that an iteration's answers are used for"},
        {"temperature",    &R::temperature,    "",        "of the answers. What is trained is the model at 1: elsewhere a token counts p(at 1) / p(as drawn) times, at most 2"},
        {"max-tokens",     &R::max_tokens,     "tokens",  "most tokens of an answer"},
        {"truncated",      &R::truncated,      "keep|drop", "answers whose turn was not ended: keep them as wrong, or leave them out of the loss"},
        {"resample",       &R::resample,       "",        "ask up to so many other problems for each whose answers are all equal in reward (dynamic sampling); dapo: 8 if not given"},
        {"clip-low",       &R::clip_low,       "",        "inner > 1: a token's ratio p_new / p_old counts down to 1 minus this"},
        {"clip-high",      &R::clip_high,      "",        "and up to 1 plus this; dapo: 0.28 if not given"},
        {"kl",             &R::kl,             "none|k1|k2|k3", "penalty for leaving the model of --init: k1 in the reward, k2 or k3 in the loss"},
        {"kl-coef",        &R::kl_coef,        "",        "its strength"},
        {"entropy-coef",   &R::entropy_coef,   "",        "bonus for being undecided: this times the entropy of a drawn token's distribution, averaged over the batch"},
        {"reward-model",   &R::reward_model,   "DIR",     "a model made by train_gpt reward, which scores every answer"},
        {"reward-weight",  &R::reward_weight,  "",        "how much its score counts (deviation 1 on what was ranked)"},
        {"cut-reward",     &R::cut_reward,     "",        "what it says of an answer whose turn was not ended: nobody ranked such"},
        {"check-weight",   &R::check_weight,   "",        "how much the checked reward counts; negative: 1, or 0 with --reward-model"},
        {"format-reward",  &R::format_reward,  "",        "added to the reward of an answer that keeps the protocol"},
        {"length-penalty", &R::length_penalty, "per token", "taken from the reward for each drawn token"},
        {"overlong-buffer", &R::overlong_buffer, "tokens", "the last so many of --max-tokens cost: from 0 at the first of them to 1 at the limit (DAPO's soft punishment); 0: none"},
        {"system",         &R::system,         "TEXT",    "system message of every problem"},
        {"tools",          &R::tools,          "on|off",  "run the tools that the model calls"},
        {"documents",      &R::documents,      "PATH",    "what its search looks into"},
        {"python",         &R::python,         "",        "run its code with python3 in a closed child process instead of the built-in interpreter"},
        {"eval-every",     &R::eval_every,     "steps",   "measure --dev; 0: at the start and the end only"},
        {"eval-limit",     &R::eval_limit,     "",        "at most so many problems of each file; 0: all"},
        {"eval-samples",   &R::eval_samples,   "",        "answers to each problem of --dev and --test. 1: the likeliest; more: drawn at --temperature, for pass@k and majority"},
        {"sample-every",   &R::sample_every,   "steps",   "print a problem with a right and a wrong answer; 0: never"},
        {"dump-every",     &R::dump_every,     "steps",   "write all answers with rewards, advantages and token weights to --out/rollouts; 0: never"},
        {"rows",           &R::rows,           "",        "answers that are written at once"},
    };
    for (auto f : trainer_flags<R>()) {
        const std::string name = f.name;
        if (name == "total-batch-tokens") continue;
        if (name == "seq-len") f.help = "longest problem with its answer; 0: the model's context";
        if (name == "batch-size") f.help = "rows of --seq-len tokens that fit in memory at once: shorter ones share them";
        if (name == "steps") f.help = "number of updates; each iteration makes --inner of them";
        if (name == "lr") f.help = "peak learning rate; 0: a thirtieth of what pretraining takes for this width";
        flags.push_back(f);
    }
    return flags;
}
inline const std::vector<Flag<RlConfig>> rl_flags = make_rl_flags();

// The problems of --tasks, from files with weights.
class TaskStream {
   public:
    // prompts_alone: a problem needs no answer, since a reward model scores what is said. `fits`: can it be asked at all? Others are left out.
    explicit TaskStream(const std::vector<std::string>& given, bool prompts_alone, const std::function<bool(const TaskItem&)>& fits) {
        std::vector<ShuffledEpochs::List> lists;
        for (const auto& file : given) {
            const auto [path, weight] = parse_weighted_path("tasks", file);
            files_.push_back(read_tasks(path, prompts_alone));
            left_out_ += int64_t(std::erase_if(files_.back(), [&](const TaskItem& item) { return !fits(item); }));
            lists.push_back({files_.back().size(), weight});
            hash_ = splitmix64(hash_ ^ uint64_t(lists.back().per_epoch()));
            for (const TaskItem& item : files_.back()) {
                prompts_.insert(item.prompt);
                for (const char c : item.prompt + "|" + item.answer) hash_ = splitmix64(hash_ ^ uint64_t(static_cast<unsigned char>(c)));
            }
        }
        epochs_.emplace(0x7461736B, std::move(lists));
        if (size() == 0) throw UsageError("--tasks: no problem is left", left_out_ ? "they are longer than --seq-len" : "the weights are too small");
    }
    // Number k of the endless stream: a function of (seed, k).
    const TaskItem& item(uint64_t seed, int64_t k) {
        const auto [file, i] = epochs_->at(seed, k);
        return files_[file][i];
    }
    int64_t size() const { return epochs_->per_epoch(); }
    int64_t left_out() const { return left_out_; }
    bool asks(const std::string& prompt) const { return prompts_.count(prompt) > 0; }
    uint64_t hash() const { return hash_; }               // the same problems?

   private:
    std::vector<std::vector<TaskItem>> files_;
    std::set<std::string> prompts_;
    std::optional<ShuffledEpochs> epochs_;
    int64_t left_out_ = 0;
    uint64_t hash_ = 0;
};

// A problem as the assistant hears it.
inline Conversation conversation_of(const TaskItem& item, const std::string& system) {
    if (system.empty()) return {{Role::user, item.prompt}};
    return {{Role::system, system}, {Role::user, item.prompt}};
}

// A file of problems that the model is measured on: the first `limit` of it (0: all), none of which may be trained on.
struct TaskSet {
    std::string name;
    std::vector<TaskItem> items;
};
inline std::vector<TaskSet> read_task_sets(const char* flag, const std::vector<std::string>& paths, int64_t limit, const TaskStream& tasks, bool allow_overlap) {
    std::vector<TaskSet> sets;
    for (const auto& path : paths) {
        sets.push_back({fs::path(path).stem().string(), read_tasks(path)});
        auto& items = sets.back().items;
        for (const TaskItem& item : items)
            if (!allow_overlap && tasks.asks(item.prompt))
                throw UsageError(cat(flag, " ", path, ": --tasks holds a problem of it: ", json_text(json(to_valid_utf8(item.prompt.substr(0, 100))))),
                                 "take it out of --tasks, or add --allow-overlap");
        if (limit > 0 && int64_t(items.size()) > limit) items.resize(size_t(limit));
    }
    return sets;
}

// What a reward is the sum of. What is off is 0.
enum RewardTerm { check_term, format_term, length_term, overlong_term, model_term, kl_term, kRewardTerms };
inline constexpr const char* kRewardTermNames[kRewardTerms] = {"check", "format", "length", "overlong", "model", "kl"};

// One sampled answer on its way to a weighted row.
struct Practice {
    const TaskItem* item = nullptr;
    Answer answer;
    Reply reply;                       // what was checked
    SampledAnswer sampled;
    std::array<double, kRewardTerms> terms{};          // of sampled.reward
    double score = 0, grade = 0;       // the reward model's, and what the task's checker or judge says (0 to 1)
    double advantage = 0;
    Sequence row;                      // prompt and answer; weights: c_t
    std::vector<float> lp, lp_old, lp_ref, entropy;    // (n) of row.ids, 0 where nothing was drawn
    bool drawn(size_t i) const { return i >= answer.prompt.size() && answer.rollout.sampled[i - answer.prompt.size()]; }
    float lp_drawn(size_t i) const { return answer.rollout.logprobs[i - answer.prompt.size()]; }
    void add_up() { sampled.reward = std::accumulate(terms.begin(), terms.end(), 0.0); }
};

// What went on in an iteration, for the log. Means over the answers of all ranks, but for what says otherwise.
struct RlStatistics {
    double reward = 0, reward_std = 0, right = 0, tokens = 0, tokens_right = 0, tokens_wrong = 0, truncated = 0, ended = 0, calls = 0, unique = 0;
    double score = 0, grade = 0, term[kRewardTerms] = {}, term_std[kRewardTerms] = {};
    double checked = 0;                                  // answers of which somebody can say whether they are right; right and grade are theirs
    double failed_calls = 0;                             // share of the calls of tools
    double entropy = 0, gap_mean = 0, gap_max = 0, importance = 0, advantage_max = 0;
    double masked = 0;                                   // share of the tokens of problems and answers that the model did not draw
    double written = 0, writing_s = 0;                   // tokens drawn, those of problems that were replaced included; a rank's mean time for it
    Advantages groups;
    TokenStatistics kl;                                  // over all tokens as they were drawn
    TokenStatistics terms;                               // over those of an update, as it found them
    double rollout_s = 0, train_s = 0;
};

class RlRun {
   public:
    RlRun(Backend& backend, RlConfig& config, const ModelReader& reader, const ChatFormat& format, TaskStream& tasks, const std::vector<TaskSet>& dev_sets, const std::vector<TaskSet>& test_sets,
          const ToolCaller& call_tool, const RewardSource* reward, int64_t resume_step, Ranks& ranks)
        : config_(config), format_(format), tasks_(tasks), dev_sets_(dev_sets), test_sets_(test_sets), call_tool_(call_tool), objective_(parse_objective(config.objective)),
          stage_(backend, "rl", config, bind_flags(config, rl_flags), reader.config(), config.batch_size * config.seq_len, ranks),
          cache_(stage_.model.make_cache(config.rows, config.seq_len)), generator_(stage_.model, *cache_), reward_source_(reward) {
        terms_.clip_low = config.clip_low, terms_.clip_high = config.clip_high, terms_.kl = parse_kl(config.kl), terms_.kl_coef = config.kl_coef;
        if (resume_step >= 0) {
            stage_.resume(resume_step, {"objective", "prompts", "group", "inner", "temperature", "max-tokens", "truncated", "resample", "clip-low", "clip-high", "kl", "kl-coef",
                                        "entropy-coef", "reward-model", "reward-weight", "cut-reward", "check-weight", "format-reward", "length-penalty", "overlong-buffer",
                                        "system", "tools"}, [&](const json& state) {
                if (state.at("tasks_hash") != tasks_.hash()) throw Error(cat("--resume: --tasks are not what the run in ", config_.out, " began with"));
            });
        } else {
            load_weights(stage_.model, reader);
            stage_.lineage = lineage_of(reader.path());
        }
        if (terms_.kl != KlKind::none) {
            reference_ = backend.make_model(reader.config(), {config.batch_size * config.seq_len});
            load_weights(*reference_, reader);
        }
        if (reward) {
            reward_ = backend.make_model(reward->reader.config(), {std::max(config.batch_size * config.seq_len, reward->reader.config().max_T)});
            load_weights(*reward_, reward->reader);
        }
        stage_.open_log(resume_step);
    }

    void run() {
        Trainer& trainer = stage_.trainer;
        stage_.print_header(strprintf("%s problems, %lld too long; %s updates; an iteration: %lld problems x %lld answers, %lld updates, %s", with_commas(tasks_.size()).c_str(), (long long)tasks_.left_out(),
                                      with_commas(config_.steps).c_str(),
                                      (long long)config_.prompts, (long long)config_.group, (long long)config_.inner, config_.objective.c_str()));
        if (reward_ && (terms_.kl == KlKind::none || terms_.kl_coef == 0))
            stage_.log->line("warning   a reward model without --kl: its score will rise on answers that it never saw ranked, and mean less and less; look at them, and stop early");
        stop_on_signals();
        if (trainer.steps_done == 0) evaluate("dev", dev_sets_, nullptr);
        bool stop = false;
        while (trainer.steps_done < config_.steps && !(stop = stage_.stop_requested())) {
            const int64_t iteration = trainer.steps_done / config_.inner;
            const double start = now_s();
            RlStatistics s;
            std::vector<Practice> batch = practise(iteration, s);
            s.rollout_s = now_s() - start;
            learn(batch, s);
            if (stage_.checkpoint_is_due(config_.inner)) save();
        }
        if (!stage_.is_saved() && trainer.steps_done > 0) save();   // a signal came
        if (stop) return stage_.log->line(cat("stopped by a signal after step ", trainer.steps_done, "; the same command with --resume goes on"));
        evaluate("test", test_sets_, nullptr);
    }

   private:
    // The answers of an iteration, checked. This rank's are complete; of the others' only `sampled` and `terms` are known.
    std::vector<Practice> practise(int64_t iteration, RlStatistics& s) {
        const int64_t P = config_.prompts, G = config_.group, ranks = stage_.ranks.size(), rank = stage_.ranks.rank();
        std::vector<Practice> batch(static_cast<size_t>(P * G));
        generator_.forget();
        std::vector<size_t> mine;
        for (int64_t p = rank; p < P; p += ranks) {
            const TaskItem& item = tasks_.item(config_.seed, iteration * P + p);
            for (int64_t g = 0; g < G; g++) batch[size_t(p * G + g)].item = &item, mine.push_back(size_t(p * G + g));
        }
        ask(batch, mine, iteration, 0, s);
        for (int64_t again = 1; again <= config_.resample; again++) {          // dynamic sampling: other problems for groups that teach nothing
            std::vector<size_t> repeat;
            for (size_t first = 0; first < mine.size(); first += size_t(G)) {
                bool equal = true;
                for (int64_t g = 1; g < G; g++) equal = equal && batch[mine[first + size_t(g)]].sampled.reward == batch[mine[first]].sampled.reward;
                if (!equal) continue;
                const TaskItem& other = tasks_.item(splitmix64(config_.seed + uint64_t(again)), iteration * P + int64_t(mine[first]) / G);
                for (int64_t g = 0; g < G; g++) batch[mine[first + size_t(g)]].item = &other, repeat.push_back(mine[first + size_t(g)]);
            }
            if (!repeat.empty()) ask(batch, repeat, iteration, again, s);
        }
        log_probabilities(batch, mine, s);
        share_rewards(batch, mine);
        std::vector<SampledAnswer> sampled;
        for (const Practice& p : batch) sampled.push_back(p.sampled);
        s.groups = advantages(objective_, sampled);
        for (size_t i = 0; i < batch.size(); i++) batch[i].advantage = s.groups.of[i];
        count(batch, mine, s);
        return batch;
    }

    void ask(std::vector<Practice>& batch, const std::vector<size_t>& which, int64_t iteration, int64_t again, RlStatistics& s) {
        std::vector<Conversation> conversations;
        std::vector<uint64_t> streams;
        for (const size_t i : which) {
            conversations.push_back(conversation_of(*batch[i].item, config_.system));
            streams.push_back(splitmix64(splitmix64(uint64_t(iteration)) ^ uint64_t(i) ^ uint64_t(again) << 40));
        }
        const double start = now_s();
        auto answers = answer(generator_, format_, conversations, {config_.max_tokens, {config_.temperature, 0, 1}, config_.seed}, call_tool_, {}, streams);
        s.writing_s += now_s() - start;
        for (size_t k = 0; k < which.size(); k++) {
            Practice& p = batch[which[k]];
            p.answer = std::move(answers[k]);
            p.reply = reply_of(p.answer);
            s.written += double(p.reply.tokens);
            const bool checked = can_be_checked(*p.item);
            p.grade = checked ? grade(*p.item, p.reply) : 0;
            p.sampled = {0, counts_as_right(p.grade), !p.reply.counts && config_.truncated == "drop", int64_t(which[k]) / config_.group, p.reply.tokens, checked};
            // what ran out of context is of full length, too
            const double overlong = overlong_penalty(p.answer.rollout.was_cut() ? config_.max_tokens : p.reply.tokens, config_.max_tokens, config_.overlong_buffer);
            p.terms = {double(config_.check_weight) * p.grade, double(config_.format_reward) * double(p.reply.well_formed), -double(config_.length_penalty) * double(p.reply.tokens), overlong, 0, 0};
            p.add_up();
            p.row.ids = p.answer.prompt;
            p.row.ids.insert(p.row.ids.end(), p.answer.rollout.ids.begin(), p.answer.rollout.ids.end());
            if (int64_t(p.row.ids.size()) > config_.seq_len + 1) p.row.ids.resize(size_t(config_.seq_len + 1));
            p.row.weights.assign(p.row.ids.size(), 0.0f);
        }
        if (reward_) score_answers(batch, which);
    }

    // The reward model reads what a person would: the prompt and the answer's text, without thoughts and tools.
    void score_answers(std::vector<Practice>& batch, const std::vector<size_t>& which) {
        std::vector<Sequence> rows;
        for (const size_t i : which) rows.push_back(reward_source_->row(batch[i].item->prompt, batch[i].reply.text));
        const auto scores = score_rows(*reward_, rows, reward_->max_tokens);
        for (size_t k = 0; k < which.size(); k++) {
            Practice& p = batch[which[k]];
            p.score = p.reply.counts ? scores[k] : double(config_.cut_reward);
            p.terms[model_term] = double(config_.reward_weight) * p.score;
            p.add_up();
        }
    }

    // Log probability of every drawn token by the training pass of `model`, into `field`; entropies too where asked for.
    void forward(Model& model, std::vector<Practice>& batch, const std::vector<size_t>& mine, std::vector<float> Practice::*field, bool entropies) {
        std::vector<const Sequence*> rows;
        std::vector<size_t> lengths;
        for (const size_t i : mine) {
            Practice& p = batch[i];
            for (size_t k = 0; k < p.row.ids.size(); k++) p.row.weights[k] = p.drawn(k) ? 1.0f : 0.0f;
            rows.push_back(&p.row), lengths.push_back(p.row.ids.size());
        }
        std::vector<float> losses, entropy;
        for (const BatchPlan& plan : plan_batches(lengths, config_.batch_size * config_.seq_len, model.config.max_T)) {
            const MicroBatch b = fill_batch(plan, rows);
            losses.resize(b.inputs.size()), entropy.resize(b.inputs.size());
            model.loss(b.inputs.data(), b.targets.data(), b.weights.data(), b.B, b.T, losses.data(), entropies ? entropy.data() : nullptr);
            for (size_t r = 0; r < plan.examples.size(); r++) {
                Practice& p = batch[mine[plan.examples[r]]];
                (p.*field).assign(p.row.ids.size(), 0.0f);
                if (entropies) p.entropy.assign(p.row.ids.size(), 0.0f);
                for (size_t k = 1; k < p.row.ids.size(); k++) {
                    if (!p.drawn(k)) continue;
                    (p.*field)[k] = -losses[r * size_t(b.T) + k - 1];
                    if (entropies) p.entropy[k] = entropy[r * size_t(b.T) + k - 1];
                }
            }
        }
    }

    // By the model as it is now, and by the reference; k1 takes its penalty from the reward here.
    void log_probabilities(std::vector<Practice>& batch, const std::vector<size_t>& mine, RlStatistics& s) {
        forward(stage_.model, batch, mine, &Practice::lp_old, true);
        if (reference_) forward(*reference_, batch, mine, &Practice::lp_ref, false);
        double tokens = 0, all = 0;
        std::vector<double> gap_max(size_t(stage_.ranks.size()), 0.0);     // of each rank
        for (const size_t i : mine) {
            Practice& p = batch[i];
            double k1 = 0;
            all += double(p.row.ids.size());
            for (size_t k = 0; k < p.row.ids.size(); k++) {
                if (!p.drawn(k)) continue;
                tokens++, s.entropy += double(p.entropy[k]);
                const double gap = std::abs(double(p.lp_old[k]) - double(p.lp_drawn(k)));
                double& most = gap_max[size_t(stage_.ranks.rank())];
                s.gap_mean += gap, most = std::max(most, gap), s.importance += importance(p, k);
                if (!reference_) continue;
                token_weight(0, p.lp_old[k], p.lp_old[k], p.lp_ref[k], terms_, &s.kl);
                k1 += double(p.lp_old[k]) - double(p.lp_ref[k]);
            }
            if (terms_.kl == KlKind::k1) p.terms[kl_term] = -terms_.kl_coef * k1, p.add_up();
        }
        add_over_ranks({&tokens, &all, &s.entropy, &s.gap_mean, &s.importance, &s.kl.tokens, &s.kl.k1, &s.kl.k3});
        stage_.ranks.sum(gap_max.data(), gap_max.size());
        s.gap_max = *std::max_element(gap_max.begin(), gap_max.end());
        s.masked = 1 - tokens / all;
        for (double* sum : {&s.entropy, &s.gap_mean, &s.importance}) *sum = tokens > 0 ? *sum / tokens : 0;
    }
    // How much token k counts: what is trained is the model at temperature 1, and at 1 nothing is weighted.
    double importance(const Practice& p, size_t k) const { return config_.temperature == 1 ? 1 : importance_weight(p.lp_old[k], p.lp_drawn(k)); }

    void add_over_ranks(const std::vector<double*>& sums) {
        std::vector<double> x;
        for (const double* sum : sums) x.push_back(*sum);
        stage_.ranks.sum(x.data(), x.size());
        for (size_t i = 0; i < sums.size(); i++) *sums[i] = x[i];
    }

    // Every rank learns the rewards of all.
    void share_rewards(std::vector<Practice>& batch, const std::vector<size_t>& mine) {
        if (stage_.ranks.size() == 1) return;
        constexpr size_t kFields = 4 + kRewardTerms;
        std::vector<double> flat(batch.size() * kFields, 0.0);
        for (const size_t i : mine) {
            const SampledAnswer& a = batch[i].sampled;
            double* at = &flat[i * kFields];
            at[0] = a.right, at[1] = a.dropped, at[2] = double(a.tokens), at[3] = a.checked;
            std::copy(batch[i].terms.begin(), batch[i].terms.end(), at + 4);
        }
        stage_.ranks.sum(flat.data(), flat.size());
        for (size_t i = 0; i < batch.size(); i++) {
            const double* at = &flat[i * kFields];
            batch[i].sampled = {0, at[0] > 0.5, at[1] > 0.5, int64_t(i) / config_.group, int64_t(at[2]), at[3] > 0.5};
            std::copy(at + 4, at + kFields, batch[i].terms.begin());
            batch[i].add_up();
        }
    }

    void count(const std::vector<Practice>& batch, const std::vector<size_t>& mine, RlStatistics& s) {
        const double n = double(batch.size());
        std::vector<double> rewards;
        double right = 0;
        for (const Practice& p : batch) {
            rewards.push_back(p.sampled.reward);
            s.checked += p.sampled.checked, right += p.sampled.right, s.tokens += double(p.sampled.tokens) / n;
            if (p.sampled.checked) (p.sampled.right ? s.tokens_right : s.tokens_wrong) += double(p.sampled.tokens);
            s.advantage_max = std::max(s.advantage_max, std::abs(p.advantage));
        }
        for (size_t term = 0; term < kRewardTerms; term++) {
            std::vector<double> values;
            for (const Practice& p : batch) values.push_back(p.terms[term]);
            s.term[term] = objectives::mean_of(values), s.term_std[term] = objectives::std_of(values);
        }
        for (size_t first = 0; first < mine.size(); first += size_t(config_.group)) {
            std::set<std::string> texts;
            for (int64_t g = 0; g < config_.group; g++) {
                const Practice& p = batch[mine[first + size_t(g)]];
                texts.insert(p.reply.text);
                s.score += p.score, s.truncated += p.reply.truncated, s.ended += p.answer.rollout.reason == StopReason::end_of_text;
                s.grade += p.grade, s.calls += double(p.reply.calls), s.failed_calls += double(p.reply.failed_calls);
            }
            s.unique += double(texts.size());
        }
        add_over_ranks({&s.score, &s.grade, &s.truncated, &s.ended, &s.calls, &s.failed_calls, &s.unique, &s.written, &s.writing_s});
        if (s.calls > 0) s.failed_calls /= s.calls;
        for (double* sum : {&s.score, &s.truncated, &s.ended, &s.calls}) *sum /= n;
        s.unique /= double(config_.prompts), s.writing_s /= double(stage_.ranks.size());
        s.reward = objectives::mean_of(rewards), s.reward_std = objectives::std_of(rewards);
        if (s.checked > 0) s.right = right / s.checked, s.grade /= s.checked;
        s.tokens_right = right > 0 ? s.tokens_right / right : 0, s.tokens_wrong = right < s.checked ? s.tokens_wrong / (s.checked - right) : 0;
    }

    // `inner` updates with the iteration's answers.
    void learn(std::vector<Practice>& batch, RlStatistics& s) {
        int64_t answers = 0, tokens = 0;
        for (const Practice& p : batch)
            if (!p.sampled.dropped) answers++, tokens += p.sampled.tokens;
        const bool every = terms_.kl == KlKind::k2 || terms_.kl == KlKind::k3 || config_.entropy_coef > 0;   // do answers without advantage count?
        for (Practice& p : batch) std::fill(p.row.weights.begin(), p.row.weights.end(), 0.0f);
        std::vector<size_t> used;                                    // this rank's answers that teach something
        for (size_t i = 0; i < batch.size(); i++)
            if (!batch[i].row.ids.empty() && !batch[i].sampled.dropped && (batch[i].advantage != 0 || every)) used.push_back(i);
        for (int64_t pass = 0; pass < config_.inner; pass++) {
            const double start = now_s();
            if (pass > 0) forward(stage_.model, batch, used, &Practice::lp, false);
            TokenStatistics terms;
            std::vector<const Sequence*> rows;
            for (const size_t i : used) {
                Practice& p = batch[i];
                const auto& lp = pass > 0 ? p.lp : p.lp_old;
                const double divisor = token_divisor(objective_, p.sampled.tokens, answers, tokens, config_.max_tokens);
                for (size_t k = 0; k < p.row.ids.size(); k++)
                    p.row.weights[k] = p.drawn(k) ? float(importance(p, k) * token_weight(p.advantage, lp[k], p.lp_old[k], reference_ ? p.lp_ref[k] : 0, terms_, &terms) / divisor) : 0.0f;
                if (config_.entropy_coef > 0) {                    // the loss gets -coef * the mean entropy over all drawn tokens
                    p.row.entropy_weights.assign(p.row.ids.size(), 0.0f);
                    for (size_t k = 1; k < p.row.ids.size(); k++)
                        if (p.drawn(k)) p.row.entropy_weights[k] = -config_.entropy_coef / float(tokens);
                }
                rows.push_back(&p.row);
            }
            std::vector<MicroBatch> batches = make_batches(rows, config_.batch_size * config_.seq_len, stage_.model.config.max_T);
            if (batches.empty()) batches.push_back(fill_batch({1, {}}, {}));   // all ranks take part in every step
            const StepResult r = stage_.trainer.step(batches, true);
            add_over_ranks({&terms.tokens, &terms.ratio, &terms.clipped_low, &terms.clipped_high});
            s.terms = terms;
            s.train_s = now_s() - start;
            const int64_t last = stage_.trainer.steps_done - pass - 1 + config_.inner;   // of this iteration's updates
            if (pass == 0 && config_.dump_every > 0 && last % config_.dump_every < config_.inner) dump(batch, last);
            report(batch, r, s, double(tokens), pass == 0);
        }
    }

    void report(const std::vector<Practice>& batch, const StepResult& r, const RlStatistics& s, double tokens, bool first_pass) {
        const int64_t done = stage_.trainer.steps_done;
        const bool checked = s.checked > 0;                          // else nobody can say what is right
        const double n = std::max(1.0, s.terms.tokens), groups = double(s.groups.groups), checked_groups = s.checked / double(config_.group);
        const double k1 = s.kl.k1 / std::max(1.0, s.kl.tokens), k3 = s.kl.k3 / std::max(1.0, s.kl.tokens);
        std::string line = strprintf(" | reward %.3f", s.reward);
        if (checked) line += strprintf(" | right %.1f%%", 100 * s.right);
        line += strprintf(" | length %.1f | entropy %.2f", s.tokens, s.entropy);
        if (reward_) line += strprintf(" | score %.3f", s.score);
        if (reward_ && checked) line += strprintf(" | grade %.3f", s.grade);
        if (reward_ && reference_) line += strprintf(" | kl %.3f", k1);
        json m = stage_.report(r, s.train_s + (first_pass ? s.rollout_s : 0), tokens, int64_t(s.tokens), line);
        m.update(json{{"reward", s.reward}, {"reward_std", s.reward_std}});
        for (const RewardTerm term : terms_in_use()) m[cat("reward_", kRewardTermNames[term])] = s.term[term], m[cat("reward_", kRewardTermNames[term], "_std")] = s.term_std[term];
        if (checked)
            m.update(json{{"right", s.right}, {"grade", s.grade}, {"groups_all_right", double(s.groups.all_right) / checked_groups},
                          {"groups_all_wrong", double(s.groups.all_wrong) / checked_groups}});
        m.update(json{{"groups_degenerate", double(s.groups.degenerate) / groups}, {"length", s.tokens}});
        if (checked) m.update(json{{"length_right", s.tokens_right}, {"length_wrong", s.tokens_wrong}});
        m.update(json{{"truncated", s.truncated}, {"ended", s.ended}, {"calls", s.calls}});
        if (s.calls > 0) m["tool_success"] = 1 - s.failed_calls;
        m.update(json{{"masked", s.masked}, {"unique_answers", s.unique}, {"entropy", s.entropy}});
        // at another temperature the log probabilities of rollout and training are of two distributions: no gap, but a ratio
        if (config_.temperature == 1) m.update(json{{"gap_mean", s.gap_mean}, {"gap_max", s.gap_max}});
        else m["importance"] = s.importance;
        m.update(json{{"advantage_max", s.advantage_max}, {"ratio", s.terms.ratio / n}, {"clipped_low", s.terms.clipped_low / n}, {"clipped_high", s.terms.clipped_high / n}});
        if (reference_) m.update(json{{"kl_k1", k1}, {"kl_k3", k3}});
        m.update(json{{"tokens_trained", s.terms.tokens}, {"rollout_s", s.rollout_s}, {"train_s", s.train_s}, {"rollout_tokens_per_s", s.written / s.writing_s},
                      {"train_tokens_per_s", s.terms.tokens / s.train_s}});
        if (reward_) m["score"] = s.score;
        if ((config_.eval_every > 0 && done % config_.eval_every == 0) || done == config_.steps) evaluate("dev", dev_sets_, &m);
        stage_.log->metrics(m);
        if (config_.sample_every > 0 && done % config_.sample_every == 0) show(batch);
    }
    // Of what the reward is made here.
    std::vector<RewardTerm> terms_in_use() const {
        std::vector<RewardTerm> terms;
        const bool used[kRewardTerms] = {config_.check_weight != 0, config_.format_reward != 0, config_.length_penalty != 0, config_.overlong_buffer > 0, reward_ != nullptr, terms_.kl == KlKind::k1};
        for (int term = 0; term < kRewardTerms; term++)
            if (used[term]) terms.push_back(RewardTerm(term));
        return terms;
    }

    // Answers to problems that are not trained on, the likeliest one to each or --eval-samples drawn ones, into the log and the metrics of this step.
    void evaluate(const char* name, const std::vector<TaskSet>& sets, json* metrics) {
        if (sets.empty() || !stage_.ranks.is_first()) return;
        if (!asker_) asker_.emplace(stage_.model, format_.tokenizer, &format_, config_.rows);
        asker_->forget();
        const int64_t samples = config_.eval_samples;
        Score all;
        std::string parts;
        for (const auto& [file, items] : sets) {
            std::vector<std::string> prompts;
            for (const TaskItem& item : items) prompts.push_back(item.prompt);
            const auto replies = asker_->ask(prompts, {samples, config_.max_tokens, {samples > 1 ? config_.temperature : 0.0f, 0, 1}, config_.seed, config_.system, "", {}, {}}, call_tool_);
            Score one;
            for (size_t i = 0; i < items.size(); i++) one.add(items[i], replies[i]), all.add(items[i], replies[i]);
            if (sets.size() > 1) parts += strprintf(" %s %.1f%%", file.c_str(), 100 * one.mean());
        }
        const Interval i = all.interval();
        const json j = all.to_json();
        std::string more;
        const auto add = [&](const std::string& what, const std::vector<double>& values) {
            const Interval x = mean_interval(values);
            more += strprintf(", %s %.1f%% [%.1f, %.1f]", what.c_str(), 100 * Score::mean(values), 100 * x.low, 100 * x.high);
        };
        if (samples > 1) add(cat("pass@", samples), all.pass.at(samples)), add("majority", all.majority);
        stage_.log->line(strprintf("step %lld: %s: %.1f%% right [%.1f, %.1f] of %zu%s, %.1f tokens, %.1f%% in form%s", (long long)stage_.trainer.steps_done, name, 100 * all.mean(), 100 * i.low,
                                   100 * i.high, all.shares.size(), more.c_str(), j["tokens"].get<double>(), 100 * j["well_formed"].get<double>(), parts.c_str()));
        if (metrics) (*metrics)[name] = j;
        else stage_.log->metrics({{"step", stage_.trainer.steps_done}, {name, j}});
    }

    // One problem with a right and a wrong answer, where there is one; with a reward model, the answer that it likes best and least.
    void show(const std::vector<Practice>& batch) {
        if (reward_) {
            const Practice *best = nullptr, *worst = nullptr;
            for (const Practice& p : batch) {
                if (!p.item) continue;
                if (!best || p.score > best->score) best = &p;
                if (!worst || p.score < worst->score) worst = &p;
            }
            for (const auto& [name, p] : {std::pair{"best", best}, {"worst", worst}})
                stage_.log->line(cat("---- ", name, strprintf(" score %.3f", p->score), p->sampled.checked ? strprintf(", grade %.3f", p->grade) : "", ": ", p->item->prompt, "\n",
                                     to_valid_utf8(p->reply.text), "\n----"));
            return;
        }
        for (size_t i = 0; i < batch.size(); i++) {
            if (!batch[i].item || batch[i].sampled.right || batch[i].advantage == 0) continue;
            for (size_t k = 0; k < batch.size(); k++) {
                if (batch[k].sampled.group != batch[i].sampled.group || !batch[k].sampled.right) continue;
                return stage_.log->line(cat("---- problem: ", batch[i].item->prompt, "\nright: ", to_valid_utf8(batch[k].reply.text), "\nwrong: ", to_valid_utf8(batch[i].reply.text), "\n----"));
            }
        }
    }

    void dump(const std::vector<Practice>& batch, int64_t step) {
        make_directories(config_.out + "/rollouts");
        std::string lines;
        for (const Practice& p : batch) {
            if (!p.item) continue;
            std::vector<int> drawn;
            for (size_t k = 0; k < p.row.ids.size(); k++) drawn.push_back(p.drawn(k));
            const auto known = [&](const auto& value) { return p.sampled.checked ? json(value) : json(); };
            json line = {{"prompt", p.item->prompt}, {"answer", p.item->answerable ? json(p.item->answer) : json()}, {"reply", p.reply.text}, {"reward", p.sampled.reward},
                         {"right", known(p.sampled.right)}};
            if (reward_) line["score"] = p.score;
            line.update(json{{"grade", known(p.grade)}, {"advantage", p.advantage}, {"ids", p.row.ids}, {"drawn", drawn}, {"weights", p.row.weights}, {"logprobs", p.lp_old}});
            lines += json_text(line, -1, JsonBytes::replaced) + "\n";
        }
        write_file(cat(config_.out, "/rollouts/", checkpoint::step_name(step), "-rank", stage_.ranks.rank(), ".jsonl"), lines);
    }

    void save() {
        stage_.save({{"tasks_hash", tasks_.hash()}}, [&](const std::string& dir) { save_chat_tokenizer(format_.tokenizer, dir); });
    }

    RlConfig& config_;
    const ChatFormat& format_;
    TaskStream& tasks_;
    const std::vector<TaskSet>&dev_sets_, &test_sets_;
    const ToolCaller call_tool_;
    const Objective objective_;
    TokenTerms terms_;
    Stage stage_;
    std::unique_ptr<ModelCache> cache_;
    Generator generator_;
    std::optional<Asker> asker_;                          // from the first measurement on
    std::unique_ptr<Model> reference_, reward_;
    const RewardSource* const reward_source_;             // its files, or null
};

inline void validate_rl(const RlConfig& c) {
    if (c.init.empty()) throw UsageError("--init is missing: the assistant that practises", "train_gpt rl --init RUN --tasks tasks.jsonl --steps N --out DIR");
    if (c.tasks.empty()) throw UsageError("--tasks is missing", "problems as JSONL: {\"prompt\": \"...\", \"answer\": \"...\"}");
    if (c.prompts < 1 || c.group < 1 || c.inner < 1 || c.max_tokens < 1 || c.rows < 1) throw UsageError("--prompts, --group, --inner, --max-tokens and --rows are at least 1");
    if (c.resample < 0 || c.eval_every < 0 || c.eval_limit < 0 || c.sample_every < 0 || c.dump_every < 0) throw UsageError("--resample, --eval-every, --eval-limit, --sample-every and --dump-every must not be negative");
    if (!(c.temperature > 0)) throw UsageError(cat("--temperature ", c.temperature, ": expected a number above 0"), "at 0 all answers of a group would be equal");
    if (!(c.clip_low > 0 && c.clip_low <= 1) || !(c.clip_high > 0)) throw UsageError("--clip-low is in (0, 1], --clip-high above 0");
    if (!(c.kl_coef >= 0) || !(c.entropy_coef >= 0)) throw UsageError("--kl-coef and --entropy-coef must not be negative");
    if (c.eval_samples < 1) throw UsageError("--eval-samples is at least 1");
    if (c.overlong_buffer < 0 || c.overlong_buffer > c.max_tokens) throw UsageError(cat("--overlong-buffer ", c.overlong_buffer, ": expected at most --max-tokens ", c.max_tokens));
    if (c.objective == "expert")
        for (const auto& [flag, set] : std::vector<std::pair<const char*, bool>>{{"--reward-model", !c.reward_model.empty()}, {"--kl k1", c.kl == "k1"},
                                                                                 {"--format-reward", c.format_reward != 0}, {"--length-penalty", c.length_penalty != 0},
                                                                                 {"--overlong-buffer", c.overlong_buffer != 0}, {"--check-weight", c.check_weight >= 0}})
            if (set) throw UsageError(cat("--objective expert reads no reward, so ", flag, " would change nothing"), "it learns from all right answers alike; --objective best reads the reward");
    if (c.steps < 1) throw UsageError("--steps is missing: the number of updates");
    if (c.steps % c.inner != 0) throw UsageError(cat("--steps ", c.steps, " is not a multiple of --inner ", c.inner));
}

// What an objective brings along, where nothing else was typed.
inline void fill_in_objective(RlConfig& c) {
    if (c.objective != "dapo") return;
    if (!c.given("clip-high")) c.clip_high = 0.28f;
    if (!c.given("resample")) c.resample = 8;
}

inline int run_rl(RlConfig& c) {
    fill_in_objective(c);
    validate_rl(c);
    const ModelReader reader(c.init);
    const Config& model = reader.config();
    if (c.seq_len == 0) c.seq_len = model.max_T;
    if (c.seq_len > model.max_T) throw UsageError(cat("--seq-len ", c.seq_len, " is longer than the model's context of ", model.max_T));
    const ChatVocabulary vocabulary(reader.path());
    std::optional<RewardSource> reward;
    if (!c.reward_model.empty()) reward.emplace("--reward-model", c.reward_model);
    if (c.check_weight < 0) c.check_weight = reward ? 0.0f : 1.0f;
    TaskStream tasks(c.tasks, reward.has_value(), [&](const TaskItem& item) { return int64_t(vocabulary.format.render(conversation_of(item, c.system), true).ids.size()) < c.seq_len; });
    const auto dev_sets = read_task_sets("--dev", c.dev, c.eval_limit, tasks, c.allow_overlap), test_sets = read_task_sets("--test", c.test, c.eval_limit, tasks, c.allow_overlap);
    if (c.lr == 0) c.lr = width_learning_rate(model.C) / 30;
    if (c.min_lr < 0) c.min_lr = 0.1f * c.lr;
    if (c.warmup < 0) c.warmup = std::min(int64_t(10), c.steps / 20);
    validate(c);
    const ToolCaller call_tool = c.tools == "on" ? open_tools(c.documents, c.python) : ToolCaller();
    return with_ranks(c, [&](Backend& backend, Ranks& ranks, int64_t resume_step) {
        RlRun(backend, c, reader, vocabulary.format, tasks, dev_sets, test_sets, call_tool, reward ? &*reward : nullptr, resume_step, ranks).run();
    });
}

inline std::vector<Command> rl_commands() {
    return {make_command<RlConfig>("rl", "", "problems with checked answers -> better assistant", rl_flags, run_rl)};
}
