// extract_blocks.hpp -- a page as a sequence of blocks: the unit in which extraction thinks.
//
// A block is a maximal run of text that no block-level tag (p, div, li, td, ...) and no double <br> interrupts: what a reader
// sees as a paragraph, a heading, a list item, a menu entry. Kohlschütter, Fankhauser and Nejdl ("Boilerplate detection using
// shallow text features", WSDM 2010) showed that two numbers of a block, its words and its link density, already tell most
// content from most boilerplate; readability and jusText add the words in class/id and the neighbours. Here are the numbers:
// lengths, letters in links, ends of sentences, the kind of element, and prefix sums, by which the good text below any node
// costs O(1). What is decided with them stands in extract_text.hpp.
#pragma once

#include "html.hpp"

enum class BlockKind : uint8_t { text, heading, item, cell, quote, code, caption, term };

struct TextBlock {
    int32_t first = 0, last = 0;  // text nodes [first, last] in document order; other nodes in between are inline
    int32_t owner = 0;            // the block-level element it lies in
    BlockKind kind = BlockKind::text;
    int32_t chars = 0;            // visible characters, runs of spaces as one; an ideograph counts as two
    int32_t link_chars = 0;       // of these inside <a>
    int32_t bold_chars = 0;       // of these inside <b>, <strong>
    int32_t links = 0;
    int32_t commas = 0;
    bool sentence = false;        // holds an end of a sentence: . ! ? ... before a space or its end
    bool ends = false;            // its last visible character ends a sentence (quotes and brackets may follow)
    bool dropped = false;         // lies in a part that extraction threw away
    float link_density() const { return chars ? float(link_chars) / float(chars) : 0; }
};

namespace html_detail {

inline constexpr TagSet kBlockTags = {
    kTag_address, kTag_article, kTag_aside, kTag_blockquote, kTag_body, kTag_caption, kTag_center, kTag_dd, kTag_details, kTag_dialog,
    kTag_dir, kTag_div, kTag_dl, kTag_dt, kTag_fieldset, kTag_figcaption, kTag_figure, kTag_footer, kTag_form, kTag_h1, kTag_h2,
    kTag_h3, kTag_h4, kTag_h5, kTag_h6, kTag_head, kTag_header, kTag_hgroup, kTag_hr, kTag_html, kTag_iframe, kTag_legend, kTag_li,
    kTag_listing, kTag_main, kTag_menu, kTag_nav, kTag_ol, kTag_optgroup, kTag_option, kTag_p, kTag_plaintext, kTag_pre, kTag_section,
    kTag_select, kTag_summary, kTag_table, kTag_tbody, kTag_td, kTag_textarea, kTag_tfoot, kTag_th, kTag_thead, kTag_title, kTag_tr,
    kTag_ul, kTag_video, kTag_audio, kTag_button, kTag_xmp, kTag_template};

// Counts one run of raw text into a block. `space` carries "the last character was a space" from run to run.
struct TextCounter {
    TextBlock& block;
    bool space = true;
    bool stop = false;  // the last visible character ended a sentence

    void add(std::string_view text, bool link, bool bold) {
        int32_t n = 0;
        for (size_t i = 0; i < text.size(); i++) {
            const auto c = static_cast<unsigned char>(text[i]);
            if (c <= ' ') {
                if (stop) block.sentence = true;
                n += !space;
                space = true;
                continue;
            }
            if (c == '&') {
                uint32_t code = 0;
                const size_t length = read_entity(text.substr(i), code);
                if (length) {
                    i += length - 1;
                    if (code == 0xA0) {
                        n += !space;
                        space = true;
                    } else {
                        n++, space = false;
                        stop = code == 0x2026 || (stop && (code == 0x201D || code == 0x2019 || code == '"'));
                    }
                    continue;
                }
            }
            space = false;
            if (c < 0x80) {
                n++;
                block.commas += c == ',';
                if (c == '.' || c == '!' || c == '?') stop = true;
                else if (c != '"' && c != '\'' && c != ')' && c != ']') stop = false;
            } else if (c >= 0xC0) {
                const uint32_t next = i + 2 < text.size() ? uint32_t(static_cast<unsigned char>(text[i + 1])) << 8 |
                                                                static_cast<unsigned char>(text[i + 2]) : 0;
                const bool wide = c >= 0xE3 && c <= 0xED;  // U+3000..U+DFFF: kana, ideographs, Hangul
                n += wide ? 2 : 1;
                if (c == 0xE3 && next == 0x8082) stop = true, block.sentence = true;                              // 。
                else if (c == 0xE3 && next == 0x8081) block.commas++;                                             // 、
                else if (c == 0xEF && (next == 0xBC81 || next == 0xBC9F)) stop = true, block.sentence = true;     // ！ ？
                else if (c == 0xEF && next == 0xBC8C) block.commas++;                                             // ，
                else if (c == 0xE2 && next == 0x80A6) stop = true;                                                // …
                else if (c == 0xE0 && next == 0xA5A4) stop = true, block.sentence = true;                         // danda
                else if (!(c == 0xE2 && (next == 0x809D || next == 0x8099)) && !(c == 0xC2 && (next >> 8) == 0xBB)) stop = false;
            }
        }
        block.chars += n;
        if (link) block.link_chars += n;
        if (bold) block.bold_chars += n;
    }
};

inline BlockKind kind_of(HtmlTag t) {
    switch (t) {
        case kTag_h1: case kTag_h2: case kTag_h3: case kTag_h4: case kTag_h5: case kTag_h6: return BlockKind::heading;
        case kTag_li: return BlockKind::item;
        case kTag_td: case kTag_th: return BlockKind::cell;
        case kTag_pre: case kTag_listing: case kTag_xmp: return BlockKind::code;
        case kTag_figcaption: case kTag_caption: return BlockKind::caption;
        case kTag_blockquote: return BlockKind::quote;
        case kTag_dt: return BlockKind::term;
        default: return BlockKind::text;
    }
}

}  // namespace html_detail

// The blocks of the page in document order. dropped: one byte per node, not 0 where the node lies in a thrown away part; such
// text still ends up in blocks (marked), as it counts for link density and for second thoughts.
inline std::vector<TextBlock> find_blocks(const HtmlTree& tree, const std::vector<uint8_t>& dropped) {
    using namespace html_detail;
    std::vector<TextBlock> blocks;
    std::vector<int32_t> until_block;  // the stack of block elements: (node)
    struct Inline { int32_t end; bool link, bold; };
    int32_t link_end = 0, bold_end = 0;
    bool open = false, line_break = false;
    TextBlock block;
    TextCounter counter{block};
    const auto flush = [&] {
        if (open && block.chars > 0) {
            if (counter.stop) block.sentence = block.ends = true;
            blocks.push_back(block);
        }
        open = false;
    };
    until_block.push_back(0);
    for (int32_t i = 1; i < int32_t(tree.nodes.size()); i++) {
        const HtmlNode& n = tree.nodes[size_t(i)];
        while (until_block.size() > 1 && i >= tree.nodes[size_t(until_block.back())].end) {
            flush();
            until_block.pop_back();
        }
        if (n.tag == kText) {
            if (!open) {
                size_t k = 0;
                while (k < n.text.size() && is_space(n.text[k])) k++;
                if (k == n.text.size()) continue;
                block = TextBlock();
                block.first = i;
                block.owner = until_block.back();
                // the nearest ancestor that says what it is: <li><p>text</p></li> is an item
                for (size_t d = until_block.size(), steps = 0; d-- > 1 && steps < 3; steps++) {
                    block.kind = kind_of(tree.nodes[size_t(until_block[d])].tag);
                    if (block.kind != BlockKind::text) break;
                }
                block.dropped = dropped[size_t(i)];
                counter.space = true, counter.stop = false;
                open = true;
            }
            block.last = i;
            const int32_t before = block.chars;
            counter.add(n.text, i < link_end, i < bold_end);
            if (block.chars > before) line_break = false;
            continue;
        }
        if (n.tag == kTag_br) {
            const bool in_pre = !until_block.empty() && kind_of(tree.nodes[size_t(until_block.back())].tag) == BlockKind::code;
            if (line_break && !in_pre) flush();
            line_break = true;
            counter.space = true;
            continue;
        }
        if (kBlockTags.has(n.tag) || (n.tag == kUnknown && n.text.size() > 3 && n.text.find('-') != std::string_view::npos)) {
            flush();
            if (n.end > i + 1) until_block.push_back(i);
            line_break = false;
            continue;
        }
        if (n.tag == kTag_a) {
            if (i >= link_end) link_end = n.end;
            if (open) block.links++;
        } else if (n.tag == kTag_b || n.tag == kTag_strong) {
            bold_end = std::max(bold_end, n.end);
        }
    }
    flush();
    return blocks;
}

// What is printed for a block: spaces folded (kept in code), <br> as a line break, entities resolved.
inline std::string block_text(const HtmlTree& tree, const TextBlock& block) {
    using namespace html_detail;
    std::string raw;
    for (int32_t i = block.first; i <= block.last; i++) {
        const HtmlNode& n = tree.nodes[size_t(i)];
        if (n.tag == kText) raw += decode_entities(n.text);
        else if (n.tag == kTag_br) raw += block.kind == BlockKind::code ? '\n' : '\x01';
        else if (n.tag == kTag_sup || n.tag == kTag_sub || n.tag == kTag_wbr) continue;
    }
    std::string out;
    out.reserve(raw.size());
    if (block.kind == BlockKind::code) {
        for (const char c : raw)
            if (c != '\r') out += c;
        while (!out.empty() && is_space(out.back())) out.pop_back();
        size_t first = 0;  // empty lines before the code; the indentation of its first line stays
        for (size_t k = 0; k < out.size() && is_space(out[k]); k++)
            if (out[k] == '\n') first = k + 1;
        return out.substr(first);
    }
    bool space = false, line = false;
    for (size_t i = 0; i < raw.size(); i++) {
        const auto c = static_cast<unsigned char>(raw[i]);
        if (c == 1) line = true;
        else if (c <= ' ') space = true;
        else if (c == 0xC2 && i + 1 < raw.size() && static_cast<unsigned char>(raw[i + 1]) == 0xA0) space = true, i++;  // no-break space
        else if (c == 0xC2 && i + 1 < raw.size() && static_cast<unsigned char>(raw[i + 1]) == 0xAD) i++;                // soft hyphen
        else if (c == 0xE2 && i + 2 < raw.size() && raw.compare(i, 3, "\xE2\x80\x8B") == 0) i += 2;                     // zero width space
        else if (c == 0xEF && i + 2 < raw.size() && raw.compare(i, 3, "\xEF\xBB\xBF") == 0) i += 2;
        else {
            if (!out.empty() && (line || space)) out += line ? '\n' : ' ';
            line = space = false;
            out += char(c);
        }
    }
    return out;
}
