// dev/test/test_sft.hpp -- fine-tuning and chat from outside, on models that are made here in a moment.
//
// sft begins from random weights and learns answers that cannot be foreseen: the validation loss falls, then rises, and --patience must decide the same
// after a signal as without one. chat talks to models that say what a script says (test_chat.hpp), written to the disk: so it is known what must be on
// the screen, when an answer that never ends is stopped, and what a history holds.
#pragma once

#include <sys/stat.h>

#include "../../sft.hpp"
#include "test_chat.hpp"
#include "test_checkpoint.hpp"
#include "test_program.hpp"

namespace sft_test {

using chat_test::Protocol;
using chat_test::ScriptedModel;
using checkpoint_test::HostModel;
using program_test::Child;
using program_test::ChildOptions;
using program_test::Outcome;
using program_test::Words;
using program_test::binary;

// ---- the data

// `n` short conversations whose user says `name`.
inline std::vector<Conversation> named(const std::string& name, int n) {
    std::vector<Conversation> all;
    for (int i = 0; i < n; i++) all.push_back({{Role::user, cat(name, i)}, {Role::assistant, cat("answer ", i)}});
    return all;
}

inline void test_measured(Report& t) {
    const Protocol p;
    SftData data(p.format, 100, false);
    data.add("a", named("a", 300), 1);
    data.add("b", named("b", 100), 3);
    data.add("c", named("c", 50), 0.5);
    // how often the chosen ones count, by file: the byte behind <|im_start|>user<|im_sep|> is the file's name
    const size_t at = p.format.render({{Role::user, ""}}).ids.size() - 1;
    auto counted = [&](const std::vector<Sequence>& chosen) {
        std::map<std::string, double> n;
        for (const Sequence& s : chosen) n[std::string(p.tokenizer.token_bytes(s.ids[at])).substr(0, 1)] += double(*std::max_element(s.weights.begin(), s.weights.end()));
        return n;
    };
    const auto some = data.measured(125);
    auto n = counted(some);
    t.check(n["a"] == 60 && n["b"] == 60 && n["c"] == 5, cat("125 of an epoch's 300 + 300 + 25: ", n["a"], ", ", n["b"], ", ", n["c"]));
    t.check(some.size() <= 125 && some.size() > 100, cat(some.size(), " examples"));
    const auto again = data.measured(125);
    bool same = again.size() == some.size();
    for (size_t i = 0; same && i < some.size(); i++) same = some[i].ids == again[i].ids && some[i].weights == again[i].weights;
    t.check(same, "the same ones each time");
    const auto all = data.measured(0), more = data.measured(450);
    n = counted(all);
    t.check(all.size() == 450 && more.size() == 450 && n["a"] == 300 && n["b"] == 300 && n["c"] == 25, "all of them, each with the weight of its file");
    for (const int64_t most : {1, 2, 7, 449}) {
        n = counted(data.measured(most));
        t.check(n["a"] + n["b"] + n["c"] == double(most), cat("exactly ", most, " where it is fewer than all"));
    }
    SftData held(p.format, 100, false), none(p.format, 100, false);
    data.hold_back(0.2, held);
    t.check(held.sources.size() == 3 && held.sources[1].weight == 3 && held.count() + data.count() == 450, "what is held back keeps its file and its weight");
    for (const auto& s : held.sources) t.check(!s.examples.empty(), cat("some of file ", s.path));
    t.check(none.measured(0).empty() && none.measured(5).empty(), "nothing of nothing");
}

// ---- sft from outside

// Waits until the child's output holds `text` behind place `from`, a minute at most.
inline bool wait_for(Child& child, const std::string& text, size_t from) {
    const double start = now_s();
    while (!child.finished() && now_s() - start < 60) {
        if (child.output().find(text, from) != std::string::npos) return true;
        ::usleep(2000);
    }
    return false;
}

// A model of random weights: 297 tokens in 301 rows.
struct Base {
    Base() {
        const Tokenizer tokenizer = chat_test::small_tokenizer();
        Config c;
        c.max_T = 64, c.V = tokenizer.vocab_size() + 4, c.L = 1, c.NH = 2, c.C = 32, c.end_of_text = tokenizer.end_of_text();
        HostModel model(c);
        TorchGenerator gen(1);
        for (const Tensor& tensor : model.layout.tensors) {
            std::vector<float> x(size_t(tensor.size), 0.0f);
            init_tensor(x.data(), tensor, gen);
            model.set_tensor(tensor, x.data());
        }
        save_model(dir / "base", model, "F32", [&](const std::string& d) { tokenizer.save_directory(d); });
        Rng rng(4);
        std::string lines;
        for (int i = 0; i < 60; i++) lines += conversation_json({{Role::user, cat("what is ", i, "?")}, {Role::assistant, cat(rng.below(1000), " and ", rng.below(1000))}}) + "\n";
        write_file(dir / "c.jsonl", lines);
    }
    Words sft(const std::string& out, const Words& more = {}) const {
        Words w = {"sft", "--init", dir / "base", "--data", dir / "c.jsonl", "--out", dir / out, "--examples", "8", "--device", "cpu", "--dtype", "fp32"};
        w.insert(w.end(), more.begin(), more.end());
        return w;
    }
    TempDir dir;
};
inline const Base* base(Report& t) {
    if (binary().empty()) {
        t.skip("the program", "no ./train_gpt");
        return nullptr;
    }
    static const Base b;
    return &b;
}

inline void test_new_tokens(Report& t) {
    const Base* b = base(t);
    if (!b) return;
    const Outcome first = program_test::start(b->sft("first", {"--steps", "2"}));
    t.check(first.out.find("tokens    11 new ones, ids 297 to 307: 4 in spare rows of the embedding, 7 in rows that were added; each begins as the mean of the 297 known ones") != std::string::npos,
            cat("sft says how new tokens begin: ", first.out, first.err));
    Words words = b->sft("second", {"--steps", "2"});
    words[2] = b->dir / "first";
    const Outcome second = program_test::start(words);
    t.check(second.out.find("tokens    none is new") != std::string::npos, cat("and that there are none: ", second.out, second.err));
    words.push_back("--resume");
    t.check(program_test::start(words).out.find("tokens   ") == std::string::npos, "a resumed run gives none");
}

// What a measurement or a step left in metrics.jsonl, but for times.
inline std::string course(const std::string& run) {
    std::string s;
    for (const auto& j : program_test::json_lines(read_file(run + "/metrics.jsonl"))) s += cat(json_text(j["step"]), " ", json_text(j["loss"]), " ", j.value("val_loss", 0.0), "\n");
    return s;
}
inline std::vector<int64_t> steps_of(const std::string& run) {
    std::vector<int64_t> steps;
    for (const auto& [step, path] : checkpoint::list_steps(run)) steps.push_back(step);
    return steps;
}

inline void test_patience(Report& t) {
    const Base* b = base(t);
    if (!b) return;
    const Words flags = {"--steps", "4000", "--lr", "1e-2", "--warmup", "5", "--schedule", "constant", "--val-fraction", "0.3", "--eval-every", "5", "--patience", "40",
                         "--checkpoint-every", "35", "--keep", "1"};
    const Outcome whole = program_test::start(b->sft("whole", flags));
    t.check(whole.status == 0 && whole.out.find("stopped early") != std::string::npos, cat("a loss that rises ends the training: ", whole.err));
    const auto best = steps_of(b->dir / "whole");
    t.check(best.size() == 1 && whole.out.find("saved     step-000035") != std::string::npos, cat("the best checkpoint stays alone, --checkpoint-every wrote others: ", best.size()));
    if (best.size() != 1) return;
    const std::string step = checkpoint::step_name(best[0]);
    // a signal between the best measurement and the end
    Child child(b->sft("part", flags));
    t.check(wait_for(child, cat("step ", best[0] + 60, ": validation loss"), 0), "twelve measurements after the best one");
    child.send(SIGTERM);
    const Outcome stopped = child.wait();
    const auto beside = steps_of(b->dir / "part");
    t.check(stopped.status == 0 && stopped.out.find("stopped by a signal") != std::string::npos, cat("a signal stops it: ", stopped.err));
    t.check(beside.size() == 2 && beside[0] == best[0] && beside[1] >= best[0] + 60, "and leaves a checkpoint to go on from beside the best one");
    t.check(read_file(b->dir / ("part/" + step + "/model.safetensors")) == read_file(b->dir / ("whole/" + step + "/model.safetensors")), "which is the best one's");
    program_test::copy_tree(b->dir / "part", b->dir / "forgetful");
    const Outcome resumed = program_test::start(b->sft("part", program_test::plus(flags, {"--resume"})));
    t.check(resumed.status == 0 && resumed.out.find(cat("resumed   at step ", beside.back())) != std::string::npos, cat("it goes on where it stopped: ", resumed.err));
    t.check(course(b->dir / "part") == course(b->dir / "whole"), "every loss has the bits of the undisturbed run's, up to the step at which both give up");
    t.check(steps_of(b->dir / "part") == best && read_file(b->dir / ("part/" + step + "/model.safetensors")) == read_file(b->dir / ("whole/" + step + "/model.safetensors")),
            "and the same best checkpoint stays");
    // control: a run that does not remember how long it has waited gives up later
    const std::string state = b->dir / ("forgetful/" + checkpoint::step_name(beside.back()) + "/state.json");
    auto j = parse_json_text<nlohmann::ordered_json>(read_file(state));
    t.check(j["best_step"] == best[0] && j["worse_in_a_row"] >= 12, "the checkpoint says since when there was no better one");
    j["worse_in_a_row"] = 0;
    write_file(state, json_text(j));
    program_test::start(b->sft("forgetful", program_test::plus(flags, {"--resume"})));
    t.check(course(b->dir / "forgetful").size() > course(b->dir / "whole").size(), "control: one that forgets it goes on for longer");
}

inline void test_mistakes(Report& t) {
    const Base* b = base(t);
    if (!b) return;
    write_file(b->dir / "parts.jsonl", read_file(b->dir / "c.jsonl") + "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":3,\"text\":\"x\"}]}]}\n");
    Words words = b->sft("mistakes", {"--steps", "1"});
    words[4] = b->dir / "parts.jsonl";
    program_test::check_refused(t, words, 1, "parts.jsonl:61: ", "a part whose type is a number");
    words.push_back("--skip-bad");
    const Outcome o = program_test::start(words);
    t.check(o.status == 0 && o.out.find("1 bad lines") != std::string::npos, cat("or it is left out and counted: ", o.err));
    program_test::check_refused(t, b->sft("mistakes2", {"--steps", "1", "--val-fraction", "0", "--eval-every", "1", "--patience", "1"}), 1, "no validation data", "patience without a measurement");
    t.check(!fs::exists(b->dir / "mistakes2"), "nothing is left behind");
}

// ---- chat from outside

// An assistant in directory `dir` that writes script[i] after position `first` - 1 + i, whatever it is asked.
inline void write_scripted(const std::string& dir, const Protocol& p, const std::vector<int32_t>& script, int64_t first, int64_t max_T) {
    HostModel model(ScriptedModel::config_of(p, max_T));
    for (const Tensor& tensor : model.layout.tensors) model.set_tensor(tensor, ScriptedModel::weights(model.config, tensor, script, first).data());
    save_model(dir, model, "F32", [&](const std::string& d) { save_chat_tokenizer(p.tokenizer, d); });
}
inline Words chat(const std::string& model, const Words& more = {}) {
    return program_test::plus({"chat", "--model", model, "--temperature", "0", "--device", "cpu", "--dtype", "fp32", "--weights", "fp32"}, more);
}
inline Outcome talk(const Words& words, const std::string& input) {
    ChildOptions o;
    o.input = input;
    return program_test::start(words, o);
}

inline void test_chat_history(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Protocol p;
    TempDir dir;
    const int32_t word = p.tokenizer.encode("and")[0];
    const std::string said(p.tokenizer.token_bytes(word)), saved = dir / "saved.jsonl";
    write_scripted(dir / "model", p, std::vector<int32_t>(160, word), 1, 160);
    const Outcome o = talk(chat(dir / "model", {"--max-tokens", "1"}), cat("one\ntwo\n", std::string(400, 'x'), "\nthree\n/save ", saved, "\n"));
    t.check(o.status == 0 && o.err.find("does not fit the context of 160 tokens") != std::string::npos, cat("a message that is too long is refused: ", o.err));
    const auto kept = o.status == 0 ? read_conversations(saved) : std::vector<Conversation>(1);
    const Conversation want = {{Role::user, "one"}, {Role::assistant, said}, {Role::user, "two"}, {Role::assistant, said}, {Role::user, "three"}, {Role::assistant, said}};
    t.check(!kept.empty() && kept[0] == want, "and nothing that was said before is forgotten");
    const Outcome shown = talk(chat(dir / "model", {"--max-tokens", "1", "--color", "always"}), "one\n/tokens\n");
    const auto holds = [&](Role role, bool learn, int32_t id) { return shown.out.find(cat(token_style(role, learn, false), p.tokenizer.token_bytes(id), "(", id, ")")) != std::string::npos; };
    t.check(shown.out.find(rendered_legend(true)) != std::string::npos, cat("/tokens begins with a legend: ", shown.out));
    t.check(holds(Role::user, false, p.tokenizer.encode("one")[0]) && holds(Role::assistant, true, word), "and shows who speaks, and what is learned");
}

inline void test_chat_tools(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Protocol p;
    TempDir dir;
    const int64_t header = int64_t(p.format.render({{Role::user, "how many"}}, true).ids.size());
    for (const std::string& code : {std::string("while True: pass"), std::string("open('/etc/passwd')"), std::string("'(' * 10**9")}) {
        const std::string output = Toolbox().call("python", code).text, model = dir / "model";
        fs::remove_all(model);
        write_scripted(model, p, chat_test::two_calls(p, code, output), header, 400);
        const Outcome o = talk(chat(model, {"--max-tokens", "300"}), "how many\n");
        t.check(o.status == 0 && o.out == cat("[runs: ", code, "] [gets: ", output, "] [runs: len('moon')] [gets: 4] so 4\n"), cat("the program runs it, shows the error and goes on: ", o.out, o.err));
    }
}

inline void test_interrupts(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Protocol p;
    TempDir dir;
    const int32_t word = p.tokenizer.encode("and")[0];
    const std::string pipe = dir / "keyboard";
    std::string said;
    for (int i = 0; i < 5; i++) said += p.tokenizer.token_bytes(word);
    write_scripted(dir / "model", p, std::vector<int32_t>(16384, word), 1, 16384);      // an answer of some seconds
    if (::mkfifo(pipe.c_str(), 0600) != 0) throw system_error("mkfifo");
    const int keyboard = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    if (keyboard < 0) throw system_error(pipe);
    ChildOptions shell;
    shell.program = "/bin/sh";                       // opens the keyboard for reading and writing, so that it never ends
    Words words = {"-c", "keyboard=$1; shift; exec \"$@\" <> \"$keyboard\"", "sh", pipe, binary()};
    Child child(program_test::plus(words, chat(dir / "model", {"--max-tokens", "16000"})), shell);
    auto type = [&](const std::string& line) { t.check(::write(keyboard, line.data(), line.size()) == ssize_t(line.size()), "the keyboard works"); };
    type("one\n");
    t.check(wait_for(child, said, 0), "an answer begins");
    child.send(SIGINT);
    t.check(wait_for(child, "\n", 0), "Ctrl-C stops it");
    const size_t first = child.output().find('\n') + 1;
    t.check(first < 16000 * said.size() / 5, "before its end");
    type("two\n");
    t.check(wait_for(child, said, first), "the program goes on and answers the next question");
    child.send(SIGINT);
    t.check(wait_for(child, "\n", first), "Ctrl-C stops that, too");
    ::usleep(50000);
    t.check(!child.finished(), "and still the program is there");
    child.send(SIGINT);
    const Outcome o = child.wait();
    ::close(keyboard);
    t.check(o.status == 130 && !o.timed_out, cat("a second Ctrl-C without a line between leaves: ", o.status));
    t.check(o.err.find("(stopped)\n") != std::string::npos && o.err.find("(stopped)\n") != o.err.rfind("(stopped)\n"), cat("it says that it stopped: ", o.err));
}

}  // namespace sft_test

inline Suite sft_tests() {
    using namespace sft_test;
    return {
        {"sft: a measurement looks at every file as the mixture does", test_measured},
        {"sft: the log says how new tokens begin", test_new_tokens},
        {"sft: --patience after a signal and --resume decides as the undisturbed run", test_patience},
        {"sft: broken parts by file and line, and patience without data", test_mistakes},
        {"chat: a message that does not fit costs nothing that was said before", test_chat_history},
        {"chat: the program's own tools answer bad code with an error, and the turn goes on", test_chat_tools},
        {"chat: Ctrl-C stops an answer, twice leaves", test_interrupts},
    };
}
