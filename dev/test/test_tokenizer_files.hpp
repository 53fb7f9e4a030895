// dev/test/test_tokenizer_files.hpp -- vocabularies on disk and the commands: part of the suite in test_tokenizer.hpp.
#pragma once

#include "tokenizer_oracles.hpp"

namespace test_tokenizer {

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
        const Tokenizer from[] = {Tokenizer::load(dir / "a.json"), Tokenizer::load(dir / "a.tiktoken", pattern),
                                  Tokenizer::load(dir / "model")};
        for (const auto& other : from)
            t.check(other.hash() == tokenizer.hash() && same_ids(tokenizer, other),
                    cat(pattern, ": saved and loaded, the same tokenizer"));
        from[0].save_json(dir / "b.json");
        t.check(read_file(dir / "b.json") == read_file(dir / "a.json"), cat(pattern, ": saved again, the same file"));
        t.check(Tokenizer::load(dir / "a.tiktoken",
                                pattern == std::string("gpt2") ? "cl100k" : "gpt2").hash() != tokenizer.hash(),
                "control: another pattern, another hash");
    }
    Tokenizer with_more = trained();
    with_more.add_special("<|user|>");
    with_more.add_special("日本 \"x\"\n");
    with_more.save_json(dir / "more.json");
    t.check(Tokenizer::load(dir / "more.json").hash() == with_more.hash(),
            "special tokens of any spelling survive tokenizer.json");
    t.check_error([&] { with_more.save_tiktoken(dir / "more.tiktoken"); }, "special tokens would be lost",
                  "but not .tiktoken, which says so");
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
    t.check(Tokenizer::load(folder + "/vocab.bpe").hash() == gpt2.hash(),
            "vocab.bpe with encoder.json is r50k_base.tiktoken");
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
    t.check(read_file(dir / "r50k.tiktoken") == read_file(folder + "/r50k_base.tiktoken"),
            "saved, it is OpenAI's file byte for byte");
    official("cl100k")->save_json(dir / "cl100k.json");
    t.check(Tokenizer::load(dir / "cl100k.json").hash() == official("cl100k")->hash(),
            "cl100k with its holes survives tokenizer.json");
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
    write_file(dir / "more.json", json_text(json));
    t.check(Tokenizer::load(dir / "more.json").hash() == official("cl100k")->hash(),
            "merges that no text reaches change nothing");
}

inline void odd_vocabularies(Report& t) {
    const TempDir dir;
    std::string base;
    for (int b = 0; b < 256; b++) base += cat(TokenizerFiles::to_base64(std::string(1, char(b))), " ", b, "\n");
    const auto line = [](const char* token,
                         int rank) { return cat(TokenizerFiles::to_base64(token), " ", rank, "\n"); };
    // ids with holes, tokens no merge leads to, a token that outranks its parts: tiktoken takes them all
    write_file(dir / "odd.tiktoken",
               base + line("abc", 300) + line("xy", 290) + line("xyz", 280) + line("aa", 305) + line("aaa", 301) +
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
    t.check(odd.encode("abc") == Ids{300} && odd.encode("abcd").size() == 4,
            "a token without merges is had as a whole piece only");
    odd.save_json(dir / "odd.json");
    const Tokenizer again = Tokenizer::load(dir / "odd.json");
    t.check(again.hash() == odd.hash() && again.encode("abc") == Ids{300}, "tokenizer.json keeps that (ignore_merges)");
    t.check_error([&] { odd.decode({299}); }, "hole", "an id that no token has");
    // a small vocabulary without all bytes, as test models have: the unknown token stands for the rest
    write_file(dir / "vocab.json", R"({"l":0,"o":1,"w":2,"lo":3,"<unk>":4,"<|endoftext|>":5,"never":6})");
    write_file(dir / "merges.txt", "#version: 0.2\nl o\n");
    t.check_error([&] { Tokenizer::load(dir.path()); }, "no token for the single byte",
                  "without an unknown token it is refused");
    write_file(dir / "tokenizer_config.json", R"({"unk_token":{"content":"<unk>"},"eos_token":"<|endoftext|>"})");
    const Tokenizer small = Tokenizer::load(dir.path());
    t.check(small.encode("low!") == (Ids{3, 2, 4}) && small.end_of_text() == 5 && !small.is_special(6),
            "bytes it lacks are unknown");
    small.save_json(dir / "small.json");
    t.check(Tokenizer::load(dir / "small.json").hash() == small.hash(), "which survives tokenizer.json");
}

inline void broken_files(Report& t) {
    const TempDir dir;
    std::string base;
    for (int b = 0; b < 256; b++) base += cat(TokenizerFiles::to_base64(std::string(1, char(b))), " ", b, "\n");
    const auto refused = [&](const char* name, const std::string& content, const char* expected,
                             const char* pattern = "gpt2") {
        write_file(dir / name, content);
        t.check_error([&] { Tokenizer::load(dir / name, pattern); }, expected,
                      cat(name, " with ", shown(content.substr(content.size() > 60 ? content.size() - 60 : 0))));
    };
    t.check(std::string(Error("\"a\n\x1b[2Jb\" is none").what()) == "\"a\\n\\x1b[2Jb\" is none", "a message is one line whatever it quotes out of a file");
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
    for (const auto& [content, why] : {std::pair{"", "empty"}, {"{", "not valid JSON"}, {"[1]", "no \"model\""}}) refused("a.json", content, why);
    refused("a.json", "{\"model\": \"\xFF\"}", "not valid JSON (UTF-8) at byte");
    refused("a.json", "{\"model\": 1e999}", "a number that no type can hold");
    refused("a.json", R"({"model":{"type":"WordPiece","vocab":{}}})", "WordPiece");
    refused("a.json", R"({"model":{"type":"BPE","vocab":{}}})", "expected BPE with vocab and merges");
    refused("a.json", R"({"model":{"type":"BPE","vocab":[],"merges":[]}})", "expected an object");
    refused("a.json", R"({"model":{"type":"BPE","vocab":{},"merges":[]}})", "no token for the single byte 0");
    trained().save_json(dir / "good.json");
    const auto good = parse_json(read_file(dir / "good.json"), "good.json");
    const auto changed = [&](const char* pointer, nlohmann::json value, const char* expected) {
        auto json = good;
        json[nlohmann::json::json_pointer(pointer)] = std::move(value);
        refused("a.json", json_text(json), expected, "");
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
    write_file(dir / "vocab.json", json_text(good["model"]["vocab"]));
    t.check_error([&] { Tokenizer::load(dir / "vocab.json"); }, "merges.txt: missing", "vocab.json without merges.txt");
    write_file(dir / "merges.txt", "#version: 0.2\na b c\n");
    t.check_error([&] { Tokenizer::load(dir / "vocab.json"); }, "merges.txt: line 2: ", "a line of three symbols");
    std::vector<uint32_t> header(256);
    header[0] = 20240328, header[1] = 2, header[2] = 257, header[3] = 256;
    const auto bin = [&](const std::string& rest) { return std::string(reinterpret_cast<const char*>(header.data()),
            1024) + rest; };
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
                const Tokenizer loaded = Tokenizer::load(dir / (std::string("bad-") + name),
                                                         name[2] == 't' ? "gpt2" : "");
                loaded.decode(loaded.encode("some text \xFF 123"));
                fine++;
            } catch (const Error& e) {
                errors += std::string(e.what()).find('\n') == std::string::npos;
            }
        }
    }
    t.check(errors + fine == 120 && errors > 60,
            cat("120 damaged files: ", errors, " errors of one line, ", fine, " loaded"));
}

inline void surrogates(Report& t) {
    const auto text = [](const char* json) { return parse_json(json, "test").get<std::string>(); };
    const std::string r = "\xEF\xBF\xBD";
    t.check(text(R"("a\ud83db")") == "a" + r + "b" && text(R"("\udc00")") == r &&
            text(R"("\ud83d\ud83d\ude00")") == r + "😀",
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
    t.check(ids == ids_text(tokenizer.encode(text)) && tokenizer_decode(tokenizer, {}, ids) == text,
            "encode and decode are inverse");
    TokenizerEncodeConfig lines;
    lines.lines = true, lines.special = "all";
    const std::string two = tokenizer_encode(tokenizer, lines, "\"Over there\"\n\"\\ud83d<|endoftext|>\"\n\"\"\n");
    t.check(two == ids_text(tokenizer.encode("Over there")) +
            ids_text(tokenizer.encode("\xEF\xBF\xBD<|endoftext|>", SpecialPolicy::all)) + "\n",
            "--lines: a line of ids per JSON string");
    TokenizerDecodeConfig decode_lines;
    decode_lines.lines = true;
    t.check(tokenizer_decode(tokenizer, decode_lines, two) == "\"Over there\"\n\"\xEF\xBF\xBD<|endoftext|>\"\n\"\"\n",
            "and back");
    t.check(tokenizer_decode(tokenizer, decode_lines, "255 34\n") == "\"\xEF\xBF\xBD\\\"\"\n",
            "bytes that are not UTF-8 become U+FFFD there");
    t.check_error([&] { tokenizer_encode(tokenizer, lines, "\"a\"\n7\n"); },
                  "standard input: line 2: expected a JSON string", "a line that is no string");
    lines.special = "error";
    t.check_error([&] { tokenizer_encode(tokenizer, lines, "\"<|endoftext|>\""); }, "line 1: special token",
                  "--special error names the line");
    lines.special = "some";
    t.check_error([&] { tokenizer_encode(tokenizer, lines, ""); }, "--special some", "an unknown policy");
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 2 x3"); }, "\"x3\" at byte 4", "a word that is no id");
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 99999999999"); }, "99999999999", "an id too large");
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 5000"); }, "5000 (number 1)", "an id beyond the vocabulary");
    // standard input comes in pieces: whatever their length, nothing is lost and errors name the right place
    const std::string many = "12 7\n\n305 1\r\n9", spaced = "  12 7\t305\n\n1 9 x3";
    for (const char* ends : {"\n", " \t\r\n", "~"})
        for (const std::string& input : {many, spaced, std::string()})
            for (size_t chunk : {1, 2, 3, 5, 100}) {
                size_t at = 0, sum = 0;
                std::string joined;
                bool cut_well = true;
                for_each_piece([&](char* to, size_t n) { return n = std::min({n, size_t(3), input.size() - at}), std::copy_n(input.data() + at, n, to), at += n, n; }, ends,
                               [&](std::string_view piece, size_t before) {
                                   cut_well = cut_well && before == sum && !piece.empty() && (sum + piece.size() == input.size() || std::string_view(ends).find(piece.back()) != std::string_view::npos);
                                   joined += piece, sum += piece.size();
                               }, chunk);
                t.check(joined == input && cut_well, cat("pieces of ", chunk, " bytes that end well are the whole input"));
            }
    t.check_error([&] { tokenizer_decode(tokenizer, {}, "1 2 x3", 1000); }, "\"x3\" at byte 1004", "in a later piece");
    t.check_error([&] { tokenizer_decode(tokenizer, decode_lines, "1 2\nx3\n", 70); }, "line 72", "in a later line");
    lines.special = "all";
    t.check_error([&] { tokenizer_encode(tokenizer, lines, "\"a\"\n7\n", 41); }, "standard input: line 42: expected a JSON string", "and of encode's");
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
    for (const char* text : {"one fish two fish\n", "red fish \xEF\xBF\xBD", "blue fish"})
        tokens += int64_t(want.encode(text).size());
    t.check(stats.tokens == tokens && stats.bytes == 18 + 12 + 9,
            cat("the printed number of tokens is what encoding gives: ", stats.tokens));
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
    t.check(plain.find("\x1b") == std::string::npos && plain.find("·") != std::string::npos &&
            plain.find("|") != std::string::npos && plain.find("\\xFF") != std::string::npos,
            "without colour: bars between tokens, spaces and broken bytes visible");
    for (const int32_t id : ids)
        t.check(plain.find(std::to_string(id)) != std::string::npos, cat("id ", id, " is shown"));
    bool fits = true, aligned = true;
    const std::string narrow = show_terminal(tokenizer, tokenizer.encode(english().substr(0, 2000)), false, 60);
    std::vector<std::string> rows;
    TokenizerFiles::for_each_line(narrow, "", [&](std::string_view row, const auto&) { rows.emplace_back(row); });
    for (size_t i = 0; i + 1 < rows.size(); i += 2) {
        const auto columns = [](const std::string& s) {
            return std::count_if(s.begin(), s.end(),
                                 [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
        };
        fits &= columns(rows[i]) <= 61;
        aligned &= columns(rows[i]) == columns(rows[i + 1]);
    }
    t.check(fits && aligned && rows.size() > 20, "rows fit the terminal, ids stand beneath their tokens");
    const std::string html = show_html(tokenizer, ids, "a<b");
    t.check(html.find("&lt;") != std::string::npos && html.find("<b> &") == std::string::npos &&
            html.find("a&lt;b") != std::string::npos &&
            html.find("&amp;") != std::string::npos && is_valid_utf8(html) && html.find("http") == std::string::npos,
            "the page is escaped, valid UTF-8, and asks nothing of the network");
    const std::string explained = explain_word(tokenizer, "the");
    const auto steps = tokenizer.explain("the");
    t.check(size_t(std::count(explained.begin(), explained.end(), '\n')) == steps.size() + 3 &&
            explained.find("rank " + std::to_string(steps[0].rank)) != std::string::npos,
            "explain: a line for the piece, the start, each merge with its rank, the tokens");
}

inline Suite file_tests() {
    return {{"tokenizer: saved and loaded it is the same tokenizer", save_and_load},
            {"tokenizer: one vocabulary has one hash, whatever file it comes from", one_vocabulary_many_files},
            {"tokenizer: odd vocabularies: holes, unreachable tokens, missing bytes", odd_vocabularies},
            {"tokenizer: broken files are refused with the place and the reason", broken_files},
            {"tokenizer: damaged files never crash it", damaged_files},
            {"tokenizer: half surrogate pairs in JSON become U+FFFD", surrogates},
            {"tokenizer: the encode and decode commands", commands},
            {"tokenizer: the train command", train_command},
            {"tokenizer: the show command", show_command}};
}

}  // namespace test_tokenizer
