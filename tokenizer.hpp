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

#include <atomic>
#include <map>

#include "bpe.hpp"
#include "pretokenizer.hpp"

// What special tokens that stand inside of text mean: ordinary text, an error, or their ids.
enum class SpecialPolicy { text, error, all };

inline constexpr char kEndOfText[] = "<|endoftext|>";

// What training saw and did.
struct TrainStats {
    int64_t bytes = 0, pieces = 0, different_pieces = 0;  // of the text
    int64_t tokens = 0;                                   // that the text has in the end
    double count_s = 0, merge_s = 0;
};

namespace bpe {
class PieceCounts;                               // tokenizer_train.hpp
}

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
    // uint16_t: for shards, the caller knows that vocab_size() is at most 65,536.
    void encode_append(std::vector<int32_t>& out, std::string_view text) const {
        encode_until(out, text, text.data() + text.size());
    }
    void encode_append(std::vector<uint16_t>& out, std::string_view text) const {
        encode_until(out, text, text.data() + text.size());
    }
    void encode_append(std::vector<uint32_t>& out, std::string_view text) const {
        encode_until(out, text, text.data() + text.size());
    }
    std::vector<int32_t> encode(std::string_view text, SpecialPolicy policy = SpecialPolicy::text) const;
    // Of the special tokens in the text, those in `allowed` become ids; the others are ordinary text.
    std::vector<int32_t> encode(std::string_view text, const std::vector<std::string>& allowed) const;
    // The same ids by several threads: the text is cut where a cut changes nothing, and the parts are encoded at once.
    std::vector<int32_t> encode_parallel(std::string_view text, int threads, SpecialPolicy policy = SpecialPolicy::text) const;
    // Throws an Error if a special token stands in the text; it names the byte, counted from `offset` on.
    void refuse_special(std::string_view text, size_t offset = 0) const;
    // May the text be cut at byte 0 < i < size, so that the ids of both sides are the ids of the whole?
    bool may_cut(std::string_view text, size_t i, SpecialPolicy policy = SpecialPolicy::text) const;
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
    std::string hash_text() const { return strprintf("%016llx", (unsigned long long)hash_); }     // as index.json has it

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
    template <typename Id>
    void encode_until(std::vector<Id>& out, std::string_view text, const char* readable_end) const;
    template <typename Id>
    void append_merged(std::vector<Id>& out, const bpe::Piece& piece, bpe::PieceCache& cache) const;
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
    uint32_t serial_ = 0;                  // another one for each vocabulary that was built in this process: owns cache entries

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
    static std::atomic<uint32_t> built{0};
    t.serial_ = ++built;
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
    if (parts.merges.size() >= bpe::PairTable::kMaxMerges)
        throw Error(cat(parts.origin, ": ", parts.merges.size(), " merges, at most ", bpe::PairTable::kMaxMerges - 1, " are possible"));
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
        uint32_t find(int32_t left, int32_t right) const {
            both.assign(tokens[size_t(left)]).append(tokens[size_t(right)]);
            return uint32_t(table.find(bpe::Piece(both.data(), both.size(), both.size()), pool));  // -1 is kNoRank
        }
        int32_t id(uint32_t rank) const { return int32_t(rank); }
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

// A piece that is no token itself: from the cache, or merged and put there.
template <typename Id>
void Tokenizer::append_merged(std::vector<Id>& out, const bpe::Piece& piece, bpe::PieceCache& cache) const {
    using Cache = bpe::PieceCache;
    if (piece.bytes > Cache::kPieceBytes) {
        std::vector<int32_t> symbols;
        encode_piece_append(symbols, piece.text());
        out.insert(out.end(), symbols.begin(), symbols.end());
        return;
    }
    const auto [entry, known] = cache.find(piece, serial_);
    if (known) {
        out.insert(out.end(), entry.ids, entry.ids + entry.count);
        return;
    }
    int32_t symbols[Cache::kPieceBytes];
    for (size_t i = 0; i < piece.bytes; i++) symbols[i] = byte_id_[static_cast<unsigned char>(piece.begin[i])];
    const size_t n = bpe::merge_by_scan(symbols, piece.bytes, pairs_, [](uint32_t, int32_t, int32_t) {});
    out.insert(out.end(), symbols, symbols + n);
    Cache::store(entry, piece, serial_, symbols, n);
}

template <typename Id>
void Tokenizer::encode_until(std::vector<Id>& out, std::string_view text, const char* readable_end) const {
    if (merges_.empty() && !has_all_pieces_) {
        for (const char c : text) out.push_back(Id(byte_id_[static_cast<unsigned char>(c)]));
        return;
    }
    bpe::PieceCache& cache = bpe::PieceCache::of_this_thread();
    const auto use = [&](const bpe::Piece& piece) {
        const int32_t id = pieces_.find(piece, pool_);
        if (id >= 0) out.push_back(Id(id));
        else append_merged(out, piece, cache);
    };
    bpe::for_each_piece_ahead(Splitter(split_), text, readable_end, [&](const bpe::Piece& p) { pieces_.prefetch(p); }, use);
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
    if (policy == SpecialPolicy::error) refuse_special(text);
    return encode_with(text, bpe::SpecialFinder());
}

inline void Tokenizer::refuse_special(std::string_view text, size_t offset) const {
    if (const auto found = special_finder().find(text, 0))
        throw Error(cat("special token ", found->name, " stands in the text at byte ", offset + found->at),
                    "encode it as ordinary text (--special text) or allow it (--special all)");
}

inline std::vector<int32_t> Tokenizer::encode(std::string_view text, const std::vector<std::string>& allowed) const {
    bpe::SpecialFinder finder;
    for (const std::string& name : allowed) {
        if (special_id(name) < 0) throw Error(cat("\"", name, "\" is no special token of this vocabulary"));
        finder.add(name, special_id(name));
    }
    return encode_with(text, finder);
}

inline bool Tokenizer::may_cut(std::string_view text, size_t i, SpecialPolicy policy) const {
    if (policy != SpecialPolicy::text && special_finder().crosses(text, i)) return false;
    return split_ == Split::none ? merges_.empty() && !has_all_pieces_ : is_safe_cut(text, i);
}

inline std::vector<int32_t> Tokenizer::encode_parallel(std::string_view text, int threads, SpecialPolicy policy) const {
    constexpr size_t kPartBytes = size_t(1) << 18;
    if (threads <= 1 || text.size() < 2 * kPartBytes || split_ == Split::none) return encode(text, policy);
    if (policy == SpecialPolicy::error) refuse_special(text);
    struct Part {
        std::string_view text;
        int32_t special;                 // the id that follows it, or -1
        std::vector<int32_t> ids;
    };
    std::vector<Part> parts;
    const bpe::SpecialFinder finder = policy == SpecialPolicy::all ? special_finder() : bpe::SpecialFinder();
    for (size_t from = 0; from < text.size();) {
        const auto found = finder.find(text, from);
        std::string_view segment = text.substr(from, found ? found->at - from : text.npos);
        while (segment.size() > kPartBytes) {
            const size_t cut = safe_cut(segment, kPartBytes);
            parts.push_back({segment.substr(0, cut), -1, {}});
            segment.remove_prefix(cut);
        }
        parts.push_back({segment, found ? found->id : -1, {}});
        from = found ? found->at + found->name.size() : text.size();
    }
    bpe::for_each_parallel(parts.size(), threads, [&](size_t i) {
        parts[i].ids.reserve(parts[i].text.size() / 4 + 8);
        encode_until(parts[i].ids, parts[i].text, text.data() + text.size());
        if (parts[i].special >= 0) parts[i].ids.push_back(parts[i].special);
    });
    std::vector<size_t> begin = {0};
    for (const Part& part : parts) begin.push_back(begin.back() + part.ids.size());
    std::vector<int32_t> all(begin.back());
    bpe::for_each_parallel(parts.size(), threads, [&](size_t i) {
        std::copy(parts[i].ids.begin(), parts[i].ids.end(), all.begin() + int64_t(begin[i]));
    });
    return all;
}

inline std::vector<Tokenizer::Step> Tokenizer::explain(std::string_view piece,
                                                       std::vector<int32_t>* first_symbols) const {
    std::vector<int32_t> symbols;
    for (const char c : piece) symbols.push_back(byte_id_[static_cast<unsigned char>(c)]);
    if (first_symbols) *first_symbols = symbols;
    std::vector<Step> steps;
    while (true) {  // for a person to read: as short as possible, not fast
        uint32_t best = bpe::kNoRank;
        size_t at = 0;
        for (size_t i = 0; i + 1 < symbols.size(); i++)
            if (const uint32_t rank = pairs_.find(symbols[i], symbols[i + 1]); rank < best) best = rank, at = i;
        if (best == bpe::kNoRank) return steps;
        const Merge merge{symbols[at], symbols[at + 1], pairs_.id(best)};
        symbols[at] = merge.id;
        symbols.erase(symbols.begin() + int64_t(at) + 1);
        steps.push_back({merge, best, symbols});
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
