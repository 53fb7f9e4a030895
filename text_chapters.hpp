// text_chapters.hpp -- the commands of text_chapters.cpp: tokenizer, tokenize, world.
#pragma once

#include "cli.hpp"

std::vector<Command> text_commands();
