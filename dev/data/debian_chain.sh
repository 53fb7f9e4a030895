#!/usr/bin/env bash
# The whole chain on real pages: HTML documentation of Debian packages, with near-duplicates and foreign languages planted.
# usage: dev/data/debian_chain.sh DIR [UDHR_ZIP]     default of the second: ../shared/data/web/udhr2.zip
# Takes the HTML that is installed below /usr/share/doc, and fetches (not installs) python3-doc's pages, the Debian handbook and the
# installation guide where apt-get can. Prints the funnel and the claims of pack_html.py; exit status 1 if one does not hold.
# Needs python3, and build/data/webtext (make data). About 5,000 pages, ten minutes on two busy cores.
set -euo pipefail
[ $# -ge 1 ] || { sed -n 's/^# //; 3p' "$0" >&2; exit 2; }
dir=$(realpath -m "$1") udhr=$(realpath "${2:-../shared/data/web/udhr2.zip}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "$dir/deb" "$dir/html"
for package in python3.11-doc debian-handbook installation-guide-amd64; do
    ls "$dir/deb/$package"_*.deb > /dev/null 2>&1 || (cd "$dir/deb" && apt-get download "$package" > /dev/null 2>&1) || echo "$package: not to be had, left out" >&2
done
for deb in "$dir"/deb/*.deb; do [ ! -e "$deb" ] || dpkg-deb -x "$deb" "$dir/html"; done
[ -e "$dir/html/installed" ] || ln -s /usr/share/doc "$dir/html/installed"
[ -e "$dir/warc/plan.json" ] || python3 dev/data/pack_html.py pack --html "$dir/html" --udhr "$udhr" --out "$dir/warc"
# documentation is full of code, lists and repeated notices: what is looked at here is dedup and language, so quality lets more through
scripts/fineweb.sh --out "$dir/run" --tokenizer "${TOKENIZER:-none}" --set quality "--filters gopher --min-stop-words 1 --max-non-alpha-words-ratio 0.5" "$dir/warc"
python3 dev/data/pack_html.py check --plan "$dir/warc/plan.json" --run "$dir/run"
