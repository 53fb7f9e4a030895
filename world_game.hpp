// world_game.hpp -- Nim with one heap: a game that is fully understood, so that a program can judge every move, and a model can outgrow its
// teacher.
//
// A heap of counters; two players take turns; a move takes 1, 2 or 3; who takes the last counter wins. Whoever faces a multiple of 4 loses
// against perfect play: whatever he takes, the other takes the rest of 4 (Berlekamp, Conway, Guy, Winning Ways, 1982, chapter 4:
// subtraction games). So a move is right exactly if it leaves a multiple of 4. That is the perfect judge.
// The expert, whose games are demonstrated, is not perfect: it looks two plies ahead (its move, the reply) and, where it sees neither a
// win nor a loss, moves at random. It never misses a win in one move and never allows one if it can help it, and knows no more. So who
// imitates it can play as well as it does; who practises against the judge can beat it. How well anybody can do is no matter of
// opinion either: with 61 positions, chances to win are computed exactly (win_chance).
// Positions and moves are text: "Nim: 23. Take 1, 2 or 3?" and "3".
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "common.hpp"

namespace nim {

constexpr int kMost = 60, kTake = 3;               // counters of a heap; of a move
constexpr int kExpertPlies = 2;

// ---- rules and judge

inline bool is_legal(int heap, int taken) { return taken >= 1 && taken <= kTake && taken <= heap; }
inline std::vector<int> legal_moves(int heap) {
    std::vector<int> v;
    for (int k = 1; is_legal(heap, k); k++) v.push_back(k);
    return v;
}
// Can the player to move force a win?
inline bool is_won(int heap) { return heap % (kTake + 1) != 0; }
// Is the move legal, and is the opponent lost after it?
inline bool is_winning_move(int heap, int taken) { return is_legal(heap, taken) && !is_won(heap - taken); }
// What decides the share of a position.
inline std::string key(int heap) { return cat("nim ", heap); }

// ---- the expert

// Does the player to move win (or lose) within so many plies, whatever the other does? Plain search, no theory.
inline bool loses_within(int heap, int plies);
inline bool wins_within(int heap, int plies) {
    if (plies == 0) return false;
    const auto moves = legal_moves(heap);
    return std::any_of(moves.begin(), moves.end(), [&](int k) { return loses_within(heap - k, plies - 1); });
}
inline bool loses_within(int heap, int plies) {
    if (heap == 0) return true;                    // the other one has taken the last counter
    if (plies == 0) return false;
    const auto moves = legal_moves(heap);
    return std::all_of(moves.begin(), moves.end(), [&](int k) { return wins_within(heap - k, plies - 1); });
}
// The moves between which it does not distinguish: those that win within its horizon; else those that do not lose; else all.
inline std::vector<int> expert_moves(int heap) {
    const auto moves = legal_moves(heap);
    std::vector<int> winning, open;
    for (const int k : moves) {
        if (loses_within(heap - k, kExpertPlies - 1)) winning.push_back(k);
        if (!wins_within(heap - k, kExpertPlies - 1)) open.push_back(k);
    }
    return !winning.empty() ? winning : !open.empty() ? open : moves;
}
// A perfect player: the winning move; where there is none, any move.
inline std::vector<int> perfect_moves(int heap) {
    return is_won(heap) ? std::vector<int>{heap % (kTake + 1)} : legal_moves(heap);
}
inline int one_of(const std::vector<int>& moves, Rng& rng) {
    ASSERT(!moves.empty(), "a move is asked for in a game that is over");
    return moves[rng.below(moves.size())];
}

// The chance of the player to move, who takes one of the moves `mine`, each equally likely, against one who takes one of `theirs`. Exact.
using Choices = std::function<std::vector<int>(int heap)>;
inline double win_chance(int heap, const Choices& mine, const Choices& theirs) {
    std::array<std::array<double, kMost + 1>, 2> chance{};               // of [who moves] at [heap]; at 0 the other one has won
    for (int h = 1; h <= heap; h++)
        for (const int who : {0, 1}) {
            const auto moves = who == 0 ? mine(h) : theirs(h);
            for (const int k : moves) chance[size_t(who)][size_t(h)] += (1 - chance[size_t(1 - who)][size_t(h - k)]) / double(moves.size());
        }
    return chance[0][size_t(heap)];
}

// ---- texts

inline std::string_view trim(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    return text;
}
inline std::string prompt_of(int heap) { return cat("Nim: ", heap, ". Take 1, 2 or 3?"); }
inline std::string text_of(int taken) { return std::to_string(taken); }
inline std::optional<int> read_prompt(std::string_view text) {
    for (int heap = 1; heap <= kMost; heap++)
        if (trim(text) == prompt_of(heap)) return heap;
    return {};
}
// A single digit and nothing beside it but white space: two moves or a sentence are none.
inline std::optional<int> read_move(std::string_view text) {
    text = trim(text);
    if (text.size() != 1 || text[0] < '0' || text[0] > '9') return {};
    return text[0] - '0';
}
// The judge, on texts.
inline bool is_winning_reply(std::string_view prompt, std::string_view reply) {
    const auto heap = read_prompt(prompt);
    const auto taken = read_move(reply);
    return heap && taken && is_winning_move(*heap, *taken);
}

}  // namespace nim
