// dev/test/world_solvers.hpp -- second solvers for the problems of the embedded world: they read the prompt alone, know nothing of how it
// was written, and answer; beside them a checker of worked solutions and the essence of a prompt, by which the shares are compared.
#pragma once

#include <functional>
#include <regex>

#include "test_world.hpp"

namespace world_chat_test {

using world_test::Complaints;
using world_test::mentions;
using world_test::numbers_in;
using world_test::split_on;
using world_test::the_world;

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }
inline std::string after(const std::string& text, const std::string& mark) { return text.substr(text.find(mark) + mark.size()); }
inline std::string sorted_text(std::vector<std::string> v) {
    std::sort(v.begin(), v.end());
    std::string s;
    for (const auto& x : v) s += x + " ";
    return s;
}
inline std::string numbers_text(const std::string& text) {
    std::string s;
    for (const int64_t n : numbers_in(text)) s += cat(n, " ");
    return s;
}

// ---- second solvers: prompt -> answer

inline std::string solve_word_problem(const std::string& p) {
    const auto n = numbers_in(p);
    auto is = [&](const char* part) { return has(p, part); };
    struct Rule {
        bool applies;
        size_t numbers;
        std::function<int64_t()> solve;
    };
    const std::vector<Rule> rules = {
        {is(" and gets $"), 5, [&] { return (n[3] - n[4] - n[1] * n[2]) / n[0]; }},
        {is("The total is") || is("Everything together costs"), 4, [&] { return (n[3] - n[1] * n[2]) / n[0]; }},
        {is("into boxes of") || is("They fill boxes of"), 5, [&] { return (n[0] * n[1] + n[2] * n[3]) / n[4]; }},
        {is("teams of") || is("tables of"), 5, [&] { return (n[0] * n[1] - n[2]) / n[3] * n[4]; }},
        {is("The rest is shared") || is("shares the rest"), 4, [&] { return (n[0] * n[1] - n[2]) / n[3]; }},
        {is(" a day"), 4, [&] { return n[3] - (n[0] * n[1] - n[2]); }},
        {n.size() == 5 && is("$"), 5, [&] { return n[4] - n[0] * n[1] - n[2] * n[3]; }},
        {n.size() == 4 && is("$"), 4, [&] { return n[0] * n[1] + n[2] * n[3]; }},
        {n.size() == 3 && is("$"), 3, [&] { return n[2] - n[0] * n[1]; }},
        {is("years old"), 3, [&] { return n[0] + n[1] - n[2]; }},
        {is("share them fairly") || is("all with the same number"), 3, [&] { return (n[0] + n[1]) / n[2]; }},
        {n.size() == 3 && (is(" boxes with ") || is(" bags of ")), 3, [&] { return n[0] * n[1] + n[2]; }},
        {n.size() == 3, 3, [&] { return n[0] + n[1] - n[2]; }},
        {is("$"), 2, [&] { return n[0] * n[1]; }},
        {is("fairly") || is("the same number into each"), 2, [&] { return n[0] / n[1]; }},
        {is("baskets with") || is(" bags with "), 2, [&] { return n[0] * n[1]; }},
        {is("are left?") || is("still there?"), 2, [&] { return n[0] - n[1]; }},
        {is("now?") || is("together?"), 2, [&] { return n[0] + n[1]; }},
    };
    for (const Rule& r : rules)
        if (r.applies) return r.numbers == n.size() ? std::to_string(r.solve()) : cat("expected ", r.numbers, " numbers");
    return "not understood";
}
inline std::string solve_arithmetic(std::string p) {
    for (const char* frame : {"What is ", "How much is ", "Calculate "})
        if (p.starts_with(frame)) p = after(p, frame);
    p.pop_back();
    int64_t value = 0;
    return world_test::evaluate(p, value) ? std::to_string(value) : "not understood";
}
inline std::string solve_counting(const std::string& p) {
    const std::string row = after(p, ": ");
    if (has(p, "dots")) return std::to_string(std::count(row.begin(), row.end(), '.'));
    std::smatch m;
    if (std::regex_search(p, m, std::regex("letter ([a-z])[ :]"))) return std::to_string(std::count(row.begin(), row.end(), m[1].str()[0]));
    const auto items = split_on(row, ", ");
    if (std::regex_search(p, m, std::regex("(?:does|read) ([a-z]+) (?:occur|here)"))) return std::to_string(std::count(items.begin(),
            items.end(), m[1].str()));
    return std::to_string(items.size());
}
inline std::string solve_spelling(const std::string& p) {
    static const std::vector<std::string> ordinals = {"first", "second", "third",    "fourth",  "fifth",      "sixth",      "seventh",
            "eighth",
                                                      "ninth", "tenth",  "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth",
                                                              "sixteenth"};
    const std::string word = split_on(p, "\"").at(1);
    auto place = [&](const std::string& name) { return size_t(std::find(ordinals.begin(), ordinals.end(), name) - ordinals.begin()); };
    std::smatch m;
    if (has(p, "backwards")) return std::string(word.rbegin(), word.rend());
    if (std::regex_search(p, m, std::regex("every ([a-z]+) letter"))) {
        std::string s;
        for (size_t i = 0; i < word.size(); i++)
            if ((i + 1) % (place(m[1]) + 1) == 0) s += word[i];
        return s;
    }
    if (std::regex_search(p, m, std::regex("the letter ([a-z]) |How many ([a-z]) are"))) {
        const char c = (m[1].matched ? m[1] : m[2]).str()[0];
        return std::to_string(std::count(word.begin(), word.end(), c));
    }
    if (has(p, "How many letters") || has(p, "How long")) return std::to_string(word.size());
    if (std::regex_search(p, m, std::regex("(first|last)? ?(two|three) letters"))) {
        const size_t n = m[2] == "two" ? 2 : 3;
        return has(p, "last") || has(p, "end with") ? word.substr(word.size() - n) : word.substr(0, n);
    }
    if (std::regex_search(p, m, std::regex("the ([a-z]+) letter of|is the ([a-z]+)\\?"))) return word.substr(place((m[1].matched ? m[1]
            : m[2]).str()), 1);
    return "not understood";
}
inline std::vector<std::string> decimals_in(const std::string& p) {
    static const std::regex number("[0-9]+\\.[0-9]+");
    std::vector<std::string> v;
    for (auto it = std::sregex_iterator(p.begin(), p.end(), number); it != std::sregex_iterator(); ++it) v.push_back(it->str());
    return v;
}
inline std::string solve_comparing(const std::string& p) {
    const auto v = decimals_in(p);
    if (v.size() != 2) return "not understood";
    const bool first = (std::stod(v[0]) > std::stod(v[1])) == (has(p, "larger") || has(p, "more"));
    return first ? v[0] : v[1];
}
inline std::string solve_sorting(const std::string& p) {
    auto v = split_on(after(p, ": "), ", ");
    if (has(p, "words")) std::sort(v.begin(), v.end());
    else std::sort(v.begin(), v.end(), [](auto& a, auto& b) { return std::stoi(a) < std::stoi(b); });
    if (has(p, "largest first") || has(p, "from the largest")) std::reverse(v.begin(), v.end());
    std::string s;
    for (const auto& x : v) s += (s.empty() ? "" : ", ") + x;
    return s;
}
inline std::string solve(const std::string& task, const std::string& prompt) {
    return task == "word-problems" ? solve_word_problem(prompt)
           : task == "arithmetic"  ? solve_arithmetic(prompt)
           : task == "counting"    ? solve_counting(prompt)
           : task == "spelling"    ? solve_spelling(prompt)
           : task == "comparing"   ? solve_comparing(prompt) : solve_sorting(prompt);
}

// ---- worked solutions

// Equations hold, the last one ends with the answer, and where letters are spelled, they are those of the word.
inline Complaints wrong_steps(const std::string& task, const std::string& steps, const std::string& prompt, const std::string& answer) {
    Complaints c = world_test::wrong_equations(steps);
    if (task == "word-problems" || task == "arithmetic") {
        const auto last = numbers_in(after(steps.substr(std::min(steps.rfind('='), steps.size())), "="));
        // a sum by columns ends with its first column; its answer is read from the columns, last to first
        std::string columns;
        if (task == "arithmetic" && has(prompt, "+")) {
            const auto equations = split_on(steps, " = ");
            for (size_t i = 1; i < equations.size(); i++) {
                const int64_t sum = numbers_in(equations[i]).at(0);
                columns = (i + 1 == equations.size() ? std::to_string(sum) : std::to_string(sum % 10)) + columns;
            }
            if (columns != answer) c.push_back(cat("the columns say ", columns));
        } else if (last.empty() || std::to_string(last[0]) != answer) c.push_back("the last result is not the answer");
    } else if (task == "spelling") {
        const std::string word = split_on(prompt, "\"").at(1);
        std::string letters;
        for (const char ch : steps.substr(0, steps.find_first_of(".")))
            if (world_test::is_lower(ch)) letters += ch;
        if (!word.starts_with(letters) || letters.empty()) c.push_back(cat("spells ", letters));
    } else if (task == "counting") {
        const auto n = numbers_in(steps);
        for (size_t i = 0; i < n.size(); i++)
            if (n[i] != int64_t(i + 1)) c.push_back("does not count 1, 2, 3");
        if (std::to_string(n.size()) != answer) c.push_back("counts to another number");
    } else if (task == "comparing") {
        std::smatch m;
        if (!std::regex_search(steps, m, std::regex("([0-9]+) is (larger|smaller) than ([0-9]+)\\.$")) ||
            (m[2] == "larger") != (std::stoll(m[1]) > std::stoll(m[3])))
            c.push_back("compares badly");
    } else {
        const auto parts = split_on(steps, ". ");
        std::string taken;
        for (const auto& part : parts) {
            const std::string next = has(part, ": ") ? after(part, ": ") : after(part, "Then ");
            taken += (taken.empty() ? "" : ", ") + split_on(next, ".")[0];
        }
        if (taken != answer) c.push_back(cat("takes ", taken));
    }
    return c;
}

// ---- essence

// What a prompt asks, without names and wording: two prompts with the same essence are the same problem.
inline std::string essence(const std::string& task, const std::string& prompt) {
    if (task == "spelling") return split_on(prompt, "\"").at(1);
    if (task == "sorting") return sorted_text(split_on(after(prompt, ": "), ", "));
    if (task == "comparing") return sorted_text(decimals_in(prompt));
    if (task == "counting") return after(prompt, ": ") + (has(prompt, "the letter ") ? after(prompt, "the letter ").substr(0, 1) : "");
    if (task == "word-problems") {  // the words that no name or thing can be, and the numbers
        std::string s;
        for (const char* mark : {"$", "fairly", "boxes", "baskets", "years", "back", "left", "loses", "gives", "each", "total", "together",
                "a day", "share"})
            s += has(prompt, mark) ? mark : "-";
        return s + numbers_text(prompt) + solve_word_problem(prompt);
    }
    if (task == "arithmetic") {
        auto n = numbers_in(prompt);
        std::sort(n.begin(), n.end());
        return cat(n[0], has(prompt, "+") ? "+" : has(prompt, " x ") ? "x" : "-", n[1]);
    }
    return prompt;
}

}  // namespace world_chat_test
