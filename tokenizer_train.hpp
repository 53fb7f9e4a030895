// tokenizer_train.hpp -- learn a byte-level BPE vocabulary: again and again, merge the most frequent adjacent pair.
//
// The documents are cut into pieces and equal pieces counted once. What remains is small: the unique pieces lie in one
// array of symbols, and for each pair there is its count and the list of places where it stood when it came up. A merge
// visits only the places of its pair, left to right, so the whole training costs a few operations per symbol that
// disappears, however long a piece is. The most frequent pair comes from a heap whose entries are allowed to be too
// high.
// Promises: equal counts are decided by the smaller pair of ids; counts have 64 bits; the same result for any number of
// threads and any order of documents; a special token's text is taken out before counting, so no merge spells one.
#pragma once

#include <omp.h>

#include <memory>
#include <queue>

#include "tokenizer.hpp"

namespace bpe {

// How often each piece occurs.
class PieceCounts {
   public:
    struct Entry {
        uint64_t hash;
        size_t at, bytes;
        int64_t count;
    };
    PieceCounts() : index_(1 << 12, 0) {}
    void add(std::string_view piece, int64_t count) {
        const uint64_t hash = hash_bytes(piece) * kGolden;
        size_t i = size_t(hash >> 20) & (index_.size() - 1);
        for (; index_[i]; i = (i + 1) & (index_.size() - 1)) {
            Entry& e = entries_[index_[i] - 1];
            if (e.hash != hash || text(e) != piece) continue;
            e.count += count;
            return;
        }
        entries_.push_back({hash, pool_.size(), piece.size(), count});
        index_[i] = entries_.size();
        pool_ += piece;
        if (entries_.size() * 2 > index_.size()) grow();
    }
    const std::vector<Entry>& entries() const { return entries_; }
    std::string_view text(const Entry& e) const { return {pool_.data() + e.at, e.bytes}; }

   private:
    void grow() {
        index_.assign(index_.size() * 2, 0);
        for (size_t e = 0; e < entries_.size(); e++) {
            size_t i = size_t(entries_[e].hash >> 20) & (index_.size() - 1);
            while (index_[i]) i = (i + 1) & (index_.size() - 1);
            index_[i] = e + 1;
        }
    }
    std::string pool_;
    std::vector<Entry> entries_;
    std::vector<size_t> index_;  // hash -> entry + 1, 0: empty
};

// Pieces of all documents. Documents are gathered to some MB, cut at safe places, and the parts counted in parallel; a
// sum does not depend on who added what.
class CorpusCounter {
   public:
    CorpusCounter(Split split, int threads, const std::vector<std::string>& special)
        : split_(split), counts_(size_t(std::max(threads, 1))) {
        for (const std::string& s : special) special_.add(s, 0);
    }
    void add(std::string document) {
        pending_bytes_ += document.size();
        pending_.push_back(std::move(document));
        if (pending_bytes_ >= kBatchBytes) count_pending();
    }
    PieceCounts finish() {
        count_pending();
        PieceCounts total = std::move(counts_[0]);
        for (size_t t = 1; t < counts_.size(); t++)
            for (const auto& e : counts_[t].entries()) total.add(counts_[t].text(e), e.count);
        return total;
    }

   private:
    static constexpr size_t kBatchBytes = 32 << 20, kPartBytes = 1 << 18;
    void count_pending() {
        std::vector<std::string_view> parts;
        for (const std::string& document : pending_) add_parts(parts, document);
        #pragma omp parallel for schedule(dynamic) num_threads(int(counts_.size()))
        for (size_t i = 0; i < parts.size(); i++) {
            PieceCounts& counts = counts_[size_t(omp_get_thread_num())];
            for_each_piece(split_, parts[i], [&](std::string_view piece) { counts.add(piece, 1); });
        }
        pending_.clear();
        pending_bytes_ = 0;
    }
    // The document without the special tokens in it, cut where a cut changes no piece.
    void add_parts(std::vector<std::string_view>& parts, std::string_view text) const {
        for (size_t from = 0; from < text.size();) {
            const auto found = special_.find(text, from);
            std::string_view segment = text.substr(from, found ? found->at - from : text.npos);
            while (!segment.empty()) {
                const size_t cut = split_ == Split::none ? segment.size() : safe_cut(segment, kPartBytes);
                parts.push_back(segment.substr(0, cut));
                segment.remove_prefix(cut);
            }
            from = found ? found->at + found->name.size() : text.size();
        }
    }
    Split split_;
    SpecialFinder special_;
    std::vector<PieceCounts> counts_;  // one per thread
    std::vector<std::string> pending_;
    size_t pending_bytes_ = 0;
};

// The symbols of all unique pieces in one array, and what the pairs among them are worth.
class PairTrainer {
   public:
    explicit PairTrainer(const PieceCounts& pieces) {
        size_t cells = 1;
        for (const auto& e : pieces.entries()) cells += e.bytes > 1 ? e.bytes + 1 : 0;
        if (cells >= ~0u)
            throw Error(cat("the different pieces of the text have ", cells, " bytes; at most ", ~0u, " are possible"),
                        "train on a part of the text");
        symbols_.reserve(cells);
        weight_of_.reserve(cells);
        symbols_.push_back(kBoundary);
        weight_of_.push_back(0);
        for (const auto& e : pieces.entries()) {
            if (e.bytes < 2) continue;  // no pair
            for (const char c : pieces.text(e)) symbols_.push_back(static_cast<unsigned char>(c));
            symbols_.push_back(kBoundary);
            weight_of_.insert(weight_of_.end(), e.bytes + 1, uint32_t(weights_.size()));
            weights_.push_back(e.count);
        }
        length_.assign(256, 1);
        for (size_t at = 1; at + 1 < symbols_.size(); at++)
            if (symbols_[at] >= 0 && symbols_[at + 1] >= 0) add(symbols_[at], symbols_[at + 1], at);
        push_new();
    }

    // The most frequent pair, or count 0 when no pair is left.
    struct Best {
        int64_t count;
        int32_t left, right;
        // ordered for std::priority_queue: the greatest is the most frequent, among equals the smallest pair
        bool operator<(const Best& o) const {
            if (count != o.count) return count < o.count;
            return left != o.left ? left > o.left : right > o.right;
        }
    };
    Best best() {
        while (!heap_.empty()) {
            const Best top = heap_.top();
            heap_.pop();
            const int64_t count = pair(top.left, top.right).count;
            if (count == top.count) return top;
            if (count > 0) heap_.push({count, top.left, top.right});  // counts only fall: the entry was too high
        }
        return {0, -1, -1};
    }

    // left right -> id, everywhere, from left to right. id is greater than every id before it. Returns how many symbols
    // of the text disappeared.
    int64_t merge(int32_t left, int32_t right, int32_t id) {
        const std::vector<uint32_t> places = std::move(pair(left, right).places);
        const size_t left_bytes = size_t(length_[size_t(left)]), bytes = left_bytes + size_t(length_[size_t(right)]);
        length_.push_back(int64_t(bytes));
        int64_t merged = 0;
        for (const size_t at : places) {
            const size_t middle = at + left_bytes, next = at + bytes;
            if (symbols_[at] != left || symbols_[middle] != right) continue;  // merged into something else meanwhile
            const int64_t weight = weights_[weight_of_[at]];
            merged += weight;
            if (const int32_t before = symbols_[at - 1]; before != kBoundary) {
                pair(before, left).count -= weight;
                add(before, id, at - size_t(length_[size_t(before)]));
            }
            if (const int32_t after = symbols_[next]; after != kBoundary) {
                pair(right, after).count -= weight;
                add(id, after, at);
            }
            // A symbol stands in its first and in its last cell; the cells between are dead. A place in a list always
            // was a first cell, and an id that comes to stand in it later as a last cell is a newer one than the
            // list's.
            symbols_[middle - 1] = symbols_[middle] = kDead;
            symbols_[at] = symbols_[next - 1] = id;
        }
        pair(left, right).count = 0;
        push_new();
        return merged;
    }

   private:
    static constexpr int32_t kBoundary = -1, kDead = -2;
    struct Pair {
        int64_t count = 0;
        std::vector<uint32_t> places;  // first cells, ascending
    };
    Pair& pair(int32_t left, int32_t right) {
        const uint64_t key = uint64_t(uint32_t(left)) << 32 | uint32_t(right);
        const auto [it, is_new] = pairs_.try_emplace(key, uint32_t(store_.size()));
        if (is_new) store_.emplace_back(), new_.push_back({0, left, right});
        return store_[it->second];
    }
    void add(int32_t left, int32_t right, size_t at) {
        Pair& p = pair(left, right);
        p.count += weights_[weight_of_[at]];
        p.places.push_back(uint32_t(at));
    }
    // All pairs that a step makes are new ones, for they contain its new id.
    void push_new() {
        for (const Best& b : new_)
            if (const int64_t count = pair(b.left, b.right).count; count > 0) heap_.push({count, b.left, b.right});
        new_.clear();
    }
    struct Hash {
        size_t operator()(uint64_t key) const { return size_t(splitmix64(key)); }
    };
    std::vector<int32_t> symbols_;     // per byte; pieces lie between boundaries
    std::vector<uint32_t> weight_of_;  // per byte: its piece's index in weights_
    std::vector<int64_t> weights_;     // how often the piece occurs
    std::vector<int64_t> length_;      // bytes of each id
    std::unordered_map<uint64_t, uint32_t, Hash> pairs_;
    std::vector<Pair> store_;
    std::vector<Best> new_;
    std::priority_queue<Best> heap_;
};

}  // namespace bpe

inline Tokenizer Tokenizer::train(const bpe::PieceCounts& pieces, int32_t vocab_size, const std::string& pattern,
                                  const std::vector<std::string>& special, TrainStats* stats) {
    const int64_t smallest = 256 + int64_t(special.size());
    if (vocab_size < smallest || vocab_size > bpe::kMaxIds)
        throw UsageError(cat("a vocabulary of ", vocab_size, " ids: expected ", smallest, " (256 bytes and ",
                             special.size(), " special tokens) to ", bpe::kMaxIds));
    TrainStats own;
    TrainStats& s = stats ? *stats : own;
    const double start = now_s();
    for (const auto& e : pieces.entries()) s.pieces += e.count, s.bytes += e.count * int64_t(e.bytes);
    s.different_pieces = int64_t(pieces.entries().size());
    s.tokens = s.bytes;
    Parts parts;
    parts.pattern = pattern;
    parts.origin = "the trained vocabulary";
    bpe::PairTrainer trainer(pieces);
    for (int b = 0; b < 256; b++) parts.tokens.push_back(std::string(1, char(b)));
    while (parts.tokens.size() + special.size() < size_t(vocab_size)) {
        const auto best = trainer.best();
        if (best.count == 0) break;  // every piece is one token: the text has no more to teach
        const int32_t id = int32_t(parts.tokens.size());
        s.tokens -= trainer.merge(best.left, best.right, id);
        parts.merges.push_back({best.left, best.right, id});
        parts.tokens.push_back(parts.tokens[size_t(best.left)] + parts.tokens[size_t(best.right)]);
    }
    for (const std::string& name : special) {
        parts.special.emplace(name, int32_t(parts.tokens.size()));
        parts.tokens.push_back(name);
    }
    s.merge_s = now_s() - start;
    return build(std::move(parts));
}

inline Tokenizer Tokenizer::train(const std::function<bool(std::string&)>& next, int32_t vocab_size,
                                  const std::string& pattern, int threads, const std::vector<std::string>& special) {
    for (const std::string& s : special)
        if (s.empty() || std::count(special.begin(), special.end(), s) > 1)
            throw UsageError(cat("special token \"", s, "\" is ", s.empty() ? "empty" : "given twice"));
    bpe::CorpusCounter counter(parse_split(pattern), threads, special);
    for (std::string document; next(document); document.clear()) counter.add(std::move(document));
    return train(counter.finish(), vocab_size, pattern, special);
}

inline Tokenizer Tokenizer::train(const std::vector<std::string>& texts, int32_t vocab_size, const std::string& pattern,
                                  int threads, const std::vector<std::string>& special) {
    size_t i = 0;
    const auto next = [&](std::string& document) {
        if (i == texts.size()) return false;
        document = texts[i++];
        return true;
    };
    return train(next, vocab_size, pattern, threads, special);
}
