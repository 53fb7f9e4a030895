// tokenizer.hpp -- byte-level BPE: text <-> token ids.
//
// Text is cut into pieces (pretokenizer.hpp). Within a piece every byte starts as its own symbol, then the adjacent
// pair with the lowest rank merges (the leftmost of equals) until no pair has a rank: the symbols left are the tokens.
// A vocabulary is therefore a list of merges in rank order over 256 single bytes. Special tokens are ids outside of
// that, which text becomes only where the caller allows it: user text cannot forge a control token.
// Promises: decode(encode(x)) == x for any bytes; equal ids to tiktoken and Hugging Face; time linear in the text
// (times a log factor in the length of one piece); a Tokenizer is never changed by encoding, so threads may share it.
// Train it in tokenizer_train.hpp, read and write its files in tokenizer_files.hpp (both included at the end).
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "common.hpp"
#include "pretokenizer.hpp"

// What special tokens that stand inside of text mean: ordinary text, an error, or their ids.
enum class SpecialPolicy { text, error, all };

inline constexpr char kEndOfText[] = "<|endoftext|>";

// The symbols left and right become id. The rank of a merge is its index in the list that it stands in.
struct Merge {
    int32_t left, right, id;
    bool operator==(const Merge&) const = default;
};

// What training saw and did.
struct TrainStats {
    int64_t bytes = 0, pieces = 0, different_pieces = 0;  // of the text
    int64_t tokens = 0;                                   // that the text has in the end
    double count_s = 0, merge_s = 0;
};

namespace bpe {

class PieceCounts;                               // tokenizer_train.hpp

constexpr int32_t kMaxIds = 1 << 24;             // 335 times GPT-2's; beyond it a file is broken rather than large
constexpr uint32_t kNoRank = ~0u;                // the pair does not merge
constexpr uint64_t kGolden = 0x9E3779B97F4A7C15ull;

// (left, right) -> (rank, id): open addressing, at most half full, 16 bytes a slot.
class PairTable {
   public:
    struct Found {
        uint32_t rank;
        int32_t id;
    };
    explicit PairTable(const std::vector<Merge>& merges = {}) {
        size_t size = 16;
        while (size < merges.size() * 2) size *= 2;
        slots_.assign(size, Slot{kEmpty, {kNoRank, -1}});
        shift_ = 64 - __builtin_ctzll(size);
        for (size_t rank = 0; rank < merges.size(); rank++) {
            Slot& slot = slots_[index(key(merges[rank].left, merges[rank].right))];
            if (slot.key != kEmpty) continue;  // the earlier rank stands
            slot = {key(merges[rank].left, merges[rank].right), {uint32_t(rank), merges[rank].id}};
        }
    }
    Found find(int32_t left, int32_t right) const { return slots_[index(key(left, right))].found; }

   private:
    static constexpr uint64_t kEmpty = ~0ull;    // no pair: ids are not negative
    struct Slot {
        uint64_t key;
        Found found;
    };
    static uint64_t key(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 32 | uint32_t(right); }
    // The slot of `key`, or the empty one where it belongs.
    size_t index(uint64_t key) const {
        const size_t mask = slots_.size() - 1;
        size_t i = size_t((key ^ key >> 29) * kGolden >> shift_);
        while (slots_[i].key != key && slots_[i].key != kEmpty) i = (i + 1) & mask;
        return i;
    }
    std::vector<Slot> slots_;
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

// Bytes of a whole piece -> id. Most pieces of text are one token, and most of those have at most 8 bytes: these are
// their own key, so that a lookup touches one cache line; longer ones compare a 64-bit hash and then their bytes.
class PieceTable {
   public:
    explicit PieceTable(size_t expected = 0) {
        size_t size = 16;
        while (size < expected * 2) size *= 2;
        slots_.assign(size, Slot{0, -1, 0});
        shift_ = 64 - __builtin_ctzll(size);
    }
    void insert(std::string_view piece, int32_t id, size_t at_in_pool) {
        const uint64_t k = piece.size() <= 8 ? load_bytes(piece.data(), piece.size(), piece.size()) : hash_bytes(piece);
        size_t i = start(k, piece.size());
        while (slots_[i].bytes) i = (i + 1) & (slots_.size() - 1);
        slots_[i] = {k, id, uint32_t(piece.size())};
        longest_ = std::max(longest_, piece.size());
        if (piece.size() > 8) {
            if (size_t(id) >= at_.size()) at_.resize(size_t(id) + 1);
            at_[size_t(id)] = at_in_pool;
        }
    }
    // -1 if there is none. `readable` >= piece.size() bytes may be read at piece.data(); pool holds the tokens' bytes.
    int32_t find(std::string_view piece, size_t readable, const std::string& pool) const {
        if (piece.size() > longest_) return -1;
        const bool small = piece.size() <= 8;
        const uint64_t k = small ? load_bytes(piece.data(), piece.size(), readable) : hash_bytes(piece);
        for (size_t i = start(k, piece.size());; i = (i + 1) & (slots_.size() - 1)) {
            const Slot& slot = slots_[i];
            if (slot.bytes == 0) return -1;
            if (slot.key == k && slot.bytes == piece.size() &&
                (small || std::memcmp(pool.data() + at_[size_t(slot.id)], piece.data(), piece.size()) == 0))
                return slot.id;
        }
    }

   private:
    struct Slot {
        uint64_t key;
        int32_t id;
        uint32_t bytes;  // 0: empty
    };
    size_t start(uint64_t k, size_t bytes) const {
        uint64_t h = (k ^ bytes) * kGolden;
        h = (h ^ h >> 32) * kGolden;             // the text's last byte is in the key's top bits: fold them down first
        return size_t(h >> shift_);
    }
    std::vector<Slot> slots_;
    std::vector<size_t> at_;  // by id, for the long ones
    size_t longest_ = 0;
    int shift_ = 60;
};

// Merge n symbols in place, lowest rank first, leftmost of equals; returns how many are left. `pairs.find(left, right)`
// knows the merges, on_merge(rank, left, right) hears of each. Short pieces: scan for the lowest rank, quadratic but
// without any bookkeeping.
constexpr size_t kScanLimit = 64;

template <typename Pairs, typename OnMerge>
size_t merge_by_scan(int32_t* ids, size_t n, const Pairs& pairs, OnMerge&& on_merge) {
    PairTable::Found found[kScanLimit];  // of the pair (i, i + 1)
    for (size_t i = 0; i + 1 < n; i++) found[i] = pairs.find(ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (found[i].rank < found[best].rank) best = i;
        if (found[best].rank == kNoRank) break;
        on_merge(found[best].rank, ids[best], ids[best + 1]);
        ids[best] = found[best].id;
        n--;
        for (size_t i = best + 1; i < n; i++) ids[i] = ids[i + 1], found[i - 1] = found[i];
        if (best + 1 < n) found[best] = pairs.find(ids[best], ids[best + 1]);
        if (best > 0) found[best - 1] = pairs.find(ids[best - 1], ids[best]);
    }
    return n;
}

// Long pieces: a linked list of symbols and a heap of (rank, position), O(n log n).
template <typename Pairs, typename OnMerge>
size_t merge_by_heap(int32_t* ids, size_t n, const Pairs& pairs, OnMerge&& on_merge) {
    if (n >= kNoRank)
        throw Error(cat("a piece of ", n, " bytes without a place to split it; at most ", kNoRank, " are possible"));
    std::vector<uint32_t> next(n), previous(n), rank(n, kNoRank);  // rank of the pair that starts here
    std::vector<uint64_t> heap;                                    // rank << 32 | position, the smallest on top
    heap.reserve(n);
    for (uint32_t i = 0; i < n; i++) {
        next[i] = i + 1;
        previous[i] = i - 1;
        if (i + 1 < n) rank[i] = pairs.find(ids[i], ids[i + 1]).rank;
        if (rank[i] != kNoRank) heap.push_back(uint64_t(rank[i]) << 32 | i);
    }
    std::make_heap(heap.begin(), heap.end(), std::greater<>());
    auto update = [&](uint32_t at) {
        const uint32_t now = next[at] < n ? pairs.find(ids[at], ids[next[at]]).rank : kNoRank;
        if (std::exchange(rank[at], now) == now || now == kNoRank) return;  // an entry with this rank is there already
        heap.push_back(uint64_t(now) << 32 | at);
        std::push_heap(heap.begin(), heap.end(), std::greater<>());
    };
    while (!heap.empty()) {
        const uint32_t top_rank = uint32_t(heap.front() >> 32), at = uint32_t(heap.front());
        std::pop_heap(heap.begin(), heap.end(), std::greater<>());
        heap.pop_back();
        if (rank[at] != top_rank) continue;  // the pair has changed since; its new rank has an entry of its own
        const uint32_t gone = next[at];
        on_merge(top_rank, ids[at], ids[gone]);
        ids[at] = pairs.find(ids[at], ids[gone]).id;
        rank[at] = rank[gone] = kNoRank;
        next[at] = next[gone];
        if (next[at] < n) previous[next[at]] = at;
        update(at);
        if (at > 0) update(previous[at]);
    }
    size_t left = 0;
    for (uint32_t i = 0; i < n; i = next[i]) ids[left++] = ids[i];
    return left;
}

template <typename Pairs, typename OnMerge>
size_t merge_symbols(int32_t* ids, size_t n, const Pairs& pairs, OnMerge&& on_merge) {
    return n <= kScanLimit ? merge_by_scan(ids, n, pairs, on_merge) : merge_by_heap(ids, n, pairs, on_merge);
}

// Finds the first of some names in a text, the longest of those that start at one place.
class SpecialFinder {
   public:
    void add(std::string_view name, int32_t id) {
        const auto longer = [&](auto& n) { return n.name.size() >= name.size(); };
        names_.insert(std::find_if_not(names_.begin(), names_.end(), longer), {std::string(name), id});
        starts_[static_cast<unsigned char>(name[0])] = true;
    }
    struct Found {
        size_t at;
        std::string_view name;  // where it stands: a part of the text
        int32_t id;
    };
    std::optional<Found> find(std::string_view text, size_t from) const {
        if (names_.empty()) return std::nullopt;
        for (size_t at = from; at < text.size(); at++) {
            if (!starts_[static_cast<unsigned char>(text[at])]) continue;
            for (const auto& n : names_)
                if (text.compare(at, n.name.size(), n.name) == 0) return Found{at, text.substr(at, n.name.size()), n.id};
        }
        return std::nullopt;
    }

   private:
    struct Name {
        std::string name;
        int32_t id;
    };
    std::vector<Name> names_;  // longest first
    std::array<bool, 256> starts_{};
};

}  // namespace bpe

class Tokenizer {
   public:
    // 256 single bytes, id = byte value, no merges, no special tokens.
    static Tokenizer bytes();

    // FILE is a .tiktoken (pattern needed), a tokenizer.json, a directory with one, vocab.bpe beside encoder.json,
    // merges.txt beside vocab.json, llm.c's tokenizer .bin, or the word "bytes". A pattern overrides the one that the
    // file names.
    static Tokenizer load(const std::string& path, const std::string& pattern = "");

    // Learn merges from documents. `next` writes the next document into its argument and returns false when there is
    // none. Ids: 256 bytes by value, the merges, then the special tokens; vocab_size counts all of them. The result
    // depends on the documents (not on their order), vocab_size, pattern and special tokens alone.
    static Tokenizer train(const std::function<bool(std::string&)>& next, int32_t vocab_size,
                           const std::string& pattern, int threads = 1,
                           const std::vector<std::string>& special = {kEndOfText});
    static Tokenizer train(const std::vector<std::string>& texts, int32_t vocab_size, const std::string& pattern,
                           int threads = 1, const std::vector<std::string>& special = {kEndOfText});
    // From pieces that are counted already (special tokens taken out of the text).
    static Tokenizer train(const bpe::PieceCounts& pieces, int32_t vocab_size, const std::string& pattern,
                           const std::vector<std::string>& special = {kEndOfText}, TrainStats* stats = nullptr);

    // What a file or the trainer knows. tokens[id] = its bytes, "" where an id has none. Merges that no text can reach
    // are dropped; `whole_pieces` are tokens that a piece equal to them becomes at once, even if no merges lead to
    // them.
    struct Parts {
        std::vector<std::string> tokens;
        std::vector<Merge> merges;
        std::map<std::string, int32_t, std::less<>> special;
        std::string pattern;
        bool whole_pieces = false;
        int32_t unknown_id = -1;  // stands for bytes that the vocabulary lacks
        std::string origin;       // for messages: the file
    };
    static Tokenizer build(Parts parts);
    // The merges of a vocabulary that only says which byte strings are tokens and in which order they are preferred
    // (their ids): .tiktoken files and llm.c's.
    static std::vector<Merge> merges_from_ranks(const std::vector<std::string>& tokens);

    // Ordinary text: special tokens in it are not seen.
    void encode_append(std::vector<int32_t>& out, std::string_view text) const {
        encode_until(out, text, text.data() + text.size());
    }
    std::vector<int32_t> encode(std::string_view text, SpecialPolicy policy = SpecialPolicy::text) const;
    // Of the special tokens in the text, those in `allowed` become ids; the others are ordinary text.
    std::vector<int32_t> encode(std::string_view text, const std::vector<std::string>& allowed) const;
    // One piece, not split further.
    void encode_piece_append(std::vector<int32_t>& out, std::string_view piece) const;

    std::string decode(const std::vector<int32_t>& ids) const;
    // The bytes of one token ("" at a hole); a special token's are its name.
    std::string_view token_bytes(int32_t id) const {
        if (id < 0 || id >= vocab_size())
            throw Error(cat("token id ", id, " is beyond the vocabulary of ", vocab_size(), " ids"));
        return std::string_view(pool_).substr(begin_[size_t(id)], begin_[size_t(id) + 1] - begin_[size_t(id)]);
    }

    int32_t vocab_size() const { return int32_t(begin_.size()) - 1; }  // the largest id + 1, special tokens included
    int32_t end_of_text() const { return special_id(kEndOfText); }
    int32_t special_id(std::string_view name) const {
        const auto it = special_.find(name);
        return it == special_.end() ? -1 : it->second;
    }
    bool is_special(int32_t id) const {
        return std::any_of(special_.begin(), special_.end(), [&](auto& s) { return s.second == id; });
    }
    // Appended after the last id; the id it has if it is there already.
    int32_t add_special(const std::string& name);

    const std::map<std::string, int32_t, std::less<>>& special() const { return special_; }
    const std::vector<Merge>& merges() const { return merges_; }  // in rank order
    const std::string& pattern() const { return pattern_; }       // none | gpt2 | cl100k | llama3 | o200k
    int32_t byte_id(unsigned char byte) const { return byte_id_[byte]; }
    // A number for "the same ids for every text": tokens, merges, pattern and special tokens, whatever file they came
    // from.
    uint64_t hash() const { return hash_; }

    // Hugging Face's tokenizer.json; with tokenizer_config.json in a directory for AutoTokenizer; OpenAI's .tiktoken.
    void save_json(const std::string& path) const;
    void save_directory(const std::string& path) const;
    void save_tiktoken(const std::string& path) const;

    // How a piece becomes tokens, step by step.
    struct Step {
        Merge merge;
        uint32_t rank;
        std::vector<int32_t> symbols;  // after it
    };
    std::vector<Step> explain(std::string_view piece, std::vector<int32_t>* first_symbols = nullptr) const;

   private:
    bpe::SpecialFinder special_finder() const {
        bpe::SpecialFinder finder;
        for (const auto& [name, id] : special_) finder.add(name, id);
        return finder;
    }
    std::vector<int32_t> encode_with(std::string_view text, const bpe::SpecialFinder& special) const;
    // `readable_end` >= the end of the text: bytes up to there exist.
    void encode_until(std::vector<int32_t>& out, std::string_view text, const char* readable_end) const;
    std::vector<Merge> reachable_merges(std::vector<bool>& made, const std::string& origin) const;
    // Some token is only had as a whole piece: no merges lead to it.
    bool needs_whole_pieces() const;
    void rehash();

    std::string pool_;                     // the bytes of all tokens, one after the other
    std::vector<uint32_t> begin_ = {0};    // token id is pool_[begin_[id], begin_[id + 1])
    std::vector<Merge> merges_;
    std::vector<bool> whole_;              // by id: a piece that equals the token is the token
    std::array<int32_t, 256> byte_id_{};
    std::map<std::string, int32_t, std::less<>> special_;
    std::string pattern_ = "none";
    Split split_ = Split::none;
    bool has_all_pieces_ = false;          // Parts::whole_pieces
    bpe::PairTable pairs_;
    bpe::PieceTable pieces_;
    uint64_t hash_ = 0;

    friend struct TokenizerFiles;
};

// ---- building

inline Tokenizer Tokenizer::bytes() {
    Parts parts;
    for (int b = 0; b < 256; b++) parts.tokens.push_back(std::string(1, char(b)));
    parts.pattern = "none";
    return build(std::move(parts));
}

inline Tokenizer Tokenizer::build(Parts parts) {
    Tokenizer t;
    t.pattern_ = parts.pattern;
    t.split_ = parse_split(parts.pattern);
    t.has_all_pieces_ = parts.whole_pieces;
    auto& tokens = parts.tokens;
    for (const auto& [name, id] : parts.special) {
        if (name.empty()) throw Error(cat(parts.origin, ": special token ", id, " has an empty name"));
        if (size_t(id) >= tokens.size()) tokens.resize(size_t(id) + 1);
        if (!tokens[size_t(id)].empty() && tokens[size_t(id)] != name)
            throw Error(cat(parts.origin, ": id ", id, " is both a token and the special token ", name));
        tokens[size_t(id)] = name;
    }
    if (tokens.size() > size_t(bpe::kMaxIds))
        throw Error(cat(parts.origin, ": ", tokens.size(), " ids, at most ", bpe::kMaxIds, " are possible"));
    t.byte_id_.fill(parts.unknown_id);
    std::vector<bool> is_special(tokens.size());
    for (const auto& s : parts.special) is_special[size_t(s.second)] = true;
    uint64_t total = 0;
    for (const auto& token : tokens) total += token.size();
    if (total > ~0u)
        throw Error(cat(parts.origin, ": the tokens have ", total, " bytes together, at most ", ~0u, " are possible"));
    t.begin_.reserve(tokens.size() + 1);
    for (size_t id = 0; id < tokens.size(); id++) {
        t.pool_ += tokens[id];
        t.begin_.push_back(uint32_t(t.pool_.size()));
        if (tokens[id].size() == 1 && !is_special[id])
            t.byte_id_[static_cast<unsigned char>(tokens[id][0])] = int32_t(id);
    }
    for (int b = 0; b < 256; b++)
        if (t.byte_id_[size_t(b)] < 0)
            throw Error(cat(parts.origin, ": no token for the single byte ", b, ", no unknown token to stand for it"),
                        "a byte-level vocabulary has all 256 bytes");
    t.special_ = std::move(parts.special);
    t.merges_ = std::move(parts.merges);
    t.pairs_ = bpe::PairTable(t.merges_);
    std::vector<bool> made(tokens.size());
    t.merges_ = t.reachable_merges(made, parts.origin);
    t.pairs_ = bpe::PairTable(t.merges_);
    t.whole_.assign(tokens.size(), false);
    for (size_t id = 0; id < tokens.size(); id++)
        t.whole_[id] = !is_special[id] && !tokens[id].empty() && (made[id] || parts.whole_pieces);
    t.pieces_ = bpe::PieceTable(size_t(std::count(t.whole_.begin(), t.whole_.end(), true)));
    for (size_t id = 0; id < tokens.size(); id++)
        if (t.whole_[id]) t.pieces_.insert(t.token_bytes(int32_t(id)), int32_t(id), t.begin_[id]);
    t.rehash();
    return t;
}

// Why one merge per token is enough. Let a token T arise somewhere in a piece. No merge crossed T's ends before, and
// the lowest rank of the whole piece, where it lies inside of T, is the lowest inside of T: so the merges inside are
// those that T's own bytes undergo when encoded alone, and the last of them is always the same pair. All other pairs
// that spell T never merge. made[id]: the bytes of the token, encoded alone, become the token.
inline std::vector<Merge> Tokenizer::reachable_merges(std::vector<bool>& made, const std::string& origin) const {
    std::vector<bool> used(merges_.size());
    std::vector<int32_t> symbols;
    for (const auto& m : merges_) {
        const auto size = [&](int32_t id) { return id < 0 || id >= vocab_size() ? 0 : token_bytes(id).size(); };
        if (!size(m.left) || !size(m.right) || size(m.id) != size(m.left) + size(m.right))
            throw Error(cat(origin, ": the merge of ids ", m.left, " and ", m.right, " does not spell token ", m.id));
    }
    for (int32_t id = 0; id < vocab_size(); id++) {
        const std::string_view token = token_bytes(id);
        if (token.size() == 1) made[size_t(id)] = byte_id_[static_cast<unsigned char>(token[0])] == id;
        if (token.size() < 2) continue;
        symbols.clear();
        for (const char c : token) symbols.push_back(byte_id_[static_cast<unsigned char>(c)]);
        uint32_t last = bpe::kNoRank;
        const size_t left = bpe::merge_symbols(symbols.data(), symbols.size(), pairs_,
                                               [&](uint32_t rank, int32_t, int32_t) { last = rank; });
        made[size_t(id)] = left == 1 && symbols[0] == id;
        if (made[size_t(id)]) used[last] = true;
    }
    std::vector<Merge> kept;
    for (size_t rank = 0; rank < merges_.size(); rank++)
        if (used[rank]) kept.push_back(merges_[rank]);
    return kept;
}

// Here any two symbols merge whose bytes together are a token, and the token's id is the rank; by the same argument one
// pair per token is enough, the last of those that its own bytes undergo.
inline std::vector<Merge> Tokenizer::merges_from_ranks(const std::vector<std::string>& tokens) {
    struct Spelling {
        const std::vector<std::string>& tokens;
        std::string pool;
        bpe::PieceTable table;
        mutable std::string both;  // scratch
        explicit Spelling(const std::vector<std::string>& t) : tokens(t), table(t.size()) {
            for (size_t id = 0; id < t.size(); id++) {
                if (t[id].empty()) continue;
                table.insert(t[id], int32_t(id), pool.size());
                pool += t[id];
            }
        }
        bpe::PairTable::Found find(int32_t left, int32_t right) const {
            both.assign(tokens[size_t(left)]).append(tokens[size_t(right)]);
            const int32_t id = table.find(both, both.size(), pool);
            return {uint32_t(id), id};  // -1 is kNoRank
        }
    };
    const Spelling spelling(tokens);
    std::vector<int32_t> byte_id(256, -1);
    for (size_t id = 0; id < tokens.size(); id++)
        if (tokens[id].size() == 1) byte_id[static_cast<unsigned char>(tokens[id][0])] = int32_t(id);
    std::vector<Merge> merges;
    std::vector<int32_t> symbols;
    for (size_t id = 0; id < tokens.size(); id++) {
        if (tokens[id].size() < 2) continue;
        symbols.clear();
        for (const char c : tokens[id]) symbols.push_back(byte_id[static_cast<unsigned char>(c)]);
        if (std::count(symbols.begin(), symbols.end(), -1)) continue;
        Merge last{};
        const size_t left =
            bpe::merge_symbols(symbols.data(), symbols.size(), spelling,
                               [&](uint32_t rank, int32_t l, int32_t r) { last = {l, r, int32_t(rank)}; });
        if (left == 1) merges.push_back(last);
    }
    return merges;
}

inline int32_t Tokenizer::add_special(const std::string& name) {
    if (const int32_t id = special_id(name); id >= 0) return id;
    if (name.empty()) throw Error("a special token with an empty name was asked for");
    if (vocab_size() >= bpe::kMaxIds)
        throw Error(cat("special token ", name, ": the vocabulary is full at ", bpe::kMaxIds, " ids"));
    const int32_t id = vocab_size();
    pool_ += name;
    begin_.push_back(uint32_t(pool_.size()));
    whole_.push_back(false);
    special_.emplace(name, id);
    rehash();
    return id;
}

inline bool Tokenizer::needs_whole_pieces() const {
    std::vector<bool> made(whole_.size());
    for (const Merge& m : merges_) made[size_t(m.id)] = true;
    for (size_t id = 0; id < whole_.size(); id++)
        if (whole_[id] && !made[id] && begin_[id + 1] - begin_[id] > 1) return true;
    return false;
}

inline void Tokenizer::rehash() {
    uint64_t h = bpe::hash_bytes(pattern_);
    auto mix = [&](uint64_t x) { h = splitmix64(h ^ x); };
    for (int32_t id = 0; id < vocab_size(); id++) {
        mix(bpe::hash_bytes(token_bytes(id)));
        mix(whole_[size_t(id)]);
    }
    for (const int32_t id : byte_id_) mix(uint64_t(id));
    for (const Merge& m : merges_) mix(uint64_t(uint32_t(m.left)) << 32 | uint32_t(m.right)), mix(uint64_t(m.id));
    for (const auto& [name, id] : special_) mix(bpe::hash_bytes(name)), mix(uint64_t(id));
    hash_ = h;
}

// ---- encoding

inline void Tokenizer::encode_piece_append(std::vector<int32_t>& out, std::string_view piece) const {
    const size_t first = out.size();
    out.resize(first + piece.size());
    int32_t* symbols = out.data() + first;  // merged where they will stay
    for (size_t i = 0; i < piece.size(); i++) symbols[i] = byte_id_[static_cast<unsigned char>(piece[i])];
    out.resize(first + bpe::merge_symbols(symbols, piece.size(), pairs_, [](uint32_t, int32_t, int32_t) {}));
}

inline void Tokenizer::encode_until(std::vector<int32_t>& out, std::string_view text, const char* readable_end) const {
    if (merges_.empty() && !has_all_pieces_) {
        for (const char c : text) out.push_back(byte_id_[static_cast<unsigned char>(c)]);
        return;
    }
    const Splitter splitter(split_);
    const char *p = text.data(), *end = p + text.size();
    while (p < end) {
        const char* next = splitter.piece_end(p, end);
        const std::string_view piece(p, size_t(next - p));
        const int32_t id = piece.size() == 1 ? byte_id_[static_cast<unsigned char>(*p)]
                                             : pieces_.find(piece, size_t(readable_end - p), pool_);
        if (id >= 0) out.push_back(id);
        else encode_piece_append(out, piece);
        p = next;
    }
}

inline std::vector<int32_t> Tokenizer::encode_with(std::string_view text, const bpe::SpecialFinder& special) const {
    std::vector<int32_t> out;
    out.reserve(text.size() / 4 + 8);
    size_t from = 0;
    const char* end = text.data() + text.size();
    while (const auto found = special.find(text, from)) {
        encode_until(out, text.substr(from, found->at - from), end);
        out.push_back(found->id);
        from = found->at + found->name.size();
    }
    encode_until(out, text.substr(from), end);
    return out;
}

inline std::vector<int32_t> Tokenizer::encode(std::string_view text, SpecialPolicy policy) const {
    if (policy == SpecialPolicy::all) return encode_with(text, special_finder());
    if (policy == SpecialPolicy::error)
        if (const auto found = special_finder().find(text, 0))
            throw Error(cat("special token ", found->name, " stands in the text at byte ", found->at),
                        "encode it as ordinary text (--special text) or allow it (--special all)");
    return encode_with(text, bpe::SpecialFinder());
}

inline std::vector<int32_t> Tokenizer::encode(std::string_view text, const std::vector<std::string>& allowed) const {
    bpe::SpecialFinder finder;
    for (const std::string& name : allowed) {
        if (special_id(name) < 0) throw Error(cat("\"", name, "\" is no special token of this vocabulary"));
        finder.add(name, special_id(name));
    }
    return encode_with(text, finder);
}

inline std::vector<Tokenizer::Step> Tokenizer::explain(std::string_view piece,
                                                       std::vector<int32_t>* first_symbols) const {
    std::vector<int32_t> symbols;
    for (const char c : piece) symbols.push_back(byte_id_[static_cast<unsigned char>(c)]);
    if (first_symbols) *first_symbols = symbols;
    std::vector<Step> steps;
    while (true) {  // for a person to read: as short as possible, not fast
        bpe::PairTable::Found best{bpe::kNoRank, -1};
        size_t at = 0;
        for (size_t i = 0; i + 1 < symbols.size(); i++)
            if (const auto found = pairs_.find(symbols[i], symbols[i + 1]); found.rank < best.rank)
                best = found, at = i;
        if (best.rank == bpe::kNoRank) return steps;
        const Merge merge{symbols[at], symbols[at + 1], best.id};
        symbols[at] = best.id;
        symbols.erase(symbols.begin() + int64_t(at) + 1);
        steps.push_back({merge, best.rank, symbols});
    }
}

// ---- decoding

inline std::string Tokenizer::decode(const std::vector<int32_t>& ids) const {
    std::string text;
    for (size_t i = 0; i < ids.size(); i++) {
        if (ids[i] < 0 || ids[i] >= vocab_size())
            throw Error(cat("token id ", ids[i], " (number ", i, ") is beyond the vocabulary of ", vocab_size(),
                            " ids"));
        const std::string_view token = token_bytes(ids[i]);
        if (token.empty())
            throw Error(cat("token id ", ids[i], " (number ", i, ") has no token: a hole in the vocabulary"));
        text += token;
    }
    return text;
}

#include "tokenizer_files.hpp"
#include "tokenizer_train.hpp"
