// report.hpp -- the funnel: how much text each stage let through, what it dropped and why, and what it cost.
//
// Every stage leaves one small file of statistics per input file (run.hpp). This adds them up per stage and prints a table;
// with --output it also writes one HTML page that needs nothing else: the funnel, a table of reasons per stage with examples
// of what each dropped, histograms of length and language, and the throughput. Give the stages' folders in their order.
// Tokens are an estimate (characters divided by --chars-per-token), named as such: the exact number is what
// `train_gpt tokenize` prints of the last stage.
#pragma once

#include "run.hpp"

namespace webtext {

struct ReportConfig {
    std::vector<std::string> input;
    std::string output, title = "Web text: what became of it";
    double chars_per_token = 4.5;
};

struct StageTotals {
    struct Reason {
        int64_t documents = 0, bytes = 0;
        std::vector<Json> examples;
    };
    std::string folder, stage;
    int64_t files = 0, documents = 0, bytes = 0, broken = 0, kept = 0, kept_bytes = 0, kept_chars = 0, dropped = 0, dropped_bytes = 0;
    double cpu_s = 0;
    std::map<std::string, Reason> reasons;
    std::map<std::string, int64_t> lengths, languages, dropped_languages, counters;
};

inline StageTotals read_totals(const std::string& folder) {
    StageTotals t;
    t.folder = folder;
    const std::string stats = folder + "/stats";
    if (!fs::is_directory(stats)) throw Error(cat(stats, ": no such folder"), "--input takes the --output folders of the stages, in their order");
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(stats))
        if (entry.path().extension() == ".json") paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    const auto add_counts = [](std::map<std::string, int64_t>& to, const Json& from) {
        for (const auto& [name, n] : from.items())
            if (n.is_number_integer()) to[name] += n.get<int64_t>();
    };
    for (const std::string& path : paths) {
        const Json j = Json::parse(read_file(path), nullptr, false);
        if (!j.is_object() || !j.contains("reasons")) throw Error(cat(path, ": not the statistics of a stage"));
        t.files++;
        t.stage = j.value("stage", "");
        const auto number = [&](const char* name) { return j.value(name, int64_t(0)); };
        t.documents += number("documents"), t.bytes += number("bytes"), t.broken += number("broken_lines"), t.kept += number("kept");
        t.kept_bytes += number("kept_bytes"), t.kept_chars += number("kept_chars"), t.dropped += number("dropped"), t.dropped_bytes += number("dropped_bytes");
        t.cpu_s += j.value("cpu_s", 0.0);
        for (const auto& [name, r] : j["reasons"].items()) {
            auto& reason = t.reasons[name];
            reason.documents += r.value("documents", int64_t(0)), reason.bytes += r.value("bytes", int64_t(0));
            for (const Json& e : r.value("examples", Json::array()))
                if (reason.examples.size() < 3) reason.examples.push_back(e);
        }
        add_counts(t.lengths, j.value("lengths", Json::object()));
        add_counts(t.languages, j.value("languages", Json::object()));
        add_counts(t.dropped_languages, j.value("dropped_languages", Json::object()));
        add_counts(t.counters, j.value("counters", Json::object()));
    }
    if (!t.files) throw Error(cat(stats, ": no statistics"), "has the stage run?");
    return t;
}

// For the page; control characters become spaces.
inline std::string html_text(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n') c = ' ';
    return html_escaped(text);
}
inline std::string percent(double part, double whole) { return whole > 0 ? strprintf("%.2f %%", 100 * part / whole) : "-"; }

// A bar chart as SVG: names and values, the longest bar 100 %.
inline std::string bars(const std::vector<std::pair<std::string, double>>& rows, const std::function<std::string(double)>& label) {
    double most = 0;
    for (const auto& r : rows) most = std::max(most, r.second);
    std::string s = strprintf("<svg viewBox=\"0 0 760 %zu\" role=\"img\">", rows.size() * 24 + 4);
    for (size_t i = 0; i < rows.size(); i++) {
        const double width = most > 0 ? 420 * rows[i].second / most : 0;
        s += strprintf("<text x=\"150\" y=\"%zu\" text-anchor=\"end\">%s</text><rect x=\"158\" y=\"%zu\" width=\"%.1f\" height=\"16\"/><text x=\"%.1f\" y=\"%zu\">%s</text>", i * 24 + 16,
                       html_text(rows[i].first).c_str(), i * 24 + 4, width, 164 + width, i * 24 + 16, html_text(label(rows[i].second)).c_str());
    }
    return s + "</svg>\n";
}

inline std::string funnel_text(const std::vector<StageTotals>& stages, double chars_per_token) {
    std::string s = strprintf("%-16s %14s %14s %9s %11s %16s %12s %10s\n", "stage", "documents in", "kept", "share", "kept text", "tokens (est.)", "CPU seconds", "docs/s");
    for (const auto& t : stages)
        s += strprintf("%-16s %14s %14s %9s %11s %16s %12.1f %10.0f\n", t.stage.c_str(), with_commas(t.documents).c_str(), with_commas(t.kept).c_str(),
                       percent(double(t.kept), double(t.documents)).c_str(), human_bytes(double(t.kept_bytes)).c_str(), with_commas(int64_t(double(t.kept_chars) / chars_per_token)).c_str(),
                       t.cpu_s, t.cpu_s > 0 ? double(t.documents) / t.cpu_s : 0.0);
    return s;
}

inline std::string stage_html(const StageTotals& t) {
    std::string s = cat("<h2>", html_text(t.stage), "</h2>\n<p>", html_text(t.folder), ": ", with_commas(t.files), " files, ", with_commas(t.documents), " documents (",
                        human_bytes(double(t.bytes)), "), ", with_commas(t.kept), " kept, ", with_commas(t.broken), " broken lines left out");
    for (const auto& [name, n] : t.counters) s += cat(", ", html_text(name), " ", with_commas(n));
    s += cat(". ", strprintf("%.1f CPU seconds, %.0f documents/s, %.2f MB/s.", t.cpu_s, t.cpu_s > 0 ? double(t.documents) / t.cpu_s : 0.0, t.cpu_s > 0 ? double(t.bytes) / t.cpu_s / 1e6 : 0.0), "</p>\n");
    if (!t.reasons.empty()) {
        std::vector<std::pair<std::string, const StageTotals::Reason*>> rows;
        for (const auto& [name, r] : t.reasons) rows.push_back({name, &r});
        std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second->documents > b.second->documents; });
        s += "<table><tr><th>dropped for</th><th>documents</th><th>of all</th><th>text</th><th>examples</th></tr>\n";
        for (const auto& [name, r] : rows) {
            s += cat("<tr><td>", html_text(name), "</td><td>", with_commas(r->documents), "</td><td>", percent(double(r->documents), double(t.documents)), "</td><td>",
                     human_bytes(double(r->bytes)), "</td><td><details><summary>", r->examples.size(), "</summary>");
            for (const Json& e : r->examples)
                s += cat("<p><b>", html_text(e.value("url", "")), "</b> value ", strprintf("%.4g", e.value("value", 0.0)), "</p><pre>", html_text(e.value("text", "")), "</pre>");
            s += "</details></td></tr>\n";
        }
        s += "</table>\n";
    }
    std::vector<std::pair<std::string, double>> lengths;
    for (const auto& [name, n] : t.lengths) lengths.push_back({cat("from ", with_commas(std::stoll(name))), double(n)});
    const auto whole = [](double v) { return with_commas(int64_t(v)); };
    if (!lengths.empty()) s += "<h3>Kept documents by length in characters</h3>\n" + bars(lengths, whole);
    for (const auto& [title, languages] : {std::pair{"Kept documents by language", &t.languages}, {"Dropped documents by language", &t.dropped_languages}}) {
        std::vector<std::pair<std::string, double>> rows(languages->begin(), languages->end());
        std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
        if (rows.size() > 20) rows.resize(20);
        if (!rows.empty()) s += cat("<h3>", title, "</h3>\n", bars(rows, whole));
    }
    return s;
}

inline std::string report_html(const ReportConfig& config, const std::vector<StageTotals>& stages) {
    std::string s = cat("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", html_text(config.title), "</title>\n<style>",
                        "body{font:15px/1.5 system-ui,sans-serif;max-width:860px;margin:2em auto;padding:0 1em;color:#222}table{border-collapse:collapse;width:100%}"
                        "td,th{border-bottom:1px solid #ddd;padding:.25em .6em;text-align:right;vertical-align:top}td:first-child,th:first-child,td:last-child{text-align:left}"
                        "svg{width:100%}svg text{font-size:12px;fill:#444}rect{fill:#3b7dd8}pre{white-space:pre-wrap;background:#f6f6f6;padding:.5em}"
                        "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}pre{background:#262626}svg text{fill:#bbb}td,th{border-color:#444}}",
                        "</style></head><body>\n<h1>", html_text(config.title), "</h1>\n");
    std::vector<std::pair<std::string, double>> documents, texts;
    if (!stages.empty()) documents.push_back({"input", double(stages[0].documents)});
    for (const auto& t : stages) documents.push_back({t.stage, double(t.kept)}), texts.push_back({t.stage, double(t.kept_bytes)});
    s += "<h2>Documents left behind each stage</h2>\n" + bars(documents, [](double v) { return with_commas(int64_t(v)); });
    s += "<h2>Text left behind each stage</h2>\n" + bars(texts, [](double v) { return human_bytes(v); });
    s += "<table><tr><th>stage</th><th>in</th><th>kept</th><th>share</th><th>kept text</th><th>tokens (estimated)</th><th>CPU s</th><th>documents/s</th></tr>\n";
    for (const auto& t : stages)
        s += cat("<tr><td>", html_text(t.stage), "</td><td>", with_commas(t.documents), "</td><td>", with_commas(t.kept), "</td><td>", percent(double(t.kept), double(t.documents)), "</td><td>",
                 human_bytes(double(t.kept_bytes)), "</td><td>", with_commas(int64_t(double(t.kept_chars) / config.chars_per_token)), "</td><td>", strprintf("%.1f", t.cpu_s), "</td><td>",
                 strprintf("%.0f", t.cpu_s > 0 ? double(t.documents) / t.cpu_s : 0.0), "</td></tr>\n");
    s += cat("</table>\n<p>Tokens are characters divided by ", strprintf("%g", config.chars_per_token), ".</p>\n");
    for (const auto& t : stages) s += stage_html(t);
    return s + "</body></html>\n";
}

inline const std::vector<Flag<ReportConfig>>& report_flags() {
    using C = ReportConfig;
    static const std::vector<Flag<C>> flags = {
        {"input",           &C::input,           "DIR...",     "the output folders of the stages, in their order"},
        {"output",          &C::output,          "FILE.html",  "write the page here"},
        {"title",           &C::title,           "TEXT",       "of the page"},
        {"chars-per-token", &C::chars_per_token, "characters", "for the estimate of tokens (GPT-2 on English web text: about 4.5)"},
    };
    return flags;
}
inline int run_report(ReportConfig& config) {
    if (config.input.empty()) throw UsageError("--input is missing", "the output folders of the stages, in their order");
    if (!(config.chars_per_token > 0)) throw UsageError("--chars-per-token must be above 0");
    std::vector<StageTotals> stages;
    for (const std::string& folder : config.input) stages.push_back(read_totals(folder));
    std::fputs(funnel_text(stages, config.chars_per_token).c_str(), stdout);
    if (!config.output.empty()) write_file(config.output, report_html(config, stages));
    return 0;
}
inline std::vector<Command> report_commands() {
    return {make_command<ReportConfig>("report", "", "the funnel of all stages as a table and as an HTML page", report_flags(), run_report)};
}

}  // namespace webtext
