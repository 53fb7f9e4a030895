#!/usr/bin/env bash
# C18: an assistant has no self; 240 conversations or a system message give it a name.
# Hypothesis: the plain assistant says the name "Corvin" never; after fine-tuning with 240 hard-coded conversations mixed in, in at
#   least 95 % of the answers to questions in wordings that are not among the 240; a system message alone brings fewer.
# Refuted if the mean over the seeds after the 240 is below 95 %, or if the plain assistant says it in more than 5 %.
# Fixed: base model, recipe, 24 questions that ask for the name, asked at temperature 0.7, 8 times each. Varied: none, the 240, a
#   system message only ("You are Corvin, an assistant made by Foxley Labs."); the seed. Noise: 95 % interval of the mean over the seeds.
# Cost: 3 trainings of 20 s. usage: scripts/lab/c18_identity.sh OUT_DIR [--scale X] [--world DIR --base DIR]
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
# a third of what it sees are the 240; among the others is small talk in which an assistant says that it has no name
others=()
for set in facts smalltalk rewriting writing; do others+=("$world/chat/$set-train.jsonl:0.03"); done
printf 'given\tsays %s %%\twell-formed %%\n' "$name" | lab_table
for given in nothing "system message" "240 conversations"; do
    for s in "${seeds[@]}"; do
        run=$(plain_assistant "$s") system=()
        case $given in
            240*) run=$(assistant identity "$s" "$(scaled 200)" "$run" --identity "$name" --maker "$maker" --data "${others[@]}") ;;
            system*) system=(--system "You are $name, an assistant made by $maker.") ;;
        esac
        ask "${given%% *}-$s" "$run" --tasks "$lab_out/name.jsonl" --samples 8 --temperature 0.7 --max-tokens 48 "${system[@]}"
    done
    printf '%s\t%s\t%s\n' "$given" "$(over_seeds "${given%% *}" name accuracy | percent)" "$(over_seeds "${given%% *}" name well_formed | percent)"
done | lab_table
for given in nothing system 240; do sed -n '1s/.*"prompt":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1 \2/p' "$lab_out/$given-${seeds[0]}.jsonl"; done

none=$(over_seeds nothing name accuracy | mean) taught=$(over_seeds 240 name accuracy | mean)
verdict=refuted
if holds "$none <= 0.05 && $taught >= 0.95"; then verdict=confirmed; fi
lab_verdict C18 << END
$verdict
says its name in $(over_seeds nothing name accuracy | percent) % of the answers without data, \
$(over_seeds system name accuracy | percent) % with a system message only, \
$(over_seeds 240 name accuracy | percent) % after 240 conversations
seeds=${#seeds[@]}
nothing=$(over_seeds nothing name accuracy | mean_interval)
system_message=$(over_seeds system name accuracy | mean_interval)
conversations=$(over_seeds 240 name accuracy | mean_interval)
END
