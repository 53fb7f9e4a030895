// language.hpp -- the stage `language`: keep documents of the wanted languages.
//
// Every document gets "language" and "language_score", the best of the 330 that language_model.hpp knows and its probability. It is kept
// if a wanted language has a probability above the threshold (FineWeb: English, 0.65); the dropped file tells the others.
#pragma once

#include <set>

#include "language_model.hpp"
#include "run.hpp"

namespace webtext {

struct LanguageConfig : RunConfig {
    std::vector<std::string> languages = {"en"};
    double threshold = 0.65;
    std::string model = "dev/data/language.bin";
};

inline const std::vector<Flag<LanguageConfig>>& language_flags() {
    using C = LanguageConfig;
    static const auto flags = with_run_flags<C>({
        {"languages", &C::languages, "NAME...",     "keep these (ISO 639-1 names, 639-3 where there is none); \"all\" keeps any language"},
        {"threshold", &C::threshold, "probability", "a wanted language must be above it (FineWeb: 0.65)"},
        {"model",     &C::model,     "FILE",        "the classifier, made by dev/data/language_texts.sh"},
    });
    return flags;
}

class LanguageStage : public Stage {
   public:
    explicit LanguageStage(const LanguageConfig& config) : config_(config), model_(config.model) {
        if (!(config.threshold >= 0 && config.threshold < 1)) throw UsageError(cat("--threshold ", config.threshold, ": expected 0 <= threshold < 1"));
        if (config.languages.empty()) throw UsageError("--languages is empty", "name languages, or all");
        const std::set<std::string> known(model_.names().begin(), model_.names().end());
        for (const std::string& l : config.languages) {
            all_ |= l == "all";
            if (l != "all" && !known.count(l)) throw UsageError(cat("--languages ", l, ": the model does not know it"), "ISO 639-1 names such as en, de, pt");
            wanted_.insert(l);
        }
    }
    const char* name() const override { return "language"; }
    std::vector<std::string> reads() const override { return {config_.model}; }
    Verdict process(Document& d) override {
        const auto scores = model_.classify(d.text, model_.names().size());
        if (scores.empty()) return dropped("language", "no_letters", 0);
        d.metadata["language"] = scores[0].name;
        d.metadata["language_score"] = std::round(double(scores[0].probability) * 1e4) / 1e4;
        for (const LanguageScore& s : scores)
            if (all_ || wanted_.count(s.name)) {  // the most probable of the wanted
                if (double(s.probability) > config_.threshold) return kept();
                return dropped("language", "language", double(s.probability));
            }
        return dropped("language", "language", 0);
    }

   private:
    const LanguageConfig& config_;
    LanguageModel model_;
    std::set<std::string> wanted_;
    bool all_ = false;
};

inline int run_language(LanguageConfig& config) {
    LanguageStage stage(config);
    return run_stage(config, stage, settings_text(config, language_flags()));
}
inline std::vector<Command> language_commands() {
    return {make_command<LanguageConfig>("language", "", "keep documents in the wanted languages", language_flags(), run_language)};
}

}  // namespace webtext
