// stage.hpp -- what every training stage shares around Trainer::step: where it starts, what it prints and what it saves.
//
// Pretraining, SFT, reinforcement learning and the reward model differ in the batches that they make. All the rest of a run
// is here: several ranks, the model with its optimizer, the head of the log, a console line a step, checkpoints with their lineage (which stages made these
// weights, from what), and resuming, which refuses settings that would give other bits than the undisturbed run.
#pragma once

#include "model.hpp"
#include "ranks.hpp"
#include "trainer.hpp"

// The step to resume from, or -1 for a new run. Refuses a directory that holds a run already, unless --resume.
inline int64_t find_resume_step(const TrainerConfig& c) {
    const auto steps = checkpoint::list_steps(c.out);
    if (steps.empty() && !c.resume && fs::exists(c.out + "/metrics.jsonl"))
        throw UsageError(cat("--out ", c.out, " holds the log of a run without a checkpoint"), "begin it anew with --resume, or choose another directory");
    if (steps.empty()) return -1;
    if (!c.resume) throw UsageError(cat("--out ", c.out, " holds a run already (step ", steps.back().first, ")"), "go on with --resume, or choose another directory");
    return steps.back().first;
}

// How many ranks this run has: the launcher's, or --gpus.
inline int wanted_ranks(const TrainerConfig& c, const RankInfo& info) {
    if (c.gpus > 1 && info.size > 1 && c.gpus != info.size)
        throw UsageError(cat("--gpus ", c.gpus, ": the launcher started ", info.size, " ranks"), "leave --gpus away");
    return info.size > 1 ? info.size : c.gpus;
}

// Call run(backend, ranks, resume_step) in each rank of the run; in the process that starts the others, wait for them. Returns the exit status.
inline int with_ranks(TrainerConfig& c, const std::function<void(Backend& backend, Ranks& ranks, int64_t resume_step)>& run) {
    const RankInfo info = rank_from_environment();
    const int wanted = wanted_ranks(c, info);
    if (wanted > info.size) {
        find_resume_step(c);                                  // what it refuses is said once, before there are ranks
        return start_ranks(wanted, command_line());           // each of them comes here again and goes on
    }
    if (c.threads == 0 && info.size > 1) c.threads = std::max(1, omp_get_num_procs() / ranks_sharing(omp_get_num_procs()));
    Ranks ranks(info);
    // the first rank looks, the others hear of it: a late one would find the log that the first has begun
    const int64_t resume_step = int64_t(ranks.sum(ranks.is_first() ? double(find_resume_step(c)) : 0.0));
    with_backend(c.device, c.dtype, c.threads, info.local_rank, [&](Backend& backend) {
        backend.set_matmul({c.matmul, c.autotune, cat(c.out, "/matmul-plans-", ranks.rank(), ".txt"), nullptr, c.row_invariant});
        run(backend, ranks, resume_step);
    });
    return 0;
}

// Settings that decide about the bits of any stage: a resumed run must have them as they were.
inline const std::vector<const char*> kDecisiveSettings = {"seq-len", "total-batch-tokens", "batch-size", "seed", "schedule", "decay-fraction", "lr", "min-lr",
                                                           "warmup", "steps", "beta1", "beta2", "eps", "weight-decay", "grad-clip", "skip-z", "stochastic-rounding", "matmul", "autotune"};

class Stage {
   public:
    // flags: the stage's, bound to its settings, which `config` is part of
    Stage(Backend& backend, const char* name, TrainerConfig& config, std::vector<BoundFlag> flags, const Config& model_config, int64_t max_tokens, Ranks& ranks)
        : config(config), ranks(ranks), argv(command_line()), backend_(backend),
          model_(backend.make_model(model_config, {max_tokens, true, config.recompute, !config.no_zero1}, &ranks)), model(*model_), trainer(model, config), name_(name), flags_(std::move(flags)) {
        if (model_config.scores && std::string(name) != "reward")
            throw UsageError("--init: this is a reward model, which writes no text", "begin from the assistant that it was made of");
    }

    // Go on from checkpoint `step` of config.out. `decisive`: flags beyond kDecisiveSettings that must not have changed. `check(state)` may refuse the
    // checkpoint, and reads what the stage itself has in it.
    void resume(int64_t step, const std::vector<const char*>& decisive, const std::function<void(const json& state)>& check) {
        const std::string dir = config.out + "/" + checkpoint::step_name(step);
        try {
            const json state = parse_json_text<json>(read_file(dir + "/state.json"));
            if (state.at("stage") != name_)
                throw UsageError(cat("--resume: ", config.out, " holds a run of train_gpt ", state.at("stage").get<std::string>()), "choose another --out");
            for (const auto& list : {kDecisiveSettings, decisive})
                for (const char* name : list) require_unchanged(name, state, dir);
            if (state.at("dtype") != backend_.dtype())
                throw UsageError(cat("--resume: the run stores ", json_text(state.at("dtype")), ", now it would be ", backend_.dtype()), "give the same --dtype");
            check(state);
            trainer.set_state(state.at("trainer"));
            lineage = state.at("lineage");
        } catch (const json::exception& e) {
            throw Error(cat(dir, "/state.json: not a state of this program: ", e.what()), "remove this directory to resume from the one before");
        }
        const ModelReader reader(dir);
        if (!reader.config().same_shape(model.config))
            throw UsageError(cat("--resume: the model in ", dir, " has another shape than the flags say"), "give the same flags as before");
        if (config.stochastic_rounding) model.round_as(rounding_key(config.seed, trainer.updates_done));
        load_weights(model, reader);
        load_optimizer(model, dir + "/optimizer-0.safetensors");
    }

    // After everything that may refuse the run: it cuts the metrics of steps that will be repeated.
    void open_log(int64_t resume_step) {
        log.emplace(config.out, resume_step, ranks.is_first());
        backend_.log_tuning([this](const std::string& line) { log->line(line); });
        saved_step_ = resume_step;
    }

    // `data`: one line on what is trained on.
    void print_header(const std::string& data) {
        std::string command;
        for (const auto& a : argv) command += (command.empty() ? "" : " ") + a;
        log->file_line("argv: " + command);
        log->file_line(cat("version: ", train_gpt_version));
        for (const FlagText& f : cli::settings(flags_)) log->file_line(cat("setting: ", f.name, " = ", f.value));
        const Config& m = model.config;
        log->line(strprintf("model     %lld layers, %lld heads, %lld channels, vocabulary %lld (padded to %lld), context %lld: %s parameters",
                            (long long)m.L, (long long)m.NH, (long long)m.C, (long long)m.V, (long long)m.Vp(), (long long)m.max_T,
                            with_commas(model.layout.count).c_str()));
        log->line("device    " + backend_.describe());
        std::string memory = "memory    ";
        size_t total = 0;
        for (const auto& [name, bytes] : model.arenas()) {
            memory += cat(name, " ", human_bytes(double(bytes)), ", ");
            total += bytes;
        }
        log->line(memory + "together " + human_bytes(double(total)));
        log->line("data      " + data);
        if (ranks.is_first()) peak_flops = backend_.measured_peak_flops() * ranks.size();   // of all ranks together
        log->line(strprintf("peak      %.0f GFLOP/s for matrix products of this type", peak_flops * 1e-9));
        if (trainer.steps_done > 0) log->line(cat("resumed   at step ", trainer.steps_done));
        started_s_ = now_s();
        first_step_ = trainer.steps_done;
    }

    // The console line of a step over `tokens` targets or inputs in `step_s` seconds, with flops_per_token(T_) for each; returns its metrics.
    // `more` goes into the line after the loss.
    json report(const StepResult& r, double step_s, double tokens, int64_t T_, const std::string& more = "") {
        const int64_t done = trainer.steps_done;
        const double tokens_per_s = tokens / step_s;
        const double flops = flops_per_token(model.config, T_) * tokens_per_s;
        const int64_t left = int64_t((now_s() - started_s_) / double(done - first_step_) * double(config.steps - done) + 0.5);
        log->line(strprintf("step %*lld/%lld %5.1f%% | loss %.4f%s | lr %.2e | norm %.3f | %.1f ms | %s tok/s | %.3f TFLOP/s, MFU %.0f%% | left %lld:%02lld:%02lld",
                            int(std::to_string(config.steps).size()), (long long)done, (long long)config.steps,
                            100.0 * double(done) / double(config.steps), r.loss, more.c_str(), double(r.lr), r.grad_norm, step_s * 1e3,
                            with_commas(int64_t(tokens_per_s)).c_str(), flops * 1e-12, 100 * flops / peak_flops,
                            (long long)(left / 3600), (long long)(left / 60 % 60), (long long)(left % 60)));
        json j = {{"step", done}, {"loss", r.loss}, {"lr", r.lr}, {"grad_norm", r.grad_norm}, {"ms", step_s * 1e3},
                  {"tokens_per_s", tokens_per_s}, {"tflops", flops * 1e-12}, {"mfu", flops / peak_flops}};
        if (!r.skipped.empty()) {
            log->line(cat("step ", done, ": update skipped: ", r.skipped));
            j["skipped"] = r.skipped;
        }
        return j;
    }

    // A checkpoint; `own` is what the stage itself needs in order to go on. All ranks must call it.
    void save(const json& own, const SaveTokenizer& save_tokenizer) {
        const double start = now_s();
        json settings = json::object();
        for (const FlagText& f : cli::settings(flags_)) settings[f.name] = f.value;
        json state = {{"stage", name_}, {"trainer", trainer.state()}, {"settings", settings}, {"argv", argv}, {"version", train_gpt_version},
                      {"dtype", backend_.dtype()}, {"lineage", lineage}};
        state.update(own);
        save_checkpoint(config.out, config.keep, model, state, save_tokenizer);
        saved_step_ = trainer.steps_done;
        log->line(strprintf("saved     %s (%.1f s)", checkpoint::step_name(trainer.steps_done).c_str(), now_s() - start));
    }
    bool is_saved() const { return saved_step_ == trainer.steps_done; }
    // Is one, after the last `updates` of them? (A stage that makes several at a time can only save behind the last.)
    bool checkpoint_is_due(int64_t updates = 1) const {
        const int64_t done = trainer.steps_done;
        return done == config.steps || (config.checkpoint_every > 0 && done % config.checkpoint_every < updates);
    }
    // Did somebody ask to stop? All ranks must call it; all of them leave after the same step.
    bool stop_requested() { return ranks.sum(double(g_stop_requested)) > 0; }

    TrainerConfig& config;
    Ranks& ranks;
    const Args argv;

   private:
    Backend& backend_;
    const std::unique_ptr<Model> model_;

   public:
    Model& model;
    Trainer trainer;
    std::optional<RunLog> log;
    json lineage = json::array();  // the stages that made the weights, oldest first
    double peak_flops = 1;

   private:
    void require_unchanged(const char* name, const json& state, const std::string& dir) const {
        std::optional<std::string> now;
        for (const FlagText& f : cli::settings(flags_))
            if (f.name == name) now = f.value;
        if (!now) return;   // this stage has no such flag
        const std::string then = state.at("settings").at(name);
        if (*now != then)
            throw UsageError(cat("--resume: --", name, " is ", *now, ", the checkpoint ", dir, " was made with ", then), "give the same settings, or start a new --out with --init");
    }
    const char* name_;
    const std::vector<BoundFlag> flags_;
    int64_t saved_step_ = -1, first_step_ = 0;
    double started_s_ = 0;
};

// The stages that made the model in `dir`, from its state.json where it has one.
inline json lineage_of(const std::string& dir) {
    json lineage = json::array();
    if (!fs::exists(dir + "/state.json")) {
        lineage.push_back({{"init", dir}});
        return lineage;
    }
    const json state = parse_json_text<json>(read_file(dir + "/state.json"), nullptr, false);
    if (!state.is_object() || !state.contains("lineage")) throw Error(cat(dir, "/state.json: not a state of this program"));
    lineage = state["lineage"];
    lineage.push_back({{"stage", state.value("stage", "")}, {"dir", dir}, {"step", state["trainer"].value("step", 0)}, {"version", state.value("version", "")}});
    return lineage;
}
