// json_text.hpp -- JSON values (nlohmann-json) from text and to text.
//
// The library's parser and writer are templates: every object that parses or writes JSON would compile them again, four seconds of
// a core for each (LOG 2026-11-22). Here they are two functions. A build of several objects compiles them once, in libraries.cpp
// (TRAIN_GPT_EXTERN_LIBRARIES says so); a program of one object, such as those in dev/, needs nothing but this header.
// Json: nlohmann::json (keys sorted) or nlohmann::ordered_json (keys as they came).
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// JSON may escape half a surrogate pair ("\ud83d"), which is no character and which the parser refuses: make it \ufffd,
// as everyone does who turns such strings into bytes. Everything else stays, so byte offsets in messages hold.
inline std::string mend_surrogates(std::string json) {
    const auto unit = [&](size_t at) -> int {  // the value of \uXXXX at `at`, or -1
        if (at + 6 > json.size() || json[at] != '\\' || json[at + 1] != 'u') return -1;
        int value = 0;
        const auto [end, ec] = std::from_chars(&json[at + 2], &json[at + 2] + 4, value, 16);
        return ec == std::errc() && end == &json[at + 2] + 4 && value >= 0 ? value : -1;
    };
    for (size_t at = json.find('\\'); at != std::string::npos && at + 1 < json.size(); at = json.find('\\', at)) {
        const int a = unit(at);
        if (a < 0xD800 || a > 0xDFFF) {
            at += 2;
            continue;
        }
        const int b = unit(at + 6);
        if (a < 0xDC00 && b >= 0xDC00 && b <= 0xDFFF) at += 12;
        else json.replace(at, 6, "\\ufffd"), at += 6;
    }
    return json;
}

// The value that `text` is. `watch(depth, event, value)` sees the parts as they come, and may throw. Throws Json::parse_error with the byte
// where the text is broken, or Json::out_of_range for a number like 1e999; with throws = false the result is a value whose is_discarded().
template <typename Json>
Json parse_json_text(std::string_view text, const typename Json::parser_callback_t& watch = nullptr, bool throws = true);

// What becomes of text that is not ASCII: kept, and invalid UTF-8 is an exception; written as \uXXXX; kept, and invalid UTF-8 is replaced by U+FFFD.
enum class JsonBytes { utf8, ascii, replaced };
// indent: spaces a level; -1: all in one line.
template <typename Json>
std::string json_text(const Json& value, int indent = -1, JsonBytes bytes = JsonBytes::utf8);

#if !defined(TRAIN_GPT_EXTERN_LIBRARIES) || defined(TRAIN_GPT_LIBRARIES)

template <typename Json>
Json parse_json_text(std::string_view text, const typename Json::parser_callback_t& watch, bool throws) {
    return Json::parse(text.data(), text.data() + text.size(), watch, throws);
}

template <typename Json>
std::string json_text(const Json& value, int indent, JsonBytes bytes) {
    using Handler = typename Json::error_handler_t;
    return value.dump(indent, ' ', bytes == JsonBytes::ascii, bytes == JsonBytes::utf8 ? Handler::strict : Handler::replace);
}

#endif
