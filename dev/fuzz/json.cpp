// The readers of JSON: a line of JSONL by the fast way and by nlohmann's, half surrogate pairs, and the notes of tokenize.
#include "../../dataloader.hpp"
#include "../../jsonl.hpp"
#include "../../tokenizer_files.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    tokenize::TextFieldReader reader("text"), other("text");
    std::string ours, theirs;
    const std::string wrong = reader.read(line, ours), expected = other.read_slowly(line, theirs);
    must(wrong == expected && (!wrong.empty() || (ours == theirs && is_valid_utf8(ours))));
    const std::string mended = mend_surrogates(std::string(line));
    must(mended.size() == line.size() && mend_surrogates(mended) == mended);
    answered([&] { parse_json(line, "LINE"); });
    answered([&] { index_from_json(std::string(line), "INDEX"); });
    return 0;
}
