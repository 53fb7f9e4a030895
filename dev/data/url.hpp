// url.hpp -- what the address says before the page is read: block lists and words.
//
// Four lists of sites and four of words, all optional and all files: nothing is built in. A list of domains may be plain (one
// per line), a hosts file ("0.0.0.0 bad.example"), or a folder of UT1 (files `domains` and `urls` in it). A page is dropped if
// its registered domain or its whole host is listed, its address is listed, its address contains a strict word or at least two
// soft ones, or a sub-word occurs in the address when all but letters and digits is taken out. Rules, order and reasons are
// datatrove's URLFilter; as there, words of the address keep their case while the lists are lower case.
// The registered domain of a.b.co.uk is b.co.uk: which suffixes are public is read from Debian's package publicsuffix (the
// list itself; libpsl holds the same list compiled in, and a reader of it is 30 lines).
#pragma once

#include <unordered_set>

#include "run.hpp"

namespace webtext {

struct UrlConfig : RunConfig {
    std::vector<std::string> domains, urls, words, soft_words, subwords;
    std::string public_suffixes = "/usr/share/publicsuffix/public_suffix_list.dat";
    bool private_suffixes = false;
    int64_t soft_word_threshold = 2;
};

using WordSet = std::unordered_set<std::string>;

// The public suffixes: rules like "com", "*.ck", "!www.ck".
class PublicSuffixes {
   public:
    // with_private: also the second part of the list (github.io); tldextract leaves it out.
    PublicSuffixes(const std::string& path, bool with_private) {
        InputFile in(path);
        std::string_view line;
        bool is_private = false;
        while (in.line(line)) {
            is_private |= line.find("===BEGIN PRIVATE DOMAINS===") != std::string_view::npos;
            if (line.starts_with("//") || (is_private && !with_private)) continue;
            const std::string rule(line.substr(0, line.find_first_of(" \t\r")));
            if (!rule.empty()) rules_.insert(rule);
        }
        if (rules_.empty()) throw Error(cat(path, ": no rules"), "expected the list of publicsuffix.org");
    }
    // "a.b.co.uk" -> "b.co.uk"; "" for a public suffix itself, a bare name or an address of numbers.
    std::string registered_domain(const std::string& host) const {
        if (host.find_first_not_of("0123456789.") == std::string::npos || host.find(':') != std::string::npos) return "";
        std::vector<size_t> starts = {0};
        for (size_t i = 0; i < host.size(); i++)
            if (host[i] == '.') starts.push_back(i + 1);
        for (size_t k = 0; k < starts.size(); k++) {     // the longest rule that fits comes first
            const std::string rest = host.substr(starts[k]);
            const bool exception = rules_.count("!" + rest), whole = rules_.count(rest);
            const bool star = k + 1 < starts.size() && rules_.count("*." + host.substr(starts[k + 1]));
            if (exception) return rest;
            if (whole || star) return k ? host.substr(starts[k - 1]) : "";
        }
        return "";                                       // tldextract: no known suffix, no registered domain
    }

   private:
    WordSet rules_;
};

// The host of an address, in lower case, without user, port and a dot at the end.
inline std::string host_of(std::string_view url) {
    const size_t scheme = url.find("//");
    std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 2);
    rest = rest.substr(0, rest.find_first_of("/?#\\"));
    if (const size_t at = rest.rfind('@'); at != std::string_view::npos) rest = rest.substr(at + 1);
    if (!rest.starts_with("[")) rest = rest.substr(0, rest.find(':'));
    while (rest.ends_with(".")) rest.remove_suffix(1);
    std::string host(rest);
    for (char& c : host)
        if (c >= 'A' && c <= 'Z') c = char(c + 32);
    return host;
}

// Finds any of many words in a text, in one pass (Aho and Corasick 1975), over a-z and 0-9.
class SubwordFinder {
   public:
    void add(const std::string& word) {
        int32_t node = 0;
        for (const char c : word) {
            const int k = index(c);
            if (k < 0) continue;
            if (next_[size_t(node)][size_t(k)] < 0) {
                next_[size_t(node)][size_t(k)] = int32_t(next_.size());
                next_.push_back(empty());
                ends_.push_back(false);
            }
            node = next_[size_t(node)][size_t(k)];
        }
        if (node) ends_[size_t(node)] = true;
    }
    void build() {
        std::vector<int32_t> queue, fail(next_.size(), 0);
        for (auto& child : next_[0]) child < 0 ? void(child = 0) : queue.push_back(child);
        for (size_t head = 0; head < queue.size(); head++) {
            const size_t node = size_t(queue[head]);
            for (size_t k = 0; k < 36; k++) {
                const int32_t other = next_[size_t(fail[node])][k];
                int32_t& child = next_[node][k];
                if (child < 0) {
                    child = other;
                    continue;
                }
                fail[size_t(child)] = other;
                if (ends_[size_t(other)]) ends_[size_t(child)] = true;
                queue.push_back(child);
            }
        }
    }
    bool occurs_in(std::string_view text) const {
        int32_t node = 0;
        for (const char c : text) {
            const int k = index(c);
            if (k >= 0 && ends_[size_t(node = next_[size_t(node)][size_t(k)])]) return true;
        }
        return false;
    }

   private:
    static std::array<int32_t, 36> empty() {
        std::array<int32_t, 36> a;
        a.fill(-1);
        return a;
    }
    static int index(char c) {                           // everything but letters and digits is taken out, case is folded
        if (c >= 'a' && c <= 'z') return c - 'a';
        if (c >= 'A' && c <= 'Z') return c - 'A';
        return c >= '0' && c <= '9' ? 26 + c - '0' : -1;
    }
    std::vector<std::array<int32_t, 36>> next_ = {empty()};
    std::vector<bool> ends_ = {false};
};

class UrlStage : public Stage {
   public:
    explicit UrlStage(const UrlConfig& config) : config_(config) {
        for (const std::string& path : config.domains) {
            if (fs::is_directory(path)) read_ut1(path);
            else read_list(path, true, [&](const std::string& d) { domains_.insert(d); });
        }
        for (const std::string& path : config.urls) read_list(path, false, [&](const std::string& u) { urls_.insert(u); });
        for (const std::string& path : config.words) read_list(path, false, [&](const std::string& w) { words_.insert(normalized(w)); });
        for (const std::string& path : config.soft_words) read_list(path, false, [&](const std::string& w) { soft_words_.insert(normalized(w)); });
        for (const std::string& path : config.subwords) read_list(path, false, [&](const std::string& w) { subwords_.add(normalized(w)); });
        subwords_.build();
        if (domains_.size() + urls_.size() + words_.size() + soft_words_.size() == 0 && config.subwords.empty())
            throw UsageError("no list is given", "name at least one of --domains, --urls, --words, --soft-words, --subwords");
        if (!domains_.empty()) suffixes_.emplace(config.public_suffixes, config.private_suffixes);
    }
    const char* name() const override { return "url"; }
    Verdict process(Document& d) override { return judge(d.fact("url")); }
    std::vector<std::string> reads() const override {
        std::vector<std::string> paths;
        for (const auto* lists : {&config_.domains, &config_.urls, &config_.words, &config_.soft_words, &config_.subwords}) paths.insert(paths.end(), lists->begin(), lists->end());
        if (suffixes_) paths.push_back(config_.public_suffixes);
        return paths;
    }

    Verdict judge(const std::string& url) const {
        static constexpr char kName[] = "url";
        if (url.empty()) return dropped(kName, "no_url");
        if (!domains_.empty()) {
            const std::string host = host_of(url), registered = suffixes_->registered_domain(host);
            if (!registered.empty() && domains_.count(registered)) return dropped(kName, "domain");
            if (domains_.count(host)) return dropped(kName, "subdomain");
        }
        if (urls_.count(url) || (!bare_urls_.empty() && bare_urls_.count(bare(url)))) return dropped(kName, "url");
        WordSet soft;
        for (size_t i = 0, start = 0; i <= url.size(); i++) {
            if (i < url.size() && alnum(url[i])) continue;
            const std::string word = url.substr(start, i - start);
            start = i + 1;
            if (word.empty()) continue;
            if (words_.count(word)) return dropped(kName, "hard_blacklisted");
            if (soft_words_.count(word)) soft.insert(word);
        }
        if (int64_t(soft.size()) >= config_.soft_word_threshold && !soft_words_.empty()) return dropped(kName, "soft_blacklisted", double(soft.size()));
        if (subwords_.occurs_in(url)) return dropped(kName, "blacklisted_subword");
        return kept();
    }

   private:
    static bool alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
    static std::string normalized(const std::string& word) {
        std::string s;
        for (const char c : word)
            if (alnum(c)) s += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
        return s;
    }
    // UT1 lists addresses without scheme and "www.".
    static std::string bare(std::string_view url) {
        if (const size_t scheme = url.find("//"); scheme != std::string_view::npos) url = url.substr(scheme + 2);
        if (url.starts_with("www.")) url.remove_prefix(4);
        while (url.ends_with("/")) url.remove_suffix(1);
        return std::string(url);
    }
    static bool is_address(const std::string& word) { return word.find_first_not_of("0123456789.:abcdef") == std::string::npos && word.find_first_of(".:") != std::string::npos; }
    // One entry per line; "# ..." is a comment; in a list of domains "0.0.0.0 name name" names hosts.
    static void read_list(const std::string& path, bool hosts, const std::function<void(const std::string&)>& use) {
        InputFile in(path);
        std::string_view line;
        while (in.line(line)) {
            if (line.starts_with("#")) continue;
            if (!hosts) {
                const size_t a = line.find_first_not_of(" \t\r"), b = line.find_last_not_of(" \t\r");
                if (a != std::string_view::npos) use(std::string(line.substr(a, b - a + 1)));
                continue;
            }
            std::istringstream words{std::string(line.substr(0, line.find('#')))};
            std::vector<std::string> entry;
            for (std::string w; words >> w;) entry.push_back(w);
            for (size_t i = entry.size() > 1 && is_address(entry[0]) ? 1 : 0; i < entry.size(); i++) {
                std::string name = entry[i];
                while (name.starts_with(".") || name.starts_with("*")) name.erase(0, 1);
                for (char& c : name)
                    if (c >= 'A' && c <= 'Z') c = char(c + 32);
                if (entry.size() > 1 && (name == "localhost" || name == "local" || name == "broadcasthost")) continue;
                if (!name.empty()) use(name);
            }
        }
    }
    void read_ut1(const std::string& folder) {
        bool found = false;
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            const std::string file = entry.path().filename().string();
            if (file == "domains") found = true, read_list(entry.path().string(), true, [&](const std::string& d) { domains_.insert(d); });
            if (file == "urls") found = true, read_list(entry.path().string(), false, [&](const std::string& u) { bare_urls_.insert(bare(u)); });
        }
        if (!found) throw Error(cat(folder, ": no file `domains` or `urls` in it"), "expected a folder of the UT1 lists");
    }
    const UrlConfig& config_;
    WordSet domains_, urls_, bare_urls_, words_, soft_words_;
    SubwordFinder subwords_;
    std::optional<PublicSuffixes> suffixes_;
};

inline const std::vector<Flag<UrlConfig>>& url_flags() {
    using C = UrlConfig;
    static const auto flags = with_run_flags<C>({
        {"domains",             &C::domains,             "PATH...",  "block lists of domains: plain, hosts files, or UT1 folders"},
        {"urls",                &C::urls,                "FILE...",  "block lists of whole addresses"},
        {"words",               &C::words,               "FILE...",  "one of these words in the address drops a page"},
        {"soft-words",          &C::soft_words,          "FILE...",  "so many different ones of these do (--soft-word-threshold)"},
        {"subwords",            &C::subwords,            "FILE...",  "one of these anywhere in the letters and digits of the address does"},
        {"soft-word-threshold", &C::soft_word_threshold, "words",    "FineWeb: 2"},
        {"public-suffixes",     &C::public_suffixes,     "FILE",     "the list of publicsuffix.org (Debian: package publicsuffix)"},
        {"private-suffixes",    &C::private_suffixes,    "",         "its private part too: a.github.io and b.github.io are two domains then"},
    });
    return flags;
}
inline int run_url(UrlConfig& config) {
    UrlStage stage(config);
    return run_stage(config, stage, settings_text(config, url_flags()));
}
inline std::vector<Command> url_commands() {
    return {make_command<UrlConfig>("url", "", "drop pages by their address: block lists and words", url_flags(), run_url)};
}

}  // namespace webtext
