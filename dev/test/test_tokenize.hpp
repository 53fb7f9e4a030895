// dev/test/test_tokenize.hpp -- do the shards hold the tokens of the text, all of them, however they were made?
#pragma once

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "../../tokenize.hpp"
#include "test.hpp"

namespace tokenize_test {

inline void put_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

// A tokenizer of its own: bytes, some merges and <|endoftext|>; small enough to make in a moment.
inline std::string make_tokenizer(const TempDir& dir, const std::string& pattern = "gpt2") {
    const std::string path = dir / ("tokenizer-" + pattern + ".json");
    if (fs::exists(path)) return path;
    Tokenizer::Parts parts;
    for (int b = 0; b < 256; b++) parts.tokens.push_back(std::string(1, char(b)));
    for (const char* pair : {"th", "he", "in", "er", " t", "an", "nd", "\n\n", "  ", "..", "\n\xE3", "\xE3\x81",
                             "\xD0\xB0"}) {
        parts.merges.push_back({uint8_t(pair[0]), uint8_t(pair[1]), int32_t(parts.tokens.size())});
        parts.tokens.push_back(pair);
    }
    parts.special[kEndOfText] = int32_t(parts.tokens.size());
    parts.tokens.push_back("");
    parts.pattern = pattern;
    Tokenizer::build(std::move(parts)).save_json(path);
    return path;
}

// Text with all that a cut could spoil: runs of white space, Unicode spaces, scripts without spaces, broken UTF-8.
inline std::string random_text(Rng& rng, size_t bytes, bool valid_utf8 = false) {
    const char* units[] = {"the", "an", " ", " ", " ", "  ", "\n", "\n\n", "\r\n", "\t", ".", "..", "'s", "12", "3",
                           "/", "A", "\xC3\xA9", "\xE3\x81\x82", "\xE3\x80\x80", "\xC2\xA0", "\xD0\xB0", "\xCC\x81",
                           "\xF0\x9F\x98\x80", "\xE2\x80\xA8", "\xE2\x80\x8B", "\x1C", "{\"", "\\",
                           "\xFF", "\xE2\x80", "\x80"};         // the last three are no UTF-8
    const uint64_t count = sizeof units / sizeof *units - (valid_utf8 ? 3 : 0);
    std::string s;
    while (s.size() < bytes) s += units[rng.below(count)];
    return s;
}

inline std::string json_line(const std::string& text, const char* field = "text") {
    const nlohmann::json meta = {{"text", "not this"}, {"list", {1, "x", nullptr}}};
    return json_text(nlohmann::json{{"id", 7}, {"meta", meta}, {field, text}}) + "\n";
}

// What run_tokenize prints on stdout goes into a string, what it prints on stderr nowhere.
inline std::string run(TokenizeConfig config) {
    TempDir dir;
    std::fflush(stdout);
    const int saved[2] = {::dup(1), ::dup(2)};
    const int out = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT, 0600), null = ::open("/dev/null", O_WRONLY);
    ::dup2(out, 1), ::dup2(null, 2);
    const auto restore = [&] {
        std::fflush(stdout);
        ::dup2(saved[0], 1), ::dup2(saved[1], 2);
        for (const int fd : {saved[0], saved[1], out, null}) ::close(fd);
    };
    try {
        run_tokenize(config);
    } catch (...) {
        restore();
        throw;
    }
    restore();
    return read_file(dir / "out");
}

inline TokenizeConfig config_for(const TempDir& dir, const std::vector<std::string>& input,
                                 const std::string& out = "out") {
    TokenizeConfig c;
    c.tokenizer = make_tokenizer(dir), c.input = input, c.out = dir / out, c.threads = 2;
    return c;
}

// The tokens of a split, read without the loader.
inline std::vector<int32_t> tokens_of(const std::string& dir, const std::string& split) {
    std::vector<int32_t> ids;
    for (const std::string& name : shard_files_by_name(dir, split)) {
        const std::string bytes = read_file(dir + "/" + name);
        int32_t header[256];
        std::memcpy(header, bytes.data(), sizeof header);
        const size_t width = header[0] == 20240801 ? 4 : 2;
        for (size_t at = 1024; at + width <= bytes.size(); at += width) {
            uint32_t id = 0;
            std::memcpy(&id, bytes.data() + at, width);
            ids.push_back(int32_t(id));
        }
        if (size_t(header[2]) * width + 1024 != bytes.size()) ids.push_back(-1);
    }
    return ids;
}

inline std::vector<int32_t> expected(const Tokenizer& tokenizer, const std::vector<std::string>& documents) {
    std::vector<int32_t> ids;
    for (const std::string& d : documents) {
        if (tokenizer.end_of_text() >= 0) ids.push_back(tokenizer.end_of_text());
        const auto own = tokenizer.encode(d);
        ids.insert(ids.end(), own.begin(), own.end());
    }
    return ids;
}

// All files of a folder with their contents: are two folders the same?
inline std::map<std::string, std::string> contents(const std::string& dir) {
    std::map<std::string, std::string> all;
    for (const auto& e : fs::directory_iterator(dir))
        if (e.is_regular_file()) all[e.path().filename().string()] = read_file(e.path().string());
    return all;
}
inline std::string names(const std::string& dir) {
    std::string s;
    for (const auto& [name, content] : contents(dir)) s += name + " ";
    return s;
}

inline void test_cuts(Report& t) {
    Rng rng(1);
    for (const Split split : {Split::gpt2, Split::cl100k, Split::llama3, Split::o200k, Split::nanochat}) {
        const auto pieces = [&](std::string_view text) {
            std::vector<std::string> all;
            for_each_piece(split, text, [&](std::string_view p) { all.emplace_back(p); });
            return all;
        };
        int64_t cuts = 0, wrong = 0, others_wrong = 0;
        for (int64_t round = 0; round < 3000; round++) {
            const std::string text = random_text(rng, 4 + rng.below(40));
            const auto whole = pieces(text);
            for (size_t i = 1; i < text.size(); i++) {
                auto joined = pieces(std::string_view(text).substr(0, i));
                for (auto& p : pieces(std::string_view(text).substr(i))) joined.push_back(p);
                const bool same = joined == whole;
                if (is_safe_cut(text, i)) cuts++, wrong += !same;
                else others_wrong += !same;
            }
        }
        t.check(cuts > 3000, "there are cuts to try");
        t.check(wrong == 0, cat(kSplitNames[int(split)], ": a cut changes no piece (", wrong, " of ", cuts, " do)"));
        t.check(others_wrong > 1000, "control: cuts elsewhere do");
    }
    t.check(safe_cut("ab cd", 0) == 2 && safe_cut("ab cd", 3) == 5, "the first cut from there on");
    t.check(safe_cut_before("ab cd ef", 7) == 5 && safe_cut_before("ab cd", 1) == 0, "the last cut up to there");
    t.check(safe_cut("\xE4\xBD\xA0\n\xE5\xA5\xBD", 1) == 4, "after a line feed in a script without spaces");
}

inline void test_val_cut(Report& t) {
    using tokenize::val_cut;
    t.check(val_cut("aaaa bbbb cccc dddd ", 0.5) == 9, "the cut nearest to the middle");
    t.check(val_cut("aaaaaaaaaa", 0.3) == 7, "without a space: where it belongs");
    t.check(val_cut("\xC3\xA9\xC3\xA9\xC3\xA9", 0.5) == 2, "never inside a character");
    t.check(val_cut("ab", 0.999) == 1 && val_cut("ab", 1e-9) == 1, "both sides have a byte");
    t.check(val_cut("\x80\x80\x80", 0.5) >= 1, "bytes that are no text");
}

inline void test_threads(Report& t) {
    TempDir dir;
    Rng rng(2);
    const std::string big = random_text(rng, size_t(5) << 19);      // three jobs
    std::string lines, cjk;
    std::vector<std::string> documents = {big};
    while (lines.size() < size_t(5) << 19) {                        // three jobs
        documents.push_back(random_text(rng, 1 + rng.below(rng.below(50) == 0 ? 20000 : 600), true));
        lines += json_line(documents.back());
        if (documents.size() % 100 == 0) lines += "  \r\n";
    }
    while (cjk.size() < size_t(3) << 19) cjk += cjk.size() % 97 < 90 ? "\xE4\xBD\xA0" : "\n";
    documents.push_back(cjk);
    put_file(dir / "a.txt", big);
    put_file(dir / "b.jsonl", lines);
    put_file(dir / "c.txt", cjk);
    for (const char* pattern : {"gpt2", "o200k"}) {
        TokenizeConfig c = config_for(dir, {dir / "a.txt", dir / "b.jsonl", dir / "c.txt"}, cat(pattern, "-all"));
        c.tokenizer = make_tokenizer(dir, pattern), c.threads = 3, c.shard_tokens = 1000003;
        run(c);
        t.check(tokens_of(c.out, "train") == expected(Tokenizer::load(c.tokenizer), documents),
                cat(pattern, ": the shards are each document encoded alone"));
        t.check(contents(c.out).size() > 4, "in several shards");
        std::map<std::string, std::string> first;
        for (const int threads : {1, 2, 5}) {
            c.val_fraction = 0.1, c.threads = threads, c.out = dir / cat(pattern, threads);
            run(c);
            if (threads == 1) first = contents(c.out);
            t.check(contents(c.out) == first, cat(pattern, ": ", threads, " threads write the same bytes as one"));
        }
    }
}

inline void test_index(Report& t) {
    TempDir dir;
    Rng rng(3);
    std::vector<std::string> documents;
    std::string lines;
    int64_t bytes = 0;
    for (int64_t d = 0; d < 40; d++) {
        documents.push_back(random_text(rng, 1 + rng.below(200), true));
        bytes += int64_t(documents.back().size());
        lines += json_line(documents.back(), "body");
    }
    put_file(dir / "in.jsonl", lines);
    TokenizeConfig c = config_for(dir, {dir / "in.jsonl"});
    c.text_field = "body", c.shard_tokens = 333;
    const std::string printed = run(c);
    const Tokenizer tokenizer = Tokenizer::load(c.tokenizer);
    const auto ids = tokens_of(c.out, "train");
    t.check(ids == expected(tokenizer, documents), "the tokens of all documents, across shards");
    const auto j = parse_json_text<nlohmann::json>(read_file(c.out + "/index.json"));
    const auto& split = j["splits"]["train"];
    t.check(j["format"] == "train_gpt token shards" && j["version"] == 1, "format and version");
    t.check(j["vocab_size"] == tokenizer.vocab_size() && j["end_of_text"] == tokenizer.end_of_text(), "vocabulary");
    t.check(j["tokenizer_hash"] == strprintf("%016llx", (unsigned long long)tokenizer.hash()), "tokenizer hash");
    t.check(split["documents"] == 40 && split["tokens"] == ids.size(), "documents and tokens of the split");
    t.check(split["text_bytes"] == bytes, "text bytes of the split");
    size_t at = 0;
    for (const auto& s : split["shards"]) {
        const size_t n = s["tokens"];
        const std::vector<int32_t> own(ids.begin() + long(at), ids.begin() + long(at + n));
        std::vector<int32_t> text_ids;
        for (const int32_t id : own)
            if (id != tokenizer.end_of_text()) text_ids.push_back(id);
        t.check(at + n == ids.size() || n == 333, "all shards but the last have --shard-tokens tokens");
        t.check(s["documents"] == own.size() - text_ids.size(), "documents that start in a shard");
        t.check(s["text_bytes"] == tokenizer.decode(text_ids).size(), "text bytes of a shard");
        uint32_t crc = ~0u;
        for (const char b : read_file(c.out + "/" + s["file"].get<std::string>()).substr(1024)) {
            crc ^= uint8_t(b);
            for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
        t.check(s["crc32"] == strprintf("%08x", ~crc), "CRC of a shard, one bit at a time");
        at += n;
    }
    t.check(at == ids.size() && split["shards"].size() > 3, "the shards of the index are all");
    t.check(Tokenizer::load(c.out).hash() == tokenizer.hash(), "the tokenizer lies beside the shards");
    t.check(names(c.out).find(".tmp") == std::string::npos, "no temporary file is left");
    t.check(!fs::exists(c.out + "/tokenizer.tmp"), "no temporary folder is left");
    t.check(printed.starts_with(cat("40 documents, ", with_commas(int64_t(ids.size())), " tokens")), printed);
    DataLoader loader({c.out, "train", 16, "packed", 1, tokenizer.vocab_size(), true});
    t.check(loader.num_tokens() == int64_t(ids.size()), "the loader reads it");
    t.check(std::fabs(loader.bytes_per_token() - double(bytes) / double(ids.size())) < 1e-12, "bytes per token");
    TokenizeStatsConfig stats{c.out, 16};
    std::fflush(stdout);
    const int saved = ::dup(1), null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, 1);
    const int status = run_tokenize_stats(stats);
    std::fflush(stdout);
    ::dup2(saved, 1), ::close(saved), ::close(null);
    t.check(status == 0, "tokenize stats reads it");
}

inline void test_vocabularies(Report& t) {
    TempDir dir;
    Rng rng(4);
    const std::string text = random_text(rng, 3000) + std::string("\0\xFF", 2);
    put_file(dir / "in.txt", text);
    TokenizeConfig c = config_for(dir, {dir / "in.txt"}, "bytes");
    c.tokenizer = "bytes";
    run(c);
    std::string back;
    for (const int32_t id : tokens_of(c.out, "train")) back += char(id);
    t.check(back == text, "bytes: the shard is the text, without an end-of-text");
    t.check(read_index(c.out + "/index.json").end_of_text == -1, "and the index says that there is none");
    // 65,536 pairs of bytes and the bytes: more ids than 16 bits have
    Tokenizer::Parts parts;
    for (int b = 0; b < 256; b++) parts.tokens.push_back(std::string(1, char(b)));
    for (int32_t pair = 0; pair < 65536; pair++) {
        parts.merges.push_back({pair >> 8, pair & 255, 256 + pair});
        parts.tokens.push_back({char(pair >> 8), char(pair & 255)});
    }
    parts.special[kEndOfText] = int32_t(parts.tokens.size());
    parts.tokens.push_back("");
    parts.pattern = "gpt2";
    c = config_for(dir, {dir / "in.txt"}, "wide");
    c.tokenizer = dir / "wide.json";
    Tokenizer::build(std::move(parts)).save_json(c.tokenizer);
    run(c);
    const auto ids = tokens_of(c.out, "train");
    t.check(ids == expected(Tokenizer::load(c.tokenizer), {text}), "more than 65,536 ids: uint32 shards");
    t.check(ids[0] == 65792 && *std::max_element(ids.begin() + 1, ids.end()) > 30000, "with ids that need them");
    t.check(read_file(c.out + "/train_000000.bin").substr(0, 8) ==
                std::string("\xA1\xD9\x34\x01\x07\0\0\0", 8), "llm.c's header");
}

inline void test_val_split(Report& t) {
    for (const double fraction : {0.001, 0.01, 0.1, 1.0 / 3, 0.5, 0.7, 0.95}) {
        int64_t chosen = 0, worst = 0;
        for (int64_t i = 0; i < 5000; i++) {
            chosen += tokenize::is_val_document(i, fraction);
            if (i > 0) worst = std::max(worst, std::abs(chosen - int64_t(double(i + 1) * fraction)));
        }
        t.check(worst <= 1, cat("fraction ", fraction, ": after any number of documents the share is exact to one"));
        t.check(!tokenize::is_val_document(0, fraction) && tokenize::is_val_document(1, fraction), "two: one each");
    }
    int64_t odd = 0;
    for (int64_t i = 20; i < 20000; i++) odd += i % 2 && tokenize::is_val_document(i, 0.1);
    t.check(odd > 850 && odd < 1150, "documents are chosen without a period");
    TempDir dir;
    Rng rng(5);
    std::string lines;
    std::vector<std::string> train, val;
    for (int64_t d = 0; d < 200; d++) {
        const std::string text = cat("document ", d, " ", random_text(rng, rng.below(100), true));
        lines += json_line(text);
        (tokenize::is_val_document(d, 0.05) ? val : train).push_back(text);
    }
    put_file(dir / "in.jsonl", lines);
    TokenizeConfig c = config_for(dir, {dir / "in.jsonl"});
    c.val_fraction = 0.05;
    run(c);
    const Tokenizer tokenizer = Tokenizer::load(c.tokenizer);
    t.check(val.size() == 10, "5 % of 200 documents");
    t.check(tokens_of(c.out, "train") == expected(tokenizer, train), "train has the other documents, in order");
    t.check(tokens_of(c.out, "val") == expected(tokenizer, val), "val has its documents, in order");
    DataLoader loader({c.out, "val", 16, "contiguous"});
    t.check(loader.split_info().documents == 10 && loader.has_split("train"), "the loader finds both splits");
}

inline void test_single_document(Report& t) {
    Rng rng(6);
    for (const char* name : {"in.txt", "in.jsonl", "bad.jsonl", "pipe"}) {
        TempDir dir;
        std::string text = random_text(rng, 30000, true);
        const bool jsonl = std::string(name).ends_with(".jsonl");
        put_file(dir / "in", (std::string(name) == "bad.jsonl" ? "{broken\n" : "") + (jsonl ? json_line(text) : text));
        fs::rename(dir / "in", dir / name);
        put_file(dir / "empty.txt", "");
        TokenizeConfig c = config_for(dir, {dir / "empty.txt", dir / name});
        std::thread writer;
        if (std::string(name) == "pipe") {
            fs::rename(dir / name, dir / "text");
            c.input = {dir / name};
            if (::mkfifo(c.input[0].c_str(), 0600) != 0) throw system_error("mkfifo");
            writer = std::thread([&] { put_file(c.input[0], text); });
        }
        c.val_fraction = 0.2, c.skip_bad = true;
        run(c);
        if (writer.joinable()) writer.join();
        const Tokenizer tokenizer = Tokenizer::load(c.tokenizer);
        auto train = tokens_of(c.out, "train"), val = tokens_of(c.out, "val");
        const int32_t eot = tokenizer.end_of_text();
        t.check(train.size() > 2 && val.size() > 2 && train[0] == eot && val[0] == eot,
                cat(name, ": both parts begin with end-of-text"));
        train.erase(train.begin());
        val.erase(val.begin());
        t.check(tokenizer.decode(train) + tokenizer.decode(val) == text, cat(name, ": together they are the text"));
        const double share = double(tokenizer.decode(val).size()) / double(text.size());
        t.check_at_most(std::fabs(share - 0.2), 0.01, cat(name, ": the last 20 %"));
        train.insert(train.end(), val.begin(), val.end());
        t.check(train == tokenizer.encode(text), cat(name, ": the split changes no token"));
    }
    TempDir dir;
    put_file(dir / "one.txt", "x");
    TokenizeConfig c = config_for(dir, {dir / "one.txt"});
    c.val_fraction = 0.5;
    t.check_error([&] { run(c); }, "one document of one byte", "one byte cannot be split");
    t.check(names(c.out).empty(), "and nothing is left of the attempt: " + names(c.out));
}

inline void test_inputs(Report& t) {
    TempDir dir;
    const std::string in = dir / "in";
    for (const char* folder : {"in", "in/b", "in/.hidden", "in/out"}) fs::create_directories(dir / folder);
    put_file(in + "/z.txt", "zzz");
    put_file(in + "/b/2.txt", "two");
    put_file(in + "/b/10.jsonl", json_line("ten") + "\n" + json_line("") + json_line("x"));
    put_file(in + "/a.md", "aaa");
    put_file(in + "/empty.txt", "");
    put_file(in + "/.hidden/no.txt", "no");
    put_file(in + "/.no", "no");
    put_file(in + "/picture.png", std::string("\x89PNG\0\0", 6));
    put_file(dir / "first.txt", "first");
    TokenizeConfig c = config_for(dir, {dir / "first.txt", in}, "in/out");
    const std::string printed = run(c);
    const Tokenizer tokenizer = Tokenizer::load(c.tokenizer);
    const auto want = expected(tokenizer, {"first", "aaa", "ten", "x", "two", "zzz"});
    t.check(tokens_of(c.out, "train") == want, "inputs as given, folders by path, no hidden and binary files");
    t.check(printed.find("1 documents without text") != std::string::npos, "empty documents are counted: " + printed);
    c.overwrite = true;
    run(c);
    t.check(tokens_of(c.out, "train") == want, "shards in the input folder are not taken for text");

    Rng rng(7);
    std::string lines;
    std::vector<std::string> documents;
    while (lines.size() < size_t(3) << 20) {
        documents.push_back(random_text(rng, 1 + rng.below(30000), true));
        lines += json_line(documents.back());
    }
    // a pipe is read 1 MiB + 64 KiB at first: this ends inside an ideographic space, where no cut may be
    std::string text = std::string((size_t(1) << 20) + (size_t(64) << 10) - 3, 'x') + "\n\xE3\x80\x80\xE3\x80\x80";
    text += random_text(rng, size_t(2) << 20);
    for (const bool jsonl : {false, true}) {
        const std::string pipe = dir / "pipe";
        if (::mkfifo(pipe.c_str(), 0600) != 0) throw system_error("mkfifo");
        std::thread writer([&] { put_file(pipe, jsonl ? lines : text); });
        TokenizeConfig p = config_for(dir, {pipe}, cat("piped", jsonl));
        p.format = jsonl ? "jsonl" : "text";
        run(p);
        writer.join();
        fs::remove(pipe);
        t.check(tokens_of(p.out, "train") == expected(tokenizer, jsonl ? documents : std::vector<std::string>{text}),
                cat(jsonl ? "JSONL" : "text", " of several MB through a pipe"));
    }
    const int saved = ::dup(0), fd = ::open((dir / "first.txt").c_str(), O_RDONLY);
    ::dup2(fd, 0);
    TokenizeConfig s = config_for(dir, {"-"}, "stdin");
    run(s);
    ::dup2(saved, 0), ::close(saved), ::close(fd);
    t.check(tokens_of(s.out, "train") == expected(tokenizer, {"first"}), "- is stdin");
    s.input = {"-", "-"}, s.overwrite = true;
    t.check_error([&] { run(s); }, "stdin can be given once", "stdin twice");
}

inline void test_bad_lines(Report& t) {
    TempDir dir;
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"{\"text\": \"a\"", "broken JSON at byte"}, {"{\"text\": \"a\"} x", "broken JSON at byte 15"},
        {"{\"text\": \"\xFF\"}", "broken JSON at byte 11"}, {"{\"text\": \"\\ud8\"}", "broken JSON"},
        {"[\"text\", \"a\"]", "expected a JSON object"}, {"\"text\"", "expected a JSON object"},
        {"{\"text\": 3}", "the object has no string \"text\""}, {"{\"text\": [\"a\"]}", "the object has no"},
        {"{\"text\": {\"text\": \"a\"}}", "the object has no"}, {"{}", "the object has no string \"text\""}};
    std::string all;
    for (const auto& [line, why] : wrong) {
        put_file(dir / "in.jsonl", "\xEF\xBB\xBF" + json_line("fine") + "\n" + line + "\n" + json_line("fine too"));
        TokenizeConfig c = config_for(dir, {dir / "in.jsonl"}, "bad");
        t.check_error([&] { run(c); }, cat("in.jsonl:3: ", why), "line 3 is " + line);
        t.check(names(c.out).empty(), "nothing is written: " + names(c.out));
        all += line + "\n" + json_line("good");
    }
    put_file(dir / "half.jsonl", "{\"text\": \"a \\ud83d b \\ud83d\\ude00\"}\n");
    TokenizeConfig half = config_for(dir, {dir / "half.jsonl"}, "half");
    run(half);
    t.check(tokens_of(half.out, "train") == expected(Tokenizer::load(half.tokenizer), {"a \xEF\xBF\xBD b \xF0\x9F\x98\x80"}), "half a surrogate pair becomes U+FFFD, a whole one stays");
    put_file(dir / "in.jsonl", all);
    TokenizeConfig c = config_for(dir, {dir / "in.jsonl"});
    c.skip_bad = true;
    t.check(run(c).find(cat(wrong.size(), " broken lines skipped")) != std::string::npos, "--skip-bad counts them");
    const std::vector<std::string> good(wrong.size(), "good");
    t.check(tokens_of(c.out, "train") == expected(Tokenizer::load(c.tokenizer), good), "and takes the others");
    std::string many;                                               // broken in several jobs
    for (size_t line = 1; line <= 30000; line++)
        many += json_line(std::string(100 + line % 7, 'a')).substr(line > 20000);
    put_file(dir / "many.jsonl", many);
    for (const int threads : {1, 2, 7}) {
        TokenizeConfig m = config_for(dir, {dir / "many.jsonl"}, "many");
        m.threads = threads;
        t.check_error([&] { run(m); }, "many.jsonl:20001: ", cat(threads, " threads report the first broken line"));
    }
}

inline void test_errors(Report& t) {
    TempDir dir;
    put_file(dir / "in.txt", "some text");
    const auto with = [&](const std::function<void(TokenizeConfig&)>& edit) {
        TokenizeConfig c = config_for(dir, {dir / "in.txt"}, "errors");
        edit(c);
        return [c] { run(c); };
    };
    t.check_error(with([](auto& c) { c.tokenizer.clear(); }), "--tokenizer is missing", "no tokenizer");
    t.check_error(with([](auto& c) { c.tokenizer = "/none.json"; }), "/none.json", "a tokenizer that is not there");
    t.check_error(with([](auto& c) { c.input.clear(); }), "--input is missing", "no input");
    t.check_error(with([](auto& c) { c.out.clear(); }), "--out is missing", "no output");
    t.check_error(with([](auto& c) { c.input.push_back("/none.txt"); }), "/none.txt", "an input that is not there");
    t.check_error(with([](auto& c) { c.val_fraction = 1; }), "--val-fraction 1", "everything for validation");
    t.check_error(with([](auto& c) { c.val_fraction = kNaN; }), "--val-fraction nan", "NaN for validation");
    t.check_error(with([](auto& c) { c.shard_tokens = 0; }), "--shard-tokens 0", "shards without tokens");
    t.check_error(with([](auto& c) { c.shard_tokens = int64_t(1) << 31; }), "2147483648", "more than a header can say");
    t.check_error(with([](auto& c) { c.threads = -1; }), "--threads -1", "fewer threads than none");
    for (const char* name : {"a.bz2", "a.parquet", "a.jsonl.xz"}) {
        put_file(dir / name, "x");
        t.check_error(with([&](auto& c) { c.input = {dir / name}; }), "decompress it", cat(name, " is compressed"));
    }
    put_file(dir / "empty.txt", "");
    t.check_error(with([&](auto& c) { c.input = {dir / "empty.txt"}; }), "no text in the input", "an empty file");
    t.check_error(with([&](auto& c) { c.out = dir / "in.txt"; }), "in.txt", "a file where the folder should be");
    t.check_error(with([&](auto& c) { c.input = {dir.path()}, c.out = dir / "."; }), "input folder", "out is input");
    t.check(!fs::exists(dir / "errors") || names(dir / "errors").empty(), "no attempt leaves a file");
}

inline void test_overwrite(Report& t) {
    TempDir dir;
    Rng rng(8);
    put_file(dir / "long.txt", random_text(rng, 20000));
    put_file(dir / "short.txt", "short");
    TokenizeConfig c = config_for(dir, {dir / "long.txt"});
    c.shard_tokens = 3000, c.val_fraction = 0.1;
    run(c);
    const auto before = contents(c.out);
    c.input = {dir / "short.txt"}, c.val_fraction = 0;
    t.check_error([&] { run(c); }, "holds token shards already", "a complete folder is not replaced unasked");
    c.overwrite = true, c.input = {dir / "short.txt", dir / "gone.txt"};
    t.check_error([&] { run(c); }, "gone.txt", "a run that fails");
    t.check(contents(c.out) == before, "a run that fails leaves the old shards as they were");
    c.input = {dir / "short.txt"};
    run(c);
    const std::string one_shard = "index.json tokenizer.json tokenizer_config.json train_000000.bin ";
    t.check(names(c.out) == one_shard, "old shards are gone: " + names(c.out));
    t.check(tokens_of(c.out, "train") == expected(Tokenizer::load(c.tokenizer), {"short"}), "the new ones are there");
    // what a killed run leaves
    c = config_for(dir, {dir / "short.txt"}, "killed");
    fs::create_directories(c.out + "/tokenizer.tmp");
    for (const char* name : {"index.json.tmp", "train_000000.bin", "train_000001.bin.tmp", "tokenizer.tmp/junk"})
        put_file(c.out + "/" + name, "x");
    t.check_error([&] { DataLoader({c.out, "train", 2}); }, "interrupted", "the loader refuses an unfinished folder");
    run(c);
    t.check(names(c.out) == one_shard, "the next run tidies up: " + names(c.out));
    // two at a time
    const int fd = ::open((c.out + "/index.json.tmp").c_str(), O_WRONLY | O_CREAT, 0600);
    t.check(::flock(fd, LOCK_EX) == 0, "a lock");
    const auto finished = contents(c.out);
    c.overwrite = true;
    t.check_error([&] { run(c); }, "another process", "a second run into the same folder");
    t.check(contents(c.out) == finished, "which spoils nothing of the first");
    ::close(fd);
}

inline void test_disk_full(Report& t) {
    TempDir dir;
    Rng rng(9);
    put_file(dir / "in.txt", random_text(rng, 600000));
    TokenizeConfig c = config_for(dir, {dir / "in.txt"});
    // no file over 100,000 bytes: write() fails as on a full disk
    rlimit old{};
    ::getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{100000, old.rlim_max};
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    t.check_error([&] { run(c); }, "train_000000.bin.tmp: writing", "a shard that does not fit");
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, old_handler);
    t.check(names(c.out).empty() && !fs::exists(c.out + "/tokenizer.tmp"), "nothing is left of it: " + names(c.out));
    run(c);
    const auto before = contents(c.out);
    fs::create_directories(dir / "small");
    if (::mount("tmpfs", (dir / "small").c_str(), "tmpfs", 0, "size=256k") != 0)
        return t.skip("a full file system", cat("a tmpfs cannot be mounted: ", std::strerror(errno)));
    c.out = dir / "small/out";
    t.check_error([&] { run(c); }, "No space left on device", "a full file system");
    t.check(!fs::exists(c.out) || names(c.out).empty(), "nothing is left on it");
    ::umount((dir / "small").c_str());
}

// What a gzip, a zstd file of `text` is; several of them behind each other are one, too.
inline std::string gzipped(std::string_view text) {
    std::string out(text.size() + 1000, '\0');
#ifdef TRAIN_GPT_ZLIB
    z_stream z{};
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data())), z.avail_in = uInt(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data()), z.avail_out = uInt(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
#endif
    return out;
}
inline std::string zstandard([[maybe_unused]] std::string_view text) {
    std::string out;
#ifdef TRAIN_GPT_ZSTD
    out.resize(ZSTD_compressBound(text.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
#endif
    return out;
}
inline void test_compressed(Report& t) {
    TempDir dir;
    Rng rng(12);
    std::string lines;
    std::vector<std::string> documents;
    while (lines.size() < size_t(9) << 18) {                        // more than two jobs
        documents.push_back(random_text(rng, 1 + rng.below(20000), true));
        lines += json_line(documents.back());
    }
    const std::string_view whole = lines, first = whole.substr(0, lines.size() / 3), second = whole.substr(first.size());
    const Tokenizer tokenizer = Tokenizer::load(make_tokenizer(dir));
    const auto want = expected(tokenizer, documents);
    struct Format {
        const char *name, *suffix;
        std::string (*pack)(std::string_view);
        bool there;
    };
#ifdef TRAIN_GPT_ZLIB
    const bool zlib = true;
#else
    const bool zlib = false;
#endif
#ifdef TRAIN_GPT_ZSTD
    const bool zstd = true;
#else
    const bool zstd = false;
#endif
    for (const Format& f : {Format{"gzip", ".gz", gzipped, zlib}, Format{"zstd", ".zst", zstandard, zstd}}) {
        const std::string path = dir / cat("in.jsonl", f.suffix);
        TokenizeConfig c = config_for(dir, {path}, f.name);
        if (!f.there) {
            put_file(path, "x");
            t.check_error([&] { run(c); }, "built without", cat(f.name, ": the package that is missing is named"));
            t.skip(cat(f.name, " files"), "this program was built without it");
            continue;
        }
        const std::string packed = f.pack(whole);
        put_file(path, packed);
        run(c);
        t.check(tokens_of(c.out, "train") == want, cat(f.name, ": the tokens of the text in it"));
        c.overwrite = true;
        put_file(path, f.pack(first) + f.pack("") + f.pack(second));
        run(c);
        t.check(tokens_of(c.out, "train") == want, cat(f.name, ": three files behind each other are one text"));
        c.out = dir / "broken";
        for (const size_t bytes : {size_t(0), size_t(5), packed.size() / 2, packed.size() - 1}) {
            put_file(path, packed.substr(0, bytes));
            t.check_error([&] { run(c); }, path, cat(f.name, " of ", bytes, " bytes is refused"));
        }
        std::string damaged = packed;
        for (size_t i = packed.size() / 2; i < packed.size() / 2 + 40; i++) damaged[i] = char(damaged[i] ^ 0x55);
        put_file(path, damaged);
        t.check_error([&] { run(c); }, "in.jsonl", cat(f.name, ": a damaged file is refused"));
        put_file(path, "just text");
        t.check_error([&] { run(c); }, path, cat(f.name, ": a file that only has the name is refused"));
        t.check(!fs::exists(c.out) || names(c.out).empty(), "nothing is left of these");
        put_file(dir / cat("note.txt", f.suffix), f.pack("a whole text"));
        TokenizeConfig text = config_for(dir, {dir / cat("note.txt", f.suffix)}, cat(f.name, "-text"));
        run(text);
        t.check(tokens_of(text.out, "train") == expected(tokenizer, {"a whole text"}), cat(f.name, ": plain text"));
    }
}

// A run that ends too early, then the same command again: the shards of a run that did not.
inline void test_foreign_files(Report& t) {
    TempDir dir;
    fs::create_directory(dir / "in");
    put_file(dir / "in/a.txt", "the first");
    put_file(dir / "in/b.zip", "PK\x03\x04");
    put_file(dir / "in/c.parquet", "PAR1");
    put_file(dir / "in/d.bin", std::string("\0\1\2", 3));
    put_file(dir / "in/z.txt", "the last");
#ifdef TRAIN_GPT_ZLIB
    put_file(dir / "in/e.tar.gz", gzipped(std::string("name.txt") + std::string(504, '\0') + "text"));
    put_file(dir / "in/f.txt.gz", gzipped("in between"));
#endif
    TokenizeConfig c = config_for(dir, {dir / "in"});
    run(c);
    const Tokenizer tokenizer = Tokenizer::load(c.tokenizer);
    std::vector<std::string> documents = {"the first", "the last"};
#ifdef TRAIN_GPT_ZLIB
    documents.insert(documents.begin() + 1, "in between");
#endif
    t.check(tokens_of(c.out, "train") == expected(tokenizer, documents), "a folder's archives and binary files are left out");
    c.input = {dir / "in/b.zip"}, c.overwrite = true;
    t.check_error([&] { run(c); }, "expected text or JSONL", "one that is named is refused");
}

inline std::string many_lines(Rng& rng, size_t bytes) {
    std::string lines;
    while (lines.size() < bytes) lines += json_line(random_text(rng, 1 + rng.below(9000), true));
    return lines;
}
// A run that fails, since no file may be larger than `bytes`, and says that it can be taken up.
inline void run_until_full(Report& t, const TokenizeConfig& c, rlim_t bytes = 2500000) {
    rlimit old{};
    ::getrlimit(RLIMIT_FSIZE, &old);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{bytes, old.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    t.check_error([&] { run(c); }, "goes on after", "a run that fails says that it can be taken up");
    ::setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, old_handler);
}

inline void test_resume(Report& t) {
    TempDir dir;
    Rng rng(13);
    const std::string text = random_text(rng, size_t(3) << 19), lines = many_lines(rng, size_t(3) << 19);
    put_file(dir / "a.txt", text);
    put_file(dir / "b.jsonl", lines);
    std::vector<std::string> input = {dir / "a.txt", dir / "b.jsonl"};
#ifdef TRAIN_GPT_ZLIB
    put_file(dir / "c.jsonl.gz", gzipped(lines));
    input.push_back(dir / "c.jsonl.gz");
#endif
    TokenizeConfig c = config_for(dir, input, "whole");
    c.shard_tokens = 700001, c.val_fraction = 0.1, c.checkpoint_s = 0;
    run(c);
    const auto whole = contents(c.out);
    t.check(whole.size() > 6 && !whole.count("resume.json"), "a run that is not stopped leaves no note");
    int resumed = 0;
    for (const int milliseconds : {0, 50, 150}) {     // killed, after its first note and some time
        TokenizeConfig k = c;
        k.out = dir / cat("killed", milliseconds);
        const pid_t child = ::fork();
        if (child == 0) {
            try {
                run(k);
            } catch (...) {
            }
            ::_exit(0);
        }
        for (int i = 0; i < 5000 && !fs::exists(k.out + "/resume.json") && !fs::exists(k.out + "/index.json"); i++) ::usleep(1000);
        ::usleep(unsigned(milliseconds) * 1000);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        if (fs::exists(k.out + "/index.json")) continue;            // it was done already
        resumed += fs::exists(k.out + "/resume.json");
        t.check_error([&] { DataLoader({k.out, "train", 8}); }, "interrupted", "an unfinished folder is not read");
        run(k);
        t.check(contents(k.out) == whole, cat("killed after ", milliseconds, " ms and taken up: the same bytes in every file"));
    }
    t.check(resumed > 0, cat(resumed, " runs were taken up"));
    // a run that fails keeps what it noted
    TokenizeConfig f = c;
    f.shard_tokens = 100000000, f.out = dir / "whole1";
    run(f);
    const auto one_shard = contents(f.out);
    f.out = dir / "failed", f.threads = 1;
    run_until_full(t, f);
    t.check(names(f.out).find("resume.json") != std::string::npos, "and leaves a note: " + names(f.out));
    run(f);
    t.check(contents(f.out) == one_shard, "taken up: the same bytes");
    f.out = dir / "other";
    run_until_full(t, f);
    f.shard_tokens = c.shard_tokens;
    run(f);
    t.check(contents(f.out) == whole, "another command begins anew");
    f.out = dir / "spoiled", f.shard_tokens = 100000000;
    run_until_full(t, f);
    for (const auto& [name, content] : contents(f.out))
        if (name.ends_with("0.bin.tmp") && content.size() > 5000) {
            std::string bad = content;
            bad[4000] = char(bad[4000] ^ 1);
            put_file(f.out + "/" + name, bad);
        }
    t.check_error([&] { run(f); }, "is not as the interrupted run left it", "one flipped bit in an unfinished shard is seen");
    f.fresh = true;
    run(f);
    t.check(contents(f.out) == one_shard, "--fresh begins anew");
}

// Stopped twice within one file: the second note counts from the file's beginning, not from the first stop.
inline void test_resume_twice(Report& t) {
    TempDir dir;
    Rng rng(15);
    put_file(dir / "long.txt", random_text(rng, size_t(6) << 20));
    const std::string many = many_lines(rng, size_t(6) << 20);
    put_file(dir / "long.jsonl", many);
    std::vector<const char*> names_of_long = {"long.txt", "long.jsonl"};
#ifdef TRAIN_GPT_ZLIB
    put_file(dir / "long.jsonl.gz", gzipped(many));
    names_of_long.push_back("long.jsonl.gz");
#endif
    for (const char* name : names_of_long) {          // the text alone is one document, whose end goes to val
        TokenizeConfig two = config_for(dir, {dir / name}, cat("undisturbed ", name));
        two.val_fraction = 0.1, two.checkpoint_s = 0, two.threads = 1;
        run(two);
        const auto undisturbed = contents(two.out);
        two.out = dir / cat("twice ", name);
        run_until_full(t, two, 2500000);
        const std::string first_note = read_file(two.out + "/resume.json");
        run_until_full(t, two, 5000000);
        t.check(read_file(two.out + "/resume.json") != first_note, cat(name, ": the second try got further"));
        run(two);
        t.check(contents(two.out) == undisturbed, cat(name, ": stopped twice, the same bytes"));
    }
}

// Who stops at a broken line goes on behind it with --skip-bad.
inline void test_resume_with_skip_bad(Report& t) {
    TempDir dir;
    Rng rng(16);
    put_file(dir / "broken.jsonl", many_lines(rng, size_t(3) << 20) + "{\"text\": 3}\n" + many_lines(rng, size_t(1) << 20));
    TokenizeConfig broken = config_for(dir, {dir / "broken.jsonl"}, "broken");
    broken.checkpoint_s = 0, broken.threads = 1;
    t.check_error([&] { run(broken); }, "goes on after", "a broken line at the end stops the run");
    broken.skip_bad = true;
    t.check(run(broken).find("1 broken lines skipped") != std::string::npos, "--skip-bad goes on");
    TokenizeConfig whole_broken = broken;
    whole_broken.out = dir / "broken at once", whole_broken.fresh = true;
    run(whole_broken);
    t.check(contents(broken.out) == contents(whole_broken.out), "and the bytes are those of one run with --skip-bad");
}

// JsonField must say what nlohmann's parser says, whatever the line is.
inline void test_json_field(Report& t) {
    Rng rng(14);
    const char* units[] = {"{", "}", "[", "]", ":", ",", "\"", "\"text\"", "\"a\"", "1", "-0.5", "01", "1e5", "true", "null", "fals", " ", "\t",
                           "\\", "\\n", "\\u0041", "\\ud83d\\ude00", "\\ud83d", "\\u12", "\\x", "\xC3\xA9", "\xFF", "\x01", "\x7F", "\\/",
                           "plain words in a row", "12345678901234567890123", "\xED\xA0\x80"};
    int64_t accepted = 0, differ = 0, fast = 0;
    for (int64_t n = 0; n < 60000; n++) {
        std::string line;
        if (rng.below(2)) {                                         // a good line, damaged in a few places
            line = json_line(random_text(rng, rng.below(60), true));
            line.pop_back();
            for (uint64_t k = rng.below(4); k > 0; k--) {
                const size_t at = rng.below(line.size());
                if (rng.below(2)) line.insert(at, units[rng.below(std::size(units))]);
                else line.erase(at, 1 + rng.below(3));
            }
        } else {
            line = "{";
            for (uint64_t k = rng.below(9); k > 0; k--) line += units[rng.below(std::size(units))];
            if (rng.below(2)) line += "}";
        }
        tokenize::TextFieldReader reader("text"), other("text");
        std::string ours, theirs, plain;
        const std::string wrong = reader.read(line, ours), wanted = other.read_slowly(line, theirs);
        fast += tokenize::JsonField(line, "text", plain).read();
        accepted += wanted.empty();
        differ += wrong != wanted || (wanted.empty() && ours != theirs);
        if (tokenize::JsonField(line, "text", plain).read()) differ += !wanted.empty() || plain != theirs;
    }
    t.check(differ == 0 && accepted > 5000, cat("60,000 lines, ", accepted, " of them good: the same answers; others: ", differ));
    t.check(fast * 10 > accepted * 9, cat("control: the fast way took ", fast, " of them"));
    std::string text, deep = "{\"text\":\"x\",\"d\":", close;
    for (int i = 0; i < 100000; i++) deep += "[", close += "]";
    t.check(!tokenize::JsonField(deep + close + "}", "text", text).read(), "a line of 100,000 brackets is left to the other parser");
}

// The real corpus: 12,844,094 GPT-2 tokens and an end-of-text for each of its 2,221 documents (counted with tiktoken).
inline void test_starter(Report& t) {
    const std::string shared = shared_data(), what = "the starter corpus";
    if (shared.empty()) return t.skip(what, "no shared data here");
    if (std::system("command -v xz >/dev/null 2>&1") != 0) return t.skip(what, "xz is not installed");
    TempDir dir;
    const std::string file = shared + "/text/starter-train.jsonl.xz", pipe = dir / "starter.jsonl";
    if (std::system(cat("xz -dc '", file, "' > '", pipe, "'").c_str()) != 0) return t.skip(what, "xz cannot read it");
    TokenizeConfig c;
    c.tokenizer = shared + "/tokenizers/r50k_base.tiktoken", c.pattern = "gpt2", c.input = {pipe}, c.out = dir / "out";
    run(c);
    DataLoader loader({c.out, "train", 1024, "packed", 1, 50257});
    t.check(loader.split_info().documents == 2221, "2,221 documents");
    t.check(loader.num_tokens() == 12844094 + 2221, cat("12,844,094 tokens, 2,221 end-of-text: ", loader.num_tokens()));
    t.check(loader.split_info().text_bytes == 54205361, "54,205,361 bytes of text");
    int64_t documents = 0;
    for (const Segment& d : loader.documents(0, loader.num_tokens())) documents += d.length > 0;
    t.check(documents == 2221, "as many documents are found by their end-of-text");
    for (const int64_t T : {1024, 2048}) {                          // packed: how full the rows are, and what is left out
        DataLoader packed({c.out, "train", T, "packed", 1, 50257});
        int64_t held = 0;
        std::vector<Segment> row;
        std::vector<char> seen(size_t(packed.num_tokens()));
        for (int64_t r = 0; r < packed.rows_per_epoch(); r++) {
            packed.row_segments(r, row);
            for (const Segment& piece : row) {
                held += piece.length;
                for (int64_t i = 0; i < piece.length; i++) seen[size_t(piece.start + i)]++;
            }
        }
        t.check(held == packed.num_tokens() && std::count(seen.begin(), seen.end(), 1) == held, cat("packed, T = ", T, ": every token is in one row"));
        t.check(packed.rows_per_epoch() == (held + T - 1) / T, cat("packed, T = ", T, ": all rows but the last are full"));
    }
}

}  // namespace tokenize_test

inline Suite tokenize_tests() {
    using namespace tokenize_test;
    return {{"tokenize: a long text is cut only where no token changes", test_cuts},
            {"tokenize: a single document is split near the wanted place", test_val_cut},
            {"tokenize: the shards do not depend on the number of threads", test_threads},
            {"tokenize: index.json says what the shards hold", test_index},
            {"tokenize: bytes have no end-of-text, large vocabularies 32 bits", test_vocabularies},
            {"tokenize: the validation split is exact and by document", test_val_split},
            {"tokenize: a single document gives its end to the validation split", test_single_document},
            {"tokenize: files, folders, pipes and stdin are read in order", test_inputs},
            {"tokenize: a broken line is named, or counted", test_bad_lines},
            {"tokenize: wrong usage and unusable input are refused", test_errors},
            {"tokenize: a folder is replaced whole, on demand, or not at all", test_overwrite},
            {"tokenize: a full disk leaves nothing behind", test_disk_full},
            {"tokenize: gzip and zstd files are the text that is in them", test_compressed},
            {"tokenize: archives and binary files in a folder", test_foreign_files},
            {"tokenize: a run that was killed goes on and writes the same bytes", test_resume},
            {"tokenize: a run that was stopped twice within one file", test_resume_twice},
            {"tokenize: a run that stopped at a broken line goes on with --skip-bad", test_resume_with_skip_bad},
            {"tokenize: the fast reader of JSONL says what nlohmann's says", test_json_field},
            {"tokenize: the starter corpus has the tokens that tiktoken counts", test_starter}};
}
