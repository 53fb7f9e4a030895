// rewards.hpp -- is this answer right? Tasks with a known answer, and checks that nothing but the answer can pass.
//
// Reinforcement learning finds every way to a reward, also those that nobody meant: an answer that lists all numbers, two boxes with
// different contents, the question echoed because it holds the right number. So a checker first decides what the final answer
// is, by a rule that admits one candidate only, and then compares it: numbers as exact decimals (10, 10.0, "$10" and
// "1,000" = 1000 are numbers; 1e400 or Arabic digits are not), everything else as words without case and punctuation.
//   final answer   what follows "####" in its line; else what is in \boxed{}; else what follows "the answer is" in its sentence (each at most
//                  once: two that differ are none); else, for a number, the only number of the text; for words, the whole text.
// Does not: understand. "Not Foxley" holds Foxley; a task whose wording allows such an answer needs its own check.
#pragma once

#include "common.hpp"
#include "json_text.hpp"
#include "utf8.hpp"
#include "world_jokes.hpp"

// A question with its answer, as a line of a task file says it.
struct TaskItem {
    std::string prompt, answer, task;
    int difficulty = 0;
    bool answerable = true;        // false: nobody can know ("answer": null); the right reply is that one does not
    nlohmann::ordered_json extra;  // the whole line
};

namespace rewards {

// The canonical decimal of a number as people write it: sign, digits, fraction without trailing zeros. Accepts $, a % behind it, commas between groups of three,
// and a final full stop. nullopt: no number of at most 40 digits.
inline std::optional<std::string> canonical_number(std::string_view s) {
    auto trim = [&] {
        while (!s.empty() && (s.front() == ' ' || s.front() == '\t' || s.front() == '\n' || s.front() == '*')) s.remove_prefix(1);
        while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\n' || s.back() == '\r' || s.back() == '.' || s.back() == '*')) s.remove_suffix(1);
    };
    trim();
    bool negative = false;
    auto sign = [&] {
        if (!s.empty() && (s.front() == '-' || s.front() == '+')) negative ^= s.front() == '-', s.remove_prefix(1);
        else if (s.starts_with("\xE2\x88\x92")) negative ^= true, s.remove_prefix(3);   // U+2212, the typographic minus
        else return false;
        return true;
    };
    const bool signed_before = sign();
    if (!s.empty() && s.front() == '$') {
        s.remove_prefix(1);
        if (!signed_before) sign();
    }
    if (!s.empty() && s.back() == '%') s.remove_suffix(1);
    std::string whole, fraction;
    size_t i = 0, group = 0;
    bool commas = false;
    for (; i < s.size() && (std::isdigit(static_cast<unsigned char>(s[i])) || s[i] == ','); i++) {
        if (s[i] == ',') {
            if (whole.empty() || (commas ? group != 3 : whole.size() > 3)) return {};
            commas = true, group = 0;
        } else {
            whole += s[i], group++;
        }
    }
    if (commas && group != 3) return {};
    if (i < s.size() && s[i] == '.') {
        for (i++; i < s.size() && std::isdigit(static_cast<unsigned char>(s[i])); i++) fraction += s[i];
        if (fraction.empty()) return {};
    }
    if (i != s.size() || (whole.empty() && fraction.empty()) || whole.size() + fraction.size() > 40) return {};
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
    fraction.erase(fraction.find_last_not_of('0') + 1);
    if (whole.empty()) whole = "0";
    if (whole == "0" && fraction.empty()) negative = false;
    return cat(negative ? "-" : "", whole, fraction.empty() ? "" : ".", fraction);
}

// Every number in a text, in order, canonical where it has such a form and as written where it has none.
inline std::vector<std::string> numbers_in(std::string_view text) {
    std::vector<std::string> found;
    auto digit = [&](size_t i) { return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])); };
    for (size_t i = 0; i < text.size();) {
        if (!digit(i)) {
            i++;
            continue;
        }
        size_t begin = i;
        while (digit(i) || ((text[i] == ',' || text[i] == '.') && digit(i + 1))) i++;
        const bool minus = begin > 0 && text[begin - 1] == '-' && (begin == 1 || !std::isalnum(static_cast<unsigned char>(text[begin - 2])));
        const std::string raw(text.substr(begin - minus, i - begin + minus));
        found.push_back(canonical_number(raw).value_or(raw));
    }
    return found;
}

// Lower case, letters and digits of any script and the minus and point inside of numbers; articles dropped; single spaces.
inline std::string canonical_words(std::string_view text) {
    std::string out, word, article;
    auto end_word = [&] {
        while (!word.empty() && (word.back() == '.' || word.back() == '-')) word.pop_back();
        if (word == "a" || word == "an" || word == "the") article = word;
        else if (!word.empty()) out += (out.empty() ? "" : " ") + word;
        word.clear();
    };
    for (size_t i = 0; i < text.size(); i++) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool digit_next = i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1]));
        const bool digit_before = i > 0 && std::isdigit(static_cast<unsigned char>(text[i - 1]));
        if (std::isalnum(c) || c >= 0x80) word += char(std::tolower(c));
        else if (c == '.' && digit_before && digit_next) word += '.';
        else if (c == '-' && word.empty() && digit_next) word += '-';
        else if (c == ',' && digit_before && digit_next) continue;
        else if (c == '\'' && !word.empty()) continue;        // don't = dont
        else end_word();
    }
    end_word();
    return out.empty() ? article : out;                       // the letter "a" is an answer, too
}

// Do the words of `needle` stand next to each other somewhere in `text`? Both canonical.
inline bool has_words(const std::string& text, const std::string& needle) {
    return !needle.empty() && (" " + text + " ").find(" " + needle + " ") != std::string::npos;
}

inline std::string lower(std::string s) {
    for (char& c : s) c = char(std::tolower(static_cast<unsigned char>(c)));
    return s;
}

// What follows each `marker` (lower case) up to the end of the line, or of the sentence.
inline std::vector<std::string> after(const std::string& text, const std::string& marker, bool sentence = false) {
    std::vector<std::string> found;
    const std::string small = lower(text);
    for (size_t p = 0; (p = small.find(marker, p)) != std::string::npos; p += marker.size()) {
        const size_t begin = p + marker.size();
        size_t end = std::min(text.find('\n', begin), text.size());
        for (size_t i = begin; sentence && i + 1 < end; i++)
            if ((text[i] == '.' || text[i] == '!' || text[i] == '?') && text[i + 1] == ' ') end = i + 1;
        found.push_back(text.substr(begin, end - begin));
    }
    return found;
}
inline std::vector<std::string> boxed(const std::string& text) {
    std::vector<std::string> found;
    const std::string marker = "\\boxed{";
    for (size_t p = 0; (p = text.find(marker, p)) != std::string::npos;) {
        p += marker.size();
        int depth = 1;
        size_t end = p;
        while (end < text.size() && depth > 0) depth += (text[end] == '{') - (text[end] == '}'), end++;
        if (depth > 0) return {""};                       // never closed: cut off, so nobody knows what it would have held
        found.push_back(text.substr(p, end - p - 1));
        p = end;
    }
    return found;
}

}  // namespace rewards

// The final answer of a reply by the rules above; nullopt: it has none, or several that differ. `number`: is the expected answer one?
inline std::optional<std::string> final_answer(const std::string& text, bool number) {
    using namespace rewards;
    const auto canonical = [&](const std::string& s) -> std::optional<std::string> {
        if (!number) return canonical_words(s);
        if (auto n = canonical_number(s)) return n;
        // "13 dollars.", "x = 13": words around the only number
        const auto all = numbers_in(s);
        if (all.size() != 1) return {};
        return canonical_number(all[0]);
    };
    for (const auto& found : {after(text, "####"), boxed(text), after(text, "the answer is", true)}) {
        if (found.empty()) continue;
        std::optional<std::string> only = canonical(found[0]);
        for (const auto& f : found)
            if (canonical(f) != only) return {};
        return only;
    }
    return canonical(text);
}

// "I don't know", in the words in which people and our own data say it.
inline bool declines(const std::string& text) {
    const std::string words = rewards::canonical_words(text);
    for (const char* phrase : {"i dont know", "i do not know", "im not sure", "i am not sure", "i have no information", "i have never heard", "ive never heard",
                               "i cannot say", "i cant say", "i am afraid i do not", "im afraid i dont", "nothing is known to me", "no idea", "i could not find",
                               "i couldnt find", "unknown to me", "i cannot answer", "i cant answer", "i am not aware"})
        if (rewards::has_words(words, phrase)) return true;
    return false;
}

// A judge: for tasks whose answers are better or worse, not right or wrong. A task names its judge ("judge": "jokes"); adding one is a line here.
struct Judge {
    const char* name;
    double (*worth)(const std::string& prompt, const std::string& reply);   // 0 to 1
    double good;                                                            // from here on a reply counts as right
};
inline const std::vector<Judge> kJudges = {{"jokes", jokes::worth, 0.99}};

// Null for a task with an answer.
inline const Judge* judge_of(const TaskItem& item) {
    if (!item.extra.is_object() || !item.extra.contains("judge")) return nullptr;
    for (const Judge& j : kJudges)
        if (item.extra["judge"] == j.name) return &j;
    throw Error(cat("the task \"", item.prompt.substr(0, 60), "\" names an unknown judge: ", json_text(item.extra["judge"])), "see kJudges in rewards.hpp");
}

// Is the reply right? For an answer that is a number, the final answer must be this number. For words, the final answer must be these words, or, where
// no marker names one, the reply must be a sentence (at most 40 words) that contains them.
inline bool is_right(const TaskItem& item, const std::string& reply) {
    using namespace rewards;
    if (const Judge* judge = judge_of(item)) return judge->worth(item.prompt, reply) >= judge->good;
    if (!item.answerable) return declines(reply);
    const auto number = canonical_number(item.answer);
    const auto got = final_answer(reply, number.has_value());
    if (!got) return false;
    if (number) return *got == *number;
    const std::string want = canonical_words(item.answer);
    if (*got == want) return true;
    if (!after(reply, "####").empty() || !boxed(reply).empty() || !after(reply, "the answer is").empty()) return false;
    return std::count(got->begin(), got->end(), ' ') < 40 && has_words(*got, want) && !declines(reply);
}

// How good the reply is, 0 to 1: what its judge says, or 1 if it is right.
inline double grade(const TaskItem& item, const std::string& reply) {
    const Judge* judge = judge_of(item);
    return judge ? judge->worth(item.prompt, reply) : double(is_right(item, reply));
}
