// tokenizer_commands.hpp -- train_gpt tokenizer train | encode | decode | show.
//
// encode and decode are filters between bytes and decimal ids (with --lines: JSON strings and lines of ids), so that
// other programs can be compared with this one. train reads the same inputs as `train_gpt tokenize`. show makes tokens
// visible: text coloured token by token with the ids beneath, the same as a page for a browser, and the merges of a
// word one by one. Each command is a function from input to output, for tests, and a run_ function that does the
// reading and writing.
#pragma once

#include <sys/ioctl.h>

#include "cli.hpp"
#include "tokenize.hpp"
#include "tokenizer.hpp"

inline constexpr char kPatternChoices[] = "gpt2|cl100k|o200k|llama3|nanochat";
inline constexpr char kTokenizerHelp[] =
    "tokenizer.json, its folder, .tiktoken, vocab.bpe, llm.c .bin, or the word bytes";

inline void write_all_stdout(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw system_error("standard output: writing failed", "is the disk full or the pipe closed?");
}
inline Tokenizer load_tokenizer_flag(const std::string& file, const std::string& pattern) {
    if (file.empty()) throw UsageError("--tokenizer is missing", kTokenizerHelp);
    return Tokenizer::load(file, pattern);
}
inline SpecialPolicy parse_special_policy(const std::string& name) {
    if (name == "text") return SpecialPolicy::text;
    if (name == "error") return SpecialPolicy::error;
    if (name == "all") return SpecialPolicy::all;
    throw UsageError(cat("--special ", name, ": expected text, error or all"));
}

// ---- encode

struct TokenizerEncodeConfig {
    std::string tokenizer, pattern, special = "text";
    bool lines = false;
    int threads = 0;
};
inline const std::vector<Flag<TokenizerEncodeConfig>> tokenizer_encode_flags = {
    {"tokenizer", &TokenizerEncodeConfig::tokenizer, "FILE", kTokenizerHelp},
    {"pattern", &TokenizerEncodeConfig::pattern, kPatternChoices, "split pattern; a .tiktoken does not say its own"},
    {"special", &TokenizerEncodeConfig::special, "text|error|all", "what special tokens in the text become"},
    {"lines", &TokenizerEncodeConfig::lines, "", "each line of the input is a JSON string, and of the output its ids"},
    {"threads", &TokenizerEncodeConfig::threads, "", "threads that encode; 0: as many as the machine has"},
};

inline std::string ids_text(const std::vector<int32_t>& ids) {
    std::string s;
    char digits[16];
    for (const int32_t id : ids) {
        if (!s.empty()) s += ' ';
        s.append(digits, std::to_chars(digits, digits + sizeof digits, id).ptr);
    }
    return s + "\n";
}
// With --lines, `input` begins with line number first_line.
inline std::string tokenizer_encode(const Tokenizer& tokenizer, const TokenizerEncodeConfig& c,
                                    std::string_view input, size_t first_line = 1) {
    const SpecialPolicy policy = parse_special_policy(c.special);
    if (!c.lines) return ids_text(tokenizer.encode(input, policy));
    std::string out;
    TokenizerFiles::for_each_line(input, "standard input", [&](std::string_view line, const auto& where) {
        const nlohmann::json text = parse_json(line, where);
        if (!text.is_string()) throw Error(cat(where(), ": expected a JSON string, got ", text.type_name()));
        try {
            out += ids_text(tokenizer.encode(text.get_ref<const std::string&>(), policy));
        } catch (const Error& e) {
            throw Error(cat(where(), ": ", e.what()), e.advice);
        }
    }, first_line);
    return out;
}

// Gives up to so many bytes of the input; 0: its end.
using ReadBytes = std::function<size_t(char* buffer, size_t bytes)>;
constexpr size_t kChunkBytes = size_t(16) << 20;

inline size_t read_stdin_bytes(char* buffer, size_t bytes) {
    const size_t n = std::fread(buffer, 1, bytes, stdin);
    if (n == 0 && std::ferror(stdin)) throw system_error("standard input: reading failed");
    return n;
}
// Appends the input to text until that has `want` bytes; false: the input has ended.
inline bool fill_up(std::string& text, size_t want, const ReadBytes& read) {
    size_t size = text.size();
    bool more = true;
    text.resize(std::max(want, size));
    while (size < want && more) {
        const size_t n = read(text.data() + size, want - size);
        size += n, more = n > 0;
    }
    text.resize(size);
    return more;
}
inline std::string read_all_stdin() {
    std::string text;
    while (fill_up(text, text.size() + (size_t(1) << 16), read_stdin_bytes)) {}
    return text;
}
// f(piece, bytes before it) for pieces of the input, some MB long, that end with one of the characters `ends` (the last one: where the input does).
// What lies in memory is bounded by the longest stretch without such a character.
inline void for_each_piece(const ReadBytes& read, const char* ends, const std::function<void(std::string_view, size_t)>& f, size_t chunk_bytes = kChunkBytes) {
    std::string text;
    size_t want = chunk_bytes, before = 0;
    for (bool more = true; more;) {
        more = fill_up(text, want, read);
        const size_t cut = more ? text.find_last_of(ends) + 1 : text.size();      // npos + 1 is 0
        if (cut > 0) f(std::string_view(text).substr(0, cut), before);
        before += cut;
        text.erase(0, cut);
        want = std::max(chunk_bytes, 2 * text.size());
    }
}

// The whole input without --lines, some MB at a time; `write` takes the ids as text. What lies in memory is bounded by the
// longest stretch without a place to cut.
inline void tokenizer_encode_stream(const Tokenizer& tokenizer, const TokenizerEncodeConfig& c, const ReadBytes& read,
                                    const std::function<void(std::string_view)>& write, size_t chunk_bytes = kChunkBytes) {
    size_t look_ahead = 4;                           // a cut looks at one character behind it, or at a special token across it
    for (const auto& [name, id] : tokenizer.special()) look_ahead = std::max(look_ahead, name.size());
    const SpecialPolicy policy = parse_special_policy(c.special);
    const int threads = c.threads > 0 ? c.threads : omp_get_num_procs();
    std::string text;
    size_t want = chunk_bytes, done = 0;             // done: bytes that are written out already
    bool first = true;
    for (bool at_end = false; !at_end;) {
        at_end = !fill_up(text, want, read);
        const size_t size = text.size();
        size_t cut = size;
        if (!at_end) {                               // the last good place, with some text behind it in sight
            cut = size > look_ahead ? safe_cut_before(text, size - look_ahead) : 0;
            while (cut > 0 && !tokenizer.may_cut(text, cut, policy)) cut = safe_cut_before(text, cut - 1);
            want = cut == 0 ? 2 * size : std::max(chunk_bytes, 2 * (size - cut));
            if (cut == 0) continue;
        }
        const std::string_view part = std::string_view(text).substr(0, cut);
        if (policy == SpecialPolicy::error) tokenizer.refuse_special(part, done);
        std::string ids = ids_text(tokenizer.encode_parallel(part, threads, policy == SpecialPolicy::all ? policy : SpecialPolicy::text));
        ids.pop_back();                              // the line feed
        if (!first && !ids.empty()) write(" ");
        write(ids);
        first = first && ids.empty();
        done += cut;
        text.erase(0, cut);
    }
    write("\n");
}
inline int run_tokenizer_encode(TokenizerEncodeConfig& c) {
    const Tokenizer tokenizer = load_tokenizer_flag(c.tokenizer, c.pattern);
    if (c.threads < 0 || c.threads > 1024) throw UsageError(cat("--threads ", c.threads, ": expected 0 to 1024"));
    parse_special_policy(c.special);                 // refused before anything is read
    size_t line = 1;
    if (c.lines)
        for_each_piece(read_stdin_bytes, "\n", [&](std::string_view piece, size_t) {
            write_all_stdout(tokenizer_encode(tokenizer, c, piece, line));
            line += size_t(std::count(piece.begin(), piece.end(), '\n'));
        });
    else tokenizer_encode_stream(tokenizer, c, read_stdin_bytes, [](std::string_view ids) { write_all_stdout(ids); });
    return 0;
}

// ---- decode

struct TokenizerDecodeConfig {
    std::string tokenizer, pattern;
    bool lines = false;
};
inline const std::vector<Flag<TokenizerDecodeConfig>> tokenizer_decode_flags = {
    {"tokenizer", &TokenizerDecodeConfig::tokenizer, "FILE", kTokenizerHelp},
    {"pattern", &TokenizerDecodeConfig::pattern, kPatternChoices, "split pattern; a .tiktoken does not say its own"},
    {"lines", &TokenizerDecodeConfig::lines, "",
     "each line of ids becomes a line with a JSON string; bytes that are not UTF-8 become U+FFFD"},
};

// `before`: bytes of the input that came before the text.
inline std::vector<int32_t> parse_ids(std::string_view text, const std::string& where, size_t before = 0) {
    std::vector<int32_t> ids;
    for (size_t at = 0; (at = text.find_first_not_of(" \t\r\n", at)) != text.npos;) {
        const size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
        const std::string_view word = text.substr(at, end - at);
        int32_t id = 0;
        const auto [stop, ec] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (ec != std::errc() || stop != word.data() + word.size())
            throw Error(cat(where, ": \"", to_valid_utf8(word.substr(0, 40)), "\" at byte ", before + at, " is no token id"),
                        "expected decimal ids with spaces between them");
        ids.push_back(id);
        at = end;
    }
    return ids;
}
// `before`: bytes of the input that came before; with --lines, lines.
inline std::string tokenizer_decode(const Tokenizer& tokenizer, const TokenizerDecodeConfig& c,
                                    std::string_view input, size_t before = 0) {
    const auto decode = [&](std::string_view text, const std::string& where) {
        const auto ids = parse_ids(text, where, c.lines ? 0 : before);
        try {
            return tokenizer.decode(ids);
        } catch (const Error& e) {
            throw Error(cat(where, ": ", e.what()), e.advice);
        }
    };
    if (!c.lines) return decode(input, "standard input");
    std::string out;
    TokenizerFiles::for_each_line(input, "standard input", [&](std::string_view line, const auto& where) {
        out += json_text(nlohmann::json(to_valid_utf8(decode(line, where())))) + "\n";
    }, before + 1);
    return out;
}
inline int run_tokenizer_decode(TokenizerDecodeConfig& c) {
    const Tokenizer tokenizer = load_tokenizer_flag(c.tokenizer, c.pattern);
    size_t lines = 0;
    for_each_piece(read_stdin_bytes, c.lines ? "\n" : " \t\r\n", [&](std::string_view piece, size_t bytes) {
        write_all_stdout(tokenizer_decode(tokenizer, c, piece, c.lines ? lines : bytes));
        lines += size_t(std::count(piece.begin(), piece.end(), '\n'));
    });
    return 0;
}

// ---- train

struct TokenizerTrainConfig {
    std::vector<std::string> input;
    int vocab_size = 0;
    std::string pattern = "gpt2", out, format = "auto", text_field = "text";
    int threads = 0;
};
inline const std::vector<Flag<TokenizerTrainConfig>> tokenizer_train_flags = {
    {"input", &TokenizerTrainConfig::input, "FILE...", "text files, JSONL files, folders, - for stdin"},
    {"vocab-size", &TokenizerTrainConfig::vocab_size, "ids", "256 bytes, the merges and <|endoftext|> together"},
    {"pattern", &TokenizerTrainConfig::pattern, kPatternChoices, "how text is split into pieces"},
    {"out", &TokenizerTrainConfig::out, "FILE", "a .json (Hugging Face tokenizer.json) or a .tiktoken"},
    {"format", &TokenizerTrainConfig::format, "auto|text|jsonl", "auto: .jsonl and .ndjson are JSONL"},
    {"text-field", &TokenizerTrainConfig::text_field, "NAME", "the field of a JSONL object that holds the text"},
    {"threads", &TokenizerTrainConfig::threads, "", "threads that count; 0: as many as the machine has"},
};

// Gives the texts of all inputs to f, in order, cut only where no piece is cut.
template <typename F>
void for_each_input_text(const TokenizerTrainConfig& c, F&& f) {
    tokenize::Source source(tokenize::list_inputs(c.input, c.format, c.out), 0, parse_split(c.pattern) != Split::none);
    tokenize::TextFieldReader reader(c.text_field);
    for (tokenize::Job job; source.next(job);) {
        if (!job.jsonl) {
            f(std::string(job.text));
            continue;
        }
        int64_t number = job.first_line;
        TokenizerFiles::for_each_line(job.text, job.path, [&](std::string_view line, const auto&) {
            const int64_t here = number++;
            if (here == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // byte order mark
            if (line.find_first_not_of(" \t\r") == line.npos) return;
            std::string text;
            const std::string wrong = reader.read(line, text);
            if (!wrong.empty())
                throw Error(cat(job.path, ": line ", here, ": ", wrong), "name the field with --text-field");
            f(std::move(text));
        });
    }
}

inline Tokenizer tokenizer_train(const TokenizerTrainConfig& c, TrainStats& stats) {
    bpe::CorpusCounter counter(parse_split(c.pattern), c.threads > 0 ? c.threads : omp_get_num_procs(), {kEndOfText});
    const double start = now_s();
    for_each_input_text(c, [&](std::string text) { counter.add(std::move(text)); });
    bpe::PieceCounts pieces = counter.finish();
    stats.count_s = now_s() - start;
    return Tokenizer::train(std::move(pieces), c.vocab_size, c.pattern, {kEndOfText}, &stats);
}

inline int run_tokenizer_train(TokenizerTrainConfig& c) {
    if (c.input.empty()) throw UsageError("--input is missing", "text files, JSONL files or folders");
    if (c.out.empty()) throw UsageError("--out is missing", "a .json or a .tiktoken file");
    const bool as_json = c.out.ends_with(".json");
    if (!as_json && !c.out.ends_with(".tiktoken"))
        throw UsageError(cat("--out ", c.out, ": expected a name that ends in .json or .tiktoken"));
    if (c.vocab_size < 257 || c.vocab_size > bpe::kMaxIds)
        throw UsageError(cat("--vocab-size ", c.vocab_size, ": expected 257 (256 bytes and ", kEndOfText, ") to ",
                             bpe::kMaxIds));
    if (c.threads < 0 || c.threads > 1024) throw UsageError(cat("--threads ", c.threads, ": expected 0 to 1024"));
    if (const std::string folder = fs::path(c.out).parent_path().string(); !folder.empty() && !fs::is_directory(folder))
        throw Error(cat(c.out, ": the folder ", folder, " does not exist"), "make it first");
    TrainStats stats;
    const Tokenizer tokenizer = tokenizer_train(c, stats);
    if (stats.bytes == 0)
        throw Error(cat(cli::show(c.input), ": no text to train on: empty"), "give files that hold text");
    as_json ? tokenizer.save_json(c.out) : tokenizer.save_tiktoken(c.out);
    std::printf("%s bytes of text, %s pieces, %s of them different (%.2f s)\n", with_commas(stats.bytes).c_str(),
                with_commas(stats.pieces).c_str(), with_commas(stats.different_pieces).c_str(), stats.count_s);
    std::printf("%s merges (%.2f s); vocabulary of %s ids: 256 bytes, the merges, %s\n",
                with_commas(int64_t(tokenizer.merges().size())).c_str(), stats.merge_s,
                with_commas(tokenizer.vocab_size()).c_str(), kEndOfText);
    if (tokenizer.vocab_size() < c.vocab_size)
        std::printf("fewer than --vocab-size %d: every piece of the text is one token already\n", c.vocab_size);
    std::printf("%.3f bytes per token on the input (%s tokens)\nwrote %s\n",
                stats.tokens ? double(stats.bytes) / double(stats.tokens) : 0.0, with_commas(stats.tokens).c_str(),
                c.out.c_str());
    return 0;
}

// ---- show: in the terminal

struct TokenizerShowConfig {
    std::string tokenizer, pattern, text, special = "text", html, explain, color = "auto";
    std::set<std::string> typed;
};
inline const std::vector<Flag<TokenizerShowConfig>> tokenizer_show_flags = {
    {"tokenizer", &TokenizerShowConfig::tokenizer, "FILE", kTokenizerHelp},
    {"pattern", &TokenizerShowConfig::pattern, kPatternChoices, "split pattern; a .tiktoken does not say its own"},
    {"text", &TokenizerShowConfig::text, "TEXT", "what to show; without it, standard input"},
    {"special", &TokenizerShowConfig::special, "text|error|all", "what special tokens in the text become"},
    {"html", &TokenizerShowConfig::html, "FILE", "write a page for a browser instead of to the terminal"},
    {"explain", &TokenizerShowConfig::explain, "WORD", "the merges that turn WORD into tokens, one by one"},
    {"color", &TokenizerShowConfig::color, "auto|always|never", "auto: on a terminal, unless NO_COLOR is set"},
};

struct Shown {
    std::string text;  // printable UTF-8
    int columns = 0;   // that it takes in a terminal
};
// A token made visible: spaces are middle dots, line breaks arrows, bytes that are no whole character \xNN.
inline Shown visible(std::string_view bytes) {
    Shown s;
    const auto add = [&](std::string_view text, int columns) { s.text += text, s.columns += columns; };
    const char *p = bytes.data(), *end = p + bytes.size();
    while (p < end) {
        const Utf8Char c = decode_utf8(p, end);
        const int32_t code = c.code;
        if (code == ' ') add("·", 1);
        else if (code == '\n') add("↵", 1);
        else if (code == '\t') add("→", 1);
        else if (code < 0 || code < 0x20 || (code >= 0x7F && code < 0xA0))
            for (int i = 0; i < c.bytes; i++) add(strprintf("\\x%02X", static_cast<unsigned char>(p[i])), 4);
        else {
            const bool mark = (char_bits()[code] & kUpper) && (char_bits()[code] & kOther);
            const bool invisible = mark || (code >= 0x200B && code <= 0x200F) || code == 0xFEFF;
            const bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                              (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                              (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                              (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
            add(std::string_view(p, size_t(c.bytes)), invisible ? 0 : wide ? 2 : 1);
        }
        p += c.bytes;
    }
    return s;
}

// Two rows per line of the terminal: the tokens, coloured or with bars between them, and their ids beneath.
inline std::string show_terminal(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool color, int width) {
    static constexpr int colors[] = {153, 223, 157, 218, 189, 230};  // pale backgrounds of the 256-colour palette
    std::string out, tokens, numbers;
    int column = 0;
    const auto flush = [&] {
        if (column > 0) out += tokens + "\n" + numbers + "\n";
        tokens.clear(), numbers.clear(), column = 0;
    };
    for (size_t i = 0; i < ids.size(); i++) {
        const std::string_view bytes = tokenizer.token_bytes(ids[i]);
        const Shown shown = visible(bytes);
        const std::string number = std::to_string(ids[i]);
        const int cell = std::max(shown.columns, int(number.size()));
        if (column > 0 && column + cell + 1 > width) flush();
        const std::string padding(size_t(cell - shown.columns), ' ');
        const std::string paint = strprintf("\x1b[48;5;%dm\x1b[30m", colors[i % std::size(colors)]);
        tokens += color ? paint + shown.text + "\x1b[0m" + padding + " " : shown.text + padding + "|";
        const std::string dim = color ? "\x1b[2m" + number + "\x1b[0m" : number;
        numbers += dim + std::string(size_t(cell) - number.size() + 1, ' ');
        column += cell + 1;
        if (bytes.ends_with('\n')) flush();
    }
    flush();
    return out;
}

// One line per merge: its rank, the pair, the new token, and what the word looks like then.
inline std::string explain_word(const Tokenizer& tokenizer, const std::string& word) {
    std::string out;
    const auto spelled = [&](const std::vector<int32_t>& symbols) {
        std::string s;
        for (const int32_t id : symbols) s.append(s.empty() ? "" : " ").append(visible(tokenizer.token_bytes(id)).text);
        return s;
    };
    for_each_piece(parse_split(tokenizer.pattern()), word, [&](std::string_view piece) {
        std::vector<int32_t> symbols;
        const auto steps = tokenizer.explain(piece, &symbols);
        std::vector<int32_t> ids;
        tokenizer.encode_append(ids, piece);
        out += cat("piece \"", visible(piece).text, "\": ", piece.size(), " bytes, ", ids.size(),
                   ids.size() == 1 ? " token\n" : " tokens\n");
        out += cat("   start                                        ", spelled(symbols), "\n");
        for (const auto& step : steps) {
            const auto show = [&](int32_t id) { return visible(tokenizer.token_bytes(id)); };
            const Shown left = show(step.merge.left), right = show(step.merge.right), both = show(step.merge.id);
            std::string what = cat(left.text, " + ", right.text, " = ", both.text);
            const int columns = left.columns + right.columns + both.columns + 6;
            what += std::string(size_t(std::max(0, 24 - columns)), ' ');
            out += strprintf("   rank %-7u %s id %-7d ", step.rank, what.c_str(), step.merge.id);
            out += spelled(step.symbols) + "\n";
        }
        out += "   tokens";
        for (const int32_t id : ids) out += cat("  ", visible(tokenizer.token_bytes(id)).text, " (", id, ")");
        out += "\n";
        if (!steps.empty() ? steps.back().symbols != ids : symbols != ids)
            out += "   (the whole piece is a token of this vocabulary, although no merges lead to it)\n";
    });
    return out;
}

// ---- show: as a page

inline std::string show_html(const Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                             const std::string& explanation) {
    size_t bytes = 0;
    for (const int32_t id : ids) bytes += tokenizer.token_bytes(id).size();
    std::string s = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tokens</title><style>
body{font:16px/1.4 ui-monospace,monospace;margin:2em;max-width:60em;color:#222;background:#fff}
.t{display:inline-block;margin:0 1px 6px;text-align:center;vertical-align:top}
.t b{display:block;font-weight:normal;border-radius:3px;padding:0 2px;white-space:pre}
.t i{display:block;font-style:normal;font-size:10px;color:#777}
.c0 b{background:#cfe4ff}.c1 b{background:#ffe3b8}.c2 b{background:#c9f2c9}.c3 b{background:#ffd0e0}
.c4 b{background:#e2d9ff}.c5 b{background:#fff6b3}.s b{outline:2px solid #c33}
p{color:#555}pre{background:#f6f6f6;padding:1em;overflow-x:auto}
</style></head><body>
)";
    s += cat("<p>", with_commas(int64_t(ids.size())), " tokens, ", with_commas(int64_t(bytes)), " bytes",
             ids.empty() ? "" : strprintf(", %.2f bytes per token", double(bytes) / double(ids.size())),
             "; vocabulary of ", with_commas(tokenizer.vocab_size()), " ids, pattern ", tokenizer.pattern(),
             "</p>\n<div>");
    for (size_t i = 0; i < ids.size(); i++) {
        const std::string_view token = tokenizer.token_bytes(ids[i]);
        std::string hex;
        for (const char c : token) hex += strprintf("%02x ", static_cast<unsigned char>(c));
        s += cat("<span class=\"t c", i % 6, tokenizer.is_special(ids[i]) ? " s" : "", "\" title=\"token ", i, ", id ",
                 ids[i], ", bytes ", hex, "\"><b>", html_escaped(visible(token).text), "</b><i>", ids[i],
                 "</i></span>");
        if (token.ends_with('\n')) s += "<br>\n";
    }
    s += "</div>\n";
    if (!explanation.empty()) s += cat("<pre>", html_escaped(explanation), "</pre>\n");
    return s + "</body></html>\n";
}

inline int terminal_width() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}
inline int run_tokenizer_show(TokenizerShowConfig& c) {
    const Tokenizer tokenizer = load_tokenizer_flag(c.tokenizer, c.pattern);
    const std::string explanation = c.explain.empty() ? "" : explain_word(tokenizer, c.explain);
    // With --explain alone there is nothing else to show, and nobody waits for standard input.
    const bool has_text = c.typed.count("text") || c.explain.empty();
    std::vector<int32_t> ids;
    if (has_text)
        ids = tokenizer.encode(c.typed.count("text") ? c.text : read_all_stdin(), parse_special_policy(c.special));
    if (!c.html.empty()) {
        write_file(c.html, show_html(tokenizer, ids, explanation));
        write_all_stdout(cat("wrote ", c.html, " (", with_commas(int64_t(ids.size())), " tokens)\n"));
        return 0;
    }
    const bool color = use_color(c.color);
    std::string out;
    if (has_text) {
        out += show_terminal(tokenizer, ids, color, terminal_width());
        out += cat(with_commas(int64_t(ids.size())), ids.size() == 1 ? " token\n" : " tokens\n");
    }
    write_all_stdout(out + explanation);
    return 0;
}

inline std::vector<Command> tokenizer_commands() {
    return {
        make_command<TokenizerTrainConfig>("tokenizer train", "--input FILE... --vocab-size N --out FILE",
                                           "learn a byte-level BPE vocabulary from text", tokenizer_train_flags,
                                           run_tokenizer_train),
        make_command<TokenizerEncodeConfig>("tokenizer encode", "--tokenizer FILE < bytes > ids",
                                            "text to token ids", tokenizer_encode_flags, run_tokenizer_encode),
        make_command<TokenizerDecodeConfig>("tokenizer decode", "--tokenizer FILE < ids > bytes",
                                            "token ids to text", tokenizer_decode_flags, run_tokenizer_decode),
        make_command<TokenizerShowConfig>("tokenizer show", "--tokenizer FILE [--text TEXT]",
                                          "text coloured token by token, or the merges of a word",
                                          tokenizer_show_flags, run_tokenizer_show)};
}
