// language_model.hpp -- in which language is a text written?
//
// A text is seen as the bag of its character n-grams (1 to 4 characters of lower-cased text, digits and punctuation as spaces) and
// its words. Each is hashed to one of 65,536 rows of 24 small numbers; the rows' mean, times a matrix with one line per language,
// gives scores, and their softmax probabilities. It is the model of Joulin et al., "Bag of tricks for efficient text
// classification" (2016), with character n-grams as features; the bottleneck of 24 numbers and int8 rows make it 1.6 MB.
// train_language.cpp trains it on free texts. Names of languages are ISO 639-1 where there is one ("en"), else 639-3 ("haw");
// dialects and closely related standards that ISO counts as one macrolanguage may share a name (language_names.hpp).
// "zxx" stands for no language at all (random letters, codes). Does not: split mixed texts.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../../common.hpp"
#include "../../utf8.hpp"

constexpr int32_t kLanguageBuckets = 65536, kLanguageDim = 24;
constexpr char kLanguageMagic[8] = {'T', 'G', 'L', 'A', 'N', 'G', '0', '1'};

struct LanguageScore {
    std::string name;
    float probability = 0;
};

namespace language_detail {

// Small letters of Latin, Greek, Cyrillic and Armenian, by the regular parts of Unicode's tables; 0 for what separates words.
// (An irregular capital stays a capital: it costs one feature, and training sees the same.)
inline uint32_t fold(uint32_t c) {
    if (c < 0x80) {
        if (c >= 'A' && c <= 'Z') return c + 32;
        return (c >= 'a' && c <= 'z') || c == '\'' ? c : 0;
    }
    if (c < 0xC0) return c == 0xAA || c == 0xBA || c == 0xB5 ? c : 0;
    if (c < 0x100) return c == 0xD7 || c == 0xF7 ? 0 : c <= 0xDE ? c + 32 : c;
    if (c < 0x180) return (c >= 0x139 && c <= 0x148) || c >= 0x179 ? (c & 1 ? c + 1 : c) : c == 0x178 ? 0xFF : (c & 1 ? c : c + 1);
    if (c >= 0x391 && c <= 0x3A9) return c + 32;
    if (c >= 0x410 && c <= 0x42F) return c + 32;
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    if ((c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F)) return c | 1;
    if (c >= 0x531 && c <= 0x556) return c + 48;
    if (c >= 0x1E00 && c <= 0x1EFF) return c | 1;
    if (c == 0x2019 || c == 0x2BC) return '\'';
    if (c >= 0x2000 && c <= 0x206F) return c == 0x200C || c == 0x200D ? c : 0;
    if ((c >= 0x2070 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020)) return 0;
    if ((c >= 0xFE30 && c <= 0xFE4F) || (c >= 0xFF00 && c <= 0xFF20) || c == 0xFEFF || c == 0xFFFD || c >= 0x1F000) return 0;
    return c;
}

inline uint32_t mix(uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    return uint32_t(h % uint64_t(kLanguageBuckets));
}

// Calls f(bucket) for each feature of the text's first `max_chars` characters. n-grams cross one word boundary at most: "s t".
template <typename F>
void each_feature(std::string_view text, size_t max_chars, const F& f) {
    uint64_t last[3] = {0, 0, 0};  // the characters before, nearest first; space at the start
    last[0] = last[1] = last[2] = ' ';
    uint64_t word = 0;
    const char *p = text.data(), *end = p + text.size();
    for (size_t n = 0; p < end && n < max_chars;) {
        const Utf8Char u = decode_utf8(p, end);
        p += u.bytes;
        uint64_t c = u.code < 0 ? 0 : fold(uint32_t(u.code));
        if (!c) {
            if (word) f(mix(word * 0x9E3779B97F4A7C15ull + 5));
            word = 0;
            if (last[0] == ' ') continue;
            c = ' ';
        } else {
            word = word * 1000003 + c + 1;
        }
        n++;
        const uint64_t two = c << 21 | last[0], three = two << 21 | last[1];
        if (c != ' ') f(mix(c * 0xD6E8FEB86659FD93ull + 1));
        f(mix(two * 0xC2B2AE3D27D4EB4Full + 2));
        f(mix(three * 0x9E3779B185EBCA87ull + 3));
        f(mix((three * 0x165667B19E3779F9ull) ^ (last[2] * 0x27D4EB2F165667C5ull + 4)));
        last[2] = last[1], last[1] = last[0], last[0] = c;
    }
    if (word) f(mix(word * 0x9E3779B97F4A7C15ull + 5));
}

}  // namespace language_detail

class LanguageModel {
   public:
    // Reads a model file. Throws an Error for anything that is not one, whole.
    explicit LanguageModel(const std::string& path) {
        const MappedFile file(path);
        const std::string_view bytes = file.view();
        const std::string advice = "make one with: make language (dev/data/language_texts.sh)";
        size_t at = 0;
        const auto take = [&](void* to, size_t n) {
            if (bytes.size() - at < n) throw Error(cat(path, ": the language model is cut at byte ", bytes.size(), ", expected at least ", at + n), advice);
            std::memcpy(to, bytes.data() + at, n);
            at += n;
        };
        char magic[8];
        int32_t head[3];
        if (bytes.size() < 8 || std::memcmp(bytes.data(), kLanguageMagic, 8) != 0) throw Error(cat(path, ": not a language model"), advice);
        take(magic, 8);
        take(head, sizeof head);
        if (head[0] < 2 || head[0] > 1000 || head[1] != kLanguageBuckets || head[2] != kLanguageDim)
            throw Error(cat(path, ": a model of ", head[0], " languages, ", head[1], " rows of ", head[2], "; expected 2..1000, ", kLanguageBuckets, ", ", kLanguageDim), advice);
        for (int32_t c = 0; c < head[0]; c++) {
            char name[8];
            take(name, 8);
            names_.push_back(std::string(name, strnlen(name, 8)));
        }
        weights_.resize(size_t(head[0]) * (kLanguageDim + 1));
        take(weights_.data(), weights_.size() * sizeof(float));
        rows_.resize(size_t(kLanguageBuckets) * kLanguageDim);
        take(rows_.data(), rows_.size());
        if (at != bytes.size()) throw Error(cat(path, ": ", bytes.size() - at, " bytes too many for a language model"), advice);
        for (const float w : weights_)   // the scores of larger ones could overflow
            if (!(std::fabs(w) <= 1e6f)) throw Error(cat(path, ": a weight of ", w, ", expected -1e6 to 1e6"), advice);
    }
    const std::vector<std::string>& names() const { return names_; }

    // The `best` most probable languages, most probable first, of the text's first max_chars characters (letters and single
    // spaces counted). Empty for a text without letters.
    std::vector<LanguageScore> classify(std::string_view text, size_t best = 1, size_t max_chars = 4000) const {
        std::array<int32_t, kLanguageDim> sum{};
        int64_t features = 0;
        language_detail::each_feature(text, max_chars, [&](uint32_t bucket) {
            const int8_t* row = rows_.data() + size_t(bucket) * kLanguageDim;
            for (int32_t d = 0; d < kLanguageDim; d++) sum[size_t(d)] += row[d];
            features++;
        });
        if (!features) return {};
        std::vector<float> score(names_.size());
        float highest = -std::numeric_limits<float>::infinity();
        for (size_t c = 0; c < names_.size(); c++) {
            const float* w = weights_.data() + c * (kLanguageDim + 1);
            float s = 0;
            for (int32_t d = 0; d < kLanguageDim; d++) s += w[d] * float(sum[size_t(d)]);
            score[c] = s / float(features) + w[kLanguageDim];  // the rows' scale is in w
            highest = std::max(highest, score[c]);
        }
        float total = 0;
        for (float& s : score) s = std::exp(s - highest), total += s;
        std::vector<size_t> order(score.size());
        for (size_t c = 0; c < order.size(); c++) order[c] = c;
        best = std::min(best, order.size());
        std::partial_sort(order.begin(), order.begin() + int64_t(best), order.end(),
                          [&](size_t a, size_t b) { return score[a] != score[b] ? score[a] > score[b] : a < b; });
        std::vector<LanguageScore> out;
        for (size_t k = 0; k < best; k++) out.push_back({names_[order[k]], score[order[k]] / total});
        return out;
    }

   private:
    std::vector<std::string> names_;
    std::vector<float> weights_;  // (languages, D + 1): the last is the bias
    std::vector<int8_t> rows_;    // (buckets, D)
};
