// kernels/gemm_amx.hpp -- our product of bf16 matrices by AMX (amx.hpp): what multiplies in training on a Sapphire Rapids or later.
// The matrix unit of one core does 1024 operations a cycle, as much as 16 vector units; what is hard is to bring it its operands. A product
// of two tiles takes 16 cycles. Four of them, C (32, 32) += A (32, 32) B (32, 32), take 64 and want four tiles, 4 KiB; from L1 that is half of
// what it can give, from L2 (some 48 bytes a cycle) more than all of it, from anywhere else hopeless. Hence:
//   panel   32 columns of B, kc of k: streams from L2, 32 bytes a cycle. Its loads carry a hint (tileloaddt1) that they are not worth a place in L1
//   strip   32 rows of A, kc = 384 of k: 24 KiB, which stay in L1 while all panels of the block pass by; the next strip is asked for meanwhile
//   block   of B, kb <= 1024 of k by nb <= 384 columns: packed by the thread that uses it, so that it is in its L2, then used for all rows of a task
//   task    rows by columns of C, one thread's; its sums are fp32 in L2 until k is through, then a strip at a time is finished (bias, GELU, rounding)
// B must be packed: a tile of B is 16 rows of interleaved pairs. A tile of A is 16 rows of 64 bytes where they lie, so that A is read in place; but
// a transposed A (of a weight's gradient) is turned by all threads beforehand, and a strip is copied where its rows would fall into few sets of L1.
// Floor: 2 M N K operations at 1024 a cycle and core; LOG 2026-11-24 has what is reached.
// Promises: an element of C is one chain over k, cut at multiples of 32: its bits depend neither on threads nor on what else is in the matrix.
#pragma once

#include "amx.hpp"
#include "gemm.hpp"

#if TRAIN_GPT_PAIRS
namespace amx {

constexpr int64_t kLines = 2 * kRows;             // rows of a strip, columns of a panel
constexpr int64_t kStep = 2 * kDepth;             // numbers of k that one product of tiles takes
constexpr int64_t kStepPairs = kLines * kDepth;   // of a strip or a panel: 2 KiB

// Memory that will be read next: `rows` rows of `bytes`, `pitch` apart.
struct AheadRows {
    const char* row = nullptr;
    int64_t bytes = 0, pitch = 0, rows = 0, at = 0;
    ALWAYS_INLINE void ask(int64_t lines) {
        for (; lines > 0 && rows > 0; lines--) {
            __builtin_prefetch(row + at, 0, 2);
            at += 64;
            if (at >= bytes) at = 0, row += pitch, rows--;
        }
    }
};

// c (32, 32; row stride ldc floats) = or += a strip times a panel over `steps` steps of k. Row r of step s of the strip is at a + r * a_row + s * a_step,
// in pairs. `lines` lines of what comes next are asked for with each step.
PAIRS_TARGET ALWAYS_INLINE inline void multiply_block(float* c, int64_t ldc, bool add, const Pair* a, int64_t a_row, int64_t a_step, const Pair* b, int64_t steps, AheadRows& next,
                                                      int64_t lines) {
    float* const lower = c + kRows * ldc;
    if (add) load<0>(c, ldc * 4), load<1>(c + kColumns, ldc * 4), load<2>(lower, ldc * 4), load<3>(lower + kColumns, ldc * 4);
    else zero<0>(), zero<1>(), zero<2>(), zero<3>();
    const Pair* a_lower = a + kRows * a_row;
    for (; steps > 0; steps--, a += a_step, a_lower += a_step, b += kStepPairs) {
        next.ask(lines);
        load_once<6>(b, 4 * kColumns), load<4>(a, a_row * 4), multiply<0, 4, 6>();
        load_once<7>(b + kStepPairs / 2, 4 * kColumns), multiply<1, 4, 7>();
        load<5>(a_lower, a_row * 4), multiply<2, 5, 6>(), multiply<3, 5, 7>();
    }
    store<0>(c, ldc * 4), store<1>(c + kColumns, ldc * 4), store<2>(lower, ldc * 4), store<3>(lower + kColumns, ldc * 4);
}

// ---- packing

// One step of a strip: out (32 rows, 16 pairs) = `lines` rows of k <= 32 numbers, zeros beyond.
PAIRS_TARGET inline void copy_step(Pair* out, const bf16* in, int64_t ld, int64_t lines, int64_t k) {
    const __mmask32 there = k >= kStep ? ~0u : (1u << k) - 1;
    for (int64_t r = 0; r < kLines; r++)
        _mm512_storeu_si512(out + r * kDepth, _mm512_maskz_loadu_epi16(r < lines ? there : 0, in + std::min(r, lines - 1) * ld));
}

// Two tiles of B, out (2, 16 pairs, 16): pairs of the k <= 32 rows of `in`, `columns` <= 32 columns, zeros beyond.
PAIRS_TARGET ALWAYS_INLINE inline void interleave_step(Pair* out, const bf16* in, int64_t ld, int64_t k, int64_t columns) {
    const __mmask32 there = columns >= kLines ? ~0u : (1u << columns) - 1;
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (int64_t p = 0; p < kDepth; p++) {
        const bf16* const row = in + 2 * p * ld;
        const __m512i even = 2 * p < k ? _mm512_maskz_loadu_epi16(there, row) : _mm512_setzero_si512();
        const __m512i odd = 2 * p + 1 < k ? _mm512_maskz_loadu_epi16(there, row + ld) : _mm512_setzero_si512();
        const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);   // of each eight columns the first and the last four
        _mm512_storeu_si512(out + p * kColumns, _mm512_permutex2var_epi64(low, first, high));
        _mm512_storeu_si512(out + kStepPairs / 2 + p * kColumns, _mm512_permutex2var_epi64(low, second, high));
    }
}

// The same of a matrix that is stored transposed, `columns` rows of k numbers.
PAIRS_TARGET inline void transpose_step(Pair* out, const bf16* in, int64_t ld, int64_t k, int64_t columns) {
    alignas(64) Pair stage[kStepPairs];
    const bool whole = k >= kStep && columns >= kLines && ld % 2 == 0;          // then rows of numbers are rows of pairs
    if (!whole) copy_step(stage, in, ld, std::min(columns, kLines), k);
    const Pair* const from = whole ? reinterpret_cast<const Pair*>(in) : stage;
    const int64_t row = whole ? ld / 2 : kDepth;
    transpose_into<kColumns>(out, from, row, kColumns, kDepth);
    transpose_into<kColumns>(out + kStepPairs / 2, from + kColumns * row, row, kColumns, kDepth);
}

// A block of B: panels of `steps` steps. Step s of panel p is at out + (p * steps + s) * kStepPairs.
PAIRS_TARGET __attribute__((noinline)) inline void pack_block(Pair* out, const bf16* in, int64_t ld, bool transposed, int64_t k, int64_t columns) {
    const int64_t steps = ceil_div(k, kStep), panels = ceil_div(columns, kLines);
    if (transposed) {
        for (int64_t p = 0; p < panels; p++)
            for (int64_t s = 0; s < steps; s++)
                transpose_step(out + (p * steps + s) * kStepPairs, in + p * kLines * ld + s * kStep, ld, k - s * kStep, columns - p * kLines);
        return;
    }
    for (int64_t s = 0; s < steps; s++)
        for (int64_t p = 0; p < panels; p++)
            interleave_step(out + (p * steps + s) * kStepPairs, in + s * kStep * ld + p * kLines, ld, k - s * kStep, columns - p * kLines);
}

// Strips of a transposed A: step s of strip i is at out + (i * steps + s) * kStepPairs. `in` is (k, rows).
PAIRS_TARGET __attribute__((noinline)) inline void pack_transposed_strips(Pair* out, const bf16* in, int64_t ld, int64_t k, int64_t rows) {
    alignas(64) Pair stage[kStepPairs];
    const int64_t steps = ceil_div(k, kStep);
    for (int64_t s = 0; s < steps; s++)
        for (int64_t i = 0; i * kLines < rows; i++) {
            interleave_step(stage, in + s * kStep * ld + i * kLines, ld, k - s * kStep, rows - i * kLines);
            Pair* const to = out + (i * steps + s) * kStepPairs;
            transpose_into<kDepth>(to, stage, kColumns, kDepth, kColumns);
            transpose_into<kDepth>(to + kStepPairs / 2, stage + kStepPairs / 2, kColumns, kDepth, kColumns);
        }
}

// ---- the product

template <typename TC>
class Product {
   public:
    explicit Product(const Gemm<TC, bf16>& g) : g(g) {}

    void run(Cpu& dev) {
        plan(dev.threads);
        const int64_t a_pairs = g.ta ? rows_at_once_ * steps(g.K) * kDepth : 0;
        const int64_t pairs = round_up(a_pairs + dev.threads * own_pairs(), int64_t(16));
        a_pack_ = static_cast<Pair*>(dev.workspace(size_t(pairs) * sizeof(Pair)));
        Pair* const own = a_pack_ + a_pairs;
        const double work = double(g.M) * double(g.N) * double(g.K);
        #pragma omp parallel num_threads(dev.threads) if (work > 4e5)
        for (int64_t first = 0; first < g.M; first += rows_at_once_) multiply_rows(first, std::min(rows_at_once_, g.M - first), own + omp_get_thread_num() * own_pairs());
    }

   private:
    static constexpr int64_t kMostRows = 1024, kMostColumns = 384, kMostK = 1024, kPiece = 384, kGroup = 8;
    static constexpr int64_t kMostPacked = int64_t(4) << 20;      // numbers of a transposed A that are packed at a time: 8 MiB
    static int64_t steps(int64_t k) { return ceil_div(k, kStep); }

    // How C is cut into tasks. Blocks of B want many rows, strips of A many columns; but each thread wants two tasks.
    void plan(int threads) {
        rows_at_once_ = round_up(g.M, kLines);
        if (g.ta) rows_at_once_ = std::min(rows_at_once_, std::max(kLines, kMostPacked / std::max<int64_t>(1, g.K) / kLines * kLines));
        task_rows_ = std::min(rows_at_once_, kMostRows), task_columns_ = std::min(round_up(g.N, kLines), kMostColumns);
        const auto starving = [&] { return ceil_div(rows_at_once_, task_rows_) * ceil_div(g.N, task_columns_) < 2 * threads; };
        const auto halved = [](int64_t n) { return round_up(n / 2, kLines); };
        while (starving() && task_columns_ > 192) task_columns_ = halved(task_columns_);
        while (starving() && task_rows_ > 256) task_rows_ = halved(task_rows_);
        while (starving() && task_columns_ > 64) task_columns_ = halved(task_columns_);
        while (starving() && task_rows_ > kLines) task_rows_ = halved(task_rows_);
        const int64_t blocks = std::max<int64_t>(1, ceil_div(g.K, kMostK));
        block_k_ = std::max(kStep, round_up(ceil_div(g.K, blocks), kStep));
        piece_k_ = round_up(ceil_div(block_k_, ceil_div(block_k_, kPiece)), kStep);
        sum_rows_ = blocks > 1 ? task_rows_ : kLines;
        // rows 2 KiB apart share two of L1's 64 sets, or one: a strip of them would not stay. A step beyond k would read what is not A's.
        in_place_ = !g.ta && g.K % kStep == 0 && g.K % 1024 != 0;
    }
    int64_t block_pairs() const { return block_k_ / 2 * task_columns_; }
    int64_t own_pairs() const { return block_pairs() + steps(piece_k_) * kStepPairs + sum_rows_ * task_columns_; }   // of each thread: block, copy of a strip, sums

    // C[first : first + rows]. Called by every thread of the team.
    void multiply_rows(int64_t first, int64_t rows, Pair* own) {
        if (g.ta) {
            #pragma omp for schedule(static)
            for (int64_t i = 0; i < rows; i += kGroup * kLines)
                pack_transposed_strips(a_pack_ + i * steps(g.K) * kDepth, g.a + first + i, g.M, g.K, std::min(kGroup * kLines, rows - i));
        }
        #pragma omp for collapse(2) schedule(dynamic) nowait
        for (int64_t j = 0; j < g.N; j += task_columns_)
            for (int64_t i = 0; i < rows; i += task_rows_) task(first, i, std::min(task_rows_, rows - i), j, std::min(task_columns_, g.N - j), own);
        if (g.ta && first + rows < g.M) {
            #pragma omp barrier  // the strips are about to be overwritten
        }
    }

    // C[first + i : + rows, j : j + columns].
    PAIRS_TARGET void task(int64_t first, int64_t i, int64_t rows, int64_t j, int64_t columns, Pair* block) const {
        Pair* const copy = block + block_pairs();
        float* const sums = reinterpret_cast<float*>(copy + steps(piece_k_) * kStepPairs);
        const int64_t panels = ceil_div(columns, kLines), ld = panels * kLines;
        begin();
        for (int64_t k0 = 0; k0 == 0 || k0 < g.K; k0 += block_k_) {                   // once also for K = 0: then C is the bias, or zero
            const int64_t k = std::min(block_k_, g.K - k0), all = steps(k);
            pack_block(block, g.b + (g.tb ? j * g.K + k0 : k0 * g.N + j), g.tb ? g.K : g.N, g.tb, k, columns);
            const int64_t lines = ceil_div(kLines, panels);                          // a strip has 32 lines a step, which are asked for while its forerunner passes the panels
            for (int64_t r = i; r < i + rows; r += kLines) {
                const int64_t row = first + r, own_rows = std::min(kLines, i + rows - r);
                float* const sum = sums + (sum_rows_ > kLines ? (r - i) * ld : 0);
                AheadRows next;
                if (r + kLines < i + rows) next = strip_ahead(row + kLines, r + kLines, k0, k);
                for (int64_t p = 0; p == 0 || p < k; p += piece_k_) {
                    const int64_t numbers = std::min(piece_k_, k - p), count = steps(numbers);
                    const Pair* a = copy;
                    int64_t a_row = kDepth, a_step = kStepPairs;
                    if (g.ta) a = a_pack_ + r * steps(g.K) * kDepth + (k0 + p) / kStep * kStepPairs;
                    else if (in_place_ && own_rows == kLines) a = reinterpret_cast<const Pair*>(g.a + row * g.K + k0 + p), a_row = g.K / 2, a_step = kDepth;
                    else
                        for (int64_t s = 0; s < count; s++) copy_step(copy + s * kStepPairs, g.a + row * g.K + k0 + p + s * kStep, g.K, own_rows, numbers - s * kStep);
                    for (int64_t q = 0; q < panels; q++)
                        multiply_block(sum + q * kLines, ld, k0 + p > 0, a, a_row, a_step, block + (q * all + p / kStep) * kStepPairs, count, next, lines);
                }
                if (k0 + k >= g.K) g.finish(row, own_rows, j, columns, sum, ld);
            }
        }
        end();
    }
    // What the strip at `row` of A (r: of what is packed) reads in a block of k.
    AheadRows strip_ahead(int64_t row, int64_t r, int64_t k0, int64_t k) const {
        if (g.ta) return {reinterpret_cast<const char*>(a_pack_ + r * steps(g.K) * kDepth + k0 / kStep * kStepPairs), steps(k) * kStepPairs * int64_t(sizeof(Pair)), 0, 1};
        return {reinterpret_cast<const char*>(g.a + row * g.K + k0), k * int64_t(sizeof(bf16)), g.K * int64_t(sizeof(bf16)), std::min(kLines, g.M - row)};
    }

    const Gemm<TC, bf16> g;
    int64_t rows_at_once_ = 0, task_rows_ = 0, task_columns_ = 0, sum_rows_ = 0;   // multiples of 32
    int64_t block_k_ = 0, piece_k_ = 0;
    bool in_place_ = false;                                                        // strips are read where they lie
    Pair* a_pack_ = nullptr;                                                       // strips of a transposed A
};

}  // namespace amx
#endif
