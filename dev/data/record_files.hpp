// record_files.hpp -- sort and merge more records than memory holds.
//
// A record is k numbers of 8 bytes, perhaps with a document number of 4 bytes behind them; files of records are sorted by these
// numbers. RecordFile reads one in order through a buffer and opens it anew for each buffer, so that thousands can be merged without
// thousands of open files. RecordSorter collects records up to a size, sorts them and writes them as a run; at the end the runs
// are merged (Knuth, The Art of Computer Programming 3, 5.4: external sorting with replacement by a heap).
// Memory: a sorter's run (its records and 4 bytes each for their order), then kMergeBytes for all buffers of a merge.
#pragma once

#include <algorithm>
#include <functional>
#include <queue>

#include "../../common.hpp"

namespace webtext {

constexpr size_t kMergeBytes = size_t(128) << 20;

// The shape of records: `numbers` of 8 bytes, and whether 4 bytes of a document follow.
struct RecordShape {
    int64_t numbers = 1;
    bool document = true;
    size_t bytes() const { return size_t(numbers) * 8 + (document ? 4 : 0); }
    // Order: as tuples of numbers, then by document. < 0, 0 or > 0.
    int compare(const char* a, const char* b) const {
        if (const int c = compare_numbers(a, b)) return c;
        if (!document) return 0;
        uint32_t x, y;
        std::memcpy(&x, a + 8 * numbers, 4);
        std::memcpy(&y, b + 8 * numbers, 4);
        return x < y ? -1 : x > y;
    }
    int compare_numbers(const char* a, const char* b) const {
        for (int64_t i = 0; i < numbers; i++) {
            uint64_t x, y;
            std::memcpy(&x, a + 8 * i, 8);
            std::memcpy(&y, b + 8 * i, 8);
            if (x != y) return x < y ? -1 : 1;
        }
        return 0;
    }
};

// Reads the records [first, last) of a file in order. Throws an Error if its length is no whole number of records.
class RecordFile {
   public:
    RecordFile(std::string path, size_t record_bytes) : path_(std::move(path)), size_(record_bytes) {
        const int64_t bytes = file_size_bytes(path_);
        if (size_t(bytes) % size_)
            throw Error(cat(path_, ": ", bytes, " bytes are no whole number of records of ", size_), "remove what was made from it, and it, and make it anew");
        records_ = last_ = bytes / int64_t(size_);
    }
    int64_t records() const { return records_; }
    const std::string& path() const { return path_; }
    void range(int64_t first, int64_t last, size_t buffer_bytes) {
        next_ = first, last_ = last;
        room_ = std::max<size_t>(buffer_bytes / size_, 1) * size_;
        at_ = have_ = 0;
        fill();
    }
    void all(size_t buffer_bytes) { range(0, records_, buffer_bytes); }
    // The present record, good until advance(); null at the end.
    const char* record() const { return at_ < have_ ? buffer_.data() + at_ : nullptr; }
    void advance() {
        at_ += size_;
        if (at_ >= have_) fill();
    }
    // The first number of the record `index`.
    uint64_t first_number(int64_t index) const {
        uint64_t x;
        read_at(index * int64_t(size_), reinterpret_cast<char*>(&x), 8);
        return x;
    }
    // The first record whose first number is not below `value`.
    int64_t lower_bound(uint64_t value) const {
        int64_t a = 0, b = records_;
        while (a < b) {
            const int64_t mid = (a + b) / 2;
            first_number(mid) < value ? a = mid + 1 : b = mid;
        }
        return a;
    }

   private:
    void fill() {
        at_ = 0;
        have_ = std::min(room_, size_t(last_ - next_) * size_);
        buffer_.resize(have_);
        if (have_) read_at(next_ * int64_t(size_), buffer_.data(), have_);
        else buffer_.shrink_to_fit();
        next_ += int64_t(have_ / size_);
    }
    void read_at(int64_t offset, char* to, size_t bytes) const {
        const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) throw system_error(cat(path_, ": cannot be opened"));
        size_t done = 0;
        while (done < bytes) {
            const ssize_t n = ::pread(fd, to + done, bytes - done, off_t(offset) + off_t(done));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                ::close(fd);
                throw n < 0 ? system_error(cat(path_, ": reading failed")) : Error(cat(path_, ": became shorter while it was read"));
            }
            done += size_t(n);
        }
        ::close(fd);
    }
    std::string path_;
    size_t size_, room_ = 0, at_ = 0, have_ = 0;
    int64_t records_ = 0, next_ = 0, last_ = 0;
    std::string buffer_;
};

// Calls use(record, i) for all records of the files in their common order, of equal ones in the order of the files: `i` is the
// number of the file. Each file has its range set.
inline void merge_records(std::vector<RecordFile>& files, const RecordShape& shape, const std::function<void(const char*, size_t)>& use, bool by_document = true) {
    const auto after = [&](size_t a, size_t b) {
        const char *x = files[a].record(), *y = files[b].record();
        if (const int c = by_document ? shape.compare(x, y) : shape.compare_numbers(x, y)) return c > 0;
        return a > b;
    };
    std::priority_queue<size_t, std::vector<size_t>, decltype(after)> heads(after);
    for (size_t i = 0; i < files.size(); i++)
        if (files[i].record()) heads.push(i);
    while (!heads.empty()) {
        const size_t i = heads.top();
        heads.pop();
        use(files[i].record(), i);
        files[i].advance();
        if (files[i].record()) heads.push(i);
    }
}

// Collects records in any order and gives them back sorted. `path` names the runs, path.run0, ..., which are there only between.
class RecordSorter {
   public:
    RecordSorter(std::string path, RecordShape shape, size_t run_bytes) : path_(std::move(path)), shape_(shape), run_bytes_(std::max(run_bytes, size_t(65536))) {}
    RecordSorter(RecordSorter&&) = default;
    ~RecordSorter() { remove_runs(); }
    void add(const void* numbers, uint32_t document = 0) {
        if (data_.capacity() < run_bytes_ + shape_.bytes()) data_.reserve(run_bytes_ + shape_.bytes());   // not by doubling, which needs three times as much
        data_.append(static_cast<const char*>(numbers), size_t(shape_.numbers) * 8);
        if (shape_.document) data_.append(reinterpret_cast<const char*>(&document), 4);
        if (data_.size() >= run_bytes_) spill();
    }
    // All records in order; the sorter is empty then.
    void drain(const std::function<void(const char*)>& use) {
        if (runs_.empty()) {
            for_sorted(use);
        } else {
            if (!data_.empty()) spill();
            std::string().swap(data_);
            std::vector<RecordFile> runs;
            for (const std::string& run : runs_) runs.emplace_back(run, shape_.bytes());
            for (RecordFile& run : runs) run.all(kMergeBytes / runs.size());
            merge_records(runs, shape_, [&](const char* record, size_t) { use(record); });
            remove_runs();
        }
        std::string().swap(data_);
    }
    // All records in order into the file `path`.
    void commit() {
        AtomicFile out(path_);
        drain([&](const char* record) { out.write(record, shape_.bytes()); });
        out.commit();
    }

   private:
    void remove_runs() {
        for (const std::string& run : runs_) ::unlink(run.c_str());
        runs_.clear();
    }
    void spill() {
        const std::string run = cat(path_, ".run", runs_.size());
        AtomicFile out(run);
        for_sorted([&](const char* record) { out.write(record, shape_.bytes()); });
        out.commit();
        runs_.push_back(run);
        data_.clear();
    }
    void for_sorted(const std::function<void(const char*)>& use) const {
        const size_t size = shape_.bytes();
        std::vector<uint32_t> order(data_.size() / size);
        for (uint32_t i = 0; i < order.size(); i++) order[i] = i;
        std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return shape_.compare(&data_[a * size], &data_[b * size]) < 0; });
        for (const uint32_t i : order) use(&data_[i * size]);
    }
    std::string path_;
    RecordShape shape_;
    size_t run_bytes_;
    std::string data_;
    std::vector<std::string> runs_;
};

}  // namespace webtext
