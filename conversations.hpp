// conversations.hpp -- conversations in files: JSONL, one a line, in the forms that people have them in.
//
//     {"messages": [{"role": "user", "content": "Hi!"}, {"role": "assistant", "content": "Hello."}]}      OpenAI, Hugging Face
//     {"conversations": [{"from": "human", "value": "Hi!"}, {"from": "gpt", "value": "Hello."}]}          ShareGPT
//     {"instruction": "Greet me.", "input": "", "output": "Hello."}                                       Alpaca
//     {"turns": ["Hi!", "Hello."]}                                                                        the user begins
//     {"instruction": "Greet me.", "instances": [{"input": "", "output": "Hello."}, ...]}                 self-instruct: its first instance
//     {"conversations": [{"from": "human", "value": "Hi!"}], "chosen": {"from": "gpt", "value": "Hello."}, "rejected": ...}
//     {"chosen": "\n\nHuman: Hi!\n\nAssistant: Hello.", "rejected": ...}                                  pairs: the answer that was chosen
// We write the first. An assistant's message may carry "thinking" (text) and "tool_calls" (one, {"function": {"name": "python" or
// "search", "arguments": ...}}, whose arguments are the code or query itself, or a JSON object with it as the only string).
// Promise: a record that is not a conversation is an Error with file and line; or, where the caller asks, it is counted and left out.
#pragma once

#include "chat.hpp"

namespace conversations {

using Json = nlohmann::ordered_json;

inline std::string text_of(const Json& j, const char* key, const std::string& what) {
    if (!j.is_object() || !j.contains(key)) throw Error(cat(what, " has no \"", key, "\""));
    const Json& v = j[key];
    if (v.is_null()) return "";
    if (v.is_string()) return v.get<std::string>();
    if (!v.is_array()) throw Error(cat(what, ": \"", key, "\" is not a string"));
    std::string text;              // OpenAI's parts: [{"type": "text", "text": "..."}]
    for (const Json& part : v) {
        const bool is_text = part.is_object() && part.contains("type") && part["type"] == "text" && part.contains("text") && part["text"].is_string();
        if (!is_text) throw Error(cat(what, ": a part of \"", key, "\" is not text"));
        text += part["text"].get<std::string>();
    }
    return text;
}

inline Role role_from(const std::string& name, const std::string& what) {
    static const std::map<std::string, Role> names = {
        {"system", Role::system}, {"developer", Role::system}, {"user", Role::user}, {"human", Role::user}, {"assistant", Role::assistant},
        {"gpt", Role::assistant}, {"tool", Role::tool}, {"observation", Role::tool}};
    const auto it = names.find(name);
    if (it == names.end()) throw Error(cat(what, ": unknown role \"", name, "\", expected system, user, assistant or tool"));
    return it->second;
}

inline ToolCall call_from(const Json& calls, const std::string& what) {
    if (!calls.is_array() || calls.size() != 1) throw Error(cat(what, ": \"tool_calls\" must hold one call"));
    const Json& f = calls[0].is_object() && calls[0].contains("function") ? calls[0]["function"] : calls[0];
    ToolCall call{text_of(f, "name", what), ""};
    if (!f.contains("arguments")) throw Error(cat(what, ": the call has no \"arguments\""));
    Json a = f["arguments"];
    if (a.is_string()) {
        call.argument = a.get<std::string>();
        a = parse_json_text<Json>(call.argument, nullptr, false);   // OpenAI writes an object as a string
    }
    if (a.is_object() && a.size() == 1 && a.begin()->is_string()) call.argument = a.begin()->get<std::string>();
    else if (!f["arguments"].is_string()) throw Error(cat(what, ": \"arguments\" is neither a string nor an object with one string"));
    return call;
}

// A message with "role" and "content", or (not openai) with "from" and "value".
inline Message message_from(const Json& j, bool openai, const std::string& what) {
    Message m;
    m.role = role_from(text_of(j, openai ? "role" : "from", what), what);
    const bool calls = openai && j.contains("tool_calls") && !j["tool_calls"].is_null();
    if (!calls || j.contains("content")) m.content = text_of(j, openai ? "content" : "value", what);
    if (openai && j.contains("thinking")) m.thinking = text_of(j, "thinking", what);
    if (calls) m.call = call_from(j["tool_calls"], what);
    return m;
}

// "\n\nHuman: Hi!\n\nAssistant: Hello."
inline Conversation from_transcript(const std::string& text) {
    constexpr std::pair<std::string_view, Role> marks[] = {{"\n\nHuman:", Role::user}, {"\n\nAssistant:", Role::assistant}};
    Conversation c;
    for (size_t at = 0; at < text.size();) {
        const auto mark = std::find_if(std::begin(marks), std::end(marks), [&](const auto& m) { return text.compare(at, m.first.size(), m.first) == 0; });
        if (mark == std::end(marks)) throw Error("\"chosen\" does not begin with \"\\n\\nHuman:\"");
        const size_t begin = text.find_first_not_of(" \n", at + mark->first.size());
        at = std::min({text.size(), text.find(marks[0].first, at + 1), text.find(marks[1].first, at + 1)});
        c.push_back({mark->second, begin < at ? text.substr(begin, at - begin) : ""});
    }
    return c;
}

inline Conversation parse(const Json& j) {
    Conversation c;
    if (!j.is_object()) throw Error("not a JSON object");
    const bool openai = j.contains("messages"), sharegpt = !openai && j.contains("conversations");
    if (openai || sharegpt) {
        const Json& list = j[openai ? "messages" : "conversations"];
        if (!list.is_array()) throw Error("the messages are not an array");
        for (size_t i = 0; i < list.size(); i++) c.push_back(message_from(list[i], openai, cat("message ", i + 1)));
        if (sharegpt && j.contains("chosen")) c.push_back(message_from(j["chosen"], false, "\"chosen\""));
    } else if (j.contains("instruction") && (j.contains("output") || j.contains("instances"))) {
        if (!j.contains("output") && (!j["instances"].is_array() || j["instances"].empty())) throw Error("\"instances\" is not an array with something in it");
        const Json& instance = j.contains("output") ? j : j["instances"][0];
        std::string user = text_of(j, "instruction", "the record");
        const std::string output = text_of(instance, "output", "the record"), input = instance.contains("input") ? text_of(instance, "input", "the record") : "";
        if (!input.empty()) user += "\n\n" + input;
        c = {{Role::user, user}, {Role::assistant, output}};
    } else if (j.contains("chosen") && j["chosen"].is_string()) {
        c = from_transcript(j["chosen"].get<std::string>());
    } else if (j.contains("turns")) {
        if (!j["turns"].is_array()) throw Error("\"turns\" is not an array");
        for (const Json& turn : j["turns"]) {
            if (!turn.is_string()) throw Error("\"turns\" holds something that is not a string");
            c.push_back({c.size() % 2 ? Role::assistant : Role::user, turn.get<std::string>()});
        }
    } else {
        throw Error("no \"messages\", \"conversations\", \"turns\", \"instruction\" or \"chosen\" text in it");
    }
    if (const std::string problem = conversation_problem(c); !problem.empty()) throw Error(problem);
    if (std::none_of(c.begin(), c.end(), [](const Message& m) { return m.role == Role::assistant; }))
        throw Error("the assistant says nothing, so there is nothing to learn");
    return c;
}

}  // namespace conversations

// One line of JSON (no line end).
inline std::string conversation_json(const Conversation& c, nlohmann::ordered_json extra = nlohmann::ordered_json::object()) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Message& m : c) {
        nlohmann::ordered_json j = {{"role", role_name(m.role)}, {"content", m.content}};
        if (!m.thinking.empty()) j["thinking"] = m.thinking;
        if (m.call) j["tool_calls"] = {{{"type", "function"}, {"function", {{"name", m.call->tool}, {"arguments", m.call->argument}}}}};
        list.push_back(std::move(j));
    }
    nlohmann::ordered_json out = {{"messages", std::move(list)}};
    out.update(extra);
    return json_text(out, -1, JsonBytes::replaced);
}

// Calls f(object, line number) for each record of a JSONL file; blank lines are none. A line that is not JSON, or that f refuses
// with an Error or asks for a value that it does not have, is an Error naming file and line; with `bad`, it is counted there instead.
template <typename F>
void each_json_line(const std::string& path, int64_t* bad, F&& f) {
    const MappedFile file(path);
    const std::string_view all = file.view();
    int64_t number = 0;
    for (size_t begin = 0; begin < all.size();) {
        const size_t end = std::min(all.find('\n', begin), all.size());
        const std::string_view line = all.substr(begin, end - begin);
        begin = end + 1;
        number++;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        const auto refuse = [&](const std::string& why, const std::string& advice) {
            if (!bad) throw Error(cat(path, ":", number, ": ", why), advice.empty() ? "mend the line, or leave such lines out with --skip-bad" : advice);
            (*bad)++;
        };
        try {
            const auto j = parse_json_text<nlohmann::ordered_json>(line, nullptr, false);
            if (j.is_discarded()) throw Error("not JSON");
            f(j, number);
        } catch (const Error& e) {
            refuse(e.what(), e.advice);
        } catch (const nlohmann::ordered_json::exception& e) {
            refuse(cat("a value is missing or of another type than expected: ", e.what()), "");
        }
    }
}

inline std::vector<Conversation> read_conversations(const std::string& path, int64_t* bad = nullptr) {
    std::vector<Conversation> all;
    each_json_line(path, bad, [&](const nlohmann::ordered_json& j, int64_t) { all.push_back(conversations::parse(j)); });
    return all;
}
