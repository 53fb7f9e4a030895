// json_text.hpp -- JSON values (nlohmann-json) from text and to text.
//
// The library's parser and writer are templates: every object that parses or writes JSON would compile them again, four seconds of
// a core for each (LOG 2026-11-22). Here they are two functions. A build of several objects compiles them once, in libraries.cpp
// (TRAIN_GPT_EXTERN_LIBRARIES says so); a program of one object, such as those in dev/, needs nothing but this header.
// Json: nlohmann::json (keys sorted) or nlohmann::ordered_json (keys as they came).
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

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
