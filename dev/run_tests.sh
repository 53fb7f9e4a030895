#!/usr/bin/env bash
# Runs test programs one after the other and adds up what they count; the last line is `N passed, N failed`.
# usage: dev/run_tests.sh PROGRAM...    Status 1 when a check failed or a program died before it could count.
set -uo pipefail
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program in "$@"; do
    "$program" | tee "$log"
    last=$(tail -n 1 "$log")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        [ "${BASH_REMATCH[1]}" -gt 0 ] || failed=$((failed + 1)) # a program without a check is broken
    else
        echo "error: $program ended before its last line" >&2
        failed=$((failed + 1))
    fi
done
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
