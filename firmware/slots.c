/* SPDX-License-Identifier: MIT */
#include "slots.h"

#include "branch.h"
#include "cortex_m.h"
#include "monitor.h"
#include "part.h"
#include "policy.h"
#include "trampoline.h"

#define ALLOCATION FPB_MAX_CODE /* index of the reservation among the blocks */
#define BLOCKS     (FPB_MAX_CODE + 1)

static struct slot slots[FPB_MAX_CODE];
static struct arena_block blocks[BLOCKS];

static struct part_region arena(void)
{
    struct part_region arena = part_arena();
    return (struct part_region){arena.address + POLICY_ARENA_SKIP, arena.size - POLICY_ARENA_SKIP};
}

const struct slot *slots_get(unsigned n)
{
    return &slots[n];
}

unsigned slots_count(void)
{
    return fpb_usable();
}

struct arena_block slots_memory(unsigned n)
{
    return blocks[n];
}

bool slots_allocate(uint32_t size, uint32_t *address)
{
    struct part_region memory = arena();
    struct arena_block block = {.size = size};
    slots_free_allocation();
    if (!arena_place(memory.size, blocks, BLOCKS, size, &block.offset)) {
        return false;
    }
    blocks[ALLOCATION] = block;
    *address = memory.address + block.offset;
    return true;
}

struct arena_block slots_allocation(void)
{
    struct arena_block block = blocks[ALLOCATION];
    block.offset += arena().address;
    return block;
}

void slots_free_allocation(void)
{
    blocks[ALLOCATION] = (struct arena_block){0};
}

uint32_t slots_used_bytes(void)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        used += blocks[i].size;
    }
    return used;
}

uint32_t slots_free_bytes(void)
{
    return arena_free(arena().size, blocks, BLOCKS);
}

static bool is_code(uint32_t original)
{
    /* Four bytes from `original` are replaced, so four must be there. */
    return original >= part_flash.address && original - part_flash.address <= part_flash.size - 4 &&
           (fpb_state().version > 1 || original < FPB_CODE_REGION_END);
}

static bool is_in(struct arena_block block, uint32_t target)
{
    return target - arena().address - block.offset < block.size;
}

static bool is_target(enum slots_mode mode, unsigned n, bool replaces, uint32_t target)
{
    uint32_t address = target & ~1u;
    bool is_ours = is_in(blocks[ALLOCATION], address) || (replaces && is_in(blocks[n], address));
    bool is_flash = address - part_flash.address < part_flash.size;
    return (target & 1u) != 0 && (is_ours || (mode == SLOTS_DIRECT && is_flash));
}

/* Return how many words of flash a patch's comparators match, from the original's own word on. */
static uint32_t words_of(enum slots_mode mode, uint32_t original)
{
    return mode != SLOTS_DEBUGMON && (original & 2u) != 0 && POLICY_HAS_PAIRS ? 2 : 1;
}

/* Find another patch of this function, or one that matches a word this one needs: two comparators
 * on one word is more than the manual defines. */
static enum slots_result check_words(enum slots_mode mode, unsigned n, uint32_t original,
                                     unsigned *other)
{
    uint32_t start = original & ~3u;
    uint32_t end = start + 4 * words_of(mode, original);
    for (unsigned i = 0; i < slots_count(); i++) {
        uint32_t its_start = slots[i].original & ~3u;
        uint32_t its_end = its_start + 4 * words_of(slots[i].mode, slots[i].original);
        if (slots[i].original == 0 || slots[i].first == n) {
            continue;
        }
        *other = slots[i].first;
        if (slots[i].original == original) {
            return SLOTS_ALREADY_PATCHED;
        }
        if (start < its_end && its_start < end && fpb_state().version == 1) {
            return SLOTS_WORD_TAKEN;
        }
    }
    return SLOTS_OK;
}

struct plan { /* what the comparators of a patch will match */
    unsigned numbers[2];
    struct match matches[2];
    unsigned count;
};

static enum slots_result plan_branch(enum slots_mode mode, uint32_t original, uint32_t target,
                                     struct plan *plan)
{
    uint32_t branch = 0;
    uint32_t to = mode == SLOTS_DIRECT ? target & ~1u : trampoline_address(plan->numbers[0]);
    if (!fpb_state().remaps) {
        return SLOTS_NO_REMAP;
    }
    if (!branch_encode(original, to, &branch)) {
        return mode == SLOTS_DIRECT ? SLOTS_OUT_OF_REACH : SLOTS_INVALID_ORIGINAL;
    }
    /* Data reads of a word that an instruction comparator matches return flash itself. */
    const volatile uint32_t *flash = (const volatile uint32_t *)(uintptr_t)(original & ~3u);
    uint32_t own[2] = {flash[0], words_of(mode, original) > 1 ? flash[1] : 0};
    plan->count = match_branch(original, branch, own, plan->matches);
    return SLOTS_OK;
}

/* Choose the second comparator of a pair: the one this patch has already, or a free one. */
static bool find_second(unsigned n, unsigned *second)
{
    bool found = false;
    for (unsigned i = 0; i < slots_count(); i++) {
        bool is_its_own = slots[i].original != 0 && slots[i].first == n;
        if (i != n && (is_its_own || (slots[i].original == 0 && !found))) {
            *second = i;
            found = true;
        }
    }
    return found;
}

static enum slots_result start_monitor(void)
{
    if (POLICY_DPATCH_CLEARS && !monitor_is_on()) {
        fpb_start();
    }
    switch (monitor_start()) {
    case MONITOR_OK:
        break;
    case MONITOR_DEBUGGER:
        return SLOTS_DEBUGGER;
    case MONITOR_ABSENT:
        return SLOTS_NO_MONITOR;
    }
    return SLOTS_OK;
}

/* Everything was checked: let calls of `original` go to `target`. The patch behind it is complete,
 * and the memory of an earlier one is freed after nobody can start it any more. */
static void install(enum slots_mode mode, uint32_t original, uint32_t target,
                    const struct plan *plan)
{
    unsigned n = plan->numbers[0];
    struct slot before = slots[n];
    uint32_t mask = 1u << n | (plan->count > 1 ? 1u << plan->numbers[1] : 0);

    cortex_m_barrier();
    slot_targets[n] = target;
    cortex_m_barrier();
    if (before.original != 0 && before.mode == mode && mode != SLOTS_DIRECT) {
        fpb_enable(mask, true); /* trampoline or monitor read the target: that store was all */
    } else {
        for (unsigned i = 0; i < plan->count; i++) {
            slots[plan->numbers[i]] = (struct slot){original, n, mask, mode};
        }
        fpb_set(before.mask & ~mask, plan->numbers, plan->matches, plan->count);
        for (unsigned i = 0; i < FPB_MAX_CODE; i++) {
            if ((before.mask & ~mask) >> i & 1u) {
                slots[i] = (struct slot){0};
            }
        }
    }
    if (is_in(blocks[ALLOCATION], target & ~1u)) {
        blocks[n] = blocks[ALLOCATION];
        slots_free_allocation();
    } else if (!is_in(blocks[n], target & ~1u)) {
        blocks[n] = (struct arena_block){0};
    }
}

enum slots_result slots_patch(enum slots_mode mode, unsigned n, uint32_t original, uint32_t target,
                              unsigned *other)
{
    struct plan plan = {.numbers = {n}, .count = 1};
    enum slots_result result = SLOTS_OK;

    original &= ~1u;
    if (n >= slots_count()) {
        return SLOTS_NO_SUCH_SLOT;
    }
    if (!is_code(original)) {
        return SLOTS_INVALID_ORIGINAL;
    }
    if (mode == SLOTS_DEBUGMON) {
        plan.matches[0] = match_breakpoint(fpb_state().version, original);
    } else {
        result = plan_branch(mode, original, target, &plan);
    }
    if (result != SLOTS_OK) {
        return result;
    }
    bool replaces = slots[n].original == original && slots[n].first == n;
    if (!replaces && slots[n].original != 0) {
        return SLOTS_IN_USE;
    }
    if (!is_target(mode, n, replaces, target)) {
        return SLOTS_INVALID_TARGET;
    }
    result = check_words(mode, n, original, other);
    if (result == SLOTS_OK && plan.count > 1 && !find_second(n, &plan.numbers[1])) {
        result = SLOTS_NO_PAIR;
    }
    if (result == SLOTS_OK && mode == SLOTS_DEBUGMON) {
        result = start_monitor();
    }
    if (result == SLOTS_OK) {
        install(mode, original, target, &plan);
    }
    return result;
}

/* Whatever the slot's mode is: one that is about to lose its breakpoint has its new mode already.
 */
uint32_t slots_monitored(uint32_t pc)
{
    for (unsigned n = 0; n < FPB_MAX_CODE; n++) {
        if (slots[n].original == pc && slots[n].first == n) {
            return slot_targets[n];
        }
    }
    return 0;
}

enum slots_result slots_enable(uint32_t n, bool enable, unsigned *count)
{
    uint32_t mask = 0;
    *count = 0;
    if (n != SLOTS_ALL && n >= slots_count()) {
        return SLOTS_NO_SUCH_SLOT;
    }
    if (n != SLOTS_ALL && slots[n].original == 0) {
        return POLICY_IS_STRICT ? SLOTS_EMPTY : SLOTS_OK;
    }
    for (unsigned i = 0; i < slots_count(); i++) {
        bool chosen = n == SLOTS_ALL || slots[n].first == i;
        if (chosen && slots[i].original != 0 && slots[i].first == i) {
            mask |= slots[i].mask;
            ++*count;
        }
    }
    fpb_enable(mask, enable);
    return SLOTS_OK;
}

enum slots_result slots_unpatch(uint32_t n)
{
    if (n != SLOTS_ALL && n >= slots_count()) {
        return SLOTS_NO_SUCH_SLOT;
    }
    if (n != SLOTS_ALL && slots[n].original == 0) {
        return SLOTS_EMPTY;
    }
    uint32_t mask = n == SLOTS_ALL ? (1u << slots_count()) - 1 : slots[n].mask;

    fpb_set(mask, NULL, NULL, 0); /* first: until then a call may enter the memory freed below */
    for (unsigned i = 0; i < FPB_MAX_CODE; i++) {
        if ((mask >> i & 1u) != 0) {
            slots[i] = (struct slot){0};
            blocks[i] = (struct arena_block){0};
        }
    }
    if (n == SLOTS_ALL) {
        slots_free_allocation();
    }
    return SLOTS_OK;
}
