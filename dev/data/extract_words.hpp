// extract_words.hpp -- what authors say about a part of their page in its class, id and role, and in its first words.
//
// class="post-footer relatedPosts" is split into the words post, footer, related, posts (at signs, digits and capitals), and each
// is looked up. A word says: this is boilerplate (menu, share, related, ...), this is content (article, entry, ...) or nothing.
// No name of a site or of a company's template is in the lists; only words that designers use everywhere. The idea is
// readability's (Arc90, 2009); the exact word match is ours: as a substring "ad" would also hit "header", "shadow" and "read".
// A word is a hint, never a proof: extract_text.hpp does not believe one that would throw away most of the page's text.
#pragma once

#include "html.hpp"

enum class WordVerdict : uint8_t { none, boilerplate, comments, content, body };

namespace html_detail {

inline constexpr const char* kBoilerplateWords =
    "share sharing shares sharebar sharer social socials socialbar addthis sharethis addtoany tweet follow followus like likes related "
    "relateds recommended recommend recommends recirc recirculat promo promos promotion promoted promobox teaser teasers ad ads adv advert "
    "adverts advertis advertisem adsense adslot adbox adunit adwrapper banner banners sponsor sponsored sponsors sidebar sidebars rail "
    "aside nav navbar navigation menu menus submenu breadcrumb breadcrum crumbs crumb footer foot masthead topbar toolbar tools "
    "newsletter newslette subscribe subscripti signup signin login register registrat paywall cookie cookies gdpr consent popup popups "
    "modal overlay lightbox tooltip dropdown widget widgets taboola outbrain trending popular mostread mostpopula pagination paging pager "
    "prevnext nextprev print printonly skip hidden hide copyright disclaimer legal byline bylines author authors bio authorbox authorbio "
    "aboutautho authorinfo meta metadata postmeta entrymeta dateline timestamp pubdate published tags tag tagcloud taglist "
    "categories keywords topics caption captions credit credits wpcaption gallery slideshow carousel slider player video "
    "videos embed feedback rating ratings vote votes poll survey search searchbox sitemap colophon jump toc readmore more morelinks "
    "seealso upnext ticker alert notice donate donation shop store buy price cart affiliate coupon download apps "
    "avatar profile gravatar hashtag actions action buttons button btn sticky toast infobox navbox mw-editsec editsectio noprint "
    "catlinks reflist references footnotes interstiti outstream correctio livefyre livechat contact partners partner livestream "
    "syndicatio linklist links externalli quicklinks morefrom inread excludable";
inline constexpr const char* kCommentWords = "comment comments commentlis commentthr disqus respond reply replies discussion commenting remark reactions";
inline constexpr const char* kContentWords = "article post entry story content main text body page news blog primary hentry center hnews prose";
// Two of these together ("article-body", "entryContent", "story text") name the text itself.
inline constexpr const char* kTextWords = "body content text copy paragraph paragraphs para inner detail details bodycopy prose fulltext markdown";
inline constexpr const char* kPieceWords = "article post entry story news page main blog td item single recipe review doc topic read view asset";
inline constexpr const char* kJoinedWords =
    "articlebody articletex articlecon articledet storybody storytext storyconte entryconte entrybody entrytext postconten postbody posttext "
    "newsbody newstext newsconten newsdetail bodycopy bodytext maintext maincopy fulltext storycopy articlecop contentbod "
    "contenttex pagecopy contentart";

// Classes of words as bits.
enum : uint8_t { kWordBoilerplate = 1, kWordComments = 2, kWordContent = 4, kWordText = 8, kWordPiece = 16, kWordJoined = 32 };

inline const KeyTable<2048>& word_table() {
    static const KeyTable<2048> table = [] {
        KeyTable<2048> t;
        const std::pair<const char*, uint8_t> lists[] = {{kBoilerplateWords, kWordBoilerplate}, {kCommentWords, kWordComments},
                                                         {kContentWords, kWordContent},         {kTextWords, kWordText},
                                                         {kPieceWords, kWordPiece},             {kJoinedWords, kWordJoined}};
        for (const auto& [list, bit] : lists)
            for (std::string_view words = list; !words.empty();) {
                const size_t space = std::min(words.find(' '), words.size());
                const uint64_t key = name_key(words.substr(0, std::min<size_t>(space, 10)));
                size_t s = KeyTable<2048>::slot(key);
                while (t.keys[s] && t.keys[s] != key) s = (s + 1) % 2048;
                if (t.keys[s]) t.values[s] = uint8_t(t.values[s] | bit);
                else t.keys[s] = key, t.values[s] = bit;
                words.remove_prefix(std::min(space + 1, words.size()));
            }
        return t;
    }();
    return table;
}

// Calls f(bits of the word, its length) for each word of a class or id value, and f(0, 0) between names. Longer words are
// cut after 10 letters, as the lists are.
template <typename F>
void each_word(std::string_view value, const F& f) {
    const auto& table = word_table();
    size_t i = 0;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (i < value.size()) {
        if (!letter(value[i])) {
            if (is_space(value[i])) f(uint8_t(0), size_t(0));
            i++;
            continue;
        }
        const size_t start = i++;
        // fooBar ends before B; FOOBAR does not
        while (i < value.size() && letter(value[i]) && !(value[i] < 'a' && value[i - 1] >= 'a')) i++;
        const int v = table.find(name_key(value.substr(start, std::min<size_t>(i - start, 10))));
        f(uint8_t(v < 0 ? 0 : v), i - start);
    }
}

}  // namespace html_detail

// The verdict on one class or id value. The text's own container wins only within one name: "article-body" is content,
// "article share body" says three things. Boilerplate wins over plain content words ("post-footer", "related-articles").
inline WordVerdict judge_words(std::string_view value) {
    uint8_t all = 0, name = 0;
    bool body = false;
    size_t words = 0;
    const auto end_name = [&] {
        if (!(name & (html_detail::kWordBoilerplate | html_detail::kWordComments)) &&
            ((name & html_detail::kWordJoined) || ((name & html_detail::kWordText) && (name & html_detail::kWordPiece))))
            body = true;
        name = 0;
    };
    html_detail::each_word(value, [&](uint8_t bits, size_t length) {
        if (!length) return end_name();
        name |= bits, all |= bits, words++;
    });
    end_name();
    if (all & html_detail::kWordComments) return WordVerdict::comments;
    if (all & html_detail::kWordBoilerplate) return WordVerdict::boilerplate;
    if (body) return WordVerdict::body;
    return all & (html_detail::kWordContent | html_detail::kWordText) ? WordVerdict::content : WordVerdict::none;
}

// True where a short block (<= 200 characters) is a service line, not prose: it starts with such words (English and the five
// next most common web languages). Lower-cased ASCII is compared; other bytes as they are.
inline bool is_service_line(std::string_view text) {
    static constexpr std::string_view starts[] = {
        "advertisement", "sponsored", "share this", "share on", "share via", "share:", "tweet this", "follow us", "follow @", "read more", "read also", "read next",
        "also read", "see also", "related:", "related article", "related stor", "related post", "more from", "more on this", "more:", "watch:", "watch now", "video:", "photo:", "photos:", "click here",
        "sign up", "signup", "subscribe", "newsletter", "get the latest", "copyright", "\xC2\xA9", "all rights reserved", "image credit", "photo by", "photo credit", "image:", "image source", "image courtesy",
        "published", "updated", "posted", "last updated", "filed under", "tags:", "tagged", "tag:", "categories:", "category:", "loading", "skip to", "back to top", "comments", "leave a comment", "leave a reply",
        "log in", "login", "sign in", "join the conversation", "view comments", "show comments", "print this", "email this", "download our", "download the", "recommended", "you may also", "you might also", "don't miss", "most popular", "trending",
        "story continues below", "article continues below", "scroll down", "continue reading", "keep reading", "terms of", "privacy policy", "cookie", "we use cookies", "this site uses",
        "lire aussi", "lire la suite", "partager", "publi\xC3\xA9", "lesen sie auch", "mehr zum thema", "teilen", "anzeige", "lee tambi", "leer m", "compartir", "leia tamb", "leia mais", "compartilh", "leggi anche", "condividi",
        "\xD1\x87\xD0\xB8\xD1\x82\xD0\xB0\xD0\xB9\xD1\x82\xD0\xB5 \xD1\x82\xD0\xB0\xD0\xBA\xD0\xB6\xD0\xB5", "\xD0\xBF\xD0\xBE\xD0\xB4\xD0\xB5\xD0\xBB\xD0\xB8\xD1\x82\xD1\x8C\xD1\x81\xD1\x8F"};
    std::string low;
    for (const char c : text.substr(0, 48)) low += c >= 'A' && c <= 'Z' ? char(c | 32) : c;
    while (!low.empty() && (low[0] == ' ' || low[0] == '[' || low[0] == '(' || low[0] == '-' || low[0] == '*')) low.erase(0, 1);
    for (const std::string_view s : starts)
        if (low.compare(0, s.size(), s) == 0) return true;
    return false;
}
