// text_chapters.cpp -- the commands that turn text into tokens, their bench, and the tools of an assistant: compiled beside train_gpt.cu so that
// two cores build at once, and optimised more, since 45 GB of text go through here.
#include "text_chapters.hpp"

#include "bench_tokenizer.hpp"
#include "chat.hpp"
#include "tokenize.hpp"
#include "tokenizer_commands.hpp"
#include "tools.hpp"

std::vector<Command> text_commands() {
    std::vector<Command> commands = tokenizer_commands();
    for (const Command& c : tokenize_commands()) commands.push_back(c);
    return commands;
}

nlohmann::ordered_json bench_tokenizer() { return measure_tokenizer(); }

std::function<ToolOutput(int64_t, const ToolCall&)> open_tools(const std::string& documents, bool python3) {
    struct Tools {
        std::optional<DocumentIndex> index;
        Toolbox box;
    };
    const auto tools = std::make_shared<Tools>();
    if (!documents.empty()) tools->index = DocumentIndex::from_paths({documents});
    tools->box.documents = tools->index ? &*tools->index : nullptr;
    tools->box.python3 = python3;
    return [tools](int64_t, const ToolCall& call) {
        ToolResult r = tools->box.call(call.tool, call.argument);
        return ToolOutput{std::move(r.text), r.ok};
    };
}
