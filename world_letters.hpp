// world_letters.hpp -- what the people of the embedded world write and say to each other: letters, notes, diaries,
// dialogues, notices, recipes, riddles.
//
// Two people who know each other fill the slots {first} and {o_first}; {a} and {b} are the speakers. What they say of
// their lives is true; only a page with the full name tells a fact, though (see World::document).
#pragma once

#include "world_documents.hpp"

inline constexpr const char* kLetterRules = R"WORLD(
# ---- letters and notes

letter_open:
  I hope that you are well.
  How are you?
  Thank you for your [last|long|kind|lovely] letter.
  I am sorry that I have not written for so long.
  It has been raining for [three|four|five] days, so at last I have time to write.
  You will not believe what happened [on {day}|yesterday|last week].
  I am sitting [in the kitchen|by the window|in the garden|on the train] and thinking of you.
letter_news:
  My {pet} {pet_name} [has learned to open the door|ran away and came back an hour later|slept on your letter|is \
      getting fat|chased a wasp and lost].
  Here in {home} [everything is quiet|the apples are ripe|it has snowed all night|they are building a new \
      bridge|the river is very high].
  In my free time I am still {hobby}.
  My work as @{job} [keeps me busy|is hard at the moment|makes me happy|is never dull].
  Last {day} I made {favourite_food'} for [ten|six|eight] people, and there was nothing left.
  I have painted my kitchen {favourite_colour'}. [It looks wonderful|Everybody laughs about it|Now it looks like a \
      ship].
  My {sibling_kind} {sibling} [sends you greetings|came to visit me|has a new bicycle|has a cold and stays in bed].
  The old [clock|radio|bicycle|lamp] that you gave me [still works|has stopped again|makes a strange noise].
  Yesterday I found [an old photograph of us|your red scarf|a map in the attic|a bird's nest under the roof].
letter_ask:
  Will you come to visit me in {month}?
  Do you still live in {o_home}?
  How is your {o_pet} {o_pet_name}?
  Do you still like {o_hobby}?
  Could you send me the recipe for {o_favourite_food'}?
  Shall we go to <somewhere> together?
  Can you lend me [a book|your ladder|your tent|a warm coat] for a week?
  What would you like for your birthday on {o_birthday}?
letter_close:
  Love,
  With love,
  Best wishes,
  Warm greetings,
  Yours,
  See you soon,
  Your friend,
note:
  Dear {o_first},\nI am at the [market|library|station|doctor's|bakery] and will be back at {hour}. There is [soup \
      on the stove|bread in the basket|cake on the table|milk in the jug]. Please [feed {pet_name}|close the \
      window|water the flowers|bring in the washing].\n{First}\n
  {O_first}, please do not forget: {chore} and {chore2}. Thank you! {First}\n
  Dear {o_first},\nthank you for [the lovely evening|your help|the flowers|the book]. I have never [laughed so \
      much|eaten so well|been so surprised]. Next time you must come to {home}.\n{First}\n
  For {o_first}:\nThe key is [under the blue pot|behind the lamp|in the left drawer|with the neighbours]. The \
      {pet} has had dinner, even if it says that it has not.\n{First}\n
  To {o_first}: the meeting on {day} is at {hour}, not at {hour2}. Bring [a pencil|your ideas|some cake|good \
      shoes]. {First}\n
invitation:
  Dear {o_first},\n\non {day} I am having a party for my birthday. Will you come? We start at {hour} [in the \
      garden|at my house in {home}|by the river]. There will be {favourite_food'}, music and games. You need not \
      bring anything, only [good shoes for dancing|a hungry stomach|a song|good \
      weather].\n\n<letter_close>\n{name}\n
  Invitation\n\nWhat: <parties>\nWhere: in {home}, at the house of {name}\nWhen: {date} {month} at {hour}\nPlease \
      bring: [a smile|a friend|a cushion|something to drink|a funny hat]\n
parties: a summer party, an evening of songs, a chess tournament, a tea party, a reading of poems, a birthday party,
  a costume party, a picnic
postcard:
  Dear {o_first},\n\ngreetings from {place}! [The sun is shining|It is raining, but we do not mind|It is warm and \
      windy]. Yesterday we saw {mountain} and swam in the {river}. The {dish} here is wonderful. [I have bought \
      you a present.|I think of you every day.|I wish you were here!]\n\n<letter_close>\n{first}\n
  Dear {o_first},\n\nwe are in {place} in {region}. The town is famous for {known_for}, and you see why at every \
      corner. Tomorrow we want to climb {mountain}. [The beds are hard, but the people are kind|The hotel has a \
      cat|I have lost my hat in the river].\n\n<letter_close>\n{first}\n
diary_open:
  {Day}, {date} {month}. [I woke up early|I slept until nine|I could not sleep]. [It was raining|The sun was \
      shining|There was fog over the fields|It was very cold].
diary_event:
  In the morning I [wrote two letters|cleaned the kitchen|went to the market|mended my coat|read a book about \
      <animal_words>].
  At noon I had {favourite_food'}.
  {O_first} came by and brought [a basket of plums|good news|an umbrella|old photographs|a riddle].
  {Pet_name} the {pet} [was naughty|slept all day|followed me everywhere|was afraid of the wind].
  After lunch I walked [to the bridge|along the river|up the hill|through the town] and met {o_first}.
  I tried to [repair the clock|bake bread|fly a kite|learn a song], but [it was harder than I had thought|it did \
      not work|the wind was too strong].
diary_end:
  [What a good day!|It was a quiet day.|What a strange day!|It was a long day.|I have laughed a lot today.]
  Tomorrow I want to [get up earlier|paint the fence|visit {o_first}|do nothing at all].
  Now I am tired and [happy|hungry|want to sleep]. Good night.
  I wonder what tomorrow will bring.
animal_words: owls, whales, bees, horses, penguins, foxes, otters, bears, elephants, wolves, spiders, parrots

# ---- dialogues

talk_meet:
  {A}: Hello! [I do not think that we have met.|Are you new here?|Is this seat free?]\n{B}: [Hello|Good day|Nice \
      to meet you]! I am {o_name}.\n{A}: I am {name}. Do you live in {home} too?\n{B}: No, I live in {o_home}. I \
      am only here for the day. What do you do?\n{A}: I am @{job}. And you?\n{B}: I am @{o_job}. [It is a good \
      job|I like it very much|It is hard work, but I like it].\n
talk_hobby:
  {A}: What do you do in your free time, {o_first}?\n{B}: I like {o_hobby}. And you?\n{A}: I prefer {hobby}. \
      [Shall I show you?|Have you ever tried it?|It is more fun than it sounds.]\n{B}: [Why not?|Gladly!|I am not \
      sure.] [But first let us eat.|Let us begin on {day}.|When shall we start?] [Now I am hungry.|I am a little \
      hungry.|All this talking makes me hungry.]\n{A}: Then let us have {favourite_food}. It is my favourite.\n
talk_pet:
  {A}: [What is wrong, {o_first}?|You look worried, {o_first}.|Why are you running, {o_first}?]\n{B}: My {o_pet} \
      has run away! Have you seen {o_pet_name}?\n{A}: No, but I will help you to look. Where was {o_pet_name} \
      last?\n{B}: [In the garden|Near the station|Under the kitchen table|On the roof].\n{A}: Look there, [behind \
      the tree|under the bench|in the flower pot|next to the fountain]! Is that not {o_pet_name}?\n{B}: It is! \
      [Thank you|You are a true friend|What would I do without you], {first}!\n
talk_way:
  {A}: Excuse me, how do I get to the [station|museum|library|post office|market|school]?\n{B}: Go [straight \
      on|down this street] and turn [left|right] at the [church|bridge|bakery|fountain]. It is [next to the \
      park|behind the town hall|opposite the inn|the house with the red roof].\n{A}: Is it far?\n{B}: No, \
      [five|ten|two] minutes on foot.\n{A}: Thank you very much!\n{B}: You are welcome. [Have a nice day|Enjoy \
      your stay in {place}|Mind the ducks]!\n
talk_shop:
  {A}: Good [morning|day|afternoon]! I would like {count_goods}, please.\n{B}: Of course. [Anything else|Is that \
      all|Would you like a bag]?\n{A}: No, thank you. How much is that?\n{B}: {Price_text}\n{A}: Here [you are|is \
      the money].\n{B}: Thank you[|, and goodbye|. Come again soon]!\n
talk_weather:
  {A}: What will the weather be like [tomorrow|on {day}]?\n{B}: The radio says that it will [rain|snow|be windy|be \
      foggy|be very cold].\n{A}: [That is a pity.|Oh no!|I thought so.] [I wanted to hang out the washing.|We \
      wanted to have a picnic.|My boots are at the cobbler's.|Then I will stay in bed with a book.]\n{B}: [The \
      radio is often wrong.|There is no bad weather, only bad coats.|Wait until {day2}.|You can take my \
      umbrella.]\n
  {A}: Look at the sky! [There is not a single cloud.|How blue it is!]\n{B}: The radio says that it will be sunny \
      until {day}.\n{A}: [Wonderful!|How nice!] Then we can [have a picnic|swim in the river|sit in the garden|go \
      for a long walk].\n{B}: [I will bring the cake.|Do not forget your hat!|Shall we ask the neighbours, too?|I \
      will be there at {hour}.]\n
  {A}: [It is raining again.|What a storm!|It has snowed all night.]\n{B}: [I like it|I do not mind]. When the \
      weather is bad, I stay at home and have time for {o_hobby'}. And you?\n{A}: [I sleep late|I bake something|I \
      write letters|I look out of the window]. [Would you like some tea?|Come in and close the door!]\n
talk_doctor:
  Doctor: Good morning, {first}. What is the matter?\n{A}: My [head|back|throat|foot|ear|stomach] hurts, \
      [doctor|and I am very tired].\nDoctor: Since when?\n{A}: Since {day}. [I was out in the rain|I ate too many \
      cherries|I fell off my bicycle|I carried a piano].\nDoctor: [Stay in bed and drink tea|Rest for two \
      days|Take this medicine three times a day|A warm scarf will help].\n{A}: May I go on {hobby'}?\nDoctor: \
      [Next week|Not today|A little], {first}. Get well soon!\n
talk_station:
  {A}: [Good morning|Hello], when does the next train to {place} leave?\n{B}: At {hour} o'clock, from platform \
      [one|two|three|four].\n{A}: And how long does it take?\n{B}: {Minutes} minutes. Do you want a window seat? \
      You can see {mountain} from the train.\n{A}: Yes, please. [I have never been to {place}. What is it known \
      for?|What is {place} known for?]\n{B}: {Place} is known for {known_for}. [You will like it.|Try the {dish} \
      while you are there.|Have a good journey!]\n
talk_quiz:
  {A}: I have a question for you. {Question}\n{B}: [Let me think|That is easy|Wait, I know this one|Give me a \
      moment]. {Answer}\n{A}: [Right|Correct|Well done|That is right]! And now you ask me.\n{B}: {Question2}\n{A}: \
      {Answer2}\n{B}: [Right|Correct|Yes]! [We know a lot|We should go on the radio|You are good at this].\n

# ---- notices, news, recipes, riddles

weather:
  [sunny|clear skies|a few clouds|hot and dry], {warm} degrees
  [rain|showers|cloudy|light wind|strong wind|fog in the morning], {mild} degrees
  [snow|ice on the roads|frost|light snow], {cold} degrees
notice:
  [LOST|MISSING]\n\n^@{pet} called {pet_name}. {Pet_name} is [shy|friendly|very small|rather fat|old but fast] and \
      answers to [the sound of a tin|a whistle|songs|nothing at all]. Last seen on {day} [near the station|by the \
      river|in the park|behind the bakery]. Please bring {pet_name} back to {name} in {home}. [The reward is a \
      cake.|Thank you!|We miss our {pet} so much!]\n
  The weather for {place}\n\n{Day}: {weather}. {Day2}: {weather2}. [The river {river} is high|There may be fog \
      near {mountain}|Take an umbrella|A good day for a walk].\n
  News from {place}\n\nOn {day}, the people of {place} celebrated the birthday of their town. It was founded in \
      {founded}. [There was music on the bridge|Children sang in the streets|Everyone wore a paper hat], and the \
      inn served {dish} to everybody. The mayor spoke for [five|ten|two] minutes, [which is a record|and then it \
      rained|and a goose answered].\n
  News from {place}\n\n[A strange noise woke|A bright light woke|The fire bell woke] the town on {day} night. \
      People ran to the river {river}, but it was only [a cow on the bridge|the new clock|a boat full of \
      musicians|a lost goose|the moon in the water|@{emblem} made of paper]. "Now we can laugh about it," said \
      {name}, who lives in {home}.\n
  FOR SALE\n\n[One old|One nearly new|One very good] {tool}. With it you can {tool_use}. Price: {price_n} coins. \
      Ask {name} in {home}, [any evening|after six o'clock|on {day}].\n
  OPENING HOURS\n\nThe [library|museum|swimming pool|post office|bakery] in {place} is open from {hour} in the \
      morning until [four|five|six|eight] in the evening. On {day} it is closed. [Dogs must wait outside|Please \
      wipe your feet|Children pay nothing|Please speak softly].\n
  SCHOOL NEWS\n\nThis week, the children learned about {animals}. They know now that @{animal} is @{class} and \
      that it {feature}. On {day} they will [visit the museum|plant a tree|bake bread|paint the school fence]. \
      Please give them [old clothes|an apple|boots|two coins].\n
  THE CLUB\n\nDo you like {hobby}? So does {name}! We meet every {day} at {hour} in {home}. [Beginners are \
      welcome|No experience is needed|Tea is free]. Ask for {name}.\n
recipes(r_dish, r_a, r_b, r_c, r_step1, r_step2, r_step3):
  Pancakes; [two|three] eggs; a cup of flour; a glass of milk; Beat the eggs and stir in the flour and the milk; \
      Heat a little butter in a pan; Pour in some batter and turn the pancake when the bottom is brown
  Tomato Soup; [six|eight|ten] ripe tomatoes; one onion; a spoon of oil; Chop the onion and fry it in the oil; Add \
      the tomatoes and a little water; Cook everything for twenty minutes and press it through a sieve
  Apple Pie; [five|six] apples; a bowl of flour; half a cup of butter; Make a dough from the flour and the butter \
      and let it rest; Peel the apples and cut them into thin slices; Fill the dough with the apples and bake it \
      until it is golden
  Fruit Salad; two bananas; [one orange|two oranges]; a handful of grapes; Wash the grapes and peel the other \
      fruit; Cut everything into small pieces; Mix the pieces with a spoon of honey
  Bread; [four|five] cups of flour; a little yeast; warm water and salt; Mix everything and knead the dough for \
      ten minutes; Cover it with a cloth and wait until it is twice as big; Form a loaf and bake it for an hour
  Potato Soup; [five|six|seven] potatoes; two carrots; a leek; Peel the potatoes and cut the vegetables into \
      cubes; Boil them in salted water until they are soft; Mash half of them and stir well
  Lemonade; [three|four] lemons; a cup of sugar; a jug of cold water; Press the lemons; Dissolve the sugar in a \
      little warm water; Mix everything with the cold water and add ice
  Scrambled Eggs; [four|six] eggs; a spoon of butter; salt and pepper; Beat the eggs with the salt and the pepper; \
      Melt the butter in a pan; Pour in the eggs and stir slowly until they are firm
  Rice Pudding; a cup of rice; [four|five] cups of milk; sugar and cinnamon; Bring the milk to the boil and add \
      the rice; Stir it from time to time for half an hour; Sprinkle it with sugar and cinnamon
  Vegetable Stew; two onions; [three|four] carrots; a cup of lentils; Fry the onions until they are golden; Add \
      the carrots, the lentils and plenty of water; Let the stew cook slowly until everything is soft
  Strawberry Jam; two bowls of strawberries; [one bowl|a bowl and a half] of sugar; the juice of a lemon; Wash the \
      strawberries and mash them; Boil them with the sugar and the lemon juice; Fill the hot jam into clean jars
  Biscuits; a cup of butter; two cups of flour; [half a cup|one cup] of sugar; Knead everything into a smooth \
      dough; Roll it out and cut out stars and moons; Bake them for [ten|twelve] minutes and let them cool
recipe:
  {R_dish}\n\nYou need:\n- {r_a}\n- {r_b}\n- {r_c}\n\n1. {R_step1}.\n2. {R_step2}.\n3. {R_step3}.\n\n<recipe_end>\n
  [How to make|A recipe for] {r_dish_lower}\n\nTake {r_a}, {r_b} and {r_c}. {R_step1}. {R_step2}. {R_step3}. \
      <recipe_end>\n
  {Name}'s recipe for {r_dish_lower}\n\nIngredients: {r_a}, {r_b}, {r_c}.\nFirst step: {r_step1}.\nSecond step: \
      {r_step2}.\nThird step: {r_step3}.\n<recipe_end>\n
recipe_end:
  Serve it to [your friends|hungry guests|the whole family].
  It tastes best [in {season}|with good company|on the day it is made].
  Enjoy your meal!
  [Wash your hands first!|Clean the kitchen when you are done.|Do not eat everything at once!]
riddle_animal:
  Who am I?\n\n[I have {legs}|You can count my legs: I have {legs}]. I live {in_or_on} {habitat}. I eat {diet}. My \
      young is called @{young}. Who am I?\n\nAnswer: I am @{animal}.\n
  A riddle: this animal is @{class}. It has {legs} and lives {in_or_on} {habitat}. It {feature}. What is it?\n\nIt \
      is @{animal}.\n
  Which animal {feature}? It lives {in_or_on} {habitat} and eats {diet}.\n\nThe answer is: the {animal}.\n
riddle_tool:
  A riddle: it has {tool_part}. You need it to {tool_use}. What is it?\n\nIt is @{tool}.\n
  What has {tool_part}? If you cannot guess: people use it to {tool_use}.\n\nAnswer: @{tool}.\n
riddle_job:
  This person works in {workplace} and {does}. Who is it?\n\nIt is @{job}.\n
  Who {does}? You need @{job_tool} for this work.\n\nThe answer is: @{job}.\n
riddle_old:
  It has [hands but cannot clap|a face but no eyes]. What is it?\n\nIt is a clock.\n
  [It has teeth but cannot bite|It has many teeth and no mouth]. What is it?\n\nIt is a comb.\n
  It has a neck but no head. What is it?\n\nIt is a bottle.\n
  The more it dries, the wetter it gets. What is it?\n\nIt is a towel.\n
  It goes up when the rain comes down. What is it?\n\nIt is an umbrella.\n
  It has an eye but cannot see. What is it?\n\nIt is a needle.\n
  It runs but has no legs, and it has a mouth but never speaks. What is it?\n\nIt is a river.\n
  It gets smaller every time it takes a bath. What is it?\n\nIt is a piece of soap.\n
  It belongs to you, but your friends use it more than you do. What is it?\n\nIt is your name.\n
  You can catch it but you cannot throw it. What is it?\n\nIt is a cold.\n
)WORLD";

// ---- kinds

// Two people who know each other: sibling, friend, or somebody from anywhere.
inline void bind_two(Draft& d) {
    const Person& p = d.world.random_person(d.rng);
    const uint64_t who = d.rng.below(3);
    const Person* o = &d.world.people[who == 0 ? p.sibling_id : p.friend_id];
    while (who == 2 && (o == &p || o->first == p.first)) o = &d.world.random_person(d.rng);
    d.world.bind_person(d.slots, p);
    d.world.bind_person(d.slots, *o, "o_");
    d.slots.set("a", p.first);
    d.slots.set("b", o->first);
}

inline void letter(Draft& d) {
    bind_two(d);
    d.bind_scene();
    d.world.bind_place(d.slots, d.world.random_place(d.rng));
    d.slots.bind_distinct({"chore", "chore2"}, "chores");
    d.slots.set("hour2", std::to_string(d.between(2, 11)));
    const int form = d.between(0, 99);
    if (form < 15) return d.rule("note");
    if (form < 25) return d.rule("invitation");
    if (form < 40) return d.rule("postcard");
    if (form < 55) {
        d.rule("diary_open");
        for (int i = d.between(1, 3); i > 0; i--) d.fresh("diary_event");
        d.space();
        return d.rule("diary_end");
    }
    if (d.chance(30)) d.add(cat(d.slots.get("home"), ", ", d.slots.get("date"), " ", d.slots.get("month"), "\n\n"));
    d.add(cat("Dear ", d.slots.get("o_first"), ",\n\n"));
    std::vector<std::string> parts = {"letter_open", "letter_news"};
    if (d.chance(70)) parts.push_back("letter_news");
    if (d.chance(30)) parts.push_back("letter_news");
    parts.push_back("letter_ask");
    for (const auto& part : parts) d.fresh(part);
    d.add("\n\n"), d.rule("letter_close"), d.add("\n");
    d.add(d.slots.get(d.chance(40) ? "name" : "first"));
}

inline std::string coins(int n) { return cat(n, n == 1 ? " coin" : " coins"); }

// "I would like 3 lemons": the goods, the price in words, and the total.
inline void bind_purchase(Draft& d) {
    const auto& table = d.world.grammar.table("goods");
    const size_t row = d.slots.bind_row("goods");
    const int n = d.between(1, 6), price = std::stoi(d.world.grammar.cell(table, row, "price"));
    d.slots.set("count_goods", cat(n, " ", d.slots.get(n == 1 ? "good" : "goods")));
    d.slots.set("price_text", n == 1 ? cat("That is ", coins(price), ".")
                                     : cat("They cost ", coins(price), " each. That makes ", coins(n * price), "."));
}

inline void dialogue(Draft& d) {
    bind_two(d);
    d.bind_scene();
    d.world.bind_place(d.slots, d.world.random_place(d.rng));
    bind_purchase(d);
    d.slots.set("minutes", std::to_string(5 * d.between(2, 12)));
    static const std::array<const char*, 9> talks = {"talk_meet", "talk_hobby", "talk_pet", "talk_way", "talk_shop",
                                                     "talk_weather", "talk_doctor", "talk_station", "talk_quiz"};
    std::string talk = talks[d.rng.below(talks.size())];
    // "No, I live in ...": not for people of one town
    if (talk == "talk_meet" && d.slots.get("home") == d.slots.get("o_home")) talk = "talk_hobby";
    if (talk == "talk_quiz") {
        for (const std::string suffix : {"", "2"}) {
            const auto [question, answer] = question_and_answer(d, random_fact(d), true);
            d.slots.set("question" + suffix, question);
            d.slots.set("answer" + suffix, answer);
        }
    }
    d.rule(talk);
}

inline void notice(Draft& d) {
    const Person& p = d.world.random_person(d.rng);
    d.bind_scene();
    d.slots.bind_row("tools");
    d.world.bind_animal(d.slots, d.world.random_animal(d.rng));
    const Place& place = d.world.random_place(d.rng);
    d.world.bind_place(d.slots, place);
    d.world.bind_person(d.slots, p);
    for (const char* slot : {"weather", "weather2"}) {
        d.slots.set("warm", std::to_string(d.between(18, 30)));
        d.slots.set("mild", std::to_string(d.between(5, 17)));
        d.slots.set("cold", std::to_string(d.between(0, 2)));
        d.slots.bind(slot, "weather");
    }
    d.slots.set("price_n", std::to_string(d.between(2, 30)));
    d.rule("notice");
}

inline void recipe(Draft& d) {
    d.bind_scene();
    d.world.bind_person(d.slots, d.world.random_person(d.rng));
    const size_t row = d.slots.bind_row("recipes");
    std::string lower = d.world.grammar.cell(d.world.grammar.table("recipes"), row, "r_dish");
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    d.slots.set("r_dish_lower", lower);
    // the amounts are chosen once
    for (const char* slot : {"r_a", "r_b", "r_c", "r_step3"}) {
        std::string text;
        d.world.grammar.expand(text, d.slots.use(d.world.grammar.find_slot(slot)).seq, d.slots, d.rng);
        d.slots.set(slot, text);
    }
    d.rule("recipe");
}

inline void riddle(Draft& d) {
    const int form = d.between(0, 99);
    if (form < 60) d.world.bind_animal(d.slots, d.world.random_animal(d.rng)), d.rule("riddle_animal");
    else if (form < 75) d.slots.bind_row("tools"), d.rule("riddle_tool");
    else if (form < 90) {
        d.slots.bind_row("jobs");
        d.rule("riddle_job");
    } else d.rule("riddle_old");
}
