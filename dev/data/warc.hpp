// warc.hpp -- the stage `warc`: archives in, pages as documents out.
//
// Of each archive the answers with status 200 and an HTML type (or, without any type, a body that begins like HTML) become
// documents: "text" is the page as UTF-8, with "url", "date", "id" and "charset". WET records (conversion) become documents of
// plain text, ready for `language`. Other answers are dropped: the dropped file has their addresses and why, not their bodies. What is
// no answer at all (requests, notes of the crawler) is counted by kind, as is every broken record.
// The choice of types is datatrove's (WarcReader): text/html, application/xhtml+xml, and text/plain of WET.
#pragma once

#include "run.hpp"
#include "warc_reader.hpp"

namespace webtext {

struct WarcConfig : RunConfig {
    int64_t max_body = 5;
    bool any_status = false;
};

inline const std::vector<Flag<WarcConfig>>& warc_flags() {
    using C = WarcConfig;
    static const auto flags = with_run_flags<C>({
        {"max-body",   &C::max_body,   "MiB", "of one record; what is longer is cut and counted (Common Crawl cuts at 5)"},
        {"any-status", &C::any_status, "",    "also pages with another HTTP status than 200"},
    });
    return flags;
}

class WarcSource : public Source {
   public:
    explicit WarcSource(const WarcConfig& config) : config_(config) {
        if (config.max_body < 1 || config.max_body > 1024) throw UsageError(cat("--max-body ", config.max_body, ": expected 1 to 1024 MiB"));
    }
    const char* name() const override { return "warc"; }
    bool takes(const std::string& path) const override {
        for (const char* end : {".warc", ".warc.gz", ".arc", ".arc.gz", ".wet", ".wet.gz"})
            if (path.ends_with(end)) return true;
        return false;
    }
    void read(const std::string& path, const Emit& emit, const Drop& drop) override {
        WarcReader reader(path, config_.max_body << 20);
        WarcRecord record;
        while (reader.next(record)) {
            const double bytes = double(record.body.size());
            const auto leave = [&](const char* reason, double value) {
                Document d = address(record);
                d.metadata["content_type"] = to_valid_utf8(record.content_type);
                count(reason), drop(std::move(d), dropped("warc", reason, value));
            };
            if (record.type == "conversion") count("wet"), emit(document(record, true));
            else if (record.type != "response") count(record.type.empty() ? "no_type" : record.type);
            else if (!config_.any_status && record.status != 200) leave("status", record.status);
            else if (!is_html(record)) leave("not_html", bytes);
            else if (record.body.empty()) leave("no_body", 0);
            else if (record.undecoded) leave("undecoded_html", bytes);
            else count("html"), emit(document(record, false));
        }
        const WarcCounts& c = reader.counts();
        for (const auto& [key, n] : {std::pair{"broken_members", c.broken_members}, {"skipped_bytes", c.skipped_bytes}, {"bad_header", c.bad_header},
                                     {"bad_length", c.bad_length}, {"bad_chunks", c.bad_chunks}, {"undecoded", c.undecoded}, {"truncated", c.truncated}})
            if (n) counters_[key] = counters_.value(key, int64_t(0)) + n;
    }
    Json take_counters() override { return std::exchange(counters_, Json::object()); }

   private:
    const WarcConfig& config_;
    Json counters_ = Json::object();

    void count(const std::string& key) { counters_[key] = counters_.value(key, int64_t(0)) + 1; }
    static bool is_html(const WarcRecord& r) {
        for (const std::string* type : {&r.identified, &r.content_type})
            if (!type->empty()) return *type == "text/html" || *type == "application/xhtml+xml";
        const std::string start = warc_detail::lower_ascii(std::string_view(r.body).substr(0, 1024));
        return start.find("<html") != std::string::npos || start.find("<!doctype html") != std::string::npos;
    }
    static Document address(const WarcRecord& r) {
        Document d;
        d.metadata["id"] = to_valid_utf8(r.id);
        d.metadata["url"] = to_valid_utf8(r.url);
        d.metadata["date"] = to_valid_utf8(r.date);
        return d;
    }
    static Document document(const WarcRecord& r, bool plain) {
        Document d = address(r);
        DecodedText decoded = plain ? DecodedText{to_valid_utf8(r.body), "UTF-8", "valid", 0} : decode_page(r.body, r.charset);
        d.text = std::move(decoded.text);
        d.metadata["charset"] = to_valid_utf8(decoded.charset);
        d.metadata["charset_by"] = decoded.how;
        return d;
    }
};

inline int run_warc(WarcConfig& config) {
    WarcSource source(config);
    return run_source(config, source, settings_text(config, warc_flags()));
}
inline std::vector<Command> warc_commands() {
    return {make_command<WarcConfig>("warc", "", "pages out of web archives (WARC, ARC, WET; gzip or plain)", warc_flags(), run_warc)};
}

}  // namespace webtext
