// rankings.hpp -- what people prefer: answers to a prompt in order, and what a loss makes of an order.
//
// Writing a good joke is hard, and saying which of two is better is easy. So where no checker exists, people order a few answers to the
// same prompt:   {"prompt": "...", "responses": ["a", "b", "c"], "ranking": [2, 0, 1]}
// means that responses[2] is the best and responses[1] the worst. (A pair, {"prompt", "chosen", "rejected"}, is read as well.)
// Bradley and Terry (1952) say that each answer has a score s, and that w is preferred to l with the probability sigma(s_w - s_l). The
// loss of a ranking is the mean of -log sigma(s_w - s_l) over all its pairs: they stand or fall together, in one example, since a model
// that saw each pair alone would see each answer several times in an epoch, and overfit (Ouyang et al. 2022, 3.5).
// Whose score it is, is left open: a reward model's head, or the log probability of the answer (reward.hpp trains both).
// `train_gpt reward label` shows a prompt with its answers to a person, who types their order.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <set>

#include "cli.hpp"
#include "conversations.hpp"

struct Ranking {
    std::string prompt;
    std::vector<std::string> responses;
    std::vector<int> order;            // their numbers, best first: each once
};

inline Ranking ranking_from_json(const nlohmann::ordered_json& j) {
    const char* form = "expected {\"prompt\": \"...\", \"responses\": [\"...\", ...], \"ranking\": [number of the best, ..., of the worst]}";
    const auto refuse = [&](const std::string& what) { throw Error(what, form); };
    const auto text = [&](const nlohmann::ordered_json& v, const std::string& name) {
        if (!v.is_string()) refuse(cat(name, " is not a string"));
        return v.get<std::string>();
    };
    if (!j.is_object()) refuse("not a JSON object");
    if (!j.contains("prompt")) refuse("no \"prompt\" in it");
    Ranking r{text(j["prompt"], "\"prompt\""), {}, {}};
    if (j.contains("chosen") && j.contains("rejected"))
        return {r.prompt, {text(j["chosen"], "\"chosen\""), text(j["rejected"], "\"rejected\"")}, {0, 1}};
    if (!j.contains("responses") || !j["responses"].is_array()) refuse("no array \"responses\" in it");
    if (!j.contains("ranking") || !j["ranking"].is_array()) refuse("no array \"ranking\" in it");
    for (const auto& v : j["responses"]) r.responses.push_back(text(v, "one of \"responses\""));
    const size_t n = r.responses.size();
    if (n < 2) refuse(cat(n, " responses: there is nothing to compare"));
    if (j["ranking"].size() != n) refuse(cat("\"ranking\" has ", j["ranking"].size(), " numbers for ", n, " responses"));
    std::vector<bool> seen(n, false);
    for (const auto& v : j["ranking"]) {
        const int64_t i = v.is_number_integer() ? v.get<int64_t>() : -1;
        if (i < 0 || i >= int64_t(n)) refuse(cat("\"ranking\" holds ", json_text(v), ", expected the numbers 0 to ", n - 1));
        if (seen[size_t(i)]) refuse(cat("\"ranking\" holds ", i, " twice"));
        seen[size_t(i)] = true;
        r.order.push_back(int(i));
    }
    return r;
}
inline std::string ranking_json(const Ranking& r) {
    const nlohmann::ordered_json j = {{"prompt", r.prompt}, {"responses", r.responses}, {"ranking", r.order}};
    return json_text(j, -1, JsonBytes::replaced);
}

inline std::vector<Ranking> read_rankings(const std::string& path) {
    std::vector<Ranking> all;
    each_json_line(path, nullptr, [&](const nlohmann::ordered_json& j, int64_t) { all.push_back(ranking_from_json(j)); });
    if (all.empty()) throw Error(cat(path, ": holds no ranking"));
    return all;
}

// ---- Bradley-Terry

// Summed over pairs and answers; the sums of several ranks may be added (values).
struct PairStatistics {
    enum { pairs, right, loss, margin, rankings, answers, score, score2, length, length2, product, count };
    std::array<double, count> sums{};
    double mean(int what) const { return sums[pairs] > 0 ? sums[size_t(what)] / sums[pairs] : NAN; }
    double accuracy() const { return mean(right); }
    double mean_loss() const { return sums[rankings] > 0 ? sums[loss] / sums[rankings] : NAN; }
    double mean_score() const { return sums[score] / sums[answers]; }
    double score_std() const { return std::sqrt(std::max(0.0, sums[score2] / sums[answers] - mean_score() * mean_score())); }
    // Pearson's correlation of score and length over all answers; 0 where one of them is constant.
    double length_correlation() const {
        const double n = sums[answers], mean_length = sums[length] / n;
        const double deviation = std::sqrt(std::max(0.0, sums[length2] / n - mean_length * mean_length)) * score_std();
        return deviation > 0 ? (sums[product] / n - mean_score() * mean_length) / deviation : 0;
    }
    void add_answer(double s, double tokens) {
        sums[answers]++, sums[score] += s, sums[score2] += s * s, sums[length] += tokens, sums[length2] += tokens * tokens, sums[product] += s * tokens;
    }
};

// The slopes dL/ds_i of the loss L = mean over pairs (w, l) of -log sigma(s_w - s_l), where s are the scores of a ranking's answers.
// dL/ds_w = -sigma(s_l - s_w) / pairs, and its opposite for s_l: a pair that is right beyond doubt pulls no more. Counts into `stats`.
inline std::vector<double> bradley_terry(const std::vector<double>& scores, const std::vector<int>& order, PairStatistics* stats = nullptr) {
    const size_t n = order.size();
    const double pairs = double(n * (n - 1) / 2);
    std::vector<double> slopes(n, 0.0);
    double loss = 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            const size_t w = size_t(order[a]), l = size_t(order[b]);
            const double gap = scores[w] - scores[l], slope = 1 / (1 + std::exp(gap)) / pairs;
            slopes[w] -= slope, slopes[l] += slope;
            loss += (gap > 0 ? std::log1p(std::exp(-gap)) : std::log1p(std::exp(gap)) - gap) / pairs;
            if (stats) stats->sums[PairStatistics::pairs]++, stats->sums[PairStatistics::right] += gap > 0 ? 1 : gap == 0 ? 0.5 : 0, stats->sums[PairStatistics::margin] += gap;
        }
    if (stats) stats->sums[PairStatistics::rankings]++, stats->sums[PairStatistics::loss] += loss;
    return slopes;
}

// ---- train_gpt reward label

struct LabelConfig {
    std::string prompts, out;
    std::vector<std::string> responses;
    int64_t limit = 0, most = 4;
    uint64_t seed = 1;
};
inline const std::vector<Flag<LabelConfig>> label_flags = {
    {"prompts",   &LabelConfig::prompts,   "FILE",    "JSONL {\"prompt\"}: which prompts, in which order; none: all that have answers"},
    {"responses", &LabelConfig::responses, "FILE...", "JSONL {\"prompt\", \"response\" (or \"reply\", as eval --dump writes)} or {\"prompt\", \"responses\"}"},
    {"out",       &LabelConfig::out,       "FILE",    "rankings are appended here; what it ranks already is not asked again"},
    {"limit",     &LabelConfig::limit,     "",        "end after so many rankings; 0: after all"},
    {"most",      &LabelConfig::most,      "",        "show at most so many answers of a prompt"},
    {"seed",      &LabelConfig::seed,      "",        "in which order they are shown"},
};

// The order that a person typed for n answers shown as 1..n, best first, as indices; empty where it is none.
inline std::vector<int> parse_order(const std::string& line, size_t n) {
    std::vector<int> order;
    std::string digits;
    std::set<int> seen;
    for (const char c : line + " ") {
        if (std::isdigit(static_cast<unsigned char>(c)) && digits.size() < 4) {
            digits += c;
            continue;
        }
        if (c != ' ' && c != ',' && c != '>' && c != '\t' && c != '\r') return {};
        if (digits.empty()) continue;
        const int i = std::stoi(digits) - 1;
        if (i < 0 || i >= int(n) || !seen.insert(i).second) return {};
        order.push_back(i);
        digits.clear();
    }
    return order.size() == n ? order : std::vector<int>();
}

namespace labels {

using Json = nlohmann::ordered_json;

inline std::string prompt_of(const Json& j) {
    if (!j.is_object() || !j.contains("prompt") || !j["prompt"].is_string()) throw Error("no \"prompt\" in it", "one JSON object a line, with \"prompt\"");
    return j["prompt"].get<std::string>();
}

// Prompts with their distinct answers, in the order of the files.
struct Pool {
    std::vector<std::string> prompts;
    std::map<std::string, std::vector<std::string>> answers;
    void add(const Json& j) {
        const std::string prompt = prompt_of(j);
        auto [it, fresh] = answers.try_emplace(prompt);
        if (fresh) prompts.push_back(prompt);
        const char* key = j.contains("responses") ? "responses" : j.contains("response") ? "response" : "reply";
        if (!j.contains(key)) throw Error("no \"response\", \"reply\" or \"responses\" in it", "answers as JSONL, as eval --dump writes them");
        for (const Json& v : j[key].is_array() ? j[key] : Json::array({j[key]})) {
            if (!v.is_string()) throw Error(cat("\"", key, "\" holds something that is not a string"), "answers are strings");
            const auto answer = v.get<std::string>();
            if (std::find(it->second.begin(), it->second.end(), answer) == it->second.end()) it->second.push_back(answer);
        }
    }
};

// One line, whole or not at all, on the disk before the next question is asked.
inline void append_line(const std::string& path, const std::string& line) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) throw system_error(cat(path, ": cannot be written"));
    const std::string bytes = line + "\n";
    const bool ok = ::write(fd, bytes.data(), bytes.size()) == ssize_t(bytes.size()) && ::fsync(fd) == 0;
    const int saved = errno;
    ::close(fd);
    errno = saved;
    if (!ok) throw system_error(cat(path, ": a ranking could not be written"), "is the disk full? Remove a broken last line before going on");
}

}  // namespace labels

inline int run_label(LabelConfig& c) {
    if (c.responses.empty() || c.out.empty()) throw UsageError("--responses and --out are needed", "train_gpt reward label --responses answers.jsonl --out rankings.jsonl");
    if (c.limit < 0 || c.most < 2) throw UsageError("--limit must not be negative, and --most is at least 2");
    labels::Pool pool;
    for (const auto& path : c.responses) each_json_line(path, nullptr, [&](const auto& j, int64_t) { pool.add(j); });
    std::vector<std::string> prompts = pool.prompts;
    if (!c.prompts.empty()) {
        prompts.clear();
        each_json_line(c.prompts, nullptr, [&](const auto& j, int64_t) { prompts.push_back(labels::prompt_of(j)); });
    }
    std::set<std::string> done;
    if (fs::exists(c.out) && fs::file_size(c.out) > 0)
        for (const Ranking& r : read_rankings(c.out)) done.insert(r.prompt);
    const size_t before = done.size();
    int64_t labelled = 0, skipped = 0, single = 0;
    bool quit = false;
    for (size_t k = 0; k < prompts.size() && !quit && (c.limit == 0 || labelled < c.limit); k++) {
        const auto it = pool.answers.find(prompts[k]);
        if (done.count(prompts[k])) continue;
        if (it == pool.answers.end() || it->second.size() < 2) {
            single++;
            continue;
        }
        // blind: which of them are shown, and in which order, depends on the prompt and the seed alone, not on who wrote them
        Ranking r{prompts[k], it->second, {}};
        Rng rng = Rng::stream(c.seed, crc32(prompts[k].data(), prompts[k].size()));
        rng.shuffle(r.responses);
        if (int64_t(r.responses.size()) > c.most) r.responses.resize(size_t(c.most));
        std::cout << "\n[" << k + 1 << "/" << prompts.size() << "] " << to_valid_utf8(r.prompt) << "\n";
        for (size_t i = 0; i < r.responses.size(); i++) std::cout << "\n  " << i + 1 << ")  " << to_valid_utf8(r.responses[i]) << "\n";
        for (std::string line; r.order.empty();) {
            std::cout << "\nbest first (as 2 1 3), s: skip, q: quit > " << std::flush;
            if (!std::getline(std::cin, line) || line == "q") {
                quit = true;
                break;
            }
            if (line == "s") break;
            r.order = parse_order(line, r.responses.size());
            if (r.order.empty()) std::cout << "each of the numbers 1 to " << r.responses.size() << " once, the best first\n";
        }
        if (quit) break;
        if (r.order.empty()) {
            skipped++;
            continue;
        }
        labels::append_line(c.out, ranking_json(r));
        done.insert(r.prompt), labelled++;
    }
    std::cout << "\n" << labelled << " ranked, " << skipped << " skipped, " << single << " with fewer than two different answers; " << c.out << " holds "
              << before + size_t(labelled) << " prompts\n";
    return 0;
}

inline std::vector<Command> ranking_commands() {
    return {make_command<LabelConfig>("reward label", "", "a person orders answers in the terminal -> rankings", label_flags, run_label)};
}
