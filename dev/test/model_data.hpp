// dev/test/model_data.hpp -- what tests of a model start from: a batch, and weights that prove something.
#pragma once

#include "../../backend.hpp"
#include "test.hpp"

// One batch: B*T ids, targets and weights.
struct Data {
    std::vector<int32_t> inputs, targets;
    std::vector<float> weights;
};

// Weights far from the symmetric start, biases too: otherwise some gradients are near zero and prove nothing. The same on every device.
template <typename Dev, typename T>
void fill_weights(Gpt<Dev, T>& gpt) {
    gpt.init_weights(7);
    for (const Tensor& t : gpt.layout.tensors) {
        std::vector<float> x(size_t(t.size), 0.0f);
        gpt.get_tensor(t, x.data());
        const auto noise = normals(t.real_size, 1000 + uint64_t(t.offset), 0.1f);
        for (int64_t i = 0; i < t.real_size; i++) x[size_t(i)] += noise[size_t(i)];
        gpt.set_tensor(t, x.data());
    }
}
