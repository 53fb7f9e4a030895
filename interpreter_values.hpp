// interpreter_values.hpp -- the values of the small Python: what they are, who owns them, and what they may cost.
//
// A value is 16 bytes: a type and either the thing itself (None, bool, a 64-bit integer, a float) or a pointer to an object that
// counts its references. Objects that refer to each other in a circle are freed with the heap, which knows them all; a chain of a
// million lists is freed by a loop, not by recursion. Every object says how many bytes it takes, and the heap refuses more than
// its limit *before* they are allocated. Work is counted too: `Machine::work` is called with the length of whatever a single
// operation walks through (a step for 64 items, or for 1,024 bytes that are only copied), so that the number of steps bounds the time.
// Promises: the live values stay within the limit, and with them the memory within about twice of it (a vector grows by doubling).
// Does not: compute (interpreter_operations.hpp) or read programs (interpreter_syntax.hpp).
#pragma once

#include <memory>
#include <unordered_map>

#include "interpreter_numbers.hpp"
#include "utf8.hpp"

namespace interp {

// What a program may use. The defaults suit the demonstrations of a chat; all are checked before the cost is paid.
struct Limits {
    int64_t steps = 100000;             // evaluated nodes and work units, about 10 ns to 1 us each
    int64_t memory_bytes = 16 << 20;    // of all live values together
    int64_t output_chars = 2000;        // of the result text; the rest is cut with a note
    int64_t source_bytes = 64 << 10;    // of the program
};
constexpr int64_t kMaxIntegerBits = 1 << 16;   // of a single integer, 19,728 decimal digits
constexpr size_t kMaxTextDigits = 4300;        // int <-> str conversion, as CPython limits it
constexpr int kMaxDepth = 64;                  // nesting of a program and of values that are compared, hashed or printed

// An exception of the program: "type: message".
struct ScriptError {
    std::string type, message;
    std::string text() const { return message.empty() ? type : type + ": " + message; }
};
template <typename... Args>
[[noreturn]] void raise(const char* type, const Args&... message) {
    throw ScriptError{type, cat(message...)};
}

enum class Type : uint8_t { none, boolean, integer, real, big, str, list, tuple, dict, set, range, iterator, function, module,
                            closure /* def, lambda */, scope };

class Heap;
// Not 0 while this thread frees a whole heap: what a value points to may be gone already, and no longer counts.
inline thread_local int heaps_closing = 0;
struct Object {
    uint32_t references = 0;
    Type type = Type::none;
    Heap* heap = nullptr;
    Object *previous = nullptr, *next = nullptr;        // all objects of the heap, in a ring
    int64_t bytes = 0;                                  // charged for it
    virtual ~Object() = default;
};

class Value {
   public:
    Type type = Type::none;
    union {
        bool boolean;
        int64_t integer;
        double real;
        Object* object;
    };
    Value() : integer(0) {}
    static Value of(bool b) { Value v; v.type = Type::boolean; v.integer = b; return v; }
    static Value of(int64_t n) { Value v; v.type = Type::integer; v.integer = n; return v; }
    static Value of(double x) { Value v; v.type = Type::real; v.real = x; return v; }
    explicit Value(Object* o) : type(o->type), object(o) { o->references++; }
    Value(const Value& o) : type(o.type), integer(o.integer) { if (counted()) object->references++; }
    Value(Value&& o) noexcept : type(o.type), integer(o.integer) { o.type = Type::none; }
    Value& operator=(Value o) noexcept {
        std::swap(type, o.type);
        std::swap(integer, o.integer);
        return *this;
    }
    inline ~Value();
    bool counted() const { return type >= Type::big; }
    bool is(Type t) const { return type == t; }
    bool is_int() const { return type == Type::integer || type == Type::big || type == Type::boolean; }
    bool is_number() const { return is_int() || type == Type::real; }
    bool is_sequence() const { return type == Type::list || type == Type::tuple; }
    bool same(const Value& o) const { return type == o.type && (type == Type::none || integer == o.integer); }  // Python's `is`
};

// All objects of a run, their bytes against the limit, and their end.
class Heap {
   public:
    explicit Heap(int64_t limit_bytes) : limit_(limit_bytes) { ring_.previous = ring_.next = &ring_; }
    Heap(const Heap&) = delete;
    ~Heap() {
        heaps_closing++;                                // from here on values no longer count: circles go like all others
        while (ring_.next != &ring_) {
            Object* o = ring_.next;
            ring_.next = o->next;
            delete o;
        }
        heaps_closing--;
    }
    // Refuses bytes that would be too many; `charge` counts them for an object.
    void check(int64_t bytes) const {
        if (bytes > limit_ - used_) raise("MemoryError", "limit of ", limit_, " bytes exceeded");
    }
    void charge(Object& o, int64_t bytes) {
        if (bytes > 0) check(bytes);
        o.bytes += bytes;
        used_ += bytes;
    }
    template <typename T>
    Value adopt(std::unique_ptr<T> o, Type type, int64_t bytes) {
        bytes += int64_t(sizeof(T)) + 32;
        check(bytes);
        o->type = type;
        o->heap = this;
        o->bytes = bytes;
        used_ += bytes;
        o->next = ring_.next;
        o->previous = &ring_;
        ring_.next->previous = o.get();
        ring_.next = o.get();
        return Value(static_cast<Object*>(o.release()));
    }
    void bury(Object* o) {
        dead_.push_back(o);
        if (burying_) return;                           // an outer call is at it: no recursion however deep the chain
        burying_ = true;
        while (!dead_.empty()) {
            Object* d = dead_.back();
            dead_.pop_back();
            d->previous->next = d->next;
            d->next->previous = d->previous;
            used_ -= d->bytes;
            delete d;
        }
        burying_ = false;
    }
    int64_t used_bytes() const { return used_; }
    int64_t limit_bytes() const { return limit_; }

   private:
    int64_t limit_, used_ = 0;
    bool burying_ = false;
    Object ring_;
    std::vector<Object*> dead_;
};
inline Value::~Value() {
    if (counted() && !heaps_closing && --object->references == 0) object->heap->bury(object);
}

struct Integer : Object {
    BigInt n;
};
struct Text : Object {
    std::string utf8;                                   // valid UTF-8
    int64_t chars = 0;                                  // code points; == bytes where all is ASCII
    bool ascii() const { return chars == int64_t(utf8.size()); }
};
struct Items : Object {                                 // list, tuple; iterator: the items that are left from `position` on
    std::vector<Value> items;
    size_t position = 0;
    const char* label = "";                             // of an iterator: "map", "zip", "dict_keys"; such a view starts anew each time
};
struct Range : Object {
    int64_t start = 0, stop = 0, step = 1, count = 0;
    int64_t at(int64_t i) const { return int64_t(uint64_t(start) + uint64_t(i) * uint64_t(step)); }   // the product may wrap, the sum fits
};
struct Function : Object {                              // a builtin, a method of a type ("str.upper") or of a value (self)
    std::string name;
    Value self;
    bool method = false, bound = false, is_type = false;
};
struct Module : Object {
    std::string name;
};
struct Node;
struct Closure : Object {                               // what def and lambda make
    const Node* definition = nullptr;                   // in the tree of the program (interpreter_syntax.hpp)
    std::string name;
    Value scope;
    std::vector<Value> defaults;
};

// A dict or a set: entries in the order of insertion, found through a table of open addresses.
struct Table : Object {
    struct Entry {
        uint64_t hash;
        Value key, value;
        bool live;
    };
    std::vector<Entry> entries;
    std::vector<int32_t> slots;                         // entry index or -1; the size is a power of two
    int64_t count = 0;                                  // live entries

    // The entry whose key `same(key)` accepts, or -1.
    template <typename Same>
    int64_t find(uint64_t hash, const Same& same) const {
        if (slots.empty()) return -1;
        for (size_t i = hash & (slots.size() - 1);; i = (i + 1) & (slots.size() - 1)) {
            const int32_t e = slots[i];
            if (e < 0) return -1;
            if (entries[size_t(e)].live && entries[size_t(e)].hash == hash && same(entries[size_t(e)].key)) return e;
        }
    }
    void insert(uint64_t hash, Value key, Value value) {     // the key is not in it
        if ((entries.size() + 1) * 2 > slots.size()) rebuild();
        place(hash, int32_t(entries.size()));
        entries.push_back({hash, std::move(key), std::move(value), true});
        count++;
        heap->charge(*this, int64_t(sizeof(Entry)) + 16);
    }
    void erase(int64_t e) {
        entries[size_t(e)].live = false;
        entries[size_t(e)].key = entries[size_t(e)].value = Value();
        count--;
        if (int64_t(entries.size()) > 2 * count + 8) rebuild();      // who walks through the entries passes few erased ones
    }
    void clear() {
        heap->charge(*this, -int64_t(entries.size()) * (int64_t(sizeof(Entry)) + 16));
        std::vector<Entry> old;
        old.swap(entries);                              // first out of reach, then freed
        slots.clear();
        count = 0;
    }

   private:
    void place(uint64_t hash, int32_t e) {
        size_t i = hash & (slots.size() - 1);
        while (slots[i] >= 0) i = (i + 1) & (slots.size() - 1);
        slots[i] = e;
    }
    void rebuild() {                                    // room for twice the live entries; erased ones go
        const int64_t before = int64_t(entries.size());
        std::erase_if(entries, [](const Entry& e) { return !e.live; });
        heap->charge(*this, (int64_t(entries.size()) - before) * (int64_t(sizeof(Entry)) + 16));
        size_t size = 8;
        while (size < (entries.size() + 1) * 4) size *= 2;
        slots.assign(size, -1);
        for (size_t e = 0; e < entries.size(); e++) place(entries[e].hash, int32_t(e));
    }
};

inline const BigInt& big_of(const Value& v) { return static_cast<Integer*>(v.object)->n; }
inline Text& text_of(const Value& v) { return *static_cast<Text*>(v.object); }
inline Items& items_of(const Value& v) { return *static_cast<Items*>(v.object); }
inline Range& range_of(const Value& v) { return *static_cast<Range*>(v.object); }
inline Table& table_of(const Value& v) { return *static_cast<Table*>(v.object); }
inline Function& function_of(const Value& v) { return *static_cast<Function*>(v.object); }
inline Module& module_of(const Value& v) { return *static_cast<Module*>(v.object); }

inline Closure& closure_of(const Value& v) { return *static_cast<Closure*>(v.object); }

inline const char* type_name(const Value& v) {
    switch (v.type) {
        case Type::none: return "NoneType";
        case Type::boolean: return "bool";
        case Type::integer:
        case Type::big: return "int";
        case Type::real: return "float";
        case Type::str: return "str";
        case Type::list: return "list";
        case Type::tuple: return "tuple";
        case Type::dict: return "dict";
        case Type::set: return "set";
        case Type::range: return "range";
        case Type::iterator: return items_of(v).label;
        case Type::function: return function_of(v).is_type ? "type" : function_of(v).method ? "method" : "builtin_function_or_method";
        case Type::module: return "module";
        case Type::closure: return "function";
        case Type::scope: return "scope";
    }
    return "?";
}

struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
};

// One run: its heap, its count of steps, and the makers of values.
class Machine {
   public:
    explicit Machine(const Limits& limits_) : limits(limits_), heap(limits_.memory_bytes) {}
    Limits limits;
    Heap heap;
    int64_t steps = 0;
    virtual ~Machine() = default;
    // What lies above the chapters that need it; interpreter.hpp has both.
    virtual Value call(const Value& function, Arguments args) = 0;                         // for map() and sort(key=)
    virtual std::string percent(const std::string& format, const Value& args) = 0;         // "%d" % 5

    void step(int64_t n = 1) {
        steps += n;
        if (steps > limits.steps) raise("TimeoutError", "more than ", limits.steps, " steps");
    }
    // An operation that walks through n bytes or values.
    void work(int64_t n) { step(n / 64); }

    Value text(std::string s) {
        auto o = std::make_unique<Text>();
        heap.check(int64_t(s.size()));
        o->chars = 0;
        for (const char c : s) o->chars += (c & 0xC0) != 0x80;
        work(int64_t(s.size()) / 16);
        o->utf8 = std::move(s);
        const int64_t bytes = int64_t(o->utf8.size());
        return heap.adopt(std::move(o), Type::str, bytes);
    }
    Value items(std::vector<Value> v, Type type, const char* label = "") {
        auto o = std::make_unique<Items>();
        o->items = std::move(v);
        o->label = label;
        const int64_t bytes = int64_t(o->items.size() * sizeof(Value));
        work(int64_t(o->items.size()));
        return heap.adopt(std::move(o), type, bytes);
    }
    Value list(std::vector<Value> v) { return items(std::move(v), Type::list); }
    Value tuple(std::vector<Value> v) { return items(std::move(v), Type::tuple); }
    Value table(Type type) { return heap.adopt(std::make_unique<Table>(), type, 64); }
    Value function(std::string name, bool is_type) {
        auto o = std::make_unique<Function>();
        o->name = std::move(name);
        o->is_type = is_type;
        return heap.adopt(std::move(o), Type::function, 32);
    }
    Value method(std::string name, bool bound, Value self) {
        auto o = std::make_unique<Function>();
        o->name = std::move(name);
        o->self = std::move(self);
        o->method = true;
        o->bound = bound;
        return heap.adopt(std::move(o), Type::function, 32);
    }
    Value module(std::string name) {
        auto o = std::make_unique<Module>();
        o->name = std::move(name);
        return heap.adopt(std::move(o), Type::module, 32);
    }
    Value range(int64_t start, int64_t stop, int64_t step_size) {
        auto o = std::make_unique<Range>();
        using Wide = __int128;
        const Wide span = step_size > 0 ? Wide(stop) - start : Wide(start) - stop, width = step_size > 0 ? Wide(step_size) : -Wide(step_size);
        const Wide count = span > 0 ? (span + width - 1) / width : 0;
        if (count > INT64_MAX) raise("OverflowError", "Python int too large to convert to C ssize_t");
        o->start = start;
        o->stop = stop;
        o->step = step_size;
        o->count = int64_t(count);
        return heap.adopt(std::move(o), Type::range, 0);
    }
    Value integer(BigInt n) {
        if (n.fits_int64()) return Value::of(n.to_int64());
        if (n.bits() > kMaxIntegerBits) raise("OverflowError", "integers of more than ", kMaxIntegerBits, " bits are not supported here");
        auto o = std::make_unique<Integer>();
        const int64_t bytes = int64_t(n.limbs.size() * 4);
        o->n = std::move(n);
        return heap.adopt(std::move(o), Type::big, bytes);
    }
    // Room for `more` items, charged before the vector grows.
    void append(Items& list, Value v) {
        heap.charge(list, int64_t(sizeof(Value)));
        list.items.push_back(std::move(v));
    }
    void recharge(Items& list, size_t items_before) {       // after a change of length
        heap.charge(list, (int64_t(list.items.size()) - int64_t(items_before)) * int64_t(sizeof(Value)));
    }
};

// Values that are built up outside of the heap (arguments, results of a comprehension) charged as they grow.
class Pending {
   public:
    explicit Pending(Machine& machine) : machine_(machine) {}
    void push(Value v) {
        machine_.heap.check(int64_t((values.size() + 1) * 2 * sizeof(Value)));   // a vector grows by doubling
        values.push_back(std::move(v));
    }
    std::vector<Value> values;

   private:
    Machine& machine_;
};

}  // namespace interp
