// dev/test/device_buffer.hpp -- values in the memory of a GPU (or of the emulated one), for tests that compare it with the Cpu.
#pragma once

#include "../../kernels/device.hpp"
#include "test.hpp"

// A copy of host values in device memory, and back.
template <typename T>
class Buffer {
   public:
    Buffer(Cuda& dev, const std::vector<float>& values) : dev_(dev), n_(int64_t(values.size())), p_(static_cast<T*>(dev.allocate(values.size() * sizeof(T) + 1))) {
        const std::vector<T> host = stored<T>(values);
        dev.copy_in(p_, host.data(), host.size() * sizeof(T));
        dev.synchronize();
    }
    Buffer(const Buffer&) = delete;
    ~Buffer() { dev_.release(p_); }
    T* get() const { return p_; }
    operator T*() const { return p_; }
    std::vector<float> values() const {
        std::vector<T> host(size_t(n_), T(0.0f));
        dev_.copy_out(host.data(), p_, host.size() * sizeof(T));
        return {host.begin(), host.end()};
    }

   private:
    Cuda& dev_;
    int64_t n_;
    T* p_;
};
