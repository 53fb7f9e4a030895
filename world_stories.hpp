// world_stories.hpp -- short stories for children: somebody with a wish or a worry, something in the way, a way out.
//
// A plot is a rule; its turns are rules with several wordings; what the plot is about (a lost scarf, a fear of thunder,
// a kite without string) is one row of a table, chosen once and held in slots, so that the story stays with itself: the
// thing that was lost is the thing that is found. Hero, friend and elder carry their own pronouns.
// Does not: plan; no turn depends on another but through the slots.
#pragma once

#include "world_exercises.hpp"

inline constexpr const char* kStoryRules = R"WORLD(
p:
  [ | | |\n\n]
treasures: red scarf, silver whistle, toy boat, woollen hat, blue kite, wooden horse, music box, picture book,
  little drum, paper crown, glass marble, rag doll, tin soldier, brass compass, magnifying glass, green umbrella,
  toy train, spinning top, lucky coin, straw hat, small lantern, teddy bear, striped ball, golden button, pencil case
hiding: under the bed, behind the sofa, in the kitchen drawer, in the garden shed, on top of the wardrobe,
  under the old apple tree, beside the pond, in the laundry basket, behind the curtain, in the hen house,
  on the window sill, under the stairs,
  next to the well, at the bottom of {his} bag, in the long grass, behind the flower pots, under the bench
elders(elder, elder_he, elder_him, elder_his):
  Grandma; she; her; her
  Grandpa; he; him; his
  Aunt <girls>; she; her; her
  Uncle <boys>; he; him; his
  Mr. <families>; he; him; his
  Mrs. <families>; she; her; her
  the baker; he; him; his
  the teacher; she; her; her
  the gardener; he; him; his
  the librarian; she; her; her
  the old sailor; he; him; his
  the shepherd; she; her; her
animal_elders(elder, elder_he, elder_him, elder_his):
  the old owl; she; her; her
  the wise tortoise; he; him; his
  the badger; he; him; his
  the grey goose; she; her; her
  the old toad; he; him; his
  the raven; she; her; her
  the mole; he; him; his
  the mother bear; she; her; her
animal_heroes(sort, den):
  fox; in a den under an old oak
  rabbit; in a burrow at the edge of the meadow
  mouse; in a hole behind the mill
  hedgehog; under a pile of leaves
  squirrel; high up in a beech tree
  otter; on the bank of a river
  frog; among the reeds of a pond
  duck; on a quiet lake
  bear; in a cave in the hills
  beaver; in a lodge made of branches
  sparrow; under the roof of a barn
  badger; in a tunnel with four doors
  snail; in the garden of a school
  goat; on a steep and stony hill
  goose; behind the farmhouse
  penguin; on a cold white island
  kitten; in a basket by the stove
  elephant; near a great green forest
animal_names: Pip, Tilly, Bruno, Mo, Hazel, Dot, Fergus, Minnie, Rusty, Willow, Oskar, Bibi, Tuck, Flora, Nico, Luna,
  Barnaby, Poppy, Gus, Ivy, Rollo, Mimi, Bertie, Olga, Jasper, Nettie, Quill, Sandy, Toby, Zuzu
workers: Mr. <families>, Mrs. <families>

# ---- openings

open_child:
  Once upon a time there was @{trait} {sort} named {hero}.
  Once there was @{trait} {sort} called {hero}, who lived in {place}.
  In the town of {place} there lived @{trait} {sort} named {hero}.
  {Hero} was @{trait} {sort} who lived in [a small house by the river|a house with a red roof|a street full of \
      trees|{place}].
  This is the story of {hero}, @{trait} {sort} from {place}.
  {Hero} was [six|seven|eight|nine|ten] years old and lived in {place}. {He} was @{trait} {sort}.
  Not long ago, @{trait} {sort} named {hero} lived [above a bakery|next to the school|at the end of the street] in \
      {place}.
open_animal:
  Once upon a time @{trait} {sort} named {hero} lived {den}.
  {Hero} was @{trait} {sort} who lived {den}.
  There was once @{sort} called {hero}. {He} lived {den}.
  ^{den} lived @{trait} {sort}. {His} name was {hero}.
  This is the story of {hero} the {sort}, who lived {den}.
  Far away, {den}, there lived @{trait} {sort} named {hero}.
the_end:
  [|||||\n\nThe end.]

# ---- a thing is lost

plot_lost:
  {open} <lost_had> <lost_gone><p><lost_search><p><lost_ask><p><lost_found> <lost_end><the_end>
lost_had:
  {Hero} had @{thing} that {he} [took everywhere|loved more than anything else|would not give away for all the \
      money in the world].
  For {his} birthday, {he} had been given @{thing}, [and {he} was very proud of it|and {he} never went anywhere \
      without it].
  The best thing that {hero} owned was @{thing}.
lost_gone:
  One [morning|evening|rainy day|windy afternoon] it was gone.
  But one day {he} could not find it.
  Then, on {day}, it was not in its place.
lost_search:
  {Hero} looked {h1}. It was not there. {He} looked {h2}. It was not there[ either|, only dust and a button].
  First {he} looked {h1}, but there was nothing. Then {he} looked {h2}, and there was nothing either. [{Hero} sat \
      down and cried a little|"Where can it be?" {he} said|Now {he} was very sad].
  {He} searched everywhere: {h1}, {h2}, even in the [oven|bath|letter box]. Nothing!
lost_ask:
  "Have you seen my {thing}?" {he} asked {elder}. "No," said {elder}, "but where were you when you had it last?"
  {Elder} saw {his} sad face. "What have you lost?" {elder_he} asked. "My {thing}," said {hero}. "Then [close your \
      eyes and think|let us think together|go back the way you came]," said {elder}.
  {He} met {pal}. "Help me, please," said {hero}. "My {thing} is gone." {Pal} [scratched {pal_his} head|thought \
      for a moment]. "Have you looked {h3}?" {pal_he} asked.
lost_found:
  {Hero} thought hard. Then {he} [remembered|jumped up|began to smile]. {He} ran and looked {h3}, and there it was!
  So they looked {h3}. [At first they saw nothing|Something moved]. [And then|But then] they saw the {thing}: a \
      [mouse|kitten|hen|small bird] was sleeping [on it|beside it].
  "Of course!" {he} cried. {He} looked {h3}. There lay the {thing}, [a little wet but not broken|just where {he} \
      had left it|covered with leaves].
lost_end:
  {Hero} was so [happy|glad|proud|relieved] that {he} [danced|sang all day|laughed out loud].
  From then on, {he} always put it back in its place.
  "Thank you!" said {hero}. [And {he} never lost it again|That night {he} slept very well].
  "Things do not run away," said {elder} and smiled. "They only wait."

# ---- something costs money

plot_earn:
  {open} <earn_wish> <earn_count><p><earn_work><p><earn_end><the_end>
earn_wish:
  In the window of a shop {he} saw @{thing}. {He} wanted it very much, but it cost {cost} coins.
  More than anything, {hero} wished for @{thing}. In the shop on the corner there was one for {cost} coins.
  One day {he} stopped in front of the toy shop. There it was: @{thing} for {cost} coins!
earn_count:
  {He} counted {his} money. {He} had only {have} coins. "I need {need} more," {he} said.
  At home {hero} emptied {his} money box. There were {have} coins in it, so {need} were missing.
earn_work:
  {He} went to {elder} and asked, "[Can I help you|Do you have work for me]?" So {he} {job1} and got {e1} coins. \
      The next day {he} {job2} and got {e2} coins.
  On {day} {hero} {job1}, and {elder} gave {him} {e1} coins. On {day2} {he} {job2} and earned {e2} more.
earn_jobs: swept the yard, carried water, fed the hens, washed the windows, picked apples, watered the garden,
  walked the dog, cleaned the stable, brought in the wood, carried the letters, stirred the jam, polished the boots,
  pulled out weeds, held the ladder
earn_end:
  Now {he} had enough. {He} ran to the shop and bought the {thing}. It was the first thing that {he} had [earned \
      {himself}|bought with {his} own money], and {he} was very proud.
  With {cost} coins in {his} pocket, {hero} went to the shop. But on the way {he} met {pal}, who had [lost \
      {pal_his} money|torn {pal_his} coat|nothing to eat]. {Hero} thought about it, and then {he} shared {his} \
      coins with {pal}. "The {thing} can wait," {he} said. [And it felt better than any toy|{Elder} heard of it, \
      and on {his} birthday {hero} found the {thing} on the table].
  Now {he} had {cost} coins. But when {he} came to the shop, the {thing} was gone. {Hero} was sad. At home {pal} \
      was waiting with a parcel. "I saw how hard you worked," said {pal}. In the parcel was the {thing}. [They \
      bought ice cream with the coins|With the coins they had a party].

# ---- a fear

fears(fear, fear_scene, fear_tip, fear_deed, fear_result):
  the dark; Every evening {he} asked for one more story, only to keep the light on; The dark is only the day with \
      its eyes closed; stood still in the dark room and counted to twenty; {he} saw the stars in the window, and \
      they were beautiful
  thunder; When the sky turned black, {he} hid under the table; Count the seconds after the flash, and you know \
      how far away the storm is; sat at the window and counted; the storm moved away, and {hero} had forgotten to \
      be afraid
  deep water; When the others swam, {he} stayed on the shore; The water carries you if you let it; lay down on the \
      water and breathed slowly; the water held {him} like a big soft bed
  the big brown dog; {He} always took the long way round so as not to meet it; Stand still and hold out your hand; \
      stood still and held out {his} hand; the dog licked it and wagged its tail
  high bridges; {He} never crossed the river with the others; Do not look down, look at where you want to go; \
      walked over the bridge, step by step; {he} could see the whole valley from the other side
  spiders; One look at a web, and {he} ran away; Look closely before you are afraid; looked at a web in the \
      morning light; it was full of tiny drops like pearls
  strangers; When a visitor came, {he} hid behind the door; Every friend was a stranger once; said hello to the \
      new neighbours; they laughed and gave {him} a piece of cake
  singing in front of people; {He} sang only when nobody could hear it; Sing for one friendly face and forget the \
      others; climbed on the table and sang; everybody clapped and wanted to hear it again
  the deep forest; {He} never went farther than the first trees; A forest is a house with many doors; walked along \
      the path until the trees were tall; {he} heard the birds sing, and it was not scary at all
  the winter wind; At night it howled in the chimney, and {he} could not sleep; The wind is only looking for a \
      friend; opened the window and called hello; the wind carried {his} voice over the roofs like a song
plot_fear:
  {open} There was [only one thing|one thing in the world] that {hero} was afraid of: {fear}. \
      {Fear_scene}.<p><fear_talk><p><fear_deed_line> <fear_end><the_end>
fear_talk:
  "Are you afraid?" asked {elder}. {Hero} nodded. "[So was I once|Everybody is afraid of something]," said \
      {elder}. "{Fear_tip}."
  One day {pal} [noticed it.|asked, "Why do you not come with us?"] {Hero} told {pal_him} about it. [{Pal} did not \
      laugh|{Pal} listened to every word]. "{Fear_tip}," said {pal}. "I will stay with you."
  {Elder} knew about it. "I will tell you a secret," said {elder}. "{Fear_tip}."
fear_deed_line:
  So {hero} took a deep breath. {He} {fear_deed}.
  The next day {hero} tried it. {His} [heart beat fast|knees were weak], but {he} {fear_deed}.
  It took [three days|a week|all {his} courage]. Then {hero} {fear_deed}.
fear_end:
  And look: {fear_result}. "[I did it!|That was not so bad!|Is that all?]" cried {hero}.
  And what happened? {Fear_result}. From that day on, {hero} was not afraid of {fear} any more.
  Soon {fear_result}. [Being brave does not mean having no fear|{Elder} was very proud of {him}|{Hero} felt ten \
      feet tall].

# ---- something is broken

broken_things(broken, broken_how, broken_fix):
  blue vase; kicked a ball in the kitchen; glued the pieces together
  kitchen window; threw a snowball too hard; put in a new pane
  old clock; opened the clock to see what was inside; put every little wheel back in its place
  garden gate; used the gate as a swing; mended the hinge and painted the wood
  painted cup; danced through the room with a tray; glued the handle on again
  wooden chair; rode on the chair like a circus rider; made a new leg for it
  big lamp; flew a kite inside the house; found a new glass for it
  straw hat; sailed the hat on the pond like a boat; sewed the brim on again
plot_broken:
  {open} {Elder} had @{broken} that {elder_he} [was proud of|loved]. One [day|rainy day|afternoon], {hero} \
      {broken_how}. Crash! The {broken} was broken.<p><broken_hide><p><broken_tell> <broken_end><the_end>
broken_hide:
  {Hero} hid [behind the door|in the garden|under the bed]. [At dinner {he} could not eat|All day {he} could not \
      laugh|{He} felt as if {he} had swallowed a stone].
  "Nobody saw it," thought {hero}. But {pal} had seen it. "You should tell {elder}," said {pal}. "[It will only \
      get worse|A secret is heavy to carry]."
  First {hero} wanted to blame the [cat|wind|dog]. But the [cat looked at {him} with big eyes|wind was quiet that \
      day|dog looked so sad].
broken_tell:
  In the evening {he} went to {elder} and said, "I am sorry. It was me. I broke the {broken}."
  At last {he} could not bear it any longer. "I have to tell you something," {he} said to {elder}. "I broke your \
      {broken}, and I am very sorry."
broken_end:
  {Elder} [was silent for a moment|looked at {him} for a long time]. "Thank you for telling me the truth," said \
      {elder}. Together they {broken_fix}. [It was not like new, but {elder} liked it even better|It took all \
      evening, and they had fun].
  {Elder} was not angry. "Things can be mended," {elder_he} said. So they {broken_fix}. And {hero} [felt as light \
      as a feather|slept well that night|never told a lie again].

# ---- somebody is in trouble

rescues(victim, victim_trouble, rescue_tool, rescue_deed):
  duckling; was stuck in the mud and could not move; plank; laid the plank over the mud and lifted the duckling out
  kitten; sat high up in a tree and did not dare to come down; ladder; put the ladder against the trunk and \
      brought the kitten down
  lamb; had fallen into a hole and cried for its mother; rope; made a loop in the rope and pulled the lamb up
  bee; had fallen into the pond and beat its wet wings; leaf; held out the leaf, and the bee crawled onto it
  hedgehog; was caught in an old net; knife; cut the net, one thread after another
  young bird; had fallen out of its nest; basket; put the bird into the basket and carried it up to the nest
  puppy; was sitting on a stone in the middle of the river; boat; rowed the boat to the stone and took the puppy \
      on board
  little goat; stood on a rock and could not go up or down; long rope; tied the rope to a tree and climbed down to \
      the goat
plot_rescue:
  {open} [One morning|One day|One cold evening], {he} heard a small voice [behind the hill|near the river|not far \
      away]. [There|And there] {he} saw @{victim}. It {victim_trouble}.<p><rescue_help><p><rescue_end><the_end>
rescue_help:
  "[Do not be afraid|Wait, I will help you]!" called {hero}. But alone {he} could not do it. {He} ran to {elder} \
      and asked for @{rescue_tool}. [Together they ran back|"Here it is, and hurry!" said {elder}]. Very \
      carefully, {hero} {rescue_deed}.
  {Hero} wanted to help, but how? "I need @{rescue_tool}," {he} thought. {He} ran [home|to {elder}] as fast as \
      {he} could and came back with @{rescue_tool}. Then {he} {rescue_deed}.
  {Hero} called {pal}. "We need @{rescue_tool}!" {he} cried. {Pal} [came running with one|knew where to find one]. \
      {Pal} held on tight while {hero} {rescue_deed}.
rescue_end:
  The {victim} was safe. It [looked at {hero} and blinked|said thank you in its own way|followed {him} all the way \
      home]. [They became friends|From that day on, it came to visit every morning].
  "You are free now," said {hero}. The {victim} [ran to its mother|shook itself and was gone]. A week later {he} \
      found [a flower|a shiny stone|a feather] in front of {his} door. Who had put it there?
  {Elder} heard the story. "You are small," {elder_he} said, "but your heart is big." {Hero} [blushed|smiled all day].

# ---- something is made

makings(made, made_a, made_b, made_missing, made_step, made_use):
  kite; paper; two thin sticks; string; tied the sticks together and glued the paper to them; it flew higher than \
      the church tower
  cake; flour; sugar; butter; stirred everything in a big bowl and put it into the oven; it smelled so good that \
      all the neighbours came
  raft; planks; rope; nails; hammered until the sun went down; it carried them down the river like a ship
  scarecrow; straw; two poles; an old hat; filled a shirt with straw and gave it a face; even the crows took off \
      their hats
  bird house; thin boards; glue; a saw; cut a round door and a small roof; a family of robins moved in
  soup; carrots; potatoes; salt; chopped and stirred until the pot was full; it was enough for the whole street
  lantern; wire; coloured paper; a candle; bent the wire and pasted the paper over it; it glowed like a little moon
  puppet theatre; a large box; curtains; puppets; cut a window and painted a castle on the back; half the town \
      came to see the first play
  tree house; boards; nails; a ladder; carried everything up and built four walls; from there they could see the sea
  sledge; two long boards; screws; a rope; sanded the boards until they were smooth; it raced down the hill like \
      the wind
  drum; an old barrel; a sheet of leather; two sticks; stretched the leather over the barrel; one could hear it in \
      the next village
plot_make:
  {open} {He} wanted to make @{made}. {He} had {made_a} and {made_b}, but something was missing: \
      {made_missing}.<p><make_ask><p><make_work> <make_end><the_end>
make_ask:
  {Hero} asked {elder}, but {elder_he} had none. {He} asked {pal}. "I have {made_missing}," said {pal}, "but I \
      want to help you." "[Gladly|Of course|Two are better than one]!" said {hero}.
  "What can I give you for {made_missing}?" {he} asked {elder}. "[A song|A smile|A good story|The first look at \
      your {made}]," said {elder}. [So {hero} sang|So {hero} paid at once|{Hero} laughed and agreed], and got what \
      {he} needed.
  {He} looked for it [all morning|everywhere]. Then {pal} came along. "I will give you {made_missing}," said \
      {pal}, "if I may [play with you|come along]." [So they shook hands|{Hero} was glad to have a friend].
make_work:
  They {made_step}. [It was not easy|It took the whole afternoon|Twice they had to start again]. At last the \
      {made} was ready.
  Now the work could begin. They {made_step}. "[It looks crooked, does it not?|Will it work?]" asked {pal}. "[It \
      looks wonderful|We will see]," said {hero}.
make_end:
  And {made_use}! {Hero} and {pal} [laughed and cheered|looked at each other and smiled].
  What @{made} it was: {made_use}! "[Tomorrow we will make another one|We did it together]," said {hero}.
  And when it was done, {made_use}. [Everybody wanted to know who had made it|{Elder} said that it was the best \
      {made} in the world].

# ---- something is learned

skills(skill, skill_fail, skill_tip, skill_done):
  ride a bicycle; rode straight into a hedge; Look ahead and not at your feet; rode all the way down the street
  whistle; blew and blew, but there was no sound; Make your lips small and round; whistled a whole song
  skate; sat down hard on the ice; Bend your knees a little; skated round the whole pond
  bake bread; burned the loaf until it was black; Good bread needs time; took a golden loaf out of the oven
  fly a kite; ran and ran, but the kite stayed on the ground; Wait for the wind and then let go; let the kite \
      climb up to the clouds
  juggle; dropped all the balls; Begin with one ball, then take two; kept three balls in the air
  play the flute; made a sound like an angry goose; Breathe slowly and listen; played a song without a single mistake
  swim; swallowed a lot of water; Stretch out and kick with your legs; swam across the pond and back
  row a boat; went round and round in circles; Pull both oars at the same time; rowed straight to the island
  tell jokes; laughed before the end; Stop for a moment before the last word; made even the grumpy miller laugh
  draw a horse; drew something like a potato with legs; Look at the horse more than at the paper; drew a horse \
      that looked alive
  climb the old oak; slid down and tore {his} trousers; Hold on with one hand before you move the other; sat at \
      the very top
plot_skill:
  {open} {He} wanted to learn how to {skill}. [All the others could do it|It looked so easy]. But on the first day \
      {he} {skill_fail}. On the second day {he} [tried again, and it was no better|did it again]. [On the third \
      day {he} wanted to give up|"I will never learn it," said {hero}].<p><skill_help><p><skill_end><the_end>
skill_help:
  {Elder} had watched {him}. "{Skill_tip}," said {elder}. "[And do not give up|And try once more|Nobody is born a \
      master]."
  "How did you learn it?" {he} asked {pal}. "[I fell down a hundred times|I practised every day]," said {pal}. \
      "{Skill_tip}."
  Then {he} saw how {pal} did it. "Will you show me?" {he} asked. "{Skill_tip}," said {pal}. "That is the whole \
      trick."
skill_end:
  {Hero} practised [every morning|for a whole week|until the sun went down]. And one day {he} {skill_done}. "[Look \
      at me!|I can do it!|Did you see that?]" {he} shouted.
  So {hero} tried once more. And once more. And then, [all at once|on {day}], {he} {skill_done}. [How {he} \
      laughed|{Elder} clapped {elder_his} hands|The birds fell silent with surprise]!
  It took a long time, but at the end of {month} {he} {skill_done}. Now {hero} shows the little ones how to \
      {skill}. "{Skill_tip}," {he} says.

# ---- fables

foods_found: piece of cheese, ripe pear, big fish, ear of corn, golden apple, bunch of grapes, honeycomb, pumpkin,
  loaf of bread, basket of nuts
plot_quarrel:
  {Hero} the {sort} and {pal} the {pal_sort} [were walking in the wood|met on the road one day]. There, under a \
      tree, lay @{found}. "[I saw it first|It is mine]!" cried {hero}. "No, [I did|it is mine]!" cried {pal}. They \
      pulled and pushed [until they were tired|until the sun was high in the sky].<p><quarrel_judge><the_end>
quarrel_judge:
  {Elder} heard the noise. "I will divide it," {elder_he} said, and bit off a large piece. "Oh, now this half is \
      bigger." {Elder_he} took a bite of the other half. And so it went on until the {found} was gone. "[Thank you \
      for dinner|That was a fair trial]," said {elder} and went away. {Hero} and {pal} looked at each other. The \
      next time they shared.
  "Why are you quarrelling?" asked {elder}. "Let one of you divide it, and let the other one choose." So {hero} \
      divided the {found}, very carefully, and {pal} chose. [Both of them were content|The two halves were exactly \
      the same]. [They are friends to this day|And nobody ever quarrelled under that tree again].
  While they quarrelled, a crow came down from the tree and flew away with the {found}. {Hero} stared at {pal}, \
      and {pal} stared at {hero}. Then both began to laugh. "Next time we eat first and quarrel later," said \
      {pal}.
plot_winter:
  {open} All [summer|through the summer] {hero} lay in the sun and [sang|slept|told stories]. {Pal} the {pal_sort} \
      gathered food from morning till night. "Why do you work so hard?" asked {hero}. "Winter will come," said \
      {pal}.<p>And winter came. The snow was [deep|as high as the bushes], and {hero} found nothing to eat. [Cold \
      and hungry|With an empty stomach], {he} knocked at the door of {pal}. <winter_end><the_end>
winter_end:
  "You sang while I worked," said {pal}. "But your songs made the work easy. Come in!" They ate together, and in \
      the evenings {hero} [sang|told stories]. The next summer they gathered food side by side.
  {Pal} opened the door. "There is enough for two," {pal_he} said, "if you help me next year." {Hero} kept {his} \
      promise.
  "I was foolish," said {hero}. "You were," said {pal}, "but nobody should be hungry." And {pal_he} put another \
      plate on the table.
contest_gifts(gift1, gift2, gift3):
  a heap of gold coins; a crown; a jug of fresh water
  a mountain of sweets; a golden chair; a warm blanket
  a silver mirror; a huge cake; a bucket of water for the thirsty garden
  the tallest tower; the loudest song; an evening without any noise
plot_contest:
  {Elder} was [getting old|going to move to the south]. "Whoever brings me the most useful thing by {day} shall \
      have my house," said {elder}. {Pal} the {pal_sort} brought {gift1}. A proud peacock brought {gift2}. {Hero} \
      the {sort} had no money. {He} thought about what {elder} really needed. At last {he} brought {gift3}.<p>The \
      others laughed. But {elder} [smiled|was touched]. "It has been a hot day, and I am tired," {elder_he} said. \
      "What should I do with riches? {Hero} is the only one who thought of me." [And so {hero} got the house|And \
      so {he} moved in, and {he} invited all the others]. [The door is always open|There is always soup on the \
      stove].<the_end>

# ---- plans, noises, gardens, friends

outings(outing, outing_trouble, outing_instead):
  have a picnic by the river; it began to rain; spread the blanket under the kitchen table and ate there
  fly a kite on the hill; there was no wind at all; lay in the grass and looked for animals in the clouds
  swim in the lake; the water was as cold as ice; built a castle out of sand with seven towers
  take the train to the sea; the train did not come; painted the sea on a big sheet of paper
  look at the stars; clouds covered the whole sky; lit lanterns in the garden, and these were their stars
  build a snowman; the snow melted before noon; made a man of mud with a carrot nose
  play football in the park; the ball had a hole; played hide and seek until it was dark
  sail to the island; there was too much fog; sat on the pier and told each other stories of pirates
plot_outing:
  {open} On {day} {hero} and {pal} wanted to {outing}. They had [packed a basket|been looking forward to it all \
      week|got up very early]. But when the time came, {outing_trouble}. <outing_sad><p><outing_end><the_end>
outing_sad:
  {Hero} [was close to tears|kicked a stone|sat down on the steps]. "[Now everything is spoiled,|This is the worst \
      day of my life,|What shall we do now?]" {he} said.
  "[Oh no|What bad luck]," said {pal}. For a while nobody spoke.
outing_end:
  Then {pal} had an idea. They {outing_instead}. [It was so much fun that they forgot the time|They laughed until \
      it was dark]. "[Let us do this again next week|That was better than the plan]!" said {hero}.
  "We can do something else," said {elder}. So they {outing_instead}. In the evening {hero} said, "[I am glad that \
      it went wrong|It was the best day of the {season}]."
noises(noise, noise_guess, noise_truth):
  a scratching noise; a monster with long claws; a mouse with a piece of cheese
  a tapping at the window; a ghost; a branch that moved in the wind
  a deep growling; a bear; {elder}, who snored in the chair
  a strange whistling; a pirate ship; the wind in an empty bottle
  a splash; a sea monster; a frog in the water barrel
  a soft ringing; a fairy; the cat with a bell on its collar
  a sound like heavy steps; a giant; a hedgehog in the dry leaves
  a rattling; a dragon in chains; the letter box in the storm
plot_noise:
  {open} One night {he} woke up. There was {noise}! {Hero} sat up and listened. There it was again. "Perhaps it is \
      {noise_guess}," {he} thought, and [pulled the blanket over {his} head|{his} heart beat fast].<p><noise_go> \
      <noise_end><the_end>
noise_go:
  But {hero} was also curious. {He} took [a lamp|a candle|a torch and a wooden spoon] and went [on tiptoe|very \
      slowly] through the dark.
  {He} woke {pal}. "Do you hear it too?" {he} whispered. {Pal} nodded. Hand in hand they went to look.
noise_end:
  And what was it? It was not {noise_guess}. It was only {noise_truth}! [{Hero} laughed so loudly that everybody \
      woke up|"Good night," said {hero}, and went back to bed].
  Behind the door {he} found {noise_truth}. "So it was you!" said {hero}. [{He} had to laugh|Then {he} slept until \
      late in the morning].
seeds: bean, sunflower, pumpkin, poppy, melon, tomato, cherry, apple, radish, lemon
plot_seed:
  {open} {Elder} gave {him} a small {seed} seed. "[Be good to it|Put it into the earth and wait]," said {elder}. \
      {Hero} planted it [in a pot|behind the house|in the garden] and watered it. The next morning {he} looked: \
      nothing. [Every day {he} looked: nothing|A week later: still nothing]. <seed_doubt><p><seed_end><the_end>
seed_doubt:
  "It does not work," said {hero}. "It works in the dark," said {elder}. "[You cannot see it yet|Things that grow \
      do not hurry]."
  {Hero} wanted to dig it up. "[Wait|Not yet]," said {pal}. "Would you like to be woken up so early?"
seed_end:
  Then, one [sunny|warm|quiet] morning in {month}, there was something green. It grew and grew. By the end of the \
      summer it was [taller than {hero}|as high as the fence|the pride of the garden]. "[I only waited|I did \
      almost nothing]," said {hero}. "[That is the hardest part|Waiting is work too]," said {elder}.
  One day the earth broke open, and a tiny leaf came out. {Hero} [called everybody|danced round the pot]. Now {he} \
      knew what patience was. And the next year {he} had [ten|twelve|twenty] {seed} seeds to give away.
plot_friend:
  {open} {He} had no friend to play with, and the days were long. Then {pal} [moved into the house next door|came \
      to live nearby]. {Pal} was @{trait2} {pal_sort}, [but nobody knew {pal_him} yet|and quite different from \
      {hero}].<p><friend_meet><p><friend_end><the_end>
friend_meet:
  {Hero} did not know what to say. So {he} [pushed a cookie through the fence|rolled a ball across the grass|drew \
      a picture and left it at the door]. The next day there was [a feather|a pebble|a picture of two friends] in \
      the same place.
  "[Do you want to play|Would you like to see my {thing}]?" asked {hero}. {Pal} looked at the ground. "I do not \
      know how to play with others," {pal_he} said. "I do not either," said {hero}. "[Let us find out|We can learn \
      it together]."
  "What do you like best?" asked {hero}. "{Like1}," said {pal}. "Oh," said {hero}. "I like {like2}." They were \
      quiet for a moment. "[Show me yours, and I will show you mine|We can do both]," said {pal}.
friend_end:
  Soon they met every day. [They shared everything, even their secrets|When one of them laughed, the other one \
      laughed too]. And the days were not long any more.
  From then on, you never saw one without the other. "[I have waited for you,|Where have you been all the time?]" \
      said {hero}. {Pal} [smiled|laughed].
likes: swimming, climbing trees, collecting stones, telling stories, looking at clouds, singing, building castles,
  catching leaves, counting stars, hiding, running, digging holes

# ---- work, journeys, the moon, kindness

plot_job:
  {open} "What do you want to be one day?" asked {elder}. {Hero} did not know. So on {day} {he} went to see \
      {worker}, the {job}. "What does @{job} do?" asked {hero}. "Look and learn," said {worker}.<p>{Hero} [watched \
      all day|was allowed to help|asked a hundred questions]. Now {he} knew that @{job} {does}. At the end {he} \
      was even allowed to touch the {job_tool}. <job_end><the_end>
job_end:
  "Now I know it," {he} said in the evening. "I want to be @{job}." "Last week you wanted to be [a pirate|a king|a \
      lion]," said {elder} and laughed.
  "[It is hard work|It is not as easy as it looks]," {he} said at dinner, "but I would like to do it too." That \
      night {hero} dreamed that {he} was @{job}.
  "May I come back?" asked {hero}. "[Any time|Every {day}, if you like]," said {worker}. And {hero} did.
plot_trip:
  {open} One [summer|autumn|spring] day {elder} and {hero} travelled to {place2}. From the window of the train \
      {hero} saw {mountain}. "[How high it is!" {he} said.|Is there snow at the top?" {he} \
      asked.]<p><trip_town><p><trip_end><the_end>
trip_town:
  They walked over the bridge across the river {river} and bought {dish} at the market. {Place2} is known for \
      {known_for}, and {elder} knew [a story about every stone|the best places].
  In {place2} there was a flag on every house, and on the flag was @{emblem}. "Why @{emblem}?" asked {hero}. \
      "[Nobody remembers|Ask the mayor]," said {elder}. They ate {dish} and looked at the {known_for} for which \
      the town is famous.
trip_end:
  When they came home, {hero} was so tired that {he} fell asleep [on the stairs|with {his} shoes on|at the table]. \
      {He} dreamed of {place2}.
  "What did you like best?" asked {elder}. {Hero} thought about it. "[The train|The {dish}|The river|The way home \
      with you]," {he} said.
plot_moon:
  {open} {He} looked at the moon every night. "I want to have it," said {hero}. {Elder} [did not laugh|thought for \
      a while]. <moon_turn> <moon_end><the_end>
moon_turn:
  "Come with me," {elder_he} said. In the yard there was a bucket of water, and in the water was the moon, round \
      and bright. "[Here it is|You may have it as long as it likes to stay]," said {elder}.
  "How big is it?" {elder_he} asked. "As big as my thumb," said {hero}. "When I hold up my thumb, I cannot see it \
      any more." The next day {elder} gave {him} a little silver ball on a string.
moon_end:
  {Hero} [was content|smiled]. "[But do not tell the others|I will share it with everybody]," {he} said.
  {Hero} looked up. The moon was still in the sky. "[There are two of them|It grows again, like my tooth]!" {he} \
      said, and was happy.
helpers: ant, sparrow, toad, hare, crow, beetle, hedgehog, pigeon, squirrel, otter
plot_kindness:
  {open} One day {he} [shared {his} bread with|freed|helped] @{help1}. "I will not forget it," said the {help1}. \
      [A little later|The next day] {he} gave [water|shelter from the rain|a warm place] to @{help2}. "Thank you," \
      said the {help2}. "Call me when you need me."<p>Then {hero} lost {his} way [in the great forest|in the fog]. \
      It grew dark. "If only somebody were here!" {he} cried. The {help1} heard it and showed {him} the path. The \
      {help2} [called {elder}|went ahead and kept the wolves away]. [Before the moon rose|An hour later], {hero} \
      was at home. <kindness_end><the_end>
kindness_end:
  "Kindness is a [coin that comes back|seed]," said {elder}.
  "Small friends are great friends," said {hero}.
  And that evening there were three plates on the table.
plot_lie:
  {open} {He} liked to play tricks. "Help! [A wolf|A fire|A bear|A flood]!" {he} would cry, and everybody came \
      running. Then {hero} laughed. "It was only a joke." {He} did it once, {he} did it twice, {he} did it three \
      times.<p>One [night|evening] there really was {danger}. "Help!" cried {hero}. But nobody came. "It is only \
      {hero} again," they said. <lie_end><the_end>
dangers: a wolf at the door, smoke under the roof, water in the cellar, a thief in the garden, a bear in the barn
lie_end:
  Only {pal} looked out of the window and saw it. Together they [made so much noise that the danger was \
      over|called the others at last]. "[I have told my last lie|I will never do that again]," said {hero}. And \
      {he} kept {his} word.
  {Hero} had to [run for {his} life|hide until the morning]. Since then {he} tells the truth, even when a lie \
      would be funnier.
)WORLD";

// Somebody with a name and pronouns in the slots `who`, `who`_he, ...; the hero's pronouns have no prefix.
inline void bind_character(Draft& d, const std::string& who, bool animal) {
    const bool female = d.chance(50);
    const std::string prefix = who == "hero" ? "" : who + "_";
    if (animal) {
        d.slots.bind_row("animal_heroes");
        const std::string sort = d.slots.get("sort");
        d.slots.bind(who, "animal_names");
        d.slots.set(prefix + "sort", sort);
    } else {
        d.slots.bind(who, female ? "girls" : "boys");
        d.slots.set(prefix + "sort", female ? "girl" : "boy");
    }
    d.slots.set(prefix + "he", female ? "she" : "he");
    d.slots.set(prefix + "him", female ? "her" : "him");
    d.slots.set(prefix + "his", female ? "her" : "his");
    if (prefix.empty()) d.slots.set("himself", female ? "herself" : "himself");
}

// Grandma, the old owl, Aunt Clara; not one that has a name of `others` in it.
inline void bind_elder(Draft& d, bool animal, const std::vector<std::string>& others) {
    for (bool clash = true; clash;) {
        d.slots.bind_row(animal ? "animal_elders" : "elders");
        std::string name;  // "Aunt <girls>" is chosen once
        d.world.grammar.expand(name, d.slots.use(d.world.grammar.find_slot("elder")).seq, d.slots, d.rng);
        d.slots.set("elder", name);
        clash = false;
        for (const auto& other : others) clash |= name.find(other) != std::string::npos;
    }
}

// The table whose row a plot is about, and whom it suits.
struct Plot {
    const char* rule;
    const char* table;        // or nullptr
    bool child, animal;
};
inline constexpr std::array<Plot, 19> kPlots = {{
    {"plot_lost", nullptr, true, false},      {"plot_earn", nullptr, true, false},
    {"plot_fear", "fears", true, true},       {"plot_broken", "broken_things", true, false},
    {"plot_rescue", "rescues", true, true},   {"plot_make", "makings", true, true},
    {"plot_skill", "skills", true, false},    {"plot_quarrel", nullptr, false, true},
    {"plot_winter", nullptr, false, true},    {"plot_contest", "contest_gifts", false, true},
    {"plot_outing", "outings", true, true},   {"plot_noise", "noises", true, true},
    {"plot_seed", nullptr, true, true},       {"plot_friend", nullptr, true, true},
    {"plot_job", "jobs", true, false},        {"plot_trip", nullptr, true, false},
    {"plot_moon", nullptr, true, false},      {"plot_kindness", nullptr, true, true},
    {"plot_lie", nullptr, true, true},
}};

inline void story(Draft& d) {
    const Plot& plot = kPlots[d.rng.below(kPlots.size())];
    const bool animal = plot.animal && (!plot.child || d.chance(50));
    d.bind_scene();
    // first the friend, then the hero: an animal hero's row (sort, den) must be the one that stays
    bind_character(d, "pal", animal);
    const std::string pal = d.slots.get("pal"), pal_sort = d.slots.get("pal_sort");
    do bind_character(d, "hero", animal);
    while (d.slots.get("hero") == pal || (animal && d.slots.get("sort") == pal_sort));
    bind_elder(d, animal, {d.slots.get("hero"), pal, d.slots.get("sort"), pal_sort});
    d.slots.bind_distinct({"trait", "trait2"}, "traits");
    d.slots.bind("thing", "treasures");
    d.slots.bind_distinct({"h1", "h2", "h3"}, "hiding");
    d.slots.bind_distinct({"job1", "job2"}, "earn_jobs");
    do d.slots.bind_distinct({"help1", "help2"}, "helpers");
    while (d.slots.get("help1") == d.slots.get("sort") || d.slots.get("help2") == d.slots.get("sort"));
    d.slots.bind_distinct({"like1", "like2"}, "likes");
    d.slots.bind("seed", "seeds");
    d.slots.bind("found", "foods_found");
    d.slots.bind("danger", "dangers");
    const int have = d.between(2, 9), e1 = d.between(2, 6), e2 = d.between(2, 6);
    for (const auto& [slot, n] : std::initializer_list<std::pair<const char*, int>>{
             {"have", have}, {"e1", e1}, {"e2", e2}, {"need", e1 + e2}, {"cost", have + e1 + e2}})
        d.slots.set(slot, std::to_string(n));
    const Place& home = d.world.random_place(d.rng);
    const Place* goal = &d.world.random_place(d.rng);
    while (goal == &home) goal = &d.world.random_place(d.rng);
    d.world.bind_place(d.slots, *goal);
    d.slots.set("place2", goal->name);
    d.slots.set("place", home.name);
    if (plot.table) d.slots.bind_row(plot.table);
    d.slots.bind("worker", "workers");
    d.slots.bind("open", animal ? "open_animal" : "open_child");
    d.rule(plot.rule);
}
