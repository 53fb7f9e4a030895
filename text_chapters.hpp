// text_chapters.hpp -- what text_chapters.cpp holds: the commands tokenizer and tokenize, the bench of the tokenizer, and the tools of an
// assistant (open_tools of assistant.hpp).
#pragma once

#include "cli.hpp"
#include "json_text.hpp"

std::vector<Command> text_commands();
nlohmann::ordered_json bench_tokenizer();
// Documents of the embedded world, at least so many bytes of them. Defined in train_gpt.cu, which has the world.
std::vector<std::string> world_texts(int64_t bytes);
