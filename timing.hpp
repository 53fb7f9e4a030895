// timing.hpp -- the clock of `train_gpt bench`: a median of repeats and how far they spread.
#pragma once

#include <algorithm>

#include "common.hpp"

namespace bench {

struct Timing {
    double s = 0;          // median
    double spread = 0;     // half the distance between the quartiles, as a fraction of the median
};

inline Timing timing_of(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    const size_t n = times.size();
    return {times[n / 2], 0.5 * (times[n * 3 / 4] - times[n / 4]) / times[n / 2]};
}

// Run f, first once unmeasured, then at least `repeats` times and until `least_s` are measured. `before` runs untimed.
template <typename F, typename Before>
Timing measure(F&& f, Before&& before, int repeats = 5, double least_s = 0.1) {
    std::vector<double> times;
    double total = 0;
    before();
    f();
    while (int(times.size()) < repeats || (total < least_s && times.size() < 200)) {
        before();
        const double start = now_s();
        f();
        times.push_back(now_s() - start);
        total += times.back();
    }
    return timing_of(std::move(times));
}
template <typename F>
Timing measure(F&& f, int repeats = 5, double least_s = 0.1) {
    return measure(f, [] {}, repeats, least_s);
}

}  // namespace bench
