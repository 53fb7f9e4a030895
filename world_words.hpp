// world_words.hpp -- a small generative grammar, and the words that the embedded world is made of.
//
// All text of the world is data in one notation; code only fills in slots.
//     pets: dog, cat, rabbit                       a rule whose alternatives are words or short phrases
//     greet:                                       a rule whose alternatives are the indented lines
//       ^[hello|good morning], {name}! Is that @<pets>?\n
//     tools(tool, job):                            a table: each indented line is a row, the fields separated by `;`
//       hammer; drive in nails
// `[a|b]` chooses, `<rule>` expands a rule, `{slot}` inserts a value, `@` is the article a/an of whatever follows, `^`
// makes the next letter a capital, `{Slot}` is `^{slot}`, `\n` ends a line. A slot may hold a field of a table, which
// is expanded in its turn; a slot may also carry the number of a fact, and then the expansion notes that this fact was
// told, unless it is written `{slot'}`: a mere mention.
// Promises: the text is a function of (grammar, slots, rng); an unknown rule or an empty slot is an assertion.
#pragma once

#include <algorithm>
#include <unordered_map>

#include "common.hpp"

class Grammar {
   public:
    struct Seq {  // nodes [begin, end)
        uint32_t begin = 0, end = 0;
    };
    struct Cell {
        std::string raw;  // as written in the table
        Seq seq;
    };
    struct Table {
        std::vector<uint32_t> fields;          // slot of each column
        std::vector<std::vector<Cell>> rows;
    };

    // Add rules and tables; references may point to rules of a later text, check() sees that none is missing.
    // A line that ends in ` \` goes on in the next one.
    void add(std::string_view text) {
        size_t line_begin = 0;
        std::string whole;
        int open_rule = -1;
        Table* open_table = nullptr;
        bool words = false;
        while (line_begin < text.size()) {
            const size_t line_end = std::min(text.find('\n', line_begin), text.size());
            std::string_view line = text.substr(line_begin, line_end - line_begin);
            line_begin = line_end + 1;
            if (const bool more = line.ends_with(" \\"); more || !whole.empty()) {
                if (!whole.empty()) line = trim(line);
                whole += more ? line.substr(0, line.size() - 1) : line;
                if (more) continue;
                line = whole;
            }
            add_line(line, open_rule, open_table, words);
            whole.clear();
        }
    }
    // Slots that code may set although no rule uses them (a misspelled slot is an assertion otherwise).
    uint32_t declare(std::string_view slot) { return slot_id(slot); }
    void check() const {
        for (const Rule& r : rules_) ASSERT(!r.alternatives.empty(), "world grammar: no rule named ", r.name);
    }

    // The alternatives of a rule as they were written: word lists for code that needs the words themselves.
    const std::vector<std::string>& words(std::string_view rule) const { return rules_[find_rule(rule)].raw; }
    const Table& table(std::string_view name) const {
        const auto it = tables_.find(name);
        ASSERT(it != tables_.end(), "world grammar: no table named ", name);
        return it->second;
    }
    // Column `field` of a row, as it was written.
    const std::string& cell(const Table& table, size_t row, std::string_view field) const {
        const auto at = std::find(table.fields.begin(), table.fields.end(), find_slot(field));
        ASSERT(at != table.fields.end(), "world grammar: no column named ", field);
        return table.rows[row][size_t(at - table.fields.begin())].raw;
    }
    size_t num_slots() const { return slot_names_.size(); }
    uint32_t find_slot(std::string_view name) const {
        const auto it = slot_ids_.find(name);
        ASSERT(it != slot_ids_.end(), "world grammar: no slot named ", name);
        return it->second;
    }
    uint32_t find_rule(std::string_view name) const {
        const auto it = rule_ids_.find(name);
        ASSERT(it != rule_ids_.end(), "world grammar: no rule named ", name);
        return it->second;
    }

    // Append the expansion to `out`, which still holds the marks for articles and capitals; finish() resolves them.
    template <typename Slots>
    void expand(std::string& out, Seq seq, Slots& slots, Rng& rng) const {
        for (uint32_t i = seq.begin; i < seq.end; i++) {
            const Node& n = nodes_[i];
            if (n.kind == Node::kText) {
                out.append(pool_, n.begin, n.end - n.begin);
            } else if (n.kind == Node::kChoice) {
                expand(out, alternatives_[n.begin + rng.below(n.end - n.begin)], slots, rng);
            } else if (n.kind == Node::kRule) {
                expand_rule(out, n.begin, slots, rng);
            } else {
                if (n.capital) out += kCapitalMark;
                const auto& value = slots.use(n.begin, n.tells);
                value.is_seq ? expand(out, value.seq, slots, rng) : void(out += value.text);
            }
        }
    }
    template <typename Slots>
    void expand_rule(std::string& out, uint32_t rule, Slots& slots, Rng& rng) const {
        const auto& alternatives = rules_[rule].alternatives;
        ASSERT(!alternatives.empty(), "world grammar: no rule named ", rules_[rule].name);
        expand(out, alternatives[rng.below(alternatives.size())], slots, rng);
    }

    template <typename Slots>
    void expand_alternative(std::string& out, uint32_t rule, size_t alternative, Slots& slots, Rng& rng) const {
        expand(out, rules_[rule].alternatives[alternative], slots, rng);
    }

    // "an" goes before a vowel sound: an otter, an hour, an 8; but a uniform, a one-eyed cat, a ewe.
    static bool takes_an(std::string_view word) {
        auto starts = [&](std::string_view lower) {
            for (size_t i = 0; i < lower.size(); i++)
                if (i >= word.size() || (word[i] | 32) != lower[i]) return false;
            return true;
        };
        if (word.empty()) return false;
        if (word[0] == '8') return true;
        if (word[0] >= '0' && word[0] <= '9') {
            const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
            return digits == 2 && (starts("11") || starts("18"));
        }
        if (starts("hour") || starts("honest") || starts("honour") || starts("heir")) return true;
        if (starts("uni") || starts("use") || starts("usu") || starts("eu") || starts("ewe") || starts("ukulele") ||
            word == "one" || starts("one-") || starts("once")) return false;
        return std::string_view("aeiou").find(char(word[0] | 32)) != std::string_view::npos;
    }
    static std::string capital(std::string s) {
        if (!s.empty() && s[0] >= 'a' && s[0] <= 'z') s[0] = char(s[0] - 32);
        return s;
    }
    // Resolve the marks of articles and capitals.
    static std::string finish(const std::string& marked) {
        std::string out;
        out.reserve(marked.size() + 16);
        bool capital = false;
        for (size_t i = 0; i < marked.size();) {
            const char c = marked[i];
            if (c == kCapitalMark) {
                capital = true;
                i++;
            } else if (c == kArticleMark) {
                size_t next = ++i;
                while (next < marked.size() && (marked[next] == kCapitalMark || marked[next] == '"')) next++;
                const size_t end = std::min(marked.find_first_of(" ,.;:!?\n\"", next), marked.size());
                out += capital ? 'A' : 'a';
                out += takes_an(std::string_view(marked).substr(next, end - next)) ? "n " : " ";
                capital = false;
            } else if (capital) {
                const bool small = c >= 'a' && c <= 'z';
                out += small ? char(c - 32) : c;
                capital = c == '"' || c == '\n' || c == ' ';  // still to come
                i++;
            } else {
                size_t end = i + 1;
                while (end < marked.size() && marked[end] > kCapitalMark) end++;
                out.append(marked, i, end - i);
                i = end;
            }
        }
        return out;
    }

    static std::string_view trim(std::string_view s) {
        while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
        while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
        return s;
    }
    static std::vector<std::string_view> split(std::string_view s, char separator) {
        std::vector<std::string_view> parts;
        for (size_t begin = 0; begin <= s.size();) {
            const size_t end = std::min(s.find(separator, begin), s.size());
            parts.push_back(trim(s.substr(begin, end - begin)));
            begin = end + 1;
        }
        return parts;
    }

   private:
    static constexpr char kArticleMark = '\x01', kCapitalMark = '\x02';
    struct Node {
        enum Kind : uint8_t { kText, kSlot, kRule, kChoice } kind;
        bool capital = false, tells = false;
        uint32_t begin = 0, end = 0;  // text: bytes of pool_; slot, rule: its number in begin; choice: alternatives_
    };
    struct Rule {
        std::string name;
        std::vector<Seq> alternatives;
        std::vector<std::string> raw;
    };

    uint32_t slot_id(std::string_view name) {
        const auto [it, is_new] = slot_ids_.emplace(std::string(name), uint32_t(slot_names_.size()));
        if (is_new) slot_names_.push_back(std::string(name));
        return it->second;
    }
    uint32_t rule_id(std::string_view name) {
        const auto [it, is_new] = rule_ids_.emplace(std::string(name), uint32_t(rules_.size()));
        if (is_new) rules_.push_back({std::string(name), {}, {}});
        return it->second;
    }
    // One line of a text; the open rule or table goes on from line to line.
    void add_line(std::string_view line, int& open_rule, Table*& open_table, bool& words) {
        if (line.empty() || line[0] == '#') return;
        if (line[0] == ' ') {
            if (open_table) add_row(*open_table, trim(line));
            else if (words) add_words(open_rule, trim(line));
            else add_alternative(open_rule, trim(line));
            return;
        }
        const size_t colon = line.find(':');
        ASSERT(colon != line.npos, "world grammar: no colon in: ", line);
        const std::string_view head = line.substr(0, colon), rest = trim(line.substr(colon + 1));
        words = !rest.empty();
        open_table = nullptr;
        if (const size_t paren = head.find('('); paren != head.npos) {
            open_table = &tables_[std::string(head.substr(0, paren))];
            for (auto field : split(head.substr(paren + 1, head.size() - paren - 2), ','))
                open_table->fields.push_back(slot_id(field));
            words = false;
        } else {
            open_rule = int(rule_id(head));
            ASSERT(rules_[size_t(open_rule)].alternatives.empty(), "world grammar: two rules named ", head);
            if (words) add_words(open_rule, rest);
        }
    }
    void add_words(int rule, std::string_view line) {
        for (auto word : split(line, ','))
            if (!word.empty()) add_alternative(rule, word);
    }
    void add_alternative(int rule, std::string_view text) {
        const Seq seq = compile(text);
        rules_[size_t(rule)].alternatives.push_back(seq);  // compile() may have grown rules_: index again
        rules_[size_t(rule)].raw.push_back(std::string(text));
    }
    void add_row(Table& table, std::string_view line) {
        const auto parts = split(line, ';');
        ASSERT(parts.size() == table.fields.size(), "world grammar: ", parts.size(), " fields, expected ",
               table.fields.size(), ": ", line);
        std::vector<Cell> row;
        for (auto part : parts) row.push_back({std::string(part), compile(part)});
        table.rows.push_back(std::move(row));
    }

    Seq compile(std::string_view text) {
        size_t at = 0;
        const Seq seq = compile_until(text, at, "");
        ASSERT(at == text.size(), "world grammar: stray ", text.substr(at, 1), " in: ", text);
        return seq;
    }
    // Compile up to one of the characters in `stops`, which is not consumed.
    Seq compile_until(std::string_view text, size_t& at, std::string_view stops) {
        std::vector<Node> nodes;
        auto put = [&](char c) {
            if (nodes.empty() || nodes.back().kind != Node::kText || nodes.back().end != pool_.size())
                nodes.push_back({Node::kText, false, false, uint32_t(pool_.size()), uint32_t(pool_.size())});
            pool_ += c;
            nodes.back().end++;
        };
        while (at < text.size() && stops.find(text[at]) == stops.npos) {
            const char c = text[at++];
            if (c == '{' || c == '<') {
                const size_t end = text.find(c == '{' ? '}' : '>', at);
                ASSERT(end != text.npos, "world grammar: ", c, " without its end in: ", text);
                std::string name(text.substr(at, end - at));
                at = end + 1;
                const bool tells = name.back() != '\'', capital = name[0] >= 'A' && name[0] <= 'Z';
                if (!tells) name.pop_back();
                if (capital) name[0] = char(name[0] + 32);
                const Node::Kind kind = c == '{' ? Node::kSlot : Node::kRule;
                nodes.push_back({kind, capital, tells, c == '{' ? slot_id(name) : rule_id(name), 0});
            } else if (c == '[') {
                std::vector<Seq> options;
                do {
                    options.push_back(compile_until(text, at, "|]"));
                    ASSERT(at < text.size(), "world grammar: [ without ] in: ", text);
                } while (text[at++] == '|');
                nodes.push_back({Node::kChoice, false, false, uint32_t(alternatives_.size()),
                                 uint32_t(alternatives_.size() + options.size())});
                alternatives_.insert(alternatives_.end(), options.begin(), options.end());
            } else if (c == '@') {
                put(kArticleMark);
            } else if (c == '^') {
                put(kCapitalMark);
            } else if (c == '\\' && at < text.size() && text[at] == 'n') {
                at++;
                put('\n');
            } else {
                ASSERT(c != ']' && c != '|' && c != '}' && c != '>', "world grammar: stray ", c, " in: ", text);
                put(c);
            }
        }
        const Seq seq{uint32_t(nodes_.size()), uint32_t(nodes_.size() + nodes.size())};
        nodes_.insert(nodes_.end(), nodes.begin(), nodes.end());
        return seq;
    }

    std::string pool_;
    std::vector<Node> nodes_;
    std::vector<Seq> alternatives_;
    std::vector<Rule> rules_;
    std::vector<std::string> slot_names_;
    // found by string_view, without making a string of it: this is the inner loop of the slots
    struct Hash {
        using is_transparent = void;
        size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
    };
    template <typename V>
    using Names = std::unordered_map<std::string, V, Hash, std::equal_to<>>;
    Names<uint32_t> rule_ids_, slot_ids_;
    Names<Table> tables_;
    friend class Slots;
};

// A number that is a function of the text alone: whoever decides by it decides the same for the same text, everywhere.
inline uint64_t text_hash(std::string_view text) {
    uint64_t hash = text.size();
    for (size_t i = 0; i < text.size(); i += 8) {
        uint64_t word = 0;
        std::memcpy(&word, text.data() + i, std::min<size_t>(8, text.size() - i));
        hash = splitmix64(hash ^ word);
    }
    return splitmix64(hash);
}

// The values of the slots of one text, and the facts that the text has told so far.
class Slots {
   public:
    struct Value {
        std::string text;
        Grammar::Seq seq;
        bool is_set = false, is_seq = false;
        int32_t fact = -1;
    };
    Slots(const Grammar& grammar, Rng& rng) : grammar(grammar), rng(rng), values_(grammar.num_slots()) {}

    void set(std::string_view slot, std::string_view text, int32_t fact = -1) {
        set(grammar.find_slot(slot), text, fact);
    }
    void set(uint32_t slot, std::string_view text, int32_t fact = -1) {
        Value& v = values_[slot];
        v.text = text;
        v.is_set = true;
        v.is_seq = false;
        v.fact = fact;
    }
    // Choose an alternative of a rule once, and keep it: all uses of the slot say the same.
    const std::string& bind(std::string_view slot, std::string_view rule) {
        std::string text;
        grammar.expand_rule(text, grammar.find_rule(rule), *this, rng);
        set(slot, text);
        return values_[grammar.find_slot(slot)].text;
    }
    // The same for several slots, all different.
    void bind_distinct(std::initializer_list<std::string_view> slots, std::string_view rule) {
        std::vector<std::string> seen;
        for (const auto slot : slots) {
            while (std::find(seen.begin(), seen.end(), bind(slot, rule)) != seen.end()) {}
            seen.push_back(get(slot));
        }
    }
    // Fill the columns of a table from one of its rows; returns the row.
    size_t bind_row(std::string_view table_name) {
        const size_t row = size_t(rng.below(grammar.table(table_name).rows.size()));
        bind_row(table_name, row);
        return row;
    }
    void bind_row(std::string_view table_name, size_t row) {
        const Grammar::Table& table = grammar.table(table_name);
        for (size_t i = 0; i < table.fields.size(); i++) {
            Value& v = values_[table.fields[i]];
            v.text = table.rows[row][i].raw;
            v.seq = table.rows[row][i].seq;
            v.is_set = v.is_seq = true;
            v.fact = -1;
        }
    }
    const std::string& get(std::string_view slot) const { return values_[grammar.find_slot(slot)].text; }
    const Value& use(uint32_t slot, bool tells = true) {
        const Value& v = values_[slot];
        ASSERT(v.is_set, "world grammar: the slot ", grammar.slot_names_[slot], " is empty");
        if (tells && v.fact >= 0 && std::find(told.begin(), told.end(), uint32_t(v.fact)) == told.end())
            told.push_back(uint32_t(v.fact));
        return v;
    }
    // Append the expansion of a rule, with its marks.
    void append(std::string& out, std::string_view rule) {
        grammar.expand_rule(out, grammar.find_rule(rule), *this, rng);
    }
    // The finished expansion of a rule.
    std::string text(std::string_view rule) {
        std::string out;
        append(out, rule);
        return Grammar::finish(out);
    }

    const Grammar& grammar;
    Rng& rng;
    std::vector<uint32_t> told;  // facts in the order in which they were told

   private:
    std::vector<Value> values_;
};

// ---- words

inline constexpr const char* kWorldWords = R"WORLD(
girls: Ada, Agnes, Alice, Alma, Amelia, Amy, Anna, Anya, Astrid, Audrey, Beatrice, Bella, Beth, Bianca, Bridget,
  Camila, Carla, Carmen, Cecily, Celia, Chloe, Clara, Cora, Daisy, Daphne, Della, Diana, Dora, Edith, Elena, Eliza,
  Ella, Ellen, Elsa, Emily, Emma, Erica, Esther, Eva, Fatima, Fiona, Flora, Frances, Freya, Gemma, Gloria, Greta,
  Hannah, Harriet, Helen, Hilda, Holly, Ida, Ines, Ingrid, Iris, Isabel, Jane, Jasmine, Jenny, Joan, Josie, Judith,
  Julia, Kate, Katya, Kira, Lara, Laura, Leila, Lena, Leonie, Lily, Lina, Lucy, Lydia, Mabel, Maggie, Maria, Marina,
  Martha, Mary, Matilda, Maya, Mila, Mina, Miriam, Molly, Nadia, Nancy, Nell, Nina, Nora, Olga, Olive, Olivia, Paula,
  Pearl, Petra, Phoebe, Polly, Priya, Rachel, Rosa, Ruby, Ruth, Sadie, Sally, Sara, Selma, Sofia, Stella, Susan,
  Sylvia, Tara, Tessa, Thea, Tilda, Una, Vera, Viola, Wanda, Yara, Yasmin, Zara, Zoe
boys: Aaron, Abel, Adam, Adrian, Alan, Albert, Alfred, Amir, Andrew, Anton, Arthur, Ben, Bernard, Boris, Bruno, Carl,
  Caspar, Cedric, Charles, Clement, Colin, Conrad, Daniel, David, Dennis, Dmitri, Duncan, Edgar, Edmund, Edward, Eli,
  Elias, Emil, Eric, Ernest, Ethan, Felix, Finn, Francis, Fred, Gabriel, George, Gilbert, Gregor, Gustav, Hamid,
  Harold, Harry, Hector, Henry, Herbert, Hugo, Ian, Isaac, Ivan, Jacob, James, Jasper, Jeremy, Joel, Jonas, Jonathan,
  Joseph, Julian, Karim, Kofi, Lars, Leo, Leonard, Lewis, Liam, Louis, Lucas, Luke, Magnus, Malcolm, Marco, Martin,
  Matthew, Max, Michael, Miles, Milo, Nathan, Neil, Nicholas, Noah, Oliver, Omar, Oscar, Otto, Owen, Patrick, Paul,
  Percy, Peter, Philip, Quentin, Ralph, Ravi, Richard, Robert, Robin, Roger, Rufus, Samuel, Simon, Stanley, Stefan,
  Theo, Thomas, Tim, Tobias, Tom, Victor, Vincent, Walter, Wilfred, William, Yusuf
families: Abbot, Alderman, Archer, Ashby, Atwood, Baker, Bancroft, Barlow, Barton, Baxter, Beckett, Bell, Benson,
  Birch, Bishop, Blake, Bloom, Bolton, Bradley, Bramble, Brewer, Briggs, Brook, Brown, Burton, Butler, Calloway,
  Carter, Cartwright, Chandler, Chapman, Clarke, Clay, Collins, Cook, Cooper, Corbett, Cotton, Crane, Cross, Dalton,
  Darby, Dawson, Dean, Dickens, Dixon, Drake, Draper, Duffy, Dunn, Eaton, Eliot, Ellis, Emerson, Falconer, Farrow,
  Fenwick, Field, Finch, Fisher, Fletcher, Flint, Foster, Fowler, Fox, Frost, Fuller, Gale, Gardner, Garrett, Gibbs,
  Gilmore, Goodwin, Graham, Grant, Graves, Green, Griffin, Hale, Hardy, Harper, Hart, Hatcher, Hawkins, Hayes, Heath,
  Hicks, Hobbs, Holloway, Holmes, Hooper, Hopkins, Hudson, Hughes, Hunt, Ingram, Irving, Jarvis, Jennings, Keats,
  Keller, Kemp, King, Knight, Lambert, Lane, Larkin, Lawson, Leach, Linton, Lloyd, Locke, Lowell, Lucas, Mackay,
  Maddox, Mallory, Marlow, Marsh, Mason, Mercer, Merriman, Miller, Moore, Morgan, Morris, Moss, Napier, Nash, Newman,
  Nolan, Norris, North, Oakley, Osborne, Owens, Page, Palmer, Parker, Parsons, Pearce, Pepperell, Perkins, Pike, Plum,
  Porter, Potter, Preston, Price, Quincy, Radley, Ramsey, Reed, Reeves, Rhodes, Rivers, Robinson, Rowe, Russell,
  Salter, Sawyer, Scott, Shaw, Shepherd, Skinner, Slater, Small, Snow, Sparrow, Spencer, Stone, Sutton, Swift, Tanner,
  Taylor, Thatcher, Thorne, Tucker, Turner, Tyler, Underwood, Vance, Vaughan, Wade, Walker, Wallace, Warner, Watson,
  Weaver, Webster, Wells, Wheeler, Whitlock, Winslow, Wren, Wright, Yates, York
pet_names: Acorn, Amber, Bandit, Barley, Bean, Biscuit, Blossom, Bramble, Bubbles, Button, Caramel, Cinnamon, Clover,
  Coco, Comet, Cookie, Crumpet, Domino, Dusty, Ember, Fern, Flash, Freckles, Fudge, Ginger, Hazel, Honey, Jelly,
  Juniper, Kipper, Lucky, Marble, Misty, Muffin, Mustard, Nutmeg, Oreo, Paddy, Patch, Peanut, Pebble, Pepper, Pickle,
  Pippin, Pumpkin, Rusty, Sandy, Scout, Shadow, Smudge, Snowy, Socks, Sooty, Sparky, Speckles, Spot, Sunny, Tiger,
  Toffee, Truffle, Tumble, Twiglet, Waffles, Whiskers, Ziggy
town_heads: Alder, Amber, Ash, Barn, Birch, Black, Bram, Bright, Brook, Cedar, Clay, Clover, Cold, Copper, Crow, Dun,
  East, Elm, Fair, Fern, Fox, Glen, Green, Hazel, Heron, High, Holly, Iron, Ivy, Kings, Lark, Linden, Long, Maple,
  Marsh, Mill, Moss, North, Oak, Otter, Pine, Quill, Raven, Red, Rose, Sand, Silver, Snow, Stone, Swan, Thorn, West,
  White, Wild, Willow, Wind, Winter, Wolf
town_tails: bridge, brook, bury, cliff, combe, dale, field, ford, gate, ham, haven, hill, hurst, ley, mere, mouth,
  port, ridge, shore, stead, ton, vale, water, well, wick, wood, worth
rivers: Wendle, Lorn, Tamber, Isk, Marl, Orrin, Pell, Quarn, Sabel, Teel, Ulder, Varn, Wyle, Yarrow, Brindle, Callow,
  Darrow, Eddle, Fenner, Garle, Hask, Ivelle, Jarrow, Kell, Lindle, Merrin, Nettle, Ossel, Pemble, Rusk, Severine,
  Tarn, Umber, Vessel, Whit, Yewle, Alwen, Birdle, Corrow, Dimmet
mountains: Mount Harrow, Mount Galen, Mount Tolver, Mount Eskel, Mount Brandle, Mount Corvin, Mount Orla, Mount Sable,
  Mount Wick, Mount Verity, Grey Peak, Eagle Peak, Lonely Peak, Copper Peak, Storm Peak, Mirror Peak, Candle Peak,
  Giant Hill, Bell Hill, Crown Hill, Saddle Hill, Beacon Hill, Ram Hill, Hermit Hill, Owl Crag, Wolf Crag, Raven Crag,
  Silver Crag, Frost Crag, Thunder Crag
regions: Norvale, Estmark, Sundmoor, Westreach, Lowfen, Harrowland, Brackenshire, Tamarland
renowns: blue pottery, wooden toys, heather honey, hot springs, stone bridges, old windmills, cherry orchards,
  glass lamps, woollen blankets, brass bells, rose gardens, goat cheese, fast sailing boats, painted doors,
  paper lanterns, silver spoons, leather boots, tall church towers, puppet theatres, salt mines, wild ponies,
  apple cider, striped umbrellas, kite festivals, narrow canals, giant pumpkins, handmade violins, white cliffs,
  moonlight markets, mushroom forests, friendly ghosts, warm gloves, clever clockmakers, lace curtains,
  marble statues, straw hats, singing fountains, lavender fields, snow sculptures, chocolate shops
dishes: plum cake, fish pie, onion soup, gingerbread, potato pancakes, mushroom stew, cheese dumplings, apple tart,
  bean soup, honey buns, smoked trout, pumpkin pie, barley broth, walnut bread, cherry jam, leek pie, roast chestnuts,
  salted caramels, carrot cake, spiced sausages, pear crumble, oat biscuits, seaweed soup, rhubarb tart
colours: red, blue, green, yellow, orange, purple, pink, brown, black, white, grey, gold, silver, turquoise, violet,
  crimson
foods: pancakes, tomato soup, apple pie, fresh bread, rice pudding, roast potatoes, mushroom pie, cheese sandwiches,
  strawberry jam, chicken soup, chocolate cake, vegetable curry, fried eggs, noodles, lemon tart, baked beans,
  fish and chips, blueberry muffins, porridge, pizza, spaghetti, dumplings, pumpkin soup, grilled fish,
  scrambled eggs, peach ice cream, corn on the cob, cucumber salad, lentil stew, banana bread, raspberry yoghurt,
  hot waffles, meatballs, buttered toast, pickled onions, cinnamon rolls, carrot cake, spinach pie, cherry cake,
  toasted almonds
hobbies: painting, playing chess, flying kites, baking bread, reading, fishing, singing, dancing, knitting, skating,
  swimming, cycling, gardening, playing the piano, playing the violin, playing the drums, building model ships,
  collecting stamps, collecting shells, watching birds, climbing trees, telling stories, juggling, rowing, hiking,
  sewing, writing poems, taking photographs, riding horses, carving wood, solving puzzles, making pottery,
  looking at the stars, repairing clocks, playing football, keeping bees, cooking, drawing maps, picking mushrooms,
  practising magic tricks
pets: dog, cat, rabbit, parrot, goldfish, pony, hamster, tortoise, duck, goat, canary, donkey, hen, mouse, lizard,
  goose, ferret, guinea pig
months: January, February, March, April, May, June, July, August, September, October, November, December
days: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday
seasons: spring, summer, autumn, winter
feelings: happy, proud, glad, cheerful, thankful, calm, excited
traits: kind, curious, brave, clever, cheerful, shy, gentle, lively, quiet, stubborn, patient, careful, funny, honest,
  friendly, lazy, dreamy, bold, impatient, thoughtful, playful, adventurous, polite, untidy

# Every row is true. grams is a typical weight of a grown animal; diet and habitat follow "eats" and "lives in".
animals(animal, animals, class, habitat, diet, young, legs, grams, feature):
  ant; ants; insect; the ground; seeds and insects; larva; six legs; 0.005; carries things much heavier than itself
  badger; badgers; mammal; woods; worms and roots; cub; four legs; 11000; digs long tunnels under the ground
  bat; bats; mammal; caves; insects; pup; two legs; 20; hangs upside down to sleep
  bear; bears; mammal; forests; berries and fish; cub; four legs; 250000; sleeps through most of the winter
  beaver; beavers; mammal; rivers; bark and leaves; kit; four legs; 20000; builds dams out of branches
  bee; bees; insect; hives; nectar and pollen; larva; six legs; 0.1; makes honey and wax
  blackbird; blackbirds; bird; gardens; worms and berries; chick; two legs; 100; sings before the sun comes up
  butterfly; butterflies; insect; meadows; nectar; caterpillar; six legs; 0.3; has colourful wings
  camel; camels; mammal; deserts; grass and thorny plants; calf; four legs; 500000; can go many days without water
  cat; cats; mammal; houses; mice and fish; kitten; four legs; 4500; can see well in the dark
  chicken; chickens; bird; farms; grain and insects; chick; two legs; 2500; lays an egg almost every day
  cow; cows; mammal; farms; grass; calf; four legs; 650000; gives us milk
  crab; crabs; crustacean; the sea; algae and small animals; larva; ten legs; 700; walks sideways
  crow; crows; bird; fields; seeds and insects; chick; two legs; 450; can solve puzzles and use sticks as tools
  deer; deer; mammal; forests; leaves and grass; fawn; four legs; 100000; can run fast and jump high
  dog; dogs; mammal; houses; meat; puppy; four legs; 25000; has a very good sense of smell
  dolphin; dolphins; mammal; the sea; fish; calf; no legs; 200000; talks in clicks and whistles
  donkey; donkeys; mammal; farms; grass and hay; foal; four legs; 200000; carries heavy loads on steep paths
  duck; ducks; bird; ponds; water plants and insects; duckling; two legs; 1200; has feathers that keep water out
  eagle; eagles; bird; high mountains; fish and small animals; eaglet; two legs; 4500; sees a mouse from high in \
      the sky
  elephant; elephants; mammal; grasslands; grass and bark; calf; four legs; 5000000; drinks and washes with its \
      long trunk
  fox; foxes; mammal; woods; mice and berries; cub; four legs; 7000; has a thick bushy tail
  frog; frogs; amphibian; ponds; flies and worms; tadpole; four legs; 30; catches flies with its long tongue
  giraffe; giraffes; mammal; grasslands; leaves; calf; four legs; 900000; has the longest neck of all animals
  goat; goats; mammal; green hills; grass and leaves; kid; four legs; 60000; climbs steep rocks with ease
  goose; geese; bird; lakes; grass and grain; gosling; two legs; 4000; flies south in the winter
  grasshopper; grasshoppers; insect; meadows; grass; nymph; six legs; 1; jumps many times its own length
  hamster; hamsters; mammal; dry fields; seeds; pup; four legs; 120; carries food in its cheeks
  hare; hares; mammal; fields; grass and bark; leveret; four legs; 3800; runs in quick zigzags
  hedgehog; hedgehogs; mammal; gardens; beetles and snails; hoglet; four legs; 800; rolls into a ball when it is \
      afraid
  heron; herons; bird; marshes; fish and frogs; chick; two legs; 1600; stands very still in the water
  hippo; hippos; mammal; rivers; grass; calf; four legs; 1500000; stays in the water all day to keep cool
  horse; horses; mammal; farms; grass and oats; foal; four legs; 500000; can sleep standing up
  kangaroo; kangaroos; mammal; grasslands; grass; joey; four legs; 55000; carries its baby in a pouch
  ladybird; ladybirds; insect; gardens; tiny insects; larva; six legs; 0.02; has bright wings with spots
  lion; lions; mammal; grasslands; meat; cub; four legs; 180000; lives in a family called a pride
  lizard; lizards; reptile; warm rocks; insects; hatchling; four legs; 15; can grow a new tail
  mole; moles; mammal; the ground; worms; pup; four legs; 90; has strong front feet for digging
  monkey; monkeys; mammal; rain forests; fruit and leaves; infant; four legs; 9000; swings from tree to tree
  mouse; mice; mammal; fields; seeds and grain; pup; four legs; 20; squeezes through very small holes
  octopus; octopuses; mollusc; the sea; crabs and shellfish; larva; no legs; 6000; has eight arms and three hearts
  otter; otters; mammal; rivers; fish; pup; four legs; 9000; floats on its back and plays
  owl; owls; bird; woods; mice; owlet; two legs; 500; flies without a sound at night
  parrot; parrots; bird; rain forests; fruit and nuts; chick; two legs; 400; can copy the sounds that people make
  penguin; penguins; bird; cold coasts; fish; chick; two legs; 15000; swims well but cannot fly
  pig; pigs; mammal; farms; roots and grain; piglet; four legs; 150000; rolls in mud to stay cool
  pigeon; pigeons; bird; towns; seeds; squab; two legs; 300; finds its way home from far away
  polar bear; polar bears; mammal; the far north; seals; cub; four legs; 450000; has thick white fur and black skin
  rabbit; rabbits; mammal; meadows; grass and clover; kit; four legs; 2000; thumps the ground to warn its friends
  robin; robins; bird; gardens; worms and insects; chick; two legs; 18; has a bright red breast
  salmon; salmon; fish; rivers and seas; insects and small fish; fry; no legs; 4000; swims up rivers and leaps \
      over waterfalls
  seal; seals; mammal; the sea; fish; pup; no legs; 100000; rests on rocks in the sun
  shark; sharks; fish; the sea; fish; pup; no legs; 800000; grows new teeth all its life
  sheep; sheep; mammal; green hills; grass; lamb; four legs; 70000; gives us wool
  snail; snails; mollusc; gardens; leaves; hatchling; no legs; 10; carries its house on its back
  snake; snakes; reptile; dry grass; mice and eggs; hatchling; no legs; 1500; smells with its tongue
  spider; spiders; arachnid; corners and hedges; flies; spiderling; eight legs; 0.5; spins a web of silk
  squirrel; squirrels; mammal; woods; nuts and seeds; kit; four legs; 330; hides nuts for the winter
  starling; starlings; bird; towns; insects and fruit; chick; two legs; 80; flies in huge swirling flocks
  swan; swans; bird; lakes; water plants; cygnet; two legs; 10500; has a long curved neck
  tiger; tigers; mammal; jungles; meat; cub; four legs; 200000; has a pattern of stripes all its own
  toad; toads; amphibian; damp woods; slugs and insects; tadpole; four legs; 60; has dry and bumpy skin
  tortoise; tortoises; reptile; dry grasslands; leaves and grass; hatchling; four legs; 5000; can live for more \
      than a hundred years
  whale; whales; mammal; the sea; tiny sea animals; calf; no legs; 40000000; breathes through a hole in the top of \
      its head
  wolf; wolves; mammal; forests; meat; cub; four legs; 40000; hunts together with its pack
  wren; wrens; bird; hedges; spiders and insects; chick; two legs; 9; sings very loudly for such a small bird
  zebra; zebras; mammal; grasslands; grass; foal; four legs; 350000; has black and white stripes

# A worker, what the worker does (third person), where, and the tool that is always at hand.
jobs(job, does, workplace, job_tool):
  astronomer; studies the stars and the planets; an observatory on the hill; telescope
  baker; bakes bread and cakes; a bakery; oven
  barber; cuts hair and trims beards; a little shop on the square; comb
  beekeeper; looks after bees and sells honey; a garden full of hives; smoker
  blacksmith; makes horseshoes and iron gates; a forge; anvil
  bookbinder; sews pages together and makes covers; a quiet workshop; needle
  boatbuilder; builds and repairs boats; a yard by the water; saw
  bus driver; takes people from one stop to the next; the bus station; timetable
  butcher; cuts and sells meat; a shop in the main street; knife
  candlemaker; pours wax and makes candles; a warm workshop; kettle
  carpenter; makes tables and doors out of wood; a workshop; saw
  clockmaker; repairs clocks and watches; a shop full of ticking; magnifying glass
  cobbler; mends shoes and boots; a small shop; hammer
  cook; prepares lunch and dinner; the kitchen of an inn; ladle
  dentist; looks after teeth; a bright office; mirror
  doctor; helps people who are ill; a clinic; stethoscope
  electrician; repairs lamps and wires; many different houses; screwdriver
  engineer; plans bridges and machines; an office with big windows; ruler
  farmer; grows wheat and keeps animals; a farm; tractor
  ferry captain; carries people across the water; the harbour; compass
  firefighter; puts out fires and rescues people; the fire station; hose
  fisherman; catches fish and mends nets; the harbour; net
  florist; sells flowers and ties bouquets; a flower shop; pair of scissors
  gardener; plants flowers and cuts hedges; the town park; spade
  glassblower; blows bottles and lamps out of hot glass; a workshop with a furnace; blowpipe
  judge; decides who is right; the courthouse; gavel
  librarian; lends books and finds answers; the library; ladder
  lighthouse keeper; keeps the great lamp burning; a lighthouse; lantern
  locksmith; makes keys and opens doors; a tiny workshop; file
  mail carrier; brings letters and parcels; the post office; bicycle
  mechanic; repairs cars and engines; a garage; spanner
  miller; grinds grain into flour; a windmill; millstone
  musician; plays at weddings and festivals; the concert hall; violin
  nurse; cares for the sick; the hospital; thermometer
  painter; paints walls and pictures; a sunny studio; brush
  pharmacist; sells medicine and gives advice; the pharmacy; scale
  photographer; takes pictures of people and places; a studio; camera
  pilot; flies aeroplanes; the airport; map
  plumber; repairs pipes and taps; many different houses; wrench
  police officer; keeps the streets safe; the police station; whistle
  potter; makes bowls and jugs out of clay; a workshop; wheel
  sailor; works on a ship; the harbour; rope
  scientist; asks questions and does experiments; a laboratory; microscope
  shepherd; looks after sheep; the green hills; crook
  tailor; sews coats and dresses; a shop in the old town; needle
  teacher; helps children to read and count; a school; blackboard
  train driver; drives trains across the country; the railway station; lever
  vet; makes sick animals well again; an animal clinic; thermometer
  waiter; brings food to the tables; a restaurant; tray
  weaver; weaves cloth and carpets; a workshop; loom
  writer; writes books and stories; a room full of paper; pencil
  zookeeper; feeds and cleans the animals; the zoo; bucket

tools(tool, tool_use, tool_part):
  hammer; drive in nails; a heavy head and a wooden handle
  saw; cut wood; a long blade with sharp teeth
  screwdriver; turn screws; a thin metal rod and a round handle
  spade; dig in the earth; a flat blade and a long handle
  rake; gather leaves; many thin teeth on a long pole
  broom; sweep the floor; a bundle of stiff bristles
  ladder; climb to high places; two long poles and many steps
  needle; sew cloth; a sharp point and a tiny hole
  kettle; boil water; a lid and a spout
  umbrella; stay dry in the rain; a round roof of cloth on thin ribs
  compass; find north; a needle that always turns to the north
  telescope; look at distant things; a tube with glass lenses
  microscope; look at very small things; several strong lenses
  thermometer; measure how warm it is; a thin tube with a scale
  clock; tell the time; two hands that go round
  lantern; carry light in the dark; a small flame behind glass
  bucket; carry water; a round bottom and a handle
  rope; pull and tie things; many twisted threads
  axe; split logs; a heavy blade on a wooden handle
  paintbrush; spread paint; soft hairs on a stick
  wheelbarrow; move heavy loads; one wheel and two handles
  watering can; water plants; a long spout with small holes
  fishing rod; catch fish; a long thin pole and a line
  whistle; make a loud sound; a small hole where the air rushes out
  ruler; measure short lengths; a row of small marks
  scale; weigh things; a flat plate and a pointer
  key; open a lock; a flat piece of metal with small teeth
  mirror; see your own face; a smooth layer of silver behind glass
  map; find the way; lines for roads and blue for water
  oven; bake bread; a hot box with a door
  spoon; eat soup; a small bowl on a handle
  loom; weave cloth; a frame that holds many threads

plants(plant, plants, plant_kind, plant_look, plant_where, plant_when):
  apple tree; apple trees; tree; white and pink blossoms; orchards; in spring
  birch; birches; tree; thin white bark; light woods; in spring
  buttercup; buttercups; flower; shiny yellow petals; wet meadows; in May
  cactus; cactuses; plant; sharp spines instead of leaves; deserts; after the rain
  cherry tree; cherry trees; tree; clouds of white blossoms; gardens; in April
  clover; clovers; plant; leaves in groups of three; meadows; in summer
  daffodil; daffodils; flower; yellow trumpets; parks and gardens; in March
  daisy; daisies; flower; white petals around a yellow middle; meadows and gardens; in spring and summer
  dandelion; dandelions; flower; a yellow head that turns into a ball of fluff; meadows; in spring
  fern; ferns; plant; long green leaves that unroll slowly; shady woods; never at all
  foxglove; foxgloves; flower; a tall row of purple bells; woods; in June
  heather; heathers; plant; tiny purple flowers; moors; in late summer
  ivy; ivies; plant; dark leaves that stay green all year; old walls; in autumn
  lavender; lavenders; plant; purple flowers with a strong sweet smell; dry and sunny places; in summer
  oak; oaks; tree; rough bark and leaves with round edges; old woods; in spring
  pine; pines; tree; long needles and brown cones; cold hills; in spring
  poppy; poppies; flower; thin red petals; corn fields; in June
  rose; roses; flower; soft petals and sharp thorns; gardens; in summer
  snowdrop; snowdrops; flower; small white bells; gardens; in February
  sunflower; sunflowers; flower; a large golden head on a tall stem; warm fields; in August
  tulip; tulips; flower; a single cup of bright colour; gardens; in April
  violet; violets; flower; small purple petals; shady hedges; in spring
  water lily; water lilies; flower; round leaves that float; ponds; in summer
  willow; willows; tree; long thin branches that hang down; river banks; in spring

# What a shop sells: name of one, of several, price of one.
goods(good, goods, price):
  apple; apples; 1
  pear; pears; 1
  egg; eggs; 1
  roll; rolls; 1
  candle; candles; 2
  lemon; lemons; 1
  notebook; notebooks; 3
  pencil; pencils; 1
  ribbon; ribbons; 2
  mug; mugs; 5
  loaf of bread; loaves of bread; 4
  jar of honey; jars of honey; 6
  bunch of grapes; bunches of grapes; 3
  pumpkin; pumpkins; 4
  postcard; postcards; 1
  toy boat; toy boats; 8
  ball of wool; balls of wool; 3
  cake; cakes; 9
  basket; baskets; 7
  onion; onions; 1
  kite; kites; 10
  lamp; lamps; 12
  spoon; spoons; 2
  cup of tea; cups of tea; 2

counted: apples, pears, marbles, stickers, shells, buttons, books, pencils, cookies, eggs, stones, stamps, flowers,
  feathers, coins, carrots, beads, plums, chestnuts, postcards, blocks, acorns, ribbons, leaves
shopping: milk, bread, butter, eggs, cheese, rice, flour, sugar, salt, tea, honey, apples, pears, onions, carrots,
  potatoes, tomatoes, lettuce, beans, soap, candles, matches, oil, lemons, oranges, bananas, oats, raisins, jam, fish,
  chicken, yoghurt, biscuits, nuts, mushrooms, cabbage, garlic, pepper, plums, cucumbers, noodles, paper towels,
  toothpaste, cocoa, cream, vinegar, spinach, peas
packing: a warm jumper, two pairs of socks, a toothbrush, a raincoat, a map, a torch, a water bottle, sandwiches,
  a good book, a hat, sun cream, a towel, pyjamas, a camera, a notebook, a pencil, boots, gloves, a scarf,
  an umbrella, some apples, a compass, a whistle, a swimsuit, playing cards, a pillow, a blanket, plasters
chores: feed the cat, water the plants, sweep the kitchen, write to Grandma, buy stamps, return the library books,
  wash the dishes, mend the fence, clean the windows, make the beds, bake a cake, call the doctor, fold the laundry,
  walk the dog, empty the bins, polish the shoes, sort the buttons, pick the apples, fix the tap, post the letter,
  tidy the desk, sharpen the pencils, chop the wood, dust the shelves, practise the piano, wind the clock,
  pay the baker, sew on the button
opposites(this, that):
  hot; cold
  big; small
  long; short
  fast; slow
  happy; sad
  old; young
  early; late
  loud; quiet
  heavy; light
  wet; dry
  high; low
  full; empty
  open; closed
  near; far
  thick; thin
  wide; narrow
  sweet; sour
  soft; hard
  clean; dirty
  rich; poor
  strong; weak
  bright; dark
  smooth; rough
  deep; shallow
  brave; timid
  cheap; expensive
  easy; difficult
  noisy; silent
  sharp; blunt
  true; false

fruits: apple, apricot, banana, blackberry, blueberry, cherry, coconut, fig, grape, lemon, lime, mango, melon, orange,
  peach, pear, pineapple, plum, raspberry, strawberry
vegetables: artichoke, asparagus, aubergine, broccoli, cabbage, carrot, cauliflower, celery, cucumber, leek, lettuce,
  onion, parsnip, pea, potato, pumpkin, radish, spinach, turnip
furniture: armchair, bed, bench, bookcase, chair, cupboard, desk, sofa, stool, table, wardrobe
clothes: apron, belt, blouse, boot, cap, cardigan, coat, dress, glove, hat, jacket, jumper, mitten, scarf, shirt,
  shoe, skirt, sock
instruments: accordion, banjo, bell, cello, clarinet, drum, flute, guitar, harp, horn, organ, piano, trumpet, tuba,
  violin
vehicles: aeroplane, bicycle, boat, bus, canoe, car, ferry, lorry, motorbike, raft, rocket, sledge, taxi, tractor,
  train, tram, van
shapes: circle, cone, cube, cylinder, diamond, hexagon, oval, pentagon, pyramid, rectangle, sphere, square, star,
  triangle
)WORLD";

// Words to spell, count and sort, beside those of the lists above: common ones, and some long ones for the pleasure.
inline constexpr const char* kSpellingWords = R"WORLD(
spelling: able, above, accept, accident, account, ache, acorn, across, action, actor, address, admire, adventure,
  advice, afraid, after, afternoon, again, agree, air, alarm, album, alive, alley, almond, almost, alone, along,
  alphabet, already, always, amazing, anchor, ancient, angle, angry, ankle, annoy, answer, anybody, apology, appear,
  appetite, applause, arch, area, argue, arithmetic, arm, arrive, arrow, artist, ask, asleep, attic, audience, aunt,
  avenue, awake, award, awful, awkward, baby, back, bacon, bad, badge, bag, bake, balance, balcony, ball, balloon,
  bandage, bank, banner, bare, bargain, bark, barn, barrel, bath, battle, beach, beak, beam, bean, beard, beautiful,
  because, become, beetle, before, begin, behind, believe, bench, berry, better, between, beyond, bicycle, bird,
  birthday, biscuit, bite, bitter, blanket, blast, blaze, blink, blossom, blow, board, body, bold, bone, bonfire,
  book, border, borrow, bottle, bottom, bough, bounce, bowl, box, branch, brave, bread, break, breakfast, breath,
  breeze, brick, bridge, brilliant, bring, broken, brother, bubble, build, bundle, burn, bury, bushes, business, busy,
  button, buy, cabin, cable, cage, calendar, calm, camp, canal, candle, canvas, captain, card, care, carpet, carry,
  castle, catch, cave, ceiling, cellar, centre, century, chain, chair, chalk, challenge, chance, change, charm, chase,
  chatter, cheap, cheek, cheer, cheese, cherish, chest, chew, chief, child, chimney, chin, chocolate, choose, church,
  circus, city, clap, class, claw, clean, clear, clever, climb, cloak, close, cloth, cloud, clown, coast, cobweb,
  coffee, coin, cold, collar, collect, comfort, common, company, compare, complete, concert, cookie, copy, corner,
  cosy, cotton, cough, count, country, courage, cousin, cover, cradle, crash, crawl, crayon, creature, creek, creep,
  crisp, crooked, crowd, crown, crumb, crunch, cry, crystal, cup, curious, curl, curtain, cushion, custom, cut, damp,
  dance, danger, daring, dark, dawn, daydream, dear, decide, deep, delicate, delicious, delight, deliver, depth,
  describe, desert, dessert, detective, dew, diary, dictionary, difference, different, dig, dinner, direction,
  disagree, disappear, discover, dish, distance, dive, doll, door, double, doubt, dough, downstairs, dragon, drawer,
  dream, drift, drink, drop, dry, dull, during, dusk, dust, eager, ear, early, earth, east, easy, eat, echo, edge,
  education, effort, egg, eight, elbow, electricity, eleven, embarrass, empty, encyclopaedia, energy, engine, enjoy,
  enormous, enough, entrance, envelope, environment, equal, error, escape, evening, every, exact, example, excellent,
  exciting, excuse, exercise, expect, experiment, explain, explore, extraordinary, eye, eyebrow, face, fact, fair,
  fairy, faith, fall, familiar, family, famous, farewell, fashion, fast, fault, favourite, feather, feeling, fence,
  festival, fever, fiddle, fierce, fifteen, fifty, fight, finger, finish, fireplace, flag, flame, flap, flavour,
  float, flood, floor, flour, flower, fog, fold, follow, foot, forehead, forest, forever, forget, forgive, fork,
  fortune, forward, fountain, freedom, freeze, frequent, fresh, friend, friendship, frighten, frown, fruit, funny,
  furniture, future, gallop, game, garden, gate, gather, generous, gentle, ghost, giant, gift, giggle, give, glad,
  glance, glass, gleam, glitter, globe, glove, glow, glue, goal, gobble, goodbye, government, graceful, grain,
  grammar, grand, grandfather, grandmother, grape, grass, grateful, gravel, great, greedy, greeting, grip, ground,
  group, grow, grumble, guard, guess, guest, guide, guilty, habit, hail, half, hall, handkerchief, handle, handsome,
  happen, happiness, harbour, hard, harvest, haste, hat, hay, hazelnut, head, healthy, heart, heat, heaven, hedge,
  height, hello, help, here, hero, hesitate, hide, hill, history, hobby, hold, hole, holiday, hollow, home, honest,
  honey, hook, hope, horizon, hospital, hotel, hour, house, hug, huge, human, humour, hundred, hungry, hurry, hurt,
  hut, ice, icicle, idea, ill, imagination, imagine, immediately, important, impossible, inch, independent, indoors,
  information, ink, inn, inside, instead, instrument, interesting, invent, invisible, invitation, island, itch,
  jacket, jam, jar, jealous, jewel, jigsaw, job, join, joke, journal, journey, joy, judge, jug, juice, jump, jungle,
  junior, keep, kennel, kettle, key, kick, kind, kindness, kingdom, kitchen, kite, knee, knock, knot, knowledge,
  label, labyrinth, lace, ladder, lake, lamp, land, lane, language, lantern, large, late, laugh, laughter, lawn, lazy,
  leaf, learn, leather, leave, left, lemonade, lend, length, lesson, letter, library, lick, lid, life, lift, light,
  lightning, like, line, lip, listen, little, lively, lizard, loaf, lock, log, lonely, long, loose, loud, love,
  lovely, luck, luggage, lullaby, lunch, machine, magazine, magic, magician, magnificent, mail, main, make, manner,
  marble, march, market, marmalade, marvellous, mask, match, mathematics, matter, meadow, meal, mean, measure,
  medicine, meet, melody, melt, memory, mend, message, metal, midnight, mild, million, mind, mine, minute, miracle,
  mirror, mischief, mistake, mix, modern, moment, money, monster, month, moon, moonlight, morning, moss, mother,
  motor, mountain, mouth, move, much, mud, mumble, muscle, museum, mushroom, music, mystery, nail, name, narrow,
  nature, neat, necessary, neck, necklace, needle, neighbour, neighbourhood, nephew, nervous, nest, never, news,
  newspaper, nibble, nice, nickname, niece, night, nightingale, nine, nobody, nod, noise, none, noodle, noon, north,
  nose, note, nothing, notice, number, nurse, nut, obey, occasion, ocean, offer, office, often, oil, ointment, once,
  open, opinion, opposite, orchard, orchestra, order, ordinary, ornament, other, outside, oven, over, owl, own, pack,
  paddle, page, pain, paint, pair, palace, pale, palm, pancake, paper, parade, paragraph, parcel, pardon, parent,
  park, parliament, part, party, passenger, past, paste, patch, path, patience, pattern, pause, paw, peace, pebble,
  peculiar, pelican, pen, people, pepper, perfect, perform, perhaps, person, photograph, phrase, picnic, picture,
  piece, pillow, pilot, pinch, pirate, pity, place, plain, plan, planet, plant, plate, play, please, pleasure, plenty,
  pocket, poem, point, polite, pond, pool, poor, popular, porridge, possible, postbox, pour, powder, power, practice,
  praise, prepare, present, pretend, pretty, prince, princess, print, prize, probably, problem, promise, pronounce,
  proof, proud, proverb, puddle, pull, punctual, pupil, puppet, pure, purse, push, puzzle, quality, quarrel, quarter,
  queen, question, queue, quick, quiet, quilt, quite, race, radio, rain, rainbow, raincoat, raise, rare, rattle,
  reach, read, ready, real, reason, receive, recipe, recommend, record, refuse, relax, remain, remember, repeat,
  reply, rescue, respect, rest, restaurant, return, reward, rhyme, rhythm, ribbon, rice, riddle, ride, right, ring,
  ripe, ripple, rise, river, road, roar, rock, roll, roof, room, root, rope, rose, rotten, rough, round, route, row,
  royal, rubber, rubbish, rude, rug, ruin, rule, rumble, run, rush, rust, sack, sad, saddle, safe, sail, salad, salt,
  same, sandwich, satisfy, saucepan, sausage, save, say, scare, scarecrow, scarf, scatter, scene, school, science,
  scissors, scratch, sea, seagull, search, season, seat, second, secret, seed, seldom, sell, send, sensible, sentence,
  separate, serious, serve, seven, seventeen, several, shade, shadow, shake, shape, share, shed, sheet, shelf, shell,
  shelter, shine, ship, shiver, shoe, shop, shore, short, shoulder, shout, shovel, show, shower, shut, shy, sigh,
  sign, silence, silent, silk, silly, silver, simple, sincerely, sing, single, sink, sister, size, skate, sketch,
  skill, skin, skip, sky, sleep, sleepy, sleeve, slice, slide, slip, slipper, slow, smell, smile, smoke, smooth,
  sneeze, snore, snow, snowflake, snowman, soap, sock, soft, soil, soldier, solid, solve, somebody, something,
  sometimes, song, soon, sorry, sound, soup, south, space, spark, speak, special, speech, spell, spend, spider, spill,
  spin, splash, spoon, sport, spread, spring, squash, squeak, squeeze, stair, stamp, stand, star, start, station,
  stay, steady, steal, steam, steep, stem, step, stick, still, stir, stitch, stocking, stomach, stone, stop, storm,
  story, straight, strange, stranger, straw, stream, street, strength, stretch, string, stripe, strong, stubborn,
  student, study, subject, success, sudden, sugar, suggest, suit, suitcase, summer, sun, sunlight, sunrise, sunset,
  supper, sure, surprise, swallow, sweater, sweep, sweet, swim, swing, sword, syllable, symphony, syrup, table, tail,
  take, tale, talent, talk, tall, tangle, tap, tart, taste, teach, team, tear, telephone, temper, temperature, ten,
  tent, terrible, thank, theatre, thermometer, thick, thief, thin, thing, think, thirsty, thirteen, thirty, thorough,
  thought, thousand, thread, three, throat, throne, through, throw, thumb, thunder, ticket, tickle, tidy, tie, tight,
  time, tiny, tired, title, toast, toe, together, tomorrow, tongue, tonight, tool, tooth, torch, touch, tower, town,
  toy, track, traffic, trail, train, travel, treasure, treat, tree, tremble, triangle, trick, trip, trouble, trousers,
  true, trust, truth, try, tunnel, turn, twelve, twenty, twice, twig, twin, twist, typewriter, ubiquitous, ugly,
  umbrella, uncle, understand, uniform, university, unusual, upset, upstairs, useful, usual, valley, valuable,
  vanilla, vegetable, velvet, very, village, vinegar, visit, visitor, voice, volcano, voyage, waggon, wait, wake,
  walk, wall, walnut, wander, want, warm, wash, waste, watch, water, waterfall, wave, wax, weak, wealth, wear,
  weather, wedding, week, weekend, weigh, welcome, west, wet, wheat, wheel, where, whisker, whisper, white, whole,
  wide, width, wife, wild, win, wind, windmill, window, wing, winner, winter, wire, wise, wish, witness, wizard,
  woman, wonder, wonderful, wood, woodpecker, wool, word, work, world, worry, worth, wreath, wrinkle, wrist, write,
  wrong, yard, yawn, year, yellow, yesterday, young, youth, zero, zigzag, zoo
)WORLD";
