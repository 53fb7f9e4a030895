// rollouts_view.hpp -- train_gpt rl show: what an iteration of practice saw, token by token.
//
// `rl --dump-every` writes every answer with its reward, its advantage and the weight of each token. Here they are printed one below the
// other: what became likelier green, what became less likely red, what was only read (the problem, the output of tools) dim. Without colour, weights
// above 0 stand in [+ +], below 0 in [- -].
#pragma once

#include "chat.hpp"
#include "checkpoint.hpp"
#include "conversations.hpp"

struct RlShowConfig {
    std::string model, color = "auto";
    std::vector<std::string> rollouts;
    int64_t limit = 16;
};
inline const std::vector<Flag<RlShowConfig>> rl_show_flags = {
    {"model",    &RlShowConfig::model,    "DIR",     "the run or model whose vocabulary the tokens are of"},
    {"rollouts", &RlShowConfig::rollouts, "FILE...", "files of a run's rollouts/"},
    {"limit",    &RlShowConfig::limit,    "",        "show so many answers; 0: all"},
    {"color",    &RlShowConfig::color,    "auto|always|never", "auto: on a terminal, unless NO_COLOR is set"},
};

// One answer of a dump as text.
inline std::string show_rollout(const Tokenizer& tokenizer, const nlohmann::ordered_json& j, bool color) {
    for (const char* key : {"ids", "drawn", "weights", "reward", "advantage", "right", "answer"})
        if (!j.is_object() || !j.contains(key)) throw Error(cat("not an answer that rl dumped: \"", key, "\" is missing"));
    const auto ids = j["ids"].get<std::vector<int32_t>>();
    const auto drawn = j["drawn"].get<std::vector<int>>();
    const auto weights = j["weights"].get<std::vector<float>>();
    if (drawn.size() != ids.size() || weights.size() != ids.size()) throw Error("not an answer that rl dumped: its arrays differ in length");
    std::string out = strprintf("reward %.3f  advantage %+.3f  ", j["reward"].get<double>(), j["advantage"].get<double>());
    // where nothing is right or wrong: what the reward model says, and what the task's judge knows, if there is one
    const auto figure = [&](const char* key) { return j.contains(key) && j[key].is_number() ? strprintf("%s %.3f", key, j[key].get<double>()) : cat("no ", key); };
    if (j["answer"].is_null() && j.contains("score") && j.contains("grade")) out += cat(figure("score"), ", ", figure("grade"), "\n");
    else out += cat(j["right"].is_null() ? "not checked" : j["right"].get<bool>() ? "right" : "wrong", ", expected ", json_text(j["answer"]), "\n");
    for (size_t i = 0; i < ids.size(); i++) {
        const std::string token = to_valid_utf8(tokenizer.token_bytes(ids[i]));
        const int sign = (weights[i] > 0) - (weights[i] < 0);
        if (color) out += cat(tokenizer.is_special(ids[i]) ? "\x1b[7m" : "", !drawn[i] ? "\x1b[2m" : sign > 0 ? "\x1b[32m" : sign < 0 ? "\x1b[31m" : "", token, "\x1b[0m");
        else out += sign > 0 ? cat("[+", token, "+]") : sign < 0 ? cat("[-", token, "-]") : token;
    }
    return out + "\n";
}

inline int run_rl_show(RlShowConfig& c) {
    if (c.model.empty() || c.rollouts.empty()) throw UsageError("--model and --rollouts are needed", "train_gpt rl show --model RUN --rollouts RUN/rollouts/*.jsonl");
    if (c.limit < 0) throw UsageError("--limit must not be negative");
    const Tokenizer tokenizer = Tokenizer::load(resolve_model_dir(c.model));
    const bool color = use_color(c.color);
    int64_t shown = 0;
    for (const auto& path : c.rollouts)
        each_json_line(path, nullptr, [&](const nlohmann::ordered_json& j, int64_t) {
            if (c.limit > 0 && shown++ >= c.limit) return;
            std::puts(show_rollout(tokenizer, j, color).c_str());
        });
    return 0;
}

inline std::vector<Command> rl_show_commands() {
    return {make_command<RlShowConfig>("rl show", "", "print what `rl --dump-every` wrote, token by token in colour", rl_show_flags, run_rl_show)};
}
