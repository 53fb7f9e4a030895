// extract_metadata.hpp -- title, date and language as the page itself states them.
//
// A page says its title up to four times (<title>, og:title, <h1>, JSON-LD) and its date in a dozen ways. The order of trust:
// the title made for sharing (og:title) has no site name appended; else <title> without its last part behind " | " or " - "
// when an <h1> agrees; dates from meta elements named for publication, then <time datetime>, then JSON-LD datePublished.
// The language is <html lang>, then the Content-Language and og:locale metas. All are claims, none is checked against the text.
// Sources: The Open Graph protocol (ogp.me), schema.org (datePublished, inLanguage), HTML Living Standard (lang, time).
#pragma once

#include <cctype>

#include "extract_blocks.hpp"

namespace html_detail {

struct Metadata {
    std::string title, date, language;
    std::string article_body;  // JSON-LD articleBody, as text
};

inline std::string fold_spaces(std::string_view text) {
    std::string out;
    bool space = false;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= ' ') space = true;
        else {
            if (space && !out.empty()) out += ' ';
            space = false;
            out += c;
        }
    }
    return out;
}

// YYYY-MM-DD at the start of the text or behind other characters ("2019-11-19T10:00", "20191119", "2019/11/19"); "" if none.
inline std::string iso_date(std::string_view text) {
    const auto digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    for (size_t i = 0; i + 8 <= text.size(); i++) {
        if (!digit(i) || (i > 0 && digit(i - 1))) continue;
        if (!(digit(i + 1) && digit(i + 2) && digit(i + 3))) continue;
        const char separator = digit(i + 4) ? '\0' : text[i + 4];
        if (separator && separator != '-' && separator != '/' && separator != '.') continue;
        const size_t m = i + 4 + (separator != 0), d = m + 2 + (separator != 0);
        if (!digit(m) || !digit(m + 1) || !digit(d) || !digit(d + 1) || (separator && text[m + 2] != separator) || digit(d + 2)) continue;
        const int year = std::atoi(std::string(text.substr(i, 4)).c_str()), month = (text[m] - '0') * 10 + text[m + 1] - '0',
                  day = (text[d] - '0') * 10 + text[d + 1] - '0';
        if (year < 1990 || year > 2100 || month < 1 || month > 12 || day < 1 || day > 31) continue;
        return std::string(text.substr(i, 4)) + "-" + std::string(text.substr(m, 2)) + "-" + std::string(text.substr(d, 2));
    }
    return "";
}

// The string value of the first "key": "..." of a JSON text; a scan, not a parser: JSON-LD on the web is often broken.
inline std::string json_string(std::string_view json, std::string_view key) {
    const std::string quoted = "\"" + std::string(key) + "\"";
    size_t at = json.find(quoted);
    if (at == std::string_view::npos) return "";
    at += quoted.size();
    while (at < json.size() && (is_space(json[at]) || json[at] == ':')) at++;
    if (at >= json.size() || json[at] != '"') return "";
    std::string out;
    uint32_t high = 0;
    for (size_t i = at + 1; i < json.size() && json[i] != '"'; i++) {
        if (json[i] != '\\' || i + 1 >= json.size()) {
            out += json[i];
            continue;
        }
        const char c = json[++i];
        if (c == 'n' || c == 'r') out += '\n';
        else if (c == 't') out += ' ';
        else if (c == 'u' && i + 4 < json.size()) {
            uint32_t code = uint32_t(std::strtoul(std::string(json.substr(i + 1, 4)).c_str(), nullptr, 16));
            i += 4;
            if (code >= 0xD800 && code < 0xDC00) high = code;
            else {
                if (code >= 0xDC00 && code < 0xE000) code = high ? 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) : 0xFFFD;
                append_utf8(out, code);
                high = 0;
            }
        } else out += c;
    }
    return out;
}

inline std::string lower(std::string_view s) {
    std::string out(s);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c | 32);
    return out;
}

// "Headline | Site" -> "Headline", where the <h1> says the same.
inline std::string without_site_name(const std::string& title, const std::string& h1) {
    if (!h1.empty() && h1.size() >= 8 && title.size() > h1.size() && title.compare(0, h1.size(), h1) == 0) return h1;
    for (const char* separator : {" | ", " - ", " \xE2\x80\x93 ", " \xE2\x80\x94 ", " :: ", " \xC2\xBB "}) {
        const size_t at = title.rfind(separator);
        if (at != std::string::npos && at >= 15) return title.substr(0, at);
    }
    return title;
}

// The language tag (BCP 47, or with _ as og:locale has it) at the beginning of what an author wrote, at most 12 characters of it: "en-US", "" for none.
inline std::string language_tag(std::string_view value) {
    size_t n = 0;
    while (n < value.size() && n < 12 && (std::isalnum(static_cast<unsigned char>(value[n])) || value[n] == '-' || value[n] == '_')) n++;
    return std::string(value.substr(0, n));
}

inline void read_meta(const HtmlTree& tree, int32_t i, std::string& og_title, int& date_rank, Metadata& out) {
    std::string key = lower(tree.attribute(i, kAttr_property));
    for (const HtmlAttr a : {kAttr_name, kAttr_itemprop, kAttr_http_equiv})
        if (key.empty()) key = lower(tree.attribute(i, a));
    if (key.empty()) return;
    const std::string_view content = tree.attribute(i, kAttr_content);
    static constexpr std::string_view dates[] = {"article:published_time", "datepublished", "og:article:published_time", "pubdate", "publishdate",
                                                 "publish-date", "publication_date", "dc.date.issued", "dcterms.created", "dc.date", "date",
                                                 "sailthru.date", "parsely-pub-date", "citation_publication_date", "article:modified_time"};
    for (int r = 0; r < int(std::size(dates)); r++)
        if (key == dates[r] && r < date_rank) {
            const std::string date = iso_date(content);
            if (!date.empty()) out.date = date, date_rank = r;
        }
    if (og_title.empty() && (key == "og:title" || key == "twitter:title")) og_title = fold_spaces(decode_entities(content));
    if (out.language.empty() && (key == "content-language" || key == "og:locale" || key == "language")) out.language = language_tag(content);
}

inline Metadata read_metadata(const HtmlTree& tree) {
    Metadata out;
    std::string title, og_title, h1, time_date, json_date;
    int date_rank = 100;
    for (int32_t i = 1; i < int32_t(tree.nodes.size()); i++) {
        const HtmlNode& n = tree.nodes[size_t(i)];
        switch (n.tag) {
            case kTag_html: {
                const std::string_view lang = tree.attribute(i, kAttr_lang);
                if (const std::string tag = language_tag(lang); !tag.empty()) out.language = tag;
                break;
            }
            case kTag_meta: read_meta(tree, i, og_title, date_rank, out); break;
            case kTag_title:
                if (title.empty()) title = fold_spaces(decode_entities(n.text));
                break;
            case kTag_h1:
                if (h1.empty())
                    for (int32_t c = i + 1; c < n.end; c++)
                        if (tree.nodes[size_t(c)].tag == kText) h1 += decode_entities(tree.nodes[size_t(c)].text);
                break;
            case kTag_time:
                if (time_date.empty()) time_date = iso_date(tree.attribute(i, kAttr_datetime));
                break;
            case kTag_script:
                if (tree.attribute(i, kAttr_type).find("ld+json") != std::string_view::npos) {
                    if (json_date.empty()) json_date = iso_date(json_string(n.text, "datePublished"));
                    if (out.article_body.empty()) out.article_body = json_string(n.text, "articleBody");
                }
                break;
            default: break;
        }
    }
    h1 = fold_spaces(h1);
    out.title = !og_title.empty() ? og_title : title.empty() ? h1 : without_site_name(title, h1);
    if (out.date.empty()) out.date = !json_date.empty() ? json_date : time_date;
    return out;
}

}  // namespace html_detail
