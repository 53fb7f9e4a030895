// dev/emu/emulator.hpp -- a GPU made of fibers: the sources of our CUDA kernels, compiled by g++ and executed on the processor.
//
// To a C++ compiler a kernel is an ordinary function that is called once per CUDA thread. What it needs beyond C++ are a few words
// (threadIdx, __syncthreads, shuffle, mma_bf16, ...), and kernels/cuda.hpp takes their meaning from here. Each CUDA thread runs until
// it has to wait for others: then its stack is put aside and another thread goes on (a fiber; fiber.hpp). So one core plays a whole
// block, and several cores play several blocks.
//   A barrier        is a counter: threads wait until as many have come as the block has.
//   A warp operation is a meeting: 32 lanes bring their operands, the last to come computes all 32 results. Real lanes do the same
//                    in one instruction, so a lane that has left, or waits at another line, is an error, and is reported as one.
//   Shared memory    is a few pages, filled with 0xFF (NaN in float and bf16) before each block, with a guard page behind each array.
//   cp.async         fills its destination with 0xFF at once and copies only when async_wait says so: as late as is legal.
//   A product of a   warpgroup (kernels/warpgroup.hpp) makes its result NaN at once, and reads its tiles and is computed when products_wait says so.
//   A stream         is a queue of functions, run when somebody waits for their result: as late as is legal (stream.hpp).
//   Device memory    lies in an arena that can only be touched while queued work runs (memory.hpp).
// The order in which warps and blocks run is chosen by a seed (Schedule below): a missing barrier gives right results in one order
// and wrong ones in another. And if the kernels are compiled with -fsanitize=thread, each load and store of a kernel calls us first
// (shadow.hpp): then races, use of uninitialised shared memory and accesses outside of an array are found in any order, with their line.
//
// An error ends the launch and is thrown as `Error` by the call that waits for the stream; it names kernel, block, thread and line.
// Does not: tell how fast a kernel is, order float sums inside an mma as the hardware does, or model weak memory and caches.
// Read next: fiber.hpp, block.hpp, memory.hpp, stream.hpp, shadow.hpp, in this order; runtime.cpp joins them to one object.
#pragma once

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>

namespace emu {

// ---- for tests and for the emulated libraries

// Put host work into stream order. It runs when the stream is waited for, and may then touch device memory. An exception that it throws
// comes out of the call that waited.
void enqueue(cudaStream_t stream, std::function<void()> work);
// Is [p, p + bytes) inside one live allocation of cudaMalloc? And the same as a demand, with an error message that says what it is.
bool is_device_memory(const void* p, size_t bytes);
void require_device_memory(const void* p, size_t bytes, const char* what);

// The order of blocks, of warps inside a block and of lanes inside a warp. forward, reverse: the lowest, the highest number that can
// go on does. random: any. greedy: warps have random ranks, and the highest that can go on does, so that one warp runs ahead of
// the others as far as barriers let it.
// The environment variable TRAIN_GPT_EMU_SCHEDULE (for instance greedy:3) sets the order that a program starts with.
enum class Schedule { forward, reverse, random, greedy };
void set_schedule(Schedule kind, uint64_t seed = 0);
std::string schedule_name();
void set_threads(int n);              // how many cores play blocks; 0: all (TRAIN_GPT_EMU_THREADS)
void set_memory_limit(size_t bytes);  // cudaMalloc fails beyond it; 8 GiB at the start
// What the program has asked of the runtime since its start. Waits: calls that had to wait for queued work, for a stream or device, or for an event.
struct Counts {
    int64_t allocations, frees;           // of device and pinned memory
    int64_t launches;                     // of kernels, one by one
    int64_t graph_launches, stream_waits, event_waits;
};
Counts counts();
bool has_detector();                  // were the kernels (any of them) compiled with -fsanitize=thread?
bool set_detector(bool on);           // switch it off and on again; returns what it was. On at the start.

// ---- what the words below stand on (block.hpp)

struct Warp;
struct Block;
struct AsyncCopies;
struct Geometry {
    uint3 block_index;
    dim3 block_dim, grid_dim;
};
// One CUDA thread. The first two fields are what a kernel can ask for.
struct Thread {
    uint3 index;
    const Geometry* geometry;
    Warp* warp;
    Block* block;
    int lane, number;                 // in its warp, in its block
    std::source_location where;       // of the operation that it waits at, or came from last
    void* payload;                    // its operands and results in the warp operation that it waits at
    struct Fiber* fiber;              // its stack; none before its first and after its last instruction
    AsyncCopies* copies;              // made by its first async_copy16
};
extern constinit thread_local Thread* current;   // the CUDA thread that this core plays now; null in host code

using Where = std::source_location;
// A product of a warpgroup, as one of its threads has it: d (+)= a b, computed by `run` when it is waited for.
struct Product {
    void (*run)(const Product&);
    float* d;
    int numbers;                      // of d
    bool add;
    uint32_t a[4];                    // the left operand, or
    const void* a_tile;
    const void* b;
    int block_step;                   // of b: elements between blocks of columns
    std::vector<float> before;        // d as it was, where no earlier product is under way for it
    int group;
    Where where;
};
void queue_product(Product product);
void commit_products();
void wait_products(int newest_under_way);
// All 32 lanes bring a payload; the last one calls compute with all of them.
void meet(const char* operation, void* payload, void (*compute)(void* const* payloads), const Where& where);
void block_barrier(const Where& where);
void warp_barrier(const Where& where);
void* shared_array(const void* site, const char* name, size_t bytes, const Where& where);
void* dynamic_shared(const Where& where);
// An access of `bytes` at p, which must be aligned to as much and lie inside a live allocation or a shared array.
void check_access(const void* p, size_t bytes, bool is_write, const char* operation, const Where& where);
void check_shared(const void* p, size_t bytes, const char* operation, const Where& where);
void copy_async(void* shared, const void* from, bool valid, const Where& where);
void commit_async();
void wait_async(int newest_under_way);

struct Launch {
    const void* kernel;
    dim3 grid, block;
    size_t shared_bytes;
    std::function<void()> run;        // the kernel with its arguments, for the thread `current`
};
void check_argument(const Launch& launch, int number, const void* pointer, cudaStream_t stream);
void enqueue(cudaStream_t stream, Launch launch);
template <typename F>
const F& checked(const F& argument, const Launch& launch, int number, cudaStream_t stream) {
    if constexpr (std::is_pointer_v<F>) check_argument(launch, number, reinterpret_cast<const void*>(argument), stream);
    return argument;
}

}  // namespace emu

// ---- the words of CUDA C++

#define __global__
#define __device__
#define __host__
#define __constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
// a bare __shared__ would silently be one variable per thread
#define __shared__ _Pragma("GCC error \"use SHARED_ARRAY or DYNAMIC_SHARED: the emulator can't see a bare __shared__\"")

#define threadIdx (emu::current->index)
#define blockIdx (emu::current->geometry->block_index)
#define blockDim (emu::current->geometry->block_dim)
#define gridDim (emu::current->geometry->grid_dim)
constexpr int warpSize = 32;

inline void __syncthreads(const emu::Where& where = emu::Where::current()) { emu::block_barrier(where); }
inline void __syncwarp(unsigned = 0xFFFFFFFFu, const emu::Where& where = emu::Where::current()) { emu::warp_barrier(where); }
inline void __threadfence() {}

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
inline float __fdividef(float a, float b) { return a / b; }
template <typename T>
T __ldg(const T* p) { return *p; }
// As in CUDA, min and max of numbers are there without std::. Of floats they are fmin and fmax, which drop a NaN.
template <typename T>
    requires std::is_arithmetic_v<T>
constexpr T min(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) return std::fmin(a, b);
    return b < a ? b : a;
}
template <typename T>
    requires std::is_arithmetic_v<T>
constexpr T max(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) return std::fmax(a, b);
    return a < b ? b : a;
}

// Atomics on integers. None on floats: their sums would depend on the order.
template <typename T>
    requires std::is_integral_v<T>
T atomicAdd(T* p, std::type_identity_t<T> x) { return __atomic_fetch_add(p, x, __ATOMIC_RELAXED); }
template <typename T>
    requires std::is_integral_v<T>
T atomicExch(T* p, std::type_identity_t<T> x) { return __atomic_exchange_n(p, x, __ATOMIC_RELAXED); }
template <typename T>
    requires std::is_integral_v<T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> desired) {
    __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}
template <typename T>
    requires std::is_integral_v<T>
T atomicOr(T* p, std::type_identity_t<T> x) { return __atomic_fetch_or(p, x, __ATOMIC_RELAXED); }
template <typename T>
    requires std::is_integral_v<T>
T atomicMax(T* p, std::type_identity_t<T> x) {
    T old = __atomic_load_n(p, __ATOMIC_RELAXED);
    while (old < x && !__atomic_compare_exchange_n(p, &old, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    return old;
}
template <typename T>
    requires std::is_integral_v<T>
T atomicMin(T* p, std::type_identity_t<T> x) {
    T old = __atomic_load_n(p, __ATOMIC_RELAXED);
    while (x < old && !__atomic_compare_exchange_n(p, &old, x, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    return old;
}
float atomicAdd(float*, float) = delete;
double atomicAdd(double*, double) = delete;

// ---- the words of kernels/cuda.hpp, with the contracts that stand there

template <typename... Params, typename... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, Args... args) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    emu::Launch it{reinterpret_cast<const void*>(kernel), grid, block, shared_bytes, {}};
    std::tuple<Params...> params{Params(args)...};
    int number = 0;
    std::apply([&](const auto&... p) { (emu::checked(p, it, ++number, stream), ...); }, params);
    it.run = [kernel, params] { std::apply(kernel, params); };
    emu::enqueue(stream, std::move(it));
}

#define SHARED_ARRAY(T, name, n)           \
    static const char name##_site = 0;     \
    T(&name)[n] = *static_cast<T(*)[n]>(emu::shared_array(&name##_site, #name, sizeof(T) * size_t(n), emu::Where::current()))
#define DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(emu::dynamic_shared(emu::Where::current()))

constexpr unsigned kFullWarp = 0xFFFFFFFFu;

namespace emu {
template <typename T>
struct Shuffle {
    T in;
    int argument;
    T out;
};
// source(lane, argument): the lane whose value this lane receives
template <typename T, int (*source)(int lane, int argument)>
T shuffle_by(const char* operation, T x, int argument, const Where& where) {
    Shuffle<T> payload{x, argument, x};
    meet(operation, &payload, [](void* const* payloads) {
        auto lane = [payloads](int l) { return static_cast<Shuffle<T>*>(payloads[l]); };
        for (int l = 0; l < 32; l++) lane(l)->out = lane(source(l, lane(l)->argument))->in;
    }, where);
    return payload.out;
}
inline int lane_xor(int lane, int mask) { return (lane ^ mask) & 31; }
inline int lane_absolute(int, int lane) { return lane & 31; }
inline int lane_below(int lane, int delta) { return lane >= delta ? lane - delta : lane; }

struct Ballot {
    bool predicate;
    unsigned mask;
};
struct Mma {
    float (&d)[4];
    const uint32_t (&a)[4];
    const uint32_t (&b)[2];
};
struct LoadMatrices {
    uint32_t (&r)[4];
    const void* row;
};
void compute_ballot(void* const* payloads);
void compute_mma(void* const* payloads);
void compute_load_matrices(void* const* payloads);
void compute_load_matrices_transposed(void* const* payloads);
}  // namespace emu

template <typename T>
__forceinline__ T shuffle_xor(T x, int lane_mask, const emu::Where& where = emu::Where::current()) {
    return emu::shuffle_by<T, emu::lane_xor>("shuffle_xor", x, lane_mask, where);
}
template <typename T>
__forceinline__ T shuffle(T x, int lane, const emu::Where& where = emu::Where::current()) {
    return emu::shuffle_by<T, emu::lane_absolute>("shuffle", x, lane, where);
}
template <typename T>
__forceinline__ T shuffle_up(T x, int delta, const emu::Where& where = emu::Where::current()) {
    return emu::shuffle_by<T, emu::lane_below>("shuffle_up", x, delta, where);
}
__forceinline__ unsigned warp_ballot(bool predicate, const emu::Where& where = emu::Where::current()) {
    emu::Ballot payload{predicate, 0};
    emu::meet("warp_ballot", &payload, emu::compute_ballot, where);
    return payload.mask;
}
__forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const emu::Where& where = emu::Where::current()) {
    emu::Mma payload{d, a, b};
    emu::meet("mma_bf16", &payload, emu::compute_mma, where);
}
__forceinline__ void load_matrices(uint32_t (&r)[4], const void* row, const emu::Where& where = emu::Where::current()) {
    emu::check_shared(row, 16, "load_matrices", where);
    emu::LoadMatrices payload{r, row};
    emu::meet("load_matrices", &payload, emu::compute_load_matrices, where);
}
__forceinline__ void load_matrices_transposed(uint32_t (&r)[4], const void* row, const emu::Where& where = emu::Where::current()) {
    emu::check_shared(row, 16, "load_matrices_transposed", where);
    emu::LoadMatrices payload{r, row};
    emu::meet("load_matrices_transposed", &payload, emu::compute_load_matrices_transposed, where);
}
__forceinline__ void async_copy16(void* shared, const void* from, bool valid = true, const emu::Where& where = emu::Where::current()) {
    emu::copy_async(shared, from, valid, where);
}
__forceinline__ void async_commit() { emu::commit_async(); }
template <int n>
__forceinline__ void async_wait() { emu::wait_async(n); }

inline float fast_exp2(float x) {
    const float y = std::exp2(x);
    return y < 0x1p-126f ? 0.0f : y;
}

template <typename T>
struct alignas(16) Pack {
    static constexpr int size = 16 / int(sizeof(T));
    T v[16 / sizeof(T)];
    T& operator[](int i) { return v[i]; }
    const T& operator[](int i) const { return v[i]; }
};
template <typename T>
__forceinline__ Pack<T> load16(const T* p, const emu::Where& where = emu::Where::current()) {
    emu::check_access(p, 16, false, "load16", where);
    Pack<T> pack;
    std::memcpy(&pack, p, 16);
    return pack;
}
template <typename T>
__forceinline__ void store16(T* p, const Pack<T>& pack, const emu::Where& where = emu::Where::current()) {
    emu::check_access(p, 16, true, "store16", where);
    std::memcpy(p, &pack, 16);
}
