// kernels/device.hpp -- what a kernel stands on: number types, the two devices, arenas, and how a loop becomes SIMD.
//
// A device is a small object: `Cpu` here, `Cuda` in cuda.hpp. Every operation is a pair of overloads on it, so
// gpt.hpp is written once, as a template over the device and the storage type T (float or bf16). Arithmetic is always
// fp32; T is only how parameters and activations are stored. Gradients of parameters are fp32.
// What the user may choose about products and stored weights (--matmul, --weights) stands here too, since all kernels may read it.
// Memory comes from arenas: one per purpose, laid out once before training; a step allocates nothing.
// SIMD: `simd([&]() ALWAYS_INLINE { loops })` compiles its loops for AVX-512, AVX2 and plain x86-64 and picks at run time.
// The loops stay plain C++; the flags in the Makefile let the compiler reorder float sums, and NaN and Inf stay intact.
#pragma once

#include <omp.h>
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "../common.hpp"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#define HOST_DEVICE __host__ __device__
#else
#define HOST_DEVICE
#endif
#define ALWAYS_INLINE __attribute__((always_inline))

// ---- number types

// bfloat16: the upper half of a float. Conversion to it rounds to nearest even; NaN stays NaN.
struct bf16 {
    uint16_t bits;  // no initialiser, so that the type stays trivial and arrays of it cost nothing
    bf16() = default;
    HOST_DEVICE ALWAYS_INLINE explicit bf16(float f) {
#ifdef __CUDA_ARCH__
        bits = __bfloat16_as_ushort(__float2bfloat16_rn(f));  // one instruction; a NaN becomes 0x7FFF
        return;
#endif
        uint32_t u;
        __builtin_memcpy(&u, &f, 4);
        const uint32_t rounded = (u + 0x7FFF + ((u >> 16) & 1)) >> 16;
        bits = uint16_t((u & 0x7FFFFFFF) > 0x7F800000 ? (u >> 16) | 0x40 : rounded);  // NaN: set the quiet bit
    }
    HOST_DEVICE ALWAYS_INLINE explicit operator float() const {
        const uint32_t u = uint32_t(bits) << 16;
        float f;
        __builtin_memcpy(&f, &u, 4);
        return f;
    }
};
static_assert(sizeof(bf16) == 2);

template <typename T>
constexpr const char* dtype_name() {
    return sizeof(T) == 2 ? "bf16" : "fp32";
}

template <typename I>
HOST_DEVICE constexpr I ceil_div(I a, I b) {
    return (a + b - 1) / b;
}
template <typename I>
HOST_DEVICE constexpr I round_up(I a, I b) {
    return ceil_div(a, b) * b;
}

// ---- run-time dispatch of SIMD code

enum class Isa { sse2, avx2, avx512, avx512_bf16, amx_bf16 };
inline const char* isa_name(Isa isa) {
    return isa == Isa::amx_bf16 ? "AMX" : isa == Isa::avx512_bf16 ? "AVX-512 with bf16" : isa == Isa::avx512 ? "AVX-512" : isa == Isa::avx2 ? "AVX2" : "SSE2";
}

// Set before the first kernel where illegal instructions of AMX are caught and done in software: dev/test/amx_emulator.hpp.
inline bool amx_is_emulated = false;

#if defined(__x86_64__) && defined(__linux__)
// May this process use the tile registers of AMX (amx.hpp)? They are 8 KiB more to save when threads change, so Linux wants to be asked.
inline bool may_use_amx() {
    if (amx_is_emulated) return true;
    constexpr int kRequestPermission = 0x1023, kTileData = 18;    // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA: <asm/prctl.h> of older systems lacks them
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool there = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);    // AMX-BF16, AMX-TILE
    return there && ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
inline bool may_use_amx() { return false; }
#endif

#if defined(__x86_64__)
// The instructions of Isa::avx512_bf16: products of pairs of bf16, and VBMI, by which int8 becomes pairs (quantized.hpp; Cooper Lake lacks it).
inline bool has_bf16_instructions() { return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vbmi"); }
#endif

// What this processor has, capped by the environment variable TRAIN_GPT_ISA=sse2|avx2|avx512|avx512_bf16|amx_bf16 (tests force each path).
inline Isa detect_isa() {
#if defined(__x86_64__)
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool bf16_products = avx512 && has_bf16_instructions();
    Isa isa = bf16_products && may_use_amx() ? Isa::amx_bf16 : bf16_products ? Isa::avx512_bf16 : avx512 ? Isa::avx512 : avx2 ? Isa::avx2 : Isa::sse2;
    if (const char* cap = std::getenv("TRAIN_GPT_ISA")) {
        const std::string s = cap;
        const std::array<const char*, 5> names = {"sse2", "avx2", "avx512", "avx512_bf16", "amx_bf16"};     // in the order of Isa
        const size_t wanted = size_t(std::find(names.begin(), names.end(), s) - names.begin());
        if (wanted == names.size()) throw UsageError(cat("TRAIN_GPT_ISA=", s, ": unknown, expected sse2, avx2, avx512, avx512_bf16 or amx_bf16"));
        isa = std::min(isa, Isa(wanted));
    }
    return isa;
#else
    return Isa::sse2;
#endif
}
inline Isa active_isa() {
    static const Isa isa = detect_isa();
    return isa;
}

// The loops where a run's time goes are optimised at -O3, everything around them, and the variant for processors without AVX2, as the command line
// says (-O2: kernels compile a quarter faster, LOG 2026-11-23). clang and nvcc don't know the attribute; sanitizers want readable reports.
#if defined(__clang__) || defined(__CUDACC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPTIMIZED
#else
#define OPTIMIZED __attribute__((optimize("O3")))
#endif
#if defined(__x86_64__)
template <typename F>
OPTIMIZED __attribute__((noinline, target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")))
void run_avx512(F& f) { f(); }
template <typename F>
OPTIMIZED __attribute__((noinline, target("avx2,fma,f16c,bmi2"))) void run_avx2(F& f) { f(); }
template <typename F>
__attribute__((noinline)) void run_baseline(F& f) { f(); }
#else
template <typename F>
OPTIMIZED __attribute__((noinline)) void run_baseline(F& f) { f(); }
#endif

// Run f, compiled for the best instruction set of this processor. f must be a lambda marked ALWAYS_INLINE, and everything
// it calls in its inner loops must be ALWAYS_INLINE too: only inlined code is compiled for the wider registers.
// The call costs a few nanoseconds: wrap a row or a tile, not an element.
template <typename F>
ALWAYS_INLINE inline void simd(F f) {
#if defined(__x86_64__)
    switch (active_isa()) {
        case Isa::amx_bf16:
        case Isa::avx512_bf16:  // what the loops need of these are the wide registers; products of bf16 are in pairs.hpp and amx.hpp
        case Isa::avx512: return run_avx512(f);
        case Isa::avx2: return run_avx2(f);
        case Isa::sse2: break;
    }
#endif
    run_baseline(f);
}

// Row <-> float buffers: kernels compute on floats that sit in L1 and touch T only here.
ALWAYS_INLINE inline void load_row(float* out, const float* in, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = in[i];
}
ALWAYS_INLINE inline void load_row(float* out, const bf16* in, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = float(in[i]);
}
ALWAYS_INLINE inline void store_row(float* out, const float* in, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = in[i];
}
ALWAYS_INLINE inline void store_row(bf16* out, const float* in, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = bf16(in[i]);
}

// exp(x) for floats, vectorisable: 2^k * p(f) with a degree-6 polynomial on |f| <= ln2/2 (Cephes' expf). Relative error
// under 1.1e-7 where the result is a normal number (LOG 2026-11-21); 0 below -87.7, +Inf above 88.4, NaN stays NaN. The
// two ends come from 2^k alone: a choice after the polynomial becomes a branch, and a loop with a branch stays scalar.
ALWAYS_INLINE inline float fast_exp(float x) {
    float c = x > 89.0f ? 89.0f : x;                                         // a NaN passes both comparisons as false
    c = c < -88.0f ? -88.0f : c;
    const float scaled = c * 1.44269504088896341f;
    const int32_t k = int32_t(scaled + __builtin_copysignf(0.5f, scaled));   // -127 (2^k becomes 0) .. 128 (+Inf)
    const float kf = float(k);
    float f = c - kf * 0.693359375f;                                         // exact: ln2 is taken off in two parts
    uint32_t f_bits;
    __builtin_memcpy(&f_bits, &f, 4);
    f_bits &= 0xFFFFFFFEu;                       // keeps -fassociative-math from joining the two parts (error 3.7e-6)
    __builtin_memcpy(&f, &f_bits, 4);
    f += kf * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    const int32_t bits = (k + 127) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, 4);
    return p * scale;
}

// 2^x for x <= 0 (a little above does no harm), which is what a softmax needs, in fewer steps than fast_exp:
// 0 below -126.5, NaN stays NaN, relative error 1.0e-7 (LOG 2026-11-21).
ALWAYS_INLINE inline float exp2_falling(float x) {
    const float c = x < -127.0f ? -127.0f : x;
    const int32_t k = int32_t(c - 0.5f);                                     // -127 (2^k becomes 0) .. 0
    const float f = c - float(k);                                            // exact, -0.5 .. 0.5
    float p = 1.535336188e-4f;                                               // exp2f of Cephes
    p = p * f + 1.339887440e-3f;
    p = p * f + 9.618437357e-3f;
    p = p * f + 5.550332471e-2f;
    p = p * f + 2.402264791e-1f;
    p = p * f + 6.931472028e-1f;
    p = p * f + 1.0f;
    const int32_t bits = (k + 127) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, 4);
    return p * scale;
}

// tanh(x) = 1 - 2 / (exp(2x) + 1), which saturates by itself. Absolute error under 3e-7.
ALWAYS_INLINE inline float fast_tanh(float x) {
    return 1.0f - 2.0f / (fast_exp(2.0f * x) + 1.0f);
}

// out[p * WIDTH + j] = in[j * ld + p] for p < k, j < lines <= WIDTH: 4 x 4 numbers of 32 bits at a time, turned in registers.
template <int WIDTH, typename N>
ALWAYS_INLINE inline void transpose_into(N* out, const N* in, int64_t ld, int64_t lines, int64_t k) {
    static_assert(sizeof(N) == 4);
    typedef float V __attribute__((vector_size(16), aligned(4), may_alias));
    const int64_t k4 = k / 4 * 4, lines4 = lines / 4 * 4;
    for (int64_t j = 0; j < lines4; j += 4)
        for (int64_t p = 0; p < k4; p += 4) {
            const N* x = in + j * ld + p;
            const V x0 = *reinterpret_cast<const V*>(x), x1 = *reinterpret_cast<const V*>(x + ld);
            const V x2 = *reinterpret_cast<const V*>(x + 2 * ld), x3 = *reinterpret_cast<const V*>(x + 3 * ld);
            const V low0 = __builtin_shufflevector(x0, x1, 0, 4, 1, 5);
            const V low1 = __builtin_shufflevector(x2, x3, 0, 4, 1, 5);
            const V high0 = __builtin_shufflevector(x0, x1, 2, 6, 3, 7);
            const V high1 = __builtin_shufflevector(x2, x3, 2, 6, 3, 7);
            N* y = out + p * WIDTH + j;
            *reinterpret_cast<V*>(y) = __builtin_shufflevector(low0, low1, 0, 1, 4, 5);
            *reinterpret_cast<V*>(y + WIDTH) = __builtin_shufflevector(low0, low1, 2, 3, 6, 7);
            *reinterpret_cast<V*>(y + 2 * WIDTH) = __builtin_shufflevector(high0, high1, 0, 1, 4, 5);
            *reinterpret_cast<V*>(y + 3 * WIDTH) = __builtin_shufflevector(high0, high1, 2, 3, 6, 7);
        }
    const auto one = [=](int64_t p, int64_t line) ALWAYS_INLINE { __builtin_memcpy(out + p * WIDTH + line, in + line * ld + p, 4); };
    for (int64_t j = lines4; j < lines; j++)
        for (int64_t p = 0; p < k4; p++) one(p, j);
    for (int64_t p = k4; p < k; p++)
        for (int64_t j = 0; j < lines; j++) one(p, j);
}

// ---- devices

// What a matrix product multiplies (--matmul): its operands as they are stored, or rounded further where that is faster. Sums are fp32
// always. Set once, by set_matmul() of matmul.hpp and cublaslt.hpp. fp8 is for the linear layers alone (fp8.hpp).
enum class Operands { stored, tf32, bf16, fp8 };

// --matmul and --autotune, for set_matmul() of matmul.hpp and cublaslt.hpp.
struct MatmulSettings {
    std::string matmul = "auto";                          // auto|fp32|tf32|bf16|fp8
    bool autotune = false;
    std::string plans;                                    // file for what was tuned; empty: none
    std::function<void(const std::string&)> log;          // receives a line for each choice
    bool row_invariant = false;                           // CPU, fp32: a row of a product has the same bits whatever rows are with it
};

// How an inference model on the CPU keeps its matrices (kernels/quantized.hpp); stored: as T, unpacked.
enum class WeightStorage { stored, fp32, bf16, int8 };

// --weights. Throws UsageError for another word.
inline WeightStorage weight_storage_of(const std::string& s) {
    if (s == "auto") return WeightStorage::stored;
    if (s == "fp32") return WeightStorage::fp32;
    if (s == "bf16") return WeightStorage::bf16;
    if (s == "int8") return WeightStorage::int8;
    throw UsageError(cat("--weights ", s, ": unknown, expected auto, fp32, bf16 or int8"));
}
inline const char* weight_storage_name(WeightStorage s) {
    return s == WeightStorage::int8 ? "int8" : s == WeightStorage::bf16 ? "bf16" : s == WeightStorage::fp32 ? "fp32" : "stored";
}

// Scratch memory of a device for the operation that is running, contents undefined: it grows at the first call that needs more and is
// then reused, so a step in steady state allocates nothing. The device gives it back in its destructor.
class Workspace {
   public:
    template <typename Dev>
    void* get(Dev& dev, size_t bytes) {
        if (bytes > bytes_) {
            dev.synchronize();   // an earlier operation may still work in the old memory
            release(dev);
            p_ = dev.allocate(bytes);
            bytes_ = bytes;
            version_++;
        }
        return p_;
    }
    uint64_t version() const { return version_; }   // how often it has moved
    template <typename Dev>
    void release(Dev& dev) {
        bytes_ = 0;
        if (p_) dev.release(std::exchange(p_, nullptr));
    }

   private:
    void* p_ = nullptr;
    size_t bytes_ = 0;
    uint64_t version_ = 0;
};

// The CPU. Threads are OpenMP's.
struct Cpu {
    int threads = 1;
    Operands operands = Operands::stored;
    bool row_invariant = false;          // see MatmulSettings
    explicit Cpu(int threads_ = 0) : threads(threads_ > 0 ? threads_ : omp_get_max_threads()) {
        omp_set_num_threads(threads);
    }
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;
    ~Cpu() { release_workspaces(); }
    // Scratch memory back to the system; the next operation asks again for what it needs.
    void release_workspaces() { workspace_.release(*this), operand_space_.release(*this); }
    size_t bytes_allocated = 0;          // by allocate(), ever: what a step in steady state does not increase

    static constexpr const char* name() { return "cpu"; }
    static constexpr int64_t kLogitsAtOnce = int64_t(1) << 21;   // see head_rows in gpt.hpp: 8 MiB of floats, which caches hold
    void* allocate(size_t bytes) {
        void* p = bytes > size_t(1) << 48 ? nullptr : std::aligned_alloc(4096, round_up(bytes + 1, size_t(4096)));
        if (!p) throw Error(cat("out of memory: ", human_bytes(double(bytes)), " asked for on the CPU"),
                            "use a smaller --batch-size or --seq-len, or --recompute");
        ::madvise(p, bytes, MADV_HUGEPAGE);  // fewer TLB misses on arenas; only a hint
        bytes_allocated += bytes;
        return p;
    }
    void release(void* p) { std::free(p); }
    // By all threads where it is much: the gradients of GPT-2 124M are half a GB a step.
    void zero(void* p, size_t bytes) {
        constexpr size_t kPart = size_t(1) << 22;
        const int64_t parts = int64_t(ceil_div(bytes, kPart));
#pragma omp parallel for schedule(static) if (parts > 1)
        for (int64_t i = 0; i < parts; i++)
            std::memset(static_cast<char*>(p) + size_t(i) * kPart, 0, std::min(kPart, bytes - size_t(i) * kPart));
    }
    void copy_in(void* device, const void* host, size_t bytes) { std::memcpy(device, host, bytes); }
    void copy_out(void* host, const void* device, size_t bytes) { std::memcpy(host, device, bytes); }
    void copy_out_later(void* host, const void* device, size_t bytes) { copy_out(host, device, bytes); }
    void copy_device(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
    // `count` pieces that lie `pitch` bytes apart, there and here
    void copy_device(void* to, const void* from, size_t bytes, size_t pitch, int64_t count) {
        for (int64_t i = 0; i < count; i++) std::memcpy(static_cast<char*>(to) + size_t(i) * pitch, static_cast<const char*>(from) + size_t(i) * pitch, bytes);
    }
    void synchronize() {}
    void* workspace(size_t bytes) { return workspace_.get(*this, bytes); }
    void* operand_space(size_t bytes) { return operand_space_.get(*this, bytes); }   // for a product's operands, whose workspace is the other
    // Host memory that the device may read or write by itself; here there is no other.
    void* allocate_host(size_t bytes) { return allocate(bytes); }
    void release_host(void* p) { release(p); }

    // What a GPU's streams, graphs and profiler need words for (cuda.hpp), and a processor does not.
    struct Event {
        explicit Event(Cpu&) {}
        void record() {}
        void wait() {}
    };
    struct Graphs {
        explicit Graphs(Cpu&) {}
        template <typename F>
        void run(const std::array<int64_t, 4>&, F&& work) { work(); }
        bool enabled = true;
    };
    struct [[maybe_unused]] Range {
        explicit Range(const char*, int64_t = -1) {}
    };

   private:
    Workspace workspace_, operand_space_;
};

#ifdef TRAIN_GPT_CUDA
#include "cuda.hpp"  // struct Cuda, and the words of its kernels
#endif

// ---- arenas

// A block of device memory handed out from front to back. Used in two passes over the same layout code: a fresh arena only
// counts (take() returns nullptr), allocate() then gets the memory, and the second pass hands out the pointers.
template <typename Dev>
class Arena {
   public:
    Arena(Dev& dev, std::string name) : dev_(&dev), name_(std::move(name)) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() {
        if (base_) dev_->release(base_);
    }
    // n elements of T, aligned to 256 bytes. Contents are undefined.
    template <typename T>
    T* take(int64_t n) {
        const size_t offset = used_;
        used_ += round_up(size_t(n) * sizeof(T), size_t(256));
        if (!base_) return nullptr;
        ASSERT(used_ <= capacity_, "arena ", name_, ": ", used_, " > ", capacity_, " bytes: the two passes differ");
        return reinterpret_cast<T*>(base_ + offset);
    }
    // End of the counting pass: get what was counted and start again from the front.
    void allocate() {
        ASSERT(!base_, "arena ", name_, " is allocated already");
        capacity_ = used_;
        used_ = 0;
        base_ = static_cast<char*>(dev_->allocate(capacity_ ? capacity_ : 1));
    }
    size_t mark() const { return used_; }
    void release_to(size_t mark) { used_ = mark; }
    size_t bytes() const { return base_ ? capacity_ : used_; }
    const std::string& name() const { return name_; }

   private:
    Dev* dev_;
    std::string name_;
    char* base_ = nullptr;
    size_t used_ = 0, capacity_ = 0;
};

// Pinned host memory: a copy from or to it does not hold up the host.
template <typename Dev>
class HostBlock {
   public:
    HostBlock(Dev& dev, size_t bytes) : dev_(dev), p_(dev.allocate_host(bytes)) {}
    HostBlock(const HostBlock&) = delete;
    HostBlock& operator=(const HostBlock&) = delete;
    ~HostBlock() { dev_.release_host(p_); }
    template <typename X>
    X* as() const { return static_cast<X*>(p_); }

   private:
    Dev& dev_;
    void* p_;
};

// Two blocks that take turns, for what the host sends the device again and again. A copy reads its block some time after it was asked for:
// so next() waits until the copies from that block, two sendings ago, have run. The host is then at most two sendings ahead of the
// device, and the device has at least one to work on while the host waits or writes.
template <typename Dev>
class HostBlocks {
   public:
    HostBlocks(Dev& dev, size_t bytes) : blocks_{{dev, bytes}, {dev, bytes}}, read_{typename Dev::Event(dev), typename Dev::Event(dev)} {}
    // The block to write next; it belongs to the caller until sent().
    template <typename X>
    X* next() {
        at_ ^= 1;
        read_[at_].wait();
        return blocks_[at_].template as<X>();
    }
    template <typename X>
    X* current() const { return blocks_[at_].template as<X>(); }
    // All copies from the block are in the device's queue.
    void sent() { read_[at_].record(); }

   private:
    HostBlock<Dev> blocks_[2];
    typename Dev::Event read_[2];
    int at_ = 0;
};
