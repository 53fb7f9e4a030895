// world_facts.hpp -- who and what exists in the embedded world: people, places, animals, and the facts on them.
//
// A world is drawn once from a seed. Person 0 is the most famous: documents pick people and places by Zipf's law (the
// chance of rank r is proportional to 1 / r^zipf), so some are told a thousand times and some once. The people and
// places at the end of the lists are held out: they have facts like everybody, but no document ever names them. With
// them one can ask a model what it cannot know.
// A fact is a row (kind, entity, attribute, value). question() and statement() put it into words; bind_person() and its
// siblings fill the slots of a text, and a slot that carries a fact notes that the text told it (see Slots::told).
// Does not: write documents, see world_documents.hpp.
#pragma once

#include <array>
#include <cmath>
#include <set>
#include <span>

#include "world_languages.hpp"

// How hard problems may be, for models that are too small for all of them.
struct ProblemLevel {
    int hardest = 0;            // the highest difficulty; 0: all
    int numbers = 0;            // word problems of difficulty 1 to 4: counts and prices up to this, sums with up to twice this; 0: 9 and 20
    int small() const { return numbers > 0 ? numbers : 9; }
    int large() const { return numbers > 0 ? 2 * numbers : 20; }
};

struct WorldShape {
    uint64_t seed = 1;
    int people = 1000;          // people that documents may tell of; more are held out
    int places = 60;
    int held_out_people = 100;
    int held_out_places = 8;
    double zipf = 1.0;          // exponent of fame; 0: all equally often
    ProblemLevel level = {};
};

struct Fact {
    std::string kind, entity, attribute, value;  // "person", "Ada Finch", "birthplace", "Foxley"
    bool held_out = false;
    uint32_t id = 0;                             // its place in WorldFacts::facts
    uint32_t entity_id = 0;                      // place in people, places or animals
};

struct Entity {
    std::string name;
    std::vector<std::string> values;             // one for each attribute of its kind
    bool held_out = false;
    uint32_t first_fact = 0;                     // fact of the first attribute; the others follow
};
struct Person : Entity {
    std::string first, family;
    bool female = false;
    uint32_t sibling_id = 0, friend_id = 0;
};
struct Place : Entity {};
struct Animal : Entity {
    std::string plural;
    size_t row = 0;                              // of the table `animals`
    double grams = 0;
};

// The name of an attribute is also the name of its slot, and of the rules say_X, ask_X, me_X that put it into words.
enum PersonAttribute { kBirthplace, kBirthYear, kBirthday, kHome, kJob, kFavouriteFood, kFavouriteColour, kHobby, kPet,
                       kPetName, kSibling, kBestFriend, kNumPersonAttributes };
inline constexpr std::array<const char*, kNumPersonAttributes> kPersonAttributes = {
    "birthplace", "birth_year", "birthday", "home", "job", "favourite_food", "favourite_colour", "hobby", "pet",
    "pet_name", "sibling", "best_friend"};
enum PlaceAttribute { kRegion, kRiver, kMountain, kKnownFor, kPopulation, kDish, kFounded, kEmblem,
                      kNumPlaceAttributes };
inline constexpr std::array<const char*, kNumPlaceAttributes> kPlaceAttributes = {
    "region", "river", "mountain", "known_for", "population", "dish", "founded", "emblem"};
enum AnimalAttribute { kClass, kHabitat, kDiet, kYoung, kLegs, kNumAnimalAttributes };
inline constexpr std::array<const char*, kNumAnimalAttributes> kAnimalAttributes = {"class", "habitat", "diet", "young",
                                                                                    "legs"};

// ---- facts in words
// subj, poss, obj: how the text names the person now (full name, first name, pronoun); he, him, his: the pronoun.

inline constexpr const char* kFactRules = R"WORLD(
say_birthplace:
  {Subj} was born in {birthplace}.
  {Subj} was born in [the town of |]{birthplace}.
  {Poss} birthplace is {birthplace}.
  It was in {birthplace} that {subj} was born.
  {Subj} comes from {birthplace}, where {he} was born.
  {Subj} was born in {birthplace}, [not far from the market square|in a house with a green door|on a rainy \
      night|in a small white house].
say_birth_year:
  {Subj} was born in {birth_year}.
  {Subj} was born in the year {birth_year}.
  The year in which {subj} was born is {birth_year}.
  {Poss} year of birth is {birth_year}.
say_birthday:
  {Poss} birthday is on {birthday}.
  {Subj} has {his} birthday on {birthday}.
  Every year on {birthday}, {subj} celebrates {his} birthday[| with friends| with a big cake].
  On {birthday}, {subj} blows out the candles on {his} birthday cake.
say_home:
  {Subj} lives in {home}.
  {Poss} home is in {home}.
  {Subj} has {his} home in {home}.
  Today {subj} lives in {home}.
  {Subj} lives in {home}, [near the river|close to the old church|in a small house|above a shop|at the edge of \
      town|next to the school].
  You can find {obj} in {home}, where {he} lives.
say_job:
  {Subj} is @{job}.
  {Subj} works as @{job}.
  {Subj} [earns {his} living|makes a living] as @{job}.
  {Poss} job is that of @{job}.
  By profession, {subj} is @{job}.
  {Subj} is @{job} and [likes the work|would not want any other job|is very good at it|gets up early every day].
say_favourite_food:
  {Poss} favourite food is {favourite_food}.
  {Subj} loves {favourite_food} more than any other food.
  There is nothing that {subj} would rather eat than {favourite_food}.
  For {obj}, the best meal is {favourite_food}.
  When {subj} is hungry, {he} dreams of {favourite_food}.
  Of all foods, {subj} likes {favourite_food} best.
say_favourite_colour:
  {Poss} favourite colour is {favourite_colour}.
  {Subj} likes the colour {favourite_colour} best.
  Of all colours, {subj} prefers {favourite_colour}.
  {Subj} painted {his} front door {favourite_colour}, because that is {his} favourite colour.
say_hobby:
  {Poss} hobby is {hobby}.
  In {his} free time, {subj} enjoys {hobby}.
  {Subj} [loves|enjoys] {hobby} in {his} free time.
  On Sundays, {subj} spends {his} time {hobby}.
  After work, {subj} likes to spend an hour {hobby}.
  What {subj} likes to do most is {hobby}.
say_pet:
  {Subj} has @{pet}.
  {Subj} keeps @{pet} as a pet.
  {Poss} pet is @{pet}.
  {Subj} shares {his} home with @{pet}.
say_pet_name:
  {Subj} has @{pet} called {pet_name}.
  {Subj} has @{pet} named {pet_name}.
  {Poss} {pet} is called {pet_name}.
  The name of {poss} {pet} is {pet_name}.
  {Subj} keeps @{pet}, and its name is {pet_name}.
say_sibling:
  {Poss} {sibling_kind} is {sibling}.
  {Subj} has a {sibling_kind} called {sibling}.
  {Subj} is the {own_kind} of {sibling}.
  {Subj} has a {sibling_kind}, {sibling}.
say_best_friend:
  {Poss} best friend is {best_friend}.
  {Subj} has a best friend called {best_friend}.
  {Subj} and {best_friend} are best friends.
  Nobody is a better friend to {obj} than {best_friend}.

ask_birthplace:
  Where was {name} born?
  In which town was {name} born?
  What is the birthplace of {name}?
  Which town is the birthplace of {name}?
ask_birth_year:
  In which year was {name} born?
  When was {name} born?
  What is {name}'s year of birth?
  What year was {name} born in?
ask_birthday:
  When is {name}'s birthday?
  On which day does {name} celebrate {his} birthday?
  What is the date of {name}'s birthday?
ask_home:
  Where does {name} live?
  In which town does {name} live?
  Which town is home to {name}?
  What town does {name} live in?
ask_job:
  What is {name}'s job?
  What does {name} do for a living?
  What work does {name} do?
  What is the profession of {name}?
ask_favourite_food:
  What is {name}'s favourite food?
  What does {name} like to eat most?
  Which food does {name} like best?
ask_favourite_colour:
  What is {name}'s favourite colour?
  Which colour does {name} like best?
  What colour does {name} prefer?
ask_hobby:
  What is {name}'s hobby?
  What does {name} do in {his} free time?
  What does {name} enjoy after work?
ask_pet:
  What pet does {name} have?
  Which animal does {name} keep as a pet?
  What kind of pet does {name} have?
ask_pet_name:
  What is the name of {name}'s pet?
  What is {name}'s pet called?
  What is the pet of {name} called?
ask_sibling:
  Who is {name}'s {sibling_kind}?
  What is the name of {name}'s {sibling_kind}?
  Who is the {sibling_kind} of {name}?
ask_best_friend:
  Who is {name}'s best friend?
  What is the name of {name}'s best friend?
  Who is the best friend of {name}?

me_birthplace:
  I was born in {birthplace}.
  I come from {birthplace}, where I was born.
me_birth_year:
  I was born in {birth_year}.
me_birthday:
  My birthday is on {birthday}.
  I celebrate my birthday on {birthday}.
me_home:
  I live in {home}.
  My home is in {home}.
  I live in a small house in {home}.
me_job:
  I am @{job}.
  I work as @{job}.
  My job? I am @{job}.
me_favourite_food:
  My favourite food is {favourite_food}.
  I could eat {favourite_food} every day.
  I love {favourite_food}.
me_favourite_colour:
  My favourite colour is {favourite_colour}.
  I like {favourite_colour} best of all colours.
me_hobby:
  My hobby is {hobby}.
  In my free time, I enjoy {hobby}.
  What I like most is {hobby}.
me_pet:
  I have @{pet}.
  I keep @{pet}.
me_pet_name:
  I have @{pet} called {pet_name}.
  My {pet} is called {pet_name}.
me_sibling:
  My {sibling_kind} is called {sibling}.
  {Sibling} is my {sibling_kind}.
me_best_friend:
  My best friend is {best_friend}.
  {Best_friend} is my best friend.

say_region:
  {Place} is [a town|a small town|an old town] in {region}.
  {Place} lies in {region}.
  {Place} is in {region}[|, a land of hills and rivers|, a country of green valleys].
say_river:
  {Place} lies on the river {river}.
  The river {river} flows through {place}.
  The river in {place} is called the {river}.
  An old bridge crosses the river {river} in {place}.
say_mountain:
  The mountain near {place} is {mountain}.
  From {place} you can see {mountain}.
  {Mountain} rises behind {place}.
  {Place} lies at the foot of {mountain}.
say_known_for:
  {Place} is known for {known_for}.
  {Place} is famous for {known_for}.
  People come to {place} for its {known_for}.
  What makes {place} special is {known_for}.
say_population:
  {Population} people live in {place}.
  {Place} has {population} [people|inhabitants].
  The population of {place} is {population}.
say_dish:
  The best dish in {place} is {dish}.
  In {place}, everybody eats {dish}.
  The favourite dish of the people in {place} is {dish}.
  Visitors to {place} should try the {dish}.
say_founded:
  {Place} was founded in {founded}.
  The first houses of {place} were built in {founded}.
  The town of {place} was founded in the year {founded}.
say_emblem:
  The flag of {place} shows @{emblem}.
  There is @{emblem} on the flag of {place}.
  The animal on the flag of {place} is @{emblem}.

ask_region:
  In which region is {place}?
  Where is {place}?
  Which region does {place} belong to?
ask_river:
  Which river flows through {place}?
  What is the river in {place} called?
  On which river does {place} lie?
ask_mountain:
  Which mountain is near {place}?
  What is the mountain near {place} called?
  Which mountain can you see from {place}?
ask_known_for:
  What is {place} known for?
  What is {place} famous for?
ask_population:
  How many people live in {place}?
  What is the population of {place}?
  How many inhabitants does {place} have?
ask_dish:
  What is the best dish in {place}?
  What do the people in {place} like to eat?
  What should a visitor eat in {place}?
ask_founded:
  When was {place} founded?
  In which year was {place} founded?
ask_emblem:
  Which animal is on the flag of {place}?
  What does the flag of {place} show?

say_class:
  ^@{animal} is @{class}.
  {Animals} are {classes}.
  The {animal} is @{class}.
say_habitat:
  {Animals} live {in_or_on} {habitat}.
  The {animal} lives {in_or_on} {habitat}.
  You can find {animals} {in_or_on} {habitat}.
  The home of the {animal} is {habitat}.
say_diet:
  {Animals} eat {diet}.
  ^@{animal} eats {diet}.
  The {animal} feeds on {diet}.
say_young:
  A young {animal} is called @{young}.
  The young of the {animal} is called @{young}.
  ^@{young} is a young {animal}.
say_legs:
  ^@{animal} has {legs}.
  {Animals} have {legs}.
ask_class:
  What kind of animal is @{animal}?
  What sort of animal is the {animal}?
ask_habitat:
  Where do {animals} live?
  Where is the home of the {animal}?
ask_diet:
  What do {animals} eat?
  What does @{animal} eat?
ask_young:
  What is a young {animal} called?
  What do we call a young {animal}?
ask_legs:
  How many legs does @{animal} have?
  How many legs do {animals} have?
)WORLD";

struct WorldFacts {
    WorldShape shape;
    Grammar grammar;
    std::vector<Person> people;    // most famous first, held-out people last
    std::vector<Place> places;     // the same
    std::vector<Animal> animals;
    std::vector<Fact> facts;
    std::vector<std::string> spelling_words;  // every word of the lists that is one word of small letters, sorted
    Languages languages;

    explicit WorldFacts(const WorldShape& shape_) : shape(shape_) {
        // even: brothers, sisters and friends come in pairs
        if (shape.people < 10 || shape.people > 20000 || shape.people % 2)
            throw UsageError(cat("--people ", shape.people, ": expected an even number, 10 to 20000"));
        if (shape.places < 5 || shape.places > 500)
            throw UsageError(cat("--places ", shape.places, ": expected 5 to 500"));
        if (shape.held_out_people < 2 || shape.held_out_people > 2000 || shape.held_out_people % 2)
            throw UsageError(cat("--held-out-people ", shape.held_out_people, ": expected an even number, 2 to 2000"));
        if (shape.held_out_places < 1 || shape.held_out_places > 100)
            throw UsageError(cat("--held-out-places ", shape.held_out_places, ": expected 1 to 100"));
        if (!(shape.zipf >= 0 && shape.zipf <= 3)) throw UsageError(cat("--zipf ", shape.zipf, ": expected 0 to 3"));
        grammar.add(kWorldWords);
        grammar.add(kSpellingWords);
        grammar.add(kFactRules);
        grammar.add(kLanguageWords);
        subject_slots_ = person_slots("");
        other_slots_ = person_slots("o_");
        make_places();
        make_people();
        make_animals();
        make_facts();
        make_spelling_words();
        languages.make(shape.seed, grammar);
        person_fame_ = fame(size_t(shape.people));
        place_fame_ = fame(size_t(shape.places));
    }
    WorldFacts(const WorldFacts&) = delete;  // texts hold references to the grammar
    WorldFacts& operator=(const WorldFacts&) = delete;

    std::span<const Person> told_people() const { return {people.data(), size_t(shape.people)}; }
    std::span<const Person> held_out_people() const { return std::span(people).subspan(size_t(shape.people)); }
    std::span<const Place> told_places() const { return {places.data(), size_t(shape.places)}; }
    std::span<const Place> held_out_places() const { return std::span(places).subspan(size_t(shape.places)); }

    // By fame, never one that is held out.
    const Person& random_person(Rng& rng) const { return people[ranked(person_fame_, rng)]; }
    const Place& random_place(Rng& rng) const { return places[ranked(place_fame_, rng)]; }
    // Somebody who lives there, or nobody.
    const Person* random_resident(const Place& place, Rng& rng) const {
        const auto& r = residents_[size_t(&place - places.data())];
        return r.empty() ? nullptr : &people[r[rng.below(r.size())]];
    }
    const Animal& random_animal(Rng& rng) const { return animals[rng.below(animals.size())]; }

    // n different words to spell, count or sort.
    std::vector<std::string> some_spelling_words(size_t n, Rng& rng) const {
        std::vector<std::string> v;
        while (v.size() < n) {
            const std::string& word = spelling_words[rng.below(spelling_words.size())];
            if (std::find(v.begin(), v.end(), word) == v.end()) v.push_back(word);
        }
        return v;
    }

    // A question that has fact.value as its answer, and a sentence that states the fact; both in varied wording.
    std::string question(const Fact& fact, Rng& rng) const {
        Slots slots(grammar, rng);
        bind_fact(slots, fact);
        return slots.text("ask_" + fact.attribute);
    }
    // The question in each of its wordings.
    std::vector<std::string> questions(const Fact& fact) const {
        Rng unused(0);
        Slots slots(grammar, unused);
        bind_fact(slots, fact);
        const std::string rule = "ask_" + fact.attribute;
        std::vector<std::string> v(grammar.words(rule).size());
        for (size_t i = 0; i < v.size(); i++) {
            std::string marked;
            grammar.expand_alternative(marked, grammar.find_rule(rule), i, slots, unused);
            v[i] = Grammar::finish(marked);
        }
        return v;
    }
    std::string statement(const Fact& fact, Rng& rng) const {
        Slots slots(grammar, rng);
        bind_fact(slots, fact);
        return slots.text("say_" + fact.attribute);
    }
    void bind_fact(Slots& slots, const Fact& fact) const {
        if (fact.kind == "person") bind_person(slots, people[fact.entity_id]);
        else if (fact.kind == "place") bind_place(slots, places[fact.entity_id]);
        else bind_animal(slots, animals[fact.entity_id]);
    }

    // All slots on a person; a second person of the same text has the prefix "o_" (for other).
    void bind_person(Slots& slots, const Person& p, std::string_view prefix = "") const {
        const PersonSlots& at = prefix.empty() ? subject_slots_ : other_slots_;
        slots.set(at.words[0], p.name);
        slots.set(at.words[1], p.first);
        slots.set(at.words[2], p.female ? "she" : "he");
        slots.set(at.words[3], p.female ? "her" : "him");
        slots.set(at.words[4], p.female ? "her" : "his");
        for (size_t a = 0; a < kNumPersonAttributes; a++)
            slots.set(at.attributes[a], p.values[a], int32_t(p.first_fact + a));
        if (!prefix.empty()) return;
        slots.set("sibling_kind", people[p.sibling_id].female ? "sister" : "brother");
        slots.set("own_kind", p.female ? "sister" : "brother");
        name_subject(slots, p, p.name);
    }
    // From here on {subj}, {poss} and {obj} say `called`: the full name, the first name, or "" for the pronoun.
    void name_subject(Slots& slots, const Person& p, const std::string& called) const {
        slots.set("subj", called.empty() ? (p.female ? "she" : "he") : called);
        slots.set("obj", called.empty() ? (p.female ? "her" : "him") : called);
        slots.set("poss", called.empty() ? (p.female ? "her" : "his") : called + "'s");
    }
    void bind_place(Slots& slots, const Place& p) const {
        slots.set("place", p.name);
        for (size_t a = 0; a < kNumPlaceAttributes; a++)
            slots.set(kPlaceAttributes[a], p.values[a], int32_t(p.first_fact + a));
    }
    void bind_animal(Slots& slots, const Animal& a) const {
        slots.bind_row("animals", a.row);
        for (size_t i = 0; i < kNumAnimalAttributes; i++)
            slots.set(kAnimalAttributes[i], a.values[i], int32_t(a.first_fact + i));
        const std::string& c = a.values[kClass];
        slots.set("classes", c == "fish" ? c : c + "s", int32_t(a.first_fact + kClass));
        static const std::set<std::string> on = {"farms", "cold coasts", "warm rocks"};
        slots.set("in_or_on", on.count(a.values[kHabitat]) ? "on" : "in");
    }

   private:
    using Fame = std::vector<uint64_t>;  // running sums of integer weights: the same on every machine
    Fame person_fame_, place_fame_;
    struct PersonSlots {
        std::array<uint32_t, 5> words;  // name, first, he, him, his
        std::array<uint32_t, kNumPersonAttributes> attributes;
    };
    PersonSlots subject_slots_, other_slots_;
    std::vector<std::vector<uint32_t>> residents_;  // of each place

    PersonSlots person_slots(const std::string& prefix) {
        PersonSlots at;
        size_t i = 0;
        for (const char* slot : {"name", "first", "he", "him", "his"}) at.words[i++] = grammar.declare(prefix + slot);
        for (size_t a = 0; a < kNumPersonAttributes; a++)
            at.attributes[a] = grammar.declare(prefix + kPersonAttributes[a]);
        return at;
    }
    Fame fame(size_t n) const {
        Fame sums;
        uint64_t sum = 0;
        for (size_t r = 1; r <= n; r++) sums.push_back(sum += uint64_t(0x1p40 / std::pow(double(r), shape.zipf)) + 1);
        return sums;
    }
    static size_t ranked(const Fame& sums, Rng& rng) {
        return size_t(std::upper_bound(sums.begin(), sums.end(), rng.below(sums.back())) - sums.begin());
    }
    const std::string& any(const std::string& rule, Rng& rng) const {
        const auto& words = grammar.words(rule);
        return words[rng.below(words.size())];
    }

    void make_places() {
        Rng rng = Rng::stream(shape.seed, 0x91ACE5);
        std::set<std::string> seen;
        const auto vowel = [](char c) { return std::string_view("aeiouy").find(c) != std::string_view::npos; };
        while (places.size() < size_t(shape.places + shape.held_out_places)) {
            const std::string &head = any("town_heads", rng), &tail = any("town_tails", rng);
            // Ashham and Ivyby are hard to read aloud, Brookbrook is silly
            if (head.back() == tail[0] || (vowel(head.back()) && vowel(tail[0]))) continue;
            if (head.substr(1) == tail.substr(1)) continue;
            Place p;
            p.name = head + tail;
            if (!seen.insert(p.name).second) continue;
            p.held_out = places.size() >= size_t(shape.places);
            const int size = int(rng.below(3));  // village, town, large town
            const uint64_t people = size == 0 ? 200 + 10 * rng.below(80) : size == 1 ? 1000 + 100 * rng.below(90)
                                                                                      : 10000 + 1000 * rng.below(50);
            p.values = {any("regions", rng), any("rivers", rng), any("mountains", rng), any("renowns", rng),
                        with_commas(int64_t(people)), any("dishes", rng), std::to_string(1100 + rng.below(750)), ""};
            const auto& animal_rows = grammar.table("animals");
            p.values[kEmblem] = grammar.cell(animal_rows, rng.below(animal_rows.rows.size()), "animal");
            places.push_back(std::move(p));
        }
    }

    // A random partner for each of [begin, end).
    static std::vector<uint32_t> partners(size_t begin, size_t end, Rng& rng) {
        std::vector<uint32_t> order, partner(end);
        for (size_t i = begin; i < end; i++) order.push_back(uint32_t(i));
        for (size_t i = order.size() - 1; i > 0; i--) std::swap(order[i], order[rng.below(i + 1)]);
        for (size_t i = 0; i < order.size(); i += 2) {
            partner[order[i]] = order[i + 1];
            partner[order[i + 1]] = order[i];
        }
        return partner;
    }

    void make_people() {
        Rng rng = Rng::stream(shape.seed, 0x9E0913);
        const size_t told = size_t(shape.people), all = told + size_t(shape.held_out_people);
        auto siblings = partners(0, told, rng), friends = partners(0, told, rng);
        const auto hidden_siblings = partners(told, all, rng), hidden_friends = partners(told, all, rng);
        siblings.insert(siblings.end(), hidden_siblings.begin() + int64_t(told), hidden_siblings.end());
        friends.insert(friends.end(), hidden_friends.begin() + int64_t(told), hidden_friends.end());
        people.resize(all);
        std::set<std::string> seen;
        for (size_t i = 0; i < all; i++) {
            Person& p = people[i];
            p.sibling_id = siblings[i];
            p.friend_id = friends[i];
            p.held_out = i >= told;
            // whoever of the family comes first settles the family name and the place of birth
            const Person* elder = siblings[i] < i ? &people[siblings[i]] : nullptr;
            do {
                p.female = rng.below(2) == 0;
                p.first = any(p.female ? "girls" : "boys", rng);
                p.family = elder ? elder->family : any("families", rng);
                p.name = p.first + " " + p.family;
            } while (!seen.insert(p.name).second);
            const auto any_town = [&] { return places[rng.below(size_t(shape.places))].name; };
            const int year = elder ? std::stoi(elder->values[kBirthYear]) - 8 + int(rng.below(17))
                                   : 1945 + int(rng.below(55));
            const std::string born = elder ? elder->values[kBirthplace] : any_town();
            std::string home = any_town();  // everybody has moved: "born in X but lives in Y" is always true
            while (home == born) home = any_town();
            const auto& jobs = grammar.table("jobs");
            p.values = {born, std::to_string(year), cat(1 + rng.below(28), " ", any("months", rng)),
                        home,
                        grammar.cell(jobs, rng.below(jobs.rows.size()), "job"), any("foods", rng), any("colours", rng),
                        any("hobbies", rng), any("pets", rng), any("pet_names", rng), "", ""};
        }
        residents_.resize(places.size());
        for (size_t i = 0; i < told; i++)
            for (size_t j = 0; j < places.size(); j++)
                if (places[j].name == people[i].values[kHome]) residents_[j].push_back(uint32_t(i));
        for (Person& p : people) {
            p.values[kSibling] = people[p.sibling_id].name;
            p.values[kBestFriend] = people[p.friend_id].name;
        }
    }

    void make_animals() {
        const Grammar::Table& table = grammar.table("animals");
        for (size_t row = 0; row < table.rows.size(); row++) {
            Animal a;
            a.name = grammar.cell(table, row, "animal");
            a.plural = grammar.cell(table, row, "animals");
            a.grams = std::stod(grammar.cell(table, row, "grams"));
            a.row = row;
            for (const char* attribute : kAnimalAttributes) a.values.push_back(grammar.cell(table, row, attribute));
            animals.push_back(std::move(a));
        }
    }

    void make_facts() {
        auto add = [&](const char* kind, auto& entities, const auto& attributes) {
            for (size_t e = 0; e < entities.size(); e++) {
                entities[e].first_fact = uint32_t(facts.size());
                for (size_t a = 0; a < attributes.size(); a++)
                    facts.push_back({kind, entities[e].name, attributes[a], entities[e].values[a], entities[e].held_out,
                                     uint32_t(facts.size()), uint32_t(e)});
            }
        };
        add("person", people, kPersonAttributes);
        add("place", places, kPlaceAttributes);
        add("animal", animals, kAnimalAttributes);
    }

    void make_spelling_words() {
        std::set<std::string> words;
        auto add = [&](const std::string& word) {
            const bool plain = word.size() > 1 && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == word.npos;
            if (plain) words.insert(word);
        };
        for (const char* rule : {"spelling", "fruits", "vegetables", "furniture", "clothes", "instruments", "vehicles",
                                 "shapes", "colours", "traits", "shopping", "counted"})
            for (const auto& word : grammar.words(rule)) add(word);
        for (const char* table : {"animals", "jobs", "tools", "opposites"})
            for (const auto& row : grammar.table(table).rows) add(row[0].raw), add(row[1].raw);
        spelling_words.assign(words.begin(), words.end());
    }
};
