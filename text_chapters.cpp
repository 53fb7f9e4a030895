// text_chapters.cpp -- the commands that know text but no model, and the tools of an assistant: compiled beside train_gpt.cu so that two
// cores build at once.
#include "text_chapters.hpp"

#include "bench_tokenizer.hpp"
#include "chat.hpp"
#include "tokenize.hpp"
#include "tokenizer_commands.hpp"
#include "tools.hpp"
#include "world.hpp"

std::vector<Command> text_commands() {
    std::vector<Command> commands;
    for (const auto& chapter : {tokenizer_commands(), tokenize_commands(), world_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return commands;
}

nlohmann::ordered_json bench_tokenizer() { return measure_tokenizer(); }

std::function<std::string(int64_t, const ToolCall&)> open_tools(const std::string& documents, bool python3) {
    struct Tools {
        std::optional<DocumentIndex> index;
        Toolbox box;
    };
    const auto tools = std::make_shared<Tools>();
    if (!documents.empty()) tools->index = DocumentIndex::from_paths({documents});
    tools->box.documents = tools->index ? &*tools->index : nullptr;
    tools->box.python3 = python3;
    return [tools](int64_t, const ToolCall& call) { return tools->box.call(call.tool, call.argument).text; };
}
