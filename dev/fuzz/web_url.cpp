// Addresses and block lists: the input is a list, a NUL, an address. What is listed must be found.
#include "../data/url.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace webtext;
    static const FuzzFile list("url_list"), suffixes("url_suffixes");
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const size_t nul = all.find('\0');
    const std::string lines(all.substr(0, nul)), url(nul == all.npos ? "" : all.substr(nul + 1));
    UrlConfig c;
    c.public_suffixes = suffixes.write("com\nuk\nco.uk\n*.ck\n!www.ck\n");
    const PublicSuffixes public_suffixes(c.public_suffixes, false);
    const std::string host = host_of(url), registered = public_suffixes.registered_domain(host);
    must(host.size() <= url.size() && (registered.empty() || host.ends_with(registered)));
    answered([&] {
        c.domains = c.urls = c.words = c.soft_words = c.subwords = {list.write(lines)};
        UrlStage stage(c);
        const Verdict v = stage.judge(url);
        must(v.keep == v.reason.empty());
    });
    if (url.find_first_of(" \t\r\n#") == url.npos && url.size() > 3) answered([&] {
        UrlConfig one;
        one.urls = {list.write(url + "\n")};
        must(!UrlStage(one).judge(url).keep);
    });
    return 0;
}
