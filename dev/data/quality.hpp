// quality.hpp -- does a page read like text? The heuristic filters of Gopher, C4 and FineWeb, rule by rule.
//
// Each filter is a row of cheap measurements with a threshold; the first that fails names the reason. They run in FineWeb's
// order: repetition (is the page made of copies of itself?), Gopher quality (word counts and lengths), C4 (line by line:
// policy notices and JavaScript warnings go, then too few sentences), FineWeb (lists and menus that the others let pass).
// Order, names and comparisons are datatrove's (commit a649de7, release 0.10.1): the FineWeb paper prints 0.1 for duplicate
// line characters, its released code uses 0.01, and so do we. Lengths are code points; words are those of words.hpp.
// Where two pieces must be equal their 64-bit hashes are compared: two different ones agree with chance 2^-64.
// Sources: Rae et al. 2021 (Gopher, table A1), Raffel et al. 2020 (C4), Penedo et al. 2024 (FineWeb).
#pragma once

#include "run.hpp"
#include "words.hpp"

namespace webtext {

struct QualityConfig : RunConfig {
    std::string filters = "repetition,gopher,c4,fineweb";
    // Gopher repetition
    double dup_line_frac = 0.3, dup_para_frac = 0.3, dup_line_char_frac = 0.2, dup_para_char_frac = 0.2;
    double top_2_gram = 0.20, top_3_gram = 0.18, top_4_gram = 0.16;
    double dup_5_gram = 0.15, dup_6_gram = 0.14, dup_7_gram = 0.13, dup_8_gram = 0.12, dup_9_gram = 0.11, dup_10_gram = 0.10;
    // Gopher quality
    int64_t min_doc_words = 50, max_doc_words = 100000;
    double min_avg_word_length = 3, max_avg_word_length = 10, max_symbol_word_ratio = 0.1, max_bullet_lines_ratio = 0.9;
    double max_ellipsis_lines_ratio = 0.3, max_non_alpha_words_ratio = 0.8;
    int64_t min_stop_words = 2;
    // C4
    int64_t min_num_sentences = 5, min_words_per_line = 3, max_word_length = 1000;
    bool remove_citations = true, filter_no_terminal_punct = false, filter_lorem_ipsum = true, filter_javascript = true;
    bool filter_curly_bracket = true, filter_policy = true;
    // FineWeb
    double line_punct_thr = 0.12, short_line_thr = 0.67, char_duplicates_ratio = 0.01, new_line_ratio = 0.3;
    int64_t short_line_length = 30;
    bool line_punct_exclude_zero = false;
};

inline const std::vector<Flag<QualityConfig>>& quality_flags() {
    using C = QualityConfig;
    static const auto flags = with_run_flags<C>({
        {"filters",                   &C::filters,                   "LIST",       "which, in this order: repetition,gopher,c4,fineweb"},
        {"dup-line-frac",             &C::dup_line_frac,             "fraction",   "Gopher A1: lines that are copies of others; 0 switches a rule off"},
        {"dup-para-frac",             &C::dup_para_frac,             "fraction",   "Gopher A1: paragraphs that are copies"},
        {"dup-line-char-frac",        &C::dup_line_char_frac,        "fraction",   "Gopher A1: characters in such lines"},
        {"dup-para-char-frac",        &C::dup_para_char_frac,        "fraction",   "Gopher A1: characters in such paragraphs"},
        {"top-2-gram",                &C::top_2_gram,                "fraction",   "Gopher A1: characters in the most frequent 2-gram"},
        {"top-3-gram",                &C::top_3_gram,                "fraction",   "Gopher A1: ... 3-gram"},
        {"top-4-gram",                &C::top_4_gram,                "fraction",   "Gopher A1: ... 4-gram"},
        {"dup-5-gram",                &C::dup_5_gram,                "fraction",   "Gopher A1: characters in repeated 5-grams"},
        {"dup-6-gram",                &C::dup_6_gram,                "fraction",   "Gopher A1: ... 6-grams"},
        {"dup-7-gram",                &C::dup_7_gram,                "fraction",   "Gopher A1: ... 7-grams"},
        {"dup-8-gram",                &C::dup_8_gram,                "fraction",   "Gopher A1: ... 8-grams"},
        {"dup-9-gram",                &C::dup_9_gram,                "fraction",   "Gopher A1: ... 9-grams"},
        {"dup-10-gram",               &C::dup_10_gram,               "fraction",   "Gopher A1: ... 10-grams"},
        {"min-doc-words",             &C::min_doc_words,             "words",      "Gopher: fewer are too short a page; 0: off"},
        {"max-doc-words",             &C::max_doc_words,             "words",      "Gopher: more are too long; 0: off"},
        {"min-avg-word-length",       &C::min_avg_word_length,       "characters", "Gopher: mean length of words"},
        {"max-avg-word-length",       &C::max_avg_word_length,       "characters", "Gopher: mean length of words"},
        {"max-symbol-word-ratio",     &C::max_symbol_word_ratio,     "fraction",   "Gopher: # per word, and ellipses per word"},
        {"max-bullet-lines-ratio",    &C::max_bullet_lines_ratio,    "fraction",   "Gopher: lines that begin with a bullet"},
        {"max-ellipsis-lines-ratio",  &C::max_ellipsis_lines_ratio,  "fraction",   "Gopher: lines that end in an ellipsis"},
        {"max-non-alpha-words-ratio", &C::max_non_alpha_words_ratio, "fraction",   "Gopher: at least so many words have a letter"},
        {"min-stop-words",            &C::min_stop_words,            "words",      "Gopher: of the be to of and that have with, so many must occur"},
        {"min-num-sentences",         &C::min_num_sentences,         "sentences",  "C4: fewer are too short a page; -1: off"},
        {"min-words-per-line",        &C::min_words_per_line,        "words",      "C4: shorter lines go; -1: off"},
        {"max-word-length",           &C::max_word_length,           "characters", "C4: lines with a longer word go; -1: off"},
        {"remove-citations",          &C::remove_citations,          "",           "C4: remove [1], [edit], [citation needed]"},
        {"filter-no-terminal-punct",  &C::filter_no_terminal_punct,  "",           "C4: lines must end in punctuation (FineWeb: off, it costs 30 %)"},
        {"filter-lorem-ipsum",        &C::filter_lorem_ipsum,        "",           "C4: pages with lorem ipsum go"},
        {"filter-javascript",         &C::filter_javascript,         "",           "C4: lines with javascript go"},
        {"filter-curly-bracket",      &C::filter_curly_bracket,      "",           "C4: pages with { go"},
        {"filter-policy",             &C::filter_policy,             "",           "C4: lines with \"privacy policy\" and the like go"},
        {"line-punct-thr",            &C::line_punct_thr,            "fraction",   "FineWeb: at least so many lines end in punctuation"},
        {"line-punct-exclude-zero",   &C::line_punct_exclude_zero,   "",           "FineWeb: but a page with none at all passes"},
        {"short-line-thr",            &C::short_line_thr,            "fraction",   "FineWeb: at most so many lines are short"},
        {"short-line-length",         &C::short_line_length,         "characters", "FineWeb: what a short line is"},
        {"char-duplicates-ratio",     &C::char_duplicates_ratio,     "fraction",   "FineWeb code: characters in lines that are copies (the paper prints 0.1)"},
        {"new-line-ratio",            &C::new_line_ratio,            "fraction",   "FineWeb: newlines per word"},
    });
    return flags;
}

// Numbers 64-bit keys in the order in which they first came. Small documents stay in the first-level cache: a slot has only the
// upper half of the key, and the whole keys lie in their order, read when the halves are equal.
class KeyNumbers {
   public:
    void start(size_t keys) {
        size_t size = 64;
        while (size < keys * 2) size *= 2;
        slots_.assign(size, Slot{});
        keys_.clear();
    }
    // The number of the key from 0, and whether it is new.
    std::pair<uint32_t, bool> add(uint64_t key) {
        for (size_t i = (key ^ key >> 29) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
            Slot& s = slots_[i];
            if (s.number == 0) {
                keys_.push_back(key);
                s = {uint32_t(key >> 32), uint32_t(keys_.size())};
                return {s.number - 1, true};
            }
            if (s.upper == uint32_t(key >> 32) && keys_[s.number - 1] == key) return {s.number - 1, false};
        }
    }

   private:
    struct Slot {
        uint32_t upper = 0, number = 0;                  // number from 1; 0: free
    };
    std::vector<Slot> slots_;
    std::vector<uint64_t> keys_;
};

// Only whether a key came before. 0 marks a free slot, so a key 0 is taken for 1.
class KeySet {
   public:
    void start(size_t keys) {
        size_t size = 64;
        while (size < keys * 2) size *= 2;
        slots_.assign(size, 0);
    }
    bool add(uint64_t key) {                             // true: it is new
        key += key == 0;
        for (size_t i = (key ^ key >> 29) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i] == key) return false;
            if (slots_[i] == 0) return slots_[i] = key, true;
        }
    }

   private:
    std::vector<uint64_t> slots_;
};

struct Duplicates {
    int64_t elements = 0, chars = 0;
};

// All four filters; keeps buffers, so one object per thread.
class QualityFilters {
   public:
    explicit QualityFilters(const QualityConfig& config) : config_(config) {}

    // The text to judge; words are found when the first rule asks for them.
    void set_text(std::string_view utf8) {
        t_.assign(utf8);
        has_words_ = has_lines_ = has_lower_ = false;
    }

    Verdict repetition() {
        static constexpr char kName[] = "gopher_repetition";
        const double length = double(t_.size());
        if (!t_.size()) return dropped(kName, "empty");
        const auto exceeds = [&](double limit, double value) { return limit != 0 && value > limit; };
        const Span stripped = strip(t_, {0, uint32_t(t_.size())});
        split_newlines(stripped, 2);
        Duplicates d = duplicates();
        if (const double v = double(d.elements) / double(pieces_.size()); exceeds(config_.dup_para_frac, v)) return dropped(kName, "dup_para_frac", v);
        if (const double v = double(d.chars) / length; exceeds(config_.dup_para_char_frac, v)) return dropped(kName, "dup_para_char_frac", v);
        split_newlines({0, uint32_t(t_.size())}, 1);
        d = duplicates();
        if (const double v = double(d.elements) / double(pieces_.size()); exceeds(config_.dup_line_frac, v)) return dropped(kName, "dup_line_frac", v);
        if (const double v = double(d.chars) / length; exceeds(config_.dup_line_char_frac, v)) return dropped(kName, "dup_line_char_frac", v);
        need_words();
        const double top[] = {config_.top_2_gram, config_.top_3_gram, config_.top_4_gram};
        count_words();
        for (uint32_t n = 2; n <= 4; n++)
            if (top[n - 2] != 0 && double(top_gram_bound(n)) / length > top[n - 2])
                if (const double v = double(top_gram_chars(n)) / length; v > top[n - 2]) return dropped(kName, cat("top_", n, "_gram"), v);
        const double dup[] = {config_.dup_5_gram, config_.dup_6_gram, config_.dup_7_gram, config_.dup_8_gram, config_.dup_9_gram, config_.dup_10_gram};
        prepare_joined();
        for (uint32_t n = 5; n <= 10; n++)
            if (dup[n - 5] != 0)
                if (const double v = double(repeated_gram_chars(n)) / length; v > dup[n - 5]) return dropped(kName, cat("duplicated_", n, "_n_grams"), v);
        return kept();
    }

    Verdict gopher() {
        static constexpr char kName[] = "gopher_quality";
        need_words();
        int64_t real_words = 0, real_chars = 0, with_letter = 0;
        uint32_t stop_words = 0;
        for (const Span& w : words_) {
            bool real = false, letter = false;
            for (uint32_t i = w.from; i < w.to && !(real && letter); i++) real |= !t_.is(i, kSymbol), letter |= t_.is(i, kIsAlpha);
            if (real) real_words++, real_chars += w.size();
            with_letter += letter;
            if (w.size() <= 4) stop_words |= stop_word(w);
        }
        if (config_.min_doc_words && real_words < config_.min_doc_words) return dropped(kName, "gopher_short_doc", double(real_words));
        if (config_.max_doc_words && real_words > config_.max_doc_words) return dropped(kName, "gopher_long_doc", double(real_words));
        if (words_.empty()) return dropped(kName, "gopher_short_doc", 0);   // datatrove divides by zero here
        const double mean = real_words ? double(real_chars) / double(real_words) : 0, n = double(words_.size());
        if (real_words && config_.min_avg_word_length != 0 && mean < config_.min_avg_word_length) return dropped(kName, "gopher_below_avg_threshold", mean);
        if (real_words && config_.max_avg_word_length != 0 && mean > config_.max_avg_word_length) return dropped(kName, "gopher_above_avg_threshold", mean);
        need_lower();
        const int64_t hashes = std::count(lower_.begin(), lower_.end(), '#');
        int64_t ellipses = t_.ascii ? 0 : std::count(t_.c.begin(), t_.c.end(), U'\u2026');
        for (size_t at = lower_.find("..."); at != lower_.npos; at = lower_.find("...", at + 3)) ellipses++;
        const double limit = config_.max_symbol_word_ratio;
        if (limit != 0 && double(hashes) / n > limit) return dropped(kName, "gopher_too_many_hashes", double(hashes) / n);
        if (limit != 0 && double(ellipses) / n > limit) return dropped(kName, "gopher_too_many_ellipsis", double(ellipses) / n);
        need_lines();
        int64_t bullets = 0, open_ends = 0;
        for (const Span& line : lines_) {
            const Span s = strip(t_, line);
            if (!s.size()) continue;
            bullets += t_.c[s.from] == 0x2022 || t_.c[s.from] == '-';
            open_ends += t_.c[s.to - 1] == 0x2026 || (s.size() >= 3 && t_.c[s.to - 1] == '.' && t_.c[s.to - 2] == '.' && t_.c[s.to - 3] == '.');
        }
        const double lines = double(lines_.size());
        if (const double v = double(bullets) / lines; config_.max_bullet_lines_ratio != 0 && v > config_.max_bullet_lines_ratio) return dropped(kName, "gopher_too_many_bullets", v);
        if (const double v = double(open_ends) / lines; config_.max_ellipsis_lines_ratio != 0 && v > config_.max_ellipsis_lines_ratio)
            return dropped(kName, "gopher_too_many_end_ellipsis", v);
        if (const double v = double(with_letter) / n; config_.max_non_alpha_words_ratio != 0 && v < config_.max_non_alpha_words_ratio)
            return dropped(kName, "gopher_below_alpha_threshold", v);
        if (const int found = __builtin_popcount(stop_words); found < config_.min_stop_words) return dropped(kName, "gopher_enough_stop_words", found);
        return kept();
    }

    // Filters lines too: if it keeps the document, `text` is what is left of it.
    Verdict c4(std::string& text) {
        static constexpr char kName[] = "c4";
        need_lines();
        need_lower();
        const Phrases anywhere = phrases(lower_);        // in a line or across
        int64_t sentences = 0;
        bool first = true;
        text.clear();
        for (const Span& whole : lines_) {
            Span line = strip(t_, whole);
            int64_t words = 0, longest = 0;
            for (uint32_t i = line.from, start = i; i <= line.to; i++)
                if (i == line.to || t_.is(i, kSpace)) {
                    if (i > start) words++, longest = std::max<int64_t>(longest, i - start);
                    start = i + 1;
                }
            if (config_.max_word_length != -1 && longest > config_.max_word_length) continue;
            const Characters* source = &t_;
            std::string_view lower = std::string_view(lower_).substr(line.from, line.size());
            if (config_.remove_citations && lower.find('[') != lower.npos) {
                take_line(line);
                source = &line_, lower = lower_line_, line = {0, uint32_t(line_.size())};
            }
            const Phrases here = source == &line_ || anywhere.any() ? phrases(lower) : Phrases();
            if (config_.filter_no_terminal_punct && !ends_in_punctuation(std::u32string_view(source->c).substr(line.from, line.size()))) continue;
            if (words < config_.min_words_per_line) continue;
            if (config_.filter_lorem_ipsum && here.lorem_ipsum) return dropped(kName, "lorem_ipsum");
            if (config_.filter_javascript && here.javascript) continue;
            if (config_.filter_curly_bracket && here.curly_bracket) return dropped(kName, "curly_bracket");
            if (config_.filter_policy && here.policy) continue;
            // once there are enough of them, how many more there are changes nothing
            if (sentences < config_.min_num_sentences) sentences += tokenizer_.count_sentences(*source, line);
            if (!std::exchange(first, false)) text += '\n';
            append(text, *source, line);
        }
        if (sentences < config_.min_num_sentences) return dropped(kName, "too_few_sentences", double(sentences));
        const auto visible = [](char c) { return c > ' ' && c <= '~'; };
        if (text.empty() || (visible(text.front()) && visible(text.back()))) return kept();
        const Characters all(text);
        const Span s = strip(all, {0, uint32_t(all.size())});
        text = all.utf8(s.from, s.to);
        return kept();
    }

    Verdict fineweb() {
        static constexpr char kName[] = "fineweb";
        pieces_.clear();
        int64_t newlines = 0, ends = 0, short_lines = 0;
        for (uint32_t i = 0, start = 0; i <= t_.size(); i++) {
            if (i < t_.size() && t_.c[i] != '\n') continue;
            newlines += i < t_.size();
            if (strip(t_, {start, i}).size()) {
                pieces_.push_back({start, i});
                ends += t_.is(i - 1, kTerminal);
                short_lines += i - start <= config_.short_line_length;
            }
            start = i + 1;
        }
        if (pieces_.empty()) return dropped(kName, "empty");
        const double lines = double(pieces_.size());
        if (const double v = double(ends) / lines; v < config_.line_punct_thr && !(v == 0 && config_.line_punct_exclude_zero)) return dropped(kName, "line_punct_ratio", v);
        if (const double v = double(short_lines) / lines; v > config_.short_line_thr) return dropped(kName, "short_line_ratio", v);
        if (const double v = double(duplicates().chars) / double(int64_t(t_.size()) - newlines); v > config_.char_duplicates_ratio) return dropped(kName, "char_dup_ratio", v);
        if (!has_words_) {
            // There are at least as many words as pieces between white space: if the newlines are few for these, the words need not be found.
            int64_t chunks = 0;
            for (size_t i = 0; i < t_.size(); i++) chunks += !t_.is(i, kSpace) && (i == 0 || t_.is(i - 1, kSpace));
            if (double(newlines) / double(chunks) <= config_.new_line_ratio) return kept();
        }
        need_words();
        if (words_.empty()) return dropped(kName, "empty");
        if (const double v = double(newlines) / double(words_.size()); v > config_.new_line_ratio) return dropped(kName, "list_ratio", v);
        return kept();
    }

   private:
    void need_words() {
        if (has_words_) return;
        tokenizer_.words(t_, words_);
        has_words_ = true;
        word_hash_.resize(words_.size());
        for (size_t i = 0; i < words_.size(); i++) word_hash_[i] = hash_span(t_, words_[i]);
    }
    void need_lines() {
        if (!std::exchange(has_lines_, true)) split_lines(t_, lines_);
    }
    // Cut at runs of at least `least` newlines (re.split): the pieces between, empty ones too.
    void split_newlines(Span s, uint32_t least) {
        pieces_.clear();
        uint32_t start = s.from;
        for (uint32_t i = s.from; i < s.to;) {
            if (t_.c[i] != '\n') {
                i++;
                continue;
            }
            uint32_t end = i;
            while (end < s.to && t_.c[end] == '\n') end++;
            if (end - i >= least) pieces_.push_back({start, i}), start = end;
            i = end;
        }
        pieces_.push_back({start, s.to});
    }
    // Of pieces_, those that came before.
    Duplicates duplicates() {
        Duplicates d;
        seen_.start(pieces_.size());
        for (const Span& p : pieces_)
            if (!seen_.add(hash_span(t_, p))) d.elements++, d.chars += p.size();
        return d;
    }
    // word_count_[i]: how often the i-th word occurs.
    void count_words() {
        keys_.start(words_.size());
        numbers_.resize(words_.size());
        frequency_.clear();
        for (size_t i = 0; i < words_.size(); i++) {
            const auto [number, is_new] = keys_.add(word_hash_[i]);
            if (is_new) frequency_.push_back(0);
            frequency_[numbers_[i] = number]++;
        }
        word_count_.resize(words_.size());
        for (size_t i = 0; i < words_.size(); i++) word_count_[i] = frequency_[numbers_[i]];
    }
    // No n-gram occurs more often than its rarest word: what top_gram_chars() can be at most. Few texts come near the limits, so
    // for most no n-gram has to be counted.
    int64_t top_gram_bound(uint32_t n) const {
        int64_t bound = 0;
        for (size_t i = 0; i + n <= words_.size(); i++) {
            int64_t rarest = word_count_[i], chars = int64_t(words_[i].size()) + n - 1;
            for (size_t k = 1; k < n; k++) rarest = std::min<int64_t>(rarest, word_count_[i + k]), chars += words_[i + k].size();
            bound = std::max(bound, rarest * chars);
        }
        return bound;
    }
    // Characters of the most frequent n-gram (words and the spaces between) times its count; of equals the first one counts.
    int64_t top_gram_chars(uint32_t n) {
        if (words_.size() < n) return 0;
        const size_t grams = words_.size() - n + 1;
        keys_.start(grams);
        counts_.clear();
        for (size_t i = 0; i < grams; i++) {
            uint64_t key = n;
            for (size_t k = 0; k < n; k++) key = (key ^ word_hash_[i + k]) * 0x9FB21C651E98DF25ull, key ^= key >> 32;
            const auto [number, is_new] = keys_.add(key);
            if (is_new) {
                int64_t chars = n - 1;
                for (size_t k = 0; k < n; k++) chars += words_[i + k].size();
                counts_.push_back({1, chars});
            } else {
                counts_[number].first++;
            }
        }
        std::pair<int64_t, int64_t> best{0, 0};
        for (const auto& c : counts_)
            if (c.first > best.first) best = c;
        return best.first * best.second;
    }

    // Repeated n-grams are compared without spaces ("ab"+"c" is "a"+"bc"), so they need a hash of the joined characters:
    // h(s) = sum s_i B^(len-1-i) modulo 2^64, and a difference of two prefix hashes is the hash of what lies between. (Only texts
    // built for it, Thue-Morse words of a thousand characters, collide more often than by chance.)
    static constexpr uint64_t kBase = 0x1B873593CC9E2D51ull;
    void prepare_joined() {
        joined_hash_.assign(1, 0);
        joined_chars_.assign(1, 0);
        uint64_t h = 0;
        for (const Span& w : words_) {
            for (uint32_t i = w.from; i < w.to; i++) joined_hash_.push_back(h = h * kBase + t_.c[i] + 1);
            joined_chars_.push_back(uint32_t(joined_hash_.size() - 1));
        }
        while (powers_.size() < joined_hash_.size()) powers_.push_back(powers_.empty() ? 1 : powers_.back() * kBase);
        find_candidates();
    }
    uint64_t joined_hash(uint32_t from, uint32_t length) const { return joined_hash_[from + length] - joined_hash_[from] * powers_[length]; }
    // Equal n-grams begin with the same 16 characters. Where these are unique in the text, no n-gram of five words or more can be a
    // copy; only the words left need to be looked up for each n. (N-grams shorter than that stay candidates.)
    void find_candidates() {
        constexpr uint32_t kStart = 16;
        keys_.start(words_.size());
        numbers_.resize(words_.size());
        frequency_.clear();
        for (size_t i = 0; i < words_.size() && joined_chars_.back() - joined_chars_[i] >= kStart; i++) {
            const uint64_t h = joined_hash(joined_chars_[i], kStart);
            const auto [number, is_new] = keys_.add(h ^ h >> 32);
            if (is_new) frequency_.push_back(0);
            frequency_[numbers_[i] = number]++;
        }
        may_repeat_.resize(words_.size());
        for (size_t i = 0; i + 5 <= words_.size(); i++)
            may_repeat_[i] = joined_chars_[i + 5] - joined_chars_[i] < kStart || frequency_[numbers_[i]] > 1;
    }
    int64_t repeated_gram_chars(uint32_t n) {
        int64_t chars = 0;
        seen_.start(size_t(std::count(may_repeat_.begin(), may_repeat_.end(), 1)));
        for (size_t i = 0; i + n <= words_.size();) {
            if (!may_repeat_[i]) {
                i++;
                continue;
            }
            const uint32_t length = joined_chars_[i + n] - joined_chars_[i];
            const uint64_t h = joined_hash(joined_chars_[i], length);
            if (!seen_.add(h ^ h >> 32)) chars += length, i += n;
            else i++;
        }
        return chars;
    }

    // One bit per stop word of Gopher.
    uint32_t stop_word(Span w) const {
        static constexpr auto key = [](const auto* c, size_t n) {    // its characters in one number, a 1 in front; 0x80 is none of ASCII
            uint64_t k = 1;
            for (size_t i = 0; i < n; i++) k = k << 8 | (uint32_t(c[i]) < 0x80 ? uint32_t(c[i]) : 0x80);
            return k;
        };
        static constexpr uint64_t keys[] = {key("the", 3), key("be", 2), key("to", 2), key("of", 2), key("and", 3), key("that", 4), key("have", 4), key("with", 4)};
        const uint64_t mine = key(t_.c.data() + w.from, w.size());
        uint32_t bits = 0;
        for (uint32_t i = 0; i < 8; i++) bits |= uint32_t(keys[i] == mine) << i;
        return bits;
    }

    // ---- what C4 looks for in a line

    struct Phrases {
        bool lorem_ipsum = false, javascript = false, curly_bracket = false, policy = false;
        bool any() const { return lorem_ipsum || javascript || curly_bracket || policy; }
    };
    static bool has(std::string_view text, std::string_view what) { return ::memmem(text.data(), text.size(), what.data(), what.size()); }
    static Phrases phrases(std::string_view lower) {
        Phrases p{has(lower, "lorem ipsum"), has(lower, "javascript"), has(lower, "{"), false};
        if (has(lower, "cookie") || has(lower, "polic") || has(lower, "terms"))
            for (const char* phrase : {"terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"}) p.policy = p.policy || has(lower, phrase);
        return p;
    }
    // In lower case as C4 compares it: ASCII kept, anything else as one byte. (The lower case of U+0130 is i and a dot above,
    // which is in no phrase.)
    static char lower_byte(char32_t c) {
        if (c < 0x80) return char(c + (c - 'A' < 26) * 32);
        const char32_t low = c == 0x130 ? c : lower_case(c);
        return low < 0x80 ? char(low) : '\x80';
    }
    // lower_: a byte for each character of the text.
    void need_lower() {
        if (std::exchange(has_lower_, true)) return;
        lower_.resize(t_.size());
        if (t_.ascii)
            for (size_t i = 0; i < t_.size(); i++) lower_[i] = char(t_.c[i] + (t_.c[i] - 'A' < 26) * 32);
        else
            for (size_t i = 0; i < t_.size(); i++) lower_[i] = lower_byte(t_.c[i]);
    }
    static void append(std::string& text, const Characters& from, Span s) {
        if (!from.ascii) {
            for (uint32_t i = s.from; i < s.to; i++)
                if (from.c[i] < 0x80) text += char(from.c[i]);
                else append_utf8(text, from.c[i]);
            return;
        }
        const size_t before = text.size();
        text.resize(before + s.size());
        for (uint32_t i = 0; i < s.size(); i++) text[before + i] = char(from.c[s.from + i]);
    }
    // line_ and lower_line_ become the line without citation marks.
    void take_line(Span line) {
        line_.c.clear();
        line_.bits.clear();
        lower_line_.clear();
        for (uint32_t i = line.from; i < line.to;) {
            if (const uint32_t skip = t_.c[i] == '[' ? citation(i, line.to) : 0) {
                i += skip;
                continue;
            }
            line_.c.push_back(t_.c[i]);
            line_.bits.push_back(t_.bits[i]);
            lower_line_ += lower_byte(t_.c[i]);
            i++;
        }
    }
    // The length of [12], [], [edit] or [citation needed] at i; 0: none.
    uint32_t citation(uint32_t i, uint32_t end) const {
        for (const std::u32string_view mark : {std::u32string_view(U"[edit]"), std::u32string_view(U"[citation needed]")})
            if (std::u32string_view(t_.c).substr(i, end - i).starts_with(mark)) return uint32_t(mark.size());
        uint32_t k = i + 1;
        while (k < end && t_.is(k, kDigit)) k++;
        return k < end && t_.c[k] == ']' ? k + 1 - i : 0;
    }
    static bool ends_in_punctuation(std::u32string_view line) {
        if (line.empty() || line.ends_with(U"...")) return false;
        return std::u32string_view(U".?!\"'").find(line.back()) != std::u32string_view::npos;
    }

    const QualityConfig& config_;
    Tokenizer tokenizer_;
    Characters t_, line_;
    std::string lower_, lower_line_;
    bool has_words_ = false, has_lines_ = false, has_lower_ = false;
    std::vector<Span> words_, pieces_, lines_;
    std::vector<uint64_t> word_hash_, joined_hash_, powers_;
    std::vector<uint32_t> joined_chars_, numbers_, frequency_, word_count_;
    std::vector<char> may_repeat_;
    std::vector<std::pair<int64_t, int64_t>> counts_;
    KeyNumbers keys_;
    KeySet seen_;
};

class QualityStage : public Stage {
   public:
    explicit QualityStage(const QualityConfig& config) : filters_(config) {
        std::string name;
        for (std::istringstream names(config.filters); std::getline(names, name, ',');) {
            if (name != "repetition" && name != "gopher" && name != "c4" && name != "fineweb")
                throw UsageError(cat("--filters ", config.filters, ": unknown filter \"", name, "\""), "known: repetition, gopher, c4, fineweb");
            order_.push_back(name);
        }
        if (order_.empty()) throw UsageError("--filters is empty", "known: repetition, gopher, c4, fineweb");
    }
    const char* name() const override { return "quality"; }
    Verdict process(Document& d) override {
        filters_.set_text(d.text);
        bool changed = false;
        for (const std::string& name : order_) {
            Verdict v;
            if (name == "repetition") v = filters_.repetition();
            else if (name == "gopher") v = filters_.gopher();
            else if (name == "fineweb") v = filters_.fineweb();
            else if ((v = filters_.c4(left_)).keep && left_ != (changed ? before_ : d.text)) {
                filters_.set_text(left_);                // else the words found before are still right
                before_ = left_;
                changed = true;
            }
            if (!v.keep) return v;
        }
        if (changed) d.text = before_;
        return kept();
    }

   private:
    QualityFilters filters_;
    std::vector<std::string> order_;
    std::string left_, before_;
};

inline int run_quality(QualityConfig& config) {
    QualityStage stage(config);
    return run_stage(config, stage, settings_text(config, quality_flags()));
}
inline std::vector<Command> quality_commands() {
    return {make_command<QualityConfig>("quality", "", "filters of Gopher, C4 and FineWeb: does a page read like text?", quality_flags(), run_quality)};
}

}  // namespace webtext
