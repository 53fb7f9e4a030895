// dev/emu/runtime.cpp -- the emulator as one object: link it with what was compiled with -DTRAIN_GPT_EMULATOR.
#ifdef __SANITIZE_THREAD__
#error "compile the kernels with -fsanitize=thread, but not this file: it defines what the instrumented code calls (shadow.hpp)"
#endif
#include "emulator.hpp"
#include "../../common.hpp"

#include "fiber.hpp"
#include "memory.hpp"
#include "block.hpp"
#include "shadow.hpp"
#include "stream.hpp"

constinit thread_local emu::Thread* emu::current = nullptr;
