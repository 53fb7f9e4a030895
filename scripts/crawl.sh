#!/usr/bin/env bash
# A polite small crawler: from seed pages along their links into WARC files, which scripts/fineweb.sh reads.
# usage: scripts/crawl.sh --out DIR --agent "NAME (CONTACT)" [FLAG VALUE]... URL...
#   URL...             seed pages (http or https); of each host only pages are fetched that its robots.txt allows (but what a page
#                      redirects to is fetched, also from another host)
#   --out DIR          DIR/HOST.warc.gz for each host, DIR/HOST.log
#   --agent TEXT       who you are and where complaints go: sent with every request, and the name that robots.txt is asked for
#   --wait SECONDS     between two requests to a host (default 2; each pause is half to one and a half of it; the Crawl-delay of
#                      robots.txt, where it is longer than half of it, is kept to the second)
#   --depth N          links followed on a host from a seed, or from where other hosts lead into it (default 3)
#   --pages N          at most so many pages of one host (default 1000)
#   --megabytes N      stop with a host behind so many (default 100)
#   --hosts "H ..."    hosts (or HOST:PORT) besides the seeds' own that links may lead to, crawled from those links when the hosts before
#                      are done (default none)
#   --jobs N           hosts at a time (default 4); one host never gets two requests at once
# A host that was crawled to its end (DIR/HOST.done) is not crawled again. Needs wget, which reads robots.txt (the rules for all) and
# finds the links; rules for the agent's own name are added here: what either forbids is not fetched.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 3,17p' "${BASH_SOURCE[0]}"; }
# what is certainly no page, by the ending of its name
no_pages='jpg jpeg png gif webp svg ico css js mjs pdf zip gz xz bz2 tar tgz deb rpm iso exe mp3 mp4 avi webm ogg woff woff2 ttf'
complain() { printf 'error: %s\n       %s\n' "$1" "$2" >&2; exit "${3-1}"; }
out='' agent='' pause=2 depth=3 pages=1000 megabytes=100 hosts='' jobs=4 seeds=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --*) [ $# -ge 2 ] || complain "$1: a value is missing" "scripts/crawl.sh --help" 2 ;;&
        --out) out=$2 ;;
        --agent) agent=$2 ;;
        --wait) pause=$2 ;;
        --depth) depth=$2 ;;
        --pages) pages=$2 ;;
        --megabytes) megabytes=$2 ;;
        --hosts) hosts=$2 ;;
        --jobs) jobs=$2 ;;
        -*) complain "unknown flag $1" "scripts/crawl.sh --help" 2 ;;
        http://* | https://*) seeds+=("$1"); shift; continue ;;
        *) complain "$1: expected http://... or https://..." "scripts/crawl.sh --help" 2 ;;
    esac
    shift 2
done
if [ -z "$out" ] || [ "${#seeds[@]}" -eq 0 ]; then usage >&2; exit 2; fi
[ -n "$agent" ] || complain "--agent is missing" "say who crawls and how to reach you, e.g. --agent \"mylab-crawler (crawl@lab.example)\"" 2
for n in "$depth" "$pages" "$megabytes" "$jobs"; do [[ $n =~ ^[1-9][0-9]*$ ]] || complain "\"$n\": expected a whole number, at least 1" "for --depth, --pages, --megabytes and --jobs" 2; done
[[ $pause =~ ^[0-9]+(\.[0-9]+)?$ ]] || complain "--wait $pause: expected seconds" "" 2
command -v wget > /dev/null || complain "wget is not found" "Debian: apt-get install wget"
mkdir -p "$out"

# The host of an address, with its port unless that is the usual one.
host_of() {
    sed -E 's|^([a-z]+://)([^/?#@]*@)?([^/?#]*).*|\1\3|; s|^http://(.*):80$|\1|; s|^https://(.*):443$|\1|; s|^[a-z]+://||' <<< "$1" | tr '[:upper:]' '[:lower:]'
}

# What robots.txt (RFC 9309) asks of this agent: "delay SECONDS" (else of everybody), and "forbid REGEX" for each path it forbids
# to this agent by name. An exception ("Allow") from such a path is not used. And of everybody: "all allow|disallow LENGTH REGEX".
robots_rules() { # ROBOTS_TXT
    tr -d '\r' < "$1" | awk -v me="$(tr '[:upper:]' '[:lower:]' <<< "${agent%%[ /(]*}")" '
        { sub(/[ \t]*#.*/, ""); key = tolower($0); sub(/[ \t]*:.*/, "", key); value = $0; sub(/^[^:]*:[ \t]*/, "", value); sub(/[ \t]+$/, "", value) }
        key == "user-agent" { if (!in_agents) mine = all = 0; in_agents = 1; if (tolower(value) == me) mine = 1; if (value == "*") all = 1; next }
        key != "" { in_agents = 0 }
        (key == "disallow" || key == "allow") && value != "" {
            size = length(value)
            gsub(/[][().+?^{}|\\]/, "\\\\&", value); gsub(/\*/, ".*", value)
            if (value !~ /\$$/) gsub(/\$/, "\\$", value)
            if (mine && key == "disallow") print "forbid ^[a-z]+://[^/]+" value
            if (all) print "all " key " " size " ^[a-z]+://[^/]+" value
        }
        key == "crawl-delay" && value + 0 > 0 { if (mine && !m) m = value + 0; if (all && !a) a = value + 0 }
        END { if (m || a) print "delay " (m ? m : a) }'
}
# Of the addresses on standard input those that such rules allow; of the rules for all the longest decides. wget asks robots.txt only
# for what it finds itself.
allowed() { # RULES
    awk -v rules="$1" '
        BEGIN {
            while ((getline line < rules) > 0) {
                n = split(line, word, " ")
                rest = line
                if (word[1] == "forbid") { sub(/^forbid /, "", rest); forbid[++forbids] = rest }
                else if (word[1] == "all") { sub(/^all [a-z]+ [0-9]+ /, "", rest); rule[++all] = rest; may[all] = word[2] == "allow"; size[all] = word[3] }
            }
        }
        {
            url = $0
            if (url ~ /^[a-z]+:\/\/[^\/?]+$/) url = url "/"
            best = 0
            yes = 1
            for (i = 1; i <= forbids; i++) if (url ~ forbid[i]) yes = 0
            for (i = 1; i <= all && yes; i++) if (url ~ rule[i] && (size[i] + 0 > best || (size[i] + 0 == best && may[i]))) { best = size[i] + 0; which = i }
            if (yes && (best == 0 || may[which])) print
        }'
}

crawl_host() { # HOST URL...
    local host=$1 name=${1//:/_} delay=$pause asked
    shift
    local base=$out/$name
    if [ -e "$base.done" ]; then echo "$host: done before"; return; fi
    rm -f "$base".warc.gz "$base".log # what a run that was stopped has left
    mkdir -p "$base.tmp"
    local robots=$base.tmp/robots.txt forbidden='' answer random=(--random-wait)
    answer=$(wget --server-response --timeout=20 --tries=2 --user-agent="$agent" -O "$robots" "$(sed -E 's|^([a-z]+://[^/?#]*).*|\1|' <<< "$1")/robots.txt" 2>&1 |
        sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' | tail -n 1) || true
    : > "$robots.rules"
    case $answer in
        2*)
            robots_rules "$robots" > "$robots.rules"
            asked=$(sed -n 's/^delay //p' "$robots.rules")
            if [ -n "$asked" ] && awk -v a="$asked" -v b="$pause" 'BEGIN { exit !(a > b / 2) }'; then delay=$asked random=(); fi
            forbidden=$(sed -n 's/^forbid //p' "$robots.rules" | paste -sd '|') ;;
        4*) ;; # none: everything is allowed
        *) printf 'error: %s: robots.txt cannot be read (%s), so nothing is fetched\n' "$host" "${answer:-no answer}" >&2; rm -rf "$base.tmp"; return 1 ;;
    esac
    printf '%s\n' "$@" | allowed "$robots.rules" > "$base.tmp/urls"
    if [ ! -s "$base.tmp/urls" ]; then echo "$host: robots.txt forbids all addresses that lead there"; rm -rf "$base.tmp"; return; fi
    sleep "$delay"
    # Only pages: what is certainly none is not asked for. The files are in the archive, but stay until the end: wget fetches anew for each
    # address that it starts from what it does not find on the disk.
    # wget counts megabytes but not pages: its log is read, and it is ended in the pause behind the last page.
    local reject=("--reject=*.${no_pages// /,*.}") status=0 n=0 line
    [ -z "$forbidden" ] || reject+=(--reject-regex="$forbidden")
    { (
        echo "$BASHPID" > "$base.tmp/pid"
        exec wget --recursive --level="$depth" --wait="$delay" "${random[@]}" --tries=2 --timeout=20 --max-redirect=5 --quota="${megabytes}m" \
            --user-agent="$agent" --header="Accept: text/html,application/xhtml+xml" "${reject[@]}" --no-directories \
            --directory-prefix="$base.tmp/files" --warc-file="$base" --warc-tempdir="$base.tmp" --no-warc-keep-log --warc-header="robots: obeyed" --no-verbose -i "$base.tmp/urls" 2>&1
    ) | while IFS= read -r line; do # (awk may read its input in blocks)
        printf '%s\n' "$line"
        case $line in *"/robots.txt ["*) ;; *" URL:"*" -> "*) n=$((n + 1)); [ "$n" != "$pages" ] || kill "$(cat "$base.tmp/pid")" ;; esac
    done > "$base.log"; } 2> /dev/null || status=${PIPESTATUS[0]} # bash reports what it sees end by a signal
    rm -rf "$base.tmp"
    # 8: some answers were errors of the server; 143: all pages that were wanted are there
    case $status in 0 | 8 | 143) : > "$base.done" ;; *) printf 'error: %s: wget ended with status %s, see %s\n' "$host" "$status" "$base.log" >&2; return 1 ;; esac
    echo "$host: $(grep ' URL:.* -> ' "$base.log" | grep -vc '/robots.txt \[' || true) pages, $(stat -c %s "$base.warc.gz") bytes, pause $delay s"
}

# The links of archived pages to the hosts of --hosts, one a line: at most --pages of each host. As wget does, none of pages that ask
# not to be followed.
links_to_hosts() { # ARCHIVE...
    gzip -dcq -- "$@" 2> /dev/null | tr -d '\000' | LC_ALL=C awk -v hosts="$hosts" -v no_pages="$no_pages" -v most="$pages" '
        BEGIN {
            n = split(tolower(hosts), list, " ")
            for (i = 1; i <= n; i++) wanted[list[i]] = 1
            gsub(" ", "|", no_pages)
            no_pages = "[.](" no_pages ")$"
        }
        function end_page(    i) {
            for (i = 0; i < links; i++) if (nofollow) delete seen[link[i]]; else print link[i]
            links = nofollow = 0
        }
        function consider(url,    host, name, path) {
            sub(/#.*/, "", url)
            gsub(/&amp;/, "\\&", url)
            if (url ~ /^\/\//) url = scheme url
            host = path = url
            sub(/^[A-Za-z]+:\/\/([^\/?@]*@)?/, "", host)
            sub(/[\/?].*/, "", host)
            host = name = tolower(host)
            sub(/:[0-9]+$/, "", name)
            sub(/[?].*/, "", path)
            if (!(host in wanted || name in wanted) || tolower(path) ~ no_pages || seen[url]++ || count[host]++ >= most) return
            link[links++] = url
        }
        /^WARC\/1/ { end_page() }
        /^WARC-Target-URI:/ { scheme = $0 ~ /^[^:]*: *<?https/ ? "https:" : "http:" }
        tolower($0) ~ /<meta[^>]*robots[^>]*nofollow/ { nofollow = 1 }
        {
            for (rest = $0; match(rest, /[hH][rR][eE][fF][ \t]*=[ \t]*["\047]?(https?:)?\/\/[^"\047<> \t\r]+/); rest = substr(rest, RSTART + RLENGTH)) {
                url = substr(rest, RSTART, RLENGTH)
                sub(/^[^=]*=[ \t]*["\047]?/, "", url)
                consider(url)
            }
        }
        END { end_page() }'
}

# In rounds: the hosts of the seeds, then those of --hosts that the pages lead to, and so on. Each host is crawled once, by one job that
# reads its robots.txt, with all addresses that lead to it.
declare -A urls_of=() taken=()
for url in "${seeds[@]}"; do urls_of[$(host_of "$url")]+="$url"$'\n'; done
failed=0
while [ "${#urls_of[@]}" -gt 0 ]; do
    running=0 archives=()
    for host in "${!urls_of[@]}"; do
        taken[$host]=1 archives+=("$out/${host//:/_}.warc.gz")
        readarray -t urls <<< "${urls_of[$host]%$'\n'}"
        crawl_host "$host" "${urls[@]}" &
        running=$((running + 1))
        if [ "$running" -ge "$jobs" ]; then wait -n || failed=1; running=$((running - 1)); fi
    done
    while [ "$running" -gt 0 ]; do wait -n || failed=1; running=$((running - 1)); done
    urls_of=()
    [ -n "$hosts" ] || break
    while IFS= read -r url; do
        [ -n "$url" ] || continue
        host=$(host_of "$url")
        [ -n "${taken[$host]-}" ] || urls_of[$host]+="$url"$'\n'
    done <<< "$(links_to_hosts "${archives[@]}" || true)"
done
exit "$failed"
