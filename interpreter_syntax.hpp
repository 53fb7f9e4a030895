// interpreter_syntax.hpp -- reads a small Python: tokens -> a tree.
//
// Recursive descent over the tokens, a function for each level of precedence; what repeats to the left (a + b - c, f(x)[0].y,
// elif ... elif) becomes one node with many children,
// so that the depth of the tree is the depth to which a person nested the text, and that is limited (kMaxDepth): no program, however
// malicious, overflows the stack here or where the tree is walked.
// Known: assignment (also of tuples, with a star, augmented), if, while, for, break, continue, pass, del, assert, def with defaults, return,
// global, lambda, comprehensions, f-strings, import of math. Unknown (an error says so): class, try, raise, with, yield, decorators, async.
// Reference: "The Python Language Reference", chapters 2, 6, 7, 8 and 10 (version 3.11).
#pragma once

#include <memory>

#include "interpreter_operations.hpp"
#include "interpreter_tokens.hpp"

namespace interp {

enum class Kind : uint8_t {
    // expressions; the children in order
    constant, name, fstring /* parts */, placeholder /* value, format parts...; text: conversion */, list, tuple, set, dict /* key, value,
            ... */,
    comprehension /* element [value], clause...; text: list, set, dict or generator */, clause /* target, iterable, condition... */,
    postfix /* base, then attribute, call, index */, attribute, call, index, slice /* from, to, step, or null */, keyword, star,
    unary, chain /* a op b op c */, compare /* a < b < c */, logic /* and, or */, negation, conditional /* condition, yes, no */, lambda,
    // statements
    expression, assign /* targets..., value */, augmented /* target, value; text: + */, branch /* condition, block, ..., [block] */,
    loop_while /* condition, block, [else] */, loop_for /* target, iterable, block, [else] */, pass, stop /* break */, next /* continue */,
    remove, assertion, import, import_from, define, give /* return */, global, block
};

struct Node;
using NodePtr = std::unique_ptr<Node>;
struct Node {
    Kind kind;
    std::string text;                                   // name, operator, attribute, module
    std::vector<NodePtr> kids;
    std::vector<std::string> words;                     // operators of a chain; names of parameters, imports, globals
    std::set<std::string> locals;                       // of define and lambda: the names that are assigned within
    Value value;
    explicit Node(Kind k, std::string t = "") : kind(k), text(std::move(t)) {}
};

// ---- the tree

class Parser {
   public:
    Parser(Machine& machine, std::string_view source, bool nested = false, int depth = 0)
        : m_(machine), tokens_(Lexer(source, nested).tokens()), depth_(depth) {}

    // A whole program: a block of statements.
    NodePtr program() {
        NodePtr block = make(Kind::block);
        while (now().kind != Tok::end) statement(*block);
        return block;
    }
    // What stands between the braces of an f-string.
    NodePtr whole_expression() {
        if (now().kind == Tok::end || now().kind == Tok::newline) syntax_error("f-string: empty expression not allowed");
        NodePtr e = expression_list();
        if (now().kind == Tok::newline) at_++;
        if (now().kind != Tok::end) syntax_error("f-string: invalid syntax");
        return e;
    }

   private:
    struct Deeper {                                     // one more level, for as long as this lives
        explicit Deeper(Parser& p) : parser(p) {
            if (++parser.depth_ > kMaxDepth) {
                parser.depth_--;
                syntax_error(cat("more than ", kMaxDepth, " levels of nesting"));
            }
        }
        ~Deeper() { parser.depth_--; }
        Parser& parser;
    };
    const Token& now() const { return tokens_[at_]; }
    const Token& ahead(size_t n) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
    static NodePtr make(Kind kind, std::string text = "") { return std::make_unique<Node>(kind, std::move(text)); }
    template <typename... Kids>
    static NodePtr make(Kind kind, std::string text, Kids&&... kids) {
        NodePtr n = make(kind, std::move(text));
        (n->kids.push_back(std::move(kids)), ...);
        return n;
    }
    bool take(std::string_view op) {
        if (!now().is(op)) return false;
        at_++;
        return true;
    }
    bool take_word(std::string_view word) {
        if (!now().word(word)) return false;
        at_++;
        return true;
    }
    void expect(std::string_view op) {
        if (!take(op)) syntax_error(op == ":" ? "expected ':'" : "invalid syntax");
    }
    static bool is_keyword(const std::string& s) {
        static const std::set<std::string> words = {
            "False", "None",   "True", "and",    "as",   "assert", "async",  "await",    "break", "class", "continue", "def",
            "del",   "elif",   "else", "except", "for",  "finally", "from",  "global",   "if",    "import", "in",      "is",
            "lambda", "nonlocal", "not", "or",   "pass", "raise",  "return", "try",      "while", "with",  "yield"};
        return words.contains(s);
    }
    std::string identifier() {
        if (now().kind != Tok::name || is_keyword(now().text)) syntax_error("invalid syntax");
        return tokens_[at_++].text;
    }

    // -- statements

    void statement(Node& block) {
        const Deeper deeper(*this);
        m_.step();
        const Token& t = now();
        if (t.kind == Tok::indent) raise("IndentationError", "unexpected indent");
        if (t.kind == Tok::newline) {
            at_++;
            return;
        }
        if (t.word("if")) block.kids.push_back(if_statement());
        else if (t.word("while")) block.kids.push_back(while_statement());
        else if (t.word("for")) block.kids.push_back(for_statement());
        else if (t.word("def")) block.kids.push_back(definition());
        else {
            for (const char* word : {"class", "try", "with", "async", "raise", "yield", "nonlocal", "await"})
                if (t.word(word)) syntax_error(cat("'", word, "' is not supported here"));
            if (t.is("@")) syntax_error("decorators are not supported here");
            simple_line(block);
        }
    }
    void simple_line(Node& block) {
        do {
            block.kids.push_back(simple());
        } while (take(";") && now().kind != Tok::newline && now().kind != Tok::end);
        if (now().kind == Tok::newline) at_++;
        else if (now().kind != Tok::end) syntax_error("invalid syntax");
    }
    NodePtr block(const char* after) {
        expect(":");
        NodePtr b = make(Kind::block);
        if (now().kind != Tok::newline) {
            simple_line(*b);
            return b;
        }
        at_++;
        if (now().kind != Tok::indent) raise("IndentationError", "expected an indented block after ", after);
        at_++;
        while (now().kind != Tok::dedent && now().kind != Tok::end) statement(*b);
        if (now().kind == Tok::dedent) at_++;
        return b;
    }
    NodePtr if_statement() {
        NodePtr n = make(Kind::branch);
        const char* word = "'if' statement";
        do {
            at_++;
            n->kids.push_back(named_expression());
            n->kids.push_back(block(word));
            word = "'elif' statement";
        } while (now().word("elif"));
        if (take_word("else")) n->kids.push_back(block("'else' statement"));
        return n;
    }
    NodePtr loop_body(const char* after) {
        loops_++;
        NodePtr b = block(after);
        loops_--;
        return b;
    }
    NodePtr while_statement() {
        at_++;
        NodePtr n = make(Kind::loop_while);
        n->kids.push_back(named_expression());
        n->kids.push_back(loop_body("'while' statement"));
        if (take_word("else")) n->kids.push_back(block("'else' statement"));
        return n;
    }
    NodePtr for_statement() {
        at_++;
        NodePtr n = make(Kind::loop_for);
        n->kids.push_back(target_list());
        if (!take_word("in")) syntax_error("invalid syntax");
        n->kids.push_back(expression_list());
        n->kids.push_back(loop_body("'for' statement"));
        if (take_word("else")) n->kids.push_back(block("'else' statement"));
        return n;
    }
    // (a, b=1) -> the names in words, the defaults as children.
    void parameters(Node& n, std::string_view end) {
        while (!now().is(end)) {
            if (now().is("*") || now().is("**") || now().is("/")) syntax_error("parameters with * are not supported here");
            const std::string name = identifier();
            if (n.locals.contains(name)) syntax_error(cat("duplicate argument '", name, "' in function definition"));
            n.words.push_back(name);
            n.locals.insert(name);
            if (end == ")" && take(":")) expression();  // an annotation says nothing here
            if (take("=")) n.kids.push_back(expression());
            else if (!n.kids.empty()) syntax_error("non-default argument follows default argument");
            if (!take(",")) break;
        }
        expect(end);
    }
    NodePtr definition() {
        at_++;
        NodePtr n = make(Kind::define, identifier());
        assigned(n->text);
        expect("(");
        parameters(*n, ")");
        if (take("->")) expression();
        const int loops = std::exchange(loops_, 0);
        functions_.push_back(n.get());
        n->kids.push_back(block("function definition"));
        functions_.pop_back();
        loops_ = loops;
        return n;
    }
    void assigned(const std::string& name) {
        if (!functions_.empty() && !globals_.contains({functions_.back(), name})) functions_.back()->locals.insert(name);
    }
    // Checks that something can be assigned to, and notes the names.
    void check_target(const Node& n, bool in_list = true) {
        if (n.kind == Kind::name) return assigned(n.text);
        if (n.kind == Kind::postfix && n.kids.back()->kind == Kind::index) return;
        if (n.kind == Kind::star && in_list) return check_target(*n.kids[0], false);
        if (n.kind == Kind::tuple || n.kind == Kind::list) {
            int stars = 0;
            for (const NodePtr& kid : n.kids) {
                check_target(*kid);
                stars += kid->kind == Kind::star;
            }
            if (stars > 1) syntax_error("multiple starred expressions in assignment");
            return;
        }
        if (n.kind == Kind::star) syntax_error("starred assignment target must be in a list or tuple");
        if (n.kind == Kind::postfix && n.kids.back()->kind == Kind::attribute) syntax_error("attributes cannot be assigned here");
        const char* what = n.kind == Kind::constant                                           ? "literal"
                           : n.kind == Kind::postfix                                          ? "function call"
                           : n.kind == Kind::compare                                          ? "comparison"
                                                                                              : "expression";
        syntax_error(cat("cannot assign to ", what, " here. Maybe you meant '==' instead of '='?"));
    }
    NodePtr simple() {
        const Token& t = now();
        if (take_word("pass")) return make(Kind::pass);
        if (t.word("break") || t.word("continue")) {
            if (loops_ == 0) syntax_error(t.text == "break" ? "'break' outside loop" : "'continue' not properly in loop");
            return make(tokens_[at_++].text == "break" ? Kind::stop : Kind::next);
        }
        if (t.word("return")) {
            if (functions_.empty()) syntax_error("'return' outside function");
            at_++;
            NodePtr n = make(Kind::give);
            if (now().kind != Tok::newline && !now().is(";") && now().kind != Tok::end) n->kids.push_back(expression_list());
            return n;
        }
        if (take_word("global")) {
            NodePtr n = make(Kind::global);
            do {
                n->words.push_back(identifier());
                if (!functions_.empty()) globals_.insert({functions_.back(), n->words.back()}),
                        functions_.back()->locals.erase(n->words.back());
            } while (take(","));
            return n;
        }
        if (take_word("del")) {
            NodePtr n = make(Kind::remove, "", expression_list());
            check_target(*n->kids[0], false);
            return n;
        }
        if (take_word("assert")) {
            NodePtr n = make(Kind::assertion, "", expression());
            if (take(",")) n->kids.push_back(expression());
            return n;
        }
        if (t.word("import") || t.word("from")) return import();
        return assignment();
    }
    NodePtr import() {
        const bool from = now().word("from");
        at_++;
        const std::string module = identifier();
        if (now().is(".")) raise("ImportError", "import of '", module, "' is not allowed here; only math is");
        NodePtr n = make(from ? Kind::import_from : Kind::import, module);
        if (!from) {
            n->words = {take_word("as") ? identifier() : module};
            assigned(n->words[0]);
            if (now().is(",")) syntax_error("one module for each import");
            return n;
        }
        if (!take_word("import")) syntax_error("invalid syntax");
        if (now().is("*")) syntax_error("import * is not supported here");
        const bool bracket = take("(");
        do {
            n->words.push_back(identifier());
            n->words.push_back(take_word("as") ? identifier() : n->words.back());
            assigned(n->words.back());
        } while (take(","));
        if (bracket) expect(")");
        return n;
    }
    NodePtr assignment() {
        NodePtr first = expression_list();
        if (take(":")) {                                // an annotated name
            if (first->kind != Kind::name) syntax_error("only single target (not tuple) can be annotated");
            expression();
            if (!now().is("=")) return make(Kind::pass);
        }
        if (now().is("=")) {
            NodePtr n = make(Kind::assign, "", first);
            while (take("=")) n->kids.push_back(expression_list());
            for (size_t i = 0; i + 1 < n->kids.size(); i++) check_target(*n->kids[i], false);
            return n;
        }
        static const std::set<std::string> augmented = {"+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", ">>=", "<<="};
        if (now().kind == Tok::op && augmented.contains(now().text)) {
            if (first->kind != Kind::name && !(first->kind == Kind::postfix && first->kids.back()->kind == Kind::index))
                syntax_error(cat("'", first->kind == Kind::tuple ? "tuple" : "expression",
                        "' is an illegal expression for augmented assignment"));
            check_target(*first, false);
            std::string op = tokens_[at_++].text;
            op.pop_back();
            return make(Kind::augmented, op, first, expression_list());
        }
        return make(Kind::expression, "", first);
    }

    // -- expressions, from the loosest to the tightest

    bool expression_ends() const {
        const Token& t = now();
        if (t.kind == Tok::newline || t.kind == Tok::end || t.is(")") || t.is("]") || t.is("}") || t.is("=") || t.is(":") ||
                t.is(";")) return true;
        return t.word("in") || (t.kind == Tok::op && t.text.size() > 1 && t.text.back() == '=' && t.text != "==" && t.text != "!=");
    }
    // a, b, *c: a tuple where there is a comma.
    NodePtr expression_list() {
        NodePtr first = starred();
        if (!now().is(",")) return first;
        NodePtr n = make(Kind::tuple, "", first);
        while (take(","))
            if (!expression_ends()) n->kids.push_back(starred());
            else break;
        return n;
    }
    NodePtr starred() {
        if (!take("*")) return named_expression();
        return make(Kind::star, "", binary(2));
    }
    NodePtr target_list() {
        const auto one = [&] { return take("*") ? make(Kind::star, "", binary(2)) : binary(2); };
        NodePtr first = one();
        if (now().is(",")) {
            first = make(Kind::tuple, "", first);
            while (take(",") && !now().word("in")) first->kids.push_back(one());
        }
        check_target(*first, false);
        return first;
    }
    NodePtr named_expression() {
        NodePtr e = expression();
        if (now().is(":=")) syntax_error("':=' is not supported here");
        return e;
    }
    NodePtr expression() {
        const Deeper deeper(*this);
        m_.step();
        if (now().word("lambda")) return lambda();
        NodePtr yes = logic("or");
        if (!take_word("if")) return yes;
        NodePtr condition = logic("or");
        if (!take_word("else")) syntax_error("expected 'else' after 'if' expression");
        NodePtr no = expression();
        return make(Kind::conditional, "", condition, yes, no);
    }
    NodePtr lambda() {
        at_++;
        NodePtr n = make(Kind::lambda);
        parameters(*n, ":");
        functions_.push_back(n.get());
        n->kids.push_back(expression());
        functions_.pop_back();
        return n;
    }
    NodePtr logic(const char* op) {
        const auto operand = [&] { return *op == 'o' ? logic("and") : negation(); };
        NodePtr first = operand();
        if (!now().word(op)) return first;
        NodePtr n = make(Kind::logic, op, first);
        while (take_word(op)) n->kids.push_back(operand());
        return n;
    }
    NodePtr negation() {
        if (!now().word("not")) return comparison();
        const Deeper deeper(*this);
        at_++;
        return make(Kind::negation, "", negation());
    }
    std::string comparison_operator() {
        static const std::set<std::string> ops = {"<", "<=", ">", ">=", "==", "!="};
        if (now().kind == Tok::op && ops.contains(now().text)) return tokens_[at_++].text;
        if (take_word("in")) return "in";
        if (now().word("not") && ahead(1).word("in")) return at_ += 2, "not in";
        if (take_word("is")) return take_word("not") ? "is not" : "is";
        return "";
    }
    NodePtr comparison() {
        NodePtr first = binary(2);
        std::string op = comparison_operator();
        if (op.empty()) return first;
        NodePtr n = make(Kind::compare, "", first);
        for (; !op.empty(); op = comparison_operator()) {
            n->words.push_back(op);
            n->kids.push_back(binary(2));
        }
        return n;
    }
    // Arithmetic by precedence: | 2, ^ 3, & 4, << >> 5, + - 6, * / // % 7. A row of operators of one level is one node.
    static int precedence(const Token& t) {
        static const std::unordered_map<std::string, int> table = {{"|", 2}, {"^", 3}, {"&", 4}, {"<<", 5}, {">>", 5}, {"+", 6},
                                                                   {"-", 6}, {"*", 7}, {"/", 7}, {"//", 7}, {"%", 7}};
        if (t.kind != Tok::op) return 0;
        if (t.text == "@") syntax_error("matrix multiplication is not supported here");
        const auto it = table.find(t.text);
        return it == table.end() ? 0 : it->second;
    }
    NodePtr binary(int level) {
        if (level > 7) return unary();
        NodePtr first = unary();
        // climb: what binds tighter than the row that is open becomes a child of it
        for (int p = 7; p >= level; p--) first = row(std::move(first), p);
        return first;
    }
    NodePtr row(NodePtr first, int level) {
        if (precedence(now()) != level) return first;
        NodePtr n = make(Kind::chain, "", first);
        while (precedence(now()) == level) {
            n->words.push_back(tokens_[at_++].text);
            n->kids.push_back(binary(level + 1));
        }
        return n;
    }
    NodePtr unary() {
        if (now().is("-") || now().is("+") || now().is("~")) {
            const Deeper deeper(*this);
            const std::string op = tokens_[at_++].text;
            return make(Kind::unary, op, unary());
        }
        NodePtr base = postfix();
        if (!now().is("**")) return base;
        const Deeper deeper(*this);
        at_++;
        NodePtr n = make(Kind::chain, "", base, unary());
        n->words.push_back("**");
        return n;
    }
    NodePtr postfix() {
        NodePtr base = atom();
        if (!now().is("(") && !now().is("[") && !now().is(".")) return base;
        NodePtr n = make(Kind::postfix, "", base);
        while (true) {
            m_.step();
            if (take(".")) {
                if (now().kind != Tok::name) syntax_error("invalid syntax");
                n->kids.push_back(make(Kind::attribute, tokens_[at_++].text));
            } else if (take("(")) n->kids.push_back(arguments());
            else if (take("[")) n->kids.push_back(make(Kind::index, "", subscripts()));
            else return n;
        }
    }
    NodePtr arguments() {
        NodePtr n = make(Kind::call);
        bool keywords = false;
        while (!now().is(")")) {
            if (now().is("**")) syntax_error("** in a call is not supported here");
            if (now().kind == Tok::name && ahead(1).is("=")) {
                const std::string name = identifier();
                at_++;
                n->kids.push_back(make(Kind::keyword, name, expression()));
                keywords = true;
            } else {
                if (keywords && !now().is("*")) syntax_error("positional argument follows keyword argument");
                NodePtr a = starred();
                if (now().word("for")) {
                    if (!n->kids.empty()) syntax_error("Generator expression must be parenthesized");
                    a = comprehension("generator", std::move(a), nullptr);
                    if (now().is(",") && !ahead(1).is(")") && !(ahead(1).kind == Tok::name && ahead(2).is("=")))
                        syntax_error("Generator expression must be parenthesized");
                }
                n->kids.push_back(std::move(a));
            }
            if (!take(",")) break;
        }
        if (!take(")")) syntax_error("invalid syntax. Perhaps you forgot a comma?");
        return n;
    }
    NodePtr subscripts() {
        NodePtr first = subscript();
        if (now().is(",")) {
            first = make(Kind::tuple, "", first);
            while (take(",") && !now().is("]")) first->kids.push_back(subscript());
            for (const NodePtr& kid : first->kids)
                if (kid->kind == Kind::slice) syntax_error("slices of several dimensions are not supported here");
        }
        expect("]");
        return first;
    }
    NodePtr subscript() {
        NodePtr from, to, step;
        if (!now().is(":")) {
            from = expression();
            if (!now().is(":")) return from;
        }
        expect(":");
        if (!now().is(":") && !now().is("]") && !now().is(",")) to = expression();
        if (take(":") && !now().is("]") && !now().is(",")) step = expression();
        return make(Kind::slice, "", from, to, step);
    }
    NodePtr comprehension(const char* kind, NodePtr element, NodePtr value) {
        if (element->kind == Kind::star) syntax_error("iterable unpacking cannot be used in comprehension");
        NodePtr n = make(Kind::comprehension, kind, element);
        if (value) n->kids.push_back(std::move(value));
        while (take_word("for")) {
            NodePtr c = make(Kind::clause);
            const std::vector<Node*> around = std::exchange(functions_, {});     // its variables are its own
            c->kids.push_back(target_list());
            functions_ = around;
            if (!take_word("in")) syntax_error("invalid syntax");
            c->kids.push_back(logic("or"));
            while (take_word("if")) c->kids.push_back(logic("or"));
            n->kids.push_back(std::move(c));
        }
        return n;
    }
    NodePtr atom() {
        const Token& t = now();
        if (t.kind == Tok::number) return number();
        if (t.kind == Tok::string) return strings();
        if (t.kind == Tok::name) {
            for (const auto& [word, value] : {std::pair("True", Value::of(true)), std::pair("False", Value::of(false)), std::pair("None",
                    Value())})
                if (t.text == word) {
                    at_++;
                    NodePtr n = make(Kind::constant);
                    n->value = value;
                    return n;
                }
            if (t.text == "yield" || t.text == "await") syntax_error(cat("'", t.text, "' is not supported here"));
            return make(Kind::name, identifier());
        }
        const Deeper deeper(*this);
        if (take("(")) return parenthesis();
        if (take("[")) return list();
        if (take("{")) return braces();
        syntax_error("invalid syntax");
    }
    NodePtr parenthesis() {
        if (take(")")) return make(Kind::tuple);
        NodePtr e = starred();
        if (now().word("for")) e = comprehension("generator", std::move(e), nullptr);
        else if (now().is(",")) {
            e = make(Kind::tuple, "", e);
            while (take(",") && !now().is(")")) e->kids.push_back(starred());
        } else if (e->kind == Kind::star) syntax_error("cannot use starred expression here");
        if (!take(")")) syntax_error("invalid syntax. Perhaps you forgot a comma?");
        return e;
    }
    NodePtr list() {
        NodePtr n = make(Kind::list);
        while (!now().is("]")) {
            n->kids.push_back(starred());
            if (n->kids.size() == 1 && now().word("for")) {
                n = comprehension("list", std::move(n->kids[0]), nullptr);
                break;
            }
            if (!take(",")) break;
        }
        if (!take("]")) syntax_error("invalid syntax. Perhaps you forgot a comma?");
        return n;
    }
    NodePtr braces() {
        NodePtr n = make(Kind::dict);
        while (!now().is("}")) {
            if (now().is("**")) syntax_error("** in a dict is not supported here");
            NodePtr key = starred(), value;
            const bool is_dict = key->kind != Kind::star && take(":");
            if (n->kids.empty()) n->kind = is_dict ? Kind::dict : Kind::set;
            else if (is_dict != (n->kind == Kind::dict)) syntax_error("invalid syntax");
            if (is_dict) value = expression();
            if (n->kids.empty() && now().word("for")) {
                n = comprehension(is_dict ? "dict" : "set", std::move(key), std::move(value));
                break;
            }
            n->kids.push_back(std::move(key));
            if (is_dict) n->kids.push_back(std::move(value));
            if (!take(",")) break;
        }
        if (!take("}")) syntax_error("invalid syntax. Perhaps you forgot a comma?");
        return n;
    }
    NodePtr number() {
        const std::string text = tokens_[at_++].text;
        NodePtr n = make(Kind::constant);
        const char kind = text.size() > 1 && text[0] == '0' ? char(std::tolower(static_cast<unsigned char>(text[1]))) : '0';
        const uint32_t base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
        BigInt big;
        if (base == 10 && text.find_first_of(".eE") != std::string::npos) {
            double x = 0;
            if (!parse_float(text, x)) syntax_error("invalid decimal literal");
            n->value = Value::of(x);
            return n;
        }
        if (base == 10 && text.size() > kMaxTextDigits)
            syntax_error("Exceeds the limit (4300 digits) for integer string conversion - Consider hexadecimal for huge integer literals to avoid "
                         "decimal conversion limits.");
        m_.work(int64_t(text.size() * text.size()) / 64);
        std::string_view digits = std::string_view(text).substr(base == 10 ? 0 : 2);
        if (base != 10 && digits.starts_with('_')) digits.remove_prefix(1);
        if (int64_t(digits.size()) > kMaxIntegerBits || !parse_digits(digits, base, big)) syntax_error("invalid number literal");
        if (base == 10 && text.size() > 1 && text[0] == '0' && !big.is_zero())
            syntax_error("leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers");
        n->value = m_.integer(std::move(big));
        return n;
    }

    // -- strings

    // Adjacent literals are one; one with a placeholder makes it an f-string.
    NodePtr strings() {
        NodePtr n = make(Kind::fstring);
        std::string plain;
        for (; now().kind == Tok::string; at_++) {
            const Token t = now();
            const bool raw = t.prefix.find('r') != std::string::npos;
            if (t.prefix.find('b') != std::string::npos) syntax_error("bytes are not supported here");
            if (t.prefix.find('f') == std::string::npos) plain += raw ? t.text : decode_escapes(t.text);
            else parts(*n, plain, t.text, raw, 0);
        }
        if (n->kids.empty()) n->kind = Kind::constant;
        if (n->kind == Kind::constant) n->value = m_.text(std::move(plain));
        else add_plain(*n, plain);
        return n;
    }
    void add_plain(Node& n, std::string& plain) {
        if (plain.empty()) return;
        n.kids.push_back(make(Kind::constant));
        n.kids.back()->value = m_.text(std::move(plain));
        plain.clear();
    }
    // text {value!r:format} text: constants and placeholders; level 1 is a format, where braces may stand once more.
    void parts(Node& n, std::string& plain, std::string_view s, bool raw, int level) {
        if (level > 2) syntax_error("f-string: expressions nested too deeply");
        size_t start = 0;
        const auto literal = [&](size_t end) {
            const std::string_view piece = s.substr(start, end - start);
            plain += raw ? std::string(piece) : decode_escapes(piece);
        };
        for (size_t i = 0; i < s.size(); i++) {
            if (s[i] == '\\' && !raw && i + 1 < s.size()) i++;
            else if (s[i] == '{' && level == 0 && i + 1 < s.size() && s[i + 1] == '{') literal(++i), start = i + 1;
            else if (s[i] == '{') {
                literal(i);
                add_plain(n, plain);
                i = placeholder(n, s, i + 1, raw, level);
                start = i + 1;
            } else if (s[i] == '}') {
                if (level > 0 || i + 1 >= s.size() || s[i + 1] != '}') syntax_error("f-string: single '}' is not allowed");
                literal(++i);
                start = i + 1;
            }
        }
        literal(s.size());
    }
    // What stands after a brace; returns the position of the closing one.
    size_t placeholder(Node& n, std::string_view s, size_t i, bool raw, int level) {
        const size_t from = i;
        std::string brackets;
        for (char quote = 0; i < s.size(); i++) {
            const char c = s[i];
            if (c == '\\') syntax_error("f-string expression part cannot include a backslash");
            if (c == '#' && !quote) syntax_error("f-string expression part cannot include '#'");
            if (quote) quote = c == quote ? 0 : quote;
            else if (c == '"' || c == '\'') quote = c;
            else if (c == '(' || c == '[' || c == '{') brackets += c;
            else if (!brackets.empty() && (c == ')' || c == ']' || c == '}')) brackets.pop_back();
            else if (!brackets.empty()) continue;
            else if (c == '}' || c == ':' || (c == '!' && i + 1 < s.size() && s[i + 1] != '=')) break;
            else if (c == ')' || c == ']') syntax_error(cat("f-string: unmatched '", c, "'"));
            else if (c == '=' && i > from && std::string_view("=!<>").find(s[i - 1]) == std::string_view::npos) {
                const size_t after = s.find_first_not_of(' ', i + 1);
                if (after != std::string_view::npos && (s[after] == '}' || s[after] == ':' || (s[after] == '!' && s.substr(after,
                        2) != "!="))) break;
            }
        }
        if (i >= s.size()) syntax_error("f-string: expecting '}'");
        std::string_view source = s.substr(from, i - from);
        NodePtr p = make(Kind::placeholder);
        const bool shown = s[i] == '=';                 // {x=}: the text of the expression, then its repr
        if (shown) i = s.find_first_not_of(' ', i + 1);
        const std::string_view shown_text = s.substr(from, i - from);
        const Deeper deeper(*this);
        Parser inner(m_, source, true, depth_);
        inner.functions_ = functions_;
        p->kids.push_back(inner.whole_expression());
        if (i < s.size() && s[i] == '!') {
            p->text = i + 1 < s.size() ? std::string(1, s[i + 1]) : "";
            if (p->text != "r" && p->text != "s" && p->text != "a") syntax_error("f-string: invalid conversion character: expected 's', 'r', or 'a'");
            i += 2;
        }
        if (i < s.size() && s[i] == ':') {
            const size_t format = ++i;
            for (int open = 0; i < s.size() && !(s[i] == '}' && open == 0); i++) open += s[i] == '{' ? 1 : s[i] == '}' ? -1 : 0;
            std::string plain;
            parts(*p, plain, s.substr(format, i - format), raw, level + 1);
            add_plain(*p, plain);
        } else if (shown && p->text.empty()) p->text = "r";
        if (i >= s.size() || s[i] != '}') syntax_error("f-string: expecting '}'");
        if (shown) {
            std::string text(shown_text);
            add_plain(n, text);
        }
        n.kids.push_back(std::move(p));
        return i;
    }

    Machine& m_;
    std::vector<Token> tokens_;
    size_t at_ = 0;
    int depth_ = 0, loops_ = 0;
    std::vector<Node*> functions_;                      // the definitions around this place
    std::set<std::pair<Node*, std::string>> globals_;   // names that a function declared global
};

}  // namespace interp
