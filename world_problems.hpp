// world_problems.hpp -- problems with checkable answers, and the word problems among them, each with its worked solution.
//
// A Problem is a question, the exact final answer, a solution in small steps, and the code that would compute it. Conversations
// that demonstrate and tasks that test come from the same problems; what keeps them apart is the key: the problem without its
// wording ("emily 3 2 2 13", whoever buys whatever). The hash of the key decides once and for all whether the problem
// belongs to training, to the validation of conversations, to dev or to test. So a test problem has never been demonstrated,
// not even with other names.
// A word problem is a template in the grammar and a chain of operations on its numbers, one equation for each step; a wrong
// solution is the same chain with one wrong result, carried through to the end.
// Promises: problem i is a function of (world, task, share, i) alone; every step of a right solution holds.
#pragma once

#include "world_stories.hpp"

// What a problem may be used for. Conversations are made of train and val; tasks of train, dev and test.
enum class Share { train, val, dev, test };
inline constexpr std::array<const char*, 4> kShareNames = {"train", "val", "dev", "test"};

// Famous ones that everybody tries: they are for the test.
inline bool is_showpiece(std::string_view key) {
    static const std::set<std::string_view> keys = {"emily 3 2 2 13", "spelling ubiquitous", "spelling strawberry", "comparing 9.11 9.9"};
    return keys.count(key) > 0;
}
// 70 % train, 10 % each of the others.
inline Share share_of(std::string_view key) {
    if (is_showpiece(key)) return Share::test;
    const uint64_t percent = uint64_t((unsigned __int128)(text_hash(key)) * 100 >> 64);
    return percent < 70 ? Share::train : percent < 80 ? Share::val : percent < 90 ? Share::dev : Share::test;
}

struct Problem {
    std::string prompt;                // what the user says
    std::string answer;                // exactly; empty where there is none (the task "nobody")
    std::string task;                  // "word-problems"
    int difficulty = 1;
    std::string kind;                  // the template or sort of question
    std::string key;                   // decides the share
    std::string steps;                 // the worked solution, without "The answer is ..."
    std::string code, output;          // what a tool would be asked, and what it would answer
    std::string wrong_steps, wrong_answer;  // word problems: a solution with a mistake
    // facts and translations: what the question is about
    std::string entity, attribute, source;
    int64_t told = -1;                 // facts: documents that tell it (-1: not counted)
    int examples = -1;                 // translations: examples in the prompt
};

// The phrase that ends every solution, and that a checker looks for.
inline std::string the_answer_is(const std::string& answer) { return cat("The answer is ", answer, "."); }

// A problem in the making: a draft that knows for which share it works.
class Puzzle : public Draft {
   public:
    Puzzle(const WorldFacts& world, Rng& rng, Share share) : Draft(world, rng), share(share) {}
    const Share share;
    Problem p;
    // Settle on a problem; false if it belongs to another share, and then the whole puzzle is drawn again.
    bool settle(const std::string& kind, const std::string& key) {
        p.kind = kind;
        p.key = key;
        return share_of(key) == share;
    }
    std::string say(std::string_view rule) { return slots.text(rule); }
};

// ---- word problems

inline constexpr const char* kProblemRules = R"WORLD(
ask_more:
  {Kid} has {n1} {things} and finds {n2} more. How many {things} does {kid} have now?
  {Kid} has {n1} {things}. {Other} gives {kid_him} {n2} more. How many {things} does {kid} have now?
  There are {n1} {things} in one box and {n2} {things} in another. How many {things} are there together?
solve_more:
  [Together|In all]: {e1}.
ask_fewer:
  {Kid} has {n1} {things} and gives {n2} of them to {other}. How many {things} are left?
  There are {n1} {things} on the table. {Other} takes {n2} of them. How many {things} are still there?
solve_fewer:
  [Left|Still there]: {e1}.
ask_baskets:
  There are {n1} baskets with {n2} {things} in each of them. How many {things} are there?
  {Kid} fills {n1} bags with {n2} {things} each. How many {things} is that?
solve_baskets:
  [Together|In all]: {e1}.
ask_fair:
  {Kid} shares {n1} {things} fairly among {n2} children. How many {things} does each child get?
  {Kid} puts {n1} {things} into {n2} boxes, the same number into each. How many {things} are in one box?
solve_fair:
  [Each|One]: {e1}.
ask_price:
  {Kid} buys {n1} {goods}. One {good} costs ${n2}. How much does {kid} pay?
  How much do {n1} {goods} cost if one {good} costs ${n2}?
solve_price:
  Price: {e1}.

ask_change:
  {Kid} buys {n1} {goods} at ${n2} each and pays with ${n3}. How much money does {kid} get back?
  {Kid} wants {n1} {goods}. Each {good} costs ${n2}. {Kid} has ${n3}. How much money is left?
solve_change:
  Price: {e1}. [Back|Left]: {e2}.
ask_found:
  {Kid} has {n1} {things}, finds {n2} more and gives {n3} to {other}. How many {things} are left?
  In the morning {kid} picks up {n1} {things}, in the afternoon {n2}. Then {kid_he} loses {n3} of them. How many \
      {things} are left?
solve_found:
  Together: {e1}. Left: {e2}.
ask_loose:
  There are {n1} boxes with {n2} {things} in each, and {n3} more {things} on the table. How many {things} are there?
  {Kid} has {n1} bags of {n2} {things}. {Other} brings {n3} more {things}. How many {things} are there now?
solve_loose:
  In [boxes|bags]: {e1}. Together: {e2}.
ask_pool:
  {Kid} has {n1} {things} and {other} has {n2}. They share them fairly among {n3} children. How many {things} does each \
      child get?
  {Kid} puts {n1} {things} to the {n2} {things} of {other}. Then they fill {n3} boxes, all with the same number. How \
      many {things} are in one box?
solve_pool:
  Together: {e1}. [Each|One]: {e2}.
ask_ages:
  {Kid} is {n1} years old. {Other} is {n2} years older than {kid}, and {third} is {n3} years younger than {other}. How \
      old is {third}?
solve_ages:
  {Other}: {e1}. {Third}: {e2}.

ask_emily:
  {Kid} buys {n1} {goods} and {n2} {o_goods}. Each {o_good} costs ${n3}. The total is ${n4}. What does one {good} cost?
  {Kid} pays for {n1} {goods} and {n2} {o_goods}. One {o_good} costs ${n3}. Everything together costs ${n4}. How much is \
      one {good}?
solve_emily:
  {O_goods}: {e1}. {Goods}: {e2}. One {good}: {e3}.
ask_two_goods:
  {Kid} buys {n1} {goods} at ${n2} each and {n3} {o_goods} at ${n4} each. How much does {kid} pay?
  How much are {n1} {goods} for ${n2} each and {n3} {o_goods} for ${n4} each?
solve_two_goods:
  {Goods}: {e1}. {O_goods}: {e2}. Together: {e3}.
ask_saving:
  {Kid} earns ${n1} a day for {n2} days and spends ${n3}. {Kid_he} wants @{good} that costs ${n4}. How much money is \
      missing?
  With ${n1} a day, {kid} works for {n2} days and then spends ${n3}. How much more does {kid} need for @{good} that costs \
      ${n4}?
solve_saving:
  Earned: {e1}. Left: {e2}. Missing: {e3}.
ask_baking:
  {Kid} bakes {n1} trays with {n2} rolls each. {Other} eats {n3} rolls. The rest is shared fairly among {n4} children. How \
      many rolls does each child get?
  {Kid} has {n1} bags of {n2} {things} and loses {n3} of the {things}. {Kid_he} shares the rest fairly among {n4} \
      children. How many {things} does each child get?
solve_baking:
  [In all|Together]: {e1}. The rest: {e2}. Each: {e3}.

ask_emily_change:
  {Kid} buys {n1} {goods} and {n2} {o_goods}. Each {o_good} costs ${n3}. {Kid_he} pays with ${n4} and gets ${n5} back. What \
      does one {good} cost?
solve_emily_change:
  Paid: {e1}. {O_goods}: {e2}. {Goods}: {e3}. One {good}: {e4}.
ask_shopping:
  {Kid} buys {n1} {goods} at ${n2} each and {n3} {o_goods} at ${n4} each. {Kid_he} pays with ${n5}. How much money does \
      {kid_he} get back?
  {Kid} needs {n1} {goods} for ${n2} each and {n3} {o_goods} for ${n4} each. {Kid_he} has ${n5}. How much money will be \
      left?
solve_shopping:
  {Goods}: {e1}. {O_goods}: {e2}. Together: {e3}. [Back|Left]: {e4}.
ask_cartons:
  In the morning {kid} picks {n1} baskets of {n2} {things}, in the afternoon {n3} baskets of {n4} {things}. {Kid_he} packs \
      them into boxes of {n5}. How many boxes are full?
  {Kid} has {n1} bags with {n2} {things} each, and {other} has {n3} bags with {n4} each. They fill boxes of {n5}. How many \
      boxes do they need?
solve_cartons:
  [First|One]: {e1}. [Then|The other]: {e2}. Together: {e3}. Boxes: {e4}.
ask_teams:
  {N1} buses bring {n2} children each. {N3} of the children go home. The others form teams of {n4}, and each team gets {n5} \
      balls. How many balls do they get together?
  There are {n1} classes of {n2} children. {N3} children are ill. The others sit at tables of {n4}, and on each table there \
      are {n5} {things}. How many {things} are there?
solve_teams:
  All children: {e1}. [The others|Without them]: {e2}. Groups: {e3}. In all: {e4}.
)WORLD";

// One step: `left op right`. 1, 2, ... are the numbers n1, n2, ... of the prompt; -1, -2, ... the results of the steps before.
struct Operation {
    char op;
    int left, right;
};
using Numbers = std::vector<int64_t>;

struct WordProblem {
    const char* name;                    // its rules are ask_NAME and solve_NAME
    std::vector<Operation> chain;
    // Draw the numbers: `small` bounds counts and prices, `large` what is added and taken away. Empty: try again.
    Numbers (*draw)(Draft& d, int small, int large);
};

inline const std::vector<WordProblem>& word_problem_templates() {
    static const std::vector<WordProblem> templates = {
        {"more", {{'+', 1, 2}}, [](Draft& d, int, int large) { return Numbers{d.between(2, large), d.between(2, large)}; }},
        {"fewer", {{'-', 1, 2}}, [](Draft& d, int, int large) {
             const int taken = d.between(2, large);
             return Numbers{taken + d.between(1, large), taken};
         }},
        {"baskets", {{'x', 1, 2}}, [](Draft& d, int small, int) { return Numbers{d.between(2, small), d.between(2, small)}; }},
        {"fair", {{'/', 1, 2}}, [](Draft& d, int small, int) {
             const int children = d.between(2, small);
             return Numbers{children * d.between(2, small), children};
         }},
        {"price", {{'x', 1, 2}}, [](Draft& d, int small, int) { return Numbers{d.between(2, small), d.between(2, small)}; }},
        {"change", {{'x', 1, 2}, {'-', 3, -1}}, [](Draft& d, int small, int large) {
             const int n = d.between(2, small), price = d.between(2, small);
             return Numbers{n, price, n * price + d.between(1, large)};
         }},
        {"found", {{'+', 1, 2}, {'-', -1, 3}}, [](Draft& d, int, int large) {
             const int a = d.between(2, large), b = d.between(2, large);
             return Numbers{a, b, d.between(2, a + b - 1)};
         }},
        {"loose", {{'x', 1, 2}, {'+', -1, 3}}, [](Draft& d, int small, int large) {
             return Numbers{d.between(2, small), d.between(2, small), d.between(2, large)};
         }},
        {"pool", {{'+', 1, 2}, {'/', -1, 3}}, [](Draft& d, int small, int) {
             const int n = d.between(2, small), sum = n * d.between(2, small);
             const int a = d.between(1, sum - 1);
             return a < 2 || sum - a < 2 ? Numbers{} : Numbers{a, sum - a, n};
         }},
        {"ages", {{'+', 1, 2}, {'-', -1, 3}}, [](Draft& d, int small, int large) {
             const int kid = d.between(3, large), older = d.between(2, small);
             return Numbers{kid, older, d.between(2, std::max(2, std::min(small, kid + older - 1)))};
         }},
        {"emily", {{'x', 2, 3}, {'-', 4, -1}, {'/', -2, 1}}, [](Draft& d, int small, int) {
             const int n = d.between(2, small), m = d.between(2, small), price = d.between(2, small);
             return Numbers{n, m, price, m * price + n * d.between(1, small)};
         }},
        {"two_goods", {{'x', 1, 2}, {'x', 3, 4}, {'+', -1, -2}}, [](Draft& d, int small, int) {
             return Numbers{d.between(2, small), d.between(2, small), d.between(2, small), d.between(2, small)};
         }},
        {"saving", {{'x', 1, 2}, {'-', -1, 3}, {'-', 4, -2}}, [](Draft& d, int small, int large) {
             const int wage = d.between(2, small), days = d.between(2, small), spent = d.between(2, small);
             if (spent >= wage * days) return Numbers{};
             return Numbers{wage, days, spent, wage * days - spent + d.between(1, large)};
         }},
        {"baking", {{'x', 1, 2}, {'-', -1, 3}, {'/', -2, 4}}, [](Draft& d, int small, int) {
             const int trays = d.between(2, small), each = d.between(2, small), children = d.between(2, small);
             const int eaten = trays * each - children * d.between(1, small);
             return eaten < 2 || eaten > 2 * small ? Numbers{} : Numbers{trays, each, eaten, children};
         }},
        {"emily_change", {{'-', 4, 5}, {'x', 2, 3}, {'-', -1, -2}, {'/', -3, 1}}, [](Draft& d, int small, int large) {
             const int n = d.between(2, small), m = d.between(2, small), price = d.between(2, small), back = d.between(1, large);
             return Numbers{n, m, price, m * price + n * d.between(1, small) + back, back};
         }},
        {"shopping", {{'x', 1, 2}, {'x', 3, 4}, {'+', -1, -2}, {'-', 5, -3}}, [](Draft& d, int small, int large) {
             const int a = d.between(2, small), b = d.between(2, small), e = d.between(2, small), f = d.between(2, small);
             return Numbers{a, b, e, f, a * b + e * f + d.between(1, large)};
         }},
        {"cartons", {{'x', 1, 2}, {'x', 3, 4}, {'+', -1, -2}, {'/', -3, 5}}, [](Draft& d, int small, int) {
             const int a = d.between(2, small), b = d.between(2, small), e = d.between(2, small), f = d.between(2, small);
             const int box = d.between(2, small);
             return (a * b + e * f) % box ? Numbers{} : Numbers{a, b, e, f, box};
         }},
        {"teams", {{'x', 1, 2}, {'-', -1, 3}, {'/', -2, 4}, {'x', -3, 5}}, [](Draft& d, int small, int) {
             const int a = d.between(2, small), b = d.between(2, small), team = d.between(2, small);
             const int gone = a * b - team * d.between(1, small);
             return gone < 2 || gone > 2 * small ? Numbers{} : Numbers{a, b, gone, team, d.between(2, small)};
         }},
    };
    return templates;
}
constexpr int kWordProblemDifficulties = 5;

inline int64_t apply(char op, int64_t a, int64_t b) { return op == '+' ? a + b : op == '-' ? a - b : op == 'x' ? a * b : a / b; }

// The equations of a chain, and its last result. In step `wrong_step` the result is off by `error`, and later steps go on with it.
struct Worked {
    std::vector<std::string> equations;
    std::vector<int64_t> results;
};
inline Worked work_out(const std::vector<Operation>& chain, const Numbers& n, int wrong_step = -1, int64_t error = 0) {
    Worked w;
    auto value = [&](int at) { return at > 0 ? n[size_t(at - 1)] : w.results[size_t(-at - 1)]; };
    for (const Operation& o : chain) {
        const int64_t a = value(o.left), b = value(o.right);
        const int64_t result = apply(o.op, a, b) + (int(w.results.size()) == wrong_step ? error : 0);
        w.equations.push_back(cat(a, " ", o.op, " ", b, " = ", result));
        w.results.push_back(result);
    }
    return w;
}

// The chain as one expression: (13 - (2 * 2)) // 3
inline std::string expression(const std::vector<Operation>& chain, const Numbers& n, int at) {
    if (at > 0) return std::to_string(n[size_t(at - 1)]);
    const Operation& o = chain[size_t(-at - 1)];
    auto side = [&](int s) { return s > 0 ? expression(chain, n, s) : "(" + expression(chain, n, s) + ")"; };
    const char* op = o.op == 'x' ? "*" : o.op == '/' ? "//" : o.op == '+' ? "+" : "-";
    return cat(side(o.left), " ", op, " ", side(o.right));
}

inline void bind_word_problem(Puzzle& z, const Numbers& numbers) {
    bind_children(z);
    do z.slots.bind("third", z.chance(50) ? "girls" : "boys");
    while (z.slots.get("third") == z.slots.get("kid") || z.slots.get("third") == z.slots.get("other"));
    z.slots.bind("things", "counted");
    const Grammar::Table& goods = z.world.grammar.table("goods");
    const size_t other = z.rng.below(goods.rows.size());
    z.slots.set("o_good", z.world.grammar.cell(goods, other, "good"));
    z.slots.set("o_goods", z.world.grammar.cell(goods, other, "goods"));
    while (z.slots.bind_row("goods") == other) {}
    for (size_t i = 0; i < numbers.size(); i++) z.slots.set(cat("n", i + 1), std::to_string(numbers[i]));
}

// Difficulty 1 to 4: that many steps with numbers as the world's level bounds them; 5: three or four steps with larger ones.
inline bool word_problem_puzzle(Puzzle& z) {
    std::vector<const WordProblem*> fitting;
    for (const WordProblem& t : word_problem_templates())
        if (const int steps = int(t.chain.size()); z.p.difficulty < 5 ? steps == z.p.difficulty : steps >= 3) fitting.push_back(&t);
    const WordProblem& t = *fitting[z.rng.below(fitting.size())];
    const Numbers numbers = z.p.difficulty < 5 ? t.draw(z, z.world.shape.level.small(), z.world.shape.level.large()) : t.draw(z, 25, 99);
    if (numbers.empty()) return false;
    std::string key = t.name;
    for (const int64_t n : numbers) key += cat(" ", n);
    if (!z.settle(t.name, key)) return false;
    bind_word_problem(z, numbers);
    z.p.prompt = z.say(cat("ask_", t.name));
    const Worked right = work_out(t.chain, numbers);
    z.p.answer = z.p.output = std::to_string(right.results.back());
    z.p.code = expression(t.chain, numbers, -int(t.chain.size()));
    // the wrong solution has the same words
    const Rng words = z.rng;
    auto solution = [&](const Worked& w) {
        z.rng = words;
        for (size_t i = 0; i < w.equations.size(); i++) z.slots.set(cat("e", i + 1), w.equations[i]);
        return z.say(cat("solve_", t.name));
    };
    z.p.steps = solution(right);
    for (;;) {
        static constexpr std::array<int, 6> errors = {1, -1, 2, -2, 10, -10};
        const Worked wrong = work_out(t.chain, numbers, int(z.rng.below(t.chain.size())), errors[z.rng.below(errors.size())]);
        const bool sensible = std::all_of(wrong.results.begin(), wrong.results.end(), [](int64_t r) { return r >= 0; });
        if (!sensible || wrong.results.back() == right.results.back()) continue;
        z.p.wrong_steps = solution(wrong);
        z.p.wrong_answer = std::to_string(wrong.results.back());
        return true;
    }
}

// ---- the workbook: pages for pretraining from which a small model learns to reckon
// A line of a sum has one token that can be foretold, and a fact (7 + 5 = 12) is known after some hundred tellings. So the workbook
// tells what the steps of word problems of difficulty 1 to 4 need at the world's level, sums more often than products, and nothing larger.

// A line of reckoning without words: one step of a word problem. op: one of + - x /, or 0 for any.
inline std::string small_sum(Draft& d, char op) {
    const ProblemLevel& level = d.world.shape.level;
    const auto& templates = word_problem_templates();
    for (;;) {
        const WordProblem& t = templates[d.rng.below(templates.size())];
        const size_t step = d.rng.below(t.chain.size());
        if ((level.hardest > 0 && t.chain.size() > size_t(level.hardest)) || (op && t.chain[step].op != op)) continue;
        const Numbers numbers = t.draw(d, level.small(), level.large());
        if (!numbers.empty()) return work_out(t.chain, numbers).equations[step];
    }
}
// A problem in the words of the arithmetic pages, with its answer: never one of dev or test.
inline void workbook_problem(Draft& d) {
    const int small = d.world.shape.level.small(), large = d.world.shape.level.large();
    d.slots.bind_row("goods");
    bind_children(d);
    d.slots.bind("things", "counted");
    static constexpr std::array<const char*, 6> rules = {"word_add", "word_subtract", "word_multiply", "word_divide", "word_price", "word_age"};
    for (;;) {
        const size_t sort = d.rng.below(rules.size());
        const bool sum = sort < 2 || sort == 5;
        const int most = sum ? large : small, a = d.between(2, most), b = d.between(2, most), c = d.between(2, large);
        const int result = sum ? a + b : a * b;
        set_numbers(d, {a, b, result, result + c, c});
        d.slots.set("price_coins", coins(b));
        // whichever of its wordings and questions the rule takes
        bool is_train = true;
        for (const std::string& key : {cat("more ", a, " ", b), cat("fewer ", result, " ", b), cat("baskets ", a, " ", b), cat("fair ", result, " ", a),
                                       cat("price ", a, " ", b), cat("change ", a, " ", b, " ", result + c)})
            is_train = is_train && share_of(key) == Share::train;
        if (is_train) return d.rule(rules[sort]);
    }
}
inline void workbook(Draft& d) {
    d.bind_scene();
    d.slots.bind("kid", d.chance(50) ? "girls" : "boys");
    if (d.chance(20)) d.rule("sum_title"), d.add("\n\n");
    if (d.chance(30)) {
        for (int i = d.between(2, 4); i > 0; i--) workbook_problem(d);
        return;
    }
    static constexpr std::array<char, 8> pages = {'+', '+', '-', '-', 'x', '/', 0, 0};  // 0: all together
    const char op = pages[d.rng.below(pages.size())];
    for (int i = d.between(6, 16); i > 0; i--) d.add(small_sum(d, op) + "\n");
}
