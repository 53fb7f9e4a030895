// kernels/comm.hpp -- gradients and parameters between the ranks of a job: reduce-scatter, all-gather, all-reduce.
//
// An array of n elements is cut into one equal piece for each rank. reduce_scatter leaves the sum over all ranks of piece r on rank r;
// all_gather then gives every rank all pieces; the two together are an all_reduce, and cost as much: each rank sends and
// receives 2 (R - 1) / R of the array. ZeRO-1 (Rajbhandari et al. 2020) puts the optimizer between the two: a rank updates
// its piece only, and so keeps 1 / R of the moments and master weights, for the same traffic.
// On GPUs the collectives are NCCL's and run on a stream of their own: a call waits for what the compute stream has been given so far
// and then runs beside what comes later; join() makes the compute stream wait for all of them. On the CPU they go through the
// TCP star of ranks.hpp: slow, simple, in the order of the ranks; it serves tests, and jobs without GPUs.
// Promise: every rank gets the same bits. The ranks must call the same collectives in the same order.
#pragma once

#include "../ranks.hpp"
#include "device.hpp"

template <typename Dev>
class Comm;

// ---- CPU

template <>
class Comm<Cpu> {
   public:
    Comm(Cpu&, Ranks& ranks) : ranks_(ranks) {}
    Comm(const Comm&) = delete;
    Ranks& ranks() { return ranks_; }
    // x[0, n): piece r of n / size elements is the sum afterwards, on rank r; the other pieces are undefined.
    void reduce_scatter(float* x, int64_t n) { all_reduce(x, n); }
    void all_reduce(float* x, int64_t n) { ranks_.sum(x, size_t(n)); }
    // x[0, n): every rank gives its piece and receives the others.
    template <typename T>
    void all_gather(T* x, int64_t n) {
        ASSERT(n % ranks_.size() == 0, n, " elements, ", ranks_.size(), " ranks");
        ranks_.all_gather(x, size_t(n / ranks_.size()) * sizeof(T));
    }
    void join() {}

   private:
    Ranks& ranks_;
};

// ---- CUDA

#ifdef TRAIN_GPT_CUDA
template <>
class Comm<Cuda> {
   public:
    Comm(Cuda& dev, Ranks& ranks);
    Comm(const Comm&) = delete;
    ~Comm();
    Ranks& ranks() { return ranks_; }
    void reduce_scatter(float* x, int64_t n);
    void all_reduce(float* x, int64_t n);
    template <typename T>
    void all_gather(T* x, int64_t n) { all_gather_bytes(x, n * int64_t(sizeof(T))); }
    void join();

   private:
    void all_gather_bytes(void* x, int64_t bytes);
    void begin();                           // the communication stream waits for the compute stream
    Cuda& dev_;
    Ranks& ranks_;
    void* nccl_ = nullptr;                  // ncclComm_t; null for one rank
    cudaStream_t stream_ = nullptr;
    cudaEvent_t ready_ = nullptr, done_ = nullptr;
};

#ifdef CUDA_INSTANCES
#if !__has_include(<nccl.h>)
Comm<Cuda>::Comm(Cuda& dev, Ranks& ranks) : dev_(dev), ranks_(ranks) {
    if (ranks.size() > 1) throw Error("several GPUs need NCCL, and this program was built without it", "install libnccl-dev, then make");
}
Comm<Cuda>::~Comm() {}
void Comm<Cuda>::reduce_scatter(float*, int64_t) {}
void Comm<Cuda>::all_reduce(float*, int64_t) {}
void Comm<Cuda>::all_gather_bytes(void*, int64_t) {}
void Comm<Cuda>::join() {}
#else
#include <nccl.h>

#define NCCL_CHECK(call)                                                                                               \
    do {                                                                                                               \
        const ncclResult_t status_ = (call);                                                                           \
        if (status_ != ncclSuccess)                                                                                    \
            throw Error(cat(__FILE__, ":", __LINE__, ": " #call ": ", ncclGetErrorString(status_)),                    \
                        "NCCL_DEBUG=INFO in the environment makes NCCL say more; --gpus 1 needs no NCCL");             \
    } while (0)

Comm<Cuda>::Comm(Cuda& dev, Ranks& ranks) : dev_(dev), ranks_(ranks) {
    if (ranks.size() == 1) return;
    ncclUniqueId id{};
    if (ranks.is_first()) NCCL_CHECK(ncclGetUniqueId(&id));
    ranks.broadcast(&id, sizeof(id));
    ncclComm_t comm = nullptr;
    NCCL_CHECK(ncclCommInitRank(&comm, ranks.size(), id, ranks.rank()));
    nccl_ = comm;
    CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    CUDA_CHECK(cudaEventCreateWithFlags(&ready_, cudaEventDisableTiming));
    CUDA_CHECK(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming));
}
Comm<Cuda>::~Comm() {
    if (!nccl_) return;
    // after an error the other ranks may never come: abort does not wait for them
    if (std::uncaught_exceptions() > 0) ncclCommAbort(static_cast<ncclComm_t>(nccl_));
    else ncclCommDestroy(static_cast<ncclComm_t>(nccl_));
    cudaEventDestroy(ready_);
    cudaEventDestroy(done_);
    cudaStreamDestroy(stream_);
}
void Comm<Cuda>::begin() {
    CUDA_CHECK(cudaEventRecord(ready_, dev_.stream));
    CUDA_CHECK(cudaStreamWaitEvent(stream_, ready_, 0));
}
void Comm<Cuda>::join() {
    if (!nccl_) return;
    CUDA_CHECK(cudaEventRecord(done_, stream_));
    CUDA_CHECK(cudaStreamWaitEvent(dev_.stream, done_, 0));
}
void Comm<Cuda>::reduce_scatter(float* x, int64_t n) {
    if (!nccl_) return;
    ASSERT(n % ranks_.size() == 0, n, " elements, ", ranks_.size(), " ranks");
    begin();
    const int64_t piece = n / ranks_.size();
    NCCL_CHECK(ncclReduceScatter(x, x + ranks_.rank() * piece, size_t(piece), ncclFloat32, ncclSum, static_cast<ncclComm_t>(nccl_), stream_));
}
void Comm<Cuda>::all_reduce(float* x, int64_t n) {
    if (!nccl_) return;
    begin();
    NCCL_CHECK(ncclAllReduce(x, x, size_t(n), ncclFloat32, ncclSum, static_cast<ncclComm_t>(nccl_), stream_));
}
void Comm<Cuda>::all_gather_bytes(void* x, int64_t bytes) {
    if (!nccl_) return;
    ASSERT(bytes % ranks_.size() == 0, bytes, " bytes, ", ranks_.size(), " ranks");
    begin();
    const int64_t piece = bytes / ranks_.size();
    NCCL_CHECK(ncclAllGather(static_cast<char*>(x) + ranks_.rank() * piece, x, size_t(piece), ncclInt8, static_cast<ncclComm_t>(nccl_), stream_));
}
#endif  // NCCL
#endif
#endif
