// safetensors.hpp -- named tensors in one file: Hugging Face's format, read and written.
//
// A file is an 8-byte length, a JSON header {"name": {"dtype", "shape", "data_offsets"}} and one buffer that the
// tensors fill without gap or overlap. `SafetensorsFile` maps it and checks all of this before anyone touches a number:
// after the constructor every entry lies inside the file and has exactly the bytes of its shape. `SafetensorsWriter` is
// told names and shapes first, then takes the numbers as a stream, so that no second copy of a model is ever in memory.
// Numbers are handed over as fp32; the file's type (F32, BF16, F16) is converted on the way. Other types may lie in a
// file (Hugging Face keeps masks in some) but not be read as numbers.
// Does not: know what a model is, or which tensors it needs.
#pragma once

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "common.hpp"
#include "kernels/device.hpp"
#include "json_text.hpp"

// ---- number types of a file

// IEEE half precision -> float, exactly; NaN stays NaN.
inline float half_to_float(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3FF;
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * float(mantissa) * 0x1p-24f;  // zero and subnormals
    const uint32_t bits = sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | (mantissa << 13);
    float f;
    std::memcpy(&f, &bits, 4);
    return f;
}

namespace safetensors {

struct DtypeInfo {
    const char* name;
    int64_t bytes;
};
inline constexpr DtypeInfo kDtypes[] = {
    {"F32", 4}, {"BF16", 2}, {"F16", 2}, {"F64", 8}, {"I64", 8}, {"U64", 8}, {"I32", 4},     {"U32", 4},
    {"I16", 2}, {"U16", 2},  {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
};
inline int64_t dtype_bytes(std::string_view dtype) {  // 0: unknown
    for (const DtypeInfo& d : kDtypes)
        if (dtype == d.name) return d.bytes;
    return 0;
}

// fp32 -> the file's type, and back. Both sides may be unaligned.
inline void to_file(char* out, const float* in, int64_t n, std::string_view dtype) {
    if (n == 0) return;  // memcpy wants pointers even for nothing
    if (dtype == "F32") {
        std::memcpy(out, in, size_t(n) * 4);
    } else if (dtype == "BF16") {
        for (int64_t i = 0; i < n; i++) {
            const bf16 b(in[i]);
            std::memcpy(out + 2 * i, &b.bits, 2);
        }
    } else {
        throw Error(cat("tensors of type ", dtype, " are not written, expected F32 or BF16"));
    }
}
inline void from_file(float* out, const char* in, int64_t n, std::string_view dtype) {
    if (n == 0) return;
    if (dtype == "F32") {
        std::memcpy(out, in, size_t(n) * 4);
    } else if (dtype == "BF16" || dtype == "F16") {
        const bool is_bf16 = dtype == "BF16";
        for (int64_t i = 0; i < n; i++) {
            bf16 b;
            std::memcpy(&b.bits, in + 2 * i, 2);
            out[i] = is_bf16 ? float(b) : half_to_float(b.bits);
        }
    } else {
        throw Error(cat("a tensor of type ", dtype, " cannot be read as numbers, expected F32, BF16 or F16"));
    }
}

// "[768, 2304]"
inline std::string shape_text(const std::vector<int64_t>& shape) {
    std::string s;
    for (int64_t d : shape) s += (s.empty() ? "" : ", ") + std::to_string(d);
    return "[" + s + "]";
}
// A name out of a file, safe to print: quoted, escaped, on one line, not endless.
inline std::string quoted(const std::string& name) {
    return json_text(nlohmann::json(name.size() > 100 ? name.substr(0, 100) + "..." : name), -1, JsonBytes::ascii);
}

}  // namespace safetensors

// One tensor of a file. When a writer is told its tensors, `begin` and `end` are left out.
struct StoredTensor {
    std::string name;
    std::string dtype;               // "F32", "BF16", "F16", ...
    std::vector<int64_t> shape;
    int64_t begin = 0, end = 0;      // bytes, from the beginning of the buffer

    int64_t size() const {           // numbers
        int64_t n = 1;
        for (int64_t d : shape) n *= d;
        return n;
    }
};

// ---- reading

class SafetensorsFile {
   public:
    explicit SafetensorsFile(const std::string& path) : file_(path) {
        const nlohmann::json header = parse_header();
        for (const auto& [name, entry] : header.items()) {
            if (name != "__metadata__") tensors_.push_back(check_entry(name, entry));
            else if (entry.is_object())
                for (const auto& [key, value] : entry.items())
                    if (value.is_string()) metadata[key] = value.get<std::string>();
        }
        check_cover();
        for (size_t i = 0; i < tensors_.size(); i++) index_[tensors_[i].name] = i;
    }

    const std::string& path() const { return file_.path(); }
    const std::vector<StoredTensor>& tensors() const { return tensors_; }  // in the order of their bytes
    const StoredTensor* find(const std::string& name) const {              // nullptr: not there
        const auto it = index_.find(name);
        return it == index_.end() ? nullptr : &tensors_[it->second];
    }
    const StoredTensor& at(const std::string& name) const {
        const StoredTensor* t = find(name);
        if (!t) throw Error(cat(path(), ": has no tensor ", safetensors::quoted(name)));
        return *t;
    }
    // The raw bytes of a tensor, t.end - t.begin of them; not aligned.
    const char* data(const StoredTensor& t) const { return file_.data() + data_begin_ + t.begin; }
    // All numbers of a tensor as fp32: out has t.size() places.
    void read(const StoredTensor& t, float* out) const {
        try {
            safetensors::from_file(out, data(t), t.size(), t.dtype);
        } catch (const Error& e) {
            throw Error(cat(path(), ": ", safetensors::quoted(t.name), ": ", e.what()));
        }
    }

    std::map<std::string, std::string> metadata;

   private:
    static constexpr int64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format's own library

    [[noreturn]] void refuse(int64_t offset, const std::string& what) const {
        throw Error(cat(path(), ": not a valid safetensors file: byte ", offset, ": ", what),
                    "the file is damaged, cut short or of another kind: copy or download it again");
    }

    nlohmann::json parse_header() {
        if (file_.size() < 10) refuse(0, cat("the file has ", file_.size(), " bytes, expected at least 10"));
        uint64_t length;
        std::memcpy(&length, file_.data(), 8);
        if (length < 2 || length > uint64_t(kMaxHeaderBytes))
            refuse(0, cat("header length ", length, ", expected 2..", kMaxHeaderBytes));
        if (length > uint64_t(file_.size()) - 8)
            refuse(0, cat("header length ", length, ", but only ", file_.size() - 8, " bytes follow"));
        data_begin_ = 8 + int64_t(length);
        if (file_.data()[8] != '{') refuse(8, "the header does not begin with {");
        // The library keeps the last of two equal keys and any depth: both are refused while it parses.
        std::unordered_set<std::string> names;
        auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
            using Event = nlohmann::json::parse_event_t;
            if (depth > 3) refuse(8, "the header is nested deeper than names, fields and shapes");
            if (event == Event::key && depth == 1 && !names.insert(value.get<std::string>()).second)
                refuse(8, cat("the header names the tensor ", safetensors::quoted(value.get<std::string>()), " twice"));
            return true;
        };
        nlohmann::json header;
        try {
            header = parse_json_text<nlohmann::json>({file_.data() + 8, size_t(data_begin_ - 8)}, watch);
        } catch (const nlohmann::json::parse_error& e) {
            refuse(7 + int64_t(e.byte), "the header is not valid JSON");
        } catch (const nlohmann::json::exception&) {
            refuse(8, "the header has a number that is out of range");
        }
        return header;
    }

    StoredTensor check_entry(const std::string& name, const nlohmann::json& entry) const {
        auto wrong = [&](const std::string& what) {
            refuse(8, cat("header entry ", safetensors::quoted(name), ": ", what));
        };
        if (!entry.is_object()) wrong("is not an object");
        for (const char* field : {"dtype", "shape", "data_offsets"})
            if (!entry.contains(field)) wrong(cat("has no \"", field, "\""));
        StoredTensor t;
        t.name = name;
        const auto &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
        if (!dtype.is_string()) wrong("\"dtype\" is not a string");
        t.dtype = dtype.get<std::string>();
        int64_t bytes = safetensors::dtype_bytes(t.dtype);
        if (bytes == 0) wrong(cat("unknown dtype ", safetensors::quoted(t.dtype)));
        auto whole = [&](const nlohmann::json& v, const char* field) -> int64_t {
            if (!v.is_number_unsigned() || v.get<uint64_t>() > uint64_t(INT64_MAX))
                wrong(cat("\"", field, "\" holds something that is not a whole number >= 0"));
            return int64_t(v.get<uint64_t>());
        };
        if (!shape.is_array()) wrong("\"shape\" is not a list");
        for (const auto& d : shape) {
            t.shape.push_back(whole(d, "shape"));
            if (__builtin_mul_overflow(bytes, t.shape.back(), &bytes)) wrong("\"shape\" has more than 2^63 bytes");
        }
        if (!offsets.is_array() || offsets.size() != 2) wrong("\"data_offsets\" is not a pair");
        t.begin = whole(offsets[0], "data_offsets");
        t.end = whole(offsets[1], "data_offsets");
        const int64_t buffer = file_.size() - data_begin_;
        if (t.begin > t.end || t.end > buffer)
            wrong(cat("data_offsets [", t.begin, ", ", t.end, "] do not lie in the buffer of ", buffer, " bytes"));
        if (t.end - t.begin != bytes)
            wrong(cat("data_offsets [", t.begin, ", ", t.end, "] hold ", t.end - t.begin, " bytes, but ", t.dtype, " ",
                      safetensors::shape_text(t.shape), " needs ", bytes));
        return t;
    }

    // The tensors must fill the buffer from the first byte to the last.
    void check_cover() {
        std::sort(tensors_.begin(), tensors_.end(), [](const StoredTensor& a, const StoredTensor& b) {
            return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
        });
        int64_t at = 0;
        for (const StoredTensor& t : tensors_) {
            if (t.begin != at)
                refuse(data_begin_ + std::min(at, t.begin),
                       cat("tensor ", safetensors::quoted(t.name),
                           t.begin < at ? " overlaps the one before it" : " follows a gap"));
            at = t.end;
        }
        if (data_begin_ + at != file_.size())
            refuse(data_begin_ + at, cat("the tensors end here, but the file has ", file_.size(), " bytes"));
    }

    MappedFile file_;
    int64_t data_begin_ = 0;
    std::vector<StoredTensor> tensors_;
    std::unordered_map<std::string, size_t> index_;
};

// ---- writing

// Tensors are declared in the constructor and their numbers then come in the same order through append(), in pieces of
// any size. commit() checks that everything came; before it the final name does not exist.
class SafetensorsWriter {
   public:
    SafetensorsWriter(const std::string& path, std::vector<StoredTensor> tensors,
                      const std::map<std::string, std::string>& metadata = {{"format", "pt"}})
        : path_(path), out_(path), tensors_(std::move(tensors)) {
        std::string text = "{\"__metadata__\":" + json_text(nlohmann::json(metadata));
        std::unordered_set<std::string> names;
        int64_t at = 0;
        for (StoredTensor& t : tensors_) {
            const int64_t bytes = safetensors::dtype_bytes(t.dtype);
            ASSERT(bytes > 0, "dtype ", t.dtype, " of ", t.name);
            ASSERT(names.insert(t.name).second, "tensor ", t.name, " is declared twice");
            t.begin = at;
            t.end = at += t.size() * bytes;
            text += "," + json_text(nlohmann::json(t.name)) + ":" +
                    json_text(nlohmann::json{{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {t.begin, t.end}}});
        }
        text += "}";
        text.resize(round_up(text.size(), size_t(8)), ' ');  // the buffer begins at a multiple of 8, as the format asks
        const uint64_t length = text.size();
        out_.write(&length, 8);
        out_.write(text);
        buffer_begin_ = out_.written_bytes();
    }

    // The next n numbers of the tensor whose turn it is.
    void append(const float* x, int64_t n) {
        const StoredTensor& t = turn();
        const int64_t width = safetensors::dtype_bytes(t.dtype);
        check_room(t, n * width);
        if (t.dtype == "F32") return out_.write(x, size_t(n) * 4);
        char piece[1 << 14];
        for (int64_t i = 0; i < n;) {
            const int64_t m = std::min(n - i, int64_t(sizeof piece) / width);
            safetensors::to_file(piece, x + i, m, t.dtype);
            out_.write(piece, size_t(m * width));
            i += m;
        }
    }
    // The same with bytes that are in the file's type already.
    void append_raw(const void* data, int64_t bytes) {
        check_room(turn(), bytes);
        out_.write(data, size_t(bytes));
    }
    void commit() {
        const int64_t want = tensors_.empty() ? 0 : tensors_.back().end;
        ASSERT(position() == want, path_, ": ", position(), " of ", want, " bytes came");
        out_.commit();
    }

   private:
    int64_t position() const { return out_.written_bytes() - buffer_begin_; }
    const StoredTensor& turn() {
        while (next_ < tensors_.size() && tensors_[next_].end <= position()) next_++;
        ASSERT(next_ < tensors_.size(), path_, ": more numbers than were declared");
        return tensors_[next_];
    }
    void check_room(const StoredTensor& t, int64_t bytes) const {
        ASSERT(position() + bytes <= t.end, path_, ": ", bytes, " bytes for ", t.name, ", which has room for ",
               t.end - position());
    }

    std::string path_;
    AtomicFile out_;
    std::vector<StoredTensor> tensors_;
    size_t next_ = 0;
    int64_t buffer_begin_ = 0;
};
