// dev/test/test_checkpoint.hpp -- initial weights and files of models, against PyTorch, transformers and numpy.
#pragma once

#include "../../checkpoint.hpp"
#include "test.hpp"

namespace checkpoint_test {

inline std::string fixture(const std::string& name) { return "dev/ref/fixtures/" + name; }
inline nlohmann::json fixture_json(const std::string& name) { return parse_json_text<nlohmann::json>(read_file(fixture(name))); }
inline uint32_t crc_of(const std::vector<float>& x) { return crc32(x.data(), x.size() * 4); }
inline uint32_t bits_of(float x) {
    uint32_t u;
    std::memcpy(&u, &x, 4);
    return u;
}

// A model without arithmetic: what checkpoint.hpp needs of a Gpt.
struct HostModel {
    Config config;
    ParamLayout layout;
    std::map<std::string, std::vector<float>> values;
    explicit HostModel(const Config& c) : config(c), layout(c) {}
    void set_tensor(const Tensor& t, const float* x) { values[t.name].assign(x, x + t.size); }
    void get_tensor(const Tensor& t, float* x) const {
        std::copy(values.at(t.name).begin(), values.at(t.name).end(), x);
    }
};

inline HostModel load(const std::string& path) {
    const ModelReader reader(path);
    HostModel model(reader.config());
    load_weights(model, reader);
    return model;
}

// Every tensor random, padding rows zero.
inline HostModel random_model(const Config& c) {
    HostModel model(c);
    uint64_t seed = 1;
    for (const Tensor& t : model.layout.tensors) {
        auto x = normals(t.size, seed++);
        std::fill(x.begin() + t.real_size, x.end(), 0.0f);
        model.set_tensor(t, x.data());
    }
    return model;
}

inline Config small_config() {
    Config c;
    c.max_T = 9, c.V = 131, c.L = 2, c.NH = 3, c.C = 15;
    c.end_of_text = 130;
    return c;
}

// -- random numbers

inline void test_rng_bits(Report& report) {
    const auto want = fixture_json("rng.json");
    TorchGenerator engine(42);
    for (uint32_t low : want["low24_seed42"])
        report.check((engine.random32() & 0xFFFFFF) == low, "the engine is PyTorch's mt19937");
    for (const NormalFlavour flavour : {NormalFlavour::simd, NormalFlavour::libm}) {
        const auto& part = want[flavour == NormalFlavour::simd ? "simd" : "libm"];
        const std::string name = flavour == NormalFlavour::simd ? "AVX2 arithmetic" : "libm arithmetic";
        auto check = [&](const std::vector<float>& x, const nlohmann::json& w, const std::string& what) {
            bool ends = true;
            for (size_t k = 0; k < w["first"].size(); k++) ends &= bits_of(x[k]) == w["first"][k];
            for (size_t k = 0; k < w["last"].size(); k++)
                ends &= bits_of(x[x.size() - w["last"].size() + k]) == w["last"][k];
            report.check(ends, cat(name, ": ", what, ": the first and last numbers"));
            report.check(crc_of(x) == w["crc32"], cat(name, ": ", what, ": the checksum of all ", x.size()));
        };
        TorchGenerator gen(want["seed_big"].get<uint32_t>(), flavour);
        std::vector<float> x(part["big"]["n"], kNaN);
        gen.normal_(x.data(), int64_t(x.size()), 0, 1);
        check(x, part["big"], "one large tensor");
        TorchGenerator mixed(want["seed_mixed"].get<uint32_t>(), flavour);
        for (const auto& call : part["mixed"]) {
            x.assign(call["n"], kNaN);
            mixed.normal_(x.data(), int64_t(x.size()), call["mean"], call["std"]);
            check(x, call, cat("a tensor of ", x.size(), " in a row of tensors"));
        }
    }
    report.check(want["simd"]["big"]["crc32"] != want["libm"]["big"]["crc32"],
                 "control: the two arithmetics are told apart");
}

inline void test_init_gpt2(Report& report) {
    const auto want = fixture_json("reference.json")["init_crc32_gpt2_124m"];
    const Config c;
    const ParamLayout layout(c);
    TorchGenerator gen(42);
    std::vector<float> x;
    size_t checked = 0;
    for (const Tensor& t : layout.tensors) {
        x.assign(size_t(t.size), kNaN);
        init_tensor(x.data(), t, gen);
        if (!want.contains(t.name)) continue;
        checked++;
        for (size_t i = size_t(t.real_size); i < x.size(); i++)
            if (x[i] != 0.0f) report.check(false, "padding rows are zero");
        x.resize(size_t(t.real_size));
        report.check(crc_of(x) == want[t.name], cat(t.name, " has PyTorch's bits"));
    }
    report.check(checked == want.size() && checked == 2 + 12 * 4, "all 50 matrices were checked");
    report.check(layout.count == 124439808, cat("GPT-2 has 124,439,808 parameters, counted ", layout.count));
}

inline void test_init_reference(Report& report) {
    const auto reference = fixture_json("reference.json");
    Config c;
    c.V = reference["config"]["vocab_size"], c.max_T = reference["config"]["n_positions"],
    c.L = reference["config"]["n_layer"];
    c.NH = reference["config"]["n_head"], c.C = reference["config"]["n_embd"];
    for (const uint32_t seed : {42u, 43u}) {
        TorchGenerator gen(seed);
        int64_t equal = 0, random = 0;
        for (const Tensor& t : ParamLayout(c).tensors) {
            std::vector<float> x(size_t(t.size), kNaN);
            init_tensor(x.data(), t, gen);
            x.resize(size_t(t.real_size));
            const bool same = crc_of(x) == reference["init"][t.name]["crc32"];
            if (t.init.std > 0) random++, equal += same;
            else report.check(same, t.name + " starts as in PyTorch");
        }
        if (seed == 42)
            report.check(equal == random && random == 2 + 4 * c.L, "every random tensor has PyTorch's bits");
        else report.check(equal == 0, "control: another seed is rejected");
    }
}

// The deviation of the residual projections is 0.02 / sqrt(2L), computed in double precision as Python does, then
// rounded.
inline void test_init_deviation(Report& report) {
    for (int64_t L = 1; L <= 96; L++) {
        Config c = small_config();
        c.L = L;
        for (const Tensor& t : ParamLayout(c).tensors)
            if (t.name == "h.0.mlp.c_proj.weight")
                report.check(float(t.init.std) == float(0.02 / std::sqrt(2.0 * double(L))),
                             cat("residual deviation for ", L, " layers"));
    }
}

// -- safetensors

inline void test_half(Report& report) {
    bool equal = true;
    for (uint32_t h = 0; h < 65536; h++) {
        const int exponent = int(h >> 10) & 31, mantissa = int(h & 1023);
        double want = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
        if (exponent == 31) want = mantissa ? double(kNaN) : std::numeric_limits<double>::infinity();
        if (h & 0x8000) want = -want;
        const double got = half_to_float(uint16_t(h));
        equal &= std::isnan(want) ? std::isnan(got) : got == want;
    }
    report.check(equal, "each of the 65536 half-precision numbers becomes the same float");
}

inline void test_safetensors_round_trip(Report& report) {
    TempDir dir;
    const auto a = normals(7 * 5, 1), b = normals(3, 2), big = normals(100003, 3);
    const std::vector<StoredTensor> declared = {{"a", "F32", {7, 5}},       {"half \"quoted\" \xc3\xab", "BF16", {3}},
                                                {"nothing", "F32", {0, 4}}, {"big", "BF16", {100003}},
                                                {"scalar", "F32", {}},      {"raw", "F16", {2}}};
    const uint16_t halves[2] = {0x3C00, 0xC100};  // 1, -2.5
    {
        SafetensorsWriter out(dir / "x.safetensors", declared, {{"format", "pt"}, {"note", "line\nbreak"}});
        out.append(a.data(), 11);
        out.append(a.data() + 11, 24);
        out.append(b.data(), 3);
        out.append(big.data(), 100003);
        out.append(b.data(), 1);
        out.append_raw(halves, 4);
        report.check(!fs::exists(dir / "x.safetensors"), "nothing has the final name before commit()");
        out.commit();
    }
    const SafetensorsFile file(dir / "x.safetensors");
    report.check(file.tensors().size() == declared.size(), "all tensors are there");
    report.check(file.metadata.at("note") == "line\nbreak", "metadata comes back");
    auto read = [&](const std::string& name) {
        std::vector<float> x(size_t(file.at(name).size()), kNaN);
        file.read(file.at(name), x.data());
        return x;
    };
    report.check(read("a") == a && file.at("a").shape == std::vector<int64_t>{7, 5}, "fp32 keeps its bits");
    const auto rounded = read("big");
    double worst = 0;
    for (size_t i = 0; i < big.size(); i++)
        worst = std::max(worst, std::abs(double(rounded[i]) - double(big[i])) / std::abs(double(big[i])));
    report.check_at_most(worst, 1.0 / 256, "bf16 is the nearest");
    report.check(read("raw") == std::vector<float>{1.0f, -2.5f}, "fp16 is read");
    report.check(read("scalar") == std::vector<float>{b[0]}, "a scalar has one number");
    report.check(read("nothing").empty(), "a tensor without numbers is allowed");
    int64_t length;
    std::memcpy(&length, read_file(dir / "x.safetensors").data(), 8);
    report.check(length % 8 == 0, "the buffer begins at a multiple of 8");
    report.check_error([&] { file.at("b"); }, "has no tensor \"b\"", "a missing name");
    report.check_error(
        [&] {
            SafetensorsWriter out(dir / "y", {{"a", "F32", {2}}});
            out.append(a.data(), 1);
            out.commit();
        },
        "4 of 8 bytes", "a file that was not filled");
    report.check_error(
        [&] {
            SafetensorsWriter out(dir / "y", {{"a", "F32", {2}}});
            out.append(a.data(), 3);
        },
        "has room for 8", "too many numbers");
    report.check(fs::is_directory(dir.path()) && !fs::exists(dir / "y") && !fs::exists(dir / "y.tmp"),
                 "failures leave no file");
}

inline std::string with_header(const std::string& header, size_t buffer_bytes) {
    const uint64_t n = header.size();
    return std::string(reinterpret_cast<const char*>(&n), 8) + header + std::string(buffer_bytes, '\1');
}

inline void test_safetensors_hostile(Report& report) {
    TempDir dir;
    const std::string path = dir / "x.safetensors";
    auto refuses = [&](const std::string& content, const std::string& message) {
        write_file(path, content);
        report.check_error([&] { SafetensorsFile f(path); }, message, message);
        report.check_error([&] { SafetensorsFile f(path); }, path, "the message names the file");
    };
    auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
        return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
    };
    const std::string ok = entry("F32", "[2]", "[0,8]");
    write_file(path, with_header("{\"a\":" + ok + "}", 8));
    report.check(SafetensorsFile(path).tensors().size() == 1, "control: the undamaged form is accepted");
    refuses("", "0 bytes");
    refuses(std::string(8, '\xff') + "{}", "header length 18446744073709551615");
    refuses(std::string("\x00\xe1\xf5\x06\0\0\0\0{}", 10), "header length 116777216, expected 2..100000000");
    refuses(std::string("\x20\0\0\0\0\0\0\0{}", 10), "header length 32, but only 2 bytes follow");
    refuses(with_header("[1]", 0), "byte 8: the header does not begin with {");
    refuses(with_header("{\"a\":", 0), "not valid JSON");
    refuses(with_header("{\"a\" 1}", 0), "byte 13: the header is not valid JSON");
    refuses(with_header("{\"a\":1e999}", 0), "out of range");
    refuses(with_header("{\"a\":" + ok + ",\"a\":" + ok + "}", 8), "names the tensor \"a\" twice");
    refuses(with_header("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", 0), "nested deeper");
    refuses(with_header("{\"a\":3}", 0), "\"a\": is not an object");
    refuses(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8), "has no \"data_offsets\"");
    refuses(with_header("{\"a\\nb\":" + entry("X9", "[2]", "[0,8]") + "}", 8), "\"a\\nb\": unknown dtype \"X9\"");
    refuses(with_header("{\"a\":" + entry("F32", "[-2]", "[0,8]") + "}", 8), "not a whole number >= 0");
    refuses(with_header("{\"a\":" + entry("F32", "[2.0]", "[0,8]") + "}", 8), "not a whole number >= 0");
    refuses(with_header("{\"a\":" + entry("F32", "[4294967296,4294967296,4294967296]", "[0,8]") + "}", 8),
            "more than 2^63");
    refuses(with_header("{\"a\":" + entry("F32", "[2]", "[0,9]") + "}", 9), "hold 9 bytes, but F32 [2] needs 8");
    refuses(with_header("{\"a\":" + entry("F32", "[2]", "[8,0]") + "}", 8), "do not lie in the buffer");
    refuses(with_header("{\"a\":" + entry("F32", "[2]", "[0,8]") + "}", 7), "do not lie in the buffer of 7 bytes");
    refuses(with_header("{\"a\":" + ok + "}", 9), "the tensors end here, but the file has");
    refuses(with_header("{\"a\":" + ok + ",\"b\":" + entry("F32", "[2]", "[4,12]") + "}", 12),
            "\"b\" overlaps the one before it");
    refuses(with_header("{\"a\":" + ok + ",\"b\":" + entry("F32", "[1]", "[12,16]") + "}", 16), "\"b\" follows a gap");
}

// Change every byte of a small file to several values, and cut it at every length: an error or a file whose tensors can
// be read, never a crash (this runs under the address sanitizer too).
inline void test_safetensors_fuzz(Report& report) {
    TempDir dir;
    const std::string path = dir / "x.safetensors";
    {
        SafetensorsWriter out(path, {{"ab", "F32", {2, 3}}, {"c", "BF16", {3}}});
        const auto x = normals(9, 1);
        out.append(x.data(), 6);
        out.append(x.data(), 3);
        out.commit();
    }
    const std::string good = read_file(path);
    int64_t accepted = 0, refused = 0, multi_line = 0;
    auto attempt = [&](const std::string& content) {
        std::FILE* f = std::fopen(path.c_str(), "wb");  // without the fsync of write_file: there are thousands
        std::fwrite(content.data(), 1, content.size(), f);
        std::fclose(f);
        try {
            const SafetensorsFile file(path);
            for (const StoredTensor& t : file.tensors()) {
                std::vector<float> x(size_t(t.size()));
                if (t.dtype == "F32" || t.dtype == "BF16" || t.dtype == "F16") file.read(t, x.data());
            }
            accepted++;
        } catch (const Error& e) {
            refused++;
            multi_line += std::string(e.what()).find('\n') != std::string::npos;
        }
    };
    for (size_t n = 0; n < good.size(); n++) attempt(good.substr(0, n));
    report.check(accepted == 0, "a file cut short at any length is refused");
    for (size_t i = 0; i < good.size(); i++)
        for (const int change : {1, 16, 128, 255}) {
            std::string bad = good;
            bad[i] = char(bad[i] ^ change);
            attempt(bad);
        }
    report.check(accepted > 0 && refused > 500,
                 cat("both outcomes happen: ", accepted, " accepted, ", refused, " refused"));
    report.check(multi_line == 0, "every message is one line");
}

// -- directories

inline void test_atomic_directory(Report& report) {
    TempDir dir;
    const std::string path = dir / "parent/model";
    {
        AtomicDirectory out(path + "/");
        write_file(out.path() + "/a", "1");
        report.check(!fs::exists(path), "nothing has the final name before commit()");
        out.commit();
    }
    report.check(read_file(path + "/a") == "1" && !fs::exists(path + ".tmp"), "commit() gives it its name");
    report.check_error([&] { AtomicDirectory again(path); }, "exists already",
                       "an existing directory is not overwritten");
    {
        AtomicDirectory given_up(path, true);
        write_file(given_up.path() + "/a", "2");
    }
    report.check(read_file(path + "/a") == "1" && !fs::exists(path + ".tmp"),
                 "without commit() the old one stays, and no rest");
    fs::create_directory(path + ".tmp");
    write_file(path + ".tmp/rubbish", "left by a killed run");
    {
        AtomicDirectory out(path, true);
        write_file(out.path() + "/b", "3");
        out.commit();
    }
    report.check(!fs::exists(path + "/a") && !fs::exists(path + "/rubbish") && read_file(path + "/b") == "3",
                 "replace swaps the whole");
    report.check(!fs::exists(path + ".tmp") && !fs::exists(path + ".old"), "and leaves nothing beside it");
    fs::create_directory(dir / "empty");
    AtomicDirectory into_empty(dir / "empty");
    write_file(into_empty.path() + "/c", "4");
    into_empty.commit();
    report.check(read_file(dir / "empty/c") == "4", "an empty directory may be in the way");
}

inline void test_resolve(Report& report) {
    TempDir dir;
    report.check_error([&] { resolve_model_dir(dir / "absent"); }, "no such file", "a missing path");
    report.check_error([&] { resolve_model_dir(""); }, "no such file", "an empty path");
    report.check_error([&] { resolve_model_dir(dir.path()); },
                       "looked for config.json (not found) with model.safetensors (not found)",
                       "an empty directory: says what was looked for");
    write_file(dir / "pytorch_model.bin", "x");
    report.check_error([&] { resolve_model_dir(dir.path()); }, "pickle", "only a pickle there");
    write_file(dir / "x.bin", "x");
    report.check(resolve_model_dir(dir / "x.bin") == dir / "x.bin", "a .bin file is itself");
    write_file(dir / "x.txt", "x");
    report.check_error([&] { resolve_model_dir(dir / "x.txt"); }, "expected a directory or a .bin file",
                       "another file");
    for (const char* step : {"step-000009", "step-000010", "step-1000000", "step-000011.tmp", "step-2x"}) {
        make_directories(dir / step);
        write_file(dir / (std::string(step) + "/config.json"), "{}");
        write_file(dir / (std::string(step) + "/model.safetensors"), "");
    }
    make_directories(dir / "step-2000000");  // without a model
    report.check(resolve_model_dir(dir.path() + "/") == dir / "step-1000000",
                 "a run directory: the newest complete step");
    report.check(checkpoint::list_steps(dir.path()).size() == 3, "three steps are complete");
    write_file(dir / "config.json", "{}");
    write_file(dir / "model.safetensors", "");
    report.check(resolve_model_dir(dir.path()) == dir.path(), "a model directory is itself");
}

// -- models

inline bool same_values(const HostModel& a, const HostModel& b) {
    return a.config.same_shape(b.config) && a.values == b.values;
}

inline void test_hf_round_trip(Report& report) {
    TempDir dir;
    for (const bool tied : {true, false}) {
        Config c = small_config();
        c.tied = tied;
        const HostModel model = random_model(c);
        const std::string path = dir / (tied ? "tied" : "untied");
        save_model(path, model, "F32", [](const std::string& d) { write_file(d + "/tokenizer.json", "{}"); });
        const HostModel back = load(path);
        report.check(same_values(model, back), "what was saved is loaded");
        report.check(back.config.end_of_text == 130, "the end-of-text id too");
        report.check(fs::exists(path + "/tokenizer.json") && fs::exists(path + "/generation_config.json"),
                     "all files are there");
        const SafetensorsFile file(path + "/model.safetensors");
        report.check(file.at("transformer.wte.weight").shape == std::vector<int64_t>{131, 15},
                     "the file has no padding rows");
        report.check((file.find("lm_head.weight") != nullptr) == !tied, "the head is stored only if it is separate");
        for (const Tensor& t : back.layout.tensors)
            for (int64_t i = t.real_size; i < t.size; i++)
                if (back.values.at(t.name)[size_t(i)] != 0.0f)
                    report.check(false, "padding rows are zero after loading");
        HostModel changed = model;
        changed.values["h.1.mlp.c_fc.bias"][3] += 1e-6f;
        report.check(!same_values(changed, back), "control: one changed number is seen");
        save_model(dir / "bf16", model, "BF16", {}, true);
        const HostModel rounded = load(dir / "bf16");
        bool nearest = true;
        for (const auto& [name, x] : model.values)
            for (size_t i = 0; i < x.size(); i++) nearest &= rounded.values.at(name)[i] == float(bf16(x[i]));
        report.check(nearest, "as bf16 every number is the nearest bf16");
    }
}

inline void test_reads_transformers(Report& report) {
    const HostModel model = load(fixture("hf_tiny"));
    const Config& c = model.config;
    report.check(c.L == 2 && c.C == 24 && c.NH == 3 && c.V == 61 && c.max_T == 40 && c.tied && c.end_of_text == 60,
                 "config.json is read");
    const SafetensorsFile file(fixture("hf_tiny/model.safetensors"));
    for (const Tensor& t : model.layout.tensors) {
        std::vector<float> x(size_t(file.at("transformer." + t.name).size()));
        file.read(file.at("transformer." + t.name), x.data());
        x.resize(size_t(t.size), 0.0f);
        report.check(x == model.values.at(t.name), t.name + " as transformers saved it");
    }
    const HostModel sharded = load(fixture("hf_tiny_sharded"));
    report.check(!sharded.config.tied && sharded.values.contains("lm_head.weight"),
                 "shards, fp16 and a separate head are read");
    report.check(sharded.values.at("h.1.ln_2.bias") != model.values.at("h.1.ln_2.bias"), "control: fp16 is not fp32");
    report.check_at_most(relative_error(sharded.values.at("h.1.ln_2.bias"), model.values.at("h.1.ln_2.bias")), 1e-3,
                         "the shards hold the same weights, as fp16");
    if (shared_data().empty()) return report.skip("the published tiny GPT-2", "no shared data folder");
    const std::string published = shared_data() + "/weights/tiny_gpt2";
    if (!fs::exists(published)) return report.skip("the published tiny GPT-2", published + " is absent");
    const HostModel tiny = load(published);
    report.check(tiny.config.C == 2 && tiny.config.V == 21 && tiny.layout.count == 2168,
                 "names without prefix (GPT2Model) are read");
    report.check(tiny.values.at("h.0.ln_1.weight") == std::vector<float>{1, 1}, "with their values");
}

inline void test_llmc_files(Report& report) {
    TempDir dir;
    const HostModel hf = load(fixture("hf_tiny")), v3 = load(fixture("llmc_v3.bin")), v5 = load(fixture("llmc_v5.bin"));
    report.check(same_values(hf, v3), "version 3, written by numpy, holds the Hugging Face weights to the bit");
    report.check(!same_values(hf, v5), "control: version 5 is rounded");
    bool nearest = true;
    for (const auto& [name, x] : hf.values)
        for (size_t i = 0; i < x.size(); i++) nearest &= v5.values.at(name)[i] == float(bf16(x[i]));
    report.check(nearest, "version 5 holds them as the nearest bf16");
    for (const char* version : {"3", "5"}) {
        const std::string name = cat("llmc_v", version, ".bin");
        write_llmc_model(dir / name, hf.config, *version == '3' ? "F32" : "BF16", tensors_of(hf));
        report.check(read_file(dir / name) == read_file(fixture(name)),
                     cat("our version ", version, " is numpy's, byte for byte"));
    }
    const std::string good = read_file(fixture("llmc_v5.bin"));
    auto refuses = [&](std::string content, const std::string& message, const std::string& what) {
        write_file(dir / "bad.bin", content);
        report.check_error([&] { ModelReader r(dir / "bad.bin"); }, message, what);
    };
    auto with_word = [&](int word, int32_t value) {
        std::string s = good;
        std::memcpy(s.data() + 4 * word, &value, 4);
        return s;
    };
    refuses("", "0 bytes", "an empty file");
    refuses(good.substr(0, 1023), "1023 bytes", "half a header");
    refuses(good.substr(0, good.size() - 1), "38079 bytes, but a model of this shape has 38080", "one byte short");
    refuses(good + "x", "38081 bytes", "one byte long");
    refuses(with_word(0, 20240520), "magic 20240520 at byte 0, expected 20240326", "a token shard");
    refuses(with_word(1, 1), "version 1 at byte 4", "an obsolete version");
    refuses(with_word(3, -5), "vocab_size is -5", "a negative vocabulary");
    refuses(with_word(4, 0), "n_layer is 0", "no layers");
    refuses(with_word(4, 4000), "bytes, but a model of this shape has", "too many layers");
    refuses(with_word(5, 5), "24 channels do not divide among 5 heads", "heads that do not divide");
    refuses(with_word(7, 60), "padded vocabulary 60 at byte 28", "a padded vocabulary below the real one");
    Config untied = small_config();
    untied.tied = false;
    report.check_error([&] { write_llmc_model(dir / "u.bin", untied, "F32", tensors_of(random_model(untied))); },
                       "ties the output head", "a separate head cannot be written as llm.c");
    report.check(!fs::exists(dir / "u.bin"), "and nothing is written");
}

inline void test_refusals(Report& report) {
    TempDir dir;
    save_model(dir / "m", random_model(small_config()), "F32");
    const auto good = parse_json_text<nlohmann::json>(read_file(dir / "m/config.json"));
    auto with = [&](const std::string& key, const nlohmann::json& value, const std::string& message) {
        auto j = good;
        j[key] = value;
        write_file(dir / "m/config.json", json_text(j));
        report.check_error([&] { ModelReader r(dir / "m"); }, message, cat(key, " = ", json_text(value)));
        report.check_error([&] { ModelReader r(dir / "m"); }, dir / "m", "the message names the file");
    };
    with("model_type", "llama", "model_type is \"llama\", expected \"gpt2\"");
    with("activation_function", "relu", "activation_function is \"relu\", expected \"gelu_new\"");
    with("activation_function", "gelu", "activation_function is \"gelu\"");
    with("scale_attn_by_inverse_layer_idx", true, "scale_attn_by_inverse_layer_idx is true, expected false");
    with("scale_attn_weights", false, "scale_attn_weights is false");
    with("add_cross_attention", true, "add_cross_attention is true");
    with("n_inner", 7, "n_inner is 7, expected null or 4 * n_embd = 60");
    with("layer_norm_epsilon", 1e-6, "layer_norm_epsilon is 1e-06, expected 1e-05");
    with("quantization_config", nlohmann::json::object(), "quantization_config");
    with("n_layer", "two", "n_layer is \"two\", expected a whole number");
    with("n_layer", 2.5, "n_layer is 2.5");
    with("n_layer", nullptr, "expected a whole number");
    with("n_head", 4, "15 channels do not divide among 4 heads");
    with("n_embd", -3, "n_embd is -3");
    with("n_embd", 18446744073709551615ull, "n_embd is -1");
    with("tie_word_embeddings", "yes", "tie_word_embeddings is \"yes\"");
    with("n_layer", 3, "tensor h.2.ln_1.weight (or transformer.h.2.ln_1.weight) is missing");
    with("n_layer", 1, "unexpected tensor \"transformer.h.1.");
    with("vocab_size", 130, "tensor wte.weight has shape [131, 15], expected [130, 15]");
    with("n_positions", 10, "tensor wpe.weight has shape [9, 15], expected [10, 15]");
    with("tie_word_embeddings", false, "tensor lm_head.weight (or transformer.lm_head.weight) is missing");
    const std::vector<std::pair<std::string, nlohmann::json>> fine = {
        {"activation_function", "gelu_pytorch_tanh"}, {"n_inner", 60}, {"eos_token_id", 50256},
        {"eos_token_id", nlohmann::json::array({3, 4})}, {"reorder_and_upcast_attn", true}, {"n_ctx", nullptr}};
    for (const auto& [key, value] : fine) {
        auto j = good;
        j[key] = value;
        write_file(dir / "m/config.json", json_text(j));
        report.check(ModelReader(dir / "m").config().V == 131,
                     cat("control: ", key, " = ", json_text(value), " is accepted"));
    }
    write_file(dir / "m/config.json", "{\"model_type\": \"gpt2\"");
    report.check_error([&] { ModelReader r(dir / "m"); }, "config.json: not valid JSON at byte", "a config cut short");
    write_file(dir / "m/config.json", "[]");
    report.check_error([&] { ModelReader r(dir / "m"); }, "expected a JSON object", "a config that is a list");
    write_file(dir / "m/config.json", json_text(good));
    HostModel other(Config{});
    report.check_error([&] { load_weights(other, ModelReader(dir / "m")); }, "another shape",
                       "a model of another shape");
    report.check_error([&] { save_model(dir / "m", random_model(small_config()), "F32"); }, "exists already",
                       "an existing directory");
}

// New tokens: in stored rows that stand for nothing, in rows that are added, and in both, they begin in the same way.
inline void test_new_tokens(Report& report) {
    TempDir dir;
    const int64_t known = 131, vocabulary = 142;
    for (const bool tied : {true, false}) {
        std::map<int64_t, HostModel> grown;            // by the rows that were stored: none to spare, some, all, and more than are needed
        for (const int64_t stored : {int64_t(131), int64_t(137), int64_t(142), int64_t(256)}) {
            Config c = small_config();
            c.tied = tied, c.V = stored;
            HostModel model(c);
            uint64_t seed = 1;
            for (const Tensor& t : model.layout.tensors) {
                auto x = normals(std::max(t.size, 300 * c.C), seed++);        // the same first rows, whatever the vocabulary
                x.resize(size_t(t.size));
                std::fill(x.begin() + t.real_size, x.end(), 0.0f);
                if (t.name == "wte.weight") std::fill(x.begin() + known * c.C, x.end(), 0.0f);   // rows that training never reached
                model.set_tensor(t, x.data());
            }
            const std::string path = dir / cat(stored, tied);
            save_model(path, model, "F32");
            c.V = std::max(stored, vocabulary);
            HostModel loaded(c);
            const NewRows rows = load_grown_weights(loaded, ModelReader(path), known, vocabulary, 7);
            report.check(rows.spare == std::min(stored, vocabulary) - known && rows.grown == c.V - stored, cat(stored, " stored rows: ", rows.spare, " spare ones taken, ", rows.grown, " added"));
            bool kept = true;
            for (const auto& [name, x] : loaded.values) {
                const auto& old = model.values.at(name);
                const bool by_token = name == "wte.weight" || name == "lm_head.weight";
                for (size_t i = 0; i < x.size(); i++) {
                    const int64_t row = int64_t(i) / c.C;
                    if (by_token && row >= known && row < vocabulary) continue;
                    kept = kept && x[i] == (i < old.size() ? old[i] : 0.0f);
                }
            }
            report.check(kept, cat(stored, " stored rows: all but the new rows stays as it was"));
            grown.emplace(stored, std::move(loaded));
        }
        for (const char* name : {"wte.weight", "lm_head.weight"}) {
            if (tied && std::string(name) == "lm_head.weight") continue;
            const int64_t C = small_config().C;
            const auto& want = grown.at(131).values.at(name);
            bool same = true, different = true;
            for (const auto& [stored, model] : grown)
                for (int64_t i = known * C; i < vocabulary * C; i++) same = same && model.values.at(name)[size_t(i)] == want[size_t(i)];
            report.check(same, cat(name, ": a new token begins alike in a spare row and in an added one"));
            // against the definition: mean of the known rows, and noise of an initial embedding
            double squares = 0;
            for (int64_t c = 0; c < C; c++) {
                double mean = 0;
                for (int64_t v = 0; v < known; v++) mean += double(want[size_t(v * C + c)]) / double(known);
                for (int64_t v = known; v < vocabulary; v++) squares += std::pow(double(want[size_t(v * C + c)]) - mean, 2);
            }
            for (int64_t v = known + 1; v < vocabulary; v++) different = different && want[size_t(v * C)] != want[size_t(known * C)];
            const double deviation = std::sqrt(squares / double((vocabulary - known) * C));
            report.check(deviation > 0.016 && deviation < 0.024 && different, cat(name, ": the mean of the known ones and noise of 0.02 (", deviation, "), no two alike"));
        }
    }
    HostModel same = random_model(small_config());
    save_model(dir / "same", same, "F32");
    HostModel none(small_config());
    const NewRows rows = load_grown_weights(none, ModelReader(dir / "same"), 131, 131, 7);
    report.check(rows.spare == 0 && rows.grown == 0 && none.values == same.values, "control: without new tokens every bit stays");
}

// Variants of a directory that old or other programs write.
inline void test_variants(Report& report) {
    TempDir dir;
    const HostModel model = random_model(small_config());
    save_model(dir / "m", model, "F32");
    auto rewrite = [&](const std::string& extra, const std::vector<float>& values, const std::string& dtype) {
        std::vector<StoredTensor> stored;
        for (const Tensor& t : model.layout.tensors)
            stored.push_back({"transformer." + t.name, "F32", checkpoint::shape_in_file(t)});
        const int64_t width = safetensors::dtype_bytes(dtype);
        stored.push_back({extra, dtype, {int64_t(values.size()) * 4 / width}});
        if (extra == "lm_head.weight") stored.back().shape = {131, 15};
        SafetensorsWriter out(dir / "m/model.safetensors", stored);
        for (size_t i = 0; i + 1 < stored.size(); i++)
            out.append(model.values.at(model.layout.tensors[i].name).data(), stored[i].size());
        out.append_raw(values.data(), int64_t(values.size()) * 4);
        out.commit();
    };
    for (const char* mask : {"h.1.attn.bias", "transformer.h.0.attn.masked_bias"}) {
        rewrite(mask, {1, 2}, "BOOL");
        report.check(same_values(load(dir / "m"), model), cat("the mask ", mask, " is passed over"));
    }
    rewrite("transformer.h.0.attn.rotary", {1}, "F32");
    report.check_error([&] { load(dir / "m"); }, "unexpected tensor \"transformer.h.0.attn.rotary\"",
                       "an unknown tensor");
    rewrite("h.0.ln_1.bias", std::vector<float>(15), "F32");
    report.check_error([&] { load(dir / "m"); }, "is stored twice", "a tensor with and without prefix");
    std::vector<float> head = model.values.at("wte.weight");
    head.resize(131 * 15);
    rewrite("lm_head.weight", head, "F32");
    report.check(same_values(load(dir / "m"), model), "a second copy of the tied head is passed over");
    head[5] += 1;
    rewrite("lm_head.weight", head, "F32");
    report.check_error([&] { load(dir / "m"); }, "lm_head.weight differs from wte.weight",
                       "a head that contradicts the config");
    fs::remove(dir / "m/model.safetensors");
    auto index = [&](const std::string& map) {
        write_file(dir / "m/model.safetensors.index.json", "{\"weight_map\":" + map + "}");
    };
    index("{\"wte.weight\":\"../../etc/passwd\"}");
    report.check_error([&] { load(dir / "m"); }, "not the name of a file beside it", "an index that leads elsewhere");
    index("{\"wte.weight\":\"gone.safetensors\"}");
    report.check_error([&] { load(dir / "m"); }, "gone.safetensors: cannot be read", "a shard that is missing");
    index("{}");
    report.check_error([&] { load(dir / "m"); }, "\"weight_map\" is empty", "an empty index");
    index("3");
    report.check_error([&] { load(dir / "m"); }, "expected an object with \"weight_map\"", "an index of another form");
}

inline void test_convert(Report& report) {
    TempDir dir;
    const Command command = convert_commands()[0];
    fs::copy(fixture("hf_tiny"), dir / "in");
    write_file(dir / "in/tokenizer.json", "{\"a\": 1}");
    auto convert = [&](Args args) {
        args[1] = dir / args[1], args[3] = dir / args[3];
        return command.run(args);
    };
    report.check(convert({"--input", "in", "--out", "sub/a.bin"}) == 0, "Hugging Face to llm.c");
    report.check(read_file(dir / "sub/a.bin") == read_file(fixture("llmc_v3.bin")), "gives numpy's file");
    report.check(convert({"--input", "sub/a.bin", "--out", "b"}) == 0, "and back");
    const HostModel start = load(dir / "in");
    report.check(same_values(load(dir / "b"), start), "gives the weights it came from");
    report.check(!fs::exists(dir / "b/tokenizer.json"), "without a tokenizer, which a .bin does not have");
    report.check(convert({"--input", "in", "--out", "c", "--dtype", "bf16"}) == 0, "to bf16");
    report.check(read_file(dir / "c/tokenizer.json") == "{\"a\": 1}", "the tokenizer goes along");
    report.check(convert({"--input", "c", "--out", "d", "--format", "llmc"}) == 0, "bf16 stays bf16 by default");
    report.check(read_file(dir / "d") == read_file(fixture("llmc_v5.bin")), "as version 5");
    report.check_error([&] { convert({"--input", "in", "--out", "b"}); }, "exists already", "an existing directory");
    report.check_error([&] { convert({"--input", "in", "--out", "sub/a.bin"}); }, "exists already", "an existing file");
    report.check_error(
        [&] {
            convert({"--input", "in", "--out", "e", "--dtype", "fp8"});
        },
        "expected one of auto|fp32|bf16", "an unknown type");
    report.check_error([&] { command.run({"--out", "x"}); }, "--input is missing", "no input");
    write_file(dir / "in/model.safetensors", "short");
    report.check_error(
        [&] {
            convert({"--input", "in", "--out", "f"});
        },
        "not a valid safetensors file", "a damaged input");
    report.check(!fs::exists(dir / "f") && !fs::exists(dir / "f.tmp"), "leaves nothing behind");
}

}  // namespace checkpoint_test

inline Suite checkpoint_tests() {
    using namespace checkpoint_test;
    return {
        {"checkpoint: normal_ draws PyTorch's bits for any length and order of calls", test_rng_bits},
        {"checkpoint: the initial weights of GPT-2 124M are PyTorch's, tensor by tensor", test_init_gpt2},
        {"checkpoint: the initial weights of the reference model are PyTorch's", test_init_reference},
        {"checkpoint: the deviation of residual projections is rounded as in Python", test_init_deviation},
        {"checkpoint: half precision is read exactly", test_half},
        {"checkpoint: a safetensors file gives back what was written", test_safetensors_round_trip},
        {"checkpoint: a hostile safetensors header is refused with its place", test_safetensors_hostile},
        {"checkpoint: a safetensors file with any byte changed or missing never crashes the reader",
         test_safetensors_fuzz},
        {"checkpoint: a directory appears whole or not at all", test_atomic_directory},
        {"checkpoint: a path leads to the newest model, or says what was looked for", test_resolve},
        {"checkpoint: a saved Hugging Face directory loads as the same model", test_hf_round_trip},
        {"checkpoint: directories written by transformers are read", test_reads_transformers},
        {"checkpoint: llm.c's version 3 and 5 files are read and written byte for byte", test_llmc_files},
        {"checkpoint: a model we cannot express is refused by the setting's name", test_refusals},
        {"checkpoint: new tokens take spare rows first, then added ones, and begin in the same way", test_new_tokens},
        {"checkpoint: masks, shards and doubled heads of other writers are understood", test_variants},
        {"checkpoint: convert goes both ways without losing a bit", test_convert},
    };
}
