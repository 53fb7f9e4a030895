// kernels/devices.hpp -- all operations, and which device runs them: the answer to --device and --dtype, given at run time.
#pragma once

#include "comm.hpp"
#include "cublaslt.hpp"
#include "instances.hpp"

// What multiplies and how wide, for the first lines of a log.
inline std::string device_details(Cpu& dev) { return cat(dev.threads, " threads, ", matmul_backend(), products_note(dev.operands)); }

#ifdef TRAIN_GPT_CUDA
inline int cuda_device_count() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;  // without a driver the count stays untouched
}
inline std::string device_details(Cuda& dev) {
    cudaDeviceProp p{};
    CUDA_CHECK(cudaGetDeviceProperties(&p, dev.index));
    return cat(p.name, ", ", dev.multiprocessors, " multiprocessors, ", human_bytes(double(p.totalGlobalMem)), ", cuBLASLt",
               products_note(dev.operands));
}
#endif

// The GPUs of this machine, a line each, for `train_gpt info`. Works without a driver.
inline std::vector<std::string> describe_cuda() {
#ifdef TRAIN_GPT_CUDA
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);  // leaves count untouched when it fails
    if (status != cudaSuccess) return {cat("cuda      no device: ", cudaGetErrorString(status))};
    std::vector<std::string> lines;
    for (int i = 0; i < count; i++) {
        cudaDeviceProp p{};
        CUDA_CHECK(cudaGetDeviceProperties(&p, i));
        lines.push_back(cat("cuda ", i, "    ", p.name, ", sm_", p.major, p.minor, ", ", human_bytes(double(p.totalGlobalMem))));
    }
    return lines;
#else
    return {"cuda      not in this build"};
#endif
}

// Call f(cpu, T{}) for --dtype.
template <typename F>
auto with_cpu(const std::string& dtype, int threads, F&& f) {
    Cpu cpu(threads);
    const bool use_bf16 = dtype == "bf16" || (dtype == "auto" && bf16_matmul_is_fast());
    return use_bf16 ? f(cpu, bf16{}) : f(cpu, float{});
}

// Call f(device, T{}) for --device and --dtype. `auto` is the first GPU where there is one, with bf16 there; elsewhere the processor, with
// bf16 where its products are fast. What cannot be honoured fails; it does not fall back. local_rank: which GPU of several.
template <typename F>
auto with_device(const std::string& device, const std::string& dtype, int threads, F&& f, int local_rank = 0) {
#ifdef TRAIN_GPT_CUDA
    if (device == "cuda" || (device == "auto" && cuda_device_count() > 0)) {
        if (cuda_device_count() == 0) throw Error("--device cuda: no GPU that this program could use", "`train_gpt info` says why; --device cpu runs without one");
        Cuda cuda(local_rank % cuda_device_count());
        return dtype == "fp32" ? f(cuda, float{}) : f(cuda, bf16{});
    }
#else
    (void)local_rank;
    if (device == "cuda") throw Error("--device cuda: this program was built without CUDA", "build it where nvcc is (make cuda), or use --device cpu");
#endif
    return with_cpu(dtype, threads, f);
}
