// test_warc.cpp -- archives whole, broken on purpose, and from the wild; and the charsets of their pages.
#include "../test/test.hpp"
#include "warc_reader.hpp"

using namespace std::string_literals;

namespace {

std::string gzip(const std::string& text, int window = 15 + 16) {
    std::string out(text.size() + 1024, '\0');
    z_stream z{};
    deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
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
Read read_bytes(const std::string& bytes, int64_t max_body = 1 << 20, const std::string& name = "a.warc") {
    TempDir dir;
    std::FILE* f = std::fopen((dir / name).c_str(), "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), f);
    std::fclose(f);
    return read_all(dir / name, max_body);
}
// Words of a made-up language: gzip needs half a byte and more for each of theirs, as for a page's.
std::string random_text(size_t bytes, uint32_t seed) {
    std::mt19937 gen(seed);
    std::vector<std::string> words(3000);
    for (std::string& word : words)
        for (size_t k = 2 + gen() % 8; k-- > 0;) word += char('a' + gen() % 26);
    std::string s;
    while (s.size() < bytes) s += words[gen() % words.size()] + (gen() % 9 ? " " : ".\n");
    s.resize(bytes);
    return s;
}
const WarcRecord* find_url(const Read& r, const std::string& url) {
    for (const WarcRecord& record : r.records)
        if (record.url == url) return &record;
    return nullptr;
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
    // What is called compressed and is not: nearly any bytes are the beginning of a bare deflate stream.
    const std::string page = "\n<!DOCTYPE html><html><body><p>A page whose first byte is a line end.</p></body></html>\n";
    for (const char* coding : {"gzip", "deflate", "br", "zstd"})
        t.check(body_of(cat("Content-Encoding: ", coding, "\r\n"), page, &c) == page && c.undecoded == 0, cat("a plain page that is called ", coding));
    std::string accents = "a";
    for (int i = 0; i < 100; i++) accents += "é";
    t.check(body_of("Content-Encoding: br\r\n", accents, &c) == accents && c.undecoded == 0, "plain, with a letter of two bytes around byte 64");
    std::mt19937 gen(2);
    std::string noise(3000, '\0');
    for (char& ch : noise) ch = char(gen());
    t.check(body_of("Content-Encoding: gzip\r\n", "\n" + noise, &c) == "\n" + noise && c.undecoded == 1, "noise that is called gzip stays as it is, counted");
    const std::string text = random_text(5000, 3), bare = gzip(text, -15);
    t.check(body_of("Content-Encoding: deflate\r\n", bare, &c) == text && c.undecoded == 0, "bare deflate");
    body_of("Content-Encoding: deflate\r\n", bare.substr(0, bare.size() - 9), &c);
    t.check(c.undecoded == 1, "bare deflate without its end is not believed");
    t.check(body_of("Content-Encoding: deflate\r\n", gzip(text, 15), &c) == text && c.undecoded == 0, "deflate as it should be, with zlib's header");
    t.check(body_of("Content-Encoding: gzip\r\n", gzip(""), &c).empty() && c.undecoded == 0, "gzip of nothing");
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
    // what is no record takes time in proportion to its length (measured: half a second; minutes where each line looks through what is ahead)
    for (const char* line : {"junk\n", "junk\nWARC/1.0\n"}) {
        std::string lines;
        while (lines.size() < 16000000) lines += line;
        const double start = now_s();
        t.check(has_b(read_bytes(lines + b)), cat("behind 16 MB of \"", std::string(line, 4), "\""));
        t.check_at_most(now_s() - start, 15, "seconds for 16 MB of lines that are no records");
    }
}

// A member that breaks takes none of the records behind it along: bodies of 60 kB and of more than the reader's buffer, damage at many places.
void test_broken_members(Report& t) {
    for (const size_t size : {size_t(60000), size_t(400000)}) {
        const std::string body_a = random_text(size, 1), body_b = random_text(size, 2);
        const std::string a = gzip(warc_record("http://a/", http("", body_a))), b = gzip(warc_record("http://b/", http("", body_b))),
                          c = gzip(warc_record("http://c/", http("", "third body")));
        const int64_t rounds = size > 100000 ? 40 : 200;
        int64_t whole = 0, mixed = 0, unmarked = 0, uncounted = 0, cut = 0;
        std::mt19937 gen(7);
        for (int64_t i = 0; i < rounds; i++) {
            std::string damaged = a;
            const size_t from = 20 + (damaged.size() - 50) * size_t(i) / size_t(rounds);
            for (size_t k = from; k < from + 1 + 14 * size_t(i % 3); k++) damaged[k] = char(damaged[k] ^ (1 + gen() % 255));
            if (i % 3 == 2) damaged.resize(from);        // a part is missing: inflate runs into the next member
            const Read r = read_bytes(damaged + b + c);
            const WarcRecord *first = find_url(r, "http://a/"), *second = find_url(r, "http://b/"), *third = find_url(r, "http://c/");
            whole += second && third && second->body == body_b && third->body == "third body" && !second->truncated;
            uncounted += r.counts.broken_members == 0;
            if (!first) continue;
            mixed += first->body.find("WARC/1.0") != std::string::npos || first->body.size() > body_a.size();
            cut += first->body.size() < body_a.size();
            unmarked += first->body.size() < body_a.size() && !first->truncated;
        }
        const std::string numbers = cat(" (", size, " bytes, ", rounds, " places; cut ", cut, ")");
        t.check(whole >= rounds - rounds / 50, cat("behind a broken member the next records are whole: ", whole, numbers));
        t.check(mixed == 0, cat("no record goes on with another's bytes: ", mixed, numbers));
        t.check(uncounted == 0 && unmarked == 0 && cut > 0, cat("broken members are counted, cut records marked: ", uncounted, ", ", unmarked, numbers));
    }
    // a record in two members, the first of them broken: its header ends in the middle of the length
    const std::string record = warc_record("http://a/", http("", "first body")), b = warc_record("http://b/", http("", "second body"));
    const size_t in_length = record.find("Content-Length: ") + 17;
    std::string half = gzip(record.substr(0, in_length));
    half[half.size() - 6] = char(half[half.size() - 6] ^ 1);     // its checksum
    const Read r = read_bytes(half + gzip(record.substr(in_length)) + gzip(b));
    t.check(r.records.size() == 1 && r.records[0].body == "second body" && r.counts.bad_header == 1, "a header that breaks off is no header");
}

// A member whose first bytes are damaged cannot be read; it costs no other, even if it is the first, by which gzip is known.
void test_damaged_starts(Report& t) {
    const std::string urls[] = {"http://a/", "http://b/", "http://c/"};
    for (size_t lost = 0; lost < 3; lost++) {
        std::string bytes;
        for (size_t k = 0; k < 3; k++) {
            std::string member = gzip(warc_record(urls[k], http("", random_text(5000, uint32_t(k)))));
            if (k == lost) member[0] = 'x';
            bytes += member;
        }
        const Read r = read_bytes(bytes);
        int64_t found = 0;
        for (size_t k = 0; k < 3; k++) found += find_url(r, urls[k]) != nullptr;
        t.check(found == 2 && !find_url(r, urls[lost]), cat("member ", lost, " without its beginning: the others are found: ", found));
        t.check(r.counts.broken_members == 1 && r.counts.skipped_bytes > 3000, cat("it is counted: ", r.counts.broken_members, ", ", r.counts.skipped_bytes, " bytes"));
    }
    const std::string a = warc_record("http://a/", http("", random_text(600000, 1))), b = warc_record("http://b/", http("", "second body"));
    std::string far = gzip(a);
    far[0] = 'x';
    t.check(find_url(read_bytes(far + gzip(b), 1 << 20, "a.warc.gz"), "http://b/") != nullptr, "by the name, where the next member is far");
    std::string plain = warc_record("http://a/", http("Content-Encoding: gzip\r\n", gzip("<html>page</html>"))) + b;
    plain[0] = 'x';
    t.check(find_url(read_bytes(plain, 1 << 20, "a.warc.gz"), "http://b/") != nullptr, "a plain archive with a gzip body stays a plain one");
    const Read padded = read_bytes(gzip(b) + std::string(1000, '\0') + gzip(b) + std::string(1000, '\0'));
    t.check(padded.records.size() == 2 && padded.counts.broken_members == 0 && padded.counts.skipped_bytes == 0, "a padding of zeros is no damage");
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

const LinkedSuite linked({{"warc_records", test_records}, {"warc_codings", test_codings}, {"warc_damage", test_damage},
                          {"warc_broken_members", test_broken_members}, {"warc_damaged_starts", test_damaged_starts}, {"warc_arc", test_arc},
                          {"warc_wild", test_wild}, {"charset", test_charsets}});

}  // namespace

int main(int argc, char** argv) { return run_tests(argc, argv, linked_suites()); }
