// interpreter_numbers.hpp -- numbers as Python has them: integers without a largest one, and the decimal text of floats.
//
// An integer is a sign and a row of 32-bit digits ("limbs"), the lowest first, as one calculates on paper in base 2^32: schoolbook
// addition and multiplication, and Knuth's long division (TAOCP volume 2, 4.3.1, algorithm D). Python rounds a quotient towards
// minus infinity, and so does `floor_divide`. A quotient as a float is rounded once, to the nearest even float, however large the
// two integers are. A float is written with the fewest digits that read back as the same float (std::to_chars), laid out by the
// rules of Python's repr: 1e16, 0.0001, 1e-05.
// Promises: no operation is inexact or overflows. The cost grows with the square of the length at worst; who calls limits the length.
// Does not: know the types of the language, or raise its errors (interpreter_values.hpp).
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "common.hpp"

namespace interp {

struct BigInt {
    bool negative = false;
    std::vector<uint32_t> limbs;                        // lowest first, the last one is not 0; zero has none and is not negative

    BigInt() = default;
    explicit BigInt(int64_t n) : negative(n < 0) {
        for (uint64_t m = n < 0 ? 0 - uint64_t(n) : uint64_t(n); m; m >>= 32) limbs.push_back(uint32_t(m));
    }
    bool is_zero() const { return limbs.empty(); }
    bool is_odd() const { return !limbs.empty() && (limbs[0] & 1); }
    // The number of bits of |this|; 0 for zero.
    int64_t bits() const {
        return limbs.empty() ? 0 : int64_t(limbs.size()) * 32 - __builtin_clz(limbs.back());
    }
    bool fits_int64() const {
        if (limbs.size() < 2) return true;
        if (limbs.size() > 2) return false;
        const uint64_t m = uint64_t(limbs[1]) << 32 | limbs[0];
        return m <= uint64_t(INT64_MAX) + (negative ? 1 : 0);
    }
    int64_t to_int64() const {                          // only where fits_int64()
        uint64_t m = 0;
        for (size_t i = limbs.size(); i-- > 0;) m = m << 32 | limbs[i];
        return int64_t(negative ? 0 - m : m);
    }
    BigInt& trim() {
        while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
        if (limbs.empty()) negative = false;
        return *this;
    }
    BigInt operator-() const {
        BigInt r = *this;
        r.negative = !negative && !limbs.empty();
        return r;
    }
    bool operator==(const BigInt&) const = default;
};

// -1, 0 or 1: |a| against |b|, and a against b.
inline int compare_magnitude(const BigInt& a, const BigInt& b) {
    if (a.limbs.size() != b.limbs.size()) return a.limbs.size() < b.limbs.size() ? -1 : 1;
    for (size_t i = a.limbs.size(); i-- > 0;)
        if (a.limbs[i] != b.limbs[i]) return a.limbs[i] < b.limbs[i] ? -1 : 1;
    return 0;
}
inline int compare(const BigInt& a, const BigInt& b) {
    if (a.negative != b.negative) return a.negative ? -1 : 1;
    return a.negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

inline BigInt add(const BigInt& a, const BigInt& b) {
    BigInt r;
    if (a.negative == b.negative) {
        uint64_t carry = 0;
        for (size_t i = 0; i < std::max(a.limbs.size(), b.limbs.size()) || carry; i++) {
            carry += uint64_t(i < a.limbs.size() ? a.limbs[i] : 0) + (i < b.limbs.size() ? b.limbs[i] : 0);
            r.limbs.push_back(uint32_t(carry));
            carry >>= 32;
        }
        r.negative = a.negative;
        return r.trim();
    }
    const bool a_larger = compare_magnitude(a, b) >= 0;
    const BigInt &large = a_larger ? a : b, &small = a_larger ? b : a;
    int64_t borrow = 0;
    for (size_t i = 0; i < large.limbs.size(); i++) {
        const int64_t d = int64_t(large.limbs[i]) - (i < small.limbs.size() ? small.limbs[i] : 0) - borrow;
        borrow = d < 0;
        r.limbs.push_back(uint32_t(d));
    }
    r.negative = large.negative;
    return r.trim();
}
inline BigInt subtract(const BigInt& a, const BigInt& b) {
    return add(a, -b);
}

inline BigInt multiply(const BigInt& a, const BigInt& b) {
    BigInt r;
    r.limbs.assign(a.limbs.size() + b.limbs.size(), 0);
    for (size_t i = 0; i < a.limbs.size(); i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b.limbs.size(); j++) {
            carry += uint64_t(a.limbs[i]) * b.limbs[j] + r.limbs[i + j];
            r.limbs[i + j] = uint32_t(carry);
            carry >>= 32;
        }
        r.limbs[i + b.limbs.size()] = uint32_t(carry);
    }
    r.negative = a.negative != b.negative;
    return r.trim();
}

// this * 2^n, and floor(this / 2^n).
inline BigInt shift_left(const BigInt& a, int64_t n) {
    if (a.is_zero()) return a;
    BigInt r;
    r.negative = a.negative;
    r.limbs.assign(size_t(n / 32), 0);
    const int bits = int(n % 32);
    uint64_t carry = 0;
    for (const uint32_t limb : a.limbs) {
        carry |= uint64_t(limb) << bits;
        r.limbs.push_back(uint32_t(carry));
        carry >>= 32;
    }
    r.limbs.push_back(uint32_t(carry));
    return r.trim();
}
inline BigInt shift_right(const BigInt& a, int64_t n) {
    const size_t whole = size_t(n / 32);
    const int bits = int(n % 32);
    BigInt r;
    r.negative = a.negative;
    bool lost = false;
    for (size_t i = 0; i < std::min(whole, a.limbs.size()); i++) lost |= a.limbs[i] != 0;
    for (size_t i = whole; i < a.limbs.size(); i++) {
        const uint64_t two = uint64_t(i + 1 < a.limbs.size() ? a.limbs[i + 1] : 0) << 32 | a.limbs[i];
        r.limbs.push_back(uint32_t(two >> bits));
        if (i == whole) lost |= (a.limbs[i] & ((uint64_t(1) << bits) - 1)) != 0;
    }
    r.trim();
    if (a.negative && lost) {                           // rounded towards minus infinity
        r.negative = true;
        r = subtract(r, BigInt(1));
    }
    return r;
}

// |a| / n for one limb n > 0; the remainder is returned.
inline uint32_t divide_by_limb(BigInt& a, uint32_t n) {
    uint64_t rest = 0;
    for (size_t i = a.limbs.size(); i-- > 0;) {
        rest = rest << 32 | a.limbs[i];
        a.limbs[i] = uint32_t(rest / n);
        rest %= n;
    }
    a.trim();
    return uint32_t(rest);
}

// |a| = q |b| + r with 0 <= r < |b|, b not zero (Knuth, algorithm D: guess each digit from the leading two, correct it by at most 2).
inline void divide_magnitude(const BigInt& a, const BigInt& b, BigInt& q, BigInt& r) {
    q = r = BigInt();
    if (compare_magnitude(a, b) < 0) {
        r.limbs = a.limbs;
        return;
    }
    if (b.limbs.size() == 1) {
        q.limbs = a.limbs;
        r = BigInt(int64_t(divide_by_limb(q, b.limbs[0])));
        return;
    }
    const int shift = __builtin_clz(b.limbs.back());    // the divisor's first digit becomes at least half the base
    BigInt u, v;
    u.limbs = a.limbs;
    v.limbs = b.limbs;
    u = shift_left(u, shift);
    v = shift_left(v, shift);
    u.limbs.resize(a.limbs.size() + 1, 0);
    const size_t n = v.limbs.size(), m = u.limbs.size() - n - 1;
    q.limbs.assign(m + 1, 0);
    for (size_t j = m + 1; j-- > 0;) {
        const uint64_t top = uint64_t(u.limbs[j + n]) << 32 | u.limbs[j + n - 1];
        uint64_t digit = top / v.limbs[n - 1], rest = top % v.limbs[n - 1];
        while (digit >> 32 || digit * v.limbs[n - 2] > (rest << 32 | u.limbs[j + n - 2])) {
            digit--;
            rest += v.limbs[n - 1];
            if (rest >> 32) break;
        }
        uint64_t carry = 0;
        int64_t borrow = 0;
        for (size_t i = 0; i < n; i++) {
            carry += digit * v.limbs[i];
            const int64_t d = int64_t(u.limbs[i + j]) - borrow - int64_t(uint32_t(carry));
            u.limbs[i + j] = uint32_t(d);
            borrow = d < 0;
            carry >>= 32;
        }
        const int64_t d = int64_t(u.limbs[j + n]) - borrow - int64_t(carry);
        u.limbs[j + n] = uint32_t(d);
        if (d < 0) {                                    // one too many: add the divisor back
            digit--;
            uint64_t sum = 0;
            for (size_t i = 0; i < n; i++) {
                sum += uint64_t(u.limbs[i + j]) + v.limbs[i];
                u.limbs[i + j] = uint32_t(sum);
                sum >>= 32;
            }
            u.limbs[j + n] += uint32_t(sum);
        }
        q.limbs[j] = uint32_t(digit);
    }
    q.trim();
    r = shift_right(u.trim(), shift);
}

// a = q b + r, q rounded towards minus infinity, r with the sign of b (Python's // and %); b is not zero.
inline void floor_divide(const BigInt& a, const BigInt& b, BigInt& q, BigInt& r) {
    divide_magnitude(a, b, q, r);
    q.negative = a.negative != b.negative && !q.is_zero();
    r.negative = a.negative && !r.is_zero();
    if (!r.is_zero() && r.negative != b.negative) {
        q = subtract(q, BigInt(1));
        r = add(r, b);
    }
}

// The sign of a float, of zeros too, by its bit: the program is compiled with -fno-signed-zeros, under which std::signbit(-0.0) is false.
inline bool sign_of(double x) {
    uint64_t bits;
    std::memcpy(&bits, &x, 8);
    return bits >> 63;
}
inline double with_sign(double x, bool negative) {
    uint64_t bits;
    std::memcpy(&bits, &x, 8);
    bits = (bits & ~(uint64_t(1) << 63)) | uint64_t(negative) << 63;
    std::memcpy(&x, &bits, 8);
    return x;
}

// a / b as the nearest float, ties to the even one; infinite where it is too large. b is not zero.
inline double true_divide(const BigInt& a, const BigInt& b) {
    if (a.is_zero()) return with_sign(0.0, b.negative);
    const int64_t gap = a.bits() - b.bits();
    const bool negative = a.negative != b.negative;
    if (gap > 1026) return with_sign(std::numeric_limits<double>::infinity(), negative);
    if (gap < -1080) return with_sign(0.0, negative);
    const int64_t shift = std::max<int64_t>(0, 66 - gap);      // the quotient has at least 65 bits: more than a float holds
    BigInt q, r;
    divide_magnitude(shift_left(a, shift), b, q, r);
    const int64_t keep = std::min<int64_t>(53, q.bits() - shift + 1074);  // fewer bits where the float is subnormal
    if (keep < 0) return with_sign(0.0, negative);
    const int64_t drop = q.bits() - keep;
    BigInt m = shift_right(q, drop);
    const BigInt lost = subtract(q, shift_left(m, drop)), half = shift_left(BigInt(1), drop - 1);
    const int side = compare(lost, half);
    if (side > 0 || (side == 0 && (!r.is_zero() || m.is_odd()))) m = add(m, BigInt(1));
    return with_sign(std::ldexp(double(m.to_int64()), int(drop - shift)), negative);
}
inline double to_double(const BigInt& a) {
    return true_divide(a, BigInt(1));
}

// The integer part of a finite float.
inline BigInt from_double(double x) {
    int exponent = 0;
    const double fraction = std::frexp(std::trunc(x), &exponent);   // |fraction| in [0.5, 1)
    const BigInt m(int64_t(std::ldexp(fraction, 53)));
    return exponent >= 53 ? shift_left(m, exponent - 53) : BigInt(int64_t(std::trunc(x)));
}

// a ** n for n >= 0; the caller has checked the size of the result.
inline BigInt power(const BigInt& a, uint64_t n) {
    BigInt result(1), square = a;
    for (; n; n >>= 1) {
        if (n & 1) result = multiply(result, square);
        if (n > 1) square = multiply(square, square);
    }
    return result;
}

// a & b, a | b, a ^ b of two's complement numbers with endlessly many sign bits.
inline BigInt bitwise(const BigInt& a, const BigInt& b, char op) {
    const size_t n = std::max(a.limbs.size(), b.limbs.size()) + 1;
    const auto complement = [n](const BigInt& x) {
        std::vector<uint32_t> v = x.limbs;
        v.resize(n, 0);
        if (!x.negative) return v;
        uint64_t carry = 1;
        for (uint32_t& limb : v) {
            carry += uint32_t(~limb);
            limb = uint32_t(carry);
            carry >>= 32;
        }
        return v;
    };
    const std::vector<uint32_t> u = complement(a), v = complement(b);
    BigInt r;
    for (size_t i = 0; i < n; i++) r.limbs.push_back(op == '&' ? u[i] & v[i] : op == '|' ? u[i] | v[i] : u[i] ^ v[i]);
    if (r.limbs.back() >> 31) {
        r.negative = true;
        r.limbs = complement(r);
    }
    return r.trim();
}

// The digits in base 2 to 36 with a minus sign, lower case.
inline std::string to_text(BigInt a, uint32_t base = 10) {
    if (a.is_zero()) return "0";
    const bool negative = a.negative;
    uint32_t chunk = base;                              // the largest power of the base in a limb: so many digits a division
    int chunk_digits = 1;
    while (uint64_t(chunk) * base <= UINT32_MAX) chunk *= base, chunk_digits++;
    std::string s;
    while (!a.is_zero()) {
        uint32_t rest = divide_by_limb(a, chunk);
        for (int i = 0; i < chunk_digits && (rest || !a.is_zero()); i++, rest /= base) s += "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base];
    }
    if (negative) s += '-';
    std::reverse(s.begin(), s.end());
    return s;
}

inline int digit_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}
// The digits of a number in the base (2 to 36), a single underscore between two of them allowed; false where it is none.
inline bool parse_digits(std::string_view s, uint32_t base, BigInt& out) {
    out = BigInt();
    if (s.empty() || s.back() == '_' || s[0] == '_') return false;
    for (size_t i = 0; i < s.size(); i++) {
        if (s[i] == '_' && s[i - 1] != '_') continue;
        const int d = digit_value(s[i]);
        if (d >= int(base)) return false;
        uint64_t carry = uint64_t(d);
        for (uint32_t& limb : out.limbs) {
            carry += uint64_t(limb) * base;
            limb = uint32_t(carry);
            carry >>= 32;
        }
        if (carry) out.limbs.push_back(uint32_t(carry));
    }
    return true;
}

// ---- floats

// The shortest digits of x > 0 that read back as x ("12345"), and the power of ten of the first one.
inline std::string shortest_digits(double x, int& exponent) {
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::scientific).ptr;
    const std::string s(buffer, end);
    const size_t e = s.find('e');
    exponent = std::stoi(s.substr(e + 1));
    std::string digits = s.substr(0, 1);
    if (e > 2) digits += s.substr(2, e - 2);
    return digits;
}

// digits * 10^(exponent - number of digits + 1) as d.ddde+05, or as dd.ddd where `scientific` is false.
inline std::string layout_digits(std::string digits, int exponent, bool scientific, bool dot_zero) {
    if (scientific) {
        std::string s = digits.substr(0, 1);
        if (digits.size() > 1) s += "." + digits.substr(1);
        return s + strprintf("e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    }
    if (exponent < 0) return "0." + std::string(size_t(-exponent - 1), '0') + digits;
    if (digits.size() <= size_t(exponent) + 1) {
        digits.append(size_t(exponent) + 1 - digits.size(), '0');
        return dot_zero ? digits + ".0" : digits;
    }
    return digits.substr(0, size_t(exponent) + 1) + "." + digits.substr(size_t(exponent) + 1);
}

// As Python's repr: shortest round trip, exponents below 1e-4 and from 1e16 on.
inline std::string float_text(double x) {
    if (std::isnan(x)) return "nan";
    const std::string sign = sign_of(x) ? "-" : "";
    if (std::isinf(x)) return sign + "inf";
    if (x == 0) return sign + "0.0";
    int exponent = 0;
    const std::string digits = shortest_digits(std::fabs(x), exponent);
    return sign + layout_digits(digits, exponent, exponent < -4 || exponent >= 16, true);
}

// Python's float("..."): decimal with exponent, underscores between digits, inf and nan; false where it is none of these.
inline bool parse_float(std::string_view text, double& out) {
    std::string s;
    for (size_t i = 0; i < text.size(); i++) {
        const auto digit = [&](size_t k) { return k < text.size() && text[k] >= '0' && text[k] <= '9'; };
        if (text[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1)) continue;
        s += char(std::tolower(static_cast<unsigned char>(text[i])));
    }
    const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
    const std::string_view body = std::string_view(s).substr(sign ? 1 : 0);
    const bool minus = s.starts_with('-');
    if (body == "inf" || body == "infinity") return out = with_sign(std::numeric_limits<double>::infinity(), minus), true;
    if (body == "nan") return out = std::numeric_limits<double>::quiet_NaN(), true;
    if (body.empty() || !((body[0] >= '0' && body[0] <= '9') || body[0] == '.')) return false;
    double value = 0;
    const auto result = std::from_chars(body.data(), body.data() + body.size(), value);
    if (result.ptr != body.data() + body.size() || result.ec == std::errc::invalid_argument) return false;
    if (result.ec == std::errc::result_out_of_range) value = std::strtod(std::string(body).c_str(), nullptr);  // inf, or next to 0
    out = with_sign(value, minus);
    return true;
}

// x rounded to `digits` places after the point (negative: before it), exactly: half-way cases of the true value go to the even digit.
inline double round_decimal(double x, int64_t digits) {
    if (!std::isfinite(x) || x == 0 || digits > 330) return x;
    if (digits >= 0) return std::strtod(strprintf("%.*f", int(digits), x).c_str(), nullptr);
    int exponent = 0;
    shortest_digits(std::fabs(x), exponent);
    const int64_t keep = exponent + 1 + digits;         // digits that remain
    if (keep > 0) return std::strtod(strprintf("%.*e", int(keep - 1), x).c_str(), nullptr);
    if (keep < 0) return with_sign(0.0, sign_of(x));
    const double ten = std::strtod(strprintf("1e%d", int(-digits)).c_str(), nullptr);
    return with_sign(std::fabs(x) > ten / 2 ? ten : 0.0, sign_of(x));
}

}  // namespace interp
