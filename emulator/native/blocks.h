/* What blocks.c tells of a block of instructions, and what polling.c does about one. */
#ifndef EMULATOR_NATIVE_BLOCKS_H
#define EMULATOR_NATIVE_BLOCKS_H

#include "clock.h"

static inline uint32_t block_address(uint64_t key)
{
    return (uint32_t)(key & ~KEY_MARKS);
}

static inline uint32_t block_size(uint64_t key)
{
    return (uint32_t)((key & ~KEY_MARKS) >> 32) & 0xFFFu;
}

/* Return how many instructions [address, address + size) has. */
uint32_t block_instructions(const struct clock *clock, uint32_t address, uint32_t size);

/* Count a block anew. */
void block_count(const struct clock *clock, struct counted *slot, uint64_t key);

/* Tell whether a block is still what it was when it was counted. */
int block_is_unchanged(const struct counted *slot, uint64_t key);

/* Return where the first division is of a block that has one. */
uint32_t block_first_division(const struct clock *clock, uint32_t address);

/* polling.c: look whether this block belongs to a loop that polls; if so, count it up to the
 * deadline. */
void block_look(struct clock *clock, void *engine, const struct counted *slot);

#endif
