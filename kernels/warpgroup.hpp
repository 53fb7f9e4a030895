// kernels/warpgroup.hpp -- matrix products by four warps at once, as Hopper's tensor cores want them (PTX: wgmma).
//
// mma.sync (mma_bf16 of cuda.hpp) is a product of one warp, whose operands are registers; moving them there from shared memory is work for
// that warp. On an H100 it reaches little more than half of what the tensor cores can do. wgmma is a product of four warps, the warpgroup,
// and reads its right operand from shared memory by itself, while the threads go on:
//     d (64, N) (+)= a (64, 16) b (16, N)      a, b: bf16    d: fp32
// d and a are registers, 16 rows a warp, each laid out as mma_bf16 lays them out (Accumulators of attention_tiles_cuda.hpp), or a is a tile, too. b is
// a tile in shared memory, in blocks of 64 columns: a row of a block is 128 bytes, eight pieces of 16, and piece c of row r lies at place c ^ (r % 8), so
// that eight pieces of a column lie in eight groups of banks (the "128-byte swizzle"); a block starts at a multiple of 1024 bytes.
// The rules: all four warps run the same calls. begin_products() before the first product and after other work on its registers;
// end_products() behind the last; products_wait<n>() before registers or tiles are touched again (at most n of the newest groups go on), and then
// settle() for each d, or the compiler might move its uses to before the wait.
// What threads have written to a tile, cp.async too, the tensor cores see after publish_tiles() by the writers and a barrier.
// Only sm_90a has these instructions (Cuda::warpgroups); newer GPUs have others, and run mma.sync.
#pragma once

#include "cuda.hpp"

#ifdef CUDA_KERNELS
constexpr int kWarpgroupThreads = 128, kTileColumns = 64, kTileAlignment = 1024;

// Where element (r, c) of a tile of `rows` rows lies: c a multiple of 8 is the start of a piece of 16 bytes.
__device__ __forceinline__ int tile_offset(int rows, int r, int c) {
    return (c / kTileColumns * rows + r) * kTileColumns + ((c % kTileColumns / 8) ^ (r % 8)) * 8 + c % 8;
}
// The first multiple of 1024 bytes from p on.
__device__ __forceinline__ bf16* aligned_tile(bf16* p) {
    return p + (kTileAlignment - reinterpret_cast<uintptr_t>(p) % kTileAlignment) % kTileAlignment / sizeof(bf16);
}

#if defined(TRAIN_GPT_EMULATOR)
// A tile as the right operand: its address, and how far apart its blocks of 64 columns are.
struct TileOperand {
    const bf16* tile;
    int block_step;
    __device__ TileOperand from(int elements) const { return {tile + elements, block_step}; }
};
inline TileOperand tile_operand(const bf16* tile, int rows) { return {tile, rows * kTileColumns}; }
inline void begin_products() {}
inline void end_products() { emu::commit_products(); }
template <int n>
void products_wait() { emu::wait_products(n); }
inline void publish_tiles() {}
template <int N>
void settle(float (&)[N][4]) {}

namespace emu {
// Element (r, c) of a block of a tile, at its swizzled place.
inline uint32_t tile_element(const bf16* block, int r, int c) {
    const auto at = reinterpret_cast<uintptr_t>(block + r * kTileColumns + c);
    return reinterpret_cast<const bf16*>(at ^ (at >> 7 & 7) << 4)->bits;
}
template <bool b_rows, int N>
void run_product(const Product& p) {
    auto& d = *reinterpret_cast<float(*)[N / 8][4]>(p.d);
    const auto* b = static_cast<const bf16*>(p.b);
    const int lane = int(threadIdx.x) % 32, row = int(threadIdx.x) / 32 % 4 * 16 + lane / 4, k = lane % 4 * 2;
    const auto a_pair = [&](int r, int c) {
        const auto* a = static_cast<const bf16*>(p.a_tile);
        return tile_element(a, r, c) | tile_element(a, r, c + 1) << 16;
    };
    uint32_t a[4] = {p.a[0], p.a[1], p.a[2], p.a[3]};
    if (p.a_tile) a[0] = a_pair(row, k), a[1] = a_pair(row + 8, k), a[2] = a_pair(row, k + 8), a[3] = a_pair(row + 8, k + 8);
    const auto element = [&](int i, int n) {
        return b_rows ? tile_element(b + n / kTileColumns * p.block_step, i, n % kTileColumns) : tile_element(b, n, i);
    };
    for (int j = 0; j < N / 8; j++) {
        const int n = 8 * j + lane / 4;
        const uint32_t piece[2] = {element(k, n) | element(k + 1, n) << 16, element(k + 8, n) | element(k + 9, n) << 16};
        mma_bf16(d[j], a, piece);
    }
}
}  // namespace emu

// add: d += a b, else d = a b. b_rows: the tile's rows are the products' inner dimension, its columns those of d; else its rows are the columns of d.
template <bool add, bool b_rows, int N>
void multiply_tile(float (&d)[N / 8][4], const uint32_t (&a)[4], const TileOperand& b, const emu::Where& where = emu::Where::current()) {
    emu::queue_product({emu::run_product<b_rows, N>, d[0], N / 2, add, {a[0], a[1], a[2], a[3]}, nullptr, b.tile, b.block_step, {}, 0, where});
}
// The same with a from shared memory: a tile of 64 rows.
template <bool add, bool b_rows, int N>
void multiply_tile(float (&d)[N / 8][4], const TileOperand& a, const TileOperand& b, const emu::Where& where = emu::Where::current()) {
    emu::queue_product({emu::run_product<b_rows, N>, d[0], N / 2, add, {}, a.tile, b.tile, b.block_step, {}, 0, where});
}
#else
struct TileOperand {
    uint64_t descriptor;             // PTX ISA, matrix descriptor: address, two strides in units of 16 bytes, 1 in the highest two bits: 128-byte swizzle
    __device__ __forceinline__ TileOperand from(int elements) const { return {descriptor + uint64_t(elements * 2 >> 4)}; }
};
// Eight rows of a block are 1024 bytes: the stride of row groups; the other is that of blocks, needed where b's columns are more than one block's.
__device__ __forceinline__ TileOperand tile_operand(const bf16* tile, int rows) {
    const uint64_t address = uint64_t(__cvta_generic_to_shared(tile)) >> 4 & 0x3FFF;
    return {address | uint64_t(rows * kTileColumns * 2 >> 4) << 16 | uint64_t(1024 >> 4) << 32 | uint64_t(1) << 62};
}
template <int N>
__device__ __forceinline__ void settle(float (&d)[N][4]) {
    #pragma unroll
    for (int i = 0; i < N; i++) asm volatile("" : "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3]) : : "memory");
}
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
__device__ __forceinline__ void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void end_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int n>
__device__ __forceinline__ void products_wait() { asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(n) : "memory"); }
__device__ __forceinline__ void publish_tiles() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

#define WGMMA_64 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19," \
                 "%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, {%32,%33,%34,%35}, %36, p, 1, 1, %37; }"
#define WGMMA_128 "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19," \
                  "%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,"       \
                  "%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, {%64,%65,%66,%67}, %68, p, 1, 1, %69; }"
#define FOUR(how, i) how(d[i][0]), how(d[i][1]), how(d[i][2]), how(d[i][3])
#define EIGHT_TIMES_FOUR(how, i) FOUR(how, i), FOUR(how, i + 1), FOUR(how, i + 2), FOUR(how, i + 3), FOUR(how, i + 4), FOUR(how, i + 5), FOUR(how, i + 6), FOUR(how, i + 7)
#define OPERANDS "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b.descriptor), "n"(b_rows ? 1 : 0)
template <bool add, bool b_rows, int N>
__device__ __forceinline__ void multiply_tile(float (&d)[N / 8][4], const uint32_t (&a)[4], const TileOperand& b) {
    static_assert(N == 64 || N == 128);
    if constexpr (N == 64 && add) asm volatile("{ .reg .pred p; setp.eq.b32 p, 0, 0; " WGMMA_64 : EIGHT_TIMES_FOUR("+f", 0) : OPERANDS);
    else if constexpr (N == 64) asm volatile("{ .reg .pred p; setp.ne.b32 p, 0, 0; " WGMMA_64 : EIGHT_TIMES_FOUR("=&f", 0) : OPERANDS);
    else if constexpr (add) asm volatile("{ .reg .pred p; setp.eq.b32 p, 0, 0; " WGMMA_128 : EIGHT_TIMES_FOUR("+f", 0), EIGHT_TIMES_FOUR("+f", 8) : OPERANDS);
    else asm volatile("{ .reg .pred p; setp.ne.b32 p, 0, 0; " WGMMA_128 : EIGHT_TIMES_FOUR("=&f", 0), EIGHT_TIMES_FOUR("=&f", 8) : OPERANDS);
}
#define WGMMA_64_TILES "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19," \
                       "%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33, p, 1, 1, 0, %34; }"
template <bool add, bool b_rows, int N>
__device__ __forceinline__ void multiply_tile(float (&d)[N / 8][4], const TileOperand& a, const TileOperand& b) {
    static_assert(N == 64);
    if constexpr (add)
        asm volatile("{ .reg .pred p; setp.eq.b32 p, 0, 0; " WGMMA_64_TILES : EIGHT_TIMES_FOUR("+f", 0) : "l"(a.descriptor), "l"(b.descriptor), "n"(b_rows ? 1 : 0));
    else
        asm volatile("{ .reg .pred p; setp.ne.b32 p, 0, 0; " WGMMA_64_TILES : EIGHT_TIMES_FOUR("=&f", 0) : "l"(a.descriptor), "l"(b.descriptor), "n"(b_rows ? 1 : 0));
}
#undef WGMMA_64
#undef WGMMA_64_TILES
#undef WGMMA_128
#undef FOUR
#undef EIGHT_TIMES_FOUR
#undef OPERANDS
#else
__device__ __forceinline__ void begin_products() { __trap(); }       // the launcher chooses by GPU: nobody comes here
__device__ __forceinline__ void end_products() {}
template <int n>
__device__ __forceinline__ void products_wait() {}
__device__ __forceinline__ void publish_tiles() {}
template <bool add, bool b_rows, int N>
__device__ __forceinline__ void multiply_tile(float (&)[N / 8][4], const uint32_t (&)[4], const TileOperand&) {}
template <bool add, bool b_rows, int N>
__device__ __forceinline__ void multiply_tile(float (&)[N / 8][4], const TileOperand&, const TileOperand&) {}
#endif
#endif

#endif  // CUDA_KERNELS
