// run.hpp -- the work around a stage: which files, in which order, where the results go, and how a run is taken up again.
//
// One input file gives one kept file, one dropped file and one file of statistics, all named after it:
//     OUTPUT/kept/NAME.jsonl.gz   OUTPUT/dropped/NAME.jsonl.gz   OUTPUT/stats/NAME.json
// The statistics are written last: where they are, the file is done, and a run started again skips it if settings and inputs are the
// same. It stops at other settings (mixed in one folder they help nobody); what was made from an input that has changed since, or
// from another of the same name, is made anew. `--task i/n` takes every n-th file from the i-th on (i from 0), so n processes that
// know nothing of each other do all of them once. Memory: one document and the buffers.
// A dropped document carries "filter", "filter_reason" and "filter_value". `--input - --output -` is a filter in a pipe.
#pragma once

#include <time.h>

#include <map>
#include <optional>
#include <set>

#include "../../cli.hpp"
#include "io.hpp"

namespace webtext {

struct RunConfig {
    std::vector<std::string> input;
    std::string output;
    std::string task = "0/1";
    std::string compress = "gz";
    std::string text_field = "text";
    bool dropped = true;
    int64_t limit = 0, max_line = 8;
};

template <typename C>
std::vector<Flag<C>> with_run_flags(std::vector<Flag<C>> flags) {
    std::vector<Flag<C>> all = {
        {"input",      &C::input,      "PATH...",       "files, folders (searched), or - for standard input"},
        {"output",     &C::output,     "DIR",           "folder for kept/, dropped/ and stats/; - writes kept documents to standard output"},
        {"task",       &C::task,       "i/n",           "take every n-th input file from the i-th on (i from 0): array jobs"},
        {"compress",   &C::compress,   "none|gz|zst",   "form of the files written"},
        {"text-field", &C::text_field, "NAME",          "the field of a line that holds its text"},
        {"dropped",    &C::dropped,    "",              "write what was dropped, with the reason (--dropped=off: only count it)"},
        {"limit",      &C::limit,      "documents",     "stop each file after so many; 0: all"},
        {"max-line",   &C::max_line,   "MiB",           "a longer line is counted as broken: the memory of a stage grows with its longest text"},
    };
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
}

inline size_t max_line_bytes(const RunConfig& config) {
    if (config.max_line < 1 || config.max_line > 1024) throw UsageError(cat("--max-line ", config.max_line, ": expected 1 to 1024 MiB"));
    return size_t(config.max_line) << 20;
}

struct TaskShare {
    int64_t index = 0, count = 1;
};
inline TaskShare parse_task(const std::string& text) {
    TaskShare t;
    char behind = 0;
    long long i = 0, n = 0;
    if (std::sscanf(text.c_str(), "%lld/%lld%c", &i, &n, &behind) != 2 || n < 1 || i < 0 || i >= n)
        throw UsageError(cat("--task ", text, ": expected i/n with 0 <= i < n"), "an array job of n tasks passes --task $SLURM_ARRAY_TASK_ID/n");
    t.index = i, t.count = n;
    return t;
}

struct InputItem {
    std::string path, name;                              // name: of the outputs, unique among the inputs
    int64_t number = 0;                                  // among the inputs of all tasks
};

inline bool is_jsonl(const std::string& path) {
    for (const char* end : {".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json.zst", ".ndjson"})
        if (path.ends_with(end)) return true;
    return false;
}

// "a/b.jsonl.gz" -> "a_b": the path below the folder given, without the ending of a JSONL file; "a/b.warc.gz" -> "a_b.warc.gz",
// since b.warc, b.warc.gz and b.arc may lie beside each other.
inline std::string output_name(const std::string& relative) {
    std::string name = relative;
    for (const char* end : {".jsonl.gz", ".jsonl.zst", ".jsonl"})
        if (name.ends_with(end) && name.size() > std::strlen(end)) {
            name.resize(name.size() - std::strlen(end));
            break;
        }
    std::replace(name.begin(), name.end(), '/', '_');
    return name;
}

// All input files in order of their names. A folder gives the files in it (also deeper) that `takes` accepts.
inline std::vector<InputItem> list_inputs(const std::vector<std::string>& inputs, const std::function<bool(const std::string&)>& takes) {
    if (inputs.empty()) throw UsageError("--input is missing", "name files or folders, or - for standard input");
    std::vector<InputItem> items;
    for (const std::string& input : inputs) {
        if (input == "-") {
            items.push_back({"-", "stdin", 0});
        } else if (fs::is_directory(input)) {
            const size_t before = items.size();
            for (const auto& entry : fs::recursive_directory_iterator(input, fs::directory_options::follow_directory_symlink))
                if (entry.is_regular_file() && takes(entry.path().string()))
                    items.push_back({entry.path().string(), output_name(fs::relative(entry.path(), input).string()), 0});
            if (items.size() == before) throw Error(cat(input, ": no input file in this folder"), "a folder gives *.jsonl, *.jsonl.gz, *.jsonl.zst (warc: *.warc.gz, ...)");
        } else if (fs::exists(input)) {
            items.push_back({input, output_name(fs::path(input).filename().string()), 0});
        } else {
            throw Error(cat(input, ": no such file or folder"));
        }
    }
    std::sort(items.begin(), items.end(), [](const InputItem& a, const InputItem& b) { return a.name != b.name ? a.name < b.name : a.path < b.path; });
    for (size_t i = 0; i < items.size(); i++) items[i].number = int64_t(i);
    for (size_t i = 1; i < items.size(); i++)
        if (items[i].name == items[i - 1].name)
            throw Error(cat(items[i - 1].path, " and ", items[i].path, ": both would be written as ", items[i].name),
                        "rename one; for files of the same name in several folders give the folder above them as --input");
    return items;
}

// Of the inputs, those of this task.
inline std::vector<InputItem> my_inputs(const RunConfig& config, const std::function<bool(const std::string&)>& takes) {
    const TaskShare task = parse_task(config.task);
    const auto all = list_inputs(config.input, takes);
    std::vector<InputItem> mine;
    for (size_t i = size_t(task.index); i < all.size(); i += size_t(task.count)) mine.push_back(all[i]);
    return mine;
}

// What tells a file from another of its name: where it lies, its length and when it was last changed; of a folder, of all files in it.
// Of standard input nothing is known.
inline Json file_identity(const std::string& path) {
    if (path == "-") return Json::object({{"path", "-"}});
    int64_t bytes = 0, changed_ns = 0;
    const auto add = [&](const std::string& file) {
        struct stat st {};
        if (::stat(file.c_str(), &st) != 0) throw system_error(cat(file, ": cannot be read"));
        bytes += int64_t(st.st_size);
        changed_ns = std::max(changed_ns, int64_t(st.st_mtim.tv_sec) * 1000000000 + int64_t(st.st_mtim.tv_nsec));
    };
    if (!fs::is_directory(path)) add(path);
    else
        for (const auto& entry : fs::recursive_directory_iterator(path, fs::directory_options::follow_directory_symlink))
            if (entry.is_regular_file()) add(entry.path().string());
    return {{"path", to_valid_utf8(fs::absolute(path).lexically_normal().string())}, {"bytes", bytes}, {"changed_ns", changed_ns}};
}
inline Json identities(const std::vector<std::string>& paths) {
    Json all = Json::array();
    for (const std::string& path : paths) all.push_back(file_identity(path));
    return all;
}

// CPU seconds of this process.
inline double cpu_s() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

__attribute__((optimize("O3"))) inline int64_t count_code_points(std::string_view text) {
    int64_t n = 0;
    for (const char c : text) n += (c & 0xC0) != 0x80;
    return n;
}

// What is written of one file: counts, histograms, a few examples of each reason. The report adds them up.
class FileStats {
   public:
    void keep(const Document& d) {
        kept_++, kept_bytes_ += int64_t(d.text.size());
        const int64_t n = count_code_points(d.text);
        kept_chars_ += n;
        lengths_[bucket(n)]++;
        if (const std::string language = d.fact("language"); !language.empty()) languages_[language]++;
    }
    void drop(const Document& d, const Verdict& v) {
        dropped_++, dropped_bytes_ += int64_t(d.text.size());
        auto& r = reasons_[cat(v.filter, "/", v.reason)];
        r.documents++, r.bytes += int64_t(d.text.size());
        if (const std::string language = d.fact("language"); !language.empty()) dropped_languages_[language]++;
        if (r.examples.size() < 3) {
            std::string start = d.text.substr(0, 300);
            while (!start.empty() && start.size() < d.text.size() && (d.text[start.size()] & 0xC0) == 0x80) start.pop_back();
            r.examples.push_back({{"url", d.fact("url")}, {"value", v.value}, {"text", start}});
        }
    }
    void read(size_t bytes) { documents_++, bytes_ += int64_t(bytes); }
    void broken() { broken_++; }
    int64_t documents() const { return documents_; }
    Json json() const {
        Json reasons = Json::object();
        for (const auto& [name, r] : reasons_) reasons[name] = {{"documents", r.documents}, {"bytes", r.bytes}, {"examples", r.examples}};
        return {{"documents", documents_}, {"bytes", bytes_}, {"broken_lines", broken_}, {"kept", kept_}, {"kept_bytes", kept_bytes_},
                {"kept_chars", kept_chars_}, {"dropped", dropped_}, {"dropped_bytes", dropped_bytes_}, {"reasons", reasons},
                {"lengths", lengths_}, {"languages", languages_}, {"dropped_languages", dropped_languages_}};
    }

   private:
    // powers of two of the length in characters: "1024" is 1024..2047
    static std::string bucket(int64_t n) {
        int64_t b = 1;
        while (b * 2 <= n) b *= 2;
        return strprintf("%012lld", (long long)(n ? b : 0));
    }
    struct Reason {
        int64_t documents = 0, bytes = 0;
        std::vector<Json> examples;
    };
    int64_t documents_ = 0, bytes_ = 0, broken_ = 0, kept_ = 0, kept_bytes_ = 0, kept_chars_ = 0, dropped_ = 0, dropped_bytes_ = 0;
    std::map<std::string, Reason> reasons_;
    std::map<std::string, int64_t> lengths_, languages_, dropped_languages_;
};

// The outputs of one input file. `others`: the identities of what else the stage reads.
class FileRun {
   public:
    FileRun(const RunConfig& config, const InputItem& item, std::string stage, std::string settings, const Json& others = Json::array())
        : config_(config), item_(item), stage_(std::move(stage)), settings_(std::move(settings)), piped_(config.output == "-") {
        const std::string ending = config.compress == "none" ? ".jsonl" : ".jsonl." + config.compress;
        stats_path_ = config.output + "/stats/" + item.name + ".json";
        if (piped_) {
            kept_.emplace("-");
            return;
        }
        inputs_.push_back(file_identity(item.path));
        for (const Json& other : others) inputs_.push_back(other);
        if (is_done()) return;
        for (const char* folder : {"kept", "dropped", "stats"}) make_directories(config.output + "/" + folder);
        fs::remove(stats_path_);                         // made from another input: it must not vouch for what is written now
        kept_.emplace(config.output + "/kept/" + item.name + ending);
        const std::string dropped = config.output + "/dropped/" + item.name + ending;
        if (config.dropped) dropped_.emplace(dropped);
        else fs::remove(dropped);
        cpu_ = cpu_s(), wall_ = now_s();
    }
    bool done() const { return !kept_; }
    FileStats& stats() { return stats_; }
    void keep(const Document& d) {
        stats_.keep(d);
        kept_->write(document_line(d));
    }
    void drop(Document& d, const Verdict& v) {
        stats_.drop(d, v);
        if (!dropped_) return;
        d.metadata["filter"] = v.filter;
        d.metadata["filter_reason"] = v.reason;
        d.metadata["filter_value"] = v.value;
        dropped_->write(document_line(d));
    }
    void commit(const Json& counters) {
        kept_->commit();
        if (dropped_) dropped_->commit();
        if (piped_) return;
        Json json = {{"stage", stage_}, {"settings", settings_}, {"inputs", inputs_}};
        json.update(stats_.json());
        json["counters"] = counters;
        json["cpu_s"] = cpu_s() - cpu_;
        json["wall_s"] = now_s() - wall_;
        write_file(stats_path_, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
    }

   private:
    bool is_done() const {
        if (!fs::exists(stats_path_)) return false;
        const Json old = Json::parse(read_file(stats_path_), nullptr, false);
        if (!old.is_object() || !old.contains("settings")) return false;
        if (old["settings"] == settings_ && old.value("stage", "") == stage_) {
            if (old.value("inputs", Json()) == inputs_) return true;
            std::fprintf(stderr, "%s: was made from another input, or it has changed since; made anew\n", stats_path_.c_str());
            return false;
        }
        throw Error(cat(stats_path_, ": was made with other settings: ", old.value("stage", ""), " ", old["settings"].dump(), ", now ", stage_, " \"", settings_, "\""),
                    "use another --output, or remove that folder");
    }
    const RunConfig& config_;
    const InputItem item_;
    std::string stage_, settings_, stats_path_;
    Json inputs_ = Json::array();                        // what tells them from others, the file itself first
    bool piped_;
    std::optional<OutputFile> kept_, dropped_;
    FileStats stats_;
    double cpu_ = 0, wall_ = 0;
};

inline void check_output(const RunConfig& config) {
    if (config.output.empty()) throw UsageError("--output is missing", "a folder for the results, or - for standard output");
    if (config.compress != "none" && config.compress != "gz" && config.compress != "zst")
        throw UsageError(cat("--compress ", config.compress, ": expected none, gz or zst"));
}

// Every flag that changes what is written, as "name=value ...": two runs with the same string give the same files.
template <typename C>
std::string settings_text(const C& config, const std::vector<Flag<C>>& flags) {
    static const std::set<std::string> apart = {"input", "output", "task", "dropped"};
    std::string text;
    for (const FlagText& f : cli::settings(config, flags))
        if (!apart.count(f.name)) text += cat(text.empty() ? "" : " ", f.name, "=", f.value);
    return text;
}

inline void print_file_line(const InputItem& item, const Json& s, double seconds) {
    std::fprintf(stderr, "%s: %lld documents, %lld kept, %lld dropped, %.0f documents/s\n", item.path.c_str(), s["documents"].get<long long>(),
                 s["kept"].get<long long>(), s["dropped"].get<long long>(), s["documents"].get<double>() / std::max(seconds, 1e-9));
}

// Runs a stage over the JSONL files of this task. Returns the exit status. A broken line is counted and left out.
inline int run_stage(const RunConfig& config, Stage& stage, const std::string& settings) {
    check_output(config);
    const Json others = config.output == "-" ? Json::array() : identities(stage.reads());
    for (const InputItem& item : my_inputs(config, is_jsonl)) {
        FileRun run(config, item, stage.name(), settings, others);
        if (run.done()) {
            std::fprintf(stderr, "%s: done before\n", item.path.c_str());
            continue;
        }
        const double start = cpu_s();
        stage.begin_file(item.path, item.number);
        InputFile in(item.path, max_line_bytes(config));
        std::string_view line;
        std::string why;
        Document d;
        while (in.line(line)) {
            if (!in.too_long() && line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            if (in.too_long()) why = cat("longer than --max-line ", config.max_line, " MiB");
            if (in.too_long() || !parse_document(line, d, why, config.text_field)) {
                run.stats().broken();
                std::fprintf(stderr, "%s:%lld: %s; left out\n", item.path.c_str(), (long long)in.line_number(), why.c_str());
                continue;
            }
            run.stats().read(d.text.size());
            const Verdict v = stage.process(d);
            v.keep ? run.keep(d) : run.drop(d, v);
            if (config.limit && run.stats().documents() >= config.limit) break;
        }
        run.commit(stage.take_counters());
        print_file_line(item, run.stats().json(), cpu_s() - start);
    }
    return 0;
}

// Runs a source over the files of this task.
inline int run_source(const RunConfig& config, Source& source, const std::string& settings) {
    check_output(config);
    for (const InputItem& item : my_inputs(config, [&](const std::string& path) { return source.takes(path); })) {
        FileRun run(config, item, source.name(), settings);
        if (run.done()) {
            std::fprintf(stderr, "%s: done before\n", item.path.c_str());
            continue;
        }
        const double start = cpu_s();
        int64_t documents = 0;
        struct Enough {};
        try {
            source.read(
                item.path,
                [&](Document&& d) {
                    if (config.limit && documents == config.limit) throw Enough();
                    documents++;
                    run.stats().read(d.text.size());
                    run.keep(d);
                },
                [&](Document&& d, const Verdict& v) {
                    run.stats().read(d.text.size());
                    run.drop(d, v);
                });
        } catch (const Enough&) {
        }
        run.commit(source.take_counters());
        print_file_line(item, run.stats().json(), cpu_s() - start);
    }
    return 0;
}

}  // namespace webtext
