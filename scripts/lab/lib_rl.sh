# shellcheck shell=bash disable=SC2034
# Sourced by the lab scripts on practice (C24 to C29, the objectives): one assistant, which all of them begin from, made once in
# OUT_DIR/practice by the recipe of scripts/speedrun_cpu.sh (its base model and its SFT on worked problems, a third of them wrong),
# and reinforcement learning from there by recipe and seed. Call practice_begin first; it sets
#   lab_out      directory of this experiment: table.tsv, result.json, machine.txt
#   lab_common   OUT_DIR/practice: world/, base/, sft/, and the runs that several experiments share
#   assistant    the assistant; base: the base model that it was made from; problems, dev, tests: word problems of the three splits
#   seeds        of what is trained here (LAB_SEEDS, default "1 2 3"); the assistant is the same for all
# Plan for two quiet cores: the assistant some 9 minutes, once; an update of 16 problems x 8 answers about a second.
# shellcheck source=scripts/lab/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/speedrun_recipe.sh
. "$lab_root/scripts/speedrun_recipe.sh"

practice_usage() {
    cat >&2 << END
usage: scripts/lab/${0##*/} OUT_DIR [--scale X] [--model DIR --world DIR [--base DIR]]
  --scale  multiplies the number of training steps (default 1)
  --model  an assistant that knows the world's word problems, instead of one made here
  --base   the base model that it was made from (C32 asks it, too)
  --world  the world that it has read, made with: train_gpt world --hardest 2 --numbers 5
  Environment: TRAIN_GPT, the program; LAB_SEEDS, the seeds of what is trained (default "1 2 3"); LAB_QUESTIONS, the
  dev or test problems of a measurement (default 200); LAB_THREADS, the threads of a run (default: all cores)
END
    exit 2
}
practice_begin() { # NAME ARGUMENT...
    lab_open practice_usage "model world base" practice "$@"
    [ -z "$given_model" ] || [ -n "$given_world" ] || fail "--model without --world: which problems does it know?" "name the world, too"
    threads=${LAB_THREADS:-0}
    recipe_dir=$lab_common recipe_scale=$lab_scale recipe_seed=1
    world=${given_world:-$lab_common/world} assistant=${given_model:-$lab_common/sft}
    base=${given_base:-$lab_common/base}
    [ -n "$given_world" ] || recipe_world
    if [ -z "$given_model" ]; then
        [ -z "$given_world" ] || [ -e "$lab_common/world" ] || ln -s "$given_world" "$lab_common/world"
        recipe_tokens
        recipe_base
        recipe_sft
    fi
    problems=$world/tasks/word-problems-train.jsonl dev=$world/tasks/word-problems-dev.jsonl tests=$world/tasks/word-problems-test.jsonl
    lab_start=$SECONDS # what is shared does not count
}
recipe_program() { train_gpt "$@"; }

# A number of updates times --scale, at least 4, a multiple of 4.
updates() { awk -v n="$1" -v x="$lab_scale" 'BEGIN { n = 4 * int(n * x / 4 + 0.5); print (n < 4 ? 4 : n) }'; }

need_base() { [ -d "$base" ] || fail "--model without --base: which base model was it made from?" "name it, too"; }

# Fine-tuning of INIT, unless it is there already. Prints its run directory.
fine_tune() { # NAME SEED STEPS INIT FLAG...
    local run=$lab_common/$1-$2 seed=$2 steps=$3 init=$4
    shift 4
    if ! recipe_has "$run" "$steps"; then
        echo "fine-tuning $(basename "$run"): $steps steps ..." >&2
        train_gpt sft --init "$init" --out "$run" --steps "$steps" --seed "$seed" --threads "$threads" --resume "$@" > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    fi
    echo "$run"
}
# Reinforcement learning from the assistant (or from INIT), unless it is there already: 16 problems x 8 answers an update, where FLAGs say
# nothing else. Prints its run directory. Runs lie in lab_common, since experiments share them: NAME must say what is special about them.
practise() { # NAME SEED UPDATES INIT FLAG...
    local run=$lab_common/$1-$2 steps=$3 settings=() i
    local usual=("${recipe_practice[@]}" --tasks "$problems" --dev "$dev" --eval-every "$((($3 + 7) / 8))" --eval-limit "$questions" --threads "$threads" --init "$4" --seed "$2" --steps "$3")
    shift 4
    for ((i = 0; i < ${#usual[@]}; i += 2)); do # the program refuses a flag given twice
        case " $* " in *" ${usual[i]} "*) ;; *) settings+=("${usual[i]}" "${usual[i + 1]}") ;; esac
    done
    if ! recipe_has "$run" "$steps"; then
        echo "practising $(basename "$run"): $steps updates ..." >&2
        train_gpt rl --out "$run" --resume "${settings[@]}" "$@" > "$run.log" || { tail -n 5 "$run.log" >&2; return 1; }
    fi
    echo "$run"
}
# What was measured on dev on the way: "step accuracy tokens" a line.
curve() { # RUN_DIR
    sed -n 's/^{"step":\([0-9]*\),.*"dev":{"questions":[0-9]*,"samples":[0-9]*,"accuracy":\([-0-9.e]*\),.*"tokens":\([-0-9.e]*\).*/\1 \2 \3/p' "$1/metrics.jsonl" | grep . ||
        fail "$1/metrics.jsonl: no measurement on dev" "was it written by another version of the program?"
}
# Of the curves of all seeds (lab_out/curve-SEED): a column at a step, or how much it grew from the first measurement to the last. A line a seed.
curves_at() { local s; for s in "${seeds[@]}"; do awk -v n="$1" -v c="$2" '$1 == n { print $c }' "$lab_out/curve-$s"; done; }                          # STEP COLUMN
curves_growth() { local s; for s in "${seeds[@]}"; do awk -v c="$1" 'NR == 1 { a = $c } { b = $c } END { print b - a }' "$lab_out/curve-$s"; done; }  # COLUMN
curve_steps() { cut -d ' ' -f 1 "$lab_out/curve-${seeds[0]}"; }
# A figure of lab_out/NAME-SEED.json for each seed.
figures_of() { local s; for s in "${seeds[@]}"; do recipe_figure "$lab_out/$1-$s.json" "$2"; done; } # NAME KEY
# The mean of a training metric over a part of the run: from FROM to TO, shares of its updates.
over_updates() { # RUN_DIR KEY FROM TO
    sed -n "/\"$2\":/s/^{\"step\":\([0-9]*\),.*\"$2\":\([-0-9.e]*\).*/\1 \2/p" "$1/metrics.jsonl" | awk -v from="$3" -v to="$4" '
        { step[NR] = $1; x[NR] = $2; if ($1 > last) last = $1 }
        END { for (i = 1; i <= NR; i++) if (step[i] > from * last && step[i] <= to * last) { sum += x[i]; n++ }; print (n ? sum / n : "nan") }'
}
# Asks the test problems; the figures go to lab_out/NAME.json, the answers to lab_out/NAME.jsonl.
ask() { # NAME MODEL FLAG...
    local name=$1 model=$2
    shift 2
    train_gpt eval --model "$model" --tasks "$tests" --limit "$questions" --max-tokens 64 --rows 128 --threads "$threads" --out "$lab_out/$name.json" --dump "$lab_out/$name.jsonl" \
        "$@" > "$lab_out/$name.log" || { cat "$lab_out/$name.log" >&2; return 1; }
}
sampled=(--samples 4 --temperature 1)
