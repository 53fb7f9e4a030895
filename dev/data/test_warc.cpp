// test_warc.cpp -- archives whole, broken on purpose, and from the wild; and the charsets of their pages.
#include "../test/test.hpp"
#include "warc_reader.hpp"

using namespace std::string_literals;

namespace {

std::string gzip(const std::string& text) {
    std::string out(text.size() + 1024, '\0');
    z_stream z{};
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = uInt(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = uInt(out.size());
    deflate(&z, Z_FINISH);
    out.resize(out.size() - z.avail_out);
    deflateEnd(&z);
    return out;
}
std::string warc_record(const std::string& url, const std::string& http, int64_t length = -1) {
    return cat("WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: ", url, "\r\nWARC-Date: 2024-05-06T07:08:09Z\r\n",
               "Content-Type: application/http; msgtype=response\r\nContent-Length: ", length < 0 ? int64_t(http.size()) : length, "\r\n\r\n", http, "\r\n\r\n");
}
std::string http(const std::string& headers, const std::string& body) { return cat("HTTP/1.1 200 OK\r\n", headers, "\r\n", body); }

struct Read {
    std::vector<WarcRecord> records;
    WarcCounts counts;
};
Read read_all(const std::string& path, int64_t max_body = 1 << 20) {
    WarcReader reader(path, max_body);
    Read r;
    WarcRecord record;
    while (reader.next(record)) r.records.push_back(record);
    r.counts = reader.counts();
    return r;
}
Read read_bytes(const std::string& bytes, int64_t max_body = 1 << 20) {
    TempDir dir;
    std::FILE* f = std::fopen((dir / "a.warc").c_str(), "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), f);
    std::fclose(f);
    return read_all(dir / "a.warc", max_body);
}

void test_records(Report& t) {
    const std::string one = warc_record("http://a.example/x y", http("Content-Type: Text/HTML; charset=\"koi8-r\"\r\n", "<p>one"));
    const std::string two = warc_record("http://b.example/", http("Content-Type: text/plain\r\n", "two"));
    for (const bool packed : {false, true}) {
        const Read r = packed ? read_bytes(gzip(one) + gzip(two)) : read_bytes(one + two);
        const std::string what = packed ? "gzip members: " : "plain: ";
        t.check(r.records.size() == 2, what + "two records");
        if (r.records.size() != 2) continue;
        t.check(r.records[0].url == "http://a.example/x y" && r.records[0].body == "<p>one" && r.records[0].status == 200, what + "url, body, status");
        t.check(r.records[0].content_type == "text/html" && r.records[0].charset == "KOI8-R", what + "type and charset: " + r.records[0].charset);
        t.check(r.records[1].body == "two" && r.records[1].date == "2024-05-06T07:08:09Z", what + "second body and date");
        t.check(r.counts.bad_header + r.counts.bad_length + r.counts.bad_chunks + r.counts.broken_members + r.counts.truncated == 0, what + "nothing is counted as broken");
    }
    const Read cut = read_bytes(warc_record("http://a/", http("", std::string(5000, 'x'))), 1000);
    t.check(cut.records.size() == 1 && cut.records[0].truncated && cut.counts.truncated == 1, "a body beyond max_body is cut and counted");
    t.check(read_bytes("").records.empty(), "an empty file has no records");
    t.check_error([] { WarcReader("/no/such/file.warc"); }, "cannot be opened", "a missing file");
}

void test_codings(Report& t) {
    const std::string html = "<html>chunked text</html>";
    const auto body_of = [&](const std::string& headers, const std::string& body, WarcCounts* counts = nullptr) {
        const Read r = read_bytes(warc_record("http://a/", http(headers, body)));
        if (counts) *counts = r.counts;
        return r.records.empty() ? std::string("(none)") : r.records[0].body;
    };
    const std::string chunks = "6\r\n<html>\r\n7;ext=1\r\nchunked\r\nC\r\n text</html>\r\n0\r\n\r\n";
    WarcCounts c;
    t.check(body_of("Transfer-Encoding: chunked\r\n", chunks, &c) == html && c.bad_chunks == 0, "chunks are joined, extensions ignored");
    t.check(body_of("Transfer-Encoding: chunked\r\n", html, &c) == html && c.bad_chunks == 1, "a body that is not chunked stays, counted");
    t.check(body_of("Transfer-Encoding: chunked\r\n", chunks.substr(0, 20), &c) == "<html>chun" || c.bad_chunks == 1, "a cut chunk is counted");
    t.check(body_of("Transfer-Encoding: chunked\r\n", "FFFFFFFF\r\nabc", &c) == "abc" && c.bad_chunks == 1, "a huge chunk size takes what there is");
    t.check(body_of("Content-Encoding: gzip\r\n", gzip(html), &c) == html && c.undecoded == 0, "gzip");
    t.check(body_of("Content-Encoding: gzip\r\n", html, &c) == html && c.undecoded == 0, "said to be gzip, is plain");
    const std::string whole = gzip(html + html + html);
    t.check(body_of("Content-Encoding: gzip\r\n", whole.substr(0, whole.size() - 8)).substr(0, 6) == "<html>", "cut gzip gives its beginning");
    t.check(body_of("Content-Encoding: br\r\n", "\x8b\x03\x80\xff\xfe", &c).size() == 5 && c.undecoded == 1, "Brotli is counted");
}

void test_damage(Report& t) {
    const std::string a = warc_record("http://a/", http("", "first body")), b = warc_record("http://b/", http("", "second body"));
    const auto has_b = [](const Read& r) { return !r.records.empty() && r.records.back().body == "second body"; };
    Read r = read_bytes(warc_record("http://a/", http("", "first body"), 8) + b);
    t.check(has_b(r) && r.counts.bad_length == 1, "a length too short is survived and counted");
    std::string no_length = a;
    no_length.replace(no_length.find("Content-Length"), 14, "Content-Lengtx");
    r = read_bytes(no_length + b);
    t.check(has_b(r) && r.records.size() == 1 && r.counts.bad_header == 1, "a record without a length is skipped and counted");
    std::string flipped = gzip(a);
    flipped[flipped.size() / 2] = char(flipped[flipped.size() / 2] ^ 0x55);
    r = read_bytes(flipped + gzip(b));
    t.check(has_b(r) && r.counts.broken_members >= 1, "a broken gzip member is survived and counted");
    t.check(read_bytes(gzip(a) + gzip(b).substr(0, 60)).counts.broken_members == 1, "a cut last member is counted");
    t.check(has_b(read_bytes("junk\nmore junk\n" + b)), "junk at the start");
    // any single byte changed and any cut: no crash, no endless loop, and mostly the other record
    std::mt19937 gen(5);
    int64_t survived = 0;
    const int64_t rounds = 300;
    for (int64_t i = 0; i < rounds; i++) {
        std::string bytes = i % 2 ? gzip(a) + gzip(b) : a + b;
        const size_t limit = i % 2 ? gzip(a).size() : a.size();
        bytes[gen() % limit] = char(gen());
        survived += has_b(read_bytes(bytes));
        read_bytes(bytes.substr(0, gen() % bytes.size()));
    }
    t.check(survived >= rounds * 9 / 10, cat("after one byte of damage the next record is found: ", survived, " of ", rounds));
}

void test_arc(Report& t) {
    const std::string body = http("Content-Type: text/html\r\n", "<p>arc");
    const std::string head = "filedesc://x.arc 127.0.0.1 20140216050221 text/plain 10\n1 0 Name\n\n\n";
    const std::string bytes = cat(head, "http://e.example/a b 93.184.216.119 20140216050221 text/html ", body.size(), "\n", body, "\n");
    const Read r = read_bytes(bytes);
    t.check(r.records.size() == 2 && r.records[1].url == "http://e.example/a b" && r.records[1].body == "<p>arc", "an ARC record, a space in its URL");
    t.check(r.records.size() == 2 && r.records[1].date == "2014-02-16T05:02:21Z" && r.records[0].type == "warcinfo", "date and type");
}

// The test archives of the warcio project: what each holds by `zcat FILE | grep -a ^WARC-Type` and the like.
void test_wild(Report& t) {
    const std::string folder = shared_data() + "/web/warc/test__data__";
    if (shared_data().empty() || !fs::exists(folder + "example.warc")) return t.skip("archives from the wild", "../shared/data/web/warc is absent");
    struct Expected {
        const char* file;
        int64_t at_least, responses;
        bool damaged;
    };
    const Expected expected[] = {{"example.warc", 6, 1, false}, {"example.warc.gz", 6, 1, false}, {"example.arc", 2, 1, false}, {"example.arc.gz", 2, 1, false},
        {"example-space-in-url.arc", 2, 1, true}, {"example-space-in-target-uri.warc.gz", 1, 0, false}, {"example-resource.warc.gz", 3, 0, false},
        {"example-iana.org-chunked.warc", 3, 1, false}, {"example-digest.warc", 4, 0, false}, {"example-wget-bad-target-uri.warc.gz", 5, 1, false},
        {"post-test.warc.gz", 6, 3, false}, {"example-bad-non-chunked.warc.gz", 4, 1, false}, {"example-wrong-chunks.warc.gz", 1, 1, false},
        {"example-trunc.warc", 2, 1, true}, {"example-bad.warc.gz.bad", 6, 2, false}, {"bad.arc", 1, 0, true}};
    for (const Expected& e : expected) {
        const Read r = read_all(folder + e.file);
        int64_t responses = 0;
        for (const WarcRecord& record : r.records) responses += record.type == "response";
        const WarcCounts& c = r.counts;
        const int64_t broken = c.bad_header + c.bad_length + c.broken_members + c.truncated;
        const std::string numbers = cat(e.file, ": ", r.records.size(), " records, ", responses, " responses; bad header ", c.bad_header, ", length ", c.bad_length,
                                        ", member ", c.broken_members, ", truncated ", c.truncated, ", chunks ", c.bad_chunks, ", undecoded ", c.undecoded);
        t.check(int64_t(r.records.size()) >= e.at_least && responses >= e.responses, numbers);
        t.check(e.damaged == (broken > 0), cat(numbers, e.damaged ? ": damage is counted" : ": nothing is counted as damaged"));
    }
}

void test_charsets(Report& t) {
    const auto decode = [](const std::string& bytes, const char* header = "") { return decode_page(bytes, header); };
    const auto encode = [](const std::string& utf8, const char* charset) {
        const iconv_t c = ::iconv_open(charset, "UTF-8");
        std::string out(utf8.size() * 4, '\0');
        char *in = const_cast<char*>(utf8.data()), *to = out.data();
        size_t left = utf8.size(), room = out.size();
        ::iconv(c, &in, &left, &to, &room);
        ::iconv_close(c);
        out.resize(out.size() - room);
        return out;
    };
    const std::string russian = "Все люди рождаются свободными и равными в своем достоинстве и правах.",
                      japanese = "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
                      chinese = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
                      korean = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.", french = "déclaration “universelle” — œuvre à 5 €";
    struct Case { const std::string& text; const char *charset, *name; };
    for (const Case& c : {Case{russian, "WINDOWS-1251", "WINDOWS-1251"}, Case{russian, "KOI8-R", "KOI8-R"}, Case{russian, "ISO-8859-5", "ISO-8859-5"},
                          Case{japanese, "CP932", "CP932"}, Case{japanese, "EUC-JP", "EUC-JP"}, Case{chinese, "GB18030", "GB18030"},
                          Case{korean, "CP949", "CP949"}}) {
        const DecodedText guessed = decode(encode(c.text, c.charset));
        t.check(guessed.text == c.text && std::string(guessed.how) == "guess", cat(c.charset, " is guessed: ", guessed.charset, " ", guessed.how));
        t.check(decode(encode(c.text, c.charset), c.charset).text == c.text, cat(c.charset, " by the header"));
        const std::string meta = cat("<html><meta http-equiv=Content-Type content='text/html; charset=", c.charset, "'>") + encode(c.text, c.charset);
        const DecodedText by_meta = decode(meta);
        t.check(by_meta.text.find(c.text) != std::string::npos && std::string(by_meta.how) == "meta", cat(c.charset, " by meta: ", by_meta.how));
    }
    t.check(decode(encode(french, "WINDOWS-1252")).text == french, "Windows-1252 is the fallback");
    t.check(decode(encode(french, "WINDOWS-1252"), "iso-8859-1").text == french, "a page labelled ISO-8859-1 is read as Windows-1252");
    t.check(decode(encode(french, "WINDOWS-1252"), "utf-8").text == french, "a wrong label utf-8 is not believed");
    t.check(decode(french, "iso-8859-1").text == french, "valid UTF-8 wins over a wrong label");
    t.check(decode("\xEF\xBB\xBF" + french, "koi8-r").text == french, "a byte order mark wins");
    t.check(decode("\xFF\xFEh\0i\0"s).text == "hi", "UTF-16 with a byte order mark");
    std::string long_text;
    for (int i = 0; i < 20; i++) long_text += russian + " and English words. ";
    const DecodedText damaged = decode(long_text + "\xFF" + long_text, "utf-8");
    t.check(damaged.charset == "UTF-8" && damaged.broken == 1, "one broken byte does not change the charset");
    t.check(decode("abc", "no-such-charset").text == "abc" && decode("caf\xE9", "no-such-charset").text == "café", "an unknown label is passed over");
    std::mt19937 gen(7);
    bool valid = true;
    for (int i = 0; i < 300; i++) {
        std::string noise(gen() % 300, '\0');
        for (char& ch : noise) ch = char(gen());
        valid &= is_valid_utf8(decode(noise, i % 3 == 0 ? "shift_jis" : i % 3 == 1 ? "utf-8" : "").text);
    }
    t.check(valid, "noise always becomes valid UTF-8");
}

const LinkedSuite linked({{"warc_records", test_records}, {"warc_codings", test_codings}, {"warc_damage", test_damage}, {"warc_arc", test_arc},
                          {"warc_wild", test_wild}, {"charset", test_charsets}});

}  // namespace

int main(int argc, char** argv) { return run_tests(argc, argv, linked_suites()); }
