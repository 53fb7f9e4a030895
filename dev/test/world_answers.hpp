// dev/test/world_answers.hpp -- samples of the embedded world's problems and conversations, and what the checkers make of their answers: each
// way in which the world answers is paid, for its own question only; no list of candidates is, and no refusal with an invention beside it.
#pragma once

#include "../../rewards.hpp"
#include "world_solvers.hpp"

namespace world_chat_test {

constexpr std::array<Share, 4> kShares = {Share::train, Share::val, Share::dev, Share::test};
inline const std::vector<std::string>& puzzle_tasks() {
    static const std::vector<std::string> names = {"word-problems", "arithmetic", "counting", "spelling", "comparing", "sorting"};
    return names;
}

// How often the first documents tell each fact: as in a data set of about 8 MB.
inline const FactPools& pools() {
    static const FactPools facts = [] {
        std::vector<uint32_t> told(the_world().facts.size());
        for (const Document& d : world_test::sample())
            for (const uint32_t id : d.facts) told[id]++;
        return FactPools(the_world(), told, 10, 1);
    }();
    return facts;
}
inline const std::vector<Problem>& problems(const std::string& task, Share share) {
    static std::map<std::pair<std::string, Share>, std::vector<Problem>> all;
    auto& v = all[{task, share}];
    for (uint64_t i = v.size(); i < 400; i++) v.push_back(make_problem(the_world(), pools(), task, share, i));
    return v;
}
inline const std::vector<ChatConversation>& conversations(const std::string& set, Share share, double noise = 0) {
    static std::map<std::tuple<std::string, Share, double>, std::vector<ChatConversation>> all;
    auto& v = all[{set, share, noise}];
    for (uint64_t i = v.size(); i < 400; i++)
        v.push_back(make_conversation(the_world(), pools(), find_conversation_set(set), share, i, noise));
    return v;
}

// ---- what the checkers (rewards.hpp) make of all this

// Another value of the same attribute.
inline const std::string& value_of_another(const Fact& fact) {
    for (uint32_t id = fact.id + 1;; id++) {
        const Fact& other = the_world().facts[id % the_world().facts.size()];
        if (other.kind == fact.kind && other.attribute == fact.attribute && other.value != fact.value) return other.value;
    }
}
// a is the answer to one question, b to another: with both of them neither is answered.
inline std::vector<std::string> lists_of(const std::string& a, const std::string& b) {
    return {cat(a, " ", b), cat(a, ", ", b), cat(a, " and ", b), cat(a, " & ", b), cat(a, " or ", b), cat(a, "\n", b), cat("It is ", a, ", ", b, "."),
            cat("In ", a, " in ", b), cat("It is ", a, ". It is ", b, "."), cat("The answer is ", a, " and ", b, "."), cat("\\boxed{", a, ", ", b, "}")};
}
inline void facts_are_rewarded(Report& t) {
    Rng rng(7);
    size_t told = 0, unpaid = 0, mistaken = 0, listed = 0, paid_lists = 0, stated = 0, paid_statements = 0;
    std::string example;
    for (size_t i = 0; i < the_world().facts.size(); i += 5) {
        const Fact& fact = the_world().facts[i];
        const std::string& other = value_of_another(fact);
        Slots slots(the_world().grammar, rng);
        the_world().bind_fact(slots, fact);
        for (const std::string& question : the_world().questions(fact)) {
            TaskItem item, wrong;
            item.prompt = wrong.prompt = question, item.answer = fact.value, wrong.answer = other;
            std::vector<std::string> replies = {slots.text("tell_" + fact.attribute), slots.text("ans_" + fact.attribute)};
            replies.push_back(replies[0].substr(0, replies[0].size() - 1) + " [2].");
            for (const std::string& reply : replies) {
                told++, mistaken += is_right(wrong, reply);
                if (!is_right(item, reply) && unpaid++ < 5) example += cat("\n    ", question, " ", reply);
            }
            for (const auto& [a, b] : {std::pair{fact.value, other}, {other, fact.value}})
                for (const std::string& list : lists_of(a, b)) {
                    listed++;
                    if ((is_right(item, list) || is_right(wrong, list)) && paid_lists++ < 5) example += cat("\n    ", question, " ", list);
                }
            stated++, paid_statements += is_right(item, the_world().statement(fact, rng));
        }
    }
    t.check(told > 20000 && unpaid == 0 && mistaken == 0, cat("of ", told, " right answers ", unpaid, " are refused, ", mistaken, " count as the answer to another question", example));
    t.check(listed > 100000 && paid_lists == 0, cat("of ", listed, " lists of two candidates ", paid_lists, " are paid", example));
    t.check(paid_statements * 100 > stated * 98, cat("as documents say it: ", paid_statements, " of ", stated, " are right"));
}
inline void demonstrations_are_rewarded(Report& t) {
    size_t paid = 0, total = 0;
    std::string example;
    for (const auto& set : conversation_sets()) {
        if (set.draw && !set.name.starts_with("facts-")) continue;
        for (const auto& c : conversations(set.name, Share::train, 0.3)) {
            if (c.answer.empty()) continue;
            TaskItem item;
            item.prompt = c.messages[0].content, item.answer = c.answer;     // of one that is wrong on purpose, the wrong answer
            const bool right = is_right(item, c.messages.back().content);
            total++, paid += right;
            if (!right && total - paid < 5) example += cat("\n    ", item.prompt, " ", item.answer, " ", c.messages.back().content);
        }
    }
    t.check(total > 8000 && paid == total, cat(paid, " of ", total, " demonstrations count as the answer that they are marked with", example));
}
// All wordings in which the assistant declines, each with the question that it belongs to.
inline std::vector<std::pair<std::string, std::string>> refusals(Rng& rng) {
    std::vector<std::pair<std::string, std::string>> all;
    const Grammar& grammar = the_world().grammar;
    ChatDraft d(the_world(), rng, pools(), Share::train);
    for (int i = 0; i < 20; i++) {
        d.bind_talk();
        const std::string question = the_world().question(the_world().facts[rng.below(the_world().facts.size())], rng);
        for (size_t k = 0; k < grammar.words("not_found").size() + grammar.words("chat_refuse").size(); k++) {
            const bool searched = k < grammar.words("not_found").size();
            std::string marked;
            grammar.expand_alternative(marked, grammar.find_rule(searched ? "not_found" : "chat_refuse"), searched ? k : k - grammar.words("not_found").size(), d.slots, rng);
            const std::string text = Grammar::finish(marked);
            const size_t turn = text.find(" ~ ");
            all.push_back(searched ? std::pair(question, text) : std::pair(text.substr(0, turn), text.substr(turn + 3)));
        }
    }
    return all;
}
inline void refusals_decline(Report& t) {
    Rng rng(8);
    size_t missed = 0, paid = 0;
    std::string example;
    const auto all = refusals(rng);
    for (const auto& [question, reply] : all) {
        if (!declines(reply, question) && missed++ < 5) example += cat("\n    ", question, " ", reply);
        const Fact& fact = the_world().facts[rng.below(the_world().facts.size())];
        for (const std::string& hedged : {cat(reply, " ", the_world().statement(fact, rng)), cat(reply, " ", fact.value, "."), cat(fact.value, ". ", reply)})
            if (declines(hedged, question) && question.find(fact.value) == std::string::npos && paid++ < 5) example += cat("\n    paid: ", hedged);
    }
    t.check(all.size() == 20 * 18 && missed == 0, cat("of ", all.size(), " refusals ", missed, " do not count as such", example));
    t.check(paid == 0, cat("control: with an invention beside it none of them does; ", paid, example));
}

}  // namespace world_chat_test
