// dataloader.hpp -- which tokens are row g of the training data?
//
// A shard is a flat array of token ids behind a 1,024-byte header (llm.c's .bin: uint16 or uint32). The shards of a
// split, in the order of index.json or of their names, are one stream s_0 .. s_{N-1}. A row is T inputs with T targets,
// and the target of s_i is always s_{i+1}, so an order only has to say which pieces of the stream make up row g. Every
// order is a function of (seed, epoch, g): nothing depends on ranks, micro-batches or threads, and a resume needs one
// integer.
// Promises: a shard is checked (magic, version, size, index) before its first token is used; every token that a row
// reads is checked against the vocabulary; the CRC of a shard of at most 64 MiB is checked at its first touch, that of
// larger ones with `verify`. Files are mapped, offsets have 64 bits.
// Does not: tokenize, weight sources, or know what a model is.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common.hpp"
#include "json_text.hpp"

// ---- the shard file

constexpr int64_t kShardHeaderBytes = 1024;                         // 256 x int32: magic, version, tokens, 0 ...
constexpr int32_t kShardMagic16 = 20240520, kShardVersion16 = 1;    // uint16 tokens: up to 65,536 ids (GPT-2)
constexpr int32_t kShardMagic32 = 20240801, kShardVersion32 = 7;    // uint32 tokens: more ids (Llama 3)
constexpr int64_t kShardMaxTokens = (int64_t(1) << 31) - 1;         // the count in the header is an int32
constexpr int64_t kShardLazyCrcBytes = int64_t(64) << 20;           // up to this size the CRC is checked unasked

inline std::array<int32_t, 256> shard_header(bool wide, int64_t tokens) {
    return {wide ? kShardMagic32 : kShardMagic16, wide ? kShardVersion32 : kShardVersion16, int32_t(tokens)};
}

// One mapped shard. The constructor checks everything that the header and the size of the file can tell.
class TokenShard {
   public:
    explicit TokenShard(const std::string& path) : file_(path) {
        const char* remedy = "make shards with: train_gpt tokenize --tokenizer FILE --input PATH --out DIR";
        if (file_.size() < kShardHeaderBytes)
            throw Error(cat(path, file_.size() == 0 ? ": is empty" : ": is cut short", ": ", file_.size(),
                            " bytes, expected a header of ", kShardHeaderBytes), remedy);
        int32_t word[3];
        std::memcpy(word, file_.data(), sizeof word);
        if (word[0] != kShardMagic16 && word[0] != kShardMagic32)
            throw Error(cat(path, ": not a token shard: magic ", word[0], " at byte 0, expected ", kShardMagic16,
                            " or ", kShardMagic32), remedy);
        wide_ = word[0] == kShardMagic32;
        const int32_t version = wide_ ? kShardVersion32 : kShardVersion16;
        if (word[1] != version)
            throw Error(cat(path, ": shard version ", word[1], " at byte 4, expected ", version), remedy);
        tokens_ = word[2];
        if (tokens_ < 0) throw Error(cat(path, ": ", tokens_, " tokens at byte 8, expected a count >= 0"), remedy);
        if (const int64_t want = kShardHeaderBytes + tokens_ * width(); file_.size() != want)
            throw Error(cat(path, ": ", file_.size(), " bytes, but the header says ", tokens_, " tokens of ", width(),
                            " bytes: expected ", want), "the file is cut short or damaged: copy or make it again");
    }
    int64_t tokens() const { return tokens_; }
    bool wide() const { return wide_; }
    int64_t width() const { return wide_ ? 4 : 2; }                 // bytes a token
    int64_t data_bytes() const { return tokens_ * width(); }
    const std::string& path() const { return file_.path(); }
    // MADV_RANDOM: a touched page brings no others. MADV_WILLNEED: read these tokens from the disk now, do not wait.
    void advise(int64_t first, int64_t n, int advice) const {
        const int64_t page = ::sysconf(_SC_PAGESIZE), begin = (kShardHeaderBytes + first * width()) / page * page;
        const int64_t end = kShardHeaderBytes + (first + n) * width();
        ::madvise(const_cast<char*>(file_.data()) + begin, size_t(end - begin), advice);
    }
    uint32_t crc() const { return crc32(file_.data() + kShardHeaderBytes, size_t(data_bytes())); }

    // f(const uint16_t*) or f(const uint32_t*): the tokens as they lie in the file.
    template <typename F>
    auto visit(F&& f) const {
        const char* data = file_.data() + kShardHeaderBytes;        // 1,024 is aligned for both
        return wide_ ? f(reinterpret_cast<const uint32_t*>(data)) : f(reinterpret_cast<const uint16_t*>(data));
    }

   private:
    MappedFile file_;
    int64_t tokens_ = 0;
    bool wide_ = false;
};

// ---- many tokens at a time: 8 per instruction where tokens have 16 bits (SSE2, which every x86-64 has)

// out[i] = in[i]; returns the largest of them.
inline uint32_t widen_tokens(int32_t* out, const uint16_t* in, int64_t n) {
    uint32_t largest = 0;
    int64_t i = 0;
#ifdef __SSE2__
    // SSE2 compares 16-bit numbers with a sign only: moved by 2^15 their order is the same
    const __m128i zero = _mm_setzero_si128(), sign = _mm_set1_epi16(short(0x8000));
    __m128i top = sign;
    for (; i + 8 <= n; i += 8) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_unpacklo_epi16(x, zero));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i + 4), _mm_unpackhi_epi16(x, zero));
        top = _mm_max_epi16(top, _mm_xor_si128(x, sign));
    }
    uint16_t lanes[8];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes), _mm_xor_si128(top, sign));
    for (const uint16_t lane : lanes) largest = std::max(largest, uint32_t(lane));
#endif
    for (; i < n; i++) out[i] = int32_t(in[i]), largest = std::max(largest, uint32_t(in[i]));
    return largest;
}
inline uint32_t widen_tokens(int32_t* out, const uint32_t* in, int64_t n) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < n; i++) out[i] = int32_t(in[i]), largest = std::max(largest, in[i]);
    return largest;
}

// The first i from `from` on with in[i] == id, or n.
inline int64_t find_token(const uint16_t* in, int64_t from, int64_t n, int64_t id) {
    if (id > 65535) return n;
    int64_t i = from;
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi16(short(id));
    for (; i + 8 <= n; i += 8) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i));
        if (const int same = _mm_movemask_epi8(_mm_cmpeq_epi16(x, wanted))) return i + __builtin_ctz(unsigned(same)) / 2;
    }
#endif
    while (i < n && int64_t(in[i]) != id) i++;
    return i;
}
inline int64_t find_token(const uint32_t* in, int64_t from, int64_t n, int64_t id) {
    while (from < n && int64_t(in[from]) != id) from++;
    return from;
}

// ---- index.json: what the shards cannot say about themselves

struct ShardInfo {
    std::string file;                                               // a name in the folder of the index
    int64_t tokens = 0, documents = 0, text_bytes = 0;              // documents: those that start in it
    uint32_t crc = 0;                                               // CRC-32 of the token bytes (not of the header)
};

struct SplitInfo {
    int64_t documents = 0, tokens = 0, text_bytes = 0;              // text_bytes: for bits per byte
    std::vector<ShardInfo> shards;
};

struct DataIndex {
    std::string tokenizer_hash;                                     // 16 hex digits
    int64_t vocab_size = 0;
    int32_t end_of_text = -1;                                       // -1: the tokenizer has none
    std::map<std::string, SplitInfo> splits;                        // "train", "val"
};

constexpr const char* kIndexFormat = "train_gpt token shards";
constexpr int kIndexVersion = 1;

inline std::string index_to_json(const DataIndex& index) {
    nlohmann::ordered_json j = {{"format", kIndexFormat}, {"version", kIndexVersion},
                                {"tokenizer_hash", index.tokenizer_hash}, {"vocab_size", index.vocab_size},
                                {"end_of_text", index.end_of_text}, {"splits", nlohmann::ordered_json::object()}};
    for (const auto& [name, split] : index.splits) {
        auto shards = nlohmann::ordered_json::array();
        for (const ShardInfo& s : split.shards)
            shards.push_back({{"file", s.file}, {"tokens", s.tokens}, {"documents", s.documents},
                              {"text_bytes", s.text_bytes}, {"crc32", strprintf("%08x", s.crc)}});
        j["splits"][name] = {{"documents", split.documents}, {"tokens", split.tokens},
                             {"text_bytes", split.text_bytes}, {"shards", shards}};
    }
    return json_text(j, 1) + "\n";
}

// `path` is for messages.
inline DataIndex index_from_json(const std::string& text, const std::string& path) {
    const char* remedy = "make the folder again with train_gpt tokenize ... --overwrite, or move index.json away";
    try {
        const auto j = parse_json_text<nlohmann::json>(text);
        if (!j.is_object() || j.value("format", "") != kIndexFormat)
            throw Error(cat(path, ": not an index of token shards: no \"format\": \"", kIndexFormat, "\""), remedy);
        if (j.at("version") != kIndexVersion)
            throw Error(cat(path, ": index version ", json_text(j.at("version")), ", expected ", kIndexVersion), remedy);
        DataIndex index;
        j.at("tokenizer_hash").get_to(index.tokenizer_hash);
        j.at("vocab_size").get_to(index.vocab_size);
        j.at("end_of_text").get_to(index.end_of_text);
        for (const auto& [name, s] : j.at("splits").items()) {
            SplitInfo& split = index.splits[name];
            s.at("documents").get_to(split.documents);
            s.at("tokens").get_to(split.tokens);
            s.at("text_bytes").get_to(split.text_bytes);
            for (const auto& f : s.at("shards")) {
                ShardInfo info{f.at("file"), f.at("tokens"), f.at("documents"), f.at("text_bytes"), 0};
                info.crc = uint32_t(std::stoul(f.at("crc32").get<std::string>(), nullptr, 16));
                if (info.file.empty() || info.file.find('/') != std::string::npos)
                    throw Error(cat(path, ": file \"", info.file, "\": expected a name in the same folder"), remedy);
                split.shards.push_back(std::move(info));
            }
        }
        return index;
    } catch (const Error&) {
        throw;
    } catch (const std::exception& e) {
        throw Error(cat(path, ": not a readable index: ", e.what()), remedy);
    }
}
inline DataIndex read_index(const std::string& path) { return index_from_json(read_file(path), path); }

// The .bin files of `dir` whose name holds `split` as a word ("a_train_001.bin"; "val" is no word in "retrieval.bin").
inline std::vector<std::string> shard_files_by_name(const std::string& dir, const std::string& split) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::vector<std::string> files;
    std::error_code ec;
    for (fs::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec)) {
        const std::string name = it->path().filename().string();
        if (!name.ends_with(".bin")) continue;
        for (size_t at = name.find(split); at != std::string::npos; at = name.find(split, at + 1)) {
            if ((at > 0 && letter(name[at - 1])) || letter(name[at + split.size()])) continue;
            files.push_back(name);
            break;
        }
    }
    if (ec) throw Error(cat(dir, ": cannot be listed: ", ec.message()));
    std::sort(files.begin(), files.end());
    return files;
}

inline bool data_has_split(const std::string& dir, const std::string& split) {
    if (!fs::is_directory(dir)) return false;
    if (fs::exists(dir + "/index.json")) return read_index(dir + "/index.json").splits.count(split) > 0;
    return !shard_files_by_name(dir, split).empty();
}

// ---- permutations and packing: the two ideas behind the orders

// Entry i of a permutation of 0 .. n-1 that `key` selects, in O(1) and without storing anything: a Feistel network on
// the next power of two (each round XORs one half with a hash of the other, so it can be undone, so it is a bijection),
// applied again while the result lies outside (at most twice on average from n = 33 on).
inline int64_t permuted(int64_t i, int64_t n, uint64_t key) {
    int bits = 6;                                                   // tiny halves would mix badly
    while ((int64_t(1) << bits) < n) bits++;
    const int low_bits = bits / 2;
    const uint64_t low_mask = (uint64_t(1) << low_bits) - 1, high_mask = (uint64_t(1) << (bits - low_bits)) - 1;
    uint64_t x = uint64_t(i);
    do {
        uint64_t low = x & low_mask, high = x >> low_bits;
        for (uint64_t round = 0; round < 4; round++) {
            high ^= splitmix64(low ^ splitmix64(key + 2 * round)) & high_mask;
            low ^= splitmix64(high ^ splitmix64(key + 2 * round + 1)) & low_mask;
        }
        x = high << low_bits | low;
    } while (x >= uint64_t(n));
    return int64_t(x);
}

// s_start .. s_{start + length - 1} of the stream, as inputs; their targets are one further.
struct Segment {
    int64_t start = 0, length = 0;
};

// The rows of one window of the stream: row r is segments[row_begin[r]] .. segments[row_begin[r + 1] - 1].
struct PackedRows {
    std::vector<Segment> segments;
    std::vector<int64_t> row_begin = {0};
    int64_t num_rows() const { return int64_t(row_begin.size()) - 1; }
};

// Best fit of documents into rows of T inputs. A row begins with the longest waiting segment of at most T tokens (with
// one of the longer ones where no other is left) and goes on with the longest that fits. Where none fits, it is filled
// up from the longest waiting segment, whose remainder waits again: that is a document longer than a row, which has to
// be cut anyway, as long as there is one. So every row but the last is full: ceil(sum of lengths / T) rows hold all.
inline PackedRows pack_best_fit(const std::vector<Segment>& documents, int64_t T) {
    std::vector<std::vector<int64_t>> starts(size_t(T) + 1);        // [length] -> starts of the waiting segments
    std::vector<uint64_t> any(size_t(T) / 64 + 1);                  // bit `length`: starts[length] is not empty
    std::vector<Segment> longer;                                    // a heap: segments of more than T tokens
    const auto by_length = [](const Segment& a, const Segment& b) {
        return a.length != b.length ? a.length < b.length : a.start > b.start;
    };
    int64_t tokens = 0;
    const auto put = [&](const Segment& s) {
        tokens += s.length;
        if (s.length > T) {
            longer.push_back(s);
            std::push_heap(longer.begin(), longer.end(), by_length);
        } else if (s.length > 0) {
            starts[size_t(s.length)].push_back(s.start);
            any[size_t(s.length) / 64] |= uint64_t(1) << (s.length % 64);
        }
    };
    const auto longest_up_to = [&](int64_t limit) -> int64_t {      // 0: nothing that short waits
        size_t word = size_t(limit) / 64;
        uint64_t bits = any[word] & (~uint64_t(0) >> (63 - limit % 64));
        while (bits == 0 && word > 0) bits = any[--word];
        return bits ? int64_t(word) * 64 + 63 - __builtin_clzll(bits) : 0;
    };
    const auto take = [&](int64_t length) {
        const Segment s{starts[size_t(length)].back(), length};
        starts[size_t(length)].pop_back();
        if (starts[size_t(length)].empty()) any[size_t(length) / 64] &= ~(uint64_t(1) << (length % 64));
        tokens -= length;
        return s;
    };
    const auto take_longest = [&] {
        if (longer.empty()) return take(longest_up_to(T));
        std::pop_heap(longer.begin(), longer.end(), by_length);
        const Segment s = longer.back();
        longer.pop_back();
        tokens -= s.length;
        return s;
    };
    // backwards, so that among equal lengths the earlier document is taken first
    for (auto it = documents.rbegin(); it != documents.rend(); ++it) put(*it);
    PackedRows rows;
    while (tokens > 0) {
        for (int64_t space = T; space > 0 && tokens > 0;) {
            const int64_t fits = longest_up_to(space);
            Segment s = fits ? take(fits) : take_longest();
            if (s.length > space) {
                put({s.start + space, s.length - space});
                s.length = space;
            }
            rows.segments.push_back(s);
            space -= s.length;
        }
        rows.row_begin.push_back(int64_t(rows.segments.size()));
    }
    return rows;
}

// ---- the loader

constexpr int64_t kMaxRowTokens = int64_t(1) << 20;
constexpr int64_t kLargeDataBytes = int64_t(1) << 30;               // beyond it not all of the data may stay in memory

struct LoaderOptions {
    std::string dir;                     // the folder of the shards
    std::string split = "train";         // "train" or "val"
    int64_t seq_len = 1024;              // T
    std::string order = "shuffled";      // "contiguous", "shuffled", "packed"
    uint64_t seed = 1;
    int64_t vocab_size = 0;              // ids must be below it; 0: that of index.json, where there is one
    bool verify = false;                 // check the CRC of every shard at once
    int32_t end_of_text = -1;            // for packed; -1: that of index.json
};

// contiguous  llm.c's order: row g of a shard reads its tokens [g*T, g*T + T], shard after shard, every epoch alike.
//             The last (n - 1) mod T targets of a shard of n tokens are dropped; llm.c drops a whole partial batch
//             there, and is the same up to it.
// shuffled    Epoch e cuts the stream (across shards) into windows of T from token p_e on, 0 <= p_e < T, and visits
//             them in a permutation; p_e and the permutation come from (seed, e). R = max(1, N/T - 1) rows. Not targets
//             in epoch e: the tokens up to s_{p_e} and from s_{p_e + R*T + 1} on, N - R*T < 2*T, others each epoch.
// packed      Rows begin at a document start (an end-of-text id) or with the remainder of a cut document: pack_best_fit
//             on windows of about 8 million tokens, planned when a row of theirs is read. Every token is an input
//             exactly once, with its successor in the stream as target; so every token but s_0 is a target exactly
//             once, and nothing is lost. Inside a row the target is the next input, except before a remainder, where it
//             is the end-of-text (and where a window has cut a document: at most once a window). Weight 0 is for the
//             target of s_{N-1} and the padding of the one row that is not full. Each epoch the windows begin
//             elsewhere, and they and their rows are permuted.
class DataLoader {
   public:
    explicit DataLoader(const LoaderOptions& options) : options_(options), T_(options.seq_len) {
        if (T_ < 1 || T_ > kMaxRowTokens)
            throw UsageError(cat("a row of ", T_, " tokens: expected 1 to ", kMaxRowTokens));
        if (options.order != "contiguous" && options.order != "shuffled" && options.order != "packed")
            throw UsageError(cat("data order \"", options.order, "\": expected contiguous, shuffled or packed"));
        ones_.assign(size_t(T_), 1.0f);
        open_shards();
        if (options_.order == "packed" && options_.end_of_text < 0)
            throw Error(cat(options_.dir, ": packed rows need the id of end-of-text, and ",
                            has_index_ ? "its tokenizer has none" : "there is no index.json that names it"),
                        "use the order shuffled or contiguous, or tokenize with a vocabulary that has <|endoftext|>");
        count_rows();
        if (options_.verify)
            for (size_t s = 0; s < shards_.size(); s++) check_crc(s);
    }

    int64_t num_tokens() const { return first_token_.back(); }
    int64_t rows_per_epoch() const { return rows_; }
    int64_t seq_len() const { return T_; }
    // Text bytes a token (end-of-text is a token of no bytes): bits per byte = nats a token / ln 2 / this. 0: unknown.
    double bytes_per_token() const {
        return split_.text_bytes > 0 ? double(split_.text_bytes) / double(split_.tokens) : 0.0;
    }
    std::string tokenizer_hash() const { return index_.tokenizer_hash; }      // "" where unknown
    int64_t vocab_size() const { return index_.vocab_size; }                  // of the tokenizer; 0 where unknown
    int32_t end_of_text() const { return options_.end_of_text; }              // -1 where unknown or none
    const SplitInfo& split_info() const { return split_; }                    // empty where there is no index
    int64_t num_shards() const { return int64_t(shards_.size()); }
    // The ids must be below V from now on: the vocabulary of the model, which is known later than the data.
    void set_vocab_size(int64_t V) {
        if (index_.vocab_size > V)
            throw Error(cat(options_.dir, "/index.json: the shards have a vocabulary of ", index_.vocab_size,
                            ", the model one of ", V), "train the model with the tokenizer that made the shards");
        options_.vocab_size = V;
    }
    bool has_split(const std::string& split) const { return data_has_split(options_.dir, split); }
    // How many of the targets of an epoch have weight 1.
    int64_t targets_per_epoch() const { return options_.order == "packed" ? num_tokens() - 1 : rows_ * T_; }

    // Rows first_row .. first_row + num_rows - 1 of the endless sequence (epoch e begins at row e * rows_per_epoch()):
    // inputs, targets, weights (num_rows, T); a weight is 1 where the target counts, else 0. One thread at a time.
    void read_rows(int64_t first_row, int64_t num_rows, int32_t* inputs, int32_t* targets, float* weights) {
        ASSERT(first_row >= 0 && num_rows >= 0, "first_row=", first_row, " num_rows=", num_rows);
        for (int64_t r = 0; scattered_ && r < num_rows; r++) {      // the disk finds all rows at once, not one by one
            row_segments(first_row + r, pieces_);
            for_each_shard(pieces_[0].start, T_ + 1, [&](size_t s, int64_t from, int64_t count) {
                shards_[s].advise(from, count, MADV_WILLNEED);
            });
        }
        for (int64_t r = 0; r < num_rows; r++) {
            row_segments(first_row + r, pieces_);
            read_row(inputs + r * T_, targets + r * T_, weights + r * T_);
        }
    }

    // The pieces of the stream that make up a row: the whole of what an order decides.
    void row_segments(int64_t row, std::vector<Segment>& pieces) {
        const int64_t epoch = row / rows_, i = row % rows_;
        pieces.clear();
        if (options_.order == "contiguous") {
            const size_t s = size_t(std::upper_bound(first_row_.begin(), first_row_.end(), i) - first_row_.begin()) - 1;
            pieces.push_back({first_token_[s] + (i - first_row_[s]) * T_, T_});
        } else if (options_.order == "shuffled") {
            const uint64_t key = epoch_key(epoch);
            const int64_t phases = std::min(T_, num_tokens() - rows_ * T_);
            const int64_t phase = int64_t(splitmix64(key ^ 1) % uint64_t(phases));
            pieces.push_back({phase + permuted(i, rows_, key) * T_, T_});
        } else {
            packed_segments(epoch, i, pieces);
        }
    }

    // The documents of s_first .. s_{first + n - 1}: each begins at an end-of-text id; the first piece may be the rest
    // of one that began before.
    std::vector<Segment> documents(int64_t first, int64_t n) {
        std::vector<Segment> found;
        if (n > 0) found.push_back({first, n});
        for_each_shard(first, n, [&](size_t s, int64_t from, int64_t count) {
            const int64_t base = first_token_[s], end_of_text = options_.end_of_text;
            shards_[s].visit([&](const auto* tokens) {
                if (end_of_text < 0) return;
                for (int64_t i = find_token(tokens, from, from + count, end_of_text); i < from + count;
                     i = find_token(tokens, i + 1, from + count, end_of_text))
                    if (base + i > first) found.push_back({base + i, 0});
            });
        });
        for (size_t d = 0; d < found.size(); d++)
            found[d].length = (d + 1 < found.size() ? found[d + 1].start : first + n) - found[d].start;
        return found;
    }

    // s_first .. s_{first + n - 1}
    void read_tokens(int64_t first, int64_t n, int32_t* out) {
        for_each_shard(first, n, [&](size_t s, int64_t from, int64_t count) {
            const uint32_t largest = shards_[s].visit([&](const auto* tokens) { return widen_tokens(out, tokens + from, count); });
            if (options_.vocab_size > 0 && int64_t(largest) >= options_.vocab_size)
                throw_bad_token(s, from, out, count);
            out += count;
        });
    }

   private:
    // -- opening

    void open_shards() {
        const std::string& dir = options_.dir;
        if (!fs::exists(dir))
            throw Error(cat(dir, ": there is no such folder"), "--data takes the --out of train_gpt tokenize");
        if (!fs::is_directory(dir)) throw Error(cat(dir, ": is a file, expected a folder of token shards"));
        const std::string index_path = dir + "/index.json";
        has_index_ = fs::exists(index_path);
        std::vector<std::string> files;
        if (has_index_) {
            index_ = read_index(index_path);
            if (const auto it = index_.splits.find(options_.split); it != index_.splits.end()) split_ = it->second;
            for (const ShardInfo& s : split_.shards) files.push_back(s.file);
            if (options_.end_of_text < 0) options_.end_of_text = index_.end_of_text;
            set_vocab_size(options_.vocab_size > 0 ? options_.vocab_size : index_.vocab_size);
        } else if (fs::exists(index_path + ".tmp")) {
            throw Error(cat(dir, ": train_gpt tokenize was interrupted here: no index.json yet"), "run it again");
        } else {
            files = shard_files_by_name(dir, options_.split);
        }
        if (files.empty())
            throw Error(cat(dir, ": no ", options_.split, " split: expected ",
                            has_index_ ? "it in index.json" : cat("files like ", options_.split, "_000000.bin")),
                        cat("make it with: train_gpt tokenize --tokenizer FILE --input PATH --out DIR",
                            options_.split == "val" ? " --val-fraction F" : ""));
        for (size_t s = 0; s < files.size(); s++) {
            shards_.emplace_back(dir + "/" + files[s]);
            const TokenShard& shard = shards_.back();
            if (shard.wide() != shards_.front().wide())
                throw Error(cat(shard.path(), ": ", shard.width(), " bytes a token, but ", shards_.front().path(),
                                " has ", shards_.front().width()), "the shards of a split must have one format");
            if (has_index_ && shard.tokens() != split_.shards[s].tokens)
                throw Error(cat(shard.path(), ": ", shard.tokens(), " tokens, index.json says ",
                                split_.shards[s].tokens),
                            "the folder mixes two runs: make it again with train_gpt tokenize ... --overwrite");
            first_token_.push_back(first_token_.back() + shard.tokens());
        }
        checked_.assign(shards_.size(), !has_index_);
    }

    void count_rows() {
        const int64_t N = num_tokens();
        first_row_ = {0};
        for (const TokenShard& shard : shards_)
            first_row_.push_back(first_row_.back() + std::max<int64_t>(0, shard.tokens() - 1) / T_);
        if (options_.order == "contiguous") rows_ = first_row_.back();
        else if (N <= T_) rows_ = 0;
        else if (options_.order == "shuffled") rows_ = std::max<int64_t>(1, N / T_ - 1);
        else rows_ = (N + T_ - 1) / T_;
        if (rows_ == 0)
            throw Error(cat(options_.dir, ": the ", options_.split, " split has ", N, " tokens",
                            N > T_ ? cat(" in ", shards_.size(), " shards, none of them long enough") : "",
                            "; a row needs ", T_ + 1, " (sequence length + 1)"),
                        "give more text or a smaller --seq-len");
        // rows from all over a large folder: the kernel would read 128 KiB around each, many times what is needed
        scattered_ = options_.order == "shuffled" && N * shards_.front().width() > kLargeDataBytes;
        if (scattered_)
            for (const TokenShard& shard : shards_) shard.advise(0, shard.tokens(), MADV_RANDOM);
        window_rows_ = std::max<int64_t>(1024, (int64_t(1) << 23) / T_);
    }

    // -- reading

    // f(shard, first token in it, count) for each shard that s_first .. s_{first + n - 1} lies in, its CRC checked.
    template <typename F>
    void for_each_shard(int64_t first, int64_t n, F&& f) {
        ASSERT(first >= 0 && n >= 0 && first + n <= num_tokens(), "first=", first, " n=", n, " of ", num_tokens());
        size_t s = size_t(std::upper_bound(first_token_.begin(), first_token_.end(), first) - first_token_.begin()) - 1;
        for (; n > 0; s++) {
            const int64_t from = first - first_token_[s], count = std::min(n, shards_[s].tokens() - from);
            if (count <= 0) continue;                               // a shard without tokens
            if (!checked_[s] && shards_[s].data_bytes() <= kShardLazyCrcBytes) check_crc(s);
            f(s, from, count);
            first += count;
            n -= count;
        }
    }

    [[noreturn]] void throw_bad_token(size_t s, int64_t from, const int32_t* ids, int64_t count) const {
        int64_t i = 0;
        while (i < count && int64_t(uint32_t(ids[i])) < options_.vocab_size) i++;
        throw Error(cat(shards_[s].path(), ": token id ", i < count ? uint32_t(ids[i]) : 0u, " at token ", from + i,
                        " (byte ", kShardHeaderBytes + (from + i) * shards_[s].width(),
                        ") is outside the vocabulary of ", options_.vocab_size),
                    "these shards were made with another tokenizer, or the file is damaged");
    }

    void check_crc(size_t s) {
        if (checked_[s]) return;
        if (const uint32_t got = shards_[s].crc(), want = split_.shards[s].crc; got != want)
            throw Error(cat(shards_[s].path(), ": CRC-32 of the tokens is ", strprintf("%08x", got),
                            ", index.json says ", strprintf("%08x", want)),
                        "the file is damaged: copy or make it again");
        checked_[s] = true;
    }

    void read_row(int32_t* inputs, int32_t* targets, float* weights) {          // (T) each, from pieces_
        int64_t t = 0;
        for (const Segment& p : pieces_) {
            const bool last = p.start + p.length == num_tokens();               // s_{N-1} has no successor
            read_tokens(p.start, p.length, inputs + t);
            read_tokens(p.start + 1, p.length - (last ? 1 : 0), targets + t);   // in the cache now
            std::memcpy(weights + t, ones_.data(), size_t(p.length) * sizeof(float));
            t += p.length;
            if (last) targets[t - 1] = padding(), weights[t - 1] = 0.0f;
        }
        std::fill(inputs + t, inputs + T_, padding());
        std::fill(targets + t, targets + T_, padding());
        std::fill(weights + t, weights + T_, 0.0f);
    }
    int32_t padding() const { return std::max(0, options_.end_of_text); }

    // -- orders

    uint64_t epoch_key(int64_t epoch) const { return splitmix64(splitmix64(options_.seed) ^ uint64_t(epoch)); }

    // The stream in blocks of T is cut into windows of window_rows_ blocks, from block `phase` on; what lies before it
    // is a window of its own, visited first, and a last, shorter one is visited last. k blocks give k rows.
    void packed_segments(int64_t epoch, int64_t i, std::vector<Segment>& pieces) {
        const uint64_t key = epoch_key(epoch);
        const int64_t phase = int64_t(splitmix64(key ^ 1) % uint64_t(std::min(window_rows_, rows_)));
        int64_t first = 0, count = phase, r = i;                    // the window's blocks; the row in it
        if (i >= phase) {
            const int64_t full = (rows_ - phase) / window_rows_;
            int64_t window = (i - phase) / window_rows_;
            r = (i - phase) % window_rows_;
            if (window < full) window = permuted(window, full, key ^ 2);
            first = phase + window * window_rows_;
            count = std::min(window_rows_, rows_ - first);
        }
        const PackedRows& plan = packed_window(first, count);
        r = permuted(r, count, splitmix64(key ^ 3) ^ uint64_t(first));
        pieces.assign(plan.segments.begin() + plan.row_begin[size_t(r)],
                      plan.segments.begin() + plan.row_begin[size_t(r) + 1]);
    }

    // The plan of `count` blocks from block `first` on; the last two are kept, for a read that spans two windows.
    const PackedRows& packed_window(int64_t first, int64_t count) {
        for (Window& w : windows_)
            if (w.first == first && w.count == count) return w.rows;
        std::swap(windows_[0], windows_[1]);
        const int64_t begin = first * T_, end = std::min(num_tokens(), (first + count) * T_);
        windows_[0] = {first, count, pack_best_fit(documents(begin, end - begin), T_)};
        ASSERT(windows_[0].rows.num_rows() == count, "rows=", windows_[0].rows.num_rows(), " blocks=", count);
        return windows_[0].rows;
    }

    struct Window {
        int64_t first = -1, count = -1;
        PackedRows rows;
    };

    LoaderOptions options_;
    int64_t T_;
    DataIndex index_;
    SplitInfo split_;
    bool has_index_ = false, scattered_ = false;
    std::vector<TokenShard> shards_;
    std::vector<bool> checked_;                                     // the CRC is right (or nobody knows it)
    std::vector<int64_t> first_token_ = {0}, first_row_;            // of each shard, and the total at the end
    int64_t rows_ = 0, window_rows_ = 0;
    Window windows_[2];
    std::vector<Segment> pieces_;
    std::vector<float> ones_;                                       // (T), copied into the weights
};

// ---- reading ahead

// A thread that reads the next rows while the model works on the last ones. Nobody else may call read_rows on the
// loader meanwhile. What the thread throws comes out of the next() that would have returned those rows.
class Prefetcher {
   public:
    struct Rows {
        std::vector<int32_t> inputs, targets;                       // (rows_per_fetch, T)
        std::vector<float> weights;                                 // (rows_per_fetch, T)
    };

    // Fetch i takes rows_per_fetch rows from first_row + i * stride; 0: one fetch right behind the other.
    Prefetcher(DataLoader& loader, int64_t first_row, int64_t rows_per_fetch, int64_t stride = 0, int depth = 2)
        : slots_(size_t(std::max(depth, 1)) + 1) {                  // + 1: the one that the caller holds
        for (Rows& rows : slots_) {
            rows.inputs.resize(size_t(rows_per_fetch * loader.seq_len()));
            rows.targets.resize(rows.inputs.size());
            rows.weights.resize(rows.inputs.size());
        }
        thread_ = std::thread([this, &loader, first_row, rows_per_fetch, stride] { run(loader, first_row, rows_per_fetch, stride ? stride : rows_per_fetch); });
    }
    Prefetcher(const Prefetcher&) = delete;
    Prefetcher& operator=(const Prefetcher&) = delete;
    ~Prefetcher() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    // The next rows_per_fetch rows; they stay valid until the next call.
    const Rows& next() {
        std::unique_lock lock(mutex_);
        if (taken_ > 0) released_ = taken_;                         // the caller is done with the last ones
        changed_.notify_all();
        const double start = now_s();
        changed_.wait(lock, [&] { return ready_ > taken_ || error_; });
        wait_s_ += now_s() - start;
        if (ready_ == taken_) std::rethrow_exception(error_);
        return slots_[size_t(taken_++) % slots_.size()];
    }
    double wait_s() const { return wait_s_; }                       // how long next() has waited, in total

   private:
    void run(DataLoader& loader, int64_t row, int64_t rows_per_fetch, int64_t stride) {
        for (int64_t fetch = 0;; fetch++, row += stride) {
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [&] { return stop_ || fetch < released_ + int64_t(slots_.size()); });
                if (stop_) return;
            }
            Rows& rows = slots_[size_t(fetch) % slots_.size()];
            std::exception_ptr error;
            try {
                loader.read_rows(row, rows_per_fetch, rows.inputs.data(), rows.targets.data(), rows.weights.data());
            } catch (...) {
                error = std::current_exception();
            }
            {
                std::lock_guard lock(mutex_);
                if (error) error_ = error;
                else ready_ = fetch + 1;
            }
            changed_.notify_all();
            if (error) return;
        }
    }

    std::vector<Rows> slots_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int64_t ready_ = 0, taken_ = 0, released_ = 0;                  // fetches read, handed out, given back
    bool stop_ = false;
    std::exception_ptr error_;
    double wait_s_ = 0;
    std::thread thread_;                                            // last: it starts when all else is there
};
