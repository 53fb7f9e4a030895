#!/usr/bin/env bash
# C8: the parameters are a lossy compression of the data: what was told often is recalled well, what was told seldom vaguely.
# Hypothesis: the share of right answers rises with the number of pages that told the fact, from the rarest to the most frequent group
#   by more than 30 points, and no group lies more than 10 points below the one before.
# Refuted if one of these fails.
# Fixed: one base model, facts about people (a place or an animal has fewer possible answers), wordings. Varied: how often told.
# The base model is asked as its pages ask ("Question: ... Answer:"); the assistants, which saw no fact told fewer than 100 times in
#   their conversations (but did see the others), in the protocol. Control: people who do not exist, asked for the answer that their facts would have.
# Noise: Wilson's 95 % interval (base), 95 % interval over the seeds (assistants). Cost: questions only.
# usage: scripts/lab/c8_recall.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c8 "$@"

groups_told=("not existing" 0 1 2-3 4-9 10-29 30-99 100-299 "300 or more")
awk -v most="$((questions / 2))" '
    function field(name) { match($0, "\"" name "\":\"[^\"]*\""); return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5) }
    !/"kind":"person"/ { next }
    {
        match($0, /"told":[0-9]+/); n = substr($0, RSTART + 7, RLENGTH - 7) + 0
        g = /"held_out":true/ ? "not existing" : n < 2 ? n : n < 4 ? "2-3" : n < 10 ? "4-9" : n < 30 ? "10-29" : n < 100 ? "30-99" : n < 300 ? "100-299" : "300 or more"
        line[g, ++count[g]] = "{\"prompt\": \"" field("question") "\", \"answer\": \"" field("value") "\", \"task\": \"" g "\"}"
    }
    END { for (g in count) for (i = 0; i < most && i < count[g]; i++) print line[g, 1 + int(i * count[g] / (most < count[g] ? most : count[g]))] }' \
    "$world/facts.jsonl" > "$lab_out/asked.jsonl"
ask base "$(base_model)" --tasks "$lab_out/asked.jsonl" --template 'Question: {prompt}\nAnswer:' --max-tokens 40
for s in "${seeds[@]}"; do ask "plain-$s" "$(plain_assistant "$s")" --tasks "$lab_out/asked.jsonl" --max-tokens 40; done
printf 'told\tfacts\tbase right %%\t95 %%\tassistants right %%\n' | lab_table
recalled() { awk -v x="$(figure base "$1" accuracy)" -v a="$(figure base "$1" low)" -v b="$(figure base "$1" high)" 'BEGIN { printf "%.0f [%.0f, %.0f]", 100 * x, 100 * a, 100 * b }'; } # GROUP
first="" last="" first_group="" last_group="" before="" falls=0
for g in "${groups_told[@]}"; do
    right=$(figure base "$g" accuracy)
    [ -n "$right" ] || continue
    if [ "$g" != "not existing" ]; then
        first=${first:-$right} last=$right first_group=${first_group:-$g} last_group=$g
        if holds "$right < ${before:-0} - 0.1"; then falls=1; fi
        before=$right
    fi
    printf '%s\t%s\t%s\t%s\t%s\n' "$g" "$(figure base "$g" questions)" "$(awk -v x="$right" 'BEGIN { printf "%.1f", 100 * x }')" \
        "$(awk -v a="$(figure base "$g" low)" -v b="$(figure base "$g" high)" 'BEGIN { printf "%.0f-%.0f", 100 * a, 100 * b }')" "$(over_seeds plain "$g" accuracy | percent)" >> "$lab_out/rows"
done
lab_table < "$lab_out/rows"
rm "$lab_out/rows"
verdict=refuted
if holds "$last - $first > 0.3 && $falls == 0"; then verdict=confirmed; fi
lab_verdict C8 << END
$verdict
the base model recalls $(recalled "$first_group") % of the facts in the rarest group and \
$(recalled "$last_group") % in the most frequent (one base model; Wilson intervals of the questions)
rarest=$first
most_frequent=$last
END
