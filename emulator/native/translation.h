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
 * cost: the look into the TLB is one comparison for both. Source: DDI 0403E.e A3.2.1, B3.2. And
 * while the Flash Patch unit remaps words of data, a load that is not aligned asks us: it reads
 * memory's own. Source: DDI 0403E.e C1.11.
 *
 * Floating-point contexts: the engine sets FPSCR where one begins, by a call that is ours. Behind
 * it blocks are translated otherwise than without a context, and on a condition it may not be
 * reached: such a block leads on to none of them directly. Source: DDI 0403E.e B1.5.7.
 *
 * MSR is ours, too, for the registers that the engine does not show.
 *
 * What we judge or answer is undefined there, so that it stops: TT; LDRT, STRT and their kind,
 * until their accesses have been judged.
 */
#ifndef EMULATOR_NATIVE_TRANSLATION_H
#define EMULATOR_NATIVE_TRANSLATION_H

#include "core.h"
#include "thumb.h"

/* Of an access, as Unicorn has it: the logarithm of its size, and what its address must be. */
enum { SIZE = 3, OF_8_BYTES = 3, ALIGNED = 7 << 4, ALIGNED_TO_4 = 2 << 4 };
#define ALIGNED_TO(access) (((access) & SIZE) << 4) /* asks us where it is not aligned */
enum { MODE_BITS = 4 };                             /* below an access, where it is made */
enum { LAST_NEXT = 1 };  /* of a block's two exits to another block; higher ones are no such */
enum { SPECIAL = 0xFF }; /* of what MSR writes: which register; the rest says which of its fields */
enum { UNDEFINED = 0xDE00, MAKES_UNDEFINED = 1, MAKES_LDRT_UNDEFINED = 6 << 8 };

void clock_block(void *engine, uint64_t address, uint32_t size, struct clock *clock);

/* Unicorn's own functions. The guest calls `stop_if_asked`, and only it may be its caller: the
 * types of its parameters are those of `clock_block` for that reason. */
struct engine_functions {
    uint32_t (*read_halfword)(void *core, uint32_t address);
    void (*load_32)(void *, void *, void *, uintptr_t, unsigned access);
    void (*load_64)(void *, void *, void *, uintptr_t, unsigned access);
    void (*store_32)(void *, void *, void *, uintptr_t, unsigned access);
    void (*store_64)(void *, void *, void *, uintptr_t, unsigned access);
    void (*call)(void *, void *function, void *result, int count, void **arguments);
    void (*stop_if_asked)(void *engine, uint64_t is_in_delay_slot, uint32_t, struct clock *);
    uint64_t (*load_halfword)(void *core, uint32_t address, uint32_t access, uintptr_t from);
    uint64_t (*load_word)(void *core, uint32_t address, uint32_t access, uintptr_t from);
    void (*branch_64)(void *, unsigned condition, void *, void *, void *label);
    void *(*constant_64)(void *, int64_t value);
    void (*and_64)(void *, void *to, void *, int64_t value);
    void (*choose_64)(void *, unsigned condition, void *to, void *, void *, void *if_so, void *);
    void (*go_to_block)(void *, unsigned exit);
    void (*exit_block)(void *, const void *block, unsigned exit);
    void (*set_fpscr)(void *core, uint32_t value);
    void (*set_special)(void *core, uint32_t special, uint32_t value);
};
static struct engine_functions engine_functions;

/* What this thread's engine does, and the instruction it translates. */
static _Thread_local struct {
    struct core *core;  /* NULL for others */
    int begins_context; /* of this block: it has such a call */
    uint32_t address;   /* of the halfword read last */
    uint16_t first;
    uint16_t second; /* 0 if there is none */
    int is_whole;
} translated;

void set_engine_functions(const struct engine_functions *functions)
{
    engine_functions = *functions;
}

struct core *translate_for(struct core *core)
{
    struct core *const before = translated.core;
    translated.core = core;
    translated.begins_context = 0;
    translated.is_whole = 1; /* a fault may have come between two halfwords */
    return before;
}

void helper_vfp_set_fpscr_arm(void *engine_core, uint32_t value)
{
    const struct core *const core = translated.core;
    engine_functions.set_fpscr(engine_core, core == NULL ? value : fp_begin(core, value));
}

void helper_v7m_msr_arm(void *engine_core, uint32_t special, uint32_t value)
{
    engine_functions.set_special(engine_core, special, value);
    if (translated.core != NULL) {
        core_wrote(translated.core, special & SPECIAL, value);
    }
}

uint32_t unasked;

void tcg_gen_callN_arm(void *t, void *function, void *result, int count, void **arguments)
{
    if (translated.core != NULL && function == (void *)engine_functions.stop_if_asked) {
        unasked++;
        return;
    }
    if (function == (void *)clock_block) { /* before anything else of a block */
        translated.begins_context = 0;
    } else if (function == (void *)helper_vfp_set_fpscr_arm) {
        translated.begins_context = translated.core != NULL;
    }
    engine_functions.call(t, function, result, count, arguments);
}

void tcg_gen_goto_tb_arm(void *t, unsigned exit)
{
    if (!translated.begins_context) {
        engine_functions.go_to_block(t, exit);
    }
}

void tcg_gen_exit_tb_arm(void *t, const void *block, unsigned exit)
{
    const int is_unsure = translated.begins_context && exit <= LAST_NEXT;
    engine_functions.exit_block(t, is_unsure ? NULL : block, is_unsure ? 0 : exit);
}

/* What the engine's core knows and ours does not is undefined: its own halfword says so. So is what
 * the engine would do by an MPU that is not ours. */
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
    if (translated.core == NULL) {
        return halfword;
    }
    if (is_test_target(translated.first, translated.second) ||
        is_lazy_multiple(translated.first, translated.second)) {
        return translated.second | MAKES_UNDEFINED;
    }
    if (!translated.core->is_judged && is_unprivileged(translated.first, translated.second)) {
        return translated.second & ~(uint32_t)MAKES_LDRT_UNDEFINED;
    }
    return translated.second == 0 && is_security_branch(halfword) ? UNDEFINED : halfword;
}

static int must_be_aligned(void)
{
    return translated.core != NULL && (translated.core->traps_unaligned ||
                                       is_always_aligned(translated.first, translated.second));
}

static unsigned aligned(unsigned access)
{
    if (!must_be_aligned() || !(access & SIZE)) {
        return access;
    }
    return access | ((access & SIZE) == OF_8_BYTES ? ALIGNED_TO_4 : ALIGNED);
}

static unsigned aligned_load(unsigned access)
{
    const struct core *const core = translated.core;
    const int asks_us = core != NULL && core->literals.count != 0 && !must_be_aligned();
    return asks_us ? access | ALIGNED_TO(access) : aligned(access);
}

void tcg_gen_qemu_ld_i32_arm(void *t, void *value, void *address, uintptr_t mode, unsigned access)
{
    engine_functions.load_32(t, value, address, mode, aligned_load(access));
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

/* Put memory's own bytes in place of those that a literal comparator shows. */
static uint64_t without_literals(uint64_t value, uint32_t address, unsigned size)
{
    const struct core *const core = translated.core;
    for (unsigned i = 0; core != NULL && i < core->literals.count; i++) {
        const struct literal *literal = &core->literals.words[i];
        for (unsigned n = 0; n < size; n++) {
            const uint32_t at = address + n - literal->address;
            if (at < sizeof(uint32_t)) {
                value &= ~((uint64_t)0xFF << 8 * n);
                value |= (uint64_t)literal->own[at] << 8 * n;
            }
        }
    }
    return value;
}

typedef uint64_t load_function(void *core, uint32_t address, uint32_t access, uintptr_t from);

/* A load that did not find its page, or is not aligned where it asks for us. */
static uint64_t load(load_function *own, unsigned size, void *core, uint32_t address,
                     uint32_t access, uintptr_t from)
{
    const uint32_t asks_us = ALIGNED_TO(access >> MODE_BITS) << MODE_BITS;
    if ((access & (uint32_t)ALIGNED << MODE_BITS) != asks_us || !(address & (size - 1u))) {
        return own(core, address, access, from);
    }
    return without_literals(own(core, address, access & ~asks_us, from), address, size);
}

uint64_t helper_le_lduw_mmu_arm(void *core, uint32_t address, uint32_t access, uintptr_t from)
{
    return load(engine_functions.load_halfword, 2, core, address, access, from);
}

uint64_t helper_le_ldul_mmu_arm(void *core, uint32_t address, uint32_t access, uintptr_t from)
{
    return load(engine_functions.load_word, 4, core, address, access, from);
}

/* The one comparison of STREX and its kind is of the address with the monitor's: where they differ,
 * nothing is stored. An address that is not aligned passes here, for the store to fault. */
void tcg_gen_brcond_i64_arm(void *t, unsigned condition, void *address, void *monitor, void *label)
{
    const uint32_t mask = exclusive_store_mask(translated.first, translated.second);
    if (translated.core != NULL && mask != 0) {
        void *const zero = engine_functions.constant_64(t, 0);
        void *const low = engine_functions.constant_64(t, 0);
        engine_functions.and_64(t, low, address, mask);
        engine_functions.choose_64(t, condition, low, low, zero, monitor, address);
        address = low;
    }
    engine_functions.branch_64(t, condition, address, monitor, label);
}

#endif
