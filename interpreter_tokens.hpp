// interpreter_tokens.hpp -- cuts the text of a small Python program into tokens.
//
// Indentation becomes the tokens INDENT and DEDENT, so that blocks are brackets like others; line ends within brackets do not count. A string
// literal keeps what stands between its quotes: an f-string's text is cut further by the parser, the others' escapes are decoded here.
// Promises: every byte string gives tokens or a Python error, in time proportional to its length.
// Reference: "The Python Language Reference", chapter 2 (version 3.11).
#pragma once

#include <set>

#include "interpreter_values.hpp"

namespace interp {

[[noreturn]] inline void syntax_error(const std::string& message) { raise("SyntaxError", message); }

enum class Tok : uint8_t { name, number, string, op, newline, indent, dedent, end };
struct Token {
    Tok kind;
    std::string text;                                   // of a string: what stands between the quotes
    std::string prefix;                                 // of a string: f, r, b or u, lower case
    int line = 1;
    bool is(std::string_view op_text) const { return kind == Tok::op && text == op_text; }
    bool word(std::string_view w) const { return kind == Tok::name && text == w; }
};

class Lexer {
   public:
    // `nested`: an expression of an f-string, where line ends do not count.
    Lexer(std::string_view source, bool nested) : s_(source), brackets_(nested ? 1 : 0), nested_(nested) {}

    std::vector<Token> tokens() {
        bool line_start = !nested_;
        while (true) {
            if (line_start) indentation();
            line_start = false;
            skip_blanks();
            if (at_ >= s_.size()) break;
            const char c = s_[at_];
            if (c == '\n') {
                at_++;
                line_++;
                if (brackets_ > 0) continue;
                if (!out_.empty() && out_.back().kind != Tok::newline) push(Tok::newline, "");
                line_start = true;
            } else if (is_name_start(c)) name_or_string();
            else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) number();
            else if (c == '"' || c == '\'') string("");
            else operation();
        }
        if (brackets_ > 0 && !nested_) syntax_error("'" + open_ + "' was never closed");
        if (!out_.empty() && out_.back().kind != Tok::newline) push(Tok::newline, "");
        for (; levels_.size() > 1; levels_.pop_back()) push(Tok::dedent, "");
        push(Tok::end, "");
        return std::move(out_);
    }

   private:
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }
    static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80); }
    char peek(size_t n) const { return at_ + n < s_.size() ? s_[at_ + n] : '\0'; }
    void push(Tok kind, std::string text, std::string prefix = "") { out_.push_back({kind, std::move(text), std::move(prefix), line_}); }

    void skip_blanks() {
        while (at_ < s_.size()) {
            if (s_[at_] == ' ' || s_[at_] == '\t' || s_[at_] == '\f' || s_[at_] == '\r') at_++;
            else if (s_[at_] == '#') while (at_ < s_.size() && s_[at_] != '\n') at_++;
            else if (s_[at_] == '\\' && (peek(1) == '\n' || (peek(1) == '\r' && peek(2) == '\n'))) {
                at_ += peek(1) == '\n' ? 2 : 3;
                line_++;
            } else break;
        }
    }
    // The white space at the start of a line; blank lines and comments have no say.
    void indentation() {
        while (true) {
            size_t p = at_, column = 0;
            for (; p < s_.size() && (s_[p] == ' ' || s_[p] == '\t' || s_[p] == '\f'); p++) column = s_[p] == '\t' ? column / 8 * 8 + 8
                    : column + 1;
            if (p < s_.size() && s_[p] == '#') p = std::min(s_.find('\n', p), s_.size());
            if (p < s_.size() && s_[p] == '\r') p++;
            if (p < s_.size() && s_[p] == '\n') {
                at_ = p + 1;
                line_++;
                continue;
            }
            at_ = p;
            if (p >= s_.size()) return;
            if (column > levels_.back()) {
                if (levels_.size() >= 100) raise("IndentationError", "too many levels of indentation");
                levels_.push_back(column);
                push(Tok::indent, "");
            }
            for (; column < levels_.back(); levels_.pop_back()) push(Tok::dedent, "");
            if (column != levels_.back()) raise("IndentationError", "unindent does not match any outer indentation level");
            return;
        }
    }
    void name_or_string() {
        size_t p = at_;
        while (p < s_.size() && (is_name_start(s_[p]) || is_digit(s_[p]))) p++;
        std::string word(s_.substr(at_, p - at_));
        if (p < s_.size() && (s_[p] == '"' || s_[p] == '\'') && word.size() <= 2) {
            std::string lower = word;
            for (char& c : lower) c = char(std::tolower(static_cast<unsigned char>(c)));
            for (const char* known : {"f", "r", "b", "u", "fr", "rf", "br", "rb"})
                if (lower == known) {
                    at_ = p;
                    string(lower);
                    return;
                }
        }
        at_ = p;
        push(Tok::name, std::move(word));
    }
    void string(const std::string& prefix) {
        const char quote = s_[at_];
        const bool triple = peek(1) == quote && peek(2) == quote;
        const int first_line = line_;
        at_ += triple ? 3 : 1;
        const size_t start = at_;
        for (; at_ < s_.size(); at_++) {
            if (s_[at_] == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
                std::string raw(s_.substr(start, at_ - start));
                at_ += triple ? 3 : 1;
                push(Tok::string, std::move(raw), prefix);
                return;
            }
            if (s_[at_] == '\n' && !triple) break;
            if (s_[at_] == '\n') line_++;
            if (s_[at_] == '\\' && at_ + 1 < s_.size() && s_[++at_] == '\n') line_++;
        }
        syntax_error(cat("unterminated ", triple ? "triple-quoted " : "", "string literal (detected at line ", triple ? line_ : first_line,
                ")"));
    }
    void number() {
        size_t p = at_;
        const auto digits = [&](auto accept) {
            while (p < s_.size() && (accept(s_[p]) || (s_[p] == '_' && p + 1 < s_.size() && accept(s_[p + 1])))) p++;
        };
        const char kind = char(std::tolower(static_cast<unsigned char>(peek(1))));
        if (s_[at_] == '0' && (kind == 'x' || kind == 'o' || kind == 'b')) {
            p += 2;
            digits([](char c) { return digit_value(c) < 16; });
        } else {
            digits(is_digit);
            if (p < s_.size() && s_[p] == '.') p++, digits(is_digit);
            if (p < s_.size() && (s_[p] == 'e' || s_[p] == 'E')) {
                const size_t sign = p + 1 < s_.size() && (s_[p + 1] == '+' || s_[p + 1] == '-') ? 2 : 1;
                if (p + sign < s_.size() && is_digit(s_[p + sign])) p += sign, digits(is_digit);
            }
        }
        std::string text(s_.substr(at_, p - at_));
        at_ = p;
        if (p < s_.size() && (s_[p] == 'j' || s_[p] == 'J')) syntax_error("complex numbers are not supported here");
        if (p < s_.size() && is_name_start(s_[p])) {
            size_t q = p;
            while (q < s_.size() && is_name_start(s_[q])) q++;
            static const std::set<std::string_view> may_follow = {"and", "or", "if", "else", "in", "is", "not", "for"};
            if (!may_follow.contains(s_.substr(p, q - p))) syntax_error("invalid decimal literal");
        }
        push(Tok::number, std::move(text));
    }
    void operation() {
        static const std::vector<std::string_view> known = {"**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "<=", ">=", "==", "!=",
                "->",
                                                            "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", ":=", "@=", "+", "-", "*", "/", "%",
                                                            "@", "&", "|", "^", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".",
                                                                    ";", "="};
        for (const std::string_view op : known)
            if (s_.substr(at_, op.size()) == op) {
                at_ += op.size();
                const char c = op[0];
                if (c == '(' || c == '[' || c == '{') brackets_++, open_ = std::string(op);
                if (c == ')' || c == ']' || c == '}') {
                    if (brackets_ == (nested_ ? 1 : 0)) syntax_error("unmatched '" + std::string(op) + "'");
                    brackets_--;
                }
                push(Tok::op, std::string(op));
                return;
            }
        if (s_[at_] == '\\') syntax_error("unexpected character after line continuation character");
        if (s_[at_] == '\0') raise("ValueError", "source code string cannot contain null bytes");
        syntax_error("invalid syntax");
    }

    std::string_view s_;
    size_t at_ = 0;
    int line_ = 1, brackets_ = 0;
    bool nested_;
    std::string open_;
    std::vector<size_t> levels_ = {0};
    std::vector<Token> out_;
};

// The characters that escapes in a literal stand for.
inline std::string decode_escapes(std::string_view s) {
    std::string out;
    for (size_t i = 0; i < s.size(); i++) {
        if (s[i] != '\\' || i + 1 >= s.size()) {
            if (s[i] == '\r' && i + 1 < s.size() && s[i + 1] == '\n') continue;
            out += s[i];
            continue;
        }
        const char c = s[++i];
        static const std::string_view letters = "abfnrtv\\'\"", meanings = "\a\b\f\n\r\t\v\\'\"";
        const size_t known = letters.find(c);
        if (known != std::string_view::npos) {
            out += meanings[known];
        } else if (c == '\n') {
        } else if (c >= '0' && c <= '7') {
            uint32_t code = 0;
            size_t n = 0;
            for (; n < 3 && i + n < s.size() && s[i + n] >= '0' && s[i + n] <= '7'; n++) code = code * 8 + uint32_t(s[i + n] - '0');
            append_utf8(out, code);
            i += n - 1;
        } else if (c == 'x' || c == 'u' || c == 'U') {
            const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
            uint32_t code = 0;
            for (size_t n = 1; n <= digits; n++) {
                const int d = i + n < s.size() ? digit_value(s[i + n]) : 99;
                if (d > 15) syntax_error(cat("(unicode error) 'unicodeescape' codec can't decode bytes: truncated \\", c, " escape"));
                code = code * 16 + uint32_t(d);
            }
            if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) syntax_error("(unicode error) illegal Unicode character");
            append_utf8(out, code);
            i += digits;
        } else if (c == 'N') {
            syntax_error("\\N escapes are not supported here");
        } else {
            out += '\\';
            out += c;
        }
    }
    return out;
}

}  // namespace interp
