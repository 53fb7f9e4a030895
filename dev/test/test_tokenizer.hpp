// dev/test/test_tokenizer.hpp -- the tokenizer against tiktoken's ids, Python's regex and textbook BPE.
//
// Oracles: golden ids printed by tiktoken (where the shared data folder is present), piece lengths by Python's `regex`
// (dev/ref/fixtures/tokenizer_splits.json), a trainer that counts everything anew before each merge, and an encoder that
// looks up byte strings. None of them shares code with what they judge.
#pragma once

#include <ctime>
#include <fstream>

#include "../../tokenizer_commands.hpp"
#include "test.hpp"

namespace test_tokenizer {

using Ids = std::vector<int32_t>;

inline std::string shown(const Ids& ids) {
    std::string s = ids_text(ids);
    s.pop_back();
    return s.size() > 200 ? s.substr(0, 200) + " ..." : s;
}
inline std::string quoted(std::string_view text) {
    return nlohmann::json(to_valid_utf8(text.substr(0, 80))).dump();
}

// ---- oracles

// BPE as in a textbook: parts are byte strings, the adjacent two whose concatenation has the lowest rank are joined.
inline Ids textbook_piece(const std::map<std::string, int32_t>& rank, std::string_view piece) {
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
inline std::map<std::string, int32_t> ranks_of(const Tokenizer& t) {
    std::map<std::string, int32_t> rank;
    for (int32_t id = 0; id < t.vocab_size(); id++)
        if (!t.is_special(id) && !t.token_bytes(id).empty()) rank[std::string(t.token_bytes(id))] = id;
    return rank;
}
inline Ids textbook_encode(const std::map<std::string, int32_t>& rank, const std::string& pattern, std::string_view text) {
    Ids ids;
    for_each_piece(parse_split(pattern), text, [&](std::string_view piece) {
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
        for_each_piece(parse_split(pattern), text, [&](std::string_view p) { pieces[std::string(p)]++; });
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
    static const char* words[] = {"the", "ship", "sailed", "over", "water", "and", "nobody's", "dog", "barked", "at", "1984",
                                  "moons", "while", "it", "rained;", "they'll", "sing", "again.", "Over", "there,", "THE"};
    Rng rng(5);
    std::string text;
    while (text.size() < 60000) {
        text += words[rng.below(std::size(words))];
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
    static const char* bits[] = {" ", "  ", "\n", "\r\n", "'s", "'LL", "don't", "12345", "½", "中文", "é", "e\xCC\x81", "😀", "\xC2\xA0",
                                 "\xE3\x80\x80", "<|endoftext|>", "<|endoftext", "--", "\0x", "\xFF", "\xED\xA0\x80", "\xC0\xAF",
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
    TokenizerFiles::for_each_line(text, path, [&](std::string_view line, const std::string& where) {
        if (!line.empty()) rows.push_back(parse_json(line, where));
    });
    return rows;
}

// ---- characters and pieces

inline void unicode_table(Report& t) {
    std::string classes(0x110000, '\0');
    const size_t runs = std::size(unicode::kRuns);
    for (size_t i = 0; i < runs; i++)
        for (uint32_t c = unicode::kRuns[i] >> 4; c < (i + 1 < runs ? unicode::kRuns[i + 1] >> 4 : 0x110000); c++)
            classes[c] = char(unicode::kRuns[i] & 15);
    // by unicodedata.category of Python 3.12 and the 25 code points of White_Space
    t.check(std::string(unicode::kVersion) == "15.0.0", "the version is 15.0.0");
    t.check(crc32(classes.data(), classes.size()) == 0x2463ec78u, "every code point has the class that Python gives it");
    classes[0x378] = char(unicode::Class::Lo);
    t.check(crc32(classes.data(), classes.size()) != 0x2463ec78u, "control: one unassigned code point made a letter is seen");
    int letters = 0, spaces = 0, consistent = 0;
    for (int c = 0; c < 0x110000; c++) {
        const uint8_t b = char_bits()[c];
        letters += (b & kLetter) != 0, spaces += (b & kSpace) != 0;
        consistent += __builtin_popcount(b & 15u) == 1;
    }
    t.check(letters == 1831 + 2233 + 31 + 397 + 131612 && spaces == 25 && consistent == 0x110000,
            "each code point is exactly one of letter, number, space and other");
}

inline void split_fixture(Report& t) {
    const std::string path = "dev/ref/fixtures/tokenizer_splits.json";
    const auto fixture = parse_json(read_file(path), path);
    std::vector<std::string> alphabet;
    for (const uint32_t code : fixture["alphabet"]) append_utf8(alphabet.emplace_back(), code);
    const auto string = [&](uint64_t seed) {  // as in dev/ref/tokenizer_splits.py
        Rng rng(seed);
        std::vector<std::string> few(1 + rng.below(12));
        for (auto& s : few) s = alphabet[rng.below(alphabet.size())];
        std::string text;
        for (uint64_t n = rng.below(31); n > 0; n--) text += few[rng.below(few.size())];
        return text;
    };
    const size_t strings = fixture["strings"], block = fixture["block"];
    std::map<std::string, std::vector<uint32_t>> ours;
    for (const char* name : {"gpt2", "cl100k", "llama3", "o200k"}) {
        for (size_t first = 0; first < strings; first += block) {
            std::string lengths;
            for (uint64_t seed = first; seed < first + block; seed++) {
                std::string line;
                for_each_piece(parse_split(name), string(seed), [&](std::string_view piece) {
                    line.append(line.empty() ? "" : " ").append(std::to_string(piece.size()));
                });
                lengths += line + "\n";
            }
            ours[name].push_back(crc32(lengths.data(), lengths.size()));
        }
        const auto want = fixture["crc"][name].get<std::vector<uint32_t>>();
        int wrong = want.size() == ours[name].size() ? 0 : 1000;
        for (size_t i = 0; i < want.size() && !wrong; i++) wrong += want[i] != ours[name][i];
        t.check(wrong == 0, cat(name, ": ", strings, " strings are cut as Python's regex cuts them; blocks that differ: ", wrong));
    }
    int same = 0;
    for (size_t i = 0; i < ours["cl100k"].size(); i++) same += ours["cl100k"][i] == ours["llama3"][i];
    t.check(same < 20, cat("control: cl100k and llama3, which differ at the end of a text only; equal blocks: ", same));
}

inline void split_of_broken_utf8(Report& t) {
    // A broken byte is cut like U+E000, a private character that is neither letter, number nor space.
    Rng rng(1);
    int wrong = 0;
    for (int n = 0; n < 3000; n++) {
        const std::string text = random_text(rng);
        std::string clean;
        std::vector<size_t> original;  // offsets of clean -> of text
        for (const char *p = text.data(), *end = p + text.size(); p < end;) {
            const Utf8Char c = decode_utf8(p, end);
            const std::string as = c.code < 0 ? "\xEE\x80\x80" : std::string(p, size_t(c.bytes));
            for (size_t k = 0; k < as.size(); k++) original.push_back(size_t(p - text.data()));
            clean += as;
            p += c.code < 0 ? 1 : c.bytes;
        }
        original.push_back(text.size());
        for (const char* name : {"gpt2", "cl100k", "llama3", "o200k"}) {
            std::vector<size_t> ours, want;
            for_each_piece(parse_split(name), text, [&](auto piece) { ours.push_back(size_t(piece.data() - text.data())); });
            for_each_piece(parse_split(name), clean, [&](auto piece) { want.push_back(original[size_t(piece.data() - clean.data())]); });
            wrong += ours != want;
        }
    }
    t.check(wrong == 0, cat("broken bytes are single characters of class other; texts cut otherwise: ", wrong));
}

inline void safe_cuts(Report& t) {
    Rng rng(2);
    int cuts = 0, wrong = 0, naive_wrong = 0;
    const auto pieces = [](const char* name, std::string_view text) {
        std::vector<std::string> list;
        for_each_piece(parse_split(name), text, [&](auto piece) { list.emplace_back(piece); });
        return list;
    };
    for (int n = 0; n < 3000; n++) {
        std::string text = random_text(rng) + " x" + random_text(rng);
        for (const char* name : {"gpt2", "cl100k", "llama3", "o200k"}) {
            const auto joined = [&](size_t at) {
                auto left = pieces(name, text.substr(0, at));
                for (auto& p : pieces(name, text.substr(at))) left.push_back(p);
                return left;
            };
            const auto whole = pieces(name, text);
            const size_t at = safe_cut(text, rng.below(text.size()));
            if (at < text.size()) cuts++, wrong += joined(at) != whole;
            naive_wrong += joined(rng.below(text.size())) != whole;
        }
    }
    t.check(cuts > 1000 && wrong == 0, cat("a safe cut changes no piece (", cuts, " cuts, ", wrong, " changed one)"));
    t.check(naive_wrong > 1000, "control: a cut anywhere does");
}

inline void utf8_reading(Report& t) {
    int wrong = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000) continue;
        std::string s;
        append_utf8(s, code);
        const Utf8Char c = decode_utf8(s.data(), s.data() + s.size());
        wrong += c.code != int32_t(code) || c.bytes != int32_t(s.size()) || c.cut;
    }
    t.check(wrong == 0, "every code point is read back from its UTF-8");
    const std::string bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
                               "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE4\xB8\x41"};
    for (const auto& s : bad) t.check(decode_utf8(s.data(), s.data() + s.size()).code == -1, "broken UTF-8 is no character");
    // Python: b"...".decode(errors="replace")
    const std::string r = "\xEF\xBF\xBD";
    t.check(to_valid_utf8("a\xF0\x9F\x98 b\xE4\xB8\xE4\xB8\xAD\xC0\xAF\xED\xA0\x80") ==
                "a" + r + " b" + r + "\xE4\xB8\xAD" + r + r + r + r + r,
            "one U+FFFD per maximal broken part, as in Python");
}

inline void utf8_stream(Report& t) {
    Rng rng(3);
    int lost = 0, early = 0, held_back_valid = 0;
    for (int n = 0; n < 3000; n++) {
        const std::string text = random_text(rng);
        const bool valid = is_valid_utf8(text);
        Utf8Stream stream;
        std::string all;
        for (size_t at = 0; at < text.size();) {
            const size_t length = std::min(1 + rng.below(4), text.size() - at);
            const std::string out = stream.push(text.substr(at, length));
            if (valid && !is_valid_utf8(out)) early++;
            all += out;
            at += length;
            if (text.size() >= at && at - all.size() > 3) held_back_valid++;
        }
        const std::string rest = stream.flush();
        if (valid && !rest.empty()) early++;
        lost += all + rest != text;
    }
    t.check(lost == 0, "all outputs together are the input, also where it is broken UTF-8");
    t.check(early == 0, "valid text comes out in whole characters only");
    t.check(held_back_valid == 0, "never more than 3 bytes are held back");
    Utf8Stream stream;
    t.check(stream.push("\xF0\x9F") == "" && stream.push("\x98") == "" && stream.push("\x80!") == "😀!" && stream.flush() == "",
            "an emoji in three parts appears when it is whole");
}

// ---- golden ids

inline void golden_tokens(Report& t) {
    if (skip_without_data(t)) return;
    const auto rows = golden_lines("golden_tokens.jsonl");
    t.check(rows.size() == 458, "there are 458 golden strings");
    for (const auto& name : golden_names()) {
        int wrong = 0, special = 0, not_back = 0;
        for (const auto& row : rows) {
            const std::string text = from_hex(row["utf8_hex"]), column = column_of(name);
            const Ids ours = official(name)->encode(text);
            if (ours != row[column].get<Ids>() && wrong++ == 0)
                t.check(false, cat(name, " row ", row["id"].dump(), ": ", shown(ours), " for ", row[column].dump()));
            not_back += official(name)->decode(ours) != text;
            if (!row.contains(column + "_special_all")) continue;
            special++;
            const Ids all = official(name)->encode(text, SpecialPolicy::all);
            if (all != row[column + "_special_all"].get<Ids>() && wrong++ == 0)
                t.check(false, cat(name, " row ", row["id"].dump(), " with special tokens: ", shown(all)));
        }
        t.check(wrong == 0 && special == 15, cat(name, ": all golden ids, ", special, " rows with special tokens"));
        t.check(not_back == 0, cat(name, ": decoding gives the golden texts back"));
    }
    int differ = 0;
    for (const auto& row : rows) {
        Ids ids;
        for_each_piece(Split::cl100k, from_hex(row["utf8_hex"]), [&](auto p) { official("gpt2")->encode_append(ids, p); });
        differ += ids != row["r50k_base"].get<Ids>();
    }
    t.check(differ > 20, cat("control: GPT-2's vocabulary on cl100k's pieces misses ", differ, " of the rows"));
}

inline void golden_bytes(Report& t) {
    if (skip_without_data(t)) return;
    std::map<std::string, const Tokenizer*> by_column;
    for (const auto& name : golden_names()) by_column[column_of(name)] = official(name);
    int prefixes = 0, pieces = 0, wrong = 0;
    for (const auto& row : golden_lines("golden_tokens_bytes.jsonl")) {
        const Tokenizer& tokenizer = *by_column.at(row["enc"]);
        const Ids ids = row["ids"];
        if (row["kind"] == "decode_prefix") {
            const std::string bytes = tokenizer.decode(ids);
            prefixes++;
            wrong += bytes != from_hex(row["bytes_hex"]) || to_valid_utf8(bytes) != row["utf8_replace"].get<std::string>() ||
                     is_valid_utf8(bytes) != row["valid_utf8"].get<bool>();
        } else if (row["kind"] == "single_byte_ids") {
            for (int b = 0; b < 256; b++) wrong += tokenizer.byte_id(static_cast<unsigned char>(b)) != ids.at(size_t(b));
        } else {
            Ids ours;
            const std::string piece = from_hex(row["bytes_hex"]);
            tokenizer.encode_piece_append(ours, piece);
            pieces++;
            wrong += ours != ids || tokenizer.decode(ours) != piece;
        }
    }
    t.check(prefixes == 94 && pieces == 84 && wrong == 0, cat("golden bytes: ", wrong, " rows differ"));
}

inline void golden_edges(Report& t) {
    if (skip_without_data(t)) return;
    const std::string path = shared_data() + "/golden/edge_golden.json";
    const auto cases = parse_json(read_file(path), path);
    t.check(cases.size() == 26, cat("26 edge cases, got ", cases.size()));
    for (const auto& [name, row] : cases.items())
        for (const auto& vocabulary : golden_names()) {
            const Ids ours = official(vocabulary)->encode(row["text"].get<std::string>());
            t.check(ours == row[vocabulary].get<Ids>(), cat(vocabulary, ", ", name, ": ", shown(ours)));
        }
}

// ---- encoding

inline void equals_textbook(Report& t, const Tokenizer& tokenizer, const std::string& name, int strings, uint64_t seed) {
    const auto rank = ranks_of(tokenizer);
    Rng rng(seed);
    int wrong = 0, not_back = 0;
    for (int n = 0; n < strings; n++) {
        const std::string text = random_text(rng);
        const Ids ours = tokenizer.encode(text);
        if (ours != textbook_encode(rank, tokenizer.pattern(), text) && wrong++ == 0)
            t.check(false, cat(name, ": ", quoted(text), " became ", shown(ours)));
        not_back += tokenizer.decode(ours) != text;
    }
    t.check(wrong == 0, cat(name, ": ", strings, " random texts have the textbook's ids"));
    t.check(not_back == 0, cat(name, ": and come back byte for byte"));
}
inline void textbook_encoding(Report& t) {
    equals_textbook(t, trained(), "a trained vocabulary", 12000, 10);
    if (skip_without_data(t)) return;
    equals_textbook(t, *official("gpt2"), "gpt2", 5000, 11);
    equals_textbook(t, *official("cl100k"), "cl100k", 1500, 12);
    equals_textbook(t, *official("o200k"), "o200k", 1500, 13);
}
inline void long_pieces(Report& t) {
    // Two letters at random: pieces without a seam, whose merges depend on each other all along.
    Rng rng(20);
    std::vector<std::string> texts;
    for (int i = 0; i < 40; i++) texts.push_back(random_letters(rng, 100, "ab"));
    const Tokenizer tokenizer = Tokenizer::train(texts, 400, "gpt2");
    const auto rank = ranks_of(tokenizer);
    int wrong = 0;
    for (const size_t length : {1, 2, 63, 64, 65, 66, 100, 127, 300, 300, 300, 301}) {
        const std::string text = random_letters(rng, length, "ab");
        wrong += tokenizer.encode(text) != textbook_encode(rank, "gpt2", text);
    }
    for (const size_t length : {64, 65, 200, 257}) {
        const std::string text(length, 'a');
        wrong += tokenizer.encode(text) != textbook_encode(rank, "gpt2", text);
    }
    t.check(wrong == 0, cat("pieces on both sides of the limit between scan and heap; wrong: ", wrong));
    Ids rightmost = tokenizer.encode(std::string(65, 'a'));
    std::reverse(rightmost.begin(), rightmost.end());
    t.check(rightmost != tokenizer.encode(std::string(65, 'a')), "control: the order of the ids of a run tells left from right");
}

inline double thread_cpu_s() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}
inline void linear_time(Report& t) {
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
    const double patience = 20;
#else
    const double patience = 1;
#endif
    const auto time = [&](const Tokenizer& tokenizer, const std::string& unit, size_t length) {
        std::string text;
        while (text.size() < length) text += unit;
        const double start = thread_cpu_s();
        const size_t n = tokenizer.encode(text).size();
        return std::pair{thread_cpu_s() - start, n};
    };
    std::vector<std::pair<std::string, const Tokenizer*>> tokenizers = {{"trained", &trained()}};
    if (!skip_without_data(t))
        for (const auto& name : golden_names()) tokenizers.emplace_back(name, official(name));
    const std::string units[] = {"a", " ", "\n", "^", "0", "'s", "A", "中", "\xCC\x81", " \n", "\r\n \t", "e\xCC\x81", "\xFF", "中A", "\xCC\x81" "A", "/\n"};
    for (const auto& [name, tokenizer] : tokenizers) {
        double slowest = 0, growth = 0;
        for (const auto& unit : units) {
            const double small = time(*tokenizer, unit, 100000).first, large = time(*tokenizer, unit, 400000).first;
            slowest = std::max(slowest, small);
            growth = std::max(growth, large / (small + 0.002 * patience));
        }
        t.check_at_most(slowest, 0.1 * patience, name + ": seconds for 100,000 bytes of runs of all sorts");
        t.check_at_most(growth, 9, name + ": a run four times as long does not take sixteen times as long");
    }
    const double growth = 16;  // what a quadratic loop would measure
    t.check_rejected(growth, 9, "quadratic growth");
}

// ---- training

inline void textbook_training(Report& t) {
    Rng rng(30);
    std::vector<std::string> runs = {std::string(3000, 'a'), std::string(1501, 'a') + "b", std::string(700, ' ') + "x",
                                     "aaabaaabaaaab", "", "\n\n\n\n\n", std::string(257, '\xFF')};
    std::vector<std::string> letters;
    for (int i = 0; i < 60; i++) letters.push_back(random_letters(rng, rng.below(200), "abc "));
    std::vector<std::string> anything;
    for (int i = 0; i < 200; i++) anything.push_back(random_text(rng));
    const struct {
        const char* name;
        std::vector<std::string> texts;
        int merges;
    } cases[] = {{"runs", runs, 60}, {"three letters", letters, 200}, {"anything", anything, 200}, {"English", {english()}, 300}};
    for (const auto& c : cases)
        for (const char* pattern : {"gpt2", "cl100k", "o200k", "none"}) {
            if (c.merges == 300 && std::string(pattern) != "gpt2") continue;
            const auto ours = Tokenizer::train(c.texts, 256 + c.merges, pattern, 1, {});
            const auto want = textbook_train(c.texts, size_t(c.merges), pattern);
            t.check(ours.merges() == want, cat(c.name, ", ", pattern, ": ", want.size(), " merges are the textbook's"));
        }
    t.check(Tokenizer::train(letters, 456, "gpt2", 1, {}).merges() != textbook_train(letters, 200, "gpt2", true),
            "control: ties decided by the larger pair give other merges");
}

inline void training_is_deterministic(Report& t) {
    std::vector<std::string> texts;
    const std::string text = english();
    for (size_t at = 0; at < text.size(); at += 997) texts.push_back(text.substr(at, 997));
    const Tokenizer one = Tokenizer::train(texts, 1000, "cl100k", 1);
    for (const int threads : {2, 3, 8})
        t.check(Tokenizer::train(texts, 1000, "cl100k", threads).hash() == one.hash(), cat(threads, " threads: the same vocabulary"));
    std::reverse(texts.begin(), texts.end());
    t.check(Tokenizer::train(texts, 1000, "cl100k", 2).hash() == one.hash(), "the order of the documents does not matter");
    std::string large;
    while (large.size() < 3000000) large += text;
    t.check(Tokenizer::train({large}, 600, "gpt2", 1).merges() == Tokenizer::train({large}, 600, "gpt2", 3).merges(),
            "one long document in parts by several threads: the same merges");
    t.check(one.vocab_size() == 1000 && one.end_of_text() == 999 && one.token_bytes(65) == "A" && one.byte_id(200) == 200,
            "ids: 256 bytes by value, the merges, then <|endoftext|>; the size counts all");
    texts[3] += " zqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzq zqzqzqzq";
    t.check(Tokenizer::train(texts, 1000, "cl100k", 2).hash() != one.hash(), "control: another text, another vocabulary");
}

inline void training_corners(Report& t) {
    t.check(Tokenizer::train({"abcabc"}, 257, "gpt2").merges().empty(), "257 ids: no merges");
    const Tokenizer small = Tokenizer::train({"ab ab"}, 5000, "gpt2");
    t.check(small.vocab_size() == 256 + 2 + 1 && small.end_of_text() == 258, "a text that is used up gives a smaller vocabulary");
    t.check(Tokenizer::train(std::vector<std::string>{}, 300, "gpt2").vocab_size() == 257, "no text: bytes and <|endoftext|>");
    t.check_error([] { Tokenizer::train({"a"}, 256, "gpt2"); }, "expected 257", "256 ids leave no room for <|endoftext|>");
    t.check_error([] { Tokenizer::train({"a"}, 300, "gpt3"); }, "gpt3", "an unknown pattern");
    // the special token's text is in the corpus a thousand times, with nothing to split it
    const std::vector<std::string> texts(1000, "<|endoftext|>x<|endoftext");
    const Tokenizer tokenizer = Tokenizer::train(texts, 300, "none");
    const Ids ids = tokenizer.encode("<|endoftext|>");
    t.check(ids.size() > 1 && std::count(ids.begin(), ids.end(), tokenizer.end_of_text()) == 0,
            "the text of <|endoftext|> never becomes one token by merging");
    t.check(Tokenizer::train(std::vector<std::string>(9, "<|endoftext|>"), 300, "none", 1, {}).encode("<|endoftext|>").size() == 1,
            "control: without the special token it would");
    const double start = thread_cpu_s();
    Rng rng(31);
    Tokenizer::train({random_letters(rng, 400000, "abcdefgh"), std::string(400000, 'a')}, 1000, "gpt2");
    t.check_at_most(thread_cpu_s() - start, 8, "seconds to learn 743 merges from two words of 400,000 letters");
}

// ---- special tokens

inline void special_tokens(Report& t) {
    Tokenizer tokenizer = Tokenizer::train({english()}, 400, "gpt2", 1, {kEndOfText, "<|end|>", "<|endof"});
    const int32_t eot = tokenizer.end_of_text(), end = tokenizer.special_id("<|end|>"), prefix = tokenizer.special_id("<|endof");
    t.check(eot == 397 && end == 398 && prefix == 399 && tokenizer.special_id("<|other|>") == -1, "ids after the merges, in order");
    const std::string text = "a<|endoftext|>b<|end|><|endofx";
    const Ids plain = tokenizer.encode(text);
    t.check(std::none_of(plain.begin(), plain.end(), [&](int32_t id) { return tokenizer.is_special(id); }) && tokenizer.decode(plain) == text,
            "by default they are ordinary text");
    Ids want = tokenizer.encode("a");
    for (const int32_t id : {eot, tokenizer.encode("b")[0], end, prefix, tokenizer.encode("x")[0]}) want.push_back(id);
    t.check(tokenizer.encode(text, SpecialPolicy::all) == want, "all: their ids, the longest of those that start at one place");
    t.check(tokenizer.decode(want) == text, "and decoded, their names");
    const Ids only_end = tokenizer.encode(text, {"<|end|>"});
    t.check(std::count(only_end.begin(), only_end.end(), end) == 1 && std::count(only_end.begin(), only_end.end(), eot) == 0,
            "an allowed set: the others stay text");
    t.check(tokenizer.encode("a<|endoftext|>", std::vector<std::string>{"<|endof"}) != tokenizer.encode("a<|endoftext|>"),
            "an allowed prefix is taken where the longer name is not allowed");
    t.check(tokenizer.encode(text, std::vector<std::string>{}) == plain, "an empty allowed set: text");
    t.check_error([&] { tokenizer.encode("ab<|end|>", SpecialPolicy::error); }, "<|end|> stands in the text at byte 2", "policy error");
    t.check_error([&] { tokenizer.encode("x", std::vector<std::string>{"nope"}); }, "nope", "an allowed name that is none");
    t.check(tokenizer.encode("ab<|en", SpecialPolicy::error) == tokenizer.encode("ab<|en"), "policy error: other text is encoded");
    const uint64_t before = tokenizer.hash();
    const int32_t user = tokenizer.add_special("<|user|>");
    t.check(user == 400 && tokenizer.vocab_size() == 401 && tokenizer.add_special("<|user|>") == 400, "an added token comes last, once");
    t.check(tokenizer.encode("<|user|>", SpecialPolicy::all) == Ids{400} && tokenizer.hash() != before, "and is known, and hashed");
    Tokenizer copy = tokenizer;
    t.check(copy.encode("a<|user|>", SpecialPolicy::all) == tokenizer.encode("a<|user|>", SpecialPolicy::all) &&
            copy.hash() == tokenizer.hash(), "a copy is the same tokenizer");
}

// ---- decoding, bytes

inline void decoding(Report& t) {
    const Tokenizer bytes = Tokenizer::bytes();
    std::string all;
    for (int b = 0; b < 256; b++) all += char(b);
    const Ids ids = bytes.encode(all);
    bool in_order = ids.size() == 256;
    for (size_t b = 0; b < ids.size(); b++) in_order &= ids[b] == int32_t(b);
    t.check(in_order && bytes.decode(ids) == all && bytes.vocab_size() == 256 && bytes.end_of_text() == -1, "bytes: id = byte value");
    t.check(bytes.encode("").empty() && bytes.decode({}).empty() && trained().encode("").empty(), "nothing is nothing");
    t.check_error([&] { bytes.decode({1, 256}); }, "token id 256 (number 1) is beyond the vocabulary of 256", "id out of range");
    t.check_error([&] { bytes.decode({-1}); }, "token id -1", "a negative id");
    t.check_error([&] { bytes.token_bytes(256); }, "256", "bytes of an id out of range");
    const Ids nul = trained().encode(std::string("a\0b", 3));
    t.check(trained().decode(nul) == std::string("a\0b", 3), "NUL is a byte like any other");
    std::vector<Tokenizer::Step> steps = trained().explain(" the");
    t.check(!steps.empty() && steps.back().symbols == trained().encode(" the"), "explain ends with the tokens");
    if (skip_without_data(t)) return;
    t.check_error([&] { official("cl100k")->decode({100265}); }, "hole", "cl100k's hole at 100265");
    t.check(official("cl100k")->vocab_size() == 100277 && official("o200k")->vocab_size() == 200019 &&
            official("gpt2")->vocab_size() == 50257, "the official sizes");
    t.check(official("cl100k")->end_of_text() == 100257 && official("o200k")->end_of_text() == 199999 &&
            official("gpt2")->end_of_text() == 50256, "the official ends of text");
}

// ---- files

inline void save_and_load(Report& t) {
    const TempDir dir;
    Rng rng(40);
    const auto same_ids = [&](const Tokenizer& a, const Tokenizer& b) {
        for (int n = 0; n < 300; n++) {
            const std::string text = random_text(rng);
            if (a.encode(text, SpecialPolicy::all) != b.encode(text, SpecialPolicy::all)) return false;
        }
        return true;
    };
    for (const char* pattern : {"gpt2", "cl100k", "llama3", "o200k"}) {
        const Tokenizer tokenizer = Tokenizer::train({english()}, 700, pattern);
        tokenizer.save_json(dir / "a.json");
        tokenizer.save_tiktoken(dir / "a.tiktoken");
        tokenizer.save_directory(dir / "model");
        const Tokenizer from[] = {Tokenizer::load(dir / "a.json"), Tokenizer::load(dir / "a.tiktoken", pattern), Tokenizer::load(dir / "model")};
        for (const auto& other : from)
            t.check(other.hash() == tokenizer.hash() && same_ids(tokenizer, other), cat(pattern, ": saved and loaded, the same tokenizer"));
        from[0].save_json(dir / "b.json");
        t.check(read_file(dir / "b.json") == read_file(dir / "a.json"), cat(pattern, ": saved again, the same file"));
        t.check(Tokenizer::load(dir / "a.tiktoken", pattern == std::string("gpt2") ? "cl100k" : "gpt2").hash() != tokenizer.hash(),
                "control: another pattern, another hash");
    }
    Tokenizer with_more = trained();
    with_more.add_special("<|user|>");
    with_more.add_special("日本 \"x\"\n");
    with_more.save_json(dir / "more.json");
    t.check(Tokenizer::load(dir / "more.json").hash() == with_more.hash(), "special tokens of any spelling survive tokenizer.json");
    t.check_error([&] { with_more.save_tiktoken(dir / "more.tiktoken"); }, "special tokens would be lost", "but not .tiktoken, which says so");
    t.check(!fs::exists(dir / "more.tiktoken") && !fs::exists(dir / "more.tiktoken.tmp"), "and leaves no file");
    Tokenizer::bytes().save_directory(dir / "bytes");
    t.check(Tokenizer::load(dir / "bytes").hash() == Tokenizer::bytes().hash(), "the bytes survive tokenizer.json");
    t.check(Tokenizer::load("bytes").hash() == Tokenizer::bytes().hash(), "the word bytes");
}

inline void one_vocabulary_many_files(Report& t) {
    if (skip_without_data(t)) return;
    const TempDir dir;
    const std::string folder = shared_data() + "/tokenizers";
    const Tokenizer& gpt2 = *official("gpt2");
    t.check(Tokenizer::load(folder + "/vocab.bpe").hash() == gpt2.hash(), "vocab.bpe with encoder.json is r50k_base.tiktoken");
    t.check(Tokenizer::load(folder).hash() == gpt2.hash(), "so is their folder");
    // llm.c's file: 256 words of header, then length and bytes of each token, the special one by its name
    std::vector<uint32_t> header(256);
    header[0] = 20240328, header[1] = 2, header[2] = 50257, header[3] = 50256;
    std::string bin(reinterpret_cast<const char*>(header.data()), 1024);
    for (int32_t id = 0; id < 50257; id++) {
        const std::string bytes(gpt2.token_bytes(id));
        bin += char(bytes.size());
        bin += bytes;
    }
    write_file(dir / "gpt2_tokenizer.bin", bin);
    t.check(Tokenizer::load(dir / "gpt2_tokenizer.bin").hash() == gpt2.hash(), "so is llm.c's tokenizer file");
    bin[4] = 1, bin[12] = bin[13] = 0;
    write_file(dir / "gpt2_tokenizer.bin", bin);
    t.check(Tokenizer::load(dir / "gpt2_tokenizer.bin").hash() == gpt2.hash(), "also in its first version");
    gpt2.save_tiktoken(dir / "r50k.tiktoken");
    t.check(read_file(dir / "r50k.tiktoken") == read_file(folder + "/r50k_base.tiktoken"), "saved, it is OpenAI's file byte for byte");
    official("cl100k")->save_json(dir / "cl100k.json");
    t.check(Tokenizer::load(dir / "cl100k.json").hash() == official("cl100k")->hash(), "cl100k with its holes survives tokenizer.json");
    // Hugging Face's conversions list every pair that spells a token: no other ids, so no other hash
    auto json = parse_json(read_file(dir / "cl100k.json"), "cl100k.json");
    auto& merges = json["model"]["merges"];
    nlohmann::json all = nlohmann::json::array();
    for (size_t i = 0; i < merges.size(); i++) {
        const std::string whole = merges[i][0].get<std::string>() + merges[i][1].get<std::string>();
        if (i % 50 == 0)
            for (size_t k = 1; k < whole.size(); k++)
                if (json["model"]["vocab"].contains(to_valid_utf8(whole.substr(0, k))) &&
                    json["model"]["vocab"].contains(to_valid_utf8(whole.substr(k))))
                    all.push_back({to_valid_utf8(whole.substr(0, k)), to_valid_utf8(whole.substr(k))});
        all.push_back(merges[i]);
    }
    t.check(all.size() > merges.size() + 1000, "there are pairs to add");
    merges = all;
    write_file(dir / "more.json", json.dump());
    t.check(Tokenizer::load(dir / "more.json").hash() == official("cl100k")->hash(), "merges that no text reaches change nothing");
}

inline void odd_vocabularies(Report& t) {
    const TempDir dir;
    std::string base;
    for (int b = 0; b < 256; b++) base += cat(TokenizerFiles::to_base64(std::string(1, char(b))), " ", b, "\n");
    const auto line = [](const char* token, int rank) { return cat(TokenizerFiles::to_base64(token), " ", rank, "\n"); };
    // ids with holes, tokens no merge leads to, a token that outranks its parts: tiktoken takes them all
    write_file(dir / "odd.tiktoken", base + line("abc", 300) + line("xy", 290) + line("xyz", 280) + line("aa", 305) + line("aaa", 301) +
                                         line("qrst", 310) + line("qr", 320) + line("st", 330));
    const Tokenizer odd = Tokenizer::load(dir / "odd.tiktoken", "gpt2");
    t.check(odd.vocab_size() == 332 && odd.end_of_text() == 331, "<|endoftext|> comes after the last rank");
    const auto rank = ranks_of(odd);
    Rng rng(50);
    int wrong = 0;
    for (int n = 0; n < 3000; n++) {
        const std::string text = random_letters(rng, 1 + rng.below(n < 2900 ? 12 : 150), "abcxyzqrst ");
        wrong += odd.encode(text) != textbook_encode(rank, "gpt2", text);
    }
    t.check(wrong == 0, cat("an edited vocabulary merges by rank of the bytes; wrong: ", wrong));
    t.check(odd.encode("abc") == Ids{300} && odd.encode("abcd").size() == 4, "a token without merges is had as a whole piece only");
    odd.save_json(dir / "odd.json");
    const Tokenizer again = Tokenizer::load(dir / "odd.json");
    t.check(again.hash() == odd.hash() && again.encode("abc") == Ids{300}, "tokenizer.json keeps that (ignore_merges)");
    t.check_error([&] { odd.decode({299}); }, "hole", "an id that no token has");
    // a small vocabulary without all bytes, as test models have: the unknown token stands for the rest
    write_file(dir / "vocab.json", R"({"l":0,"o":1,"w":2,"lo":3,"<unk>":4,"<|endoftext|>":5,"never":6})");
    write_file(dir / "merges.txt", "#version: 0.2\nl o\n");
    t.check_error([&] { Tokenizer::load(dir.path()); }, "no token for the single byte", "without an unknown token it is refused");
    write_file(dir / "tokenizer_config.json", R"({"unk_token":{"content":"<unk>"},"eos_token":"<|endoftext|>"})");
    const Tokenizer small = Tokenizer::load(dir.path());
    t.check(small.encode("low!") == (Ids{3, 2, 4}) && small.end_of_text() == 5 && !small.is_special(6), "bytes it lacks are unknown");
    small.save_json(dir / "small.json");
    t.check(Tokenizer::load(dir / "small.json").hash() == small.hash(), "which survives tokenizer.json");
}

inline void broken_files(Report& t) {
    const TempDir dir;
    std::string base;
    for (int b = 0; b < 256; b++) base += cat(TokenizerFiles::to_base64(std::string(1, char(b))), " ", b, "\n");
    const auto refused = [&](const char* name, const std::string& content, const char* expected, const char* pattern = "gpt2") {
        write_file(dir / name, content);
        t.check_error([&] { Tokenizer::load(dir / name, pattern); }, expected, cat(name, " with ", quoted(content.substr(content.size() > 60 ? content.size() - 60 : 0))));
    };
    t.check_error([&] { Tokenizer::load(dir / "none.json"); }, "none.json", "a file that is not there");
    t.check_error([&] { Tokenizer::load(dir.path()); }, "no tokenizer in this directory", "an empty directory");
    refused("a.tiktoken", base, "--pattern", "");
    refused("a.tiktoken", base, "gpt9", "gpt9");
    refused("a.tiktoken", "", "empty");
    refused("a.tiktoken", "\n", "no token for the single byte 0");
    refused("a.tiktoken", base.substr(0, base.size() - 12), "line 255: ");
    refused("a.tiktoken", base + "YWI\n", "line 257: expected \"BASE64 RANK\"");
    refused("a.tiktoken", base + "YWI 256\n", "line 257: broken base64");
    refused("a.tiktoken", base + "Y=I= 256\n", "line 257: broken base64");
    refused("a.tiktoken", base + "YWI= \n", "line 257: expected a rank");
    refused("a.tiktoken", base + "YWI= 25x\n", "line 257: expected a rank");
    refused("a.tiktoken", base + "YWI= -1\n", "line 257: id -1");
    refused("a.tiktoken", base + "YWI= 4294967297\n", "line 257: id 4294967297");
    refused("a.tiktoken", base + "YWI= 99999999999999999999\n", "line 257: rank out of range");
    refused("a.tiktoken", base + "YWI= 255\n", "line 257: id 255 is given twice");
    refused("a.tiktoken", base + "YWI= 256\nYWI= 257\n", "ids 256 and 257 are the same bytes");
    refused("a.json", "", "empty");
    refused("a.json", "{", "not valid JSON");
    refused("a.json", "{\"model\": \"\xFF\"}", "not valid JSON (UTF-8) at byte");
    refused("a.json", "[1]", "no \"model\"");
    refused("a.json", R"({"model":{"type":"WordPiece","vocab":{}}})", "WordPiece");
    refused("a.json", R"({"model":{"type":"BPE","vocab":{}}})", "expected BPE with vocab and merges");
    refused("a.json", R"({"model":{"type":"BPE","vocab":[],"merges":[]}})", "expected an object");
    refused("a.json", R"({"model":{"type":"BPE","vocab":{},"merges":[]}})", "no token for the single byte 0");
    trained().save_json(dir / "good.json");
    const auto good = parse_json(read_file(dir / "good.json"), "good.json");
    const auto changed = [&](const char* pointer, nlohmann::json value, const char* expected) {
        auto json = good;
        json[nlohmann::json::json_pointer(pointer)] = std::move(value);
        refused("a.json", json.dump(), expected, "");
    };
    changed("/model/vocab/a", 1 << 30, "id 1073741824");
    changed("/model/vocab/a", 18446744073709551615ull, "token a: id");
    changed("/model/vocab/a", "x", "expected a whole number");
    changed("/model/vocab/a", 98, "id 98 is given twice");
    changed("/model/vocab/日", 5000, "not in the byte-level alphabet");
    changed("/model/merges/3", {"zzz", "a"}, "merge 3: \"zzz\"");
    changed("/model/merges/3", "za", "merge 3: expected two symbols");
    changed("/model/merges/3", 7, "merge 3: expected");
    changed("/normalizer", {{"type", "NFC"}}, "normalizer NFC");
    changed("/pre_tokenizer", {{"type", "Whitespace"}}, "Whitespace");
    changed("/pre_tokenizer/add_prefix_space", true, "add_prefix_space");
    changed("/pre_tokenizer", {{"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", "x+"}}}}, "x+");
    changed("/added_tokens/0/lstrip", true, "lstrip");
    changed("/added_tokens/0/id", 97, "id 97");
    changed("/added_tokens", 1, "no array");
    changed("/model/byte_fallback", true, "byte_fallback");
    changed("/model/end_of_word_suffix", "</w>", "end_of_word_suffix");
    write_file(dir / "vocab.json", good["model"]["vocab"].dump());
    t.check_error([&] { Tokenizer::load(dir / "vocab.json"); }, "merges.txt: missing", "vocab.json without merges.txt");
    write_file(dir / "merges.txt", "#version: 0.2\na b c\n");
    t.check_error([&] { Tokenizer::load(dir / "vocab.json"); }, "merges.txt: line 2: ", "a line of three symbols");
    std::vector<uint32_t> header(256);
    header[0] = 20240328, header[1] = 2, header[2] = 257, header[3] = 256;
    const auto bin = [&](const std::string& rest) { return std::string(reinterpret_cast<const char*>(header.data()), 1024) + rest; };
    std::string tokens;
    for (int b = 0; b < 256; b++) tokens += std::string(1, '\1') + char(b);
    refused("a.bin", "short", "expected a header of 1024");
    refused("a.bin", bin(tokens), "cut short in token 256 of 257 at byte 1536");
    refused("a.bin", bin(tokens + "\5eot"), "cut short in token 256");
    refused("a.bin", bin(tokens + "\3eotx"), "1 bytes after the last token, at byte 1540");
    header[3] = 257;
    refused("a.bin", bin(tokens + "\3eot"), "end of text is id 257");
    header[1] = 3;
    refused("a.bin", bin(tokens + "\3eot"), "version 3");
    header[0] = 1;
    refused("a.bin", bin(tokens + "\3eot"), "magic 1 at byte 0, expected 20240328");
    refused("a.txt", "x", "the name says no tokenizer format");
}

// Cut or change a good file at random: an error or a tokenizer, never a crash.
inline void damaged_files(Report& t) {
    const TempDir dir;
    const Tokenizer tokenizer = Tokenizer::train({english()}, 300, "cl100k");
    tokenizer.save_json(dir / "a.json");
    tokenizer.save_tiktoken(dir / "a.tiktoken");
    Rng rng(60);
    int errors = 0, fine = 0;
    for (const char* name : {"a.json", "a.tiktoken"}) {
        const std::string good = read_file(dir / name);
        for (int n = 0; n < 60; n++) {
            std::string bad = good;
            if (rng.below(2)) bad.resize(rng.below(bad.size()));
            else for (int k = 0; k < 3; k++) bad[rng.below(bad.size())] = char(rng.below(256));
            write_file(dir / (std::string("bad-") + name), bad);
            try {
                const Tokenizer loaded = Tokenizer::load(dir / (std::string("bad-") + name), name[2] == 't' ? "gpt2" : "");
                loaded.decode(loaded.encode("some text \xFF 123"));
                fine++;
            } catch (const Error& e) {
                errors += std::string(e.what()).find('\n') == std::string::npos;
            }
        }
    }
    t.check(errors + fine == 120 && errors > 60, cat("120 damaged files: ", errors, " errors of one line, ", fine, " loaded"));
}

inline void surrogates(Report& t) {
    const auto text = [](const char* json) { return parse_json(json, "test").get<std::string>(); };
    const std::string r = "\xEF\xBF\xBD";
    t.check(text(R"("a\ud83db")") == "a" + r + "b" && text(R"("\udc00")") == r && text(R"("\ud83d\ud83d\ude00")") == r + "😀",
            "half a surrogate pair is U+FFFD, a whole one its character");
    t.check(text(R"("\\ud83d")") == "\\ud83d" && text(R"("\\\ud83d")") == "\\" + r && text(R"("\ud83d\\")") == r + "\\",
            "an escaped backslash before it makes it text");
    t.check_error([&] { text("\"a\\"); }, "test: not valid JSON (UTF-8) at byte", "JSON that ends in an escape");
}

// ---- commands

inline void commands(Report& t) {
    const Tokenizer& tokenizer = trained();
    const std::string text = "Over there,\n\xFF the <|endoftext|>";
    const std::string ids = tokenizer_encode(tokenizer, {}, text);
    t.check(ids == ids_text(tokenizer.encode(text)) && tokenizer_decode(tokenizer, {}, ids) == text, "encode and decode are inverse");
    TokenizerEncodeConfig lines;
    lines.lines = true, lines.special = "all";
    const std::string two = tokenizer_encode(tokenizer, lines, "\"Over there\"\n\"\\ud83d<|endoftext|>\"\n\"\"\n");
    t.check(two == ids_text(tokenizer.encode("Over there")) + ids_text(tokenizer.encode("\xEF\xBF\xBD<|endoftext|>", SpecialPolicy::all)) + "\n",
            "--lines: a line of ids per JSON string");
    TokenizerDecodeConfig decode_lines;
    decode_lines.lines = true;
    t.check(tokenizer_decode(tokenizer, decode_lines, two) == "\"Over there\"\n\"\xEF\xBF\xBD<|endoftext|>\"\n\"\"\n", "and back");
    t.check(tokenizer_decode(tokenizer, decode_lines, "255 34\n") == "\"\xEF\xBF\xBD\\\"\"\n", "bytes that are not UTF-8 become U+FFFD there");
    t.check_error([&] { tokenizer_encode(tokenizer, lines, "\"a\"\n7\n"); }, "standard input: line 2: expected a JSON string", "a line that is no string");
    lines.special = "error";
    t.check_error([&] { tokenizer_encode(tokenizer, lines, "\"<|endoftext|>\""); }, "line 1: special token", "--special error names the line");
    lines.special = "some";
    t.check_error([&] { tokenizer_encode(tokenizer, lines, ""); }, "--special some", "an unknown policy");
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 2 x3"); }, "\"x3\" at byte 4", "a word that is no id");
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 99999999999"); }, "99999999999", "an id too large");
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 5000"); }, "5000 (number 1)", "an id beyond the vocabulary");
    TokenizerEncodeConfig none;
    t.check_error([&] { run_tokenizer_encode(none); }, "--tokenizer is missing", "no --tokenizer");
}

inline void train_command(Report& t) {
    const TempDir dir;
    make_directories(dir / "in/deep");
    write_file(dir / "in/a.txt", "one fish two fish\n");
    write_file(dir / "in/deep/b.jsonl", "{\"text\":\"red fish \\ud83d\"}\n\n{\"text\":\"<|endoftext|>blue fish\"}\n");
    TokenizerTrainConfig c;
    c.input = {dir / "in"}, c.vocab_size = 275, c.threads = 2;
    TrainStats stats;
    const Tokenizer tokenizer = tokenizer_train(c, stats);
    const Tokenizer want = Tokenizer::train({"one fish two fish\n", "red fish \xEF\xBF\xBD", "blue fish"}, 275, "gpt2");
    t.check(tokenizer.hash() == want.hash(), "text files, JSONL and folders are the texts that they hold");
    int64_t tokens = 0;
    for (const char* text : {"one fish two fish\n", "red fish \xEF\xBF\xBD", "blue fish"}) tokens += int64_t(want.encode(text).size());
    t.check(stats.tokens == tokens && stats.bytes == 18 + 12 + 9, cat("the printed number of tokens is what encoding gives: ", stats.tokens));
    const auto refused = [&](const char* expected, std::function<void(TokenizerTrainConfig&)> change) {
        TokenizerTrainConfig bad = c;
        bad.out = dir / "out.json";
        change(bad);
        t.check_error([&] { run_tokenizer_train(bad); }, expected, cat("train refuses: ", expected));
        t.check(!fs::exists(dir / "out.json"), "and writes nothing");
    };
    refused("--input is missing", [](auto& b) { b.input.clear(); });
    refused("--out is missing", [](auto& b) { b.out.clear(); });
    refused("ends in .json or .tiktoken", [&](auto& b) { b.out = dir / "out.model"; });
    refused("--vocab-size 256", [](auto& b) { b.vocab_size = 256; });
    refused("does not exist", [&](auto& b) { b.out = dir / "nowhere/out.json"; });
    write_file(dir / "in/c.jsonl", "{\"text\":\"fine\"}\n{\"txt\":1}\n");
    refused("c.jsonl: line 2: ", [](auto&) {});
    refused("missing.txt", [&](auto& b) { b.input = {dir / "missing.txt"}; });
}

inline void show_command(Report& t) {
    const Tokenizer& tokenizer = trained();
    const Ids ids = tokenizer.encode("the <b> & \"é\"\n\x01\xFF the");
    const std::string plain = show_terminal(tokenizer, ids, false, 100);
    t.check(plain.find("\x1b") == std::string::npos && plain.find("·") != std::string::npos && plain.find("|") != std::string::npos && plain.find("\\xFF") != std::string::npos,
            "without colour: bars between tokens, spaces and broken bytes visible");
    for (const int32_t id : ids) t.check(plain.find(std::to_string(id)) != std::string::npos, cat("id ", id, " is shown"));
    bool fits = true, aligned = true;
    const std::string narrow = show_terminal(tokenizer, tokenizer.encode(english().substr(0, 2000)), false, 60);
    std::vector<std::string> rows;
    TokenizerFiles::for_each_line(narrow, "", [&](std::string_view row, const std::string&) { rows.emplace_back(row); });
    for (size_t i = 0; i + 1 < rows.size(); i += 2) {
        const auto columns = [](const std::string& s) {
            return std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
        };
        fits &= columns(rows[i]) <= 61;
        aligned &= columns(rows[i]) == columns(rows[i + 1]);
    }
    t.check(fits && aligned && rows.size() > 20, "rows fit the terminal, ids stand beneath their tokens");
    const std::string html = show_html(tokenizer, ids, "a<b");
    t.check(html.find("&lt;") != std::string::npos && html.find("<b> &") == std::string::npos && html.find("a&lt;b") != std::string::npos &&
            html.find("&amp;") != std::string::npos && is_valid_utf8(html) && html.find("http") == std::string::npos,
            "the page is escaped, valid UTF-8, and asks nothing of the network");
    const std::string explained = explain_word(tokenizer, "the");
    const auto steps = tokenizer.explain("the");
    t.check(size_t(std::count(explained.begin(), explained.end(), '\n')) == steps.size() + 3 &&
            explained.find("rank " + std::to_string(steps[0].rank)) != std::string::npos,
            "explain: a line for the piece, the start, each merge with its rank, the tokens");
}

}  // namespace test_tokenizer

inline Suite tokenizer_tests() {
    using namespace test_tokenizer;
    return {{"tokenizer: the Unicode classes are those of version 15.0, for every code point", unicode_table},
            {"tokenizer: text is split exactly as the published patterns split it", split_fixture},
            {"tokenizer: bytes that are not UTF-8 are characters of their own", split_of_broken_utf8},
            {"tokenizer: a safe cut changes no piece", safe_cuts},
            {"tokenizer: UTF-8 is read strictly and replaced as Python does", utf8_reading},
            {"tokenizer: streamed text never breaks a character and loses no byte", utf8_stream},
            {"tokenizer: all golden token ids of gpt2, cl100k and o200k", golden_tokens},
            {"tokenizer: golden single bytes, partial characters and broken bytes", golden_bytes},
            {"tokenizer: golden edge cases", golden_edges},
            {"tokenizer: encoding equals textbook BPE on random texts, and decoding undoes it", textbook_encoding},
            {"tokenizer: long pieces merge like short ones", long_pieces},
            {"tokenizer: encoding takes time linear in the text", linear_time},
            {"tokenizer: training equals the textbook", textbook_training},
            {"tokenizer: training does not depend on threads or the order of documents", training_is_deterministic},
            {"tokenizer: training corners: no text, little text, special tokens in the text, endless words", training_corners},
            {"tokenizer: text becomes special tokens only where it is allowed", special_tokens},
            {"tokenizer: decoding refuses ids that are none", decoding},
            {"tokenizer: saved and loaded it is the same tokenizer", save_and_load},
            {"tokenizer: one vocabulary has one hash, whatever file it comes from", one_vocabulary_many_files},
            {"tokenizer: odd vocabularies: holes, unreachable tokens, missing bytes", odd_vocabularies},
            {"tokenizer: broken files are refused with the place and the reason", broken_files},
            {"tokenizer: damaged files never crash it", damaged_files},
            {"tokenizer: half surrogate pairs in JSON become U+FFFD", surrogates},
            {"tokenizer: the encode and decode commands", commands},
            {"tokenizer: the train command", train_command},
            {"tokenizer: the show command", show_command}};
}
