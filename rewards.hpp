// rewards.hpp -- is this answer right? Tasks with a known answer, and checks that nothing but the answer can pass.
//
// Reinforcement learning finds every way to a reward, also those that nobody meant: an answer that lists all numbers, two boxes with
// different contents, the question echoed because it holds the right number. So a checker first decides what the final answer
// is, by a rule that admits one candidate only, and then compares it: numbers as exact decimals, the rest as words without case and punctuation.
//   final answer   what follows "####" in its line; else what is in \boxed{}; else what follows "the answer is" in its sentence (another mark, as
//                  strong or weaker, that says something else takes it back); else the only number of the text, or the words that it claims.
// The question, repeated, is no part of the answer. When in doubt an answer is wrong: a strange right one that gets nothing costs a little
// practice, a wrong one that gets something is what the model will learn.
// A task with another kind of answer (a move in a game, of which several are right; a joke, which is better or worse) names its checker: "check" in
// its line, a struct in checkers().
// Does not: understand. "It could be Foxley" counts as Foxley; a language other than English must mark its answers, or say nothing else.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "common.hpp"
#include "json_text.hpp"
#include "pretokenizer.hpp"
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

inline bool is_digit(std::string_view s, size_t i) { return i < s.size() && std::isdigit(static_cast<unsigned char>(s[i])); }
inline bool is_alnum(std::string_view s, size_t i) { return i < s.size() && std::isalnum(static_cast<unsigned char>(s[i])); }
// The character at i; at the end of the text code and bytes are 0.
inline Utf8Char char_at(std::string_view s, size_t i) { return i < s.size() ? decode_utf8(s.data() + i, s.data() + s.size()) : Utf8Char{0, 0, false}; }
inline uint8_t bits_of(int32_t code) { return code < 0 ? uint8_t(kOther) : char_bits()[code]; }    // -1: a broken byte
// It combines with the character before it: of no other class are the bits both kOther and kUpper.
inline bool is_mark(int32_t code) { return (bits_of(code) & (kOther | kUpper)) == (kOther | kUpper); }
inline std::string lower(std::string s) {
    for (char& c : s) c = char(std::tolower(static_cast<unsigned char>(c)));
    return s;
}

// ---- numbers

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

// A digit that is none of 0 to 9: of another script, a superscript, a fraction.
inline bool is_foreign_digit(int32_t code) { return code >= 0x80 && bits_of(code) & kNumber; }
// The 2 of "12 m²" belongs to the unit.
inline bool is_power_of_unit(std::string_view text, size_t i) {
    const int32_t code = char_at(text, i).code;
    const bool superscript = code == 0xB2 || code == 0xB3 || code == 0xB9 || (code >= 0x2070 && code <= 0x2079);
    return superscript && i > 0 && std::isalpha(static_cast<unsigned char>(text[i - 1]));
}
inline bool starts_number(std::string_view text, size_t i) {
    if (is_digit(text, i)) return true;
    if (text[i] == '.') return is_digit(text, i + 1) && (i == 0 || !(is_alnum(text, i - 1) || text[i - 1] == '.'));   // .5
    return is_foreign_digit(char_at(text, i).code) && !is_power_of_unit(text, i);
}
// The end of the number that starts at i. plain: all its digits are 0 to 9. Marks that combine with a digit (a stroke, a keycap) are a part of it.
struct NumberEnd {
    size_t end;
    bool plain;
};
inline NumberEnd end_of_number(std::string_view text, size_t i) {
    NumberEnd n{i, true};
    for (;;) {
        const Utf8Char c = char_at(text, n.end);
        const bool foreign = is_foreign_digit(c.code) || (c.code >= 0x80 && is_mark(c.code));
        if (is_digit(text, n.end) || ((c.code == ',' || c.code == '.') && is_digit(text, n.end + 1))) n.end++;
        else if (foreign) n.end += size_t(c.bytes), n.plain = false;
        else return n;
    }
}
// The word next to a place, across spaces.
inline std::string word_before(std::string_view text, size_t i) {
    while (i > 0 && text[i - 1] == ' ') i--;
    size_t begin = i;
    while (begin > 0 && std::isalpha(static_cast<unsigned char>(text[begin - 1]))) begin--;
    return lower(std::string(text.substr(begin, i - begin)));
}
inline std::string word_behind(std::string_view text, size_t i) {
    while (i < text.size() && text[i] == ' ') i++;
    size_t end = i;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end]))) end++;
    return lower(std::string(text.substr(i, end - i)));
}
// The sign of the number that starts at i: what touches it, currency and brackets aside, or "minus" before it. After a digit, a letter or a bracket a minus is
// a hyphen or a difference. clear: there is one sign at most, and no dash of a sort that may be meant for one.
struct NumberSign {
    bool negative = false, clear = true;
};
inline NumberSign sign_of_number(std::string_view text, size_t i) {
    NumberSign sign;
    int signs = 0;
    while (i > 0) {
        size_t p = i - 1;
        while (p > 0 && (text[p] & 0xC0) == 0x80) p--;
        const int32_t code = char_at(text, p).code;
        const bool currency = code == '$' || code == 0xA3 || code == 0xA5 || code == 0x20AC;
        const bool minus = code == '-' || code == 0x2212, dash = (code >= 0x2010 && code <= 0x2013) || code == 0xFE63 || code == 0xFF0D;
        if (minus || dash || code == '+') {
            if (p > 0 && (is_alnum(text, p - 1) || text[p - 1] == ')')) return sign;
            sign.clear = !dash && ++signs == 1 && sign.clear;
            sign.negative ^= minus;
        } else if (!currency && code != '\\' && code != '*' && code != '(' && code != '{') {
            break;
        }
        i = p;
    }
    if (const std::string word = word_before(text, i); word == "minus" || word == "negative") sign.clear = sign.clear && signs == 0, sign.negative = true;
    return sign;
}
// "13 million", "13k": another number than 13.
inline bool is_multiplied(std::string_view text, size_t end) {
    static const std::set<std::string> words = {"hundred", "thousand", "million", "billion", "trillion", "dozen"};
    const std::string word = word_behind(text, end);
    return words.count(word) > 0 || (word == "k" && text[end] != ' ');
}
// Every number in a text, in order: canonical where it has such a form; as written, with a "?" behind, where it is in doubt which number that is.
inline std::vector<std::string> numbers_in(std::string_view text) {
    std::vector<std::string> found;
    for (size_t i = 0; i < text.size();) {
        if (!starts_number(text, i)) {
            i += size_t(char_at(text, i).bytes);
            continue;
        }
        const auto [end, plain] = end_of_number(text, i);
        const NumberSign sign = sign_of_number(text, i);
        const std::string digits(text.substr(i, end - i));
        std::optional<std::string> number;
        if (plain && sign.clear && !is_multiplied(text, end)) number = canonical_number((sign.negative ? "-" : "") + digits);
        found.push_back(number.value_or(digits + "?"));
        i = end;
    }
    return found;
}

// ---- words

struct Word {
    std::string text;              // lower case
    bool capital = false;          // was written with a capital, or with a letter that has none
    bool after_mark = false;       // a comma, a full stop, a bracket, the end of a line stands between it and the word before
};

// Letters and digits of any script, with the minus and the point inside of numbers; no articles, no 's, & is "and".
inline std::vector<Word> words_of(std::string_view text) {
    std::vector<Word> words;
    Word word;
    std::string article;
    bool mark = false;
    auto end_word = [&](bool at_mark = false) {
        while (!word.text.empty() && (word.text.back() == '.' || word.text.back() == '-')) word.text.pop_back();
        if (word.text == "a" || word.text == "an" || word.text == "the") article = word.text;
        else if (!word.text.empty()) word.after_mark = std::exchange(mark, false), words.push_back(word);
        word = {};
        mark = mark || at_mark;
    };
    for (size_t i = 0; i < text.size();) {
        const Utf8Char c = char_at(text, i);
        const size_t next = i + size_t(c.bytes);
        const bool digit_before = i > 0 && is_digit(text, i - 1), apostrophe = c.code == '\'' || c.code == 0x2018 || c.code == 0x2019;
        const bool is_punctuation = (c.code >= 0x2000 && c.code <= 0x206F) || (c.code >= 0x80 && bits_of(c.code) & kSpace);
        if (is_alnum(text, i) || (!is_punctuation && c.code != 0x2212 && (c.code < 0 || c.code >= 0x80))) {
            if (word.text.empty()) word.capital = c.code < 0 || c.code >= 0x80 || std::isupper(c.code);
            word.text += c.code >= 0 && c.code < 0x80 ? std::string(1, char(std::tolower(c.code))) : std::string(text.substr(i, next - i));
        } else if (c.code == '.' && digit_before && is_digit(text, next)) {
            word.text += '.';
        } else if ((c.code == '-' || c.code == 0x2212) && word.text.empty() && is_digit(text, next)) {
            word.text += '-';
        } else if (apostrophe && !word.text.empty()) {            // don't = dont, Ada's = Ada
            if (next < text.size() && (text[next] | 32) == 's' && !is_alnum(text, next + 1)) i = next + 1;
            else i = next;
            continue;
        } else if (text.substr(i).starts_with("\\boxed{") || text.substr(i).starts_with("\\text{")) {
            end_word();
            i = text.find('{', i) + 1;
            continue;
        } else if (c.code == '&') {
            end_word();
            word.text = "and";
            end_word();
        } else if (!(c.code == ',' && digit_before && is_digit(text, next))) {
            end_word(!apostrophe && (is_punctuation || std::string_view(" \t-*_`\"\\").find(text[i]) == std::string_view::npos));
        }
        i = next;
    }
    end_word();
    if (words.empty() && !article.empty()) words.push_back(Word{article, false, false});   // the letter "a" is an answer, too
    return words;
}

inline std::string canonical_words(std::string_view text) {
    std::string out;
    for (const Word& w : words_of(text)) out += (out.empty() ? "" : " ") + w.text;
    return out;
}

// Do the words of `needle` stand next to each other somewhere in `text`? Both canonical.
inline bool has_words(const std::string& text, const std::string& needle) {
    return !needle.empty() && (" " + text + " ").find(" " + needle + " ") != std::string::npos;
}

using WordSet = std::set<std::string>;
inline WordSet word_set(const std::string& list) {
    std::istringstream words(list);
    WordSet set;
    for (std::string w; words >> w;) set.insert(w);
    return set;
}
// Words of which a sentence is built around an answer, and that are hardly ever one: what says nothing, and what the questions on a world are about.
inline bool is_little(const std::string& word) {
    static const WordSet words = word_set(
        "a an the this that these those it its he she they we you i me my mine your yours his her hers him them their our us who whom whose which what where "
        "when why how there here is are was were be been being am im ive youre has have had having do does did can could would should shall might must in on "
        "at of to from for by with as about into near through under over above behind between after before during since until than like within around along "
        "across beside next close up out off and or but so because if whether then while though also too no not yes well ok okay sure certainly course indeed "
        "think believe guess suppose know say said please thanks thank welcome hello hi sorry now today just only really very quite probably perhaps maybe "
        "likely always often usually still mostly more most much many some any all every each other own answer question word letter number name names named "
        "called known famous born birth birthday birthplace year day date lives live living lived home town city village region country river mountain lies "
        "lie flows flow people person inhabitants work works job profession makes earns likes loves love enjoys enjoy prefers favourite favorite food meal "
        "colour color hobby free time pet animal animals eats eat feeds young flag shows show dish best kind sort friend friends brother sister family found "
        "founded foot comes come goes go gets get keeps keep want special good rather nothing early population nobody everybody better try visitor visitors "
        "painted front door foods colours hungry dreams sundays spend spends hour share shares find see rises land");
    return words.count(word) > 0;
}
// Is word i a "no" of the sentence? Not at its beginning, with a mark behind: "No, in Foxley."
inline bool is_negation(const std::vector<Word>& words, size_t i) {
    static const WordSet negations = word_set("not never nor neither cannot except dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt wont "
                                              "wouldnt cant couldnt shouldnt");
    if (words[i].text == "no") return i > 0 || words.size() == 1 || !words[1].after_mark;
    return negations.count(words[i].text) > 0;
}
// Is what words [begin, end) say denied: "not in Foxley", "Foxley is not", "Foxley? No."? What comes after a mark is another matter: "Foxley, not far from Elm".
inline bool is_denied(const std::vector<Word>& words, size_t begin, size_t end) {
    for (size_t i = 0; i < begin; i++)
        if (is_negation(words, i)) return true;
    for (size_t i = end; i < std::min(end + 2, words.size()) && !words[i].after_mark; i++)
        if (is_negation(words, i)) return true;
    return end < words.size() && is_negation(words, words.size() - 1);
}
// Live, lives, living; wolf, wolves; butterfly, butterflies; mouse, mice.
inline std::string stem(std::string w) {
    static const std::map<std::string, std::string> irregular = {{"mice", "mouse"}, {"geese", "goose"}, {"men", "man"}, {"women", "woman"}, {"children", "child"}};
    if (const auto it = irregular.find(w); it != irregular.end()) w = it->second;
    const auto drop_endings = [&] {
        while (w.size() > 3 && (w.back() == 's' || w.back() == 'e')) w.pop_back();
    };
    drop_endings();
    for (const std::string ending : {"ing", "ed"})
        if (w.ends_with(ending) && w.size() >= ending.size() + 3) w.resize(w.size() - ending.size());
    drop_endings();
    if (w.back() == 'y') w.back() = 'i';
    if (w.back() == 'v') w.back() = 'f';
    return w;
}
// What a text talks about: the stems of its words, with a ^ where they are names: Ian Baker is no baker.
inline WordSet topics_of(const std::vector<Word>& words) {
    WordSet set;
    for (size_t i = 0; i < words.size(); i++) set.insert((i > 0 && !words[i].after_mark && words[i].capital ? "^" : "") + stem(words[i].text));
    return set;
}
inline bool is_topic(const WordSet& topics, const Word& w) { return topics.count(stem(w.text)) > 0 || (w.capital && topics.count("^" + stem(w.text)) > 0); }

// ---- marks of a final answer

// What follows each `marker` (lower case) up to the end of the line, or of the sentence.
inline std::vector<std::string> after(const std::string& text, const std::string& marker, bool sentence = false) {
    std::vector<std::string> found;
    const std::string small = lower(text);
    for (size_t p = 0; (p = small.find(marker, p)) != std::string::npos; p += marker.size()) {
        const size_t begin = p + marker.size();
        if (is_alnum(marker, marker.size() - 1) && is_alnum(text, begin)) continue;      // "the answer isn't"
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

// The marked answers of a text, by the strength of their marks.
inline std::array<std::vector<std::string>, 3> marked_answers(const std::string& text) {
    return {after(text, "####"), boxed(text), after(text, "the answer is", true)};
}
inline bool is_marked(const std::string& text) {
    const auto marked = marked_answers(text);
    return std::any_of(marked.begin(), marked.end(), [](const auto& found) { return !found.empty(); });
}
// "in 1712 [2]": what the search tool found is cited by its number.
inline std::string without_citations(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        size_t end = i + 1;
        while (text[i] == '[' && is_digit(text, end)) end++;
        if (end > i + 1 && end < text.size() && text[end] == ']') i = end;
        else out += text[i];
    }
    return out;
}
// The only number of "13 dollars.", "x = 13", "born in 1950 [2]"; none where it is denied.
inline std::optional<std::string> only_number(const std::string& text) {
    if (auto n = canonical_number(text)) return n;
    auto all = numbers_in(text);
    if (all.size() != 1) all = numbers_in(without_citations(text));
    if (all.size() != 1) return {};
    const std::vector<Word> words = words_of(text);
    const auto number = std::find_if(words.begin(), words.end(), [](const Word& w) { return w.text.find_first_of("0123456789") != std::string::npos; });
    const auto at = size_t(number - words.begin());
    if (number != words.end() && is_denied(words, at, at + 1)) return {};
    return canonical_number(all[0]);
}

}  // namespace rewards

// The final answer of a reply by the rules above; nullopt: it has none, or several that differ. `number`: is the expected answer one?
inline std::optional<std::string> final_answer(const std::string& text, bool number) {
    using namespace rewards;
    std::optional<std::string> decided;
    for (const auto& found : marked_answers(text)) {
        const bool strongest = !decided;
        for (const std::string& place : found) {
            const auto said = number ? only_number(place) : canonical_words(place);
            if (strongest) {
                if (!said || (decided && said != decided)) return {};
                decided = said;
            } else if (said && (number ? said != decided : !has_words(*said, *decided))) {
                return {};                            // a weaker mark may say more ("The answer is <<8=8>>8."), but nothing else
            }
        }
    }
    return decided ? decided : number ? only_number(text) : canonical_words(text);
}

namespace rewards {

inline bool has_phrase(const std::string& words, std::initializer_list<const char*> phrases) {
    return std::any_of(phrases.begin(), phrases.end(), [&](const char* phrase) { return has_words(words, phrase); });
}
// "I don't know", somewhere, in the words in which people and our own data say it.
inline bool admits_ignorance(const std::string& text) {
    return has_phrase(canonical_words(text),
                      {"i dont know", "i do not know", "im not sure", "i am not sure", "im unsure", "i am unsure", "i know nothing", "no information", "no idea",
                       "not known", "i have never heard", "ive never heard", "i cannot say", "i cant say", "i cannot tell", "i cant tell", "i cannot answer",
                       "i cant answer", "im afraid i dont", "i am afraid i do not", "i am not aware", "i dont have any", "i do not have any", "unknown to me",
                       "nothing is known to me", "nobody knows", "i could not find", "i couldnt find", "i did not find", "i didnt find", "do not say it"});
}
inline bool refuses(const std::string& text) {
    return has_phrase(canonical_words(text), {"sorry but", "i am afraid that", "i will not", "i wont", "i cannot help", "i cant help"});
}
// Words in which one declines: that one does not know, where one has looked, what else one could do, and why one would not do it.
inline bool is_of_refusals(const std::string& word) {
    static const WordSet words = word_set(
        "dont didnt cannot cant couldnt wont will may able know known sorry afraid sure unsure unfortunately apologise apologize information record records idea "
        "heard aware never nothing nobody unknown search searched looked look find found document documents page pages answer question tell say give help else "
        "something anything password passwords private belongs alone letters read house enter angry talk somebody anybody trust walk first make peace write ask "
        "steal friendly one mean things hurt away frighten diary show cheat learn exam only");
    return words.count(word) > 0;
}

}  // namespace rewards

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

// Does it decline to answer, and nothing else? Each word is one of refusals, or says nothing ("I don't know. Can I help you with something else?"), or is one of
// the prompt's, in the same breath ("I have never heard of Ada Finch"). Whatever is left is a claim: "I don't know. She was born in Foxley."
inline bool declines(const std::string& whole_text, const std::string& prompt = "") {
    using namespace rewards;
    const std::string text = without_echo(whole_text, prompt);
    if (!admits_ignorance(text) && !refuses(text)) return false;
    const std::vector<Word> words = words_of(text);
    const WordSet asked = topics_of(words_of(prompt));
    bool refusing = false, repeating = false;                     // since the last mark
    for (const Word& w : words) {
        if (w.after_mark || w.text == "but") {
            if (repeating && !refusing) return false;             // "Foxley or Elm?" "I don't know. Foxley."
            refusing = repeating = false;
        }
        if (is_of_refusals(w.text)) refusing = true;
        else if (w.text == "yes" || (!is_little(w.text) && !asked.count(stem(w.text)) && !asked.count("^" + stem(w.text)))) return false;
        else if (!is_little(w.text)) repeating = true;
    }
    return words.back().text != "no" && (refusing || !repeating);
}

namespace rewards {

// The answer in a reply: which of the words it is (with one behind the last), and whether it is written there as the task has it. None: it is not there, or denied.
struct FoundAnswer {
    std::vector<bool> struck;
    bool as_written = true;
};
inline std::optional<FoundAnswer> find_answer(const std::vector<Word>& words, const std::vector<Word>& answer) {
    FoundAnswer found{std::vector<bool>(words.size() + 1), true};
    const auto same = [](const Word& a, const Word& b) { return a.text == b.text; };
    bool any = false;
    for (auto it = words.begin(); (it = std::search(it, words.end(), answer.begin(), answer.end(), same)) != words.end(); it += int64_t(answer.size())) {
        const auto at = size_t(it - words.begin());
        if (is_denied(words, at, at + answer.size())) return {};
        for (size_t k = 0; k < answer.size(); k++) found.struck[at + k] = true, found.as_written = found.as_written && words[at + k].capital == answer[k].capital;
        any = true;
    }
    return any ? std::optional(found) : std::nullopt;
}
// What the question (what ends in "?"; else all of the prompt) talks about: an answer may repeat it. Nothing, where the answer stands there among others:
// "Foxley or Elm?"
inline WordSet topics_of_question(const std::string& prompt, const std::vector<Word>& answer) {
    std::string question;
    for (size_t end = 0; (end = prompt.find('?', end)) != std::string::npos; end++) {
        const size_t begin = end == 0 ? std::string::npos : prompt.find_last_of(".!?\n", end - 1);
        question += prompt.substr(begin + 1, end - begin - 1) + "\n";
    }
    const std::vector<Word> words = words_of(question.empty() ? prompt : question);
    const WordSet asked = topics_of(words);
    bool choice = std::all_of(answer.begin(), answer.end(), [&](const Word& w) { return is_topic(asked, w); });
    if (choice) choice = std::any_of(words.begin() + 1, words.end(), [](const Word& w) { return w.after_mark || w.text == "or"; });
    return choice ? WordSet() : asked;
}
inline bool has_digit(const Word& w) { return w.text.find_first_of("0123456789") != std::string::npos; }
inline bool is_year(const Word& w) { return w.text.size() == 4 && w.text.find_first_not_of("0123456789") == std::string::npos; }

// "Yes, she was." The first word decides, and nothing may take it back.
inline bool says_yes_or_no(const std::vector<Word>& words, const std::string& want) {
    if (words.empty() || words[0].text != want) return false;
    for (size_t i = 1; i < words.size(); i++) {
        const std::string& w = words[i].text;
        if (w == (want == "yes" ? "no" : "yes") || w == "or" || w == "maybe" || w == "perhaps" || (want == "yes" && is_negation(words, i))) return false;
    }
    return true;
}

// Does the reply claim the answer, and nothing that could be another one? The answer is struck out, and every word that is left must be accounted for:
//   it is a little word, or one of the question's ("She lives in Foxley."), or a number, if the answer has none;
//   or, where the answer is written as the task has it, it is written in the other case, and does not touch it: small beside a name ("Foxley, a town
//   near the sea"), a name beside a small word ("a baker from Foxley"). So one word at most is written as the answer is, which is no way to guess twice.
// So "Elm Foxley", "Foxley and Elm", "In Elm. In Foxley.", "red, blue, green" are no answers; "salt and pepper" is, where it is what was asked for.
// Of an answer that is made of little words ("he", "first") this cannot be said: it must stand alone, or be marked.
inline bool claims(const std::string& reply, const std::string& answer, const std::string& prompt) {
    const std::vector<Word> words = words_of(without_citations(reply)), want = words_of(answer);
    if (words.size() > 40 || want.empty()) return false;
    if (want.size() == 1 && (want[0].text == "yes" || want[0].text == "no")) return says_yes_or_no(words, want[0].text);
    const auto found = find_answer(words, want);
    if (!found || std::all_of(want.begin(), want.end(), [](const Word& w) { return is_little(w.text); })) return false;

    const WordSet asked = topics_of_question(prompt, want);
    const bool upper = std::any_of(want.begin(), want.end(), [](const Word& w) { return w.capital; });
    const bool numbered = std::any_of(want.begin(), want.end(), has_digit), dated = std::any_of(want.begin(), want.end(), is_year);
    const auto is_accounted = [&](const Word& w) { return is_little(w.text) || is_topic(asked, w); };
    const auto is_of_other_case = [&](size_t i) { return found->as_written && words[i].capital != upper && !(words[i].capital && (i == 0 || words[i].after_mark)); };
    for (size_t i = 0; i < words.size(); i++) {
        const Word& w = words[i];
        const bool before = found->struck[i + 1], behind = i > 0 && found->struck[i - 1];        // the answer
        if (found->struck[i]) continue;
        if (w.text == "or" && (before || behind)) return false;
        if (w.text == "and" && ((behind && i + 1 < words.size() && !is_accounted(words[i + 1])) || (before && i > 0 && !is_accounted(words[i - 1])))) return false;
        if (has_digit(w)) {
            if (numbered && (dated || !is_year(w))) return false;             // a year only completes "12 July"
        } else if (!is_accounted(w) && (before || behind || !is_of_other_case(i))) {
            return false;
        }
    }
    return true;
}

// Is the answer of the item this one? A number must be the final answer. So must words, or, where none is marked, the reply must claim them.
inline bool check_answer(const TaskItem& item, const std::string& whole_reply) {
    const std::string reply = without_echo(whole_reply, item.prompt);
    const auto number = canonical_number(item.answer);
    const auto got = final_answer(reply, number.has_value());
    if (!got) return false;
    const bool certain = is_marked(reply) || !admits_ignorance(reply);
    if (number) return *got == *number && certain;
    return *got == canonical_words(item.answer) || (!is_marked(reply) && certain && claims(reply, item.answer, item.prompt));
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
        {"declines", [](const TaskItem& t, const std::string& reply) { return double(declines(reply, t.prompt)); }, [](const TaskItem& t) { return !t.answerable; }},
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
