// kernels/gpu_peaks.hpp -- how fast GPUs multiply at most: the denominator of MFU.
//
// Model FLOPs utilization (Chowdhery et al. 2022) is what a training step computes for the model, per second, divided by what the GPU could
// compute if it did nothing else. The numerator is flops_per_token() of gpt_config.hpp; the denominator is of the type that the products
// are asked for (--matmul), whatever else runs in another: fp8 is measured against fp8's peak, twice that of bf16, although attention and
// the head stay in bf16. It is the maker's figure, not a measurement, so that MFUs of different programs can be compared.
#pragma once

#include <string_view>

#include "device.hpp"

// TFLOP/s of dense products as NVIDIA's data sheets state them (their larger figures count with sparsity): fp32 without tensor cores; TF32, bf16 and
// fp8 with sums in fp32. 0: there are none.
struct GpuPeak {
    const char* name;      // a part of cudaDeviceProp::name; the first that fits counts
    double fp32, tf32, bf16, fp8;
};
inline constexpr GpuPeak kGpuPeaks[] = {
    {"B200", 75, 1125, 2250, 4500},          {"H200", 66.9, 494.7, 989.4, 1978.9},    {"GH200", 66.9, 494.7, 989.4, 1978.9},
    {"H100 PCIe", 51.2, 378, 756, 1513},     {"H100 NVL", 60, 417.5, 835.5, 1671},    {"H100", 66.9, 494.7, 989.4, 1978.9},
    {"A100", 19.5, 156, 312, 0},             {"L40S", 91.6, 183, 362, 733},
    {"RTX 5090", 104.8, 104.8, 209.5, 419},  {"RTX 4090", 82.6, 82.6, 165.2, 330.3},
};

// FLOP/s of a GPU by its name, for products of these operands; 0 where the table does not know it, or the GPU has none.
inline double peak_flops_of(std::string_view gpu, Operands operands, bool bf16_storage) {
    for (const GpuPeak& peak : kGpuPeaks) {
        if (gpu.find(peak.name) == std::string_view::npos) continue;
        switch (operands) {
            case Operands::stored: return (bf16_storage ? peak.bf16 : peak.fp32) * 1e12;
            case Operands::tf32: return peak.tf32 * 1e12;
            case Operands::bf16: return peak.bf16 * 1e12;
            case Operands::fp8: return peak.fp8 * 1e12;
        }
    }
    return 0;
}
