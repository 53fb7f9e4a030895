// dev/test/amx_emulator.hpp -- AMX for processors that have none: catches the signal of an illegal instruction, does what Intel's manual
// says the instruction does, and goes on behind it. So the code under test is the code that runs on a Sapphire Rapids, to the byte.
// Known: ldtilecfg, tilerelease, tilezero, tileloadd, tilestored, tdpbf16ps (Intel SDM, volume 2), with any address a compiler makes of them.
// Stricter than the unit: a product of tiles that nobody has filled since ldtilecfg or tilerelease ends the program; so does any other illegal
// instruction. Each thread has registers of its own. Slow: some microseconds an instruction.
#pragma once

#include <ucontext.h>

#include <atomic>
#include <cfloat>
#include <cmath>
#include <csignal>
#include <cstring>

#include "../../kernels/amx.hpp"

#if TRAIN_GPT_PAIRS && defined(__linux__)
namespace amx_emulator {

struct Unit {
    bool shaped = false;
    bool filled[8] = {};
    uint8_t bytes[8][16][64] = {};
};
inline thread_local Unit unit;
inline std::atomic<int64_t> executed = 0;

[[noreturn]] inline void refuse(const char* why) {
    // nothing but write() may be called here
    const char* const lines[] = {"error: AMX emulator: ", why, "\n"};
    for (const char* line : lines)
        if (::write(2, line, std::strlen(line)) < 0) break;
    ::_exit(70);
}

// c += a b over 16 pairs along k: even and odd numbers are sums of their own, subnormal numbers are zero (TDPBF16PS).
inline float flushed(float x) { return std::fabs(x) < FLT_MIN ? 0.0f : x; }
inline void multiply(Unit& u, int c, int a, int b) {
    const auto floats = [&](int tile, float (&out)[2][16][16]) {                            // (odd, row, pair)
        for (int row = 0; row < 16; row++)
            for (int i = 0; i < 32; i++) {
                bf16 x;
                std::memcpy(&x.bits, u.bytes[tile][row] + 2 * i, 2);
                out[i % 2][row][i / 2] = flushed(float(x));
            }
    };
    float left[2][16][16], right[2][16][16];
    floats(a, left), floats(b, right);
    for (int m = 0; m < 16; m++) {
        float sums[2][16] = {}, c_m[16];
        for (int odd = 0; odd < 2; odd++)
            for (int k = 0; k < 16; k++)
                for (int n = 0; n < 16; n++) sums[odd][n] = flushed(left[odd][m][k] * right[odd][k][n] + sums[odd][n]);   // the product is exact
        std::memcpy(c_m, u.bytes[c][m], 64);
        for (int n = 0; n < 16; n++) c_m[n] = flushed(flushed(c_m[n]) + flushed(sums[0][n] + sums[1][n]));
        std::memcpy(u.bytes[c][m], c_m, 64);
    }
}

// The instruction at `code`, with the registers of the thread that met it: its length, or 0 for one that is not ours.
inline int execute(const uint8_t* code, const greg_t* registers) {
    static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                  REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x84) != 0) return 0;        // VEX, 0F 38, W 0, 128 bits
    const int prefix = code[2] & 3, opcode = code[3], mode = code[4] >> 6, reg = code[4] >> 3 & 7, rm = code[4] & 7, vvvv = ~(code[2] >> 3) & 15;
    const int base_high = code[1] & 0x20 ? 0 : 8, index_high = code[1] & 0x40 ? 0 : 8;
    constexpr int kNone = 0, k66 = 1, kF3 = 2, kF2 = 3;
    Unit& u = unit;
    int length = 5;
    uint8_t* address = nullptr;
    int64_t stride = 0;
    if (mode != 3) {
        int base = rm + base_high;
        bool has_base = true;
        uint64_t at = 0;
        if (rm == 4) {                                                                      // base + index << scale
            const int sib = code[length++], index = (sib >> 3 & 7) + index_high;
            base = (sib & 7) + base_high;
            has_base = !((sib & 7) == 5 && mode == 0);
            if (index != 4) stride = int64_t(registers[order[index]]) << (sib >> 6);
        } else if (rm == 5 && mode == 0) {
            has_base = false;                                                               // relative to the next instruction
            at = uint64_t(code) + 9;
        }
        int32_t displacement = 0;
        if (mode == 1) displacement = int8_t(code[length]), length += 1;
        else if (mode == 2 || !has_base) std::memcpy(&displacement, code + length, 4), length += 4;
        if (has_base) at = uint64_t(registers[order[base]]);
        address = reinterpret_cast<uint8_t*>(at + uint64_t(int64_t(displacement)));
    }
    if (opcode == 0x49 && prefix == kNone && mode != 3) {                                   // ldtilecfg
        amx::Shape shape;
        std::memcpy(&shape, address + stride, sizeof(shape));
        const amx::Shape expected;
        if (std::memcmp(&shape, &expected, sizeof(shape)) != 0) refuse("tiles of another shape than 16 rows of 64 bytes");
        u = Unit();
        u.shaped = true;
    } else if (opcode == 0x49 && prefix == kNone && code[4] == 0xC0) {                      // tilerelease
        u = Unit();
    } else if (!u.shaped) {
        refuse("a tile is used before begin() or after end()");
    } else if (opcode == 0x49 && prefix == kF2 && mode == 3) {                              // tilezero
        std::memset(u.bytes[reg], 0, sizeof(u.bytes[reg]));
        u.filled[reg] = true;
    } else if (opcode == 0x4B && (prefix == kF2 || prefix == k66) && mode != 3 && rm == 4) {    // tileloadd, tileloaddt1
        for (int row = 0; row < 16; row++) std::memcpy(u.bytes[reg][row], address + row * stride, 64);
        u.filled[reg] = true;
    } else if (opcode == 0x4B && prefix == kF3 && mode != 3 && rm == 4) {                   // tilestored
        if (!u.filled[reg]) refuse("a tile is stored that nobody has filled");
        for (int row = 0; row < 16; row++) std::memcpy(address + row * stride, u.bytes[reg][row], 64);
    } else if (opcode == 0x5C && prefix == kF3 && mode == 3) {                              // tdpbf16ps
        if (reg == rm || reg == vvvv || rm == vvvv) refuse("a product of a tile with itself");
        if (!u.filled[reg] || !u.filled[rm] || !u.filled[vvvv & 7]) refuse("a product of tiles that nobody has filled");
        multiply(u, reg, rm, vvvv & 7);
    } else {
        return 0;
    }
    executed++;
    return length;
}

inline void on_illegal_instruction(int, siginfo_t*, void* context) {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    int length = execute(reinterpret_cast<const uint8_t*>(registers[REG_RIP]), registers);
    if (length == 0) std::signal(SIGILL, SIG_DFL);                                          // it comes again, and ends the program as it should
    // those that follow at once need no signal of their own, which is what takes the time
    for (; length > 0; length = execute(reinterpret_cast<const uint8_t*>(registers[REG_RIP]), registers)) registers[REG_RIP] += length;
}

// From here on this process has AMX. Before the first kernel.
inline void install() {
    struct sigaction action = {};
    action.sa_sigaction = on_illegal_instruction;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGILL, &action, nullptr);
    amx_is_emulated = true;
}
// Where TRAIN_GPT_ISA asks for a unit that is not there. True: emulated from here on.
inline bool install_where_asked() {
    const char* wanted = std::getenv("TRAIN_GPT_ISA");
    if (!wanted || std::string(wanted) != "amx_bf16" || !has_bf16_instructions() || may_use_amx()) return false;
    install();
    return true;
}

}  // namespace amx_emulator
#endif
