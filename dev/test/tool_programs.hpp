// dev/test/tool_programs.hpp -- small programs whose output must be the same in our interpreter and in python3 (test_tools.hpp compares them).
//
// First those of one line, one a line; then those of several, between lines of `====`. Programs that end in an error are in it too: the texts of the
// errors are Python 3.11's.
#pragma once

inline constexpr const char* kLinePrograms = R"PY(1 + 1
2 + 3 * 4 - 5
(2 + 3) * 4
2 ** 10
2 ** 100
-2 ** 2
2 ** -1
2 ** -2
(-2) ** 3
0 ** 0
10 ** 20 // 3
7 // 2
-7 // 2
7 // -2
-7 // -2
7 % 3
-7 % 3
7 % -3
-7 % -3
7.5 // 2
-7.5 // 2
7.5 % -2
-7.5 % 2
5 % 3.5
-0.0
0.0 * -1
-0.0 == 0.0
1 / 3
2 / 3
10 / 5
1e16
1e15
123456789012345678
1e16 + 1
1e22
1e-5
0.0001
1.5e300 * 1e10
1e308 * 10
-1e308 * 10
float('inf') - float('inf')
0.1 + 0.2
9.11 < 9.9
9.11 - 9.9
100 * 1.1
3.0
3.14159265358979
1 / 0
1 // 0
1 % 0
1.0 / 0
1.0 // 0
1.0 % 0
0.0 ** -1
0 ** -1
divmod(17, 5)
divmod(-17, 5)
divmod(17.5, -5)
divmod(1, 0)
123456789 * 987654321
12345678901234567890 * 98765432109876543210
98765432109876543210 // 12345678901
98765432109876543210 % 12345678901
-98765432109876543210 // 12345678901
-98765432109876543210 % 12345678901
98765432109876543210 / 12345678901
10**30 / 10**10
10**400 / 10**399
10**400 / 3
1 / 10**400
-1 / 10**400
10**400 * 1.0
float(10**400)
2**53 + 1.0
2**53 == 2**53 + 1.0
2**53 + 1 == float(2**53)
10**20 == 1e20
10**23 == 1e23
3 < 3.5 < 4
1 < 3 > 2
1 < 2 < 2
1 == 1.0 == True
0x1F + 0o17 + 0b101
1_000_000
-5
+5
~5
~-1
not 5
not 0
5 & 3
5 | 3
5 ^ 3
-5 & 3
-5 | 3
1 << 70
-1 >> 3
(1 << 70) >> 68
-(2**70) >> 3
2**70 & (2**65 - 1)
-(2**70) | 12345
-(2**70) ^ (2**65 + 7)
True + True
True & False
True | 2
None
None is None
1 is not None
'abc'
"it's"
'say "hi"'
'both \' and "'
'a\nb\tc\\'
'\x41\u00e9\101'
r'\n'
'''triple 'quoted' text'''
'abc' 'def'
'abc' + 'def'
'ab' * 3
3 * 'ab'
'ab' * -1
'abc'[0]
'abc'[-1]
'abc'[5]
'abc'[-4]
'ubiquitous'[2::3]
'ubiquitous'[::3]
'hello'[::-1]
'hello'[1:3]
'hello'[-3:-1]
'hello'[10:]
'hello'[3:1]
'hello'[::-2]
'hello'[3::-1]
'hello'[::0]
'héllo wörld'[::-1]
len('héllo')
'héllo'.upper()
'ÀÉÎ'.lower()
'日本語'[1]
len('日本語')
'日本語'.find('語')
'strawberry'.count('r')
'banana'.count('ana')
'banana'.count('')
'aaa'.count('a', 1)
'strawberry'.find('r')
'strawberry'.rfind('r')
'strawberry'.find('z')
'strawberry'.index('z')
'strawberry'.index('b')
'hello world'.split()
'  a  b c '.split()
'a,b,,c'.split(',')
'a,b,c'.split(',', 1)
'a b c d'.split(None, 2)
'a,b,c'.rsplit(',', 1)
''.split()
''.split(',')
'abc'.split('')
'a\nb\r\nc'.splitlines()
', '.join(['a', 'b', 'c'])
''.join(reversed('abc'))
'-'.join('abc')
','.join([1, 2])
'  x '.strip()
'xxaxx'.strip('x')
'xxaxx'.lstrip('x')
'xxaxx'.rstrip('x')
'hello'.replace('l', 'L')
'hello'.replace('l', 'L', 1)
'abc'.replace('', '-')
'hello'.startswith('he')
'hello'.endswith(('lo', 'x'))
'hello'.startswith('l', 2)
'abc'.isalpha(), 'ab1'.isalpha(), ''.isalpha()
'123'.isdigit(), '12a'.isdigit(), ''.isdigit()
'abc1'.isalnum(), ' '.isspace(), 'ABC'.isupper(), 'abc'.islower()
'hello world'.title()
'hELLO'.capitalize()
'Hello'.swapcase()
'42'.zfill(5)
'-42'.zfill(5)
'ab'.center(7, '*')
'ab'.center(6, '*')
'abc'.center(6)
'ab'.ljust(5) + '|'
'ab'.rjust(5) + '|'
'a=b=c'.partition('=')
'a=b=c'.rpartition('=')
'abc'.partition('x')
'prefix_x'.removeprefix('prefix_')
'{} and {}'.format(1, 'two')
'{1} {0} {name}'.format(1, 2, name='x')
'{:>8.2f}|{:<5}|{:^7}'.format(3.14159, 'ab', 'mid')
'{:{}}'.format('x', 5)
'{0!r}'.format('a')
'%d %s %.2f %5d %-5d| %05d %x %%' % (1, 'a', 2.5, 42, 42, 42, 255)
'%s' % [1, 2]
'%r' % 'a'
'%(a)s' % {'a': 1}
'%d %d' % (1,)
'%d' % 'a'
'%x' % 1.5
'%c%c' % (97, 'b')
'%5.1f|%-8.3s|%+d' % (2.25, 'abcdef', 7)
'%y' % 1
'%' % 1
'a' % 1
'%e' % 12345.678
'%g' % 0.00001234
f'{1 + 1}'
f'{3.14159:.2f}'
f'{1234567:,}'
f'{1234567.891:,.2f}'
f'{255:x} {255:X} {255:b} {255:o} {255:#x} {255:08b}'
f'{42:05d}|{42:>6}|{42:<6}|{42:^6}|{42:+}'
f'{-42:06d}'
f'{0.256:.1%}'
f'{"text":>10}|'
f'{"text":*^10}|'
f'{1e10}'
f'{12345.678:e}'
f'{12345.678:.3g}'
f'{0.1:.3}'
f'{1234567.0:.3}'
f'{100.0:.3}'
f'{1000:010,}'
f'{True}'
f'{True:5}|'
f'{"a"!r:>5}'
f'{2 + 2 = }'
f'{{}} {1}'
f'{[1, 2][0]}'
f'{"nested " + f"{1 + 1}"}'
f'{3:{5}}'
f'{3.14159:.{2}f}'
f'{1:d}' 'plain' f'{2}'
f'{"a":d}'
f'{1.5:d}'
f'{[]:5}'
[1, 2, 3]
[]
[1, 'a', 2.5, None, True, [2]]
[1, 2] + [3]
[0] * 3
[1, 2, 3][1]
[1, 2, 3][-1]
[1, 2, 3][3]
[1, 2, 3]['a']
[1, 2, 3, 4, 5][1:4]
[1, 2, 3, 4, 5][::-1]
[1, 2, 3, 4, 5][::2]
[1, 2] == [1, 2]
[1, 2] < [1, 3]
[1, 2] < [1, 'a']
[1, 2] < [1, 2, 0]
(1, 2)
(1,)
()
(1, 2) + (3,)
1, 2
(1, 2)[0]
(1, 2)[5]
{'a': 1, 'b': 2}
{'a': 1}['a']
{'a': 1}['b']
{}['x']
{1: 'x', 1.0: 'y', True: 'z'}
{'a': 1}.get('b', 5)
{'a': 1, 'b': 2}.keys()
{'a': 1, 'b': 2}.values()
{'a': 1, 'b': 2}.items()
list({'a': 1, 'b': 2})
dict(a=1, b=2)
dict([('a', 1), ('b', 2)])
dict(zip('abc', range(3)))
{'a': 1} | {'b': 2}
{[1]: 2}
{1, 2, 3} == {3, 2, 1}
len({1, 1, 2})
sorted({3, 1, 2} | {5})
sorted({3, 1, 2} & {1, 2, 9})
sorted({3, 1, 2} - {1})
sorted({3, 1, 2} ^ {1, 7})
{1, 2} <= {1, 2, 3}
set()
{1}
3 in [1, 2, 3]
3 not in [1, 2, 3]
'a' in 'abc'
'' in 'abc'
1 in 'abc'
'a' in {'a': 1}
5 in range(10)
5 in range(0, 10, 2)
5 in 5
1 if True else 2
1 if [] else 2
0 or 'x'
0 and 'x'
1 and 2 and 3
[] or {} or None
len([1, 2, 3])
len(5)
sum([1, 2, 3])
sum([0.5, 0.25])
sum(range(101))
sum([[1], [2]], [])
sum(['a'])
sum(x * x for x in range(10))
min(3, 1, 2), max([3, 1, 2])
min([]), 1
min('b', 'a')
max('abc', key=ord)
max(['aa', 'b'], key=len)
min([], default=3)
max(1, 'a')
abs(-5), abs(-2.5), abs(-10**30)
abs('a')
round(2.5), round(3.5), round(-2.5), round(0.5)
round(2.675, 2), round(2.665, 2), round(1234.5678, -2), round(1250.0, -2), round(1.005, 2)
round(1234, -2), round(1250, -2), round(1350, -2), round(-1250, -2), round(15, -1), round(25, -1)
round(5.0, 0), round(1e20), round(0.1 + 0.2, 5)
round(67.0, -2), round(50.0, -2), round(150.0, -2), round(4.0, -1)
sorted([3, 1, 2])
sorted('hello')
sorted([3, 1, 2], reverse=True)
sorted(['banana', 'fig', 'apple'], key=len)
sorted(['b', 'A', 'c'], key=str.lower)
sorted([(2, 'b'), (1, 'z'), (2, 'a')])
sorted([1, 'a'])
sorted([9.11, 9.9, 9.8])
sorted({'b': 1, 'a': 2})
sorted([5, 3, 8], key=lambda x: -x)
list(reversed([1, 2, 3]))
range(5)
range(1, 10, 2)
list(range(5))
list(range(5, 0, -1))
list(range(0, 10, 3))
range(10)[2:5]
range(10)[-1]
range(0, 10, 0)
range(1.5)
len(range(0, 10, 3))
list(enumerate('ab'))
list(enumerate('ab', 1))
list(zip([1, 2], 'ab'))
list(zip([1, 2, 3], 'ab'))
list(map(str, [1, 2]))
list(map(int, '123'))
list(map(lambda a, b: a + b, [1, 2], [3, 4]))
list(filter(None, [0, 1, 2]))
list(filter(lambda x: x % 2, range(6)))
int('42'), int(' -7 '), int(3.9), int(-3.9), int(True), int('1_000')
int('x')
int('')
int('1.5')
int('ff', 16), int('0b11', 2), int('0x1f', 0), int('z', 36)
int([1])
int(1e20)
float('1.5'), float('1e3'), float(' -2 '), float('inf'), float(3)
float('x')
str(1.0), str(10**20), str(None), str([1, 'a']), str('x')
bool(0), bool(''), bool([0]), bool(0.0), bool()
list('abc'), tuple([1, 2]), list({'a': 1})
list(5)
ord('a'), chr(97), chr(8364), ord('€')
ord('ab')
chr(-1)
pow(2, 10), pow(2, 10, 1000), pow(2, -1), pow(7, 10**5, 13), pow(-3, 3, 7)
pow(2, 3, 0)
any([0, 1]), all([0, 1]), any([]), all([])
any(x > 3 for x in [1, 5]), all(x > 0 for x in [1, 5])
hex(255), bin(10), oct(8), hex(-255)
type(1), type('a'), type([]), type(None), type(1.5)
type(1) == int
isinstance(1, int), isinstance(True, int), isinstance('a', (int, str)), isinstance(1.0, int)
repr('a'), repr(1.5), repr([1])
format(3.14159, '.2f'), format(42, '>5')
[x * 2 for x in range(5)]
[x for x in range(10) if x % 2 == 0]
[x * y for x in range(3) for y in range(3) if x != y]
[c.upper() for c in 'abc']
[[j for j in range(i)] for i in range(4)]
{x: x * x for x in range(4)}
sorted({x % 3 for x in range(10)})
sum(1 for c in 'strawberry' if c == 'r')
''.join(c for c in 'strawberry' if c not in 'aeiou')
[(i, c) for i, c in enumerate('ab')]
max(len(w) for w in 'the quick brown'.split())
x
abc + 1
(1).foo
'a'.foo()
[].push(1)
1()
'a'()
1 + 'a'
'a' + 1
[1] + 'a'
[1] + (2,)
'a' * 'b'
'a' * 1.5
'a' - 'b'
[1] - [2]
None + 1
-'a'
1 < 'a'
[] > 1
1[0]
None[0]
for
1 +
(1, 2
[1, 2
)
'abc
1 2
x = = 1
5 = x
def
print('a' 
01
1__0
f'{'
f'{}'
print(1, 2, 3)
print(1, 2, sep='-', end='!')
print()
print('a', end='')
print([1, 'a'], {'b': 2}, (3,))
print(*[1, 2, 3])
print(*'abc', sep='')
print(1.0, 1e16, 1e-7, 123456789.123)
print('a\nb')
a = b = 3; a + b
a, b = 1, 2; a, b = b, a; (a, b)
a, b = 1, 2, 3
a, b = 1
a, b, c = 'xy'
a, *b = [1, 2, 3]; b
*a, b = 'abc'; (a, b)
a, (b, c) = 1, (2, 3); a + b + c
x = 5; x += 2; x *= 3; x -= 1; x //= 2; x
x = 7; x /= 2; x
x = 7; x %= 4; x **= 2; x
x = [1, 2]; x += [3]; x
x = [1, 2]; y = x; y += [3]; x
x = [1, 2, 3]; x[0] = 9; x
x = [1, 2, 3]; x[5] = 9
x = [1, 2, 3, 4]; x[1:3] = [9]; x
x = [1, 2, 3, 4]; x[::2] = [8, 9]; x
x = [1, 2, 3]; del x[1]; x
x = [1, 2, 3, 4]; del x[::2]; x
x = {'a': 1}; x['b'] = 2; x['a'] += 5; x
x = {'a': 1, 'b': 2}; del x['a']; x
x = {'a': 1}; del x['z']
x = (1, 2); x[0] = 3
x = 'abc'; x[0] = 'z'
x = 3; del x; x
x = [3, 1, 2]; x.sort(); x
x = [3, 1, 2]; x.sort(reverse=True); x
x = ['bb', 'a']; x.sort(key=len); x
x = [1, 2, 3]; x.reverse(); x
x = [1, 2]; x.append(3); x.extend([4, 5]); x.insert(0, 0); x
x = [1, 2, 3]; (x.pop(), x.pop(0), x)
[].pop()
x = [1, 2, 3, 2]; (x.index(2), x.count(2))
[1, 2].index(5)
x = [1, 2, 3, 2]; x.remove(2); x
[1].remove(5)
x = [1, 2]; y = x.copy(); y.append(3); (x, y)
x = {'a': 1}; x.update({'b': 2}); x.pop('a'), x
x = {}; x.setdefault('a', []).append(1); x
x = {1, 2}; x.add(3); x.discard(1); sorted(x)
x = []; x.append(x); x
x = [1, 2, 3]; x.clear(); x
x = [[0] * 2] * 2; x[0][0] = 1; x
x = [1, 2, 3]; x[-1]
assert 1 == 1
assert 1 == 2
assert 1 == 2, 'no'
import math; math.sqrt(16), math.floor(2.7), math.ceil(2.1), math.gcd(12, 18), math.pi
import math; math.sqrt(-1)
import math; math.factorial(20), math.isqrt(17), math.log(math.e), math.log2(8)
from math import sqrt, pi; sqrt(2) * pi
(lambda x, y=2: x + y)(1)
(lambda: 5)()
(lambda x: x)()
len()
len(1, 2)
int(1, 2, 3)
'a'.upper(1)
[1].append()
1 if 2
)PY";

inline constexpr const char* kBlockPrograms = R"PY(total = 0
for i in range(1, 11):
    total += i
print(total)
====
word = "strawberry"
n = 0
for c in word:
    if c == 'r':
        n += 1
print(n)
====
# a comment
x = 10   # another
while x > 0:
    x -= 3
    if x == 4:
        continue
    print(x)
else:
    print('done')
====
for i in range(5):
    if i == 3:
        break
else:
    print('never')
print(i)
====
n = 15
if n % 15 == 0:
    print('FizzBuzz')
elif n % 3 == 0:
    print('Fizz')
else:
    print(n)
====
for i in range(1, 16): print('Fizz' * (i % 3 == 0) + 'Buzz' * (i % 5 == 0) or i)
====
a, b = 0, 1
while b < 1000:
    a, b = b, a + b
print(a)
====
def fact(n):
    if n <= 1:
        return 1
    return n * fact(n - 1)
print(fact(20))
fact(5)
====
def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
[fib(i) for i in range(10)]
====
def gcd(a, b):
    while b:
        a, b = b, a % b
    return a
gcd(1071, 462)
====
def greet(name, greeting='Hello'):
    return f'{greeting}, {name}!'
print(greet('Ann'))
print(greet('Bob', greeting='Hi'))
print(greet(greeting='Yo', name='C'))
====
def f(x):
    y = x + 1
    def g(z):
        return y + z
    return g(10)
f(1)
====
def counter():
    return [lambda: i for i in range(3)]
[g() for g in counter()]
====
x = 1
def f():
    x = 2
    return x
f(), x
====
x = 1
def f():
    global x
    x = 2
f()
x
====
def f(a):
    return a
f()
====
def f(a):
    return a
f(1, 2)
====
def f(): pass
print(f())
====
def is_prime(n):
    if n < 2:
        return False
    for d in range(2, int(n ** 0.5) + 1):
        if n % d == 0:
            return False
    return True
print([n for n in range(30) if is_prime(n)])
====
counts = {}
for c in 'mississippi':
    counts[c] = counts.get(c, 0) + 1
for k, v in sorted(counts.items()):
    print(k, v)
====
matrix = [[1, 2], [3, 4]]
print([list(row) for row in zip(*matrix)])
====
text = """line one
line two"""
print(text.split('\n'))
====
x = (1 +
     2 +
     3)
x
====
x = 1 + \
    2
x
====
if True:
    x = 1
    if x:
        y = 2
print(x + y)
====
if True:
print(1)
====
  print(1)
====
if True:
    x = 1
  y = 2
====
print('before')
1 / 0
====
for i in range(3):
    print(10 // (2 - i))
====
emily = 13 - 2 * 2
print(emily / 3)
====
words = 'the cat sat on the mat the end'.split()
freq = {w: words.count(w) for w in words}
print(max(freq, key=freq.get), freq)
====
s = 'A man a plan'
t = ''.join(c for c in s.lower() if c.isalpha())
print(t, t == t[::-1])
====
for i, (a, b) in enumerate(zip('abc', [1, 2, 3])):
    print(i, a, b)
====
n, steps = 27, 0
while n != 1:
    n = n // 2 if n % 2 == 0 else 3 * n + 1
    steps += 1
steps
====
x = [5, 2, 9, 1]
for i in range(len(x)):
    for j in range(len(x) - 1 - i):
        if x[j] > x[j + 1]:
            x[j], x[j + 1] = x[j + 1], x[j]
x
====
break
====
return 1
====
x: int = 5
y: str
x
====
def f():
    print(v)
    v = 1
f()
====
it = iter([1, 2, 3])
print(next(it), next(it), list(it))
====
z = zip([1, 2], [3, 4])
print(list(z), list(z))
====
d = {'b': 1, 'a': 2}
for k in d:
    d[k] += 1
d
====
d = {'b': 1}
for k in d:
    d['x'] = 1
====
print("%s has %d letters" % ("tree", len("tree")))
print("{:.3f}".format(2 / 3))
print(f"{'x':>{4}}")
====
i = 5
[i for i in range(3)]
print(i)
====
print(0.1 + 0.7, 1.1 * 3, 4.35 * 100, 1 / 7, 2 ** 0.5, 1e300 * 1e10, -1.5e-10)
====
def power(base, n):
    result = 1
    while n:
        if n & 1: result *= base
        base *= base; n >>= 1
    return result
power(3, 100) == 3 ** 100, power(7, 77)
)PY";
