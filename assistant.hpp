// assistant.hpp -- the assistant's turn: the model writes, pauses where it calls a tool, reads the result, and goes on.
//
// The model sees a conversation as one row of tokens that ends with the header of its own turn (chat.hpp). What it draws may
// open a call (<|python_start|>code<|python_end|>): then the program runs the tool and puts <|output_start|>result<|output_end|>
// behind it as if it had always stood there; the model continues from a context that now holds the answer. The tokens of
// the result were not drawn, so whoever trains on the turn leaves them out (Rollout::sampled).
// Many conversations are answered at once. Promise: an answer depends on the weights, its conversation, seed and stream alone.
#pragma once

#include "chat.hpp"
#include "generate.hpp"

// Runs a tool for conversation i. Must not throw for anything the model wrote.
using ToolCaller = std::function<ToolOutput(int64_t i, const ToolCall& call)>;

// The program's own tools (tools.hpp): a search in `documents` (a path; empty: there are none), and code for the built-in interpreter or
// for python3. Defined in text_chapters.cpp, where tools.hpp is compiled.
ToolCaller open_tools(const std::string& documents, bool python3);

struct AnswerOptions {
    int64_t max_tokens = 256;          // drawn in a turn, over all its messages
    SamplingConfig sampling;
    uint64_t seed = 1;
    int64_t most_calls = 4;            // of tools in a turn; a further one is told so
    bool with_logits = false;          // see OnTurnToken
};

struct Answer {
    Turn turn;
    Rollout rollout;                   // all that follows the header
    std::vector<int32_t> prompt;       // the conversation with the header
    int64_t failed_calls = 0;          // of tools
    // Has the model ended its turn, with <|im_end|> and behind words of its own? What ran out of tokens or of context, gave up with <|endoftext|> or
    // stops at the output of a tool has no answer: it is worth nothing and counts as truncated, in RL, eval and probe (reply_of in eval.hpp).
    bool is_ended() const { return rollout.reason == StopReason::end_of_text && (turn.messages.empty() || turn.messages.back().role == Role::assistant); }
};

// Hears every token of a turn as it comes, also the forced ones (logits: null there); false ends the turn.
using OnTurnToken = std::function<bool(int64_t i, int32_t id, bool drawn, const float* logits)>;

namespace assistant {

// Notices in a row of drawn tokens where a call of a tool is complete.
class CallDetector {
   public:
    explicit CallDetector(const ChatFormat& format) : format_(&format) {}
    std::optional<ToolCall> push(int32_t id) {
        const ChatTokens& t = format_->tokens;
        if (id == t.search_start || id == t.python_start) {
            open_ = id;
            text_.clear();
        } else if (open_ >= 0 && id == (open_ == t.search_start ? t.search_end : t.python_end)) {
            return ToolCall{std::exchange(open_, -1) == t.search_start ? "search" : "python", std::exchange(text_, "")};
        } else if (open_ >= 0) {
            if (format_->tokenizer.is_special(id)) open_ = -1;   // a broken call: nothing to run
            else text_ += format_->tokenizer.token_bytes(id);
        }
        return {};
    }

   private:
    const ChatFormat* format_;
    int32_t open_ = -1;
    std::string text_;
};

}  // namespace assistant

// Answers each conversation (which ends with a message that is not the assistant's). streams[i] numbers its random numbers; empty: i.
inline std::vector<Answer> answer(Generator& generator, const ChatFormat& format, const std::vector<Conversation>& conversations,
                                  const AnswerOptions& options, const ToolCaller& call_tool = {}, const OnTurnToken& on_token = {},
                                  const std::vector<uint64_t>& streams = {}) {
    const size_t n = conversations.size();
    std::vector<Answer> answers(n);
    std::vector<Request> requests(n);
    for (size_t i = 0; i < n; i++) {
        requests[i] = {format.render(conversations[i], true).ids, streams.empty() ? i : streams[i]};
        answers[i].prompt = requests[i].prompt;
    }
    std::vector<assistant::CallDetector> detectors(n, assistant::CallDetector(format));
    std::vector<int64_t> calls(n, 0);
    const GenerateOptions draw{options.max_tokens, options.sampling, options.seed, {format.tokens.im_end}, options.with_logits};
    std::vector<Rollout> rollouts = generator.run(requests, draw, [&](int64_t i, int32_t id, const float* logits) {
        Reaction reaction;
        reaction.stop = (on_token && !on_token(i, id, true, logits)) || (format.tokenizer.end_of_text() >= 0 && id == format.tokenizer.end_of_text());
        const auto call = detectors[size_t(i)].push(id);
        if (reaction.stop || !call) return reaction;
        ToolOutput output{"error: there are no tools in this conversation", false};
        if (++calls[size_t(i)] > options.most_calls) output.text = cat("error: more than ", options.most_calls, " calls in one turn");
        else if (call_tool) output = call_tool(i, *call);
        answers[size_t(i)].failed_calls += !output.ok;
        reaction.forced = format.tool_output(output.text);
        for (const int32_t forced : reaction.forced)
            if (on_token) on_token(i, forced, false, nullptr);
        return reaction;
    });
    for (size_t i = 0; i < n; i++) {
        answers[i].turn = parse_turn(format, rollouts[i].ids);
        answers[i].rollout = std::move(rollouts[i]);
    }
    return answers;
}
