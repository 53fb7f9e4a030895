// assistant_chapters.cpp -- the commands that ask a model without training it: compiled beside train_gpt.cu so that several cores build at once,
// and once for all devices.
#include "assistant_chapters.hpp"

#include "chat_terminal.hpp"
#include "eval.hpp"
#include "games.hpp"
#include "generate.hpp"
#include "probe.hpp"
#include "rollouts_view.hpp"

std::vector<Command> assistant_commands() {
    std::vector<Command> commands;
    for (const auto& chapter : {probe_commands(), eval_commands(), arena_commands(), game_commands(), generate_commands(), chat_commands(), rl_show_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return commands;
}
