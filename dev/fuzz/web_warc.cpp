// Web archives: any bytes as WARC, ARC or gzip of them; the pages in them, in any charset.
#include "../data/warc_reader.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const FuzzFile file("warc");
    constexpr int64_t kMost = 5000;
    answered([&] {
        WarcReader reader(file.write({reinterpret_cast<const char*>(data), size}), kMost);
        WarcRecord record;
        int64_t records = 0;
        while (reader.next(record)) {
            must(++records <= int64_t(size) * 1100 + 1);     // deflate makes at most 1032 bytes of one
            must(int64_t(record.body.size()) <= kMost + 65536 && record.status >= 0 && record.status <= 999);
            must(is_valid_utf8(decode_page(record.body, record.charset).text));
        }
        must(reader.counts().records == records);
    });
    return 0;
}
