// assistant_chapters.hpp -- what assistant_chapters.cpp holds: the commands probe, eval, generate, score, chat, rl show and reward label.
#pragma once

#include "cli.hpp"

std::vector<Command> assistant_commands();
