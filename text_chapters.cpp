// text_chapters.cpp -- the commands that know text but no model, compiled beside train_gpt.cu so that two cores build at once.
#include "text_chapters.hpp"

#include "bench_tokenizer.hpp"
#include "tokenize.hpp"
#include "tokenizer_commands.hpp"
#include "world.hpp"

std::vector<Command> text_commands() {
    std::vector<Command> commands;
    for (const auto& chapter : {tokenizer_commands(), tokenize_commands(), world_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return commands;
}

nlohmann::ordered_json bench_tokenizer() { return measure_tokenizer(); }
