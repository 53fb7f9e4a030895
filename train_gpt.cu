// train_gpt.cu -- the program: one table of commands. The chapters are the headers; README.md has the order to read them in.
#include "bench.hpp"
#include "chat_terminal.hpp"
#include "eval.hpp"
#include "generate.hpp"
#include "info.hpp"
#include "pretrain.hpp"
#include "probe.hpp"
#include "rankings.hpp"
#include "reward.hpp"
#include "rl.hpp"
#include "rollouts_view.hpp"
#include "sft.hpp"
#include "text_chapters.hpp"

// the models are compiled here, for training and for all who only ask them
void with_model(const std::string& device, const std::string& dtype, int threads, const ModelReader& reader, int64_t max_tokens,
                const std::function<void(Model&)>& use) {
    with_device(device, dtype, threads, [&](auto& dev, auto t) {
        Gpt<std::remove_reference_t<decltype(dev)>, decltype(t)> gpt(dev, reader.config(), {max_tokens});
        load_weights(gpt, reader);
        ModelOf model(gpt);
        use(model);
    });
}

int main(int argc, char** argv) {
    std::vector<Command> commands;
    for (const auto& chapter : {text_commands(), pretrain_commands(), sft_commands(), reward_commands(), ranking_commands(), rl_commands(), rl_show_commands(), probe_commands(),
                                eval_commands(), generate_commands(), chat_commands(), convert_commands(), bench_commands(), info_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return run_program(commands, argc, argv);
}
