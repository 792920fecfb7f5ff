/* SPDX-License-Identifier: MIT */
#include "slots.h"

#include "branch.h"
#include "cortex_m3.h"
#include "part.h"
#include "trampoline.h"

#define ALLOCATION FPB_MAX_CODE /* index of the reservation among the blocks */
#define BLOCKS     (FPB_MAX_CODE + 1)

static struct slot slots[FPB_MAX_CODE];
static struct arena_block blocks[BLOCKS];

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
    struct part_region arena = part_arena();
    struct arena_block block = {.size = size};
    slots_free_allocation();
    if (!arena_place(arena.size, blocks, BLOCKS, size, &block.offset)) {
        return false;
    }
    blocks[ALLOCATION] = block;
    *address = arena.address + block.offset;
    return true;
}

struct arena_block slots_allocation(void)
{
    struct arena_block block = blocks[ALLOCATION];
    block.offset += part_arena().address;
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
    return arena_free(part_arena().size, blocks, BLOCKS);
}

static bool is_code(uint32_t original)
{
    /* Four bytes from `original` are replaced, so four must be there. */
    return original >= part_flash.address && original - part_flash.address <= part_flash.size - 4 &&
           original < FPB_CODE_REGION_END;
}

static bool holds(struct arena_block block, uint32_t target)
{
    uint32_t offset = (target & ~1u) - part_arena().address;
    return (target & 1u) != 0 && offset - block.offset < block.size;
}

/* Find a patch that matches the word at `word`, be it enabled or not. */
static bool find_matching(uint32_t word, unsigned *other)
{
    for (unsigned i = 0; i < slots_count(); i++) {
        if (slots[i].original != 0 && (fpb_comparator(i) & FPB_COMP_ADDRESS) == word) {
            *other = slots[i].first;
            return true;
        }
    }
    return false;
}

static enum slots_result check_words(uint32_t original, unsigned *other)
{
    for (unsigned i = 0; i < slots_count(); i++) {
        if (slots[i].original == original) {
            *other = slots[i].first;
            return SLOTS_ALREADY_PATCHED;
        }
    }
    /* Two comparators on one word is more than the manual defines. */
    if (find_matching(original & ~3u, other) ||
        ((original & 2u) != 0 && find_matching((original & ~3u) + 4, other))) {
        return SLOTS_WORD_TAKEN;
    }
    return SLOTS_OK;
}

static bool find_free(unsigned except, unsigned *free)
{
    for (unsigned i = 0; i < slots_count(); i++) {
        if (i != except && slots[i].original == 0) {
            *free = i;
            return true;
        }
    }
    return false;
}

/* Move the reservation into slot `n` if `target` lies in it. */
static void take_allocation(unsigned n, uint32_t target)
{
    if (holds(blocks[ALLOCATION], target)) {
        blocks[n] = blocks[ALLOCATION];
        slots_free_allocation();
    }
}

/* A call in progress reads the old target or the new one: this is one store. The code behind the
 * new one is complete, and the memory of the old one is freed after nobody can start it any more.
 */
static void retarget(unsigned n, uint32_t target)
{
    cortex_m3_barrier();
    slot_targets[n] = target;
    cortex_m3_barrier();
    take_allocation(n, target);
}

static void install(unsigned n, unsigned second, uint32_t original, uint32_t target,
                    uint32_t branch)
{
    /* Data reads of a word that an instruction comparator matches return flash itself. */
    const volatile uint16_t *flash = (const volatile uint16_t *)(uintptr_t)original;
    uint32_t mask = 1u << n | 1u << second;

    slot_targets[n] = target;
    if (second == n) {
        fpb_prepare(n, original, branch);
    } else {
        fpb_prepare(n, original - 2, (uint32_t)flash[-1] | branch << 16);
        fpb_prepare(second, original + 2, branch >> 16 | (uint32_t)flash[2] << 16);
        slots[second] = (struct slot){original, n, mask};
    }
    slots[n] = (struct slot){original, n, mask};
    take_allocation(n, target);
    fpb_enable(mask, true);
}

enum slots_result slots_patch(unsigned n, uint32_t original, uint32_t target, unsigned *other)
{
    uint32_t branch = 0;
    unsigned second = n;

    original &= ~1u;
    if (n >= slots_count()) {
        return SLOTS_NO_SUCH_SLOT;
    }
    if (!fpb_state().remaps) {
        return SLOTS_NO_REMAP;
    }
    if (!is_code(original) || !branch_encode(original, trampoline_address(n), &branch)) {
        return SLOTS_INVALID_ORIGINAL;
    }
    bool replaces = slots[n].original == original && slots[n].first == n;
    if (!replaces && slots[n].original != 0) {
        return SLOTS_IN_USE;
    }
    if (!holds(blocks[ALLOCATION], target) && !(replaces && holds(blocks[n], target))) {
        return SLOTS_INVALID_TARGET;
    }
    if (replaces) {
        retarget(n, target);
        fpb_enable(slots[n].mask, true);
        return SLOTS_OK;
    }
    enum slots_result result = check_words(original, other);
    if (result != SLOTS_OK) {
        return result;
    }
    if ((original & 2u) != 0 && !find_free(n, &second)) {
        return SLOTS_NO_PAIR;
    }
    install(n, second, original, target, branch);
    return SLOTS_OK;
}

enum slots_result slots_enable(uint32_t n, bool enable, unsigned *count)
{
    uint32_t mask = 0;
    *count = 0;
    if (n != SLOTS_ALL && n >= slots_count()) {
        return SLOTS_NO_SUCH_SLOT;
    }
    if (n != SLOTS_ALL && slots[n].original == 0) {
        return SLOTS_EMPTY;
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

    fpb_clear(mask); /* first: until then a call may still enter the memory freed below */
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
