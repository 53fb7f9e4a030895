// interpreter_operations.hpp -- what values do: arithmetic, comparison, text, indices and slices, with Python's meaning.
//
// Integers stay 64 bits wide as long as they fit and go on as BigInt; a comparison of an integer with a float is exact. `//` and `%`
// round towards minus infinity. Text is UTF-8, its indices are code points. Whatever walks through a value counts as work, and
// whatever goes down into nested values counts its depth: [a, a] doubled forty times is small in memory and endless to print.
// Reference: "The Python Language Reference", chapters 3.3 and 6 (version 3.11, whose error texts are used).
#pragma once

#include "interpreter_search.hpp"
#include "interpreter_values.hpp"

namespace interp {

inline BigInt to_big(const Value& v) {
    return v.is(Type::big) ? big_of(v) : BigInt(v.is(Type::boolean) ? int64_t(v.boolean) : v.integer);
}
inline int64_t small_int(const Value& v) { return v.is(Type::boolean) ? int64_t(v.boolean) : v.integer; }   // not of a big one

inline double to_real(const Value& v) {
    if (v.is(Type::real)) return v.real;
    if (!v.is(Type::big)) return double(small_int(v));
    const double x = to_double(big_of(v));
    if (std::isinf(x)) raise("OverflowError", "int too large to convert to float");
    return x;
}

inline bool truth(const Value& v) {
    switch (v.type) {
        case Type::none: return false;
        case Type::boolean: return v.boolean;
        case Type::integer: return v.integer != 0;
        case Type::real: return v.real != 0;
        case Type::str: return !text_of(v).utf8.empty();
        case Type::list:
        case Type::tuple: return !items_of(v).items.empty();
        case Type::dict:
        case Type::set: return table_of(v).count != 0;
        case Type::range: return range_of(v).count != 0;
        default: return true;
    }
}

inline int64_t length(const Value& v) {
    switch (v.type) {
        case Type::str: return text_of(v).chars;
        case Type::list:
        case Type::tuple: return int64_t(items_of(v).items.size());
        case Type::dict:
        case Type::set: return table_of(v).count;
        case Type::range: return range_of(v).count;
        case Type::iterator:
            if (std::string_view(items_of(v).label).starts_with("dict_")) return int64_t(items_of(v).items.size());
            [[fallthrough]];
        default: raise("TypeError", "object of type '", type_name(v), "' has no len()");
    }
}

// An index or a count that fits 64 bits; larger ones are cut off where `clamp` is set.
inline int64_t index_value(const Value& v, const char* message, bool clamp = false) {
    if (v.is(Type::big)) {
        if (clamp) return big_of(v).negative ? INT64_MIN : INT64_MAX;
        raise("IndexError", "cannot fit 'int' into an index-sized integer");
    }
    if (!v.is_int()) raise("TypeError", message);
    return small_int(v);
}

// ---- iteration

// The items of a value, one after another.
class Cursor {
   public:
    Cursor(Machine& machine, const Value& v) : machine_(machine), source_(v) {
        if (v.is(Type::dict) || v.is(Type::set)) size_ = table_of(v).count;
        else if (!v.is(Type::str) && !v.is_sequence() && !v.is(Type::range) && !v.is(Type::iterator))
            raise("TypeError", "'", type_name(v), "' object is not iterable");
        view_ = v.is(Type::iterator) && std::string_view(items_of(v).label).starts_with("dict_");
    }
    bool next(Value& out) {
        machine_.step();
        switch (source_.type) {
            case Type::str: {
                const std::string& s = text_of(source_).utf8;
                if (at_ >= s.size()) return false;
                const size_t bytes = size_t(decode_utf8(s.data() + at_, s.data() + s.size()).bytes);
                out = machine_.text(s.substr(at_, bytes));
                at_ += bytes;
                return true;
            }
            case Type::range:
                if (int64_t(at_) >= range_of(source_).count) return false;
                out = Value::of(range_of(source_).at(int64_t(at_++)));
                return true;
            case Type::dict:
            case Type::set: {
                const Table& t = table_of(source_);
                if (t.count != size_)
                    raise("RuntimeError", source_.is(Type::dict) ? "dictionary" : "Set", " changed size during iteration");
                while (at_ < t.entries.size() && !t.entries[at_].live) at_++;
                if (at_ >= t.entries.size()) return false;
                out = t.entries[at_++].key;
                return true;
            }
            default: {
                Items& list = items_of(source_);
                size_t& at = source_.is(Type::iterator) && !view_ ? list.position : at_;
                if (at >= list.items.size()) return false;
                out = list.items[at++];
                return true;
            }
        }
    }

   private:
    Machine& machine_;
    Value source_;
    size_t at_ = 0;
    int64_t size_ = 0;
    bool view_ = false;
};

inline std::vector<Value> all_items(Machine& m, const Value& v) {
    Pending out(m);
    Cursor cursor(m, v);
    for (Value item; cursor.next(item);) out.push(item);
    return std::move(out.values);
}

// ---- comparison

inline void check_depth(int depth, const char* what) {
    if (depth > kMaxDepth) raise("RecursionError", "maximum recursion depth exceeded", what);
}

// -1, 0, 1 for numbers; 2 where one is not a number. An integer and a float are compared exactly.
inline int compare_numbers(const Value& a, const Value& b) {
    if (!a.is(Type::real) && !b.is(Type::real)) {
        if (a.is(Type::big) || b.is(Type::big)) return compare(to_big(a), to_big(b));
        return small_int(a) < small_int(b) ? -1 : small_int(a) > small_int(b);
    }
    if (a.is(Type::real) && b.is(Type::real)) return a.real < b.real ? -1 : a.real > b.real ? 1 : a.real == b.real ? 0 : 2;
    if (b.is(Type::real)) {
        const int r = compare_numbers(b, a);
        return r == 2 ? 2 : -r;
    }
    if (std::isnan(a.real)) return 2;
    if (std::isinf(a.real)) return a.real > 0 ? 1 : -1;
    const int r = compare(from_double(a.real), to_big(b));
    if (r != 0) return r;
    const double fraction = a.real - std::trunc(a.real);
    return fraction > 0 ? 1 : fraction < 0 ? -1 : 0;
}

inline bool equal(Machine& m, const Value& a, const Value& b, int depth = 0);
inline int64_t find_key(Machine& m, const Table& t, uint64_t hash, const Value& key, int depth = 0) {
    return t.find(hash, [&](const Value& k) { return k.same(key) || equal(m, k, key, depth); });
}

inline bool equal_tables(Machine& m, const Value& a, const Value& b, int depth) {
    const Table &x = table_of(a), &y = table_of(b);
    if (x.count != y.count) return false;
    m.work(int64_t(x.entries.size()) * 4);
    for (const Table::Entry& e : x.entries) {
        if (!e.live) continue;
        const int64_t at = find_key(m, y, e.hash, e.key, depth + 1);
        if (at < 0 || (a.is(Type::dict) && !equal(m, e.value, y.entries[size_t(at)].value, depth + 1))) return false;
    }
    return true;
}

inline bool equal(Machine& m, const Value& a, const Value& b, int depth) {
    m.step();
    check_depth(depth, " in comparison");
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
    if (a.type != b.type) return false;
    switch (a.type) {
        case Type::none: return true;
        case Type::str: m.work(int64_t(text_of(a).utf8.size()) / 16); return text_of(a).utf8 == text_of(b).utf8;
        case Type::list:
        case Type::tuple: {
            if (items_of(a).items.size() != items_of(b).items.size()) return false;
            m.work(int64_t(items_of(a).items.size()));      // the same items are no steps
            for (size_t i = 0; i < items_of(a).items.size(); i++) {
                const Value &x = items_of(a).items[i], &y = items_of(b).items[i];
                if (!x.same(y) && !equal(m, x, y, depth + 1)) return false;
            }
            return true;
        }
        case Type::dict:
        case Type::set: return equal_tables(m, a, b, depth);
        case Type::range: {
            const Range &x = range_of(a), &y = range_of(b);
            return x.count == y.count && (x.count == 0 || (x.start == y.start && (x.count == 1 || x.step == y.step)));
        }
        case Type::function:
            return function_of(a).name == function_of(b).name && function_of(a).method == function_of(b).method && !function_of(a).bound &&
                   !function_of(b).bound;
        default: return a.object == b.object;
    }
}

inline bool subset(Machine& m, const Value& a, const Value& b) {
    m.work(int64_t(table_of(a).entries.size()) * 4);
    for (const Table::Entry& e : table_of(a).entries)
        if (e.live && find_key(m, table_of(b), e.hash, e.key) < 0) return false;
    return true;
}

// a `op` b for op of <, <=, >, >=.
inline bool ordered(Machine& m, const Value& a, const Value& b, const std::string& op, int depth = 0) {
    m.step();
    check_depth(depth, " in comparison");
    const auto verdict = [&](int c) { return c != 2 && (op == "<" ? c < 0 : op == "<=" ? c <= 0 : op == ">" ? c > 0 : c >= 0); };
    if (a.is_number() && b.is_number()) return verdict(compare_numbers(a, b));
    if (a.is(Type::str) && b.is(Type::str)) {
        m.work(int64_t(std::min(text_of(a).utf8.size(), text_of(b).utf8.size())) / 16);
        const int c = text_of(a).utf8.compare(text_of(b).utf8);       // UTF-8 sorts as its code points do
        return verdict(c < 0 ? -1 : c > 0);
    }
    if (a.is_sequence() && a.type == b.type) {
        const std::vector<Value> &x = items_of(a).items, &y = items_of(b).items;
        m.work(int64_t(std::min(x.size(), y.size())));
        for (size_t i = 0; i < x.size() && i < y.size(); i++)
            if (!x[i].same(y[i]) && !equal(m, x[i], y[i], depth + 1)) return ordered(m, x[i], y[i], op, depth + 1);
        return verdict(x.size() < y.size() ? -1 : x.size() > y.size());
    }
    if (a.is(Type::set) && b.is(Type::set)) {
        const bool down = op[0] == '<';
        return subset(m, down ? a : b, down ? b : a) && (op.size() == 2 || table_of(a).count != table_of(b).count);
    }
    raise("TypeError", "'", op, "' not supported between instances of '", type_name(a), "' and '", type_name(b), "'");
}

// Equal values have equal hashes: 1, 1.0 and True are one key.
inline uint64_t hash_of(Machine& m, const Value& v, int depth = 0) {
    m.step();
    check_depth(depth, "");
    switch (v.type) {
        case Type::none: return 0x9E3779B97F4A7C15ull;
        case Type::boolean:
        case Type::integer: return splitmix64(uint64_t(small_int(v)));
        case Type::big:
        case Type::real: {
            const double x = v.is(Type::big) ? to_double(big_of(v)) : v.real;
            if (x >= -0x1p63 && x < 0x1p63 && x == std::trunc(x)) return splitmix64(uint64_t(int64_t(x)));
            uint64_t bits;
            std::memcpy(&bits, &x, 8);
            return splitmix64(bits);
        }
        case Type::str: m.work(int64_t(text_of(v).utf8.size()) / 8); return std::hash<std::string>()(text_of(v).utf8);
        case Type::tuple: {
            uint64_t h = 1;
            for (const Value& item : items_of(v).items) h = splitmix64(h ^ hash_of(m, item, depth + 1));
            return h;
        }
        case Type::range: return splitmix64(uint64_t(range_of(v).count));
        case Type::function: return std::hash<std::string>()(function_of(v).name);
        case Type::list:
        case Type::dict:
        case Type::set: raise("TypeError", "unhashable type: '", type_name(v), "'");
        default: return uint64_t(reinterpret_cast<uintptr_t>(v.object));
    }
}

inline void set_item(Machine& m, Table& t, const Value& key, const Value& value) {
    const uint64_t h = hash_of(m, key);
    const int64_t at = find_key(m, t, h, key);
    if (at >= 0) t.entries[size_t(at)].value = value;
    else t.insert(h, key, value);
}

// item in container
inline bool contains(Machine& m, const Value& container, const Value& item) {
    if (container.is(Type::str)) {
        if (!item.is(Type::str)) raise("TypeError", "'in <string>' requires string as left operand, not ", type_name(item));
        m.work(int64_t(text_of(container).utf8.size() + text_of(item).utf8.size()));
        return Finder(text_of(item).utf8).in(text_of(container).utf8) != std::string::npos;
    }
    if (container.is(Type::dict) || container.is(Type::set)) return find_key(m, table_of(container), hash_of(m, item), item) >= 0;
    if (container.is(Type::range) && item.is_int()) {
        if (item.is(Type::big)) return false;
        const Range& r = range_of(container);
        const __int128 offset = __int128(small_int(item)) - r.start;
        return offset % r.step == 0 && offset / r.step >= 0 && offset / r.step < r.count;
    }
    if (!container.is_sequence() && !container.is(Type::range) && !container.is(Type::iterator))
        raise("TypeError", "argument of type '", type_name(container), "' is not iterable");
    Cursor cursor(m, container);
    for (Value v; cursor.next(v);)
        if (v.same(item) || equal(m, v, item)) return true;
    return false;
}

// ---- text of values

inline std::string int_text(Machine& m, const Value& v) {
    if (!v.is(Type::big)) return std::to_string(small_int(v));
    m.work(int64_t(big_of(v).limbs.size() * big_of(v).limbs.size()) / 8);
    std::string s = to_text(big_of(v));
    if (s.size() - (s[0] == '-') > kMaxTextDigits)
        raise("ValueError", "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit");
    return s;
}

// Characters that Python's repr shows as they are; the others are escaped.
inline bool printable(int32_t code) {
    if (code < 0x7F) return code >= 0x20;
    if (code < 0xA1 || code == 0xAD) return false;
    return !((code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) || (code >= 0x205F && code <= 0x206F) || code == 0x3000 ||
             code == 0xFEFF || code == 0x1680 || (code >= 0xE000 && code <= 0xF8FF) || (code & 0xFFFE) == 0xFFFE || code >= 0xE0000);
}

inline std::string quoted_text(const std::string& s) {
    const char quote = s.find('\'') != std::string::npos && s.find('"') == std::string::npos ? '"' : '\'';
    std::string out(1, quote);
    for (size_t i = 0; i < s.size();) {
        const Utf8Char c = decode_utf8(s.data() + i, s.data() + s.size());
        if (c.code == quote || c.code == '\\') out += '\\', out += char(c.code);
        else if (c.code == '\n') out += "\\n";
        else if (c.code == '\r') out += "\\r";
        else if (c.code == '\t') out += "\\t";
        else if (printable(c.code)) out.append(s, i, size_t(c.bytes));
        else out += strprintf(c.code < 0x100 ? "\\x%02x" : c.code < 0x10000 ? "\\u%04x" : "\\U%08x", unsigned(c.code));
        i += size_t(c.bytes);
    }
    return out + quote;
}

class Printer {
   public:
    explicit Printer(Machine& machine) : m_(machine) {}
    std::string repr(const Value& v) {
        std::string out;
        write(out, v);
        return out;
    }

   private:
    void write(std::string& out, const Value& v) {
        m_.step();
        m_.heap.check(int64_t(out.size()));
        switch (v.type) {
            case Type::none: out += "None"; break;
            case Type::boolean: out += v.boolean ? "True" : "False"; break;
            case Type::integer:
            case Type::big: out += int_text(m_, v); break;
            case Type::real: out += float_text(v.real); break;
            case Type::str:
                m_.heap.check(int64_t(out.size() + text_of(v).utf8.size()));
                m_.work(int64_t(text_of(v).utf8.size()) * 4);
                out += quoted_text(text_of(v).utf8);
                break;
            case Type::range: {
                const Range& r = range_of(v);
                out += cat("range(", r.start, ", ", r.stop);
                out += r.step == 1 ? ")" : cat(", ", r.step, ")");
                break;
            }
            case Type::function: write_function(out, v); break;
            case Type::closure: out += cat("<function ", closure_of(v).name, ">"); break;
            case Type::module: out += cat("<module '", module_of(v).name, "' (built-in)>"); break;
            default: write_container(out, v);
        }
    }
    void write_function(std::string& out, const Value& v) {
        const Function& f = function_of(v);
        out += f.is_type  ? cat("<class '", f.name, "'>")
               : f.bound  ? cat("<built-in method ", f.name, " of ", type_name(f.self), " object>")
               : f.method ? cat("<method ", f.name, ">")
                          : cat("<built-in function ", f.name, ">");
    }
    void write_container(std::string& out, const Value& v) {
        const bool view = v.is(Type::iterator) && std::string_view(items_of(v).label).starts_with("dict_");
        if (v.is(Type::iterator) && !view) {
            out += cat("<", type_name(v), " object>");
            return;
        }
        for (const Object* o : open_)
            if (o == v.object) {                        // a list that holds itself
                out += v.is(Type::list) ? "[...]" : v.is(Type::tuple) ? "(...)" : "{...}";
                return;
            }
        check_depth(int(open_.size()), " while getting the repr of an object");
        open_.push_back(v.object);
        if (v.is(Type::dict) || v.is(Type::set)) write_table(out, v);
        else write_items(out, v, view);
        open_.pop_back();
    }
    void write_items(std::string& out, const Value& v, bool view) {
        const std::vector<Value>& items = items_of(v).items;
        out += view ? cat(items_of(v).label, "([") : v.is(Type::tuple) ? "(" : "[";
        for (size_t i = 0; i < items.size(); i++) {
            if (i) out += ", ";
            write(out, items[i]);
        }
        out += view ? "])" : v.is(Type::tuple) ? (items.size() == 1 ? ",)" : ")") : "]";
    }
    void write_table(std::string& out, const Value& v) {
        const Table& t = table_of(v);
        if (v.is(Type::set) && t.count == 0) {
            out += "set()";
            return;
        }
        out += "{";
        bool first = true;
        for (const Table::Entry& e : t.entries) {
            if (!e.live) continue;
            if (!std::exchange(first, false)) out += ", ";
            write(out, e.key);
            if (v.is(Type::set)) continue;
            out += ": ";
            write(out, e.value);
        }
        out += "}";
    }
    Machine& m_;
    std::vector<const Object*> open_;                   // the containers around what is being written
};

inline std::string repr(Machine& m, const Value& v) { return Printer(m).repr(v); }
inline std::string str(Machine& m, const Value& v) {
    if (!v.is(Type::str)) return repr(m, v);
    m.work(int64_t(text_of(v).utf8.size()) / 16);
    return text_of(v).utf8;
}

// ---- arithmetic

[[noreturn]] inline void unsupported(const std::string& op, const Value& a, const Value& b) {
    raise("TypeError", "unsupported operand type(s) for ", op == "**" ? "** or pow()" : op == "**=" ? "**=" : op, ": '", type_name(a),
            "' and '",
          type_name(b), "'");
}

inline Value float_operation(const std::string& op, double a, double b) {
    if (op == "+") return Value::of(a + b);
    if (op == "-") return Value::of(a - b);
    if (op == "*") return Value::of(a * b);
    if (op == "/") {
        if (b == 0) raise("ZeroDivisionError", "float division by zero");
        return Value::of(a / b);
    }
    if (b == 0) raise("ZeroDivisionError", op == "//" ? "float floor division by zero" : op == "%" ? "float modulo" : "float divmod()");
    double rest = std::fmod(a, b);                      // exact; with the sign of a
    double quotient = (a - rest) / b;
    if (rest != 0) {
        if ((b < 0) != (rest < 0)) rest += b, quotient -= 1.0;
    } else {
        rest = with_sign(0.0, sign_of(b));
    }
    if (op == "%") return Value::of(rest);
    if (quotient == 0) return Value::of(with_sign(0.0, sign_of(a) != sign_of(b)));
    const double floored = std::floor(quotient);
    return Value::of(quotient - floored > 0.5 ? floored + 1.0 : floored);
}

inline Value float_power(const Value& va, const Value& vb) {
    const double a = to_real(va), b = to_real(vb);
    if (a == 0 && b < 0) raise("ZeroDivisionError", "0.0 cannot be raised to a negative power");
    if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b)) raise("ValueError", "complex numbers are not supported here");
    const double r = std::pow(a, b);
    if (std::isinf(r) && std::isfinite(a) && std::isfinite(b)) raise("OverflowError", "(34, 'Numerical result out of range')");
    return Value::of(r);
}

inline Value int_power(Machine& m, const Value& a, const Value& b) {
    const BigInt base = to_big(a);
    if (to_big(b).negative) return float_power(a, b);
    if (base.bits() > 1) {
        if (b.is(Type::big) || small_int(b) > kMaxIntegerBits || (base.bits() - 1) * small_int(b) > kMaxIntegerBits)
            raise("OverflowError", "integers of more than ", kMaxIntegerBits, " bits are not supported here");
        const int64_t limbs = base.bits() * small_int(b) / 32 + 1;
        m.work(limbs * limbs / 8);
        return m.integer(power(base, uint64_t(small_int(b))));
    }
    const bool odd = to_big(b).is_odd();                // 0, 1 and -1: any exponent
    return m.integer(power(base, to_big(b).is_zero() ? 0 : odd ? 1 : 2));
}

inline Value shift(Machine& m, const std::string& op, const Value& a, const Value& b) {
    const BigInt n = to_big(a);
    if (to_big(b).negative) raise("ValueError", "negative shift count");
    if (op == ">>") return m.integer(shift_right(n, b.is(Type::big) ? kMaxIntegerBits : std::min(small_int(b), kMaxIntegerBits)));
    if (n.is_zero()) return Value::of(int64_t(0));
    if (b.is(Type::big) || small_int(b) > kMaxIntegerBits)
        raise("OverflowError", "integers of more than ", kMaxIntegerBits, " bits are not supported here");
    return m.integer(shift_left(n, small_int(b)));
}

inline Value int_operation(Machine& m, const std::string& op, const Value& a, const Value& b) {
    if (op == "**") return int_power(m, a, b);
    if (op == "<<" || op == ">>") return shift(m, op, a, b);
    const bool division = op == "/" || op == "//" || op == "%";
    if (division && b.type != Type::big && small_int(b) == 0)
        raise("ZeroDivisionError", op == "/" ? "division by zero" : op == "//" ? "integer division or modulo by zero"
                : "integer modulo by zero");
    if (!a.is(Type::big) && !b.is(Type::big)) {
        const int64_t x = small_int(a), y = small_int(b);
        int64_t r = 0;
        if (op == "+" && !__builtin_add_overflow(x, y, &r)) return Value::of(r);
        if (op == "-" && !__builtin_sub_overflow(x, y, &r)) return Value::of(r);
        if (op == "*" && !__builtin_mul_overflow(x, y, &r)) return Value::of(r);
        if (op == "/" && std::max(std::abs(double(x)), std::abs(double(y))) < 0x1p53) return Value::of(double(x) / double(y));
        if ((op == "//" || op == "%") && !(x == INT64_MIN && y == -1)) {
            const int64_t q = x / y, rest = x % y;
            const bool down = rest != 0 && (rest < 0) != (y < 0);
            return Value::of(op == "%" ? rest + (down ? y : 0) : q - (down ? 1 : 0));
        }
    }
    const BigInt x = to_big(a), y = to_big(b);
    m.work(int64_t(x.limbs.size() + y.limbs.size()));
    if (op == "+") return m.integer(add(x, y));
    if (op == "-") return m.integer(subtract(x, y));
    if (op == "&" || op == "|" || op == "^") {
        const Value r = m.integer(bitwise(x, y, op[0]));
        return a.is(Type::boolean) && b.is(Type::boolean) ? Value::of(r.integer != 0) : r;
    }
    m.work(int64_t(x.limbs.size() * y.limbs.size()) / 4);
    if (op == "*") {
        if (x.bits() + y.bits() > kMaxIntegerBits + 1)
            raise("OverflowError", "integers of more than ", kMaxIntegerBits, " bits are not supported here");
        return m.integer(multiply(x, y));
    }
    if (op == "/") {
        const double r = true_divide(x, y);
        if (std::isinf(r)) raise("OverflowError", "integer division result too large for a float");
        return Value::of(r);
    }
    BigInt q, rest;
    floor_divide(x, y, q, rest);
    return m.integer(op == "//" ? std::move(q) : std::move(rest));
}

// sequence * count
inline Value repeat(Machine& m, const Value& v, const Value& count) {
    const int64_t n = v.is(Type::str) ? int64_t(text_of(v).utf8.size()) : int64_t(items_of(v).items.size());
    if (count.is(Type::big) && !big_of(count).negative) raise("OverflowError", "cannot fit 'int' into an index-sized integer");
    const int64_t times = count.is(Type::big) ? 0 : std::max<int64_t>(0, small_int(count));
    const int64_t unit = v.is(Type::str) ? 1 : int64_t(sizeof(Value));
    if (n > 0 && times > m.heap.limit_bytes() / unit / n) raise("MemoryError", "limit of ", m.heap.limit_bytes(), " bytes exceeded");
    m.heap.check(n * times * unit);                     // before anything is allocated
    m.work(n * times / (v.is(Type::str) ? 16 : 1));
    if (v.is(Type::str)) {
        std::string s;
        s.reserve(size_t(n * times));
        for (int64_t i = 0; n > 0 && i < times; i++) s += text_of(v).utf8;
        return m.text(std::move(s));
    }
    std::vector<Value> items;
    items.reserve(size_t(n * times));
    for (int64_t i = 0; n > 0 && i < times; i++) items.insert(items.end(), items_of(v).items.begin(), items_of(v).items.end());
    return m.items(std::move(items), v.type);
}

inline Value concatenate(Machine& m, const Value& a, const Value& b) {
    if (a.is(Type::str)) {
        m.heap.check(int64_t(text_of(a).utf8.size() + text_of(b).utf8.size()));
        return m.text(text_of(a).utf8 + text_of(b).utf8);
    }
    m.heap.check(int64_t((items_of(a).items.size() + items_of(b).items.size()) * sizeof(Value)));
    std::vector<Value> items = items_of(a).items;
    items.insert(items.end(), items_of(b).items.begin(), items_of(b).items.end());
    return m.items(std::move(items), a.type);
}

// a | b, a & b, a - b, a ^ b of sets.
inline Value set_operation(Machine& m, char op, const Value& a, const Value& b) {
    const Value out = m.table(Type::set);
    const auto take = [&](const Value& from, const Value& other, bool where_in) {
        m.work(int64_t(table_of(from).entries.size()) * 4);
        for (const Table::Entry& e : table_of(from).entries)
            if (e.live && (find_key(m, table_of(other), e.hash, e.key) >= 0) == where_in) set_item(m, table_of(out), e.key, Value());
    };
    take(a, b, op == '&');
    if (op == '|') take(a, b, true);
    if (op == '|' || op == '^') take(b, a, false);
    return out;
}

// a op b for the arithmetic operators; `shown` is how an error names the operator (+ or +=).
inline Value binary(Machine& m, const std::string& op, const Value& a, const Value& b, const std::string& shown) {
    const bool bits = op == "&" || op == "|" || op == "^" || op == "<<" || op == ">>";
    if (a.is_int() && b.is_int()) return int_operation(m, op, a, b);
    if (a.is_number() && b.is_number() && !bits) return op == "**" ? float_power(a, b) : float_operation(op, to_real(a), to_real(b));
    if (op == "+" && (a.is(Type::str) || a.is_sequence())) {
        if (a.type == b.type) return concatenate(m, a, b);
        raise("TypeError", "can only concatenate ", type_name(a), " (not \"", type_name(b), "\") to ", type_name(a));
    }
    if (op == "*") {
        const bool left = a.is(Type::str) || a.is_sequence(), right = b.is(Type::str) || b.is_sequence();
        if (left && b.is_int()) return repeat(m, a, b);
        if (right && a.is_int()) return repeat(m, b, a);
        if (left || right) raise("TypeError", "can't multiply sequence by non-int of type '", type_name(left ? b : a), "'");
    }
    if (op == "%" && a.is(Type::str)) return m.text(m.percent(text_of(a).utf8, b));
    if (a.is(Type::set) && b.is(Type::set) && (op == "-" || op == "&" || op == "|" || op == "^")) return set_operation(m, op[0], a, b);
    if (a.is(Type::dict) && b.is(Type::dict) && op == "|") {
        const Value out = m.table(Type::dict);
        for (const Value* v : {&a, &b})
            for (const Table::Entry& e : table_of(*v).entries)
                if (e.live) set_item(m, table_of(out), e.key, e.value);
        return out;
    }
    unsupported(shown, a, b);
}

// ---- indices and slices

// The byte where character i of the text begins (i <= its length).
inline size_t byte_of(const Text& s, int64_t i) {
    if (s.ascii()) return size_t(i);
    if (i == s.chars) return s.utf8.size();
    size_t at = 0;
    for (; i > 0; i--) at += size_t(decode_utf8(s.utf8.data() + at, s.utf8.data() + s.utf8.size()).bytes);
    return at;
}

inline Value item_at(Machine& m, const Value& v, int64_t i) {
    switch (v.type) {
        case Type::str: {
            const Text& s = text_of(v);
            if (!s.ascii()) m.work(i);
            const size_t at = byte_of(s, i);
            return m.text(s.utf8.substr(at, size_t(decode_utf8(s.utf8.data() + at, s.utf8.data() + s.utf8.size()).bytes)));
        }
        case Type::range: return Value::of(range_of(v).at(i));
        default: return items_of(v).items[size_t(i)];
    }
}

// Start, stop, step and count of v[a:b:c] on a sequence of n items (Python's rules for negative and missing bounds).
struct Span {
    int64_t start = 0, stop = 0, step = 1, count = 0;
};
inline Span slice_span(int64_t n, const Value& from, const Value& to, const Value& by) {
    const char* message = "slice indices must be integers or None or have an __index__ method";
    Span s;
    if (!by.is(Type::none)) s.step = std::max(index_value(by, message, true), -INT64_MAX);
    if (s.step == 0) raise("ValueError", "slice step cannot be zero");
    const int64_t low = s.step < 0 ? -1 : 0, high = s.step < 0 ? n - 1 : n;
    const auto bound = [&](const Value& v, int64_t missing) {
        if (v.is(Type::none)) return missing;
        const int64_t i = index_value(v, message, true);
        return std::clamp(i < 0 ? (i < -n ? low : i + n) : i, low, high);
    };
    s.start = bound(from, s.step < 0 ? high : low);
    s.stop = bound(to, s.step < 0 ? low : high);
    const int64_t span = s.step < 0 ? s.start - s.stop : s.stop - s.start, width = s.step < 0 ? -s.step : s.step;
    s.count = span > 0 ? (span - 1) / width + 1 : 0;
    return s;
}

inline Value slice(Machine& m, const Value& v, const Value& from, const Value& to, const Value& by) {
    if (!v.is(Type::str) && !v.is_sequence() && !v.is(Type::range)) raise("TypeError", "'", type_name(v), "' object is not subscriptable");
    const Span s = slice_span(length(v), from, to, by);
    if (!v.is(Type::range)) m.work(s.count);
    if (v.is(Type::str)) {
        const Text& text = text_of(v);
        std::string out;
        if (text.ascii()) {
            for (int64_t i = 0; i < s.count; i++) out += text.utf8[size_t(s.start + i * s.step)];
            return m.text(std::move(out));
        }
        m.work(text.chars * 4);
        std::vector<uint32_t> starts;
        for (size_t i = 0; i <= text.utf8.size(); i++)
            if (i == text.utf8.size() || (text.utf8[i] & 0xC0) != 0x80) starts.push_back(uint32_t(i));
        for (int64_t i = 0; i < s.count; i++) {
            const size_t c = size_t(s.start + i * s.step);
            out.append(text.utf8, starts[c], starts[c + 1] - starts[c]);
        }
        return m.text(std::move(out));
    }
    if (v.is(Type::range)) {
        const Range& r = range_of(v);
        const auto fit = [](__int128 n) {
            if (n < INT64_MIN || n > INT64_MAX) raise("OverflowError", "ranges beyond 64 bits are not supported here");
            return int64_t(n);
        };
        return m.range(fit(r.start + __int128(r.step) * s.start), fit(r.start + __int128(r.step) * s.stop), fit(__int128(r.step) * s.step));
    }
    m.heap.check(s.count * int64_t(sizeof(Value)));
    std::vector<Value> items;
    for (int64_t i = 0; i < s.count; i++) items.push_back(items_of(v).items[size_t(s.start + i * s.step)]);
    return m.items(std::move(items), v.type);
}

// v[i]
inline Value subscript(Machine& m, const Value& v, const Value& index) {
    if (v.is(Type::dict)) {
        const int64_t at = find_key(m, table_of(v), hash_of(m, index), index);
        if (at < 0) raise("KeyError", repr(m, index));
        return table_of(v).entries[size_t(at)].value;
    }
    if (!v.is(Type::str) && !v.is_sequence() && !v.is(Type::range)) raise("TypeError", "'", type_name(v), "' object is not subscriptable");
    const char* kind = v.is(Type::str) ? "string" : type_name(v);
    if (!index.is_int() && v.is(Type::str)) raise("TypeError", "string indices must be integers, not '", type_name(index), "'");
    int64_t i = index_value(index, cat(kind, " indices must be integers or slices, not ", type_name(index)).c_str());
    const int64_t n = length(v);
    if (i < 0) i += n;
    if (i < 0 || i >= n) raise("IndexError", v.is(Type::range) ? "range object" : kind, " index out of range");
    return item_at(m, v, i);
}

}  // namespace interp
