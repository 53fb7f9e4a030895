// HTML: any bytes as a page become valid UTF-8, and its main text with them.
#include "../data/charset.hpp"
#include "../data/extract_text.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string page = decode_page({reinterpret_cast<const char*>(data), size}).text;
    must(is_valid_utf8(page));
    for (const bool structure : {true, false}) {
        ExtractOptions options;
        options.keep_tables = options.keep_lists = structure;
        const Extracted e = extract_text(page, options);
        must(is_valid_utf8(e.text) && is_valid_utf8(e.title) && is_valid_utf8(e.date) && is_valid_utf8(e.language));
        must(e.text.size() <= 4 * page.size() + 1000);       // a character reference is never longer than what it stands for; marks of lists are short
        must(extract_text(page, options).text == e.text);
    }
    return 0;
}
