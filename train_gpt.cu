// train_gpt.cu -- the program: one table of commands. Read the headers in the order of DESIGN: kernels/, tokenizer.hpp,
// dataloader.hpp, gpt.hpp, generate.hpp, trainer.hpp, pretrain.hpp; each is a chapter.
#include "bench.hpp"
#include "info.hpp"
#include "pretrain.hpp"
#include "tokenize.hpp"
#include "tokenizer_commands.hpp"
#include "world.hpp"

int main(int argc, char** argv) {
    std::vector<Command> commands;
    for (const auto& chapter : {tokenizer_commands(), tokenize_commands(), world_commands(), pretrain_commands(), generate_commands(),
                                convert_commands(), bench_commands(), info_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return run_program(commands, argc, argv);
}
