#!/usr/bin/env python3
"""pack_html.py -- HTML documentation as web archives, with copies and foreign languages planted; and what a run made of them.

  pack_html.py pack --html DIR --udhr udhr2.zip --out DIR [--copies N] [--foreign N] [--archives N] [--seed N]
      packs every page below --html into DIR/part*.warc.gz and plants beside them
        * --copies near-duplicates of pages with much text: other address, some words changed, a note in front
        * --foreign pages whose text is from the Declaration of Human Rights in languages that are not English
      DIR/plan.json says which address is what.
  pack_html.py check --plan DIR/plan.json --run OUT
      OUT was made by scripts/fineweb.sh. Reads the texts that met the four steps of dedup, finds the true similarity of every pair of
      them (Jaccard, of all runs of five words), and compares what MinHash finds with its formula 1-(1-s^8)^14: in each band of s
      the pairs that meet in a bucket against the number the formula expects. Pairs are not independent (pages with the same footer
      meet all or none), so signatures are made with six seeds, and the mean over them must agree. Exit status 1 if a claim does not hold.
Standard library only (and zstd, the program).
"""
import argparse, collections, glob, gzip, html, json, math, os, random, re, struct, subprocess, sys, zipfile

BANDS = [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01]


def record(url, page):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    return gzip.compress(head.encode() + http + b"\r\n\r\n", 6, mtime=0)


def near_copy(page, rng, number):
    """The page with words changed here and there, one in 1000, 300, 200 or 125, and a note of another site in front: similarities of
    about 0.98 to 0.9."""
    rate = (0.001, 0.0033, 0.005, 0.008)[number % 4]
    paragraphs = [m for m in re.finditer(r"<p\b[^>]*>([^<]{200,})</p>", page) if m.group(1).count(" ") > 20]
    total = len(re.sub(r"<[^>]*>", " ", page).split())
    for m in sorted(rng.sample(paragraphs, k=min(len(paragraphs), max(1, round(total * rate)))) if paragraphs else [], key=lambda m: -m.start()):
        words = page[m.start(1) : m.end(1)].split(" ")
        at = rng.randrange(1, len(words) - 3)
        changed = " ".join(words[:at] + ["surely"[: len(words[at])] or "x"] + words[at + 1 :])
        page = page[: m.start(1)] + changed + page[m.end(1) :]
    return re.sub(r"(<body\b[^>]*>)", r"\1<div class='header'>Mirror number %d</div>" % number, page, count=1)


def pack(args):
    rng = random.Random(args.seed)
    pages, plan, seen = [], {}, set()
    for path in sorted(glob.glob(os.path.join(args.html, "**", "*.html*"), recursive=True)):
        if not path.endswith((".html", ".html.gz")) or not os.path.isfile(path):
            continue
        data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
        if data in seen:  # the same file by another way
            continue
        seen.add(data)
        url = "http://docs.example/" + os.path.relpath(path, args.html)
        pages.append((url, data))
        plan[url] = {"kind": "page"}
    if not pages:
        sys.exit(f"error: {args.html}: no HTML page below it")
    # a page can be a source of copies if changing a few words leaves it nearly the same: 3,000 characters of paragraphs at least
    rich = [(u, d) for u, d in pages if sum(len(p) for p in re.findall(rb"<p\b[^>]*>([^<]{200,})</p>", d)) > 3000]
    rng.shuffle(rich)
    for number, (url, data) in enumerate(rich[: args.copies]):
        copy = f"http://mirror{number % 17}.example/{number}"
        pages.append((copy, near_copy(data.decode("utf-8", "replace"), rng, number).encode()))
        plan[copy] = {"kind": "copy", "of": url}
    with zipfile.ZipFile(args.udhr) as udhr:
        names = [n for n in udhr.namelist() if re.fullmatch(r".*(deu_1996|fra|spa|rus|pol|ita|por_PT|nld|swe|fin|tur|vie|ell_monotonic|jpn|kor|ces|hun|ukr)\.txt", n)]
        for number in range(args.foreign):
            name = names[number % len(names)]
            lines = [l.strip() for l in udhr.read(name).decode("utf-8").split("\n") if len(l.strip()) > 60]
            chosen = [lines[i] for i in sorted(rng.sample(range(len(lines)), min(12, len(lines))))]
            url = f"http://foreign.example/{os.path.basename(name)[:-4]}/{number}"
            pages.append((url, ("<html><body>" + "".join(f"<p>{html.escape(l)}</p>" for l in chosen) + "</body></html>").encode()))
            plan[url] = {"kind": "foreign"}
    rng.shuffle(pages)
    os.makedirs(args.out, exist_ok=True)
    files = [open(os.path.join(args.out, f"part{i:03d}.warc.gz"), "wb") for i in range(args.archives)]
    for i, (url, data) in enumerate(pages):
        files[i % len(files)].write(record(url, data))
    for f in files:
        f.close()
    json.dump(plan, open(os.path.join(args.out, "plan.json"), "w"))
    kinds = collections.Counter(p["kind"] for p in plan.values())
    print(f"{len(pages)} pages in {args.archives} archives: {kinds['page']} found, {kinds['copy']} near-duplicates, {kinds['foreign']} in other languages")


def lines_of(folder):
    """(file number, document number, document) in the order of the program."""
    for number, path in enumerate(sorted(glob.glob(folder + "/*"))):
        text = subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
        for document, line in enumerate(text.splitlines()):
            yield (number, document), json.loads(line)


def shingles(text):
    """As MinHash sees a text, but for the rarer rules of its word splitter."""
    words = re.sub(r"[\W_]+", " ", re.sub(r"\d+([.,]\d+)?", "0", text.lower())).split()
    return {hash(tuple(words[i : i + 5])) for i in range(len(words) - 4)}


def met_pairs(folder):
    """Pairs whose records are equal in at least one bucket, from the files of signatures."""
    found = set()
    for bucket in sorted(glob.glob(folder + "/bucket_*")):
        equal = collections.defaultdict(list)
        for path in glob.glob(bucket + "/*.sig"):
            number, data = int(os.path.basename(path)[:-4]), open(path, "rb").read()
            for at in range(0, len(data), 68):
                equal[data[at : at + 64]].append((number, struct.unpack_from("<I", data, at + 64)[0]))
        for group in equal.values():
            group.sort()
            found.update((a, b) for i, a in enumerate(group) for b in group[i + 1 :])
    return found


def similar_pairs(sets):
    """Jaccard similarity of all pairs that share a run of words."""
    where, shared = collections.defaultdict(list), collections.Counter()
    for key, s in sets.items():
        for x in s:
            if x % 16 == 0:  # a sixteenth of the runs is enough to find the pairs; their similarity is exact
                where[x].append(key)
    for keys in where.values():
        if 1 < len(keys) <= 200:  # a run on more pages is a phrase of the layout; their pairs share others too
            keys.sort()
            shared.update((a, b) for i, a in enumerate(keys) for b in keys[i + 1 :])
    out = {}
    for (a, b), n in shared.items():
        if n * 16 * 16 >= min(len(sets[a]), len(sets[b])):
            both = len(sets[a] & sets[b])
            out[a, b] = both / (len(sets[a]) + len(sets[b]) - both)
    return out


def check(args):
    plan = json.load(open(args.plan))
    failures = []

    def claim(ok, text):
        print(("ok      " if ok else "FAILED  ") + text)
        if not ok:
            failures.append(text)

    documents = dict(lines_of(args.run + "/05_quality/kept"))
    of_url = {d["url"]: k for k, d in documents.items()}
    kept = {d["url"] for _, d in lines_of(args.run + "/06_dedup/kept")}
    sets = {k: shingles(d["text"]) for k, d in documents.items()}
    formula = lambda s: 1 - (1 - s**8) ** 14
    similarity = similar_pairs(sets)
    met = met_pairs(args.run + "/06_dedup/signatures")
    print(f"{len(documents)} documents reached dedup, {len(documents) - len(kept)} were removed; {len(similarity)} pairs share text, {len(met)} met in a bucket")

    # planted copies: of those whose original came through the filters too, one of both must go
    planted = [(u, p["of"]) for u, p in plan.items() if p["kind"] == "copy" and u in of_url and p["of"] in of_url]
    found = [(u, o) for u, o in planted if tuple(sorted((of_url[u], of_url[o]))) in met or not (u in kept and o in kept)]
    jaccard = [len(sets[of_url[u]] & sets[of_url[o]]) / max(1, len(sets[of_url[u]] | sets[of_url[o]])) for u, o in planted]
    expected = sum(map(formula, jaccard))
    claim(len(planted) > 0 and len(found) >= 0.95 * len(planted), f"planted near-duplicates found: {len(found)} of {len(planted)} ({100 * len(found) / max(1, len(planted)):.1f} %, at least 95); "
          f"similarity {sum(jaccard) / max(1, len(jaccard)):.3f} on average, the formula expects {expected:.1f}")

    # all pairs, band by band, over six seeds: the first is that of the run
    draws = [met]
    for seed in range(2, 7):
        folder = f"{args.run}/check/seed-{seed}"
        subprocess.run([args.webtext, "dedup", "signature", "--input", args.run + "/05_quality/kept", "--output", folder, "--hash", "xxhash64", "--seed", str(seed)], check=True, capture_output=True)
        draws.append(met_pairs(folder))
    for draw in draws:
        for a, b in draw - similarity.keys():  # they share only runs that many pages have
            similarity[a, b] = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
    print("  similarity      pairs   expected   met in a bucket: this run, mean of 6 seeds, standard error")
    for low, high in zip(BANDS, BANDS[1:]):
        inside = {pair for pair, s in similarity.items() if low <= s < high}
        expected = sum(formula(similarity[p]) for p in inside)
        counts = [len(inside & draw) for draw in draws]
        mean = sum(counts) / len(counts)
        error = math.sqrt(sum((n - mean) ** 2 for n in counts) / (len(counts) - 1) / len(counts))
        print(f"  {low:.1f} to {min(high, 1):.1f}   {len(inside):8d}   {expected:8.1f}   {counts[0]:8d}   {mean:8.1f}   {error:.1f}")
        # 4.03: Student's 99 % for six draws; 2 %: the similarities are of nearly, not exactly, the program's words
        claim(abs(mean - expected) <= 4.03 * error + 0.02 * expected + 3, f"pairs of similarity {low:.1f} to {min(high, 1):.1f}: {mean:.1f} met, the formula says {expected:.1f}")
    # a document is removed only if it met another, or is in one cluster with it
    parent = {}

    def root(x):
        while parent.setdefault(x, x) != x:
            x = parent[x]
        return x

    for a, b in sorted(met):
        ra, rb = root(a), root(b)
        if ra != rb:
            parent[max(ra, rb)] = min(ra, rb)
    should = {k for k in parent if root(k) != k}
    removed = {k for k, d in documents.items() if d["url"] not in kept}
    claim(should == removed, f"removed are all but the first of each cluster, and no other: {len(removed)} of {len(should)}")
    # foreign pages
    foreign = [u for u, p in plan.items() if p["kind"] == "foreign"]
    left = [u for u in foreign if u in of_url]
    claim(not left, f"pages in other languages kept as English: {len(left)} of {len(foreign)}")
    language = [d for _, d in lines_of(args.run + "/04_language/dropped") if plan[d["url"]]["kind"] == "foreign"]
    names = {"deu": "de", "fra": "fr", "spa": "es", "rus": "ru", "pol": "pl", "ita": "it", "por": "pt", "nld": "nl", "swe": "sv", "fin": "fi", "tur": "tr", "vie": "vi", "ell": "el", "jpn": "ja", "kor": "ko", "ces": "cs", "hun": "hu", "ukr": "uk"}
    right = sum(d.get("language") == names[d["url"].split("/")[3][:3]] for d in language)
    claim(right >= 0.98 * len(language), f"their languages named rightly: {right} of {len(language)}")
    sys.exit(1 if failures else 0)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
commands = parser.add_subparsers(dest="command", required=True)
p = commands.add_parser("pack")
p.add_argument("--html", required=True), p.add_argument("--udhr", required=True), p.add_argument("--out", required=True)
for name, default in ("copies", 300), ("foreign", 300), ("archives", 8), ("seed", 1):
    p.add_argument("--" + name, type=int, default=default)
c = commands.add_parser("check")
c.add_argument("--plan", required=True), c.add_argument("--run", required=True)
c.add_argument("--webtext", default="dev/data/webtext")
args = parser.parse_args()
pack(args) if args.command == "pack" else check(args)
