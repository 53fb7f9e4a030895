// stage.hpp -- the frame of the web-text pipeline: documents flow through stages, and nothing else is shared.
//
// A Document is a text and a JSON object of facts about it (url, date, language, ...). A Stage looks at one document at a
// time and says keep or drop, with the name of the rule and the value it measured; it may change the text (extract, c4, pii)
// and may add facts (language). A Source makes documents out of files of another kind (warc). What runs them is in run.hpp:
//     run_stage(config, stage)      JSONL files in -> per file: kept JSONL, dropped JSONL, statistics
//     run_source(config, source)    any files in   -> the same
// A command is a settings struct that inherits RunConfig, a table of flags (run_flags<C>() joined with its own), and a
// function that calls one of the two. A header X.hpp offers `inline std::vector<Command> X_commands()`; webtext.cpp calls it.
// Promises: a stage sees valid UTF-8 only (broken bytes are U+FFFD already), one document at a time, from one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "../../common.hpp"

namespace webtext {

using Json = nlohmann::ordered_json;             // ordered: what goes in comes out in the same order

struct Document {
    std::string text;                            // valid UTF-8; HTML between warc and extract, plain text after it
    Json metadata = Json::object();              // every other field of the line: "url", "id", "date", "language", ...

    // The string fact `name`; also looked for in a nested object "metadata" (datatrove's form). "" if there is none.
    std::string fact(const char* name) const {
        for (const Json* object : {&metadata, nested()}) {
            if (!object) continue;
            const auto it = object->find(name);
            if (it != object->end() && it->is_string()) return it->get<std::string>();
        }
        return "";
    }

   private:
    const Json* nested() const {
        const auto it = metadata.find("metadata");
        return it != metadata.end() && it->is_object() ? &*it : nullptr;
    }
};

// What a stage says of a document. `filter` is the rule's family ("gopher_quality"), `reason` the rule in it by datatrove's
// name where it has one ("gopher_short_doc"), `value` what was measured (words, a ratio, a score); all empty if kept.
struct Verdict {
    bool keep = true;
    const char* filter = "";
    std::string reason;
    double value = 0;
};
inline Verdict kept() { return {}; }
inline Verdict dropped(const char* filter, std::string reason, double value = 0) { return {false, filter, std::move(reason), value}; }

struct Stage {
    virtual ~Stage() = default;
    virtual const char* name() const = 0;        // "quality": goes into the statistics and the report
    // Judge a document; may change it. If dropped, the dropped file gets the document as it is then: change it only when it
    // is kept. Throw an Error for what no document can be blamed for (a missing model); never for odd text.
    virtual Verdict process(Document& document) = 0;
    // A new file begins: its path, and its number among all inputs of all tasks in the order of their names.
    virtual void begin_file(const std::string& path, int64_t number) { (void)path, (void)number; }
    // Files and folders besides the input that its verdicts depend on (lists, a model): a change of one is noticed like one of the input.
    virtual std::vector<std::string> reads() const { return {}; }
    // Counters of the stage's own for the statistics of the file just ended, e.g. {"emails": 12}; they start anew after it.
    virtual Json take_counters() { return Json::object(); }
};

// Reads one file and hands out its documents in order. A broken record is counted and skipped, not thrown.
struct Source {
    using Emit = std::function<void(Document&&)>;
    using Drop = std::function<void(Document&&, const Verdict&)>;
    virtual ~Source() = default;
    virtual const char* name() const = 0;        // "warc"
    virtual bool takes(const std::string& path) const = 0;   // of the files in a folder given as input, is this one?
    virtual void read(const std::string& path, const Emit& emit, const Drop& drop) = 0;
    virtual Json take_counters() { return Json::object(); }
};

}  // namespace webtext
