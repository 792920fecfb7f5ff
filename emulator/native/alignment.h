/*
 * Which loads and stores must be aligned: those of LDM, LDRD and their kind always, all of them
 * while CCR.UNALIGN_TRP is set. Source: DDI 0403E.e A3.2.1, B3.2.
 *
 * Unicorn makes every unaligned access. But what it translates a load or a store to can fault where
 * the address is not aligned, and at no cost: the look into the TLB is one comparison for both. So
 * the functions by which it reads an instruction and translates an access are ours: it finds them
 * in place of its own, as `check_exit_request_arm`, and they ask its own to do the work. Where it
 * does not find them, unaligned accesses are made.
 */
#ifndef EMULATOR_NATIVE_ALIGNMENT_H
#define EMULATOR_NATIVE_ALIGNMENT_H

#include "thumb.h"

/* Of an access, as Unicorn has it: the logarithm of its size, and what its address must be. */
enum { SIZE = 3, OF_8_BYTES = 3, ALIGNED = 7 << 4, ALIGNED_TO_4 = 2 << 4 };

/* Unicorn's own functions. */
struct engine_functions {
    uint32_t (*read_halfword)(void *core, uint32_t address);
    void (*load_32)(void *, void *, void *, uintptr_t, unsigned access);
    void (*load_64)(void *, void *, void *, uintptr_t, unsigned access);
    void (*store_32)(void *, void *, void *, uintptr_t, unsigned access);
    void (*store_64)(void *, void *, void *, uintptr_t, unsigned access);
};
static struct engine_functions engine_functions;

/* What this thread's engine does, and the instruction it translates. */
static _Thread_local struct {
    int traps_unaligned;
    uint32_t address; /* of the halfword read last */
    uint16_t first;
    uint16_t second; /* 0 if there is none */
    int is_whole;
} translated;

void set_engine_functions(const struct engine_functions *functions)
{
    engine_functions = *functions;
}

/* Say whether the engine that this thread runs next traps every unaligned access. */
void trap_unaligned(int is_on)
{
    translated.traps_unaligned = is_on;
    translated.is_whole = 1; /* a fault may have come between two halfwords */
}

uint32_t cpu_lduw_code_arm(void *core, uint32_t address)
{
    const uint16_t halfword = (uint16_t)engine_functions.read_halfword(core, address);
    if (address == translated.address + 2u && !translated.is_whole) {
        translated.second = halfword;
        translated.is_whole = 1;
    } else {
        translated.first = halfword;
        translated.second = 0;
        translated.is_whole = !is_wide(halfword);
    }
    translated.address = address;
    return halfword;
}

static unsigned aligned(unsigned access)
{
    const int must_be =
        translated.traps_unaligned || is_always_aligned(translated.first, translated.second);
    if (!must_be || !(access & SIZE)) {
        return access;
    }
    return access | ((access & SIZE) == OF_8_BYTES ? ALIGNED_TO_4 : ALIGNED);
}

void tcg_gen_qemu_ld_i32_arm(void *t, void *value, void *address, uintptr_t mode, unsigned access)
{
    engine_functions.load_32(t, value, address, mode, aligned(access));
}

void tcg_gen_qemu_ld_i64_arm(void *t, void *value, void *address, uintptr_t mode, unsigned access)
{
    engine_functions.load_64(t, value, address, mode, aligned(access));
}

void tcg_gen_qemu_st_i32_arm(void *t, void *value, void *address, uintptr_t mode, unsigned access)
{
    engine_functions.store_32(t, value, address, mode, aligned(access));
}

void tcg_gen_qemu_st_i64_arm(void *t, void *value, void *address, uintptr_t mode, unsigned access)
{
    engine_functions.store_64(t, value, address, mode, aligned(access));
}

#endif
