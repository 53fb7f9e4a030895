// world_documents.hpp -- the pages of the embedded world that tell facts: biographies, places, questions, entries.
//
// A kind of document is a function on a Draft: it picks whom or what to tell of, fills the slots, and appends rules of
// the grammar below. Which facts a page tells is not declared by hand: the slots note it while the text is expanded.
// Does not: what people write to each other (world_letters.hpp), exercises (world_exercises.hpp), stories
// (world_stories.hpp).
#pragma once

#include "world_facts.hpp"

struct Document {
    const char* kind = "";
    std::string text;
    std::vector<uint32_t> facts;  // ids of the facts that the text tells
};

// A text in the making.
class Draft {
   public:
    const WorldFacts& world;
    Rng& rng;
    Slots slots;
    std::string marked;  // with the marks of the grammar

    Draft(const WorldFacts& w, Rng& r) : world(w), rng(r), slots(w.grammar, r) {}
    void rule(std::string_view name) { slots.append(marked, name); }
    // An alternative of the rule that this text has not used yet (nothing, once all are used).
    void fresh(std::string_view name) {
        const uint32_t rule = world.grammar.find_rule(name);
        const auto n = uint32_t(world.grammar.words(name).size()), start = uint32_t(rng.below(n));
        for (uint32_t k = 0; k < n; k++) {
            const std::pair<uint32_t, uint32_t> choice{rule, (start + k) % n};
            if (std::find(used_.begin(), used_.end(), choice) != used_.end()) continue;
            used_.push_back(choice);
            space();
            world.grammar.expand_alternative(marked, rule, choice.second, slots, rng);
            return;
        }
    }
    void add(std::string_view text) { marked += text; }
    void space() {
        if (!marked.empty() && marked.back() != '\n' && marked.back() != ' ') marked += ' ';
    }
    bool chance(int percent) { return int(rng.below(100)) < percent; }
    int between(int low, int high) { return low + int(rng.below(uint64_t(high - low + 1))); }
    bool told(uint32_t fact) const { return std::find(slots.told.begin(), slots.told.end(), fact) != slots.told.end(); }
    template <typename T>
    void shuffle(std::vector<T>& v) {
        rng.shuffle(v);
    }
    // n different words of a rule
    std::vector<std::string> some_words(std::string_view name, size_t n) {
        std::vector<std::string> v;
        const auto& words = world.grammar.words(name);
        while (v.size() < n) {
            const std::string& word = words[rng.below(words.size())];
            if (std::find(v.begin(), v.end(), word) == v.end()) v.push_back(word);
        }
        return v;
    }
    // the slots of time and weather that any page may use
    void bind_scene() {
        slots.bind_distinct({"day", "day2"}, "days");
        slots.bind("month", "months");
        slots.bind("season", "seasons");
        slots.set("hour", std::to_string(between(2, 11)));
        slots.set("date", std::to_string(between(1, 28)));
    }

   private:
    std::vector<std::pair<uint32_t, uint32_t>> used_;  // (rule, alternative) that fresh() has taken
};

inline constexpr const char* kDocumentRules = R"WORLD(
# ---- biographies

bio_two:
  {Subj} was born in {birthplace} in {birth_year}.
  {Subj} was born on {birthday}, {birth_year}, in {birthplace}.
  Born in {birth_year} in {birthplace}, {subj} now lives in {home}.
  {Subj} was born in {birthplace} but lives in {home} now.
  {Subj} is @{job} in {home}.
  {Subj} lives in {home} and works there as @{job}.
  In {home}, everybody knows {subj}, the {job}.
  {Subj} loves {hobby} and {favourite_food}.
  {Subj} lives in {home} with @{pet} named {pet_name}.
  When {he} is not at work as @{job}, {subj} likes {hobby}.
  {Subj} has a {sibling_kind}, {sibling}, and a best friend, {best_friend}.
  {Subj} lives in {home}, and {his} {sibling_kind} is {sibling}.
bio_aside:
  {Subj} is @<traits> person.
  People say that {subj} is very <traits>.
  {Subj} likes <seasons> best of all the seasons.
  {Subj} has [two|three|four|five] [clocks|umbrellas|old chairs|lamps] at home, and all of them are old.
  {Subj} [never|almost never] forgets a birthday.
  {Subj} [laughs a lot|writes long letters|drinks tea in the evening|knows many jokes|gets up with the sun|sleeps \
      late on Sundays].
  Once a year, {subj} travels to <somewhere>.
  {Subj} would like to see <somewhere> one day.
bio_end:
  {First} is a happy person.
  That is the story of {first}.
  {First} says that life is good[| in {home}].
  Everyone who meets {first} remembers {him}.
  {First} hopes to stay in {home} for many years.
  Who would not like to know {first}?
somewhere: the sea, the mountains, the big city, the islands in the north, the old capital, the desert,
  the great lakes, the forest, the coast

bio_card_title:
  Name: {name}\n
  {Name}\n\n
  Person: {name}\n
  Member of the club: {name}\n
  Who is {name}?\n\n
bio_card:
  Born: {birth_year} in {birthplace}\n
  [Birthday|Day of birth]: {birthday}\n
  [Lives in|Home|Town]: {home}\n
  [Job|Profession|Works as]: {job}\n
  Favourite food: {favourite_food}\n
  Favourite colour: {favourite_colour}\n
  [Hobby|Likes|Free time]: {hobby}\n
  Pet: [{pet_name} the {pet}|{pet_name} ({pet})|@{pet} called {pet_name}]\n
  ^{sibling_kind}: {sibling}\n
  [Best friend|Friend]: {best_friend}\n

me_open:
  Hello! My name is {name}.
  Hello, I am {name}.
  Good [morning|day|evening], everybody. I am {name}.
  My name is {name}[|, and I would like to tell you about myself].
  Welcome to my page. I am {name}.
  [Dear new neighbours|Dear friends], my name is {name}.
me_end:
  Nice to meet you!
  Come and visit me some day!
  That is all about me. And who are you?
  I hope that we will be friends.
  Write to me soon!
  What about you?

bio_fact_open:
  Did you know?
  Here is something about {name}.
  A few words about {name}:
  Question of the day: who is {name}?
  From the town book of {home}:
  Who is who:

bio_pair:
  {Name} and {best_friend} are best friends. {First} lives in {home}, [while|and] {o_first} lives in {o_home}.
  {Name} and {best_friend} have been best friends for many years. {First} is @{job}, and {o_first} is @{o_job}.
  Everybody knows that {name} and {best_friend} are best friends. {First} was born in {birthplace}, and {o_first} \
      was born in {o_birthplace}.
  {Name} has a best friend, {best_friend}. {First} was born in {birth_year}, {o_first} in {o_birth_year}.
bio_pair_more:
  {First} likes {hobby}, but {o_first} prefers {o_hobby}.
  When they eat together, {first} wants {favourite_food} and {o_first} asks for {o_favourite_food}.
  {First} loves the colour {favourite_colour}. {O_first} loves {o_favourite_colour}.
  {First} has @{pet} called {pet_name}. {O_first} has @{o_pet} called {o_pet_name}.
  {O_first} is @{o_job}. {First} is @{job}.
  {First} celebrates {his} birthday on {birthday}, and {o_first} celebrates on {o_birthday}.
bio_pair_end:
  They write to each other every week.
  They meet [every {day}|once a month|in the summer] and talk for hours.
  [They are very different|They do not agree on everything], but they never quarrel for long.
  Together they want to travel to <somewhere>.
  When one of them is sad, the other one comes at once.

# ---- places

place_open:
  {Place} is a [small|quiet|pretty|lively|friendly|busy|charming|sleepy] town in {region}. It lies on the river \
      {river}.
  {Place} is a town in {region} with {population} inhabitants.
  The town of {place} lies in {region}, at the foot of {mountain}.
  {Place} lies where the road meets the river {river}. It is a town in {region}.
  Between {mountain} and the river {river} lies the town of {place}.
  Welcome to {place}, [the pearl of|a lovely town in|one of the oldest towns in] {region}!
place_aside:
  [In the middle of the town|On the main square|Behind the town hall] there is a [fountain|clock tower|small \
      museum|market|statue of @<emblems>].
  In [spring|summer|autumn|winter], the streets are full of [flowers|music|visitors|leaves|lights|children].
  Every {day} there is a market [on the square|by the river|in front of the church].
  The people are [friendly|proud of their town|quiet in the morning and loud in the evening|always ready for a chat].
  There is [a school|a library|a bakery|a small theatre|a railway station|a hospital|a swimming pool] and [a \
      park|an inn|a post office|a bridge|a garden].
  The train to the next town takes [ten|fifteen|twenty|thirty|forty] minutes.
  Children like to [swim in the river|play in the park|climb the old wall|feed the ducks|fly kites on the hill].
emblems: lion, eagle, wolf, horse, dolphin, bear, owl, swan, fox, elephant
place_person:
  The {job} {name} lives in {home}.
  One of the people who live in {home} is {name}, @{job}.
  If you need @{job}, ask for {name}, who lives in {home}.
  Perhaps you will meet {name}, who lives here and likes {hobby}.
place_card_title:
  Town: {place}\n
  {Place}\n\n
  {Place} in short\n\n
  The town of {place}\n\n
place_card:
  Region: {region}\n
  River: [|the ]{river}\n
  Mountain: {mountain}\n
  [Inhabitants|People]: {population}\n
  [Known for|Famous for]: {known_for}\n
  [Founded|Founded in|Year of foundation]: {founded}\n
  [On the flag|Animal on the flag]: @{emblem}\n
  [Best dish|What to eat]: {dish}\n
guide_reason:
  {Place} is known for {known_for}.
  The {dish} is the best in {region}.
  The view of {mountain} is wonderful.
  You can swim in the river {river}.
  The people are friendly and love visitors.
  It is an old town, founded in {founded}.
  There is a market every {day}.
guide:
  How to spend a day in {place}\n\nIn the morning, walk along the river {river} [and look for ducks|and listen to \
      the birds|and cross the old bridge]. At noon, eat {dish} [at the inn|in the market hall|under the trees]. In \
      the afternoon, [look at|admire] the {known_for} that made the town famous. In the evening, watch the sun go \
      down behind {mountain}.\n
  {Place}, {day}. We came by train in the morning. The first thing we saw was {mountain}. Then we walked over the \
      bridge across the {river} and had {dish} for lunch. In the old streets we found {known_for} everywhere. [I \
      would like to come back.|We did not want to go home.|What a lovely town!]\n
  A short history of {place}\n\n{Place} was founded in {founded}. At first it was only a few houses on the river \
      {river}. [Merchants came|Travellers came|Farmers came], [and the town grew|and soon there was a market]. \
      Because of its {known_for}, it became known in all of {region}. Today {population} people live there, and \
      the flag with the {emblem} still flies over the town hall.\n

# ---- questions and answers

ans_birthplace:
  {Birthplace}.
  In {birthplace}.
ans_birth_year:
  In {birth_year}.
  {Birth_year}.
ans_birthday:
  On {birthday}.
  {Birthday}.
ans_home:
  In {home}.
  {Home}.
ans_job:
  ^@{job}.
  {First} is @{job}.
ans_favourite_food:
  ^{favourite_food}.
ans_favourite_colour:
  ^{favourite_colour}.
ans_hobby:
  ^{hobby}.
ans_pet:
  ^@{pet}.
ans_pet_name:
  {Pet_name}.
ans_sibling:
  {Sibling}.
ans_best_friend:
  {Best_friend}.
ans_region:
  In {region}.
ans_river:
  The {river}.
  The river {river}.
ans_mountain:
  {Mountain}.
ans_known_for:
  ^{known_for}.
  For {known_for}.
ans_population:
  {Population}.
  {Population} people.
ans_dish:
  ^{dish}.
ans_founded:
  In {founded}.
ans_emblem:
  ^@{emblem}.
ans_class:
  ^@{class}.
ans_habitat:
  ^{in_or_on} {habitat}.
ans_diet:
  ^{diet}.
ans_young:
  ^@{young}.
ans_legs:
  ^{legs}.
questions_title:
  Questions about {topic}
  Questions and answers: {topic}
  What do you know about {topic}?
  A small quiz on {topic}

# ---- entries of a small encyclopaedia

animal_entry:
  ^@{animal} is @{class}. It lives {in_or_on} {habitat} and eats {diet}. A young {animal} is called @{young}. \
      ^@{animal} has {legs}. It {feature}.
  The {animal} is @{class}. You can find {animals} {in_or_on} {habitat}. The {animal} {feature}. It eats {diet}. \
      Its young is called @{young}.
  {Animals} are {classes}. They live {in_or_on} {habitat} and feed on {diet}. They have {legs}. What is special \
      about the {animal}: it {feature}.
  What is @{animal}? It is @{class} that {feature}. {Animals} live {in_or_on} {habitat}. They eat {diet}, and \
      their young are a little like them. One of the young is called @{young}.
animal_facts:
  <say_class>
  <say_habitat>
  <say_diet>
  <say_young>
  <say_legs>
  The {animal} {feature}.
animal_more:
  People who see @{animal} for the first time [are often surprised|often stand still and watch].
  If you want to see @{animal}, you must be [patient|quiet|lucky|up early].
  There are many [old tales|songs|picture books] about {animals}.
  Children often draw {animals}, [but few draw them well|and hang the pictures on the wall].
  It is [better to watch {animals} from a distance|not easy to count {animals}].
  Compared with @{o_animal}, @{animal} is {compared}.
tool_entry:
  ^@{tool} is a thing that helps people to {tool_use}. It has {tool_part}. Keep it [clean and dry|in a safe \
      place|where you can find it again]. <tool_more>
  With @{tool} you can {tool_use}. It has {tool_part}. [Nearly every house has one|People have used it for \
      hundreds of years|Nobody knows who made the first one]. <tool_more>
  What is @{tool} for? People use it to {tool_use}. It has {tool_part}. [Without it, the work takes much longer|A \
      good one lasts a whole life|It is older than the oldest book]. <tool_more>
tool_more:
  You can buy one for [a few|ten|five|twelve] coins.
  Never lend it to [a pirate|a goose|somebody who forgets things].
  The [one|best one] in the museum of {place} is [very old|painted red|two hundred years old|as big as a door].
  If it breaks, [ask somebody to mend it|do not throw it away|try to repair it].
  Some people [collect old ones|have two of them|could not live without it].
job_more:
  In {place} there is [only one|a famous one|more than one].
  It helps to [have good eyes|be strong|be patient|like people|listen well].
  {Name} from {home} knows a lot about it.
  On {day} most of them [rest|work until late|meet for tea].
job_entry:
  ^@{job} {does}. You can find @{job} in {workplace}. The most important tool is the {job_tool}. [It is not an \
      easy job, but a good one|Many children dream of this job|It takes years to learn everything]. <job_more>
  What does @{job} do? ^@{job} {does}. Most of the work is done in {workplace}. No day goes by without \
      @{job_tool}. [The work begins early in the morning|Patience is important in this work|It is a job for \
      careful people]. <job_more>
  The work of @{job}\n\n^@{job} {does}. The place of work is {workplace}. Something that is always at hand is \
      @{job_tool}. [Good eyes and steady hands help|One learns it from an old master|The best part is to see \
      people smile]. <job_more>
plant_entry:
  The {plant} is a {plant_kind}. It has {plant_look}. You can find it in {plant_where}. It flowers {plant_when}. \
      <plant_more>
  {Plants} grow in {plant_where}. The {plant} has {plant_look}, and it flowers {plant_when}. It is a {plant_kind} \
      that [many people know|painters like|everyone can recognise]. <plant_more>
  ^@{plant} is a {plant_kind} with {plant_look}. If you look for one, look in {plant_where}. The {plant} flowers \
      {plant_when}. <plant_more>
plant_more:
  In the park of {place} there is one that is [very old|taller than a house|known to every child].
  [Bees|Birds|Children|Painters] like it.
  People in {place} [give it to their friends|plant it in front of the school|put it on postcards].
  There are [songs|poems|stories] about it.
  If you draw it, begin with [the stem|the leaves|a thin pencil].
nature_entry:
  Rain begins high in the sky. The sun warms the water of [lakes|seas|rivers], and the water rises as vapour. Up \
      there it is cold, so the vapour turns into tiny drops. Many drops together are a cloud. When the drops grow \
      heavy, they fall, and we call it rain.
  Snow falls when the air is colder than freezing. Water in the clouds turns into small crystals of ice. Every \
      crystal has six arms. On their way down the crystals stick together, and they land softly as snowflakes.
  Thunder is the sound of lightning. The flash makes the air so hot that it bursts apart. Light travels faster \
      than sound, so we see the flash first and hear the thunder later. Count the seconds in between: three \
      seconds mean that the lightning was about one kilometre away.
  A rainbow appears when the sun shines on falling rain. Each drop splits the white light into colours. The \
      colours are always in the same order: red, orange, yellow, green, blue, indigo, violet. To see a rainbow, \
      stand with your back to the sun.
  Fog is a cloud that lies on the ground. It often comes on cold mornings in autumn, when the air above a \
      [river|lake|meadow] is damp. When the sun warms the air, the fog disappears.
  Wind is air that moves. Warm air is light and rises, and cold air flows in to take its place. A light wind is \
      called a breeze, and a very strong wind is called a storm. People use the wind to sail boats, to grind grain \
      and to make electricity.
  The moon goes round the earth in about a month. It has no light of its own: it shines because the sun shines on \
      it. When we see the whole bright side, we call it a full moon. When we see only a thin part, we call it a \
      crescent.
  The earth turns once a day. On the side that faces the sun it is day, and on the other side it is night. The \
      earth also travels round the sun, and one journey takes a year. That is why we have seasons.
  There are four seasons: spring, summer, autumn and winter. In spring the [trees grow new leaves|birds build \
      their nests]. In summer the days are long and warm. In autumn the leaves [fall|turn red and yellow]. In \
      winter the nights are long and it may snow.
  A river begins as a small spring in the hills. On its way down, other streams join it, and it grows wider and \
      slower. At last it reaches a lake or the sea. The place where a river meets the sea is called its mouth.
  A tree drinks water with its roots and catches light with its leaves. Every year it grows a new ring of wood \
      under its bark. If you count the rings of a trunk, you know how old the tree was.
  Bread is made of flour, water, salt and yeast. The yeast makes small bubbles, and the dough grows. After an hour \
      or two, the baker forms loaves and puts them into the hot oven. The crust becomes brown, and the whole house \
      smells of bread.
  Honey is made by bees. They fly from flower to flower and drink nectar. Back in the hive they fill it into small \
      cells of wax. The water dries away, and what is left is honey. For one spoon of honey, bees visit [thousands \
      of flowers|more flowers than anyone can count].
  Ice is frozen water. It is lighter than water, so it floats. That is why lakes freeze from the top, and the fish \
      below can live through the winter.
  The sea is salty because rivers carry tiny amounts of salt from the land. The water rises again as vapour, but \
      the salt stays. Twice a day the water comes and goes at the shore, and we call this the tide. It is the moon \
      that pulls the water.
  A magnet pulls iron towards itself. It has two ends, a north pole and a south pole. Two north poles push each \
      other away, but a north pole and a south pole pull each other close. The earth itself is a very large \
      magnet, and so a compass always points to the north.
)WORLD";

// ---- kinds

inline void biography_prose(Draft& d, const Person& p) {
    std::vector<size_t> order(kNumPersonAttributes);
    for (size_t a = 0; a < order.size(); a++) order[a] = a;
    d.shuffle(order);
    const int sentences = d.between(3, 7);
    if (d.chance(15)) d.rule("bio_fact_open");
    int said = 0;
    for (size_t i = 0; i < order.size() && said < sentences; i++) {
        // the name comes first; then mostly the pronoun, now and then the first name to keep it clear
        const bool first = said == 0;
        d.world.name_subject(d.slots, p, first ? p.name : d.chance(65) ? "" : p.first);
        const size_t a = order[i];
        // whoever has a named animal has an animal: the name alone would say both
        if (a == kPet && !d.told(p.first_fact + kPetName) && d.chance(70)) continue;
        if (d.told(uint32_t(p.first_fact + a)) || (a == kPetName && d.told(p.first_fact + kPet))) continue;
        d.space();
        if (first && d.chance(50)) d.rule("bio_two");
        else d.rule(std::string("say_") + kPersonAttributes[a]);
        said++;
        if (!first && d.chance(10)) d.fresh("bio_aside");
    }
    if (d.chance(20)) d.space(), d.rule("bio_end");
}

// "Ada likes rowing, but Tom prefers rowing": that would be a strange sentence.
inline bool differ(const Person& p, const Person& o) {
    for (const PersonAttribute a : {kHobby, kFavouriteFood, kFavouriteColour, kJob, kHome})
        if (p.values[a] == o.values[a]) return false;
    return p.first != o.first;
}

inline void biography(Draft& d) {
    const Person& p = d.world.random_person(d.rng);
    d.world.bind_person(d.slots, p);
    d.world.name_subject(d.slots, p, p.name);
    d.bind_scene();
    const int form = d.between(0, 99);
    if (form < 10) {
        d.rule("bio_card_title");
        for (int i = d.between(3, 6); i > 0; i--) d.fresh("bio_card");
    } else if (form < 25) {
        std::vector<size_t> order(kNumPersonAttributes);
        for (size_t a = 0; a < order.size(); a++) order[a] = a;
        d.shuffle(order);
        d.rule("me_open");
        const int sentences = d.between(2, 6);
        for (int i = 0; i < sentences; i++) {
            if (order[size_t(i)] == kPet && d.told(p.first_fact + kPet)) continue;
            d.space();
            d.rule(std::string("me_") + kPersonAttributes[order[size_t(i)]]);
        }
        if (d.chance(60)) d.space(), d.rule("me_end");
    } else if (const Person& o = d.world.people[p.friend_id]; form < 37 && differ(p, o)) {
        d.world.bind_person(d.slots, o, "o_");
        d.rule("bio_pair");
        const int more = d.between(1, 3);
        for (int i = 0; i < more; i++) d.fresh("bio_pair_more");
        if (d.chance(60)) d.space(), d.rule("bio_pair_end");
    } else {
        biography_prose(d, p);
    }
}

inline void place_page(Draft& d) {
    const Place& p = d.world.random_place(d.rng);
    d.world.bind_place(d.slots, p);
    d.bind_scene();
    const int form = d.between(0, 99);
    if (form < 12) {
        d.rule("place_card_title");
        for (int i = d.between(3, 6); i > 0; i--) d.fresh("place_card");
        return;
    }
    if (form < 20) {
        d.add(cat("Three reasons to visit ", p.name, "\n\n"));
        for (int i = 1; i <= 3; i++) d.add(cat(i, ". ")), d.fresh("guide_reason"), d.add("\n");
        return;
    }
    if (form < 40) return d.rule("guide");
    d.rule("place_open");
    std::vector<size_t> order(kNumPlaceAttributes);
    for (size_t a = 0; a < order.size(); a++) order[a] = a;
    d.shuffle(order);
    const int sentences = d.between(2, 5);
    int said = 0;
    for (size_t i = 0; i < order.size() && said < sentences; i++) {
        if (d.told(uint32_t(p.first_fact + order[i]))) continue;
        d.space();
        d.rule(std::string("say_") + kPlaceAttributes[order[i]]);
        said++;
        if (d.chance(20)) d.fresh("place_aside");
    }
    if (const Person* resident = d.chance(40) ? d.world.random_resident(p, d.rng) : nullptr) {
        d.world.bind_person(d.slots, *resident);
        d.space(), d.rule("place_person");
    }
}

// The slots of fact.entity, a question on the fact and its short answer or a full sentence.
inline std::pair<std::string, std::string> question_and_answer(Draft& d, const Fact& fact, bool short_answer) {
    d.world.bind_fact(d.slots, fact);
    const std::string question = d.slots.text("ask_" + fact.attribute);
    if (fact.kind == "person" && d.chance(60)) d.world.name_subject(d.slots, d.world.people[fact.entity_id], "");
    return {question, d.slots.text((short_answer ? "ans_" : "say_") + fact.attribute)};
}
inline const Fact& random_fact(Draft& d, const Entity& entity, size_t num_attributes) {
    return d.world.facts[entity.first_fact + d.rng.below(num_attributes)];
}
inline const Fact& random_fact(Draft& d) {
    const uint64_t kind = d.rng.below(10);
    if (kind < 5) return random_fact(d, d.world.random_person(d.rng), kNumPersonAttributes);
    if (kind < 8) return random_fact(d, d.world.random_place(d.rng), kNumPlaceAttributes);
    return random_fact(d, d.world.random_animal(d.rng), kNumAnimalAttributes);
}

inline void questions(Draft& d) {
    std::vector<const Fact*> facts;
    std::string topic;
    const uint64_t kind = d.rng.below(10);
    const size_t wanted = size_t(d.between(2, 5));
    const Entity* entity = nullptr;  // none: a mixed quiz
    size_t num_attributes = 0;
    if (kind < 4) {
        entity = &d.world.random_person(d.rng), num_attributes = kNumPersonAttributes, topic = entity->name;
    } else if (kind < 6) {
        entity = &d.world.random_place(d.rng), num_attributes = kNumPlaceAttributes, topic = entity->name;
    } else if (kind < 7) {
        const Animal& a = d.world.random_animal(d.rng);
        entity = &a, num_attributes = kNumAnimalAttributes, topic = a.plural;
    }
    while (facts.size() < wanted) {
        const Fact* fact = entity ? &random_fact(d, *entity, num_attributes) : &random_fact(d);
        if (std::find(facts.begin(), facts.end(), fact) == facts.end()) facts.push_back(fact);
    }
    if (entity) {
        d.slots.set("topic", topic);
        if (d.chance(70)) d.rule("questions_title"), d.add("\n\n");
    } else if (d.chance(50)) {
        d.add(d.chance(50) ? "Questions and answers\n\n" : "Quiz\n\n");
    }
    const bool short_answers = d.chance(60);
    const int form = d.between(0, 3);
    std::string answers;
    for (size_t i = 0; i < facts.size(); i++) {
        const auto [question, answer] = question_and_answer(d, *facts[i], short_answers);
        if (form == 0) d.add(cat("Q: ", question, "\nA: ", answer, "\n"));
        else if (form == 1) d.add(cat("Question: ", question, "\nAnswer: ", answer, "\n\n"));
        else if (form == 2) d.add(cat(question, " ", answer, "\n"));
        else d.add(cat(i + 1, ". ", question, "\n")), answers += cat(i + 1, ". ", answer, "\n");
    }
    if (!answers.empty()) d.add("\nAnswers\n\n" + answers);
}

inline std::string title_case(std::string s) {
    for (size_t i = 0; i < s.size(); i++)
        if (i == 0 || s[i - 1] == ' ') s[i] = Grammar::capital(s.substr(i, 1))[0];
    return s;
}

inline void entry(Draft& d) {
    const uint64_t kind = d.rng.below(19);
    const bool titled = d.chance(40);
    d.bind_scene();
    d.slots.set("place", d.world.random_place(d.rng).name);
    if (kind < 10) {
        const Animal &a = d.world.random_animal(d.rng), &o = d.world.random_animal(d.rng);
        d.world.bind_animal(d.slots, a);
        d.slots.set("o_animal", o.name);
        d.slots.set("compared", a.grams > 100 * o.grams ? "very large" : a.grams > o.grams ? "heavy"
                                                                    : a.grams * 100 < o.grams ? "very small" : "light");
        if (titled) d.add(cat("The ", title_case(a.name), "\n\n"));
        if (d.chance(50)) d.rule("animal_entry");
        else for (int i = d.between(3, 5); i > 0; i--) d.fresh("animal_facts");
        if (d.chance(60) && a.name != o.name) d.space(), d.rule("animal_more");
    } else if (kind < 13) {
        d.slots.bind_row("tools");
        if (titled) d.add(cat("The ", title_case(d.slots.get("tool")), "\n\n"));
        d.rule("tool_entry");
    } else if (kind < 16) {
        d.world.bind_person(d.slots, d.world.random_person(d.rng));
        d.slots.bind_row("jobs");
        d.rule("job_entry");
    } else if (kind < 18) {
        d.slots.bind_row("plants");
        if (titled) d.add(cat("The ", title_case(d.slots.get("plant")), "\n\n"));
        d.rule("plant_entry");
    } else {
        d.rule("nature_entry");  // the same few pages again and again: what a model learns by heart
    }
}
