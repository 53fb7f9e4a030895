// dev/test/baseline_tiles.hpp -- register tiles for the tests of our products.
#pragma once

#include "../../kernels/matmul.hpp"

// The register tiles of the other instruction sets, compiled for plain x86-64: their logic is tested on every machine.
struct WideTile : TileAvx512 {
    template <typename F>
    static void run(F f) { run_baseline(f); }
};
struct MiddleTile : TileAvx2 {
    template <typename F>
    static void run(F f) { run_baseline(f); }
};
