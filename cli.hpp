// cli.hpp -- commands and flags from one table: --help, parsing, the start-up settings and the README's tables.
//
// A command is a struct of settings with defaults (`struct PretrainConfig { int seq_len = 1024; ... }`), a table of `Flag`s
// that point to its members, and a function that runs it. The default lives in the struct alone; the parser (cxxopts) only
// writes what was typed. A unit of the form `a|b|c` is a choice, and anything else is refused.
// If the struct has `std::set<std::string> typed`, it receives the names of the flags that were given; if it has
// `std::vector<std::string> positional`, words without a flag go there, else they are an error.
// Does not: know what any flag means.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <variant>

#include <unistd.h>

#include "common.hpp"

// `git describe` of the sources; the Makefile makes it an object of its own, so that a commit recompiles one line.
extern const char* const train_gpt_version;

template <typename C>
struct Flag {
    const char* name;  // long flag without the dashes; the field's name with - for _
    std::variant<bool C::*, int C::*, int64_t C::*, uint64_t C::*, float C::*, double C::*, std::string C::*,
                 std::vector<std::string> C::*> field;
    const char* unit;  // "tokens", "FILE", "auto|cpu|cuda"; empty for a plain number or switch
    const char* help;
};

using Args = std::vector<std::string>;

// A flag and where its value is: a Flag of one object. Whatever is done with flags is done with these, so that it is compiled once, not for each struct.
struct BoundFlag {
    const char *name, *unit, *help;
    std::variant<bool*, int*, int64_t*, uint64_t*, float*, double*, std::string*, std::vector<std::string>*> value;
};
// The flags of `config`, which must live as long as they are used.
template <typename C>
std::vector<BoundFlag> bind_flags(C& config, const std::vector<Flag<C>>& flags) {
    std::vector<BoundFlag> bound;
    for (const auto& f : flags)
        bound.push_back({f.name, f.unit, f.help, std::visit([&](auto member) -> decltype(BoundFlag::value) { return &(config.*member); }, f.field)});
    return bound;
}

struct FlagText { std::string name, value, unit, help; };

struct Command {
    std::string name;      // "pretrain", "tokenizer train"
    std::string usage;     // what follows the name besides flags, e.g. "< bytes > ids"
    std::string summary;   // one line
    std::function<int(const Args&)> run;               // returns the exit status
    std::function<std::vector<FlagText>()> defaults;   // every flag with its default
};

// What the texts of this file call the program: train_gpt, unless its main() says otherwise (run_program).
struct ProgramTexts {
    std::string name = "train_gpt", purpose = "from raw text to a chat assistant";
    std::string when_memory_ends = "use a smaller --batch-size or --seq-len, or --recompute";
};
inline ProgramTexts& program_texts() {
    static ProgramTexts texts;
    return texts;
}

// The words the program was started with, for logs and checkpoints. main() fills it.
inline Args& command_line() {
    static Args words;
    return words;
}

namespace cli {

inline std::string show(bool v) { return v ? "on" : "off"; }
inline std::string show(const std::string& v) { return v; }
inline std::string show(const std::vector<std::string>& v) {
    std::string s;
    for (const auto& x : v) s += (s.empty() ? "" : " ") + x;
    return s;
}
// the shortest text that reads back as the same number: 0.1, not 0.100000001
template <typename V>
    requires std::is_arithmetic_v<V>
std::string show(V v) {
    char buffer[64];
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr);
}

template <typename V>
V parse_value(const std::string& flag, const std::string& text, const std::string& unit) {
    if constexpr (std::is_same_v<V, std::string>) {
        if (unit.find('|') != std::string::npos && ("|" + unit + "|").find("|" + text + "|") == std::string::npos)
            throw UsageError(cat("--", flag, " ", text, ": expected one of ", unit));
        return text;
    } else if constexpr (std::is_same_v<V, bool>) {
        if (text == "on" || text == "true" || text == "1") return true;
        if (text == "off" || text == "false" || text == "0") return false;
        throw UsageError(cat("--", flag, "=", text, ": expected on or off"));
    } else {
        V value{};
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
        const char* type = std::is_floating_point_v<V> ? "a number" : std::is_unsigned_v<V> ? "a whole number >= 0" : "a whole number";
        if (ec == std::errc::result_out_of_range) throw UsageError(cat("--", flag, " ", text, ": out of range for ", type));
        if (ec != std::errc() || end != text.data() + text.size())
            throw UsageError(cat("--", flag, " ", text, ": expected ", type, *unit.c_str() ? " (" + unit + ")" : ""));
        if constexpr (std::is_floating_point_v<V>)
            if (!std::isfinite(value)) throw UsageError(cat("--", flag, " ", text, ": expected a finite number"));
        return value;
    }
}

// Levenshtein distance, to suggest the flag that was meant.
inline size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); j++) row[j] = j;
    for (size_t i = 1; i <= a.size(); i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); j++) {
            const size_t up = row[j];
            row[j] = std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
            diagonal = up;
        }
    }
    return row.back();
}
inline std::string closest(const std::string& word, const std::vector<std::string>& candidates) {
    std::string best;
    size_t best_distance = word.size() / 2 + 1;
    for (const auto& c : candidates)
        if (const size_t d = edit_distance(word, c); d < best_distance) best_distance = d, best = c;
    return best;
}

// Every flag with its present value: the start-up table of a run.
inline std::vector<FlagText> settings(const std::vector<BoundFlag>& flags) {
    std::vector<FlagText> rows;
    for (const auto& f : flags)
        rows.push_back({f.name, std::visit([](const auto* v) { return show(*v); }, f.value), f.unit, f.help});
    return rows;
}
template <typename C>
std::vector<FlagText> settings(C config, const std::vector<Flag<C>>& flags) {
    return settings(bind_flags(config, flags));
}

// The values typed for each flag, in order. `positional` takes words without a flag; null refuses them. Defined in cli_parser.hpp.
#ifndef TRAIN_GPT_EXTERN_LIBRARIES
inline
#endif
std::map<std::string, std::vector<std::string>> parse_words(const std::string& command, const std::vector<BoundFlag>& flags, const Args& args,
                                                            std::vector<std::string>* positional);

// Write what was typed where the flags point to; returns the names of the flags that were given. Throws UsageError that names the flag.
inline std::set<std::string> parse(const std::vector<BoundFlag>& flags, const std::string& command, const Args& args, std::vector<std::string>* positional) {
    std::set<std::string> given;
    const auto typed = parse_words(command, flags, args, positional);
    for (const auto& f : flags) {
        const auto it = typed.find(f.name);
        if (it == typed.end()) continue;
        given.insert(f.name);
        const std::vector<std::string>& values = it->second;
        std::visit([&](auto* value) {
            using V = std::remove_reference_t<decltype(*value)>;
            if constexpr (std::is_same_v<V, std::vector<std::string>>) {
                *value = values;
            } else {
                if (values.size() > 1) throw UsageError(cat("--", f.name, " is given ", values.size(), " times"));
                *value = parse_value<V>(f.name, values[0], f.unit);
            }
        }, f.value);
    }
    return given;
}

// The flag table for --help.
inline std::string flags_text(const std::vector<FlagText>& flags) {
    size_t width = 0;
    std::vector<std::string> left;
    for (const auto& f : flags) {
        left.push_back(cat("  --", f.name, f.unit.empty() ? "" : " ", f.unit));
        width = std::max(width, std::min(left.back().size(), size_t(34)));
    }
    std::string text;
    for (size_t i = 0; i < flags.size(); i++) {
        const std::string& value = flags[i].value;
        text += left[i];
        text += left[i].size() > width ? "\n" + std::string(width + 2, ' ') : std::string(width + 2 - left[i].size(), ' ');
        text += cat(flags[i].help, value.empty() || value == "off" ? "" : cat(" [", value, "]"), "\n");
    }
    return text;
}

// The same for the README.
inline std::string flags_markdown(const std::vector<FlagText>& flags) {
    std::string text = "| flag | default | unit | meaning |\n|---|---|---|---|\n";
    auto escape = [](std::string s) {
        for (size_t p = 0; (p = s.find('|', p)) != std::string::npos; p += 2) s.replace(p, 1, "\\|");
        return s;
    };
    for (const auto& f : flags) text += cat("| `--", f.name, "` | ", f.value, " | ", escape(f.unit), " | ", escape(f.help), " |\n");
    return text;
}

}  // namespace cli

// Tie a settings struct, its flags and its function into a command.
template <typename C>
Command make_command(std::string name, std::string usage, std::string summary, const std::vector<Flag<C>>& flags,
                     int (*run)(C&)) {
    Command command{name, usage, summary, {}, {}};
    command.defaults = [&flags] { return cli::settings(C{}, flags); };
    command.run = [&flags, run, name](const Args& args) {
        C config;
        std::vector<std::string>* positional = nullptr;
        if constexpr (requires { config.positional; }) positional = &config.positional;
        const auto typed = cli::parse(bind_flags(config, flags), name, args, positional);
        if constexpr (requires { config.typed; }) config.typed = typed;
        return run(config);
    };
    return command;
}

// Should the terminal get colours? `choice` is a flag auto|always|never.
inline bool use_color(const std::string& choice) {
    return choice == "always" || (choice == "auto" && ::isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR"));
}

// ---- the program: find the command, print help, turn errors into exit statuses

namespace cli {

inline std::string program_help(const std::vector<Command>& commands) {
    const std::string& name = program_texts().name;
    std::string text = cat(name, ": ", program_texts().purpose, ".\n\nusage: ", name, " COMMAND [--flag value]...\n\n");
    size_t width = 0;
    for (const auto& c : commands) width = std::max(width, c.name.size());
    for (const auto& c : commands) text += cat("  ", c.name, std::string(width + 2 - c.name.size(), ' '), c.summary, "\n");
    return text + cat("\n", name, " COMMAND --help lists its flags; ", name, " help --markdown prints all of them.\n");
}

inline std::string command_help(const Command& c) {
    return cat(program_texts().name, " ", c.name, ": ", c.summary, "\n\nusage: ", program_texts().name, " ", c.name, c.usage.empty() ? "" : " " + c.usage,
               " [--flag value]...\n\n", cli::flags_text(c.defaults()));
}

// The README's section on flags: a test compares the two.
inline std::string program_markdown(const std::vector<Command>& commands) {
    std::string text;
    for (const auto& c : commands)
        text += cat("<details><summary><code>", program_texts().name, " ", c.name, "</code>: ", c.summary, "</summary>\n\n", cli::flags_markdown(c.defaults()), "\n</details>\n\n");
    return text;
}

inline int dispatch(const std::vector<Command>& commands, const Args& args) {
    if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
        const bool markdown = args.size() > 1 && args[1] == "--markdown";
        std::fputs((markdown ? program_markdown(commands) : program_help(commands)).c_str(), stdout);
        return args.empty() ? 2 : 0;
    }
    // the command with the most words that match: `tokenizer train` before `tokenizer`
    const Command* found = nullptr;
    size_t found_words = 0;
    for (const Command& c : commands) {
        std::istringstream words(c.name);
        size_t n = 0;
        bool match = true;
        for (std::string w; words >> w; n++) match = match && n < args.size() && args[n] == w;
        if (match && n > found_words) found = &c, found_words = n;
    }
    if (!found) {
        std::vector<std::string> names;
        std::string family;                                  // `tokenizer` alone: show what it has
        for (const Command& c : commands) {
            names.push_back(c.name);
            if (c.name.starts_with(args[0] + " ")) family += (family.empty() ? "" : ", ") + c.name;
        }
        if (!family.empty() && args.size() > 1 && (args[1] == "--help" || args[1] == "-h")) {
            for (const Command& c : commands)
                if (c.name.starts_with(args[0] + " ")) std::fputs((command_help(c) + "\n").c_str(), stdout);
            return 0;
        }
        const std::string guess = closest(args[0], names);
        throw UsageError(family.empty() ? cat("unknown command ", args[0], guess.empty() ? "" : "; did you mean " + guess + "?")
                                        : cat(program_texts().name, " ", args[0], ": which one? ", family),
                         program_texts().name + " help lists the commands");
    }
    const Args rest(args.begin() + long(found_words), args.end());
    for (const auto& a : rest)
        if (a == "--help" || a == "-h") {
            std::fputs(command_help(*found).c_str(), stdout);
            return 0;
        }
    return found->run(rest);
}

}  // namespace cli

// Runs a command; prints an error as one or two lines on stderr and returns its exit status.
inline int run_program(const std::vector<Command>& commands, int argc, char** argv, const ProgramTexts& texts = {}) {
    program_texts() = texts;
    command_line().assign(argv, argv + argc);
    auto complain = [](const std::string& what, const std::string& advice) {
        std::fflush(stdout);
        std::fprintf(stderr, "error: %s\n", what.c_str());
        if (!advice.empty()) std::fprintf(stderr, "       %s\n", advice.c_str());
    };
    try {
        const int status = cli::dispatch(commands, Args(argv + 1, argv + argc));
        if (std::fflush(stdout) != 0) throw system_error("standard output cannot be written");
        return status;
    } catch (const Error& e) {
        complain(e.what(), e.advice);
        return e.status;
    } catch (const std::bad_alloc&) {
        complain("out of memory", texts.when_memory_ends);
    } catch (const std::exception& e) {
        complain(cat("unexpected: ", e.what()), "this is a defect of the program; please report it with the command line");
    }
    return 1;
}

#ifndef TRAIN_GPT_EXTERN_LIBRARIES
#include "cli_parser.hpp"
#endif
