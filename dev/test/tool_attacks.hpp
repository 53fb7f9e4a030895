// dev/test/tool_attacks.hpp -- programs that a model should not write: at the edges of 64 bits, longer than they look, and meant to do harm.
//
// kEdgePrograms, one a line, print the same in our interpreter and in python3. What slow_programs() gives takes few steps and much to do, as far as
// 16 MB go: whoever forgets to charge for an operation sees minutes here. The attacks are asked of Toolbox::call, which must answer each with text.
#pragma once

#include <string>
#include <vector>

#include "../../common.hpp"

namespace tools_test {

inline constexpr const char* kEdgePrograms = R"PY(' a  b c '.split(None, 1), 'a b  c '.split(None, 1), ' a '.split(None, 0), ' '.split(None, 0)
' a  b c '.rsplit(None, 1), 'a b c'.rsplit(None, 2), '  '.rsplit(None, 1), ' a b '.rsplit(None, 0), 'é è'.rsplit(None, 5)
'a,b,c'.rsplit(',', 0), 'a,b,c'.rsplit(',', -1), 'a,b,c'.rsplit(',', 1), 'a,b,c'.rsplit(',', 9), ' a b '.rsplit(None, -1)
'aXbXc'.split('X', -2**63), 'a b c'.split(None, -2**63), 'a,b'.rsplit(',', -2**63), 'aaa'.replace('a', 'b', -2**63)
'aaa'.replace('a', 'b', 2**63 - 1), 'aaa'.replace('', '-', 2), 'aaa'.replace('', '-'), ''.replace('', '-'), 'é'.replace('', '-')
list(enumerate('ab', 2**63 - 1)), list(enumerate('ab', -2**63)), list(enumerate([7], 10**30)), list(enumerate('ab', True))
enumerate('ab', 1.5)
round(5, 1.5)
round(2.5, 'a')
round(5, 10**30), round(5, 2**63), round(0, -5), round(7, -1), round(-15, -1), round(15, -2), round(51, -2), round(True, -1)
round(10**25, -24), round(5 * 10**24, -25), round(5 * 10**24 + 1, -25), round(4 * 10**24, -26), round(-10**40, -39)
round(10**4000, -3999) == 10**4000, round(10**4000, -4001), round(6 * 10**4000, -4001) == 10**4001
round(1.5, -2**63), round(1.5, 2**63 - 1), round(1e300, -300), round(-0.5, -10**30)
abs(-2**63), -(-2**63), ~(-2**63), ~(2**63 - 1), +(-2**63), (-2**63) - 1, (-2**63) * -1, (2**63 - 1) + 1
(-2**63) // -1, (-2**63) % -1, divmod(-2**63, -1), (-2**63) // 1, (-2**63) % (2**63 - 1), (2**63 - 1) // -1, (-2**63) / -1
(-2**63) >> 63, (-2**63) >> 64, (-2**63) >> 10**30, 5 >> 10**30, 1 << 62 << 1, -1 << 63, -1 << 64
1 << -1
1 >> -2**63
'abc'[::2**63 - 1], 'abc'[::-2**63], 'abc'[-2**63:2**63 - 1], 'abc'[10**30:], 'abc'[:-10**30:-1], [1, 2, 3][::-10**30]
[1, 2, 3][-2**63]
[].pop(-2**63)
list(range(2**63 - 3, 2**63 - 1)), list(range(-2**63 + 2, -2**63, -1)), range(2**63 - 3, 2**63 - 1)[-1]
list(range(0, 2**63 - 1, 2**62)), list(range(5, -2**63, -2**62)), list(range(3, 2**63 - 1, 2**63 - 1)), list(range(-3, -2**63, -2**63))
range(10)[::3], range(10)[5:2], range(10)[::-1], range(10)[::-3], range(10)[2:8:2], range(0, 10, 3)[1:], range(0)[::-1]
len(range(-5, 2**62)), 2**62 in range(0, 2**63 - 1, 2), -2**63 in range(5), 10**30 in range(5), len(range(10**12)[5:10**11])
'x'.ljust(-2**63), 'x'.rjust(-2**63), 'x'.center(-2**63), 'x'.zfill(-2**63), 'x'.zfill(0), 'x'.center(4, 'é')
'%*d|%-*d|%*d|%.*f' % (5, 1, 5, 2, -5, 3, -5, 2.5)
int('-9223372036854775808'), int('9223372036854775808'), int('-8000000000000000', 16), int('  12  '), int('-0')
'abcabc'.find('c', -2**63, 2**63 - 1), 'abc'.rfind('', 10**30), 'abc'.rfind(''), 'abc'.count('', -10**30), ''.find(''), ''.rfind('a')
'aaaa'.find('aa', 1), 'aaaa'.rfind('aa'), 'aaaa'.rfind('aa', 0, 3), 'abcabcabcd'.find('abcabcd'), 'ababab'.rindex('abab')
'aabaabaac'.replace('aabaa', 'x'), 'aaaaa'.count('aa'), 'aaaaa'.split('aa'), 'aaaaa'.rsplit('aa', 1), 'aaaaa'.rsplit('aa', 5)
'aaaaa'.rpartition('aa'), 'aaaaa'.partition('aa'), 'abab' in 'aababb', 'ababb' in 'aababb', 'é' in 'à', '' in '', 'ab' in 'a'
'éàéàé'.find('éàé', 1), 'éàéàé'.rfind('àé'), 'éàéàé'.count('éà', 1, -1), 'éàé'.startswith('à', 1), 'éàé'.endswith('à', 0, 2)
'éàé'.startswith('é', 10**30), 'éàé'.startswith(('x', 'éà')), 'éàé'.endswith(()), 'ab'.removeprefix('abc'), 'ab'.removesuffix('b')
'xyxabcyx'.strip('xy'), 'ééaéé'.strip('é'), 'éaà'.strip('àé'), 'aé'.rstrip('à'), 'abc'.strip(''), ''.strip('a'), ' a '.strip(None)
isinstance(1, ((str, (float,)), (int,))), isinstance('a', ((str, (float,)), (int,))), isinstance('', ()), isinstance(True, (str, int))
[0] * 5 == [0] * 5, [0] * 5 < [0] * 5 + [1], {1, 2} == {2, 1}, {1, 2} <= {2, 1, 3}, {1} < {1}, {1: 2} == {1: 2.0}, {1} ^ {2} | {3}
d = {i: i for i in range(50)}; [d.pop(i) for i in range(0, 50, 2)]; d[4] = 1; d
s = set(range(40)); [s.remove(i) for i in range(30)]; s.add(3); sorted(s), len(s), s == {3} | set(range(30, 40))
(lambda x: [x for x in [x, x + 1]] + [x])(1), (lambda n: [a for a, *b in [(n, 2, 3)]] + [b for b in [n]])(5)
)PY";

// A statement that is repeated until the limit of steps: after `before`, so often that what it costs adds up.
struct SlowProgram { std::string before, again; };
inline std::vector<SlowProgram> slow_programs() {
    const auto row = [](const char* start, const char* each, const char* end, int n) {       // each with its number, n times
        std::string s = start;
        for (int i = 0; i < n; i++) s += cat(each, i, end);
        return s;
    };
    const std::string a = "x = 'a' * 5000000\n", b = "x = 'a' * 1600000\n";
    // so long that a search can be paid for, once
    const std::string ab = b + "y = 'a' * 800000 + 'b'\n", ba = b + "y = 'b' + 'a' * 800000\n";
    const std::string zeros = "x = [0] * 400000\ny = [0] * 400000\n", sets = "x = set(range(8000))\ny = set(range(9000, 17000))\n";
    const std::string same = "x = {i for i in range(9000)}\ny = x.copy()\n";
    const std::string long_name(28000, 'n'), big = "x = 7 ** 20000\ny = 3 ** 20000\n";
    std::string nested = long_name + " for z in range(10**9)]";
    for (int i = 0; i < 20; i++) nested = "[" + nested + row(" for ", "a", ", ", 24) + "z in t]";       // scopes, each with names of its own
    return {
        {ab, "y in x"}, {ab, "x.find(y)"}, {ab, "x.count(y)"}, {ab, "x.replace(y, '')"}, {ab, "x.split(y)"}, {ab, "x.partition(y)"},
        {ab, "x.rfind(y)"}, {ba, "x.rfind(y)"}, {ab, "x.rpartition(y)"}, {ab, "x.rsplit(y, 1)"}, {ab, "x.startswith(y)"}, {a, "x.removesuffix(x)"},
        {a, "x.startswith(x)"}, {"x = 'é' * 2000000\n", "x.startswith('é', 1999999)"}, {"x = ('b',) * 800000\n", "'b'.startswith(x)"},
        {a, "x.strip('bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-a')"}, {a, "'x'.strip(x)"}, {a, "print(x)"},
        {"x = ' ' * 5000000 + '1'\n", "int(x)"}, {a, "'%.1s' % x"}, {a, "f'{x:.1}'"}, {a, "len(repr(x))"},
        {"x = '\\1' * 3000000\n", "repr(x)"}, {a, "x.splitlines()"}, {"x = '%%' * 2500000\n", "x % ()"}, {a, "x.rsplit(None, 1)"},
        {"x = 'a' * 3000000\n", "x.replace('a', 'b')"}, {zeros, "x == y"}, {zeros, "x < y"}, {zeros, "x.count(0)"}, {zeros, "[x] == [y]"},
        {"x = [0] * 800000\n", "x.remove(0)"}, {"x = [[0] * 80000 + [i] for i in range(8)]\n", "sorted(x)"},
        {sets, "x & y"}, {same, "x == y"}, {same, "x <= y"},
        {"x = int\nfor i in range(60): x = (x, x)\n", "isinstance('a', x)"},
        {row("def f(", "a", "=0, ", 5000) + "z=0): pass\n", "f()"},
        {row("def f(", "a", "=0, ", 3000) + "z=0): pass\n", row("f(", "a", "=1, ", 3000) + "z=1)"},
        {"", row("from math import ", "e as a", ", ", 4000) + "e as z"}, {"", row("('{z}' * 9000).format(", "a", "=0, ", 5000) + "z=1)"},
        {long_name + " = 1\n", long_name}, {"t = [range(25)]\n" + long_name + " = 1\n", "[" + nested},
        {row("def f():\n  ", "a", "=0;", 4000) + row("", "[a for a in b", "];", 1500) + "0\n", "pass"},
        {"", "0x" + std::string(60000, 'f')}, {"", "f'{1e308:.1000f}'"}, {"", "round(1e308, 330)"}, {"", "f'{1:05000,}'"},
        {"", "pow(2, 2**65535, 7)"},
        {big, "y * y"}, {big, "x // (y + 1)"}, {big, "x % y"}, {big, "hex(x)"}, {big, "x ** 1 == x"}, {"x = 10 ** 4299\n", "str(x)"},
        {big, "pow(x, 1, 3 ** 2000)"},
        {"import math\n" + big, "math.isqrt(x)"}, {"import math\n" + big, "math.gcd(x, y)"}, {"import math\n", "math.factorial(3000)"},
        {"x = '1' * 4300\n", "int(x)"}, {"x = ['a' * 1000] * 5000\n", "','.join(x)"}, {"x = [[0] * 1000] * 100\n", "sum(x, [])"},
    };
}

// ---- attacks on the tool

struct Attack { const char* kind; std::string program, answer; };        // answer: what the text of the result contains
inline std::vector<Attack> interpreter_attacks() {
    return {
        {"failing", "print('before')\n1 / 0", "before\nZeroDivisionError: division by zero"},
        {"failing", "x = (", "SyntaxError"},
        {"failing", "print(undefined)", "NameError: name 'undefined' is not defined"},
        {"slow", "x = 'a' * 5000000\ny = 'a' * 2500000 + 'b'\nwhile True: y in x", "TimeoutError: more than 100000 steps"},
        {"slow", "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf(90)", "TimeoutError: more than 100000 steps"},
        {"endless", "while True: pass", "TimeoutError: more than 100000 steps"},
        {"endless", "f = lambda: f()\nf()", "RecursionError: maximum recursion depth exceeded"},
        {"huge", "'a' * 10**10", "MemoryError"},
        {"huge", "x = 'ab'\nwhile True: x += x", "MemoryError"},
        {"huge", "9 ** 9 ** 9", "OverflowError"},
        {"huge", "while True: print('spam' * 100)", "[cut after 2000 characters]"},
        {"huge", std::string(100000, 'x'), "MemoryError: programs of more than"},
        {"malicious", "import os\nos.system('id')", "ImportError: import of 'os' is not allowed here"},
        {"malicious", "open('/etc/passwd').read()", "NameError: name 'open' is not defined"},
        {"malicious", "__import__('os')", "NameError"},
        {"malicious", "().__class__.__bases__[0].__subclasses__()", "AttributeError"},
        {"malicious", "'{0.__class__}'.format(1)", "ValueError"},
        {"malicious", "eval('1')", "NameError: name 'eval' is not defined"},
        {"malicious", std::string("\xff\xfe\0<|im_end|>", 13), "SyntaxError"},
        {"malicious", std::string(50000, '('), "SyntaxError"},
    };
}
inline std::vector<Attack> child_attacks() {        // for limits of 3 s by the clock and 1 s of the processor
    return {
        {"failing", "print('before')\n1 / 0", "before\nZeroDivisionError: division by zero"},
        {"failing", "x = (", "SyntaxError"},
        {"slow", "import time\ntime.sleep(100)", "TimeoutError: more than 3 seconds"},
        {"endless", "while True: pass", "TimeoutError: more than"},
        {"endless", "f = lambda: f()\nf()", "RecursionError"},
        {"huge", "'a' * 10**10", "MemoryError"},
        {"huge", "while True: print('spam' * 100)", "[cut after 2000 characters]"},
        {"huge", std::string(200000, '1'), "Error"},
        {"malicious", "import socket\nsocket.socket()", "PermissionError"},
        {"malicious", "import os\nwhile True: os.fork()", "PermissionError"},
        {"malicious", "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'id'])", "PermissionError"},
        {"malicious", "import os\nos.kill(os.getppid(), 9)", "PermissionError"},
        {"malicious", "import os\nos.abort()", "python3 crashed"},
        {"malicious", std::string("\xff\xfe<|im_end|>"), "SyntaxError"},
    };
}

}  // namespace tools_test
