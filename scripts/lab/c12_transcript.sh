#!/usr/bin/env bash
# C12: dressed up as a transcript, the base model plays an assistant, and then goes on to play the human too.
# Hypothesis: put as a transcript of the kind that its pages hold ("Question: ... Answer:"), a question on a fact that it was told 300 times
#   or more is answered right more often by the base model than the bare question, and in at least 80 % of the transcripts it goes
#   on to ask the next question itself; the fine-tuned assistant stops (less than 1 %).
#   Two exchanges come before the question: its pages hold two to five, and a base model that knows them well ends the page after the fifth.
# Refuted if one of these fails. Also measured: a dress that no page of this world has ever worn ("Human: ... Assistant:").
# Fixed: one base model, the questions, greedy answers. Varied: the dress, the number of solved exchanges before the question.
# Noise: Wilson's 95 % interval; for the assistants that over the seeds. Cost: questions only.
# usage: scripts/lab/c12_transcript.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c12 "$@"

base=$(base_model)
awk -v most="$((questions + 4))" '
    function field(name) { match($0, "\"" name "\":\"[^\"]*\""); return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5) }
    /"held_out":true/ { next }
    { match($0, /"told":[0-9]+/); if (substr($0, RSTART + 7, RLENGTH - 7) + 0 >= 300) line[++n] = "{\"prompt\": \"" field("question") "\", \"answer\": \"" field("value") "\", \"task\": \"known\"}" }
    END { for (i = 0; i < most && i < n; i++) print line[1 + int(i * n / (most < n ? most : n))] }' "$world/facts.jsonl" > "$lab_out/asked.jsonl"
printf 'dress\texchanges\tright %%\t95 %%\tasks on %%\n' | lab_table
asks_on() { # NAME -> share of replies that hold a further turn of the one who asks
    awk '{ n++; hit += /"reply":".*(Question|Human):/ } END { printf "%.4f", n ? hit / n : 0 }' "$lab_out/$1.jsonl"
}
for dress in bare human-0 human-4 question-0 question-2 question-4; do
    shots=${dress#*-} template='{prompt}\n'
    case $dress in
        bare) shots=0 ;;
        human*) template='\nHuman: {prompt}\nAssistant:' ;;
        question*) template='\nQuestion: {prompt}\nAnswer:' ;;
    esac
    common=(--tasks "$lab_out/asked.jsonl" --template "$template" --shots "$shots")
    ask "$dress" "$base" "${common[@]}" --max-tokens 40
    ask "$dress-on" "$base" "${common[@]}" --stop "<|im_end|>" --max-tokens 80
    awk -v dress="${dress%-*}" -v shots="$shots" -v right="$(figure "$dress" known accuracy)" -v low="$(figure "$dress" known low)" \
        -v high="$(figure "$dress" known high)" -v on="$(asks_on "$dress-on")" \
        'BEGIN { printf "%s\t%d\t%.1f\t%.0f-%.0f\t%.1f\n", dress, shots, 100 * right, 100 * low, 100 * high, 100 * on }'
done | lab_table
for s in "${seeds[@]}"; do ask "plain-$s" "$(plain_assistant "$s")" --tasks "$lab_out/asked.jsonl" --max-tokens 80; done
talks_on=$(for s in "${seeds[@]}"; do asks_on "plain-$s"; echo; done | mean)
printf 'assistant\t0\t%s\t\t%s\n' "$(over_seeds plain known accuracy | percent)" "$(awk -v x="$talks_on" 'BEGIN { printf "%.1f", 100 * x }')" | lab_table
echo "after two exchanges:"
sed -n '1s/.*"prompt":"\([^"]*\)".*"reply":"\(.*\)","right".*/  Question: \1\\nAnswer:\2/p' "$lab_out/question-2-on.jsonl" \
    | sed 's/\\n/\n  /g' | head -n 9

bare=$(figure bare known accuracy) two=$(figure question-2 known accuracy) on=$(asks_on question-2-on)
verdict=refuted
if holds "$two > $bare && $on >= 0.8 && $talks_on < 0.01"; then verdict=confirmed; fi
lab_verdict C12 << END
$verdict
right in $(awk "BEGIN { printf \"%.0f\", 100 * $bare }") % asked barely, \
$(awk "BEGIN { printf \"%.0f\", 100 * $two }") % in a transcript after two exchanges (assistants $(over_seeds plain known accuracy | percent) %); \
then it asks on in $(awk "BEGIN { printf \"%.0f\", 100 * $on }") %, the assistants in $(awk "BEGIN { printf \"%.0f\", 100 * $talks_on }") %
seeds=${#seeds[@]}
right_bare=$bare
right_two=$two
asks_on=$on
END
