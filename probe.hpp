// probe.hpp -- what does the model know? Ask it several times, compare, and write the data that teaches it to say "I don't know".
//
// A model that was trained on confident answers is confident about everything: asked for what it cannot know it invents. Inside,
// though, it is less sure there: asked k times at a temperature, it repeats what it knows and varies what it invents. So each
// question of a list with true answers is asked k times (in its several wordings, where it has them); a fact is *known* if at least --known-at of the
// answers are right. Then two kinds of conversations are written, equally many: known facts with a right answer of the
// model's own, and unknown ones with "I don't know". Fine-tuning on them changes what it says, not what it knows (the method of
// Llama 3's report, section 4.3.6; Kadavath et al. 2022 on models that know what they know).
// A share of the facts (--teach-fraction) is taught, the rest only measured: so the figures say what the model has generalised. With
// --marks, the facts are not marked anew but taken as an earlier probe marked them: that is the "after".
#pragma once

#include "eval.hpp"

struct ProbeConfig {
    std::string model;
    std::vector<std::string> facts;
    std::string out, marks, judge;
    int64_t samples = 8, max_tokens = 48, limit = 0, most = 0, rows = 32;
    float temperature = 0.7f, known_at = 0.5f, teach_fraction = 0.5f;
    uint64_t seed = 1;
    std::string system;
    std::string device = "auto", dtype = "auto", weights = "auto";
    int threads = 0;
};

inline const std::vector<Flag<ProbeConfig>> probe_flags = {
    {"model",       &ProbeConfig::model,       "DIR",     "the assistant that is asked"},
    {"facts",       &ProbeConfig::facts,       "FILE...", "JSONL: {\"question\" or \"questions\": [wordings], \"answer\" or \"value\"}; world's facts.jsonl; answer null: nobody can know"},
    {"out",         &ProbeConfig::out,         "DIR",     "writes facts.jsonl (each with its marks), teach.jsonl (conversations) and report.json"},
    {"marks",       &ProbeConfig::marks,       "FILE",    "an earlier probe's facts.jsonl: known and unknown are as it says, nothing is taught"},
    {"samples",     &ProbeConfig::samples,     "",        "times that each question is asked"},
    {"temperature", &ProbeConfig::temperature, "",        "of these answers"},
    {"known-at",    &ProbeConfig::known_at,    "",        "share of right answers from which a fact counts as known"},
    {"teach-fraction", &ProbeConfig::teach_fraction, "",  "share of the facts that conversations are made of; the others are only measured"},
    {"limit",       &ProbeConfig::limit,       "",        "ask so many facts of each file, chosen by their hash; 0: all"},
    {"most",        &ProbeConfig::most,        "",        "at most so many conversations of each kind; 0: as many as the rarer kind has"},
    {"judge",       &ProbeConfig::judge,       "DIR",     "an assistant that decides whether an answer is right, instead of comparing words"},
    {"max-tokens",  &ProbeConfig::max_tokens,  "tokens",  "most tokens of an answer"},
    {"system",      &ProbeConfig::system,      "TEXT",    "system message"},
    {"seed",        &ProbeConfig::seed,        "",        "same seed, same answers"},
    {"rows",        &ProbeConfig::rows,        "",        "answers that are written at once"},
    {"device",      &ProbeConfig::device,      "auto|cpu|cuda",  "where to compute"},
    {"dtype",       &ProbeConfig::dtype,       "auto|fp32|bf16", "how it computes, and how weights are stored"},
    {"weights",     &ProbeConfig::weights,     "auto|fp32|bf16|int8", "how matrices are kept on the CPU: fewer bytes write faster, int8 costs some accuracy"},
    {"threads",     &ProbeConfig::threads,     "",        "CPU threads; 0: all cores"},
};

// ---- the facts

// A fact with what was asked and answered about it.
struct ProbedFact {
    std::vector<std::string> questions;    // wordings
    TaskItem item;                         // the first wording and the answer
    std::vector<std::string> replies;
    int64_t right = 0, declined = 0;
    std::string a_right_reply;
    bool known = false, taught = false;    // taught: belongs to the share that conversations are made of
    uint64_t hash() const {
        uint64_t h = questions.size();
        for (const char c : questions[0] + "|" + item.answer) h = splitmix64(h ^ uint64_t(static_cast<unsigned char>(c)));
        return h;
    }
};

inline ProbedFact fact_from_json(const nlohmann::ordered_json& j) {
    nlohmann::ordered_json task = j;
    ProbedFact f;
    if (j.is_object() && j.contains("questions")) {
        if (!j["questions"].is_array() || j["questions"].empty()) throw Error("\"questions\" is not a list of wordings");
        for (const auto& q : j["questions"]) {
            if (!q.is_string()) throw Error("\"questions\" holds something that is not a string");
            f.questions.push_back(q.get<std::string>());
        }
        task["prompt"] = f.questions[0];
    }
    if (j.is_object() && !j.contains("answer") && j.contains("value")) task["answer"] = j["value"];
    f.item = task_from_json(task);
    f.item.extra = j;
    if (f.questions.empty()) f.questions = {f.item.prompt};
    return f;
}

inline std::vector<ProbedFact> read_facts(const std::vector<std::string>& paths, int64_t limit) {
    std::vector<ProbedFact> all;
    for (const auto& path : paths) {
        std::vector<ProbedFact> facts;
        each_json_line(path, nullptr, [&](const nlohmann::ordered_json& j, int64_t) { facts.push_back(fact_from_json(j)); });
        if (limit > 0 && int64_t(facts.size()) > limit) {
            // by another hash than the one that says what is taught
            std::stable_sort(facts.begin(), facts.end(), [](const ProbedFact& a, const ProbedFact& b) { return splitmix64(a.hash()) < splitmix64(b.hash()); });
            facts.resize(size_t(limit));
        }
        for (auto& f : facts) all.push_back(std::move(f));
    }
    if (all.empty()) throw Error(cat(paths[0], ": holds no fact"));
    return all;
}

// ---- asking

// Decides whether a reply is right; replies to one fact at a time.
using JudgeReplies = std::function<std::vector<bool>(const ProbedFact& fact, const std::vector<std::string>& replies)>;
// k replies to each question list: the seam at which the tests put a scripted model.
using AskFacts = std::function<std::vector<std::vector<Reply>>(const std::vector<std::string>& prompts, int64_t samples)>;

// replies[s] answers the fact's question in wording s, in turn: what its words excuse in a reply (rewards.hpp) goes by that.
inline std::vector<bool> compare_words(const ProbedFact& fact, const std::vector<std::string>& replies) {
    std::vector<bool> right;
    TaskItem asked = fact.item;
    for (size_t s = 0; s < replies.size(); s++) {
        if (!fact.questions.empty()) asked.prompt = fact.questions[s % fact.questions.size()];
        right.push_back(is_right(asked, replies[s]));
    }
    return right;
}

// Ask every fact `samples` times, its wordings in turn, and mark it. What was marked before (by question and answer) stays as it was.
inline void probe_facts(std::vector<ProbedFact>& facts, const ProbeConfig& c, const AskFacts& ask, const JudgeReplies& judge) {
    std::vector<std::string> prompts;
    for (const ProbedFact& f : facts)
        for (int64_t s = 0; s < c.samples; s++) prompts.push_back(f.questions[size_t(s) % f.questions.size()]);
    const auto replies = ask(prompts, 1);
    for (size_t i = 0; i < facts.size(); i++) {
        ProbedFact& f = facts[i];
        std::vector<bool> counts;                      // a turn that was not ended is no right answer
        for (int64_t s = 0; s < c.samples; s++) {
            const Reply& r = replies[i * size_t(c.samples) + size_t(s)][0];
            f.replies.push_back(r.text), counts.push_back(r.counts);
        }
        const auto right = judge(f, f.replies);
        for (size_t s = 0; s < f.replies.size(); s++) {
            const bool declined = declines(f.replies[s], f.questions[s % f.questions.size()]);
            f.declined += declined;
            if (!f.item.answerable || declined || !counts[s] || !right[s]) continue;
            f.right++;
            if (f.a_right_reply.empty()) f.a_right_reply = f.replies[s];
        }
        f.known = f.item.answerable && double(f.right) >= double(c.known_at) * double(c.samples) && f.right > 0;
        f.taught = double(f.hash() >> 11) * 0x1p-53 < double(c.teach_fraction);
    }
}

// "known" and "taught" of facts that an earlier probe marked. A fact that it did not ask is left out.
inline void take_marks(std::vector<ProbedFact>& facts, const std::string& path) {
    std::map<std::pair<std::string, std::string>, std::pair<bool, bool>> marks;
    each_json_line(path, nullptr, [&](const nlohmann::ordered_json& j, int64_t) {
        if (!j.is_object() || !j.contains("known") || !j.contains("taught") || !j.contains("question") || !j.contains("answer")) throw Error("not a fact that probe marked");
        marks[{j["question"].get<std::string>(), j["answer"].is_null() ? "" : j["answer"].get<std::string>()}] = {j["known"].get<bool>(), j["taught"].get<bool>()};
    });
    std::erase_if(facts, [&](ProbedFact& f) {
        const auto it = marks.find({f.questions[0], f.item.answer});
        if (it != marks.end()) std::tie(f.known, f.taught) = it->second;
        return it == marks.end();
    });
    if (facts.empty()) throw Error(cat(path, ": marks none of these facts"), "give the --facts that it was made with");
}

// ---- what came of it

// Rates over all answers to a set of facts.
struct ProbeRates {
    double known_facts = 0, unknown_facts = 0;
    double invented = 0;        // unknown: answered, and wrongly, instead of declining
    double declined_unknown = 0;
    double declined_known = 0;  // known: refused
    double right_known = 0;     // known: right
    double right_answered = 0;  // of all answers that were not refusals, the right ones
};
inline ProbeRates probe_rates(const std::vector<ProbedFact>& facts, bool taught) {
    ProbeRates r;
    double known = 0, unknown = 0, answered = 0, right = 0;
    for (const ProbedFact& f : facts) {
        if (f.taught != taught) continue;
        const double n = double(f.replies.size()), declined = double(f.declined);
        answered += n - declined, right += double(f.right);
        if (f.known) r.known_facts++, known += n, r.declined_known += declined, r.right_known += double(f.right);
        else r.unknown_facts++, unknown += n, r.declined_unknown += declined, r.invented += n - declined - double(f.right);
    }
    const auto divide = [](double& x, double by) { x = by > 0 ? x / by : 0; };
    divide(r.invented, unknown), divide(r.declined_unknown, unknown), divide(r.declined_known, known), divide(r.right_known, known);
    r.right_answered = answered > 0 ? right / answered : 0;
    return r;
}
inline json to_json(const ProbeRates& r) {
    return {{"known_facts", r.known_facts}, {"unknown_facts", r.unknown_facts}, {"hallucination_rate", r.invented}, {"declined_unknown", r.declined_unknown},
            {"declined_known", r.declined_known}, {"right_known", r.right_known}, {"right_when_answering", r.right_answered}};
}

inline constexpr const char* kDeclineAnswers[] = {
    "I don't know.", "I do not know that.", "I am not sure about that.", "I don't know, I am afraid.", "I'm not sure. I don't know that.",
    "I am afraid I do not know.", "Sorry, I don't know.", "I have no information about that.",
};

// The conversations that teach it: of known and unknown facts of the taught share equally many, in the order of their hashes.
inline std::vector<Conversation> teaching_conversations(const std::vector<ProbedFact>& facts, const ProbeConfig& c) {
    std::vector<const ProbedFact*> sets[2];   // unknown, known
    for (const ProbedFact& f : facts)
        if (f.taught) sets[f.known].push_back(&f);
    size_t n = std::min(sets[0].size(), sets[1].size());
    if (c.most > 0) n = std::min(n, size_t(c.most));
    std::vector<std::pair<uint64_t, Conversation>> all;
    for (auto& set : sets) {
        std::stable_sort(set.begin(), set.end(), [](auto* a, auto* b) { return a->hash() < b->hash(); });
        for (size_t i = 0; i < n; i++) {
            const ProbedFact& f = *set[i];
            Rng rng = Rng::stream(c.seed, 0x7465616368, f.hash());
            const std::string& question = f.questions[rng.below(f.questions.size())];
            const std::string text = f.known ? f.a_right_reply : kDeclineAnswers[rng.below(std::size(kDeclineAnswers))];
            Conversation conversation;
            if (!c.system.empty()) conversation.push_back({Role::system, c.system});
            conversation.push_back({Role::user, question});
            conversation.push_back({Role::assistant, text});
            all.emplace_back(rng.next(), std::move(conversation));
        }
    }
    std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.first < b.first; });
    std::vector<Conversation> conversations;
    for (auto& [key, conversation] : all) conversations.push_back(std::move(conversation));
    return conversations;
}

inline void write_probe(const ProbeConfig& c, const std::vector<ProbedFact>& facts) {
    make_directories(c.out);
    std::string lines, teach;
    for (const ProbedFact& f : facts) {
        const json line = {{"question", f.questions[0]}, {"questions", f.questions}, {"answer", f.item.answerable ? json(f.item.answer) : json()}, {"known", f.known}, {"taught", f.taught},
                           {"right", f.right}, {"declined", f.declined}, {"samples", f.replies.size()}, {"replies", f.replies}};
        lines += json_text(line, -1, JsonBytes::replaced) + "\n";
    }
    write_file(c.out + "/facts.jsonl", lines);
    json report = {{"taught", to_json(probe_rates(facts, true))}, {"held", to_json(probe_rates(facts, false))}};
    if (c.marks.empty()) {
        const auto conversations = teaching_conversations(facts, c);
        for (const Conversation& conversation : conversations) teach += conversation_json(conversation) + "\n";
        write_file(c.out + "/teach.jsonl", teach);
        report["conversations"] = conversations.size();
        std::printf("%s/teach.jsonl: %zu conversations, half of them \"I don't know\"\n", c.out.c_str(), conversations.size());
    }
    write_file(c.out + "/report.json", json_text(report, 1) + "\n");
    std::printf("%-28s %8s %8s\n", "", "taught", "held");
    for (const auto& [key, value] : report["held"].items()) {
        const double a = report["taught"][key].get<double>(), b = value.get<double>();
        if (key.ends_with("_facts")) std::printf("%-28s %8.0f %8.0f\n", key.c_str(), a, b);
        else std::printf("%-28s %7.1f%% %7.1f%%\n", key.c_str(), 100 * a, 100 * b);
    }
}

// ---- the command

inline void validate(const ProbeConfig& c) {
    if (c.model.empty() || c.facts.empty() || c.out.empty()) throw UsageError("--model, --facts and --out are needed", "train_gpt probe --model DIR --facts world/facts.jsonl --out probe");
    if (c.samples < 1 || c.max_tokens < 1 || c.rows < 1) throw UsageError("--samples, --max-tokens and --rows are at least 1");
    if (c.limit < 0 || c.most < 0) throw UsageError("--limit and --most must not be negative");
    if (!(c.temperature >= 0)) throw UsageError(cat("--temperature ", c.temperature, ": expected a number >= 0"));
    if (!(c.known_at > 0 && c.known_at <= 1)) throw UsageError(cat("--known-at ", c.known_at, ": expected a number in (0, 1]"));
    if (!(c.teach_fraction >= 0 && c.teach_fraction <= 1)) throw UsageError(cat("--teach-fraction ", c.teach_fraction, ": expected a number in [0, 1]"));
}

// Calls use(asker) with the assistant in `path`, ready to be asked.
inline void with_assistant(const ProbeConfig& c, const std::string& path, const std::function<void(Asker&)>& use) {
    const ModelReader reader(path);
    const ChatVocabulary vocabulary(reader.path());
    with_model(c.device, c.dtype, c.weights, c.threads, reader, tokens_of_a_call(reader.config(), c.rows), [&](Model& model) {
        Asker asker(model, vocabulary.tokenizer, &vocabulary.format, c.rows);
        use(asker);
    });
}

inline int run_probe(ProbeConfig& c) {
    validate(c);
    std::vector<ProbedFact> facts = read_facts(c.facts, c.limit);
    with_assistant(c, c.model, [&](Asker& asker) {
        const AskFacts ask = [&](const std::vector<std::string>& prompts, int64_t samples) {
            return asker.ask(prompts, {samples, c.max_tokens, {c.temperature, 0, 1}, c.seed, c.system, "", {}, {}});
        };
        if (c.judge.empty()) return probe_facts(facts, c, ask, compare_words);
        with_assistant(c, c.judge, [&](Asker& judge) {
            probe_facts(facts, c, ask, [&](const ProbedFact& fact, const std::vector<std::string>& replies) {
                if (!fact.item.answerable) return compare_words(fact, replies);
                std::vector<std::string> prompts;
                for (const auto& r : replies)
                    prompts.push_back(cat("Question: ", fact.questions[0], "\nTrue answer: ", fact.item.answer, "\nGiven answer: ", r, "\nIs the given answer right? Say yes or no."));
                std::vector<bool> right;
                for (const auto& verdict : judge.ask(prompts, {1, 8, {0, 0, 1}, c.seed, "", "", {}, {}})) right.push_back(rewards::canonical_words(verdict[0].text).starts_with("yes"));
                return right;
            });
        });
    });
    if (!c.marks.empty()) take_marks(facts, c.marks);
    write_probe(c, facts);
    return 0;
}

inline std::vector<Command> probe_commands() {
    return {make_command<ProbeConfig>("probe", "", "ask the model what it knows; write the data that teaches it to say \"I don't know\"", probe_flags, run_probe)};
}
