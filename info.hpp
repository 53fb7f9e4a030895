// info.hpp -- `train_gpt info`: the machine as the program sees it. A number without its machine is not a number.
#pragma once

#include <fstream>

#include "cli.hpp"
#include "kernels/devices.hpp"
#include "kernels/matmul.hpp"

struct InfoConfig {
    int threads = 0;
};
inline const std::vector<Flag<InfoConfig>> info_flags = {
    {"threads", &InfoConfig::threads, "", "CPU threads to measure with; 0: all cores"},
};

// The value of the first line of a /proc file that begins with `key`, or "".
inline std::string proc_value(const std::string& path, const std::string& key) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(key)) {
            const size_t colon = line.find(':');
            const size_t from = line.find_first_not_of(" \t", colon + 1);
            return from == std::string::npos ? "" : line.substr(from);
        }
    return "";
}

inline int run_info(InfoConfig& c) {
    Cpu cpu(c.threads);
    std::printf("version   %s\n", train_gpt_version);
    std::printf("compiler  %s\n", __VERSION__);
    std::printf("cpu       %s\n", proc_value("/proc/cpuinfo", "model name").c_str());
    std::printf("threads   %d of %d\n", cpu.threads, omp_get_num_procs());
    std::printf("memory    %s, available %s\n", proc_value("/proc/meminfo", "MemTotal").c_str(), proc_value("/proc/meminfo", "MemAvailable").c_str());
    std::printf("simd      %s\n", isa_name(active_isa()));
    std::printf("matmul    %s; bf16 products are %s here, so --dtype auto is %s\n", matmul_backend().c_str(),
                bf16_matmul_is_fast() ? "fast" : "slow", bf16_matmul_is_fast() ? "bf16" : "fp32");
    std::printf("peak      %.0f GFLOP/s in fp32 matrix products\n", measured_peak_flops(cpu, false) * 1e-9);
    if (bf16_matmul_is_fast()) std::printf("peak      %.0f GFLOP/s in bf16 matrix products\n", measured_peak_flops(cpu, true) * 1e-9);
    for (const std::string& line : describe_cuda()) std::printf("%s\n", line.c_str());
    return 0;
}

inline std::vector<Command> info_commands() {
    return {make_command<InfoConfig>("info", "", "device, libraries, memory, measured peak, version", info_flags, run_info)};
}
