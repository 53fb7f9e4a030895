// pretokenizer.hpp -- cut text into pieces, within which byte pairs may merge and across which they never do.
//
// GPT-2, GPT-4 (cl100k) and GPT-4o (o200k) cut by regular expressions. Each is written out here as a small state
// machine that looks at every character a bounded number of times: linear in the text, whatever the text. It asks a table
// for the class of a character, and finds the end of an ASCII word 16 bytes at a time. The semantics are those of
// tiktoken 0.14 (the patterns are quoted); the Unicode classes are of the version in unicode_tables.hpp.
// Bytes that are not UTF-8 are characters of one byte each, neither letter, number nor space: nothing is lost.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common.hpp"
#include "unicode_tables.hpp"
#include "utf8.hpp"

// none: the whole text is one piece. llama3: cl100k as many Hugging Face files have it; it differs at the end of the
// text only. nanochat: llama3 with numbers cut into pieces of two digits.
enum class Split { none, gpt2, cl100k, llama3, o200k, nanochat };

inline constexpr const char* kSplitNames[] = {"none", "gpt2", "cl100k", "llama3", "o200k", "nanochat"};

inline Split parse_split(const std::string& name) {
    for (size_t i = 0; i < sizeof kSplitNames / sizeof *kSplitNames; i++)
        if (name == kSplitNames[i]) return Split(i);
    throw UsageError(cat("unknown split pattern \"", name, "\""), "expected gpt2, cl100k, o200k, llama3 or nanochat");
}

// What the patterns ask about a character, one bit each. Every character has exactly one of the first four.
enum CharBits : uint8_t {
    kLetter = 1,  // \p{L}
    kNumber = 2,  // \p{N}
    kSpace = 4,   // \s
    kOther = 8,   // [^\s\p{L}\p{N}]
    kUpper = 16,  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]: what may begin a word of o200k
    kLower = 32,  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]: what may go on with it
};

// The bits of every code point: 1.1 MB, of which a text touches a few cache lines. Filled on first use.
inline const uint8_t* char_bits() {
    static const std::vector<uint8_t> table = [] {
        using unicode::Class;
        auto bits = [](Class c) -> uint8_t {
            switch (c) {
                case Class::Lu: case Class::Lt: return kLetter | kUpper;
                case Class::Ll: return kLetter | kLower;
                case Class::Lm: case Class::Lo: return kLetter | kUpper | kLower;
                case Class::M: return kOther | kUpper | kLower;
                case Class::N: return kNumber;
                case Class::white_space: return kSpace;
                case Class::other: break;
            }
            return kOther;
        };
        std::vector<uint8_t> t(0x110000);
        const size_t runs = sizeof unicode::kRuns / sizeof *unicode::kRuns;
        for (size_t i = 0; i < runs; i++) {
            const uint32_t first = unicode::kRuns[i] >> 4, next = i + 1 < runs ? unicode::kRuns[i + 1] >> 4 : 0x110000;
            std::memset(&t[first], bits(Class(unicode::kRuns[i] & 15)), next - first);
        }
        return t;
    }();
    return table.data();
}

// The class table answers for one character at a time. The words of most text are ASCII letters, and these functions
// answer for 16 bytes at once, a bit each. SSE2 is a part of x86-64, so nothing has to be chosen at run time; wider
// registers were not tried: words of more than 16 letters are rare.
struct AsciiLetters {
    uint32_t upper, lower;                       // bit i: byte i is A-Z, a-z
    explicit AsciiLetters(const char* p) {
#ifdef __SSE2__
        const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        // c - first is below 26; bytes compare as signed numbers, so both sides are moved by 128
        const auto from = [&](char first) {
            const __m128i x = _mm_add_epi8(c, _mm_set1_epi8(char(128 - first)));
            return uint32_t(_mm_movemask_epi8(_mm_cmplt_epi8(x, _mm_set1_epi8(char(-128 + 26)))));
        };
        upper = from('A'), lower = from('a');
#else
        upper = lower = 0;
        for (int i = 0; i < 16; i++) {
            upper |= uint32_t(p[i] >= 'A' && p[i] <= 'Z') << i;
            lower |= uint32_t(p[i] >= 'a' && p[i] <= 'z') << i;
        }
#endif
    }
};
// Set bits from bit 0 on.
inline int leading_run(uint32_t bits) { return __builtin_ctz(~bits); }

class Splitter {
   public:
    explicit Splitter(Split split) : bits_(char_bits()), split_(split) {}

    // The end of the piece that starts at p < end. end must be the end of the text: the patterns look ahead.
    const char* piece_end(const char* p, const char* end) const {
        switch (split_) {
            case Split::gpt2: return gpt2_end(p, end);
            case Split::cl100k: return cl100k_end(p, end, true);
            case Split::llama3: case Split::nanochat: return cl100k_end(p, end, false);
            case Split::o200k: return o200k_end(p, end);
            case Split::none: break;
        }
        return end;
    }

   private:
    struct Char {
        uint8_t bits;
        int32_t bytes;
    };
    Char at(const char* p, const char* end) const {
        if (static_cast<signed char>(*p) >= 0) return {bits_[static_cast<unsigned char>(*p)], 1};
        return beyond_ascii(p, end);
    }
    Char beyond_ascii(const char* p, const char* end) const {
        const Utf8Char c = decode_utf8(p, end);
        return c.code < 0 ? Char{kOther, 1} : Char{bits_[c.code], c.bytes};
    }
    bool is(const char* p, const char* end, int bits) const { return p < end && (at(p, end).bits & bits); }

    // The end of the longest run of letters from p.
    const char* letters(const char* p, const char* end) const {
        while (end - p >= 16) {
            const AsciiLetters ascii(p);
            const int n = leading_run(ascii.upper | ascii.lower);
            p += n;
            if (n == 16) continue;
            if (static_cast<signed char>(*p) >= 0) return p;
            break;                               // a character beyond ASCII, perhaps a letter
        }
        return run(p, end, kLetter);
    }

    // The end of the longest run from p of characters that have one of `bits`.
    const char* run(const char* p, const char* end, int bits) const {
        while (p < end) {
            const Char c = at(p, end);
            if (!(c.bits & bits)) break;
            p += c.bytes;
        }
        return p;
    }
    const char* up_to_numbers(int most, const char* p, const char* end) const {
        for (int n = 0; n < most && p < end; n++) {
            const Char c = at(p, end);
            if (!(c.bits & kNumber)) break;
            p += c.bytes;
        }
        return p;
    }
    static const char* newlines(const char* p, const char* end, bool slash) {
        while (p < end && (*p == '\r' || *p == '\n' || (slash && *p == '/'))) p++;
        return p;
    }

    // '(?:[sdmt]|ll|ve|re) at p, or nullptr. With fold it is (?i:...), where s is also U+017F, the long s (C5 BF).
    static const char* contraction(const char* p, const char* end, bool fold) {
        if (end - p < 2 || *p != '\'') return nullptr;
        auto lower = [&](char c) { return fold && c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; };
        const char a = lower(p[1]);
        if (a == 's' || a == 'd' || a == 'm' || a == 't') return p + 2;
        if (end - p < 3) return nullptr;
        if (fold && p[1] == '\xC5' && p[2] == '\xBF') return p + 3;
        const char b = lower(p[2]);
        return (a == 'l' && b == 'l') || (a == 'v' && b == 'e') || (a == 'r' && b == 'e') ? p + 3 : nullptr;
    }

    // White space at p: [\s*[\r\n]+ |] \s+(?!\S) | \s+. That is: where `to_newline`, up to the last line break of the
    // run; else all of it at the end of the text; else all but its last character, which the next piece may begin with.
    const char* space_end(const char* p, const char* end, bool to_newline) const {
        const char *q = p, *last = p, *after_newline = nullptr;
        while (q < end) {
            const Char c = at(q, end);
            if (!(c.bits & kSpace)) break;
            last = q;
            if (*q == '\n' || *q == '\r') after_newline = q + 1;
            q += c.bytes;
        }
        if (to_newline && after_newline) return after_newline;
        return q == end || last == p ? q : last;
    }

    // gpt2    '(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s
    const char* gpt2_end(const char* p, const char* end) const {
        if (*p == '\'')
            if (const char* e = contraction(p, end, false)) return e;
        const char* q = p + (*p == ' ' && p + 1 < end);
        const int bits = at(q, end).bits & (kLetter | kNumber | kOther);
        if (bits == kLetter) return letters(q, end);
        return bits ? run(q, end, bits) : space_end(p, end, false);
    }

    // cl100k  '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$
    //         |\s*[\r\n]|\s+(?!\S)|\s
    // llama3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
    //         |\s+(?!\S)|\s+      the same but for \s++$: white space that ends the text is one piece in cl100k alone
    // nanochat  llama3 with \p{N}{1,2}: numbers in pieces of two digits
    const char* cl100k_end(const char* p, const char* end, bool whole_tail) const {
        if (*p == '\'')
            if (const char* e = contraction(p, end, true)) return e;
        const Char c = at(p, end);
        if (c.bits & kLetter) return letters(p, end);
        if (c.bits & kNumber) return up_to_numbers(split_ == Split::nanochat ? 2 : 3, p, end);
        const char* q = p + c.bytes;
        if (*p != '\r' && *p != '\n' && is(q, end, kLetter)) return letters(q, end);
        if (c.bits & kOther) return newlines(run(p, end, kOther), end, false);
        if (*p == ' ' && is(q, end, kOther)) return newlines(run(q, end, kOther), end, false);
        if (whole_tail && run(p, end, kSpace) == end) return end;
        return space_end(p, end, true);
    }

    // o200k
    //  a [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
    // |b [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
    // |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
    const char* o200k_end(const char* p, const char* end) const {
        const Char c = at(p, end);
        const char* q = p + c.bytes;
        if (c.bits & kNumber) return up_to_numbers(3, p, end);
        if (c.bits & kLetter) {  // a letter is no prefix
            const Word w = word(p, end);
            return with_contraction(w.a ? w.a : w.b, end);
        }
        if (*p != '\r' && *p != '\n') {
            const Word w = word(q, end);  // c is the prefix; a comes before b, and in a first with the prefix ...
            if (w.a) return with_contraction(w.a, end);
            if (c.bits & kLower) return with_contraction(word(p, end).a, end);  // ... then without it: c is a mark
            if (w.b) return with_contraction(w.b, end);
        }
        if (c.bits & kOther) return newlines(run(p, end, kOther), end, true);
        if (*p == ' ' && is(q, end, kOther)) return newlines(run(q, end, kOther), end, true);
        return space_end(p, end, true);
    }

    // Where [upper]*[lower]+ (a) and [upper]+[lower]* (b, if a fails) end that start at p; nullptr: no match.
    struct Word {
        const char *a, *b;
    };
    Word word(const char* p, const char* end) const {
        if (end - p > 16) {
            const AsciiLetters ascii(p);
            const int upper = leading_run(ascii.upper), lower = leading_run(ascii.lower >> upper), n = upper + lower;
            if (n < 16 && static_cast<signed char>(p[n]) >= 0)
                return {lower ? p + n : nullptr, upper && !lower ? p + n : nullptr};
        }
        const char *q = p, *after_lower = nullptr;  // Lm, Lo and M are in both classes
        while (q < end) {
            const Char c = at(q, end);
            if (!(c.bits & kUpper)) break;
            q += c.bytes;
            if (c.bits & kLower) after_lower = q;
        }
        if (is(q, end, kLower)) return {run(q, end, kLower), nullptr};
        if (after_lower) return {after_lower, nullptr};  // [upper]* gives characters back until [lower]+ has one
        return {nullptr, q > p ? q : nullptr};
    }
    static const char* with_contraction(const char* p, const char* end) {
        const char* e = contraction(p, end, true);
        return e ? e : p;
    }

    const uint8_t* bits_;
    Split split_;
};

// Calls f(piece) for each piece of the text, in order; together the pieces are the text.
template <typename F>
void for_each_piece(Split split, std::string_view text, F&& f) {
    const Splitter splitter(split);
    const char *p = text.data(), *end = p + text.size();
    while (p < end) {
        const char* next = splitter.piece_end(p, end);
        f(std::string_view(p, size_t(next - p)));
        p = next;
    }
}

// ---- where a text may be cut in two without changing a piece

// Does the text end, begin with white space (as the patterns understand it)? True where it is empty.
inline bool ends_in_space(std::string_view text) {
    if (text.empty() || static_cast<unsigned char>(text.back()) <= 0x20) return true;  // controls: to be safe
    for (size_t bytes = 2; bytes <= 3 && bytes <= text.size(); bytes++) {
        const char* p = text.data() + text.size() - bytes;
        const Utf8Char c = decode_utf8(p, text.data() + text.size());
        if (c.code >= 0 && size_t(c.bytes) == bytes && (char_bits()[c.code] & kSpace)) return true;
    }
    return false;
}
inline bool starts_with_space(std::string_view text) {
    if (text.empty() || static_cast<unsigned char>(text[0]) <= 0x20) return true;
    const Utf8Char c = decode_utf8(text.data(), text.data() + text.size());
    return c.code >= 0 && (char_bits()[c.code] & kSpace);
}

// May the text be cut before byte i, 0 < i < size, without changing a piece of either side, whatever the pattern? Yes,
// before a U+0020 that follows no white space (each pattern begins a piece there, and what is before looks no further);
// and, for scripts without spaces, after a line feed that stands alone between two other characters (not before '/',
// which o200k takes along with line feeds). A cut elsewhere can change ids: "hello   " | "world" is not "hello   world".
inline bool is_safe_cut(std::string_view text, size_t i) {
    if (text[i] == ' ') return !ends_in_space(text.substr(0, i));
    return text[i - 1] == '\n' && text[i] != '/' && !ends_in_space(text.substr(0, i - 1)) && !starts_with_space(text.substr(i));
}
// The first such place at or after `at`; the end of the text if there is none.
inline size_t safe_cut(std::string_view text, size_t at) {
    for (size_t i = std::max(at, size_t(1)); i < text.size(); i++)
        if ((text[i] == ' ' || text[i - 1] == '\n') && is_safe_cut(text, i)) return i;
    return text.size();
}
// The last such place at or before `at` < size; 0 if there is none.
inline size_t safe_cut_before(std::string_view text, size_t at) {
    for (size_t i = at; i > 0; i--)
        if ((text[i] == ' ' || text[i - 1] == '\n') && is_safe_cut(text, i)) return i;
    return 0;
}
