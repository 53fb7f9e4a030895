// search_index.hpp -- looks documents up by their words: the memory that a model does not have to carry in its parameters.
//
// An inverted index lists for every word the documents that contain it, in rising order, each with how often: bytes of the distances, so that a
// posting takes about two. A query is scored by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009):
//   score(d) = sum over query words w of  idf(w) * tf (k1 + 1) / (tf + k1 (1 - b + b |d| / mean |d|))
//   idf(w)   = ln(1 + (N - n_w + 0.5) / (n_w + 0.5))
// with tf the count of w in d, n_w the number of documents with w, N of all; the 1 in the logarithm keeps the weight of a word that is in most
// documents above zero (Lucene's variant). A hit carries the passage of its text around the matches, short enough for a small context.
// Promises: equal scores are ordered by document number, so a result depends on the documents and the query alone.
// Does not: stem words, know synonyms, or change after `finish`.
#pragma once

#include <algorithm>
#include <cmath>

#include "common.hpp"
#include "json_text.hpp"
#include "utf8.hpp"

struct SearchOptions {
    double k1 = 1.2, b = 0.75;
    int64_t passage_words = 40;          // length of the passage of a hit
    int64_t document_words = 1000;       // a longer text becomes several documents, cut at the end of a paragraph or sentence; 0: never
    bool skip_bad = false;               // count broken JSONL lines instead of stopping at the first
};

struct SearchHit {
    int64_t document = 0;                // in order of indexing, from 0
    double score = 0;
    std::string source, title, passage;  // valid UTF-8, one line each
};

// ---- words

// The words of a text: letters and digits, ASCII in lower case, other characters as their bytes; f(word, first byte, end byte). Characters that
// are punctuation or spaces beyond ASCII (Latin-1, general and CJK punctuation) separate like those of ASCII; broken UTF-8 is kept as bytes.
template <typename F>
void for_each_word(std::string_view text, const F& f) {
    std::string word;
    size_t start = 0;
    const auto flush = [&](size_t end) {
        if (!word.empty()) f(std::string_view(word), start, end);
        word.clear();
    };
    for (size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x80) {
            const bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
            if (!letter && !(c >= '0' && c <= '9')) {
                flush(i++);
                continue;
            }
            if (word.empty()) start = i;
            word += char(letter ? c | 32 : c);
            i++;
            continue;
        }
        const Utf8Char u = decode_utf8(text.data() + i, text.data() + text.size());
        if ((u.code >= 0x80 && u.code <= 0xBF && u.code != 0xAA && u.code != 0xB5 && u.code != 0xBA) || u.code == 0xD7 || u.code == 0xF7 ||
            (u.code >= 0x2000 && u.code <= 0x206F) || (u.code >= 0x3000 && u.code <= 0x303F) || u.code == 0xFEFF) {
            flush(i);
        } else {
            if (word.empty()) start = i;
            word.append(text, i, size_t(u.bytes));
        }
        i += size_t(u.bytes);
    }
    flush(text.size());
}

class DocumentIndex {
   public:
    explicit DocumentIndex(const SearchOptions& options = {}) : options_(options) {
        if (!(options.k1 >= 0) || !(options.b >= 0 && options.b <= 1))
            throw Error(cat("BM25: k1 is ", options.k1, " and b is ", options.b, ", expected k1 >= 0 and b from 0 to 1"));
        if (options.passage_words < 1) throw Error(cat("a passage of ", options.passage_words, " words"), "give it at least one");
        if (options.document_words < 0) throw Error(cat("documents of at most ", options.document_words, " words"), "0 means: of any length");
    }
    // Reads JSONL ({"text": ..., and "url", "source" or "title" if there are}), other files as plain text, and folders (all files in them in
    // order of path, without hidden ones and without those that hold a zero byte). Throws Error with file and line on a broken record.
    static DocumentIndex from_paths(const std::vector<std::string>& paths, const SearchOptions& options = {}) {
        DocumentIndex index(options);
        for (const std::string& path : paths) index.add_path(path);
        index.finish();
        return index;
    }

    void add_path(const std::string& path) {
        std::error_code ec;
        if (!fs::is_directory(path, ec)) return add_file(path, false);
        std::vector<std::string> found;
        fs::recursive_directory_iterator it(path, ec), end;
        for (; !ec && it != end; it.increment(ec)) {
            std::error_code ignored;
            const bool hidden = it->path().filename().string().starts_with(".");
            if (hidden && it->is_directory(ignored)) it.disable_recursion_pending();
            if (!hidden && it->is_regular_file(ignored)) found.push_back(it->path().string());
        }
        if (ec) throw Error(cat(path, ": the folder cannot be listed: ", ec.message()));
        std::sort(found.begin(), found.end());
        for (const std::string& f : found) add_file(f, true);
    }
    // One text with where it comes from and what it is called (both may be empty); long ones are cut (SearchOptions::document_words).
    void add(std::string_view text, const std::string& source, const std::string& title) {
        ASSERT(!finished_, "add() after finish()");
        const int64_t origin = int64_t(origins_.size());
        origins_.push_back({one_line(source), one_line(title)});
        std::vector<Word> words;
        for_each_word(text, [&](std::string_view word, size_t begin, size_t) { words.push_back({begin, term_id(word)}); });
        const auto most = size_t(options_.document_words);
        size_t first = 0;
        do {                                            // a part ends at the latest of the best boundaries in its second half
            size_t last = words.size();
            if (most && last - first > most) {
                last = first + most;
                size_t best = boundary_rank(text.substr(0, words[last].begin));
                for (size_t i = last - 1; best < 3 && i > first + most / 2; i--)
                    if (const size_t rank = boundary_rank(text.substr(0, words[i].begin)); rank > best) last = i, best = rank;
            }
            const size_t begin = first ? words[first].begin : 0, end = last < words.size() ? words[last].begin : text.size();
            add_part(text.substr(begin, end - begin), origin, words.data() + first, last - first);
            first = last;
        } while (first < words.size());
    }
    // Call it once after the last document and before the first query: gives memory back.
    void finish() {
        finished_ = true;
        size_t total = 0;
        for (const Term& t : terms_) total += t.postings.size();
        postings_.reserve(total);
        for (Term& t : terms_) {
            t.begin = postings_.size();
            postings_ += t.postings;
            std::string().swap(t.postings);
        }
        text_.shrink_to_fit();
        words_.shrink_to_fit();
    }

    int64_t documents() const { return int64_t(documents_.size()); }
    int64_t num_terms() const { return int64_t(terms_.size()); }
    int64_t bad_lines() const { return bad_lines_; }
    double mean_words() const { return documents_.empty() ? 0 : double(total_words_) / double(documents_.size()); }
    // All memory of the index, its texts included.
    int64_t memory_bytes() const {
        return int64_t(text_.capacity() + words_.capacity() + postings_.capacity() + terms_.capacity() * sizeof(Term) +
                       slots_.capacity() * sizeof(int32_t) +
                       documents_.capacity() * sizeof(Document) + origins_.capacity() * sizeof(Origin));
    }
    int64_t text_bytes() const { return int64_t(text_.size()); }

    // The best k documents; a word that stands twice in the query counts twice. Empty where no word is known.
    std::vector<SearchHit> search(std::string_view query, int64_t k) const {
        ASSERT(finished_, "finish() was not called");
        std::vector<std::pair<int32_t, int64_t>> wanted;    // term, times in the query, in order of first appearance
        for_each_word(query, [&](std::string_view word, size_t, size_t) {
            const int32_t id = find_term(word);
            if (id < 0) return;
            for (auto& [term, times] : wanted)
                if (term == id) return void(times++);
            wanted.push_back({id, 1});
        });
        std::vector<double> scores(documents_.size(), 0.0);
        std::vector<int64_t> touched;
        const double mean = std::max(mean_words(), 1e-9);
        for (const auto& [id, times] : wanted) {
            const double weight = idf(id) * double(times);
            for_each_posting(terms_[size_t(id)], [&](int64_t d, int64_t tf) {
                const double norm = options_.k1 * (1 - options_.b + options_.b * double(documents_[size_t(d)].words) / mean);
                if (scores[size_t(d)] == 0) touched.push_back(d);
                scores[size_t(d)] += weight * double(tf) * (options_.k1 + 1) / (double(tf) + norm);
            });
        }
        const auto better = [&](int64_t a, int64_t b) { return scores[size_t(a)] != scores[size_t(b)]
                ? scores[size_t(a)] > scores[size_t(b)] : a < b; };
        const size_t n = size_t(std::clamp<int64_t>(k, 0, int64_t(touched.size())));
        std::partial_sort(touched.begin(), touched.begin() + int64_t(n), touched.end(), better);
        std::vector<SearchHit> hits;
        for (size_t i = 0; i < n; i++) {
            const Origin& origin = origins_[size_t(documents_[size_t(touched[i])].origin)];
            hits.push_back({touched[i], scores[size_t(touched[i])], origin.source, origin.title, passage(touched[i], wanted)});
        }
        return hits;
    }
    std::string_view document_text(int64_t d) const {
        const size_t begin = documents_[size_t(d)].begin;
        return std::string_view(text_).substr(begin, (size_t(d) + 1 < documents_.size() ? documents_[size_t(d) + 1].begin
                : text_.size()) - begin);
    }

   private:
    struct Document {
        size_t begin;                                   // of its text in text_
        int32_t words, origin;
    };
    struct Word {                                       // of a text that is being added
        size_t begin;
        int32_t id;
    };
    struct Origin {                                     // what the parts of a text share
        std::string source, title;
    };
    struct Term {
        size_t begin = 0;                               // of its postings in postings_, once finished
        uint32_t word_begin = 0, word_bytes = 0;        // in words_
        int32_t documents = 0, last = -1;
        std::string postings;                           // while it grows; short ones live in the string itself
    };

    // One line of valid UTF-8: white space becomes single spaces.
    static std::string one_line(std::string_view s) {
        std::string out;
        for (const char c : to_valid_utf8(s)) {
            const bool space = static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
            if (!space) out += c;
            else if (!out.empty() && out.back() != ' ') out += ' ';
        }
        while (!out.empty() && out.back() == ' ') out.pop_back();
        return out;
    }
    // What ends where `before` ends: 3 a paragraph, 2 a sentence, 1 a line, 0 a word.
    static size_t boundary_rank(std::string_view before) {
        size_t lines = 0, i = before.size();
        for (; i > 0; i--) {
            const char c = before[i - 1];
            if (c == '\n') lines++;
            else if (c != ' ' && c != '\t' && c != '\r' && c != '"' && c != '\'' && c != '(') break;
        }
        if (lines > 1) return 3;
        return i > 0 && i < before.size() && std::strchr(".!?", before[i - 1]) ? 2 : lines == 1 ? 1 : 0;
    }

    void add_file(const std::string& path, bool listed) {
        const MappedFile file(path);
        const std::string_view all = file.view();
        if (!path.ends_with(".jsonl") && !path.ends_with(".ndjson")) {
            if (listed && all.substr(0, 1 << 16).find('\0') != std::string_view::npos) return;   // no text
            return add(all, path, "");
        }
        int64_t line = 0;
        for (size_t at = 0; at < all.size();) {
            const size_t end = std::min(all.find('\n', at), all.size());
            line++;
            add_record(all.substr(at, end - at), path, line);
            at = end + 1;
        }
    }
    void add_record(std::string_view record, const std::string& path, int64_t line) {
        if (record.find_first_not_of(" \t\r") == std::string_view::npos) return;
        const auto j = parse_json_text<nlohmann::json>(record, nullptr, false);
        const char* wrong = j.is_discarded()                 ? "is no JSON"
                            : !j.is_object()                 ? "is no JSON object"
                            : !j.contains("text")            ? "has no field \"text\""
                            : !j["text"].is_string()         ? "has a field \"text\" that is no string"
                                                             : nullptr;
        if (wrong) {
            if (!options_.skip_bad) throw Error(cat(path, ": line ", line, " ", wrong),
                    "expected {\"text\": \"...\", \"url\": \"...\"} on each line; or skip such lines");
            bad_lines_++;
            return;
        }
        const auto field = [&](const char* name) { return j.contains(name) && j[name].is_string() ? j[name].get<std::string>()
                : std::string(); };
        const std::string title = field("title");
        std::string source = field("url");
        if (source.empty()) source = field("source");
        if (source.empty()) source = title.empty() ? cat(path, ":", line) : title;
        add(j["text"].get_ref<const std::string&>(), source, title);
    }

    void add_part(std::string_view text, int64_t origin, const Word* words, size_t num_words) {
        ASSERT(documents_.size() < size_t(INT32_MAX), documents_.size());
        const auto d = int32_t(documents_.size());
        std::vector<int32_t> ids(num_words);
        for (size_t i = 0; i < num_words; i++) ids[i] = words[i].id;
        documents_.push_back({text_.size(), int32_t(ids.size()), int32_t(origin)});
        text_ += text;
        total_words_ += int64_t(ids.size());
        std::sort(ids.begin(), ids.end());
        for (size_t i = 0; i < ids.size();) {
            size_t end = i;
            while (end < ids.size() && ids[end] == ids[i]) end++;
            Term& t = terms_[size_t(ids[i])];
            put(t.postings, uint64_t(d - t.last));      // distances are small numbers
            put(t.postings, uint64_t(end - i));
            t.last = d;
            t.documents++;
            i = end;
        }
    }
    // Seven bits a byte, the lowest first; the highest bit says that more follow.
    static void put(std::string& out, uint64_t n) {
        for (; n >= 128; n >>= 7) out += char(n | 128);
        out += char(n);
    }
    template <typename F>
    void for_each_posting(const Term& t, const F& f) const {
        const char* p = postings_.data() + t.begin;
        const auto get = [&] {
            uint64_t n = 0;
            for (int shift = 0;; shift += 7) {
                const auto c = static_cast<unsigned char>(*p++);
                n |= uint64_t(c & 127) << shift;
                if (c < 128) return int64_t(n);
            }
        };
        int64_t d = -1;
        for (int32_t i = 0; i < t.documents; i++) {
            d += get();
            f(d, get());
        }
    }
    double idf(int32_t id) const {
        const double n = double(terms_[size_t(id)].documents);
        return std::log(1 + (double(documents_.size()) - n + 0.5) / (n + 0.5));
    }

    // -- the dictionary: open addresses, the words in one long string

    static uint64_t hash(std::string_view word) { return splitmix64(std::hash<std::string_view>()(word)); }
    std::string_view word_of(const Term& t) const { return std::string_view(words_).substr(t.word_begin, t.word_bytes); }
    // The slot of the word, or the empty one where it belongs.
    size_t slot_of(std::string_view word) const {
        for (size_t i = hash(word) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1))
            if (slots_[i] < 0 || word_of(terms_[size_t(slots_[i])]) == word) return i;
    }
    int32_t find_term(std::string_view word) const { return slots_.empty() ? -1 : slots_[slot_of(word)]; }
    int32_t term_id(std::string_view word) {
        if ((terms_.size() + 1) * 2 > slots_.size()) {
            slots_.assign(std::max<size_t>(1024, slots_.size() * 2), -1);
            for (size_t t = 0; t < terms_.size(); t++) slots_[slot_of(word_of(terms_[t]))] = int32_t(t);
        }
        int32_t& slot = slots_[slot_of(word)];
        if (slot >= 0) return slot;
        if (words_.size() + word.size() > UINT32_MAX) throw Error("the search index has more than 4 GiB of different words",
                "index fewer documents");
        slot = int32_t(terms_.size());
        Term t;
        t.word_begin = uint32_t(words_.size());
        t.word_bytes = uint32_t(word.size());
        words_ += word;
        terms_.push_back(std::move(t));
        return slot;
    }

    // -- the passage

    struct Place {
        size_t begin, end;                              // bytes
        int32_t wanted;                                 // which query word it is, or -1
    };
    // The window of passage_words words with the largest sum of weights of different query words (the first of equals, and among overlapping
    // ones of equal sum the one with most matches), begun at the start of a sentence where the matches stay inside.
    std::string passage(int64_t d, const std::vector<std::pair<int32_t, int64_t>>& wanted) const {
        const std::string_view text = document_text(d);
        std::vector<Place> places;
        for_each_word(text, [&](std::string_view word, size_t begin, size_t end) {
            const int32_t id = find_term(word);
            int32_t which = -1;
            for (size_t i = 0; i < wanted.size(); i++)
                if (wanted[i].first == id) which = int32_t(i);
            places.push_back({begin, end, which});
        });
        if (places.empty()) return "";
        const size_t length = size_t(options_.passage_words);
        std::vector<int64_t> inside(wanted.size(), 0);
        double best = -1;
        size_t best_end = 0;
        int64_t matches = 0, best_matches = 0;
        for (size_t end = 0; end < places.size(); end++) {
            if (places[end].wanted >= 0) inside[size_t(places[end].wanted)]++, matches++;
            if (end >= length && places[end - length].wanted >= 0) inside[size_t(places[end - length].wanted)]--, matches--;
            double weight = 0;
            for (size_t i = 0; i < wanted.size(); i++) weight += inside[i] ? idf(wanted[i].first) : 0;
            if (weight > best + 1e-12 || (weight > best - 1e-12 && matches > best_matches)) best = weight, best_matches = matches,
                    best_end = end;
        }
        const size_t window = best_end + 1 > length ? best_end + 1 - length : 0;
        size_t first = window, last_match = best_end;
        while (first < best_end && places[first].wanted < 0) first++;
        while (last_match > first && places[last_match].wanted < 0) last_match--;
        // forward from the earliest start that still holds the last match to the first match: the first that begins a sentence
        const size_t earliest = last_match + 1 > length ? last_match + 1 - length : 0;
        size_t start = earliest == 0 ? 0 : window;
        for (size_t i = first + 1; i-- > earliest;)
            if (i == 0 || boundary_rank(text.substr(0, places[i].begin)) >= 2) {
                start = i;
                break;
            }
        const size_t stop = std::min(start + length, places.size());
        const size_t from = start == 0 ? 0 : places[start].begin;
        size_t to = stop == places.size() ? text.size() : places[stop - 1].end;
        while (stop < places.size() && to < places[stop].begin && std::strchr(".,;:!?", text[to]) && text[to]) to++;
        return (start ? "... " : "") + one_line(text.substr(from, to - from)) + (stop < places.size() ? " ..." : "");
    }

    SearchOptions options_;
    bool finished_ = false;
    std::string text_, words_, postings_;
    std::vector<Document> documents_;
    std::vector<Origin> origins_;
    std::vector<Term> terms_;
    std::vector<int32_t> slots_;
    int64_t total_words_ = 0, bad_lines_ = 0;
};

// What the model reads: a line for each hit, `[1] source: passage`; the numbers are what an answer cites.
inline std::string hits_text(const std::vector<SearchHit>& hits) {
    if (hits.empty()) return "no results";
    std::string s;
    for (size_t i = 0; i < hits.size(); i++) s += cat(i ? "\n" : "", "[", i + 1, "] ", hits[i].source, ": ", hits[i].passage);
    return s;
}
