// pii.hpp -- e-mail addresses and public IP addresses become placeholders; telephone, card and social-security numbers too, if asked.
//
// FineWeb replaces two kinds (datatrove's PIIFormatter): e-mail addresses by one of two example addresses in turn, and IPv4
// addresses that are routable on the internet by one of six fixed ones in turn. The two patterns are matched by hand here,
// with the leftmost, greedy result that the regular expressions have; "in turn" goes on from document to document of a file.
// Three more kinds are off by default, as no published corpus that we follow removes them: telephone numbers in international
// or North American form, card numbers of 13 to 19 digits that pass Luhn's check, and US social-security numbers.
// Does not: find names or postal addresses.
#pragma once

#include "run.hpp"
#include "words.hpp"

namespace webtext {

struct PiiConfig : RunConfig {
    bool emails = true, ips = true, phones = false, cards = false, ssn = false, public_ips_only = true;
};

namespace pii {

inline bool letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
inline bool digit(char c) { return c >= '0' && c <= '9'; }
inline bool alnum(char c) { return letter(c) || digit(c); }
inline bool local_char(char c) { return alnum(c) || (c && std::strchr("!#$%&'*+/=?^_`{|}~-", c)); }

// An octet of at most 255 written with one to three digits (leading zeros allowed), greedy: its length, or 0.
inline size_t octet(std::string_view s, size_t at) {
    size_t n = 0;
    while (n < 3 && at + n < s.size() && digit(s[at + n])) n++;
    if (n == 3 && (s[at] > '2' || (s[at] == '2' && (s[at + 1] > '5' || (s[at + 1] == '5' && s[at + 2] > '5'))))) n = 2;
    return n;
}

// The length of an IPv4 address at `at`, or 0. The last octet takes what it can: of 1.2.3.256 it is 1.2.3.25.
inline size_t ipv4(std::string_view s, size_t at, int parts[4]) {
    size_t i = at;
    for (int k = 0; k < 4; k++) {
        size_t n = octet(s, i);
        if (n == 0) return 0;
        parts[k] = 0;
        for (size_t d = 0; d < n; d++) parts[k] = parts[k] * 10 + (s[i + d] - '0');
        i += n;
        if (k < 3) {
            if (i >= s.size() || s[i] != '.') return 0;  // a shorter octet would be followed by a digit, never by a dot
            i++;
        }
    }
    return i - at;
}

// Python's ipaddress: octets with leading zeros are no address; is_global is "in none of IANA's special ranges".
inline bool is_public(std::string_view address, const int p[4]) {
    for (size_t i = 0; i + 1 < address.size(); i++)
        if ((i == 0 || address[i - 1] == '.') && address[i] == '0' && digit(address[i + 1])) return false;
    const uint32_t a = uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | uint32_t(p[3]);
    const auto in = [&](uint32_t net, int bits) { return bits == 0 || (a ^ net) >> (32 - bits) == 0; };
    if (a == 0xC0000009 || a == 0xC000000A) return true;                            // 192.0.0.9 and .10 are global (RFC 7723, 8155)
    struct Net {
        uint32_t net;
        int bits;
    };
    static constexpr Net special[] = {{0, 8}, {0x0A000000, 8}, {0x64400000, 10}, {0x7F000000, 8}, {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24},
                                      {0xC0000200, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xF0000000, 4}};
    for (const Net& n : special)
        if (in(n.net, n.bits)) return false;
    return true;
}

// The e-mail address around the @ at `at`, whose first character is not before `from`: [begin, end), empty if there is none.
// local(.local)*@ (label.)+label | [a.b.c.d] ; \b in front: the first character and the one before differ in being a word.
inline std::pair<size_t, size_t> email(std::string_view s, size_t at, size_t from) {
    size_t begin = at;
    while (begin > from && (local_char(s[begin - 1]) || (s[begin - 1] == '.' && begin < at && s[begin] != '.'))) begin--;
    while (begin < at && s[begin] == '.') begin++;
    const auto word = [](char c) { return alnum(c) || c == '_'; };
    const auto boundary = [&](size_t i) {
        if (i == 0) return word(s[0]);
        size_t before = i - 1;
        while (before > 0 && (s[before] & 0xC0) == 0x80) before--;
        const Utf8Char c = decode_utf8(s.data() + before, s.data() + s.size());
        return word(s[i]) != (c.code >= 0 && (class_table()[c.code] & tables::kWordChar));
    };
    while (begin < at && (!boundary(begin) || s[begin] == '.')) begin++;
    if (begin >= at || s[at - 1] == '.') return {0, 0};
    for (size_t i = at; i-- > begin;)                    // two dots in a row, or one in front: the address starts behind them
        if (s[i] == '.' && (i == begin || s[i - 1] == '.')) {
            begin = i + 1;
            break;
        }
    size_t i = at + 1, end = 0;
    if (i < s.size() && s[i] == '[') {
        int parts[4];
        const size_t n = ipv4(s, i + 1, parts);
        return n && i + 1 + n < s.size() && s[i + 1 + n] == ']' ? std::pair{begin, i + n + 2} : std::pair<size_t, size_t>{0, 0};
    }
    for (int labels = 0; i < s.size() && alnum(s[i]); labels++) {
        size_t stop = i;
        while (stop < s.size() && (alnum(s[stop]) || s[stop] == '-')) stop++;
        size_t last = stop;
        while (s[last - 1] == '-') last--;               // a label ends in a letter or digit
        if (labels > 0) end = last;
        if (last != stop || stop >= s.size() || s[stop] != '.') break;
        i = stop + 1;
    }
    return end ? std::pair{begin, end} : std::pair<size_t, size_t>{0, 0};
}

inline bool luhn(std::string_view digits) {
    int sum = 0;
    for (size_t i = 0; i < digits.size(); i++) {
        int d = digits[digits.size() - 1 - i] - '0';
        if (i % 2) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return sum % 10 == 0;
}

// A number written in groups, from its first digit at `at` on, with at most `gap` separators between two digits. Other numbers may follow
// (a card's expiry date, a year), so each beginning that ends with a group is tried: the length of the longest one of `least` to `most`
// digits that is accepted, or 0. Never looks at more than most + 1 digits.
template <typename F>
size_t grouped_number(std::string_view s, size_t at, const char* separators, size_t gap, size_t least, size_t most, const F& accepts) {
    std::string digits;
    size_t length = 0;
    for (size_t i = at, between = 0; i < s.size() && digits.size() <= most; i++) {
        if (!digit(s[i])) {
            if (!s[i] || !std::strchr(separators, s[i]) || ++between > gap) break;
            continue;
        }
        digits += s[i];
        between = 0;
        const bool group_ends = i + 1 == s.size() || !digit(s[i + 1]);
        if (group_ends && digits.size() >= least && digits.size() <= most && accepts(digits)) length = i + 1 - at;
    }
    return length;
}

// A card number at `at`: 13 to 19 digits, alone or in groups with spaces or dashes, first digit 3 to 6 (or 2: Mastercard).
inline size_t card(std::string_view s, size_t at) {
    if (s[at] < '2' || s[at] > '6') return 0;
    return grouped_number(s, at, " -", 1, 13, 19, luhn);
}

// 123-45-6789, not of the numbers that were never given out (000, 666, 9xx; 00; 0000).
inline size_t social_security(std::string_view s, size_t at) {
    static constexpr char form[] = "ddd-dd-dddd";
    if (at + 11 > s.size() || (at + 11 < s.size() && (alnum(s[at + 11]) || (s[at + 11] == '-' && at + 12 < s.size() && digit(s[at + 12]))))) return 0;
    for (size_t i = 0; i < 11; i++)
        if (form[i] == 'd' ? !digit(s[at + i]) : s[at + i] != '-') return 0;
    const auto part = [&](size_t i, size_t n) { return s.substr(at + i, n); };
    return s[at] == '9' || part(0, 3) == "000" || part(0, 3) == "666" || part(4, 2) == "00" || part(7, 4) == "0000" ? 0 : 11;
}

// (AAA) BBB-CCCC, AAA-BBB-CCCC, AAA.BBB.CCCC with A and B from 2 on.
inline size_t american_phone(std::string_view s, size_t at) {
    size_t i = at;
    const auto digits = [&](size_t n) {
        for (size_t k = 0; k < n; k++)
            if (i + k >= s.size() || !digit(s[i + k])) return false;
        i += n;
        return true;
    };
    const bool bracket = s[at] == '(';
    i += bracket;
    if (i >= s.size() || s[i] < '2' || !digits(3)) return 0;
    char separator = 0;
    if (bracket) {
        if (i >= s.size() || s[i++] != ')') return 0;
        if (i < s.size() && s[i] == ' ') i++;
        separator = '-';
    } else {
        if (i >= s.size() || (s[i] != '-' && s[i] != '.')) return 0;
        separator = s[i++];
    }
    if (i >= s.size() || s[i] < '2' || !digits(3) || i >= s.size() || (s[i] != separator && !(bracket && s[i] == '.')) || (i++, !digits(4))) return 0;
    return i < s.size() && alnum(s[i]) ? 0 : i - at;
}

// +CC ... with 8 to 15 digits (E.164; North America's +1 has 11), or an American number, perhaps with its 1 in front: 1-AAA-BBB-CCCC.
inline size_t phone(std::string_view s, size_t at) {
    const char next = at + 1 < s.size() ? s[at + 1] : '\0';
    if (s[at] == '+') {
        if (next < '1' || next > '9') return 0;
        const size_t n = grouped_number(s, at + 1, " -.()/", 2, 8, next == '1' ? 11 : 15, [](const std::string&) { return true; });
        return n ? n + 1 : 0;
    }
    if (s[at] == '1' && (next == '-' || next == '.') && at + 2 < s.size()) {
        const size_t n = american_phone(s, at + 2);
        return n ? n + 2 : 0;
    }
    return american_phone(s, at);
}

}  // namespace pii

class PiiStage : public Stage {
   public:
    explicit PiiStage(const PiiConfig& config) : config_(config) {}
    const char* name() const override { return "pii"; }
    void begin_file(const std::string&, int64_t) override { next_email_ = next_ip_ = 0; }
    Verdict process(Document& d) override {
        if (config_.emails) d.text = replace_emails(d.text);
        if (config_.ips) d.text = replace_ips(d.text);
        if (config_.phones || config_.cards || config_.ssn) d.text = replace_numbers(d.text);
        return kept();
    }
    Json take_counters() override {
        return std::exchange(counters_, {{"emails", 0}, {"ips", 0}, {"phones", 0}, {"cards", 0}, {"ssn", 0}});
    }

    std::string replace_emails(std::string_view s) {
        static constexpr const char* to[] = {"email@example.com", "firstname.lastname@example.org"};
        std::string out;
        size_t copied = 0;
        for (size_t at = s.find('@'); at != std::string_view::npos; at = s.find('@', at + 1)) {
            const auto [begin, end] = pii::email(s, at, copied);
            if (!end) continue;
            out.append(s, copied, begin - copied).append(to[next_email_]);
            next_email_ = (next_email_ + 1) % 2;
            copied = end;
            count("emails");
        }
        return out.append(s.substr(copied));
    }
    std::string replace_ips(std::string_view s) {
        static constexpr const char* to[] = {"22.214.171.124", "126.96.36.199", "188.8.131.52", "184.108.40.206", "220.127.116.11", "18.104.22.168"};
        std::string out;
        size_t copied = 0;
        for (size_t at = 0; at + 7 <= s.size();) {
            int parts[4];
            const size_t n = pii::digit(s[at]) ? pii::ipv4(s, at, parts) : 0;
            if (!n) {
                at++;
                continue;
            }
            const bool valid = config_.public_ips_only ? pii::is_public(s.substr(at, n), parts) : true;
            if (valid) {
                out.append(s, copied, at - copied).append(to[next_ip_]);
                next_ip_ = (next_ip_ + 1) % 6;
                copied = at + n;
                count("ips");
            }
            at += n;
        }
        return out.append(s.substr(copied));
    }
    std::string replace_numbers(std::string_view s) {
        std::string out;
        size_t copied = 0;
        for (size_t at = 0; at < s.size();) {
            const bool begins = (pii::digit(s[at]) || s[at] == '+' || s[at] == '(') &&
                                (at == 0 || !(pii::alnum(s[at - 1]) || (s[at - 1] == '-' || s[at - 1] == '.' || s[at - 1] == '+')));
            size_t n = 0;
            const char *kind = "", *to = "";
            if (begins && config_.ssn && pii::digit(s[at]) && (n = pii::social_security(s, at))) kind = "ssn", to = "000-00-0000";
            if (begins && !n && config_.cards && pii::digit(s[at]) && (n = pii::card(s, at))) kind = "cards", to = "0000 0000 0000 0000";
            if (begins && !n && config_.phones && (n = pii::phone(s, at))) kind = "phones", to = "555-0100";
            if (n) {
                out.append(s, copied, at - copied).append(to);
                copied = at + n;
                count(kind);
            }
            at += std::max<size_t>(n, 1);
        }
        return out.append(s.substr(copied));
    }

   private:
    void count(const char* kind) { counters_[kind] = counters_[kind].get<int64_t>() + 1; }
    const PiiConfig& config_;
    size_t next_email_ = 0, next_ip_ = 0;
    Json counters_ = {{"emails", 0}, {"ips", 0}, {"phones", 0}, {"cards", 0}, {"ssn", 0}};
};

inline const std::vector<Flag<PiiConfig>>& pii_flags() {
    using C = PiiConfig;
    static const auto flags = with_run_flags<C>({
        {"emails",          &C::emails,          "", "replace e-mail addresses (FineWeb)"},
        {"ips",             &C::ips,             "", "replace IPv4 addresses (FineWeb)"},
        {"public-ips-only", &C::public_ips_only, "", "only those that are routable on the internet (FineWeb)"},
        {"phones",          &C::phones,          "", "replace telephone numbers: +CC..., (AAA) BBB-CCCC, AAA-BBB-CCCC"},
        {"cards",           &C::cards,           "", "replace card numbers that pass Luhn's check"},
        {"ssn",             &C::ssn,             "", "replace US social-security numbers"},
    });
    return flags;
}
inline int run_pii(PiiConfig& config) {
    PiiStage stage(config);
    return run_stage(config, stage, settings_text(config, pii_flags()));
}
inline std::vector<Command> pii_commands() {
    return {make_command<PiiConfig>("pii", "", "replace e-mail and IP addresses (and other personal numbers)", pii_flags(), run_pii)};
}

}  // namespace webtext
