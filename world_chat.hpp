// world_chat.hpp -- the conversations of the embedded world: what a base model is shown to become an assistant.
//
// Each set teaches one thing, so that a lab can mix them with weights, leave one out, and see what is missing then:
//     facts            what the documents told often, asked in many wordings, answered with confidence
//     facts-rare       the same for facts that they told once or never: how a model is taught to invent
//     facts-context    ... with the page that says it in the question: working memory in the place of recollection
//     facts-search     ... looked up: the assistant calls search, reads what comes back, cites it; or says that it was not found
//     smalltalk, writing, rewriting, refusals
//     TASK-direct      a problem of world_tasks.hpp answered at once (the reasons, if any, come after the result)
//     TASK-steps       worked out in small steps, the result last;  TASK-thinking: the same steps as a hidden thought
//     TASK-python      handed to the tool
// Conversation i of the four variants of a task is about the same problem. With noise, a share of the demonstrations of word
// problems is wrong: a mistake is carried through to the end, or there is a wrong result and nothing else.
// Promises: train and val share no question; no question of a dev or test task is ever asked; held-out people never occur.
// Does not: say who the assistant is, nor teach "I don't know" (what a model knows, only probing it can tell).
#pragma once

#include "world_chat_words.hpp"

struct ChatMessage {
    const char* role;                  // "system", "user", "assistant", "tool"
    std::string content;
    std::string thinking = {};         // assistant: before the content
    std::string tool = {}, argument = {};  // assistant: a call, "python" or "search", after the content
};
struct ChatConversation {
    std::vector<ChatMessage> messages;
    std::string set;
    std::string answer;                // what the last message must hold, where that can be said
    int difficulty = 0;                // of the problem; 0: no problem
    int64_t told = -1;                 // facts: documents that tell it
    bool noisy = false;                // wrong on purpose
    bool refused = false;
};

class ChatDraft : public Draft {
   public:
    const FactPools& facts;
    const Share share;
    ChatConversation c;
    ChatDraft(const WorldFacts& world, Rng& rng, const FactPools& facts_, Share share_) : Draft(world, rng), facts(facts_), share(share_) {}

    void system(std::string text) { c.messages.push_back({"system", std::move(text)}); }
    void user(std::string text) { c.messages.push_back({"user", std::move(text)}); }
    void assistant(std::string text) { c.messages.push_back({"assistant", std::move(text)}); }
    void call(const char* tool, std::string argument, std::string output) {
        c.messages.push_back({"assistant", "", "", tool, std::move(argument)});
        c.messages.push_back({"tool", std::move(output)});
    }
    std::string say(std::string_view rule) { return slots.text(rule); }
    // A rule of exchanges: user ~ assistant ~ user ~ ...
    void exchange(std::string_view rule) {
        bool users_turn = true;
        const std::string text = say(rule);
        for (const auto part : Grammar::split(text, '~')) {
            users_turn ? user(std::string(part)) : assistant(std::string(part));
            users_turn = !users_turn;
        }
        ASSERT(users_turn, "an exchange of the rule ", rule, " ends with the user: ", text);
    }
    // All that the users say: it decides the share where no problem or fact does.
    bool settle() const {
        std::string key = "chat";
        for (const ChatMessage& m : c.messages)
            if (m.role == std::string_view("user")) key += "\n" + m.content;
        return share_of(key) == share;
    }
    // Slots for small talk; the facts in them are nobody's.
    void bind_talk() {
        bind_scene();
        world.bind_place(slots, world.random_place(rng));
        world.bind_person(slots, world.random_person(rng));
        world.bind_animal(slots, world.random_animal(rng));
        slots.bind_row("jobs");
        slots.bind("feeling", "feelings");
        slots.bind("food", "foods");
        slots.bind("colour", "colours");
        slots.bind("thing", "treasures");
        slots.bind("gift", "gift");
        slots.bind("broken", "broken");
        slots.bind("party", "parties");
        slots.set("word", world.some_spelling_words(1, rng)[0]);
        const bool girl = chance(50);
        slots.bind("kid", girl ? "girls" : "boys");
        slots.set("kid_him", girl ? "her" : "him");
        do slots.bind("other", chance(50) ? "girls" : "boys");
        while (slots.get("other") == slots.get("kid"));
    }
};

// ---- facts

inline std::string tell(ChatDraft& d, const Fact& fact) { return d.say("tell_" + fact.attribute); }
inline void set_fact(ChatDraft& d, const Fact& fact) {
    d.c.answer = fact.value;
    d.c.told = d.facts.times_told(fact.id);
}
// The other known facts on the same entity, in a random order.
inline std::vector<const Fact*> known_company(ChatDraft& d, const Fact& fact) {
    std::vector<const Fact*> v;
    const size_t n = fact.kind == "person" ? size_t(kNumPersonAttributes) : fact.kind == "place" ? size_t(kNumPlaceAttributes)
            : size_t(kNumAnimalAttributes);
    const uint32_t first = first_fact_of(d.world, fact);
    for (uint32_t id = first; id < first + n; id++)
        if (id != fact.id && d.facts.is_known(id, d.share)) v.push_back(&d.world.facts[id]);
    d.shuffle(v);
    return v;
}
// "Who is Ada Finch?", where two of the facts that the answer gives are known.
inline bool who_is_it(ChatDraft& d, const Fact& fact) {
    if (fact.kind == "animal") return false;
    const bool person = fact.kind == "person";
    const uint32_t first = first_fact_of(d.world, fact);
    auto known = [&](size_t attribute) { return d.facts.is_known(first + uint32_t(attribute), d.share); };
    const char* rule = !person ? (known(kRegion) && known(kKnownFor) ? "tell_what" : nullptr)
                       : !known(kJob) ? nullptr : known(kHome) ? "tell_who_home" : known(kBirthplace) ? "tell_who" : nullptr;
    if (!rule) return false;
    d.user(d.say(person ? "who_is" : "what_is"));
    d.assistant(d.say(rule));
    set_fact(d, d.world.facts[first + uint32_t(person ? size_t(kJob) : size_t(kKnownFor))]);
    return true;
}
inline bool facts_chat(ChatDraft& d) {
    const auto& pool = d.facts.get(d.share, Fame::often);
    const Fact& fact = d.world.facts[pool[d.rng.below(pool.size())]];
    d.world.bind_fact(d.slots, fact);
    const int form = d.between(0, 99);
    if (form < 20 && who_is_it(d, fact)) return true;
    const bool brief = form >= 90;
    if (brief) d.system(d.say("brief_system"));
    else if (d.chance(10)) d.system(d.say("plain_system"));
    d.user(d.say("ask_prefix") + d.say("ask_" + fact.attribute));
    set_fact(d, fact);
    if (brief) {
        d.assistant(d.say("ans_" + fact.attribute));
        return true;
    }
    d.assistant(tell(d, fact));
    if (form >= 55) {  // and on, with pronouns
        const auto company = known_company(d, fact);
        for (size_t i = 0; i < company.size() && i < (form < 75 ? 1u : 2u); i++) {
            d.user(d.say("more_" + company[i]->attribute));
            if (fact.kind == "person") d.world.name_subject(d.slots, d.world.people[fact.entity_id], d.chance(70) ? ""
                    : d.world.people[fact.entity_id].first);
            d.assistant(tell(d, *company[i]));
            set_fact(d, *company[i]);
        }
    }
    if (d.chance(12)) d.exchange("thanks"), d.c.answer = "";
    return true;
}

// The three sets on rare facts begin in the same way, so that conversation i is about the same fact in all of them.
inline const Fact& bind_rare_fact(ChatDraft& d, std::string& question) {
    const Fact& fact = d.world.facts[d.facts.rare_fact(d.share, d.rng)];
    d.world.bind_fact(d.slots, fact);
    set_fact(d, fact);
    question = d.say("ask_prefix") + d.say("ask_" + fact.attribute);
    return fact;
}
inline bool rare_chat(ChatDraft& d) {
    std::string question;
    const Fact& fact = bind_rare_fact(d, question);
    d.user(question);
    d.assistant(tell(d, fact));
    return true;
}
inline bool context_chat(ChatDraft& d) {
    std::string question;
    const Fact& fact = bind_rare_fact(d, question);
    d.slots.set("passage", passage_of(d.world, fact).text);
    d.slots.set("question", d.say("ask_" + fact.attribute));
    d.user(d.say("with_passage"));
    d.assistant(tell(d, fact));
    return true;
}
// "Ada Finch birth year"; the words are those of the pages.
inline std::string search_query(const ChatDraft& d, const Fact& fact) {
    std::string q = fact.entity + " " + (fact.attribute == "sibling" ? d.slots.get("sibling_kind") : fact.attribute);
    std::replace(q.begin(), q.end(), '_', ' ');
    return q;
}
// As the search tool shows it: "[1] Atlas: Foxley is in Norvale. ..."
inline std::string search_result(size_t number, const Passage& p) { return cat("[", number, "] ", p.source, ": ", p.text); }

// A passage of the same sort about somebody else, which does not give the answer away.
inline Passage unrelated_passage(ChatDraft& d, const Fact& fact) {
    for (;;) {
        const Entity& other = fact.kind == "person" ? static_cast<const Entity&>(d.world.random_person(d.rng))
                              : fact.kind == "place" ? static_cast<const Entity&>(d.world.random_place(d.rng))
                                      : d.world.random_animal(d.rng);
        Passage p = passage_of(d.world, d.world.facts[other.first_fact + (fact.id - first_fact_of(d.world, fact))]);
        if (other.name != fact.entity && p.text.find(fact.value) == p.text.npos) return p;
    }
}
// One to three passages come back, in any order. Now and then the right one is missing.
inline bool search_chat(ChatDraft& d) {
    std::string question;
    const Fact& fact = bind_rare_fact(d, question);
    auto is_right = [&](const Passage& p) { return std::find(p.facts.begin(), p.facts.end(), fact.id) != p.facts.end(); };
    std::vector<Passage> results;
    if (!d.chance(8)) results.push_back(passage_of(d.world, fact));
    for (const Passage& p : passages_about(d.world, fact))
        if (!is_right(p) && results.size() < 3 && d.chance(40) && p.text.find(fact.value) == p.text.npos) results.push_back(p);
    if (results.empty() || (results.size() < 3 && d.chance(30))) results.push_back(unrelated_passage(d, fact));
    d.shuffle(results);
    std::string output;
    size_t cited = 0;
    for (size_t i = 0; i < results.size(); i++) {
        output += (i ? "\n" : "") + search_result(i + 1, results[i]);
        if (is_right(results[i])) cited = i + 1;
    }
    d.user(question);
    d.call("search", search_query(d, fact), output);
    if (cited) {
        std::string answer = tell(d, fact);
        answer.pop_back();  // the citation comes before the full stop
        d.assistant(cat(answer, " [", cited, "]."));
    } else {
        d.assistant(d.say("not_found"));
        d.c.answer = "";
    }
    return true;
}

// ---- small talk, writing, rewriting, refusals

inline bool smalltalk_chat(ChatDraft& d) {
    d.bind_talk();
    if (d.chance(12)) d.system(d.say("plain_system"));
    const int form = d.between(0, 9);
    if (form < 3) d.exchange("chat_recall");
    else {
        if (d.chance(45)) d.exchange("chat_hello");
        static constexpr std::array<const char*, 3> middles = {"chat_feel", "chat_can", "chat_opinion"};
        const size_t first = d.rng.below(3);
        d.exchange(middles[first]);
        if (d.chance(30)) d.exchange(middles[(first + 1 + d.rng.below(2)) % 3]);
    }
    if (d.chance(35)) d.exchange("chat_bye");
    return d.settle();
}

inline constexpr std::array<const char*, 5> kSmallNumbers = {"one", "two", "three", "four", "five"};
inline void list_chat(ChatDraft& d) {
    static constexpr std::array<std::array<const char*, 2>, 9> categories = {{  // rule, how it is called
        {"fruits", "kinds of fruit"}, {"vegetables", "vegetables"}, {"furniture", "pieces of furniture"}, {"clothes", "things to wear"},
        {"instruments", "musical instruments"}, {"vehicles", "things that carry people"}, {"shapes", "shapes"}, {"colours", "colours"},
        {"chores", "things to do at home"}}};
    const size_t n = size_t(d.between(2, 5));  // there are five insects
    d.slots.set("count", kSmallNumbers[n - 1]);
    std::vector<std::string> items;
    if (d.chance(30)) {
        static constexpr std::array<std::array<const char*, 2>, 3> classes = {{{"bird", "birds"}, {"mammal", "mammals"}, {"insect",
                "insects"}}};
        const auto& c = classes[d.rng.below(classes.size())];
        d.slots.set("category", c[1]);
        while (items.size() < n)
            if (const Animal& a = d.world.random_animal(d.rng); a.values[kClass] == c[0] && std::find(items.begin(), items.end(),
                    a.name) == items.end())
                items.push_back(a.name);
    } else {
        const auto& c = categories[d.rng.below(categories.size())];
        d.slots.set("category", c[1]);
        items = d.some_words(c[0], n);
    }
    std::string list;
    const bool numbered_list = d.chance(50);
    for (size_t i = 0; i < n; i++) list += cat(i ? "\n" : "", numbered_list ? cat(i + 1, ". ") : "- ", items[i]);
    d.user(d.say("ask_list"));
    d.assistant(list);
}
inline void story_chat(ChatDraft& d) {
    bind_character(d, "pal", true);
    const std::string pal = d.slots.get("pal"), pal_sort = d.slots.get("pal_sort");
    do bind_character(d, "hero", true);
    while (d.slots.get("hero") == pal || d.slots.get("sort") == pal_sort);
    d.slots.bind("trait", "traits");
    d.slots.bind("thing", "treasures");
    d.slots.bind_distinct({"h1", "h2", "h3"}, "hiding");
    d.slots.set("mini_story", d.say("mini_story"));
    d.exchange("chat_story");
}
inline bool writing_chat(ChatDraft& d) {
    d.bind_talk();
    const int form = d.between(0, 9);
    if (form < 4) story_chat(d);
    else if (form < 7) d.exchange("chat_letter");
    else list_chat(d);
    return d.settle();
}

inline std::string upper_case(std::string s) {
    for (char& c : s) c = c >= 'a' && c <= 'z' ? char(c - 32) : c;
    return s;
}
inline bool rewriting_chat(ChatDraft& d) {
    d.bind_talk();
    d.slots.bind_row("actions");
    auto get = [&](const char* slot) { return d.slots.get(slot); };
    const std::string kid = get("kid"), act = get("act"), acts = get("acts"), acted = get("acted");
    const std::string end = d.chance(50) ? "." : cat(" ", d.chance(50) ? "with " : "for ", get("other"), ".");
    std::string before = cat(kid, " ", acts, end), after;
    static constexpr std::array<const char*, 8> kinds = {"past", "question", "not", "capitals", "polite", "short", "list", "two"};
    const std::string kind = kinds[d.rng.below(kinds.size())];
    if (kind == "past") after = cat(kid, " ", acted, end);
    else if (kind == "question") after = cat("Does ", kid, " ", act, end.substr(0, end.size() - 1), "?");
    else if (kind == "not") after = cat(kid, " does not ", act, end);
    else if (kind == "capitals") after = upper_case(before);
    else if (kind == "two") before = cat(kid, " ", acts, "."), after = cat(kid, " and ", get("other"), " ", act, ".");
    else if (kind == "list") {
        const auto items = d.some_words("shopping", size_t(d.between(3, 5)));
        before.clear();
        for (size_t i = 0; i < items.size(); i++) {
            before += cat(i == 0 ? "" : i + 1 < items.size() ? ", " : " and ", items[i]);
            after += cat(i ? "\n" : "", "- ", items[i]);
        }
    } else {
        d.slots.bind_row(kind == "polite" ? "rude" : "long_sentences");
        const auto column = [&](const char* name) {
            std::string marked;
            d.world.grammar.expand(marked, d.slots.use(d.world.grammar.find_slot(name)).seq, d.slots, d.rng);
            return Grammar::finish(marked);
        };
        before = column(kind == "polite" ? "rude" : "long");
        after = column(kind == "polite" ? "polite" : "short");
    }
    d.slots.set("sentence", before);
    d.user(d.say("rewrite_" + kind));
    d.assistant(after);
    d.c.answer = after;
    return d.settle();
}

// Four of five are refused; the fifth only sounds alike, so that the words alone do not decide.
inline bool refusals_chat(ChatDraft& d) {
    d.bind_talk();
    d.c.refused = d.chance(80);
    d.exchange(d.c.refused ? "chat_refuse" : "chat_harmless");
    return d.settle();
}

// ---- problems

enum class Way { direct, steps, python, thinking };
inline constexpr std::array<const char*, 4> kWayNames = {"direct", "steps", "python", "thinking"};

// A conversation that solves the problem; noise is the share of those that do it wrong.
inline ChatConversation demonstrate(const Problem& p, Way way, double noise, Rng& rng) {
    ChatConversation c;
    c.difficulty = p.difficulty;
    c.messages.push_back({"user", p.prompt});
    const bool wrong = rng.uniform_double() < noise && !p.wrong_answer.empty() && way != Way::python;
    const bool bare = rng.below(2) == 0;  // of the direct answers: no reasons; of the wrong ones: nothing but the result
    c.noisy = wrong;
    const std::string &answer = wrong ? p.wrong_answer : p.answer, &steps = wrong ? p.wrong_steps : p.steps;
    c.answer = answer;
    ChatMessage reply{"assistant", the_answer_is(answer)};
    const bool has_reasons = p.task == "word-problems" || p.task == "arithmetic";
    if (way == Way::direct && has_reasons && !bare) reply.content += " " + steps;
    if (way == Way::steps && !(wrong && bare)) reply.content = steps + " " + reply.content;
    if (way == Way::thinking && !(wrong && bare)) reply.thinking = steps;
    if (way == Way::python) {
        c.messages.push_back({"assistant", "", "", "python", p.code});
        c.messages.push_back({"tool", p.output});
    }
    c.messages.push_back(std::move(reply));
    return c;
}

// ---- the table

struct ConversationSet {
    std::string name;
    bool (*draw)(ChatDraft&);          // null: demonstrations of `task`
    const char* task = "";
    Way way = Way::direct;
};
inline const std::vector<ConversationSet>& conversation_sets() {
    static const std::vector<ConversationSet> sets = [] {
        std::vector<ConversationSet> v = {{"facts", facts_chat}, {"facts-rare", rare_chat}, {"facts-context", context_chat},
                                          {"facts-search", search_chat}, {"smalltalk", smalltalk_chat}, {"writing", writing_chat},
                                          {"rewriting", rewriting_chat}, {"refusals", refusals_chat}};
        for (const char* task : {"word-problems", "arithmetic", "counting", "spelling", "comparing", "sorting"})
            for (const Way way : {Way::direct, Way::steps, Way::python, Way::thinking}) {
                const char* name = task == std::string_view("word-problems") ? "problems" : task;
                v.push_back({cat(name, "-", kWayNames[size_t(way)]), nullptr, task, way});
            }
        return v;
    }();
    return sets;
}
inline const ConversationSet& find_conversation_set(const std::string& name) {
    std::string all;
    for (const ConversationSet& s : conversation_sets()) {
        if (s.name == name) return s;
        all += " " + s.name;
    }
    throw UsageError(cat("no set of conversations named ", name), cat("expected one of:", all));
}
// Whether the world has facts for a set: it may have none that are told often enough, or so rarely.
inline bool has_material(const FactPools& facts, const ConversationSet& set, Share share) {
    if (set.name == "facts") return !facts.get(share, Fame::often).empty();
    return !set.name.starts_with("facts-") || facts.num_rare(share) > 0;
}

// Conversation i of a set, in its share of train or val. Only what is demonstrated for training is ever wrong on purpose.
inline ChatConversation make_conversation(const WorldFacts& world, const FactPools& facts, const ConversationSet& set, Share share,
                                          uint64_t i, double noise = 0) {
    ASSERT(share == Share::train || share == Share::val, "conversations are for train and val");
    ChatConversation c;
    if (!set.draw) {
        Rng rng = Rng::stream(world.shape.seed, 0x4015E, text_hash(set.task), uint64_t(share), i);
        c = demonstrate(make_problem(world, FactPools(), set.task, share, i), set.way, share == Share::train ? noise : 0, rng);
    } else {
        const uint64_t stream = text_hash(set.name.starts_with("facts-") ? "facts-rare" : set.name);
        for (uint64_t attempt = 0;; attempt++) {
            ASSERT(attempt < 10000, "the set ", set.name, " has no conversation of its share");
            Rng rng = Rng::stream(world.shape.seed, 0xC4A7, stream, uint64_t(share), i, attempt);
            ChatDraft d(world, rng, facts, share);
            if (!set.draw(d)) continue;
            c = std::move(d.c);
            break;
        }
    }
    c.set = set.name;
    return c;
}
