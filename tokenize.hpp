// tokenize.hpp -- text files, folders and JSONL -> token shards with an index.
//
// A document is a text file, a line of JSONL, or what comes through a pipe; in the shards it is its tokens behind one
// end-of-text. Inputs are cut into jobs of about 1 MiB (a long text only where no piece of the pretokenizer is cut, so
// that the ids do not change), threads encode jobs, and results are written in input order: the shards do not depend on
// the number of threads, and memory holds a few jobs a thread. (Text without a place to cut is one job, however long.)
// Files appear whole or not at all: all is written and flushed under temporary names, then renamed, index.json last.
// Does not: clean or deduplicate text, or decompress files (pipe them: xz -dc FILE | train_gpt tokenize --input - ...).
#pragma once

#include <sys/file.h>

#include <atomic>

#include "cli.hpp"
#include "dataloader.hpp"
#include "tokenizer.hpp"

struct TokenizeConfig {
    std::string tokenizer, pattern, out;
    std::vector<std::string> input;
    std::string format = "auto", text_field = "text";
    double val_fraction = 0;
    int64_t shard_tokens = 100000000;
    int threads = 0;
    bool skip_bad = false, overwrite = false;
};

inline const std::vector<Flag<TokenizeConfig>> tokenize_flags = {
    {"tokenizer", &TokenizeConfig::tokenizer, "FILE",
     "tokenizer.json, its folder, a .tiktoken, vocab.bpe, or the word bytes (256 ids, one a byte)"},
    {"pattern", &TokenizeConfig::pattern, "NAME", "split pattern of a .tiktoken: gpt2, cl100k or o200k"},
    {"input", &TokenizeConfig::input, "PATH...", "text files, JSONL files, folders (all files in them), - for stdin"},
    {"out", &TokenizeConfig::out, "DIR", "folder for the shards, index.json and tokenizer.json"},
    {"format", &TokenizeConfig::format, "auto|text|jsonl", "auto: .jsonl and .ndjson are JSONL, all else is text"},
    {"text-field", &TokenizeConfig::text_field, "NAME", "the field of a JSONL object that holds the text"},
    {"skip-bad", &TokenizeConfig::skip_bad, "", "count broken JSONL lines instead of stopping at the first"},
    {"val-fraction", &TokenizeConfig::val_fraction, "",
     "share of the documents that go into the split val; a single document gives its end"},
    {"shard-tokens", &TokenizeConfig::shard_tokens, "tokens", "size of a shard"},
    {"threads", &TokenizeConfig::threads, "", "threads that encode; 0: as many as the machine has"},
    {"overwrite", &TokenizeConfig::overwrite, "", "replace the shards that are in --out"},
};

namespace tokenize {

constexpr size_t kJobBytes = size_t(1) << 20;

// ---- where a text may be cut

// Does the text end in white space (as the patterns understand it)?
inline bool ends_in_space(std::string_view text) {
    if (text.empty() || static_cast<unsigned char>(text.back()) <= 0x20) return true;  // controls: to be safe
    for (size_t bytes = 2; bytes <= 3 && bytes <= text.size(); bytes++) {
        const char* p = text.data() + text.size() - bytes;
        const Utf8Char c = decode_utf8(p, text.data() + text.size());
        if (c.code >= 0 && size_t(c.bytes) == bytes && (char_bits()[c.code] & kSpace)) return true;
    }
    return false;
}

inline bool starts_with_space(std::string_view text) {
    if (text.empty() || static_cast<unsigned char>(text[0]) <= 0x20) return true;
    const Utf8Char c = decode_utf8(text.data(), text.data() + text.size());
    return c.code >= 0 && (char_bits()[c.code] & kSpace);
}

// May the text be cut before byte i > 0 without changing the ids of either side, whatever the pattern? Yes, before a
// space that follows no white space (each pattern begins a piece there); and, for scripts without spaces, after a line
// feed that stands alone between two other characters (not before '/', which o200k takes along with line feeds).
inline bool is_cut(std::string_view text, size_t i) {
    if (text[i] == ' ') return !ends_in_space(text.substr(0, i));
    return text[i - 1] == '\n' && text[i] != '/' && !ends_in_space(text.substr(0, i - 1)) &&
           !starts_with_space(text.substr(i));
}

// The first cut at or after `from`, npos if there is none.
inline size_t next_cut(std::string_view text, size_t from) {
    for (size_t i = std::max(from, size_t(1)); i < text.size(); i++)
        if ((text[i] == ' ' || text[i - 1] == '\n') && is_cut(text, i)) return i;
    return std::string_view::npos;
}

// Where a single document of n >= 2 bytes is split into a train and a validation text: at the cut that is nearest to
// n * (1 - val_fraction); where there is none, between two UTF-8 characters.
inline size_t val_cut(std::string_view text, double val_fraction) {
    const size_t n = text.size(), ideal = std::min(n - 1, std::max(size_t(1), n - size_t(double(n) * val_fraction)));
    for (size_t d = 0; d < n; d++) {
        if (ideal + d < n && is_cut(text, ideal + d)) return ideal + d;
        if (d < ideal && is_cut(text, ideal - d)) return ideal - d;
    }
    for (size_t i = ideal; i > 0; i--)
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return i;
    return ideal;                                                   // continuation bytes only: not UTF-8 anyway
}

// ---- inputs

struct Input {
    std::string path;
    int64_t bytes = 0;                   // -1: a pipe, the length is unknown
    bool jsonl = false;
    bool listed = false;                 // found in a folder: skipped if it is not text
};

inline Input make_input(const TokenizeConfig& config, const std::string& path, bool listed) {
    for (const char* suffix : {".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip", ".7z"})
        if (path.ends_with(suffix))
            throw Error(cat(path, ": is compressed, expected text or JSONL"),
                        "decompress it, or pipe it: xz -dc FILE | train_gpt tokenize --input - --format jsonl ...");
    Input input{path, -1, config.format == "jsonl", listed};
    if (config.format == "auto") input.jsonl = path.ends_with(".jsonl") || path.ends_with(".ndjson");
    if (path == "-") return input;
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw system_error(cat(path, ": cannot be read"));
    if (S_ISREG(st.st_mode)) input.bytes = int64_t(st.st_size);
    return input;
}

// The inputs as given, and within a folder by path (bytewise) without hidden files and the output folder.
inline std::vector<Input> list_inputs(const TokenizeConfig& config) {
    std::vector<Input> inputs;
    std::error_code ec;
    const fs::path out = fs::weakly_canonical(config.out, ec);
    for (const std::string& path : config.input) {
        if (path == "-" && std::count(config.input.begin(), config.input.end(), "-") > 1)
            throw UsageError("--input -: stdin can be given once");
        if (path == "-" || !fs::is_directory(path, ec)) {
            inputs.push_back(make_input(config, path, false));
            continue;
        }
        if (fs::weakly_canonical(path, ec) == out)
            throw UsageError(cat("--out ", config.out, ": is an input folder too"), "choose another, e.g. one in it");
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
        for (const std::string& f : found) inputs.push_back(make_input(config, f, true));
    }
    return inputs;
}

// ---- jobs: what a thread encodes at a time

struct Job {
    std::string path;
    std::shared_ptr<const void> owner;   // keeps the text alive
    std::string_view text;               // lines of JSONL, or a stretch of one text
    int64_t first_line = 1;              // of JSONL, for messages
    bool jsonl = false, starts = false;  // starts: a document begins here
    bool to_val = false;                 // the end of a single document
};

// Cuts the inputs into jobs, in order. With `split_single` a text is given as two documents, the second for validation.
class Source {
   public:
    Source(std::vector<Input> inputs, double split_single, bool may_cut)
        : inputs_(std::move(inputs)), split_single_(split_single), may_cut_(may_cut) {}
    Source(const Source&) = delete;
    ~Source() {
        if (fd_ > 0) ::close(fd_);
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
            job = {input.path, owner_, text, line_, input.jsonl, std::exchange(starts_, false), to_val_};
            if (input.jsonl) line_ += std::count(text.begin(), text.end(), '\n');
            offset_ += n;
            if (fd_ >= 0) drop_emitted(job);
            return true;
        }
    }

   private:
    void open_next() {
        const Input& input = inputs_[at_++];
        owner_ = nullptr, text_ = {}, offset_ = part_end_ = 0, line_ = 1;
        starts_ = open_ = true, to_val_ = false;
        if (input.bytes >= 0) {
            auto file = std::make_shared<MappedFile>(input.path);
            text_ = file->view();
            owner_ = file;
            if (input.listed && text_.substr(0, 4096).find('\0') != std::string_view::npos) {
                if (num_binary_++ == 0) first_binary_ = input.path;
                return close_input();
            }
        } else {
            fd_ = input.path == "-" ? 0 : ::open(input.path.c_str(), O_RDONLY | O_CLOEXEC);
            if (fd_ < 0) throw system_error(cat(input.path, ": cannot be opened"));
            while (fd_ >= 0 && split_single_ > 0 && !input.jsonl) extend();     // its end must be known
        }
        part_end_ = text_.size();
        if (split_single_ > 0 && !input.jsonl && text_.size() >= 2) part_end_ = val_cut(text_, split_single_);
    }
    void close_input() {
        if (fd_ > 0) ::close(fd_);
        fd_ = -1, open_ = false, owner_ = nullptr;
    }

    // How many bytes the next job takes; 0 at the end of the part, npos if a pipe must be read further to know.
    size_t cut_length() const {
        const std::string_view rest = text_.substr(offset_, part_end_ - offset_);
        const size_t at_end = fd_ >= 0 ? std::string_view::npos : rest.size();
        if (rest.size() <= kJobBytes) return at_end;
        if (inputs_[at_ - 1].jsonl) {
            const size_t newline = rest.find('\n', kJobBytes - 1);
            return newline == std::string_view::npos ? at_end : newline + 1;
        }
        const size_t cut = may_cut_ ? next_cut(rest, kJobBytes) : std::string_view::npos;
        // a pipe: what follows the last byte is not known yet, and a cut looks at one whole character beyond it
        return cut == std::string_view::npos || (fd_ >= 0 && cut + 4 > rest.size()) ? at_end : cut;
    }

    // Read a pipe until the buffer has doubled, or to its end (fd_ is -1 then).
    void extend() {
        const size_t had = buffer_.size(), want = std::max(had * 2, kJobBytes + (size_t(64) << 10));
        buffer_.resize(want);
        size_t size = had;
        while (size < want) {
            const ssize_t n = ::read(fd_, buffer_.data() + size, want - size);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw system_error(cat(inputs_[at_ - 1].path, ": reading failed after ", size, " bytes"));
            if (n == 0) {
                if (fd_ > 0) ::close(fd_);
                fd_ = -1;
                break;
            }
            size += size_t(n);
        }
        buffer_.resize(size);
        text_ = buffer_, part_end_ = size;
        if (fd_ < 0) {                                              // what is left is a text like any other
            auto rest = std::make_shared<std::string>(std::move(buffer_));
            buffer_.clear();
            text_ = *rest, owner_ = rest;
        }
    }
    // The buffer goes on with what follows the job; the job gets its own copy.
    void drop_emitted(Job& job) {
        auto own = std::make_shared<std::string>(job.text);
        job.text = *own, job.owner = own;
        buffer_.erase(0, offset_);
        text_ = buffer_, part_end_ = buffer_.size(), offset_ = 0;
    }

    std::vector<Input> inputs_;
    double split_single_;
    bool may_cut_;
    size_t at_ = 0;                      // the next input
    bool open_ = false, starts_ = false, to_val_ = false;
    std::shared_ptr<const void> owner_;
    std::string_view text_;              // the input, or what is buffered of a pipe
    size_t offset_ = 0, part_end_ = 0;
    int64_t line_ = 1;
    int fd_ = -1;                        // a pipe that is not at its end
    std::string buffer_;
    int64_t num_binary_ = 0;
    std::string first_binary_;
};

// ---- encoding

// The string field of the object that a line of JSONL is, without building the rest of it.
class TextFieldReader : public nlohmann::json_sax<nlohmann::json> {
   public:
    explicit TextFieldReader(const std::string& field) : field_(field) {}
    // "" if the text is there, else what is wrong
    std::string read(std::string_view line, std::string& text) {
        text_ = &text, depth_ = 0, wanted_ = found_ = object_ = false, broken_at_ = 0;
        if (!nlohmann::json::sax_parse(line.begin(), line.end(), this)) return cat("broken JSON at byte ", broken_at_);
        if (!object_) return "expected a JSON object";
        return found_ ? "" : cat("the object has no string \"", field_, "\"");
    }
    bool null() override { return other(); }
    bool boolean(bool) override { return other(); }
    bool number_integer(number_integer_t) override { return other(); }
    bool number_unsigned(number_unsigned_t) override { return other(); }
    bool number_float(number_float_t, const string_t&) override { return other(); }
    bool binary(binary_t&) override { return other(); }
    bool string(string_t& value) override {
        if (wanted_ && depth_ == 1) *text_ = std::move(value), found_ = true;
        wanted_ = false;
        return true;
    }
    bool start_object(size_t) override {
        object_ = object_ || depth_ == 0;
        depth_++;
        return other();
    }
    bool key(string_t& name) override {
        if (depth_ == 1) wanted_ = name == field_;
        return true;
    }
    bool end_object() override { return depth_--, true; }
    bool start_array(size_t) override { return depth_++, other(); }
    bool end_array() override { return depth_--, true; }
    bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
        broken_at_ = position;
        return false;
    }

   private:
    bool other() { return wanted_ = false, true; }
    std::string field_;
    std::string* text_ = nullptr;
    int64_t depth_ = 0;
    bool wanted_ = false, found_ = false, object_ = false;
    size_t broken_at_ = 0;
};

struct Part {
    int64_t tokens = 0, text_bytes = 0;
    bool starts = false, to_val = false;
};

// The result of a job: tokens as they go into the shard, and which documents they are.
struct Encoded {
    std::vector<uint16_t> narrow;        // one of the two, by the vocabulary
    std::vector<uint32_t> wide;
    std::vector<Part> parts;
    int64_t input_bytes = 0, bad_lines = 0, empty = 0;
    std::exception_ptr error;
};

class Encoder {
   public:
    Encoder(const Tokenizer& tokenizer, const TokenizeConfig& config, double split_single)
        : tokenizer_(tokenizer), skip_bad_(config.skip_bad), split_single_(split_single), reader_(config.text_field),
          wide_(tokenizer.vocab_size() > 65536) {}

    Encoded encode(const Job& job) {
        Encoded out;
        out.input_bytes = int64_t(job.text.size());
        if (job.jsonl) encode_lines(out, job);
        else append(out, job.text, job.starts, job.to_val);
        return out;
    }

   private:
    void encode_lines(Encoded& out, const Job& job) {
        int64_t line_number = job.first_line - 1;
        std::string text;
        for (std::string_view rest = job.text; !rest.empty();) {
            const size_t newline = rest.find('\n');
            const std::string_view line = rest.substr(0, newline);
            rest.remove_prefix(newline == std::string_view::npos ? rest.size() : newline + 1);
            line_number++;
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            if (const std::string wrong = reader_.read(line, text); !wrong.empty()) {
                if (!skip_bad_)
                    throw Error(cat(job.path, ":", line_number, ": ", wrong),
                                "mend the line, name the field with --text-field, or count such lines with --skip-bad");
                out.bad_lines++;
            } else if (text.empty()) {
                out.empty++;
            } else if (split_single_ > 0 && text.size() >= 2) {
                const size_t cut = val_cut(text, split_single_);
                append(out, std::string_view(text).substr(0, cut), true, false);
                append(out, std::string_view(text).substr(cut), true, true);
            } else {
                append(out, text, true, false);
            }
        }
    }

    void append(Encoded& out, std::string_view text, bool starts, bool to_val) {
        ids_.clear();
        if (starts && tokenizer_.end_of_text() >= 0) ids_.push_back(tokenizer_.end_of_text());
        tokenizer_.encode_append(ids_, text);
        if (wide_) out.wide.insert(out.wide.end(), ids_.begin(), ids_.end());
        else out.narrow.insert(out.narrow.end(), ids_.begin(), ids_.end());
        out.parts.push_back({int64_t(ids_.size()), int64_t(text.size()), starts, to_val});
    }

    const Tokenizer& tokenizer_;
    bool skip_bad_;
    double split_single_;
    TextFieldReader reader_;
    bool wide_;
    std::vector<int32_t> ids_;
};

// ---- writing

// A file under `path + ".tmp"`. flush() makes it safe on the disk, publish() gives it its name and needs no more room:
// many files can be made ready before the first is seen. Without publish() nothing is left. Nobody else may write it.
class StagedFile {
   public:
    explicit StagedFile(const std::string& path) : path_(path), tmp_path_(path + ".tmp") {
        fd_ = ::open(tmp_path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (fd_ < 0) throw system_error(cat(tmp_path_, ": cannot be written"));
        // the lock: two runs into one folder would spoil each other's files
        if ((::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) || ::ftruncate(fd_, 0) != 0) {
            const Error error = system_error(cat(tmp_path_, ": is another process writing it?"), "wait for it to end");
            ::close(fd_);
            throw error;
        }
    }
    StagedFile(const StagedFile&) = delete;
    ~StagedFile() {
        if (fd_ >= 0) ::close(fd_);
        if (!tmp_path_.empty()) ::unlink(tmp_path_.c_str());
    }
    void write(const void* data, size_t bytes, int64_t offset) {
        for (auto p = static_cast<const char*>(data); bytes > 0;) {
            const ssize_t n = ::pwrite(fd_, p, bytes, offset);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0)
                throw system_error(cat(tmp_path_, ": writing ", bytes, " bytes at byte ", offset, " failed"),
                                   "make room on the disk and run it again");
            p += n, offset += n, bytes -= size_t(n);
        }
    }
    void flush() {
        if (::fsync(fd_) != 0 || ::close(std::exchange(fd_, -1)) != 0)
            throw system_error(cat(tmp_path_, ": cannot be flushed"), "make room on the disk and run it again");
    }
    void publish() {
        if (std::rename(tmp_path_.c_str(), path_.c_str()) != 0)
            throw system_error(cat(tmp_path_, ": cannot be renamed to ", path_));
        tmp_path_.clear();
    }

   private:
    std::string path_, tmp_path_;
    int fd_ = -1;
};

// The shards of one split: every shard has shard_tokens tokens but the last.
class SplitWriter {
   public:
    SplitWriter(const std::string& dir, const std::string& name, const Tokenizer& tokenizer, int64_t shard_tokens)
        : dir_(dir), name_(name), tokenizer_(tokenizer), shard_tokens_(shard_tokens) {}

    // (part.tokens) ids; a part may end one shard and begin the next
    template <typename Id>
    void append(const Id* ids, const Part& part) {
        int64_t done = 0, bytes_left = part.text_bytes;
        if (part.tokens == 0) return;
        for (bool first = true; done < part.tokens; first = false) {
            if (files_.empty() || info_.shards.back().tokens == shard_tokens_) open_shard();
            ShardInfo& shard = info_.shards.back();
            const int64_t n = std::min(part.tokens - done, shard_tokens_ - shard.tokens);
            const bool last = done + n == part.tokens;
            const int64_t bytes = last ? bytes_left : std::min(bytes_left, text_bytes(ids + done, n));
            buffer_.append(reinterpret_cast<const char*>(ids + done), size_t(n) * sizeof(Id));
            if (buffer_.size() >= kJobBytes) write_buffer();
            shard.tokens += n, shard.text_bytes += bytes, shard.documents += first && part.starts;
            info_.tokens += n, info_.text_bytes += bytes, info_.documents += first && part.starts;
            done += n, bytes_left -= bytes;
        }
    }
    // Everything on the disk, nothing under its final name yet.
    void flush() {
        if (!files_.empty() && !closed_) close_shard();
    }
    void publish() {
        for (auto& f : files_) f->publish();
    }
    const SplitInfo& info() const { return info_; }

   private:
    void open_shard() {
        flush();
        info_.shards.push_back({strprintf("%s_%06zu.bin", name_.c_str(), files_.size()), 0, 0, 0, 0});
        files_.push_back(std::make_unique<StagedFile>(dir_ + "/" + info_.shards.back().file));
        offset_ = kShardHeaderBytes, closed_ = false;
    }
    void close_shard() {
        write_buffer();
        const auto header = shard_header(tokenizer_.vocab_size() > 65536, info_.shards.back().tokens);
        files_.back()->write(header.data(), sizeof header, 0);
        files_.back()->flush();
        closed_ = true;
    }
    void write_buffer() {
        files_.back()->write(buffer_.data(), buffer_.size(), offset_);
        info_.shards.back().crc = crc32(buffer_.data(), buffer_.size(), info_.shards.back().crc);
        offset_ += int64_t(buffer_.size());
        buffer_.clear();
    }
    template <typename Id>
    int64_t text_bytes(const Id* ids, int64_t n) const {
        int64_t bytes = 0;
        const int32_t end_of_text = tokenizer_.end_of_text();
        for (int64_t i = 0; i < n; i++)
            if (int32_t(ids[i]) != end_of_text) bytes += int64_t(tokenizer_.token_bytes(int32_t(ids[i])).size());
        return bytes;
    }

    std::string dir_, name_;
    const Tokenizer& tokenizer_;
    int64_t shard_tokens_, offset_ = 0;
    bool closed_ = false;                                           // the last shard is complete
    std::vector<std::unique_ptr<StagedFile>> files_;
    std::string buffer_;
    SplitInfo info_;
};

// Does document i (in input order) belong to the validation split? Documents with the same floor(i * fraction) are a
// group, of about 1 / fraction, and each group gives one, chosen by a hash of its number: the share is exact to one
// document. The first group gives document 1, so that two documents suffice for both splits.
inline bool is_val_document(int64_t i, double fraction) {
    if (fraction <= 0) return false;
    const auto group_of = [&](int64_t d) { return int64_t(double(d) * fraction); };
    const auto first_of = [&](int64_t group) {
        int64_t d = int64_t(std::ceil(double(group) / fraction));
        while (d > 0 && group_of(d - 1) >= group) d--;              // what rounding has moved
        while (group_of(d) < group) d++;
        return d;
    };
    const int64_t group = group_of(i), first = first_of(group), size = first_of(group + 1) - first;
    return i == first + (group == 0 ? 1 : int64_t(splitmix64(uint64_t(group)) % uint64_t(size)));
}

struct TemporaryFolder {
    std::string path;
    explicit TemporaryFolder(std::string p) : path(std::move(p)) {
        std::error_code ec;
        fs::remove_all(path, ec);                                   // what a killed run left
        make_directories(path);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ec;
        fs::remove_all(path, ec);
    }
};

// The folder: receives results in input order, decides the split, publishes everything at the end.
class FolderWriter {
   public:
    FolderWriter(const TokenizeConfig& config, const Tokenizer& tokenizer, int64_t total_bytes)
        : config_(config), tokenizer_(tokenizer), index_path_(config.out + "/index.json"), index_file_(index_path_),
          tokenizer_folder_(config.out + "/tokenizer.tmp"), train_(config.out, "train", tokenizer, config.shard_tokens),
          val_(config.out, "val", tokenizer, config.shard_tokens), total_bytes_(total_bytes) {
        for (const std::string& name : names_in(config.out))        // what a killed run left
            if ((name.starts_with("train_") || name.starts_with("val_")) && name.ends_with(".bin.tmp"))
                ::unlink((config.out + "/" + name).c_str());
        tokenizer.save_directory(tokenizer_folder_.path);
    }

    void add(const Encoded& e) {
        int64_t at = 0;
        for (const Part& part : e.parts) {
            if (part.starts) in_val_ = is_val_document(documents_++, config_.val_fraction) || part.to_val;
            SplitWriter& split = in_val_ ? val_ : train_;
            if (e.wide.empty()) split.append(e.narrow.data() + at, part);
            else split.append(e.wide.data() + at, part);
            at += part.tokens;
        }
        input_bytes_ += e.input_bytes, bad_lines_ += e.bad_lines, empty_ += e.empty;
        const double now = now_s(), bytes = double(input_bytes_);
        if (now - last_progress_ < 1) return;
        last_progress_ = now;
        std::fprintf(stderr, "tokenize: %s%s, %s tokens, %.1f MB/s\n", human_bytes(bytes).c_str(),
                     total_bytes_ > 0 ? strprintf(" (%.0f %%)", 100 * bytes / double(total_bytes_)).c_str() : "",
                     with_commas(train_.info().tokens + val_.info().tokens).c_str(), bytes / 1e6 / (now - start_));
    }

    // All names at once, index.json last. Between the first rename and the last the folder has index.json.tmp instead,
    // which the loader takes as unfinished: nobody reads a mix of two runs.
    void publish() {
        train_.flush();
        val_.flush();
        DataIndex index{strprintf("%016llx", (unsigned long long)tokenizer_.hash()), tokenizer_.vocab_size(),
                        tokenizer_.end_of_text(), {{"train", train_.info()}}};
        if (val_.info().tokens > 0) index.splits["val"] = val_.info();
        const std::string text = index_to_json(index);
        index_file_.write(text.data(), text.size(), 0);
        index_file_.flush();
        std::vector<std::string> old = shards_of_last_run();
        ::unlink(index_path_.c_str());
        for (const std::string& name : names_in(tokenizer_folder_.path))
            if (std::rename((tokenizer_folder_.path + "/" + name).c_str(), (config_.out + "/" + name).c_str()) != 0)
                throw system_error(cat(config_.out, "/", name, ": cannot be replaced"));
        train_.publish();
        val_.publish();
        fsync_directory(config_.out);
        index_file_.publish();
        fsync_directory(config_.out);
        for (const auto& [name, split] : index.splits)
            for (const ShardInfo& s : split.shards) std::erase(old, s.file);
        for (const std::string& file : old) ::unlink((config_.out + "/" + file).c_str());
    }

    int64_t documents() const { return documents_; }
    std::string summary() const {
        const SplitInfo &t = train_.info(), &v = val_.info();
        const double tokens = double(t.tokens + v.tokens), bytes = double(t.text_bytes + v.text_bytes);
        std::string text = cat(with_commas(t.documents + v.documents), " documents, ", with_commas(t.tokens + v.tokens),
                               " tokens");
        if (v.tokens > 0)
            text += cat(" (val: ", with_commas(v.documents), " documents, ", with_commas(v.tokens), " tokens)");
        text += strprintf(", %.3f bytes/token, %.1f MB/s", bytes / tokens,
                          double(input_bytes_) / 1e6 / (now_s() - start_));
        if (bad_lines_ > 0) text += cat("; ", with_commas(bad_lines_), " broken lines skipped");
        if (empty_ > 0) text += cat("; ", with_commas(empty_), " documents without text skipped");
        return text;
    }

   private:
    static std::vector<std::string> names_in(const std::string& folder) {
        std::vector<std::string> names;
        std::error_code ec;
        for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
            names.push_back(it->path().filename().string());
        return names;
    }
    std::vector<std::string> shards_of_last_run() const {
        std::vector<std::string> files;
        if (!fs::exists(index_path_)) return files;
        try {
            for (const auto& [name, split] : read_index(index_path_).splits)
                for (const ShardInfo& s : split.shards) files.push_back(s.file);
        } catch (const Error&) {                                    // not our index: nothing of ours to clear away
        }
        return files;
    }

    const TokenizeConfig& config_;
    const Tokenizer& tokenizer_;
    std::string index_path_;
    StagedFile index_file_;                                         // there from the start: marks an unfinished folder
    TemporaryFolder tokenizer_folder_;
    SplitWriter train_, val_;
    int64_t documents_ = 0, input_bytes_ = 0, total_bytes_, bad_lines_ = 0, empty_ = 0;
    bool in_val_ = false;
    double start_ = now_s(), last_progress_ = now_s();
};

// ---- the threads

// Each thread takes the next job, encodes it and hands in the result; whoever hands in the one that is due writes it
// and all that follow and are ready. A thread waits while its result is 4 jobs a thread or more ahead of the due one.
// What goes wrong is thrown when its job is due: the first error in input order, whatever the number of threads.
inline void encode_in_order(Source& source, FolderWriter& out, int threads,
                            const std::function<Encoder()>& make_encoder) {
    std::mutex source_mutex, out_mutex;
    std::condition_variable due_changed;
    std::map<int64_t, Encoded> ready;
    std::atomic<bool> stop = false;
    std::exception_ptr error;
    int64_t num_jobs = 0, due = 0;
    bool exhausted = false, writing = false;
    const auto work = [&] {
        Encoder encoder = make_encoder();
        while (!stop) {
            Job job;
            Encoded result;
            int64_t id;
            {
                std::lock_guard lock(source_mutex);
                if (exhausted) return;
                try {
                    if (!source.next(job)) exhausted = true;
                } catch (...) {
                    exhausted = true;
                    result.error = std::current_exception();
                }
                if (exhausted && !result.error) return;
                id = num_jobs++;
            }
            try {
                if (!result.error) result = encoder.encode(job);
            } catch (...) {
                result.error = std::current_exception();
            }
            std::unique_lock lock(out_mutex);
            due_changed.wait(lock, [&] { return stop || id < due + 4 * threads; });
            ready[id] = std::move(result);
            while (!stop && !writing && !ready.empty() && ready.begin()->first == due) {
                const Encoded next = std::move(ready.extract(ready.begin()).mapped());
                writing = true;
                lock.unlock();
                std::exception_ptr failed = next.error;
                try {
                    if (!failed) out.add(next);
                } catch (...) {
                    failed = std::current_exception();
                }
                lock.lock();
                writing = false;
                due++;
                if (failed) error = failed, stop = true;
                due_changed.notify_all();
            }
        }
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; t++) others.emplace_back(work);
    work();
    for (std::thread& t : others) t.join();
    if (error) std::rethrow_exception(error);
}

inline void check_config(const TokenizeConfig& c) {
    if (c.tokenizer.empty())
        throw UsageError("--tokenizer is missing", "a tokenizer.json, a .tiktoken, or the word bytes");
    if (c.input.empty()) throw UsageError("--input is missing", "text files, JSONL files, folders, or - for stdin");
    if (c.out.empty()) throw UsageError("--out is missing", "a folder for the shards");
    if (!(c.val_fraction >= 0 && c.val_fraction < 1))
        throw UsageError(cat("--val-fraction ", c.val_fraction, ": expected 0 <= F < 1"));
    if (c.shard_tokens < 1 || c.shard_tokens > kShardMaxTokens)
        throw UsageError(cat("--shard-tokens ", c.shard_tokens, ": expected 1 to ", kShardMaxTokens));
    if (c.threads < 0 || c.threads > 1024) throw UsageError(cat("--threads ", c.threads, ": expected 0 to 1024"));
    const bool unfinished = fs::exists(c.out + "/index.json.tmp");  // shards without it may be another program's
    if (!c.overwrite && (fs::exists(c.out + "/index.json") || (fs::exists(c.out + "/train_000000.bin") && !unfinished)))
        throw Error(cat(c.out, ": holds token shards already"), "choose another --out, or replace them: --overwrite");
}

}  // namespace tokenize

inline int run_tokenize(TokenizeConfig& config) {
    using namespace tokenize;
    check_config(config);
    const Tokenizer tokenizer = Tokenizer::load(config.tokenizer, config.pattern);
    const std::vector<Input> inputs = list_inputs(config);
    const int threads = config.threads > 0 ? config.threads : std::max(1, int(std::thread::hardware_concurrency()));
    // without a pattern a whole text is one piece, which may be cut only if nothing merges
    const bool may_cut = tokenizer.pattern() != "none" || tokenizer.merges().empty();
    int64_t total_bytes = 0, num_pipes = 0, num_texts = 0;
    for (const Input& i : inputs) {
        if (i.bytes < 0) num_pipes++;
        if (i.bytes != 0) num_texts += i.jsonl ? 2 : 1;             // 2: perhaps many
        total_bytes = i.bytes < 0 || total_bytes < 0 ? -1 : total_bytes + i.bytes;
    }
    make_directories(config.out);
    bool single = config.val_fraction > 0 && num_texts == 1;
    for (;; single = true) {
        const double split_single = single ? config.val_fraction : 0;
        Source source(inputs, split_single, may_cut);
        FolderWriter out(config, tokenizer, total_bytes);
        encode_in_order(source, out, threads, [&] { return Encoder(tokenizer, config, split_single); });
        if (source.num_binary() > 0)
            std::fprintf(stderr, "tokenize: %lld files are not text and are left out, the first is %s\n",
                         (long long)source.num_binary(), source.first_binary().c_str());
        if (out.documents() == 0)
            throw Error(cat(config.input[0], config.input.size() > 1 ? " ..." : "", ": no text in the input"));
        if (config.val_fraction > 0 && out.documents() == 1) {
            if (single || num_pipes > 0)
                throw Error(cat(config.input[0], ": one document", single ? " of one byte" : " from a pipe",
                                " cannot be split for --val-fraction"), "give more text, or give it as a file");
            continue;                                               // only now it is known; once more, split at its end
        }
        out.publish();
        std::printf("%s -> %s\n", out.summary().c_str(), config.out.c_str());
        return 0;
    }
}

// ---- tokenize stats

struct TokenizeStatsConfig {
    std::string data;
    int64_t seq_len = 1024;
    int end_of_text = -1;
};

inline const std::vector<Flag<TokenizeStatsConfig>> tokenize_stats_flags = {
    {"data", &TokenizeStatsConfig::data, "DIR", "folder of token shards"},
    {"seq-len", &TokenizeStatsConfig::seq_len, "tokens", "length T of the rows for which the orders are compared"},
    {"end-of-text", &TokenizeStatsConfig::end_of_text, "id", "begins a document; -1: as index.json says"},
};

// What the rows of an order do with the tokens of a split; the packed rows are those of epoch 0.
inline void print_order_stats(const LoaderOptions& options) {
    DataLoader loader(options);
    const int64_t rows = loader.rows_per_epoch(), targets = loader.targets_per_epoch();
    std::string line = strprintf("  %-10s %12s rows, %6.2f %% used, %s targets lost", options.order.c_str(),
                                 with_commas(rows).c_str(), 100.0 * double(targets) / double(rows * options.seq_len),
                                 with_commas(loader.num_tokens() - 1 - targets).c_str());
    if (options.order == "packed") {
        int64_t pieces = 0, at_start = 0;
        std::vector<Segment> row;
        for (int64_t r = 0; r < rows; r++) {
            loader.row_segments(r, row);
            pieces += int64_t(row.size());
            int32_t first;
            loader.read_tokens(row[0].start, 1, &first);
            at_start += first == loader.end_of_text();
        }
        line += strprintf("; %.1f %% of the rows begin with a document, %.2f pieces a row",
                          100.0 * double(at_start) / double(rows), double(pieces) / double(rows));
    }
    std::printf("%s\n", line.c_str());
}

inline void print_split_stats(const TokenizeStatsConfig& c, const std::string& split) {
    LoaderOptions options{c.data, split, 1, "contiguous"};
    options.verify = true, options.end_of_text = c.end_of_text;
    DataLoader loader(options);
    const int64_t N = loader.num_tokens(), chunk = int64_t(1) << 23;
    int64_t documents = loader.split_info().documents;
    if (documents == 0 && loader.end_of_text() >= 0)                // no index: count them
        for (int64_t at = 0; at < N; at += chunk)
            for (const Segment& d : loader.documents(at, std::min(chunk, N - at))) {
                int32_t first;
                loader.read_tokens(d.start, 1, &first);
                documents += first == loader.end_of_text();
            }
    const double bytes_per_token = loader.bytes_per_token();
    std::printf("%s: %s documents, %s tokens, %s bytes/token; %lld shards, CRC %s\n", split.c_str(),
                documents > 0 ? with_commas(documents).c_str() : "?", with_commas(N).c_str(),
                bytes_per_token > 0 ? strprintf("%.3f", bytes_per_token).c_str() : "?", (long long)loader.num_shards(),
                loader.split_info().shards.empty() ? "unknown (no index.json)" : "right");
    options.seq_len = c.seq_len, options.verify = false;
    for (const char* order : {"contiguous", "shuffled", "packed"}) {
        options.order = order;
        if (N <= c.seq_len) std::printf("  %-10s too short for a row of %lld tokens\n", order, (long long)c.seq_len);
        else if (options.order != "packed" || loader.end_of_text() >= 0) print_order_stats(options);
    }
}

inline int run_tokenize_stats(TokenizeStatsConfig& c) {
    if (c.data.empty()) throw UsageError("--data is missing", "a folder of token shards");
    const bool has_val = data_has_split(c.data, "val");
    if (data_has_split(c.data, "train") || !has_val) print_split_stats(c, "train");
    if (has_val) print_split_stats(c, "val");
    return 0;
}

inline std::vector<Command> tokenize_commands() {
    return {make_command<TokenizeConfig>("tokenize", "--tokenizer FILE --input PATH... --out DIR",
                                         "text or JSONL -> token shards", tokenize_flags, run_tokenize),
            make_command<TokenizeStatsConfig>("tokenize stats", "--data DIR --seq-len T",
                                              "what token shards hold, whether they are intact, how rows use them",
                                              tokenize_stats_flags, run_tokenize_stats)};
}
