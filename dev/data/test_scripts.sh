#!/usr/bin/env bash
# Tests of scripts/fineweb.sh, scripts/slurm/webtext.sbatch and scripts/crawl.sh, about a minute; `make test_data` runs it.
# usage: dev/data/test_scripts.sh        needs build/data/webtext; the crawler's part is skipped without wget or python3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LC_ALL=C
tmp=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; [ -n "${KEEP-}" ] || rm -rf "$tmp"' EXIT
passed=0 failed=0
check() { # CLAIM COMMAND...: the command must succeed
    local claim=$1
    shift
    if "$@" > "$tmp/check.log" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "  FAILED: $claim"; sed 's/^/    /' "$tmp/check.log" | tail -n 5; fi
}
fails() { ! "$@"; }
# Texts and their order, of all files of a folder.
texts() { for f in "$1"/*; do basename "$f"; zstd -dcq "$f"; done; }
same_texts() { cmp <(texts "$1") <(texts "$2"); }

# ---- archives of invented pages: what makes a page pass the filters, some copies, some pages in German, one with an address

nouns=(river mill teacher harbour winter orchard letter railway museum market bridge garden engine library farmer village kitchen island window forest
    painter doctor story morning ticket mountain basket neighbour carpet lantern captain violin summer meadow hospital station journey breakfast cousin castle)
verbs=(remembers repairs measures follows paints visits collects explains crosses watches forgets describes carries finds borrows answers)
# no five words in a row are the same on two pages but by chance
sentences=("When a N has V the N, our N V another N before this N can V it." "She V that N, because every N near her N V some old N."
    "In their N there is one N which V a N for most of his N." "They say the N V no N until my N V with its N."
    "Few people V an N as well as each N who V such a N." "Then your N, not only the N, V to that N and V again.")
page() { # NUMBER: a page whose words depend on the number alone
    local s word text=''
    RANDOM=$1
    for ((s = 0; s < 18; s++)); do
        text+='<p>'
        for word in ${sentences[RANDOM % 6]}; do
            case $word in
                N*) text+="${nouns[RANDOM % 40]}${word#N} " ;;
                V*) text+="${verbs[RANDOM % 16]}${word#V} " ;;
                *) text+="$word " ;;
            esac
        done
        text+='</p>'
    done
    echo "<html><head><title>Page $1</title></head><body><nav><a href=/>Home</a></nav><article><h1>About page $1</h1>$text</article></body></html>"
}
record() { # URL HTML
    local http="HTTP/1.1 200 OK"$'\r\n'"Content-Type: text/html; charset=utf-8"$'\r\n\r\n'"$2"
    printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: %s\r\nWARC-Date: 2026-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n' \
        "$1" "${#http}" "$http"
}
mkdir "$tmp/in"
for a in 0 1 2 3; do
    for ((k = 0; k < 40; k++)); do
        n=$((a * 40 + k))
        [ "$((k % 8))" != 7 ] || n=$((n - 5)) # every eighth is a copy
        record "http://site$a.example/$k" "$(page "$n")"
    done
    record "http://deutsch.example/$a" "<html><body><p>Die alte Mühle steht am Ende des Dorfes, wo sich der Fluss nach Süden wendet. Zweihundert Jahre lang mahlte sie das Getreide, das die Bauern aus der Umgebung brachten, und ihr Rad war nachts weithin zu hören.</p></body></html>"
done > "$tmp/all.warc"
awk -v RS='WARC/1.0\r\n' -v dir="$tmp/in" 'NR > 1 { printf "WARC/1.0\r\n%s", $0 > (dir "/part" int((NR - 2) / 41) ".warc") }' "$tmp/all.warc"
gzip "$tmp/in/part1.warc"
echo '{"text": "The museum is closed today"}' > "$tmp/eval.jsonl"

# ---- fineweb.sh

mkdir "$tmp/lists"
echo casino > "$tmp/lists/words"
flags=(--jobs 2 --tokenizer none --eval "$tmp/eval.jsonl" --lists "$tmp/lists")
run() { scripts/fineweb.sh "${flags[@]}" --out "$@"; }
sed -i 's/museum is closed today/old river of the new mill remembers that old forest with a closed museum today/' "$tmp/eval.jsonl"
check "the chain runs to its end" run "$tmp/whole" "$tmp/in"
check "copies and German are gone, the rest is there" test "$(texts "$tmp/whole/08_pii/kept" | grep -c '"text"')" = 140
check "the dropped German says why" grep -q '"filter_reason":"language"' <(zstd -dcq "$tmp"/whole/04_language/dropped/*)
check "the report has all eight stages" test "$(grep -cE '^(warc|url|extract|language|quality|minhash_dedup|decontaminate|pii) ' "$tmp/whole/report.txt")" = 8
check "no unfinished file is left" test -z "$(find "$tmp/whole" -name '*.tmp' -o -name '*.run[0-9]*' -o -name 'inputs.*')"
check "a second run does nothing again" grep -q 'done before' <(run "$tmp/whole" "$tmp/in" > /dev/null && cat "$tmp/whole/logs/warc-0.log")
check "neither do the steps of dedup" test "$(grep -c 'done before' "$tmp/whole/logs/cluster-0.log")" = 1
check "other archives are refused" fails run "$tmp/whole" "$tmp/in/part0.warc"
check "other settings are refused" fails run "$tmp/whole" "$tmp/in" --set quality "--min-doc-words 60"
for bad in "--jobs 0" "--task 1/2" "--stage nothing" "--set nothing x" "--hash" "--unknown"; do
    # shellcheck disable=SC2086
    check "bad flags are refused: $bad" test "$(scripts/fineweb.sh --out "$tmp/bad" "$tmp/in" $bad > /dev/null 2>&1; echo $?)" = 2
done
# evaluation sets and lists that come later: what lies behind them is made anew, to the tokens; their maker is one that notes its calls
cat > "$tmp/noting_gpt" << 'END'
#!/usr/bin/env bash
echo "$1" >> "${0%/*}/calls"
while [ "$1" != --out ]; do shift; done
case $2 in *.json) echo '{}' > "$2" ;; *) mkdir -p "$2" && echo '{}' > "$2/index.json" ;; esac
END
chmod +x "$tmp/noting_gpt"
later() { TRAIN_GPT=$tmp/noting_gpt scripts/fineweb.sh --jobs 2 --out "$tmp/later" "$@" "$tmp/in"; }
left() { texts "$tmp/later/08_pii/kept" | grep -c '"text"'; }
calls() { tr '\n' ' ' < "$tmp/calls"; }
printf '{"text": "%s"}\n' "$(page 3 | sed 's|.*</h1>||; s|<[^>]*>| |g' | cut -c 1-300)" > "$tmp/eval3.jsonl"
check "the chain without lists and evaluation sets" later
check "nothing is lost without them" test "$(left)" = 140
check "its report leaves them out" test "$(grep -cE '^(url|decontaminate) ' "$tmp/later/report.txt")" = 0
check "the same again" later
check "makes no tokens again" test "$(calls)" = "tokenizer tokenize "
check "an evaluation set and lists come later" later --eval "$tmp/eval3.jsonl" --lists "$tmp/lists"
check "the page with its text is gone" test "$(left)" = 139
check "extract reads what the lists left" grep -q 02_url "$tmp/later/03_extract/stats/part0.warc.json"
check "the tokens are made of it" test "$(calls)" = "tokenizer tokenize tokenizer tokenize "
check "and go again" later
check "the texts are those of a run that never knew them" same_texts "$tmp/whole/08_pii/kept" "$tmp/later/08_pii/kept"
# one run at a time
exec 5> "$tmp/whole/logs/lock"
flock 5
check "while a whole run works a stage is refused" fails run "$tmp/whole" "$tmp/in" --stage pii
check "while a whole run works another is refused" fails run "$tmp/whole" "$tmp/in"
flock -s 5
check "while a stage works a whole run is refused" fails run "$tmp/whole" "$tmp/in"
exec 6> "$tmp/whole/logs/lock-pii"
flock -s 6
check "while a task of a stage works another one does" run "$tmp/whole" "$tmp/in" --stage pii --task 1/3
check "while a task of a stage works the whole stage is refused" fails run "$tmp/whole" "$tmp/in" --stage pii
check "while a task of a stage works another stage does" run "$tmp/whole" "$tmp/in" --stage quality
exec 5>&- 6>&-

# killed at many places, each time with everything it has started, and started again
kills=0
for ((round = 1; round <= 60; round++)); do
    status=0
    timeout -s KILL "0.$((round % 8 + 1))" setsid -w scripts/fineweb.sh "${flags[@]}" --out "$tmp/killed" "$tmp/in" || status=$?
    [ "$status" != 0 ] || break
    # a killed script cannot end its children: the lock tells when they have gone
    [ ! -e "$tmp/killed/logs/lock" ] || flock "$tmp/killed/logs/lock" true
    kills=$((kills + 1))
done > "$tmp/killed.log" 2>&1
run "$tmp/killed" "$tmp/in" > /dev/null
check "killed $kills times: the same documents" same_texts "$tmp/whole/08_pii/kept" "$tmp/killed/08_pii/kept"
check "killed $kills times: the same dropped ones" same_texts "$tmp/whole/06_dedup/dropped" "$tmp/killed/06_dedup/dropped"
check "it was killed" test "$kills" -gt 0
# the same by single tasks, all of a stage at once
for s in $(scripts/fineweb.sh --stage list); do
    for i in 2 0 1; do run "$tmp/tasks" "$tmp/in" --stage "$s" --task "$i/3" > /dev/null & case $s in report | tokenize) wait ;; esac; done
    wait
done
check "array tasks give the same documents" same_texts "$tmp/whole/08_pii/kept" "$tmp/tasks/08_pii/kept"

# ---- slurm: an sbatch that runs the array here, in order

if [ -e scripts/slurm/webtext.sbatch ]; then
    mkdir "$tmp/bin"
    cat > "$tmp/bin/sbatch" << 'END'
#!/usr/bin/env bash
# sbatch --parsable [--array=0-N] [--dependency=afterok:ID] FLAG... SCRIPT ARGUMENT...
array=0-0
while [ "${1#-}" != "$1" ]; do case $1 in --array=*) array=${1#--array=} ;; --dependency=afterok:*) [ -e "$FAKE/${1##*:}.ok" ] || exit 3 ;; esac; shift; done
id=$(($(ls "$FAKE" | wc -l) + 100)) last=${array#*-}
last=${last%%%*}
for ((k = 0; k <= last; k++)); do SLURM_JOB_ID=$id SLURM_SUBMIT_DIR=$PWD SLURM_ARRAY_TASK_ID=$k SLURM_ARRAY_TASK_COUNT=$((last + 1)) bash "$@" > "$FAKE/$id.log" 2>&1 || exit 4; done
: > "$FAKE/$id.ok"
rm "$FAKE/$id.log"
echo "$id"
END
    chmod +x "$tmp/bin/sbatch"
    mkdir "$tmp/fake"
    check "the chain of array jobs" env PATH="$tmp/bin:$PATH" FAKE="$tmp/fake" scripts/slurm/webtext.sbatch --tasks 3 "${flags[@]}" --out "$tmp/slurm" "$tmp/in"
    check "array jobs give the same documents" same_texts "$tmp/whole/08_pii/kept" "$tmp/slurm/08_pii/kept"
fi

# ---- crawl.sh, against a server of our own that notes who asked for what and when

if command -v wget > /dev/null && command -v python3 > /dev/null; then
    cat > "$tmp/server.py" << 'END'
import http.server, sys, time
pages = {"/": ["/a", "/secret/x", "/mine/x", "/pic.png", "http://localhost:%PORT/elsewhere", "http://localhost:%PORT/private/x", "http://localhost:%PORT/hidden/x"], "/a": ["/b?q=1", "/"], "/b?q=1": ["/c"], "/c": ["/d"], "/d": ["/e"], "/e": [],
         "/elsewhere": ["/deeper", "/private/x", "/mine/x", "http://127.0.0.1:%PORT/e", "http://localhost.example/"], "/deeper": []}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers.get("Host")
        with open(sys.argv[1], "a") as log: log.write("%.3f %s %s %s\n" % (time.time(), host, self.path, self.headers.get("User-Agent")))
        if self.path == "/robots.txt":
            status, kind, body = other_robots if "localhost" in host else robots
        elif self.path in pages or "/x" in self.path or "pic" in self.path:
            links = "".join('<a href="%s">link</a> ' % l.replace("%PORT", str(port)) for l in pages.get(self.path, []))
            status, kind, body = 200, "text/html", "<html><head><title>%s</title></head><body><p>This is the page %s with text.</p>%s</body></html>" % (self.path, self.path, links)
        else:
            status, kind, body = 404, "text/html", "no"
        self.send_response(status); self.send_header("Content-Type", kind); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *a): pass
rules = "User-agent: *\nDisallow: /secret/\nCrawl-delay: 0.4\n\nUser-agent: testbot\nDisallow: /mine/*\nCrawl-delay: 0.4\n"
robots = (503, "text/plain", "down") if len(sys.argv) > 3 else (200, "text/plain", rules)
other_robots = (200, "text/plain", "User-agent: *\nDisallow: /hidden/\n\nUser-agent: testbot\nDisallow: /private/\nCrawl-delay: 0.9\n")
server = http.server.HTTPServer(("", 0), Handler)
port = server.server_address[1]
open(sys.argv[2], "w").write(str(port))
server.serve_forever()
END
    serve() { # NAME [broken]
        python3 "$tmp/server.py" "$tmp/$1.requests" "$tmp/$1.port" ${2:+"$2"} &
        server=$!
        for _ in $(seq 100); do [ -s "$tmp/$1.port" ] && break; sleep 0.1; done
        port=$(cat "$tmp/$1.port")
    }
    export no_proxy='*'
    serve good
    crawl() { scripts/crawl.sh --agent "testbot (nobody@crawl.example)" --wait 0.3 "$@"; }
    check "the crawl runs" crawl --out "$tmp/crawl" --depth 3 "http://127.0.0.1:$port/"
    asked=$tmp/good.requests
    has() { grep -qE "127.0.0.1:$port $1 " "$asked"; }
    for page in / /a '/b\?q=1' /c; do check "$page is fetched" has "$page"; done
    check "what robots.txt forbids to all is not asked for" fails has /secret/x
    check "what it forbids to this agent is not asked for" fails has /mine/x
    check "no pictures" fails has /pic.png
    check "no page beyond the depth" fails has /d
    check "no other host" fails grep -q "localhost" "$asked"
    check "it says who it is" test "$(grep -c 'testbot (nobody@crawl.example)' "$asked")" = "$(wc -l < "$asked")"
    # (robots.txt is asked for twice, by this script and by wget)
    # shellcheck disable=SC2016 # awk's $1
    check "it waits as long as robots.txt asks" awk 'NR > 1 && $1 - before < 0.39 { exit 1 } { before = $1 }' "$asked"
    before=$(wc -l < "$asked")
    crawl --out "$tmp/crawl" --depth 3 "http://127.0.0.1:$port/" > /dev/null
    check "a host that is done is left alone" test "$(wc -l < "$asked")" = "$before"
    crawl --out "$tmp/crawl2" --depth 9 --pages 2 "http://127.0.0.1:$port/" > /dev/null
    check "--pages 2: two pages" test "$(tail -n +"$((before + 1))" "$asked" | grep -vc robots.txt)" = 2
    build/data/webtext warc --input "$tmp/crawl" --output "$tmp/crawled" --compress none 2> /dev/null
    check "the archives hold the pages" test "$(cat "$tmp"/crawled/kept/* | grep -c 'This is the page')" = 4
    kill "$server"
    # two seeds' hosts lead to a third
    serve many
    asked=$tmp/many.requests
    count() { grep -cE "$1 " "$asked" || true; }
    check "a crawl of several hosts" crawl --out "$tmp/crawl4" --hosts "localhost" "http://127.0.0.1:$port/" "http://127.0.0.1:$port/a" "http://127.0.0.2:$port/"
    check "a page to which two hosts lead is fetched once" test "$(count "localhost:$port /elsewhere")" = 1
    check "the links behind it are followed" test "$(count "localhost:$port /deeper")" = 1
    check "robots.txt of that host holds there, also for what leads into it" test "$(count "localhost:$port /(private|hidden)/x")" = 0
    check "that of another host does not" test "$(count "localhost:$port /mine/x")" = 1
    # shellcheck disable=SC2016 # awk's $1
    check "its Crawl-delay is kept" awk '$2 ~ /localhost/ { if (++n > 1 && $1 - before < 0.89) exit 1; before = $1 } END { if (n < 5) exit 1 }' "$asked"
    # shellcheck disable=SC2016 # awk's $2
    check "it is asked when the others are done" awk '$2 ~ /localhost/ { begun = 1; next } begun { exit 1 }' "$asked"
    check "no page is fetched twice" test -z "$(awk '$3 != "/robots.txt" { print $2, $3 }' "$asked" | sort | uniq -d)"
    check "links back to a host that is done are left" test "$(count "/e")" = 0
    before=$(wc -l < "$asked")
    crawl --out "$tmp/crawl4" --hosts "localhost" "http://127.0.0.1:$port/" "http://127.0.0.2:$port/" > /dev/null
    check "all hosts are done" test "$(wc -l < "$asked")" = "$before"
    kill "$server"
    serve broken 503
    check "without a readable robots.txt nothing is fetched" fails crawl --out "$tmp/crawl3" "http://127.0.0.1:$port/"
    check "only robots.txt was asked for" test "$(grep -vc robots.txt "$tmp/broken.requests")" = 0
    check "without --agent it does not start" test "$(scripts/crawl.sh --out "$tmp/x" http://127.0.0.1/ > /dev/null 2>&1; echo $?)" = 2
else
    echo "  skipped: the crawler's tests need wget and python3"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
