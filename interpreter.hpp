// interpreter.hpp -- runs a small Python: the calculator, the counter and the speller that a chat model asks when it should not guess.
//
// A program is text of the model's, so nothing in it is trusted: it is parsed into a tree (interpreter_syntax.hpp) and the tree is walked, a
// step for each node; there are no files, no network, no eval, no module but math. Steps, memory, output, depth and the size of integers
// have limits that are checked before the cost is paid. What comes back is text for the model: everything printed, or, where nothing was,
// the value of the last statement if it is an expression (as an interactive Python shows it); after an error, the last line of Python's
// traceback ("ZeroDivisionError: division by zero").
// Promises: `run_program` always returns, in time bounded by the steps, and throws nothing for whatever program it is given.
// Does not: class, try, with, yield, complex numbers, bytes; sets show their members in the order in which they came.
#pragma once

#include "interpreter_builtins.hpp"
#include "interpreter_syntax.hpp"

namespace interp {

struct Scope : Object {                                 // names of the program, of a call, or of a comprehension
    std::unordered_map<std::string, Value> names;
    Value parent;                                       // none: the program itself
    const Node* definition = nullptr;                   // of a call: whose locals these are
};
class Evaluator : public Machine {
   public:
    explicit Evaluator(const Limits& limits_) : Machine(limits_), bottom_(static_cast<char*>(__builtin_frame_address(0))) {
        scope_ = new_scope(Value(), nullptr);
    }
    // The output is the result of the program as far as it came, even after an error.
    void run(std::string_view source) {
        if (int64_t(source.size()) > limits.source_bytes) raise("MemoryError", "programs of more than ", limits.source_bytes,
                " bytes are not supported here");
        if (!is_valid_utf8(source)) raise("SyntaxError", "(unicode error) the program is not valid UTF-8");
        program_ = Parser(*this, source).program();
        for (const NodePtr& s : program_->kids) {
            if (&s == &program_->kids.back() && s->kind == Kind::expression) {
                const Value v = eval(*s->kids[0]);
                if (output.empty() && !v.is(Type::none)) write(repr(*this, v));
            } else execute(*s);
        }
    }
    Value call(const Value& function, Arguments args) override {
        step();
        if (function.is(Type::function)) return call_builtin(function_of(function), args);
        if (function.is(Type::closure)) return call_closure(function, args);
        raise("TypeError", "'", type_name(function), "' object is not callable");
    }
    std::string percent(const std::string& format, const Value& args) override { return percent_format(*this, format, args); }
    std::string output;

   private:
    enum class Flow : uint8_t { on, stop, next, give };

    // The stack is measured, not guessed: nested calls and expressions end in an error long before it overflows.
    void check_stack() const {
        if (std::abs(bottom_ - static_cast<char*>(__builtin_frame_address(0))) > kMaxStackBytes) raise("RecursionError",
                "maximum recursion depth exceeded");
    }
    void write(const std::string& s) {
        const size_t room = size_t(std::max<int64_t>(0, limits.output_chars * 4)) + 4;   // 4 bytes a character at most
        if (output.size() < room) output.append(s, 0, room - output.size());
    }

    // -- names

    Value new_scope(Value parent, const Node* definition) {
        auto s = std::make_unique<Scope>();
        s->parent = std::move(parent);
        s->definition = definition;
        return heap.adopt(std::move(s), Type::scope, 64);
    }
    static Scope& scope_of(const Value& v) { return *static_cast<Scope*>(v.object); }
    Scope& globals() const {
        const Value* s = &scope_;
        while (!scope_of(*s).parent.is(Type::none)) s = &scope_of(*s).parent;
        return scope_of(*s);
    }
    void store(Scope& s, const std::string& name, Value v) {
        work(int64_t(name.size()) * 2);
        const auto [it, fresh] = s.names.try_emplace(name);
        if (fresh) heap.charge(s, int64_t(name.size()) + 96);
        it->second = std::move(v);
    }
    // Where an assignment to the name goes: the scope of the call, or of the program.
    Scope& home(const std::string& name) {
        Scope& s = scope_of(scope_);
        return s.definition && !s.definition->locals.contains(name) && !s.names.contains(name) ? globals() : s;
    }
    Value lookup(const std::string& name) {
        for (const Value* s = &scope_; s->is(Type::scope); s = &scope_of(*s).parent) {
            work(int64_t(name.size()));
            const Scope& scope = scope_of(*s);
            const auto it = scope.names.find(name);
            if (it != scope.names.end()) return it->second;
            if (scope.definition && scope.definition->locals.contains(name)) {
                if (s == &scope_) raise("UnboundLocalError", "cannot access local variable '", name,
                        "' where it is not associated with a value");
                raise("NameError", "cannot access free variable '", name, "' where it is not associated with a value in enclosing scope");
            }
        }
        if (name == "print" || builtins().contains(name)) return function(name, type_names().contains(name));
        raise("NameError", "name '", name, "' is not defined");
    }

    // -- statements

    Flow execute(const Node& n) {
        step();
        check_stack();
        switch (n.kind) {
            case Kind::block:
                for (const NodePtr& kid : n.kids)
                    if (const Flow f = execute(*kid); f != Flow::on) return f;
                return Flow::on;
            case Kind::expression: eval(*n.kids[0]); return Flow::on;
            case Kind::assign: {
                const Value v = eval(*n.kids.back());
                for (size_t i = 0; i + 1 < n.kids.size(); i++) assign(*n.kids[i], v);
                return Flow::on;
            }
            case Kind::augmented: augment(n); return Flow::on;
            case Kind::branch: {
                size_t i = 0;
                for (; i + 1 < n.kids.size(); i += 2)
                    if (truth(eval(*n.kids[i]))) return execute(*n.kids[i + 1]);
                return i < n.kids.size() ? execute(*n.kids[i]) : Flow::on;
            }
            case Kind::loop_while: {
                while (truth(eval(*n.kids[0]))) {
                    const Flow f = execute(*n.kids[1]);
                    if (f == Flow::give) return f;
                    if (f == Flow::stop) return Flow::on;
                }
                return n.kids.size() > 2 ? execute(*n.kids[2]) : Flow::on;
            }
            case Kind::loop_for: {
                Cursor cursor(*this, eval(*n.kids[1]));
                for (Value item; cursor.next(item);) {
                    assign(*n.kids[0], item);
                    const Flow f = execute(*n.kids[2]);
                    if (f == Flow::give) return f;
                    if (f == Flow::stop) return Flow::on;
                }
                return n.kids.size() > 3 ? execute(*n.kids[3]) : Flow::on;
            }
            case Kind::stop: return Flow::stop;
            case Kind::next: return Flow::next;
            case Kind::give:
                result_ = n.kids.empty() ? Value() : eval(*n.kids[0]);
                return Flow::give;
            default: declare(n); return Flow::on;
        }
    }
    void declare(const Node& n) {
        switch (n.kind) {
            case Kind::remove: remove(*n.kids[0]); break;
            case Kind::assertion:
                if (truth(eval(*n.kids[0]))) break;
                raise("AssertionError", n.kids.size() > 1 ? str(*this, eval(*n.kids[1])) : "");
            case Kind::import:
                check_module(n.text);
                store(home(n.words[0]), n.words[0], module(n.text));
                break;
            case Kind::import_from:
                check_module(n.text);
                for (size_t i = 0; i + 1 < n.words.size(); i += 2) {
                    step();
                    Value v;
                    if (math_functions().contains(n.words[i])) v = function("math." + n.words[i], false);
                    else if (!math_constant(n.words[i], v)) raise("ImportError", "cannot import name '", n.words[i], "' from 'math' here");
                    store(home(n.words[i + 1]), n.words[i + 1], v);
                }
                break;
            case Kind::define: store(home(n.text), n.text, new_closure(n)); break;
            default: break;                             // pass, global
        }
    }
    static void check_module(const std::string& name) {
        if (name != "math") raise("ImportError", "import of '", name, "' is not allowed here; only math is");
    }
    Value new_closure(const Node& n) {
        auto c = std::make_unique<Closure>();
        c->definition = &n;
        c->name = n.kind == Kind::lambda ? "<lambda>" : n.text;
        c->scope = scope_;
        for (size_t i = 0; i + 1 < n.kids.size(); i++) c->defaults.push_back(eval(*n.kids[i]));
        return heap.adopt(std::move(c), Type::closure, int64_t(n.kids.size() * sizeof(Value)));
    }

    // -- assignment

    // Gives the value to a target; a tuple takes the items one by one.
    void assign(const Node& target, const Value& v) {
        step();
        switch (target.kind) {
            case Kind::name: store(home(target.text), target.text, v); return;
            case Kind::postfix: {
                const Value base = eval_postfix(target, target.kids.size() - 1);
                const Node& index = *target.kids.back()->kids[0];
                if (index.kind == Kind::slice) assign_slice(base, index, v);
                else assign_item(base, eval(index), v);
                return;
            }
            default: unpack(target, v);
        }
    }
    void unpack(const Node& target, const Value& v) {
        if (!v.is(Type::str) && !v.is_sequence() && !v.is(Type::range) && !v.is(Type::iterator) && !v.is(Type::dict) && !v.is(Type::set))
            raise("TypeError", "cannot unpack non-iterable ", type_name(v), " object");
        const std::vector<Value> items = all_items(*this, v);
        const size_t n = target.kids.size();
        size_t star = n;
        for (size_t i = 0; i < n; i++)
            if (target.kids[i]->kind == Kind::star) star = i;
        if (star == n && items.size() > n) raise("ValueError", "too many values to unpack (expected ", n, ")");
        if (items.size() < (star == n ? n : n - 1))
            raise("ValueError", "not enough values to unpack (expected ", star == n ? "" : "at least ", star == n ? n : n - 1, ", got ",
                    items.size(), ")");
        const size_t taken = items.size() - (n - 1);    // by the star
        for (size_t i = 0, at = 0; i < n; i++) {
            if (i == star) {
                assign(*target.kids[i]->kids[0], list({items.begin() + int64_t(at), items.begin() + int64_t(at + taken)}));
                at += taken;
            } else assign(*target.kids[i], items[at++]);
        }
    }
    // The position of list[index] for an assignment or a del.
    static size_t list_position(const Value& base, const Value& index, const char* what) {
        int64_t i = index_value(index, cat("list indices must be integers or slices, not ", type_name(index)).c_str());
        const int64_t n = int64_t(items_of(base).items.size());
        if (i < 0) i += n;
        if (i < 0 || i >= n) raise("IndexError", "list ", what, "index out of range");
        return size_t(i);
    }
    void assign_item(const Value& base, const Value& index, const Value& v) {
        if (base.is(Type::dict)) set_item(*this, table_of(base), index, v);
        else if (base.is(Type::list)) items_of(base).items[list_position(base, index, "assignment ")] = v;
        else raise("TypeError", "'", type_name(base), "' object does not support item assignment");
    }
    Span slice_of(const Value& base, const Node& n) {
        const Value from = eval_or_none(n.kids[0]), to = eval_or_none(n.kids[1]), by = eval_or_none(n.kids[2]);
        return slice_span(int64_t(items_of(base).items.size()), from, to, by);
    }
    void assign_slice(const Value& base, const Node& n, const Value& v) {
        if (!base.is(Type::list)) raise("TypeError", "'", type_name(base), "' object does not support item assignment");
        if (!v.is(Type::str) && !v.is_sequence() && v.type < Type::dict) raise("TypeError", "can only assign an iterable");
        std::vector<Value> more = all_items(*this, v);
        const Span s = slice_of(base, n);
        Items& list = items_of(base);
        work(int64_t(list.items.size()));
        if (s.step != 1) {
            if (int64_t(more.size()) != s.count) raise("ValueError", "attempt to assign sequence of size ", more.size(),
                    " to extended slice of size ", s.count);
            for (int64_t i = 0; i < s.count; i++) std::swap(list.items[size_t(s.start + i * s.step)], more[size_t(i)]);
            return;
        }
        heap.charge(list, (int64_t(more.size()) - s.count) * int64_t(sizeof(Value)));
        std::vector<Value> all(list.items.begin(), list.items.begin() + s.start);
        all.insert(all.end(), more.begin(), more.end());
        all.insert(all.end(), list.items.begin() + s.start + s.count, list.items.end());
        list.items.swap(all);
    }
    void augment(const Node& n) {
        const Node& target = *n.kids[0];
        const std::string shown = n.text + "=";
        const auto combined = [&](const Value& old, const Value& v) {
            if (old.is(Type::list) && n.text == "+") return extend_list(*this, old, v), old;        // in place, as Python does
            return binary(*this, n.text, old, v, shown);
        };
        if (target.kind == Kind::name) {
            const Value old = lookup(target.text);
            store(home(target.text), target.text, combined(old, eval(*n.kids[1])));
            return;
        }
        const Value base = eval_postfix(target, target.kids.size() - 1);
        if (target.kids.back()->kids[0]->kind == Kind::slice) raise("SyntaxError", "augmented assignment to a slice is not supported here");
        const Value index = eval(*target.kids.back()->kids[0]);
        const Value old = interp::subscript(*this, base, index);
        assign_item(base, index, combined(old, eval(*n.kids[1])));
    }
    void remove(const Node& target) {
        step();
        if (target.kind == Kind::tuple || target.kind == Kind::list) {
            for (const NodePtr& kid : target.kids) remove(*kid);
            return;
        }
        if (target.kind == Kind::name) {
            Scope& s = home(target.text);
            const auto it = s.names.find(target.text);
            if (it == s.names.end()) raise("NameError", "name '", target.text, "' is not defined");
            const Value old = it->second;               // freed after it is out of reach
            s.names.erase(it);
            heap.charge(s, -int64_t(target.text.size()) - 96);
            return;
        }
        if (target.kind != Kind::postfix) syntax_error("cannot delete this expression");
        const Value base = eval_postfix(target, target.kids.size() - 1);
        const Node& index = *target.kids.back()->kids[0];
        if (base.is(Type::dict) && index.kind != Kind::slice) {
            const Value key = eval(index);
            const int64_t at = find_key(*this, table_of(base), hash_of(*this, key), key);
            if (at < 0) raise("KeyError", repr(*this, key));
            table_of(base).erase(at);
            return;
        }
        if (!base.is(Type::list)) raise("TypeError", "'", type_name(base), "' object doesn't support item deletion");
        Items& list = items_of(base);
        std::set<size_t> gone;
        if (index.kind == Kind::slice) {
            const Span s = slice_of(base, index);
            for (int64_t i = 0; i < s.count; i++) step(), gone.insert(size_t(s.start + i * s.step));
        } else gone.insert(list_position(base, eval(index), "assignment "));
        work(int64_t(list.items.size()) * 4);
        std::vector<Value> kept;
        for (size_t i = 0; i < list.items.size(); i++)
            if (!gone.contains(i)) kept.push_back(list.items[i]);
        list.items.swap(kept);
        recharge(list, kept.size());
    }

    // -- expressions

    Value eval_or_none(const NodePtr& n) { return n ? eval(*n) : Value(); }
    Value eval(const Node& n) {
        step();
        check_stack();
        switch (n.kind) {
            case Kind::constant: return n.value;
            case Kind::name: return lookup(n.text);
            case Kind::fstring: return text(eval_parts(n, 0));
            case Kind::list: return list(eval_items(n));
            case Kind::tuple: return tuple(eval_items(n));
            case Kind::set:
            case Kind::dict: return eval_table(n);
            case Kind::comprehension: return eval_comprehension(n);
            case Kind::postfix: return eval_postfix(n, n.kids.size());
            case Kind::unary: return eval_unary(n);
            case Kind::chain: {
                Value v = eval(*n.kids[0]);
                for (size_t i = 1; i < n.kids.size(); i++) {
                    step();
                    v = binary(*this, n.words[i - 1], v, eval(*n.kids[i]), n.words[i - 1]);
                }
                return v;
            }
            case Kind::compare: return eval_compare(n);
            case Kind::logic: {
                Value v = eval(*n.kids[0]);
                for (size_t i = 1; i < n.kids.size() && truth(v) == (n.text == "and"); i++) v = eval(*n.kids[i]);
                return v;
            }
            case Kind::negation: return Value::of(!truth(eval(*n.kids[0])));
            case Kind::conditional: return eval(*n.kids[truth(eval(*n.kids[0])) ? 1 : 2]);
            case Kind::lambda: return new_closure(n);
            default: raise("SyntaxError", "invalid syntax");     // a star or a slice where none may be
        }
    }
    std::vector<Value> eval_items(const Node& n) {
        Pending out(*this);
        for (const NodePtr& kid : n.kids) {
            if (kid->kind != Kind::star) {
                out.push(eval(*kid));
                continue;
            }
            for (const Value& v : all_items(*this, eval(*kid->kids[0]))) out.push(v);
        }
        return std::move(out.values);
    }
    Value eval_table(const Node& n) {
        const Value out = table(n.kind == Kind::set ? Type::set : Type::dict);
        if (n.kind == Kind::set)
            for (const Value& v : eval_items(n)) set_item(*this, table_of(out), v, Value());
        else
            for (size_t i = 0; i + 1 < n.kids.size(); i += 2) {
                const Value key = eval(*n.kids[i]);
                set_item(*this, table_of(out), key, eval(*n.kids[i + 1]));
            }
        return out;
    }
    // The text of an f-string from a child on: constants and placeholders.
    std::string eval_parts(const Node& n, size_t first) {
        std::string out;
        for (size_t i = first; i < n.kids.size(); i++) {
            const Node& part = *n.kids[i];
            if (part.kind == Kind::constant) {
                out += text_of(part.value).utf8;
                continue;
            }
            Value v = eval(*part.kids[0]);
            if (!part.text.empty()) v = text(part.text == "s" ? str(*this, v) : repr(*this, v));
            out += format_value(*this, v, eval_parts(part, 1));
            heap.check(int64_t(out.size()));
            work(int64_t(out.size()) / 4);
        }
        return out;
    }
    Value eval_unary(const Node& n) {
        const Value v = eval(*n.kids[0]);
        if (v.is(Type::real) && n.text != "~") return n.text == "-" ? Value::of(with_sign(v.real, !sign_of(v.real))) : v;
        if (!v.is_int()) raise("TypeError", "bad operand type for unary ", n.text, ": '", type_name(v), "'");
        if (n.text == "-" && v.is(Type::integer) && v.integer != INT64_MIN) return Value::of(-v.integer);
        const BigInt b = to_big(v);
        return integer(n.text == "-" ? -b : n.text == "~" ? subtract(BigInt(-1), b) : b);
    }
    Value eval_compare(const Node& n) {
        Value left = eval(*n.kids[0]);
        for (size_t i = 1; i < n.kids.size(); i++) {
            const Value right = eval(*n.kids[i]);
            const std::string& op = n.words[i - 1];
            const bool yes = op == "==" ? equal(*this, left, right) : op == "!=" ? !equal(*this, left, right)
                             : op == "in" ? contains(*this, right, left) : op == "not in" ? !contains(*this, right, left)
                             : op == "is" ? left.same(right) : op == "is not" ? !left.same(right) : ordered(*this, left, right, op);
            if (!yes) return Value::of(false);
            left = right;
        }
        return Value::of(true);
    }

    // base.attribute(arguments)[index]... up to child `end`. A method that is called at once is not made a value first.
    Value eval_postfix(const Node& n, size_t end) {
        Value v = eval(*n.kids[0]);
        for (size_t i = 1; i < end; i++) {
            step();
            const Node& kid = *n.kids[i];
            if (kid.kind == Kind::index) {
                const Node& index = *kid.kids[0];
                if (index.kind == Kind::slice) {
                    const Value from = eval_or_none(index.kids[0]), to = eval_or_none(index.kids[1]), by = eval_or_none(index.kids[2]);
                    if (v.is(Type::dict)) raise("TypeError", "unhashable type: 'slice'");
                    v = slice(*this, v, from, to, by);
                } else v = interp::subscript(*this, v, eval(index));
            } else if (kid.kind == Kind::call) {
                v = call(v, eval_arguments(kid));
            } else if (i + 1 < end && n.kids[i + 1]->kind == Kind::call && !v.is(Type::module) && !v.is(Type::function)) {
                const Method f = find_method(v, kid.text);
                Arguments args = eval_arguments(*n.kids[++i]);
                v = f(*this, Value(v), args);
            } else v = attribute(v, kid.text);
        }
        return v;
    }
    static Method find_method(const Value& v, const std::string& name) {
        const Methods* methods = methods_of(type_name(v));
        const auto it = methods ? methods->find(name) : Methods::const_iterator();
        if (!methods || it == methods->end()) raise("AttributeError", "'", type_name(v), "' object has no attribute '", name, "'");
        return it->second;
    }
    Value attribute(const Value& v, const std::string& name) {
        if (v.is(Type::module)) {
            Value out;
            if (math_functions().contains(name)) return function("math." + name, false);
            if (math_constant(name, out)) return out;
            raise("AttributeError", "module 'math' has no attribute '", name, "'");
        }
        if (v.is(Type::function) && function_of(v).is_type) {
            const Methods* methods = methods_of(function_of(v).name);
            if (!methods || !methods->contains(name)) raise("AttributeError", "type object '", function_of(v).name, "' has no attribute '",
                    name, "'");
            return method(name, false, v);
        }
        find_method(v, name);
        return method(name, true, v);
    }
    Arguments eval_arguments(const Node& n) {
        Arguments a;
        Pending positional(*this);
        for (const NodePtr& kid : n.kids) {
            if (kid->kind == Kind::keyword) {
                work(int64_t(a.named.size()));
                for (const auto& [name, value] : a.named)
                    if (name == kid->text) syntax_error(cat("keyword argument repeated: ", name));
                a.named.push_back({kid->text, eval(*kid->kids[0])});
            } else if (kid->kind == Kind::star) {
                for (const Value& v : all_items(*this, eval(*kid->kids[0]))) positional.push(v);
            } else positional.push(eval(*kid));
        }
        a.positional = std::move(positional.values);
        return a;
    }

    Value call_builtin(const Function& f, Arguments& args) {
        if (f.method) {
            Value self = f.self;
            if (!f.bound) {                             // str.upper(s): the type's method, the value comes first
                const std::string& type = function_of(f.self).name;
                if (args.positional.empty()) raise("TypeError", "unbound method ", type, ".", f.name, "() needs an argument");
                self = args.positional[0];
                if (type != type_name(self))
                    raise("TypeError", "descriptor '", f.name, "' for '", type, "' objects doesn't apply to a '", type_name(self), "' object");
                args.positional.erase(args.positional.begin());
            }
            return find_method(self, f.name)(*this, self, args);
        }
        const std::string name = f.name;
        if (name == "print") return print(args);
        if (name.starts_with("math.")) return math_functions().at(std::string_view(name).substr(5))(*this, args);
        const auto it = builtins().find(name);
        if (it == builtins().end()) raise("TypeError", "cannot create '", name, "' instances");
        return it->second(*this, args);
    }
    Value print(Arguments& args) {
        Value separator, end, ignored;
        take_named(args, "sep", separator);
        take_named(args, "end", end);
        take_named(args, "flush", ignored);
        no_names_left(args, "print");
        for (size_t i = 0; i < args.positional.size(); i++) {
            if (i) write(separator.is(Type::none) ? " " : text_argument(separator, "sep"));
            write(str(*this, args.positional[i]));
        }
        write(end.is(Type::none) ? "\n" : text_argument(end, "end"));
        return Value();
    }
    Value call_closure(const Value& function, Arguments& args) {
        const Closure& c = closure_of(function);
        const Node& d = *c.definition;
        const std::string name = c.name;
        const size_t n = d.words.size();
        if (args.positional.size() > n)
            raise("TypeError", name, "() takes ", n, " positional argument", n == 1 ? "" : "s", " but ", args.positional.size(),
                    args.positional.size() == 1 ? " was" : " were", " given");
        step(int64_t(n));
        work(int64_t(n * args.named.size()));
        const Value scope = new_scope(c.scope, &d);
        for (size_t i = 0; i < args.positional.size(); i++) store(scope_of(scope), d.words[i], args.positional[i]);
        for (const auto& [key, value] : args.named) {
            if (std::find(d.words.begin(), d.words.end(), key) == d.words.end()) raise("TypeError", name,
                    "() got an unexpected keyword argument '", key, "'");
            if (scope_of(scope).names.contains(key)) raise("TypeError", name, "() got multiple values for argument '", key, "'");
            store(scope_of(scope), key, value);
        }
        const size_t required = n - c.defaults.size();
        std::vector<std::string> missing;
        for (size_t i = 0; i < n; i++) {
            if (scope_of(scope).names.contains(d.words[i])) continue;
            if (i < required) missing.push_back("'" + d.words[i] + "'");
            else store(scope_of(scope), d.words[i], c.defaults[i - required]);
        }
        if (!missing.empty()) {
            std::string all = missing[0];
            for (size_t i = 1; i < missing.size(); i++) all += (i + 1 < missing.size() ? ", " : missing.size() > 2 ? ", and "
                    : " and ") + missing[i];
            raise("TypeError", name, "() missing ", missing.size(), " required positional argument", missing.size() == 1 ? "" : "s", ": ", all);
        }
        const Value kept = function;                    // it may be deleted while it runs
        const Within within(*this, scope);
        if (d.kind == Kind::lambda) return eval(*d.kids.back());
        return execute(*d.kids.back()) == Flow::give ? std::exchange(result_, Value()) : Value();
    }
    struct Within {                                     // another scope, for as long as this lives
        Within(Evaluator& e, const Value& scope) : evaluator(e), outer(std::exchange(e.scope_, scope)) {}
        ~Within() { evaluator.scope_ = outer; }
        Evaluator& evaluator;
        Value outer;
    };

    // [element for target in iterable if condition ...], with a scope of its own; the first iterable belongs to the scope around.
    Value eval_comprehension(const Node& n) {
        const bool is_dict = n.text == "dict";
        const size_t first = is_dict ? 2 : 1;
        const Value iterable = eval(*n.kids[first]->kids[1]);
        Pending out(*this);
        const Value made = n.text == "set" || is_dict ? table(is_dict ? Type::dict : Type::set) : Value();
        {
            const Within within(*this, new_scope(scope_, nullptr));
            clause(n, first, iterable, [&] {
                const Value v = eval(*n.kids[0]);
                if (made.is(Type::none)) out.push(v);
                else set_item(*this, table_of(made), v, is_dict ? eval(*n.kids[1]) : Value());
            });
        }
        if (!made.is(Type::none)) return made;
        return items(std::move(out.values), n.text == "list" ? Type::list : Type::iterator, "generator");
    }
    template <typename Emit>
    void clause(const Node& n, size_t at, const Value& iterable, const Emit& emit) {
        check_stack();
        const Node& c = *n.kids[at];
        Cursor cursor(*this, iterable);
        for (Value item; cursor.next(item);) {
            assign(*c.kids[0], item);
            bool wanted = true;
            for (size_t i = 2; i < c.kids.size() && wanted; i++) wanted = truth(eval(*c.kids[i]));
            if (!wanted) continue;
            if (at + 1 < n.kids.size()) clause(n, at + 1, eval(*n.kids[at + 1]->kids[1]), emit);
            else emit();
        }
    }

    static constexpr int64_t kMaxStackBytes = 2 << 20;
    const char* bottom_;
    NodePtr program_;
    Value scope_, result_;
};

}  // namespace interp

struct ProgramResult {
    std::string output;                                 // for the model; never longer than Limits::output_chars and a note
    bool ok = true;                                     // false: the output ends with an error
    int64_t steps = 0;
};

// The text cut to at most `chars` code points, at a character; a note says how much is missing.
inline std::string cut_text(const std::string& s, int64_t chars) {
    int64_t n = 0;
    for (size_t i = 0; i < s.size(); i++)
        if ((s[i] & 0xC0) != 0x80 && n++ == chars) return cat(s.substr(0, i), "\n[cut after ", chars, " characters]");
    return s;
}

// Runs a program; see the top of this file. Throws nothing but std::bad_alloc of the machine itself.
inline ProgramResult run_program(std::string_view source, const interp::Limits& limits = {}) {
    ProgramResult result;
    interp::Evaluator evaluator(limits);
    std::string error;
    try {
        evaluator.run(source);
    } catch (const interp::ScriptError& e) {
        error = e.text();
        result.ok = false;
    }
    result.steps = evaluator.steps;
    std::string& out = evaluator.output;
    while (out.ends_with('\n')) out.pop_back();
    result.output = cut_text(out, limits.output_chars);
    if (!error.empty()) {
        if (!result.output.empty()) result.output += '\n';
        result.output += cut_text(error, limits.output_chars);
    }
    return result;
}
