#!/usr/bin/env bash
# C31: a reward model is a lossy simulation of people: rewarded for nothing else, a policy first gets better, then finds what it overrates.
# Hypothesis: RL against a reward model of 1,000 rankings raises the true worth of jokes at first; run on without a leash, the reward model's
#   score keeps rising while the true worth falls by at least a tenth of its peak; with a KL penalty the worth at the end stays above that; and who does
#   not know the worth can stop in time by this rule: at the last point before the answers have moved 2 nats away from the assistant's (KL divergence
#   of a whole answer, which Gao et al. 2022 found to be what decides). Beyond that it writes what no person who ranked has seen.
# Refuted if one of these fails, on the mean over the seeds (stopped: at least 90 % of the peak). The limit was chosen on seeds 1 to 3 and held
#   on seeds 4 to 6 (LOG 2026-11-23); the rule before, to stop where the average answer scores as the average winner of a ranking, failed on seed 1.
# Shown besides: a referee, a reward model of other rankings. Where its score peaks would be another rule, if it did not share the blind spots.
# Fixed: assistant, reward model, prompts, updates. Varied: the penalty, seed. Noise: 95 % interval of the mean over the seeds. The worth is the hidden
#   rule of world_jokes.hpp, which no model is told. Curves: table.tsv. Cost: 3 x (assistant, judge, referee, two runs of RL), 12 minutes on two
#   quiet cores. usage: scripts/lab/c31_overoptimisation.sh OUT_DIR [--scale X]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
# shellcheck source=scripts/lab/lib_jokes.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_jokes.sh"
jokes_begin c31 "$@"

steps=$(scaled 240) points=16
every=$(((steps + points - 1) / points))
practise() { # NAME SEED KL_COEF
    local run=$lab_common/$1-$2
    if [ ! -d "$run/$(printf 'step-%06d' "$steps")" ]; then
        echo "practising for the judge: $(basename "$run"), $steps steps ..." >&2
        # k1 with coefficient 0 measures the distance without a penalty
        train_gpt rl --init "$(teller "$2")" --tasks "$world/tasks/jokes-train.jsonl" --reward-model "$(judge "$2")" --kl k1 --kl-coef "$3" --objective rloo \
            --prompts 8 --group 8 --max-tokens 48 --steps "$steps" --lr 1e-4 --min-lr 1e-4 --seed "$2" --dump-every "$every" --sample-every "$every" \
            --out "$run" --resume > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    fi
    echo "$run"
}
# Rows "step score worth kl length referee", each but the last the mean over the steps since the row before, the referee's over the answers of that step.
curve() { # RUN SEED
    local step file referee
    referee=$(referee "$2")
    for file in "$1"/rollouts/step-*-rank0.jsonl; do
        step=$(basename "$file" | sed 's/step-0*\([0-9]*\)-.*/\1/')
        [ -s "$file.referee" ] || train_gpt reward score --model "$referee" --input "$file" --out "$file.referee" 2> /dev/null
        printf '%s %s\n' "$step" "$(values_of score < "$file.referee" | mean)"
    done | sort -n | while read -r step referee_score; do
        paste <(values_of step < "$1/metrics.jsonl") <(values_of score < "$1/metrics.jsonl") <(values_of grade < "$1/metrics.jsonl") \
            <(values_of kl_k1 < "$1/metrics.jsonl") <(values_of length < "$1/metrics.jsonl") |
            awk -v step="$step" -v every="$every" -v referee="$referee_score" '$1 > step - every && $1 <= step { n++; s += $2; g += $3; k += $4 * $5; l += $5 }
                END { printf "%d %.4f %.4f %.4f %.2f %s\n", step, s / n, g / n, k / n, l / n, referee }'
    done
}
for s in "${seeds[@]}"; do
    for which in free leash; do
        run=$(practise "$which" "$s" "$([ "$which" = free ] && echo 0 || echo 0.1)")
        curve "$run" "$s" > "$lab_out/curve-$which-$s.txt"
    done
done

# the curves, averaged over the seeds
{
    printf 'step\tfree score\tworth\tkl\treferee\tleash score\tworth\tkl\treferee\n'
    paste -d ' ' <(for s in "${seeds[@]}"; do cat "$lab_out/curve-free-$s.txt"; done) <(for s in "${seeds[@]}"; do cat "$lab_out/curve-leash-$s.txt"; done) | sort -n -s -k 1,1 | awk '
        function flush() { if (n) printf "%d\t%.2f\t%.3f\t%.1f\t%.2f\t%.2f\t%.3f\t%.1f\t%.2f\n", step, a[2] / n, a[3] / n, a[4] / n, a[6] / n, a[8] / n, a[9] / n, a[10] / n, a[12] / n }
        $1 != step { flush(); n = 0; split("", a); step = $1 }
        { n++; for (i = 1; i <= 12; i++) a[i] += $i }
        END { flush() }'
} | lab_table
echo "what the judge likes best, without a leash:"
for step in "$every" "$((steps / 2 / every * every))" "$((steps / every * every))"; do
    file=$lab_common/free-${seeds[0]}/rollouts/$(printf 'step-%06d' "$step")-rank0.jsonl
    [ -s "$file" ] || continue
    paste <(values_of score < "$file") "$file" | awk -F '\t' 'NR == 1 || $1 > top { top = $1; line = $0 } END { print line }' |
        sed "s/.*\"reply\":\(\"[^\"]*\"\).*\"score\":\([-0-9.e]*\),\"grade\":\([-0-9.e]*\).*/  step $step: \1 score \2, worth \3/"
done

kl_limit=2 # of the rule for stopping, nats an answer
# One line a seed: worth at first, at its peak, at the end; score at the peak of worth and at the end; worth where the rule stops; the steps of the peak
# and of the rule; worth where the referee's score peaks.
summary() { # CURVE
    awk -v limit="$kl_limit" 'NR == 1 { first = stopped = $3; stop_step = $1 }
        $3 > peak { peak = $3; at_peak = $2; peak_step = $1 }
        NR == 1 || $6 > liked { liked = $6; refereed = $3 }
        $4 > limit { left = 1 }
        !left { stopped = $3; stop_step = $1 }
        { last = $3; end = $2 }
        END { print first, peak, last, at_peak, end, stopped, peak_step, stop_step, refereed }' "$1"
}
for which in free leash; do
    for s in "${seeds[@]}"; do summary "$lab_out/curve-$which-$s.txt"; done > "$lab_out/$which.txt"
done
column() { awk -v column="$2" '{ print $column }' "$lab_out/$1.txt"; } # RUN NUMBER
first=$(column free 1 | mean) peak=$(column free 2 | mean) last=$(column free 3 | mean) stopped=$(column free 6 | mean) leash=$(column leash 3 | mean)
verdict=refuted
if holds "$peak > $first + 0.1 && $last <= 0.9 * $peak && $(column free 5 | mean) > $(column free 4 | mean) && $leash > $last && $stopped >= 0.9 * $peak"; then verdict=confirmed; fi
lab_verdict C31 << END
$verdict
without a leash the worth goes from $(printf '%.2f' "$first") to $(printf '%.2f' "$peak") (step $(column free 7 | mean | cut -d . -f 1)) and ends at \
$(column free 3 | mean_interval | awk '{ printf $2 == "-" ? "%.2f" : "%.2f +-%.2f", $1, $2 }'), while the score rises from $(printf '%.2f' "$(column free 4 | mean)") at the peak to \
$(printf '%.2f' "$(column free 5 | mean)"); with KL control it ends at $(column leash 3 | mean_interval | awk '{ printf $2 == "-" ? "%.2f" : "%.2f +-%.2f", $1, $2 }'); stopped before it has \
moved $kl_limit nats away: $(printf '%.2f' "$stopped") (step $(column free 8 | mean | cut -d . -f 1)); where a referee likes it best: $(printf '%.2f' "$(column free 9 | mean)")
seeds=${#seeds[@]}
worth_first=$(column free 1 | mean_interval)
worth_peak=$(column free 2 | mean_interval)
worth_end=$(column free 3 | mean_interval)
score_at_peak=$(column free 4 | mean_interval)
score_end=$(column free 5 | mean_interval)
worth_end_leash=$(column leash 3 | mean_interval)
worth_peak_leash=$(column leash 2 | mean_interval)
worth_stopped=$(column free 6 | mean_interval)
worth_refereed=$(column free 9 | mean_interval)
END
