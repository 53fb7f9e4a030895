// dev/test/tokenizer_oracles.hpp -- what the tokenizer is judged by: textbook BPE, random texts, tiktoken's golden ids.
//
// The trainer counts everything anew before each merge, the encoder looks up byte strings, and both cut text by the
// published regular expressions (regex_oracle.hpp). Neither shares code with what it judges. Golden data and the official vocabularies are in the shared data folder; where it is absent, tests skip.
#pragma once

#include <ctime>

#include "../../tokenizer_commands.hpp"
#include "regex_oracle.hpp"
#include "test.hpp"

namespace test_tokenizer {

using Ids = std::vector<int32_t>;

inline std::string shown(const Ids& ids) {
    std::string s = ids_text(ids);
    s.pop_back();
    return s.size() > 200 ? s.substr(0, 200) + " ..." : s;
}
inline std::string shown(std::string_view text) {
    return json_text(nlohmann::json(to_valid_utf8(text.substr(0, 80))));
}

// ---- oracles

// f(piece) for each piece that the published pattern cuts.
template <typename F>
void for_each_oracle_piece(const std::string& pattern, std::string_view text, F&& f) {
    if (pattern == "none") return text.empty() ? void() : f(text);
    static std::map<std::string, regex_oracle::Regex> compiled;
    auto it = compiled.find(pattern);
    if (it == compiled.end()) it = compiled.emplace(pattern, regex_oracle::Regex(regex_oracle::published().at(pattern))).first;
    for (const size_t bytes : it->second.pieces(text)) f(text.substr(0, bytes)), text.remove_prefix(bytes);
}
using Ranks = std::unordered_map<std::string, int32_t>;
// BPE as in a textbook: parts are byte strings, the adjacent two whose concatenation has the lowest rank are joined.
inline Ids textbook_piece(const Ranks& rank, std::string_view piece) {
    if (const auto whole = rank.find(std::string(piece)); whole != rank.end()) return {whole->second};
    std::vector<std::string> parts;
    for (const char c : piece) parts.emplace_back(1, c);
    while (true) {
        int32_t best = INT32_MAX;
        size_t at = 0;
        for (size_t i = 0; i + 1 < parts.size(); i++)
            if (const auto it = rank.find(parts[i] + parts[i + 1]); it != rank.end() && it->second < best)
                best = it->second, at = i;
        if (best == INT32_MAX) break;
        parts[at] += parts[at + 1];
        parts.erase(parts.begin() + int64_t(at) + 1);
    }
    Ids ids;
    for (const auto& p : parts) ids.push_back(rank.at(p));
    return ids;
}
inline Ranks ranks_of(const Tokenizer& t) {
    Ranks rank;
    for (int32_t id = 0; id < t.vocab_size(); id++)
        if (!t.is_special(id) && !t.token_bytes(id).empty()) rank[std::string(t.token_bytes(id))] = id;
    return rank;
}
inline Ids textbook_encode(const Ranks& rank, const std::string& pattern,
                           std::string_view text) {
    Ids ids;
    for_each_oracle_piece(pattern, text, [&](std::string_view piece) {
        const Ids of_piece = textbook_piece(rank, piece);
        ids.insert(ids.end(), of_piece.begin(), of_piece.end());
    });
    return ids;
}
// Training as in a textbook: before each merge all pairs are counted anew.
inline std::vector<Merge> textbook_train(const std::vector<std::string>& texts, size_t num_merges,
                                         const std::string& pattern, bool larger_pair_wins = false) {
    std::map<std::string, int64_t> pieces;
    for (const auto& text : texts)
        for_each_oracle_piece(pattern, text, [&](std::string_view p) { pieces[std::string(p)]++; });
    std::vector<std::pair<Ids, int64_t>> words;
    for (const auto& [piece, count] : pieces) {
        Ids ids;
        for (const char c : piece) ids.push_back(static_cast<unsigned char>(c));
        words.emplace_back(ids, count);
    }
    std::vector<Merge> merges;
    while (merges.size() < num_merges) {
        std::map<std::pair<int32_t, int32_t>, int64_t> counts;
        for (const auto& [ids, count] : words)
            for (size_t i = 0; i + 1 < ids.size(); i++) counts[{ids[i], ids[i + 1]}] += count;
        int64_t most = 0;
        std::pair<int32_t, int32_t> best;
        for (const auto& [pair, count] : counts)
            if (count > most || (larger_pair_wins && count == most)) most = count, best = pair;
        if (most == 0) break;
        const int32_t id = 256 + int32_t(merges.size());
        merges.push_back({best.first, best.second, id});
        for (auto& [ids, count] : words) {
            Ids merged;
            for (size_t i = 0; i < ids.size(); i++)
                if (i + 1 < ids.size() && ids[i] == best.first && ids[i + 1] == best.second) merged.push_back(id), i++;
                else merged.push_back(ids[i]);
            ids = merged;
        }
    }
    return merges;
}

// ---- material

inline std::string english() {
    const std::string data = shared_data();
    if (!data.empty()) return read_file(data + "/text/tinyshakespeare.txt").substr(0, 60000);
    static const char* words[] = {"the", "ship", "sailed", "over", "water", "and", "nobody's", "dog", "barked", "at",
                                  "1984", "moons", "while", "it", "rained;", "they'll", "sing", "again.", "Over",
                                  "there,", "THE"};
    // and 800 words of our own making, the first ones often: enough pairs for any vocabulary that the tests train
    static const char* syllables[] = {"ba", "con", "de", "er", "fin", "ga", "hol", "in", "ka", "lo", "men", "nor", "op", "pre", "qui", "ro", "st", "ton", "ur", "vi"};
    Rng rng(5);
    std::vector<std::string> made(800);
    for (std::string& word : made)
        for (uint64_t n = 1 + rng.below(4); n > 0; n--) word += syllables[rng.below(std::size(syllables))];
    std::string text;
    while (text.size() < 60000) {
        text += rng.below(3) == 0 ? std::string(words[rng.below(std::size(words))]) : made[rng.below(1 + rng.below(made.size()))];
        text += rng.below(12) ? " " : "\n\n";
    }
    return text;
}
inline std::string random_letters(Rng& rng, size_t length, std::string_view letters) {
    std::string s;
    while (s.size() < length) s += letters[rng.below(letters.size())];
    return s;
}
// Text of all sorts: words, runs, any code point, broken UTF-8, special tokens.
inline std::string random_text(Rng& rng) {
    static const char* bits[] = {" ", "  ", "\n", "\r\n", "'s", "'LL", "don't", "12345", "½", "中文", "é", "e\xCC\x81",
                                 "😀", "\xC2\xA0", "\xE3\x80\x80", "<|endoftext|>", "<|endoftext", "--", "\x01x",
                                 "\xFF", "\xED\xA0\x80", "\xC0\xAF",
                                 "\xF4\x90\x80\x80", "\xE4\xB8", "\xF0\x9F", "the ", " and", "Over", "ABC", "///"};
    std::string s;
    for (uint64_t n = rng.below(8); n > 0; n--) {
        switch (rng.below(8)) {
            case 0: s += std::string(1 + rng.below(150), "a \nA0-"[rng.below(6)]); break;
            case 1: append_utf8(s, uint32_t(rng.below(0x110000))); break;
            case 2: s += char(rng.below(256)); break;
            case 3: s += random_letters(rng, rng.below(12), "abcdehilnorst "); break;
            default: s += bits[rng.below(std::size(bits))];
        }
    }
    return s;
}

inline const Tokenizer* official(const std::string& name) {
    static std::map<std::string, Tokenizer> loaded;
    if (shared_data().empty()) return nullptr;
    if (!loaded.count(name)) {
        const std::string file = name == "gpt2" ? "r50k_base" : name + "_base";
        loaded.emplace(name, Tokenizer::load(shared_data() + "/tokenizers/" + file + ".tiktoken", name));
    }
    return &loaded.at(name);
}
inline const Tokenizer& trained() {
    static const Tokenizer t = Tokenizer::train({english()}, 1500, "gpt2");
    return t;
}
inline const std::vector<std::string>& golden_names() {
    static const std::vector<std::string> names = {"gpt2", "cl100k", "o200k"};
    return names;
}
inline std::string column_of(const std::string& name) { return name == "gpt2" ? "r50k_base" : name + "_base"; }
inline std::string from_hex(const std::string& hex) {
    std::string s;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) s += char(std::stoi(hex.substr(i, 2), nullptr, 16));
    return s;
}
inline bool skip_without_data(Report& t) {
    if (!shared_data().empty()) return false;
    t.skip("golden ids", "the shared data folder is absent (TRAIN_GPT_SHARED_DATA names it)");
    return true;
}
inline std::vector<nlohmann::json> golden_lines(const std::string& file) {
    std::vector<nlohmann::json> rows;
    const std::string path = shared_data() + "/golden/" + file, text = read_file(path);
    TokenizerFiles::for_each_line(text, path, [&](std::string_view line, const auto& where) {
        if (!line.empty()) rows.push_back(parse_json(line, where));
    });
    return rows;
}

}  // namespace test_tokenizer
