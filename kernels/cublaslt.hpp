// kernels/cublaslt.hpp -- matrix products on the GPU, by NVIDIA's cuBLASLt: the linear layers of matmul.hpp with a Cuda device.
//
// cuBLASLt computes D = epilogue(op(A) op(B) + beta C) on column-major matrices. A row-major (M, N) matrix is a column-major (N, M) one, so
// the row-major product C = A B is asked for as C^T = B^T A^T: the operands change places and nothing is copied. The epilogue adds the
// bias (a number per output channel, which is a row of C^T), and applies tanh-GELU while the tile is still in registers: the fused
// forward saves a read and a write of (N, 4C). What the library does not offer for a shape or type runs unfused, with our own kernels.
// Floor on an H100 SXM: 2 M N K operations at 989 TFLOP/s (bf16), that is for (16384, 768) x (768, 3072) 78 us, while its bytes
// (131 MB) take 39 us at 3.35 TB/s: the products of GPT-2 124M are bound by arithmetic, but not by far.
// A plan (descriptors and the algorithm) is made once for each shape and kept. --autotune: the library's candidates are timed, instead
// of taking the first of its list. Promise: the same plan on the same GPU gives the same bits (no split-K with atomics is used).
#pragma once

#include "column_sums.hpp"
#include "matmul.hpp"

#ifdef TRAIN_GPT_CUDA

template <typename TC, typename T>
void matmul(Cuda& dev, TC* C, const T* A, const T* B, int64_t M, int64_t N, int64_t K, bool ta, bool tb, bool accumulate);
template <typename T>
void linear_forward(Cuda& dev, T* y, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M);
template <typename T>
void linear_gelu_forward(Cuda& dev, T* y, T* pre, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M);
template <typename T>
void linear_backward(Cuda& dev, T* dx, float* dw, float* db, const T* dy, const T* x, const T* w, int64_t N, int64_t K, int64_t M);

// FLOP/s of dense products that the maker states for this GPU (bf16 with fp32 sums, or TF32); of an unknown one, the best measured here.
double measured_peak_flops(Cuda& dev, bool bf16_storage);

#ifdef CUDA_KERNELS
#include <cublasLt.h>

#include <map>

inline const char* cublas_status_name(cublasStatus_t s) {
    switch (s) {
        case CUBLAS_STATUS_SUCCESS: return "success";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "not initialized";
        case CUBLAS_STATUS_ALLOC_FAILED: return "allocation failed";
        case CUBLAS_STATUS_INVALID_VALUE: return "invalid value";
        case CUBLAS_STATUS_ARCH_MISMATCH: return "not possible on this GPU";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "execution failed";
        case CUBLAS_STATUS_INTERNAL_ERROR: return "internal error";
        case CUBLAS_STATUS_NOT_SUPPORTED: return "not supported";
        default: return "other error";
    }
}
#define CUBLAS_CHECK(call)                                                                                                     \
    do {                                                                                                                       \
        const cublasStatus_t status_ = (call);                                                                                 \
        if (status_ != CUBLAS_STATUS_SUCCESS)                                                                                  \
            throw Error(cat(__FILE__, ":", __LINE__, ": " #call ": cuBLASLt status ", int(status_), ", ", cublas_status_name(status_)), \
                        "`train_gpt info` shows the device and the driver; --device cpu runs without a GPU");                  \
    } while (0)

template <typename T>
constexpr cudaDataType_t cuda_type() { return sizeof(T) == 2 ? CUDA_R_16BF : CUDA_R_32F; }

// Everything that decides which kernel the library may take.
struct MatmulKey {
    int64_t m, n, k, ta, tb, type, result_type, epilogue, accumulate, alignment;  // m, n, k and a, b as cuBLASLt sees them
    auto operator<=>(const MatmulKey&) const = default;
};

struct MatmulPlan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
    cublasLtMatmulAlgo_t algorithm{};
    bool possible = false;   // does the library offer it?
};

struct MatmulPlans {
    static constexpr size_t kWorkspace = size_t(32) << 20;  // what NVIDIA recommends for Hopper
    cublasLtHandle_t handle = nullptr;
    void* workspace = nullptr;
    std::map<MatmulKey, MatmulPlan> plans;

    explicit MatmulPlans(Cuda& dev) {
        CUBLAS_CHECK(cublasLtCreate(&handle));
        workspace = dev.allocate(kWorkspace);
    }
    MatmulPlans(const MatmulPlans&) = delete;
    ~MatmulPlans() {
        for (auto& [key, p] : plans) {
            if (p.operation) cublasLtMatmulDescDestroy(p.operation);
            for (cublasLtMatrixLayout_t layout : {p.a, p.b, p.d})
                if (layout) cublasLtMatrixLayoutDestroy(layout);
        }
        cublasLtDestroy(handle);
        cudaFree(workspace);
    }
    static MatmulPlans& of(Cuda& dev) {
        if (!dev.matmul_plans) {
            dev.matmul_plans = new MatmulPlans(dev);
            dev.drop_matmul_plans = [](MatmulPlans* p) { delete p; };
        }
        return *dev.matmul_plans;
    }
};

// D (M, N) = epilogue(op(A) op(B)), row-major. False, and nothing done, where the library has no kernel for it.
template <typename TC, typename T>
struct MatmulCall {
    TC* D;
    const T *A, *B;               // (M, K), or (K, M) where ta; (K, N), or (N, K) where tb
    int64_t M, N, K;
    bool ta = false, tb = false, accumulate = false;
    const TC* bias = nullptr;     // (N)
    TC* before_gelu = nullptr;    // (M, N): D is then gelu of what is stored here

    bool run(Cuda& dev) const {
        if (M == 0 || N == 0) return true;
        MatmulPlans& plans = MatmulPlans::of(dev);
        const MatmulKey key{N, M, K, tb, ta, cuda_type<T>(), cuda_type<TC>(), epilogue(), accumulate, alignment()};
        auto [it, is_new] = plans.plans.try_emplace(key);
        MatmulPlan& plan = it->second;
        if (is_new) {
            describe(dev, plan);
            point_epilogue(plan);
            choose(dev, plans, plan);
        }
        if (!plan.possible) return false;
        point_epilogue(plan);
        multiply(dev, plans, plan, plan.algorithm, D);
        return true;
    }

   private:
    int64_t epilogue() const {
        if (before_gelu) return bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
        return bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    }
    // The lowest alignment of the pointers, at most 256 bytes, which the library takes for granted unless told.
    int64_t alignment() const {
        uintptr_t bits = 256;
        for (const void* p : {(const void*)D, (const void*)A, (const void*)B, (const void*)bias, (const void*)before_gelu}) bits |= uintptr_t(p);
        return int64_t(bits & (~bits + 1));
    }
    template <typename V>
    static void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t what, V value) {
        CUBLAS_CHECK(cublasLtMatmulDescSetAttribute(operation, what, &value, sizeof(value)));
    }
    void describe(Cuda& dev, MatmulPlan& p) const {
        const cublasComputeType_t compute = sizeof(T) == 4 && dev.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
        CUBLAS_CHECK(cublasLtMatmulDescCreate(&p.operation, compute, CUDA_R_32F));
        set(p.operation, CUBLASLT_MATMUL_DESC_TRANSA, tb ? CUBLAS_OP_T : CUBLAS_OP_N);   // the library's A is our B
        set(p.operation, CUBLASLT_MATMUL_DESC_TRANSB, ta ? CUBLAS_OP_T : CUBLAS_OP_N);
        set(p.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, cublasLtEpilogue_t(epilogue()));
        if (bias) set(p.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, cuda_type<TC>());
        if (before_gelu) set(p.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, int64_t(N));
        const int64_t a_cols = tb ? K : N, b_cols = ta ? M : K;                            // of our B and A, row-major
        CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&p.a, cuda_type<T>(), uint64_t(a_cols), uint64_t(tb ? N : K), a_cols));
        CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&p.b, cuda_type<T>(), uint64_t(b_cols), uint64_t(ta ? K : M), b_cols));
        CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&p.d, cuda_type<TC>(), uint64_t(N), uint64_t(M), N));
    }
    // The pointers of bias and pre-activation are part of the description: they change from layer to layer.
    void point_epilogue(MatmulPlan& p) const {
        if (bias) set(p.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, (const void*)bias);
        if (before_gelu) set(p.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, (const void*)before_gelu);
    }
    void choose(Cuda& dev, MatmulPlans& plans, MatmulPlan& p) const {
        cublasLtMatmulPreference_t wish = nullptr;
        CUBLAS_CHECK(cublasLtMatmulPreferenceCreate(&wish));
        const size_t workspace = MatmulPlans::kWorkspace;
        CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof(workspace)));
        const uint32_t aligned = uint32_t(alignment());
        for (auto what : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
            CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(wish, what, &aligned, sizeof(aligned)));
        constexpr int kCandidates = 16;
        cublasLtMatmulHeuristicResult_t found[kCandidates] = {};
        int count = 0;
        const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(plans.handle, p.operation, p.a, p.b, p.d, p.d, wish,
                                                                     dev.autotune ? kCandidates : 1, found, &count);
        cublasLtMatmulPreferenceDestroy(wish);
        if (status != CUBLAS_STATUS_NOT_SUPPORTED) CUBLAS_CHECK(status);
        if (status != CUBLAS_STATUS_SUCCESS || count == 0) return;
        p.possible = true;
        p.algorithm = found[0].algo;
        if (dev.autotune && count > 1) p.algorithm = found[fastest(dev, plans, p, found, count)].algo;
    }
    // Three timed runs of each candidate into scratch memory, so that an accumulating product does not add more than once.
    int fastest(Cuda& dev, MatmulPlans& plans, MatmulPlan& p, const cublasLtMatmulHeuristicResult_t* found, int count) const {
        TC* scratch = static_cast<TC*>(dev.allocate(size_t(M * N) * sizeof(TC)));
        dev.zero(scratch, size_t(M * N) * sizeof(TC));
        cudaEvent_t begin = nullptr, end = nullptr;
        CUDA_CHECK(cudaEventCreate(&begin));
        CUDA_CHECK(cudaEventCreate(&end));
        int best = 0;
        float best_ms = 0;
        for (int i = 0; i < count; i++) {
            if (found[i].state != CUBLAS_STATUS_SUCCESS) continue;
            float least = 0;
            for (int repeat = 0; repeat < 4; repeat++) {   // the first one loads the kernel
                CUDA_CHECK(cudaEventRecord(begin, dev.stream));
                multiply(dev, plans, p, found[i].algo, scratch);
                CUDA_CHECK(cudaEventRecord(end, dev.stream));
                CUDA_CHECK(cudaEventSynchronize(end));
                float ms = 0;
                CUDA_CHECK(cudaEventElapsedTime(&ms, begin, end));
                if (repeat > 0) least = repeat == 1 ? ms : std::min(least, ms);
            }
            if (best_ms == 0 || least < best_ms) best = i, best_ms = least;
        }
        CUDA_CHECK(cudaEventDestroy(begin));
        CUDA_CHECK(cudaEventDestroy(end));
        dev.release(scratch);
        return best;
    }
    void multiply(Cuda& dev, MatmulPlans& plans, const MatmulPlan& p, const cublasLtMatmulAlgo_t& algorithm, TC* out) const {
        const float alpha = 1, beta = accumulate ? 1.0f : 0.0f;
        CUBLAS_CHECK(cublasLtMatmul(plans.handle, p.operation, &alpha, B, p.a, A, p.b, &beta, out, p.d, out, p.d, &algorithm, plans.workspace,
                                    MatmulPlans::kWorkspace, dev.stream));
    }
};

template <typename TC, typename T>
void matmul(Cuda& dev, TC* C, const T* A, const T* B, int64_t M, int64_t N, int64_t K, bool ta, bool tb, bool accumulate) {
    const MatmulCall<TC, T> call{C, A, B, M, N, K, ta, tb, accumulate};
    if (!call.run(dev)) throw Error(cat("cuBLASLt has no product for (", M, ", ", K, ") x (", K, ", ", N, ") in ", dtype_name<T>()), "--device cpu has");
}

// y (N, M) += b (M), where the epilogue could not do it. Reads and writes y once.
template <typename T>
__global__ void add_bias_kernel(T* y, const T* b, int64_t N, int64_t M) {
    for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < N * M; i += int64_t(gridDim.x) * blockDim.x)
        y[i] = T(float(y[i]) + float(b[i % M]));
}
template <typename T>
void add_bias(Cuda& dev, T* y, const T* b, int64_t N, int64_t M) {
    constexpr int threads = 256;
    launch(add_bias_kernel<T>, dim3(unsigned(std::min(ceil_div(N * M, int64_t(threads)), int64_t(1) << 16))), dim3(threads), 0, dev.stream, y, b, N, M);
}

template <typename T>
void linear_forward(Cuda& dev, T* y, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M) {
    MatmulCall<T, T> call{y, x, w, N, M, K};
    call.bias = b;
    if (call.run(dev)) return;
    matmul(dev, y, x, w, N, M, K, false, false, false);
    if (b) add_bias(dev, y, b, N, M);
}

template <typename T>
void linear_gelu_forward(Cuda& dev, T* y, T* pre, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M) {
    MatmulCall<T, T> call{y, x, w, N, M, K};
    call.bias = b;
    call.before_gelu = pre;
    if (call.run(dev)) return;
    linear_forward(dev, pre, x, w, b, N, K, M);
    gelu_forward(dev, y, pre, N * M);
}

template <typename T>
void linear_backward(Cuda& dev, T* dx, float* dw, float* db, const T* dy, const T* x, const T* w, int64_t N, int64_t K, int64_t M) {
    if (dx) matmul(dev, dx, dy, w, N, K, M, false, true, false);
    matmul(dev, dw, x, dy, K, M, N, true, false, true);
    if (db) add_column_sums(dev, db, dy, N, M);
}
#endif  // CUDA_KERNELS

#ifdef CUDA_INSTANCES
// TFLOP/s of dense products as NVIDIA's data sheets state them (without sparsity): bf16 with fp32 sums, TF32.
struct GpuPeak {
    const char* name;      // a part of cudaDeviceProp::name; the first that fits counts
    double bf16, tf32;
};
inline constexpr GpuPeak kGpuPeaks[] = {
    {"B200", 2250, 1125},      {"H200", 989.5, 494.7},   {"H100 PCIe", 756.5, 378},  {"H100 NVL", 835.5, 417.5}, {"GH200", 989.5, 494.7},
    {"H100", 989.5, 494.7},    {"A100", 312, 156},       {"L40S", 362, 183},         {"RTX 5090", 209.5, 104.8}, {"RTX 4090", 165.2, 82.6},
};

double measured_peak_flops(Cuda& dev, bool bf16_storage) {
    cudaDeviceProp p{};
    CUDA_CHECK(cudaGetDeviceProperties(&p, dev.index));
    for (const GpuPeak& peak : kGpuPeaks)
        if (std::string_view(p.name).find(peak.name) != std::string_view::npos) return (bf16_storage ? peak.bf16 : peak.tf32) * 1e12;
    const int64_t n = dev.multiprocessors < 16 ? 256 : 8192;
    auto measure = [&](auto t) {
        using T = decltype(t);
        T* a = static_cast<T*>(dev.allocate(size_t(3 * n * n) * sizeof(T)));
        dev.zero(a, size_t(3 * n * n) * sizeof(T));
        double best_s = 1e9;
        for (int i = 0; i < 4; i++) {
            dev.synchronize();
            const double begin = now_s();
            matmul(dev, a, a + n * n, a + 2 * n * n, n, n, n, false, false, false);
            dev.synchronize();
            if (i > 0) best_s = std::min(best_s, now_s() - begin);
        }
        dev.release(a);
        return 2.0 * double(n) * double(n) * double(n) / best_s;
    };
    return bf16_storage ? measure(bf16{}) : measure(float{});
}
#endif
#endif  // TRAIN_GPT_CUDA
