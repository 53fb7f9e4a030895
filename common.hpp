// common.hpp -- the few helpers that every chapter shares: errors, text, files, checksums.
//
// An error here is one or two lines: where and what (file, flag, byte offset, got, expected), then what to do. Code throws
// `Error`; only main() catches it, prints it and turns it into the exit status (1: failed, 2: wrong usage).
// A file is either mapped for reading (`MappedFile`) or written under a temporary name, flushed to the disk and renamed
// (`AtomicFile`): whoever looks at the final name sees the old file or the whole new one, never a half.
// Does not: know tokens, tensors or devices.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

// ---- text

// One argument of cat(): a view of a text, or a number written out. It lives no longer than the call.
class Piece {
   public:
    Piece(std::string_view text) : data_(text.data()), size_(text.size()) {}
    Piece(const std::string& text) : Piece(std::string_view(text)) {}
    Piece(const char* text) : Piece(std::string_view(text)) {}
    Piece(char c) : size_(1) { digits_[0] = c; }
    Piece(bool b) : Piece(b ? '1' : '0') {}
    template <std::integral I>
    Piece(I n) : size_(size_t(std::to_chars(digits_, digits_ + sizeof digits_, n).ptr - digits_)) {}
    Piece(double x) : size_(size_t(std::snprintf(digits_, sizeof digits_, "%g", x))) {}   // six significant digits
    Piece(const void* p) : size_(size_t(std::snprintf(digits_, sizeof digits_, "%p", p))) {}
    Piece(const Piece&) = delete;
    std::string_view text() const { return {data_ ? data_ : digits_, size_}; }

   private:
    const char* data_ = nullptr;   // null: digits_
    size_t size_;
    char digits_[24];   // -9223372036854775808 has 20
};
inline std::string cat_pieces(std::initializer_list<Piece> pieces) {
    size_t size = 0;
    for (const Piece& p : pieces) size += p.text().size();
    std::string all;
    all.reserve(size);
    for (const Piece& p : pieces) all += p.text();
    return all;
}
// All arguments (texts and numbers) as one string; a stand-in for std::format, which g++ 12 lacks. Without std::ostream: there are hundreds of
// such calls, and for each argument a compiler weighs all of its operators <<.
template <typename... Args>
std::string cat(const Args&... args) {
    return cat_pieces({Piece(args)...});
}

// printf into a string: for numbers with a fixed width or precision.
__attribute__((format(printf, 1, 2))) inline std::string strprintf(const char* format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    std::string s(size_t(vsnprintf(nullptr, 0, format, args)), '\0');
    vsnprintf(s.data(), s.size() + 1, format, again);
    va_end(args);
    va_end(again);
    return s;
}

// 12345678 -> "12,345,678"
inline std::string with_commas(int64_t n) {
    std::string s = std::to_string(n);
    for (int64_t i = int64_t(s.size()) - 3; i > (s[0] == '-' ? 1 : 0); i -= 3) s.insert(size_t(i), ",");
    return s;
}

// 1536 -> "1.5 KiB"
inline std::string human_bytes(double bytes) {
    const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    while (bytes >= 1024 && u < 4) bytes /= 1024, u++;
    return strprintf(u == 0 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
}

// ---- errors

// What a message quotes out of files is the files' business: a line end or another control character in it is shown as \n or \x1b, so that a message
// is one line and moves no cursor.
inline std::string without_controls(std::string_view s) {
    std::string out;
    for (const char c : s) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') out += "\\n";
        else if (byte < 0x20 || byte == 0x7F) out += strprintf("\\x%02x", byte);
        else out += c;
    }
    return out;
}
// What went wrong, and in `advice` what to do about it (may be empty). status is the exit status of the program.
struct Error : std::runtime_error {
    std::string advice;
    int status;
    explicit Error(const std::string& what, std::string advice_ = "", int status_ = 1)
        : std::runtime_error(without_controls(what)), advice(std::move(advice_)), status(status_) {}
};

// Wrong usage of the command line: exit status 2.
struct UsageError : Error {
    explicit UsageError(const std::string& what, std::string advice_ = "") : Error(what, std::move(advice_), 2) {}
};

// A failed system call: the reason of the system (errno) joins the message.
inline Error system_error(const std::string& what, std::string advice = "") {
    return Error(cat(what, ": ", std::strerror(errno)), std::move(advice));
}

// A broken promise inside the program (not the user's fault): the failing expression, the place, and the numbers.
#define ASSERT(condition, ...)                                                                                    \
    do {                                                                                                          \
        if (!(condition))                                                                                         \
            throw Error(cat(__FILE__, ":", __LINE__, ": broken assertion: " #condition " ", cat(__VA_ARGS__)),    \
                        "this is a defect of the program; please report it with the command line");               \
    } while (0)

// ---- time

// Seconds since an arbitrary fixed moment (monotonic clock).
inline double now_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// ---- files

inline int64_t file_size_bytes(const std::string& path) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw system_error(cat(path, ": cannot be read"));
    if (S_ISDIR(st.st_mode)) throw Error(cat(path, ": is a directory, expected a file"));
    return int64_t(st.st_size);
}

// A read-only view of a whole file through mmap: no copy, any size; the pages come when they are touched.
class MappedFile {
   public:
    MappedFile() = default;
    explicit MappedFile(const std::string& path) : path_(path), size_(file_size_bytes(path)) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) throw system_error(cat(path, ": cannot be opened"));
        if (size_ > 0) {
            void* p = ::mmap(nullptr, size_t(size_), PROT_READ, MAP_PRIVATE, fd, 0);
            if (p == MAP_FAILED) {
                const int saved = errno;
                ::close(fd);
                errno = saved;
                throw system_error(cat(path, ": cannot be mapped"));
            }
            data_ = static_cast<const char*>(p);
        }
        ::close(fd);
    }
    MappedFile(MappedFile&& other) noexcept { swap(other); }
    MappedFile& operator=(MappedFile&& other) noexcept {
        swap(other);
        return *this;
    }
    ~MappedFile() {
        if (data_) ::munmap(const_cast<char*>(data_), size_t(size_));
    }
    const char* data() const { return data_; }
    int64_t size() const { return size_; }
    std::string_view view() const { return {data_, size_t(size_)}; }
    const std::string& path() const { return path_; }

   private:
    void swap(MappedFile& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }
    std::string path_;
    const char* data_ = nullptr;
    int64_t size_ = 0;
};

// The whole file as a string.
inline std::string read_file(const std::string& path) {
    return std::string(MappedFile(path).view());
}

inline void make_directories(const std::string& path) {
    std::error_code ec;
    fs::create_directories(path, ec);
    if (ec) throw Error(cat(path, ": the directory cannot be made: ", ec.message()));
}

// Flush a directory, so that a rename inside it survives a power cut.
inline void fsync_directory(const std::string& path) {
    const int fd = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

// Writes `path + ".tmp"`; commit() flushes it and renames it to `path`. Without commit() nothing is left behind.
class AtomicFile {
   public:
    explicit AtomicFile(const std::string& path) : path_(path), tmp_path_(path + ".tmp") {
        file_ = std::fopen(tmp_path_.c_str(), "wbe");
        if (!file_) throw system_error(cat(tmp_path_, ": cannot be written"));
    }
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile() {
        if (!file_) return;
        std::fclose(file_);
        ::unlink(tmp_path_.c_str());
    }
    void write(const void* data, size_t bytes) {
        if (bytes && std::fwrite(data, 1, bytes, file_) != bytes)
            throw system_error(cat(tmp_path_, ": writing ", bytes, " bytes failed"), "is the disk full?");
        written_ += int64_t(bytes);
    }
    void write(std::string_view s) { write(s.data(), s.size()); }
    // Overwrite bytes at `offset` (a header that is known only at the end); the position is back at the end after it.
    void write_at(int64_t offset, const void* data, size_t bytes) {
        if (std::fseek(file_, long(offset), SEEK_SET) != 0) throw system_error(cat(tmp_path_, ": seek failed"));
        if (std::fwrite(data, 1, bytes, file_) != bytes)
            throw system_error(cat(tmp_path_, ": writing ", bytes, " bytes failed"), "is the disk full?");
        if (std::fseek(file_, 0, SEEK_END) != 0) throw system_error(cat(tmp_path_, ": seek failed"));
    }
    int64_t written_bytes() const { return written_; }
    void commit() {
        const bool flushed = std::fflush(file_) == 0 && ::fsync(fileno(file_)) == 0;
        const int saved = errno;
        const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
        if (!flushed || !closed) {
            if (!flushed) errno = saved;
            const Error error = system_error(cat(tmp_path_, ": cannot be flushed to the disk"), "is the disk full?");
            ::unlink(tmp_path_.c_str());
            throw error;
        }
        if (std::rename(tmp_path_.c_str(), path_.c_str()) != 0) {
            const Error error = system_error(cat(tmp_path_, ": cannot be renamed to ", path_));
            ::unlink(tmp_path_.c_str());
            throw error;
        }
        fsync_directory(fs::path(path_).parent_path().string());
    }

   private:
    std::string path_, tmp_path_;
    std::FILE* file_ = nullptr;
    int64_t written_ = 0;
};

inline void write_file(const std::string& path, std::string_view content) {
    AtomicFile out(path);
    out.write(content);
    out.commit();
}

// ---- checksums

// CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), as zlib's crc32(); pass the last value to go on. Slicing by 8.
inline uint32_t crc32(const void* data, size_t bytes, uint32_t crc = 0) {
    static const auto table = [] {
        std::array<std::array<uint32_t, 256>, 8> t{};
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = (c >> 1) ^ ((c & 1) ? 0xEDB88320u : 0u);
            t[0][i] = c;
        }
        for (uint32_t i = 0; i < 256; i++)
            for (size_t k = 1; k < 8; k++) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
        return t;
    }();
    const auto* p = static_cast<const unsigned char*>(data);
    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint32_t lo, hi;
        std::memcpy(&lo, p, 4);
        std::memcpy(&hi, p + 4, 4);
        lo ^= crc;
        crc = table[7][lo & 255] ^ table[6][(lo >> 8) & 255] ^ table[5][(lo >> 16) & 255] ^ table[4][lo >> 24] ^
              table[3][hi & 255] ^ table[2][(hi >> 8) & 255] ^ table[1][(hi >> 16) & 255] ^ table[0][hi >> 24];
    }
    for (; bytes; bytes--, p++) crc = (crc >> 8) ^ table[0][(crc ^ *p) & 255];
    return ~crc;
}

// SplitMix64 (Steele, Lea, Flood 2014): one good 64-bit hash step; also seeds other generators.
constexpr uint64_t splitmix64(uint64_t x) {
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

// A small fast generator for everything but weight initialisation (that one is PyTorch's, see kernels/random.hpp).
// Its whole state is one integer, so a checkpoint can hold it and a stream can be derived from (seed, step, row).
struct Rng {
    uint64_t state = 0;
    explicit Rng(uint64_t seed = 0) : state(seed) {}
    // An independent stream for each tuple of numbers.
    template <typename... Ints>
    static Rng stream(uint64_t seed, Ints... keys) {
        uint64_t s = splitmix64(seed);
        ((s = splitmix64(s ^ uint64_t(keys))), ...);
        return Rng(s);
    }
    uint64_t next() {
        const uint64_t z = splitmix64(state);
        state += 0x9E3779B97F4A7C15ull;
        return z;
    }
    // [0, 1) with 24 or 53 bits
    float uniform() { return float(next() >> 40) * 0x1p-24f; }
    double uniform_double() { return double(next() >> 11) * 0x1p-53; }
    // 0 <= result < n, without modulo bias worth naming (n << 2^64)
    uint64_t below(uint64_t n) { return uint64_t((unsigned __int128)(next()) * n >> 64); }
    // Every order equally likely (Fisher and Yates).
    template <typename X>
    void shuffle(std::vector<X>& v) {
        for (size_t i = v.size(); i > 1; i--) std::swap(v[i - 1], v[below(i)]);
    }
};
