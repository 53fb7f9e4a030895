# shellcheck shell=bash
# Sourced by the scripts that run many labs, then show their verdicts. Labs of one line run one after the other, since they share models; lines run
# at the same time, as many as there are cores, the next when one ends, each with its share of the cores: these models are so small that two
# runs with a core each get on faster than one with two. So the longest line stands first. A claim that is refuted does not stop the others; a
# script that breaks does not either, but is named, and the exit status is 1.
set -euo pipefail

lab_all() { # NAME FIRST "SCRIPT..."... -- OUT_DIR ARGUMENT... -> OUT_DIR/SCRIPT.log, OUT_DIR/NAME.txt; FIRST makes what the lines share, or is empty
    local name=$1 first=$2 lines=() line script out here started=$SECONDS threads cores running=0
    shift 2
    while [ "$1" != -- ]; do lines+=("$1"); shift; done
    shift
    out=${1-}
    case $out in '' | -*) echo "usage: scripts/lab/$name.sh OUT_DIR [--scale X]" >&2; exit 2 ;; esac
    here=$(dirname "${BASH_SOURCE[0]}")
    mkdir -p "$out"
    [ -z "$first" ] || "$here/$first.sh" "$@" 2>&1 | tee "$out/$first.log"
    cores=$(nproc)
    threads=$((cores / ${#lines[@]}))
    [ "$threads" -gt 0 ] || threads=1
    if [ "${#lines[@]}" -gt 1 ]; then export LAB_THREADS=$threads OMP_NUM_THREADS=$threads; fi
    for line in "${lines[@]}"; do
        if [ "$running" -ge "$cores" ]; then wait -n || true; else running=$((running + 1)); fi
        for script in $line; do
            printf '\n== %s (%d s so far)\n' "$script" "$((SECONDS - started))"
            { "$here/$script.sh" "$@" 2>&1 || echo "broken: $script, see $out/$script.log"; } | tee "$out/$script.log" | sed -u "s/^/${script%%_*}: /"
        done &
    done
    wait
    printf '\n== all, %d s\n' "$((SECONDS - started))"
    for line in "${lines[@]}"; do
        for script in $line; do grep -E '^verdict |^broken: ' "$out/$script.log" || echo "no verdict: $script"; done
    done | tee "$out/$name.txt"
    ! grep -q '^broken: ' "$out/$name.txt"
}
