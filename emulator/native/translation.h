/*
 * What Unicorn translates otherwise for us: its functions that read an instruction and emit a call
 * or an access are ours. This library is loaded before it, so it finds them in place of its own,
 * which they ask to do the work. Where it does not find them, all is as it was: slower, and
 * unaligned accesses are made. Other engines of the process are left alone.
 *
 * Calls: the guest asks at the beginning of each block, and behind each load and store, whether to
 * stop. Ours stops before a block, where `clock_block` looks anyway, or by a fault: there is
 * nothing to ask, and asking takes a third of the time.
 *
 * Accesses: those of LDM, LDRD and their kind must always be aligned, all of them while
 * CCR.UNALIGN_TRP is set. What an access is translated to can fault where it is not, and at no
 * cost: the look into the TLB is one comparison for both. Source: DDI 0403E.e A3.2.1, B3.2.
 */
#ifndef EMULATOR_NATIVE_TRANSLATION_H
#define EMULATOR_NATIVE_TRANSLATION_H

#include "thumb.h"

/* Of an access, as Unicorn has it: the logarithm of its size, and what its address must be. */
enum { SIZE = 3, OF_8_BYTES = 3, ALIGNED = 7 << 4, ALIGNED_TO_4 = 2 << 4 };

struct clock;

/* Unicorn's own functions. The guest calls the last one, and only it may be its caller: the types
 * of its parameters are those of `clock_block` for that reason. */
struct engine_functions {
    uint32_t (*read_halfword)(void *core, uint32_t address);
    void (*load_32)(void *, void *, void *, uintptr_t, unsigned access);
    void (*load_64)(void *, void *, void *, uintptr_t, unsigned access);
    void (*store_32)(void *, void *, void *, uintptr_t, unsigned access);
    void (*store_64)(void *, void *, void *, uintptr_t, unsigned access);
    void (*call)(void *, void *function, void *result, int count, void **arguments);
    void (*stop_if_asked)(void *engine, uint64_t is_in_delay_slot, uint32_t, struct clock *);
};
static struct engine_functions engine_functions;

/* What this thread's engine does, and the instruction it translates. */
static _Thread_local struct {
    int is_ours;
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

/* Say that this thread runs an engine of ours, and whether that traps every unaligned access. */
void translate_for_us(int traps_unaligned)
{
    translated.is_ours = 1;
    translated.traps_unaligned = traps_unaligned;
    translated.is_whole = 1; /* a fault may have come between two halfwords */
}

void translate_for_others(void)
{
    translated.is_ours = translated.traps_unaligned = 0;
}

uint32_t unasked; /* how many of these calls have been left out */

void tcg_gen_callN_arm(void *t, void *function, void *result, int count, void **arguments)
{
    if (translated.is_ours && function == (void *)engine_functions.stop_if_asked) {
        unasked++;
    } else {
        engine_functions.call(t, function, result, count, arguments);
    }
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
    if (!translated.is_ours || !must_be || !(access & SIZE)) {
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
