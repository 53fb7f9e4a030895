// checkpoint.hpp -- models on disk: Hugging Face directories and llm.c's .bin files, read and written.
//
// `ModelReader` opens either kind, checks all of it (sizes, names, shapes, settings our model cannot express) and then
// hands out any tensor of the parameter table as fp32 in our layout. The writers ask for tensors through a callback in
// the order in which the file wants them: no model is in memory twice, and nothing here depends on the device.
// Three differences live in this file alone. Vocabulary: padded to a multiple of 128 inside our model (padding rows are
// zero) and in llm.c's files, never in Hugging Face's. Matrices: (in, out) with us and in Hugging Face's Conv1D,
// (out, in) in llm.c's. Names: `transformer.h.0...`, or without the prefix where only the base model was saved.
// A directory appears under its name complete or not at all (`AtomicDirectory`).
// Does not: save optimizer or loader state (trainer.hpp), or know tokenizers (the caller passes a function).
#pragma once

#include <sys/syscall.h>

#include <memory>

#include "cli.hpp"
#include "gpt_config.hpp"
#include "safetensors.hpp"

namespace checkpoint {

// Questions to the file system; a path that cannot be asked about (too long, no permission) counts as absent.
inline bool exists(const std::string& path) {
    std::error_code ec;
    return fs::exists(path, ec);
}
inline bool is_file(const std::string& path) {
    std::error_code ec;
    return fs::is_regular_file(path, ec);
}
inline bool is_directory(const std::string& path) {
    std::error_code ec;
    return fs::is_directory(path, ec);
}
inline bool is_empty(const std::string& directory) {
    std::error_code ec;
    return fs::is_empty(directory, ec) && !ec;
}

}  // namespace checkpoint

// ---- directories that appear whole

// Files are written into path() (`DIR.tmp`); commit() flushes them and renames the directory to its final name. With
// `replace` an existing directory is swapped out in one step and then removed; without, it is an error from the start.
class AtomicDirectory {
   public:
    explicit AtomicDirectory(const std::string& directory, bool replace = false) : final_(without_slash(directory)) {
        if (!replace && checkpoint::exists(final_) &&
            !(checkpoint::is_directory(final_) && checkpoint::is_empty(final_)))
            throw Error(cat(final_, ": exists already"), "choose another directory, or remove this one");
        const std::string parent = fs::path(final_).parent_path().string();
        if (!parent.empty()) make_directories(parent);
        tmp_ = final_ + ".tmp";
        remove(tmp_);  // left by a run that was killed
        make_directories(tmp_);
    }
    AtomicDirectory(const AtomicDirectory&) = delete;
    AtomicDirectory& operator=(const AtomicDirectory&) = delete;
    ~AtomicDirectory() {
        std::error_code ec;
        if (!committed_) fs::remove_all(tmp_, ec);
    }
    const std::string& path() const { return tmp_; }

    void commit() {
        for (const auto& entry : fs::recursive_directory_iterator(tmp_)) flush(entry.path().string());
        fsync_directory(tmp_);
        const std::string parent = fs::path(final_).parent_path().string();
        // succeeds where nothing or an empty directory is in the way
        if (::rename(tmp_.c_str(), final_.c_str()) != 0) {
            if (errno != ENOTEMPTY && errno != EEXIST) throw system_error(cat(tmp_, ": cannot be renamed to ", final_));
            swap_in();
        }
        committed_ = true;
        fsync_directory(parent);
        std::error_code ec;
        fs::remove_all(tmp_, ec);  // after a swap: the old contents
    }

   private:
    static std::string without_slash(std::string s) {
        while (s.size() > 1 && s.back() == '/') s.pop_back();
        if (s.empty()) throw UsageError("the name of a directory is empty");
        return s;
    }
    static void remove(const std::string& path) {
        std::error_code ec;
        fs::remove_all(path, ec);
        if (ec) throw Error(cat(path, ": cannot be removed: ", ec.message()));
    }
    static void flush(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) throw system_error(cat(path, ": cannot be opened"));
        const int status = ::fsync(fd);
        const int saved = errno;
        ::close(fd);
        errno = saved;
        if (status != 0) throw system_error(cat(path, ": cannot be flushed to the disk"), "is the disk full?");
    }
    // Old and new directory change names in one step; on file systems that cannot, the old one moves away first.
    void swap_in() {
#ifdef SYS_renameat2
        constexpr unsigned exchange = 2;  // RENAME_EXCHANGE
        if (::syscall(SYS_renameat2, AT_FDCWD, tmp_.c_str(), AT_FDCWD, final_.c_str(), exchange) == 0) return;
#endif
        const std::string old = final_ + ".old";
        remove(old);
        const bool moved = ::rename(final_.c_str(), old.c_str()) == 0;
        if (!moved || ::rename(tmp_.c_str(), final_.c_str()) != 0) {
            const Error error = system_error(cat(tmp_, ": cannot take the place of ", final_));
            if (moved) ::rename(old.c_str(), final_.c_str());
            throw error;
        }
        remove(old);
    }

    std::string final_, tmp_;
    bool committed_ = false;
};

// ---- where is the model?

namespace checkpoint {

inline bool is_hf_directory(const std::string& dir) {
    return is_file(dir + "/config.json") &&
           (is_file(dir + "/model.safetensors") || is_file(dir + "/model.safetensors.index.json"));
}

inline std::string step_name(int64_t step) { return strprintf("step-%06lld", (long long)step); }

// The step-NNNNNN directories of a run that hold a model, oldest first.
inline std::vector<std::pair<int64_t, std::string>> list_steps(const std::string& run_dir) {
    std::vector<std::pair<int64_t, std::string>> steps;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(run_dir, ec)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("step-") || name.size() > 20) continue;
        // also refuses step-N.tmp
        if (name.size() < 6 || name.find_first_not_of("0123456789", 5) != std::string::npos) continue;
        const std::string path = run_dir + (run_dir.ends_with("/") ? "" : "/") + name;
        if (is_hf_directory(path)) steps.emplace_back(std::stoll(name.substr(5)), path);
    }
    std::sort(steps.begin(), steps.end());
    return steps;
}

}  // namespace checkpoint

// What --model and --init mean: a model directory, a run directory (its newest step-NNNNNN) or a .bin file of llm.c.
inline std::string resolve_model_dir(const std::string& given) {
    std::string path = given;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    const char* advice = "give a Hugging Face GPT-2 directory, a run directory of train_gpt, or a model .bin of llm.c";
    if (!checkpoint::exists(path))
        throw Error(cat(path.empty() ? "\"\"" : path, ": no such file or directory"), advice);
    if (!checkpoint::is_directory(path)) {
        if (path.ends_with(".bin")) return path;
        throw Error(cat(path, ": not a model: expected a directory or a .bin file"), advice);
    }
    if (checkpoint::is_hf_directory(path)) return path;
    const auto steps = checkpoint::list_steps(path);
    if (!steps.empty()) return steps.back().second;
    auto seen = [&](const char* name) {
        return cat(name, checkpoint::exists(path + "/" + name) ? " (found)" : " (not found)");
    };
    const bool pickle = checkpoint::exists(path + "/pytorch_model.bin");
    throw Error(
        cat(path, ": no model here: looked for ", seen("config.json"), " with ", seen("model.safetensors"), " or ",
            seen("model.safetensors.index.json"), ", and for step-NNNNNN directories with both (none)"),
        pickle ? "pytorch_model.bin is a pickle, which can run code: save the model with transformers as safetensors"
               : advice);
}

// ---- Hugging Face's config.json

namespace checkpoint {

// The shape of a tensor in Hugging Face's files: embeddings have V rows there, Vp in memory.
inline std::vector<int64_t> shape_in_file(const Tensor& t) {
    std::vector<int64_t> shape = t.shape;
    shape[0] = t.real_size / (t.size / t.shape[0]);
    return shape;
}

inline nlohmann::json parse_json_file(const std::string& path) {
    const MappedFile file(path);
    try {
        return parse_json_text<nlohmann::json>(file.view());
    } catch (const nlohmann::json::parse_error& e) {
        throw Error(cat(path, ": not valid JSON at byte ", e.byte > 0 ? e.byte - 1 : 0));
    } catch (const nlohmann::json::exception&) {
        throw Error(cat(path, ": holds a number that is out of range"));
    }
}

// config.json of a GPT2LMHeadModel <-> Config. What our model cannot express is refused by name.
inline Config config_from_json(const nlohmann::json& j, const std::string& path) {
    if (!j.is_object()) throw Error(cat(path, ": expected a JSON object"));
    auto refuse = [&](const std::string& key, const std::string& expected) {
        throw Error(cat(path, ": ", key, " is ", j.contains(key) ? json_text(j[key], -1, JsonBytes::ascii).substr(0, 80) : "missing",
                        ", expected ", expected),
                    "train_gpt reads GPT-2 as published: learned positions, pre-LayerNorm, tanh GELU");
    };
    auto given = [&](const char* key) { return j.contains(key) && !j[key].is_null(); };
    auto whole = [&](const char* key) -> int64_t {
        if (!given(key) || !j[key].is_number_integer()) refuse(key, "a whole number");
        return j[key].get<int64_t>();
    };
    auto only = [&](const char* key, const nlohmann::json& value) {
        if (given(key) && j[key] != value) refuse(key, json_text(value));
    };
    if (!given("model_type") || j["model_type"] != "gpt2") refuse("model_type", "\"gpt2\"");
    Config c;
    c.max_T = whole("n_positions");
    c.V = whole("vocab_size");
    c.L = whole("n_layer");
    c.NH = whole("n_head");
    c.C = whole("n_embd");
    try {
        validate(c);
    } catch (const Error& e) {
        throw Error(cat(path, ": ", e.what()));
    }
    if (given("n_inner") && j["n_inner"] != 4 * c.C) refuse("n_inner", cat("null or 4 * n_embd = ", 4 * c.C));
    // gelu_pytorch_tanh and gelu_fast are the same function under other names
    if (given("activation_function") && j["activation_function"] != "gelu_pytorch_tanh" &&
        j["activation_function"] != "gelu_fast")
        only("activation_function", "gelu_new");
    if (given("layer_norm_epsilon") && (!j["layer_norm_epsilon"].is_number() ||
                                        std::abs(j["layer_norm_epsilon"].get<double>() - 1e-5) > 1e-11))
        refuse("layer_norm_epsilon", "1e-05");
    only("scale_attn_weights", true);
    only("scale_attn_by_inverse_layer_idx", false);
    only("add_cross_attention", false);
    if (given("quantization_config")) refuse("quantization_config", "a model that is not quantized");
    if (given("tie_word_embeddings") && !j["tie_word_embeddings"].is_boolean())
        refuse("tie_word_embeddings", "true or false");
    c.scores = given("architectures") && j["architectures"].is_array() && !j["architectures"].empty() && j["architectures"][0] == "GPT2ForSequenceClassification";
    if (c.scores && given("id2label") && j["id2label"].size() != 1) refuse("id2label", "one label: a reward model gives one score");
    c.tied = !given("tie_word_embeddings") || j["tie_word_embeddings"].get<bool>();
    const nlohmann::json eos = given("eos_token_id") ? j["eos_token_id"] : nlohmann::json();
    const nlohmann::json first = eos.is_array() && !eos.empty() ? eos[0] : eos;
    // many small configurations keep GPT-2's 50256 although their vocabulary ends before it: such an id means nothing
    if (first.is_number_integer() && first.get<int64_t>() >= 0 && first.get<int64_t>() < c.V)
        c.end_of_text = first.get<int32_t>();
    return c;
}

inline nlohmann::ordered_json config_to_json(const Config& c, std::string_view dtype) {
    const nlohmann::json end = c.end_of_text >= 0 ? nlohmann::json(c.end_of_text) : nlohmann::json();
    nlohmann::ordered_json j = {
        {"architectures", {c.scores ? "GPT2ForSequenceClassification" : "GPT2LMHeadModel"}},
        {"model_type", "gpt2"},
        {"vocab_size", c.V},
        {"n_positions", c.max_T},
        {"n_ctx", c.max_T},
        {"n_embd", c.C},
        {"n_layer", c.L},
        {"n_head", c.NH},
        {"n_inner", nullptr},
        {"activation_function", "gelu_new"},
        {"layer_norm_epsilon", 1e-5},
        {"tie_word_embeddings", c.tied},
        {"initializer_range", 0.02},
        {"attn_pdrop", 0.0},  // our models are trained without dropout
        {"embd_pdrop", 0.0},
        {"resid_pdrop", 0.0},
        {"scale_attn_weights", true},
        {"scale_attn_by_inverse_layer_idx", false},
        {"reorder_and_upcast_attn", false},
        {"bos_token_id", end},
        {"eos_token_id", end},
        {"torch_dtype", dtype == "BF16" ? "bfloat16" : "float32"},
        {"use_cache", true},
    };
    if (c.scores) j.update(nlohmann::ordered_json{{"id2label", {{"0", "reward"}}}, {"label2id", {{"reward", 0}}}, {"problem_type", "regression"}, {"pad_token_id", end}});
    return j;
}

// out (rows, columns) = in (columns, rows), in tiles that stay in the L1 cache
inline void transpose(float* out, const float* in, int64_t rows, int64_t columns) {
    constexpr int64_t tile = 32;
    for (int64_t r0 = 0; r0 < rows; r0 += tile)
        for (int64_t c0 = 0; c0 < columns; c0 += tile)
            for (int64_t r = r0; r < std::min(rows, r0 + tile); r++)
                for (int64_t c = c0; c < std::min(columns, c0 + tile); c++) out[r * columns + c] = in[c * rows + r];
}

}  // namespace checkpoint

// ---- llm.c's model file

namespace llmc {

constexpr int32_t kModelMagic = 20240326;
constexpr int64_t kHeaderBytes = 1024;  // 256 int32

// The tensors in the order of the file, each for all layers together. Matrices of linear layers are (out, in).
inline std::vector<std::string> tensor_order() {
    return {"wte.weight",          "wpe.weight",            "h.*.ln_1.weight",     "h.*.ln_1.bias",
            "h.*.attn.c_attn.weight", "h.*.attn.c_attn.bias", "h.*.attn.c_proj.weight", "h.*.attn.c_proj.bias",
            "h.*.ln_2.weight",     "h.*.ln_2.bias",         "h.*.mlp.c_fc.weight", "h.*.mlp.c_fc.bias",
            "h.*.mlp.c_proj.weight", "h.*.mlp.c_proj.bias", "ln_f.weight",         "ln_f.bias"};
}

// The same order written out: one name a layer.
inline std::vector<std::string> all_names(const Config& c) {
    std::vector<std::string> names;
    for (const std::string& name : tensor_order()) {
        const size_t star = name.find('*');
        for (int64_t l = 0; l < (star == std::string::npos ? 1 : c.L); l++)
            names.push_back(star == std::string::npos ? name : std::string(name).replace(star, 1, std::to_string(l)));
    }
    return names;
}

}  // namespace llmc

// ---- reading

// A stored model, open: its shape, and any tensor in any order.
class ModelReader {
   public:
    // path: what resolve_model_dir accepts. Everything but the numbers is checked here.
    explicit ModelReader(const std::string& given) : path_(resolve_model_dir(given)) {
        if (checkpoint::is_directory(path_)) open_hf();
        else open_llmc();
    }
    const Config& config() const { return config_; }
    const std::string& path() const { return path_; }    // the directory or file that was found
    const std::string& dtype() const { return dtype_; }  // of the largest tensor: "F32", "BF16", "F16"
    bool is_hf() const { return !files_.empty(); }

    // Tensor t of ParamLayout(config()) as fp32 in our layout: out has t.size places, padding rows become zero.
    void read(const Tensor& t, float* out) const {
        if (is_hf()) {
            const Source& source = hf_.at(t.name);
            files_[source.file]->read(*source.tensor, out);
            std::fill(out + t.real_size, out + t.size, 0.0f);
        } else {
            const int64_t width = safetensors::dtype_bytes(dtype_);
            const char* in = llmc_->data() + llmc::kHeaderBytes + llmc_offsets_.at(t.name) * width;
            if (t.init.kind == InitKind::linear) {
                std::vector<float> transposed(size_t(t.size));  // (out, in)
                safetensors::from_file(transposed.data(), in, t.size, dtype_);
                checkpoint::transpose(out, transposed.data(), t.shape[0], t.shape[1]);
            } else {
                safetensors::from_file(out, in, t.real_size, dtype_);
                std::fill(out + t.real_size, out + t.size, 0.0f);
            }
        }
    }

   private:
    struct Source {
        size_t file;
        const StoredTensor* tensor;
    };

    // -- Hugging Face

    void open_hf() {
        config_ =
            checkpoint::config_from_json(checkpoint::parse_json_file(path_ + "/config.json"), path_ + "/config.json");
        const std::string index = path_ + "/model.safetensors.index.json";
        if (checkpoint::is_file(path_ + "/model.safetensors"))
            files_.push_back(std::make_unique<SafetensorsFile>(path_ + "/model.safetensors"));
        else open_shards(index);
        // stored names, without the prefix of the language model; masks that old versions saved are no parameters
        std::unordered_map<std::string, Source> stored;
        for (size_t f = 0; f < files_.size(); f++)
            for (const StoredTensor& t : files_[f]->tensors()) {
                const std::string name = t.name.starts_with("transformer.") ? t.name.substr(12) : t.name;
                if (name.starts_with("h.") && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias")))
                    continue;
                if (!stored.emplace(name, Source{f, &t}).second)
                    throw Error(cat(files_[f]->path(), ": tensor ", safetensors::quoted(t.name), " is stored twice"));
            }
        const ParamLayout layout(config_);
        int64_t largest = 0;
        for (const Tensor& t : layout.tensors) {
            const auto it = stored.find(t.name);
            if (it == stored.end())
                throw Error(cat(path_, ": tensor ", t.name, " (or transformer.", t.name, ") is missing"),
                            mismatch_advice());
            const StoredTensor& s = *it->second.tensor;
            const auto shape = checkpoint::shape_in_file(t);
            if (s.shape != shape)
                throw Error(cat(path_, ": tensor ", t.name, " has shape ", safetensors::shape_text(s.shape),
                                ", expected ", safetensors::shape_text(shape)),
                            mismatch_advice());
            if (s.dtype != "F32" && s.dtype != "BF16" && s.dtype != "F16")
                throw Error(cat(path_, ": tensor ", t.name, " is of type ", s.dtype, ", expected F32, BF16 or F16"));
            if (t.size > largest) largest = t.size, dtype_ = s.dtype;
            hf_[t.name] = it->second;
        }
        for (const auto& [name, source] : stored)
            if (!hf_.contains(name)) check_extra(name, source);
    }

    void open_shards(const std::string& index_path) {
        const nlohmann::json index = checkpoint::parse_json_file(index_path);
        if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
            throw Error(cat(index_path, ": expected an object with \"weight_map\": {tensor: file}"));
        std::map<std::string, size_t> opened;
        for (const auto& [name, file] : index["weight_map"].items()) {
            const std::string file_name = file.is_string() ? file.get<std::string>() : "";
            if (file_name.empty() || file_name.find('/') != std::string::npos)
                throw Error(cat(index_path, ": the file of tensor ", safetensors::quoted(name),
                                " is not the name of a file beside it"));
            const auto [it, added] = opened.emplace(file_name, files_.size());
            if (added) files_.push_back(std::make_unique<SafetensorsFile>(path_ + "/" + file_name));
            files_[it->second]->at(name);
        }
        if (files_.empty()) throw Error(cat(index_path, ": \"weight_map\" is empty"));
    }

    // A tensor that the model has no place for. A second copy of the tied head is common and harmless.
    void check_extra(const std::string& name, const Source& source) const {
        if (name != "lm_head.weight")
            throw Error(cat(path_, ": unexpected tensor ", safetensors::quoted(source.tensor->name)),
                        mismatch_advice());
        const Source& wte = hf_.at("wte.weight");
        const StoredTensor &a = *source.tensor, &b = *wte.tensor;
        if (a.shape != b.shape || a.dtype != b.dtype ||
            std::memcmp(files_[source.file]->data(a), files_[wte.file]->data(b), size_t(b.end - b.begin)) != 0)
            throw Error(cat(path_, ": lm_head.weight differs from wte.weight, but config.json ties them"),
                        "set \"tie_word_embeddings\": false in config.json if the output head is meant to be separate");
    }

    static const char* mismatch_advice() {
        return "config.json and the weights must be of the same GPT2LMHeadModel or GPT2Model";
    }

    // -- llm.c

    void open_llmc() {
        llmc_ = std::make_unique<MappedFile>(path_);
        const MappedFile& file = *llmc_;
        if (file.size() < llmc::kHeaderBytes)
            throw Error(cat(path_, ": not a model of llm.c: ", file.size(), " bytes, the header alone has ",
                            llmc::kHeaderBytes));
        int32_t h[8];
        std::memcpy(h, file.data(), sizeof h);
        if (h[0] != llmc::kModelMagic)
            throw Error(cat(path_, ": not a model of llm.c: magic ", h[0], " at byte 0, expected ", llmc::kModelMagic));
        if (h[1] != 3 && h[1] != 5)
            throw Error(cat(path_, ": version ", h[1], " at byte 4, expected 3 (fp32) or 5 (bf16)"),
                        "older versions: write the file again with llm.c's train_gpt2.py");
        dtype_ = h[1] == 3 ? "F32" : "BF16";
        config_.max_T = h[2], config_.V = h[3], config_.L = h[4], config_.NH = h[5], config_.C = h[6];
        try {
            validate(config_);
        } catch (const Error& e) {
            throw Error(cat(path_, ": header at byte 8: ", e.what()));
        }
        const int64_t file_Vp = h[7];
        if (file_Vp < config_.V || file_Vp > config_.V + (1 << 20))
            throw Error(cat(path_, ": padded vocabulary ", file_Vp, " at byte 28, expected at least ", config_.V));
        if (config_.V == 50257) config_.end_of_text = 50256;  // GPT-2's vocabulary; the file itself does not say
        const ParamLayout layout(config_);
        std::unordered_map<std::string, int64_t> sizes;
        for (const Tensor& t : layout.tensors) sizes[t.name] = t.name == "wte.weight" ? file_Vp * config_.C : t.size;
        int64_t at = 0;
        for (const std::string& name : llmc::all_names(config_)) {
            llmc_offsets_[name] = at;
            at += sizes.at(name);
        }
        const int64_t want = llmc::kHeaderBytes + at * safetensors::dtype_bytes(dtype_);
        if (file.size() != want)
            throw Error(cat(path_, ": ", file.size(), " bytes, but a model of this shape has ", want),
                        "the file is damaged or cut short: copy it again");
    }

    std::string path_, dtype_;
    Config config_;
    std::vector<std::unique_ptr<SafetensorsFile>> files_;     // Hugging Face: one, or the shards
    std::unordered_map<std::string, Source> hf_;              // our name -> place
    std::unique_ptr<MappedFile> llmc_;
    std::unordered_map<std::string, int64_t> llmc_offsets_;   // our name -> element
};

// All weights of a stored model into ours (a Gpt or a Model), whose shape must be the stored one.
template <typename M>
void load_weights(M& model, const ModelReader& reader) {
    if (!model.config.same_shape(reader.config()))
        throw Error(cat(reader.path(), ": the stored model has another shape than the one in memory"));
    std::vector<float> x;
    for (const Tensor& t : model.layout.tensors) {
        x.resize(size_t(t.size));
        reader.read(t, x.data());
        model.set_tensor(t, x.data());
    }
}

// Rows of the embedding that new tokens took: stored ones that stood for nothing, and such that were added.
struct NewRows {
    int64_t spare = 0, grown = 0;
};

// The weights of a model of the same shape, but for a vocabulary that may be smaller. Tokens below `known` are those that the stored model has
// learned; from there up to `vocabulary` they are new. They take rows that are stored but stand for nothing (GPT-2's 50,257 tokens are often stored
// in 50,304 rows), and where these end, the embedding grows. In both a token begins as the mean of the known ones, so that it is no likelier than
// they are on average (Hewitt 2021), plus noise of the size of an initial embedding, so that no two are the same.
template <typename M>
NewRows load_grown_weights(M& model, const ModelReader& reader, int64_t known, int64_t vocabulary, uint64_t seed) {
    Config grown = reader.config();
    const int64_t V = grown.V, C = grown.C;
    grown.V = model.config.V;
    if (grown.V < V || !model.config.same_shape(grown))
        throw Error(cat(reader.path(), ": the stored model has another shape than the one in memory"));
    ASSERT(0 < known && known <= V && known <= vocabulary && std::max(V, vocabulary) == grown.V, known, " known tokens of ", vocabulary, ", ", V,
           " stored rows, ", grown.V, " in memory");
    const ParamLayout stored(reader.config());
    std::vector<float> x, y;
    for (size_t i = 0; i < stored.tensors.size(); i++) {
        const Tensor &from = stored.tensors[i], &to = model.layout.tensors[i];
        x.resize(size_t(from.size));
        reader.read(from, x.data());
        if (from.name != "wte.weight" && from.name != "lm_head.weight") {
            model.set_tensor(to, x.data());
            continue;
        }
        y.assign(size_t(to.size), 0.0f);                    // an embedding (V, C)
        std::copy(x.begin(), x.begin() + V * C, y.begin());
        std::vector<double> mean(size_t(C), 0.0);
        for (int64_t v = 0; v < known; v++)
            for (int64_t c = 0; c < C; c++) mean[size_t(c)] += double(x[size_t(v * C + c)]) / double(known);
        for (int64_t v = known; v < vocabulary; v++) {
            Rng rng = Rng::stream(seed, 0x6E6577, i, v);
            for (int64_t c = 0; c < C; c++) {
                const double normal = std::sqrt(-2 * std::log(1 - rng.uniform_double())) * std::cos(2 * M_PI * rng.uniform_double());  // Box-Muller
                y[size_t(v * C + c)] = float(mean[size_t(c)] + double(to.init.std) * normal);
            }
        }
        model.set_tensor(to, y.data());
    }
    return {std::min(V, vocabulary) - known, grown.V - V};
}

// ---- writing

// Fills t.size floats with tensor t of the model that is being saved.
using GetTensor = std::function<void(const Tensor&, float*)>;
// Writes tokenizer.json and its companions into a directory; may be empty.
using SaveTokenizer = std::function<void(const std::string& directory)>;

template <typename M>
GetTensor tensors_of(const M& model) {
    return [&model](const Tensor& t, float* out) { model.get_tensor(t, out); };
}

inline void check_write_dtype(std::string_view dtype) {
    ASSERT(dtype == "F32" || dtype == "BF16", "models are written as F32 or BF16, not as ", dtype);
}

// The files of a Hugging Face GPT2LMHeadModel (of a reward model: GPT2ForSequenceClassification) into `directory`, which exists. dtype: "F32" or "BF16".
inline void write_hf_model(const std::string& directory, const Config& c, std::string_view dtype, const GetTensor& get,
                           const SaveTokenizer& save_tokenizer = {}) {
    check_write_dtype(dtype);
    const ParamLayout layout(c);
    std::vector<StoredTensor> stored;
    for (const Tensor& t : layout.tensors)
        stored.push_back({t.name == "lm_head.weight" || t.name == "score.weight" ? t.name : "transformer." + t.name, std::string(dtype),
                          checkpoint::shape_in_file(t)});
    SafetensorsWriter out(directory + "/model.safetensors", stored);
    std::vector<float> x;
    for (size_t i = 0; i < stored.size(); i++) {
        x.resize(size_t(layout.tensors[i].size));
        get(layout.tensors[i], x.data());
        out.append(x.data(), stored[i].size());
    }
    out.commit();
    const nlohmann::ordered_json config = checkpoint::config_to_json(c, dtype);
    write_file(directory + "/config.json", json_text(config, 2) + "\n");
    const nlohmann::ordered_json generation = {{"_from_model_config", true},
                                               {"bos_token_id", config["bos_token_id"]},
                                               {"eos_token_id", config["eos_token_id"]}};
    write_file(directory + "/generation_config.json", json_text(generation, 2) + "\n");
    if (save_tokenizer) save_tokenizer(directory);
}

// llm.c's model file. dtype "F32" is its version 3, "BF16" its version 5.
inline void write_llmc_model(const std::string& path, const Config& c, std::string_view dtype, const GetTensor& get) {
    check_write_dtype(dtype);
    if (!c.tied)
        throw Error(
            cat(path, ": llm.c's format ties the output head to the embedding, and this model has a separate one"),
            "use --format hf");
    if (c.scores) throw Error(cat(path, ": llm.c's format has no place for a reward model's head"), "use --format hf");
    const ParamLayout layout(c);
    std::unordered_map<std::string, const Tensor*> by_name;
    for (const Tensor& t : layout.tensors) by_name[t.name] = &t;
    AtomicFile out(path);
    int32_t header[256] = {llmc::kModelMagic, dtype == "F32" ? 3 : 5, int32_t(c.max_T), int32_t(c.V),
                           int32_t(c.L),      int32_t(c.NH),          int32_t(c.C),     int32_t(c.Vp())};
    out.write(header, sizeof header);
    std::vector<float> x, transposed;
    std::vector<char> bytes;
    for (const std::string& name : llmc::all_names(c)) {
        const Tensor& t = *by_name.at(name);
        x.resize(size_t(t.size));
        get(t, x.data());
        if (t.init.kind == InitKind::linear) {
            transposed.resize(x.size());
            checkpoint::transpose(transposed.data(), x.data(), t.shape[1], t.shape[0]);
            x.swap(transposed);
        }
        bytes.resize(x.size() * size_t(safetensors::dtype_bytes(dtype)));
        safetensors::to_file(bytes.data(), x.data(), t.size, dtype);
        out.write(bytes.data(), bytes.size());
    }
    out.commit();
}

// A model directory, complete or not at all; `model` is a Gpt or a Model.
template <typename M>
void save_model(const std::string& directory, const M& model, std::string_view dtype,
                const SaveTokenizer& save_tokenizer = {}, bool replace = false) {
    AtomicDirectory out(directory, replace);
    write_hf_model(out.path(), model.config, dtype, tensors_of(model), save_tokenizer);
    out.commit();
}

// ---- train_gpt convert

struct ConvertConfig {
    std::string input, out;
    std::string format = "auto";
    std::string dtype = "auto";
};

inline const std::vector<Flag<ConvertConfig>> convert_flags = {
    {"input", &ConvertConfig::input, "PATH",
     "a Hugging Face GPT-2 directory, a run directory, or a model .bin of llm.c"},
    {"out", &ConvertConfig::out, "PATH", "the directory (hf) or file (llmc) to write; must not exist"},
    {"format", &ConvertConfig::format, "auto|hf|llmc", "auto: llmc if --out ends with .bin, else hf"},
    {"dtype", &ConvertConfig::dtype, "auto|fp32|bf16", "auto: as in the input (fp32 for an fp16 model)"},
};

namespace checkpoint {

// The files by which Hugging Face knows a tokenizer go along unchanged; returns how many there were.
inline int copy_tokenizer_files(const std::string& from, const std::string& to) {
    int copied = 0;
    for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json",
                             "merges.txt", "added_tokens.json", "chat_template.jinja"})
        if (is_file(from + "/" + name)) {
            write_file(to + "/" + name, MappedFile(from + "/" + name).view());
            copied++;
        }
    return copied;
}

}  // namespace checkpoint

inline int run_convert(ConvertConfig& s) {
    if (s.input.empty()) throw UsageError("--input is missing: the model to convert");
    if (s.out.empty()) throw UsageError("--out is missing: where to write the converted model");
    const bool to_llmc = s.format == "llmc" || (s.format == "auto" && s.out.ends_with(".bin"));
    const ModelReader reader(s.input);
    const Config& c = reader.config();
    const std::string dtype = s.dtype == "bf16" || (s.dtype == "auto" && reader.dtype() == "BF16") ? "BF16" : "F32";
    const GetTensor get = [&](const Tensor& t, float* out) { reader.read(t, out); };
    int tokenizer_files = 0;
    if (to_llmc) {
        if (checkpoint::exists(s.out))
            throw Error(cat(s.out, ": exists already"), "choose another file, or remove this one");
        const std::string parent = fs::path(s.out).parent_path().string();
        if (!parent.empty()) make_directories(parent);
        write_llmc_model(s.out, c, dtype, get);
    } else {
        AtomicDirectory out(s.out);
        write_hf_model(out.path(), c, dtype, get, [&](const std::string& directory) {
            if (reader.is_hf()) tokenizer_files = checkpoint::copy_tokenizer_files(reader.path(), directory);
        });
        out.commit();
    }
    std::printf("%s: %s parameters, %lld layers, %lld channels, vocabulary %lld -> %s (%s, %s)\n",
                reader.path().c_str(), with_commas(ParamLayout(c).count).c_str(), (long long)c.L, (long long)c.C,
                (long long)c.V, s.out.c_str(), to_llmc ? "llm.c" : "Hugging Face", dtype == "BF16" ? "bf16" : "fp32");
    if (!to_llmc && tokenizer_files == 0)
        std::printf("no tokenizer was beside the input: put a tokenizer.json into %s before using it with text\n",
                    s.out.c_str());
    return 0;
}

inline std::vector<Command> convert_commands() {
    return {make_command("convert", "", "a model between a Hugging Face directory and llm.c's .bin file", convert_flags,
                         run_convert)};
}
