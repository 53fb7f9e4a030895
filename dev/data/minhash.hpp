// minhash.hpp -- a page as 112 numbers, such that two pages share many of them if they share much text.
//
// The text is simplified (lower case, digits to 0, no punctuation, no accents) and cut into all runs of five words. Each run
// is hashed to x; 112 random functions (a x + b) mod (2^61 - 1) are applied, and of each the smallest value over the page is
// kept. Two pages agree in one of these minima with chance s, their Jaccard similarity; in all 8 of a bucket with s^8; in at
// least one of 14 buckets with 1 - (1 - s^8)^14: 0.56 at s = 0.70, 0.92 at 0.80, 0.988 at 0.85.
// The numbers equal datatrove's, its accidents included: a x + b wraps at 2^64 before the modulus, a and b come from numpy's
// RandomState(1) (a Mersenne twister, two draws per number), and hashes are SHA-1 (FineWeb) or xxHash64 (its default today).
// A page with fewer than five words has no signature and is never a duplicate.
#pragma once

#include <random>

#include "words.hpp"

namespace webtext {

constexpr uint64_t kMersenne61 = (uint64_t(1) << 61) - 1;

// ---- hashes of bytes

// xxHash64 (Collet), seed 0 unless given.
inline uint64_t xxhash64(std::string_view s, uint64_t seed = 0) {
    constexpr uint64_t P1 = 11400714785074694791ull, P2 = 14029467366897019727ull, P3 = 1609587929392839161ull, P4 = 9650029242287828579ull,
                       P5 = 2870177450012600261ull;
    const auto rotl = [](uint64_t x, int r) { return x << r | x >> (64 - r); };
    const auto read64 = [](const char* p) {
        uint64_t v;
        std::memcpy(&v, p, 8);
        return v;
    };
    const auto round = [&](uint64_t acc, uint64_t v) { return rotl(acc + v * P2, 31) * P1; };
    const char *p = s.data(), *end = p + s.size();
    uint64_t h;
    if (s.size() >= 32) {
        uint64_t v[4] = {seed + P1 + P2, seed + P2, seed, seed - P1};
        for (; end - p >= 32; p += 32)
            for (int i = 0; i < 4; i++) v[i] = round(v[i], read64(p + 8 * i));
        h = rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18);
        for (const uint64_t x : v) h = (h ^ round(0, x)) * P1 + P4;
    } else {
        h = seed + P5;
    }
    h += s.size();
    for (; end - p >= 8; p += 8) h = rotl(h ^ round(0, read64(p)), 27) * P1 + P4;
    if (end - p >= 4) {
        uint32_t v;
        std::memcpy(&v, p, 4);
        h = rotl(h ^ v * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p < end; p++) h = rotl(h ^ static_cast<unsigned char>(*p) * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

// The first 8 bytes of SHA-1 (FIPS 180-4) as a little-endian number.
inline uint64_t sha1_64(std::string_view s) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    const auto rotl = [](uint32_t x, int r) { return x << r | x >> (32 - r); };
    unsigned char last[128] = {};
    const size_t whole = s.size() / 64, rest = s.size() % 64, tail = rest + 9 <= 64 ? 1 : 2;
    if (rest) std::memcpy(last, s.data() + whole * 64, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++) last[tail * 64 - 1 - size_t(i)] = static_cast<unsigned char>(uint64_t(s.size()) * 8 >> (8 * i));
    for (size_t block = 0; block < whole + tail; block++) {
        const unsigned char* p = block < whole ? reinterpret_cast<const unsigned char*>(s.data()) + block * 64 : last + (block - whole) * 64;
        uint32_t w[80];
        for (int i = 0; i < 16; i++) {
            uint32_t v;
            std::memcpy(&v, p + 4 * i, 4);
            w[i] = __builtin_bswap32(v);
        }
        for (int i = 16; i < 80; i++) w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        const auto rounds = [&](int from, uint32_t k, auto f) {
            for (int i = from; i < from + 20; i++) {
                const uint32_t t = rotl(a, 5) + f(b, c, d) + e + k + w[i];
                e = d, d = c, c = rotl(b, 30), b = a, a = t;
            }
        };
        rounds(0, 0x5A827999, [](uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); });
        rounds(20, 0x6ED9EBA1, [](uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; });
        rounds(40, 0x8F1BBCDC, [](uint32_t x, uint32_t y, uint32_t z) { return (x & y) | (z & (x | y)); });
        rounds(60, 0xCA62C1D6, [](uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; });
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    return uint64_t(__builtin_bswap32(h[1])) << 32 | __builtin_bswap32(h[0]);
}

// The same of many texts at once: eight messages of one block (at most 55 bytes) side by side, one in each lane of a vector.
// A round of SHA-1 needs the one before, so a single message cannot use a vector unit; eight can. (The instructions for
// SHA-1 that some processors have take about as long for eight messages, and this is one code for all.)
__attribute__((target_clones("avx2", "default"), optimize("O3"))) inline void sha1_64_lanes(const uint32_t (*blocks)[8], uint64_t* hashes) {
    typedef uint32_t Lanes __attribute__((vector_size(32)));
    Lanes w[16];
    std::memcpy(w, blocks, sizeof w);
    Lanes a = {}, b = {}, c = {}, d = {}, e = {};
    a += 0x67452301, b += 0xEFCDAB89, c += 0x98BADCFE, d += 0x10325476, e += 0xC3D2E1F0;
    const Lanes a0 = a, b0 = b;
    constexpr uint32_t k[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
#pragma GCC unroll 80
    for (int i = 0; i < 80; i++) {
        if (i >= 16) {
            const Lanes x = w[(i - 3) & 15] ^ w[(i - 8) & 15] ^ w[(i - 14) & 15] ^ w[i & 15];
            w[i & 15] = x << 1 | x >> 31;
        }
        const Lanes f = i < 20 ? d ^ (b & (c ^ d)) : i >= 40 && i < 60 ? (b & c) | (d & (b | c)) : b ^ c ^ d;
        const Lanes t = (a << 5 | a >> 27) + f + e + k[i / 20] + w[i & 15];
        e = d, d = c, c = b << 30 | b >> 2, b = a, a = t;
    }
    a += a0, b += b0;
    for (int lane = 0; lane < 8; lane++) hashes[lane] = uint64_t(__builtin_bswap32(b[lane])) << 32 | __builtin_bswap32(a[lane]);
}
// Collects messages until there are eight.
class Sha1Batch {
   public:
    void add(std::string_view s, std::vector<uint64_t>& out) {
        if (s.size() > 55) return out.push_back(sha1_64(s));
        unsigned char block[64] = {};
        std::memcpy(block, s.data(), s.size());
        block[s.size()] = 0x80;
        block[62] = static_cast<unsigned char>(s.size() >> 5), block[63] = static_cast<unsigned char>(s.size() << 3);
        for (int i = 0; i < 16; i++) {
            uint32_t v;
            std::memcpy(&v, block + 4 * i, 4);
            blocks_[i][count_] = __builtin_bswap32(v);
        }
        if (++count_ == 8) flush(out);
    }
    void flush(std::vector<uint64_t>& out) {
        if (!count_) return;
        uint64_t hashes[8];
        sha1_64_lanes(blocks_, hashes);
        out.insert(out.end(), hashes, hashes + count_);
        count_ = 0;
    }

   private:
    alignas(32) uint32_t blocks_[16][8] = {};
    int count_ = 0;
};

// ---- simplified text

// datatrove's simplify_text: lower case; a number in any script, with one decimal part, becomes 0; punctuation and white
// space become one space; decomposed and freed of accents.
class Simplifier {
   public:
    // Into `out`; `t` stays.
    void simplify(const Characters& t, Characters& out) {
        out.c.clear();
        out.bits.clear();
        const size_t n = t.size();
        bool space = true;                               // nothing is written yet, or a space is due only before a character
        for (size_t i = 0; i < n;) {
            if (t.is(i, kDigit)) {
                while (i < n && t.is(i, kDigit)) i++;
                if (i + 1 < n && is_decimal_mark(t.c[i]) && t.is(i + 1, kDigit))
                    for (i++; i < n && t.is(i, kDigit);) i++;
                put('0', out, space);
            } else if (t.is(i, kSpace | kSimplified)) {
                space = true;
                i++;
            } else {
                put_bare(lower(t, i), out, space);
                i++;
            }
        }
    }

   private:
    static bool is_decimal_mark(char32_t c) {
        return c == '.' || c == ',' || c == 0x060C || c == 0x066B || (c >= 0x2396 && c <= 0x2398);
    }
    static char32_t lower(const Characters& t, size_t i) {
        // a final sigma has a form of its own
        if (t.c[i] == 0x3A3) return i > 0 && t.is(i - 1, kIsAlpha) && !(i + 1 < t.size() && t.is(i + 1, kIsAlpha)) ? 0x3C2 : 0x3C3;
        return lower_case(t.c[i]);
    }
    static void put(char32_t c, Characters& out, bool& space) {
        if (space && !out.c.empty()) out.c.push_back(' '), out.bits.push_back(class_table()[' ']);
        space = false;
        out.c.push_back(c);
        out.bits.push_back(class_table()[c]);
    }
    static void put_bare(char32_t c, Characters& out, bool& space) {
        if (c < 0x80) return put(c, out, space);
        if (class_table()[c] & kMark) {                  // a mark alone between spaces leaves two of them; words do not care
            return;
        }
        if (c >= 0xAC00 && c < 0xD7A4) {                 // a Hangul syllable is two or three letters
            const uint32_t s = c - 0xAC00;
            put(0x1100 + s / 588, out, space);
            put(0x1161 + s % 588 / 28, out, space);
            if (s % 28) put(0x11A7 + s % 28, out, space);
            return;
        }
        struct Left {
            char32_t c[3];
        };
        static const std::unordered_map<char32_t, Left> bare = [] {
            std::unordered_map<char32_t, Left> map;
            for (const uint64_t row : kBare) map[char32_t(row >> 42)] = {{char32_t(row >> 21 & 0x1FFFFF), char32_t(row & 0x1FFFFF), 0}};
            for (const auto& row : kBare3) map[row[0]] = {{row[1], row[2], row[3]}};
            return map;
        }();
        const auto it = bare.find(c);
        if (it == bare.end()) return put(c, out, space);
        for (const char32_t x : it->second.c)
            if (x) put(x, out, space);
    }
};

// ---- signatures

struct MinHashParameters {
    std::vector<uint64_t> a, b;
};
// What numpy's RandomState(seed).randint(low, 2^61 - 1, dtype=uint64) draws: 112 times for a (low 1), then for b (low 0).
// A number is two draws of 32 bits, the first one on top, cut to 61 bits, drawn again while above the bound.
inline MinHashParameters minhash_parameters(size_t hashes, uint32_t seed = 1) {
    std::mt19937 gen(seed);
    MinHashParameters p;
    for (uint64_t low : {uint64_t(1), uint64_t(0)})
        for (size_t i = 0; i < hashes; i++) {
            uint64_t x;
            do {
                const uint64_t high = gen();
                x = (high << 32 | gen()) & kMersenne61;
            } while (x > kMersenne61 - 1 - low);
            (low ? p.a : p.b).push_back(x + low);
        }
    return p;
}

// minima[h] = min over x of ((x a_h + b_h) mod 2^64) mod (2^61 - 1). The loop over h is what a vector unit does at once.
__attribute__((target_clones("arch=skylake-avx512", "avx2", "default"), optimize("O3"))) inline void minhash_minima(
    const uint64_t* __restrict shingles, size_t count, const uint64_t* __restrict a, const uint64_t* __restrict b, int64_t* __restrict minima, size_t hashes) {
    for (size_t h = 0; h < hashes; h++) minima[h] = int64_t(kMersenne61);
    for (size_t i = 0; i < count; i++) {
        const uint64_t x = shingles[i];
        for (size_t h = 0; h < hashes; h++) {
            const uint64_t y = x * a[h] + b[h];          // wraps
            int64_t r = int64_t((y & kMersenne61) + (y >> 61));    // at most 2^61 + 6: one subtraction completes the modulus
            r = r >= int64_t(kMersenne61) ? r - int64_t(kMersenne61) : r;
            minima[h] = r < minima[h] ? r : minima[h];
        }
    }
}

// Shingles and signatures; keeps buffers, so one object per thread.
class MinHasher {
   public:
    MinHasher(size_t n_grams = 5, size_t hashes = 112, bool sha1 = false, uint32_t seed = 1)
        : n_(n_grams), sha1_(sha1), parameters_(minhash_parameters(hashes, seed)), minima_(hashes) {}

    // The simplified words of a text, joined by spaces, for each run of n words: its hash. In no order.
    const std::vector<uint64_t>& shingles(std::string_view utf8) {
        split(utf8);
        shingles_.clear();
        for (size_t i = 0; i + n_ < starts_.size(); i++) {
            const std::string_view run(joined_.data() + starts_[i], starts_[i + n_] - starts_[i] - 1);
            if (sha1_) batch_.add(run, shingles_);
            else shingles_.push_back(xxhash64(run));
        }
        batch_.flush(shingles_);
        return shingles_;
    }
    // The minima of all hash functions, bucket after bucket; empty if the text has fewer than n words.
    const std::vector<int64_t>& signature(std::string_view utf8) {
        shingles(utf8);
        if (shingles_.empty()) {
            none_.clear();
            return none_;
        }
        minhash_minima(shingles_.data(), shingles_.size(), parameters_.a.data(), parameters_.b.data(), minima_.data(), minima_.size());
        return minima_;
    }
    // The words joined by single spaces (for tests, and for what reads n-grams otherwise).
    const std::string& simplified_words(std::string_view utf8) { return split(utf8), joined_; }
    const std::vector<uint32_t>& word_starts() const { return starts_; }   // in that string; one more behind the last word
    const MinHashParameters& parameters() const { return parameters_; }

   private:
    void split(std::string_view utf8) {
        text_.assign(utf8);
        simplifier_.simplify(text_, simple_);
        tokenizer_.words(simple_, words_);
        joined_.clear();
        starts_.clear();
        for (const Span& w : words_) {
            starts_.push_back(uint32_t(joined_.size()));
            for (uint32_t i = w.from; i < w.to; i++)
                if (simple_.c[i] < 0x80) joined_ += char(simple_.c[i]);
                else append_utf8(joined_, simple_.c[i]);
            joined_ += ' ';
        }
        starts_.push_back(uint32_t(joined_.size()));
    }
    size_t n_;
    bool sha1_;
    MinHashParameters parameters_;
    Tokenizer tokenizer_;
    Simplifier simplifier_;
    Characters text_, simple_;
    std::vector<Span> words_;
    std::string joined_;
    std::vector<uint32_t> starts_;
    Sha1Batch batch_;
    std::vector<uint64_t> shingles_;
    std::vector<int64_t> minima_, none_;
};

}  // namespace webtext
