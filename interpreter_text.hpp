// interpreter_text.hpp -- text in the small Python: the methods of str, and numbers written to a format.
//
// Three ways lead to one place: f"{x:>8.2f}", "{:>8.2f}".format(x) and format(x, ">8.2f") all end in `format_value`, which knows the
// format mini-language [[fill]align][sign][#][0][width][, or _][.precision][type]; "%8.2f" % x has its own, older one. Upper and lower case and
// the classes of letters beyond ASCII come from the C library's C.UTF-8 tables (where there are none: ASCII alone).
// Promises: positions are code points; no width or precision allocates more than the heap allows.
// Reference: "The Python Standard Library", chapters "String Methods", "Format Specification Mini-Language", "printf-style formatting".
#pragma once

#include <locale.h>
#include <wctype.h>

#include <map>
#include <span>

#include "interpreter_operations.hpp"

namespace interp {

// ---- characters

inline locale_t unicode_locale() {
    static const locale_t locale = [] {
        const locale_t l = newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t(0));
        return l ? l : newlocale(LC_CTYPE_MASK, "C", locale_t(0));
    }();
    return locale;
}
inline bool is_space(int32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
            c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}
inline bool is_digit(int32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : c == 0xB2 || c == 0xB3 || c == 0xB9; }
inline bool is_letter(int32_t c) {
    return c < 0x80 ? (c | 32) >= 'a' && (c | 32) <= 'z' : iswalpha_l(wint_t(c), unicode_locale()) && !iswdigit_l(wint_t(c), unicode_locale());
}
inline bool is_upper(int32_t c) { return c < 0x80 ? c >= 'A' && c <= 'Z' : iswupper_l(wint_t(c), unicode_locale()); }
inline bool is_lower(int32_t c) { return c < 0x80 ? c >= 'a' && c <= 'z' : iswlower_l(wint_t(c), unicode_locale()); }
inline void append_upper(std::string& out, int32_t c) {
    if (c == 0xDF) out += "SS";
    else append_utf8(out, c < 0x80 ? uint32_t(is_lower(c) ? c - 32 : c) : uint32_t(towupper_l(wint_t(c), unicode_locale())));
}
inline void append_lower(std::string& out, int32_t c) {
    append_utf8(out, c < 0x80 ? uint32_t(is_upper(c) ? c + 32 : c) : uint32_t(towlower_l(wint_t(c), unicode_locale())));
}

template <typename F>
void each_char(const std::string& s, const F& f) {
    for (size_t i = 0; i < s.size();) {
        const Utf8Char c = decode_utf8(s.data() + i, s.data() + s.size());
        f(c.code);
        i += size_t(c.bytes);
    }
}
inline int64_t count_chars(std::string_view s) {
    int64_t n = 0;
    for (const char c : s) n += (c & 0xC0) != 0x80;
    return n;
}

// ---- arguments of builtins

inline void check_count(const Arguments& a, const char* name, size_t least, size_t most) {
    const size_t n = a.positional.size();
    if (!a.named.empty()) raise("TypeError", name, "() takes no keyword arguments");
    if (n >= least && n <= most) return;
    if (most == 0) raise("TypeError", name, "() takes no arguments (", n, " given)");
    if (least == most) raise("TypeError", name, "() takes exactly ", least == 1 ? "one" : std::to_string(least), " argument", least == 1
            ? "" : "s", " (", n, " given)");
    raise("TypeError", name, " expected at ", n < least ? "least " : "most ", n < least ? least : most, " argument",
          (n < least ? least : most) == 1 ? "" : "s", ", got ", n);
}
// Takes a named argument out of the list; none where it is absent.
inline bool take_named(Arguments& a, const char* name, Value& out) {
    for (size_t i = 0; i < a.named.size(); i++)
        if (a.named[i].first == name) {
            out = a.named[i].second;
            a.named.erase(a.named.begin() + int64_t(i));
            return true;
        }
    return false;
}
inline const std::string& text_argument(const Value& v, const char* what) {
    if (!v.is(Type::str)) raise("TypeError", what, " must be str, not ", type_name(v));
    return text_of(v).utf8;
}
inline int64_t int_argument(const Value& v) {
    if (!v.is_int()) raise("TypeError", "'", type_name(v), "' object cannot be interpreted as an integer");
    if (v.is(Type::big)) raise("OverflowError", "Python int too large to convert to C ssize_t");
    return small_int(v);
}

// ---- formats

struct Format {
    std::string fill = " ";
    char align = 0, sign = '-', group = 0, type = 0;
    bool alternate = false, zero = false;
    int64_t width = 0, precision = -1;
};

inline int64_t format_number(const std::string& s, size_t& i) {
    int64_t n = 0;
    for (; i < s.size() && s[i] >= '0' && s[i] <= '9'; i++)
        if ((n = n * 10 + (s[i] - '0')) > INT32_MAX) raise("ValueError", "Too many decimal digits in format string");
    return n;
}
inline Format parse_format(const std::string& s, const char* of_type) {
    Format f;
    size_t i = 0;
    const auto is_align = [&](size_t k) { return k < s.size() && std::strchr("<>=^", s[k]) && s[k]; };
    const size_t first = s.empty() ? 0 : size_t(decode_utf8(s.data(), s.data() + s.size()).bytes);
    if (!s.empty() && is_align(first)) f.fill = s.substr(0, first), f.align = s[first], i = first + 1;
    else if (is_align(0)) f.align = s[i++];
    if (i < s.size() && (s[i] == '+' || s[i] == '-' || s[i] == ' ')) f.sign = s[i++];
    if (i < s.size() && s[i] == '#') f.alternate = true, i++;
    if (i < s.size() && s[i] == '0') {
        f.zero = true, i++;
        if (!f.align) f.align = '=', f.fill = "0";
    }
    f.width = format_number(s, i);
    if (i < s.size() && (s[i] == ',' || s[i] == '_')) f.group = s[i++];
    if (i < s.size() && s[i] == '.') {
        const size_t digits = ++i;
        f.precision = format_number(s, i);
        if (i == digits) raise("ValueError", "Format specifier missing precision");
    }
    if (i < s.size()) f.type = s[i++];
    if (i < s.size()) raise("ValueError", "Invalid format specifier '", s, "' for object of type '", of_type, "'");
    return f;
}

inline std::string pad(Machine& m, const Format& f, const std::string& head, const std::string& body, char default_align) {
    const int64_t n = f.width - count_chars(head) - count_chars(body);
    const char align = f.align ? f.align : default_align;
    if (n <= 0) return head + body;
    m.heap.check(n);                                    // first alone: the product of a huge width may not fit 64 bits
    m.heap.check(n * int64_t(f.fill.size()));
    m.work(n);
    const int64_t left = align == '>' ? n : align == '^' ? n / 2 : 0, inner = align == '=' ? n : 0;
    const auto fill = [&](int64_t k) {
        std::string s;
        for (; k > 0; k--) s += f.fill;
        return s;
    };
    return fill(left) + head + fill(inner) + body + fill(n - left - inner);
}

// 1234567 -> 1,234,567 (in fours for binary and hexadecimal digits)
inline std::string grouped(const std::string& digits, char group, size_t by) {
    std::string out;
    for (size_t i = 0; i < digits.size(); i++) {
        if (i && (digits.size() - i) % by == 0) out += group;
        out += digits[i];
    }
    return out;
}

inline std::string pad_number(Machine& m, const Format& f, bool negative, const std::string& prefix, std::string digits,
        const std::string& rest) {
    const std::string head = (negative ? "-" : f.sign == '-' ? "" : std::string(1, f.sign)) + prefix;
    if (f.group) {
        const size_t by = f.type && std::strchr("boxX", f.type) ? 4 : 3;
        std::string shown = grouped(digits, f.group, by);
        if (f.align == '=' && f.fill == "0") {          // the zeros are grouped too
            m.heap.check(f.width);
            m.work(f.width * f.width / 16);
            while (int64_t(head.size() + shown.size() + rest.size()) < f.width) shown = grouped(digits.insert(0, "0"), f.group, by);
        }
        digits = std::move(shown);
    }
    return pad(m, f, head, digits + rest, '>');
}

inline std::string format_real(Machine& m, double x, Format f) {
    char type = f.type ? f.type : 'r';
    const bool upper = type == 'F' || type == 'E' || type == 'G';
    if (f.precision > 1000) raise("ValueError", "precision too big");
    m.work(f.precision * 8);
    if (type == 'n') type = 'g';
    if (type == '%') x *= 100;
    const bool negative = sign_of(x) && !std::isnan(x);
    double a = std::fabs(x);
    std::string s;
    if (!std::isfinite(x)) {
        s = std::isnan(x) ? "nan" : "inf";
        f.group = 0;
    } else if (type == 'r' && f.precision < 0) {
        s = float_text(a);
    } else if (type == 'r') {                           // like g, but with a digit after the point
        const int64_t p = std::max<int64_t>(1, f.precision);
        const std::string e = strprintf("%.*e", int(p - 1), a);
        const int exponent = std::atoi(e.c_str() + e.find('e') + 1);
        std::string digits = e.substr(0, 1) + (p > 1 ? e.substr(2, size_t(p - 1)) : "");
        while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
        s = a == 0 ? "0.0" : layout_digits(digits, exponent, exponent < -4 || exponent >= p - (p > 1 ? 1 : 0), true);
    } else {
        const int precision = int(f.precision < 0 ? 6 : f.precision);
        const char lower = char(std::tolower(static_cast<unsigned char>(type)));
        s = lower == 'e' ? strprintf(f.alternate ? "%#.*e" : "%.*e", precision, a)
            : lower == 'g' ? strprintf(f.alternate ? "%#.*g" : "%.*g", precision, a)
                           : strprintf(f.alternate ? "%#.*f" : "%.*f", precision, a);
    }
    if (upper) for (char& c : s) c = char(std::toupper(static_cast<unsigned char>(c)));
    if (type == '%') s += '%';
    size_t digits = 0;
    while (digits < s.size() && s[digits] >= '0' && s[digits] <= '9') digits++;
    return pad_number(m, f, negative, "", s.substr(0, digits ? digits : s.size()), digits ? s.substr(digits) : "");
}

inline std::string format_int(Machine& m, const Value& v, Format f) {
    if (f.type && std::strchr("eEfFgG%", f.type)) return format_real(m, to_real(v), f);
    if (f.precision >= 0) raise("ValueError", "Precision not allowed in integer format specifier");
    const BigInt n = to_big(v);
    m.work(int64_t(n.limbs.size() * n.limbs.size()) / 8);
    const char type = f.type && f.type != 'n' ? f.type : 'd';
    if (type == 'c') {
        if (n.negative || n.bits() > 21 || n.to_int64() > 0x10FFFF) raise("OverflowError", "%c arg not in range(0x110000)");
        if (n.to_int64() >= 0xD800 && n.to_int64() < 0xE000) raise("UnicodeEncodeError", "surrogates not allowed");
        std::string s;
        append_utf8(s, uint32_t(n.to_int64()));
        return pad(m, f, "", s, '<');
    }
    const uint32_t base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'd' ? 10 : 16;
    std::string digits = base == 10 ? int_text(m, v) : to_text(n, base);
    if (n.negative) digits.erase(0, 1);
    if (type == 'X') for (char& c : digits) c = char(std::toupper(static_cast<unsigned char>(c)));
    return pad_number(m, f, n.negative, f.alternate && base != 10 ? std::string("0") + type : "", digits, "");
}

// format(v, spec)
inline std::string format_value(Machine& m, const Value& v, const std::string& spec) {
    if (spec.empty()) return str(m, v);
    m.work(int64_t(spec.size()));
    if (!v.is_number() && !v.is(Type::str)) raise("TypeError", "unsupported format string passed to ", type_name(v), ".__format__");
    const Format f = parse_format(spec, type_name(v));
    const char* known = v.is(Type::str) ? "s" : v.is(Type::real) ? "eEfFgG%n" : "bcdoxXneEfFgG%";
    if (f.type && !std::strchr(known, f.type)) raise("ValueError", "Unknown format code '", f.type, "' for object of type '", type_name(v),
            "'");
    if (v.is(Type::real)) return format_real(m, v.real, f);
    if (v.is_int()) return format_int(m, v, f);
    if (f.group) raise("ValueError", "Cannot specify '", f.group, "' with 's'.");
    if (f.sign != '-') raise("ValueError", "Sign not allowed in string format specifier");
    if (f.align == '=' && !f.zero) raise("ValueError", "'=' alignment not allowed in string format specifier");
    Format plain = f;
    if (plain.align == '=') plain.align = '<';
    const Text& s = text_of(v);
    return pad(m, plain, "", f.precision >= 0 && f.precision < s.chars ? s.utf8.substr(0, byte_of(s, f.precision)) : s.utf8, '<');
}

// One value of "%5.2f" % x; `at` is where its letter stands.
inline std::string percent_item(Machine& m, Format f, const Value& v, const std::string& format, size_t at) {
    const char type = f.type;
    if (type == 's' || type == 'r' || type == 'a') {
        std::string s = type == 's' ? str(m, v) : repr(m, v);
        if (f.precision >= 0 && f.precision < count_chars(s)) {
            size_t end = 0;
            for (int64_t k = 0; k < f.precision; k++) end += size_t(decode_utf8(s.data() + end, s.data() + s.size()).bytes);
            s.resize(end);
        }
        return pad(m, f, "", s, '>');
    }
    if (type == 'c' && v.is(Type::str)) {
        if (text_of(v).chars != 1) raise("TypeError", "%c requires int or char");
        return pad(m, f, "", text_of(v).utf8, '>');
    }
    const bool of_real = type && std::strchr("eEfFgG", type), of_int = type && std::strchr("diu", type), of_bits = type && std::strchr("oxXc", type);
    if (!of_real && !of_int && !of_bits) {
        const Utf8Char c = decode_utf8(format.data() + at, format.data() + format.size());
        raise("ValueError", "unsupported format character '", format.substr(at, size_t(c.bytes)), "' (0x", strprintf("%x", unsigned(c.code)),
              ") at index ", count_chars(std::string_view(format).substr(0, at)));
    }
    if (of_real && !v.is_number()) raise("TypeError", "must be real number, not ", type_name(v));
    if (type == 'c' && !v.is_int()) raise("TypeError", "%c requires int or char");
    if (of_int && !v.is_number()) raise("TypeError", "%", type, " format: a real number is required, not ", type_name(v));
    if (of_bits && !v.is_int()) raise("TypeError", "%", type, " format: an integer is required, not ", type_name(v));
    if (f.zero && f.align == '>') f.align = '=', f.fill = "0";
    if (of_real) return format_real(m, to_real(v), f);
    if (of_int) f.type = 'd';
    if (v.is(Type::real) && !std::isfinite(v.real)) raise("OverflowError", "cannot convert float infinity to integer");
    f.precision = -1;
    return format_int(m, v.is(Type::real) ? m.integer(from_double(v.real)) : v, f);
}

// "%5.2f and %s" % args
inline std::string percent_format(Machine& m, const std::string& format, const Value& args) {
    m.work(int64_t(format.size()));
    std::string out;
    size_t used = 0;
    const bool many = args.is(Type::tuple);
    const auto next = [&]() -> Value {
        const size_t n = many ? items_of(args).items.size() : 1;
        if (used >= n) raise("TypeError", "not enough arguments for format string");
        return many ? items_of(args).items[used++] : (used++, args);
    };
    bool named = false;
    for (size_t i = 0; i < format.size(); i++) {
        m.heap.check(int64_t(out.size()));
        if (format[i] != '%') {
            out += format[i];
            continue;
        }
        m.step();
        Format f;
        Value v;
        bool have = false, left = false;
        if (++i < format.size() && format[i] == '(') {
            if (!args.is(Type::dict)) raise("TypeError", "format requires a mapping");
            const size_t end = format.find(')', i);
            if (end == std::string::npos) raise("ValueError", "incomplete format key");
            v = subscript(m, args, m.text(format.substr(i + 1, end - i - 1)));
            have = named = true;
            i = end + 1;
        }
        for (; i < format.size() && format[i] && std::strchr("-+ 0#", format[i]); i++) {
            if (format[i] == '-') left = true;
            else if (format[i] == '0') f.zero = true;
            else if (format[i] == '#') f.alternate = true;
            else if (f.sign != '+') f.sign = format[i];
        }
        const auto number = [&] {
            if (i >= format.size() || format[i] != '*') return format_number(format, i);
            i++;
            return int_argument(next());
        };
        f.width = number();
        if (f.width < 0) left = true, f.width = -std::max(f.width, -INT64_MAX);
        if (i < format.size() && format[i] == '.') i++, f.precision = std::max<int64_t>(0, number());
        if (i >= format.size()) raise("ValueError", "incomplete format");
        const char type = format[i];
        if (type == '%') {
            out += '%';
            continue;
        }
        if (!have) v = next();
        f.type = type;
        f.align = left ? '<' : '>';
        out += percent_item(m, f, v, format, i);
    }
    if (!named && used < (many ? items_of(args).items.size() : args.is(Type::dict) ? 0 : 1)) raise("TypeError",
            "not all arguments converted during string formatting");
    return out;
}

// "{} {0!r:>5} {name}".format(...)
inline std::string brace_format(Machine& m, const std::string& s, const Arguments& a, int level = 0, size_t* counter = nullptr) {
    if (level > 1) raise("ValueError", "Max string recursion exceeded");
    m.work(int64_t(s.size()));
    std::string out;
    size_t automatic = 0;
    if (!counter) counter = &automatic;
    for (size_t i = 0; i < s.size(); i++) {
        m.heap.check(int64_t(out.size()));
        if ((s[i] == '{' || s[i] == '}') && i + 1 < s.size() && s[i + 1] == s[i]) {
            out += s[i++];
            continue;
        }
        if (s[i] == '}') raise("ValueError", "Single '}' encountered in format string");
        if (s[i] != '{') {
            out += s[i];
            continue;
        }
        m.step();
        const size_t start = ++i;
        int open = 0;
        for (; i < s.size() && !(s[i] == '}' && open == 0); i++) open += s[i] == '{' ? 1 : s[i] == '}' ? -1 : 0;
        if (i >= s.size()) raise("ValueError", "expected '}' before end of string");
        const std::string field = s.substr(start, i - start);
        const size_t colon = field.find(':'), bang = field.find('!');
        const size_t name_end = std::min({colon, bang, field.size()});
        const std::string name = field.substr(0, name_end);
        Value v;
        if (name.empty() || (name.find_first_not_of("0123456789") == std::string::npos && name.size() < 9)) {
            const size_t index = name.empty() ? (*counter)++ : size_t(std::stoi(name));
            if (index >= a.positional.size()) raise("IndexError", "Replacement index ", index, " out of range for positional args tuple");
            v = a.positional[index];
        } else {
            if (name.find_first_of(".[") != std::string::npos) raise("ValueError", "'.' and '[' in replacement fields are not supported here");
            m.work(int64_t(a.named.size()));
            bool found = false;
            for (const auto& [key, value] : a.named)
                if (key == name) v = value, found = true;
            if (!found) raise("KeyError", quoted_text(name));
        }
        if (bang < colon && bang + 1 < field.size()) v = m.text(field[bang + 1] == 's' ? str(m, v) : repr(m, v));
        out += format_value(m, v, colon == std::string::npos ? "" : brace_format(m, field.substr(colon + 1), a, level + 1, counter));
    }
    return out;
}

// ---- methods of str: (machine, self, arguments) -> value

using Method = Value (*)(Machine&, const Value&, Arguments&);
using Methods = std::map<std::string_view, Method>;

template <typename Append>
Value mapped(Machine& m, const Value& self, const Append& append) {
    m.work(text_of(self).chars);
    m.heap.check(int64_t(text_of(self).utf8.size()) * 2);
    std::string out;
    bool in_word = false, first = true;
    each_char(text_of(self).utf8, [&](int32_t c) {
        append(out, c, in_word, first);
        in_word = is_letter(c);
        first = false;
    });
    return m.text(std::move(out));
}
// All characters are so (and there is one).
template <typename Is>
Value all_chars(Machine& m, const Value& self, const Is& is) {
    m.work(text_of(self).chars);
    bool all = text_of(self).chars > 0;
    each_char(text_of(self).utf8, [&](int32_t c) { all &= bool(is(c)); });
    return Value::of(all);
}
// Letters of one case, none of the other.
inline Value cased(Machine& m, const Value& self, bool upper) {
    m.work(text_of(self).chars);
    bool some = false, other = false;
    each_char(text_of(self).utf8, [&](int32_t c) {
        some |= upper ? is_upper(c) : is_lower(c);
        other |= upper ? is_lower(c) : is_upper(c);
    });
    return Value::of(some && !other);
}

inline Value strip(Machine& m, const Value& self, Arguments& a, bool left, bool right) {
    check_count(a, "strip", 0, 1);
    const std::string& s = text_of(self).utf8;
    const bool blank = a.positional.empty() || a.positional[0].is(Type::none);
    const std::string_view set = blank ? std::string_view() : text_argument(a.positional[0], "strip arg");
    m.work(int64_t(s.size()));
    const auto goes = [&](size_t at, size_t bytes) {
        if (blank) return is_space(decode_utf8(s.data() + at, s.data() + s.size()).code);
        m.work(int64_t(set.size()));
        return set.find(std::string_view(s).substr(at, bytes)) != std::string_view::npos;     // of one character: 4 bytes at most
    };
    size_t from = 0, to = s.size();
    while (left && from < to) {
        const size_t bytes = size_t(decode_utf8(s.data() + from, s.data() + s.size()).bytes);
        if (!goes(from, bytes)) break;
        from += bytes;
    }
    while (right && to > from) {
        size_t at = to - 1;
        while ((s[at] & 0xC0) == 0x80) at--;
        if (!goes(at, to - at)) break;
        to = at;
    }
    return m.text(s.substr(from, to - from));
}

// s.find(what, start, end) and its kin: the bytes [from, to) that are searched; false where start lies beyond the end.
inline bool search_window(Machine& m, const Value& self, const Arguments& a, size_t& from, size_t& to) {
    const Text& s = text_of(self);
    const Value none, &start = a.positional.size() > 1 ? a.positional[1] : none, &end = a.positional.size() > 2 ? a.positional[2] : none;
    if (!start.is(Type::none) && index_value(start, "slice indices must be integers or None or have an __index__ method",
            true) > s.chars) return false;
    const Span span = slice_span(s.chars, start, end, none);
    if (!s.ascii()) m.work((span.start + span.stop) * 2);
    from = byte_of(s, span.start);
    to = byte_of(s, span.start + span.count);
    return true;
}
inline Value find_text(Machine& m, const Value& self, Arguments& a, const char* name, bool last, bool must) {
    check_count(a, name, 1, 3);
    const std::string &s = text_of(self).utf8, &what = text_argument(a.positional[0], "argument");
    m.work(int64_t(s.size() + what.size()) * 2);
    size_t from = 0, to = 0, at = std::string::npos;
    if (search_window(m, self, a, from, to)) at = Finder(what, last).in(std::string_view(s).substr(from, to - from));
    if (at == std::string::npos && must) raise("ValueError", "substring not found");
    return Value::of(at == std::string::npos ? int64_t(-1) : count_chars(std::string_view(s).substr(0, from + at)));
}
inline Value count_text(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "count", 1, 3);
    const std::string &s = text_of(self).utf8, &what = text_argument(a.positional[0], "argument");
    m.work(int64_t(s.size() + what.size()) * 2);
    size_t from = 0, to = 0;
    if (!search_window(m, self, a, from, to)) return Value::of(int64_t(0));
    std::string_view window = std::string_view(s).substr(from, to - from);
    if (what.empty()) return Value::of(count_chars(window) + 1);
    const Finder finder(what);
    int64_t n = 0;
    for (size_t at; (at = finder.in(window)) != std::string_view::npos; n++) window.remove_prefix(at + what.size());
    return Value::of(n);
}
inline Value begins_or_ends(Machine& m, const Value& self, Arguments& a, bool begins) {
    check_count(a, begins ? "startswith" : "endswith", 1, 3);
    size_t from = 0, to = 0;
    if (!search_window(m, self, a, from, to)) return Value::of(false);
    const std::string_view window = std::string_view(text_of(self).utf8).substr(from, to - from);
    const Value& what = a.positional[0];
    const std::span<const Value> all = what.is(Type::tuple) ? std::span<const Value>(items_of(what).items) : std::span<const Value>(&what, 1);
    for (const Value& v : all) {
        m.step();
        if (!v.is(Type::str)) raise("TypeError", begins ? "startswith" : "endswith", " first arg must be str or a tuple of str, not ",
                type_name(v));
        m.work(int64_t(text_of(v).utf8.size()) / 16);
        if (begins ? window.starts_with(text_of(v).utf8) : window.ends_with(text_of(v).utf8)) return Value::of(true);
    }
    return Value::of(false);
}

inline Value replace(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "replace", 2, 3);
    const std::string &s = text_of(self).utf8, &from = text_argument(a.positional[0], "replace() argument 1"),
                      &to = text_argument(a.positional[1], "replace() argument 2");
    int64_t times = a.positional.size() > 2 ? std::max<int64_t>(-1, int_argument(a.positional[2])) : -1;
    m.work(int64_t(s.size() + from.size()) * 2);
    const Finder finder(from);
    std::string out;
    size_t at = 0;
    while (times != 0) {
        const size_t ahead = finder.in(std::string_view(s).substr(at)), hit = at + ahead;
        if (ahead == std::string_view::npos) break;
        m.heap.check(int64_t(out.size() + to.size() + s.size() - at));
        m.work(int64_t(to.size()));
        out.append(s, at, hit - at);
        out += to;
        at = hit + from.size();
        times--;
        if (!from.empty()) continue;
        if (at >= s.size()) return m.text(std::move(out));
        const size_t bytes = size_t(decode_utf8(s.data() + at, s.data() + s.size()).bytes);
        out.append(s, at, bytes);
        at += bytes;
    }
    return m.text(out + s.substr(at));
}

inline Value split(Machine& m, const Value& self, Arguments& a) {
    Value sep, limit = Value::of(int64_t(-1));
    if (!a.positional.empty()) sep = a.positional[0];
    if (a.positional.size() > 1) limit = a.positional[1];
    take_named(a, "sep", sep);
    take_named(a, "maxsplit", limit);
    check_count(a, "split", 0, 2);
    int64_t left = std::max<int64_t>(-1, int_argument(limit));
    const std::string& s = text_of(self).utf8;
    m.work(int64_t(s.size()) * 2);
    Pending out(m);
    if (!sep.is(Type::none)) {
        const std::string& by = text_argument(sep, "sep");
        if (by.empty()) raise("ValueError", "empty separator");
        m.work(int64_t(by.size()) * 2);
        const Finder finder(by);
        std::string_view rest = s;
        for (size_t hit; left != 0 && (hit = finder.in(rest)) != std::string_view::npos; left--) {
            m.step();
            out.push(m.text(std::string(rest.substr(0, hit))));
            rest.remove_prefix(hit + by.size());
        }
        out.push(m.text(std::string(rest)));
        return m.list(std::move(out.values));
    }
    size_t at = 0;
    const auto char_at = [&](size_t i) { return decode_utf8(s.data() + i, s.data() + s.size()); };
    while (true) {
        while (at < s.size() && is_space(char_at(at).code)) at += size_t(char_at(at).bytes);
        if (at >= s.size()) break;
        size_t end = at;
        while (end < s.size() && (left == 0 || !is_space(char_at(end).code))) end += size_t(char_at(end).bytes);
        m.step();
        out.push(m.text(s.substr(at, end - at)));
        if (left == 0) break;
        left--;
        at = end;
    }
    return m.list(std::move(out.values));
}
// At most so many of the rightmost separators; without a limit it is what split does.
inline Value rsplit(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "rsplit", 0, 2);
    if (a.positional.size() < 2 || int_argument(a.positional[1]) < 0) return split(m, self, a);
    const bool blank = a.positional[0].is(Type::none);
    const std::string& s = text_of(self).utf8;
    const std::string_view by = blank ? std::string_view() : text_argument(a.positional[0], "sep");
    if (by.empty() && !blank) raise("ValueError", "empty separator");
    m.work(int64_t(s.size() + by.size()) * 2);
    const Finder finder(by, true);
    Pending out(m);
    std::string_view rest = s;
    const auto trim = [&](bool of_spaces) {             // the end of the rest: its white space, or its last word
        size_t end = rest.size();
        for (size_t p = end; p > 0; end = p) {
            for (p--; (rest[p] & 0xC0) == 0x80;) p--;
            if (is_space(decode_utf8(rest.data() + p, rest.data() + rest.size()).code) != of_spaces) break;
        }
        return std::exchange(rest, rest.substr(0, end)).substr(end);
    };
    if (blank) trim(true);
    for (int64_t left = int_argument(a.positional[1]); left != 0 && !(blank && rest.empty()); left--) {
        m.step();
        if (blank) {
            out.push(m.text(std::string(trim(false))));
            trim(true);
            continue;
        }
        const size_t hit = finder.in(rest);
        if (hit == std::string_view::npos) break;
        out.push(m.text(std::string(rest.substr(hit + by.size()))));
        rest = rest.substr(0, hit);
    }
    if (!blank || !rest.empty()) out.push(m.text(std::string(rest)));
    std::reverse(out.values.begin(), out.values.end());
    return m.list(std::move(out.values));
}
inline Value splitlines(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "splitlines", 0, 0);
    const std::string& s = text_of(self).utf8;
    m.work(int64_t(s.size()));
    Pending out(m);
    for (size_t at = 0; at < s.size();) {
        const size_t end = std::min(s.find_first_of("\r\n", at), s.size());
        out.push(m.text(s.substr(at, end - at)));
        m.step();
        at = end + (s.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    }
    return m.list(std::move(out.values));
}

inline Value join(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "str.join", 1, 1);
    const std::vector<Value> items = all_items(m, a.positional[0]);
    std::string out;
    for (size_t i = 0; i < items.size(); i++) {
        if (!items[i].is(Type::str)) raise("TypeError", "sequence item ", i, ": expected str instance, ", type_name(items[i]), " found");
        m.heap.check(int64_t(out.size() + text_of(self).utf8.size() + text_of(items[i]).utf8.size()));
        m.work(int64_t(text_of(items[i]).utf8.size() + text_of(self).utf8.size()));
        if (i) out += text_of(self).utf8;
        out += text_of(items[i]).utf8;
    }
    return m.text(std::move(out));
}
// ljust, rjust, center
inline Value justify(Machine& m, const Value& self, Arguments& a, const char* name, char align) {
    check_count(a, name, 1, 2);
    Format f;
    f.width = std::max<int64_t>(0, int_argument(a.positional[0]));
    if (a.positional.size() > 1) f.fill = text_argument(a.positional[1], "The fill character");
    if (count_chars(f.fill) != 1) raise("TypeError", "The fill character must be exactly one character long");
    const std::string& s = text_of(self).utf8;
    const int64_t n = f.width - text_of(self).chars;
    if (n <= 0) return self;
    if (align != '^') return f.align = align, m.text(pad(m, f, "", s, align));
    Format half = f;                                    // CPython's center: the odd one goes left only if the width is odd
    half.align = '>';
    half.width = text_of(self).chars + n / 2 + (n & f.width & 1);
    const std::string left = pad(m, half, "", s, '>');
    f.align = '<';
    return m.text(pad(m, f, "", left, '<'));
}
inline Value zfill(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "str.zfill", 1, 1);
    const std::string& s = text_of(self).utf8;
    Format f;
    f.fill = "0";
    f.width = std::max<int64_t>(0, int_argument(a.positional[0]));
    const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
    f.align = '=';
    return m.text(pad(m, f, s.substr(0, sign), s.substr(sign), '='));
}
inline Value partition(Machine& m, const Value& self, Arguments& a, bool last) {
    check_count(a, last ? "str.rpartition" : "str.partition", 1, 1);
    const std::string &s = text_of(self).utf8, &by = text_argument(a.positional[0], "argument");
    if (by.empty()) raise("ValueError", "empty separator");
    m.work(int64_t(s.size() + by.size()) * 2);
    const size_t at = Finder(by, last).in(s);
    if (at == std::string::npos) return last ? m.tuple({m.text(""), m.text(""), self}) : m.tuple({self, m.text(""), m.text("")});
    return m.tuple({m.text(s.substr(0, at)), m.text(by), m.text(s.substr(at + by.size()))});
}
inline Value remove_affix(Machine& m, const Value& self, Arguments& a, bool prefix) {
    check_count(a, prefix ? "str.removeprefix" : "str.removesuffix", 1, 1);
    const std::string &s = text_of(self).utf8, &what = text_argument(a.positional[0], "argument");
    m.work(int64_t(what.size()) / 16);
    if (what.empty() || !(prefix ? s.starts_with(what) : s.ends_with(what))) return self;
    return m.text(prefix ? s.substr(what.size()) : s.substr(0, s.size() - what.size()));
}

inline void upper_char(std::string& o, int32_t c, bool, bool) { append_upper(o, c); }
inline void lower_char(std::string& o, int32_t c, bool, bool) { append_lower(o, c); }
inline void swap_char(std::string& o, int32_t c, bool, bool) { is_upper(c) ? append_lower(o, c) : append_upper(o, c); }
inline void title_char(std::string& o, int32_t c, bool in_word, bool) { in_word ? append_lower(o, c) : append_upper(o, c); }
inline void capital_char(std::string& o, int32_t c, bool, bool first) { first ? append_upper(o, c) : append_lower(o, c); }
inline bool is_decimal(int32_t c) { return c >= '0' && c <= '9'; }
inline bool is_alphanumeric(int32_t c) { return is_letter(c) || is_digit(c); }

// Entries of a table of methods: of any arguments (m, self, a), and of a type's method without arguments.
#define METHOD [](Machine & m, const Value& self, Arguments& a) -> Value
#define PLAIN(type, name, result) {name, METHOD { m.step(); check_count(a, type "." name, 0, 0); return result; }}
inline const Methods& text_methods() {
    static const Methods table = {
        PLAIN("str", "upper", mapped(m, self, upper_char)),
        PLAIN("str", "lower", mapped(m, self, lower_char)),
        PLAIN("str", "title", mapped(m, self, title_char)),
        PLAIN("str", "capitalize", mapped(m, self, capital_char)),
        PLAIN("str", "swapcase", mapped(m, self, swap_char)),
        PLAIN("str", "isalpha", all_chars(m, self, is_letter)),
        PLAIN("str", "isdigit", all_chars(m, self, is_digit)),
        PLAIN("str", "isnumeric", all_chars(m, self, is_digit)),
        PLAIN("str", "isdecimal", all_chars(m, self, is_decimal)),
        PLAIN("str", "isalnum", all_chars(m, self, is_alphanumeric)),
        PLAIN("str", "isspace", all_chars(m, self, is_space)),
        PLAIN("str", "isupper", cased(m, self, true)),
        PLAIN("str", "islower", cased(m, self, false)),
        PLAIN("str", "isascii", Value::of(text_of(self).ascii())),
        {"strip", METHOD { return strip(m, self, a, true, true); }},
        {"lstrip", METHOD { return strip(m, self, a, true, false); }},
        {"rstrip", METHOD { return strip(m, self, a, false, true); }},
        {"find", METHOD { return find_text(m, self, a, "find", false, false); }},
        {"rfind", METHOD { return find_text(m, self, a, "rfind", true, false); }},
        {"index", METHOD { return find_text(m, self, a, "index", false, true); }},
        {"rindex", METHOD { return find_text(m, self, a, "rindex", true, true); }},
        {"startswith", METHOD { return begins_or_ends(m, self, a, true); }},
        {"endswith", METHOD { return begins_or_ends(m, self, a, false); }},
        {"ljust", METHOD { return justify(m, self, a, "ljust", '<'); }},
        {"rjust", METHOD { return justify(m, self, a, "rjust", '>'); }},
        {"center", METHOD { return justify(m, self, a, "center", '^'); }},
        {"partition", METHOD { return partition(m, self, a, false); }},
        {"rpartition", METHOD { return partition(m, self, a, true); }},
        {"removeprefix", METHOD { return remove_affix(m, self, a, true); }},
        {"removesuffix", METHOD { return remove_affix(m, self, a, false); }},
        {"format", METHOD { return m.text(brace_format(m, text_of(self).utf8, a)); }},
        {"count", count_text}, {"replace", replace}, {"split", split}, {"rsplit", rsplit}, {"splitlines", splitlines},
        {"join", join}, {"zfill", zfill},
    };
    return table;
}

}  // namespace interp
