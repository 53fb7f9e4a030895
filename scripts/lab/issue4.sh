#!/usr/bin/env bash
# All claims on the way from base model to assistant (C7 to C23, and real conversations): one after the other, then their verdicts.
# A claim that is refuted does not stop the others; a script that breaks does not either, but is named, and the exit status is 1.
# Cost: 45 minutes on two quiet cores at --scale 1. usage: scripts/lab/issue4.sh OUT_DIR [--scale X]
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}") out=${1:?usage: scripts/lab/issue4.sh OUT_DIR [--scale X]}
mkdir -p "$out"
: > "$out/issue4.txt"
broken=0 started=$SECONDS
for script in c7_protocol c8_recall c9_recites c10_invents c11_few_shot c12_transcript c14_hallucination c16_search c18_identity c19_tokens_to_think \
    c20_calculator c21_counting c22_spelling c23_jagged real_conversations; do
    printf '\n== %s (%d s so far)\n' "$script" "$((SECONDS - started))"
    if "$here/$script.sh" "$@" 2>&1 | tee "$out/$script.log"; then
        grep '^verdict ' "$out/$script.log" >> "$out/issue4.txt" || true
    else
        echo "broken: $script, see $out/$script.log" >> "$out/issue4.txt"
        broken=1
    fi
done
printf '\n== all, %d s\n' "$((SECONDS - started))"
cat "$out/issue4.txt"
exit "$broken"
