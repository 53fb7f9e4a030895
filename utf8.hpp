// utf8.hpp -- reading UTF-8 that may be broken.
//
// Text is bytes; most of it is UTF-8, none of it has to be. `decode_utf8` reads one character strictly (no overlong
// forms, no surrogates, nothing above U+10FFFF), so a code point from it is always a valid index into a table of
// 0x110000 entries. `to_valid_utf8` replaces what is broken by U+FFFD, one per maximal broken part as Unicode
// recommends and Python does. `Utf8Stream` cuts a stream of bytes only between characters: for text that appears token
// by token.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

struct Utf8Char {
    int32_t code;  // code point, or -1 where the bytes are no character
    int32_t bytes; // its length; if code is -1, the length of the broken part (a prefix of some character, or one byte)
    bool cut;      // the text ended inside of what could have become a character
};

// The character at p < end.
inline Utf8Char decode_utf8(const char* p, const char* end) {
    const auto* s = reinterpret_cast<const unsigned char*>(p);
    const uint32_t lead = s[0];
    if (lead < 0x80) return {int32_t(lead), 1, false};
    if (lead < 0xC2 || lead > 0xF4) return {-1, 1, false};  // continuation, C0 and C1 (overlong), beyond U+10FFFF
    const int32_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // The second byte decides about overlong forms (E0, F0), surrogates (ED) and the end of Unicode (F4).
    const uint32_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint32_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    uint32_t code = lead & (0x7Fu >> length);
    for (int32_t i = 1; i < length; i++) {
        if (p + i == end) return {-1, i, true};
        if (s[i] < (i == 1 ? low : 0x80) || s[i] > (i == 1 ? high : 0xBF)) return {-1, i, false};
        code = code << 6 | (s[i] & 0x3F);
    }
    return {int32_t(code), length, false};
}

inline void append_utf8(std::string& out, uint32_t code) {
    if (code < 0x80) {
        out += char(code);
    } else if (code < 0x800) {
        out += char(0xC0 | code >> 6);
        out += char(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out += char(0xE0 | code >> 12);
        out += char(0x80 | (code >> 6 & 0x3F));
        out += char(0x80 | (code & 0x3F));
    } else {
        out += char(0xF0 | code >> 18);
        out += char(0x80 | (code >> 12 & 0x3F));
        out += char(0x80 | (code >> 6 & 0x3F));
        out += char(0x80 | (code & 0x3F));
    }
}

inline bool is_valid_utf8(std::string_view text) {
    const char *p = text.data(), *end = p + text.size();
    while (p < end) {
        uint64_t eight;                              // most text is ASCII for long stretches
        if (end - p >= 8 && (std::memcpy(&eight, p, 8), eight & 0x8080808080808080) == 0) {
            p += 8;
            continue;
        }
        const Utf8Char c = decode_utf8(p, end);
        if (c.code < 0) return false;
        p += c.bytes;
    }
    return true;
}

inline std::string to_valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    const char *p = text.data(), *end = p + text.size();
    while (p < end) {
        const Utf8Char c = decode_utf8(p, end);
        if (c.code < 0) out += "\xEF\xBF\xBD";
        else out.append(p, size_t(c.bytes));
        p += c.bytes;
    }
    return out;
}

// Bytes go in at any cut, characters come out: an unfinished character at the end (at most 3 bytes) waits for the next
// push. Bytes that cannot become a character pass through unchanged, so all outputs together are the input, byte for
// byte.
class Utf8Stream {
   public:
    std::string push(std::string_view bytes) {
        std::string text = std::move(held_);
        held_.clear();
        text += bytes;
        // An unfinished character starts in the last 3 bytes, at the last byte that is no continuation.
        for (size_t back = 1; back <= 3 && back <= text.size(); back++) {
            const size_t at = text.size() - back;
            if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
            if (decode_utf8(text.data() + at, text.data() + text.size()).cut) {
                held_ = text.substr(at);
                text.resize(at);
            }
            break;
        }
        return text;
    }
    // What is still held, at the end of the stream: the start of a character that never came.
    std::string flush() { return std::exchange(held_, std::string()); }

   private:
    std::string held_;
};

// Text for an HTML page or attribute.
inline std::string html_escaped(std::string_view text) {
    std::string s;
    for (const char c : text) {
        if (c == '&') s += "&amp;";
        else if (c == '<') s += "&lt;";
        else if (c == '>') s += "&gt;";
        else if (c == '"') s += "&quot;";
        else if (c == '\'') s += "&#39;";
        else s += c;
    }
    return s;
}
