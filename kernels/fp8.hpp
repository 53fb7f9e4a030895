// kernels/fp8.hpp -- eight-bit floats for the linear layers (--matmul fp8): half the bytes of bf16 and twice its products a second.
//   e4m3   sign, 4 bits of exponent (bias 7), 3 of mantissa:    up to 448, smallest 2^-9      operands of the forward pass
//   e5m2   sign, 5 bits of exponent (bias 15), 2 of mantissa:   up to 57344, smallest 2^-16   gradients: less exact, further apart
// (Micikevicius et al. 2022, "FP8 formats for deep learning", whose e4m3 has no infinity.) Numbers of either span 16 to 31 powers of two, so
// each matrix gets a scale that moves its largest number to the top of the format:
//   q_ij = fp8(x_ij s_x),   s_x = 2^floor(log2(largest / max_ij |x_ij|))          y = (q_x q_w) / (s_x s_w), summed in fp32
// The maximum is of this very matrix ("current scaling"). Delayed scaling, from maxima of earlier steps, would save reading the matrix once,
// but makes the bits depend on a history: checkpoints would have to hold it, and a measured validation loss would change the training.
// s is a power of two, so scaling itself rounds nothing: cutting a batch in another way changes only numbers that fall below the format.
// Rounding is to the nearest, ties to even, at most 2^-4 of a number (e4m3) or 2^-3 (e5m2). A matrix with NaN or infinity gives NaN everywhere.
#pragma once

#include "cuda_packs.hpp"
#include "device.hpp"

enum class Fp8 { e4m3, e5m2 };

template <Fp8 format>
struct Fp8Traits {
    static constexpr int mantissa = format == Fp8::e4m3 ? 3 : 2, bias = format == Fp8::e4m3 ? 7 : 15;
    static constexpr uint32_t largest_code = format == Fp8::e4m3 ? 0x7E : 0x7B;   // 1.75 * 2^8, 1.75 * 2^15
    static constexpr int largest_exponent = format == Fp8::e4m3 ? 8 : 15;
};

HOST_DEVICE ALWAYS_INLINE inline uint32_t float_bits(float x) {
    uint32_t u;
    __builtin_memcpy(&u, &x, 4);
    return u;
}
HOST_DEVICE ALWAYS_INLINE inline float float_of_bits(uint32_t u) {
    float x;
    __builtin_memcpy(&x, &u, 4);
    return x;
}

// ---- one number

// The nearest number of the format, ties to even; beyond the largest one, the largest one (infinity too); NaN becomes 0x7F.
template <Fp8 format>
HOST_DEVICE ALWAYS_INLINE inline uint8_t to_fp8(float x) {
    using F = Fp8Traits<format>;
    constexpr int shift = 23 - F::mantissa;
    constexpr uint32_t bias_difference = uint32_t(127 - F::bias) << F::mantissa;
    constexpr uint32_t smallest_normal = uint32_t(127 - F::bias + 1) << 23;
    constexpr uint32_t step = uint32_t(127 + 1 - F::bias - F::mantissa + 23) << 23;   // as a float: its last bit is the format's smallest step
    const uint32_t all = float_bits(x), u = all & 0x7FFFFFFFu;
    // normal numbers: round the mantissa in place, which may carry into the exponent, as it should
    uint32_t code = ((u + (1u << (shift - 1)) - 1 + ((u >> shift) & 1)) >> shift) - bias_difference;
    // below them: adding `step` leaves the code in the last bits, rounded by the addition
    const uint32_t small = float_bits(float_of_bits(u < smallest_normal ? u : 0u) + float_of_bits(step)) - step;
    code = u < smallest_normal ? small : code;
    code = code > F::largest_code ? F::largest_code : code;
    return u > 0x7F800000u ? uint8_t(0x7F) : uint8_t(code | (all >> 31 << 7));
}
template <Fp8 format>
HOST_DEVICE ALWAYS_INLINE inline float from_fp8(uint8_t code) {
    using F = Fp8Traits<format>;
    const uint32_t magnitude = code & 0x7Fu;
    const float scale = float_of_bits(uint32_t(127 + 127 - F::bias) << 23);           // exponents get float's bias; exact for subnormals too
    float x = float_of_bits(magnitude << (23 - F::mantissa)) * scale;
    if (format == Fp8::e5m2 && magnitude == 0x7C) x = float_of_bits(0x7F800000u);
    if (magnitude > (format == Fp8::e4m3 ? 0x7Eu : 0x7Cu)) x = float_of_bits(0x7FC00000u);
    return code & 0x80 ? -x : x;
}

// ---- the scale of a matrix

struct Fp8Scale {
    float scale, inverse;
};
// From the bits of the largest |x|: as integers, floats without a sign are ordered as they are as numbers, with infinity and NaN above. The
// exponent is kept within +-60, so that the product of two inverse scales is a normal number; what is then too small becomes 0.
HOST_DEVICE inline Fp8Scale fp8_scale(uint32_t largest_bits, Fp8 format) {
    if (largest_bits == 0) return {1.0f, 1.0f};
    if (largest_bits >= 0x7F800000u) return {1.0f, float_of_bits(0x7FC00000u)};
    const int top = format == Fp8::e4m3 ? Fp8Traits<Fp8::e4m3>::largest_exponent : Fp8Traits<Fp8::e5m2>::largest_exponent;
    int e = top - (int(largest_bits >> 23) - 127) - ((largest_bits & 0x7FFFFFu) > 0x600000u ? 1 : 0);   // 0x600000: of 1.75
    e = e > 60 ? 60 : e < -60 ? -60 : e;
    return {float_of_bits(uint32_t(127 + e) << 23), float_of_bits(uint32_t(127 - e) << 23)};
}

// Linear layers in fp8 want columns that are multiples of 16: cuBLASLt takes 16 bytes at a time. Rows may be any number.
inline void check_fp8_layer(int64_t K, int64_t M) {
    if (K % 16 != 0 || M % 16 != 0)
        throw Error(cat("--matmul fp8: a linear layer from ", K, " to ", M, " numbers: both must be multiples of 16"),
                    "choose a number of channels that is a multiple of 16, or --matmul auto");
}

// ---- CPU: the numbers that the GPU multiplies, as T, for an ordinary product. (Each is a bf16 too.)

constexpr int64_t kFp8Block = 4096;

template <typename T>
uint32_t largest_magnitude(Cpu& dev, const T* x, int64_t n) {
    uint32_t largest = 0;
    #pragma omp parallel for num_threads(dev.threads) reduction(max : largest) if (n > 8 * kFp8Block)
    for (int64_t begin = 0; begin < n; begin += kFp8Block) {
        const int64_t end = std::min(n, begin + kFp8Block);
        uint32_t here = 0;
        simd([&]() ALWAYS_INLINE {
            uint32_t most = 0;
            for (int64_t i = begin; i < end; i++) most = std::max(most, float_bits(float(x[i])) & 0x7FFFFFFFu);
            here = most;
        });
        largest = std::max(largest, here);
    }
    return largest;
}

// out = fp8(x s) / s for all n numbers of a matrix.
template <Fp8 format, typename T>
void round_to_fp8(Cpu& dev, T* out, const T* x, int64_t n) {
    const Fp8Scale s = fp8_scale(largest_magnitude(dev, x, n), format);
    #pragma omp parallel for num_threads(dev.threads) if (n > 8 * kFp8Block)
    for (int64_t begin = 0; begin < n; begin += kFp8Block) {
        const int64_t end = std::min(n, begin + kFp8Block);
        simd([&]() ALWAYS_INLINE {
            for (int64_t i = begin; i < end; i++) out[i] = T(from_fp8<format>(to_fp8<format>(float(x[i]) * s.scale)) * s.inverse);
        });
    }
}

// ---- CUDA
#ifdef TRAIN_GPT_CUDA

constexpr int kFp8Parts = 256;    // most blocks of the search for the largest number, with a partial result each

// A matrix (R, C) in fp8, as cuBLASLt wants its operands; all arrays in device memory. What is not asked for is null.
struct Fp8Matrix {
    Fp8 format;
    uint8_t* rows = nullptr;      // (R, C)
    uint8_t* columns = nullptr;   // (C, ld), 16-byte aligned, zeros behind the R numbers of a row
    int64_t ld = 0;               // R rounded up to 16
    float* inverse = nullptr;     // 1 / s
    uint32_t* partial = nullptr;  // (kFp8Parts), scratch
};
// x (R, C) -> m. Two launches; reads x twice.
template <typename T>
void quantise_fp8(Cuda& dev, const Fp8Matrix& m, const T* x, int64_t R, int64_t C);
#endif

#ifdef CUDA_KERNELS

// Two codes at once, `low` in the lower byte. GPUs before sm_89 have no instruction for it, and no fp8 products either.
template <Fp8 format>
__device__ __forceinline__ uint16_t to_fp8_pair(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
    uint16_t pair;
    if constexpr (format == Fp8::e4m3) asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
    else asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return uint16_t(to_fp8<format>(low) | to_fp8<format>(high) << 8);
#endif
}

namespace fp8_cuda {

constexpr int kAmaxThreads = 512;
constexpr int kThreads = 256, kTile = 64;           // a tile of 64 x 64 numbers
static_assert(kFp8Parts <= kThreads, "a thread takes one partial maximum");

// partial[block] = the largest |x| of the block's part, as bits. A maximum is the same in any order.
// Floor: one number of memory an element (bf16: 2 bytes); 3 operations: it becomes a float, loses its sign, is compared.
template <typename T, bool vector>
__global__ void __launch_bounds__(kAmaxThreads) amax_kernel(uint32_t* partial, const T* x, int64_t n) {
    constexpr int size = Pack<T>::size;
    uint32_t largest = 0;
    #pragma unroll 4
    for (int64_t i = (int64_t(blockIdx.x) * kAmaxThreads + threadIdx.x) * size; i < n; i += int64_t(gridDim.x) * kAmaxThreads * size) {
        float v[size];
        load_floats<vector>(v, x + i, n - i);
        #pragma unroll
        for (int k = 0; k < size; k++) {
            const uint32_t magnitude = float_bits(v[k]) & 0x7FFFFFFFu;
            largest = magnitude > largest ? magnitude : largest;
        }
    }
    largest = block_max<kAmaxThreads>(largest);
    if (threadIdx.x == 0) partial[blockIdx.x] = largest;
}

// q (R, C) = fp8(x s) and, where `transposed`, q_t (C, ld_t), of which the columns R .. ld_t - 1 are zero; *inverse = 1 / s. q may be null.
// Floor: a number of memory an element to read (bf16: 2 bytes) and a byte for each of q and q_t; about 3 operations an element, with q_t 6 (its byte goes
// through shared memory). Blocks take tiles in turn, so that the partial maxima are read once a block and not once a tile.
template <Fp8 format, typename T, bool vector, bool transposed>
__global__ void __launch_bounds__(kThreads) quantise_kernel(uint8_t* q, uint8_t* q_t, float* inverse, const uint32_t* partial, int parts,
                                                            const T* x, int64_t R, int64_t C, int64_t ld_t) {
    constexpr int size = Pack<T>::size, packs = kTile / size, stride = kTile + 4;      // 17 words a row: columns lie in different banks
    SHARED_ARRAY(uint8_t, tile, kTile * stride);                                       // (rows, columns)
    const int t = int(threadIdx.x);
    const Fp8Scale s = fp8_scale(block_max<kThreads>(t < parts ? partial[t] : 0u), format);
    if (blockIdx.x == 0 && t == 0) *inverse = s.inverse;
    const int64_t tiles_wide = (C + kTile - 1) / kTile, tiles = (R + kTile - 1) / kTile * tiles_wide;
    for (int64_t k = blockIdx.x; k < tiles; k += gridDim.x) {
        const int64_t r0 = k / tiles_wide * kTile, c0 = k % tiles_wide * kTile;
        #pragma unroll
        for (int p = t; p < kTile * packs; p += kThreads) {
            const int row = p / packs, column = p % packs * size;
            const int64_t r = r0 + row, c = c0 + column;
            float v[size] = {};
            if (r < R && c < C) load_floats<vector>(v, x + r * C + c, C - c);
            uint16_t codes[size / 2];
            #pragma unroll
            for (int i = 0; i < size / 2; i++) codes[i] = to_fp8_pair<format>(v[2 * i] * s.scale, v[2 * i + 1] * s.scale);
            if constexpr (transposed) {
                #pragma unroll
                for (int i = 0; i < size / 2; i++) *reinterpret_cast<uint16_t*>(tile + row * stride + column + 2 * i) = codes[i];
            }
            if (!q || r >= R || c >= C) continue;
            if (vector) {                                                              // C is a multiple of `size`: all of them exist
                if constexpr (size == 8) *reinterpret_cast<uint2*>(q + r * C + c) = {codes[0] | unsigned(codes[1]) << 16, codes[2] | unsigned(codes[3]) << 16};
                else *reinterpret_cast<unsigned*>(q + r * C + c) = codes[0] | unsigned(codes[1]) << 16;
            } else {
                for (int i = 0; i < size; i++)
                    if (c + i < C) q[r * C + c + i] = uint8_t(codes[i / 2] >> (i % 2 * 8));
            }
        }
        if constexpr (transposed) {
            __syncthreads();
            const int column = t / 4, row = t % 4 * 16;                                // 16 rows of a column a thread: 64 bytes of q_t by four
            if (c0 + column < C && r0 + row < ld_t) {
                Pack<uint8_t> pack;
                #pragma unroll
                for (int i = 0; i < 16; i++) pack[i] = tile[(row + i) * stride + column];
                store16(q_t + (c0 + column) * ld_t + r0 + row, pack);
            }
            __syncthreads();                                                           // the tile is written again
        }
    }
}

template <Fp8 format, typename T>
void quantise(Cuda& dev, const Fp8Matrix& m, const T* x, int64_t R, int64_t C) {
    const int parts = int(std::min(int64_t(kFp8Parts), ceil_div(R * C, int64_t(kAmaxThreads) * Pack<T>::size)));
    launch(rows_are_packs<T>(0, x) ? amax_kernel<T, true> : amax_kernel<T, false>, dim3(unsigned(parts)), dim3(kAmaxThreads), 0, dev.stream,
           m.partial, x, R * C);
    const int64_t tiles = ceil_div(R, int64_t(kTile)) * ceil_div(C, int64_t(kTile));
    const dim3 grid(unsigned(std::min(tiles, int64_t(8) * dev.multiprocessors)));
    auto start = [&](auto kernel) {
        launch(kernel, grid, dim3(kThreads), 0, dev.stream, m.rows, m.columns, m.inverse, m.partial, parts, x, R, C, m.ld);
    };
    const bool vector = rows_are_packs<T>(C, x) && uintptr_t(m.rows) % 8 == 0;
    if (m.columns) start(vector ? quantise_kernel<format, T, true, true> : quantise_kernel<format, T, false, true>);
    else start(vector ? quantise_kernel<format, T, true, false> : quantise_kernel<format, T, false, false>);
}

}  // namespace fp8_cuda

template <typename T>
void quantise_fp8(Cuda& dev, const Fp8Matrix& m, const T* x, int64_t R, int64_t C) {
    ASSERT(m.inverse && m.partial && (!m.columns || (m.ld >= R && m.ld % 16 == 0 && uintptr_t(m.columns) % 16 == 0)), "an fp8 matrix of (", R, ", ", C, ")");
    if (m.format == Fp8::e4m3) fp8_cuda::quantise<Fp8::e4m3>(dev, m, x, R, C);
    else fp8_cuda::quantise<Fp8::e5m2>(dev, m, x, R, C);
}

// Quantises matrices into the device's scratch memory. All of a product's operands are announced first, by their sizes.
class Fp8Scratch {
   public:
    Fp8Scratch(Cuda& dev, int64_t bytes, int matrices)
        : dev_(dev), next_(static_cast<char*>(dev.workspace(size_t(bytes) + size_t(matrices) * (kFp8Parts * sizeof(uint32_t) + 256)))) {}
    template <typename T>
    Fp8Matrix quantise(Fp8 format, const T* x, int64_t R, int64_t C, bool rows, bool columns) {
        Fp8Matrix m{format};
        m.partial = take<uint32_t>(kFp8Parts);
        m.inverse = take<float>(1);
        m.ld = round_up(R, int64_t(16));
        if (rows) m.rows = take<uint8_t>(R * C);
        if (columns) m.columns = take<uint8_t>(C * m.ld);
        quantise_fp8(dev_, m, x, R, C);
        return m;
    }
    static int64_t rows_bytes(int64_t R, int64_t C) { return round_up(R * C, int64_t(256)); }
    static int64_t columns_bytes(int64_t R, int64_t C) { return round_up(C * round_up(R, int64_t(16)), int64_t(256)); }

   private:
    template <typename U>
    U* take(int64_t n) {
        char* p = next_;
        next_ += round_up(size_t(n) * sizeof(U), size_t(256));
        return reinterpret_cast<U*>(p);
    }
    Cuda& dev_;
    char* next_;
};
#endif
