#!/usr/bin/env bash
# C18: an assistant has no self; 240 conversations or a system message give it a name.
# Hypothesis: the plain assistant says the name "Corvin" never; after fine-tuning with 240 hard-coded conversations mixed in, in at
#   least 95 % of the answers to questions in wordings that are not among the 240; a system message alone brings fewer.
# Refuted if the mean over the seeds after the 240 is below 95 %, or if the plain assistant says it in more than 5 %.
# Fixed: base model, recipe, 24 questions that ask for the name; what counts is the likeliest answer, and eight drawn at temperature 0.7 are reported. Varied: none, the 240, a
#   system message only ("You are Corvin, an assistant made by Foxley Labs."); the seed. Noise: 95 % interval of the mean over the seeds.
# Cost: 3 trainings of 50 s. Says the name: it stands in the answer as a word. ("I am Corvin, an assistant made by Foxley Labs." says more than the
# name, so the checker of tasks, which wants the answer and nothing else, is not asked.) usage: scripts/lab/c18_identity.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c18 "$@"

name=Corvin maker="Foxley Labs"
while IFS= read -r question; do printf '{"prompt": "%s", "answer": "%s", "task": "name"}\n' "$question" "$name"; done > "$lab_out/name.jsonl" << END
Tell me, who are you?
So what is your name then?
What name do you go by?
Good morning. What are you called?
I forgot your name. What was it?
Excuse me, who are you?
Could you tell me your name?
What may I call you?
who am i talking with?
Hello, what is your name?
And you are?
Please say who you are.
I would like to know your name.
Can you introduce yourself?
What is your name, please?
Hey you, what's your name?
Do you know your own name?
Remind me who you are.
Who is this?
Who is speaking?
Your name?
Tell me about yourself. Who are you?
I am Ada. Who are you?
By what name are you known?
END
# Share of the answers that hold the name, a line a seed.
says_name() { # GIVEN
    for s in "${seeds[@]}"; do
        awk -v name="$name" '{ n++; sub(/.*"reply":"/, ""); sub(/","[a-z_]*":.*/, ""); said += (" " $0 " ") ~ "[^A-Za-z]" name "[^A-Za-z]" } END { print (n ? said / n : 0) }' "$lab_out/$1-$s.jsonl"
    done
}
# nearly half of what it sees are the 240; among the others is small talk in which an assistant says that it has no name
others=()
for set in facts smalltalk rewriting writing; do others+=("$world/chat/$set-train.jsonl:0.02"); done
printf 'given\tsays %s %%\tdrawn %%\twell-formed %%\n' "$name" | lab_table
for given in nothing "system message" "240 conversations"; do
    for s in "${seeds[@]}"; do
        run=$(plain_assistant "$s") system=()
        case $given in
            240*) run=$(assistant identity "$s" "$(scaled 1000)" "$run" --examples 8 --identity "$name" --maker "$maker" --data "${others[@]}") ;;
            system*) system=(--system "You are $name, an assistant made by $maker.") ;;
        esac
        ask "${given%% *}-$s" "$run" --tasks "$lab_out/name.jsonl" --max-tokens 48 "${system[@]}"
        ask "${given%% *}-drawn-$s" "$run" --tasks "$lab_out/name.jsonl" --samples 8 --temperature 0.7 --max-tokens 48 "${system[@]}"
    done
    printf '%s\t%s\t%s\t%s\n' "$given" "$(says_name "${given%% *}" | percent)" "$(says_name "${given%% *}-drawn" | percent)" "$(over_seeds "${given%% *}" name well_formed | percent)"
done | lab_table
for given in nothing system 240; do sed -n '1s/.*"prompt":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1 \2/p' "$lab_out/$given-${seeds[0]}.jsonl"; done

none=$(says_name nothing | mean) taught=$(says_name 240 | mean)
verdict=refuted
if holds "$none <= 0.05 && $taught >= 0.95"; then verdict=confirmed; fi
lab_verdict C18 << END
$verdict
says its name in $(says_name nothing | percent) % of the answers without data, \
$(says_name system | percent) % with a system message only, \
$(says_name 240 | percent) % after 240 conversations (drawn at temperature 0.7: $(says_name 240-drawn | percent) %)
seeds=${#seeds[@]}
nothing=$(says_name nothing | mean_interval)
system_message=$(says_name system | mean_interval)
conversations=$(says_name 240 | mean_interval)
conversations_drawn=$(says_name 240-drawn | mean_interval)
END
