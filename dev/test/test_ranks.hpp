// dev/test/test_ranks.hpp -- several processes train one model: the same losses as one, ZeRO-1 or not, and no hang when one dies.
// The ranks run on the CPU device, and on the emulated Cuda device where TRAIN_GPT_EMULATED names the program that has it (dev/emu):
// there every kernel, cuBLASLt and NCCL are those of the GPU build.
#pragma once

#include <fstream>

#include "test_program.hpp"

namespace ranks_test {

using namespace program_test;

struct Job {
    std::string program, device, dtype;
    int64_t steps = 8;                      // of a run; fewer in the emulator, which does a step in half a second
    std::string step_dir(int64_t step) const { return cat("/step-00000", step); }
    std::string name() const { return device + " " + dtype; }
};
inline std::vector<Job> jobs() {
    std::vector<Job> all = {{"", "cpu", "fp32"}, {"", "cpu", "bf16"}};
    const char* emulated = std::getenv("TRAIN_GPT_EMULATED");
    if (emulated)
        for (const char* dtype : {"fp32", "bf16"}) all.push_back({fs::absolute(emulated).string(), "cuda", dtype, 4});
    return all;
}

inline Words train_words(const Fixture& f, const Job& job, const std::string& out, int ranks, int64_t steps, const Words& more = {}) {
    Words words = {"pretrain", "--data", f.data, "--out", out, "--layers", "2", "--heads", "2", "--channels", "32", "--seq-len", "16", "--batch-size", "2",
                   "--total-batch-tokens", "256", "--steps", std::to_string(steps), "--lr", "3e-3", "--warmup", "2", "--eval-every", "4", "--eval-batches", "3",
                   "--checkpoint-every", std::to_string(job.steps / 2), "--keep", "0", "--device", job.device, "--dtype", job.dtype, "--gpus", std::to_string(ranks)};
    return plus(words, more);
}
// What was logged: training losses, validation losses.
inline std::vector<double> losses(const std::string& run) {
    std::vector<double> all;
    for (const auto& line : json_lines(read_file(run + "/metrics.jsonl")))
        for (const char* name : {"loss", "val_loss"})
            if (line.contains(name)) all.push_back(line[name].get<double>());
    return all;
}
inline double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size() || a.empty()) return std::numeric_limits<double>::infinity();
    double worst = 0;
    for (size_t i = 0; i < a.size(); i++) worst = std::max(worst, std::abs(a[i] - b[i]) / std::abs(b[i]));
    return worst;
}

inline void test_same_losses(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    for (const Job& job : jobs()) {
        ChildOptions options;
        options.program = job.program;
        const std::string base = f->dir / ("ranks-" + job.device + job.dtype);
        const double bound = job.dtype == "bf16" ? 5e-3 : 1e-5;
        must(train_words(*f, job, base + "-1", 1, job.steps), options);
        const auto alone = losses(base + "-1");
        for (const int ranks : {2, 4}) {
            const std::string sharded = cat(base, "-", ranks), whole = sharded + "-whole";
            must(train_words(*f, job, sharded, ranks, job.steps), options);
            must(train_words(*f, job, whole, ranks, job.steps, {"--no-zero1"}), options);
            t.check_at_most(worst_difference(losses(sharded), alone), bound, cat(job.name(), ": ", ranks, " ranks have the losses of one"));
            t.check(same_file(sharded + job.step_dir(job.steps) + "/model.safetensors", whole + job.step_dir(job.steps) + "/model.safetensors"), cat(job.name(), ", ", ranks, " ranks: ZeRO-1 or not, the weights are the same bytes"));
            t.check(same_file(sharded + job.step_dir(job.steps) + "/optimizer-0.safetensors", whole + job.step_dir(job.steps) + "/optimizer-0.safetensors"), cat(job.name(), ", ", ranks, " ranks: so are the moments"));
        }
        must(train_words(*f, job, base + "-other", 2, job.steps, {"--seed", "43"}), options);
        t.check_rejected(worst_difference(losses(base + "-other"), alone), bound, "another seed");
    }
}

inline void test_resume(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    for (const Job& job : jobs()) {
        ChildOptions options;
        options.program = job.program;
        const std::string run = f->dir / ("ranks-" + job.device + job.dtype + "-2"), again = run + "-again", other = run + "-other-number";
        if (!fs::exists(run)) must(train_words(*f, job, run, 2, job.steps), options);
        for (const std::string& copy : {again, other}) {
            fs::copy(run, copy, fs::copy_options::recursive);
            fs::remove_all(copy + job.step_dir(job.steps));
        }
        must(train_words(*f, job, again, 2, job.steps, {"--resume"}), options);
        t.check(same_file(run + job.step_dir(job.steps) + "/model.safetensors", again + job.step_dir(job.steps) + "/model.safetensors"), job.name() + ": resumed with the same number of ranks, the weights are the same bytes");
        must(train_words(*f, job, other, 4, job.steps, {"--resume"}), options);
        t.check_at_most(worst_difference(losses(other), losses(run)), job.dtype == "bf16" ? 5e-3 : 1e-5, job.name() + ": resumed with 4 ranks in the place of 2, the losses go on as they would have");
    }
}

inline std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> all;
    std::ifstream in(cat("/proc/", pid, "/task/", pid, "/children"));
    for (pid_t p; in >> p;) all.push_back(p);
    return all;
}

inline void test_dead_rank(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    // 256 tokens are 8 micro-batches, which 3 ranks cannot share
    const Outcome refused = start(train_words(*f, {"", "cpu", "fp32"}, f->dir / "three", 3, 1000000));
    t.check(refused.status == 2 && !fs::exists(f->dir / "three"), "a batch that the ranks cannot share is refused before anything is written: " + refused.err);
    // on the emulated GPUs, whose collectives wait for the dead one as NCCL's do, a step takes half a second
    const auto all = jobs();
    for (const auto& [job, victim, steps] : {std::tuple(all.front(), 0, 10), std::tuple(all.front(), 2, 10), std::tuple(all.back(), 1, 2)}) {
        const std::string which = cat(job.name(), ": ");
        ChildOptions options;
        options.program = job.program;
        Child child(train_words(*f, job, f->dir / cat("dead-", job.device, victim), 4, 1000000, {}), options);
        const double limit = now_s() + 60;
        while (child.output().find(cat(" ", steps, "/1000000")) == std::string::npos && !child.finished() && now_s() < limit) ::usleep(2000);
        const auto ranks = children_of(child.pid());
        t.check(ranks.size() == 4, cat(which, "the job has 4 processes (", ranks.size(), ")"));
        if (ranks.size() != 4) continue;
        const double killed = now_s();
        ::kill(ranks[size_t(victim)], SIGKILL);
        const Outcome o = child.wait();
        t.check(!o.timed_out && o.status != 0, cat(which, "kill -9 of rank ", victim, ": the job ends with an error (status ", o.status, ")"));
        t.check_at_most(now_s() - killed, 60, which + "within a minute");
        t.check(o.err.find(cat("rank ", victim)) != std::string::npos && o.err.find("ended") != std::string::npos, cat(which, "and says which rank: ", o.err));
        for (const pid_t p : ranks) t.check(::kill(p, 0) != 0, cat(which, "no rank is left behind (", p, ")"));
    }
}

inline void test_dead_launcher(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    Child job(train_words(*f, {"", "cpu", "fp32"}, f->dir / "launcher", 2, 1000000));
    const double limit = now_s() + 60;
    while (job.output().find(" 10/1000000") == std::string::npos && !job.finished() && now_s() < limit) ::usleep(2000);
    const auto ranks = children_of(job.pid());
    t.check(ranks.size() == 2, cat("the job has 2 processes (", ranks.size(), ")"));
    job.send(SIGKILL);
    job.wait();
    bool alive = true;
    for (const double end = now_s() + 20; alive && now_s() < end; ::usleep(10000)) {
        alive = false;
        for (const pid_t p : ranks) alive |= ::kill(p, 0) == 0;
    }
    t.check(!alive, "no rank outlives the process that started it");
}

// torchrun's variables, every rank started by itself.
inline void test_environment(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    std::string run;
    const std::string same = f->dir / "ranks-cpufp32-2";
    if (!fs::exists(same)) must(train_words(*f, {"", "cpu", "fp32"}, same, 2, 8));
    ChildOptions env;
    env.program = "/usr/bin/env";
    auto words = [&](const Words& variables, int ranks) {
        Words all = variables, rest = train_words(*f, {"", "cpu", "fp32"}, run, ranks, 8);
        all.push_back(binary());
        all.insert(all.end(), rest.begin(), rest.end());
        return all;
    };
    int port = 20000 + ::getpid() % 20000;
    // what each launcher tells rank r of two
    const std::pair<const char*, std::function<Words(std::string)>> launchers[] = {
        {"torchrun", [](const std::string& r) { return Words{"RANK=" + r, "WORLD_SIZE=2", "LOCAL_RANK=" + r, "LOCAL_WORLD_SIZE=2", "MASTER_ADDR=localhost"}; }},
        {"mpirun", [](const std::string& r) { return Words{"OMPI_COMM_WORLD_RANK=" + r, "OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_LOCAL_RANK=" + r, "OMPI_COMM_WORLD_LOCAL_SIZE=2"}; }},
        {"srun", [](const std::string& r) { return Words{"SLURM_STEP_ID=0", "SLURM_PROCID=" + r, "SLURM_NTASKS=2", "SLURM_LOCALID=" + r, "SLURM_NNODES=1"}; }}};
    for (const auto& [name, variables] : launchers) {
        run = f->dir / name;
        port++;
        auto started = [&](const char* rank) {
            Words all = variables(rank);
            all.push_back(cat("MASTER_PORT=", port));
            return Child(words(all, 1), env);
        };
        Child first = started("0"), second = started("1");
        const Outcome a = first.wait(), b = second.wait();
        t.check(a.status == 0 && b.status == 0, cat("two ranks by the variables of ", name, ": ", a.err, b.err));
        t.check(b.out.empty(), cat(name, ": only the first rank speaks"));
        t.check(losses(run) == losses(same), cat(name, ": the same losses as --gpus 2"));
    }
    for (const Words& two_nodes : {Words{"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=2", "OMPI_COMM_WORLD_LOCAL_SIZE=1"}, {"SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_NTASKS=2", "SLURM_NNODES=2"},
                                   {"RANK=0", "WORLD_SIZE=2", "LOCAL_WORLD_SIZE=1"}}) {
        const Outcome lost = start(words(two_nodes, 1), env);
        t.check(lost.status == 2 && lost.err.find("MASTER_ADDR is not set") != std::string::npos, cat(two_nodes[0], " on one of two nodes: the first one must be named: ", lost.err));
    }
    const Outcome wrong = start(words({"RANK=2", "WORLD_SIZE=2"}, 1), env);
    t.check(wrong.status == 2 && wrong.err.find("rank 2 of 2") != std::string::npos, "a rank beyond the world is refused: " + wrong.err);
    const Outcome letters = start(words({"RANK=0", "WORLD_SIZE=2", "MASTER_PORT=x1"}, 1), env);
    t.check(letters.status == 2 && letters.err.find("MASTER_PORT") != std::string::npos, "a port of letters is refused: " + letters.err);
}

}  // namespace ranks_test

inline Suite ranks_tests() {
    using namespace ranks_test;
    return {{"ranks: 1, 2 and 4 have the same losses; ZeRO-1 or not, the same bits", test_same_losses},
            {"ranks: a checkpoint goes on with another number of ranks", test_resume},
            {"ranks: the death of one ends the job with a message", test_dead_rank},
            {"ranks: the death of the launcher ends them", test_dead_launcher},
            {"ranks: the environment variables of torchrun, mpirun and srun", test_environment}};
}
