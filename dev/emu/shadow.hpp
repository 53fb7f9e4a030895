// dev/emu/shadow.hpp -- the detector: it sees each load and store of a kernel, and knows who touched the same bytes before.
//
// g++ -fsanitize=thread puts a call before each load and store (__tsan_read4(p), ...). Usually ThreadSanitizer answers; here we do, because
// we know what the threads of a GPU may and may not do. (So: compile the kernels with -fsanitize=thread, link without it.)
// Each two bytes of device and shared memory have a Cell: the stamp of the last write and of two reads since. A stamp says which launch,
// block and thread it was, and how many barriers the thread had passed. Two accesses of the same bytes, one of them a write, by
//   the same thread                                  are in order;
//   threads of one warp                              are in order if a __syncwarp or a __syncthreads lies between them;
//   threads of one block                             are in order if a __syncthreads lies between them;
//   threads of different blocks of one launch        are never in order.
// What is not in order is a race, reported the first time it can happen, in any schedule, even where the values come out right.
// Also reported: bytes outside of every allocation or shared array, shared memory that was not written by the block that reads it, device
// memory that nobody has written (never stamped, and still 0xFF), and bytes of an asynchronous copy that has not been waited for.
// Does not see: races inside one byte pair by single-byte accesses, between launches of different streams, and memcpy and memset as library
// calls inside a kernel. Two atomics never race; a pattern "last block reads what others wrote, after an atomic counter" is reported.
#pragma once

#include "block.hpp"

namespace emu {

// 20 bytes. launch 0: never.
struct Stamp {
    uint32_t launch, block, block_epoch;
    uint32_t thread : 10, async : 1, atomic : 1, warp_epoch : 20;
    uint32_t code;                    // the instruction, as an offset in the program
};
struct alignas(64) Cell {
    Stamp write, read, other_read;    // other_read: of another warp than read, if there was one
};

struct Shadow {
    bool instrumented = false, on = true;
    Cell* cells = nullptr;            // of the whole region; the system gives it pages where they are touched
    uintptr_t code_begin = 0;
    static Shadow& get() {
        static constinit Shadow shadow;
        return shadow;
    }
    void begin() {
        const size_t bytes = kRegionBytes / 2 * sizeof(Cell);
        void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) throw system_error("emulator: no addresses for the detector", "compile without -fsanitize=thread");
        code_begin = load_address();
        cells = static_cast<Cell*>(p);
    }
    Cell* cell(const void* p) const { return cells + (uintptr_t(p) - region_begin.load(std::memory_order_relaxed)) / 2; }
};

bool has_detector() { return Shadow::get().instrumented; }
bool set_detector(bool on) { return std::exchange(Shadow::get().on, on); }
void drop_shadow(void* p, size_t bytes) {
    if (Shadow::get().cells) madvise(Shadow::get().cell(p), bytes / 2 * sizeof(Cell), MADV_DONTNEED);
}

// Could the access with stamp `now` happen at the same time as the one with stamp `before`?
inline bool races(const Stamp& before, const Stamp& now) {
    if (before.launch != now.launch || (before.atomic && now.atomic)) return false;
    if (before.block != now.block) return true;
    if (before.thread == now.thread || before.block_epoch != now.block_epoch) return false;
    return before.thread / 32 != now.thread / 32 || before.warp_epoch == now.warp_epoch;
}

inline bool same_moment(const Stamp& a, const Stamp& b) {
    return a.launch == b.launch && a.block == b.block && a.block_epoch == b.block_epoch && a.thread == b.thread && a.warp_epoch == b.warp_epoch;
}

inline std::string code_text(const Stamp& s) {
    return describe_code(reinterpret_cast<const void*>(Shadow::get().code_begin + s.code - 1), true);   // inside the call
}
// Not by exception: the compiler takes it that the functions at the end of this file do not throw.
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_at(const Stamp& now, const std::string& what) {
    note_failure(cat(code_text(now), ": ", what));
    leave_block();
}
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_race(const void* p, const Stamp& before, const char* did, const Stamp& now,
                                                              const char* does) {
    const dim3 n = core->block.launch->block;
    const unsigned t = before.thread;
    std::string other = cat("thread ", text(dim3(t % n.x, t / n.x % n.y, t / n.x / n.y)));
    if (before.block != now.block) {
        const dim3 g = core->block.launch->grid;
        other += cat(" of block ", text(dim3(before.block % g.x, before.block / g.x % g.y, before.block / g.x / g.y)));
    }
    fail_at(now, cat("race: ", does, " ", describe_address(p), ", which ", other, " ", did, " at ", code_text(before), ", ",
                     before.block != now.block ? "and nothing orders two blocks" : "with no barrier in between"));
}

// One access of a kernel's thread to [p, p + bytes), from the instruction before `code`.
inline void record(const void* p, size_t bytes, Access kind, const void* code) {
    Shadow& shadow = Shadow::get();
    if (!shadow.cells) shadow.begin();
    const Block& b = core->block;
    const Thread& t = *current;
    const Stamp now{b.launch_number, uint32_t(b.number), b.epoch, unsigned(t.number), kind == Access::async_begin, kind == Access::atomic,
                    t.warp->epoch & 0xFFFFF, uint32_t(uintptr_t(code) - shadow.code_begin)};
    const char* const c = static_cast<const char*>(p);
    const SharedArray* const a = shared_around(p);
    if (a ? c < a->begin || c + bytes > a->begin + a->bytes : !Memory::get().contains(p, bytes))
        fail_at(now, cat("out of bounds: ", kind == Access::read ? "reads " : "writes ", bytes, " bytes, beginning at ", describe_address(p)));
    const bool alone = bytes == 1;    // a cell has two bytes: a neighbour's is no race
    Cell* const first = shadow.cell(p);
    Cell* const end = shadow.cell(c + bytes - 1) + 1;
    for (Cell* cell = first; cell != end; cell++) {
        Stamp& w = cell->write;
        if (kind == Access::read && same_moment(cell->read, now) && !w.async) continue;   // it has read it just before: nothing new
        const bool written = w.launch == now.launch && w.block == now.block;
        if (written && w.async && kind != Access::async_end)
            fail_at(now, cat("touches ", describe_address(p), ", whose asynchronous copy was not waited for"));
        if (!alone && (a ? written : true) && races(w, now)) fail_race(p, w, "wrote", now, kind == Access::read ? "reads" : "writes");
        if (kind == Access::read) {
            const char* const two = c - uintptr_t(c) % 2 + 2 * (cell - first);
            if (!a && w.launch == 0 && two >= c && two + 2 <= c + bytes && two[0] == char(0xFF) && two[1] == char(0xFF))
                fail_at(now, cat("reads ", describe_address(two), ", which nobody has written (uninitialised device memory)"));
            if (a && !written && std::all_of(c, c + bytes, [](char x) { return x == char(0xFF); }))
                fail_at(now, cat("reads ", describe_address(p),
                                 ", which the block has not written yet (uninitialised shared memory, or a barrier is missing)"));
            const Stamp &r = cell->read, &o = cell->other_read;
            const bool other_warp = r.launch == now.launch && r.block == now.block && r.thread / 32 != now.thread / 32;
            if (other_warp || o.block_epoch != now.block_epoch || o.launch != now.launch) cell->other_read = r;
            cell->read = now;
            continue;
        }
        for (const Stamp* r : {&cell->read, &cell->other_read})
            if (!alone && (!a || r->block == now.block) && races(*r, now)) fail_race(p, *r, "read", now, "writes");
        w = now;
    }
}
// From the words of the emulator, where the bounds have been checked already.
void record_if_on(const void* p, size_t bytes, Access kind, const void* code) {
    if (Shadow::get().instrumented && Shadow::get().on && in_region(p)) record(p, bytes, kind, code);
}
void host_has_written(const void* p, size_t bytes) {
    Shadow& shadow = Shadow::get();
    if (!shadow.instrumented) return;
    if (!shadow.cells) shadow.begin();
    const char* c = static_cast<const char*>(p);
    for (const char* two = c - uintptr_t(c) % 2; two < c + bytes; two += 2)
        if (two[0] == char(0xFF) || two[1] == char(0xFF)) shadow.cell(two)->write.launch = ~0u;   // a launch that never was
}

}  // namespace emu

// ---- what instrumented code calls

#define EMU_HERE __builtin_return_address(0)
[[gnu::always_inline]] static inline void seen(const void* p, size_t bytes, emu::Access kind, const void* code) {
    if (emu::in_region(p) && emu::current && emu::Shadow::get().on) emu::record(p, bytes, kind, code);
}
extern "C" {
void __tsan_init() { emu::Shadow::get().instrumented = true; }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* p, size_t n) { seen(p, n, emu::Access::read, EMU_HERE); }
void __tsan_write_range(void* p, size_t n) { seen(p, n, emu::Access::write, EMU_HERE); }
#define EMU_PLAIN(n)                                                                           \
    void __tsan_read##n(void* p) { seen(p, n, emu::Access::read, EMU_HERE); }                  \
    void __tsan_write##n(void* p) { seen(p, n, emu::Access::write, EMU_HERE); }                \
    void __tsan_unaligned_read##n(void* p) { seen(p, n, emu::Access::read, EMU_HERE); }        \
    void __tsan_unaligned_write##n(void* p) { seen(p, n, emu::Access::write, EMU_HERE); }      \
    void __tsan_volatile_read##n(void* p) { seen(p, n, emu::Access::read, EMU_HERE); }         \
    void __tsan_volatile_write##n(void* p) { seen(p, n, emu::Access::write, EMU_HERE); }
EMU_PLAIN(1) EMU_PLAIN(2) EMU_PLAIN(4) EMU_PLAIN(8) EMU_PLAIN(16)
#define EMU_FETCH(bits, T, op)                                             \
    T __tsan_atomic##bits##_fetch_##op(T* p, T x, int) {                   \
        seen(p, sizeof(T), emu::Access::atomic, EMU_HERE);                 \
        return __atomic_fetch_##op(p, x, __ATOMIC_SEQ_CST);                \
    }
#define EMU_COMPARE(bits, T, strength, weak)                                                                       \
    int __tsan_atomic##bits##_compare_exchange_##strength(T* p, T* expected, T x, int, int) {                      \
        seen(p, sizeof(T), emu::Access::atomic, EMU_HERE);                                                         \
        return __atomic_compare_exchange_n(p, expected, x, weak, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);              \
    }
#define EMU_ATOMIC(bits, T)                                                                                        \
    T __tsan_atomic##bits##_load(const T* p, int) {                                                                \
        seen(p, sizeof(T), emu::Access::atomic, EMU_HERE);                                                         \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                               \
    }                                                                                                              \
    void __tsan_atomic##bits##_store(T* p, T x, int) {                                                             \
        seen(p, sizeof(T), emu::Access::atomic, EMU_HERE);                                                         \
        __atomic_store_n(p, x, __ATOMIC_SEQ_CST);                                                                  \
    }                                                                                                              \
    T __tsan_atomic##bits##_exchange(T* p, T x, int) {                                                             \
        seen(p, sizeof(T), emu::Access::atomic, EMU_HERE);                                                         \
        return __atomic_exchange_n(p, x, __ATOMIC_SEQ_CST);                                                        \
    }                                                                                                              \
    EMU_FETCH(bits, T, add) EMU_FETCH(bits, T, sub) EMU_FETCH(bits, T, and) EMU_FETCH(bits, T, or)                 \
    EMU_FETCH(bits, T, xor) EMU_FETCH(bits, T, nand)                                                               \
    EMU_COMPARE(bits, T, strong, false) EMU_COMPARE(bits, T, weak, true)                                           \
    T __tsan_atomic##bits##_compare_exchange_val(T* p, T expected, T x, int, int) {                                \
        seen(p, sizeof(T), emu::Access::atomic, EMU_HERE);                                                         \
        __atomic_compare_exchange_n(p, &expected, x, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
        return expected;                                                                                           \
    }
EMU_ATOMIC(8, uint8_t) EMU_ATOMIC(16, uint16_t) EMU_ATOMIC(32, uint32_t) EMU_ATOMIC(64, uint64_t)
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}
}
