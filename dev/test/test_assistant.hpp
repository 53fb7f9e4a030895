// dev/test/test_assistant.hpp -- around the assistant: the chat template of Hugging Face, checked answers, the counting of eval and probe, and the
// commands sft, probe, eval and chat from outside.
//
// The commands work on a model of one small layer that is trained here for a moment: what it says is nonsense, and everything about it can be
// checked: bits after a resume, errors by file and line, files that are whole.
#pragma once

#include "../../probe.hpp"
#include "reward_cases.hpp"
#include "test_chat.hpp"
#include "test_program.hpp"

namespace assistant_test {

using program_test::Child;
using program_test::Words;
using program_test::binary;

inline void test_template(Report& t) {
    const chat_test::Protocol p;
    const auto rows = parse_json_text<nlohmann::ordered_json>(read_file("dev/ref/fixtures/chat_template.json"));
    for (const auto& row : rows) {
        Conversation c;
        for (const auto& m : row["messages"]) {
            Message message{conversations::role_from(m["role"], ""), m["content"], m.value("thinking", ""), {}};
            if (m.contains("tool_calls")) message.call = conversations::call_from(m["tool_calls"], "");
            c.push_back(message);
        }
        const auto ids = row["ids"].get<std::vector<int32_t>>(), open = row["open"].get<std::vector<int32_t>>();
        t.check(p.format.render(c).ids == ids, cat("apply_chat_template gives the same ids: ", c.size(), " messages"));
        t.check(p.format.render(c, true).ids == open, "and with the generation prompt");
        c[0].content += " ";
        t.check(p.format.render(c).ids != ids, "control: a space more is another row");
    }
    t.check(rows.size() == 5, "five conversations");
}

// ---- checked answers

inline void test_rewards(Report& t) {
    int64_t right = 0;
    for (const RewardCase& c : kRewardCases) {
        TaskItem item;
        item.prompt = c.prompt, item.answer = c.answer;
        const bool got = is_right(item, c.reply);
        right += got;
        t.check(got == c.right, cat("\"", c.answer, "\" answered by \"", c.reply, "\" is ", c.right ? "right" : "wrong"));
    }
    t.check(std::size(kRewardCases) >= 200 && right > 60 && right < int64_t(std::size(kRewardCases)) - 60, "control: the table holds both kinds");
    // every town in one breath is no answer
    std::string all;
    for (int i = 0; i < 60; i++) all += cat("Town", i, " ");
    TaskItem item;
    item.answer = "Foxley";
    t.check(!is_right(item, all + "Foxley"), "a list of everything is not right");
    item.answerable = false;
    t.check(is_right(item, "I don't know that, sorry.") && is_right(item, "I am afraid I do not know.") && !is_right(item, "She was born in Foxley."), "what nobody knows must be declined");
    for (const char* s : kDeclineAnswers) t.check(is_right(item, s) && declines(s), cat("declines: ", s));
    for (const DeclineCase& c : kDeclineCases) {
        item.prompt = c.prompt;
        t.check(is_right(item, c.reply) == c.right, cat("nobody knows; \"", c.reply, "\" is ", c.right ? "right" : "wrong"));
    }
    t.check(rewards::admits_ignorance("I don't know. She was born in Foxley.") && !declines("I don't know. She was born in Foxley."), "control: an invention with a hedge is no refusal");
    for (const char* s : {"I know.", "Foxley, I think.", "He does not know the town."}) t.check(!declines(s), cat("control: does not decline: ", s));
}

inline void test_tasks(Report& t) {
    TempDir dir;
    const std::string path = dir / "tasks.jsonl";
    write_file(path, "{\"prompt\": \"p\", \"answer\": \"a\", \"task\": \"x\", \"difficulty\": 3}\n{\"question\": \"q\", \"answer\": \"1 + 1 = <<1+1=2>>2\\n#### 2\"}\n"
                     "{\"instruction\": \"i\", \"input\": \"j\", \"answer\": 7.5}\n{\"prompt\": \"who\", \"answer\": null}\n");
    const auto items = read_tasks(path);
    t.check(items.size() == 4 && items[0].task == "x" && items[0].difficulty == 3 && items[1].prompt == "q" && rewards::canonical_number(items[1].answer) == "2", "prompt and question");
    t.check(items[2].prompt == "i\nj" && items[2].answer == "7.5" && items[2].task == "tasks" && !items[3].answerable, "instruction, numbers and what cannot be known");
    for (const auto& [line, expected] : {std::pair{"{\"answer\": \"x\"}", "no \"prompt\""}, {"{\"prompt\": \"x\"}", "no \"answer\""}, {"{\"prompt\": \"x\", \"answer\": []}", "neither"},
                                         {"{\"prompt\": \"x\", \"answer\": \"\"}", "empty"}, {"nonsense", "not JSON"}}) {
        write_file(path, cat("{\"prompt\": \"p\", \"answer\": \"a\"}\n", line, "\n"));
        t.check_error([&] { read_tasks(path); }, expected, cat("refused: ", expected));
        t.check_error([&] { read_tasks(path); }, cat(path, ":2"), "with its line");
    }
    // worked solutions: the answer is marked, in either way; the last mark counts, whatever braces are in it
    for (const auto& [solution, answer] : {std::pair{"5 + 5 = 10, so \\\\boxed{10}.", "10"}, {"\\\\boxed{4} + 6 = \\\\boxed{10}", "10"}, {"#### \\\\boxed{10}", "10"},
                                           {"\\\\boxed{\\\\frac{1}{2}}", "\\frac{1}{2}"}, {"\\\\boxed{\\\\text{New Elm}}", "\\text{New Elm}"}, {"\\\\boxed{9}\\n#### 10", " 10"}}) {
        write_file(path, cat("{\"question\": \"q\", \"answer\": \"", solution, "\"}\n"));
        const TaskItem worked = read_tasks(path)[0];
        t.check(worked.answer == answer && is_right(worked, cat("\\boxed{", answer, "}")) && !is_right(worked, "9"), cat("a solution ", solution, " has the answer ", answer));
    }
    write_file(path, "{\"question\": \"q\", \"answer\": \"5 + 5 = \\\\boxed{10\"}\n");
    t.check_error([&] { read_tasks(path); }, "empty", "a box that is never closed holds no answer");
    // a prompt alone: nobody can say what is right; "answer": null says that it must be declined, a checker what is good
    write_file(path, "{\"prompt\": \"p\"}\n{\"prompt\": \"q\", \"answer\": null}\n{\"prompt\": \"Tell me a joke about a pelican and a bucket.\", \"answer\": null, \"check\": \"jokes\"}\n{\"prompt\": \"r\", \"answer\": \"s\"}\n");
    const auto alone = read_tasks(path, true);
    t.check(!can_be_checked(alone[0]) && can_be_checked(alone[1]) && can_be_checked(alone[2]) && can_be_checked(alone[3]), "what can be checked");
    t.check_error([&] { read_tasks(path); }, "no \"answer\"", "a prompt alone is no task");
    write_file(path, "");
    t.check_error([&] { read_tasks(path); }, "holds no task", "an empty file");
}

inline void test_statistics(Report& t) {
    // Wilson's interval against the values of its equation solved by bisection: |p - x| = z sqrt(x (1 - x) / n)
    for (const auto& [right, n] : {std::pair{0.0, 10.0}, {5.0, 10.0}, {10.0, 10.0}, {37.0, 50.0}, {1.0, 1000.0}}) {
        auto solve = [&, p = right / n, size = n](double low, double high, bool upper) {
            for (int i = 0; i < 200; i++) {
                const double x = (low + high) / 2, gap = std::abs(p - x) - 1.959964 * std::sqrt(x * (1 - x) / size);
                ((gap > 0) == upper ? high : low) = x;
            }
            return (low + high) / 2;
        };
        const Interval i = wilson_interval(right, n);
        const double p = right / n;
        t.check(std::abs(i.high - (p < 1 ? solve(p, 1, true) : 1)) < 1e-6 && std::abs(i.low - (p > 0 ? solve(0, p, false) : 0)) < 1e-6, cat("Wilson's interval of ", right, " of ", n));
    }
    // pass@k against counting all subsets
    for (int n = 1; n <= 8; n++)
        for (int c = 0; c <= n; c++)
            for (int k = 1; k <= n; k++) {
                int subsets = 0, hit = 0;
                for (int bits = 0; bits < 1 << n; bits++)
                    if (__builtin_popcount(unsigned(bits)) == k) subsets++, hit += (bits & ((1 << c) - 1)) != 0;
                t.check(std::abs(pass_at_k(n, c, k) - double(hit) / subsets) < 1e-12, "pass@k equals the share of subsets with a right answer");
            }
    TaskItem item;
    item.answer = "3";
    auto replies = [](std::initializer_list<const char*> texts) {
        std::vector<Reply> all;
        for (const char* s : texts) all.push_back({s, true, false, 2, 0, {}});
        return all;
    };
    Score score;
    score.add(item, replies({"3", "4", "3", "5"}));
    score.add(item, replies({"4", "4", "3", "I don't know"}));
    t.check(score.mean() == 0.375 && Score::mean(score.majority) == 0.5 && score.declined == 1, "a majority is the most frequent answer");
    t.check(std::abs(Score::mean(score.pass[2]) - (pass_at_k(4, 2, 2) + pass_at_k(4, 1, 2)) / 2) < 1e-12 && Score::mean(score.tokens) == 2, "pass@2 and tokens");
    const Interval i = score.interval();
    t.check(std::abs(i.high - i.low - 2 * 1.959964 * 0.125) < 1e-6, "an interval over questions, not over samples");
    Score three;
    three.add(item, replies({"3", "4", "4"}));
    t.check(three.pass.size() == 3 && Score::mean(three.pass[3]) == 1 && std::abs(Score::mean(three.pass[2]) - 2.0 / 3) < 1e-12, "pass@1, @2, @4 and so on, and @n");
    // a reply that does not count is wrong whatever it says, and has no vote
    auto cut = replies({"3", "3", "4"});
    cut[0].counts = cut[1].counts = false, cut[0].truncated = cut[1].truncated = true;
    Score unended, longer;
    unended.add(item, cut);
    t.check(unended.mean() == 0 && unended.truncated == 2, "what was not ended is worth nothing");
    cut.push_back(cut[2]), cut.push_back(replies({"3"})[0]), cut.push_back(cut.back()), cut.push_back(cut.back());
    longer.add(item, cut);                                   // 3 and 3 not ended, 4, 4, 3, 3, 3
    t.check(std::abs(longer.mean() - 3.0 / 7) < 1e-12 && Score::mean(longer.majority) == 1, "and does not vote: the first 3 that counts decides");
}

// One rule for turns that were not ended, wherever a turn is judged.
inline void test_unended_turns(Report& t) {
    const chat_test::Protocol p;
    const ChatTokens& k = p.tokens;
    chat_test::ScriptedModel model(p, 96);
    TaskItem item;
    item.prompt = "how many", item.answer = "4";
    const int64_t header = int64_t(p.format.render({{Role::user, item.prompt}}, true).ids.size());
    const int32_t four = p.tokenizer.encode("4")[0], end_of_text = p.tokenizer.end_of_text();
    std::vector<int32_t> tool = {k.python_start, four, k.python_end};
    for (const int32_t id : p.format.tool_output("4")) tool.push_back(id);
    auto tool_then = [&](std::initializer_list<int32_t> more) {
        std::vector<int32_t> ids = tool;
        ids.insert(ids.end(), more);
        return ids;
    };
    struct Case {
        std::vector<int32_t> script;
        int64_t max_tokens;
        bool ended, right;
        const char* what;
    };
    const Case cases[] = {{{four, k.im_end}, 8, true, true, "ended by <|im_end|>"},
                          {{four, end_of_text}, 8, false, false, "ended by <|endoftext|>"},
                          {{four, k.im_end}, 1, false, false, "cut off before its end"},
                          {tool_then({four, k.im_end}), 8, true, true, "a tool's output and an answer"},
                          {tool_then({end_of_text}), 8, false, false, "a tool's output and <|endoftext|>"},
                          {tool, 3, false, false, "a tool's output where it is cut off"},
                          {tool_then({k.im_end}), 8, true, false, "a tool's output and nothing said"}};
    t.check(end_of_text >= 0, "the vocabulary can give up");
    for (const Case& c : cases) {
        model.say(c.script, header);
        Asker asker(model.model, p.tokenizer, &p.format, 2);
        AskOptions options;
        options.max_tokens = c.max_tokens;
        const Reply r = asker.ask({item.prompt}, options, [](int64_t, const ToolCall&) { return ToolOutput{"4"}; })[0][0];
        t.check(r.counts == c.ended && r.truncated == !c.ended, cat(c.what, c.ended ? ": ended" : ": truncated"));
        t.check(grade(item, r) == double(c.right), cat(c.what, c.right ? ": right" : ": worth nothing"));
        Score score;
        score.add(item, {r});
        t.check(score.mean() == double(c.right), cat(c.what, ": the same in eval"));
        ProbedFact fact;
        fact.questions = {item.prompt}, fact.item = item;
        ProbeConfig config;
        config.samples = 1;
        std::vector<ProbedFact> facts = {fact};
        probe_facts(facts, config, [&](const std::vector<std::string>&, int64_t) { return std::vector<std::vector<Reply>>{{r}}; }, compare_words);
        t.check(facts[0].right == c.right && facts[0].known == c.right, cat(c.what, ": the same in probe"));
    }
    // a base model, asked in plain text, has no end that it could miss
    std::vector<int32_t> plain = stop_ids(p.tokenizer);
    p.tokenizer.encode_append(plain, item.prompt);
    model.say({four}, int64_t(plain.size()));
    Asker asker(model.model, p.tokenizer, nullptr, 2);
    AskOptions o;
    o.max_tokens = 1, o.prompt_template = "{prompt}", o.stop = {"\n"};
    const Reply r = asker.ask({item.prompt}, o)[0][0];
    t.check(r.truncated && r.counts && grade(item, r) == 1, "plain text that is cut off is judged as it stands");
}

// ---- probe

inline void test_probe(Report& t) {
    TempDir dir;
    ProbeConfig c;
    c.samples = 4, c.teach_fraction = 1, c.out = dir / "probe";
    write_file(dir / "facts.jsonl", "{\"question\": \"Where was Ada born?\", \"questions\": [\"Where was Ada born?\", \"Ada's birthplace?\"], \"value\": \"Foxley\"}\n"
                                    "{\"question\": \"Who is Bob?\", \"answer\": \"baker\"}\n{\"question\": \"Who is Cleo?\", \"answer\": \"nurse\"}\n{\"question\": \"Who is Nobody?\", \"answer\": null}\n");
    auto facts = read_facts({dir / "facts.jsonl"}, 0);
    // the script: Ada is known (3 of 4), Bob half (2 of 4), Cleo never, once declined; Nobody is invented three times
    const std::map<std::string, std::vector<std::string>> script = {
        {"Where was Ada born?", {"Ada was born in Foxley.", "In Elm."}}, {"Ada's birthplace?", {"Foxley.", "Her birthplace is Foxley."}},
        {"Who is Bob?", {"A baker.", "A smith.", "Bob is a baker.", "A miller."}}, {"Who is Cleo?", {"A cook.", "I don't know.", "A smith.", "A cook."}},
        {"Who is Nobody?", {"A king.", "I don't know.", "A cook.", "A baker."}}};
    std::map<std::string, size_t> asked;
    const AskFacts ask = [&](const std::vector<std::string>& prompts, int64_t samples) {
        std::vector<std::vector<Reply>> replies;
        for (const auto& p : prompts) replies.push_back({Reply{script.at(p)[asked[p]++]}});
        t.check(samples == 1, "one sample for each prompt");
        return replies;
    };
    probe_facts(facts, c, ask, compare_words);
    t.check(asked["Where was Ada born?"] == 2 && asked["Ada's birthplace?"] == 2 && asked["Who is Bob?"] == 4, "the wordings take turns");
    auto unended = read_facts({dir / "facts.jsonl"}, 0);
    probe_facts(unended, c, [](const std::vector<std::string>& prompts, int64_t) {
        Reply r{"Foxley."};
        r.counts = false;
        return std::vector<std::vector<Reply>>(prompts.size(), {r});
    }, compare_words);
    t.check(unended[0].right == 0 && !unended[0].known, "an answer that was cut off is not known");
    t.check(facts[0].known && facts[1].known && !facts[2].known && !facts[3].known, "known: at least half right");
    t.check(facts[0].right == 3 && facts[1].right == 2 && facts[2].right == 0 && facts[2].declined == 1 && facts[3].right == 0 && facts[3].declined == 1, "right and declined are counted");
    const ProbeRates r = probe_rates(facts, true);
    t.check(r.known_facts == 2 && r.unknown_facts == 2 && r.invented == 6.0 / 8 && r.declined_unknown == 2.0 / 8 && r.declined_known == 0 && r.right_known == 5.0 / 8 && r.right_answered == 5.0 / 14,
            "hallucination rate, refusals and accuracy, by hand");
    const auto teach = teaching_conversations(facts, c);
    int64_t declined = 0;
    for (const Conversation& x : teach) {
        t.check(conversation_problem(x).empty(), "a conversation");
        declined += declines(x[1].content);
        if (!declines(x[1].content))
            t.check(x[1].content.find("Foxley") != std::string::npos || x[1].content.find("baker") != std::string::npos, "known facts are answered with a right answer of the model's own");
    }
    t.check(teach.size() == 4 && declined == 2, "as many known as unknown ones");
    auto fewer = facts;
    fewer.pop_back();
    t.check(teaching_conversations(fewer, c).size() == 2, "the rarer kind sets the number");
    c.teach_fraction = 0;
    auto none = read_facts({dir / "facts.jsonl"}, 0);
    asked.clear();
    probe_facts(none, c, ask, compare_words);
    t.check(teaching_conversations(none, c).empty() && probe_rates(none, false).known_facts == 2, "nothing is taught of facts that are held back");
    c.teach_fraction = 1;
    write_probe(c, facts);
    t.check(read_conversations(c.out + "/teach.jsonl").size() == 4, "the conversations are a file");
    // afterwards: the marks of before decide what counts as known
    auto after = read_facts({dir / "facts.jsonl"}, 0);
    probe_facts(after, c, [&](const std::vector<std::string>& prompts, int64_t) { return std::vector<std::vector<Reply>>(prompts.size(), {Reply{"I don't know."}}); }, compare_words);
    t.check(probe_rates(after, true).known_facts == 0, "a model that declines all knows nothing by its own marks");
    take_marks(after, c.out + "/facts.jsonl");
    const ProbeRates a = probe_rates(after, true);
    t.check(a.known_facts == 2 && a.declined_known == 1 && a.declined_unknown == 1 && a.invented == 0, "with the marks of before, it refuses what it knew");
    write_file(dir / "other.jsonl", "{\"question\": \"x\", \"answer\": \"y\", \"known\": true, \"taught\": true}\n");
    // --limit and --teach-fraction choose independently
    std::string many;
    for (int i = 0; i < 400; i++) many += cat("{\"question\": \"q", i, "\", \"answer\": \"a", i, "\"}\n");
    write_file(dir / "many.jsonl", many);
    auto some = read_facts({dir / "many.jsonl"}, 100);
    c.teach_fraction = 0.5f, c.samples = 1;
    probe_facts(some, c, [](const std::vector<std::string>& prompts, int64_t) { return std::vector<std::vector<Reply>>(prompts.size(), {Reply{"x"}}); }, compare_words);
    const auto taught = std::count_if(some.begin(), some.end(), [](const ProbedFact& f) { return f.taught; });
    t.check(some.size() == 100 && taught > 30 && taught < 70, cat("of 100 facts that --limit chose, about half are taught: ", taught));
    t.check_error([&] { take_marks(after, dir / "other.jsonl"); }, "marks none", "marks of other facts are refused");
    write_file(dir / "bad.jsonl", "{\"questions\": [], \"answer\": \"y\"}\n");
    t.check_error([&] { read_facts({dir / "bad.jsonl"}, 0); }, "bad.jsonl:1", "a fact without a question is named");
}

// ---- the commands from outside

// A base model of a moment's training, with its vocabulary.
struct Base {
    Base() {
        std::string text;
        for (int i = 0; i < 300; i++) text += cat("the user asked ", i % 17, " and the assistant told the user ", i % 17 + 1, ". ");
        write_file(dir / "t.txt", text);
        run({"tokenizer", "train", "--input", dir / "t.txt", "--vocab-size", "300", "--out", dir / "tok.json"});
        run({"tokenize", "--tokenizer", dir / "tok.json", "--input", dir / "t.txt", "--out", dir / "data"});
        run({"pretrain", "--data", dir / "data", "--out", dir / "base", "--layers", "1", "--heads", "2", "--channels", "32", "--seq-len", "64", "--batch-size", "4", "--steps", "5", "--device", "cpu"});
        std::string c;
        for (int i = 0; i < 60; i++)
            c += conversation_json({{Role::user, cat("what is ", i, "?")}, {Role::assistant, cat("it is ", i + 1, ".")}}) + "\n";
        write_file(dir / "c.jsonl", c);
    }
    static program_test::Outcome run(const Words& words, const std::string& input = "") {
        program_test::ChildOptions o;
        o.input = input;
        return Child(words, o).wait();
    }
    Words sft(const std::string& out, const Words& more = {}) const {
        Words w = {"sft", "--init", dir / "base", "--data", dir / "c.jsonl", "--out", dir / out, "--steps", "12", "--examples", "8", "--lr", "1e-3", "--eval-every", "4", "--device", "cpu"};
        w.insert(w.end(), more.begin(), more.end());
        return w;
    }
    TempDir dir;
};
inline const Base& base() {
    static const Base b;
    return b;
}

inline void test_sft_command(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Base& b = base();
    const auto whole = Base::run(b.sft("whole", {"--checkpoint-every", "5", "--keep", "0", "--sample-every", "12"}));
    t.check(whole.status == 0 && whole.out.find("answers after step 12") != std::string::npos, cat("sft trains: ", whole.err));
    const auto weights = [&](const std::string& run, int step) { return read_file(b.dir / (run + "/" + checkpoint::step_name(step) + "/model.safetensors")); };
    // stop after 5 of 12 steps by removing what came later, go on
    fs::copy(b.dir / "whole", b.dir / "part", fs::copy_options::recursive);
    for (int step : {10, 12}) fs::remove_all(b.dir / cat("part/", checkpoint::step_name(step)));
    const auto resumed = Base::run(b.sft("part", {"--checkpoint-every", "5", "--keep", "0", "--sample-every", "12", "--resume"}));
    t.check(resumed.status == 0 && resumed.out.find("resumed   at step 5") != std::string::npos, cat("it goes on at step 5: ", resumed.err));
    t.check(weights("whole", 12) == weights("part", 12), "a resumed run has the bits of an undisturbed one");
    t.check(weights("whole", 10) != weights("whole", 12), "control: other steps, other weights");
    const auto two = Base::run(b.sft("two", {"--checkpoint-every", "5", "--keep", "0", "--sample-every", "12", "--gpus", "2", "--batch-size", "1"}));
    const auto losses = [&](const std::string& run) {
        std::vector<double> all;
        std::istringstream in(read_file(b.dir / (run + "/metrics.jsonl")));
        for (std::string l; std::getline(in, l);) all.push_back(parse_json_text<nlohmann::ordered_json>(l)["loss"]);
        return all;
    };
    t.check(two.status == 0 && relative_error(losses("two"), losses("whole")) < 1e-5, cat("two ranks with smaller micro-batches have the same losses ", two.err));
    // what the checkpoint holds
    const std::string dir = b.dir / ("whole/" + checkpoint::step_name(12));
    const auto config = parse_json_text<nlohmann::ordered_json>(read_file(dir + "/tokenizer_config.json"));
    const auto generation = parse_json_text<nlohmann::ordered_json>(read_file(dir + "/generation_config.json"));
    t.check(config["chat_template"] == kChatTemplate && generation["eos_token_id"].size() == 2 && generation["eos_token_id"][0] == 302, "the template and the end of a turn are in the directory");
    const auto state = parse_json_text<nlohmann::ordered_json>(read_file(dir + "/state.json"));
    t.check(state["stage"] == "sft" && state["lineage"].size() == 1 && state["lineage"][0]["stage"] == "pretrain", "the lineage names the stage before");
    t.check(parse_json_text<nlohmann::ordered_json>(read_file(dir + "/config.json"))["vocab_size"] == 311, "eleven tokens more than the base model");
    // early stopping keeps the best
    const auto stopped = Base::run(Words{"sft", "--init", b.dir / "base", "--data", b.dir / "c.jsonl", "--out", b.dir / "patient", "--steps", "40", "--examples", "8", "--patience", "1", "--lr", "0.5", "--grad-clip",
                                   "0", "--skip-z", "0", "--eval-every", "1", "--device", "cpu"});
    t.check(stopped.status == 0 && stopped.out.find("stopped early") != std::string::npos, cat("a loss that rises ends the training: ", stopped.err));
}

inline void test_sft_mistakes(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Base& b = base();
    write_file(b.dir / "bad.jsonl", read_file(b.dir / "c.jsonl") + "{\"messages\": 1}\n");
    const auto broken = b.dir / "bad.jsonl";
    auto refused = [&](const Words& words, const std::string& expected, int status) {
        const auto o = Base::run(words);
        t.check(o.status == status && o.err.find(expected) != std::string::npos && std::count(o.err.begin(), o.err.end(), '\n') <= 2, cat("refused with ", status, ": ", expected, " (", o.status, ": ", o.err, ")"));
    };
    refused({"sft", "--init", b.dir / "base", "--data", broken, "--out", b.dir / "x"}, "bad.jsonl:61: ", 1);
    refused({"sft", "--init", b.dir / "base", "--data", b.dir / "absent", "--out", b.dir / "x"}, "cannot be read", 1);
    refused({"sft", "--init", b.dir / "base", "--data", (b.dir / "c.jsonl") + ":-1", "--out", b.dir / "x"}, "expected a weight above 0", 2);
    refused({"sft", "--data", b.dir / "c.jsonl", "--out", b.dir / "x"}, "--init is missing", 2);
    refused({"sft", "--init", b.dir / "base", "--out", b.dir / "x"}, "--data is missing", 2);
    refused({"sft", "--init", b.dir / "base", "--data", b.dir / "c.jsonl", "--seq-len", "65", "--out", b.dir / "x"}, "longer than the model's context", 2);
    refused({"sft", "--init", b.dir / "base", "--data", b.dir / "c.jsonl", "--patience", "2", "--out", b.dir / "x"}, "--patience needs --eval-every", 2);
    refused({"sft", "--init", b.dir / "base", "--data", b.dir / "c.jsonl", "--identity", "Finch", "--out", b.dir / "x"}, "belong together", 2);
    refused(b.sft("base", {}), "holds a run already", 2);
    t.check(!fs::exists(b.dir / "x"), "nothing is left behind");
    Words skipping = b.sft("skipping", {"--skip-bad"});
    skipping[4] = broken;
    const auto o = Base::run(skipping);
    t.check(o.status == 0 && o.out.find("1 bad lines") != std::string::npos, cat("--skip-bad counts it and goes on ", o.err));
    refused({"chat", "--model", b.dir / "base"}, "knows no conversations", 1);
    refused({"probe", "--model", b.dir / "base"}, "are needed", 2);
    refused({"eval", "--model", b.dir / "base", "--tasks", b.dir / "c.jsonl"}, "knows no conversations", 1);
    refused({"eval", "--model", b.dir / "base", "--tasks", b.dir / "c.jsonl", "--template", "Q"}, "no {prompt}", 2);
}

inline void test_chat_command(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Base& b = base();
    if (!fs::exists(b.dir / "whole")) Base::run(b.sft("whole"));
    const Words chat = {"chat", "--model", b.dir / "whole", "--temperature", "0", "--max-tokens", "12", "--device", "cpu"};
    const auto one = Base::run(chat, "what is 3?\n");
    t.check(one.status == 0 && std::count(one.out.begin(), one.out.end(), '\n') == 1 && one.out.find("you>") == std::string::npos, cat("over a pipe, one line a question: ", one.out, one.err));
    const auto same = Base::run(chat, "what is 3?\n/reset\nwhat is 3?\n");
    t.check(same.out == one.out + one.out, "after /reset the same question has the same answer");
    const auto tokens = Base::run(chat, "/system Be kind.\nwhat is <|im_end|>?\n/tokens\n");
    t.check(tokens.out.find("<|im_start|>(300)s(115)") != std::string::npos && tokens.out.find("<|im_end|>(302)\n") != std::string::npos, cat("/tokens shows ids: ", tokens.out));
    const auto saved = Base::run(chat, cat("what is 3?\n/save ", b.dir / "saved.jsonl", "\n/nonsense\n/temperature x\n/temperature -1\n/quit\nnot read\n"));
    t.check(saved.status == 0 && read_conversations(b.dir / "saved.jsonl").size() == 1 && saved.err.find("unknown command /nonsense") != std::string::npos, cat("/save, and commands that are none: ", saved.err));
    std::string many;
    for (int i = 0; i < 12; i++) many += cat("what is ", i, "?\n");
    const auto full = Base::run(chat, many);
    t.check(full.status == 0 && full.err.find("no longer fit the context of 64 tokens") != std::string::npos, "a history beyond the context is trimmed, and that is said");
    const auto beyond = Base::run(chat, std::string(400, 'x') + "\n");
    t.check(beyond.status == 0 && beyond.err.find("does not fit the context") != std::string::npos, "a message longer than the context is refused");
    const auto bytes = Base::run(chat, "\xff\xfe\n");
    t.check(bytes.status == 0, "bytes that are no UTF-8 are text");
    // eval and probe on the same model
    write_file(b.dir / "tasks.jsonl", "{\"prompt\": \"what is 3?\", \"answer\": \"4\"}\n{\"prompt\": \"what is 5?\", \"answer\": \"6\"}\n");
    const auto eval = Base::run({"eval", "--model", b.dir / "whole", "--tasks", b.dir / "tasks.jsonl", "--samples", "3", "--temperature", "1", "--out", b.dir / "eval.json", "--dump", b.dir / "dump.jsonl", "--max-tokens", "12"});
    const std::string dump = eval.status == 0 ? read_file(b.dir / "dump.jsonl") : "";
    t.check(eval.status == 0 && std::count(dump.begin(), dump.end(), '\n') == 6 && parse_json_text<nlohmann::ordered_json>(read_file(b.dir / "eval.json"))["tasks"]["questions"] == 2, cat("eval writes its figures and every answer: ", eval.err));
    const auto plain = Base::run({"eval", "--model", b.dir / "base", "--tasks", b.dir / "tasks.jsonl", "--template", "{prompt}", "--shots", "1", "--max-tokens", "8"});
    t.check(plain.status == 0 && plain.out.find("tasks") != std::string::npos, cat("a base model is asked in plain text: ", plain.err));
    for (const bool ended : {true, false}) {
        const auto arena = Base::run({"eval", "arena", "--tasks", b.dir / "tasks.jsonl", "--players", cat("m=", b.dir / "whole"), "x=cmd:echo no", "--max-tokens", ended ? "12" : "2", "--dump", b.dir / "arena.jsonl", "--bootstrap", "10"});
        bool empty = true;
        std::istringstream pairs(arena.status == 0 ? read_file(b.dir / "arena.jsonl") : "");
        for (std::string l; std::getline(pairs, l);) {
            const auto p = parse_json_text<nlohmann::ordered_json>(l);
            empty = empty && p["answers"][p["players"][0] == "m" ? 0 : 1] == "";
        }
        t.check(arena.status == 0 && empty != ended, cat("in the arena a turn that was ", ended ? "" : "not ", "ended is ", ended ? "an" : "no", " answer ", arena.err));
    }
    const auto probe = Base::run({"probe", "--model", b.dir / "whole", "--facts", b.dir / "tasks.jsonl", "--samples", "2", "--max-tokens", "8", "--out", b.dir / "probe"});
    t.check(probe.status == 0 && fs::exists(b.dir / "probe/teach.jsonl") && fs::exists(b.dir / "probe/report.json"), cat("probe writes its files: ", probe.err));
}

inline int64_t occurrences(const std::string& text, const std::string& word) {
    int64_t n = 0;
    for (size_t p = 0; (p = text.find(word, p)) != std::string::npos; p += word.size()) n++;
    return n;
}
inline std::vector<nlohmann::ordered_json> metrics_of(const std::string& run) {
    std::vector<nlohmann::ordered_json> all;
    std::istringstream in(read_file(run + "/metrics.jsonl"));
    for (std::string l; std::getline(in, l);)
        if (auto j = parse_json_text<nlohmann::ordered_json>(l); j.contains("loss")) all.push_back(std::move(j));
    return all;
}

// Sums to practise, and others to be measured on.
struct Sums {
    explicit Sums(const Base& b) : base(b) {
        if (!fs::exists(b.dir / "taught")) {
            Words w = b.sft("taught");
            w[8] = "60", w[12] = "5e-3";
            Base::run(w);
        }
        const std::pair<const char*, std::array<int, 2>> files[] = {{"sums.jsonl", {0, 30}}, {"sums_dev.jsonl", {30, 45}}, {"sums_test.jsonl", {45, 60}}};
        for (const auto& [name, range] : files) {
            std::string tasks;
            for (int i = range[0]; i < range[1]; i++) tasks += cat("{\"prompt\": \"what is ", i, "?\", \"answer\": \"", i + 1, "\"}\n");
            write_file(b.dir / name, tasks);
        }
    }
    Words rl(const std::string& out, const Words& more = {}, bool format = true) const {
        Words w = {"rl", "--init", base.dir / "taught", "--tasks", base.dir / "sums.jsonl", "--dev", base.dir / "sums_dev.jsonl", "--test", base.dir / "sums_test.jsonl", "--out", base.dir / out, "--prompts", "4",
                   "--group", "4", "--max-tokens", "10", "--rows", "8", "--lr", "1e-3", "--device", "cpu", "--dtype", "fp32", "--keep", "0"};
        if (format) w.insert(w.end(), {"--format-reward", "0.25"});
        w.insert(w.end(), more.begin(), more.end());
        return w;
    }
    const Base& base;
};

inline void test_rl_command(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Base& b = base();
    const Sums sums(b);
    const auto rl = [&](const std::string& out, const Words& more) { return sums.rl(out, more); };
    const auto whole = Base::run(rl("rl", {"--steps", "6", "--inner", "2", "--checkpoint-every", "2", "--eval-every", "4", "--dump-every", "2"}));
    t.check(whole.status == 0 && whole.out.find("step 0: dev: ") != std::string::npos && whole.out.find("step 6: test: ") != std::string::npos, cat("rl trains and measures dev and test: ", whole.err));
    if (whole.status != 0) return;
    const auto m = metrics_of(b.dir / "rl");
    t.check(m.size() == 6, "one line an update");
    bool first = true, moved = false, gap = true, finite = true;
    for (size_t i = 0; i < m.size(); i++) {
        const double ratio = m[i]["ratio"];
        if (i % 2 == 0) first = first && (ratio == 1 || m[i]["tokens_trained"] == 0);
        else moved = moved || ratio != 1;
        gap = gap && m[i]["gap_max"] == 0;
        finite = finite && std::isfinite(m[i]["grad_norm"].get<double>());
    }
    t.check(first && moved, "the ratio is exactly 1 at the first use of an answer, and moves after it");
    t.check(gap && finite, cat("log probabilities of rollout and training are the same to the last bit: ", json_text(m[0]["gap_max"])));
    // the dump: weights only on drawn tokens, and their sign is the advantage's
    std::istringstream dumped(read_file(b.dir / "rl/rollouts/step-000002-rank0.jsonl"));
    int64_t answers = 0, wrong_sign = 0, weighted = 0, tokens = 0, drawn = 0;
    for (std::string l; std::getline(dumped, l); answers++) {
        const auto j = parse_json_text<nlohmann::ordered_json>(l);
        for (size_t i = 0; i < j["ids"].size(); i++) {
            const double w = j["weights"][i], a = j["advantage"];
            weighted += w != 0, tokens++, drawn += j["drawn"][i] == 1;
            wrong_sign += w != 0 && (w > 0) != (a > 0);
            wrong_sign += w != 0 && j["drawn"][i] != 1;
        }
    }
    t.check(answers == 16 && wrong_sign == 0 && weighted > 0, cat("the dump holds 16 answers whose weights stand on drawn tokens: ", weighted));
    // the figures of an update
    const double sum = m[0]["reward_check"].get<double>() + m[0]["reward_format"].get<double>();
    t.check(std::abs(m[0]["reward"].get<double>() - sum) < 1e-12 && m[0]["reward_check"] == m[0]["grade"] && m[0]["reward_format_std"].get<double>() <= 0.125, "each term of the reward has its mean and deviation");
    t.check(std::abs(m[0]["masked"].get<double>() - (1 - double(drawn) / double(tokens))) < 1e-12, "the share of masked tokens is that of the dump");
    t.check(m[0]["rollout_tokens_per_s"].get<double>() > 0 && m[0]["train_tokens_per_s"].get<double>() > 0, "tokens a second, of rollout and of training");
    for (const char* off : {"kl_k1", "kl_k3", "reward_length", "reward_overlong", "reward_model", "reward_kl", "score", "tool_success", "importance"}) t.check(!m[0].contains(off), cat("what is off has no figure: ", off));
    const auto shown = Base::run({"rl", "show", "--model", b.dir / "rl", "--rollouts", b.dir / "rl/rollouts/step-000002-rank0.jsonl", "--limit", "0"});
    t.check(shown.status == 0 && shown.out.find("<|im_start|>user<|im_sep|>what is ") != std::string::npos && shown.out.find("[") != std::string::npos &&
                occurrences(shown.out, ", expected ") == answers, cat("rl show prints every answer ", shown.err));
    // resume
    fs::copy(b.dir / "rl", b.dir / "rl_part", fs::copy_options::recursive);
    for (int step : {4, 6}) fs::remove_all(b.dir / cat("rl_part/", checkpoint::step_name(step)));
    const auto resumed = Base::run(rl("rl_part", {"--steps", "6", "--inner", "2", "--checkpoint-every", "2", "--eval-every", "4", "--dump-every", "2", "--resume"}));
    const auto weights = [&](const std::string& run) { return read_file(b.dir / (run + "/" + checkpoint::step_name(6) + "/model.safetensors")); };
    t.check(resumed.status == 0 && weights("rl") == weights("rl_part"), cat("a resumed run has the bits of an undisturbed one ", resumed.err));
    // ranks and micro-batches
    const auto ranks = Base::run(rl("rl_ranks", {"--steps", "6", "--inner", "2", "--gpus", "2", "--batch-size", "2", "--eval-every", "4"}));
    const auto r = ranks.status == 0 ? metrics_of(b.dir / "rl_ranks") : m;
    bool same = ranks.status == 0 && r.size() == m.size();
    for (size_t i = 0; same && i < r.size(); i++)
        for (const char* key : {"reward", "reward_check", "reward_format_std", "right", "length", "masked", "groups_degenerate", "grad_norm", "ratio"})
            same = same && std::abs(r[i][key].get<double>() - m[i][key].get<double>()) <= 1e-3 * std::max(1.0, std::abs(m[i][key].get<double>()));
    t.check(same, cat("two ranks with smaller micro-batches take the same steps ", ranks.err));
}

inline void test_rl_settings(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Base& b = base();
    const Sums sums(b);
    for (const char* objective : {"reinforce", "rloo", "grpo", "ppo", "expert", "best"}) {
        const auto o = Base::run(sums.rl(cat("rl_", objective), {"--steps", "1", "--objective", objective, "--resample", "1", "--truncated", "drop"}, std::string(objective) != "expert"));
        t.check(o.status == 0, cat(objective, " runs ", o.err));
    }
    for (const bool typed : {false, true}) {
        const std::string name = typed ? "rl_dapo_typed" : "rl_dapo";
        const auto o = Base::run(sums.rl(name, typed ? Words{"--steps", "1", "--objective", "dapo", "--resample", "0", "--clip-high", "0.2", "--overlong-buffer", "8"} : Words{"--steps", "1", "--objective", "dapo"}));
        const std::string log = o.status == 0 ? read_file(b.dir / (name + "/main.log")) : "";
        t.check(o.status == 0 && log.find(typed ? "setting: clip-high = 0.2\n" : "setting: clip-high = 0.28\n") != std::string::npos && log.find(typed ? "setting: resample = 0\n" : "setting: resample = 8\n") != std::string::npos,
                cat("dapo brings its clip and dynamic sampling, where nothing else was typed ", o.err));
        const auto m = o.status == 0 ? metrics_of(b.dir / name) : std::vector<nlohmann::ordered_json>(1);
        t.check(m[0].contains("reward_overlong") == typed && (!typed || (m[0]["reward_overlong"].get<double>() < 0 && m[0]["reward_overlong"].get<double>() >= -1)), "the punishment of overlong answers is a term of its own");
    }
    for (const char* kl : {"k1", "k2", "k3"}) {
        const auto o = Base::run(sums.rl(cat("rl_", kl), {"--steps", "2", "--kl", kl, "--kl-coef", "0.1"}));
        const auto k = o.status == 0 ? metrics_of(b.dir / cat("rl_", kl)) : std::vector<nlohmann::ordered_json>();
        t.check(o.status == 0 && k.size() == 2 && k[0]["kl_k3"] == 0.0 && k[1]["kl_k3"].get<double>() > 0, cat(kl, ": the divergence is 0 before the first update, and above 0 after it ", o.err));
        t.check(k.size() == 2 && k[1].contains("reward_kl") == (std::string(kl) == "k1"), "k1 is a term of the reward");
        // the mean over an answer's tokens of k1 is what the reward loses, over all answers: also those without an advantage
        if (std::string(kl) == "k1" && k.size() == 2) {
            const double lost = k[1]["reward_kl"], want = -double(0.1f) * k[1]["kl_k1"].get<double>() * k[1]["length"].get<double>();
            t.check(std::abs(lost - want) <= 1e-6 * std::max(1e-3, std::abs(want)), cat("the divergence is measured on every drawn token: ", lost, ", ", want));
        }
    }
    // several answers to each problem of dev and test
    const auto drawn = Base::run(sums.rl("rl_samples", {"--steps", "1", "--eval-samples", "3"}));
    const auto d = drawn.status == 0 ? metrics_of(b.dir / "rl_samples").back()["dev"] : nlohmann::ordered_json();
    t.check(drawn.status == 0 && d["samples"] == 3 && d["pass"].contains("3") && d["pass"]["3"].get<double>() >= d["accuracy"].get<double>() && d.contains("majority") &&
                occurrences(drawn.out, "pass@3 ") == 3 && occurrences(drawn.out, ", majority ") == 3, cat("--eval-samples reports pass@k and majority for dev and test ", drawn.err, drawn.out));
    // another temperature: no gap between two distributions, but the weight of a token
    const auto warm = Base::run(sums.rl("rl_warm", {"--steps", "1", "--temperature", "1.5"}));
    const auto w = warm.status == 0 ? metrics_of(b.dir / "rl_warm")[0] : nlohmann::ordered_json();
    t.check(warm.status == 0 && !w.contains("gap_max") && w["importance"].get<double>() > 0.5 && w["importance"].get<double>() < 1.2, cat("at another temperature tokens are weighted back ", warm.err, json_text(w)));
}

inline void test_rl_mistakes(Report& t) {
    if (binary().empty()) return t.skip("the program", "no ./train_gpt");
    const Base& b = base();
    write_file(b.dir / "sums.jsonl", "{\"prompt\": \"what is 1?\", \"answer\": \"2\"}\n");
    if (!fs::exists(b.dir / "whole")) Base::run(b.sft("whole"));
    auto rl = [&](const std::string& out, const Words& more = {}) {
        Words w = {"rl", "--init", b.dir / "whole", "--tasks", b.dir / "sums.jsonl", "--out", b.dir / out};
        w.insert(w.end(), more.begin(), more.end());
        return w;
    };
    auto refused = [&](const Words& words, const std::string& expected, int status) {
        const auto o = Base::run(words);
        t.check(o.status == status && o.err.find(expected) != std::string::npos && std::count(o.err.begin(), o.err.end(), '\n') <= 2, cat("refused: ", expected, " (", o.status, ": ", o.err, ")"));
    };
    refused(rl("x"), "--steps is missing", 2);
    refused(rl("x", {"--steps", "3", "--inner", "2"}), "not a multiple of --inner", 2);
    refused(rl("x", {"--steps", "1", "--temperature", "0"}), "above 0", 2);
    refused(rl("x", {"--steps", "1", "--overlong-buffer", "129"}), "at most --max-tokens 128", 2);
    refused(rl("x", {"--steps", "1", "--eval-samples", "0"}), "at least 1", 2);
    for (const Words& says_nothing : {Words{"--format-reward", "1"}, Words{"--kl", "k1"}, Words{"--length-penalty", "0.1"}, Words{"--check-weight", "2"}, Words{"--overlong-buffer", "3"}, Words{"--reward-model", b.dir / "whole"}}) {
        Words more = {"--steps", "1", "--objective", "expert"};
        more.insert(more.end(), says_nothing.begin(), says_nothing.end());
        refused(rl("x", more), "reads no reward, so " + says_nothing[0], 2);
    }
    for (const char* flag : {"--dev", "--test"}) refused(rl("x", {"--steps", "1", flag, b.dir / "sums.jsonl"}), "--tasks holds a problem of it: \"what is 1?\"", 2);
    write_file(b.dir / "sums_alone.jsonl", "{\"prompt\": \"what is 1?\"}\n");
    refused({"rl", "--init", b.dir / "whole", "--tasks", b.dir / "sums_alone.jsonl", "--steps", "1", "--out", b.dir / "x"}, "no \"answer\"", 1);
    write_file(b.dir / "sums_same.jsonl", "{\"prompt\": \"what is 1?\", \"answer\": \"2\"}\n");
    refused(rl("x", {"--steps", "1", "--objective", "gpro"}), "expected one of", 2);
    refused(rl("whole", {"--steps", "6"}), "holds a run already", 2);
    refused({"rl", "--init", b.dir / "base", "--tasks", b.dir / "sums.jsonl", "--steps", "1", "--out", b.dir / "x"}, "knows no conversations", 1);
    // a problem that no answer fits behind is left out and counted; a file of nothing else is refused
    const std::string too_long = "{\"prompt\": \"what is " + std::string(2000, '7') + "?\", \"answer\": \"7\"}\n";
    write_file(b.dir / "sums.jsonl", too_long);
    refused(rl("x", {"--steps", "1"}), "no problem is left", 2);
    write_file(b.dir / "sums.jsonl", too_long + "{\"prompt\": \"what is 1?\", \"answer\": \"2\"}\n");
    const auto mixed = Base::run(rl("rl_mixed", {"--steps", "1", "--prompts", "2", "--group", "2", "--max-tokens", "4", "--rows", "4", "--dev", b.dir / "sums_same.jsonl", "--allow-overlap"}));
    t.check(mixed.status == 0 && mixed.out.find("1 problems, 1 too long") != std::string::npos, cat("with --allow-overlap it is measured; a problem that is too long is left out ", mixed.err));
    t.check(!fs::exists(b.dir / "x"), "nothing is left behind");
}

}  // namespace assistant_test

inline Suite assistant_tests() {
    using namespace assistant_test;
    return {
        {"assistant: Hugging Face's apply_chat_template gives our ids", test_template},
        {"assistant: a table of tricky answers, right and wrong", test_rewards},
        {"assistant: task files and their broken lines", test_tasks},
        {"assistant: pass@k, majority and intervals equal their definitions", test_statistics},
        {"assistant: a turn that was not ended is worth nothing, in RL, eval and probe alike", test_unended_turns},
        {"assistant: probe counts what a scripted model knows, and teaches both kinds equally", test_probe},
        {"assistant: sft trains, resumes to the same bits, and two ranks agree", test_sft_command},
        {"assistant: mistakes of sft, chat, probe and eval are one or two lines", test_sft_mistakes},
        {"assistant: chat over a pipe, eval and probe", test_chat_command},
        {"assistant: rl practises; its first ratio is 1, it resumes to the same bits, and ranks agree", test_rl_command},
        {"assistant: rl has every objective, penalty and temperature, and measures with several answers", test_rl_settings},
        {"assistant: mistakes of rl are one or two lines", test_rl_mistakes},
    };
}
