// dev/test/test_emulator.hpp -- the emulator itself: its words against plain loops, and planted bugs that it has to find.
//
// Each planted bug is a kernel template whose argument says what is wrong; with Bug::none it is the correct twin. A bug counts as found
// when some schedule gives a wrong result or an error; the twin must be right under every schedule and seed. Where the file is
// compiled with -fsanitize=thread (dev/emu/README.md), the detector must name each race too, in the first schedule; without, that is skipped.
// Bugs that end the process run in a child of fork(), whose message and status are checked.
#pragma once

#ifdef TRAIN_GPT_EMULATOR

#include <sys/wait.h>

#include <algorithm>

#include "../../kernels/device.hpp"
#include "../../kernels/cuda.hpp"
#include "test.hpp"

namespace emulator {

enum class Bug {
    none, no_barrier_before_read, no_barrier_before_reuse, no_barrier_after_stage, lax_wait, off_by_one, divergent_barrier, two_barriers,
    lane_returned, lane_elsewhere, misaligned, uninitialised, unordered_sum, missing_warp_barrier, not_waited, beyond_shared, before_shared
};

// ---- helpers

// Device memory with the contents of a vector, or of n poisoned values.
template <typename T>
struct OnDevice {
    Cuda& dev;
    size_t n;
    T* p;
    OnDevice(Cuda& dev_, size_t n_) : dev(dev_), n(n_), p(static_cast<T*>(dev.allocate(n * sizeof(T)))) {}
    OnDevice(Cuda& dev_, const std::vector<T>& v) : OnDevice(dev_, v.size()) { dev.copy_in(p, v.data(), n * sizeof(T)); }
    OnDevice(const OnDevice&) = delete;
    ~OnDevice() { dev.release(p); }
    std::vector<T> read() {
        std::vector<T> v(n);
        dev.copy_out(v.data(), p, n * sizeof(T));
        return v;
    }
};

struct KeepSchedule {
    bool detector = emu::set_detector(true);
    KeepSchedule() { emu::set_detector(detector); }
    ~KeepSchedule() {
        emu::set_schedule(emu::Schedule::forward);
        emu::set_detector(detector);
    }
};

// Calls f() under the schedules forward, reverse, and `seeds` seeds of random and greedy, until it returns false. True: never did.
template <typename F>
bool under_all_schedules(F f, uint64_t seeds = 20) {
    const KeepSchedule keep;
    for (const auto kind : {emu::Schedule::forward, emu::Schedule::reverse, emu::Schedule::random, emu::Schedule::greedy})
        for (uint64_t seed = 0; seed < (kind >= emu::Schedule::random ? seeds : 1); seed++) {
            emu::set_schedule(kind, seed);
            if (!f()) return false;
        }
    return true;
}

// The message of the error that f throws; empty: none.
template <typename F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

// f in a child process: its exit status (minus the signal that ended it) and what it wrote to stderr.
struct ChildEnd {
    int status = 0;
    std::string text;
};
template <typename F>
ChildEnd in_child(F f) {
    int ends[2];
    if (pipe(ends) != 0) throw system_error("pipe");
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) throw system_error("fork");
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        try {
            f();
        } catch (const Error& e) {
            std::fprintf(stderr, "%s\n", e.what());
            _exit(3);
        }
        _exit(0);
    }
    close(ends[1]);
    ChildEnd end;
    char buffer[512];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;) end.text.append(buffer, size_t(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    end.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return end;
}
inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A bug whose run f() returns "is the result right?". Found by values or errors in some schedule, and by the detector in the first one.
template <typename F>
void check_found(Report& t, const char* what, F&& f, bool by_values, const char* detector_says) {
    const KeepSchedule keep;
    auto right = [&] {
        bool ok = false;
        return error_of([&] { ok = f(); }).empty() && ok;
    };
    emu::set_detector(false);
    if (by_values) t.check(!under_all_schedules(right), cat(what, " is found by some schedule"));
    emu::set_detector(true);
    if (!emu::has_detector()) return;
    const std::string message = error_of(f);
    t.check(has(message, detector_says), cat(what, ": the detector says \"", detector_says, "\": ", message));
    t.check(has(message, "test_emulator.hpp:"), cat(what, ": the detector names the line: ", message));
}
template <typename F>
void check_clean(Report& t, const char* what, F&& right) {
    std::string message;
    t.check(under_all_schedules([&] {
                bool ok = false;
                message = error_of([&] { ok = right(); });
                if (!ok) message += " under " + emu::schedule_name();
                return ok;
            }),
            cat(what, " is clean under all schedules: ", message));
}

// ---- the words

template <typename T>
__global__ void words_kernel(T* sums, T* highest, T* above, T* third, unsigned* ballots, const T* x, int64_t n) {
    const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    const T v = i < n ? x[i] : T(0);
    const T sum = warp_sum(v), max = warp_max(v), up = shuffle_up(v, 3), other = shuffle(v, 3);
    const unsigned ballot = warp_ballot(v > T(0));
    if (i >= n) return;               // after the last warp operation
    sums[i] = sum, highest[i] = max, above[i] = up, third[i] = other, ballots[i] = ballot;
}
template <typename T>
void check_words(Report& t) {
    Cuda dev;
    const int64_t n = 1000;
    std::vector<T> x;
    for (const float v : normals(n, 5, 100.0f)) x.push_back(T(std::round(v)));   // whole numbers: sums are exact in any order
    OnDevice<T> dx(dev, x), sums(dev, size_t(n)), highest(dev, size_t(n)), above(dev, size_t(n)), third(dev, size_t(n));
    OnDevice<unsigned> ballots(dev, size_t(n));
    launch(words_kernel<T>, dim3(8), dim3(128), 0, dev.stream, sums.p, highest.p, above.p, third.p, ballots.p, dx.p, n);
    const auto s = sums.read(), h = highest.read(), a = above.read(), th = third.read();
    const auto b = ballots.read();
    bool ok = true;
    auto value = [&](int64_t i) { return i < n ? x[size_t(i)] : T(0); };
    for (int64_t i = 0; i < n; i++) {
        const int64_t w = i / 32 * 32;
        T sum = 0, max = value(w);
        unsigned ballot = 0;
        for (int64_t l = 0; l < 32; l++) sum += value(w + l), max = std::max(max, value(w + l)), ballot |= unsigned(value(w + l) > T(0)) << l;
        const size_t k = size_t(i);
        ok &= s[k] == sum && h[k] == max && a[k] == value(i % 32 >= 3 ? i - 3 : i) && th[k] == value(w + 3) && b[k] == ballot;
    }
    t.check(ok, cat("shuffles, reductions and ballots of ", sizeof(T), "-byte values equal plain loops"));
}
inline void words(Report& t) {
    check_words<float>(t);
    check_words<double>(t);
    check_words<int>(t);
}

template <int threads>
__global__ void block_kernel(float* sum, float* max, const float* x, int64_t n) {
    float s = 0, m = -INFINITY;
    for (int64_t i = threadIdx.x; i < n; i += threads) s += x[blockIdx.x * n + i], m = fmaxf(m, x[blockIdx.x * n + i]);
    s = block_sum<threads>(s);
    m = block_max<threads>(m);
    if (threadIdx.x == threads - 1) sum[blockIdx.x] = s, max[blockIdx.x] = m;
}
template <int threads>
void check_block(Report& t, int64_t n) {
    Cuda dev;
    const int64_t blocks = 7;
    std::vector<float> x = normals(blocks * n, 6, 50.0f), sum, max;
    for (float& v : x) v = std::round(v);
    for (int64_t b = 0; b < blocks; b++) {
        sum.push_back(0), max.push_back(-INFINITY);
        for (int64_t i = 0; i < n; i++) sum.back() += x[size_t(b * n + i)], max.back() = std::max(max.back(), x[size_t(b * n + i)]);
    }
    OnDevice<float> dx(dev, x), dsum(dev, size_t(blocks)), dmax(dev, size_t(blocks));
    check_clean(t, "block_sum and block_max", [&] {
        dev.zero(dsum.p, size_t(blocks) * 4);
        launch(block_kernel<threads>, dim3(unsigned(blocks)), dim3(threads), 0, dev.stream, dsum.p, dmax.p, dx.p, n);
        return dsum.read() == sum && dmax.read() == max;
    });
}
inline void blocks(Report& t) {
    check_block<32>(t, 5);
    check_block<128>(t, 1000);
    check_block<1024>(t, 1023);
}

__global__ inline void grid_kernel(unsigned* out) {
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}
__global__ inline void pack_kernel(bf16* y, const bf16* x, float* powers) {
    Pack<bf16> p = load16(x + 8 * threadIdx.x);
    for (int i = 0; i < Pack<bf16>::size; i++) p[i] = bf16(float(p[i]) + 1);
    store16(y + 8 * threadIdx.x, p);
    powers[threadIdx.x] = fast_exp2(float(threadIdx.x) * 5 - 100);
}
__global__ inline void fill_kernel(float* y, float value) { y[threadIdx.x] = value; }
__global__ inline void count_kernel(int* counts, int n) { atomicAdd(&counts[(blockIdx.x * blockDim.x + threadIdx.x) % unsigned(n)], 1); }
inline void grids(Report& t) {
    Cuda dev;
    const unsigned n = 2 * 3 * 4 * 3 * 5 * 2;
    OnDevice<unsigned> out(dev, n);
    launch(grid_kernel, dim3(2, 3, 4), dim3(3, 5, 2), 0, dev.stream, out.p);
    const auto v = out.read();
    bool ok = true;
    for (unsigned i = 0; i < n; i++) ok &= v[i] == i / 30 * 1000 + i % 30;
    t.check(ok, "each block and thread of a three-dimensional grid runs once");

    OnDevice<float> fresh(dev, 5);
    const auto poison = fresh.read();
    t.check(std::isnan(poison[0]) && std::isnan(poison[4]), "fresh device memory is NaN");
    std::vector<bf16> x;
    for (int i = 0; i < 256; i++) x.push_back(bf16(float(i % 50)));
    OnDevice<bf16> dx(dev, x), dy(dev, 256);
    OnDevice<float> powers(dev, 32);
    launch(pack_kernel, dim3(1), dim3(32), 0, dev.stream, dy.p, dx.p, powers.p);
    const auto y = dy.read();
    ok = true;
    for (int i = 0; i < 256; i++) ok &= float(y[size_t(i)]) == float(i % 50 + 1);
    t.check(ok, "load16 and store16 move eight bf16");
    ok = true;
    const auto p = powers.read();
    for (int i = 0; i < 32; i++) ok &= p[size_t(i)] == std::exp2(float(i) * 5 - 100);
    t.check(ok, "fast_exp2 is 2^x");
    OnDevice<int> counts(dev, std::vector<int>(7, 0));
    launch(count_kernel, dim3(10), dim3(77), 0, dev.stream, counts.p, 7);
    t.check(counts.read() == std::vector<int>(7, 110), "atomicAdd counts every thread");
}

// ---- fragment layouts: the tables of the PTX ISA, written out

// mma.m16n8k16, matrix A (16 x 16), figure "MMA .m16n8k16 fragment layout for matrix A": the thread that holds columns 2 j and 2 j + 1 of a row.
// Registers: rows 0-7, columns 0-7: {a0,a1}; rows 8-15, columns 0-7: {a2,a3}; rows 0-7, columns 8-15: {a4,a5}; rows 8-15, columns 8-15: {a6,a7}.
constexpr int kThreadOfA[16][8] = {
    {0, 1, 2, 3, 0, 1, 2, 3},         {4, 5, 6, 7, 4, 5, 6, 7},         {8, 9, 10, 11, 8, 9, 10, 11},     {12, 13, 14, 15, 12, 13, 14, 15},
    {16, 17, 18, 19, 16, 17, 18, 19}, {20, 21, 22, 23, 20, 21, 22, 23}, {24, 25, 26, 27, 24, 25, 26, 27}, {28, 29, 30, 31, 28, 29, 30, 31},
    {0, 1, 2, 3, 0, 1, 2, 3},         {4, 5, 6, 7, 4, 5, 6, 7},         {8, 9, 10, 11, 8, 9, 10, 11},     {12, 13, 14, 15, 12, 13, 14, 15},
    {16, 17, 18, 19, 16, 17, 18, 19}, {20, 21, 22, 23, 20, 21, 22, 23}, {24, 25, 26, 27, 24, 25, 26, 27}, {28, 29, 30, 31, 28, 29, 30, 31}};
constexpr int kRegisterOfA[2][2] = {{0, 4}, {2, 6}};   // [row / 8][column / 8], + column % 2
// Matrix B (16 x 8): the thread of rows 2 i and 2 i + 1 of a column. Registers: rows 0-7: {b0,b1}, rows 8-15: {b2,b3}.
constexpr int kThreadOfB[8][8] = {
    {0, 4, 8, 12, 16, 20, 24, 28}, {1, 5, 9, 13, 17, 21, 25, 29}, {2, 6, 10, 14, 18, 22, 26, 30}, {3, 7, 11, 15, 19, 23, 27, 31},
    {0, 4, 8, 12, 16, 20, 24, 28}, {1, 5, 9, 13, 17, 21, 25, 29}, {2, 6, 10, 14, 18, 22, 26, 30}, {3, 7, 11, 15, 19, 23, 27, 31}};
// Matrices C and D (16 x 8): the thread of columns 2 j and 2 j + 1. Registers: rows 0-7: {c0,c1}, rows 8-15: {c2,c3}.
// An 8 x 8 matrix of ldmatrix has the layout of the rows 0-7: register 0, its halves columns 2 j and 2 j + 1.
constexpr int kThreadOfC[16][4] = {{0, 1, 2, 3},     {4, 5, 6, 7},     {8, 9, 10, 11},   {12, 13, 14, 15}, {16, 17, 18, 19}, {20, 21, 22, 23},
                                   {24, 25, 26, 27}, {28, 29, 30, 31}, {0, 1, 2, 3},     {4, 5, 6, 7},     {8, 9, 10, 11},   {12, 13, 14, 15},
                                   {16, 17, 18, 19}, {20, 21, 22, 23}, {24, 25, 26, 27}, {28, 29, 30, 31}};

// The registers of all 32 lanes come from and go to memory; what they mean is the test's business.
__global__ inline void mma_kernel(float* d, const uint32_t* a, const uint32_t* b) {
    const int l = int(threadIdx.x);
    float d_l[4];
    uint32_t a_l[4], b_l[2];
    for (int i = 0; i < 4; i++) d_l[i] = d[4 * l + i], a_l[i] = a[4 * l + i];
    for (int i = 0; i < 2; i++) b_l[i] = b[2 * l + i];
    mma_bf16(d_l, a_l, b_l);
    for (int i = 0; i < 4; i++) d[4 * l + i] = d_l[i];
}
__global__ inline void ldmatrix_kernel(uint32_t* plain, uint32_t* transposed, const uint32_t* matrices) {
    SHARED_ARRAY(uint32_t, m, 4 * 32);           // four matrices of 8 x 8 16-bit values
    const int l = int(threadIdx.x);
    for (int i = 0; i < 4; i++) m[32 * i + l] = matrices[32 * i + l];
    __syncwarp();
    uint32_t r[4];
    load_matrices(r, &m[32 * (l / 8) + 4 * (l % 8)]);
    for (int i = 0; i < 4; i++) plain[4 * l + i] = r[i];
    load_matrices_transposed(r, &m[32 * (l / 8) + 4 * (l % 8)]);
    for (int i = 0; i < 4; i++) transposed[4 * l + i] = r[i];
}
inline void set_half(std::vector<uint32_t>& registers, int at, int half, float value) {
    uint32_t& r = registers[size_t(at)];
    const uint32_t bits = bf16(value).bits;
    r = half ? (r & 0xFFFF) | bits << 16 : (r & 0xFFFF0000) | bits;
}
inline void layouts(Report& t) {
    Cuda dev;
    const auto a = normals(256, 1), b = normals(128, 2), c = normals(128, 3);
    auto value = [](float x) { return float(bf16(x)); };
    // Each element (row, k) of A is tested alone: the others are 0, so that row `row` of D - C is a_(row, k) times row k of B.
    bool ok = true;
    std::vector<uint32_t> b_registers(64, 0), a_registers;
    for (int k = 0; k < 16; k++)
        for (int n = 0; n < 8; n++) set_half(b_registers, 2 * kThreadOfB[k / 2][n] + k / 8, k % 2, b[size_t(8 * k + n)]);
    std::vector<float> d_registers(128);
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 8; n++) d_registers[size_t(4 * kThreadOfC[m][n / 2] + 2 * (m / 8) + n % 2)] = c[size_t(8 * m + n)];
    OnDevice<uint32_t> db(dev, b_registers);
    for (int row = 0; row < 16; row++)
        for (int k = 0; k < 16; k++) {
            a_registers.assign(128, 0);
            const int i = kRegisterOfA[row / 8][k / 8] + k % 2;
            set_half(a_registers, 4 * kThreadOfA[row][k / 2] + i / 2, i % 2, a[size_t(16 * row + k)]);
            OnDevice<uint32_t> da(dev, a_registers);
            OnDevice<float> d(dev, d_registers);
            launch(mma_kernel, dim3(1), dim3(32), 0, dev.stream, d.p, da.p, db.p);
            const auto out = d.read();
            for (int m = 0; m < 16; m++)
                for (int n = 0; n < 8; n++) {
                    const float product = m == row ? value(a[size_t(16 * row + k)]) * value(b[size_t(8 * k + n)]) : 0;
                    ok &= out[size_t(4 * kThreadOfC[m][n / 2] + 2 * (m / 8) + n % 2)] == c[size_t(8 * m + n)] + product;
                }
        }
    t.check(ok, "mma_bf16: each of the 256 x 8 products lands where the PTX ISA's tables say");

    std::vector<uint16_t> m(256);
    for (size_t i = 0; i < 256; i++) m[i] = uint16_t(i * 251);
    std::vector<uint32_t> packed(128);
    std::memcpy(packed.data(), m.data(), 512);
    OnDevice<uint32_t> dm(dev, packed), plain(dev, 128), transposed(dev, 128);
    launch(ldmatrix_kernel, dim3(1), dim3(32), 0, dev.stream, plain.p, transposed.p, dm.p);
    const auto p = plain.read(), q = transposed.read();
    ok = true;
    for (int j = 0; j < 4; j++)
        for (int row = 0; row < 8; row++)
            for (int column = 0; column < 8; column++) {
                const size_t at = size_t(4 * kThreadOfC[row][column / 2] + j);
                ok &= uint16_t(p[at] >> (16 * (column % 2))) == m[size_t(64 * j + 8 * row + column)];
                ok &= uint16_t(q[at] >> (16 * (column % 2))) == m[size_t(64 * j + 8 * column + row)];
            }
    t.check(ok, "load_matrices: each of the 4 x 64 elements lands where the PTX ISA's table says, plain and transposed");
}

// ---- a tile product, as real kernels do it: cp.async into two buffers, ldmatrix, mma. C (M, N) = A (M, K) B (K, N)

template <Bug bug>
__global__ void tile_kernel(float* C, const bf16* A, const bf16* B, int M, int N, int K) {
    constexpr int TM = 64, TN = 64, TK = 32, pad = 8;
    SHARED_ARRAY(bf16, As, 2 * TM * (TK + pad));
    SHARED_ARRAY(bf16, Bs, 2 * TK * (TN + pad));
    const int m0 = int(blockIdx.y) * TM, n0 = int(blockIdx.x) * TN, lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
    auto load = [&](int buffer, int k0) {
        for (int i = int(threadIdx.x); i < TM * TK / 8; i += 128) {
            const int row = i / (TK / 8), column = i % (TK / 8) * 8;
            const bool inside = m0 + row < M && k0 + column < K;
            async_copy16(&As[(buffer * TM + row) * (TK + pad) + column], A + int64_t(m0 + row) * K + k0 + column, inside);
        }
        for (int i = int(threadIdx.x); i < TK * TN / 8; i += 128) {
            const int row = i / (TN / 8), column = i % (TN / 8) * 8;
            const bool inside = k0 + row < K && n0 + column < N;
            async_copy16(&Bs[(buffer * TK + row) * (TN + pad) + column], B + int64_t(k0 + row) * N + n0 + column, inside);
        }
        async_commit();
    };
    float d[2][4][4] = {};
    load(0, 0);
    for (int k0 = 0, buffer = 0; k0 < K; k0 += TK, buffer ^= 1) {
        load(buffer ^ 1, k0 + TK);                // behind the end: zeros, so that the number of groups stays the same
        if constexpr (bug == Bug::lax_wait) async_wait<2>();
        else async_wait<1>();
        if constexpr (bug != Bug::no_barrier_before_read) __syncthreads();
        for (int k = 0; k < TK; k += 16) {
            uint32_t a[2][4], b[2][4];
            for (int i = 0; i < 2; i++)
                load_matrices(a[i], &As[(buffer * TM + warp / 2 * 32 + 16 * i + lane % 16) * (TK + pad) + k + lane / 16 * 8]);
            for (int j = 0; j < 2; j++)
                load_matrices_transposed(b[j], &Bs[(buffer * TK + k + lane % 16) * (TN + pad) + warp % 2 * 32 + 16 * j + lane / 16 * 8]);
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 4; j++) {
                    const uint32_t pair[2] = {b[j / 2][2 * (j % 2)], b[j / 2][2 * (j % 2) + 1]};
                    mma_bf16(d[i][j], a[i], pair);
                }
        }
        if constexpr (bug != Bug::no_barrier_after_stage) __syncthreads();
    }
    if constexpr (bug != Bug::not_waited) async_wait<0>();
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            for (int e = 0; e < 4; e++) {
                const int m = m0 + warp / 2 * 32 + 16 * i + lane / 4 + 8 * (e / 2), n = n0 + warp % 2 * 32 + 8 * j + 2 * (lane % 4) + e % 2;
                if (m < M && n < N) C[int64_t(m) * N + n] = d[i][j][e];
            }
}
template <Bug bug>
struct Tile {
    Cuda dev;
    int M = 70, N = 72, K = 104;
    std::vector<float> a, b;
    std::vector<double> want;
    Tile() {
        a = normals(M * K, 11), b = normals(K * N, 12);
        for (float& x : a) x = float(bf16(x));
        for (float& x : b) x = float(bf16(x));
        want.assign(size_t(M * N), 0);
        for (int m = 0; m < M; m++)
            for (int k = 0; k < K; k++)
                for (int n = 0; n < N; n++) want[size_t(m * N + n)] += double(a[size_t(m * K + k)]) * double(b[size_t(k * N + n)]);
    }
    double error() {
        std::vector<bf16> a16, b16;
        for (const float x : a) a16.push_back(bf16(x));
        for (const float x : b) b16.push_back(bf16(x));
        OnDevice<bf16> da(dev, a16), db(dev, b16);
        OnDevice<float> dc(dev, size_t(M * N));
        launch(tile_kernel<bug>, dim3(unsigned(ceil_div(N, 64)), unsigned(ceil_div(M, 64))), dim3(128), 0, dev.stream, dc.p, da.p, db.p, M, N, K);
        return relative_error(dc.read(), want);
    }
    bool operator()() { return error() <= 1e-6; }
};
inline void tile(Report& t) {
    t.check_at_most(Tile<Bug::none>().error(), 1e-6, "the tile product equals the product in double precision");   // measured 1.2e-7
    check_clean(t, "the tile product", Tile<Bug::none>());
    check_found(t, "a missing barrier between wait and read", Tile<Bug::no_barrier_before_read>(), true, "has not written yet");
    check_found(t, "a missing barrier at the end of a stage", Tile<Bug::no_barrier_after_stage>(), true, "race: writes");
    check_found(t, "a wait that is too lax", Tile<Bug::lax_wait>(), true, "not waited for");
    t.check(has(error_of(Tile<Bug::not_waited>()), "not waited for before the thread returned"),
            "an asynchronous copy that nobody waited for is an error");
}

// ---- barriers and races

// Each thread reads what its counterpart in another warp wrote, twice through the same array.
template <Bug bug>
__global__ void exchange_kernel(float* y, const float* x) {
    SHARED_ARRAY(float, s, 128);
    float sum = 0;
    for (int round = 0; round < 3; round++) {
        s[threadIdx.x] = x[128 * round + int(threadIdx.x)];
        if constexpr (bug != Bug::no_barrier_before_read) __syncthreads();
        sum += float(round + 1) * s[127 - threadIdx.x];
        if constexpr (bug != Bug::no_barrier_before_reuse) __syncthreads();
    }
    y[threadIdx.x] = sum;
}
template <Bug bug>
bool exchange() {
    Cuda dev;
    std::vector<float> x(384), want(128);
    for (int i = 0; i < 384; i++) x[size_t(i)] = float(i * i % 101);
    for (int i = 0; i < 128; i++) want[size_t(i)] = x[size_t(127 - i)] + 2 * x[size_t(255 - i)] + 3 * x[size_t(383 - i)];
    OnDevice<float> dx(dev, x), y(dev, 128);
    launch(exchange_kernel<bug>, dim3(1), dim3(128), 0, dev.stream, y.p, dx.p);
    return y.read() == want;
}

// Lanes of one warp hand values on through shared memory.
template <Bug bug>
__global__ void lanes_kernel(float* y, const float* x) {
    SHARED_ARRAY(float, s, 32);
    s[threadIdx.x] = x[threadIdx.x];
    if constexpr (bug != Bug::missing_warp_barrier) __syncwarp();
    y[threadIdx.x] = s[31 - threadIdx.x];
}
template <Bug bug>
bool lanes() {
    Cuda dev;
    const std::vector<float> x = normals(32, 4), want(x.rbegin(), x.rend());
    OnDevice<float> dx(dev, x), y(dev, 32);
    launch(lanes_kernel<bug>, dim3(1), dim3(32), 0, dev.stream, y.p, dx.p);
    return y.read() == want;
}

// The sum of a value per warp: through shared memory and one thread, or by everybody at once.
template <Bug bug>
__global__ void sum_kernel(float* y, const float* x) {
    const float sum = warp_sum(x[blockIdx.x * blockDim.x + threadIdx.x]);
    SHARED_ARRAY(float, partial, 4);
    if constexpr (bug == Bug::unordered_sum) {
        if (threadIdx.x % 32 == 0) y[0] += sum;
        return;
    }
    if constexpr (bug == Bug::uninitialised) {
        if (threadIdx.x % 32 == 0 && threadIdx.x < 96) partial[threadIdx.x / 32] = sum;
    } else {
        if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
    }
    __syncthreads();
    if (threadIdx.x == 0) y[blockIdx.x] = partial[0] + partial[1] + partial[2] + partial[3];
}
template <Bug bug>
bool sums() {
    Cuda dev;
    const unsigned blocks = bug == Bug::unordered_sum ? 1 : 3;
    std::vector<float> x(128 * blocks, 1.0f);
    OnDevice<float> dx(dev, x), y(dev, std::vector<float>(blocks, 0.0f));
    launch(sum_kernel<bug>, dim3(blocks), dim3(128), 0, dev.stream, y.p, dx.p);
    return y.read() == std::vector<float>(blocks, 128.0f);
}
__global__ inline void two_blocks_kernel(float* y) {
    if (threadIdx.x == 0) y[0] += 1;
}
// A maximum swallows the NaN of memory that nobody has written: the values can't show it.
template <Bug bug>
__global__ void maximum_kernel(float* y, const float* x, int n) {
    float max = -INFINITY;
    for (int i = int(threadIdx.x); i < (bug == Bug::uninitialised ? n + 1 : n); i += 32) max = fmaxf(max, x[i]);
    max = warp_max(max);
    if (threadIdx.x == 0) *y = max;
}
template <Bug bug>
bool maximum() {
    Cuda dev;
    OnDevice<float> x(dev, 101), y(dev, 1);
    const auto values = normals(100, 8);
    dev.copy_in(x.p, values.data(), 400);
    launch(maximum_kernel<bug>, dim3(1), dim3(32), 0, dev.stream, y.p, x.p, 100);
    return y.read()[0] == *std::max_element(values.begin(), values.end());
}
inline void races(Report& t) {
    check_clean(t, "exchange through shared memory with both barriers", exchange<Bug::none>);
    check_found(t, "a missing barrier before a read", exchange<Bug::no_barrier_before_read>, true, "has not written yet");
    check_found(t, "a missing barrier before shared memory is used again", exchange<Bug::no_barrier_before_reuse>, true, "race");
    check_clean(t, "lanes exchange with __syncwarp", lanes<Bug::none>);
    check_found(t, "a missing __syncwarp", lanes<Bug::missing_warp_barrier>, true, "has not written yet");
    check_clean(t, "a sum through shared memory", sums<Bug::none>);
    check_found(t, "uninitialised shared memory", sums<Bug::uninitialised>, true, "uninitialised shared memory");
    check_clean(t, "a maximum", maximum<Bug::none>);
    check_found(t, "uninitialised device memory that fmaxf hides", maximum<Bug::uninitialised>, false, "nobody has written");
    // (here a thread is never interrupted between load and store, so schedules can't see it)
    check_found(t, "a sum that several warps add to without order", sums<Bug::unordered_sum>, false, "race: reads");
    check_found(t, "a sum that several blocks add to without order", [] {
        Cuda dev;
        OnDevice<float> y(dev, std::vector<float>(1, 0.0f));
        launch(two_blocks_kernel, dim3(2), dim3(32), 0, dev.stream, y.p);
        dev.synchronize();
        return true;
    }, false, "nothing orders two blocks");
}

// ---- what is an error by itself

template <Bug bug>
__global__ void divergent_kernel(float* y, const float* x) {
    const int i = int(threadIdx.x);
    float v = 0;
    if constexpr (bug == Bug::divergent_barrier) {
        if (i < 40) return;
        __syncthreads();
    } else if constexpr (bug == Bug::two_barriers) {
        if (i < 64) __syncthreads();
        else __syncthreads();
    } else if constexpr (bug == Bug::lane_returned) {
        if (i == 37) return;
        v = shuffle_xor(x[i], 1);
    } else if constexpr (bug == Bug::lane_elsewhere) {
        if (i % 2) v = shuffle_xor(x[i], 1);
        else v = shuffle_xor(x[i], 2);
    } else if constexpr (bug == Bug::misaligned) {
        v = load16(x + 1)[0];
    } else if constexpr (bug == Bug::off_by_one) {
        v = load16(x + 4 * i)[0];     // x has four values less
    } else if constexpr (bug == Bug::beyond_shared) {
        SHARED_ARRAY(float, small, 100);
        store16(small + 4 * i, Pack<float>{});
    } else if constexpr (bug == Bug::before_shared) {
        SHARED_ARRAY(float, small, 100);
        float* p = small;
        asm("" : "+r"(p));            // or the compiler warns
        p[-i % 4] = 1;
    }
    y[i] = v;
}
template <Bug bug>
void check_message(Report& t, const char* what, const std::vector<const char*>& expected) {
    under_all_schedules([&] {
        Cuda dev;
        OnDevice<float> x(dev, std::vector<float>(508, 1.0f)), y(dev, 128);
        const std::string message = error_of([&] {
            launch(divergent_kernel<bug>, dim3(1), dim3(128), 0, dev.stream, y.p, x.p);
            dev.synchronize();
        });
        bool ok = has(message, "divergent_kernel<") && has(message, "block (0,0,0)");
        for (const char* e : expected) ok &= has(message, e);
        t.check(ok, cat(what, " is an error under ", emu::schedule_name(), ": ", message));
        return ok;
    }, 5);
}
inline void errors(Report& t) {
    check_message<Bug::divergent_barrier>(t, "a barrier that some threads do not reach", {"barrier divergence", "test_emulator.hpp:", "returned"});
    check_message<Bug::two_barriers>(t, "a barrier at two places", {"barrier divergence", "test_emulator.hpp:"});
    check_message<Bug::lane_returned>(t, "a shuffle of a lane that has returned", {"shuffle_xor", "returned", "test_emulator.hpp:"});
    check_message<Bug::lane_elsewhere>(t, "a shuffle at two places", {"different places", "shuffle_xor", "test_emulator.hpp:"});
    check_message<Bug::misaligned>(t, "a misaligned load16",
                                   {"misaligned", "thread (", "test_emulator.hpp:", "byte 4 of an allocation of 2032 bytes"});
    check_message<Bug::off_by_one>(t, "a load16 behind the end",
                                   {"out of bounds", "thread (127,0,0)", "0 bytes behind the end of an allocation of 2032 bytes"});
    check_message<Bug::beyond_shared>(t, "a store16 behind a shared array",
                                      {"out of bounds", "behind the end of the shared array small of 400 bytes"});
    check_message<Bug::before_shared>(t, "a store before a shared array", {"bytes before the begin of the shared array small"});
}

template <int n>
__global__ void much_shared_kernel(float* y) {
    SHARED_ARRAY(float, much, n);
    much[threadIdx.x] = 1;
    y[threadIdx.x] = much[threadIdx.x];
}
__global__ inline void dynamic_kernel(float* y, int n) {
    DYNAMIC_SHARED(float, s);
    for (int i = int(threadIdx.x); i < n; i += int(blockDim.x)) s[i] = float(i);
    __syncthreads();
    y[threadIdx.x] = s[n - 1 - int(threadIdx.x)];
}
__global__ inline void odd_warp_kernel(float* y) { y[threadIdx.x] = warp_sum(1.0f); }
inline void limits(Report& t) {
    Cuda dev;
    OnDevice<float> y(dev, 64);
    auto message = [&](auto kernel, dim3 grid, dim3 block, size_t shared, auto... args) {
        return error_of([&] {
            launch(kernel, grid, block, shared, dev.stream, args...);
            dev.synchronize();
        });
    };
    t.check(message(much_shared_kernel<12288>, 1, 32, 0, y.p).empty(), "48 KiB of shared arrays are possible");
    t.check(has(message(much_shared_kernel<12289>, 1, 32, 0, y.p), "too much shared memory"), "more are an error");
    t.check(message(dynamic_kernel, 1, 32, 163 * 1024, y.p, 163 * 256).empty(), "163 KiB of dynamic shared memory are possible");
    t.check(y.read()[3] == float(163 * 256 - 4), "and hold what was written");
    t.check(has(message(dynamic_kernel, 1, 32, 163 * 1024 + 16, y.p, 100), "too much shared memory"), "more are an error at the launch");
    t.check(has(message(odd_warp_kernel, 1, 40, 0, y.p), "no multiple of 32"), "a warp operation of a part of a warp is an error");
    t.check(has(message(fill_kernel, 1, 1025, 0, y.p, 1.0f), "more than 1024 threads"), "a block of 1025 threads is an error");
    t.check(has(message(fill_kernel, dim3(1, 65536), 32, 0, y.p, 1.0f), "65535"), "a grid of 65536 blocks in y is an error");
    t.check(message(fill_kernel, 0, 32, 0, y.p, 1.0f).empty(), "a grid of no blocks is no launch");
    float on_host = 0;
    t.check(has(message(fill_kernel, 1, 32, 0, &on_host, 1.0f), "argument 1 is a host pointer"), "a host pointer as an argument is an error");
    float* freed = static_cast<float*>(dev.allocate(128));
    dev.release(freed);
    t.check(has(message(fill_kernel, 1, 32, 0, freed, 1.0f), "freed"), "freed memory as a kernel's argument is an error");
    emu::set_memory_limit(1 << 20);
    void* p = nullptr;
    t.check(cudaMalloc(&p, 2 << 20) == cudaErrorMemoryAllocation && !p, "cudaMalloc fails beyond the device's memory");
    cudaGetLastError();
    emu::set_memory_limit(size_t(8) << 30);
    const std::vector<float> long_data(65);
    t.check(has(error_of([&] { dev.copy_in(y.p, long_data.data(), 260); }), "not inside one allocation"), "a copy that is too long is an error");
    t.check_error([&] { __syncthreads(); }, "outside of a kernel", "a barrier in host code");
}

__global__ inline void too_far_kernel(float* y, int n) {
    const int i = int(threadIdx.x);
    if (i <= n) y[i] = 1;
}
__attribute__((no_sanitize("undefined"))) __global__ inline void null_kernel(float* y, float* nothing) { y[0] = nothing ? *nothing : nothing[3]; }
inline void faults(Report& t) {
    auto check_end = [&](const char* what, const ChildEnd& end, std::vector<const char*> expected) {
        bool ok = end.status == 1 || (emu::has_detector() && end.status == 3);
        for (const char* e : expected) ok &= has(end.text, e);
        t.check(ok, cat(what, " ends with status 1 and says so: status ", end.status, ": ", end.text));
    };
    check_end("host code that reads device memory", in_child([] {
        Cuda dev;
        OnDevice<float> x(dev, std::vector<float>(10, 1.0f));
        dev.synchronize();
        volatile float* p = x.p;
        std::fprintf(stderr, "read %g\n", double(p[3]));
    }), {"host code dereferences a device pointer", "byte 12 of an allocation of 40 bytes", "test_emulator.hpp:"});
    check_end("a store behind an allocation", in_child([] {
        Cuda dev;
        OnDevice<float> y(dev, 64);
        launch(too_far_kernel, dim3(1), dim3(96), 0, dev.stream, y.p, 64);
        dev.synchronize();
    }), {"out of bounds", "too_far_kernel", "block (0,0,0), thread (64,0,0)", "0 bytes behind the end of an allocation of 256 bytes",
         "test_emulator.hpp:"});
    const ChildEnd null = in_child([] {
        Cuda dev;
        OnDevice<float> y(dev, 64);
        launch(null_kernel, dim3(1), dim3(32), 0, dev.stream, y.p, nullptr);
        dev.synchronize();
    });
    check_end("a kernel that follows a null pointer", null, {"a null pointer", "null_kernel", "thread (0,0,0)"});
    const ChildEnd freed = in_child([] {
        Cuda dev;
        float* y = static_cast<float*>(dev.allocate(256));
        launch(fill_kernel, dim3(1), dim3(32), 0, dev.stream, y, 1.0f);
        dev.release(y);               // waits, as cudaFree does
        dev.release(y);
    });
    check_end("memory that is freed twice", freed, {"cudaFree", "freed"});
    const ChildEnd child = in_child([] {
        Cuda dev;
        OnDevice<float> y(dev, 64 * 64);
        launch(count_kernel, dim3(64), dim3(64), 0, dev.stream, reinterpret_cast<int*>(y.p), 7);
        dev.synchronize();
    });
    t.check(child.status == 0 && child.text.empty(), cat("a child of fork() can use the device: ", child.text));
}

// ---- streams: nothing has happened before somebody waits

inline void streams(Report& t) {
    Cuda dev;
    OnDevice<float> x(dev, std::vector<float>(32, 1.0f));
    dev.synchronize();
    std::vector<float> host(32, 7.0f);
    launch(fill_kernel, dim3(1), dim3(32), 0, dev.stream, x.p, 2.0f);
    CUDA_CHECK(cudaMemcpyAsync(host.data(), x.p, 128, cudaMemcpyDeviceToHost, dev.stream));
    t.check(host[0] == 7.0f, "a copy to the host without synchronising leaves the old bytes");
    dev.synchronize();
    t.check(host[0] == 2.0f && host[31] == 2.0f, "after synchronising they are there");

    dev.copy_in(x.p, host.data(), 128);
    host.assign(32, 9.0f);
    t.check(x.read()[0] == 2.0f, "a copy from pageable memory takes the bytes at the call");
    float* pinned = nullptr;
    CUDA_CHECK(cudaMallocHost(&pinned, 128));
    std::fill(pinned, pinned + 32, 3.0f);
    dev.copy_in(x.p, pinned, 128);
    pinned[0] = 4.0f;                 // the bug: the copy is still under way
    t.check(x.read()[0] == 4.0f, "a copy from pinned memory takes them late: overwriting them too early shows");
    CUDA_CHECK(cudaFreeHost(pinned));

    // two streams, with and without an event between them
    cudaStream_t second = nullptr;
    cudaEvent_t event = nullptr, later = nullptr;
    CUDA_CHECK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
    CUDA_CHECK(cudaEventCreate(&event));
    CUDA_CHECK(cudaEventCreate(&later));
    auto run = [&](bool with_event) {
        OnDevice<float> y(dev, std::vector<float>(32, 0.0f));
        launch(fill_kernel, dim3(1), dim3(32), 0, dev.stream, y.p, 5.0f);
        CUDA_CHECK(cudaEventRecord(event, dev.stream));
        if (with_event) CUDA_CHECK(cudaStreamWaitEvent(second, event));
        host.assign(32, 0.0f);
        CUDA_CHECK(cudaMemcpyAsync(host.data(), y.p, 128, cudaMemcpyDeviceToHost, second));
        CUDA_CHECK(cudaStreamSynchronize(second));
        return host[0] == 5.0f;
    };
    t.check(run(true), "a stream that waits for an event sees what came before it");
    t.check(!run(false), "a stream that does not wait is found by its old bytes");
    CUDA_CHECK(cudaEventRecord(event, dev.stream));
    t.check(cudaEventQuery(event) == cudaErrorNotReady, "an event that was just recorded is not ready");
    t.check(cudaEventQuery(event) == cudaSuccess, "who asks again gets on");
    CUDA_CHECK(cudaEventRecord(later, dev.stream));
    float ms = -1;
    t.check(cudaEventElapsedTime(&ms, event, later) == cudaErrorNotReady, "the time between events needs both to have happened");
    CUDA_CHECK(cudaEventSynchronize(later));
    t.check(cudaEventElapsedTime(&ms, event, later) == cudaSuccess && ms >= 0, "then it is there");
    emu::enqueue(dev.stream, [&] { x.p[3] = 42; });
    t.check(x.read()[3] == 42.0f, "host work in stream order may touch device memory");
    CUDA_CHECK(cudaMemset(x.p, 0, 128));
    CUDA_CHECK(cudaStreamSynchronize(nullptr));
    t.check(x.read()[3] == 0.0f, "the stream 0 works");
    CUDA_CHECK(cudaEventDestroy(event));
    CUDA_CHECK(cudaEventDestroy(later));
    CUDA_CHECK(cudaStreamDestroy(second));
    t.check(cudaSetDevice(1) == cudaErrorInvalidDevice && cudaGetLastError() == cudaErrorInvalidDevice && cudaGetLastError() == cudaSuccess,
            "a device that is not there is an error, reported once");
}

// ---- graphs: launches with the arguments that they had, copies with the bytes that are there when they run

__global__ inline void add_kernel(float* y, const float* x, float more) { y[threadIdx.x] += x[threadIdx.x] + more; }

// What a captured stream was given, as a graph that can be launched. `work` as it may throw.
template <typename F>
cudaGraphExec_t captured(Cuda& dev, F&& work, size_t& nodes) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    CUDA_CHECK(cudaStreamBeginCapture(dev.stream, cudaStreamCaptureModeThreadLocal));
    work();
    CUDA_CHECK(cudaStreamEndCapture(dev.stream, &graph));
    CUDA_CHECK(cudaGraphGetNodes(graph, nullptr, &nodes));
    CUDA_CHECK(cudaGraphInstantiate(&exec, graph, 0));
    CUDA_CHECK(cudaGraphDestroy(graph));
    return exec;
}
// Pieces of an array, copied to their places in another.
inline void pieces(Report& t) {
    Cuda dev;
    std::vector<float> x(24), want(24, -1);
    for (size_t i = 0; i < x.size(); i++) x[i] = float(i);
    OnDevice<float> from(dev, x), to(dev, want);
    dev.copy_device(to.p, from.p, 3 * sizeof(float), 8 * sizeof(float), 3);
    for (size_t i = 0; i < 3; i++) std::copy_n(x.begin() + int64_t(8 * i), 3, want.begin() + int64_t(8 * i));
    t.check(to.read() == want, "three numbers of every eight are copied, the others stay");
    t.check_error([&] { dev.copy_device(to.p, from.p, 9 * sizeof(float), 8 * sizeof(float), 2); }, "pitch", "pieces longer than their distance");
}
inline void graphs(Report& t) {
    Cuda dev;
    OnDevice<float> x(dev, std::vector<float>(32, 1.0f)), y(dev, std::vector<float>(32, 0.0f)), z(dev, std::vector<float>(32, 5.0f));
    float* pinned = nullptr;
    CUDA_CHECK(cudaMallocHost(&pinned, 128));
    std::fill(pinned, pinned + 32, 10.0f);
    float more = 0.5f;
    size_t nodes = 0;
    const cudaGraphExec_t exec = captured(dev, [&] {
        dev.copy_in(x.p, pinned, 128);
        launch(add_kernel, dim3(1), dim3(32), 0, dev.stream, y.p, x.p, more);
        dev.zero(z.p, 64);
        dev.copy_device(z.p + 16, y.p, 64);
    }, nodes);
    t.check(nodes == 4, cat("a copy, a kernel, a memset and a copy are 4 nodes: ", nodes));
    t.check(y.read()[0] == 0 && z.read()[0] == 5, "what is captured does not run");
    CUDA_CHECK(cudaGraphLaunch(exec, dev.stream));
    const int64_t launches = emu::counts().graph_launches;
    t.check(y.read()[31] == 10.5f && z.read()[0] == 0 && z.read()[31] == 10.5f, "a launched graph does it all, in order");
    // between two launches: the pinned bytes change, and the host's variable that was an argument
    std::fill(pinned, pinned + 32, 20.0f);
    more = 1000;
    CUDA_CHECK(cudaGraphLaunch(exec, dev.stream));
    t.check(emu::counts().graph_launches == launches + 1, "graph launches are counted");
    const float sum = y.read()[0];
    t.check(sum == 31.0f, cat("the copy takes the pinned bytes that are there now: 10.5 + 20.5 = ", sum));
    t.check(sum != 10.5f + 20.0f + 1000, "planted bug, a number that changes is a kernel's argument: the replay has the old one, which shows");
    // planted bug: pinned bytes overwritten although the launch that reads them has not run
    CUDA_CHECK(cudaGraphLaunch(exec, dev.stream));
    std::fill(pinned, pinned + 32, -1.0f);
    t.check(y.read()[0] == 31.0f - 0.5f, "pinned bytes overwritten before a launched graph has read them: shows");
    CUDA_CHECK(cudaGraphLaunch(exec, dev.stream));
    CUDA_CHECK(cudaGraphExecDestroy(exec));
    t.check(y.read()[0] == 30.0f, "a graph that is destroyed while its launch is queued still runs");

    // what CUDA forbids while it captures, with its name; then the stream works again
    const std::vector<float> pageable(32, 3.0f);
    const std::vector<std::pair<const char*, std::function<void()>>> forbidden = {
        {"cudaMalloc", [&] { dev.allocate(16); }},
        {"cudaStreamSynchronize", [&] { dev.synchronize(); }},
        {"cudaStreamSynchronize", [&] { dev.copy_out(pinned, y.p, 128); }},
        {"cudaDeviceSynchronize", [&] { cudaDeviceSynchronize(); }},
        {"cudaMallocHost", [&] { dev.allocate_host(16); }},
        {"cudaMemcpy", [&] { cudaMemcpy(pinned, y.p, 128, cudaMemcpyDeviceToHost); }},
        {"pageable host memory", [&] { dev.copy_in(x.p, pageable.data(), 128); }},
        {"cudaEventRecord", [&] { Cuda::Event(dev).record(); }}};
    for (const auto& [name, call] : forbidden) {
        cudaGraph_t graph = nullptr;
        CUDA_CHECK(cudaStreamBeginCapture(dev.stream, cudaStreamCaptureModeThreadLocal));
        const std::string message = error_of(call);
        t.check(has(message, name) && has(message, "captured"), cat(name, " during a capture is an error: ", message));
        cudaStreamEndCapture(dev.stream, &graph);
        if (graph) cudaGraphDestroy(graph);
        cudaGetLastError();
        cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
        CUDA_CHECK(cudaStreamIsCapturing(dev.stream, &status));
        launch(fill_kernel, dim3(1), dim3(32), 0, dev.stream, y.p, 2.0f);
        t.check(status == cudaStreamCaptureStatusNone && y.read()[0] == 2.0f, cat("after the capture that ", name, " broke, the stream works"));
    }
    CUDA_CHECK(cudaFreeHost(pinned));
    // memory that a graph's kernel points to, freed before the launch
    const ChildEnd freed = in_child([&] {
        OnDevice<float> a(dev, std::vector<float>(32, 1.0f));
        float* b = static_cast<float*>(dev.allocate(128));
        size_t n = 0;
        const cudaGraphExec_t late = captured(dev, [&] { launch(add_kernel, dim3(1), dim3(32), 0, dev.stream, a.p, b, 1.0f); }, n);
        dev.release(b);
        CUDA_CHECK(cudaGraphLaunch(late, dev.stream));
        dev.synchronize();
    });
    t.check(freed.status != 0 && has(freed.text, "freed") && has(freed.text, "add_kernel"), cat("a graph whose memory was freed: ", freed.text));
    // what is declared only to be refused
    void* p = nullptr;
    int can = 0;
    t.check_error([&] { cudaMallocManaged(&p, 16); }, "cudaMallocManaged is not emulated", "managed memory is refused by name");
    t.check_error([&] { cudaDeviceCanAccessPeer(&can, 0, 1); }, "cudaDeviceCanAccessPeer is not emulated", "peer access is refused by name");
    t.check_error([&] { cudaMemcpyPeer(x.p, 0, y.p, 0, 16); }, "cudaMemcpyPeer is not emulated", "copies between devices are refused by name");
    t.check_error([&] { cudaMallocAsync(&p, 16, dev.stream); }, "cudaMallocAsync is not emulated", "memory in stream order is refused by name");
}

}  // namespace emulator

inline Suite emulator_tests() {
    return {
        {"emulator: shuffles, reductions and ballots equal plain loops", emulator::words},
        {"emulator: block reductions are right under every schedule", emulator::blocks},
        {"emulator: grids, packs, poison and atomics", emulator::grids},
        {"emulator: fragments lie where the PTX ISA's tables say", emulator::layouts},
        {"emulator: a tile product with cp.async, ldmatrix and mma; its planted bugs are found", emulator::tile},
        {"emulator: planted races are found, their correct twins are clean", emulator::races},
        {"emulator: divergence, bad addresses and misalignment are errors that name the line", emulator::errors},
        {"emulator: a GPU's limits hold", emulator::limits},
        {"emulator: a touch of what is out of reach ends with a message", emulator::faults},
        {"emulator: streams run as late as is legal", emulator::streams},
        {"emulator: pieces of an array are copied", emulator::pieces},
        {"emulator: graphs replay what was captured; what breaks a capture is an error", emulator::graphs},
        {"emulator: the detector is there", [](Report& t) {
            if (emu::has_detector()) t.check(true, "compiled with -fsanitize=thread");
            else t.skip("what the detector says about each planted race", "compiled without -fsanitize=thread");
        }},
    };
}
#endif
