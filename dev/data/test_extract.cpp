// test_extract.cpp -- the HTML tree, the blocks and the main text; and the article-extraction-benchmark, measured as it does.
#include <zlib.h>

#include <map>
#include <nlohmann/json.hpp>

#include "../test/test.hpp"
#include "extract_text.hpp"

namespace {

// ---- the benchmark's measure (scrapinghub/article-extraction-benchmark, evaluate.py, read at commit 11b407d):
// tokens are runs of \w (letters, digits, _ of any script; here: ASCII alphanumerics and all non-ASCII letters by the rule
// below), shingles all runs of 4 tokens (the one shorter run where a text has fewer), counted as multisets. Per page tp, fp,
// fn; precision and recall per page, averaged over the pages that have tp + fp > 0 (tp + fn > 0); F1 of the two averages.
// (Its normalization by the sum per page does not change these ratios.)
bool is_word(uint32_t c) {
    if (c < 0x80) return std::isalnum(int(c)) || c == '_';
    if (c < 0xC0) return c == 0xAA || c == 0xB2 || c == 0xB3 || c == 0xB5 || c == 0xB9 || c == 0xBA || (c >= 0xBC && c <= 0xBE);
    if (c == 0xD7 || c == 0xF7) return false;
    if (c >= 0x2000 && c < 0x2070) return false;
    if (c >= 0x2070 && c < 0x20A0) return !(c >= 0x207A && c <= 0x207E) && !(c >= 0x208A && c <= 0x208F);
    if ((c >= 0x20A0 && c < 0x2100) || (c >= 0x2190 && c < 0x2460) || (c >= 0x2500 && c < 0x2776) || (c >= 0x2794 && c < 0x2C00)) return false;
    if ((c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) || c == 0x3030 || c == 0x30FB) return false;
    if ((c >= 0xFE00 && c <= 0xFE6F) || (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) || c == 0xFEFF || c == 0xFFFD) return false;
    return c < 0x1F000 || c >= 0x20000;
}
using Shingles = std::map<std::string, int64_t>;
Shingles shingles(const std::string& text) {
    std::vector<std::string> tokens;
    std::string token;
    for (const char *p = text.data(), *end = p + text.size(); p < end;) {
        const Utf8Char c = decode_utf8(p, end);
        if (c.code >= 0 && is_word(uint32_t(c.code))) token.append(p, size_t(c.bytes));
        else if (!token.empty()) tokens.push_back(std::exchange(token, ""));
        p += c.bytes;
    }
    if (!token.empty()) tokens.push_back(token);
    Shingles out;
    for (size_t i = 0; i < std::max<size_t>(1, tokens.size() >= 4 ? tokens.size() - 3 : 0); i++) {
        std::string key;
        for (size_t k = i; k < std::min(i + 4, tokens.size()); k++) key += tokens[k] + "\n";
        if (!key.empty()) out[key]++;
    }
    return out;
}
struct Score {
    double precision_sum = 0, recall_sum = 0;
    int64_t with_prediction = 0, with_truth = 0;
    void add(const std::string& truth, const std::string& predicted) {
        const Shingles a = shingles(truth), b = shingles(predicted);
        double tp = 0, n_a = 0, n_b = 0;
        for (const auto& [k, n] : a) n_a += double(n);
        for (const auto& [k, n] : b) {
            n_b += double(n);
            const auto it = a.find(k);
            if (it != a.end()) tp += double(std::min(n, it->second));
        }
        if (n_b > 0) precision_sum += tp / n_b, with_prediction++;
        if (n_a > 0) recall_sum += tp / n_a, with_truth++;
    }
    double precision() const { return precision_sum / double(with_prediction); }
    double recall() const { return recall_sum / double(with_truth); }
    double f1() const { return 2 * precision() * recall() / (precision() + recall()); }
};

std::string gunzip_file(const std::string& path) {
    const gzFile f = gzopen(path.c_str(), "rb");
    std::string out;
    std::array<char, 65536> buffer;
    int n;
    while (f && (n = gzread(f, buffer.data(), unsigned(buffer.size()))) > 0) out.append(buffer.data(), size_t(n));
    if (f) gzclose(f);
    return out;
}
double cpu_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

void test_measure(Report& t) {
    Score same, none, half, empty;
    same.add("a b c d e", "a b, c d e!");
    t.check(same.f1() == 1, "equal tokens: 1, whatever stands between them");
    none.add("a b c d", "e f g h");
    t.check(none.precision() == 0 && none.recall() == 0, "nothing in common: 0");
    half.add("a b c d e", "a b c d x");
    t.check(half.precision() == 0.5 && half.recall() == 0.5, "one shingle of two");
    half = Score();
    half.add("w x y z w x y z", "w x y z");
    t.check(half.precision() == 1 && half.recall() == 0.2, "shingles are counted, not only present");
    empty.add("a b c d", "");
    t.check(empty.with_prediction == 0 && empty.recall() == 0, "an empty prediction has no precision");
}

void test_benchmark(Report& t) {
    const std::string folder = shared_data() + "/web/pages/";
    if (shared_data().empty() || !fs::exists(folder + "ground-truth.json")) return t.skip("the benchmark", "../shared/data/web/pages is absent");
    const nlohmann::json truth = nlohmann::json::parse(MappedFile(folder + "ground-truth.json").view());
    Score all, half[2], everything, permuted;
    double seconds = 0, parse_seconds = 0, bytes = 0;
    int64_t pages = 0, titles = 0, dates = 0, languages = 0;
    std::string previous;
    for (const auto& [key, value] : truth.items()) {  // in order of the key: even ones for development, odd ones watched
        const std::string page = gunzip_file(folder + key + ".html.gz");
        const std::string body = value["articleBody"];
        double start = cpu_seconds();
        const HtmlTree tree(page);
        parse_seconds += cpu_seconds() - start;
        start = cpu_seconds();
        const Extracted e = extract_text(page);
        seconds += cpu_seconds() - start;
        all.add(body, e.text), half[pages % 2].add(body, e.text), permuted.add(body, previous);
        std::string raw;
        for (const HtmlNode& n : tree.nodes)
            if (n.tag == kText) raw += decode_entities(n.text);
        everything.add(body, raw);
        previous = e.text;
        bytes += double(page.size()), pages++;
        titles += !e.title.empty(), dates += !e.date.empty(), languages += !e.language.empty();
        t.check(is_valid_utf8(e.text) || !is_valid_utf8(page), "the text is UTF-8 if the page is");
    }
    std::printf("  %lld pages: F1 %.4f (P %.4f R %.4f); development half %.4f, watched half %.4f; all text of the page %.4f\n", (long long)pages, all.f1(),
                all.precision(), all.recall(), half[0].f1(), half[1].f1(), everything.f1());
    std::printf("  %.0f pages/s and %.0f MB/s per core, parsing alone %.0f MB/s; title %lld, date %lld, language %lld\n", double(pages) / seconds,
                bytes / seconds / 1e6, bytes / parse_seconds / 1e6, (long long)titles, (long long)dates, (long long)languages);
    t.check_at_most(1 - all.f1(), 1 - 0.955, "1 - F1 on all pages");
    t.check_at_most(1 - half[1].f1(), 1 - 0.955, "1 - F1 on the half that was only watched");
    t.check_rejected(1 - everything.f1(), 1 - 0.955, "the text of the whole page");
    t.check(!(permuted.f1() > 0.1), "control: the text of another page is rejected");
    t.check(titles == pages, "every page has a title");
}

std::string page(const std::string& body, const std::string& head = "") { return "<!doctype html><html lang=en><head>" + head + "</head><body>" + body + "</body></html>"; }
const std::string kProse = "This paragraph is long enough to be taken for prose, with a comma, and it ends as sentences do. It even has a second one. ";

void test_tree(Report& t) {
    const auto shape = [](std::string_view html) {
        const HtmlTree tree(html);
        std::string out;
        for (size_t i = 1; i < tree.nodes.size(); i++) {
            int depth = 0;
            for (int32_t p = tree.nodes[i].parent; p > 0; p = tree.nodes[size_t(p)].parent) depth++;
            out += std::string(size_t(depth), '.') + (tree.nodes[i].tag == kText ? "'" + std::string(tree.nodes[i].text) + "'" : std::to_string(int(tree.nodes[i].tag))) + " ";
        }
        return out;
    };
    const auto n = [](HtmlTag tag) { return std::to_string(int(tag)); };
    t.check(shape("<p>a<p>b") == n(kTag_p) + " .'a' " + n(kTag_p) + " .'b' ", "a p ends a p");
    t.check(shape("<ul><li>a<li>b</ul>c") == n(kTag_ul) + " ." + n(kTag_li) + " ..'a' ." + n(kTag_li) + " ..'b' 'c' ", "li ends li, /ul ends both");
    t.check(shape("<b>x</i>y</b>") == n(kTag_b) + " .'x' .'y' ", "an end tag without a start is dropped");
    t.check(shape("<div><a>x</div>y") == n(kTag_div) + " ." + n(kTag_a) + " ..'x' 'y' ", "/div closes an open a");
    t.check(shape("a < b <3 c") == "'a < b <3 c' ", "< that starts no tag is text");
    t.check(shape("<script>if (a</b) '<p>'</script>z") == n(kTag_script) + " 'z' ", "a script is raw text");
    t.check(shape("x<!-- <p> -- > -->y<!---->z") == "'x' 'y' 'z' ", "comments");
    t.check(shape("<x-y><z>a</x-y>b") == n(kUnknown) + " ." + n(kUnknown) + " ..'a' 'b' ", "unknown elements close by name");
    const HtmlTree tree("<p class='a b' ID=c data-x=\"y>z\" class=second>t");
    t.check(tree.attribute(1, kAttr_class) == "a b" && tree.attribute(1, kAttr_id) == "c", "attributes: quotes, case, first wins");
    std::string deep;
    for (int i = 0; i < 100000; i++) deep += "<div>";
    t.check(HtmlTree(deep + "x").nodes.size() == 100002, "100,000 levels");
    t.check(decode_entities("&lt;&amp;&eacute;&#233;&#xE9;&#150;&nosuch;&copy 1 &#0;&AMP;") == "<&ééé–&nosuch;© 1 \xEF\xBF\xBD&AMP;", "character references: " + decode_entities("&#150;"));
}

void test_text(Report& t) {
    const auto text = [](const std::string& body) { return extract_text(page(body)).text; };
    const std::string p = "<p>" + kProse + "</p>", clean = kProse.substr(0, kProse.size() - 1);
    t.check(text("<nav><ul><li><a href=x>Home</a></ul></nav>" + p + p + "<footer>© 2024 Someone.</footer>") == clean + "\n\n" + clean, "menu and footer go");
    t.check(text(p + "<div class=share-bar>" + p + "</div>" + p + p + p) == clean + "\n\n" + clean + "\n\n" + clean + "\n\n" + clean, "a part with a boilerplate class goes");
    t.check(text("<div class=share-bar>" + p + p + "</div>") != "", "unless it is all the page has");
    t.check(text("<div id=shadow-header-read>" + p + "</div>").find("ends as sentences") != std::string::npos, "words, not substrings: no 'ad' in shadow");
    const std::string comments = "<div id=comments>" + p + p + "</div>";
    t.check(text(p + p + comments) == clean + "\n\n" + clean, "comments go");
    t.check(text(p + "<ul><li>first item</li><li>second item</li></ul>" + p) == clean + "\n\n- first item\n- second item\n\n" + clean, "lists stay");
    t.check(text(p + "<ul><li><a href=1>first link</a></li><li><a href=2>second link</a></li></ul>" + p) == clean + "\n\n" + clean, "lists of links go");
    t.check(text(p + "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>" + p) == clean + "\n\na | b\nc | d\n\n" + clean, "tables: " + text(p + "<table><tr><td>a<td>b<tr><td>c<td>d</table>" + p));
    t.check(text(p + "<pre>  if (x &lt; 1)\n    y();\n</pre>" + p) == clean + "\n\n  if (x < 1)\n    y();\n\n" + clean, "code keeps its spaces");
    t.check(text("<p>One<br>line " + kProse + "</p>" + p).substr(0, 9) == "One\nline ", "br is a line break");
    t.check(text(kProse + "<br><br>" + kProse) == clean + "\n\n" + clean, "two br part paragraphs");
    t.check(text(p + "<h2>Heading</h2>" + p + "<h2>Nothing below</h2>") == clean + "\n\nHeading\n\n" + clean, "headings stay, but not the last without text");
    t.check(text("<p>in<b>line</b> <i>mark</i>up " + kProse + "</p>" + p).substr(0, 13) == "inline markup", "inline elements add no space");
    t.check(text(p + "<p style='display: none'>hidden text of some length, which nobody sees.</p>" + p) == clean + "\n\n" + clean, "hidden parts go");
    t.check(text("<p>Hello there, this is short.</p>") == "Hello there, this is short.", "a short page keeps its sentence");
    t.check(text("") == "" && extract_text("").text == "" && text("<p>Menu</p>") == "", "nothing gives nothing");
    const std::string data = "<script type='application/ld+json'>{\"articleBody\": \"Text that only a script shows.\\n" + kProse + kProse + "\\u00e9\"}</script>";
    t.check(extract_text(page("<div id=app></div>", data)).text.substr(0, 30) == "Text that only a script shows.", "JSON-LD where the page has no text");
}

void test_metadata(Report& t) {
    const Extracted e = extract_text("<html lang=pt-BR><head><title>A headline of the day | Site</title><meta property='article:published_time' content='2019-11-19T10:00:00Z'>"
                                     "</head><body><h1>A headline of the day</h1><p>" + kProse);
    t.check(e.title == "A headline of the day" && e.date == "2019-11-19" && e.language == "pt-BR", cat("title, date, language: ", e.title, " ", e.date, " ", e.language));
    t.check(extract_text("<html lang='en\xc3\xa9, de'><p>" + kProse).language == "en", "a language tag ends where one must");   // cut after 12 bytes, a letter of two was torn
    const Extracted o = extract_text("<title>T | S</title><meta content='Shared &amp; told' property=og:title><time datetime=2020/1/2><time datetime=20200304>");
    t.check(o.title == "Shared & told" && o.date == "2020-03-04", "og:title; the first time element is malformed, the second counts: " + o.date);
    for (const char* bad : {"2019-13-01", "1019-01-01", "201-01-01", "2019-01-41", "20190101234", ""})
        t.check(html_detail::iso_date(bad).empty(), cat("no date: ", bad));
}

void test_noise(Report& t) {
    std::mt19937 gen(3);
    const char* pieces[] = {"<div", "<p>", "</p>", "<a href=", ">", "<!--", "-->", "<script>", "</script", "<td>", "<table>", "&#x", "&amp", "\xC3", "<ul><li>", "text. ", "</div>", "<pre>",
                            "\"", "'", "=", "class=share ", "<br>", "<", "</", "\0", "<h1>", "id=comments>", "<blockquote>", "<article>"};
    int64_t n = 0;
    for (int i = 0; i < 3000; i++) {
        std::string html;
        for (uint32_t k = gen() % 60; k-- > 0;) html += pieces[gen() % std::size(pieces)];
        n += int64_t(extract_text(html).text.size() < 100000);
    }
    t.check(n == 3000, "noise of tags gives a text");
    // linear time: four times the page, at most about four times the work (a factor of two for the clock)
    const auto seconds = [](int times, const char* piece) {
        std::string html;
        for (int i = 0; i < times; i++) html += piece;
        double best = 1e9;
        for (int k = 0; k < 3; k++) {
            const double start = cpu_seconds();
            extract_text(html);
            best = std::min(best, cpu_seconds() - start);
        }
        return best;
    };
    for (const char* piece : {"<div class=share><p>Text, with words. ", "<a><b><i>", "<table><tr><td>", "</x>", "<!--", "<ul><li>a, b. ", "<x-y>", "<p><blockquote>"})
        t.check_at_most(seconds(40000, piece), 10 * seconds(10000, piece) + 0.02, cat("time grows with the size: ", piece));
}

const LinkedSuite linked({{"extract_measure", test_measure}, {"extract_tree", test_tree}, {"extract_text", test_text}, {"extract_metadata", test_metadata},
                          {"extract_noise", test_noise}, {"extract_benchmark", test_benchmark}});

}  // namespace

int main(int argc, char** argv) { return run_tests(argc, argv, linked_suites()); }
