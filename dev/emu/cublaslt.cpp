// dev/emu/cublaslt.cpp -- cuBLASLt for the emulator: the products of kernels/cublaslt.hpp in plain loops, column-major as the library's.
//
// It checks what the library checks (shapes against each other, leading dimensions, the alignment that the plan was made for, attributes
// of known sizes) and refuses what the library may refuse: the GELU epilogue outside bf16 or with an odd leading dimension, so that
// the unfused path runs too. Sums are double and rounded once.
#include <cublasLt.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "../../kernels/device.hpp"

struct EmuLtHandle {};
struct EmuLtOperation {
    cublasComputeType_t compute;
    int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
    uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void* bias = nullptr;
    void* aux = nullptr;
    int64_t aux_ld = 0;
    int32_t bias_type = -1;
    bool has_bias() const { return epilogue & CUBLASLT_EPILOGUE_BIAS; }
    bool has_gelu() const { return epilogue & 128; }
};
struct EmuLtLayout {
    cudaDataType_t type;
    uint64_t rows, cols;
    int64_t ld;
};
struct EmuLtPreference {
    size_t workspace = 0;
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
    if (type == CUDA_R_32F) return double(static_cast<const float*>(p)[i]);
    return double(float(static_cast<const bf16*>(p)[i]));
}
void write(void* p, cudaDataType_t type, int64_t i, double x) {
    if (type == CUDA_R_32F) static_cast<float*>(p)[i] = float(x);
    else static_cast<bf16*>(p)[i] = bf16(float(x));
}
// as the tensor cores read a float: 10 bits of mantissa stay
double operand(double x, bool tf32) {
    if (!tf32) return x;
    float f = float(x);
    uint32_t bits;
    std::memcpy(&bits, &f, 4);
    bits = (bits + 0x1000) & 0xFFFFE000u;
    std::memcpy(&f, &bits, 4);
    return double(f);
}

bool shapes_fit(const EmuLtOperation& o, const EmuLtLayout& a, const EmuLtLayout& b, const EmuLtLayout& d) {
    const uint64_t m = o.transpose_a ? a.cols : a.rows, k = o.transpose_a ? a.rows : a.cols;
    const uint64_t n = o.transpose_b ? b.rows : b.cols, k_b = o.transpose_b ? b.cols : b.rows;
    auto ld_fits = [](const EmuLtLayout& x) { return x.ld >= int64_t(x.rows); };
    return m == d.rows && n == d.cols && k == k_b && a.type == b.type && ld_fits(a) && ld_fits(b) && ld_fits(d);
}

}  // namespace

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
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, uint64_t rows, uint64_t cols, int64_t ld) {
    if (type != CUDA_R_32F && type != CUDA_R_16BF) return CUBLAS_STATUS_NOT_SUPPORTED;
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
    return take(wish->alignment[int(what) - int(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)], value, bytes);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t o, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t wish, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
    *found = 0;
    if (!shapes_fit(*o, *a, *b, *d) || c->rows != d->rows || c->cols != d->cols) return CUBLAS_STATUS_INVALID_VALUE;
    if (o->has_gelu() && (d->type != CUDA_R_16BF || o->aux_ld % 8 != 0)) return CUBLAS_STATUS_NOT_SUPPORTED;
    uint64_t aligned = 256;
    for (uint32_t bytes : wish->alignment) aligned = std::min(aligned, uint64_t(bytes));
    for (int i = 0; i < std::min(wanted, 2); i++) {
        results[i] = {};
        results[i].algo.data[0] = aligned;      // cublasLtMatmul holds the pointers against it
        results[i].algo.data[1] = 0x454D55;     // ours
        results[i].state = CUBLAS_STATUS_SUCCESS;
        ++*found;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t operation, const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void*, size_t, cudaStream_t stream) {
    if (!shapes_fit(*operation, *a_layout, *b_layout, *d_layout) || c != d) return CUBLAS_STATUS_INVALID_VALUE;
    if (!algorithm || algorithm->data[1] != 0x454D55) return CUBLAS_STATUS_INVALID_VALUE;
    for (const void* p : {a, b, (const void*)d})
        if (uintptr_t(p) % algorithm->data[0] != 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (operation->has_bias() && (!operation->bias || operation->bias_type != int32_t(d_layout->type))) return CUBLAS_STATUS_INVALID_VALUE;
    if (operation->has_gelu() && (!operation->aux || operation->aux_ld < int64_t(d_layout->rows))) return CUBLAS_STATUS_INVALID_VALUE;
    const double alpha_value = *static_cast<const float*>(alpha), beta_value = *static_cast<const float*>(beta);
    // the descriptors may change before the stream comes to this product: it works on copies
    emu::enqueue(stream, [=, o = *operation, A = *a_layout, B = *b_layout, D = *d_layout] {
        const int64_t m = int64_t(D.rows), n = int64_t(D.cols), k = int64_t(o.transpose_a ? A.rows : A.cols);
        const bool tf32 = o.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
        // both operands as (k contiguous) rows of doubles
        std::vector<double> a_rows(size_t(m * k)), b_rows(size_t(n * k));
        for (int64_t i = 0; i < m; i++)
            for (int64_t l = 0; l < k; l++) a_rows[size_t(i * k + l)] = operand(read(a, A.type, o.transpose_a ? i * A.ld + l : l * A.ld + i), tf32);
        for (int64_t j = 0; j < n; j++)
            for (int64_t l = 0; l < k; l++) b_rows[size_t(j * k + l)] = operand(read(b, B.type, o.transpose_b ? l * B.ld + j : j * B.ld + l), tf32);
        #pragma omp parallel for
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < m; i++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++) sum += a_rows[size_t(i * k + l)] * b_rows[size_t(j * k + l)];
                sum *= alpha_value;
                if (beta_value != 0) sum += beta_value * read(c, D.type, j * D.ld + i);
                if (o.has_bias()) sum += read(o.bias, D.type, i);
                if (o.has_gelu()) {
                    write(o.aux, D.type, j * o.aux_ld + i, sum);
                    sum = 0.5 * sum * (1 + std::tanh(0.7978845608028654 * (sum + 0.044715 * sum * sum * sum)));
                }
                write(d, D.type, j * D.ld + i, sum);
            }
    });
    return CUBLAS_STATUS_SUCCESS;
}
