// What looks at texts: the quality filters, word splitter, MinHash and the search for personal numbers, on any text.
#include "../data/minhash.hpp"
#include "../data/pii.hpp"
#include "../data/quality.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace webtext;
    const std::string text = to_valid_utf8({reinterpret_cast<const char*>(data), size});
    static const QualityConfig config;
    static QualityFilters filters(config);
    static const PiiConfig pii_config = [] {
        PiiConfig c;
        c.phones = c.cards = c.ssn = true;
        return c;
    }();
    static PiiStage pii(pii_config);
    static MinHasher xxhash(5, 112, false), sha1(5, 112, true);
    filters.set_text(text);
    for (const Verdict& v : {filters.repetition(), filters.gopher(), filters.fineweb()}) must(v.keep == v.reason.empty() && std::isfinite(v.value));
    std::string left;
    must(!filters.c4(left).keep || (is_valid_utf8(left) && left.size() <= text.size()));
    must(xxhash.signature(text).size() == sha1.signature(text).size());
    pii.begin_file("", 0);
    Document d;
    d.text = text;
    must(pii.process(d).keep && is_valid_utf8(d.text));
    return 0;
}
