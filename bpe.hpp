// bpe.hpp -- the machinery of byte-pair encoding: which pairs merge, which pieces are tokens, and the merge loop.
//
// A piece of text is a row of symbols, at first its bytes. The adjacent pair with the lowest rank merges, the leftmost
// of equals first, until no pair has a rank. With the merges 0: "e r", 1: "h e", 2: "t h", 3: "th er" the piece "there"
// goes  t h e r e  ->  t h er e  ->  th er e  ->  ther e : "e r" comes before "h e" because its rank is lower, and after
// it there is no "h e" any more.
// Most pieces of real text are one token as a whole: PieceTable finds those without a merge, one cache line each. The
// others repeat too: PieceCache remembers what the last thousands of them became. Only the rest is merged.
// Does not: know what a vocabulary file or a split pattern is (tokenizer_files.hpp, pretokenizer.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include <omp.h>

#include "common.hpp"

// The symbols left and right become id. The rank of a merge is its index in the list that it stands in.
struct Merge {
    int32_t left, right, id;
    bool operator==(const Merge&) const = default;
};

namespace bpe {

constexpr int32_t kMaxIds = (1 << 21) - 1;       // 41 times GPT-2's; beyond it a file is broken rather than large
constexpr uint32_t kNoRank = ~0u;                // the pair does not merge
constexpr uint64_t kGolden = 0x9E3779B97F4A7C15ull;

// (left, right) -> rank. Encoding a rare word asks this dozens of times, at random places: so it is kept small enough for
// the second level of a cache. Two symbols below 256, which every piece begins with, have a square of their own; the others
// lie in an open-addressing table, at most half full, with 8 bytes a slot: left, right (21 bits each) and rank (22).
class PairTable {
   public:
    static constexpr size_t kMaxMerges = size_t(1) << 22;
    explicit PairTable(const std::vector<Merge>& merges = {}) : square_(256 * 256, kNoRank) {
        size_t size = 16;
        while (size < merges.size() * 2) size *= 2;
        slots_.assign(size, kEmpty);
        shift_ = 64 - __builtin_ctzll(size);
        for (size_t rank = 0; rank < merges.size(); rank++) {
            const auto [left, right, id] = merges[rank];
            ids_.push_back(id);
            if (find(left, right) != kNoRank) continue;  // the earlier rank stands
            if (small(left, right)) square_[size_t(left * 256 + right)] = uint32_t(rank);
            else slots_[index(key(left, right))] = key(left, right) << kRankBits | rank;
        }
    }
    // kNoRank: they do not merge
    __attribute__((always_inline)) uint32_t find(int32_t left, int32_t right) const {
        if (small(left, right)) return square_[size_t(left * 256 + right)];
        const uint64_t slot = slots_[index(key(left, right))];
        return slot == kEmpty ? kNoRank : uint32_t(slot & kMaxRank);
    }
    int32_t id(uint32_t rank) const { return ids_[rank]; }  // what the pair becomes

   private:
    static constexpr int kRankBits = 22;
    static constexpr uint64_t kMaxRank = (1 << kRankBits) - 1, kEmpty = ~0ull;
    static bool small(int32_t left, int32_t right) { return uint32_t(left | right) < 256; }
    static uint64_t key(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 21 | uint32_t(right); }
    // The slot of `key`, or the empty one where it belongs.
    size_t index(uint64_t key) const {
        const size_t mask = slots_.size() - 1;
        size_t i = size_t((key ^ key >> 23) * kGolden >> shift_);
        while (slots_[i] >> kRankBits != key && slots_[i] != kEmpty) i = (i + 1) & mask;
        return i;
    }
    std::vector<uint32_t> square_;               // [left * 256 + right]
    std::vector<uint64_t> slots_;
    std::vector<int32_t> ids_;                   // by rank
    int shift_ = 60;
};

// 64 bits of up to 8 bytes at p, the rest zero. `readable` says how many bytes may be read.
inline uint64_t load_bytes(const char* p, size_t bytes, size_t readable) {
    uint64_t word = 0;
    if (readable >= 8) {
        std::memcpy(&word, p, 8);
        return bytes >= 8 ? word : word & ((1ull << 8 * bytes) - 1);
    }
    std::memcpy(&word, p, std::min(bytes, size_t(8)));
    return word;
}

inline uint64_t hash_bytes(std::string_view s) {
    uint64_t h = s.size() * kGolden;
    for (size_t i = 0; i < s.size(); i += 8) {
        h = (h ^ load_bytes(s.data() + i, s.size() - i, s.size() - i)) * 0xBF58476D1CE4E5B9ull;
        h ^= h >> 32;
    }
    return h;
}

// Are the n > 8 bytes at a and at b the same? The last word overlaps the one before it.
inline bool same_bytes(const char* a, const char* b, size_t n) {
    for (size_t i = 0; i + 8 < n; i += 8)
        if (load_bytes(a + i, 8, 8) != load_bytes(b + i, 8, 8)) return false;
    return load_bytes(a + n - 8, 8, 8) == load_bytes(b + n - 8, 8, 8);
}

// A piece of text with what its lookup needs, made before the lookup so that the cache line can be fetched meanwhile.
struct Piece {
    const char* begin;
    size_t bytes;
    uint64_t key;                                // up to 8 bytes: the piece itself; longer: a hash of it
    // `readable` >= bytes: so many bytes may be read at begin
    Piece(const char* p, size_t n, size_t readable)
        : begin(p), bytes(n), key(n <= 8 ? load_bytes(p, n, readable) : hash_bytes({p, n})) {}
    Piece() = default;
    std::string_view text() const { return {begin, bytes}; }
    // A number whose top bits are a slot in a table.
    uint64_t spread() const {
        uint64_t h = (key ^ bytes) * kGolden;
        return (h ^ h >> 32) * kGolden;          // the text's last byte is in the key's top bits: fold them down first
    }
};

// Cut the text into pieces, a few dozen at a time: `ahead(piece)` may prefetch, `use(piece)` comes a little later, in the
// same order. Bytes up to readable_end >= the end of the text exist.
template <typename Splitter, typename Ahead, typename Use>
void for_each_piece_ahead(const Splitter& splitter, std::string_view text, const char* readable_end, Ahead&& ahead, Use&& use) {
    constexpr int kBatch = 32;
    Piece batch[kBatch];
    const char *p = text.data(), *end = p + text.size();
    while (p < end) {
        int n = 0;
        while (p < end && n < kBatch) {
            const char* next = splitter.piece_end(p, end);
            batch[n] = Piece(p, size_t(next - p), size_t(readable_end - p));
            ahead(batch[n++]);
            p = next;
        }
        for (int i = 0; i < n; i++) use(batch[i]);
    }
}

// Bytes of a whole piece -> id, open addressing. Most pieces of text are one token, and most of those have at most 8
// bytes: these are their own key, so that a lookup touches one cache line; longer ones compare a 64-bit hash and then
// their bytes.
class PieceTable {
   public:
    explicit PieceTable(size_t expected = 0) {
        size_t size = 16;
        while (size < expected * 2) size *= 2;
        slots_.assign(size, Slot{0, -1, 0});
        shift_ = 64 - __builtin_ctzll(size);
    }
    void insert(std::string_view token, int32_t id, size_t at_in_pool) {
        const Piece piece(token.data(), token.size(), token.size());
        size_t i = piece.spread() >> shift_;
        while (slots_[i].bytes) i = (i + 1) & (slots_.size() - 1);
        slots_[i] = {piece.key, id, uint32_t(piece.bytes)};
        if (piece.bytes > 8) {
            if (size_t(id) >= at_.size()) at_.resize(size_t(id) + 1);
            at_[size_t(id)] = uint32_t(at_in_pool);
        }
    }
    void prefetch(const Piece& piece) const { __builtin_prefetch(&slots_[piece.spread() >> shift_]); }
    // -1 if there is none; pool holds the tokens' bytes.
    int32_t find(const Piece& piece, const std::string& pool) const {
        for (size_t i = piece.spread() >> shift_;; i = (i + 1) & (slots_.size() - 1)) {
            const Slot& slot = slots_[i];
            if (slot.key == piece.key && slot.bytes == piece.bytes &&
                (piece.bytes <= 8 || same_bytes(pool.data() + at_[size_t(slot.id)], piece.begin, piece.bytes)))
                return slot.id;
            if (slot.bytes == 0) return -1;
        }
    }

   private:
    struct Slot {
        uint64_t key;
        int32_t id;
        uint32_t bytes;                          // 0: empty
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> at_;                   // by id, for the long ones
    int shift_ = 60;
};

// What pieces of several tokens became lately: direct mapped, an entry a cache line, a MB per thread. A piece of at
// most 16 bytes is known by its first and its last 8 bytes and its length, so a hit is never another piece. `owner` tells
// apart the tokenizers that a thread uses in turn.
class PieceCache {
   public:
    static constexpr size_t kPieceBytes = 16, kIds = 10;
    struct alignas(64) Entry {
        uint64_t first, last;
        uint32_t owner;                          // 0: empty
        uint8_t bytes, count;
        int32_t ids[kIds];
    };
    static PieceCache& of_this_thread() {
        thread_local PieceCache cache;
        return cache;
    }
    // The only entry where the piece can be (bytes <= kPieceBytes), and whether it is there.
    std::pair<Entry&, bool> find(const Piece& piece, uint32_t owner) {
        Entry& e = entries_[piece.spread() >> (64 - kBits)];
        const uint64_t last = last_bytes(piece);
        const bool is = e.owner == owner && e.bytes == piece.bytes && e.last == last && e.first == first_bytes(piece);
        return {e, is};
    }
    // Remember the ids; nothing if they are too many.
    static void store(Entry& e, const Piece& piece, uint32_t owner, const int32_t* ids, size_t count) {
        if (count > kIds) return;
        e.first = first_bytes(piece), e.last = last_bytes(piece);
        e.owner = owner, e.bytes = uint8_t(piece.bytes), e.count = uint8_t(count);
        std::copy(ids, ids + count, e.ids);
    }

   private:
    static constexpr int kBits = 14;
    static uint64_t first_bytes(const Piece& p) { return p.bytes <= 8 ? p.key : load_bytes(p.begin, 8, 8); }
    static uint64_t last_bytes(const Piece& p) { return p.bytes <= 8 ? 0 : load_bytes(p.begin + p.bytes - 8, 8, 8); }
    std::vector<Entry> entries_ = std::vector<Entry>(size_t(1) << kBits);
};

// Merge n symbols in place, lowest rank first, leftmost of equals; returns how many are left. `pairs.find(left, right)`
// knows the merges, on_merge(rank, left, right) hears of each. Short pieces: scan for the lowest rank, quadratic but
// without any bookkeeping.
constexpr size_t kScanLimit = 64;

template <typename Pairs, typename OnMerge>
size_t merge_by_scan(int32_t* ids, size_t n, const Pairs& pairs, OnMerge&& on_merge) {
    uint32_t rank[kScanLimit];                   // of the pair (i, i + 1)
    for (size_t i = 0; i + 1 < n; i++) rank[i] = pairs.find(ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best]) best = i;
        if (rank[best] == kNoRank) break;
        on_merge(rank[best], ids[best], ids[best + 1]);
        ids[best] = pairs.id(rank[best]);
        n--;
        for (size_t i = best + 1; i < n; i++) ids[i] = ids[i + 1], rank[i - 1] = rank[i];
        if (best + 1 < n) rank[best] = pairs.find(ids[best], ids[best + 1]);
        if (best > 0) rank[best - 1] = pairs.find(ids[best - 1], ids[best]);
    }
    return n;
}

// Long pieces. The ranks that stand somewhere wait in a heap, and for each rank the places where it may stand in a list:
// n places and few ranks, so nearly all of the work is linear in n. A linked list joins the symbols that are left.
// With the usual vocabularies a merge makes pairs of higher ranks only; where it makes a lower one, that one is next, and
// what was left of the present list goes back.
class LongMerge {
   public:
    // n symbols, merged in place; returns how many are left
    template <typename Pairs, typename OnMerge>
    static size_t run(int32_t* ids, size_t n, const Pairs& pairs, OnMerge&& on_merge) {
        if (n >= kNoRank)
            throw Error(cat("a piece of ", n, " bytes without a place to split it; at most ", kNoRank, " are possible"));
        LongMerge m(ids, uint32_t(n));
        for (uint32_t i = 0; i + 1 < m.n_; i++) m.update(i, pairs);
        std::vector<uint32_t> places;
        for (uint32_t rank; (rank = m.take_lowest(places)) != kNoRank;) {
            if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
            for (size_t k = 0; k < places.size(); k++) {
                const uint32_t at = places[k], gone = m.next_[at];
                if (m.rank_[at] != rank) continue;           // the pair has changed since; its new rank has a place too
                on_merge(rank, ids[at], ids[gone]);
                ids[at] = pairs.id(rank);
                const uint32_t lowest = m.unlink(at, gone, pairs);
                if (lowest > rank) continue;
                for (k++; k < places.size(); k++) m.put(rank, places[k]);
            }
        }
        size_t left = 0;
        for (uint32_t i = 0; i < m.n_; i = m.next_[i]) ids[left++] = ids[i];
        return left;
    }

   private:
    LongMerge(int32_t* ids, uint32_t n) : ids_(ids), n_(n), next_(n), previous_(n), rank_(n, kNoRank) {
        for (uint32_t i = 0; i < n; i++) next_[i] = i + 1, previous_[i] = i - 1;
    }
    // Look up the pair that starts at `at` anew; returns its rank.
    template <typename Pairs>
    uint32_t update(uint32_t at, const Pairs& pairs) {
        const uint32_t now = next_[at] < n_ ? pairs.find(ids_[at], ids_[next_[at]]) : kNoRank;
        if (std::exchange(rank_[at], now) != now && now != kNoRank) put(now, at);
        return now;
    }
    // The symbol at `at` has taken in the next one, at `gone`; returns the lowest rank of its pairs.
    template <typename Pairs>
    uint32_t unlink(uint32_t at, uint32_t gone, const Pairs& pairs) {
        rank_[at] = rank_[gone] = kNoRank;
        next_[at] = next_[gone];
        if (next_[at] < n_) previous_[next_[at]] = at;
        const uint32_t right = update(at, pairs);
        return at > 0 ? std::min(right, update(previous_[at], pairs)) : right;
    }
    void put(uint32_t rank, uint32_t at) {
        if (rank != last_rank_) last_list_ = &places_[rank], last_rank_ = rank;  // often the same one many times
        if (last_list_->empty()) ranks_.push_back(rank), std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
        last_list_->push_back(at);
    }
    // The places of the lowest rank, which are forgotten here; kNoRank: there is none.
    uint32_t take_lowest(std::vector<uint32_t>& places) {
        if (ranks_.empty()) return kNoRank;
        std::pop_heap(ranks_.begin(), ranks_.end(), std::greater<>());
        const uint32_t rank = ranks_.back();
        ranks_.pop_back();
        const auto it = places_.find(rank);
        places = std::move(it->second);
        it->second.clear();
        return rank;
    }
    int32_t* ids_;
    uint32_t n_;
    std::vector<uint32_t> next_, previous_, rank_;           // rank_: of the pair that starts here
    std::vector<uint32_t> ranks_;                            // a heap, the lowest on top, each once
    std::unordered_map<uint32_t, std::vector<uint32_t>> places_;
    uint32_t last_rank_ = kNoRank;
    std::vector<uint32_t>* last_list_ = nullptr;             // of last_rank_: nodes of an unordered_map stay where they are
};

template <typename Pairs, typename OnMerge>
size_t merge_symbols(int32_t* ids, size_t n, const Pairs& pairs, OnMerge&& on_merge) {
    return n <= kScanLimit ? merge_by_scan(ids, n, pairs, on_merge) : LongMerge::run(ids, n, pairs, on_merge);
}

// f(0) .. f(n - 1) by several threads, each taking the next; what one of them throws comes out at the end.
template <typename F>
void for_each_parallel(size_t n, int threads, F&& f) {
    std::exception_ptr error;
    #pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (size_t i = 0; i < n; i++) {
        try {
            f(i);
        } catch (...) {
            #pragma omp critical(for_each_parallel)
            error = std::current_exception();
        }
    }
    if (error) std::rethrow_exception(error);
}

// Finds the first of some names in a text, the longest of those that start at one place.
class SpecialFinder {
   public:
    void add(std::string_view name, int32_t id) {
        const auto longer = [&](auto& n) { return n.name.size() >= name.size(); };
        names_.insert(std::find_if_not(names_.begin(), names_.end(), longer), {std::string(name), id});
        starts_[static_cast<unsigned char>(name[0])] = true;
        one_start_ = std::count(starts_.begin(), starts_.end(), true) == 1;
    }
    struct Found {
        size_t at;
        std::string_view name;  // where it stands: a part of the text
        int32_t id;
    };
    std::optional<Found> find(std::string_view text, size_t from) const {
        for (size_t at = next_start(text, from); at < text.size(); at = next_start(text, at + 1))
            for (const auto& n : names_)
                if (text.compare(at, n.name.size(), n.name) == 0) return Found{at, text.substr(at, n.name.size()), n.id};
        return std::nullopt;
    }
    // Does a name stand across the place i, partly before it and partly from it on?
    bool crosses(std::string_view text, size_t i) const {
        for (const auto& n : names_)
            for (size_t before = 1; before < n.name.size() && before <= i; before++)
                if (text.compare(i - before, n.name.size(), n.name) == 0) return true;
        return false;
    }
    size_t longest() const { return names_.empty() ? 0 : names_[0].name.size(); }

   private:
    // The first byte at or after `from` that some name begins with.
    size_t next_start(std::string_view text, size_t from) const {
        if (names_.empty() || from >= text.size()) return text.size();
        if (one_start_) return std::min(text.find(names_[0].name[0], from), text.size());  // memchr
        while (from < text.size() && !starts_[static_cast<unsigned char>(text[from])]) from++;
        return from;
    }
    struct Name {
        std::string name;
        int32_t id;
    };
    std::vector<Name> names_;  // longest first
    std::array<bool, 256> starts_{};
    bool one_start_ = false;   // all names begin with the same byte
};

}  // namespace bpe
