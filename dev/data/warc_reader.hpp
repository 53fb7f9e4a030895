// warc_reader.hpp -- the records of a web archive: WARC (also WET: text made from pages) and its forerunner ARC.
//
// An archive is a list of records: a few header lines with a length, then so many bytes. For a crawled page these bytes are an
// HTTP answer: status line, headers, body, the body perhaps cut into chunks and compressed. WarcReader gives one record after the
// other with the body as the browser would have seen it. Real archives are broken in every way (wrong or missing lengths, bodies
// said to be chunked that are not, cut members): a broken record is counted by its kind, the reader looks for the next line
// that starts a record, and goes on. Memory: one record, at most `max_body` bytes of it (the rest is skipped and counted).
// Sources: ISO 28500:2017 (WARC 1.1), the Internet Archive's ARC file format, RFC 9112 (chunked transfer coding).
// Does not: check digests, follow revisits, or decode Brotli (the record is marked `undecoded`).
#pragma once

#include <algorithm>

#include "charset.hpp"
#include "warc_bytes.hpp"

struct WarcRecord {
    std::string type;            // "response", "conversion", "request", "warcinfo", ...; for ARC "response" or "warcinfo"
    std::string url, date;       // date as YYYY-MM-DDThh:mm:ssZ
    std::string id;              // WARC-Record-ID, or ""
    std::string content_type;    // of the body: the HTTP header's, else the record's; lower case, without parameters
    std::string identified;      // WARC-Identified-Payload-Type, or ""
    std::string charset;         // of the HTTP Content-Type, or ""
    int status = 0;              // HTTP status; 0: the record is no HTTP answer
    std::string body;            // dechunked and decompressed
    bool truncated = false;      // longer than max_body, or the archive ends or is broken inside
    bool undecoded = false;      // compressed, and could not be decompressed: the body is what there was
};

struct WarcCounts {
    int64_t records = 0;         // handed out
    int64_t broken_members = 0;  // gzip members that could not be read from their beginning to their end
    int64_t skipped_bytes = 0;   // bytes of the archive that were passed over behind such places
    int64_t bad_header = 0;      // no usable length, no end or no header at all: skipped
    int64_t bad_length = 0;      // bytes between the end of a record and the next one's start
    int64_t bad_chunks = 0;      // said to be chunked, and were not, or not to the end
    int64_t undecoded = 0;       // compressed body that could not be decompressed
    int64_t truncated = 0;
};

namespace warc_detail {

inline std::string lower_ascii(std::string_view s) {
    std::string out(s);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c | 32);
    return out;
}
inline std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t' || s.front() == '\r')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r' || s.back() == '\n')) s.remove_suffix(1);
    return s;
}
inline std::string_view first_line(std::string_view s) { return s.substr(0, s.find('\n')); }

// A length in decimal; -1 where the text is none or absurd.
inline int64_t parse_length(std::string_view s) {
    s = trim(s);
    if (s.empty() || s.size() > 15) return -1;
    int64_t n = 0;
    for (const char c : s) {
        if (c < '0' || c > '9') return -1;
        n = n * 10 + (c - '0');
    }
    return n;
}

// "Name: value" lines; a line that starts with a space continues the one before.
struct Headers {
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    bool complete = false;                                    // the empty line was there
    void add_line(std::string_view line) {
        if (!line.empty() && (line[0] == ' ' || line[0] == '\t') && !fields.empty()) {
            fields.back().second += ' ';
            fields.back().second += trim(line);
            return;
        }
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) return;
        fields.push_back({lower_ascii(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
    }
    std::string get(std::string_view name) const {
        for (const auto& [n, v] : fields)
            if (n == name) return v;
        return "";
    }
};

// Parses header lines up to the empty line; returns the bytes consumed, with that line.
inline size_t parse_headers(std::string_view text, Headers& headers) {
    size_t at = 0;
    while (at < text.size()) {
        const size_t newline = text.find('\n', at);
        const std::string_view line = text.substr(at, (newline == std::string_view::npos ? text.size() : newline) - at);
        if (at > 0 && line.starts_with("WARC/1")) break;  // the next record: this header has no end
        at = newline == std::string_view::npos ? text.size() : newline + 1;
        if ((headers.complete = trim(line).empty())) break;
        headers.add_line(line);
    }
    return at;
}

// The chunks joined. False where the framing is broken: `out` then holds what came before and the rest as it is, and nothing
// but the input where not even the first size is one.
inline bool dechunk(std::string_view in, std::string& out) {
    out.clear();
    size_t at = 0;
    while (at < in.size()) {
        const size_t newline = in.find('\n', at);
        std::string_view size_line = trim(in.substr(at, std::min(newline, in.size()) - at));
        size_line = trim(size_line.substr(0, size_line.find(';')));
        size_t size = 0;
        bool valid = !size_line.empty() && size_line.size() <= 8 && newline != std::string_view::npos;
        for (const char c : size_line) {
            const int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
            valid = valid && d >= 0;
            size = valid ? size * 16 + size_t(d) : 0;
        }
        if (!valid) {
            out.append(in.substr(at));
            return false;
        }
        at = newline + 1;
        if (size == 0) return true;
        const bool whole = in.size() - at >= size;
        out.append(in.substr(at, size));
        if (!whole) return false;
        at += size;
        while (at < in.size() && (in[at] == '\r' || in[at] == '\n')) {
            if (in[at++] == '\n') break;
        }
    }
    return false;  // no last chunk
}

// Is it text, as far as its first bytes show? Text has no control characters but those of layout; of compressed bytes every tenth is
// one, so 256 of them without any come once in 1e12. (UTF-16, half of it zeros, has its mark in front.)
inline bool looks_plain(std::string_view body) {
    if (body.starts_with("\xFF\xFE") || body.starts_with("\xFE\xFF")) return true;
    for (const char c : body.substr(0, 256))
        if (static_cast<unsigned char>(c) < 0x20 && !(c >= '\t' && c <= '\r') && c != '\x1b') return false;
    return true;
}

// zlib's inflate of all of `in`, but at most about max_bytes: Z_STREAM_END, Z_OK where the input or max_bytes ended before, or its error.
inline int inflate_as(int window, std::string_view in, std::string& out, int64_t max_bytes) {
    z_stream z{};
    out.clear();
    if (const int result = inflateInit2(&z, window); result != Z_OK) return result;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z.avail_in = uInt(in.size());
    int result = Z_OK;
    std::array<char, 65536> buffer;
    while (result == Z_OK && int64_t(out.size()) < max_bytes) {
        z.next_out = reinterpret_cast<Bytef*>(buffer.data());
        z.avail_out = uInt(buffer.size());
        result = inflate(&z, Z_NO_FLUSH);
        out.append(buffer.data(), buffer.size() - z.avail_out);
        if (result == Z_OK && z.avail_in == 0 && z.avail_out != 0) break;
    }
    inflateEnd(&z);
    return result == Z_BUF_ERROR ? Z_OK : result;
}

// gzip, zlib or bare deflate, seen from the bytes. False if the data is none of them. A cut stream of the first two gives what there was,
// gzip also a broken one; bare deflate has no mark of its own, and nearly any bytes are the start of some: only a clean end tells.
inline bool inflate_body(std::string_view in, std::string& out, int64_t max_bytes) {
    const int result = inflate_as(15 + 32, in, out, max_bytes);
    if (result == Z_STREAM_END || (!out.empty() && (result == Z_OK || in.starts_with("\x1f\x8b")))) return true;
    if (looks_plain(in)) return false;
    const int bare = inflate_as(-15, in, out, max_bytes);
    return bare == Z_STREAM_END || (bare == Z_OK && int64_t(out.size()) >= max_bytes);
}

}  // namespace warc_detail

class WarcReader {
   public:
    // max_body: bytes of one record that are kept.
    explicit WarcReader(const std::string& path, int64_t max_body = int64_t(32) << 20) : in_(path), max_body_(max_body) {}

    // The next record that can be read; false at the end. Throws an Error only where the file itself cannot be read.
    bool next(WarcRecord& record) {
        for (;;) {
            const bool found = find_start();
            record = WarcRecord();
            const bool ok = found && (in_.peek(kHeaderBytes).starts_with("WARC/") ? read_warc(record) : read_arc(record));
            counts_.broken_members = in_.broken_members(), counts_.skipped_bytes = in_.skipped_bytes();
            if (!found) return false;
            if (!ok) {
                counts_.bad_header++;
                continue;
            }
            counts_.records++;
            counts_.truncated += record.truncated;
            return true;
        }
    }
    const WarcCounts& counts() const { return counts_; }

   private:
    static constexpr size_t kHeaderBytes = 65536;  // a record's header must fit
    WarcBytes in_;
    int64_t max_body_;
    WarcCounts counts_;
    bool searching_ = false;

    // The parts of an ARC header line, from the right, as URLs may hold spaces: "URL IP date type length" (version 1), or with
    // five more fields before the length (version 2). The length must be a number >= 0 and the date must have 14 digits.
    struct ArcLine {
        std::string url, date, type;
        int64_t length = -1;
    };
    static bool parse_arc_line(std::string_view line, ArcLine& out) {
        line = warc_detail::trim(line);
        const size_t scheme = line.find(':');
        if (scheme == std::string_view::npos || scheme == 0 || scheme > 20) return false;
        for (const char c : line.substr(0, scheme))
            if (!std::isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return false;
        std::vector<std::string_view> words;
        for (size_t at = 0; at < line.size();) {
            const size_t space = std::min(line.find(' ', at), line.size());
            if (space > at) words.push_back(line.substr(at, space - at));
            at = space + 1;
        }
        for (const size_t from_right : {size_t(3), size_t(8)}) {
            if (words.size() < from_right + 2) continue;
            const size_t d = words.size() - from_right;
            if (words[d].size() < 12 || words[d].size() > 18 || warc_detail::parse_length(words[d].substr(0, 14)) < 0) continue;
            out.length = warc_detail::parse_length(words.back());
            out.date = std::string(words[d].substr(0, 14));
            out.type = warc_detail::lower_ascii(words[d + 1]);
            out.url = std::string(line.substr(0, size_t(words[d - 1].data() - line.data())));
            out.url = std::string(warc_detail::trim(out.url));
            return true;
        }
        return false;
    }
    static bool starts_record(std::string_view ahead) {
        if (ahead.substr(0, 5) == "WARC/" && ahead.size() > 5 && std::isdigit(static_cast<unsigned char>(ahead[5]))) return true;
        ArcLine line;
        return ahead.size() >= 20 && parse_arc_line(warc_detail::first_line(ahead.substr(0, 4096)), line);
    }
    // Moves to the next line that starts a record, over the empty lines that separate records; anything else is counted once.
    bool find_start() {
        bool counted = searching_;
        searching_ = false;
        for (;;) {
            const std::string_view ahead = in_.peek(4096);
            if (ahead.empty()) {
                if (!in_.pass_break()) return false;
                continue;
            }
            size_t blank = 0;
            while (blank < ahead.size() && (ahead[blank] == '\r' || ahead[blank] == '\n')) blank++;
            if (blank) {
                in_.skip(blank);
                continue;
            }
            if (starts_record(ahead)) return true;
            if (!counted) counts_.bad_length++, counted = true;
            // a record may start in the middle of a line, where a length was too short or a line end is missing
            const std::string_view line = warc_detail::first_line(ahead);
            const size_t warc = line.find("WARC/1");
            if (warc != std::string_view::npos && warc > 0) in_.skip(warc);
            else if (line.size() < ahead.size()) in_.skip(line.size() + 1);
            else in_.skip(ahead.size() > 8 ? ahead.size() - 8 : ahead.size());   // no line end: the last bytes may begin a record
        }
    }
    bool read_warc(WarcRecord& record) {
        using namespace warc_detail;
        const std::string_view ahead = in_.peek(kHeaderBytes);
        Headers headers;
        const size_t used = parse_headers(ahead, headers);
        const int64_t length = parse_length(headers.get("content-length"));
        if (length < 0 || !headers.complete) {       // a header that breaks off may do so inside of the length
            in_.skip(first_line(ahead).size() + 1);  // the rest of it is looked through for the next record
            searching_ = true;
            return false;
        }
        record.type = lower_ascii(headers.get("warc-type"));
        record.url = headers.get("warc-target-uri");
        if (record.url.size() > 1 && record.url.front() == '<' && record.url.back() == '>') record.url = record.url.substr(1, record.url.size() - 2);
        record.date = headers.get("warc-date");
        record.id = headers.get("warc-record-id");
        record.identified = lower_ascii(headers.get("warc-identified-payload-type"));
        const std::string type = lower_ascii(headers.get("content-type"));
        in_.skip(used);
        read_body(record, length);
        if (type.compare(0, 16, "application/http") == 0 && record.type != "request") read_http(record);
        else set_type(record, type);
        return true;
    }
    bool read_arc(WarcRecord& record) {
        using namespace warc_detail;
        const std::string_view ahead = in_.peek(kHeaderBytes);
        const std::string_view line = first_line(ahead);
        ArcLine arc;
        const bool parsed = line.size() < ahead.size() && parse_arc_line(line, arc);
        in_.skip(line.size() + 1);
        if (!parsed || arc.length < 0) {
            searching_ = true;
            return false;
        }
        record.url = arc.url;
        const std::string d = arc.date;
        record.date = d.substr(0, 4) + "-" + d.substr(4, 2) + "-" + d.substr(6, 2);
        if (d.size() >= 14) record.date += "T" + d.substr(8, 2) + ":" + d.substr(10, 2) + ":" + d.substr(12, 2) + "Z";
        record.type = record.url.compare(0, 9, "filedesc:") == 0 ? "warcinfo" : "response";
        read_body(record, arc.length);
        if (record.body.compare(0, 5, "HTTP/") == 0) read_http(record);
        else set_type(record, arc.type);
        return true;
    }
    void read_body(WarcRecord& record, int64_t length) {
        const int64_t got = in_.take(length, max_body_, record.body);
        record.truncated = got < length || length > max_body_;
    }
    static void set_type(WarcRecord& record, const std::string& value) {
        record.content_type = warc_detail::lower_ascii(warc_detail::trim(value.substr(0, value.find(';'))));
        if (record.charset.empty()) record.charset = charset_detail::charset_parameter(value);
    }
    // record.body is an HTTP message: take its head off, undo chunks and compression.
    void read_http(WarcRecord& record) {
        using namespace warc_detail;
        const std::string_view message = record.body;
        if (message.substr(0, 5) != "HTTP/") {
            set_type(record, "application/http");
            counts_.bad_header++;
            return;
        }
        const std::string_view line = first_line(message);
        const size_t space = line.find(' ');
        if (space != std::string_view::npos) record.status = int(std::max<int64_t>(0, parse_length(line.substr(space + 1, 3))));
        Headers headers;
        const size_t head = std::min(line.size() + 1, message.size());
        const size_t used = head + parse_headers(message.substr(head), headers);
        std::string body(message.substr(used)), decoded;
        if (lower_ascii(headers.get("transfer-encoding")).find("chunked") != std::string::npos) {
            if (!dechunk(body, decoded)) counts_.bad_chunks++;
            body.swap(decoded);
        }
        const std::string coding = lower_ascii(headers.get("content-encoding"));
        const bool packed = body.size() > 2 && body[0] == '\x1f' && body[1] == '\x8b';
        if (coding.find("gzip") != std::string::npos || coding.find("deflate") != std::string::npos || packed) {
            // the header often stays when a crawler has stored the plain body: text that is no gzip is taken as it is
            if (inflate_body(body, decoded, max_body_)) body.swap(decoded);
            else record.undecoded = !looks_plain(body);
        } else if (coding == "br" || coding == "zstd") {
            record.undecoded = !looks_plain(body);
        }
        counts_.undecoded += record.undecoded;
        set_type(record, headers.get("content-type"));
        record.body = std::move(body);
    }
};
