# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by C19 to C23: assistants that learned the same problems in one of three ways, all five tasks at once:
#   direct  the answer at once      steps  worked out in text, then the answer      python  a call of the code tool, then the answer
# direct_data etc. The direct sets of the world justify half of their answers afterwards ("The answer is 7. Still there: 17 - 10 = 7.");
# here the justification is cut off: the checker takes one number only, and nothing that follows can help what stands before.
lab_world=skills
skill_tasks="word-problems arithmetic counting spelling comparing"

skill_data() { # WAY -> lab_common/skills-WAY.jsonl
    local file=$lab_common/skills-$1.jsonl task
    if [ ! -s "$file" ]; then
        for task in problems arithmetic counting spelling comparing; do
            sed 's/"content": "The answer is \([^ "]*\)\. [^"]*"/"content": "The answer is \1."/' "$world/chat/$task-$1-train.jsonl"
        done > "$file.new"
        mv "$file.new" "$file"
    fi
    echo "$file"
}
skilled() { # WAY SEED [NAME BASE SHARE_OF_STEPS]: an assistant; by default from the base model
    assistant "${3:-skills}-$1" "$2" "$(scaled "$(awk -v x="${5:-1}" 'BEGIN { print 450 * x }')")" "${4:-$(base_model)}" --data "$(skill_data "$1")"
}
# Figures SKILL-WAY-SEED.json of a task by difficulty, for all ways that are named.
ask_skill() { # TASK WAY...
    local task=$1 way s
    shift
    for way in "$@"; do
        for s in "${seeds[@]}"; do
            ask "$task-$way-$s" "$(skilled "$way" "$s")" --tasks "$world/tasks/$task-test.jsonl" --by "${by-difficulty}" --limit "$questions" --max-tokens 120 --tools on
        done
    done
}
# Mean accuracy over all questions and one seed: the groups weighted by their questions
overall() { # NAME-OF-JSON
    local group
    groups "$1" | while read -r group; do echo "$(figure "$1" "$group" accuracy) $(figure "$1" "$group" questions)"; done \
        | awk '{ sum += $1 * $2; n += $2 } END { printf "%.4f\n", n ? sum / n : 0 }'
}
overall_over_seeds() { for s in "${seeds[@]}"; do overall "$1-$s"; done; } # NAME
# Rows: a group; columns: the ways; cells: mean over the seeds in percent, and the tokens of an answer.
skill_table() { # TASK WAY...
    local task=$1 way group
    shift
    {
        printf '%s' "${by-difficulty}"
        for way in "$@"; do printf '\t%s %%\ttokens' "$way"; done
        echo
        groups "$task-$1-${seeds[0]}" | while read -r group; do
            printf '%s' "$group"
            for way in "$@"; do
                printf '\t%s\t%.0f' "$(over_seeds "$task-$way" "$group" accuracy | percent)" "$(over_seeds "$task-$way" "$group" tokens | mean)"
            done
            echo
        done
        printf 'all'
        for way in "$@"; do printf '\t%s\t' "$(overall_over_seeds "$task-$way" | percent)"; done
        echo
    } | lab_table
}
