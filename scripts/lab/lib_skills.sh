# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by C19 to C23: assistants that learned the same problems in three ways, each under a system message of its own:
#   direct  the answer at once      steps  worked out in text, then the answer      python  a call of the code tool, then the answer
# One assistant knows all ways: what differs between two answers to a problem is nothing but the way. There are two of them, since their
# problems have nothing in common: "reckoning" (word problems, arithmetic, comparing decimals) and "letters" (counting, spelling).
# The direct sets of the world justify half of their answers afterwards ("The answer is 7. Still there: 17 - 10 = 7.");
# here the justification is cut off: the checker takes one number only, and nothing that follows can help what stands before.
# What a model of this size needs to get there (LOG 2026-11-22): a workbook with the sums of these problems in half of the pages that the base
# model reads; numbers that are the same symbols wherever they stand (the pattern cl100k); small updates, 512 tokens of pages, eight conversations.
lab_world=skills

says() { # WAY: its system message
    case $1 in direct) echo "Answer at once." ;; steps) echo "Think step by step." ;; python) echo "Use python." ;; esac
}
kind_of() { case $1 in counting | spelling) echo letters ;; *) echo reckoning ;; esac; } # TASK
skill_data() { # KIND WAY... -> lab_common/KIND-WAY....jsonl
    local kind=$1 file task tasks="problems arithmetic comparing" way
    shift
    file=$lab_common/$kind$(printf -- '-%s' "$@").jsonl
    if [ ! -s "$file" ]; then
        [ "$kind" = reckoning ] || tasks="counting spelling"
        for way in "$@"; do
            for task in $tasks; do
                sed -e 's/"content": "The answer is \([^ "]*\)\. [^"]*"/"content": "The answer is \1."/' \
                    -e "s/{\"messages\": \[/&{\"role\": \"system\", \"content\": \"$(says "$way")\"}, /" "$world/chat/$task-$way-train.jsonl"
            done
        done > "$file.new"
        mv "$file.new" "$file"
    fi
    echo "$file"
}
skilled() { # KIND SEED: an assistant
    assistant "$1" "$2" "$(scaled 5000)" "$(base_model)" --examples 8 --data "$(skill_data "$1" direct steps python)"
}
# Figures TASK-WAY-SEED.json of a task by difficulty, for all ways that are named.
ask_skill() { # TASK WAY...
    local task=$1 way s
    shift
    for way in "$@"; do
        for s in "${seeds[@]}"; do
            ask "$task-$way-$s" "$(skilled "$(kind_of "$task")" "$s")" --tasks "$world/tasks/$task-test.jsonl" --by "${by-difficulty}" --limit "$questions" --max-tokens 120 --tools on \
                --system "$(says "$way")"
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
