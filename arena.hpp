// arena.hpp -- who is better? Several players answer the same prompts, pairs of answers are judged blind, and ratings follow.
//
// A player is a model's directory or a program that reads a prompt and writes an answer. A judge sees a prompt and two answers in a
// random order, and not whose they are: a person in the terminal, the checker of a task with a known answer, or a reward model. A tie is
// half a win for each. A turn that the model did not end is no answer (reply_of in eval.hpp): the judge sees an empty one.
// From the wins come ratings by the model of Bradley and Terry (Biometrika 39, 1952):
//     P(i beats j) = g_i / (g_i + g_j),      rating_i = 1000 + 400 (log10 g_i - mean), the scale of Elo: 400 points are 10 to 1
// Maximum likelihood by minorisation (Hunter, Annals of Statistics 32, 2004, eq. 3): g_i <- W_i / sum_j n_ij / (g_i + g_j), with W_i the
// wins of i and n_ij the games of i and j. It has no finite solution where somebody never lost; so each player also plays `prior` games
// against an imagined one with g = 1 and wins half of them: a weak prior that pulls everybody to the middle.
// Intervals: the prompts are drawn again with replacement (Efron 1979), as other prompts are what would make another result; 2.5 % and
// 97.5 % of the ratings. Where a player won everything, so does it in each draw: its interval says nothing about prompts never seen.
#pragma once

#include <cmath>
#include <iostream>

#include "child.hpp"
#include "eval.hpp"

// ---- programs

struct CommandResult {
    std::string output, error;         // standard output; last line of standard error
    int status = 0;                    // exit status, 128 + signal
    bool timed_out = false;
    // Why there is no answer, or "".
    std::string problem() const {
        if (timed_out) return "it did not end in time";
        if (status != 0) return cat("it ended with status ", status, error.empty() ? "" : cat(": ", error));
        return output.find_first_not_of(" \t\r\n") == std::string::npos ? "it printed nothing" : "";
    }
};

// Runs `command` in a shell of its own with `input` as its standard input, for at most wall_s seconds and 1 MiB of output; then it and what it
// started are killed. Unlike the code that a model writes it is not locked in: the user named it.
inline CommandResult run_command(const std::string& command, const std::string& input, double wall_s) {
    const auto file = [] {                                             // a file without a name: neither a full pipe nor a closed one can stop us
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> f(std::tmpfile(), std::fclose);
        if (!f) throw system_error("a temporary file for a player");
        return f;
    };
    const auto in = file(), err = file();
    if (std::fwrite(input.data(), 1, input.size(), in.get()) != input.size() || std::fflush(in.get()) != 0) throw system_error("the prompt for a player");
    std::rewind(in.get());
    child::Pipe out;
    const int in_fd = fileno(in.get()), err_fd = fileno(err.get()), out_fd = out.write.fd;
    const char* const words[] = {"sh", "-c", command.c_str(), nullptr};
    const pid_t pid = ::fork();
    if (pid < 0) throw system_error("a process for a player");
    if (pid == 0) {                                                    // between fork and exec: system calls only
        ::setsid();
        ::dup2(in_fd, 0), ::dup2(out_fd, 1), ::dup2(err_fd, 2);
        ::execv("/bin/sh", const_cast<char* const*>(words));
        ::_exit(127);
    }
    child::Process process(pid);
    out.write.close();
    CommandResult r;
    for (const double start = now_s();;) {
        const double left = wall_s - (now_s() - start);
        if (left <= 0 || r.output.size() > 1 << 20) {
            r.timed_out = true;
            break;
        }
        pollfd fd{out.read.fd, POLLIN, 0};
        if (::poll(&fd, 1, std::max(1, int(std::min(left, 0.05) * 1000))) <= 0) {
            if (process.try_wait()) break;                             // it has ended, though a child of its own may hold the pipe
            continue;
        }
        char buffer[16384];
        const ssize_t n = ::read(out.read.fd, buffer, sizeof buffer);
        if (n > 0) r.output.append(buffer, size_t(n));
        else if (n == 0) {                                             // closed: it ends, or goes on in silence
            while (!process.try_wait() && now_s() - start < wall_s) std::this_thread::sleep_for(std::chrono::milliseconds(2));
            r.timed_out = !process.ended;
            break;
        } else if (errno != EINTR) break;
    }
    ::kill(-pid, SIGKILL);                                             // whatever it left behind
    process.kill();
    r.status = WIFEXITED(process.status) ? WEXITSTATUS(process.status) : 128 + WTERMSIG(process.status);
    std::rewind(err.get());
    char text[4096];
    const size_t n = std::fread(text, 1, sizeof text, err.get());
    r.error = to_valid_utf8(child::last_line(std::string(text, n)));
    return r;
}

// ---- players

struct Player {
    std::string name;
    // One answer for each prompt. round: another one draws other random numbers.
    std::function<std::vector<std::string>(const std::vector<std::string>& prompts, uint64_t round)> answer;
    std::shared_ptr<int64_t> failures = std::make_shared<int64_t>(0);    // of a program: prompts without an answer
};

// What players are asked with; the settings of all commands that have players.
struct PlayerConfig {
    std::vector<std::string> players;
    int64_t max_tokens = 128, rows = 32;
    float temperature = 0, top_p = 1, timeout = 30;
    int top_k = 0, threads = 0;
    uint64_t seed = 1;
    std::string system, prompt_template = "Question: {prompt}\\nAnswer:", device = "auto", dtype = "auto";
};
template <typename C>
std::vector<Flag<C>> player_flags() {
    return {
        {"players",     &C::players,     "[NAME=]DIR|[NAME=]cmd:COMMAND...", "models, and programs that read a prompt and write an answer"},
        {"max-tokens",  &C::max_tokens,  "tokens",  "most tokens of a model's answer"},
        {"temperature", &C::temperature, "",        "0: the likeliest answer"},
        {"top-k",       &C::top_k,       "",        "sample among the k likeliest tokens; 0: all"},
        {"top-p",       &C::top_p,       "",        "sample among the likeliest tokens that reach this probability; 1: all"},
        {"seed",        &C::seed,        "",        "same seed, same answers, pairs and intervals"},
        {"system",      &C::system,      "TEXT",    "system message for models that know the chat protocol"},
        {"template",    &C::prompt_template, "TEXT", "how models that do not know it are asked; they answer up to the end of the line"},
        {"timeout",     &C::timeout,     "seconds", "what a program may take for an answer"},
        {"rows",        &C::rows,        "",        "answers that a model writes at once"},
        {"device",      &C::device,      "auto|cpu|cuda",  "where to compute"},
        {"dtype",       &C::dtype,       "auto|fp32|bf16", "how weights are stored"},
        {"threads",     &C::threads,     "",        "CPU threads; 0: all cores"},
    };
}
inline void validate_players(const PlayerConfig& c) {
    sampling::check({c.temperature, c.top_k, c.top_p});
    if (c.max_tokens < 1 || c.rows < 1) throw UsageError("--max-tokens and --rows are at least 1");
    if (!(c.timeout > 0)) throw UsageError("--timeout is more than 0 seconds");
    if (c.prompt_template.find("{prompt}") == std::string::npos) throw UsageError("--template has no {prompt} in it");
}

struct PlayerSpec {
    std::string name, path, command;   // one of the two is empty
};
inline std::vector<PlayerSpec> parse_players(const std::vector<std::string>& given) {
    std::vector<PlayerSpec> specs;
    for (const std::string& word : given) {
        PlayerSpec s;
        const size_t equals = word.find('=');
        const bool named = equals != std::string::npos && word.find_first_of("/: ") > equals;
        const std::string what = named ? word.substr(equals + 1) : word;
        if (what.starts_with("cmd:")) s.command = what.substr(4);
        else s.path = what;
        fs::path path(s.path);
        if (path.filename().empty()) path = path.parent_path();
        s.name = named ? word.substr(0, equals) : s.path.empty() ? s.command : path.filename().string();
        if (s.name.empty() || (s.path.empty() && s.command.empty())) throw UsageError(cat("--players ", word, ": expected DIR, NAME=DIR or NAME=cmd:COMMAND"));
        for (const PlayerSpec& other : specs)
            if (other.name == s.name) throw UsageError(cat("--players: two are called ", s.name), "name them: --players old=DIR new=DIR2");
        specs.push_back(s);
    }
    return specs;
}

// A program as a player. Prompts that it does not answer count as an empty answer; three in a row are an error.
inline Player program_player(const PlayerSpec& spec, const PlayerConfig& c) {
    Player player{spec.name, {}, std::make_shared<int64_t>(0)};
    player.answer = [spec, timeout = double(c.timeout), failures = player.failures, in_a_row = 0](const std::vector<std::string>& prompts, uint64_t) mutable {
        std::vector<std::string> texts;
        for (size_t i = 0; i < prompts.size(); i++) {
            const CommandResult r = run_command(spec.command, prompts[i], timeout);
            const std::string problem = r.problem();
            in_a_row = problem.empty() ? 0 : in_a_row + 1;
            *failures += !problem.empty();
            if (in_a_row == 3 || (in_a_row > 0 && prompts.size() < 3))
                throw Error(cat("the player ", spec.name, " gave no answer to prompt ", i + 1, in_a_row == 3 ? " and the two before it" : "", ": ", problem), cat("it was run as: ", spec.command));
            std::string text = problem.empty() ? to_valid_utf8(r.output) : "";
            while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
            texts.push_back(text);
        }
        return texts;
    };
    return player;
}
// Makes the player and hands it over; a model lives only as long as `use` runs.
inline void with_player(const PlayerSpec& spec, const PlayerConfig& c, const std::function<void(Player&)>& use) {
    if (!spec.command.empty()) {
        Player player = program_player(spec, c);
        return use(player);
    }
    const ModelReader reader(spec.path);
    const Tokenizer tokenizer = Tokenizer::load(reader.path());
    const bool chats = tokenizer.special_id("<|im_start|>") >= 0;
    const ChatTokens tokens = chats ? ChatTokens::of(tokenizer, reader.path()) : ChatTokens();
    const ChatFormat format(tokenizer, tokens);
    with_model(c.device, c.dtype, "auto", c.threads, reader, tokens_of_a_call(reader.config(), c.rows), [&](Model& model) {
        Asker asker(model, tokenizer, chats ? &format : nullptr, c.rows);
        AskOptions options{1, c.max_tokens, {c.temperature, c.top_k, c.top_p}, c.seed, c.system, chats ? "" : unescape_newlines(c.prompt_template), {}, {"\n"}};
        Player player{spec.name, [&](const std::vector<std::string>& prompts, uint64_t round) {
            options.seed = round ? splitmix64(c.seed ^ round << 32) : c.seed;
            std::vector<std::string> texts;
            for (const auto& replies : asker.ask(prompts, options)) texts.push_back(replies[0].counts ? replies[0].text : "");
            return texts;
        }};
        use(player);
    });
}

// ---- judges

// Two answers to a prompt, as a judge sees them: it does not learn whose they are.
struct AnswerPair {
    const TaskItem* item;
    const std::string *first, *second;
};
// For each pair 1 (the first is better), 0 (the second is), 0.5 (a tie), or NaN (not judged).
using Judge = std::function<std::vector<double>(const std::vector<AnswerPair>&)>;

inline std::vector<double> judge_by_checker(const std::vector<AnswerPair>& pairs) {
    std::vector<double> scores;
    for (const AnswerPair& p : pairs) scores.push_back(0.5 + 0.5 * (double(is_right(*p.item, *p.first)) - double(is_right(*p.item, *p.second))));
    return scores;
}

// Shows each pair on `out`, reads a line from `in`: 1, 2, = (a tie), s (skip), q (stop; so does the end of the input).
inline std::vector<double> judge_by_person(const std::vector<AnswerPair>& pairs, std::istream& in, std::ostream& out) {
    std::vector<double> scores(pairs.size(), std::nan(""));
    for (size_t i = 0; i < pairs.size(); i++) {
        out << "---- " << i + 1 << " of " << pairs.size() << "\n" << to_valid_utf8(pairs[i].item->prompt) << "\n[1] " << to_valid_utf8(*pairs[i].first)
            << "\n[2] " << to_valid_utf8(*pairs[i].second) << "\n";
        std::string line;
        while (out << "better: 1, 2, = (tie), s (skip) or q (stop)? " << std::flush, std::getline(in, line)) {
            while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.pop_back();
            if (line == "1" || line == "2" || line == "=" || line == "s" || line == "q") break;
        }
        out << "\n";
        if (!in || line == "q") break;
        if (line != "s") scores[i] = line == "1" ? 1 : line == "2" ? 0 : 0.5;
    }
    return scores;
}

// ---- games

struct Duel {
    size_t prompt, i, j;               // players i < j
    double score;                      // of i: 1, 0.5, 0; NaN: not judged
    bool equal;                        // the same answer: a tie that no judge need see
};
// All pairs on all prompts (at most `most` that need a judge; 0: all), each shown in a random order. answers[player][prompt]
inline std::vector<Duel> hold_duels(const std::vector<TaskItem>& items, const std::vector<std::vector<std::string>>& answers, const Judge& judge, uint64_t seed, int64_t most = 0) {
    std::vector<Duel> duels;
    std::vector<size_t> open;
    for (size_t p = 0; p < items.size(); p++)
        for (size_t i = 0; i < answers.size(); i++)
            for (size_t j = i + 1; j < answers.size(); j++) {
                const bool equal = answers[i][p] == answers[j][p];
                if (!equal) open.push_back(duels.size());
                duels.push_back({p, i, j, equal ? 0.5 : std::nan(""), equal});
            }
    Rng rng = Rng::stream(seed, 0xA4E4A);
    rng.shuffle(open);
    if (most > 0 && int64_t(open.size()) > most) open.resize(size_t(most));
    std::vector<AnswerPair> pairs;
    std::vector<bool> turned;
    for (const size_t d : open) {
        const Duel& x = duels[d];
        turned.push_back(rng.below(2) == 1);
        const std::string *a = &answers[x.i][x.prompt], *b = &answers[x.j][x.prompt];
        pairs.push_back({&items[x.prompt], turned.back() ? b : a, turned.back() ? a : b});
    }
    const std::vector<double> scores = judge(pairs);
    ASSERT(scores.size() == pairs.size(), "a judge gave ", scores.size(), " scores for ", pairs.size(), " pairs");
    for (size_t k = 0; k < open.size(); k++) duels[open[k]].score = turned[k] ? 1 - scores[k] : scores[k];
    return duels;
}

// ---- ratings

// points[i * n + j]: wins of i against j, ties half. Returns log g_i, natural, not centred. prior > 0: games against the imagined player.
inline std::vector<double> bradley_terry(const std::vector<double>& points, size_t n, double prior) {
    std::vector<double> g(n, 1.0), next(n);
    for (int iteration = 0; iteration < 20000; iteration++) {
        double change = 0;
        for (size_t i = 0; i < n; i++) {
            double wins = prior / 2, rate = prior / (g[i] + 1);
            for (size_t j = 0; j < n; j++) {
                if (j == i) continue;
                wins += points[i * n + j];
                rate += (points[i * n + j] + points[j * n + i]) / (g[i] + g[j]);
            }
            next[i] = wins / rate;
            change = std::max(change, std::abs(std::log(next[i] / g[i])));
        }
        g.swap(next);
        if (change < 1e-9) break;
    }
    for (double& x : g) x = std::log(x);
    return g;
}
// On Elo's scale, the mean of the players at 1000.
inline std::vector<double> elo_scale(std::vector<double> log_g) {
    const double mean = std::accumulate(log_g.begin(), log_g.end(), 0.0) / double(log_g.size());
    for (double& x : log_g) x = 1000 + 400 / std::log(10.0) * (x - mean);
    return log_g;
}

struct Ratings {
    std::vector<double> rating, low, high;     // one for each player; 95 %
    std::vector<double> points;                // (n, n) wins, ties half
};
inline Ratings rate_players(const std::vector<Duel>& duels, size_t prompts, size_t n, double prior, int64_t bootstrap, uint64_t seed) {
    std::vector<std::vector<double>> of_prompt(prompts, std::vector<double>(n * n, 0.0));
    for (const Duel& d : duels) {
        if (std::isnan(d.score)) continue;
        of_prompt[d.prompt][d.i * n + d.j] += d.score;
        of_prompt[d.prompt][d.j * n + d.i] += 1 - d.score;
    }
    auto add = [&](std::vector<double>& sum, size_t p) { for (size_t k = 0; k < n * n; k++) sum[k] += of_prompt[p][k]; };
    Ratings r;
    r.points.assign(n * n, 0.0);
    for (size_t p = 0; p < prompts; p++) add(r.points, p);
    r.rating = elo_scale(bradley_terry(r.points, n, prior));
    std::vector<std::vector<double>> draws(n);
    for (int64_t b = 0; b < bootstrap; b++) {
        Rng rng = Rng::stream(seed, 0xB007, b);
        std::vector<double> points(n * n, 0.0);
        for (size_t k = 0; k < prompts; k++) add(points, rng.below(prompts));
        const auto rating = elo_scale(bradley_terry(points, n, prior));
        for (size_t i = 0; i < n; i++) draws[i].push_back(rating[i]);
    }
    for (auto& d : draws) {
        std::sort(d.begin(), d.end());
        auto at = [&](double q) { return d.empty() ? std::nan("") : d[size_t(std::llround(q * double(d.size() - 1)))]; };
        r.low.push_back(at(0.025)), r.high.push_back(at(0.975));
    }
    return r;
}

// ---- train_gpt eval arena

struct ArenaConfig : PlayerConfig {
    std::vector<std::string> tasks;
    std::string judge = "checker", reward_model, out, dump;
    int64_t limit = 0, pairs = 0, bootstrap = 1000;
    float prior = 1;
};
inline std::vector<Flag<ArenaConfig>> make_arena_flags() {
    using A = ArenaConfig;
    std::vector<Flag<A>> flags = player_flags<A>();
    for (const Flag<A>& f : std::vector<Flag<A>>{
             {"tasks",        &A::tasks,        "FILE...", "prompts, JSONL as for eval; a judge other than the checker needs no \"answer\""},
             {"limit",        &A::limit,        "",        "the first so many of each file; 0: all"},
             {"judge",        &A::judge,        "NAME",    "checker: right beats wrong; person: asked in the terminal; reward: the model of --reward-model"},
             {"reward-model", &A::reward_model, "DIR",     "for --judge reward"},
             {"pairs",        &A::pairs,        "",        "judge at most so many pairs, drawn at random; 0: all"},
             {"prior",        &A::prior,        "games",   "against an imagined average player, half of them won: keeps ratings finite"},
             {"bootstrap",    &A::bootstrap,    "",        "draws for the intervals"},
             {"out",          &A::out,          "FILE",    "also write ratings and wins as JSON"},
             {"dump",         &A::dump,         "FILE",    "also write every pair with its verdict, a JSON object a line"}})
        flags.push_back(f);
    return flags;
}
inline const std::vector<Flag<ArenaConfig>> arena_flags = make_arena_flags();

// One way to judge. Another chapter adds its own with: judge_kinds().push_back({"reward", true, open_reward_judge});
struct JudgeKind {
    const char* name;
    bool reads_answers;                // does a task need no known answer?
    Judge (*open)(const ArenaConfig&);
};
inline std::vector<JudgeKind>& judge_kinds() {
    static std::vector<JudgeKind> kinds = {
        {"checker", false, [](const ArenaConfig&) { return Judge(judge_by_checker); }},
        {"person", true, [](const ArenaConfig&) { return Judge([](const std::vector<AnswerPair>& pairs) { return judge_by_person(pairs, std::cin, std::cout); }); }},
    };
    return kinds;
}
inline const JudgeKind& find_judge(const std::string& name) {
    std::string all;
    for (const JudgeKind& k : judge_kinds()) {
        if (name == k.name) return k;
        all += cat(" ", k.name);
    }
    throw UsageError(cat("--judge ", name, ": there is no such judge"), cat("expected one of:", all));
}

// The prompts of an arena: tasks, or lines with a prompt alone where the judge needs no answer.
inline std::vector<TaskItem> read_prompts(const ArenaConfig& c, bool without_answers) {
    std::vector<TaskItem> items;
    for (const std::string& path : c.tasks) {
        std::vector<TaskItem> of_file = read_tasks(path, without_answers);
        if (c.limit > 0 && int64_t(of_file.size()) > c.limit) of_file.resize(size_t(c.limit));
        items.insert(items.end(), of_file.begin(), of_file.end());
    }
    for (const TaskItem& item : items)
        if (item.prompt.find_first_not_of(" \t\r\n") == std::string::npos) throw Error(cat(c.tasks.front(), ": a prompt is empty"));
    return items;
}

// What the ratings are printed from.
inline json arena_report(const std::vector<std::string>& names, const std::vector<Duel>& duels, const Ratings& r, const std::vector<int64_t>& failures, size_t prompts) {
    const size_t n = names.size();
    json players = json::object(), wins = json::array();
    for (size_t i = 0; i < n; i++) {
        int64_t won = 0, tied = 0, lost = 0;
        for (const Duel& d : duels) {
            if ((d.i != i && d.j != i) || std::isnan(d.score)) continue;
            const double score = d.i == i ? d.score : 1 - d.score;
            won += score > 0.5, tied += score == 0.5, lost += score < 0.5;
        }
        players[names[i]] = {{"rating", r.rating[i]}, {"low", r.low[i]}, {"high", r.high[i]}, {"games", won + tied + lost}, {"won", won},
                             {"tied", tied}, {"lost", lost}, {"no_answer", failures[i]}};
        wins.push_back(json(std::vector<double>(r.points.begin() + long(i * n), r.points.begin() + long((i + 1) * n))));
    }
    int64_t judged = 0, equal = 0;
    for (const Duel& d : duels) judged += !std::isnan(d.score), equal += d.equal;
    return {{"prompts", prompts}, {"pairs", duels.size()}, {"judged", judged}, {"equal", equal}, {"players", players}, {"wins", wins}};
}

// The table, the best first, and what a row's player won against a column's.
inline void print_arena(const json& report, const std::vector<std::string>& names) {
    std::vector<size_t> order(names.size());
    std::iota(order.begin(), order.end(), size_t(0));
    const auto rating = [&](size_t i) { return report["players"][names[i]]["rating"].get<double>(); };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rating(a) > rating(b); });
    size_t width = 6;
    for (const auto& name : names) width = std::max(width, name.size());
    std::printf("%-*s %7s  %-15s %6s %6s %6s %6s %9s\n", int(width), "player", "rating", "95 %", "games", "won", "tied", "lost", "no answer");
    for (const size_t i : order) {
        const json& p = report["players"][names[i]];
        auto number = [&](const char* key) { return p[key].is_number() ? p[key].get<double>() : std::nan(""); };
        std::printf("%-*s %7.0f  [%5.0f, %5.0f]  %6.0f %6.0f %6.0f %6.0f %9.0f\n", int(width), names[i].c_str(), number("rating"), number("low"), number("high"), number("games"), number("won"),
                    number("tied"), number("lost"), number("no_answer"));
    }
    std::printf("\npoints of the row against the column, in %%\n%-*s", int(width), "");
    for (const size_t j : order) std::printf(" %*s", int(std::max(names[j].size(), size_t(5))), names[j].c_str());
    for (const size_t i : order) {
        std::printf("\n%-*s", int(width), names[i].c_str());
        for (const size_t j : order) {
            const double won = report["wins"][i][j].get<double>(), games = won + report["wins"][j][i].get<double>();
            const std::string cell = i == j || games == 0 ? "-" : strprintf("%.1f", 100 * won / games);
            std::printf(" %*s", int(std::max(names[j].size(), size_t(5))), cell.c_str());
        }
    }
    std::printf("\n");
}

inline int run_arena(ArenaConfig& c) {
    validate_players(c);
    if (c.players.size() < 2) throw UsageError("--players: an arena needs at least two", "train_gpt eval arena --players old=DIR new=DIR2 --tasks tasks.jsonl");
    if (c.tasks.empty()) throw UsageError("--tasks is missing: the prompts", "train_gpt eval arena --players old=DIR new=DIR2 --tasks tasks.jsonl");
    if (c.limit < 0 || c.pairs < 0 || c.bootstrap < 0 || !(c.prior > 0)) throw UsageError("--limit, --pairs and --bootstrap must not be negative, --prior must be more than 0");
    const JudgeKind& kind = find_judge(c.judge);
    const std::vector<PlayerSpec> specs = parse_players(c.players);
    for (const PlayerSpec& s : specs)
        if (!s.path.empty()) ModelReader(s.path);                      // a wrong directory fails before the others have answered
    const std::vector<TaskItem> items = read_prompts(c, kind.reads_answers);
    const Judge judge = kind.open(c);
    std::vector<std::string> prompts, names;
    for (const TaskItem& item : items) prompts.push_back(item.prompt);
    std::vector<std::vector<std::string>> answers;
    std::vector<int64_t> failures;
    for (const PlayerSpec& s : specs)
        with_player(s, c, [&](Player& player) {
            answers.push_back(player.answer(prompts, 0));
            names.push_back(player.name), failures.push_back(*player.failures);
        });
    const std::vector<Duel> duels = hold_duels(items, answers, judge, c.seed, c.pairs);
    if (std::all_of(duels.begin(), duels.end(), [](const Duel& d) { return std::isnan(d.score); })) throw Error("no pair was judged: there is nothing to rate");
    const Ratings ratings = rate_players(duels, items.size(), names.size(), double(c.prior), c.bootstrap, c.seed);
    json report = arena_report(names, duels, ratings, failures, items.size());
    report["judge"] = c.judge;
    std::printf("%zu prompts, %zu pairs, %lld judged by: %s, of them %lld equal answers\n\n", items.size(), duels.size(), (long long)report["judged"].get<int64_t>(), c.judge.c_str(),
                (long long)report["equal"].get<int64_t>());
    print_arena(report, names);
    if (!c.out.empty()) write_file(c.out, json_text(report, 1) + "\n");
    if (c.dump.empty()) return 0;
    std::string lines;
    for (const Duel& d : duels) {
        const json line = {{"prompt", prompts[d.prompt]}, {"players", {names[d.i], names[d.j]}}, {"answers", {answers[d.i][d.prompt], answers[d.j][d.prompt]}},
                           {"winner", std::isnan(d.score) ? json() : json(d.score > 0.5 ? names[d.i] : d.score < 0.5 ? names[d.j] : "tie")}};
        lines += json_text(line, -1, JsonBytes::replaced) + "\n";
    }
    write_file(c.dump, lines);
    return 0;
}

inline std::vector<Command> arena_commands() {
    return {make_command<ArenaConfig>("eval arena", "", "players answer the same prompts, pairs are judged blind -> ratings", arena_flags, run_arena)};
}
