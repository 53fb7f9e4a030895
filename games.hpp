// games.hpp -- whole games: a model against the scripted players of Nim, move by move.
//
// Practice is on single positions, with a judge who says whether a move was right (world_game.hpp). What it was worth shows in whole games:
// a single bad move loses what ten good ones won. Each starting position is played twice, once with either side to begin, as the
// side that begins mostly has the advantage. All games go on side by side: the model is asked about all positions of a round
// at once. Who does not write one legal move in the words of the game, and end its turn, loses.
// The figures have exact companions: what a perfect player, and the expert itself, would win from the same positions (nim::win_chance).
#pragma once

#include "arena.hpp"

namespace games {

struct Game {
    int heap;
    size_t start;                      // which starting position
    bool begins;                       // does the player that is measured make the first move?
    bool to_move;                      // is it its turn?
    Rng rng;                           // of the opponent
    bool over = false, won = false, illegal = false;
    std::vector<std::string> moves = {};
};

struct Tally {
    int64_t games = 0, won = 0, illegal = 0, begun = 0, begun_won = 0;
    int64_t chances = 0, kept = 0;     // moves from a won position; of these, moves that keep the win
    std::vector<double> shares;        // won games of each starting position
};

struct Opponent {
    const char* name;
    nim::Choices choices;              // it takes one of these, each equally likely
};
inline const std::vector<Opponent>& opponents() {
    static const std::vector<Opponent> all = {{"expert", nim::expert_moves}, {"perfect", nim::perfect_moves}, {"random", nim::legal_moves}};
    return all;
}

// Heaps of 21 to 60 counters: every remainder by 4 ten times.
inline std::vector<int> all_starts() {
    std::vector<int> v;
    for (int heap = 21; heap <= nim::kMost; heap++) v.push_back(heap);
    return v;
}

// Plays each start `each` times with either side to begin. `tally` counts; returns the games.
inline std::vector<Game> play(Player& player, const nim::Choices& opponent, const std::vector<int>& starts, int64_t each, uint64_t seed, Tally& tally) {
    std::vector<Game> all;
    for (size_t s = 0; s < starts.size(); s++)
        for (int64_t k = 0; k < each; k++)
            for (const bool begins : {true, false}) all.push_back({starts[s], s, begins, begins, Rng::stream(seed, 0x6A3E, s, k, begins)});
    const auto move = [](Game& g, int taken, bool by_player) {
        g.heap -= taken;
        g.moves.push_back(nim::text_of(taken));
        g.to_move = !by_player;
        if (g.heap == 0) g.over = true, g.won = by_player;
    };
    for (uint64_t round = 1;; round++) {
        std::vector<Game*> asked;
        std::vector<std::string> prompts;
        for (Game& g : all) {
            if (!g.over && !g.to_move) move(g, nim::one_of(opponent(g.heap), g.rng), false);
            if (!g.over) asked.push_back(&g), prompts.push_back(nim::prompt_of(g.heap));
        }
        if (asked.empty()) break;
        const std::vector<std::string> texts = player.answer(prompts, round);
        for (size_t i = 0; i < asked.size(); i++) {
            Game& g = *asked[i];
            const auto m = nim::read_move(texts[i]);
            const bool chance = nim::is_won(g.heap);
            tally.chances += chance;
            if (!m || !nim::is_legal(g.heap, *m)) {
                g.over = g.illegal = true;
                g.moves.push_back(texts[i]);
                continue;
            }
            tally.kept += chance && nim::is_winning_move(g.heap, *m);
            move(g, *m, true);
        }
    }
    tally.shares.assign(starts.size(), 0.0);
    for (const Game& g : all) {
        tally.games++, tally.won += g.won, tally.illegal += g.illegal, tally.begun += g.begins, tally.begun_won += g.begins && g.won;
        tally.shares[g.start] += double(g.won);
    }
    for (double& s : tally.shares) s /= double(2 * each);
    return all;
}

// The mean over the starts and both colours, exactly.
inline double exact_share(const std::vector<int>& starts, const nim::Choices& mine, const nim::Choices& theirs) {
    double sum = 0;
    for (const int h : starts) sum += nim::win_chance(h, mine, theirs) + 1 - nim::win_chance(h, theirs, mine);
    return sum / double(2 * starts.size());
}

}  // namespace games

struct GameConfig : PlayerConfig {
    GameConfig() { max_tokens = 16, rows = 128; }
    std::vector<std::string> tasks;
    std::string against = "expert", out, dump;
    int64_t games = 2;
};
inline std::vector<Flag<GameConfig>> make_game_flags() {
    using G = GameConfig;
    std::vector<Flag<G>> flags = player_flags<G>();
    for (const Flag<G>& f : std::vector<Flag<G>>{
             {"tasks",   &G::tasks,   "FILE...", "begin at the positions of these tasks (nim-test.jsonl); none: at heaps of 21 to 60"},
             {"against", &G::against, "expert|perfect|random", "the opponent"},
             {"games",   &G::games,   "",        "from each position and with each side to begin"},
             {"out",     &G::out,     "FILE",    "also write the figures as JSON"},
             {"dump",    &G::dump,    "FILE",    "also write every game, a JSON object a line"}})
        flags.push_back(f);
    return flags;
}
inline const std::vector<Flag<GameConfig>> game_flags = make_game_flags();

inline int run_game(GameConfig& c) {
    validate_players(c);
    if (c.players.empty()) throw UsageError("--players is missing: who plays", "train_gpt eval game --players DIR");
    if (c.games < 1) throw UsageError("--games is at least 1");
    std::vector<int> starts;
    for (const std::string& path : c.tasks)
        for (const TaskItem& item : read_tasks(path)) {
            const auto h = nim::read_prompt(item.prompt);
            if (!h) throw Error(cat(path, ": not a position of the game: ", item.prompt), cat("expected a prompt such as: ", nim::prompt_of(23)));
            starts.push_back(*h);
        }
    if (starts.empty()) starts = games::all_starts();
    const auto& all = games::opponents();
    const auto opponent = std::find_if(all.begin(), all.end(), [&](const auto& o) { return c.against == o.name; });
    ASSERT(opponent != all.end(), "no opponent ", c.against);
    json report = {{"against", c.against}, {"starts", starts.size()}, {"perfect", games::exact_share(starts, nim::perfect_moves, opponent->choices)},
                   {"expert", games::exact_share(starts, all[0].choices, opponent->choices)}, {"players", json::object()}};
    std::printf("%zu positions, %lld games each, against: %s. Exactly: a perfect player wins %.1f %%, the expert %.1f %%\n\n", starts.size(), (long long)(2 * c.games), c.against.c_str(),
                100 * report["perfect"].get<double>(), 100 * report["expert"].get<double>());
    std::printf("%-16s %6s %7s  %-15s %11s %11s %9s %11s\n", "player", "games", "won", "95 %", "beginning", "not begin.", "illegal", "keeps wins");
    std::string lines;
    for (const PlayerSpec& spec : parse_players(c.players))
        with_player(spec, c, [&](Player& player) {
            games::Tally t;
            const auto played = games::play(player, opponent->choices, starts, c.games, c.seed, t);
            const Interval i = mean_interval(t.shares);
            const double won = double(t.won) / double(t.games), begun = double(t.begun_won) / double(t.begun), second = double(t.won - t.begun_won) / double(t.games - t.begun);
            const double illegal = double(t.illegal) / double(t.games), kept = t.chances ? double(t.kept) / double(t.chances) : 0;
            std::printf("%-16s %6lld %6.1f%%  [%5.1f, %5.1f]  %10.1f%% %10.1f%% %8.1f%% %10.1f%%\n", spec.name.c_str(), (long long)t.games, 100 * won, 100 * i.low, 100 * i.high,
                        100 * begun, 100 * second, 100 * illegal, 100 * kept);
            report["players"][spec.name] = {{"won", won}, {"low", i.low}, {"high", i.high}, {"games", t.games}, {"won_beginning", begun},
                                            {"won_second", second}, {"illegal", illegal}, {"keeps_wins", kept}};
            for (const games::Game& g : played)
                lines += json_text(json{{"player", spec.name}, {"start", starts[g.start]}, {"begins", g.begins}, {"moves", g.moves}, {"won", g.won}, {"illegal", g.illegal}}, -1,
                                   JsonBytes::replaced) + "\n";
        });
    if (!c.out.empty()) write_file(c.out, json_text(report, 1) + "\n");
    if (!c.dump.empty()) write_file(c.dump, lines);
    return 0;
}

inline std::vector<Command> game_commands() {
    return {make_command<GameConfig>("eval game", "", "whole games of Nim against the scripted expert -> share of wins", game_flags, run_game)};
}
