// threads.hpp -- how OpenMP's threads behave on a machine that is not ours alone.
//
// A loop shared by threads ends when the slowest has come; the others spin until then, which is fast, or sleep, which is polite. libgomp
// spins for some milliseconds, and where a neighbour has taken a core, each wait for the thread that stands still burns the core that
// the neighbour would give back: training on two busy cores fell to a tenth (LOG 2026-11-22). So here a thread spins for some tens of microseconds,
// longer than the pause between two kernels, and then sleeps. In a container that may use less time than the machine has cores, there are as
// many threads as that time fills. Threads are not pinned: a pinned one cannot leave a core that somebody else has taken.
// libgomp reads its settings before main() begins: so the program sets them and starts itself once more.
// Does not: change what the user has set (OMP_WAIT_POLICY, GOMP_SPINCOUNT, OMP_NUM_THREADS, OMP_PROC_BIND).
#pragma once

#include <sched.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "common.hpp"

// Cores that a cgroup's cpu.max ("200000 100000": microseconds of CPU time in each period; "max 100000": all) fills, at least 1; 0: no limit, or
// a text that is not understood.
inline int cores_of_quota(const std::string& cpu_max) {
    std::istringstream words(cpu_max);
    double quota = 0, period = 0;
    return words >> quota >> period && quota > 0 && period > 0 ? std::max(1, int(std::ceil(quota / period))) : 0;
}

// Names and values to set for libgomp. get: getenv; cores: those that this process may run on; quota: see cores_of_quota.
inline std::vector<std::pair<std::string, std::string>> thread_settings(const std::function<const char*(const char*)>& get, int cores, int quota) {
    std::vector<std::pair<std::string, std::string>> settings;
    if (!get("OMP_WAIT_POLICY") && !get("GOMP_SPINCOUNT")) settings.emplace_back("GOMP_SPINCOUNT", "2000");
    if (!get("OMP_NUM_THREADS") && quota > 0 && quota < cores) settings.emplace_back("OMP_NUM_THREADS", std::to_string(quota));
    return settings;
}

// The cores that this process may run on (taskset and cpusets count), at least 1.
inline int cores_allowed() {
    cpu_set_t set;
    const int allowed = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : int(::sysconf(_SC_NPROCESSORS_ONLN));   // fails beyond 1,024 cores
    return std::max(1, allowed);
}

// The first thing that main() does. Returns where there is nothing to set, or where the program cannot be started again.
inline void settle_threads(char** argv) {
    std::string quota;
    if (FILE* f = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
        char line[64] = {};
        if (std::fgets(line, sizeof line, f)) quota = line;
        std::fclose(f);
    }
    const auto settings = thread_settings([](const char* name) { return std::getenv(name); }, cores_allowed(), cores_of_quota(quota));
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
    if (settings.empty() || length <= 0) return;
    path[length] = 0;
    for (const auto& [name, value] : settings) ::setenv(name.c_str(), value.c_str(), 1);
    ::execv(path, argv);
}
