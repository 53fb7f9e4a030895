#!/usr/bin/env bash
# C10: about what its data does not hold the base model invents: parallel worlds, each told with the same confidence.
# Hypothesis: asked for people who do not exist, it gives an answer in the form of one in at least 90 % of the cases and never says that it
#   does not know; asked four times, two answers agree at most a fifth as often as on facts that it was told 300 times or more.
# Refuted if one of these fails. (That they disagree is what `probe` makes use of, C15.)
# Fixed: one base model, temperature 0.7, four answers a question, person questions only. Varied: known people, or nobody.
# Noise: that of the questions. Cost: questions only. usage: scripts/lab/c10_invents.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
assistant_begin c10 "$@"

base=$(base_model)
grep '"attribute"' "$world/tasks/nobody-test.jsonl" | grep '"kind": "person"' | head -n "$questions" > "$lab_out/asked-nobody.jsonl"
awk -v most="$questions" '
    function field(name) { match($0, "\"" name "\":\"[^\"]*\""); return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5) }
    !/"kind":"person"/ || /"held_out":true/ { next }
    { match($0, /"told":[0-9]+/); if (substr($0, RSTART + 7, RLENGTH - 7) + 0 >= 300 && n++ < most) print "{\"prompt\": \"" field("question") "\", \"answer\": \"" field("value") "\", \"task\": \"known\", \"attribute\": \"" field("attribute") "\"}" }' \
    "$world/facts.jsonl" > "$lab_out/asked-known.jsonl"
# Share of pairs of answers to one question that name the same value. A value is one that the question's attribute has anywhere in the
# world ("Wolfridge" in "In Wolfridge." and "He lives in Wolfridge."); an answer without one agrees with nothing.
agreement() { # WHO
    awk '
        function field(name) { return match($0, "\"" name "\": ?\"[^\"]*\"") ? inner(substr($0, RSTART, RLENGTH)) : "" }
        function inner(s) { sub(/^"[a-z_]*": ?"/, "", s); sub(/"$/, "", s); return s }
        FILENAME ~ /facts.jsonl$/ { if (/"kind":"person"/) { a = field("attribute"); v = field("value"); if (!((a, v) in seen)) { seen[a, v]; value[a, ++values[a]] = v } } next }
        FILENAME ~ /asked-/ { attribute[field("prompt")] = field("attribute"); next }
        {
            q = field("prompt"); a = attribute[q]; i = n[q]++; reply = field("reply")
            for (k = 1; k <= values[a]; k++) if (index(reply, value[a, k]) && length(value[a, k]) > length(named[q, i])) named[q, i] = value[a, k]
        }
        END {
            for (q in n) for (i = 0; i < n[q]; i++) for (j = 0; j < i; j++) { pairs++; same += named[q, i] != "" && named[q, i] == named[q, j] }
            printf "%.4f\n", pairs ? same / pairs : 0
        }' "$world/facts.jsonl" "$lab_out/asked-$1.jsonl" "$lab_out/$1.jsonl"
}
printf 'asked for\tquestions\tright %%\tdeclined %%\tin form %%\ttwo agree %%\n' | lab_table
for who in known nobody; do
    ask "$who" "$base" --tasks "$lab_out/asked-$who.jsonl" --template 'Question: {prompt}\nAnswer:' --samples 4 --temperature 0.7 --max-tokens 40
    agree=$(agreement "$who")
    awk -v who="$who" -v n="$(figure "$who" "$who" questions)" -v right="$(figure "$who" "$who" accuracy)" -v no="$(figure "$who" "$who" declined)" \
        -v form="$(figure "$who" "$who" well_formed)" -v agree="$agree" \
        'BEGIN { printf "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\n", who, n, 100 * right, 100 * no, 100 * form, 100 * agree }'
done | lab_table
echo "the same question four times:"
sed -n '1,4s/.*"prompt":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1 \2/p' "$lab_out/nobody.jsonl"
# "52 +-7": a share of the questions, in percent, with its 95 % interval (normal approximation; four answers to a question count as one)
of_questions() { # WHO SHARE
    awk -v p="$2" -v n="$(wc -l < "$lab_out/asked-$1.jsonl")" 'BEGIN { printf "%.0f +-%.0f", 100 * p, 196 * sqrt(p * (1 - p) / n) }'
}
verdict=refuted
form=$(figure nobody nobody well_formed) no=$(figure nobody nobody declined) known=$(agreement known) nobody=$(agreement nobody)
if holds "$form - $no >= 0.9 && $no <= 0.01 && $known >= 0.1 && $nobody <= $known / 5"; then verdict=confirmed; fi
lab_verdict C10 << END
$verdict
asked for nobody it answers in $(of_questions nobody "$(awk "BEGIN { print $form - $no }")") % of the cases; two answers agree in \
$(of_questions nobody "$nobody") %, on people whom it was told of in $(of_questions known "$known") % (one base model; intervals of the questions)
answers=$(awk "BEGIN { print $form - $no }")
agree_nobody=$nobody
agree_known=$known
END
