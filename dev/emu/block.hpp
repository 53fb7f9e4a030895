// dev/emu/block.hpp -- one core plays one block: who runs next, who waits for whom, and what the block shares.
//
// A core takes the CUDA threads of its block one after another. A thread runs until it ends or waits; then pick() names the next
// one in the order of the schedule, and the core jumps to it. A thread that ends without having waited leaves its stack to the
// next one: a kernel without barriers needs one stack and no jump at all.
// Turns: a warp's lanes run one after another up to a meeting (a warp operation or a barrier); then the schedule chooses a warp.
// Nobody can run while threads are left: they wait for each other at different places. That is an error, and so are the cases that
// would end there (a lane that has returned, or that waits elsewhere), which are recognised as soon as they happen.
// fail() notes the message and the block is left for good; its stacks are begun anew for the next one.
#pragma once

#include <algorithm>
#include <memory>

#include "memory.hpp"

namespace emu {

constexpr size_t kMaxSharedBytes = 163 * 1024, kMaxStaticSharedBytes = 48 * 1024;   // of an sm_80
constexpr size_t kCanaryBytes = 64;                                                // before each shared array
constexpr unsigned char kCanary = 0xA5;
constexpr uint32_t kAllLanes = 0xFFFFFFFFu;

struct AsyncCopies {
    struct Copy {
        void* shared;
        const void* from;             // null: zeros
        int group;
        Where where;
    };
    std::vector<Copy> under_way;      // oldest first
    int group = 0;                    // the one that is being filled
    std::vector<Product> products;    // oldest first
    int product_group = 0;
    void forget() { under_way.clear(), group = 0, products.clear(), product_group = 0; }
};

struct Warp {
    Thread* threads;                  // its lanes
    uint32_t exist, alive;            // masks of lanes: inside the block, not yet returned
    uint32_t ready;                   // can run in this turn
    uint32_t met, at_barrier;         // wait at the meeting, in __syncthreads
    void (*compute)(void* const*);    // what the meeting computes
    const char* operation;            // what they meet for, and where the first of them came from
    Where where;
    unsigned first_lane;              // random schedules: the turn begins with this lane
    uint32_t epoch;                   // how many __syncwarp it has passed (shadow.hpp)
    void* payloads[32];
};

struct SharedArray {
    const void* site;                 // null: the dynamic shared memory
    const char* name;
    char* begin;
    size_t bytes;
};

struct Block {
    const Launch* launch = nullptr;
    Geometry geometry{};
    uint64_t number = 0;
    uint32_t launch_number = 0;       // of the program, from 1 (shadow.hpp)
    int num_threads = 0, num_warps = 0, alive = 0, waiting = 0;   // waiting: at the block barrier
    uint32_t ready_warps = 0;
    int turn = 0;                     // whose turn it is
    bool turn_over = true;
    Where barrier;                    // where the first thread waits
    uint32_t epoch = 0;               // how many __syncthreads it has passed (shadow.hpp)
    int num_arrays = 0;
    size_t shared_bytes = 0, static_bytes = 0;
    SharedArray arrays[kSharedSlots];
    uint8_t rank[32];                 // greedy: the warps, first choice first
    Warp warps[32];
    Thread threads[1024];
};

struct Order {
    Schedule kind = Schedule::forward;
    uint64_t seed = 0;
};

// Everything that one core (an operating system thread) needs to play blocks. Cores are made once and reused.
struct Core {
    int index = 0;
    char* shared = nullptr;           // kSharedSlots pieces, each followed by a guard page
    Block block;
    Fiber here;                       // the core's own stack, from which it starts a block
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::vector<Fiber*> free_fibers;
    std::vector<std::unique_ptr<AsyncCopies>> copies;
    Order order;
    uint64_t random = 0;
    std::string failure;              // why the block was left
    bool failed = false;

    uint64_t next_random() {          // splitmix64
        uint64_t z = (random += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
};
inline constinit thread_local Core* core = nullptr;
void fiber_main();
// shadow.hpp: the detector's note of an access, if the kernels are compiled for it
enum class Access { read, write, atomic, async_begin, async_end };
void record_if_on(const void* p, size_t bytes, Access kind, const void* code);

// ---- messages

inline std::string place(const Where& where) { return cat(where.file_name(), ":", where.line()); }
template <typename Triple>            // uint3 or dim3
std::string text(const Triple& i) { return cat("(", i.x, ",", i.y, ",", i.z, ")"); }

// "kernel f<float>, block (0,0,0), thread (5,0,0)"
inline std::string who() {
    const std::string kernel = describe_code(core->block.launch->kernel, false);
    return cat("kernel ", kernel, ", block ", text(current->geometry->block_index), ", thread ", text(current->index));
}
inline void note_failure(const std::string& message) {
    core->failure = cat("emulator: ", who(), ": ", message);
    core->failed = true;
}
// Back to play_block, without the fiber that runs now: nobody comes back to its stack.
[[noreturn]] inline void leave_block() {
    current = nullptr;
    static thread_local Fiber dropped;
    switch_fiber(dropped, core->here);
    __builtin_unreachable();
}
struct Failed {};
// The exception unwinds the stack of the failing thread, down to fiber_main, which leaves the block.
[[noreturn]] inline void fail(const Where& where, const std::string& message) {
    note_failure(cat(place(where), ": ", message));
    throw Failed{};
}
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_outside(const char* word, const Where& where) {
    throw Error(cat(place(where), ": emulator: ", word, " is called outside of a kernel"));
}
inline void require_kernel(const char* word, const Where& where) {
    if (!current) fail_outside(word, where);
}
// Where each thread that is left waits, one line per place, at most six.
inline std::string waiting_list(const Block& b) {
    std::vector<std::pair<std::string, std::pair<int, const Thread*>>> places;
    for (int i = 0; i < b.num_threads; i++) {
        const Thread& t = b.threads[i];
        const Warp& w = *t.warp;
        const std::string p = !(w.alive >> t.lane & 1)      ? "have returned"
                              : w.at_barrier >> t.lane & 1 ? "wait in __syncthreads at " + place(t.where)
                              : w.met >> t.lane & 1        ? cat("wait in ", w.operation, " at ", place(t.where))
                                                           : "are on their way";
        auto found = std::find_if(places.begin(), places.end(), [&](const auto& x) { return x.first == p; });
        if (found == places.end()) places.push_back({p, {1, &t}});
        else found->second.first++;
    }
    std::string s;
    for (size_t i = 0; i < places.size() && i < 6; i++)
        s += cat(i ? "; " : "", places[i].second.first, " threads (first ", text(places[i].second.second->index), ") ", places[i].first);
    return s;
}

// ---- the schedule

// The warp that has the next turn, among those that can run.
inline int choose_warp(Block& b) {
    const uint32_t ready = b.ready_warps;
    switch (core->order.kind) {
        case Schedule::forward: return __builtin_ctz(ready);
        case Schedule::reverse: return 31 - __builtin_clz(ready);
        case Schedule::random: {
            uint32_t rest = ready;
            for (int skip = int(core->next_random() % unsigned(__builtin_popcount(ready))); skip > 0; skip--) rest &= rest - 1;
            return __builtin_ctz(rest);
        }
        case Schedule::greedy:
            for (int i = 0; i < b.num_warps; i++)
                if (ready >> b.rank[i] & 1) return b.rank[i];
    }
    __builtin_unreachable();
}

// The thread that runs next; null if none can. It is then no longer ready.
inline Thread* pick() {
    Block& b = core->block;
    if (b.turn_over || !b.warps[b.turn].ready) {
        if (!b.ready_warps) return nullptr;
        b.turn = choose_warp(b);
        b.turn_over = false;
        if (core->order.kind >= Schedule::random) b.warps[b.turn].first_lane = unsigned(core->next_random() >> 59);
    }
    Warp& w = b.warps[b.turn];
    int lane;
    if (core->order.kind == Schedule::forward) {
        lane = __builtin_ctz(w.ready);
    } else if (core->order.kind == Schedule::reverse) {
        lane = 31 - __builtin_clz(w.ready);
    } else {                          // from first_lane upwards, or downwards where it is odd
        const unsigned r = w.first_lane;
        const uint32_t turned = r ? w.ready >> r | w.ready << (32 - r) : w.ready;
        lane = int(((r % 2 ? 31 - unsigned(__builtin_clz(turned)) : unsigned(__builtin_ctz(turned))) + r) % 32);
    }
    w.ready &= ~(1u << lane);
    if (!w.ready) b.ready_warps &= ~(1u << b.turn);
    return &w.threads[lane];
}

[[gnu::noinline]] inline void add_fiber() {
    core->fibers.push_back(std::make_unique<Fiber>());
    core->fibers.back()->prepare(fiber_main);
    core->free_fibers.push_back(core->fibers.back().get());
}
inline Fiber* free_fiber() {
    if (core->free_fibers.empty()) add_fiber();
    Fiber* f = core->free_fibers.back();
    core->free_fibers.pop_back();
    return f;
}

// Leave the fiber `from` and let thread t go on, on its own stack or, if this is its beginning, on a free one.
inline void go_on_with(Thread* t, Fiber& from) {
    if (!t->fiber) {
        t->fiber = free_fiber();
        t->fiber->thread = t;
    }
    current = t;
    switch_fiber(from, *t->fiber);
}

[[noreturn, gnu::noinline, gnu::cold]] inline void fail_suspend(const Where& where) {
    fail(where, cat("the threads of the block wait for each other: ", waiting_list(core->block)));
}
// The thread `current` waits: others run until somebody has made it ready again and its turn comes.
inline void suspend(const Where& where) {
    Thread* const me = current;
    Thread* const next = pick();
    if (next == me) return;
    if (!next) fail_suspend(where);
    go_on_with(next, *me->fiber);
}

[[noreturn, gnu::noinline, gnu::cold]] inline void fail_return(const Thread& t) {
    const Block& b = core->block;
    Warp& w = *t.warp;
    w.alive &= ~(1u << t.lane);
    if (w.met) fail(w.where, cat("lane ", __builtin_ctz(w.met), " of the warp waits in ", w.operation, " here, but this thread has returned"));
    if (b.waiting) fail(b.barrier, cat("barrier divergence: this thread has returned; ", waiting_list(b)));
    if (t.copies->under_way.empty()) fail(t.copies->products[0].where, "this product was not waited for before the thread returned");
    fail(t.copies->under_way[0].where, "this asynchronous copy was not waited for before the thread returned");
}

// What each fiber does for ever: play a thread to its end, then take over the next one that has no stack yet.
void fiber_main() {
    arrived(*current->fiber, &core->here);
    Fiber& me = *current->fiber;
    for (;;) {
        Thread& t = *current;
        Block& b = core->block;
        try {
            b.launch->run();
            if (t.warp->met || b.waiting || (t.copies && !(t.copies->under_way.empty() && t.copies->products.empty()))) fail_return(t);
        } catch (const Failed&) {
        } catch (const std::exception& e) {
            note_failure(cat("exception: ", e.what()));
        }
        if (core->failed) leave_block();
        t.warp->alive &= ~(1u << t.lane);
        t.fiber = nullptr;
        b.alive--;
        Thread* const next = pick();
        if (next && !next->fiber) {
            next->fiber = &me;
            me.thread = next;
            current = next;
            continue;
        }
        if (!next && b.alive) {
            note_failure(cat("the threads of the block wait for each other: ", waiting_list(b)));
            leave_block();
        }
        core->free_fibers.push_back(&me);
        if (next) {
            go_on_with(next, me);
        } else {
            current = nullptr;
            switch_fiber(me, core->here);
        }
    }
}

// ---- meetings and barriers

// Why a thread can't join this meeting. (Apart, so that the frame of meet stays small: thousands of them lie on the stacks.)
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_meeting(const char* operation, const Where& where) {
    require_kernel(operation, where);
    const Thread& t = *current;
    const Warp& w = *t.warp;
    const std::string elsewhere = cat("the lanes of a warp are at different places: this one in ", operation, ", lane ");
    if (w.exist != kAllLanes)
        fail(where, cat(operation, " needs 32 lanes, but this warp has ", __builtin_popcount(w.exist),
                        " threads: the block size is no multiple of 32"));
    if (w.alive != w.exist)
        fail(where, cat(operation, " needs all lanes, but lane ", __builtin_ctz(w.exist & ~w.alive), " of this warp has returned"));
    if (w.met) fail(where, cat(elsewhere, __builtin_ctz(w.met), " in ", w.operation, " at ", place(w.where)));
    const int l = __builtin_ctz(w.at_barrier);
    fail(where, cat(elsewhere, l, " in __syncthreads at ", place(w.threads[l].where)));
}
inline bool same_place(const Where& a, const Where& b) { return a.line() == b.line() && a.column() == b.column(); }

void meet(const char* operation, void* payload, void (*compute)(void* const*), const Where& where) {
    if (!current) fail_meeting(operation, where);
    Thread& t = *current;
    Warp& w = *t.warp;
    t.where = where;
    if ((compute && w.exist != kAllLanes) || w.alive != w.exist || w.at_barrier) fail_meeting(operation, where);
    if (!w.met) {
        w.operation = operation;
        w.where = where;
    } else if (!same_place(w.where, where) || w.compute != compute) {
        fail_meeting(operation, where);
    }
    w.compute = compute;
    w.payloads[t.lane] = payload;
    w.met |= 1u << t.lane;
    if (w.met == w.exist) {
        if (compute) compute(w.payloads);
        else w.epoch++;
        w.met = 0;
        w.ready = w.exist;
        core->block.ready_warps |= 1u << (&w - core->block.warps);
        core->block.turn_over = true;
    }
    suspend(where);
}
void warp_barrier(const Where& where) { meet("__syncwarp", nullptr, nullptr, where); }

[[noreturn, gnu::noinline, gnu::cold]] inline void fail_barrier(const Where& where) {
    require_kernel("__syncthreads", where);
    const Block& b = core->block;
    const Warp& w = *current->warp;
    if (b.alive != b.num_threads) fail(where, cat("barrier divergence: this thread is in __syncthreads; ", waiting_list(b)));
    if (w.met)
        fail(where, cat("the lanes of a warp are at different places: this one in __syncthreads, lane ", __builtin_ctz(w.met), " in ",
                        w.operation, " at ", place(w.where)));
    fail(where, cat("barrier divergence: this thread is in __syncthreads here, others at ", place(b.barrier)));
}
void block_barrier(const Where& where) {
    if (!current) fail_barrier(where);
    Thread& t = *current;
    Block& b = core->block;
    t.where = where;
    if (b.alive != b.num_threads || t.warp->met) fail_barrier(where);
    if (!b.waiting) b.barrier = where;
    else if (!same_place(b.barrier, where)) fail_barrier(where);
    t.warp->at_barrier |= 1u << t.lane;
    if (++b.waiting == b.num_threads) {
        b.waiting = 0;
        b.epoch++;
        for (int i = 0; i < b.num_warps; i++) b.warps[i].ready = b.warps[i].exist, b.warps[i].at_barrier = 0;
        b.ready_warps = b.num_warps == 32 ? kAllLanes : (1u << b.num_warps) - 1;
        b.turn_over = true;
    }
    suspend(where);
}

// ---- shared memory

inline char* slot_end(int slot) { return core->shared + size_t(slot + 1) * (kSharedSlotBytes + kPage) - kPage; }

// The array that the pages around p belong to; null: none of this block's.
inline const SharedArray* shared_around(const void* p) {
    if (!core || !core->shared) return nullptr;
    const size_t offset = uintptr_t(p) - uintptr_t(core->shared);
    if (offset >= kSharedCoreBytes) return nullptr;
    const size_t slot = offset / (kSharedSlotBytes + kPage);
    return slot < size_t(core->block.num_arrays) ? &core->block.arrays[slot] : nullptr;
}

[[gnu::noinline]] inline SharedArray& new_shared_array(const void* site, const char* name, size_t bytes, const Where& where) {
    Block& b = core->block;
    if (b.num_arrays == kSharedSlots) fail(where, cat("more than ", kSharedSlots, " shared arrays"));
    const size_t room = (bytes + 15) / 16 * 16;
    b.shared_bytes += room;
    if (site) b.static_bytes += room;
    if (b.static_bytes > kMaxStaticSharedBytes)
        fail(where, cat("too much shared memory: the shared arrays take ", b.static_bytes, " bytes, ", kMaxStaticSharedBytes,
                        " is the most; use DYNAMIC_SHARED"));
    if (b.shared_bytes > kMaxSharedBytes)
        fail(where, cat("too much shared memory: ", b.shared_bytes, " bytes, an sm_80 has ", kMaxSharedBytes, " for a block"));
    char* const begin = slot_end(b.num_arrays) - room;
    std::memset(begin - kCanaryBytes, kCanary, kCanaryBytes);
    std::memset(begin, 0xFF, room);
    b.arrays[b.num_arrays] = {site, name, begin, bytes};
    return b.arrays[b.num_arrays++];
}
inline SharedArray& shared_array_of(const void* site, const char* name, size_t bytes, const Where& where) {
    Block& b = core->block;
    for (int i = 0; i < b.num_arrays; i++)
        if (b.arrays[i].site == site) return b.arrays[i];
    return new_shared_array(site, name, bytes, where);
}
void* shared_array(const void* site, const char* name, size_t bytes, const Where& where) {
    require_kernel("SHARED_ARRAY", where);
    return shared_array_of(site, name, bytes, where).begin;
}
void* dynamic_shared(const Where& where) {
    require_kernel("DYNAMIC_SHARED", where);
    return shared_array_of(nullptr, "dynamic shared memory", core->block.launch->shared_bytes, where).begin;
}
// A write before an array's begin has changed the bytes there; one behind its end has met the guard page, unless it is within 16 bytes.
inline std::string broken_canary(const Block& b) {
    for (int i = 0; i < b.num_arrays; i++) {
        const SharedArray& a = b.arrays[i];
        for (size_t k = kCanaryBytes; k > 0; k--)
            if (static_cast<unsigned char>(a.begin[-int(k)]) != kCanary)
                return cat("somebody wrote ", k, " bytes before the begin of the shared array ", a.name);
        for (size_t k = a.bytes; k % 16; k++)
            if (static_cast<unsigned char>(a.begin[k]) != 0xFF)
                return cat("somebody wrote ", k - a.bytes, " bytes behind the end of the shared array ", a.name);
    }
    return "";
}

// ---- checked accesses

inline std::string describe_address(const void* p) {
    if (const SharedArray* a = shared_around(p)) {
        const char* c = static_cast<const char*>(p);
        const std::string array = cat("the shared array ", a->name, " of ", a->bytes, " bytes");
        if (c >= a->begin + a->bytes) return cat(c - (a->begin + a->bytes), " bytes behind the end of ", array);
        if (c < a->begin) return cat(a->begin - c, " bytes before the begin of ", array);
        return cat("byte ", c - a->begin, " of ", array);
    }
    if (core)
        for (const auto& f : core->fibers)
            if (f->owns(p)) return current && f.get() == current->fiber ? "a thread's own stack (an overflow?)" : "another thread's stack";
    return describe_allocation(p);
}
[[noreturn, gnu::noinline, gnu::cold]] inline void fail_alignment(const void* p, size_t bytes, const char* operation, const Where& where) {
    fail(where, cat(operation, ": misaligned address, no multiple of ", bytes, ": ", describe_address(p)));
}
static void require_shared(const void* p, size_t bytes, const char* operation, const Where& where) {
    require_kernel(operation, where);
    if (uintptr_t(p) % bytes) fail_alignment(p, bytes, operation, where);
    const SharedArray* a = shared_around(p);
    const char* c = static_cast<const char*>(p);
    if (!a || c < a->begin || c + bytes > a->begin + a->bytes)
        fail(where, cat(operation, ": not in shared memory: ", bytes, " bytes that begin at ", describe_address(p)));
}
void check_shared(const void* p, size_t bytes, const char* operation, const Where& where) {
    require_shared(p, bytes, operation, where);
    record_if_on(p, bytes, Access::read, __builtin_return_address(0));
}
static void require_access(const void* p, size_t bytes, bool is_write, const char* operation, const Where& where) {
    require_kernel(operation, where);
    if (uintptr_t(p) % bytes) fail_alignment(p, bytes, operation, where);
    const SharedArray* a = shared_around(p);
    const char* c = static_cast<const char*>(p);
    if (a ? c >= a->begin && c + bytes <= a->begin + a->bytes : Memory::get().contains(p, bytes)) return;
    if (!in_region(p) && !is_write && Memory::get().is_pinned(p)) return;
    if (core->fibers.size() && current->fiber->owns(p)) return;
    fail(where, cat(operation, ": out of bounds: ", bytes, " bytes that begin at ", describe_address(p)));
}
void check_access(const void* p, size_t bytes, bool is_write, const char* operation, const Where& where) {
    require_access(p, bytes, is_write, operation, where);
    record_if_on(p, bytes, is_write ? Access::write : Access::read, __builtin_return_address(0));
}

// ---- cp.async: its destination is 0xFF until it is waited for

void copy_async(void* shared, const void* from, bool valid, const Where& where) {
    require_shared(shared, 16, "async_copy16", where);
    record_if_on(shared, 16, Access::async_begin, __builtin_return_address(0));
    if (valid) {
        require_access(from, 16, false, "async_copy16", where);
        if (shared_around(from)) fail(where, "async_copy16: the source is in shared memory");
    }
    if (!current->copies) current->copies = core->copies[size_t(current->number)].get();
    std::memset(shared, 0xFF, 16);
    current->copies->under_way.push_back({shared, valid ? from : nullptr, current->copies->group, where});
}
void commit_async() {
    require_kernel("async_commit", Where::current());
    if (current->copies) current->copies->group++;
    else (current->copies = core->copies[size_t(current->number)].get())->group++;
}
void wait_async(int newest_under_way) {
    require_kernel("async_wait", Where::current());
    if (!current->copies) return;
    auto& c = *current->copies;
    size_t done = 0;
    for (; done < c.under_way.size() && c.under_way[done].group < c.group - newest_under_way; done++) {
        const auto& copy = c.under_way[done];
        record_if_on(copy.shared, 16, Access::async_end, __builtin_return_address(0));
        if (copy.from) record_if_on(copy.from, 16, Access::read, __builtin_return_address(0));
        if (copy.from) std::memcpy(copy.shared, copy.from, 16);
        else std::memset(copy.shared, 0, 16);
    }
    c.under_way.erase(c.under_way.begin(), c.under_way.begin() + int64_t(done));
}

// ---- products of a warpgroup: their results are NaN, and their tiles unread, until they are waited for

static AsyncCopies& copies_of_thread() {
    if (!current->copies) current->copies = core->copies[size_t(current->number)].get();
    return *current->copies;
}
void queue_product(Product product) {
    require_kernel("a product of a warpgroup", product.where);
    AsyncCopies& c = copies_of_thread();
    const bool first = std::none_of(c.products.begin(), c.products.end(), [&](const Product& p) { return p.d == product.d; });
    if (first) product.before.assign(product.d, product.d + product.numbers);
    std::memset(product.d, 0xFF, size_t(product.numbers) * sizeof(float));
    product.group = c.product_group;
    c.products.push_back(std::move(product));
}
void commit_products() { copies_of_thread().product_group++; }
void wait_products(int newest_under_way) {
    AsyncCopies& c = copies_of_thread();
    size_t done = 0;
    for (; done < c.products.size() && c.products[done].group < c.product_group - newest_under_way; done++) {
        const Product& p = c.products[done];
        if (!p.before.empty()) std::copy(p.before.begin(), p.before.end(), p.d);
        if (!p.add) std::fill(p.d, p.d + p.numbers, 0.0f);
        p.run(p);                     // other threads run meanwhile
    }
    c.products.erase(c.products.begin(), c.products.begin() + int64_t(done));
}

// ---- what the last lane of a meeting computes

void compute_ballot(void* const* payloads) {
    unsigned mask = 0;
    for (int l = 0; l < 32; l++) mask |= unsigned(static_cast<Ballot*>(payloads[l])->predicate) << l;
    for (int l = 0; l < 32; l++) static_cast<Ballot*>(payloads[l])->mask = mask;
}
// The fragments' layout: see mma_bf16 in kernels/cuda.hpp. Products of bf16 are exact in float; the sum runs over k in order.
void compute_mma(void* const* payloads) {
    auto lower = [](uint32_t x) { return __builtin_bit_cast(float, x << 16); };
    auto upper = [](uint32_t x) { return __builtin_bit_cast(float, x & 0xFFFF0000u); };
    float a[16][16], b[16][8], d[16][8];
    for (int l = 0; l < 32; l++) {
        const Mma& m = *static_cast<Mma*>(payloads[l]);
        const int g = l / 4, t = l % 4;
        for (int i = 0; i < 4; i++) {
            float* pair = &a[g + 8 * (i % 2)][2 * t + 8 * (i / 2)];
            pair[0] = lower(m.a[i]), pair[1] = upper(m.a[i]);
        }
        for (int i = 0; i < 2; i++) b[2 * t + 8 * i][g] = lower(m.b[i]), b[2 * t + 1 + 8 * i][g] = upper(m.b[i]);
        for (int i = 0; i < 4; i++) d[g + 8 * (i / 2)][2 * t + i % 2] = m.d[i];
    }
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < 8; j++) d[i][j] += a[i][k] * b[k][j];
    for (int l = 0; l < 32; l++) {
        Mma& m = *static_cast<Mma*>(payloads[l]);
        for (int i = 0; i < 4; i++) m.d[i] = d[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2];
    }
}
// Lane l receives of matrix m, whose row i is at the address that lane 8 m + i gave, row l / 4, columns 2 (l % 4) and the next.
void compute_load_matrices(void* const* payloads) {
    for (int l = 0; l < 32; l++)
        for (int m = 0; m < 4; m++) {
            const char* row = static_cast<const char*>(static_cast<LoadMatrices*>(payloads[8 * m + l / 4])->row);
            std::memcpy(&static_cast<LoadMatrices*>(payloads[l])->r[m], row + 4 * (l % 4), 4);
        }
}
// The same of the transposed matrix: rows 2 (l % 4) and the next, column l / 4.
void compute_load_matrices_transposed(void* const* payloads) {
    for (int l = 0; l < 32; l++)
        for (int m = 0; m < 4; m++) {
            uint16_t pair[2];
            for (int i = 0; i < 2; i++) {
                const char* row = static_cast<const char*>(static_cast<LoadMatrices*>(payloads[8 * m + 2 * (l % 4) + i])->row);
                std::memcpy(&pair[i], row + 2 * (l / 4), 2);
            }
            std::memcpy(&static_cast<LoadMatrices*>(payloads[l])->r[m], pair, 4);
        }
}

// ---- a whole block

inline void begin_block(Core& c, const Launch& launch, uint64_t number, uint32_t launch_number, Order order) {
    Block& b = c.block;
    c.order = order;
    c.random = order.seed * 0x9E3779B97F4A7C15u + number * 0xD1B54A32D192ED03u;
    b.launch = &launch;
    b.number = number;
    b.launch_number = launch_number;
    const dim3 n = launch.block, g = launch.grid;
    b.geometry = {{unsigned(number % g.x), unsigned(number / g.x % g.y), unsigned(number / g.x / g.y)}, n, g};
    b.num_threads = b.alive = int(n.x * n.y * n.z);
    b.num_warps = (b.num_threads + 31) / 32;
    b.waiting = b.num_arrays = 0;
    b.epoch = 0;
    b.shared_bytes = b.static_bytes = 0;
    b.turn = 0;
    b.turn_over = true;
    b.ready_warps = 0;
    for (int w = 0; w < b.num_warps; w++) {
        Warp& warp = b.warps[w];
        const int lanes = std::min(32, b.num_threads - 32 * w);
        warp.threads = &b.threads[32 * w];
        warp.exist = warp.alive = warp.ready = lanes == 32 ? kAllLanes : (1u << lanes) - 1;
        warp.met = warp.at_barrier = 0;
        warp.first_lane = 0;
        warp.epoch = 0;
        b.ready_warps |= 1u << w;
        b.rank[w] = uint8_t(w);
    }
    if (order.kind == Schedule::greedy)
        for (int w = b.num_warps - 1; w > 0; w--) std::swap(b.rank[w], b.rank[c.next_random() % unsigned(w + 1)]);
    while (c.copies.size() < size_t(b.num_threads)) c.copies.push_back(std::make_unique<AsyncCopies>());
    unsigned x = 0, y = 0, z = 0;
    for (int i = 0; i < b.num_threads; i++) {
        Thread& t = b.threads[i];
        t.index = {x, y, z};
        t.geometry = &b.geometry;
        t.warp = &b.warps[i / 32];
        t.block = &b;
        t.lane = i % 32;
        t.number = i;
        t.fiber = nullptr;
        if (t.copies) t.copies->forget();
        t.copies = nullptr;
        if (++x == n.x) x = 0, ++y == n.y ? (y = 0, z++) : 0;
    }
}

// Play one block from begin to end. False: it failed, and core->failure says why.
inline bool play_block(const Launch& launch, uint64_t number, uint32_t launch_number, Order order) {
    Core& c = *core;
    begin_block(c, launch, number, launch_number, order);
    go_on_with(pick(), c.here);
    if (!c.failed) {
        if (const std::string broken = broken_canary(c.block); !broken.empty()) {
            const std::string kernel = describe_code(launch.kernel, false);
            c.failure = cat("emulator: kernel ", kernel, ", block ", text(c.block.geometry.block_index), ": ", broken);
            c.failed = true;
        }
    }
    if (!c.failed) return true;
    c.failed = false;
    c.free_fibers.clear();
    for (auto& f : c.fibers) {
        f->prepare(fiber_main);
        c.free_fibers.push_back(f.get());
    }
    for (auto& copies : c.copies) copies->forget();
    return false;
}

// ---- SIGSEGV: somebody touched what he should not

inline void handle_fault(int signal, siginfo_t* info, void* context) {
    [[maybe_unused]] const void* pc = nullptr;
#if defined(__x86_64__)
    pc = reinterpret_cast<const void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
    pc = reinterpret_cast<const void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#endif
    const void* const p = info->si_addr;
    std::string message;
    if (current) {
        message = cat("emulator: ", who(), ": ", describe_code(pc, true), ": out of bounds: touches ", describe_address(p));
    } else if (in_region(p)) {
        const bool queued = Memory::get().is_open();   // then live allocations can be touched: this is none
        message = cat("emulator: ", queued ? "queued work (an emulated library?)" : "host code dereferences a device pointer", ": ",
                      describe_code(pc, true), " touches ", describe_address(p), queued ? "" : "; copy the data with cudaMemcpyAsync");
    } else {
        const struct sigaction& previous = Memory::get().previous_;
        if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
        ::signal(signal, SIG_DFL);    // the instruction is executed again, and ends the process as it would have without us
        return;
    }
    message += "\n";
    [[maybe_unused]] const auto written = ::write(2, message.data(), message.size());
    _exit(1);
}

}  // namespace emu
