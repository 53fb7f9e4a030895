// dev/emu/nccl.cpp -- NCCL for the emulator: ranks are processes, and the collectives go through the TCP star of ranks.hpp when the stream
// comes to them. Sums are added in the order of the ranks. As in NCCL, a reduce-scatter writes the caller's piece and nothing else.
// A GPU works while its process waits for a message from another rank; the emulator's streams do not, and two ranks could wait for each other
// for ever. So a collective brings its stream up to date before it returns, which a GPU may do as well.
#include <nccl.h>

#include <cstring>

#include "../../kernels/device.hpp"
#include "../../ranks.hpp"

struct EmuNcclComm {
    Ranks ranks;
};

const char* ncclGetErrorString(ncclResult_t status) {
    switch (status) {
        case ncclSuccess: return "no error";
        case ncclSystemError: return "system error";
        case ncclInvalidArgument: return "invalid argument";
        default: return "other error";
    }
}

// The id names the port where rank 0 will listen.
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    const int port = ranks::free_port();
    if (port < 0) return ncclSystemError;
    std::memset(id, 0, sizeof(*id));
    std::memcpy(id->internal, &port, sizeof(port));
    return ncclSuccess;
}
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
    if (size < 1 || rank < 0 || rank >= size) return ncclInvalidArgument;
    RankInfo info;
    info.rank = rank, info.size = size;
    std::memcpy(&info.port, id.internal, sizeof(info.port));
    *comm = new EmuNcclComm{Ranks(info)};
    return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    delete comm;
    return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) { return ncclCommDestroy(comm); }

ncclResult_t ncclAllReduce(const void* in, void* out, size_t count, ncclDataType_t type, ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
    if (type != ncclFloat32) return ncclInvalidArgument;
    emu::enqueue(stream, [=] {
        std::vector<float> x(count);
        std::memcpy(x.data(), in, count * sizeof(float));
        comm->ranks.sum(x.data(), count);
        std::memcpy(out, x.data(), count * sizeof(float));
    });
    return cudaStreamSynchronize(stream) == cudaSuccess ? ncclSuccess : ncclUnhandledCudaError;
}
ncclResult_t ncclReduceScatter(const void* in, void* out, size_t out_count, ncclDataType_t type, ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
    if (type != ncclFloat32) return ncclInvalidArgument;
    emu::enqueue(stream, [=] {
        std::vector<float> x(out_count * size_t(comm->ranks.size()));
        std::memcpy(x.data(), in, x.size() * sizeof(float));
        comm->ranks.sum(x.data(), x.size());
        std::memcpy(out, x.data() + size_t(comm->ranks.rank()) * out_count, out_count * sizeof(float));
    });
    return cudaStreamSynchronize(stream) == cudaSuccess ? ncclSuccess : ncclUnhandledCudaError;
}
ncclResult_t ncclAllGather(const void* in, void* out, size_t in_count, ncclDataType_t type, ncclComm_t comm, cudaStream_t stream) {
    const size_t bytes = in_count * (type == ncclFloat32 ? 4 : type == ncclBfloat16 ? 2 : 1);
    emu::enqueue(stream, [=] {
        std::vector<char> x(bytes * size_t(comm->ranks.size()));
        std::memcpy(x.data() + size_t(comm->ranks.rank()) * bytes, in, bytes);
        comm->ranks.all_gather(x.data(), bytes);
        std::memcpy(out, x.data(), x.size());
    });
    return cudaStreamSynchronize(stream) == cudaSuccess ? ncclSuccess : ncclUnhandledCudaError;
}
