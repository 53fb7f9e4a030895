// kernels/global_norm.hpp -- the two numbers that the host wants of a training step: how long the gradient is, and the loss.
//   squared_norm(x)        = sum_i x_i^2       x: (n), fp32; summed in double, so 1e38 squared does not overflow
//   weighted_sum(w, x)     = sum_i w_i x_i     of the losses of a micro-batch's tokens; in double too
// A sum over 124 million terms must come out the same with one thread and with sixty: it is cut into chunks of a fixed
// size whose sums are added in order. NaN and Inf pass through, and the caller sees a non-finite norm.
// add_squared_norm and add_weighted_sum add to a double on the device, and nobody waits for them. end_step adds up what all ranks have of both
// and decides, where the numbers are, whether they are fit for an update and how far the gradient must be clipped: the update can be queued before
// the host has seen them, and the device does not wait for the host.
#pragma once

#include "cuda_packs.hpp"
#include "device.hpp"

// What a step came to, of all ranks: the sum of its weighted losses, the Euclidean norm of its gradients, and what AdamW multiplies them with
// (0: no update).
struct StepSums {
    double loss = 0, grad_norm = 0;
    float grad_scale = 0;
};

// What the host says beforehand about the update of a step.
struct StepGate {
    double max_loss = std::numeric_limits<double>::infinity();   // a loss above it is an outlier; -infinity: no update, whatever the loss
    double max_norm = 0;                                         // longer gradients are cut to this norm (Pascanu et al. 2013); 0: none are
    static StepGate closed() { return {-std::numeric_limits<double>::infinity(), 0}; }
    // 0 where the loss is an outlier, or one of the two not finite.
    HOST_DEVICE float grad_scale(double loss, double norm) const {
        constexpr double kLargest = 1.7976931348623157e308;
        if (!(loss >= -kLargest && loss <= kLargest && norm <= kLargest) || loss > max_loss) return 0;
        return max_norm > 0 && norm > max_norm ? float(max_norm / norm) : 1.0f;
    }
};
// parts (ranks, 2): loss and squared norm of each rank, added in this order.
HOST_DEVICE inline StepSums sums_of_step(const double* parts, int64_t ranks, const StepGate& gate) {
    double loss = 0, squares = 0;
    for (int64_t r = 0; r < ranks; r++) loss += parts[2 * r], squares += parts[2 * r + 1];
    const double norm = sqrt(squares);
    return {loss, norm, gate.grad_scale(loss, norm)};
}

constexpr int64_t kNormChunk = 1 << 15;  // 128 KiB

// ---- CPU

inline double squared_norm(Cpu& dev, const float* x, int64_t n) {
    const int64_t chunks = ceil_div(n, kNormChunk);
    auto* partial = static_cast<double*>(dev.workspace(size_t(chunks + 1) * sizeof(double)));
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (chunks > 1)
    for (int64_t k = 0; k < chunks; k++)
        simd([&]() ALWAYS_INLINE {
            // four quarters at once: one running sum would wait for each addition to finish before the next
            const int64_t size = std::min(kNormChunk, n - k * kNormChunk), quarter = size / 4;
            const float *x0 = x + k * kNormChunk, *x1 = x0 + quarter, *x2 = x1 + quarter, *x3 = x2 + quarter;
            double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            for (int64_t i = 0; i < quarter; i++) {
                s0 += double(x0[i]) * double(x0[i]);
                s1 += double(x1[i]) * double(x1[i]);
                s2 += double(x2[i]) * double(x2[i]);
                s3 += double(x3[i]) * double(x3[i]);
            }
            for (int64_t i = 4 * quarter; i < size; i++) s0 += double(x0[i]) * double(x0[i]);
            partial[k] = s0 + s1 + s2 + s3;
        });
    double sum = 0;
    for (int64_t k = 0; k < chunks; k++) sum += partial[k];
    return sum;
}
// *sum += squared_norm(x)
inline void add_squared_norm(Cpu& dev, double* sum, const float* x, int64_t n) { *sum += squared_norm(dev, x, n); }

// *sum += sum_i weights[i] * x[i]
inline void add_weighted_sum(Cpu&, double* sum, const float* weights, const float* x, int64_t n) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += double(weights[i]) * double(x[i]);
    *sum += total;
}

// *sums = what the step came to. Both in the device's memory.
inline void end_step(Cpu&, StepSums* sums, const double* parts, int64_t ranks, const StepGate& gate) { *sums = sums_of_step(parts, ranks, gate); }

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
double squared_norm(Cuda& dev, const float* x, int64_t n);
// The same onto *sum, on the device: nobody waits for it.
void add_squared_norm(Cuda& dev, double* sum, const float* x, int64_t n);
void add_weighted_sum(Cuda& dev, double* sum, const float* weights, const float* x, int64_t n);
void end_step(Cuda& dev, StepSums* sums, const double* parts, int64_t ranks, const StepGate& gate);
#endif

#ifdef CUDA_KERNELS
namespace global_norm_cuda {

constexpr int kThreads = 256;

// One block a chunk, its threads' sums in double. Floor: 4 bytes a number; a conversion and an operation in double, which take an H100 a
// tenth of the time of the bytes, and a GPU with 1/64 of its float speed in double about as long as the bytes.
template <bool vector>
__global__ void __launch_bounds__(kThreads) chunk_kernel(double* partial, const float* x, int64_t n) {
    const int64_t begin = int64_t(blockIdx.x) * kNormChunk, left = n - begin < kNormChunk ? n - begin : kNormChunk;
    double sum[4] = {};
    #pragma unroll 4
    for (int64_t i = int64_t(threadIdx.x) * 4; i < left; i += kThreads * 4) {
        float v[4];
        load_floats<vector>(v, x + begin + i, left - i);
        #pragma unroll
        for (int k = 0; k < 4; k++) sum[k] += double(v[k]) * double(v[k]);
    }
    const double total = block_sum<kThreads>((sum[0] + sum[1]) + (sum[2] + sum[3]));
    if (threadIdx.x == 0) partial[blockIdx.x] = total;
}

// One block. Floor: 8 bytes and an addition in double a chunk, none of which counts: 3,800 chunks for 124 million numbers.
template <bool add>
__global__ void __launch_bounds__(kThreads) total_kernel(double* sum, const double* partial, int64_t chunks) {
    double total = 0;
    #pragma unroll 4
    for (int64_t k = threadIdx.x; k < chunks; k += kThreads) total += partial[k];
    total = block_sum<kThreads>(total);
    if (threadIdx.x == 0) *sum = add ? *sum + total : total;
}

// One block: a micro-batch has some 10,000 tokens. Floor: 8 bytes a token, two conversions, a product and a sum in double, which do not count beside
// its logits.
template <int threads>
__global__ void __launch_bounds__(threads) weighted_sum_kernel(double* sum, const float* weights, const float* x, int64_t n) {
    double total = 0;
    #pragma unroll 4
    for (int64_t i = threadIdx.x; i < n; i += threads) total += double(weights[i]) * double(x[i]);
    total = block_sum<threads>(total);
    if (threadIdx.x == 0) *sum += total;
}

// One thread: a number or two of each rank. Floor: 16 bytes a rank; its time is that of the launch, a few microseconds a step.
template <int = 0>
__global__ void __launch_bounds__(1) end_step_kernel(StepSums* sums, const double* parts, int64_t ranks, StepGate gate) {
    *sums = sums_of_step(parts, ranks, gate);
}

// add_to null: into the first double of the workspace. Returns where the sum is.
template <int = 0>
double* start(Cuda& dev, double* add_to, const float* x, int64_t n) {
    const int64_t chunks = ceil_div(n, kNormChunk);
    auto* partial = static_cast<double*>(dev.workspace(size_t(chunks + 1) * sizeof(double)));
    double* sum = add_to ? add_to : partial;
    launch(rows_are_packs<float>(0, x) ? chunk_kernel<true> : chunk_kernel<false>, dim3(unsigned(chunks)), dim3(kThreads), 0, dev.stream,
           partial + 1, x, n);
    launch(add_to ? total_kernel<true> : total_kernel<false>, dim3(1), dim3(kThreads), 0, dev.stream, sum, partial + 1, chunks);
    return sum;
}

}  // namespace global_norm_cuda
#endif

#ifdef CUDA_INSTANCES
void add_squared_norm(Cuda& dev, double* sum, const float* x, int64_t n) { global_norm_cuda::start<>(dev, sum, x, n); }

void add_weighted_sum(Cuda& dev, double* sum, const float* weights, const float* x, int64_t n) {
    launch(global_norm_cuda::weighted_sum_kernel<1024>, dim3(1), dim3(1024), 0, dev.stream, sum, weights, x, n);
}

void end_step(Cuda& dev, StepSums* sums, const double* parts, int64_t ranks, const StepGate& gate) {
    launch(global_norm_cuda::end_step_kernel<>, dim3(1), dim3(1), 0, dev.stream, sums, parts, ranks, gate);
}

double squared_norm(Cuda& dev, const float* x, int64_t n) {
    double sum = 0;
    dev.copy_out(&sum, global_norm_cuda::start<>(dev, nullptr, x, n), sizeof sum);
    return sum;
}
#endif
