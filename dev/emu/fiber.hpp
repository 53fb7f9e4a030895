// dev/emu/fiber.hpp -- a stack of one's own, and the jump from one stack to another.
//
// A fiber is a function call that can be left in the middle and taken up again: its local variables stay on a stack of their own.
// Switching means: save the registers that a call must preserve on the old stack, exchange the stack pointer, restore them from the
// new one, return. Everything else the compiler has saved already, because to it the switch is an ordinary call. That takes a few
// nanoseconds, where the system's swapcontext makes a system call; processors that we have no assembler for use that one.
// AddressSanitizer must be told of each switch, or it would take a new stack for an overflow.
#pragma once

#include <sys/mman.h>
#include <ucontext.h>

#include <vector>

#include "emulator.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(EMU_PORTABLE_SWITCH)                 // to test the portable way on a processor that has the other
#elif defined(__x86_64__)
#define EMU_ASSEMBLER_SWITCH 1
// emu_switch(void** save_here, void* continue_there)
asm(R"(
.text
.globl emu_switch
.type emu_switch, @function
emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emu_switch, .-emu_switch
)");
#elif defined(__aarch64__)
#define EMU_ASSEMBLER_SWITCH 1
asm(R"(
.text
.globl emu_switch
.type emu_switch, %function
emu_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
.size emu_switch, .-emu_switch
)");
#endif
#ifdef EMU_ASSEMBLER_SWITCH
extern "C" void emu_switch(void** save_here, void* continue_there);
#endif

namespace emu {

constexpr size_t kPage = 4096;
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = 256 * 1024;   // its red zones make frames several times larger
#else
constexpr size_t kStackBytes = 64 * 1024;
#endif

struct Fiber {
    char* stack = nullptr;            // kStackBytes, with a guard page below; null: the core's own stack
    Thread* thread = nullptr;         // the CUDA thread that it plays
    void (*entry)() = nullptr;
    const void* asan_bottom = nullptr;
    size_t asan_size = 0;
    void* asan_fake_stack = nullptr;
#ifdef EMU_ASSEMBLER_SWITCH
    void* stack_pointer = nullptr;
#else
    ucontext_t context{};
#endif

    Fiber() = default;
    Fiber(const Fiber&) = delete;
    // From now on, a switch to this fiber calls entry on a fresh stack. It must never return.
    void prepare(void (*entry_)()) {
        entry = entry_;
        if (!stack) {
            void* p = mmap(nullptr, kStackBytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED || mprotect(p, kPage, PROT_NONE) != 0) throw system_error("emulator: a stack cannot be mapped");
            stack = static_cast<char*>(p) + kPage;
        }
#if defined(__SANITIZE_ADDRESS__)
        __asan_unpoison_memory_region(stack, kStackBytes);
#endif
        asan_bottom = stack;
        asan_size = kStackBytes;
#ifdef EMU_ASSEMBLER_SWITCH
        // Stacks begin at different offsets, or the same variable of all threads would fall into the same cache set.
        static thread_local unsigned count = 0;
        uintptr_t* top = reinterpret_cast<uintptr_t*>(stack + kStackBytes - 64 - (count++ % 32) * 128);
#if defined(__x86_64__)
        *--top = 0;                                       // entry's return address; entry finds the stack as after a call
        *--top = reinterpret_cast<uintptr_t>(entry);
        for (int i = 0; i < 6; i++) *--top = 0;           // the registers
#else
        top -= 20;
        for (int i = 0; i < 20; i++) top[i] = 0;
        top[11] = reinterpret_cast<uintptr_t>(entry);     // x30, where ret goes
#endif
        stack_pointer = top;
#else
        getcontext(&context);
        context.uc_stack.ss_sp = stack;
        context.uc_stack.ss_size = kStackBytes;
        context.uc_link = nullptr;
        makecontext(&context, entry, 0);
#endif
    }
    bool owns(const void* p) const { return stack && p >= stack - kPage && p < stack + kStackBytes; }
};

// What a fiber does first when it is taken up: tell AddressSanitizer that we have arrived.
// The first switch of a core starts on the core's own stack (first_from), whose place is learned here.
inline void arrived([[maybe_unused]] Fiber& to, [[maybe_unused]] Fiber* first_from) {
#if defined(__SANITIZE_ADDRESS__)
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(to.asan_fake_stack, &bottom, &size);
    if (first_from && !first_from->asan_bottom) first_from->asan_bottom = bottom, first_from->asan_size = size;
#endif
}

inline void switch_fiber(Fiber& from, Fiber& to) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&from.asan_fake_stack, to.asan_bottom, to.asan_size);
#endif
#ifdef EMU_ASSEMBLER_SWITCH
    emu_switch(&from.stack_pointer, to.stack_pointer);
#else
    swapcontext(&from.context, &to.context);
#endif
    arrived(from, nullptr);
}

}  // namespace emu
