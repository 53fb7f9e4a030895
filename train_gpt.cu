// train_gpt.cu -- the program: one table of commands. The chapters are the headers; README.md has the order to read them in.
#include "chat_terminal.hpp"
#include "device_chapters.hpp"
#include "eval.hpp"
#include "games.hpp"
#include "generate.hpp"
#include "pretrain.hpp"
#include "probe.hpp"
#include "rankings.hpp"
#include "reward.hpp"
#include "rl.hpp"
#include "rollouts_view.hpp"
#include "sft.hpp"
#include "text_chapters.hpp"
#include "threads.hpp"
#include "world.hpp"

std::vector<std::string> world_texts(int64_t bytes) {
    const World world;
    std::vector<std::string> texts;
    for (uint64_t i = 0; bytes > 0; i++) bytes -= int64_t(texts.emplace_back(world.document(i).text).size());
    return texts;
}

int main(int argc, char** argv) {
    settle_threads(argv);
    std::vector<Command> commands;
    for (const auto& chapter : {text_commands(), world_commands(), pretrain_commands(), sft_commands(), reward_commands(), ranking_commands(), rl_commands(), rl_show_commands(), probe_commands(),
                                eval_commands(), arena_commands(), game_commands(), generate_commands(), chat_commands(), convert_commands(), device_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return run_program(commands, argc, argv);
}
