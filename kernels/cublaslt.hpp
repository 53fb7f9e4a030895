// kernels/cublaslt.hpp -- matrix products on the GPU, by NVIDIA's cuBLASLt: the linear layers of matmul.hpp with a Cuda device.
//
// cuBLASLt computes D = epilogue(op(A) op(B) + beta C) on column-major matrices. A row-major (M, N) matrix is a column-major (N, M) one, so
// the row-major product C = A B is asked for as C^T = B^T A^T: the operands change places and nothing is copied. The epilogue adds the
// bias (a number per output channel, which is a row of C^T), and applies tanh-GELU, or its slope on the way back, while the tile is still in
// registers: that saves a read and a write of (N, 4C) each. What the library does not offer for a shape or type runs with our own kernels.
// Floor on an H100 SXM: 2 M N K operations at 989 TFLOP/s (bf16), that is for (16384, 768) x (768, 3072) 78 us, while its bytes
// (131 MB) take 39 us at 3.35 TB/s: the products of GPT-2 124M are bound by arithmetic, but not by far. With fp8 they take 39 us, and 19 us
// more go to the two readings and one writing of x in fp8.hpp; over all products of a layer, forward and backward, it pays from about 1,000
// channels on (computed, not measured).
// A plan (descriptors and the algorithm) is made once for each shape and kept. Promise: the same plan on the same GPU gives the same bits,
// as sums split over k are allowed only where a second step adds the fp32 parts in order. The library's first proposal is always the same.
// --autotune times its proposals instead; noise can change that choice, so it is kept in a file, which a resumed run reads.
#pragma once

#include "column_sums.hpp"
#include "gpu_peaks.hpp"
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
template <typename T>
void linear_gelu_backward(Cuda& dev, T* d_pre, float* dw, float* db, const T* dy, const T* pre, const T* x, const T* w, int64_t N, int64_t K, int64_t M);

// What --matmul and --autotune ask for. Called once, before the first product. Throws where this GPU has no tensor cores for it.
void set_matmul(Cuda& dev, const MatmulSettings& s, bool bf16_storage);

// FLOP/s of dense products that the maker states for this GPU and the operands that set_matmul() chose (gpu_peaks.hpp); of an unknown GPU, the best
// measured here, of the stored type.
double measured_peak_flops(Cuda& dev, bool bf16_storage);

#ifdef CUDA_KERNELS
#include <cublasLt.h>

#include <map>
#include <sstream>

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

// Everything that decides which kernel the library may take: m, n, k, op(A), op(B) as cuBLASLt sees them, types of A, B and D, type of the
// sums, epilogue, mode (1: accumulates, 2: fast fp8 sums), alignment in bytes.
using MatmulKey = std::array<int64_t, 12>;

struct MatmulPlan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
    cublasLtMatmulAlgo_t algorithm{};
    bool possible = false;   // does the library offer it?
};

// The handle, its workspace and all plans of a device; and with --autotune, the algorithms that were found fastest, in memory and in a file:
// a line that names library and GPU, then for each shape its key and the algorithm's 64 bytes, which NVIDIA allows to store.
struct MatmulPlans {
    static constexpr size_t kWorkspace = size_t(32) << 20;  // what NVIDIA recommends for Hopper
    cublasLtHandle_t handle = nullptr;
    void* workspace = nullptr;
    bool gelu_forward = false, gelu_backward = false;       // GELU as part of a product
    std::map<MatmulKey, MatmulPlan> plans;
    std::map<MatmulKey, cublasLtMatmulAlgo_t> tuned;

    explicit MatmulPlans(Cuda& dev) {
        CUBLAS_CHECK(cublasLtCreate(&handle));
        workspace = dev.allocate(kWorkspace);
        cudaDeviceProp p{};
        CUDA_CHECK(cudaGetDeviceProperties(&p, dev.index));
        // llm.c found the fused kernels slower before Hopper, and made the same choice
        const int fused = dev.gelu_in_products >= 0 ? dev.gelu_in_products : p.major >= 9 ? 2 : 0;
        gelu_forward = fused >= 1, gelu_backward = fused >= 2;
        title_ = cat("cuBLASLt ", cublasLtGetVersion(), ", ", p.name);
        if (dev.autotune && fs::exists(dev.tuned_plans) && !read_tuned(dev.tuned_plans)) {
            tuned.clear();
            if (dev.tuning_log) dev.tuning_log(cat("autotune  ", dev.tuned_plans, " is not of ", title_, ": products are timed anew, and the bits may differ"));
        }
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
    void write_tuned(const std::string& path) const {
        std::string text = title_ + "\n";
        for (const auto& [key, algorithm] : tuned) {
            for (int64_t v : key) text += cat(v, " ");
            for (uint64_t v : algorithm.data) text += strprintf("%llx ", (unsigned long long)v);
            text.back() = '\n';
        }
        if (const fs::path directory = fs::path(path).parent_path(); !directory.empty()) make_directories(directory.string());
        write_file(path, text);
    }

   private:
    bool read_tuned(const std::string& path) {
        std::istringstream lines(read_file(path));
        std::string line;
        if (!std::getline(lines, line) || line != title_) return false;
        while (std::getline(lines, line)) {
            std::istringstream words(line);
            MatmulKey key{};
            cublasLtMatmulAlgo_t algorithm{};
            for (int64_t& v : key) words >> v;
            words >> std::hex;
            for (uint64_t& v : algorithm.data) words >> v;
            if (!words) return false;
            tuned[key] = algorithm;
        }
        return true;
    }
    std::string title_;
};

// One operand of a product. It is stored transposed where `transposed`; an fp8 one comes with the inverse of its scale, in device memory.
struct MatmulOperand {
    const void* p;
    cudaDataType_t type;
    bool transposed = false;
    const float* inverse_scale = nullptr;
    bool is_fp8() const { return type == CUDA_R_8F_E4M3 || type == CUDA_R_8F_E5M2; }
};
template <typename T>
MatmulOperand operand(const T* p, bool transposed = false) { return {p, cuda_type<T>(), transposed}; }

// D (M, N) = epilogue(A B), row-major; A: (M, K), B: (K, N).
struct MatmulCall {
    void* D;
    cudaDataType_t type;                  // of D, and of the arrays of the epilogue
    MatmulOperand A, B;
    int64_t M, N, K;
    bool accumulate = false;              // D +=
    bool fast_sums = false;               // fp8: sums keep about 14 bits between the steps of the tensor core; enough for activations
    const void* bias = nullptr;           // (N)
    void* before_gelu = nullptr;          // (M, N), written: D is then gelu of it
    const void* gelu_input = nullptr;     // (M, N), read: D is multiplied by the slope of gelu there

    // False, and nothing done, where the library has no kernel for it.
    bool run(Cuda& dev) const {
        if (M == 0 || N == 0) return true;
        if (auxiliary() && N % 8 != 0) return false;                          // what the documentation asks of its leading dimension
        if (bias && A.is_fp8() && type == CUDA_R_32F) return false;           // fp8 with fp32 results wants a bf16 bias
        MatmulPlans& plans = MatmulPlans::of(dev);
        const MatmulKey key{N, M, K, B.transposed, A.transposed, B.type, A.type, type, compute(dev), epilogue(), accumulate + 2 * fast_sums, alignment()};
        auto [it, is_new] = plans.plans.try_emplace(key);
        MatmulPlan& plan = it->second;
        if (is_new) {
            describe(dev, plan);
            point(plan);
            choose(dev, plans, key, plan);
        }
        if (!plan.possible) return false;
        point(plan);
        multiply(dev, plans, plan, plan.algorithm, D);
        return true;
    }
    void must_run(Cuda& dev) const {
        if (!run(dev))
            throw Error(cat("cuBLASLt has no product for (", M, ", ", K, ") x (", K, ", ", N, ") in ", type_name()),
                        A.is_fp8() ? "--matmul auto does without fp8" : "--device cpu has");
    }

   private:
    std::string type_name() const { return A.is_fp8() ? "fp8" : A.type == CUDA_R_16BF ? "bf16" : "fp32"; }
    int64_t epilogue() const {
        if (gelu_input) return CUBLASLT_EPILOGUE_DGELU;
        if (before_gelu) return bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
        return bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    }
    int64_t compute(const Cuda& dev) const {
        if (A.type != CUDA_R_32F || dev.operands == Operands::stored || dev.operands == Operands::fp8) return CUBLAS_COMPUTE_32F;
        return dev.operands == Operands::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F_FAST_16BF;
    }
    const void* auxiliary() const { return before_gelu ? before_gelu : gelu_input; }
    // The lowest alignment of the pointers, at most 256 bytes, which the library takes for granted unless told.
    int64_t alignment() const {
        uintptr_t bits = 256;
        for (const void* p : {(const void*)D, A.p, B.p, bias, auxiliary()}) bits |= uintptr_t(p);
        return int64_t(bits & (~bits + 1));
    }
    template <typename V>
    static void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t what, V value) {
        CUBLAS_CHECK(cublasLtMatmulDescSetAttribute(operation, what, &value, sizeof(value)));
    }
    void describe(Cuda& dev, MatmulPlan& p) const {
        CUBLAS_CHECK(cublasLtMatmulDescCreate(&p.operation, cublasComputeType_t(compute(dev)), CUDA_R_32F));
        set(p.operation, CUBLASLT_MATMUL_DESC_TRANSA, B.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);   // the library's A is our B
        set(p.operation, CUBLASLT_MATMUL_DESC_TRANSB, A.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
        set(p.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, cublasLtEpilogue_t(epilogue()));
        if (bias) set(p.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type);
        if (auxiliary()) set(p.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, int64_t(N));
        if (A.is_fp8()) set(p.operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, int8_t(fast_sums));
        const int64_t a_cols = B.transposed ? K : N, b_cols = A.transposed ? M : K;                // of our B and A, row-major
        CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&p.a, B.type, uint64_t(a_cols), uint64_t(B.transposed ? N : K), a_cols));
        CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&p.b, A.type, uint64_t(b_cols), uint64_t(A.transposed ? K : M), b_cols));
        CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&p.d, type, uint64_t(N), uint64_t(M), N));
    }
    // The pointers that are part of the description: they change from layer to layer.
    void point(MatmulPlan& p) const {
        if (bias) set(p.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
        if (auxiliary()) set(p.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, auxiliary());
        if (B.inverse_scale) set(p.operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, (const void*)B.inverse_scale);
        if (A.inverse_scale) set(p.operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, (const void*)A.inverse_scale);
    }
    void choose(Cuda& dev, MatmulPlans& plans, const MatmulKey& key, MatmulPlan& p) const {
        if (const auto known = plans.tuned.find(key); known != plans.tuned.end()) {
            cublasLtMatmulHeuristicResult_t checked{};
            const cublasStatus_t status = cublasLtMatmulAlgoCheck(plans.handle, p.operation, p.a, p.b, p.d, p.d, &known->second, &checked);
            p.possible = status == CUBLAS_STATUS_SUCCESS && checked.workspaceSize <= MatmulPlans::kWorkspace;
            p.algorithm = known->second;
            if (p.possible) return;
        }
        constexpr int kCandidates = 16;
        cublasLtMatmulHeuristicResult_t found[kCandidates] = {};
        const int count = propose(plans, p, found, dev.autotune ? kCandidates : 1);
        if (count == 0) return;
        p.possible = true;
        p.algorithm = found[0].algo;
        if (!dev.autotune || count == 1) return;
        p.algorithm = found[fastest(dev, plans, p, found, count)].algo;
        plans.tuned[key] = p.algorithm;
        if (!dev.tuned_plans.empty()) plans.write_tuned(dev.tuned_plans);
    }
    // What the library proposes, best first by its own estimate; how many.
    int propose(MatmulPlans& plans, MatmulPlan& p, cublasLtMatmulHeuristicResult_t* found, int most) const {
        cublasLtMatmulPreference_t wish = nullptr;
        CUBLAS_CHECK(cublasLtMatmulPreferenceCreate(&wish));
        auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, auto value) {
            CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(wish, what, &value, sizeof(value)));
        };
        prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, MatmulPlans::kWorkspace);
        // parts of a sum over k: in fp32, added by a second step. The other schemes add in D's type, or in D itself as the parts arrive.
        prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, uint32_t(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
        for (auto what : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
            prefer(what, uint32_t(alignment()));
        int count = 0;
        const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(plans.handle, p.operation, p.a, p.b, p.d, p.d, wish, most, found, &count);
        cublasLtMatmulPreferenceDestroy(wish);
        // the library calls an epilogue that it does not have for these types either the one or the other
        if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_INVALID_VALUE && epilogue() != CUBLASLT_EPILOGUE_DEFAULT)) return 0;
        CUBLAS_CHECK(status);
        return count;
    }
    // Three timed runs of each candidate into scratch memory, so that an accumulating product does not add more than once.
    int fastest(Cuda& dev, MatmulPlans& plans, MatmulPlan& p, const cublasLtMatmulHeuristicResult_t* found, int count) const {
        const size_t bytes = size_t(M * N) * (type == CUDA_R_32F ? 4 : 2);
        void* scratch = dev.allocate(bytes);
        dev.zero(scratch, bytes);
        cudaEvent_t begin = nullptr, end = nullptr;
        CUDA_CHECK(cudaEventCreate(&begin));
        CUDA_CHECK(cudaEventCreate(&end));
        int best = 0;
        float best_ms = 0, first_ms = 0;
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
            if (i == 0) first_ms = least;
            if (best_ms == 0 || least < best_ms) best = i, best_ms = least;
        }
        CUDA_CHECK(cudaEventDestroy(begin));
        CUDA_CHECK(cudaEventDestroy(end));
        dev.release(scratch);
        if (dev.tuning_log) dev.tuning_log(choice(found[best].algo, best, count, best_ms, first_ms));
        return best;
    }
    std::string choice(const cublasLtMatmulAlgo_t& algorithm, int best, int count, float best_ms, float first_ms) const {
        auto config = [&](cublasLtMatmulAlgoConfigAttributes_t what) {
            int32_t value = -1;
            size_t written = 0;
            cublasLtMatmulAlgoConfigGetAttribute(&algorithm, what, &value, sizeof(value), &written);
            return value;
        };
        const char* after = gelu_input ? " gelu'" : before_gelu ? " gelu" : "";
        return strprintf("autotune  (%lld, %lld) x (%lld, %lld) %s%s: %.1f us, proposal %d of %d (the first: %.1f us); algorithm %d, tile %d, split %d",
                         (long long)M, (long long)K, (long long)K, (long long)N, type_name().c_str(), after, double(best_ms) * 1e3, best + 1, count,
                         double(first_ms) * 1e3, config(CUBLASLT_ALGO_CONFIG_ID), config(CUBLASLT_ALGO_CONFIG_TILE_ID),
                         config(CUBLASLT_ALGO_CONFIG_SPLITK_NUM));
    }
    void multiply(Cuda& dev, MatmulPlans& plans, const MatmulPlan& p, const cublasLtMatmulAlgo_t& algorithm, void* out) const {
        const float alpha = 1, beta = accumulate ? 1.0f : 0.0f;
        CUBLAS_CHECK(cublasLtMatmul(plans.handle, p.operation, &alpha, B.p, p.a, A.p, p.b, &beta, out, p.d, out, p.d, &algorithm, plans.workspace,
                                    MatmulPlans::kWorkspace, dev.stream));
    }
};

template <typename TC, typename T>
void matmul(Cuda& dev, TC* C, const T* A, const T* B, int64_t M, int64_t N, int64_t K, bool ta, bool tb, bool accumulate) {
    MatmulCall{C, cuda_type<TC>(), operand(A, ta), operand(B, tb), M, N, K, accumulate}.must_run(dev);
}

// y (N, M) += b (M), where the epilogue could not do it.
// Floor: y read and written, 2 N M numbers (bf16: 4 N M bytes), b from L1; an addition an element, and a remainder of 64 bits for its column.
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

// ---- the linear layer: its three products, and what of the rest of it they can take along

// y = A B + b (N, M); with `pre`, that goes to pre and y is its gelu.
template <typename T>
void layer_forward(Cuda& dev, T* y, T* pre, const T* b, MatmulCall product) {
    product.bias = b;
    if (pre && MatmulPlans::of(dev).gelu_forward) {
        product.D = y;
        product.before_gelu = pre;
        if (product.run(dev)) return;
        product.before_gelu = nullptr;
    }
    T* const sum = pre ? pre : y;
    product.D = sum;
    if (!b || !product.run(dev)) {
        product.bias = nullptr;
        product.must_run(dev);
        if (b) add_bias(dev, sum, b, product.M, product.N);
    }
    if (pre) gelu_forward(dev, y, pre, product.M * product.N);
}

// dx = A B, times gelu'(pre) where pre is not null. The library could also sum up the gradient of the bias before that gelu (DGELU_BGRAD),
// but in the type of D, and overwriting: ours is fp32 and adds.
template <typename T>
void layer_backward(Cuda& dev, T* dx, const T* pre, MatmulCall product) {
    product.D = dx;
    if (pre && MatmulPlans::of(dev).gelu_backward) {
        product.gelu_input = pre;
        if (product.run(dev)) return;
        product.gelu_input = nullptr;
    }
    product.must_run(dev);
    if (pre) gelu_backward_inplace(dev, dx, pre, product.M * product.N);
}

// Operands of an fp8 product. Its kernels want both with the index k running fastest (the library's "TN"; only Blackwell has others): so
// a left operand is given by its rows and a right one by its columns. A matrix that is wanted transposed is the other way round.
inline MatmulOperand fp8_left(const uint8_t* p, const Fp8Matrix& m) {
    return {p, m.format == Fp8::e4m3 ? CUDA_R_8F_E4M3 : CUDA_R_8F_E5M2, false, m.inverse};
}
inline MatmulOperand fp8_right(const uint8_t* p, const Fp8Matrix& m) {
    return {p, m.format == Fp8::e4m3 ? CUDA_R_8F_E4M3 : CUDA_R_8F_E5M2, true, m.inverse};
}

template <typename T>
void linear_gelu_forward(Cuda& dev, T* y, T* pre, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M) {
    if (dev.operands != Operands::fp8) return layer_forward(dev, y, pre, b, {nullptr, cuda_type<T>(), operand(x), operand(w), N, M, K});
    check_fp8_layer(K, M);
    Fp8Scratch scratch(dev, Fp8Scratch::rows_bytes(N, K) + Fp8Scratch::columns_bytes(K, M), 2);
    const Fp8Matrix x8 = scratch.quantise(Fp8::e4m3, x, N, K, true, false), w8 = scratch.quantise(Fp8::e4m3, w, K, M, false, true);
    layer_forward(dev, y, pre, b, {nullptr, cuda_type<T>(), fp8_left(x8.rows, x8), fp8_right(w8.columns, w8), N, M, K, false, true});
}
template <typename T>
void linear_forward(Cuda& dev, T* y, const T* x, const T* w, const T* b, int64_t N, int64_t K, int64_t M) {
    linear_gelu_forward(dev, y, static_cast<T*>(nullptr), x, w, b, N, K, M);
}

// Forward was y = x w + b, with x = gelu(pre) where pre is not null.
template <typename T>
void linear_gelu_backward(Cuda& dev, T* dx, float* dw, float* db, const T* dy, const T* pre, const T* x, const T* w, int64_t N, int64_t K, int64_t M) {
    if (dev.operands != Operands::fp8) {
        if (dx) layer_backward(dev, dx, pre, {nullptr, cuda_type<T>(), operand(dy), operand(w, true), N, K, M});
        matmul(dev, dw, x, dy, K, M, N, true, false, true);
    } else {
        check_fp8_layer(K, M);
        using S = Fp8Scratch;
        S scratch(dev, S::rows_bytes(N, M) + S::columns_bytes(N, M) + S::columns_bytes(N, K) + (dx ? S::rows_bytes(K, M) : 0), 3);
        const Fp8Matrix dy8 = scratch.quantise(Fp8::e5m2, dy, N, M, dx != nullptr, true);
        if (dx) {                                          // dx = dy w^T: the columns of w^T are the rows of w
            const Fp8Matrix w8 = scratch.quantise(Fp8::e4m3, w, K, M, true, false);
            layer_backward(dev, dx, pre, {nullptr, cuda_type<T>(), fp8_left(dy8.rows, dy8), fp8_right(w8.rows, w8), N, K, M});
        }
        const Fp8Matrix x8 = scratch.quantise(Fp8::e4m3, x, N, K, false, true);
        MatmulCall{dw, CUDA_R_32F, fp8_left(x8.columns, x8), fp8_right(dy8.columns, dy8), K, M, dy8.ld, true}.must_run(dev);   // dw += x^T dy
    }
    if (db) add_column_sums(dev, db, dy, N, M);
}
template <typename T>
void linear_backward(Cuda& dev, T* dx, float* dw, float* db, const T* dy, const T* x, const T* w, int64_t N, int64_t K, int64_t M) {
    linear_gelu_backward(dev, dx, dw, db, dy, static_cast<const T*>(nullptr), x, w, N, K, M);
}
#endif  // CUDA_KERNELS

#ifdef CUDA_INSTANCES
void set_matmul(Cuda& dev, const MatmulSettings& s, bool bf16_storage) {
    dev.operands = operands_of(s.matmul, bf16_storage);
    cudaDeviceProp p{};
    CUDA_CHECK(cudaGetDeviceProperties(&p, dev.index));
    if (dev.operands == Operands::fp8 && p.major * 10 + p.minor < 89)
        throw Error(cat("--matmul fp8: ", p.name, " is sm_", p.major, p.minor, ", whose tensor cores have no fp8"),
                    "it begins with sm_89 (L40S, RTX 40) and sm_90 (H100); --matmul auto runs here");
    dev.autotune = s.autotune;
    dev.tuned_plans = s.plans;
    dev.tuning_log = s.log;
}

double measured_peak_flops(Cuda& dev, bool bf16_storage) {
    cudaDeviceProp p{};
    CUDA_CHECK(cudaGetDeviceProperties(&p, dev.index));
    if (const double known = peak_flops_of(p.name, dev.operands, bf16_storage)) return known;
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
