// dev/emu/cublaslt.cpp -- cuBLASLt for the emulator: the products of kernels/cublaslt.hpp in plain loops, column-major as the library's.
//
// It checks what the library checks (shapes against each other, leading dimensions, the alignment that the plan was made for, attributes
// of known sizes) and refuses what the library may refuse: GELU and its slope outside bf16, the slope with fp8, fp8 in other layouts than
// TN, before sm_89, with sizes that are no multiples of 16 bytes or with a bias of another type than bf16: so the unfused paths run too.
// It proposes four algorithms, the second of them the fastest: two plain ones, a sum split over k, and one whose parts are added in D
// itself in an order that changes from call to call (so a program that lets it in doesn't repeat its bits). Sums are double and rounded
// once; "fast" fp8 sums lose all but 14 bits after every 32 products, as on Hopper (DeepSeek-V3 report, 3.3.2).
#include <cublasLt.h>

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "../../kernels/device.hpp"
#include "../../kernels/fp8.hpp"

struct EmuLtHandle {};
struct EmuLtOperation {
    cublasComputeType_t compute;
    int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
    uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void* bias = nullptr;
    void* aux = nullptr;
    int64_t aux_ld = 0;
    int32_t bias_type = -1;
    const void *a_scale = nullptr, *b_scale = nullptr;
    int8_t fast_sums = 0;
    bool has_bias() const { return epilogue & CUBLASLT_EPILOGUE_BIAS; }
    bool has_aux() const { return epilogue & 128; }
    bool has_slope() const { return (epilogue & CUBLASLT_EPILOGUE_DGELU) == CUBLASLT_EPILOGUE_DGELU; }
    bool has_gelu() const { return has_aux() && !has_slope(); }
};
struct EmuLtLayout {
    cudaDataType_t type;
    uint64_t rows, cols;
    int64_t ld;
    bool is_fp8() const { return type == CUDA_R_8F_E4M3 || type == CUDA_R_8F_E5M2; }
};
struct EmuLtPreference {
    size_t workspace = 0;
    uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
    uint32_t alignment[4] = {256, 256, 256, 256};
};

namespace {

template <typename V>
cublasStatus_t take(V& field, const void* value, size_t bytes) {
    if (bytes != sizeof(V) || !value) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&field, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

double read(const void* p, cudaDataType_t type, int64_t i) {
    switch (type) {
        case CUDA_R_32F: return double(static_cast<const float*>(p)[i]);
        case CUDA_R_16BF: return double(float(static_cast<const bf16*>(p)[i]));
        case CUDA_R_8F_E4M3: return double(from_fp8<Fp8::e4m3>(static_cast<const uint8_t*>(p)[i]));
        case CUDA_R_8F_E5M2: return double(from_fp8<Fp8::e5m2>(static_cast<const uint8_t*>(p)[i]));
    }
    return std::nan("");
}
void write(void* p, cudaDataType_t type, int64_t i, double x) {
    if (type == CUDA_R_32F) static_cast<float*>(p)[i] = float(x);
    else static_cast<bf16*>(p)[i] = bf16(float(x));
}
// as the tensor cores read a float: 10 bits of mantissa stay, or 7
double operand(double x, cublasComputeType_t compute) {
    if (compute == CUBLAS_COMPUTE_32F) return x;
    if (compute == CUBLAS_COMPUTE_32F_FAST_16BF) return double(float(bf16(float(x))));
    float f = float(x);
    uint32_t bits;
    std::memcpy(&bits, &f, 4);
    bits = (bits + 0x1000) & 0xFFFFE000u;
    std::memcpy(&f, &bits, 4);
    return double(f);
}
double keep_14_bits(double x) {
    int exponent = 0;
    const double mantissa = std::frexp(x, &exponent);
    return std::ldexp(std::trunc(std::ldexp(mantissa, 14)), exponent - 14);
}
double gelu_of(double x) { return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); }
double gelu_slope_of(double x) {
    const double t = std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608028654 * (1 + 3 * 0.044715 * x * x);
}

// An algorithm, as our heuristic fills it in.
struct Algorithm {
    uint64_t alignment, magic, id, splits, reduction, delay_us, unused[2];
};
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t));
constexpr uint64_t kMagic = 0x454D55;
Algorithm open(const cublasLtMatmulAlgo_t& algo) {
    Algorithm a;
    std::memcpy(&a, &algo, sizeof(a));
    return a;
}

bool shapes_fit(const EmuLtOperation& o, const EmuLtLayout& a, const EmuLtLayout& b, const EmuLtLayout& d) {
    const uint64_t m = o.transpose_a ? a.cols : a.rows, k = o.transpose_a ? a.rows : a.cols;
    const uint64_t n = o.transpose_b ? b.rows : b.cols, k_b = o.transpose_b ? b.cols : b.rows;
    auto ld_fits = [](const EmuLtLayout& x) { return x.ld >= int64_t(x.rows); };
    return m == d.rows && n == d.cols && k == k_b && (a.type == b.type || a.is_fp8()) && a.is_fp8() == b.is_fp8() && !d.is_fp8() &&
           ld_fits(a) && ld_fits(b) && ld_fits(d);
}

// Has the library a kernel for this?
bool is_offered(const EmuLtOperation& o, const EmuLtLayout& a, const EmuLtLayout& b, const EmuLtLayout& d, uint64_t alignment) {
    if (o.has_aux() && (d.type != CUDA_R_16BF || o.aux_ld % 8 != 0)) return false;
    if (!a.is_fp8()) return true;
    int device = 0, major = 0, minor = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
    const int64_t d_bytes = d.ld * (d.type == CUDA_R_32F ? 4 : 2);
    return major * 10 + minor >= 89 && o.transpose_a == CUBLAS_OP_T && o.transpose_b == CUBLAS_OP_N && o.compute == CUBLAS_COMPUTE_32F &&
           (a.type == CUDA_R_8F_E4M3 || b.type == CUDA_R_8F_E4M3) && a.ld % 16 == 0 && b.ld % 16 == 0 && d_bytes % 16 == 0 && a.rows % 16 == 0 &&
           alignment >= 16 && !o.has_slope() && (!o.has_bias() || o.bias_type == CUDA_R_16BF);
}

}  // namespace

size_t cublasLtGetVersion() { return 999; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    *handle = new EmuLtHandle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation, cublasComputeType_t compute, cudaDataType_t scale_type) {
    if (scale_type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    *operation = new EmuLtOperation{compute};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
    delete operation;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t o, cublasLtMatmulDescAttributes_t what, const void* value, size_t bytes) {
    switch (what) {
        case CUBLASLT_MATMUL_DESC_TRANSA: return take(o->transpose_a, value, bytes);
        case CUBLASLT_MATMUL_DESC_TRANSB: return take(o->transpose_b, value, bytes);
        case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(o->epilogue, value, bytes);
        case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return take(o->bias, value, bytes);
        case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER: return take(o->aux, value, bytes);
        case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD: return take(o->aux_ld, value, bytes);
        case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return take(o->bias_type, value, bytes);
        case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER: return take(o->a_scale, value, bytes);
        case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER: return take(o->b_scale, value, bytes);
        case CUBLASLT_MATMUL_DESC_FAST_ACCUM: return take(o->fast_sums, value, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, uint64_t rows, uint64_t cols, int64_t ld) {
    *layout = new EmuLtLayout{type, rows, cols, ld};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* wish) {
    *wish = new EmuLtPreference;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t wish) {
    delete wish;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t wish, cublasLtMatmulPreferenceAttributes_t what, const void* value,
                                                    size_t bytes) {
    if (what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return take(wish->workspace, value, bytes);
    if (what == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) return take(wish->reductions, value, bytes);
    return take(wish->alignment[int(what) - int(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)], value, bytes);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t o, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t wish, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
    *found = 0;
    if (!shapes_fit(*o, *a, *b, *d) || c->rows != d->rows || c->cols != d->cols) return CUBLAS_STATUS_INVALID_VALUE;
    uint64_t aligned = 256;
    for (uint32_t bytes : wish->alignment) aligned = std::min(aligned, uint64_t(bytes));
    if (!is_offered(*o, *a, *b, *d, aligned)) return CUBLAS_STATUS_NOT_SUPPORTED;
    const Algorithm all[] = {{aligned, kMagic, 0, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 4000, {}},
                             {aligned, kMagic, 1, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 0, {}},
                             {aligned, kMagic, 2, 3, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 4000, {}},
                             {aligned, kMagic, 3, 3, CUBLASLT_REDUCTION_SCHEME_INPLACE, 0, {}}};
    for (Algorithm algorithm : all) {
        if (*found == wanted || (algorithm.reduction && !(algorithm.reduction & wish->reductions))) continue;
        if (wanted == 1) algorithm.delay_us = 0;      // nobody compares
        cublasLtMatmulHeuristicResult_t& result = results[(*found)++];
        result = {};
        std::memcpy(&result.algo, &algorithm, sizeof(algorithm));
        result.state = CUBLAS_STATUS_SUCCESS;
    }
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t o, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t* algorithm, cublasLtMatmulHeuristicResult_t* result) {
    const Algorithm algo = open(*algorithm);
    result->workspaceSize = 0;
    result->state = algo.magic == kMagic && is_offered(*o, *a, *b, *d, algo.alignment) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
    return result->state;
}
cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algorithm, cublasLtMatmulAlgoConfigAttributes_t what, void* value, size_t bytes,
                                                    size_t* written) {
    const Algorithm a = open(*algorithm);
    if (bytes != sizeof(int32_t)) return CUBLAS_STATUS_INVALID_VALUE;
    const int32_t values[] = {int32_t(a.id), 0, int32_t(a.splits), int32_t(a.reduction)};
    std::memcpy(value, &values[what], *written = sizeof(int32_t));
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void*, size_t, cudaStream_t stream) {
    if (!shapes_fit(*operation, *a_layout, *b_layout, *d_layout) || c != d) return CUBLAS_STATUS_INVALID_VALUE;
    if (!algorithm || open(*algorithm).magic != kMagic) return CUBLAS_STATUS_INVALID_VALUE;
    const Algorithm algo = open(*algorithm);
    for (const void* p : {a, b, (const void*)d})
        if (uintptr_t(p) % algo.alignment != 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (!is_offered(*operation, *a_layout, *b_layout, *d_layout, algo.alignment)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (operation->has_bias() && (!operation->bias || operation->bias_type != int32_t(d_layout->type))) return CUBLAS_STATUS_INVALID_VALUE;
    if (operation->has_aux() && (!operation->aux || operation->aux_ld < int64_t(d_layout->rows))) return CUBLAS_STATUS_INVALID_VALUE;
    const double alpha_value = *static_cast<const float*>(alpha), beta_value = *static_cast<const float*>(beta);
    // the descriptors may change before the stream comes to this product: it works on copies
    emu::enqueue(stream, [=, o = *operation, A = *a_layout, B = *b_layout, D = *d_layout] {
        static std::atomic<int64_t> calls = 0;
        const int64_t m = int64_t(D.rows), n = int64_t(D.cols), k = int64_t(o.transpose_a ? A.rows : A.cols);
        const bool in_place = algo.reduction == CUBLASLT_REDUCTION_SCHEME_INPLACE;
        const int64_t splits = int64_t(algo.splits), first_part = in_place ? calls++ % splits : 0;
        double scale = alpha_value;
        for (const void* s : {o.a_scale, o.b_scale})
            if (s) scale *= double(*static_cast<const float*>(s));
        if (algo.delay_us) ::usleep(useconds_t(algo.delay_us));
        // both operands as (k contiguous) rows of doubles
        std::vector<double> a_rows(size_t(m * k)), b_rows(size_t(n * k));
        for (int64_t i = 0; i < m; i++)
            for (int64_t l = 0; l < k; l++) a_rows[size_t(i * k + l)] = operand(read(a, A.type, o.transpose_a ? i * A.ld + l : l * A.ld + i), o.compute);
        for (int64_t j = 0; j < n; j++)
            for (int64_t l = 0; l < k; l++) b_rows[size_t(j * k + l)] = operand(read(b, B.type, o.transpose_b ? l * B.ld + j : j * B.ld + l), o.compute);
        #pragma omp parallel for if (m * n * k > 1 << 21)
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < m; i++) {
                double sum = 0;
                for (int64_t p = 0; p < splits; p++) {       // parts of k, rounded to fp32 or, in place, to D's type
                    const int64_t part = (first_part + p) % splits;
                    double part_sum = 0;
                    for (int64_t l = k * part / splits; l < k * (part + 1) / splits; l++) {
                        part_sum += a_rows[size_t(i * k + l)] * b_rows[size_t(j * k + l)];
                        if (o.fast_sums && l % 32 == 31) part_sum = keep_14_bits(part_sum);
                    }
                    if (splits == 1) sum = part_sum;
                    else if (in_place && D.type == CUDA_R_16BF) sum = double(float(bf16(float(sum + part_sum))));
                    else sum = double(float(sum + part_sum));
                }
                sum *= scale;
                if (beta_value != 0) sum += beta_value * read(c, D.type, j * D.ld + i);
                if (o.has_bias()) sum += read(o.bias, D.type, i);
                if (o.has_gelu()) {
                    write(o.aux, D.type, j * o.aux_ld + i, sum);
                    sum = gelu_of(sum);
                } else if (o.has_slope()) {
                    sum *= gelu_slope_of(read(o.aux, D.type, j * o.aux_ld + i));
                }
                write(d, D.type, j * D.ld + i, sum);
            }
    });
    return CUBLAS_STATUS_SUCCESS;
}
