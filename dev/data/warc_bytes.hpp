// warc_bytes.hpp -- the bytes of a web archive, decompressed, with broken places survived.
//
// An archive .warc.gz is a chain of gzip members, usually one per record, so that a reader may start at any member. What
// inflate cannot read (a flipped bit, a cut file, a wrong checksum, a member whose beginning is damaged) costs that member: it is
// counted, and reading goes on at the next place that looks like the start of one. In between is a break: peek() and take() end
// there, so that no record goes on with the bytes of another, and pass_break() steps over it. Plain files pass through.
// Memory: two buffers, and what peek() was asked for.
// Source of the member's first bytes (1f 8b 08 and flags below 0x20): RFC 1952, 2.3.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "../../common.hpp"

class WarcBytes {
   public:
    explicit WarcBytes(const std::string& path) : path_(path) {
        file_.reset(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
        if (!file_) throw system_error(cat(path, ": cannot be opened"));
        raw_.resize(kChunk);
        fill_raw();
        gzip_ = is_packed();
        if (gzip_ && inflateInit2(&z_, 15 + 16) != Z_OK) throw Error(cat(path, ": zlib cannot be started"));
    }
    WarcBytes(const WarcBytes&) = delete;
    WarcBytes& operator=(const WarcBytes&) = delete;
    ~WarcBytes() {
        if (gzip_) inflateEnd(&z_);
    }
    // The next bytes: at least `bytes` of them, unless a break or the end of the file comes before. Good until the next call of peek.
    std::string_view peek(size_t bytes) {
        while (ahead() < bytes && breaks_.empty() && more()) {
        }
        return std::string_view(buffer_).substr(at_, ahead());
    }
    void skip(size_t bytes) { at_ += std::min(bytes, ahead()); }
    // Moves up to `bytes` bytes on, copying the first `copy` of them into `out`; returns how many there were before a break or the end.
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
    // Where peek() is empty: true at a break, which is passed; false at the end of the file.
    bool pass_break() {
        if (breaks_.empty() || breaks_.front() != at_) return false;
        breaks_.pop_front();
        return true;
    }
    int64_t broken_members() const { return broken_; }
    int64_t skipped_bytes() const { return skipped_; }   // of the file, passed over in search of a member (zeros left out: padding)
    const std::string& path() const { return path_; }

   private:
    static constexpr size_t kChunk = size_t(256) << 10, kLookBack = size_t(64) << 10;
    struct Close {
        void operator()(std::FILE* f) const {
            if (f != stdin) std::fclose(f);
        }
    };
    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
    std::vector<unsigned char> raw_;
    size_t raw_at_ = 0, have_ = 0, behind_start_ = 0;    // behind_start_: of raw_, the byte behind the start of the present member
    bool gzip_ = false, between_ = true, lost_ = false;  // between members; no member, and that is counted
    z_stream z_{};
    std::string buffer_;                                 // decompressed; [at_, end) is still to be read
    size_t at_ = 0;
    std::deque<size_t> breaks_;                          // positions in buffer_, none before at_
    int64_t broken_ = 0, skipped_ = 0;

    size_t ahead() const { return (breaks_.empty() ? buffer_.size() : breaks_.front()) - at_; }
    void fill_raw() {
        raw_at_ = behind_start_ = 0;
        have_ = std::fread(raw_.data(), 1, raw_.size(), file_.get());
        if (have_ == 0 && std::ferror(file_.get())) throw system_error(cat(path_, ": reading failed"));
    }
    static bool starts_member(const unsigned char* m) { return m[0] == 0x1f && m[1] == 0x8b && m[2] == 8 && m[3] < 0x20; }
    // gzip? The first bytes say so. Where they are damaged the name does, or a member further behind, unless what only a plain
    // archive shows is in sight.
    bool is_packed() const {
        const std::string_view start(reinterpret_cast<const char*>(raw_.data()), have_);
        if (start.starts_with("\x1f\x8b")) return true;
        for (const char* word : {"WARC/", "HTTP/", "filedesc:"})
            if (start.find(word) != std::string_view::npos) return false;
        bool member = false;
        for (size_t i = 0; i + 4 <= have_ && !member; i++) member = starts_member(raw_.data() + i);
        return member || path_.ends_with(".gz");
    }
    // Appends some bytes to buffer_; false at the end of the file.
    bool more() {
        if (at_ > kChunk) {
            buffer_.erase(0, at_);
            for (size_t& b : breaks_) b -= at_;
            at_ = 0;
        }
        if (!gzip_) {
            if (raw_at_ == have_) fill_raw();
            buffer_.append(reinterpret_cast<const char*>(raw_.data()) + raw_at_, have_ - raw_at_);
            const bool any = have_ > raw_at_;
            raw_at_ = have_;
            return any;
        }
        return inflate_some();
    }
    void add_break() {
        broken_++, lost_ = true;
        breaks_.push_back(buffer_.size());
    }
    bool inflate_some() {
        for (;;) {
            if (raw_at_ == have_) fill_raw();
            if (have_ == 0) {
                if (!between_) between_ = true, add_break();  // the file ends inside of a member
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
                between_ = true;
                add_break();
                // damage is often noticed late, when the next member has been read for a part of this one: the search starts in this one
                raw_at_ = std::max(behind_start_, raw_at_ - std::min(raw_at_, kLookBack));
            }
            if (buffer_.size() > before) return true;
        }
    }
    // Moves to the next bytes that can start a member; false if the raw buffer holds none (it is consumed then, but for a
    // possible start at its very end, which the next buffer completes).
    bool find_member() {
        for (size_t to = raw_at_; to < have_; to++) {
            const void* hit = std::memchr(raw_.data() + to, 0x1f, have_ - to);
            if (!hit) break;
            to = size_t(static_cast<const unsigned char*>(hit) - raw_.data());
            if (have_ - to < 4) {  // too few to tell: move them to the front and read on
                pass_over(to);
                const size_t left = have_ - to;
                std::memmove(raw_.data(), raw_.data() + to, left);
                have_ = left + std::fread(raw_.data() + left, 1, raw_.size() - left, file_.get());
                raw_at_ = to = 0;
                if (have_ < 4) break;
            }
            if (!starts_member(raw_.data() + to)) continue;
            pass_over(to);
            inflateReset(&z_);
            behind_start_ = to + 1;
            lost_ = false;
            return true;
        }
        pass_over(have_);
        return false;
    }
    // Between two members there is nothing but perhaps a padding of zeros. Else they are a member without its beginning, or noise.
    void pass_over(size_t to) {
        const int64_t bytes = int64_t(to - raw_at_) - int64_t(std::count(raw_.begin() + long(raw_at_), raw_.begin() + long(to), 0));
        raw_at_ = to;
        skipped_ += bytes;
        if (bytes && !lost_) add_break();
    }
};
