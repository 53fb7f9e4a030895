// dev/test/test_arena.hpp -- ratings against an independent maximum of the likelihood, intervals against what they promise, players that are
// scripts, a judge that is blind, and the game against exhaustive search.
#pragma once

#include "../../games.hpp"
#include "test_program.hpp"

namespace arena_test {

using program_test::ChildOptions;
using program_test::Outcome;
using program_test::Words;
using program_test::binary;
using program_test::must;
using program_test::start;

// ---- ratings

// The penalised log likelihood of log strengths s, climbed by plain gradient ascent: wins against each other, `prior` games against strength 0.
inline std::vector<double> climb(const std::vector<double>& points, size_t n, double prior) {
    std::vector<double> s(n, 0.0);
    double games = prior;
    for (const double p : points) games += p;
    for (int step = 0; step < 200000; step++) {
        double largest = 0;
        std::vector<double> slope(n);
        for (size_t i = 0; i < n; i++) {
            slope[i] = prior / 2 - prior / (1 + std::exp(-s[i]));
            for (size_t j = 0; j < n; j++)
                if (i != j) slope[i] += points[i * n + j] - (points[i * n + j] + points[j * n + i]) / (1 + std::exp(s[j] - s[i]));
            largest = std::max(largest, std::abs(slope[i]));
        }
        for (size_t i = 0; i < n; i++) s[i] += 2 / games * slope[i];
        if (largest < 1e-10) break;
    }
    return s;
}

inline void test_ratings(Report& t) {
    Rng rng(7);
    for (const size_t n : {size_t(2), size_t(3), size_t(6)})
        for (const double prior : {0.5, 1.0, 4.0}) {
            std::vector<double> points(n * n, 0.0);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++)
                    if (i != j) points[i * n + j] = double(rng.below(40)) / 2;
            const auto got = bradley_terry(points, n, prior), want = climb(points, n, prior);
            double error = 0, control = 0;
            for (size_t i = 0; i < n; i++) {
                double won = prior / 2, lost = prior / 2;
                for (size_t j = 0; j < n; j++) won += points[i * n + j], lost += points[j * n + i];
                error = std::max(error, std::abs(got[i] - want[i])), control = std::max(control, std::abs(std::log(won / lost) - want[i]));
            }
            t.check_at_most(error, 1e-6, cat(n, " players, prior ", prior, ": the maximum of the likelihood"));
            t.check(control > 1e-3, "control: the odds of all wins and losses are not the strengths");
        }
    // who wins everything stays finite, and the larger the prior, the nearer
    const std::vector<double> sweep = {0, 30, 0, 0};
    const auto strong = elo_scale(bradley_terry(sweep, 2, 1)), weak = elo_scale(bradley_terry(sweep, 2, 10));
    t.check(std::isfinite(strong[0]) && strong[0] > weak[0] && weak[0] > 1000 && std::abs(strong[0] + strong[1] - 2000) < 1e-6, "30 wins of 30 are a finite rating, and the mean is 1000");
    const auto ten = elo_scale(bradley_terry({0, 10000, 1000, 0}, 2, 1e-9));
    t.check_at_most(std::abs(ten[0] - ten[1] - 400), 0.01, "ten wins to one are 400 points");
    const auto equal = elo_scale(bradley_terry({0, 5, 5, 0}, 2, 1));
    t.check(std::abs(equal[0] - 1000) < 1e-6 && std::abs(equal[1] - 1000) < 1e-6, "as many wins as losses: 1000 each");
}

// Three players whose answers to a prompt have a quality: strength + noise; the better one wins, and near ones tie.
inline std::vector<Duel> synthetic_duels(size_t prompts, uint64_t seed, size_t copies = 1) {
    const double strengths[3] = {0, 0.5, 1.2};
    std::vector<Duel> duels;
    for (size_t p = 0; p < prompts; p++) {
        Rng rng = Rng::stream(seed, p);
        for (size_t i = 0; i < 3; i++)
            for (size_t j = i + 1; j < 3; j++) {
                const double score = rng.uniform_double() < 1 / (1 + std::exp(strengths[j] - strengths[i])) ? 1 : 0;
                for (size_t k = 0; k < copies; k++) duels.push_back({p * copies + k, i, j, score, false});
            }
    }
    return duels;
}
inline void test_bootstrap(Report& t) {
    const std::vector<double> truth = elo_scale({0, 0.5, 1.2});
    int inside = 0, inside_copied = 0, all = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        const Ratings r = rate_players(synthetic_duels(80, seed), 80, 3, 1, 100, seed);
        const Ratings c = rate_players(synthetic_duels(80, seed, 4), 320, 3, 1, 100, seed);
        for (size_t i = 0; i < 3; i++) {
            inside += r.low[i] <= truth[i] && truth[i] <= r.high[i], all++;
            inside_copied += c.low[i] <= truth[i] && truth[i] <= c.high[i];
            if (!(r.low[i] <= r.rating[i] && r.rating[i] <= r.high[i])) t.check(false, "a rating lies in its interval");
        }
    }
    t.check(inside >= 0.88 * all && inside <= 0.99 * all, cat("95 % intervals hold the truth in ", inside, " of ", all, " cases"));
    t.check(inside_copied < 0.80 * all, cat("control: prompts counted four times give intervals that are too narrow: ", inside_copied, " of ", all));
    const auto a = rate_players(synthetic_duels(30, 1), 30, 3, 1, 100, 5), b = rate_players(synthetic_duels(30, 1), 30, 3, 1, 100, 5);
    t.check(a.low == b.low && a.rating == b.rating, "the same seed, the same intervals");
    t.check(rate_players(synthetic_duels(30, 1), 30, 3, 1, 100, 6).low != a.low, "control: another seed, other draws");
}

// ---- judges

inline std::vector<TaskItem> numbered_tasks(size_t n) {
    std::vector<TaskItem> items(n);
    for (size_t i = 0; i < n; i++) items[i].prompt = cat("say ", i), items[i].answer = std::to_string(i);
    return items;
}
inline void test_duels(Report& t) {
    const size_t n = 200;
    const auto items = numbered_tasks(n);
    std::vector<std::vector<std::string>> answers(3, std::vector<std::string>(n));
    for (size_t p = 0; p < n; p++) answers[0][p] = std::to_string(p), answers[1][p] = p % 4 ? "wrong" : std::to_string(p), answers[2][p] = "no";
    size_t seen = 0, left = 0, equal = 0;
    const auto duels = hold_duels(items, answers, [&](const std::vector<AnswerPair>& pairs) {
        for (const AnswerPair& a : pairs) seen++, left += *a.first == a.item->answer, equal += *a.first == *a.second;
        return judge_by_checker(pairs);
    }, 3);
    t.check(duels.size() == 3 * n && seen == 3 * n - n / 4 && equal == 0, "a judge sees every pair of different answers once");
    size_t right = 0;
    for (const auto& a : answers)
        for (size_t p = 0; p < n; p++) right += a[p] == items[p].answer;
    t.check(left > n / 2 && left < seen - n / 2, cat("the right answer stands on the left in ", left, " of ", seen, " pairs"));
    bool scores = true;
    for (const Duel& d : duels) {
        const bool i = answers[d.i][d.prompt] == items[d.prompt].answer, j = answers[d.j][d.prompt] == items[d.prompt].answer;
        scores = scores && d.score == 0.5 + 0.5 * (double(i) - double(j));
    }
    t.check(scores, "points go to whose answer it was");
    const Ratings r = rate_players(duels, n, 3, 1, 50, 1);
    t.check(r.rating[0] > r.rating[1] && r.rating[1] > r.rating[2], "always right beats sometimes right beats never");
    // a judge who always takes the left one gives nobody an advantage
    const auto lazy = hold_duels(items, answers, [](const std::vector<AnswerPair>& pairs) { return std::vector<double>(pairs.size(), 1.0); }, 3);
    double first = 0;
    for (const Duel& d : lazy) first += d.score;
    t.check(std::abs(first / double(lazy.size()) - 0.5) < 0.06, cat("a judge who looks at places only: ", first, " of ", lazy.size()));
    const auto few = hold_duels(items, answers, judge_by_checker, 3, 50);
    t.check(std::count_if(few.begin(), few.end(), [](const Duel& d) { return !std::isnan(d.score) && !d.equal; }) == 50, "--pairs limits what is judged");
}

inline void test_person(Report& t) {
    const auto items = numbered_tasks(5);
    const std::vector<std::string> a = {"a0", "a1", "a2", "a3", "a4"}, b = {"b0", "b1", "b2", "b3", "b4"};
    std::vector<AnswerPair> pairs;
    for (size_t i = 0; i < 5; i++) pairs.push_back({&items[i], &a[i], &b[i]});
    std::istringstream in("1\n2 \r\nwhat?\n=\ns\nq\n");
    std::ostringstream out;
    const auto s = judge_by_person(pairs, in, out);
    t.check(s[0] == 1 && s[1] == 0 && s[2] == 0.5 && std::isnan(s[3]) && std::isnan(s[4]), "1, 2, a tie, a skip, a stop; a line that is none of these is asked again");
    t.check(out.str().find("say 1\n[1] a1\n[2] b1\n") != std::string::npos, "the prompt and both answers are shown");
    std::istringstream end("2");
    t.check(judge_by_person(pairs, end, out)[0] == 0 && std::isnan(judge_by_person(pairs, end, out)[1]), "the end of the input ends the questions");
}

// ---- programs

inline void test_commands(Report& t) {
    t.check(run_command("cat", "hello\nworld", 5).output == "hello\nworld", "the prompt is the standard input");
    t.check(run_command("echo $((6 * 7)); sleep 0.05; echo x", "", 5).output == "42\nx\n", "the answer is the standard output");
    const auto fails = run_command("echo no such model >&2; exit 3", "p", 5);
    t.check(fails.problem() == "it ended with status 3: no such model", cat("a failure, with its last line: ", fails.problem()));
    t.check(run_command("true", "p", 5).problem() == "it printed nothing" && run_command("echo; echo '  '", "p", 5).problem() == "it printed nothing", "nothing printed");
    t.check(run_command("kill -9 $$", "p", 5).status == 128 + 9, "killed");
    for (const char* hang : {"sleep 60", "echo begun; sleep 60", "exec >&-; sleep 60", "yes"}) {
        const double begin = now_s();
        const auto r = run_command(hang, "p", 0.3);
        t.check(r.timed_out && r.problem() == "it did not end in time" && now_s() - begin < 10, cat("stopped: ", hang));
    }
    const double begin = now_s();
    t.check(run_command("sleep 60 & echo done", "p", 20).output == "done\n" && now_s() - begin < 15, "what it leaves behind is not waited for");
    t.check(run_command("exit 0", std::string(1 << 20, 'x'), 5).status == 0, "a program may leave a long prompt unread");
    // a player that fails now and then goes on with an empty answer; three in a row, and the arena ends
    TempDir dir;
    PlayerConfig c;
    Player p = program_player({"p", "", "read x; case $x in *bad*) exit 1;; esac; echo got $x"}, c);
    const auto texts = p.answer({"one", "bad", "two", "bad"}, 0);
    t.check(texts == std::vector<std::string>{"got one", "", "got two", ""} && *p.failures == 2, "single failures are empty answers, and counted");
    t.check_error([&] { p.answer({"bad", "bad", "bad"}, 0); }, "gave no answer to prompt", "three failures in a row");
}

inline void test_player_specs(Report& t) {
    const auto s = parse_players({"out/base", "new=out/sft/", "p=cmd:cat -n", "cmd:sort a=b", "out/x=y"});
    t.check(s[0].name == "base" && s[0].path == "out/base" && s[1].name == "new" && s[1].path == "out/sft/" && s[2].name == "p" && s[2].command == "cat -n", "names, directories, programs");
    t.check(s[3].name == "sort a=b" && s[3].command == "sort a=b" && s[4].path == "out/x=y", "an equals sign behind a blank or a slash names nobody");
    for (const Words& bad : {Words{"a=x", "a=y"}, Words{"=x"}, Words{"a=cmd:"}, Words{""}, Words{"out/a", "other/a"}}) t.check_error([&] { parse_players(bad); }, "--players", "refused");
}

// ---- the game

// Exhaustive search without any theory: does the player to move win?
inline bool wins_by_search(int heap) {
    static std::map<int, bool> known;
    if (const auto it = known.find(heap); it != known.end()) return it->second;
    bool wins = false;
    for (int k = 1; k <= 3 && k <= heap; k++) wins = !wins_by_search(heap - k) || wins;
    return known[heap] = wins;
}
inline void test_judge_of_game(Report& t) {
    int64_t wrong = 0, control = 0, moves = 0, winning = 0;
    for (int heap = 1; heap <= nim::kMost; heap++) {
        wrong += nim::is_won(heap) != wins_by_search(heap);
        control += (heap % 3 != 0) != wins_by_search(heap);
        for (int taken = -1; taken <= 9; taken++) {
            const bool legal = taken >= 1 && taken <= 3 && taken <= heap, good = legal && !wins_by_search(heap - taken);
            wrong += nim::is_legal(heap, taken) != legal;
            wrong += nim::is_winning_move(heap, taken) != good;
            wrong += nim::is_winning_reply(nim::prompt_of(heap), nim::text_of(taken)) != good;
            moves += legal, winning += good;
        }
    }
    t.check(wrong == 0, cat("the judge agrees with exhaustive search on all positions and moves; ", wrong, " times not"));
    t.check(control > 20, cat("control: multiples of 3 are another judge: ", control));
    t.check(winning == 45 && moves > 170, cat(winning, " of ", moves, " moves win"));
    for (const char* reply : {"", "3.", "03", "+3", "-3", "3 2", "1, 2 or 3", "1 2 3", "3\n1", "Take 3", "\xD9\xA3", "\xEF\xBC\x93", "\\boxed{3}", "The answer is 3.", "#### 3", "7", "0", "Nim: 23. Take 1, 2 or 3?", "3e0"})
        t.check(!nim::is_winning_reply("Nim: 23. Take 1, 2 or 3?", reply), cat("no reward for: ", reply));
    t.check(nim::is_winning_reply("Nim: 23. Take 1, 2 or 3?", " 3\n") && !nim::is_winning_reply("Nim: 23. Take 1, 2 or 3?", "2") && !nim::is_winning_reply("Nim: 24. Take 1, 2 or 3?", "1"),
            "one right move; none in a lost position");
    for (const char* prompt : {"Nim: 0. Take 1, 2 or 3?", "Nim: 61. Take 1, 2 or 3?", "Nim: 023. Take 1, 2 or 3?", "Nim: 23.", "Nim: -1. Take 1, 2 or 3?", ""})
        t.check(!nim::read_prompt(prompt), cat("no position: ", prompt));
}
inline void test_expert(Report& t) {
    int64_t missed = 0, allowed = 0, won = 0;
    double optimal = 0;
    for (int heap = 1; heap <= nim::kMost; heap++) {
        const auto chosen = nim::expert_moves(heap);
        double good = 0;
        for (const int k : chosen) {
            missed += heap <= 3 && k != heap;                          // a win in one move
            allowed += heap > 4 && heap - k <= 3;                      // hands one out, though another move does not
            good += nim::is_winning_move(heap, k);
        }
        if (nim::is_won(heap)) won++, optimal += good / double(chosen.size());
    }
    t.check(missed == 0 && allowed == 0, "the expert takes a win in one move and does not hand one out");
    t.check(optimal / double(won) > 0.34 && optimal / double(won) < 0.6, cat("control: it is no perfect player: ", optimal / double(won), " of its moves in won positions are right"));
    // win_chance against games that are played
    const nim::Choices expert = nim::expert_moves;
    const double exact = nim::win_chance(21, expert, nim::legal_moves);
    Rng rng(3);
    int64_t wins = 0;
    const int64_t games = 4000;
    for (int64_t g = 0; g < games; g++) {
        int heap = 21;
        bool mine = true;
        for (; heap > 0; mine = !mine) heap -= nim::one_of(mine ? nim::expert_moves(heap) : nim::legal_moves(heap), rng);
        wins += !mine;
    }
    const Interval i = wilson_interval(double(wins), double(games));
    t.check(i.low - 0.01 <= exact && exact <= i.high + 0.01, cat("the exact chance ", exact, " is what ", games, " games give: [", i.low, ", ", i.high, "]"));
    t.check(std::abs(nim::win_chance(21, nim::legal_moves, expert) - exact) > 0.1, "control: the other side has another chance");
    t.check(std::abs(games::exact_share(games::all_starts(), expert, expert) - 0.5) < 1e-12, "against itself it wins half of both colours");
    t.check(nim::win_chance(23, nim::perfect_moves, expert) == 1 && nim::win_chance(24, expert, nim::perfect_moves) == 0, "perfect play wins from a won position");
}
inline void test_games(Report& t) {
    const auto starts = games::all_starts();
    Rng rng(5);
    const auto scripted = [&](const nim::Choices& choose) {
        return Player{"script", [&rng, choose](const std::vector<std::string>& prompts, uint64_t) {
            std::vector<std::string> texts;
            for (const auto& p : prompts) texts.push_back(nim::text_of(nim::one_of(choose(nim::read_prompt(p).value()), rng)));
            return texts;
        }};
    };
    for (const auto& [name, choose] : {std::pair{"perfect", nim::Choices(nim::perfect_moves)}, {"expert", nim::Choices(nim::expert_moves)}, {"random", nim::Choices(nim::legal_moves)}}) {
        Player p = scripted(choose);
        games::Tally tally;
        const auto played = games::play(p, nim::expert_moves, starts, 12, 1, tally);
        const double exact = games::exact_share(starts, choose, nim::expert_moves), got = double(tally.won) / double(tally.games);
        t.check(tally.games == int64_t(starts.size()) * 24 && tally.illegal == 0 && std::abs(got - exact) < 0.05, cat(name, ": wins ", got, ", exactly ", exact));
        t.check(name != std::string("perfect") || tally.kept == tally.chances, "a perfect player keeps every win");
        const Interval i = mean_interval(tally.shares);
        t.check(i.low <= got + 1e-9 && got <= i.high + 1e-9, "in its interval");
        bool ends = true;
        for (const auto& g : played) ends = ends && g.over && g.won == ((g.moves.size() % 2 == 1) == g.begins);
        t.check(ends, "who made the last move has won");
    }
    t.check(games::exact_share(starts, nim::perfect_moves, nim::expert_moves) > 0.8, "control: the expert leaves much to win");
    Player mute{"mute", [](const std::vector<std::string>& prompts, uint64_t) { return std::vector<std::string>(prompts.size(), "I pass."); }};
    games::Tally tally;
    games::play(mute, nim::expert_moves, starts, 1, 1, tally);
    t.check(tally.won == 0 && tally.illegal == tally.games, "who writes no legal move loses");
}

// ---- counting

inline void test_figures(Report& t) {
    // pass@k, majority and tokens of random samples against a plain count over all subsets and votes
    Rng rng(11);
    Score score;
    std::map<int64_t, double> pass;
    double majority = 0, tokens = 0;
    const int n = 8, questions = 40;
    for (int q = 0; q < questions; q++) {
        TaskItem item;
        item.answer = "3";
        std::vector<Reply> replies;
        std::vector<int> values;
        for (int s = 0; s < n; s++) {
            values.push_back(int(rng.below(4)) + 1);
            replies.push_back({std::to_string(values.back()), true, false, int64_t(rng.below(9)), 0, {}});
            tokens += double(replies.back().tokens) / n / questions;
        }
        score.add(item, replies);
        for (const int64_t k : {1, 2, 4, 8}) {
            double subsets = 0, hit = 0;
            for (unsigned bits = 0; bits < 1u << n; bits++) {
                if (__builtin_popcount(bits) != k) continue;
                bool any = false;
                for (int s = 0; s < n; s++) any = any || (bits >> s & 1 && values[size_t(s)] == 3);
                subsets++, hit += any;
            }
            pass[k] += hit / subsets / questions;
        }
        int best = values[0];
        for (const int v : values)
            if (std::count(values.begin(), values.end(), v) > std::count(values.begin(), values.end(), best)) best = v;
        majority += double(best == 3) / questions;                   // among equals the one that came first
    }
    const json j = score.to_json();
    for (const auto& [k, p] : pass) {
        t.check_at_most(std::abs(j["pass"][std::to_string(k)].get<double>() - p), 1e-12, cat("pass@", k));
        const double low = j["pass_low"][std::to_string(k)], high = j["pass_high"][std::to_string(k)];
        t.check(low <= p && p <= high && (high > low || p == 1), cat("with its interval: [", low, ", ", high, "]"));
    }
    t.check_at_most(std::abs(j["majority"].get<double>() - majority), 1e-12, "majority vote");
    t.check_at_most(std::abs(j["tokens"].get<double>() - tokens), 1e-12, "mean length");
    t.check(j["tokens_low"] < tokens && tokens < j["tokens_high"] && j["majority_low"] < majority && majority < j["majority_high"], "each with an interval");
    t.check(std::abs(pass[4] - (1 - std::pow(1 - pass[1], 4))) > 1e-3, "control: 1 - (1 - pass@1)^k is not pass@k");
    // the interval of a mean covers it as often as it says
    int inside = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        Rng r = Rng::stream(seed, 1);
        std::vector<double> v;
        for (int i = 0; i < 60; i++) v.push_back(double(r.below(5)) / 4);
        const Interval i = mean_interval(v);
        inside += i.low <= 0.5 && 0.5 <= i.high;
    }
    t.check(inside > 925 && inside < 975, cat("95 % intervals hold the mean in ", inside, " of 1000 cases"));
    t.check(mean_interval({1, 1, 1}).low < 0.5 && mean_interval({0.5}).low == 0 && std::isnan(mean_interval({7}, false).low), "few values promise little");
}

inline void test_gsm8k(Report& t) {
    const std::string path = "../shared/data/tasks/gsm8k_test.jsonl";
    if (!fs::exists(path)) return t.skip("GSM8K", cat(path, " is not there"));
    const auto items = read_tasks(path);
    int64_t own = 0, other = 0, boxed = 0;
    for (size_t i = 0; i < items.size(); i++) {
        own += is_right(items[i], items[i].extra["answer"].get<std::string>());
        boxed += is_right(items[i], cat("So it is \\boxed{", items[i].answer, "}."));
        other += is_right(items[i], items[(i + 1) % items.size()].extra["answer"].get<std::string>());
    }
    t.check(items.size() == 1319 && own == 1319 && boxed == 1319, cat("its worked solutions are right: ", own, " of ", items.size(), ", boxed ", boxed));
    t.check(other < 100, cat("control: the next one's solution is right only by chance: ", other));
}

// ---- from outside

inline void test_arena_command(Report& t) {
    if (binary().empty()) return t.skip("the command", "./train_gpt is not built");
    TempDir dir;
    std::string lines;
    for (int i = 0; i < 12; i++) lines += cat("{\"prompt\": \"double ", i, "\", \"answer\": ", 2 * i, "}\n");
    write_file(dir / "tasks.jsonl", lines);
    const std::string good = "good=cmd:read w x; echo $((2 * x))", half = "half=cmd:read w x; echo $((x % 2 ? x : 2 * x))", bad = "bad=cmd:echo no";
    const Words arena = {"eval", "arena", "--tasks", dir / "tasks.jsonl", "--bootstrap", "200", "--players", bad, good, half};
    Words args = arena;
    for (const std::string& w : {std::string("--out"), dir / "r.json", std::string("--dump"), dir / "d.jsonl"}) args.push_back(w);
    const std::string out = must(args);
    const json r = parse_json_text<json>(read_file(dir / "r.json"));
    const auto rating = [&](const char* name) { return r["players"][name]["rating"].get<double>(); };
    t.check(rating("good") > rating("half") && rating("half") > rating("bad"), "programs are rated in their order");
    t.check(r["players"]["good"]["games"] == 24 && r["players"]["good"]["lost"] == 0 && r["wins"][1][0] == 12.0 && r["judged"] == 36, "games and wins");
    t.check(out.find("good") < out.find("half") && out.find("half") < out.find("bad") && out.find("points of the row") != std::string::npos, "the best stands first; the win matrix follows");
    std::istringstream dump(read_file(dir / "d.jsonl"));
    int64_t pairs = 0, ties = 0;
    for (std::string line; std::getline(dump, line); pairs++) ties += parse_json_text<json>(line)["winner"] == "tie";
    t.check(pairs == 36 && ties > 0 && ties < 20, "a line for each pair");
    t.check(must(args) == out && parse_json_text<json>(read_file(dir / "r.json")) == r, "the same seed, the same ratings");
    // a person, over a pipe: no answers are needed, and the names are not shown
    write_file(dir / "prompts.jsonl", "{\"prompt\": \"Say something.\"}\n{\"prompt\": \"And now?\"}\n");
    ChildOptions person;
    person.input = "1\n1\n";
    const std::string asked = must({"eval", "arena", "--judge", "person", "--tasks", dir / "prompts.jsonl", "--players", "alice=cmd:echo hello", "bob=cmd:echo goodbye"}, person);
    const std::string questions = asked.substr(0, asked.find("2 prompts,"));
    t.check(questions.find("hello") != std::string::npos && questions.find("alice") == std::string::npos && questions.find("bob") == std::string::npos, "the judge sees answers, not names");
    t.check(asked.find("2 judged by: person") != std::string::npos, "both pairs were judged");
    const auto fails = [&](const Words& words, int status, const char* expected, const std::string& input = "") {
        ChildOptions o;
        o.input = input;
        const Outcome x = start(words, o);
        t.check(x.status == status && x.err.find(expected) != std::string::npos && std::count(x.err.begin(), x.err.end(), '\n') <= 2, cat(expected, ": status ", x.status, " ", x.err));
    };
    const std::string tasks = dir / "tasks.jsonl";
    fails({"eval", "arena", "--tasks", tasks, "--players", good}, 2, "at least two");
    fails({"eval", "arena", "--players", good, bad}, 2, "--tasks is missing");
    fails({"eval", "arena", "--tasks", tasks, "--players", good, "x=" + (dir / "nothing")}, 1, "nothing");
    fails({"eval", "arena", "--tasks", tasks, "--players", good, "x=cmd:exit 4"}, 1, "ended with status 4");
    fails({"eval", "arena", "--tasks", tasks, "--players", good, "x=cmd:true"}, 1, "printed nothing");
    fails({"eval", "arena", "--tasks", tasks, "--timeout", "0.2", "--players", good, "x=cmd:sleep 9"}, 1, "did not end in time");
    fails({"eval", "arena", "--tasks", tasks, "--players", good, bad, "--judge", "oracle"}, 2, "no such judge");
    fails({"eval", "arena", "--tasks", tasks, "--players", good, bad, "--judge", "person"}, 1, "no pair was judged");
    fails({"eval", "arena", "--tasks", dir / "prompts.jsonl", "--players", good, bad}, 1, "no \"answer\"");
    write_file(dir / "empty.jsonl", "{\"prompt\": \" \", \"answer\": 1}\n");
    fails({"eval", "arena", "--tasks", dir / "empty.jsonl", "--players", good, bad}, 1, "empty");
    write_file(dir / "none.jsonl", "");
    fails({"eval", "arena", "--tasks", dir / "none.jsonl", "--players", good, bad}, 1, "no");
}

inline void test_game_command(Report& t) {
    if (binary().empty()) return t.skip("the command", "./train_gpt is not built");
    TempDir dir;
    must({"world", "--out", dir / "w", "--megabytes", "0.5", "--conversations", "400", "--tasks", "40"});
    std::map<std::string, std::set<std::string>> keys;
    int64_t demonstrated = 0, legal = 0, optimal = 0, won = 0, tasks = 0, right = 0;
    for (const char* share : {"train", "val"}) {
        std::istringstream file(read_file(cat(dir / "w", "/chat/nim-", share, ".jsonl")));
        for (std::string line; std::getline(file, line); demonstrated++) {
            const json m = parse_json_text<json>(line)["messages"];
            const auto h = nim::read_prompt(m[0]["content"].get<std::string>());
            const auto move = nim::read_move(m[1]["content"].get<std::string>());
            keys[cat("chat ", share)].insert(nim::key(h.value()));
            const auto expert = nim::expert_moves(*h);
            legal += nim::is_legal(*h, move.value()) && std::count(expert.begin(), expert.end(), *move) == 1;
            if (nim::is_won(*h)) won++, optimal += nim::is_winning_move(*h, *move);
        }
    }
    t.check(demonstrated == 440 && legal == demonstrated, "demonstrations are moves of the expert");
    t.check(keys["chat train"].size() >= 58, cat("they show the positions that a game goes through: ", keys["chat train"].size(), " of 60"));
    t.check(double(optimal) > 0.3 * double(won) && double(optimal) < 0.6 * double(won), cat("control: about half of them are not the right ones: ", optimal, " of ", won));
    size_t positions = 0;
    for (const char* share : {"train", "dev", "test"})
        for (const TaskItem& item : read_tasks(cat(dir / "w", "/tasks/nim-", share, ".jsonl"))) {
            keys[share].insert(nim::key(nim::read_prompt(item.prompt).value()));
            tasks++, right += is_right(item, item.answer) && !is_right(item, "0");
            positions += item.check == "nim";
        }
    t.check(tasks > 30 && right == tasks && int64_t(positions) == tasks, cat("a right answer stands in each of ", tasks, " tasks"));
    const auto common = [&](const char* a, const char* b) {
        size_t n = 0;
        for (const auto& k : keys[a]) n += keys[b].count(k);
        return n;
    };
    for (const auto& [a, b] : {std::pair{"train", "dev"}, {"train", "test"}, {"dev", "test"}})
        t.check(common(a, b) == 0, cat("no position of ", a, " is one of ", b));
    t.check(common("chat train", "train") > 20 && !keys["dev"].empty() && !keys["test"].empty(), "control: demonstrations and practice share positions");
    const std::string perfect = "perfect=cmd:read a n rest; n=${n%.}; [ $((n % 4)) -gt 0 ] && echo $((n % 4)) || echo 1";
    must({"eval", "game", "--players", perfect, "mute=cmd:echo pass", "--tasks", cat(dir / "w", "/tasks/nim-test.jsonl"), "--games", "1", "--out", dir / "g.json", "--dump", dir / "g.jsonl"});
    const json g = parse_json_text<json>(read_file(dir / "g.json"));
    t.check(g["players"]["perfect"]["won_beginning"] == 1.0 && g["players"]["perfect"]["keeps_wins"] == 1.0, "a program that knows the theory wins whenever it begins");
    t.check(g["players"]["mute"]["won"] == 0.0 && g["players"]["mute"]["illegal"] > 0.5 && g["expert"] < g["perfect"], "control: one that passes never does");
    const Outcome none = start({"eval", "game"}), bad = start({"eval", "game", "--players", perfect, "--tasks", cat(dir / "w", "/tasks/sorting-test.jsonl")});
    t.check(none.status == 2 && bad.status == 1 && bad.err.find("not a position") != std::string::npos, "wrong usage");
    write_file(dir / "t.jsonl", "{\"prompt\": \"Nim: 24. Take 1, 2 or 3?\", \"answer\": \"x\", \"check\": \"nim\"}\n");
    t.check_error([&] { read_tasks(dir / "t.jsonl"); }, "cannot check this task", "a lost position is no task");
    write_file(dir / "t.jsonl", "{\"prompt\": \"p\", \"answer\": \"x\", \"check\": \"chess\"}\n");
    t.check_error([&] { read_tasks(dir / "t.jsonl"); }, "no such checker", "an unknown checker");
}

}  // namespace arena_test

inline Suite arena_tests() {
    using namespace arena_test;
    return {
        {"arena: ratings are the maximum of the likelihood", test_ratings},
        {"arena: bootstrap intervals hold what they promise", test_bootstrap},
        {"arena: pairs are judged blind, and points go back to their players", test_duels},
        {"arena: a person judges", test_person},
        {"arena: programs as players, also broken ones", test_commands},
        {"arena: how players are named", test_player_specs},
        {"arena: pass@k, majority and length against brute force, with intervals", test_figures},
        {"arena: GSM8K as it is published", test_gsm8k},
        {"arena: the judge of the game against exhaustive search", test_judge_of_game},
        {"arena: the expert is good, and not perfect", test_expert},
        {"arena: whole games against exact chances", test_games},
        {"arena: the command eval arena", test_arena_command},
        {"arena: the game's data and the command eval game", test_game_command},
    };
}
