// webtext.cpp -- from web archives to clean, deduplicated text: one program, one command per stage.
//
// Every command reads files and writes files (run.hpp), so each is usable alone, in a pipe, or as an array job; the order of
// FineWeb is warc, url, extract, language, quality, dedup (four steps), decontaminate, pii, report: scripts/fineweb.sh.
// This file only gathers the commands. It is a program apart from train_gpt: the trainer needs none of its libraries.
#include "quality.hpp"
#include "warc.hpp"
#include "extract.hpp"
#include "language.hpp"
#include "url.hpp"
#include "dedup.hpp"
#include "decontaminate.hpp"
#include "pii.hpp"
#include "report.hpp"

#include <malloc.h>

int main(int argc, char** argv) {
    using namespace webtext;
    // Pages are some hundred kB: by default each would get its memory from the system and give it back, zeroed page by page.
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
    std::vector<Command> commands;
    const auto add = [&](const std::vector<Command>& more) { commands.insert(commands.end(), more.begin(), more.end()); };
    add(warc_commands());
    add(url_commands());
    add(extract_commands());
    add(language_commands());
    add(quality_commands());
    add(dedup_commands());
    add(decontaminate_commands());
    add(pii_commands());
    add(report_commands());
    return run_program(commands, argc, argv, {"webtext", "from web archives to clean, deduplicated text", "split the input into more files"});
}
