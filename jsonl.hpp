// jsonl.hpp -- the text of a line of JSONL, as fast as it can be checked.
//
// A corpus is lines like {"text": "...", "url": "..."}, and only one field of each is wanted. `JsonField` walks through the
// line once: plain stretches of a string are found 16 bytes at a time and copied whole, only escapes and characters beyond
// ASCII are looked at one by one, and other fields are checked but not built. What it accepts is valid JSON (a part of it:
// whatever is unusual, such as numbers with exponents, it leaves alone); what it does not accept goes to nlohmann::json,
// which decides, and names the byte where it is broken. So the answer is always nlohmann's, but for half a surrogate pair
// ("\ud83d"), which Python writes and nlohmann refuses: it becomes U+FFFD (mend_surrogates).
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common.hpp"
#include "json_text.hpp"
#include "utf8.hpp"

namespace tokenize {

// Reads the string `field` of the object that a line is. One pass; gives up (false) on anything that it does not know.
class JsonField {
   public:
    JsonField(std::string_view line, std::string_view field, std::string& text)
        : p_(line.data()), end_(line.data() + line.size()), field_(field), text_(text) {}
    // The line is a JSON object with that string, which is in `text` now.
    bool read() {
        space();
        if (!object(0)) return false;
        space();
        return p_ == end_ && found_;
    }

   private:
    static constexpr int kDepth = 32;                    // of nesting; deeper lines are nlohmann's

    void space() {
        while (p_ < end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\r' || *p_ == '\n')) p_++;
    }
    bool take(char c) { return p_ < end_ && *p_ == c ? p_++, true : false; }
    bool object(int depth) {
        if (!take('{')) return false;
        space();
        if (take('}')) return true;
        do {
            space();
            const char* name = p_ + 1;
            if (!string(nullptr) || key_has_escape_) return false;
            const bool wanted = depth == 0 && std::string_view(name, size_t(p_ - 1 - name)) == field_;
            space();
            if (!take(':')) return false;
            space();
            if (wanted && p_ < end_ && *p_ == '"') {
                text_.clear();                           // of two fields with one name the last one counts
                if (!string(&text_)) return false;
                found_ = true;
            } else if (!value(depth)) {
                return false;
            }
            space();
        } while (take(','));
        return take('}');
    }
    bool array(int depth) {
        if (!take('[')) return false;
        space();
        if (take(']')) return true;
        do {
            space();
            if (!value(depth)) return false;
            space();
        } while (take(','));
        return take(']');
    }
    bool value(int depth) {
        if (p_ == end_ || depth == kDepth) return false;
        if (*p_ == '"') return string(nullptr);
        if (*p_ == '{') return object(depth + 1);
        if (*p_ == '[') return array(depth + 1);
        for (const std::string_view word : {std::string_view("true"), std::string_view("false"), std::string_view("null")})
            if (std::string_view(p_, size_t(end_ - p_)).starts_with(word)) return p_ += word.size(), true;
        return number();
    }
    // -?(0|[1-9][0-9]*)(\.[0-9]+)?, short enough for any type
    bool number() {
        const char* begin = p_;
        take('-');
        const auto digits = [&] {
            const char* first = p_;
            while (p_ < end_ && *p_ >= '0' && *p_ <= '9') p_++;
            return p_ - first;
        };
        const bool zero = p_ < end_ && *p_ == '0';
        const auto whole = digits();
        if (whole == 0 || (zero && whole > 1)) return false;
        if (take('.') && digits() == 0) return false;
        return p_ - begin <= 18 && !(p_ < end_ && (*p_ == 'e' || *p_ == 'E'));
    }

    // How many bytes from p on need no thought: none of " and \, no control, nothing beyond ASCII.
    static size_t plain_bytes(const char* p, const char* end) {
        const char* begin = p;
#ifdef __SSE2__
        for (; end - p >= 16; p += 16) {
            const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
            // as signed bytes, both controls and bytes beyond ASCII are below 0x20
            const __m128i special = _mm_or_si128(_mm_cmplt_epi8(c, _mm_set1_epi8(0x20)),
                                                 _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('"')), _mm_cmpeq_epi8(c, _mm_set1_epi8('\\'))));
            if (const int mask = _mm_movemask_epi8(special)) return size_t(p - begin) + size_t(__builtin_ctz(unsigned(mask)));
        }
#endif
        while (p < end && static_cast<signed char>(*p) >= 0x20 && *p != '"' && *p != '\\') p++;
        return size_t(p - begin);
    }
    // A string, which is appended to `out` if there is one.
    bool string(std::string* out) {
        if (!take('"')) return false;
        key_has_escape_ = false;
        for (;;) {
            const size_t plain = plain_bytes(p_, end_);
            if (out) out->append(p_, plain);
            p_ += plain;
            if (p_ == end_) return false;
            if (take('"')) return true;
            if (*p_ == '\\') {
                key_has_escape_ = true;
                if (!escape(out)) return false;
            } else {
                const Utf8Char c = decode_utf8(p_, end_);
                if (c.code < 0x80) return false;         // broken, or a control
                if (out) out->append(p_, size_t(c.bytes));
                p_ += c.bytes;
            }
        }
    }
    bool escape(std::string* out) {
        if (end_ - p_ < 2) return false;
        static constexpr char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        if (const char* at = p_[1] ? std::strchr(from, p_[1]) : nullptr) {
            if (out) *out += to[at - from];
            p_ += 2;
            return true;
        }
        uint32_t code = 0, low = 0;
        if (!hex(code)) return false;
        if (code >= 0xD800 && code < 0xE000) {           // half of a pair: the other half has to follow
            if (code >= 0xDC00 || !hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
            code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
        }
        if (out) append_utf8(*out, code);
        return true;
    }
    bool hex(uint32_t& unit) {                           // \uXXXX
        if (end_ - p_ < 6 || p_[0] != '\\' || p_[1] != 'u') return false;
        for (int i = 2; i < 6; i++) {
            const char c = p_[i], lower = char(c | 0x20);
            const bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
            if (!digit && !letter) return false;
            unit = unit << 4 | uint32_t(digit ? c - '0' : lower - 'a' + 10);
        }
        p_ += 6;
        return true;
    }

    const char *p_, *end_;
    std::string_view field_;
    std::string& text_;
    bool found_ = false, key_has_escape_ = false;
};

// The string field of the object that a line of JSONL is, without building the rest of it: what JsonField leaves alone is read by nlohmann's
// parser, which shows the parts as they come, and keeps none.
class TextFieldReader {
   public:
    explicit TextFieldReader(const std::string& field) : field_(field) {}
    // "" if the text is there, else what is wrong
    std::string read(std::string_view line, std::string& text) {
        if (JsonField(line, field_, text).read()) return "";
        return read_slowly(line, text);
    }
    // The same without JsonField (the tests compare).
    std::string read_slowly(std::string_view line, std::string& text) {
        std::string broken = parse(line, text);          // half a surrogate pair is no character, but Python writes it
        if (!broken.empty() && (line.find("\\u") == line.npos || !parse(mend_surrogates(std::string(line)), text).empty())) return broken;
        if (!object_) return "expected a JSON object";
        return found_ ? "" : cat("the object has no string \"", field_, "\"");
    }

   private:
    // "" if the line is JSON, else where it is not
    std::string parse(std::string_view line, std::string& text) {
        using Json = nlohmann::json;
        bool wanted = false;
        object_ = found_ = false;
        const auto watch = [&](int depth, Json::parse_event_t event, Json& part) {
            using Event = Json::parse_event_t;
            if (event == Event::object_start && depth == 0) object_ = true;
            if (event == Event::value && wanted && depth == 1 && part.is_string()) text = std::move(part.get_ref<std::string&>()), found_ = true;
            wanted = event == Event::key && depth == 1 && part.get_ref<const std::string&>() == field_;
            return event != Event::value && (event != Event::object_start || depth == 0) && event != Event::array_start;   // keep it?
        };
        try {
            parse_json_text<Json>(line, watch);
        } catch (const Json::parse_error& e) {
            return cat("broken JSON at byte ", e.byte);
        } catch (const Json::out_of_range&) {
            return "broken JSON: a number is too large";
        }
        return "";
    }
    std::string field_;
    bool found_ = false, object_ = false;                // of the line read last
};

}  // namespace tokenize
