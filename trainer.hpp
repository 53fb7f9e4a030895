// trainer.hpp -- one training step for every stage, and what surrounds it: schedule, clipping, log, checkpoints, resume.
//
// A stage (pretraining, SFT, RL) only makes batches of (inputs, targets, weights). A step adds up the gradients of its
// micro-batches, with every weight divided by their global sum, so the result does not depend on how the step was cut;
// clips them to a norm; and updates with the learning rate of the schedule. An update whose loss is not finite, or far
// outside the recent ones, is skipped and reported.
// A run directory holds main.log (what the console showed), metrics.jsonl (one object a step) and step-NNNNNN/ (checkpoints,
// each a Hugging Face model directory plus optimizer and state). Resuming from one gives the bits of an undisturbed run.
#pragma once

#include <sys/file.h>

#include <csignal>
#include <deque>
#include <numbers>
#include <sstream>

#include "checkpoint.hpp"
#include "cli.hpp"
#include "json_text.hpp"
#include "model.hpp"

using json = nlohmann::ordered_json;

// ---- settings that all stages share

struct TrainerConfig {
    std::string out;
    int64_t batch_size = 8, total_batch_tokens = 0, seq_len = 256, steps = 0;
    float lr = 6e-4f, min_lr = -1, beta1 = 0.9f, beta2 = 0.95f, eps = 1e-8f, weight_decay = 0.1f, grad_clip = 1.0f;
    int64_t warmup = -1;
    std::string schedule = "cosine";
    float decay_fraction = 0.2f;
    float skip_z = 6;
    int64_t checkpoint_every = 0, keep = 2;
    uint64_t seed = 42;
    std::string device = "auto", dtype = "auto", matmul = "auto";
    bool row_invariant = false;                                // of MatmulSettings; the stage decides, there is no flag
    int threads = 0, gpus = 1;
    bool autotune = false, recompute = false, resume = false, no_zero1 = false, stochastic_rounding = false, no_graphs = false;
    std::set<std::string> typed;
    bool given(const char* flag) const { return typed.count(flag) > 0; }
};

template <typename C>
std::vector<Flag<C>> trainer_flags() {
    return {
        {"out",                &C::out,                "DIR",    "run directory: log, metrics and checkpoints"},
        {"seq-len",            &C::seq_len,            "tokens", "context length T of a training row"},
        {"batch-size",         &C::batch_size,         "rows",   "rows of a micro-batch: what is in memory at once"},
        {"total-batch-tokens", &C::total_batch_tokens, "tokens", "tokens of one update, over all micro-batches; 0: one micro-batch"},
        {"steps",              &C::steps,              "steps",  "number of updates; 0: 20 tokens a parameter (not with --init)"},
        {"lr",                 &C::lr,                 "",       "peak learning rate, reached after --warmup steps"},
        {"min-lr",             &C::min_lr,             "",       "learning rate at the end; negative: a tenth of --lr"},
        {"warmup",             &C::warmup,             "steps",  "steps of linear warm-up; negative: a twentieth of --steps, at most 700"},
        {"schedule",           &C::schedule,           "cosine|linear|constant|wsd", "how the learning rate falls after the warm-up"},
        {"decay-fraction",     &C::decay_fraction,     "",       "wsd: share of the steps at the end in which it falls linearly"},
        {"beta1",              &C::beta1,              "",       "AdamW: decay of the mean of gradients"},
        {"beta2",              &C::beta2,              "",       "AdamW: decay of the mean of squared gradients"},
        {"eps",                &C::eps,                "",       "AdamW: added to the root of the second moment"},
        {"weight-decay",       &C::weight_decay,       "",       "decoupled decay of matrices and embeddings, not of biases and LayerNorms"},
        {"grad-clip",          &C::grad_clip,          "",       "largest Euclidean norm of all gradients; 0: no clipping"},
        {"skip-z",             &C::skip_z,             "",       "skip an update whose loss lies this many standard deviations above the last 128; 0: never"},
        {"checkpoint-every",   &C::checkpoint_every,   "steps",  "save every so many steps; 0: at the end only"},
        {"keep",               &C::keep,               "",       "newest checkpoints to keep; 0: all"},
        {"seed",               &C::seed,               "",       "initial weights and order of the data"},
        {"device",             &C::device,             "auto|cpu|cuda", "where to compute"},
        {"dtype",              &C::dtype,              "auto|fp32|bf16", "how weights and activations are stored; bf16 keeps fp32 master weights"},
        {"matmul",             &C::matmul,             "auto|fp32|tf32|bf16|fp8", "what products multiply: auto: as stored; tf32, bf16: rounded fp32 (GPU); fp8: in the blocks' linear layers, from sm_89 on (slow on the CPU)"},
        {"autotune",           &C::autotune,           "",       "CUDA: time cuBLASLt's proposals for each product at its first use; the choices are kept in --out, for --resume"},
        {"threads",            &C::threads,            "",       "CPU threads; 0: all cores"},
        {"gpus",               &C::gpus,               "",       "ranks of this machine: processes that share each step, one a GPU (or, on the CPU, one a part of the cores)"},
        {"no-zero1",           &C::no_zero1,           "",       "several ranks: every rank keeps the whole optimizer state instead of its piece (ZeRO-1)"},
        {"stochastic-rounding", &C::stochastic_rounding, "",      "bf16: round the stored weights up or down by chance, so that they are right on average"},
        {"recompute",          &C::recompute,          "",       "keep each block's input only and compute the rest again in the backward pass"},
        {"no-graphs",          &C::no_graphs,          "",       "CUDA: launch each kernel by itself instead of replaying recorded micro-batches; for profilers, and the same bits"},
        {"resume",             &C::resume,             "",       "go on from the newest checkpoint in --out, with the same settings; starts fresh where there is none"},
    };
}

inline void validate(const TrainerConfig& c) {
    auto at_least = [](const char* flag, double v, double least) {
        if (!(v >= least)) throw UsageError(cat("--", flag, " ", v, ": expected at least ", least));
    };
    if (c.out.empty()) throw UsageError("--out is missing: the directory for log and checkpoints");
    at_least("batch-size", double(c.batch_size), 1);
    at_least("seq-len", double(c.seq_len), 1);
    at_least("steps", double(c.steps), 0);
    at_least("total-batch-tokens", double(c.total_batch_tokens), 0);
    at_least("lr", c.lr, 0);
    if (!(c.eps > 0)) throw UsageError(cat("--eps ", c.eps, ": expected a number above 0"));  // a gradient of 0 would give 0 / 0
    at_least("weight-decay", c.weight_decay, 0);
    at_least("grad-clip", c.grad_clip, 0);
    at_least("skip-z", c.skip_z, 0);
    at_least("checkpoint-every", double(c.checkpoint_every), 0);
    at_least("keep", double(c.keep), 0);
    at_least("threads", c.threads, 0);
    for (auto [flag, beta] : {std::pair("beta1", c.beta1), std::pair("beta2", c.beta2)})
        if (!(beta >= 0 && beta < 1)) throw UsageError(cat("--", flag, " ", beta, ": expected a number in [0, 1)"));
    if (!(c.decay_fraction > 0 && c.decay_fraction <= 1)) throw UsageError(cat("--decay-fraction ", c.decay_fraction, ": expected a number in (0, 1]"));
    at_least("gpus", c.gpus, 1);
    if (c.seq_len > (1 << 20) || c.batch_size > (int64_t(1) << 31) / c.seq_len)
        throw UsageError(cat("--batch-size ", c.batch_size, " x --seq-len ", c.seq_len, ": more than a micro-batch can be"));
    const int64_t micro = c.batch_size * c.seq_len;
    if (c.total_batch_tokens % micro != 0)
        throw UsageError(cat("--total-batch-tokens ", c.total_batch_tokens, " is not a multiple of --batch-size x --seq-len = ", micro),
                         cat("the nearest multiple: ", std::max(int64_t(1), (c.total_batch_tokens + micro / 2) / micro) * micro));
}

// The peak learning rate that pretraining takes for C channels: it falls with the width as in GPT-3's table 2.1 (6e-4 at 768 channels, 1.2e-4 at 4096:
// close to 1/C), at most 3e-3. Later stages take a fraction of it.
inline float width_learning_rate(int64_t C) { return std::min(3e-3f, 6e-4f * 768.0f / float(C)); }

// Learning rate of step s (from 0) of S. Warm-up rises linearly and reaches lr at its last step, as in llm.c.
inline float learning_rate(const TrainerConfig& c, int64_t s) {
    if (s < c.warmup) return c.lr * float(s + 1) / float(c.warmup);
    const double span = double(std::max(int64_t(1), c.steps - c.warmup));
    const double x = std::min(1.0, double(s - c.warmup) / span);          // 0..1 after the warm-up
    if (c.schedule == "cosine") return float(c.min_lr + 0.5 * (1 + std::cos(std::numbers::pi * x)) * (c.lr - c.min_lr));
    if (c.schedule == "linear") return float(c.lr + x * (c.min_lr - c.lr));
    if (c.schedule == "constant") return c.lr;
    if (c.schedule == "wsd") {                                            // warm-up, stable, decay (Hu et al. 2024)
        const double begin = double(c.steps) * (1 - c.decay_fraction);
        if (double(s) < begin) return c.lr;
        return float(c.lr + (double(s) - begin) / std::max(1.0, double(c.steps) - begin) * (c.min_lr - c.lr));
    }
    throw UsageError(cat("--schedule ", c.schedule, ": unknown"));
}

// ---- the run directory

// Console, main.log and metrics.jsonl. The files are opened for appending; after a resume the metrics of steps that will
// be repeated are cut away first.
class RunLog {
   public:
    // `writes`: false on all ranks but the first, which say nothing.
    RunLog(const std::string& dir, int64_t resume_step, bool writes = true) : writes_(writes) {
        if (!writes) return;
        make_directories(dir);
        const std::string metrics = dir + "/metrics.jsonl";
        log_ = std::fopen((dir + "/main.log").c_str(), "ae");
        if (!log_) throw system_error(cat(dir, ": the log cannot be written"));
        // the lock, for as long as the log is open: two runs in one directory would take each other's checkpoints away
        if (::flock(::fileno(log_), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            std::fclose(log_);
            throw Error(cat(dir, ": another process is training here"), "wait for it to end, or choose another --out");
        }
        if (fs::exists(metrics)) truncate_metrics(metrics, resume_step);
        metrics_ = std::fopen(metrics.c_str(), "ae");
        if (!metrics_) {
            const Error error = system_error(cat(metrics, ": cannot be written"));
            std::fclose(log_);
            throw error;
        }
    }
    RunLog(const RunLog&) = delete;
    ~RunLog() {
        if (log_) std::fclose(log_);
        if (metrics_) std::fclose(metrics_);
    }
    void line(const std::string& s) {
        if (!writes_) return;
        std::printf("%s\n", s.c_str());
        std::fflush(stdout);
        file_line(s);
    }
    void file_line(const std::string& s) {
        if (writes_) write(log_, s);
    }
    void metrics(const json& j) {
        if (writes_) write(metrics_, json_text(j));
    }

   private:
    static void write(std::FILE* f, const std::string& s) {
        if (std::fprintf(f, "%s\n", s.c_str()) < 0 || std::fflush(f) != 0)
            throw system_error("the log cannot be written", "is the disk full?");
    }
    static void truncate_metrics(const std::string& path, int64_t resume_step) {
        std::istringstream in(read_file(path));
        std::string kept;
        for (std::string l; std::getline(in, l);) {
            const auto j = parse_json_text<json>(l, nullptr, false);
            if (j.is_object() && j.contains("step") && j["step"].is_number_integer() && j["step"].get<int64_t>() <= resume_step) kept += l + "\n";
        }
        write_file(path, kept);
    }
    bool writes_;
    std::FILE *log_ = nullptr, *metrics_ = nullptr;
};

// Set by SIGINT or SIGTERM: the loop finishes its step, saves and leaves. A second signal ends the program at once.
inline volatile std::sig_atomic_t g_stop_requested = 0;
inline void stop_on_signals() {
    struct sigaction action {}, old {};
    action.sa_handler = [](int) {
        if (g_stop_requested) ::_exit(130);
        g_stop_requested = 1;
    };
    action.sa_flags = SA_RESTART;
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaction(signal, nullptr, &old);
        if (signal == SIGHUP && old.sa_handler == SIG_IGN) continue;  // nohup
        ::sigaction(signal, &action, nullptr);
    }
    // Ctrl-C ends the `tee` of `... | tee log` too: the console may fail then, the save must not
    std::signal(SIGPIPE, SIG_IGN);
}

// ---- the step

// Rows of one micro-batch: inputs and targets (B, T), weights (B, T) not yet divided by anything. entropy_weights: (B, T), or none; always
// divided (only RL has them).
struct MicroBatch {
    int64_t B = 0, T = 0;
    std::vector<int32_t> inputs, targets;
    std::vector<float> weights, entropy_weights = {};
};

struct StepResult {
    double loss = 0;          // weighted mean over the step's targets
    double grad_norm = 0;     // before clipping
    float lr = 0;
    std::string skipped;      // why the update was skipped, or empty
};

// Mean and deviation of the last 128 losses; part of a checkpoint, since it decides about updates.
class OutlierDetector {
   public:
    static constexpr size_t kWindow = 128;
    // The loss that lies so many deviations above the mean; infinite until the window is full.
    double bound(double deviations) const {
        const auto [mean, deviation] = mean_and_deviation();
        return deviation > 0 ? mean + deviations * deviation : INFINITY;
    }
    // How many deviations x lies above the mean; 0 until the window is full.
    double z(double x) const {
        const auto [mean, deviation] = mean_and_deviation();
        return deviation > 0 ? (x - mean) / deviation : 0;
    }
    // A value that is not finite is not kept.
    void add(double x) {
        if (std::isfinite(x)) window.push_back(x);
        if (window.size() > kWindow) window.pop_front();
    }
    std::deque<double> window;

   private:
    std::pair<double, double> mean_and_deviation() const {
        if (window.size() < kWindow) return {0, 0};
        double mean = 0, variance = 0;
        for (double v : window) mean += v / double(kWindow);
        for (double v : window) variance += (v - mean) * (v - mean) / double(kWindow);
        return {mean, std::sqrt(variance)};
    }
};

class Trainer {
   public:
    Trainer(Model& model, const TrainerConfig& config) : model_(model), config_(config) { model.use_graphs(!config.no_graphs); }

    // One update from this rank's micro-batches of the step. Every number that decides something is a sum over the ranks, so all of them
    // decide the same. Throws when 20 updates in a row had to be skipped. `divided`: the stage has divided the weights already (some may be
    // negative, as advantages are); then a step without any is no fault.
    StepResult step(std::vector<MicroBatch>& batches, bool divided = false) {
        StepResult r;
        double total = 0;                                           // N: sum of weights over the whole step
        for (const MicroBatch& b : batches)
            for (const auto* weights : {&b.weights, &b.entropy_weights})
                for (float w : *weights) total += double(divided ? std::abs(w) : w);
        total = model_.sum_over_ranks(total);
        const float scale = divided ? 1.0f : total > 0 ? float(1.0 / total) : 0.0f;  // a step without any target changes nothing
        model_.zero_grads();
        for (MicroBatch& b : batches) {
            for (float& w : b.weights) w *= scale;
            model_.accumulate(b.inputs.data(), b.targets.data(), b.weights.data(), b.B, b.T, &b == &batches.back(),
                              b.entropy_weights.empty() ? nullptr : b.entropy_weights.data());
        }
        r.lr = learning_rate(config_, steps_done);
        AdamW adamw{r.lr, config_.beta1, config_.beta2, config_.eps, config_.weight_decay, 1.0f, updates_done + 1};
        adamw.stochastic_rounding = config_.stochastic_rounding, adamw.seed = config_.seed;
        const double bound = config_.skip_z > 0 ? outliers.bound(config_.skip_z) : INFINITY;
        const StepSums sums = model_.finish_step(adamw, total > 0 ? StepGate{bound, config_.grad_clip} : StepGate::closed());   // the host's only wait
        r.loss = sums.loss, r.grad_norm = sums.grad_norm;
        if (total == 0) r.skipped = "no targets in the batch";
        else if (!std::isfinite(r.loss)) r.skipped = cat("the loss is ", r.loss);
        else if (r.loss > bound) r.skipped = strprintf("the loss lies %.1f deviations above the last %zu", outliers.z(r.loss), OutlierDetector::kWindow);
        else if (sums.grad_scale == 0) r.skipped = cat("the gradient norm is ", r.grad_norm);
        if (total > 0) outliers.add(r.loss);
        steps_done++;
        if (r.skipped.empty()) {
            updates_done++;
            skipped_in_a_row_ = 0;
        } else if (!(divided && total == 0) && ++skipped_in_a_row_ >= 20) {
            throw Error(cat("step ", steps_done, ": 20 updates in a row were skipped; the last because ", r.skipped),
                        "begin a new --out with --init CHECKPOINT and a lower --lr");
        }
        return r;
    }

    // What a checkpoint must hold beside the weights to go on with the same bits.
    json state() const {
        return {{"step", steps_done}, {"updates", updates_done}, {"skipped_in_a_row", skipped_in_a_row_}, {"loss_window", outliers.window}};
    }
    void set_state(const json& j) {
        steps_done = j.at("step");
        updates_done = j.at("updates");
        skipped_in_a_row_ = j.at("skipped_in_a_row");
        outliers.window = j.at("loss_window").get<std::deque<double>>();
    }

    int64_t steps_done = 0;     // including skipped ones: the position in schedule and data
    int64_t updates_done = 0;   // AdamW's step
    OutlierDetector outliers;

   private:
    Model& model_;
    const TrainerConfig& config_;
    int64_t skipped_in_a_row_ = 0;
};

// ---- checkpoints of a run

// AdamW's moments: flat arrays in the storage order of one rank, whatever the number of ranks: any other number can go on with them.
// All ranks must call it; the first one writes.
inline void save_optimizer(Model& model, const std::string& path) {
    const ParamLayout layout(model.config);
    std::optional<SafetensorsWriter> out;
    if (model.rank() == 0) out.emplace(path, std::vector<StoredTensor>{{"m", "F32", {layout.size}}, {"v", "F32", {layout.size}}});
    std::vector<float> host;
    for (const AdamState state : {AdamState::m, AdamState::v}) {
        model.gather_state(state);
        if (!out) continue;
        for (size_t i = 0; i < layout.tensors.size(); i++) {
            const Tensor &stored = layout.tensors[i], &here = model.layout.tensors[i];
            const int64_t end = i + 1 < layout.tensors.size() ? layout.tensors[i + 1].offset : layout.size;
            host.assign(size_t(end - stored.offset), 0.0f);       // the gap up to the next tensor is zero
            model.get_state(here, host.data());
            out->append(host.data(), int64_t(host.size()));
        }
    }
    if (out) out->commit();
}
inline void load_optimizer(Model& model, const std::string& path) {
    const ParamLayout layout(model.config);
    const SafetensorsFile file(path);
    for (const auto& [name, state] : {std::pair("m", AdamState::m), std::pair("v", AdamState::v)}) {
        const StoredTensor& t = file.at(name);
        if (t.dtype != "F32" || t.shape != std::vector<int64_t>{layout.size})
            throw Error(cat(path, ": tensor ", name, " does not fit the model: expected ", layout.size, " F32 values"));
        const float* values = reinterpret_cast<const float*>(file.data(t));
        for (size_t i = 0; i < layout.tensors.size(); i++) model.set_state(state, model.layout.tensors[i], values + layout.tensors[i].offset);
    }
}

// Renamed first: a kill in the middle must not leave half a directory under a checkpoint's name.
inline void remove_checkpoint(const std::string& path) {
    std::error_code ec;
    fs::rename(path, path + ".old", ec);
    fs::remove_all(path + ".old", ec);
}

// Write checkpoint `step` of a run (all or nothing), then drop the oldest beyond `keep`. `save_tokenizer(dir)` adds its files.
// All ranks must call it; the first one writes.
inline void save_checkpoint(const std::string& out, int64_t keep, Model& model, const json& state, const SaveTokenizer& save_tokenizer) {
    const int64_t step = state.at("trainer").at("step");
    if (model.has_master()) model.gather_state(AdamState::master);
    if (model.rank() != 0) return save_optimizer(model, "");
    AtomicDirectory dir(out + "/" + checkpoint::step_name(step), true);
    write_hf_model(dir.path(), model.config, "F32", tensors_of(model), save_tokenizer);
    save_optimizer(model, dir.path() + "/optimizer-0.safetensors");
    write_file(dir.path() + "/state.json", json_text(state, 1) + "\n");
    dir.commit();
    std::error_code ec;
    if (keep > 0) {
        const auto steps = checkpoint::list_steps(out);
        for (size_t i = 0; i + size_t(keep) < steps.size(); i++) remove_checkpoint(steps[i].second);
    }
    std::vector<fs::path> doomed;                          // what killed runs had not removed any more, or not finished
    for (const auto& entry : fs::directory_iterator(out, ec)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("step-") && (name.ends_with(".old") || name.ends_with(".tmp"))) doomed.push_back(entry.path());
    }
    for (const auto& path : doomed) fs::remove_all(path, ec);
}
