// charset.hpp -- which characters do the bytes of a page mean?
//
// In this order: a byte order mark; UTF-8 if the bytes are valid UTF-8 and not pure ASCII (by chance, other texts of more than a
// few letters never are: Cyrillic or French in a legacy charset breaks its rules at once), whatever the labels say; the charset of
// the HTTP header; of <meta charset> in the first 4 KiB; a guess from the bytes; and where the guess finds nothing, Windows-1252,
// the web's old default, in which every byte is a character. A declared UTF-8 with a few broken bytes stays UTF-8 with U+FFFD.
// Labels mean what browsers take them for (WHATWG Encoding Standard): "iso-8859-1" is Windows-1252, "gb2312" is GB18030.
// The conversion is the C library's iconv; where it lacks a charset the fallback is Windows-1252 and `how` says so.
#pragma once

#include <iconv.h>

#include <cerrno>

#include "html.hpp"

struct DecodedText {
    std::string text;     // valid UTF-8
    std::string charset;  // by the name that decoded it, e.g. "UTF-8", "WINDOWS-1251"
    const char* how;      // "bom", "valid", "header", "meta", "guess", "fallback"
    int64_t broken = 0;   // places that became U+FFFD
};

namespace charset_detail {

inline std::string upper_label(std::string_view label) {
    std::string out;
    for (const char c : label) {
        if (c >= 'a' && c <= 'z') out += char(c - 32);
        else if (static_cast<unsigned char>(c) > ' ' && c != '"' && c != '\'' && c != ';') out += c;
    }
    return out;
}

// The charset a label means on the web, by iconv's name; "" for a label that is none.
inline std::string charset_of(std::string_view label) {
    const std::string l = upper_label(label);
    struct Alias { const char *label, *name; };
    static constexpr Alias aliases[] = {
        {"UTF8", "UTF-8"}, {"UNICODE-1-1-UTF-8", "UTF-8"}, {"ISO-8859-1", "WINDOWS-1252"}, {"ISO8859-1", "WINDOWS-1252"}, {"ISO_8859-1", "WINDOWS-1252"},
        {"LATIN1", "WINDOWS-1252"}, {"LATIN-1", "WINDOWS-1252"}, {"ASCII", "WINDOWS-1252"}, {"US-ASCII", "WINDOWS-1252"}, {"CP1252", "WINDOWS-1252"},
        {"X-CP1252", "WINDOWS-1252"}, {"ANSI", "WINDOWS-1252"}, {"ISO-8859-9", "WINDOWS-1254"}, {"ISO8859-9", "WINDOWS-1254"}, {"LATIN5", "WINDOWS-1254"},
        {"ISO-8859-11", "CP874"}, {"TIS-620", "CP874"}, {"WINDOWS-874", "CP874"}, {"GB2312", "GB18030"}, {"GBK", "GB18030"}, {"GB_2312-80", "GB18030"}, {"X-GBK", "GB18030"},
        {"CHINESE", "GB18030"}, {"CP936", "GB18030"}, {"SHIFT_JIS", "CP932"}, {"SHIFT-JIS", "CP932"}, {"SJIS", "CP932"}, {"X-SJIS", "CP932"}, {"MS_KANJI", "CP932"},
        {"WINDOWS-31J", "CP932"}, {"EUC-KR", "CP949"}, {"KS_C_5601-1987", "CP949"}, {"KSC5601", "CP949"}, {"WINDOWS-949", "CP949"}, {"UHC", "CP949"},
        {"BIG5", "BIG5-HKSCS"}, {"X-X-BIG5", "BIG5-HKSCS"}, {"BIG-5", "BIG5-HKSCS"}, {"X-EUC-JP", "EUC-JP"}, {"CP1251", "WINDOWS-1251"}, {"WIN-1251", "WINDOWS-1251"},
        {"X-CP1251", "WINDOWS-1251"}, {"CP1250", "WINDOWS-1250"}, {"X-CP1250", "WINDOWS-1250"}, {"KOI8R", "KOI8-R"}, {"KOI", "KOI8-R"}, {"X-MAC-ROMAN", "MACINTOSH"},
        {"UTF-16", "UTF-16LE"}};
    for (const Alias& a : aliases)
        if (l == a.label) return a.name;
    return l;
}

// The charset of a Content-Type value ("text/html; charset=utf-8"), or "".
inline std::string charset_parameter(std::string_view value) {
    const std::string l = upper_label(value);
    const size_t at = l.find("CHARSET=");
    if (at == std::string::npos) return "";
    size_t end = at + 8;
    const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == ':'; };
    while (end < l.size() && part(l[end])) end++;
    return charset_of(l.substr(at + 8, end - at - 8));
}

// What <meta charset=...> or <meta http-equiv content="...charset=..."> or <?xml encoding="..."?> near the top says, or "".
inline std::string declared_in_page(std::string_view page) {
    const std::string_view top = page.substr(0, 4096);
    for (size_t at = 0; (at = top.find('<', at)) != std::string_view::npos; at++) {
        const std::string_view tag = top.substr(at, std::min<size_t>(top.find('>', at), top.size()) - at);
        const std::string head = upper_label(tag.substr(0, 6));
        if (head.compare(0, 5, "<META") == 0) {
            const std::string charset = charset_parameter(tag);
            // a page that could be read as ASCII up to here is not UTF-16
            if (!charset.empty()) return charset.compare(0, 6, "UTF-16") == 0 ? "UTF-8" : charset;
        } else if (head.compare(0, 5, "<?XML") == 0) {
            const size_t e = tag.find("encoding=");
            if (e != std::string_view::npos && e + 10 < tag.size()) {
                const size_t close = tag.find(tag[e + 9], e + 10);
                if (close != std::string_view::npos) return charset_of(tag.substr(e + 10, close - e - 10));
            }
        }
    }
    return "";
}

inline std::string decode_windows1252(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 8);
    for (const char ch : bytes) {
        const auto c = static_cast<unsigned char>(ch);
        if (c < 0x80) out += ch;
        else append_utf8(out, c < 0xA0 ? kWindows1252[c - 0x80] : c);
    }
    return out;
}

// False when iconv lacks the charset. A broken place costs one byte and becomes U+FFFD. stop_after: give up beyond so many.
inline bool convert(std::string_view bytes, const std::string& charset, std::string& out, int64_t& broken, int64_t stop_after = INT64_MAX) {
    out.clear();
    broken = 0;
    const iconv_t converter = ::iconv_open("UTF-8", charset.c_str());
    if (converter == iconv_t(-1)) return false;
    char* in = const_cast<char*>(bytes.data());
    size_t left = bytes.size();
    std::array<char, 16384> buffer;
    while (left > 0 && broken <= stop_after) {
        char* to = buffer.data();
        size_t room = buffer.size();
        const size_t r = ::iconv(converter, &in, &left, &to, &room);
        const int error = errno;
        out.append(buffer.data(), size_t(to - buffer.data()));
        if (r != size_t(-1) || error == E2BIG) continue;
        out += "\xEF\xBF\xBD";
        broken++;
        in++, left--;
    }
    ::iconv_close(converter);
    return true;
}

// The share of the non-ASCII characters in [lo, hi] among all non-ASCII ones.
struct ScriptCounts {
    int64_t other = 0, kana = 0, han = 0, hangul = 0, cyrillic_small = 0, cyrillic_big = 0, all = 0;
};
inline ScriptCounts count_scripts(const std::string& text) {
    ScriptCounts n;
    for (const char *p = text.data(), *end = p + text.size(); p < end;) {
        const Utf8Char c = decode_utf8(p, end);
        p += c.bytes;
        if (c.code >= 0 && c.code < 0x80) continue;
        n.all++;
        if (c.code >= 0x3040 && c.code < 0x3100) n.kana++;
        else if ((c.code >= 0x4E00 && c.code < 0xA000) || (c.code >= 0x3000 && c.code < 0x3020) || (c.code >= 0xFF00 && c.code < 0xFF60)) n.han++;
        else if (c.code >= 0xAC00 && c.code < 0xD7A4) n.hangul++;
        else if (c.code >= 0x430 && c.code < 0x460) n.cyrillic_small++;
        else if (c.code >= 0x400 && c.code < 0x430) n.cyrillic_big++;
        else n.other++;
    }
    return n;
}

// A guess for bytes that are not UTF-8 and carry no label, from the first 64 KiB; "" where nothing stands out.
// East Asian charsets are pairs of high bytes with holes: a wrong one soon meets a hole or rare characters. Cyrillic is
// letters, small ones far more than capitals: in the wrong one of its two charsets the cases change places.
inline std::string guess(std::string_view bytes) {
    const std::string_view sample = bytes.substr(0, 65536);
    int64_t high = 0, pairs = 0;
    for (size_t i = 0; i < sample.size(); i++) {
        const bool h = static_cast<unsigned char>(sample[i]) >= 0x80;
        high += h;
        if (h && i + 1 < sample.size() && static_cast<unsigned char>(sample[i + 1]) >= 0x80) pairs++;
    }
    if (high < 8) return "";
    std::string best, text;
    double best_score = 0.55;
    for (const char* name : {"CP932", "EUC-JP", "GB18030", "CP949", "BIG5-HKSCS", "WINDOWS-1251", "KOI8-R", "ISO-8859-5"}) {
        int64_t broken = 0;
        if (!convert(sample, name, text, broken, high / 50)) continue;
        if (broken > high / 50) continue;
        const ScriptCounts n = count_scripts(text);
        if (!n.all) continue;
        double score = 0;
        const std::string c = name;
        const double all = double(n.all);
        if (c == "CP932" || c == "EUC-JP") score = n.kana * 8 > n.all ? double(n.kana + n.han) / all + 0.1 : 0;
        else if (c == "CP949") score = n.hangul * 2 > n.all ? double(n.hangul + n.han) / all + 0.05 : 0;
        else if (c == "GB18030" || c == "BIG5-HKSCS") score = pairs * 3 > high ? double(n.han) / all - (c[0] == 'B' ? 0.0 : 0.02) : 0;
        else score = pairs * 2 > high ? double(n.cyrillic_small - n.cyrillic_big) / all : 0;
        if (score > best_score) best_score = score, best = c;
    }
    return best;
}

}  // namespace charset_detail

// The bytes of a page as UTF-8. header: the charset of the HTTP Content-Type ("" if none), any case. Any bytes give a text.
inline DecodedText decode_page(std::string_view bytes, std::string_view header = "") {
    using namespace charset_detail;
    DecodedText out;
    const auto starts = [&](std::string_view mark) { return bytes.substr(0, mark.size()) == mark; };
    const auto by = [&](const std::string& charset, std::string_view from, const char* how) {
        if (charset == "UTF-8") {
            out.text = to_valid_utf8(from);
            for (size_t at = 0; (at = out.text.find("\xEF\xBF\xBD", at)) != std::string::npos; at += 3) out.broken++;
        } else if (charset == "WINDOWS-1252") {
            out.text = decode_windows1252(from);
        } else if (!convert(from, charset, out.text, out.broken)) {
            return false;
        }
        out.charset = charset, out.how = how;
        return true;
    };
    if (starts("\xEF\xBB\xBF")) return by("UTF-8", bytes.substr(3), "bom"), out;
    if (starts("\xFF\xFE") && by("UTF-16LE", bytes.substr(2), "bom")) return out;
    if (starts("\xFE\xFF") && by("UTF-16BE", bytes.substr(2), "bom")) return out;
    const std::string from_header = header.empty() ? "" : charset_of(header);
    const std::string from_page = declared_in_page(bytes);
    const bool stateful = from_header.compare(0, 8, "ISO-2022") == 0 || from_page.compare(0, 8, "ISO-2022") == 0 || from_header.compare(0, 6, "UTF-16") == 0;
    if (!stateful && is_valid_utf8(bytes)) {
        out.text = bytes, out.charset = "UTF-8", out.how = "valid";
        return out;
    }
    for (const auto& [charset, how] : {std::pair{from_header, "header"}, std::pair{from_page, "meta"}}) {
        if (charset.empty() || !by(charset, bytes, how)) continue;
        // A label under which more than one character in a hundred is broken is wrong.
        if (out.broken * 100 <= int64_t(out.text.size())) return out;
        out.broken = 0;
    }
    const std::string guessed = guess(bytes);
    if (!guessed.empty() && by(guessed, bytes, "guess")) return out;
    by("WINDOWS-1252", bytes, "fallback");
    return out;
}
