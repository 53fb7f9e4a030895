// dev/test/regex_oracle.hpp -- a slow regular-expression matcher that takes the published split patterns as they are.
//
// pretokenizer.hpp writes each pattern out by hand; this reads its text and tries alternatives, quantifiers and lookahead
// one by one with backtracking, as the definition says. They share only the table of Unicode classes (which a test of its
// own compares with Python's), and even that is searched differently here. What it knows: literals, [sets], \p{..}, \s,
// \S, \r, \n, (?:..), (?i:..), (?!..), $, alternatives, ? * + {m,n}, and a possessive + behind them.
#pragma once

#include <map>
#include "../../unicode_tables.hpp"
#include "../../utf8.hpp"
#include "test.hpp"

namespace regex_oracle {

inline const std::map<std::string, std::string>& published() {
    static const std::map<std::string, std::string> patterns = {
        {"gpt2", R"('s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
        {"gpt2 in tiktoken", R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)"},
        {"cl100k", R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s)"},
        {"llama3", R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
        {"nanochat", R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"},
        {"o200k", R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
                  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
                  R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}};
    return patterns;
}

using Class = unicode::Class;
inline Class class_of(uint32_t code) {
    if (code > 0x10FFFF) return Class::other;                       // a broken byte
    const auto* after = std::upper_bound(std::begin(unicode::kRuns), std::end(unicode::kRuns), code << 4 | 15);
    return Class(after[-1] & 15);
}

class Regex {
   public:
    explicit Regex(std::string pattern) : pattern_(std::move(pattern)), top_(alternatives(false)) {
        if (at_ != pattern_.size()) throw Error(cat("regex oracle: what is \"", pattern_.substr(at_), "\"?"));
    }
    // The lengths in bytes of the pieces that repeated matching cuts from the text.
    std::vector<size_t> pieces(std::string_view bytes) {
        std::vector<size_t> begin;
        text_.clear();
        for (const char *p = bytes.data(), *end = p + bytes.size(); p < end;) {
            const Utf8Char c = decode_utf8(p, end);
            begin.push_back(size_t(p - bytes.data()));
            text_.push_back(c.code < 0 ? 0x110000u : uint32_t(c.code));
            p += c.code < 0 ? 1 : c.bytes;
        }
        begin.push_back(bytes.size());
        std::vector<size_t> lengths;
        for (size_t i = 0; i < text_.size();) {
            size_t end = i;
            any(top_, i, [&](size_t e) { return end = e, true; });
            if (end == i) throw Error(cat("regex oracle: no match at character ", i));
            lengths.push_back(begin[end] - begin[i]);
            i = end;
        }
        return lengths;
    }

   private:
    struct Set {
        uint32_t classes = 0;                                       // bit per Class
        std::vector<uint32_t> codes;
        bool negated = false;
    };
    struct Item;
    using Sequence = std::vector<Item>;
    struct Item {
        enum Kind { set, group, not_ahead, end } kind = set;
        Set of;
        std::vector<Sequence> inside;                               // of a group or a lookahead
        size_t least = 1, most = 1;
        bool possessive = false;
    };
    using Then = std::function<bool(size_t)>;                       // does the rest match from there?

    // -- matching

    bool any(const std::vector<Sequence>& alternatives, size_t i, const Then& then) const {
        for (const Sequence& s : alternatives)
            if (sequence(s, 0, i, then)) return true;
        return false;
    }
    bool sequence(const Sequence& s, size_t k, size_t i, const Then& then) const {
        if (k == s.size()) return then(i);
        const Item& item = s[k];
        const Then rest = [&](size_t j) { return sequence(s, k + 1, j, then); };
        if (item.kind == Item::end) return i == text_.size() && rest(i);
        if (item.kind == Item::not_ahead) return !any(item.inside, i, [](size_t) { return true; }) && rest(i);
        if (item.kind == Item::group) return any(item.inside, i, rest) || (item.least == 0 && rest(i));
        size_t n = 0;
        while (n < item.most && i + n < text_.size() && in(item.of, text_[i + n])) n++;
        if (item.possessive) return n >= item.least && rest(i + n);
        for (; n + 1 > item.least; n--)                             // as many as possible, then fewer
            if (rest(i + n)) return true;
            else if (n == 0) break;
        return false;
    }
    static bool in(const Set& set, uint32_t code) {
        const bool is = (set.classes >> int(class_of(code)) & 1) || std::count(set.codes.begin(), set.codes.end(), code);
        return is != set.negated;
    }

    // -- reading the pattern

    bool take(std::string_view s) {
        if (pattern_.compare(at_, s.size(), s) != 0) return false;
        at_ += s.size();
        return true;
    }
    std::vector<Sequence> alternatives(bool fold) {
        std::vector<Sequence> all(1);
        while (at_ < pattern_.size() && pattern_[at_] != ')') {
            if (take("|")) all.emplace_back();
            else all.back().push_back(item(fold));
        }
        return all;
    }
    Item item(bool fold) {
        Item it;
        if (take("(?!") || take("(?i:") || take("(?:")) {
            const char what = pattern_[at_ - 2] == '?' ? pattern_[at_ - 1] : pattern_[at_ - 2];
            it.kind = what == '!' ? Item::not_ahead : Item::group;
            it.inside = alternatives(fold || what == 'i');
            if (!take(")")) throw Error("regex oracle: a group without its end");
        } else if (take("$")) {
            it.kind = Item::end;
        } else if (take("[")) {
            it.of.negated = take("^");
            while (!take("]")) add(it.of, fold);
        } else {
            add(it.of, fold);
        }
        if (take("?")) it.least = 0;
        else if (take("*")) it.least = 0, it.most = ~size_t(0) - 1;
        else if (take("+")) it.most = ~size_t(0) - 1;
        else if (take("{1,")) it.most = size_t(pattern_[at_] - '0'), at_ += 2;
        else return it;
        it.possessive = take("+");
        return it;
    }
    void add(Set& set, bool fold) {                                 // one member of a set
        static const std::map<std::string, std::vector<Class>> categories = {
            {"L", {Class::Lu, Class::Ll, Class::Lt, Class::Lm, Class::Lo}}, {"N", {Class::N}}, {"M", {Class::M}}, {"Lu", {Class::Lu}},
            {"Ll", {Class::Ll}}, {"Lt", {Class::Lt}}, {"Lm", {Class::Lm}}, {"Lo", {Class::Lo}}};
        if (take("\\p{")) {
            const size_t end = pattern_.find('}', at_);
            for (const Class c : categories.at(pattern_.substr(at_, end - at_))) set.classes |= 1u << int(c);
            at_ = end + 1;
        } else if (take("\\S")) {
            set.classes = ~(1u << int(Class::white_space));
        } else if (take("\\s")) {
            set.classes |= 1u << int(Class::white_space);
        } else if (take("\\r")) {
            set.codes.push_back('\r');
        } else if (take("\\n")) {
            set.codes.push_back('\n');
        } else {
            const uint32_t code = static_cast<unsigned char>(pattern_[at_++]);
            set.codes.push_back(code);
            if (fold && code >= 'a' && code <= 'z') set.codes.push_back(code - 32);
            if (fold && code == 's') set.codes.push_back(0x17F);    // the long s, the one letter beyond ASCII that folds to these
        }
    }

    std::string pattern_;
    size_t at_ = 0;
    std::vector<Sequence> top_;
    std::vector<uint32_t> text_;
};

}  // namespace regex_oracle
