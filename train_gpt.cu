// train_gpt.cu -- the program: one table of commands. The chapters are the headers; README.md has the order to read them in.
#include "bench.hpp"
#include "chat_terminal.hpp"
#include "eval.hpp"
#include "games.hpp"
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
#include "threads.hpp"

// the models are compiled here, for training and for all who only ask them
void with_model(const std::string& device, const std::string& dtype, const std::string& weights, int threads, const ModelReader& reader, int64_t max_tokens,
                const std::function<void(Model&)>& use) {
    const bool in_fp32 = dtype == "auto" && (weights == "int8" || weights == "fp32");
    with_device(device, in_fp32 ? "fp32" : dtype, threads, [&](auto& dev, auto t) {
        using Dev = std::remove_reference_t<decltype(dev)>;
        GptOptions options{max_tokens};
        options.weights = weights_for<Dev, decltype(t)>(weights);
        Gpt<Dev, decltype(t)> gpt(dev, reader.config(), options);
        load_weights(gpt, reader);
        ModelOf model(gpt);
        use(model);
    });
}

int main(int argc, char** argv) {
    settle_threads(argv);
    std::vector<Command> commands;
    for (const auto& chapter : {text_commands(), pretrain_commands(), sft_commands(), reward_commands(), ranking_commands(), rl_commands(), rl_show_commands(), probe_commands(),
                                eval_commands(), arena_commands(), game_commands(), generate_commands(), chat_commands(), convert_commands(), bench_commands(), info_commands()})
        commands.insert(commands.end(), chapter.begin(), chapter.end());
    return run_program(commands, argc, argv);
}
