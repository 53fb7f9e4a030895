// dev/test/kernel_checks.hpp -- what the tests of the CPU kernels share: outputs between guards, errors against double precision, slopes by differences.
#pragma once

#include <algorithm>

#include "test.hpp"

namespace kernel_checks {

using Doubles = std::vector<double>;

template <typename T>
double error_of(const std::vector<T>& got, const Doubles& want) {
    return relative_error(doubles(got), want);
}

// An output of n numbers between two guards; NaN at first, so what is not written shows.
template <typename T>
struct Output {
    static constexpr int64_t kGuard = 64;
    std::vector<T> all;
    int64_t n;
    explicit Output(int64_t n_, float fill = kNaN) : all(size_t(n_ + 2 * kGuard), T(12345.0f)), n(n_) {
        std::fill_n(all.begin() + kGuard, n, T(fill));
    }
    T* data() { return all.data() + kGuard; }
    std::vector<T> values() const { return {all.begin() + kGuard, all.begin() + kGuard + n}; }
    bool guards_intact() const {
        for (int64_t i = 0; i < kGuard; i++)
            if (float(all[size_t(i)]) != float(T(12345.0f)) || float(all[size_t(kGuard + n + i)]) != float(T(12345.0f)))
                return false;
        return true;
    }
};

// bf16 keeps 8 bits: storing a number costs up to 2^-8 / 2 = 0.0039 of it, a whole matrix of them about 0.0017.
template <typename T>
constexpr double store_bound() {
    return sizeof(T) == 2 ? 4e-3 : 1e-6;
}

// d loss / d x_i by central differences, for a loss in double precision.
template <typename F>
Doubles differences(Doubles x, double h, F loss) {
    Doubles d;
    for (double& v : x) {
        const double before = v;
        v = before + h;
        const double up = loss(x);
        v = before - h;
        const double down = loss(x);
        v = before;
        d.push_back((up - down) / (2 * h));
    }
    return d;
}
inline double dot(const Doubles& a, const Doubles& b) {
    double s = 0;
    for (size_t i = 0; i < a.size(); i++) s += a[i] * b[i];
    return s;
}

}  // namespace kernel_checks
