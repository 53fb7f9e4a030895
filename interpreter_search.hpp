// interpreter_search.hpp -- where does one text stand in another? In time proportional to their lengths, whatever they are.
//
// std::string::find begins anew at each place: to know that "a" * n does not hold "a" * (n / 2) + "b" it compares n^2 / 4 bytes. This is the two-way
// algorithm (Crochemore and Perrin, "Two-way string-matching", JACM 38, 1991): what is looked for is cut in two at a place that no shift shorter
// than its period brings into harmony with itself. The right half is compared first, from the cut on: a misfit after k bytes that fit moves all by
// k + 1. Where the right half stands, the left one is compared from the cut backwards, and whatever comes out, all moves by the whole period.
// Where the left half repeats the right one, the bytes that are known from before are not compared again. Backwards it is the same, mirrored.
// Promises: at most some 2 comparisons a byte of the text searched and 5 of the one looked for; nothing is allocated.
// Does not: know characters. Whole characters of valid UTF-8 are found nowhere but at the beginning of one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

namespace interp {

class Finder {
   public:
    // `what` must outlive this. `last`: the last place is wanted, not the first.
    explicit Finder(std::string_view what, bool last = false) : what_(what), last_(last) {
        std::tie(cut_, period_) = std::max(largest_suffix(false), largest_suffix(true));
        const int64_t m = int64_t(what.size());
        int64_t i = 0;
        while (i < cut_ && byte(what, i) == byte(what, i + period_)) i++;
        repeats_ = i == cut_;
        if (!repeats_) period_ = std::max(cut_, m - cut_) + 1;      // not the period, but it is at least as long
    }
    // Where `what` begins in s, in bytes; npos where it is nowhere.
    size_t in(std::string_view s) const {
        const int64_t m = int64_t(what_.size()), n = int64_t(s.size());
        int64_t known = 0;                              // so many bytes of `what` are known to fit at this place
        for (int64_t at = 0; at + m <= n;) {
            int64_t i = std::max(cut_, known);
            while (i < m && byte(what_, i) == byte(s, at + i)) i++;
            if (i < m) {
                at += i - cut_ + 1;
                known = 0;
                continue;
            }
            i = cut_;
            while (i > known && byte(what_, i - 1) == byte(s, at + i - 1)) i--;
            if (i <= known) return size_t(last_ ? n - m - at : at);
            at += period_;
            known = repeats_ ? m - period_ : 0;
        }
        return std::string_view::npos;
    }

   private:
    // Byte i in the direction of the search.
    unsigned char byte(std::string_view s, int64_t i) const {
        return static_cast<unsigned char>(s[last_ ? s.size() - 1 - size_t(i) : size_t(i)]);
    }
    // Where the largest suffix of `what` begins, by the order of bytes or by its reverse, and the period of that suffix.
    std::pair<int64_t, int64_t> largest_suffix(bool reverse) const {
        const int64_t m = int64_t(what_.size());
        int64_t start = 0, rival = 1, k = 0, period = 1;         // the two agree in k bytes since the last whole period
        while (rival + k < m) {
            const unsigned char a = byte(what_, rival + k), b = byte(what_, start + k);
            if (a == b) {
                if (++k == period) rival += period, k = 0;
            } else if ((a < b) != reverse) {
                rival += k + 1, k = 0, period = rival - start;
            } else {
                start = rival++, k = 0, period = 1;
            }
        }
        return {start, period};
    }
    std::string_view what_;
    bool last_, repeats_ = false;
    int64_t cut_ = 0, period_ = 1;
};

}  // namespace interp
