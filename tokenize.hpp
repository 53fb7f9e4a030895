// tokenize.hpp -- text files, folders and JSONL -> token shards with an index.
//
// A document is a text file, a line of JSONL (plain, gzip or zstd), or what comes through a pipe; in the shards it is its
// tokens behind one end-of-text. Inputs come as jobs of about 1 MiB (text_inputs.hpp), threads encode jobs, and results
// are written in input order: the shards do not depend on the number of threads, and memory holds a few jobs a thread.
// Files appear whole or not at all: all is written, flushed, read back and compared (CRC) under temporary names, then
// renamed, index.json last. Every few seconds resume.json notes what is written and which input follows: a run that was
// killed goes on from there when the same command is given again, and writes the same bytes as without the stop.
// Does not: clean or deduplicate text.
#pragma once

#include <sys/file.h>

#include <atomic>
#include <set>

#include "cli.hpp"
#include "dataloader.hpp"
#include "jsonl.hpp"
#include "text_inputs.hpp"
#include "tokenizer.hpp"

struct TokenizeConfig {
    std::string tokenizer, pattern, out;
    std::vector<std::string> input;
    std::string format = "auto", text_field = "text";
    double val_fraction = 0;
    int64_t shard_tokens = 100000000;
    int threads = 0;
    bool skip_bad = false, overwrite = false, fresh = false;
    double checkpoint_s = 10;            // between two notes in resume.json
};

inline const std::vector<Flag<TokenizeConfig>> tokenize_flags = {
    {"tokenizer", &TokenizeConfig::tokenizer, "FILE",
     "tokenizer.json, its folder, a .tiktoken, vocab.bpe, or the word bytes (256 ids, one a byte)"},
    {"pattern", &TokenizeConfig::pattern, "NAME", "split pattern of a .tiktoken: gpt2, cl100k, o200k, llama3 or nanochat"},
    {"input", &TokenizeConfig::input, "PATH...", "text or JSONL files, also .gz and .zst; folders (all files in them), - for stdin"},
    {"out", &TokenizeConfig::out, "DIR", "folder for the shards, index.json and tokenizer.json"},
    {"format", &TokenizeConfig::format, "auto|text|jsonl", "auto: .jsonl and .ndjson are JSONL, all else is text"},
    {"text-field", &TokenizeConfig::text_field, "NAME", "the field of a JSONL object that holds the text"},
    {"skip-bad", &TokenizeConfig::skip_bad, "", "count broken JSONL lines instead of stopping at the first"},
    {"val-fraction", &TokenizeConfig::val_fraction, "",
     "share of the documents that go into the split val; a single document gives its end"},
    {"shard-tokens", &TokenizeConfig::shard_tokens, "tokens", "size of a shard"},
    {"threads", &TokenizeConfig::threads, "", "threads that encode; 0: as many as the machine has"},
    {"overwrite", &TokenizeConfig::overwrite, "", "replace the shards that are in --out"},
    {"fresh", &TokenizeConfig::fresh, "", "begin anew even where an interrupted run of the same command could go on"},
};

namespace tokenize {

// ---- encoding

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
    Position after;                      // what has been read of the inputs once this is written
    std::exception_ptr error;
};

class Encoder {
   public:
    Encoder(const Tokenizer& tokenizer, const TokenizeConfig& config, double split_single)
        : tokenizer_(tokenizer), skip_bad_(config.skip_bad), split_single_(split_single), reader_(config.text_field),
          wide_(tokenizer.vocab_size() > 65536) {}

    Encoded encode(const Job& job) {
        Encoded out;
        out.input_bytes = int64_t(job.text.size()), out.after = job.after;
        if (wide_) out.wide.reserve(job.text.size() / 4 + 8);
        else out.narrow.reserve(job.text.size() / 4 + 8);
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
        const int64_t tokens = wide_ ? append(out.wide, text, starts) : append(out.narrow, text, starts);
        out.parts.push_back({tokens, int64_t(text.size()), starts, to_val});
    }
    // Straight into the width of the shard; returns how many tokens.
    template <typename Id>
    int64_t append(std::vector<Id>& ids, std::string_view text, bool starts) {
        const size_t before = ids.size();
        if (starts && tokenizer_.end_of_text() >= 0) ids.push_back(Id(tokenizer_.end_of_text()));
        tokenizer_.encode_append(ids, text);
        return int64_t(ids.size() - before);
    }

    const Tokenizer& tokenizer_;
    bool skip_bad_;
    double split_single_;
    TextFieldReader reader_;
    bool wide_;
};

// ---- writing

// A file under `path + ".tmp"`. flush() makes it safe on the disk, publish() gives it its name and needs no more room:
// many files can be made ready before the first is seen. Without publish() nothing is left. Nobody else may write it.
class StagedFile {
   public:
    // `keep_bytes` of an interrupted run stay in it.
    explicit StagedFile(const std::string& path, int64_t keep_bytes = 0) : path_(path), tmp_path_(path + ".tmp") {
        fd_ = ::open(tmp_path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (fd_ < 0) throw system_error(cat(tmp_path_, ": cannot be written"));
        // the lock: two runs into one folder would spoil each other's files
        if ((::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) || ::ftruncate(fd_, keep_bytes) != 0) {
            const Error error = system_error(cat(tmp_path_, ": is another process writing it?"), "wait for it to end");
            ::close(fd_);
            throw error;
        }
    }
    StagedFile(const StagedFile&) = delete;
    ~StagedFile() {
        if (fd_ >= 0) ::close(fd_);
        if (!tmp_path_.empty() && !keep_) ::unlink(tmp_path_.c_str());
    }
    // From now on the file stays under its temporary name where it is not published: a later run goes on with it.
    void keep() { keep_ = true; }
    const std::string& tmp_path() const { return tmp_path_; }
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
    bool keep_ = false;
};

// The shards of one split: every shard has shard_tokens tokens but the last.
class SplitWriter {
   public:
    SplitWriter(const std::string& dir, const std::string& name, const Tokenizer& tokenizer, int64_t shard_tokens)
        : dir_(dir), name_(name), tokenizer_(tokenizer), shard_tokens_(shard_tokens) {}

    // Go on with the shards of an interrupted run, after looking whether they are as it left them. The last is not complete.
    void resume(const SplitInfo& info) {
        info_ = info;
        for (size_t s = 0; s < info.shards.size(); s++) {
            const ShardInfo& shard = info.shards[s];
            const std::string path = dir_ + "/" + shard.file, tmp = path + ".tmp";
            const int64_t bytes = kShardHeaderBytes + shard.tokens * (tokenizer_.vocab_size() > 65536 ? 4 : 2);
            if (file_size_bytes(tmp) < bytes || crc32(MappedFile(tmp).data() + kShardHeaderBytes, size_t(bytes - kShardHeaderBytes)) != shard.crc)
                throw Error(cat(tmp, ": is not as the interrupted run left it"));
            files_.push_back(std::make_unique<StagedFile>(path, bytes));
            files_.back()->keep();
            closed_ = s + 1 < info.shards.size();
            if (closed_) files_.back()->flush();
            offset_ = bytes;
        }
    }
    // All that was appended is in the files, which stay.
    void checkpoint() {
        if (!files_.empty() && !closed_) write_buffer();
        for (auto& f : files_) f->keep();
    }
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
        verify(files_.back()->tmp_path(), info_.shards.back());
    }
    // Read back from the disk, not from the system's cache where it can be helped.
    static void verify(const std::string& path, const ShardInfo& info) {
        if (const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
            ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            ::close(fd);
        }
        const TokenShard shard(path);
        if (shard.tokens() != info.tokens || shard.crc() != info.crc)
            throw Error(cat(path, ": what was read back is not what was written (", shard.tokens(), " tokens, CRC ",
                            strprintf("%08x", shard.crc()), ", expected ", info.tokens, " and ", strprintf("%08x", info.crc), ")"),
                        "the disk or the memory of this machine is faulty");
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

// What resume.json says: all that a later run of the same command needs to go on.
struct ResumePoint {
    Position from;
    int64_t documents = 0, input_bytes = 0, bad_lines = 0, empty = 0;
    bool in_val = false;
    SplitInfo train, val;
};
// One number for "the same command on the same inputs". --skip-bad is not in it: who stopped at a broken line may go on with it.
inline std::string run_identity(const TokenizeConfig& c, const Tokenizer& tokenizer, const std::vector<Input>& inputs, bool single) {
    std::string s = cat("v2 ", tokenizer.hash(), " ", c.text_field, " ", strprintf("%a", c.val_fraction), " ", c.shard_tokens, " ", single);
    for (const Input& i : inputs) {
        struct stat st {};
        if (::stat(i.path.c_str(), &st) != 0) throw system_error(cat(i.path, ": cannot be read"));
        s += cat("\n", i.path, " ", i.bytes, " ", i.jsonl, " ", i.listed, " ", st.st_mtim.tv_sec, ".", st.st_mtim.tv_nsec);
    }
    return strprintf("%016llx", (unsigned long long)bpe::hash_bytes(s));
}

// The folder: receives results in input order, decides the split, publishes everything at the end.
class FolderWriter {
   public:
    // `identity`: "" where the run cannot be taken up again.
    FolderWriter(const TokenizeConfig& config, const Tokenizer& tokenizer, int64_t total_bytes, const std::string& identity)
        : config_(config), tokenizer_(tokenizer), index_path_(config.out + "/index.json"), index_file_(index_path_),
          tokenizer_folder_(config.out + "/tokenizer.tmp"), train_(config.out, "train", tokenizer, config.shard_tokens),
          val_(config.out, "val", tokenizer, config.shard_tokens), total_bytes_(total_bytes),
          resume_path_(config.out + "/resume.json"), identity_(identity) {
        const auto left = read_resume_point();
        std::set<std::string> taken_up;
        if (left)
            for (const SplitInfo* split : {&left->train, &left->val})
                for (const ShardInfo& s : split->shards) taken_up.insert(s.file + ".tmp");
        for (const std::string& name : names_in(config.out))        // what a killed run left
            if ((name.starts_with("train_") || name.starts_with("val_")) && name.ends_with(".bin.tmp") && !taken_up.count(name))
                ::unlink((config.out + "/" + name).c_str());
        if (left) take_up(*left);
        else ::unlink(resume_path_.c_str());
        tokenizer.save_directory(tokenizer_folder_.path);
    }
    // Where the inputs have to be read from.
    const Position& from() const { return from_; }
    // Something of this run would be left for a later one to go on with.
    bool has_checkpoint() const { return has_checkpoint_; }

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
        const double now = now_s(), bytes = double(input_bytes_ - resumed_bytes_);
        if (!identity_.empty() && now - last_checkpoint_ >= config_.checkpoint_s) checkpoint(e.after), last_checkpoint_ = now;
        if (now - last_progress_ < 1) return;
        last_progress_ = now;
        std::string share;                                          // and how long it will take
        if (total_bytes_ > 0)
            share = strprintf(" (%.0f %%, %.0f s left)", 100 * double(input_bytes_) / double(total_bytes_),
                              double(total_bytes_ - input_bytes_) * (now - start_) / bytes);
        std::fprintf(stderr, "tokenize: %s%s, %s tokens, %.1f MB/s\n", human_bytes(double(input_bytes_)).c_str(), share.c_str(),
                     with_commas(train_.info().tokens + val_.info().tokens).c_str(), bytes / 1e6 / (now - start_));
    }

    // All names at once, index.json last. Between the first rename and the last the folder has index.json.tmp instead,
    // which the loader takes as unfinished: nobody reads a mix of two runs.
    void publish() {
        train_.flush();
        val_.flush();
        DataIndex index{tokenizer_.hash_text(), tokenizer_.vocab_size(), tokenizer_.end_of_text(), {{"train", train_.info()}}};
        if (val_.info().tokens > 0) index.splits["val"] = val_.info();
        const std::string text = index_to_json(index);
        index_file_.write(text.data(), text.size(), 0);
        index_file_.flush();
        std::vector<std::string> old = shards_of_last_run();
        ::unlink(resume_path_.c_str());                             // from here on, who is killed begins anew: its files change their names
        fsync_directory(config_.out);
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
                          double(input_bytes_ - resumed_bytes_) / 1e6 / (now_s() - start_));
        if (bad_lines_ > 0) text += cat("; ", with_commas(bad_lines_), " broken lines skipped");
        if (empty_ > 0) text += cat("; ", with_commas(empty_), " documents without text skipped");
        return text;
    }

   private:
    // The shards so far, in a folder that stays marked as unfinished, and the note that says so.
    void checkpoint(const Position& after) {
        train_.checkpoint();
        val_.checkpoint();
        index_file_.keep();
        DataIndex shards{identity_, tokenizer_.vocab_size(), tokenizer_.end_of_text(), {{"train", train_.info()}, {"val", val_.info()}}};
        const nlohmann::json note = {{"format", "train_gpt tokenize, interrupted"}, {"identity", identity_}, {"input", after.input},
                                     {"bytes", after.bytes}, {"line", after.line}, {"starts", after.starts}, {"documents", documents_},
                                     {"input_bytes", input_bytes_}, {"bad_lines", bad_lines_}, {"empty", empty_}, {"in_val", in_val_},
                                     {"shards", index_to_json(shards)}};
        write_file(resume_path_, json_text(note, 1) + "\n");
        has_checkpoint_ = true;
    }
    // nullopt: there is nothing to go on with (another command, an older program, a broken note).
    std::optional<ResumePoint> read_resume_point() const {
        if (identity_.empty() || config_.fresh || !fs::exists(resume_path_)) return std::nullopt;
        try {
            const auto note = parse_json_text<nlohmann::json>(read_file(resume_path_));
            if (note.at("identity") != identity_) {
                std::fprintf(stderr, "tokenize: %s: an interrupted run of another command, or of inputs that have changed; beginning anew\n", resume_path_.c_str());
                return std::nullopt;
            }
            ResumePoint r;
            r.from = {note.at("input"), note.at("bytes"), note.at("line"), note.at("starts")};
            r.documents = note.at("documents"), r.input_bytes = note.at("input_bytes"), r.bad_lines = note.at("bad_lines");
            r.empty = note.at("empty"), r.in_val = note.at("in_val");
            const DataIndex shards = index_from_json(note.at("shards").get<std::string>(), resume_path_);
            r.train = shards.splits.at("train"), r.val = shards.splits.at("val");
            return r;
        } catch (const std::exception&) {
            return std::nullopt;
        }
    }
    void take_up(const ResumePoint& r) {
        try {
            train_.resume(r.train);
            val_.resume(r.val);
        } catch (Error& e) {
            e.advice = "begin anew: add --fresh";
            throw;
        }
        index_file_.keep();
        from_ = r.from, documents_ = r.documents, input_bytes_ = resumed_bytes_ = r.input_bytes;
        bad_lines_ = r.bad_lines, empty_ = r.empty, in_val_ = r.in_val, has_checkpoint_ = true;
        std::fprintf(stderr, "tokenize: going on after %s documents, %s\n", with_commas(documents_).c_str(),
                     human_bytes(double(input_bytes_)).c_str());
    }
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
    std::string resume_path_, identity_;
    Position from_;
    int64_t resumed_bytes_ = 0;                                     // of the inputs, by an earlier run
    bool has_checkpoint_ = false;
    double start_ = now_s(), last_progress_ = now_s(), last_checkpoint_ = now_s();
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
    const std::vector<Input> inputs = list_inputs(config.input, config.format, config.out);
    const int threads = config.threads > 0 ? config.threads : std::max(1, int(std::thread::hardware_concurrency()));
    // without a pattern a whole text is one piece, which may be cut only if nothing merges
    const bool may_cut = tokenizer.pattern() != "none" || tokenizer.merges().empty();
    int64_t total_bytes = 0, num_pipes = 0, num_texts = 0;
    for (const Input& i : inputs) {
        if (i.bytes < 0) num_pipes++;
        if (i.bytes != 0) num_texts += i.jsonl ? 2 : 1;             // 2: perhaps many
        total_bytes = i.is_stream() || total_bytes < 0 ? -1 : total_bytes + i.bytes;
    }
    make_directories(config.out);
    const bool one_text = config.val_fraction > 0 && num_texts == 1;
    for (bool single = one_text;; single = true) {
        const double split_single = single ? config.val_fraction : 0;
        Source source(inputs, split_single, may_cut);
        // a pipe cannot be read again; what turned out to be one document in the first try is short
        const std::string identity = num_pipes == 0 && single == one_text ? run_identity(config, tokenizer, inputs, single) : "";
        FolderWriter out(config, tokenizer, total_bytes, identity);
        source.seek(out.from());
        try {
            encode_in_order(source, out, threads, [&] { return Encoder(tokenizer, config, split_single); });
        } catch (Error& e) {
            if (out.has_checkpoint())
                e.advice += cat(e.advice.empty() ? "" : "; ", "the same command goes on after about ", with_commas(out.documents()), " documents");
            throw;
        }
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
struct OrderStats {
    int64_t rows = 0, targets = 0, lost = 0;       // lost: tokens that are never a target
    int64_t pieces = 0, at_start = 0;              // packed: pieces in all rows, rows that begin with a document
    double used = 0;                               // share of the rows' places that are targets
};
inline OrderStats order_stats(const LoaderOptions& options) {
    DataLoader loader(options);
    OrderStats o{loader.rows_per_epoch(), loader.targets_per_epoch()};
    if (options.order == "packed") {                                // counted in the rows themselves
        o.targets = -1;                                             // the last token of all has nothing to predict
        std::vector<Segment> row;
        for (int64_t r = 0; r < o.rows; r++) {
            loader.row_segments(r, row);
            o.pieces += int64_t(row.size());
            for (const Segment& piece : row) o.targets += piece.length;
            int32_t first;
            loader.read_tokens(row[0].start, 1, &first);
            o.at_start += first == loader.end_of_text();
        }
    }
    o.lost = loader.num_tokens() - 1 - o.targets;
    o.used = double(o.targets) / double(o.rows * options.seq_len);
    return o;
}
inline void print_order_stats(const LoaderOptions& options) {
    const OrderStats o = order_stats(options);
    std::string line = strprintf("  %-10s %12s rows, %6.2f %% used, %s targets lost", options.order.c_str(),
                                 with_commas(o.rows).c_str(), 100.0 * o.used, with_commas(o.lost).c_str());
    if (options.order == "packed")
        line += strprintf("; %.1f %% of the rows begin with a document, %.2f pieces a row",
                          100.0 * double(o.at_start) / double(o.rows), double(o.pieces) / double(o.rows));
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
