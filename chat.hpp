// chat.hpp -- the conversation protocol: messages <-> one row of token ids, and the mask of what the assistant must learn.
//
// A language model only knows one long row of tokens. A conversation becomes such a row through special tokens, ids that no
// text can produce and that pretraining never saw:
//     <|im_start|>user<|im_sep|>What is 2+2?<|im_end|><|im_start|>assistant<|im_sep|>4<|im_end|>
// Inside a turn of the assistant there may be a thought (<|think_start|>..<|think_end|>) and a call of a tool; the program runs
// the tool and puts what it returned between <|output_start|> and <|output_end|>, and the assistant goes on in the same turn:
//     ...assistant<|im_sep|>Let me see. <|python_start|>len("moon")<|python_end|><|output_start|>4<|output_end|>Four.<|im_end|>
// The mask is 1 exactly on what the assistant itself has to write: thoughts, text, calls and the token that ends them. It is 0
// on everybody else's words, on the header that the program writes for it, and on the output of tools.
// Promise: text of any message is ordinary text. A user who types "<|im_end|>" sends these ten characters, not the token.
#pragma once

#include "json_text.hpp"
#include "tokenizer.hpp"

// ---- messages

enum class Role { system, user, assistant, tool };
inline constexpr const char* kRoleNames[] = {"system", "user", "assistant", "tool"};
inline const char* role_name(Role r) { return kRoleNames[int(r)]; }

struct ToolCall {
    std::string tool;              // "search" or "python"
    std::string argument;          // the query, the code
    bool operator==(const ToolCall&) const = default;
};
struct ToolOutput {
    std::string text;              // what the model reads
    bool ok = true;                // false: it says what went wrong
};

struct Message {
    Role role = Role::user;
    std::string content;
    std::string thinking = {};                  // assistant: what stands between the think tokens, before the content
    std::optional<ToolCall> call = {};          // assistant: after the content; the next message is the tool's
    bool operator==(const Message&) const = default;
};
using Conversation = std::vector<Message>;

// Why this is not a conversation of the protocol, or "".
inline std::string conversation_problem(const Conversation& c) {
    if (c.empty()) return "it has no messages";
    for (size_t i = 0; i < c.size(); i++) {
        const Message& m = c[i];
        const bool after_call = i > 0 && c[i - 1].call.has_value();
        const auto say = [&](const char* what) { return cat("message ", i + 1, " (", role_name(m.role), "): ", what); };
        if (m.role == Role::system && i > 0) return say("a system message can only be the first");
        if (m.role == Role::tool && !after_call) return say("the message before it calls no tool");
        if (m.role != Role::tool && after_call) return say("a tool was called, but its output is missing");
        if (i > 0 && c[i - 1].role == Role::tool && m.role != Role::assistant) return say("after the output of a tool the assistant goes on");
        if (m.role != Role::assistant && (m.call || !m.thinking.empty())) return say("only the assistant thinks and calls tools");
        if (m.role == Role::assistant && i > 0 && c[i - 1].role == Role::tool && !m.thinking.empty())
            return say("a thought opens a turn, it cannot follow the output of a tool");
        if (m.call && m.call->tool != "search" && m.call->tool != "python") return say("calls a tool other than search or python");
        if (m.role == Role::assistant && m.content.empty() && m.thinking.empty() && !m.call) return say("is empty");
    }
    return "";
}

// ---- special tokens


// The protocol's ids in a vocabulary.
struct ChatTokens {
    int32_t im_start = -1, im_sep = -1, im_end = -1;
    int32_t think_start = -1, think_end = -1;
    int32_t search_start = -1, search_end = -1, python_start = -1, python_end = -1, output_start = -1, output_end = -1;

    static const std::vector<std::pair<const char*, int32_t ChatTokens::*>>& table() {
        using C = ChatTokens;
        static const std::vector<std::pair<const char*, int32_t C::*>> names = {
            {"<|im_start|>", &C::im_start},         {"<|im_sep|>", &C::im_sep},           {"<|im_end|>", &C::im_end},
            {"<|think_start|>", &C::think_start},   {"<|think_end|>", &C::think_end},     {"<|search_start|>", &C::search_start},
            {"<|search_end|>", &C::search_end},     {"<|python_start|>", &C::python_start}, {"<|python_end|>", &C::python_end},
            {"<|output_start|>", &C::output_start}, {"<|output_end|>", &C::output_end}};
        return names;
    }
    // The ids that `tokenizer` has; throws where one is missing, which is a model that was never taught the protocol.
    static ChatTokens of(const Tokenizer& tokenizer, const std::string& where) {
        ChatTokens t;
        for (const auto& [name, field] : table())
            if ((t.*field = tokenizer.special_id(name)) < 0)
                throw Error(cat(where, ": the vocabulary has no ", name, ": a base model, which knows no conversations"),
                            "teach it with: train_gpt sft --init DIR --data conversations.jsonl --out DIR2");
        return t;
    }
    // Appends those that are missing to the vocabulary: 11 ids after the last one.
    static ChatTokens add_to(Tokenizer& tokenizer) {
        ChatTokens t;
        for (const auto& [name, field] : table()) t.*field = tokenizer.add_special(name);
        return t;
    }
    int32_t start_of(const std::string& tool) const { return tool == "search" ? search_start : python_start; }
    int32_t end_of(const std::string& tool) const { return tool == "search" ? search_end : python_end; }
};

// ---- rendering

// Token ids of a conversation; learn[i] is 1 where the assistant must learn to write ids[i]. roles[i]: whose words they are; a header is of the
// role that it names, and the output of a tool, its two special tokens included, is the tool's.
struct Rendered {
    std::vector<int32_t> ids;
    std::vector<uint8_t> learn;
    std::vector<Role> roles = {};
};

class ChatFormat {
   public:
    // Keeps references; both must outlive it.
    ChatFormat(const Tokenizer& tokenizer, const ChatTokens& tokens) : tokenizer(tokenizer), tokens(tokens) {}

    // The whole conversation; with `open`, also the header after which the assistant begins to write (none after the output of
    // a tool: there it goes on in its turn).
    Rendered render(const Conversation& conversation, bool open = false) const {
        Rendered r;
        const Message* before = nullptr;
        for (const Message& m : conversation) {
            append(r, m, before);
            before = &m;
        }
        if (open && !(before && before->role == Role::tool)) header(r, Role::assistant);
        return r;
    }

    // What a tool returned, as the model reads it.
    std::vector<int32_t> tool_output(const std::string& text) const {
        std::vector<int32_t> ids = {tokens.output_start};
        tokenizer.encode_append(ids, text);
        ids.push_back(tokens.output_end);
        return ids;
    }

    const Tokenizer& tokenizer;
    const ChatTokens& tokens;

   private:
    static void put(Rendered& r, Role role, int32_t id, bool learn) {
        r.ids.push_back(id);
        r.learn.push_back(learn);
        r.roles.push_back(role);
    }
    void text(Rendered& r, Role role, const std::string& s, bool learn) const {
        tokenizer.encode_append(r.ids, s);                 // special tokens in s are ordinary text
        r.learn.resize(r.ids.size(), learn);
        r.roles.resize(r.ids.size(), role);
    }
    void header(Rendered& r, Role role) const {
        put(r, role, tokens.im_start, false);
        text(r, role, role_name(role), false);
        put(r, role, tokens.im_sep, false);
    }
    void append(Rendered& r, const Message& m, const Message* before) const {
        if (m.role == Role::tool) {
            put(r, m.role, tokens.output_start, false);
            text(r, m.role, m.content, false);
            put(r, m.role, tokens.output_end, false);
            return;
        }
        const bool learn = m.role == Role::assistant;
        if (!(learn && before && before->role == Role::tool)) header(r, m.role);
        if (!m.thinking.empty()) {
            put(r, m.role, tokens.think_start, learn);
            text(r, m.role, m.thinking, learn);
            put(r, m.role, tokens.think_end, learn);
        }
        text(r, m.role, m.content, learn);
        if (m.call) {
            put(r, m.role, tokens.start_of(m.call->tool), learn);
            text(r, m.role, m.call->argument, learn);
            put(r, m.role, tokens.end_of(m.call->tool), learn);
        } else {
            put(r, m.role, tokens.im_end, learn);
        }
    }
};

// What lies beside an assistant's weights: its vocabulary, the protocol's ids in it, and the rendering. Throws for a base model.
struct ChatVocabulary {
    explicit ChatVocabulary(const std::string& model_directory)
        : tokenizer(Tokenizer::load(model_directory)), tokens(ChatTokens::of(tokenizer, model_directory)), format(tokenizer, tokens) {}
    ChatVocabulary(const ChatVocabulary&) = delete;      // format refers to its neighbours
    const Tokenizer tokenizer;
    const ChatTokens tokens;
    const ChatFormat format;
};

// The same rendering as a Jinja template, for Hugging Face's apply_chat_template: of messages in any form that conversations.hpp reads from
// "messages". (It makes a string first, so there, unlike here, a user's "<|im_end|>" becomes the token.)
inline constexpr const char* kChatTemplate =
    // a text: a string, a list of parts, or null
    R"({% macro text(c) %}{% if c is string %}{{ c }}{% elif c %}{% for part in c %}{{ part['text'] }}{% endfor %}{% endif %}{% endmacro %})"
    // the value of a JSON string. Between two "\\" every backslash opens an escape; "\ud83d\ude00" is one character in two halves
    R"({% macro unescaped(s) %}{% set half = namespace(high=0) %}{% for piece in s.split('\\\\') %}{% if not loop.first %}{{ '\\' }}{% endif %})"
    R"({% for part in piece.split('\\u') %}{% set rest = part if loop.first else part[4:] %}{% if not loop.first %}{% set code = part[:4]|int(0, 16) %})"
    R"({% if code >= 55296 and code < 56320 %}{% set half.high = code %}{% elif code >= 56320 and code < 57344 %})"
    R"({{ '%c'|format((half.high - 55296) * 1024 + code - 56320 + 65536) }}{% else %}{{ '%c'|format(code) }}{% endif %}{% endif %})"
    R"({{ rest.replace('\\"', '"').replace('\\/', '/').replace('\\n', '\n').replace('\\t', '\t').replace('\\r', '\r').replace('\\b', '\b').replace('\\f', '\f') }})"
    R"({% endfor %}{% endfor %}{% endmacro %})"
    // the code or the query: the string itself, or the one string of an object, which may be written as a string. Such a one falls into
    // five pieces at its quotes, once escaped ones are masked (by as many characters); what is no JSON is code that looks like it
    R"({% macro argument(a) %}{% if a is mapping %}{{ a.values()|first }}{% else %})"
    R"({% set q = a.replace('\\\\', '__').replace('\\"', '__').split('"') %}{% set valid = namespace(rest=(q[1] + q[3] if q|length == 5 else '\\')) %})"
    R"({% for e in '/nrtbfu' %}{% set valid.rest = valid.rest.replace('\\' + e, '') %}{% endfor %})"
    R"({% if '\\' not in valid.rest and '\n' not in valid.rest and '\t' not in valid.rest and '\r' not in valid.rest)"
    R"( and q[0].strip() == '{' and q[2].strip() == ':' and q[4].strip() == '}' %})"
    R"({% set at = (q[0] + q[1] + q[2])|length + 3 %}{{ unescaped(a[at:at + q[3]|length]) }}{% else %}{{ a }}{% endif %}{% endif %}{% endmacro %})"
    R"({% set names = {'developer': 'system', 'human': 'user', 'gpt': 'assistant', 'observation': 'tool'} %}{% set before = namespace(role='') %})"
    R"({% for m in messages %}{% set role = names.get(m['role'], m['role']) %})"
    R"({% if role == 'tool' %}<|output_start|>{{ text(m['content']) }}<|output_end|>{% else %})"
    R"({% if not (role == 'assistant' and before.role == 'tool') %}<|im_start|>{{ role }}<|im_sep|>{% endif %})"
    R"({% set thinking = text(m['thinking']) %}{% if thinking %}<|think_start|>{{ thinking }}<|think_end|>{% endif %})"
    R"({{ text(m['content']) }})"
    R"({% if m['tool_calls'] %}{% set call = m['tool_calls'][0] %}{% set f = call.get('function', call) %})"
    R"(<|{{ f['name'] }}_start|>{{ argument(f['arguments']) }}<|{{ f['name'] }}_end|>{% else %}<|im_end|>{% endif %}{% endif %})"
    R"({% set before.role = role %}{% endfor %})"
    R"({% if add_generation_prompt and before.role != 'tool' %}<|im_start|>assistant<|im_sep|>{% endif %})";

// The tokenizer's files with the template beside them, and in generation_config.json, where it is there already, the end of a turn as
// an end of generation.
inline void save_chat_tokenizer(const Tokenizer& tokenizer, const std::string& directory) {
    using Json = nlohmann::ordered_json;
    tokenizer.save_directory(directory);
    const auto edit = [&](const std::string& name, const auto& change) {
        const std::string path = directory + "/" + name;
        if (!fs::exists(path)) return;
        Json j = parse_json_text<Json>(read_file(path));
        change(j);
        write_file(path, json_text(j, 2) + "\n");
    };
    edit("tokenizer_config.json", [](Json& j) { j["chat_template"] = kChatTemplate; });
    edit("generation_config.json", [&](Json& j) {
        Json ends = {tokenizer.special_id("<|im_end|>")};
        if (tokenizer.end_of_text() >= 0) ends.push_back(tokenizer.end_of_text());
        j["eos_token_id"] = ends;
    });
}

// ---- what the assistant wrote, back into messages

// A turn of the assistant with the outputs of its tools.
struct Turn {
    Conversation messages;         // assistant [tool assistant]...
    bool well_formed = false;      // the protocol was kept, and the turn was ended with <|im_end|> rather than cut off
    std::string problem;           // why not, if not
    // What a person reads as the answer: the text that the assistant wrote last. Empty where the turn breaks off behind the output of a tool.
    const std::string& answer() const {
        static const std::string none;
        return messages.empty() || messages.back().role != Role::assistant ? none : messages.back().content;
    }
};

// ids: all that follows the header, with the closing token. Whatever the model wrote gives some messages: what does not fit
// the protocol is left out and named.
inline Turn parse_turn(const ChatFormat& format, const std::vector<int32_t>& ids) {
    const ChatTokens& t = format.tokens;
    enum { content, thinking, search, python, output } inside = content;
    constexpr const char* names[] = {"the text", "a thought", "a search", "a piece of code", "the output of a tool"};
    Turn turn;
    std::string piece;
    auto complain = [&](const std::string& what) {
        if (turn.problem.empty()) turn.problem = what;
    };
    auto assistant = [&]() -> Message& {
        if (turn.messages.empty() || turn.messages.back().role == Role::tool) turn.messages.push_back({Role::assistant, ""});
        return turn.messages.back();
    };
    auto expect = [&](bool fits, int32_t id) {
        if (!fits) complain(cat(format.tokenizer.token_bytes(id), " inside of ", names[inside]));
        return fits;
    };
    bool ended = false;
    for (const int32_t id : ids) {
        if (ended) complain("something follows the end of the turn");
        if (id == t.im_end) {
            if (expect(inside == content, id)) assistant();
            ended = true;
        } else if (id == t.think_start) {
            if (expect(inside == content && turn.messages.empty(), id)) inside = thinking;
        } else if (id == t.think_end) {
            if (expect(inside == thinking, id)) inside = content, assistant().thinking = std::exchange(piece, "");
        } else if (id == t.search_start || id == t.python_start) {
            if (expect(inside == content && !assistant().call, id)) inside = id == t.search_start ? search : python;
        } else if (id == t.search_end || id == t.python_end) {
            const bool is_search = id == t.search_end;
            if (expect(inside == (is_search ? search : python), id)) {
                assistant().call = {is_search ? "search" : "python", std::exchange(piece, "")};
                inside = content;
            }
        } else if (id == t.output_start) {
            if (expect(inside == content && !turn.messages.empty() && turn.messages.back().call, id)) inside = output;
        } else if (id == t.output_end) {
            if (expect(inside == output, id)) inside = content, turn.messages.push_back({Role::tool, std::exchange(piece, "")});
        } else if (format.tokenizer.is_special(id)) {
            complain(cat(format.tokenizer.token_bytes(id), " inside of a turn"));
        } else {
            if (inside == content && assistant().call) complain("text after a call of a tool, before its output");
            (inside == content ? assistant().content : piece) += format.tokenizer.token_bytes(id);
        }
    }
    if (!ended) complain(inside == content ? "the turn is not ended" : cat("the turn breaks off inside of ", names[inside]));
    if (ended && !turn.messages.empty() && turn.messages.back().call) complain("the turn ends on a call of a tool");
    turn.well_formed = turn.problem.empty();
    return turn;
}

// ---- a history that fits

// Drops the oldest exchanges (a user's message with all up to the next one) until `room` tokens hold the rest and the
// assistant's header; the system message and the last exchange stay. Returns the number of messages dropped; or -1 if even
// these do not fit, and then nothing is dropped.
inline int64_t trim_history(const ChatFormat& format, Conversation& conversation, int64_t room) {
    Conversation c = conversation;
    while (int64_t(format.render(c, true).ids.size()) > room) {
        const size_t first = !c.empty() && c[0].role == Role::system ? 1 : 0;
        size_t next = first + 1;
        while (next < c.size() && c[next].role != Role::user) next++;
        if (next >= c.size()) return -1;
        c.erase(c.begin() + int64_t(first), c.begin() + int64_t(next));
    }
    conversation.swap(c);
    return int64_t(c.size() - conversation.size());
}

// ---- how it looks

// Two things at once: the colour says whose words a token is, bold that the assistant must learn it. Special tokens are inverse.
inline std::string token_style(Role role, bool learn, bool special) {
    constexpr const char* colors[] = {"35", "36", "32", "33"};    // in the order of Role: magenta, cyan, green, yellow
    return cat("\x1b[", learn ? "1;" : "2;", special ? "7;" : "", colors[int(role)], "m");
}
// What the signs of show_rendered mean, in a line.
inline std::string rendered_legend(bool color) {
    if (!color) return "[in brackets]: what the assistant learns to write; all else it only reads";
    std::string line;
    for (const Role role : {Role::system, Role::user, Role::assistant, Role::tool}) line += cat(token_style(role, false, false), role_name(role), "\x1b[0m ");
    return cat(line, "| ", token_style(Role::assistant, true, false), "bold: it learns to write this\x1b[0m | ", token_style(Role::user, false, false),
               "dim: it only reads\x1b[0m | \x1b[7minverse: special tokens\x1b[0m");
}

// The tokens as the model sees them, one after the other, in the styles above. Without colour, learned tokens stand in [brackets]. `with_ids`
// adds the numbers.
inline std::string show_rendered(const Tokenizer& tokenizer, const Rendered& r, bool color, bool with_ids = false) {
    std::string out;
    for (size_t i = 0; i < r.ids.size(); i++) {
        const bool special = tokenizer.is_special(r.ids[i]), learn = r.learn[i];
        std::string token = special ? std::string(tokenizer.token_bytes(r.ids[i])) : to_valid_utf8(tokenizer.token_bytes(r.ids[i]));
        for (size_t p = 0; !special && (p = token.find('\n', p)) != std::string::npos; p += 2) token.replace(p, 1, "\\n");
        if (with_ids) token += cat("(", r.ids[i], ")");
        if (color) out += cat(token_style(r.roles[i], learn, special), token, "\x1b[0m", with_ids ? " " : "");
        else out += learn ? cat("[", token, "]") : token;
        if (r.ids[i] == tokenizer.special_id("<|im_end|>")) out += "\n";
    }
    return out;
}
