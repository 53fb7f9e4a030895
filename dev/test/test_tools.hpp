// dev/test/test_tools.hpp -- is what the tools tell a model true, and can nothing that it asks for do harm?
//
// The interpreter is held against the machine's python3: programs by hand and random expressions must print the same, errors included. Random
// bytes, mutilated programs and such as were written to take long (tool_attacks.hpp) must end, within their limits. BM25 is held against a
// computation without an index, in long double. The child is attacked: endless, huge, forking, talking, writing programs; and the sandbox is
// denied its own layers (a filter of the test's), one by one.
#pragma once

#include <map>

#include "../../tools.hpp"
#include "test.hpp"
#include "tool_attacks.hpp"
#include "tool_programs.hpp"

namespace tools_test {

// ---- python3 as the reference

// Runs all programs in one python3; the outputs as our interpreter shows them, or nothing where there is no python3.
inline std::vector<std::string> python_outputs(const std::vector<std::string>& programs, std::string& version) {
    const std::string python = child::find_python();
    if (python.empty()) return {};
    const TempDir dir;
    write_file(dir / "in.json", json_text(nlohmann::json(programs)));
    write_file(dir / "run.py", R"PY(
import ast, contextlib, io, json, sys, traceback, warnings
warnings.simplefilter('ignore')
def run(source):
    out = io.StringIO()
    error = ''
    scope = {'__name__': '__main__'}
    with contextlib.redirect_stdout(out):
        try:
            tree = ast.parse(source)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, '<p>', 'exec'), scope)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), '<p>', 'eval'), scope)
                if value is not None and not out.getvalue():
                    print(repr(value))
        except Exception as e:
            error = traceback.format_exception_only(type(e), e)[-1].strip()
    text = out.getvalue().rstrip('\n')
    return text + ('\n' if text and error else '') + error
here = sys.argv[1]
result = [run(p) for p in json.load(open(here + '/in.json'))]
json.dump(['%d.%d' % sys.version_info[:2]] + result, open(here + '/out.json', 'w'))
)PY");
    if (std::system(cat(python, " -I ", dir / "run.py", " ", dir.path(), " 2> /dev/null").c_str()) != 0) return {};
    auto all = parse_json_text<nlohmann::json>(read_file(dir / "out.json")).get<std::vector<std::string>>();
    version = all[0];
    all.erase(all.begin());
    return all;
}

// The last line without its message, if it is an error; the texts differ between versions of Python, and syntax errors' everywhere.
inline std::string without_message(const std::string& s) {
    const size_t line = s.rfind('\n') + 1, colon = s.find(':', line);
    return colon != std::string::npos && s.substr(line, colon - line).ends_with("Error") ? s.substr(0, colon) : s;
}
inline bool same_output(const std::string& ours, const std::string& theirs, bool exact) {
    if (ours == theirs) return true;
    const bool syntax = theirs.find("SyntaxError") != std::string::npos || theirs.find("IndentationError") != std::string::npos;
    return (!exact || syntax) && without_message(ours) == without_message(theirs);
}

inline std::vector<std::string> split_by(const std::string& text, const std::string& separator) {
    std::vector<std::string> parts;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(separator, at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end + separator.size();
    }
    return parts;
}
inline std::vector<std::string> all_programs() {
    std::vector<std::string> programs = split_by(kLinePrograms, "\n");
    for (const std::string& p : split_by(kEdgePrograms, "\n")) programs.push_back(p);
    for (const std::string& p : split_by(kBlockPrograms, "====\n")) programs.push_back(p);
    return programs;
}

inline void test_same_as_python(Report& t) {
    const std::vector<std::string> programs = all_programs();
    std::string version;
    const std::vector<std::string> expected = python_outputs(programs, version);
    if (expected.empty()) return t.skip("programs against python3", "python3 is not installed");
    for (size_t i = 0; i < programs.size(); i++) {
        const std::string ours = run_program(programs[i]).output;
        t.check(same_output(ours, expected[i], version == "3.11"), cat("\"", programs[i], "\" prints what Python prints: \"", ours,
                "\", Python ", version, ": \"", expected[i], "\""));
    }
    t.check(programs.size() >= 300, cat("at least 300 programs were compared (", programs.size(), ")"));
    t.check(!same_output("-3", "-4", false) && !same_output("NameError: a", "TypeError: a", false) && !same_output("TypeError: a",
            "TypeError: b", true),
            "control: another value, another error and another text are told apart");
}

// Expressions that are mostly well typed: of integers, floats, text, lists.
class Expressions {
   public:
    explicit Expressions(uint64_t seed) : rng_(seed) {}
    std::string any() {
        switch (below(6)) {
            case 0: return number(4);
            case 1: return integer(4);
            case 2: return text(3);
            case 3: return list(3);
            case 4: return truth(3);
            default: return cat("(", number(3), ", ", text(2), ", ", list(2), ")");
        }
    }

   private:
    uint64_t below(uint64_t n) { return rng_.below(n); }
    template <size_t N>
    std::string one(const char* const (&words)[N]) { return words[below(N)]; }
    std::string integer(int depth) {
        if (depth <= 0 || below(6) == 0) {
            static const char* const big[] = {"12345678901234567890", "99999999999", "4294967296", "9223372036854775807",
                    "18446744073709551616"};
            return below(5) == 0 ? one(big) : std::to_string(int64_t(below(40)) - 12);
        }
        const int d = depth - 1;
        static const char* const ops[] = {"+", "-", "*", "//", "%", "&", "|", "^"};
        switch (below(11)) {
            case 0: return cat("len(", below(2) ? text(d) : list(d), ")");
            case 1: return cat("abs(", integer(d), ")");
            case 2: return cat("(", integer(1), ") ** ", below(9));
            case 3: return cat("int(", number(d), ")");
            case 4: return cat("-(", integer(d), ")");
            case 5: return cat(text(d), ".count(", text(1), ")");
            case 6: return cat("(", integer(d), " if ", truth(d), " else ", integer(d), ")");
            case 7: return cat("sum(", list(d), ")");
            case 8: return cat("(", integer(d), below(2) ? " << " : " >> ", below(70), ")");
            default: return cat("(", integer(d), " ", one(ops), " ", integer(d), ")");
        }
    }
    std::string number(int depth) {
        if (depth <= 0 || below(5) == 0) {
            static const char* const reals[] = {"0.1", "2.5", "1e16", "1e-7", "3.0", "1e300", "0.3333", "123456.789", "9.11", "9.9", "-0.5",
                    "1e22"};
            return below(4) == 0 ? integer(0) : one(reals);
        }
        const int d = depth - 1;
        static const char* const ops[] = {"+", "-", "*", "/", "//", "%"};
        switch (below(8)) {
            case 0: return cat("round(", number(d), ", ", int64_t(below(6)) - 2, ")");
            case 1: return cat("float(", integer(d), ")");
            case 2: return cat("abs(", number(d), ")");
            case 3: return cat("max(", number(d), ", ", number(d), ")");
            case 4: return cat("(", integer(d), " / ", integer(d), ")");
            default: return cat("(", number(d), " ", one(ops), " ", number(d), ")");
        }
    }
    std::string text(int depth) {
        static const char* const words[] = {"'strawberry'", "'a b  c'", "''", "'Ubiquitous'", "'x'", "'r'", "'h\\u00e9llo w\\u00f6rld'",
                "\"it's\"", "'1,2,,3'"};
        if (depth <= 0 || below(4) == 0) return one(words);
        const int d = depth - 1;
        static const char* const methods[] = {"upper()", "lower()", "strip()", "title()", "capitalize()", "swapcase()", "replace('a', 'bb')",
                "zfill(9)", "center(12, '*')"};
        static const char* const formats[] = {">12", "<5", "^9.3", "08.3f", ",", "x", "+.2e", "g", ".3", "_", "08,.1f"};
        switch (below(8)) {
            case 0: return cat("(", text(d), " + ", text(d), ")");
            case 1: return cat("(", text(d), " * ", below(4), ")");
            case 2: return cat(text(d), "[", bound(), ":", bound(), "]");
            case 3: return cat(text(d), "[", bound(), ":", bound(), ":", int64_t(below(7)) - 3, "]");
            case 4: return cat("str(", below(2) ? number(d) : list(d), ")");
            case 5: return cat("','.join(sorted(", text(d), "))");
            case 6: return cat("format(", below(2) ? number(d) : integer(d), ", '", one(formats), "')");
            default: return cat(text(d), ".", one(methods));
        }
    }
    std::string list(int depth) {
        if (depth <= 0 || below(5) == 0) return cat("list(range(", below(6), "))");
        const int d = depth - 1;
        switch (below(8)) {
            case 0: return cat("[", integer(d), ", ", integer(d), ", ", integer(d), "]");
            case 1: return cat("sorted(", list(d), ")");
            case 2: return cat(list(d), "[::", int64_t(below(7)) - 3, "]");
            case 3: return cat("(", list(d), " + ", list(d), ")");
            case 4: return cat("[x * ", integer(0), " for x in ", list(d), " if x % 2 == ", below(2), "]");
            case 5: return cat("list(map(abs, ", list(d), "))");
            case 6: return cat("[", list(d), "[", int64_t(below(6)) - 3, "]]");
            default: return cat(list(d), "[", bound(), ":", bound(), "]");
        }
    }
    std::string truth(int depth) {
        const int d = depth - 1;
        static const char* const ops[] = {"<", "<=", "==", "!=", ">", ">="};
        if (depth <= 0) return below(2) ? "True" : "False";
        switch (below(6)) {
            case 0: return cat("(", number(d), " ", one(ops), " ", integer(d), " ", one(ops), " ", number(d), ")");
            case 1: return cat("(", text(d), " ", one(ops), " ", text(d), ")");
            case 2: return cat("(", text(d), " in ", text(d), ")");
            case 3: return cat("(not ", truth(d), ")");
            case 4: return cat("(", truth(d), below(2) ? " and " : " or ", truth(d), ")");
            default: return cat("(", list(d), " ", one(ops), " ", list(d), ")");
        }
    }
    std::string bound() { return below(3) == 0 ? "" : std::to_string(int64_t(below(16)) - 8); }
    Rng rng_;
};

inline void compare_expressions(Report& t, uint64_t first_seed, uint64_t count) {
    std::vector<std::string> programs;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) programs.push_back(Expressions(seed).any());
    std::string version;
    const std::vector<std::string> expected = python_outputs(programs, version);
    if (expected.empty()) return t.skip("random expressions against python3", "python3 is not installed");
    interp::Limits limits;
    limits.output_chars = 100000;
    int64_t same = 0, values = 0;
    for (size_t i = 0; i < programs.size(); i++) {
        const std::string ours = run_program(programs[i], limits).output;
        const bool equal = same_output(ours, expected[i], version == "3.11");
        same += equal;
        values += expected[i].find("Error") == std::string::npos;
        if (!equal) t.check(false, cat(programs[i], " is \"", ours, "\", Python ", version, ": \"", expected[i], "\""));
    }
    t.check(same == int64_t(programs.size()), cat(same, " of ", programs.size(), " random expressions print what Python ", version, " prints"));
    t.check(values * 2 > int64_t(count), cat("most of them are values, not errors (", values, ")"));
}
inline void test_random_expressions(Report& t) { compare_expressions(t, 0, 2000); }

// ---- limits

inline void test_limits(Report& t) {
    const auto ends_with = [&](const std::string& program, const std::string& error) {
        const double start = now_s();
        const ProgramResult r = run_program(program);
        t.check(!r.ok && r.output.find(error) != std::string::npos, cat("\"", program.substr(0, 60), "\" ends in ", error, ": ",
                r.output.substr(0, 200)));
        t.check_at_most(now_s() - start, 10, cat("\"", program.substr(0, 60), "\" ends soon (seconds)"));
    };
    ends_with("while True: pass", "TimeoutError: more than 100000 steps");
    ends_with("sum(range(10**9))", "TimeoutError");
    ends_with("list(range(10**9))", "Error");
    ends_with("10**9 in map(int, range(10**9))", "Error");
    ends_with("'a' * 10**9", "MemoryError");
    ends_with("'a' * 10**30", "OverflowError");
    ends_with("[0] * 10**9", "MemoryError");
    ends_with("x = 'ab'\nwhile True: x += x", "MemoryError");
    ends_with("x = [1]\nwhile True: x = x + x", "MemoryError");
    ends_with("x = []\nwhile True: x.append('a' * 1000)", "Error");
    ends_with("x = {}\ni = 0\nwhile True:\n    x[i] = 'a' * 1000\n    i += 1", "Error");
    ends_with("2 ** 10 ** 10", "OverflowError");
    ends_with("x = 3\nwhile True: x = x * x", "OverflowError");
    ends_with("1 << 10 ** 9", "OverflowError");
    ends_with("str(7 ** 20000)", "ValueError: Exceeds the limit (4300 digits)");
    ends_with("f'{1:1000000000}'", "MemoryError");
    ends_with("'%1000000000d' % 1", "MemoryError");
    ends_with("'x'.center(10**9)", "MemoryError");
    ends_with("f'{1.5:.100000000f}'", "ValueError");
    ends_with("'a'.replace('', 'b' * 10**6).replace('', 'c' * 10**6)", "Error");
    ends_with("','.join(['a' * 10**6] * 10**5)", "Error");
    ends_with("x = 0\nfor i in range(60): x = [x, x]\nx", "Error");
    ends_with("x = y = 0\nfor i in range(60): x, y = (x, x), (y, y)\nx == y", "Error");
    ends_with("x = 0\nfor i in range(60): x = (x, x)\nhash\n{x: 1}", "Error");
    ends_with("def f(n): return f(n + 1)\nf(0)", "RecursionError: maximum recursion depth exceeded");
    ends_with("f = lambda: f()\nf()", "RecursionError");
    ends_with(std::string(50000, '('), "SyntaxError");
    ends_with(std::string(50000, '['), "SyntaxError");
    ends_with(std::string(50000, '-') + "1", "SyntaxError");
    ends_with("x = " + [] { std::string s; for (int i = 0; i < 9000; i++) s += "not "; return s; }() + "1", "SyntaxError");
    ends_with([] { std::string s; for (int i = 0; i < 90; i++) s += std::string(size_t(i), ' ') + "if 1:\n"; return s + std::string(90,
            ' ') + "x"; }(), "Error");
    ends_with(std::string(100000, 'x'), "MemoryError: programs of more than");
    ends_with("import os", "ImportError: import of 'os' is not allowed here");
    ends_with("__import__('os')", "NameError");
    ends_with("open('/etc/passwd')", "NameError");
    ends_with("eval('1')", "NameError");
    ends_with("().__class__.__bases__", "AttributeError");
    ends_with("class A: pass", "SyntaxError: 'class' is not supported here");
    ends_with("try:\n    1\nexcept: 2", "SyntaxError: 'try' is not supported here");
    ends_with("\xff\xfe", "SyntaxError");
    ends_with(std::string("1\0", 2) + "1", "ValueError: source code string cannot contain null bytes");
    const std::string sum_of_many = run_program([] { std::string s = "0"; for (int i = 0; i < 5000; i++) s += "+1"; return s; }()).output;
    t.check(sum_of_many == "5000", cat("a sum of 5,000 terms is no deep tree: ", sum_of_many));
    interp::Limits many;
    many.steps = 2000000;
    many.memory_bytes = 64 << 20;
    const ProgramResult chain = run_program("x = []\nfor i in range(200000): x = [x]\nx = 0\n'freed'", many);
    t.check(chain.output == "'freed'", cat("a chain of 200,000 lists is freed without recursion: ", chain.output));
    t.check(run_program("a = []; b = [a]; a.append(b); 5").output == "5", "lists in a circle are freed");

    const ProgramResult flood = run_program("for i in range(3000): print('spam and eggs')");
    t.check(flood.ok && flood.output.size() < 2100 && flood.output.ends_with("[cut after 2000 characters]"), "output is cut with a note");
    t.check(run_program("print('é' * 1500)").output.size() == 3000, "the limit of the output counts characters, not bytes");
    interp::Limits few;
    few.steps = 50;
    t.check(run_program("for i in range(100): i", few).output.find("more than 50 steps") != std::string::npos,
            "the limit of steps is a parameter");
    t.check(run_program("for i in range(5): i", few).ok, "control: a shorter loop runs under it");
    t.check(run_program("print('a')\nx = 1 / 0").output == "a\nZeroDivisionError: division by zero",
            "what was printed stays in front of an error");
    t.check(run_program("").ok && run_program("").output.empty() && run_program("x = 1").output.empty(), "a program without output has none");
}

// What Python does with these depends on the machine; here it is an error, or the number that it is.
inline void test_edges(Report& t) {
    const auto gives = [&](const std::string& program, const std::string& expected) {
        const std::string output = run_program(program).output;
        t.check(output.starts_with(expected), cat("\"", program, "\" gives ", expected, ": ", output.substr(0, 200)));
    };
    gives("'%*d' % (-2**63, 1)", "MemoryError");
    gives("'%*d' % (2**63 - 1, 1)", "MemoryError");
    gives("'%-*s' % (-2**63, 1)", "MemoryError");
    gives("'%.*f' % (-2**63, 2.5)", "'2'");
    gives("'%*d' % (2**63, 1)", "OverflowError");
    for (const char* method : {"ljust", "rjust", "center"}) gives(cat("'x'.", method, "(2**63 - 1, '\U0001F600')"), "MemoryError");
    gives("'x'.zfill(2**63 - 1)", "MemoryError");
    gives("round(5, -2**63)", "0");
    gives("round(5, -10**30)", "0");
    gives("round(9 * 10**19000, -19001) == 10**19001", "True");
    gives("range(0, 2**63 - 1, 2**62)[::3]", "OverflowError");
    gives("range(-2**63, 5)[::-1]", "OverflowError");
}

// ---- time

// A hundred thousand steps take a tenth of a second on this machine, and a few tenths where they are dear.
#if defined(__SANITIZE_ADDRESS__)
constexpr double kSlowest = 15;
#else
constexpr double kSlowest = 2;
#endif

inline void test_time(Report& t) {
    double slowest = 0;
    for (const SlowProgram& p : slow_programs()) {
        const std::string program = cat(p.before, "while True: ", p.again);
        const std::string shown = json_text(nlohmann::json(cat(p.before.substr(0, 60), "while True: ", p.again.substr(0, 60))));
        const double start = now_s();
        const ProgramResult r = run_program(program);
        const double seconds = now_s() - start;
        slowest = std::max(slowest, seconds);
        t.check(!r.ok && r.output.find("TimeoutError: more than 100000 steps") != std::string::npos,
                cat(shown, " ends by its steps: ", r.output.substr(0, 200)));
        t.check_at_most(seconds, kSlowest, cat(shown, " ends soon (seconds)"));
    }
    t.check_at_most(slowest, kSlowest, "the slowest of them (seconds)");
    // control: the search of the standard library, for the steps that such a search is charged
    const size_t n = kSlowest > 2 ? 900000 : 300000;
    const ProgramResult r = run_program(cat("x = 'a' * ", n, "\ny = 'a' * ", n / 2, " + 'b'\ny in x"));
    const std::string x(n, 'a'), y = std::string(n / 2, 'a') + 'b';
    const double start = now_s();
    const bool found = x.find(y) != std::string::npos;
    t.check_rejected(now_s() - start, kSlowest * double(r.steps) / 100000, "std::string::find");
    t.check(!found && r.output == "False", "neither finds what is not there");
}

// All texts of a and b up to 10 letters, and long ones that repeat themselves with errors, against the standard library.
inline void test_finder(Report& t) {
    int64_t searches = 0, found = 0, both = 0, wrong = 0;
    const auto compare = [&](const std::string& s, const std::string& what) {
        const size_t first = s.find(what), last = s.rfind(what);
        searches++;
        found += first != std::string::npos;
        both += first != last;
        wrong += interp::Finder(what).in(s) != first || interp::Finder(what, true).in(s) != last;
    };
    std::vector<std::string> words = {""};
    for (size_t i = 0; i < 1023; i++)
        for (const char c : {'a', 'b'}) words.push_back(words[i] + c);
    for (const std::string& s : words)
        for (size_t i = 0; i < 511; i++) compare(s, words[i]);
    t.check(wrong == 0, cat("of ", searches, " short texts each stands where std::string finds it (wrong: ", wrong, ")"));
    t.check(found > searches / 100 && found < searches / 2 && both > searches / 100,
            cat("control: texts were found (", found, "), and not, and at several places (", both, ")"));
    Rng rng(3);
    searches = found = both = wrong = 0;
    for (int round = 0; round < 20000; round++) {
        const std::string unit = words[1 + rng.below(126)];
        std::string s;
        while (s.size() < 20 + rng.below(400)) s += unit;
        for (uint64_t n = rng.below(4); n > 0; n--) s[rng.below(s.size())] = char('a' + rng.below(3));
        std::string what = s.substr(rng.below(s.size()), 1 + rng.below(s.size()));
        if (rng.below(3) == 0) what[rng.below(what.size())] = char('a' + rng.below(3));
        compare(s, what);
    }
    t.check(wrong == 0, cat("so do ", searches, " long ones (wrong: ", wrong, ")"));
    t.check(found > searches / 4 && found < searches && both > searches / 20, cat("control: found ", found, ", at several places ", both));
}

// ---- noise

inline void run_noise(Report& t, uint64_t seed, int64_t count) {
    const std::vector<std::string> programs = all_programs();
    static const char* const pieces[] = {"(", ")", "[", "]", "{", "}", ":", ",", ".", "'", "\"", "\"\"\"", "\n", "\n    ", " ", "=", "==",
            "+", "**", "//", "%", "for", " in ", "if ",
                                         "else", "lambda x: ", "def f(x):", "return ", "while 1:", "x", "y", "f", "1", "2.5", "1e400", "-1",
                                                 "'a'", "f'{", "}'", "!r", "print(", "len(",
                                         "range(", "x.append(x)", "del x", "global x", "*", "not ", "is ", "\\", "#", "\t", "0x", "10**99",
                                                 "sorted(", "{1:", "\xc3\xa9", "\xff"};
    Rng rng(seed);
    interp::Limits limits;
    limits.steps = 3000;
    limits.memory_bytes = 1 << 20;
    double slowest = 0;
    int64_t runs = 0, ok = 0;
    std::string slow;
    const double start = now_s();
    for (; runs < count; runs++) {
        std::string p;
        if (runs % 4 == 0) {
            for (uint64_t n = rng.below(120); n > 0; n--) p += char(rng.below(runs % 8 ? 256 : 128));
        } else if (runs % 4 == 1) {
            for (uint64_t n = rng.below(40); n > 0; n--) p += pieces[rng.below(std::size(pieces))];
        } else {
            p = programs[rng.below(programs.size())];
            for (uint64_t n = 1 + rng.below(4); n > 0; n--) {
                const size_t at = size_t(rng.below(p.size() + 1));
                switch (rng.below(5)) {
                    case 0: p.erase(at, rng.below(6)); break;
                    case 1: p.insert(at, pieces[rng.below(std::size(pieces))]); break;
                    case 2: if (at < p.size()) p[at] = char(rng.below(256)); break;
                    case 3: p.insert(at, p.substr(size_t(rng.below(p.size() + 1)), rng.below(30))); break;
                    default: p += "\n" + programs[rng.below(programs.size())];
                }
            }
        }
        const double begin = now_s();
        const ProgramResult r = run_program(p, limits);
        ok += r.ok;
        if (now_s() - begin > slowest) slowest = now_s() - begin, slow = p;
        if (!is_valid_utf8(r.output) || r.output.size() > 20000) t.check(false, cat("the output is text of a limited length, for ",
                json_text(nlohmann::json(to_valid_utf8(p)))));
    }
    t.check(ok > count / 20 && ok < count * 3 / 4, cat(count, " mutilated programs end (", ok, " without an error) in ", now_s() - start,
            " s"));
    t.check_at_most(slowest, 2, cat("the slowest of them ends soon (seconds): ", json_text(nlohmann::json(to_valid_utf8(slow))).substr(0, 200)));
}

inline void test_fuzz(Report& t) { run_noise(t, 20261122, 20000); }

// ---- search

// BM25 without an index, in long double: every document is split again for every word.
inline std::vector<std::pair<int64_t, double>> plain_bm25(const std::vector<std::string>& documents, const std::string& query, long double k1,
        long double b) {
    const auto words = [](const std::string& s) {
        std::vector<std::string> out;
        for_each_word(s, [&](std::string_view w, size_t, size_t) { out.emplace_back(w); });
        return out;
    };
    std::vector<std::vector<std::string>> split;
    long double total = 0;
    for (const std::string& d : documents) split.push_back(words(d)), total += (long double)split.back().size();
    const long double N = (long double)documents.size(), mean = total / N;
    std::vector<std::pair<int64_t, double>> scores;
    for (size_t i = 0; i < documents.size(); i++) {
        const std::vector<std::string>& mine = split[i];
        long double score = 0;
        for (const std::string& w : words(query)) {
            long double containing = 0;
            for (const std::vector<std::string>& v : split) containing += std::count(v.begin(), v.end(), w) > 0;
            const long double tf = (long double)std::count(mine.begin(), mine.end(), w);
            score += logl(1 + (N - containing + 0.5L) / (containing + 0.5L)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * (long double)mine.size() / mean));
        }
        if (score > 0) scores.push_back({int64_t(i), double(score)});
    }
    std::sort(scores.begin(), scores.end(), [](const auto& x, const auto& y) { return x.second != y.second ? x.second > y.second
            : x.first < y.first; });
    return scores;
}

inline DocumentIndex index_of(const std::vector<std::string>& documents, const SearchOptions& options = {}) {
    DocumentIndex index(options);
    for (size_t i = 0; i < documents.size(); i++) index.add(documents[i], cat("doc", i), "");
    index.finish();
    return index;
}

inline void test_bm25(Report& t) {
    // by hand: N = 3, lengths 2, 4, 3, mean 3; "cat" is in documents 0 (once) and 1 (twice): idf = ln(1 + 1.5 / 2.5) = 0.47000363
    //   d0: 0.47000363 * 2.2 / (1 + 1.2 (0.25 + 0.75 * 2/3)) = 0.47000363 * 2.2 / 1.9   = 0.54421473
    //   d1: 0.47000363 * 2 * 2.2 / (2 + 1.2 (0.25 + 0.75 * 4/3)) = 0.47000363 * 4.4 / 3.5 = 0.59086171
    const DocumentIndex small = index_of({"The CAT", "cat, dog: cat bird", "a dog barks"});
    const std::vector<SearchHit> hits = small.search("cat", 10);
    t.check(hits.size() == 2 && hits[0].document == 1 && hits[1].document == 0, "two documents hold the cat, the one with two first");
    if (hits.size() == 2) {
        t.check_at_most(std::fabs(hits[0].score - 0.59086171), 1e-8, "the score of document 1 is the one worked out by hand");
        t.check_at_most(std::fabs(hits[1].score - 0.54421473), 1e-8, "the score of document 0 is the one worked out by hand");
        t.check_rejected(std::fabs(hits[1].score - 0.59086171), 1e-8, "the other document's score");
    }
    Rng rng(7);
    std::vector<std::string> documents;
    for (int i = 0; i < 120; i++) {
        std::string d;
        for (uint64_t n = 1 + rng.below(60); n > 0; n--) d += cat("w", rng.below(1 + rng.below(50)), " ");
        documents.push_back(d);
    }
    documents.push_back(documents[5]);
    for (const auto& [k1, b] : {std::pair(1.2, 0.75), std::pair(0.9, 0.4), std::pair(2.0, 1.0), std::pair(1.5, 0.0)}) {
        SearchOptions options;
        options.k1 = k1;
        options.b = b;
        const DocumentIndex index = index_of(documents, options);
        double worst = 0;
        bool order = true;
        for (int q = 0; q < 12; q++) {
            const std::string query = cat("w", rng.below(50), " W", rng.below(10), " w", rng.below(50), " nowhere w", rng.below(3));
            const auto want = plain_bm25(documents, query, k1, b);
            const std::vector<SearchHit> got = index.search(query, 1000);
            order &= want.size() == got.size();
            std::map<int64_t, double> score_of(want.begin(), want.end());
            for (size_t i = 0; i < want.size() && i < got.size(); i++) {     // equal scores may differ by their rounding
                order &= score_of.count(got[i].document) && std::fabs(score_of[got[i].document] - want[i].second) <= 1e-12;
                worst = std::max(worst, std::fabs(want[i].second - got[i].score));
            }
        }
        t.check(order, cat("k1 = ", k1, ", b = ", b, ": documents come in the order of the computation without an index"));
        t.check_at_most(worst, 1e-12, cat("k1 = ", k1, ", b = ", b, ": the scores are those of the computation without an index"));
        const double wrong = std::fabs(plain_bm25(documents, "w1 w2", k1 + 0.1, b)[0].second - index.search("w1 w2", 1)[0].score);
        t.check_rejected(wrong, 1e-12, "the score for another k1");
    }
    const DocumentIndex ties = index_of({"same words", "other", "same words", "same words"});
    const std::vector<SearchHit> tied = ties.search("words same", 2);
    t.check(tied.size() == 2 && tied[0].document == 0 && tied[1].document == 2, "equal scores come in the order of the documents");
    t.check(small.search("", 5).empty() && small.search("zebra !?", 5).empty() && small.search("cat", 0).empty(),
            "an empty query, an unknown word and k = 0 give nothing");
    t.check(index_of({}).search("cat", 5).empty() && index_of({"", "..."}).search("cat", 5).empty(),
            "an index without documents or without words gives nothing");
    t.check_error([] { SearchOptions o; o.b = 2; DocumentIndex index(o); }, "b is 2", "an impossible b is refused");
}

inline void test_words_and_passages(Report& t) {
    const auto words = [](std::string_view s) {
        std::string out;
        for_each_word(s, [&](std::string_view w, size_t, size_t) { out += cat("<", w, ">"); });
        return out;
    };
    t.check(words("Don't stop-me: 3.5 x") == "<don><t><stop><me><3><5><x>", "words are letters and digits in lower case");
    t.check(words("caf\u00e9 \u201cHi\u201d\u2014\u65e5\u672c\u3002") == "<caf\u00e9><hi><\u65e5\u672c>",
            "letters beyond ASCII belong to words, quotes and dashes do not");
    t.check(words("a\xff" "b \x80 \xe2\x80") == "<a\xff" "b><\x80><\xe2\x80>", "broken UTF-8 is kept as bytes");

    std::string text;
    for (int i = 0; i < 300; i++) text += cat("Sentence ", i, " talks about nothing at all. ");
    text += "The violin of Orson Kovats was made in Szeged. It is kept there. ";
    for (int i = 0; i < 300; i++) text += cat("Line ", i, " goes on about weather. ");
    SearchOptions options;
    options.passage_words = 12;
    options.document_words = 0;
    const DocumentIndex whole = index_of({text, "Kovats"}, options);
    std::string found;
    for (const SearchHit& h : whole.search("Where was Orson Kovats's violin made?", 5))
        if (h.document == 0) found = h.passage;
    t.check(found == "... The violin of Orson Kovats was made in Szeged. It is kept ...",
            cat("the passage of a long document is the window around the words, from the start of the sentence: ", found));
    options.document_words = 100;
    const DocumentIndex parts = index_of({text}, options);
    const std::vector<SearchHit> hits = parts.search("Orson Kovats violin", 5);
    t.check(parts.documents() > 30 && hits.size() == 1 && hits[0].source == "doc0", cat("a long text is several documents of one source (",
            parts.documents(), ")"));
    std::string again;
    for (int64_t d = 0; d < parts.documents(); d++) again += parts.document_text(d);
    t.check(again == text, "the parts together are the text");

    const DocumentIndex odd = index_of({"alpha\n beta\tgamma \xff delta", std::string("nul\0 inside", 11)});
    t.check(odd.search("delta", 1)[0].passage == "alpha beta gamma \uFFFD delta", "a passage is one line of valid UTF-8");
    t.check(hits_text(odd.search("gamma", 1)) == "[1] doc0: alpha beta gamma \uFFFD delta",
            "a hit is given to the model as [1] source: passage");
    t.check(hits_text({}) == "no results", "no hits are said to be none");

    std::string huge;
    for (int i = 0; i < 200000; i++) huge += i % 50 == 49 ? ".\n" : " word";
    huge += " needle";
    const DocumentIndex big = index_of({huge});
    t.check(big.search("needle", 3).size() == 1, "a word at the end of a huge document is found");
    t.check(index_of({std::string(3 << 20, 'a')}).search("a", 3).empty(), "a single word of 3 MiB is indexed as such");
}

inline void test_document_files(Report& t) {
    const TempDir dir;
    write_file(dir / "a.jsonl", "{\"text\": \"The heron lives by the lake.\", \"url\": \"https://example.org/heron\", \"title\": \"Heron\"}\n\n"
                                "{\"text\": \"The badger digs.\", \"title\": \"Badger\"}\n{\"text\": \"A fox.\", \"source\": \"field notes\"}\n{\"text\": \"An owl.\"}");
    make_directories(dir / "more/deep");
    make_directories(dir / "more/.hidden");
    write_file(dir / "more/deep/plain.txt", "The otter swims.");
    write_file(dir / "more/.hidden/secret.txt", "The hidden lynx.");
    write_file(dir / "more/picture.bin", std::string("otter\0lynx", 10));
    const DocumentIndex index = DocumentIndex::from_paths({dir / "a.jsonl", dir / "more"});
    t.check(index.documents() == 5, cat("four records and a text file (", index.documents(), ")"));
    const auto source = [&](const char* query) {
        const std::vector<SearchHit> h = index.search(query, 1);
        return h.empty() ? std::string("none") : h[0].source;
    };
    t.check(source("heron") == "https://example.org/heron" && index.search("heron", 1)[0].title == "Heron",
            "the source is the url, the title stays");
    t.check(source("badger") == "Badger" && source("fox") == "field notes", "without url the source field or the title");
    t.check(source("owl") == (dir / "a.jsonl") + ":5", "without any: file and line");
    t.check(source("otter") == dir / "more/deep/plain.txt" && source("lynx") == "none", "folders are read, hidden and binary files are not");

    const auto broken = [&](const std::string& content, const std::string& message) {
        write_file(dir / "bad.jsonl", content);
        t.check_error([&] { DocumentIndex::from_paths({dir / "bad.jsonl"}); }, message, "a broken record");
        SearchOptions skip;
        skip.skip_bad = true;
        const DocumentIndex rest = DocumentIndex::from_paths({dir / "bad.jsonl"}, skip);
        t.check(rest.bad_lines() == 1 && rest.documents() == 1, "with skip_bad it is counted and the others are read");
    };
    broken("{\"text\": \"a\"}\n{\"text\": \n", "bad.jsonl: line 2 is no JSON");
    broken("{\"text\": \"a\"}\n\n[1]\n", "bad.jsonl: line 3 is no JSON object");
    broken("{\"body\": \"a\"}\n{\"text\": \"b\"}", "bad.jsonl: line 1 has no field \"text\"");
    broken("{\"text\": 5}\n{\"text\": \"b\"}", "bad.jsonl: line 1 has a field \"text\" that is no string");
    broken("{\"text\": \"\xff\"}\n{\"text\": \"b\"}", "bad.jsonl: line 1 is no JSON");
    t.check_error([&] { DocumentIndex::from_paths({dir / "missing.txt"}); }, "missing.txt", "a missing file is named");
}

// ---- the child

inline ChildLimits quick() {
    ChildLimits l;
    l.wall_s = 5;
    return l;
}
inline bool child_runs(Report& t) {
    const ChildResult r = run_python3("6 * 7", quick());
    if (r.status == ChildStatus::ok) return true;
    t.skip("python3 in a child process", r.output);
    return false;
}

// Attacks that must fail whichever optional layers stand.
inline void attack(Report& t, const std::string& layers) {
    const TempDir outside;
    const auto fails = [&](const std::string& code, const std::string& error) {
        const ChildResult r = run_python3(code, quick());
        t.check(r.status == ChildStatus::error && r.output.find(error) != std::string::npos,
                cat(layers, ": \"", code.substr(0, 70), "\" ends in ", error, ": ", child_status_name(r.status), " ", r.output.substr(0, 150)));
    };
    fails("import socket\nsocket.socket()", "PermissionError");
    fails("import socket\nsocket.socketpair()", "PermissionError");
    fails("import socket\nsocket.create_connection(('127.0.0.1', 22), 1)", "PermissionError");
    fails("import os\nwhile True: os.fork()", "PermissionError");
    fails("import threading\nthreading.Thread(target=print).start()", "RuntimeError");
    fails("import subprocess\nsubprocess.run(['/bin/sh', '-c', 'id'])", "PermissionError");
    fails(cat("open('", outside / "evil", "', 'w')"), "PermissionError");
    fails("import os\nos.kill(os.getppid(), 9)", "PermissionError");
    fails("import os\nos.chmod('.', 0)", "PermissionError");
    fails("import os\nos.symlink('/etc', 'x')", "PermissionError");
    fails("import resource\nresource.prlimit(1, resource.RLIMIT_CPU)", "Error");
    fails("import ctypes\nctypes.CDLL(None).ptrace\nimport os\nos.setpriority(os.PRIO_PROCESS, 0, -5)", "Error");
    write_file(outside / "kept", "kept");
    fails(cat("import os\nos.truncate('", outside / "kept", "', 0)"), "Error");
    fails(cat("import os\nos.open('", outside / "kept", "', os.O_RDONLY | os.O_TRUNC)"), "PermissionError");
    fails(cat("import os\nos.remove('", outside / "kept", "')"), "PermissionError");
    fails(cat("import os\nos.rename('", outside / "kept", "', 'x')"), "Error");
    t.check(!fs::exists(outside / "evil") && read_file(outside / "kept") == "kept", layers + ": nothing outside of the folder has changed");
}

inline void test_child(Report& t) {
    if (!child_runs(t)) return;
    const auto run = [](const std::string& code, ChildLimits l = quick()) { return run_python3(code, l); };
    t.check(run("6 * 7").output == "42" && run("print('a')\n5").output == "a" && run("x = 1").output.empty(),
            "the last value is shown where nothing was printed");
    t.check(run("print('h\u00e9')").output == "h\u00e9", "text is UTF-8");
    t.check(run("print('before')\n1 / 0").output == "before\nZeroDivisionError: division by zero",
            "the last line of a traceback follows what was printed");
    t.check(run("x = (").output.starts_with("SyntaxError"), "a syntax error is one line");
    t.check(run("import os, sys\nprint([k for k in os.environ if k != 'LC_CTYPE'], os.listdir('.'), repr(sys.stdin.read()))").output == "[] [] ''",
            "no environment, an empty folder, nothing on stdin");
    const TempDir own;                                  // other runs have folders in /tmp, too
    ::setenv("TMPDIR", own.path().c_str(), 1);
    const auto open_files = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
    const auto before = open_files();
    attack(t, "all layers");
    ChildLimits wall = quick(), cpu = quick();
    wall.wall_s = 0.7;
    cpu.cpu_s = 1;
    cpu.wall_s = 30;
    const ChildResult sleeper = run("import time\nprint('zz', flush=True)\ntime.sleep(100)", wall);
    t.check(sleeper.status == ChildStatus::timeout && sleeper.output == "zz\nTimeoutError: more than 0.7 seconds",
            cat("sleeping ends by the clock: ", sleeper.output));
    t.check_at_most(sleeper.seconds, 4, "it ends soon (seconds)");
    t.check(run("import os\nos.close(1); os.close(2)\nimport time\ntime.sleep(100)", wall).status == ChildStatus::timeout,
            "closing the pipes does not help");
    t.check(run("import signal, time\nfor s in range(1, 30):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass\ntime.sleep(100)", wall).status == ChildStatus::timeout,
            "ignoring signals does not help");
    const ChildResult endless = run("while True: pass", cpu);
    t.check(endless.status == ChildStatus::timeout && endless.output == "TimeoutError: more than 1 seconds of CPU time",
            cat("an endless loop ends by its CPU time: ", endless.output));
    t.check(run("x = 'a' * 10**10").output == "MemoryError", "a huge allocation is a MemoryError");
    ChildLimits small = quick();
    small.memory_bytes = 128 << 20;
    t.check(run("x = []\nwhile True: x.append('a' * 10**7)", small).output == "MemoryError", "so are many of 10 MB");
    const ChildResult flood = run("while True: print('spam')");
    t.check(flood.status == ChildStatus::output_limit && flood.output.size() < 2100 && flood.output.ends_with("[cut after 2000 characters]"),
            "a flood of output is cut, its source killed");
    t.check(run("import sys\nwhile True: sys.stderr.write('x' * 10000)", wall).output.size() < 2100, "so is a flood of errors");
    const ChildResult crash = run("import os\nos.abort()");
    t.check(crash.status == ChildStatus::crashed && crash.output.starts_with("python3 crashed"), cat("a crash is reported: ", crash.output));
    const ChildResult written = run("open('a', 'w').write('inside')\nprint(open('a').read())");
    if (written.landlock) {
        t.check(written.output == "inside", "a file can be written in the folder");
        t.check(run("open('/etc/passwd').read()").output.starts_with("PermissionError"), "with Landlock, files of the system cannot be read");
        t.check(run("open('a', 'w').write('x' * 10**8)").output == "OSError: [Errno 27] File too large", "a file has a largest size");
        small.disk_bytes = 1 << 20;
        t.check(run("import os\nfor i in range(10**7): os.mkdir(str(i))", small).status == ChildStatus::disk_limit, "the folder has one, too");
    } else {
        t.skip("writing in the folder", "this kernel has no Landlock: " + written.output);
    }
    t.check(run(std::string("1\0", 2) + "1").output.find("null bytes") != std::string::npos, "a zero byte in the program is an error");
    t.check(run(std::string(200000, '1')).status == ChildStatus::error, "so is a program of 200 kB");
    t.check(run("\xff").output.find("SyntaxError") != std::string::npos, "invalid UTF-8 is a syntax error");
    t.check(open_files() == before, "no descriptor is left open");
    t.check(fs::is_empty(own.path()), "no folder is left");
    ::unsetenv("TMPDIR");
    ChildLimits none = quick();
    none.python = "/nonexistent/python3";
    t.check(run("1", none).status == ChildStatus::missing, "a missing python3 is said to be missing");
}

// Runs f in a process where some system calls fail: what an older kernel or a container would do.
inline std::string where_calls_fail(const std::vector<std::pair<long, int>>& calls, const std::function<std::string()>& f) {
    child::Pipe pipe;
    std::fflush(stdout);
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
        for (const auto& [call, argument] : calls) {     // argument: deny only where the first one is this; -1: always
            if (argument < 0) {
                filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, uint32_t(call), 0, 1));
            } else {
                filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, uint32_t(call), 0, 4));
                filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)));
                filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, uint32_t(argument), 1, 0));
                filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
            }
            filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
        }
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
        std::string said = "the test's filter cannot be installed";
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0) said = f();
        const ssize_t n = ::write(pipe.write.fd, said.data(), said.size());
        ::_exit(n == ssize_t(said.size()) ? 0 : 1);
    }
    pipe.write.close();
    std::string said;
    char buffer[4096];
    for (ssize_t n; (n = ::read(pipe.read.fd, buffer, sizeof buffer)) > 0;) said.append(buffer, size_t(n));
    int status = 0;
    ::waitpid(pid, &status, 0);
    return said;
}

inline void test_child_without_layers(Report& t) {
    if (!child_runs(t)) return;
    const auto report = [](const ChildResult& r) { return cat(child_status_name(r.status), "|", r.output); };
    const std::string no_seccomp = where_calls_fail({{SYS_prctl, PR_SET_SECCOMP}}, [&] { return report(run_python3("6 * 7", quick())); });
    t.check(no_seccomp == "refused|python3 is not run: the sandbox cannot be set up (seccomp: Operation not permitted)",
            cat("without seccomp nothing is run: ", no_seccomp));
    const std::string allowed = where_calls_fail({{SYS_swapon, -1}}, [&] { return report(run_python3("6 * 7", quick())); });
    t.check(allowed == "ok|42", cat("control: where another call fails, it is run: ", allowed));
    const std::string no_limits = where_calls_fail({{SYS_prlimit64, -1}, {SYS_setrlimit, -1}}, [&] { return report(run_python3("6 * 7",
            quick())); });
    t.check(no_limits.starts_with("refused|python3 is not run: the sandbox cannot be set up (the limits"),
            cat("without limits nothing is run: ", no_limits));
    const std::string bare = where_calls_fail({{SYS_unshare, -1}, {child::kLandlockCreate, -1}}, [&] {
        Report inner;
        inner.test = "without Landlock and namespaces";
        const ChildResult r = run_python3("6 * 7", quick());
        inner.check(r.output == "42" && !r.landlock && !r.namespaces, "it runs without the two: " + r.output);
        inner.check(run_python3("open('a', 'w')", quick()).output.starts_with("PermissionError"), "no file can be written at all");
        attack(inner, "seccomp alone");
        return cat(inner.passed, " passed, ", inner.failed, " failed");
    });
    t.check(bare == "19 passed, 0 failed", cat("seccomp alone withstands the same attacks: ", bare));
}

// ---- the toolbox

inline void test_toolbox(Report& t) {
    const DocumentIndex index = index_of({"The lighthouse of Arn was built in 1871. Its keeper was Ida Moor.", "Bread needs flour."});
    Toolbox box;
    t.check(box.call("search", "lighthouse").text == "the tool search has no documents to look into", "a search without documents says so");
    box.documents = &index;
    const ToolResult hit = box.call("search", "when was the lighthouse built?");
    t.check(hit.ok && hit.text.starts_with("[1] doc0: The lighthouse of Arn was built in 1871."), cat("a search gives lines with sources: ",
            hit.text));
    t.check(!box.call("search", "zebra").ok && box.call("search", "").text == "no results", "no hits are said to be none");
    const ToolResult program = box.call("python", "'strawberry'.count('r')");
    t.check(program.ok && program.text == "3" && program.seconds > 0 && program.seconds < 5,
            "a program gives its value, and the time is measured");
    t.check(box.call("python", "1 / 0").text == "ZeroDivisionError: division by zero" && !box.call("python", "1 / 0").ok, "an error is text");
    const ToolResult unknown = box.call("browser\xff", "x");
    t.check(!unknown.ok && unknown.text.starts_with("there is no tool browser") && is_valid_utf8(unknown.text),
            "an unknown tool is said to be unknown");
    box.max_chars = 30;
    t.check(box.call("python", "print('\u00e9' * 100)").text == [] { std::string s; for (int i = 0; i < 30; i++) s += "\u00e9"; return s;
            }() + "\n[cut after 30 characters]",
            "a result is cut at a character");
    box.max_chars = 2000;
    box.search = box.python = false;
    t.check(box.call("search", "x").text == "the tool search is switched off" && box.call("python",
            "1").text == "the tool python is switched off", "a tool that is off says so");
    box.python = box.python3 = true;
    if (!child_runs(t)) return;
    t.check(box.call("python", "import json; json.dumps([1])").text == "'[1]'", "with the flag it is python3 that runs");
    const ToolResult evil = box.call("python", "import socket; socket.socket()");
    t.check(!evil.ok && evil.text.find("PermissionError") != std::string::npos, "in its sandbox");
}

// After each attack the toolbox answers as if nothing had been.
inline void withstand(Report& t, const Toolbox& box, const std::vector<Attack>& attacks, const std::string& who, double slowest) {
    std::set<std::string> kinds;
    for (const Attack& a : attacks) {
        const std::string shown = cat(who, ", ", a.kind, ": ", json_text(nlohmann::json(to_valid_utf8(a.program.substr(0, 60)))));
        const ToolResult r = box.call("python", a.program);
        kinds.insert(a.kind);
        t.check(!r.ok && r.text.find(a.answer) != std::string::npos, cat(shown, " is answered with ", a.answer, ": ", r.text.substr(0, 200)));
        t.check(is_valid_utf8(r.text) && interp::count_chars(r.text) <= box.max_chars + 40, cat(shown, ": the answer is text of a limited length"));
        t.check_at_most(r.seconds, slowest, shown + " is answered soon (seconds)");
        const ToolResult next = box.call("python", "6 * 7");
        t.check(next.ok && next.text == "42", cat("after ", shown, " the next program runs: ", next.text));
    }
    t.check(kinds == std::set<std::string>{"endless", "failing", "huge", "malicious", "slow"}, who + ": all five kinds were tried");
}
inline void test_attacks(Report& t) {
    Toolbox box;
    withstand(t, box, interpreter_attacks(), "interpreter", kSlowest);
    const ToolResult good = box.call("python", "print('spam' * 3)");
    t.check(good.ok && good.text == "spamspamspam", "control: a good program is answered with what it prints");
    box.python3 = true;
    box.child_limits.wall_s = 3;
    box.child_limits.cpu_s = 1;
    if (child_runs(t)) withstand(t, box, child_attacks(), "python3", 10);
}

}  // namespace tools_test

inline Suite tools_tests() {
    using namespace tools_test;
    return {
        {"tools: the interpreter prints what python3 prints, for more than 300 programs", test_same_as_python},
        {"tools: the interpreter prints what python3 prints, for 2,000 random expressions", test_random_expressions},
        {"tools: no program exceeds the interpreter's limits of steps, memory, depth, size and output", test_limits},
        {"tools: numbers at the edges of 64 bits are errors or right, never undefined", test_edges},
        {"tools: the steps bound the time: programs that take few steps and much to do end soon", test_time},
        {"tools: a text is found where std::string finds it, for a million short ones and long ones that repeat themselves", test_finder},
        {"tools: 20,000 random and mutilated programs end", test_fuzz},
        {"tools: BM25 scores equal a computation by hand and one without an index", test_bm25},
        {"tools: words are split and passages cut around the matches", test_words_and_passages},
        {"tools: documents come from JSONL, text files and folders; broken records are named", test_document_files},
        {"tools: python3 in a child process can compute, and nothing else", test_child},
        {"tools: the child is not run without seccomp and limits, and withstands attacks without the other layers", test_child_without_layers},
        {"tools: the toolbox answers everything with text", test_toolbox},
        {"tools: failing, slow, endless, huge and malicious programs get an answer, from the interpreter and from python3", test_attacks},
    };
}
