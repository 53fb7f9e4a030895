// tools.hpp -- what an assistant can ask for while it generates: a search in local documents, a program run.
//
// Generation pauses where the model has closed a query or a program with its special token; the text between goes to `Toolbox::call`, and what
// comes back enters the context as text that the model did not write. So a result is text and nothing else: an error, an unknown tool, a tool
// that is off are sentences for the model to read, not exceptions, and no result is longer than the context can bear.
// "search" looks into a DocumentIndex (search_index.hpp) and answers with a line for each hit, `[1] source: passage`; "python" runs the small
// interpreter of this program (interpreter.hpp) or, if asked for, the machine's python3 in a sandbox (child.hpp).
// Promises: `call` throws nothing for whatever the model wrote. Does not: know tokens or models.
#pragma once

#include <functional>

#include "child.hpp"
#include "interpreter.hpp"
#include "search_index.hpp"

struct ToolResult {
    std::string text;                    // for the model; valid UTF-8
    bool ok = false;                     // false: the text says what went wrong
    double seconds = 0;                  // wall time of the call
};

struct Toolbox {
    const DocumentIndex* documents = nullptr;   // not owned; none: there is nothing to search
    bool search = true, python = true;          // off: a call gets a sentence that says so
    bool python3 = false;                       // python runs python3 in a child process instead of the interpreter
    int64_t num_hits = 3;                       // of a search
    int64_t max_chars = 2000;                   // of a result; what is beyond is cut with a note
    interp::Limits interpreter_limits;
    ChildLimits child_limits;

    // tool: "search" (argument: the query) or "python" (argument: the program).
    ToolResult call(const std::string& tool, const std::string& argument) const {
        const double start = now_s();
        ToolResult result;
        try {
            result = dispatch(tool, argument);
        } catch (const Error& e) {                  // of this machine, e.g. no process left
            result = {cat("the tool ", tool, " failed: ", e.what()), false, 0};
        } catch (const std::bad_alloc&) {
            result = {cat("the tool ", tool, " failed: out of memory"), false, 0};
        } catch (const std::exception& e) {
            result = {cat("the tool ", tool, " failed: ", e.what()), false, 0};
        }
        result.text = cut_text(to_valid_utf8(result.text), max_chars);
        result.seconds = now_s() - start;
        return result;
    }

   private:
    ToolResult dispatch(const std::string& tool, const std::string& argument) const {
        if (tool == "search") {
            if (!search) return {"the tool search is switched off", false, 0};
            if (!documents) return {"the tool search has no documents to look into", false, 0};
            const std::vector<SearchHit> hits = documents->search(argument, num_hits);
            return {hits_text(hits), !hits.empty(), 0};
        }
        if (tool == "python") {
            if (!python) return {"the tool python is switched off", false, 0};
            if (python3) {
                const ChildResult r = run_python3(argument, child_limits);
                return {r.output, r.status == ChildStatus::ok, 0};
            }
            const ProgramResult r = run_program(argument, interpreter_limits);
            return {r.output, r.ok, 0};
        }
        return {cat("there is no tool ", cut_text(to_valid_utf8(tool), 40), "; the tools are search and python"), false, 0};
    }
};
