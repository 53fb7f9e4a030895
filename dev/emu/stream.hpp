// dev/emu/stream.hpp -- streams, events and copies: work is queued, and runs as late as CUDA allows.
//
// Each call that CUDA may run later becomes an entry in its stream's queue. Nothing runs until somebody waits: then the stream's entries
// run in order, and before an entry that waits for an event those that the event stands for, in its stream. What nobody waited for has not
// happened yet: reading a result without synchronising gives the old bytes, and a missing cudaStreamWaitEvent gives work in
// the wrong order. Work that is already queued is not reordered inside a stream, of course.
// Copies: from pageable host memory the bytes are taken at the call (CUDA stages them); from pinned memory (cudaMallocHost) when the
// entry runs, so that it must stay unchanged until then; to host memory when the entry runs.
// A launch is played by several cores, a block each at a time; a pool of threads waits for them.
// A stream that is being captured puts its entries into a graph instead, whose launch later queues them all, with the arguments of the kernels as they
// were and the bytes of the copies as they are then. What CUDA forbids meanwhile (to wait, to allocate) is an error here too.
#pragma once

#include <sched.h>

#include <condition_variable>
#include <deque>
#include <list>
#include <numeric>
#include <thread>

#include "block.hpp"

struct CUstream_st;
struct CUevent_st {
    CUstream_st* stream = nullptr;    // of the last record
    uint64_t number = 0;              // of the last record's entry; 0: never recorded
    uint64_t done = 0;                // the last record that has run
    double seconds = 0;
    int asked = 0;                    // cudaEventQuery: how often since the record
};
struct CUstream_st {
    struct Entry {
        uint64_t number;              // of the program: later calls have larger ones
        std::function<void()> work;
        CUstream_st* after_stream = nullptr;   // cudaStreamWaitEvent: these entries first
        uint64_t after_number = 0;
    };
    int device = 0;
    bool blocking = false;            // waits for the stream 0 and lets it wait
    std::deque<Entry> entries;
    CUgraph_st* capture = nullptr;    // where entries go while it is being captured
};
using GraphNodes = std::vector<std::function<void()>>;
struct CUgraph_st {
    GraphNodes nodes;
    std::thread::id thread;           // that captures it
    bool broken = false;
};
struct CUgraphExec_st {
    std::shared_ptr<const GraphNodes> nodes;   // shared with its launches: it may be destroyed before they have run
    int device;
};

namespace emu {

// ---- cores

class Pool {
   public:
    static Pool& get() {
        // A child of fork() has none of its parent's threads: it begins with a pool of its own.
        static Pool* pool = (pthread_atfork(nullptr, nullptr, [] { pool_after_fork() = new Pool; }), new Pool);
        return pool_after_fork() ? *pool_after_fork() : *pool;
    }
    int threads() const { return wanted_; }
    void set_threads(int n) {
        cpu_set_t set;
        const int all = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
        wanted_ = std::clamp(n > 0 ? n : all, 1, kCores - 1);
    }
    // Call work() on this thread, and on `helpers` others at the same time.
    void run(int helpers, const std::function<void()>& work) {
        const std::lock_guard one_at_a_time(launch_);
        helpers = std::min(helpers, wanted_ - 1);
        if (helpers > 0) {
            std::unique_lock lock(mutex_);
            while (int(workers_.size()) < helpers) workers_.emplace_back([this] { serve(); });
            work_ = &work;
            openings_ = running_ = helpers;
            wake_.notify_all();
        }
        use_core();
        work();
        if (helpers > 0) {
            std::unique_lock lock(mutex_);
            running_ -= std::exchange(openings_, 0);   // who has not begun is not needed any more
            done_.wait(lock, [this] { return running_ == 0; });
        }
    }
    // Give this operating system thread a core, if it has none.
    static void use_core() {
        if (core) return;
        static std::atomic<int> count{0};
        const int index = count++;
        if (index >= kCores) throw Error(cat("emulator: more than ", kCores, " threads of the program wait for streams"));
        core = new Core();             // lives as long as the program: threads that run streams are few
        core->index = index;
        core->shared = Memory::get().shared_of_core(index);
        for (int i = 0; i < kSharedSlots; i++)
            mprotect(slot_end(i) - kSharedSlotBytes, kSharedSlotBytes, PROT_READ | PROT_WRITE);
        Memory::use_signal_stack();
    }

   private:
    Pool() {
        const char* env = std::getenv("TRAIN_GPT_EMU_THREADS");
        set_threads(env ? std::atoi(env) : 0);
    }
    static Pool*& pool_after_fork() {
        static Pool* pool = nullptr;
        return pool;
    }
    void serve() {
        use_core();
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return openings_ > 0; });
            openings_--;
            const auto* work = work_;
            lock.unlock();
            (*work)();
            lock.lock();
            if (--running_ == 0) done_.notify_one();
        }
    }
    std::mutex launch_, mutex_;
    std::condition_variable wake_, done_;
    std::list<std::thread> workers_;
    const std::function<void()>* work_ = nullptr;
    int wanted_ = 1, openings_ = 0, running_ = 0;
};

// ---- schedules

inline Order& program_order() {
    static Order order = [] {
        Order o;
        const char* env = std::getenv("TRAIN_GPT_EMU_SCHEDULE");
        if (!env || !*env) return o;
        const std::string s = env, kind = s.substr(0, s.find(':'));
        const char* names[] = {"forward", "reverse", "random", "greedy"};
        const auto found = std::find(std::begin(names), std::end(names), kind);
        if (found == std::end(names))
            throw UsageError(cat("TRAIN_GPT_EMU_SCHEDULE=", s, ": expected forward, reverse, random:SEED or greedy:SEED"));
        o.kind = Schedule(found - std::begin(names));
        if (s.find(':') != std::string::npos) o.seed = std::strtoull(s.c_str() + s.find(':') + 1, nullptr, 10);
        return o;
    }();
    return order;
}
void set_schedule(Schedule kind, uint64_t seed) { program_order() = {kind, seed}; }
std::string schedule_name() {
    const char* names[] = {"forward", "reverse", "random", "greedy"};
    const Order o = program_order();
    return o.kind >= Schedule::random ? cat(names[int(o.kind)], ":", o.seed) : names[int(o.kind)];
}
void set_threads(int n) { Pool::get().set_threads(n); }
void set_memory_limit(size_t bytes) { Memory::get().set_limit(bytes); }

// ---- launches

// Block number i of n in the order of the schedule. random, greedy: i -> a i + b (mod n), a without a common factor with n.
inline uint64_t block_in_order(uint64_t i, uint64_t n, Order order) {
    if (order.kind == Schedule::forward) return i;
    if (order.kind == Schedule::reverse) return n - 1 - i;
    uint64_t a = (order.seed * 2654435761u + 12345) % n;
    while (std::gcd(a, n) != 1) a++;
    return (i * (a % n) + order.seed) % n;
}

inline void play(const Launch& launch) {
    static std::atomic<uint32_t> launches{0};
    const uint32_t launch_number = ++launches;
    const uint64_t blocks = uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
    const uint64_t threads = uint64_t(launch.block.x) * launch.block.y * launch.block.z;
    const Order order = program_order();
    std::atomic<uint64_t> next{0};
    std::mutex mutex;
    std::string failure;
    const int helpers = blocks * threads < 4096 ? 0 : int(std::min<uint64_t>(blocks - 1, kCores));
    Pool::get().run(helpers, [&] {
        for (uint64_t i; (i = next++) < blocks;) {
            if (play_block(launch, block_in_order(i, blocks, order), launch_number, order)) continue;
            const std::lock_guard lock(mutex);
            if (failure.empty()) failure = core->failure;
            next = blocks;
        }
    });
    if (!failure.empty()) throw Error(failure, cat("schedule ", schedule_name(), "; compile with -g to see lines"));
}

// ---- queues

class Device {
   public:
    int index = 0;
    std::recursive_mutex mutex;       // held while the device's queues are worked on: threads with other devices go on
    CUstream_st stream0{0, true, {}};
    std::list<CUstream_st*> streams;

    static std::deque<Device>& all() {
        static std::deque<Device>* devices = [] {
            const char* env = std::getenv("TRAIN_GPT_EMU_DEVICES");
            auto* d = new std::deque<Device>(size_t(std::clamp(env ? std::atoi(env) : 1, 0, 64)));
            for (size_t i = 0; i < d->size(); i++) (*d)[i].index = (*d)[i].stream0.device = int(i);
            return d;
        }();
        return *devices;
    }
    static Device& of(CUstream_st* s) { return all()[size_t(s->device)]; }

    uint64_t add(CUstream_st* s, std::function<void()> work, CUstream_st* after = nullptr, uint64_t after_number = 0) {
        static std::atomic<uint64_t> count{0};
        const std::lock_guard lock(mutex);
        s->entries.push_back({++count, std::move(work), after, after_number});
        return s->entries.back().number;
    }
    // Run the entries of s up to `number`, and what they wait for. What they wait for was queued before them: this ends.
    void run(CUstream_st* s, uint64_t number) {
        const std::lock_guard lock(mutex);
        const Memory::Open open;
        while (!s->entries.empty() && s->entries.front().number <= number) {
            const auto entry = std::move(s->entries.front());
            s->entries.pop_front();
            if (entry.after_stream) run(entry.after_stream, entry.after_number);
            if (s == &stream0) {
                for (CUstream_st* other : streams)
                    if (other->blocking) run(other, entry.number);
            } else if (s->blocking) {
                run(&stream0, entry.number);
            }
            if (!entry.work) continue;
            try {
                entry.work();
            } catch (...) {            // as after an error of a GPU: what is queued is lost
                stream0.entries.clear();
                for (CUstream_st* other : streams) other->entries.clear();
                throw;
            }
        }
    }
    void synchronize(CUstream_st* s) { run(s, UINT64_MAX); }
    // All streams; which comes first is the schedule's choice.
    void synchronize() {
        const std::lock_guard lock(mutex);
        std::vector<CUstream_st*> order{&stream0};
        order.insert(order.end(), streams.begin(), streams.end());
        const Order o = program_order();
        if (o.kind == Schedule::reverse || (o.kind >= Schedule::random && o.seed % 2)) std::reverse(order.begin(), order.end());
        for (CUstream_st* s : order) synchronize(s);
    }
};

inline thread_local int device_index = 0;
inline CUstream_st* resolve(cudaStream_t stream) {
    if (stream) return stream;
    if (Device::all().empty()) throw Error("emulator: there is no device (TRAIN_GPT_EMU_DEVICES=0)");
    return &Device::all()[size_t(device_index)].stream0;
}

// ---- what is counted, and what a capture forbids

struct {
    std::atomic<int64_t> allocations, frees, launches, graph_launches, stream_waits, event_waits;
} counters;
Counts counts() {
    return {counters.allocations, counters.frees, counters.launches, counters.graph_launches, counters.stream_waits, counters.event_waits};
}

// The graph that this thread captures; null: none.
inline thread_local CUgraph_st* captured_here = nullptr;
// CUDA refuses such a call and makes the capture void; so do we, with more words.
inline void refuse_in_capture(const char* call, CUgraph_st* capture = captured_here) {
    if (!capture || std::uncaught_exceptions() > 0) return;   // a destructor after an error: that one is to be heard
    capture->broken = true;
    throw Error(cat("emulator: ", call, " while a stream is being captured: CUDA does not allow it"),
                "what waits, allocates or frees must come before the capture");
}

void enqueue(cudaStream_t stream, std::function<void()> work) {
    CUstream_st* s = resolve(stream);
    if (!s->capture) return void(Device::of(s).add(s, std::move(work)));
    if (s->capture->thread != std::this_thread::get_id()) throw Error("emulator: a stream that another thread captures is given work");
    s->capture->nodes.push_back(std::move(work));
}
void enqueue(cudaStream_t stream, Launch launch) {
    const uint64_t threads = uint64_t(launch.block.x) * launch.block.y * launch.block.z;
    const char* wrong = threads == 0                                        ? "a block of no threads"
                        : threads > 1024 || launch.block.z > 64             ? "a block of more than 1024 threads"
                        : launch.grid.y > 65535 || launch.grid.z > 65535    ? "a grid of more than 65535 blocks in y or z"
                        : launch.grid.x > 0x7FFFFFFF                        ? "a grid of more than 2^31 - 1 blocks in x"
                        : launch.shared_bytes > kMaxSharedBytes             ? "too much shared memory: more than 163 KiB"
                                                                            : nullptr;
    if (wrong)
        throw Error(cat("emulator: kernel ", describe_code(launch.kernel, false), ": ", wrong, ": grid ", text(launch.grid), ", block ",
                        text(launch.block), ", ", launch.shared_bytes, " bytes of shared memory"));
    counters.launches++;
    enqueue(stream, [launch = std::move(launch)] { play(launch); });
}
// A pointer that a kernel is given should be null, device memory or pinned memory. (One past the end, of an empty array, is accepted.)
void check_argument(const Launch& launch, int number, const void* p, cudaStream_t stream) {
    Memory& memory = Memory::get();
    const Allocation* a = memory.find(p);
    std::string wrong;
    if (a && !a->live) wrong = "points into " + describe_allocation(p);
    else if (const int device = resolve(stream)->device; a && a->device != device)
        wrong = cat("points into memory of device ", a->device, ", the stream belongs to device ", device);
    else if (p && !memory.in_arena(p) && !memory.is_pinned(p)) wrong = "is a host pointer";
    if (!wrong.empty()) throw Error(cat("emulator: kernel ", describe_code(launch.kernel, false), ": argument ", number, " ", wrong));
}

inline cudaError_t last_error = cudaSuccess;
inline cudaError_t note(cudaError_t e) {
    if (e != cudaSuccess && e != cudaErrorNotReady) last_error = e;
    return e;
}
// For what destructors call: an error can't be thrown there.
template <typename F>
cudaError_t or_exit(F f) {
    try {
        f();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        std::_Exit(1);
    }
    return cudaSuccess;
}

}  // namespace emu

// ---- the CUDA runtime's functions

using emu::Device;
using emu::Memory;

const char* cudaGetErrorName(cudaError_t e) {
    switch (e) {
        case cudaSuccess: return "cudaSuccess";
        case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
        case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
        case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
        case cudaErrorInvalidPitchValue: return "cudaErrorInvalidPitchValue";
        case cudaErrorInvalidMemcpyDirection: return "cudaErrorInvalidMemcpyDirection";
        case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
        case cudaErrorNoDevice: return "cudaErrorNoDevice";
        case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
        case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
        case cudaErrorNotReady: return "cudaErrorNotReady";
        case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
        case cudaErrorNotSupported: return "cudaErrorNotSupported";
        case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
        case cudaErrorUnknown: return "cudaErrorUnknown";
    }
    return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t e) {
    switch (e) {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorInvalidConfiguration: return "invalid configuration argument";
        case cudaErrorInvalidPitchValue: return "invalid pitch argument";
        case cudaErrorNoDevice: return "no CUDA-capable device is detected";
        case cudaErrorInvalidDevice: return "invalid device ordinal";
        case cudaErrorInvalidResourceHandle: return "invalid resource handle";
        case cudaErrorNotReady: return "device not ready";
        case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
        default: return cudaGetErrorName(e);
    }
}
cudaError_t cudaGetLastError() { return std::exchange(emu::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return emu::last_error; }

// ---- devices

cudaError_t cudaGetDeviceCount(int* count) {
    *count = int(Device::all().size());
    return emu::note(*count ? cudaSuccess : cudaErrorNoDevice);
}
static bool exists(int device) { return device >= 0 && device < int(Device::all().size()); }
cudaError_t cudaSetDevice(int device) {
    if (!exists(device)) return emu::note(Device::all().empty() ? cudaErrorNoDevice : cudaErrorInvalidDevice);
    emu::device_index = device;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
    *device = emu::device_index;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
    if (!exists(device)) return emu::note(cudaErrorInvalidDevice);
    *p = {};
    const char* sm = std::getenv("TRAIN_GPT_EMU_SM");                    // what kind of GPU it says it is: 80, 89, 90
    const int capability = sm ? std::atoi(sm) : 80;
    std::snprintf(p->name, sizeof(p->name), "emulated sm_%d", capability);
    p->totalGlobalMem = Memory::get().limit();
    p->sharedMemPerBlock = emu::kMaxStaticSharedBytes;
    p->sharedMemPerBlockOptin = emu::kMaxSharedBytes;
    p->sharedMemPerMultiprocessor = emu::kMaxSharedBytes + 1024;
    p->major = capability / 10, p->minor = capability % 10;
    p->multiProcessorCount = 4;       // few: a grid that fills the device stays small
    p->warpSize = 32;
    p->maxThreadsPerBlock = 1024;
    p->l2CacheSize = 1 << 20;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
    cudaDeviceProp p;
    if (const cudaError_t e = cudaGetDeviceProperties(&p, device); e != cudaSuccess) return e;
    switch (attribute) {
        case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; return cudaSuccess;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = int(p.sharedMemPerBlock); return cudaSuccess;
        case cudaDevAttrWarpSize: *value = p.warpSize; return cudaSuccess;
        case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; return cudaSuccess;
        case cudaDevAttrComputeCapabilityMajor: *value = p.major; return cudaSuccess;
        case cudaDevAttrComputeCapabilityMinor: *value = p.minor; return cudaSuccess;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = int(p.sharedMemPerBlockOptin); return cudaSuccess;
    }
    return emu::note(cudaErrorInvalidValue);
}
cudaError_t cudaDeviceSynchronize() {
    if (!exists(emu::device_index)) return emu::note(cudaErrorNoDevice);
    emu::refuse_in_capture("cudaDeviceSynchronize");
    emu::counters.stream_waits++;
    Device::all()[size_t(emu::device_index)].synchronize();
    return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
    *version = 12040;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }
cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
    *total_bytes = Memory::get().limit();
    *free_bytes = *total_bytes - std::min(*total_bytes, Memory::get().used());
    return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute attribute, int value) {
    const bool possible = attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || (value >= 0 && size_t(value) <= emu::kMaxSharedBytes);
    return emu::note(possible ? cudaSuccess : cudaErrorInvalidValue);
}

// ---- memory

cudaError_t cudaMalloc(void** p, size_t bytes) {
    if (!exists(emu::device_index)) return emu::note(cudaErrorNoDevice);
    emu::refuse_in_capture("cudaMalloc");
    emu::counters.allocations++;
    *p = bytes ? Memory::get().allocate(bytes, emu::device_index) : nullptr;
    return emu::note(*p || !bytes ? cudaSuccess : cudaErrorMemoryAllocation);
}
// Like CUDA's it waits for the device first.
cudaError_t cudaFree(void* p) {
    if (!p) return cudaSuccess;
    emu::counters.frees++;
    return emu::or_exit([p] {
        emu::refuse_in_capture("cudaFree");
        if (const emu::Allocation* a = Memory::get().find(p)) Device::all()[size_t(a->device)].synchronize();
        if (!Memory::get().release(p))
            throw Error(cat("emulator: cudaFree of ", emu::describe_allocation(p), ": not the begin of a live allocation"));
    });
}
cudaError_t cudaMallocHost(void** p, size_t bytes) {
    emu::refuse_in_capture("cudaMallocHost");
    emu::counters.allocations++;
    *p = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (!*p) return emu::note(cudaErrorMemoryAllocation);
    std::memset(*p, 0xFF, bytes);
    Memory::get().pin(*p, bytes);
    return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }
cudaError_t cudaFreeHost(void* p) {
    if (!p) return cudaSuccess;
    emu::counters.frees++;
    return emu::or_exit([p] {
        emu::refuse_in_capture("cudaFreeHost");
        for (Device& d : Device::all()) d.synchronize();
        if (!Memory::get().unpin(p)) throw Error("emulator: cudaFreeHost of a pointer that cudaMallocHost did not give");
        std::free(p);
    });
}

static void copy_entry(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    Memory& memory = Memory::get();
    const bool ask = kind == cudaMemcpyDefault, inside = kind == cudaMemcpyDeviceToDevice;
    const bool to_device = ask ? memory.in_arena(to) : inside || kind == cudaMemcpyHostToDevice;
    const bool from_device = ask ? memory.in_arena(from) : inside || kind == cudaMemcpyDeviceToHost;
    if (to_device) emu::require_device_memory(to, bytes, "copy: destination");
    else if (memory.in_arena(to)) throw Error("emulator: copy to the host: the destination is device memory");
    if (from_device) emu::require_device_memory(from, bytes, "copy: source");
    else if (memory.in_arena(from)) throw Error("emulator: copy from the host: the source is device memory");
    std::function<void()> work = [to, from, bytes, written = to_device && !from_device] {
        std::memmove(to, from, bytes);
        if (written) emu::host_has_written(to, bytes);
    };
    if (!from_device && !memory.is_pinned(from)) {
        // a real graph would read the pageable bytes when it is launched, wherever they are by then
        if (CUgraph_st* capture = emu::resolve(stream)->capture) emu::refuse_in_capture("a copy from pageable host memory", capture);
        const char* bytes_of = static_cast<const char*>(from);
        auto staged = std::make_shared<std::vector<char>>(bytes_of, bytes_of + bytes);
        work = [to, staged, to_device] {
            std::memcpy(to, staged->data(), staged->size());
            if (to_device) emu::host_has_written(to, staged->size());
        };
    }
    emu::enqueue(stream, std::move(work));
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    if (bytes) copy_entry(to, from, bytes, kind, stream);
    return cudaSuccess;
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
    if (width > to_pitch || width > from_pitch) return emu::note(cudaErrorInvalidPitchValue);
    for (size_t i = 0; width && i < height; i++)
        copy_entry(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width, kind, stream);
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    emu::refuse_in_capture("cudaMemcpy");
    if (bytes) copy_entry(to, from, bytes, kind, nullptr);
    return cudaStreamSynchronize(nullptr);
}
cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream) {
    if (!bytes) return cudaSuccess;
    emu::require_device_memory(p, bytes, "cudaMemset");
    emu::enqueue(stream, [=] {
        std::memset(p, value, bytes);
        emu::host_has_written(p, bytes);
    });
    return cudaSuccess;
}
cudaError_t cudaMemset(void* p, int value, size_t bytes) { return cudaMemsetAsync(p, value, bytes, nullptr); }   // CUDA's is asynchronous too

// ---- streams and events

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    if (!exists(emu::device_index)) return emu::note(cudaErrorNoDevice);
    Device& d = Device::all()[size_t(emu::device_index)];
    const std::lock_guard lock(d.mutex);
    *stream = new CUstream_st{d.index, !(flags & cudaStreamNonBlocking), {}};
    d.streams.push_back(*stream);
    return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    if (!stream) return emu::note(cudaErrorInvalidResourceHandle);
    return emu::or_exit([stream] {
        Device& d = Device::of(stream);
        const std::lock_guard lock(d.mutex);
        d.synchronize();              // events may stand for its entries
        if (stream->capture) throw Error("emulator: cudaStreamDestroy of a stream that is being captured");
        d.streams.remove(stream);
        delete stream;
    });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    CUstream_st* s = emu::resolve(stream);
    Device& d = Device::of(s);
    emu::refuse_in_capture("cudaStreamSynchronize", s->capture ? s->capture : emu::captured_here);
    const std::lock_guard lock(d.mutex);
    if (s == &d.stream0) d.add(s, nullptr);   // so that it waits for the blocking streams
    emu::counters.stream_waits += !s->entries.empty();
    d.synchronize(s);
    return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    CUstream_st* s = emu::resolve(stream);
    emu::refuse_in_capture("cudaStreamQuery", s->capture);
    if (s->entries.empty()) return cudaSuccess;
    Device::of(s).run(s, s->entries.front().number);   // one at a time, so that who asks in a loop gets on
    return cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    CUstream_st* s = emu::resolve(stream);
    if (s->capture) throw Error("emulator: cudaStreamWaitEvent in a captured stream: graphs of several streams are not emulated");
    if (event->done < event->number) Device::of(s).add(s, nullptr, event->stream, event->number);
    return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    *event = new CUevent_st;
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    emu::refuse_in_capture("cudaEventSynchronize");
    if (event->done >= event->number) return cudaSuccess;
    emu::counters.event_waits++;
    Device::of(event->stream).run(event->stream, event->number);
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    return emu::or_exit([event] {
        cudaEventSynchronize(event);
        delete event;
    });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    CUstream_st* s = emu::resolve(stream);
    if (s->capture) throw Error("emulator: cudaEventRecord in a captured stream: graphs of several streams are not emulated");
    event->stream = s;
    event->asked = 0;
    auto number = std::make_shared<uint64_t>(0);
    event->number = *number = Device::of(s).add(s, [event, number] {
        event->done = std::max(event->done, *number);
        event->seconds = now_s();
    });
    return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
    if (event->done >= event->number) return cudaSuccess;
    if (event->asked++ == 0) return cudaErrorNotReady;
    return cudaEventSynchronize(event);
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
    if (!begin->number || !end->number) return emu::note(cudaErrorInvalidResourceHandle);
    if (begin->done < begin->number || end->done < end->number) return cudaErrorNotReady;
    *ms = float(1e3 * (end->seconds - begin->seconds));
    return cudaSuccess;
}

// ---- graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (!stream) throw Error("emulator: cudaStreamBeginCapture of the stream 0: CUDA does not capture it");
    if (stream->capture || emu::captured_here)
        throw Error("emulator: cudaStreamBeginCapture: this stream, or another one by this thread, is being captured already");
    stream->capture = emu::captured_here = new CUgraph_st{{}, std::this_thread::get_id()};
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    *graph = nullptr;
    if (!stream || !stream->capture || stream->capture != emu::captured_here) return emu::note(cudaErrorInvalidValue);
    CUgraph_st* g = std::exchange(stream->capture, nullptr);
    emu::captured_here = nullptr;
    if (!g->broken) return *graph = g, cudaSuccess;
    delete g;
    return emu::note(cudaErrorStreamCaptureInvalidated);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    const CUgraph_st* g = emu::resolve(stream)->capture;
    *status = !g ? cudaStreamCaptureStatusNone : g->broken ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
    emu::refuse_in_capture("cudaGraphInstantiate");
    if (!graph) return emu::note(cudaErrorInvalidValue);
    *exec = new CUgraphExec_st{std::make_shared<const GraphNodes>(graph->nodes), emu::device_index};
    return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
    if (!graph || nodes) return emu::note(cudaErrorInvalidValue);
    *count = graph->nodes.size();
    return cudaSuccess;
}
// One entry of the queue. That the memory of its kernels' pointers is still theirs is checked when they touch it.
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    CUstream_st* s = emu::resolve(stream);
    if (!exec || exec->device != s->device) return emu::note(cudaErrorInvalidValue);
    if (s->capture) throw Error("emulator: cudaGraphLaunch in a captured stream: graphs inside of graphs are not emulated");
    emu::counters.graph_launches++;
    Device::of(s).add(s, [nodes = exec->nodes] {
        for (const auto& node : *nodes) node();
    });
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}

// ---- what is declared, and not emulated

#define NOT_EMULATED(name, ...) \
    cudaError_t name(__VA_ARGS__) { throw Error("emulator: " #name " is not emulated (dev/emu/README.md says what is)"); }
NOT_EMULATED(cudaMallocManaged, void**, size_t, unsigned)
NOT_EMULATED(cudaDeviceCanAccessPeer, int*, int, int)
NOT_EMULATED(cudaDeviceEnablePeerAccess, int, unsigned)
NOT_EMULATED(cudaMemcpyPeer, void*, int, const void*, int, size_t)
NOT_EMULATED(cudaMemcpyPeerAsync, void*, int, const void*, int, size_t, cudaStream_t)
NOT_EMULATED(cudaMallocAsync, void**, size_t, cudaStream_t)
NOT_EMULATED(cudaFreeAsync, void*, cudaStream_t)
NOT_EMULATED(cudaHostRegister, void*, size_t, unsigned)
NOT_EMULATED(cudaHostUnregister, void*)
NOT_EMULATED(cudaHostGetDevicePointer, void**, void*, unsigned)
NOT_EMULATED(cudaLaunchHostFunc, cudaStream_t, void (*)(void*), void*)
NOT_EMULATED(cudaLaunchCooperativeKernel, const void*, dim3, dim3, void**, size_t, cudaStream_t)
#undef NOT_EMULATED
