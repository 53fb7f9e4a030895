// text_inputs.hpp -- text files, folders, JSONL, compressed or through a pipe, as jobs of about 1 MiB in order.
//
// A file that lies on the disk is mapped; a pipe and a compressed file (gzip, zstd) are streams, of which a few MB are in
// memory. Both are cut into jobs where no piece of the pretokenizer is cut, so that the ids do not change: JSONL between
// lines, a long text where is_safe_cut allows it. (Text without such a place is one job, however long.) Behind each job
// stands a Position, from which the rest of the inputs can be read again: an interrupted run goes on from there.
// zlib and zstd are optional: without their headers at build time the program says which package to install.
#pragma once

#if __has_include(<zlib.h>) && !defined(TRAIN_GPT_NO_ZLIB)
#define TRAIN_GPT_ZLIB
#include <zlib.h>
#endif
#if __has_include(<zstd.h>) && !defined(TRAIN_GPT_NO_ZSTD)
#define TRAIN_GPT_ZSTD
#include <zstd.h>
#endif

#include <memory>

#include "pretokenizer.hpp"

namespace tokenize {

constexpr size_t kJobBytes = size_t(1) << 20;

// ---- streams

struct ByteStream {
    virtual ~ByteStream() = default;
    // Up to `bytes` > 0 bytes; 0 only at the end. Throws an Error where the file is broken.
    virtual size_t read(char* out, size_t bytes) = 0;
};

class PipeStream : public ByteStream {
   public:
    explicit PipeStream(const std::string& path) : path_(path), fd_(path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (fd_ < 0) throw system_error(cat(path, ": cannot be opened"));
    }
    PipeStream(const PipeStream&) = delete;
    ~PipeStream() override {
        if (fd_ > 0) ::close(fd_);
    }
    size_t read(char* out, size_t bytes) override {
        for (;;) {
            const ssize_t n = ::read(fd_, out, bytes);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw system_error(cat(path_, ": reading failed after ", done_, " bytes"));
            done_ += n;
            return size_t(n);
        }
    }

   private:
    std::string path_;
    int fd_;
    int64_t done_ = 0;
};

#ifdef TRAIN_GPT_ZLIB
class GzipStream : public ByteStream {
   public:
    explicit GzipStream(const std::string& path) : file_(path) {
        // 15 + 16: the largest window, and a gzip header
        if (inflateInit2(&z_, 15 + 16) != Z_OK) throw Error(cat(path, ": zlib cannot be started: out of memory"));
    }
    GzipStream(const GzipStream&) = delete;
    ~GzipStream() override { inflateEnd(&z_); }
    size_t read(char* out, size_t bytes) override {
        z_.next_out = reinterpret_cast<Bytef*>(out);
        z_.avail_out = uInt(std::min(bytes, size_t(1) << 30));
        const uInt room = z_.avail_out;
        while (z_.avail_out == room) {
            if (z_.avail_in == 0) {                                 // a file may be larger than zlib's numbers
                const int64_t n = std::min(file_.size() - given_, int64_t(1) << 30);
                z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file_.data() + given_));
                z_.avail_in = uInt(n), given_ += n;
            }
            if (between_ && z_.avail_in == 0) {
                if (given_ == 0) broken("is empty");
                return 0;
            }
            if (between_ && given_ > int64_t(z_.avail_in)) inflateReset(&z_);   // gzip files may stand one behind the other
            between_ = false;
            const int status = inflate(&z_, Z_NO_FLUSH);
            const bool used_up = z_.avail_in == 0 && given_ == file_.size() && z_.avail_out == room;
            if (status == Z_STREAM_END) between_ = true;
            else if (status == Z_BUF_ERROR || (status == Z_OK && used_up)) broken("is cut short");
            else if (status != Z_OK) broken(z_.msg ? z_.msg : "is no gzip file");
        }
        return room - z_.avail_out;
    }

   private:
    [[noreturn]] void broken(const char* why) const {
        throw Error(cat(file_.path(), ": ", why, ", at byte ", given_ - int64_t(z_.avail_in), " of ", file_.size(), " (gzip)"),
                    "copy or make it again");
    }
    MappedFile file_;
    z_stream z_{};
    int64_t given_ = 0;                                             // bytes of the file that zlib has
    bool between_ = true;                                           // at the beginning, or behind a whole gzip file
};
#endif

#ifdef TRAIN_GPT_ZSTD
class ZstdStream : public ByteStream {
   public:
    explicit ZstdStream(const std::string& path) : file_(path), z_(ZSTD_createDStream(), ZSTD_freeDStream) {
        if (!z_) throw Error(cat(path, ": zstd cannot be started: out of memory"));
        ZSTD_DCtx_setParameter(z_.get(), ZSTD_d_windowLogMax, ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound);  // for zstd --long=31
        in_ = {file_.data(), size_t(file_.size()), 0};
        if (in_.size == 0) throw Error(cat(path, ": is empty, expected a zstd file"), "copy or make it again");
    }
    size_t read(char* out, size_t bytes) override {
        ZSTD_outBuffer to = {out, bytes, 0};
        while (to.pos == 0) {
            if (in_.pos == in_.size && left_ == 0) return 0;
            const size_t before = in_.pos;
            left_ = ZSTD_decompressStream(z_.get(), &to, &in_);
            if (ZSTD_isError(left_)) broken(ZSTD_getErrorName(left_));
            if (to.pos == 0 && left_ != 0 && in_.pos == in_.size && in_.pos == before) broken("is cut short");
        }
        return to.pos;
    }

   private:
    [[noreturn]] void broken(const char* why) const {
        throw Error(cat(file_.path(), ": ", why, ", at byte ", in_.pos, " of ", in_.size, " (zstd)"), "copy or make it again");
    }
    MappedFile file_;
    std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> z_;
    ZSTD_inBuffer in_{};
    size_t left_ = 1;                                               // 0: behind a whole frame; others may follow
};
#endif

// ---- inputs

enum class Packing { none, gzip, zstd };

struct Input {
    std::string path;
    int64_t bytes = 0;                   // -1: a pipe, the length is unknown
    bool jsonl = false;
    bool listed = false;                 // found in a folder: skipped if it is not text
    bool foreign = false;                // and this one's name says that it is not
    Packing packing = Packing::none;
    bool is_stream() const { return bytes < 0 || packing != Packing::none; }
};

inline std::unique_ptr<ByteStream> open_stream(const Input& input) {
#ifdef TRAIN_GPT_ZLIB
    if (input.packing == Packing::gzip) return std::make_unique<GzipStream>(input.path);
#endif
#ifdef TRAIN_GPT_ZSTD
    if (input.packing == Packing::zstd) return std::make_unique<ZstdStream>(input.path);
#endif
    if (input.packing != Packing::none) {
        const bool gzip = input.packing == Packing::gzip;
        throw Error(cat(input.path, ": is compressed with ", gzip ? "gzip" : "zstd", ", which this program was built without"),
                    cat("install ", gzip ? "zlib1g-dev" : "libzstd-dev", " and build again, or pipe it: ", gzip ? "gzip" : "zstd",
                        " -dc FILE | train_gpt tokenize --input - --format jsonl ..."));
    }
    return std::make_unique<PipeStream>(input.path);
}

inline Input make_input(const std::string& format, const std::string& path, bool listed) {
    for (const char* suffix : {".xz", ".bz2", ".lz4", ".zip", ".7z", ".parquet"})
        if (path.ends_with(suffix)) {
            if (listed) return {path, 0, false, true, true};
            throw Error(cat(path, ": expected text or JSONL, plain or compressed with gzip or zstd"),
                        "decompress it, or pipe it: xz -dc FILE | train_gpt tokenize --input - --format jsonl ...");
        }
    Input input{path, -1, format == "jsonl", listed};
    std::string_view name = path;
    for (const auto& [suffix, packing] : {std::pair{".gz", Packing::gzip}, {".zst", Packing::zstd}, {".zstd", Packing::zstd}})
        if (name.ends_with(suffix)) {
            input.packing = packing;
            name.remove_suffix(std::strlen(suffix));
            break;
        }
    if (format == "auto") input.jsonl = name.ends_with(".jsonl") || name.ends_with(".ndjson");
    if (path == "-") return input;
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw system_error(cat(path, ": cannot be read"));
    if (S_ISREG(st.st_mode)) input.bytes = int64_t(st.st_size);
    else input.packing = Packing::none;
    return input;
}

// The inputs as given, and within a folder by path (bytewise) without hidden files and the folder `out`.
inline std::vector<Input> list_inputs(const std::vector<std::string>& paths, const std::string& format, const std::string& out_folder) {
    std::vector<Input> inputs;
    std::error_code ec;
    const fs::path out = fs::weakly_canonical(out_folder, ec);
    for (const std::string& path : paths) {
        if (path == "-" && std::count(paths.begin(), paths.end(), "-") > 1) throw UsageError("--input -: stdin can be given once");
        if (path == "-" || !fs::is_directory(path, ec)) {
            inputs.push_back(make_input(format, path, false));
            continue;
        }
        if (fs::weakly_canonical(path, ec) == out)
            throw UsageError(cat("--out ", out_folder, ": is an input folder too"), "choose another, e.g. one in it");
        std::vector<std::string> found;
        fs::recursive_directory_iterator it(path, ec), end;
        for (; !ec && it != end; it.increment(ec)) {
            const bool hidden = it->path().filename().string().starts_with(".");
            std::error_code ignored;
            const bool folder = it->is_directory(ignored);
            if (folder && (hidden || fs::weakly_canonical(it->path(), ignored) == out)) it.disable_recursion_pending();
            if (!folder && !hidden && it->is_regular_file(ignored)) found.push_back(it->path().string());
        }
        if (ec) throw Error(cat(path, ": the folder cannot be listed: ", ec.message()));
        std::sort(found.begin(), found.end());
        for (const std::string& f : found) inputs.push_back(make_input(format, f, true));
    }
    return inputs;
}

// Where a single document of n >= 2 bytes is split into a train and a validation text: at the cut that is nearest to
// n * (1 - val_fraction); where there is none, between two UTF-8 characters.
inline size_t val_cut(std::string_view text, double val_fraction) {
    const size_t n = text.size(), ideal = std::min(n - 1, std::max(size_t(1), n - size_t(double(n) * val_fraction)));
    for (size_t d = 0; d < n; d++) {
        if (ideal + d < n && is_safe_cut(text, ideal + d)) return ideal + d;
        if (d < ideal && is_safe_cut(text, ideal - d)) return ideal - d;
    }
    for (size_t i = ideal; i > 0; i--)
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return i;
    return ideal;                                                   // continuation bytes only: not UTF-8 anyway
}

// ---- jobs: what a thread encodes at a time

// What has been read of the inputs: all before `input`, and `bytes` of it (after decompression).
struct Position {
    int64_t input = 0, bytes = 0, line = 1;
    bool starts = true;                  // a document begins here
};

struct Job {
    std::string path;
    std::shared_ptr<const void> owner;   // keeps the text alive
    std::string_view text;               // lines of JSONL, or a stretch of one text
    int64_t first_line = 1;              // of JSONL, for messages
    bool jsonl = false, starts = false;  // starts: a document begins here
    bool to_val = false;                 // the end of a single document
    Position after;
};

// Cuts the inputs into jobs, in order. With `split_single` a text is given as two documents, the second for validation.
class Source {
   public:
    Source(std::vector<Input> inputs, double split_single, bool may_cut)
        : inputs_(std::move(inputs)), split_single_(split_single), may_cut_(may_cut) {}
    Source(const Source&) = delete;
    // Go on from a position that a job of the same inputs had behind it.
    void seek(const Position& to) {
        if (to.input == 0 && to.bytes == 0) return;
        at_ = size_t(to.input);
        open_next();
        starts_ = to.starts, line_ = to.line;
        while (done_ < to.bytes) {                                  // a stream has to be read up to there
            if (stream_ && offset_ == text_.size()) extend();
            const int64_t n = std::min(int64_t(text_.size() - offset_), to.bytes - done_);
            if (n == 0) break;
            done_ += n, offset_ += size_t(n);
        }
        if (offset_ > part_end_) part_end_ = text_.size(), to_val_ = true;      // in the validation part of a single text
    }
    int64_t num_binary() const { return num_binary_; }              // files of folders that hold no text
    std::string first_binary() const { return first_binary_; }

    bool next(Job& job) {
        for (;;) {
            if (!open_) {
                if (at_ == inputs_.size()) return false;
                open_next();
                continue;
            }
            size_t n = cut_length();
            while (n == std::string_view::npos) extend(), n = cut_length();
            if (n == 0) {
                if (part_end_ == text_.size()) close_input();
                else part_end_ = text_.size(), starts_ = to_val_ = true;        // the validation part of a single text
                continue;
            }
            const Input& input = inputs_[at_ - 1];
            const std::string_view text = text_.substr(offset_, n);
            job = {input.path, owner_, text, line_, input.jsonl, std::exchange(starts_, false), to_val_, {}};
            if (input.jsonl) line_ += count_lines(text);
            offset_ += n, done_ += int64_t(n);
            job.after = {int64_t(at_) - 1, done_, line_, false};
            if (stream_) own_text(job);
            return true;
        }
    }

   private:
    static int64_t count_lines(std::string_view text) {             // memchr reads 32 bytes at a time, std::count one
        int64_t lines = 0;
        for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) lines++;
        return lines;
    }
    void open_next() {
        const Input& input = inputs_[at_++];
        owner_ = nullptr, text_ = {}, offset_ = part_end_ = 0, line_ = 1, done_ = 0;
        starts_ = open_ = true, to_val_ = false;
        if (input.is_stream()) {
            stream_ = open_stream(input);
            if (input.listed) extend();                             // to see whether it is text
        } else if (!input.foreign) {
            auto file = std::make_shared<MappedFile>(input.path);
            text_ = file->view();
            owner_ = file;
        }
        if (input.listed && (input.foreign || text_.substr(0, 4096).find('\0') != std::string_view::npos)) {
            if (num_binary_++ == 0) first_binary_ = input.path;
            return close_input();
        }
        while (stream_ && split_single_ > 0 && !input.jsonl) extend();          // its end must be known
        part_end_ = text_.size();
        if (split_single_ > 0 && !input.jsonl && text_.size() >= 2) part_end_ = val_cut(text_, split_single_);
    }
    void close_input() {
        stream_ = nullptr, open_ = false, owner_ = nullptr;
        buffer_.clear();
    }

    // How many bytes the next job takes; 0 at the end of the part, npos if a stream must be read further to know.
    size_t cut_length() const {
        const std::string_view rest = text_.substr(offset_, part_end_ - offset_);
        const size_t at_end = stream_ ? std::string_view::npos : rest.size();
        if (rest.size() <= kJobBytes) return at_end;
        if (inputs_[at_ - 1].jsonl) {
            const size_t newline = rest.find('\n', kJobBytes - 1);
            return newline == std::string_view::npos ? at_end : newline + 1;
        }
        const size_t cut = may_cut_ ? safe_cut(rest, kJobBytes) : rest.size();
        // a stream: what follows the last byte is not known yet, and a cut looks at one whole character beyond it
        return cut == rest.size() || (stream_ && cut + 4 > rest.size()) ? at_end : cut;
    }

    // Drop what jobs have taken of the buffer, then read the stream until what is left has doubled, or to its end (stream_ is gone then).
    void extend() {
        buffer_.erase(0, std::exchange(offset_, 0));
        const size_t had = buffer_.size(), want = std::max(had * 2, kJobBytes + (size_t(64) << 10));
        buffer_.resize(want);
        size_t size = had;
        bool at_end = false;
        while (size < want && !at_end) {
            const size_t n = stream_->read(buffer_.data() + size, want - size);
            size += n, at_end = n == 0;
        }
        buffer_.resize(size);
        text_ = buffer_, part_end_ = size;
        if (!at_end) return;
        stream_ = nullptr;                                          // what is left is a text like any other
        auto rest = std::make_shared<std::string>(std::move(buffer_));
        buffer_.clear();
        text_ = *rest, owner_ = rest;
    }
    // The buffer will hold other text by the time the job is encoded: the job gets a copy.
    static void own_text(Job& job) {
        auto own = std::make_shared<std::string>(job.text);
        job.text = *own, job.owner = own;
    }

    std::vector<Input> inputs_;
    double split_single_;
    bool may_cut_;
    size_t at_ = 0;                      // the next input
    bool open_ = false, starts_ = false, to_val_ = false;
    std::shared_ptr<const void> owner_;
    std::string_view text_;              // the input, or what is buffered of a stream
    size_t offset_ = 0, part_end_ = 0;
    int64_t line_ = 1;
    int64_t done_ = 0;                   // bytes of the input that were given out
    std::unique_ptr<ByteStream> stream_; // a pipe or a compressed file that is not at its end
    std::string buffer_;
    int64_t num_binary_ = 0;
    std::string first_binary_;
};

}  // namespace tokenize
