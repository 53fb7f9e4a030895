# shellcheck shell=bash
# Sourced by the scripts that run many labs one after the other, then show their verdicts. A claim that is refuted does not stop the
# others; a script that breaks does not either, but is named, and the exit status is 1.
set -euo pipefail

lab_all() { # NAME "SCRIPT..." OUT_DIR ARGUMENT... -> OUT_DIR/SCRIPT.log, OUT_DIR/NAME.txt
    local name=$1 scripts=$2 out=${3-} here script broken=0 started=$SECONDS
    shift 2
    case $out in '' | -*) echo "usage: scripts/lab/$name.sh OUT_DIR [--scale X]" >&2; exit 2 ;; esac
    here=$(dirname "${BASH_SOURCE[0]}")
    mkdir -p "$out"
    : > "$out/$name.txt"
    for script in $scripts; do
        printf '\n== %s (%d s so far)\n' "$script" "$((SECONDS - started))"
        if "$here/$script.sh" "$@" 2>&1 | tee "$out/$script.log"; then
            grep '^verdict ' "$out/$script.log" >> "$out/$name.txt" || echo "no verdict: $script" >> "$out/$name.txt"
        else
            echo "broken: $script, see $out/$script.log" >> "$out/$name.txt"
            broken=1
        fi
    done
    printf '\n== all, %d s\n' "$((SECONDS - started))"
    cat "$out/$name.txt"
    return "$broken"
}
