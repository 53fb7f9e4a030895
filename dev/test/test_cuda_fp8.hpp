// dev/test/test_cuda_fp8.hpp -- the kernels of fp8.hpp: the bytes that they write are those of to_fp8(), which test_fp8.hpp holds against the
// definition of the formats. Run by the emulator, with its detector, and on a GPU, where the conversion is an instruction of its own.
#pragma once

#include "../../kernels/fp8.hpp"
#include "test.hpp"

namespace cuda_fp8_test {

using Bytes = std::vector<uint8_t>;

inline bool has_device(Report& t) {
    int devices = 0;
    const bool ok = cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
    if (!ok) t.skip("CUDA kernels", "no device");
    return ok;
}

// Numbers spread over forty powers of two, so that every part of a format is met: zeros, subnormals, rounding, the largest.
inline std::vector<float> spread(int64_t n, uint64_t seed, float size) {
    auto x = normals(n, seed, size);
    for (int64_t i = 0; i < n; i++) x[size_t(i)] *= std::ldexp(1.0f, -int((uint64_t(i) * 2654435761u >> 8) % 40));
    return x;
}

template <typename T>
struct OnDevice {
    OnDevice(Cuda& d, const std::vector<T>& v, int64_t shift) : dev(d), p(static_cast<T*>(d.allocate((v.size() + size_t(shift)) * sizeof(T)))), x(p + shift) {
        dev.copy_in(x, v.data(), v.size() * sizeof(T));
    }
    OnDevice(const OnDevice&) = delete;
    ~OnDevice() { dev.release(p); }
    Cuda& dev;
    T *p, *x;
};
template <typename T>
std::vector<T> copied(Cuda& dev, const T* p, int64_t n) {
    std::vector<T> v(static_cast<size_t>(n));
    dev.copy_out(v.data(), p, size_t(n) * sizeof(T));
    return v;
}

// What the matrix should become, and its transpose with zeros behind.
template <Fp8 format, typename T>
struct Expected {
    Bytes rows, columns;
    float inverse;
    Expected(const std::vector<T>& x, int64_t R, int64_t C) : rows(size_t(R * C)), columns(size_t(C * round_up(R, int64_t(16))), 0) {
        uint32_t largest = 0;
        for (const T& v : x) largest = std::max(largest, float_bits(float(v)) & 0x7FFFFFFFu);
        const Fp8Scale s = fp8_scale(largest, format);
        inverse = s.inverse;
        for (int64_t r = 0; r < R; r++)
            for (int64_t c = 0; c < C; c++)
                rows[size_t(r * C + c)] = columns[size_t(c * round_up(R, int64_t(16)) + r)] = to_fp8<format>(float(x[size_t(r * C + c)]) * s.scale);
    }
};

// Arrays for the result, between guards: bytes that nobody may write.
struct Result {
    static constexpr int64_t kGuard = 64;
    Result(Cuda& d, Fp8 format, int64_t R_, int64_t C_, bool with_rows, bool with_columns)
        : dev(d), m{format}, R(R_), C(C_), bytes(2 * kGuard + round_up(R_ * C_ + kGuard, int64_t(64)) + C_ * round_up(R_, int64_t(16))),
          p(static_cast<uint8_t*>(d.allocate(size_t(bytes)))), more(static_cast<float*>(d.allocate((1 + kFp8Parts) * sizeof(float)))) {
        const Bytes start(size_t(bytes), 0x5A);
        dev.copy_in(p, start.data(), start.size());
        dev.synchronize();
        m.ld = round_up(R, int64_t(16)), m.inverse = more, m.partial = reinterpret_cast<uint32_t*>(more + 1);
        if (with_rows) m.rows = p + kGuard;
        if (with_columns) m.columns = p + kGuard + round_up(R * C + kGuard, int64_t(64));
    }
    Result(const Result&) = delete;
    ~Result() { dev.release(p), dev.release(more); }
    Bytes rows() const { return copied(dev, p + kGuard, R * C); }
    Bytes columns() const { return copied(dev, m.columns, C * m.ld); }
    float inverse() const { return copied(dev, m.inverse, 1)[0]; }
    bool guards_intact() const {
        const Bytes all = copied(dev, p, bytes);
        const int64_t first_column = kGuard + round_up(R * C + kGuard, int64_t(64));
        for (int64_t i = 0; i < bytes; i++) {
            const bool row = m.rows && i >= kGuard && i < kGuard + R * C, column = m.columns && i >= first_column && i < first_column + C * m.ld;
            if (!row && !column && all[size_t(i)] != 0x5A) return false;
        }
        return true;
    }
    Cuda& dev;
    Fp8Matrix m;
    int64_t R, C, bytes;
    uint8_t* p;
    float* more;
};

template <Fp8 format, typename T>
void check_quantise(Report& t, Cuda& dev, int64_t R, int64_t C, int64_t shift) {
    const std::string at = cat(dtype_name<T>(), format == Fp8::e4m3 ? " e4m3 (" : " e5m2 (", R, ", ", C, ")", shift ? ", not aligned: " : ": ");
    uint64_t seed = 1;
    Bytes of_another;
    for (const auto& [with_rows, with_columns, size] :
         std::vector<std::tuple<bool, bool, float>>{{true, true, 3.0f}, {true, false, 1e-7f}, {false, true, 1e5f}}) {
        const std::string what = at + (with_rows ? with_columns ? "both" : "rows" : "columns");
        const auto x = stored<T>(spread(R * C, seed++, size));
        const OnDevice<T> x_d(dev, x, shift);
        const Result got(dev, format, R, C, with_rows, with_columns);
        quantise_fp8<T>(dev, got.m, x_d.x, R, C);
        const Expected<format, T> want(x, R, C);
        if (with_rows) t.check(got.rows() == want.rows, what + ": rows");
        if (with_columns) t.check(got.columns() == want.columns, what + ": columns, with zeros behind them");
        t.check(got.inverse() == want.inverse, what + ": the inverse scale");
        t.check(got.guards_intact(), what + ": nothing else is written");
        if (with_rows && R > 1 && C > 1) t.check(got.rows() != of_another, "control: " + what + ": the bytes of another matrix");
        of_another = want.rows;
    }
}
inline void quantise(Report& t) {
    if (!has_device(t)) return;
    Cuda dev;
    const int multiprocessors = dev.multiprocessors;
    for (const auto& [R, C] : std::vector<std::array<int64_t, 2>>{{1, 1}, {7, 45}, {64, 64}, {65, 136}, {130, 71}, {33, 16}, {200, 264}}) {
        dev.multiprocessors = R == 200 ? 1 : multiprocessors;           // eight blocks for twenty tiles
        for (const int64_t shift : {0, 1}) {
            if (shift && C != 136) continue;
            check_quantise<Fp8::e4m3, float>(t, dev, R, C, shift);
            check_quantise<Fp8::e4m3, bf16>(t, dev, R, C, shift);
            check_quantise<Fp8::e5m2, float>(t, dev, R, C, shift);
            check_quantise<Fp8::e5m2, bf16>(t, dev, R, C, shift);
        }
    }
}

// The maximum is found wherever it is, also beyond the first round of all blocks; NaN and infinity win.
inline void largest(Report& t) {
    if (!has_device(t)) return;
    Cuda dev;
    const int64_t R = 1149, C = 1001, n = R * C;                         // more than all blocks take at once: 256 of 512 threads, 8 numbers each
    std::vector<bf16> x(size_t(n), bf16(1.0f));
    for (const auto& [at, value, inverse] : std::vector<std::tuple<int64_t, float, float>>{
             {n - 1, -7.0f, 0x1p-6f}, {0, 1000.0f, 0x1p2f}, {n / 2, kNaN, kNaN}, {n - 100000, -HUGE_VALF, kNaN}}) {
        const bf16 before = x[size_t(at)];
        x[size_t(at)] = bf16(value);
        const OnDevice<bf16> x_d(dev, x, 0);
        x[size_t(at)] = before;
        const Result result(dev, Fp8::e4m3, R, C, true, false);
        quantise_fp8<bf16>(dev, result.m, x_d.x, R, C);
        const float got = result.inverse();
        t.check(got == inverse || (std::isnan(got) && std::isnan(inverse)), cat(value, " at ", at, " of ", n, " numbers: inverse scale ", got));
    }
}

}  // namespace cuda_fp8_test

inline Suite cuda_fp8_tests() {
    using namespace cuda_fp8_test;
    return {{"cuda fp8: rows, columns and scales are the CPU's, byte for byte", quantise},
            {"cuda fp8: the largest number is found wherever it is; NaN and infinity spoil the scale", largest}};
}
