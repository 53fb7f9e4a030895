// The readers of tokenizer.json, .tiktoken, llm.c's .bin and merges.txt; the first byte chooses. What is read must encode and decode.
#include "../../tokenizer.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    answered([&] {
        Tokenizer::Parts parts;
        switch (data[0] % 4) {
            case 0: parts = TokenizerFiles::read_json(bytes, "FILE", ""); break;
            case 1: parts = TokenizerFiles::read_tiktoken(bytes, "FILE", "cl100k"); break;
            case 2: parts = TokenizerFiles::read_llmc(bytes, "FILE", ""); break;
            case 3: {
                const auto alphabet = TokenizerFiles::from_alphabet(bytes);
                if (alphabet) must(TokenizerFiles::to_alphabet(*alphabet) == bytes);
                const auto base64 = TokenizerFiles::from_base64(bytes);
                if (base64) must(TokenizerFiles::from_base64(TokenizerFiles::to_base64(*base64)) == base64);
                return;
            }
        }
        const Tokenizer tokenizer = Tokenizer::build(std::move(parts));
        const std::string text(bytes.substr(0, 2000));
        const auto ids = tokenizer.encode(text);
        for (const int32_t id : ids) must(id >= 0 && id < tokenizer.vocab_size());
        bool unknown = false;                        // bytes that the vocabulary lacks do not come back
        for (int b = 0; b < 256; b++) unknown |= tokenizer.is_special(tokenizer.byte_id(static_cast<unsigned char>(b)));
        if (!unknown) must(tokenizer.decode(ids) == text);
        answered([&] {                               // what can be written reads back as the same
            const std::string json = TokenizerFiles::json(tokenizer);
            must(Tokenizer::build(TokenizerFiles::read_json(json, "COPY", "")).hash() == tokenizer.hash());
        });
    });
    return 0;
}
