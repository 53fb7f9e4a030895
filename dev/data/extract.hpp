// extract.hpp -- the stage `extract`: a document of HTML becomes a document of its main text.
//
// The work is in extract_text.hpp. The page's own title, date and language go into the metadata as "page_title", "page_date" and
// "page_language" ("date" is the day of the crawl). A page without main text is dropped as extract/empty, with its length.
#pragma once

#include "extract_text.hpp"
#include "run.hpp"

namespace webtext {

struct ExtractConfig : RunConfig {
    bool tables = true, lists = true, everything = false;
    int64_t min_length = 1;
};

inline const std::vector<Flag<ExtractConfig>>& extract_flags() {
    using C = ExtractConfig;
    static const auto flags = with_run_flags<C>({
        {"tables",     &C::tables,     "",      "rows of tables as lines, cells joined by \" | \""},
        {"lists",      &C::lists,      "",      "items of lists start with \"- \""},
        {"everything", &C::everything, "",      "all text of the page, as Common Crawl's WET files have it: to compare with"},
        {"min-length", &C::min_length, "bytes", "drop a page whose main text is shorter"},
    });
    return flags;
}

class ExtractStage : public Stage {
   public:
    explicit ExtractStage(const ExtractConfig& config) : config_(config) {
        options_.keep_tables = config.tables, options_.keep_lists = config.lists, options_.everything = config.everything;
    }
    const char* name() const override { return "extract"; }
    Verdict process(Document& d) override {
        Extracted e = extract_text(d.text, options_);
        if (int64_t(e.text.size()) < std::max<int64_t>(config_.min_length, 1)) return dropped("extract", e.text.empty() ? "empty" : "short", double(e.text.size()));
        d.text = std::move(e.text);
        for (const auto& [key, value] : {std::pair{"page_title", &e.title}, {"page_date", &e.date}, {"page_language", &e.language}})
            if (!value->empty()) d.metadata[key] = *value;
        return kept();
    }

   private:
    const ExtractConfig& config_;
    ExtractOptions options_;
};

inline int run_extract(ExtractConfig& config) {
    ExtractStage stage(config);
    return run_stage(config, stage, settings_text(config, extract_flags()));
}
inline std::vector<Command> extract_commands() {
    return {make_command<ExtractConfig>("extract", "", "the main text of HTML pages, without menus and boilerplate", extract_flags(), run_extract)};
}

}  // namespace webtext
