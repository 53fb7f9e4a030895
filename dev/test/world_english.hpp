// dev/test/world_english.hpp -- simple rules of English that the texts of the embedded world must keep: articles, characters, sentences.
// Each is a function text -> list of complaints; test_world.hpp reads every kind of document with them, and plants mistakes.
#pragma once

#include <string>
#include <vector>

#include "../../world.hpp"

namespace world_test {

using Complaints = std::vector<std::string>;

inline std::vector<std::string> split_on(const std::string& s, const std::string& separator) {
    std::vector<std::string> parts;
    size_t begin = 0;
    for (size_t at; (at = s.find(separator, begin)) != s.npos; begin = at + separator.size())
        parts.push_back(s.substr(begin, at - begin));
    parts.push_back(s.substr(begin));
    return parts;
}
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// a or an by an own rule: the first sound, with the words of this world that do not sound as they are written.
inline bool wants_an(const std::string& word) {
    static const std::vector<std::string> a_words = {"uniform", "university", "unicorn", "useful",
                                                     "one",     "ewe",        "used"},
                                          an_words = {"hour", "honest", "honour"};
    std::string w;
    for (const char c : word)
        if (is_lower(char(c | 32)) || is_digit(c)) w += is_digit(c) ? c : char(c | 32);
        else break;
    if (std::find(a_words.begin(), a_words.end(), w) != a_words.end()) return false;
    if (std::find(an_words.begin(), an_words.end(), w) != an_words.end()) return true;
    if (is_digit(w[0])) return w[0] == '8' || w == "11" || w == "18";
    return w[0] == 'a' || w[0] == 'e' || w[0] == 'i' || w[0] == 'o' || w[0] == 'u';
}
inline Complaints wrong_articles(const std::string& text) {
    Complaints complaints;
    std::string previous, word;
    for (size_t i = 0; i <= text.size(); i++) {
        if (i < text.size() && text[i] != ' ' && text[i] != '\n') {
            if (text[i] != '"') word += text[i];
            continue;
        }
        if (!word.empty()) {
            if ((previous == "a" || previous == "A") && wants_an(word)) complaints.push_back("a " + word);
            if ((previous == "an" || previous == "An") && !wants_an(word)) complaints.push_back("an " + word);
            previous = word;
        }
        word.clear();
    }
    return complaints;
}

inline Complaints wrong_characters(const std::string& original) {
    Complaints complaints;
    std::string text = original;  // without the arrows of translations
    for (size_t at; (at = text.find(" -> ")) != text.npos;) text.erase(at, 3);
    for (const char c : text)
        if (c != '\n' && (c < ' ' || c > '~')) complaints.push_back(cat("byte ", int(uint8_t(c))));
    for (const char* bad : {"  ", " ,", " .", " ?", " !",   " :",   "..",     ",,",  ",.",    "?.",       "!.",
                            ".?", ".!", "!?", "?!", "?\".", "!\".", "\n\n\n", " \n", "\n ",   "{",        "}",
                            "[",  "]",  "<",  ">",  "|",    "@",    "^",      "\\",  " a a ", " the the "})
        if (text.find(bad) != text.npos) complaints.push_back(cat("\"", bad, "\""));
    if (text.empty() || text.front() == ' ' || text.front() == '\n' || text.back() == ' ' || text.back() == '\n')
        complaints.push_back("white space at an end");
    for (const std::string& line : split_on(text, "\n")) {
        if (std::count(line.begin(), line.end(), '"') % 2) complaints.push_back("unbalanced quotes: " + line);
        bool open = false;  // an opening quote has a space before it, a closing one has a letter or a point
        for (size_t i = 0; i < line.size(); i++) {
            if (line[i] != '"') continue;
            open = !open;
            if (open && i > 0 && line[i - 1] != ' ') complaints.push_back("quote opens inside a word: " + line);
            if (!open && i + 1 < line.size() && line[i + 1] != ' ' && line[i + 1] != ',')
                complaints.push_back("quote closes badly: " + line);
        }
    }
    return complaints;
}

// The sentences of running text; a sentence ends with . ! or ?, perhaps a quote, and a space or the end of the line.
inline std::vector<std::string> sentences_of(const std::string& text) {
    std::vector<std::string> sentences;
    for (const std::string& line : split_on(text, "\n")) {
        std::string s;
        for (size_t i = 0; i < line.size(); i++) {
            s += line[i];
            if (line[i] != '.' && line[i] != '!' && line[i] != '?') continue;
            if (i + 1 < line.size() && line[i + 1] == '"') s += line[++i];
            if (i + 1 < line.size() && line[i + 1] != ' ') continue;
            if (s == "Mr." || s == "Mrs." || s.ends_with(" Mr.") || s.ends_with(" Mrs.") || is_digit(s[0])) {
                if (s.size() < 4 || s.ends_with("Mr.") || s.ends_with("Mrs.")) continue;
            }
            sentences.push_back(s);
            s.clear();
            while (i + 1 < line.size() && line[i + 1] == ' ') i++;
        }
    }
    return sentences;
}
inline Complaints wrong_sentences(const std::string& text) {
    Complaints complaints;
    bool in_quote_question = false;
    std::string plain = text;  // a letter goes on in small letters after "Dear Ada,"
    for (const std::string& line : split_on(text, "\n"))
        if (line.starts_with("Dear ") && line.ends_with(","))
            if (const size_t next = text.find_first_not_of('\n', text.find(line) + line.size()); next != text.npos)
                plain[next] = is_lower(plain[next]) ? char(plain[next] - 32) : plain[next];
    for (std::string s : sentences_of(plain)) {
        if (s.find("-") != s.npos && s.find(' ') == s.npos) continue;  // a spelled word
        const char end = s.back() == '"' ? s[s.size() - 2] : s.back();
        // `"Where?" he said.`: the part in quotes ends with its own mark and the sentence goes on in small letters
        if (is_lower(s[0]) && !in_quote_question) complaints.push_back("small letter: " + s);
        in_quote_question = s.back() == '"' && (end == '!' || end == '?');
        const size_t colon = s.find(": ");  // the speaker of a dialogue
        std::string said = colon != s.npos && colon < 20 ? s.substr(colon + 2) : s;
        while (!said.empty() && said[0] == '"') said.erase(0, 1);
        while (!said.empty() && (is_digit(said[0]) || said[0] == '.' || said[0] == ' '))
            said.erase(0, 1);  // "1. Where"
        auto starts = [&](const char* w) { return said.starts_with(w); };
        for (const char* w :
             {"Where ", "Why ", "Does ", "Did ", "Is ", "Are ", "Shall ", "Can ", "Could ", "Who ", "Have you "})
            if (starts(w) && end != '?' && !starts("Who is who")) complaints.push_back("not a question: " + s);
        for (const char* w : {"I ", "He ", "She ", "It ", "They ", "We ", "The ", "That "})
            if (starts(w) && end == '?' && s.find(", does it not?") == s.npos && s.find(", \"") == s.npos)
                complaints.push_back("a question: " + s);
        for (const char* w :
             {"He are ",     "He have ",   "He do ",    "He were ",        "He like ",     "He live ",  "She are ",
              "She have ",   "She do ",    "She were ", "She like ",       "She live ",    "It are ",   "It have ",
              "It were ",    "It live ",   "It eat ",   "They is ",        "They has ",    "They was ", "They does ",
              "They lives ", "They eats ", "We is ",    "We was ",         "We has ",      "I is ",     "I has ",
              "I are ",      "I lives ",   "I works ",  "There was three", "There were a "})
            if (starts(w)) complaints.push_back("agreement: " + s);
        for (const char* bad :
             {" 1 coins", " 1 letters", " 1 times", " 1 hours", " 1 apples", "2 coin.", "3 coin.", "she is a boy"})
            if (s.find(bad) != s.npos) complaints.push_back("number: " + s);
    }
    return complaints;
}

}  // namespace world_test
