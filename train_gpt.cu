// train_gpt.cu -- the program: one table of commands. The chapters are the headers; README.md has the order to read them in.
#include "bench.hpp"
#include "info.hpp"
#include "pretrain.hpp"
#include "text_chapters.hpp"

int main(int argc, char** argv) {
    std::vector<Command> commands;
    for (const auto& chapter : {text_commands(), pretrain_commands(), generate_commands(), convert_commands(), bench_commands(), info_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return run_program(commands, argc, argv);
}
