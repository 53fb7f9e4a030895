// dev/test/test_reward.hpp -- rankings, reward models and DPO, and the jokes whose worth nobody is told.
//
// The slopes of the loss are held against central differences, of scores and of all parameters of a small model; the commands run from outside on a
// model of one layer, on rankings in which the longer number wins.
#pragma once

#include "../../reward.hpp"
#include "../../rewards.hpp"
#include "model_data.hpp"
#include "test_program.hpp"

namespace reward_test {

using program_test::Child;
using program_test::Outcome;
using program_test::Words;
using program_test::binary;

// ---- rankings

inline void test_rankings(Report& t) {
    TempDir dir;
    const std::string path = dir / "r.jsonl";
    write_file(path, "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"c\"], \"ranking\": [2, 0, 1]}\n\n{\"prompt\": \"q\", \"chosen\": \"x\", \"rejected\": \"y\"}\n");
    const auto r = read_rankings(path);
    t.check(r.size() == 2 && r[0].order == std::vector<int>{2, 0, 1} && r[0].responses[2] == "c", "the first number is the best answer's");
    t.check(r[1].responses == std::vector<std::string>{"x", "y"} && r[1].order == std::vector<int>{0, 1}, "chosen and rejected");
    const Ranking again = ranking_from_json(parse_json_text<nlohmann::ordered_json>(ranking_json(r[0])));
    t.check(again.prompt == "p" && again.responses == r[0].responses && again.order == r[0].order, "written and read again");
    const std::string head = "{\"prompt\": \"p\", \"responses\": ";
    for (const auto& [line, expected] : std::vector<std::pair<std::string, std::string>>{
             {"nonsense", "not JSON"}, {"[]", "not a JSON object"}, {"{}", "no \"prompt\""}, {"{\"prompt\": 3}", "\"prompt\" is not a string"}, {"{\"prompt\": \"p\"}", "\"responses\""},
             {head + "[\"a\"], \"ranking\": [0]}", "nothing to compare"}, {head + "[\"a\", \"b\"]}", "\"ranking\""}, {head + "[\"a\", \"b\"], \"ranking\": [0]}", "1 numbers for 2"},
             {head + "[\"a\", \"b\"], \"ranking\": [0, 0]}", "0 twice"}, {head + "[\"a\", \"b\"], \"ranking\": [1, 2]}", "holds 2"}, {head + "[\"a\", \"b\"], \"ranking\": [0.5, 1]}", "holds 0.5"},
             {head + "[\"a\", \"b\"], \"ranking\": [-1, 1]}", "holds -1"}, {head + "[\"a\", 7], \"ranking\": [0, 1]}", "not a string"}}) {
        write_file(path, "{\"prompt\": \"p\", \"chosen\": \"x\", \"rejected\": \"y\"}\n" + line + "\n");
        t.check_error([&] { read_rankings(path); }, expected, "refused: " + expected);
        t.check_error([&] { read_rankings(path); }, path + ":2", "with its line");
    }
    write_file(path, "\n");
    t.check_error([&] { read_rankings(path); }, "holds no ranking", "an empty file");
    t.check(parse_order("2 1 3", 3) == std::vector<int>{1, 0, 2} && parse_order(" 3>1, 2 ", 3) == std::vector<int>{2, 0, 1}, "orders as people type them");
    for (const char* bad : {"", "1 2", "1 2 2", "1 2 4", "0 1 2", "a b c", "1 2 3 4", "1 -2 3", "99999999999 1 2"}) t.check(parse_order(bad, 3).empty(), cat("no order: ", bad));
}

inline void test_bradley_terry(Report& t) {
    const std::vector<int> order = {2, 0, 3, 1};
    const auto loss = [&](const std::vector<double>& s) {                     // by the definition
        double sum = 0;
        for (size_t a = 0; a < 4; a++)
            for (size_t b = a + 1; b < 4; b++) sum -= std::log(1 / (1 + std::exp(-(s[size_t(order[a])] - s[size_t(order[b])])))) / 6;
        return sum;
    };
    for (const std::vector<double>& s : {std::vector<double>{0.3, -1.2, 0.9, 0.1}, {0, 0, 0, 0}, {5, -3, -8, 2}}) {
        PairStatistics stats;
        const auto got = bradley_terry(s, order, &stats);
        std::vector<double> want;
        for (size_t i = 0; i < 4; i++) {
            auto up = s, down = s;
            up[i] += 1e-6, down[i] -= 1e-6;
            want.push_back((loss(up) - loss(down)) / 2e-6);
        }
        t.check_at_most(relative_error(got, want), 1e-8, "the slopes are central differences of the loss");
        auto wrong = got;
        wrong[0] = -wrong[0];
        t.check_rejected(relative_error(wrong, want), 1e-8, "one slope of the other sign");
        t.check(std::abs(stats.mean_loss() - loss(s)) < 1e-12, "the loss is its definition");
        auto shifted = s;
        for (double& x : shifted) x += 17.25;
        t.check(relative_error(bradley_terry(shifted, order), got) < 1e-12 && std::abs(got[0] + got[1] + got[2] + got[3]) < 1e-12, "scores have no zero: a shift changes nothing");
    }
    PairStatistics s;
    bradley_terry({0.3, -1.2, 0.9, 0.1}, order, &s);
    t.check(s.accuracy() == 1 && s.sums[PairStatistics::pairs] == 6, "six pairs of four answers, all right");
    s = {};
    bradley_terry({1, 2, 2, 0}, order, &s);              // pairs (2,0) right, (2,3) right, (2,1) a tie, (0,3) right, (0,1) wrong, (3,1) wrong
    t.check(std::abs(s.accuracy() - 3.5 / 6) < 1e-12, "a tie counts half");
    const auto far = bradley_terry({-2000, 2000}, {0, 1}, &s);
    t.check(far[0] == -1 && far[1] == 1 && std::isfinite(s.mean_loss()), "scores far apart overflow nothing");
    PairStatistics c;
    const std::vector<double> x = {1, 4, 2, 7, 3}, y = {10, 12, 9, 30, 11};
    double mx = 17.0 / 5, my = 72.0 / 5, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < 5; i++) c.add_answer(x[i], y[i]), xy += (x[i] - mx) * (y[i] - my), xx += (x[i] - mx) * (x[i] - mx), yy += (y[i] - my) * (y[i] - my);
    t.check(std::abs(c.length_correlation() - xy / std::sqrt(xx * yy)) < 1e-12 && std::abs(c.score_std() - std::sqrt(xx / 5)) < 1e-12, "correlation with length is Pearson's");
}

// ---- the whole chain: scores, slopes, weights, gradients

// dL/dparameters of one ranking's loss by a Trainer-like step, against the loss's slope along that gradient. dpo: the score is beta (log p - ref).
inline void check_chain(Report& t, bool dpo) {
    Config c;
    c.max_T = 12, c.V = 40, c.L = 1, c.NH = 2, c.C = 16, c.scores = !dpo;
    Cpu cpu(1);
    Gpt<Cpu, float> gpt(cpu, c, {48, true});
    ModelOf model(gpt);
    fill_weights(gpt);
    const double scale = dpo ? 0.3 : 1;
    const std::vector<int> order = {1, 2, 0};
    const std::vector<double> reference = dpo ? std::vector<double>{-20, -31, -12} : std::vector<double>(3, 0.0);
    Rng rng(9);
    std::vector<Sequence> rows(3);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 6 + 2 * i; k++) rows[i].ids.push_back(int32_t(rng.below(40))), rows[i].weights.push_back(dpo && k > 2 ? 1.0f : 0.0f);
        rows[i].weights.back() = 1;
    }
    const auto scores = [&](int64_t max_tokens) {
        std::vector<double> s = score_rows(model, {&rows[0], &rows[1], &rows[2]}, max_tokens);
        for (size_t i = 0; i < 3; i++) s[i] = scale * (s[i] - reference[i]);
        return s;
    };
    const auto loss = [&] {
        PairStatistics stats;
        bradley_terry(scores(48), order, &stats);
        return stats.mean_loss();
    };
    const std::string name = dpo ? "DPO" : "a reward model";
    t.check(relative_error(scores(48), scores(12)) < 1e-6, name + ": a row's score does not depend on its neighbours");
    const auto slopes = bradley_terry(scores(48), order);
    std::vector<Sequence> weighted = rows;
    for (size_t i = 0; i < 3; i++)
        for (float& w : weighted[i].weights) w *= float(-slopes[i] * scale);
    gpt.zero_grads();
    for (const MicroBatch& b : make_batches({&weighted[0], &weighted[1], &weighted[2]}, 48, 12)) gpt.accumulate(b.inputs.data(), b.targets.data(), b.weights.data(), b.B, b.T, true);
    gpt.finish_step({}, StepGate::closed());
    const std::vector<float> grads(gpt.grads, gpt.grads + gpt.layout.size);
    for (const Tensor& p : gpt.layout.tensors) {
        double norm = 0;
        for (int64_t i = 0; i < p.real_size; i++) norm += double(grads[size_t(p.offset + i)]) * double(grads[size_t(p.offset + i)]);
        norm = std::sqrt(norm);
        if (norm < 1e-4) continue;                              // an embedding of positions that are hardly used
        std::vector<float> at(size_t(p.size)), moved(size_t(p.size));
        gpt.get_tensor(p, at.data());
        double side[2];
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < at.size(); i++) moved[i] = at[i] + (s ? 1e-2f : -1e-2f) * float(double(grads[size_t(p.offset) + i]) / norm);
            gpt.set_tensor(p, moved.data());
            side[s] = loss();
        }
        gpt.set_tensor(p, at.data());
        const double measured = (side[1] - side[0]) / 2e-2;
        t.check_at_most(std::abs(measured / norm - 1), 3e-2, cat(name, ": ", p.name, ": the gradient is the slope of the loss of the ranking"));
        t.check_rejected(std::abs(-measured / norm - 1), 3e-2, cat(name, ": ", p.name, ": a gradient of the other sign"));
    }
}
inline void test_chain(Report& t) {
    check_chain(t, false);
    check_chain(t, true);
}

// ---- the commands

// An assistant of a moment's training, and rankings in which the larger number is the better answer.
struct Assistant {
    Assistant() {
        std::string text, chat, ranked, held, tasks, replies;
        for (int i = 0; i < 300; i++) text += cat("the user asked ", i % 17, " and the assistant told the user ", i % 17 + 1, ". ");
        for (int i = 0; i < 40; i++) chat += conversation_json({{Role::user, cat("what is ", i, "?")}, {Role::assistant, cat("it is ", i % 10, ".")}}) + "\n";
        for (int i = 0; i < 60; i++) {
            Ranking r{cat("what is ", i, "?"), {}, {}};
            const int most = i % 3;
            for (int k = 0; k < 3; k++) r.responses.push_back(cat("it is ", (k + most) % 3 * 4, k == most ? "!" : "."));
            r.order = {(5 - most) % 3, (4 - most) % 3, (3 - most) % 3};
            (i < 48 ? ranked : held) += ranking_json(r) + "\n";
            tasks += cat("{\"prompt\": \"what is ", i, "?\"}\n");
            for (const auto& response : r.responses) replies += json_text(json{{"prompt", r.prompt}, {"reply", response}}) + "\n";
        }
        write_file(dir / "t.txt", text), write_file(dir / "c.jsonl", chat), write_file(dir / "ranked.jsonl", ranked), write_file(dir / "held.jsonl", held);
        write_file(dir / "prompts.jsonl", tasks), write_file(dir / "replies.jsonl", replies);
        run({"tokenizer", "train", "--input", dir / "t.txt", "--vocab-size", "300", "--out", dir / "tok.json"});
        run({"tokenize", "--tokenizer", dir / "tok.json", "--input", dir / "t.txt", "--out", dir / "data"});
        run({"pretrain", "--data", dir / "data", "--out", dir / "base", "--layers", "1", "--heads", "2", "--channels", "32", "--seq-len", "64", "--batch-size", "4", "--steps", "5", "--device", "cpu", "--dtype", "fp32"});
        run({"sft", "--init", dir / "base", "--data", dir / "c.jsonl", "--out", dir / "sft", "--steps", "30", "--examples", "8", "--lr", "3e-3", "--device", "cpu", "--dtype", "fp32"});
    }
    static Outcome run(const Words& words, const std::string& input = "") {
        program_test::ChildOptions o;
        o.input = input;
        return Child(words, o).wait();
    }
    Words reward(const std::string& command, const std::string& out, const Words& more = {}) const {
        Words w = {"reward"};
        if (!command.empty()) w.push_back(command);
        for (const std::string& x : {std::string("--init"), dir / "sft", std::string("--rankings"), dir / "ranked.jsonl", std::string("--dev"), dir / "held.jsonl", std::string("--out"), dir / out})
            w.push_back(x);
        for (const char* x : {"--steps", "24", "--examples", "8", "--lr", "3e-3", "--checkpoint-every", "8", "--keep", "0", "--eval-every", "12", "--device", "cpu", "--dtype", "fp32"}) w.push_back(x);
        w.insert(w.end(), more.begin(), more.end());
        return w;
    }
    std::vector<json> metrics(const std::string& run) const {
        std::vector<json> all;
        std::istringstream in(read_file(dir / (run + "/metrics.jsonl")));
        for (std::string l; std::getline(in, l);) all.push_back(parse_json_text<json>(l));
        return all;
    }
    std::string weights(const std::string& run, int step = 24) const { return read_file(dir / (run + "/" + checkpoint::step_name(step) + "/model.safetensors")); }
    TempDir dir;
};
inline const Assistant& assistant() {
    static const Assistant a;
    return a;
}

inline void test_training(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Assistant& a = assistant();
    for (const std::string command : {"", "dpo"}) {
        const std::string name = command.empty() ? "reward" : "dpo";
        const auto whole = Assistant::run(a.reward(command, name));
        t.check(whole.status == 0, cat(name, " trains: ", whole.err));
        if (whole.status != 0) return;
        const auto m = a.metrics(name);
        t.check(m.size() == 25 && std::abs(m[1]["loss"].get<double>() - std::log(2.0)) < 1e-6, cat(name, ": it begins at ln 2, where every pair is even"));
        t.check(m[0]["dev"]["accuracy"] == 0.5 && m[24]["dev"]["accuracy"].get<double>() > 0.8 && m[24]["dev"]["loss"].get<double>() < 0.6,
                cat(name, ": held-out pairs are ordered right afterwards ", json_text(m[24]["dev"])));
        t.check(m[24].contains("margin") && m[24].contains("length_correlation") && m[24].contains("chosen_logprob") == (name == "dpo"), "the figures of a step");
        fs::copy(a.dir / name, a.dir / (name + "_part"), fs::copy_options::recursive);
        for (int step : {16, 24}) fs::remove_all(a.dir / (name + "_part/" + checkpoint::step_name(step)));
        const auto resumed = Assistant::run(a.reward(command, name + "_part", {"--resume"}));
        t.check(resumed.status == 0 && resumed.out.find("resumed   at step 8") != std::string::npos && a.weights(name) == a.weights(name + "_part"),
                cat(name, ": a resumed run has the bits of an undisturbed one ", resumed.err));
        t.check(a.weights(name, 16) != a.weights(name), "control: other steps, other weights");
        const auto two = Assistant::run(a.reward(command, name + "_two", {"--gpus", "2", "--batch-size", "2"}));
        const auto r = two.status == 0 ? a.metrics(name + "_two") : m;
        bool same = two.status == 0;
        // other sums, other rounding: 1e-7 at first, which a reward model's new head makes up to 3e-4 at this rate (LOG 2026-11-23)
        const double later = command.empty() ? 1e-3 : 2e-4;
        for (size_t i = 1; same && i < m.size(); i++) same = std::abs(m[i]["loss"].get<double>() - r[i]["loss"].get<double>()) < (i <= 5 ? 1e-6 : later);
        t.check(std::abs(m[4]["loss"].get<double>() - r[5]["loss"].get<double>()) > 2e-3, cat(name, ": control: another step has another loss"));
        t.check(same, cat(name, ": two ranks with smaller micro-batches take the same steps ", two.err));
    }
    const auto dpo = a.metrics("dpo");
    t.check(dpo[0]["dev"]["score"] == 0.0, "DPO's rewards are 0 before the first step: the reference is the model");
}

inline void test_reward_model(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Assistant& a = assistant();
    if (!fs::exists(a.dir / "reward")) Assistant::run(a.reward("", "reward"));
    const std::string dir = a.dir / ("reward/" + checkpoint::step_name(24));
    const auto config = parse_json_text<json>(read_file(dir + "/config.json"));
    t.check(config["architectures"][0] == "GPT2ForSequenceClassification" && config["id2label"].size() == 1, "it is Hugging Face's classifier with one label");
    const SafetensorsFile file(dir + "/model.safetensors");
    const StoredTensor& head = file.at("score.weight");
    t.check(head.shape == std::vector<int64_t>{1, 32} && file.at("transformer.wte.weight").shape[1] == 32, "the head is score.weight (1, C)");
    const auto scored = Assistant::run({"reward", "score", "--model", a.dir / "reward", "--input", a.dir / "ranked.jsonl", "--report", a.dir / "report.json", "--device", "cpu", "--dtype", "fp32"});
    const auto report = parse_json_text<json>(read_file(a.dir / "report.json"));
    t.check(scored.status == 0 && std::abs(report["score"].get<double>()) < 1e-4 && std::abs(report["score_std"].get<double>() - 1) < 1e-3, cat("mean 0, deviation 1 on what it learned from ", json_text(report)));
    const auto line = parse_json_text<json>(scored.out.substr(0, scored.out.find('\n')));
    const auto order = line["ranking"].get<std::vector<int>>();
    t.check(line["scores"].size() == 3 && line["scores"][size_t(order[0])].get<double>() > line["scores"][size_t(order[2])].get<double>(), "a score for each answer, in the order of the ranking");
    // the score of an answer is the same alone and in company, and by hand from the model's last layer
    write_file(a.dir / "one.jsonl", json_text(json{{"prompt", line["prompt"]}, {"response", line["responses"][1]}}) + "\n");
    const auto one = Assistant::run({"reward", "score", "--model", a.dir / "reward", "--input", a.dir / "one.jsonl", "--device", "cpu", "--dtype", "fp32"});
    t.check(one.status == 0 && std::abs(parse_json_text<json>(one.out)["score"].get<double>() - line["scores"][1].get<double>()) < 1e-5, "alone as in company");
    const auto refuse = [&](const Words& words, const std::string& expected, int status) { program_test::check_refused(t, words, status, expected, "refused"); };
    refuse({"generate", "--model", a.dir / "reward", "--prompt", "x"}, "reward model", 1);
    refuse({"sft", "--init", a.dir / "reward", "--data", a.dir / "c.jsonl", "--steps", "1", "--out", a.dir / "x"}, "reward model", 2);
    refuse({"reward", "score", "--model", a.dir / "sft", "--input", a.dir / "one.jsonl"}, "not a reward model", 2);
    refuse({"reward", "score", "--model", a.dir / "reward", "--input", a.dir / "c.jsonl"}, "c.jsonl:1", 1);
    refuse({"convert", "--input", a.dir / "reward", "--out", a.dir / "x.bin"}, "no place", 1);
    refuse({"reward", "--init", a.dir / "sft", "--out", a.dir / "x"}, "--rankings is missing", 2);
    refuse({"reward", "--rankings", a.dir / "ranked.jsonl", "--out", a.dir / "x"}, "--init is missing", 2);
    refuse({"reward", "--init", a.dir / "base", "--rankings", a.dir / "ranked.jsonl", "--out", a.dir / "x"}, "knows no conversations", 1);
    refuse({"reward", "--init", a.dir / "sft", "--rankings", a.dir / "c.jsonl", "--out", a.dir / "x"}, "c.jsonl:1", 1);
    refuse({"reward", "dpo", "--init", a.dir / "reward", "--rankings", a.dir / "ranked.jsonl", "--out", a.dir / "x"}, "reward model", 2);
    t.check(!fs::exists(a.dir / "x"), "nothing is left behind");
}

inline void test_practice(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Assistant& a = assistant();
    if (!fs::exists(a.dir / "reward")) Assistant::run(a.reward("", "reward"));
    const auto rl = [&](const std::string& out, int steps, const Words& more, const std::string& judge = "reward") {
        Words w = {"rl", "--init", a.dir / "sft", "--tasks", a.dir / "prompts.jsonl", "--reward-model", a.dir / judge, "--out", a.dir / out, "--prompts", "4", "--group", "8", "--max-tokens", "10",
                   "--steps", cat(steps), "--lr", "1e-3", "--device", "cpu", "--dtype", "fp32", "--checkpoint-every", "6", "--keep", "0"};
        w.insert(w.end(), more.begin(), more.end());
        return w;
    };
    const auto o = Assistant::run(rl("rl", 12, {"--kl", "k1", "--kl-coef", "0.01", "--sample-every", "12", "--entropy-coef", "0.01"}));
    t.check(o.status == 0 && o.out.find("warning") == std::string::npos && o.out.find("best score") != std::string::npos, cat("rl practises with a reward model: ", o.err));
    if (o.status != 0) return;
    const auto m = a.metrics("rl");
    const auto mean = [&](size_t from, const char* key) { return (m[from][key].get<double>() + m[from + 1][key].get<double>() + m[from + 2][key].get<double>()) / 3; };
    t.check(mean(9, "score") > mean(0, "score"), cat("its score rises: ", mean(0, "score"), " to ", mean(9, "score")));
    // prompts alone: nobody knows what is right, and a refusal is no right answer
    bool unknown = true;
    for (const auto& line : m) unknown = unknown && !line.contains("right") && !line.contains("grade") && !line.contains("groups_all_wrong");
    t.check(unknown && o.out.find("right") == std::string::npos, "what nobody can check is not reported as right or wrong");
    t.check(m[3].contains("reward_model_std") && m[3].contains("reward_kl") && !m[3].contains("reward_check") && m[3].contains("kl_k1"), "the reward is the model's score and the leash");
    const auto best = Assistant::run(rl("best", 2, {"--objective", "best", "--dump-every", "1"}));
    const auto trained = best.status == 0 ? a.metrics("best") : m;
    t.check(best.status == 0 && trained[0]["tokens_trained"].get<double>() > 0 && !trained[0].contains("kl_k1"), cat("best takes the answers with the highest score ", best.err));
    std::istringstream dumped(best.status == 0 ? read_file(a.dir / "best/rollouts/step-000001-rank0.jsonl") : "");
    std::vector<std::pair<double, double>> group;                 // score and advantage
    bool highest = true, null = true;
    for (std::string l; std::getline(dumped, l);) {
        const auto j = parse_json_text<json>(l);
        null = null && j["right"].is_null() && j["grade"].is_null();
        group.emplace_back(j["score"].get<double>(), j["advantage"].get<double>());
        if (group.size() < 8) continue;
        const auto less = [](const auto& x, const auto& y) { return x.first < y.first; };
        const auto top = std::max_element(group.begin(), group.end(), less), lowest = std::min_element(group.begin(), group.end(), less);   // top: the first of several
        for (auto i = group.begin(); i != group.end(); ++i) highest = highest && i->second == double(i == top && i->first > lowest->first);
        group.clear();
    }
    t.check(highest && group.empty(), "of each group the one with the highest score");
    t.check(null, "the dump says null of what is not known");
    const auto shown = Assistant::run({"rl", "show", "--model", a.dir / "best", "--rollouts", a.dir / "best/rollouts/step-000001-rank0.jsonl"});
    t.check(shown.status == 0 && shown.out.find("no grade") != std::string::npos, cat("rl show reads it ", shown.err));
    fs::copy(a.dir / "rl", a.dir / "rl_part", fs::copy_options::recursive);
    fs::remove_all(a.dir / ("rl_part/" + checkpoint::step_name(12)));
    const auto resumed = Assistant::run(rl("rl_part", 12, {"--kl", "k1", "--kl-coef", "0.01", "--sample-every", "12", "--entropy-coef", "0.01", "--resume"}));
    t.check(resumed.status == 0 && a.weights("rl", 12) == a.weights("rl_part", 12), cat("a resumed run has the bits of an undisturbed one ", resumed.err));
    const auto free = Assistant::run(rl("free", 2, {}));
    t.check(free.status == 0 && free.out.find("warning   a reward model without --kl") != std::string::npos, cat("without --kl there is a warning ", free.err));
    const auto bonus = Assistant::run(rl("bonus", 2, {"--entropy-coef", "1"}));
    const auto f = a.metrics("free"), b = a.metrics("bonus");
    t.check(bonus.status == 0 && b[0]["entropy"] == f[0]["entropy"] && b[1]["entropy"].get<double>() > f[1]["entropy"].get<double>(),
            cat("an entropy bonus leaves the policy less decided: ", json_text(b[1]["entropy"]), " against ", json_text(f[1]["entropy"])));
    program_test::check_refused(t, rl("x", 1, {}, "sft"), 2, "not a reward model", "an assistant as a reward model");
    program_test::check_refused(t, rl("x", 1, {"--entropy-coef", "-1"}), 2, "must not be negative", "a negative bonus");
    program_test::check_refused(t, rl("x", 1, {"--objective", "expert"}), 2, "reads no reward", "expert with a reward model");
}

inline void test_label(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    TempDir dir;
    write_file(dir / "a.jsonl", "{\"prompt\": \"p\", \"reply\": \"one\"}\n{\"prompt\": \"q\", \"reply\": \"red\"}\n{\"prompt\": \"lonely\", \"reply\": \"x\"}\n{\"prompt\": \"r\", \"responses\": [\"u\", \"v\"]}\n");
    write_file(dir / "b.jsonl", "{\"prompt\": \"p\", \"response\": \"two\"}\n{\"prompt\": \"p\", \"reply\": \"one\"}\n{\"prompt\": \"q\", \"reply\": \"blue\"}\n");
    const Words words = {"reward", "label", "--responses", dir / "a.jsonl", dir / "b.jsonl", "--out", dir / "out.jsonl"};
    const auto first = Assistant::run(words, "nonsense\n2 1\nq\n");
    t.check(first.status == 0 && first.out.find("each of the numbers") != std::string::npos && first.out.find("1 ranked, 0 skipped") != std::string::npos, cat("a wrong order is asked again ", first.out, first.err));
    auto r = read_rankings(dir / "out.jsonl");
    const auto shown = [&](const std::string& out, int number) {              // the answer that stood behind "  N)  "
        const size_t at = out.find(cat("  ", number, ")  ")) + 6;
        return out.substr(at, out.find('\n', at) - at);
    };
    t.check(r.size() == 1 && r[0].prompt == "p" && r[0].responses.size() == 2 && r[0].responses[size_t(r[0].order[0])] == shown(first.out, 2), "the best is the one that the person named first");
    t.check(first.out.find("a.jsonl") == std::string::npos && first.out.find("b.jsonl") == std::string::npos, "blind: nobody says whose answer it is");
    const auto second = Assistant::run(words, "s\n1 2\n");
    r = read_rankings(dir / "out.jsonl");
    t.check(second.status == 0 && second.out.find("] p\n") == std::string::npos && r.size() == 2 && r[1].prompt == "r" && second.out.find("1 ranked, 1 skipped, 1 with fewer") != std::string::npos,
            cat("what is ranked is not asked again; s skips; the end of input ends it ", second.out));
    write_file(dir / "prompts.jsonl", "{\"prompt\": \"q\"}\n");
    Words chosen = words;
    for (const std::string& w : {std::string("--prompts"), dir / "prompts.jsonl"}) chosen.push_back(w);
    const auto third = Assistant::run(chosen, "1 2\n");
    t.check(third.status == 0 && read_rankings(dir / "out.jsonl").size() == 3 && third.out.find("[1/1] q") != std::string::npos, cat("--prompts names them ", third.out));
    // which of two answers stands first is a matter of chance
    std::string many;
    for (int i = 0; i < 60; i++) many += cat("{\"prompt\": \"p", i, "\", \"responses\": [\"first\", \"second\"]}\n");
    write_file(dir / "many.jsonl", many);
    std::string ones;
    for (int i = 0; i < 60; i++) ones += "1 2\n";
    Assistant::run({"reward", "label", "--responses", dir / "many.jsonl", "--out", dir / "many_out.jsonl"}, ones);
    int64_t wins = 0;
    for (const Ranking& x : read_rankings(dir / "many_out.jsonl")) wins += x.responses[size_t(x.order[0])] == "first";
    t.check(wins > 15 && wins < 45, cat("who always types 1 2 prefers nobody: ", wins, " of 60"));
    write_file(dir / "bad.jsonl", "{\"prompt\": \"p\"}\n");
    program_test::check_refused(t, {"reward", "label", "--responses", dir / "bad.jsonl", "--out", dir / "x"}, 1, "bad.jsonl:1", "a prompt without an answer");
    program_test::check_refused(t, {"reward", "label", "--out", dir / "x"}, 2, "--responses and --out", "no responses");
}

// ---- jokes

inline void test_jokes(Report& t) {
    const std::string prompt = "Tell me a joke about a pelican and a bucket at night.";
    struct Case {
        const char* joke;
        double worth;
    };
    const Case cases[] = {
        {"A pelican dozed by the pier\nand traded the bucket for beer.", 1},               // all
        {"a Pelican dozed by the pier / and traded the BUCKET for beer", 1},               // whatever its case and line end
        {"A gull dozed by the pier\nand traded the bucket for beer.", 2.5 / 3},            // another bird
        {"A pelican dozed by the pier\nand traded the ladder for beer.", 2.5 / 3},         // another thing
        {"A pelican dozed by the pier\nand traded the bucket for tea.", 2.0 / 3},          // no rhyme
        {"A pelican dozed by the sea\nand hid the bucket behind the quay.", 2.0 / 3},      // no surprise
        {"A pelican dozed by the sea\nand hid the bucket behind the lake.", 1.0 / 3},      // neither
        {"A pelican dozed by the tea\nand traded the bucket for bee.", 2.0 / 3},           // both lines end elsewhere: a rhyme, no surprise
        {"A pelican dozed by the beer\nand traded the bucket for beer.", 0.5 / 3},         // the same word: no rhyme, and babble
        {"A pelican and a bucket.", 1.0 / 3},                                              // one line
        {"", 0}, {"the the the the", 0}, {"pelican pelican bucket bucket", 1.0 / 3 / 4},
        {"A pelican dozed by the pier\nand traded the bucket for qwzx beer.", 0.5},        // a word that is none
        {"A pelican dozed by the pier\nand traded the bucket for beer\nlike a goat.", 0.5} // a third line
    };
    for (const Case& c : cases) t.check(std::abs(jokes::worth(prompt, c.joke) - c.worth) < 1e-12, cat("worth ", c.worth, ", not ", jokes::worth(prompt, c.joke), ": ", c.joke));
    std::set<std::string> prompts[3];
    double sum = 0;
    int64_t babble = 0, perfect = 0;
    for (const jokes::Pool pool : {jokes::train, jokes::dev, jokes::test})
        for (uint64_t i = 0; i < 400; i++) {
            const auto d = jokes::demonstration(1, pool, i);
            const auto r = jokes::ranked(1, pool, i);
            prompts[pool].insert(d.prompt), prompts[pool].insert(r.prompt);
            const auto j = jokes::judge(d.prompt, d.joke);
            sum += j.worth() / 1200, babble += j.babble, perfect += j.worth() == 1;
            bool falls = r.responses.size() == 4;
            for (size_t k = 0; k + 1 < 4; k++) falls = falls && jokes::worth(r.prompt, r.responses[size_t(r.order[k])]) > jokes::worth(r.prompt, r.responses[size_t(r.order[k + 1])]);
            t.check(falls, "a ranking falls strictly in worth");
            t.check(!jokes::thing_of(d.prompt).empty(), "a prompt asks for a thing");
        }
    t.check(babble == 0, "no joke of the world babbles: nobody ever ranks babble");
    t.check(sum > 0.4 && sum < 0.65 && perfect > 30, cat("they are as good as they happen to be: mean ", sum));
    for (const auto& p : prompts[0]) t.check(prompts[1].count(p) + prompts[2].count(p) == 0, "train, dev and test share no prompt");
    t.check(jokes::demonstration(1, jokes::train, 5).joke == jokes::demonstration(1, jokes::train, 5).joke && jokes::demonstration(2, jokes::train, 5).joke != jokes::demonstration(1, jokes::train, 5).joke,
            "a function of the seed");
    TaskItem item;
    item.prompt = prompt, item.answerable = false, item.check = "jokes";
    t.check(is_right(item, cases[0].joke) && !is_right(item, cases[2].joke) && !is_right(item, "I don't know.") && std::abs(grade(item, cases[2].joke) - 2.5 / 3) < 1e-12, "a task names its checker");
    item.check = "nobody";
    t.check_error([&] { grade(item, "x"); }, "no such checker", "an unknown checker");
    item.check = "", item.answerable = true, item.answer = "3";
    t.check(grade(item, "3") == 1 && grade(item, "4") == 0, "where nothing is better or worse, right is 1");
}

}  // namespace reward_test

inline Suite reward_tests() {
    using namespace reward_test;
    return {
        {"reward: rankings are read, and broken ones refused by line", test_rankings},
        {"reward: the slopes of Bradley-Terry are those of its loss", test_bradley_terry},
        {"reward: the gradients of a ranking's loss are its slopes, for a reward model and for DPO", test_chain},
        {"reward: the hidden rule of jokes, by hand", test_jokes},
        {"reward: reward and dpo learn an order, resume to the same bits, and ranks agree", test_training},
        {"reward: a reward model is Hugging Face's classifier, centred, and writes no text", test_reward_model},
        {"reward: rl practises with a reward model, with a leash, a warning and an entropy bonus", test_practice},
        {"reward: a person orders answers over a pipe, blind, and goes on later", test_label},
    };
}
