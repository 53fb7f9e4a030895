// dev/test/test.hpp -- the test runner: a test is a function that makes claims, each a sentence that can be read aloud.
//
// A suite is a list of `Test{name, function}`; a program runs those that are linked into it (LinkedSuite). `./test_gpt [FILTER...]` runs the tests whose
// name contains a FILTER, `--list` prints their names. The last line is `N passed, N failed, N skipped` (claims, not
// functions); the exit status is 1 when a claim failed or when none was checked.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "../../common.hpp"

class Report {
   public:
    // One claim. Print it when it fails; count it.
    void check(bool ok, const std::string& claim) {
        ok ? passed++ : failed++;
        if (!ok) std::printf("  FAILED: %s: %s\n", test.c_str(), claim.c_str());
        if (ok && verbose) std::printf("  ok: %s\n", claim.c_str());
    }
    // `measured <= bound`, so that NaN fails; the numbers are part of the message.
    void check_at_most(double measured, double bound, const std::string& claim) {
        check(measured <= bound, cat(claim, " (measured ", measured, ", at most ", bound, ")"));
    }
    // A negative control: a wrong result must lie beyond the bound that the right one keeps.
    void check_rejected(double measured, double bound, const std::string& claim) {
        check(!(measured <= bound), cat("control: ", claim, " is rejected (measured ", measured, ", bound ", bound, ")"));
    }
    // f must throw an Error whose message contains `expected` (and has at most two lines).
    void check_error(const std::function<void()>& f, const std::string& expected, const std::string& claim) {
        try {
            f();
            check(false, claim + ": no error came");
        } catch (const Error& e) {
            const std::string all = cat(e.what(), "\n", e.advice);
            check(all.find(expected) != std::string::npos, cat(claim, ": the message lacks \"", expected, "\": ", all));
            check(std::string(e.what()).find('\n') == std::string::npos, claim + ": the message is one line");
        }
    }
    void skip(const std::string& what, const std::string& reason) {
        skipped++;
        std::printf("  skipped: %s: %s: %s\n", test.c_str(), what.c_str(), reason.c_str());
    }
    std::string test;
    bool verbose = false;
    int64_t passed = 0, failed = 0, skipped = 0;
};

struct Test {
    const char* name;
    void (*run)(Report&);
};
using Suite = std::vector<Test>;

// The suites of this program, in link order. The Makefile compiles each file of tests to an object that defines one LinkedSuite.
inline std::vector<Suite>& linked_suites() {
    static std::vector<Suite> suites;
    return suites;
}
struct LinkedSuite {
    explicit LinkedSuite(Suite suite) { linked_suites().push_back(std::move(suite)); }
};

inline int run_tests(int argc, char** argv, const std::vector<Suite>& suites) {
    Report report;
    std::vector<std::string> filters;
    bool list = false;
    for (int i = 1; i < argc; i++) {
        const std::string arg = argv[i];
        if (arg == "--list") list = true;
        else if (arg == "--verbose") report.verbose = true;
        else filters.push_back(arg);
    }
    for (const Suite& suite : suites)
        for (const Test& test : suite) {
            bool wanted = filters.empty();
            for (const std::string& f : filters) wanted |= std::string(test.name).find(f) != std::string::npos;
            if (!wanted) continue;
            if (list) {
                std::printf("%s\n", test.name);
                continue;
            }
            report.test = test.name;
            const double start = now_s();
            const int64_t failed_before = report.failed;
            try {
                test.run(report);
            } catch (const Error& e) {
                report.check(false, cat("unexpected error: ", e.what(), " / ", e.advice));
            } catch (const std::exception& e) {
                report.check(false, cat("unexpected exception: ", e.what()));
            }
            std::printf("%-6s %s (%.2f s)\n", report.failed == failed_before ? "ok" : "FAILED", test.name, now_s() - start);
            std::fflush(stdout);
        }
    if (list) return 0;
    if (report.skipped)
        std::printf("%lld passed, %lld failed, %lld skipped\n", (long long)report.passed, (long long)report.failed,
                    (long long)report.skipped);
    else
        std::printf("%lld passed, %lld failed\n", (long long)report.passed, (long long)report.failed);
    return report.failed == 0 && report.passed > 0 ? 0 : 1;
}

// ---- helpers for tests

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// n standard normal floats, reproducible.
inline std::vector<float> normals(int64_t n, uint64_t seed, float std = 1.0f) {
    std::mt19937_64 gen(seed);
    std::normal_distribution<double> normal(0.0, std);
    std::vector<float> v(size_t(n), 0.0f);
    for (float& x : v) x = float(normal(gen));
    return v;
}

// Arrays of the storage type T of a kernel (float, bf16), and their values as doubles for a comparison.
template <typename T>
std::vector<T> stored(const std::vector<float>& v) {
    std::vector<T> out;
    for (const float x : v) out.push_back(T(x));
    return out;
}
template <typename T>
std::vector<T> random_values(int64_t n, uint64_t seed, float std = 1.0f) {
    return stored<T>(normals(n, seed, std));
}
template <typename T>
std::vector<T> filled(int64_t n, float value) {
    return std::vector<T>(size_t(n), T(value));
}
template <typename T>
std::vector<double> doubles(const std::vector<T>& v) {
    std::vector<double> out;
    for (const T& x : v) out.push_back(double(float(x)));
    return out;
}
template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// before + the sums of the columns of the first N rows of x (.., M), in double precision
template <typename T>
std::vector<double> sums_of_columns(double before, const std::vector<T>& x, int64_t N, int64_t M) {
    std::vector<double> sums(size_t(M), before);
    for (int64_t i = 0; i < N * M; i++) sums[size_t(i % M)] += double(float(x[size_t(i)]));
    return sums;
}

// ||a - b|| / ||b||; infinite when a value is not finite or the sizes differ.
template <typename A, typename B>
double relative_error(const std::vector<A>& a, const std::vector<B>& b) {
    if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
    double difference = 0, norm = 0;
    for (size_t i = 0; i < a.size(); i++) {
        const double x = double(a[i]), y = double(b[i]);
        if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::infinity();
        difference += (x - y) * (x - y);
        norm += y * y;
    }
    return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

// A directory of the test's own, removed at the end.
class TempDir {
   public:
    TempDir() {
        std::string pattern = (fs::temp_directory_path() / "train_gpt_test_XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw system_error("mkdtemp");
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ec;
        fs::remove_all(path_, ec);
    }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

   private:
    std::string path_;
};

// The shared data folder of the workshop (real corpora, golden ids), or "" where it is absent: then tests skip.
inline std::string shared_data() {
    const char* env = std::getenv("TRAIN_GPT_SHARED_DATA");
    const std::string path = env ? env : "../shared/data";
    return fs::is_directory(path) ? path : "";
}
