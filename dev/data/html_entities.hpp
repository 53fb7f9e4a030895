// html_entities.hpp -- character references: "&eacute;" and "&#233;" and "&#xE9;" are é.
//
// The HTML standard lists 2,231 names; here are the 252 of HTML 4 (Latin-1, Greek, mathematics, punctuation) and the common
// newcomers. An unknown name stays as it was written: that loses nothing, and names outside of this list are rare in prose. A
// number 128..159 means Windows-1252, as in every browser; a number that is no character becomes U+FFFD.
// Latin-1 names are also taken without the semicolon ("&copy 2019", "&nbsp"), as the standard asks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "../../utf8.hpp"

// Code points of the bytes 0x80..0x9F in Windows-1252 (WHATWG table: the five unassigned bytes keep their value).
inline constexpr uint16_t kWindows1252[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                              0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                              0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

namespace html_detail {

// U+00A0..U+00FF in order; these need no semicolon.
inline constexpr const char* kLatinNames =
    "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot "
    "cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml "
    "Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig "
    "agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute "
    "ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
// Runs "first-code-point: names in order"; '_' skips a code point.
struct EntityRun {
    uint32_t first;
    const char* names;
};
inline constexpr EntityRun kEntityRuns[] = {
    {0x22, "quot"}, {0x26, "amp apos lpar rpar ast plus comma _ period sol"}, {0x3A, "colon semi lt equals gt quest commat"},
    {0x21, "excl"}, {0x23, "num dollar percnt"}, {0x5B, "lsqb bsol rsqb Hat lowbar grave"}, {0x7B, "lcub verbar rcub"},
    {0x152, "OElig oelig"}, {0x160, "Scaron scaron"}, {0x178, "Yuml"}, {0x192, "fnof"}, {0x2C6, "circ caron"},
    {0x2DC, "tilde"}, {0x100, "Amacr amacr Abreve abreve Aogon aogon Cacute cacute Ccirc ccirc Cdot cdot Ccaron ccaron Dcaron dcaron "
                              "Dstrok dstrok Emacr emacr _ _ Edot edot Eogon eogon Ecaron ecaron Gcirc gcirc Gbreve gbreve Gdot gdot"},
    {0x12A, "Imacr imacr _ _ Iogon iogon Idot inodot"}, {0x139, "Lacute lacute Lcedil lcedil Lcaron lcaron _ _ Lstrok lstrok Nacute nacute "
                                                              "Ncedil ncedil Ncaron ncaron"},
    {0x150, "Odblac odblac"}, {0x154, "Racute racute Rcedil rcedil Rcaron rcaron Sacute sacute Scirc scirc Scedil scedil"},
    {0x162, "Tcedil tcedil Tcaron tcaron"}, {0x168, "Utilde utilde Umacr umacr Ubreve ubreve Uring uring Udblac udblac Uogon uogon"},
    {0x179, "Zacute zacute Zdot zdot Zcaron zcaron"},
    {0x391, "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho _ Sigma Tau Upsilon Phi Chi Psi Omega"},
    {0x3B1, "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi "
            "omega"},
    {0x3D1, "thetasym upsih"}, {0x3D6, "piv"}, {0x2002, "ensp emsp"}, {0x2009, "thinsp hairsp _ zwnj zwj lrm rlm hyphen"},
    {0x2013, "ndash mdash horbar"}, {0x2018, "lsquo rsquo sbquo _ ldquo rdquo bdquo _ dagger Dagger bull"}, {0x2026, "hellip"},
    {0x2030, "permil _ prime Prime"}, {0x2039, "lsaquo rsaquo"}, {0x203E, "oline"}, {0x2044, "frasl"}, {0x20AC, "euro"}, {0x2111, "image"},
    {0x2116, "numero"}, {0x2118, "weierp"}, {0x211C, "real"}, {0x2122, "trade"}, {0x2135, "alefsym"}, {0x2190, "larr uarr rarr darr harr"},
    {0x21B5, "crarr"}, {0x21D0, "lArr uArr rArr dArr hArr"}, {0x2200, "forall _ part exist _ empty _ nabla isin notin _ ni"},
    {0x220F, "prod _ sum minus"}, {0x2217, "lowast"}, {0x221A, "radic"}, {0x221D, "prop infin"}, {0x2220, "ang"},
    {0x2227, "and or cap cup int"}, {0x2234, "there4"}, {0x223C, "sim"}, {0x2245, "cong"}, {0x2248, "asymp"}, {0x2260, "ne equiv"},
    {0x2264, "le ge"}, {0x2282, "sub sup nsub _ sube supe"}, {0x2295, "oplus _ otimes"}, {0x22A5, "perp"}, {0x22C5, "sdot"},
    {0x2308, "lceil rceil lfloor rfloor"}, {0x2329, "lang rang"}, {0x25CA, "loz"}, {0x2660, "spades _ _ clubs _ hearts diams"},
    {0x2713, "check"}, {0x2606, "star"}, {0x2605, "starf"}, {0xFB01, "filig fllig"}, {0x09, "Tab NewLine"}};

struct EntityTable {
    std::unordered_map<std::string_view, uint32_t> codes;
    EntityTable() {
        codes.reserve(600);
        for (const EntityRun& run : kEntityRuns) add(run.first, run.names);
        add(0xA0, kLatinNames);
    }
    void add(uint32_t first, std::string_view names) {
        while (!names.empty()) {
            const size_t space = std::min(names.find(' '), names.size());
            const std::string_view name = names.substr(0, space);
            if (name.back() != '_') codes[name] = first;
            first++;
            names.remove_prefix(std::min(space + 1, names.size()));
        }
    }
};
inline const EntityTable& entity_table() {
    static const EntityTable table;
    return table;
}

// The reference at text[0] == '&': its length in bytes (0: no reference) and its code point.
inline size_t read_entity(std::string_view text, uint32_t& code) {
    size_t i = 1;
    if (text.size() > 2 && text[1] == '#') {
        const bool hex = (text[2] | 32) == 'x';
        i = hex ? 3 : 2;
        const size_t first = i;
        uint32_t value = 0;
        for (; i < text.size(); i++) {
            const char c = text[i];
            uint32_t digit;
            if (c >= '0' && c <= '9') digit = uint32_t(c - '0');
            else if (hex && (c | 32) >= 'a' && (c | 32) <= 'f') digit = uint32_t((c | 32) - 'a' + 10);
            else break;
            if (value < 0x1000000) value = value * (hex ? 16 : 10) + digit;
        }
        if (i == first) return 0;
        if (i < text.size() && text[i] == ';') i++;
        if (value >= 0x80 && value < 0xA0) value = kWindows1252[value - 0x80];
        code = value == 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000) ? 0xFFFD : value;
        return i;
    }
    while (i < text.size() && i < 12 && std::isalnum(static_cast<unsigned char>(text[i]))) i++;
    if (i == 1) return 0;
    const auto& codes = entity_table().codes;
    const bool semicolon = i < text.size() && text[i] == ';';
    const auto hit = codes.find(text.substr(1, i - 1));
    if (hit != codes.end() && (semicolon || (hit->second >= 0xA0 && hit->second <= 0xFF) || hit->second == '&' || hit->second == '<' ||
                               hit->second == '>' || hit->second == '"')) {
        code = hit->second;
        return i + semicolon;
    }
    return 0;
}

}  // namespace html_detail

// The text with its character references resolved.
inline std::string decode_entities(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const size_t amp = std::min(text.find('&'), text.size());
        out.append(text.substr(0, amp));
        text.remove_prefix(amp);
        if (text.empty()) break;
        uint32_t code = 0;
        const size_t length = html_detail::read_entity(text, code);
        if (length) append_utf8(out, code);
        else out += '&';
        text.remove_prefix(std::max<size_t>(length, 1));
    }
    return out;
}
