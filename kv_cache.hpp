// kv_cache.hpp -- what a model that writes remembers: keys and values of all past positions.
//
// A new token attends to the keys and values of the tokens before it, which never change again: kept, a token costs one pass over the weights
// instead of one over the whole text. The price is memory, 2 L C numbers a token, and reading it all for each new one.
// A row is one sequence; in it each head's past lies in one piece, as attention reads it. Rows that begin alike copy that beginning instead of
// computing it (Generator in generate.hpp: the prefix cache).
#pragma once

#include <atomic>

#include "kernels/device.hpp"

template <typename Dev, typename T>
class KvCache {
   public:
    // Config: gpt_config.hpp's, of which the layers L and channels C matter.
    template <typename Config>
    KvCache(Dev& dev, const Config& c, int64_t rows, int64_t max_T) : rows(rows), max_T(max_T), arena_(dev, "kv cache") {
        for (int pass = 0; pass < 2; pass++) {
            k.clear(), v.clear();
            for (int64_t l = 0; l < c.L; l++) {
                k.push_back(arena_.template take<T>(rows * max_T * c.C));  // (rows, NH, max_T, HS)
                v.push_back(arena_.template take<T>(rows * max_T * c.C));
            }
            if (pass == 0) arena_.allocate();
        }
    }
    int64_t rows, max_T;
    std::vector<T*> k, v;           // one pair a layer
    const int64_t id = next_id();   // of this object among all there ever were: its memory may be another's later
    size_t bytes() const { return arena_.bytes(); }

   private:
    static int64_t next_id() {
        static std::atomic<int64_t> count{0};
        return ++count;
    }
    Arena<Dev> arena_;
};
