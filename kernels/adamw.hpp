// kernels/adamw.hpp -- the parameter update (Kingma & Ba 2015, with the decoupled decay of Loshchilov & Hutter 2019).
//   for each parameter p with gradient g, after `step` updates (counted from 1):
//              g   = g s                                     s = grad_scale: clipping by the global norm, or 1
//              p   = p (1 - lr decay)                        on the weights themselves, not through the gradient
//              m   = beta1 m + (1 - beta1) g                 running mean of the gradient
//              v   = beta2 v + (1 - beta2) g^2               and of its square; both start at 0, hence the corrections
//              p   = p - lr (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
// in the order of operations of torch.optim.AdamW. One pass over memory: 28 bytes a parameter in fp32, 30 with bf16
// storage, where the fp32 truth lives in `master` and param is its rounding.
#pragma once

#include "device.hpp"

struct AdamW {
    float lr = 0, beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f, weight_decay = 0, grad_scale = 1;
    int64_t step = 1;
};

// ---- CPU

// The same for every parameter of a step. As torch does: computed in double, then rounded once.
struct AdamWFactors {
    float keep, step_size, root2, beta2, rest1, rest2, eps, scale;
    explicit AdamWFactors(const AdamW& o) {
        const double correction1 = 1 - std::pow(double(o.beta1), double(o.step));
        const double correction2 = 1 - std::pow(double(o.beta2), double(o.step));
        keep = float(1 - double(o.lr) * double(o.weight_decay));
        step_size = float(double(o.lr) / correction1);
        root2 = float(std::sqrt(correction2));
        beta2 = o.beta2, rest1 = float(1 - double(o.beta1)), rest2 = float(1 - double(o.beta2));
        eps = o.eps, scale = o.grad_scale;
    }
};

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

// master is null where T is float: param is then its own master.
template <typename T>
void adamw_update(Cpu& dev, T* param, float* master, float* m, float* v, const float* grad, int64_t n, const AdamW& o) {
    ASSERT((sizeof(T) == 4) == (master == nullptr), "master weights belong to bf16 storage");
    ASSERT(o.step >= 1, "AdamW counts its steps from 1, got ", o.step);
    float* p = sizeof(T) == 4 ? reinterpret_cast<float*>(param) : master;
    const AdamWFactors factors(o);
    constexpr int64_t kBlock = 4096;
    #pragma omp parallel for num_threads(dev.threads) schedule(static) if (n > 1 << 14)
    for (int64_t i = 0; i < n; i += kBlock) {
        const int64_t size = std::min(kBlock, n - i);
        simd([&]() ALWAYS_INLINE {
            adamw_block(p + i, m + i, v + i, grad + i, size, factors);
            if constexpr (sizeof(T) == 2) store_row(param + i, p + i, size);  // the block is still in L1
        });
    }
}
