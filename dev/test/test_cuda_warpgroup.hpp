// dev/test/test_cuda_warpgroup.hpp -- the products of kernels/warpgroup.hpp in the emulator, which must find their planted bugs.
// (On a GPU the attention tests run them.)
#pragma once

#include "../../kernels/warpgroup.hpp"
#include "device_buffer.hpp"
#include "model_data.hpp"
#include "test.hpp"

namespace cuda_warpgroup_test {

enum class Bug { none, reused_too_early, not_waited, lax_wait };

// d = a b1^T + a b2, all (64, 64), b1 and b2 one after the other in the same tile
template <Bug bug>
__global__ void __launch_bounds__(kWarpgroupThreads) warpgroup_kernel(float* out, const bf16* a, const bf16* b) {
    DYNAMIC_SHARED(bf16, shared);
    bf16 *const left = aligned_tile(shared), *const right = left + 64 * 64;
    const auto load = [](bf16* to, const bf16* from) {
        for (int e = int(threadIdx.x); e < 64 * 8; e += kWarpgroupThreads) async_copy16(to + tile_offset(64, e / 8, e % 8 * 8), from + e * 8);
        async_commit();
        async_wait<0>();
        publish_tiles();
        __syncthreads();
    };
    load(left, a);
    load(right, b);
    const TileOperand rows = tile_operand(left, 64), columns = tile_operand(right, 64);
    float d[8][4];
    begin_products();
    multiply_tile<false, false, 64>(d, rows, columns);
    for (int k = 16; k < 64; k += 16) multiply_tile<true, false, 64>(d, rows.from(k), columns.from(k));
    end_products();
    if constexpr (bug != Bug::reused_too_early) products_wait<0>();
    settle(d);
    __syncthreads();
    load(right, b + 64 * 64);
    begin_products();
    for (int k = 0; k < 64; k += 16) multiply_tile<true, true, 64>(d, rows.from(k), columns.from(k * kTileColumns));
    end_products();
    if constexpr (bug != Bug::not_waited) products_wait<bug == Bug::lax_wait ? 1 : 0>();
    settle(d);
    const int row = int(threadIdx.x) / 32 * 16 + int(threadIdx.x) % 32 / 4, column = int(threadIdx.x) % 4 * 2;
    for (int n = 0; n < 8; n++)
        for (int i = 0; i < 4; i++) out[(row + 8 * (i / 2)) * 64 + 8 * n + column + i % 2] = d[n][i];
}
template <Bug bug>
double warpgroup_error() {
    Cuda dev;
    std::vector<float> a = normals(64 * 64, 13), b = normals(2 * 64 * 64, 14);
    for (float& x : a) x = float(bf16(x));
    for (float& x : b) x = float(bf16(x));
    std::vector<double> want(64 * 64, 0);
    for (size_t m = 0; m < 64; m++)
        for (size_t n = 0; n < 64; n++)
            for (size_t k = 0; k < 64; k++) want[m * 64 + n] += double(a[m * 64 + k]) * (double(b[n * 64 + k]) + double(b[(64 + k) * 64 + n]));
    const Buffer<bf16> a_d(dev, a), b_d(dev, b);
    const Buffer<float> d(dev, std::vector<float>(64 * 64, std::nanf("")));
    launch(warpgroup_kernel<bug>, dim3(1), dim3(kWarpgroupThreads), 2 * 64 * 64 * sizeof(bf16) + kTileAlignment, dev.stream, static_cast<float*>(d),
           static_cast<const bf16*>(a_d), static_cast<const bf16*>(b_d));
    return relative_error(d.values(), want);
}

// The message of the error that f throws; empty: none.
template <typename F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

inline void products(Report& t) {
    t.check_at_most(warpgroup_error<Bug::none>(), 1e-6, "products of a warpgroup equal double precision");
    t.check_rejected(warpgroup_error<Bug::reused_too_early>(), 1e-6, "a tile overwritten before its products were waited for");
    const auto is_found = [](const std::string& message) { return message.find("not waited for before the thread returned") != std::string::npos; };
    t.check(is_found(error_of([] { warpgroup_error<Bug::not_waited>(); })), "a product that nobody waited for is an error");
    t.check(is_found(error_of([] { warpgroup_error<Bug::lax_wait>(); })), "so is a wait that is too lax");
}

}  // namespace cuda_warpgroup_test

inline Suite cuda_warpgroup_tests() {
    return {{"cuda warpgroup: products of four warps equal double precision; their planted bugs are found", cuda_warpgroup_test::products}};
}
