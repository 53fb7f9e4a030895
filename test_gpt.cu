// test_gpt.cu -- all tests of the program. `./test_gpt --list` reads as its list of promises.
#include "dev/test/test_checkpoint.hpp"
#include "dev/test/test_dataloader.hpp"
#include "dev/test/test_kernels_a.hpp"
#include "dev/test/test_kernels_b.hpp"
#include "dev/test/test_model.hpp"
#include "dev/test/test_program.hpp"
#include "dev/test/test_reference.hpp"
#include "dev/test/test_tokenize.hpp"
#include "dev/test/test_tokenizer.hpp"
#include "dev/test/test_world.hpp"

int main(int argc, char** argv) {
    return run_tests(argc, argv, {tokenizer_tests(), dataloader_tests(), tokenize_tests(), world_tests(), kernels_a_tests(),
                                  kernels_b_tests(), checkpoint_tests(), model_tests(), reference_tests(), program_tests()});
}
