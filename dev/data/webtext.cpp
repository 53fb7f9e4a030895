// webtext.cpp -- from web archives to clean, deduplicated text: one program, one command per stage.
//
// Every command reads files and writes files (run.hpp), so each is usable alone, in a pipe, or as an array job; the order of
// FineWeb is warc, url, extract, language, quality, dedup (four steps), decontaminate, pii, report: scripts/fineweb.sh.
// This file only gathers the commands. It is a program apart from train_gpt: the trainer needs none of its libraries.
#include "quality.hpp"
#if __has_include("warc.hpp")
#include "warc.hpp"
#endif
#if __has_include("extract.hpp")
#include "extract.hpp"
#endif
#if __has_include("language.hpp")
#include "language.hpp"
#endif
#include "url.hpp"
#include "dedup.hpp"
#include "decontaminate.hpp"
#include "pii.hpp"
#include "report.hpp"

namespace webtext {

// cli.hpp speaks of train_gpt, whose commands it was written for; here the same texts are about webtext.
inline std::string renamed(std::string text) {
    for (size_t at = 0; (at = text.find("train_gpt", at)) != std::string::npos;) text.replace(at, 9, "webtext");
    return text;
}

inline std::string help(const std::vector<Command>& commands) {
    std::string text = "webtext: from web archives to clean, deduplicated text.\n\nusage: webtext COMMAND [--flag value]...\n\n";
    size_t width = 0;
    for (const auto& c : commands) width = std::max(width, c.name.size());
    for (const auto& c : commands) text += cat("  ", c.name, std::string(width + 2 - c.name.size(), ' '), c.summary, "\n");
    return text + "\nwebtext COMMAND --help lists its flags; webtext help --markdown prints all of them.\n";
}

inline int run(const std::vector<Command>& commands, const Args& args) {
    if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
        const bool markdown = args.size() > 1 && args[1] == "--markdown";
        std::fputs((markdown ? renamed(cli::program_markdown(commands)) : help(commands)).c_str(), stdout);
        return args.empty() ? 2 : 0;
    }
    for (const std::string& a : args)
        if (a == "--help" || a == "-h")
            for (const Command& c : commands)
                if (c.name == args[0] || (args.size() > 1 && c.name == args[0] + " " + args[1])) {
                    std::fputs(renamed(cli::command_help(c)).c_str(), stdout);
                    return 0;
                }
    return cli::dispatch(commands, args);
}

}  // namespace webtext

int main(int argc, char** argv) {
    using namespace webtext;
    command_line().assign(argv, argv + argc);
    std::vector<Command> commands;
    const auto add = [&](const std::vector<Command>& more) { commands.insert(commands.end(), more.begin(), more.end()); };
#if __has_include("warc.hpp")
    add(warc_commands());
#endif
    add(url_commands());
#if __has_include("extract.hpp")
    add(extract_commands());
#endif
#if __has_include("language.hpp")
    add(language_commands());
#endif
    add(quality_commands());
    add(dedup_commands());
    add(decontaminate_commands());
    add(pii_commands());
    add(report_commands());
    const auto complain = [](const std::string& what, const std::string& advice) {
        std::fflush(stdout);
        std::fprintf(stderr, "error: %s\n", renamed(what).c_str());
        if (!advice.empty()) std::fprintf(stderr, "       %s\n", renamed(advice).c_str());
    };
    try {
        const int status = run(commands, Args(argv + 1, argv + argc));
        if (std::fflush(stdout) != 0) throw system_error("standard output cannot be written");
        return status;
    } catch (const Error& e) {
        complain(e.what(), e.advice);
        return e.status;
    } catch (const std::bad_alloc&) {
        complain("out of memory", "split the input into more files");
    } catch (const std::exception& e) {
        complain(cat("unexpected: ", e.what()), "this is a defect of the program; please report it with the command line");
    }
    return 1;
}
