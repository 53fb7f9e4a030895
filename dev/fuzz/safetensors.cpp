// A safetensors file: what the reader accepts lies inside of the file, every tensor of it, and can be read.
#include "../../safetensors.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const FuzzFile file("tensors");
    const std::string& path = file.write({reinterpret_cast<const char*>(data), size});
    answered([&] {
        const SafetensorsFile tensors(path);
        int64_t covered = 0;
        for (const auto& t : tensors.tensors()) {
            must(t.begin == covered && t.end >= t.begin && tensors.find(t.name) == &t);
            covered = t.end;
            const int64_t n = t.end - t.begin;       // every byte of it can be read
            const char* bytes = tensors.data(t);
            unsigned sum = 0;
            for (int64_t i = 0; i < n; i++) sum += static_cast<unsigned char>(bytes[i]);
            must(sum <= unsigned(n) * 255u);
            answered([&] {                           // as numbers, where they are some
                std::vector<float> numbers(static_cast<size_t>(t.size()));
                tensors.read(t, numbers.data());
            });
        }
    });
    return 0;
}
