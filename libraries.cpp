// libraries.cpp -- the templates of nlohmann-json and cxxopts that every object would compile for itself, compiled once.
#define TRAIN_GPT_LIBRARIES
#include "cli_parser.hpp"
#include "json_text.hpp"

template nlohmann::json parse_json_text(std::string_view, const nlohmann::json::parser_callback_t&, bool);
template nlohmann::ordered_json parse_json_text(std::string_view, const nlohmann::ordered_json::parser_callback_t&, bool);
template std::string json_text(const nlohmann::json&, int, JsonBytes);
template std::string json_text(const nlohmann::ordered_json&, int, JsonBytes);
