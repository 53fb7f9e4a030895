// device_chapters.cpp -- all of the program that depends on its devices: the models, compiled for each device and storage type, and the
// commands that measure them. It is compiled for each of CPU, CUDA and emulator (-DTRAIN_GPT_CUDA for these two), the rest of the program once.
#include "device_chapters.hpp"

#include "backend.hpp"
#include "bench.hpp"
#include "info.hpp"

void with_backend(const std::string& device, const std::string& dtype, int threads, int local_rank, const std::function<void(Backend&)>& use) {
    with_device(device, dtype, threads, [&](auto& dev, auto t) {
        BackendOf<std::remove_reference_t<decltype(dev)>, decltype(t)> backend(dev);
        use(backend);
    }, local_rank);
}

void with_model(const std::string& device, const std::string& dtype, const std::string& weights, int threads, const ModelReader& reader, int64_t max_tokens,
                const std::function<void(Model&)>& use) {
    const bool in_fp32 = dtype == "auto" && (weights == "fp32" || (weights == "int8" && !can_pack<Cpu, bf16>(WeightStorage::int8)));
    with_device(device, in_fp32 ? "fp32" : dtype, threads, [&](auto& dev, auto t) {
        using Dev = std::remove_reference_t<decltype(dev)>;
        GptOptions options{max_tokens};
        options.weights = weights_for<Dev, decltype(t)>(weights);
        OwnedModel<Dev, decltype(t)> model(dev, reader.config(), options, nullptr);
        load_weights(static_cast<Model&>(model), reader);   // one load_weights for all
        use(model);
    });
}

std::vector<Command> device_commands() {
    std::vector<Command> commands = bench_commands();
    for (const Command& c : info_commands()) commands.push_back(c);
    return commands;
}
