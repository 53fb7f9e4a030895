// dedup.hpp -- the same page twice: find all pairs among billions with sorting, merging and one small table.
//
// Four steps on files; each is an array job of its own, except the third:
//   signature  per input file and bucket: records <k numbers, document>, sorted      SIGS/bucket_003/00012.sig
//   buckets    per bucket: all its files merged; neighbours with equal numbers are a pair   PAIRS/00003_00.dups
//   cluster    connected components of all pairs; the first document of each stays   REMOVE/000012.remove
//   filter     the input files again, without the documents listed
// `--method minhash` finds near copies (minhash.hpp: 14 buckets of 8 numbers), `--method exact` whole texts (1 bucket, 2 numbers
// = 128 bits of hash). The layout of the records is datatrove's: little-endian, 8 bytes per number, 4 for the document; pairs and
// removals are 4-byte numbers. (datatrove keeps the root of its union-find, which depends on the order of the pairs: the same number of
// documents, not the same ones.) A file is known by its place among all inputs, so all steps must be given the same --input.
// Memory stays below 1 GB for any input: what is sorted is sorted in runs, what is merged is read through buffers (record_files.hpp).
#pragma once

#include "clusters.hpp"
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
    int64_t n_grams = 0, buckets = 0, numbers = 0, seed = 0, ranges = 0;     // ranges: of pairs, else 0
    RecordShape shape() const { return {numbers, true}; }
    std::string text() const {
        Json j = {{"method", method}, {"hash", hash}, {"n_grams", n_grams}, {"buckets", buckets}, {"numbers", numbers}, {"seed", seed}};
        if (ranges) j["ranges"] = ranges;
        return j.dump();
    }
};
inline Layout layout_of(const DedupConfig& c) {
    if (c.method != "minhash" && c.method != "exact") throw UsageError(cat("--method ", c.method, ": expected minhash or exact"));
    if (c.hash != "xxhash64" && c.hash != "sha1") throw UsageError(cat("--hash ", c.hash, ": expected xxhash64 or sha1"));
    if (c.n_grams < 1 || c.n_grams > 100) throw UsageError(cat("--n-grams ", c.n_grams, ": expected 1 to 100"));
    if (c.buckets < 1 || c.buckets > 999 || c.hashes_per_bucket < 1 || c.hashes_per_bucket > 64)
        throw UsageError(cat("--buckets ", c.buckets, " --hashes-per-bucket ", c.hashes_per_bucket, ": expected 1 to 999 and 1 to 64"));
    if (c.method == "exact") return {"exact", "xxhash64", 0, 1, 2, 0, 0};
    return {c.method, c.hash, c.n_grams, c.buckets, c.hashes_per_bucket, c.seed, 0};
}
inline Layout read_layout(const std::string& folder) {
    const std::string path = folder + "/layout.json";
    if (!fs::exists(path)) throw Error(cat(path, ": not found"), "make signatures first: webtext dedup signature --output DIR");
    const Json j = Json::parse(read_file(path), nullptr, false);
    if (!j.is_object()) throw Error(cat(path, ": broken JSON"));
    return {j.value("method", ""), j.value("hash", ""), j.value("n_grams", int64_t(0)), j.value("buckets", int64_t(0)), j.value("numbers", int64_t(0)),
            j.value("seed", int64_t(0)), j.value("ranges", int64_t(0))};
}

// Makes c.output a folder of this layout; one of another layout is refused. Many tasks may do so at once: each writes under a name of
// its own.
inline void claim_layout(const DedupConfig& c, const Layout& layout) {
    const std::string path = c.output + "/layout.json";
    if (fs::exists(path)) {
        const std::string old = read_layout(c.output).text();
        if (old != layout.text()) throw Error(cat(path, ": was made with other settings: ", old, ", now ", layout.text()), "use another --output");
        return;
    }
    const std::string mine = cat(path, ".", parse_task(c.task).index);
    write_file(mine, layout.text() + "\n");
    fs::rename(mine, path);
}

// One number for the files of a folder with this ending, their names, lengths and times: what was made from them is out of date when it
// is another one.
inline std::string folder_stamp(const std::string& folder, const char* ending) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ending) {
            const Json identity = file_identity(entry.path().string());
            files.push_back(cat(entry.path().filename().string(), " ", identity["bytes"].dump(), " ", identity["changed_ns"].dump(), "\n"));
        }
    std::sort(files.begin(), files.end());
    std::string all;
    for (const std::string& file : files) all += file;
    return strprintf("%016llx", (unsigned long long)xxhash64(all));
}

inline void require(const std::string& value, const char* flag, const char* what) {
    if (value.empty()) throw UsageError(cat("--", flag, " is missing"), what);
}

// ---- step 1

inline std::string signature_path(const std::string& folder, int64_t bucket, int64_t file) {
    return strprintf("%s/bucket_%03lld/%05lld.sig", folder.c_str(), (long long)bucket, (long long)file);
}

// The documents of a file, numbered as every step numbers them: lines that are no document do not count.
inline int64_t for_each_document(const DedupConfig& c, const std::string& path, const std::function<void(Document&, uint32_t)>& use) {
    InputFile in(path, max_line_bytes(c));
    std::string_view line;
    std::string why;
    Document d;
    int64_t n = 0;
    while (in.line(line))
        if (line.find_first_not_of(" \t\r") != std::string_view::npos && !in.too_long() && parse_document(line, d, why, c.text_field)) {
            if (n == int64_t(UINT32_MAX) - 1) throw Error(cat(path, ": more than 2^32 documents in one file"), "split it");
            use(d, uint32_t(n++));
        }
    return n;
}

constexpr size_t kSortBytes = size_t(256) << 20;          // for all sorters of a step

inline int run_dedup_signature(DedupConfig& c) {
    require(c.output, "output", "a folder for the signatures");
    const Layout layout = layout_of(c);
    make_directories(c.output + "/files");
    for (int64_t b = 0; b < layout.buckets; b++) make_directories(strprintf("%s/bucket_%03lld", c.output.c_str(), (long long)b));
    claim_layout(c, layout);
    MinHasher hasher(size_t(std::max<int64_t>(layout.n_grams, 1)), size_t(layout.buckets * layout.numbers), layout.hash == "sha1", uint32_t(layout.seed));
    for (const InputItem& item : my_inputs(c, is_jsonl)) {
        const std::string done = strprintf("%s/files/%05lld.json", c.output.c_str(), (long long)item.number);
        const Json identity = file_identity(item.path);
        if (fs::exists(done)) {
            const Json old = Json::parse(read_file(done), nullptr, false);
            if (!old.is_object() || old.value("name", "") != item.name)
                throw Error(cat(done, ": belongs to \"", old.is_object() ? old.value("name", "") : "?", "\", now file ", item.number, " is ", item.name), "the inputs have changed: use another --output");
            const bool same = old.value("input", Json()) == identity;
            std::fprintf(stderr, "%s: %s\n", item.path.c_str(), same ? "done before" : "has changed since its signatures were made; made anew");
            if (same) continue;
            fs::remove(done);
        }
        std::vector<RecordSorter> sorters;
        for (int64_t b = 0; b < layout.buckets; b++)
            sorters.emplace_back(signature_path(c.output, b, item.number), layout.shape(), kSortBytes / size_t(layout.buckets));
        const double start = cpu_s();
        int64_t without = 0, bytes = 0;
        const int64_t documents = for_each_document(c, item.path, [&](Document& d, uint32_t number) {
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
        write_file(done, Json({{"name", item.name}, {"input", identity}, {"documents", documents}, {"without_signature", without}, {"bytes", bytes}, {"cpu_s", seconds}}).dump() + "\n");
        std::fprintf(stderr, "%s: %lld documents, %lld too short for a signature, %.0f documents/s\n", item.path.c_str(), (long long)documents, (long long)without,
                     double(documents) / std::max(seconds, 1e-9));
    }
    return 0;
}

// ---- step 2

struct SignatureFile {
    RecordFile records;
    uint32_t number;                                     // of the input file
};
inline std::vector<SignatureFile> bucket_files(const std::string& folder, int64_t bucket, const Layout& layout) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(strprintf("%s/bucket_%03lld", folder.c_str(), (long long)bucket)))
        if (entry.path().extension() == ".sig") paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
    std::vector<SignatureFile> files;
    for (const std::string& path : paths) files.push_back({RecordFile(path, layout.shape().bytes()), uint32_t(std::stoul(fs::path(path).stem().string()))});
    return files;
}

// Merges the records of the files with low <= first number < high and writes the pairs of neighbours that are equal.
// Returns the number of pairs.
inline int64_t write_pairs(const std::vector<SignatureFile>& files, const Layout& layout, uint64_t low, uint64_t high, const std::string& path) {
    const RecordShape shape = layout.shape();
    std::vector<RecordFile> merged;
    for (const SignatureFile& f : files) {
        merged.push_back(f.records);
        merged.back().range(low ? f.records.lower_bound(low) : 0, high == UINT64_MAX ? f.records.records() : f.records.lower_bound(high), kMergeBytes / files.size());
    }
    AtomicFile out(path);
    std::string last;                                    // the record before
    uint32_t last_file = 0;
    int64_t pairs = 0;
    merge_records(merged, shape, [&](const char* record, size_t i) {
        if (!last.empty() && shape.compare_numbers(last.data(), record) == 0) {
            uint32_t pair[4] = {last_file, 0, files[i].number, 0};
            std::memcpy(&pair[1], last.data() + shape.numbers * 8, 4);
            std::memcpy(&pair[3], record + shape.numbers * 8, 4);
            out.write(pair, sizeof pair);
            pairs++;
        }
        last.assign(record, shape.bytes());
        last_file = files[i].number;
    }, false);                                           // of equal numbers: by file, and in a file by document
    out.commit();
    return pairs;
}

inline std::string pairs_path(const std::string& folder, int64_t bucket, int64_t range) {
    return strprintf("%s/%05lld_%02lld.dups", folder.c_str(), (long long)bucket, (long long)range);
}
// Of which signatures a file of pairs was made: what PAIRS.json beside it says. "" if the file is not there or not whole.
inline std::string signatures_of(const std::string& pairs) {
    if (!fs::exists(pairs) || !fs::exists(pairs + ".json")) return "";
    const Json j = Json::parse(read_file(pairs + ".json"), nullptr, false);
    return j.is_object() ? j.value("signatures", "") : "";
}

inline int run_dedup_buckets(DedupConfig& c) {
    require(c.signatures, "signatures", "the folder that `webtext dedup signature --output` wrote");
    require(c.output, "output", "a folder for the pairs");
    if (c.ranges < 1 || c.ranges > 99) throw UsageError(cat("--ranges ", c.ranges, ": expected 1 to 99"));
    Layout layout = read_layout(c.signatures);
    layout.ranges = c.ranges;
    const TaskShare task = parse_task(c.task);
    make_directories(c.output);
    claim_layout(c, layout);
    const std::string signatures = folder_stamp(c.signatures + "/files", ".json");
    for (int64_t unit = task.index; unit < layout.buckets * c.ranges; unit += task.count) {
        const int64_t bucket = unit / c.ranges, range = unit % c.ranges;
        const std::string path = pairs_path(c.output, bucket, range);
        if (signatures_of(path) == signatures) {
            std::fprintf(stderr, "bucket %lld range %lld: done before\n", (long long)bucket, (long long)range);
            continue;
        }
        fs::remove(path + ".json");
        const auto files = bucket_files(c.signatures, bucket, layout);
        // the bounds of the ranges are quantiles of the largest file, so that each has about as much to do
        const SignatureFile* largest = nullptr;
        for (const auto& f : files)
            if (!largest || f.records.records() > largest->records.records()) largest = &f;
        const auto bound = [&](int64_t r) -> uint64_t {
            if (r <= 0 || !largest) return 0;
            if (r >= c.ranges) return UINT64_MAX;
            const int64_t records = largest->records.records();
            return records ? largest->records.first_number(records * r / c.ranges) : UINT64_MAX;
        };
        const int64_t pairs = write_pairs(files, layout, bound(range), bound(range + 1), path);
        write_file(path + ".json", Json({{"signatures", signatures}, {"pairs", pairs}}).dump() + "\n");
        std::fprintf(stderr, "bucket %lld range %lld: %zu files, %lld pairs\n", (long long)bucket, (long long)range, files.size(), (long long)pairs);
    }
    return 0;
}

// ---- step 3

// The files of pairs: one of each bucket and range, all of the same signatures. Were one missing, a part of the keys would never have been
// compared, and nobody would see it.
inline std::vector<std::string> all_pairs(const std::string& folder, const Layout& layout) {
    static constexpr char kAdvice[] = "run all tasks of `webtext dedup buckets`, with one --ranges";
    std::vector<std::string> paths;
    for (int64_t bucket = 0; bucket < layout.buckets; bucket++)
        for (int64_t range = 0; range < layout.ranges; range++) {
            const std::string path = pairs_path(folder, bucket, range), signatures = signatures_of(path);
            if (signatures.empty()) throw Error(cat(path, ": not there or not whole, expected ", layout.buckets, " x ", layout.ranges, " such files"), kAdvice);
            if (!paths.empty() && signatures != signatures_of(paths[0])) throw Error(cat(path, ": was made from other signatures than ", paths[0]), kAdvice);
            paths.push_back(path);
        }
    size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder)) files += entry.path().extension() == ".dups";
    if (paths.empty() || files != paths.size()) throw Error(cat(folder, ": ", files, " files *.dups, expected ", layout.buckets, " x ", layout.ranges), kAdvice);
    return paths;
}

// A document is named file << 32 | document.
inline int run_dedup_cluster(DedupConfig& c) {
    require(c.pairs, "pairs", "the folder that `webtext dedup buckets --output` wrote");
    require(c.output, "output", "a folder for the lists of documents to remove");
    Layout layout = read_layout(c.pairs);
    const auto paths = all_pairs(c.pairs, layout);
    make_directories(c.output);
    // clusters.json is written last: where it is and names these pairs, the lists are whole
    const std::string done = c.output + "/clusters.json", stamp = folder_stamp(c.pairs, ".dups");
    if (fs::exists(done)) {
        const Json old = Json::parse(read_file(done), nullptr, false);
        if (old.is_object() && old.value("pairs", "") == stamp) {
            std::fprintf(stderr, "%s: done before\n", c.output.c_str());
            return 0;
        }
    }
    fs::remove(done);
    // a list that is left of other pairs would remove documents that have no copy
    std::vector<fs::path> lists;
    for (const auto& entry : fs::directory_iterator(c.output))
        if (entry.path().extension() == ".remove") lists.push_back(entry.path());
    for (const fs::path& list : lists) fs::remove(list);
    layout.ranges = 0;
    write_file(c.output + "/layout.json", layout.text() + "\n");
    Clusters clusters(c.output + "/sort", kSortBytes / 2);
    for (const std::string& path : paths) {
        RecordFile pairs(path, 16);
        for (pairs.all(kIoBytes); pairs.record(); pairs.advance()) {
            uint32_t p[4];
            std::memcpy(p, pairs.record(), 16);
            clusters.add(uint64_t(p[0]) << 32 | p[1], uint64_t(p[2]) << 32 | p[3]);
        }
    }
    int64_t removed = 0;
    std::optional<AtomicFile> out;
    uint32_t file = 0;
    const int64_t count = clusters.solve([&](uint64_t name, uint64_t) {
        const uint32_t f = uint32_t(name >> 32), document = uint32_t(name);
        if (!out || f != file) {
            if (out) out->commit();
            out.emplace(strprintf("%s/%06u.remove", c.output.c_str(), file = f));
        }
        out->write(&document, 4);
        removed++;
    });
    if (out) out->commit();
    write_file(done, Json({{"pairs", stamp}, {"in_pairs", count + removed}, {"clusters", count}, {"to_remove", removed}, {"rounds", clusters.rounds()}}).dump() + "\n");
    std::fprintf(stderr, "%lld documents in %lld clusters, %lld to remove\n", (long long)(count + removed), (long long)count, (long long)removed);
    return 0;
}

// ---- step 4

class DedupFilterStage : public Stage {
   public:
    // limited: files may be left before their end
    DedupFilterStage(std::string folder, std::string method, bool limited)
        : folder_(std::move(folder)), name_(method == "exact" ? "exact_dedup" : "minhash_dedup"), limited_(limited) {}
    const char* name() const override { return name_.c_str(); }
    std::vector<std::string> reads() const override { return {folder_ + "/clusters.json"}; }    // stands for the lists, which are made with it
    void begin_file(const std::string&, int64_t number) override {
        document_ = 0;
        list_.reset();
        const std::string remove = strprintf("%s/%06lld.remove", folder_.c_str(), (long long)number);
        if (!fs::exists(remove)) return;
        list_.emplace(remove, 4);
        list_->all(kIoBytes);
    }
    Verdict process(Document&) override {
        const uint32_t number = document_++;
        if (!list_ || !list_->record() || listed() != number) return kept();
        list_->advance();
        return dropped(name_.c_str(), "duplicate", number);
    }
    // Documents on the list that the file did not have: the lists belong to other files.
    Json take_counters() override {
        if (!limited_ && list_ && list_->record())
            throw Error(cat(folder_, ": names document ", listed(), " of a file that has ", document_), "give all steps the same --input");
        return Json::object();
    }

   private:
    uint32_t listed() const {
        uint32_t n;
        std::memcpy(&n, list_->record(), 4);
        return n;
    }
    std::string folder_, name_;
    bool limited_;
    std::optional<RecordFile> list_;                     // numbers of documents, ascending
    uint32_t document_ = 0;
};

inline const std::vector<Flag<DedupConfig>>& signature_flags() {
    using C = DedupConfig;
    static const std::vector<Flag<C>> flags = {
        {"input",             &C::input,             "PATH...",         "JSONL files or folders; the same for steps 1 and 4"},
        {"output",            &C::output,            "DIR",             "folder for the signatures"},
        {"task",              &C::task,              "i/n",             "take every n-th input file from the i-th on (i from 0)"},
        {"text-field",        &C::text_field,        "NAME",            "the field of a line that holds its text"},
        {"max-line",          &C::max_line,          "MiB",             "a longer line is no document; the same for steps 1 and 4"},
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
    const std::string method = read_layout(c.remove).method;
    if (!fs::exists(c.remove + "/clusters.json")) throw Error(cat(c.remove, "/clusters.json: not found"), "`webtext dedup cluster` has not come to its end there");
    DedupFilterStage stage(c.remove, method, c.limit > 0);
    return run_stage(c, stage, settings_text(c, dedup_filter_flags()));
}
inline std::vector<Command> dedup_commands() {
    return {make_command<DedupConfig>("dedup signature", "", "step 1: what each document looks like, as sorted numbers", signature_flags(), run_dedup_signature),
            make_command<DedupConfig>("dedup buckets", "", "step 2: pairs of documents that look alike", buckets_flags(), run_dedup_buckets),
            make_command<DedupConfig>("dedup cluster", "", "step 3: which of them to remove (one process)", cluster_flags(), run_dedup_cluster),
            make_command<DedupConfig>("dedup filter", "", "step 4: the documents without those", dedup_filter_flags(), run_dedup_filter)};
}

}  // namespace webtext
