// dev/test/test_program.hpp -- the program from outside: its commands as a person types them, its mistakes as they happen.
//
// Each test starts the built binary (environment variable TRAIN_GPT, else ./train_gpt) as a child with a time limit and looks
// at its exit status, its two streams and the files it leaves. A wrong input must give one or two lines on stderr, the status
// 1 or 2, and every file as it was (checksums before and after). Without a binary the tests skip.
// Everything is made here from a text of our own: a vocabulary of a few hundred ids, shards, a model of two small layers.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include "json_text.hpp"
#include <sstream>

#include "test.hpp"

namespace program_test {

using Words = std::vector<std::string>;

inline std::string binary() {
    const char* env = std::getenv("TRAIN_GPT");
    const std::string path = env ? env : "./train_gpt";
    return ::access(path.c_str(), X_OK) == 0 ? fs::absolute(path).string() : "";
}

// ---- a child process

struct Outcome {
    int status = -1;          // exit status, or 128 + signal
    bool timed_out = false;
    std::string out, err;
    double seconds = 0;
};

struct ChildOptions {
    std::string input;                     // standard input
    double limit_s = 120;
    int64_t max_file_bytes = -1;           // RLIMIT_FSIZE: a write beyond fails with EFBIG, as on a full disk
    std::string out_path;                  // where stdout goes instead of Outcome::out
    std::string directory;                 // working directory
    std::string program;                   // another program than binary()
};

// A child that may still run. Its output lies in files of a directory of its own.
class Child {
   public:
    Child(const Words& args, const ChildOptions& options = {}) : options_(options), start_(now_s()) {
        std::vector<std::string> words = {options.program.empty() ? binary() : options.program};
        words.insert(words.end(), args.begin(), args.end());
        std::vector<char*> argv;
        for (auto& w : words) argv.push_back(w.data());
        argv.push_back(nullptr);
        write_file(dir_ / "in", options.input);
        const int in = open_or_throw(dir_ / "in", O_RDONLY), err = open_or_throw(dir_ / "err", O_WRONLY | O_CREAT);
        const int out = open_or_throw(options.out_path.empty() ? dir_ / "out" : options.out_path, O_WRONLY | O_CREAT);
        pid_ = ::fork();
        if (pid_ < 0) throw system_error("fork");
        if (pid_ == 0) {                   // between fork and exec: system calls only
            ::dup2(in, 0), ::dup2(out, 1), ::dup2(err, 2);
            if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
            if (options.max_file_bytes >= 0) {
                const rlimit limit{rlim_t(options.max_file_bytes), rlim_t(options.max_file_bytes)};
                ::setrlimit(RLIMIT_FSIZE, &limit);
                ::signal(SIGXFSZ, SIG_IGN);
            }
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        ::close(in), ::close(out), ::close(err);
    }
    Child(const Child&) = delete;
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    void send(int signal) { ::kill(pid_, signal); }
    pid_t pid() const { return pid_; }
    bool finished() {
        if (pid_ > 0 && ::waitpid(pid_, &wait_status_, WNOHANG) == pid_) pid_ = -1;
        return pid_ < 0;
    }
    std::string output() const { return options_.out_path.empty() ? read_file(dir_ / "out") : ""; }
    Outcome wait() {
        Outcome o;
        while (!finished()) {
            if (now_s() - start_ > options_.limit_s) {
                o.timed_out = true;
                ::kill(pid_, SIGKILL);
            }
            ::usleep(2000);
        }
        o.seconds = now_s() - start_;
        o.status = WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : 128 + WTERMSIG(wait_status_);
        o.out = output();
        o.err = read_file(dir_ / "err");
        return o;
    }

   private:
    static int open_or_throw(const std::string& path, int flags) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (fd < 0) throw system_error(path);
        return fd;
    }
    TempDir dir_;
    ChildOptions options_;
    pid_t pid_ = -1;
    int wait_status_ = 0;
    double start_;
};

inline Outcome start(const Words& args, const ChildOptions& options = {}) { return Child(args, options).wait(); }

inline std::string shown(const Words& args) {
    std::string s = "train_gpt";
    for (const auto& a : args) s += " " + (a.size() > 60 ? a.substr(0, 60) + "..." : a);
    return s;
}

// It must succeed; the output is the result.
inline std::string must(const Words& args, const ChildOptions& options = {}) {
    const Outcome o = start(args, options);
    if (o.status != 0) throw Error(cat(shown(args), ": status ", o.status, o.timed_out ? " (time limit)" : "", ": ", o.err));
    return o.out;
}

// ---- files

// Name and checksum of every file below a path: two of them are equal if nothing was touched, added or lost.
inline std::map<std::string, uint32_t> checksums(const std::string& path) {
    std::map<std::string, uint32_t> sums;
    auto add = [&](const std::string& file) {
        const MappedFile m(file);
        sums[file] = crc32(m.data(), size_t(m.size()));
    };
    if (fs::is_regular_file(path)) add(path);
    else if (fs::is_directory(path))
        for (const auto& e : fs::recursive_directory_iterator(path))
            if (e.is_regular_file()) add(e.path().string());
    return sums;
}

inline void copy_tree(const std::string& from, const std::string& to) { fs::copy(from, to, fs::copy_options::recursive); }

// Overwrite bytes in place. Negative offsets count from the end.
inline void poke(const std::string& path, int64_t offset, std::string_view bytes) {
    std::string content = read_file(path);
    content.replace(size_t(offset < 0 ? int64_t(content.size()) + offset : offset), bytes.size(), bytes);
    write_file(path, content);
}

// The claim of issue 2: a bad input costs one or two clear lines and nothing else. `keep` are paths that must stay as they are.
inline void check_refused(Report& t, const Words& args, int status, const std::string& expected, const std::string& claim,
                          const Words& keep = {}, const ChildOptions& options = {}) {
    std::vector<std::map<std::string, uint32_t>> before;
    for (const auto& k : keep) before.push_back(checksums(k));
    const Outcome o = start(args, options);
    t.check(o.status == status, cat(claim, ": exit status ", status, " (it was ", o.status, o.timed_out ? ", time limit" : "", "; stderr: ", o.err, ")"));
    const auto lines = std::count(o.err.begin(), o.err.end(), '\n');
    t.check(o.err.starts_with("error: ") && lines >= 1 && lines <= 2, cat(claim, ": one or two lines on stderr (", o.err, ")"));
    t.check(o.err.find(expected) != std::string::npos, cat(claim, ": the message names \"", expected, "\" (", o.err, ")"));
    for (size_t i = 0; i < keep.size(); i++) t.check(checksums(keep[i]) == before[i], cat(claim, ": ", keep[i], " stays as it was"));
}

// ---- what the tests share: made once, on first use

// Sentences over a small vocabulary, of a few hundred distinct forms, in documents.
inline std::string little_text(int64_t documents, uint64_t seed) {
    const char* who[] = {"Anna", "Bernard", "Clara", "David", "Emil", "Frieda", "the miller", "the old teacher"};
    const char* does[] = {"walks to", "writes about", "paints", "remembers", "looks for", "sells", "finds"};
    const char* what[] = {"the river", "a red boat", "the mountain", "a letter", "three apples", "the market", "an open door"};
    Rng rng(seed);
    std::string text;
    for (int64_t d = 0; d < documents; d++) {
        const uint64_t sentences = 3 + rng.below(6);
        for (uint64_t s = 0; s < sentences; s++)
            text += cat(who[rng.below(8)], " ", does[rng.below(7)], " ", what[rng.below(7)], s + 1 < sentences ? ". " : ".\n\n");
    }
    return text;
}

struct Fixture {
    TempDir dir;
    std::string text, tokenizer, data, run, model;   // files and directories
    // a model small enough to train 60 steps in a second
    Words shape = {"--layers", "2", "--heads", "2", "--channels", "32", "--seq-len", "32", "--batch-size", "4"};
    Words schedule = {"--total-batch-tokens", "256", "--steps", "60", "--lr", "3e-3", "--warmup", "5", "--eval-every", "20",
                      "--eval-batches", "2", "--checkpoint-every", "5", "--keep", "2", "--device", "cpu", "--dtype", "fp32"};

    Fixture() : text(dir / "text.txt"), tokenizer(dir / "tokenizer.json"), data(dir / "data"), run(dir / "run") {
        write_file(text, little_text(400, 1));
        must({"tokenizer", "train", "--input", text, "--vocab-size", "320", "--out", tokenizer});
        must({"tokenize", "--tokenizer", tokenizer, "--input", text, "--out", data, "--val-fraction", "0.1"});
        must(pretrain(run));
        model = run + "/step-000060";
    }
    Words pretrain(const std::string& out, const Words& more = {}) const { return pretrain_on(data, out, more); }
    Words pretrain_on(const std::string& shards, const std::string& out, const Words& more = {}) const {
        Words words = {"pretrain", "--data", shards, "--out", out};
        words.insert(words.end(), shape.begin(), shape.end());
        words.insert(words.end(), schedule.begin(), schedule.end());
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
    // the file of the training split
    std::string train_shard(const std::string& shards) const {
        const auto index = parse_json_text<nlohmann::json>(read_file(shards + "/index.json"));
        return shards + "/" + index["splits"]["train"]["shards"][0]["file"].get<std::string>();
    }
};

// The fixture, or nullptr after a skip.
inline const Fixture* fixture(Report& t) {
    if (binary().empty()) {
        t.skip("the program", "no binary: build ./train_gpt first, or set TRAIN_GPT to its path");
        return nullptr;
    }
    static const Fixture f;
    return &f;
}

inline Words plus(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
    std::vector<nlohmann::json> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        if (!line.empty()) all.push_back(parse_json_text<nlohmann::json>(line));
    return all;
}

// ---- usage

inline void test_help(Report& t) {
    if (!fixture(t)) return;
    const std::string markdown = must({"help", "--markdown"});
    int64_t commands = 0;
    for (size_t at = 0; (at = markdown.find("<code>train_gpt ", at)) != std::string::npos; commands++) {
        at += std::string("<code>train_gpt ").size();
        std::istringstream name(markdown.substr(at, markdown.find('<', at) - at));
        Words words{std::istream_iterator<std::string>(name), {}};
        words.push_back("--help");
        const Outcome o = start(words);
        t.check(o.status == 0 && o.err.empty(), cat(shown(words), " exits 0 and writes nothing on stderr"));
        t.check(o.out.find("usage: train_gpt") != std::string::npos && o.out.find("\n  --") != std::string::npos,
                cat(shown(words), " shows the usage and the flags"));
    }
    t.check(commands >= 12, cat("the table has at least 12 commands (", commands, ")"));
    t.check(start({}).status == 2, "without a command the status is 2");
    t.check(start({"--help"}).status == 0, "--help alone exits 0");
}

inline void test_readme(Report& t) {
    if (!fixture(t)) return;
    if (!fs::exists("README.md")) return t.skip("README.md", "not in the working directory");
    const std::string readme = read_file("README.md"), begin = "<!-- flags:begin -->", end = "<!-- flags:end -->";
    const size_t from = readme.find(begin), to = readme.find(end);
    if (from == std::string::npos || to == std::string::npos) return t.check(false, "README.md has the two markers around its flags");
    auto trim = [](const std::string& s) {
        const size_t a = s.find_first_not_of(" \n"), b = s.find_last_not_of(" \n");
        return a == std::string::npos ? "" : s.substr(a, b - a + 1);
    };
    const std::string have = trim(readme.substr(from + begin.size(), to - from - begin.size())), want = trim(must({"help", "--markdown"}));
    t.check(have == want, "the flags in README.md are what `train_gpt help --markdown` prints (`make docs` writes them)");
}

inline void test_wrong_usage(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    check_refused(t, {"pretrian"}, 2, "pretrain", "a misspelt command is answered with the one that was meant");
    check_refused(t, {"tokenizer"}, 2, "tokenizer train", "half a command is answered with its completions");
    check_refused(t, f->pretrain(f->dir / "u1", {"--learning-rate", "1"}), 2, "--learning-rate", "an unknown flag is refused");
    check_refused(t, f->pretrain(f->dir / "u2", {"--sedd", "1"}), 2, "--seed", "a misspelt flag is answered with the one that was meant");
    check_refused(t, f->pretrain(f->dir / "u3", {"--seed"}), 2, "--seed", "a flag without its value is refused");
    check_refused(t, f->pretrain(f->dir / "u4", {"--beta1", "fast"}), 2, "--beta1", "a word where a number belongs is refused");
    check_refused(t, f->pretrain(f->dir / "u5", {"--beta1", "1.5"}), 2, "[0, 1)", "a number out of range is refused");
    check_refused(t, f->pretrain(f->dir / "u6", {"--lr", "1e-3"}), 2, "--lr", "a flag given twice is refused");
    check_refused(t, f->pretrain(f->dir / "u7", {"--schedule", "cosinus"}), 2, "wsd", "a wrong choice lists the right ones");
    check_refused(t, f->pretrain(f->dir / "u8", {"here"}), 2, "here", "a stray word is refused");
    check_refused(t, {"pretrain", "--data", f->data}, 2, "--", "a missing --out is refused");
    check_refused(t, {"generate", "--prompt", "x"}, 2, "--model", "a missing --model is refused");
    check_refused(t, {"generate", "--model", f->model, "--prompt", "x", "--top-p", "0"}, 2, "--top-p", "top-p 0 is refused");
    check_refused(t, {"pretrain", "--data", f->data, "--out", f->dir / "u9", "--layers", "2", "--heads", "3", "--channels", "32",
                      "--steps", "1"}, 1, "heads", "channels that do not divide among the heads are refused");
    Words words = f->pretrain(f->dir / "u10");
    *std::find(words.begin(), words.end(), "256") = "250";
    check_refused(t, words, 2, "--batch-size x --seq-len = 128", "a batch that does not divide is refused with what it must divide by");
    check_refused(t, f->pretrain(f->run), 2, "--resume", "a run directory that holds a run is not overwritten", {f->run});
    for (int i = 1; i <= 10; i++) t.check(!fs::exists(f->dir / cat("u", i)), cat("refused run ", i, " left no directory behind"));
}

// ---- bad files

inline void test_bad_checkpoints(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string weights = read_file(f->model + "/model.safetensors");
    // `change` spoils a copy of the model directory
    auto refuse = [&](const std::string& name, const std::string& expected, const std::function<void(const std::string&)>& change) {
        const std::string copy = f->dir / ("bad-" + name);
        copy_tree(f->model, copy);
        change(copy);
        const Words prompt = {"--prompt", "Anna", "--max-tokens", "4", "--device", "cpu"};
        check_refused(t, plus({"generate", "--model", copy}, prompt), 1, expected, name, {copy});
        fs::remove_all(copy);
    };
    refuse("weights cut in half", "model.safetensors", [&](const std::string& d) { write_file(d + "/model.safetensors", weights.substr(0, weights.size() / 2)); });
    refuse("weights cut by one byte", "model.safetensors", [&](const std::string& d) { write_file(d + "/model.safetensors", weights.substr(0, weights.size() - 1)); });
    refuse("empty weights", "model.safetensors", [&](const std::string& d) { write_file(d + "/model.safetensors", ""); });
    refuse("weights that are something else", "model.safetensors", [&](const std::string& d) { write_file(d + "/model.safetensors", little_text(50, 3)); });
    refuse("a header longer than the file", "model.safetensors", [&](const std::string& d) { poke(d + "/model.safetensors", 0, std::string(8, '\x7f')); });
    refuse("no weights", "model", [&](const std::string& d) { fs::remove(d + "/model.safetensors"); });
    refuse("a config of another size", "shape", [&](const std::string& d) {
        auto j = parse_json_text<nlohmann::json>(read_file(d + "/config.json"));
        j["n_embd"] = 64;
        write_file(d + "/config.json", json_text(j));
    });
    refuse("a config with more layers than the file has", "h.2", [&](const std::string& d) {
        auto j = parse_json_text<nlohmann::json>(read_file(d + "/config.json"));
        j["n_layer"] = 3;
        write_file(d + "/config.json", json_text(j));
    });
    refuse("a config of a foreign architecture", "config.json", [&](const std::string& d) {
        auto j = parse_json_text<nlohmann::json>(read_file(d + "/config.json"));
        j["model_type"] = "llama";
        j["architectures"] = {"LlamaForCausalLM"};
        write_file(d + "/config.json", json_text(j));
    });
    refuse("a config that is not JSON", "config.json", [&](const std::string& d) { write_file(d + "/config.json", "{\"n_embd\": "); });
    refuse("an empty tokenizer", "tokenizer.json", [&](const std::string& d) { write_file(d + "/tokenizer.json", ""); });
    check_refused(t, {"generate", "--model", f->dir / "nowhere", "--prompt", "x"}, 1, "nowhere", "a model that is not there");
    check_refused(t, {"convert", "--input", f->dir / "nowhere", "--out", f->dir / "x.bin"}, 1, "nowhere", "convert of a model that is not there");
    t.check(!fs::exists(f->dir / "x.bin"), "the refused convert leaves no file");
    // a broken newest checkpoint stops a resume, and nothing is lost
    const std::string run = f->dir / "bad-resume";
    copy_tree(f->run, run);
    fs::remove_all(run + "/step-000060");
    const std::string optimizer = run + "/step-000055/optimizer-0.safetensors";
    const std::string moments = read_file(optimizer);
    write_file(optimizer, moments.substr(0, moments.size() - 100));
    check_refused(t, f->pretrain(run, {"--resume"}), 1, "optimizer-0.safetensors", "a resume with a truncated optimizer", {run + "/step-000055"});
    write_file(optimizer, moments);
    write_file(run + "/step-000055/state.json", "{}");
    check_refused(t, f->pretrain(run, {"--resume"}), 1, "state.json", "a resume with a foreign state", {run + "/step-000055"});
}

inline void test_bad_shards(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string out = f->dir / "bad-shard-run";
    auto refuse = [&](const std::string& name, const std::string& expected, const std::function<void(const std::string&)>& change) {
        const std::string copy = f->dir / "bad-shards";
        copy_tree(f->data, copy);
        change(copy);
        check_refused(t, f->pretrain_on(copy, out), 1, expected, name, {copy, f->model});
        t.check(!fs::exists(out + "/step-000060"), name + ": no checkpoint comes of it");
        fs::remove_all(copy);
        fs::remove_all(out);
    };
    refuse("a shard with a wrong magic", "magic", [&](const std::string& d) { poke(f->train_shard(d), 0, "GGUF"); });
    refuse("a shard of a wrong version", "version", [&](const std::string& d) { poke(f->train_shard(d), 4, "\x09"); });
    refuse("a shard with one flipped bit", "CRC", [&](const std::string& d) {
        const std::string bytes = read_file(f->train_shard(d));
        poke(f->train_shard(d), 2000, std::string(1, char(bytes[2000] ^ 1)));
    });
    refuse("a shard that is cut short", "bytes", [&](const std::string& d) {
        const std::string bytes = read_file(f->train_shard(d));
        write_file(f->train_shard(d), std::string_view(bytes).substr(0, bytes.size() - 7));
    });
    refuse("an empty shard", "is empty", [&](const std::string& d) { write_file(f->train_shard(d), ""); });
    refuse("a token id beyond the vocabulary", "vocabulary", [&](const std::string& d) {
        std::string bytes = read_file(f->train_shard(d));
        for (size_t at = 1024; at + 2 <= bytes.size(); at += 2 * 64) bytes.replace(at, 2, "\xff\xff");
        write_file(f->train_shard(d), bytes);
        fs::remove(d + "/index.json");           // else the checksum speaks first
    });
    refuse("an index that is not JSON", "index.json", [&](const std::string& d) { write_file(d + "/index.json", "shards"); });
    refuse("an index that names a shard which is not there", "no-such", [&](const std::string& d) {
        auto j = parse_json_text<nlohmann::json>(read_file(d + "/index.json"));
        j["splits"]["train"]["shards"][0]["file"] = "no-such.bin";
        write_file(d + "/index.json", json_text(j));
    });
    refuse("a directory without shards", "", [&](const std::string& d) {
        fs::remove_all(d);
        fs::create_directory(d);
    });
    check_refused(t, f->pretrain_on(f->dir / "nowhere", out), 1, "nowhere", "shards that are not there");
    // the model knows 320 ids, the shards 350
    const std::string bigger = f->dir / "bigger.json", data = f->dir / "bigger-data";
    must({"tokenizer", "train", "--input", f->text, "--vocab-size", "350", "--out", bigger});
    must({"tokenize", "--tokenizer", bigger, "--input", f->text, "--out", data, "--val-fraction", "0.1"});
    const Words init = {"pretrain", "--data", data, "--out", out, "--init", f->model, "--seq-len", "32", "--batch-size", "4", "--steps", "2"};
    check_refused(t, init, 1, "is another token than in the model", "shards of a larger vocabulary than the model's", {data, f->model});
    // as large, and smaller: the ids are in range, and mean other tokens
    for (const char* size : {"320", "300"}) {
        const std::string text = f->dir / "other.txt", other = f->dir / cat("other-", size, ".json"), shards = f->dir / cat("other-data-", size);
        write_file(text, "zebras quiz xylophones; " + little_text(50, 9) + std::string(300, 'q'));
        must({"tokenizer", "train", "--input", text, "--vocab-size", size, "--out", other});
        must({"tokenize", "--tokenizer", other, "--input", text, "--out", shards});
        check_refused(t, {"pretrain", "--data", shards, "--out", out, "--init", f->model, "--seq-len", "32", "--batch-size", "4", "--steps", "2"}, 1, "is another token than in the model",
                      cat("shards of another vocabulary, ", size, " ids"), {shards, f->model});
        if (std::string(size) == "320")
            refuse("another tokenizer beside the shards", "another tokenizer made the shards", [&](const std::string& d) {
                fs::copy_file(shards + "/tokenizer.json", d + "/tokenizer.json", fs::copy_options::overwrite_existing);
            });
    }
}

// llm.c's and modded-nanogpt's: GPT-2's ids behind a header, nothing beside them
inline void test_foreign_shards(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string data = f->dir / "foreign";
    fs::create_directory(data);
    Rng rng(3);
    for (const char* split : {"train", "val"}) {
        std::vector<int32_t> header(256);
        header[0] = 20240520, header[1] = 1, header[2] = 4000;
        std::string bytes(reinterpret_cast<const char*>(header.data()), 1024);
        for (int i = 0; i < 4000; i++) {
            const uint16_t id = uint16_t(i % 50 == 0 ? 50256 : rng.below(50256));
            bytes.append(reinterpret_cast<const char*>(&id), 2);
        }
        write_file(data + cat("/fineweb_", split, "_000000.bin"), bytes);
    }
    for (const char* order : {"contiguous", "packed"}) {
        const std::string out = f->dir / cat("foreign-", order);
        const std::string console = must({"pretrain", "--data", data, "--out", out, "--layers", "1", "--heads", "1", "--channels", "16", "--seq-len", "32", "--batch-size", "4", "--steps", "2",
                                          "--order", order, "--device", "cpu"});
        const auto config = parse_json_text<nlohmann::json>(read_file(out + "/step-000002/config.json"));
        t.check(config.at("vocab_size") == 50257 && config.at("eos_token_id") == 50256, cat(order, ": the vocabulary is GPT-2's"));
        t.check(console.find("validation loss") != std::string::npos, cat(order, ": and the val split is found"));
    }
}

inline void test_two_runs_in_one_directory(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string out = f->dir / "twice";
    const Words endless = plus(plus({"pretrain", "--data", f->data, "--out", out}, f->shape),
                               {"--total-batch-tokens", "256", "--steps", "100000", "--lr", "1e-3", "--checkpoint-every", "10", "--keep", "2", "--device", "cpu", "--dtype", "fp32"});
    Child first(endless);
    for (int i = 0; i < 5000 && first.output().find("saved ") == std::string::npos && !first.finished(); i++) ::usleep(2000);
    check_refused(t, plus(endless, {"--resume"}), 1, "another process is training here", "a second run in one directory");
    fs::create_directory(out + "/step-000003.tmp");   // as a run that was killed while it saved leaves it
    t.check(!first.finished(), "the first goes on");
    first.send(SIGTERM);
    t.check(first.wait().status == 0, "and ends as it should");
    t.check(!fs::exists(out + "/step-000003.tmp"), "half a checkpoint of a killed run goes with the next save");
}

inline void test_empty_and_long_input(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string empty = f->dir / "empty.txt", out = f->dir / "empty-out";
    write_file(empty, "");
    check_refused(t, {"tokenizer", "train", "--input", empty, "--vocab-size", "300", "--out", f->dir / "empty-out.json"}, 1, "empty", "a tokenizer from an empty file");
    check_refused(t, {"tokenize", "--tokenizer", f->tokenizer, "--input", empty, "--out", out}, 1, "empty", "shards from an empty file");
    check_refused(t, {"tokenize", "--tokenizer", empty, "--input", f->text, "--out", out}, 1, "empty.txt", "an empty file as the tokenizer");
    check_refused(t, {"tokenize", "--tokenizer", f->tokenizer, "--input", f->dir / "nowhere.txt", "--out", out}, 1, "nowhere.txt", "a text that is not there");
    t.check(!fs::exists(f->dir / "empty-out.json") && checksums(out).empty(), "none of them leaves a file behind");
    t.check(must({"tokenizer", "encode", "--tokenizer", f->tokenizer}) == "\n", "no text has no tokens");
    std::string words;
    for (int i = 0; i < 200; i++) words += "river boat ";
    check_refused(t, {"generate", "--model", f->model, "--prompt", words}, 1, "context", "a prompt longer than the context");
    check_refused(t, {"score", "--model", f->model, "--text", words}, 1, "context", "a text to score that is longer than the context");
    check_refused(t, {"score", "--model", f->model, "--ids", "1 2 5000"}, 1, "5000", "a token id that the model does not have");
    check_refused(t, {"score", "--model", f->model, "--ids", "1 two 3"}, 2, "two", "a word among the token ids");
    const std::string one = f->dir / "one.txt";
    write_file(one, "Anna");
    Words few = {"tokenize", "--tokenizer", f->tokenizer, "--input", one, "--out", f->dir / "one", "--val-fraction", "0"};
    must(few);
    check_refused(t, f->pretrain_on(f->dir / "one", f->dir / "one-run"), 1, "token", "shards with fewer tokens than one row", {f->dir / "one"});
}

// ---- full disks

// A mounted tmpfs of a few hundred KiB, or nothing where this process may not mount.
class SmallDisk {
   public:
    SmallDisk(const std::string& path, int64_t kib) : path_(path) {
        fs::create_directory(path);
        mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, cat("size=", kib, "k,mode=0700").c_str()) == 0;
        reason = mounted_ ? "" : cat("a tmpfs cannot be mounted here: ", std::strerror(errno));
    }
    SmallDisk(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    bool mounted() const { return mounted_; }
    std::string reason;

   private:
    std::string path_;
    bool mounted_ = false;
};

// No file may lie under its final name unless it is whole: what the refused command was to write is not there.
inline void check_no_remains(Report& t, const std::string& dir, const std::string& claim) {
    for (const auto& [name, sum] : checksums(dir)) {
        const std::string file = fs::path(name).filename().string();
        t.check(file == "main.log" || file == "metrics.jsonl", cat(claim, ": ", name, " was left behind"));
    }
}

inline void test_full_disk(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    // a limit on the size of a file stands for the full disk: it needs no rights
    ChildOptions small;
    small.max_file_bytes = 4096;
    const std::string tokens = f->dir / "small-data", run = f->dir / "small-run", vocabulary = f->dir / "small.json";
    check_refused(t, {"tokenizer", "train", "--input", f->text, "--vocab-size", "320", "--out", vocabulary}, 1, "small.json",
                  "no room for a tokenizer", {f->text}, small);
    check_refused(t, {"tokenize", "--tokenizer", f->tokenizer, "--input", f->text, "--out", tokens}, 1, "small-data",
                  "no room for shards", {f->text, f->tokenizer}, small);
    t.check(!fs::exists(vocabulary) && !fs::exists(vocabulary + ".tmp"), "no half tokenizer is left behind");
    check_no_remains(t, tokens, "no room for shards");
    small.max_file_bytes = 50000;
    check_refused(t, f->pretrain(run), 1, "small-run", "no room for a checkpoint", {f->data}, small);
    check_no_remains(t, run, "no room for a checkpoint");
    t.check(start(f->pretrain(run, {"--resume"})).status == 0, "with room again the run can be repeated in the same directory");
    t.check(checksums(run + "/step-000060")[run + "/step-000060/model.safetensors"] == checksums(f->model)[f->model + "/model.safetensors"],
            "and gives the same weights");
    check_refused(t, {"help"}, 1, "standard output", "a full device as the standard output", {}, [] { ChildOptions o; o.out_path = "/dev/full"; return o; }());
    // the real thing, where this process may mount
    SmallDisk disk(f->dir / "disk", 700);
    if (!disk.mounted()) return t.skip("a full tmpfs", disk.reason);
    // each checkpoint takes about 450 KiB: the first fits, the second must not cost it
    const Outcome o = start(f->pretrain(f->dir / "disk/run"));
    t.check(o.status == 1 && o.err.find("No space left") != std::string::npos && std::count(o.err.begin(), o.err.end(), '\n') <= 2,
            cat("a full disk stops a run with one or two lines (status ", o.status, ": ", o.err, ")"));
    const std::string first = f->dir / "disk/run/step-000005";
    t.check(fs::exists(first + "/state.json"), "the checkpoint that fitted is still there");
    t.check(start({"generate", "--model", first, "--prompt", "Anna", "--max-tokens", "2"}).status == 0, "and can be used");
    for (const auto& e : fs::directory_iterator(f->dir / "disk/run"))
        if (e.is_directory()) t.check(e.path().string() == first, cat("nothing half-written remains: ", e.path().string()));
}

// ---- the same bits

inline std::string losses_of(const std::string& run) {
    std::string s;
    for (const auto& j : json_lines(read_file(run + "/metrics.jsonl")))
        s += cat(json_text(j["step"]), " ", json_text(j["loss"]), " ", json_text(j["grad_norm"]), " ", j.value("val_loss", 0.0), "\n");
    return s;
}
inline bool same_file(const std::string& a, const std::string& b) { return read_file(a) == read_file(b); }

// weights, moments and metrics of a finished run against those of the fixture's undisturbed one
inline void check_same_run(Report& t, const Fixture& f, const std::string& run, const std::string& claim) {
    t.check(same_file(f.model + "/model.safetensors", run + "/step-000060/model.safetensors"), claim + ": the weights are the same bytes");
    t.check(same_file(f.model + "/optimizer-0.safetensors", run + "/step-000060/optimizer-0.safetensors"), claim + ": so are the moments");
    t.check(losses_of(f.run) == losses_of(run), claim + ": every step is logged once, with the same loss");
}

inline void test_same_bits(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    must(f->pretrain(f->dir / "again"));
    check_same_run(t, *f, f->dir / "again", "the same run twice");
    const std::string other = f->dir / "other-seed";
    must(f->pretrain(other, {"--seed", "43"}));
    t.check(!same_file(f->model + "/model.safetensors", other + "/step-000060/model.safetensors"), "control: another seed gives other weights");
    // With our own products the number of threads changes nothing. oneDNN's bits depend on it; the figure is for the reader.
    ChildOptions own;
    own.program = "/usr/bin/env";
    for (const std::string threads : {"1", "2", "3"}) {
        Words words = f->pretrain(f->dir / ("own-" + threads), {"--threads", threads});
        words.insert(words.begin(), {"TRAIN_GPT_MATMUL=own", binary()});
        must(words, own);
        if (threads == "1") continue;
        const std::string claim = cat("own products, ", threads, " threads instead of one");
        t.check(same_file(f->dir / "own-1/step-000060/model.safetensors", f->dir / ("own-" + threads + "/step-000060/model.safetensors")), claim + ": the same weights");
        t.check(losses_of(f->dir / "own-1") == losses_of(f->dir / ("own-" + threads)), claim + ": the same losses and norms");
    }
    must(f->pretrain(f->dir / "one-thread", {"--threads", "1"}));
    const auto a = json_lines(read_file(f->run + "/metrics.jsonl")), b = json_lines(read_file((f->dir / "one-thread") + "/metrics.jsonl"));
    double most = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); i++)
        most = std::max(most, std::abs(a[i]["loss"].get<double>() - b[i]["loss"].get<double>()));
    std::printf("  one thread against the default: largest difference of a loss over %zu steps: %.3g\n", a.size(), most);
}

inline void test_kill(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    // how long a run takes, to aim inside it
    const double whole_s = start(f->pretrain(f->dir / "timed")).seconds;
    Rng rng(uint64_t(now_s() * 1e6));            // random moments: each run of this test tries others
    for (int round = 0; round < 3; round++) {
        const std::string run = f->dir / cat("killed", round);
        int kills = 0;
        for (int attempt = 0; attempt < 40; attempt++) {
            Child child(f->pretrain(run, {"--resume"}));
            const double kill_at = now_s() + whole_s * (attempt < 4 ? rng.uniform_double() : 1e9);
            while (!child.finished() && now_s() < kill_at) ::usleep(1000);
            if (child.finished()) {
                const Outcome o = child.wait();
                t.check(o.status == 0, cat("round ", round, ": a run that is resumed after kill -9 ends well: ", o.err));
                break;
            }
            child.send(SIGKILL);
            child.wait();
            kills++;
        }
        check_same_run(t, *f, run, cat("round ", round, ", ", kills, " times kill -9"));
        for (const auto& e : fs::directory_iterator(run))
            t.check(e.path().extension() != ".tmp" && e.path().extension() != ".old", cat("no remains of a killed save: ", e.path().string()));
        fs::remove_all(run);
    }
}

inline void test_terminate(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    for (const int signal : {SIGTERM, SIGINT}) {
        const std::string run = f->dir / cat("signal", signal);
        {
            Child child(f->pretrain(run));
            const double limit = now_s() + 60;
            while (child.output().find("step  7/60") == std::string::npos && !child.finished() && now_s() < limit) ::usleep(500);
            child.send(signal);
            const Outcome o = child.wait();
            t.check(o.status == 0, cat("signal ", signal, " ends the run with status 0 (", o.status, ": ", o.err, ")"));
        }
        int64_t newest = -1;
        for (const auto& e : fs::directory_iterator(run))
            if (e.path().filename().string().starts_with("step-")) newest = std::max<int64_t>(newest, std::stoll(e.path().filename().string().substr(5)));
        t.check(newest >= 7, cat("signal ", signal, ": the step that ran is saved (step ", newest, ")"));
        must(f->pretrain(run, {"--resume"}));
        check_same_run(t, *f, run, cat("after signal ", signal, " and --resume"));
    }
    const Words changed = f->pretrain(f->dir / "again2", {"--resume", "--seed", "7"});
    copy_tree(f->run, f->dir / "again2");
    check_refused(t, changed, 2, "--seed", "a resume with other settings", {(f->dir / "again2") + "/step-000060"});
}

// ---- generate and score

inline Words generate_words(const Fixture& f, const Words& more) {
    return plus({"generate", "--model", f.model, "--device", "cpu", "--dtype", "fp32", "--max-tokens", "16"}, more);
}

inline void test_generate(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const Words seed7 = {"--prompt", "Anna walks", "--seed", "7"}, seed8 = {"--prompt", "Anna walks", "--seed", "8"};
    const std::string first = must(generate_words(*f, seed7));
    t.check(first.starts_with("Anna walks") && first.size() > 20, "the prompt is continued");
    t.check(first == must(generate_words(*f, seed7)), "the same seed gives the same text");
    t.check(first != must(generate_words(*f, seed8)), "another seed gives another text");
    const Words greedy = {"--prompt", "Anna walks", "--temperature", "0", "--seed"};
    t.check(must(generate_words(*f, plus(greedy, {"1"}))) == must(generate_words(*f, plus(greedy, {"2"}))), "temperature 0 does not depend on the seed");
    t.check(must(generate_words(*f, plus(greedy, {"1"}))) == must(generate_words(*f, {"--prompt", "Anna walks", "--top-k", "1", "--seed", "3"})),
            "top-k 1 is temperature 0");
    // rows of a batch are rows alone
    const Words prompts = {"Anna", "the old teacher writes about the", "Frieda"};
    const auto batch = json_lines(must(generate_words(*f, plus({"--json", "--temperature", "0", "--prompt"}, prompts))));
    t.check(batch.size() == 3, "three prompts give three continuations");
    for (size_t i = 0; i < std::min<size_t>(3, batch.size()); i++) {
        const auto alone = json_lines(must(generate_words(*f, {"--json", "--temperature", "0", "--prompt", prompts[i]})));
        t.check(alone.size() == 1 && alone[0]["ids"] == batch[i]["ids"], cat("prompt ", i, " is continued in a batch as alone"));
    }
    const auto samples = json_lines(must(generate_words(*f, {"--json", "--prompt", "Anna", "--num-samples", "4", "--seed", "5"})));
    const auto alone = json_lines(must(generate_words(*f, {"--json", "--prompt", "Anna", "--seed", "5"})));
    t.check(samples.size() == 4 && samples[0]["ids"] == alone[0]["ids"], "row 0 of sampled rows is the row alone");
    // stop strings
    const std::string full = alone[0]["text"];
    const std::string stop = full.substr(full.size() / 2, 3);
    const auto stopped = json_lines(must(generate_words(*f, {"--json", "--prompt", "Anna", "--seed", "5", "--stop", stop})));
    t.check(stopped[0]["stop"] == "stop_string" && stopped[0]["text"] == full.substr(0, full.find(stop)),
            cat("the text ends before the stop string \"", stop, "\": ", json_text(stopped[0])));
    const Outcome filled = start(plus({"generate", "--model", f->model, "--prompt", "Anna"}, {"--max-tokens", "500", "--seed", "3", "--json"}));
    t.check(filled.status == 0 && (filled.err.find("context") != std::string::npos || filled.out.find("end_of_text") != std::string::npos),
            "a continuation ends at the context's end, and says so");
    ChildOptions piped;
    piped.input = "Anna walks";
    t.check(must(generate_words(*f, {"--prompt", "-", "--seed", "7"}), piped) == first, "--prompt - reads standard input");
}

inline void test_score(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string text = "Anna walks to the river. Clara paints", logits_path = f->dir / "logits.bin";
    ChildOptions piped;
    piped.input = text;
    std::string ids = must({"tokenizer", "encode", "--tokenizer", f->model}, piped);
    ids.erase(ids.find_last_not_of(" \n") + 1);
    const auto by_ids = parse_json_text<nlohmann::json>(must({"score", "--model", f->model, "--ids", ids, "--logits", logits_path, "--dtype", "fp32"}));
    const auto by_text = parse_json_text<nlohmann::json>(must({"score", "--model", f->model, "--text", text, "--dtype", "fp32"}));
    t.check(by_ids == by_text, "a text and its ids score alike");
    const auto& logprobs = by_ids["logprobs"];
    t.check(logprobs.size() == by_ids["ids"].size() && logprobs[0].is_null(), "one log probability a token, none for the first");
    // log softmax again, from the raw logits, in double precision
    const std::string raw = read_file(logits_path);
    const auto T = by_ids["ids"].size();
    const size_t V = raw.size() / sizeof(float) / T;
    t.check(V * T * sizeof(float) == raw.size() && V == 320, cat("the logits file holds (T, V) floats, V = ", V));
    std::vector<float> logits(raw.size() / sizeof(float));
    std::memcpy(logits.data(), raw.data(), raw.size());
    double worst = 0, total = 0;
    for (size_t i = 1; i < T; i++) {
        double sum = 0;
        for (size_t v = 0; v < V; v++) sum += std::exp(double(logits[(i - 1) * V + v]));
        const double want = double(logits[(i - 1) * V + by_ids["ids"][i].get<size_t>()]) - std::log(sum);
        worst = std::max(worst, std::abs(want - logprobs[i].get<double>()));
        total += logprobs[i].get<double>();
    }
    t.check_at_most(worst, 1e-6, "log probabilities are the log softmax of the logits");
    // a trained model prefers its own kind of text: each token of it is likelier than one of V on average
    t.check(total / double(T - 1) > -std::log(double(V)) + 1, cat("the mean log probability ", total / double(T - 1), " beats the uniform one"));
    // greedy generation (KV cache) takes the largest of the full forward's logits, position by position
    const auto greedy = json_lines(must(generate_words(*f, {"--json", "--temperature", "0", "--prompt", text})));
    const float* last = &logits[(T - 1) * V];
    t.check(!greedy[0]["ids"].empty() && greedy[0]["ids"][0] == std::max_element(last, last + V) - last, "the cached forward picks the full forward's best token");
}

inline void test_files_of_a_run(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const auto metrics = json_lines(read_file(f->run + "/metrics.jsonl"));
    t.check(metrics.size() == 60, "metrics.jsonl has one object a step");
    for (const char* key : {"step", "loss", "lr", "grad_norm", "ms", "tokens_per_s", "tflops"}) t.check(metrics[0].contains(key), cat("each has ", key));
    t.check(metrics.back().contains("val_loss") && metrics.back().contains("val_bpb"), "the last one has val_loss and val_bpb");
    t.check(metrics.back()["loss"].get<double>() < 0.6 * metrics[0]["loss"].get<double>(), "the loss falls by more than a third");
    // a uniform guess over 320 ids costs ln 320; GPT-2's initialisation begins close to it
    t.check_at_most(std::abs(metrics[0]["loss"].get<double>() - std::log(320.0)), 0.25, "the first loss is ln V");
    const std::string log = read_file(f->run + "/main.log");
    for (const char* word : {"pretrain", "--steps 60", "step 60/60"}) t.check(log.find(word) != std::string::npos, cat("main.log has ", word));
    for (const char* file : {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "optimizer-0.safetensors", "state.json"})
        t.check(fs::exists(f->model + "/" + file), cat("a checkpoint has ", file));
    int64_t checkpoints = 0;
    for (const auto& e : fs::directory_iterator(f->run)) checkpoints += e.is_directory();
    t.check(checkpoints == 2, cat("--keep 2 keeps two checkpoints (", checkpoints, ")"));
}

inline void test_convert(Report& t) {
    const Fixture* f = fixture(t);
    if (!f) return;
    const std::string bin = f->dir / "model.bin", back = f->dir / "model-back";
    must({"convert", "--input", f->model, "--out", bin});
    must({"convert", "--input", bin, "--out", back});
    const Words score = {"--ids", "5 6 7 8 9", "--dtype", "fp32"};
    t.check(must(plus({"score", "--model", f->model}, score)) == must(plus({"score", "--model", back}, score)), "to llm.c's .bin and back: the same scores");
}

}  // namespace program_test

inline Suite program_tests() {
    using namespace program_test;
    return {
        {"program: every command has --help, and none is status 2", test_help},
        {"program: README.md shows the flags that the program has", test_readme},
        {"program: wrong usage is one or two lines, status 2, and no file", test_wrong_usage},
        {"program: a run leaves its log, its metrics and whole checkpoints", test_files_of_a_run},
        {"program: generate repeats itself for a seed, batches like single rows, stops at stop strings", test_generate},
        {"program: score is the log softmax of the logits", test_score},
        {"program: convert goes to llm.c and back without loss", test_convert},
        {"program: a damaged or foreign checkpoint is refused and left alone", test_bad_checkpoints},
        {"program: damaged shards and other vocabularies are refused", test_bad_shards},
        {"program: shards of llm.c work as they are", test_foreign_shards},
        {"program: empty files and prompts beyond the context are refused", test_empty_and_long_input},
        {"program: a full disk costs one line and no checkpoint", test_full_disk},
        {"program: the same run twice is the same bits", test_same_bits},
        {"program: kill -9 and --resume give the undisturbed run's bits", test_kill},
        {"program: SIGTERM and SIGINT save and leave", test_terminate},
        {"program: two runs in one directory", test_two_runs_in_one_directory},
    };
}
