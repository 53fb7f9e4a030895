// dev/test/test_world.hpp -- the embedded data set, read by checkers that know nothing of how it was written: sums are
// evaluated, words spelled again, lists sorted again, facts parsed from the prose, English held to simple rules.
// Each checker is a function text -> list of complaints, so that a planted mistake shows that it can complain.
#pragma once

#include <map>

#include "../../world.hpp"
#include "test.hpp"
#include "world_english.hpp"

namespace world_test {

inline const World& the_world() {
    static const World world;
    return world;
}
// The first documents of the default world; long enough that every kind occurs hundreds of times.
inline const std::vector<Document>& sample() {
    static const std::vector<Document> documents = [] {
        std::vector<Document> v;
        for (uint64_t i = 0; i < 20000; i++) v.push_back(the_world().document(i));
        return v;
    }();
    return documents;
}

// The sample, or, for a kind that a world holds only where it is asked for (the workbook), documents of this kind alone.
inline const std::vector<Document>& sample_with(const std::string& kind) {
    const auto* k = std::find_if(kDocumentKinds.begin(), kDocumentKinds.end(), [&](const DocumentKind& d) { return kind == d.name; });
    if (k == kDocumentKinds.end() || k->weight > 0) return sample();
    static std::map<std::string, std::vector<Document>> all;
    auto& v = all[kind];
    if (v.empty()) {
        const World world({}, {kind});
        for (uint64_t i = 0; i < 1500; i++) v.push_back(world.document(i));
    }
    return v;
}
// Check a whole sample with a checker: no complaint, and at least `least` documents looked at.
inline void check_all(Report& t, const std::string& claim, const std::string& kind, size_t least,
                      Complaints (*checker)(const std::string&)) {
    size_t seen = 0, bad = 0;
    std::string example;
    for (const Document& d : sample_with(kind)) {
        if (!kind.empty() && d.kind != kind) continue;
        seen++;
        const Complaints c = checker(d.text);
        if (!c.empty() && bad++ < 3) example += cat("\n    ", c[0], " in: ", d.text);
    }
    t.check(bad == 0, cat(claim, ": ", bad, " of ", seen, " documents are wrong", example));
    t.check(seen >= least, cat(claim, ": only ", seen, " documents were looked at"));
}
inline void check_complains(Report& t, Complaints (*checker)(const std::string&), const std::string& planted) {
    t.check(!checker(planted).empty(), "control: a planted mistake is found: " + planted);
}

// ---- arithmetic: an evaluator of its own

// `text` is a sum of products over + - x / with whole numbers; false if it is not well formed.
inline bool evaluate(const std::string& text, int64_t& value) {
    size_t i = 0;
    auto spaces = [&] {
        while (i < text.size() && text[i] == ' ') i++;
    };
    auto number = [&](int64_t& n) {
        spaces();
        const size_t start = i;
        n = 0;
        while (i < text.size() && is_digit(text[i])) n = 10 * n + (text[i++] - '0');
        spaces();
        return i > start;
    };
    auto product = [&](int64_t& p) {
        if (!number(p)) return false;
        while (i < text.size() && (text[i] == 'x' || text[i] == '/')) {
            const char op = text[i++];
            int64_t n;
            if (!number(n) || (op == '/' && (n == 0 || p % n))) return false;
            p = op == 'x' ? p * n : p / n;
        }
        return true;
    };
    if (!product(value)) return false;
    while (i < text.size() && (text[i] == '+' || text[i] == '-')) {
        const char op = text[i++];
        int64_t p;
        if (!product(p)) return false;
        value += op == '+' ? p : -p;
    }
    return i == text.size();
}

// Every `a = b` of a text: the longest expression to the left and to the right of each equals sign.
inline Complaints wrong_equations(const std::string& text) {
    Complaints complaints;
    auto part_of_expression = [](char c) {
        return is_digit(c) || std::string_view(" +-x/").find(c) != std::string_view::npos;
    };
    auto trimmed = [](std::string s) {
        while (!s.empty() && !is_digit(s.front())) s.erase(0, 1);
        while (!s.empty() && !is_digit(s.back())) s.pop_back();
        return s;
    };
    for (size_t at = text.find('='); at != text.npos; at = text.find('=', at + 1)) {
        size_t left = at, right = at + 1;
        while (left > 0 && part_of_expression(text[left - 1])) left--;
        while (right < text.size() && part_of_expression(text[right])) right++;
        const std::string a = trimmed(text.substr(left, at - left)), b = trimmed(text.substr(at + 1, right - at - 1));
        int64_t x = 0, y = 0;
        if (!evaluate(a, x) || !evaluate(b, y) || x != y) complaints.push_back(cat("\"", a, " = ", b, "\""));
    }
    return complaints;
}

inline std::vector<int64_t> numbers_in(const std::string& s) {
    std::vector<int64_t> v;
    for (size_t i = 0; i < s.size();) {
        if (!is_digit(s[i])) {
            i++;
            continue;
        }
        int64_t n = 0;
        while (i < s.size() && is_digit(s[i])) n = 10 * n + (s[i++] - '0');
        v.push_back(n);
    }
    return v;
}

// In a word problem, whatever is said after the last equation must be a result of one of its equations.
inline Complaints wrong_conclusions(const std::string& text) {
    Complaints complaints;
    for (const std::string& problem : split_on(text, "\n\n")) {
        const size_t last = problem.rfind('=');
        if (last == problem.npos) continue;
        std::vector<int64_t> results;
        const auto parts = split_on(problem, "=");
        for (size_t i = 1; i < parts.size(); i++)
            if (const auto n = numbers_in(parts[i]); !n.empty()) results.push_back(n[0]);
        for (const int64_t n : numbers_in(problem.substr(last)))
            if (std::find(results.begin(), results.end(), n) == results.end() && problem.find(" x ") == problem.npos)
                complaints.push_back(cat(n, " is the result of nothing"));
    }
    return complaints;
}

inline Complaints wrong_properties(const std::string& text) {
    Complaints complaints;
    for (const std::string& line : split_on(text, "\n")) {
        const auto n = numbers_in(line);
        if (line.starts_with("Is ") && (line.find("so it is even") != line.npos) != (n[0] % 2 == 0))
            complaints.push_back(line);
        if (line.starts_with("Which number is larger") && n[2] != std::max(n[0], n[1])) complaints.push_back(line);
        if (const size_t at = line.find(". Each number is "); at != line.npos) {
            const auto shown = numbers_in(line.substr(0, at));
            const int64_t step = numbers_in(line.substr(at))[0];
            for (size_t i = 1; i < shown.size(); i++)
                if (shown[i] - shown[i - 1] != step) complaints.push_back(line);
            if (n.back() != shown.back() + step) complaints.push_back(line);
        }
    }
    return complaints;
}

inline void arithmetic_is_right(Report& t) {
    check_all(t, "every equation of every document holds", "", 20000, wrong_equations);
    check_all(t, "every equation of the workbook holds", "workbook", 1000, wrong_equations);
    check_all(t, "word problems end with their result", "arithmetic", 1000, wrong_conclusions);
    check_all(t, "those of the workbook, too", "workbook", 1000, wrong_conclusions);
    check_all(t, "even, larger and next are true", "arithmetic", 1000, wrong_properties);
    size_t equations = 0;
    for (const Document& d : sample()) equations += size_t(std::count(d.text.begin(), d.text.end(), '='));
    t.check(equations > 5000, cat("there are many equations: ", equations));
    for (const char* planted : {"So 478 + 256 = 744.", "9 - 3 = 5\n", "23 x 7 = 20 x 7 + 3 x 7 = 140 + 21 = 162.",
                                "7 / 2 = 3\n", "12 + = 14", "Is 7 even or odd? 7 = 2 x 3, so it is odd."})
        check_complains(t, wrong_equations, planted);
    check_complains(t, wrong_conclusions, "There were 10 books. Alan took 7. 10 - 7 = 3, so 4 books are still there.");
    check_complains(t, wrong_properties, "Is 7 even or odd? 7 = 2 x 3 + 1, so it is even.");
    check_complains(t, wrong_properties, "Which number is larger, 3 or 4? 3 is larger, because 4 - 3 = 1.");
    check_complains(t, wrong_properties,
                    "2, 4, 7. Each number is 2 more than the one before. The next number is 7 + 2 = 9.");
}

// The money of stories and shops: have + need = cost, first pay + second pay = need; n x price = total.
inline Complaints wrong_money(const std::string& text) {
    const auto n = numbers_in(text);
    if (text.find(" each. That makes ") != text.npos) {
        if (n.size() != 3 || n[0] * n[1] != n[2]) return {"the bill is wrong"};
    } else if (text.find("coins") != text.npos && text.find("earned") != text.npos) {
        if (n.size() < 5 || n[1] + n[2] != n[0] || n[3] + n[4] != n[2]) return {"the coins do not add up"};
    }
    return {};
}
inline void money_adds_up(Report& t) {
    check_all(t, "coins add up in stories", "story", 1000, wrong_money);
    check_all(t, "bills add up in dialogues", "dialogue", 500, wrong_money);
    check_complains(t, wrong_money, "I would like 3 mugs. They cost 5 coins each. That makes 16 coins.");
    check_complains(t, wrong_money,
                    "It cost 10 coins. She had 3 coins, so she needed 6 more. She earned 3 coins and 3 coins.");
}

// ---- spelling

inline Complaints wrong_spelling(const std::string& text) {
    Complaints complaints;
    static const std::vector<std::string> ordinals = {
        "first", "second", "third",    "fourth",  "fifth",      "sixth",      "seventh",   "eighth",
        "ninth", "tenth",  "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"};
    auto is_spelled = [](const std::string& word, const std::string& letters) {
        std::string plain;
        for (size_t i = 0; i < letters.size(); i++)
            if (i % 2) {
                if (letters[i] != '-') return false;
            } else plain += letters[i];
        return plain == word;
    };
    for (const std::string& line : split_on(text, "\n")) {
        std::string clean = line;  // words, without the punctuation around them
        for (char& c : clean)
            if (std::string_view(".,:?").find(c) != std::string_view::npos) c = ' ';
        std::vector<std::string> w;
        std::istringstream in(clean);
        for (std::string x; in >> x;) w.push_back(x);
        auto complain_unless = [&](bool ok) {
            if (!ok) complaints.push_back(line);
        };
        auto starts = [&](const char* s) { return line.starts_with(s); };
        if (w.empty() || (starts("The word ") && w.size() == 3) || starts("Words to spell")) continue;
        if (w.size() == 2) complain_unless(is_spelled(w[0], w[1]));
        else if (starts("How do you spell")) complain_unless(is_spelled(w[4], w[5]));
        else if (starts("How many letters"))
            complain_unless(is_spelled(w[6], w[8]) && w[11] == std::to_string(w[6].size()) && w[12] == "letters");
        else if (starts("How many times")) {
            const auto n = std::count(w[9].begin(), w[9].end(), w[6][0]);
            complain_unless(is_spelled(w[9], w[10]) && w[13] == w[6] && w[15] == std::to_string(n) &&
                            w[16] == (n == 1 ? "time" : "times"));
        } else if (line.find(" begins with ") != line.npos)
            complain_unless(w[2][0] == w[5][0] && w[2].back() == w[9][0]);
        else if (line.find(" backwards is ") != line.npos)
            complain_unless(std::string(w[5].rbegin(), w[5].rend()) == w[2]);
        else if (starts("The vowels in ") || starts("The only vowel in ") ||
                 line.find("none of the vowels") != line.npos) {
            const bool none = starts("The word"), only = starts("The only");
            const std::string& word = w[none ? 2 : only ? 4 : 3];
            std::string said, found;
            if (!none)
                for (size_t i = only ? 6 : 5; i < w.size(); i++) said += w[i];
            for (const char c : word)
                if (c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u') found += c;
            complain_unless(said == found && only == (found.size() == 1));
        } else if (starts("Every ")) {
            const size_t step = size_t(std::find(ordinals.begin(), ordinals.end(), w[1]) - ordinals.begin()) + 1;
            std::string said, found;
            for (size_t i = 5; i < w.size(); i++) said += w[i];
            for (size_t i = step; i <= w[4].size(); i += step) found += w[4][i - 1];
            complain_unless(said == found);
        } else if (w.size() == 7 && w[2] == "letter") {
            const size_t at = size_t(std::find(ordinals.begin(), ordinals.end(), w[1]) - ordinals.begin());
            complain_unless(at < w[4].size() && std::string(1, w[4][at]) == w[6]);
        } else complaints.push_back("not understood: " + line);
    }
    return complaints;
}
inline void spelling_is_right(Report& t) {
    check_all(t, "every statement on letters is true", "spelling", 300, wrong_spelling);
    for (const char* planted :
         {"attic: a-t-i-c", "How do you spell owl? o-v-l.", "The vowels in piano are i, a.",
          "How many letters does the word owl have? o-w-l: that makes 4 letters.", "The word cat backwards is tca.",
          "How many times does the letter t occur in attic? a-t-t-i-c: the letter t occurs 1 time.",
          "The second letter of owl is l.", "Every second letter of attic: t, c",
          "The word owl begins with o and ends with w.", "The only vowel in piano is i.",
          "The word owl has none of the vowels a, e, i, o, u."})
        check_complains(t, wrong_spelling, planted);
}

// ---- lists

inline Complaints unsorted_lists(const std::string& text) {
    const auto lines = split_on(text, "\n");
    auto items = [](const std::string& line) { return split_on(line.substr(line.find(": ") + 2), ", "); };
    for (size_t i = 1; i < lines.size(); i++) {
        const bool up = lines[i].starts_with("From the smallest"), down = lines[i].starts_with("From the largest");
        if (!up && !down && !lines[i].starts_with("In alphabetical order: ")) continue;
        const auto before = items(lines[i - 1]), after = items(lines[i]);
        if (!std::is_permutation(before.begin(), before.end(), after.begin(), after.end()))
            return {"other items: " + lines[i]};
        for (size_t k = 1; k < after.size(); k++) {
            const bool ok = up     ? std::stoi(after[k - 1]) < std::stoi(after[k])
                            : down ? std::stoi(after[k - 1]) > std::stoi(after[k])
                                   : after[k - 1] < after[k];
            if (!ok) return {"not sorted: " + lines[i]};
        }
    }
    if (lines[0].find(", in alphabetical order") != std::string::npos)
        for (size_t k = 3; k < lines.size(); k++)
            if (!(lines[k - 1] < lines[k])) return {"not sorted: " + lines[k]};
    return {};
}
inline Complaints misplaced_animals(const std::string& text) {
    if (!text.starts_with("From the lightest") && !text.starts_with("Animals by weight") &&
        !text.starts_with("Who is heavier"))
        return {};
    std::string list = split_on(text, "\n\n").at(1);
    for (size_t p; (p = list.find(", ")) != list.npos;) list.replace(p, 2, "\n");
    double last = 0;
    for (std::string line : split_on(list, "\n")) {
        while (!line.empty() && !is_lower(line[0])) line.erase(0, 1);  // "- ", "1. "
        for (const Animal& a : the_world().animals) {
            if (a.name != line) continue;
            if (a.grams < last) return {"too light: " + line};
            last = a.grams;
        }
    }
    return last > 0 ? Complaints{} : Complaints{"no animal"};
}
inline void lists_are_sorted(Report& t) {
    check_all(t, "lists are in the order that they claim", "list", 500, unsorted_lists);
    check_all(t, "animals stand in the order of their weight", "list", 500, misplaced_animals);
    size_t sorted = 0;
    for (const Document& d : sample()) sorted += d.text.find("n alphabetical order") != std::string::npos;
    t.check(sorted > 100, "many lists are sorted");
    check_complains(t, unsorted_lists, "Words: b, a, c\nIn alphabetical order: a, c, b");
    check_complains(t, unsorted_lists, "Words: b, a, c\nIn alphabetical order: a, b, d");
    check_complains(t, unsorted_lists, "Numbers: 9, 10\nFrom the smallest to the largest: 10, 9");
    check_complains(t, unsorted_lists, "Guest list, in alphabetical order\n\nAda Reed\nZoe Bell\nMax Finch");
    check_complains(t, misplaced_animals, "From the lightest to the heaviest:\n\n- elephant\n- mouse");
}

// ---- English

inline void english_is_right(Report& t) {
    check_all(t, "characters, spaces and quotes are right", "", 20000, wrong_characters);
    for (const DocumentKind& kind : kDocumentKinds) {
        if (kind.name == std::string("spelling") || kind.name == std::string("copybook")) continue;  // "the letter a occurs", "Row: a b a"
        check_all(t, cat("a and an are right in kind ", kind.name), kind.name, 100, wrong_articles);
        if (kind.name != std::string("list"))
            check_all(t, cat("sentences begin, end and agree in kind ", kind.name), kind.name, 100, wrong_sentences);
    }
    for (const char* planted :
         {"He saw a owl.", "An bear came.", "A hour later", "It is an uniform.", "an 7-day trip", "a 8 and"})
        check_complains(t, wrong_articles, planted);
    for (const char* planted :
         {"Two  spaces.", "Caf\xc3\xa9.", "He said \"no.", "One. \nTwo", "a {slot}", "Why?.", "He said\"no\"."})
        check_complains(t, wrong_characters, planted);
    for (const char* planted : {"It rained. then it stopped.", "Where is it.", "He came home?", "She are here.",
                                "They has it.", "Ada: Is it far.", "1. Where was Ada born.", "It costs 1 coins."})
        check_complains(t, wrong_sentences, planted);
}

// ---- facts

inline std::string lower(std::string s) {
    for (char& c : s) c = is_upper(c) ? char(c + 32) : c;
    return s;
}
inline bool mentions(const std::string& text, const std::string& phrase) {
    return lower(text).find(lower(phrase)) != std::string::npos;
}

inline void facts_are_stated(Report& t) {
    const World& w = the_world();
    size_t facts = 0, missing = 0;
    std::string example;
    for (const Document& d : sample())
        for (const uint32_t id : d.facts) {
            const Fact& f = w.facts[id];
            const bool named =
                mentions(d.text, f.entity) || (f.kind == "animal" && mentions(d.text, w.animals[f.entity_id].plural));
            facts++;
            if (!named || !mentions(d.text, f.value))
                missing++, example = cat(f.entity, " ", f.attribute, " ", f.value, " in: ", d.text);
        }
    t.check(facts > 30000, cat("documents tell many facts: ", facts));
    t.check(missing == 0, cat(missing, " facts are noted but not told: ", example));
}

// Read statements from the prose, and compare with the table: value and attribution, and that the document noted it.
struct Reading {
    size_t statements = 0, wrong = 0, unnoted = 0;
    std::string example;
};
inline Reading read_statements(const World& w, const std::string& text, const std::vector<uint32_t>& noted,
                               const std::map<std::string, const Entity*>& by_name) {
    struct Pattern {
        const char* verb;
        const char* kind;
        const char* attribute;
    };
    static const std::vector<Pattern> patterns = {{" was born in the year ", "person", "birth_year"},
                                                  {"'s birthplace is ", "person", "birthplace"},
                                                  {" lives in ", "person", "home"},
                                                  {" was born in the town of ", "person", "birthplace"},
                                                  {" has a brother called ", "person", "sibling"},
                                                  {" has a sister called ", "person", "sibling"},
                                                  {" has a best friend called ", "person", "best_friend"},
                                                  {" keeps a ", "person", "pet"},
                                                  {"'s home is in ", "person", "home"},
                                                  {" works as a ", "person", "job"},
                                                  {" works as an ", "person", "job"},
                                                  {"'s favourite food is ", "person", "favourite_food"},
                                                  {"'s favourite colour is ", "person", "favourite_colour"},
                                                  {"'s hobby is ", "person", "hobby"},
                                                  {"'s best friend is ", "person", "best_friend"},
                                                  {"'s sister is ", "person", "sibling"},
                                                  {"'s brother is ", "person", "sibling"},
                                                  {"'s pet is a ", "person", "pet"},
                                                  {"'s birthday is on ", "person", "birthday"},
                                                  {" lies on the river ", "place", "river"},
                                                  {" is known for ", "place", "known_for"},
                                                  {" was founded in ", "place", "founded"},
                                                  {" lies at the foot of ", "place", "mountain"},
                                                  {" lies in ", "place", "region"}};
    Reading r;
    for (const Pattern& p : patterns)
        for (size_t at = text.find(p.verb); at != text.npos; at = text.find(p.verb, at + 1)) {
            // the name before the verb: two words of a person, one of a place
            size_t begin = at;
            for (int words = p.kind == std::string("person") ? 2 : 1; words > 0; words--) {
                if (begin > 0 && text[begin - 1] == ' ') begin--;
                while (begin > 0 && (is_upper(text[begin - 1]) || is_lower(text[begin - 1]))) begin--;
            }
            const auto it = by_name.find(text.substr(begin, at - begin));
            if (it == by_name.end()) continue;
            const size_t value_at = at + std::strlen(p.verb);
            std::string rest = text.substr(value_at, text.find_first_of(".\n", value_at) - value_at);
            if (rest.starts_with("the year ")) rest.erase(0, 9);
            for (uint32_t id = it->second->first_fact; w.facts[id].entity == it->first; id++) {
                if (w.facts[id].attribute != p.attribute) continue;
                r.statements++;
                if (!rest.starts_with(w.facts[id].value)) r.wrong++, r.example = text;
                if (std::find(noted.begin(), noted.end(), id) == noted.end()) r.unnoted++, r.example = text;
                if (id + 1 == w.facts.size()) break;
            }
        }
    return r;
}
inline void facts_agree_with_the_table(Report& t) {
    const World& w = the_world();
    std::map<std::string, const Entity*> by_name;
    for (const Person& p : w.people) by_name[p.name] = &p;
    for (const Place& p : w.places) by_name[p.name] = &p;
    Reading all;
    for (const Document& d : sample()) {
        const Reading r = read_statements(w, d.text, d.facts, by_name);
        all.statements += r.statements, all.wrong += r.wrong, all.unnoted += r.unnoted;
        if (!r.example.empty()) all.example = r.example;
    }
    t.check(all.statements > 2000, cat("many statements can be read back: ", all.statements));
    t.check(all.wrong == 0, cat(all.wrong, " statements disagree with the table: ", all.example));
    t.check(all.unnoted == 0, cat(all.unnoted, " statements were not noted: ", all.example));
    const Person& p = w.people[0];
    const Reading wrong =
        read_statements(w, p.name + "'s favourite food is old boots.", {p.first_fact + kFavouriteFood}, by_name);
    t.check(wrong.statements == 1 && wrong.wrong == 1, "control: a wrong food is found");
    const Reading unnoted = read_statements(w, p.name + "'s home is in " + p.values[kHome] + ".", {}, by_name);
    t.check(unnoted.unnoted == 1 && unnoted.wrong == 0, "control: a fact that was told but not noted is found");
}

inline void questions_and_statements(Report& t) {
    const World& w = the_world();
    Rng rng(7);
    size_t bad = 0;
    std::string example;
    for (const Fact& f : w.facts)
        for (int k = 0; k < 2; k++) {
            const std::string q = w.question(f, rng), s = w.statement(f, rng);
            const std::string plural = f.kind == "animal" ? w.animals[f.entity_id].plural : f.entity;
            const bool named =
                (mentions(q, f.entity) || mentions(q, plural)) && (mentions(s, f.entity) || mentions(s, plural));
            const bool ok = named && q.ends_with("?") && s.ends_with(".") && mentions(s, f.value) && is_upper(q[0]) &&
                            (is_upper(s[0]) || is_digit(s[0])) && wrong_articles(q + " " + s).empty() &&
                            wrong_characters(q + " " + s).empty();
            if (!ok) bad++, example = q + " " + s;
        }
    t.check(bad == 0, cat(bad, " questions or statements are wrong: ", example));
    std::set<std::string> wordings;
    for (int k = 0; k < 200; k++) wordings.insert(w.question(w.facts[w.people[0].first_fact + kHome], rng));
    t.check(wordings.size() >= 3, "a question has several wordings");
    for (const auto& [table, size] :
         std::initializer_list<std::pair<std::string, size_t>>{{"people", 1100}, {"places", 68}})
        t.check((table == "people" ? w.people.size() : w.places.size()) == size, "the world has all its " + table);
    for (const Person& p : w.people) {
        const Person &s = w.people[p.sibling_id], &f = w.people[p.friend_id];
        const bool ok = &s != &p && &w.people[s.sibling_id] == &p && &w.people[f.friend_id] == &p && &f != &p &&
                        s.family == p.family && s.held_out == p.held_out && f.held_out == p.held_out &&
                        s.values[kBirthplace] == p.values[kBirthplace];
        if (!ok) t.check(false, "the family of " + p.name + " is inconsistent");
    }
}

inline void held_out_names_never_occur(Report& t) {
    const World& w = the_world();
    std::string all;
    for (const Document& d : sample()) all += d.text + "\n";
    size_t found = 0, told = 0;
    for (const Person& p : w.held_out_people()) found += all.find(p.name) != all.npos;
    for (const Place& p : w.held_out_places()) found += all.find(p.name) != all.npos;
    t.check(found == 0, cat(found, " held-out names occur"));
    for (const Person& p : w.told_people()) told += all.find(p.name) != all.npos;
    for (const Place& p : w.told_places()) told += all.find(p.name) != all.npos;
    t.check(told > 800, cat("control: the same search finds names that are told: ", told));
    t.check(w.held_out_people().size() == 100 && w.held_out_places().size() == 8,
            "there are held-out people and places");
    bool marked = true;
    for (const Person& p : w.held_out_people()) marked &= p.held_out && w.facts[p.first_fact].held_out;
    for (const Person& p : w.told_people()) marked &= !p.held_out && !w.facts[p.first_fact].held_out;
    t.check(marked, "held-out people and their facts are marked as such, and nobody else");
}

// ---- frequencies and variety

inline double top_over_median(const World& w, const std::vector<Document>& documents) {
    std::vector<double> told(w.told_people().size());
    for (const Document& d : documents)
        for (const uint32_t id : d.facts)
            if (w.facts[id].kind == "person") told[w.facts[id].entity_id]++;
    std::sort(told.begin(), told.end());
    return told.back() / std::max(1.0, told[told.size() / 2]);
}
inline void fame_follows_zipf(Report& t) {
    const double ratio = top_over_median(the_world(), sample());
    t.check(ratio >= 50, cat("the most famous person is told at least 50 times as often as the median: ", ratio));
    WorldShape flat;
    flat.zipf = 0;
    const World world(flat);
    std::vector<Document> documents;
    for (uint64_t i = 0; i < 5000; i++) documents.push_back(world.document(i));
    t.check(top_over_median(world, documents) < 10, "control: with --zipf 0 nobody is that famous");
    // counts of the first ranks fall like 1 / r: count of rank 1 over rank 8 is 8, give or take the noise
    std::vector<double> picks(9);
    Rng rng(5);
    for (int i = 0; i < 200000; i++)
        if (const auto r = size_t(&the_world().random_person(rng) - the_world().people.data()); r < 9) picks[r]++;
    t.check(picks[0] / picks[7] > 7.4 && picks[0] / picks[7] < 8.6,
            cat("rank 1 is picked 8 times as often as rank 8: ", picks[0] / picks[7]));
}
inline void variety(Report& t) {
    std::map<std::string, size_t> kinds;
    std::set<std::string> words, texts;
    size_t bytes = 0, usual = 0;
    for (const Document& d : sample()) {
        kinds[d.kind]++;
        texts.insert(d.text);
        bytes += d.text.size();
        usual += d.text.size() >= 100 && d.text.size() <= 700;
        if (d.text.size() < kMinDocumentBytes || d.text.size() > kMaxDocumentBytes)
            t.check(false, "a document is too short or too long");
        std::string word;
        for (const char c : d.text + " ")
            if (is_upper(c) || is_lower(c)) word += char(c | 32);
            else if (!word.empty()) words.insert(word), word.clear();
    }
    for (const DocumentKind& kind : kDocumentKinds)
        t.check(kind.weight == 0 ? kinds[kind.name] == 0 : kinds[kind.name] > 100, cat("kind ", kind.name, " occurs as often as planned: ", kinds[kind.name]));
    t.check(words.size() > 3000, cat("there are more than 3,000 distinct words: ", words.size()));
    t.check(texts.size() > sample().size() * 97 / 100,
            cat("nearly all documents are distinct: ", texts.size(), " of ", sample().size()));
    t.check(usual > sample().size() * 3 / 4, cat("most documents have 100 to 700 bytes: ", usual));
    t.check(bytes / sample().size() > 200, "documents are not tiny on average");
    std::set<std::string> beginnings;  // stories begin in many ways
    for (const Document& d : sample())
        if (d.kind == std::string("story")) beginnings.insert(d.text.substr(0, 60));
    t.check(beginnings.size() > 1000, cat("stories begin in many ways: ", beginnings.size()));
}

// ---- the files

inline WorldConfig small_config(const std::string& out, double megabytes) {
    WorldConfig c;
    c.out = out;
    c.megabytes = megabytes;
    c.val_fraction = 0.1;
    return c;
}
inline std::vector<nlohmann::json> read_jsonl(const std::string& path) {
    std::vector<nlohmann::json> v;
    const std::string all = read_file(path);
    for (const std::string& line : split_on(all.substr(0, all.size() - (all.empty() ? 0 : 1)), "\n"))
        v.push_back(parse_json_text<nlohmann::json>(line));
    return v;
}
inline void files_are_reproducible(Report& t) {
    const TempDir dir;
    WorldConfig a = small_config(dir / "a", 1), b = small_config(dir / "b", 1), more = small_config(dir / "more", 1.5),
                other = small_config(dir / "other", 1);
    a.threads = 1;
    b.threads = 3;
    other.seed = 2;
    WorldShape other_shape;
    other_shape.seed = 2;
    write_world(World(), a), write_world(World(), b), write_world(World(), more),
        write_world(World(other_shape), other);
    for (const char* file : {"/train.jsonl", "/val.jsonl", "/facts.jsonl"}) {
        const std::string one = read_file(a.out + file);
        t.check(one == read_file(b.out + file), cat(file, ": the same bytes with 1 and 3 threads"));
        t.check(one != read_file(other.out + file), cat(file, ": another seed gives other bytes"));
        if (std::string(file) == "/facts.jsonl") continue;
        const std::string longer = read_file(more.out + file);
        t.check(longer.size() > one.size() && longer.starts_with(one),
                cat(file, ": more megabytes extend the same beginning"));
    }
    const Document d = the_world().document(123);
    t.check(d.text == World().document(123).text && d.text != World(other_shape).document(123).text,
            "a document is a function of seed and number");
}
inline void train_and_val_are_disjoint(Report& t) {
    const TempDir dir;
    const WorldConfig c = small_config(dir.path(), 3);
    const WorldStatistics stats = write_world(the_world(), c);
    const auto train = read_jsonl(dir / "train.jsonl"), val = read_jsonl(dir / "val.jsonl");
    std::set<std::string> train_texts, val_texts;
    for (const auto& line : train) train_texts.insert(line.at("text").get<std::string>());
    for (const auto& line : val) val_texts.insert(line.at("text").get<std::string>());
    auto overlap = [](const std::set<std::string>& x, const std::set<std::string>& y) {
        size_t n = 0;
        for (const auto& s : x) n += y.count(s);
        return n;
    };
    t.check(overlap(train_texts, val_texts) == 0, "no text is in both sets");
    std::set<std::string> even, odd;
    for (size_t i = 0; i < sample().size(); i++) (i % 2 ? odd : even).insert(sample()[i].text);
    t.check(overlap(even, odd) > 0, "control: a split by number would have overlapped");
    const double fraction = double(val.size()) / double(val.size() + train.size());
    t.check(fraction > 0.08 && fraction < 0.12, cat("the validation set has its share: ", fraction));
    t.check(int64_t(train.size()) == stats.train.documents && int64_t(val.size()) == stats.val.documents,
            "the statistics count the lines");
    // the files hold documents 0, 1, 2, ... and facts.jsonl counts what train.jsonl tells
    std::vector<uint32_t> told(the_world().facts.size());
    size_t in_train = 0, in_val = 0, wrong = 0;
    for (uint64_t i = 0; in_train + in_val < train.size() + val.size(); i++) {
        const Document d = the_world().document(i);
        const bool is_val = World::is_val(d.text, c.val_fraction);
        const auto& line = is_val ? val.at(in_val++) : train.at(in_train++);
        wrong += line.at("text") != d.text || line.at("kind") != d.kind;
        if (!is_val)
            for (const uint32_t id : d.facts) told[id]++;
    }
    t.check(wrong == 0, "each line is the document of its number");
    const auto facts = read_jsonl(dir / "facts.jsonl");
    t.check(facts.size() == the_world().facts.size(), "facts.jsonl has every fact");
    size_t wrong_facts = 0, held_out = 0, held_out_told = 0;
    for (size_t i = 0; i < facts.size(); i++) {
        const Fact& f = the_world().facts[i];
        wrong_facts += facts[i].at("entity") != f.entity || facts[i].at("value") != f.value ||
                       facts[i].at("told") != told[i] || facts[i].at("attribute") != f.attribute ||
                       facts[i].at("held_out") != f.held_out;
        held_out += f.held_out;
        held_out_told += f.held_out && told[i] > 0;
    }
    t.check(wrong_facts == 0, "facts.jsonl says how often each fact is told");
    t.check(held_out == 100 * kNumPersonAttributes + 8 * kNumPlaceAttributes && held_out_told == 0,
            "no held-out fact is told");
}
inline void bad_usage_is_refused(Report& t) {
    const TempDir dir;
    auto refuse = [&](const Args& args, const std::string& expected, const std::string& claim) {
        t.check_error([&] { world_commands()[0].run(args); }, expected, claim);
    };
    const std::string out = dir / "out";
    refuse({}, "--out", "no directory");
    refuse({"--out", out, "--people", "7"}, "--people 7", "an odd number of people");
    refuse({"--out", out, "--people", "1000000"}, "--people", "too many people");
    refuse({"--out", out, "--places", "1"}, "--places 1", "too few places");
    refuse({"--out", out, "--held-out-people", "1"}, "--held-out-people 1", "an odd number of held-out people");
    refuse({"--out", out, "--held-out-places", "0"}, "--held-out-places 0", "no held-out place");
    refuse({"--out", out, "--zipf", "-1"}, "--zipf -1", "a negative exponent");
    refuse({"--out", out, "--megabytes", "0"}, "--megabytes 0", "no text");
    refuse({"--out", out, "--val-fraction", "0.9"}, "--val-fraction 0.9", "too large a validation set");
    refuse({"--out", out, "--threads", "-1"}, "--threads -1", "negative threads");
    refuse({"--out", out, "--kinds", "biography", "poem"}, "--kinds poem", "an unknown kind");
    refuse({"--out", out, "--kinds", "story:0"}, "--kinds story:0", "a weight of 0");
    refuse({"--out", out, "--hardest", "-1"}, "--hardest -1", "a negative difficulty");
    refuse({"--out", out, "--numbers", "3"}, "--numbers 3", "numbers too small for four shares");
    refuse({"--out", out, "--peeple", "8"}, "did you mean --people", "a misspelled flag");
    t.check(!fs::exists(out), "nothing was written");
    write_file(dir / "file", "x");
    refuse({"--out", dir / "file", "--megabytes", "0.1"}, "file", "a file in place of the directory");
    const World stories({}, {"story"});
    bool only = true;
    for (uint64_t i = 0; i < 50; i++) only &= stories.document(i).kind == std::string("story");
    t.check(only, "--kinds restricts the documents");
    const World small({3, 10, 5, 2, 1, 1.0});  // the smallest world still has all kinds of documents
    for (uint64_t i = 0; i < 3000; i++) small.document(i);
}

// ---- the grammar itself

inline void grammar_notation(Report& t) {
    Grammar g;
    g.add(
        "word: owl, bear, hour, uniform\n# a comment\nline:\n  ^@{w} saw @<one>. {W}[!|!]\\n\n  ^@{w} saw \\\n      "
        "@<one>. {W}!\\n\none: egg\n"
        "animals(w, food):\n  cat; @<one>\nrow:\n  {w} eats {food}\nmention:\n  {w'}{w}\n");
    g.check();
    Rng rng(1);
    Slots s(g, rng);
    for (const auto& [word, expected] :
         std::initializer_list<std::pair<const char*, const char*>>{{"owl", "An owl saw an egg. Owl!\n"},
                                                                    {"bear", "A bear saw an egg. Bear!\n"},
                                                                    {"hour", "An hour saw an egg. Hour!\n"},
                                                                    {"uniform", "A uniform saw an egg. Uniform!\n"},
                                                                    {"8", "An 8 saw an egg. 8!\n"},
                                                                    {"11", "An 11 saw an egg. 11!\n"},
                                                                    {"110", "A 110 saw an egg. 110!\n"},
                                                                    {"Ada", "An Ada saw an egg. Ada!\n"}}) {
        s.set("w", word);
        for (int k = 0; k < 8; k++)
            if (const std::string got = s.text("line"); got != expected)
                t.check(false, cat("expanded to ", got, ", expected ", expected));
    }
    s.bind_row("animals");
    t.check(s.text("row") == "cat eats an egg", "a row of a table fills its slots, and its cells are expanded");
    t.check(g.words("word").size() == 4 && g.words("word")[3] == "uniform", "word lists can be read");
    s.set("w", "x", 5);
    s.text("mention");
    t.check(s.told == std::vector<uint32_t>{5}, "a slot with a fact notes that it was told, once");
    Slots quiet(g, rng);
    quiet.set("w", "x", 5);
    quiet.bind("food", "one");
    t.check(quiet.told.empty(), "a slot that is not used tells nothing");
    t.check_error([&] { Slots(g, rng).text("line"); }, "slot w is empty", "an empty slot");
    t.check_error([&] { Slots(g, rng).set("nobody", "x"); }, "no slot named nobody", "an unknown slot");
    t.check_error(
        [&] {
            Grammar bad;
            bad.add("a:\n  <b>\n");
            bad.check();
        },
        "no rule named b", "a rule that is missing");
    t.check_error(
        [&] {
            Grammar bad;
            bad.add("a:\n  [x|y\n");
        },
        "without ]", "a bracket that is not closed");
    t.check_error(
        [&] {
            Grammar bad;
            bad.add("a:\n  x]\n");
        },
        "stray ]", "a bracket that is not opened");
    t.check_error(
        [&] {
            Grammar bad;
            bad.add("a:\n  {x\n");
        },
        "without its end", "a slot that is not closed");
    t.check_error(
        [&] {
            Grammar bad;
            bad.add("a: b\na: c\n");
        },
        "two rules named a", "a rule that is there twice");
    t.check_error(
        [&] {
            Grammar bad;
            bad.add("t(a, b):\n  1; 2; 3\n");
        },
        "3 fields, expected 2", "a row of the wrong length");
}

}  // namespace world_test

inline Suite world_tests() {
    using namespace world_test;
    return {
        {"world: the grammar expands articles, capitals, choices, rules, tables and facts as written",
         grammar_notation},
        {"world: the same seed gives the same bytes for any number of threads, and more megabytes extend them",
         files_are_reproducible},
        {"world: no text is in both training and validation set, and facts.jsonl counts what is told",
         train_and_val_are_disjoint},
        {"world: every sum in every document is right", arithmetic_is_right},
        {"world: coins add up in stories and shops", money_adds_up},
        {"world: everything said about letters is true", spelling_is_right},
        {"world: sorted lists are sorted", lists_are_sorted},
        {"world: articles, capitals, quotes, marks and agreement are right in every document", english_is_right},
        {"world: the facts that a document notes are stated in it", facts_are_stated},
        {"world: what the prose says agrees with the fact table", facts_agree_with_the_table},
        {"world: each fact has questions and statements that name it", questions_and_statements},
        {"world: held-out people and places never occur", held_out_names_never_occur},
        {"world: fame follows Zipf's law", fame_follows_zipf},
        {"world: all kinds, more than 3,000 words, few repetitions", variety},
        {"world: wrong usage is refused in one line and writes nothing", bad_usage_is_refused},
    };
}
