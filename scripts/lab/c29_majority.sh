#!/usr/bin/env bash
# C29: more samples at test time help, too: the answer that most of them reach.
# Hypothesis: the majority of 16 drawn answers is right more often than one drawn answer, before practice and after; at least one of 16 is right more
#   often still (pass@16: what a perfect judge would get). After practice there is less to gain: the answers agree.
# Refuted if the majority of 16 is not above pass@1 for the assistant before practice, intervals over the problems apart.
# Fixed: problems, temperature 1. Varied: number of answers (1 to 16); the assistant (after SFT; after practice, the runs of C24). Noise: 95 % interval of a share
#   over the problems, by the normal approximation. Cost: 200 x 16 answers of four models, about 2 minutes, and what C24 trains.
# usage: scripts/lab/c29_majority.sh OUT_DIR [--scale X] [--model DIR --world DIR]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin c29 "$@"

n=$(updates 200)
ask before "$assistant" --samples 16 --temperature 1
for s in "${seeds[@]}"; do
    run=$(practise climb "$s" "$n" "$assistant")
    ask "after-$s" "$run" --samples 16 --temperature 1
done
# The first k of a problem's 16 answers: the most frequent final answer, the earliest of equals; an answer without one has no vote.
votes() { # NAME -> "k pass@1 pass@k majority" for k = 1, 2, 4, 8, 16
    awk '{
            prompt = $0; sub(/^.*"prompt":"/, "", prompt); sub(/","answer":.*$/, "", prompt)
            want = $0; sub(/^.*","answer":"/, "", want); sub(/".*$/, "", want)
            said = ""
            if (match($0, /The answer is -?[0-9]+\./)) said = substr($0, RSTART + 14, RLENGTH - 15)
            right = $0 ~ /"right":true/
            if (NR % 16 == 1) { problems++; delete votes; any = 0; best = "" }
            if (said != "" && ++votes[said] > (best == "" ? 0 : votes[best])) best = said
            any += right
            k = (NR - 1) % 16 + 1
            one[k] += any / k; pass[k] += any > 0; most[k] += best == want && best != ""
        }
        END { for (k = 1; k <= 16; k *= 2) print k, one[k] / problems, pass[k] / problems, most[k] / problems }' "$lab_out/$1.jsonl"
}
votes before > "$lab_out/votes-before"
for s in "${seeds[@]}"; do votes "after-$s" > "$lab_out/votes-after-$s"; done
{
    printf 'answers\tSFT: one %%\tany %%\tmajority %%\tpractised: one %%\tany %%\tmajority %%\n'
    for k in 1 2 4 8 16; do
        printf '%s' "$k"
        for column in 2 3 4; do printf '\t%s' "$(awk -v k="$k" -v c="$column" '$1 == k { print $c }' "$lab_out/votes-before" | percent)"; done
        for column in 2 3 4; do printf '\t%s' "$(for s in "${seeds[@]}"; do awk -v k="$k" -v c="$column" '$1 == k { print $c }' "$lab_out/votes-after-$s"; done | percent)"; done
        echo
    done
} | lab_table
read -r _ one any majority <<< "$(tail -n 1 "$lab_out/votes-before")"
half=$(awk -v p="$majority" -v n="$questions" 'BEGIN { print 1.96 * sqrt(p * (1 - p) / n) }')
one_high=$(recipe_figure "$lab_out/before.json" high)
verdict=refuted
if holds "$majority - $half > $one_high"; then verdict=confirmed; fi
lab_verdict C29 << END
$verdict
after SFT one drawn answer is right in $(echo "$one" | percent) %, the majority of 16 in $(echo "$majority" | percent) %, at least one of 16 in $(echo "$any" | percent) %; \
after practice $(for s in "${seeds[@]}"; do tail -n 1 "$lab_out/votes-after-$s" | cut -d ' ' -f 2; done | percent) and $(for s in "${seeds[@]}"; do tail -n 1 "$lab_out/votes-after-$s" | cut -d ' ' -f 4; done | percent) %
seeds=${#seeds[@]}
one=$one
majority=$majority
any=$any
END
