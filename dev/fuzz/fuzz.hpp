// dev/fuzz/fuzz.hpp -- what the libFuzzer targets here share. `make fuzz` builds each and runs it for a minute; see run.sh.
//
// A target gets bytes that libFuzzer has invented by watching which branches they reach. Any input may be refused, but only
// with an Error of one or two lines; a crash, a leak, a read beyond the end, an answer that contradicts itself stop the run.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../../common.hpp"

// Runs f; an Error is an answer, as long as it says something, in one line.
template <typename F>
bool answered(F&& f) {
    try {
        f();
        return true;
    } catch (const Error& e) {
        const std::string_view what = e.what();
        if (what.empty() || what.find('\n') != what.npos) std::abort();
        return false;
    }
}
// A broken promise: libFuzzer keeps the input.
inline void must(bool promise) {
    if (!promise) std::abort();
}

// A file with these bytes, for readers that map one; in memory where /dev/shm is.
class FuzzFile {
   public:
    explicit FuzzFile(const char* name) : path_(cat(fs::is_directory("/dev/shm") ? "/dev/shm" : "/tmp", "/train_gpt_fuzz_", ::getpid(), "_", name)) {}
    ~FuzzFile() { ::unlink(path_.c_str()); }
    const std::string& write(std::string_view bytes) const {
        std::FILE* f = std::fopen(path_.c_str(), "wb");
        must(f && std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size() && std::fclose(f) == 0);
        return path_;
    }

   private:
    std::string path_;
};
