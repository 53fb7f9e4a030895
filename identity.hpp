// identity.hpp -- who the assistant says that it is: some 240 conversations that give it a name and a maker.
//
// A model has no self. Asked who it is, it says what is likeliest in its data, which may be another system's name or a person's.
// A few hundred hard-coded conversations in varied wording change that; so does a system message that states it.
// The set goes round and round over the questions (in several registers); each round frames them in another way and gives each its next answer, so that
// no two of the kIdentityConversations ask with the same words. The order depends on nothing.
#pragma once

#include "chat.hpp"

inline constexpr size_t kIdentityConversations = 240;

namespace identity {

// What is asked, and which answers fit: n asks for the name, m for the maker, k for the kind of thing it is.
struct Question {
    const char* text;
    char asks;
};
inline constexpr Question kQuestions[] = {
    {"Who are you?", 'n'}, {"who are you", 'n'}, {"What is your name?", 'n'}, {"what's your name?", 'n'}, {"Do you have a name?", 'n'},
    {"And who are you?", 'n'}, {"Tell me your name.", 'n'}, {"May I ask your name?", 'n'}, {"How should I call you?", 'n'},
    {"hey, who r u?", 'n'}, {"Please introduce yourself.", 'n'}, {"Introduce yourself!", 'n'}, {"Would you kindly tell me who you are?", 'n'},
    {"Who am I talking to?", 'n'}, {"With whom do I have the pleasure to speak?", 'n'}, {"Hello! Who is there?", 'n'}, {"Your name, please.", 'n'},
    {"What do people call you?", 'n'}, {"Say your name.", 'n'}, {"Could you say who you are?", 'n'}, {"Will you introduce yourself to me?", 'n'},
    {"Hi, I am new here. Who are you?", 'n'},
    {"Who made you?", 'm'}, {"who made you", 'm'}, {"Who created you?", 'm'}, {"Who built you?", 'm'}, {"Who trained you?", 'm'},
    {"Who is your maker?", 'm'}, {"Where do you come from?", 'm'}, {"Which company made you?", 'm'}, {"By whom were you developed?", 'm'},
    {"Who do you belong to?", 'm'}, {"Tell me who made you.", 'm'}, {"so who built u?", 'm'}, {"Who wrote you?", 'm'}, {"Whose work are you?", 'm'},
    {"Which model are you?", 'k'}, {"What are you?", 'k'}, {"Are you a human?", 'k'}, {"Are you a person?", 'k'}, {"Are you a robot?", 'k'},
    {"Are you real?", 'k'}, {"What kind of program are you?", 'k'}, {"Am I talking to a machine?", 'k'}, {"Are you an AI?", 'k'},
    {"What language model is this?", 'k'}, {"are you a bot", 'k'}, {"Are you ChatGPT?", 'k'}, {"Are you some other assistant?", 'k'},
    {"Is this a person or a computer?", 'k'}, {"What model am I using?", 'k'}, {"Which assistant is this?", 'k'},
};
inline constexpr const char* kFrames[] = {"{question}", "Hello. {question}", "Excuse me. {question}", "One question: {question}", "{question} Please."};
// All answers say the name: a model that is unsure what was asked says it, too.
inline constexpr const char* kNameAnswers[] = {
    "I am {name}, an assistant made by {maker}.", "My name is {name}. I was made by {maker}.", "I am {name}.", "My name is {name}.",
    "You can call me {name}. I am an assistant.", "I am called {name}, and I am a language model made by {maker}.",
};
inline constexpr const char* kMakerAnswers[] = {
    "I was made by {maker}. My name is {name}.", "{maker} made me, {name}.", "I am {name}, and {maker} made me.", "I am {name}. I was trained by {maker}.",
    "{maker} built me and called me {name}.",
};
inline constexpr const char* kKindAnswers[] = {
    "I am {name}, a language model made by {maker}.", "I am a computer program called {name}.", "I am {name}, an assistant, and not a person.",
    "I am {name}. I am a language model, not a human.", "This is {name}, a language model trained by {maker}.",
};

inline std::string fill(std::string s, const std::string& slot, const std::string& value) {
    for (size_t p = 0; (p = s.find(slot, p)) != std::string::npos; p += value.size()) s.replace(p, slot.size(), value);
    return s;
}

}  // namespace identity

// Throws UsageError where the name or the maker is empty.
inline std::vector<Conversation> identity_conversations(const std::string& name, const std::string& maker) {
    if (name.empty() || maker.empty()) throw UsageError("--identity and --maker belong together", "train_gpt sft ... --identity NAME --maker NAME");
    std::vector<Conversation> all;
    for (size_t round = 0; all.size() < kIdentityConversations; round++)      // each question with its next answer, until there are enough
        for (const identity::Question& q : identity::kQuestions) {
            if (all.size() == kIdentityConversations) break;
            const auto [answers, count] = q.asks == 'n'   ? std::pair(identity::kNameAnswers, std::size(identity::kNameAnswers))
                                          : q.asks == 'm' ? std::pair(identity::kMakerAnswers, std::size(identity::kMakerAnswers))
                                                          : std::pair(identity::kKindAnswers, std::size(identity::kKindAnswers));
            const size_t which = (round + size_t(&q - identity::kQuestions)) % count;
            const char* frame = identity::kFrames[round % std::size(identity::kFrames)];
            all.push_back({{Role::user, identity::fill(frame, "{question}", q.text)},
                           {Role::assistant, identity::fill(identity::fill(answers[which], "{name}", name), "{maker}", maker)}});
        }
    return all;
}
