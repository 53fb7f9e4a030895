// dev/emu/memory.hpp -- device memory: an arena that knows its allocations, and is shut while no queued work runs.
//
// One range of addresses is reserved at the start and never given back. Each cudaMalloc takes the next pages of it, a guard page before
// them, its end (rounded up to 256 bytes, as cudaMalloc aligns) against the next guard page, filled with 0xFF: NaN as float and bf16.
// Freed addresses are not used again until the arena is full, so that a pointer used after cudaFree meets nothing.
// Outside of queued work all pages are PROT_NONE: host code that dereferences a device pointer stops at once. The handler of SIGSEGV
// then says what the address is (device memory, a guard page, beyond a shared array, a stack) and who touched it.
// Shared memory of the cores lies in the same range, behind the arena (block.hpp).
#pragma once

#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "../../common.hpp"
#include "fiber.hpp"

namespace emu {

// ---- where in the program: file and line of a machine address (for messages only; addr2line comes with g++, and wants -g1 -gdwarf-4:
// version 2.40 takes the wrong file from DWARF 5)

inline uintptr_t load_address() {
    uintptr_t address = 0;
    dl_iterate_phdr([](dl_phdr_info* info, size_t, void* out) { return *static_cast<uintptr_t*>(out) = info->dlpi_addr, 1; }, &address);
    return address;
}
// The function at the address, demangled with its template arguments, and with `lines` the inlined call chain with files and lines.
inline std::string find_code(const void* address, bool lines) {
    char path[4096] = {};
    if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0) return strprintf("%p", address);
    const size_t offset = uintptr_t(address) - load_address();
    const std::string command = strprintf("addr2line -e '%s' -f -C -s %s 0x%zx 2>/dev/null", path, lines ? "-i" : "", offset);
    std::vector<std::string> answer;
    if (FILE* pipe = popen(command.c_str(), "r")) {
        char line[2048];
        while (std::fgets(line, sizeof(line), pipe)) answer.push_back(std::string(line).substr(0, std::strcspn(line, "\n")));
        pclose(pipe);
    }
    if (answer.empty() || answer[0] == "??") return strprintf("function at %p", address);
    // "void f<bf16>(float*)" -> "f<bf16>": what stands before the parameters, without the result type
    auto name = [](std::string s) {
        int depth = 0;
        size_t begin = 0, end = s.size();
        for (size_t i = 0; i < s.size(); i++) {
            if (s[i] == '<') depth++;
            if (s[i] == '>') depth--;
            if (s[i] == ' ' && depth == 0) begin = i + 1;
            if (s[i] == '(' && depth == 0) {
                end = i;
                break;
            }
        }
        return s.substr(begin, end - begin);
    };
    if (!lines) return name(answer[0]);
    std::string text;
    for (size_t i = 0; i + 1 < answer.size() && i < 8; i += 2) {
        if (answer[i + 1].starts_with("invoke.h") || answer[i + 1].starts_with("tuple") || name(answer[i]).starts_with("std::")) break;
        text += cat(i ? ", called at " : "", answer[i + 1].substr(0, answer[i + 1].find(" (disc")), " (", name(answer[i]), ")");
    }
    return text;
}

inline std::string describe_code(const void* address, bool lines) {
    static std::mutex mutex;
    static std::map<std::pair<const void*, bool>, std::string> known;
    const std::lock_guard lock(mutex);
    std::string& text = known[{address, lines}];
    return text.empty() ? text = find_code(address, lines) : text;
}

// ---- the arena

constexpr size_t kArenaBytes = size_t(32) << 30;
constexpr uint32_t kMaxAllocations = 1 << 22;
constexpr int kCores = 64, kSharedSlots = 24;
constexpr size_t kSharedSlotBytes = 256 * 1024;                    // one array each; more than the 163 KiB that a block can have
constexpr size_t kSharedCoreBytes = kSharedSlots * (kSharedSlotBytes + kPage);
constexpr size_t kRegionBytes = kArenaBytes + kCores * kSharedCoreBytes + kPage;

struct Allocation {
    char* begin;
    size_t bytes;
    char* pages;
    size_t page_bytes;
    int device;
    bool live;
};

// Where the reserved addresses begin; 0 before the first use. shadow.hpp compares each address of an instrumented access with it.
inline constinit std::atomic<uintptr_t> region_begin{0};
inline bool in_region(const void* p) { return uintptr_t(p) - region_begin.load(std::memory_order_relaxed) < kRegionBytes; }

inline std::string describe_address(const void* p);                // below
inline void handle_fault(int, siginfo_t*, void*);
void drop_shadow(void* p, size_t bytes);                           // shadow.hpp: the memory is free,
void host_has_written(const void* p, size_t bytes);                // or has been written by a copy

class Memory {
   public:
    static Memory& get() {
        static Memory* memory = new Memory;   // never destroyed: objects with static storage may free memory after us
        return *memory;
    }
    void* allocate(size_t bytes, int device) {
        const std::lock_guard lock(mutex_);
        if (bytes > limit_ || used_ > limit_ - bytes || count_ == kMaxAllocations) return nullptr;
        const size_t page_bytes = std::max(kPage, round_up(bytes, kPage));
        char* pages = take(page_bytes + kPage);
        if (!pages) return nullptr;
        pages += kPage;                        // the guard page before it
        const Allocation a{pages + page_bytes - round_up(bytes, 256), bytes, pages, page_bytes, device, true};
        protect(a, PROT_READ | PROT_WRITE);
        if (bytes <= (size_t(256) << 20)) std::memset(pages, 0xFF, page_bytes);   // larger ones would cost real memory
        if (open_ == 0) protect(a, PROT_NONE);
        allocations_[++count_] = a;
        for (size_t i = 0; i < page_bytes / kPage; i++) page_map_[page(pages) + i] = count_;
        live_[a.begin] = count_;
        used_ += bytes;
        return a.begin;
    }
    // False: p did not come from allocate, or was freed before.
    bool release(void* p) {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(static_cast<char*>(p));
        if (found == live_.end()) return false;
        Allocation& a = allocations_[found->second];
        a.live = false;
        used_ -= a.bytes;
        live_.erase(found);
        madvise(a.pages, a.page_bytes, MADV_DONTNEED);
        protect(a, PROT_NONE);
        drop_shadow(a.pages, a.page_bytes);
        free_[a.pages - kPage] = a.page_bytes + kPage;
        return true;
    }
    // The allocation, live or not, whose pages hold p; null: none.
    const Allocation* find(const void* p) const {
        if (uintptr_t(p) - uintptr_t(arena_) >= kArenaBytes) return nullptr;
        const uint32_t number = page_map_[page(p)];
        return number ? &allocations_[number] : nullptr;
    }
    bool contains(const void* p, size_t bytes) const {
        const Allocation* a = find(p);
        return a && a->live && p >= a->begin && static_cast<const char*>(p) + bytes <= a->begin + a->bytes;
    }
    bool in_arena(const void* p) const { return uintptr_t(p) - uintptr_t(arena_) < kArenaBytes; }
    // While somebody holds it open, device memory can be read and written.
    struct Open {
        Open() { get().open(); }
        ~Open() { get().close(); }
        Open(const Open&) = delete;
    };
    bool is_open() const { return open_ > 0; }
    char* shared_of_core(int core) const { return arena_ + kArenaBytes + size_t(core) * kSharedCoreBytes; }
    void set_limit(size_t bytes) { limit_ = bytes; }
    size_t limit() const { return limit_; }
    size_t used() const { return used_; }
    // pinned host memory: begin -> bytes
    void pin(void* p, size_t bytes) {
        const std::lock_guard lock(mutex_);
        pinned_[static_cast<char*>(p)] = bytes;
    }
    bool unpin(void* p) {
        const std::lock_guard lock(mutex_);
        return pinned_.erase(static_cast<char*>(p)) > 0;
    }
    bool is_pinned(const void* p) {
        const std::lock_guard lock(mutex_);
        auto after = pinned_.upper_bound(static_cast<char*>(const_cast<void*>(p)));
        if (after == pinned_.begin()) return false;
        --after;
        return static_cast<const char*>(p) < after->first + after->second;
    }

   private:
    Memory() {
        auto reserve = [](size_t bytes, int access) {
            void* p = mmap(nullptr, bytes, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED) throw system_error("emulator: no addresses for device memory", "is `ulimit -v` set?");
            return p;
        };
        arena_ = next_ = static_cast<char*>(reserve(kRegionBytes, PROT_NONE));
        page_map_ = static_cast<uint32_t*>(reserve(kArenaBytes / kPage * sizeof(uint32_t), PROT_READ | PROT_WRITE));
        allocations_ = static_cast<Allocation*>(reserve((kMaxAllocations + 1) * sizeof(Allocation), PROT_READ | PROT_WRITE));
        region_begin = uintptr_t(arena_);
        struct sigaction action {};
        action.sa_sigaction = handle_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(SIGSEGV, &action, &previous_);
        use_signal_stack();
    }
    size_t page(const void* p) const { return (uintptr_t(p) - uintptr_t(arena_)) / kPage; }
    static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }
    static void protect(const Allocation& a, int access) { mprotect(a.pages, a.page_bytes, access); }
    // Addresses that were never used, or (when there are none left) the first free ones that are long enough.
    char* take(size_t bytes) {
        if (size_t(arena_ + kArenaBytes - next_) >= bytes) return std::exchange(next_, next_ + bytes);
        for (auto it = free_.begin(); it != free_.end(); ++it) {
            for (auto next = std::next(it); next != free_.end() && it->first + it->second == next->first; next = free_.erase(next))
                it->second += next->second;
            if (it->second < bytes) continue;
            char* const p = it->first;
            const size_t rest = it->second - bytes;
            free_.erase(it);
            if (rest) free_[p + bytes] = rest;
            return p;
        }
        return nullptr;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        if (open_++ == 0)
            for (const auto& [p, i] : live_) protect(allocations_[i], PROT_READ | PROT_WRITE);
    }
    void close() {
        const std::lock_guard lock(mutex_);
        if (--open_ == 0)
            for (const auto& [p, i] : live_) protect(allocations_[i], PROT_NONE);
    }

   public:
    // The handler runs on a stack of its own, so that it can report the overflow of a fiber's.
    static void use_signal_stack() {
        static thread_local bool done = false;
        if (std::exchange(done, true)) return;
        stack_t now{};
        if (sigaltstack(nullptr, &now) == 0 && !(now.ss_flags & SS_DISABLE)) return;   // AddressSanitizer has given it one
        stack_t stack{};
        stack.ss_size = 256 * 1024;
        stack.ss_sp = mmap(nullptr, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stack.ss_sp != MAP_FAILED) sigaltstack(&stack, nullptr);
    }
    struct sigaction previous_ {};

   private:
    mutable std::recursive_mutex mutex_;
    char *arena_ = nullptr, *next_ = nullptr;
    uint32_t* page_map_ = nullptr;             // page -> number of its allocation; 0: none
    // All there ever were, from 1: an address of a freed one can be named. The array never moves: other cores read it without a lock.
    Allocation* allocations_ = nullptr;
    uint32_t count_ = 0;
    std::map<char*, uint32_t> live_;
    std::map<char*, size_t> free_, pinned_;
    size_t limit_ = size_t(8) << 30, used_ = 0;
    int open_ = 0;
};

inline bool is_device_memory(const void* p, size_t bytes) { return Memory::get().contains(p, bytes); }

// What an address is, for messages: "4 bytes behind the end of an allocation of 180 bytes".
inline std::string describe_allocation(const void* p) {
    Memory& memory = Memory::get();
    const char* const c = static_cast<const char*>(p);
    // a guard page belongs to nobody: ask the pages on both sides
    for (const uintptr_t q : {uintptr_t(p), uintptr_t(p) - kPage, uintptr_t(p) + kPage}) {
        const Allocation* a = memory.find(reinterpret_cast<const void*>(q));
        if (!a) continue;
        const std::string what = cat("an allocation of ", a->bytes, " bytes", a->live ? "" : " that has been freed");
        if (c >= a->begin + a->bytes) return cat(c - (a->begin + a->bytes), " bytes behind the end of ", what);
        if (c < a->begin) return cat(a->begin - c, " bytes before ", what);
        return cat("byte ", c - a->begin, " of ", what);
    }
    if (memory.in_arena(p)) return "device memory that was never allocated";
    if (memory.is_pinned(p)) return "pinned host memory";
    return uintptr_t(p) < 4096 ? "a null pointer" : "not device memory";
}

inline void require_device_memory(const void* p, size_t bytes, const char* what) {
    if (bytes == 0 || is_device_memory(p, bytes)) return;
    throw Error(cat("emulator: ", what, ": ", bytes, " bytes at ", p, " are not inside one allocation: it begins at ", describe_allocation(p)));
}

}  // namespace emu
