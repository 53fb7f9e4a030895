// world_exercises.hpp -- pages of the embedded world whose content can be checked: worked arithmetic, spelling, lists.
//
// Everything here is computed: a sum is written out the way a child does it on paper, digit by digit with its carries,
// because a model that reads it has only so much computation per token and must see the steps.
// Promises: every `a + b = c` is right, every spelling has the letters of its word, every sorted list is sorted.
// Does not: pose problems for an assistant (later chapters do that with the same words and numbers).
#pragma once

#include "world_letters.hpp"

inline constexpr const char* kExerciseRules = R"WORLD(
sum_title: Sums, A page of sums, Numbers, Practice, From the exercise book, Let us calculate, Arithmetic for {day}
word_add:
  {Kid} has {n1} {things}. {Other} gives {kid_him} {n2} more. How many {things} does {kid} have now?\n{n1} + {n2} \
      = {n3}\n{Kid} has {n3} {things}.\n
  There are {n1} {things} in one box and {n2} {things} in another. How many {things} are there in both boxes? {n1} \
      + {n2} = {n3}. There are {n3} {things}.\n
  {Kid} found {n1} {things} in the morning and {n2} {things} in the afternoon. {n1} + {n2} = {n3}, so {kid} found \
      {n3} {things} in all.\n
  On {day}, {kid} counted {n1} {things}. On {day2}, {kid_he} counted {n2} more. Together that makes {n1} + {n2} = \
      {n3} {things}.\n
  {Kid} and {other} put their {things} together. {Kid} has {n1} and {other} has {n2}. How many do they have? They \
      have {n1} + {n2} = {n3} {things}.\n
word_subtract:
  {Kid} had {n3} {things} and gave {n2} of them to {other}. How many {things} are left? {n3} - {n2} = {n1}. There \
      are {n1} {things} left.\n
  There were {n3} {things} on the table. {Other} took {n2} of them. {n3} - {n2} = {n1}, so {n1} {things} are still \
      there.\n
  {Kid} needs {n3} {things} and has only {n2}. How many are missing?\n{n3} - {n2} = {n1}\n{Kid_he} needs {n1} more.\n
  {Kid} has {n3} {things}. {Other} has {n2}. How many more does {kid} have? {n3} - {n2} = {n1}. {Kid} has {n1} \
      more than {other}.\n
word_multiply:
  There are {n1} baskets with {n2} {things} in each of them. How many {things} are there? {n1} x {n2} = {n3}. \
      There are {n3} {things}.\n
  {Kid} puts {n2} {things} in every row. With {n1} rows, that makes {n1} x {n2} = {n3} {things}.\n
  {N1} children have {n2} {things} each. {n1} x {n2} = {n3}, so they have {n3} {things} together.\n
word_divide:
  {Kid} shares {n3} {things} fairly among {n1} children. {n3} / {n1} = {n2}. Every child gets {n2} {things}.\n
  How many bags do you need for {n3} {things} if {n1} fit into each bag? {n3} / {n1} = {n2}. You need {n2} bags.\n
word_price:
  One {good} costs {price_coins}. How much do {n1} {goods} cost? {n1} x {n2} = {n3}. They cost {n3} coins.\n
  {Kid} buys {n1} {goods} at {price_coins} each and pays {n1} x {n2} = {n3} coins.\n
  {Kid} has {n4} coins and buys {n1} {goods}. One {good} costs {price_coins}. The price is {n1} x {n2} = {n3} \
      coins, and {n4} - {n3} = {n5} coins are left.\n
word_clock:
  It is {n1} o'clock. What time will it be in {n2} hours? {n1} + {n2} = {n3}. It will be {n3} o'clock.\n
  The train left at {n1} and arrived at {n3}. {n3} - {n1} = {n2}, so the journey took {n2} hours.\n
word_age:
  {Kid} is {n1} years old, and {other} is {n2} years older. {n1} + {n2} = {n3}, so {other} is {n3} years old.\n
  {Other} is {n3} years old. {Kid} is {n2} years younger. {n3} - {n2} = {n1}. {Kid} is {n1} years old.\n
sum_by_heart:
  We know by heart that {n1} + {n2} = {n3}.[| And {n2} + {n1} = {n3}, too.]
  Easy: {n1} + {n2} = {n3}, and {n2} + {n1} = {n3}.
  {Kid} needs no paper for {n1} + {n2} = {n3}.
carry_open:
  Let us add {n1} and {n2}.
  How much is {n1} + {n2}? We go from right to left.
  {N1} + {n2}, step by step.
  {Kid} wants to add {n1} and {n2}.
borrow_open:
  Let us take {n2} away from {n1}.
  How much is {n1} - {n2}? We go from right to left.
  {N1} - {n2}, step by step.
  {Kid} wants to subtract {n2} from {n1}.
product_open:
  How much is {n1} x {n2}?
  Let us multiply {n1} by {n2}.
  {Kid} wants to know {n1} times {n2}.

list_animals_open:
  From the lightest to the heaviest:
  Animals by weight, the lightest first:
  Who is heavier? From light to heavy:
list_end:
  That is all.
  Do not forget anything!
  Thank you!
)WORLD";

// A number of 1 to max_digits digits, small ones more often.
inline int random_number(Draft& d, int max_digits) {
    const int digits = std::min(d.between(1, max_digits), d.between(1, max_digits) + 1);
    int high = 1;
    for (int i = 0; i < digits; i++) high *= 10;
    return d.between(digits == 1 ? 2 : high / 10, high - 1);
}
inline void set_numbers(Draft& d, std::initializer_list<int> numbers) {
    int i = 1;
    for (const int n : numbers) d.slots.set(cat("n", i++), std::to_string(n));
}
inline const char* column_name(size_t column) {
    static const std::array<const char*, 5> names = {"ones", "tens", "hundreds", "thousands", "ten thousands"};
    return names[column];
}

// 478 + 256, column by column; `terse` writes the sums alone.
inline void carried_sum(Draft& d, int a, int b, bool terse) {
    int carry = 0;
    for (size_t column = 0, x = size_t(a), y = size_t(b); x || y; column++, x /= 10, y /= 10) {
        const int u = int(x % 10), v = int(y % 10), sum = u + v + carry;
        d.space();
        if (!terse) d.add(cat(Grammar::capital(column == 0 ? "first" : "then"), " the ", column_name(column), ": "));
        d.add(cat(u, " + ", v));
        if (carry) d.add(cat(" + ", carry));
        d.add(cat(" = ", sum));
        const bool last = x < 10 && y < 10;
        if (sum >= 10 && !last) d.add(cat(", write ", sum % 10, " and carry 1"));
        d.add(".");
        carry = sum / 10;
    }
    d.add(cat(" So ", a, " + ", b, " = ", a + b, ".\n"));
}

// 523 - 278, column by column, with a >= b.
inline void borrowed_difference(Draft& d, int a, int b) {
    int borrow = 0;
    for (size_t column = 0, x = size_t(a), y = size_t(b); x; column++, x /= 10, y /= 10) {
        const int u = int(x % 10) - borrow, v = int(y % 10);
        d.space();
        d.add(cat(Grammar::capital(column == 0 ? "first" : "then"), " the ", column_name(column), ": "));
        if (borrow) d.add(cat("we borrowed one, so ", x % 10, " becomes ", u < 0 ? 9 : u, ", "));
        if (u < v) {
            // a zero that must lend borrows itself first: 0 becomes 10, and 9 after lending
            const int top = u + 10;
            if (u >= 0) d.add(cat(u, " is less than ", v, ", so we borrow: ", top, " - ", v, " = ", top - v, "."));
            else d.add(cat("and borrow once more: ", top, " - ", v, " = ", top - v, "."));
            borrow = 1;
        } else {
            d.add(cat(u, " - ", v, " = ", u - v, "."));
            borrow = 0;
        }
    }
    d.add(cat(" So ", a, " - ", b, " = ", a - b, ".\n"));
}

// 23 x 7 = 20 x 7 + 3 x 7 = 140 + 21 = 161
inline void split_product(Draft& d, int a, int b) {
    const int tens = a / 10 * 10, ones = a % 10;
    d.space();
    if (tens && ones)
        d.add(cat(a, " x ", b, " = ", tens, " x ", b, " + ", ones, " x ", b, " = ", tens * b, " + ", ones * b, " = "));
    else d.add(cat(a, " x ", b, " = "));
    d.add(cat(a * b, ".\n"));
}

// Two children with different names: the slots kid, with its pronouns, and other. Writer: what has slots and chance().
template <typename Writer>
void bind_children(Writer& w) {
    const bool girl = w.chance(50);
    w.slots.bind("kid", girl ? "girls" : "boys");
    w.slots.set("kid_he", girl ? "she" : "he");
    w.slots.set("kid_him", girl ? "her" : "him");
    do w.slots.bind("other", w.chance(50) ? "girls" : "boys");
    while (w.slots.get("other") == w.slots.get("kid"));
}

inline void word_problem(Draft& d) {
    bind_children(d);
    d.slots.bind("things", "counted");
    const uint64_t kind = d.rng.below(9);
    if (kind < 5) {
        const int a = std::max(2, random_number(d, 2)), b = std::max(2, random_number(d, 2));
        set_numbers(d, {a, b, a + b});
        return d.rule(kind < 3 ? "word_add" : "word_subtract");
    }
    if (kind == 5) {
        const int a = d.between(2, 9), b = d.between(2, 12);
        set_numbers(d, {a, b, a * b});
        return d.rule(d.chance(50) ? "word_multiply" : "word_divide");
    }
    if (kind == 6) {
        const size_t row = d.slots.bind_row("goods");
        const int price = std::stoi(d.world.grammar.cell(d.world.grammar.table("goods"), row, "price"));
        const int a = d.between(2, 9), rest = d.between(2, 20);
        set_numbers(d, {a, price, a * price, a * price + rest, rest});
        d.slots.set("price_coins", coins(price));
        return d.rule("word_price");
    }
    if (kind == 7) {
        const int a = d.between(1, 9), b = d.between(2, 12 - std::min(a, 10));
        set_numbers(d, {a, b, a + b});
        return d.rule("word_clock");
    }
    const int a = d.between(3, 14), b = d.between(2, 9);
    set_numbers(d, {a, b, a + b});
    d.rule("word_age");
}

// One line of a page of sums.
inline void bare_sum(Draft& d, int max_digits) {
    const int a = random_number(d, max_digits), b = random_number(d, max_digits);
    const uint64_t kind = d.rng.below(6);
    if (kind < 3) d.add(cat(a, " + ", b, " = ", a + b, "\n"));
    else if (kind < 5) d.add(cat(std::max(a, b), " - ", std::min(a, b), " = ", std::max(a, b) - std::min(a, b), "\n"));
    else {
        const int x = d.between(2, 12), y = d.between(2, 12);
        d.add(d.chance(70) ? cat(x, " x ", y, " = ", x * y, "\n") : cat(x * y, " / ", x, " = ", y, "\n"));
    }
}

inline void page_of_sums(Draft& d) {
    if (d.chance(40)) d.rule("sum_title"), d.add("\n\n");
    const int lines = d.between(5, 14), digits = d.between(1, 3);
    for (int i = 0; i < lines; i++) bare_sum(d, digits);
}
inline void long_addition(Draft& d) {
    const int a = random_number(d, 4), b = random_number(d, 4);
    set_numbers(d, {a, b, a + b});
    if (a < 10 && b < 10) return d.rule("sum_by_heart");
    const bool terse = d.chance(40);
    d.rule("carry_open");
    carried_sum(d, a, b, terse);
}
inline void long_subtraction(Draft& d) {
    const int x = random_number(d, 4), y = random_number(d, 4), a = std::max(x, y), b = std::min(x, y);
    set_numbers(d, {a, b});
    d.rule("borrow_open");
    borrowed_difference(d, a, b);
}
inline void long_product(Draft& d) {
    const int a = d.between(11, 99), b = d.between(2, 9);
    set_numbers(d, {a, b});
    d.rule("product_open");
    split_product(d, a, b);
}
inline void times_table(Draft& d) {
    const int n = d.between(2, 12), from = d.between(1, 3), to = from + d.between(5, 9);
    d.add(cat("The table of ", n, "\n\n"));
    for (int i = from; i <= to; i++) d.add(cat(i, " x ", n, " = ", i * n, "\n"));
}
inline void sequence(Draft& d) {
    const int start = d.between(1, 20), step = d.between(1, 12), count = d.between(5, 9);
    const int last = start + (count - 1) * step;
    for (int i = 0; i < count; i++) d.add(cat(i ? ", " : "", start + i * step));
    d.add(cat(". Each number is ", step, " more than the one before. The next number is ", last, " + ", step, " = ",
              last + step, ".\n"));
}
inline void chain_of_sums(Draft& d) {
    int sum = random_number(d, 2);
    std::string question = std::to_string(sum), steps;
    for (int terms = d.between(2, 4); terms > 0; terms--) {
        const int next = random_number(d, 2);
        question += cat(" + ", next);
        steps += cat(sum, " + ", next, " = ", sum + next, ". ");
        sum += next;
    }
    d.add(d.chance(50) ? cat("Add these numbers: ", question, ". ") : cat("How much is ", question, "? "));
    d.add(cat(steps, "The answer is ", sum, ".\n"));
}
inline void comparisons(Draft& d) {
    const int questions = d.between(2, 5), digits = d.between(2, 4);
    for (int i = 0; i < questions; i++) {
        int a = random_number(d, digits);
        const int b = random_number(d, digits);
        if (a == b) a++;
        const int high = std::max(a, b), low = std::min(a, b);
        d.add(cat("Which number is larger, ", a, " or ", b, "? ", high, " is larger, because ", high, " - ", low, " = ",
                  high - low, ".\n"));
    }
}
inline void even_or_odd(Draft& d) {
    const int questions = d.between(2, 5);
    for (int i = 0; i < questions; i++) {
        const int n = random_number(d, 2);
        d.add(cat("Is ", n, " even or odd? ", n, " = 2 x ", n / 2));
        d.add(n % 2 ? " + 1, so it is odd.\n" : ", so it is even.\n");
    }
}
inline void word_problems(Draft& d) {
    const int problems = d.between(1, 3);
    for (int i = 0; i < problems; i++) {
        if (i) d.add("\n");
        word_problem(d);
    }
}

inline void arithmetic(Draft& d) {
    d.bind_scene();
    d.slots.bind("kid", d.chance(50) ? "girls" : "boys");
    static constexpr std::array<std::pair<int, void (*)(Draft&)>, 10> forms = {{
        {26, word_problems}, {18, long_addition}, {12, page_of_sums}, {10, long_subtraction}, {8, long_product},
        {6, chain_of_sums}, {6, comparisons}, {5, sequence}, {5, even_or_odd}, {4, times_table}}};
    int ballot = d.between(1, 100);
    for (const auto& [percent, form] : forms)
        if ((ballot -= percent) <= 0) return form(d);
}

// ---- spelling

inline std::string spelled(const std::string& word, const char* between = "-") {
    std::string s;
    for (const char c : word) s += (s.empty() ? "" : between) + std::string(1, c);
    return s;
}
inline const char* ordinal(size_t i) {
    static const std::array<const char*, 16> names = {
        "first", "second", "third",    "fourth",  "fifth",      "sixth",      "seventh",   "eighth",
        "ninth", "tenth",  "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"};
    ASSERT(i < names.size(), "no word for number ", i + 1);
    return names[i];
}
inline std::string times(int64_t n) { return n == 0 ? "0 times" : n == 1 ? "1 time" : cat(n, " times"); }

inline bool is_vowel(char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; }
// Every `step`-th letter from letter `from` on that `wanted` likes: "a, e, o".
template <typename Wanted>
std::string some_letters(const std::string& word, size_t from, size_t step, Wanted wanted) {
    std::string s;
    for (size_t i = from; i < word.size(); i += step)
        if (wanted(word[i])) s += (s.empty() ? "" : ", ") + std::string(1, word[i]);
    return s;
}

// One question on one word, with its answer worked out; the form says which.
constexpr int kSpellingForms = 9;
inline void spelling_item(Draft& d, const std::string& word, int form) {
    const size_t n = word.size(), at = size_t(d.rng.below(n));
    if (form == 0) {
        d.add(cat(word, ": ", spelled(word), "\n"));
    } else if (form == 1) {
        d.add(cat("How do you spell ", word, "? ", spelled(word), ".\n"));
    } else if (form == 2) {
        d.add(cat("How many letters does the word ", word, " have? ", spelled(word), ": that makes ", n));
        d.add(" letters.\n");
    } else if (form == 3) {
        // now and then a letter that does not occur
        const char letter = d.chance(85) ? word[at] : char('a' + d.rng.below(26));
        d.add(cat("How many times does the letter ", letter, " occur in ", word, "? ", spelled(word), ": the letter ",
                  letter, " occurs ", times(std::count(word.begin(), word.end(), letter)), ".\n"));
    } else if (form == 4) {
        d.add(cat("The ", ordinal(at), " letter of ", word, " is ", word[at], ".\n"));
    } else if (form == 5) {
        d.add(cat("The word ", word, " begins with ", word[0], " and ends with ", word[n - 1], ".\n"));
    } else if (form == 6) {
        d.add(cat("The word ", word, " backwards is ", std::string(word.rbegin(), word.rend()), ".\n"));
    } else if (form == 7) {
        const std::string vowels = some_letters(word, 0, 1, is_vowel);
        if (vowels.empty()) d.add(cat("The word ", word, " has none of the vowels a, e, i, o, u.\n"));
        else if (vowels.size() == 1) d.add(cat("The only vowel in ", word, " is ", vowels, ".\n"));
        else d.add(cat("The vowels in ", word, " are ", vowels, ".\n"));
    } else {
        const size_t step = std::min(n, size_t(d.between(2, 3)));
        const std::string letters = some_letters(word, step - 1, step, [](char) { return true; });
        d.add(cat("Every ", ordinal(step - 1), " letter of ", word, ": ", letters, "\n"));
    }
}

inline void spelling(Draft& d) {
    const int form = d.between(0, kSpellingForms + 2);
    if (form < kSpellingForms) {
        const auto words = d.world.some_spelling_words(size_t(d.between(3, 7)), d.rng);
        if (form == 0 && d.chance(50)) d.add("Words to spell\n\n");
        for (const auto& word : words) spelling_item(d, word, form);
        return;
    }
    // everything about one word
    const std::string word = d.world.some_spelling_words(1, d.rng)[0];
    d.add(cat("The word ", word, "\n\n"));
    std::vector<int> forms = {2, 3, 4, 5, 6, 7, 8, 3, 4};
    d.shuffle(forms);
    forms.resize(size_t(d.between(3, 5)));
    spelling_item(d, word, 0);
    for (const int f : forms) spelling_item(d, word, f);
}

// ---- lists

inline std::string joined(const std::vector<std::string>& v, const char* between = ", ") {
    std::string s;
    for (const auto& x : v) s += (s.empty() ? "" : between) + x;
    return s;
}

// Items as a list: with dashes, with numbers, or in one line.
inline void list_items(Draft& d, const std::vector<std::string>& items) {
    const int form = d.between(0, 3);
    if (form == 3) return d.add(joined(items) + "\n");
    for (size_t i = 0; i < items.size(); i++) {
        if (form == 0) d.add("- ");
        if (form == 1) d.add(cat(i + 1, ". "));
        d.add(items[i] + "\n");
    }
}

inline void sorted_list(Draft& d) {
    const int form = d.between(0, 4);
    const size_t n = size_t(d.between(4, 9));
    if (form <= 1) {
        auto v = form == 0 ? d.world.some_spelling_words(n, d.rng) : d.some_words(d.chance(50) ? "girls" : "boys", n);
        d.add(cat(form == 0 ? "Words: " : "Names: ", joined(v), "\n"));
        std::sort(v.begin(), v.end());
        d.add(cat("In alphabetical order: ", joined(v), "\n"));
    } else if (form == 2) {
        std::vector<std::string> names;
        while (names.size() < n) names.push_back(d.world.random_person(d.rng).name);
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        d.add(cat(d.chance(50) ? "Guest list" : "Members of the club", ", in alphabetical order\n\n"));
        for (const auto& name : names) d.add(name + "\n");
    } else {
        std::vector<int> v;
        const int digits = d.between(1, 3);
        while (v.size() < (digits == 1 ? 5 : n)) {
            const int x = random_number(d, digits);
            if (std::find(v.begin(), v.end(), x) == v.end()) v.push_back(x);
        }
        auto show = [](const std::vector<int>& numbers) {
            std::string s;
            for (const int x : numbers) s += cat(s.empty() ? "" : ", ", x);
            return s;
        };
        d.add(cat("Numbers: ", show(v), "\n"));
        std::sort(v.begin(), v.end());
        if (form == 4) std::reverse(v.begin(), v.end());
        d.add(cat(form == 3 ? "From the smallest to the largest: " : "From the largest to the smallest: ", show(v),
                  "\n"));
    }
}

// Items of one class, named; and perhaps one item that does not belong.
inline void classes(Draft& d) {
    static const std::array<std::array<const char*, 3>, 9> kinds = {{  // rule, title, what one of them is
        {"fruits", "Fruit", "a fruit"},
        {"vegetables", "Vegetables", "a vegetable"},
        {"furniture", "Furniture", "a piece of furniture"},
        {"clothes", "Clothes", "something to wear"},
        {"instruments", "Musical instruments", "a musical instrument"},
        {"vehicles", "Things that carry people", "something to travel in"},
        {"shapes", "Shapes", "a shape"},
        {"colours", "Colours", "a colour"},
        {"days", "Days of the week", "a day of the week"},
    }};
    const auto& kind = kinds[d.rng.below(kinds.size())];
    const size_t n = size_t(d.between(3, 6));
    auto items = d.some_words(kind[0], n);
    if (d.chance(50)) return d.add(std::string(kind[1]) + "\n\n"), list_items(d, items);
    const auto* odd_kind = &kinds[d.rng.below(kinds.size())];
    while (odd_kind == &kind) odd_kind = &kinds[d.rng.below(kinds.size())];
    const std::string odd = d.some_words((*odd_kind)[0], 1)[0];
    if (odd == "orange" || std::find(items.begin(), items.end(), "orange") != items.end())  // a fruit and a colour
        return d.add(std::string(kind[1]) + "\n\n"), list_items(d, items);
    items.insert(items.begin() + int64_t(d.rng.below(items.size() + 1)), odd);
    d.add(cat("Which word does not belong? ", joined(items), ".\nThe word is ", odd, ". It is not ", kind[2], ".\n"));
}

inline void animals_by_weight(Draft& d) {
    std::vector<const Animal*> v;
    const size_t n = size_t(d.between(3, 6));
    while (v.size() < n) {
        const Animal& a = d.world.random_animal(d.rng);
        bool clear = true;  // nobody argues whether a fox or a rabbit is heavier
        for (const Animal* b : v) clear &= std::max(a.grams, b->grams) >= 1.8 * std::min(a.grams, b->grams);
        if (clear) v.push_back(&a);
    }
    std::sort(v.begin(), v.end(), [](auto* a, auto* b) { return a->grams < b->grams; });
    std::vector<std::string> names;
    for (const Animal* a : v) names.push_back(a->name);
    d.rule("list_animals_open");
    d.add("\n\n"), list_items(d, names);
    if (d.chance(40))
        d.add(cat("\nThe heaviest of them is the ", names.back(), ". The lightest is the ", names[0], ".\n"));
}

// n different animals
inline std::vector<const Animal*> some_animals(Draft& d, size_t n) {
    std::vector<const Animal*> v;
    while (v.size() < n) {
        const Animal* a = &d.world.random_animal(d.rng);
        if (std::find(v.begin(), v.end(), a) == v.end()) v.push_back(a);
    }
    return v;
}

inline void counted_lines(Draft& d) {
    const int form = d.between(0, 4);
    static const std::array<const char*, 13> numbers = {"zero", "one",   "two",   "three", "four",   "five",  "six",
                                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    const size_t n = size_t(d.between(4, 9));
    if (form == 0) {  // plurals
        for (const Animal* a : some_animals(d, n))
            d.add(cat("one ", a->name, ", ", numbers[size_t(d.between(2, 12))], " ", a->plural, "\n"));
    } else if (form == 1) {  // the young of animals
        d.add("Animals and their young\n\n");
        for (const Animal* a : some_animals(d, n)) {
            d.slots.told.push_back(uint32_t(a->first_fact + kYoung));
            d.add(cat(a->name, ": ", a->values[kYoung], "\n"));
        }
    } else if (form == 2) {
        const auto& table = d.world.grammar.table("opposites");
        d.add("Opposites\n\n");
        std::vector<size_t> rows(table.rows.size());
        for (size_t i = 0; i < rows.size(); i++) rows[i] = i;
        d.shuffle(rows);
        for (size_t i = 0; i < n; i++) {
            const bool swap = d.chance(50);
            d.add(cat(table.rows[rows[i]][swap].raw, " - ", table.rows[rows[i]][!swap].raw, "\n"));
        }
    } else if (form == 3) {  // the order of months and days
        const auto& words = d.world.grammar.words(d.chance(50) ? "months" : "days");
        const size_t count = std::min(n, words.size()), from = size_t(d.rng.below(words.size()));
        for (size_t i = from; i + 1 < from + count; i++)
            d.add(cat("After ", words[i % words.size()], " comes ", words[(i + 1) % words.size()], ".\n"));
    } else {
        const size_t from = size_t(d.between(0, 3));
        const std::vector<std::string> some(numbers.begin() + int64_t(from), numbers.begin() + int64_t(from + n));
        d.add(cat("Let us count: ", joined(some), ".\n"));
    }
}

inline void daily_list(Draft& d) {
    const Person& p = d.world.random_person(d.rng);
    const size_t n = size_t(d.between(4, 9));
    const int form = d.between(0, 3);
    if (form == 0) {
        d.add(d.chance(50) ? "Shopping list\n\n" : cat("To buy on ", d.slots.get("day"), "\n\n"));
        list_items(d, d.some_words("shopping", n));
    } else if (form == 1) {
        d.add(d.chance(50) ? "Packing list\n\n" : cat("Things to take to ", d.world.random_place(d.rng).name, "\n\n"));
        list_items(d, d.some_words("packing", n));
    } else if (form == 2) {
        d.add(d.chance(50) ? "To do\n\n" : cat("What ", p.first, " has to do on ", d.slots.get("day"), "\n\n"));
        list_items(d, d.some_words("chores", n));
    } else {
        d.add(cat("Plan for ", d.slots.get("day"), "\n\n"));
        const auto chores = d.some_words("chores", n);
        int hour = d.between(6, 9);
        for (const auto& chore : chores) {
            d.add(cat(hour, ":", d.chance(50) ? "00" : "30", " ", chore, "\n"));
            hour += d.between(1, 2);
        }
    }
    if (d.chance(25)) d.add("\n"), d.rule("list_end");
}

inline void list_page(Draft& d) {
    d.bind_scene();
    const int form = d.between(0, 99);
    if (form < 30) sorted_list(d);
    else if (form < 48) classes(d);
    else if (form < 58) animals_by_weight(d);
    else if (form < 75) counted_lines(d);
    else daily_list(d);
}

// ---- translations

// Words of one language, which is not named: whoever reads on can tell it from the first lines.
inline void translation(Draft& d) {
    const Languages& languages = d.world.languages;
    const size_t language = d.rng.below(Languages::kLanguages), lines = size_t(d.between(8, 20));
    d.bind_scene();
    if (d.chance(40)) d.rule("translation_title");
    std::vector<size_t> words(languages.words.size());
    for (size_t i = 0; i < words.size(); i++) words[i] = i;
    d.shuffle(words);
    size_t said = 0;
    for (size_t i = 0; said < lines; i++) {
        if (languages.is_held_out(words[i], language)) continue;
        d.add(languages.line(words[i], language) + "\n");
        said++;
    }
}
