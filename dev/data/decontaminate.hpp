// decontaminate.hpp -- remove pages that contain an evaluation set's text.
//
// A model that has read the test is not tested by it. The evaluation sets are cut into runs of 13 words (GPT-3's length,
// Brown et al. 2020, appendix C), simplified as for MinHash so that case, numbers and punctuation do not hide a copy, and
// their hashes kept in a set; a page that contains at least --min-matches of them is dropped with the number as value.
// An item shorter than 13 words makes no run and cannot be found: such items are counted and named at the start.
// Memory: 16 bytes per run of the evaluation sets (the 14,000 questions of MMLU: about 20 MB).
#pragma once

#include "minhash.hpp"
#include "run.hpp"

namespace webtext {

struct DecontaminateConfig : RunConfig {
    std::vector<std::string> eval, eval_fields;
    int64_t n_grams = 13, min_matches = 1;
};

// A set of 64-bit hashes; 0 is never one of them (it becomes 1).
class HashSet {
   public:
    void insert(uint64_t key) {
        key += key == 0;
        if ((count_ + 1) * 2 > slots_.size()) grow();
        uint64_t& slot = find(key);
        count_ += slot == 0;
        slot = key;
    }
    bool contains(uint64_t key) const {
        key += key == 0;
        return count_ && const_cast<HashSet*>(this)->find(key) == key;
    }
    size_t size() const { return count_; }

   private:
    uint64_t& find(uint64_t key) {
        for (size_t i = splitmix64(key) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1))
            if (slots_[i] == 0 || slots_[i] == key) return slots_[i];
    }
    void grow() {
        std::vector<uint64_t> old(std::max<size_t>(1024, slots_.size() * 2), 0);
        old.swap(slots_);
        for (const uint64_t key : old)
            if (key) find(key) = key;
    }
    std::vector<uint64_t> slots_;
    size_t count_ = 0;
};

class DecontaminateStage : public Stage {
   public:
    explicit DecontaminateStage(const DecontaminateConfig& config) : config_(config), hasher_(size_t(config.n_grams), 1) {
        if (config.n_grams < 1 || config.n_grams > 1000) throw UsageError(cat("--n-grams ", config.n_grams, ": expected 1 to 1000"));
        if (config.min_matches < 1) throw UsageError(cat("--min-matches ", config.min_matches, ": expected at least 1"));
        if (config.eval.empty()) throw UsageError("--eval is missing", "the JSONL or text files of the evaluation sets");
        for (const InputItem& item : list_inputs(config.eval, is_jsonl)) add_file(item.path);
        if (!index_.size()) throw Error(cat("--eval: no run of ", config.n_grams, " words in ", items_, " items"), "see --eval-fields and --n-grams");
        std::fprintf(stderr, "%lld items of evaluation sets, %zu different runs of %lld words; %lld items are shorter and cannot be found\n", (long long)items_, index_.size(),
                     (long long)config.n_grams, (long long)short_items_);
    }
    const char* name() const override { return "decontaminate"; }
    std::vector<std::string> reads() const override { return config_.eval; }
    Verdict process(Document& d) override {
        int64_t matches = 0;
        for (const uint64_t x : hasher_.shingles(d.text)) matches += index_.contains(x);
        return matches >= config_.min_matches ? dropped("decontaminate", cat(config_.n_grams, "_gram"), double(matches)) : kept();
    }
    // An item: one text whose runs must not occur in the corpus.
    void add_item(std::string_view text) {
        items_++;
        const auto& runs = hasher_.shingles(text);
        for (const uint64_t x : runs) index_.insert(x);
        short_items_ += runs.empty();
    }

   private:
    // JSONL: all strings of a line, or of the fields named, joined in their order (so that a run may go from the question
    // to the answer). Any other file: each line is an item.
    void add_file(const std::string& path) {
        InputFile in(path);
        std::string_view line;
        const bool json = is_jsonl(path);
        while (in.line(line)) {
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            if (!json) {
                add_item(line);
                continue;
            }
            const Json object = is_too_deep(line) ? Json() : Json::parse(line.begin(), line.end(), nullptr, false);
            if (!object.is_object()) throw Error(cat(path, ":", in.line_number(), ": not a JSON object, or one nested deeper than ", kMaxDepth), "an evaluation set must be whole: repair it");
            std::string text;
            if (config_.eval_fields.empty()) collect(object, text);
            for (const std::string& field : config_.eval_fields)
                if (object.contains(field)) collect(object[field], text);
            add_item(text);
        }
    }
    static void collect(const Json& value, std::string& text) {
        if (value.is_string()) text += (text.empty() ? "" : " ") + value.get<std::string>();
        else if (value.is_structured())
            for (const auto& v : value) collect(v, text);
    }
    const DecontaminateConfig& config_;
    MinHasher hasher_;
    HashSet index_;
    int64_t items_ = 0, short_items_ = 0;
};

inline const std::vector<Flag<DecontaminateConfig>>& decontaminate_flags() {
    using C = DecontaminateConfig;
    static const auto flags = with_run_flags<C>({
        {"eval",        &C::eval,        "PATH...", "evaluation sets: JSONL (all strings of a line), or text with one item per line"},
        {"eval-fields", &C::eval_fields, "NAME...", "only these fields of their lines"},
        {"n-grams",     &C::n_grams,     "words",   "length of a run (GPT-3: 13)"},
        {"min-matches", &C::min_matches, "runs",    "drop a page with so many of them"},
    });
    return flags;
}
inline int run_decontaminate(DecontaminateConfig& config) {
    DecontaminateStage stage(config);
    return run_stage(config, stage, settings_text(config, decontaminate_flags()));
}
inline std::vector<Command> decontaminate_commands() {
    return {make_command<DecontaminateConfig>("decontaminate", "", "drop pages that contain text of evaluation sets", decontaminate_flags(), run_decontaminate)};
}

}  // namespace webtext
