// bench_tokenizer.hpp -- `train_gpt bench tokenizer`: training, encoding and decoding the embedded world's text.
// Apart from bench.hpp, because it needs the text chapters and the rest of the bench needs the model (see text_chapters.cpp).
#pragma once

#include "text_chapters.hpp"
#include "timing.hpp"
#include "tokenizer.hpp"
#include "world.hpp"

inline nlohmann::ordered_json measure_tokenizer() {
    std::vector<std::string> documents;
    int64_t bytes = 0;
    const World world;
    for (int64_t i = 0; bytes < 8 << 20; i++) {
        documents.push_back(world.document(uint64_t(i)).text);
        bytes += int64_t(documents.back().size());
    }
    const double megabytes = double(bytes) * 1e-6;
    std::printf("\ntokenizer: %.1f MB of world text, %zu documents, pattern gpt2\n", megabytes, documents.size());
    std::optional<Tokenizer> tokenizer;
    const bench::Timing train = bench::measure([&] { tokenizer = Tokenizer::train(documents, 8192, "gpt2"); });
    int64_t tokens = 0;
    std::vector<std::vector<int32_t>> ids(documents.size());
    const bench::Timing encode = bench::measure([&] {
        tokens = 0;
        for (size_t i = 0; i < documents.size(); i++) tokens += int64_t((ids[i] = tokenizer->encode(documents[i])).size());
    });
    size_t decoded = 0;
    const bench::Timing decode = bench::measure([&] {
        decoded = 0;
        for (const auto& document : ids) decoded += tokenizer->decode(document).size();
    });
    ASSERT(int64_t(decoded) == bytes, "decoded ", decoded, " of ", bytes, " bytes");
    std::printf("  train 8,192 ids %.1f MB/s (+-%.0f%%), encode %.1f MB/s (+-%.0f%%) and %.1fM tokens/s on one thread, decode %.0f MB/s; %.3f bytes a token\n",
                megabytes / train.s, train.spread * 100, megabytes / encode.s, encode.spread * 100, double(tokens) / encode.s * 1e-6,
                megabytes / decode.s, double(bytes) / double(tokens));
    std::fflush(stdout);
    return {{"bytes", bytes}, {"vocab_size", 8192}, {"tokens", tokens}, {"train_mb_per_s", megabytes / train.s}, {"encode_mb_per_s", megabytes / encode.s},
            {"encode_spread", encode.spread}, {"decode_mb_per_s", megabytes / decode.s}};
}
