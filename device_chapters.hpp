// device_chapters.hpp -- what device_chapters.cpp holds: the commands bench and info, and with_backend() and with_model() of model.hpp.
#pragma once

#include "cli.hpp"

std::vector<Command> device_commands();
