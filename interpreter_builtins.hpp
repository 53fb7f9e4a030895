// interpreter_builtins.hpp -- the functions that are always there (len, sum, sorted, ...), the methods of lists, dicts and sets, and math.
//
// A builtin gets its arguments as evaluated values and gives one back; it walks through what it is given with a Cursor, a step for each
// item, so that sum(range(10**9)) ends at the limit of steps. map, filter, zip, enumerate and reversed are computed at once and handed out one
// by one (nothing here is endless, so nobody can tell). Whatever reaches outside (open, input, eval, import of anything but math) is absent.
// Reference: "The Python Standard Library", chapters "Built-in Functions", "Built-in Types", "math" (version 3.11).
#pragma once

#include <set>

#include "interpreter_text.hpp"

namespace interp {

using Builtin = Value (*)(Machine&, Arguments&);
using Builtins = std::map<std::string_view, Builtin>;
#define BUILTIN [](Machine & m, Arguments & a) -> Value

inline Value iterator(Machine& m, std::vector<Value> items, const char* label) { return m.items(std::move(items), Type::iterator, label); }
inline void no_names_left(const Arguments& a, const char* name) {
    if (!a.named.empty()) raise("TypeError", "'", a.named[0].first, "' is an invalid keyword argument for ", name, "()");
}

// ---- conversions

inline std::string trimmed(const std::string& s) {
    size_t from = 0, to = s.size();
    while (from < to && is_space(static_cast<unsigned char>(s[from]))) from++;
    while (to > from && is_space(static_cast<unsigned char>(s[to - 1]))) to--;
    return s.substr(from, to - from);
}

// int(text, base): base 0 reads the prefix.
inline Value parse_int(Machine& m, const std::string& text, int64_t base) {
    if (base != 0 && (base < 2 || base > 36)) raise("ValueError", "int() base must be >= 2 and <= 36, or 0");
    m.work(int64_t(text.size()));
    std::string s = trimmed(text);
    const auto fail = [&] { raise("ValueError", "invalid literal for int() with base ", base, ": ", quoted_text(text)); };
    const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
    std::string_view digits = std::string_view(s).substr(sign ? 1 : 0);
    const char kind = digits.size() > 1 && digits[0] == '0' ? char(std::tolower(static_cast<unsigned char>(digits[1]))) : '0';
    const int64_t prefix_base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
    if (prefix_base && (base == 0 || base == prefix_base)) {
        digits.remove_prefix(2);
        if (digits.starts_with('_')) digits.remove_prefix(1);
        if (base == 0) base = prefix_base;
    }
    const bool plain = base == 0;
    if (plain) base = 10;
    if (digits.size() > kMaxTextDigits) raise("ValueError", "Exceeds the limit (4300 digits) for integer string conversion: value has ",
            digits.size(),
                                              " digits; use sys.set_int_max_str_digits() to increase the limit");
    m.work(int64_t(digits.size() * digits.size()) / 16);
    BigInt n;
    if (!parse_digits(digits, uint32_t(base), n)) fail();
    if (plain && digits.size() > 1 && digits[0] == '0' && !n.is_zero()) base = 0, fail();
    return m.integer(s[0] == '-' ? -n : n);
}

inline Value make_int(Machine& m, Arguments& a) {
    Value base;
    const bool named = take_named(a, "base", base);
    no_names_left(a, "int");
    if (a.positional.size() + named > 2) raise("TypeError", "int() takes at most 2 arguments (", a.positional.size() + named, " given)");
    if (a.positional.empty()) return Value::of(int64_t(0));
    if (a.positional.size() == 2) base = a.positional[1];
    const Value& v = a.positional[0];
    if (!base.is(Type::none)) {
        if (!v.is(Type::str)) raise("TypeError", "int() can't convert non-string with explicit base");
        return parse_int(m, text_of(v).utf8, int_argument(base));
    }
    if (v.is(Type::str)) return parse_int(m, text_of(v).utf8, 10);
    if (v.is_int()) return v.is(Type::boolean) ? Value::of(small_int(v)) : v;
    if (!v.is(Type::real)) raise("TypeError", "int() argument must be a string, a bytes-like object or a real number, not '", type_name(v),
            "'");
    if (std::isnan(v.real)) raise("ValueError", "cannot convert float NaN to integer");
    if (std::isinf(v.real)) raise("OverflowError", "cannot convert float infinity to integer");
    return m.integer(from_double(v.real));
}

inline Value make_float(Machine& m, Arguments& a) {
    check_count(a, "float", 0, 1);
    if (a.positional.empty()) return Value::of(0.0);
    const Value& v = a.positional[0];
    if (v.is_number()) return Value::of(to_real(v));
    if (!v.is(Type::str)) raise("TypeError", "float() argument must be a string or a real number, not '", type_name(v), "'");
    m.work(text_of(v).chars * 4);
    double x = 0;
    if (!parse_float(trimmed(text_of(v).utf8), x)) raise("ValueError", "could not convert string to float: ", quoted_text(text_of(v).utf8));
    return Value::of(x);
}

inline Value make_table(Machine& m, Arguments& a, Type type) {
    const Value out = m.table(type);
    const std::vector<std::pair<std::string, Value>> named = std::move(a.named);
    a.named.clear();
    check_count(a, type == Type::set ? "set" : "dict", 0, 1);
    if (type == Type::set && !named.empty()) raise("TypeError", "set() takes no keyword arguments");
    if (!a.positional.empty()) {
        const Value& from = a.positional[0];
        Cursor cursor(m, from);
        size_t i = 0;
        for (Value item; cursor.next(item); i++) {
            if (type == Type::set) set_item(m, table_of(out), item, Value());
            else if (from.is(Type::dict)) set_item(m, table_of(out), item, subscript(m, from, item));
            else {
                if (!item.is_sequence() && !item.is(Type::str)) raise("TypeError", "cannot convert dictionary update sequence element #", i,
                        " to a sequence");
                const std::vector<Value> pair = all_items(m, item);
                if (pair.size() != 2) raise("ValueError", "dictionary update sequence element #", i, " has length ", pair.size(),
                        "; 2 is required");
                set_item(m, table_of(out), pair[0], pair[1]);
            }
        }
    }
    for (const auto& [name, value] : named) set_item(m, table_of(out), m.text(name), value);
    return out;
}

inline Value make_range(Machine& m, Arguments& a) {
    check_count(a, "range", 1, 3);
    for (const Value& v : a.positional) int_argument(v);
    const std::vector<Value>& p = a.positional;
    if (p.size() == 1) return m.range(0, small_int(p[0]), 1);
    const int64_t step = p.size() == 3 ? small_int(p[2]) : 1;
    if (step == 0) raise("ValueError", "range() arg 3 must not be zero");
    return m.range(small_int(p[0]), small_int(p[1]), step);
}

// ---- reductions and orders

inline Value sum(Machine& m, Arguments& a) {
    Value total = Value::of(int64_t(0));
    take_named(a, "start", total);
    check_count(a, "sum", 1, 2);
    if (a.positional.size() == 2) total = a.positional[1];
    if (total.is(Type::str)) raise("TypeError", "sum() can't sum strings [use ''.join(seq) instead]");
    Cursor cursor(m, a.positional[0]);
    for (Value v; cursor.next(v);) total = binary(m, "+", total, v, "+");
    return total;
}

// min and max: of an iterable or of several arguments; the first of equals.
inline Value extreme(Machine& m, Arguments& a, const char* name, const char* op) {
    Value key, otherwise;
    take_named(a, "key", key);
    const bool has_default = take_named(a, "default", otherwise);
    no_names_left(a, name);
    if (a.positional.empty()) raise("TypeError", name, " expected at least 1 argument, got 0");
    const bool single = a.positional.size() == 1;
    if (!single && has_default) raise("TypeError", "Cannot specify a default for ", name, "() with multiple positional arguments");
    const std::vector<Value> items = single ? all_items(m, a.positional[0]) : a.positional;
    if (items.empty()) {
        if (has_default) return otherwise;
        raise("ValueError", name, "() arg is an empty sequence");
    }
    const auto measure = [&](const Value& v) { return key.is(Type::none) ? v : m.call(key, {{v}, {}}); };
    Value best = items[0], best_key = measure(best);
    for (size_t i = 1; i < items.size(); i++) {
        const Value k = measure(items[i]);
        if (ordered(m, k, best_key, op)) best = items[i], best_key = k;
    }
    return best;
}

inline std::vector<Value> sort_values(Machine& m, std::vector<Value> items, Arguments& a, const char* name) {
    Value key, reverse;
    take_named(a, "key", key);
    take_named(a, "reverse", reverse);
    no_names_left(a, name);
    std::vector<std::pair<Value, size_t>> keyed;
    m.heap.check(int64_t(items.size()) * 64);
    m.work(int64_t(items.size()) * 4);
    const bool backwards = truth(reverse);
    if (backwards) std::reverse(items.begin(), items.end());     // so that equals keep their order in the end
    for (size_t i = 0; i < items.size(); i++) keyed.push_back({key.is(Type::none) ? items[i] : m.call(key, {{items[i]}, {}}), i});
    std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& x, const auto& y) { return ordered(m, x.first, y.first, "<"); });
    std::vector<Value> out;
    for (const auto& [k, i] : keyed) out.push_back(items[i]);
    if (backwards) std::reverse(out.begin(), out.end());
    return out;
}

inline Value round_value(Machine& m, Arguments& a) {
    Value digits;
    take_named(a, "ndigits", digits);
    check_count(a, "round", 1, 2);
    if (a.positional.size() == 2) digits = a.positional[1];
    const Value& v = a.positional[0];
    if (!v.is_number()) raise("TypeError", "type ", type_name(v), " doesn't define __round__ method");
    const std::string message = cat("'", type_name(digits), "' object cannot be interpreted as an integer");
    if (v.is(Type::real)) {
        if (!digits.is(Type::none)) {
            const int64_t places = std::clamp<int64_t>(index_value(digits, message.c_str(), true), -400, 400);
            m.work(std::abs(places) * 8);
            const double r = round_decimal(v.real, places);
            if (std::isinf(r) && !std::isinf(v.real)) raise("OverflowError", "rounded value too large to represent");
            return Value::of(r);
        }
        if (std::isnan(v.real)) raise("ValueError", "cannot convert float NaN to integer");
        if (std::isinf(v.real)) raise("OverflowError", "cannot convert float infinity to integer");
        return m.integer(from_double(std::nearbyint(v.real)));
    }
    const Value n = v.is(Type::boolean) ? Value::of(small_int(v)) : v;
    if (digits.is(Type::none)) return n;
    const int64_t places = index_value(digits, message.c_str(), true);
    if (places >= 0) return n;
    const BigInt magnitude = to_big(n);
    if (places < -(magnitude.bits() + 2) * 100 / 332) return Value::of(int64_t(0));      // 10 > 2^3.32: the unit is more than 2|n|
    const Value unit = binary(m, "**", Value::of(int64_t(10)), Value::of(-places), "**");   // to the nearest multiple, ties to the even one
    const Value q = binary(m, "//", n, unit, "//"), rest = binary(m, "%", n, unit, "%");
    const int side = compare_numbers(binary(m, "*", rest, Value::of(int64_t(2)), "*"), unit);
    const bool up = side > 0 || (side == 0 && to_big(q).is_odd());
    return binary(m, "*", up ? binary(m, "+", q, Value::of(int64_t(1)), "+") : q, unit, "*");
}

inline Value absolute(Machine& m, Arguments& a) {
    check_count(a, "abs", 1, 1);
    const Value& v = a.positional[0];
    if (v.is(Type::real)) return Value::of(std::fabs(v.real));
    if (!v.is_int()) raise("TypeError", "bad operand type for abs(): '", type_name(v), "'");
    const BigInt n = to_big(v);
    return m.integer(n.negative ? -n : n);
}

inline Value power_value(Machine& m, Arguments& a) {
    check_count(a, "pow", 2, 3);
    const std::vector<Value>& p = a.positional;
    if (p.size() == 2) return binary(m, "**", p[0], p[1], "** or pow()");
    for (const Value& v : p)
        if (!v.is_int()) raise("TypeError", "pow() 3rd argument not allowed unless all arguments are integers");
    const BigInt modulus = to_big(p[2]);
    if (modulus.is_zero()) raise("ValueError", "pow() 3rd argument cannot be 0");
    BigInt exponent = to_big(p[1]), result(1), q, square = to_big(p[0]), r;
    m.work(int64_t(square.limbs.size() * modulus.limbs.size()) / 4);
    if (exponent.negative) raise("ValueError", "negative exponents with a modulus are not supported here");
    floor_divide(result, modulus, q, r);
    result = r;
    while (!exponent.is_zero()) {                       // square and multiply, always below the modulus
        m.step(int64_t(modulus.limbs.size() * modulus.limbs.size()) / 128 + int64_t(exponent.limbs.size()) / 64 + 1);
        floor_divide(square, modulus, q, r);
        square = r;
        if (exponent.is_odd()) {
            floor_divide(multiply(result, square), modulus, q, r);
            result = r;
        }
        exponent = shift_right(exponent, 1);
        square = multiply(square, square);
    }
    return m.integer(result);
}

// ---- iterators

inline Value zip(Machine& m, Arguments& a) {
    Value strict;
    take_named(a, "strict", strict);
    no_names_left(a, "zip");
    std::vector<Cursor> cursors;
    for (const Value& v : a.positional) cursors.emplace_back(m, v);
    Pending out(m);
    while (!cursors.empty()) {
        std::vector<Value> row;
        Value item;
        for (Cursor& c : cursors)
            if (c.next(item)) row.push_back(item);
            else break;
        if (row.size() < cursors.size()) {
            if (truth(strict) && (!row.empty() || std::any_of(cursors.begin() + 1, cursors.end(), [&](Cursor& c) { return c.next(item); })))
                raise("ValueError", "zip() arguments have different lengths");
            break;
        }
        out.push(m.tuple(std::move(row)));
    }
    return iterator(m, std::move(out.values), "zip");
}
inline Value map_values(Machine& m, Arguments& a) {
    if (a.positional.size() < 2) raise("TypeError", "map() must have at least two arguments.");
    const Value function = a.positional[0];
    Arguments rest{{a.positional.begin() + 1, a.positional.end()}, {}};
    const Value rows = zip(m, rest);
    Pending out(m);
    for (const Value& row : items_of(rows).items) out.push(m.call(function, {items_of(row).items, {}}));
    return iterator(m, std::move(out.values), "map");
}
inline Value filter_values(Machine& m, Arguments& a) {
    check_count(a, "filter", 2, 2);
    Pending out(m);
    Cursor cursor(m, a.positional[1]);
    for (Value v; cursor.next(v);)
        if (truth(a.positional[0].is(Type::none) ? v : m.call(a.positional[0], {{v}, {}}))) out.push(v);
    return iterator(m, std::move(out.values), "filter");
}
inline Value enumerate(Machine& m, Arguments& a) {
    Value start = Value::of(int64_t(0));
    take_named(a, "start", start);
    check_count(a, "enumerate", 1, 2);
    if (a.positional.size() == 2) start = a.positional[1];
    if (!start.is_int()) raise("TypeError", "'", type_name(start), "' object cannot be interpreted as an integer");
    Value i = start.is(Type::boolean) ? Value::of(small_int(start)) : start;
    Pending out(m);
    Cursor cursor(m, a.positional[0]);
    for (Value v; cursor.next(v); i = binary(m, "+", i, Value::of(int64_t(1)), "+")) out.push(m.tuple({i, v}));
    return iterator(m, std::move(out.values), "enumerate");
}
inline Value reversed(Machine& m, Arguments& a) {
    check_count(a, "reversed", 1, 1);
    const Value& v = a.positional[0];
    if (v.is(Type::set) || !(v.is(Type::str) || v.is_sequence() || v.is(Type::range) || v.is(Type::dict))) raise("TypeError", "'",
            type_name(v), "' object is not reversible");
    std::vector<Value> items = all_items(m, v);
    std::reverse(items.begin(), items.end());
    return iterator(m, std::move(items), "reversed");
}
inline Value next_value(Machine& m, Arguments& a) {
    check_count(a, "next", 1, 2);
    const Value& v = a.positional[0];
    if (!v.is(Type::iterator) || std::string_view(items_of(v).label).starts_with("dict_")) raise("TypeError", "'", type_name(v),
            "' object is not an iterator");
    Cursor cursor(m, v);
    Value out;
    if (cursor.next(out)) return out;
    if (a.positional.size() == 2) return a.positional[1];
    raise("StopIteration", "");
}

// ---- characters, types

inline Value character(Machine& m, Arguments& a) {
    check_count(a, "chr", 1, 1);
    const int64_t code = int_argument(a.positional[0]);
    if (code < 0 || code > 0x10FFFF) raise("ValueError", "chr() arg not in range(0x110000)");
    if (code >= 0xD800 && code < 0xE000) raise("UnicodeEncodeError", "'utf-8' codec can't encode character '\\u", strprintf("%x",
            unsigned(code)), "' in position 0: surrogates not allowed");
    std::string s;
    append_utf8(s, uint32_t(code));
    return m.text(std::move(s));
}
inline Value ordinal(Machine&, Arguments& a) {
    check_count(a, "ord", 1, 1);
    const Value& v = a.positional[0];
    if (!v.is(Type::str)) raise("TypeError", "ord() expected string of length 1, but ", type_name(v), " found");
    if (text_of(v).chars != 1) raise("TypeError", "ord() expected a character, but string of length ", text_of(v).chars, " found");
    const std::string& s = text_of(v).utf8;
    return Value::of(int64_t(decode_utf8(s.data(), s.data() + s.size()).code));
}
inline Value in_base(Machine& m, Arguments& a, const char* name, char type) {
    check_count(a, name, 1, 1);
    if (!a.positional[0].is_int()) raise("TypeError", "'", type_name(a.positional[0]), "' object cannot be interpreted as an integer");
    Format f;
    f.type = type;
    f.alternate = true;
    return m.text(format_int(m, a.positional[0], f));
}
inline bool is_instance(Machine& m, const Value& v, const Value& type, int depth = 0) {
    m.step();
    check_depth(depth, " in __instancecheck__");
    if (type.is(Type::tuple)) {
        for (const Value& t : items_of(type).items)
            if (is_instance(m, v, t, depth + 1)) return true;
        return false;
    }
    if (!type.is(Type::function) || !function_of(type).is_type) raise("TypeError",
            "isinstance() arg 2 must be a type, a tuple of types, or a union");
    return function_of(type).name == type_name(v) || (v.is(Type::boolean) && function_of(type).name == "int");
}

inline const std::set<std::string_view>& type_names() {
    static const std::set<std::string_view> names = {"int", "float", "str", "bool", "list", "tuple", "dict", "set", "range",
                                                     "enumerate", "zip", "map", "filter", "reversed", "type", "NoneType"};
    return names;
}

inline Value make_str(Machine& m, Arguments& a) {
    check_count(a, "str", 0, 1);
    if (a.positional.empty()) return m.text("");
    return a.positional[0].is(Type::str) ? a.positional[0] : m.text(str(m, a.positional[0]));
}
inline std::vector<Value> items_argument(Machine& m, Arguments& a, const char* name) {
    check_count(a, name, 0, 1);
    return a.positional.empty() ? std::vector<Value>() : all_items(m, a.positional[0]);
}
inline Value formatted(Machine& m, Arguments& a) {
    check_count(a, "format", 1, 2);
    return m.text(format_value(m, a.positional[0], a.positional.size() > 1 ? text_argument(a.positional[1], "format() argument 2") : ""));
}
inline Value make_iterator(Machine& m, Arguments& a) {
    check_count(a, "iter", 1, 1);
    const Value& v = a.positional[0];
    const bool is_one = v.is(Type::iterator) && !std::string_view(items_of(v).label).starts_with("dict_");
    return is_one ? v : iterator(m, all_items(m, v), "iterator");
}
inline Value sorted(Machine& m, Arguments& a) {
    if (a.positional.size() != 1) raise("TypeError", "sorted expected 1 argument, got ", a.positional.size());
    return m.list(sort_values(m, all_items(m, a.positional[0]), a, "sort"));
}
inline Value divide_with_rest(Machine& m, Arguments& a) {
    check_count(a, "divmod", 2, 2);
    const Value &x = a.positional[0], &y = a.positional[1];
    if (!x.is_number() || !y.is_number()) unsupported("divmod()", x, y);
    if ((x.is(Type::real) || y.is(Type::real)) && to_real(y) == 0) raise("ZeroDivisionError", "float divmod()");
    return m.tuple({binary(m, "//", x, y, "divmod()"), binary(m, "%", x, y, "divmod()")});
}
// any: is there a true one? all: is there no false one? The first that decides ends the walk.
inline Value first_that_is(Machine& m, Arguments& a, const char* name, bool decisive) {
    check_count(a, name, 1, 1);
    Cursor cursor(m, a.positional[0]);
    for (Value v; cursor.next(v);)
        if (truth(v) == decisive) return Value::of(decisive);
    return Value::of(!decisive);
}
inline bool is_callable(const Value& v) { return v.is(Type::function) || v.is(Type::closure); }

// Entries of the table: of one argument v.
#define ONE(name, result) \
    {name, BUILTIN { m.step(); check_count(a, name, 1, 1); [[maybe_unused]] const Value& v = a.positional[0]; return result; }}
inline const Builtins& builtins() {
    static const Builtins table = {
        {"int", make_int}, {"float", make_float}, {"str", make_str}, {"range", make_range}, {"iter", make_iterator},
        {"sum", sum}, {"round", round_value}, {"abs", absolute}, {"pow", power_value}, {"divmod", divide_with_rest},
        {"zip", zip}, {"map", map_values}, {"filter", filter_values}, {"enumerate", enumerate}, {"reversed", reversed},
        {"next", next_value}, {"sorted", sorted}, {"chr", character}, {"ord", ordinal}, {"format", formatted},
        {"bool", BUILTIN { check_count(a, "bool", 0, 1); return m.step(), Value::of(!a.positional.empty() && truth(a.positional[0])); }},
        {"list", BUILTIN { return m.list(items_argument(m, a, "list")); }},
        {"tuple", BUILTIN { return m.tuple(items_argument(m, a, "tuple")); }},
        {"set", BUILTIN { return make_table(m, a, Type::set); }},
        {"dict", BUILTIN { return make_table(m, a, Type::dict); }},
        {"min", BUILTIN { return extreme(m, a, "min", "<"); }},
        {"max", BUILTIN { return extreme(m, a, "max", ">"); }},
        {"any", BUILTIN { return first_that_is(m, a, "any", true); }},
        {"all", BUILTIN { return first_that_is(m, a, "all", false); }},
        {"bin", BUILTIN { return in_base(m, a, "bin", 'b'); }},
        {"oct", BUILTIN { return in_base(m, a, "oct", 'o'); }},
        {"hex", BUILTIN { return in_base(m, a, "hex", 'x'); }},
        {"isinstance", BUILTIN {
             check_count(a, "isinstance", 2, 2);
             return Value::of(is_instance(m, a.positional[0], a.positional[1]));
         }},
        ONE("len", Value::of(length(v))),
        ONE("repr", m.text(repr(m, v))),
        ONE("type", m.function(type_name(v), true)),
        ONE("callable", Value::of(is_callable(v))),
    };
    return table;
}

// ---- methods of list, tuple, dict, set and numbers

inline int64_t position_of(Machine& m, const Value& self, const Value& what) {
    const std::vector<Value>& v = items_of(self).items;
    for (size_t i = 0; i < v.size(); i++)
        if (v[i].same(what) || equal(m, v[i], what)) return int64_t(i);
    return -1;
}
inline Value count_items(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "count", 1, 1);
    m.work(length(self));
    int64_t n = 0;
    for (const Value& v : items_of(self).items) n += v.same(a.positional[0]) || equal(m, v, a.positional[0]);
    return Value::of(n);
}
inline Value index_item(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "index", 1, 3);
    const int64_t n = int64_t(items_of(self).items.size());
    const Value none;
    const Span window = slice_span(n, a.positional.size() > 1 ? a.positional[1] : none, a.positional.size() > 2 ? a.positional[2] : none, none);
    for (int64_t i = window.start; i < window.start + window.count; i++) {
        const Value& v = items_of(self).items[size_t(i)];
        if (v.same(a.positional[0]) || equal(m, v, a.positional[0])) return Value::of(i);
    }
    if (self.is(Type::list)) raise("ValueError", repr(m, a.positional[0]), " is not in list");
    raise("ValueError", "tuple.index(x): x not in tuple");
}
inline Value pop_item(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "pop", 0, 1);
    Items& list = items_of(self);
    if (list.items.empty()) raise("IndexError", "pop from empty list");
    int64_t i = a.positional.empty() ? -1 : int_argument(a.positional[0]);
    if (i < 0) i += int64_t(list.items.size());
    if (i < 0 || i >= int64_t(list.items.size())) raise("IndexError", "pop index out of range");
    m.work(int64_t(list.items.size()) - i);
    const Value out = list.items[size_t(i)];
    list.items.erase(list.items.begin() + i);
    m.recharge(list, list.items.size() + 1);
    return out;
}
inline Value extend_list(Machine& m, const Value& self, const Value& from) {
    std::vector<Value> more = all_items(m, from);
    Items& list = items_of(self);
    m.heap.charge(list, int64_t(more.size() * sizeof(Value)));
    list.items.insert(list.items.end(), more.begin(), more.end());
    return Value();
}

inline const Methods& list_methods() {
    static const Methods table = {
        {"append", METHOD { check_count(a, "list.append", 1, 1); m.append(items_of(self), a.positional[0]); return Value(); }},
        {"extend", METHOD { check_count(a, "list.extend", 1, 1); return extend_list(m, self, a.positional[0]); }},
        {"insert", METHOD {
             check_count(a, "insert", 2, 2);
             Items& list = items_of(self);
             const int64_t n = int64_t(list.items.size()), i = int_argument(a.positional[0]);
             m.work(n);
             m.heap.charge(list, sizeof(Value));
             list.items.insert(list.items.begin() + std::clamp<int64_t>(i < 0 ? (i < -n ? 0 : i + n) : i, 0, n), a.positional[1]);
             return Value();
         }},
        {"remove", METHOD {
             check_count(a, "list.remove", 1, 1);
             const int64_t i = position_of(m, self, a.positional[0]);
             if (i < 0) raise("ValueError", "list.remove(x): x not in list");
             m.work(length(self) - i);
             items_of(self).items.erase(items_of(self).items.begin() + i);
             m.recharge(items_of(self), items_of(self).items.size() + 1);
             return Value();
         }},
        {"pop", pop_item}, {"index", index_item}, {"count", count_items},
        {"reverse", METHOD {
             check_count(a, "list.reverse", 0, 0);
             m.work(length(self));
             std::reverse(items_of(self).items.begin(), items_of(self).items.end());
             return Value();
         }},
        {"sort", METHOD {
             if (!a.positional.empty()) raise("TypeError", "sort() takes no positional arguments");
             std::vector<Value> sorted = sort_values(m, items_of(self).items, a, "sort");
             const size_t before = items_of(self).items.size();
             items_of(self).items.swap(sorted);
             m.recharge(items_of(self), before);
             return Value();
         }},
        {"clear", METHOD {
             check_count(a, "list.clear", 0, 0);
             std::vector<Value> old;
             old.swap(items_of(self).items);            // first out of reach, then freed
             m.recharge(items_of(self), old.size());
             return Value();
         }},
        {"copy", METHOD {
             check_count(a, "list.copy", 0, 0);
             m.heap.check(length(self) * int64_t(sizeof(Value)));
             return m.list(items_of(self).items);
         }},
    };
    return table;
}
inline const Methods& tuple_methods() {
    static const Methods table = {{"index", index_item}, {"count", count_items}};
    return table;
}

inline Value table_view(Machine& m, const Value& self, Arguments& a, const char* label) {
    check_count(a, label + 5, 0, 0);
    Pending out(m);
    for (const Table::Entry& e : table_of(self).entries) {
        if (!e.live) continue;
        m.step();
        out.push(label[5] == 'k' ? e.key : label[5] == 'v' ? e.value : m.tuple({e.key, e.value}));
    }
    return iterator(m, std::move(out.values), label);
}
inline Value dict_get(Machine& m, const Value& self, Arguments& a, bool store) {
    check_count(a, store ? "setdefault" : "get", 1, 2);
    const int64_t at = find_key(m, table_of(self), hash_of(m, a.positional[0]), a.positional[0]);
    if (at >= 0) return table_of(self).entries[size_t(at)].value;
    const Value otherwise = a.positional.size() > 1 ? a.positional[1] : Value();
    if (store) set_item(m, table_of(self), a.positional[0], otherwise);
    return otherwise;
}
inline Value table_pop(Machine& m, const Value& self, Arguments& a) {
    check_count(a, "pop", self.is(Type::set) ? 0 : 1, self.is(Type::set) ? 0 : 2);
    Table& t = table_of(self);
    int64_t at = -1;
    if (self.is(Type::set)) {
        for (size_t i = 0; i < t.entries.size() && at < 0; i++, m.work(1)) at = t.entries[i].live ? int64_t(i) : -1;
        m.work(int64_t(t.entries.size()));
        if (at < 0) raise("KeyError", "'pop from an empty set'");
    } else {
        at = find_key(m, t, hash_of(m, a.positional[0]), a.positional[0]);
        if (at < 0 && a.positional.size() == 2) return a.positional[1];
        if (at < 0) raise("KeyError", repr(m, a.positional[0]));
    }
    const Value out = self.is(Type::set) ? t.entries[size_t(at)].key : t.entries[size_t(at)].value;
    t.erase(at);
    return out;
}
inline Value table_copy(Machine& m, const Value& self) {
    const Value out = m.table(self.type);
    for (const Table::Entry& e : table_of(self).entries) {
        if (!e.live) continue;
        m.step();
        table_of(out).insert(e.hash, e.key, e.value);
    }
    return out;
}

inline const Methods& dict_methods() {
    static const Methods table = {
        {"keys", METHOD { return table_view(m, self, a, "dict_keys"); }},
        {"values", METHOD { return table_view(m, self, a, "dict_values"); }},
        {"items", METHOD { return table_view(m, self, a, "dict_items"); }},
        {"get", METHOD { return dict_get(m, self, a, false); }},
        {"setdefault", METHOD { return dict_get(m, self, a, true); }},
        {"pop", table_pop},
        {"update", METHOD {
             const Value more = make_table(m, a, Type::dict);
             for (const Table::Entry& e : table_of(more).entries) set_item(m, table_of(self), e.key, e.value);
             return Value();
         }},
        PLAIN("dict", "copy", table_copy(m, self)),
        PLAIN("dict", "clear", (table_of(self).clear(), Value())),
    };
    return table;
}

// The set methods that are operators of any number of iterables.
inline Value combine(Machine& m, const Value& self, Arguments& a, char op, const char* name) {
    if (!a.named.empty()) raise("TypeError", "set.", name, "() takes no keyword arguments");
    Value out = table_copy(m, self);
    for (const Value& other : a.positional) {
        Arguments one{{other}, {}};
        out = set_operation(m, op, out, make_table(m, one, Type::set));
    }
    return out;
}
inline Value set_relation(Machine& m, const Value& self, Arguments& a, const char* name, bool below) {
    check_count(a, name, 1, 1);
    const Value other = make_table(m, a, Type::set);
    return Value::of(below ? subset(m, self, other) : subset(m, other, self));
}
inline Value discard(Machine& m, const Value& self, Arguments& a, bool must) {
    check_count(a, must ? "set.remove" : "set.discard", 1, 1);
    const int64_t at = find_key(m, table_of(self), hash_of(m, a.positional[0]), a.positional[0]);
    if (at < 0 && must) raise("KeyError", repr(m, a.positional[0]));
    if (at >= 0) table_of(self).erase(at);
    return Value();
}

inline const Methods& set_methods() {
    static const Methods table = {
        {"add", METHOD { check_count(a, "set.add", 1, 1); set_item(m, table_of(self), a.positional[0], Value()); return Value(); }},
        {"remove", METHOD { return discard(m, self, a, true); }},
        {"discard", METHOD { return discard(m, self, a, false); }},
        {"pop", table_pop},
        {"union", METHOD { return combine(m, self, a, '|', "union"); }},
        {"intersection", METHOD { return combine(m, self, a, '&', "intersection"); }},
        {"difference", METHOD { return combine(m, self, a, '-', "difference"); }},
        {"symmetric_difference", METHOD { return combine(m, self, a, '^', "symmetric_difference"); }},
        {"issubset", METHOD { return set_relation(m, self, a, "set.issubset", true); }},
        {"issuperset", METHOD { return set_relation(m, self, a, "set.issuperset", false); }},
        {"isdisjoint", METHOD { return Value::of(table_of(combine(m, self, a, '&', "isdisjoint")).count == 0); }},
        {"update", METHOD {
             const Value all = combine(m, self, a, '|', "update");
             for (const Table::Entry& e : table_of(all).entries) set_item(m, table_of(self), e.key, Value());
             return Value();
         }},
        PLAIN("set", "copy", table_copy(m, self)),
        PLAIN("set", "clear", (table_of(self).clear(), Value())),
    };
    return table;
}
inline const Methods& int_methods() {
    static const Methods table = {PLAIN("int", "bit_length", Value::of(to_big(self).bits()))};
    return table;
}
inline const Methods& float_methods() {
    static const Methods table = {PLAIN("float", "is_integer", Value::of(std::isfinite(self.real) && self.real == std::trunc(self.real)))};
    return table;
}

// The methods of values of a type, by the type's name; null where there are none.
inline const Methods* methods_of(std::string_view type) {
    static const std::map<std::string_view, const Methods*> table = {
        {"str", &text_methods()}, {"list", &list_methods()}, {"tuple", &tuple_methods()}, {"dict", &dict_methods()},
        {"set", &set_methods()},  {"int", &int_methods()},   {"bool", &int_methods()},    {"float", &float_methods()}};
    const auto it = table.find(type);
    return it == table.end() ? nullptr : it->second;
}

// ---- math

inline double real_argument(const Value& v) {
    if (!v.is_number()) raise("TypeError", "must be real number, not ", type_name(v));
    return to_real(v);
}
// A function of one float; where it has no value, Python raises an error instead of nan.
template <double (*f)(double)>
Value math_function(Machine& m, Arguments& a) {
    check_count(a, "math function", 1, 1);
    m.step();
    const double x = real_argument(a.positional[0]), y = f(x);
    if (std::isnan(y) && !std::isnan(x)) raise("ValueError", "math domain error");
    if (std::isinf(y) && std::isfinite(x)) {
        if (f == static_cast<double (*)(double)>(std::exp)) raise("OverflowError", "math range error");
        raise("ValueError", "math domain error");
    }
    return Value::of(y);
}
template <double (*f)(double)>
Value math_rounding(Machine& m, Arguments& a) {
    check_count(a, "math function", 1, 1);
    if (a.positional[0].is_int()) return m.integer(to_big(a.positional[0]));
    const double x = real_argument(a.positional[0]);
    if (std::isnan(x)) raise("ValueError", "cannot convert float NaN to integer");
    if (std::isinf(x)) raise("OverflowError", "cannot convert float infinity to integer");
    return m.integer(from_double(f(x)));
}
inline Value greatest_common_divisor(Machine& m, Arguments& a) {
    BigInt x;
    for (const Value& v : a.positional) {
        if (!v.is_int()) raise("TypeError", "'", type_name(v), "' object cannot be interpreted as an integer");
        BigInt y = to_big(v), q, r;
        y.negative = false;
        while (!y.is_zero()) {                          // Euclid
            m.step(int64_t(x.limbs.size() * y.limbs.size()) / 256 + 1);
            floor_divide(x, y, q, r);
            x = std::exchange(y, r);
        }
    }
    return m.integer(x);
}
// floor(sqrt(n)) by Newton's method from above.
inline Value integer_root(Machine& m, Arguments& a) {
    check_count(a, "isqrt", 1, 1);
    if (!a.positional[0].is_int()) raise("TypeError", "'", type_name(a.positional[0]), "' object cannot be interpreted as an integer");
    const BigInt n = to_big(a.positional[0]);
    if (n.negative) raise("ValueError", "isqrt() argument must be nonnegative");
    BigInt x = shift_left(BigInt(1), (n.bits() + 1) / 2), q, r;
    while (!n.is_zero()) {
        m.step(int64_t(n.limbs.size() * n.limbs.size()) / 256 + 1);
        floor_divide(n, x, q, r);
        const BigInt next = shift_right(add(x, q), 1);
        if (compare(next, x) >= 0) break;
        x = next;
    }
    return m.integer(n.is_zero() ? n : x);
}
inline Value factorial(Machine& m, Arguments& a) {
    check_count(a, "factorial", 1, 1);
    const int64_t n = int_argument(a.positional[0]);
    if (n < 0) raise("ValueError", "factorial() not defined for negative values");
    Value r = Value::of(int64_t(1));
    for (int64_t i = 2; i <= n; i++) m.step(), r = binary(m, "*", r, Value::of(i), "*");
    return r;
}

inline const Builtins& math_functions() {
    static const Builtins table = {
        {"sqrt", math_function<std::sqrt>}, {"exp", math_function<std::exp>}, {"sin", math_function<std::sin>},
        {"cos", math_function<std::cos>}, {"tan", math_function<std::tan>}, {"log2", math_function<std::log2>},
        {"log10", math_function<std::log10>}, {"fabs", math_function<std::fabs>},
        {"floor", math_rounding<std::floor>}, {"ceil", math_rounding<std::ceil>}, {"trunc", math_rounding<std::trunc>},
        {"gcd", greatest_common_divisor}, {"isqrt", integer_root}, {"factorial", factorial},
        {"log", BUILTIN {
             check_count(a, "log", 1, 2);
             m.step();
             double y[2] = {0, 1};
             for (size_t i = 0; i < a.positional.size(); i++) {
                 const double x = real_argument(a.positional[i]);
                 if (x <= 0) raise("ValueError", "math domain error");
                 y[i] = std::log(x);
             }
             if (y[1] == 0) raise("ZeroDivisionError", "float division by zero");
             return Value::of(a.positional.size() == 2 ? y[0] / y[1] : y[0]);
         }},
        {"pow", BUILTIN {
             check_count(a, "pow", 2, 2);
             m.step();
             return float_power(Value::of(real_argument(a.positional[0])), Value::of(real_argument(a.positional[1])));
         }},
        {"prod", BUILTIN {
             check_count(a, "prod", 1, 1);
             Value total = Value::of(int64_t(1));
             Cursor cursor(m, a.positional[0]);
             for (Value v; cursor.next(v);) total = binary(m, "*", total, v, "*");
             return total;
         }},
    };
    return table;
}
inline bool math_constant(std::string_view name, Value& out) {
    if (name == "pi") return out = Value::of(3.14159265358979323846), true;
    if (name == "e") return out = Value::of(2.71828182845904523536), true;
    if (name == "tau") return out = Value::of(6.28318530717958647692), true;
    if (name == "inf") return out = Value::of(std::numeric_limits<double>::infinity()), true;
    if (name == "nan") return out = Value::of(std::numeric_limits<double>::quiet_NaN()), true;
    return false;
}

}  // namespace interp
