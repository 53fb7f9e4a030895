// world.hpp -- the embedded data set: an endless little world of documents, so that nothing need be downloaded.
//
// Document i is a function of (shape of the world, i) alone: any number of threads writes the same bytes, and more
// megabytes extend what fewer gave. A document belongs to the validation set if the hash of its whole text says so; so
// no text is in both sets, whatever is drawn twice, and whichever seed it came from.
// `world --out DIR` writes train.jsonl and val.jsonl ({"text", "kind"} a line) and facts.jsonl: every fact of the
// world, held-out ones too, and in how many documents of train.jsonl it is told.
// Does not: make conversations or tasks yet; they will come from the same grammar, words and facts.
#pragma once

#include <omp.h>

#include <nlohmann/json.hpp>

#include "cli.hpp"
#include "world_stories.hpp"

struct DocumentKind {
    const char* name;
    int weight;                // share of the documents, in percent
    void (*write)(Draft&);
};
inline constexpr std::array<DocumentKind, 13> kDocumentKinds = {{
    {"biography", 22, biography},
    {"story", 20, story},
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
}};
inline constexpr size_t kMinDocumentBytes = 40, kMaxDocumentBytes = 1500;

struct World : WorldFacts {
    // `kinds` restricts the documents to some kinds; empty: all.
    explicit World(const WorldShape& shape_ = {}, const std::vector<std::string>& kinds = {}) : WorldFacts(shape_) {
        for (const char* rules : {kDocumentRules, kLetterRules, kExerciseRules, kStoryRules}) grammar.add(rules);
        declare_slots();
        grammar.check();
        for (const DocumentKind& kind : kDocumentKinds)
            if (kinds.empty() || std::find(kinds.begin(), kinds.end(), kind.name) != kinds.end())
                for (int i = 0; i < kind.weight; i++) ballots_.push_back(&kind);
        for (const auto& name : kinds) {
            std::string all;
            bool known = false;
            for (const DocumentKind& kind : kDocumentKinds) known |= name == kind.name, all += cat(" ", kind.name);
            if (!known)
                throw UsageError(cat("--kinds ", name, ": no such kind of document"), cat("expected some of:", all));
        }
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
        uint64_t hash = text.size();
        for (size_t i = 0; i < text.size(); i += 8) {
            uint64_t word = 0;
            std::memcpy(&word, text.data() + i, std::min<size_t>(8, text.size() - i));
            hash = splitmix64(hash ^ word);
        }
        return double(splitmix64(hash) >> 11) * 0x1p-53 < val_fraction;
    }

   private:
    std::vector<const DocumentKind*> ballots_;

    void declare_slots() {
        for (const char* slot : {"a", "b", "day2", "date", "hour2"}) grammar.declare(slot);
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
    int threads = 0;
};
inline const std::vector<Flag<WorldConfig>> world_flags = {
    {"out", &WorldConfig::out, "DIR", "directory to write train.jsonl, val.jsonl and facts.jsonl to"},
    {"seed", &WorldConfig::seed, "", "another seed, another world"},
    {"megabytes", &WorldConfig::megabytes, "MB", "millions of bytes of text, train and validation together"},
    {"val-fraction", &WorldConfig::val_fraction, "", "share of the texts that goes to val.jsonl"},
    {"people", &WorldConfig::people, "", "people that documents tell of, the first the most often"},
    {"places", &WorldConfig::places, "", "towns that documents tell of"},
    {"held-out-people", &WorldConfig::held_out_people, "", "people with facts that no document ever names"},
    {"held-out-places", &WorldConfig::held_out_places, "", "towns that no document ever names"},
    {"zipf", &WorldConfig::zipf, "", "exponent of fame: rank r is told in proportion to 1 / r^zipf"},
    {"kinds", &WorldConfig::kinds, "KIND...", "only these kinds of documents (default: all)"},
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
        const nlohmann::ordered_json line = {
            {"kind", fact.kind},   {"entity", fact.entity},       {"attribute", fact.attribute},
            {"value", fact.value}, {"told", stats.told[fact.id]}, {"held_out", fact.held_out}};
        out.write(line.dump() + "\n");
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
    const double start = now_s();
    const World world({c.seed, c.people, c.places, c.held_out_people, c.held_out_places, c.zipf}, c.kinds);
    const WorldStatistics stats = write_world(world, c);
    print_world(world, stats, c, now_s() - start);
    return 0;
}

inline std::vector<Command> world_commands() {
    return {make_command("world", "", "write the embedded data set: documents and the facts that they tell",
                         world_flags, run_world)};
}
