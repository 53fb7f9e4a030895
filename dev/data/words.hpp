// words.hpp -- words and sentences as the filters count them.
//
// "Mean word length below 3" depends on what a word is. The published thresholds belong to the tokenizers of datatrove:
// today spaCy's for English (rules only, no model). This is that algorithm, written anew: text is cut at white space; from
// each chunk prefixes and suffixes (brackets, quotes, units behind digits) are peeled off until none is left, a special word
// stops the peeling ("don't" is do + n't, "U.S." stays), a web address stays whole, and the rest is cut at infixes
// ("well-known" gives three words). A word is always a piece of the text, so a token is two positions.
// Everything runs on code points, because the rules count them: `Characters` decodes once and looks up one integer of class
// bits per character (text_tables.hpp), which all filters share.
// Does not: know languages other than English, or read a model. test_data.cpp measures how often it differs from spaCy.
#pragma once

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "../../utf8.hpp"
#include "special_words.hpp"
#include "text_tables.hpp"

namespace webtext {

using namespace tables;

// The class bits of every code point (0x110000 entries), made from the runs once.
inline const uint32_t* class_table() {
    static const std::vector<uint32_t> table = [] {
        std::vector<uint32_t> t(0x110000);
        constexpr size_t runs = sizeof kRuns / sizeof *kRuns;
        for (size_t i = 0; i < runs; i++)
            std::fill(t.begin() + long(kRuns[i] >> 8), i + 1 < runs ? t.begin() + long(kRuns[i + 1] >> 8) : t.end(), kClasses[kRuns[i] & 255]);
        return t;
    }();
    return table.data();
}

// Lower case, one character for one. U+0130, whose lower case is i and a dot above, gives i.
inline char32_t lower_case(char32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    static const std::vector<uint32_t> table = [] {
        std::vector<uint32_t> t(0x1E944);
        for (uint32_t i = 0; i < t.size(); i++) t[i] = i;
        for (const uint64_t row : kLowerCase)
            if (const size_t c = size_t(row >> 21); c < t.size()) t[c] = uint32_t(row & 0x1FFFFF);
        t[0x130] = 'i';
        return t;
    }();
    return c < table.size() ? char32_t(table[c]) : c;
}

// A text as code points with their classes. Positions everywhere below count code points.
struct Characters {
    std::u32string c;
    std::vector<uint32_t> bits;
    bool ascii = false;                                  // what was assigned: then a character is a byte

    Characters() = default;
    explicit Characters(std::string_view utf8) { assign(utf8); }
    // Broken UTF-8 becomes U+FFFD.
    void assign(std::string_view utf8) {
        ascii = is_ascii(utf8);
        const uint32_t* table = class_table();
        c.resize(utf8.size());
        bits.resize(utf8.size());
        size_t n = 0;
        for (const char *p = utf8.data(), *end = p + utf8.size(); p < end; n++) {
            char32_t code = static_cast<unsigned char>(*p);
            if (code < 0x80) {
                p++;
            } else {
                const Utf8Char u = decode_utf8(p, end);
                code = u.code < 0 ? 0xFFFD : char32_t(u.code);
                p += u.bytes;
            }
            c[n] = code;
            bits[n] = table[code];
        }
        c.resize(n);
        bits.resize(n);
    }
    size_t size() const { return c.size(); }
    bool is(size_t i, uint32_t mask) const { return bits[i] & mask; }
    static bool is_ascii(std::string_view s) {
        unsigned char all = 0;
        for (const char c : s) all |= static_cast<unsigned char>(c);
        return all < 0x80;
    }
    std::string utf8(size_t from, size_t to) const {
        std::string s;
        s.reserve(to - from);
        for (size_t i = from; i < to; i++) append_utf8(s, c[i]);
        return s;
    }
};

// A piece of a text, [from, to).
struct Span {
    uint32_t from = 0, to = 0;
    uint32_t size() const { return to - from; }
    bool operator==(const Span&) const = default;
};

// Python's str.strip on a piece.
inline Span strip(const Characters& t, Span s) {
    while (s.from < s.to && t.is(s.from, kSpace)) s.from++;
    while (s.to > s.from && t.is(s.to - 1, kSpace)) s.to--;
    return s;
}

// Python's str.splitlines: also at \v \f 1C 1D 1E 85 2028 2029; \r\n is one end; no empty line behind the last end.
inline void split_lines(const Characters& t, std::vector<Span>& lines) {
    lines.clear();
    const uint32_t n = uint32_t(t.size());
    uint32_t start = 0;
    for (uint32_t i = 0; i < n; i++) {
        const char32_t c = t.c[i];
        if (c > 0x1E && c < 0x85) continue;              // nearly all
        if (!((c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029)) continue;
        lines.push_back({start, i});
        if (c == '\r' && i + 1 < n && t.c[i + 1] == '\n') i++;
        start = i + 1;
    }
    if (start < n) lines.push_back({start, n});
}

// 64 bits of a piece of text: what two equal pieces share, and two different ones share with chance 2^-64.
inline uint64_t hash_span(const Characters& t, Span s) {
    uint64_t h = 0x9E3779B97F4A7C15ull ^ s.size();
    const char32_t *p = t.c.data() + s.from, *end = t.c.data() + s.to;
    for (; end - p >= 2; p += 2) h = (h ^ (uint64_t(p[0]) << 32 | p[1])) * 0xD6E8FEB86659FD93ull, h ^= h >> 32;
    if (p < end) h = (h ^ *p) * 0xD6E8FEB86659FD93ull, h ^= h >> 32;
    return h;
}

// Cuts text into words. Not thread safe (it keeps buffers); make one per thread.
class Tokenizer {
   public:
    Tokenizer() {
        for (const Special& s : kSpecial) add_special(s);
        // Special words that the affix rules would cut are also put together again from their pieces ("great:)").
        for (auto& [hash, rule] : specials_) {
            const Characters word(std::u32string_view(rule.word).empty() ? std::string() : to_utf8(rule.word));
            text_ = &word;
            tokens_.clear();
            use_specials_ = false;
            const Span all{0, uint32_t(word.size())};
            chunk(all);
            use_specials_ = true;
            bool space = false;
            for (size_t i = 0; i < word.size(); i++) space |= word.is(i, kSpace);
            if (prefix(all) || suffix(all) || has_infix(word) || space)
                for (const Span& t : tokens_) rule.cut.push_back(uint8_t(t.to));
        }
    }

    // The words of t in order, into `words`. White space is no word.
    void words(const Characters& t, std::vector<Span>& words) {
        run(t, {0, uint32_t(t.size())});
        words.clear();
        for (const Span& token : tokens_)
            if (!t.is(token.from, kSpace) && !t.is(token.to - 1, kSpace)) words.push_back(token);
            else if (const Span s = strip(t, token); s.size()) words.push_back(s);
    }

    // Number of sentences of a piece of t, as spaCy's sentencizer: a sentence ends behind a token that is . ! ? or one of
    // their kin in other scripts, and the next one starts at the first token that is no punctuation.
    int64_t count_sentences(const Characters& t, Span piece) {
        run(t, piece);
        if (tokens_.empty()) return 1;                   // datatrove: the span of an empty list is the whole text
        int64_t sentences = 1;
        bool ended = false;
        for (const Span& token : tokens_) {
            const bool end = token.size() == 1 && t.is(token.from, kSentenceEnd);
            bool punct = true;
            for (uint32_t i = token.from; i < token.to && punct; i++) punct = t.is(i, kIsPunct);
            if (ended && !punct && !end) sentences++, ended = false;
            else if (end) ended = true;
        }
        return sentences;
    }

   private:
    struct Rule {
        std::u32string word;
        std::vector<uint8_t> parts;                      // ends of the tokens of a special word
        std::vector<uint8_t> cut;                        // ends of the tokens without the rule; empty: not put together again
    };

    static std::string to_utf8(const std::u32string& s) {
        std::string out;
        for (const char32_t c : s) append_utf8(out, c);
        return out;
    }
    void add_special(const Special& s) {
        const Characters word{std::string_view(s.word)};
        Rule rule{word.c, {}, {}};
        uint8_t end = 0;
        for (const char* p = s.parts; *p; p++) rule.parts.push_back(end = uint8_t(end + (*p <= '9' ? *p - '0' : *p - 'a' + 10)));
        longest_special_ = std::max(longest_special_, uint32_t(word.size()));
        ends_[end_class(word, {0, uint32_t(word.size())})] |= uint16_t(1u << (word.size() - 1));
        specials_.emplace(hash_span(word, {0, uint32_t(word.size())}), std::move(rule));
    }
    size_t end_class(Span s) const { return end_class(*text_, s); }
    static size_t end_class(const Characters& t, Span s) { return (t.c[s.from] & 127) << 7 | (t.c[s.to - 1] & 127); }
    const Rule* special(Span s) const {
        // most words are ruled out by their length and ends, before any hash
        if (!use_specials_ || s.size() > longest_special_ || !(ends_[end_class(s)] >> (s.size() - 1) & 1)) return nullptr;
        const auto it = specials_.find(hash_span(*text_, s));
        return it != specials_.end() && std::u32string_view(text_->c).substr(s.from, s.size()) == it->second.word ? &it->second : nullptr;
    }

    // All tokens of the piece, white-space tokens too (whatever is more than one space between chunks).
    void run(const Characters& t, Span piece) {
        text_ = &t;
        tokens_.clear();
        uint32_t start = piece.from;
        bool in_space = piece.size() && t.is(piece.from, kSpace);
        for (uint32_t i = piece.from; i < piece.to; i++) {
            if (t.is(i, kSpace) == in_space) continue;
            if (start < i) in_space ? tokens_.push_back({start, i}) : chunk({start, i});
            start = t.c[i] == ' ' ? i + 1 : i;
            in_space = !in_space;
        }
        if (start < piece.to) in_space ? tokens_.push_back({start, piece.to}) : chunk({start, piece.to});
    }

    void chunk(Span s) {
        if (plain(s)) {                                  // letters only: a special word or a word
            if (const Rule* rule = special(s)) emit(s, *rule);
            else tokens_.push_back(s);
            return;
        }
        const size_t first = tokens_.size();
        suffixes_.clear();
        bool found_special = false;
        for (uint32_t last = 0; s.size() && s.size() != last;) {
            if (special(s)) break;
            last = s.size();
            const uint32_t pre = prefix(s);
            if (pre) {
                tokens_.push_back({s.from, s.from + pre});
                if (pre < s.size() && special({s.from + pre, s.to})) {
                    s.from += pre;
                    break;
                }
            }
            const uint32_t suf = suffix({s.from + pre, s.to});
            if (suf) {
                if (suf < s.size() && special({s.from, s.to - suf})) {
                    // the word with its prefix is special: the prefix stays in it
                    suffixes_.push_back({s.to - suf, s.to});
                    s.to -= suf;
                    if (pre) tokens_.pop_back();
                    break;
                }
                suffixes_.push_back({s.to - suf, s.to});
            }
            s.from += pre;
            s.to -= suf;
        }
        if (s.size()) {
            if (const Rule* rule = special(s)) emit(s, *rule), found_special = true;
            else infixes(s);
        }
        for (size_t i = suffixes_.size(); i-- > 0;) tokens_.push_back(suffixes_[i]);
        if (use_specials_ && tokens_.size() - first > 1 && !(found_special && tokens_.size() - first <= 2)) join_specials(first);
    }
    bool plain(Span s) const {
        for (uint32_t i = s.from; i < s.to; i++)
            if (text_->c[i] >= 0x80 || !text_->is(i, kAlpha)) return false;
        return true;
    }
    void emit(Span s, const Rule& rule) {
        uint32_t from = s.from;
        for (const uint8_t end : rule.parts) tokens_.push_back({from, s.from + end}), from = s.from + end;
    }

    // ---- affixes: how many characters of the piece are cut off

    uint32_t prefix(Span s) const {
        const auto& c = text_->c;
        const char32_t f = c[s.from];
        if (f == '.') {                                  // two or more full stops
            uint32_t i = s.from;
            while (i < s.to && c[i] == '.') i++;
            return i - s.from >= 2 ? i - s.from : 0;
        }
        if (f == '+') return s.size() > 1 && c[s.from + 1] >= '0' && c[s.from + 1] <= '9' ? 0 : 1;
        if (text_->is(s.from, kPrefix)) return 1;
        if ((f == 'U' && s.size() > 2 && c[s.from + 1] == 'S' && c[s.from + 2] == '$')) return 3;
        return (f == 'C' || f == 'A') && s.size() > 1 && c[s.from + 1] == '$' ? 2 : 0;
    }
    bool ascii_digit(uint32_t i) const { return text_->c[i] >= '0' && text_->c[i] <= '9'; }
    // The longest suffix: a regular expression is searched from the left, so its first match starts furthest in front.
    uint32_t suffix(Span s) const {
        if (!s.size()) return 0;
        const auto& c = text_->c;
        const uint32_t n = s.size(), last = s.to - 1;
        uint32_t best = text_->is(last, kSuffix) ? 1 : 0;
        const auto behind_digit = [&](uint32_t length) { return n > length && ascii_digit(s.to - length - 1); };
        if (c[last] == '.') {
            uint32_t i = s.to;
            while (i > s.from && c[i - 1] == '.') i--;
            if (s.to - i >= 2) return s.to - i;
            if (n >= 2 && text_->is(last - 1, kBeforeDot)) best = 1;
            if (n >= 3 && text_->is(last - 1, kUpper) && text_->is(last - 2, kUpper)) best = 1;
            if (n >= 3 && c[last - 2] == 0xB0 && std::u32string_view(U"FfCcKk").find(c[last - 1]) != std::u32string_view::npos) best = 1;
            return best;
        }
        if (c[last] == '+' && behind_digit(1)) return 1;
        if (n >= 2 && (c[last] == 's' || c[last] == 'S') && (c[last - 1] == '\'' || c[last - 1] == 0x2019)) best = 2;
        if (n >= 2 && c[last] == 0x2026 && c[last - 1] == 0x2026) best = 2;
        if (text_->is(last, kCurrency) && behind_digit(1)) best = std::max(best, 1u);
        if (c[last] == '$') {
            if (n >= 3 && c[last - 1] == 'S' && c[last - 2] == 'U' && behind_digit(3)) return 3;
            if (n >= 2 && (c[last - 1] == 'C' || c[last - 1] == 'A') && behind_digit(2)) best = std::max(best, 2u);
        }
        for (uint32_t length = std::min(n, kLongestUnit + 1) - 1; length > best; length--)
            if (behind_digit(length) && is_unit(s.to - length, length)) return length;
        return best;
    }
    static constexpr uint32_t kLongestUnit = 5;
    bool is_unit(uint32_t at, uint32_t length) const {
        static const std::vector<std::u32string> units = [] {
            std::vector<std::u32string> u;
            for (const char* word : kUnits) u.push_back(Characters(std::string_view(word)).c);
            return u;
        }();
        const auto piece = std::u32string_view(text_->c).substr(at, length);
        for (const auto& u : units)
            if (u == piece) return true;
        return false;
    }

    // ---- infixes

    // The length of the infix that starts at i; 0: none.
    uint32_t infix(Span s, uint32_t i) const {
        const auto& c = text_->c;
        const char32_t x = c[i];
        if (x < 0x80 && text_->is(i, kIsAlpha | kDigit)) return 0;
        if (x == '.') {
            uint32_t end = i;
            while (end < s.to && c[end] == '.') end++;
            if (end - i >= 2) return end - i;
        }
        if (x == 0x2026 || text_->is(i, kIcon)) return 1;
        if (i == s.from || i + 1 >= s.to) return 0;
        const auto before = [&](uint32_t mask) { return text_->is(i - 1, mask); };
        const auto after = [&](uint32_t at, uint32_t mask) { return at < s.to && text_->is(at, mask); };
        const bool digit_before = ascii_digit(i - 1);
        if ((x == '+' || x == '-' || x == '*' || x == '^') && digit_before && (ascii_digit(i + 1) || c[i + 1] == '-')) return 1;
        if (x == '.') return before(kLower | kQuote) && after(i + 1, kUpper | kQuote) ? 1 : 0;
        if (x == ',') return before(kAlpha) && after(i + 1, kAlpha) ? 1 : 0;
        if (!before(kAlpha) && !digit_before) return 0;
        if (x == '-' || x == 0x2013 || x == 0x2014 || x == '~') {
            if (after(i + 1, kAlpha)) return 1;
            uint32_t end = i;
            while (end < s.to && c[end] == x) end++;
            const uint32_t length = end - i;
            const bool known = (x == '-' && (length == 2 || length == 3)) || (x == 0x2014 && length == 2);
            return known && after(end, kAlpha) ? length : 0;
        }
        return (x == ':' || x == '<' || x == '>' || x == '=' || x == '/') && after(i + 1, kAlpha) ? 1 : 0;
    }
    bool has_infix(const Characters& t) const {
        for (uint32_t i = 0; i < t.size(); i++)
            if (infix({0, uint32_t(t.size())}, i)) return true;
        return false;
    }
    void infixes(Span s) {
        uint32_t start = s.from;
        bool asked = false;
        for (uint32_t i = s.from; i < s.to;) {
            const uint32_t length = infix(s, i);
            if (!length) {
                i++;
                continue;
            }
            if (!std::exchange(asked, true) && is_url(s)) break;
            if (i != s.from) {                           // an infix at the very start is left where it is
                if (i != start) tokens_.push_back({start, i});
                tokens_.push_back({i, i + length});
                start = i + length;
            }
            i += length;
        }
        if (start < s.to) tokens_.push_back({start, s.to});
    }

    // ---- web addresses: [scheme://][user@](name.)+tld or a public IPv4, [:port][/path]

    bool is_url(Span s) const {
        const auto& c = text_->c;
        bool dot = false;
        for (uint32_t i = s.from; i < s.to && !dot; i++) dot = c[i] == '.';
        if (!dot) return false;
        uint32_t start = s.from;
        while (start < s.to && (text_->is(start, kWordChar) || c[start] == '+' || c[start] == '-' || c[start] == '.')) start++;
        const bool scheme = start - s.from >= 2 && start + 3 <= s.to && c[start] == ':' && c[start + 1] == '/' && c[start + 2] == '/';
        for (const uint32_t begin : {scheme ? start + 3 : s.from, s.from}) {
            uint32_t end = begin;
            if (host_and_path({begin, s.to}, end)) return true;
            for (uint32_t i = begin + 1; i < s.to; i++)
                if (c[i] == '@' && host_and_path({i + 1, s.to}, end)) return true;
            if (!scheme) break;
        }
        return false;
    }
    // `end`: of the host, as it was for a start further in front. It is looked for again only behind it: a chunk may be full of @.
    bool host_and_path(Span s, uint32_t& end) const {
        const auto& c = text_->c;
        end = std::max(end, s.from);
        while (end < s.to && c[end] != '/' && c[end] != '?' && c[end] != '#' && c[end] != ':') end++;
        uint32_t rest = end;
        if (rest < s.to && c[rest] == ':') {
            uint32_t digits = 0;
            while (digits < 6 && rest + 1 + digits < s.to && text_->is(rest + 1 + digits, kDigit)) digits++;
            if (digits < 2 || digits > 5) return false;
            rest += 1 + digits;
        }
        if (rest < s.to && c[rest] != '/' && c[rest] != '?' && c[rest] != '#') return false;
        return host_name({s.from, end}) || host_address({s.from, end});
    }
    bool host_name(Span s) const {
        const auto& c = text_->c;
        const auto inner = [&](char32_t x) { return (x < 0x80 && (class_table()[x] & kWordChar) && x != '_') || (x >= 0xA1 && x <= 0xFFFF); };
        uint32_t label = s.from;
        bool dots = false;
        for (uint32_t i = s.from; i < s.to; i++) {
            if (c[i] == '.') {
                const uint32_t length = i - label;
                if (length < 1 || length > 64 || !inner(c[label]) || !inner(c[i - 1])) return false;
                label = i + 1;
                dots = true;
            } else if (!inner(c[i]) && c[i] != '_' && c[i] != '-') {
                return false;
            }
        }
        if (!dots || s.to - label < 2 || s.to - label > 63) return false;
        for (uint32_t i = label; i < s.to; i++)
            if (!text_->is(i, kLower)) return false;
        return true;
    }
    bool host_address(Span s) const {
        int part[4] = {0, 0, 0, 0}, n = 0, digits = 0;
        for (uint32_t i = s.from; i < s.to; i++) {
            const char32_t x = text_->c[i];
            if (x == '.') {
                if (!digits || ++n > 3) return false;
                digits = 0;
            } else if (x >= '0' && x <= '9' && digits < 3) {
                part[n] = part[n] * 10 + int(x - '0');
                digits++;
            } else {
                return false;
            }
        }
        if (n != 3 || !digits) return false;
        const bool local = part[0] == 10 || part[0] == 127 || (part[0] == 169 && part[1] == 254) || (part[0] == 192 && part[1] == 168) ||
                           (part[0] == 172 && part[1] >= 16 && part[1] <= 31);
        return !local && part[0] >= 1 && part[0] <= 223 && part[1] <= 255 && part[2] <= 255 && part[3] >= 1 && part[3] <= 254;
    }

    // Neighbouring tokens of a chunk that the rules cut out of a special word become that word; the longest first.
    void join_specials(size_t first) {
        struct Match {
            size_t from, to;
            const Rule* rule;
        };
        std::vector<Match> matches;
        for (size_t i = first; i < tokens_.size(); i++)
            for (size_t j = i; j < tokens_.size() && tokens_[j].to - tokens_[i].from <= longest_special_; j++) {
                const Rule* rule = special({tokens_[i].from, tokens_[j].to});
                if (!rule || rule->cut.size() != j - i + 1) continue;
                bool same = true;
                for (size_t k = i; k <= j; k++) same = same && tokens_[k].to - tokens_[i].from == rule->cut[k - i];
                if (same) matches.push_back({i, j + 1, rule});
            }
        if (matches.empty()) return;
        std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
            return a.to - a.from != b.to - b.from ? a.to - a.from > b.to - b.from : a.from < b.from;
        });
        std::vector<const Match*> at(tokens_.size(), nullptr);
        std::vector<bool> taken(tokens_.size(), false);
        for (const Match& m : matches) {
            if (taken[m.from] || taken[m.to - 1]) continue;
            std::fill(taken.begin() + long(m.from), taken.begin() + long(m.to), true);
            at[m.from] = &m;
        }
        const std::vector<Span> old(tokens_.begin() + long(first), tokens_.end());
        tokens_.resize(first);
        for (size_t i = 0; i < old.size();) {
            if (const Match* m = at[first + i]) {
                emit({old[i].from, old[m->to - first - 1].to}, *m->rule);
                i = m->to - first;
            } else {
                tokens_.push_back(old[i++]);
            }
        }
    }

    std::unordered_map<uint64_t, Rule> specials_;
    uint32_t longest_special_ = 0;                       // at most 16
    std::vector<uint16_t> ends_ = std::vector<uint16_t>(1 << 14, 0);   // per first and last character: bit n - 1 says that a word of n has them
    bool use_specials_ = true;
    const Characters* text_ = nullptr;
    std::vector<Span> tokens_, suffixes_;
};

}  // namespace webtext
