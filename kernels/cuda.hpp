// kernels/cuda.hpp -- the GPU: the device object, and the few words in which all CUDA kernels are written.
//
// This header is read by three compilers. g++ (-DTRAIN_GPT_CUDA) sees the device object and the declarations of the operations: enough
// to compile the model. nvcc sees the kernels too. And g++ with -DTRAIN_GPT_EMULATOR sees them as well: dev/emu/emulator.hpp gives
// every word below a body that runs on the processor, so that tests execute the very sources that a GPU executes.
// For that, kernels keep to these words: launch() for <<<>>>, SHARED_ARRAY and DYNAMIC_SHARED for __shared__, the warp and block functions
// for shuffles, mma_bf16 and its companions for inline assembly. No atomics on floats, no early return before a barrier, block
// sizes as template constants; only full warps take part in a warp operation.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <vector>

#include "device.hpp"

#if !defined(TRAIN_GPT_EMULATOR) && __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>  // header-only, of the toolkit; without a profiler attached its calls do nothing
#endif

// Check a CUDA runtime call: the failing expression, the place, and CUDA's own words.
#define CUDA_CHECK(call)                                                                                       \
    do {                                                                                                       \
        const cudaError_t status_ = (call);                                                                    \
        if (status_ != cudaSuccess)                                                                            \
            throw Error(cat(__FILE__, ":", __LINE__, ": " #call ": ", cudaGetErrorString(status_)),            \
                        "`train_gpt info` shows the device and the driver; --device cpu runs without a GPU");  \
    } while (0)

class CudaEvent;
class CudaGraphs;
class CudaRange;
struct MatmulPlans;  // cublaslt.hpp: handle, workspace, descriptors and the algorithm chosen for each shape

// One GPU and its compute stream. The same interface as Cpu; a kernel's CUDA overload takes this as its first argument.
// Copies from and to the host are ordered with the kernels of the stream; copy_out returns when the data is there.
struct Cuda {
    cudaStream_t stream = nullptr;
    int index = 0, multiprocessors = 1;
    bool warpgroups = false;                   // its tensor cores take products of four warps (kernels/warpgroup.hpp): sm_90
    Operands operands = Operands::stored;      // how products round their operands (set_matmul of cublaslt.hpp)
    bool autotune = false;                     // time cuBLASLt's candidates instead of taking the first
    std::string tuned_plans;                   // file that keeps what the timing chose; empty: nowhere
    std::function<void(const std::string&)> tuning_log;   // receives a line for each choice
    int gelu_in_products = -1;                 // 0: GELU is a kernel of its own, 1: part of the forward product, 2: of the backward too; -1: by GPU
    MatmulPlans* matmul_plans = nullptr;       // made at the first product, by cublaslt.hpp
    void (*drop_matmul_plans)(MatmulPlans*) = nullptr;

    explicit Cuda(int index_ = 0) : index(index_) {
        CUDA_CHECK(cudaSetDevice(index));
        CUDA_CHECK(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index));
        int major = 0, minor = 0;
        CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index));
        CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index));
        warpgroups = major == 9 && minor == 0;
        CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    }
    Cuda(const Cuda&) = delete;
    Cuda& operator=(const Cuda&) = delete;
    ~Cuda() {
        if (matmul_plans) drop_matmul_plans(matmul_plans);
        workspace_.release(*this);
        if (stream) cudaStreamDestroy(stream);
    }

    static constexpr const char* name() { return "cuda"; }
    static constexpr int64_t kLogitsAtOnce = int64_t(1) << 28;   // see head_rows in gpt.hpp: 512 MiB of bf16, 5,336 rows of GPT-2's vocabulary
    void* allocate(size_t bytes) {
        void* p = nullptr;
        const cudaError_t status = cudaMalloc(&p, bytes);
        if (status == cudaErrorMemoryAllocation)
            throw Error(cat("out of memory: ", human_bytes(double(bytes)), " asked for on GPU ", index),
                        "use a smaller --batch-size or --seq-len, or --recompute");
        CUDA_CHECK(status);
        return p;
    }
    void release(void* p) { cudaFree(p); }
    void zero(void* p, size_t bytes) { CUDA_CHECK(cudaMemsetAsync(p, 0, bytes, stream)); }
    void copy_in(void* device, const void* host, size_t bytes) {
        CUDA_CHECK(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream));
    }
    void copy_out(void* host, const void* device, size_t bytes) {
        copy_out_later(host, device, bytes);
        synchronize();
    }
    // The data is there when an event recorded after this call has come. host: pinned.
    void copy_out_later(void* host, const void* device, size_t bytes) {
        CUDA_CHECK(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream));
    }
    void copy_device(void* to, const void* from, size_t bytes) {
        CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
    }
    void copy_device(void* to, const void* from, size_t bytes, size_t pitch, int64_t count) {
        CUDA_CHECK(cudaMemcpy2DAsync(to, pitch, from, pitch, bytes, size_t(count), cudaMemcpyDeviceToDevice, stream));
    }
    void synchronize() { CUDA_CHECK(cudaStreamSynchronize(stream)); }
    void* workspace(size_t bytes) { return workspace_.get(*this, bytes); }
    uint64_t workspace_version() const { return workspace_.version(); }
    // Pinned: copies from and to it do not hold up the host.
    void* allocate_host(size_t bytes) {
        void* p = nullptr;
        CUDA_CHECK(cudaMallocHost(&p, bytes));
        return p;
    }
    void release_host(void* p) { cudaFreeHost(p); }

    using Event = CudaEvent;
    using Graphs = CudaGraphs;
    using Range = CudaRange;

   private:
    Workspace workspace_;
};

// ---- a place in the stream, for the host to wait for

class CudaEvent {
   public:
    explicit CudaEvent(Cuda& dev) : dev_(dev) { CUDA_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming)); }
    CudaEvent(const CudaEvent&) = delete;
    ~CudaEvent() { cudaEventDestroy(event_); }
    void record() { CUDA_CHECK(cudaEventRecord(event_, dev_.stream)); }
    void wait() { CUDA_CHECK(cudaEventSynchronize(event_)); }     // at once where it was never recorded

   private:
    Cuda& dev_;
    cudaEvent_t event_ = nullptr;
};

// ---- graphs: a sequence of kernels recorded once and started with one call
//
// A micro-step of GPT-2 124M is some hundreds of kernels, whose launches cost the host a few microseconds each: of a small batch more than the
// GPU needs for them. A graph starts them all in one call, and the GPU goes from one to the next without asking. It repeats the launches with the
// arguments that they had: pointers stay what they were, so what changes between two runs must lie in the memory they point to.
// run(key, work) calls work() the first time that it sees a key (plans are made, the workspace grows), records it the second time, and from
// then on replays it; the caller promises that for one key work() queues the same launches, and nothing but launches and copies inside of
// the device. A workspace that has moved makes older recordings void: they are made again. The newest kMost keys are kept.
class CudaGraphs {
   public:
    static constexpr size_t kMost = 16;
    using Key = std::array<int64_t, 4>;
    explicit CudaGraphs(Cuda& dev) : dev_(dev) {}
    CudaGraphs(const CudaGraphs&) = delete;
    ~CudaGraphs() {
        for (Entry& e : entries_) e.drop();
    }
    bool enabled = true;
    int64_t recorded = 0, replayed = 0;        // how often

    template <typename F>
    void run(const Key& key, F&& work) {
        if (!enabled) return work();
        auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
        if (found == entries_.end()) {
            if (entries_.size() == kMost) entries_.back().drop(), entries_.pop_back();
            entries_.insert(entries_.begin(), Entry{key, nullptr, 0});
            return work();
        }
        std::rotate(entries_.begin(), found, found + 1);                  // the most recently used first
        Entry& e = entries_.front();
        if (!e.graph || e.workspace_version != dev_.workspace_version()) {
            e.drop();
            Recording recording(dev_.stream);
            work();
            e.graph = recording.finish();
            e.workspace_version = dev_.workspace_version();
            recorded++;
        }
        CUDA_CHECK(cudaGraphLaunch(e.graph, dev_.stream));
        replayed++;
    }

   private:
    struct Entry {
        Key key;
        cudaGraphExec_t graph;
        uint64_t workspace_version;
        void drop() {
            if (graph) cudaGraphExecDestroy(std::exchange(graph, nullptr));   // one that still runs is freed when it ends
        }
    };
    // While it lives, what the stream is given is recorded instead of run. ThreadLocal: other threads (the loader's) may do as they like.
    class Recording {
       public:
        explicit Recording(cudaStream_t stream) : stream_(stream) { CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal)); }
        Recording(const Recording&) = delete;
        ~Recording() {
            if (!finished_) cudaStreamEndCapture(stream_, &graph_), cudaGetLastError();   // work() threw: the stream must work again
            if (graph_) cudaGraphDestroy(graph_);
        }
        cudaGraphExec_t finish() {
            finished_ = true;
            cudaGraphExec_t exec = nullptr;
            cudaError_t status = cudaStreamEndCapture(stream_, &graph_);
            if (status == cudaSuccess) status = cudaGraphInstantiate(&exec, graph_, 0);
            if (status != cudaSuccess)
                throw Error(cat("a micro-batch can't be recorded as a CUDA graph: ", cudaGetErrorString(status)), "--no-graphs launches each kernel by itself");
            return exec;
        }

       private:
        cudaStream_t stream_;
        cudaGraph_t graph_ = nullptr;
        bool finished_ = false;
    };
    Cuda& dev_;
    std::vector<Entry> entries_;
};

// ---- a named stretch of the host's time, with a number: what Nsight Systems shows above the kernels that were launched in it. Kernels of
// a replayed graph are shown under the range that replays it: to see the layers, profile a run with --no-graphs.

class [[maybe_unused]] CudaRange {
   public:
#if !defined(TRAIN_GPT_EMULATOR) && __has_include(<nvtx3/nvToolsExt.h>)
    explicit CudaRange(const char* name, int64_t number = -1) {
        nvtxEventAttributes_t what{};
        what.version = NVTX_VERSION, what.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
        what.messageType = NVTX_MESSAGE_TYPE_ASCII, what.message.ascii = name;
        if (number >= 0) what.payloadType = NVTX_PAYLOAD_TYPE_INT64, what.payload.llValue = number;
        nvtxRangePushEx(&what);
    }
    ~CudaRange() { nvtxRangePop(); }
#else
    explicit CudaRange(const char*, int64_t = -1) {}
#endif
    CudaRange(const CudaRange&) = delete;
};

#if defined(__CUDACC__) || defined(TRAIN_GPT_EMULATOR)
#define CUDA_KERNELS 1
#endif

// ---- what nvcc and the emulator define each in its own way

#if defined(TRAIN_GPT_EMULATOR)
#include "../dev/emu/emulator.hpp"
#elif defined(__CUDACC__)

// Dynamic shared memory is allowed for each kernel, once on each device: without it, 48 KiB are all that dynamic and static arrays have together,
// and a kernel does not say here how much of that is static.
inline void allow_shared_memory(const void* kernel, size_t bytes) {
    struct Allowed {
        const void* kernel;
        int device;
        size_t bytes;
    };
    static std::mutex mutex;
    static std::vector<Allowed> all;                        // a dozen kernels
    int device = 0;
    CUDA_CHECK(cudaGetDevice(&device));
    const std::lock_guard lock(mutex);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Allowed& a) { return a.kernel == kernel && a.device == device; });
    if (found != all.end() && found->bytes >= bytes) return;
    CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)));
    if (found != all.end()) found->bytes = bytes;
    else all.push_back({kernel, device, bytes});
}

// The only way a kernel is started. Arguments are converted to the kernel's parameter types; a grid of zero blocks is no launch.
template <typename... Params, typename... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, Args... args) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    if (shared_bytes > 0) allow_shared_memory(reinterpret_cast<const void*>(kernel), shared_bytes);
    kernel<<<grid, block, shared_bytes, stream>>>(Params(args)...);
    CUDA_CHECK(cudaGetLastError());
}

// T name[n] in shared memory, 16-byte aligned; n is a constant.
#define SHARED_ARRAY(T, name, n) __shared__ __align__(16) T name[n]
// T* name: the dynamic shared memory of the launch, 16-byte aligned.
#define DYNAMIC_SHARED(T, name)                                              \
    extern __shared__ __align__(16) unsigned char dynamic_shared_memory[];   \
    T* const name = reinterpret_cast<T*>(dynamic_shared_memory)

constexpr unsigned kFullWarp = 0xFFFFFFFFu;
template <typename T>
__device__ __forceinline__ T shuffle_xor(T x, int lane_mask) { return __shfl_xor_sync(kFullWarp, x, lane_mask); }
template <typename T>
__device__ __forceinline__ T shuffle(T x, int lane) { return __shfl_sync(kFullWarp, x, lane); }
template <typename T>
__device__ __forceinline__ T shuffle_up(T x, int delta) { return __shfl_up_sync(kFullWarp, x, unsigned(delta)); }
__device__ __forceinline__ unsigned warp_ballot(bool predicate) { return __ballot_sync(kFullWarp, predicate); }

// d (16, 8) += a (16, 16) b (16, 8): bf16 operands, fp32 sums, over the 32 lanes of a warp (PTX ISA, mma.m16n8k16). Lane l holds, with
// g = l / 4 and t = l % 4: of d rows g (d[0], d[1]) and g + 8 (d[2], d[3]), columns 2t and 2t + 1; of a in a[0] row g, columns 2t, 2t+1,
// in a[1] row g + 8, the same columns, in a[2] and a[3] the same rows, columns 2t + 8, 2t + 9; of b in b[0] rows 2t, 2t + 1, column g,
// in b[1] rows 2t + 8, 2t + 9. The lower half of a register is the lower index.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// Four 8 x 8 matrices of 16-bit values from shared memory: lane l gives the address of row l % 8 of matrix l / 8 (16 bytes, aligned).
// r[m] receives of matrix m row l / 4, columns 2 (l % 4) and + 1; with _transposed, of its transpose.
__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], const void* row) {
    const uint32_t address = uint32_t(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}
__device__ __forceinline__ void load_matrices_transposed(uint32_t (&r)[4], const void* row) {
    const uint32_t address = uint32_t(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}
// 16 bytes from global to shared memory, both aligned, without a register between; zeros where !valid (from is then not read). The
// bytes are there after async_commit(), async_wait<n>() (at most n of this thread's newest groups still under way) and a barrier.
__device__ __forceinline__ void async_copy16(void* shared, const void* from, bool valid = true) {
    const uint32_t address = uint32_t(__cvta_generic_to_shared(shared));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" : : "r"(address), "l"(from), "r"(valid ? 16 : 0) : "memory");
}
__device__ __forceinline__ void async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int n>
__device__ __forceinline__ void async_wait() { asm volatile("cp.async.wait_group %0;" : : "n"(n) : "memory"); }

// 2^x by the special function unit: relative error below 2e-7; results below 2^-126 are 0
__device__ __forceinline__ float fast_exp2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// Sixteen bytes of T, moved as one load or store; p is 16-byte aligned.
template <typename T>
struct alignas(16) Pack {
    static constexpr int size = 16 / int(sizeof(T));
    T v[16 / sizeof(T)];
    __device__ T& operator[](int i) { return v[i]; }
    __device__ const T& operator[](int i) const { return v[i]; }
};
template <typename T>
__device__ __forceinline__ Pack<T> load16(const T* p) {
    const int4 bits = *reinterpret_cast<const int4*>(p);
    Pack<T> pack;
    memcpy(&pack, &bits, 16);
    return pack;
}
template <typename T>
__device__ __forceinline__ void store16(T* p, const Pack<T>& pack) {
    int4 bits;
    memcpy(&bits, &pack, 16);
    *reinterpret_cast<int4*>(p) = bits;
}
#endif  // nvcc

// ---- what both share: reductions

#ifdef CUDA_KERNELS
struct Sum {
    template <typename T>
    __device__ __forceinline__ T operator()(T a, T b) const { return a + b; }
};
struct Max {
    template <typename T>
    __device__ __forceinline__ T operator()(T a, T b) const { return b > a ? b : a; }
};
template <typename Op, typename T>
__device__ __forceinline__ T warp_reduce(T x, Op op) {
    #pragma unroll
    for (int mask = 16; mask > 0; mask /= 2) x = op(x, shuffle_xor(x, mask));
    return x;
}
// Over the `threads` of a one-dimensional block, the same bits in every thread. Two barriers: the first for the partial results, the
// second so that `partial` can be used again at once.
template <int threads, typename Op, typename T>
__device__ __forceinline__ T block_reduce(T x, Op op) {
    static_assert(threads % 32 == 0 && threads <= 1024);
    if constexpr (threads == 32) return warp_reduce(x, op);
    SHARED_ARRAY(T, partial, threads / 32);
    x = warp_reduce(x, op);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = x;
    __syncthreads();
    T result = partial[0];
    for (int w = 1; w < threads / 32; w++) result = op(result, partial[w]);
    __syncthreads();
    return result;
}
template <typename T>
__device__ __forceinline__ T warp_sum(T x) { return warp_reduce(x, Sum{}); }
template <typename T>
__device__ __forceinline__ T warp_max(T x) { return warp_reduce(x, Max{}); }
template <int threads, typename T>
__device__ __forceinline__ T block_sum(T x) { return block_reduce<threads>(x, Sum{}); }
template <int threads, typename T>
__device__ __forceinline__ T block_max(T x) { return block_reduce<threads>(x, Max{}); }
#endif
