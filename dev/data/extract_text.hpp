// extract_text.hpp -- the main text of a web page, without menus, advertisements, comments and boilerplate.
//
// Four steps on the tree of html.hpp and the blocks of extract_blocks.hpp:
//   1. drop    parts whose element, role, class or style says that they are no text (nav, footer, "share", hidden), unless they
//              hold most of the page's good text: a hint is believed only where it costs little
//   2. locate  the node that holds the article: one that its author calls the text ("articleBody"), or else the deepest that
//              still holds most of the good text, good being paragraphs with few links (readability, jusText)
//   3. prune   blocks inside that node by link density, length, sentence marks and neighbours (boilerpipe)
//   4. print   paragraphs, lists, tables, code; when hardly anything is left, the text in JSON-LD
// Promises: any bytes give a result in time linear in the page; the text is UTF-8 if the page is. No rule names a site.
// Does not: run scripts, join pages, or translate; the thresholds were chosen on every second page of the benchmark in
// ../shared/data/web/pages (test_extract.cpp prints both halves).
#pragma once

#include "extract_blocks.hpp"
#include "extract_metadata.hpp"
#include "extract_words.hpp"

struct Extracted {
    std::string text;      // paragraphs separated by an empty line; "" when the page has no main text
    std::string title;     // "" where unknown
    std::string date;      // YYYY-MM-DD or ""
    std::string language;  // the page's own claim, e.g. "en" or "pt-BR"; a hint only
};

struct ExtractOptions {
    bool keep_tables = true;     // cells of a row joined by " | "
    bool keep_lists = true;      // items start with "- "
    bool everything = false;     // all text of the page, menus and all, as in Common Crawl's WET files: to compare with
    int32_t min_text = 200;      // below this many bytes the fallback is tried
};

namespace html_detail {

enum : uint8_t { kKeep = 0, kDropped = 1 };

inline constexpr TagSet kNeverText = {kTag_script, kTag_style, kTag_noscript, kTag_iframe, kTag_svg, kTag_select, kTag_textarea, kTag_template,
                                      kTag_head, kTag_title, kTag_object, kTag_embed, kTag_audio, kTag_video, kTag_canvas, kTag_map, kTag_button,
                                      kTag_noembed, kTag_noframes, kTag_math, kTag_option, kTag_optgroup, kTag_input, kTag_label,
                                      kTag_dialog};
inline constexpr TagSet kRarelyText = {kTag_nav, kTag_footer, kTag_aside, kTag_form, kTag_menu, kTag_figcaption, kTag_header};

class Extraction {
   public:
    Extraction(const HtmlTree& tree, const ExtractOptions& options) : tree_(tree), options_(options) {}

    std::string run() {
        const size_t n = tree_.nodes.size();
        dropped_.assign(n, kKeep);
        if (options_.everything) return print_everything();
        blocks_ = find_blocks(tree_, dropped_);
        measure();
        judge();
        drop_parts();
        measure();
        return print(total() > 0 ? prune(locate()) : lone_sentences());
    }

   private:
    const HtmlTree& tree_;
    const ExtractOptions& options_;
    std::vector<uint8_t> dropped_;
    std::vector<WordVerdict> verdict_;
    std::vector<TextBlock> blocks_;
    std::vector<int32_t> good_until_;  // [i]: good characters in blocks that start before node i
    std::vector<int32_t> all_until_, link_until_;

    const HtmlNode& node(int32_t i) const { return tree_.nodes[size_t(i)]; }
    int32_t above(int32_t i) const { return std::max(node(i).parent, 0); }  // the root stands above itself
    static int32_t good_chars(const TextBlock& b) {
        if (b.dropped || b.kind == BlockKind::heading || b.kind == BlockKind::caption) return 0;
        const bool prose = b.chars >= 80 || (b.chars >= 40 && b.sentence);
        return prose && b.link_density() < 0.4f ? b.chars - b.link_chars : 0;
    }
    void measure() {
        const size_t n = tree_.nodes.size() + 1;
        good_until_.assign(n, 0), all_until_.assign(n, 0), link_until_.assign(n, 0);
        for (const TextBlock& b : blocks_) {
            good_until_[size_t(b.first) + 1] += good_chars(b);
            if (b.dropped) continue;
            all_until_[size_t(b.first) + 1] += b.chars;
            link_until_[size_t(b.first) + 1] += b.link_chars;
        }
        for (size_t i = 1; i < n; i++) {
            good_until_[i] += good_until_[i - 1];
            all_until_[i] += all_until_[i - 1];
            link_until_[i] += link_until_[i - 1];
        }
    }
    int32_t good(int32_t i) const { return good_until_[size_t(node(i).end)] - good_until_[size_t(i)]; }
    int32_t chars(int32_t i) const { return all_until_[size_t(node(i).end)] - all_until_[size_t(i)]; }
    int32_t link_chars(int32_t i) const { return link_until_[size_t(node(i).end)] - link_until_[size_t(i)]; }
    int32_t total() const { return good_until_.back(); }

    std::string print_everything() {
        for (int32_t i = 1; i < int32_t(tree_.nodes.size()); i++)
            if (dropped_[size_t(above(i))] || kNeverText.has(node(i).tag)) dropped_[size_t(i)] = kDropped;
        blocks_ = find_blocks(tree_, dropped_);
        std::vector<size_t> all(blocks_.size());
        for (size_t k = 0; k < all.size(); k++) all[k] = k;
        return print(all);
    }
    void judge() {
        verdict_.assign(tree_.nodes.size(), WordVerdict::none);
        for (int32_t i = 1; i < int32_t(tree_.nodes.size()); i++) {
            const HtmlNode& n = node(i);
            if (!n.attributes || n.tag == kTag_html || n.tag == kTag_body) continue;  // these name the page, not its text
            WordVerdict v = WordVerdict::none;
            for (uint32_t a = 0; a < n.attributes; a++) {
                const HtmlAttribute& attribute = tree_.attributes[n.first_attribute + a];
                if (attribute.name == kAttr_class || attribute.name == kAttr_id) {
                    const WordVerdict w = judge_words(attribute.value);
                    if (w == WordVerdict::comments || v == WordVerdict::comments) v = WordVerdict::comments;
                    else if (w == WordVerdict::boilerplate || v == WordVerdict::boilerplate) v = WordVerdict::boilerplate;
                    else v = std::max(v, w);
                } else if (attribute.name == kAttr_itemprop && attribute.value == "articleBody") {
                    v = WordVerdict::body;
                    break;
                }
            }
            verdict_[size_t(i)] = v;
        }
    }
    bool is_hidden(int32_t i) const {
        const HtmlNode& n = node(i);
        for (uint32_t a = 0; a < n.attributes; a++) {
            const HtmlAttribute& attribute = tree_.attributes[n.first_attribute + a];
            if (attribute.name == kAttr_hidden || (attribute.name == kAttr_aria_hidden && attribute.value == "true")) return true;
            if (attribute.name == kAttr_style) {
                const size_t d = attribute.value.find("display");
                if (d != std::string_view::npos && attribute.value.find("none", d) < d + 12) return true;
                if (attribute.value.find("visibility:hidden") != std::string_view::npos) return true;
            }
            if (attribute.name == kAttr_role) {
                const std::string_view r = attribute.value;
                if (r == "navigation" || r == "banner" || r == "contentinfo" || r == "complementary" || r == "search" || r == "dialog" ||
                    r == "alert" || r == "menu" || r == "menubar" || r == "toolbar" || r == "alertdialog")
                    return true;
            }
        }
        return false;
    }
    // Step 1. A part is believed to be boilerplate only up to this share of the page's good text.
    double believable_share(int32_t i) const {
        const HtmlTag t = node(i).tag;
        if (kNeverText.has(t)) return 2;  // always
        double share = -1;
        if (kRarelyText.has(t)) share = t == kTag_header || t == kTag_form ? 0.2 : 0.5;
        const bool inlined = !kBlockTags.has(t) && t != kUnknown;
        if (verdict_[size_t(i)] == WordVerdict::comments) share = std::max(share, inlined ? 0.1 : 0.8);
        if (verdict_[size_t(i)] == WordVerdict::boilerplate && !is_quotation(i)) share = std::max(share, 0.3);
        if (node(i).attributes && is_hidden(i)) share = std::max(share, 0.5);
        return share;
    }
    // Quoted posts wear boilerplate words ("tweet", "embed", "video-container") but are part of what the author says.
    bool is_quotation(int32_t i) const {
        if (node(i).tag == kTag_blockquote) return true;
        if (node(i).end - i > 60) return false;
        for (int32_t c = i + 1; c < node(i).end; c++)
            if (node(c).tag == kTag_blockquote) return chars(c) >= 40 && chars(c) * 2 > chars(i);
        return false;
    }
    void drop_parts() {
        const double all = std::max(1, total());
        for (int32_t i = 1; i < int32_t(tree_.nodes.size());) {
            const HtmlNode& n = node(i);
            const double share = n.tag == kText || n.tag == kTag_html || n.tag == kTag_body ? -1 : believable_share(i);
            if (share >= 0 && good(i) <= share * all) {
                std::fill(dropped_.begin() + i, dropped_.begin() + n.end, uint8_t(kDropped));
                i = n.end;
            } else {
                i++;
            }
        }
        blocks_ = find_blocks_again();
    }
    // Inline parts may have been dropped too: their letters must not count, so blocks are cut anew.
    std::vector<TextBlock> find_blocks_again() { return find_blocks(tree_, dropped_); }

    // Step 2.
    int32_t locate() const {
        int32_t best = 0;
        // the author's own word for it, when it holds a fair part of what looks good
        int32_t best_good = 0;
        for (int32_t i = 1; i < int32_t(tree_.nodes.size()); i++) {
            if (verdict_[size_t(i)] != WordVerdict::body || dropped_[size_t(i)]) continue;
            const int32_t g = good(i);
            if (g > best_good) best = i, best_good = g;
        }
        if (best && best_good >= 0.3 * total() && best_good >= options_.min_text) return tighten(best);
        int32_t article = 0, article_good = 0, articles = 0;
        for (int32_t i = 1; i < int32_t(tree_.nodes.size()); i++) {
            if (node(i).tag != kTag_article || dropped_[size_t(i)]) continue;
            const int32_t g = good(i);
            articles++;
            if (g > article_good) article = i, article_good = g;
        }
        if (article && article_good >= 0.5 * total() && article_good >= options_.min_text) return tighten(article);
        return tighten(0);
    }
    // Goes down as long as one child holds nearly all the good text.
    int32_t tighten(int32_t i) const {
        for (;;) {
            const int32_t g = good(i);
            int32_t next = -1;
            for (int32_t c = i + 1; c < node(i).end; c = node(c).end)
                if (!dropped_[size_t(c)] && good(c) >= 0.8 * g) next = c;
            if (next < 0 || !kBlockTags.has(node(next).tag) || node(next).tag == kTag_p) return i;
            i = next;
        }
    }

    // A page without any paragraph of prose: what stands outside of links and ends like a sentence.
    std::vector<size_t> lone_sentences() const {
        std::vector<size_t> kept;
        for (size_t k = 0; k < blocks_.size(); k++) {
            const TextBlock& b = blocks_[k];
            const bool prose = b.kind != BlockKind::heading && b.kind != BlockKind::caption && b.ends && b.chars >= 20;
            if (!b.dropped && prose && b.link_density() < 0.3f && !is_service_line(block_text(tree_, b))) kept.push_back(k);
        }
        return kept;
    }

    // Step 3.
    std::vector<size_t> prune(int32_t container) const {
        std::vector<size_t> inside, kept;
        for (size_t k = 0; k < blocks_.size(); k++)
            if (blocks_[k].first >= container && blocks_[k].first < node(container).end && !blocks_[k].dropped) inside.push_back(k);
        size_t first = inside.size(), last = 0;
        for (size_t k = 0; k < inside.size(); k++)
            if (good_chars(blocks_[inside[k]]) > 0) first = std::min(first, k), last = k;
        for (size_t k = 0; k < inside.size(); k++) {
            const TextBlock& b = blocks_[inside[k]];
            if (b.kind == BlockKind::caption) continue;
            const float density = b.link_density();
            if (k < first) {
                if (!(b.ends && b.chars >= 20 && density < 0.3f)) continue;
            } else if (k > last) {
                if (!((b.ends || is_sibling(b, blocks_[inside[last]])) && density < 0.3f)) continue;
            }
            if (density > 0.6f && b.chars < 300) continue;
            if (b.kind == BlockKind::item && in_link_list(b)) continue;
            if (b.chars <= (b.ends ? 90 : 200) && is_service_line(block_text(tree_, b))) continue;
            kept.push_back(inside[k]);
        }
        // a heading with nothing under it
        std::vector<size_t> result;
        for (size_t k = 0; k < kept.size(); k++) {
            const bool heading = blocks_[kept[k]].kind == BlockKind::heading;
            result.push_back(kept[k]);
            if (heading && k + 1 == kept.size())
                while (!result.empty() && blocks_[result.back()].kind == BlockKind::heading) result.pop_back();
        }
        return result;
    }
    // Short lines behind the last paragraph: still text if they stand beside it, as paragraphs or as items of a list.
    bool is_sibling(const TextBlock& b, const TextBlock& last) const {
        if (b.kind == BlockKind::heading || b.link_chars > 0) return false;
        const int32_t parent = above(last.owner), mine = above(b.owner);
        return b.owner == last.owner || mine == parent || above(mine) == parent || mine == above(parent);
    }
    bool in_link_list(const TextBlock& b) const {
        int32_t i = b.owner;
        while (i > 0 && node(i).tag != kTag_ul && node(i).tag != kTag_ol && node(i).tag != kTag_dl) i = node(i).parent;
        return i > 0 && link_chars(i) > 0.5 * chars(i);
    }
    std::string print(const std::vector<size_t>& kept) const {
        std::string out;
        int32_t row = -1;
        BlockKind previous = BlockKind::text;
        for (const size_t k : kept) {
            const TextBlock& b = blocks_[k];
            std::string text = block_text(tree_, b);
            if (text.empty()) continue;
            int32_t this_row = -1;
            if (b.kind == BlockKind::cell && options_.keep_tables)
                for (int32_t i = b.owner; i > 0 && this_row < 0; i = node(i).parent)
                    if (node(i).tag == kTag_tr) this_row = i;
            if (!out.empty()) {
                const bool item_pair = b.kind == BlockKind::item && previous == BlockKind::item;
                if (this_row >= 0 && this_row == row) out += " | ";
                else out += (this_row >= 0 && previous == BlockKind::cell) || item_pair ? "\n" : "\n\n";
            }
            if (b.kind == BlockKind::item && options_.keep_lists) out += "- ";
            out += text;
            row = this_row, previous = b.kind;
        }
        return out;
    }
};

}  // namespace html_detail

// The main text and the metadata of a page in UTF-8. Never throws for any page.
inline Extracted extract_text(std::string_view page, const ExtractOptions& options = {}) {
    const HtmlTree tree(page);
    Extracted result;
    html_detail::Metadata meta = html_detail::read_metadata(tree);
    result.text = html_detail::Extraction(tree, options).run();
    // Articles that a script would print are often there as data (schema.org articleBody), as text or as HTML.
    if (!options.everything && int64_t(result.text.size()) < options.min_text && meta.article_body.size() > 2 * result.text.size()) {
        const bool markup = meta.article_body.find("</") != std::string::npos;
        result.text = markup ? extract_text(meta.article_body, options).text : decode_entities(meta.article_body);
    }
    result.title = std::move(meta.title), result.date = std::move(meta.date), result.language = std::move(meta.language);
    return result;
}
