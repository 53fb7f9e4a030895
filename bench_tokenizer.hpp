// bench_tokenizer.hpp -- `train_gpt bench tokenizer`: from text to batches, each step on one thread, in bytes per CPU second.
//
// The text is the embedded world's, or TRAIN_GPT_BENCH_TEXT=FILE (text or JSONL, also .gz and .zst). The vocabularies are
// trained on it, or TRAIN_GPT_BENCH_VOCABULARIES=DIR (r50k_base.tiktoken, cl100k_base.tiktoken, o200k_base.tiktoken). CPU
// seconds, because a neighbour on the machine then costs cache, not time; medians of five runs. dev/bench/compare_tokenizers.py
// runs this beside tiktoken, Hugging Face's tokenizers and rustbpe on the same text.
// Apart from bench.hpp, because it needs the text chapters and the rest of the bench needs the model (see text_chapters.cpp).
#pragma once

#include <ctime>

#include "text_chapters.hpp"
#include "timing.hpp"
#include "tokenize.hpp"
#include "tokenizer_commands.hpp"

namespace bench_tokenizers {

using Json = nlohmann::ordered_json;

inline double thread_cpu_s() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}
// CPU seconds of this thread in f: the median of five runs after one that is not counted.
template <typename F>
double cpu_s(F&& f, int runs = 5) {
    std::vector<double> times;
    for (int i = 0; i <= runs; i++) {
        const double start = thread_cpu_s();
        f();
        if (i > 0) times.push_back(thread_cpu_s() - start);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

struct Texts {
    std::string name;
    std::vector<std::string> documents;
    int64_t bytes = 0;
    double mb_per_s(double s) const { return double(bytes) * 1e-6 / s; }
};
inline Texts bench_texts() {
    Texts t;
    if (const char* file = std::getenv("TRAIN_GPT_BENCH_TEXT"); file && *file) {
        TokenizerTrainConfig inputs;
        inputs.input = {file}, inputs.pattern = "gpt2";
        for_each_input_text(inputs, [&](std::string text) { t.documents.push_back(std::move(text)); });
        t.name = file;
    } else {
        t.documents = world_texts(8 << 20);
        t.name = "world text";
    }
    for (const auto& d : t.documents) t.bytes += int64_t(d.size());
    if (t.bytes == 0) throw Error(cat(t.name, ": no text to measure with"));
    return t;
}

inline Json bench_training(const Texts& texts, std::optional<Tokenizer>& tokenizer) {
    constexpr int32_t kIds = 32768;
    std::optional<bpe::PieceCounts> counts;
    const double count_s = cpu_s([&] {
        bpe::CorpusCounter counter(Split::gpt2, 1, {kEndOfText});
        for (const auto& d : texts.documents) counter.add(d);
        counts = counter.finish();
    }, 3);
    const double merge_s = cpu_s([&] { tokenizer = Tokenizer::train(*counts, kIds, "gpt2"); }, 3);
    std::printf("  train %s ids: split and count %.1f MB/s, %s merges in %.2f s\n", with_commas(kIds).c_str(), texts.mb_per_s(count_s),
                with_commas(int64_t(tokenizer->merges().size())).c_str(), merge_s);
    return {{"vocab_size", kIds}, {"train_mb_per_s", texts.mb_per_s(count_s + merge_s)}, {"count_mb_per_s", texts.mb_per_s(count_s)},
            {"merge_s", merge_s}};
}

inline Json bench_encoding(const Texts& texts, const Tokenizer& tokenizer, const std::string& name) {
    std::vector<std::vector<int32_t>> ids(texts.documents.size());
    int64_t tokens = 0, pieces = 0, decoded = 0;
    const double split_s = cpu_s([&] {
        pieces = 0;
        for (const auto& d : texts.documents) for_each_piece(parse_split(tokenizer.pattern()), d, [&](std::string_view) { pieces++; });
    });
    const double encode_s = cpu_s([&] {
        tokens = 0;
        for (size_t i = 0; i < ids.size(); i++) {
            ids[i].clear();
            tokenizer.encode_append(ids[i], texts.documents[i]);
            tokens += int64_t(ids[i].size());
        }
    });
    const double decode_s = cpu_s([&] {
        decoded = 0;
        for (const auto& document : ids) decoded += int64_t(tokenizer.decode(document).size());
    });
    ASSERT(decoded == texts.bytes, "decoded ", decoded, " of ", texts.bytes, " bytes");
    double run_ms = 0;
    for (const char c : {'a', ' ', '\n', '^', '0', 'A'}) {
        const std::string run(100000, c);
        run_ms = std::max(run_ms, 1e3 * cpu_s([&] { tokenizer.encode(run); }));
    }
    std::string whole;
    for (const auto& d : texts.documents) whole += d;
    const int threads = omp_get_num_procs();
    const double one_s = bench::measure([&] { tokenizer.encode_parallel(whole, 1); }, 3).s;
    const double all_s = bench::measure([&] { tokenizer.encode_parallel(whole, threads); }, 3).s;
    std::printf("  %-7s encode %6.1f MB/s, split alone %.0f, decode %.0f; %.3f bytes a token; 100,000 times one character %.1f ms; "
                "%d threads in one text: %.2f times one\n",
                name.c_str(), texts.mb_per_s(encode_s), texts.mb_per_s(split_s), texts.mb_per_s(decode_s), double(texts.bytes) / double(tokens), run_ms,
                threads, one_s / all_s);
    std::fflush(stdout);
    return {{"tokens", tokens}, {"pieces", pieces}, {"encode_mb_per_s", texts.mb_per_s(encode_s)}, {"split_mb_per_s", texts.mb_per_s(split_s)},
            {"decode_mb_per_s", texts.mb_per_s(decode_s)}, {"run_ms", run_ms}, {"threads", threads}, {"threads_speedup", one_s / all_s}};
}

// The packed rows of an epoch: which share of their places trains, and which share of the tokens is never a target.
inline Json bench_packed_rows(const std::string& dir, int64_t T) {
    const OrderStats o = order_stats({dir, "train", T, "packed"});
    const double lost = double(o.lost) / double(o.targets + o.lost);
    std::printf("  packed rows, T=%lld: %.2f %% used, %.4f %% of the tokens lost\n", (long long)T, 100 * o.used, 100 * lost);
    return {{cat("packed_used_", T), o.used}, {cat("packed_lost_", T), lost}};
}

// Seconds from nothing to the first row of 1,000 shards of 200 MB: files that have their size, but no blocks on the disk. Wall time.
inline Json bench_startup(const std::string& dir) {
    constexpr int64_t kShards = 1000, kTokens = 100'000'000;
    make_directories(dir);
    const auto header = shard_header(false, kTokens);
    for (int64_t s = 0; s < kShards; s++) {
        const std::string path = strprintf("%s/x_train_%06lld.bin", dir.c_str(), (long long)s);
        write_file(path, std::string(reinterpret_cast<const char*>(header.data()), sizeof header));
        fs::resize_file(path, uintmax_t(kShardHeaderBytes + kTokens * 2));
    }
    std::vector<int32_t> inputs(1024), targets(1024);
    std::vector<float> weights(1024);
    const double s = bench::measure([&] {
        DataLoader loader({dir, "train", 1024, "shuffled"});
        loader.read_rows(123456, 1, inputs.data(), targets.data(), weights.data());
    }, 5).s;
    std::printf("  opening 1,000 shards of 200 MB and reading a row: %.3f s\n", s);
    return {{"startup_s", s}};
}

// JSONL -> shards, read back and checked; then batches from them.
inline Json bench_shards(const Texts& texts, const Tokenizer& tokenizer, double encode_mb_per_s) {
    const tokenize::TemporaryFolder folder((fs::temp_directory_path() / cat("train_gpt_bench_", ::getpid())).string());
    std::string lines;
    for (const auto& d : texts.documents) lines += json_text(nlohmann::json{{"text", to_valid_utf8(d)}}) + "\n";
    TokenizeConfig c;
    c.input = {folder.path + "/in.jsonl"}, c.out = folder.path + "/out", c.threads = 1, c.overwrite = true;
    write_file(c.input[0], lines);
    make_directories(c.out);
    const double tokenize_s = cpu_s([&] {
        tokenize::Source source(tokenize::list_inputs(c.input, c.format, c.out), 0, true);
        tokenize::FolderWriter out(c, tokenizer, -1, "");
        tokenize::encode_in_order(source, out, 1, [&] { return tokenize::Encoder(tokenizer, c, 0); });
        out.publish();
    }, 3);
    std::printf("  tokenize JSONL to checked shards: %.1f MB/s of text, %.0f %% of encoding alone\n", texts.mb_per_s(tokenize_s),
                100 * texts.mb_per_s(tokenize_s) / encode_mb_per_s);
    Json result = {{"tokenize_mb_per_s", texts.mb_per_s(tokenize_s)}};
    constexpr int64_t T = 1024, rows = 32;
    std::vector<int32_t> inputs(rows * T), targets(rows * T);
    std::vector<float> weights(rows * T);
    for (const char* order : {"contiguous", "shuffled", "packed"}) {
        LoaderOptions options{c.out, "train", T, order};
        DataLoader loader(options);
        const int64_t fetches = std::max<int64_t>(1, std::min<int64_t>(loader.rows_per_epoch(), 20000) / rows);
        const double s = cpu_s([&] {
            for (int64_t f = 0; f < fetches; f++) loader.read_rows(f * rows, rows, inputs.data(), targets.data(), weights.data());
        });
        const double gb_per_s = double(fetches * rows * T) * 2e-9 / s;
        std::printf("%s%s %.2f GB/s", order == std::string("contiguous") ? "  loader, T=1024, of uint16 tokens: " : ", ", order, gb_per_s);
        result[cat("loader_", order, "_gb_per_s")] = gb_per_s;
    }
    std::printf("\n");
    for (const int64_t length : {1024, 2048}) result.update(bench_packed_rows(c.out, length));
    result.update(bench_startup(folder.path + "/many"));
    std::fflush(stdout);
    return result;
}

}  // namespace bench_tokenizers

inline nlohmann::ordered_json measure_tokenizer() {
    using namespace bench_tokenizers;
    const Texts texts = bench_texts();
    std::printf("\ntokenizer: %.1f MB of %s, %s documents; one thread, MB per CPU second, medians\n", double(texts.bytes) * 1e-6, texts.name.c_str(),
                with_commas(int64_t(texts.documents.size())).c_str());
    std::optional<Tokenizer> trained;
    Json result = {{"text", texts.name}, {"bytes", texts.bytes}};
    result.update(bench_training(texts, trained));
    const Json own = bench_encoding(texts, *trained, "trained");
    result.update(own);
    const char* folder = std::getenv("TRAIN_GPT_BENCH_VOCABULARIES");
    for (const auto& [file, pattern] : {std::pair{"r50k_base", "gpt2"}, {"cl100k_base", "cl100k"}, {"o200k_base", "o200k"}})
        if (const std::string path = cat(folder ? folder : "", "/", file, ".tiktoken"); folder && fs::exists(path))
            result[pattern] = bench_encoding(texts, Tokenizer::load(path, pattern), pattern);
    result.update(bench_shards(texts, *trained, own["encode_mb_per_s"].get<double>()));
    return result;
}
