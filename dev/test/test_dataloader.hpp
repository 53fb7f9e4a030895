// dev/test/test_dataloader.hpp -- is each token trained on as often as promised, in an order that nothing else changes?
// Most streams here hold their own positions as tokens (uint32), so that a row says where it comes from.
#pragma once

#include <fstream>
#include <set>

#include "../../dataloader.hpp"
#include "test.hpp"

namespace dataloader_test {

using Tokens = std::vector<int64_t>;

// Header and tokens written byte by byte, without the program's own code.
inline void write_shard(const std::string& path, const Tokens& tokens, bool wide, int64_t magic = 0,
                        int64_t version = 0, int64_t count = -1) {
    std::string bytes;
    const auto put = [&](int64_t v, int width) {
        for (int i = 0; i < width; i++) bytes += char(uint64_t(v) >> (8 * i));
    };
    put(magic ? magic : wide ? 20240801 : 20240520, 4);
    put(version ? version : wide ? 7 : 1, 4);
    put(count >= 0 ? count : int64_t(tokens.size()), 4);
    bytes.resize(1024);
    for (const int64_t t : tokens) put(t, wide ? 4 : 2);
    std::ofstream(path, std::ios::binary) << bytes;                 // without write_file's fsync: there are hundreds
}

inline Tokens positions(int64_t first, int64_t n) {
    Tokens t;
    for (int64_t i = 0; i < n; i++) t.push_back(first + i);
    return t;
}

struct Batch {
    std::vector<int32_t> inputs, targets;
    std::vector<float> weights;
    bool operator==(const Batch&) const = default;
};
// Outputs start as nonsense: what is not written is seen.
inline Batch read(DataLoader& loader, int64_t first_row, int64_t num_rows) {
    const size_t n = size_t(num_rows * loader.seq_len());
    Batch b{std::vector<int32_t>(n, -77), std::vector<int32_t>(n, -77), std::vector<float>(n, kNaN)};
    loader.read_rows(first_row, num_rows, b.inputs.data(), b.targets.data(), b.weights.data());
    return b;
}

// A stream of documents: end-of-text (id 0), then 1000 + position. The first document may lack its beginning.
constexpr int64_t kEot = 0, kBase = 1000;
inline Tokens documents(const std::vector<int64_t>& lengths, bool first_is_rest = false) {
    Tokens t;
    for (const int64_t n : lengths)
        for (int64_t i = 0; i < n; i++)
            t.push_back(i == 0 && !(first_is_rest && t.empty()) ? kEot : kBase + int64_t(t.size()));
    return t;
}
inline std::vector<int64_t> random_lengths(Rng& rng, int64_t count, int64_t longest) {
    std::vector<int64_t> lengths;
    for (int64_t i = 0; i < count; i++)                             // many short ones, a few long ones
        lengths.push_back(1 + int64_t(rng.below(rng.below(8) == 0 ? uint64_t(longest) : 12)));
    return lengths;
}
// Written as shards of odd sizes (documents cross them), one of them empty.
inline void write_shards(const TempDir& dir, const Tokens& tokens, bool wide = true) {
    const size_t n = tokens.size(), cuts[] = {0, n / 3, n / 3, n / 3 + n / 7, n};
    for (int s = 0; s < 4; s++)
        write_shard(dir / strprintf("a_train_%06d.bin", s),
                    Tokens(tokens.begin() + long(cuts[s]), tokens.begin() + long(cuts[s + 1])), wide);
}
inline LoaderOptions packed_options(const TempDir& dir, int64_t T, uint64_t seed = 1) {
    LoaderOptions o{dir.path(), "train", T, "packed", seed};
    o.end_of_text = int32_t(kEot);
    return o;
}

inline void test_permutation(Report& t) {
    for (const int64_t n : {1, 2, 3, 31, 63, 64, 65, 1000, 4097}) {
        for (const uint64_t key : {uint64_t(0), uint64_t(7), ~uint64_t(0)}) {
            std::set<int64_t> seen;
            for (int64_t i = 0; i < n; i++) seen.insert(permuted(i, n, key));
            t.check(int64_t(seen.size()) == n && *seen.begin() == 0 && *seen.rbegin() == n - 1,
                    cat("n=", n, " key=", key));
        }
    }
    // where entry 0 goes over 7,000 keys: each of 7 places about 1,000 times (standard deviation 29)
    std::vector<int64_t> places(7), pairs(49);
    for (uint64_t key = 0; key < 7000; key++) {
        const int64_t a = permuted(0, 7, splitmix64(key)), b = permuted(1, 7, splitmix64(key));
        places[size_t(a)]++, pairs[size_t(a * 7 + b)]++;
    }
    t.check_at_most(double(*std::max_element(places.begin(), places.end())), 1150, "no place is preferred");
    t.check_at_most(-double(*std::min_element(places.begin(), places.end())), -850, "no place is avoided");
    int64_t least = 7000;                                           // pairs: 167 each, standard deviation 13
    for (int64_t i = 0; i < 49; i++)
        if (i / 7 != i % 7) least = std::min(least, pairs[size_t(i)]);
    t.check_at_most(-double(least), -100, "no pair of places is avoided");
}

// llm.c's loader (llmc/dataloader.h) on one shard: batch k of rank r reads B*T+1 tokens from k*B*T*P + r*B*T on.
inline void test_contiguous(Report& t) {
    const int64_t T = 5;
    const std::vector<int64_t> sizes = {53, 3, 0, 6, 41};           // 3 tokens: too few for a row; 6: one row
    for (const bool wide : {false, true}) {
        TempDir dir;
        std::vector<int64_t> first = {0};
        for (size_t s = 0; s < sizes.size(); s++) {
            write_shard(dir / strprintf("x_train_%zu.bin", s), positions(first.back(), sizes[s]), wide);
            first.push_back(first.back() + sizes[s]);
        }
        DataLoader loader({dir.path(), "train", T, "contiguous"});
        t.check(loader.num_tokens() == 103, "all tokens are counted");
        t.check(loader.rows_per_epoch() == 10 + 0 + 0 + 1 + 8, "rows per shard: (tokens - 1) / T");
        int64_t row = 0, compared = 0;
        for (size_t s = 0; s < sizes.size(); s++) {
            const int64_t rows_here = std::max<int64_t>(0, sizes[s] - 1) / T;
            for (const auto& [B, P] : {std::pair<int64_t, int64_t>{1, 1}, {2, 1}, {2, 2}, {3, 1}, {1, 4}}) {
                const int64_t batches = sizes[s] < 2 ? 0 : (sizes[s] * 2 - 2) / (2 * B * T * P);
                for (int64_t k = 0; k < batches; k++)
                    for (int64_t r = 0; r < P; r++) {
                        const int64_t from = first[s] + k * B * T * P + r * B * T;
                        const Batch got = read(loader, row + k * B * P + r * B, B);
                        bool same = true;
                        for (int64_t i = 0; i < B * T; i++)
                            same = same && got.inputs[size_t(i)] == from + i &&
                                   got.targets[size_t(i)] == from + i + 1 && got.weights[size_t(i)] == 1.0f;
                        t.check(same, cat("shard ", s, " B=", B, " P=", P, " batch ", k, " rank ", r, " is llm.c's"));
                        compared++;
                    }
            }
            row += rows_here;
        }
        t.check(compared > 50, "many batches were compared");
        t.check(read(loader, row + 3, 4) == read(loader, 3, 4), "every epoch is alike");
    }
}

inline void test_shuffled(Report& t) {
    using Sizes = std::pair<int64_t, int64_t>;
    for (const auto& [N, T] : {Sizes{1003, 7}, {1008, 7}, {64, 63}, {65, 64}, {15, 8}, {16, 8}, {2, 1}, {301, 1}}) {
        TempDir dir;
        write_shards(dir, positions(0, N));
        DataLoader loader({dir.path(), "train", T, "shuffled", 5});
        const int64_t R = loader.rows_per_epoch();
        t.check(R == std::max<int64_t>(1, N / T - 1), cat("rows per epoch, N=", N, " T=", T));
        std::set<int64_t> phases;
        std::set<std::vector<int32_t>> epochs;
        for (int64_t epoch = 0; epoch < 12; epoch++) {
            const Batch b = read(loader, epoch * R, R);
            std::vector<int> times(size_t(N), 0);
            bool consecutive = true;
            for (int64_t i = 0; i < R * T; i++) {
                consecutive = consecutive && b.targets[size_t(i)] == b.inputs[size_t(i)] + 1 &&
                              b.weights[size_t(i)] == 1.0f &&
                              (i % T == 0 || b.inputs[size_t(i)] == b.inputs[size_t(i) - 1] + 1);
                times[size_t(b.targets[size_t(i)])]++;
            }
            t.check(consecutive, "a row is consecutive tokens of the stream, also across shards");
            const int64_t phase = *std::min_element(b.inputs.begin(), b.inputs.end());
            phases.insert(phase);
            bool as_promised = phase < T;
            for (int64_t i = 0; i < N; i++)
                as_promised = as_promised && times[size_t(i)] == (i > phase && i <= phase + R * T ? 1 : 0);
            t.check(as_promised, cat("epoch ", epoch, ": tokens p+1 .. p+R*T are targets once, no others"));
            t.check(N - R * T < 2 * T, "fewer than 2*T tokens are dropped");
            epochs.insert(b.inputs);
        }
        if (N == 1003) t.check(phases.size() >= 4, "windows begin elsewhere in other epochs");
        if (R > 8) t.check(epochs.size() == 12, "all epochs differ");
    }
    TempDir dir;
    write_shards(dir, positions(0, 3000));
    DataLoader one({dir.path(), "train", 10, "shuffled", 1}), two({dir.path(), "train", 10, "shuffled", 2});
    t.check(!(read(one, 0, 299) == read(two, 0, 299)), "another seed is another order");
    const Batch b = read(one, 0, 299);
    int64_t neighbours = 0;
    for (size_t r = 1; r < 299; r++) neighbours += b.inputs[r * 10] == b.inputs[(r - 1) * 10] + 10;
    t.check_at_most(double(neighbours), 6, "rows that follow each other in the text are scattered");   // expected: 1
    const auto most = [&](int64_t first_row) {                      // how often the most frequent target comes
        std::map<int32_t, int> times;
        int best = 0;
        for (const int32_t y : read(one, first_row, 299).targets) best = std::max(best, ++times[y]);
        return best;
    };
    t.check_at_most(most(299), 1, "an epoch repeats no target");
    t.check_rejected(most(298), 1, "an epoch that is counted from one row too early");
}

inline void test_reads_and_resume(Report& t) {
    TempDir dir;
    Rng rng(11);
    write_shards(dir, documents(random_lengths(rng, 120, 90)));
    for (const char* order : {"contiguous", "shuffled", "packed"}) {
        LoaderOptions options = packed_options(dir, 13);
        options.order = order;
        DataLoader whole(options);
        const int64_t rows = 3 * whole.rows_per_epoch() + 5, T = 13;
        const Batch all = read(whole, 0, rows);
        for (const int64_t at_once : {1, 2, 7}) {                   // micro-batches
            DataLoader loader(options);
            Batch joined;
            for (int64_t r = 0; r < rows; r += at_once) {
                const Batch b = read(loader, r, std::min(at_once, rows - r));
                joined.inputs.insert(joined.inputs.end(), b.inputs.begin(), b.inputs.end());
                joined.targets.insert(joined.targets.end(), b.targets.begin(), b.targets.end());
                joined.weights.insert(joined.weights.end(), b.weights.begin(), b.weights.end());
            }
            t.check(joined == all, cat(order, ": reads of ", at_once, " rows give what one read gives"));
        }
        bool same = true;
        for (int64_t r = rows - 1; r >= 0; r -= 3) {                // any row, by a loader that has read nothing before
            DataLoader fresh(options);
            const Batch b = read(fresh, r, 1);
            same = same && std::equal(b.inputs.begin(), b.inputs.end(), all.inputs.begin() + r * T) &&
                   std::equal(b.targets.begin(), b.targets.end(), all.targets.begin() + r * T) &&
                   std::equal(b.weights.begin(), b.weights.end(), all.weights.begin() + r * T);
        }
        t.check(same, cat(order, ": a loader that starts at any row gives that row"));
    }
}

// Best fit as one would do it by hand: look at all that waits, every time.
inline std::vector<std::vector<Segment>> pack_by_hand(std::vector<Segment> waiting, int64_t T) {
    std::vector<std::vector<Segment>> rows;
    const auto longest = [&](int64_t limit) {
        auto best = waiting.end();
        for (auto it = waiting.begin(); it != waiting.end(); ++it)
            if (it->length <= limit && (best == waiting.end() || it->length > best->length)) best = it;
        return best;
    };
    while (!waiting.empty()) {
        rows.emplace_back();
        for (int64_t space = T; space > 0 && !waiting.empty();) {
            auto it = longest(space);
            if (it == waiting.end()) it = longest(int64_t(1) << 60);
            Segment s = *it;
            waiting.erase(it);
            if (s.length > space) waiting.push_back({s.start + space, s.length - space}), s.length = space;
            rows.back().push_back(s);
            space -= s.length;
        }
    }
    return rows;
}

inline void test_pack_best_fit(Report& t) {
    Rng rng(3);
    for (int64_t round = 0; round < 200; round++) {
        const int64_t T = 1 + int64_t(rng.below(150));
        std::vector<Segment> docs;
        int64_t start = 0, longer = 0;
        for (int64_t d = int64_t(rng.below(60)); d >= 0; d--) {
            docs.push_back({start, 1 + int64_t(rng.below(rng.below(5) == 0 ? uint64_t(4 * T) : uint64_t(T / 2 + 1)))});
            start += docs.back().length;
            longer += docs.back().length > T;
        }
        const PackedRows got = pack_best_fit(docs, T);
        const auto want = pack_by_hand(docs, T);
        bool same_lengths = got.num_rows() == int64_t(want.size()), full = true;
        std::vector<int> covered(size_t(start), 0);
        for (int64_t r = 0; r < got.num_rows(); r++) {
            int64_t used = 0;
            const int64_t begin = got.row_begin[size_t(r)], end = got.row_begin[size_t(r) + 1];
            same_lengths = same_lengths && r < int64_t(want.size()) && end - begin == int64_t(want[size_t(r)].size());
            for (int64_t k = begin; k < end; k++) {
                const Segment s = got.segments[size_t(k)];
                same_lengths = same_lengths && s.length == want[size_t(r)][size_t(k - begin)].length;
                for (int64_t i = 0; i < s.length; i++) covered[size_t(s.start + i)]++;
                used += s.length;
            }
            full = full && used <= T && (used == T || r + 1 == got.num_rows());
        }
        t.check(same_lengths, cat("round ", round, ": the pieces are those of best fit by hand, T=", T));
        t.check(full && got.num_rows() == (start + T - 1) / T,
                cat("round ", round, ": every row but the last is full"));
        t.check(std::all_of(covered.begin(), covered.end(), [](int c) { return c == 1; }),
                cat("round ", round, ": each token once"));
    }
    // documents that fit are left whole while a longer one can fill the gaps
    std::vector<Segment> docs;
    for (int64_t d = 0; d < 50; d++) docs.push_back({d * 100, 60 + d % 30});
    docs.push_back({5000, 5000});
    int64_t cut = 0;
    for (const Segment& s : pack_best_fit(docs, 100).segments)
        cut += s.start < 5000 && s.length != 60 + s.start / 100 % 30;
    t.check(cut == 0, "a document that fits in a row is not cut while a longer one waits");
    t.check(pack_best_fit({}, 8).num_rows() == 0, "nothing gives no rows");
}

inline void test_packed(Report& t) {
    Rng rng(17);
    for (int64_t round = 0; round < 60; round++) {
        const int64_t T = 2 + int64_t(rng.below(40));
        const bool first_is_rest = rng.below(3) == 0;
        Tokens stream = documents(random_lengths(rng, 2 + int64_t(rng.below(80)), 5 * T), first_is_rest);
        while (int64_t(stream.size()) <= T) stream.push_back(kBase + int64_t(stream.size()));
        const int64_t N = int64_t(stream.size()), num_eot = std::count(stream.begin(), stream.end(), kEot);
        TempDir dir;
        write_shards(dir, stream);
        DataLoader loader(packed_options(dir, T, 100 + uint64_t(round)));
        const int64_t R = loader.rows_per_epoch();
        t.check(R == (N + T - 1) / T && loader.targets_per_epoch() == N - 1, "rows per epoch: all tokens, rounded up");
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            const Batch b = read(loader, epoch * R, R);
            std::map<int64_t, int64_t> input_times, target_times;
            double weight = 0;
            bool next_token = true;
            int64_t starts_in_document = 0, padded = 0, cut_inside = 0;
            for (int64_t r = 0; r < R; r++)
                for (int64_t j = 0; j < T; j++) {
                    const size_t i = size_t(r * T + j);
                    const int64_t x = b.inputs[i], y = b.targets[i];
                    weight += double(b.weights[i]);
                    if (j == 0) starts_in_document += x != kEot;
                    if (b.weights[i] != 1.0f) {                     // the last token, and the padding of one row
                        padded += b.weights[i] == 0.0f && (x == kEot || x == kBase + N - 1);
                        if (x != kEot) input_times[x]++;
                        continue;
                    }
                    input_times[x]++, target_times[y]++;
                    // the target is the successor of the input: in its document, or the end of the document
                    if (x >= kBase) next_token = next_token && y == stream[size_t(x - kBase + 1)];
                    else next_token = next_token && (y == kEot || stream[size_t(y - kBase - 1)] == kEot);
                    // and it is the next input, unless that is the remainder of another document
                    if (j + 1 < T && b.weights[i + 1] == 1.0f && b.inputs[i + 1] != y) cut_inside += y != kEot;
                }
            bool once = true;
            for (int64_t i = 0; i < N; i++)
                if (stream[size_t(i)] != kEot)
                    once = once && input_times[kBase + i] == 1 && target_times[kBase + i] == (i > 0 ? 1 : 0);
            t.check(once, cat("round ", round, ": every token is an input once and, but for s_0, a target once"));
            t.check(target_times[kEot] == num_eot - !first_is_rest, "every end-of-text but s_0 is a target once");
            t.check(weight == double(N - 1) && padded == R * T - (N - 1), "weight 0: the last token and the padding");
            t.check(next_token, "the target of a token is its successor in the stream");
            // 1: the epoch's window boundary, or the last token of the stream
            t.check(cut_inside <= 1, "inside a row a target is the next input, or the end-of-text before a remainder");
            // a row begins inside a document only with what a row's end, a window's, or the stream's beginning has cut
            int64_t remainders = first_is_rest + 1;                 // + 1: the window boundary of this epoch
            for (int64_t i = T - 1; i < R * T; i += T)
                remainders += b.weights[size_t(i)] == 1.0f && b.targets[size_t(i)] != kEot;
            t.check(starts_in_document <= remainders, "a row that begins inside a document continues one that was cut");
        }
        if (R > 10) t.check(!(read(loader, 0, R) == read(loader, R, R)), "epochs differ");
    }
}

// More than one window of packing (8 million tokens each): a sparse shard with few documents.
inline void test_packed_windows(Report& t) {
    const int64_t N = 20000003, T = 1000;
    TempDir dir;
    write_shard(dir / "x_train_0.bin", {}, false, 0, 0, N);
    Rng rng(5);
    {
        const int fd = ::open((dir / "x_train_0.bin").c_str(), O_WRONLY);
        bool ok = ::ftruncate(fd, 1024 + 2 * N) == 0;
        const uint16_t eot = 9;
        for (int64_t at = 0; at < N; at += 1 + int64_t(rng.below(200000)))
            ok = ok && ::pwrite(fd, &eot, 2, 1024 + 2 * at) == 2;
        ::close(fd);
        if (!ok) return t.skip("packing over several windows", "no sparse files here");
    }
    LoaderOptions options{dir.path(), "train", T, "packed", 3};
    options.end_of_text = 9;
    DataLoader loader(options);
    const int64_t R = loader.rows_per_epoch();
    std::vector<Segment> row;
    std::vector<std::vector<Segment>> first_epoch;
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        std::vector<Segment> all;
        int64_t short_rows = 0;
        for (int64_t r = 0; r < R; r++) {
            loader.row_segments(epoch * R + r, row);
            int64_t used = 0;
            for (const Segment& s : row) all.push_back(s), used += s.length;
            short_rows += used != T;
            if (epoch == 0) first_epoch.push_back(row);
        }
        std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.start < b.start; });
        int64_t at = 0;
        for (const Segment& s : all) at = s.start == at ? at + s.length : -1;
        t.check(at == N && short_rows == 1, cat("epoch ", epoch, ": every token once, one row of the epoch is short"));
    }
    DataLoader fresh(options);
    bool same = true;
    for (const int64_t r : {R - 1, R / 2, int64_t(0), R / 3}) {
        fresh.row_segments(r, row);
        const auto& want = first_epoch[size_t(r)];
        same = same && std::equal(row.begin(), row.end(), want.begin(), want.end(),
                                  [](auto& a, auto& b) { return a.start == b.start && a.length == b.length; });
    }
    t.check(same, "rows do not depend on which windows were planned before");
}

inline void test_widths(Report& t) {
    TempDir narrow, wide;
    Rng rng(23);
    Tokens stream = documents(random_lengths(rng, 60, 50));
    for (int64_t& x : stream) x %= 65536;
    stream[10] = 65535;                                             // the largest id that fits: not -1
    write_shards(narrow, stream, false);
    write_shards(wide, stream, true);
    for (const char* order : {"contiguous", "shuffled", "packed"}) {
        LoaderOptions a = packed_options(narrow, 9), b = packed_options(wide, 9);
        a.order = b.order = order;
        a.vocab_size = b.vocab_size = 65536;
        DataLoader one(a), two(b);
        t.check(read(one, 0, 40) == read(two, 0, 40), cat(order, ": uint16 and uint32 shards give the same rows"));
    }
}

inline void test_huge_shard(Report& t) {
    for (const bool wide : {false, true}) {
        TempDir dir;
        const std::string path = dir / "x_val_0.bin";
        const int64_t n = (int64_t(1) << 31) - 1, width = wide ? 4 : 2, T = 64;   // 4 GiB and 8 GiB
        write_shard(path, {}, wide, 0, 0, n);
        const int fd = ::open(path.c_str(), O_WRONLY);
        bool ok = ::ftruncate(fd, 1024 + width * n) == 0;
        std::vector<int32_t> want;
        for (int64_t i = 0; i < 200; i++) {
            want.push_back(int32_t(1 + i));
            const uint32_t id = uint32_t(want.back());
            ok = ok && ::pwrite(fd, &id, size_t(width), 1024 + width * (n - 200 + i)) == width;
        }
        ::close(fd);
        if (!ok) return t.skip("a shard over 2 GiB", "no sparse files of that size here");
        DataLoader loader({dir.path(), "val", T, "contiguous", 1, 1000});
        t.check(loader.rows_per_epoch() == (n - 1) / T, "rows of a shard over 2 GiB");
        const int64_t row = loader.rows_per_epoch() - 1, from = row * T - (n - 200);
        const Batch b = read(loader, row, 1);
        bool same = true;
        for (int64_t i = 0; i < T; i++)
            same = same && b.inputs[size_t(i)] == want[size_t(from + i)] &&
                   b.targets[size_t(i)] == want[size_t(from + i + 1)];
        t.check(same, cat("the last row of a shard of ", 1024 + width * n, " bytes"));
    }
}

// Shuffled rows of a large folder are asked from the disk ahead; here over two sparse shards of 1.2 GB together.
inline void test_scattered(Report& t) {
    TempDir dir;
    const int64_t n = 300000000, T = 100, rows = 40;
    int fd[2];
    bool ok = true;
    for (int s = 0; s < 2; s++) {
        const std::string path = dir / strprintf("x_train_%d.bin", s);
        write_shard(path, {}, false, 0, 0, n);
        fd[s] = ::open(path.c_str(), O_WRONLY);
        ok = ok && ::ftruncate(fd[s], 1024 + 2 * n) == 0;
    }
    const LoaderOptions options{dir.path(), "train", T, "shuffled", 9, 1000};
    std::vector<Segment> piece;
    int64_t spread = 0;
    if (ok) {
        DataLoader where(options);
        for (int64_t r = 0; r < rows; r++) {                        // the rows' places get tokens that tell the place
            where.row_segments(r, piece);
            spread += piece[0].start >= n;
            for (int64_t at = piece[0].start; at <= piece[0].start + T; at++) {
                const uint16_t id = uint16_t(at % 997);
                ok = ok && ::pwrite(fd[at / n], &id, 2, 1024 + 2 * (at % n)) == 2;
            }
        }
    }
    ::close(fd[0]), ::close(fd[1]);
    if (!ok) return t.skip("scattered rows of a large folder", "no sparse files of that size here");
    t.check(spread > 10 && spread < 30, "rows come from both shards");
    DataLoader loader(options);
    const Batch b = read(loader, 0, rows);
    bool same = true;
    for (int64_t r = 0; r < rows; r++) {
        loader.row_segments(r, piece);
        for (int64_t i = 0; i < T; i++)
            same = same && b.inputs[size_t(r * T + i)] == (piece[0].start + i) % 997 &&
                   b.targets[size_t(r * T + i)] == (piece[0].start + i + 1) % 997;
    }
    t.check(same, "scattered rows hold what is at their place");
}

inline uint32_t crc_by_bits(const std::string& bytes) {             // zlib's CRC-32, one bit at a time
    uint32_t crc = ~0u;
    for (const char c : bytes) {
        crc ^= uint8_t(c);
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

// A folder with an index, as train_gpt tokenize makes it; `edit` may spoil the index.
inline void write_indexed(const TempDir& dir, const Tokens& tokens, const std::function<void(DataIndex&)>& edit = {}) {
    write_shard(dir / "train_000000.bin", tokens, false);
    DataIndex index{"00000000deadbeef", 50000, 0, {}};
    const std::string bytes = read_file(dir / "train_000000.bin").substr(1024);
    const int64_t n = int64_t(tokens.size());
    index.splits["train"] = {3, n, 4 * n, {{"train_000000.bin", n, 3, 4 * n, crc_by_bits(bytes)}}};
    if (edit) edit(index);
    write_file(dir / "index.json", index_to_json(index));
}

inline void test_index(Report& t) {
    TempDir dir;
    write_indexed(dir, documents({30, 40, 50}));
    DataLoader loader({dir.path(), "train", 8, "packed"});
    t.check(loader.end_of_text() == 0 && loader.vocab_size() == 50000, "end-of-text and vocabulary are index.json's");
    t.check(loader.tokenizer_hash() == "00000000deadbeef" && loader.bytes_per_token() == 4.0, "so is the rest");
    t.check(loader.has_split("train") && !loader.has_split("val"), "splits are those of index.json");
    read(loader, 0, 15);                                            // the CRC is right: no error
    std::string bytes = read_file(dir / "train_000000.bin");
    bytes[1024 + 100] = char(bytes[1024 + 100] ^ 4);
    write_file(dir / "train_000000.bin", bytes);
    DataLoader damaged({dir.path(), "train", 8, "shuffled"});
    t.check_error([&] { read(damaged, 0, 1); }, "CRC-32 of the tokens", "one flipped bit is found at the first touch");
    LoaderOptions verify{dir.path()};
    verify.seq_len = 8, verify.verify = true;
    t.check_error([&] { DataLoader l(verify); }, "CRC-32 of the tokens", "verify finds it at once");
    fs::remove(dir / "index.json");
    DataLoader by_name({dir.path(), "train", 8, "shuffled"});
    read(by_name, 0, 1);
    t.check(by_name.bytes_per_token() == 0 && by_name.tokenizer_hash().empty() && by_name.vocab_size() == 0,
            "without index.json shards are found by name, and what it says is unknown");
}

inline void test_index_errors(Report& t) {
    const auto open = [](const TempDir& dir, int64_t vocab = 0) {
        DataLoader({dir.path(), "train", 8, "shuffled", 1, vocab});
    };
    const Tokens tokens = documents({30, 40, 50});
    const auto spoil = [&](const std::function<void(DataIndex&)>& edit, const char* expected, const char* claim) {
        TempDir dir;
        write_indexed(dir, tokens, edit);
        t.check_error([&] { open(dir); }, expected, claim);
    };
    spoil([](auto& i) { i.splits["train"].shards[0].tokens++; }, "index.json says 121", "another token count");
    spoil([](auto& i) { i.splits["train"].shards[0].file = "../x.bin"; }, "same folder", "a path in the index");
    spoil([](auto& i) { i.splits["train"].shards[0].file = "gone.bin"; }, "gone.bin", "a shard that is missing");
    spoil([](auto& i) { i.splits.clear(); }, "no train split", "the index has no such split");
    TempDir dir;
    write_indexed(dir, tokens);
    t.check_error([&] { open(dir, 8192); }, "vocabulary of 50000, the model one of 8192", "a model with fewer ids");
    open(dir, 50304);                                               // padded: allowed
    for (const char* text : {"{", "[]", "{\"format\": 3}", "", "{\"format\": \"train_gpt token shards\"}"}) {
        write_file(dir / "index.json", text);
        t.check_error([&] { open(dir); }, "index.json", cat("index.json is ", text));
    }
    fs::rename(dir / "index.json", dir / "index.json.tmp");
    t.check_error([&] { open(dir); }, "interrupted", "a folder that tokenize did not finish");
}

inline void test_errors(Report& t) {
    TempDir dir;
    const auto open = [&](const std::string& split = "train", const std::string& order = "shuffled", int64_t T = 8) {
        DataLoader({dir.path(), split, T, order});
    };
    t.check_error([&] { DataLoader({dir / "none", "train", 8}); }, "no such folder", "a folder that does not exist");
    t.check_error([&] { open(); }, "no train split", "an empty folder");
    const std::string path = dir / "x_train_0.bin";
    write_shard(path, positions(0, 100), false);
    t.check_error([&] { DataLoader({path, "train", 8}); }, "is a file", "a file instead of a folder");
    t.check_error([&] { open("val"); }, "no val split", "a missing split");
    t.check_error([&] { open("train", "sorted"); }, "\"sorted\"", "an unknown order");
    t.check_error([&] { open("train", "packed"); }, "end-of-text", "packed without an end-of-text");
    t.check_error([&] { open("train", "shuffled", 0); }, "a row of 0 tokens", "a row without tokens");
    for (const char* order : {"contiguous", "shuffled"})
        t.check_error([&] { open("train", order, 100); }, "100 tokens; a row needs 101", cat(order, ": too short"));
    open("train", "shuffled", 99);
    const auto spoiled = [&](const std::function<void()>& spoil, const char* expected, const char* claim) {
        spoil();
        t.check_error([&] { open(); }, expected, claim);
        t.check_error([&] { open(); }, "x_train_0.bin", cat(claim, ": names the file"));
    };
    spoiled([&] { write_file(path, ""); }, "is empty", "an empty file");
    spoiled([&] { write_file(path, std::string(1023, 'x')); }, "cut short: 1023 bytes", "a header cut short");
    spoiled([&] { write_file(path, std::string(3000, 'x')); }, "magic 2021161080 at byte 0", "a foreign file");
    spoiled([&] { write_shard(path, positions(0, 100), false, 0, 2); }, "version 2 at byte 4", "another version");
    spoiled([&] { write_shard(path, positions(0, 100), true, 0, 1); }, "version 1 at byte 4", "a mixed header");
    spoiled([&] { write_shard(path, positions(0, 100), false, 0, 0, 101); }, "expected 1226", "a token short");
    spoiled([&] { write_shard(path, positions(0, 100), false, 0, 0, 99); }, "expected 1222", "a token too many");
    spoiled([&] { write_shard(path, {}, false, 0, 0, 0xFFFFFFFF); }, "-1 tokens", "a negative count");
    spoiled([&] { write_shard(path, positions(0, 100), true), write_shard(dir / "a_train_0.bin", {1}, false); },
            "4 bytes a token", "two formats in one split");
    fs::remove(dir / "a_train_0.bin");
    write_shard(path, positions(0, 4), true);
    for (int s = 1; s < 9; s++) write_shard(dir / strprintf("x_train_%d.bin", s), positions(0, 4), true);
    t.check_error([&] { open("train", "contiguous"); }, "none of them long enough", "contiguous: no shard holds a row");
    open("train", "shuffled");
}

inline void test_vocabulary(Report& t) {
    for (const bool wide : {false, true}) {
        TempDir dir;
        Tokens tokens(1000, 7);
        tokens[700] = wide ? 0xFFFFFFFF : 50257;
        write_shard(dir / "x_train_0.bin", Tokens(300, 3), wide);
        write_shard(dir / "x_train_1.bin", tokens, wide);
        DataLoader loader({dir.path(), "train", 10, "contiguous", 1, 50257});
        read(loader, 0, 90);                                        // rows 29 + 69 reads token 700 as a target
        const std::string where = cat("x_train_1.bin: token id ", tokens[700], " at token 700 (byte ",
                                      1024 + 700 * (wide ? 4 : 2), ")");
        t.check_error([&] { read(loader, 98, 1); }, where, "an id beyond the vocabulary, with file and offset");
        t.check_error([&] { read(loader, 99, 1); }, where, "also as an input");
        read(loader, 100, 5);
        if (wide) continue;
        loader.set_vocab_size(50258);
        t.check(read(loader, 99, 1).inputs[0] == 50257, "a larger vocabulary has it");
    }
}

inline void test_names(Report& t) {
    TempDir dir;
    for (const char* name : {"fineweb_train_000002.bin", "fineweb_train_000001.bin", "fineweb_val_000000.bin",
                             "retrieval_0.bin", "train.bin", "val.txt", "train_000000.bin.tmp", "constrained.bin",
                             "interval-train.bin", "eval.bin"})
        write_file(dir / name, "");
    const auto names = [&](const char* split) {
        std::string all;
        for (const std::string& f : shard_files_by_name(dir.path(), split)) all += f + " ";
        return all;
    };
    t.check(names("train") == "fineweb_train_000001.bin fineweb_train_000002.bin interval-train.bin train.bin ",
            "train files, sorted: " + names("train"));
    t.check(names("val") == "fineweb_val_000000.bin ", "val is a word of the name: " + names("val"));
}

inline void test_many_at_a_time(Report& t) {
    Rng rng(21);
    bool widened = true, found = true, seen = true;
    for (int64_t n = 0; n < 70; n++)
        for (int round = 0; round < 20; round++) {
            std::vector<uint16_t> narrow(static_cast<size_t>(n) + 3);
            for (auto& x : narrow) x = uint16_t(rng.below(round % 2 ? 65536 : 9));
            std::vector<uint32_t> wide(narrow.begin(), narrow.end());
            std::vector<int32_t> a(size_t(n) + 1, -7), b(size_t(n) + 1, -7);
            const uint32_t largest = n ? *std::max_element(narrow.begin() + 1, narrow.begin() + 1 + n) : 0u;
            widened = widened && widen_tokens(a.data(), narrow.data() + 1, n) == largest && widen_tokens(b.data(), wide.data() + 1, n) == largest;
            widened = widened && a == b && a.back() == -7 && std::equal(a.begin(), a.begin() + n, narrow.begin() + 1);
            const int64_t from = int64_t(rng.below(uint64_t(n) + 1)), id = int64_t(rng.below(9));
            const int64_t want = std::find(wide.begin() + from, wide.begin() + n, uint32_t(id)) - wide.begin();
            found = found && find_token(narrow.data(), from, n, id) == want && find_token(wide.data(), from, n, id) == want;
            seen = seen && (want == n || want + 1 == n || find_token(narrow.data(), want + 1, n, id) > want);
        }
    t.check(widened, "tokens of both widths become int32, the largest is known, nothing is written behind them");
    t.check(found && seen, "the first of a token is found, from any place on");
    const std::vector<uint16_t> few(20, uint16_t(5));
    t.check(find_token(few.data(), 0, 20, 5 + 65536) == 20, "an id beyond 16 bits is none of them");
}

// 1,000 shards of 200 MB (sparse files), opened and read from.
inline void test_startup(Report& t) {
    TempDir dir;
    DataIndex index{"00", 50257, 50256, {}};
    SplitInfo& train = index.splits["train"];
    for (int s = 0; s < 1000; s++) {
        const std::string name = strprintf("train_%06d.bin", s);
        const auto header = shard_header(false, 100000000);
        std::ofstream(dir / name, std::ios::binary).write(reinterpret_cast<const char*>(header.data()), sizeof header);
        fs::resize_file(dir / name, uintmax_t(kShardHeaderBytes) + 200000000);
        train.shards.push_back({name, 100000000, 1, 400000000, 0});
        train.tokens += 100000000, train.text_bytes += 400000000;
    }
    write_file(dir / "index.json", index_to_json(index));
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        const double start = now_s();
        DataLoader loader({dir.path(), "train", 1024, "shuffled", 1, 50257});
        read(loader, 123456, 1);
        best = std::min(best, now_s() - start);
        t.check(loader.num_tokens() == int64_t(100000000) * 1000, "10^11 tokens");
    }
#if defined(__SANITIZE_ADDRESS__)
    const double bound = 5;
#else
    const double bound = 0.2;
#endif
    t.check_at_most(best, bound, "seconds to open 1,000 shards of 200 MB and read a row");
}

inline void test_prefetcher(Report& t) {
    TempDir dir;
    write_shard(dir / "x_train_0.bin", positions(0, 5000), false);
    const LoaderOptions options{dir.path(), "train", 10, "shuffled", 4};
    DataLoader plain(options), ahead(options);
    for (const int depth : {0, 1, 2, 7}) {
        Prefetcher prefetcher(ahead, 17, 6, 0, depth);
        bool same = true;
        const Prefetcher::Rows* held = nullptr;
        for (int64_t f = 0; f < 200; f++) {
            held = &prefetcher.next();
            if (f % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));   // the thread runs ahead
            const Batch want = read(plain, 17 + 6 * f, 6);
            same = same && held->inputs == want.inputs && held->targets == want.targets &&
                   held->weights == want.weights;
        }
        t.check(same, cat("depth ", depth, ": the rows are those of read_rows, and stay until the next call"));
        t.check(prefetcher.wait_s() >= 0 && std::isfinite(prefetcher.wait_s()), "waiting time is measured");
    }
    {
        Prefetcher third_of_four(ahead, 17 + 2 * 6, 6, 4 * 6);         // what rank 2 of 4 reads
        bool same = true;
        for (int64_t f = 0; f < 20; f++) same = same && third_of_four.next().inputs == read(plain, 17 + 2 * 6 + 24 * f, 6).inputs;
        t.check(same, "with a stride, every fourth fetch of the same order");
    }
    { Prefetcher unused(ahead, 0, 3); }
    t.check(true, "a prefetcher that nobody reads ends");
    Tokens bad = positions(0, 5000);
    bad[2000] = 60000;
    write_shard(dir / "x_train_0.bin", bad, false);
    DataLoader broken({dir.path(), "train", 10, "contiguous", 1, 50000});
    Prefetcher prefetcher(broken, 0, 10);
    for (int64_t f = 0; f < 19; f++) t.check(prefetcher.next().inputs[0] == f * 100, "rows before the error come");
    t.check_error([&] { prefetcher.next(); }, "token id 60000 at token 2000", "the error comes with its rows");
    t.check_error([&] { prefetcher.next(); }, "token id 60000 at token 2000", "and again");
}

}  // namespace dataloader_test

inline Suite dataloader_tests() {
    using namespace dataloader_test;
    return {{"dataloader: permuted is a bijection and favours no place", test_permutation},
            {"dataloader: contiguous reads what llm.c reads", test_contiguous},
            {"dataloader: shuffled makes every token a target once an epoch, but the stated few", test_shuffled},
            {"dataloader: a row depends on seed, epoch and row alone", test_reads_and_resume},
            {"dataloader: best fit packs as by hand and fills every row", test_pack_best_fit},
            {"dataloader: packed loses and repeats no token", test_packed},
            {"dataloader: packed rows of many windows hold every token once", test_packed_windows},
            {"dataloader: uint16 and uint32 shards are read alike", test_widths},
            {"dataloader: shards over 2 GiB are read to the end", test_huge_shard},
            {"dataloader: scattered rows of large data are read right", test_scattered},
            {"dataloader: index.json is used, and damage found by its CRC", test_index},
            {"dataloader: a wrong index is refused with its reason", test_index_errors},
            {"dataloader: wrong shards and folders are refused with their reason", test_errors},
            {"dataloader: an id beyond the vocabulary is found where it stands", test_vocabulary},
            {"dataloader: shards without an index are found by name", test_names},
            {"dataloader: tokens are widened and found, many at a time", test_many_at_a_time},
            {"dataloader: a thousand shards are open at once", test_startup},
            {"dataloader: the prefetcher gives the same rows and the same errors", test_prefetcher}};
}
