// warc_bytes.hpp -- the bytes of a web archive, decompressed, with broken places survived.
//
// An archive .warc.gz is a chain of gzip members, usually one per record, so that a reader may start at any member. What
// inflate cannot read (a flipped bit, a cut file, a wrong checksum) costs that member: it is counted, and reading goes on at
// the next place that looks like the start of a member. Plain files pass through. Memory: two buffers; `keep` bytes ahead.
// Source of the member's first bytes (1f 8b 08 and flags below 0x20): RFC 1952, 2.3.
#pragma once

#include <zlib.h>

#include <memory>

#include "../../common.hpp"

class WarcBytes {
   public:
    explicit WarcBytes(const std::string& path) : path_(path) {
        file_.reset(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
        if (!file_) throw system_error(cat(path, ": cannot be opened"));
        raw_.resize(kChunk);
        fill_raw();
        gzip_ = have_ >= 2 && raw_[0] == 0x1f && raw_[1] == 0x8b;
        if (gzip_ && inflateInit2(&z_, 15 + 16) != Z_OK) throw Error(cat(path, ": zlib cannot be started"));
    }
    WarcBytes(const WarcBytes&) = delete;
    WarcBytes& operator=(const WarcBytes&) = delete;
    ~WarcBytes() {
        if (gzip_) inflateEnd(&z_);
    }
    // The next bytes: at least `bytes` of them unless the file ends before. Good until the next call of peek or skip.
    std::string_view peek(size_t bytes) {
        while (buffer_.size() - at_ < bytes && more()) {
        }
        return std::string_view(buffer_).substr(at_);
    }
    void skip(size_t bytes) { at_ += std::min(bytes, buffer_.size() - at_); }
    // Moves up to `bytes` bytes on, copying the first `copy` of them into `out`; returns how many there were.
    int64_t take(int64_t bytes, int64_t copy, std::string& out) {
        int64_t done = 0;
        while (done < bytes) {
            const std::string_view ahead = peek(1);
            if (ahead.empty()) break;
            const int64_t n = std::min<int64_t>(bytes - done, int64_t(ahead.size()));
            if (done < copy) out.append(ahead.substr(0, size_t(std::min(n, copy - done))));
            skip(size_t(n));
            done += n;
        }
        return done;
    }
    bool at_end() { return peek(1).empty(); }
    int64_t broken_members() const { return broken_; }
    const std::string& path() const { return path_; }

   private:
    static constexpr size_t kChunk = size_t(256) << 10;
    struct Close {
        void operator()(std::FILE* f) const {
            if (f != stdin) std::fclose(f);
        }
    };
    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
    std::vector<unsigned char> raw_;
    size_t raw_at_ = 0, have_ = 0;
    bool gzip_ = false, between_ = true;
    z_stream z_{};
    std::string buffer_;  // decompressed; [at_, end) is still to be read
    size_t at_ = 0;
    int64_t broken_ = 0;

    void fill_raw() {
        raw_at_ = 0;
        have_ = std::fread(raw_.data(), 1, raw_.size(), file_.get());
        if (have_ == 0 && std::ferror(file_.get())) throw system_error(cat(path_, ": reading failed"));
    }
    // Appends some bytes to buffer_; false at the end of the file.
    bool more() {
        if (at_ > kChunk) buffer_.erase(0, at_), at_ = 0;
        if (!gzip_) {
            if (raw_at_ == have_) fill_raw();
            buffer_.append(reinterpret_cast<const char*>(raw_.data()) + raw_at_, have_ - raw_at_);
            const bool any = have_ > raw_at_;
            raw_at_ = have_;
            return any;
        }
        return inflate_some();
    }
    bool inflate_some() {
        for (;;) {
            if (raw_at_ == have_) fill_raw();
            if (have_ == 0) {
                if (!between_) broken_++, between_ = true;  // the file ends inside of a member
                return false;
            }
            if (between_ && !find_member()) continue;
            between_ = false;
            const size_t before = buffer_.size();
            buffer_.resize(before + kChunk);
            z_.next_out = reinterpret_cast<Bytef*>(buffer_.data() + before);
            z_.avail_out = uInt(kChunk);
            z_.next_in = raw_.data() + raw_at_;
            z_.avail_in = uInt(have_ - raw_at_);
            const int result = inflate(&z_, Z_NO_FLUSH);
            raw_at_ = have_ - z_.avail_in;
            buffer_.resize(buffer_.size() - z_.avail_out);
            if (result == Z_STREAM_END) between_ = true;
            else if (result != Z_OK && result != Z_BUF_ERROR) {
                broken_++;
                between_ = true;
                if (raw_at_ < have_ && raw_at_ > 0 && buffer_.size() == before && raw_[raw_at_] == 0x1f) raw_at_++;
            }
            if (buffer_.size() > before) return true;
        }
    }
    // Moves to the next bytes that can start a member; false if the raw buffer holds none (it is consumed then, but for a
    // possible start at its very end, which the next buffer completes).
    bool find_member() {
        while (raw_at_ < have_) {
            const void* hit = std::memchr(raw_.data() + raw_at_, 0x1f, have_ - raw_at_);
            if (!hit) break;
            raw_at_ = size_t(static_cast<const unsigned char*>(hit) - raw_.data());
            if (have_ - raw_at_ < 4) {  // too few to tell: move them to the front and read on
                const size_t left = have_ - raw_at_;
                std::memmove(raw_.data(), raw_.data() + raw_at_, left);
                have_ = left + std::fread(raw_.data() + left, 1, raw_.size() - left, file_.get());
                raw_at_ = 0;
                if (have_ < 4) break;
            }
            const unsigned char* m = raw_.data() + raw_at_;
            if (m[1] == 0x8b && m[2] == 8 && m[3] < 0x20) {
                inflateReset(&z_);
                return true;
            }
            raw_at_++;
        }
        raw_at_ = have_;
        return false;
    }
};
