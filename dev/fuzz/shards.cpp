// A token shard and an index beside it: the header, the loader in every order. The input is the index, a NUL, the shard.
#include "../../dataloader.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const struct Folder {
        std::string path = cat(fs::is_directory("/dev/shm") ? "/dev/shm" : "/tmp", "/train_gpt_fuzz_shards_", ::getpid());
        Folder() { fs::create_directories(path); }
        ~Folder() { fs::remove_all(path); }
    } folder;
    const auto put = [&](const char* name, std::string_view bytes) {
        std::FILE* f = std::fopen((folder.path + "/" + name).c_str(), "wb");
        must(f && std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size() && std::fclose(f) == 0);
    };
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const size_t nul = all.find('\0');
    const std::string_view index = all.substr(0, nul), shard = nul == all.npos ? "" : all.substr(nul + 1);
    put("train_0.bin", shard);
    answered([&] { index_from_json(std::string(index), "INDEX"); });
    const std::string index_path = folder.path + "/index.json";
    index.empty() ? void(::unlink(index_path.c_str())) : put("index.json", index);
    for (const char* order : {"contiguous", "shuffled", "packed"})
        answered([&] {
            LoaderOptions options{folder.path, "train", 5, order};
            options.vocab_size = 50257, options.end_of_text = 7;
            DataLoader loader(options);
            std::vector<int32_t> inputs(10), targets(10);
            std::vector<float> weights(10);
            for (int64_t row = 0; row < std::min<int64_t>(2 * loader.rows_per_epoch(), 40); row += 2) {
                loader.read_rows(row, 2, inputs.data(), targets.data(), weights.data());
                for (size_t i = 0; i < 10; i++)
                    must(inputs[i] >= 0 && inputs[i] < 50257 && targets[i] >= 0 && targets[i] < 50257 && (weights[i] == 0 || weights[i] == 1));
            }
        });
    return 0;
}
