// Texts: every pattern, the fast splitter and encoder against the plain ones, cuts, special tokens. The first byte chooses.
#include "../../tokenizer.hpp"
#include "fuzz.hpp"

static const std::vector<Tokenizer>& tokenizers() {
    static const std::vector<Tokenizer> all = [] {
        std::vector<Tokenizer> v;
        const std::string text = "The ship's crew didn't see 12345 birds,\n\nbut they'LL hear them... \t  and again; \xC3\xA9t\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87 aaaaaaaa bbbb";
        for (const char* pattern : {"gpt2", "cl100k", "o200k", "llama3", "nanochat"})
            v.push_back(Tokenizer::train({text, text + " the", "  the the  they"}, 330, pattern, 1, {kEndOfText, "<|", "|>"}));
        return v;
    }();
    return all;
}
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const Tokenizer& t = tokenizers()[data[0] % tokenizers().size()];
    const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto ids = t.encode(text);
    must(t.decode(ids) == text);
    std::vector<int32_t> plain;                      // piece by piece, without table and cache: here a whole piece always has its merges
    for_each_piece(parse_split(t.pattern()), text, [&](std::string_view piece) { t.encode_piece_append(plain, piece); });
    must(ids == plain);
    const auto with_special = t.encode(text, SpecialPolicy::all);
    must(t.decode(with_special) == text);
    if (text.size() > 1) {
        const size_t at = 1 + data[1] % (text.size() - 1);
        if (t.may_cut(text, at, SpecialPolicy::all)) {
            auto joined = t.encode(text.substr(0, at), SpecialPolicy::all);
            for (const int32_t id : t.encode(text.substr(at), SpecialPolicy::all)) joined.push_back(id);
            must(joined == with_special);
        }
    }
    must(to_valid_utf8(text).size() >= text.size() / 4 && is_valid_utf8(to_valid_utf8(text)));
    return 0;
}
