// dev/shared_memory.cpp -- the dynamic shared memory of each kernel that has some, for dev/ptxas_report.sh: it is the launch's to say, so ptxas
// does not know it. One line each: the kernel as the report names it, a tab, bytes. Compiled as for the emulator; nothing is launched.
#include "../kernels/attention.hpp"
#include "../kernels/classifier.hpp"
#include "../kernels/layernorm.hpp"

#include <cstdio>

template <typename S>
void of_head_size() {
    using namespace attention_cuda;
    const char* exact = S::exact ? "true" : "false";
    std::printf("attention_cuda::forward_bf16_kernel<%d, %d, %d, %s>\t%zu\n", S::HSP, S::forward_MT, S::forward_W, exact, kForwardBytes<S::HSP, S::forward_MT, S::forward_W>);
    std::printf("attention_cuda::backward_bf16_kernel<true, %d, %d, %d, %s>\t%zu\n", S::HSP, S::queries_MT, S::queries_W, exact,
                kBackwardBytes<true, S::HSP, S::queries_MT, S::queries_W>);
    std::printf("attention_cuda::backward_bf16_kernel<false, %d, %d, %d, %s>\t%zu\n", S::HSP, S::keys_MT, S::keys_W, exact, kBackwardBytes<false, S::HSP, S::keys_MT, S::keys_W>);
}
template <int HSP>
void of_warpgroups() {
    using namespace attention_cuda;
    using S = WarpgroupSize<HSP>;
    const auto text = [](bool x) { return x ? "true" : "false"; };
    std::printf("attention_cuda::forward_warpgroup_kernel<%d, %d, %d>\t%zu\n", HSP, S::W, S::forward_at_once, kForwardWarpgroupBytes<HSP, S::W>);
    std::printf("attention_cuda::backward_warpgroup_kernel<true, %d, %d, %s, %d>\t%zu\n", HSP, S::W, text(S::keep_queries), S::queries_at_once,
                kBackwardWarpgroupBytes<HSP, S::W, S::keep_queries>);
    std::printf("attention_cuda::backward_warpgroup_kernel<false, %d, %d, %s, %d>\t%zu\n", HSP, S::W, text(S::keep_keys), S::keys_at_once,
                kBackwardWarpgroupBytes<HSP, S::W, S::keep_keys>);
}
template <typename T, int lanes, int packs, int stages, int resident>
void of_rows_in_flight(const char* type) {
    std::printf("layernorm_cuda::backward_kernel<%s, %d, %d, %d, %d>\t%zu\n", type, lanes, packs, stages, resident, layernorm_cuda::kBackwardBytes<T, lanes, packs, stages>);
}
template <typename T>
void of_rows(const char* type) {
    using namespace classifier_cuda;
    of_rows_in_flight<T, 32, 1, 2, 4>(type);
    of_rows_in_flight<T, 32, 2, 2, 2>(type);
    of_rows_in_flight<T, 32, 3, 2, 2>(type);
    of_rows_in_flight<T, 256, 1, 2, 3>(type);
    of_rows_in_flight<T, 256, 2, 2, 2>(type);
    of_rows_in_flight<T, 256, 4, 2, 1>(type);
    for (const char* with_entropy : {"false", "true"})      // the longest row that stays on chip
        std::printf("classifier_cuda::row_kernel<%s, %s>\t%zu\n", type, with_entropy, size_t(kLongestRow<T>) * sizeof(T));
}
int main() {
    using namespace attention_cuda;
    of_rows<bf16>("bf16");
    of_rows<float>("float");
    of_warpgroups<64>();
    of_warpgroups<128>();
    for (const int HS : {32, 64, 80, 128, 1, 33, 65}) with_head_size(HS, [](auto size) { of_head_size<decltype(size)>(); });   // each instance once
    for (const int HS : {32, 64, 128})
        with_head_size_fp32(HS, [](auto size) {
            constexpr int HSP = decltype(size)::HSP;
            std::printf("attention_cuda::forward_fp32_kernel<%d>\t%zu\n", HSP, kForwardBytesFp32<HSP>);
            for (const char* which : {"true", "false"}) std::printf("attention_cuda::backward_fp32_kernel<%s, %d>\t%zu\n", which, HSP, kBackwardBytesFp32<HSP>);
        });
}
