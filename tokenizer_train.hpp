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

#include <queue>

#include "tokenizer.hpp"

namespace bpe {

// How often each piece occurs. Pieces of at most 8 bytes, the large majority, are their own key, and their count stands
// beside it: 16 bytes a slot, open addressing, at most half full. Longer ones have an entry behind a table of numbers.
class PieceCounts {
   public:
    PieceCounts() : short_(1 << 12), long_index_(1 << 10, 0) {}
    void prefetch(const Piece& piece) const {
        if (piece.bytes <= 8) __builtin_prefetch(&short_[piece.spread() >> short_shift()]);
        else __builtin_prefetch(&long_index_[piece.spread() >> long_shift()]);
    }
    void add(const Piece& piece, int64_t count) { piece.bytes <= 8 ? add_short(piece, count) : add_long(piece, count); }
    void add(std::string_view piece, int64_t count) { add(Piece(piece.data(), piece.size(), piece.size()), count); }
    // f(piece, count) for each, in no particular order
    template <typename F>
    void for_each(F&& f) const {
        for (const Short& s : short_)
            if (const size_t bytes = s.bytes_count >> 56)
                f(std::string_view(reinterpret_cast<const char*>(&s.key), bytes), int64_t(s.bytes_count & kCountMask));
        for (const Long& l : longs_) f(std::string_view(pool_).substr(l.at, l.bytes), l.count);
    }
    int64_t different() const { return int64_t(num_short_ + longs_.size()); }

   private:
    static constexpr uint64_t kCountMask = (1ull << 56) - 1;
    struct Short {
        uint64_t key = 0;
        uint64_t bytes_count = 0;                // the length in the top byte; 0: empty
    };
    struct Long {
        uint64_t key;
        size_t at, bytes;                        // in pool_
        int64_t count;
    };
    int short_shift() const { return 64 - __builtin_ctzll(short_.size()); }
    int long_shift() const { return 64 - __builtin_ctzll(long_index_.size()); }

    void add_short(const Piece& piece, int64_t count) {
        for (size_t i = piece.spread() >> short_shift();; i = (i + 1) & (short_.size() - 1)) {
            Short& s = short_[i];
            if (s.key == piece.key && s.bytes_count >> 56 == piece.bytes) {
                s.bytes_count += uint64_t(count);
                return;
            }
            if (s.bytes_count) continue;
            s = {piece.key, uint64_t(piece.bytes) << 56 | uint64_t(count)};
            if (++num_short_ * 2 > short_.size()) grow_short();
            return;
        }
    }
    void add_long(const Piece& piece, int64_t count) {
        size_t i = piece.spread() >> long_shift();
        for (; long_index_[i]; i = (i + 1) & (long_index_.size() - 1)) {
            Long& l = longs_[long_index_[i] - 1];
            if (l.key != piece.key || l.bytes != piece.bytes || !same_bytes(pool_.data() + l.at, piece.begin, l.bytes)) continue;
            l.count += count;
            return;
        }
        longs_.push_back({piece.key, pool_.size(), piece.bytes, count});
        long_index_[i] = longs_.size();
        pool_ += piece.text();
        if (longs_.size() * 2 > long_index_.size()) grow_long();
    }
    void grow_short() {
        std::vector<Short> old(short_.size() * 2);
        old.swap(short_);
        for (const Short& s : old) {
            if (!s.bytes_count) continue;
            Piece piece;
            piece.key = s.key, piece.bytes = size_t(s.bytes_count >> 56);
            size_t i = piece.spread() >> short_shift();
            while (short_[i].bytes_count) i = (i + 1) & (short_.size() - 1);
            short_[i] = s;
        }
    }
    void grow_long() {
        long_index_.assign(long_index_.size() * 2, 0);
        for (size_t l = 0; l < longs_.size(); l++) {
            Piece piece;
            piece.key = longs_[l].key, piece.bytes = longs_[l].bytes;
            size_t i = piece.spread() >> long_shift();
            while (long_index_[i]) i = (i + 1) & (long_index_.size() - 1);
            long_index_[i] = l + 1;
        }
    }
    std::vector<Short> short_;
    size_t num_short_ = 0;
    std::vector<Long> longs_;
    std::vector<size_t> long_index_;             // -> Long + 1, 0: empty
    std::string pool_;                           // the bytes of the long pieces
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
            counts_[t].for_each([&](std::string_view piece, int64_t count) { total.add(piece, count); });
        return total;
    }

   private:
    static constexpr size_t kBatchBytes = 32 << 20, kPartBytes = 1 << 18;
    void count_pending() {
        std::vector<std::string_view> parts;
        for (const std::string& document : pending_) add_parts(parts, document);
        for_each_parallel(parts.size(), int(counts_.size()), [&](size_t i) {
            PieceCounts& counts = counts_[size_t(omp_get_thread_num())];
            // what follows a part in memory may be another document that a thread frees: nothing is read beyond its end
            for_each_piece_ahead(Splitter(split_), parts[i], parts[i].data() + parts[i].size(), [&](const Piece& p) { counts.prefetch(p); },
                                 [&](const Piece& p) { counts.add(p, 1); });
        });
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
        pieces.for_each([&](std::string_view piece, int64_t) { cells += piece.size() > 1 ? piece.size() + 1 : 0; });
        if (cells >= ~0u)
            throw Error(cat("the different pieces of the text have ", cells, " bytes; at most ", ~0u, " are possible"),
                        "train on a part of the text");
        symbols_.reserve(cells);
        weight_of_.reserve(cells);
        symbols_.push_back(kBoundary);
        weight_of_.push_back(0);
        pieces.for_each([&](std::string_view piece, int64_t count) {
            if (piece.size() < 2) return;        // no pair
            for (const char c : piece) symbols_.push_back(static_cast<unsigned char>(c));
            symbols_.push_back(kBoundary);
            weight_of_.insert(weight_of_.end(), piece.size() + 1, uint32_t(weights_.size()));
            weights_.push_back(count);
        });
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
        size_t i = slot_of(key);
        if (slots_[i].pair) return store_[slots_[i].pair - 1];
        if ((store_.size() + 1) * 2 > slots_.size()) grow(), i = slot_of(key);
        store_.emplace_back(), new_.push_back({0, left, right});
        slots_[i] = {key, uint32_t(store_.size())};
        return store_.back();
    }
    struct Slot {
        uint64_t key = 0;
        uint32_t pair = 0;               // index in store_ + 1; 0: empty
    };
    // The slot of the pair, or the empty one where it belongs.
    size_t slot_of(uint64_t key) const {
        size_t i = size_t((key ^ key >> 29) * kGolden >> (64 - __builtin_ctzll(slots_.size())));
        while (slots_[i].pair && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
        return i;
    }
    void grow() {
        std::vector<Slot> old(slots_.size() * 2);
        old.swap(slots_);
        for (const Slot& s : old)
            if (s.pair) slots_[slot_of(s.key)] = s;
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
    std::vector<int32_t> symbols_;     // per byte; pieces lie between boundaries
    std::vector<uint32_t> weight_of_;  // per byte: its piece's index in weights_
    std::vector<int64_t> weights_;     // how often the piece occurs
    std::vector<int64_t> length_;      // bytes of each id
    std::vector<Slot> slots_ = std::vector<Slot>(1 << 12);  // (left, right) -> store_, open addressing
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
    pieces.for_each([&](std::string_view piece, int64_t count) { s.pieces += count, s.bytes += count * int64_t(piece.size()); });
    s.different_pieces = pieces.different();
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
