// tokenizer_files.hpp -- vocabularies on disk: .tiktoken, tokenizer.json, vocab.json + merges.txt, llm.c's .bin.
//
// All of them hold byte strings; they differ in how they say which pairs merge. Hugging Face's tokenizer.json and
// merges.txt (GPT-2's vocab.bpe) list the pairs. .tiktoken and llm.c only have ids, and the id is the rank:
// Tokenizer::merges_from_ranks finds the pairs. Hugging Face writes each byte as a printable character (the byte-level
// alphabet below), so that a vocabulary is valid JSON.
// Promises: a vocabulary has the same ids and the same hash() whatever file it came from; a file that is broken, or
// that asks for more than byte-level BPE (normalizers, prefix spaces, other patterns), is refused, never half
// understood. A .tiktoken knows no special tokens: the official sizes get the official ones, any other size
// <|endoftext|> after its last id.
#pragma once

#include <charconv>

#include "json_text.hpp"
#include "tokenizer.hpp"

// nlohmann's parse with our kind of error. `where` is "FILE", or a function that makes "FILE: line N" when needed.
template <typename Where>
nlohmann::json parse_json(std::string_view text, const Where& where) {
    try {
        if (text.find("\\u") == text.npos) return parse_json_text<nlohmann::json>(text);
        return parse_json_text<nlohmann::json>(mend_surrogates(std::string(text)));
    } catch (const nlohmann::json::exception& e) {
        std::string place;
        if constexpr (std::is_invocable_v<Where>) place = where();
        else place = where;
        const auto* parse_error = dynamic_cast<const nlohmann::json::parse_error*>(&e);
        throw Error(parse_error ? cat(place, ": not valid JSON (UTF-8) at byte ", parse_error->byte)
                                : cat(place, ": JSON with a number that no type can hold"));  // such as 1e999
    }
}

struct TokenizerFiles {
    using Json = nlohmann::json;
    using Parts = Tokenizer::Parts;

    // ---- the byte-level alphabet: printable Latin-1 bytes stand for themselves, the other 68 are U+0100, U+0101, ...

    static const std::array<uint32_t, 256>& byte_to_char() {
        static const auto table = [] {
            std::array<uint32_t, 256> t{};
            uint32_t next = 256;
            for (uint32_t b = 0; b < 256; b++) {
                const bool printable = (b > 32 && b < 127) || (b > 160 && b != 173);
                t[b] = printable ? b : next++;
            }
            return t;
        }();
        return table;
    }
    static std::string to_alphabet(std::string_view bytes) {
        std::string s;
        for (const char c : bytes) append_utf8(s, byte_to_char()[static_cast<unsigned char>(c)]);
        return s;
    }
    // nullopt if a character is none of the alphabet's
    static std::optional<std::string> from_alphabet(std::string_view text) {
        static const auto back = [] {
            std::array<int16_t, 324> t;
            t.fill(-1);
            for (int16_t b = 0; b < 256; b++) t[byte_to_char()[size_t(b)]] = b;
            return t;
        }();
        std::string bytes;
        const char *p = text.data(), *end = p + text.size();
        while (p < end) {
            const Utf8Char c = decode_utf8(p, end);
            if (c.code < 0 || c.code >= int32_t(back.size()) || back[size_t(c.code)] < 0) return std::nullopt;
            bytes += char(back[size_t(c.code)]);
            p += c.bytes;
        }
        return bytes;
    }

    // ---- shared by the readers; `where()` makes the place for a message, only when it is needed

    template <typename Where>
    static int32_t checked_id(int64_t id, Where&& where) {
        if (id < 0 || id >= bpe::kMaxIds)
            throw Error(cat(where(), ": id ", id, " is not between 0 and ", bpe::kMaxIds - 1));
        return int32_t(id);
    }
    template <typename Where>
    static void put_token(Parts& parts, std::string token, int32_t id, Where&& where) {
        if (token.empty()) throw Error(cat(where(), ": id ", id, " is an empty token"));
        if (size_t(id) >= parts.tokens.size()) parts.tokens.resize(size_t(id) + 1);
        if (!parts.tokens[size_t(id)].empty()) throw Error(cat(where(), ": id ", id, " is given twice"));
        parts.tokens[size_t(id)] = std::move(token);
    }
    static void refuse_equal_tokens(const std::vector<std::string>& tokens, const std::string& where) {
        std::unordered_map<std::string_view, size_t> seen;
        for (size_t id = 0; id < tokens.size(); id++)
            if (!tokens[id].empty())
                if (const auto [it, is_new] = seen.emplace(tokens[id], id); !is_new)
                    throw Error(cat(where, ": ids ", it->second, " and ", id, " are the same bytes"));
    }
    // Members of JSON objects that may be missing.
    static bool flag(const Json& object, const char* name, bool otherwise) {
        return object.contains(name) && object[name].is_boolean() ? object[name].get<bool>() : otherwise;
    }
    static std::string text_of(const Json& object, const char* name) {
        const bool is_text = object.is_object() && object.contains(name) && object[name].is_string();
        return is_text ? object[name].get<std::string>() : "";
    }
    // Calls f(line, where) for each line, without its line end; where() is "PATH: line N", and N of the first one is `number`.
    template <typename F>
    static void for_each_line(std::string_view text, const std::string& path, F&& f, size_t number = 1) {
        for (size_t at = 0; at < text.size(); number++) {
            const size_t end = std::min(text.find('\n', at), text.size());
            std::string_view line = text.substr(at, end - at);
            if (line.ends_with('\r')) line.remove_suffix(1);
            f(line, [&] { return cat(path, ": line ", number); });
            at = end + 1;
        }
    }
    static void refuse_empty(std::string_view text, const std::string& path) {
        if (text.empty()) throw Error(cat(path, ": the file is empty, expected a tokenizer"));
    }

    // ---- .tiktoken: lines "base64(bytes) rank"

    static std::string to_base64(std::string_view bytes) {
        static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string s;
        for (size_t i = 0; i < bytes.size(); i += 3) {
            uint32_t v = 0;
            const size_t n = std::min(bytes.size() - i, size_t(3));
            for (size_t k = 0; k < 3; k++) v = v << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
            for (size_t k = 0; k < 4; k++) s += k <= n ? digits[v >> (18 - 6 * k) & 63] : '=';
        }
        return s;
    }
    static std::optional<std::string> from_base64(std::string_view s) {
        const auto value = [](char c) {
            if (c >= 'A' && c <= 'Z') return c - 'A';
            if (c >= 'a' && c <= 'z') return c - 'a' + 26;
            if (c >= '0' && c <= '9') return c - '0' + 52;
            return c == '+' ? 62 : c == '/' ? 63 : -1;
        };
        if (s.empty() || s.size() % 4) return std::nullopt;
        const size_t padding = s.ends_with("==") ? 2 : s.ends_with('=') ? 1 : 0;
        std::string bytes;
        uint32_t v = 0;
        for (size_t i = 0; i < s.size(); i++) {
            const int digit = i >= s.size() - padding ? 0 : value(s[i]);
            if (digit < 0) return std::nullopt;
            v = v << 6 | uint32_t(digit);
            if (i % 4 == 3)
                for (int shift = 16; shift >= 0; shift -= 8) bytes += char(v >> shift & 255);
        }
        bytes.resize(bytes.size() - padding);
        return bytes;
    }
    // The special tokens that a vocabulary without any gets (num_ids: the largest id + 1).
    static std::map<std::string, int32_t, std::less<>> default_special(const std::string& pattern, size_t num_ids) {
        if (pattern == "none") return {};
        if (pattern == "cl100k" && num_ids == 100256)
            return {{kEndOfText, 100257}, {"<|fim_prefix|>", 100258}, {"<|fim_middle|>", 100259},
                    {"<|fim_suffix|>", 100260}, {"<|endofprompt|>", 100276}};
        if (pattern == "o200k" && num_ids == 199998) return {{kEndOfText, 199999}, {"<|endofprompt|>", 200018}};
        return {{kEndOfText, int32_t(num_ids)}};
    }
    static Parts read_tiktoken(std::string_view text, const std::string& path, const std::string& pattern) {
        if (pattern.empty())
            throw UsageError(cat(path, ": a .tiktoken file does not say how text is split"),
                             "add --pattern gpt2|cl100k|o200k");
        refuse_empty(text, path);
        Parts parts;
        parts.origin = path;
        parts.pattern = pattern;
        parts.whole_pieces = true;
        for_each_line(text, path, [&](std::string_view line, const auto& where) {
            if (line.empty()) return;
            const size_t space = line.find(' ');
            if (space == line.npos) throw Error(cat(where(), ": expected \"BASE64 RANK\""));
            auto token = from_base64(line.substr(0, space));
            if (!token) throw Error(cat(where(), ": broken base64"));
            int64_t rank = -1;
            const auto [end, ec] = std::from_chars(line.data() + space + 1, line.data() + line.size(), rank);
            if (ec == std::errc::result_out_of_range) throw Error(cat(where(), ": rank out of range"));
            if (ec != std::errc() || end != line.data() + line.size())
                throw Error(cat(where(), ": expected a rank after the base64"));
            put_token(parts, std::move(*token), checked_id(rank, where), where);
        });
        refuse_equal_tokens(parts.tokens, path);
        parts.merges = Tokenizer::merges_from_ranks(parts.tokens);
        parts.special = default_special(pattern, parts.tokens.size());
        return parts;
    }

    // ---- llm.c: 256 uint32 {20240328, version, number of tokens, end of text (version 2)}, then for each token a byte
    // that says its length (0: a hole) and its bytes

    static constexpr uint32_t kLlmcMagic = 20240328;
    static Parts read_llmc(std::string_view data, const std::string& path, const std::string& pattern) {
        uint32_t header[256];
        if (data.size() < sizeof header)
            throw Error(cat(path, ": ", data.size(), " bytes, expected a header of ", sizeof header));
        std::memcpy(header, data.data(), sizeof header);
        if (header[0] != kLlmcMagic)
            throw Error(cat(path, ": not an llm.c tokenizer: magic ", header[0], " at byte 0, expected ", kLlmcMagic));
        if (header[1] != 1 && header[1] != 2)
            throw Error(cat(path, ": version ", header[1], " at byte 4, expected 1 or 2"));
        const uint32_t end_of_text = header[1] == 1 ? 50256 : header[3];
        if (header[2] > uint32_t(bpe::kMaxIds)) throw Error(cat(path, ": ", header[2], " tokens at byte 8: too many"));
        if (end_of_text >= header[2])
            throw Error(cat(path, ": end of text is id ", end_of_text, ", but there are ", header[2], " tokens"));
        Parts parts;
        parts.origin = path;
        parts.pattern = pattern.empty() ? "gpt2" : pattern;
        parts.whole_pieces = true;
        parts.tokens.resize(header[2]);
        size_t at = sizeof header;
        for (uint32_t id = 0; id < header[2]; id++) {
            const size_t length = at < data.size() ? static_cast<unsigned char>(data[at]) : 0;
            if (at >= data.size() || data.size() - at - 1 < length)
                throw Error(cat(path, ": cut short in token ", id, " of ", header[2], " at byte ", at));
            parts.tokens[id] = data.substr(at + 1, length);
            at += 1 + length;
        }
        if (at != data.size())
            throw Error(cat(path, ": ", data.size() - at, " bytes after the last token, at byte ", at));
        parts.tokens[end_of_text].clear();
        parts.special.emplace(kEndOfText, int32_t(end_of_text));
        refuse_equal_tokens(parts.tokens, path);
        parts.merges = Tokenizer::merges_from_ranks(parts.tokens);
        return parts;
    }

    // ---- a vocabulary object and a merge list in the byte-level alphabet

    using Vocabulary = std::unordered_map<std::string, int32_t>;  // tokens as written
    static Vocabulary read_vocabulary(const Json& json, const std::string& where) {
        if (!json.is_object()) throw Error(cat(where, ": expected an object of tokens and ids"));
        Vocabulary v;
        for (const auto& [text, id] : json.items()) {
            const auto here = [&, &text = text] { return cat(where, ": token ", text); };
            if (!id.is_number_integer()) throw Error(cat(here(), ": expected a whole number"));
            const bool huge = id.is_number_unsigned() && id.get<uint64_t>() > INT64_MAX;
            v.emplace(text, checked_id(huge ? INT64_MAX : id.get<int64_t>(), here));
        }
        return v;
    }
    template <typename Where>
    static Merge read_merge(const Vocabulary& v, const std::string& left, const std::string& right, Where&& where) {
        const auto id = [&](const std::string& text) {
            const auto it = v.find(text);
            if (it == v.end()) throw Error(cat(where(), ": \"", text, "\" of this merge is not in the vocabulary"));
            return it->second;
        };
        return {id(left), id(right), id(left + right)};
    }
    template <typename Where>
    static Merge read_merge_line(const Vocabulary& v, std::string_view line, Where&& where) {
        const size_t space = line.find(' ');
        if (space == line.npos || line.find(' ', space + 1) != line.npos)
            throw Error(cat(where(), ": expected two symbols and a space between them"));
        return read_merge(v, std::string(line.substr(0, space)), std::string(line.substr(space + 1)), where);
    }
    static void put_vocabulary(Parts& parts, const Vocabulary& v, const std::string& where) {
        for (const auto& [text, id] : v) {
            if (parts.special.count(text)) {
                if (parts.special[text] != id)
                    throw Error(cat(where, ": special token ", text, " is id ", id, " and id ", parts.special[text]));
                continue;
            }
            auto bytes = from_alphabet(text);
            if (!bytes)
                throw Error(cat(where, ": token \"", text, "\" (id ", id, ") is not in the byte-level alphabet"),
                            "only byte-level BPE is supported");
            put_token(parts, std::move(*bytes), id, [&] { return where; });
        }
        refuse_equal_tokens(parts.tokens, where);
    }

    // What tokenizer_config.json beside vocab.json says about special tokens. The unknown token stands for bytes that a
    // small vocabulary lacks.
    static void read_config_special(Parts& parts, const Vocabulary& v, const std::string& path) {
        const Json config = fs::is_regular_file(path) ? parse_json(MappedFile(path).view(), path) : Json::object();
        const auto add = [&](const std::string& name) {
            const auto it = v.find(name);
            if (it != v.end()) parts.special.emplace(name, it->second);
            return it == v.end() ? -1 : it->second;
        };
        const auto name_of = [&](const Json& token) {
            return token.is_string() ? token.get<std::string>() : text_of(token, "content");
        };
        add(kEndOfText);
        if (!config.is_object()) throw Error(cat(path, ": expected an object"));
        for (const char* key : {"bos_token", "eos_token", "pad_token"})
            if (config.contains(key)) add(name_of(config[key]));
        if (config.contains("unk_token")) parts.unknown_id = add(name_of(config["unk_token"]));
        if (config.contains("added_tokens_decoder"))
            for (const Json& token : config["added_tokens_decoder"]) add(name_of(token));
    }
    // vocab.json and merges.txt. A token that no merge makes stays a token that text does not become.
    static Parts read_vocab_merges(const std::string& vocab_path, const std::string& merges_path,
                                   const std::string& pattern) {
        for (const auto& [path, other] : {std::pair{vocab_path, merges_path}, std::pair{merges_path, vocab_path}})
            if (!fs::is_regular_file(path)) throw Error(cat(path, ": missing, ", other, " needs it beside it"));
        const MappedFile vocab(vocab_path), merges(merges_path);
        refuse_empty(vocab.view(), vocab_path);
        refuse_empty(merges.view(), merges_path);
        const Vocabulary v = read_vocabulary(parse_json(vocab.view(), vocab_path), vocab_path);
        Parts parts;
        parts.origin = vocab_path;
        parts.pattern = pattern.empty() ? "gpt2" : pattern;
        for_each_line(merges.view(), merges_path, [&](std::string_view line, const auto& where) {
            if (line.empty() || line.starts_with("#version")) return;
            parts.merges.push_back(read_merge_line(v, line, where));
        });
        read_config_special(parts, v, (fs::path(vocab_path).parent_path() / "tokenizer_config.json").string());
        put_vocabulary(parts, v, vocab_path);
        return parts;
    }

    // ---- tokenizer.json

    // \s++\z and {1,3} are what \s++$ and {1,3}+ of cl100k mean to the engine of Hugging Face.
    static constexpr const char* kCl100kRegex =
        R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++\z|\s*[\r\n]|)"
        R"(\s+(?!\S)|\s)";
    static constexpr const char* kLlama3Regex =
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|)"
        R"(\s+(?!\S)|\s+)";
    static constexpr const char* kO200kRegex =
        R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
        R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
        R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    static constexpr const char* kNanochatRegex =
        R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
    // The pattern that a regular expression in a file stands for.
    static std::string pattern_of_regex(const std::string& regex, const std::string& where) {
        const std::pair<const char*, const char*> known[] = {
            {kCl100kRegex, "cl100k"},
            {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|)"
             R"(\s*[\r\n]|\s+(?!\S)|\s)", "cl100k"},
            {kLlama3Regex, "llama3"},
            {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|)"
             R"(\s+(?!\S)|\s+)", "llama3"},
            {kO200kRegex, "o200k"},
            {kNanochatRegex, "nanochat"},
            {R"('s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", "gpt2"},
            {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", "gpt2"},
            {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)", "gpt2"}};
        for (const auto& [text, pattern] : known)
            if (regex == text) return pattern;
        throw Error(cat(where, ": the split pattern is none that is known here: ", regex),
                    "known are those of gpt2, cl100k, llama3, o200k and nanochat");
    }
    // ByteLevel alone, or a Split and then ByteLevel.
    static std::string read_pre_tokenizer(const Json& json, const std::string& path) {
        const std::string where = cat(path, ": pre_tokenizer");
        const std::string type = text_of(json, "type");
        std::vector<Json> steps;
        if (type == "Sequence" && json.contains("pretokenizers") && json["pretokenizers"].is_array())
            steps.assign(json["pretokenizers"].begin(), json["pretokenizers"].end());
        else steps.push_back(json);
        std::string pattern = "none";
        bool byte_level = false;
        for (const Json& step : steps) {
            const std::string kind = text_of(step, "type");
            if (kind == "Split" && pattern == "none" && !byte_level && step.contains("pattern")) {
                const std::string behavior = text_of(step, "behavior");
                const bool invert = flag(step, "invert", false);
                if (!(behavior == "Isolated" && !invert) && !(behavior == "Removed" && invert))
                    throw Error(cat(where, ": Split with behavior ", behavior, ", expected Isolated"));
                pattern = pattern_of_regex(text_of(step["pattern"], "Regex"), where);
            } else if (kind == "ByteLevel" && !byte_level) {
                if (flag(step, "add_prefix_space", true))
                    throw Error(cat(where, ": add_prefix_space is not supported"));
                if (flag(step, "use_regex", true)) {
                    if (pattern != "none") throw Error(cat(where, ": two split patterns"));
                    pattern = "gpt2";
                }
                byte_level = true;
            } else {
                throw Error(cat(where, ": \"", kind, "\" is not supported here"), "only byte-level BPE is supported");
            }
        }
        if (!byte_level) throw Error(cat(where, ": no ByteLevel in it"), "only byte-level BPE is supported");
        return pattern;
    }
    static void read_added_tokens(Parts& parts, const Json& json, const std::string& path) {
        if (!json.is_array()) throw Error(cat(path, ": added_tokens is no array"));
        for (const Json& token : json) {
            const std::string name = text_of(token, "content");
            const auto here = [&] { return cat(path, ": added token ", name); };
            const std::string where = here();
            if (name.empty() || !token.contains("id") || !token["id"].is_number_integer())
                throw Error(cat(where, ": expected \"content\" and \"id\""));
            if (flag(token, "lstrip", false) || flag(token, "rstrip", false) || flag(token, "single_word", false))
                throw Error(cat(where, ": lstrip, rstrip and single_word are not supported"));
            if (!flag(token, "special", false))
                throw Error(cat(where, ": added tokens that are not special are not supported"));
            parts.special.emplace(name, checked_id(token["id"].get<int64_t>(), here));
        }
    }
    static Parts read_json(std::string_view text, const std::string& path, const std::string& pattern) {
        refuse_empty(text, path);
        const Json json = parse_json(text, path);
        if (!json.is_object() || !json.contains("model"))
            throw Error(cat(path, ": no \"model\" in it: not a tokenizer.json"));
        const Json& model = json["model"];
        const std::string type = text_of(model, "type");
        const bool is_bpe = type.empty() || type == "BPE";
        if (!model.is_object() || !model.contains("vocab") || !model.contains("merges") || !is_bpe)
            throw Error(cat(path, ": model of type \"", type, "\", expected BPE with vocab and merges"));
        for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (!text_of(model, name).empty()) throw Error(cat(path, ": model.", name, " is not supported"));
        if (flag(model, "byte_fallback", false)) throw Error(cat(path, ": model.byte_fallback is not supported"));
        if (json.contains("normalizer") && !json["normalizer"].is_null())
            throw Error(cat(path, ": normalizer ", text_of(json["normalizer"], "type"), " is not supported"));
        Parts parts;
        parts.origin = path;
        parts.pattern = json.contains("pre_tokenizer") ? read_pre_tokenizer(json["pre_tokenizer"], path) : "none";
        if (!pattern.empty()) parts.pattern = pattern;
        parts.whole_pieces = flag(model, "ignore_merges", false);
        if (json.contains("added_tokens")) read_added_tokens(parts, json["added_tokens"], path);
        const Vocabulary v = read_vocabulary(model["vocab"], cat(path, ": model.vocab"));
        if (const auto it = v.find(text_of(model, "unk_token")); it != v.end()) parts.unknown_id = it->second;
        if (!model["merges"].is_array()) throw Error(cat(path, ": model.merges is no array"));
        for (const Json& merge : model["merges"]) {
            const auto where = [&] { return cat(path, ": merge ", parts.merges.size()); };
            std::string left, right;
            if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
                left = merge[0], right = merge[1];
            } else if (merge.is_string()) {
                parts.merges.push_back(read_merge_line(v, merge.get_ref<const std::string&>(), where));
                continue;
            } else {
                throw Error(cat(where(), ": expected \"a b\" or [\"a\", \"b\"]"));
            }
            parts.merges.push_back(read_merge(v, left, right, where));
        }
        put_vocabulary(parts, v, cat(path, ": model.vocab"));
        return parts;
    }

    // ---- which of them a path is

    static Parts read_directory(const std::string& path, const std::string& pattern) {
        const auto in = [&](const char* name) { return (fs::path(path) / name).string(); };
        const auto has = [&](const char* name) { return fs::is_regular_file(in(name)); };
        if (has("tokenizer.json"))
            return read_json(MappedFile(in("tokenizer.json")).view(), in("tokenizer.json"), pattern);
        using Pair = std::pair<const char*, const char*>;
        for (const auto& [vocab, merges] : {Pair{"vocab.json", "merges.txt"}, Pair{"encoder.json", "vocab.bpe"}})
            if (has(vocab) || has(merges)) return read_vocab_merges(in(vocab), in(merges), pattern);
        throw Error(cat(path, ": no tokenizer in this directory"),
                    "expected tokenizer.json, or vocab.json and merges.txt");
    }
    static Parts read(const std::string& path, const std::string& pattern) {
        if (!pattern.empty()) parse_split(pattern);
        if (fs::is_directory(path)) return read_directory(path, pattern);
        const fs::path file(path);
        const std::string name = file.filename().string(), extension = file.extension().string();
        const auto beside = [&](const char* other) { return (file.parent_path() / other).string(); };
        if (name == "vocab.bpe") return read_vocab_merges(beside("encoder.json"), path, pattern);
        if (name == "encoder.json") return read_vocab_merges(path, beside("vocab.bpe"), pattern);
        if (name == "merges.txt") return read_vocab_merges(beside("vocab.json"), path, pattern);
        if (name == "vocab.json") return read_vocab_merges(path, beside("merges.txt"), pattern);
        const MappedFile map(path);
        if (extension == ".tiktoken") return read_tiktoken(map.view(), path, pattern);
        if (extension == ".json") return read_json(map.view(), path, pattern);
        if (extension == ".bin") return read_llmc(map.view(), path, pattern);
        throw Error(cat(path, ": the name says no tokenizer format"),
                    "expected .tiktoken, .json, .bin (llm.c), vocab.bpe, merges.txt, a directory, or the word bytes");
    }

    // ---- writers

    static std::string quoted(const std::string& s) { return json_text(Json(s)); }
    static std::string pre_tokenizer_json(Split split) {
        const std::string byte_level =
            R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":)";
        if (split == Split::gpt2) return byte_level + "true}";
        if (split == Split::none) return byte_level + "false}";
        const char* regex = split == Split::cl100k     ? kCl100kRegex
                            : split == Split::llama3   ? kLlama3Regex
                            : split == Split::nanochat ? kNanochatRegex
                                                       : kO200kRegex;
        return cat(R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":)", quoted(regex),
                   R"(},"behavior":"Isolated","invert":false},)", byte_level, "false}]}");
    }
    static std::string json(const Tokenizer& t) {
        std::vector<std::pair<int32_t, std::string>> special;
        for (const auto& [name, id] : t.special_) {
            if (!is_valid_utf8(name))
                throw Error(cat("special token ", id, " is not valid UTF-8: JSON cannot hold it"));
            special.emplace_back(id, name);
        }
        std::sort(special.begin(), special.end());
        std::string s = R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)";
        for (const auto& [id, name] : special)
            s += cat(&name == &special[0].second ? "\n" : ",\n", R"({"id":)", id, R"(,"content":)", quoted(name),
                     R"(,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true})");
        s += cat("],\n\"normalizer\":null,\n\"pre_tokenizer\":", pre_tokenizer_json(t.split_));
        s += ",\n\"post_processor\":null,\n\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
             "\"trim_offsets\":true,\"use_regex\":true},\n\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":";
        const auto unknown = std::find_if(special.begin(), special.end(), [&](auto& x) {
            return std::count(t.byte_id_.begin(), t.byte_id_.end(), x.first) > 0;  // it stands for missing bytes
        });
        s += unknown == special.end() ? "null" : quoted(unknown->second);
        s += cat(R"(,"continuing_subword_prefix":"","end_of_word_suffix":"","fuse_unk":false,"byte_fallback":false,)",
                 R"("ignore_merges":)", t.needs_whole_pieces() ? "true" : "false", ",\n\"vocab\":{");
        // Special tokens stand in the vocabulary too, as in GPT-2's own file: it pins their ids where there are holes.
        bool first = true;
        for (int32_t id = 0; id < t.vocab_size(); id++) {
            const std::string bytes(t.token_bytes(id));
            if (bytes.empty()) continue;
            s += cat(first ? "\n" : ",\n", quoted(t.is_special(id) ? bytes : to_alphabet(bytes)), ":", id);
            first = false;
        }
        s += "},\n\"merges\":[";
        for (const Merge& m : t.merges_)
            s += cat(&m == t.merges_.data() ? "\n" : ",\n", "[", quoted(to_alphabet(t.token_bytes(m.left))), ",",
                     quoted(to_alphabet(t.token_bytes(m.right))), "]");
        return s + "]}}\n";
    }
    static std::string config_json(const Tokenizer& t) {
        Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
        if (t.end_of_text() >= 0)
            for (const char* name : {"bos_token", "eos_token", "unk_token"}) config[name] = kEndOfText;
        return json_text(config, 2) + "\n";
    }
    static std::string tiktoken(const Tokenizer& t, const std::string& path) {
        std::vector<std::string> tokens;
        for (int32_t id = 0; id < t.vocab_size(); id++) {
            if (!t.is_special(id)) tokens.emplace_back(t.token_bytes(id));
            else tokens.emplace_back();
        }
        while (!tokens.empty() && tokens.back().empty()) tokens.pop_back();
        const auto refuse = [&](const char* why) {
            throw Error(cat(path, ": .tiktoken cannot hold this vocabulary: ", why), "write a .json instead");
        };
        if (default_special(t.pattern_, tokens.size()) != t.special_) refuse("its special tokens would be lost");
        if (Tokenizer::merges_from_ranks(tokens) != t.merges_) refuse("the order of its merges is not that of its ids");
        std::string text;
        for (size_t id = 0; id < tokens.size(); id++) {
            if (tokens[id].empty()) continue;
            if (!t.whole_[id]) refuse("it has tokens that no text becomes");
            text += cat(to_base64(tokens[id]), " ", id, "\n");
        }
        return text;
    }
};

inline Tokenizer Tokenizer::load(const std::string& path, const std::string& pattern) {
    if (path == "bytes" && !fs::exists(path)) return bytes();
    return build(TokenizerFiles::read(path, pattern));
}
inline void Tokenizer::save_json(const std::string& path) const { write_file(path, TokenizerFiles::json(*this)); }
inline void Tokenizer::save_tiktoken(const std::string& path) const {
    write_file(path, TokenizerFiles::tiktoken(*this, path));
}
inline void Tokenizer::save_directory(const std::string& path) const {
    make_directories(path);
    save_json((fs::path(path) / "tokenizer.json").string());
    write_file((fs::path(path) / "tokenizer_config.json").string(), TokenizerFiles::config_json(*this));
}
