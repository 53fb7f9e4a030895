// test_gpt.cu -- runs all tests that are linked with it. `./test_gpt --list` reads as the program's list of promises.
// A suite is a file dev/test/test_NAME.hpp; the Makefile compiles each on its own, so an edit recompiles one of them.
#include "dev/test/test.hpp"
#include "threads.hpp"

int main(int argc, char** argv) {
    settle_threads(argv);
    return run_tests(argc, argv, linked_suites());
}
