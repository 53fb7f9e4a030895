// dedup.hpp -- the same page twice: find all pairs among billions with sorting, merging and one small table.
//
// Four steps on files; each is an array job of its own, except the third:
//   signature  per input file and bucket: records <k numbers, document>, sorted      SIGS/bucket_003/00012.sig
//   buckets    per bucket: all its files merged; neighbours with equal numbers are a pair   PAIRS/00003_00.dups
//   cluster    union-find over all pairs; of each cluster one document stays         REMOVE/000012.remove
//   filter     the input files again, without the documents listed
// `--method minhash` finds near copies (minhash.hpp: 14 buckets of 8 numbers), `--method exact` whole texts (1 bucket, 2 numbers
// = 128 bits of hash). The layout of the records is datatrove's: little-endian, 8 bytes per number, 4 for the document; pairs
// and removals are 4-byte numbers. A file is known by its place among all inputs, so all steps must be given the same --input.
// Memory: signature sorts in runs of 32 MB a bucket; buckets maps its files; cluster holds 16 bytes per document in a pair.
#pragma once

#include <queue>

#include "minhash.hpp"
#include "run.hpp"

namespace webtext {

struct DedupConfig : RunConfig {
    std::string method = "minhash", hash = "xxhash64";
    int64_t n_grams = 5, buckets = 14, hashes_per_bucket = 8, seed = 1, ranges = 1;
    std::string signatures, pairs, remove;
};

// The layout of the records: also written as DIR/layout.json, so that steps which do not fit are refused.
struct Layout {
    std::string method, hash;
    int64_t n_grams = 0, buckets = 0, numbers = 0, seed = 0;
    size_t record_bytes() const { return size_t(numbers) * 8 + 4; }
    std::string text() const {
        return Json({{"method", method}, {"hash", hash}, {"n_grams", n_grams}, {"buckets", buckets}, {"numbers", numbers}, {"seed", seed}}).dump() + "\n";
    }
};
inline Layout layout_of(const DedupConfig& c) {
    if (c.method != "minhash" && c.method != "exact") throw UsageError(cat("--method ", c.method, ": expected minhash or exact"));
    if (c.hash != "xxhash64" && c.hash != "sha1") throw UsageError(cat("--hash ", c.hash, ": expected xxhash64 or sha1"));
    if (c.n_grams < 1 || c.n_grams > 100) throw UsageError(cat("--n-grams ", c.n_grams, ": expected 1 to 100"));
    if (c.buckets < 1 || c.buckets > 999 || c.hashes_per_bucket < 1 || c.hashes_per_bucket > 64)
        throw UsageError(cat("--buckets ", c.buckets, " --hashes-per-bucket ", c.hashes_per_bucket, ": expected 1 to 999 and 1 to 64"));
    if (c.method == "exact") return {"exact", "xxhash64", 0, 1, 2, 0};
    return {c.method, c.hash, c.n_grams, c.buckets, c.hashes_per_bucket, c.seed};
}
inline Layout read_layout(const std::string& folder) {
    const std::string path = folder + "/layout.json";
    if (!fs::exists(path)) throw Error(cat(path, ": not found"), "make signatures first: webtext dedup signature --output DIR");
    const Json j = Json::parse(read_file(path), nullptr, false);
    if (!j.is_object()) throw Error(cat(path, ": broken JSON"));
    return {j.value("method", ""), j.value("hash", ""), j.value("n_grams", int64_t(0)), j.value("buckets", int64_t(0)), j.value("numbers", int64_t(0)),
            j.value("seed", int64_t(0))};
}

inline void require(const std::string& value, const char* flag, const char* what) {
    if (value.empty()) throw UsageError(cat("--", flag, " is missing"), what);
}

// Order of records: as tuples of numbers, then by document.
inline int compare_records(const char* a, const char* b, int64_t numbers, bool with_document = true) {
    for (int64_t i = 0; i < numbers; i++) {
        uint64_t x, y;
        std::memcpy(&x, a + 8 * i, 8);
        std::memcpy(&y, b + 8 * i, 8);
        if (x != y) return x < y ? -1 : 1;
    }
    if (!with_document) return 0;
    uint32_t x, y;
    std::memcpy(&x, a + 8 * numbers, 4);
    std::memcpy(&y, b + 8 * numbers, 4);
    return x < y ? -1 : x > y;
}

// ---- step 1

// Collects the records of one bucket of one file; sorts them in memory, in runs if they are many, and merges the runs.
class RecordSorter {
   public:
    RecordSorter(std::string path, const Layout& layout, size_t run_bytes) : path_(std::move(path)), numbers_(layout.numbers), size_(layout.record_bytes()), run_bytes_(run_bytes) {}
    void add(const int64_t* numbers, uint32_t document) {
        data_.append(reinterpret_cast<const char*>(numbers), size_t(numbers_) * 8);
        data_.append(reinterpret_cast<const char*>(&document), 4);
        if (data_.size() >= run_bytes_) spill();
    }
    void commit() {
        if (runs_.empty()) {
            write_sorted(path_);
            return;
        }
        if (!data_.empty()) spill();
        std::vector<MappedFile> runs;
        for (const std::string& run : runs_) runs.emplace_back(run);
        const auto after = [&](const std::pair<const char*, size_t>& a, const std::pair<const char*, size_t>& b) { return compare_records(a.first, b.first, numbers_) > 0; };
        std::priority_queue<std::pair<const char*, size_t>, std::vector<std::pair<const char*, size_t>>, decltype(after)> next(after);
        for (size_t i = 0; i < runs.size(); i++) next.push({runs[i].data(), i});
        AtomicFile out(path_);
        while (!next.empty()) {
            auto [record, run] = next.top();
            next.pop();
            out.write(record, size_);
            record += size_;
            if (record < runs[run].data() + runs[run].size()) next.push({record, run});
        }
        out.commit();
        for (const std::string& run : runs_) ::unlink(run.c_str());
    }

   private:
    void spill() {
        runs_.push_back(cat(path_, ".run", runs_.size()));
        write_sorted(runs_.back());
        data_.clear();
    }
    void write_sorted(const std::string& path) {
        std::vector<uint32_t> order(data_.size() / size_);
        for (uint32_t i = 0; i < order.size(); i++) order[i] = i;
        std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return compare_records(&data_[a * size_], &data_[b * size_], numbers_) < 0; });
        AtomicFile out(path);
        for (const uint32_t i : order) out.write(&data_[i * size_], size_);
        out.commit();
    }
    std::string path_;
    int64_t numbers_;
    size_t size_, run_bytes_;
    std::string data_;
    std::vector<std::string> runs_;
};

inline std::string signature_path(const std::string& folder, int64_t bucket, int64_t file) {
    return strprintf("%s/bucket_%03lld/%05lld.sig", folder.c_str(), (long long)bucket, (long long)file);
}

// The documents of a file, numbered as every step numbers them: lines that are no document do not count.
inline int64_t for_each_document(const std::string& path, const std::string& field, const std::function<void(Document&, uint32_t)>& use) {
    InputFile in(path);
    std::string_view line;
    std::string why;
    Document d;
    int64_t n = 0;
    while (in.line(line))
        if (line.find_first_not_of(" \t\r") != std::string_view::npos && parse_document(line, d, why, field)) {
            if (n == int64_t(UINT32_MAX) - 1) throw Error(cat(path, ": more than 2^32 documents in one file"), "split it");
            use(d, uint32_t(n++));
        }
    return n;
}

constexpr size_t kSortRunBytes = size_t(32) << 20;

inline int run_dedup_signature(DedupConfig& c) {
    require(c.output, "output", "a folder for the signatures");
    const Layout layout = layout_of(c);
    make_directories(c.output + "/files");
    for (int64_t b = 0; b < layout.buckets; b++) make_directories(strprintf("%s/bucket_%03lld", c.output.c_str(), (long long)b));
    const std::string layout_path = c.output + "/layout.json";
    if (fs::exists(layout_path) && read_file(layout_path) != layout.text())
        throw Error(cat(layout_path, ": was made with other settings: ", read_file(layout_path)), "use another --output");
    if (!fs::exists(layout_path)) write_file(layout_path, layout.text());
    MinHasher hasher(size_t(std::max<int64_t>(layout.n_grams, 1)), size_t(layout.buckets * layout.numbers), layout.hash == "sha1", uint32_t(layout.seed));
    for (const InputItem& item : my_inputs(c, is_jsonl)) {
        const std::string done = strprintf("%s/files/%05lld.json", c.output.c_str(), (long long)item.number);
        if (fs::exists(done)) {
            std::fprintf(stderr, "%s: done before\n", item.path.c_str());
            continue;
        }
        std::vector<RecordSorter> sorters;
        for (int64_t b = 0; b < layout.buckets; b++) sorters.emplace_back(signature_path(c.output, b, item.number), layout, kSortRunBytes);
        const double start = cpu_s();
        int64_t without = 0, bytes = 0;
        const int64_t documents = for_each_document(item.path, c.text_field, [&](Document& d, uint32_t number) {
            bytes += int64_t(d.text.size());
            if (layout.method == "exact") {
                const int64_t key[2] = {int64_t(xxhash64(d.text)), int64_t(xxhash64(d.text, 0x9E3779B97F4A7C15ull))};
                sorters[0].add(key, number);
                return;
            }
            const std::vector<int64_t>& signature = hasher.signature(d.text);
            if (signature.empty()) {
                without++;
                return;
            }
            for (int64_t b = 0; b < layout.buckets; b++) sorters[size_t(b)].add(&signature[size_t(b * layout.numbers)], number);
        });
        for (RecordSorter& s : sorters) s.commit();
        const double seconds = cpu_s() - start;
        write_file(done, Json({{"name", item.name}, {"documents", documents}, {"without_signature", without}, {"bytes", bytes}, {"cpu_s", seconds}}).dump() + "\n");
        std::fprintf(stderr, "%s: %lld documents, %lld too short for a signature, %.0f documents/s\n", item.path.c_str(), (long long)documents, (long long)without,
                     double(documents) / std::max(seconds, 1e-9));
    }
    return 0;
}

// ---- step 2

struct SignatureFile {
    MappedFile map;
    uint32_t number;                                     // of the input file
};
inline std::vector<SignatureFile> bucket_files(const std::string& folder, int64_t bucket, const Layout& layout) {
    std::vector<SignatureFile> files;
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(strprintf("%s/bucket_%03lld", folder.c_str(), (long long)bucket)))
        if (entry.path().extension() == ".sig") paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
        files.push_back({MappedFile(path), uint32_t(std::stoul(fs::path(path).stem().string()))});
        if (size_t(files.back().map.size()) % layout.record_bytes())
            throw Error(cat(path, ": ", files.back().map.size(), " bytes are no whole number of records of ", layout.record_bytes()), "remove it and its files/*.json, and make it anew");
    }
    return files;
}

// Merges the records of the files with low <= first number < high and writes the pairs of neighbours that are equal.
// Returns the number of pairs.
inline int64_t write_pairs(const std::vector<SignatureFile>& files, const Layout& layout, uint64_t low, uint64_t high, const std::string& path) {
    const size_t size = layout.record_bytes();
    struct Head {
        const char *at, *end;
        uint32_t file;
    };
    const auto first = [](const char* record) {
        uint64_t x;
        std::memcpy(&x, record, 8);
        return x;
    };
    const auto after = [&](const Head& a, const Head& b) {
        const int c = compare_records(a.at, b.at, layout.numbers, false);
        if (c) return c > 0;
        if (a.file != b.file) return a.file > b.file;
        return compare_records(a.at, b.at, layout.numbers) > 0;
    };
    std::priority_queue<Head, std::vector<Head>, decltype(after)> heads(after);
    for (const SignatureFile& f : files) {
        const auto lower = [&](uint64_t value) {         // the first record whose number is not below the value
            int64_t a = 0, b = f.map.size() / int64_t(size);
            while (a < b) {
                const int64_t mid = (a + b) / 2;
                first(f.map.data() + mid * int64_t(size)) < value ? a = mid + 1 : b = mid;
            }
            return f.map.data() + a * int64_t(size);
        };
        const char *begin = lower(low), *end = high == UINT64_MAX ? f.map.data() + f.map.size() : lower(high);
        if (begin < end) heads.push({begin, end, f.number});
    }
    AtomicFile out(path);
    const char* last = nullptr;
    uint32_t last_file = 0;
    int64_t pairs = 0;
    while (!heads.empty()) {
        Head h = heads.top();
        heads.pop();
        if (last && compare_records(last, h.at, layout.numbers, false) == 0) {
            uint32_t pair[4] = {last_file, 0, h.file, 0};
            std::memcpy(&pair[1], last + size - 4, 4);
            std::memcpy(&pair[3], h.at + size - 4, 4);
            out.write(pair, sizeof pair);
            pairs++;
        }
        last = h.at, last_file = h.file;
        h.at += size;
        if (h.at < h.end) heads.push(h);
    }
    out.commit();
    return pairs;
}

inline int run_dedup_buckets(DedupConfig& c) {
    require(c.signatures, "signatures", "the folder that `webtext dedup signature --output` wrote");
    require(c.output, "output", "a folder for the pairs");
    if (c.ranges < 1 || c.ranges > 99) throw UsageError(cat("--ranges ", c.ranges, ": expected 1 to 99"));
    const Layout layout = read_layout(c.signatures);
    const TaskShare task = parse_task(c.task);
    make_directories(c.output);
    write_file(cat(c.output, "/layout.json.", task.index), layout.text());
    fs::rename(cat(c.output, "/layout.json.", task.index), c.output + "/layout.json");
    for (int64_t unit = task.index; unit < layout.buckets * c.ranges; unit += task.count) {
        const int64_t bucket = unit / c.ranges, range = unit % c.ranges;
        const std::string path = strprintf("%s/%05lld_%02lld.dups", c.output.c_str(), (long long)bucket, (long long)range);
        if (fs::exists(path)) continue;
        const auto files = bucket_files(c.signatures, bucket, layout);
        // the bounds of the ranges are quantiles of the largest file, so that each has about as much to do
        const SignatureFile* largest = nullptr;
        for (const auto& f : files)
            if (!largest || f.map.size() > largest->map.size()) largest = &f;
        const auto bound = [&](int64_t r) -> uint64_t {
            if (r <= 0 || !largest) return 0;
            if (r >= c.ranges) return UINT64_MAX;
            const int64_t records = largest->map.size() / int64_t(layout.record_bytes());
            if (records == 0) return UINT64_MAX;
            uint64_t x;
            std::memcpy(&x, largest->map.data() + records * r / c.ranges * int64_t(layout.record_bytes()), 8);
            return x;
        };
        const int64_t pairs = write_pairs(files, layout, bound(range), bound(range + 1), path);
        std::fprintf(stderr, "bucket %lld range %lld: %zu files, %lld pairs\n", (long long)bucket, (long long)range, files.size(), (long long)pairs);
    }
    return 0;
}

// ---- step 3

// Union by size over documents named file << 32 | document. Of two sets of one size the first argument's root stays.
class UnionFind {
   public:
    // All names that will occur, sorted and without copies.
    explicit UnionFind(std::vector<uint64_t> names) : names_(std::move(names)), parent_(names_.size()), size_(names_.size(), 1) {
        for (uint32_t i = 0; i < parent_.size(); i++) parent_[i] = i;
    }
    uint32_t index(uint64_t name) const { return uint32_t(std::lower_bound(names_.begin(), names_.end(), name) - names_.begin()); }
    uint32_t root(uint32_t x) {
        while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
        return x;
    }
    void unite(uint64_t a, uint64_t b) {
        uint32_t x = root(index(a)), y = root(index(b));
        if (x == y) return;
        if (size_[x] < size_[y]) std::swap(x, y);
        parent_[y] = x;
        size_[x] += size_[y];
    }
    const std::vector<uint64_t>& names() const { return names_; }

   private:
    std::vector<uint64_t> names_;
    std::vector<uint32_t> parent_, size_;
};

inline int run_dedup_cluster(DedupConfig& c) {
    require(c.pairs, "pairs", "the folder that `webtext dedup buckets --output` wrote");
    require(c.output, "output", "a folder for the lists of documents to remove");
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(c.pairs))
        if (entry.path().extension() == ".dups") paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    const Layout layout = read_layout(c.pairs);
    if (paths.empty() || int64_t(paths.size()) % layout.buckets)
        throw Error(cat(c.pairs, ": ", paths.size(), " files *.dups, expected a multiple of ", layout.buckets), "are all tasks of `webtext dedup buckets` done?");
    std::vector<uint64_t> names;
    const auto for_pairs = [&](auto use) {
        for (const std::string& path : paths) {
            const MappedFile map(path);
            if (map.size() % 16) throw Error(cat(path, ": ", map.size(), " bytes are no whole number of pairs"));
            for (int64_t at = 0; at < map.size(); at += 16) {
                uint32_t p[4];
                std::memcpy(p, map.data() + at, 16);
                use(uint64_t(p[0]) << 32 | p[1], uint64_t(p[2]) << 32 | p[3]);
            }
        }
    };
    size_t sorted = 0;
    const auto compact = [&] {                           // keep the list as short as it can be while it grows
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        sorted = names.size();
    };
    for_pairs([&](uint64_t a, uint64_t b) {
        names.push_back(a), names.push_back(b);
        if (names.size() > sorted * 2 + (size_t(1) << 20)) compact();
    });
    compact();
    UnionFind sets(std::move(names));
    for_pairs([&](uint64_t a, uint64_t b) { sets.unite(a, b); });
    make_directories(c.output);
    write_file(c.output + "/layout.json", layout.text());
    int64_t clusters = 0, removed = 0;
    std::optional<AtomicFile> out;
    uint32_t file = 0;
    for (uint32_t i = 0; i < sets.names().size(); i++) {
        if (sets.root(i) == i) {
            clusters++;
            continue;
        }
        const uint32_t f = uint32_t(sets.names()[i] >> 32), document = uint32_t(sets.names()[i]);
        if (!out || f != file) {
            if (out) out->commit();
            out.emplace(strprintf("%s/%06u.remove", c.output.c_str(), file = f));
        }
        out->write(&document, 4);
        removed++;
    }
    if (out) out->commit();
    write_file(c.output + "/clusters.json", Json({{"in_pairs", sets.names().size()}, {"clusters", clusters}, {"to_remove", removed}}).dump() + "\n");
    std::fprintf(stderr, "%zu documents in %lld clusters, %lld to remove\n", sets.names().size(), (long long)clusters, (long long)removed);
    return 0;
}

// ---- step 4

class DedupFilterStage : public Stage {
   public:
    DedupFilterStage(std::string folder, std::string method) : folder_(std::move(folder)), name_(method == "exact" ? "exact_dedup" : "minhash_dedup") {}
    const char* name() const override { return name_.c_str(); }
    void begin_file(const std::string& path, int64_t number) override {
        document_ = 0, at_ = 0;
        list_.clear();
        const std::string remove = strprintf("%s/%06lld.remove", folder_.c_str(), (long long)number);
        if (!fs::exists(remove)) return;
        const std::string bytes = read_file(remove);
        if (bytes.size() % 4) throw Error(cat(remove, ": ", bytes.size(), " bytes are no whole number of documents (for ", path, ")"));
        list_.resize(bytes.size() / 4);
        std::memcpy(list_.data(), bytes.data(), bytes.size());
    }
    Verdict process(Document&) override {
        const uint32_t number = document_++;
        if (at_ == list_.size() || list_[at_] != number) return kept();
        at_++;
        return dropped(name_.c_str(), "duplicate", number);
    }
    // Documents on the list that the file did not have: the lists belong to other files.
    Json take_counters() override {
        if (at_ != list_.size()) throw Error(cat(folder_, ": names document ", list_[at_], " of a file that has ", document_), "give all steps the same --input");
        return Json::object();
    }

   private:
    std::string folder_, name_;
    std::vector<uint32_t> list_;
    size_t at_ = 0;
    uint32_t document_ = 0;
};

inline const std::vector<Flag<DedupConfig>>& signature_flags() {
    using C = DedupConfig;
    static const std::vector<Flag<C>> flags = {
        {"input",             &C::input,             "PATH...",         "JSONL files or folders; the same for steps 1 and 4"},
        {"output",            &C::output,            "DIR",             "folder for the signatures"},
        {"task",              &C::task,              "i/n",             "take every n-th input file from the i-th on (i from 0)"},
        {"text-field",        &C::text_field,        "NAME",            "the field of a line that holds its text"},
        {"method",            &C::method,            "minhash|exact",   "near copies, or texts that are equal byte for byte"},
        {"hash",              &C::hash,              "xxhash64|sha1",   "of a run of words: datatrove's default today, or FineWeb's"},
        {"n-grams",           &C::n_grams,           "words",           "length of the runs (FineWeb: 5)"},
        {"buckets",           &C::buckets,           "",                "chances to agree (FineWeb: 14)"},
        {"hashes-per-bucket", &C::hashes_per_bucket, "",                "numbers that must all agree (FineWeb: 8)"},
        {"seed",              &C::seed,              "",                "of the hash functions (datatrove: 1)"},
    };
    return flags;
}
inline const std::vector<Flag<DedupConfig>>& buckets_flags() {
    using C = DedupConfig;
    static const std::vector<Flag<C>> flags = {
        {"signatures", &C::signatures, "DIR", "what `dedup signature` wrote"},
        {"output",     &C::output,     "DIR", "folder for the pairs"},
        {"ranges",     &C::ranges,     "",    "split each bucket into so many parts; there are buckets x ranges units of work"},
        {"task",       &C::task,       "i/n", "take every n-th unit from the i-th on (i from 0)"},
    };
    return flags;
}
inline const std::vector<Flag<DedupConfig>>& cluster_flags() {
    using C = DedupConfig;
    static const std::vector<Flag<C>> flags = {
        {"pairs",  &C::pairs,  "DIR", "what `dedup buckets` wrote, all tasks of it"},
        {"output", &C::output, "DIR", "folder for the lists of documents to remove"},
    };
    return flags;
}
inline const std::vector<Flag<DedupConfig>>& dedup_filter_flags() {
    using C = DedupConfig;
    static const auto flags = with_run_flags<C>({{"remove", &C::remove, "DIR", "what `dedup cluster` wrote"}});
    return flags;
}
inline int run_dedup_filter(DedupConfig& c) {
    require(c.remove, "remove", "the folder that `webtext dedup cluster --output` wrote");
    DedupFilterStage stage(c.remove, read_layout(c.remove).method);
    return run_stage(c, stage, settings_text(c, dedup_filter_flags()));
}
inline std::vector<Command> dedup_commands() {
    return {make_command<DedupConfig>("dedup signature", "", "step 1: what each document looks like, as sorted numbers", signature_flags(), run_dedup_signature),
            make_command<DedupConfig>("dedup buckets", "", "step 2: pairs of documents that look alike", buckets_flags(), run_dedup_buckets),
            make_command<DedupConfig>("dedup cluster", "", "step 3: which of them to remove (one process)", cluster_flags(), run_dedup_cluster),
            make_command<DedupConfig>("dedup filter", "", "step 4: the documents without those", dedup_filter_flags(), run_dedup_filter)};
}

}  // namespace webtext
