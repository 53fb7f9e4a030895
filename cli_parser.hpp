// cli_parser.hpp -- the words of a command line, parsed by cxxopts: the definition of cli::parse_words (cli.hpp).
//
// A file of its own because cxxopts costs each object that includes it four seconds of compiling: a build of several objects has it
// in libraries.cpp alone.
#pragma once

#define CXXOPTS_VECTOR_DELIMITER '\0'
#define CXXOPTS_NO_REGEX  // std::regex costs seconds of compile time, and GCC 12 warns inside it
#include <cxxopts.hpp>

#include "cli.hpp"

namespace cli {

std::map<std::string, std::vector<std::string>> parse_words(const std::string& command, const std::vector<BoundFlag>& flags,
                                                            const Args& args, std::vector<std::string>* positional) {
    cxxopts::Options options(program_texts().name + " " + command);
    options.allow_unrecognised_options();
    std::vector<std::string> names;
    auto is_switch = [](const BoundFlag& f) { return std::holds_alternative<bool*>(f.value); };
    auto is_list = [](const BoundFlag& f) { return std::holds_alternative<std::vector<std::string>*>(f.value); };
    for (const auto& f : flags) {
        names.push_back(f.name);
        const auto value = cxxopts::value<std::vector<std::string>>();
        options.add_options()(f.name, "", is_switch(f) ? value->implicit_value("on") : value);
    }
    // `--input a b c` is `--input a --input b --input c`; everything else that cxxopts takes as a value is checked here
    Args words = {program_texts().name};
    const BoundFlag* open_list = nullptr;
    for (size_t i = 0; i < args.size(); i++) {
        const std::string& word = args[i];
        if (word.size() > 2 && word.starts_with("--")) {
            const std::string name = word.substr(2, word.find('=') - 2);
            const auto it = std::find_if(flags.begin(), flags.end(), [&](auto& f) { return name == f.name; });
            if (it == flags.end()) {
                const std::string guess = closest(name, names);
                throw UsageError(cat("unknown flag --", name, " of `", program_texts().name, " ", command, "`",
                                     guess.empty() ? "" : "; did you mean --" + guess + "?"),
                                 cat(program_texts().name, " ", command, " --help lists the flags"));
            }
            open_list = is_list(*it) ? &*it : nullptr;
            if (is_switch(*it) || word.find('=') != std::string::npos) {
                words.push_back(word);
            } else {
                if (i + 1 >= args.size() || args[i + 1].starts_with("--"))
                    throw UsageError(cat("--", name, ": a value is missing", *it->unit ? cat(" (", it->unit, ")") : ""));
                words.push_back("--" + name + "=" + args[++i]);
            }
        } else if (open_list) {
            words.push_back(cat("--", open_list->name, "=", word));
        } else if (positional) {
            positional->push_back(word);
        } else {
            throw UsageError(cat("unexpected word \"", word, "\" in `", program_texts().name, " ", command, "`"),
                             cat(program_texts().name, " ", command, " --help shows the usage"));
        }
    }
    std::vector<char*> argv;
    for (auto& w : words) argv.push_back(w.data());
    const auto parsed = options.parse(int(argv.size()), argv.data());
    std::map<std::string, std::vector<std::string>> typed;
    for (const auto& f : flags)
        if (parsed.count(f.name)) typed[f.name] = parsed[f.name].as<std::vector<std::string>>();
    return typed;
}

}  // namespace cli
