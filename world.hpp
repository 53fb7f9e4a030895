// world.hpp -- the embedded data set: an endless little world of documents, so that nothing need be downloaded.
//
// Document i is a function of (shape of the world, i) alone: any number of threads writes the same bytes, and more
// megabytes extend what fewer gave. A document belongs to the validation set if the hash of its whole text says so; so
// no text is in both sets, whatever is drawn twice, and whichever seed it came from.
// `world --out DIR` writes train.jsonl and val.jsonl ({"text", "kind"} a line) and facts.jsonl: every fact of the
// world, held-out ones too, and in how many documents of train.jsonl it is told. From the same grammar, words and facts come
// conversations (chat/, world_chat.hpp), tasks with checkable answers (tasks/, world_tasks.hpp), the pages that a
// search can find (library.jsonl), and jokes that can only be ranked (rankings/, world_jokes.hpp).
#pragma once

#include <omp.h>

#include <unordered_set>

#include "cli.hpp"
#include "json_text.hpp"
#include "world_chat.hpp"
#include "world_game.hpp"
#include "world_jokes.hpp"

struct DocumentKind {
    const char* name;
    int weight;                // share of the documents, in percent
    void (*write)(Draft&);
};
inline constexpr std::array<DocumentKind, 16> kDocumentKinds = {{
    {"biography", 20, biography},
    {"translation", 4, translation},  // between two others, so that these four numbers alone say what moved when it came
    {"story", 18, story},
    {"arithmetic", 10, arithmetic},
    {"questions", 8, questions},
    {"letter", 8, letter},
    {"place", 7, place_page},
    {"dialogue", 6, dialogue},
    {"entry", 5, entry},
    {"list", 6, list_page},
    {"spelling", 3, spelling},
    {"notice", 3, notice},
    {"riddle", 1, riddle},
    {"recipe", 1, recipe},
    {"workbook", 0, workbook},        // these two only where --kinds asks for them
    {"copybook", 0, copybook},
}};
inline constexpr size_t kMinDocumentBytes = 40, kMaxDocumentBytes = 1500;

struct World : WorldFacts {
    // `kinds` restricts the documents to some kinds; empty: all.
    explicit World(const WorldShape& shape_ = {}, const std::vector<std::string>& kinds = {}) : WorldFacts(shape_) {
        for (const char* rules : {kDocumentRules, kLetterRules, kExerciseRules, kStoryRules, kProblemRules, kPuzzleRules, kTaskRules,
                                  kChatRules})
            grammar.add(rules);
        declare_slots();
        grammar.check();
        for (const DocumentKind& kind : kDocumentKinds)
            for (int i = 0; kinds.empty() && i < kind.weight; i++) ballots_.push_back(&kind);
        if (!kinds.empty()) choose(kinds);
    }

    Document document(uint64_t i) const {
        for (uint64_t attempt = 0;; attempt++) {
            ASSERT(attempt < 1000, "document ", i, " is never between ", kMinDocumentBytes, " and ", kMaxDocumentBytes);
            Rng rng = Rng::stream(shape.seed, 0xD0C, i, attempt);
            const DocumentKind& kind = *ballots_[rng.below(ballots_.size())];
            Draft draft(*this, rng);
            kind.write(draft);
            Document document{kind.name, Grammar::finish(draft.marked), {}};
            std::string& text = document.text;
            while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
            if (text.size() < kMinDocumentBytes || text.size() > kMaxDocumentBytes) continue;
            // a letter that is signed with a first name tells nobody whose facts it mentions
            for (const uint32_t id : draft.slots.told)
                if (facts[id].kind == "animal" || text.find(facts[id].entity) != std::string::npos)
                    document.facts.push_back(id);
            return document;
        }
    }

    // Whether a text belongs to the validation set: a property of the text alone.
    static bool is_val(std::string_view text, double val_fraction) {
        return double(text_hash(text) >> 11) * 0x1p-53 < val_fraction;
    }

   private:
    std::vector<const DocumentKind*> ballots_;

    // "story" or "story:30": a kind, and how many of the documents are to be of it, in proportion to the others.
    void choose(const std::vector<std::string>& kinds) {
        std::vector<int> weights(kDocumentKinds.size(), 0);
        for (const auto& given : kinds) {
            const size_t colon = given.find(':');
            size_t k = 0;
            while (k < kDocumentKinds.size() && given.substr(0, colon) != kDocumentKinds[k].name) k++;
            std::string all;
            for (const DocumentKind& kind : kDocumentKinds) all += cat(" ", kind.name);
            if (k == kDocumentKinds.size()) throw UsageError(cat("--kinds ", given, ": no such kind of document"), cat("expected some of:", all));
            weights[k] = std::max(1, kDocumentKinds[k].weight);
            if (colon == given.npos) continue;
            const std::string number = given.substr(colon + 1);
            if (number.empty() || number.size() > 4 || number.find_first_not_of("0123456789") != number.npos || number == "0")
                throw UsageError(cat("--kinds ", given, ": expected KIND or KIND:WEIGHT with a weight of 1 to 9999"));
            weights[k] = std::stoi(number);
        }
        for (size_t k = 0; k < weights.size(); k++) ballots_.insert(ballots_.end(), size_t(weights[k]), &kDocumentKinds[k]);
    }

    void declare_slots() {
        for (const char* slot : {"a", "b", "day2", "date", "hour2", "third", "word", "mini_story"}) grammar.declare(slot);
        for (const char* who : {"hero", "pal"})
            for (const char* part : {"", "_sort", "_he", "_him", "_his"}) grammar.declare(cat(who, part));
    }
};

// ---- the command

struct WorldConfig {
    std::string out;
    uint64_t seed = 1;
    double megabytes = 24;
    double val_fraction = 0.02;
    int people = WorldShape{}.people, places = WorldShape{}.places;
    int held_out_people = WorldShape{}.held_out_people, held_out_places = WorldShape{}.held_out_places;
    double zipf = WorldShape{}.zipf;
    std::vector<std::string> kinds;
    int conversations = 1000, tasks = 1000, hardest = 0, numbers = 0, known = 20, rare = 1;
    double noise = 0;
    int threads = 0;
};
inline const std::vector<Flag<WorldConfig>> world_flags = {
    {"out", &WorldConfig::out, "DIR", "directory to write train.jsonl, val.jsonl, facts.jsonl, library.jsonl, chat/, tasks/ and rankings/ to"},
    {"seed", &WorldConfig::seed, "", "another seed, another world"},
    {"megabytes", &WorldConfig::megabytes, "MB", "millions of bytes of text, train and validation together"},
    {"val-fraction", &WorldConfig::val_fraction, "", "share of the texts that goes to val.jsonl"},
    {"people", &WorldConfig::people, "", "people that documents tell of, the first the most often"},
    {"places", &WorldConfig::places, "", "towns that documents tell of"},
    {"held-out-people", &WorldConfig::held_out_people, "", "people with facts that no document ever names"},
    {"held-out-places", &WorldConfig::held_out_places, "", "towns that no document ever names"},
    {"zipf", &WorldConfig::zipf, "", "exponent of fame: rank r is told in proportion to 1 / r^zipf"},
    {"kinds", &WorldConfig::kinds, "KIND[:WEIGHT]...", "only these kinds of documents, in these proportions (default: all but workbook and copybook)"},
    {"conversations", &WorldConfig::conversations, "", "conversations of each set in chat/ for training, and a tenth of it for validation"},
    {"tasks", &WorldConfig::tasks, "", "problems of each task in tasks/ (and rankings in rankings/) for training, and a quarter of it each for dev and test"},
    {"hardest", &WorldConfig::hardest, "", "problems in chat/ and tasks/ are of difficulty 1 to this, and the workbook prepares for these up to 4; 0: of all difficulties"},
    {"numbers", &WorldConfig::numbers, "", "word problems of difficulty 1 to 4: counts and prices up to this, sums with up to twice this; 0: 9 and 20"},
    {"noise", &WorldConfig::noise, "", "share of the word problems shown in chat/ whose solution is wrong on purpose"},
    {"known", &WorldConfig::known, "", "facts told at least so many times are asked as known"},
    {"rare", &WorldConfig::rare, "", "facts told at most so many times are asked as rare"},
    {"threads", &WorldConfig::threads, "", "threads; 0 takes all; the bytes do not depend on it"},
};

// The texts of the world hold nothing but printable ASCII and line ends (a test says so).
inline void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (size_t i = 0; i < text.size();) {
        size_t end = i;
        while (end < text.size() && text[end] != '\n' && text[end] != '"' && text[end] != '\\') end++;
        out.append(text, i, end - i);
        if (end < text.size()) {
            out += '\\';
            out += text[end] == '\n' ? 'n' : text[end];
        }
        i = end + 1;
    }
    out += '"';
}

struct WorldStatistics {
    struct Kind {
        int64_t documents = 0, bytes = 0;
    };
    std::array<Kind, kDocumentKinds.size()> kinds;
    Kind train, val;
    std::vector<uint32_t> told;  // for each fact: the documents of the training set that tell it
};

// Write documents 0, 1, ... until there are `megabytes` of text: blocks in parallel, their documents in order.
inline WorldStatistics write_world_documents(const World& world, const WorldConfig& c, AtomicFile& train,
                                             AtomicFile& val) {
    WorldStatistics stats;
    stats.told.resize(world.facts.size());
    const auto target = int64_t(c.megabytes * 1e6);
    constexpr int kBlock = 2048;
    std::vector<Document> block(kBlock);
    std::vector<std::string> lines(kBlock);
    const int threads = c.threads > 0 ? c.threads : omp_get_max_threads();
    for (uint64_t first = 0; stats.train.bytes + stats.val.bytes < target; first += kBlock) {
        std::string problem;
        #pragma omp parallel for schedule(dynamic, 32) num_threads(threads)
        for (int k = 0; k < kBlock; k++) {
            try {  // an exception must not leave the parallel region
                block[size_t(k)] = world.document(first + uint64_t(k));
                std::string& line = lines[size_t(k)];
                line = "{\"text\": ";
                append_json_string(line, block[size_t(k)].text);
                line += cat(", \"kind\": \"", block[size_t(k)].kind, "\"}\n");
            } catch (const std::exception& e) {
                #pragma omp critical
                problem = e.what();
            }
        }
        if (!problem.empty())
            throw Error(problem, "this is a defect of the program; please report it with the command line");
        for (size_t k = 0; k < kBlock && stats.train.bytes + stats.val.bytes < target; k++) {
            const Document& document = block[k];
            const bool is_val = World::is_val(document.text, c.val_fraction);
            (is_val ? val : train).write(lines[k]);
            auto count = [&](WorldStatistics::Kind& kind) {
                kind.documents++;
                kind.bytes += int64_t(document.text.size());
            };
            count(is_val ? stats.val : stats.train);
            for (size_t i = 0; i < kDocumentKinds.size(); i++)
                if (document.kind == kDocumentKinds[i].name) count(stats.kinds[i]);
            if (!is_val)
                for (const uint32_t fact : document.facts) stats.told[fact]++;
        }
    }
    return stats;
}

inline void write_world_facts(const World& world, const WorldStatistics& stats, AtomicFile& out) {
    for (const Fact& fact : world.facts) {
        const auto questions = world.questions(fact);
        const nlohmann::ordered_json line = {
            {"kind", fact.kind},   {"entity", fact.entity},       {"attribute", fact.attribute},
            {"value", fact.value}, {"told", stats.told[fact.id]}, {"held_out", fact.held_out},
            {"question", questions[0]}, {"questions", questions}};
        out.write(json_text(line) + "\n");
    }
}

// The three files, or none of them.
inline WorldStatistics write_world(const World& world, const WorldConfig& c) {
    make_directories(c.out);
    AtomicFile train(c.out + "/train.jsonl"), val(c.out + "/val.jsonl"), facts(c.out + "/facts.jsonl");
    WorldStatistics stats = write_world_documents(world, c, train, val);
    write_world_facts(world, stats, facts);
    train.commit();
    val.commit();
    facts.commit();
    return stats;
}

// ---- conversations, tasks, library

// Lines 0 to n-1 in order, made in parallel.
template <typename Line>
int64_t write_lines(const std::string& path, int64_t n, int threads, Line line) {
    AtomicFile out(path);
    constexpr int64_t kBlock = 4096;
    std::vector<std::string> lines(kBlock);
    for (int64_t first = 0; first < n; first += kBlock) {
        const int64_t count = std::min(kBlock, n - first);
        std::string what, advice;
        #pragma omp parallel for schedule(dynamic, 32) num_threads(threads)
        for (int64_t k = 0; k < count; k++) {
            try {  // an exception must not leave the parallel region
                lines[size_t(k)] = line(uint64_t(first + k));
            } catch (const Error& e) {
                #pragma omp critical
                what = e.what(), advice = e.advice;
            }
        }
        if (!what.empty()) throw Error(cat(path, ": ", what), advice);
        for (int64_t k = 0; k < count; k++) out.write(lines[size_t(k)]);
    }
    out.commit();
    return out.written_bytes();
}

inline void append_field(std::string& out, const char* name, std::string_view text) {
    out += cat(", \"", name, "\": ");
    append_json_string(out, text);
}
inline std::string conversation_line(const ChatConversation& c) {
    std::string s = "{\"messages\": [";
    for (const ChatMessage& m : c.messages) {
        s += cat(&m == c.messages.data() ? "" : ", ", "{\"role\": \"", m.role, "\"");
        if (!m.thinking.empty()) append_field(s, "thinking", m.thinking);
        append_field(s, "content", m.content);
        if (!m.tool.empty()) {
            s += cat(", \"tool_calls\": [{\"type\": \"function\", \"function\": {\"name\": \"", m.tool, "\"");
            append_field(s, "arguments", m.argument);
            s += "}}]";
        }
        s += "}";
    }
    s += "]";
    append_field(s, "set", c.set);
    if (!c.answer.empty()) append_field(s, "answer", c.answer);
    if (c.difficulty) s += cat(", \"difficulty\": ", c.difficulty);
    if (c.told >= 0) s += cat(", \"told\": ", c.told);
    if (c.noisy) s += ", \"noisy\": true";
    if (c.refused) s += ", \"refused\": true";
    return s + "}\n";
}
inline std::string task_line(const Problem& p) {
    std::string s = "{\"prompt\": ";
    append_json_string(s, p.prompt);
    if (p.answer.empty()) s += ", \"answer\": null";
    else append_field(s, "answer", p.answer);
    append_field(s, "task", p.task);
    s += cat(", \"difficulty\": ", p.difficulty);
    append_field(s, "kind", p.kind);
    if (!p.entity.empty()) append_field(s, "entity", p.entity);
    if (!p.attribute.empty()) append_field(s, "attribute", p.attribute);
    if (!p.source.empty()) append_field(s, "source", p.source);
    if (p.told >= 0) s += cat(", \"told\": ", p.told);
    if (p.examples >= 0) s += cat(", \"examples\": ", p.examples);
    return s + "}\n";
}

struct ChatStatistics {
    int64_t conversations = 0, problems = 0, rankings = 0, passages = 0, bytes = 0;
    std::vector<std::string> missing;  // sets and tasks for which the world has no facts
};

// chat/SET-train.jsonl and SET-val.jsonl. A set without material is not written; what an earlier run left there goes.
inline void write_conversations(const World& world, const FactPools& facts, const WorldConfig& c, int threads, ChatStatistics& stats) {
    make_directories(c.out + "/chat");
    for (const ConversationSet& set : conversation_sets())
        for (const Share share : {Share::train, Share::val}) {
            const std::string path = cat(c.out, "/chat/", set.name, "-", kShareNames[size_t(share)], ".jsonl");
            const int64_t n = share == Share::train ? c.conversations : (c.conversations + 9) / 10;
            if (!has_material(facts, set, share)) {
                stats.missing.push_back(cat("chat/", set.name, "-", kShareNames[size_t(share)]));
                fs::remove(path);  // nothing happens where there is none
                continue;
            }
            stats.bytes += write_lines(path, n, threads, [&](uint64_t i) { return conversation_line(make_conversation(world, facts, set, share, i, c.noise)); });
            stats.conversations += n;
        }
}
// Up to n questions of dev or test as lines. Their prompts differ, since a question that is asked twice would count twice; where a share has few
// (rows of two dots), there are fewer than n.
inline std::vector<std::string> distinct_questions(const World& world, const FactPools& facts, const std::string& task, Share share, int64_t n) {
    std::vector<std::string> lines;
    std::unordered_set<std::string> prompts;
    for (uint64_t i = 0; int64_t(lines.size()) < n && i < 4 * uint64_t(n); i++)
        if (const Problem p = make_problem(world, facts, task, share, i); prompts.insert(p.prompt).second) lines.push_back(task_line(p));
    return lines;
}
// tasks/TASK-train.jsonl, -dev.jsonl, -test.jsonl
inline void write_tasks(const World& world, const FactPools& facts, const WorldConfig& c, int threads, ChatStatistics& stats) {
    make_directories(c.out + "/tasks");
    for (const Task& task : kTasks)
        for (const Share share : {Share::train, Share::dev, Share::test}) {
            const std::string path = cat(c.out, "/tasks/", task.name, "-", kShareNames[size_t(share)], ".jsonl");
            int64_t n = share == Share::train ? c.tasks : (c.tasks + 3) / 4;
            if (!has_material(world, facts, task, share)) {
                stats.missing.push_back(cat("tasks/", task.name, "-", kShareNames[size_t(share)]));
                fs::remove(path);  // nothing happens where there is none
                continue;
            }
            std::vector<std::string> questions;
            if (share != Share::train) questions = distinct_questions(world, facts, task.name, share, n), n = int64_t(questions.size());
            stats.bytes += write_lines(path, n, threads,
                                       [&](uint64_t i) { return share == Share::train ? task_line(make_problem(world, facts, task.name, share, i)) : questions[i]; });
            stats.problems += n;
        }
}
// The jokes of world_jokes.hpp: chat/jokes-*.jsonl, as good as they happen to be; rankings/jokes-*.jsonl of four each; tasks/jokes-*.jsonl, which
// name the judge that knows the hidden rule, for who wants to know what a reward model does not.
inline void write_jokes(const WorldConfig& c, int threads, ChatStatistics& stats) {
    using namespace jokes;
    const std::string rankings = c.out + "/rankings";
    make_directories(rankings);
    for (const Pool pool : {train, dev, test}) {
        const std::string name = cat("/jokes-", kPoolNames[pool], ".jsonl"), val = pool == dev ? "/jokes-val.jsonl" : name;
        const int64_t n = pool == train ? c.tasks : (c.tasks + 3) / 4, shown = pool == train ? c.conversations : (c.conversations + 9) / 10;
        if (shown > 0 && pool != test) {
            stats.bytes += write_lines(c.out + "/chat" + val, shown, threads, [&](uint64_t i) {
                const Demonstration d = demonstration(c.seed, pool, i);
                ChatConversation chat;
                chat.messages = {{"user", d.prompt}, {"assistant", d.joke}};
                chat.set = "jokes";
                return conversation_line(chat);
            });
            stats.conversations += shown;
        }
        if (n == 0) continue;
        stats.bytes += write_lines(c.out + "/tasks" + name, n, threads, [&](uint64_t i) {
            Rng rng = stream(c.seed, 3, pool, i);
            std::string line = "{\"prompt\": ";
            append_json_string(line, make_prompt(rng, pool));
            return line + ", \"answer\": null, \"task\": \"jokes\", \"check\": \"jokes\"}\n";
        });
        stats.bytes += write_lines(rankings + name, n, threads, [&](uint64_t i) {
            const RankedJokes r = ranked(c.seed, pool, i);
            nlohmann::ordered_json j = {{"prompt", r.prompt}, {"responses", r.responses}, {"ranking", r.order}};
            for (const auto& joke : r.responses) j["worths"].push_back(worth(r.prompt, joke));   // for the lab; nobody trains on them
            return json_text(j) + "\n";
        });
        stats.problems += n, stats.rankings += n;
    }
}

// library.jsonl: what a search can find, on everybody but those who are held out.
inline void write_library(const World& world, const WorldConfig& c, int threads, ChatStatistics& stats) {
    std::vector<const Fact*> firsts;
    auto add = [&](const auto& entities) {
        for (const auto& e : entities)
            if (!e.held_out) firsts.push_back(&world.facts[e.first_fact]);
    };
    add(world.people), add(world.places), add(world.animals);
    stats.bytes += write_lines(c.out + "/library.jsonl", int64_t(firsts.size()), threads, [&](uint64_t i) {
        std::string lines;
        for (const Passage& p : passages_about(world, *firsts[i])) {
            lines += "{\"source\": ";
            append_json_string(lines, p.source);
            append_field(lines, "title", firsts[i]->entity);
            append_field(lines, "text", p.text);
            lines += "}\n";
        }
        return lines;
    });
    stats.passages = int64_t(firsts.size());
}

// The game: demonstrations by the expert, who is not perfect, as chat/nim-train.jsonl and -val.jsonl, of all positions, since a game goes through most of
// them: what tests a player is whole games. All positions that can be won, each once, as tasks/nim-train.jsonl, -dev, -test, for who asks what
// can be learned of positions that were not practised; "check" names the judge (rewards.hpp).
inline void write_game(const World& world, const WorldConfig& c, int threads, ChatStatistics& stats) {
    std::array<std::vector<int>, 4> shares;
    for (int heap = 1; heap <= nim::kMost; heap++) shares[size_t(share_of(nim::key(heap)))].push_back(heap);
    for (const Share share : {Share::train, Share::val}) {
        const int64_t n = share == Share::train ? c.conversations : (c.conversations + 9) / 10;
        if (n == 0) continue;
        stats.bytes += write_lines(cat(c.out, "/chat/nim-", kShareNames[size_t(share)], ".jsonl"), n, threads, [&](uint64_t i) {
            Rng rng = Rng::stream(world.shape.seed, 0x417, uint64_t(share), i);
            const int heap = 1 + int(rng.below(uint64_t(nim::kMost)));
            ChatConversation game;
            game.messages = {{"user", nim::prompt_of(heap)}, {"assistant", nim::text_of(nim::one_of(nim::expert_moves(heap), rng))}};
            game.set = "nim";
            return conversation_line(game);
        });
        stats.conversations += n;
    }
    if (c.tasks == 0) return;
    for (const Share share : {Share::train, Share::dev, Share::test}) {
        std::vector<int> won;
        std::copy_if(shares[size_t(share)].begin(), shares[size_t(share)].end(), std::back_inserter(won), nim::is_won);
        Rng rng = Rng::stream(world.shape.seed, 0x418, uint64_t(share));
        rng.shuffle(won);
        stats.bytes += write_lines(cat(c.out, "/tasks/nim-", kShareNames[size_t(share)], ".jsonl"), int64_t(won.size()), threads, [&](uint64_t i) {
            return cat("{\"prompt\": \"", nim::prompt_of(won[i]), "\", \"answer\": \"", nim::text_of(nim::perfect_moves(won[i])[0]),
                       "\", \"task\": \"nim\", \"check\": \"nim\", \"difficulty\": ", 1 + won[i] / 20, "}\n");
        });
        stats.problems += int64_t(won.size());
    }
}

inline ChatStatistics write_world_chat(const World& world, const WorldConfig& c, const std::vector<uint32_t>& told) {
    ChatStatistics stats;
    const FactPools facts(world, told, uint32_t(c.known), uint32_t(c.rare));
    const int threads = c.threads > 0 ? c.threads : omp_get_max_threads();
    make_directories(c.out);
    write_library(world, c, threads, stats);
    if (c.conversations) write_conversations(world, facts, c, threads, stats);
    if (c.tasks) write_tasks(world, facts, c, threads, stats);
    if (c.tasks || c.conversations) write_jokes(c, threads, stats);
    write_game(world, c, threads, stats);
    return stats;
}
inline void print_chat(const ChatStatistics& stats, const WorldConfig& c, double seconds) {
    std::printf("%s/chat: %s conversations in %zu sets; tasks: %s problems of %zu tasks; rankings: %s of jokes; library.jsonl on %s people, places and animals; "
                "%.1f MB in %.1f s\n", c.out.c_str(), with_commas(stats.conversations).c_str(), conversation_sets().size() + 2,
                with_commas(stats.problems).c_str(), kTasks.size() + 2, with_commas(stats.rankings).c_str(), with_commas(stats.passages).c_str(), double(stats.bytes) / 1e6,
                        seconds);
    if (stats.missing.empty()) return;
    std::string names;
    for (const auto& name : stats.missing) names += " " + name;
    std::printf("not written, since no fact is told so often (--known %d) or so rarely (--rare %d):%s\n", c.known, c.rare, names.c_str());
}

inline void print_world(const World& world, const WorldStatistics& stats, const WorldConfig& c, double seconds) {
    std::printf("%-12s %10s %12s %8s\n", "kind", "documents", "bytes", "mean");
    for (size_t i = 0; i < kDocumentKinds.size(); i++) {
        const auto& kind = stats.kinds[i];
        if (kind.documents == 0) continue;
        std::printf("%-12s %10s %12s %8.0f\n", kDocumentKinds[i].name, with_commas(kind.documents).c_str(),
                    with_commas(kind.bytes).c_str(), double(kind.bytes) / double(kind.documents));
    }
    std::vector<uint32_t> told;
    for (const Fact& fact : world.facts)
        if (!fact.held_out) told.push_back(stats.told[fact.id]);
    std::sort(told.begin(), told.end());
    std::printf("%s facts: the best known is told %u times, half of them at most %u times, %s never; "
                "%s more are held out\n", with_commas(int64_t(told.size())).c_str(), told.back(), told[told.size() / 2],
                with_commas(std::count(told.begin(), told.end(), 0u)).c_str(),
                with_commas(int64_t(world.facts.size() - told.size())).c_str());
    for (const auto& [name, set] : {std::pair{"train", &stats.train}, std::pair{"val", &stats.val}})
        std::printf("%s/%s.jsonl: %s documents, %s bytes of text\n", c.out.c_str(), name,
                    with_commas(set->documents).c_str(), with_commas(set->bytes).c_str());
    std::printf("%.1f s, %.0f MB/s\n", seconds, double(stats.train.bytes + stats.val.bytes) / 1e6 / seconds);
}

inline int run_world(WorldConfig& c) {
    if (c.out.empty()) throw UsageError("world: --out DIR is missing", "train_gpt world --out data/world");
    if (!(c.megabytes > 0 && c.megabytes <= 1e6))
        throw UsageError(cat("--megabytes ", c.megabytes, ": expected more than 0 and at most 1000000"));
    if (!(c.val_fraction > 0 && c.val_fraction <= 0.5))
        throw UsageError(cat("--val-fraction ", c.val_fraction, ": expected more than 0 and at most 0.5"));
    if (c.threads < 0) throw UsageError(cat("--threads ", c.threads, ": expected 0 or more"));
    if (!(c.noise >= 0 && c.noise <= 1)) throw UsageError(cat("--noise ", c.noise, ": expected 0 to 1"));
    for (const auto& [flag, n] : {std::pair{"conversations", c.conversations}, {"tasks", c.tasks}})
        if (n < 0 || n > 10'000'000) throw UsageError(cat("--", flag, " ", n, ": expected 0 to 10000000"));
    if (c.hardest < 0) throw UsageError(cat("--hardest ", c.hardest, ": expected 0 or more"));
    if (c.numbers != 0 && (c.numbers < 4 || c.numbers > 1000)) throw UsageError(cat("--numbers ", c.numbers, ": expected 0, or 4 to 1000"), "with smaller ones a share would have no problem");
    if (c.rare < 0 || c.known <= c.rare)
        throw UsageError(cat("--known ", c.known, " --rare ", c.rare, ": expected 0 or more for --rare, and more than that for --known"));
    const double start = now_s();
    const World world({c.seed, c.people, c.places, c.held_out_people, c.held_out_places, c.zipf, {c.hardest, c.numbers}}, c.kinds);
    const WorldStatistics stats = write_world(world, c);
    print_world(world, stats, c, now_s() - start);
    const double chat_start = now_s();
    const ChatStatistics chat = write_world_chat(world, c, stats.told);
    print_chat(chat, c, now_s() - chat_start);
    return 0;
}

inline std::vector<Command> world_commands() {
    return {make_command("world", "", "write the embedded data set: documents, the facts that they tell, conversations and tasks",
                         world_flags, run_world)};
}
