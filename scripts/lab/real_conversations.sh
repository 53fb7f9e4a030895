#!/usr/bin/env bash
# Bar 9 of issue 4: conversations that people wrote, on a base model that read books that people wrote.
# Hypothesis: fine-tuning lowers the validation loss of the answers by at least a quarter before it rises again (the set is small:
#   a few thousand exchanges on many topics), and with --patience the best checkpoint is kept.
# Refuted if the best loss is not that much below the loss at step 0.
# Fixed: base model (4 layers, 128 channels, vocabulary 2,048) on the text given. Varied: the step; the seed of the fine-tuning.
# Prints the validation loss curve and transcripts. Noise: 95 % interval of the mean over the seeds. Cost: 120 s and 3 x 30 s.
# usage: scripts/lab/real_conversations.sh OUT_DIR [--scale X]
#   environment: LAB_TEXT, text to pretrain on (.jsonl, .txt or .xz of them), LAB_CHAT, conversations (JSONL files, perhaps with :WEIGHT)
# shellcheck source=scripts/lab/lib_assistant.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_assistant.sh"
text=${LAB_TEXT:-$lab_root/../shared/data/text/starter-train.jsonl.xz} sets=$lab_root/../shared/data/chat
lab_world=none
assistant_begin real "$@"

[ -s "$text" ] || fail "$text: not there" "LAB_TEXT names a text to pretrain on"
# small talk, who are you, instructions, and dialogues with an agent (many: a tenth of them). Left out: calls of tools that are not ours, and what is offensive by design.
if [ -n "${LAB_CHAT-}" ]; then
    read -r -a chat <<< "$LAB_CHAT"
else
    [ -s "$sets/chatterbot_english.jsonl" ] || fail "$sets: no conversations" "LAB_CHAT names some"
    sed -e 's/{{name}}/Pelican/g' -e 's/{{author}}/this lab/g' "$sets/llamafactory_identity.jsonl" > "$lab_common/identity.jsonl"
    xz -dc "$sets/sgd_dialogues.jsonl.xz" > "$lab_common/dialogues.jsonl"
    chat=("$sets/chatterbot_english.jsonl" "$sets/fastchat_dummy_conversation.jsonl" "$sets/self_instruct_seed_175.jsonl" "$sets/llamafactory_dpo_en_demo.jsonl"
        "$lab_common/identity.jsonl" "$lab_common/dialogues.jsonl:0.1")
fi
# ten megabytes are more than the base model reads
if [ ! -s "$lab_common/text.jsonl" ]; then
    case $text in *.xz) xz -dc "$text" ;; *) cat "$text" ;; esac | awk '{ print; size += length($0) } size > 10e6 { exit }' > "$lab_common/text.new" || true
    mv "$lab_common/text.new" "$lab_common/text.jsonl"
fi
base=$lab_common/base
lab_pretrain "$base" "$(scaled 1200)" --data "$(shards_of v2048 "$lab_common/text.jsonl" 2048)" "${small_model[@]}" --seed 1
steps=$(scaled 300)
every=$(awk -v n="$steps" 'BEGIN { n = int(n / 12); print (n < 1 ? 1 : n) }')
for s in "${seeds[@]}"; do
    run=$lab_common/chat-$s
    [ -d "$run" ] || train_gpt sft --init "$base" --data "${chat[@]}" --val-fraction 0.1 --out "$run" --steps "$steps" --eval-every "$every" --eval-examples 512 --patience 3 \
        --lr 1e-3 --seed "$s" --skip-bad > "$run.log" || { tail -n 5 "$run.log" >&2; exit 1; }
done
loss_at() { sed -n "s/^step $2: validation loss \([0-9.]*\).*/\1/p" "$lab_common/chat-$1.log"; } # SEED STEP
best() { sed -n 's/^step [0-9]*: validation loss \([0-9.]*\).*/\1/p' "$lab_common/chat-$1.log" | sort -g | head -n 1; }
printf 'step\tvalidation loss%s\n' "$(printf '\tseed %s' "${seeds[@]}")" | cut -f 1,3- | lab_table
for step in 0 $(seq "$every" "$every" "$steps"); do
    row=$step
    for s in "${seeds[@]}"; do row+=$'\t'$(loss_at "$s" "$step"); done
    case $row in *[0-9]$'\t'*[0-9]*) echo "$row" ;; esac
done | lab_table
for s in "${seeds[@]}"; do best "$s"; done > "$lab_out/best"
for s in "${seeds[@]}"; do loss_at "$s" 0; done > "$lab_out/start"
while read -r question; do
    printf 'user: %s\nassistant: ' "$question"
    echo "$question" | train_gpt chat --model "$lab_common/chat-${seeds[0]}" --temperature 0.5 --max-tokens 48 2> /dev/null | tail -n 1
done << 'END'
Hello, how are you?
What is your favourite book?
What language are you written in?
Do you like money?
Tell me a joke.
END
start=$(mean < "$lab_out/start") end=$(mean < "$lab_out/best")
verdict=refuted
if holds "$end <= 0.75 * $start"; then verdict=confirmed; fi
lab_verdict "real conversations" << END
$verdict
validation loss of the answers $(awk -v x="$start" 'BEGIN { printf "%.2f", x }') before and $(mean_interval < "$lab_out/best" | awk '{ printf "%.2f +-%.2f", $1, $2 }') at its best
seeds=${#seeds[@]}
loss_start=$start
loss_best=$end
END
