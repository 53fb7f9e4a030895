// clusters.hpp -- from pairs of documents to clusters, with memory that does not grow with their number.
//
// Documents are nodes, pairs are edges; a cluster is a connected component. A table of all nodes would be the quickest way, but a
// dump has half a billion of them. Here the edges are sorted on disk and rewritten, pass by pass, until each cluster is a star
// around its smallest node: "large star" joins each node's larger neighbours to its smallest one, "small star" its smaller
// neighbours and itself to the smallest of these (Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii 2014, "Connected
// components in MapReduce and beyond": O(log^2 n) rounds; pages take three to seven). Both read the edges once, in order.
#pragma once

#include "record_files.hpp"

namespace webtext {

class Clusters {
   public:
    // Runs of sorted edges are kept in files PATH.*, of run_bytes each.
    Clusters(const std::string& path, size_t run_bytes) : path_(path), run_bytes_(run_bytes) {}
    void add(uint64_t a, uint64_t b) {
        if (a == b) return;
        edge(edges_, a, b), edge(edges_, b, a);
    }
    // Calls leaf(node, root) for each node but the smallest of each cluster, in order of the nodes. Returns the number of clusters.
    int64_t solve(const std::function<void(uint64_t, uint64_t)>& leaf) {
        for (uint64_t before = 0, now = 1; now != before; rounds_++) {
            before = now;
            now = round();
        }
        int64_t clusters = 0;
        groups(edges_, [&](uint64_t node, uint64_t smallest, uint64_t, bool first) {
            if (!first) return;
            if (node < smallest) clusters++;
            else leaf(node, smallest);
        });
        return clusters;
    }
    int64_t rounds() const { return rounds_; }

   private:
    static constexpr RecordShape kEdge{2, false};
    // Calls use(node, its smallest neighbour, neighbour, is it the first) for each edge; the same edge once.
    static void groups(RecordSorter& edges, const std::function<void(uint64_t, uint64_t, uint64_t, bool)>& use) {
        uint64_t last[2] = {0, 0}, smallest = 0;
        bool any = false;
        edges.drain([&](const char* record) {
            uint64_t e[2];
            std::memcpy(e, record, 16);
            if (any && e[0] == last[0] && e[1] == last[1]) return;
            const bool first = !any || e[0] != last[0];
            if (first) smallest = e[1];
            use(e[0], smallest, e[1], first);
            last[0] = e[0], last[1] = e[1], any = true;
        });
    }
    static void edge(RecordSorter& to, uint64_t a, uint64_t b) {
        const uint64_t e[2] = {a, b};
        to.add(e);
    }
    // Both stars once; returns a hash of the edges before them. Equal hashes: nothing has changed.
    uint64_t round() {
        uint64_t hash = 0;
        RecordSorter down(path_ + ".down", kEdge, run_bytes_);           // (larger, smaller)
        groups(edges_, [&](uint64_t node, uint64_t smallest, uint64_t neighbour, bool) {
            if (neighbour <= node) return;
            hash += splitmix64(node * 0x9E3779B97F4A7C15ull ^ splitmix64(neighbour));
            edge(down, neighbour, std::min(node, smallest));
        });
        groups(down, [&](uint64_t node, uint64_t smallest, uint64_t neighbour, bool first) {
            const auto both = [&](uint64_t a) { edge(edges_, a, smallest), edge(edges_, smallest, a); };
            if (first) both(node);
            else both(neighbour);
        });
        return hash;
    }
    std::string path_;
    size_t run_bytes_;
    RecordSorter edges_{path_ + ".edges", kEdge, run_bytes_};            // each in both directions
    int64_t rounds_ = 0;
};

}  // namespace webtext
