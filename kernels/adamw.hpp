// kernels/adamw.hpp -- the parameter update (Kingma & Ba 2015, with the decoupled decay of Loshchilov & Hutter 2019).
//   for each parameter p with gradient g, after `step` updates (counted from 1):
//              g   = g s                                     s = grad_scale: clipping by the global norm, or 1
//              p   = p (1 - lr decay)                        on the weights themselves, not through the gradient
//              m   = beta1 m + (1 - beta1) g                 running mean of the gradient
//              v   = beta2 v + (1 - beta2) g^2               and of its square; both start at 0, hence the corrections
//              p   = p - lr (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
// in the order of operations of torch.optim.AdamW. One call does the whole arena, whose matrices decay and whose biases and LayerNorms
// do not: a bit for each 64 parameters says which (tensors begin at multiples of 64). One pass over memory: 28 bytes a parameter in fp32, 30 with bf16
// storage, where the fp32 truth lives in `master` and param is its rounding: to nearest, or stochastic, which is right on
// average: up or down with the probabilities that make the expectation the fp32 value. The dice are a function of
// (seed, step, place in the arena), so they fall alike on all devices and however the arena is cut into calls.
// Whether a step updates at all, and its s, depend on loss and norm, which the device knows before the host does: it reads them where it put them
// itself (end_step of global_norm.hpp), and the host need not be asked.
#pragma once

#include "cuda_packs.hpp"
#include "device.hpp"

struct AdamW {
    float lr = 0, beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f, weight_decay = 0, grad_scale = 1;
    int64_t step = 1;
    bool stochastic_rounding = false;  // of the bf16 copy; nothing where storage is fp32
    uint64_t seed = 0;                 // of the stochastic rounding,
    int64_t first = 0;                 // and of `decays`: where in the arena the parameters of this call begin
};

// Which parameters decay: bit (i / 64) % 32 of word i / 2048 for parameter i of the arena.
constexpr int64_t kDecayUnit = 64, kDecayWord = 32 * kDecayUnit;
HOST_DEVICE ALWAYS_INLINE inline bool decays_at(const uint32_t* decays, int64_t i) {
    return !decays || (decays[i / kDecayWord] >> (i / kDecayUnit % 32) & 1);
}

// 16 random bits for parameter i: those of 64 bits which splitmix64's mixing makes for every four. key: rounding_key(seed, step).
HOST_DEVICE ALWAYS_INLINE inline uint32_t rounding_bits(uint64_t key, uint64_t i) {
    uint64_t z = key + (i / 4) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return uint32_t(z >> (i % 4 * 16)) & 0xFFFFu;
}
inline uint64_t rounding_key(uint64_t seed, int64_t step) {
    uint64_t z = (seed ^ 0x5DEECE66D1CE4E5Bu) * 0xD1342543DE82EF95u + uint64_t(step) * 0xDA942042E4DD58B5u;
    z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93u;
    z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93u;
    return z ^ (z >> 32);
}
// x to bf16: the 16 bits that bf16 drops, plus 16 random bits, carry into those it keeps. NaN and infinity as bf16(x).
HOST_DEVICE ALWAYS_INLINE inline bf16 round_stochastically(float x, uint32_t random_bits) {
    uint32_t u;
    __builtin_memcpy(&u, &x, 4);
    bf16 rounded(x);
    const uint16_t carried = uint16_t((u + random_bits) >> 16);
    rounded.bits = (u & 0x7F800000u) == 0x7F800000u ? rounded.bits : carried;
    return rounded;
}

// ---- CPU

// The same for every parameter of a step. As torch does: computed in double, then rounded once.
struct AdamWFactors {
    float keep, step_size, root2, beta2, rest1, rest2, eps, scale;
    // grad_scale: instead of o's, or null
    explicit AdamWFactors(const AdamW& o, const float* grad_scale = nullptr) {
        const double correction1 = 1 - std::pow(double(o.beta1), double(o.step));
        const double correction2 = 1 - std::pow(double(o.beta2), double(o.step));
        keep = float(1 - double(o.lr) * double(o.weight_decay));
        step_size = float(double(o.lr) / correction1);
        root2 = float(std::sqrt(correction2));
        beta2 = o.beta2, rest1 = float(1 - double(o.beta1)), rest2 = float(1 - double(o.beta2));
        eps = o.eps, scale = grad_scale ? *grad_scale : o.grad_scale;
    }
    AdamWFactors without_decay() const {
        AdamWFactors f = *this;
        f.keep = 1;
        return f;
    }
};
inline void check_adamw(const AdamW& o, const uint32_t* decays, size_t element_bytes, const float* master) {
    ASSERT((element_bytes == 4) == (master == nullptr), "master weights belong to bf16 storage");
    ASSERT(o.step >= 1, "AdamW counts its steps from 1, got ", o.step);
    ASSERT(!decays || o.first % kDecayUnit == 0, "parameters from ", o.first, " on: expected a multiple of ", kDecayUnit);
}

// The factors come by value: behind a reference they could be changed by a store to p, for all the compiler knows.
ALWAYS_INLINE inline void adamw_block(float* p, float* m, float* v, const float* grad, int64_t n,
                                      const AdamWFactors f) {
    for (int64_t i = 0; i < n; i++) {
        const float g = grad[i] * f.scale;
        const float m_i = m[i] + f.rest1 * (g - m[i]);
        const float v_i = v[i] * f.beta2 + f.rest2 * g * g;
        p[i] = p[i] * f.keep - f.step_size * (m_i / (std::sqrt(v_i) / f.root2 + f.eps));
        m[i] = m_i;
        v[i] = v_i;
    }
}

// Updates n parameters, which begin at o.first of the arena. master is null where T is float: param is then its own master.
// decays: null (all of them do), or the bits of the whole arena, and o.first is then a multiple of 64.
// grad_scale: null (o has it), or where on the device it will be when this runs; 0 there: nothing is written, as if the call had not been.
template <typename T>
void adamw_update(Cpu& dev, T* param, float* master, float* m, float* v, const float* grad, int64_t n, const AdamW& o,
                  const uint32_t* decays = nullptr, const float* grad_scale = nullptr) {
    check_adamw(o, decays, sizeof(T), master);
    if (grad_scale && *grad_scale == 0) return;
    float* p = sizeof(T) == 4 ? reinterpret_cast<float*>(param) : master;
    const AdamWFactors decaying(o, grad_scale), steady = decaying.without_decay();
    [[maybe_unused]] const uint64_t key = rounding_key(o.seed, o.step);
    constexpr int64_t kBlock = 4096;
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (n > 1 << 14)
    for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t size = std::min(kBlock, n - i);
        simd([&]() ALWAYS_INLINE {
            // stretches of parameters that all decay or all do not: of a block, mostly one
            for (int64_t begin = i, end; begin < i + size; begin = end) {
                const bool decay = decays_at(decays, o.first + begin);
                for (end = decays ? begin + kDecayUnit : i + size; end < i + size && decays_at(decays, o.first + end) == decay;) end += kDecayUnit;
                end = std::min(end, i + size);
                adamw_block(p + begin, m + begin, v + begin, grad + begin, end - begin, decay ? decaying : steady);
            }
            if constexpr (sizeof(T) == 2) {                                   // the block is still in L1
                if (o.stochastic_rounding)
                    for (int64_t k = i; k < i + size; k++) param[k] = round_stochastically(p[k], rounding_bits(key, uint64_t(o.first + k)));
                else
                    store_row(param + i, p + i, size);
            }
        });
    }
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA
template <typename T>
void adamw_update(Cuda& dev, T* param, float* master, float* m, float* v, const float* grad, int64_t n, const AdamW& o,
                  const uint32_t* decays = nullptr, const float* grad_scale = nullptr);
#endif

#ifdef CUDA_KERNELS
namespace adamw_cuda {

constexpr int kThreads = 256;
enum class Rounding { none, nearest, stochastic };          // none: p is the parameter itself

// As many parameters a thread as param has in a pack. Floor: 28 bytes a parameter in fp32, 30 with bf16 storage; about 40 operations,
// 70 with the dice; 4 bytes for each 2,048 parameters say which decay. grad_scale: one float for all, from L2; a closed gate costs the launch.
template <typename T, Rounding rounding, bool vector>
__global__ void __launch_bounds__(kThreads) update_kernel(T* param, float* p, float* m, float* v, const float* grad, int64_t n, AdamWFactors f,
                                                          uint64_t key, int64_t first, const uint32_t* decays, const float* grad_scale) {
    constexpr int size = Pack<T>::size;
    const float scale = grad_scale ? *grad_scale : f.scale;
    if (grad_scale && scale == 0) return;
    const int64_t i = (int64_t(blockIdx.x) * kThreads + threadIdx.x) * size, left = n - i;
    if (left <= 0) return;
    const float keep = decays_at(decays, first + i) ? f.keep : 1.0f;       // of all `size` parameters: they lie in one unit
    float p_i[size], m_i[size], v_i[size], g_i[size];
    load_floats<vector>(g_i, grad + i, left);
    load_floats<vector>(m_i, m + i, left);
    load_floats<vector>(v_i, v + i, left);
    load_floats<vector>(p_i, p + i, left);
    #pragma unroll
    for (int k = 0; k < size; k++) {
        const float g = g_i[k] * scale;
        m_i[k] = m_i[k] + f.rest1 * (g - m_i[k]);
        v_i[k] = v_i[k] * f.beta2 + f.rest2 * g * g;
        p_i[k] = p_i[k] * keep - f.step_size * (m_i[k] / (sqrtf(v_i[k]) / f.root2 + f.eps));
    }
    store_floats<vector>(m + i, m_i, left);
    store_floats<vector>(v + i, v_i, left);
    store_floats<vector>(p + i, p_i, left);
    if constexpr (rounding == Rounding::stochastic) {
        #pragma unroll
        for (int k = 0; k < size; k++) p_i[k] = float(round_stochastically(p_i[k], rounding_bits(key, uint64_t(first + i + k))));
    }
    if constexpr (rounding != Rounding::none) store_floats<vector>(param + i, p_i, left);
}

}  // namespace adamw_cuda

template <typename T>
void adamw_update(Cuda& dev, T* param, float* master, float* m, float* v, const float* grad, int64_t n, const AdamW& o, const uint32_t* decays,
                  const float* grad_scale) {
    using namespace adamw_cuda;
    check_adamw(o, decays, sizeof(T), master);
    float* p = sizeof(T) == 4 ? reinterpret_cast<float*>(param) : master;
    const auto start = [&](auto kernel) {
        launch(kernel, dim3(unsigned(ceil_div(n, int64_t(kThreads) * Pack<T>::size))), dim3(kThreads), 0, dev.stream, param, p, m, v, grad, n,
               AdamWFactors(o), rounding_key(o.seed, o.step), o.first, decays, grad_scale);
    };
    const bool vector = rows_are_packs<T>(0, param, p, m, v, grad);
    if constexpr (sizeof(T) == 4) start(vector ? update_kernel<T, Rounding::none, true> : update_kernel<T, Rounding::none, false>);
    else if (o.stochastic_rounding)
        start(vector ? update_kernel<T, Rounding::stochastic, true> : update_kernel<T, Rounding::stochastic, false>);
    else start(vector ? update_kernel<T, Rounding::nearest, true> : update_kernel<T, Rounding::nearest, false>);
}
#endif
