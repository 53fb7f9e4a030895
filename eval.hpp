// eval.hpp -- how good is it? Tasks with known answers, asked one by one, counted, with the uncertainty of the count.
//
// An assistant is asked in its protocol; a base model, which only continues documents, through a template
// ("Question: {prompt}\nAnswer:"), with some solved examples before it if `--shots` says so. rewards.hpp decides what is right.
// With n samples of each question and c right ones: pass@1 = mean c/n; pass@k = 1 - C(n-c, k) / C(n, k), the unbiased chance that one of k is
// right (Chen et al. 2021, eq. 1); majority = is the most frequent answer right (Wang et al. 2022)?
// Every figure is a mean over the questions with its 95 % interval: Wilson's where each question brought 0 or 1, else the normal one over the
// questions' values (samples of one question are not independent).
#pragma once

#include <numeric>

#include "assistant.hpp"
#include "conversations.hpp"
#include "rewards.hpp"

using json = nlohmann::ordered_json;

// ---- task files

// One task from a line: "prompt", "question" or "instruction" with "input"; and "answer", a string, a number, or null for what nobody can know. Of a worked
// solution (GSM8K) the answer is what follows the last "####", or is in the last \boxed{}.
inline TaskItem task_from_json(const nlohmann::ordered_json& j) {
    if (!j.is_object()) throw Error("not a JSON object");
    TaskItem item;
    const char* key = j.contains("prompt") ? "prompt" : j.contains("question") ? "question" : "instruction";
    if (!j.contains(key) || !j[key].is_string()) throw Error("no \"prompt\", \"question\" or \"instruction\" in it");
    item.prompt = j[key].get<std::string>();
    if (std::string(key) == "instruction" && j.contains("input") && j["input"].is_string() && !j["input"].get<std::string>().empty())
        item.prompt += "\n" + j["input"].get<std::string>();
    if (!j.contains("answer")) throw Error("no \"answer\" in it");
    const auto& a = j["answer"];
    if (a.is_null()) item.answerable = false;
    else if (a.is_string()) item.answer = a.get<std::string>();
    else if (a.is_number()) item.answer = json_text(a);
    else throw Error("\"answer\" is neither a string nor a number nor null");
    if (const size_t p = item.answer.rfind("####"); p != std::string::npos) item.answer = item.answer.substr(p + 4);
    if (const auto found = rewards::boxed(item.answer); !found.empty()) item.answer = found.back();
    if (j.contains("task") && j["task"].is_string()) item.task = j["task"].get<std::string>();
    if (j.contains("check") && j["check"].is_string()) item.check = j["check"].get<std::string>();
    if (j.contains("difficulty") && j["difficulty"].is_number_integer()) item.difficulty = j["difficulty"].get<int>();
    item.extra = j;
    if (const Checker& c = checker_of(item); !c.can_check(item))
        throw Error(c.name == std::string("answer") ? "the \"answer\" is empty" : cat("the checker ", c.name, " cannot check this task"));
    return item;
}

// prompts_alone: a line without "answer" will do, for those who judge what is said by other means (can_be_checked).
inline std::vector<TaskItem> read_tasks(const std::string& path, bool prompts_alone = false) {
    std::vector<TaskItem> items;
    each_json_line(path, nullptr, [&](nlohmann::ordered_json j, int64_t) {
        const bool alone = prompts_alone && j.is_object() && !j.contains("answer");
        if (alone) j["answer"] = nullptr;
        items.push_back(task_from_json(j));
        if (alone) items.back().extra.erase("answer");
    });
    if (items.empty()) throw Error(cat(path, prompts_alone ? ": holds no prompt" : ": holds no task"));
    for (TaskItem& item : items)
        if (item.task.empty()) item.task = fs::path(path).stem().string();
    return items;
}
// Can anybody say whether a reply is right? Not of a prompt alone: "answer": null says that nobody knows, no "answer" says nothing.
inline bool can_be_checked(const TaskItem& item) { return item.answerable || !item.check.empty() || item.extra.contains("answer"); }

// ---- asking a model

struct Reply {
    std::string text;              // what a person reads as the answer
    bool well_formed = false;      // ended as its protocol wants it
    bool truncated = false;        // an assistant's turn was not ended (Answer::is_ended); plain text ran into --max-tokens or the end of the context
    int64_t tokens = 0;            // drawn
    int64_t calls = 0;             // of tools
    Conversation turn = {};        // with thoughts, calls and outputs (chat only)
    bool counts = true;            // false: worth nothing whatever it says. Plain text, which has no end that it could miss, always counts
    int64_t failed_calls = 0;
};

// An assistant's turn as a reply: this and grade() are how RL, eval and probe judge one.
inline Reply reply_of(const Answer& a) {
    Reply r{a.turn.answer(), a.turn.well_formed, !a.is_ended(), 0, 0, a.turn.messages, a.is_ended()};
    for (const uint8_t drawn : a.rollout.sampled) r.tokens += drawn;
    for (const Message& m : a.turn.messages) r.calls += m.call.has_value();
    r.failed_calls = a.failed_calls;
    return r;
}
// What it is worth, 0 to 1.
inline double grade(const TaskItem& item, const Reply& r) { return r.counts ? grade(item, r.text) : 0; }

struct AskOptions {
    int64_t samples = 1, max_tokens = 256;
    SamplingConfig sampling{0, 0, 1};
    uint64_t seed = 1;
    std::string system;            // chat: the system message
    std::string prompt_template;   // not empty: plain text with {prompt} instead of the chat protocol
    std::vector<TaskItem> shots;   // solved examples before the question
    std::vector<std::string> stop; // plain text ends before these
};

// Asks questions of a model, many at once.
class Asker {
   public:
    // format: null for a model without the protocol. All must outlive it.
    Asker(Model& model, const Tokenizer& tokenizer, const ChatFormat* format, int64_t rows)
        : tokenizer_(tokenizer), format_(format), cache_(model.make_cache(rows, model.config.max_T)), generator_(model, *cache_) {}

    void forget() { generator_.forget(); }           // the weights have changed

    // replies[i] are the samples of prompt i.
    std::vector<std::vector<Reply>> ask(const std::vector<std::string>& prompts, const AskOptions& o, const ToolCaller& call = {}) {
        return o.prompt_template.empty() ? ask_chat(prompts, o, call) : ask_plain(prompts, o);
    }

   private:
    std::vector<std::vector<Reply>> ask_chat(const std::vector<std::string>& prompts, const AskOptions& o, const ToolCaller& call) {
        if (!format_) throw UsageError("this model knows no conversations", "give --template, e.g. --template 'Question: {prompt}\\nAnswer:'");
        std::vector<Conversation> conversations;
        std::vector<uint64_t> streams;
        for (size_t i = 0; i < prompts.size(); i++) {
            Conversation c;
            if (!o.system.empty()) c.push_back({Role::system, o.system});
            for (const TaskItem& shot : o.shots) c.push_back({Role::user, shot.prompt}), c.push_back({Role::assistant, shot.answer});
            c.push_back({Role::user, prompts[i]});
            for (int64_t s = 0; s < o.samples; s++) conversations.push_back(c), streams.push_back(splitmix64(i) ^ uint64_t(s));
        }
        const auto answers = answer(generator_, *format_, conversations, {o.max_tokens, o.sampling, o.seed}, call, {}, streams);
        std::vector<std::vector<Reply>> replies(prompts.size());
        for (size_t i = 0; i < answers.size(); i++) replies[i / size_t(o.samples)].push_back(reply_of(answers[i]));
        return replies;
    }

    std::vector<std::vector<Reply>> ask_plain(const std::vector<std::string>& prompts, const AskOptions& o) {
        auto fill = [&](const std::string& prompt) {
            std::string s = o.prompt_template;
            const size_t p = s.find("{prompt}");
            return s.replace(p, 8, prompt);
        };
        std::string before;
        for (const TaskItem& shot : o.shots) before += fill(shot.prompt) + " " + shot.answer + "\n";
        std::vector<Request> requests;
        for (size_t i = 0; i < prompts.size(); i++) {
            std::vector<int32_t> ids = stop_ids(tokenizer_);         // a document begins with <|endoftext|>
            tokenizer_.encode_append(ids, before + fill(prompts[i]));
            for (int64_t s = 0; s < o.samples; s++) requests.push_back({ids, splitmix64(i) ^ uint64_t(s)});
        }
        std::vector<TextStream> streams(requests.size(), TextStream(o.stop));
        std::vector<std::string> texts(requests.size());
        const auto rollouts = generator_.run(requests, {o.max_tokens, o.sampling, o.seed, stop_ids(tokenizer_)}, [&](int64_t i, int32_t id, const float*) {
            texts[size_t(i)] += streams[size_t(i)].push(tokenizer_.token_bytes(id));
            return Reaction{streams[size_t(i)].stopped};
        });
        std::vector<std::vector<Reply>> replies(prompts.size());
        for (size_t i = 0; i < rollouts.size(); i++) {
            const bool cut = rollouts[i].was_cut();
            replies[i / size_t(o.samples)].push_back({texts[i] + streams[i].flush(), !cut, cut, int64_t(rollouts[i].ids.size()), 0, {}});
        }
        return replies;
    }

    const Tokenizer& tokenizer_;
    const ChatFormat* format_;         // null: the model has no protocol
    std::unique_ptr<ModelCache> cache_;
    Generator generator_;
};

// ---- counting

struct Interval {
    double low, high;
};

// Wilson's 95 % interval of a share: `right` of n.
inline Interval wilson_interval(double right, double n) {
    if (n == 0) return {0, 1};
    const double z = 1.959964, p = right / n, mid = p + z * z / (2 * n), spread = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return {std::max(0.0, (mid - spread) / (1 + z * z / n)), std::min(1.0, (mid + spread) / (1 + z * z / n))};
}

// 1 - C(n - c, k) / C(n, k) as a product, which neither overflows nor cancels.
inline double pass_at_k(int64_t n, int64_t c, int64_t k) {
    if (n - c < k) return 1;
    double none = 1;
    for (int64_t i = n - c + 1; i <= n; i++) none *= 1 - double(k) / double(i);
    return 1 - none;
}

// The 95 % interval of the mean of values, one from each question. `share`: they lie between 0 and 1. One other value says nothing: NaN.
inline Interval mean_interval(const std::vector<double>& v, bool share = true) {
    const double n = double(v.size()), mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
    if (share && std::all_of(v.begin(), v.end(), [](double x) { return x == 0 || x == 1; })) return wilson_interval(mean * n, n);
    if (v.size() < 2) return share ? Interval{0, 1} : Interval{std::nan(""), std::nan("")};
    double squares = 0;
    for (const double x : v) squares += (x - mean) * (x - mean);
    const double spread = 1.959964 * std::sqrt(squares / (n - 1) / n);
    return share ? Interval{std::max(0.0, mean - spread), std::min(1.0, mean + spread)} : Interval{mean - spread, mean + spread};
}

// What a group of questions came to.
class Score {
   public:
    void add(const TaskItem& item, const std::vector<Reply>& replies) {
        const int64_t n = int64_t(replies.size());
        int64_t right = 0;
        double drawn = 0;
        std::vector<bool> right_of;                                  // each reply
        std::map<std::string, std::pair<int64_t, int64_t>> votes;    // final answer -> how often, and (negative) when first
        std::string winner;
        const bool number = item.answerable && rewards::canonical_number(item.answer).has_value();
        for (int64_t s = 0; s < n; s++) {
            const Reply& r = replies[size_t(s)];
            const double worth = grade(item, r);
            right_of.push_back(counts_as_right(worth));
            right += right_of.back(), graded += worth;
            declined += declines(r.text, item.prompt), well_formed += r.well_formed, truncated += r.truncated;
            drawn += double(r.tokens), calls += double(r.calls), replies_ += 1;
            auto [it, fresh] = votes.try_emplace(r.counts ? final_answer(r.text, number).value_or("?") : "?", 0, -s);
            it->second.first++;
        }
        for (const auto& [text, vote] : votes)
            if (winner.empty() || vote > votes[winner]) winner = text;
        majority.push_back(right_of[size_t(-votes[winner].second)]);
        shares.push_back(double(right) / double(n));
        tokens.push_back(drawn / double(n));
        samples = n;
        for (int64_t k = 1;; k = std::min(2 * k, n)) {
            pass[k].push_back(pass_at_k(n, right, k));
            if (k == n) break;
        }
    }
    static double mean(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0) / double(v.size()); }
    double mean() const { return mean(shares); }
    Interval interval() const { return mean_interval(shares); }
    json to_json() const {
        json passes = json::object(), pass_low = json::object(), pass_high = json::object();
        for (const auto& [k, values] : pass) {
            const Interval p = mean_interval(values);
            passes[std::to_string(k)] = mean(values), pass_low[std::to_string(k)] = p.low, pass_high[std::to_string(k)] = p.high;
        }
        const Interval i = interval(), m = mean_interval(majority), t = mean_interval(tokens, false);
        return {{"questions", shares.size()}, {"samples", samples}, {"accuracy", mean()}, {"low", i.low}, {"high", i.high}, {"pass", passes}, {"pass_low", pass_low}, {"pass_high", pass_high},
                {"majority", mean(majority)}, {"majority_low", m.low}, {"majority_high", m.high}, {"grade", graded / replies_}, {"declined", declined / replies_}, {"well_formed", well_formed / replies_},
                {"truncated", truncated / replies_}, {"tokens", mean(tokens)}, {"tokens_low", t.low}, {"tokens_high", t.high}, {"calls", calls / replies_}};
    }

    // of each question: right samples; chance that one of k is right; 1 if the most frequent answer is; tokens of an answer
    std::vector<double> shares;
    std::map<int64_t, std::vector<double>> pass;
    std::vector<double> majority, tokens;
    int64_t samples = 1;
    double graded = 0, declined = 0, well_formed = 0, truncated = 0, calls = 0;    // sums over all answers

   private:
    double replies_ = 0;
};

// ---- train_gpt eval

struct EvalConfig {
    std::string model, tokenizer;
    std::vector<std::string> tasks;
    int64_t samples = 1, max_tokens = 128, limit = 0, shots = 0, rows = 32;
    float temperature = 0, top_p = 1;
    int top_k = 0;
    uint64_t seed = 1;
    std::string system, prompt_template;
    std::vector<std::string> stop;
    std::string by = "task", tools = "off", documents, out, dump;
    bool python = false;
    std::string device = "auto", dtype = "auto", weights = "auto";
    int threads = 0;
};

inline const std::vector<Flag<EvalConfig>> eval_flags = {
    {"model",       &EvalConfig::model,       "DIR",     "the model that is asked"},
    {"tokenizer",   &EvalConfig::tokenizer,   "FILE",    "its vocabulary where it does not lie beside the model"},
    {"tasks",       &EvalConfig::tasks,       "FILE...", "JSONL: {\"prompt\", \"answer\"}; GSM8K's form too. An answer null must be declined"},
    {"limit",       &EvalConfig::limit,       "",        "the first so many of each file; 0: all"},
    {"samples",     &EvalConfig::samples,     "",        "answers to each question"},
    {"temperature", &EvalConfig::temperature, "",        "0: the likeliest answer"},
    {"top-k",       &EvalConfig::top_k,       "",        "sample among the k likeliest tokens; 0: all"},
    {"top-p",       &EvalConfig::top_p,       "",        "sample among the likeliest tokens that reach this probability; 1: all"},
    {"seed",        &EvalConfig::seed,        "",        "same seed, same answers"},
    {"max-tokens",  &EvalConfig::max_tokens,  "tokens",  "most tokens of an answer"},
    {"system",      &EvalConfig::system,      "TEXT",    "system message"},
    {"template",    &EvalConfig::prompt_template, "TEXT", "plain text with {prompt} in it instead of the chat protocol: for base models"},
    {"shots",       &EvalConfig::shots,       "",        "solved examples before each question: the first ones of the file, which are then not asked"},
    {"stop",        &EvalConfig::stop,        "TEXT...", "plain text: an answer ends before these; none: at the end of the line"},
    {"tools",       &EvalConfig::tools,       "on|off",  "run the tools that the model calls"},
    {"documents",   &EvalConfig::documents,   "PATH",    "what its search looks into"},
    {"python",      &EvalConfig::python,      "",        "run its code with python3 in a closed child process instead of the built-in interpreter"},
    {"by",          &EvalConfig::by,          "FIELD",   "count apart by this field of the tasks (task, difficulty, told, ...)"},
    {"rows",        &EvalConfig::rows,        "",        "answers that are written at once"},
    {"out",         &EvalConfig::out,         "FILE",    "also write the figures as JSON"},
    {"dump",        &EvalConfig::dump,        "FILE",    "also write every answer, a JSON object a line"},
    {"device",      &EvalConfig::device,      "auto|cpu|cuda",  "where to compute"},
    {"dtype",       &EvalConfig::dtype,       "auto|fp32|bf16", "how it computes, and how weights are stored"},
    {"weights",     &EvalConfig::weights,     "auto|fp32|bf16|int8", "how matrices are kept on the CPU: fewer bytes write faster, int8 costs some accuracy"},
    {"threads",     &EvalConfig::threads,     "",        "CPU threads; 0: all cores"},
};

inline void validate(const EvalConfig& c) {
    if (c.model.empty() || c.tasks.empty()) throw UsageError("--model and --tasks are needed", "train_gpt eval --model DIR --tasks tasks.jsonl");
    sampling::check({c.temperature, c.top_k, c.top_p});
    if (c.samples < 1 || c.max_tokens < 1 || c.rows < 1) throw UsageError("--samples, --max-tokens and --rows are at least 1");
    if (c.limit < 0 || c.shots < 0) throw UsageError("--limit and --shots must not be negative");
    if (!c.prompt_template.empty() && c.prompt_template.find("{prompt}") == std::string::npos) throw UsageError("--template has no {prompt} in it");
    if (!c.prompt_template.empty() && (!c.system.empty() || c.tools == "on")) throw UsageError("--template asks in plain text: --system and --tools belong to the chat protocol");
}

// The value of a task's field as the name of its group.
inline std::string group_of(const TaskItem& item, const std::string& by) {
    if (by == "task") return item.task;
    if (!item.extra.contains(by)) return "-";
    const auto& v = item.extra[by];
    return v.is_string() ? v.get<std::string>() : json_text(v);
}

inline std::string unescape_newlines(std::string s) {
    for (size_t p = 0; (p = s.find("\\n", p)) != std::string::npos; p++) s.replace(p, 2, "\n");
    return s;
}

// "name  73.4% [70.1, 77.0] ..." of every group, each figure with its interval, and the figures as JSON.
inline json print_scores(const std::map<std::string, Score>& groups) {
    json all = json::object();
    size_t width = 5;
    bool sampled = false;
    for (const auto& [name, score] : groups) width = std::max(width, name.size()), sampled = sampled || score.samples > 1;
    const auto share = [](double mean, const Interval& i) { return strprintf("%5.1f%% [%5.1f, %5.1f]", 100 * mean, 100 * i.low, 100 * i.high); };
    std::printf("%-*s %9s  %-21s  %s%8s %8s %7s\n", int(width), "group", "questions", sampled ? "pass@1" : " right", sampled ? "pass@n                majority               " : "",
                "declined", "in form", "tokens");
    for (const auto& [name, score] : groups) {
        const json j = score.to_json();
        std::string more;
        if (sampled)
            for (const auto* values : {&score.pass.rbegin()->second, &score.majority}) more += share(Score::mean(*values), mean_interval(*values)) + "  ";
        std::printf("%-*s %9zu  %s  %s%7.1f%% %7.1f%% %7.1f\n", int(width), name.c_str(), score.shares.size(), share(score.mean(), score.interval()).c_str(), more.c_str(),
                    100 * j["declined"].get<double>(), 100 * j["well_formed"].get<double>(), j["tokens"].get<double>());
        all[name] = j;
    }
    return all;
}

inline int run_eval(EvalConfig& c) {
    validate(c);
    const ModelReader reader(c.model);
    const Tokenizer tokenizer = Tokenizer::load(c.tokenizer.empty() ? reader.path() : c.tokenizer);
    c.prompt_template = unescape_newlines(c.prompt_template);
    for (std::string& s : c.stop) s = unescape_newlines(s);
    if (c.stop.empty()) c.stop = {"\n"};
    const ChatTokens tokens = c.prompt_template.empty() ? ChatTokens::of(tokenizer, reader.path()) : ChatTokens();
    const ChatFormat format(tokenizer, tokens);
    const ToolCaller call = c.tools == "on" ? open_tools(c.documents, c.python) : ToolCaller();
    std::map<std::string, Score> groups;
    std::string dump;
    with_model(c.device, c.dtype, c.weights, c.threads, reader, tokens_of_a_call(reader.config(), c.rows), [&](Model& model) {
        Asker asker(model, tokenizer, c.prompt_template.empty() ? &format : nullptr, c.rows);
        for (const std::string& path : c.tasks) {
            std::vector<TaskItem> items = read_tasks(path);
            if (c.shots >= int64_t(items.size())) throw UsageError(cat("--shots ", c.shots, ": ", path, " has only ", items.size(), " tasks"));
            AskOptions o{c.samples, c.max_tokens, {c.temperature, c.top_k, c.top_p}, c.seed, c.system, c.prompt_template, {items.begin(), items.begin() + c.shots}, c.stop};
            items.erase(items.begin(), items.begin() + c.shots);
            if (c.limit > 0 && int64_t(items.size()) > c.limit) items.resize(size_t(c.limit));
            std::vector<std::string> prompts;
            for (const TaskItem& item : items) prompts.push_back(item.prompt);
            const auto replies = asker.ask(prompts, o, call);
            for (size_t i = 0; i < items.size(); i++) {
                groups[group_of(items[i], c.by)].add(items[i], replies[i]);
                if (c.dump.empty()) continue;
                for (const Reply& r : replies[i]) {
                    const double worth = grade(items[i], r);
                    const json line = {{"prompt", items[i].prompt}, {"answer", items[i].answerable ? json(items[i].answer) : json()}, {"reply", r.text}, {"right", counts_as_right(worth)}, {"grade", worth},
                                 {"well_formed", r.well_formed}, {"tokens", r.tokens}, {"task", items[i].task}};
                    dump += json_text(line, -1, JsonBytes::replaced) + "\n";
                }
            }
        }
    });
    const json figures = print_scores(groups);
    if (!c.out.empty()) write_file(c.out, json_text(figures, 1) + "\n");
    if (!c.dump.empty()) write_file(c.dump, dump);
    return 0;
}

inline std::vector<Command> eval_commands() {
    return {make_command<EvalConfig>("eval", "", "tasks with known answers -> accuracy with confidence intervals", eval_flags, run_eval)};
}
