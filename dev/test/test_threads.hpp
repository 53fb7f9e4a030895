// dev/test/test_threads.hpp -- what is asked of OpenMP, and what is left to the user. That bits do not depend on the number of threads is
// tested where the bits are made: each kernel, and whole runs of the program with our own products (test_program.hpp).
#pragma once

#include "../../threads.hpp"
#include "test.hpp"

namespace threads_test {

inline void test_quota(Report& r) {
    for (const auto& [text, cores] : std::vector<std::pair<std::string, int>>{{"max 100000\n", 0}, {"200000 100000\n", 2}, {"150000 100000", 2}, {"10000 100000", 1}, {"100000 100000", 1},
                                                                               {"", 0}, {"200000", 0}, {"-1 100000", 0}, {"1 0", 0}, {"a b", 0}})
        r.check(cores_of_quota(text) == cores, cat("cpu.max \"", text, "\" fills ", cores, " cores (0: no limit)"));
}

inline void test_settings(Report& r) {
    const auto names = [](std::vector<std::string> set, int cores, int quota) {
        std::string all;
        for (const auto& [name, value] : thread_settings([&](const char* n) { return std::find(set.begin(), set.end(), n) != set.end() ? "x" : nullptr; }, cores, quota))
            all += name + "=" + value + " ";
        return all;
    };
    r.check(names({}, 8, 0) == "GOMP_SPINCOUNT=2000 ", "spinning is short");
    r.check(names({}, 8, 2) == "GOMP_SPINCOUNT=2000 OMP_NUM_THREADS=2 ", "a quota of two cores out of eight: two threads");
    r.check(names({}, 2, 4) == "GOMP_SPINCOUNT=2000 ", "a quota beyond the cores says nothing");
    r.check(names({"OMP_WAIT_POLICY"}, 8, 0).empty() && names({"GOMP_SPINCOUNT"}, 8, 0).empty(), "what the user set stays");
    r.check(names({"OMP_NUM_THREADS", "GOMP_SPINCOUNT"}, 8, 2).empty(), "so does the number of threads");
    // a second start finds everything set, and does not start again
    r.check(names({"GOMP_SPINCOUNT", "OMP_NUM_THREADS"}, 8, 2).empty() && names({"GOMP_SPINCOUNT"}, 8, 0).empty(), "the program starts itself once only");
}

inline void test_affinity(Report& r) {
    cpu_set_t before, one;
    if (::sched_getaffinity(0, sizeof before, &before) != 0) return r.skip("affinity", "the system does not tell");
    r.check(cores_allowed() == CPU_COUNT(&before), "as many cores as the mask has");
    int first = 0;
    while (!CPU_ISSET(first, &before)) first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    r.check(cores_allowed() == 1, "bound to one core: one");
    ::sched_setaffinity(0, sizeof before, &before);
}

}  // namespace threads_test

inline Suite threads_tests() {
    return {{"threads_quota", threads_test::test_quota}, {"threads_settings", threads_test::test_settings}, {"threads_affinity", threads_test::test_affinity}};
}
