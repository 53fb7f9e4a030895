// chat_terminal.hpp -- train_gpt chat: a conversation in the terminal, or over a pipe.
//
// What you type becomes a user's message, the model's turn streams back, and both join the history that the next turn is answered
// from. When the history outgrows the context, its oldest exchanges are dropped, and the program says so. Thoughts, calls of
// tools and their outputs are shown dimmed; the answer is what remains. `/tokens` shows what the model really sees.
// Ctrl-C stops an answer; twice without a line between leaves. Over a pipe (echo "Hi!" | train_gpt chat --model DIR) nothing but the answers is
// printed, one for each line.
#pragma once

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "assistant.hpp"
#include "conversations.hpp"

struct ChatConfig {
    std::string model, system;
    std::string tools = "on", documents;
    bool python = false;
    int64_t max_tokens = 256;
    float temperature = 0.7f;
    int top_k = 0;
    float top_p = 1.0f;
    uint64_t seed = 1;
    std::string color = "auto";
    std::string device = "auto", dtype = "auto", weights = "auto";
    int threads = 0;
};

inline const std::vector<Flag<ChatConfig>> chat_flags = {
    {"model",       &ChatConfig::model,       "DIR",    "an assistant: what train_gpt sft or rl left"},
    {"system",      &ChatConfig::system,      "TEXT",   "system message"},
    {"tools",       &ChatConfig::tools,       "on|off", "run the tools that the model calls"},
    {"documents",   &ChatConfig::documents,   "PATH",   "what its search looks into: JSONL, text, or a directory of them"},
    {"python",      &ChatConfig::python,      "",       "run its code with python3 in a closed child process instead of the built-in interpreter"},
    {"max-tokens",  &ChatConfig::max_tokens,  "tokens", "most tokens of a turn"},
    {"temperature", &ChatConfig::temperature, "",       "0 takes the likeliest token"},
    {"top-k",       &ChatConfig::top_k,       "",       "sample among the k likeliest tokens; 0: all"},
    {"top-p",       &ChatConfig::top_p,       "",       "sample among the likeliest tokens that reach this probability; 1: all"},
    {"seed",        &ChatConfig::seed,        "",       "same seed, same answers"},
    {"color",       &ChatConfig::color,       "auto|always|never", "auto: on a terminal, unless NO_COLOR is set"},
    {"device",      &ChatConfig::device,      "auto|cpu|cuda",  "where to compute"},
    {"dtype",       &ChatConfig::dtype,       "auto|fp32|bf16", "how it computes, and how weights are stored"},
    {"weights",     &ChatConfig::weights,     "auto|fp32|bf16|int8", "how matrices are kept on the CPU: fewer bytes write faster, int8 costs some accuracy"},
    {"threads",     &ChatConfig::threads,     "",       "CPU threads; 0: all cores"},
};

// ---- the keyboard

// Ctrl-C since the last line that was typed. The second one leaves.
inline std::atomic<int> g_interrupts = 0;
inline void count_interrupts() {
    struct sigaction action {};
    action.sa_handler = [](int) {
        if (++g_interrupts >= 2) ::_exit(130);
    };
    ::sigaction(SIGINT, &action, nullptr);   // without SA_RESTART: a read is woken
}

// One line of standard input without its end; false at the end of input. Ctrl-C at the prompt gives an empty line.
inline bool read_line(std::string& line) {
    static std::string buffer;
    line.clear();
    for (;;) {
        if (const size_t end = buffer.find('\n'); end != std::string::npos) {
            line = buffer.substr(0, end);
            buffer.erase(0, end + 1);
            if (!line.empty() && line.back() == '\r') line.pop_back();
            return true;
        }
        char bytes[4096];
        const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) return true;
        if (n < 0) throw system_error("standard input cannot be read");
        if (n == 0) {
            line = std::exchange(buffer, "");
            return !line.empty();
        }
        buffer.append(bytes, size_t(n));
    }
}

// ---- the screen

// A turn as it comes: the answer as it is, everything else dimmed (without colour: thoughts and tools in [brackets]).
class TurnPrinter {
   public:
    TurnPrinter(const ChatFormat& format, bool color) : format_(format), color_(color) {}
    void token(int32_t id) {
        const ChatTokens& t = format_.tokens;
        if (!format_.tokenizer.is_special(id)) return say(utf8_.push(format_.tokenizer.token_bytes(id)));
        say(utf8_.flush());
        if (id == t.think_start) open("thinks: ");
        else if (id == t.search_start) open("searches: ");
        else if (id == t.python_start) open("runs: ");
        else if (id == t.output_start) open("gets: ");
        else if (id != t.im_end) close();
    }
    void finish() {
        say(utf8_.flush());
        if (inside_) close();
        std::fputs("\n", stdout);
        std::fflush(stdout);
    }

   private:
    void open(const char* what) {
        say(color_ ? cat("\x1b[2m[", what) : cat("[", what));
        inside_ = true;
    }
    void close() {
        say(color_ ? "]\x1b[0m " : "] ");
        inside_ = false;
    }
    void say(const std::string& s) {
        std::fputs(s.c_str(), stdout);
        std::fflush(stdout);
    }
    const ChatFormat& format_;
    bool color_, inside_ = false;
    Utf8Stream utf8_;
};

// ---- the conversation

inline constexpr const char* kChatHelp =
    "  /system TEXT     what the assistant is told before all else; begins anew\n"
    "  /reset           begin anew\n"
    "  /temperature X   0: the likeliest token; 1: what the model believes\n"
    "  /tools on|off    run the tools that the model calls\n"
    "  /tokens          the ids that the model sees, coloured by who speaks and by what it learns to write\n"
    "  /probs N         the N likeliest tokens at each step; 0: off\n"
    "  /save FILE       append the conversation to a JSONL file\n"
    "  /quit            or Ctrl-D\n";

class ChatSession {
   public:
    ChatSession(Model& model, ChatConfig& config, const ChatFormat& format, ToolCaller call_tool)
        : config_(config), format_(format), call_tool_(std::move(call_tool)),
          model_(model), cache_(model.make_cache(1, model.config.max_T)), generator_(model, *cache_), interactive_(::isatty(STDIN_FILENO)),
          color_(use_color(config.color)) {
        begin_anew();
    }

    void run() {
        count_interrupts();
        if (interactive_) std::printf("%s\nCtrl-C stops an answer, twice leaves. /help lists the commands.\n", model_.device().c_str());
        for (std::string line;;) {
            if (interactive_) {
                std::fputs(color_ ? "\x1b[1myou>\x1b[0m " : "you> ", stdout);
                std::fflush(stdout);
            }
            if (!read_line(line)) break;
            if (line.empty()) {
                if (g_interrupts && interactive_) std::puts("\n(Ctrl-C again leaves)");
                continue;
            }
            g_interrupts = 0;
            if (line[0] == '/') {
                if (line == "/quit" || line == "/exit") return;
                try {
                    command(line);
                } catch (const Error& e) {
                    std::fprintf(stderr, "%s%s%s\n", e.what(), e.advice.empty() ? "" : "; ", e.advice.c_str());
                }
                continue;
            }
            history_.push_back({Role::user, line});
            respond();
        }
        if (interactive_) std::puts("");
    }

   private:
    void begin_anew() {
        history_.clear();
        if (!config_.system.empty()) history_.push_back({Role::system, config_.system});
    }

    void respond() {
        const int64_t context = model_.config.max_T, reserve = std::min(config_.max_tokens, context / 2);
        const int64_t dropped = trim_history(format_, history_, context - reserve);
        if (dropped > 0) std::fprintf(stderr, "(the oldest %lld messages no longer fit the context of %lld tokens and were dropped)\n", (long long)dropped, (long long)context);
        if (dropped < 0) {
            std::fprintf(stderr, "(this does not fit the context of %lld tokens, of which %lld are kept for the answer)\n", (long long)context, (long long)reserve);
            history_.pop_back();
            return;
        }
        TurnPrinter printer(format_, color_);
        if (interactive_) std::fputs(color_ ? "\x1b[1massistant>\x1b[0m " : "assistant> ", stdout);
        const AnswerOptions options{config_.max_tokens, {config_.temperature, config_.top_k, config_.top_p}, config_.seed + turns_++, 4, probs_ > 0};
        const auto answers = answer(generator_, format_, {history_}, options, config_.tools == "on" ? call_tool_ : ToolCaller(),
                                    [&](int64_t, int32_t id, bool, const float* logits) {
                                        if (probs_ > 0 && logits) show_candidates(id, logits);
                                        else if (probs_ == 0) printer.token(id);
                                        return g_interrupts == 0;
                                    });
        printer.finish();
        const Answer& a = answers[0];
        if (g_interrupts) std::fputs("(stopped)\n", stderr);
        else if (a.rollout.reason == StopReason::max_tokens) std::fprintf(stderr, "(cut after %lld tokens)\n", (long long)config_.max_tokens);
        else if (a.rollout.reason == StopReason::context_full) std::fputs("(the context is full)\n", stderr);
        remember(a.turn.messages);
    }

    // The turn joins the history; of a broken one, what keeps the history a conversation.
    void remember(Conversation turn) {
        while (!turn.empty() && turn.back().call) {
            turn.back().call.reset();
            if (turn.back().content.empty() && turn.back().thinking.empty()) turn.pop_back();
        }
        history_.insert(history_.end(), turn.begin(), turn.end());
        if (history_.back().role == Role::assistant && conversation_problem(history_).empty()) return;
        while (!history_.empty() && history_.back().role != Role::user) history_.pop_back();
        if (!history_.empty()) history_.pop_back();
    }

    void show_candidates(int32_t id, const float* logits) {
        std::string line = cat(printable_token(format_.tokenizer.token_bytes(id)), "  from");
        for (const Candidate& k : top_candidates(logits, model_.config.V, probs_))
            line += strprintf("  %.3f ", double(k.probability)) + printable_token(format_.tokenizer.token_bytes(k.id));
        std::puts(line.c_str());
    }

    void command(const std::string& line) {
        const size_t space = line.find(' ');
        const std::string name = line.substr(0, space), rest = space == std::string::npos ? "" : line.substr(space + 1);
        if (name == "/help") std::fputs(kChatHelp, stdout);
        else if (name == "/system") config_.system = rest, begin_anew();
        else if (name == "/reset") begin_anew();
        else if (name == "/temperature") {
            const float x = cli::parse_value<float>("temperature", rest, "");
            if (x < 0) throw UsageError("the temperature is 0 or more");
            config_.temperature = x;
        } else if (name == "/tools") config_.tools = cli::parse_value<std::string>("tools", rest, "on|off");
        else if (name == "/tokens")
            std::printf("%s\n%s\n", rendered_legend(color_).c_str(), show_rendered(format_.tokenizer, format_.render(history_, true), color_, true).c_str());
        else if (name == "/probs") {
            const int n = cli::parse_value<int>("probs", rest, "");
            if (n < 0) throw UsageError("/probs takes a number from 0 on");
            probs_ = n;
        } else if (name == "/save") save(rest);
        else throw UsageError(cat("unknown command ", name), "/help lists them");
    }

    void save(const std::string& path) {
        if (path.empty()) throw UsageError("/save FILE");
        std::FILE* f = std::fopen(path.c_str(), "ae");
        if (!f) throw system_error(cat(path, ": cannot be written"));
        const bool written = std::fprintf(f, "%s\n", conversation_json(history_).c_str()) > 0;
        if (std::fclose(f) != 0 || !written) throw system_error(cat(path, ": cannot be written"));
    }

    ChatConfig& config_;
    const ChatFormat& format_;
    const ToolCaller call_tool_;
    Model& model_;
    const std::unique_ptr<ModelCache> cache_;
    Generator generator_;
    Conversation history_;
    bool interactive_, color_;
    int probs_ = 0;
    uint64_t turns_ = 0;
};

inline int run_chat(ChatConfig& c) {
    if (c.model.empty()) throw UsageError("--model is missing", "train_gpt chat --model DIR");
    sampling::check({c.temperature, c.top_k, c.top_p});
    if (c.max_tokens < 1) throw UsageError(cat("--max-tokens ", c.max_tokens, ": expected at least 1"));
    const ModelReader reader(c.model);
    const ChatVocabulary vocabulary(reader.path());
    const ToolCaller call_tool = open_tools(c.documents, c.python);
    with_model(c.device, c.dtype, c.weights, c.threads, reader, tokens_of_a_call(reader.config(), 1),
               [&](Model& model) { ChatSession(model, c, vocabulary.format, call_tool).run(); });
    return 0;
}

inline std::vector<Command> chat_commands() {
    return {make_command<ChatConfig>("chat", "", "a conversation with an assistant in the terminal", chat_flags, run_chat)};
}
