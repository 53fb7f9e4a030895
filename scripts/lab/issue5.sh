#!/usr/bin/env bash
# All claims on practice, rewards, reward models and the arena (C24 to C32, and the objectives): one after the other, then their verdicts.
# A claim that is refuted does not stop the others; a script that breaks does not either, but is named, and the exit status is 1.
# Cost: two hours on two quiet cores at --scale 1. usage: scripts/lab/issue5.sh OUT_DIR [--scale X]
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}") out=${1:?usage: scripts/lab/issue5.sh OUT_DIR [--scale X]}
mkdir -p "$out"
: > "$out/issue5.txt"
broken=0 started=$SECONDS
for path in "$here"/c24_*.sh "$here"/c25_*.sh "$here"/c26_*.sh "$here"/c27_*.sh "$here"/c28_*.sh "$here"/c29_*.sh "$here"/c30_*.sh "$here"/c31_*.sh "$here"/c32_*.sh \
    "$here/objectives_compared.sh"; do
    [ -e "$path" ] || continue # a pattern that no script fits
    script=$(basename "$path" .sh)
    printf '\n== %s (%d s so far)\n' "$script" "$((SECONDS - started))"
    if "$path" "$@" 2>&1 | tee "$out/$script.log"; then
        grep '^verdict ' "$out/$script.log" >> "$out/issue5.txt" || true
    else
        echo "broken: $script, see $out/$script.log" >> "$out/issue5.txt"
        broken=1
    fi
done
printf '\n== all, %d s\n' "$((SECONDS - started))"
cat "$out/issue5.txt"
exit "$broken"
