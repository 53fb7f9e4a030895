// The small Python: any program ends, within its limits, with text. The first byte chooses the limits.
#include "../../interpreter.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    interp::Limits limits;
    limits.steps = data[0] & 1 ? 20000 : 300;
    limits.memory_bytes = data[0] & 2 ? 4 << 20 : 100000;
    limits.output_chars = data[0] & 4 ? 2000 : 30;
    const ProgramResult r = run_program(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1), limits);
    must(is_valid_utf8(r.output));
    must(interp::count_chars(r.output) <= 2 * (limits.output_chars + 40) + 1);     // what was printed and an error, each with a note where it is cut
    must(r.ok || !r.output.empty());
    return 0;
}
