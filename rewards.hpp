// rewards.hpp -- is this answer right? Tasks with a known answer, and checks that nothing but the answer can pass.
//
// Reinforcement learning finds every way to a reward, also those that nobody meant: an answer that lists all numbers, two boxes with
// different contents, the question echoed because it holds the right number. So a checker first decides what the final answer
// is, by a rule that admits one candidate only, and then compares it: numbers as exact decimals (10, 10.0, "$10" and
// "1,000" = 1000 are numbers; 1e400 or Arabic digits are not), everything else as words without case and punctuation.
//   final answer   what follows "####" in its line; else what is in \boxed{}; else what follows "the answer is" in its sentence (each at most
//                  once: two that differ are none); else, for a number, the only number of the text; for words, the whole text.
// The question, repeated, is no part of the answer. When in doubt an answer is wrong: a strange right one that gets nothing costs a little
// practice, a wrong one that gets something is what the model will learn.
// A task with another kind of answer (a move in a game, of which several are right; a joke, which is better or worse) names its checker: "check" in
// its line, a struct in checkers().
// Does not: understand. "It could be Foxley" counts as Foxley; a task whose wording allows such an answer needs its own checker.
#pragma once

#include "common.hpp"
#include "json_text.hpp"
#include "utf8.hpp"
#include "world_game.hpp"
#include "world_jokes.hpp"

// A question with its answer, as a line of a task file says it.
struct TaskItem {
    std::string prompt, answer, task;
    std::string check = {};        // which of checkers() decides; empty: the answer
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

// The reply without the question, should it repeat it (case aside). A question of a single word is too short to tell from an answer.
inline std::string without_echo(const std::string& reply, const std::string& prompt) {
    const char* space = " \t\r\n";
    const size_t begin = prompt.find_first_not_of(space), end = prompt.find_last_not_of(" \t\r\n.?!:");
    if (begin == std::string::npos || end == std::string::npos || end < begin) return reply;
    const std::string echo = rewards::lower(prompt.substr(begin, end + 1 - begin)), small = rewards::lower(reply);
    if (echo.find_first_of(space) == std::string::npos) return reply;
    std::string rest;
    size_t at = 0;
    for (size_t p; (p = small.find(echo, at)) != std::string::npos; at = p + echo.size()) rest += reply.substr(at, p - at) + " ";
    return at == 0 ? reply : rest + reply.substr(at);
}

namespace rewards {

// Does the sentence claim `want` (canonical), and nothing beside it? "Not Foxley", "Foxley or Elm" and "Elm, Foxley, Oakham" do not.
inline bool claims(const std::string& sentence, const std::string& want) {
    const std::string words = " " + canonical_words(sentence) + " ", needle = " " + want + " ";
    if (want.empty() || words.find(needle) == std::string::npos) return false;
    for (size_t p = 0; (p = words.find(needle, p)) != std::string::npos; p += needle.size() - 1) {
        const std::string before = words.substr(0, p + 1), behind = words.substr(p + needle.size() - 1);
        for (const char* hedge : {" or ", " not ", " nor ", " isnt ", " wasnt ", " never ", " no "})
            if (before.ends_with(hedge)) return false;
        if (behind.starts_with(" or ") || behind.starts_with(" nor ")) return false;
    }
    // a list: what stands between marks is the answer alone, and something as short stands beside it
    std::vector<std::string> parts;
    std::string part;
    auto end_part = [&] {
        if (const std::string p = canonical_words(part); !p.empty() && p != "yes" && p != "no" && p != "well" && p != "so" && p != "sure") parts.push_back(p);
        part.clear();
    };
    for (size_t i = 0; i < sentence.size(); i++) {
        const bool mark = sentence[i] == ',' || sentence[i] == ';' || sentence[i] == '/' || sentence[i] == '\n' || sentence[i] == '|';
        if (mark) end_part();
        else part += sentence[i];
    }
    end_part();
    auto length = [](const std::string& s) { return std::count(s.begin(), s.end(), ' '); };
    for (size_t i = 0; i < parts.size(); i++) {
        if (parts[i] != want) continue;
        if (i > 0 || (i + 1 < parts.size() && length(parts[i + 1]) <= length(want))) return false;
    }
    return true;
}

// Is the answer of the item this one? For an answer that is a number, the final answer must be this number. For words, the final answer must be
// these words, or, where no marker names one, the reply must be a sentence (at most 40 words) that claims them.
inline bool check_answer(const TaskItem& item, const std::string& whole_reply) {
    const std::string reply = without_echo(whole_reply, item.prompt);
    const auto number = canonical_number(item.answer);
    const auto got = final_answer(reply, number.has_value());
    if (!got) return false;
    if (number) return *got == *number;
    const std::string want = canonical_words(item.answer);
    if (*got == want) return true;
    if (!after(reply, "####").empty() || !boxed(reply).empty() || !after(reply, "the answer is").empty()) return false;
    return std::count(got->begin(), got->end(), ' ') < 40 && claims(reply, want) && !declines(reply);
}

}  // namespace rewards

// One way to say what a reply is worth, from 0 to 1; where it is only right or wrong, 1 or 0. A new kind of task adds one here.
struct Checker {
    const char* name;
    double (*worth)(const TaskItem&, const std::string& reply);
    bool (*can_check)(const TaskItem&);            // is the task one of its kind?
};
inline bool counts_as_right(double worth) { return worth >= 0.99; }
inline const std::vector<Checker>& checkers() {
    static const std::vector<Checker> all = {
        {"answer", [](const TaskItem& t, const std::string& reply) { return double(rewards::check_answer(t, reply)); },
                   [](const TaskItem& t) { return !rewards::canonical_words(t.answer).empty() || rewards::canonical_number(t.answer); }},
        {"declines", [](const TaskItem&, const std::string& reply) { return double(declines(reply)); }, [](const TaskItem& t) { return !t.answerable; }},
        {"nim", [](const TaskItem& t, const std::string& reply) { return double(nim::is_winning_reply(t.prompt, reply)); },
                [](const TaskItem& t) { const auto h = nim::read_prompt(t.prompt); return h && nim::is_won(*h); }},
        {"jokes", [](const TaskItem& t, const std::string& reply) { return jokes::worth(t.prompt, reply); },
                  [](const TaskItem& t) { return !jokes::thing_of(t.prompt).empty(); }},
    };
    return all;
}
// The checker of a task: the one that it names, else by whether it has an answer. Throws where there is none of that name.
inline const Checker& checker_of(const TaskItem& item) {
    const std::string_view name = !item.check.empty() ? std::string_view(item.check) : item.answerable ? "answer" : "declines";
    for (const Checker& c : checkers())
        if (name == c.name) return c;
    std::string all;
    for (const Checker& c : checkers()) all += cat(" ", c.name);
    throw Error(cat("\"check\": \"", name, "\": there is no such checker"), cat("expected one of:", all));
}

// How good the reply is, 0 to 1.
inline double grade(const TaskItem& item, const std::string& reply) { return checker_of(item).worth(item, reply); }
inline bool is_right(const TaskItem& item, const std::string& reply) { return counts_as_right(grade(item, reply)); }
