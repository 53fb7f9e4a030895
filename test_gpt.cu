// test_gpt.cu -- all tests of the program. `./test_gpt --list` reads as its list of promises.
// A suite is a file dev/test/test_NAME.hpp; the Makefile compiles each on its own, so an edit recompiles one of them.
#include "dev/test/test.hpp"

Suite tokenizer_suite(), dataloader_suite(), tokenize_suite(), world_suite(), kernels_a_suite(), kernels_b_suite(), checkpoint_suite(),
    model_suite(), reference_suite(), program_suite(), ranks_suite();

int main(int argc, char** argv) {
    return run_tests(argc, argv, {tokenizer_suite(), dataloader_suite(), tokenize_suite(), world_suite(), kernels_a_suite(), kernels_b_suite(),
                                  checkpoint_suite(), model_suite(), reference_suite(), program_suite(), ranks_suite()});
}
