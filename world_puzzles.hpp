// world_puzzles.hpp -- puzzles that are easy for a program and hard for a language model: long sums, counting, spelling,
// comparing decimals, sorting. Each is posed with its answer, with the steps that a model can take one token after the other,
// and with the line of Python that settles it.
//
// They are hard for different reasons. A long sum is too much computation for one token. Dots and letters are not what the
// model sees: it sees tokens, which hold several of them. 9.11 looks like a date, or like a chapter after 9.9. The steps undo
// each of these: one column at a time, one letter at a time with its number, one comparison at a time.
// The sum is worked out as in the documents of the world (world_exercises.hpp), so that a base model knows the way.
#pragma once

#include "world_problems.hpp"

inline constexpr const char* kPuzzleRules = R"WORLD(
ask_sum:
  What is {s1} {op} {s2}?
  How much is {s1} {op} {s2}?
  Calculate {s1} {op} {s2}.
  {S1} {op} {s2}?
ask_dots:
  How many dots are in this row: {row}
  Count the dots: {row}
ask_row:
  How many times does the letter {letter} occur in this row: {row}
  Count the letter {letter}: {row}
ask_length_of_list:
  How many words are in this list: {row}
  Count the words: {row}
ask_repeats:
  How often does {word} occur in this list: {row}
  How many times do you read {word} here: {row}
ask_every:
  What is every {ordinal} letter of "{word}"?
  Write every {ordinal} letter of "{word}".
ask_letter:
  How many times does the letter {letter} occur in "{word}"?
  How many {letter} are in "{word}"?
ask_reverse:
  Write "{word}" backwards.
  What is "{word}" spelled backwards?
ask_first:
  What are the first {count} letters of "{word}"?
  Which {count} letters does "{word}" begin with?
ask_last:
  What are the last {count} letters of "{word}"?
  Which {count} letters does "{word}" end with?
ask_nth:
  What is the {ordinal} letter of "{word}"?
  Which letter of "{word}" is the {ordinal}?
ask_letters:
  How many letters does "{word}" have?
  How long is the word "{word}"?
ask_larger:
  Which number is larger, {s1} or {s2}?
  Which is more, {s1} or {s2}?
ask_smaller:
  Which number is smaller, {s1} or {s2}?
  Which is less, {s1} or {s2}?
ask_ascending:
  Sort these numbers from the smallest to the largest: {row}
  Put the numbers in order, the smallest first: {row}
ask_descending:
  Sort these numbers from the largest to the smallest: {row}
  Put the numbers in order, the largest first: {row}
ask_alphabet:
  Put these words in alphabetical order: {row}
  Sort these words from a to z: {row}
)WORLD";

inline std::string in_quotes(const std::string& s) { return "\"" + s + "\""; }
// A list as Python writes it; words in the quotes `quote`.
inline std::string python_list(const std::vector<std::string>& v, const std::string& quote = "") {
    std::string s;
    for (const auto& x : v) s += (s.empty() ? "" : ", ") + quote + x + quote;
    return "[" + s + "]";
}

// ---- arithmetic

inline int64_t power_of_ten(int n) { return n == 0 ? 1 : 10 * power_of_ten(n - 1); }
inline int64_t number_of_digits(Draft& d, int digits) {
    const int64_t low = digits == 1 ? 2 : power_of_ten(digits - 1);
    return low + int64_t(d.rng.below(uint64_t(power_of_ten(digits) - low)));
}

// Column by column from the right, with carries.
inline std::string steps_of_sum(int64_t a, int64_t b) {
    std::string s;
    int64_t carry = 0;
    for (int64_t x = a, y = b; x || y; x /= 10, y /= 10) {
        const int64_t sum = x % 10 + y % 10 + carry;
        s += cat(s.empty() ? "" : " ", x % 10, " + ", y % 10);
        if (carry) s += cat(" + ", carry);
        s += cat(" = ", sum);
        if (sum >= 10 && (x >= 10 || y >= 10)) s += cat(", write ", sum % 10, " and carry 1");
        s += ".";
        carry = sum / 10;
    }
    return s;
}
// Place by place from the left: 523 - 200, then - 70, then - 8.
inline std::string steps_of_difference(int64_t a, int64_t b, int digits) {
    std::string s;
    for (int place = digits - 1; place >= 0; place--) {
        const int64_t part = b / power_of_ten(place) % 10 * power_of_ten(place);
        if (part == 0) continue;
        s += cat(s.empty() ? "" : " ", a, " - ", part, " = ", a - part, ".");
        a -= part;
    }
    return s;
}
// Every digit of a with every digit of b, added up on the way.
inline std::string steps_of_product(int64_t a, int64_t b, int digits_a, int digits_b) {
    std::string s;
    int64_t sum = 0;
    for (int i = digits_a - 1; i >= 0; i--)
        for (int j = digits_b - 1; j >= 0; j--) {
            const int64_t x = a / power_of_ten(i) % 10 * power_of_ten(i), y = b / power_of_ten(j) % 10 * power_of_ten(j);
            if (x == 0 || y == 0) continue;
            s += cat(s.empty() ? "" : " ", x, " x ", y, " = ", x * y, ".");
            if (sum) s += cat(" ", sum, " + ", x * y, " = ", sum + x * y, ".");
            sum += x * y;
        }
    return s;
}

// Difficulty: digits of the terms of a sum; a product has about as many steps.
constexpr int kArithmeticDifficulties = 8;
inline bool arithmetic_puzzle(Puzzle& z) {
    static constexpr int product_digits[kArithmeticDifficulties][2] = {{1, 1}, {2, 1}, {3, 1}, {2, 2}, {4, 1}, {3, 2}, {4, 2}, {3, 3}};
    const int digits = z.p.difficulty;
    const char op = z.chance(50) ? '+' : z.chance(40) ? '-' : 'x';
    const int digits_a = op == 'x' ? product_digits[digits - 1][0] : digits, digits_b = op == 'x' ? product_digits[digits - 1][1] : digits;
    int64_t a = number_of_digits(z, digits_a), b = number_of_digits(z, digits_b);
    if (op == '-' && a == b) return false;
    if (op == '-' && a < b) std::swap(a, b);
    // 3 + 5 and 5 + 3 are the same problem
    if (!z.settle(op == '+' ? "add" : op == '-' ? "subtract" : "multiply", cat("arithmetic ", std::max(a, b), op, std::min(a,
            b)))) return false;
    z.slots.set("s1", std::to_string(a));
    z.slots.set("s2", std::to_string(b));
    z.slots.set("op", std::string(1, op));
    z.p.prompt = z.say("ask_sum");
    z.p.answer = z.p.output = std::to_string(apply(op, a, b));
    z.p.steps = op == '+' ? steps_of_sum(a, b) : op == '-' ? steps_of_difference(a, b, digits) : steps_of_product(a, b, digits_a, digits_b);
    z.p.code = cat(a, " ", op == 'x' ? '*' : op, " ", b);
    return true;
}

// ---- counting

// Items with a number on each that counts: "a 1, b, a 2".
inline std::string numbered(const std::vector<std::string>& items, const std::string& wanted = "") {
    std::string s;
    int n = 0;
    for (const auto& item : items) {
        s += (s.empty() ? "" : ", ") + item;
        if (wanted.empty() || item == wanted) s += cat(" ", ++n);
    }
    return s + ".";
}

// The code of these puzzles copies a row as it stands, with the space before it (" a b b a"), and not into the form that Python would
// like best (["a", "b", "b", "a"]): then each token of the copy is the token that was read. Between quotes they would be others.
inline std::string quoted_row(const std::string& row) { return in_quotes(" " + row); }

// Rows of n things, for puzzles and for the copybook.
inline std::string row_of_dots(Draft& d, int n) {  // in groups of one to five: ".... .. ....."
    std::string row;
    for (int i = 0, left = 0; i < n; i++, left--) {
        if (left == 0 && i) row += " ";
        if (left == 0) left = d.between(1, 5);
        row += ".";
    }
    return row;
}
inline std::vector<std::string> row_from(Draft& d, const std::vector<std::string>& pool, int n) {
    std::vector<std::string> row;
    for (int i = 0; i < n; i++) row.push_back(pool[d.rng.below(pool.size())]);
    return row;
}
inline std::vector<std::string> three_letters(Draft& d) {
    if (d.chance(50)) return {"a", "b", "c"};
    return {"x", "y", "z"};
}
// Three words of which none contains another, so that one can be counted inside a row.
inline std::vector<std::string> three_words(Draft& d) {
    for (;;) {
        auto pool = d.world.some_spelling_words(3, d.rng);
        auto inside = [&](const std::string& a) {
            return std::any_of(pool.begin(), pool.end(), [&](const std::string& b) { return a != b && b.find(a) != b.npos; });
        };
        if (std::none_of(pool.begin(), pool.end(), inside)) return pool;
    }
}
// What decides on the share of a puzzle on a row.
inline std::string key_of_row(const std::string& row) { return cat("counting ", row); }
inline std::string key_of_items(const std::string& wanted, const std::string& row) { return cat("counting ", wanted, " in ", row); }

// ".... .. ....." is counted "1 2 3 4, 5 6, 7 8 9 10 11."
inline std::string counted_dots(const std::string& row) {
    std::string steps;
    int n = 0;
    for (const char c : row) steps += c == ' ' ? std::string(",") : cat(n ? " " : "", n + 1), n += c == '.';
    return steps + ".";
}
inline bool count_dots(Puzzle& z, int n) {
    const std::string row = row_of_dots(z, n);
    if (!z.settle("dots", key_of_row(row))) return false;
    z.slots.set("row", row);
    z.p.prompt = z.say("ask_dots");
    z.p.steps = counted_dots(row);
    z.p.code = in_quotes(" " + row + " ") + ".count(\".\")";  // the space at the end keeps the last group a token of its own
    return true;
}
// How often `wanted` stands in the row.
inline bool count_items(Puzzle& z, const char* kind, const std::vector<std::string>& row, const char* between, const std::string& wanted, int& found) {
    const std::string text = joined(row, between);
    found = int(std::count(row.begin(), row.end(), wanted));
    if (!z.settle(kind, key_of_items(wanted, text))) return false;
    z.slots.set("row", text);
    z.slots.set("letter", wanted);
    z.slots.set("word", wanted);
    z.p.prompt = z.say(z.p.kind == "letters" ? "ask_row" : "ask_repeats");
    z.p.steps = numbered(row, wanted);
    z.p.code = cat(quoted_row(text), ".count(", quoted_row(wanted), ")");
    return true;
}
inline bool count_words(Puzzle& z, int n) {
    const auto words = z.world.some_spelling_words(size_t(n), z.rng);
    if (!z.settle("words", key_of_row(joined(words)))) return false;
    z.slots.set("row", joined(words));
    z.p.prompt = z.say("ask_length_of_list");
    z.p.steps = numbered(words);
    z.p.code = cat("len(", quoted_row(joined(words)), ".split(\",\"))");
    return true;
}

// Difficulty: how many things there are, up to 5, 10, 15, 20.
constexpr int kCountingDifficulties = 4;
inline bool counting_puzzle(Puzzle& z) {
    const int n = 5 * (z.p.difficulty - 1) + z.between(z.p.difficulty == 1 ? 2 : 1, 5), kind = z.between(0, 9);
    int found = n;
    bool settled;
    if (kind < 4) {
        settled = count_dots(z, n);
    } else if (kind < 7) {
        const auto pool = three_letters(z);
        settled = count_items(z, "letters", row_from(z, pool, n), " ", pool[z.rng.below(3)], found);
    } else if (kind < 9 || n > 10) {
        const auto pool = three_words(z);
        settled = count_items(z, "repeats", row_from(z, pool, n), ", ", pool[0], found);
    } else {
        settled = count_words(z, n);
    }
    z.p.answer = z.p.output = std::to_string(found);
    return settled;
}

// ---- spelling

inline std::string each_letter(const std::string& word) { return spelled(word) + "."; }
inline std::vector<std::string> letters_of(const std::string& word) {
    std::vector<std::string> v;
    for (const char c : word) v.push_back(std::string(1, c));
    return v;
}
// "1 o, 2 w, 3 l", up to letter n.
inline std::string numbered_letters(const std::string& word, size_t n) {
    std::string s;
    for (size_t i = 0; i < n; i++) s += cat(i ? ", " : "", i + 1, " ", word[i]);
    return s;
}
// As Python shows a string that is the value of a line.
inline std::string python_string(const std::string& s) { return "'" + s + "'"; }

inline void ask_of_letters(Puzzle& z, const std::string& word) {  // kinds that ask for letters
    const size_t n = word.size();
    const std::string& kind = z.p.kind;
    if (kind == "every") {
        const size_t step = size_t(z.between(2, 3));
        z.slots.set("ordinal", ordinal(step - 1));
        std::string positions;
        for (size_t i = step - 1; i < n; i += step) z.p.answer += word[i], positions += cat(positions.empty() ? "" : ", ", i + 1, " ",
                word[i]);
        z.p.steps = cat(numbered_letters(word, n), ". We take ", positions, ".");
        z.p.code = cat(in_quotes(word), "[", step - 1, "::", step, "]");
    } else if (kind == "reverse") {
        z.p.answer = std::string(word.rbegin(), word.rend());
        z.p.steps = cat(each_letter(word), " Backwards: ", each_letter(z.p.answer));
        z.p.code = in_quotes(word) + "[::-1]";
    } else if (kind == "nth") {
        const size_t at = z.rng.below(n);
        z.slots.set("ordinal", ordinal(at));
        z.p.answer = word.substr(at, 1);
        z.p.steps = numbered_letters(word, at + 1) + ".";
        z.p.code = cat(in_quotes(word), "[", at, "]");
    } else {
        const size_t k = size_t(z.between(2, 3));
        z.slots.set("count", k == 2 ? "two" : "three");
        z.p.answer = kind == "first" ? word.substr(0, k) : word.substr(n - k);
        z.p.steps = cat(each_letter(word), kind == "first" ? " The first: " : " The last: ", each_letter(z.p.answer));
        z.p.code = kind == "first" ? cat(in_quotes(word), "[:", k, "]") : cat(in_quotes(word), "[-", k, ":]");
    }
    z.p.output = python_string(z.p.answer);
}
inline void ask_of_numbers(Puzzle& z, const std::string& word) {  // kinds that ask how many
    if (z.p.kind == "letters") {
        z.p.answer = std::to_string(word.size());
        z.p.steps = numbered_letters(word, word.size()) + ".";
        z.p.code = "len(" + in_quotes(word) + ")";
    } else {
        // now and then a letter that does not occur
        const std::string letter(1, z.chance(85) ? word[z.rng.below(word.size())] : char('a' + z.rng.below(26)));
        z.slots.set("letter", letter);
        z.p.answer = std::to_string(std::count(word.begin(), word.end(), letter[0]));
        z.p.steps = numbered(letters_of(word), letter);
        z.p.code = in_quotes(word) + ".count(" + in_quotes(letter) + ")";
    }
    z.p.output = z.p.answer;
}

// Difficulty: the length of the word, up to 4, 6, 8, and above.
constexpr int kSpellingDifficulties = 4;
inline bool spelling_puzzle(Puzzle& z) {
    const std::string word = z.world.some_spelling_words(1, z.rng)[0];
    const size_t n = word.size();
    if (n < 3 || (n <= 4 ? 1 : n <= 6 ? 2 : n <= 8 ? 3 : 4) != z.p.difficulty) return false;
    static constexpr std::array<const char*, 7> kinds = {"every", "letter", "reverse", "first", "last", "nth", "letters"};
    // the key is the word: whatever is asked of it, it is asked in one share alone
    if (!z.settle(kinds[z.rng.below(kinds.size())], cat("spelling ", word))) return false;
    z.slots.set("word", word);
    if (z.p.kind == "letter" || z.p.kind == "letters") ask_of_numbers(z, word);
    else ask_of_letters(z, word);
    z.p.prompt = z.say("ask_" + z.p.kind);
    return true;
}

// ---- comparing decimals

inline std::string decimal(int64_t whole, int64_t fraction, int places) { return strprintf("%lld.%0*lld", (long long)whole, places,
        (long long)fraction); }

// 1: the whole parts differ. 2: only the tenths differ. 3: one or two places, as 9.11 and 9.9. 4: two or three places.
constexpr int kComparingDifficulties = 4;
inline bool comparing_puzzle(Puzzle& z) {
    const int level = z.p.difficulty;
    const int places_a = level <= 2 ? 1 : level == 3 ? 1 : 2, places_b = level <= 2 ? 1 : level == 3 ? 2 : 3;
    const int64_t a = z.between(1, level == 1 ? 99 : 20), b = level == 1 ? z.between(1, 99) : a;
    const int64_t fa = 1 + int64_t(z.rng.below(uint64_t(power_of_ten(places_a) - 1))), fb = 1 +
            int64_t(z.rng.below(uint64_t(power_of_ten(places_b) - 1)));
    if (fa % 10 == 0 || fb % 10 == 0 || (level == 1) != (a != b)) return false;  // nobody writes 9.10
    const int places = std::max(places_a, places_b);
    const int64_t pa = fa * power_of_ten(places - places_a), pb = fb * power_of_ten(places - places_b);
    if (a == b && pa == pb) return false;
    const bool a_is_larger = a != b ? a > b : pa > pb, want_larger = z.chance(60), swap = z.chance(50);
    const std::string sa = decimal(a, fa, places_a), sb = decimal(b, fb, places_b);
    if (!z.settle(want_larger ? "larger" : "smaller", cat("comparing ", a_is_larger ? sb : sa, " ", a_is_larger ? sa : sb))) return false;
    z.slots.set("s1", swap ? sb : sa);
    z.slots.set("s2", swap ? sa : sb);
    z.p.prompt = z.say("ask_" + z.p.kind);
    z.p.answer = a_is_larger == want_larger ? sa : sb;
    auto compare = [&](int64_t x, int64_t y) {
        return want_larger ? cat(std::max(x, y), " is larger than ", std::min(x, y), ".") : cat(std::min(x, y), " is smaller than ",
                std::max(x, y), ".");
    };
    if (a != b) z.p.steps = cat("Before the point: ", swap ? b : a, " and ", swap ? a : b, ". ", compare(a, b));
    else
        z.p.steps = cat("Both begin with ", a, ". After the point: ", strprintf("%0*lld and %0*lld", places, (long long)(swap ? pb : pa),
                places,
                                                                            (long long)(swap ? pa : pb)), ". ", compare(pa, pb));
    z.p.code = cat(swap ? sb : sa, want_larger ? " > " : " < ", swap ? sa : sb);
    z.p.output = z.p.answer == (swap ? sb : sa) ? "True" : "False";
    return true;
}

// ---- sorting

// Take the first of what is left, again and again.
inline std::string steps_of_sorting(std::vector<std::string> items, const std::vector<std::string>& sorted) {
    std::string s;
    for (const auto& next : sorted) {
        s += items.size() > 1 ? cat(s.empty() ? "" : " ", joined(items), ": ", next, ".") : cat(" Then ", next, ".");
        items.erase(std::find(items.begin(), items.end(), next));
    }
    return s;
}

// Difficulty: 3, 4, 5, 6 things; numbers of 1, 2, 2, 3 digits.
constexpr int kSortingDifficulties = 4;
inline bool sorting_puzzle(Puzzle& z) {
    const size_t n = size_t(2 + z.p.difficulty);
    const int kind = z.between(0, 2);  // ascending, descending, words
    std::vector<std::string> items;
    std::vector<int64_t> numbers;
    if (kind == 2) items = z.world.some_spelling_words(n, z.rng);
    while (kind != 2 && numbers.size() < n) {
        const int64_t x = int64_t(1 + z.rng.below(uint64_t(power_of_ten(std::array{1, 2, 2, 3}[size_t(z.p.difficulty - 1)]) - 1)));
        if (std::find(numbers.begin(), numbers.end(), x) == numbers.end()) numbers.push_back(x), items.push_back(std::to_string(x));
    }
    std::vector<std::string> sorted = items;
    if (kind == 2) std::sort(sorted.begin(), sorted.end());
    else std::sort(sorted.begin(), sorted.end(), [](auto& x, auto& y) { return std::stoll(x) < std::stoll(y); });
    if (items == (kind == 1 ? std::vector<std::string>(sorted.rbegin(), sorted.rend()) : sorted)) return false;  // nothing to do
    // the key is what is sorted, in its order: the same things in another order are the same problem
    if (!z.settle(kind == 0 ? "ascending" : kind == 1 ? "descending" : "alphabet", cat("sorting ", joined(sorted)))) return false;
    if (kind == 1) std::reverse(sorted.begin(), sorted.end());
    z.slots.set("row", joined(items));
    z.p.prompt = z.say("ask_" + z.p.kind);
    z.p.answer = joined(sorted);
    z.p.steps = steps_of_sorting(items, sorted);
    z.p.code = "sorted(" + python_list(items, kind == 2 ? "\"" : "") + ")" + (kind == 1 ? "[::-1]" : "");
    z.p.output = python_list(sorted, kind == 2 ? "'" : "");
    return true;
}

// ---- the copybook: pages for pretraining on which rows are copied, one token after the other
// Who hands a row to a program must copy it. Large models have learned that from the web; a small one needs pages that show nothing else.

// A row of two to fifteen things that no question of val, dev or test is about.
inline std::string row_to_copy(Draft& d) {
    for (;;) {
        const int n = d.between(2, 15), kind = d.between(0, 3);
        std::string row;
        std::vector<std::string> wanted;
        if (kind < 2) {
            row = row_of_dots(d, n);
        } else {
            wanted = kind == 2 ? three_letters(d) : three_words(d);
            row = joined(row_from(d, wanted, n), kind == 2 ? " " : ", ");
        }
        bool is_train = share_of(key_of_row(row)) == Share::train;
        for (const std::string& w : wanted) is_train = is_train && share_of(key_of_items(w, row)) == Share::train;
        if (is_train) return row;
    }
}
inline void copybook(Draft& d) {
    if (d.chance(20)) d.add("Copy each row.\n\n");
    for (int i = d.between(4, 10); i > 0; i--) {
        const std::string row = row_to_copy(d);
        d.add(cat("Row: ", row, "\nCopy: ", row, "\n"));
    }
}
