// AMX: the tests of attention and of the matrix products once more, by tiles. Where the processor has none they are emulated (amx_emulator.hpp).
#pragma once

#include <cstring>

#include "amx_emulator.hpp"
#include "test.hpp"

namespace amx_suite {

#if TRAIN_GPT_PAIRS && defined(__linux__)
inline const bool emulated = amx_emulator::install_where_asked();

// Status and output of this program with TRAIN_GPT_ISA=amx_bf16, these settings and filters.
inline std::pair<int, std::string> run_by_tiles(const std::string& filters, const std::string& settings = "") {
    char self[4096];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0) return {-1, "no /proc/self/exe"};
    std::string output;
    FILE* pipe = ::popen(cat(settings, " TRAIN_GPT_ISA=amx_bf16 '", std::string(self, size_t(length)), "' ", filters, " 2>&1").c_str(), "r");
    if (!pipe) return {-1, "no child"};
    for (char buffer[4096]; const size_t n = std::fread(buffer, 1, sizeof(buffer), pipe);) output.append(buffer, n);
    const int status = ::pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}
inline bool can_run(Report& t) {
    if (has_bf16_instructions()) return true;
    t.skip("AMX", "what lies between its products needs AVX512_BF16");
    return false;
}

// c (16, 32) += a (16, 64) b (64, 32) against double precision.
inline void tiles_multiply(Report& t) {
    if (!has_amx()) return;                                      // the child of the next test comes here again
    constexpr int64_t M = 16, N = 32, K = 64;
    const auto a = random_values<bf16>(M * K, 1), b = random_values<bf16>(K * N, 2);
    auto c = normals(M * N, 3);
    std::vector<double> want, forgotten;
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            double sum = 0;
            for (int64_t k = 0; k < K; k++) sum += double(float(a[size_t(m * K + k)])) * double(float(b[size_t(k * N + n)]));
            want.push_back(c[size_t(m * N + n)] + sum), forgotten.push_back(sum);
        }
    std::vector<uint32_t> pairs(size_t(K / 2 * N));
    interleave_rows(pairs.data(), N, b.data(), N, K, N);
    amx::begin();
    amx::multiply_rows<false>(c.data(), N, reinterpret_cast<const Pair*>(a.data()), K / 2, pairs.data(), N, N, K / 2);
    amx::end();
    t.check_at_most(relative_error(c, want), 1e-6, "c + a b");
    t.check_rejected(relative_error(c, forgotten), 1e-6, "a b alone");
    t.check(!emulated || amx_emulator::executed > 0, "the emulator is what ran");
}

inline void tests_pass_by_tiles(Report& t) {
    if (!can_run(t) || has_amx()) return;                        // has_amx(): this is the child, or the processor's own unit runs in all tests
    const auto [status, output] = run_by_tiles("'attention: ' 'matmul: ' 'linear: ' 'quantized_pairs' 'amx: tiles'");
    t.check(status == 0 && output.find("ok     amx: tiles") != std::string::npos, cat("all tests of products pass by tiles: ", output));
}
// The emulator must notice what the unit would not forgive.
inline void mistakes_are_found(Report& t) {
    if (std::getenv("TRAIN_GPT_TEST_MISTAKE")) {
        amx::zero<0>();
        return t.check(false, "a tile was used before begin()");
    }
    if (!can_run(t) || has_amx()) return;
    const auto [status, output] = run_by_tiles("'amx: a mistake'", "TRAIN_GPT_TEST_MISTAKE=1");
    t.check(status == 70 && output.find("a tile is used before begin()") != std::string::npos, cat("a tile before begin(): status ", status, ", ", output));
}
#endif

}  // namespace amx_suite

inline Suite amx_tests() {
    using namespace amx_suite;
#if TRAIN_GPT_PAIRS && defined(__linux__)
    return {
        {"amx: tiles multiply as double precision does", tiles_multiply},
        {"amx: the tests of attention and products pass by tiles", tests_pass_by_tiles},
        {"amx: a mistake of the caller is found", mistakes_are_found},
    };
#else
    return {};
#endif
}
