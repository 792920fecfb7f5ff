/*
 * What a block of instructions is to the clock: how many they are, and what of them needs more than
 * counting.
 */
#include <string.h>

#include "blocks.h"
#include "thumb.h"

static const struct region *find_region(const struct clock *clock, uint32_t address)
{
    for (uint32_t i = 0; i < clock->region_count; i++) {
        const struct region *region = &clock->regions[i];
        if (address >= region->begin && address < region->end) {
            return region;
        }
    }
    return NULL;
}

static uint16_t halfword_at(const struct region **region, const struct clock *clock,
                            uint32_t address)
{
    uint16_t halfword = 0;
    if (*region == NULL || address < (*region)->begin || address >= (*region)->end) {
        *region = find_region(clock, address);
    }
    if (*region != NULL) {
        memcpy(&halfword, (*region)->host + (address - (*region)->begin), sizeof halfword);
    }
    return halfword;
}

uint32_t block_instructions(const struct clock *clock, uint32_t address, uint32_t size)
{
    uint32_t instructions = 0;
    const struct region *region = NULL;
    for (const uint32_t end = address + size; address < end; instructions++) {
        address += is_wide(halfword_at(&region, clock, address)) ? 4u : 2u;
    }
    return instructions;
}

static int only_loads(const struct clock *clock, uint32_t address, uint32_t size)
{
    const struct region *region = NULL;
    for (const uint32_t end = address + size; address < end;) {
        const uint16_t first = halfword_at(&region, clock, address);
        const uint16_t second = is_wide(first) ? halfword_at(&region, clock, address + 2u) : 0;
        if (!changes_registers_only(first, second)) {
            return 0;
        }
        address += is_wide(first) ? 4u : 2u;
    }
    return 1;
}

/* Note what a block has that needs more than counting. */
static void find_effects(const struct clock *clock, struct counted *slot)
{
    const uint32_t begin = block_address(slot->key);
    const struct region *region = NULL;
    unsigned conditional = 0, is_first_conditional = 0; /* of the instructions from here on */
    for (uint32_t address = begin; address < begin + block_size(slot->key);) {
        const uint16_t first = halfword_at(&region, clock, address);
        const uint16_t second = is_wide(first) ? halfword_at(&region, clock, address + 2u) : 0;
        slot->effects |= effects_of(first, second);
        if (is_floating_point(first, second)) {
            if (slot->coprocessor_at == 0) {
                slot->coprocessor_at = (uint16_t)(1u + (address - begin) / 2u);
                is_first_conditional = conditional != 0;
            } else {
                slot->is_context_unsure |= is_first_conditional;
            }
        }
        conditional = conditional != 0 ? conditional - 1u : it_length(first);
        address += is_wide(first) ? 4u : 2u;
    }
}

/* Note which words of the remap table a block executes, or may load, in pairs. */
static void find_table(const struct clock *clock, struct counted *slot)
{
    const uint32_t begin = block_address(slot->key), end = begin + block_size(slot->key);
    for (uint8_t i = 0; i < COMPARATORS; i++) {
        const uint32_t word = clock->remapped[i];
        if (clock->is_table_read || (!(word & 1u) && word < end && word + 4u > begin)) {
            slot->first_pair = slot->end_pair == 0 ? i / 2u : slot->first_pair;
            slot->end_pair = i / 2u + 1u;
        }
    }
}

/* Note the pair's place and bytes if there is just one; else two that are never the same. */
static void find_pair(const struct clock *clock, struct counted *slot)
{
    static const uint64_t other = 1;
    slot->pair.now = (const uint8_t *)&other;
    slot->pair.then = 0;
    if (clock->table != NULL && slot->end_pair - slot->first_pair == 1) {
        slot->pair.now = clock->table + 8u * slot->first_pair;
        memcpy(&slot->pair.then, clock->table_copy + 8u * slot->first_pair, sizeof(uint64_t));
    }
}

void block_count(const struct clock *clock, struct counted *slot, uint64_t key)
{
    const uint32_t address = block_address(key), size = block_size(key);
    const struct region *region = find_region(clock, address);
    const int is_stable = region != NULL && region->is_stable;
    *slot = (struct counted){
        .key = key,
        .host = region == NULL ? NULL : region->host + (address - region->begin),
        .instructions = block_instructions(clock, address, size),
        .only_loads = is_stable && only_loads(clock, address, size),
        .is_stable = (uint8_t)is_stable,
    };
    find_effects(clock, slot);
    find_table(clock, slot);
    const unsigned harmless = clock->traps_division ? 0 : DIVIDES;
    if (!is_stable || (slot->effects & ~harmless) != 0 || slot->coprocessor_at != 0) {
        slot->key |= NEEDS_MORE;
    }
    slot->noted = slot->key;
    if (slot->end_pair != 0) {
        slot->key |= SEES_TABLE;
        slot->noted |= slot->only_loads ? 0 : SEES_TABLE;
    }
    if (!is_stable && slot->host != NULL && size <= KEPT_BYTES) {
        memcpy(slot->bytes, slot->host, size);
    } else if (is_stable) {
        find_pair(clock, slot);
    }
}

int block_is_unchanged(const struct counted *slot, uint64_t key)
{
    const uint32_t size = block_size(key);
    return (slot->key & ~KEY_MARKS) == key &&
           (slot->is_stable || (size <= KEPT_BYTES && slot->host != NULL &&
                                memcmp(slot->bytes, slot->host, size) == 0));
}

uint32_t block_first_division(const struct clock *clock, uint32_t address)
{
    const struct region *region = NULL;
    for (;;) {
        const uint16_t first = halfword_at(&region, clock, address);
        if (effects_of(first, halfword_at(&region, clock, address + 2u)) == DIVIDES) {
            return address;
        }
        address += is_wide(first) ? 4u : 2u;
    }
}

uint32_t clock_halfword_at(const struct clock *clock, uint32_t address)
{
    const struct region *region = NULL;
    return halfword_at(&region, clock, address);
}
