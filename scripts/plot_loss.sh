#!/usr/bin/env bash
# Draws the loss curves of one or two runs in the terminal, from their metrics.jsonl.
# usage: scripts/plot_loss.sh RUN_DIR [SECOND_RUN_DIR]      (COLUMNS and LINES set the size; ASCII=1 for plain characters)
# A column is the mean training loss of its share of the steps; marked points are validation losses. KEY names another figure than the loss.
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${1#-}" != "$1" ]; then
    echo "usage: scripts/plot_loss.sh RUN_DIR [SECOND_RUN_DIR]" >&2
    exit 2
fi
files=()
for run in "$@"; do
    file=$run/metrics.jsonl
    if [ ! -s "$file" ]; then
        echo "error: $file: not there or empty; expected the directory of a run (train_gpt pretrain --out DIR)" >&2
        exit 1
    fi
    files+=("$file")
done
case ${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} in
    *[Uu][Tt][Ff]*) ascii=${ASCII:-0} ;;
    *) ascii=${ASCII:-1} ;;
esac

exec awk -v columns="${COLUMNS:-80}" -v lines="${LINES:-24}" -v ascii="$ascii" -v key="${KEY:-loss}" -v name1="$1" -v name2="${2-}" '
    # the number after "key": in a line of JSON, or "" (keys of metrics.jsonl are plain words, values plain numbers)
    function value(key,   at, rest) {
        at = index($0, "\"" key "\":")
        if (!at) return ""
        rest = substr($0, at + length(key) + 3)
        return match(rest, /^ *-?[0-9.]+([eE][-+]?[0-9]+)?/) ? substr(rest, 1, RLENGTH) + 0 : ""
    }
    FNR == 1 { run++ }
    {
        step = value("step"); loss = value(key); val = value("val_" key)
        if (step == "") next
        if (loss != "") { n = ++count[run]; steps[run, n] = step; losses[run, n] = loss; last[run] = loss }
        if (val != "") { m = ++val_count[run]; val_steps[run, m] = step; vals[run, m] = val; last_val[run] = val }
        if (step > max_step) max_step = step
    }
    function widen(y) { if (low == "" || y < low) low = y; if (high == "" || y > high) high = y }
    function row_of(y) { return high > low ? int((high - y) / (high - low) * (height - 1) + 0.5) : 0 }
    function column_of(s) { s = int((s - 1) / (max_step > 1 ? max_step - 1 : 1) * (width - 1) + 0.5); return s < 0 ? 0 : s }
    END {
        if (!max_step) { print "error: no step with a " key " in " name1 "/metrics.jsonl" > "/dev/stderr"; exit 1 }
        width = columns - 12; if (width > 100) width = 100; if (width < 20) width = 20
        height = lines - 6; if (height > 18) height = 18; if (height < 6) height = 6
        split(ascii ? ". o : x" : "• ◆ · ◇", mark, " ")
        for (r = 1; r <= run; r++) {
            for (i = 1; i <= count[r]; i++) { c = column_of(steps[r, i]); sum[r, c] += losses[r, i]; parts[r, c]++ }
            for (c = 0; c < width; c++) if (parts[r, c]) widen(sum[r, c] / parts[r, c])
            for (i = 1; i <= val_count[r]; i++) widen(vals[r, i])
        }
        for (r = run; r >= 1; r--) {      # the first run is drawn over the second, validation over training
            for (c = 0; c < width; c++) if (parts[r, c]) cell[row_of(sum[r, c] / parts[r, c]), c] = mark[2 * r - 1]
            for (i = 1; i <= val_count[r]; i++) cell[row_of(vals[r, i]), column_of(val_steps[r, i])] = mark[2 * r]
        }
        for (y = 0; y < height; y++) {
            line = ""
            for (c = 0; c < width; c++) line = line ((y, c) in cell ? cell[y, c] : " ")
            sub(/ +$/, "", line)
            printf "%8.3f %s%s\n", high - (high - low) * y / (height - 1), ascii ? "|" : "┤", line
        }
        axis = ""
        for (c = 0; c < width; c++) axis = axis (ascii ? "-" : "─")
        printf "         %s%s\n", ascii ? "+" : "└", axis
        printf "         1%*s\n", width, "step " max_step
        for (r = 1; r <= run; r++) {
            printf "         %s %s %.4f", mark[2 * r - 1], key == "loss" ? "training" : key, last[r]
            if (val_count[r]) printf "   %s validation %.4f", mark[2 * r], last_val[r]
            printf "   %s\n", r == 1 ? name1 : name2
        }
    }' "${files[@]}"
