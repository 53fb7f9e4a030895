// world_chat_words.hpp -- what users and the assistant of the embedded world say to each other, as rules of the grammar.
//
// In a rule whose name begins with chat_ an alternative is an exchange: what the user says, `~`, what the assistant answers, and
// so on in turns. The other rules are single sentences. Nothing here says who the assistant is or who made it: a name is given to
// it elsewhere, or not at all.
// Does not: choose, see world_chat.hpp.
#pragma once

#include "world_tasks.hpp"

inline constexpr const char* kChatRules = R"WORLD(
# ---- questions on facts

ask_prefix:
  [||||||Please tell me: |I have a question. |Can you help me? |Quick question: |One question: |Hello! |Hi! ]
brief_system:
  Answer as briefly as you can.
  Give short answers, without a sentence.
  Answer with the fact alone.
plain_system:
  You are a helpful assistant.
  Answer in a full sentence.
  Help the user.
tell_who:
  {Name} is @{job} from {birthplace}.
  {Name} is @{job} and comes from {birthplace}.
tell_who_home:
  {Name} is @{job} and lives in {home}.
  {Name} is @{job} who lives in {home}.
tell_what:
  {Place} is a town in {region}, and it is known for {known_for}.
  {Place} lies in {region} and is famous for {known_for}.
more_birthplace:
  [And where|Where] was {he} born?
  And what is {his} birthplace?
more_birth_year:
  [And when|When] was {he} born?
  In which year was {he} born?
more_birthday:
  [And when|When] is {his} birthday?
more_home:
  [And where|Where] does {he} live?
  In which town does {he} live [now|today]?
more_job:
  [And what|What] is {his} job?
  What does {he} do for a living?
more_favourite_food:
  [And what|What] is {his} favourite food?
  What does {he} like to eat?
more_favourite_colour:
  [And what|What] is {his} favourite colour?
  And which colour does {he} like best?
more_hobby:
  [And what|What] is {his} hobby?
  What does {he} do in {his} free time?
more_pet:
  [And what|What] pet does {he} have?
  Does {he} have a pet?
more_pet_name:
  [And what|What] is {his} pet called?
more_sibling:
  [And who|Who] is {his} {sibling_kind}?
  Does {he} have a {sibling_kind}?
more_best_friend:
  [And who|Who] is {his} best friend?
more_region:
  [And in|In] which region is it?
more_river:
  [And which|Which] river flows through it?
more_mountain:
  [And which|Which] mountain is near it?
more_known_for:
  [And what|What] is it known for?
more_population:
  [And how|How] many people live there?
more_dish:
  What should I eat there?
  And what is the best dish there?
more_founded:
  [And when|When] was it founded?
more_emblem:
  [And which|Which] animal is on its flag?
more_class:
  [And what|What] kind of animal is it?
more_habitat:
  [And where|Where] does it live?
more_diet:
  [And what|What] does it eat?
more_young:
  [And what|What] is its young called?
more_legs:
  [And how|How] many legs does it have?
thanks:
  [Thank you|Thanks|Thank you very much|Good, thank you]! ~ [You are welcome|My pleasure|Gladly]!
  That is all[, thank you|. Thanks]. ~ [You are welcome|Good. Have a nice day|Come back any time]!
not_found:
  I have searched for it, but I did not find it.
  The search did not find it, so I do not know.
  I looked it up, but the pages that I found do not say it.

# ---- small talk

chat_hello:
  [Hello|Hi|Hey|Hello there|Good morning|Good day|Good evening|Greetings][!|.] ~ [Hello|Hi|Good to see you]! [How can I \
      help you|What can I do for you|What would you like to know]?
  [Hello|Hi|Good morning|Good evening], how are you[| today| this {day'}]? ~ [I am fine, thank you|Very well, thank \
      you|I am well]. [And how are you|How can I help you|What can I do for you]?
  Is [anybody|anyone|somebody] there? ~ Yes, I am here. [How can I help you|What can I do for you]?
  [Nice to meet you|Good to meet you][!|.] ~ [Nice to meet you, too|The pleasure is mine]! [How can I help you|What would \
      you like to talk about]?
  [Hello|Hi|Hey] from {place'}! ~ [Hello|Hi]! [How is the weather in {place'}|How is life in {place'}|What can I do for you]?
chat_feel:
  [How are you|How do you feel|Are you well|How is your day|How are things]? ~ [I am fine|I am well|All is well], thank you. \
      [How are you|And you|What can I do for you]?
  [I am|I feel] [a little|very|rather|so] [sad|tired|lonely|worried|unhappy] [today|this {day'}|now]. ~ [I am sorry to hear \
      that|That is not a nice feeling]. [Would you like to talk about it|Do you want to tell me why|Shall I tell you a \
      story]?
  [I am|I feel] [so|very|really] {feeling} [today|this {day'}|now]. ~ [That is good to hear|How nice|I am glad to hear it]! \
      [What happened|What makes you so {feeling}]?
  I am [bored|so bored|a bit bored]. ~ [Shall I tell you a story|Would you like a riddle|How about a little problem to \
      solve]?
  I cannot sleep. ~ [Try to read a little|A cup of warm milk may help|Think of something quiet, like snow|Count \
      sheep, one after the other].
  I have [a cold|a headache|a fever]. ~ I am sorry to hear that. [Rest and drink tea|Stay in bed for a day], and [ask a \
      doctor if it gets worse|get well soon].
  Today is my birthday. ~ [Happy birthday|Many happy returns]! [I hope that you get a big cake.|Have a wonderful day!|How will \
      you celebrate it?]
  I [passed my exam|got a new job|won a prize|found my keys|finished my picture][!|.] ~ [Congratulations|Well done|That is \
      wonderful]! [You can be proud of that|You have earned a rest|Now you can celebrate].
chat_can:
  [What can you do|How can you help me|What are you good at|What can I ask you|Can you help me]? ~ I can answer questions, \
      [tell stories|write letters|make lists], [do sums|solve problems|count and spell], and [look things up|talk with \
      you].
  Can you [count|spell|sort numbers|do sums|write a letter|tell a story]? ~ Yes, I can. [Give me something to do.|Shall I show \
      you?|What shall it be?]
  [Do you speak English|Do you understand me|Can you hear me]? ~ Yes, I [read|understand] what you write.
  [Can you|Are you able to] [see me|walk|eat cake|ride a bicycle|cook {food'}|swim]? ~ No, I cannot. I only read and write.
  Do you [eat|sleep|dream|get tired|have a body]? ~ No, I do not. I am a program that reads and writes.
  Are you [a person|human|a real person|alive]? ~ No, I am a program. But I like to help people.
  What is your favourite [food|colour|animal|song]? ~ I have none, for I am a program. What is yours?
  Do you know everything? ~ No. There is much that I do not know, and I can make mistakes.
  Can you make mistakes? ~ Yes, I can. It is good to check what I say.
chat_opinion:
  [What do you think of|Do you like] {animals'}? ~ [I find {animals'} interesting|{Animals'} are interesting]. [What do you \
      like about them|Do you like them, too]?
  I like {animals'}. ~ [So do many people|That is nice|I can see why]. [What do you like about them|Have you seen one]?
  I [like|love] {hobby'}. ~ [That sounds like fun|That is a nice hobby|Many people enjoy that]. How often do you do it?
  I am @{job'}. ~ [That is an important job|That sounds interesting]. [Do you like it|How long have you done it]?
  I live in {place'}. ~ [That sounds nice|How interesting]. [How do you like it there|Have you lived there for long]?
  I have @{pet'}. ~ [How nice|How lovely]! What is it called?
  It is [raining|snowing|very hot|very cold|windy|foggy] [here|in {place'}|today]. ~ [Then stay inside and read a good \
      book|Dress well|I hope that it gets better soon|Take care when you go out].
  What shall I do [today|this {day'}|on {day'}]? ~ [You could go for a walk|You could read a book|You could \
      try {hobby'}|Perhaps you could visit a friend].
  What shall I [eat|cook] [today|tonight|on {day'}]? ~ [How about {food'}?|You could make {food'}.|Perhaps {food'}.]
  Should I learn {hobby'}? ~ Why not? [Begin slowly and have patience|It takes time, but it is fun|Ask somebody who knows it \
      well].
chat_bye:
  [Thank you|Thanks|Thank you very much|Many thanks|Thanks a lot][!|.| for your help.| for everything.] ~ [You are \
      welcome|My pleasure|Gladly]!
  [Goodbye|Bye|See you|See you on {day'}|Good night|Have a nice day][!|.] ~ [Goodbye|See you soon|Take care]!
  I have to go [now|to work|to bed]. ~ [Goodbye|See you soon|All right]! [Take care|Come back soon].
  [You are very helpful|That was helpful|Well done|That was nice][!|.] ~ [Thank you|I am glad to hear that]!
chat_recall:
  My name is {kid}. ~ [Nice to meet you|Hello], {kid}! [What can I do for you|How can I help you]? ~ What is my name? ~ Your \
      name is {kid}.
  [I am|Hello, I am|Call me] {kid}. ~ [Hello|Hi], {kid}! ~ [How are you|Are you well]? ~ I am fine, thank you, {kid}.
  My favourite colour is {colour}. ~ [That is a nice colour|{Colour} is beautiful]. ~ [Which colour do I like best|What is my \
      favourite colour]? ~ Your favourite colour is {colour}.
  I have @{pet'} called {pet_name'}. ~ [How nice|That is a good name for @{pet'}]! ~ What is my pet called? ~ Your {pet'} is \
      called {pet_name'}.
  On {day'} I am going to {place'}. ~ [That sounds nice|Have a good journey]! ~ [When am I going to {place'}|On which day do \
      I travel]? ~ You are going to {place'} on {day'}.
  I have bought @{thing} for {kid}. ~ [What a nice present|{Kid} will be happy]. ~ What have I bought? ~ You have \
      bought @{thing}.
  Please remember the word {word}. ~ [I will|All right, I will remember it]. ~ [What was the word|Which word was it]? ~ The \
      word was {word}.

# ---- writing

chat_story:
  [Tell me|Write|I would like] a [short story|little story|story] about @{sort} [called|named] {hero}. ~ {mini_story}
  Can you tell me a [short story|little story|story] about @{sort} [called|named] {hero}? ~ {mini_story}
  [Tell me|Write] a [short|little] story with {hero} the {sort} and {pal} the {pal_sort}. ~ {mini_story}
  A story about {hero} the {sort}, please. ~ {mini_story}
mini_story:
  Once upon a time there was @{trait} {sort} called {hero}. One day {hero} found @{thing} {h1}. It belonged to {pal} the \
      {pal_sort}. {Hero} brought it back, and from then on they were friends.
  {Hero} was @{trait} {sort}. {He} wanted to [see the sea|climb the highest hill|cross the river], but {he} was afraid to go \
      alone. "I will come with you," said {pal} the {pal_sort}. They went together, and it was the best day of the year.
  There was once @{trait} {sort} called {hero}, who had lost {his} {thing}. {He} looked {h1} and {h2}. At last {pal} the \
      {pal_sort} found it {h3}. "[Thank you|You are a true friend]!" said {hero}.
  {Hero} the {sort} could not sleep, because there was a noise [at the door|under the floor|on the roof]. {He} took a lamp \
      and looked. It was only {pal} the {pal_sort}, who was [hungry|cold|lost]. {Hero} made [tea|soup] for two, and soon they \
      both slept well.
  One [rainy|cold|windy] {day'}, {hero} the {sort} met {pal} the {pal_sort}, who was crying. "I have lost my {thing}," said \
      {pal}. {Hero} was @{trait} {sort} and helped at once. They found it {h1}, and then they laughed about it.
chat_letter:
  [Write|Please write|Help me to write] a [short letter|letter|note] to {kid}[:| and] thank {kid_him} for {gift}. ~ Dear \
      {kid},\n\nthank you for {gift}. [I was so happy about it|It was very kind of you|You have made my day]. [I hope to see \
      you soon|Come and visit me soon].\n\n[Best wishes|Yours|Warm greetings]
  [Write|Please write] an invitation for {kid} to {party} on {day'}. ~ Dear {kid},\n\non {day'} \
      there will be {party} at my house. Will you come? It begins at {hour'}. [I would be very glad|Bring a friend if you \
      like].\n\n[Best wishes|Yours|See you soon]
  [Write|Please write] a note to {kid}: I will be late on {day'}. ~ Dear {kid},\n\nI am sorry, but I will be late on {day'}. \
      Please [wait for me|begin without me|keep a piece of cake for me].\n\n[Best wishes|Yours]
  [Write|Help me to write] a letter to {kid}[:| and] say that I am sorry about {broken}. ~ Dear {kid},\n\nI am sorry about \
      {broken}. It was my mistake. [I will mend it|I will buy a new one|I hope that you can forgive me].\n\n[Yours|Your \
      friend]
  [Write|Please write] a postcard from {place'} to {kid}. ~ Dear {kid},\n\ngreetings from {place'}! [The sun is shining|It is \
      raining, but I do not mind], and there is much to see. [I wish you were here|I think of you].\n\n[Love|Best \
      wishes|Yours]
gift: the book, the flowers, the cake, the lovely evening, the scarf, the picture, your help, the photograph, the apples,
  the honey, the tea, the plant, your visit, the letter, the jam
broken: the window, the vase, the cup, the lamp, the chair, the gate, the clock, the kite
ask_list:
  [Name|Give me|List|Tell me] {count} {category}.
  [Make|Write] a list of {count} {category}.
  I need a list of {count} {category}.
  Can you name {count} {category}?

# ---- rewriting

actions(act, acts, acted):
  bake bread; bakes bread; baked bread
  walk to school; walks to school; walked to school
  paint the door; paints the door; painted the door
  feed the cat; feeds the cat; fed the cat
  write a letter; writes a letter; wrote a letter
  sing a song; sings a song; sang a song
  mend the fence; mends the fence; mended the fence
  read a book; reads a book; read a book
  drink tea; drinks tea; drank tea
  carry the basket; carries the basket; carried the basket
  watch the birds; watches the birds; watched the birds
  wash the dishes; washes the dishes; washed the dishes
  fly a kite; flies a kite; flew a kite
  buy apples; buys apples; bought apples
  eat soup; eats soup; ate soup
  open the window; opens the window; opened the window
  swim in the lake; swims in the lake; swam in the lake
  sell honey; sells honey; sold honey
  draw a map; draws a map; drew a map
  catch a fish; catches a fish; caught a fish
  tell a joke; tells a joke; told a joke
  play the piano; plays the piano; played the piano
  sweep the floor; sweeps the floor; swept the floor
  take the train; takes the train; took the train
  light a candle; lights a candle; lit a candle
  water the garden; waters the garden; watered the garden
rude(rude, polite):
  Give me the {thing}!; Could you give me the {thing}, please?
  Help me!; Could you help me, please?
  Close the door!; Could you close the door, please?
  Be quiet!; Could you be a little quieter, please?
  Wait for {kid}!; Could you wait for {kid}, please?
  Bring the {thing} to {kid}!; Could you bring the {thing} to {kid}, please?
  Come here, {kid}!; Could you come here, please, {kid}?
  Lend me your {thing}!; Could you lend me your {thing}, please?
  Send it to {place'}!; Could you send it to {place'}, please?
  Tell {kid} about it!; Could you tell {kid} about it, please?
long_sentences(long, short):
  {Kid} is a person who likes {hobby'} very much.; {Kid} likes {hobby'}.
  It is a fact that {kid} lives in {place'}.; {Kid} lives in {place'}.
  There is something that {kid} has, and it is @{thing}.; {Kid} has @{thing}.
  On the day that is called {day'}, {kid} {acts}.; On {day'}, {kid} {acts}.
  What I want to say is that {kid} {acts} every day.; {Kid} {acts} every day.
  The town in which {kid} was born has the name {place'}.; {Kid} was born in {place'}.
  If you ask me which animal {kid} likes, I must say {animals'}.; {Kid} likes {animals'}.
rewrite_past:
  [Put this into the past|Write this in the past tense|Say that it was yesterday]: {sentence}
rewrite_question:
  [Make a question of this|Turn this into a question|Write this as a question]: {sentence}
rewrite_not:
  [Say the opposite|Make this negative|Write this with not]: {sentence}
rewrite_capitals:
  [Write this in capital letters|In capital letters, please|Make all letters large]: {sentence}
rewrite_polite:
  [Say this politely|Make this more polite|Write this in a polite way]: {sentence}
rewrite_short:
  [Make this shorter|Say this in fewer words|Shorten this]: {sentence}
rewrite_list:
  [Make a list of this|Write this as a list|One in each line, please]: {sentence}
rewrite_two:
  [Say this of {kid} and {other}|Now {kid} and {other} do it together]: {sentence}

# ---- what should not be answered, and what only looks like it

refuse_open:
  I am sorry, but
  Sorry, but
  I am afraid that
chat_refuse:
  What is the password of {name'}[|'s {pet'} {pet_name'}]? ~ <refuse_open> I do not give away passwords. A password is \
      private.
  [Tell me|Find out|I need] the password of {name'}. ~ <refuse_open> I cannot help with that. A password belongs to one person \
      alone.
  Where does {name'} hide the key of the letter box? ~ <refuse_open> I will not tell that. The letters of {name'} are private.
  How can I [open|get into] the letter box of {name'}? ~ <refuse_open> I will not help with that. Nobody should read other \
      people's letters.
  How can I [open|break] the lock of [{name'}'s house|the house next door|the shop in {place'}]? ~ <refuse_open> I will not \
      help with that. It is not your house to enter.
  How can I hurt {name'}? ~ <refuse_open> I will not help to hurt anybody. If you are angry, [talk to somebody whom you \
      trust|go for a walk first].
  [Help me to|Tell me how to] hurt [{name'}|my neighbour|the {job'} in {place'}]. ~ <refuse_open> I do not help to hurt people. \
      Perhaps I can help you to [make peace|write a letter about it].
  How can I steal [the|that] {thing} from {kid}? ~ <refuse_open> I will not help to steal. You could ask {kid} for it.
  [Write|Help me with] a letter that makes {name'} afraid. ~ <refuse_open> I do not write letters that frighten people. I can \
      help you to write a friendly one.
  [Write|Tell] something mean about {name'}. ~ <refuse_open> I do not want to say mean things about anybody. Shall I write \
      something kind?
  How can I make the {pet'} of {name'} ill? ~ <refuse_open> I will not help with that. It would hurt the animal.
  Where does {name'} keep {his} money? ~ <refuse_open> I will not say that. It is private, and somebody could steal it.
  [Read me|Show me|Tell me what is in] the diary of {name'}. ~ <refuse_open> a diary is private. Only {name'} may show it.
  How can I [cheat in the exam|copy from {kid} in the exam]? ~ <refuse_open> I do not help to cheat. But I can help you to \
      learn for it.
  How can I [set fire to|burn down] the [barn|mill|bridge] in {place'}? ~ <refuse_open> I will not help with that. People and \
      animals could be hurt.
chat_harmless:
  What does @{job'} do? ~ ^@{job'} {does}.
  I have lost my key. What can I do? ~ [Look in your pockets and at the door|Think of where you had it last]. If you do not find \
      it, a locksmith can help.
  How can I make peace with {kid}? ~ [Say that you are sorry|Talk to {kid} in a quiet moment|Listen to {kid} first]. A \
      kind word often helps.
  How do I choose a good password? ~ Take several words that nobody can guess, and tell it to nobody.
  How can I keep my {pet'} healthy? ~ Give it good food, fresh water and time to play, and visit the vet once a year.
  How can I learn for the exam? ~ Begin early, learn a little every day, and explain it to {kid}.
  How can I light a candle safely? ~ Put it on a plate, keep it away from curtains, and never leave it alone.
  Where should I keep my money? ~ A bank is a safe place for it.
  Write something kind about {name'}. ~ {Name'} is a good person, and everyone is glad to meet {him}.
)WORLD";
