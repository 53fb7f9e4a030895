// io.hpp -- lines in and out: plain, gzip and zstd files, streamed with a few hundred kB of memory each.
//
// The form of an input file is seen from its first bytes, that of an output file from its name (.gz, .zst). A gzip file may
// have many members and a zstd file many frames (as `cat a.gz b.gz` makes them). An output is written under a temporary name
// and renamed when it is whole, so a name without .tmp is always a complete file, and a killed run leaves nothing to trust.
// gzip is written without a time stamp: the same documents give the same bytes.
// zlib and zstd serve because archives and corpora come in these two forms; the trainer reads both.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include <charconv>
#include <memory>

#include "../../utf8.hpp"
#include "stage.hpp"

namespace webtext {

constexpr size_t kIoBytes = size_t(256) << 10;

// Reads a file's bytes, decompressed. path "-" is standard input.
class InputFile {
   public:
    // max_line: what line() keeps of a line, in bytes.
    explicit InputFile(const std::string& path, size_t max_line = size_t(8) << 20) : path_(path), max_line_(max_line) {
        file_.reset(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
        if (!file_) throw system_error(cat(path, ": cannot be opened"));
        raw_.resize(kIoBytes);
        fill();
        const auto starts = [&](std::string_view magic) { return std::string_view(raw_.data(), have_).starts_with(magic); };
        if (starts("\x1f\x8b")) {
            kind_ = Kind::gzip;
            if (inflateInit2(&z_, 15 + 16) != Z_OK) throw Error(cat(path_, ": zlib cannot be started"));
            inflating_ = true;
        } else if (starts("\x28\xb5\x2f\xfd")) {
            kind_ = Kind::zstd;
            zstd_.reset(ZSTD_createDStream());
            if (!zstd_) throw Error(cat(path_, ": zstd cannot be started"));
        }
    }
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile() {
        if (inflating_) inflateEnd(&z_);
    }
    // Up to `bytes` > 0 bytes; 0 only at the end. Throws an Error where the compressed data is broken or cut off.
    size_t read(char* out, size_t bytes) {
        return kind_ == Kind::plain ? read_plain(out, bytes) : kind_ == Kind::gzip ? read_gzip(out, bytes) : read_zstd(out, bytes);
    }
    // The next line without its newline; false at the end. The view is good until the next call. Of a line beyond max_line
    // nothing is given, and too_long() says so.
    bool line(std::string_view& line) {
        for (too_long_ = false;;) {
            const size_t newline = buffer_.find('\n', searched_), size = std::min(newline, buffer_.size()) - begin_;
            too_long_ = too_long_ || size > max_line_;
            if (newline != std::string::npos || (at_end_ && (size > 0 || too_long_))) {
                line = too_long_ ? std::string_view() : std::string_view(buffer_).substr(begin_, size);
                begin_ = searched_ = newline == std::string::npos ? buffer_.size() : newline + 1;
                line_++;
                return true;
            }
            if (at_end_) return false;
            buffer_.erase(0, too_long_ ? buffer_.size() : begin_);
            begin_ = 0;
            searched_ = buffer_.size();
            buffer_.resize(searched_ + kIoBytes);
            const size_t n = read(buffer_.data() + searched_, kIoBytes);
            buffer_.resize(searched_ + n);
            at_end_ = n == 0;
        }
    }
    bool too_long() const { return too_long_; }
    int64_t line_number() const { return line_; }        // of the line read last, from 1
    const std::string& path() const { return path_; }

   private:
    enum class Kind { plain, gzip, zstd };
    struct Close {
        void operator()(std::FILE* f) const {
            if (f != stdin) std::fclose(f);
        }
    };
    struct FreeZstd {
        void operator()(ZSTD_DStream* z) const { ZSTD_freeDStream(z); }
    };
    void fill() {
        at_ = 0;
        have_ = std::fread(raw_.data(), 1, raw_.size(), file_.get());
        if (have_ == 0 && std::ferror(file_.get())) throw system_error(cat(path_, ": reading failed"));
    }
    size_t read_plain(char* out, size_t bytes) {
        if (at_ == have_) fill();
        const size_t n = std::min(bytes, have_ - at_);
        std::memcpy(out, raw_.data() + at_, n);
        at_ += n;
        return n;
    }
    Error cut_off() const { return Error(cat(path_, ": the compressed file ends in the middle"), "was it copied completely?"); }
    size_t read_gzip(char* out, size_t bytes) {
        z_.next_out = reinterpret_cast<Bytef*>(out);
        z_.avail_out = uInt(std::min<size_t>(bytes, 1u << 30));
        const uInt wanted = z_.avail_out;
        while (z_.avail_out == wanted) {
            if (at_ == have_) fill();
            if (have_ == 0) {
                if (!between_) throw cut_off();
                return 0;
            }
            if (between_ && member_ > 0) {               // behind a member: another one, or padding of zeros at the end
                while (at_ < have_ && raw_[at_] == 0) at_++;
                if (at_ == have_) continue;
                inflateReset(&z_);
            }
            between_ = false;
            z_.next_in = reinterpret_cast<Bytef*>(raw_.data() + at_);
            z_.avail_in = uInt(have_ - at_);
            const int result = inflate(&z_, Z_NO_FLUSH);
            at_ = have_ - z_.avail_in;
            if (result == Z_STREAM_END) between_ = true, member_++;
            else if (result != Z_OK && result != Z_BUF_ERROR)
                throw Error(cat(path_, ": broken gzip data in member ", member_ + 1, ": ", z_.msg ? z_.msg : "?"));
        }
        return wanted - z_.avail_out;
    }
    size_t read_zstd(char* out, size_t bytes) {
        ZSTD_outBuffer to{out, bytes, 0};
        while (to.pos == 0) {
            if (at_ == have_) fill();
            if (have_ == 0) {
                if (!between_) throw cut_off();
                return 0;
            }
            ZSTD_inBuffer from{raw_.data(), have_, at_};
            const size_t result = ZSTD_decompressStream(zstd_.get(), &to, &from);
            if (ZSTD_isError(result)) throw Error(cat(path_, ": broken zstd data: ", ZSTD_getErrorName(result)));
            at_ = from.pos;
            between_ = result == 0;
        }
        return to.pos;
    }

    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
    Kind kind_ = Kind::plain;
    std::vector<char> raw_;                              // bytes of the file
    size_t at_ = 0, have_ = 0;
    z_stream z_{};
    bool inflating_ = false, between_ = true;            // between members or frames: here a file may end
    int64_t member_ = 0;
    std::unique_ptr<ZSTD_DStream, FreeZstd> zstd_;
    std::string buffer_;                                 // decompressed, for lines
    size_t max_line_, begin_ = 0, searched_ = 0;
    bool at_end_ = false, too_long_ = false;
    int64_t line_ = 0;
};

// Writes a file, compressed as its name says; commit() makes it appear. path "-" is standard output.
class OutputFile {
   public:
    explicit OutputFile(const std::string& path) : path_(path) {
        if (path != "-") file_ = std::make_unique<AtomicFile>(path);
        if (path.ends_with(".gz")) {
            if (deflateInit2(&z_, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw Error(cat(path_, ": zlib cannot be started"));
            deflating_ = true;
        } else if (path.ends_with(".zst")) {
            zstd_.reset(ZSTD_createCStream());
            if (!zstd_ || ZSTD_isError(ZSTD_initCStream(zstd_.get(), 3))) throw Error(cat(path_, ": zstd cannot be started"));
        }
    }
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile() {
        if (deflating_) deflateEnd(&z_);
    }
    void write(std::string_view bytes) {
        buffer_ += bytes;
        if (buffer_.size() >= kIoBytes) flush(false);
    }
    void commit() {
        flush(true);
        if (file_) file_->commit();
        else if (std::fflush(stdout) != 0) throw system_error("standard output cannot be written");
    }

   private:
    struct FreeZstd {
        void operator()(ZSTD_CStream* z) const { ZSTD_freeCStream(z); }
    };
    void put(const char* data, size_t bytes) {
        if (file_) file_->write(data, bytes);
        else if (bytes && std::fwrite(data, 1, bytes, stdout) != bytes) throw system_error("standard output cannot be written");
    }
    void flush(bool end) {
        if (!deflating_ && !zstd_) {
            put(buffer_.data(), buffer_.size());
            buffer_.clear();
            return;
        }
        std::vector<char> out(kIoBytes);
        if (deflating_) {
            z_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
            z_.avail_in = uInt(buffer_.size());
            do {
                z_.next_out = reinterpret_cast<Bytef*>(out.data());
                z_.avail_out = uInt(out.size());
                deflate(&z_, end ? Z_FINISH : Z_NO_FLUSH);
                put(out.data(), out.size() - z_.avail_out);
            } while (z_.avail_out == 0);
        } else {
            ZSTD_inBuffer from{buffer_.data(), buffer_.size(), 0};
            for (size_t left = 1; from.pos < from.size || (end && left);) {
                ZSTD_outBuffer to{out.data(), out.size(), 0};
                left = ZSTD_compressStream2(zstd_.get(), &to, &from, end ? ZSTD_e_end : ZSTD_e_continue);
                if (ZSTD_isError(left)) throw Error(cat(path_, ": zstd: ", ZSTD_getErrorName(left)));
                put(out.data(), to.pos);
            }
        }
        buffer_.clear();
    }

    std::string path_;
    std::unique_ptr<AtomicFile> file_;
    z_stream z_{};
    bool deflating_ = false;
    std::unique_ptr<ZSTD_CStream, FreeZstd> zstd_;
    std::string buffer_;
};

// ---- documents as lines

// The first '"', backslash or control character from `at` on; eight bytes at a time (Warren, Hacker's Delight, 6-1: the lowest byte
// that a difference marks is right, and only that is used).
inline size_t find_escape(std::string_view s, size_t at) {
    constexpr uint64_t ones = 0x0101010101010101ull, tops = 0x8080808080808080ull;
    const auto zero = [](uint64_t x) { return (x - ones) & ~x & tops; };
    for (; at + 8 <= s.size(); at += 8) {
        uint64_t x;
        std::memcpy(&x, s.data() + at, 8);
        if (const uint64_t hit = zero(x ^ ones * '"') | zero(x ^ ones * '\\') | ((x - ones * 0x20) & ~x & tops)) return at + size_t(__builtin_ctzll(hit)) / 8;
    }
    for (; at < s.size(); at++)
        if (static_cast<unsigned char>(s[at]) < 0x20 || s[at] == '"' || s[at] == '\\') return at;
    return s.npos;
}

// Arrays and objects may lie so deep in each other: nlohmann's dump() and its like call themselves for each level, and a line made of a
// hundred thousand brackets would end the program. No document is like that.
constexpr int kMaxDepth = 512;
inline bool is_too_deep(std::string_view json) {
    int depth = 0;
    for (size_t i = 0; i < json.size(); i++) {
        const char c = json[i];
        if (c == '"') {
            for (i++; i < json.size() && json[i] != '"'; i++) i += json[i] == '\\';
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxDepth) return true;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return false;
}

// A line as our own stages write it, with the text in front: the text is most of it, and is read without the general parser. False
// where anything is unusual; then the general parser has to say what it is.
inline bool parse_document_fast(std::string_view line, Document& document, const std::string& field) {
    const std::string start = cat("{\"", field, "\":");
    if (!line.starts_with(start)) return false;
    size_t at = start.size();
    at += at < line.size() && line[at] == ' ';
    if (at >= line.size() || line[at++] != '"') return false;
    std::string& out = document.text;
    for (out.clear();;) {
        const size_t end = find_escape(line, at);
        if (end == line.npos) return false;
        out.append(line, at, end - at);
        at = end + 1;
        if (line[end] == '"') break;
        if (line[end] != '\\' || at == line.size()) return false;
        static constexpr char from[] = "bfnrt\"\\/", to[] = "\b\f\n\r\t\"\\/";
        const char c = line[at++], *escape = c ? std::strchr(from, c) : nullptr;
        if (escape) {
            out += to[escape - from];
            continue;
        }
        uint32_t code = 0;
        if (c != 'u' || line.size() - at < 4) return false;
        const auto [hex_end, error] = std::from_chars(line.data() + at, line.data() + at + 4, code, 16);
        if (error != std::errc() || hex_end != line.data() + at + 4 || (code >= 0xD800 && code <= 0xDFFF)) return false;
        append_utf8(out, char32_t(code));
        at += 4;
    }
    if (!is_valid_utf8(out) || at == line.size()) return false;
    document.metadata = Json::object();
    if (line.substr(at) == "}") return true;
    if (line[at] != ',') return false;
    const std::string facts = cat("{", line.substr(at + 1));
    if (is_too_deep(facts)) return false;
    Json rest = Json::parse(facts, nullptr, false);
    if (!rest.is_object() || rest.empty() || rest.contains(field)) return false;
    document.metadata = std::move(rest);
    return true;
}

// A line of JSONL as a document. False if it is no JSON object with a string `field`, or too deep; then `why` says so.
inline bool parse_document_slowly(std::string_view line, Document& document, std::string& why, const std::string& field = "text") {
    if (is_too_deep(line)) {
        why = cat("nested deeper than ", kMaxDepth);
        return false;
    }
    Json object = Json::parse(line.begin(), line.end(), nullptr, false);
    if (object.is_discarded() || !object.is_object()) {
        // broken UTF-8 is the one damage that can be mended: U+FFFD, as everywhere
        if (!is_valid_utf8(line)) {
            const std::string valid = to_valid_utf8(line);
            return parse_document_slowly(valid, document, why, field);
        }
        why = object.is_discarded() ? "broken JSON" : "not a JSON object";
        return false;
    }
    const auto it = object.find(field);
    if (it == object.end() || !it->is_string()) {
        why = cat("no string \"", field, "\"");
        return false;
    }
    document.text = std::move(it->get_ref<std::string&>());
    object.erase(it);
    document.metadata = std::move(object);
    return true;
}
inline bool parse_document(std::string_view line, Document& document, std::string& why, const std::string& field = "text") {
    return parse_document_fast(line, document, field) || parse_document_slowly(line, document, why, field);
}

// Text as a JSON string: what nlohmann's dump writes, without its copies. The text is valid UTF-8.
inline void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    size_t copied = 0;
    for (size_t i = find_escape(text, 0); i != text.npos; i = find_escape(text, i + 1)) {
        const char c = text[i];
        out.append(text, copied, i - copied);
        copied = i + 1;
        static constexpr char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
        const char* at = c ? std::strchr(from, c) : nullptr;
        if (at) out += '\\', out += to[at - from];
        else out += strprintf("\\u%04x", unsigned(c));
    }
    out.append(text, copied).append(1, '"');
}

// The document as one line: the text first, then its facts in their order.
inline std::string document_line(const Document& document) {
    std::string line = "{\"text\":";
    line.reserve(document.text.size() + document.text.size() / 16 + 256);
    append_json_string(line, document.text);
    if (!document.metadata.empty()) {
        const std::string rest = document.metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
        line += ',';
        line.append(rest, 1, rest.size() - 2);
    }
    return line + "}\n";
}

}  // namespace webtext
