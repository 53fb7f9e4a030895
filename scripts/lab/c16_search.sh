#!/usr/bin/env bash
# C16, C17: what was read once is a vague recollection; what stands in the context is working memory; a tool can put it there.
# Hypothesis: on facts that the pages told once or never, an assistant is right more often with the page pasted before the question
#   than closed book, and one with a search tool (the library as documents) more often, too: intervals over the seeds apart.
# Refuted if one of the two is not better.
# Fixed: base model, facts and wordings (no conversation of the training shows these facts), updates. Varied: closed book and pasted page
#   (one assistant, which learned both), search (the same, which then learned to call it); the seed.
# Reading must be learned: shown pages on 90 people, a model learns these by heart and reads nothing (2 % right on others); on 1,300 people, eight
#   conversations an update, it reads 61, 90, 98 % after 1,000, 2,000, 3,000 updates (LOG 2026-11-22).
# Control: with the tools switched off the searching assistant gets an error for a result, and should be no better than closed book.
# Noise: 95 % interval of the mean over the seeds. Cost: on one core 170 s, and 3 x (150 + 100) s of training.
# usage: scripts/lab/c16_search.sh OUT_DIR [--scale X] [--world DIR --base DIR]
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
lab_world=readers
assistant_begin c16 "$@"

others=("$world/chat/facts-train.jsonl:0.1" "$world/chat/smalltalk-train.jsonl:0.1")
base=$(base_model)
for s in "${seeds[@]}"; do
    reader=$(assistant reader "$s" "$(scaled 2000)" "$base" --examples 8 --data "$world/chat/facts-context-train.jsonl" "${others[@]}")
    searcher=$(assistant searcher "$s" "$(scaled 1000)" "$reader" --examples 8 --data "$world/chat/facts-search-train.jsonl" "${others[@]}")
    common=(--limit "$questions" --max-tokens 64)
    ask "closed-$s" "$reader" --tasks "$world/tasks/facts-rare-test.jsonl" "${common[@]}"
    ask "pasted-$s" "$reader" --tasks "$world/tasks/facts-context-test.jsonl" "${common[@]}"
    ask "search-$s" "$searcher" --tasks "$world/tasks/facts-rare-test.jsonl" "${common[@]}" --tools on --documents "$world/library.jsonl"
    ask "no-tools-$s" "$searcher" --tasks "$world/tasks/facts-rare-test.jsonl" "${common[@]}"
done
printf 'how\tright %%\tdeclined %%\tcalls\ttokens\n' | lab_table
for how in closed pasted search no-tools; do
    group=facts-rare
    if [ "$how" = pasted ]; then group=facts-context; fi
    printf '%s\t%s\t%s\t%s\t%s\n' "$how" "$(over_seeds "$how" $group accuracy | percent)" "$(over_seeds "$how" $group declined | percent)" \
        "$(over_seeds "$how" $group calls | mean)" "$(over_seeds "$how" $group tokens | mean)"
done | lab_table
for how in closed pasted search; do sed -n '1s/.*"prompt":\("[^"]*"\).*"reply":\("[^"]*"\).*/  \1\n    \2/p' "$lab_out/$how-${seeds[0]}.jsonl"; done

read -r closed closed_half <<< "$(over_seeds closed facts-rare accuracy | mean_interval)"
read -r pasted pasted_half <<< "$(over_seeds pasted facts-context accuracy | mean_interval)"
read -r search search_half <<< "$(over_seeds search facts-rare accuracy | mean_interval)"
verdict=refuted
if holds "$pasted - ${pasted_half/-/0} > $closed + ${closed_half/-/0} && $search - ${search_half/-/0} > $closed + ${closed_half/-/0}"; then verdict=confirmed; fi
lab_verdict "C16, C17" << END
$verdict
facts told once or never: right in $(over_seeds closed facts-rare accuracy | percent) % closed book, \
$(over_seeds pasted facts-context accuracy | percent) % with the page in the context, \
$(over_seeds search facts-rare accuracy | percent) % with search (without its tool $(over_seeds no-tools facts-rare accuracy | percent) %)
seeds=${#seeds[@]}
closed_book=$closed $closed_half
pasted=$pasted $pasted_half
search=$search $search_half
search_without_tool=$(over_seeds no-tools facts-rare accuracy | mean_interval)
END
