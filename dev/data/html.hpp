// html.hpp -- from the bytes of a web page to a light tree: one pass, no copies, no recursion.
//
// The tree is one array of nodes in document order. The subtree of node i is the range [i, end(i)), so "all text below" is a
// loop and "sum over children into parents" is the same loop backwards. Text and attributes are views into the page; entities
// are resolved only where a text is finally printed. Real pages are broken: the builder knows which elements are void, which
// end tags may be missing (p, li, td, ...), and drops an end tag that matches nothing, so that every byte string gives a tree.
// Attributes are kept only if extraction reads them (class, id, itemprop, ...): a news page has 10,000 others.
// Does not: build the exact tree of the HTML standard (no foster parenting, no adoption agency), run scripts, or know charsets:
// the page must be UTF-8 (charset.hpp). The page must outlive the tree.
// Source of the element classes: HTML Living Standard, 13.1.2 (void, raw text, optional tags).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "html_entities.hpp"

// Elements that some rule names; all others are kUnknown (they keep their text and their class).
#define HTML_TAGS(X)                                                                                                       \
    X(a) X(abbr) X(address) X(area) X(article) X(aside) X(audio) X(b) X(base) X(bdi) X(blockquote) X(body) X(br) X(button)  \
    X(canvas) X(caption) X(center) X(cite) X(code) X(col) X(colgroup) X(dd) X(del) X(details) X(dialog) X(dir) X(div) X(dl) \
    X(dt) X(em) X(embed) X(fieldset) X(figcaption) X(figure) X(font) X(footer) X(form) X(frame) X(frameset) X(h1) X(h2)     \
    X(h3) X(h4) X(h5) X(h6) X(head) X(header) X(hgroup) X(hr) X(html) X(i) X(iframe) X(img) X(input) X(ins) X(kbd)          \
    X(label) X(legend) X(li) X(link) X(listing) X(main) X(map) X(mark) X(math) X(menu) X(meta) X(nav) X(noembed)            \
    X(noframes) X(noscript) X(object) X(ol) X(optgroup) X(option) X(p) X(param) X(picture) X(plaintext) X(pre) X(q) X(rp)   \
    X(rt) X(ruby) X(s) X(samp) X(script) X(section) X(select) X(small) X(source) X(span) X(strong) X(style) X(sub)          \
    X(summary) X(sup) X(svg) X(table) X(tbody) X(td) X(template) X(textarea) X(tfoot) X(th) X(thead) X(time) X(title) X(tr) \
    X(track) X(tt) X(u) X(ul) X(var) X(video) X(wbr) X(xmp)
enum HtmlTag : uint8_t {
    kText,     // a run of text: no element
    kUnknown,  // an element without a name of its own here
#define X(name) kTag_##name,
    HTML_TAGS(X)
#undef X
        kHtmlTags
};

#define HTML_ATTRS(X) X(class) X(id) X(itemprop) X(itemtype) X(role) X(style) X(hidden) X(lang) X(name) X(property) X(content) X(datetime) \
    X(type) X(charset) X(href) X(rel)
enum HtmlAttr : uint8_t {
#define X(name) kAttr_##name,
    HTML_ATTRS(X)
#undef X
        kAttr_http_equiv,
    kAttr_aria_hidden,
    kHtmlAttrs
};

struct HtmlNode {
    HtmlTag tag = kText;
    uint8_t attributes = 0;       // how many
    uint32_t first_attribute = 0;
    int32_t parent = -1;
    int32_t end = 0;              // one past the last node of the subtree
    std::string_view text;        // kText: the raw bytes, entities unresolved
};
struct HtmlAttribute {
    HtmlAttr name;
    std::string_view value;  // raw
};

namespace html_detail {

// A name of up to 10 letters, digits and '-' as one number (6 bits each), lower case; 0 for any other name. It is exact: two
// names have the same key only if they are equal, so one comparison of integers replaces strcmp.
constexpr uint64_t name_key(std::string_view s) {
    if (s.empty() || s.size() > 10) return 0;
    uint64_t key = 0;
    for (const char c : s) {
        uint64_t v = 0;
        if (c >= 'a' && c <= 'z') v = uint64_t(c - 'a' + 1);
        else if (c >= 'A' && c <= 'Z') v = uint64_t(c - 'A' + 1);
        else if (c >= '0' && c <= '9') v = uint64_t(c - '0' + 27);
        else if (c == '-') v = 37;
        else return 0;
        key = key << 6 | v;
    }
    return key;
}

// A fixed table from key to a small number, open addressing; built once.
template <size_t Slots>
struct KeyTable {
    std::array<uint64_t, Slots> keys{};
    std::array<uint8_t, Slots> values{};
    static size_t slot(uint64_t key) { return size_t(key * 0x9E3779B97F4A7C15ull >> 32) % Slots; }
    void add(uint64_t key, uint8_t value) {
        size_t s = slot(key);
        while (keys[s]) s = (s + 1) % Slots;
        keys[s] = key, values[s] = value;
    }
    int find(uint64_t key) const {
        if (key == 0) return -1;
        for (size_t s = slot(key); keys[s]; s = (s + 1) % Slots)
            if (keys[s] == key) return values[s];
        return -1;
    }
};

inline HtmlTag tag_of(std::string_view name) {
    static const KeyTable<1024> table = [] {
        KeyTable<1024> t;
#define X(n) t.add(name_key(#n), kTag_##n);
        HTML_TAGS(X)
#undef X
        t.add(name_key("strike"), kTag_s), t.add(name_key("image"), kTag_img), t.add(name_key("keygen"), kTag_input);
        return t;
    }();
    const int v = table.find(name_key(name));
    return v < 0 ? kUnknown : HtmlTag(v);
}

inline int attr_of(std::string_view name) {  // -1: not kept
    static const KeyTable<128> table = [] {
        KeyTable<128> t;
#define X(n) t.add(name_key(#n), kAttr_##n);
        HTML_ATTRS(X)
#undef X
        t.add(name_key("http-equiv"), kAttr_http_equiv);
        return t;
    }();
    if (name.size() == 11 && (name[0] | 32) == 'a' && name.substr(1) == "ria-hidden") return kAttr_aria_hidden;
    return table.find(name_key(name));
}

inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

// A set of tags as bits.
struct TagSet {
    std::array<uint64_t, 4> bits{};
    constexpr TagSet(std::initializer_list<HtmlTag> tags) {
        for (const HtmlTag t : tags) bits[size_t(t) >> 6] |= uint64_t(1) << (t & 63);
    }
    constexpr bool has(HtmlTag t) const { return bits[size_t(t) >> 6] >> (t & 63) & 1; }
};

inline constexpr TagSet kVoid = {kTag_area, kTag_base, kTag_br, kTag_col, kTag_embed, kTag_hr, kTag_img, kTag_input, kTag_link, kTag_meta,
                                 kTag_param, kTag_source, kTag_track, kTag_wbr, kTag_frame};
// Their content is text up to the matching end tag, whatever it looks like. (noscript: its markup is for browsers without scripts and
// repeats images and trackers, so it is skipped as a whole.)
inline constexpr TagSet kRawText = {kTag_script, kTag_style, kTag_textarea, kTag_title, kTag_iframe, kTag_noembed, kTag_noframes,
                                    kTag_noscript, kTag_xmp};
// A start tag of these ends an open p.
inline constexpr TagSet kClosesP = {
    kTag_address, kTag_article, kTag_aside, kTag_blockquote, kTag_center, kTag_details, kTag_dialog, kTag_dir, kTag_div, kTag_dl,
    kTag_fieldset, kTag_figcaption, kTag_figure, kTag_footer, kTag_form, kTag_h1, kTag_h2, kTag_h3, kTag_h4, kTag_h5, kTag_h6,
    kTag_header, kTag_hgroup, kTag_hr, kTag_main, kTag_menu, kTag_nav, kTag_ol, kTag_p, kTag_pre, kTag_section, kTag_summary,
    kTag_table, kTag_ul, kTag_dd, kTag_dt, kTag_li, kTag_tr, kTag_td, kTag_th, kTag_tbody, kTag_thead, kTag_tfoot, kTag_listing,
    kTag_xmp};
// An implied end does not reach through these.
inline constexpr TagSet kBarrier = {kTag_table, kTag_td, kTag_th, kTag_caption, kTag_button, kTag_object, kTag_template, kTag_html,
                                    kTag_body, kTag_select};

}  // namespace html_detail

class HtmlTree {
   public:
    explicit HtmlTree(std::string_view page) : page_(page) {
        nodes.reserve(page.size() / 40 + 16);
        attributes.reserve(page.size() / 60 + 16);
        build();
    }
    // The raw value of an attribute of node i; `found` (may be null) tells "absent" from "empty".
    std::string_view attribute(int32_t i, HtmlAttr name, bool* found = nullptr) const {
        const HtmlNode& n = nodes[size_t(i)];
        for (uint32_t a = 0; a < n.attributes; a++)
            if (attributes[n.first_attribute + a].name == name) {
                if (found) *found = true;
                return attributes[n.first_attribute + a].value;
            }
        if (found) *found = false;
        return {};
    }
    std::vector<HtmlNode> nodes;  // node 0 is a root of kind kUnknown
    std::vector<HtmlAttribute> attributes;

   private:
    static constexpr size_t kDeepest = 400;  // a page nested deeper hangs the rest below this level
    std::string_view page_;
    std::vector<int32_t> open_;
    std::array<int32_t, kHtmlTags> open_count_{};
    int32_t too_deep_ = 0;  // elements that were opened but not pushed

    int32_t append(HtmlTag tag, std::string_view text = {}) {
        HtmlNode n;
        n.tag = tag;
        n.parent = open_.back();
        n.first_attribute = uint32_t(attributes.size());
        n.text = text;
        n.end = int32_t(nodes.size()) + 1;
        nodes.push_back(n);
        return int32_t(nodes.size()) - 1;
    }
    void push(int32_t i) {
        open_.push_back(i);
        open_count_[nodes[size_t(i)].tag]++;
    }
    void pop() {
        HtmlNode& n = nodes[size_t(open_.back())];
        n.end = int32_t(nodes.size());
        open_count_[n.tag]--;
        open_.pop_back();
    }
    void add_text(const char* begin, const char* end) {
        if (begin < end) append(kText, {begin, size_t(end - begin)});
    }
    // Ends the innermost open element of `tag`, unless a barrier lies in between.
    void close_implied(HtmlTag tag) {
        if (!open_count_[tag]) return;
        for (size_t k = open_.size(); k-- > 1;) {
            const HtmlTag t = nodes[size_t(open_[k])].tag;
            if (t == tag) {
                while (open_.size() > k) pop();
                return;
            }
            if (html_detail::kBarrier.has(t)) return;
        }
    }
    // As close_implied, but a list or table of its own also protects: <ul><li><ul><li> nests.
    void close_implied_within(html_detail::TagSet tags, html_detail::TagSet stops) {
        for (size_t k = open_.size(); k-- > 1;) {
            const HtmlTag t = nodes[size_t(open_[k])].tag;
            if (tags.has(t)) {
                while (open_.size() > k) pop();
                return;
            }
            if (stops.has(t)) return;
        }
    }
    void imply_ends(HtmlTag tag) {
        using namespace html_detail;
        if (open_count_[kTag_p] && kClosesP.has(tag)) close_implied(kTag_p);
        switch (tag) {
            case kTag_li: close_implied_within({kTag_li}, {kTag_ul, kTag_ol, kTag_menu, kTag_dir, kTag_table, kTag_td, kTag_div}); break;
            case kTag_dt:
            case kTag_dd: close_implied_within({kTag_dt, kTag_dd}, {kTag_dl, kTag_table, kTag_td, kTag_div}); break;
            case kTag_td:
            case kTag_th: close_implied_within({kTag_td, kTag_th}, {kTag_tr, kTag_table}); break;
            case kTag_tr: close_implied_within({kTag_tr}, {kTag_table}); break;
            case kTag_tbody:
            case kTag_thead:
            case kTag_tfoot: close_implied_within({kTag_tbody, kTag_thead, kTag_tfoot}, {kTag_table}); break;
            case kTag_option: close_implied_within({kTag_option}, {kTag_select, kTag_optgroup}); break;
            case kTag_a: close_implied_within({kTag_a}, {kTag_div, kTag_td, kTag_th, kTag_li, kTag_table, kTag_p}); break;
            case kTag_body: close_implied(kTag_head); break;
            case kTag_h1: case kTag_h2: case kTag_h3: case kTag_h4: case kTag_h5: case kTag_h6: {
                const HtmlTag top = nodes[size_t(open_.back())].tag;
                if (top >= kTag_h1 && top <= kTag_h6) pop();
                break;
            }
            default: break;
        }
    }
    void end_tag(HtmlTag tag, std::string_view name) {
        if (tag == kTag_p && !open_count_[kTag_p]) return;
        if (tag == kTag_body || tag == kTag_html) return;  // text after </body> still belongs to the page
        if (too_deep_ > 0) {
            too_deep_--;
            return;
        }
        if (!open_count_[tag]) return;
        const bool cell_wall = !(tag == kTag_table || tag == kTag_tr || tag == kTag_td || tag == kTag_th || tag == kTag_tbody ||
                                 tag == kTag_thead || tag == kTag_tfoot || tag == kTag_caption || tag == kTag_template);
        // An unknown element is matched by its name, which its node keeps in `text`.
        for (size_t k = open_.size(); k-- > 1;) {
            const HtmlNode& n = nodes[size_t(open_[k])];
            if (n.tag == tag && (tag != kUnknown || n.text == name)) {
                while (open_.size() > k) pop();
                return;
            }
            if (cell_wall && (n.tag == kTag_td || n.tag == kTag_th || n.tag == kTag_table)) return;
            // </a>, </b> and the like do not close a block that was opened inside.
            if (!html_detail::kClosesP.has(tag) && n.tag != kUnknown && html_detail::kClosesP.has(n.tag) && tag != kUnknown &&
                tag != kTag_body && tag != kTag_tbody && tag != kTag_select && tag != kTag_svg && tag != kTag_button && tag != kTag_template)
                return;
        }
    }
    const char* parse_attributes(const char* p, const char* end, HtmlNode& node, bool& self_closing) {
        using html_detail::is_space;
        while (p < end && *p != '>') {
            if (is_space(*p) || *p == '/') {
                self_closing = *p == '/';
                p++;
                continue;
            }
            self_closing = false;
            const char* name = p;
            while (p < end && !is_space(*p) && *p != '=' && *p != '>' && *p != '/') p++;
            const std::string_view attr_name{name, size_t(p - name)};
            if (p == name) p++;  // a stray '='
            while (p < end && is_space(*p)) p++;
            std::string_view value;
            if (p < end && *p == '=') {
                p++;
                while (p < end && is_space(*p)) p++;
                if (p < end && (*p == '"' || *p == '\'')) {
                    const char quote = *p++;
                    const char* q = static_cast<const char*>(std::memchr(p, quote, size_t(end - p)));
                    if (!q) q = end;
                    value = {p, size_t(q - p)};
                    p = q < end ? q + 1 : end;
                } else {
                    const char* v = p;
                    while (p < end && !is_space(*p) && *p != '>') p++;
                    value = {v, size_t(p - v)};
                }
            }
            const int kept = html_detail::attr_of(attr_name);
            if (kept >= 0 && node.attributes < 255) {
                attributes.push_back({HtmlAttr(kept), value});
                node.attributes++;
            }
        }
        return p < end ? p + 1 : end;
    }
    // p is behind the start tag of a raw text element: the position of its end tag, or the end of the page.
    static const char* find_end_tag(const char* p, const char* end, std::string_view name) {
        while (p < end) {
            const char* lt = static_cast<const char*>(std::memchr(p, '<', size_t(end - p)));
            if (!lt) return end;
            if (size_t(end - lt) > name.size() + 1 && lt[1] == '/') {
                size_t k = 0;
                while (k < name.size() && (lt[2 + k] | 32) == (name[k] | 32)) k++;
                if (k == name.size()) return lt;
            }
            p = lt + 1;
        }
        return end;
    }
    const char* start_tag(const char* lt, const char* end) {
        const char* p = lt + 1;
        while (p < end && !html_detail::is_space(*p) && *p != '>' && *p != '/') p++;
        const std::string_view name{lt + 1, size_t(p - lt - 1)};
        const HtmlTag tag = html_detail::tag_of(name);
        imply_ends(tag);
        const int32_t i = append(tag, tag == kUnknown ? name : std::string_view{});
        HtmlNode node = nodes[size_t(i)];
        bool self_closing = false;
        p = parse_attributes(p, end, node, self_closing);
        nodes[size_t(i)] = node;
        if (html_detail::kVoid.has(tag)) return p;
        if (html_detail::kRawText.has(tag)) {
            const char* close = find_end_tag(p, end, name);
            nodes[size_t(i)].text = {p, size_t(close - p)};
            const char* gt = static_cast<const char*>(std::memchr(close, '>', size_t(end - close)));
            return gt ? gt + 1 : end;
        }
        if (self_closing && (tag == kUnknown || open_count_[kTag_svg] || open_count_[kTag_math])) return p;
        if (open_.size() >= kDeepest) too_deep_++;
        else push(i);
        return p;
    }
    // <!-- ... -->, <!doctype ...>, <?xml ...>, </3: skipped.
    static const char* skip_declaration(const char* lt, const char* end) {
        if (end - lt >= 4 && std::memcmp(lt, "<!--", 4) == 0) {
            if (end - lt >= 5 && lt[4] == '>') return lt + 5;
            for (const char* p = lt + 4; p < end;) {
                const char* gt = static_cast<const char*>(std::memchr(p, '>', size_t(end - p)));
                if (!gt) return end;
                if (gt - lt >= 6 && gt[-1] == '-' && gt[-2] == '-') return gt + 1;
                if (gt - lt >= 7 && gt[-1] == '!' && gt[-2] == '-' && gt[-3] == '-') return gt + 1;
                p = gt + 1;
            }
            return end;
        }
        const char* gt = static_cast<const char*>(std::memchr(lt, '>', size_t(end - lt)));
        return gt ? gt + 1 : end;
    }
    void build() {
        HtmlNode root;
        root.tag = kUnknown;
        nodes.push_back(root);
        open_.push_back(0);
        const char *p = page_.data(), *end = p + page_.size();
        while (p < end) {
            const char* lt = static_cast<const char*>(std::memchr(p, '<', size_t(end - p)));
            if (!lt) lt = end;
            // "<" that starts no tag is text: "a < b"
            while (lt < end && !(lt + 1 < end && (std::isalpha(static_cast<unsigned char>(lt[1])) || lt[1] == '/' || lt[1] == '!' || lt[1] == '?'))) {
                const char* next = lt + 1 < end ? static_cast<const char*>(std::memchr(lt + 1, '<', size_t(end - lt - 1))) : nullptr;
                lt = next ? next : end;
            }
            add_text(p, lt);
            if (lt == end) break;
            if (lt[1] == '/' && lt + 2 < end && std::isalpha(static_cast<unsigned char>(lt[2]))) {
                const char* q = lt + 2;
                while (q < end && !html_detail::is_space(*q) && *q != '>' && *q != '/') q++;
                const std::string_view name{lt + 2, size_t(q - lt - 2)};
                const char* gt = static_cast<const char*>(std::memchr(q, '>', size_t(end - q)));
                const HtmlTag tag = html_detail::tag_of(name);
                // </br> is read as <br> by every browser
                if (tag == kTag_br) append(kTag_br);
                else if (!html_detail::kVoid.has(tag)) end_tag(tag, name);
                p = gt ? gt + 1 : end;
            } else if (lt[1] == '/' || lt[1] == '!' || lt[1] == '?') {
                p = skip_declaration(lt, end);
            } else {
                p = start_tag(lt, end);
            }
        }
        while (open_.size() > 1) pop();
        nodes[0].end = int32_t(nodes.size());
    }
};
