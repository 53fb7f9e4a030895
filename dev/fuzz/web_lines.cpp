// Documents as lines: any bytes as a JSONL file, plain or compressed. What was read is written and read again as the same.
#include "../data/io.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace webtext;
    static const FuzzFile file("lines");
    answered([&] {
        InputFile in(file.write({reinterpret_cast<const char*>(data), size}), 3000);
        std::string_view line;
        std::string why;
        Document d, again;
        while (in.line(line)) {
            must(in.too_long() ? line.empty() : line.size() <= 3000);
            const bool read = parse_document(line, d, why), slowly = parse_document_slowly(line, again, why);
            must(read == slowly && (!read || (d.text == again.text && d.metadata == again.metadata)));
            if (!read) continue;
            must(is_valid_utf8(d.text));
            std::string written = document_line(d);
            must(written.find('\n') == written.size() - 1 && is_valid_utf8(written));
            written.pop_back();
            must(parse_document(written, again, why) && again.text == d.text && document_line(again) == written + "\n");
        }
    });
    return 0;
}
