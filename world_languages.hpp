// world_languages.hpp -- the invented languages of the embedded world: what a model can only translate if it learns in context.
//
// There are two families of six languages. A word is a root and an ending: the root belongs to the word and the family, the
// ending to the language and the class of the word (animal, thing, quality):
//     dog -> kato     red -> mirun     cat -> delo          one language
//     dog -> kate     red -> mirun     cat -> dele          another one of the same family
// No page names its language, but two languages have each ending. So one example leaves two languages to choose from, and two
// examples of different classes tell which it is: the more examples stand in the prompt, the better the next word can be known.
// Some forms (a root with a certain ending) are held out: no document, in none of the languages, ever shows them, though it
// shows the root with other endings and the ending on other roots. They are the questions for dev and test.
// Promises: a function of (seed, word lists) alone; all forms are distinct.
#pragma once

#include <array>
#include <set>

#include "world_words.hpp"

inline constexpr const char* kLanguageWords = R"WORLD(
tongue_animals: dog, cat, bird, horse, cow, fish, mouse, bear, fox, wolf, goat, owl, duck, sheep, frog, bee, hen, lion,
  snail, spider
tongue_things: house, bread, river, stone, tree, book, boat, bridge, lamp, road, door, spoon, apple, hat, ring, cup,
  letter, bell, garden, window
tongue_qualities: red, big, small, old, young, blue, good, warm, cold, long, short, black, white, green, loud, soft,
  happy, brave, wet, dark
translation_title:
  Words\n\n
  Translate\n\n
  From the notebook of a traveller\n\n
  A little dictionary\n\n
  Words to learn for {day}\n\n
  What the sailors say\n\n
  Word by word\n\n
)WORLD";

class Languages {
   public:
    static constexpr size_t kFamilies = 2, kPerFamily = 6, kLanguages = kFamilies * kPerFamily, kClasses = 3, kEndings = 3;
    struct Word {
        std::string english;
        size_t word_class = 0;                                 // 0: animal, 1: thing, 2: quality
        std::array<std::string, kFamilies> root;
        std::array<size_t, kFamilies> held_out;                // an ending that no document shows, or kEndings
    };
    std::vector<Word> words;

    // The classes take their endings in different orders, so that no two languages agree in two of them.
    static size_t ending_of(size_t language, size_t word_class) {
        const size_t k = language % kPerFamily % kEndings, turn = language % kPerFamily / kEndings;
        return (word_class == 0 ? k : word_class == 1 ? k + turn : 2 * k + turn) % kEndings;
    }
    static size_t family_of(size_t language) { return language / kPerFamily; }
    std::string form(size_t word, size_t language) const {
        const Word& w = words[word];
        const size_t family = family_of(language);
        return w.root[family] + endings_[family][w.word_class][ending_of(language, w.word_class)];
    }
    bool is_held_out(size_t word, size_t language) const {
        return words[word].held_out[family_of(language)] == ending_of(language, words[word].word_class);
    }
    // As a page and a prompt show it: "dog -> kato".
    std::string line(size_t word, size_t language) const { return cat(words[word].english, " -> ", form(word, language)); }

    void make(uint64_t seed, const Grammar& grammar) {
        Rng rng = Rng::stream(seed, 0x70F6E);
        std::vector<std::string> endings = {"a",  "e",  "i",  "o",  "u",  "an", "en", "in", "on",
                                            "un", "ar", "er", "ir", "or", "ur", "as", "es", "os"};
        static_assert(kFamilies * kClasses * kEndings == 18, "one ending for each place");
        rng.shuffle(endings);
        size_t next = 0;
        for (auto& family : endings_)
            for (auto& word_class : family)
                for (auto& ending : word_class) ending = endings[next++];
        // roots that would read as something else
        std::set<std::string> taken = {"nig", "dik", "tit", "kok", "pis", "kum", "naz", "gas"};
        const char* rules[kClasses] = {"tongue_animals", "tongue_things", "tongue_qualities"};
        for (size_t c = 0; c < kClasses; c++)
            for (const std::string& english : grammar.words(rules[c])) {
                Word w{english, c, {}, {}};
                for (size_t family = 0; family < kFamilies; family++) {
                    do w.root[family] = random_root(rng);
                    while (!taken.insert(w.root[family]).second);
                    w.held_out[family] = rng.below(100) < 45 ? rng.below(kEndings) : kEndings;
                }
                words.push_back(std::move(w));
            }
    }

   private:
    std::array<std::array<std::array<std::string, kEndings>, kClasses>, kFamilies> endings_;

    static std::string random_root(Rng& rng) {
        static constexpr std::string_view consonants = "bdfgklmnprstvz", vowels = "aeiou";
        return {consonants[rng.below(consonants.size())], vowels[rng.below(vowels.size())], consonants[rng.below(consonants.size())]};
    }
};
