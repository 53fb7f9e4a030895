// dev/test/test_world_chat.hpp -- conversations and tasks of the embedded world, solved again by solvers that read the prompt alone
// (world_solvers.hpp), their code run by the interpreter that the assistant will really have.
// Each checker is also shown a planted mistake. The shares are compared by what a prompt asks, whatever its names and wording.
#pragma once

#include "../../interpreter.hpp"
#include "world_answers.hpp"

namespace world_chat_test {

inline void answers_are_right(Report& t) {
    for (const auto& task : puzzle_tasks()) {
        size_t wrong = 0, seen = 0;
        std::set<std::string> kinds, prompts;
        std::map<int, size_t> difficulties;
        std::string example;
        for (const Share share : kShares)
            for (const Problem& p : problems(task, share)) {
                seen++;
                kinds.insert(p.kind);
                prompts.insert(p.prompt);
                difficulties[p.difficulty]++;
                if (const std::string s = solve(task, p.prompt); s != p.answer && wrong++ < 3) example += cat("\n    ", p.prompt, " ",
                        p.answer, ", not ", s);
            }
        t.check(wrong == 0, cat(task, ": a second solver agrees with every answer of ", seen, "; ", wrong, " are wrong", example));
        t.check(int(difficulties.size()) == find_task(task).difficulties, cat(task, ": all difficulties occur"));
        for (const auto& [d, n] : difficulties) t.check(n * size_t(find_task(task).difficulties) > seen / 2, cat(task, ": difficulty ", d,
                " occurs often"));
        t.check(kinds.size() >= 2 && prompts.size() > seen * 3 / 4, cat(task, ": ", kinds.size(), " kinds, ", prompts.size(),
                " prompts of ", seen));
    }
    t.check(problems("word-problems", Share::train).size() == 400, "problems were made");
    std::set<std::string> templates;
    for (const Share share : kShares)
        for (const Problem& p : problems("word-problems", share)) templates.insert(p.kind);
    t.check(templates.size() == word_problem_templates().size(), "every template of word problems occurs");
    t.check(solve("word-problems",
            "Emily buys 3 apples and 2 oranges. Each orange costs $2. The total is $13. What does one apple cost?") == "3" &&
                solve("spelling", "What is every third letter of \"ubiquitous\"?") == "iiu" && solve("spelling",
                        "How many r are in \"strawberry\"?") == "3" &&
                solve("comparing", "Which number is larger, 9.11 or 9.9?") == "9.9" && solve("counting", "Count the dots: ... ..") == "5" &&
                solve("sorting", "Sort these numbers from the largest to the smallest: 3, 10, 7") == "10, 7, 3" && solve("arithmetic",
                        "23 x 17?") == "391",
            "the second solvers know the famous problems");
}

// ---- worked solutions

inline void steps_are_right(Report& t) {
    for (const auto& task : puzzle_tasks()) {
        size_t wrong = 0, equations = 0;
        std::string example;
        for (const Share share : {Share::train, Share::test})
            for (const Problem& p : problems(task, share)) {
                equations += size_t(std::count(p.steps.begin(), p.steps.end(), '='));
                const Complaints c = wrong_steps(task, p.steps, p.prompt, p.answer);
                if (!c.empty() && wrong++ < 3) example += cat("\n    ", c[0], ": ", p.prompt, " ", p.steps, " ", p.answer);
            }
        t.check(wrong == 0, cat(task, ": every step is right; ", wrong, " are not", example));
        if (task == "word-problems" || task == "arithmetic") t.check(equations > 1500, cat(task, ": there are many equations: ",
                equations));
    }
    auto rejected = [&](const char* task, const char* steps, const char* prompt, const char* answer) {
        t.check(!wrong_steps(task, steps, prompt, answer).empty(), cat("control: a wrong step is found: ", steps));
    };
    rejected("word-problems", "Price: 2 x 3 = 7.", "", "7");
    rejected("word-problems", "Price: 2 x 3 = 6.", "", "7");
    rejected("arithmetic", "8 + 6 = 14, write 4 and carry 1. 4 + 2 + 1 = 7.", "48 + 26?", "84");
    rejected("counting", "1 2 3, 5.", "Count the dots: ... .", "4");
    rejected("spelling", "o-v-l.", "Write \"owl\" backwards.", "lwo");
    rejected("comparing", "Both begin with 9. After the point: 11 and 90. 11 is larger than 90.", "", "9.11");
    rejected("sorting", "3, 2, 1: 2. 3, 1: 1. Then 3.", "", "1, 2, 3");
}

// The code gives the output, and the output the answer, by the interpreter that the assistant's tool is.
inline void code_is_right(Report& t) {
    for (const auto& task : puzzle_tasks()) {
        size_t wrong = 0;
        std::string example;
        for (const Problem& p : problems(task, Share::train)) {
            const ProgramResult r = run_program(p.code);
            const bool says = task == "comparing" || task == "sorting" || r.output == p.answer || r.output == "'" + p.answer + "'";
            if ((!r.ok || r.output != p.output || !says) && wrong++ < 3) example += cat("\n    ", p.code, " gives ", r.output, ", not ",
                    p.output);
        }
        t.check(wrong == 0, cat(task, ": the code gives what the tool's message says; ", wrong, " do not", example));
    }
    t.check(run_program("\"strawberry\".count(\"r\")").output == "3" && run_program("(13 - (2 * 2)) // 4").output != "3",
            "control: other code gives another answer");
}

// ---- shares

inline size_t overlap(const std::set<std::string>& a, const std::set<std::string>& b) {
    size_t n = 0;
    for (const auto& x : a) n += b.count(x);
    return n;
}
inline void shares_are_disjoint(Report& t) {
    std::vector<std::string> tasks = puzzle_tasks();
    for (const char* task : {"facts", "facts-rare", "nobody"}) tasks.push_back(task);
    for (const auto& task : tasks) {
        std::array<std::set<std::string>, 4> seen, halves;
        for (const Share share : kShares) {
            const auto& v = problems(task, share);
            for (size_t i = 0; i < v.size(); i++) {
                const std::string what = task == "nobody" ? v[i].entity : v[i].attribute.empty() ? essence(task, v[i].prompt)
                        : cat(v[i].entity, v[i].attribute);
                seen[size_t(share)].insert(what);
                if (share == Share::train) halves[i / size_t(find_task(task).difficulties) % 2].insert(what);
            }
        }
        for (size_t a = 0; a < 4; a++)
            for (size_t b = a + 1; b < 4; b++)
                if (const size_t n = overlap(seen[a], seen[b])) t.check(false, cat(task, ": ", n, " problems are in ", kShareNames[a],
                        " and ", kShareNames[b]));
        t.check(!seen[0].empty() && !seen[3].empty(), task + ": the shares are not empty");
        if (task == "arithmetic" || task == "facts" || task == "nobody" || task == "spelling")
            t.check(overlap(halves[0], halves[1]) > 0, task + ": control: a split by number would have overlapped");
        // what a conversation demonstrates is in no dev or test file
        if (task.starts_with("facts") || task == "nobody") continue;
        std::set<std::string> demonstrated;
        const std::string set = cat(task == "word-problems" ? "problems" : task, "-steps");
        for (const Share share : {Share::train, Share::val})
            for (const auto& c : conversations(set, share)) demonstrated.insert(essence(task, c.messages[0].content));
        t.check(overlap(demonstrated, seen[2]) == 0 && overlap(demonstrated, seen[3]) == 0, task +
                ": no conversation is about a dev or test problem");
        t.check(overlap(demonstrated, seen[0]) > 0, task + ": control: it is about problems of the training share");
    }
    for (const char* set : {"smalltalk", "writing", "rewriting", "refusals"}) {
        std::array<std::set<std::string>, 2> asked;
        for (const Share share : {Share::train, Share::val})
            for (const auto& c : conversations(set, share)) {
                std::string all;
                for (const auto& m : c.messages)
                    if (m.role == std::string("user")) all += m.content + "\n";
                asked[size_t(share)].insert(all);
            }
        t.check(overlap(asked[0], asked[1]) == 0, cat(set, ": train and val ask different things"));
        t.check(asked[0].size() > 200 && asked[1].size() > 60, cat(set, ": many different requests: ", asked[0].size(), " and ",
                asked[1].size()));
    }
    size_t torn = 0, friends = 0;  // "Tom's sister is Ada" and "Ada's brother is Tom" are in the same share
    for (const Fact& f : the_world().facts)
        if (f.attribute == "sibling" || f.attribute == "best_friend")
            for (const Fact& other : the_world().facts)
                if (other.attribute == f.attribute && other.entity == f.value)
                    friends++, torn += share_of(fact_key(f)) != share_of(fact_key(other));
    t.check(torn == 0 && friends > 2000, cat("both ends of a friendship are in one share: ", friends, ", torn ", torn));
    t.check(share_of("emily 3 2 2 13") == Share::test && share_of("spelling strawberry") == Share::test &&
            share_of("comparing 9.11 9.9") == Share::test,
            "the famous problems are for the test");
    std::array<size_t, 4> counts{};
    for (int i = 0; i < 10000; i++) counts[size_t(share_of(cat("key ", i)))]++;
    t.check(counts[0] > 6800 && counts[0] < 7200 && counts[1] > 900 && counts[2] > 900 && counts[3] > 900, "70, 10, 10 and 10 percent");
}

// ---- conversations

inline const ChatMessage& last(const ChatConversation& c) { return c.messages.back(); }
inline size_t words_in(const ChatConversation& c) {
    size_t n = 0;
    for (const auto& m : c.messages)
        for (const auto& text : {m.content, m.thinking, m.argument}) n += text.empty() ? 0 : size_t(std::count(text.begin(), text.end(),
                ' ')) + 1;
    return n;
}
// The rules of the protocol, and plain characters.
inline Complaints malformed(const ChatConversation& c) {
    Complaints v;
    for (size_t i = 0; i < c.messages.size(); i++) {
        const ChatMessage& m = c.messages[i];
        const std::string role = m.role, before = i ? c.messages[i - 1].role : "";
        if (role == "system" && i > 0) v.push_back("a late system message");
        if (role == "user" && !(before.empty() || before == "system" || before == "assistant")) v.push_back("user after " + before);
        if (role == "assistant" && before != "user" && before != "tool") v.push_back("assistant after " + before);
        if ((role == "tool") != (i > 0 && !c.messages[i - 1].tool.empty())) v.push_back("tool output without call, or call without output");
        if (role != "assistant" && (!m.thinking.empty() || !m.tool.empty())) v.push_back(role + " thinks or calls");
        if (m.content.empty() && m.tool.empty()) v.push_back("an empty message");
        for (const auto& text : {m.content, m.thinking, m.argument})
            for (const char ch : text)
                if (ch != '\n' && (ch < ' ' || ch > '~')) v.push_back(cat("byte ", int(uint8_t(ch))));
        if (!m.content.empty() && (m.content.back() == ' ' || m.content.back() == '\n' ||
                m.content.front() == ' ')) v.push_back("white space: " + m.content);
        if (has(m.content, "  ") || has(m.content, "~")) v.push_back("spaces or marks: " + m.content);
    }
    if (c.messages.empty() || last(c).role != std::string("assistant") || !last(c).tool.empty()) v.push_back("does not end with an answer");
    return v;
}
inline void conversations_are_well_formed(Report& t) {
    size_t bad = 0, longest = 0, seen = 0;
    std::string example, long_one;
    for (const auto& set : conversation_sets())
        for (const Share share : {Share::train, Share::val})
            for (const auto& c : conversations(set.name, share)) {
                seen++;
                const Complaints v = malformed(c);
                if (!v.empty() && bad++ < 3) example += cat("\n    ", set.name, ": ", v[0]);
                if (words_in(c) > longest) longest = words_in(c), long_one = set.name;
                if (c.set != set.name) t.check(false, "a conversation names its set");
            }
    t.check(seen == 800 * conversation_sets().size() && bad == 0, cat(bad, " of ", seen, " conversations are malformed", example));
    t.check_at_most(double(longest), 130, cat("the longest conversation has few words (", long_one, ")"));
    ChatConversation c;
    c.messages = {{"user", "Hi"}, {"tool", "3"}};
    t.check(!malformed(c).empty(), "control: tool output without a call");
    c.messages = {{"user", "Hi"}, {"assistant", "", "", "python", "1"}, {"tool", "1"}};
    t.check(!malformed(c).empty(), "control: no answer");
    c.messages = {{"user", "Caf\xc3\xa9"}, {"assistant", "Yes."}};
    t.check(!malformed(c).empty(), "control: a byte that is not ASCII");
}
inline void english_is_right(Report& t) {
    auto user_or_answer = [](const std::string& set) {
        std::string all;
        for (const Share share : {Share::train, Share::val})
            for (const auto& c : conversations(set, share))
                for (const auto& m : c.messages)
                    if (m.role != std::string("tool")) all += m.content + "\n";
        return all;
    };
    for (const char* set : {"facts", "facts-rare", "facts-context", "facts-search", "smalltalk", "writing", "rewriting", "refusals",
            "problems-direct"}) {
        std::string first;
        size_t articles = 0, sentences = 0;
        for (const auto& line : split_on(user_or_answer(set), "\n")) {
            if (const auto c = world_test::wrong_articles(line); !c.empty() && articles++ == 0) first += "\n    " + c[0] + ": " + line;
            if (set == std::string("rewriting") || line.starts_with("on ") || line.starts_with("thank you") ||
                    line.starts_with("greetings")) continue;
            if (const auto c = world_test::wrong_sentences(line); !c.empty() && sentences++ == 0) first += "\n    " + c[0];
        }
        t.check(articles == 0, cat(set, ": articles are right; ", articles, " are not", first));
        t.check(sentences == 0, cat(set, ": sentences begin, end and agree; ", sentences, " do not", first));
    }
}

inline void demonstrations(Report& t) {
    for (const auto& set : conversation_sets()) {
        if (set.draw) continue;
        const std::string task = set.task, way = after(set.name, "-");
        size_t wrong = 0, with_reasons = 0;
        std::string example;
        const auto& v = conversations(set.name, Share::train);
        for (size_t i = 0; i < v.size(); i++) {
            const ChatConversation& c = v[i];
            const Problem& p = problems(task, Share::train)[i];
            const std::string& reply = last(c).content;
            const std::string phrase = "The answer is " + solve(task, p.prompt) + ".";
            bool ok = c.messages[0].content == p.prompt && c.answer == p.answer && c.difficulty == p.difficulty && !c.noisy;
            if (way == "direct") ok &= reply.starts_with(phrase) && c.messages.size() == 2 && last(c).thinking.empty();
            if (way == "steps") ok &= reply.ends_with(" " + phrase) && reply.size() > phrase.size() + 3 && last(c).thinking.empty();
            if (way == "thinking") ok &= reply == phrase && last(c).thinking == p.steps;
            if (way == "python") ok &= reply == phrase && c.messages.size() == 4 && c.messages[1].argument == p.code &&
                    c.messages[2].content == p.output;
            with_reasons += reply.size() > phrase.size();
            if (!ok && wrong++ < 2) example += "\n    " + reply;
        }
        t.check(wrong == 0, cat(set.name, ": conversation i solves problem i in its way; ", wrong, " do not", example));
        if (set.name == "problems-direct") t.check(with_reasons > 120 && with_reasons < 280,
                cat("half of the direct answers have reasons after the result: ", with_reasons));
    }
}
inline void noise_is_as_asked(Report& t) {
    for (const char* set : {"problems-steps", "problems-direct", "problems-thinking", "problems-python"}) {
        size_t noisy = 0, bare = 0, unmarked = 0, marked_right = 0, held = 0, carried = 0;
        const auto &v = conversations(set, Share::train, 0.3), &clean = conversations(set, Share::train, 0);
        for (size_t i = 0; i < v.size(); i++) {
            const std::string right = solve_word_problem(v[i].messages[0].content), phrase = "The answer is " + right + ".";
            const std::string reply = last(v[i]).content, steps = reply + last(v[i]).thinking;
            noisy += v[i].noisy;
            unmarked += !v[i].noisy && !has(reply, phrase);
            marked_right += v[i].noisy && has(reply, phrase);
            if (v[i].noisy && !has(steps, "=")) bare++;
            if (v[i].noisy && has(steps, "=")) (world_test::wrong_equations(steps).empty() ? held : carried)++;
            t.check(v[i].messages[0].content == clean[i].messages[0].content, cat(set, ": noise does not change the problem"));
        }
        const bool python = set == std::string("problems-python");
        t.check(python ? noisy == 0 : noisy > 90 && noisy < 150, cat(set, ": about 30 % of 400 are marked as wrong: ", noisy));
        t.check(unmarked == 0 && marked_right == 0, cat(set, ": marked are those that end wrong: ", unmarked, " ", marked_right));
        t.check(held == 0 && (python || (bare > 25 && carried > 25)), cat(set, ": a mistake is carried through (", carried,
                ") or jumped to (", bare, ")"));
    }
    size_t val = 0, all = 0;
    for (const auto& c : conversations("problems-steps", Share::val, 1.0)) val += c.noisy;
    for (const auto& c : conversations("problems-steps", Share::train, 1.0)) all += c.noisy;
    t.check(val == 0 && all == 400, "noise 1 makes every training demonstration wrong, and none for validation");
    // after the mistake every step follows from the ones before: only one equation is wrong, divisions rounded down aside
    size_t several = 0;
    for (const Problem& p : problems("word-problems", Share::train))
        if (p.difficulty <= 2 && !has(p.wrong_steps, "/")) several += world_test::wrong_equations(p.wrong_steps).size() != 1;
    t.check(several == 0, "exactly one step of a wrong solution is wrong");
}

// ---- facts

inline const Fact* find_fact(const std::string& question) {
    static const std::map<std::string, const Fact*> by_question = [] {
        std::map<std::string, const Fact*> m;
        for (const Fact& f : the_world().facts)
            for (const auto& q : the_world().questions(f)) m[q] = &f;
        return m;
    }();
    const auto it = by_question.find(question);
    return it == by_question.end() ? nullptr : it->second;
}
inline std::string without_prefix(std::string q) {
    for (const char* prefix : {"Please tell me: ", "I have a question. ", "Can you help me? ", "Quick question: ", "One question: ",
            "Hello! ", "Hi! "})
        if (q.starts_with(prefix)) return after(q, prefix);
    return q;
}
inline void facts_are_answered(Report& t) {
    size_t single = 0, several = 0, wrong = 0, brief = 0;
    std::string example;
    for (const Share share : {Share::train, Share::val})
        for (const auto& c : conversations("facts", share)) {
            const bool system = c.messages[0].role == std::string("system");
            const size_t turns = (c.messages.size() - system) / 2;
            (turns > 1 ? several : single)++;
            const Fact* f = find_fact(without_prefix(c.messages[system].content));
            const ChatMessage& reply = c.messages[size_t(system) + 1];
            bool ok = f ? mentions(reply.content, f->value) && pools().times_told(f->id) >= 10 : has(reply.content, " is ") ||
                    has(reply.content, " lies ");
            if (!c.answer.empty()) ok &= mentions(last(c).content, c.answer) && c.told >= 10;
            if (f && has(c.messages[0].content, "short") && system) brief++, ok &= !mentions(reply.content, f->entity) ||
                    f->kind != "person";
            if (!ok && wrong++ < 3) example += cat("\n    ", c.messages[system].content, " ", reply.content);
        }
    t.check(wrong == 0, cat("known facts are answered with their value; ", wrong, " are not", example));
    t.check(single > 200 && several > 150 && brief > 5, cat("one turn ", single, ", several ", several, ", brief ", brief));
    for (const char* set : {"facts-rare", "facts-context", "facts-search"}) {
        size_t bad = 0, missing = 0;
        for (const Share share : {Share::train, Share::val}) {
            const auto &v = conversations(set, share), &plain = conversations("facts-rare", share);
            for (size_t i = 0; i < v.size(); i++) {
                const ChatConversation& c = v[i];
                const Fact* f = find_fact(without_prefix(plain[i].messages[0].content));
                bool ok = f && pools().times_told(f->id) <= 1 && c.told <= 1;
                const std::string reply = last(c).content;
                if (set == std::string("facts-context")) ok &= mentions(c.messages[0].content, f->value) && mentions(c.messages[0].content,
                        f->kind == "animal" ? the_world().animals[f->entity_id].name : f->entity);
                if (set == std::string("facts-search") && c.answer.empty()) {
                    missing++;
                    ok &= !mentions(c.messages[2].content, f->value);
                } else {
                    ok &= mentions(reply, f->value) && c.answer == f->value;
                    if (set == std::string("facts-search")) {
                        std::smatch m;  // the passage of the number that is cited says it
                        ok &= std::regex_search(reply, m, std::regex("\\[([0-9])\\]\\.$"));
                        const std::string cited = ok ? after(c.messages[2].content, cat("[", m[1].str(), "] ")) : "";
                        ok = ok && mentions(cited.substr(0, cited.find("\n[")), f->value) && mentions(c.messages[1].argument,
                                f->entity) && c.messages[1].tool == "search";
                    }
                }
                bad += !ok;
            }
        }
        t.check(bad == 0, cat(set, ": rare facts are answered, each in its way; ", bad, " are not"));
        t.check(set == std::string("facts-search") ? missing > 25 && missing < 120 : missing == 0, cat(set, ": not found now and then: ",
                missing));
    }
    size_t wrong_tasks = 0;
    std::array<size_t, 4> levels{};
    for (const Problem& p : problems("facts", Share::test)) {
        const Fact* f = find_fact(p.prompt);
        wrong_tasks += !f || f->value != p.answer || f->entity != p.entity || p.told != pools().times_told(f->id) || f->held_out;
        wrong_tasks += p.difficulty == 1 ? p.told < 10 : p.difficulty == 2 ? p.told != 1 : p.told != 0;
        levels[size_t(p.difficulty)]++;
    }
    t.check(wrong_tasks == 0 && levels[1] > 100 && levels[2] > 100 && levels[3] > 100,
            "tasks on facts: the answer of the table, told often, once, never");
    size_t bad_context = 0;
    for (size_t i = 0; i < 400; i++) {
        const Problem &c = problems("facts-context", Share::test)[i], &r = problems("facts-rare", Share::test)[i];
        bad_context += c.entity != r.entity || c.answer != r.answer || !has(c.prompt, r.prompt) || !mentions(c.prompt, c.answer) ||
                r.told > 1;
    }
    t.check(bad_context == 0, "facts-context is facts-rare with the passage, item for item");
    const Problem bare = make_problem(the_world(), "facts", Share::dev, 5);
    t.check(bare.told == -1 && find_fact(bare.prompt) && find_fact(bare.prompt)->value == bare.answer, "without counts any fact is asked");
}
inline void nobody_is_nobody(Report& t) {
    std::set<std::string> names;
    for (const Share share : {Share::train, Share::dev, Share::test})
        for (const Problem& p : problems("nobody", share)) {
            names.insert(p.entity);
            if (!p.answer.empty() || !has(p.prompt, p.entity)) t.check(false, "a question on nobody names somebody and has no answer: " +
                    p.prompt);
        }
    std::string documents, chats, library;
    for (const Document& d : world_test::sample()) documents += d.text + "\n";
    for (const auto& set : conversation_sets())
        for (const Share share : {Share::train, Share::val})
            for (const auto& c : conversations(set.name, share))
                for (const auto& m : c.messages) chats += m.content + m.thinking + m.argument + "\n";
    for (const auto& task : task_names())
        if (task != "nobody")
            for (const Share share : {Share::train, Share::test})
                for (const Problem& p : problems(task, share)) chats += p.prompt + p.answer + "\n";
    for (const Person& p : the_world().told_people())
        for (const Passage& passage : passages_about(the_world(), the_world().facts[p.first_fact])) library += passage.text + "\n";
    size_t found = 0, control = 0;
    for (const auto& name : names) found += has(documents, name) || has(chats, name) || has(library, name);
    for (const auto& p : the_world().held_out_people()) found += has(chats, p.name) || has(library, p.name);
    for (const auto& p : the_world().told_people()) control += has(documents, p.name) && has(library, p.name);
    t.check(names.size() > 60 && found == 0, cat(names.size(), " names of nobody; ", found,
            " occur in documents, conversations, tasks or the library"));
    t.check(control > 900, cat("control: the same search finds people who are told: ", control));
}
inline void library_tells_every_fact(Report& t) {
    size_t bad = 0, total = 0;
    for (const Fact& f : the_world().facts) {
        if (f.held_out) continue;
        const Passage p = passage_of(the_world(), f);
        total++;
        const bool named = mentions(p.text, f.entity) || (f.kind == "animal" && mentions(p.text, the_world().animals[f.entity_id].plural));
        bad += !named || !mentions(p.text, f.value) || !world_test::wrong_articles(p.text).empty() ||
                !world_test::wrong_sentences(p.text).empty();
    }
    t.check(bad == 0 && total > 12000, cat("the library tells all ", total, " facts; ", bad, " passages are wrong"));
}

// ---- small talk, writing, rewriting, refusals

inline void talk_is_sensible(Report& t) {
    size_t recalled = 0, wrong = 0, lists = 0, bad_lists = 0, capitals = 0, bad_capitals = 0, refused = 0, bad_refusals = 0, negated = 0,
            bad_negated = 0;
    for (const auto& c : conversations("smalltalk", Share::train))
        for (size_t i = 0; i + 2 < c.messages.size(); i++) {
            std::smatch m;
            const std::string said = c.messages[i].content;
            if (c.messages[i].role != std::string("user")) continue;
            if (std::regex_search(said, m,
                    std::regex("^My name is ([A-Za-z]+)\\.$|word ([a-z]+)\\.$|^My favourite colour is ([a-z]+)\\."))) {
                const std::string what = m[1].matched ? m[1].str() : m[2].matched ? m[2].str() : m[3].str();
                recalled++;
                wrong += !has(c.messages[i + 3].content, what);
            }
        }
    t.check(recalled > 20 && wrong == 0, cat("what the user said is remembered: ", recalled, ", wrong ", wrong));
    static const std::map<std::string, size_t> counts = {{"two", 2}, {"three", 3}, {"four", 4}, {"five", 5}};
    static const std::map<std::string, const char*> rules = {{"fruit", "fruits"}, {"vegetables", "vegetables"}, {"shapes", "shapes"},
            {"colours", "colours"}};
    for (const auto& c : conversations("writing", Share::train)) {
        std::smatch m;
        if (!std::regex_search(c.messages[0].content, m, std::regex("(two|three|four|five) .*?([a-z]+)[.?]$"))) continue;
        if (!has(c.messages[0].content, "ame ") && !has(c.messages[0].content, "list") && !has(c.messages[0].content, "List") &&
                !has(c.messages[0].content, "me t") && !has(c.messages[0].content, "me f")) continue;
        std::set<std::string> items;
        const auto lines = split_on(c.messages[1].content, "\n");
        for (const auto& line : lines) items.insert(after(line, " "));
        lists++;
        bool ok = items.size() == counts.at(m[1]) && lines.size() == items.size();
        if (const auto r = rules.find(m[2]); r != rules.end())
            for (const auto& item : items) {
                const auto& words = the_world().grammar.words(r->second);
                ok &= std::find(words.begin(), words.end(), item) != words.end();
            }
        bad_lists += !ok;
    }
    t.check(lists > 60 && bad_lists == 0, cat("lists have as many items as asked, of their kind: ", lists, ", wrong ", bad_lists));
    for (const auto& c : conversations("rewriting", Share::train)) {
        const std::string &asked = c.messages[0].content, before = after(asked, ": "), reply = c.messages[1].content;
        if (has(asked, "apital letters") || has(asked, "letters large")) {
            capitals++;
            std::string upper = before;
            for (char& ch : upper) ch = char(std::toupper(ch));
            bad_capitals += reply != upper;
        }
        if (has(asked, "negative") || has(asked, "with not") || has(asked, "opposite")) {
            negated++;
            const auto a = split_on(before, " "), b = split_on(reply, " ");
            bad_negated += b.size() != a.size() + 2 || b[1] != "does" || b[2] != "not" || b[0] != a[0] || b[3].substr(0,
                    2) != a[1].substr(0, 2);
        }
    }
    t.check(capitals > 20 && bad_capitals == 0 && negated > 20 && bad_negated == 0, cat("sentences are rewritten as asked: ", capitals,
            " ", negated));
    for (const auto& c : conversations("refusals", Share::train)) {
        const std::string reply = last(c).content;
        const bool declines = reply.starts_with("I am sorry, but") || reply.starts_with("Sorry, but") ||
                reply.starts_with("I am afraid that");
        refused += c.refused;
        bad_refusals += declines != c.refused;
    }
    t.check(refused > 280 && refused < 360 && bad_refusals == 0, cat("most are refused, and only those that are marked: ", refused));
    for (const auto& set : conversation_sets())
        for (const auto& c : conversations(set.name, Share::train))
            for (const auto& m : c.messages)
                for (const char* name : {"ChatGPT", "OpenAI", "my maker", "was made by", "my name is"})
                    if (m.role == std::string("assistant") && has(m.content, name)) t.check(false, "the assistant says who it is: " +
                            m.content);
}

// ---- translation

// What the documents show: for each line the page it stands on.
struct Translations {
    std::map<std::string, std::set<std::string>> forms;       // of each word
    std::set<std::string> lines;
    std::vector<std::vector<std::pair<std::string, std::string>>> pages;
};
inline const Translations& translations() {
    static const Translations t = [] {
        Translations v;
        for (uint64_t i = 0; i < 60000; i++) {
            const Document d = the_world().document(i);
            if (d.kind != std::string("translation")) continue;
            v.pages.emplace_back();
            for (const auto& line : split_on(d.text, "\n")) {
                if (!has(line, " -> ")) continue;
                const std::string word = line.substr(0, line.find(" -> ")), form = after(line, " -> ");
                v.forms[word].insert(form);
                v.lines.insert(line);
                v.pages.back().push_back({word, form});
            }
        }
        return v;
    }();
    return t;
}
// Translate by analogy, from the documents alone: a language is what pages that agree with the examples have in common.
inline std::set<std::string> by_analogy(const std::string& prompt) {
    std::map<std::string, std::string> shown;
    const auto lines = split_on(prompt, "\n");
    for (const auto& line : lines)
        if (has(line, " -> ")) shown[line.substr(0, line.find(" -> "))] = after(line, " -> ");
    const std::string word = lines.back().substr(0, lines.back().find(" ->"));
    auto root = [](const std::string& s) { return s.substr(0, 3); };
    auto ending = [](const std::string& s) { return s.substr(3); };
    std::set<std::string> result;
    for (const auto& page : translations().pages) {
        size_t agree = 0;
        bool clash = false;
        for (const auto& [w, f] : page)
            if (const auto it = shown.find(w); it != shown.end()) it->second == f ? void(agree++) : void(clash = true);
        if (clash || agree == 0) continue;
        // an example with the ending that the word has elsewhere in this family gives the ending
        for (const auto& form : translations().forms.at(word))
            for (const auto& [w, f] : shown) {
                const auto& fw = translations().forms.at(w);
                const bool same_class = std::any_of(fw.begin(), fw.end(), [&](const std::string& x) { return ending(x) == ending(form) &&
                        root(x) == root(f); });
                if (same_class) result.insert(root(form) + ending(f));
            }
        break;
    }
    return result;
}
inline void translations_are_consistent(Report& t) {
    const Translations& d = translations();
    t.check(d.pages.size() > 1500 && d.lines.size() > 200, cat("documents translate: ", d.pages.size(), " pages, ", d.lines.size(),
            " different lines"));
    size_t few = 0, overlong = 0;
    for (const auto& [word, forms] : d.forms) {
        std::set<std::string> roots;
        for (const auto& f : forms) roots.insert(f.substr(0, 3));
        few += roots.size() != 2;
        overlong += forms.size() < 4 || forms.size() > 6;
    }
    t.check(d.forms.size() == the_world().languages.words.size() && few == 0 && overlong == 0,
            "each word has two roots, with two or three endings each");
    // pages of one language agree: two pages that share two words in the same way never differ in a third
    size_t differ = 0, named = 0;
    for (size_t l = 0; l < Languages::kLanguages; l++)
        for (size_t m = l + 1; m < Languages::kLanguages; m++) {
            size_t same = 0;
            for (size_t c = 0; c < Languages::kClasses; c++) same += Languages::family_of(l) == Languages::family_of(m) &&
                    Languages::ending_of(l, c) == Languages::ending_of(m, c);
            differ += same > 1;
        }
    t.check(differ == 0, "no two languages agree in two classes of words");
    for (const auto& page : d.pages) {  // some language has all lines of the page
        bool fits = false;
        for (size_t l = 0; l < Languages::kLanguages && !fits; l++) {
            fits = true;
            for (const auto& [w, f] : page) {
                size_t i = 0;
                while (the_world().languages.words[i].english != w) i++;
                fits &= the_world().languages.form(i, l) == f;
            }
        }
        named += fits;
    }
    t.check(named == d.pages.size(), "every page is in one language");
    for (const Share share : {Share::dev, Share::test}) {
        size_t seen = 0, new_root = 0, solved = 0, wrong = 0, asked = 0;
        std::set<int> examples;
        for (const Problem& p : problems("translation", share)) {
            const auto lines = split_on(p.prompt, "\n");
            const std::string word = lines.back().substr(0, lines.back().find(" ->"));
            seen += d.lines.count(word + " -> " + p.answer);
            const auto& forms = d.forms.at(word);
            new_root += std::none_of(forms.begin(), forms.end(), [&](const std::string& f) { return f.substr(0, 3) == p.answer.substr(0,
                    3); });
            examples.insert(p.examples);
            if (int(lines.size()) != p.examples + 1) t.check(false, "a prompt has as many examples as it says");
            for (size_t i = 0; i + 1 < lines.size(); i++)
                if (!d.lines.count(lines[i])) t.check(false, "examples are forms that documents show: " + lines[i]);
            if (p.examples < 8) continue;
            asked++;
            if (const auto guess = by_analogy(p.prompt); guess.size() == 1) solved++, wrong += *guess.begin() != p.answer;
        }
        t.check(seen == 0, cat(kShareNames[size_t(share)], ": ", seen, " of the asked translations occur in a document"));
        t.check(new_root == 0, "the root is known from other endings");
        t.check(examples.size() == 11, "0 to 10 examples");
        t.check(solved * 2 > asked && wrong == 0, cat("by analogy from documents, ", solved, " of ", asked, " can be solved, ", wrong,
                " wrong"));
    }
    size_t seen = 0;
    for (const Problem& p : problems("translation", Share::train)) seen += d.lines.count(split_on(p.prompt + " " + p.answer, "\n").back());
    t.check(seen > 390, cat("control: what training tasks ask occurs in documents: ", seen));
    t.check_error([] { make_problem(the_world(), pools(), "translation", Share::val, 0); }, "no problem of the share val",
            "translations for validation");
}

// ---- the files

inline WorldConfig chat_config(const std::string& out, int conversations, int tasks) {
    WorldConfig c;
    c.out = out;
    c.conversations = conversations;
    c.tasks = tasks;
    c.known = 10;
    return c;
}
inline void files_are_reproducible(Report& t) {
    const TempDir dir;
    WorldConfig a = chat_config(dir / "a", 60, 40), b = chat_config(dir / "b", 60, 40), more = chat_config(dir / "more", 90, 60);
    a.threads = 1;
    b.threads = 3;
    const ChatStatistics stats = write_world_chat(the_world(), a, pools().told);
    write_world_chat(World(), b, pools().told);
    write_world_chat(the_world(), more, pools().told);
    size_t files = 0, same = 0, extended = 0, lines = 0, other = 0;
    for (const auto& entry : fs::recursive_directory_iterator(a.out)) {
        if (!entry.is_regular_file()) continue;
        files++;
        const std::string path = entry.path().string(), name = path.substr(a.out.size()), text = read_file(path);
        same += text == read_file(b.out + name);
        const std::string longer = read_file(more.out + name);
        extended += longer.starts_with(text) && (longer.size() > text.size() || name == "/library.jsonl" || name.starts_with("/tasks/nim-"));   // all there are
        for (const auto& j : world_test::read_jsonl(path)) {
            lines++;
            if (name.starts_with("/chat/")) other += !j.contains("messages") || !j.contains("set");
            if (name.starts_with("/tasks/")) other += !j.contains("prompt") || !j.contains("answer") ||
                    j.at("task").get<std::string>() != after(name.substr(0, name.rfind('-')), "/tasks/");
            if (name.starts_with("/tasks/nobody")) other += !j.at("answer").is_null();
        }
    }
    t.check(files == 2 * conversation_sets().size() + 3 * kTasks.size() + 5 + 1 + 8 && stats.missing.empty(), cat("all files are written, five of them on the game and eight on jokes: ",
            files));
    t.check(same == files, "the same bytes with 1 and 3 threads");
    t.check(extended == files, cat("more conversations and problems extend the same beginning: ", extended, " of ", files));
    t.check(other == 0 && int64_t(lines) > stats.conversations + stats.problems, "every line is JSON with its fields");
    const auto line = world_test::read_jsonl(a.out + "/chat/spelling-python-train.jsonl")[0];
    const auto& call = line.at("messages")[1].at("tool_calls")[0];
    t.check(call.at("type") == "function" && call.at("function").at("name") == "python" && call.at("function").at("arguments").is_string(),
            "a call is in the OpenAI form");
    WorldShape shape;
    shape.seed = 2;
    const World second(shape);
    t.check(make_problem(second, "spelling", Share::dev, 3).prompt != make_problem(the_world(), "spelling", Share::dev, 3).prompt,
            "another seed, other problems");
    t.check(make_problem(the_world(), "counting", Share::dev, 3, 4).difficulty == 4, "a difficulty can be asked for");
}
inline void poor_worlds_and_bad_usage(Report& t) {
    const TempDir dir;
    WorldConfig c = chat_config(dir / "w", 5, 4);
    const World small({3, 10, 5, 2, 1, 1.0});
    make_directories(c.out + "/chat");
    write_file(c.out + "/chat/facts-train.jsonl", "stale");
    const std::vector<uint32_t> untold(small.facts.size());
    const ChatStatistics stats = write_world_chat(small, c, untold);
    t.check(std::count(stats.missing.begin(), stats.missing.end(), "chat/facts-train") == 1 && !fs::exists(c.out +
            "/chat/facts-train.jsonl"),
            "a world that tells nothing has no known facts, and the file of an earlier run goes");
    t.check(fs::exists(c.out + "/chat/facts-search-train.jsonl") && fs::exists(c.out + "/tasks/facts-test.jsonl"), "and everything else");
    const std::vector<uint32_t> all(small.facts.size(), 99);
    const ChatStatistics told = write_world_chat(small, c, all);
    t.check(std::count(told.missing.begin(), told.missing.end(), "tasks/facts-rare-train") == 1 && fs::exists(c.out +
            "/chat/facts-train.jsonl"), "or no rare ones");
    c.conversations = c.tasks = 0;
    c.out = dir / "none";
    write_world_chat(small, c, all);
    t.check(!fs::exists(c.out + "/chat") && fs::exists(c.out + "/library.jsonl"), "0 writes none");
    auto refuse = [&](const Args& args, const std::string& expected, const std::string& claim) {
        t.check_error([&] { world_commands()[0].run(args); }, expected, claim);
    };
    const std::string out = dir / "out";
    refuse({"--out", out, "--noise", "1.5"}, "--noise 1.5", "more than all");
    refuse({"--out", out, "--noise", "-0.1"}, "--noise -0.1", "less than nothing");
    refuse({"--out", out, "--conversations", "-1"}, "--conversations -1", "negative conversations");
    refuse({"--out", out, "--tasks", "-1"}, "--tasks -1", "negative tasks");
    refuse({"--out", out, "--known", "3", "--rare", "3"}, "--known 3 --rare 3", "facts that are known and rare");
    t.check(!fs::exists(out), "nothing was written");
    t.check_error([] { find_task("poetry"); }, "no task named poetry", "an unknown task");
    t.check_error([] { find_conversation_set("poetry"); }, "no set of conversations named poetry", "an unknown set");
    t.check_error([] { make_problem(the_world(), "sorting", Share::dev, 0, 9); }, "difficulty 9", "a difficulty that there is not");
    t.check_error([] { make_problem(the_world(), "facts-rare", Share::dev, 0); }, "told so rarely", "rare facts without counts");
    // the questions in facts.jsonl are those that the world asks
    WorldConfig facts = world_test::small_config(dir / "facts", 0.2);
    write_world(the_world(), facts);
    size_t wrong = 0;
    for (const auto& j : world_test::read_jsonl(facts.out + "/facts.jsonl")) {
        const auto questions = j.at("questions").get<std::vector<std::string>>();
        wrong += questions.empty() || j.at("question") != questions[0];
        for (const auto& q : questions) {
            const Fact* f = find_fact(q);
            wrong += !f || f->entity != j.at("entity") || f->value != j.at("value") || !q.ends_with("?");
        }
    }
    t.check(wrong == 0, "facts.jsonl has every wording of each question");
}

// ---- levels, and the workbook

inline int64_t largest_number(const std::string& text) {
    int64_t most = 0;
    for (const std::string& n : rewards::numbers_in(text)) most = std::max<int64_t>(most, std::stoll(n));
    return most;
}
inline void levels_are_kept(Report& t) {
    WorldShape shape;
    shape.level = {2, 5};
    const World easy(shape);
    std::array<std::set<std::string>, 4> seen;
    size_t wrong = 0, large = 0, usual_large = 0;
    std::set<int> difficulties;
    for (const Share share : kShares)
        for (uint64_t i = 0; i < 400; i++) {
            const Problem p = make_problem(easy, FactPools(), "word-problems", share, i);
            difficulties.insert(p.difficulty);
            wrong += solve("word-problems", p.prompt) != p.answer;
            large += largest_number(p.prompt) > 35;   // 5 x 5 + 10, the most that is paid with
            seen[size_t(share)].insert(essence("word-problems", p.prompt));
            usual_large += largest_number(problems("word-problems", share)[i].prompt) > 35;
        }
    t.check(difficulties == std::set<int>{1, 2}, "--hardest 2: difficulties 1 and 2");
    t.check(wrong == 0, "--numbers 5: a second solver agrees with every answer");
    t.check(large == 0, "--numbers 5: no number above 35");
    t.check(usual_large > 100, cat("control: without a level there are larger ones: ", usual_large));
    for (size_t a = 0; a < 4; a++)
        for (size_t b = a + 1; b < 4; b++) t.check(overlap(seen[a], seen[b]) == 0, cat("small numbers: no problem of ", kShareNames[a], " is in ", kShareNames[b]));
}
// Problems of pages in the very words of tasks: the keys that they would have there.
inline std::vector<std::string> keys_on_page(const std::string& text) {
    static const std::vector<std::pair<std::regex, const char*>> wordings = {
        {std::regex(R"(has (\d+) [a-z ]+\. \w+ gives h\w+ (\d+) more\.)"), "more"}, {std::regex(R"(There are (\d+) [a-z ]+ in one box and (\d+) )"), "more"},
        {std::regex(R"(There are (\d+) baskets with (\d+) )"), "baskets"}, {std::regex(R"(shares (\d+) [a-z ]+ fairly among (\d+) )"), "fair"}};
    std::vector<std::string> keys;
    for (const auto& [wording, name] : wordings)
        for (std::sregex_iterator it(text.begin(), text.end(), wording), end; it != end; ++it) keys.push_back(cat(name, " ", it->str(1), " ", it->str(2)));
    return keys;
}
inline void workbook_holds_no_test_problem(Report& t) {
    const auto held = [](const char* kind) {
        const World world({}, {kind});
        std::pair<size_t, size_t> n;                       // problems, those of val, dev or test
        for (uint64_t i = 0; i < 1500; i++)
            for (const auto& key : keys_on_page(world.document(i).text)) n.first++, n.second += share_of(key) != Share::train;
        return n;
    };
    const auto workbook = held("workbook"), arithmetic = held("arithmetic");
    const auto largest = [](const ProblemLevel& level) {
        WorldShape shape;
        shape.level = level;
        const World world(shape, {"workbook"});
        int64_t most = 0;
        for (uint64_t i = 0; i < 500; i++) most = std::max(most, largest_number(world.document(i).text));
        return most;
    };
    t.check(largest({2, 6}) == 48, "the workbook for numbers up to 6 goes as far as problems do: 6 x 6 + 12");
    t.check(largest({2, 9}) > 90, "control: with larger numbers it goes further");
    t.check(workbook.first > 150 && workbook.second == 0, cat("the workbook poses ", workbook.first, " problems in the words of tasks, ", workbook.second,
            " of them held out"));
    t.check(arithmetic.second > 10, cat("control: of the pages of arithmetic ", arithmetic.second, " of ", arithmetic.first, " would be"));
}
// The rows of a copybook page, and of how many the copy is another.
inline std::vector<std::string> rows_on_page(const std::string& text, size_t& wrong) {
    std::vector<std::string> rows;
    for (const std::string& line : split_on(text, "\n"))
        if (line.starts_with("Row: ")) rows.push_back(line.substr(5));
        else if (line.starts_with("Copy: ")) wrong += rows.empty() || line.substr(6) != rows.back();
    return rows;
}
inline void copybook_copies(Report& t) {
    const World world({}, {"copybook"});
    size_t wrong = 0;
    std::set<std::string> rows;
    for (uint64_t i = 0; i < 1500; i++)
        for (const auto& row : rows_on_page(world.document(i).text, wrong)) rows.insert(row);
    t.check(rows.size() > 3000 && wrong == 0, cat("copybook: ", rows.size(), " different rows, ", wrong, " copied wrongly"));
    size_t planted = 0;
    rows_on_page("Row: a b\nCopy: a c\n", planted);
    t.check(planted == 1, "control: a wrong copy is found");
    // rows that a question is about: none of dev and test, some of training
    const auto met = [&](Share share) {
        size_t n = 0;
        for (const Problem& p : problems("counting", share)) n += p.kind != "words" && rows.count(after(p.prompt, ": ")) > 0;
        return n;
    };
    t.check(met(Share::dev) == 0 && met(Share::test) == 0, "no row of a question of dev or test is copied");
    t.check(met(Share::train) > 0, cat("control: of training questions ", met(Share::train)));
}
inline void questions_differ(Report& t) {
    const TempDir dir;
    write_world_chat(the_world(), chat_config(dir / "w", 5, 1000), pools().told);
    for (const char* task : {"counting", "spelling", "facts", "word-problems"})
        for (const char* share : {"dev", "test"}) {
            std::set<std::string> prompts;
            const auto lines = world_test::read_jsonl(cat(dir / "w", "/tasks/", task, "-", share, ".jsonl"));
            for (const auto& line : lines) prompts.insert(line.at("prompt").get<std::string>());
            t.check(prompts.size() == lines.size() && lines.size() > 200, cat(task, " ", share, ": ", lines.size(), " questions, all different"));
        }
    std::set<std::string> drawn;
    for (uint64_t i = 0; i < 250; i++) drawn.insert(make_problem(the_world(), "counting", Share::test, i).prompt);
    t.check(drawn.size() < 250, cat("control: of 250 that are drawn ", drawn.size(), " differ"));
}
inline void kinds_have_weights(Report& t) {
    const World world({}, {"workbook:3", "story:1"});
    std::map<std::string, int> n;
    for (uint64_t i = 0; i < 400; i++) n[world.document(i).kind]++;
    t.check(n.size() == 2 && n["workbook"] > 260 && n["workbook"] < 340, cat("three of four documents are workbook pages: ", n["workbook"], " of 400"));
    for (const char* bad : {"story:0", "story:", "story:x", "story:-1", "story:12345", "poem:2"}) {
        bool refused = false;
        try {
            World({}, {bad});
        } catch (const UsageError&) {
            refused = true;
        }
        t.check(refused, cat("--kinds ", bad, " is refused"));
    }
}

}  // namespace world_chat_test

inline Suite world_chat_tests() {
    using namespace world_chat_test;
    return {
        {"world chat: a second solver, which reads the prompt alone, finds every answer", answers_are_right},
        {"world chat: every step of every worked solution holds", steps_are_right},
        {"world chat: the code of every demonstration gives its output in our interpreter", code_is_right},
        {"world chat: train, val, dev and test share no problem, and conversations none with dev or test", shares_are_disjoint},
        {"world chat: conversations keep the protocol, are ASCII and short", conversations_are_well_formed},
        {"world chat: articles, sentences and marks are right", english_is_right},
        {"world chat: direct, steps, thinking and python solve the same problems in their ways", demonstrations},
        {"world chat: as many demonstrations are wrong as asked, and marked", noise_is_as_asked},
        {"world chat: facts are answered with their values: known, rare, in context, by search", facts_are_answered},
        {"world chat: people who do not exist occur nowhere", nobody_is_nobody},
        {"world chat: the library tells every fact", library_tells_every_fact},
        {"world chat: small talk remembers, lists count, rewriting rewrites, refusals refuse", talk_is_sensible},
        {"world chat: checkers pay what the assistant is taught to say of facts, and no list of two answers", facts_are_rewarded},
        {"world chat: checkers pay every demonstration for the answer that it is marked with", demonstrations_are_rewarded},
        {"world chat: every refusal declines, and none with an invention beside it", refusals_decline},
        {"world chat: translations keep to their language, and those asked for occur in no document", translations_are_consistent},
        {"world chat: the same bytes for any number of threads, and more extends them", files_are_reproducible},
        {"world chat: poor worlds and wrong usage", poor_worlds_and_bad_usage},
        {"world chat: --hardest and --numbers bound the problems, whose shares stay apart", levels_are_kept},
        {"world chat: the copybook copies, and no row of dev or test", copybook_copies},
        {"world chat: no question of dev or test is asked twice", questions_differ},
        {"world chat: workbook pages hold no problem of val, dev or test", workbook_holds_no_test_problem},
        {"world chat: --kinds takes weights", kinds_have_weights},
    };
}
