// dev/test/test_tokenizer_fuzz.hpp -- random texts against the independent slow encoder of tokenizer_oracles.hpp.
//
// A text is words, runs, any code points, broken UTF-8 and special tokens in any mixture. The fast encoder must give the
// ids of the published regular expression with textbook merging, by one thread, by several, and through a stream that is
// cut wherever it may be cut. `make test` tries 20,000 texts; TRAIN_GPT_FUZZ_TEXTS=1000000 build/suite_tokenizer fuzz
// tries a million (the nightly form), and TRAIN_GPT_FUZZ_SEED begins elsewhere.
#pragma once

#include <cstdlib>

#include "tokenizer_oracles.hpp"

namespace test_tokenizer {

inline int64_t from_environment(const char* name, int64_t otherwise) {
    const char* value = std::getenv(name);
    return value && *value ? std::atoll(value) : otherwise;
}

// The oracle with special tokens: at each byte the longest name that stands there, else ordinary text.
inline Ids textbook_encode_special(const Tokenizer& tokenizer, const Ranks& rank, std::string_view text) {
    Ids ids;
    std::string ordinary;
    const auto flush = [&] {
        const Ids own = textbook_encode(rank, tokenizer.pattern(), ordinary);
        ids.insert(ids.end(), own.begin(), own.end());
        ordinary.clear();
    };
    for (size_t at = 0; at < text.size();) {
        std::string longest;
        for (const auto& [name, id] : tokenizer.special())
            if (text.substr(at).starts_with(name) && name.size() > longest.size()) longest = name;
        if (longest.empty()) {
            ordinary += text[at++];
            continue;
        }
        flush();
        ids.push_back(tokenizer.special_id(longest));
        at += longest.size();
    }
    flush();
    return ids;
}

// The text through tokenizer_encode_stream, read in bites of a random size.
inline std::string streamed(const Tokenizer& tokenizer, std::string_view text, const char* special, Rng& rng) {
    TokenizerEncodeConfig c;
    c.special = special, c.threads = 1;
    std::string out;
    const auto read = [&](char* buffer, size_t bytes) {
        const size_t n = std::min({bytes, text.size(), size_t(1 + rng.below(40))});
        std::memcpy(buffer, text.data(), n);
        text.remove_prefix(n);
        return n;
    };
    tokenizer_encode_stream(tokenizer, c, read, [&](std::string_view ids) { out += ids; }, 1 + rng.below(64));
    return out;
}

inline const std::vector<Tokenizer>& fuzz_vocabularies() {
    static std::vector<Tokenizer> all;
    if (!all.empty()) return all;
    const std::vector<std::string> special = {kEndOfText, "<|endof", "<|a b|>", "|>"};
    for (const char* pattern : {"gpt2", "cl100k", "o200k", "llama3", "nanochat", "none"})
        all.push_back(Tokenizer::train({english()}, 900, pattern, 1, special));
    if (!shared_data().empty())
        for (const auto& name : golden_names()) all.push_back(*official(name));
    return all;
}

inline void differential_fuzz(Report& t) {
    const int64_t texts = from_environment("TRAIN_GPT_FUZZ_TEXTS", 20000), seed = from_environment("TRAIN_GPT_FUZZ_SEED", 1);
    const std::vector<Tokenizer>& tokenizers = fuzz_vocabularies();
    std::vector<Ranks> ranks;
    for (const Tokenizer& tokenizer : tokenizers) ranks.push_back(ranks_of(tokenizer));
    int64_t wrong = 0, wrong_special = 0, not_back = 0, wrong_stream = 0, with_special = 0;
    for (int64_t n = 0; n < texts; n++) {
        Rng rng = Rng::stream(uint64_t(seed), n);
        const Tokenizer& tokenizer = tokenizers[size_t(n) % tokenizers.size()];
        const Ranks& rank = ranks[size_t(n) % ranks.size()];
        const std::string text = random_text(rng);
        const Ids ours = tokenizer.encode(text), want = textbook_encode(rank, tokenizer.pattern(), text);
        if (ours != want && wrong++ == 0)
            t.check(false, cat("text ", n, " (", tokenizer.pattern(), ", ", tokenizer.vocab_size(), " ids): ", shown(text), " became ", shown(ours),
                               ", expected ", shown(want)));
        not_back += tokenizer.decode(ours) != text;
        const Ids all = tokenizer.encode(text, SpecialPolicy::all);
        with_special += all != ours;
        wrong_special += all != textbook_encode_special(tokenizer, rank, text);
        if (n % 4 == 0) wrong_stream += streamed(tokenizer, text, "text", rng) != ids_text(ours);
        if (n % 4 == 1) wrong_stream += streamed(tokenizer, text, "all", rng) != ids_text(all);
    }
    t.check(wrong == 0, cat(texts, " random texts have the slow encoder's ids; others: ", wrong));
    t.check(wrong_special == 0 && with_special * 50 > texts, cat("also with special tokens, which ", with_special, " have; others: ", wrong_special));
    t.check(not_back == 0, "and come back byte for byte");
    t.check(wrong_stream == 0, cat("a stream in small bites has the same ids; others: ", wrong_stream));
    // negative controls: the same comparison must see another pattern and another order of merges
    int64_t seen = 0;
    for (int64_t n = 0; n < 200; n++) {
        const std::string text = english().substr(size_t(n) * 200, 200);
        seen += tokenizers[2].encode(text) != textbook_encode(ranks[2], "gpt2", text);
    }
    t.check(seen > 20, cat("control: another pattern is seen in ", seen, " of 200 texts"));
    Ranks spoiled = ranks[0];
    std::swap(spoiled[" t"], spoiled["th"]);
    seen = 0;
    for (int64_t n = 0; n < 2000; n++) {
        Rng rng = Rng::stream(8, n);
        const std::string text = random_text(rng);
        seen += tokenizers[0].encode(text) != textbook_encode(spoiled, "gpt2", text);
    }
    t.check(seen > 20, cat("control: two ranks exchanged are seen in ", seen, " of 2,000 texts"));
}

// Pieces of up to 16 bytes are remembered, by one thread for several tokenizers in turn.
inline void cached_pieces(Report& t) {
    const std::vector<Tokenizer>& tokenizers = fuzz_vocabularies();
    Rng rng(5);
    std::vector<std::string> words;
    for (int i = 0; i < 4000; i++) words.push_back(random_letters(rng, 1 + rng.below(20), "abcdehilnorst"));
    int64_t wrong = 0;
    for (int round = 0; round < 3; round++)
        for (const auto& word : words)
            for (const size_t k : {size_t(0), size_t(1), size_t(3)}) {
                Ids piece;
                tokenizers[k].encode_piece_append(piece, word);     // never cached
                const Ids ours = tokenizers[k].encode(word);
                wrong += ours != piece && !(ours.size() == 1 && tokenizers[k].token_bytes(ours[0]) == word);
            }
    t.check(wrong == 0, cat("36,000 words by three tokenizers in turn; wrong: ", wrong));
    const std::string zeros(3, '\0'), longer(4, '\0');
    t.check(tokenizers[0].encode(zeros).size() == 3 && tokenizers[0].encode(longer).size() == 4 && tokenizers[0].encode(zeros).size() == 3,
            "pieces that differ in their number of NULs only are not taken for each other");
}

inline void parallel_encoding(Report& t) {
    Rng rng(6);
    std::string text;
    const std::string words = english();
    while (text.size() < 1200000) text += rng.below(30) == 0 ? random_text(rng) : words.substr(rng.below(50000), rng.below(9000));
    const std::string no_cut(600000, 'x');
    for (const Tokenizer& tokenizer : fuzz_vocabularies()) {
        if (tokenizer.pattern() == "none") continue;
        for (const SpecialPolicy policy : {SpecialPolicy::text, SpecialPolicy::all}) {
            const Ids one = tokenizer.encode(text, policy);
            t.check(tokenizer.encode_parallel(text, 3, policy) == one, cat(tokenizer.pattern(), ": 3 threads give the same ids"));
        }
    }
    const Tokenizer& tokenizer = trained();
    t.check(tokenizer.encode_parallel(no_cut, 4) == tokenizer.encode(no_cut), "a text without a place to cut");
    t.check_error([&] { tokenizer.encode_parallel(std::string(600000, ' ') + kEndOfText, 3, SpecialPolicy::error); }, "at byte 600000",
                  "policy error, by several threads");
    TokenizerEncodeConfig c;
    c.special = "error", c.threads = 1;
    std::string rest;
    for (int i = 0; i < 1000; i++) rest += " word";
    rest += kEndOfText;
    std::string_view left = rest;
    const auto read = [&](char* buffer, size_t bytes) {
        const size_t n = std::min(bytes, left.size());
        std::memcpy(buffer, left.data(), n);
        left.remove_prefix(n);
        return n;
    };
    t.check_error([&] { tokenizer_encode_stream(tokenizer, c, read, [](std::string_view) {}, 256); }, "at byte 5000",
                  "policy error in a stream names the byte of the whole input");
}

// The hand-written splitter against the published patterns, on strings that are made to hit their corners.
inline void split_against_patterns(Report& t) {
    static const char* units[] = {"a", "B", "zZ", " ", "  ", "\n", "\r", "\t", "'", "'s", "'S", "'\xC5\xBF", "'ll", "'Re", "1", "23", "\xC2\xBD",
                                  "/", "!", ".", "\xC3\xA9", "\xC3\x89", "\xC7\x85", "\xCA\xB0", "\xE4\xB8\xAD", "\xCC\x81", "\xE0\xA4\x83",
                                  "\xC2\xA0", "\xC2\x85", "\xE3\x80\x80", "\xE2\x80\x8B", "\x1C", "\xFF", "\xE4\xB8", "\xF0\x9F\x98\x80",
                                  "\xF0\x9D\x92\x9C", "abcdefghijklmnopq", "ABCDEFGHIJKLMNOPQ", "Abcdefghijklmno"};
    for (const auto& [name, pattern] : regex_oracle::published()) {
        regex_oracle::Regex regex(pattern);
        const Split split = parse_split(name.substr(0, name.find(' ')));
        int64_t wrong = 0, pieces = 0;
        for (int64_t n = 0; n < 6000; n++) {
            Rng rng = Rng::stream(11, n);
            std::string text;
            for (uint64_t k = rng.below(14); k > 0; k--) text += units[rng.below(std::size(units))];
            std::vector<size_t> ours;
            for_each_piece(split, text, [&](std::string_view p) { ours.push_back(p.size()); });
            pieces += int64_t(ours.size());
            if (ours != regex.pieces(text) && wrong++ == 0) t.check(false, cat(name, " cuts ", shown(text), " otherwise"));
        }
        t.check(wrong == 0 && pieces > 20000, cat(name, ": ", pieces, " pieces as the pattern says; texts that differ: ", wrong));
    }
    regex_oracle::Regex cl100k(regex_oracle::published().at("cl100k"));
    t.check(cl100k.pieces("I'LL  go\n 1234") == (std::vector<size_t>{1, 3, 1, 3, 1, 1, 3, 1}), "the oracle itself, by hand");
}

inline Suite fuzz_tests() {
    return {{"tokenizer: every pattern cuts as its published text says", split_against_patterns},
            {"tokenizer: fuzz: random texts have the ids of a slow independent encoder", differential_fuzz},
            {"tokenizer: remembered pieces are the right ones", cached_pieces},
            {"tokenizer: several threads in one text, and a stream, change no id", parallel_encoding}};
}

}  // namespace test_tokenizer
