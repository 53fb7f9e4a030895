// world_tasks.hpp -- the tasks: everything that can be asked and checked, by name. make_problem(world, "spelling", Share::dev, 7)
// is one problem; evaluation and reinforcement learning need no more.
//
// Beside the puzzles there are questions on facts. What a model can know depends on how often the documents told it, so a
// question carries that number: facts told often should be answered, facts told once or never can only be looked up, and for
// people who do not exist (the held-out ones, whom no document and no conversation ever names) the right answer is to decline.
// The library holds the same facts as passages with a source, so that a question can come with its passage, or be searched for.
// Promises: no problem of one share is a problem of another; the same fact seen from its other end ("Tom's sister is Ada") has
// the same key. Facts whose pools are asked for by number of tellings depend on the documents that were counted, the rest does not.
#pragma once

#include "world_puzzles.hpp"

inline constexpr const char* kTaskRules = R"WORLD(
# A sentence that answers, and nothing else. {Subj} and {poss} are a name or a pronoun.
tell_birthplace:
  {Subj} was born in {birthplace}.
  {Poss} birthplace is {birthplace}.
tell_birth_year:
  {Subj} was born in {birth_year}.
  {Poss} year of birth is {birth_year}.
tell_birthday:
  {Poss} birthday is on {birthday}.
  {Subj} has {his} birthday on {birthday}.
tell_home:
  {Subj} lives in {home}.
  {Poss} home is in {home}.
tell_job:
  {Subj} is @{job}.
  {Subj} works as @{job}.
tell_favourite_food:
  {Poss} favourite food is {favourite_food}.
  {Subj} likes {favourite_food} best.
tell_favourite_colour:
  {Poss} favourite colour is {favourite_colour}.
  {Subj} likes the colour {favourite_colour} best.
tell_hobby:
  {Poss} hobby is {hobby}.
  In {his} free time, {subj} enjoys {hobby}.
tell_pet:
  {Subj} has @{pet}.
  {Poss} pet is @{pet}.
tell_pet_name:
  {Poss} pet is called {pet_name}.
  The name of {poss} pet is {pet_name}.
tell_sibling:
  {Poss} {sibling_kind} is {sibling}.
  {Subj} has a {sibling_kind} called {sibling}.
tell_best_friend:
  {Poss} best friend is {best_friend}.
  {Subj} has a best friend called {best_friend}.
tell_region:
  {Place} is in {region}.
  {Place} lies in {region}.
tell_river:
  The river {river} flows through {place}.
  {Place} lies on the river {river}.
tell_mountain:
  The mountain near {place} is {mountain}.
  {Place} lies at the foot of {mountain}.
tell_known_for:
  {Place} is known for {known_for}.
  {Place} is famous for {known_for}.
tell_population:
  {Population} people live in {place}.
  {Place} has {population} inhabitants.
tell_dish:
  The best dish in {place} is {dish}.
  In {place}, people like to eat {dish}.
tell_founded:
  {Place} was founded in {founded}.
tell_emblem:
  The flag of {place} shows @{emblem}.
  The animal on the flag of {place} is @{emblem}.
tell_class:
  The {animal} is @{class}.
  ^@{animal} is @{class}.
tell_habitat:
  {Animals} live {in_or_on} {habitat}.
  The {animal} lives {in_or_on} {habitat}.
tell_diet:
  {Animals} eat {diet}.
  ^@{animal} eats {diet}.
tell_young:
  A young {animal} is called @{young}.
tell_legs:
  ^@{animal} has {legs}.
  {Animals} have {legs}.
who_is:
  Who is {name}?
  What do you know about {name}?
  Tell me something about {name}.
  Do you know {name}?
what_is:
  What is {place}?
  What do you know about {place}?
  Tell me something about {place}.
  Where is {place}, and what is it known for?
with_passage:
  {passage}\n\n{question}
  Read this: {passage}\n\n{question}
  {question}\n\n{passage}
  [Here is a page|I found this]: {passage}\n\n{question}
)WORLD";

// ---- the library

struct Passage {
    std::string source;                // "Register of births"
    std::string text;                  // two or three sentences; the first names whom they are about
    std::vector<uint32_t> facts;       // ids, one a sentence
};
struct PassageKind {
    const char *kind, *source;
    std::vector<size_t> attributes;
};
inline const std::vector<PassageKind>& passage_kinds() {
    static const std::vector<PassageKind> kinds = {
        {"person", "Register of births", {kBirthplace, kBirthYear, kBirthday}},
        {"person", "Town directory", {kHome, kJob, kHobby}},
        {"person", "Book of guests", {kFavouriteFood, kFavouriteColour}},
        {"person", "Family album", {kSibling, kBestFriend, kPet, kPetName}},
        {"place", "Atlas", {kRegion, kRiver, kMountain, kPopulation}},
        {"place", "Travel guide", {kKnownFor, kDish, kFounded, kEmblem}},
        {"animal", "Book of animals", {kClass, kHabitat, kDiet, kYoung, kLegs}},
    };
    return kinds;
}
inline uint32_t first_fact_of(const WorldFacts& world, const Fact& fact) {
    return fact.kind == "person" ? world.people[fact.entity_id].first_fact
           : fact.kind == "place" ? world.places[fact.entity_id].first_fact : world.animals[fact.entity_id].first_fact;
}
// The passages on the entity that has `fact`; a function of the world alone.
inline std::vector<Passage> passages_about(const WorldFacts& world, const Fact& fact) {
    std::vector<Passage> v;
    const uint32_t first = first_fact_of(world, fact);
    for (size_t k = 0; k < passage_kinds().size(); k++) {
        const PassageKind& kind = passage_kinds()[k];
        if (fact.kind != kind.kind) continue;
        Rng rng = Rng::stream(world.shape.seed, 0x11B4A4, first, k);
        Slots slots(world.grammar, rng);
        world.bind_fact(slots, fact);
        Passage p{kind.source, "", {}};
        for (const size_t a : kind.attributes) {
            const Fact& told = world.facts[first + a];
            p.text += (p.text.empty() ? "" : " ") + slots.text("tell_" + told.attribute);
            p.facts.push_back(told.id);
            if (fact.kind == "person") world.name_subject(slots, world.people[fact.entity_id], "");
        }
        v.push_back(std::move(p));
    }
    return v;
}
inline Passage passage_of(const WorldFacts& world, const Fact& fact) {
    for (Passage& p : passages_about(world, fact))
        if (std::find(p.facts.begin(), p.facts.end(), fact.id) != p.facts.end()) return p;
    ASSERT(false, "no passage tells ", fact.entity, " ", fact.attribute);
}

// ---- facts by how often they are told

// Two ends of one friendship are one fact.
inline std::string fact_key(const Fact& fact) {
    const bool mutual = fact.attribute == "sibling" || fact.attribute == "best_friend";
    const bool turned = mutual && fact.value < fact.entity;
    return cat("fact ", fact.attribute, " ", turned ? fact.value : fact.entity, mutual ? " " + (turned ? fact.entity : fact.value) : "");
}

enum class Fame { often, rarely, never };  // told at least `known` times; once up to `rare` times; never

class FactPools {
   public:
    // told[id]: documents of the training set that tell fact id; empty: not counted, then every fact counts as often told.
    FactPools() = default;             // for tasks that need no facts
    FactPools(const WorldFacts& world, std::vector<uint32_t> told_, uint32_t known = 20, uint32_t rare = 1) : told(std::move(told_)) {
        ASSERT(told.empty() || told.size() == world.facts.size(), "told has ", told.size(), " entries");
        shares_.resize(world.facts.size());
        for (const Fact& fact : world.facts) {
            shares_[fact.id] = share_of(fact_key(fact));
            if (fact.held_out) continue;
            const int64_t n = times_told(fact.id);
            if (n < 0 || n >= int64_t(known)) pool(shares_[fact.id], Fame::often).push_back(fact.id);
            else if (n == 0) pool(shares_[fact.id], Fame::never).push_back(fact.id);
            else if (n <= int64_t(rare)) pool(shares_[fact.id], Fame::rarely).push_back(fact.id);
        }
        is_often_.resize(world.facts.size());
        for (auto& by_fame : pools_)
            for (const uint32_t id : by_fame[size_t(Fame::often)]) is_often_[id] = true;
    }
    const std::vector<uint32_t>& get(Share share, Fame fame) const { return pools_[size_t(share)][size_t(fame)]; }
    int64_t times_told(uint32_t id) const { return told.empty() ? -1 : int64_t(told[id]); }
    // Whether a conversation of this share may answer it with confidence.
    bool is_known(uint32_t id, Share share) const { return shares_[id] == share && is_often_[id]; }
    // Facts told at most `rare` times, or never.
    size_t num_rare(Share share) const { return get(share, Fame::rarely).size() + get(share, Fame::never).size(); }
    uint32_t rare_fact(Share share, Rng& rng) const {
        const auto &once = get(share, Fame::rarely), &never = get(share, Fame::never);
        if (once.empty() && never.empty())
            throw Error(cat("no fact of the share ", kShareNames[size_t(share)], " is told so rarely"),
                        "count more facts as rare with --rare, or write fewer --megabytes");
        const size_t i = rng.below(once.size() + never.size());
        return i < once.size() ? once[i] : never[i - once.size()];
    }
    const std::vector<uint32_t> told;

   private:
    std::vector<uint32_t>& pool(Share share, Fame fame) { return pools_[size_t(share)][size_t(fame)]; }
    std::array<std::array<std::vector<uint32_t>, 3>, 4> pools_;
    std::vector<Share> shares_;
    std::vector<bool> is_often_;
};

inline void ask_fact(Puzzle& z, const FactPools& facts, uint32_t id) {
    const Fact& fact = z.world.facts[id];
    z.p.prompt = z.world.question(fact, z.rng);
    z.p.answer = fact.value;
    z.p.entity = fact.entity;
    z.p.attribute = fact.attribute;
    z.p.told = facts.times_told(id);
    z.p.kind = fact.kind;
    z.p.key = fact_key(fact);
}
// Difficulty 1: told often, 2: rarely, 3: never; where there is none such, the next easier one, or whatever there is.
inline bool fact_task(Puzzle& z, const FactPools& facts) {
    for (int level : {z.p.difficulty, z.p.difficulty - 1, z.p.difficulty - 2, 2, 3}) {
        if (level < 1) continue;
        const auto& pool = facts.get(z.share, Fame(level - 1));
        if (pool.empty()) continue;
        z.p.difficulty = level;
        ask_fact(z, facts, pool[z.rng.below(pool.size())]);
        return true;
    }
    throw Error(cat("no fact of the share ", kShareNames[size_t(z.share)], " is told so often or so rarely"),
                "choose other --known and --rare, or write more --megabytes");
}
inline bool rare_fact_task(Puzzle& z, const FactPools& facts) { return ask_fact(z, facts, facts.rare_fact(z.share, z.rng)), true; }

// The question, and the passage that answers it.
inline void paste_passage(Puzzle& z, const Fact& fact) {
    const Passage passage = passage_of(z.world, fact);
    z.slots.set("passage", passage.text);
    z.slots.set("question", z.p.prompt);
    z.p.prompt = z.say("with_passage");
    z.p.source = passage.source;
}
// The same facts as facts-rare, item for item.
inline bool context_task(Puzzle& z, const FactPools& facts) {
    const uint32_t id = facts.rare_fact(z.share, z.rng);
    ask_fact(z, facts, id);
    paste_passage(z, z.world.facts[id]);
    return true;
}

// Questions on people and places that no document names. There is no answer; the share goes by the name.
inline bool nobody_task(Puzzle& z, const FactPools&) {
    const bool person = z.chance(85);
    const auto people = z.world.held_out_people();
    const auto places = z.world.held_out_places();
    const Entity& entity = person ? static_cast<const Entity&>(people[z.rng.below(people.size())]) : places[z.rng.below(places.size())];
    if (!z.settle(person ? "person" : "place", "nobody " + entity.name)) return false;
    z.p.entity = entity.name;
    z.slots.set(person ? "name" : "place", entity.name);
    if (z.chance(30)) return z.p.prompt = z.say(person ? "who_is" : "what_is"), true;
    const Fact& fact = z.world.facts[entity.first_fact + z.rng.below(person ? size_t(kNumPersonAttributes) : size_t(kNumPlaceAttributes))];
    z.p.attribute = fact.attribute;
    z.p.prompt = z.world.question(fact, z.rng);
    return true;
}

// A page of one language that breaks off after the arrow. Difficulty 11 has no example, difficulty 1 has ten.
constexpr int kTranslationDifficulties = 11;
inline bool translation_task(Puzzle& z, const FactPools&) {
    const Languages& languages = z.world.languages;
    const size_t language = z.rng.below(Languages::kLanguages), word = z.rng.below(languages.words.size());
    const std::string form = languages.form(word, language);
    // forms that documents show are for training, the others for dev and test
    const bool held_out = languages.is_held_out(word, language);
    const Share share = !held_out ? Share::train : text_hash(form) % 2 ? Share::dev : Share::test;
    if (share != z.share) return false;
    z.p.kind = cat("class", languages.words[word].word_class);
    z.p.key = "translation " + languages.line(word, language);
    z.p.examples = kTranslationDifficulties - z.p.difficulty;
    std::vector<size_t> shown = {word};
    while (int(shown.size()) <= z.p.examples) {
        const size_t other = z.rng.below(languages.words.size());
        if (std::find(shown.begin(), shown.end(), other) != shown.end() || languages.is_held_out(other, language)) continue;
        shown.push_back(other);
        z.p.prompt += languages.line(other, language) + "\n";
    }
    z.p.prompt += languages.words[word].english + " ->";
    z.p.answer = form;
    return true;
}

// ---- the table

struct Task {
    const char* name;
    int difficulties;                                       // 1 to this
    bool (*draw)(Puzzle&, const FactPools&);
    bool needs_facts = false;
};
template <bool (*puzzle)(Puzzle&)>
bool without_facts(Puzzle& z, const FactPools&) { return puzzle(z); }

inline constexpr std::array<Task, 11> kTasks = {{
    {"word-problems", kWordProblemDifficulties, without_facts<word_problem_puzzle>},
    {"arithmetic", kArithmeticDifficulties, without_facts<arithmetic_puzzle>},
    {"counting", kCountingDifficulties, without_facts<counting_puzzle>},
    {"spelling", kSpellingDifficulties, without_facts<spelling_puzzle>},
    {"comparing", kComparingDifficulties, without_facts<comparing_puzzle>},
    {"sorting", kSortingDifficulties, without_facts<sorting_puzzle>},
    {"facts", 3, fact_task, true},
    {"facts-rare", 1, rare_fact_task, true},
    {"facts-context", 1, context_task, true},
    {"nobody", 1, nobody_task},
    {"translation", kTranslationDifficulties, translation_task},
}};
inline std::vector<std::string> task_names() {
    std::vector<std::string> names;
    for (const Task& t : kTasks) names.push_back(t.name);
    return names;
}
inline const Task& find_task(const std::string& name) {
    std::string all;
    for (const Task& t : kTasks) {
        if (name == t.name) return t;
        all += cat(" ", t.name);
    }
    throw UsageError(cat("no task named ", name), cat("expected one of:", all));
}

// Whether the world has facts, or people who do not exist, for a task.
inline bool has_material(const WorldFacts& world, const FactPools& facts, const Task& task, Share share) {
    const std::string_view name = task.name;
    if (name == "facts") return facts.num_rare(share) + facts.get(share, Fame::often).size() > 0;
    if (name == "facts-rare" || name == "facts-context") return facts.num_rare(share) > 0;
    if (name != "nobody") return true;
    auto in_share = [&](const Entity& e) { return share_of("nobody " + e.name) == share; };
    const auto people = world.held_out_people();
    return std::any_of(people.begin(), people.end(), in_share);
}

// Problem i of a task and share. difficulty 0: the difficulties take turns, up to the hardest of the world's level.
inline Problem make_problem(const WorldFacts& world, const FactPools& facts, const std::string& task, Share share, uint64_t i, int difficulty = 0) {
    const Task& t = find_task(task);
    if (difficulty < 0 || difficulty > t.difficulties)
        throw UsageError(cat("difficulty ", difficulty, " of the task ", task, ": expected 1 to ", t.difficulties));
    const int hardest = world.shape.level.hardest;
    const uint64_t levels = uint64_t(hardest > 0 ? std::min(hardest, t.difficulties) : t.difficulties);
    // facts-rare and facts-context draw the same facts
    const uint64_t stream = text_hash(task == "facts-context" ? "facts-rare" : task);
    for (uint64_t attempt = 0; attempt < 100000; attempt++) {
        Rng rng = Rng::stream(world.shape.seed, 0x9A0B, stream, uint64_t(share), i, uint64_t(difficulty), attempt);
        Puzzle z(world, rng, share);
        z.p.task = task;
        z.p.difficulty = difficulty ? difficulty : 1 + int(i % levels);
        if (t.draw(z, facts)) return std::move(z.p);
    }
    throw Error(cat("the task ", task, " has no problem of the share ", kShareNames[size_t(share)]),
                "translations and people who do not exist have too few; use another share or a larger world");
}
// The same without counted facts: questions on facts then take any fact that documents may tell.
inline Problem make_problem(const WorldFacts& world, const std::string& task, Share share, uint64_t i, int difficulty = 0) {
    return make_problem(world, find_task(task).needs_facts ? FactPools(world, {}) : FactPools(), task, share, i, difficulty);
}
